"""Compiled products of real polynomials modulo ``z^n + 1``, in eight lanes, with half as many complex points.

``z^n + 1`` is ``(z^m - i) (z^m + i)`` with m = n / 2, and what a real polynomial is modulo the second is the
conjugate of what it is modulo the first. So a block's first half as real parts and its second half as
imaginary ones is all there is: nothing is packed with another block and nothing taken apart. A stage divides
``z^k - c`` into four of ``z^(k/4) - d``, d the fourth roots of c, down to values at points; the way back
mirrors it. A node's factors are the same for all of its points, so they stay in registers, and neighbouring
points go side by side through vectors that are wider than eight lanes where the machine has them.

Point p of all lanes stands at ``8 p`` of an array of real and one of imaginary parts. Crandall and Fagin,
Discrete weighted transforms and large-integer arithmetic, Mathematics of Computation 62 (1994): right-angle
convolution.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import WIDEST, broadcast, fma, load, store

NEAR = 256
"""Points of a node that runs down and up before the next one begins: 16 KiB of float32 with eight lanes."""


@inlined
def _times(ar, ai, wr, wi):  # type: ignore[no-untyped-def]
    return fma(-ai, wi, ar * wr), fma(ai, wr, ar * wi)


@inlined
def _over(ar, ai, wr, wi):  # type: ignore[no-untyped-def]
    """Times the conjugate."""
    return fma(ai, wi, ar * wr), fma(-ar, wi, ai * wr)


@inlined
def _turned(ar, ai, w: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    return _times(ar, ai, broadcast(w, k, 8), broadcast(w, k + 1, 8))


@inlined
def _turned_back(ar, ai, w: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    return _over(ar, ai, broadcast(w, k, 8), broadcast(w, k + 1, 8))


@inlined
def _four(ar, ai, br, bi, cr, ci, dr, di):  # type: ignore[no-untyped-def]
    """Sums over q of ``i^(r q)`` times part q; exchange real and imaginary parts for ``i^(-r q)``."""
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    return er + gr, ei + gi, fr - hi, fi + hr, er - gr, ei - gi, fr + hi, fi - hr


@inlined
def _down(re: np.ndarray, im: np.ndarray, base: int, m: int, w: np.ndarray, t: int) -> None:
    """Divide the node of m points at `base` into four, in place."""
    step = 2 * m  # from one quarter to the next: m / 4 points of eight lanes
    br1, bi1 = broadcast(w, t, WIDEST), broadcast(w, t + 1, WIDEST)
    cr1, ci1 = broadcast(w, t + 2, WIDEST), broadcast(w, t + 3, WIDEST)
    dr1, di1 = broadcast(w, t + 4, WIDEST), broadcast(w, t + 5, WIDEST)
    for i in range(8 * base, 8 * base + step, WIDEST):
        j, k, n = i + step, i + 2 * step, i + 3 * step
        br, bi = _times(load(re, j, WIDEST), load(im, j, WIDEST), br1, bi1)
        cr, ci = _times(load(re, k, WIDEST), load(im, k, WIDEST), cr1, ci1)
        dr, di = _times(load(re, n, WIDEST), load(im, n, WIDEST), dr1, di1)
        ar, ai, br, bi, cr, ci, dr, di = _four(
            load(re, i, WIDEST), load(im, i, WIDEST), br, bi, cr, ci, dr, di
        )
        store(re, i, ar)
        store(im, i, ai)
        store(re, j, br)
        store(im, j, bi)
        store(re, k, cr)
        store(im, k, ci)
        store(re, n, dr)
        store(im, n, di)


@inlined
def _up(re: np.ndarray, im: np.ndarray, base: int, m: int, w: np.ndarray, t: int) -> None:
    """Join four nodes at `base` into one of m points, in place; four times as large as it was."""
    step = 2 * m
    br1, bi1 = broadcast(w, t, WIDEST), broadcast(w, t + 1, WIDEST)
    cr1, ci1 = broadcast(w, t + 2, WIDEST), broadcast(w, t + 3, WIDEST)
    dr1, di1 = broadcast(w, t + 4, WIDEST), broadcast(w, t + 5, WIDEST)
    for i in range(8 * base, 8 * base + step, WIDEST):
        j, k, n = i + step, i + 2 * step, i + 3 * step
        ai, ar, bi, br, ci, cr, di, dr = _four(
            load(im, i, WIDEST),
            load(re, i, WIDEST),
            load(im, j, WIDEST),
            load(re, j, WIDEST),
            load(im, k, WIDEST),
            load(re, k, WIDEST),
            load(im, n, WIDEST),
            load(re, n, WIDEST),
        )
        br, bi = _over(br, bi, br1, bi1)
        cr, ci = _over(cr, ci, cr1, ci1)
        dr, di = _over(dr, di, dr1, di1)
        store(re, i, ar)
        store(im, i, ai)
        store(re, j, br)
        store(im, j, bi)
        store(re, k, cr)
        store(im, k, ci)
        store(re, n, dr)
        store(im, n, di)


@inlined
def _values(ar, ai, br, bi, cr, ci, dr, di, w, t, h, q):  # type: ignore[no-untyped-def]
    """Values of a node of four, times those of the taps, and back."""
    br, bi = _turned(br, bi, w, t)
    cr, ci = _turned(cr, ci, w, t + 2)
    dr, di = _turned(dr, di, w, t + 4)
    ar, ai, br, bi, cr, ci, dr, di = _four(ar, ai, br, bi, cr, ci, dr, di)
    ar, ai = _turned(ar, ai, h, q)
    br, bi = _turned(br, bi, h, q + 2)
    cr, ci = _turned(cr, ci, h, q + 4)
    dr, di = _turned(dr, di, h, q + 6)
    ai, ar, bi, br, ci, cr, di, dr = _four(ai, ar, bi, br, ci, cr, di, dr)
    br, bi = _turned_back(br, bi, w, t)
    cr, ci = _turned_back(cr, ci, w, t + 2)
    dr, di = _turned_back(dr, di, w, t + 4)
    return ar, ai, br, bi, cr, ci, dr, di


@inlined
def _leaves_of_four(re: np.ndarray, im: np.ndarray, base: int, m: int, w: np.ndarray, h: np.ndarray) -> None:
    for p in range(base, base + m, 4):
        i, t = 8 * p, 6 * (p // 4)
        ar, ai, br, bi = load(re, i, 8), load(im, i, 8), load(re, i + 8, 8), load(im, i + 8, 8)
        cr, ci, dr, di = load(re, i + 16, 8), load(im, i + 16, 8), load(re, i + 24, 8), load(im, i + 24, 8)
        ar, ai, br, bi, cr, ci, dr, di = _values(ar, ai, br, bi, cr, ci, dr, di, w, t, h, 2 * p)
        store(re, i, ar)
        store(im, i, ai)
        store(re, i + 8, br)
        store(im, i + 8, bi)
        store(re, i + 16, cr)
        store(im, i + 16, ci)
        store(re, i + 24, dr)
        store(im, i + 24, di)


@inlined
def _apart(re: np.ndarray, im: np.ndarray, i: int, wr, wi):  # type: ignore[no-untyped-def]
    """What a pair of points, four apart, is in either half of a node of eight."""
    br, bi = _times(load(re, i + 32, 8), load(im, i + 32, 8), wr, wi)
    ar, ai = load(re, i, 8), load(im, i, 8)
    return ar + br, ai + bi, ar - br, ai - bi


@inlined
def _together(ar, ai, br, bi, re: np.ndarray, im: np.ndarray, i: int, wr, wi) -> None:  # type: ignore[no-untyped-def]
    store(re, i, ar + br)
    store(im, i, ai + bi)
    cr, ci = _over(ar - br, ai - bi, wr, wi)
    store(re, i + 32, cr)
    store(im, i + 32, ci)


@inlined
def _leaves_of_eight(re: np.ndarray, im: np.ndarray, base: int, m: int, w: np.ndarray, h: np.ndarray) -> None:
    for p in range(base, base + m, 8):
        i, t, q = 8 * p, 14 * (p // 8), 2 * p
        wr, wi = broadcast(w, t, 8), broadcast(w, t + 1, 8)
        ar, ai, er, ei = _apart(re, im, i, wr, wi)
        br, bi, fr, fi = _apart(re, im, i + 8, wr, wi)
        cr, ci, gr, gi = _apart(re, im, i + 16, wr, wi)
        dr, di, hr, hi = _apart(re, im, i + 24, wr, wi)
        ar, ai, br, bi, cr, ci, dr, di = _values(ar, ai, br, bi, cr, ci, dr, di, w, t + 2, h, q)
        er, ei, fr, fi, gr, gi, hr, hi = _values(er, ei, fr, fi, gr, gi, hr, hi, w, t + 8, h, q + 8)
        _together(ar, ai, er, ei, re, im, i, wr, wi)
        _together(br, bi, fr, fi, re, im, i + 8, wr, wi)
        _together(cr, ci, gr, gi, re, im, i + 16, wr, wi)
        _together(dr, di, hr, hi, re, im, i + 24, wr, wi)


@inlined
def multiply(
    re: np.ndarray, im: np.ndarray, m: int, leaf: int, stages: np.ndarray, leaves: np.ndarray, h: np.ndarray
) -> None:
    """Multiply eight polynomials by one, modulo ``z^m - i``, in place.

    Parameters
    ----------
    re, im : ndarray, shape (8 m,)
        Coefficients.
    m, leaf : int
        Points, and those of a node of the last stage, 4 or 8.
    stages, leaves, h : ndarray
        As `hpcflow_kernels.filter.ring` makes them.
    """
    near = m
    while near > NEAR:
        near //= 4
    for base in range(0, m, near):
        k, t = m, 0  # t: where the factors of the stage with nodes of k points begin
        while k > near:
            if base % k == 0:
                _down(re, im, base, k, stages, t + 6 * (base // k))
            t += 6 * (m // k)
            k //= 4
        while k > leaf:
            for inner in range(base, base + near, k):
                _down(re, im, inner, k, stages, t + 6 * (inner // k))
            t += 6 * (m // k)
            k //= 4
        if leaf == 4:
            _leaves_of_four(re, im, base, near, leaves, h)
        else:
            _leaves_of_eight(re, im, base, near, leaves, h)
        while k < near:
            k *= 4
            t -= 6 * (m // k)
            for inner in range(base, base + near, k):
                _up(re, im, inner, k, stages, t + 6 * (inner // k))
        while k < m:
            k *= 4
            t -= 6 * (m // k)
            if (base + near) % k == 0:
                first = base + near - k
                _up(re, im, first, k, stages, t + 6 * (first // k))
