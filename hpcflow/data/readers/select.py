"""Which arrays of a file are which variable of which channel: the `select` patterns of a workflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

CHANNEL = "{channel}"
"""Placeholder of a pattern: the text in its place is the channel's name."""

_WITH_UNITS = re.compile(r"(.*\S)\s+\[([^\[\]]+)\]", re.DOTALL)

_TOKEN = re.compile(r"\{channel\}|\*|\?|\[!?\]?[^\]]*\]")


@dataclass(frozen=True)
class Match:
    """How a name matched a pattern."""

    name: str
    channel: str | None
    """Text in the place of `{channel}`; None where the pattern has none."""
    wild: tuple[str, ...]
    """Texts in the places of `*`, `?` and `[...]`."""
    units: str | None = None
    """Units that the pattern, or the entry it stands in, gives to what it selects."""


@dataclass(frozen=True)
class Channel:
    """One record of a file, as the patterns find it."""

    name: str
    arrays: Mapping[str, str]
    """Variable to the array that holds it."""
    wild: tuple[str, ...]
    """What the wildcards matched in the first of these arrays."""
    units: Mapping[str, str | None] = field(default_factory=dict)
    """Variable to the units that the workflow gives it."""


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> tuple[re.Pattern[str], int | None]:
    """Regular expression of a pattern, and which of its groups is the channel."""
    parts, place, position = [], None, 0
    for group, token in enumerate(_TOKEN.finditer(pattern), 1):
        parts.append(re.escape(pattern[position : token.start()]))
        position = token.end()
        text = token.group()
        if text == CHANNEL:
            if place is not None:
                raise ValueError(f"{pattern!r} holds {CHANNEL} twice; once is enough")
            place = group
            parts.append("(.+?)")
        elif text == "*":
            parts.append("(.*?)")
        elif text == "?":
            parts.append("(.)")
        else:
            inner = text[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            inner = "^" + inner[1:] if inner.startswith("!") else inner.replace("^", "\\^")
            parts.append(f"([{inner}])")
    parts.append(re.escape(pattern[position:]))
    try:
        return re.compile("".join(parts), re.DOTALL), place
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a pattern ({error})") from None


def match(pattern: str, name: str) -> Match | None:
    """Match a whole name against one pattern.

    `*` and `{channel}` take as little as they can, from left to right; `{channel}` takes at least one
    character. Letters count in their case.

    Raises
    ------
    ValueError
        If the pattern is malformed.

    Examples
    --------
    >>> match("X*_{channel}_time", "X105_DE_time")
    Match(name='X105_DE_time', channel='DE', wild=('105',), units=None)
    >>> match("bearing.gs", "bearing.sr") is None
    True
    """
    expression, place = _compile(pattern)
    found = expression.fullmatch(name)
    if found is None:
        return None
    groups = found.groups()
    wild = tuple(text for number, text in enumerate(groups, 1) if number != place)
    return Match(name, groups[place - 1] if place else None, wild)


def patterns(entry: Mapping[str, Any] | None, name: str) -> tuple[str, ...]:
    """Patterns of one entry of `variables:` or `facts:`; its own name where it gives none."""
    return tuple(pattern for pattern, _ in _wanted(entry, name))


def _wanted(entry: Mapping[str, Any] | None, name: str) -> tuple[tuple[str, str | None], ...]:
    """Patterns with their units: ``X*RPM [rpm]`` is in rpm, others are in the entry's units."""
    select = (entry or {}).get("select") or name
    every = (select,) if isinstance(select, str) else tuple(select)
    units = (entry or {}).get("units")
    found = (_WITH_UNITS.fullmatch(text) for text in every)
    return tuple(
        (hit[1], hit[2].strip()) if hit else (text, units) for text, hit in zip(every, found, strict=True)
    )


def all_patterns(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Every pattern of a dataset's options."""
    found: list[str] = []
    for section in ("variables", "facts"):
        for name, entry in (options.get(section) or {}).items():
            found.extend(patterns(entry, name))
    return tuple(found)


def check_patterns(options: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Malformed patterns, as (place like ``variables.acceleration.select``, pattern, what is wrong)."""
    problems = []
    for section in ("variables", "facts"):
        for name, entry in (options.get(section) or {}).items():
            for pattern in patterns(entry, name):
                try:
                    _compile(pattern)
                except ValueError as error:
                    problems.append((f"{section}.{name}.select", pattern, str(error)))
    return problems


def first_matches(entry: Mapping[str, Any] | None, own: str, names: Iterable[str]) -> list[Match]:
    """Names that an entry selects, in the order of the names; for each, its first pattern counts.

    Parameters
    ----------
    entry : mapping or None
        With `select` and `units`.
    own : str
        The entry's name, which is its pattern where it has no `select`.
    names : iterable of str
    """
    wanted = _wanted(entry, own)
    found = []
    for name in names:
        for pattern, units in wanted:
            hit = match(pattern, name)
            if hit is not None:
                found.append(replace(hit, units=units))
                break
    return found


def _trim(text: str) -> str:
    return text.strip(" _-./:")


def _labels(hits: Sequence[Match], rank: int) -> list[str]:
    """Channel names at three ranks: the plain rule, with all wildcards, the whole name."""
    if rank == 2:
        return [hit.name for hit in hits]
    labels = []
    for hit in hits:
        wild = [_trim(text) for text in hit.wild]
        if hit.channel is None:
            parts = wild
        elif rank == 0:
            parts = [hit.channel]
        else:
            parts = [*wild, hit.channel]
        labels.append("_".join(part for part in parts if part))
    return labels


def channels(names: Sequence[str], variables: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Sort a file's arrays into channels.

    The channel's name is the text in the place of `{channel}`. Without the placeholder, a variable that is
    found once belongs to every channel of the file, or makes a record without a channel name; one that is
    found several times has a channel for each, called by what the wildcards matched. Where two arrays of one
    variable would thus get the same channel, the file's channels carry the wildcards' text too (``098_DE``,
    ``099_DE``), and if that does not tell them apart either, the arrays' whole names.

    Parameters
    ----------
    names : sequence of str
        The file's arrays, in its order.
    variables : mapping
        The dataset's `variables:` section.

    Returns
    -------
    tuple of Channel
        In the order of the file; empty where nothing matches.

    Examples
    --------
    >>> found = channels(["X98_DE", "X98_FE", "X98RPM"], {"acceleration": {"select": "X*_{channel}"}})
    >>> [(c.name, dict(c.arrays)) for c in found]
    [('DE', {'acceleration': 'X98_DE'}), ('FE', {'acceleration': 'X98_FE'})]
    """
    hits = {name: first_matches(entry, name, names) for name, entry in variables.items()}
    for rank in range(3):
        labels = {name: _labels(found, rank) for name, found in hits.items()}
        if all(len(set(given)) == len(given) for given in labels.values()):
            break
    alone = {name for name, found in hits.items() if len(found) == 1 and found[0].channel is None}
    known = {label for name, given in labels.items() if name not in alone for label in given}
    labels.update({name: [""] for name in alone if labels[name][0] not in known})
    grouped: dict[str, dict[str, Match]] = {}
    for name, found in hits.items():
        for hit, label in zip(found, labels[name], strict=True):
            grouped.setdefault(label, {})[name] = hit
    shared = grouped.pop("", {}) if len(grouped) > 1 else {}
    position = {name: number for number, name in enumerate(names)}
    ordered = sorted(grouped.items(), key=lambda item: min(position[hit.name] for hit in item[1].values()))
    sorted_out = []
    for label, own in ordered:
        every = {name: {**shared, **own}[name] for name in variables if name in own or name in shared}
        arrays = {name: hit.name for name, hit in every.items()}
        units = {name: hit.units for name, hit in every.items()}
        sorted_out.append(Channel(label, arrays, next(iter(own.values())).wild, units))
    return tuple(sorted_out)


def fact_for(channel: Channel, hits: Sequence[Match], several: bool) -> Match | None:
    """The header value that speaks of a channel; None where none does or more than one might.

    Parameters
    ----------
    channel : Channel
    hits : sequence of Match
        Header values that match the fact's patterns.
    several : bool
        Whether the file's channels differ in what the wildcards matched; a value then must match the same
        text (``X098RPM`` speaks of ``X098_DE_time`` and not of ``X099_DE_time``).
    """
    fitting = [hit for hit in hits if hit.channel is None or hit.channel == channel.name]
    same = [hit for hit in fitting if hit.wild and hit.wild == channel.wild[: len(hit.wild)]]
    plain = [hit for hit in fitting if not hit.wild]
    for group in (same, plain, [] if several else fitting):
        if len(group) == 1:
            return group[0]
        if group:
            return None
    return None


def variable_name(text: str) -> str:
    """A variable name made from a header: lower case, words joined by underscores.

    >>> variable_name("Volume Flow RateRMS"), variable_name("2nd x")
    ('volume_flow_raterms', 'v_2nd_x')
    """
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "v"
    return name if name[0].isalpha() else f"v_{name}"
