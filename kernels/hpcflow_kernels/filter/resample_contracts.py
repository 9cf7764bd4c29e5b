"""Contracts of the changes of rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port

MOST = 2048
"""Largest number in a ratio of rates: its filter has 20 times as many taps."""

CLOSE = 1e-6
"""How far, relative to it, the rate may be from the wanted one; results say the rate that they have."""


def ratio(to: float, rate: float) -> tuple[int, int] | None:
    """The rates as whole numbers without a common factor; None where these would be too large.

    Examples
    --------
    >>> ratio(12_000.0, 25_600.0), ratio(44_100.0, 48_000.0), ratio(1.0, 48_000.0)
    ((15, 32), (147, 160), None)
    """
    found = nearest(to, rate)
    if found is None or abs(found[0] * rate / found[1] - to) > CLOSE * to:
        return None
    return found


def nearest(to: float, rate: float) -> tuple[int, int] | None:
    """The ratio of numbers up to `MOST` nearest to that of the rates; None beyond `MOST` to 1."""
    exact = Fraction(to) / Fraction(rate)
    turned = exact > 1
    found = (1 / exact if turned else exact).limit_denominator(MOST)
    if found.numerator == 0:
        return None
    return (found.denominator, found.numerator) if turned else (found.numerator, found.denominator)


def half_length(up: int, down: int) -> int:
    """Taps on either side of the middle one, as SciPy counts them; `up` taps to a sample."""
    return 10 * max(up, down)


def geometry(up: int, down: int) -> Geometry:
    """What a row at ``k * down / up`` needs on either side.

    Examples
    --------
    >>> geometry(1, 4)
    Geometry(hop=4, frame=1, before=40, after=40, up=1)
    >>> geometry(8, 15)
    Geometry(hop=15, frame=1, before=30, after=19, up=8)
    """
    if up == down:
        return Geometry()
    reach = -(-half_length(up, down) // up)
    return Geometry(hop=down, before=-(-reach // down) * down, after=reach, up=up)


def _geometry_resample(params: Params, rate: float) -> Geometry:
    return geometry(*(ratio(params["to"], rate) or (1, 1)))


def _check_resample(params: Params, rate: float | None) -> Sequence[str]:
    to = params["to"]
    if rate is None or not math.isfinite(rate) or ratio(to, rate) is not None:
        return []
    found = nearest(to, rate)
    if found is None:
        remedy = f"go there in two steps, the first one to {math.sqrt(to * rate):.3g} Hz"
    else:
        remedy = f"the nearest is {found[0] * rate / found[1]!r} Hz"
    return [
        f"rates must be to one another as whole numbers up to {MOST} (to {to!r} Hz, sampling rate "
        f"{rate!r} Hz): the filter would grow without bound, {remedy}"
    ]


_PORTS = (Port("signal", "signal", "samples"),)

CONTRACTS = (
    Contract(
        name="decimate",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Lower the rate by a whole factor, after a filter against aliases, without delay.",
        ports=_PORTS,
        params=(Param("factor", "integer", "samples per output", minimum=2, maximum=MOST),),
        fields=lambda params: (Field("decimated", "signal at a lower rate", units="same", dtype="same"),),
        implementation="hpcflow_kernels.filter.resample:decimated",
        array="hpcflow_kernels.arrays.resample:decimated",
        array_error=2e-6,
        axis="sample",
        geometry=lambda params, rate: geometry(1, params["factor"]),
        bytes_per_sample=12.0,
        flops_per_sample=45.0,
        error="20 factor roundings of the largest sample, typically a tenth of it; the same bits for any cut",
        source="scipy.signal.decimate with ftype='fir': 20 factor + 1 taps, Hamming window",
    ),
    Contract(
        name="resample",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Change the rate by a ratio of whole numbers, without delay.",
        ports=_PORTS,
        params=(Param("to", "quantity", "wanted sampling rate", "frequency", minimum=1e-9),),
        fields=lambda params: (Field("resampled", "signal at another rate", units="same", dtype="same"),),
        implementation="hpcflow_kernels.filter.resample:resampled",
        array="hpcflow_kernels.arrays.resample:resampled",
        array_error=1e-5,
        axis="sample",
        geometry=_geometry_resample,
        check=_check_resample,
        bytes_per_sample=24.0,
        flops_per_sample=60.0,
        error="20 roundings of the largest sample, 20 down / up where the rate falls, typically a tenth; the "
        "same bits for any cut",
        source="scipy.signal.resample_poly: 20 max(up, down) + 1 taps, Kaiser window with beta 5",
    ),
)
