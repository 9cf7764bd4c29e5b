"""Compiled loop of polyphase filters: a change of rate by up / down, sixty-four rows of outputs at once.

Outputs ``m * U`` to ``m * U + U - 1`` have the same phases for every m, and the samples they need move by D
with m, where U / D is up / down with both at least eight. So lanes run over m: samples are transposed to D
columns along m, each phase is a sum over its taps of vectors that stand side by side, and results are
transposed back. An output takes its taps in the order of its samples, so its bits are a function of these.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.filter.fir_loops import continued
from hpcflow_kernels.simd import broadcast, fma, load, store, transpose

ROWS = 64
"""Values of m at once: eight vectors of eight."""

APART = ROWS + 8
"""From one phase's results to the next one's; a power of two would put all into the same lines of a cache."""


@inlined
def _turn(a: np.ndarray, i: int, apart: int, out: np.ndarray, o: int, between: int) -> None:
    """Eight times eight elements from rows `apart` to columns `between` apart."""
    rows = transpose(
        (
            load(a, i, 8),
            load(a, i + apart, 8),
            load(a, i + 2 * apart, 8),
            load(a, i + 3 * apart, 8),
            load(a, i + 4 * apart, 8),
            load(a, i + 5 * apart, 8),
            load(a, i + 6 * apart, 8),
            load(a, i + 7 * apart, 8),
        )
    )
    for k in range(8):
        store(out, o + k * between, rows[k])


@inlined
def _phase(
    columns: np.ndarray,
    wide: int,
    at: int,
    down: int,
    taps: np.ndarray,
    t: int,
    count: int,
    sums: np.ndarray,
    o: int,
) -> None:
    """Sixty-four outputs of one phase: its taps are t to t + count, its first sample stands at `at`."""
    column, row = at % down, at // down
    h = broadcast(taps, t, 8)
    a = h - h
    b = c = d = e = f = g = p = a
    stop = t + count
    while t < stop:
        i = column * wide + row
        last = min(stop, t + down - column)
        while t < last:
            h = broadcast(taps, t, 8)
            a = fma(h, load(columns, i, 8), a)
            b = fma(h, load(columns, i + 8, 8), b)
            c = fma(h, load(columns, i + 16, 8), c)
            d = fma(h, load(columns, i + 24, 8), d)
            e = fma(h, load(columns, i + 32, 8), e)
            f = fma(h, load(columns, i + 40, 8), f)
            g = fma(h, load(columns, i + 48, 8), g)
            p = fma(h, load(columns, i + 56, 8), p)
            i += wide
            t += 1
        column = 0
        row += 1
    store(sums, o, a)
    store(sums, o + 8, b)
    store(sums, o + 16, c)
    store(sums, o + 24, d)
    store(sums, o + 32, e)
    store(sums, o + 40, f)
    store(sums, o + 48, g)
    store(sums, o + 56, p)


@compiled
def polyphase(
    x: np.ndarray,
    head: np.ndarray,
    tail: np.ndarray,
    taps: np.ndarray,
    first: np.ndarray,
    begin: np.ndarray,
    down: int,
    base: int,
    reach: int,
    y: np.ndarray,
) -> None:
    """Fill `y` with a signal at another rate.

    Parameters
    ----------
    x, head, tail : ndarray of float32 or float64
        A signal, and how it goes on before and behind; zeros beyond.
    taps : ndarray
        Those of phase 0, of phase 1, ..., each in the order of the samples they meet.
    first : ndarray of int64, shape (phases + 1,)
        Where each phase's taps begin in `taps`, and where the last one's end.
    begin : ndarray of int64, shape (phases,)
        Sample that each phase's first tap meets for m = 0, counted from `base`.
    down : int
        Samples that m moves by, D.
    base : int
        First sample of all.
    reach : int
        Rows of D samples that the phases of one m reach over.
    y : ndarray
        Outputs, of the type of `x`.
    """
    phases = len(begin)
    wide = (ROWS + reach + 7) // 8 * 8
    columns, sums = np.empty(down * wide, x.dtype), np.empty(phases * APART, x.dtype)
    samples = np.empty(down * wide, x.dtype)
    for start in range(0, len(y), ROWS * phases):
        at = base + start // phases * down
        inside = at >= 0 and at + down * wide <= len(x)
        if not inside:
            continued(x, head, tail, at, samples)
        for m in range(0, wide, 8):
            for part in range(0, down, 8):
                c = min(part, down - 8)
                if inside:
                    _turn(x, at + m * down + c, down, columns, c * wide + m, wide)
                else:
                    _turn(samples, m * down + c, down, columns, c * wide + m, wide)
        for r in range(phases):
            _phase(columns, wide, begin[r], down, taps, first[r], first[r + 1] - first[r], sums, r * APART)
        rows = min(ROWS, (len(y) - start) // phases // 8 * 8)
        for m in range(0, rows, 8):
            for part in range(0, phases, 8):
                r = min(part, phases - 8)
                _turn(sums, r * APART + m, APART, y, start + m * phases + r, phases)
        for i in range(start + rows * phases, min(len(y), start + ROWS * phases)):
            m, r = (i - start) // phases, (i - start) % phases
            y[i] = sums[r * APART + m]
