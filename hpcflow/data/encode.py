"""Zarr v3 metadata and shards as bytes, so that every file of a store is published by rename.

One writer makes the metadata, every worker makes whole shards, and nothing on disk is ever half a file. zarr
writes metadata and texts; shards of numbers are made directly, and are the bytes that zarr would write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow.data.arraymeta import DTYPES, ArrayMeta
from hpcflow.data.chain import Blosc, Chain
from hpcflow.data.shardbytes import chunk_parts, file_bytes

if TYPE_CHECKING:
    import zarr

CHUNK_BYTES = 1 << 20
"""Inner chunks near 1 MiB: smaller ones cost zarr readers more per chunk than per byte."""

LEVEL = 5
"""blosc-lz4 with byte shuffle decodes at memory speed on one core; zstd saves a tenth, reads at a fifth.

Each chunk ends with its CRC-32C, so that a flipped bit is an error and never a value (`docs/storage.md`)."""


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store, sharded along its first axis.

    Attributes
    ----------
    name, shape, dtype, dims, attrs
        As in xarray. dtype "str" makes variable-length UTF-8 text.
    chunk, shard
        Rows per inner chunk and per shard. Texts and tables use one chunk and no shards.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    dims: tuple[str, ...]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    chunk: int = 0
    shard: int = 0

    @property
    def fill(self) -> Any:
        """Value of what was never written."""
        if self.dtype == "str":
            return ""
        kind = np.dtype(self.dtype).kind
        return float("nan") if kind == "f" else -1 if kind == "i" else 0


def _create(spec: ArraySpec, shape: tuple[int, ...]) -> tuple[zarr.Array[Any], dict[str, Any]]:
    import zarr
    from zarr.codecs import BloscCodec, BloscShuffle, Crc32cCodec
    from zarr.core.buffer import Buffer
    from zarr.storage import MemoryStore

    files: dict[str, Buffer] = {}
    inner = spec.shape[1:]
    rows = max(1, spec.shape[0]) if spec.shape else 1
    if spec.dtype == "str":
        chunks: tuple[int, ...] = (rows, *inner)
        shards = None
        compressors: Any = None
    else:
        chunks = (spec.chunk or rows, *inner) if spec.shape else ()
        shards = (spec.shard, *inner) if spec.shard else None
        typesize = np.dtype(spec.dtype).itemsize
        blosc = BloscCodec(cname="lz4", shuffle=BloscShuffle.shuffle, clevel=LEVEL, typesize=typesize)
        compressors = (blosc, Crc32cCodec())
    array = zarr.create_array(
        store=MemoryStore(files),
        shape=shape,
        chunks=chunks,
        shards=shards,
        dtype=str if spec.dtype == "str" else spec.dtype,
        compressors=compressors,
        fill_value=spec.fill,
        dimension_names=spec.dims,
        attributes=dict(spec.attrs),
        config={"write_empty_chunks": False},
    )
    return array, files


def metadata(spec: ArraySpec) -> bytes:
    """The array's `zarr.json`."""
    _, files = _create(spec, spec.shape)
    return bytes(files["zarr.json"].to_bytes())


def group_metadata(attrs: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> bytes:
    """A group's `zarr.json`.

    Parameters
    ----------
    attrs
        The group's attributes.
    files
        All files of a group that will not change shape any more, by name: the metadata of its arrays is
        repeated in the group's (consolidated), so that readers open one file and not one per array.
    """
    body: dict[str, Any] = {"attributes": dict(attrs), "zarr_format": 3, "node_type": "group"}
    if files:
        arrays = {
            name.removesuffix("/zarr.json"): name for name in sorted(files) if name.endswith("/zarr.json")
        }
        body["consolidated_metadata"] = {
            "kind": "inline",
            "must_understand": False,
            "metadata": {array: json.loads(files[name]) for array, name in arrays.items()},
        }
    return json.dumps(body, indent=2).encode()


def encode(spec: ArraySpec, rows: np.ndarray) -> bytes | None:
    """One whole shard (or the single chunk of a table) as the bytes of its file.

    Parameters
    ----------
    rows : ndarray, shape (n, ...) or ()
        The shard's rows, n at most `spec.shard`; only the last shard of an axis may be shorter.

    Returns
    -------
    bytes or None
        None where every value is the fill value: such a shard has no file.
    """
    if spec.dtype not in DTYPES:
        return zarr_bytes(spec, rows)
    if not rows.ndim:
        return encode_chunks(spec, 1, lambda start, stop: rows)
    return encode_chunks(spec, len(rows), lambda start, stop: rows[start:stop])


def encode_chunks(
    spec: ArraySpec,
    count: int,
    rows: Callable[[int, int], np.ndarray],
    ready: Callable[[int], bytes | None] | None = None,
) -> bytes | None:
    """What `encode` gives for numbers, of rows that are made one inner chunk after another.

    Parameters
    ----------
    count : int
        Rows of the shard; 1 for an array without axes.
    rows : callable
        Given the first row and one past the last, those rows.
    ready : callable, optional
        Given a chunk's first row, what `encode_chunk` gave for it, or None.
    """
    size = spec.shard or spec.chunk or count
    if count > size:
        raise ValueError(f"{spec.name}: {count} rows do not fit a shard of {size}")
    return file_bytes(meta_of(spec), count, rows, ready)


def encode_chunk(spec: ArraySpec, rows: np.ndarray) -> bytes:
    """One inner chunk of numbers as it stands in its shard; no bytes where all values are fill."""
    return b"".join(chunk_parts(meta_of(spec), rows))


def meta_of(spec: ArraySpec) -> ArrayMeta:
    """What `metadata` says of an array of numbers; texts are zarr's to write."""
    dtype = np.dtype(spec.dtype)
    inner = spec.shape[1:]
    rows = max(1, spec.shape[0]) if spec.shape else 1
    chunk = (spec.chunk or rows, *inner) if spec.shape else ()
    file = (spec.shard, *inner) if spec.shard else chunk
    chain = Chain(Blosc("lz4", LEVEL, "shuffle", dtype.itemsize), checked=True)
    return ArrayMeta(spec.shape, dtype, dtype.type(spec.fill), file, chunk, chain, bool(spec.shard))


def zarr_bytes(spec: ArraySpec, rows: np.ndarray) -> bytes | None:
    """What `encode` gives, made by zarr: for what is not written directly, and to compare with."""
    size = spec.shard or spec.chunk or (rows.shape[0] if rows.ndim else 1)
    array, files = _create(spec, (max(1, size), *spec.shape[1:]) if spec.shape else ())
    array[slice(rows.shape[0]) if rows.ndim else ...] = rows
    key = "/".join(("c", *("0" * len(spec.shape))))
    return bytes(files[key].to_bytes()) if key in files else None


def shard_key(spec: ArraySpec, shard: int) -> str:
    """Path of a shard's file below the store."""
    if not spec.shape:
        return f"{spec.name}/c"
    return f"{spec.name}/c/" + "/".join([str(shard), *("0" * (len(spec.shape) - 1))])


def chunk_rows(row_bytes: int, shard: int) -> int:
    """Rows per inner chunk: a power of two that divides the shard and comes near 1 MiB.

    >>> chunk_rows(4 * 1001, 16384)
    256
    """
    rows = max(1, CHUNK_BYTES // max(1, row_bytes))
    return min(1 << (rows.bit_length() - 1), shard)
