"""A dataset's Zarr store: the template that one writer makes, and the regions that workers read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.arraymeta import read_meta
from hpcflow.data.encode import ArraySpec, encode, group_metadata, metadata, shard_key
from hpcflow.data.packing import STORED, Packing, packing_attrs, packing_of, unpacked
from hpcflow.data.shards import DirectArray, Shared
from hpcflow.data.table import read_table, table_attrs
from hpcflow.errors import StoreError
from hpcflow.plan.model import DatasetPlan, VariablePlan
from hpcflow.plan.records import DUPLICATE, LEFT_OUT, OK, PLANNED, REPLACED, RecordTable

FORMAT = 3
"""Of a dataset's store; 2 since chunks end with a checksum, 3 since a variable may be packed."""

READ = (2, 3)
"""Formats that are read and added to."""


def variable_spec(dataset: DatasetPlan, variable: VariablePlan) -> ArraySpec:
    """The array of one variable, over all samples of all records."""
    return ArraySpec(
        variable.name,
        (dataset.samples,),
        STORED if variable.packing else variable.dtype,
        ("sample",),
        {
            "units": variable.units,
            "long_name": variable.name.replace("_", " "),
            **packing_attrs(variable.packing),
        },
        chunk=dataset.chunk,
        shard=dataset.shard,
    )


def group_attrs(dataset: DatasetPlan, table: RecordTable) -> dict[str, Any]:
    """Attributes of the store."""
    return {
        "Conventions": "CF-1.11",
        "title": f"recordings of dataset {dataset.name}",
        "featureType": "timeSeries",
        "hpcflow_format": FORMAT,
        "hpcflow_kind": "dataset",
        "chunk": dataset.chunk,
        "shard": dataset.shard,
        **table_attrs(table),
    }


def template_files(dataset: DatasetPlan, table: RecordTable) -> Iterator[tuple[str, bytes]]:
    """(path below the store, bytes) of the store's metadata."""
    yield "zarr.json", group_metadata(group_attrs(dataset, table))
    for variable in dataset.variables:
        yield f"{variable.name}/zarr.json", metadata(variable_spec(dataset, variable))


def encode_samples(
    dataset: DatasetPlan, variable: VariablePlan, shard: int, samples: np.ndarray
) -> tuple[str, bytes | None]:
    """(path below the store, bytes) of one shard of a variable."""
    spec = variable_spec(dataset, variable)
    return shard_key(spec, shard), encode(spec, samples)


def stored_table(store: Path) -> RecordTable | None:
    """The record table of a store; None where there is no store yet.

    Raises
    ------
    StoreError
        If the folder holds something else.
    """
    if not (store / "zarr.json").is_file():
        if store.exists() and any(store.iterdir()):
            raise StoreError(
                f"{store} exists and is no dataset store of hpcflow: move it away, or name another `store:`"
            )
        return None
    import zarr

    attrs = dict(zarr.open_group(store, mode="r").attrs)
    if attrs.get("hpcflow_kind") != "dataset":
        raise StoreError(f"{store} is a Zarr group that hpcflow did not make: name another `store:`")
    if attrs.get("hpcflow_format") not in READ:
        raise StoreError(
            f"{store} has format {attrs.get('hpcflow_format')}, this version reads formats 2 and 3: "
            "move the folder away and ingest again"
        )
    if not (store / "record" / "zarr.json").is_file():
        return None
    return read_table(store)


def store_layout(store: Path) -> tuple[int, int] | None:
    """Chunk and shard of an existing store, fixed for its life."""
    if not (store / "zarr.json").is_file():
        return None
    import zarr

    attrs: Any = dict(zarr.open_group(store, mode="r").attrs)
    return int(attrs["chunk"]), int(attrs["shard"])


def stored_as_planned(planned: RecordTable, stored: RecordTable | None) -> dict[int, tuple[int, str]]:
    """(status, reason) in the store of the planned records that it has in the same place, by index."""
    if stored is None:
        return {}
    have = {
        (str(i), str(c), int(s)): (int(status), str(reason))
        for i, c, s, status, reason in zip(
            stored.ids, stored.checksum, stored.start, stored.status, stored.reason, strict=True
        )
    }
    keys = enumerate(zip(planned.ids, planned.checksum, planned.start, strict=True))
    found = ((index, have.get((str(i), str(c), int(s)))) for index, (i, c, s) in keys)
    return {index: state for index, state in found if state is not None}


def left_out_as_stored(planned: RecordTable, known: Mapping[int, tuple[int, str]]) -> np.ndarray:
    """The planned status, with records that a pilot leaves out as the store has them, or else `PLANNED`."""
    status = planned.status.copy()
    for index in np.flatnonzero(status == LEFT_OUT):
        status[index] = known.get(int(index), (PLANNED, ""))[0]
    return status


def pending(planned: RecordTable, stored: RecordTable | None) -> np.ndarray:
    """Mask of records of the planned table whose samples are not in the store yet."""
    wanted = np.isin(planned.status, (OK, PLANNED)) & (planned.size > 0)
    for index, (status, _) in stored_as_planned(planned, stored).items():
        if status not in (PLANNED, DUPLICATE, REPLACED):
            wanted[index] = False
    mask: np.ndarray = wanted
    return mask


def shards_of(table: RecordTable, mask: np.ndarray, shard: int) -> np.ndarray:
    """Sorted numbers of the shards that the masked records touch."""
    start, size = table.start[mask], table.size[mask]
    if not len(start):
        return np.zeros(0, np.int64)
    spans = [np.arange(a // shard, (a + n - 1) // shard + 1) for a, n in zip(start, size, strict=True)]
    return np.unique(np.concatenate(spans))


class Regions:
    """Reads stretches of the arrays of one store: directly where their layout is known, else through zarr."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._shared = Shared()
        self._arrays: dict[str, DirectArray | None] = {}
        self._packings: dict[str, Packing | None] = {}

    def read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows [start, stop) of an array, shape (stop - start, ...); float32 where it is packed.

        Raises
        ------
        StoreError
            If the array is not there or a file of it is damaged.
        """
        direct = self._direct(name)
        rows = direct.read((start,), (stop,)) if direct else self._through_zarr(name, slice(start, stop))
        if name not in self._packings:
            self._packings[name] = packing_of(direct.meta.attrs if direct else self._group[name].attrs)
        packing = self._packings[name]
        return rows if packing is None else unpacked(rows, packing, np.float32)

    def ahead(self, name: str, start: int, stop: int) -> None:
        """Have the disk begin with rows that will be read next; does nothing where they go through zarr."""
        direct = self._direct(name)
        if direct:
            direct.ahead((start,), (stop,))

    def _direct(self, name: str) -> DirectArray | None:
        if name not in self._arrays:
            meta = read_meta(self.store / name)
            self._arrays[name] = DirectArray(self.store / name, meta, self._shared) if meta else None
        return self._arrays[name]

    @cached_property
    def _group(self) -> Any:
        import zarr

        return zarr.open_group(self.store, mode="r")

    def _through_zarr(self, name: str, where: Any) -> np.ndarray:
        try:
            return np.asarray(self._group[name][where])
        except KeyError as error:
            raise StoreError(f"{self.store} has no array {name}: was the folder moved or emptied?") from error
        except (ValueError, RuntimeError, OSError) as error:
            raise StoreError(f"{self.store / name} cannot be read: {error}") from error
