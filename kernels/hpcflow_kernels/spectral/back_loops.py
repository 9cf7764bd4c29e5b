"""Compiled parts of Fourier transforms that take points in the order in which `transform_loops` leaves bins.

The stages of `hpcflow_kernels.spectral.transform_loops` from the last to the first, each transposed: first
turned, then put together. Forwards again, so that with real and imaginary parts exchanged they are the way
back, and what a transform left out of order is never put in order.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import fma, load, splat, store
from hpcflow_kernels.spectral.transform_loops import butterfly, divisor, four, turned


@inlined
def _at(re: np.ndarray, im: np.ndarray, i: int, twiddle: np.ndarray, w: int):  # type: ignore[no-untyped-def]
    return turned(load(re, i, 8), load(im, i, 8), twiddle, w)


@inlined
def _fourths(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Put four transforms of m / 4 points at `base` together, in place."""
    step, w = 2 * m, len(twiddle) - 2 * m
    for i in range(8 * base, 8 * base + step, 8):
        j, k, n = i + step, i + 2 * step, i + 3 * step
        br, bi = _at(re, im, j, twiddle, w)
        cr, ci = _at(re, im, k, twiddle, w + 2)
        dr, di = _at(re, im, n, twiddle, w + 4)
        p = butterfly(load(re, i, 8), load(im, i, 8), br, bi, cr, ci, dr, di)
        store(re, i, p[0])
        store(im, i, p[1])
        store(re, j, p[2])
        store(im, j, p[3])
        store(re, k, p[4])
        store(im, k, p[5])
        store(re, n, p[6])
        store(im, n, p[7])
        w += 6


@inlined
def _thirds(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Put three transforms of m / 3 points at `base` together, in place."""
    step, w = 8 * (m // 3), len(twiddle) - 2 * m
    half, side = splat(re, 0.5, 8), splat(re, 0.8660254037844386, 8)  # sin(2 pi / 3)
    for i in range(8 * base, 8 * base + step, 8):
        j, k = i + step, i + 2 * step
        ar, ai = load(re, i, 8), load(im, i, 8)
        br, bi = _at(re, im, j, twiddle, w)
        cr, ci = _at(re, im, k, twiddle, w + 2)
        sr, si, dr, di = br + cr, bi + ci, (br - cr) * side, (bi - ci) * side
        store(re, i, ar + sr)
        store(im, i, ai + si)
        er, ei = fma(-half, sr, ar), fma(-half, si, ai)
        store(re, j, er + di)
        store(im, j, ei - dr)
        store(re, k, er - di)
        store(im, k, ei + dr)
        w += 4


@inlined
def _fifths(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Put five transforms of m / 5 points at `base` together, in place."""
    step, w = 8 * (m // 5), len(twiddle) - 2 * m
    c1, c2 = (
        splat(re, 0.30901699437494745, 8),
        splat(re, -0.8090169943749475, 8),
    )  # cos(2 pi / 5), cos(4 pi / 5)
    s1, s2 = splat(re, 0.9510565162951535, 8), splat(re, 0.5877852522924731, 8)  # their sines
    for i in range(8 * base, 8 * base + step, 8):
        j, k, o, n = i + step, i + 2 * step, i + 3 * step, i + 4 * step
        ar, ai = load(re, i, 8), load(im, i, 8)
        br, bi = _at(re, im, j, twiddle, w)
        er, ei = _at(re, im, n, twiddle, w + 6)
        pr, pi, qr, qi = br + er, bi + ei, br - er, bi - ei
        cr, ci = _at(re, im, k, twiddle, w + 2)
        dr, di = _at(re, im, o, twiddle, w + 4)
        ur, ui, vr, vi = cr + dr, ci + di, cr - dr, ci - di
        store(re, i, ar + (pr + ur))
        store(im, i, ai + (pi + ui))
        br, bi = fma(c1, pr, fma(c2, ur, ar)), fma(c1, pi, fma(c2, ui, ai))
        cr, ci = fma(c2, pr, fma(c1, ur, ar)), fma(c2, pi, fma(c1, ui, ai))
        dr, di = fma(s1, qr, s2 * vr), fma(s1, qi, s2 * vi)
        er, ei = fma(s2, qr, -(s1 * vr)), fma(s2, qi, -(s1 * vi))
        store(re, j, br + di)
        store(im, j, bi - dr)
        store(re, k, cr + ei)
        store(im, k, ci - er)
        store(re, o, cr - ei)
        store(im, o, ci + er)
        store(re, n, br - di)
        store(im, n, bi + dr)
        w += 8


@inlined
def _begin(re: np.ndarray, im: np.ndarray, base: int, points: int, last: int) -> None:
    """The first transforms, of 4 or 8 points, of so many at `base`, in place."""
    root = splat(re, np.sqrt(0.5), 8)
    if last == 4:
        for i in range(8 * base, 8 * (base + points), 32):
            q = four(re, im, i, 8)
            for k in range(4):
                store(re, i + 8 * k, q[2 * k])
                store(im, i + 8 * k, q[2 * k + 1])
    else:
        for i in range(8 * base, 8 * (base + points), 64):  # bins 0, 2, 4, 6 and then 1, 3, 5, 7
            a = four(re, im, i, 8)
            b = four(re, im, i + 32, 8)
            br, bi = (b[2] + b[3]) * root, (b[3] - b[2]) * root
            dr, di = (b[7] - b[6]) * root, -((b[7] + b[6]) * root)
            odd = b[0], b[1], br, bi, b[5], -b[4], dr, di
            for k in range(4):
                store(re, i + 8 * k, a[2 * k] + odd[2 * k])
                store(im, i + 8 * k, a[2 * k + 1] + odd[2 * k + 1])
                store(re, i + 8 * k + 32, a[2 * k] - odd[2 * k])
                store(im, i + 8 * k + 32, a[2 * k + 1] - odd[2 * k + 1])


@inlined
def part_back(
    re: np.ndarray, im: np.ndarray, base: int, near: int, points: int, last: int, twiddle: np.ndarray
) -> None:
    """All stages of `near` points at `base`, and those beyond that end with them."""
    _begin(re, im, base, near, last)
    m = last
    while m < points:
        larger = points  # the stage before, on the way there
        while larger // divisor(larger) > m:
            larger //= divisor(larger)
        by = divisor(larger)
        end = base + near
        first = base if larger <= near else end - larger if end % larger == 0 else end
        for inner in range(first, end, larger):
            if by == 4:
                _fourths(re, im, inner, larger, twiddle)
            elif by == 5:
                _fifths(re, im, inner, larger, twiddle)
            else:
                _thirds(re, im, inner, larger, twiddle)
        m = larger
