"""Compiled loop of a whole signal's envelope spectrum, a frame at a time: it stays in the second-level cache.

Lane p of point j stands for samples 2m and 2m + 1 with m = 8 j + p. A Hilbert transform of an even number of
samples makes even samples of odd ones and odd of even ones, by one cyclic filter: what it makes of
x[2m - 1] is h[2m], and of x[2m] it is h[2m + 1]. So the complex points x[2m - 1] + i x[2m] need one product
with the filter's bins, ``-i exp(2 pi i k / n)``, and no bin its negative twin. The eight lanes are transforms
of an eighth of the points; what the bins' products do between lanes is a turn of each, one real matrix for
all of them, and a turn back.
"""

from __future__ import annotations

import math

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.machine.envelope_loops import binary_exponent
from hpcflow_kernels.simd import (
    broadcast,
    convert,
    deal,
    fma,
    load,
    maximum,
    rotate,
    rotate_fours,
    splat,
    sqrt,
    store,
    total,
    transpose,
)
from hpcflow_kernels.spectral.back_loops import part_back
from hpcflow_kernels.spectral.transform_loops import finish, last_of, near_of, part_stages, transform


@inlined
def _points(x: np.ndarray, at: int, half: int, re: np.ndarray, im: np.ndarray) -> float:
    """The frame's samples as complex points, odd ones one point late; its largest modulus."""
    top = splat(re, 0.0, 8)
    for j in range(0, half, 8):
        a, b = load(x, at + 2 * j, 8), load(x, at + 2 * j + 8, 8)
        top = maximum(top, maximum(maximum(a, -a), maximum(b, -b)))
        even, odd = deal(a, b)
        store(re, j + 1, odd)
        store(im, j, even)
    re[0] = re[half]
    peak = np.empty(8, re.dtype)
    store(peak, 0, top)
    return peak.max()  # type: ignore[no-any-return]


@inlined
def _mixed(x, matrix: np.ndarray):  # type: ignore[no-untyped-def]
    """The real matrix between lanes: within halves, and from each half to the other."""
    a, b, c = rotate_fours(x, 1), rotate_fours(x, 2), rotate_fours(x, 3)
    near = fma(a, load(matrix, 8, 8), x * load(matrix, 0, 8))
    far = fma(a, load(matrix, 40, 8), x * load(matrix, 32, 8))
    near = fma(c, load(matrix, 24, 8), fma(b, load(matrix, 16, 8), near))
    far = fma(c, load(matrix, 56, 8), fma(b, load(matrix, 48, 8), far))
    return near + rotate(far, 4)


@inlined
def _times(ar, ai, br, bi):  # type: ignore[no-untyped-def]
    return fma(-ai, bi, ar * br), fma(ai, br, ar * bi)


@inlined
def _hilbert(
    re: np.ndarray,
    im: np.ndarray,
    base: int,
    near: int,
    there: np.ndarray,
    back: np.ndarray,
    matrix: np.ndarray,
) -> None:
    """Bins of the Hilbert transform in place of the frame's, for one part of a transform."""
    p = 16 * (near + base // near)
    pr, pi = load(there, p, 8), load(there, p + 8, 8)
    qr, qi = load(back, p, 8), load(back, p + 8, 8)
    for j in range(near):
        i = 8 * (base + j)
        tr, ti = _times(load(there, 16 * j, 8), load(there, 16 * j + 8, 8), pr, pi)
        ar, ai = _times(load(re, i, 8), load(im, i, 8), tr, ti)
        tr, ti = _times(load(back, 16 * j, 8), load(back, 16 * j + 8, 8), qr, qi)
        ar, ai = _times(_mixed(ar, matrix), _mixed(ai, matrix), tr, ti)
        store(re, i, ar)
        store(im, i, ai)


@inlined
def _less_total(re: np.ndarray) -> None:
    """Take the mean over the lanes off the first point: what is left has no bin 0."""
    first = load(re, 0, 8)
    store(re, 0, first - splat(re, total(first) / 8, 8))


@inlined
def _moduli(x: np.ndarray, at: int, by: float, re: np.ndarray, im: np.ndarray, mean: np.ndarray) -> float:
    """Moduli of the frame times `by` and of its Hilbert transform, in place; and their mean.

    Every 64 samples the sum goes on in float64.
    """
    half = len(re)
    factor = splat(re, by, 8)
    whole = convert(factor - factor, mean)
    for start in range(0, half, 32):
        near = factor - factor
        for j in range(start, min(start + 32, half), 8):
            even, odd = deal(load(x, at + 2 * j, 8), load(x, at + 2 * j + 8, 8))
            even, odd = even * factor, odd * factor
            a, b = load(re, j, 8), load(im, j, 8)
            a, b = sqrt(fma(a, a, even * even)), sqrt(fma(b, b, odd * odd))
            store(re, j, a)
            store(im, j, b)
            near = near + (a + b)
        whole = whole + convert(near, mean)
    return total(whole) / (2 * half)  # type: ignore[no-any-return]


@inlined
def _less_mean(re: np.ndarray, im: np.ndarray, mean: float, weight: np.ndarray) -> None:
    """Take the mean off and weight what is left; weights of even samples stand before those of odd ones."""
    half = len(re)
    off = splat(re, mean, 8)
    for j in range(0, half, 8):
        store(re, j, (load(re, j, 8) - off) * load(weight, j, 8))
        store(im, j, (load(im, j, 8) - off) * load(weight, half + j, 8))


@inlined
def _bin(re: np.ndarray, im: np.ndarray, p: int, q: int, turn: np.ndarray, k: int, lanes: np.ndarray):  # type: ignore[no-untyped-def]
    """What each lane gives to bin k, twice."""
    ar, ai, br, bi = load(re, p, 8), load(im, p, 8), load(re, q, 8), load(im, q, 8)
    er, ei, dr, di = ar + br, ai - bi, ai + bi, br - ar  # E, O: sum, and difference over i
    dr, di = _times(dr, di, broadcast(turn, 2 * k, 8), broadcast(turn, 2 * k + 1, 8))
    n, m = 16 * (k & 63), 16 * (64 + (k >> 6))
    tr, ti = _times(load(lanes, n, 8), load(lanes, n + 8, 8), load(lanes, m, 8), load(lanes, m + 8, 8))
    return _times(er + dr, ei + di, tr, ti)


@inlined
def _sums(parts: np.ndarray, at: int):  # type: ignore[no-untyped-def]
    """Sums over the lanes of eight vectors."""
    a, b, c, d, e, f, g, h = transpose(
        (
            load(parts, at, 8),
            load(parts, at + 8, 8),
            load(parts, at + 16, 8),
            load(parts, at + 24, 8),
            load(parts, at + 32, 8),
            load(parts, at + 40, 8),
            load(parts, at + 48, 8),
            load(parts, at + 56, 8),
        )
    )
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@inlined
def _lines(
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    lanes: np.ndarray,
    scale: float,
    out: np.ndarray,
) -> None:
    """Moduli of bins from the first on, times the scale, eight at a time."""
    points, bins = len(place), len(out)
    parts, lines, factor = np.empty(128, re.dtype), np.empty(8, re.dtype), splat(re, scale, 8)
    low = 0  # k modulo the points of a lane
    for first in range(0, bins, 8):
        for s in range(8):
            a, b = _bin(re, im, 8 * place[low], 8 * place[points - low if low else 0], turn, first + s, lanes)
            store(parts, 8 * s, a)
            store(parts, 8 * s + 64, b)
            low += 1
            if low == points:
                low = 0
        a, b = _sums(parts, 0), _sums(parts, 64)
        store(lines, 0, sqrt(fma(a, a, b * b)) * factor)
        for s in range(min(8, bins - first)):
            out[first + s] = lines[s]


@compiled
def frame_lines(
    x: np.ndarray,
    hop: int,
    twiddle: np.ndarray,
    place: np.ndarray,
    there: np.ndarray,
    back: np.ndarray,
    matrix: np.ndarray,
    weight: np.ndarray,
    turn: np.ndarray,
    lanes: np.ndarray,
    most: int,
    work: np.ndarray,
    out: np.ndarray,
) -> None:
    """Lines of the modulus of frames' analytic signals.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        As long as the frames need.
    hop : int
        Samples from the start of one frame to that of the next.
    twiddle, place, there, back, matrix, weight, turn, lanes
        As `hpcflow_kernels.machine.envelope_frame.Frame` makes them for frames of n samples.
    most : int
        Largest exponent of a scale.
    work : ndarray of the type of `x`, shape (n + 48,)
    out : ndarray of the type of `x`, shape (frames, lines)
        At most n / 2 lines. Gets the mean in column 0 and NaN in rows whose mean is not finite.
    """
    half, points = len(weight) // 2, len(place)
    near, last = near_of(points), last_of(points)
    late, im = work[: half + 8], work[half + 32 : 2 * half + 32]
    re, wide = late[:half], np.zeros(0, np.float64)
    for row in range(len(out)):
        at = row * hop
        peak = _points(x, at, half, late, im)
        exponent = binary_exponent(peak, most)
        scale, by = math.ldexp(1.0, exponent), math.ldexp(1.0, -exponent)
        if exponent != 0:
            re *= x.dtype.type(by)
            im *= x.dtype.type(by)
        for base in range(0, points, near):
            part_stages(re, im, base, near, points, last, twiddle)
            finish(re, im, base, near, last)
            if base == 0:
                _less_total(re)
                _less_total(im)
            _hilbert(re, im, base, near, there, back, matrix)
            part_back(im, re, base, near, points, last, twiddle)
        mean = _moduli(x, at, by, re, im, wide)
        _less_mean(re, im, mean, weight)
        transform(re, im, points, twiddle)
        _lines(re, im, place, turn, lanes, scale, out[row])
        out[row, 0] = mean * scale
        if not np.isfinite(mean):
            out[row] = np.nan
