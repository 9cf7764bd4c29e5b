"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.no_skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

REPO = Path(__file__).resolve().parents[1]


def require(present: bool, what: str) -> None:
    """Skip where a part is missing on a user's machine; in CI that is a failure."""
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and in CI nothing may be skipped")
    pytest.skip(f"{what} is not on this machine")


def named(value: object) -> str:
    """Of a test, the same in every process."""
    return getattr(value, "__name__", None) or str(value)


@pytest.fixture(autouse=True, scope="session")
def _users_calibration_stays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither see nor correct what the user has measured."""
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("calibration") / "none.json"
        patch.setenv("HPCFLOW_LUMI_CALIBRATION", str(place))
        yield


@pytest.fixture(scope="session")
def repo() -> Path:
    """The checkout."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The shared recordings with known ground truth; not all of them may be shipped."""
    named = os.environ.get("HPCFLOW_LUMI_SHARED_DATA")
    folder = Path(named) if named else REPO.parent / "shared" / "data"
    require((folder / "README.md").is_file(), f"the folder of shared recordings ({folder})")
    return folder
