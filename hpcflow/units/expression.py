"""Unit expressions: a text of symbols, powers and slashes as an exact factor and exponents of base units."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache

from hpcflow.errors import RequestError
from hpcflow.units.lent import lent_symbol
from hpcflow.units.tables import (
    DIMENSIONS,
    HINTS,
    OFFSETS,
    PREFIXES,
    SYMBOLS,
    TWO_FACED,
    Dimension,
    Symbol,
    Vector,
    dimension,
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


MAX_TEXT = 80
"""Letters that a quantity or units have at most, and that a message shows."""

FACTOR = re.compile(r"([A-Za-z_%]+|1)(?:(?:\^|\*\*)?([+-]?[0-9]))?")
"""One factor of an expression: a symbol and its power."""

GLYPHS = str.maketrans(
    dict.fromkeys("\u00b5\u03bc", "u")
    | dict.fromkeys("\u03a9\u2126", "ohm")
    | dict.fromkeys("\u00b7\u22c5\u00d7\u00a0\u202f", " ")
    | dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
)
"""Other glyphs for micro, ohm, the dot of a product, no-break spaces, superscripts."""


def cleaned(units: str) -> str:
    """Units in ASCII, as the tables spell them."""
    text = units.translate(GLYPHS).strip()
    if len(text) > MAX_TEXT:
        raise UnitError("must be known units", repr(text[:MAX_TEXT]), "shorten them")
    text = text.replace("°C", "degC").replace("°F", "degF").replace("°", "degree")
    return re.sub(r"\b(GPU|core|CPU)-h\b", r"\1h", text)


@lru_cache(4096)
def evaluate(
    units: str, dimension_name: str | None, rule: str, shown: str, lend: bool = False
) -> tuple[Fraction, Vector, float]:
    """Factor, base exponents and offset of a unit expression; products, quotients and small powers."""
    text = cleaned(units)
    factor, vector = _product(text, rule, shown, lend, gravity=False)
    offset = OFFSETS.get(text, 0.0)
    if not _two_faced(text):
        return factor, vector, offset
    other_factor, other = _product(text, rule, shown, lend, gravity=True)
    asked = vector_of(dimension(dimension_name)) if dimension_name and dimension_name != "text" else None
    if asked is not None:
        if other == asked:
            return other_factor, other, offset
        if vector == asked:
            return factor, vector, offset
    elif (vector in dimensions_by_vector()) != (other in dimensions_by_vector()):
        return (factor, vector, offset) if vector in dimensions_by_vector() else (other_factor, other, offset)
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
    return any(match[1] in TWO_FACED for match in FACTOR.finditer(text))


def _product(text: str, rule: str, shown: str, lend: bool, *, gravity: bool) -> tuple[Fraction, Vector]:
    factor, powers = Fraction(1), dict[str, int]()
    for sign, word in _words(text, rule, shown):
        match = FACTOR.fullmatch(word)
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
    lent = lent_symbol(name) if lend and len(name) > 1 and name.isascii() else None
    if lent is None:
        raise _unknown(name, rule, shown)
    return lent


def _unknown(word: str, rule: str, shown: str) -> UnitError:
    known = [unit for one in DIMENSIONS.values() for unit in (*one.listed, *one.steps)]
    remedy = suggest(word, [*known, *SYMBOLS], "use the spelling of the SI brochure, like m/s2")
    lead = f"{rule}; " if rule else ""
    return UnitError(f"{lead}{word!r} is not a known unit", shown, HINTS.get(word, remedy))


@cache
def vector_of(one: Dimension) -> Vector:
    """Exponents of a dimension's SI units."""
    return _product(one.si, "", "", False, gravity=False)[1]


@cache
def dimensions_by_vector() -> dict[Vector, str]:
    """The first dimension of each vector."""
    names: dict[Vector, str] = {}
    for one in DIMENSIONS.values():
        names.setdefault(vector_of(one), one.name)
    return names


def name_of(vector: Vector, text: str = "") -> str | None:
    """The dimension that lists this spelling (``Nm`` is a torque), else the first with these exponents."""
    listed = [one.name for one in DIMENSIONS.values() if text in (*one.listed, one.si)]
    return next(
        (name for name in listed if vector_of(DIMENSIONS[name]) == vector), dimensions_by_vector().get(vector)
    )


def spelling_of(vector: Vector, text: str = "", asked: str | None = None) -> str:
    """SI units as stored with data: those of a dimension, or else base units."""
    name = dimension(asked).name if asked else name_of(vector, text)
    return DIMENSIONS[name].si if name else in_base_units(vector)


def in_base_units(vector: Vector) -> str:
    """Exponents as text.

    >>> in_base_units((("m", 1), ("s", -2)))
    \'m s-2\'
    """
    return " ".join(f"{base}{'' if power == 1 else power}" for base, power in vector) or "1"
