"""Blocks on Dask: a cluster of processes on this machine, or any scheduler's address.

Nothing of the data goes through Dask. A task carries the run's path, a stage and a range of blocks; what it
made is on disk, with its receipt.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from hpcflow.errors import RunError
from hpcflow.run.commit import Committer
from hpcflow.run.context import RunContext
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Range
from hpcflow.run.worker import run_blocks, worker_name

SHARES_PER_WORKER = 8
"""Ranges per worker and stage: enough for a fair spread and a smooth progress bar, few enough for Dask."""

QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
"""Of a cluster of our own, which has no dashboard: sampling what workers do 100 times a second, their event
loops 50 times, is for those who look at it, and took a tenth of all processor time."""


class DaskExecutor:
    """Computes blocks on a Dask cluster, kept for the whole run.

    Parameters
    ----------
    workers : int
        Processes of a local cluster; ignored where an address is given.
    address : str, optional
        A scheduler, like ``tcp://10.1.2.3:8786``. Its workers must see the run folder and have hpcflow.
    """

    def __init__(self, workers: int = 1, address: str | None = None) -> None:
        self.workers, self.address = workers, address
        self._client: Any = None

    def __enter__(self) -> DaskExecutor:
        import dask.config
        from distributed import Client, LocalCluster

        if self.address:
            self._client = Client(self.address, timeout="20s")
            return self
        with dask.config.set(QUIET), _interrupts_ignored():  # workers get what is set while they are made
            cluster = LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                # It listens even without a dashboard: on any port, since its own may be taken.
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                memory_limit=0,
                silence_logs=logging.CRITICAL,  # what users should know is told by the run
            )
            self._client = Client(cluster)
        return self

    def __exit__(self, *_: object) -> None:
        client, self._client = self._client, None
        cluster = None if self.address else client.cluster
        client.close()
        if cluster is not None:
            cluster.close()

    @property
    def client(self) -> Any:
        """Of the cluster, while it is kept; None before and after."""
        return self._client

    def compute(
        self, folder: RunFolder, stage: str, blocks: Sequence[Range], advance: Callable[[int], None]
    ) -> None:
        """Compute block ranges on the cluster."""
        if self._client is None:
            with self:
                self.compute(folder, stage, blocks, advance)
            return
        threads = self._client.nthreads().values()
        shares = list(split(blocks, (sum(threads) or self.workers) * SHARES_PER_WORKER))
        if next(s["kind"] for s in folder.cut["stages"] if s["name"] == stage) != "collective":
            self._gather(folder, stage, shares, 1, advance)
            return
        # One block at a time, by ranks that are threads of one process: on this machine one for each worker.
        ranks = max(threads, default=1) if self.address else self.workers
        for share in shares:
            if not folder.stop_file.exists():
                self._gather(folder, stage, [share], ranks, advance)

    def _gather(
        self,
        folder: RunFolder,
        stage: str,
        shares: Sequence[Range],
        ranks: int,
        advance: Callable[[int], None],
    ) -> None:
        """Have shares computed side by side, and wait for all of them."""
        from distributed import as_completed

        path = str(folder.path)
        futures = {
            self._client.submit(compute_share, path, stage, a, b, ranks, pure=False, retries=2): b - a
            for a, b in shares
        }
        for future in as_completed(list(futures)):
            if folder.stop_file.exists():
                self._client.cancel(list(futures))
                return
            error = future.exception()
            refused = "" if error is not None else future.result()
            if error is not None or refused:
                self._client.cancel(list(futures))
            if refused:
                raise RunError(
                    f"stage {stage}: {refused}; everything finished is kept, "
                    f"`hpcflow resume {folder.path.name}` goes on"
                )
            if error is not None:
                raise RunError(
                    f"stage {stage}: a Dask worker was lost three times on the same blocks ({error}); "
                    f"everything finished is kept, `hpcflow resume {folder.path.name}` goes on"
                )
            advance(futures[future])


def split(blocks: Sequence[Range], shares: int) -> Iterator[Range]:
    """Ranges cut into about so many.

    >>> list(split([(0, 5), (7, 8)], 3))
    [(0, 2), (2, 4), (4, 5), (7, 8)]
    """
    total = sum(stop - start for start, stop in blocks)
    step = max(1, -(-total // max(1, shares)))
    for start, stop in blocks:
        for low in range(start, stop, step):
            yield low, min(low + step, stop)


@lru_cache(maxsize=2)
def _context(path: str, pid: int, version: int) -> RunContext:
    return RunContext(RunFolder.at(path))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Processes begun within are not interrupted from the keyboard: this one tells them to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def compute_share(path: str, stage: str, start: int, stop: int, ranks: int) -> str:
    """What runs on a Dask worker; `ranks` are the threads that it computes a collective stage with.

    Returns
    -------
    str
        What the system refused (a full disk), which Dask would try again in vain; "" where all is done.
    """
    # A worker keeps its context between shares; a plan that changed on disk is another plan.
    ctx = _context(path, os.getpid(), Path(path, "cut.json").stat().st_mtime_ns)
    ctx.ranks = ranks
    try:
        committer = Committer(ctx.folder, worker_name("dask"))
        run_blocks(ctx, stage, range(start, stop), committer)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return f"{where}{(error.strerror or str(error)).lower()}"
    return ""
