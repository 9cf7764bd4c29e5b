"""Reader of FIT activity files (Garmin, Wahoo, Stryd, Zwift, ...), through fitdecode."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.guard import reading
from hpcflow.data.readers.track import Track, TrackReader, build, read_bytes
from hpcflow.errors import DataError

EPOCH = 631065600
"""Unix time of FIT's zero, 1989-12-31T00:00:00Z."""

_CHANNELS: Mapping[str, tuple[str, ...]] = {
    "power": ("power",),
    "heart_rate": ("heart_rate",),
    "speed": ("enhanced_speed", "speed"),
    "distance": ("distance",),
    "altitude": ("enhanced_altitude", "altitude"),
}
"""Channel to field names of a record message, the better first. Cadence and position need arithmetic."""

_TOTALS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "timer_time": (("total_timer_time",), "s"),
    "device_elapsed_time": (("total_elapsed_time",), "s"),
    "device_distance": (("total_distance",), "m"),
    "device_work": (("total_work",), "J"),
    "device_ascent": (("total_ascent",), "m"),
    "device_descent": (("total_descent",), "m"),
    "device_training_load": (("training_stress_score",), "1"),
    "device_active_lengths": (("num_active_lengths",), "1"),
}
"""Facts that add up over the sessions of a file (a triathlon has several)."""

_EXTREMES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "device_max_power": (("max_power",), "W"),
    "device_max_heart_rate": (("max_heart_rate",), "bpm"),
    "device_max_speed": (("enhanced_max_speed", "max_speed"), "m/s"),
    "device_max_cadence": (("max_cadence", "max_running_cadence"), "rpm"),
    "ftp": (("threshold_power",), "W"),
}
"""Facts of which the largest over sessions counts."""

_AVERAGES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "device_average_power": (("avg_power",), "W"),
    "device_normalized_power": (("normalized_power",), "W"),
    "device_intensity_factor": (("intensity_factor",), "1"),
    "device_average_heart_rate": (("avg_heart_rate",), "bpm"),
    "device_average_speed": (("enhanced_avg_speed", "avg_speed"), "m/s"),
    "device_average_cadence": (("avg_cadence", "avg_running_cadence", "avg_swimming_cadence"), "rpm"),
    "device_pool_length": (("pool_length",), "m"),
}
"""Facts that mean something for a single session only."""


def load(path: Path) -> Track:
    """Decode a FIT file.

    Raises
    ------
    DataError
        If it cannot be read, is damaged or truncated (a FIT file carries a checksum at its end, and one
        that fails is set aside as a whole: a ride cut off half-way would pass for a short one), or is no
        recorded activity.
    """
    content = read_bytes(path, "a FIT file")
    with reading(path, "a FIT file"):
        return _decode(content)


@lru_cache(maxsize=2)
def _decode(content: bytes) -> Track:
    messages = list(_messages(content))
    kinds = {str(m["type"]) for kind, m in messages if kind == "file_id" and m.get("type") is not None}
    if kinds and "activity" not in kinds:
        kind = "/".join(sorted(kinds))
        raise DataError(f"is a FIT file of type {kind}, not a recorded activity: leave it out of `files`")
    return _assemble(messages)


Message = tuple[str, dict[str, Any]]


def _messages(content: bytes) -> Iterator[Message]:
    """Name and fields of the messages that matter, the whole file checked on the way."""
    import fitdecode

    wanted = {"record", "event", "session", "length", "hr", "file_id", "zones_target"}
    try:
        with (
            warnings.catch_warnings(),
            fitdecode.FitReader(
                io.BytesIO(content),
                check_crc=fitdecode.CrcCheck.RAISE,
                error_handling=fitdecode.ErrorHandling.IGNORE,
            ) as frames,
        ):
            warnings.simplefilter("ignore")
            for frame in frames:
                if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name in wanted:
                    yield frame.name, _fields(frame)
    except fitdecode.FitHeaderError as error:
        raise DataError(
            f"is not a FIT file, or something else follows it ({error}): copy it again"
        ) from error
    except fitdecode.FitEOFError as error:
        raise DataError(f"is truncated ({error}): copy it from the device again") from error
    except fitdecode.FitCRCError as error:
        raise DataError(f"is damaged, its checksum does not match ({error}): copy it again") from error


def _fields(frame: Any) -> dict[str, Any]:
    """Values by field name; native fields win over developer fields, which get the prefix "dev "."""
    found: dict[str, Any] = {}
    for item in frame.fields:
        if item.value is None or item.name is None:
            continue
        key = item.name
        if type(item.field_def).__name__ == "DevFieldDefinition":
            key = f"dev {key.lower()}"
        elif key == "event_timestamp":
            found.setdefault("event_timestamps", []).append(item.value)
        found.setdefault(key, item.value)
    return found


def _assemble(messages: list[Message]) -> Track:
    rows = [m for kind, m in messages if kind == "record"]
    if not rows:
        raise DataError("holds no samples: nothing was recorded, or it is a summary only")
    stamps = np.array([_stamp(m.get("timestamp")) for m in rows])
    channels = {key: _column(rows, names) for key, names in _CHANNELS.items()}
    if not np.isfinite(channels["power"]).any():
        channels["power"] = _column(rows, ("dev power", "dev run power", "dev rp_power"))
    channels["cadence"] = _column(rows, ("cadence",)) + np.nan_to_num(_column(rows, ("fractional_cadence",)))
    channels["latitude"] = _column(rows, ("position_lat",)) * (180 / 2**31)
    channels["longitude"] = _column(rows, ("position_long",)) * (180 / 2**31)
    heart = channels["heart_rate"]
    channels["heart_rate"] = np.where(np.isfinite(heart), heart, _stored_heart_rate(messages, stamps))
    lengths = [m for kind, m in messages if kind == "length"]
    if lengths:
        pools = _values([m for kind, m in messages if kind == "session"], ("pool_length",))
        channels["speed"] = _along_lengths(lengths, stamps, ("enhanced_avg_speed", "avg_speed"), pools)
        channels["cadence"] = _along_lengths(lengths, stamps, ("avg_swimming_cadence",), ())
    switches = [
        (_stamp(m.get("timestamp")), m["event_type"] == "start")
        for kind, m in messages
        if kind == "event" and m.get("event") == "timer" and m.get("event_type") in _SWITCHES
    ]
    switches = [switch for switch in switches if math.isfinite(switch[0])]
    return build("fit", stamps, channels, switches=switches or None, facts=_facts(messages))


_SWITCHES = ("start", "stop", "stop_all", "stop_disable", "stop_disable_all")


def _along_lengths(
    lengths: list[dict[str, Any]], stamps: np.ndarray, names: tuple[str, ...], pools: Sequence[float]
) -> np.ndarray:
    """A pool swim's speed or stroke rate, which the device states per length: 0 at rest, NaN between.

    Some devices leave the speed of a length at 0; the pool's length by its time stands in.
    """
    found = np.full(len(stamps), np.nan)
    # Rests and lengths overlap by a second where the device rounds; the length counts.
    for m in sorted(lengths, key=lambda m: m.get("length_type") == "active"):
        start, seconds = _stamp(m.get("start_time")), _number(m.get("total_timer_time"))
        inside = (stamps >= start) & (stamps < start + seconds)
        stated = next(iter(_values([m], names)), math.nan)
        if m.get("length_type") != "active":
            stated = 0.0
        elif pools and seconds > 0 and not stated > 0:
            stated = pools[0] / seconds
        found[inside] = stated
    return found


def _column(rows: list[dict[str, Any]], names: Iterable[str]) -> np.ndarray:
    found = np.full(len(rows), np.nan)
    for key in reversed(tuple(names)):
        column = np.array([_number(m.get(key)) for m in rows])
        found = np.where(np.isfinite(column), column, found)
    return found


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _stamp(value: Any) -> float:
    """Unix seconds. Devices whose clock was never set count seconds since they were switched on."""
    return value.timestamp() if isinstance(value, datetime) else EPOCH + _number(value)


def _stored_heart_rate(messages: list[Message], stamps: np.ndarray) -> np.ndarray:
    """Heart rate that a strap kept under water and handed over later (`hr` messages), at `stamps`.

    Linear between beats; NaN further than 5 s from the nearest one.
    """
    beats = [
        (_stamp(when), float(rate))
        for kind, m in messages
        if kind == "hr" and "event_timestamp_12" in m and isinstance(m.get("filtered_bpm"), tuple)
        for when, rate in zip(m.get("event_timestamps", ()), m["filtered_bpm"], strict=False)
        if rate
    ]
    if len(beats) < 2:
        return np.full(len(stamps), np.nan)
    when, rate = np.array(sorted(beats)).T
    after = np.clip(np.searchsorted(when, stamps), 1, len(when) - 1)
    distance = np.minimum(np.abs(stamps - when[after - 1]), np.abs(when[after] - stamps))
    return np.where(distance <= 5, np.interp(stamps, when, rate), np.nan)


def _facts(messages: list[Message]) -> dict[str, Quantity | None]:
    sessions = [m for kind, m in messages if kind == "session"]
    facts: dict[str, Quantity | None] = {}
    for key, (names, units) in _TOTALS.items():
        numbers = _values(sessions, names)
        facts[key] = Quantity(sum(numbers), units) if numbers and len(numbers) == len(sessions) else None
    for key, (names, units) in _EXTREMES.items():
        numbers = _values(sessions, names)
        facts[key] = Quantity(max(numbers), units) if numbers else None
    for key, (names, units) in _AVERAGES.items():
        numbers = _values(sessions, names) if len(sessions) == 1 else []
        facts[key] = Quantity(numbers[0], units) if numbers else None
    if facts["ftp"] is None:
        zones = [m for kind, m in messages if kind == "zones_target"]
        numbers = [n for n in _values(zones, ("functional_threshold_power",)) if n > 0]
        facts["ftp"] = Quantity(numbers[-1], "W") if numbers else None
    sports = list(dict.fromkeys(str(m["sport"]) for m in sessions if "sport" in m))
    facts["sport"] = Quantity("+".join(sports)) if sports else None
    facts["device"] = _device(messages)
    return facts


def _values(messages: list[dict[str, Any]], names: Iterable[str]) -> list[float]:
    """The first of `names` that each message has, where that is a number."""
    found = [
        next((n for key in names if math.isfinite(n := _number(m.get(key)))), math.nan) for m in messages
    ]
    return [number for number in found if math.isfinite(number)]


def _device(messages: list[Message]) -> Quantity | None:
    for kind, m in messages:
        if kind == "file_id" and "manufacturer" in m:
            product = next((str(m[key]) for key in ("garmin_product", "product") if key in m), "")
            return Quantity(f"{m['manufacturer']} {product}".strip())
    return None


PER_BYTE = 60.0
"""Of memory by bytes of the file: 42 to 51 were measured, with the arrays."""

READER = TrackReader("fit", 1, (".fit",), load, PER_BYTE)
