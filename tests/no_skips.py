"""In CI a test of Slurm, MPI, the browser or the shared recordings that is skipped has failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

NEVER_SKIPPED = ("slurm", "mpi", "browser", "shared_data")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: object) -> Iterator[None]:
    """Turn such a skip into a failure that gives the reason of the skip."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    needs = [n for n in NEVER_SKIPPED if item.get_closest_marker(n) or n in getattr(item, "fixturenames", ())]
    if needs and not item.get_closest_marker("machine"):
        report.outcome = "failed"
        report.longrepr = (
            f"needs {', '.join(needs)} and was skipped, which CI does not allow: {reason(report)}"
        )


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """A module that skips itself hides which tests it had: never in CI."""
    outcome: Any = yield
    report: pytest.CollectReport = outcome.get_result()
    if os.environ.get("CI") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} skipped itself, which CI does not allow: {reason(report)}"


def reason(report: Any) -> str:
    """Why a test was skipped."""
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
