"""Ranks of one MPI job compute a collective stage: ``srun python -m hpcflow.run.ranks RUN --stage S``.

Started once per rank, by srun or mpiexec. Blocks are computed one after another, each by all ranks. USR1,
TERM, a file STOP, a newer submission or the deadline end it between blocks. An error on a rank is written
down as the block's, and all ranks go on with the next one. The exit code is only a hint, as the agent's: 0
where the stage is done, 75 where blocks are left, 65 where blocks failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hpcflow.plan.model import StagePlan
from hpcflow.run.account import DONE, FAILED, RETRY, parse_share, share_of
from hpcflow.run.chunks import with_chunks
from hpcflow.run.commit import BlockOutput
from hpcflow.run.context import RunContext
from hpcflow.run.epochs import newest_epoch
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, Range, append, intersect
from hpcflow.run.stages.collective import rank_block, set_aside
from hpcflow.run.together import commit
from hpcflow.run.worker import worker_name
from hpcflow_kernels import Ranks, UnusableRecordError
from hpcflow_kernels.ranks import EndedError, OutOfStepError, together


def compute(
    folder: RunFolder,
    stage: str,
    ranks: Ranks,
    *,
    share: tuple[int, int] = (0, 1),
    retry_failed: bool = True,
    stop: Callable[[], str] = lambda: "",
) -> int:
    """Compute what is left of a collective stage; all ranks come here.

    Parameters
    ----------
    share
        Index and number of shares of the stage's blocks.
    retry_failed
        Try blocks again that failed in an earlier submission.
    stop
        Why nothing more is to be begun, asked between blocks; empty to go on. One rank's word is enough.

    Returns
    -------
    int
        The exit code, the same on every rank.

    Raises
    ------
    Exception
        Where ranks can no longer talk, or no receipt can be written. Other ranks may wait: whoever calls must
        end them.
    """
    ctx = RunContext(folder)
    plan = ctx.cut.stage(stage)
    ctx.begin(stage)
    name, left = ranks.bcast(
        (worker_name("ranks"), _left(folder, stage, share, retry_failed)) if ranks.number == 0 else None
    )
    for block in (block for part in left for block in range(*part)):
        reason = next(filter(None, ranks.allgather(stop())), "")
        if reason:
            if ranks.number == 0:
                print(f"stopped: {reason}", flush=True)
            break
        wall, used = time.perf_counter(), time.process_time()
        try:
            output = together(ranks, partial(_encoded, ctx, plan, block))
        except UnusableRecordError as error:
            output = set_aside(ctx, plan, block, error)
        except ConnectionError:  # of another rank, which may have been killed: the block is no worse for it
            raise
        except OutOfStepError as error:
            append(folder.receipts / f"{name}-{ranks.number}.jsonl", _failed(stage, block, error))
            raise
        except Exception as error:
            if not isinstance(error, EndedError):  # what another rank raised is told there
                traceback.print_exc()
            if ranks.number == 0:
                print(f"stage {stage}, block {block} failed: {error}", file=sys.stderr, flush=True)
                append(folder.receipts / f"{name}.jsonl", _failed(stage, block, error))
            continue
        commit(
            folder,
            name,
            ranks,
            (stage, block),
            output,
            (time.perf_counter() - wall, time.process_time() - used),
        )
        del output  # else it would stand beside the next one
    code: int = ranks.bcast(exit_code(folder, stage, share) if ranks.number == 0 else None)
    return code


def _encoded(ctx: RunContext, stage: StagePlan, block: int, ranks: Ranks) -> BlockOutput:
    output = rank_block(ctx, stage, block, ranks)
    return replace(output, pieces=with_chunks(ctx.cut, output.pieces))


def _failed(stage: str, block: int, error: Exception) -> dict[str, Any]:
    reason = str(error) if isinstance(error, EndedError) else f"{type(error).__name__}: {error}"
    return {"stage": stage, "blocks": [block, block + 1], "failed": reason}


def _left(folder: RunFolder, stage: str, share: tuple[int, int], retry_failed: bool) -> list[Range]:
    ledger = Ledger(folder)
    return intersect(
        ledger.remaining(stage, retry_failed=retry_failed), share_of(ledger.stages[stage], *share)
    )


def exit_code(folder: RunFolder, stage: str, share: tuple[int, int] = (0, 1)) -> int:
    """What receipts say of a share of a stage."""
    if _left(folder, stage, share, retry_failed=False):
        return RETRY
    return FAILED if _left(folder, stage, share, retry_failed=True) else DONE


class Stop:
    """Whether to begin another block.

    Parameters
    ----------
    deadline_seconds
        After so many seconds nothing is begun; 0 for never.
    epoch
        Number of the submission; 0 where there is none.
    """

    def __init__(self, folder: RunFolder, deadline_seconds: float, epoch: int) -> None:
        self.folder, self.deadline, self.epoch = folder, deadline_seconds, epoch
        self.started, self.signal = time.monotonic(), ""

    def __call__(self) -> str:
        """Why not; empty where nothing speaks against it."""
        if self.deadline and time.monotonic() - self.started > self.deadline:
            return f"the deadline of {self.deadline:.0f} s is over"
        if self.folder.stop_file.exists():
            return f"file {self.folder.stop_file.name}"
        if self.epoch and newest_epoch(self.folder) > self.epoch:
            return "a newer submission of this run took over"
        return self.signal

    def heard(self, number: int, _: object) -> None:
        """As a signal handler."""
        self.signal = signal.Signals(number).name


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hpcflow.run.ranks", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--stage", required=True)
    parser.add_argument("--share", default="0/1", help="I/N, from 0")
    parser.add_argument("--deadline-seconds", type=float, default=0.0)
    parser.add_argument("--epoch", type=int, default=0)
    parser.add_argument("--attempt", type=int, default=1)
    given = parser.parse_args(arguments)
    from hpcflow_kernels.mpi.over_mpi import OverMpi

    folder, share = RunFolder.at(given.run), parse_share(given.share)
    stop = Stop(folder, given.deadline_seconds, given.epoch)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, stop.heard)
    with OverMpi() as ranks:
        try:
            return compute(
                folder,
                given.stage,
                ranks,
                share=share,
                retry_failed=given.attempt == 1,
                stop=stop,
            )
        except BaseException:
            code = RETRY  # other ranks wait: they are ended even where receipts cannot be read
            try:
                traceback.print_exc()
                sys.stderr.flush()
                code = exit_code(folder, given.stage, share)
            finally:
                ranks.abort(code)
            raise


if __name__ == "__main__":
    sys.exit(main())
