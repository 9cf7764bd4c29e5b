"""One measurement in a fresh process: ``python -m hpcflow.run.probe kernel NAME`` and the like.

A process of its own, so that peak memory is the measurement's and compiled code is loaded as in a worker.
Each prints one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPEATS = 3
SAMPLES = 1 << 22
BLOCKS = 512


def typical(
    call: Callable[[], Any], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of the middle one of some calls: runs share the machine as measurements do."""
    found = []
    for _ in range(repeats):
        started = clock()
        call()
        found.append(clock() - started)
    return statistics.median(found)


def kernel(name: str, *sizes: str) -> dict[str, Any]:
    """Processor seconds of one call at each input length, the first call (which may compile) not counted.

    Without `sizes`, at the lengths of the kernel's own probe. ``wide`` is the time on float64 relative to
    that on the probe's own types, at the greatest length. Kernels use one core and wait for nothing, so
    their processor time is what they take on an idle machine.
    """
    import numpy as np

    from hpcflow.run.peak import peak_memory
    from hpcflow_kernels import get
    from hpcflow_kernels.probes import prepared, probe_of

    lengths = [int(size) for size in sizes] or list(probe_of(name).sizes)
    prepared(name, lengths[0])()
    before, points = peak_memory(), []
    for samples in lengths:
        call = prepared(name, samples)
        points.append([samples, typical(call, clock=time.process_time)])
    growth = max(0, peak_memory() - before) / lengths[-1]
    wide = prepared(name, lengths[-1], np.float64)
    wide()
    return {
        "version": get(name).version,
        "points": points,
        "bytes_per_sample": round(growth, 1),
        "wide": round(typical(wide, clock=time.process_time) / points[-1][1], 3),
    }


def reader(name: str, folder: str) -> dict[str, float]:
    """Decoded bytes per second of a made-up file, checksum included, as ingest reads it."""
    import hashlib

    from hpcflow.data.readers.made import MADE
    from hpcflow.data.readers.registry import get_reader, read_stored
    from hpcflow.plan.records import Variable

    read, made = get_reader(name), MADE[name]
    with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as place:
        path = Path(place) / f"made{read.suffixes[0]}"

        def take() -> int:
            with open(path, "rb") as file:
                hashlib.file_digest(file, "sha256")
            found = read_stored(read, path, record.channel, 0, record.size, {}, variables)
            return sum(values.nbytes for values in found.values())

        for samples in (1000, SAMPLES):  # the first loads what the format needs
            made(path, samples)
            (record,) = read.scan(path, {})
            variables = [Variable(v.name, "1", v.dtype) for v in record.variables]
            size = take()
        return {"bytes_per_second": size / typical(take)}


def storage(folder: str) -> dict[str, float]:
    """Decoded bytes per second of a float32 shard written durably and read again, in a folder."""
    import numpy as np

    from hpcflow.data.store import Regions, encode_samples, template_files
    from hpcflow.plan.model import DatasetPlan, VariablePlan
    from hpcflow.plan.records import RecordTable
    from hpcflow.run.publish import publish

    variable = VariablePlan("x", "m s-2", "float32")
    plan = DatasetPlan("probe", 1, 1, SAMPLES, "", "files", (variable,), 1 << 18, SAMPLES)
    x = np.random.default_rng(3).standard_normal(SAMPLES, dtype=np.float32)
    start, size, status = np.zeros(1, np.int64), np.full(1, SAMPLES), np.zeros(1, np.int8)
    text = np.array([""], object)
    table = RecordTable(text, start, size, np.ones(1), status, text, text, text, text, ())
    with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as name:
        store = Path(name) / "probe.zarr"
        for file, content in template_files(plan, table):
            publish(store / file, content)

        def write() -> None:
            key, content = encode_samples(plan, variable, 0, x)
            publish(store / key, content or b"")

        written = typical(write)
        read = typical(lambda: Regions(store).read("x", 0, SAMPLES))
    return {"write_bytes_per_second": x.nbytes / written, "read_bytes_per_second": x.nbytes / read}


def blocks(folder: str) -> dict[str, float]:
    """Seconds of bookkeeping per block: pieces into a pack, receipts, durably, as workers do it."""
    import numpy as np

    from hpcflow.run.commit import BlockOutput, Committer
    from hpcflow.run.folder import RunFolder
    from hpcflow.run.packs import Piece

    rows = np.zeros((16, 8), np.float32)
    with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as name:
        committer = Committer(RunFolder(Path(name)), "probe")

        def commit() -> None:
            for block in range(BLOCKS):
                pieces = [Piece("step", "field", block * 16, rows)]
                committer.add("stage", block, BlockOutput(pieces=pieces), 0.0)
            committer.flush()

        seconds = typical(commit)
    return {"seconds_per_block": seconds / BLOCKS}


def start() -> dict[str, float]:
    """What a worker imports before its first block; the caller takes the time."""
    import scipy.signal  # noqa: F401

    import hpcflow.run.stages.ingest
    import hpcflow.run.stages.tiles  # noqa: F401

    return {}


WHAT: dict[str, Callable[..., dict[str, Any]]] = {
    "kernel": kernel,
    "reader": reader,
    "storage": storage,
    "blocks": blocks,
    "start": start,
}

if __name__ == "__main__":
    print(json.dumps(WHAT[sys.argv[1]](*sys.argv[2:])))
