"""Records compared with all records of a dataset by dynamic time warping: distances, and the nearest one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Records, Rows, UnusableRecordError
from hpcflow_kernels.similarity.dtw import Pairs, belt, radius_of


class Shapes(NamedTuple):
    """References of one length.

    Attributes
    ----------
    place : ndarray of int64, shape (count,)
        Which of the dataset's records they are.
    values, low, high : ndarray of float64, shape (count, points)
        As they are compared, and the belts round them.
    """

    place: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray


def dtw_distances(
    *, signal: Rows, references: Records, band: float = 0.1, normalise: bool = True, points: int | None = None
) -> dict[str, np.ndarray]:
    """Dynamic time warping distance of a record from each of a dataset's records.

    Parameters
    ----------
    signal : Rows
        NaN where samples are missing.
    references : Records
    band : float
        How far matched samples may lie apart, as a share of the longer of both.
    normalise : bool
        Whether both are brought to mean 0 and standard deviation 1.
    points : int, optional
        So many values at equal steps, on straight lines between samples, are compared instead of samples.

    Returns
    -------
    dict
        ``distance`` (float64), shape (references,): the root of the sum of squared differences along the best
        path. NaN where the record or the reference misses a sample.

    Raises
    ------
    UnusableRecordError
        If the record has no samples.
    """
    from hpcflow_kernels.similarity.dtw_loops import all_pairs

    return {"distance": distances_by(all_pairs, signal, references, band, normalise, points)}


def distances_by(
    pairs: Pairs, signal: Rows, references: Records, band: float, normalise: bool, points: int | None
) -> np.ndarray:
    """Distances as `dtw_distances` has them, with those of pairs computed by ``pairs``."""
    shape, out = _shape(signal, normalise, points), np.full(len(references.rows), np.nan)
    if shape is None:
        return out
    n = len(shape)
    for m, group in _groups(references, band, normalise, points).items():
        radius = round(band * max(n, m))
        apart = np.empty((1, len(group.place)))
        pairs(shape[None], group.values, False, radius + max(0, n - m), radius + max(0, m - n), apart)
        out[group.place] = np.sqrt(apart[0])
    return out


def nearest_neighbour(
    *,
    signal: Rows,
    references: Records,
    labels: np.ndarray | None = None,
    band: float = 0.1,
    normalise: bool = True,
    points: int | None = None,
) -> dict[str, np.ndarray]:
    """The record of a dataset that is nearest to a record, the same as by `dtw_distances`, itself left out.

    Parameters
    ----------
    signal, references, band, normalise, points
        As for `dtw_distances`.
    labels : ndarray of float64, shape (references,), optional
        A number for each reference.

    Returns
    -------
    dict
        ``nearest`` (int64, place of the reference, -1 where there is none), its ``distance`` and ``label``
        (float64, NaN where there is none), ``compared`` (references that took part) and ``computed`` (those
        of them that bounds had not excluded, in groups of 64).

    Raises
    ------
    UnusableRecordError
        If no reference has as many samples as the record.

    Notes
    -----
    References are taken in the order of the bounds of Kim and Keogh, as `dtw.dtw_nearest` says.
    """
    from hpcflow_kernels.similarity.dtw_loops import nearest

    shape = _shape(signal, normalise, points)
    out = {
        "nearest": np.array(-1),
        "distance": np.array(np.nan),
        "label": np.array(np.nan),
        "compared": np.array(0),
        "computed": np.array(0),
    }
    if shape is None:
        return out
    groups = _groups(references, band, normalise, points)
    group, n = groups.get(len(shape)), len(shape)
    if group is None:
        raise UnusableRecordError(
            f"bounds need one length, and the record has {n} samples where references have "
            f"{', '.join(map(str, sorted(groups)[:5])) or 'none'}: set `points`, to which all are brought"
        )
    radius = radius_of(round(band * n), n, n)
    low, high = belt(shape[None], radius)
    part, found = group.place != references.own, np.empty(2)
    index = nearest(shape, low[0], high[0], group.values, group.low, group.high, radius, part, found)
    out["compared"], out["computed"] = np.array(part.sum()), np.array(min(found[1], part.sum()), np.int64)
    if index >= 0:
        place = group.place[index]
        out["nearest"], out["distance"] = np.array(place), np.sqrt(found[0])
        out["label"] = np.array(np.nan if labels is None else labels[place])
    return out


def _shape(rows: Rows, normalise: bool, points: int | None) -> np.ndarray | None:
    """A record as it is compared, float64; None where it misses a sample."""
    values = rows.values.astype(np.float64)
    if len(values) == 0:
        raise UnusableRecordError("nothing is as long as a record without samples: leave it out")
    if not np.isfinite(values).all():
        return None
    if points is not None:
        values = np.interp(np.linspace(0, len(values) - 1, points), np.arange(len(values)), values)
    if normalise:
        values = values - values.mean()
        spread = np.sqrt(np.mean(values**2))
        values = values / spread if spread > 0 else values
    return np.ascontiguousarray(values)


def _groups(references: Records, band: float, normalise: bool, points: int | None) -> dict[int, Shapes]:
    """References by length, made once for all records of a stage; those that miss a sample are left out."""
    key = ("shapes", band, normalise, points)
    if key not in references.kept:
        by_length: dict[int, list[tuple[int, np.ndarray]]] = {}
        for place, rows in enumerate(references.rows):
            shape = _shape(rows, normalise, points) if rows is not None and len(rows.values) else None
            if shape is not None:
                by_length.setdefault(len(shape), []).append((place, shape))
        references.kept[key] = {n: _stacked(some, round(band * n)) for n, some in by_length.items()}
    found: dict[int, Shapes] = references.kept[key]
    return found


def _stacked(some: list[tuple[int, np.ndarray]], radius: int) -> Shapes:
    values = np.stack([shape for _, shape in some])
    return Shapes(np.array([place for place, _ in some]), values, *belt(values, radius))
