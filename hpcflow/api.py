"""From a workflow file to a run, in three calls; what the command line does, a program can do.

>>> asked = ask("workflows/bearing_condition.yaml")            # doctest: +SKIP
>>> folder = start(asked, runs=Path("runs"))                    # doctest: +SKIP
>>> compute(folder, executor="dask", workers=8)                 # doctest: +SKIP
>>> open_results(folder)["diagnosis"]                           # doctest: +SKIP
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcflow.errors import RequestError
from hpcflow.executors.drive import Observer, execute
from hpcflow.results import open_results, open_step
from hpcflow.run.folder import RunFolder, find_run

if TYPE_CHECKING:
    from hpcflow.plan.layout import Layout
    from hpcflow.plan.model import Cut
    from hpcflow.plan.records import RecordTable
    from hpcflow.run.prepare import DatasetRequest
    from hpcflow.workflow.model import DatasetSpec, WorkflowSpec

__all__ = ["Asked", "ask", "compute", "find_run", "open_results", "open_step", "start"]


@dataclass(frozen=True)
class Asked:
    """A workflow with its data looked at and its cut decided; nothing has been written.

    Attributes
    ----------
    spec, cut
        What was asked, what is decided.
    tables
        Record table of each dataset.
    requests
        Where each dataset lies on this machine.
    aside
        (file, reason) of files that the scan could not use.
    warnings
        What is allowed but looks like a slip.
    layouts, read_bytes
        As `compile_cut` takes them.
    """

    spec: WorkflowSpec
    cut: Cut
    tables: Mapping[str, RecordTable]
    requests: Mapping[str, DatasetRequest]
    aside: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    layouts: Mapping[str, Layout] = field(default_factory=dict, repr=False)
    read_bytes: Mapping[str, int] = field(default_factory=dict, repr=False)


def ask(
    workflow: str | os.PathLike[str],
    settings: Sequence[str] = (),
    *,
    block_bytes: int | None = None,
    only: Sequence[str] = (),
    limit: int | None = None,
) -> Asked:
    """Check a workflow, scan its datasets, decide the cut.

    Parameters
    ----------
    workflow
        The file.
    settings
        As `--set` takes them: ``name=YAML``.
    block_bytes
        Bytes of input per block; planning decides where it is None.
    only, limit
        A pilot: records whose id contains one of these texts; at most so many records per dataset.

    Raises
    ------
    WorkflowError
        With every problem of the file.
    """
    from hpcflow.data.readers.registry import reader_names
    from hpcflow.plan.compile import compile_cut
    from hpcflow.workflow.load import load_workflow

    spec = load_workflow(workflow, settings, readers=reader_names())
    if block_bytes:
        spec = replace(spec, run=replace(spec.run, block_bytes=block_bytes))
    tables: dict[str, RecordTable] = {}
    layouts: dict[str, Layout] = {}
    read_bytes: dict[str, int] = {}
    requests: dict[str, DatasetRequest] = {}
    aside: list[tuple[str, str]] = []
    warnings: list[str] = [str(problem) for problem in spec.warnings]
    homes = _walked(spec)
    for dataset in _used(spec):
        found = _look_at(spec, dataset)
        tables[dataset.name] = _pilot(found.table, only, limit) if dataset.name in homes else found.table
        requests[dataset.name] = found.request
        layouts[dataset.name] = found.layout
        read_bytes[dataset.name] = found.read_bytes
        aside += found.aside
        warnings += found.warnings
    cut = compile_cut(spec, tables, layouts, read_bytes)
    return Asked(spec, cut, tables, requests, tuple(aside), (*warnings, *cut.notes), layouts, read_bytes)


def whole_cut(asked: Asked) -> Cut:
    """The cut of all records, of which the one asked for may be a pilot's."""
    from hpcflow.plan.compile import compile_cut
    from hpcflow.plan.pilot import everything

    tables = {name: everything(table) for name, table in asked.tables.items()}
    return compile_cut(asked.spec, tables, asked.layouts, asked.read_bytes)


def _used(spec: WorkflowSpec) -> list[DatasetSpec]:
    """Datasets that some step reads."""
    read = {ref.source for step in spec.steps for ref in step.inputs.values()}
    return [dataset for dataset in spec.datasets if dataset.name in read]


def _walked(spec: WorkflowSpec) -> set[str]:
    """Datasets whose records steps run over; others are held whole, and a pilot leaves them as they are."""
    from hpcflow.plan.inputs import needed
    from hpcflow_kernels import get
    from hpcflow_kernels.ports import port_of

    return {
        ref.source
        for step in needed(spec)
        for key, ref in step.inputs.items()
        if not any(port.whole for port in get(step.kernel).ports if port.name == port_of(key))
    }


@dataclass(frozen=True)
class _Look:
    table: RecordTable
    layout: Layout
    request: DatasetRequest
    aside: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    read_bytes: int


def _look_at(spec: WorkflowSpec, dataset: DatasetSpec) -> _Look:
    from hpcflow.data.look import look_at_files, look_at_zarr
    from hpcflow.run.prepare import DatasetRequest

    if dataset.zarr is not None:
        found = look_at_zarr(spec, dataset)
    else:
        found = look_at_files(spec, dataset)
    request = DatasetRequest(found.folder, found.store, dataset.reader or "", dataset.options)
    return _Look(found.table, found.layout, request, found.aside, found.warnings, found.read_bytes)


def _pilot(table: RecordTable, only: Sequence[str], limit: int | None) -> RecordTable:
    """Keep some records and put the others aside, so that their places on the axis do not move."""
    if not only and limit is None:
        return table
    import numpy as np

    from hpcflow.plan.axes import live
    from hpcflow.plan.records import LEFT_OUT

    index = live(table)
    if only:
        index = np.array([i for i in index if any(text in str(table.ids[i]) for text in only)], np.int64)
        if not len(index):
            raise RequestError(
                f"no record's id contains {' or '.join(only)}: `hpcflow data describe` lists them"
            )
    index = index[:limit]
    status = table.status.copy()
    status[np.setdiff1d(live(table), index)] = LEFT_OUT
    return replace(table, status=status)


def start(asked: Asked, runs: Path) -> RunFolder:
    """Create the run's folder, or return to the one that has the same cut."""
    from hpcflow.run.prepare import prepare_run

    extra: dict[str, Any] = {
        "workflow": str(Path(asked.spec.file).absolute()),
        "settings": list(asked.spec.overrides),
        "aside": [list(item) for item in asked.aside],
        "warnings": list(asked.warnings),
        "duplicates": [
            [str(table.ids[i]), str(table.reason[i])]
            for table in asked.tables.values()
            for i in range(len(table))
            if table.status[i] == 2
        ],
    }
    return prepare_run(runs, asked.cut, asked.tables, asked.requests, asked.spec.source, extra)


def compute(
    folder: RunFolder,
    executor: str = "serial",
    workers: int = 1,
    observer: Observer | None = None,
    stages: Sequence[str] | None = None,
) -> None:
    """Compute what is left of a run.

    Parameters
    ----------
    executor
        `serial`, `dask`, or the address of a Dask scheduler (``tcp://…``).
    stages
        Only these stages; the run stays open.

    Raises
    ------
    RunError
        If blocks failed.
    PlanError
        If one worker alone needs more memory than there is.
    """
    from hpcflow.plan.memory import check_memory
    from hpcflow.plan.model import Cut

    if "://" not in executor:
        check_device(folder, stages)
        workers = workers_that_fit(folder, workers)
        check_memory(Cut.from_dict(folder.cut), available_memory(), "this machine", workers)
    if executor == "serial":
        from hpcflow.executors.serial import SerialExecutor

        execute(folder, SerialExecutor(), observer, stages)
        return
    from hpcflow.executors.dask import DaskExecutor

    if executor != "dask" and "://" not in executor:
        raise RequestError(
            f"an executor is serial, dask or a scheduler's address (tcp://host:port), not {executor!r}"
        )
    with DaskExecutor(workers, None if executor == "dask" else executor) as cluster:
        execute(folder, cluster, observer, stages)


def check_device(folder: RunFolder, stages: Sequence[str] | None = None) -> None:
    """Refuse a run that needs a GPU, where there is none, before its first block.

    Parameters
    ----------
    stages
        Only these are to be computed.

    Raises
    ------
    RequestError
        With what to do.
    """
    if not needs_device(folder, stages):
        return
    from hpcflow_kernels.arrays.namespace import NoDeviceError, place

    try:
        place()
    except NoDeviceError as error:
        raise RequestError(str(error)) from None


def needs_device(folder: RunFolder, stages: Sequence[str] | None = None) -> bool:
    """Whether something is left to compute on a GPU, of some stages or of all."""
    from hpcflow.run.ledger import Ledger

    ledger = Ledger(folder)
    names = [stage["name"] for stage in folder.cut["stages"] if stage.get("device")]
    return not all(ledger.complete(name) for name in names if stages is None or name in stages)


def device_here(asked: Asked) -> str:
    """Where this machine computes what a workflow puts on a GPU, in one line; "" where nothing is.

    Raises
    ------
    WorkflowError
        At the place in the file that asks for a GPU, where this machine sees none.
    """
    steps = [step.name for step in asked.cut.steps if step.backend == "array"]
    if not steps:
        return ""
    from hpcflow.errors import WorkflowError
    from hpcflow_kernels.arrays.namespace import NoDeviceError, place

    try:
        return f"device gpu: this machine computes {', '.join(steps)} with {place()}"
    except NoDeviceError as error:
        rule = f"this machine cannot compute {', '.join(steps)} on a GPU"
        raise WorkflowError([asked.spec.problem("run.device", rule, "gpu", str(error))]) from None


def available_memory() -> int:
    """Bytes that processes of this machine (or of this job's memory group) may still take."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        free = min(free, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return free


def workers_that_fit(folder: RunFolder, workers: int) -> int:
    """As many of the workers as memory allows by the plan's bounds, at least one."""
    from hpcflow.plan.memory import machine_bytes
    from hpcflow.plan.model import Cut

    stages, free = Cut.from_dict(folder.cut).stages, available_memory()
    fitting = (n for n in range(workers, 1, -1) if all(machine_bytes(s, n) <= free for s in stages))
    return next(fitting, 1)
