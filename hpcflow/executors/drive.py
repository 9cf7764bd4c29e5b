"""Run a plan's stages in order on whatever can compute blocks. The serial executor is the definition."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from hpcflow.errors import RequestError, RunError
from hpcflow.run.finish import finish
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, Range, length


class Executor(Protocol):
    """Computes blocks of one stage, in any order, and returns when all have their receipts."""

    def compute(
        self, folder: RunFolder, stage: str, blocks: Sequence[Range], advance: Callable[[int], None]
    ) -> None:
        """Compute block ranges; call `advance` with a number of blocks as they are done."""
        ...


class Observer(Protocol):
    """Who is told how a run goes."""

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage begins, with so many of its blocks done already."""
        ...

    def advance(self, blocks: int) -> None:
        """Blocks of the stage are done."""
        ...


class Silent:
    """Tells nobody."""

    def stage(self, name: str, total: int, done: int) -> None:
        """Ignore."""

    def advance(self, blocks: int) -> None:
        """Ignore."""


def execute(
    folder: RunFolder,
    executor: Executor,
    observer: Observer | None = None,
    stages: Sequence[str] | None = None,
) -> None:
    """Compute whatever has no receipt yet, stage by stage, and close the run.

    Parameters
    ----------
    stages
        Only these, and the run stays open; all of them where it is None.

    Raises
    ------
    RunError
        When blocks of a stage failed: the stages after it are not started. Everything done stays done.
    """
    observer = observer or Silent()
    with alone(folder):
        _execute(folder, executor, observer, stages)


def _execute(folder: RunFolder, executor: Executor, observer: Observer, stages: Sequence[str] | None) -> None:
    for stage in folder.cut["stages"]:
        name = stage["name"]
        if stages is not None and name not in stages:
            continue
        todo = Ledger(folder).remaining(name, retry_failed=True)
        observer.stage(name, stage["blocks"], stage["blocks"] - length(todo))
        if todo:
            if folder.stop_file.exists():
                raise RunError(f"stopped before stage {name}: `hpcflow resume {folder.path.name}` goes on")
            executor.compute(folder, name, todo, observer.advance)
            check_complete(folder, name)
    if stages is None:
        finish(folder)


@contextmanager
def alone(folder: RunFolder) -> Iterator[None]:
    """Hold a run, so that two commands do not compute it at once.

    Raises
    ------
    RequestError
        If another process holds it.
    """
    with open(folder.path / "lock", "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(
                f"another process computes {folder.path.name} already: wait for it, or stop it"
            ) from None
        except OSError:
            pass  # a file system without locks: two processes would only do the same work twice
        yield


def check_complete(folder: RunFolder, stage: str) -> None:
    """Believe receipts, not return values.

    Raises
    ------
    RunError
        Naming the blocks that failed and why.
    """
    ledger = Ledger(folder)
    if ledger.complete(stage):
        return
    if folder.stop_file.exists():
        raise RunError(f"stopped in stage {stage}: `hpcflow resume {folder.path.name}` goes on")
    failures = ledger.failures(stage)
    left = length(ledger.remaining(stage))
    lines = [
        f"stage {stage}: {len(failures)} of {ledger.stages[stage]} blocks failed, {left} were not computed"
    ]
    lines += [f"    block {block}: {reason}" for block, reason in list(failures.items())[:5]]
    raise RunError("\n".join(lines))
