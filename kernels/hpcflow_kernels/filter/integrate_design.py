"""The two passes that integrate in time without drift, as poles and zeros; plain arithmetic for planning.

A high-pass of order n has n zeros at z = 1. The trapezoidal rule is ``T/2 (1 + 1/z) / (1 - 1/z)``: its pole
there takes one of the zeros away, so high-pass and rule together are a stable filter that needs no sum over
a record. The rule's phase is that of an integral exactly; its gain is put right afterwards.
"""

from __future__ import annotations

from functools import lru_cache

from hpcflow_kernels.filter.poles import Design, Zpk, digital

GAIN = (1.0, 1 / 12, 11 / 720, 191 / 60480, 2497 / 3628800)
"""What the trapezoidal rule lacks: ``tan(w / 2) / (w / 2)`` in powers of ``2 - 2 cos(w)``."""


@lru_cache(maxsize=64)
def integrating_passes(low: float, rate: float, order: int, times: int) -> tuple[Zpk, Zpk]:
    """Filters of the pass forwards and of the pass backwards.

    Parameters
    ----------
    low, rate : float
        Edge of the high-pass, and samples per second, Hz.
    order : int
        Of the high-pass, a pass.
    times : int
        1 for the integral, 2 for the integral of the integral, which both passes then make.
    """
    found = digital(Design("highpass", (low,), rate, order))
    once = _integrating(found, rate)
    if times == 1:
        return once, found
    return once, once._replace(gain=-once.gain)


def _integrating(highpass: Zpk, rate: float) -> Zpk:
    zeros = list(highpass.zeros)
    zeros[min(range(len(zeros)), key=lambda i: abs(zeros[i] - 1))] = -1 + 0j
    return Zpk(tuple(zeros), highpass.poles, highpass.gain / (2 * rate))


def gain_taps(times: int) -> tuple[float, ...]:
    """Symmetric taps, middle one first, that put the gain of the rule right.

    Examples
    --------
    >>> round(sum(gain_taps(1)[1:]) * 2 + gain_taps(1)[0], 12)
    1.0
    """
    taps, power = [0.0] * 9, [0.0] * 4 + [1.0] + [0.0] * 4
    for share in GAIN:
        taps = [tap + share * value for tap, value in zip(taps, power, strict=True)]
        padded = [0.0, *power, 0.0]
        power = [2 * padded[i + 1] - padded[i] - padded[i + 2] for i in range(9)]
    if times == 1:
        return tuple(taps[4:])
    twice = [sum(taps[i] * taps[k - i] for i in range(9) if 0 <= k - i < 9) for k in range(17)]
    return tuple(twice[8:])
