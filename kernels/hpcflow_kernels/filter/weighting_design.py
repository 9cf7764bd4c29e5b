"""Frequency weightings of sound and of human vibration as digital filters; plain arithmetic for planning.

The standards define them by poles and zeros in s. A bilinear transform would bend their upper end, up to
many decibels near half the sampling rate. Here each second-order section keeps its poles exactly,
``z = exp(s / rate)``, and gets the three numerator coefficients with which its gain is the analogue one at
0 Hz, at its natural frequency (a quarter of the rate at most) and at half the rate: Vicanek, Matched second
order digital filters (2016), https://www.vicanek.de/articles/BiquadFits.pdf.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from hpcflow_kernels.filter.poles import Zpk

Section = tuple[float, float, float, float, float, float]


class Analogue(NamedTuple):
    """``(n2 s^2 + n1 s + n0) / (d2 s^2 + d1 s + d0)``."""

    n2: float
    n1: float
    n0: float
    d2: float
    d1: float
    d0: float

    def gain(self, frequency: float) -> float:
        """Magnitude at a frequency, Hz."""
        s = 2j * math.pi * frequency
        return abs((self.n2 * s * s + self.n1 * s + self.n0) / (self.d2 * s * s + self.d1 * s + self.d0))


class Vibration(NamedTuple):
    """Parameters of a weighting in ISO 8041-1:2017, table 3; frequencies in Hz, infinite where not used."""

    f1: float
    f2: float
    f3: float = math.inf
    f4: float = math.inf
    q4: float = 1.0
    f5: float = math.inf
    q5: float = 1.0
    f6: float = math.inf
    q6: float = 1.0
    gain: float = 1.0


LOW, HIGH = 0.4, 100.0
"""Band limits of most weightings of the whole body."""

VIBRATION: Mapping[str, Vibration] = {
    "Wb": Vibration(LOW, HIGH, 16.0, 16.0, 0.55, 2.5, 0.9, 4.0, 0.95, 1.024),
    "Wc": Vibration(LOW, HIGH, 8.0, 8.0, 0.63),
    "Wd": Vibration(LOW, HIGH, 2.0, 2.0, 0.63),
    "We": Vibration(LOW, HIGH, 1.0, 1.0, 0.63),
    "Wf": Vibration(0.08, 0.63, math.inf, 0.25, 0.86, 0.0625, 0.8, 0.1, 0.8),
    "Wh": Vibration(10**0.8, 10**3.1, 100 / (2 * math.pi), 100 / (2 * math.pi), 0.64),
    "Wj": Vibration(LOW, HIGH, f5=3.75, q5=0.91, f6=5.32, q6=0.91),
    "Wk": Vibration(LOW, HIGH, 12.5, 12.5, 0.63, 2.37, 0.91, 3.35, 0.91),
    "Wm": Vibration(10**-0.1, HIGH, 1 / (0.028 * 2 * math.pi), 1 / (0.028 * 2 * math.pi), 0.5),
}

SOUND_POLES = (20.598997, 107.65265, 737.86223, 12194.217)
"""Hz; IEC 61672-1:2013, annex E. A has the outer two twice and the inner two once, C the outer two."""

WEIGHTINGS = ("A", "C", *VIBRATION)


def analogue(name: str) -> tuple[Analogue, ...]:
    """The standard's transfer function in second-order sections; their product is the weighting."""
    if name in ("A", "C"):
        return _sound(name)
    w, half = VIBRATION[name], math.sqrt(0.5)
    rad1, rad2 = 2 * math.pi * w.f1, 2 * math.pi * w.f2
    sections = [
        Analogue(1, 0, 0, 1, rad1 / half, rad1 * rad1),
        Analogue(0, 0, 1, 1 / rad2**2, 1 / (half * rad2), 1),
    ]
    if math.isfinite(w.f4):
        rad3, rad4 = 2 * math.pi * w.f3, 2 * math.pi * w.f4
        sections.append(Analogue(0, w.gain / rad3, w.gain, 1 / rad4**2, 1 / (w.q4 * rad4), 1))
    if math.isfinite(w.f6):
        rad5, rad6 = 2 * math.pi * w.f5, 2 * math.pi * w.f6
        scale = (rad5 / rad6) ** 2
        upper = 1 / rad6**2, rad5 / (w.q5 * rad6**2), scale
        sections.append(Analogue(*upper, 1 / rad6**2, 1 / (w.q6 * rad6), 1))
    return tuple(sections)


def _sound(name: str) -> tuple[Analogue, ...]:
    p1, p2, p3, p4 = (2 * math.pi * f for f in SOUND_POLES)
    sections = [Analogue(1, 0, 0, 1, 2 * p1, p1 * p1), Analogue(0, 0, 1, 1 / p4**2, 2 / p4, 1)]
    if name == "A":
        sections.append(Analogue(1, 0, 0, 1, p2 + p3, p2 * p3))
    at_reference = math.prod(section.gain(1000.0) for section in sections)
    first = sections[0]
    return (first._replace(n2=first.n2 / at_reference), *sections[1:])


def _roots(a: float, b: float, c: float) -> tuple[complex, complex]:
    away = cmath.sqrt(b * b - 4 * a * c)
    return (-b + away) / (2 * a), (-b - away) / (2 * a)


def matched(section: Analogue, rate: float) -> Section:
    """One section of the digital filter.

    Parameters
    ----------
    section : Analogue
        Stable, of second order.
    rate : float
        Samples per second.

    Returns
    -------
    tuple of float
        ``b0, b1, b2, 1, a1, a2``.
    """
    first, second = (cmath.exp(s / rate) for s in _roots(section.d2, section.d1, section.d0))
    a1, a2 = -(first + second).real, (first * second).real
    natural = math.sqrt(section.d0 / section.d2) / (2 * math.pi)
    between = min(natural, rate / 4)
    middle = math.sin(math.pi * between / rate) ** 2
    shares = 1 - middle, middle, 4 * middle * (1 - middle)
    lower = (1 + a1 + a2) ** 2, (1 - a1 + a2) ** 2, -4 * a2
    wanted = section.gain(between) ** 2 * sum(a * share for a, share in zip(lower, shares, strict=True))
    if section.n1 == section.n0 == 0:
        scale = math.sqrt(wanted) / (4 * middle)
        return scale, -2 * scale, scale, 1.0, a1, a2
    at_zero, at_half = section.gain(0.0) ** 2 * lower[0], section.gain(rate / 2) ** 2 * lower[1]
    rest = (wanted - at_zero * shares[0] - at_half * shares[1]) / shares[2]
    mean = (math.sqrt(at_zero) + math.sqrt(at_half)) / 2
    b0 = (mean + math.sqrt(mean * mean + rest)) / 2
    return b0, (math.sqrt(at_zero) - math.sqrt(at_half)) / 2, -rest / (4 * b0), 1.0, a1, a2


@lru_cache(maxsize=64)
def weighting_sections(name: str, rate: float) -> tuple[Section, ...]:
    """Second-order sections of a weighting at a sampling rate."""
    return tuple(matched(section, rate) for section in analogue(name))


def zeros_and_poles(sections: tuple[Section, ...]) -> Zpk:
    """Zeros, poles and gain of second-order sections."""
    zeros: list[complex] = []
    found: list[complex] = []
    gain = 1.0
    for b0, b1, b2, _, a1, a2 in sections:
        gain *= b0
        zeros += _roots(1.0, b1 / b0, b2 / b0)
        found += _roots(1.0, a1, a2)
    return Zpk(tuple(zeros), tuple(found), gain)
