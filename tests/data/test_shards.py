"""Shards read and written directly, against zarr-python, tensorstore and zarrs."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

from hpcflow.data.arraymeta import parse_meta, read_meta
from hpcflow.data.chain import Blosc, Chain, Zstd
from hpcflow.data.encode import ArraySpec, encode, meta_of, metadata, shard_key, zarr_bytes
from hpcflow.data.foreign import open_regions
from hpcflow.data.recent import Recent
from hpcflow.data.shardbytes import file_bytes, only_fill
from hpcflow.data.shards import DirectArray, Part, ShardFile
from hpcflow.data.store import Regions
from hpcflow.errors import StoreError

CODECS: dict[str, tuple[Any, ...]] = {
    "none": (),
    "none, checked": (Crc32cCodec(),),
    "lz4": (BloscCodec(cname="lz4", shuffle="shuffle"),),
    "lz4, checked": (BloscCodec(cname="lz4", shuffle="shuffle"), Crc32cCodec()),
    "zstd in blosc": (BloscCodec(cname="zstd", shuffle="bitshuffle"),),
    "noshuffle": (BloscCodec(cname="lz4", shuffle="noshuffle"),),
    "zstd": (ZstdCodec(level=1),),
}

FILLS = {"int16": (0, -1), "float32": (0.0, float("nan"), -1.5), "float64": (0.0, float("nan"))}

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, Any]:
    """A layout of one or two axes, which of its files and chunks hold anything, and a box to read."""
    ndim = draw(st.integers(1, 2))
    shape = tuple(draw(st.integers(1, 40)) for _ in range(ndim))
    chunk = tuple(draw(st.integers(1, 9)) for _ in range(ndim))
    sharded = draw(st.booleans())
    file = tuple(c * draw(st.integers(1, 4)) for c in chunk) if sharded else chunk
    dtype = draw(st.sampled_from(sorted(FILLS)))
    start = tuple(draw(st.integers(0, n)) for n in shape)
    stop = tuple(draw(st.integers(a, n + 3)) for a, n in zip(start, shape, strict=True))
    holes = [
        tuple(slice(a := draw(st.integers(0, n)), draw(st.integers(a, n))) for n in shape)
        for _ in range(draw(st.integers(0, 3)))
    ]
    return {
        "shape": shape,
        "chunk": chunk,
        "file": file if sharded else None,
        "dtype": dtype,
        "fill": draw(st.sampled_from(FILLS[dtype])),
        "codecs": draw(st.sampled_from(sorted(CODECS))),
        "index_location": draw(st.sampled_from(["start", "end"])),
        "box": (start, stop),
        "holes": holes,
        "seed": draw(st.integers(0, 99)),
    }


def create(folder: Path, case: dict[str, Any]) -> zarr.Array[Any]:
    """Written by zarr-python: noise, with holes that are fill and so partly never written."""
    inner = (BytesCodec(), *CODECS[case["codecs"]])
    if case["file"]:
        sharding = ShardingCodec(
            chunk_shape=case["chunk"], codecs=inner, index_location=case["index_location"]
        )
        layout: dict[str, Any] = {"chunks": case["file"], "serializer": sharding, "compressors": None}
    else:
        layout = {"chunks": case["chunk"], "serializer": BytesCodec(), "compressors": CODECS[case["codecs"]]}
    array = zarr.create_array(
        folder, shape=case["shape"], dtype=case["dtype"], fill_value=case["fill"], overwrite=True, **layout
    )
    values = np.random.default_rng(case["seed"]).normal(0, 900, case["shape"]).astype(case["dtype"])
    for hole in case["holes"]:
        values[hole] = case["fill"]
    array[...] = values
    return array


def direct(folder: Path) -> DirectArray:
    meta = read_meta(folder)
    assert meta is not None
    return DirectArray(folder, meta)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@quick
@given(case=arrays())
def test_reads_what_zarr_reads(tmp_path: Path, case: dict[str, Any]) -> None:
    array = create(tmp_path / "a", case)
    start, stop = case["box"]
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    fast = direct(tmp_path / "a")
    assert same_bits(fast.read(start, stop), np.asarray(array[box]))
    assert same_bits(fast.read((), ()), np.asarray(array[...]))
    assert same_bits(fast.read(start[:1], stop[:1]), np.asarray(array[box[:1]]))  # from kept chunks


@quick
@given(
    rows=st.integers(0, 70),
    shard=st.sampled_from([16, 32, 64]),
    chunk=st.sampled_from([4, 8, 16]),
    inner=st.sampled_from([(), (3,), (2, 2)]),
    dtype=st.sampled_from(["int8", "uint16", "int64", "float32", "float64"]),
    holes=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=2),
)
def test_writes_the_bytes_that_zarr_writes(
    rows: int, shard: int, chunk: int, inner: tuple[int, ...], dtype: str, holes: list[tuple[int, int]]
) -> None:
    spec = ArraySpec("a", (1000, *inner), dtype, ("row", *"xy"[: len(inner)]), chunk=chunk, shard=shard)
    values = np.random.default_rng(rows).normal(0, 50, (min(rows, shard), *inner)).astype(dtype)
    for a, b in holes:
        values[a:b] = spec.fill
    assert encode(spec, values) == zarr_bytes(spec, values)


@pytest.mark.parametrize(
    "codecs", ["none", "none, checked", "lz4", "lz4, checked", "zstd in blosc", "noshuffle"]
)
@pytest.mark.parametrize("index_location", ["start", "end"])
def test_writes_other_chains_as_zarr_does(tmp_path: Path, codecs: str, index_location: str) -> None:
    case = {
        "shape": (64, 3),
        "chunk": (16, 3),
        "file": (64, 3),
        "dtype": "float64",
        "fill": 0.0,
        "codecs": codecs,
        "index_location": index_location,
        "holes": [(slice(16, 32), slice(None))],
        "seed": 1,
    }
    values = np.asarray(create(tmp_path / "a", case)[...])
    meta = read_meta(tmp_path / "a")
    assert meta is not None
    assert file_bytes(meta, 64, lambda a, b: values[a:b]) == (tmp_path / "a" / meta.key((0, 0))).read_bytes()


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
@pytest.mark.parametrize("shape", [(), (7,), (7, 3)])
def test_writes_tables_as_zarr_does(dtype: str, shape: tuple[int, ...]) -> None:
    spec = ArraySpec("a", shape, dtype, ("row", "x")[: len(shape)])
    values = np.random.default_rng(1).normal(0, 50, shape).astype(dtype)
    assert encode(spec, values) == zarr_bytes(spec, values)
    assert encode(spec, np.full(shape, spec.fill, dtype)) is None


def test_too_many_rows_are_refused() -> None:
    spec = ArraySpec("a", (100,), "float32", ("row",), chunk=4, shard=8)
    with pytest.raises(ValueError, match="9 rows do not fit a shard of 8"):
        encode(spec, np.zeros(9, np.float32))


@pytest.mark.parametrize("dtype", ["float32", "int16", "bool", "float64", "str"])
@pytest.mark.parametrize(("chunk", "shard"), [(4, 8), (0, 0)])
def test_metadata_says_what_is_written(dtype: str, chunk: int, shard: int) -> None:
    spec = ArraySpec("a", (20,), dtype, ("row",), {"units": "s"}, chunk=chunk, shard=shard)
    found = parse_meta(json.loads(metadata(spec)))
    if dtype == "str":
        assert found is None
        return
    ours = meta_of(spec)
    assert found is not None
    assert repr(found.fill) == repr(ours.fill)  # NaN is not NaN
    assert found.attrs == {"units": "s"}
    assert (found.shape, found.dtype, found.file, found.chunk) == (
        ours.shape,
        ours.dtype,
        ours.file,
        ours.chunk,
    )
    assert (found.chain, found.sharded) == (ours.chain, ours.sharded)


SPEC = ArraySpec("x", (3_000, 5), "float32", ("row", "y"), {"units": "m s-2"}, chunk=256, shard=1024)


def write(store: Path) -> np.ndarray:
    """A store of three shards, the last one partial, as workers write it."""
    values = np.random.default_rng(3).standard_normal(SPEC.shape).astype(np.float32)
    values[300:700] = np.nan
    (store / "x").mkdir(parents=True)
    (store / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    (store / "x" / "zarr.json").write_bytes(metadata(SPEC))
    for shard in range(3):
        path = store / shard_key(SPEC, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = encode(SPEC, values[shard * 1024 : (shard + 1) * 1024])
        assert content is not None
        path.write_bytes(content)
    return values


def test_others_read_what_is_written(tmp_path: Path) -> None:
    import tensorstore
    import xarray

    values = write(tmp_path / "s")
    assert same_bits(np.asarray(zarr.open_array(tmp_path / "s" / "x")[...]), values)
    assert same_bits(xarray.open_zarr(tmp_path / "s", consolidated=False).x.values, values)
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(tmp_path / "s" / "x")}}
    assert same_bits(np.asarray(tensorstore.open(spec).result().read().result()), values)


def test_zarrs_reads_what_is_written(tmp_path: Path) -> None:
    import zarrs  # noqa: F401

    values = write(tmp_path / "s")
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        array = zarr.open_array(tmp_path / "s" / "x", mode="r")
        assert "Zarrs" in type(array.async_array.codec_pipeline).__name__
        assert same_bits(np.asarray(array[...]), values)


def test_memory_of_the_caller_is_filled(tmp_path: Path) -> None:
    values = write(tmp_path / "s")
    fast = direct(tmp_path / "s" / "x")
    rest = np.zeros((100, 9), np.float32)
    assert fast.read((1000, 1), (1100, 4), rest[:, 2:5]).base is rest
    assert same_bits(rest[:, 2:5], values[1000:1100, 1:4])
    assert not rest[:, [0, 1, 5, 6, 7, 8]].any()
    with pytest.raises(ValueError, match=r"out is float64 \(100, 3\), the box is float32 \(100, 3\)"):
        fast.read((1000, 1), (1100, 4), np.zeros((100, 3)))


def test_a_missing_file_is_fill(tmp_path: Path) -> None:
    values = write(tmp_path / "s")
    regions = Regions(tmp_path / "s")
    assert same_bits(regions.read("x", 900, 2_100), values[900:2_100])
    (tmp_path / "s" / shard_key(SPEC, 1)).unlink()
    values[1024:2048] = np.nan
    assert same_bits(regions.read("x", 900, 2_100), values[900:2_100])


def test_a_file_that_is_replaced_is_seen(tmp_path: Path) -> None:
    values = write(tmp_path / "s")
    regions = Regions(tmp_path / "s")
    assert same_bits(regions.read("x", 10, 20), values[10:20])
    content = encode(SPEC, values[1024:2048])
    assert content is not None
    (tmp_path / "new").write_bytes(content)
    (tmp_path / "new").rename(tmp_path / "s" / shard_key(SPEC, 0))
    assert same_bits(regions.read("x", 10, 20), values[1034:1044])


@pytest.mark.parametrize(
    "place", ["chunk", "index", "index checksum", "cut short", "emptied", "one byte left"]
)
def test_damage_is_refused_by_name(tmp_path: Path, place: str) -> None:
    write(tmp_path / "s")
    path = tmp_path / "s" / shard_key(SPEC, 1)
    raw = bytearray(path.read_bytes())
    at = {"chunk": 2_000, "index": len(raw) - 30, "index checksum": len(raw) - 1}
    if place in at:
        raw[at[place]] ^= 4
    else:
        raw = raw[: {"cut short": len(raw) - 100, "emptied": 0, "one byte left": 1}[place]]
    path.write_bytes(raw)
    regions = Regions(tmp_path / "s")
    regions.read("x", 0, 1024)
    with pytest.raises(StoreError, match=f"{path.name}.* is damaged"):
        regions.read("x", 1000, 1100)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_any_flipped_bit_is_seen(tmp_path: Path, at: int, bit: int) -> None:
    store = tmp_path / "s"
    if not store.exists():
        write(store)
        (tmp_path / "good").write_bytes((store / shard_key(SPEC, 1)).read_bytes())
    raw = bytearray((tmp_path / "good").read_bytes())
    raw[at % len(raw)] ^= 1 << bit
    (store / shard_key(SPEC, 1)).write_bytes(raw)
    with pytest.raises(StoreError, match="is damaged"):
        Regions(store).read("x", 1024, 2048)


@pytest.mark.parametrize("codecs", ["none", "lz4", "zstd in blosc", "zstd"])
@pytest.mark.parametrize("sharded", [True, False])
def test_truncated_files_of_others_are_refused(tmp_path: Path, codecs: str, sharded: bool) -> None:
    case = {
        "shape": (64,),
        "chunk": (16,),
        "file": (64,) if sharded else None,
        "dtype": "float32",
        "fill": 0.0,
        "codecs": codecs,
        "index_location": "start",
        "holes": (),
        "seed": 1,
    }
    create(tmp_path / "a", case)
    path = tmp_path / "a" / "c" / "0"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StoreError, match="c/0 is damaged"):
        direct(tmp_path / "a").read((), ())


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    write(tmp_path / "s")
    path = tmp_path / "s" / shard_key(SPEC, 0)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="c/0/0 cannot be read: Is a directory"):
        Regions(tmp_path / "s").read("x", 0, 10)


def test_damaged_metadata_and_missing_arrays_are_named(tmp_path: Path) -> None:
    write(tmp_path / "s")
    with pytest.raises(StoreError, match="has no array y"):
        Regions(tmp_path / "s").read("y", 0, 1)
    (tmp_path / "s" / "x" / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match=r"zarr\.json is damaged"):
        Regions(tmp_path / "s").read("x", 0, 1)


UNKNOWN = {
    "an extension": {"more": 1},
    "a storage transformer": {"storage_transformers": [{"name": "cache"}]},
    "a grid": {"chunk_grid": {"name": "rectangular", "configuration": {}}},
    "keys of format 2": {"chunk_key_encoding": {"name": "v2"}},
    "a data type": {"data_type": "complex64"},
    "a data type of its own": {"data_type": {"name": "struct"}},
    "big endian": {"codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]},
    "a filter": {"codecs": [{"name": "transpose"}, {"name": "bytes", "configuration": {"endian": "little"}}]},
    "no codec": {"codecs": []},
    "another compressor": {
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "gzip"}]
    },
    "a fill value": {"fill_value": "AAAA"},
    "format 2": {"zarr_format": 2},
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_left_to_zarr(name: str) -> None:
    document = json.loads(metadata(SPEC))
    assert parse_meta(document) is not None
    assert parse_meta({**document, **UNKNOWN[name]}) is None


def test_the_fallback_gives_the_same(tmp_path: Path) -> None:
    values = np.random.default_rng(1).standard_normal((2, 500)).astype(np.float32)
    group = zarr.create_group(tmp_path / "f")
    for name, options in {"big": {"serializer": BytesCodec(endian="big")}, "small": {}}.items():
        array = group.create_array(name, shape=values.shape, chunks=(1, 100), dtype="float32", **options)
        array[...] = values
    regions = open_regions(tmp_path / "f")
    assert read_meta(tmp_path / "f" / "big") is None
    assert read_meta(tmp_path / "f" / "small") is not None
    for name in ("big", "small"):
        assert same_bits(regions.read(name, 600, 900).astype(np.float32), values[1, 100:400])


def test_damage_is_named_by_the_fallback_too(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "f")
    array = group.create_array(
        "big", shape=(500,), chunks=(100,), dtype="float32", serializer=BytesCodec(endian="big")
    )
    array[...] = np.arange(500)
    path = tmp_path / "f" / "big" / "c" / "2"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StoreError, match="big cannot be read"):
        open_regions(tmp_path / "f").read("big", 0, 500)


def test_a_chunk_is_decoded_once_by_tiles_with_halo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "s")
    decoded = []
    once = Chain.decode

    def counted(self: Chain, raw: np.ndarray, out: np.ndarray) -> None:
        decoded.append(raw.nbytes)
        once(self, raw, out)

    monkeypatch.setattr(Chain, "decode", counted)
    regions = Regions(tmp_path / "s")
    for start in range(0, 3_000, 256):
        regions.read("x", max(start - 20, 0), start + 276)
    assert len(decoded) == 12 + 1  # the first one went whole to where it was wanted, and was not kept


@quick
@given(case=arrays())
def test_what_is_asked_ahead_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("ahead")
    create(folder / "a", case)
    meta = read_meta(folder / "a")
    assert meta is not None
    asked: set[tuple[str, int, int]] = set()
    taken: set[tuple[str, int, int]] = set()

    def advised(descriptor: int, offset: int, length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_WILLNEED
        asked.add((os.readlink(f"/proc/self/fd/{descriptor}"), offset, length))

    class Counting(DirectArray):
        def _parts(self, file: ShardFile, take: Any, target: np.ndarray) -> list[Part]:
            parts = super()._parts(file, take, target)
            taken.update((str(file.path.resolve()), part.offset, part.length) for part in parts)
            return parts

    array = Counting(folder / "a", meta)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "posix_fadvise", advised)
        array.ahead(*case["box"])
    array.read(*case["box"])
    assert asked == taken


def test_advice_says_nothing_of_a_damaged_file(tmp_path: Path) -> None:
    write(tmp_path / "s")
    regions = Regions(tmp_path / "s")
    for path in [p for p in (tmp_path / "s" / "x" / "c").rglob("*") if p.is_file()]:
        path.write_bytes(b"short")
    regions.ahead("x", 0, 3_000)
    with pytest.raises(StoreError, match="damaged"):
        regions.read("x", 0, 3_000)


def test_threads_may_share_a_reader(tmp_path: Path) -> None:
    values = write(tmp_path / "s")
    regions = Regions(tmp_path / "s")
    wrong: list[int] = []

    def reads(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(200):
            start, size = int(rng.integers(0, 2_900)), int(rng.integers(1, 600))
            if not same_bits(regions.read("x", start, start + size), values[start : start + size]):
                wrong.append(start)

    threads = [threading.Thread(target=reads, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_files_are_closed_when_they_are_forgotten(tmp_path: Path) -> None:
    import gc

    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    write(tmp_path / "s")
    regions = Regions(tmp_path / "s")
    regions.read("x", 0, 3_000)
    assert len(os.listdir("/proc/self/fd")) == before + 3
    del regions
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_recent_keeps_the_newest_whatever_it_weighs() -> None:
    kept: Recent[str, int] = Recent(10)
    kept.put("a", 1, 6)
    kept.put("b", 2, 4)
    assert kept.get("a") == 1
    kept.put("c", 3, 5)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (None, None, 3)
    kept.put("d", 4, 99)
    assert (kept.get("c"), kept.get("d")) == (None, 4)
    kept.drop("d")
    assert kept.get("d") is None


def test_zero_is_not_minus_zero() -> None:
    assert only_fill(np.zeros(3, np.float32), np.float32(0))
    assert not only_fill(np.array([0.0, -0.0]), np.float64(0))
    assert only_fill(np.full(3, np.nan), np.float64("nan"))
    assert not only_fill(np.array([np.nan, 1.0]), np.float64("nan"))


def test_zstd_is_only_read() -> None:
    with pytest.raises(NotImplementedError):
        Chain(Zstd()).encode(np.zeros(4, np.float32))


def test_another_typesize_than_the_values_have() -> None:
    values = np.arange(1000, dtype=np.float64)
    (raw,) = Chain(Blosc("lz4", 5, "shuffle", 2)).encode(values)
    out = np.empty_like(values)
    Chain(Blosc("lz4", 5, "shuffle", 2)).decode(np.frombuffer(raw, np.uint8), out)
    assert same_bits(out, values)
    assert raw[3] == 2
