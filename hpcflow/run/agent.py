"""One agent per node: it starts workers, hands out ranges of blocks, and outlives what kills a worker.

``python -m hpcflow.run.agent RUN --stages a,b --share I/N --workers W`` computes a share of each stage in
turn, with a barrier between stages. It needs no Slurm. USR1, TERM, a file STOP, a newer submission or the
deadline end the handing out; blocks in flight are finished. The exit code is only a hint: 0 where the share
is done, 75 where blocks are left, 65 where blocks failed for good, 70 where no worker could start.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from hpcflow.run.account import DONE, FAILED, RETRY, parse_share, share_of
from hpcflow.run.child import (
    Gpus,
    bound_memory,
    close_input,
    close_pipes,
    data_limit,
    oom_kills,
    output_of,
    start_child,
    tell,
)
from hpcflow.run.epochs import newest_epoch
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, Range, intersect, length

BROKEN = 70
DEATHS_ALLOWED = 3
"""A block during which so many workers died is given up."""
RANGE_SECONDS = 10.0
"""A range handed out should take no longer, so that the end of the job finds little in flight."""
RANGES_LEFT = 3
"""Ranges per worker into which what is left is cut: the last ones are small, and nobody waits long."""
LOOK_SECONDS = 1.0
CLOSE_SECONDS = 60.0


@dataclass(frozen=True)
class AgentOptions:
    """What an agent is told.

    Attributes
    ----------
    share
        Index and number of shares.
    memory_per_worker
        Planned bound in bytes; 0 for none.
    deadline_seconds
        After so many seconds nothing new is handed out; 0 for never.
    epoch
        Number of the submission; 0 where there is none.
    attempt
        The first one also tries blocks that failed in an earlier submission.
    command
        How a worker is started; its name is appended.
    gpus
        Of which each worker gets one; None where workers use none.
    """

    stages: tuple[str, ...]
    share: tuple[int, int] = (0, 1)
    workers: int = 1
    memory_per_worker: int = 0
    deadline_seconds: float = 0.0
    epoch: int = 0
    attempt: int = 1
    command: tuple[str, ...] = ()
    gpus: Gpus | None = None


@dataclass
class _Worker:
    slot: int
    name: str
    process: subprocess.Popen[bytes]
    stage: str = ""
    blocks: Range | None = None
    beside: int = 1
    """Workers that shared the memory when the range was given."""
    since: float = 0.0
    answered: bool = False
    buffer: bytes = b""


@dataclass
class _State:
    """What changes while an agent runs."""

    started: float
    active: int
    memory: int
    stop: str = ""
    looked: float = 0.0
    answers: int = 0
    silent_deaths: int = 0
    oom_kills: int = 0
    spawned: int = 0
    pace: float = 0.0
    workers: list[_Worker] = field(default_factory=list)


class Agent:
    """Computes a share of some stages with workers of its own."""

    def __init__(self, folder: RunFolder, options: AgentOptions) -> None:
        self.folder = folder
        self.options = options
        self._command = options.command or (
            sys.executable, "-m", "hpcflow.run.worker", str(folder.path), "--serve", "--name",
        )  # fmt: skip
        self._state = _State(time.monotonic(), options.workers, options.memory_per_worker)
        self._state.oom_kills = oom_kills()
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = os.pipe()
        for end in (self._wake, self._waker):
            os.set_blocking(end, False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._label = f"{os.uname().nodename}-{os.getpid()}-{time.time_ns():x}"

    def stop(self, reason: str) -> None:
        """Hand out nothing more; safe to call from a signal handler."""
        self._state.stop = self._state.stop or reason
        with contextlib.suppress(BlockingIOError):
            os.write(self._waker, b".")

    def run(self) -> int:
        """Compute, and return the exit code."""
        code = DONE
        try:
            for stage in self.options.stages:
                code = self._stage(stage)
                if code != DONE:
                    break
        finally:
            self._close()
        if self._state.stop:
            log(f"stopped: {self._state.stop}")
        return code

    def _stage(self, stage: str) -> int:
        """One stage up to its barrier."""
        began, first = time.monotonic(), True
        self._state.pace = 0.0
        deaths: Counter[int] = Counter()
        before = -1
        while True:
            ledger = Ledger(self.folder)
            left = self._left(ledger, stage, retry_failed=first and self.options.attempt == 1)
            count = length(left)
            if first:
                log(f"stage {stage}: {count} blocks to do, {self.options.workers} workers at most")
                first = False
            if not count or self._state.stop or count == before:
                break
            before = count
            if not self._hand_out(stage, deque(left), deaths):
                return BROKEN
        failed = [b for b in ledger.failures(stage) if self._mine(ledger, stage, b)]
        took = time.monotonic() - began
        log(f"stage {stage}: {count} blocks left, {len(failed)} failed, {took:.1f} s")
        return RETRY if count else FAILED if failed else DONE

    def _left(self, ledger: Ledger, stage: str, *, retry_failed: bool) -> list[Range]:
        share = share_of(ledger.stages[stage], *self.options.share)
        return intersect(ledger.remaining(stage, retry_failed=retry_failed), share)

    def _mine(self, ledger: Ledger, stage: str, block: int) -> bool:
        start, stop = share_of(ledger.stages[stage], *self.options.share)
        return start <= block < stop

    def _hand_out(self, stage: str, left: deque[Range], deaths: Counter[int]) -> bool:
        """Have every range computed, given up, or left because of a stop; False where no worker starts."""
        while True:
            self._look()
            if not self._state.stop:
                self._feed(stage, left)
            busy = [worker for worker in self._state.workers if worker.blocks is not None]
            if not busy and (self._state.stop or not left):
                return True
            for key, _ in self._selector.select(timeout=LOOK_SECONDS):
                if key.fd == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 4096)
                elif not self._listen(key.data, left, deaths):
                    return False

    def _feed(self, stage: str, left: deque[Range]) -> None:
        busy = sum(worker.blocks is not None for worker in self._state.workers)
        for worker in [worker for worker in self._state.workers if worker.blocks is None]:
            if len(self._state.workers) > self._state.active:
                self._retire(worker)
            elif left and busy < self._state.active:
                bound_memory(worker.process, self._state.memory)
                self._give(worker, stage, left)
                busy += 1
        while left and len(self._state.workers) < self._state.active:
            self._give(self._spawn(), stage, left)

    def _give(self, worker: _Worker, stage: str, left: deque[Range]) -> None:
        blocks = take(left, self._range_size(length(left)))
        worker.stage, worker.blocks, worker.since = stage, blocks, time.monotonic()
        worker.beside = self._state.active
        request = json.dumps({"stage": stage, "blocks": list(blocks)}).encode() + b"\n"
        tell(worker.process, request)

    def _range_size(self, left: int) -> int:
        if not self._state.pace:
            return 1
        fair = -(-left // (self._state.active * RANGES_LEFT))
        return max(1, min(fair, int(RANGE_SECONDS / self._state.pace)))

    def _listen(self, worker: _Worker, left: deque[Range], deaths: Counter[int]) -> bool:
        data = os.read(output_of(worker.process), 65536)
        if not data:
            return self._bury(worker, left, deaths)
        *lines, worker.buffer = (worker.buffer + data).split(b"\n")
        for line in lines:
            self._answer(worker, line, left)
        return True

    def _answer(self, worker: _Worker, line: bytes, left: deque[Range]) -> None:
        answer = _parsed(line)
        if worker.blocks is None or answer.get("blocks") != list(worker.blocks):
            if line.strip():
                log(f"worker {worker.name} said: {line.decode(errors='replace')}")
            return
        blocks, worker.blocks, worker.answered = worker.blocks, None, True
        self._state.answers += 1
        pace = (time.monotonic() - worker.since) / max(1, blocks[1] - blocks[0])
        self._state.pace = max(1e-6, 0.5 * (self._state.pace + pace) if self._state.pace else pace)
        if not answer.get("ok"):
            error = str(answer.get("error"))
            log(f"worker {worker.name}, stage {worker.stage}, blocks {blocks[0]}:{blocks[1]}: {error}")
            if "MemoryError" in error and worker.beside > 1:
                self._try_with_more(worker, blocks, left)

    def _try_with_more(self, worker: _Worker, blocks: Range, left: deque[Range]) -> None:
        """Compute blocks again that ran out of memory, beside fewer workers, so that each may use more."""
        if self._state.active >= worker.beside:
            self._fewer_workers()
        reasons = Ledger(self.folder).failures(worker.stage)
        again = [b for b in range(*blocks) if "MemoryError" in reasons.get(b, "")]
        left.extend((block, block + 1) for block in again)

    def _fewer_workers(self) -> None:
        """Halve the workers and share the memory among the rest."""
        state = self._state
        if state.active > 1:
            state.active, before = state.active // 2, state.active
            state.memory = state.memory * before // state.active
            bound = f", each up to {data_limit(state.memory) >> 20} MiB" if state.memory else ""
            log(f"short of memory: {state.active} workers from now on{bound}")

    def _bury(self, worker: _Worker, left: deque[Range], deaths: Counter[int]) -> bool:
        """A worker died: see what it left undone, blame its blocks, and go on; False where none can start."""
        self._selector.unregister(output_of(worker.process))
        self._state.workers.remove(worker)
        status = worker.process.wait()
        close_pipes(worker.process)
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
        if worker.blocks is None:
            log(f"worker {worker.name} ended between blocks, {how}")
            return True
        start, stop = worker.blocks
        log(f"worker died: {worker.name}, stage {worker.stage}, blocks {start}:{stop}, {how}")
        undone = intersect(Ledger(self.folder).remaining(worker.stage), worker.blocks)
        if status >= 0 and not self._state.answers:
            self._state.silent_deaths += 1
            left.extend(undone)
            if self._state.silent_deaths >= DEATHS_ALLOWED:
                self.stop("workers do not start; see their messages above")
                return False
            return True
        if oom_kills() > self._state.oom_kills:
            self._state.oom_kills = oom_kills()
            self._fewer_workers()
        for block in (block for part in undone for block in range(*part)):
            deaths[block] += 1
            if deaths[block] < DEATHS_ALLOWED:
                left.append((block, block + 1))
            else:
                reason = f"{DEATHS_ALLOWED} workers died while they computed it, the last of {how}"
                log(f"stage {worker.stage}, block {block} is given up: {reason}")
                Ledger(self.folder).fail(worker.stage, block, reason, worker=f"agent-{self._label}")
        return True

    def _spawn(self) -> _Worker:
        taken = {worker.slot for worker in self._state.workers}
        slot = next(number for number in range(self.options.workers) if number not in taken)
        self._state.spawned += 1
        name = f"{self._label}-{self._state.spawned}"
        process = start_child([*self._command, name], slot, self.options.workers, self.options.gpus)
        bound_memory(process, self._state.memory)
        worker = _Worker(slot, name, process)
        self._selector.register(output_of(process), selectors.EVENT_READ, worker)
        self._state.workers.append(worker)
        return worker

    def _retire(self, worker: _Worker) -> None:
        self._selector.unregister(output_of(worker.process))
        self._state.workers.remove(worker)
        close_pipes(worker.process)
        worker.process.wait()

    def _look(self) -> None:
        """See, at most once a second, whether handing out must end."""
        now = time.monotonic()
        if self._state.stop or now - self._state.looked < LOOK_SECONDS:
            return
        self._state.looked = now
        limit = self.options.deadline_seconds
        if limit and now - self._state.started > limit:
            self.stop(f"the deadline of {limit:.0f} s is over")
        elif self.folder.stop_file.exists():
            self.stop(f"file {self.folder.stop_file.name}")
        elif self.options.epoch and newest_epoch(self.folder) > self.options.epoch:
            self.stop("a newer submission of this run took over")

    def _close(self) -> None:
        for worker in self._state.workers:
            close_input(worker.process)
        end = time.monotonic() + CLOSE_SECONDS
        for worker in self._state.workers:
            try:
                worker.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                log(f"worker {worker.name} did not end; it is killed")
                worker.process.kill()
                worker.process.wait()
            close_pipes(worker.process)
        self._state.workers.clear()
        self._selector.close()
        os.close(self._wake)
        os.close(self._waker)


def log(text: str) -> None:
    """One line for whoever reads the job's log."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} agent: {text}", flush=True)


def take(left: deque[Range], count: int) -> Range:
    """Take at most `count` blocks from the first range.

    >>> left = deque([(0, 5)])
    >>> take(left, 2), left
    ((0, 2), deque([(2, 5)]))
    """
    start, stop = left.popleft()
    middle = min(stop, start + count)
    if middle < stop:
        left.appendleft((middle, stop))
    return start, middle


def _parsed(line: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    return {}


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hpcflow.run.agent", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--stages", required=True, help="comma-separated, in order")
    parser.add_argument("--share", default="0/1", help="I/N, from 0")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--memory-per-worker", type=int, default=0, help="bytes")
    parser.add_argument("--deadline-seconds", type=float, default=0.0)
    parser.add_argument("--epoch", type=int, default=0)
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--gpu-variable", default="", help="names the GPUs of a process; a worker gets one")
    parser.add_argument(
        "--gpu-order", default="0", help="their numbers in the order of the cores beside them"
    )
    given = parser.parse_args(arguments)
    share = parse_share(given.share)
    stages = tuple(given.stages.split(","))
    if share[1] > 1 and len(stages) > 1:
        parser.error("several stages have a barrier between them, which only one agent can keep: --share 0/1")
    if given.workers < 1:
        parser.error("--workers must be at least 1")
    order = tuple(int(number) for number in given.gpu_order.split(","))
    gpus = Gpus(given.gpu_variable, order) if given.gpu_variable else None
    if gpus is not None and given.workers > len(order):
        parser.error(f"{given.workers} workers need as many GPUs, and --gpu-order names {len(order)}")
    options = AgentOptions(
        stages=stages,
        share=share,
        workers=given.workers,
        memory_per_worker=given.memory_per_worker,
        deadline_seconds=given.deadline_seconds,
        epoch=given.epoch,
        attempt=given.attempt,
        gpus=gpus,
    )
    agent = Agent(RunFolder.at(given.run), options)
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda sig, _: agent.stop(signal.Signals(sig).name))
    return agent.run()


if __name__ == "__main__":
    sys.exit(main())
