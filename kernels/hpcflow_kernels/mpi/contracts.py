"""Contracts of kernels whose ranks talk, and the lengths that a spectrum over ranks takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.similarity.profile_contracts import profile_fields, subsequences

TAPERS = ("boxcar", "hann", "hamming", "blackman", "flattop")


def _odd(limit: int) -> Iterator[int]:
    """Numbers up to a limit without a prime factor other than 3, 5 and 7."""
    sevens = 1
    while sevens <= limit:
        fives = sevens
        while fives <= limit:
            threes = fives
            while threes <= limit:
                yield threes
                threes *= 3
            fives *= 5
        sevens *= 7


@lru_cache(maxsize=4096)
def transform_length(samples: int, fit: str) -> int:
    """The nearest even number without a prime factor above 7: up to `samples` (cut) or from there on (pad).

    0 for records of fewer than 16 samples.

    >>> transform_length(92_160_000, "cut"), transform_length(10_007, "cut"), transform_length(10_007, "pad")
    (92160000, 10000, 10080)
    """
    if samples < 16:
        return 0
    half = samples // 2 if fit == "cut" else -(-samples // 2)
    below = (odd << (half // odd).bit_length() - 1 for odd in _odd(half))
    above = (odd << (-(-half // odd) - 1).bit_length() for odd in _odd(2 * half))
    return 2 * (max(below) if fit == "cut" else min(above))


@lru_cache(maxsize=4096)
def two_factors(n: int) -> tuple[int, int]:
    """Two numbers whose product is n, as near to each other as there are; the larger one first.

    >>> two_factors(92_160_000), two_factors(10_000)
    ((9600, 9600), (100, 100))
    """
    small = next(k for k in range(math.isqrt(n), 0, -1) if n % k == 0)
    return n // small, small


def _bins(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    n = transform_length(samples, params["fit"]) if math.isfinite(rate) else 0
    return n // 2 + 1 if n else 0


def most_lag(max_lag: float, samples: int, rate: float) -> int:
    """Samples of the largest lag: the nearest whole number, less than the record has.

    >>> most_lag(0.5, 1000, 100.0), most_lag(0.5, 20, 100.0)
    (50, 19)
    """
    return max(0, min(math.floor(max_lag * rate + 0.5), samples - 1))


def _lags(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    return 2 * most_lag(params["max_lag"], samples, rate) + 1 if samples and math.isfinite(rate) else 0


def _pairs(params: Params) -> tuple[Field, ...]:
    pairs = Dim("pair", tuple(f"{one}-{other}" for one, other in combinations(params["signals"], 2)))
    return (
        Field("lag", "by how much a pair's second signal is looked at later", "s", "float64"),
        Field("correlation", "correlation of a pair's signals there", dtype="same", dims=(pairs,)),
    )


def _spectrum(params: Params) -> tuple[Field, ...]:
    frequency = Field("frequency", "frequency of the bin", "Hz", "float64")
    if params["scaling"] == "amplitude":
        return frequency, Field("amplitude", "amplitude of a sine in the bin", "same", "same")
    return frequency, Field("density", "power spectral density", "same^2 Hz-1", "same")


CONTRACTS = (
    Contract(
        name="long_matrix_profile",
        version=1,
        pattern=Pattern.COLLECTIVE,
        summary="The matrix profile of a long record, searched by many ranks.",
        ports=(Port("signal", "signal", "samples, on a regular grid"),),
        params=(
            Param(
                "window",
                "quantity",
                "length of the subsequences that are compared",
                "duration",
                minimum=0.0,
            ),
        ),
        fields=profile_fields,
        implementation="hpcflow_kernels.mpi.long_profile:long_matrix_profile",
        axis="subsequence",
        length=subsequences,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=160.0,
        held_by_rank="all",
        flops_per_sample=2000.0,
        flops_per_pair=4.0,
        error="the bits of matrix_profile",
        source="Matrix Profile I (Yeh and others) and II (Zhu and others) 2016; XV (Kamgar and others) 2019",
    ),
    Contract(
        name="long_spectrum",
        version=1,
        pattern=Pattern.COLLECTIVE,
        summary="The spectrum of a whole record at its full resolution, transformed by many ranks.",
        ports=(Port("signal", "signal", "samples, on a regular grid, none missing"),),
        params=(
            Param(
                "fit",
                "text",
                "leave out the last samples, or add zeros, up to an even length without a factor above 7",
                default="cut",
                choices=("cut", "pad"),
            ),
            Param("taper", "text", "weights of the samples", default="hann", choices=TAPERS),
            Param(
                "scaling",
                "text",
                "amplitude of sines, or power per hertz",
                default="amplitude",
                choices=("amplitude", "density"),
            ),
        ),
        fields=_spectrum,
        implementation="hpcflow_kernels.mpi.long_spectrum:long_spectrum",
        axis="bin",
        length=_bins,
        bytes_per_sample=40.0,
        held_by_rank="share",
        flops_per_sample=150.0,
        error="2e-6 (float32) or 4e-15 (float64) of the largest bin, against numpy.fft.rfft in float64",
        source="Bailey, FFTs in external or hierarchical memory, J. Supercomputing 4 (1990): the four-step "
        "transform",
    ),
    Contract(
        name="pair_correlations",
        version=1,
        pattern=Pattern.COLLECTIVE,
        summary="Correlations of all pairs of a long record's signals by lag, computed by many ranks.",
        ports=(Port("signals", "signal", "variables of one dataset", several=2),),
        params=(Param("max_lag", "quantity", "largest lag either way", "duration", minimum=0.0),),
        fields=_pairs,
        implementation="hpcflow_kernels.mpi.pair_correlations:pair_correlations",
        axis="lag",
        length=_lags,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=64.0,
        held_by_rank="share",
        flops_per_sample=300.0,
        error="1e-6 for float32 signals, 1e-14 for float64, against scipy.signal.correlate in float64",
        source="Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, section 8.7",
    ),
)
