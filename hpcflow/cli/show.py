"""Text for terminals: tables, progress, plain where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], right: Sequence[int] = ()) -> str:
    """Aligned columns; those in `right` are right-aligned."""
    texts = [list(map(str, head)), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in texts) for i in range(len(head))]
    lines = []
    for row in texts:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def count(number: int, noun: str) -> str:
    """``1 block``, ``2 blocks``.

    >>> count(1, "block"), count(1200, "block")
    ('1 block', '1,200 blocks')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


class Bar:
    """Progress of a run: a bar with rate and time left on a terminal, a line per stage elsewhere."""

    def __init__(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        self.seen = 0
        self.live = sys.stderr.isatty()
        self._progress: Progress | None = None
        self._task: Any = None
        self._stage = ""
        self._since = time.monotonic()
        self._blocks = 0

    def __enter__(self) -> Bar:
        if self.live:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("blocks"),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._progress.start()
            self._task = self._progress.add_task("start", total=self.total, completed=self.done, rate="")
        return self

    def __exit__(self, *_: object) -> None:
        self._close_stage()
        if self._progress is not None:
            self._progress.stop()

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage begins."""
        self._close_stage()
        self._stage, self._blocks, self._since = name, 0, time.monotonic()
        if self._progress is not None:
            self._progress.update(self._task, description=name)

    def advance(self, blocks: int) -> None:
        """Blocks are done."""
        self.seen += blocks
        self._blocks += blocks
        if self._progress is not None:
            rate = self._blocks / max(time.monotonic() - self._since, 1e-3)
            self._progress.update(self._task, advance=blocks, rate=f"{rate:,.1f}/s")

    def _close_stage(self) -> None:
        if self._stage and self._blocks and self._progress is None:
            seconds = time.monotonic() - self._since
            print(
                f"  {self._stage}: {count(self._blocks, 'block')} in {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )
        self._stage = ""
