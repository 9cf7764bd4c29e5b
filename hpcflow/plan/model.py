"""The cut: what is decided, frozen, and the same on every machine.

Nothing in it names a host, a clock or an absolute path. Lists of blocks do not exist: a stage holds a
count and a rule, and `hpcflow.plan.blocks` answers what block b is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = "hpcflow.cut/1"

StageKind = Literal["ingest", "table", "tiles", "records", "collective", "reduce", "merge", "assemble"]
"""ingest: files into a dataset's shards; table: close the dataset's record table; tiles: map and window
steps, tile by tile; records: steps on whole records; collective: a step on whole records, each by ranks that
talk; reduce: partial states over records; merge: one result of them; assemble: a step's pieces into its
shards."""

COMPUTED = ("tiles", "records", "collective")
"""Kinds of stages that compute steps, record by record; the others move data or sum them up."""


@dataclass(frozen=True)
class VariablePlan:
    """A dataset variable."""

    name: str
    units: str
    dtype: str
    """In which it is computed with."""
    packing: tuple[float, float] | None = None
    """Factor and offset of what is stored as int16; None where it is stored as `dtype`."""

    @property
    def stored_bytes(self) -> int:
        """Of one sample on disk, before compression."""
        return 2 if self.packing else 8 if self.dtype == "float64" else 4


@dataclass(frozen=True)
class DatasetPlan:
    """A dataset: its record table (by hash) and its layout on disk."""

    name: str
    records: int
    live: int
    samples: int
    """Length of the `sample` axis, with the room between records."""
    table: str
    """sha256 of the record table as planned."""
    kind: Literal["files", "zarr"]
    """Ingested from files, or read where it lies."""
    variables: tuple[VariablePlan, ...]
    chunk: int
    shard: int
    """Samples per inner chunk and per shard (one file)."""
    reader: str = ""
    """What reads its files; empty for a Zarr store."""
    recorded: int = 0
    """Samples of the live records."""
    table_files: int = 0
    """Files of the record table as planned."""


@dataclass(frozen=True)
class Input:
    """Where a port's data come from."""

    port: str
    """``signals[0]``, ``signals[1]`` … where a port takes several."""
    kind: Literal["variable", "fact", "step", "records", "record_facts"]
    """records, record_facts: a variable or fact of all records of a dataset."""
    source: str
    """Dataset or step."""
    field: str | None
    """Variable, fact, or field of the step; None for all fields of a step."""


@dataclass(frozen=True)
class FieldPlan:
    """An output variable, resolved: final units and dtype."""

    name: str
    long_name: str
    units: str
    dtype: str
    dims: tuple[tuple[str, tuple[Any, ...], str], ...]
    """(name, coordinate values, units) of each inner dimension."""
    flags: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Inner shape."""
        return tuple(len(values) for _, values, _ in self.dims)


@dataclass(frozen=True)
class StepPlan:
    """A step with everything resolved."""

    name: str
    kernel: str
    version: int
    pattern: str
    params: Mapping[str, Any]
    inputs: tuple[Input, ...]
    dataset: str
    """The dataset whose records it runs over."""
    axis: str
    fields: tuple[FieldPlan, ...]
    rows: int
    """Length of its row axis."""
    saved: bool
    stored: bool
    """Saved, or read by a later stage."""
    shard: int
    """Rows per shard of its store."""
    key: str
    """sha256 over kernel, version, parameters and the keys of what it reads: equal keys and equal
    recordings mean equal bits."""
    backend: str = "cpu"
    """`array` where the kernel's implementation in the array API computes it, on a GPU; `cuda` where that
    through `numba.cuda` does, if a worker sees such a GPU, else the processor's."""


@dataclass(frozen=True)
class StagePlan:
    """Blocks that one worker entry can compute without talking to anyone, but for collective stages."""

    name: str
    kind: StageKind
    blocks: int
    after: tuple[str, ...]
    dataset: str
    steps: tuple[str, ...] = ()
    tiles_per_block: int = 0
    """Tiles stages: consecutive tiles (over all records) of one block."""
    samples_per_block: int = 0
    """Record and reduce stages: records are bundled until this many rows of their source."""
    first_shard: int = 0
    """Ingest: the first shard to write."""
    memory_bytes: int = 0
    """Upper bound of one worker's memory, interpreter included; of a collective stage, of a rank alone."""
    shared_bytes: int = 0
    """Collective stages: what of `memory_bytes` several ranks share out among them (`plan.memory`)."""
    work_samples: int = 0
    """Input samples over all blocks: the unit of time prediction."""
    flops: float = 0.0
    read_bytes: int = 0
    write_bytes: int = 0
    files: int = 0
    """Files that the stage leaves behind."""
    device: str = ""
    """`gpu` where one of its steps computes on one."""


@dataclass(frozen=True)
class Cut:
    """The whole plan, free of any site."""

    name: str
    datasets: tuple[DatasetPlan, ...]
    steps: tuple[StepPlan, ...]
    stages: tuple[StagePlan, ...]
    notes: tuple[str, ...] = field(default=())
    """Decisions worth explaining, in words."""

    def dataset(self, name: str) -> DatasetPlan:
        """Look a dataset up."""
        return next(d for d in self.datasets if d.name == name)

    def step(self, name: str) -> StepPlan:
        """Look a step up."""
        return next(s for s in self.steps if s.name == name)

    def stage(self, name: str) -> StagePlan:
        """Look a stage up."""
        return next(s for s in self.stages if s.name == name)

    @property
    def id(self) -> str:
        """sha256 over everything decided."""
        return hashlib.sha256(_canonical(self.body())).hexdigest()

    def body(self) -> dict[str, Any]:
        """As plain JSON, without the id."""
        body = {"schema": SCHEMA, **asdict(self)}
        for name, later in _LATER.items():
            body[name] = [
                {key: value for key, value in item.items() if key not in later or value != later[key]}
                for item in body[name]
            ]
        return body

    def to_json(self) -> str:
        """The text of `cut.json`."""
        return json.dumps({"id": self.id, **self.body()}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_dict(cls, cut: Mapping[str, Any]) -> Cut:
        """The inverse of `to_json`, from parsed JSON."""
        return cls(
            name=cut["name"],
            datasets=tuple(
                DatasetPlan(**{**d, "variables": tuple(_variable(v) for v in d["variables"])})
                for d in cut["datasets"]
            ),
            steps=tuple(_step(s) for s in cut["steps"]),
            stages=tuple(
                StagePlan(**{**s, "after": tuple(s["after"]), "steps": tuple(s["steps"])})
                for s in cut["stages"]
            ),
            notes=tuple(cut["notes"]),
        )


def _variable(variable: Mapping[str, Any]) -> VariablePlan:
    packing = variable.get("packing")
    return VariablePlan(**{**variable, "packing": tuple(packing) if packing else None})


def _step(step: Mapping[str, Any]) -> StepPlan:
    return StepPlan(
        **{
            **step,
            "inputs": tuple(Input(**i) for i in step["inputs"]),
            "fields": tuple(
                FieldPlan(
                    **{
                        **f,
                        "dims": tuple((name, tuple(values), units) for name, values, units in f["dims"]),
                        "flags": tuple(f["flags"]),
                    }
                )
                for f in step["fields"]
            ),
        }
    )


_LATER: Mapping[str, Mapping[str, Any]] = {"steps": {"backend": "cpu"}, "stages": {"device": ""}}
"""Fields that older cuts lack: left out where they say what those cuts mean, so that their ids stay."""


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(value: Any) -> str:
    """sha256 of a JSON value, hexadecimal."""
    return hashlib.sha256(_canonical(value)).hexdigest()
