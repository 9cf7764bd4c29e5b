"""Stores as xarray objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray


def open_store(path: Path) -> xarray.Dataset:
    """Open a store of ours lazily; record ids, facts and row coordinates become coordinates.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    """
    import xarray

    # The group repeats its arrays' metadata once all of them have their final shape.
    closed = b'"consolidated_metadata"' in (path / "zarr.json").read_bytes()
    dataset: xarray.Dataset = xarray.open_zarr(path, consolidated=closed, chunks=None)
    fields = dataset.attrs.get("fields", ())
    names = [
        name
        for name, array in dataset.data_vars.items()
        if name not in fields
        and array.dims == ("record",)
        and (str(name).startswith(("fact_", "origin_", "record_")) or name in _RECORD_COLUMNS)
    ]
    names += [name for name in ("time", "record_index") if name in dataset.data_vars]
    found: xarray.Dataset = dataset.set_coords(names)
    return found


_RECORD_COLUMNS = (
    "record",
    "row_start",
    "row_size",
    "rate",
    "status",
    "reason",
    "checksum",
    "path",
    "channel",
)
