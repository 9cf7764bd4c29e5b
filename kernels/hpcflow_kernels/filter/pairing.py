"""Which zeros share a section: one at 1 and one at -1 cost an addition, equal ones three operations."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

HARMLESS = {np.dtype(np.float64): 400_000.0, np.dtype(np.float32): 150.0}
"""By type of the arithmetic: up to how many roundings of the output's peak the sections may add up to. That
keeps errors within 2e-11 and 1e-5 of the peak; bands that begin lower still or are wider stay as they are."""


@lru_cache(maxsize=256)
def paired(sections: bytes, inside: str) -> np.ndarray:
    """The same filter with a zero at 1 and one at -1 in each section, where it has as many of both.

    Band-passes have, and designers put equal zeros together, which rounds less in wide bands.

    Parameters
    ----------
    sections : bytes
        Second-order sections, float64.
    inside : str
        Type of the arithmetic.

    Returns
    -------
    ndarray of float64, shape (sections, 6), not writeable
        The gain in the first section, the slowest poles first: their rounding errors, the largest, are then
        filtered by the rest. The sections as given where there is another zero, or too much rounding.

    Examples
    --------
    >>> sos = np.array([[0.5, 1.0, 0.5, 1, 0, 0.25], [1.0, -2.0, 1.0, 1, 0, 0.5]])
    >>> paired(sos.tobytes(), "f8")
    array([[ 0.5 ,  0.  , -0.5 ,  1.  ,  0.  ,  0.5 ],
           [ 1.  ,  0.  , -1.  ,  1.  ,  0.  ,  0.25]])
    """
    sos = np.frombuffer(sections).reshape(-1, 6)
    gains, zeros = sos[:, :1], sos[:, 1:3]
    at_one, at_minus_one, at_both = ((zeros == gains * of).all(axis=1) for of in ([-2, 1], [2, 1], [0, -1]))
    if not (at_one | at_minus_one | at_both).all() or at_one.sum() != at_minus_one.sum() or not gains.all():
        return sos
    result = sos[np.argsort(-sos[:, 5], kind="stable")]
    result[:, :3] = 1, 0, -1
    result[0, :3] *= gains.prod()
    result.flags.writeable = False
    return result if roundings(result) <= HARMLESS[np.dtype(inside)] else sos


def roundings(sos: np.ndarray) -> float:
    """About how many roundings of the output's peak are in the output.

    Each section rounds its output, and what it adds goes through its poles and the sections behind.

    Examples
    --------
    >>> round(roundings(np.array([[1.0, 0, 0, 1, 0, 0], [1.0, 0, 0, 1, -0.5, 0]])))
    3
    """
    poles = np.concatenate([np.roots(section[3:]) for section in sos])
    low = np.geomspace(1e-5, np.pi / 2, 100)
    back = np.exp(-1j * np.concatenate([np.abs(np.angle(poles)), low, np.pi - low]))[:, np.newaxis]
    recursion = 1 + back * (sos[:, 4] + back * sos[:, 5])
    gain = (sos[:, 0] + back * (sos[:, 1] + back * sos[:, 2])) / recursion
    until = np.cumprod(gain, axis=1)
    behind = np.ones_like(gain)
    for k in range(len(sos) - 1, 0, -1):
        behind[:, k - 1] = behind[:, k] * gain[:, k]
    heard = np.abs(until).max(axis=0) * np.abs(behind / recursion).max(axis=0)
    return float(heard.sum() / np.abs(until[:, -1]).max())
