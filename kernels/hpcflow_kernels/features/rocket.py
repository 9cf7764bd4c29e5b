"""MiniRocket: thousands of features from few fixed kernels, for linear classifiers."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from hpcflow_kernels.features.rocket_contracts import KERNELS, TAPS


@dataclass(frozen=True, eq=False)
class MiniRocket:
    """What `minirocket_fit` has found and `minirocket_transform` needs.

    Attributes
    ----------
    samples : int
        Of each series.
    dilations, counts : ndarray of int64, shape (dilations,)
        Distances of taps, rising, and biases that each of the 84 kernels has at each.
    biases : ndarray of float32, shape (features,)
        By dilation, then by kernel.
    """

    samples: int
    dilations: np.ndarray
    counts: np.ndarray
    biases: np.ndarray

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as a NumPy archive, which holds numbers only."""
        with open(path, "wb") as file:
            np.savez(
                file, samples=self.samples, dilations=self.dilations, counts=self.counts, biases=self.biases
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MiniRocket:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(int(file["samples"]), file["dilations"], file["counts"], file["biases"])


def minirocket_fit(
    x: np.ndarray, features: int = 10_000, max_dilations: int = 32, seed: int = 0
) -> MiniRocket:
    """Choose dilations from the length of series, and biases from a sample of them.

    Parameters
    ----------
    x : ndarray of real numbers, shape (series, samples)
        A sample of what will be transformed; used in float32.
    features : int
        Rounded down to a multiple of 84, and up to 84.
    max_dilations : int
        Most dilations of a kernel.
    seed : int
        Of the choice of one series for each kernel and dilation, whose quantiles are the biases.

    Returns
    -------
    MiniRocket

    Raises
    ------
    ValueError
        For fewer than 9 samples, or values that are not finite.

    Notes
    -----
    Dempster, Schmidt and Webb, MiniRocket: a very fast (almost) deterministic transform for time series
    classification, KDD (2021).
    """
    from hpcflow_kernels.features.rocket_loops import LANES, responses

    x = np.ascontiguousarray(x, np.float32)
    n = x.shape[-1]
    if x.ndim != 2 or n < TAPS or not len(x):
        raise ValueError(
            f"MiniRocket is fitted on series of {TAPS} samples or more, an array (series, samples), and this "
            f"one has the shape {x.shape}: pad shorter series with zeros"
        )
    if not np.isfinite(x).all():
        raise ValueError("MiniRocket is fitted on finite values: leave series with gaps out of the sample")
    dilations, counts = _dilations(n, max(features // KERNELS, 1), max_dilations)
    total = KERNELS * int(counts.sum())
    golden = (np.arange(1, total + 1) * ((np.sqrt(5) + 1) / 2) % 1).astype(np.float32)
    rng, biases, at = np.random.default_rng(seed), np.empty(total, np.float32), 0
    found = np.empty((KERNELS, n + 2 * LANES), np.float32)
    for dilation, count in zip(dilations, counts, strict=True):
        responses(x, rng.integers(len(x), size=KERNELS), dilation, found)
        for row in found[:, :n]:
            biases[at : at + count] = np.quantile(row, golden[at : at + count])
            at += count
    return MiniRocket(n, dilations, counts, biases)


def minirocket_transform(x: np.ndarray, fitted: MiniRocket) -> np.ndarray:
    """Share of a series' responses to each kernel, at each dilation, that exceed each bias.

    Parameters
    ----------
    x : ndarray of real numbers, shape (..., samples)
        Series of the length that was fitted; used in float32.
    fitted : MiniRocket
        From `minirocket_fit`.

    Returns
    -------
    ndarray of float32, shape (..., features)
        From 0 to 1; NaN for a series with a value that is not finite.

    Raises
    ------
    ValueError
        Where the series have another length.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 100))
    >>> minirocket_transform(x, minirocket_fit(x, features=840)).shape
    (20, 840)
    """
    from hpcflow_kernels.features.rocket_loops import transform

    x = np.asarray(x)
    if x.shape[-1] != fitted.samples:
        raise ValueError(
            f"series must have the length that was fitted ({fitted.samples} samples), not {x.shape[-1]}: the "
            "biases of other lengths mean something else; fit again, or cut or pad"
        )
    rows = np.ascontiguousarray(x, np.float32).reshape(-1, fitted.samples)
    out = np.full((len(rows), len(fitted.biases)), np.nan, np.float32)
    good = np.flatnonzero(np.isfinite(rows).all(axis=1))
    if len(good) == len(rows):
        transform(rows, fitted.dilations, fitted.counts, fitted.biases, out)
    elif len(good):
        found = np.empty((len(good), out.shape[1]), np.float32)
        transform(rows[good], fitted.dilations, fitted.counts, fitted.biases, found)
        out[good] = found
    return out.reshape(*x.shape[:-1], len(fitted.biases))


def _dilations(n: int, each: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Dilations up to where nine taps span the series, evenly in octaves, and biases of a kernel at each."""
    asked = min(each, most)
    exponents = np.logspace(0, np.log2((n - 1) / (TAPS - 1)), asked, base=2).astype(np.int64)
    dilations, counts = np.unique(exponents, return_counts=True)
    counts = (counts * (each / asked)).astype(np.int64)
    for i in range(each - int(counts.sum())):
        counts[i % len(counts)] += 1
    return dilations, counts
