"""The codec chains of Zarr v3 that are read and written directly: how one chunk becomes bytes and back.

Values in little-endian C order, then perhaps one compressor, then perhaps the CRC-32C of what stands before
it. Specifications: Zarr core v3, codecs `bytes`, `blosc`, `zstd`, `crc32c`; Blosc 1 header (c-blosc,
README_CHUNK_FORMAT). Compression itself is numcodecs', checksums are google-crc32c's: what zarr-python uses.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

_CRC = struct.Struct("<I")

SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")
"""By the number that c-blosc gives them."""

BLOSC_HEADER = struct.Struct("<4xI4xI")
"""Decoded and encoded size, behind versions, flags and typesize, and behind the block size."""


@dataclass(frozen=True)
class Blosc:
    """Parameters of the `blosc` codec. Only writing needs them: a chunk says itself how it was made."""

    cname: str
    clevel: int
    shuffle: str
    typesize: int
    blocksize: int = 0


@dataclass(frozen=True)
class Zstd:
    """The `zstd` codec, which is only read."""


@dataclass(frozen=True)
class Chain:
    """One chunk's way to bytes and back.

    Attributes
    ----------
    compressor
        None where the values are stored as they are.
    checked
        Whether four bytes of CRC-32C follow.
    """

    compressor: Blosc | Zstd | None
    checked: bool = False

    @property
    def plain(self) -> bool:
        """Whether a chunk's bytes are its values and nothing else."""
        return self.compressor is None and not self.checked

    def decode(self, raw: np.ndarray, out: np.ndarray) -> None:
        """Decode one chunk into its place. Releases the GIL while it decompresses.

        Parameters
        ----------
        raw : ndarray of uint8, shape (n,)
        out : ndarray, C-contiguous
            The whole chunk.

        Raises
        ------
        ValueError
            If the bytes are no such chunk; `out` is then undefined.
        """
        if self.checked:
            raw = unchecked(raw)
        if self.compressor is None:
            if raw.nbytes != out.nbytes:
                raise ValueError(f"{raw.nbytes} bytes where a chunk has {out.nbytes}")
            out.reshape(-1).view(np.uint8)[:] = raw
        elif isinstance(self.compressor, Blosc):
            _blosc_decode(raw, out)
        else:
            _zstd_decode(raw, out)

    def encode(self, values: np.ndarray) -> tuple[bytes | memoryview, ...]:
        """One chunk's bytes, in pieces that follow one another.

        Parameters
        ----------
        values : ndarray, C-contiguous
            The whole chunk.
        """
        if isinstance(self.compressor, Zstd):
            raise NotImplementedError("zstd is only read")
        body: bytes | memoryview
        if self.compressor is None:
            body = values.reshape(-1).view(np.uint8).data
        else:
            body = _blosc_encode(self.compressor, values)
        return (body, checksum(np.frombuffer(body, np.uint8))) if self.checked else (body,)


def checksum(raw: np.ndarray) -> bytes:
    """CRC-32C (Castagnoli; RFC 3720, appendix B.4) of bytes, little-endian.

    >>> checksum(np.frombuffer(b"123456789", np.uint8)).hex()
    '839206e3'
    """
    import google_crc32c

    return _CRC.pack(google_crc32c.value(raw))


def unchecked(raw: np.ndarray) -> np.ndarray:
    """What stands before a CRC-32C that agrees with it.

    Raises
    ------
    ValueError
        If it does not agree.
    """
    body, stored = raw[:-4], raw[-4:].tobytes()
    if len(stored) != 4 or checksum(body) != stored:
        raise ValueError("its CRC-32C does not match")
    return body


def parse_chain(codecs: Sequence[Mapping[str, Any]], itemsize: int) -> Chain | None:
    """The chain of a `codecs` list; None where it holds anything else."""
    if not codecs or codecs[0].get("name") != "bytes":
        return None
    endian = codecs[0].get("configuration", {}).get("endian", "little" if itemsize == 1 else None)
    rest = [codec.get("name") for codec in codecs[1:]]
    checked = rest[-1:] == ["crc32c"]
    compressors = codecs[1 : len(codecs) - checked]
    if endian != "little" or len(compressors) > 1:
        return None
    if not compressors:
        return Chain(None, checked)
    name, given = compressors[0].get("name"), compressors[0].get("configuration", {})
    if name == "zstd":
        return Chain(Zstd(), checked)
    if name == "blosc" and given.get("shuffle") in SHUFFLES:
        return Chain(
            Blosc(
                str(given["cname"]),
                int(given["clevel"]),
                str(given["shuffle"]),
                int(given.get("typesize", itemsize)),
                int(given.get("blocksize", 0)),
            ),
            checked,
        )
    return None


@cache
def _blosc() -> Any:
    """numcodecs.blosc without threads of its own: a worker's cores are the worker's, and with threads the
    order of a chunk's blocks, so its bytes, would be chance."""
    import numcodecs.blosc

    numcodecs.blosc.use_threads = False
    return numcodecs.blosc


def _blosc_decode(raw: np.ndarray, out: np.ndarray) -> None:
    if raw.nbytes < BLOSC_HEADER.size:
        raise ValueError(f"{raw.nbytes} bytes are no blosc chunk")
    # numcodecs believes both sizes, so they are held against what is known before it sees them.
    decoded, encoded = BLOSC_HEADER.unpack_from(raw.data)
    if (decoded, encoded) != (out.nbytes, raw.nbytes):
        raise ValueError(
            f"its header says {encoded} bytes that become {decoded}, "
            f"but {raw.nbytes} must become {out.nbytes}"
        )
    try:
        _blosc().decompress(raw, out)
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _blosc_encode(blosc: Blosc, values: np.ndarray) -> bytes:
    flat = values.reshape(-1)
    if flat.itemsize != blosc.typesize:
        flat = flat.view(f"V{blosc.typesize}")
    shuffle = SHUFFLES.index(blosc.shuffle)
    encoded: bytes = _blosc().compress(flat, blosc.cname.encode(), blosc.clevel, shuffle, blosc.blocksize)
    return encoded


def _zstd_decode(raw: np.ndarray, out: np.ndarray) -> None:
    import numcodecs.zstd

    try:
        decoded = np.frombuffer(numcodecs.zstd.decompress(raw), np.uint8)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    if decoded.nbytes != out.nbytes:
        raise ValueError(f"{decoded.nbytes} bytes where a chunk has {out.nbytes}")
    out.reshape(-1).view(np.uint8)[:] = decoded
