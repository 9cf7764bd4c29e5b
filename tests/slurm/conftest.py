"""Fakes of Slurm's programs, and a real Slurm for tests that are marked so."""

from __future__ import annotations

import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpcflow.run.folder import RunFolder
from hpcflow.site import load_site
from hpcflow.slurm import testbed
from hpcflow.slurm.compile import compile_run
from hpcflow.slurm.jobs import Options, StageNeed
from hpcflow.slurm.needs import Form
from hpcflow.slurm.schedule import Schedule
from hpcflow.slurm.script import Place
from tests.conftest import REPO, require
from tests.slurm.fake import FakeSlurm
from tests.slurm.stub_run import make_run

Make = Callable[..., tuple[RunFolder, Schedule]]
PROGRAM = Path(__file__).with_name("fake_programs.py")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """`sbatch`, `squeue`, `sacct`, `scancel` and `scontrol` that keep a queue in a folder."""
    place = tmp_path / "fake"
    place.mkdir()
    text = f"#!{sys.executable}\n{PROGRAM.read_text()}"
    for name in ("sbatch", "squeue", "sacct", "scancel", "scontrol"):
        program = place / name
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    monkeypatch.setenv("SBATCH_PARTITION", "wrong")
    return FakeSlurm(place)


def _bed(**options: object) -> Iterator[testbed.Testbed]:
    accounting = bool(options.get("accounting"))
    missing = testbed.missing_programs(accounting=accounting)
    require(not missing, f"Slurm ({', '.join(missing)})")
    parent = Path(tempfile.mkdtemp(prefix="tb", dir="/tmp"))
    try:
        with testbed.testbed(parent / "s", **options) as bed:
            yield bed
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture(scope="session")
def _session_bed() -> Iterator[testbed.Testbed]:
    yield from _bed(nodes={"cpu": 2, "gpu": 1})


@pytest.fixture
def bed(_session_bed: testbed.Testbed, monkeypatch: pytest.MonkeyPatch) -> testbed.Testbed:
    """A Slurm without accounting, shared by the tests of a session."""
    monkeypatch.setenv("SLURM_CONF", str(_session_bed.conf))
    return _session_bed


@pytest.fixture(scope="session")
def _session_bed_with_accounting() -> Iterator[testbed.Testbed]:
    yield from _bed(nodes={"cpu": 2}, accounting=True, submitted={"small": 6})


@pytest.fixture
def bed_with_accounting(
    _session_bed_with_accounting: testbed.Testbed, monkeypatch: pytest.MonkeyPatch
) -> testbed.Testbed:
    """A Slurm with accounting, and at most six jobs in the queue of `small`."""
    monkeypatch.setenv("SLURM_CONF", str(_session_bed_with_accounting.conf))
    return _session_bed_with_accounting


@pytest.fixture
def import_path() -> tuple[str, ...]:
    """What a job must import from while the package is not installed."""
    return (str(REPO), str(REPO / "kernels"))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter whose agents have stub workers."""
    program = tmp_path / "python"
    agent = Path(__file__).with_name("stub_agent.py")
    program.write_text(
        "#!/bin/bash\n"
        "if [[ ${2-} == hpcflow.run.agent ]]; then shift 2; set -- " + f"'{agent}'" + ' "$@"; fi\n'
        f'exec {sys.executable} "$@"\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def make(tmp_path: Path, python: Path, import_path: tuple[str, ...]) -> Make:
    """Compile a run of stub blocks, on mini-lumi unless told otherwise."""

    def build(
        name: str,
        stages: dict[str, int],
        site: str = "mini-lumi",
        forms: dict[str, Form] | None = None,
        **options: object,
    ) -> tuple[RunFolder, Schedule]:
        folder = make_run(tmp_path / name, stages)
        names = list(stages)
        needs = [
            StageNeed(
                *(stage, stages[stage], tuple(names[max(0, i - 1) : i]), 64 * 2**20, 0.01, 0.1),
                form=(forms or {}).get(stage, "workers"),
            )
            for i, stage in enumerate(names)
        ]
        place = Place(str(folder.path), str(python), import_path, "0")
        given = Options(**{"workers": 2, **options})  # type: ignore[arg-type]
        return folder, compile_run(folder, needs, load_site(site), given, place)

    return build
