"""Reader of GPX files (1.0 and 1.1 with the usual extensions), through gpxpy."""

from __future__ import annotations

import codecs
import math
import re
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.guard import reading
from hpcflow.data.readers.tcx import parse_xml, to_float
from hpcflow.data.readers.track import Track, TrackReader, build, path_length, read_bytes
from hpcflow.errors import DataError


def load(path: Path) -> Track:
    """Parse a GPX file.

    GPX has no timer: `timer` is NaN throughout. It has no distance either: `distance` is the horizontal
    length of the path, to which the way from one segment's end to the next one's start adds nothing.

    Raises
    ------
    DataError
        If it is no well-formed GPX, declares a document type or entities, or holds no timed track point.
    """
    content = read_bytes(path, "a GPX file")
    with reading(path, "a GPX file"):
        return _parse(content)


_EXTENSIONS = {
    "hr": "heart_rate",
    "heartrate": "heart_rate",
    "cad": "cadence",
    "cadence": "cadence",
    "power": "power",
    "PowerInWatts": "power",
    "watts": "power",
    "speed": "speed",
}
"""Local names in the extensions of Garmin, Strava, Wahoo, Cluetrust and others."""


@lru_cache(maxsize=2)
def _parse(content: bytes) -> Track:
    import gpxpy

    root = parse_xml(content)
    if root.tag.rpartition("}")[2] != "gpx":
        raise DataError(
            f"is XML but no GPX, its root is <{root.tag.rpartition('}')[2][:40]}>: leave it out of `files`"
        )
    document = gpxpy.parse(_decode(content))
    segments = [
        [point for point in segment.points if point.time is not None]
        for track in document.tracks
        for segment in track.segments
    ]
    segments = sorted(filter(None, segments), key=lambda points: _stamp(points[0]))
    points = [point for segment in segments for point in segment]
    if not points:
        raise DataError(
            "holds no track point with a time (a route or planned course?), "
            "so nothing can be computed over time: export the recorded activity"
        )
    breaks = np.array([i == 0 for segment in segments for i in range(len(segment))])
    rows = [_row(point) for point in points]
    keys = {key for row in rows for key in row}
    channels: dict[str, Any] = {key: np.array([row.get(key, math.nan) for row in rows]) for key in keys}
    channels["distance"] = path_length(channels["latitude"], channels["longitude"], breaks)
    stamps = [_stamp(point) for point in points]
    return build("gpx", stamps, channels, facts=_facts(document, len(points)))


def _decode(content: bytes) -> str:
    """Text by byte order mark or XML declaration, the declaration taken off."""
    marks = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
    encoding = next((name for mark, name in marks if content.startswith(mark)), None)
    if encoding is None:
        declared = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']", content)
        encoding = declared[1].decode("ascii") if declared else "utf-8"
    return re.sub(r"^\s*<\?xml[^>]*\?>", "", content.decode(encoding)).strip()


def _stamp(point: Any) -> float:
    moment = point.time
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _row(point: Any) -> dict[str, float]:
    row = {"latitude": point.latitude, "longitude": point.longitude}
    if point.elevation is not None:
        row["altitude"] = point.elevation
    if point.speed is not None:
        row["speed"] = point.speed
    for extension in point.extensions:
        for element in extension.iter():
            tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
            if tag in _EXTENSIONS:
                row.setdefault(_EXTENSIONS[tag], to_float(element.text))
    return row


def _facts(document: Any, timed: int) -> dict[str, Quantity | None]:
    """What gpxpy knows of the whole path, points without a time included, and what the file says."""
    climb = document.get_uphill_downhill()
    count = sum(len(segment.points) for track in document.tracks for segment in track.segments)
    sports = [track.type.strip().lower() for track in document.tracks if track.type and track.type.strip()]
    return {
        "path_length": Quantity(document.length_2d(), "m"),
        "path_length_3d": Quantity(document.length_3d(), "m"),
        "path_ascent": Quantity(climb.uphill, "m"),
        "path_descent": Quantity(climb.downhill, "m"),
        "points_without_time": Quantity(float(count - timed), "1") if count > timed else None,
        "sport": Quantity(sports[0]) if sports else None,
        "device": Quantity(document.creator) if document.creator else None,
    }


PER_BYTE = 34.0
"""Of memory by bytes of the file: 19 to 30 were measured, with the arrays."""

READER = TrackReader("gpx", 1, (".gpx",), load, PER_BYTE)
