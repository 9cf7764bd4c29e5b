"""Contracts of the filters: what planning must know, in plain arithmetic, without scipy."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from functools import lru_cache

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port

TRUNCATION = 1e-9
"""Largest error, relative to the largest input sample, that a tile's halo may leave."""

GRAIN = 64
"""Halos are rounded up to this many samples, so that the last bit of a logarithm never shows in a plan."""


def bandpass_poles(low: float, high: float, rate: float, order: int) -> tuple[complex, ...]:
    """Poles of the digital Butterworth band-pass that `scipy.signal.butter` designs.

    Analogue prototype, band transformation and bilinear transform with prewarped edges (Oppenheim and
    Schafer, Discrete-Time Signal Processing, section 7.1).

    Parameters
    ----------
    low, high, rate : float
        Band edges and sampling rate, Hz.
    order : int
        Order of the low-pass prototype; the band-pass has twice as many poles.

    Examples
    --------
    >>> poles = bandpass_poles(2000.0, 4000.0, 12000.0, 4)
    >>> len(poles), all(abs(pole) < 1 for pole in poles)
    (8, True)
    """
    warp_low, warp_high = math.tan(math.pi * low / rate), math.tan(math.pi * high / rate)
    centre, width = math.sqrt(warp_low * warp_high), warp_high - warp_low
    poles = []
    for k in range(order):
        prototype = cmath.exp(1j * math.pi * (2 * k + order + 1) / (2 * order))
        half = prototype * width / 2
        root = cmath.sqrt(half * half - centre * centre)
        poles += [(1 + s) / (1 - s) for s in (half + root, half - root)]
    return tuple(poles)


@lru_cache(maxsize=256)
def bandpass_halo(low: float, high: float, rate: float, order: int, truncation: float = TRUNCATION) -> int:
    """Samples on either side after which a zero-phase band-pass has forgotten where it began.

    The impulse response is ``sum_i R_i p_i**k`` over the poles, with residues from the zeros at +1 and -1,
    so its tail beyond n samples is below ``T(n) = sum_i |R_i| |p_i|**n / (1 - |p_i|)``. Whatever stands
    before a tile's region in place of the truth is at most four times the largest sample away from it, in
    each of the two passes, and the second pass amplifies the first one's remainder by at most T(0). The
    halo is the smallest n with ``4 (1 + T(0)) T(n) <= truncation``.

    Examples
    --------
    >>> bandpass_halo(2000.0, 4000.0, 12000.0, 4) % GRAIN
    0
    """
    poles = bandpass_poles(low, high, rate, order)
    centre = 2 * math.atan(
        math.sqrt(math.tan(math.pi * low / rate) * math.tan(math.pi * high / rate))
    )  # where a Butterworth band-pass has gain one
    at = cmath.exp(1j * centre)
    shape = (at - 1) ** order * (at + 1) ** order
    for pole in poles:
        shape /= at - pole
    gain = 1 / abs(shape)
    terms = []
    for i, pole in enumerate(poles):
        residue = gain * (pole - 1) ** order * (pole + 1) ** order
        for j, other in enumerate(poles):
            if j != i:
                residue /= pole - other
        terms.append((abs(residue) / (1 - abs(pole)), math.log(abs(pole)) if abs(pole) else -math.inf))

    def tail(n: int) -> float:
        return math.fsum(size * math.exp(n * slope) for size, slope in terms)

    goal = truncation / (4 * (1 + tail(0)))
    below, above = 0, 1
    while tail(above) > goal:
        below, above = above, above * 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if tail(middle) > goal else (below, middle)
    return -(-above // GRAIN) * GRAIN


def padding(order: int) -> int:
    """Samples by which SciPy's sosfiltfilt extends a stretch at its ends; the stretch must be longer.

    Examples
    --------
    >>> padding(4)
    27
    """
    return 3 * (2 * order + 1)


def _check_bandpass(params: Params, rate: float | None) -> Sequence[str]:
    low, high = params["low"], params["high"]
    problems = []
    if low >= high:
        problems.append(
            f"the band's lower edge must lie below its upper edge (low {low:g} Hz, high {high:g} Hz): "
            "exchange them"
        )
    if rate is not None and math.isfinite(rate) and high >= rate / 2:
        problems.append(
            f"the band must end below half the sampling rate (high {high:g} Hz, sampling rate {rate:g} Hz, "
            f"half of it {rate / 2:g} Hz): nothing above was recorded, lower `high` to {0.45 * rate:g} Hz"
        )
    return problems


def _geometry_bandpass(params: Params, rate: float) -> Geometry:
    halo = bandpass_halo(params["low"], params["high"], rate, params["order"])
    return Geometry(before=halo, after=halo)


CONTRACTS = (
    Contract(
        name="bandpass",
        version=2,
        pattern=Pattern.MAP,
        summary="Keep one frequency band, without shifting anything in time.",
        ports=(Port("signal", "signal", "samples to filter"),),
        params=(
            Param("low", "quantity", "lower edge, half power per pass", "frequency", minimum=1e-6),
            Param("high", "quantity", "upper edge, half power per pass", "frequency", minimum=1e-6),
            Param("order", "integer", "order of the Butterworth prototype", default=4, minimum=1, maximum=12),
        ),
        fields=lambda params: (Field("filtered", "band-passed signal", units="same", dtype="same"),),
        implementation="hpcflow_kernels.filter:bandpass",
        axis="sample",
        geometry=_geometry_bandpass,
        min_samples=lambda params, rate: padding(params["order"]) + 1,
        check=_check_bandpass,
        bytes_per_sample=24.0,
        flops_per_sample=160.0,
        error="1e-9 of the largest sample against scipy.signal.sosfiltfilt on the whole record, before "
        "rounding to the signal's own type",
        source="Butterworth design as scipy.signal.butter; zero phase by two passes, odd extension",
    ),
)
