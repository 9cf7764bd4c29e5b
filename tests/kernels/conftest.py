"""Marks that SciPy's own test modules use, so that they can be imported and run on our functions."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    for mark in (
        "array_api_backends",
        "fail_asan",
        "fail_slow",
        "parallel_threads_limit",
        "skip_xp_backends",
        "slow",
        "thread_unsafe",
        "xfail_on_32bit",
        "xfail_xp_backends",
        "xslow",
    ):
        config.addinivalue_line("markers", f"{mark}: SciPy's, without meaning here")
