"""What has happened: results as xarray objects, records that were set aside, time and efficiency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpcflow.errors import RequestError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger

if TYPE_CHECKING:
    import xarray


def open_step(folder: RunFolder, step: str) -> xarray.Dataset:
    """Results of one saved step.

    Raises
    ------
    RequestError
        If the step is not among the saved ones, or not computed yet.
    """
    from hpcflow.data.opened import open_store

    saved = [s["name"] for s in folder.cut["steps"] if s["saved"]]
    if step not in saved:
        raise RequestError(f"run {folder.path.name} saves no step {step!r}; it saves {', '.join(saved)}")
    store = folder.step_store(step, True)
    if not (store / "zarr.json").is_file():
        raise RequestError(
            f"step {step} of run {folder.path.name} is not computed yet: `hpcflow status` tells more"
        )
    return open_store(store)


def open_results(folder: RunFolder) -> dict[str, xarray.Dataset]:
    """All saved steps by name."""
    return {s["name"]: open_step(folder, s["name"]) for s in folder.cut["steps"] if s["saved"]}


@dataclass(frozen=True)
class StageTimes:
    """What a stage cost, from its receipts.

    Attributes
    ----------
    seconds
        Worker time over all blocks; of ranks that compute a block together, that of each.
    start, end
        Unix times of the first and the last commit; None where the stage computed nothing.
    samples, computed, reused
        Input samples read; records computed and records taken over.
    workers
        Processes and ranks that took part.
    memory_bytes
        Largest peak of a worker.
    """

    name: str
    blocks: int
    done: int
    failed: int
    seconds: float
    start: float | None
    end: float | None
    samples: int
    computed: int
    reused: int
    workers: int
    memory_bytes: int


def stage_times(folder: RunFolder, ledger: Ledger | None = None) -> Iterator[StageTimes]:
    """Times of every stage, in the order of the plan."""
    ledger = ledger or Ledger(folder)
    for name in ledger.stages:
        receipts = [r for r in ledger.receipts(name) if "worker" in r and "failed" not in r]
        counts = ledger.counts(name)
        yield StageTimes(
            name=name,
            blocks=counts.total,
            done=counts.done,
            failed=counts.failed,
            seconds=sum(r["seconds"] * r.get("ranks", 1) for r in receipts),
            start=min((r["end"] - r["seconds"] for r in receipts), default=None),
            end=max((r["end"] for r in receipts), default=None),
            samples=sum(r["samples"] for r in receipts),
            computed=sum(r["computed"] for r in receipts),
            reused=sum(r["reused"] for r in receipts),
            workers=sum({r["worker"]: r.get("ranks", 1) for r in receipts}.values()),
            memory_bytes=max((r["memory_bytes"] for r in receipts), default=0),
        )


def set_aside(folder: RunFolder, ledger: Ledger | None = None) -> list[tuple[str, str]]:
    """(record or file, reason) of everything set aside, by the scan and by the run."""
    ledger = ledger or Ledger(folder)
    scanned: list[Any] = folder.request.get("aside", [])
    return [(str(name), str(reason)) for name, reason in scanned] + sorted(ledger.aside().items())
