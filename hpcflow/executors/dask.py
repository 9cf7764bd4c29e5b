"""Blocks on Dask: a cluster of processes on this machine, or any scheduler's address.

Nothing of the data goes through Dask. A task carries the run's path, a stage and a range of blocks; what it
made is on disk, with its receipt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
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
        from distributed import Client, LocalCluster

        if self.address:
            self._client = Client(self.address, timeout="20s")
        else:
            cluster = LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                memory_limit=0,
            )
            self._client = Client(cluster)
        return self

    def __exit__(self, *_: object) -> None:
        client, self._client = self._client, None
        cluster = None if self.address else client.cluster
        client.close()
        if cluster is not None:
            cluster.close()

    def compute(
        self, folder: RunFolder, stage: str, blocks: Sequence[Range], advance: Callable[[int], None]
    ) -> None:
        """Compute block ranges on the cluster."""
        if self._client is None:
            with self:
                self.compute(folder, stage, blocks, advance)
            return
        from distributed import as_completed

        threads = sum(self._client.nthreads().values()) or self.workers
        shares = list(split(blocks, threads * SHARES_PER_WORKER))
        path = str(folder.path)
        futures = {
            self._client.submit(compute_share, path, stage, a, b, pure=False, retries=2): b - a
            for a, b in shares
        }
        for future in as_completed(list(futures)):
            if folder.stop_file.exists():
                self._client.cancel(list(futures))
                return
            error = future.exception()
            if error is not None:
                self._client.cancel(list(futures))
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


def compute_share(path: str, stage: str, start: int, stop: int) -> int:
    """What runs on a Dask worker."""
    # A worker keeps its context between shares; a plan that changed on disk is another plan.
    ctx = _context(path, os.getpid(), Path(path, "cut.json").stat().st_mtime_ns)
    committer = Committer(ctx.folder, worker_name("dask"))
    run_blocks(ctx, stage, range(start, stop), committer)
    return stop - start
