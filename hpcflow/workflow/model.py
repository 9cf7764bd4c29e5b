"""What was asked: a workflow file once read, checked and expanded. Frozen, SI inside, and every literal
still knows its place in the file, so that later checks can point at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hpcflow.errors import Problem
from hpcflow.words import printable

FORMAT_VERSION = 1
"""The version of the workflow file that this hpcflow reads."""

NAME = r"[a-z][a-z0-9_]*"
"""Names of datasets, steps, variables, facts and parameters."""
WORKFLOW_NAME = r"[a-z][a-z0-9_-]*"
WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
"""Names of sites, accounts, partitions, readers and kernels."""
REFERENCE = rf"{NAME}(\.{NAME})?"
"""What `input` and `save` hold: ``step``, ``step.field``, ``dataset.variable``."""
MAX_NAME = 64

RESERVED = (
    "all", "data", "datasets", "false", "hpcflow", "no", "none", "null", "off", "on", "parameters",
    "results", "run", "runs", "save", "steps", "true", "workflow", "yes",
)  # fmt: skip
"""Words with a meaning in files, results or YAML, which no dataset or step may take."""

RESERVED_VARIABLES = ("file", "frame", "record", "sample", "second")
"""Dimensions of stores and results, which no variable may be called."""


class Place(NamedTuple):
    """Where a literal stands. Line and column count from 1; both are 0 where it came from an option."""

    line: int
    column: int
    source: str = ""
    """The option, like ``--set band=...``; empty for the workflow file itself."""
    origin: str = ""
    """Which parameter gave the value, in words; empty where it was written in place."""


@dataclass(frozen=True)
class Ref:
    """A name that a step reads: a dataset's variable or fact, a step, or one of a step's fields."""

    source: str
    """Name of the dataset or step."""
    field: str | None = None
    """Variable, fact or output field; None for a whole step."""
    dataset: bool = False
    """Whether `source` is a dataset."""

    def __str__(self) -> str:
        return self.source if self.field is None else f"{self.source}.{self.field}"


@dataclass(frozen=True)
class VariableSpec:
    """How a variable is found in the files, and what it is where they do not say."""

    select: tuple[str, ...] = ()
    """Globs over the names in the file; empty leaves the choice to the reader."""
    units: str | None = None
    dimension: str | None = None
    long_name: str = ""


@dataclass(frozen=True)
class FactSpec:
    """How a fact is found in a file's header."""

    select: tuple[str, ...] = ()
    units: str | None = None
    dimension: str | None = None


@dataclass(frozen=True)
class DatasetSpec:
    """One entry of ``datasets``: files with their reader, or an existing Zarr store.

    Attributes
    ----------
    files
        Globs, relative to the workflow's folder or absolute; empty where `zarr` is given.
    reader
        Name of the reader; None where `zarr` is given.
    zarr
        Path of an existing store, as written.
    records
        Path of the table of facts (CSV), as written.
    defaults
        Facts of records that state none: literals as written; `hpcflow.units.parse_literal` reads them.
    store
        Path of the store to make, as written; None for ``data/<name>.zarr`` in the workflow's folder.
    duplicates
        ``keep`` or ``once``.
    """

    name: str
    files: tuple[str, ...] = ()
    reader: str | None = None
    zarr: str | None = None
    variables: Mapping[str, VariableSpec] = field(default_factory=dict)
    facts: Mapping[str, FactSpec] = field(default_factory=dict)
    records: str | None = None
    defaults: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    store: str | None = None
    duplicates: str = "keep"

    @property
    def options(self) -> dict[str, Any]:
        """What a reader is given: ``{"variables": {name: {...}}, "facts": {name: {...}}}``, plain values."""
        return {
            "variables": {
                name: {"select": list(one.select), "units": one.units, "dimension": one.dimension}
                for name, one in self.variables.items()
            },
            "facts": {
                name: {"select": list(one.select), "units": one.units, "dimension": one.dimension}
                for name, one in self.facts.items()
            },
        }


@dataclass(frozen=True)
class StepSpec:
    """One entry of ``steps``.

    Attributes
    ----------
    inputs
        Port to what feeds it, ``signals[0]``, ``signals[1]`` … where it takes several; optional ports that
        are not fed are absent.
    params
        Every parameter of the kernel, defaults included: SI floats, ints, bools, texts, tuples.
    given
        What the file gave under ``with``, as written.
    """

    name: str
    kernel: str
    inputs: Mapping[str, Ref]
    params: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunSpec:
    """How the run should go; everything here may be left out.

    Attributes
    ----------
    device
        ``auto``, ``cpu`` or ``gpu``.
    budget
        ``{"gpu_hours": 10.0}``, ``{"core_hours": 500.0}`` or both; empty for no limit.
    workers, block_bytes, time_limit
        Processes, bytes of input per block, seconds; None where planning decides.
    site, account, partition, prefer
        Defaults of the options with the same names.
    container
        Absolute path of an image in which jobs compute.
    """

    device: str = "auto"
    budget: Mapping[str, float] = field(default_factory=dict)
    workers: int | None = None
    block_bytes: int | None = None
    time_limit: float | None = None
    site: str | None = None
    account: str | None = None
    partition: str | None = None
    prefer: str | None = None
    container: str | None = None


@dataclass(frozen=True)
class WorkflowSpec:
    """A workflow that passed every check that needs neither data nor a cluster.

    Attributes
    ----------
    file, folder
        The file as named by the user, and the absolute folder that its relative paths start from.
    source, sha256
        Bytes of the file, and their checksum.
    overrides
        The ``--set`` options, as given.
    parameters
        As written, overrides applied.
    steps
        In an order in which every step comes after what it reads; in the file's order where free.
    save
        What is written to the results.
    warnings
        What is allowed but looks like a slip.
    places
        Where each part stands, by path (``steps.band.with.low``, ``save[1]``).
    """

    name: str
    description: str
    file: str
    folder: Path
    source: bytes
    sha256: str
    overrides: tuple[str, ...]
    parameters: Mapping[str, Any]
    datasets: tuple[DatasetSpec, ...]
    steps: tuple[StepSpec, ...]
    save: tuple[Ref, ...]
    run: RunSpec
    warnings: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)

    def dataset(self, name: str) -> DatasetSpec:
        """Look a dataset up by name; KeyError where there is none."""
        return {one.name: one for one in self.datasets}[name]

    def step(self, name: str) -> StepSpec:
        """Look a step up by name; KeyError where there is none."""
        return {one.name: one for one in self.steps}[name]

    def problem(self, path: str, rule: str, value: str = "", remedy: str = "") -> Problem:
        """Make a `Problem` that points at a part of this file, or at the nearest part around it."""
        return problem_at(self.file, self.places, path, rule, value, remedy)


def place_of(step: str, key: str, places: Mapping[str, Place]) -> str:
    """The path of one input of a step: under its port's name, or the step's only input."""
    path = f"steps.{step}.input"
    return next((p for p in (f"{path}.{key}", path + key[key.find("[") :]) if p in places), path)


def outer(path: str) -> str:
    """The path of the part around a part: ``steps.band`` for ``steps.band.with``."""
    return path[: max(path.rfind("."), path.rfind("["), 0)]


def problem_at(
    file: str, places: Mapping[str, Place], path: str, rule: str, value: str = "", remedy: str = ""
) -> Problem:
    """Make a `Problem` at a path of a document, or at the nearest enclosing part that has a place."""
    around = path
    while around and around not in places:
        around = outer(around)
    place = places.get(around, Place(0, 0))
    shown = f"{value}, from {place.origin}" if place.origin and value else value
    texts = (printable(text) for text in (path, rule, shown, remedy))
    return Problem(printable(place.source or file), place.line, place.column, *texts)
