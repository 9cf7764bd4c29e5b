"""What the store of a step looks like: arrays, coordinates, attributes, made before any block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hpcflow.data.encode import ArraySpec, chunk_rows, encode, group_metadata, metadata, shard_key
from hpcflow.data.table import columns
from hpcflow.plan.model import FieldPlan, StepPlan
from hpcflow.plan.records import RecordTable

RECORD, SAMPLE = "record", "sample"


def row_dim(step: StepPlan) -> str:
    """Name of the step's row dimension; `record` where each record gives one row."""
    return step.axis


def result_attrs(step: StepPlan) -> dict[str, Any]:
    """Attributes of a result store: what made it. No times, hosts or paths."""
    return {
        "Conventions": "CF-1.11",
        "title": f"{step.name}: {step.kernel} of dataset {step.dataset}",
        "hpcflow_format": 1,
        "hpcflow_kind": "result",
        "step": step.name,
        "dataset": step.dataset,
        "fields": [f.name for f in step.fields],
        "kernel": step.kernel,
        "kernel_version": step.version,
        "parameters": _plain(step.params),
        "inputs": [f"{i.port}={i.source}" + (f".{i.field}" if i.field else "") for i in step.inputs],
        "step_key": step.key,
        "pattern": step.pattern,
    }


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}


def field_attrs(field: FieldPlan) -> dict[str, Any]:
    """CF attributes of an output variable."""
    attrs: dict[str, Any] = {"long_name": field.long_name}
    if field.flags:
        attrs["flag_values"] = list(range(len(field.flags)))
        attrs["flag_meanings"] = " ".join(f.replace(" ", "_") for f in field.flags)
    else:
        attrs["units"] = field.units
    return attrs


def field_spec(step: StepPlan, field: FieldPlan) -> ArraySpec:
    """The array of one output variable."""
    itemsize = int(np.prod(field.shape, dtype=np.int64)) * np.dtype(field.dtype).itemsize
    return ArraySpec(
        field.name,
        (step.rows, *field.shape),
        field.dtype,
        (row_dim(step), *(name for name, _, _ in field.dims)),
        field_attrs(field),
        chunk=chunk_rows(itemsize, step.shard),
        shard=step.shard,
    )


def row_coordinate_specs(step: StepPlan) -> tuple[ArraySpec, ...]:
    """Coordinates along the row dimension.

    Frames and seconds carry a time and the number of their record; of whole signals both would double the
    size, and events say themselves when they were.
    """
    if step.axis in (RECORD, SAMPLE):
        return ()
    shape, dims = (step.rows,), (row_dim(step),)
    sizes = {"chunk": chunk_rows(8, step.shard), "shard": step.shard}
    time = ArraySpec(
        "time",
        shape,
        "float64",
        dims,
        {"long_name": "start of the row since the start of its record", "units": "s"},
        **sizes,
    )
    record = ArraySpec(
        "record_index",
        shape,
        "int32",
        dims,
        {"long_name": "which record the row belongs to", "instance_dimension": RECORD},
        **sizes,
    )
    return (record,) if step.pattern == "events" else (time, record)


def inner_coordinates(step: StepPlan) -> Iterator[tuple[ArraySpec, np.ndarray]]:
    """Coordinates of inner dimensions, each once."""
    seen: dict[str, tuple[Any, ...]] = {}
    for field in step.fields:
        for name, values, units in field.dims:
            if name in seen:
                if seen[name] != values:
                    raise ValueError(f"step {step.name} has two different coordinates called {name}")
                continue
            seen[name] = values
            text = any(isinstance(v, str) for v in values)
            attrs = {"long_name": name.replace("_", " ")} | ({} if text else {"units": units})
            array = np.asarray(values, dtype=object if text else np.float64)
            yield ArraySpec(name, (len(values),), "str" if text else "float64", (name,), attrs), array


def template_files(step: StepPlan) -> Iterator[tuple[str, bytes]]:
    """(path below the store, bytes) of everything that is known before the first block."""
    yield "zarr.json", group_metadata(result_attrs(step))
    for field in step.fields:
        yield f"{field.name}/zarr.json", metadata(field_spec(step, field))
    for spec in row_coordinate_specs(step):
        yield f"{spec.name}/zarr.json", metadata(spec)
    yield from coordinate_files(step)


def coordinate_files(step: StepPlan) -> Iterator[tuple[str, bytes]]:
    """Files of the inner coordinates."""
    for spec, values in inner_coordinates(step):
        yield f"{spec.name}/zarr.json", metadata(spec)
        content = encode(spec, values)
        if content is not None:
            yield shard_key(spec, 0), content


def record_files(
    step: StepPlan, table: RecordTable, start: np.ndarray, size: np.ndarray, rate: np.ndarray
) -> Iterator[tuple[str, bytes]]:
    """Files of the record coordinates: id, facts, status, checksum, and which rows are whose.

    Parameters
    ----------
    table
        The live records, with their final status.
    start, size, rate
        Rows of each record on the step's axis, and rows per second. Where rows are samples, `rate` takes the
        place of the recording's: a signal at another rate than its recording says its own.
    """
    dim = row_dim(step)
    replaced = {
        "row_start": (start, {"long_name": "first row of the record"}),
        "row_size": (size, {"long_name": "number of rows of the record", "sample_dimension": dim}),
    }
    if dim == SAMPLE:
        replaced["rate"] = rate, {"long_name": "sampling rate", "units": "s-1"}
    names = {f.name for f in step.fields} | {d for f in step.fields for d, _, _ in f.dims}
    for name, values, dtype, attrs in columns(table):
        if name in replaced:
            if dim == RECORD:
                continue
            values, attrs = replaced[name]
        target = f"record_{name}" if name in names and name != RECORD else name
        spec = ArraySpec(target, (len(table),), dtype, (RECORD,), attrs)
        yield f"{target}/zarr.json", metadata(spec)
        if len(table):
            content = encode(spec, np.asarray(values, dtype=object if dtype == "str" else dtype))
            if content is not None:
                yield shard_key(spec, 0), content


def whole_files(
    step: StepPlan, arrays: Mapping[str, np.ndarray], attrs: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """Files of a result that is one value or curve over all records."""
    files = dict(_whole_arrays(step, arrays))
    yield from files.items()
    yield "zarr.json", group_metadata(attrs, files)


def _whole_arrays(step: StepPlan, arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, bytes]]:
    for field in step.fields:
        spec = ArraySpec(
            field.name, field.shape, field.dtype, tuple(name for name, _, _ in field.dims), field_attrs(field)
        )
        yield f"{field.name}/zarr.json", metadata(spec)
        content = encode(spec, arrays[field.name])
        if content is not None:
            yield shard_key(spec, 0), content
    yield from coordinate_files(step)
