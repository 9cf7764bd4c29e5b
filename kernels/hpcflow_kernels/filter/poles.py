"""Poles and zeros of the recursive filters, and how long they remember; plain arithmetic for planning.

SciPy designs the filters that run (`hpcflow_kernels.filter.design`). Planning must know how far they reach
without SciPy, so the same designs stand here as poles; a test compares the two.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from hpcflow_kernels.filter.elliptic_poles import elliptic_prototype

DESIGNS = ("butterworth", "chebyshev1", "chebyshev2", "elliptic", "bessel")

TRUNCATION = 1e-9
"""Largest error, relative to the largest input sample, that a tile's halo may leave."""

GRAIN = 64
"""Halos are rounded up to this many samples, so that the last bit of a logarithm never shows in a plan."""


class Zpk(NamedTuple):
    """A filter ``gain * prod(z - zeros) / prod(z - poles)``, with as many zeros as poles."""

    zeros: tuple[complex, ...]
    poles: tuple[complex, ...]
    gain: float


class Design(NamedTuple):
    """What is asked of a filter, hashable."""

    kind: str
    """`lowpass`, `highpass` or `bandpass`."""
    edges: tuple[float, ...]
    """One edge, or two for a band, Hz."""
    rate: float
    order: int = 4
    """Of the low-pass prototype; a band-pass has twice as many poles."""
    design: str = "butterworth"
    ripple: float = 0.5
    """Of `chebyshev1` and `elliptic` in their pass band, dB, a pass."""
    attenuation: float = 40.0
    """Of `chebyshev2` and `elliptic` in their stop band, dB, a pass."""


@lru_cache(maxsize=256)
def digital(asked: Design) -> Zpk:
    """Zeros, poles and gain of the digital filter that SciPy designs.

    Analogue prototype, change of band and bilinear transform with prewarped edges: Oppenheim and Schafer,
    Discrete-Time Signal Processing, section 7.1.

    Examples
    --------
    >>> found = digital(Design("bandpass", (2000.0, 4000.0), 12000.0))
    >>> len(found.poles), all(abs(pole) < 1 for pole in found.poles)
    (8, True)
    """
    zeros, poles, gain = _prototype(asked)
    lacking = len(poles) - len(zeros)
    warped = [math.tan(math.pi * edge / asked.rate) for edge in asked.edges]
    if asked.kind == "lowpass":
        (edge,) = warped
        gain *= edge**lacking
        zeros, poles = [edge * z for z in zeros], [edge * p for p in poles]
    elif asked.kind == "highpass":
        (edge,) = warped
        gain *= (_product(-z for z in zeros) / _product(-p for p in poles)).real
        zeros, poles = [edge / z for z in zeros] + [0j] * lacking, [edge / p for p in poles]
    else:
        low, high = warped
        gain *= (high - low) ** lacking
        zeros = _around(zeros, low * high, high - low) + [0j] * lacking
        poles = _around(poles, low * high, high - low)
    gain *= (_product(1 - z for z in zeros) / _product(1 - p for p in poles)).real
    missing = [-1 + 0j] * (len(poles) - len(zeros))
    return Zpk(
        tuple((1 + z) / (1 - z) for z in zeros) + tuple(missing),
        tuple((1 + p) / (1 - p) for p in poles),
        gain,
    )


def _product(factors: Iterable[complex]) -> complex:
    result = 1 + 0j
    for factor in factors:
        result *= factor
    return result


def _around(roots: Sequence[complex], centre: float, width: float) -> list[complex]:
    """Roots of a low-pass moved to a band: each becomes two."""
    moved = []
    for root in roots:
        half = root * width / 2
        away = cmath.sqrt(half * half - centre)
        moved += [half + away, half - away]
    return moved


def _prototype(asked: Design) -> tuple[list[complex], list[complex], float]:
    """Low-pass with its edge at 1 rad/s: zeros, poles, gain."""
    n = asked.order
    angles = [math.pi * m / (2 * n) for m in range(-n + 1, n, 2)]
    circle = [-cmath.exp(1j * angle) for angle in angles]
    if asked.design == "butterworth":
        return [], circle, 1.0
    if asked.design == "elliptic":
        return elliptic_prototype(n, asked.ripple, asked.attenuation)
    if asked.design == "bessel":
        poles = _bessel(n)
        return [], poles, _product(-p for p in poles).real
    if asked.design == "chebyshev1":
        ripple = math.sqrt(10 ** (asked.ripple / 10) - 1)
        bend = math.asinh(1 / ripple) / n
        poles = [-cmath.sinh(bend + 1j * angle) for angle in angles]
        gain = _product(-p for p in poles).real
        return [], poles, gain / math.sqrt(1 + ripple * ripple) if n % 2 == 0 else gain
    bend = math.asinh(math.sqrt(10 ** (asked.attenuation / 10) - 1)) / n
    poles = [1 / complex(math.sinh(bend) * p.real, math.cosh(bend) * p.imag) for p in circle]
    zeros = [1j / math.sin(angle) for angle in angles if angle]
    return zeros, poles, (_product(-p for p in poles) / _product(-z for z in zeros)).real


@lru_cache(maxsize=16)
def _bessel_at_rest(n: int) -> tuple[complex, ...]:
    """Roots of the reverse Bessel polynomial, all at once by Aberth's method."""
    coefficients = [
        math.factorial(2 * n - k) / (2 ** (n - k) * math.factorial(k) * math.factorial(n - k))
        for k in range(n + 1)
    ]

    def value(s: complex) -> tuple[complex, complex]:
        total, slope = 0j, 0j
        for c in reversed(coefficients):
            total, slope = total * s + c, slope * s + total
        return total, slope

    size = coefficients[0] ** (1 / n)
    roots = [size * cmath.exp(1j * (math.pi / 2 + math.pi * (k + 0.55) / n)) for k in range(n)]
    for _ in range(100):
        for i, root in enumerate(roots):
            total, slope = value(root)
            pull = sum(1 / (root - other) for j, other in enumerate(roots) if j != i)
            roots[i] = root - total / (slope - total * pull)
    return tuple(roots)


def _bessel(n: int) -> list[complex]:
    """Poles of the filter with the flattest delay, scaled so that half the power passes at 1 rad/s."""
    poles = _bessel_at_rest(n)

    def power(w: float) -> float:
        return math.prod(abs(p) ** 2 / abs(1j * w - p) ** 2 for p in poles)

    low, high = 0.0, 2.0 * n
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle) > 0.5 else (low, middle)
    return [p / high for p in poles]


def halo(first: Zpk, second: Zpk | None = None, truncation: float = TRUNCATION) -> int:
    """Samples after which a filter has forgotten where it began.

    The impulse response is ``sum_i R_i p_i**k`` over the poles, so its tail beyond n samples is below
    ``T(n) = sum_i |R_i| |p_i|**n / (1 - |p_i|)``. Whatever stands before a tile's region in place of the
    truth is at most four times the largest sample away from it, in each pass, and the other pass amplifies
    that by at most 1 + T(0). The halo is the smallest n with ``4 T(n) <= truncation`` for one pass, and
    ``4 (1 + T(0)) T(n) <= truncation``, T(0) of the other one, for both of two.

    Parameters
    ----------
    first : Zpk
        The pass forwards.
    second : Zpk, optional
        The pass backwards, if there is one.
    truncation : float
        Largest error, relative to the largest input sample.

    Examples
    --------
    >>> found = digital(Design("bandpass", (2000.0, 4000.0), 12000.0))
    >>> halo(found, found) % GRAIN
    0
    """
    if second is None:
        return _shortest(_tail(first), truncation / 4)
    one, other = _tail(first), _tail(second)
    return max(
        _shortest(one, truncation / (4 * (1 + other(0)))), _shortest(other, truncation / (4 * (1 + one(0))))
    )


def _shortest(tail: Callable[[int], float], goal: float) -> int:
    below, above = 0, 1
    while tail(above) > goal:
        below, above = above, above * 2
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if tail(middle) > goal else (below, middle)
    return -(-above // GRAIN) * GRAIN


def _tail(filter_: Zpk) -> Callable[[int], float]:
    poles = _apart(filter_.poles)
    terms = []
    for i, pole in enumerate(poles):
        residue = filter_.gain * _product(pole - z for z in filter_.zeros)
        residue /= _product(pole - other for j, other in enumerate(poles) if j != i)
        terms.append((abs(residue) / (1 - abs(pole)), math.log(abs(pole)) if abs(pole) else -math.inf))

    def tail(n: int) -> float:
        return math.fsum(size * math.exp(n * slope) if n else size for size, slope in terms)

    return tail


def _apart(poles: Sequence[complex]) -> list[complex]:
    """The poles, and of two at one place the second moved 5 % of the way to the unit circle.

    Two equal poles have no residues. The moved one decays more slowly, so the tail is not underestimated.
    """
    found: list[complex] = []
    for pole in poles:
        while any(abs(pole - other) < 1e-3 * (1 - abs(pole)) for other in found):
            size = abs(pole)
            pole = pole / size * (size + 0.05 * (1 - size)) if size else 0.05 + 0j
        found.append(pole)
    return found


def padding(poles: int) -> int:
    """Samples by which SciPy's sosfiltfilt extends a stretch at its ends; the stretch must be longer.

    Examples
    --------
    >>> padding(8)
    27
    """
    return 3 * (poles + 1)
