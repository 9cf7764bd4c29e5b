"""A Zarr v3 array's `zarr.json`, as far as its files can be read without zarr."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.chain import Chain, parse_chain
from hpcflow.errors import StoreError

DTYPES = frozenset(
    (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
)

FIELDS = frozenset(
    (
        *("zarr_format", "node_type", "shape", "data_type", "chunk_grid", "chunk_key_encoding", "codecs"),
        *("fill_value", "attributes", "dimension_names", "storage_transformers"),
    )
)
"""Anything else in a `zarr.json` is an extension that is not ours to judge."""

INDEX_CODECS = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]


@dataclass(frozen=True)
class ArrayMeta:
    """How an array lies in files.

    Attributes
    ----------
    shape
        Of the array.
    dtype
        Native byte order.
    fill
        Value of what was never written.
    file, chunk
        Shape of what one file holds, and of what is compressed in one piece. `file` is a whole number of
        `chunk` along each axis.
    chain
        Of one chunk.
    sharded
        Whether a file holds an index of its chunks; else it is one chunk.
    index_first
        Whether the index stands at the beginning.
    separator
        Between the numbers in a file's name: "/" or ".".
    attrs
        The user's.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any
    file: tuple[int, ...]
    chunk: tuple[int, ...]
    chain: Chain
    sharded: bool = False
    index_first: bool = False
    separator: str = "/"
    attrs: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def grid(self) -> tuple[int, ...]:
        """Chunks of a file along each axis."""
        return tuple(f // c for f, c in zip(self.file, self.chunk, strict=True))

    @property
    def chunks(self) -> int:
        """Chunks of a file."""
        return math.prod(self.grid)

    @property
    def chunk_bytes(self) -> int:
        """Of one decoded chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    def key(self, position: tuple[int, ...]) -> str:
        """Path of a file below the array's folder."""
        return self.separator.join(("c", *map(str, position)))


def read_meta(folder: Path) -> ArrayMeta | None:
    """The metadata of an array on disk; None where zarr must read the array.

    Raises
    ------
    StoreError
        If `zarr.json` is not JSON. Where there is none the array may be one of format 2: None.
    """
    path = folder / "zarr.json"
    try:
        return parse_meta(json.loads(path.read_bytes()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {error}") from error


def parse_meta(document: Mapping[str, Any]) -> ArrayMeta | None:
    """The content of a `zarr.json`; None where it asks for anything that is not read directly."""
    try:
        return _parse(document)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None


def _parse(document: Mapping[str, Any]) -> ArrayMeta | None:
    name = document["data_type"]
    plain = (
        set(document) <= FIELDS
        and (document["zarr_format"], document["node_type"]) == (3, "array")
        and not document.get("storage_transformers")
        and isinstance(name, str)
        and name in DTYPES
        and document["chunk_grid"]["name"] == "regular"
        and document["chunk_key_encoding"]["name"] == "default"
    )
    if not plain:
        return None
    dtype = np.dtype(name)
    shape = tuple(int(n) for n in document["shape"])
    file = tuple(int(n) for n in document["chunk_grid"]["configuration"]["chunk_shape"])
    chunk, codecs, sharded, index_first = file, document["codecs"], False, False
    if [codec["name"] for codec in codecs] == ["sharding_indexed"]:
        given = codecs[0]["configuration"]
        chunk, codecs, sharded = tuple(int(n) for n in given["chunk_shape"]), given["codecs"], True
        index_first = given.get("index_location", "end") == "start"
        if [_bare(c) for c in given["index_codecs"]] != INDEX_CODECS:
            return None
    chain = parse_chain(codecs, dtype.itemsize)
    whole = len(shape) == len(file) == len(chunk) and all(
        c > 0 and f > 0 and f % c == 0 for f, c in zip(file, chunk, strict=True)
    )
    if chain is None or not whole:
        return None
    return ArrayMeta(
        shape,
        dtype,
        parse_fill(document["fill_value"], dtype),
        file,
        chunk,
        chain,
        sharded,
        index_first,
        document["chunk_key_encoding"].get("configuration", {}).get("separator", "/"),
        document.get("attributes", {}),
    )


def _bare(codec: Mapping[str, Any]) -> dict[str, Any]:
    """Without an empty configuration, which says nothing."""
    return {key: value for key, value in codec.items() if key == "name" or value}


def parse_fill(value: Any, dtype: np.dtype[Any]) -> Any:
    """A fill value as a scalar of the array's type, bits kept.

    >>> parse_fill("NaN", np.dtype("float32")), parse_fill("0x3f800000", np.dtype("float32"))
    (np.float32(nan), np.float32(1.0))
    """
    if isinstance(value, str):
        if dtype.kind != "f":
            raise ValueError(value)
        if value.startswith("0x"):
            return np.uint64(int(value, 16)).astype(f"u{dtype.itemsize}").view(dtype)
        if value not in ("NaN", "Infinity", "-Infinity"):
            raise ValueError(value)
    elif isinstance(value, bool) != (dtype.kind == "b"):
        raise ValueError(value)
    return dtype.type(value)
