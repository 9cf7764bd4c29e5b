"""The steps for gears: averages, indicators and sidebands of a record."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.machine import gears


def average_of_record(
    *,
    signal: Rows,
    tacho: Rows | None = None,
    speed: float | None = None,
    points: int,
    ratio: float,
    pulses: int,
    high: float | None,
    low: float | None,
) -> dict[str, np.ndarray | float]:
    """Synchronous average of a record, by the pulses of a tachometer or by a constant speed.

    Parameters
    ----------
    signal : Rows
        Samples; NaN where missing.
    tacho : Rows, optional
        Of the same times; `high` and `low` are its thresholds.
    speed : float, optional
        Turns per second, where there is no tachometer.
    points : int
        Points of a turn.
    ratio : float
        Turns of the averaged shaft for one of the shaft that is timed.
    pulses : int
        Pulses of a turn.
    high, low : float, optional
        Thresholds of the pulses; by default where three and two quarters of the tachometer's range are.

    Returns
    -------
    dict
        ``average``, shape (points,); ``turns``; ``speed``, Hz, of the averaged shaft.

    Raises
    ------
    UnusableRecordError
        With neither tachometer nor speed, or less than a turn.
    """
    from hpcflow_kernels.detection.events import threshold_crossings
    from hpcflow_kernels.detection.events_records import checked_rate

    x, rate = signal.values, checked_rate(signal.rate)
    if tacho is not None:
        bottom, top = np.nanmin(tacho.values), np.nanmax(tacho.values)
        up = bottom + 0.75 * (top - bottom) if high is None else high
        down = min(up, bottom + 0.5 * (top - bottom)) if low is None else low
        found = threshold_crossings(tacho.values, float(up), float(down))
        phase = ratio * gears.phase_of_pulses(found.place[found.upward], len(x), pulses)
    elif speed is not None and np.isfinite(speed) and speed > 0:
        phase = np.arange(len(x), dtype=np.float64) * (speed * ratio / rate)
    else:
        raise UnusableRecordError("an average over turns needs a tachometer or a speed: connect one")
    out = gears.synchronous_average(x, phase, points)
    if out.turns == 0:
        raise UnusableRecordError("the record holds no whole turn without a gap")
    known = np.flatnonzero(np.isfinite(phase))
    turned = phase[known[-1]] - phase[known[0]]
    return {
        "average": out.mean,
        "turns": float(out.turns),
        "speed": float(turned / (known[-1] - known[0]) * rate),
    }


def indicators_of_average(*, average: Rows, teeth: int, harmonics: int) -> dict[str, float]:
    """`hpcflow_kernels.machine.gears.gear_indicators` of a record's synchronous average."""
    return gears.gear_indicators(np.asarray(average.values).reshape(-1), teeth, harmonics)


def sidebands_of_record(
    *,
    signal: Rows,
    speed: float | None,
    teeth: int,
    ratio: float,
    harmonics: int,
    sidebands: int,
    tolerance: float,
) -> dict[str, np.ndarray]:
    """Sidebands of a record at a constant speed.

    Parameters
    ----------
    signal : Rows
        Samples; the longest stretch without a missing one (NaN) is used.
    speed : float
        Turns per second of the shaft that is timed.
    teeth, ratio : int, float
        Teeth of the gear, and turns of its shaft for one of the timed shaft.
    harmonics, sidebands, tolerance
        See `hpcflow_kernels.machine.gears.mesh_sidebands`.

    Returns
    -------
    dict
        ``amplitude``, shape (harmonics, 2 sidebands + 1); ``energy_ratio``, shape (harmonics,).

    Raises
    ------
    UnusableRecordError
        Without a speed, or with fewer than 8 turns.
    """
    from hpcflow_kernels.detection.events_records import checked_rate
    from hpcflow_kernels.machine.bearing import longest_stretch

    rate = checked_rate(signal.rate)
    if speed is None or not np.isfinite(speed) or speed <= 0:
        raise UnusableRecordError("sidebands stand at multiples of a shaft's speed: give the speed")
    x, shaft = longest_stretch(signal.values), speed * ratio
    if len(x) / rate * shaft < 8:
        raise UnusableRecordError("sidebands a turn apart are told from the mesh in 8 turns or more")
    found = gears.mesh_sidebands(x, rate, teeth * shaft, shaft, harmonics, sidebands, tolerance)
    return {"amplitude": found, "energy_ratio": gears.sideband_energy_ratio(found)}
