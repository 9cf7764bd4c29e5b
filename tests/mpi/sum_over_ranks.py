"""Two ranks sum their shares of 0 … 9 999 999; rank 0 prints ranks and sum."""

import numpy as np
from mpi4py import MPI

world = MPI.COMM_WORLD
share = np.arange(world.rank, 10_000_000, world.size, dtype=np.int64)
total = np.zeros(1, np.int64)
world.Reduce(share.sum(keepdims=True), total, op=MPI.SUM, root=0)
if world.rank == 0:
    print(world.size, int(total[0]))
