"""Small kernels with obvious answers, and runs over made-up records, for tests of planning and running."""

from __future__ import annotations

from hashlib import sha256
from itertools import chain, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from hpcflow.plan.compile import compile_cut
from hpcflow.plan.layout import Layout, place
from hpcflow.plan.records import Fact, RecordTable, Variable
from hpcflow.run.folder import RunFolder
from hpcflow.run.prepare import DatasetRequest, prepare_run
from hpcflow.workflow.model import DatasetSpec, Ref, RunSpec, StepSpec, WorkflowSpec
from hpcflow_kernels import (
    Contract,
    Dim,
    Field,
    Geometry,
    Param,
    Pattern,
    Port,
    Ranks,
    Share,
    Spread,
    UnusableRecordError,
)

TAPS = 11


def smooth(x: np.ndarray, *, rate: float) -> np.ndarray:
    """Centred sum of 11 samples, zeros beyond the ends."""
    padded = np.concatenate([np.zeros(TAPS // 2, x.dtype), x, np.zeros(TAPS // 2, x.dtype)])
    total = np.zeros_like(x)
    for k in range(TAPS):
        total = total + padded[k : k + len(x)]
    return total


def framed(x: np.ndarray, *, rate: float, frame: int, hop: int) -> dict[str, np.ndarray]:
    """Largest sample and quartiles of each frame."""
    frames = np.lib.stride_tricks.sliding_window_view(x, frame)[::hop]
    quartiles = np.quantile(frames, [0.25, 0.5, 0.75], axis=1).T.astype(np.float32)
    return {"peak": frames.max(axis=1), "quartiles": quartiles}


def respaced(x: np.ndarray, *, rate: float, up: int, down: int) -> dict[str, np.ndarray]:
    """Sum of five samples round each place of another rate; zeros beyond the ends."""
    padded = np.concatenate([np.zeros(2, x.dtype), x, np.zeros(2, x.dtype)])
    at = np.arange(-(-len(x) * up // down)) * down // up
    return {"values": padded[at] + padded[at + 1] + padded[at + 2] + padded[at + 3] + padded[at + 4]}


def summed(*, frames: dict[str, Any], raw: Any, weight: float | None) -> dict[str, np.ndarray]:
    """Sum of the peaks and of the raw samples."""
    if len(raw.values) < 40:
        raise UnusableRecordError("fewer than 40 samples")
    return {
        "peaks": np.float64(np.nansum(frames["peak"].values.astype(np.float64))),
        "samples": np.float64(np.nansum(raw.values.astype(np.float64)) * (weight or 1.0)),
    }


def beyond(*, signal: Any, above: float) -> dict[str, np.ndarray]:
    """Every sample above a threshold, and those beside it."""
    place = np.flatnonzero(signal.values > above)
    beside = np.clip(place[:, None] + np.array([-1, 1]), 0, len(signal.values) - 1)
    return {"place": place, "height": signal.values[place], "beside": signal.values[beside]}


def mirrored(*, ranks: Ranks, signal: Spread, weight: float | None = None) -> Share:
    """Each sample beside the one that is as far from the other end, and less the record's mean.

    The sum is taken over thousands, each by the rank that holds its first sample, and then in order.
    """
    n, count = signal.samples, ranks.count
    if n < 40:
        raise UnusableRecordError("fewer than 40 samples")
    edges = [n * rank // count for rank in range(count + 1)]
    start, stop = edges[ranks.number : ranks.number + 2]
    mine = signal.read(start, stop)
    parts = []
    for low, high in pairwise(edges):
        first, last = max(start, n - high), min(stop, n - low)
        parts.append(mine[first - start : max(first, last) - start])
    other = np.concatenate(ranks.exchange(parts))[::-1]
    sums = [
        (k, float(np.nansum(signal.read(k, min(k + 1000, n)), dtype=np.float64)))
        for k in range(-(-start // 1000) * 1000, stop, 1000)
    ]
    mean = sum(value for _, value in sorted(chain(*ranks.allgather(sums)))) / n
    return Share(
        start,
        {
            "mirror": other,
            "pair": np.stack([mine, other], axis=1).astype(np.float32),
            "level": (mine.astype(np.float64) - mean) * (weight or 1.0),
        },
    )


class Tally:
    """How many events there are, and the sum of their heights."""

    @staticmethod
    def start() -> dict[str, np.ndarray]:
        return {"sum": np.zeros(1), "count": np.zeros(1, np.int64)}

    @staticmethod
    def add(state: dict[str, np.ndarray], index: int, *, heights: Any) -> dict[str, np.ndarray]:
        values = heights.values.astype(np.float64)
        return {"sum": state["sum"] + values.sum(), "count": state["count"] + len(values)}

    @staticmethod
    def merge(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: a[name] + b[name] for name in a}

    @staticmethod
    def finish(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"total": state["sum"][0], "records": state["count"][0]}


class Total:
    """Sum over records."""

    @staticmethod
    def start() -> dict[str, np.ndarray]:
        return {"sum": np.zeros(1), "count": np.zeros(1, np.int64)}

    @staticmethod
    def add(state: dict[str, np.ndarray], index: int, *, sums: dict[str, Any]) -> dict[str, np.ndarray]:
        value = np.nan_to_num(sums["peaks"].values)
        return {"sum": state["sum"] + value, "count": state["count"] + 1}

    @staticmethod
    def merge(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: a[name] + b[name] for name in a}

    @staticmethod
    def finish(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"total": state["sum"][0], "records": state["count"][0]}


CONTRACTS = {
    c.name: c
    for c in (
        Contract(
            name="smooth",
            version=1,
            pattern=Pattern.MAP,
            summary="Sum of neighbours.",
            ports=(Port("signal", "signal", "samples"),),
            params=(),
            fields=lambda params: (Field("values", "smoothed", "same", "same"),),
            implementation="tests.toy:smooth",
            axis="sample",
            geometry=lambda params, rate: Geometry(before=TAPS // 2, after=TAPS // 2),
            min_samples=lambda params, rate: 3,
        ),
        Contract(
            name="framed",
            version=1,
            pattern=Pattern.WINDOW,
            summary="Statistics of frames.",
            ports=(Port("signal", "signal", "samples"),),
            params=(Param("frame", "integer", "samples"), Param("hop", "integer", "samples")),
            fields=lambda params: (
                Field("peak", "largest sample", "same", "same"),
                Field("quartiles", "quartiles", "same", "float32", (Dim("quantile", (0.25, 0.5, 0.75)),)),
            ),
            implementation="tests.toy:framed",
            axis="frame",
            geometry=lambda params, rate: Geometry(hop=params["hop"], frame=params["frame"]),
        ),
        Contract(
            name="respaced",
            version=1,
            pattern=Pattern.WINDOW,
            summary="Sums at another rate.",
            ports=(Port("signal", "signal", "samples"),),
            params=(Param("up", "integer", "rows per `down`"), Param("down", "integer", "samples per `up`")),
            fields=lambda params: (Field("values", "sums", "same", "same"),),
            implementation="tests.toy:respaced",
            axis="sample",
            geometry=lambda params, rate: Geometry(
                hop=params["down"], up=params["up"], before=-(-2 // params["down"]) * params["down"], after=2
            ),
        ),
        Contract(
            name="summed",
            version=1,
            pattern=Pattern.RECORD,
            summary="Sums of a record.",
            ports=(
                Port("frames", "rows", "frames"),
                Port("raw", "signal", "samples"),
                Port("weight", "fact", "a factor", optional=True),
            ),
            params=(),
            fields=lambda params: (
                Field("peaks", "sum of peaks", "1", "float64"),
                Field("samples", "sum of samples", "1", "float64"),
            ),
            implementation="tests.toy:summed",
            axis="record",
        ),
        Contract(
            name="beyond",
            version=1,
            pattern=Pattern.EVENTS,
            summary="Samples above a threshold.",
            ports=(Port("signal", "signal", "samples"),),
            params=(Param("above", "number", "threshold"),),
            fields=lambda params: (
                Field("place", "number of the sample", "1", "int64"),
                Field("height", "the sample", "same", "same"),
                Field("beside", "those beside it", "same", "same", (Dim("side", (-1.0, 1.0)),)),
            ),
            implementation="tests.toy:beyond",
            axis="event",
        ),
        Contract(
            name="mirrored",
            version=1,
            pattern=Pattern.COLLECTIVE,
            summary="A record beside itself from its end.",
            ports=(
                Port("signal", "signal", "samples"),
                Port("weight", "fact", "a factor", optional=True),
            ),
            params=(),
            fields=lambda params: (
                Field("mirror", "the sample as far from the other end", "same", "same"),
                Field("pair", "both", "same", "float32", (Dim("side", (-1.0, 1.0)),)),
                Field("level", "less the mean", "same", "float64"),
            ),
            implementation="tests.toy:mirrored",
            axis="sample",
            length=lambda params, samples, rate, facts: samples,
            row_rate=lambda params, rate: rate,
        ),
        Contract(
            name="tally",
            version=1,
            pattern=Pattern.REDUCE,
            summary="Count of events.",
            ports=(Port("heights", "rows", "heights"),),
            params=(),
            fields=lambda params: (
                Field("total", "sum", "1", "float64"),
                Field("records", "events", "1", "int64"),
            ),
            implementation="tests.toy:Tally",
            axis="result",
        ),
        Contract(
            name="total",
            version=1,
            pattern=Pattern.REDUCE,
            summary="Sum over records.",
            ports=(Port("sums", "rows", "sums"),),
            params=(),
            fields=lambda params: (
                Field("total", "sum", "1", "float64"),
                Field("records", "records", "1", "int64"),
            ),
            implementation="tests.toy:Total",
            axis="result",
        ),
    )
}


def signals(seed: int = 0) -> list[np.ndarray]:
    """Records of odd lengths, one with gaps, one empty of finite values, one very short."""
    rng = np.random.default_rng(seed)
    sizes = (700_001, 262_144, 33, 300_000, 1_000, 524_289)
    found = [rng.standard_normal(n).astype(np.float32) for n in sizes]
    gaps = found[3]
    gaps[1000:1300] = np.nan
    gaps[262_140:262_150] = np.nan
    gaps[299_990:] = np.nan
    found[4][:] = np.nan
    return found


def table_of(
    sizes: list[int],
    rates: list[float] | None = None,
    layout: Layout | None = None,
    checksums: list[str] | None = None,
) -> RecordTable:
    """A record table over made-up records."""
    n = len(sizes)
    size = np.asarray(sizes, np.int64)

    def texts(values: list[str]) -> np.ndarray:
        return np.asarray(values, object)

    return RecordTable(
        ids=texts([f"r{i}.bin" for i in range(n)]),
        start=place(sizes, 0, layout or Layout(1 << 18, 1 << 18)),
        size=size,
        rate=np.asarray(rates or [1000.0] * n, np.float64),
        status=np.zeros(n, np.int8),
        reason=texts([""] * n),
        checksum=texts(checksums or [f"sum{i}-{s}" for i, s in enumerate(sizes)]),
        path=texts([f"r{i}.bin" for i in range(n)]),
        channel=texts([""] * n),
        variables=(Variable("x", "1", "float32"),),
        facts={"weight": Fact("weight", np.full(n, 2.0), "1", np.full(n, 3, np.int8))},
    )


def step(name: str, kernel: str, inputs: dict[str, str], **params: Any) -> StepSpec:
    """A checked step; inputs as `source` or `source.field`."""
    refs = {}
    for port, text in inputs.items():
        source, _, field = text.partition(".")
        refs[port] = Ref(source, field or None, source == "made")
    return StepSpec(name, kernel, refs, params, {})


COLLECTIVE = (
    step("soft", "smooth", {"signal": "made.x"}),
    step("mirror", "mirrored", {"signal": "made.x", "weight": "made.weight"}),
    step("again", "mirrored", {"signal": "soft"}),
    step("frames", "framed", {"signal": "mirror.mirror"}, frame=1000, hop=300),
)
"""Steps whose ranks talk: on a variable, on another step's rows, and one that reads theirs."""

STEPS = (
    step("soft", "smooth", {"signal": "made.x"}),
    step("frames", "framed", {"signal": "soft"}, frame=1000, hop=300),
    step("coarse", "framed", {"signal": "made.x"}, frame=4096, hop=4096),
    step("sums", "summed", {"frames": "frames", "raw": "made.x", "weight": "made.weight"}),
    step("all", "total", {"sums": "sums"}),
)


def workflow(
    folder: Path,
    block_bytes: int | None = None,
    steps: tuple[StepSpec, ...] = STEPS,
    save: tuple[str, ...] = (),
    device: str = "auto",
) -> WorkflowSpec:
    """A checked workflow over the made-up dataset."""
    names = save or tuple(s.name for s in steps)
    return WorkflowSpec(
        name="toy",
        description="",
        file="toy.yaml",
        folder=folder,
        source=b"hpcflow: 1\n",
        sha256="0" * 64,
        overrides=(),
        parameters={},
        datasets=(DatasetSpec("made", ("*.bin",), "toy"),),
        steps=steps,
        save=tuple(Ref(name) for name in names),
        run=RunSpec(block_bytes=block_bytes, device=device),
    )


def prepare(
    folder: Path,
    records: list[np.ndarray],
    block_bytes: int | None = None,
    store: str = "store",
    steps: tuple[StepSpec, ...] = STEPS,
    device: str = "auto",
) -> RunFolder:
    """A run folder over made-up records that lie as raw files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, values in enumerate(records):
        (folder / f"r{index}.bin").write_bytes(values.tobytes())
    table = table_of([len(r) for r in records], checksums=[sha256(r.tobytes()).hexdigest() for r in records])
    cut = compile_cut(workflow(folder, block_bytes, steps, device=device), {"made": table})
    request = DatasetRequest(folder, folder / f"{store}.zarr", "toy", {})
    return prepare_run(
        folder / "runs", cut, {"made": table}, {"made": request}, b"hpcflow: 1\n", {"aside": []}
    )


READER = SimpleNamespace(name="toy", version=1)


def checksum(sha: str, *_: Any) -> str:
    """The file's alone."""
    return sha


def read(reader: Any, path: Path, channel: str, start: int, stop: int, *_: Any) -> dict[str, np.ndarray]:
    """What `read_stored` does, for raw files."""
    return {"x": np.fromfile(path, np.float32)[start:stop]}
