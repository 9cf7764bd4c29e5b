"""Contracts of the sport kernels: cleaned channels, mean-maximal power, session summary, totals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

DURATIONS: tuple[float, ...] = (
    *(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50),
    *(60, 75, 90, 105, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600, 720, 900, 1080),
    *(1200, 1500, 1800, 2100, 2400, 2700, 3000, 3600, 4500, 5400, 6300, 7200),
    *(9000, 10800, 12600, 14400, 16200, 18000),
)
"""Seconds, about twelve to the factor of ten, whole minutes and hours among them."""

GAPS = ("recorded", "interpolated", "missing", "paused")
"""Meanings of `gap`, the state of each second."""


def _length(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    """Seconds of the grid: one per second from the first to the last sample."""
    elapsed = facts.get("elapsed")
    return 0 if elapsed is None or not math.isfinite(elapsed) else math.floor(elapsed + 0.5) + 1


def _clean_fields(params: Params) -> tuple[Field, ...]:
    gap, power_gap = params["max_gap"], params["max_power_gap"]
    short = f"interpolated over up to {gap:g} s"
    return (
        Field("power", f"power, mean of each second, interpolated over up to {power_gap:g} s unsampled", "W"),
        Field("heart_rate", f"heart rate, mean of each second, {short}", "min-1"),
        Field("speed", f"speed, mean of each second, {short}", "m s-1"),
        Field("cadence", f"cadence, mean of each second, {short}", "min-1"),
        Field("distance", "distance since the start, constant in pauses", "m", "float64"),
        Field("altitude", f"altitude, mean of each second, single outliers removed, {short}", "m"),
        Field("latitude", f"latitude, last of each second, {short}", "degree", "float64"),
        Field("longitude", f"longitude, last of each second, {short}", "degree", "float64"),
        Field("timer", "1 where the device's timer ran, 0 where it was paused, NaN where unknown"),
        Field("gap", "state of each second", dtype="int8", flags=GAPS),
    )


_CLEAN = Contract(
    name="clean_activity",
    version=2,
    pattern=Pattern.RECORD,
    summary="Put an activity's irregular samples on a 1 Hz grid over its duration; mark gaps and pauses.",
    ports=(
        Port("time", "signal", "time stamps since the first sample", "duration"),
        Port("power", "signal", "power", "power", optional=True),
        Port("heart_rate", "signal", "heart rate", "frequency", optional=True),
        Port("speed", "signal", "speed", "speed", optional=True),
        Port("cadence", "signal", "cadence", "frequency", optional=True),
        Port("distance", "signal", "distance since the start", "length", optional=True),
        Port("altitude", "signal", "altitude", "length", optional=True),
        Port("latitude", "signal", "latitude", "angle", optional=True),
        Port("longitude", "signal", "longitude", "angle", optional=True),
        Port("timer", "signal", "1 from a sample on where the timer runs, else 0", None, optional=True),
        Port("elapsed", "fact", "time of the last sample since the first", "duration"),
    ),
    params=(
        Param(
            "max_gap",
            "quantity",
            "Longest run of missing seconds that is interpolated, in every channel but power and distance.",
            "duration",
            default=60.0,
            minimum=0.0,
        ),
        Param(
            "max_power_gap",
            "quantity",
            "The same for power, and only where no sample at all was written: a silent sensor stays missing.",
            "duration",
            default=10.0,
            minimum=0.0,
        ),
    ),
    fields=_clean_fields,
    implementation="hpcflow_kernels.sport.activity:clean_activity",
    axis="second",
    length=_length,
    row_rate=lambda params, rate: 1.0,
    bytes_per_sample=400.0,
    flops_per_sample=500.0,
    error="exact on the grid; float32 storage",
    source="rules in docs/power.md",
    tags=("sport",),
)


def _durations(params: Params) -> Dim:
    return Dim("duration", tuple(float(x) for x in params["durations"]), "s")


def _check_durations(params: Params, rate: float | None) -> list[str]:
    """Durations must rise and, at the rate of the rows, be whole numbers of rows."""
    durations = [float(x) for x in params["durations"]]
    per_second = rate if rate is not None and math.isfinite(rate) else 1.0
    problems = []
    if not durations:
        problems.append("durations is empty: name at least one, like [5 s, 1 min, 20 min]")
    if any(b <= a for a, b in pairwise(durations)):
        problems.append("durations must rise from each to the next without repeats: sort them")
    broken = [x for x in durations if x <= 0 or abs(x * per_second - round(x * per_second)) > 1e-9]
    if broken:
        shown = ", ".join(f"{x:g} s" for x in broken[:5])
        problems.append(f"durations must be multiples of {1 / per_second:g} s, unlike {shown}: round them")
    return problems


_DURATIONS = Param(
    "durations",
    "list",
    "Durations of the curve, rising, in whole seconds.",
    "duration",
    default=DURATIONS,
    minimum=0.0,
)


def _curve_fields(params: Params) -> tuple[Field, ...]:
    dims = (_durations(params),)
    rule = {"zero": "seconds without power count as 0 W", "exclude": "only stretches without missing seconds"}
    return (
        Field(
            "mean_maximal_power",
            f"highest mean power over each duration, elapsed time, {rule[params['missing']]}",
            "W",
            dims=dims,
        ),
        Field("start", "start of that stretch since the first sample", "s", "float64", dims),
        Field("coverage", "share of that stretch with known power", "1", dims=dims),
    )


_MEAN_MAX = Contract(
    name="mean_max",
    version=1,
    pattern=Pattern.RECORD,
    summary="Mean-maximal power: an activity's best mean power over each duration, exact over all starts.",
    ports=(Port("power", "rows", "power on a regular grid, NaN where missing", "power"),),
    params=(
        _DURATIONS,
        Param(
            "missing",
            "text",
            "`zero`: seconds without power count as 0 W, so no value is too high; `exclude`: stretches with "
            "a missing second do not count.",
            default="zero",
            choices=("zero", "exclude"),
        ),
    ),
    fields=_curve_fields,
    implementation="hpcflow_kernels.sport.power:mean_max",
    axis="record",
    check=_check_durations,
    bytes_per_sample=40.0,
    flops_per_sample=250.0,
    error="sums in float64; 1e-12 relative before float32 storage",
    source="Pinot and Grappe 2011, Int J Sports Med 32:839 (record power profile)",
    tags=("sport",),
)


def _session_fields(params: Params) -> tuple[Field, ...]:
    """All float64: a session is a few hundred bytes, and work in joules needs the digits."""

    def wide(name: str, long_name: str, units: str = "1") -> Field:
        return Field(name, long_name, units, "float64")

    moving = f"speed of at least {params['moving_speed']:g} m/s"
    return (
        wide("elapsed_time", "elapsed time: the device's own, else first to last sample", "s"),
        wide("clock_time", "first to last sample by the time stamps", "s"),
        wide("timer_time", "timer time: the device's own, else counted where the timer ran", "s"),
        wide("recorded_time", "timer time that holds samples or bridged gaps", "s"),
        wide("moving_time", f"timer time at a {moving}", "s"),
        wide("distance", "distance, elapsed time: the counter, else the whole path", "m"),
        wide("average_speed", "distance by timer time (by recorded time where no timer is known)", "m s-1"),
        wide("average_moving_speed", "distance by moving time", "m s-1"),
        wide("max_speed", "highest speed of a second, timer time", "m s-1"),
        wide("ascent", "ascent, elapsed time, after a 31 s median, rises of at least 1 m", "m"),
        wide("descent", "descent, elapsed time, after a 31 s median, falls of at least 1 m", "m"),
        wide("average_power", "mean power, timer time, missing seconds left out, zeros counted", "W"),
        wide("max_power", "highest power of a second, timer time", "W"),
        wide("normalized_power", "normalised power, timer time, missing seconds left out", "W"),
        wide("variability_index", "normalised by average power"),
        wide("intensity_factor", "normalised power by threshold power"),
        wide(
            "training_load",
            "training stress score, timer time, over the seconds that normalised power covers",
        ),
        wide("work", "work, timer time, missing seconds left out", "J"),
        wide("power_time", "timer time with known power", "s"),
        wide("power_coverage", "share of the timer's seconds with known power"),
        wide("average_heart_rate", "mean heart rate, timer time, missing seconds left out", "min-1"),
        wide("average_moving_heart_rate", f"mean heart rate by beats, timer time at a {moving}", "min-1"),
        wide("max_heart_rate", "highest heart rate of a second, timer time", "min-1"),
        wide("heart_rate_time", "timer time with known heart rate", "s"),
        wide("average_cadence", "mean cadence, timer time, zeros and missing seconds left out", "min-1"),
        wide("max_cadence", "highest cadence of a second, timer time", "min-1"),
    )


_SESSION = Contract(
    name="session_summary",
    version=2,
    pattern=Pattern.RECORD,
    summary="One line per activity: times, distance, speed, ascent, power, load, heart rate, cadence.",
    ports=(
        Port("power", "rows", "power on a 1 Hz grid", "power"),
        Port("heart_rate", "rows", "heart rate", "frequency", optional=True),
        Port("speed", "rows", "speed", "speed", optional=True),
        Port("cadence", "rows", "cadence", "frequency", optional=True),
        Port("distance", "rows", "distance since the start", "length", optional=True),
        Port("altitude", "rows", "altitude", "length", optional=True),
        Port("timer", "rows", "1 where the timer ran, 0 where paused, NaN if unknown", None, optional=True),
        Port("gap", "rows", "state of each second as `clean_activity` gives it", None, optional=True),
        Port("ftp", "fact", "functional threshold power of the athlete at the time", "power", optional=True),
        Port("elapsed_time", "fact", "elapsed time as the device states it", "duration", optional=True),
        Port("timer_time", "fact", "timer time as the device states it", "duration", optional=True),
        Port("path_length", "fact", "whole path of a file without a counter", "length", optional=True),
    ),
    params=(
        Param(
            "moving_speed",
            "quantity",
            "Speed from which a second counts as moving.",
            "speed",
            default=0.5,
            minimum=0.0,
        ),
    ),
    fields=_session_fields,
    implementation="hpcflow_kernels.sport.power:session_summary",
    axis="record",
    bytes_per_sample=200.0,
    flops_per_sample=300.0,
    error="sums in float64",
    source="Allen, Coggan and McGregor 2019, Training and Racing with a Power Meter, 3rd ed., ch. 7",
    tags=("sport",),
)


def _best_fields(params: Params) -> tuple[Field, ...]:
    dims = (_durations(params),)
    return (
        Field("best_power", "highest mean-maximal power of all activities", "W", dims=dims),
        Field("record", "activity that holds it, by its place on the record axis", "1", "int64", dims),
        Field("start", "start of the stretch in that activity", "s", "float64", dims),
        Field("activities", "activities that have a value at this duration", "1", "int64", dims),
    )


_BEST = Contract(
    name="best_efforts",
    version=1,
    pattern=Pattern.REDUCE,
    summary="Best effort over each duration among all activities, and which activity holds it.",
    ports=(Port("curve", "rows", "the step that made the mean-maximal curves"),),
    params=(_DURATIONS,),
    fields=_best_fields,
    implementation="hpcflow_kernels.sport.power_totals:BestEfforts",
    axis="record",
    check=_check_durations,
    bytes_per_sample=16.0,
    flops_per_sample=2.0,
    error="exact; of equal efforts the first counts",
    tags=("sport",),
)


def _total_fields(params: Params) -> tuple[Field, ...]:
    def wide(name: str, long_name: str, units: str = "1") -> Field:
        return Field(name, long_name, units, "float64")

    def count(name: str, long_name: str) -> Field:
        return Field(name, long_name, "1", "int64")

    return (
        count("activities", "activities, copies of one counted once"),
        count("activities_with_power", "activities with known power"),
        count("activities_with_load", "activities with a training load (power and threshold power)"),
        count("activities_with_heart_rate", "activities with known heart rate"),
        count("activities_with_distance", "activities with known distance"),
        wide("elapsed_time", "sum of elapsed times", "s"),
        wide("timer_time", "sum of timer times, recorded time where no timer is known", "s"),
        wide("distance", "sum of distances", "m"),
        wide("ascent", "sum of ascents", "m"),
        wide("work", "sum of work", "J"),
        wide("training_load", "sum of training loads"),
        wide("average_power", "mean power over all seconds with power", "W"),
        wide("average_heart_rate", "mean heart rate over all seconds with heart rate", "min-1"),
        wide("max_power", "highest power of a second", "W"),
        wide("max_heart_rate", "highest heart rate of a second", "min-1"),
        wide("max_speed", "highest speed of a second", "m s-1"),
        wide("longest_time", "longest elapsed time", "s"),
        wide("longest_distance", "longest distance", "m"),
    )


_TOTALS = Contract(
    name="totals",
    version=1,
    pattern=Pattern.REDUCE,
    summary="Sums, means and maxima of all session summaries; NaN, not 0, where no activity has one.",
    ports=(Port("session", "rows", "the step that made the session summaries"),),
    params=(),
    fields=_total_fields,
    implementation="hpcflow_kernels.sport.power_totals:Totals",
    axis="record",
    bytes_per_sample=200.0,
    flops_per_sample=40.0,
    error="sums in float64, merged in a fixed tree",
    tags=("sport",),
)

CONTRACTS = (_CLEAN, _MEAN_MAX, _SESSION, _BEST, _TOTALS)
