"""Files into the shards of a dataset's store: one block, one shard of every variable."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hpcflow.data.readers.registry import get_reader, read_si
from hpcflow.data.store import encode_samples
from hpcflow.errors import DataError
from hpcflow.plan.model import StagePlan
from hpcflow.run.commit import BlockOutput, NewFile
from hpcflow.run.context import RunContext


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Read what overlaps the shard; a record that cannot be read is set aside and stays missing."""
    dataset = ctx.cut.dataset(stage.dataset)
    table, index = ctx.tables[stage.dataset], ctx.live(stage.dataset)
    low, high = block * dataset.shard, min((block + 1) * dataset.shard, dataset.samples)
    request = ctx.folder.request["datasets"][stage.dataset]
    reader = get_reader(request["reader"])
    samples = {v.name: np.full(high - low, np.nan, v.dtype) for v in dataset.variables}
    aside: list[tuple[str, str]] = []
    count = records = 0
    starts, sizes = table.start[index], table.size[index]
    for record in index[(starts < high) & (starts + sizes > low) & (sizes > 0)]:
        start, stop = int(table.start[record]), int(table.start[record] + table.size[record])
        first, last = max(start, low), min(stop, high)
        path = Path(request["folder"]) / str(table.path[record])
        try:
            channel, options = str(table.channel[record]), request["options"]
            found = read_si(reader, path, channel, first - start, last - start, options, table.variables)
        except DataError as error:
            aside.append((str(table.ids[record]), str(error)))
            continue
        for name, values in found.items():
            samples[name][first - low : last - low] = values
        count += last - first
        records += 1
    files = []
    for variable in dataset.variables:
        name, content = encode_samples(dataset, variable, block, samples[variable.name])
        files.append(NewFile(f"dataset/{dataset.name}/{name}", ctx.store(dataset.name) / name, content))
    return BlockOutput(files=files, aside=aside, samples=count, computed=records)
