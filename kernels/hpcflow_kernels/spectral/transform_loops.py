"""Compiled parts of Fourier transforms with a transform in each of eight lanes, in place, forwards.

Point p of all lanes stands at ``8 p`` of an array of real and one of imaginary parts. Stages divide by five,
three or four in frequency and put nothing in order: `hpcflow_kernels.spectral.lengths.bin_order` says which
bin stands where. `hpcflow_kernels.spectral.back_loops` has their way back, from that order.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import broadcast, convert, fma, load, splat, store, total
from hpcflow_kernels.spectral.lengths import NEAR


@inlined
def mean_of(x: np.ndarray, start: int, n: int, wide: np.ndarray) -> float:
    """Mean of a segment, summed as distances from its first sample; `wide` is any array of float64.

    Every 128 samples the sum goes on in float64, so that long segments lose nothing.
    """
    first = broadcast(x, start, 8)
    whole = convert(first - first, wide)
    j, stop = start, start + n
    while j < stop:
        a = b = first - first
        near = min(j + 128, stop)
        while j + 16 <= near:
            a = a + (load(x, j, 8) - first)
            b = b + (load(x, j + 8, 8) - first)
            j += 16
        if j < near:
            a = a + (load(x, j, 8) - first)
            j += 8
        whole = whole + convert(a + b, wide)
    return x[start] + total(whole) / n  # type: ignore[no-any-return]


@inlined
def turned(ar, ai, w: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    """Eight complex numbers times the one at w[k], w[k + 1]."""
    wr, wi = broadcast(w, k, 8), broadcast(w, k + 1, 8)
    return fma(-ai, wi, ar * wr), fma(ai, wr, ar * wi)


@inlined
def butterfly(ar, ai, br, bi, cr, ci, dr, di):  # type: ignore[no-untyped-def]
    """Fourier transform of four points, forwards."""
    er, ei, fr, fi = ar + cr, ai + ci, ar - cr, ai - ci
    gr, gi, hr, hi = br + dr, bi + di, br - dr, bi - di
    return er + gr, ei + gi, fr + hi, fi - hr, er - gr, ei - gi, fr - hi, fi + hr


@inlined
def four(re: np.ndarray, im: np.ndarray, i: int, step: int):  # type: ignore[no-untyped-def]
    """Transform of the four points that stand at i, i + step, ...: real and imaginary parts in turns."""
    j, k, n = i + step, i + 2 * step, i + 3 * step
    return butterfly(
        load(re, i, 8),
        load(im, i, 8),
        load(re, j, 8),
        load(im, j, 8),
        load(re, k, 8),
        load(im, k, 8),
        load(re, n, 8),
        load(im, n, 8),
    )


@inlined
def eight(re: np.ndarray, im: np.ndarray, i: int, root: float):  # type: ignore[no-untyped-def]
    """Transform of the eight points from place i on, as it leaves them; `root` is that of one half."""
    ar, ai, er, ei = load(re, i, 8), load(im, i, 8), load(re, i + 32, 8), load(im, i + 32, 8)
    br, bi, fr, fi = load(re, i + 8, 8), load(im, i + 8, 8), load(re, i + 40, 8), load(im, i + 40, 8)
    cr, ci, gr, gi = load(re, i + 16, 8), load(im, i + 16, 8), load(re, i + 48, 8), load(im, i + 48, 8)
    dr, di, hr, hi = load(re, i + 24, 8), load(im, i + 24, 8), load(re, i + 56, 8), load(im, i + 56, 8)
    even = butterfly(ar + er, ai + ei, br + fr, bi + fi, cr + gr, ci + gi, dr + hr, di + hi)
    half = splat(ar, root, 8)
    fr, fi, hr, hi = br - fr, bi - fi, dr - hr, di - hi
    odd = butterfly(
        ar - er,
        ai - ei,
        (fr + fi) * half,
        (fi - fr) * half,
        ci - gi,
        gr - cr,
        (hi - hr) * half,
        -(hr + hi) * half,
    )
    return even + odd


@inlined
def stage(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Divide the transform of m points at `base` into four of m / 4, in place."""
    step = 2 * m  # from one quarter to the next: m / 4 points of eight lanes
    w = len(twiddle) - 2 * m  # a stage's factors end where those of the larger ones begin
    for i in range(8 * base, 8 * base + step, 8):
        j, k, n = i + step, i + 2 * step, i + 3 * step
        ar, ai, br, bi, cr, ci, dr, di = four(re, im, i, step)
        store(re, i, ar)
        store(im, i, ai)
        br, bi = turned(br, bi, twiddle, w)
        store(re, j, br)
        store(im, j, bi)
        cr, ci = turned(cr, ci, twiddle, w + 2)
        store(re, k, cr)
        store(im, k, ci)
        dr, di = turned(dr, di, twiddle, w + 4)
        store(re, n, dr)
        store(im, n, di)
        w += 6


@inlined
def _thirds(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Divide the transform of m points at `base` into three of m / 3, in place."""
    step, w = 8 * (m // 3), len(twiddle) - 2 * m
    half, side = splat(re, 0.5, 8), splat(re, 0.8660254037844386, 8)  # sin(2 pi / 3)
    for i in range(8 * base, 8 * base + step, 8):
        j, k = i + step, i + 2 * step
        ar, ai, br, bi = load(re, i, 8), load(im, i, 8), load(re, j, 8), load(im, j, 8)
        cr, ci = load(re, k, 8), load(im, k, 8)
        sr, si, dr, di = br + cr, bi + ci, (br - cr) * side, (bi - ci) * side
        store(re, i, ar + sr)
        store(im, i, ai + si)
        er, ei = fma(-half, sr, ar), fma(-half, si, ai)
        br, bi = turned(er + di, ei - dr, twiddle, w)
        store(re, j, br)
        store(im, j, bi)
        cr, ci = turned(er - di, ei + dr, twiddle, w + 2)
        store(re, k, cr)
        store(im, k, ci)
        w += 4


@inlined
def _fifths(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Divide the transform of m points at `base` into five of m / 5, in place."""
    step, w = 8 * (m // 5), len(twiddle) - 2 * m
    c1, c2 = (
        splat(re, 0.30901699437494745, 8),
        splat(re, -0.8090169943749475, 8),
    )  # cos(2 pi / 5), cos(4 pi / 5)
    s1, s2 = splat(re, 0.9510565162951535, 8), splat(re, 0.5877852522924731, 8)  # their sines
    for i in range(8 * base, 8 * base + step, 8):
        j, k, o, n = i + step, i + 2 * step, i + 3 * step, i + 4 * step
        ar, ai = load(re, i, 8), load(im, i, 8)
        br, bi, er, ei = load(re, j, 8), load(im, j, 8), load(re, n, 8), load(im, n, 8)
        cr, ci, dr, di = load(re, k, 8), load(im, k, 8), load(re, o, 8), load(im, o, 8)
        pr, pi, qr, qi = br + er, bi + ei, br - er, bi - ei
        ur, ui, vr, vi = cr + dr, ci + di, cr - dr, ci - di
        store(re, i, ar + (pr + ur))
        store(im, i, ai + (pi + ui))
        br, bi = fma(c1, pr, fma(c2, ur, ar)), fma(c1, pi, fma(c2, ui, ai))
        cr, ci = fma(c2, pr, fma(c1, ur, ar)), fma(c2, pi, fma(c1, ui, ai))
        dr, di = fma(s1, qr, s2 * vr), fma(s1, qi, s2 * vi)
        er, ei = fma(s2, qr, -(s1 * vr)), fma(s2, qi, -(s1 * vi))
        xr, xi = turned(br + di, bi - dr, twiddle, w)
        store(re, j, xr)
        store(im, j, xi)
        xr, xi = turned(cr + ei, ci - er, twiddle, w + 2)
        store(re, k, xr)
        store(im, k, xi)
        xr, xi = turned(cr - ei, ci + er, twiddle, w + 4)
        store(re, o, xr)
        store(im, o, xi)
        xr, xi = turned(br - di, bi + dr, twiddle, w + 6)
        store(re, n, xr)
        store(im, n, xi)
        w += 8


@inlined
def divisor(m: int) -> int:
    """Into how many a stage divides a transform of m points: `hpcflow_kernels.spectral.lengths.divisor`."""
    return 5 if m % 5 == 0 else 3 if m % 3 == 0 else 4


@inlined
def near_of(points: int) -> int:
    """Points of the parts of a transform that run stage by stage: `near_of` of the lengths."""
    near = points
    while near > NEAR:
        near //= divisor(near)
    return near


@inlined
def last_of(points: int) -> int:
    """Points of the last stage, 4 or 8."""
    last = points
    while last > 8:
        last //= divisor(last)
    return last


@inlined
def part_stages(
    re: np.ndarray, im: np.ndarray, base: int, near: int, points: int, last: int, twiddle: np.ndarray
) -> None:
    """All stages but the last of `near` points at `base`, those before that begin there included."""
    m = points
    while m > last:
        by = divisor(m)
        stop = base + near if m <= near else base + (1 if base % m == 0 else 0)
        for inner in range(base, stop, m):
            if by == 4:
                stage(re, im, inner, m, twiddle)
            elif by == 5:
                _fifths(re, im, inner, m, twiddle)
            else:
                _thirds(re, im, inner, m, twiddle)
        m //= by


@inlined
def finish(re: np.ndarray, im: np.ndarray, base: int, points: int, last: int) -> None:
    """The last stage, of 4 or 8 points, of so many at `base`, in place."""
    if last == 8:
        for i in range(8 * base, 8 * (base + points), 64):
            p = eight(re, im, i, np.sqrt(0.5))
            for k in range(8):
                store(re, i + 8 * k, p[2 * k])
                store(im, i + 8 * k, p[2 * k + 1])
    else:
        for i in range(8 * base, 8 * (base + points), 32):
            q = four(re, im, i, 8)
            for k in range(4):
                store(re, i + 8 * k, q[2 * k])
                store(im, i + 8 * k, q[2 * k + 1])


@inlined
def transform(re: np.ndarray, im: np.ndarray, points: int, twiddle: np.ndarray) -> None:
    """All stages; with the two parts exchanged, the transform backwards.

    Each part runs to its end before the next one begins, so that all but the first stages stay in the
    first-level cache.
    """
    near, last = near_of(points), last_of(points)
    for base in range(0, points, near):
        part_stages(re, im, base, near, points, last, twiddle)
        finish(re, im, base, near, last)
