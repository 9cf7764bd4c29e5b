"""Recursive filters, once forwards or forwards and backwards: SciPy's meaning, float64 inside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, overload

import numpy as np

from hpcflow_kernels.filter.design import sections
from hpcflow_kernels.filter.memory import GRAIN, LANES, carry_on, impulse_states, memory
from hpcflow_kernels.filter.pairing import paired
from hpcflow_kernels.filter.poles import Design
from hpcflow_kernels.scratch import scratch

FEW = 1024
"""Samples up to which one pass is not cut into lanes."""


def bandpass(
    x: np.ndarray,
    *,
    rate: float,
    low: float,
    high: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> np.ndarray:
    """Zero-phase band-pass.

    Two passes, forwards and backwards, so a component at a band edge keeps a quarter of its power and
    nothing is delayed. The ends are extended oddly, as SciPy does.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps.
    rate : float
        Samples per second.
    low, high : float
        Band edges, Hz.
    order : int
        Order of the prototype.
    design, ripple, attenuation
        As for `hpcflow_kernels.filter.bands.lowpass`.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64.

    Raises
    ------
    ValueError
        When the band does not lie inside (0, rate/2), or the stretch is no longer than the extension.
    """
    asked = Design("bandpass", (low, high), rate, order, design, ripple, attenuation)
    return sosfiltfilt(sections(asked), x, axis=0)


def sosfiltfilt(
    sos: np.ndarray,
    x: np.ndarray,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    *,
    inside: Any = np.float64,
) -> np.ndarray:
    """Filter forwards and backwards with second-order sections: zero phase, twice the order.

    The signature and the meaning are those of scipy.signal.sosfiltfilt. Bits depend on `x` along `axis`
    alone, not on the number of rows.

    Parameters
    ----------
    sos : ndarray, shape (sections, 6)
        Second-order sections, as SciPy designs them; stable.
    x : ndarray
        Signals; float32 and float64 are read as they are, other types as float64. Complex signals are SciPy's
        to filter.
    axis : int
        Axis along which time runs.
    padtype : {'odd', 'even', 'constant', None}
        How a signal goes on beyond its ends.
    padlen : int, optional
        How far. By default 3 times the number of taps, as SciPy counts them.
    inside : dtype
        Type of the arithmetic: float64, or float32 for bands well above zero, at half the cost. Its largest
        error relative to the output's peak is 1e-6 for band edges at 0.05 to 0.4 of Nyquist, 1e-5 at 0.01,
        1e-3 at 0.001.

    Returns
    -------
    ndarray
        Of the shape of `x`; float32 for float32, where SciPy gives float64, and float64 for all else. A
        sample that is not finite makes its whole row NaN.

    Raises
    ------
    ValueError
        Where the sections are not sections, a signal is no longer than its extension, or there is no axis.

    Notes
    -----
    Gustafsson, Determining the initial states in forward-backward filtering, IEEE Trans. Signal Process. 44
    (1996), for what zero phase means; the initial states are those of a steady input, as in SciPy.
    """
    from hpcflow_kernels.filter import zero_phase_loops as loops

    kinds = {"odd": loops.ODD, "even": loops.EVEN, "constant": loops.CONSTANT, None: loops.CONSTANT}
    if padtype not in kinds:
        raise ValueError(f"padtype must be odd, even, constant or None, not {padtype!r}")
    x, sos = _signals(x), _checked(sos)
    if x.dtype.kind == "c":
        from scipy import signal

        return signal.sosfiltfilt(sos, x, axis, padtype, padlen)  # type: ignore[no-any-return]
    padding = _padding(sos, padtype, padlen, x.shape[axis])
    out = np.empty(x.shape, np.float32 if x.dtype == np.float32 else np.float64)
    if x.size == 0:
        return out
    sos = paired(sos.tobytes(), np.dtype(inside).str)
    plan = _plan(sos.tobytes(), x.shape[axis], padding)
    if x.ndim == 1:
        row = np.ascontiguousarray(x, out.dtype)
        _filter_row(sos, plan, row, padding, kinds[padtype], np.dtype(inside), out)
        return out
    rows, results = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], out.dtype)
        whole = results[index].flags.c_contiguous
        result = results[index] if whole else np.empty_like(row)
        _filter_row(sos, plan, row, padding, kinds[padtype], np.dtype(inside), result)
        if not whole:
            results[index] = result
    return out


@overload
def sosfilt(sos: np.ndarray, x: np.ndarray, axis: int = ..., zi: None = ...) -> np.ndarray: ...


@overload
def sosfilt(sos: np.ndarray, x: np.ndarray, axis: int, zi: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...


@overload
def sosfilt(
    sos: np.ndarray, x: np.ndarray, axis: int = ..., *, zi: np.ndarray
) -> tuple[np.ndarray, np.ndarray]: ...


def sosfilt(
    sos: np.ndarray, x: np.ndarray, axis: int = -1, zi: np.ndarray | None = None
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """Filter forwards with second-order sections.

    The signature and the meaning are those of scipy.signal.sosfilt. Bits depend on `x` along `axis` alone.
    Signals of no more than 1024 samples, with a sample that is not finite, of complex or extended type, and
    sections that are not stable are SciPy's to filter.

    Parameters
    ----------
    sos : ndarray, shape (sections, 6)
        Second-order sections, as SciPy designs them.
    x : ndarray
        Signals.
    axis : int
        Axis along which time runs.
    zi : ndarray, shape (sections, ..., 2, ...), optional
        States before the first sample: the shape of `x` with 2 for `axis`. At rest by default.

    Returns
    -------
    y : ndarray
        Of the shape of `x`; float32 for float32, where SciPy gives float64, and computed in float64.
    zf : ndarray
        States after the last sample; only where `zi` is given.

    Raises
    ------
    ValueError
        Where the sections are not sections, or `zi` has another shape.
    """
    from scipy import signal

    x, sos, zi = _signals(x), np.asarray(sos), zi if zi is None else np.asarray(zi)
    dtype = np.result_type(sos, x, 0.0 if zi is None else zi)
    if dtype != np.float64 or 0 < x.shape[axis] <= FEW:
        result = signal.sosfilt(sos, x, axis, zi)
        if dtype != np.float64 or x.dtype != np.float32:
            return result  # type: ignore[no-any-return]
        return result.astype(x.dtype) if zi is None else (result[0].astype(x.dtype), result[1])
    sos = _checked(sos)
    shape = [len(sos), *x.shape]
    shape[1 + axis % x.ndim] = 2
    states = np.zeros(shape) if zi is None else np.array(zi, np.float64)
    if states.shape != tuple(shape):
        raise ValueError(
            f"Invalid zi shape {states.shape}: the states of these signals have the shape {tuple(shape)}"
        )
    out = np.empty(x.shape, np.float32 if x.dtype == np.float32 else np.float64)
    rows, results = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    by_row = np.moveaxis(np.moveaxis(states, 1 + axis % x.ndim, -1), 0, -2)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], out.dtype)
        results[index], by_row[index] = _filter_once(sos, row, by_row[index])
    return out if zi is None else (out, states)


def _filter_once(sos: np.ndarray, x: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One pass over one row: the first few samples by SciPy, the rest in lanes of equal length."""
    from scipy.signal import sosfilt as scipys

    from hpcflow_kernels.filter import zero_phase_loops as loops
    from hpcflow_kernels.finite import all_finite

    stable = ((np.abs(sos[:, 5]) < 1) & (np.abs(sos[:, 4]) < 1 + sos[:, 5])).all()
    if len(x) == 0:
        return x, state
    length = len(x) // (LANES * LANES) * LANES
    if length % 512 == 0:
        length -= LANES  # as in `_plan`
    if length <= 0 or not (stable and all_finite(x)):
        y, state = scipys(sos, x.astype(np.float64), zi=state)
        return y, state
    origin = len(x) - LANES * length
    y = np.empty_like(x)
    if origin:
        y[:origin], state = scipys(sos, x[:origin].astype(np.float64), zi=state)
    flat, states, lanes = sos.ravel(), np.zeros(2 * len(sos) * LANES), np.empty(0)
    settle, carry = memory(sos.tobytes(), length)
    if carry is None:
        loops.forward(flat, states, x, origin, length, -settle, 0, 0, loops.CONSTANT, lanes)
        states.reshape(-1, LANES)[:, 0] = state.ravel()
    else:
        states = _ends_forward(sos, flat.dtype, x, origin, length, 0, loops.CONSTANT)
        carry_on(states, carry, state, forwards=True)
    loops.forward_in_order(flat, states, x, origin, length, y)
    return y, states.reshape(-1, LANES)[:, -1].reshape(-1, 2)


def _signals(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim == 0:
        raise ValueError("x must be at least 1-D: a filter needs an axis along which time runs")
    return x


def _checked(sos: np.ndarray) -> np.ndarray:
    sos = np.atleast_2d(np.asarray(sos, np.float64))
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"second-order sections have the shape (sections, 6), not {sos.shape}")
    if not (sos[:, 3] == 1).all():
        raise ValueError("sos[:, 3] should be all ones: divide each section by its own")
    return sos


def _padding(sos: np.ndarray, padtype: str | None, padlen: int | None, samples: int) -> int:
    if padtype is None:
        return 0
    if padlen is None:
        padlen = 3 * (2 * len(sos) + 1 - int(min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())))
    if not 0 <= padlen < max(samples, 1):
        raise ValueError(
            f"a signal must be longer than its extension (padlen {padlen}, {samples} samples): "
            "give a smaller padlen or padtype=None"
        )
    return padlen


class _Plan(NamedTuple):
    """How one length of record is cut into lanes."""

    length: int
    """Samples of a lane."""
    settle: int
    """Samples that a lane begins earlier."""
    steady: np.ndarray
    """States after a constant 1, shape (sections, 2)."""
    carry: np.ndarray | None
    """Where the filter forgets slower than that: what `length` samples of nothing make of a state."""


@lru_cache(maxsize=256)
def _plan(sections: bytes, samples: int, padding: int) -> _Plan:
    from scipy.signal import sosfilt_zi

    sos = np.frombuffer(sections).reshape(-1, 6)
    length = -(-(samples + 2 * padding) // (LANES * LANES)) * LANES
    if length % 512 == 0:
        length += LANES  # lanes a multiple of a page apart would fall into the same lines of a cache
    settle, carry = memory(sections, length)
    return _Plan(length, settle, sosfilt_zi(sos), carry)


def _filter_row(
    sos: np.ndarray,
    plan: _Plan,
    x: np.ndarray,
    padding: int,
    kind: int,
    inside: np.dtype[Any],
    y: np.ndarray,
) -> None:
    """Two passes over one row. Lane 0 begins a little before the extension, where nothing changes yet."""
    from hpcflow_kernels.filter import zero_phase_loops as loops
    from hpcflow_kernels.finite import all_finite

    length, carry = plan.length, plan.carry
    flat, steady = sos.ravel().astype(inside), plan.steady
    origin = len(x) + padding - LANES * length
    lanes = scratch("lanes", LANES * length, inside)
    if carry is None:
        loops.both_ways(flat, steady.ravel(), x, origin, length, plan.settle, padding, kind, lanes, y)
        return
    if not all_finite(x):
        y.fill(np.nan)
        return
    states = _ends_forward(sos, inside, x, origin, length, padding, kind)
    carry_on(states, carry, steady * _continued(x, origin, padding, kind), forwards=True)
    loops.forward(flat, states, x, origin, length, 0, length, padding, kind, lanes)
    states = _ends_backward(sos, lanes)
    carry_on(states, carry, steady * float(lanes[-1]), forwards=False)
    loops.backward(flat, states, lanes, origin, length, y)


def _continued(x: np.ndarray, i: int, padding: int, kind: int) -> float:
    """Sample i of a row continued beyond its ends, as the compiled loops see it."""
    from hpcflow_kernels.filter.zero_phase_loops import EVEN, ODD

    last = len(x) - 1
    i = min(max(i, -padding), last + padding)
    if 0 <= i <= last:
        return float(x[i])
    edge, mirrored = (x[0], x[-i]) if i < 0 else (x[last], x[2 * last - i])
    return float(2 * np.float64(edge) - mirrored if kind == ODD else mirrored if kind == EVEN else edge)


def _ends_forward(
    sos: np.ndarray, inside: Any, x: np.ndarray, origin: int, length: int, padding: int, kind: int
) -> np.ndarray:
    """States at the ends of lanes that begin at rest."""
    from hpcflow_kernels.filter.states_loops import end_forward

    weights, advance = impulse_states(sos.tobytes(), np.dtype(inside).str)
    states = np.empty(len(weights) // GRAIN * LANES, weights.dtype)
    end_forward(weights, advance, x, origin, length, padding, kind, states)
    return states[: 2 * len(sos) * LANES]


def _ends_backward(sos: np.ndarray, lanes: np.ndarray) -> np.ndarray:
    """States at the beginnings of lanes that are filtered backwards from rest."""
    from hpcflow_kernels.filter.states_loops import end_backward

    weights, advance = impulse_states(sos.tobytes(), lanes.dtype.str)
    states = np.empty(len(weights) // GRAIN * LANES, weights.dtype)
    end_backward(weights, advance, lanes, states)
    return states[: 2 * len(sos) * LANES]
