"""Reader of TCX files (Garmin Training Center XML, version 2), through defusedxml."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from hpcflow.data.readers.base import Quantity, ScannedRecord
from hpcflow.data.readers.guard import reading
from hpcflow.data.readers.track import Track, build, duplicates, read_bytes, weighed
from hpcflow.errors import DataError

PAUSE_SECONDS = 1.5
"""A shorter hole between two laps or tracks is rounding of their times, not a pause."""


PER_BYTE = 17.0
"""Of memory by bytes of the file: 9 to 15 were measured, with the arrays."""


class TcxReader:
    """TCX files. A file with one activity is one record; with several, each has its start as channel."""

    name = "tcx"
    version = 1
    suffixes: tuple[str, ...] = (".tcx",)

    def scan(self, path: Path, options: Mapping[str, Any]) -> tuple[ScannedRecord, ...]:
        """See `hpcflow.data.readers.base.Reader`. The whole file is parsed."""
        return tuple(weighed(track, path, PER_BYTE) for track in load(path))

    def read(
        self, path: Path, channel: str, start: int, stop: int, options: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """See `hpcflow.data.readers.base.Reader`."""
        for track in load(path):
            if track.channel == channel:
                return {key: x[start:stop] for key, x in track.values.items()}
        raise DataError(f"has no activity {channel!r} any more: scan it again")

    duplicates = staticmethod(duplicates)


def load(path: Path) -> tuple[Track, ...]:
    """Parse a TCX file.

    Raises
    ------
    DataError
        If it is no well-formed TCX, declares a document type or entities, or holds no recorded activity.
    """
    content = read_bytes(path, "a TCX file")
    with reading(path, "a TCX file"):
        return _parse(content)


@lru_cache(maxsize=2)
def _parse(content: bytes) -> tuple[Track, ...]:
    root = parse_xml(content)
    if _local(root) != "TrainingCenterDatabase":
        raise DataError(f"is XML but no TCX, its root is <{_local(root)[:40]}>: leave it out of `files`")
    activities = [element for element in root.iter() if _local(element) == "Activity"]
    if not activities:
        raise DataError("holds no activity (a course or workout?): export the recorded activity")
    tracks = [_activity(element, len(activities) > 1) for element in activities]
    if len({track.channel for track in tracks}) < len(tracks):
        raise DataError("holds two activities with the same start: export them one by one")
    return tuple(tracks)


def parse_xml(content: bytes) -> Element:
    """Parse XML that nobody vouches for: no document type, no entities, nothing fetched.

    Raises
    ------
    DataError
    """
    from xml.etree.ElementTree import ParseError

    import defusedxml
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content.lstrip(b" \t\r\n"), forbid_dtd=True)
    except defusedxml.DefusedXmlException as error:
        raise DataError(
            "declares a document type or entities, which no activity needs and attacks use: "
            "leave it out of `files`"
        ) from error
    except (ParseError, ValueError, LookupError, UnicodeError) as error:
        raise DataError(f"is truncated or no well-formed XML ({error}): export it again") from error
    return root


def _activity(activity: Element, several: bool) -> Track:
    laps = [element for element in activity if _local(element) == "Lap"]
    points = [(lap, track, point) for lap in laps for track, point in _points(lap)]
    rows = [_row(point) for _, _, point in points]
    stamps = [row.pop("time", math.nan) for row in rows]
    if not rows:
        raise DataError("holds laps but no track points: nothing can be computed over time, export it again")
    keys = {key for row in rows for key in row}
    channels = {key: [row.get(key, math.nan) for row in rows] for key in keys}
    channel = _text(activity, "Id") if several else ""
    switches = _switches(laps, points, stamps)
    return build("tcx", stamps, channels, switches=switches, facts=_facts(activity, laps), channel=channel)


def _points(lap: Element) -> Iterator[tuple[Element, Element]]:
    for track in lap:
        if _local(track) == "Track":
            for point in track:
                if _local(point) == "Trackpoint":
                    yield track, point


_FIELDS = {
    "LatitudeDegrees": "latitude",
    "LongitudeDegrees": "longitude",
    "AltitudeMeters": "altitude",
    "DistanceMeters": "distance",
    "Cadence": "cadence",
    "RunCadence": "cadence",
    "Speed": "speed",
    "Watts": "power",
}


def _row(point: Element) -> dict[str, float]:
    row: dict[str, float] = {}
    for element in point.iter():
        tag = _local(element)
        if tag == "Time":
            row["time"] = parse_time(element.text)
        elif tag == "HeartRateBpm":
            row["heart_rate"] = _number(element, "Value")
        elif tag in _FIELDS:
            row[_FIELDS[tag]] = to_float(element.text)
    return row


def _switches(
    laps: list[Element], points: list[tuple[Element, Element, Element]], stamps: list[float]
) -> list[tuple[float, bool]]:
    """Timer stops and starts: a hole between the timed ends of laps, or between two tracks of a lap."""
    found: list[tuple[float, bool]] = []
    for lap, following in itertools.pairwise(laps):
        end = parse_time(lap.get("StartTime")) + _number(lap, "TotalTimeSeconds")
        start = parse_time(following.get("StartTime"))
        last = max((t for (of, _, _), t in zip(points, stamps, strict=True) if of is lap), default=end)
        end = max(end, last)
        if start - end > PAUSE_SECONDS:
            found += [(end, False), (start, True)]
    timed = zip(points, stamps, strict=True)
    for ((lap, track, _), t), ((lap_after, track_after, _), t_after) in itertools.pairwise(timed):
        if lap is lap_after and track is not track_after and t_after - t > PAUSE_SECONDS:
            found += [(t, False), (t_after, True)]
    return found


def _facts(activity: Element, laps: list[Element]) -> dict[str, Quantity | None]:
    seconds = [_number(lap, "TotalTimeSeconds") for lap in laps]
    facts = {
        "timer_time": _quantity(sum(seconds), "s"),
        "device_distance": _quantity(sum(_number(lap, "DistanceMeters") for lap in laps), "m"),
        "device_max_speed": _quantity(_largest(_number(lap, "MaximumSpeed") for lap in laps), "m/s"),
        "device_max_heart_rate": _quantity(
            _largest(_number(lap, "MaximumHeartRateBpm", "Value") for lap in laps), "bpm"
        ),
        "device_max_power": _quantity(_largest(_number(lap, "MaxWatts") for lap in laps), "W"),
    }
    for key, path, units in (
        ("device_average_heart_rate", ("AverageHeartRateBpm", "Value"), "bpm"),
        ("device_average_power", ("AvgWatts",), "W"),
    ):
        per_lap = [_number(lap, *path) for lap in laps]
        total = sum(x * s for x, s in zip(per_lap, seconds, strict=True))
        facts[key] = _quantity(total / sum(seconds), units) if sum(seconds) > 0 else None
    sport, device = activity.get("Sport", "").lower(), ""
    for creator in activity:
        if _local(creator) == "Creator":
            device = _text(creator, "Name")
    facts["sport"] = Quantity(_SPORTS.get(sport, sport)) if sport else None
    facts["device"] = Quantity(device) if device else None
    return facts


_SPORTS = {"biking": "cycling"}


def _quantity(value: float, units: str) -> Quantity | None:
    return Quantity(value, units) if math.isfinite(value) else None


def _largest(numbers: Iterator[float]) -> float:
    return max((x for x in numbers if math.isfinite(x)), default=math.nan)


def _local(element: Element) -> str:
    """Tag without its namespace; "" for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _find(element: Element, *path: str) -> Element | None:
    """First descendant along local names, outside of the track points."""
    found: Element | None = element
    for tag in path:
        found = next((e for e in _walk(found) if _local(e) == tag), None) if found is not None else None
    return found


def _walk(element: Element) -> Iterator[Element]:
    for child in element:
        if _local(child) not in ("Track", "Lap"):
            yield child
            yield from _walk(child)


def _number(element: Element, *path: str) -> float:
    found = _find(element, *path)
    return to_float(found.text) if found is not None else math.nan


def _text(element: Element, tag: str) -> str:
    found = _find(element, tag)
    return (found.text or "").strip() if found is not None else ""


def to_float(text: str | None) -> float:
    """A number, or NaN where there is none."""
    try:
        number = float(text or "nan")
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def parse_time(text: str | None) -> float:
    """Unix seconds of an ISO 8601 text, UTC where it names no zone; NaN where it is none.

    >>> parse_time("2020-06-01T14:52:40.000Z")
    1591023160.0
    """
    try:
        moment = datetime.fromisoformat((text or "").strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return math.nan


READER = TcxReader()
