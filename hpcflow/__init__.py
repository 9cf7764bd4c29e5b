"""hpcflow: batch analytics on supercomputers.

>>> import hpcflow
>>> run = hpcflow.load("workflows/power_session.yaml").run()        # doctest: +SKIP
>>> run.results()["session"].normalized_power                       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hpcflow_lumi
from hpcflow._version import __version__

hpcflow_lumi.guard()

if TYPE_CHECKING:
    from hpcflow.errors import (
        DataError,
        HpcflowError,
        PlanError,
        Problem,
        RequestError,
        RunError,
        SlurmError,
        StoreError,
        WorkflowError,
    )
    from hpcflow.face import Plan, Run, Workflow, load, open_run

__all__ = [
    "DataError",
    "HpcflowError",
    "Plan",
    "PlanError",
    "Problem",
    "RequestError",
    "Run",
    "RunError",
    "SlurmError",
    "StoreError",
    "Workflow",
    "WorkflowError",
    "__version__",
    "load",
    "open_run",
]

_FACE = ("Plan", "Run", "Workflow", "load", "open_run")


def __getattr__(name: str) -> Any:
    # Looked up when asked for, so that `hpcflow --help` and a worker import no more than they use.
    if name not in __all__:
        raise AttributeError(f"module 'hpcflow' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("hpcflow.face" if name in _FACE else "hpcflow.errors"), name)


def __dir__() -> list[str]:
    return list(__all__)
