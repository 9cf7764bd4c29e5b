"""The shape of a workflow file, declared once: files are checked against it, the schema is made of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
_LITERAL = {"type": ["string", "number", "boolean"]}
_INPUT = {"type": ["string", "array", "object"], "minProperties": 1, "minItems": 1}

Texts = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1),
    WithJsonSchema(_TEXTS),
]


def _scalar(value: Any) -> str | int | float | bool:
    if isinstance(value, str | int | float | bool):
        return value
    raise PydanticCustomError("scalar_type", "must be a text, a number, true or false")


Scalar = Annotated[str | int | float | bool, PlainValidator(_scalar), WithJsonSchema(_LITERAL)]


def _fed(value: Any) -> str | list[str]:
    if isinstance(value, str) or (
        isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    ):
        return value
    raise PydanticCustomError("fed_type", "must be a name or a list of names")


Fed = Annotated[str | list[str], PlainValidator(_fed), WithJsonSchema({"type": ["string", "array"]})]
Input = Annotated[
    dict[str, Fed],
    BeforeValidator(lambda value: {"": value} if isinstance(value, str | list) else value),
    Field(min_length=1),
    WithJsonSchema(_INPUT),
]


class Shape(BaseModel):
    """Base: unknown keys are errors, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FactShape(Shape):
    """A fact found in the header of the files."""

    select: Texts | None = Field(None, description="Name in the file, or a glob over names.")
    units: str | None = Field(None, description="Units, if the file does not state them.")
    dimension: str | None = Field(None, description="What the fact measures, like frequency.")


class VariableShape(FactShape):
    """A variable found in the files."""

    long_name: str | None = Field(None, description="Name for plots and reports.")


class DatasetShape(Shape):
    """Recordings in files, or an existing Zarr store."""

    files: Texts | None = Field(
        None, description="Files, as a glob or a list of globs; relative to the workflow file's folder."
    )
    reader: str | None = Field(None, description="Reader of the files, like matlab, csv, activity.")
    zarr: str | None = Field(None, description="Folder of an existing Zarr store, instead of files.")
    variables: dict[str, VariableShape] | None = Field(None, description="Variables by name.")
    facts: dict[str, FactShape] | None = Field(None, description="Facts per record, from file headers.")
    records: str | None = Field(None, description="Table (CSV) of facts per file and channel.")
    defaults: dict[str, Scalar] | None = Field(None, description="Facts of records that state none.")
    store: str | None = Field(
        None, description="Folder of the Zarr store to make; data/<name>.zarr if left out."
    )
    duplicates: Literal["keep", "once"] | None = Field(
        None, description="Whether a recording stored in several files counts once; keep if left out."
    )


class StepShape(Shape):
    """A kernel, what it reads, and its parameters."""

    kernel: str = Field(description="Name of the kernel.")
    input: Input = Field(description="What the first port reads, or a mapping of port to what it reads.")
    with_: dict[str, Any] | None = Field(None, alias="with", description="Parameters: literals with units.")


class RunShape(Shape):
    """How the run should go; everything may be left out."""

    device: Literal["auto", "cpu", "gpu"] | None = Field(None, description="Where kernels compute.")
    budget: Texts | None = Field(None, description="What the run may cost, like 10 GPUh or 500 coreh.")
    workers: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Number of processes."
    )
    block_size: str | None = Field(None, description="Input per block, like 256 MiB.")
    time_limit: str | None = Field(None, description="Wall time per job, like 2 h.")
    site: str | None = Field(None, description="Cluster profile, like lumi.")
    account: str | None = Field(None, description="Project to bill.")
    partition: str | None = Field(None, description="Slurm partition.")
    prefer: Literal["cost", "time"] | None = Field(None, description="What to save when there is a choice.")
    container: str | None = Field(None, description="Image in which jobs compute: an absolute path.")


class WorkflowShape(Shape):
    """A workflow file of hpcflow."""

    hpcflow: Literal[1] = Field(description="Version of the file format.")
    name: str = Field(description="Name of the workflow; lower-case letters, digits, - and _.")
    description: str | None = Field(None, description="What the workflow is for, in a sentence.")
    parameters: dict[str, Any] | None = Field(None, description="Values used as ${name}; --set name=value.")
    datasets: Annotated[dict[str, DatasetShape], Field(min_length=1, description="What is read.")]
    steps: Annotated[dict[str, StepShape], Field(min_length=1, description="What is computed.")]
    save: Annotated[
        list[str], Field(min_length=1, description="Steps (or step.field) to write to the results.")
    ]
    run: RunShape | None = Field(None, description="How the run should go.")
