"""Datasets and the run section: what they say must go together and be readable as quantities."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hpcflow.units import UnitError, convert, dimension, format_quantity, parse_budget, parse_quantity
from hpcflow.units.tables import DIMENSIONS
from hpcflow.words import suggest
from hpcflow.workflow.check_names import check_name, check_path
from hpcflow.workflow.check_shape import Findings, shown
from hpcflow.workflow.load_yaml import Node, join, plain
from hpcflow.workflow.model import WORD, DatasetSpec, FactSpec, RunSpec, VariableSpec

_FILES_ONLY = ("reader", "store", "duplicates")


def check_dataset(name: str, node: Node, readers: Collection[str] | None, found: Findings) -> DatasetSpec:
    """Check one dataset, keys and types being right already; what is wrong is left out of the result."""
    path = join("datasets", name)
    value: Mapping[str, Any] = plain(node)
    files = _texts(value.get("files"))
    listed = isinstance(value.get("files"), list)
    _source(path, value, found)
    for index, one in enumerate(files):
        if one is not None:
            place = join(join(path, "files"), index) if listed else join(path, "files")
            check_path(place, one, found, glob=True)
    for key in ("zarr", "records", "store"):
        if key in value:
            check_path(join(path, key), value[key], found, written=key == "store")
    reader = value.get("reader")
    if reader is not None and readers is not None and reader not in readers:
        remedy = suggest(reader, readers, f"readers: {', '.join(sorted(readers))}")
        found.add(join(path, "reader"), "no reader has this name", shown(reader), remedy)
    elif reader is not None:
        check_name(join(path, "reader"), reader, found, WORD, "the name of a reader")
    variables, facts = (
        {one: _fact(join(join(path, kind), one), given, found) for one, given in value.get(kind, {}).items()}
        for kind in ("variables", "facts")
    )
    named = value.get("variables", {})
    return DatasetSpec(
        name=name,
        files=files,
        reader=reader,
        zarr=value.get("zarr"),
        variables={
            key: VariableSpec(one.select, one.units, one.dimension, named[key].get("long_name", ""))
            for key, one in variables.items()
        },
        facts=facts,
        records=value.get("records"),
        defaults=value.get("defaults", {}),
        store=value.get("store"),
        duplicates=value.get("duplicates", "keep"),
    )


def _source(path: str, value: Mapping[str, Any], found: Findings) -> None:
    if "files" in value and "zarr" in value:
        found.add(join(path, "zarr"), "a dataset has files or zarr, not both", "", "delete one of the two")
    elif "zarr" in value:
        for key in _FILES_ONLY:
            if key in value:
                rule = f"{key} goes with files, and this dataset is an existing store"
                found.add(join(path, key), rule, shown(value[key]), "delete the key")
    elif "files" not in value:
        remedy = "add files: 'recordings/*.mat' and reader: matlab, or zarr: with the folder of a store"
        found.missing(join(path, "files"), "a dataset has files or zarr", "", remedy)
    elif "reader" not in value:
        found.missing(
            join(path, "reader"), "files need a reader", "", "add reader: matlab (or csv, activity, …)"
        )


def _fact(path: str, value: Mapping[str, Any], found: Findings) -> FactSpec:
    units, asked = value.get("units"), value.get("dimension")
    select = _texts(value.get("select"))
    for one in select:
        if one is not None and (not one.strip() or "\n" in one):
            found.add(join(path, "select"), "select holds names or globs", shown(one), "write it like *_time")
    if asked is not None and asked != "text":
        try:
            dimension(asked)
        except ValueError:
            remedy = suggest(asked, DIMENSIONS, f"dimensions: {', '.join(DIMENSIONS)}")
            found.add(join(path, "dimension"), "no dimension has this name", shown(asked), remedy)
            return FactSpec(select)
    if units is not None:
        if asked == "text":
            found.add(join(path, "units"), "a text has no units", shown(units), "delete units or dimension")
        else:
            try:
                convert(units, asked)
            except UnitError as error:
                found.add(join(path, "units"), error.rule, error.value, error.remedy)
    return FactSpec(select, units, asked)


def check_run(node: Node | None, found: Findings) -> RunSpec:
    """Check the run section, keys and types being right already."""
    value: Mapping[str, Any] = plain(node) if node is not None else {}
    budget: dict[str, float] = {}
    for one in filter(None, _texts(value.get("budget"))):
        try:
            kind, hours = parse_budget(one)
            if kind in budget:
                found.add("run.budget", f"a budget names {kind} once", shown(one), "delete one of the two")
            budget[kind] = hours
        except UnitError as error:
            found.add("run.budget", error.rule, error.value, error.remedy)
    block = _quantity("block_size", "information", value, 1024, 2**40, found)
    for key in ("site", "account", "partition"):
        if key in value:
            check_name(join("run", key), value[key], found, WORD, key)
    image = value.get("container")
    if image is not None and (not image.startswith("/") or not image.isprintable()):
        rule = "an image is named by its absolute path, without line breaks"
        found.add("run.container", rule, shown(image), "write it from the root, like /project/…/hpcflow.sif")
    return RunSpec(
        device=value.get("device", "auto"),
        budget=budget,
        workers=value.get("workers"),
        block_bytes=None if block is None else int(block),
        time_limit=_quantity("time_limit", "duration", value, 60, 86400 * 60, found),
        site=value.get("site"),
        account=value.get("account"),
        partition=value.get("partition"),
        prefer=value.get("prefer"),
        container=value.get("container"),
    )


def _quantity(
    key: str, asked: str, value: Mapping[str, Any], low: float, high: float, found: Findings
) -> float | None:
    if key not in value:
        return None
    path = join("run", key)
    try:
        number = parse_quantity(value[key], asked)
    except UnitError as error:
        found.add(path, f"{key} {error.rule}", error.value, error.remedy)
        return None
    if low <= number <= high:
        return number
    rule = f"{key} is between {format_quantity(low, asked)} and {format_quantity(high, asked)}"
    found.add(path, rule, shown(value[key]), "correct the value")
    return None


def _texts(value: Any) -> tuple[Any, ...]:
    """One text or a list of them as a tuple; None stands where an entry was refused."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
