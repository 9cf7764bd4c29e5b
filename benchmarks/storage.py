"""Shards: how fast they are read and written directly, against zarr-python and zarrs in the same run.

Signals of 16 bits as float32 (64 channels of 4 Mi samples, 1 GiB), written by zarr-python into shards of 16
channels x 1 Mi samples, inner chunks of one channel; read shard by shard from the page cache. CPU seconds of
the whole process, since zarr-python and zarrs use threads.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

from benchmarks.measure import Measure, cpu_seconds
from hpcflow.data.arraymeta import read_meta
from hpcflow.data.encode import ArraySpec, encode, metadata, zarr_bytes
from hpcflow.data.packing import unpacked
from hpcflow.data.shards import DirectArray
from hpcflow.data.store import Regions, encode_samples, variable_spec
from hpcflow.plan.layout import CHUNK
from hpcflow.plan.model import DatasetPlan, VariablePlan

CHANNELS = 16
"""Of one shard."""

LZ4 = BloscCodec(cname="lz4", shuffle="shuffle", clevel=5, typesize=4)


@dataclass(frozen=True)
class Variant:
    """One way to store, and how many bytes an inner chunk decodes to."""

    name: str
    codecs: tuple[Any, ...]
    chunk_bytes: int = 1 << 20


VARIANTS = (
    Variant("lz4", (LZ4,)),
    Variant("lz4_checked", (LZ4, Crc32cCodec())),
    Variant("plain", ()),
)
"""Held to floors. `lz4_checked` is what hpcflow writes."""

ASIDE = (
    Variant("lz4_checked_64k", (LZ4, Crc32cCodec()), 1 << 16),
    Variant("lz4_checked_256k", (LZ4, Crc32cCodec()), 1 << 18),
    Variant("zstd_bitshuffle", (BloscCodec(cname="zstd", shuffle="bitshuffle", clevel=5, typesize=4),)),
    Variant("zstd", (ZstdCodec(),)),
)
"""Only told, on a quarter of the data: why chunk and codec are what they are (docs/storage.md)."""


def signal(samples: int, seed: int) -> np.ndarray:
    """Tones and noise of 16 bits, as float32; shape (channels, samples)."""
    rng = np.random.default_rng(seed)
    tone = 3000 * np.sin(np.arange(samples) * (2 * np.pi / 97))
    noise = rng.normal(0, 300, (CHANNELS, samples))
    return (tone + noise).astype(np.int16).astype(np.float32)


def write(folder: Path, variant: Variant, files: tuple[int, int], samples: int) -> int:
    """Write an array of (files across, files along) shards through zarr-python; returns its bytes on disk."""
    inner = (1, min(variant.chunk_bytes // 4, samples))
    array = zarr.create_array(
        folder,
        shape=(files[0] * CHANNELS, files[1] * samples),
        dtype="float32",
        chunks=(CHANNELS, samples),
        serializer=ShardingCodec(chunk_shape=inner, codecs=(BytesCodec(), *variant.codecs)),
        compressors=None,
    )
    for i, j in np.ndindex(*files):
        rows = slice(i * CHANNELS, (i + 1) * CHANNELS)
        array[rows, j * samples : (j + 1) * samples] = signal(samples, j)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


Read = Callable[[int, int], np.ndarray]


def readers(folder: Path, samples: int) -> dict[str, Read]:
    """Ways to read one shard by its place; `direct_reused` reads into the same memory each time."""
    meta = read_meta(folder)
    assert meta is not None
    direct = DirectArray(folder, meta)
    plain = zarr.open_array(folder, mode="r")
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        rust = zarr.open_array(folder, mode="r")

    def sliced(array: zarr.Array[Any], i: int, j: int) -> np.ndarray:
        return np.asarray(array[i * CHANNELS : (i + 1) * CHANNELS, j * samples : (j + 1) * samples])

    def box(i: int, j: int) -> np.ndarray:
        return direct.read((i * CHANNELS, j * samples), ((i + 1) * CHANNELS, (j + 1) * samples))

    memory = np.empty((CHANNELS, samples), np.float32)

    def reused(i: int, j: int) -> np.ndarray:
        return direct.read((i * CHANNELS, j * samples), ((i + 1) * CHANNELS, (j + 1) * samples), memory)

    return {
        "zarr": partial(sliced, plain),
        "zarrs": partial(sliced, rust),
        "direct": box,
        "direct_reused": reused,
    }


def read_measures(variant: Variant, files: tuple[int, int], samples: int, timers: bool) -> Iterator[Measure]:
    """Read everything in each way."""
    base = f"storage.read.{variant.name}"
    with tempfile.TemporaryDirectory() as place:
        stored = write(Path(place) / "a", variant, files, samples)
        megabytes = files[0] * files[1] * CHANNELS * samples * 4 / 1e6
        yield Measure(f"{base}.stored", stored / megabytes / 1e6, "bytes on disk / bytes", timed=False)
        ways = readers(Path(place) / "a", samples)
        wrong = sum(
            ways["direct"](i, j).tobytes() != ways[peer](i, j).tobytes()
            for i, j in np.ndindex(*files)
            for peer in ("zarr", "zarrs")
        )
        yield Measure(f"{base}.wrong", wrong, "shards that differ from zarr-python's or zarrs'", timed=False)
        if not timers:
            return

        def everything(read: Read) -> None:
            for i, j in np.ndindex(*files):
                read(i, j)

        seconds = cpu_seconds({name: partial(everything, read) for name, read in ways.items()}, 3)
        for name, value in seconds.items():
            yield Measure(f"{base}.{name}", megabytes / value, "MB/s of CPU time")
        for peer in ("zarr", "zarrs"):
            yield Measure(
                f"{base}.against_{peer}", seconds[peer] / seconds["direct"], f"CPU time of {peer} / ours"
            )


def write_measures(samples: int, timers: bool) -> Iterator[Measure]:
    """Make one shard of a dataset's variable and one of a spectrum, directly and through zarr-python."""
    rows = signal(samples, 0)[0]
    specs = {
        "signal": (ArraySpec("x", rows.shape, "float32", ("sample",), chunk=CHUNK, shard=samples), rows),
        "spectrum": (
            ArraySpec("s", (samples // 512, 512), "float32", ("frame", "f"), chunk=512, shard=samples // 512),
            rows.reshape(-1, 512),
        ),
    }
    for name, (spec, values) in specs.items():
        same = encode(spec, values) == zarr_bytes(spec, values)
        yield Measure(f"storage.write.{name}.same_bytes", float(same), "1 where zarr writes the same", False)
        if timers:
            calls = {"direct": partial(encode, spec, values), "zarr": partial(zarr_bytes, spec, values)}
            seconds = cpu_seconds(calls, 5)
            for way, value in seconds.items():
                yield Measure(f"storage.write.{name}.{way}", values.nbytes / value / 1e6, "MB/s of CPU time")
            ratio = seconds["zarr"] / seconds["direct"]
            yield Measure(f"storage.write.{name}.against_zarr", ratio, "CPU time of zarr / ours")


def packed_measures(samples: int, timers: bool) -> Iterator[Measure]:
    """A shard of a 16-bit recording in g, as float32 and as the integers it is made of; read tile by tile."""
    raw = signal(samples, 0)[0].astype(np.int16)
    packings = {"float32": None, "int16": (9.80665 / 1024, 0.0)}
    with tempfile.TemporaryDirectory() as place:
        reads, stored = {}, {}
        for name, packing in packings.items():
            variable = VariablePlan("x", "m s-2", "float32", packing)
            plan = DatasetPlan(name, 1, 1, samples, "", "files", (variable,), CHUNK, samples)
            values = raw if packing else unpacked(raw, (9.80665 / 1024, 0.0), np.float32)
            key, content = encode_samples(plan, variable, 0, values)
            assert content is not None
            shard = Path(place) / name / key
            shard.parent.mkdir(parents=True)
            shard.write_bytes(content)
            (Path(place) / name / "x/zarr.json").write_bytes(metadata(variable_spec(plan, variable)))
            stored[name] = len(content)
            regions = Regions(Path(place) / name)
            reads[name] = partial(tiles, regions, samples)
        wrong = sum(
            a.tobytes() != b.tobytes() for a, b in zip(*(read() for read in reads.values()), strict=True)
        )
        yield Measure("storage.packed.wrong", wrong, "tiles that differ", timed=False)
        for name, count in stored.items():
            yield Measure(f"storage.packed.{name}.stored", count / samples, "bytes a sample", timed=False)
        if timers:
            calls = {name: partial(exhaust, read) for name, read in reads.items()}
            seconds = cpu_seconds(calls, 5)
            for name, value in seconds.items():
                yield Measure(f"storage.packed.{name}.read", samples / value / 1e6, "M samples/s of CPU time")
            ratio = seconds["float32"] / seconds["int16"]
            yield Measure("storage.packed.against_float32", ratio, "CPU time of float32 / of int16")


def tiles(regions: Regions, samples: int) -> Iterator[np.ndarray]:
    """What a stage reads: stretches of a chunk's length that lie across two chunks."""
    for start in range(CHUNK // 2, max(samples - CHUNK, CHUNK // 2 + 1), CHUNK):
        yield regions.read("x", start, start + CHUNK)


def exhaust(read: Callable[[], Iterator[np.ndarray]]) -> None:
    """Read everything."""
    for _ in read():
        pass


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Read and write; `small` takes a thousandth of the data and the variants with floors."""
    samples = 1 << 14 if small else 1 << 20
    files = (1, 4) if small else (4, 4)
    for variant in VARIANTS:
        yield from read_measures(variant, files, samples, timers)
    if not small:
        for variant in ASIDE:
            yield from read_measures(variant, (1, 4), samples, timers)
    yield from packed_measures(CHUNK if small else 1 << 24, timers)
    yield from write_measures(CHUNK if small else 1 << 24, timers)
