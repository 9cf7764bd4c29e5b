"""What planning must know about a kernel, readable without compiling or importing the kernel itself.

A kernel is a plain function over arrays with time first among its rows. Its `Contract` says what goes
in, what comes out, and which input samples an output row needs. Everything in this module is integers
and text: no numba, no scipy.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hpcflow_kernels.ports import fed, names_of

if TYPE_CHECKING:
    import numpy as np

REQUIRED: Any = object()
"""Default of a parameter that the user must give."""


class UnusableRecordError(ValueError):
    """Raised by a kernel for a record that it cannot use: the record is set aside with this reason."""


class Pattern(StrEnum):
    """How a kernel's outputs depend on its inputs, and so how it may be cut into blocks."""

    MAP = "map"
    """One output row per input sample."""
    WINDOW = "window"
    """Frame k reads [k*hop, k*hop + frame) and gives one row."""
    RECORD = "record"
    """A whole record gives one row, or rows along an axis of its own."""
    EVENTS = "events"
    """A whole record gives as many rows as something happens in it, which nobody knows before."""
    REDUCE = "reduce"
    """All records give one result, through partial states merged in one fixed tree."""
    COLLECTIVE = "collective"
    """As a record, computed by several ranks that talk to each other, each with a share of it."""


class Rows(NamedTuple):
    """One record's worth of an input: samples, or rows that another step made.

    Attributes
    ----------
    values : ndarray, shape (rows, ...)
        Samples of a signal (one-dimensional), or a step's rows with its inner dimensions.
    rate : float
        Rows per second; NaN where rows are not regular in time.
    units : str
        Units of `values`, in the SI-coherent spelling the framework stores ("m s-2", "Hz", "W").
    coords : dict of str to ndarray
        Coordinates of the inner dimensions, by dimension name ("frequency" in Hz).
    """

    values: np.ndarray
    rate: float
    units: str
    coords: dict[str, np.ndarray]


def same_samples(x: Rows, y: Rows) -> None:
    """Refuse two signals that differ in length or rate.

    Raises
    ------
    UnusableRecordError
        With both lengths and rates.
    """
    if x.values.shape != y.values.shape or not math.isclose(x.rate, y.rate, rel_tol=1e-6):
        raise UnusableRecordError(
            f"two signals are compared sample by sample (found {len(x.values)} at {x.rate:g} Hz and "
            f"{len(y.values)} at {y.rate:g} Hz): resample one of them"
        )


@dataclass(frozen=True, eq=False)
class Records:
    """All records of a dataset, held by every worker.

    Attributes
    ----------
    rows : tuple of Rows or None
        Samples of each record; None where it could not be read.
    own : int
        Which of them the call is about; -1 where it is about a record of another dataset.
    kept : dict
        Whatever a kernel makes of the records and wants to find again in its next call.
    """

    rows: tuple[Rows | None, ...]
    own: int = -1
    kept: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Param:
    """A literal of `with:`. Quantities reach the kernel as SI floats."""

    name: str
    kind: str
    """`quantity` (then `dimension` says of what), `number`, `integer`, `text`, `flag`, or `list`
    (of quantities when `dimension` is set, of numbers otherwise)."""
    doc: str
    dimension: str | None = None
    """Physical dimension for quantities: `frequency`, `duration`, `fraction`, `power`, ..."""
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether the user must give it."""
        return self.default is REQUIRED


@dataclass(frozen=True)
class Port:
    """A named input. `input: x` in a workflow feeds the first port."""

    name: str
    kind: str
    """`signal`: samples of a record along time; `rows`: rows of another step; `fact`: one value per
    record (a number in SI units, a text, or None where the record lacks it)."""
    doc: str
    dimension: str | None = None
    """Physical dimension that the source must have; None accepts any. For facts, `text` means a text."""
    optional: bool = False
    several: int = 0
    """Least number of inputs of a port that takes a list of them: the kernel then gets ``{name: Rows}``, in
    their order; 0 for a port that takes one."""
    whole: bool = False
    """Whether it takes a variable (or fact) of all records of a dataset, the step's own or another one: the
    kernel then gets `Records` (of a fact an array, NaN where missing). Record pattern; not the first port."""


@dataclass(frozen=True)
class Dim:
    """An inner dimension of an output, with its coordinate.

    Examples
    --------
    >>> bins = Dim("frequency", (0.0, 0.25, 0.5), "Hz", rate_power=1, unscaled="cycles_per_sample")
    >>> bins.at(1000.0)
    Dim(name='frequency', values=(0.0, 250.0, 500.0), units='Hz', rate_power=0, unscaled='')
    >>> bins.at(None)
    Dim(name='cycles_per_sample', values=(0.0, 0.25, 0.5), units='1', rate_power=0, unscaled='')
    """

    name: str
    values: tuple[float, ...] | tuple[str, ...]
    units: str = "1"
    rate_power: int = 0
    """Power of the sampling rate by which `values` are still to be multiplied: 1 for cycles per sample that
    become Hz, -1 for samples that become seconds."""
    unscaled: str = ""
    """Name of the dimension where records have different rates, so that `values` stay as they are."""

    def at(self, rate: float | None) -> Dim:
        """The dimension at the one rate that all records have; None where they have several.

        Values are rounded to 15 digits: 3/100 of 1 kHz is 30 Hz, not 29.999999999999996.
        """
        if not self.rate_power:
            return self
        if rate is None:
            return Dim(self.unscaled, self.values)
        factor = rate**self.rate_power
        scaled = tuple(float(f"{float(value) * factor:.15g}") for value in self.values)
        return Dim(self.name, scaled, self.units)


def frequencies(n: int) -> Dim:
    """One-sided frequencies of a transform of n samples, in Hz where all records have one rate."""
    values = tuple(k / n for k in range(n // 2 + 1))
    return Dim("frequency", values, "Hz", rate_power=1, unscaled="cycles_per_sample")


@dataclass(frozen=True)
class Field:
    """One output variable."""

    name: str
    long_name: str
    units: str = "1"
    """Literal units, or a rule on the first port's units: `same`, `same^2`, `same^2 Hz-1`, `same s`;
    or on those of ports by name: `{response} {excitation}-1`."""
    dtype: str = "float32"
    """`same` follows the first port. Categories are int8 with `flags`."""
    dims: tuple[Dim, ...] = ()
    flags: tuple[str, ...] = ()
    """Meanings of the values 0, 1, ... of an int8 category; the fill value is -1."""


@dataclass(frozen=True)
class Geometry:
    """The integer map from output rows to the input samples they need, at one sampling rate.

    Row k stands at sample ``k * hop / up``, rounded down. Rows [start, stop) need the samples
    [start // up * hop - before, (stop-1) * hop // up + frame + after), clipped at the record's true ends.
    A window kernel gets a region that begins so, at a multiple of `hop`, and gives the rows of that region
    as if it were a record; those that were not asked for are dropped.

    Raises
    ------
    ValueError
        Where `before` is no multiple of `hop`: regions would begin between rows.
    """

    hop: int = 1
    frame: int = 1
    before: int = 0
    after: int = 0
    up: int = 1
    """Rows per `hop` samples: other than 1 where a rate changes by the ratio ``up / hop``."""

    def __post_init__(self) -> None:
        if self.hop > 1 and self.before % self.hop:
            raise ValueError(
                f"before must be a multiple of hop, so that regions begin at a row (before {self.before}, "
                f"hop {self.hop}): round it up to {-(-self.before // self.hop) * self.hop}"
            )

    def needs(self, start: int, stop: int) -> tuple[int, int]:
        """Input samples that output rows [start, stop) need, not yet clipped.

        >>> Geometry(hop=512, frame=1024).needs(2, 4)
        (1024, 2560)
        >>> Geometry(before=3, after=3).needs(10, 20)
        (7, 23)
        >>> Geometry(hop=15, up=8, before=30, after=20).needs(9, 17)   # row 16 stands at sample 30
        (-15, 51)
        """
        low = start // self.up * self.hop
        if stop <= start:
            return low, low
        return low - self.before, (stop - 1) * self.hop // self.up + self.frame + self.after

    def first(self, low: int) -> int:
        """The row that stands at sample `low`, where a region begins.

        >>> Geometry(hop=15, up=8, before=30).first(15)
        8
        """
        return low // self.hop * self.up

    def rows(self, samples: int) -> int:
        """Rows that a record of so many samples gives; a partial last frame is dropped.

        >>> Geometry(hop=512, frame=1024).rows(2048)
        3
        >>> Geometry(hop=15, up=8).rows(31), Geometry(hop=15, up=8).rows(32)   # row 17 stands at 31.875
        (17, 18)
        """
        return 0 if samples < self.frame else ((samples - self.frame + 1) * self.up - 1) // self.hop + 1


Params = Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """Everything the framework knows of a kernel before it runs.

    Attributes
    ----------
    name, version, summary
        The registered name, a number that rises whenever outputs change, one sentence.
    pattern
        See `Pattern`.
    ports, params
        Inputs and literals.
    fields
        ``fields(params) -> tuple[Field, ...]``: the output variables. For a port that takes several inputs,
        or all records of a dataset, `params` holds their names under the port's name.
    implementation
        ``"module:function"``, imported only where blocks are computed.
        map: ``f(x, *, rate, **params) -> array`` with the same length, on a stretch without gaps.
        window: ``f(x, *, rate, **params) -> {field: (rows, ...)}``; x holds NaN where samples are missing.
        record: ``f(*, <port>: Rows | float | str | None ..., **params) -> {field: value}``, each value
        of shape inner dims, or (rows, inner dims) where `length` is given. A `rows` port fed by a whole
        step gets ``{field: Rows}``.
        events: as record, each value of shape (events, inner dims), in order of time.
        reduce: a class with ``start(**params)``, ``add(state, index, **ports)`` for one record,
        ``merge(a, b)``, ``finish(state, **params)``; states are dicts of arrays of fixed shape.
        collective: as record on every rank, ``f(*, ranks: Ranks, <port>: Spread | fact, **params) -> Share``
        of `hpcflow_kernels.ranks`; the same bits for any number of ranks.
    geometry
        ``geometry(params, rate) -> Geometry``; map and window only.
    length
        Record or collective pattern whose rows form an axis of their own:
        ``length(params, samples, rate, facts) -> int``; `samples` and `rate` are a record's rows, and rows
        per second (NaN where not regular), at the source of the first port that is no fact; `facts` all of
        the record's.
    most_events
        Events pattern: ``most_events(params, samples, rate) -> int``, how many a record of so many samples
        (at the source of the first port) can have at most; planning reserves room for them. None: one
        for each sample.
    row_rate
        ``row_rate(params, rate) -> float``: rows per second of that axis; None where rows are not in time.
    axis
        Name of the row dimension: `sample`, `frame`, `second`, `record`.
    min_samples
        A stretch between gaps shorter than this gives no output (NaN).
    bytes_per_sample, flops_per_sample
        Working memory and arithmetic per input sample, for planning; of each input of a port that takes
        several.
    flops_per_pair
        Record pattern: arithmetic per pair of a record's samples (their number squared), on top of that.
    most_samples
        Record pattern: ``most_samples(params, rate, facts) -> int``, how many samples of a record a call
        works on at most, however long it is; `facts` by the names of the ports. None: all of them.
    held_by_rank
        Collective pattern: whether a rank holds its `share` of `bytes_per_sample`, or `all` of it.
    error
        Stated bound against the reference, in words and a number.
    array
        ``"module:function"``: the same in the functions of the array API, "" where there is none. Called as
        `implementation` is, with arrays of any library in place of NumPy's, on any device; the result is of
        the same library, on the same device (`docs/gpu.md`).
    cuda
        The same through `numba.cuda`, which takes NumPy's arrays, moves them, and gives NumPy's back.
    array_error
        How far what `array` or `cuda` makes of float32 may lie from what `implementation` makes of it, of the
        largest value.
    source
        Paper, standard or section.
    """

    name: str
    version: int
    pattern: Pattern
    summary: str
    ports: tuple[Port, ...]
    params: tuple[Param, ...]
    fields: Callable[[Params], tuple[Field, ...]]
    implementation: str
    axis: str
    geometry: Callable[[Params, float], Geometry] | None = None
    length: Callable[[Params, int, float, Mapping[str, Any]], int] | None = None
    most_events: Callable[[Params, int, float], int] | None = None
    row_rate: Callable[[Params, float], float] | None = None
    min_samples: Callable[[Params, float], int] | None = None
    check: Callable[[Params, float | None], Sequence[str]] | None = None
    """``check(params, rate) -> problems``, in words a user understands (band above Nyquist, ...)."""
    doubt: Callable[[Mapping[str, Any]], str] | None = None
    """``doubt(facts) -> text``: why a record with these facts, by the names of the ports, will get no answer;
    "" where it may get one. Planning tells it before anything is computed."""
    bytes_per_sample: float = 64.0
    flops_per_sample: float = 100.0
    flops_per_pair: float = 0.0
    most_samples: Callable[[Params, float, Mapping[str, Any]], int] | None = None
    held_by_rank: Literal["all", "share"] = "share"
    error: str = "exact"
    source: str = ""
    array: str = ""
    cuda: str = ""
    array_error: float = 0.0
    tags: tuple[str, ...] = field(default=())

    @property
    def family(self) -> str:
        """The folder of this library that the implementation lies in, or another package's name."""
        parts = self.implementation.partition(":")[0].split(".")
        return parts[1] if parts[0] == __package__ else parts[0]

    @property
    def backends(self) -> tuple[str, ...]:
        """Where it can be computed: on the processor, with the array API, with CUDA."""
        return ("cpu", *(name for name in ("array", "cuda") if getattr(self, name)))

    def with_names(self, params: Params, inputs: Mapping[str, tuple[str, str | None]]) -> dict[str, Any]:
        """Parameters as `fields` wants them; `inputs` are source and field of each input.

        What records a dataset has is known after the scan: until then a port that takes all has no names.
        """
        several = {port.name: names_of(fed(port.name, inputs)) for port in self.ports if port.several}
        return {**params, **several, **{port.name: () for port in self.ports if port.whole}}

    def load(self, backend: str = "cpu") -> Callable[..., Any]:
        """Import the implementation for a back end. The only place that touches compiled code.

        Raises
        ------
        ValueError
            If the kernel has none for it.
        """
        if backend not in self.backends:
            raise ValueError(f"kernel {self.name} has no implementation for {backend!r}: {self.backends}")
        named = {"cpu": self.implementation, "array": self.array, "cuda": self.cuda}
        module, _, name = named[backend].partition(":")
        target: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return target
