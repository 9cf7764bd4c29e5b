"""Column headers: names with their units, and stamps of date and time."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

from hpcflow.errors import DataError

_SQUARE = re.compile(r"(.*?)\s*\[([^\[\]]*)\]\s*", re.DOTALL)
_ROUND = re.compile(r"(.*\S)\s*\(([^()]*)\)\s*", re.DOTALL)

STATISTICS = frozenset(("min", "max", "mean", "avg", "std"))
"""Words in round brackets that say which statistic a column holds; ``Heart rate (min)`` is not in minutes."""


@lru_cache(maxsize=4096)
def known(units: str) -> bool:
    """Whether these are units that the framework can convert."""
    from hpcflow.units import UnitError, convert

    for dimension in (None, "acceleration"):
        try:
            convert(units, dimension)
        except UnitError:
            continue
        return bool(units.strip())
    return False


def split_units(header: str) -> tuple[str, str | None]:
    """Name and units of a column header; brackets that hold no known units belong to the name.

    >>> split_units("acc_x [m/s2]"), split_units("acc (g)"), split_units("Heart rate (min)")
    (('acc_x', 'm/s2'), ('acc', 'g'), ('Heart rate (min)', None))
    """
    text = header.strip()
    for pattern in (_SQUARE, _ROUND):
        found = pattern.fullmatch(text)
        if found is None or not known(found[2].strip()):
            continue
        if pattern is _ROUND and found[2].strip().lower() in STATISTICS:
            continue
        return found[1].strip(), found[2].strip()
    return text, None


def unique(names: list[str]) -> list[str]:
    """Names told apart: the second ``x`` is ``x.2``; a column without a name is called by its number."""
    seen: dict[str, int] = {}
    found = []
    for number, given in enumerate(names, 1):
        name = given or str(number)
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


def numbers(column: Any, name: str, before: int) -> np.ndarray:
    """A stretch of a text table's column as float64.

    Parameters
    ----------
    column : pandas.Series
    name, before
        The column's name, and the number of rows above the stretch, for the message.

    Raises
    ------
    DataError
        If a cell that is not empty holds no number.
    """
    if column.dtype.kind not in "iufb":
        import pandas as pd

        found = pd.to_numeric(column, errors="coerce")
        wrong = np.flatnonzero(found.isna().to_numpy() & column.notna().to_numpy())
        if len(wrong):
            shown = str(column.iloc[wrong[0]])[:40]
            raise DataError(
                f"holds {shown!r} in row {before + wrong[0] + 1} of the column {name} where a number must "
                "stand: correct it, or leave it empty where the value is missing"
            )
        column = found
    values: np.ndarray = column.to_numpy().astype(np.float64)
    return values


def to_datetimes(texts: Any) -> tuple[np.ndarray, bool] | None:
    """Read date and time stamps.

    ISO 8601 in any precision, and day first with points (``24.12.2025 18:00:00``). Dates with slashes are not
    read, since nothing tells the day from the month.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    stamps : ndarray of datetime64[ns], shape (rows,)
        In UTC where the texts state their zone.
    zoned : bool
        Whether they do.
    None
        If any text is no such stamp.
    """
    import pandas as pd

    column = pd.Series(texts, dtype="object").astype(str).str.strip()
    if column.empty:
        return None
    first = column.iloc[0]
    zoned = re.search(r"[T ]\d\d.*(Z|[+-]\d\d(:?\d\d)?)$", first) is not None
    formats = ["ISO8601"] if re.match(r"\d{4}-?\d\d-?\d\d", first) else []
    if re.match(r"\d{1,2}\.\d{1,2}\.\d{4}", first):
        formats = ["%d.%m.%Y %H:%M:%S.%f", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"]
    for form in formats:
        try:
            stamps = pd.to_datetime(column, format=form, utc=zoned, errors="raise")
            if zoned:
                stamps = stamps.dt.tz_localize(None)
            return stamps.to_numpy().astype("datetime64[ns]"), zoned
        except (ValueError, TypeError, OverflowError, AttributeError):
            continue
    return None


def iso(stamp: np.datetime64, zoned: bool) -> str:
    """A stamp as ISO 8601 text; ``Z`` only where its zone is known.

    >>> iso(np.datetime64("2020-03-09T10:34:33"), False)
    '2020-03-09T10:34:33'
    """
    text = re.sub(r"\.?0*$", "", str(stamp.astype("datetime64[ns]")))
    return f"{text}Z" if zoned else text
