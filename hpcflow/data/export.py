"""A step's results as one file that other programs read: CSV, Parquet or MATLAB."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcflow.errors import RequestError

if TYPE_CHECKING:
    import pandas
    import xarray

FORMATS = (".csv", ".parquet", ".mat")

LONGEST_NAME = 63
"""Of a MATLAB variable."""

MOST_BYTES = 2 << 30
"""Of decoded results: a table of more does not fit a small machine's memory, nor a MATLAB 5 file."""


WIDEST = 64
"""Columns that one variable may take in CSV: a sheet of spectra is nobody's table."""

FIRST = ("record", "record_index", "time")
"""Coordinates that come before the variables; the others (facts and where they are from) come after."""


@dataclass(frozen=True)
class Exported:
    """What was written, and which variables were too wide for it."""

    rows: int
    left_out: tuple[str, ...] = ()


def export(results: xarray.Dataset, path: Path) -> Exported:
    """Write results as a table, or as arrays for MATLAB.

    Parameters
    ----------
    results
        A step's results.
    path
        Ends in ``.csv``, ``.parquet`` or ``.mat``. Tables have one line per row of the step and a column per
        variable; where a variable has inner dimensions, one per position, named ``variable[value]``. The
        header of CSV has units, ``name [units]``; a MATLAB file has a structure ``units``.

    Raises
    ------
    RequestError
        For another ending, a folder that is not there, or results too large for one file.
    """
    if path.suffix not in FORMATS:
        raise RequestError(f"a file of results ends in {', '.join(FORMATS)}; {path.name!r} does not")
    if not path.parent.is_dir():
        raise RequestError(f"{path.parent} is no folder: make it first")
    if results.nbytes > MOST_BYTES:
        raise RequestError(
            f"the results hold {results.nbytes / 2**30:.1f} GiB, and one file takes "
            f"{MOST_BYTES / 2**30:.0f} GiB at most: read the Zarr store itself"
        )
    if path.suffix == ".mat":
        return _mat(results, path)
    if path.suffix == ".csv":
        wide = tuple(str(name) for name in results.data_vars if _width(results, str(name)) > WIDEST)
        frame = as_table(results.drop_vars(wide), units=True)
        frame.to_csv(path, index=False)
        return Exported(len(frame), wide)
    frame = as_table(results, units=False)
    frame.to_parquet(path, index=False)
    return Exported(len(frame))


def _width(results: xarray.Dataset, name: str) -> int:
    rows = row_dimension(results)
    return math.prod(size for dim, size in results[name].sizes.items() if dim != rows)


def _ordered(results: xarray.Dataset) -> list[str]:
    """Which row it is, what was computed in the order of the kernel's fields, then facts."""
    fields = [name for name in results.attrs.get("fields", ()) if name in results.data_vars]
    first = [name for name in FIRST if name in results.coords]
    names = [*first, *fields, *map(str, results.data_vars), *sorted(map(str, results.coords))]
    return list(dict.fromkeys(names))


def as_table(results: xarray.Dataset, *, units: bool) -> pandas.DataFrame:
    """One line per row; inner dimensions spread over columns, flags in words."""
    import pandas

    rows = row_dimension(results)
    columns: dict[str, Any] = {}
    if rows != "record" and "record_index" in results:
        columns["record"] = results["record"].values[results["record_index"].values]
    for name in _ordered(results):
        array = results[name]
        if (rows and rows not in array.dims) or (not rows and name in results.coords):
            continue
        label = f"{name} [{array.attrs['units']}]" if units and _has_units(array) else str(name)
        values = _words(array)
        if array.ndim <= 1:
            columns[label] = values.reshape(-1)
            continue
        inner = [d for d in array.dims if d != rows]
        flat = array.transpose(rows, *inner) if rows else array
        spread = _words(flat).reshape(flat.sizes[rows] if rows else 1, -1)
        for index, suffix in enumerate(_positions(results, inner)):
            columns[f"{name}[{suffix}]" + label[len(str(name)) :]] = spread[:, index]
    return pandas.DataFrame(columns)


def row_dimension(results: xarray.Dataset) -> str:
    """The dimension along which rows follow one another; "" where a step has one result over all records."""
    kinds = ("sample", "frame", "second", "event", "record")
    return next((kind for kind in kinds if kind in results.dims), "")


def _positions(results: xarray.Dataset, inner: list[Any]) -> list[str]:
    """The coordinate values of every position along inner dimensions, in C order."""
    import itertools

    import numpy as np

    labels = [
        [f"{v:g}" if isinstance(v, float) else str(v) for v in results[d].values.tolist()]
        if d in results.coords
        else [str(i) for i in np.arange(results.sizes[d])]
        for d in inner
    ]
    return [" ".join(combination) for combination in itertools.product(*labels)]


def _has_units(array: xarray.DataArray) -> bool:
    return array.attrs.get("units", "1") not in ("1", "", None) and array.dtype.kind in "fiu"


def _words(array: xarray.DataArray) -> Any:
    """Values, an int8 category in the words of its flags."""
    import numpy as np

    meanings = str(array.attrs.get("flag_meanings", "")).split()
    values = np.asarray(array.values)
    if not meanings or values.dtype.kind not in "iuf":
        return values
    known = [*meanings, ""]
    index = np.where(np.isfinite(values) & (values >= 0) & (values < len(meanings)), values, len(meanings))
    return np.asarray(known, object)[index.astype(np.int64)]


def _mat(results: xarray.Dataset, path: Path) -> Exported:
    from scipy.io import savemat

    arrays: dict[str, Any] = {}
    for name in [*results.coords, *results.data_vars]:
        values = results[name].values
        short = str(name)[:LONGEST_NAME]
        arrays[short] = values.astype(object) if values.dtype.kind in "OUT" else values
    units = {str(n)[:LONGEST_NAME]: str(results[n].attrs.get("units", "1")) for n in results.variables}
    savemat(path, {**arrays, "units": units}, do_compression=True, long_field_names=True, oned_as="column")
    rows = row_dimension(results)
    return Exported(results.sizes[rows] if rows else 1)
