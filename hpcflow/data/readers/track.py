"""What the activity readers share: one recorded activity as arrays on its own time stamps, and its facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hpcflow.data.readers.base import Quantity, ScannedRecord, ScannedVariable
from hpcflow.data.readers.guard import reading
from hpcflow.errors import DataError

VARIABLES = (
    ScannedVariable("time", "float64", "s"),
    ScannedVariable("power", "float32", "W"),
    ScannedVariable("heart_rate", "float32", "bpm"),
    ScannedVariable("speed", "float32", "m/s"),
    ScannedVariable("cadence", "float32", "rpm"),
    ScannedVariable("distance", "float64", "m"),
    ScannedVariable("altitude", "float32", "m"),
    ScannedVariable("latitude", "float64", "degree"),
    ScannedVariable("longitude", "float64", "degree"),
    ScannedVariable("timer", "float32", "1"),
)
"""Every record has all of them, all-NaN where the file has none, so that one dataset may mix formats."""

CHANNELS = tuple(v.name for v in VARIABLES if v.name not in ("time", "timer"))

MAX_BYTES = 1 << 28
"""No activity file is as large: a day at 1 Hz is about 4 MB as FIT and 40 MB as TCX."""

PER_SAMPLE = 300
"""Bytes that a sample's arrays take while they are made; objects before them count by the file's bytes."""

STRAY_SECONDS = 15 * 86400.0
"""Samples further than this from the median time stamp come from a clock that was not set yet."""

PREFERENCE = ("fit", "tcx", "gpx")
"""Which copy of an activity counts: the more a format can say, the better."""


@dataclass(frozen=True)
class Track:
    """One recorded activity.

    Attributes
    ----------
    channel : str
        "" where a file holds one activity.
    values : dict of str to ndarray, shape (samples,)
        One array per entry of `VARIABLES`.
    facts : dict of str to Quantity
    """

    channel: str
    values: Mapping[str, np.ndarray]
    facts: Mapping[str, Quantity] = field(default_factory=dict)

    @property
    def scanned(self) -> ScannedRecord:
        """The record as a scan reports it."""
        return ScannedRecord(self.channel, len(self.values["time"]), math.nan, VARIABLES, self.facts)


def read_bytes(path: Path, kind: str) -> bytes:
    """Whole content of an activity file; `kind` is what it should be, for messages.

    Raises
    ------
    DataError
        If it is no ordinary file, cannot be read, is empty or absurdly large.
    """
    with reading(path, kind):
        if path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"is larger than {MAX_BYTES >> 20} MiB, as no activity is: leave it out of `files`"
            )
        content = path.read_bytes()
    if not content.strip(b"\0 \t\r\n"):
        raise DataError("holds nothing but blanks or zeros: copy it again from its source")
    return content


def weighed(track: Track, path: Path, per_byte: float) -> ScannedRecord:
    """The record as a scan reports it, with the memory that decoding its file takes."""
    samples = len(track.values["time"])
    return replace(track.scanned, held=int(path.stat().st_size * per_byte + samples * PER_SAMPLE))


def build(
    format_: str,
    stamps: ArrayLike,
    channels: Mapping[str, ArrayLike],
    *,
    switches: Iterable[tuple[float, bool]] | None = None,
    facts: Mapping[str, Quantity | None] | None = None,
    channel: str = "",
) -> Track:
    """Put samples in the order of their time stamps, mark where the timer ran, and complete the facts.

    Samples keep their file order where stamps are equal. Samples without a stamp, and those whose stamp
    lies further than 15 days from the median, are dropped. `timer` holds from each sample to the next:
    a timer event between two samples gets a row of its own, with NaN in every channel.

    Parameters
    ----------
    format_ : str
        "fit", "tcx" or "gpx".
    stamps : array_like of float, shape (samples,)
        Unix seconds; NaN where a sample has none.
    channels : dict of str to array_like of float, shape (samples,)
        Channels by name of `CHANNELS`, NaN where missing; absent ones become all-NaN.
    switches : iterable of (float, bool), optional
        When the timer stopped (False) and started (True), in file order; None where the format or file
        does not say, and then `timer` is NaN.
    facts : dict of str to Quantity or None
        Header facts; None values are left out.

    Raises
    ------
    DataError
        If no sample has a time stamp.
    """
    times = np.asarray(stamps, np.float64)
    samples = int(np.isfinite(times).sum())
    if not samples:
        raise DataError(
            "holds no sample with a time stamp, so nothing can be computed over time: "
            "export the recorded activity, not a course or route"
        )
    with np.errstate(invalid="ignore"):
        kept = np.abs(times - np.nanmedian(times)) <= STRAY_SECONDS
    order = np.flatnonzero(kept)[np.argsort(times[kept], kind="stable")]
    times = times[order]
    values = {
        key: np.asarray(channels[key], np.float64)[order] if key in channels else np.full(len(order), np.nan)
        for key in CHANNELS
    }
    timer = np.full(len(times), np.nan)
    if switches is not None:
        times, timer, values = _run_timer(times, values, sorted(switches, key=lambda switch: switch[0]))
    if not np.isfinite(values["distance"]).any():
        values["distance"] = path_length(values["latitude"], values["longitude"])
    start = times[0]
    columns = {"time": times - start, **values, "timer": timer}
    found = {
        "format": Quantity(format_),
        "start_time": Quantity(iso_utc(start)),
        "elapsed": Quantity(float(times[-1] - start), "s"),
        "samples": Quantity(float(kept.sum()), "1"),
        "fingerprint": Quantity(fingerprint(times, values)),
        **{key: value for key, value in (facts or {}).items() if value is not None},
    }
    dropped = len(kept) - int(kept.sum())
    if dropped:
        found["samples_dropped"] = Quantity(float(dropped), "1")
    cast = {v.name: columns[v.name].astype(v.dtype) for v in VARIABLES}
    return Track(channel, cast, {key: value for key, value in found.items() if value.value != ""})


def _run_timer(
    times: np.ndarray, values: dict[str, np.ndarray], switches: Sequence[tuple[float, bool]]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Add a row per timer switch that no sample shares, and the timer's state from each row on.

    The timer counts as running at the first sample: some devices write samples just before its start event.
    A stop after the last sample ends the activity; what follows is the device being put away.
    """
    switches = [switch for switch in switches if switch[0] > times[0]]
    last = times[-1]
    ends = [t for t, runs in switches if t > last and not runs][:1]
    extra = np.setdiff1d([t for t, _ in switches if t < last] + ends, times)
    merged = np.concatenate([times, extra])
    order = np.argsort(merged, kind="stable")
    filled = {key: np.concatenate([x, np.full(len(extra), np.nan)])[order] for key, x in values.items()}
    state = np.array([True, *(runs for _, runs in switches)])
    merged = merged[order]
    timer = state[np.searchsorted([t for t, _ in switches], merged, side="right")].astype(np.float64)
    return merged, timer, filled


def iso_utc(stamp: float) -> str:
    """ISO 8601 text in UTC, with milliseconds only where there are any.

    >>> iso_utc(1591023160.0)
    '2020-06-01T14:52:40Z'
    """
    moment = datetime.fromtimestamp(round(stamp, 3), UTC)
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def path_length(latitude: np.ndarray, longitude: np.ndarray, breaks: np.ndarray | None = None) -> np.ndarray:
    """Cumulative horizontal path length in metres; NaN where there is no position.

    Steps are taken on the plane that touches the WGS 84 ellipsoid at their middle, which for the metres
    between two fixes is exact to well below a millimetre.

    Parameters
    ----------
    latitude, longitude : ndarray, shape (n,)
        Degrees.
    breaks : ndarray of bool, shape (n,), optional
        True at a point that does not continue from the one before it.
    """
    found = np.full(len(latitude), np.nan)
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if not known.any():
        return found
    lat, lon = np.radians(latitude[known]), np.radians(longitude[known])
    middle = 0.5 * (lat[1:] + lat[:-1])
    squared = 0.00669437999014
    w = 1.0 - squared * np.sin(middle) ** 2
    north = 6378137.0 * (1.0 - squared) / w**1.5 * np.diff(lat)
    east = 6378137.0 / np.sqrt(w) * np.cos(middle) * (np.mod(np.diff(lon) + np.pi, 2 * np.pi) - np.pi)
    steps = np.hypot(north, east)
    if breaks is not None:
        steps[np.diff(np.cumsum(breaks)[known]) > 0] = 0.0
    found[known] = np.concatenate([[0.0], np.cumsum(steps)])
    return found


MARKS = 12
"""Seconds that a fingerprint keeps."""


def fingerprint(times: np.ndarray, values: Mapping[str, np.ndarray]) -> str:
    """A few seconds of an activity, chosen by the clock alone so that all copies of it keep the same ones.

    Of all whole UTC seconds with a position or a heart rate, the `MARKS` that a fixed hash puts first are
    kept as ``second,latitude,longitude,heart rate,power``, joined by ";" (positions to 1e-5 degrees).
    """
    seconds = np.floor(times).astype(np.int64)
    useful = np.isfinite(values["latitude"]) | np.isfinite(values["heart_rate"])
    distinct, first = np.unique(seconds[useful], return_index=True)
    rank = np.argsort((distinct * 2654435761) % (1 << 32), kind="stable")[:MARKS]
    chosen = np.flatnonzero(useful)[first[np.sort(rank)]]
    marks = []
    for i in chosen:
        digits = (("latitude", 5), ("longitude", 5), ("heart_rate", 0), ("power", 0))
        texts = (f"{x:.{n}f}" if np.isfinite(x := values[key][i]) else "" for key, n in digits)
        marks.append(",".join((str(seconds[i]), *texts)))
    return ";".join(marks)


def same_activity(a: ScannedRecord, b: ScannedRecord) -> bool:
    """Whether two records are copies of one recording, by their header facts alone.

    They must start within 10 s of each other and last about as long (within 10 s or 5 %). Then the seconds
    that both fingerprints keep decide: at least three, and at nine of ten of them position (within about
    1 m), heart rate (within 1/min) and power (within 1 W) agree as far as both files know them. Two
    athletes who start together and stay together differ there even where distance and duration agree. Where
    the fingerprints share too little, the formats must differ, and start (2 s), duration (1 %), distance
    (0.5 %) and, where both state it, average heart rate (1/min) must agree.
    """
    start_a, start_b = _stamp(a), _stamp(b)
    long_a, long_b = _number(a, "elapsed"), _number(b, "elapsed")
    if abs(start_a - start_b) > 10 or abs(long_a - long_b) > max(10.0, 0.05 * max(long_a, long_b)):
        return False
    marks_a, marks_b = _marks(a), _marks(b)
    votes = [
        verdict
        for second in marks_a.keys() & marks_b.keys()
        if (verdict := _agree(marks_a[second], marks_b[second])) is not None
    ]
    if len(votes) >= 3:
        return sum(votes) >= 0.9 * len(votes)
    if not all(votes) or _text(a, "format") == _text(b, "format"):
        return False
    far_a, far_b = _number(a, "device_distance"), _number(b, "device_distance")
    heart = abs(_number(a, "device_average_heart_rate") - _number(b, "device_average_heart_rate"))
    return (
        abs(start_a - start_b) <= 2
        and abs(long_a - long_b) <= max(2.0, 0.01 * max(long_a, long_b))
        and abs(far_a - far_b) <= 0.005 * max(far_a, far_b)
        and not heart > 1
    )


def duplicates(records: Sequence[ScannedRecord]) -> dict[int, int]:
    """Which records are copies of another: ``{index of the copy: index of the record that counts}``.

    FIT is preferred to TCX, TCX to GPX, then the one with more samples, then the first. Records are compared
    only with those that start within 10 s, so a million activities take a sort and little more.
    """
    starts = np.array([_stamp(record) for record in records], np.float64)
    order = [int(i) for i in np.argsort(starts, kind="stable") if np.isfinite(starts[i])]
    group = list(range(len(records)))
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if starts[j] - starts[i] > 10:
                break
            if _root(group, i) != _root(group, j) and same_activity(records[i], records[j]):
                group[_root(group, j)] = _root(group, i)
    members: dict[int, list[int]] = {}
    for i in order:
        members.setdefault(_root(group, i), []).append(i)
    found: dict[int, int] = {}
    for copies in members.values():
        best = min(copies, key=lambda i: (_rank(records[i]), -records[i].size, i))
        found.update({i: best for i in copies if i != best})
    return dict(sorted(found.items()))


def _root(group: list[int], i: int) -> int:
    while group[i] != i:
        group[i] = group[group[i]]
        i = group[i]
    return i


def _rank(record: ScannedRecord) -> int:
    name = _text(record, "format")
    return PREFERENCE.index(name) if name in PREFERENCE else len(PREFERENCE)


def _number(record: ScannedRecord, name: str) -> float:
    fact = record.facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, float | int) else math.nan


def _text(record: ScannedRecord, name: str) -> str:
    fact = record.facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, str) else ""


def _stamp(record: ScannedRecord) -> float:
    try:
        return datetime.fromisoformat(_text(record, "start_time")).timestamp()
    except ValueError:
        return math.nan


def _marks(record: ScannedRecord) -> dict[str, tuple[float, ...]]:
    marks = {}
    for mark in filter(None, _text(record, "fingerprint").split(";")):
        second, *numbers = mark.split(",")
        marks[second] = tuple(float(text) if text else math.nan for text in numbers)
    return marks


def _agree(a: tuple[float, ...], b: tuple[float, ...]) -> bool | None:
    """Whether two marks of one second agree; None where they have nothing in common."""
    tolerance = (1.6e-5, 1.6e-5, 1.01, 1.01)
    compared = [
        abs(x - y) <= limit for x, y, limit in zip(a, b, tolerance, strict=True) if math.isfinite(x - y)
    ]
    return all(compared) if compared else None


@dataclass(eq=False)  # not frozen: the protocol's attributes are plain ones
class TrackReader:
    """A `hpcflow.data.readers.base.Reader` of files that hold one activity each.

    Attributes
    ----------
    load : callable
        Decodes a whole file and checks it; raises `DataError` for one that cannot be used.
    per_byte : float
        Bytes that decoding takes at most for each byte of the file.
    """

    name: str
    version: int
    suffixes: tuple[str, ...]
    load: Callable[[Path], Track] = field(repr=False)
    per_byte: float

    def scan(self, path: Path, options: Mapping[str, Any]) -> tuple[ScannedRecord, ...]:
        """See `hpcflow.data.readers.base.Reader`. The whole file is decoded."""
        return (weighed(self.load(path), path, self.per_byte),)

    def read(
        self, path: Path, channel: str, start: int, stop: int, options: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """See `hpcflow.data.readers.base.Reader`."""
        return {key: x[start:stop] for key, x in self.load(path).values.items()}

    duplicates = staticmethod(duplicates)
