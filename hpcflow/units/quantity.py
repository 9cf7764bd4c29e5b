"""Quantities as a workflow file writes them: text with a unit in, SI floats out."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from hpcflow.units.expression import GLYPHS, MAX_TEXT, UnitError, evaluate, spelling_of, vector_of
from hpcflow.units.phrases import listed, spoken, with_article
from hpcflow.units.tables import Dimension, dimension

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"

_QUANTITY = re.compile(rf"({_NUMBER})\s*(.*)", re.DOTALL)


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
    rule = f"must be {with_article(asked.name)}, a number with a unit ({listed(asked)})"
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise UnitError(rule, repr(text)[:MAX_TEXT], f"write it like {_example(asked)}")
    if not isinstance(text, str):
        return _bare(text, asked, rule)
    shown = repr(text[:MAX_TEXT])
    match = _QUANTITY.fullmatch(text.translate(GLYPHS).strip())
    if match is None or len(text) > MAX_TEXT:
        raise UnitError(rule, shown, f"write the number first, then the unit, like {_example(asked)}")
    number, units = match.groups()
    if not units:
        return _bare(float(number), asked, rule, shown)
    if units.startswith((",", ".", "_", ":", "'")):
        raise UnitError(rule, shown, f"write a plain decimal number with a point, like {_example(asked)}")
    factor, vector, offset = evaluate(units, asked.name, rule, shown)
    if vector != vector_of(asked):
        raise UnitError(rule, f"{shown}, which is {spoken(vector)}", _dimension_remedy(units, asked))
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
    match = _QUANTITY.fullmatch(text.translate(GLYPHS).strip())
    if match is None or len(text) > MAX_TEXT:
        return text, "text"
    number, units = match.groups()
    try:
        factor, vector, offset = evaluate(units, None, "", text) if units else (Fraction(1), (), 0.0)
        return float(Fraction(number) * factor) + offset, spelling_of(vector, units)
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
    raise UnitError(rule, repr(text)[:MAX_TEXT], "write it like 10 GPUh or 500 coreh")


def _bare(number: float, asked: Dimension, rule: str, shown: str = "") -> float:
    shown = shown or str(number)[:MAX_TEXT]
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


def _example(asked: Dimension) -> str:
    return f"10 {asked.listed[0]}"
