"""Entropies: how unpredictable a signal is, by value, by frequency, by order and by repetition."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial, log, log2

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length

BATCH = 8
"""Windows that are transformed together, always so many: no bit depends on how many a block holds."""


def shannon_entropy(x: np.ndarray, bins: int = 16, *, normalize: bool = False, axis: int = -1) -> np.ndarray:
    """Entropy of the histogram of values, nats.

    Parameters
    ----------
    x : ndarray of real numbers
        Time series along `axis`.
    bins : int
        Of equal width, from the smallest to the largest value of a series.
    normalize : bool
        Whether to divide by ``log(bins)``, the most there can be.
    axis : int
        Axis along which time runs.

    Returns
    -------
    ndarray of float64
        Of the shape of `x` without time; NaN for a series with a value that is not finite.

    References
    ----------
    Shannon, A mathematical theory of communication, Bell Syst. Tech. J. 27 (1948).

    Examples
    --------
    >>> float(shannon_entropy(np.arange(64.0), bins=4, normalize=True))
    1.0
    """
    from hpcflow_kernels.features.entropy_loops import shannon

    _at_least(bins, 2, "a histogram needs two bins or more")
    y = _by_series(x, axis, 1, lambda flat, n, hop, out: shannon(flat, n, hop, bins, out))
    return y / log(bins) if normalize else y


def spectral_entropy(x: np.ndarray, *, normalize: bool = False, axis: int = -1) -> np.ndarray:
    """Entropy of the shares of the periodogram, mean removed, nats.

    0 for a tone of whole periods, the largest for white noise; `normalize` divides by the logarithm of the
    number of frequencies. Arguments and result as for `shannon_entropy`; NaN for a constant series.

    References
    ----------
    Inouye et al., Quantification of EEG irregularity by use of the entropy of the power spectrum,
    Electroencephalogr. Clin. Neurophysiol. 79 (1991).
    """
    y = _by_series(x, axis, 2, _spectral)
    return y / log(np.shape(x)[axis] // 2 + 1) if normalize else y


def permutation_entropy(
    x: np.ndarray, order: int = 3, delay: int = 1, *, normalize: bool = False, axis: int = -1
) -> np.ndarray:
    """Entropy of the orders in which successive samples stand, nats.

    Parameters
    ----------
    x, axis
        As for `shannon_entropy`, and the result too.
    order : int
        Samples that are put in order, 2 to 8; of equal ones the earlier counts as the smaller.
    delay : int
        Samples from one of them to the next.
    normalize : bool
        Whether to divide by ``log(order!)``.

    Raises
    ------
    ValueError
        Where `order` lies outside 2 to 8, `delay` is below 1, or the series are shorter than one order.

    References
    ----------
    Bandt and Pompe, Permutation entropy: a natural complexity measure for time series, Phys. Rev. Lett. 88
    (2002).
    """
    from hpcflow_kernels.features.entropy_loops import permutation

    _at_least(order, 2, "an order needs two samples or more")
    _at_least(delay, 1, "samples are at least one apart")
    if order > 8:
        raise ValueError(
            f"orders of {order} samples have {factorial(order)} kinds, more than series fill: take 8"
        )
    y = _by_series(
        x,
        axis,
        (order - 1) * delay + 1,
        lambda flat, n, hop, out: permutation(flat, n, hop, order, delay, out),
    )
    return y / log(factorial(order)) if normalize else y


def sample_entropy(
    x: np.ndarray,
    order: int = 2,
    tolerance: float = 0.2,
    *,
    delay: int = 1,
    absolute: bool = False,
    axis: int = -1,
) -> np.ndarray:
    """Minus the logarithm of the chance that stretches that agree go on agreeing, nats.

    With B pairs of different templates of `order` samples of which none differs by more than the tolerance,
    and A that agree in the next sample too, ``-log(A / B)``.

    Parameters
    ----------
    x, axis
        As for `shannon_entropy`, and the result too; NaN where no pair agrees, infinite where none goes on.
    order, delay : int
        Samples of a template, and from one to the next.
    tolerance : float
        In standard deviations (n) of the series, or in its own units.
    absolute : bool
        Whether in its own units.

    References
    ----------
    Richman and Moorman, Physiological time-series analysis using approximate entropy and sample entropy,
    Am. J. Physiol. 278 (2000).
    """
    from hpcflow_kernels.features.entropy_loops import sample

    return _by_templates(sample, x, order, tolerance, delay, absolute, axis)


def approximate_entropy(
    x: np.ndarray,
    order: int = 2,
    tolerance: float = 0.2,
    *,
    delay: int = 1,
    absolute: bool = False,
    axis: int = -1,
) -> np.ndarray:
    """As `sample_entropy`, with logarithms taken template by template and each agreeing with itself, nats.

    References
    ----------
    Pincus, Approximate entropy as a measure of system complexity, Proc. Natl. Acad. Sci. 88 (1991).
    """
    from hpcflow_kernels.features.entropy_loops import approximate

    return _by_templates(approximate, x, order, tolerance, delay, absolute, axis)


def lempel_ziv(x: np.ndarray, *, normalize: bool = True, axis: int = -1) -> np.ndarray:
    """Words that a series, above its median or not, is made of, each no copy of what came before.

    `normalize` divides by ``n / log2(n)``, which the count of random bits tends to. Arguments and result as
    for `shannon_entropy`.

    References
    ----------
    Lempel and Ziv, On the complexity of finite sequences, IEEE Trans. Inf. Theory 22 (1976); counted as
    Kaspar and Schuster, Phys. Rev. A 36 (1987), do.
    """
    from hpcflow_kernels.features.entropy_loops import lempel_ziv as counted

    y, n = _by_series(x, axis, 2, counted), np.shape(x)[axis]
    return y * (log2(n) / n) if normalize else y


def entropy_windows(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    measure: str = "permutation",
    order: int | None = None,
    delay: int = 1,
    tolerance: float = 0.2,
    bins: int = 16,
) -> dict[str, np.ndarray]:
    """One entropy of each window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of a window, s.
    overlap : float
        Fraction of a window that the next one shares, in [0, 1).
    measure : {'shannon', 'spectral', 'permutation', 'sample', 'approximate', 'lempel_ziv'}
        The first three and the last one normalised, from 0 to about 1; the others in nats.
    order : int, optional
        Samples of a template (2), or that are put in order (3).
    delay, tolerance, bins
        As the functions of the measures take them.

    Returns
    -------
    dict
        ``entropy``, shape (windows,), of the float type of `x`, computed in float64; NaN for windows that
        touch a gap.
    """
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    if len(x) < n:
        return {"entropy": np.empty(0, dtype)}
    frames = np.lib.stride_tricks.sliding_window_view(np.ascontiguousarray(x, dtype), n)[::hop]
    found: dict[str, Callable[[], np.ndarray]] = {
        "shannon": lambda: shannon_entropy(frames, bins, normalize=True),
        "spectral": lambda: spectral_entropy(frames, normalize=True),
        "permutation": lambda: permutation_entropy(frames, order or 3, delay, normalize=True),
        "sample": lambda: sample_entropy(frames, order or 2, tolerance, delay=delay),
        "approximate": lambda: approximate_entropy(frames, order or 2, tolerance, delay=delay),
        "lempel_ziv": lambda: lempel_ziv(frames),
    }
    return {"entropy": found[measure]().astype(dtype)}


def _at_least(value: int, least: int, rule: str) -> None:
    if value < least:
        raise ValueError(f"{rule}, not {value}")


def _by_series(
    x: np.ndarray, axis: int, least: int, fill: Callable[[np.ndarray, int, int, np.ndarray], object]
) -> np.ndarray:
    """Apply ``fill(flat, n, hop, out)`` to all series; frames that overlap are not copied."""
    rows = np.moveaxis(np.asarray(x), axis, -1)
    n = rows.shape[-1]
    _at_least(n, least, f"this entropy needs {least} samples or more")
    out = np.empty(rows.shape[:-1])
    if out.size == 0:
        return out
    step = rows.strides[0] // rows.itemsize if rows.ndim == 2 and len(rows) > 1 else 0
    # Compiled loops read numbers in the machine's byte order, whatever the array says of its own.
    plain = rows.dtype in (np.float32, np.float64)
    if plain and step > 0 and rows.strides == (step * rows.itemsize, rows.itemsize):
        flat = np.lib.stride_tricks.as_strided(
            rows, ((len(rows) - 1) * step + n,), (rows.itemsize,), writeable=False
        )
        fill(flat, n, step, out)
        return out
    dtype = np.float32 if rows.dtype == np.float32 else np.float64
    fill(np.ascontiguousarray(rows, dtype).reshape(-1), n, n, out.reshape(-1))
    return out[()]  # a number for a single series


def _by_templates(
    loop: Callable[..., None],
    x: np.ndarray,
    order: int,
    tolerance: float,
    delay: int,
    absolute: bool,
    axis: int,
) -> np.ndarray:
    _at_least(order, 1, "templates have one sample or more")
    _at_least(delay, 1, "samples are at least one apart")
    return _by_series(
        x,
        axis,
        order * delay + 2,
        lambda flat, n, hop, out: loop(flat, n, hop, order, delay, tolerance, absolute, out),
    )


def _spectral(flat: np.ndarray, n: int, hop: int, out: np.ndarray) -> None:
    from scipy.fft import rfft

    frames = np.lib.stride_tricks.sliding_window_view(flat, n)[::hop]
    together = np.zeros((BATCH, n))
    for start in range(0, len(out), BATCH):
        part = frames[start : start + BATCH]
        together[: len(part)] = part
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            mean = together.mean(axis=1, keepdims=True)
            spectrum = rfft(together - mean)
            power = spectrum.real**2 + spectrum.imag**2
            power[:, 0] = 0
            power[:, 1 : (n + 1) // 2] *= 2
            share = power / power.sum(axis=1, keepdims=True)
            entropy = -np.sum(share * np.log(np.where(share > 0, share, 1)), axis=1)
        out[start : start + BATCH] = entropy[: len(part)]
