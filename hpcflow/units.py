"""Quantities: text with a unit in, SI floats out; and the factors that bring recorded data to SI.

A small registry of our own decides what a unit means, because a workflow must mean the same everywhere:
``rpm`` and ``bpm`` are 1/min, ``g`` is an acceleration only where an acceleration is asked for, ``GB`` is
not ``GiB``. For units of recorded data that it does not know, pint lends the vocabulary (imported late).

>>> parse_quantity("2 kHz", "frequency")
2000.0
>>> convert("g", "acceleration")
(9.80665, 0.0, 'm s-2')
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from hpcflow.errors import RequestError
from hpcflow.unit_tables import (
    ALIASES,
    DIMENSIONS,
    HINTS,
    OFFSETS,
    PREFIXES,
    SYMBOLS,
    TWO_FACED,
    Dimension,
    Symbol,
    Vector,
    exponents,
)
from hpcflow.words import suggest


class UnitError(RequestError, ValueError):
    """A quantity or a unit that cannot be read.

    Attributes
    ----------
    rule, value, remedy
        What must hold, what was found, what to write instead.
    """

    def __init__(self, rule: str, value: str, remedy: str) -> None:
        self.rule, self.value, self.remedy = rule, value, remedy
        super().__init__(f"{rule} (found {value}); {remedy}" if value else f"{rule}; {remedy}")


_DEGREES = frozenset(name for name, symbol in SYMBOLS.items() if symbol == SYMBOLS["degree"])

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*(.*)", re.DOTALL)
_FACTOR = re.compile(r"([A-Za-z_%]+|1)(?:(?:\^|\*\*)?([+-]?[0-9]))?")
_GLYPHS = str.maketrans(
    dict.fromkeys("\u00b5\u03bc", "u")
    | dict.fromkeys("\u03a9\u2126", "ohm")
    | dict.fromkeys("\u00b7\u22c5\u00d7\u00a0\u202f", " ")
    | dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
)
"""Other glyphs for micro, ohm, the dot of a product, no-break spaces, superscripts."""

_MAX_TEXT = 80


def dimension(name: str) -> Dimension:
    """Look a dimension up by its name or another name for it.

    Raises
    ------
    ValueError
        If no dimension has that name: a fault of the contract or workflow that names it.
    """
    found = DIMENSIONS.get(ALIASES.get(name, name))
    if found is None:
        raise ValueError(f"no dimension is called {name!r}; known: {', '.join(DIMENSIONS)}")
    return found


def parse_quantity(text: object, dimension_name: str) -> float:
    """Read a number with a unit, as SI.

    Parameters
    ----------
    text : str, int or float
        ``"2 kHz"``, ``"50 %"``. A bare number is accepted only where the SI unit is 1; as a fraction only
        up to 1, since 50 without a unit may mean 50 or 50 %.
    dimension_name : str
        What is asked for: a key of `DIMENSIONS` or of `ALIASES`.

    Returns
    -------
    float
        Correctly rounded: the decimal number times the exact factor.

    Raises
    ------
    UnitError
        No unit, an unknown unit, another dimension, or not a number at all.

    Examples
    --------
    >>> parse_quantity("0.5 g", "acceleration")
    4.903325
    >>> parse_quantity("1797 rpm", "frequency")
    29.95
    >>> parse_quantity("4 GiB", "information"), parse_quantity("4 GB", "information")
    (4294967296.0, 4000000000.0)
    """
    asked = dimension(dimension_name)
    rule = f"must be {_article(asked.name)}, a number with a unit ({_list(asked)})"
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise UnitError(rule, repr(text)[:_MAX_TEXT], f"write it like {_example(asked)}")
    if not isinstance(text, str):
        return _bare(text, asked, rule)
    shown = repr(text[:_MAX_TEXT])
    match = _QUANTITY.fullmatch(text.translate(_GLYPHS).strip())
    if match is None or len(text) > _MAX_TEXT:
        raise UnitError(rule, shown, f"write the number first, then the unit, like {_example(asked)}")
    number, units = match.groups()
    if not units:
        return _bare(float(number), asked, rule, shown)
    if units.startswith((",", ".", "_", ":", "'")):
        raise UnitError(rule, shown, f"write a plain decimal number with a point, like {_example(asked)}")
    factor, vector, offset = _evaluate(units, asked.name, rule, shown)
    if vector != _vector_of(asked):
        raise UnitError(rule, f"{shown}, which is {_what(vector)}", _dimension_remedy(units, asked))
    try:
        return float(Fraction(number) * factor) + offset
    except OverflowError:
        raise UnitError("must be a finite number", shown, f"write it like {_example(asked)}") from None


def parse_literal(value: object, dimension_name: str | None = None) -> tuple[float | str, str]:
    """Read a fact: a quantity where it looks like one, else a text.

    Parameters
    ----------
    value : str, int or float
        ``"1797 rpm"``, ``12.5``, ``"SKF 6205-2RS"``.
    dimension_name : str, optional
        What the fact must be; ``text`` for a text, None if not known.

    Returns
    -------
    value : float or str
        In SI, or the text as it is.
    units : str
        SI units, or ``"text"``.

    Raises
    ------
    UnitError
        If a dimension is asked for and the value does not have it.

    Examples
    --------
    >>> parse_literal("1797 rpm")
    (29.95, 's-1')
    >>> parse_literal("SKF 6205-2RS")
    ('SKF 6205-2RS', 'text')
    """
    if dimension_name == "text":
        return str(value), "text"
    if dimension_name is not None:
        return parse_quantity(value, dimension_name), dimension(dimension_name).si
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), "1"
    text = str(value)
    match = _QUANTITY.fullmatch(text.translate(_GLYPHS).strip())
    if match is None or len(text) > _MAX_TEXT:
        return text, "text"
    number, units = match.groups()
    try:
        factor, vector, offset = _evaluate(units, None, "", text) if units else (Fraction(1), (), 0.0)
        return float(Fraction(number) * factor) + offset, _spelling(vector, units)
    except (UnitError, OverflowError):
        return text, "text"


def parse_budget(text: object) -> tuple[str, float]:
    """Read a budget of computing time.

    Returns
    -------
    kind : str
        ``gpu_hours`` or ``core_hours``.
    hours : float

    Raises
    ------
    UnitError
        If it is neither.

    Examples
    --------
    >>> parse_budget("10 GPUh"), parse_budget("2.5 kcoreh")
    (('gpu_hours', 10.0), ('core_hours', 2500.0))
    """
    rule = "must be a budget, a positive number with the unit GPUh or coreh (kGPUh, kcoreh, CPUh)"
    if isinstance(text, str):
        for kind, name in (("gpu_hours", "gpu_time"), ("core_hours", "core_time")):
            try:
                hours = parse_quantity(re.sub(r"(GPU|core|CPU)-h\b", r"\1h", text), name) / 3600
            except UnitError:
                continue
            if hours > 0:
                return kind, hours
    raise UnitError(rule, repr(text)[:_MAX_TEXT], "write it like 10 GPUh or 500 coreh")


def convert(units: str, dimension_name: str | None = None) -> tuple[float, float, str]:
    """Say how data in some units become SI: ``si = data * factor + offset``.

    Parameters
    ----------
    units : str
        As a file or a workflow spells them: ``g``, ``mm/s``, ``m s-2``, ``degC``, ``bpm``, ``""``.
    dimension_name : str, optional
        The dimension that is known to be meant; it decides what ``g`` is.

    Returns
    -------
    factor, offset : float
    si_units : str
        One spelling per dimension (``m s-2``, ``s-1`` for every frequency). ``degree``, ``count`` and ``dB``
        stay as they are.

    Raises
    ------
    UnitError
        Unknown or ambiguous units, or units of another dimension.

    Examples
    --------
    >>> convert("mm/s"), convert("degC"), convert("bpm")[2]
    ((0.001, 0.0, 'm s-1'), (1.0, 273.15, 'K'), 's-1')
    """
    text = _clean(units)
    shown = repr(units[:_MAX_TEXT])
    if not text:
        return 1.0, 0.0, "1"
    factor, vector, offset = _evaluate(text, dimension_name, "", shown, lend=True)
    if dimension_name is not None:
        asked = dimension(dimension_name)
        if vector != _vector_of(asked):
            rule = f"must be units of {asked.name} ({_list(asked)})"
            raise UnitError(rule, f"{shown}, which is {_what(vector)}", "correct the units or the dimension")
    if text in _DEGREES:
        return 1.0, 0.0, "degree"
    return float(factor), offset, _spelling(vector, text, dimension_name)


def dimension_of(units: str) -> str | None:
    """Name the dimension of some units; None where it has no name or the units are not known.

    >>> dimension_of("mm/s"), dimension_of("Hz"), dimension_of("m2 s-3")
    ('speed', 'frequency', None)
    """
    text = _clean(units) or "1"
    try:
        _, vector, _ = _evaluate(text, None, "", units, lend=True)
    except UnitError:
        return None
    return _name(vector, text)


def compatible(units: str, dimension_name: str) -> bool:
    """Whether data in some units can be what a dimension asks for.

    >>> compatible("g", "acceleration"), compatible("g", "power"), compatible("", "fraction")
    (True, False, True)
    """
    if dimension_name == "text" or units == "text":
        return dimension_name == units
    try:
        convert(units, dimension_name)
    except UnitError:
        return False
    return True


def derive(rule: str, units: str, ports: Mapping[str, str] | None = None) -> str:
    """Units of a kernel's output from its rule and the units of its inputs.

    Parameters
    ----------
    rule : str
        Literal units, or ``same``, ``same^2``, ``same^2 Hz-1``, ``same s``, or with the names of ports in
        braces, ``{response} {excitation}-1``.
    units : str
        Units of the first input, in SI spelling.
    ports : mapping of str to str, optional
        Units of the inputs by port, for rules that name them.

    Examples
    --------
    >>> derive("same^2 Hz-1", "m s-2"), derive("same", "W"), derive("K", "W")
    ('m2 s-4 Hz-1', 'W', 'K')
    >>> derive("{y} {x}-1", "N", {"x": "N", "y": "m s-2"})
    'm s-2 N-1'
    """
    powers: dict[str, int] = {}
    for word in rule.split():
        match = re.fullmatch(r"(?:same|\{(\w+)\})(?:\^?(-?[0-9]))?", word)
        times = int(match[2] or 1) if match else 1
        meant = word if match is None else (ports or {})[match[1]] if match[1] else units
        for factor in meant.split():
            parts = _FACTOR.fullmatch(factor)
            name, power = (parts[1], int(parts[2] or 1)) if parts else (factor, 1)
            powers[name] = powers.get(name, 0) + power * times
    words = [
        f"{name}{'' if power == 1 else power}" for name, power in powers.items() if power and name != "1"
    ]
    return " ".join(words) or "1"


def format_bytes(count: float) -> str:
    """Write a number of bytes for people, in powers of 1024.

    >>> format_bytes(1536), format_bytes(4 * 1024**3), format_bytes(12)
    ('1.5 KiB', '4 GiB', '12 B')
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size) < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.4g} PiB"


def format_duration(seconds: float) -> str:
    """Write a duration for people.

    >>> format_duration(0.35), format_duration(7500), format_duration(59.96), format_duration(200000)
    ('350 ms', '2 h 05 min', '1 min 00 s', '2 d 08 h')
    """
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if 0 < seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    if (whole := round(seconds)) < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if (minutes := round(seconds / 60)) < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24:02d} h"


def format_quantity(value: float, dimension_name: str) -> str:
    """Write an SI value with a unit of its dimension so that the number is easy to read.

    >>> format_quantity(2000, "frequency"), format_quantity(0.5, "fraction"), format_quantity(90, "duration")
    ('2 kHz', '50 %', '90 s')
    """
    asked = dimension(dimension_name)
    if asked.name == "information":
        return format_bytes(value)
    if asked.name == "fraction":
        return f"{value * 100:.6g} %"
    if asked.name == "dimensionless":
        return f"{value:.6g}"
    if asked.name == "temperature":
        return f"{value - 273.15:.6g} degC"
    sizes = [
        (float(_evaluate(unit, asked.name, "", "")[0]), unit) for unit in asked.steps or asked.listed[:1]
    ]
    small = [(size, unit) for size, unit in sizes if size <= abs(value)] or sizes[:1]
    if (
        asked.name == "duration"
    ):  # 90 s stays 90 s, 5400 s is 90 min: no unit above 1 s that leaves a fraction
        small = [(size, unit) for size, unit in small if size <= 1 or value % size == 0]
    size, unit = small[-1] if value else next((pair for pair in sizes if pair[0] == 1), sizes[0])
    return f"{value / size:.6g} {unit}"


_SPOKEN = {"information": "an amount of data", "gpu_time": "GPU time", "core_time": "core time"}


def _article(name: str) -> str:
    spoken = name.replace("_", " ")
    return _SPOKEN.get(name) or f"{'an' if spoken[0] in 'aeiou' else 'a'} {spoken}"


def _list(asked: Dimension) -> str:
    return ", ".join(unit for unit in asked.listed if unit != "1")


def _example(asked: Dimension) -> str:
    return f"10 {asked.listed[0]}"


def _what(vector: Vector) -> str:
    name = _names().get(vector)
    return _article(name) if name else f"in {_base_spelling(vector)}"


def _bare(number: float, asked: Dimension, rule: str, shown: str = "") -> float:
    shown = shown or str(number)[:_MAX_TEXT]
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise UnitError("must be a finite number", shown, f"write it like {_example(asked)}")
    if asked.name == "dimensionless" or (asked.name == "fraction" and abs(value) <= 1):
        return value
    example = f"{value:.15g} {asked.listed[0]}"
    raise UnitError(
        f"{rule}; a number alone does not say what it counts", shown, f"add the unit, like {example}"
    )


def _dimension_remedy(units: str, asked: Dimension) -> str:
    if units == "m" and asked.name == "duration":
        return "m is the metre; write min for minutes"
    return f"write it in one of these units, like {_example(asked)}"


def _clean(units: str) -> str:
    text = units.translate(_GLYPHS).strip()
    if len(text) > _MAX_TEXT:
        raise UnitError("must be known units", repr(text[:_MAX_TEXT]), "shorten them")
    text = text.replace("°C", "degC").replace("°F", "degF").replace("°", "degree")
    return re.sub(r"\b(GPU|core|CPU)-h\b", r"\1h", text)


@lru_cache(4096)
def _evaluate(
    units: str, dimension_name: str | None, rule: str, shown: str, lend: bool = False
) -> tuple[Fraction, Vector, float]:
    """Factor, base exponents and offset of a unit expression; products, quotients and small powers."""
    text = _clean(units)
    factor, vector = _product(text, rule, shown, lend, gravity=False)
    offset = OFFSETS.get(text, 0.0)
    if not _two_faced(text):
        return factor, vector, offset
    other_factor, other = _product(text, rule, shown, lend, gravity=True)
    asked = _vector_of(dimension(dimension_name)) if dimension_name and dimension_name != "text" else None
    if asked is not None:
        if other == asked:
            return other_factor, other, offset
        if vector == asked:
            return factor, vector, offset
    elif (vector in _names()) != (other in _names()):
        return (factor, vector, offset) if vector in _names() else (other_factor, other, offset)
    gravity, gram = (
        re.sub(r"(?<![A-Za-z_])(m?)g(?![A-Za-z_])", rf"\1{word}", text) for word in ("gn", "gram")
    )
    meaning = (
        f"{text} may be the standard gravity or the gram, and is read as an acceleration only where an "
        "acceleration is asked for"
    )
    remedy = (
        f"write {gravity} for the standard gravity (or state dimension: acceleration), {gram} for the mass"
    )
    raise UnitError(f"{rule}; {meaning}" if rule else meaning, shown, remedy)


def _two_faced(text: str) -> bool:
    return any(match[1] in TWO_FACED for match in _FACTOR.finditer(text))


def _product(text: str, rule: str, shown: str, lend: bool, *, gravity: bool) -> tuple[Fraction, Vector]:
    factor, powers = Fraction(1), dict[str, int]()
    for sign, word in _words(text, rule, shown):
        match = _FACTOR.fullmatch(word)
        if match is None:
            raise _unknown(word, rule, shown)
        power = sign * int(match[2] or 1)
        symbol = _symbol(match[1], rule, shown, lend, gravity)
        factor *= symbol.factor**power
        for base, exponent in symbol.vector:
            powers[base] = powers.get(base, 0) + exponent * power
    return factor, exponents(**powers)


def _words(text: str, rule: str, shown: str) -> list[tuple[int, str]]:
    """Split ``m/s^2`` into (1, "m"), (-1, "s^2"); a slash divides by the next word alone."""
    spaced = re.sub(r"(?<=[A-Za-z0-9])\.(?=[A-Za-z])", " ", text)
    spaced = re.sub(r"(?<!\*)\*(?!\*)", " ", spaced).replace("/", " / ")
    words, sign = [], 1
    for word in spaced.split():
        if word == "/" and sign == 1:
            sign = -1
        elif word == "/":
            raise _unknown(text, rule, shown)
        else:
            words.append((sign, word))
            sign = 1
    if not words or sign == -1:
        raise _unknown(text, rule, shown)
    return words


def _symbol(name: str, rule: str, shown: str, lend: bool, gravity: bool) -> Symbol:
    if name in TWO_FACED:
        return TWO_FACED[name][gravity]
    found = SYMBOLS.get(name)
    if found is not None:
        return found
    for prefix, scale in PREFIXES.items():
        whole = SYMBOLS.get(name[len(prefix) :]) if name.startswith(prefix) else None
        if whole is not None and whole.prefixes:
            return Symbol(whole.factor * scale, whole.vector)
    lent = _lent(name) if lend and len(name) > 1 and name.isascii() else None
    if lent is None:
        raise _unknown(name, rule, shown)
    return lent


_BASES = {
    "[length]": "m",
    "[mass]": "kg",
    "[time]": "s",
    "[current]": "A",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
}


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


@lru_cache(4096)
def _lent(name: str) -> Symbol | None:
    """A symbol that only pint knows; None where it does not, or where it is no plain multiple of SI."""
    try:
        quantity = (1.0 * _registry().parse_units(name)).to_base_units()
        zero = (0.0 * _registry().parse_units(name)).to_base_units().magnitude
        powers = {_BASES[str(base)]: int(power) for base, power in dict(quantity.dimensionality).items()}
        exact = all(int(power) == power for power in dict(quantity.dimensionality).values())
        factor = Fraction(float(quantity.magnitude))
    except Exception:  # pint raises many kinds, and each means that the word is of no use to us
        return None
    vector = exponents(**powers)
    plain = exact and zero == 0 and factor > 0
    angular = vector in ((), (("s", -1),))  # pint counts a turn as 2 pi, so its rates are not ours
    return Symbol(factor, vector) if plain and not angular else None


def _unknown(word: str, rule: str, shown: str) -> UnitError:
    known = [unit for one in DIMENSIONS.values() for unit in (*one.listed, *one.steps)]
    remedy = suggest(word, [*known, *SYMBOLS], "use the spelling of the SI brochure, like m/s2")
    lead = f"{rule}; " if rule else ""
    return UnitError(f"{lead}{word!r} is not a known unit", shown, HINTS.get(word, remedy))


@cache
def _vector_of(one: Dimension) -> Vector:
    return _product(one.si, "", "", False, gravity=False)[1]


@cache
def _names() -> dict[Vector, str]:
    """The first dimension of each vector."""
    names: dict[Vector, str] = {}
    for one in DIMENSIONS.values():
        names.setdefault(_vector_of(one), one.name)
    return names


def _name(vector: Vector, text: str = "") -> str | None:
    """The dimension that lists this spelling (``Nm`` is a torque), else the first with these exponents."""
    listed = [one.name for one in DIMENSIONS.values() if text in (*one.listed, one.si)]
    return next((name for name in listed if _vector_of(DIMENSIONS[name]) == vector), _names().get(vector))


def _spelling(vector: Vector, text: str = "", asked: str | None = None) -> str:
    name = dimension(asked).name if asked else _name(vector, text)
    return DIMENSIONS[name].si if name else _base_spelling(vector)


def _base_spelling(vector: Vector) -> str:
    return " ".join(f"{base}{'' if power == 1 else power}" for base, power in vector) or "1"
