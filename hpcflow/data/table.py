"""The record table on disk: one Zarr array per column, so that xarray shows records and their facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.encode import ArraySpec, encode, group_metadata, metadata, shard_key
from hpcflow.errors import StoreError
from hpcflow.plan.records import ORIGINS, STATUS, Fact, RecordTable, Variable

DIM = "record"
PREFIX = "record_"


def flags(meanings: tuple[str, ...]) -> dict[str, Any]:
    """CF attributes of an int8 category."""
    return {
        "flag_values": list(range(len(meanings))),
        "flag_meanings": " ".join(m.replace(" ", "_") for m in meanings),
    }


def columns(table: RecordTable) -> Iterator[tuple[str, np.ndarray, str, dict[str, Any]]]:
    """(name, values, dtype, attributes) of every column."""
    yield "record", table.ids, "str", {"long_name": "record id", "cf_role": "timeseries_id"}
    yield "row_start", table.start, "int64", {"long_name": "first sample of the record"}
    size = {"long_name": "number of samples of the record", "sample_dimension": "sample"}
    yield "row_size", table.size, "int64", size
    yield "rate", table.rate, "float64", {"long_name": "sampling rate", "units": "s-1"}
    yield "status", table.status, "int8", {"long_name": "record status", **flags(STATUS)}
    yield "reason", table.reason, "str", {"long_name": "why the record is not computed on"}
    yield "checksum", table.checksum, "str", {"long_name": "sha256 of what the record was read from"}
    yield "path", table.path, "str", {"long_name": "file, relative to the workflow"}
    yield "channel", table.channel, "str", {"long_name": "channel in the file"}
    for name, fact in table.facts.items():
        if fact.units == "text":
            yield f"fact_{name}", fact.values, "str", {"long_name": name.replace("_", " ")}
        else:
            yield (
                f"fact_{name}",
                fact.values,
                "float64",
                {"long_name": name.replace("_", " "), "units": fact.units},
            )
        origin = {"long_name": f"where {name} comes from", **flags(ORIGINS)}
        yield f"origin_{name}", fact.origin, "int8", origin


def table_files(table: RecordTable) -> Iterator[tuple[str, bytes]]:
    """(path below the group, bytes) of every file of the table's arrays."""
    for name, values, dtype, attrs in columns(table):
        spec = ArraySpec(name, (len(table),), dtype, (DIM,), attrs)
        yield f"{name}/zarr.json", metadata(spec)
        if len(table):
            data = np.asarray(values, dtype=object) if dtype == "str" else np.asarray(values, dtype=dtype)
            encoded = encode(spec, data)
            if encoded is not None:
                yield shard_key(spec, 0), encoded


def table_attrs(table: RecordTable) -> dict[str, Any]:
    """What the group's attributes say of the table, so that reading it lists no folder."""
    variables = [
        {
            "name": v.name,
            "units": v.units,
            "dtype": v.dtype,
            "dimension": v.dimension,
            "long_name": v.long_name,
            **({"packing": v.packing} if v.packing else {}),
        }
        for v in table.variables
    ]
    return {"variables": variables, "facts": sorted(table.facts)}


def write_table(folder: Path, table: RecordTable) -> None:
    """Write a table as a group of its own (a run's planned table)."""
    files = {"zarr.json": group_metadata(table_attrs(table)), **dict(table_files(table))}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def read_table(folder: Path) -> RecordTable:
    """Read a table back from a group that holds one.

    Raises
    ------
    StoreError
        If columns are missing or damaged.
    """
    try:
        return _read_table(folder)
    except (KeyError, ValueError, TypeError, OSError, RuntimeError) as error:
        raise StoreError(
            f"the record table in {folder} is damaged ({type(error).__name__}: {error}): "
            "move the folder away and ingest again; nothing but time is lost"
        ) from error


def _read_table(folder: Path) -> RecordTable:
    import zarr

    group = zarr.open_group(folder, mode="r")
    attrs = dict(group.attrs)
    raw_variables: Any = attrs["variables"]

    def column(name: str) -> np.ndarray:
        array: Any = group[name]
        values = np.asarray(array[:])
        return values.astype(object) if array.dtype.kind not in "fiu" else values

    facts = {}
    names: Any = attrs["facts"]
    for name in names:
        units: Any = group[f"fact_{name}"].attrs.get("units", "text")
        facts[name] = Fact(name, column(f"fact_{name}"), str(units), column(f"origin_{name}"))
    return RecordTable(
        ids=column("record"),
        start=column("row_start"),
        size=column("row_size"),
        rate=column("rate"),
        status=column("status"),
        reason=column("reason"),
        checksum=column("checksum"),
        path=column("path"),
        channel=column("channel"),
        variables=tuple(_variable(v) for v in raw_variables),
        facts=facts,
    )


def _variable(stored: Mapping[str, Any]) -> Variable:
    packing = stored.get("packing")
    return Variable(**{**stored, "packing": (float(packing[0]), float(packing[1])) if packing else None})
