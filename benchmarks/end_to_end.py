"""One workflow from Zarr to Zarr: zero-phase band-pass, then a Welch spectrum per 10 s window.

hpcflow on two Dask workers that it starts itself, as `hpcflow run` does, xarray with map_overlap on two of a
LocalCluster, and the loop over shards that one writes
by hand with zarr-python and SciPy, in one process and on two ranks of MPI. All read the same shards and write
the same codec with the same checksums in chunks of the same 256 rows; imports, compilation, planning and the
start of cluster and ranks are outside the clock: each way runs once on a little data in the same processes
before, and no other cluster idles beside it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec

from benchmarks.measure import Measure
from benchmarks.storage import CHANNELS, LZ4, signal
from hpcflow.api import ask, compute, open_results, start
from hpcflow.executors.dask import DaskExecutor
from hpcflow.executors.drive import execute

RATE = 1000.0
LOW, HIGH, ORDER = 5.0, 200.0, 4
WINDOW = 10_000
SEGMENT = 1024
HALO = 2000
"""Samples that the peers read on either side of a shard."""

COLUMNS = SEGMENT // 2 + 1

ROUNDS = 2
"""The ways take turns, so that whatever else the machine does meets all of them alike."""

INNER = (8, 32)
"""Channels and windows of a chunk that the peers write: 256 rows, as hpcflow's."""

REPO = Path(__file__).resolve().parents[1]

WORKFLOW = f"""\
hpcflow: 1
name: end-to-end
datasets:
  mill: {{zarr: store.zarr}}
steps:
  band: {{kernel: bandpass, input: mill.v, with: {{low: {LOW} Hz, high: {HIGH} Hz, order: {ORDER}}}}}
  rows: {{kernel: welch, input: band, with: {{window: 10 s, nperseg: {SEGMENT}, overlap: 50 %}}}}
save: [rows]
"""


@dataclass(frozen=True)
class Size:
    """Channels, shards along time, samples of a shard."""

    channels: int
    files: int
    samples: int

    @property
    def windows(self) -> int:
        """Of a shard."""
        return self.samples // WINDOW

    @property
    def megabytes(self) -> float:
        """Of input."""
        return self.channels * self.files * self.samples * 4 / 1e6


FULL, SMALL, WARM = Size(64, 4, 960_000), Size(16, 2, 100_000), Size(64, 2, 100_000)


@dataclass(frozen=True)
class Cost:
    """Wall time, CPU time of all processes, largest resident memory of all workers together."""

    wall: float
    cpu: float
    memory: int


def create_store(folder: Path, size: Size) -> zarr.Array[Any]:
    """An empty recording and its workflow."""
    folder.mkdir(parents=True)
    (folder / "workflow.yaml").write_text(WORKFLOW)
    shape = (size.channels, size.files * size.samples)
    return create(folder / "store.zarr", shape, (size.samples,), (1, min(size.samples, 240_000)))


def write_store(folder: Path, size: Size) -> None:
    """The recording: one 2-D array, in shards of 16 channels."""
    array = create_store(folder, size)
    for i, j in places(size):
        array[i : i + CHANNELS, j * size.samples : (j + 1) * size.samples] = signal(size.samples, i + j)


def create(
    store: Path, shape: tuple[int, ...], rest: tuple[int, ...], inner: tuple[int, ...]
) -> zarr.Array[Any]:
    """Array `v` in shards of 16 channels."""
    return zarr.create_group(store).create_array(
        "v",
        shape=shape,
        dtype="float32",
        chunks=(CHANNELS, *rest),
        serializer=ShardingCodec(chunk_shape=inner, codecs=(BytesCodec(), LZ4, Crc32cCodec())),
        compressors=None,
        dimension_names=("channel", "time", "column")[: len(shape)],
        attributes={"units": "m s-2", "sampling_rate": RATE},
    )


def inner_rows(size: Size) -> tuple[int, int, int]:
    """Shape of a chunk that the peers write."""
    return INNER[0], min(INNER[1], size.windows), COLUMNS


def create_output(store: Path, size: Size) -> zarr.Array[Any]:
    """The peers' output: a shard for each shard of the input."""
    shutil.rmtree(store, ignore_errors=True)
    shape = (size.channels, size.files * size.windows, COLUMNS)
    return create(store, shape, (size.windows, COLUMNS), inner_rows(size))


@lru_cache
def sections() -> np.ndarray:
    """The filter."""
    from scipy.signal import butter

    return np.asarray(butter(ORDER, [LOW, HIGH], btype="bandpass", fs=RATE, output="sos"))


def filtered(x: np.ndarray) -> np.ndarray:
    """Band-pass along the last axis."""
    from scipy.signal import sosfiltfilt

    return sosfiltfilt(sections(), x, axis=-1).astype(np.float32)


def rows_of(x: np.ndarray) -> np.ndarray:
    """(channels, samples) -> (channels, windows, frequencies)."""
    from scipy.signal import welch

    density: np.ndarray = welch(x.reshape(len(x), -1, WINDOW), RATE, nperseg=SEGMENT)[1]
    return density


def places(size: Size) -> Iterator[tuple[int, int]]:
    """First channel and number along time of each shard."""
    for i in range(0, size.channels, CHANNELS):
        for j in range(size.files):
            yield i, j


def one_shard(v: Any, out: Any, size: Size, i: int, j: int) -> None:
    """Read a shard with its halo, compute, write."""
    begin, end = j * size.samples, (j + 1) * size.samples
    low, high = max(begin - HALO, 0), min(end + HALO, v.shape[1])
    y = filtered(v[i : i + CHANNELS, low:high])[:, begin - low : end - low]
    out[i : i + CHANNELS, j * size.windows : (j + 1) * size.windows] = rows_of(y)


def by_loop(folder: Path, size: Size) -> np.ndarray:
    """zarr-python and SciPy, shard by shard in one process; returns the first channel's rows."""
    v = zarr.open_group(folder / "store.zarr", mode="r")["v"]
    out = create_output(folder / "loop.zarr", size)
    for i, j in places(size):
        one_shard(v, out, size, i, j)
    return np.asarray(out[0])


def by_mpi(folder: Path, size: Size, little: Path) -> Cost:
    """The same loop on two ranks."""
    given = json.dumps([str(little), astuple(WARM), str(folder), astuple(size)])
    # A job's own variables would make the launcher join that job instead of starting one.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "SLURM_", "HYDRA", "MPI"))}
    done = subprocess.run(
        ["mpiexec", "-n", "2", sys.executable, "-m", "benchmarks.over_mpi", given],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=clean | {"PYTHONPATH": os.pathsep.join((str(REPO), str(REPO / "kernels")))},
    )
    wall, cpu, memory = json.loads(done.stdout)
    return Cost(wall, cpu, memory)


def by_xarray(folder: Path, size: Size) -> np.ndarray:
    """xarray and dask.array; chunks are shards."""
    import dask.array as da
    import xarray as xr

    shutil.rmtree(folder / "dask.zarr", ignore_errors=True)
    v = xr.open_zarr(
        folder / "store.zarr", chunks={"channel": CHANNELS, "time": size.samples}, consolidated=False
    ).v
    y = da.map_overlap(filtered, v.data, depth={0: 0, 1: HALO}, boundary="none", dtype=np.float32)
    chunks = (y.chunks[0], (size.windows,) * size.files, (COLUMNS,))
    rows = da.map_blocks(rows_of, y, dtype=np.float32, chunks=chunks, new_axis=[2])
    stored = xr.DataArray(rows, dims=("channel", "window", "column"), name="v").to_dataset()
    encoding = {
        "v": {
            "chunks": inner_rows(size),
            "shards": (CHANNELS, size.windows, COLUMNS),
            "compressors": (LZ4, Crc32cCodec()),
        }
    }
    stored.to_zarr(folder / "dask.zarr", zarr_format=3, consolidated=False, encoding=encoding)
    return np.asarray(zarr.open_array(folder / "dask.zarr" / "v", mode="r")[0])


def planned(folder: Path, block_bytes: int | None = None) -> Any:
    """The run, ready to be computed."""
    shutil.rmtree(folder / "runs", ignore_errors=True)
    return start(ask(folder / "workflow.yaml", block_bytes=block_bytes), folder / "runs")


def rows_of_run(run: Any) -> np.ndarray:
    """First channel's rows of a finished run."""
    found = open_results(run)["rows"]
    first = slice(int(found.row_start[0]), int(found.row_start[0] + found.row_size[0]))
    density = next(v for v in found.data_vars.values() if v.ndim == 2)
    return np.asarray(density[first])


def truth(folder: Path) -> np.ndarray:
    """First channel in one piece, float64 throughout."""
    x = np.asarray(zarr.open_group(folder / "store.zarr", mode="r")["v"][0:1]).astype(np.float64)
    from scipy.signal import sosfiltfilt

    return rows_of(sosfiltfilt(sections(), x, axis=-1))[0]


def error(rows: np.ndarray, want: np.ndarray) -> float:
    """Largest deviation as a part of the largest value."""
    return float(np.abs(rows - want).max() / np.abs(want).max())


Counted = Callable[[Callable[[], Any]], Cost]
"""What a call costs the processes of a cluster and us."""


@contextmanager
def our_cluster() -> Iterator[tuple[DaskExecutor, Counted]]:
    """Two fresh workers as `hpcflow run` starts them, and what a call costs."""
    with DaskExecutor(2) as executor:
        yield executor, counted(executor.client)


@contextmanager
def cluster() -> Iterator[tuple[str, Counted]]:
    """Two fresh workers of Dask's own LocalCluster: their address, and what a call costs."""
    from distributed import Client, LocalCluster

    options = {"threads_per_worker": 1, "processes": True, "dashboard_address": ":0", "memory_limit": 0}
    with LocalCluster(n_workers=2, **options) as local, Client(local, set_as_default=False) as client:
        yield local.scheduler_address, counted(client)


def counted(client: Any) -> Counted:
    """Costs of calls that compute on a cluster."""

    def cost(call: Callable[[], Any]) -> Cost:
        before = sum(client.run(time.process_time).values()) + time.process_time()
        began = time.perf_counter()
        call()
        wall = time.perf_counter() - began
        cpu = sum(client.run(time.process_time).values()) + time.process_time() - before
        return Cost(wall, cpu, sum(client.run(resident).values()))

    return cost


def resident() -> int:
    """Largest resident memory of this process so far, bytes; `ru_maxrss` would count what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def alone(call: Callable[[], Any]) -> Cost:
    """What a call costs this process."""
    before, began = time.process_time(), time.perf_counter()
    call()
    return Cost(time.perf_counter() - began, time.process_time() - before, 0)


def page_cache(folder: Path) -> float:
    """CPU seconds in which the bytes of a store come out of the page cache, into one piece of memory."""
    into, files = bytearray(16 << 20), sorted(path for path in folder.rglob("*") if path.is_file())

    def read() -> None:
        for path in files:
            with path.open("rb", buffering=0) as file:
                while file.readinto(into):
                    pass

    return min(alone(read).cpu for _ in range(5))


def costs(place: Path, size: Size) -> dict[str, Cost]:
    """Each way after a little data, in turns; its cheapest round, with the most memory it ever had."""
    little = place / "little"
    write_store(little, WARM)
    by_loop(little, WARM)

    def turn(way: str) -> Cost:
        if way == "hpcflow":
            return our_cost(place, little)
        if way == "xarray":
            return xarray_cost(place, size, little)
        return by_mpi(place, size, little) if way == "mpi" else alone(lambda: by_loop(place, size))

    rounds = [{way: turn(way) for way in ("hpcflow", "xarray", "mpi", "loop")} for _ in range(ROUNDS)]
    return {
        way: replace(
            min((r[way] for r in rounds), key=lambda c: c.cpu), memory=max(r[way].memory for r in rounds)
        )
        for way in rounds[0]
    }


def our_cost(place: Path, little: Path) -> Cost:
    """Of our run, on a cluster that is there for it alone."""
    with our_cluster() as (executor, cost):
        execute(planned(little, 1 << 20), executor)  # many small blocks: some for each worker
        run = planned(place)
        return cost(lambda: execute(run, executor))


def xarray_cost(place: Path, size: Size, little: Path) -> Cost:
    """The same of xarray."""
    with cluster() as (address, cost), at(address):
        by_xarray(little, WARM)
        return cost(lambda: by_xarray(place, size))


@contextmanager
def at(address: str) -> Iterator[None]:
    """dask.array computes on this cluster."""
    from distributed import Client

    with Client(address) as client, client.as_current():
        yield


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Results against the truth, then what they cost; `small` takes 13 MB in place of 1 GB."""
    size = SMALL if small else FULL
    base = "end_to_end.welch"
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "all"
        write_store(place, size)
        yield Measure(f"{base}.input", size.megabytes, "MB", timed=False)
        run, want = planned(place), truth(place)
        compute(run)
        ours, loop = rows_of_run(run), by_loop(place, size)
        yield Measure(
            f"{base}.error", error(ours, want), "of the peak, against the whole record", timed=False
        )
        yield Measure(
            f"{base}.error_of_loop", error(loop, want), "of the peak, the same for SciPy", timed=False
        )
        if not timers:
            return
        found = costs(place, size)
        for way, cost in found.items():
            yield Measure(f"{base}.{way}.wall", cost.wall, "s")
            yield Measure(f"{base}.{way}.cpu", cost.cpu, "s of CPU time")
            if cost.memory:
                yield Measure(f"{base}.{way}.memory", cost.memory / 1e6, "MB of both workers")
        for peer in ("xarray", "mpi", "loop"):
            ratio = found[peer].cpu / found["hpcflow"].cpu
            yield Measure(f"{base}.against_{peer}", ratio, f"CPU time of {peer} / ours")
        read = page_cache(place / "store.zarr")
        yield Measure(f"{base}.page_cache.cpu", read, "s of CPU time to read the same bytes")
        yield Measure(f"{base}.page_cache_reads", found["hpcflow"].cpu / read, "of these in our CPU time")
        memory = found["hpcflow"].memory / found["xarray"].memory
        yield Measure(f"{base}.memory_against_xarray", memory, "memory, ours / xarray's")
