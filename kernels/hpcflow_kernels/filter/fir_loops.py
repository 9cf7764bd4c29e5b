"""Compiled loops of filters with finite impulse responses: sums in vectors, and overlap-save in eight lanes.

Both give ``y[i] = sum_j taps[j] * x[i - shift + j]``, the taps in reverse. Direct sums run over sixty-four
outputs at once and take the taps in order, so an output's bits are a function of its own samples.

Overlap-save transforms sixteen blocks at once: an even block is the real part of a lane, the next one its
imaginary part. Taps are real, so the two are never taken apart. Stages that divide by four leave the
spectrum in an order of their own, the taps' spectrum stands in the same order, and the stages of the way
back begin from there: nothing is put in order. The last stage forwards, the product and the first stage
backwards are one; and each quarter of a transform goes down and up before the next one begins.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, store, transpose
from hpcflow_kernels.spectral.transform_loops import NEAR, butterfly, four, stage, turned

BLOCK = 64
"""Outputs of direct sums at once: four vectors of sixteen."""


@inlined
def continued(x: np.ndarray, head: np.ndarray, tail: np.ndarray, at: int, out: np.ndarray) -> None:
    """Samples from `at` on, of a signal with a head before it, a tail behind it, and zeros beyond them."""
    out[:] = 0.0
    for part, start in ((head, -len(head)), (x, 0), (tail, len(x))):
        low, high = max(at, start), min(at + len(out), start + len(part))
        for i in range(low, high):
            out[i - at] = part[i - start]


@inlined
def _sums(x: np.ndarray, at: int, taps: np.ndarray, y: np.ndarray, i: int) -> None:
    """Sixty-four outputs from the samples that begin at `at`."""
    h = broadcast(taps, 0, 16)
    a, b, c, d = (
        h * load(x, at, 16),
        h * load(x, at + 16, 16),
        h * load(x, at + 32, 16),
        h * load(x, at + 48, 16),
    )
    for j in range(1, len(taps)):
        h, k = broadcast(taps, j, 16), at + j
        a = fma(h, load(x, k, 16), a)
        b = fma(h, load(x, k + 16, 16), b)
        c = fma(h, load(x, k + 32, 16), c)
        d = fma(h, load(x, k + 48, 16), d)
    store(y, i, a)
    store(y, i + 16, b)
    store(y, i + 32, c)
    store(y, i + 48, d)


@compiled
def direct(
    x: np.ndarray, head: np.ndarray, tail: np.ndarray, taps: np.ndarray, shift: int, y: np.ndarray
) -> None:
    """Fill `y` by sums over the taps.

    Parameters
    ----------
    x, head, tail : ndarray of float32 or float64
        A signal, and how it goes on before and behind; zeros beyond.
    taps : ndarray, shape (taps,)
        In reverse.
    shift : int
        Samples before an output's own at which its first one stands.
    y : ndarray
        Outputs, of the type of `x`.
    """
    reach = BLOCK + len(taps) - 1
    samples, sums = np.empty(reach, x.dtype), np.empty(BLOCK, x.dtype)
    for i in range(0, len(y), BLOCK):
        at = i - shift
        if at >= 0 and at + reach <= len(x) and i + BLOCK <= len(y):
            _sums(x, at, taps, y, i)
            continue
        continued(x, head, tail, at, samples)
        _sums(samples, 0, taps, sums, 0)
        count = min(BLOCK, len(y) - i)
        y[i : i + count] = sums[:count]


@inlined
def _lanes(x: np.ndarray, at: int, apart: int, n: int, part: np.ndarray) -> None:
    """Eight blocks that begin `apart` samples from one another, n samples each, as lanes of `part`."""
    for j in range(0, n, 8):
        k = at + j
        rows = transpose(
            (
                load(x, k, 8),
                load(x, k + apart, 8),
                load(x, k + 2 * apart, 8),
                load(x, k + 3 * apart, 8),
                load(x, k + 4 * apart, 8),
                load(x, k + 5 * apart, 8),
                load(x, k + 6 * apart, 8),
                load(x, k + 7 * apart, 8),
            )
        )
        for t in range(8):
            store(part, 8 * (j + t), rows[t])


@inlined
def _blocks(part: np.ndarray, length: int, apart: int, i: int, y: np.ndarray) -> None:
    """The first `length` points of lane l go to `y` at ``i + l * apart``; what lies beyond is dropped."""
    for j in range(0, length, 8):
        k = 8 * j
        rows = transpose(
            (
                load(part, k, 8),
                load(part, k + 8, 8),
                load(part, k + 16, 8),
                load(part, k + 24, 8),
                load(part, k + 32, 8),
                load(part, k + 40, 8),
                load(part, k + 48, 8),
                load(part, k + 56, 8),
            )
        )
        for lane in range(8):
            place = i + j + lane * apart
            if place + 8 <= len(y):
                store(y, place, rows[lane])
            else:
                for t in range(min(8, len(y) - place)):
                    y[place + t] = part[k + 8 * t + lane]


@inlined
def _multiply(re: np.ndarray, im: np.ndarray, base: int, m: int, hr: np.ndarray, hi: np.ndarray) -> None:
    """The last stage forwards, the product with the taps' spectrum, and the first stage backwards."""
    for p in range(base, base + m, 4):
        i = 8 * p
        ar, ai, br, bi, cr, ci, dr, di = four(re, im, i, 8)
        ar, ai = _product(ar, ai, hr, hi, p)
        br, bi = _product(br, bi, hr, hi, p + 1)
        cr, ci = _product(cr, ci, hr, hi, p + 2)
        dr, di = _product(dr, di, hr, hi, p + 3)
        # Backwards is forwards with the real and imaginary parts exchanged.
        ai, ar, bi, br, ci, cr, di, dr = butterfly(ai, ar, bi, br, ci, cr, di, dr)
        store(re, i, ar)
        store(im, i, ai)
        store(re, i + 8, br)
        store(im, i + 8, bi)
        store(re, i + 16, cr)
        store(im, i + 16, ci)
        store(re, i + 24, dr)
        store(im, i + 24, di)


@inlined
def _product(ar, ai, hr: np.ndarray, hi: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    wr, wi = broadcast(hr, k, 8), broadcast(hi, k, 8)
    return fma(-ai, wi, ar * wr), fma(ai, wr, ar * wi)


@inlined
def _back(re: np.ndarray, im: np.ndarray, base: int, m: int, twiddle: np.ndarray) -> None:
    """Join four transforms of m / 4 points at `base` into one of m, backwards, in place."""
    step = 2 * m
    w = len(twiddle) - 2 * m
    for i in range(8 * base, 8 * base + step, 8):
        j, k, n = i + step, i + 2 * step, i + 3 * step
        ar, ai = load(re, i, 8), load(im, i, 8)
        bi, br = turned(load(im, j, 8), load(re, j, 8), twiddle, w)
        ci, cr = turned(load(im, k, 8), load(re, k, 8), twiddle, w + 2)
        di, dr = turned(load(im, n, 8), load(re, n, 8), twiddle, w + 4)
        ai, ar, bi, br, ci, cr, di, dr = butterfly(ai, ar, bi, br, ci, cr, di, dr)
        store(re, i, ar)
        store(im, i, ai)
        store(re, j, br)
        store(im, j, bi)
        store(re, k, cr)
        store(im, k, ci)
        store(re, n, dr)
        store(im, n, di)
        w += 6


@compiled
def overlap_save(
    x: np.ndarray,
    head: np.ndarray,
    tail: np.ndarray,
    hr: np.ndarray,
    hi: np.ndarray,
    taps: int,
    twiddle: np.ndarray,
    shift: int,
    y: np.ndarray,
) -> None:
    """Fill `y` by way of the spectra of blocks.

    Parameters
    ----------
    x, head, tail, shift, y
        As for `direct`.
    hr, hi : ndarray, shape (n,)
        Conjugate of the spectrum of the taps in reverse, divided by n, in the order in which stages leave it;
        n is a power of four.
    taps : int
        How many taps there are, at most n - 7.
    twiddle : ndarray
        As `hpcflow_kernels.spectral.welch.twiddles` gives them.
    """
    n = len(hr)
    length = (n - taps + 1) // 8 * 8
    re, im = np.empty(8 * n, x.dtype), np.empty(8 * n, x.dtype)
    reach = 15 * length + n
    samples = np.empty(reach, x.dtype)
    near = n
    while near > NEAR:
        near //= 4
    for i in range(0, len(y), 16 * length):
        at = i - shift
        if at >= 0 and at + reach <= len(x):
            _lanes(x, at, 2 * length, n, re)
            _lanes(x, at + length, 2 * length, n, im)
        else:
            continued(x, head, tail, at, samples)
            _lanes(samples, 0, 2 * length, n, re)
            _lanes(samples, length, 2 * length, n, im)
        for base in range(0, n, near):
            m = n
            while m > near:
                if base % m == 0:
                    stage(re, im, base, m, twiddle)
                m //= 4
            while m > 4:
                for inner in range(base, base + near, m):
                    stage(re, im, inner, m, twiddle)
                m //= 4
            _multiply(re, im, base, near, hr, hi)
            m = 16
            while m <= near:
                for inner in range(base, base + near, m):
                    _back(re, im, inner, m, twiddle)
                m *= 4
            while m <= n:
                if (base + near) % m == 0:
                    _back(re, im, base + near - m, m, twiddle)
                m *= 4
        _blocks(re, length, 2 * length, i, y)
        _blocks(im, length, 2 * length, i + length, y)
