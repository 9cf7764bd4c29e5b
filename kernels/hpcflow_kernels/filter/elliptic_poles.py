"""Zeros and poles of the elliptic low-pass; plain arithmetic for planning."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable


def elliptic_prototype(
    order: int, ripple: float, attenuation: float
) -> tuple[list[complex], list[complex], float]:
    """Low-pass with its pass band's edge at 1 rad/s: zeros, poles, gain.

    Parameters
    ----------
    order : int
        At least 1.
    ripple, attenuation : float
        In the pass band and in the stop band, dB.

    Notes
    -----
    Orfanidis, Lecture notes on elliptic filter design (2006): elliptic functions by Landen's transformation,
    the modulus by the nome.

    Examples
    --------
    >>> zeros, poles, gain = elliptic_prototype(3, 1.0, 40.0)
    >>> len(zeros), len(poles), max(p.real for p in poles) < 0
    (2, 3, True)
    """
    wave = math.sqrt(10 ** (ripple / 10) - 1)
    if order == 1:
        return [], [complex(-1 / wave)], 1 / wave
    small = wave / math.sqrt(10 ** (attenuation / 10) - 1)
    modulus = _modulus(_nome(small) ** (1 / order))
    places = [(2 * i - 1) / order for i in range(1, order // 2 + 1)]
    shift = -1j * _inverse_sine(1j / wave, small) / order
    zeros: list[complex] = []
    poles: list[complex] = []
    for u in places:
        zero = 1j / (modulus * _elliptic(cmath.cos, complex(u), modulus))
        pole = 1j * _elliptic(cmath.cos, u - 1j * shift, modulus)
        zeros += [zero, zero.conjugate()]
        poles += [pole, pole.conjugate()]
    if order % 2:
        poles.append(complex((1j * _elliptic(cmath.sin, 1j * shift, modulus)).real))
    gain = 1.0 if order % 2 else 1 / math.sqrt(1 + wave * wave)
    for root in poles:
        gain *= abs(root)
    for root in zeros:
        gain /= abs(root)
    return zeros, poles, gain


def _mean(a: float, b: float) -> float:
    """Arithmetic-geometric mean."""
    for _ in range(30):
        a, b = (a + b) / 2, math.sqrt(a * b)
    return a


def _nome(modulus: float) -> float:
    other = math.sqrt((1 - modulus) * (1 + modulus))
    return math.exp(-math.pi * _mean(1.0, other) / _mean(1.0, modulus))


def _modulus(nome: float) -> float:
    upper = sum(nome ** (m * (m + 1)) for m in range(12))
    lower = 1 + 2 * sum(nome ** (m * m) for m in range(1, 12))
    return 4 * math.sqrt(nome) * (upper / lower) ** 2


def _landen(modulus: float) -> list[float]:
    """Moduli of the descending transformation, until nothing is left of them."""
    found = []
    while modulus > 1e-18:
        other = math.sqrt((1 - modulus) * (1 + modulus))
        modulus = (modulus / (1 + other)) ** 2
        found.append(modulus)
    return found


def _elliptic(circular: Callable[[complex], complex], u: complex, modulus: float) -> complex:
    """Elliptic cd for the cosine, sn for the sine; `u` in quarter periods."""
    w = circular(u * math.pi / 2)
    for v in reversed(_landen(modulus)):
        w = (1 + v) * w / (1 + v * w * w)
    return w


def _inverse_sine(w: complex, modulus: float) -> complex:
    """What sn is `w` of, in quarter periods."""
    before = modulus
    for v in _landen(modulus):
        w = w / (1 + cmath.sqrt(1 - w * w * before * before)) * 2 / (1 + v)
        before = v
    return 2 * cmath.asin(w) / math.pi
