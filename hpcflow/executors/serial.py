"""One loop in this process: the definition of what every other executor must do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from hpcflow.run.commit import Committer
from hpcflow.run.context import RunContext
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Range
from hpcflow.run.worker import run_blocks, worker_name


class SerialExecutor:
    """Computes blocks one after another."""

    def compute(
        self, folder: RunFolder, stage: str, blocks: Sequence[Range], advance: Callable[[int], None]
    ) -> None:
        """Compute block ranges in this process."""
        committer = Committer(folder, worker_name("serial"))
        numbers: Iterable[int] = (block for start, stop in blocks for block in range(start, stop))
        numbers = takewhile(lambda _: not folder.stop_file.exists(), numbers)
        run_blocks(RunContext(folder), stage, numbers, committer, lambda _: advance(1))
