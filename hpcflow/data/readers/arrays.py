"""A reader for files that hold named arrays: the formats open a file, this module does the rest.

MATLAB, HDF5, CSV and Parquet differ in how they name and load arrays, and in nothing else that a dataset
sees. Each gives a `Contents`; `FileReader` picks the arrays that the workflow's patterns select, sorts them
into channels, finds the time axis and the header facts, and answers `scan` and `read`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.base import Quantity, ScannedRecord, ScannedVariable
from hpcflow.data.readers.contents import Contents
from hpcflow.data.readers.guard import reading
from hpcflow.data.readers.kinds import as_promised
from hpcflow.data.readers.select import (
    Channel,
    all_patterns,
    channels,
    fact_for,
    first_matches,
    patterns,
    variable_name,
)
from hpcflow.data.readers.timeaxis import TIME, fault_of, rate_of_parts, seconds
from hpcflow.errors import DataError

RATE = "sampling_rate"
"""The fact that holds samples per second."""

RATE_NAMES = frozenset(
    ("sampling_rate", "sample_rate", "samplerate", "sampling_frequency", "sample_frequency", "fs")
)
"""Names under which a header's sampling rate is found without asking; in Hz where it has no units."""


FAULT = "time_axis"
"""The fact that says why a record has no rate though it has time stamps."""

MOST_RATES = 4096
"""Time axes whose rates are remembered."""

_RATES: dict[tuple[tuple[str, int, int], str, str | None], tuple[float, str]] = {}
"""Rate, NaN where irregular, and what keeps it from being regular, by state of the file, array and units:
ingest reads a long record in many stretches, and its time axis is as long as the record."""


@dataclass(frozen=True)
class _Picked:
    """A channel with its size and time axis."""

    channel: Channel
    size: int
    rate: float | None = None
    """By the time axis: NaN where irregular, None where there is none."""
    stamps: str | None = None
    """The array that is the time axis."""
    units: str | None = None
    """Of a time axis in numbers."""
    fault: str = ""
    """What keeps the time axis from being regular."""

    @property
    def irregular(self) -> bool:
        """Whether time stamps are a variable."""
        return self.rate is not None and math.isnan(self.rate)

    def seconds(self, contents: Contents, start: int, stop: int) -> np.ndarray:
        """Time stamps [start, stop), in seconds since the first one of all."""
        source = self.stamps or ""
        first = contents.load([source], 0, 1)[source]
        return seconds(contents.load([source], start, stop)[source], self.units, first)


@dataclass(frozen=True)
class FileReader:
    """A `Reader` made of a function that opens a file.

    Attributes
    ----------
    name, version, suffixes
        See `hpcflow.data.readers.base.Reader`.
    kind : str
        What a file is called in messages, like "a MATLAB file".
    open : callable
        ``open(path, patterns)`` gives a context that yields the file's `Contents`; `patterns` are all that
        will be asked for, so that a format may skip the rest.
    slices : bool
        Whether a stretch is read without decoding the whole array.
    """

    name: str
    version: int
    suffixes: tuple[str, ...]
    kind: str
    open: Callable[[Path, Sequence[str]], AbstractContextManager[Contents]] = field(repr=False)
    slices: bool = False

    def scan(self, path: Path, options: Mapping[str, Any]) -> tuple[ScannedRecord, ...]:
        """Records of a file, one per channel.

        Parameters
        ----------
        path : Path
        options : mapping
            The dataset's `variables` and `facts`.

        Raises
        ------
        DataError
            In one sentence that follows the file's name, with what to do about it.
        """
        with reading(path, self.kind), self.open(path, all_patterns(options)) as contents:
            picked = [_with_time(contents, one, _state(path)) for one in _channels(contents, options)]
            contents.verify(sorted({name for one in picked for name in one.channel.arrays.values()}))
            several = len({one.channel.wild for one in picked}) > 1
            return tuple(_record(contents, one, options, several) for one in picked)

    def read(
        self, path: Path, channel: str, start: int, stop: int, options: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Samples [start, stop) of every variable of one channel.

        Returns
        -------
        dict of str to ndarray, shape (stop - start,)
            Of the types that `scan` told, in the file's units; irregular `time` stamps as float64 seconds.

        Raises
        ------
        DataError
            If the file cannot be read, has no such channel or fewer samples.
        """
        with reading(path, self.kind), self.open(path, all_patterns(options)) as contents:
            one = _with_time(contents, _one_channel(contents, channel, options), _state(path))
            if not 0 <= start <= stop <= one.size:
                raise DataError(
                    f"has {one.size} samples where [{start}, {stop}) were expected: it changed since it was "
                    "scanned, so scan again"
                )
            arrays = {name: source for name, source in one.channel.arrays.items() if name != TIME}
            loaded = contents.load(list(dict.fromkeys(arrays.values())), start, stop)
            found = {
                name: as_promised(loaded[source], contents.arrays[source].dtype)
                for name, source in arrays.items()
            }
            if one.irregular:
                found[TIME] = one.seconds(contents, start, stop)
            short = [name for name, values in found.items() if len(values) != stop - start]
            if short:
                raise DataError(
                    f"holds fewer samples of {listing(short)} than it promises: it was cut short or damaged, "
                    "copy it again from its source"
                )
            return found

    def units(self, path: Path, channel: str, options: Mapping[str, Any]) -> dict[str, str | None]:
        """Units of one channel's variables as the file states them, without reading samples.

        Raises
        ------
        DataError
            As `read`.
        """
        with reading(path, self.kind), self.open(path, all_patterns(options)) as contents:
            return _units(contents, _one_channel(contents, channel, options))


def listing(names: Iterable[str], most: int = 8) -> str:
    """Some names for a message, and how many more there are."""
    every = list(names)
    shown = ", ".join(name if name.isprintable() else repr(name) for name in every[:most])
    return (f"{shown} and {len(every) - most} more" if len(every) > most else shown) or "nothing"


def _channels(contents: Contents, options: Mapping[str, Any]) -> tuple[Channel, ...]:
    variables = options.get("variables") or {}
    usable = [name for name, array in contents.arrays.items() if not array.fault]
    if not variables:
        return (_everything(contents, usable),)
    found = channels(usable, variables)
    kept = tuple(one for one in found if set(one.arrays) - {TIME})
    if kept:
        return kept
    for name, entry in variables.items():
        for hit in first_matches(entry, name, contents.arrays):
            fault = contents.arrays[hit.name].fault
            if fault:
                raise DataError(
                    f"has {hit.name} for {name}, which {fault}: select an array of real numbers "
                    "with one value per sample"
                )
    wanted = "; ".join(f"{name} ({', '.join(patterns(entry, name))})" for name, entry in variables.items())
    raise DataError(
        f"holds nothing that matches {wanted}; it holds {listing(contents.arrays)}: "
        "correct `select`, or leave the file out"
    )


def _one_channel(contents: Contents, channel: str, options: Mapping[str, Any]) -> Channel:
    found = _channels(contents, options)
    for one in found:
        if one.name == channel:
            return one
    raise DataError(
        f"has no channel {channel!r} (it has {listing(repr(one.name) for one in found)}): "
        "it changed since it was scanned, so scan again"
    )


def _everything(contents: Contents, usable: Sequence[str]) -> Channel:
    """Without `variables:`, each array of the greatest length is a variable named after it."""
    sizes = {name: contents.size(name) for name in usable if name != contents.time}
    longest = max(sizes.values(), default=0)
    arrays: dict[str, str] = {}
    for source, size in sizes.items():
        if size == longest:
            name, number = variable_name(source), 2
            while name in arrays:
                name, number = f"{variable_name(source)}_{number}", number + 1
            arrays[name] = source
    if not set(arrays) - {TIME}:
        raise DataError(
            f"holds no array of real numbers; it holds {listing(contents.arrays)}: leave the file out"
        )
    return Channel("", arrays, ())


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return str(path), state.st_size, state.st_mtime_ns


def _with_time(contents: Contents, channel: Channel, state: tuple[str, int, int]) -> _Picked:
    sizes = {name: contents.size(source) for name, source in channel.arrays.items()}
    size = max(sizes.values())
    if len(set(sizes.values())) > 1:
        lengths = ", ".join(f"{name} {count}" for name, count in sizes.items())
        raise DataError(
            f"has variables of unequal length ({lengths} samples): select arrays that were sampled together, "
            "or make them two datasets"
        )
    if size == 0:
        raise DataError(f"holds no samples in {listing(channel.arrays.values())}: leave the file out")
    source = channel.arrays.get(TIME)
    if source is None:
        source = contents.time if contents.time not in channel.arrays.values() else None
        if source is None or contents.size(source) != size:
            return _Picked(channel, size)
    units = contents.arrays[source].units or channel.units.get(TIME)
    known = _RATES.get((state, source, units))
    if known is None:
        first = contents.load([source], 0, 1)[source]

        def parts() -> Iterator[np.ndarray]:
            for start, stop in contents.stretches(source):
                yield seconds(contents.load([source], start, stop)[source], units, first)

        found = rate_of_parts(size, parts)
        known = found, fault_of(parts()) if math.isnan(found) else ""
        if len(_RATES) >= MOST_RATES:
            _RATES.clear()
        _RATES[state, source, units] = known
    return _Picked(channel, size, known[0], source, units, known[1])


def _units(contents: Contents, channel: Channel) -> dict[str, str | None]:
    """Units of the variables: the file's own, else the workflow's; never two that contradict each other."""
    from hpcflow.units import dimension_of

    found: dict[str, str | None] = {}
    for name, source in channel.arrays.items():
        own, given = contents.arrays[source].units, channel.units.get(name)
        kinds = [dimension_of(text) for text in (own, given) if text]
        if own and given and None not in kinds and kinds[0] != kinds[1]:
            raise DataError(
                f"has {source} in {own} ({kinds[0]}) where the workflow says {given} ({kinds[1]}): "
                f"correct `units` or `select` of {name}"
            )
        found[name] = own or given
    return {**found, TIME: "s"}


def _record(contents: Contents, one: _Picked, options: Mapping[str, Any], several: bool) -> ScannedRecord:
    units = _units(contents, one.channel)
    variables = [
        ScannedVariable(name, contents.arrays[source].dtype, units[name])
        for name, source in one.channel.arrays.items()
        if name != TIME
    ]
    if one.irregular:
        variables.append(ScannedVariable(TIME, "float64", "s"))
    facts = _facts(contents, one.channel, options, several)
    if one.fault:
        facts.setdefault(FAULT, Quantity(one.fault))
    stated = facts.pop(RATE, None)
    asked = RATE in (options.get("facts") or {})
    rate = _hertz(stated) if stated is not None and (asked or one.rate is None) else one.rate
    held, each = _memory(contents, one)
    return ScannedRecord(one.channel.name, one.size, rate, tuple(variables), facts, held, each)


def _memory(contents: Contents, one: _Picked) -> tuple[int, float]:
    """What `FileReader.read` takes: the larger of finding the rate and of loading the samples after it."""
    names = {source for name, source in one.channel.arrays.items() if name != TIME}
    if one.stamps is None:
        return contents.held(sorted(names))
    held, each = contents.held(sorted(names | {one.stamps}))
    longest = max(stop - start for start, stop in contents.stretches(one.stamps))
    stamps, every = contents.held([one.stamps])
    fitted = stamps + longest * (every + 8)  # as they are in the file, and as seconds
    return max(held, math.ceil(fitted)), each + (8 if one.irregular else 0)


def _hertz(stated: Quantity) -> float | None:
    from hpcflow.units import UnitError, convert

    units = "Hz" if stated.units in (None, "1", "") else stated.units
    try:
        rate = float(stated.value) * convert(units, "frequency")[0]
    except UnitError as error:
        raise DataError(
            f"states its sampling rate in {units!r}: {error.rule}; {error.remedy}, "
            "or give the rate in the index"
        ) from None
    except ValueError:
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def _facts(
    contents: Contents, channel: Channel, options: Mapping[str, Any], several: bool
) -> dict[str, Quantity]:
    asked = options.get("facts") or {}
    found = {}
    for fact, entry in asked.items():
        hit = fact_for(channel, first_matches(entry, fact, contents.values), several)
        value = None if hit is None else contents.value(hit.name)
        value = None if hit is None or value is None else _stated(value, hit.units)
        if value is not None:
            found[fact] = value
    if RATE not in asked:
        named = [name for name in contents.values if _is_rate_name(name)]
        value = contents.value(named[0]) if len(named) == 1 else None
        value = None if value is None else _stated(value, "Hz")
        if value is not None:
            found[RATE] = value
    if "start_time" not in asked and "start_time" in contents.values:
        value = contents.value("start_time")
        if value is not None and isinstance(value.value, str):
            found["start_time"] = value
    return found


def _is_rate_name(name: str) -> bool:
    last = re.split(r"[./@]", name)[-1]
    return re.sub(r"[\s_-]+", "_", last.strip().lower()) in RATE_NAMES


def _stated(value: Quantity, units: str | None) -> Quantity | None:
    """A header value as a number where units are known, else as it is; None if not what was asked."""
    if units == "text":
        text = value.value if isinstance(value.value, str) else f"{value.value:.15g}"
        return Quantity(text) if text.strip() else None
    number = value.value
    if isinstance(number, str):
        if units is None:
            return Quantity(number) if number.strip() else None
        try:
            number = float(number)
        except ValueError:
            return None
    return Quantity(float(number), value.units or units or "1") if math.isfinite(number) else None
