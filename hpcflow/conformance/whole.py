"""Promises of kernels that see whole records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from hpcflow.conformance.trial import RATE, SAMPLES, Check, Made, Trial, hold
from hpcflow.plan.axes import most_events
from hpcflow_kernels import Pattern, Rows, UnusableRecordError
from hpcflow_kernels.contract import Records
from hpcflow_kernels.probes import spread
from hpcflow_kernels.ranks import joined
from hpcflow_kernels.threads import Threads

REASON = 20
"""Letters that a reason for setting a record aside has at least."""


def of_whole(trial: Trial) -> Iterator[Check]:
    """The checks of a kernel of whole records on the processor."""
    yield Check("fields are what is computed", partial(_fields, trial))
    yield Check("nothing outside the record is touched", partial(_canaries, trial))
    for where, gap in (
        ("at the start", slice(3)),
        ("inside", slice(7000, 7400)),
        ("everywhere", slice(None)),
    ):
        yield Check(f"a gap {where} is borne or named", partial(_gap, trial, gap))


def ports_of(trial: Trial, samples: int = SAMPLES) -> dict[str, Any]:
    """A made-up record; where a port takes a whole dataset, one of two records."""
    ports = dict(trial.probe.ports(samples))
    for port in trial.contract.ports:
        if port.whole and port.name in ports:
            given = ports[port.name]
            ports[port.name] = Records((given, given._replace(values=given.values[::-1].copy())))
    return ports


def asked(trial: Trial, ports: Mapping[str, Any]) -> Made | str:
    """What a kernel makes of a record, a collective one on a single rank, or why it cannot use it."""
    try:
        if trial.contract.pattern == Pattern.COLLECTIVE:
            return over_ranks(trial, ports, 1)
        made = trial.contract.load()(**ports, **trial.params)
    except UnusableRecordError as reason:
        return str(reason)
    return {name: np.asarray(values) for name, values in made.items()}


def over_ranks(trial: Trial, ports: Mapping[str, Any], count: int) -> Made:
    """All rows of a collective kernel on so many threads."""
    function, given = trial.contract.load(), spread(ports)
    shares = Threads(count).run(lambda ranks: function(ranks=ranks, **given, **trial.params))
    try:
        return joined(shares)
    except ValueError as error:
        raise AssertionError(f"{error} (with {count} of them)") from None


def _usable(trial: Trial, ports: Mapping[str, Any]) -> Made:
    made = asked(trial, ports)
    if isinstance(made, str):
        raise AssertionError(f"a record of {SAMPLES} made-up samples is set aside: {made}")
    return made


def changed(value: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """Ports with every array of samples or rows changed."""
    if isinstance(value, Rows):
        return value._replace(values=change(value.values))
    if isinstance(value, Records):
        return Records(tuple(changed(one, change) for one in value.rows), value.own)
    if isinstance(value, Mapping):
        return {name: changed(one, change) for name, one in value.items()}
    return value


def _fields(trial: Trial) -> None:
    ports = ports_of(trial)
    named = {port.name: tuple(ports[port.name]) for port in trial.contract.ports if port.several}
    named |= {p.name: ("0", "1") for p in trial.contract.ports if p.whole and p.name in ports}
    made = _usable(trial, ports)
    fields = trial.contract.fields({**trial.params, **named})
    names = {field.name for field in fields}
    hold(set(made) == names, f"computed {sorted(made)}, the contract says {sorted(names)}")
    rows = set()
    for field in fields:
        shape, inner = made[field.name].shape, tuple(len(dim.values) for dim in field.dims)
        ends = len(shape) - len(inner)
        hold(ends >= 0 and shape[ends:] == inner, f"{field.name} has shape {shape}, dims say {inner}")
        rows.add(shape[:ends])
    hold(len(rows) == 1, f"fields have different rows: {sorted(rows)}")
    count = rows.pop()
    if trial.contract.pattern == Pattern.EVENTS:
        most = most_events(trial.contract, trial.params, SAMPLES, RATE)
        hold(len(count) == 1 and count[0] <= most, f"{count} events, the contract says {most} at most")
    elif trial.contract.length is None:
        hold(count in ((), (1,)), f"a record gives rows of shape {count}, the contract says one row")


def _canaries(trial: Trial) -> None:
    ports = ports_of(trial)
    around: list[np.ndarray] = []

    def between_canaries(x: np.ndarray) -> np.ndarray:
        fill = np.float32(1e30) if x.dtype.kind == "f" else 0
        room = np.full((len(x) + 130, *x.shape[1:]), fill, x.dtype)
        room[65:-65] = x  # odd: another alignment in memory
        around.append(room)
        return room[65:-65]

    guarded = changed(ports, between_canaries)
    before = [room.copy() for room in around]
    plain, beside = _usable(trial, ports), _usable(trial, guarded)
    untouched = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(around, before, strict=True))
    hold(untouched, "the kernel wrote to its input or beyond it")
    for room in around:
        if room.dtype.kind == "f":
            room[:65] = room[-65:] = np.nan
    again = _usable(trial, guarded)
    for field, values in plain.items():
        hold(np.array_equal(beside[field], values, equal_nan=True), f"{field} depends on the alignment")
        equal = np.array_equal(again[field], values, equal_nan=True)
        hold(equal, f"{field} depends on what lies beside the record")


def _gap(trial: Trial, gap: slice) -> None:
    def holed(x: np.ndarray) -> np.ndarray:
        y = x.copy()
        if y.dtype.kind == "f":
            y[gap] = np.nan
        return y

    made = asked(trial, changed(ports_of(trial), holed))
    if isinstance(made, str):
        hold(len(made) > REASON, f"a record is set aside for a reason that tells little: {made!r}")
        return
    for field, values in made.items():
        if values.dtype.kind == "f":
            hold(not np.isinf(values).any(), f"{field} is infinite where samples are missing")
