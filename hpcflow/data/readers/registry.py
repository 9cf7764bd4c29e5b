"""Readers by name and by suffix, ours and those of other packages; each is imported when first asked for."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hpcflow.data.readers.base import ENTRY_POINT, Reader
from hpcflow.errors import DataError, RequestError

if TYPE_CHECKING:
    import numpy as np

    from hpcflow.plan.records import Variable

BUILT_IN = ("matlab", "hdf5", "csv", "parquet", "fit", "tcx", "gpx", "activity")
"""Our readers; each is `READER` in the module of its name."""


@cache
def reader_names() -> tuple[str, ...]:
    """Names of all readers, ours first."""
    others = sorted({entry.name for entry in entry_points(group=ENTRY_POINT)} - set(BUILT_IN))
    return (*BUILT_IN, *others)


@cache
def get_reader(name: str) -> Reader:
    """Look a reader up.

    Raises
    ------
    RequestError
        If there is no such reader (with the nearest names), or another package's cannot be loaded.
    """
    if name in BUILT_IN:
        reader: Reader = importlib.import_module(f"hpcflow.data.readers.{name}").READER
        return reader
    for entry in entry_points(group=ENTRY_POINT):
        if entry.name == name:
            return _load_entry(entry)
    from difflib import get_close_matches

    near = get_close_matches(name, reader_names(), n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(reader_names())}"
    raise RequestError(f"no reader is called {name!r}: {hint}")


def _load_entry(entry: Any) -> Reader:
    try:
        reader = entry.load()
    except Exception as error:
        raise RequestError(
            f"the reader {entry.name!r} of another package ({entry.value}) cannot be loaded: {error}; "
            "reinstall that package or choose another reader"
        ) from error
    reader = reader() if isinstance(reader, type) else reader
    if not isinstance(reader, Reader):
        raise RequestError(
            f"the reader {entry.name!r} of another package ({entry.value}) lacks name, version, "
            "suffixes, scan or read: it does not fit this version of hpcflow"
        )
    return reader


def reader_for(path: Path) -> Reader:
    """The first reader whose suffixes fit a file's name, whatever the case of its letters.

    Raises
    ------
    RequestError
        If none fits.
    """
    name = path.name.lower()
    for known in reader_names():
        reader = get_reader(known)
        if any(name.endswith(suffix) for suffix in reader.suffixes):
            return reader
    raise RequestError(
        f"no reader is known for {path.name}: name one in `reader:` ({', '.join(reader_names())})"
    )


def to_si(units: str | None, name: str, dimension: str | None = None) -> tuple[float, float, str]:
    """Factor, offset and SI units of a variable: ``si = data * factor + offset``.

    A variable that is called like a physical dimension has that dimension, so that ``g`` is an acceleration
    where the variable is called ``acceleration``. Without units data are plain numbers.

    Raises
    ------
    DataError
        If the units are unknown, ambiguous, or of another dimension.
    """
    from hpcflow.units import UnitError, convert

    if not units or not units.strip():
        return 1.0, 0.0, "1"
    try:
        return convert(units, dimension)
    except UnitError as error:
        if dimension is None and name.split("_")[0] in ("acceleration", "acc", "accel"):
            try:
                return convert(units, "acceleration")
            except UnitError:
                pass
        raise DataError(f"has {name} in {units!r}: {error.rule}; {error.remedy}") from None


def read_stored(
    reader: Reader,
    path: Path,
    channel: str,
    start: int,
    stop: int,
    options: Mapping[str, Any],
    variables: Sequence[Variable],
) -> dict[str, np.ndarray]:
    """Samples [start, stop) of one record, as its dataset stores them.

    Parameters
    ----------
    reader, path, channel, start, stop, options
        As `Reader.read`.
    variables : sequence of Variable
        The record table's.

    Returns
    -------
    dict of str to ndarray, shape (stop - start,)
        One array per variable: int16 where it is packed; else in its SI units and dtype, NaN where the record
        lacks the variable. Samples are scaled as float64 and rounded once, so that the result does not depend
        on [start, stop).

    Raises
    ------
    DataError
        If the file cannot be read, or its units no longer fit the table.
    """
    import numpy as np

    from hpcflow.data.packing import SMALL, STORED

    found = reader.read(path, channel, start, stop, options)
    units = _units_of(reader, path, channel, options)
    asked = options.get("variables") or {}
    values = {}
    for variable in variables:
        raw = found.get(variable.name)
        if raw is None and variable.packing is None:
            values[variable.name] = np.full(stop - start, np.nan, variable.dtype)
            continue
        count = 0 if raw is None else len(raw)
        if raw is None or count != stop - start:
            raise DataError(
                f"gave {count} samples of {variable.name} where {stop - start} were expected: "
                "it changed since it was scanned, so scan again"
            )
        entry = asked.get(variable.name) or {}
        stated = units.get(variable.name) or entry.get("units")
        factor, offset, si_units = to_si(stated, variable.name, entry.get("dimension"))
        if si_units != variable.units:
            raise DataError(
                f"has {variable.name} in {si_units} where the dataset has {variable.units}: "
                "it changed since it was scanned, so scan again"
            )
        if variable.packing is not None:
            if raw.dtype.name not in SMALL or (factor, offset) != variable.packing:
                raise DataError(
                    f"gave {variable.name} as {raw.dtype} times {factor:g} where small integers times "
                    f"{variable.packing[0]:g} were expected: it changed since it was scanned, so scan again"
                )
            values[variable.name] = np.ascontiguousarray(raw, STORED)
            continue
        values[variable.name] = _scaled(raw, factor, offset, variable.dtype)
    return values


def _scaled(raw: np.ndarray, factor: float, offset: float, dtype: str) -> np.ndarray:
    """``raw * factor + offset`` as float64, rounded once; some samples at a time, to save memory."""
    import numpy as np

    from hpcflow.data.readers.timeaxis import stretched

    if (factor, offset) == (1.0, 0.0):
        return np.ascontiguousarray(raw, dtype)
    found = np.empty(len(raw), dtype)
    for start, stop in stretched(len(raw)):
        found[start:stop] = raw[start:stop].astype(np.float64) * factor + offset
    return found


def _units_of(
    reader: Reader, path: Path, channel: str, options: Mapping[str, Any]
) -> Mapping[str, str | None]:
    """Units of a record's variables, remembered per state of the file: a stage asks for each stretch."""
    state = path.stat()
    text = json.dumps(options, sort_keys=True, default=list)
    return _remembered(cast(Any, reader), str(path), state.st_size, state.st_mtime_ns, channel, text)


@lru_cache(maxsize=256)
def _remembered(
    reader: Reader, path: str, size: int, mtime_ns: int, channel: str, options: str
) -> Mapping[str, str | None]:
    units = getattr(reader, "units", None)
    if units is not None:
        found: Mapping[str, str | None] = units(Path(path), channel, json.loads(options))
        return found
    for record in reader.scan(Path(path), json.loads(options)):
        if record.channel == channel:
            return {variable.name: variable.units for variable in record.variables}
    raise DataError(f"has no channel {channel!r} any more: it changed since it was scanned, so scan again")
