"""Count the receipts of a share: a job's status is what is written, not what a process returned.

``python -m hpcflow.run.account RUN --stages a,b [--share I/N]`` prints one line and exits with 0 (every
block of the share is done or given up with a reason), 75 (some are left and may be tried again) or 65
(blocks failed; trying again will not help).
"""

from __future__ import annotations

import argparse
import sys

from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, Range, length, subtract

DONE, RETRY, FAILED = 0, 75, 65


def share_of(blocks: int, index: int, count: int) -> Range:
    """The contiguous range of blocks that share `index` of `count` computes.

    >>> [share_of(10, i, 3) for i in range(3)]
    [(0, 3), (3, 6), (6, 10)]
    """
    return blocks * index // count, blocks * (index + 1) // count


def parse_share(text: str) -> tuple[int, int]:
    """``"2/8"`` to ``(2, 8)``."""
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise ValueError(f"a share is I/N with I < N, not {text!r}")
    return int(index), int(count)


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hpcflow.run.account", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--stages", required=True)
    parser.add_argument("--share", default="0/1")
    options = parser.parse_args(arguments)
    ledger = Ledger(RunFolder.at(options.run))
    index, count = parse_share(options.share)
    total = left = failed = 0
    for stage in options.stages.split(","):
        share = share_of(ledger.stages[stage], index, count)
        total += share[1] - share[0]
        bad = [b for b in ledger.failures(stage) if share[0] <= b < share[1]]
        failed += len(bad)
        left += length(subtract([share], [*ledger.done(stage), *((b, b + 1) for b in bad)]))
    print(
        f"accounted: {total - left - failed} of {total} blocks done, {failed} failed, {left} left", flush=True
    )
    if all(ledger.complete(stage) for stage in ledger.stages):
        # Whoever counts last closes the run; twice is harmless, and receipts alone decide the status.
        from hpcflow.run.finish import finish

        try:
            finish(ledger.folder)
        except OSError as error:
            print(f"the run is complete, but tidying up failed: {error}", file=sys.stderr)
    return RETRY if left else FAILED if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
