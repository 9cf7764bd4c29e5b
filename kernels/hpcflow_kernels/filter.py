"""Filters over samples: SciPy's arithmetic, float64 inside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.design import sections
from hpcflow_kernels.filter_poles import Design

LANES, GRAIN = 8, 128
FORGOTTEN = 2.0**-56
"""Part of its peak below which an impulse response stays once it counts as forgotten."""


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
        As for `hpcflow_kernels.bands.lowpass`.

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
    x : ndarray of real numbers
        Signals; float32 and float64 are read as they are, other types as float64.
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
        Where the sections are not sections, or a signal is no longer than its extension.

    Notes
    -----
    Gustafsson, Determining the initial states in forward-backward filtering, IEEE Trans. Signal Process. 44
    (1996), for what zero phase means; the initial states are those of a steady input, as in SciPy.
    """
    from hpcflow_kernels import filter_loops as loops

    kinds = {"odd": loops.ODD, "even": loops.EVEN, "constant": loops.CONSTANT, None: loops.CONSTANT}
    if padtype not in kinds:
        raise ValueError(f"padtype must be odd, even, constant or None, not {padtype!r}")
    x, sos = np.asarray(x), _checked(sos)
    padding = _padding(sos, padtype, padlen, x.shape[axis])
    out = np.empty(x.shape, np.float32 if x.dtype == np.float32 else np.float64)
    if x.size == 0:
        return out
    rows, results = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    plan = _plan(sos.tobytes(), x.shape[axis], padding)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], out.dtype)
        whole = results[index].flags.c_contiguous
        result = results[index] if whole else np.empty_like(row)
        _filter_row(sos, plan, row, padding, kinds[padtype], np.dtype(inside), result)
        if not whole:
            results[index] = result
    return out


def _checked(sos: np.ndarray) -> np.ndarray:
    sos = np.atleast_2d(np.asarray(sos, np.float64))
    if sos.ndim != 2 or sos.shape[1] != 6:
        raise ValueError(f"second-order sections have the shape (sections, 6), not {sos.shape}")
    if not (sos[:, 3] == 1).all():
        raise ValueError("sos[:, 3] must be 1 in every section: divide each section by it")
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
    settle = forgetting(sos, length)
    if settle <= length:
        return _Plan(length, settle, sosfilt_zi(sos), None)
    return _Plan(length, length, sosfilt_zi(sos), _power(_transition(sos), length))


def forgetting(sos: np.ndarray, limit: int) -> int:
    """Samples, a multiple of 128, after which an impulse response stays below `FORGOTTEN` of its peak.

    Gives a number above `limit` where it does not within `limit`. The last quarter of what is looked at
    must be silent: a response that only passes through zero is not forgotten.
    """
    from hpcflow_kernels.filter_loops import impulse_response

    look = 4 * GRAIN
    while True:
        h = np.empty(look)
        impulse_response(sos.ravel(), h)
        size = np.abs(h)
        loud = np.flatnonzero(size > FORGOTTEN * size.max())
        if loud[-1] < 3 * look // 4:
            return -(-(int(loud[-1]) + 1) // GRAIN) * GRAIN
        if look > 2 * limit:
            return limit + 1
        look *= 2


def _transition(sos: np.ndarray) -> np.ndarray:
    """State after one sample of nothing, as a matrix; extended precision."""
    count = 2 * len(sos)
    matrix = np.zeros((count, count), np.longdouble)
    for i in range(count):
        state = np.zeros(count, np.longdouble)
        state[i] = 1
        x = np.longdouble(0)
        for s, (b0, b1, b2, _, a1, a2) in enumerate(sos):
            y = b0 * x + state[2 * s]
            matrix[2 * s, i] = b1 * x - a1 * y + state[2 * s + 1]
            matrix[2 * s + 1, i] = b2 * x - a2 * y
            x = y
    return matrix


def _power(matrix: np.ndarray, exponent: int) -> np.ndarray:
    result = np.eye(len(matrix), dtype=matrix.dtype)
    while exponent:
        if exponent & 1:
            result = result @ matrix
        matrix = matrix @ matrix
        exponent >>= 1
    rounded: np.ndarray = result.astype(np.float64)
    return rounded


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
    from hpcflow_kernels import filter_loops as loops
    from hpcflow_kernels.finite import all_finite

    if not all_finite(x):
        y.fill(np.nan)
        return
    length, settle, carry = plan.length, plan.settle, plan.carry
    flat, steady = sos.ravel().astype(inside), plan.steady
    origin = len(x) + padding - LANES * length
    lanes = np.empty(LANES * length, inside)
    if carry is None:
        starts = origin - settle + length * np.arange(LANES)
        first = np.array([_continued(x, int(start), padding, kind) for start in starts])
        states = _states(steady, first, inside)
        loops.forward(flat, states, x, origin, length, -settle, 0, padding, kind, lanes[:0])
    else:
        states = _states(steady, np.zeros(LANES), inside)
        loops.forward(flat, states, x, origin, length, 0, length, padding, kind, lanes[:0])
        _carry_on(states, carry, steady * _continued(x, origin, padding, kind), forwards=True)
    loops.forward(flat, states, x, origin, length, 0, length, padding, kind, lanes)
    edge = float(lanes[-1])
    if carry is None:
        first = np.append(lanes[LANES * (settle - 1) + 1 : LANES * settle], edge).astype(np.float64)
        states = _states(steady, first, inside)
        loops.settle_backward(flat, states, lanes, edge, settle)
    else:
        states = _states(steady, np.zeros(LANES), inside)
        loops.move_backward(flat, states, lanes)
        _carry_on(states, carry, steady * edge, forwards=False)
    loops.backward(flat, states, lanes, origin, length, y)


def _continued(x: np.ndarray, i: int, padding: int, kind: int) -> float:
    """Sample i of a row continued beyond its ends, as the compiled loops see it."""
    from hpcflow_kernels.filter_loops import EVEN, ODD

    last = len(x) - 1
    i = min(max(i, -padding), last + padding)
    if 0 <= i <= last:
        return float(x[i])
    edge, mirrored = (x[0], x[-i]) if i < 0 else (x[last], x[2 * last - i])
    return float(2 * np.float64(edge) - mirrored if kind == ODD else mirrored if kind == EVEN else edge)


def _states(steady: np.ndarray, values: np.ndarray, inside: np.dtype[Any]) -> np.ndarray:
    """States of filters that have seen a constant for ever, one value per lane; as the loops hold them."""
    states: np.ndarray = (steady.reshape(-1, 1) * values).ravel().astype(inside)
    return states


def _carry_on(states: np.ndarray, carry: np.ndarray, begin: np.ndarray, forwards: bool) -> None:
    """Make the lanes' true states at their beginnings from those at their ends, had each begun at rest."""
    by_lane = states.reshape(-1, LANES)
    ends, state = by_lane.copy(), begin.ravel()
    for lane in range(LANES) if forwards else range(LANES - 1, -1, -1):
        by_lane[:, lane] = state
        state = carry @ state + ends[:, lane]
