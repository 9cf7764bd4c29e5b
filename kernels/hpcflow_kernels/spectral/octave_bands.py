"""Frequencies of octave and fractional-octave bands: arithmetic that planning reads too.

Base ten, as IEC 61260-1:2014 asks (section 5): the octave is G = 10**(3/10), bands stand about 1 kHz.
"""

from __future__ import annotations

import math

OCTAVE: float = 10**0.3
"""G, the ratio of an octave in base ten."""

TENS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
"""Nominal frequencies of ten thirds of octaves, which are a decade (ISO 266)."""

SLACK = 1e-6
"""Relative distance at which a frequency still counts as inside."""


def middle(index: int, fraction: int) -> float:
    """Exact mid-band frequency in Hz; index 0 stands at 1 kHz, or half a band above it for even fractions.

    >>> middle(-10, 3), round(middle(0, 2), 3)
    (100.0, 1188.502)
    """
    if fraction % 2:
        return 1000.0 * float(f"{OCTAVE ** (index / fraction):.15g}")
    return float(1000.0 * OCTAVE ** ((2 * index + 1) / (2 * fraction)))


def nominal(index: int, fraction: int) -> float:
    """What a band is called, in Hz: for octaves and thirds by ISO 266, else the middle to four digits.

    >>> [nominal(k, 3) for k in (-15, -10, 0, 2)], [nominal(k, 1) for k in (-5, -4, 0, 3)]
    ([31.5, 100.0, 1000.0, 1600.0], [31.5, 63.0, 1000.0, 8000.0])
    """
    if fraction not in (1, 3):
        return float(f"{middle(index, fraction):.4g}")
    third = index * (3 // fraction)
    return float(f"{TENS[third % 10] * 10.0 ** (third // 10 + 3):.10g}")


def edges(index: int, fraction: int) -> tuple[float, float]:
    """Lower and upper edge in Hz.

    >>> [round(f, 3) for f in edges(0, 1)]
    [707.946, 1412.538]
    """
    half = OCTAVE ** (1 / (2 * fraction))
    return middle(index, fraction) / half, middle(index, fraction) * half


def bands(low: float, high: float, fraction: int) -> range:
    """Indices of the bands whose nominal or exact middle lies from `low` to `high` Hz.

    >>> [nominal(k, 1) for k in bands(31.5, 8000.0, 1)]
    [31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0]
    >>> [nominal(k, 3) for k in bands(100.0, 200.0, 3)]
    [100.0, 125.0, 160.0, 200.0]
    """
    step = math.log10(OCTAVE) / fraction
    first = math.floor((math.log10(low) - 3) / step) - 2
    last = math.ceil((math.log10(high) - 3) / step) + 2

    def inside(k: int) -> bool:
        names = middle(k, fraction), nominal(k, fraction)
        return max(names) >= low * (1 - SLACK) and min(names) <= high * (1 + SLACK)

    found = [k for k in range(first, last + 1) if inside(k)]
    return range(found[0], found[-1] + 1) if found else range(0)
