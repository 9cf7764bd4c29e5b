"""Correlations of all pairs of many signals of a long record, at all lags up to a largest one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.mpi.contracts import most_lag
from hpcflow_kernels.mpi.shares import fair
from hpcflow_kernels.mpi.transpose import to_columns, to_rows
from hpcflow_kernels.ranks import Ranks, Share, Spread

SHORTEST = 4096
"""Samples of a transform at least."""

AT_ONCE = 1 << 24
"""Samples of all signals whose spectra all ranks hold together at a time."""


def pair_correlations(*, ranks: Ranks, signals: Mapping[str, Spread], max_lag: float) -> Share:
    """Correlation of each pair of signals by how much later the second one is looked at.

    ``sum(a[t] b[t + lag]) / sqrt(sum(a**2) sum(b**2))``, of signals less their means; missing samples add
    nothing.

    Blocks of time are dealt to ranks, which transform all signals of theirs. Then frequencies are dealt: each
    rank gets its own from all blocks and adds up the products of all pairs. Then pairs are, and
    transformed back; at last lags. Blocks are the same whatever the number of ranks, and so is the order of
    sums.

    Parameters
    ----------
    ranks : Ranks
    signals : mapping of str to Spread
        Two or more of one length and rate; NaN where samples are missing. Where all are float32, so is
        what is computed, but for sums over many blocks; else float64.
    max_lag : float
        Largest lag either way, s; the nearest whole number of samples, less than the record has.

    Returns
    -------
    Share
        This rank's lags: ``lag`` (float64, s) and ``correlation``, shape (lags, pairs); NaN for a signal that
        does not vary. Pairs are in order: first with second, first with third ...

    Raises
    ------
    UnusableRecordError
        On every rank alike, where the record has no rate, or signals differ in length or rate.

    Notes
    -----
    Within 1e-6 for float32 and 1e-14 for float64 of scipy.signal.correlate in float64. A rank reads its
    part of the record twice.
    """
    grid = Grid.of(signals, max_lag)
    pairs = fair(len(grid.pairs), ranks.count)
    if grid.samples == 0:
        return Share(0, {"lag": np.empty(0), "correlation": np.empty((0, len(grid.pairs)), grid.dtype)})
    means = _means(signals, grid, ranks)
    sums, energies = _products_of_pairs(signals, means, grid, ranks)
    together = to_rows(sums, pairs, ranks)
    rows = _back(together, energies, grid, pairs[ranks.number][0])
    lags = fair(2 * grid.lags + 1, ranks.count)
    start, stop = lags[ranks.number]
    lag = np.arange(start - grid.lags, stop - grid.lags) / grid.rate
    correlation = np.ascontiguousarray(to_columns(rows, lags, ranks).T)
    return Share(start, {"lag": lag, "correlation": correlation})


class Grid(NamedTuple):
    """How a record is cut.

    Attributes
    ----------
    samples, rate
        Of every signal.
    dtype : dtype
        That spectra are made in.
    lags : int
        Largest lag.
    length, block : int
        Samples of a transform, and of the block in it; around it lie as many as the largest lag.
    blocks, at_once : int
        How many there are, and how many all ranks together hold.
    pairs : list of (int, int)
    """

    samples: int
    rate: float
    dtype: np.dtype
    lags: int
    length: int
    block: int
    blocks: int
    at_once: int
    pairs: list[tuple[int, int]]

    @classmethod
    def of(cls, signals: Mapping[str, Spread], max_lag: float) -> Grid:
        """The same on every rank, whatever their number.

        Raises
        ------
        UnusableRecordError
            Where the record has no regular rate, or its signals differ in length or rate.
        """
        first, *others = signals.values()
        samples, rate = first.samples, first.rate
        if not math.isfinite(rate):
            raise UnusableRecordError(
                "lags are read off a regular grid, and the record has none: resample it"
            )
        for other in others:
            if other.samples != samples or not math.isclose(other.rate, rate, rel_tol=1e-6):
                raise UnusableRecordError(
                    f"signals are compared sample by sample (found {samples} at {rate:g} Hz and "
                    f"{other.samples} at {other.rate:g} Hz): resample some of them"
                )
        lags = most_lag(max_lag, samples, rate)
        length = 1 << (max(SHORTEST, min(8 * lags, samples + 2 * lags)) - 1).bit_length()
        block = length - 2 * lags
        at_once = max(1, AT_ONCE // (length * len(signals)))
        pairs = list(combinations(range(len(signals)), 2))
        single = all(signal.read(0, 0).dtype == np.float32 for signal in signals.values())
        dtype = np.dtype(np.float32 if single else np.float64)
        return cls(samples, rate, dtype, lags, length, block, -(-samples // block), at_once, pairs)


def _means(signals: Mapping[str, Spread], grid: Grid, ranks: Ranks) -> list[float]:
    """Mean of each signal's samples that are there, the same whoever adds them: by block, then exactly."""
    start, stop = fair(grid.blocks, ranks.count)[ranks.number]
    sums = np.zeros((2, stop - start, len(signals)))
    for at, block in enumerate(range(start, stop)):
        low = block * grid.block
        for place, signal in enumerate(signals.values()):
            x = signal.read(low, min(low + grid.block, grid.samples)).astype(np.float64)
            there = x[np.isfinite(x)]
            sums[:, at, place] = there.sum(), len(there)
    total, count = np.concatenate(ranks.allgather(sums), axis=1)
    return [math.fsum(x) / n if n else 0.0 for x, n in zip(total.T, count.sum(axis=0), strict=True)]


def _products_of_pairs(
    signals: Mapping[str, Spread], means: list[float], grid: Grid, ranks: Ranks
) -> tuple[np.ndarray, list[float]]:
    """Products of all pairs at this rank's frequencies, and the energy of each signal.

    Returns
    -------
    sums : ndarray of complex128, shape (pairs, frequencies of this rank)
    energies : list of float
    """
    from hpcflow_kernels.mpi.pair_loops import products

    frequencies = fair(grid.length // 2 + 1, ranks.count)
    low, high = frequencies[ranks.number]
    first, second = np.array(grid.pairs).T
    sums, squares = np.zeros((len(grid.pairs), 2, high - low)), []
    for begin in range(0, grid.blocks, grid.at_once):
        own = fair(min(grid.at_once, grid.blocks - begin), ranks.count)[ranks.number]
        spectra, energy = _spectra(signals, means, grid, begin + own[0], begin + own[1])
        squares.append(energy)
        parts = ranks.exchange([spectra[..., a:b] for a, b in frequencies])
        products(np.concatenate(parts), first, second, sums)
    every = np.concatenate([part for rank in ranks.allgather(squares) for part in rank])
    return sums[:, 0] + 1j * sums[:, 1], [math.fsum(x) for x in every.T]


def _spectra(
    signals: Mapping[str, Spread], means: list[float], grid: Grid, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """Transforms of blocks [start, stop) of all signals, alone and with what lies around; their energies.

    Returns
    -------
    spectra : ndarray, shape (blocks, 2 * signals, 2, frequencies)
        As `products` takes them.
    energies : ndarray of float64, shape (blocks, signals)
    """
    from scipy.fft import rfft

    low, high = max(0, start * grid.block - grid.lags), min(stop * grid.block + grid.lags, grid.samples)
    read = [signal.read(low, max(low, high)) for signal in signals.values()]
    around = np.zeros((len(read), (stop - start) * grid.block + 2 * grid.lags), grid.dtype)
    begin = low - (start * grid.block - grid.lags)
    for row, x, mean in zip(around, read, means, strict=True):
        row[begin : begin + len(x)] = np.where(np.isfinite(x), x - mean, 0)
    spectra = np.empty((stop - start, 2 * len(read), 2, grid.length // 2 + 1), grid.dtype)
    energies = np.empty((stop - start, len(read)))
    frames = np.zeros((2 * len(read), grid.length), grid.dtype)
    for at in range(stop - start):
        frames[len(read) :] = around[:, at * grid.block : at * grid.block + grid.length]
        frames[: len(read), : grid.block] = frames[len(read) :, grid.lags : grid.lags + grid.block]
        made = rfft(frames)  # one call for a block of all signals, whoever has it: so its bits are nobody's
        spectra[at, :, 0], spectra[at, :, 1] = made.real, made.imag
        energies[at] = (frames[: len(read)].astype(np.float64) ** 2).sum(axis=1)
    return spectra, energies


def _back(together: np.ndarray, energies: list[float], grid: Grid, start: int) -> np.ndarray:
    """Correlations of pairs from `start` on at all lags, from their products at all frequencies."""
    from scipy.fft import irfft

    out = np.empty((len(together), 2 * grid.lags + 1), grid.dtype)
    for row, made, (one, other) in zip(out, together, grid.pairs[start:], strict=False):
        size = math.sqrt(energies[one] * energies[other])
        row[:] = irfft(made, grid.length)[: len(row)] / size if size else np.nan
    return out
