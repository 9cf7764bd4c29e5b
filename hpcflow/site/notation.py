"""Sizes and times as Slurm writes them, so that a profile can be held against `scontrol` line by line."""

from __future__ import annotations

import re

_MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_BYTE_UNITS: dict[str, int] = {
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGTP", start=1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGTP", start=1)},
}
_MEMORY = re.compile(r"(\d+)([KMGT])")
_BYTES = re.compile(r"(\d+) ?([KMGTP]i?B)")
_TIME = re.compile(r"(?:(\d+)-)?(\d{1,2}):(\d{2}):(\d{2})")


def parse_memory(text: str) -> int:
    """Bytes of a size in Slurm's notation: ``229376M``, ``224G``; the units are powers of 1024.

    Raises
    ------
    ValueError
        For any other text.
    """
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ValueError(f"a size is a whole number with K, M, G or T, as in 224G; found {text!r}")
    return int(match[1]) * _MEMORY_UNITS[match[2]]


def format_memory(size: int) -> str:
    """The size in Slurm's notation, rounded up to whole MiB; in G where that is exact."""
    mebibytes = -(-size // 2**20)
    return f"{mebibytes // 1024}G" if mebibytes % 1024 == 0 and mebibytes else f"{mebibytes}M"


def parse_bytes(text: str) -> int:
    """Bytes of a size of storage, where GB (1000³) is not GiB (1024³).

    >>> parse_bytes("50 TB"), parse_bytes("250GiB")
    (50000000000000, 268435456000)

    Raises
    ------
    ValueError
        For any other text.
    """
    match = _BYTES.fullmatch(text)
    if match is None:
        raise ValueError(
            f"a size of storage is a whole number with a unit, as in 50 TB or 250 GiB; found {text!r}"
        )
    return int(match[1]) * _BYTE_UNITS[match[2]]


def format_decimal(size: int) -> str:
    """The size in decimal units, three digits.

    >>> format_decimal(50 * 10**12), format_decimal(268435456000), format_decimal(512)
    ('50 TB', '268 GB', '512 B')
    """
    for power in range(5, 0, -1):
        if size >= 1000**power:
            return f"{size / 1000**power:.3g} {'kMGTP'[power - 1]}B"
    return f"{size} B"


def parse_time(text: str) -> int:
    """Seconds of a time in Slurm's notation ``[days-]hours:minutes:seconds``.

    Raises
    ------
    ValueError
        For any other text.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"a time is [days-]hours:minutes:seconds, as in 2-00:00:00; found {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def format_time(seconds: int) -> str:
    """The time in Slurm's notation ``[days-]hours:minutes:seconds``."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{days}-{clock}" if days else clock
