"""Compiled loops between the transforms of a spectrum over ranks."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled

FINE = 64
"""Angles of a turn are products of so many small ones with few large ones."""


@compiled
def tapered(
    x: np.ndarray, mean: float, weights: np.ndarray, angles: np.ndarray, along: np.ndarray, out: np.ndarray
) -> None:
    """Samples of some rows less the mean, times the taper: a sum of cosines of the sample's number.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (rows, columns)
    mean : float
    weights : ndarray of float64, shape (terms,)
        Of the cosines, their signs included.
    angles : ndarray of float64, shape (terms, rows, 2)
        Cosine and sine of each row's first sample.
    along : ndarray of float64, shape (terms, 2, columns)
        Cosine and sine of the angle from there to each column.
    out : ndarray, shape (rows, columns)
    """
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            weight = 0.0
            for k in range(len(weights)):
                cosine = angles[k, i, 0] * along[k, 0, j] - angles[k, i, 1] * along[k, 1, j]
                weight += weights[k] * cosine
            out[i, j] = (x[i, j] - mean) * weight


@compiled
def turned(z: np.ndarray, coarse: np.ndarray, fine: np.ndarray, out: np.ndarray) -> None:
    """Each bin of some columns' transforms turned by its angle, bins as rows.

    Parameters
    ----------
    z : ndarray of complex, shape (columns, bins)
    coarse : ndarray of complex128, shape (columns, ceil(bins / FINE))
        Turn of bins 0, `FINE`, ...
    fine : ndarray of complex128, shape (columns, FINE)
        Turn from there to bin 0, 1, ...
    out : ndarray of complex, shape (bins, columns)
    """
    for k in range(z.shape[1]):
        for c in range(z.shape[0]):
            out[k, c] = z[c, k] * (coarse[c, k // FINE] * fine[c, k % FINE])


@compiled
def placed(direct: np.ndarray, mirrored: np.ndarray, first: int, out: np.ndarray) -> None:
    """Put magnitudes of transforms along rows in order of frequency.

    The bin of row k1 and column k2 of ``direct`` is bin ``k1 + n1 k2``. Of a real signal, bins -k have the
    magnitudes of bins k: those between two runs of rows are the mirrored ones.

    Parameters
    ----------
    direct : ndarray, shape (rows, columns)
        Row numbers from `first` on.
    mirrored : ndarray, shape (rows, columns)
        Of the columns that mirror these, in falling order.
    first : int
    out : ndarray, shape (columns, n1)
    """
    n1 = out.shape[1]
    for j in range(direct.shape[1]):
        for i in range(direct.shape[0]):
            k = first + i
            out[j, k] = direct[i, j]
            if 0 < 2 * k < n1:
                out[j, n1 - k] = mirrored[i, mirrored.shape[1] - 1 - j]
