"""Short-time Fourier transforms and back, and a stationary noise taken out between, on any array library."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import numbers
from hpcflow_kernels.arrays.transforms import constant, cut, squared, transformed, typed
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.spectral.stft_contracts import hop_of
from hpcflow_kernels.spectral.welch import named_window
from hpcflow_kernels.stretches import stretches


def subtraction_of_record(
    *,
    signal: Rows,
    nperseg: int = 1024,
    overlap: float = 0.75,
    quantile: float = 0.5,
    excess: float = 1.0,
    reduction: float = 20.0,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.subtraction.subtraction_of_record`.

    Raises
    ------
    UnusableRecordError
        Where no stretch between gaps is as long as a segment.
    """
    x, hop = typed(signal.values), hop_of(nperseg, overlap)
    xp, good = array_namespace(x), _there(x)
    long = [(a, b) for a, b in stretches(good) if b - a >= nperseg]
    if not long:
        raise UnusableRecordError(f"no stretch between gaps has the {nperseg} samples of a segment")
    finite = xp.where(xp.isfinite(x), x, xp.zeros_like(x))
    mean = float(xp.sum(finite, dtype=xp.float64)) / int(good.sum())
    found = [stft(x[a:b] - mean, nperseg, hop) for a, b in long]
    powers = [squared(z) for z in found]
    noise = xp.astype(_quantile(xp.concat(powers, axis=0), quantile), xp.float64) / -math.log1p(-quantile)
    out, done, missing = [], 0, xp.full_like(x, math.nan)
    for (a, b), z, power in zip(long, found, powers, strict=True):
        gain = xp.astype(_gain(xp.astype(power, xp.float64), noise, excess, reduction), x.dtype)
        out += [missing[done:a], istft(z * gain, nperseg, hop)[: b - a] + mean]
        done = b
    return {"cleaned": xp.concat([*out, missing[done:]])}


def _there(x: Any) -> np.ndarray:
    """Which samples are not missing, for the processor."""
    xp = array_namespace(x)
    good = xp.isfinite(x)
    return np.ones(x.shape[0], np.bool_) if bool(xp.all(good)) else numbers(good)


def _quantile(rows: Any, part: float) -> Any:
    """Of each column, on a straight line between the two values about it."""
    xp, place = array_namespace(rows), part * (rows.shape[0] - 1)
    ordered, below = xp.sort(rows, axis=0), int(place)
    least, next_one = ordered[below, :], ordered[min(below + 1, rows.shape[0] - 1), :]
    return least + (next_one - least) * (place - below)


def _gain(power: Any, noise: Any, excess: float, reduction: float) -> Any:
    """What amplitudes are multiplied by; 1 where there is neither signal nor noise."""
    xp = array_namespace(power)
    left = 1 - excess * noise / power
    left = xp.where(xp.isnan(left), xp.ones_like(left), left)
    return xp.sqrt(xp.clip(left, min=10 ** (-reduction / 10)))


def stft(x: Any, n: int, hop: int, taper: str = "hann") -> Any:
    """Short-time Fourier transform as `scipy.signal.stft` has it by default.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
        Without gaps; zeros stand half a segment before it, and after it as far as a whole segment needs.
    n, hop : int
        Samples of a segment, and from the start of one to that of the next.
    taper : str
        Name of the weights.

    Returns
    -------
    array of complex64 or complex128, shape (segments, n // 2 + 1)
        In the units of `x`.
    """
    xp, weights = array_namespace(x), named_window(taper, n)
    samples = x.shape[0] + 2 * (n // 2)
    after = n // 2 + (n - samples) % hop
    ends = (xp.zeros((size,), dtype=x.dtype, device=device(x)) for size in (n // 2, after))
    segments = cut(xp.concat([next(ends), x, next(ends)]), n, hop)
    return transformed(xp.fft.rfft, segments * constant(weights / np.sum(weights), x))


def istft(z: Any, n: int, hop: int, taper: str = "hann") -> Any:
    """The signal whose `stft` is nearest in the least squares, with the zeros that were put behind it.

    Parameters
    ----------
    z : array of complex numbers, shape (segments, n // 2 + 1)
    n, hop, taper
        As for `stft`.

    Returns
    -------
    array of float32 or float64, shape (n + (segments - 1) * hop - 2 * (n // 2),)
    """
    xp, weights, rows = array_namespace(z), named_window(taper, n), z.shape[0]
    frame = transformed(partial(xp.fft.irfft, n=n), z)
    frame = frame * constant(weights * np.sum(weights), frame)
    parts = -(-n // hop)
    out = xp.zeros((rows - 1 + parts, hop), dtype=frame.dtype, device=device(frame))
    square = np.zeros((rows - 1 + parts, hop))
    for i in range(parts):
        size = min(hop, n - i * hop)
        out[i : i + rows, :size] += frame[:, i * hop : i * hop + size]
        square[i : i + rows, :size] += weights[i * hop : i * hop + size] ** 2
    total = np.where(square > 1e-10, square, 1.0)
    inner = slice(n // 2, n + (rows - 1) * hop - n // 2)
    return xp.reshape(out / constant(total, out), (-1,))[inner]
