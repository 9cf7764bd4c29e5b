"""Files into the shards of a dataset's store: one block, one shard of every variable."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from hpcflow.data.readers.registry import get_reader, read_stored
from hpcflow.data.store import encode_samples, variable_spec
from hpcflow.data.tabulate import checksum
from hpcflow.errors import DataError
from hpcflow.plan.model import StagePlan
from hpcflow.plan.records import LEFT_OUT, OK, PLANNED
from hpcflow.run.commit import BlockOutput, NewFile
from hpcflow.run.context import RunContext

Samples = dict[str, np.ndarray]

HELD = "record of several shards"
"""Where a worker keeps the record it is cutting up; goes with the stage (`RunContext.begin`)."""


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Read what overlaps the shard; a record that cannot be read is set aside and stays missing."""
    dataset = ctx.cut.dataset(stage.dataset)
    table = ctx.tables[stage.dataset]
    # A pilot's shards are written whole, with the records that it leaves out.
    index = np.flatnonzero(np.isin(table.status, (OK, PLANNED, LEFT_OUT)))
    low, high = block * dataset.shard, min((block + 1) * dataset.shard, dataset.samples)
    specs = [variable_spec(dataset, variable) for variable in dataset.variables]
    samples = {spec.name: np.full(high - low, spec.fill, spec.dtype) for spec in specs}
    aside: list[tuple[str, str]] = []
    count = records = 0
    starts, sizes = table.start[index], table.size[index]
    for record in map(int, index[(starts < high) & (starts + sizes > low) & (sizes > 0)]):
        start = int(table.start[record])
        stop = start + int(table.size[record])
        first, last = max(start, low), min(stop, high)
        try:
            _put(_read(ctx, stage, record, first - start, last - start), samples, first - low)
        except DataError as error:
            aside.append((str(table.ids[record]), str(error)))
            continue
        count += last - first
        records += 1
    files = []
    for variable in dataset.variables:
        name, content = encode_samples(dataset, variable, block, samples[variable.name])
        files.append(NewFile(f"dataset/{dataset.name}/{name}", ctx.store(dataset.name) / name, content))
    return BlockOutput(files=files, aside=aside, samples=count, computed=records)


def _put(found: Samples, samples: Samples, at: int) -> None:
    """Copy samples of a record into the shard's. In a function: a name left behind would keep the record."""
    for name, values in found.items():
        samples[name][at : at + len(values)] = values


def _read(ctx: RunContext, stage: StagePlan, record: int, first: int, last: int) -> Samples:
    """Samples [first, last) of a record, as they are stored.

    Formats that must be decoded whole are decoded once for all shards that a worker makes of a record.
    """
    table, request = ctx.tables[stage.dataset], ctx.folder.request["datasets"][stage.dataset]
    reader, options = get_reader(request["reader"]), request["options"]
    path, channel = Path(request["folder"]) / str(table.path[record]), str(table.channel[record])
    expected, size = str(table.checksum[record]), int(table.size[record])
    if checksum(_sha256(path), channel, reader.name, reader.version, options) != expected:
        raise DataError("changed since it was scanned: run the workflow again to take it in")
    if last - first == size or getattr(reader, "slices", False):
        return read_stored(reader, path, channel, first, last, options, table.variables)
    held: tuple[str, Samples] | None = ctx.cache.get(HELD)
    if held is None or held[0] != expected:
        held = ctx.cache[HELD] = None  # the one before goes first
        held = expected, read_stored(reader, path, channel, 0, size, options, table.variables)
        ctx.cache[HELD] = held
    return {name: values[first:last] for name, values in held[1].items()}


def _sha256(path: Path) -> str:
    try:
        state = path.stat()
        return _hashed(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise DataError(f"cannot be read any more ({error.strerror}): put it back and resume") from error


@lru_cache(maxsize=64)
def _hashed(path: Path, size: int, mtime_ns: int) -> str:
    """Checksum of a file in one state: records of one file ask again and again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
