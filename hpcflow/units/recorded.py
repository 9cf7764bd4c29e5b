"""Units of recorded data: how they become SI, what they measure, what a kernel makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hpcflow.units.expression import (
    FACTOR,
    MAX_TEXT,
    UnitError,
    cleaned,
    evaluate,
    name_of,
    spelling_of,
    vector_of,
)
from hpcflow.units.phrases import listed, spoken
from hpcflow.units.tables import SYMBOLS, dimension

_DEGREES = frozenset(name for name, symbol in SYMBOLS.items() if symbol == SYMBOLS["degree"])


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
    text = cleaned(units)
    shown = repr(units[:MAX_TEXT])
    if not text:
        return 1.0, 0.0, "1"
    factor, vector, offset = evaluate(text, dimension_name, "", shown, lend=True)
    if dimension_name is not None:
        asked = dimension(dimension_name)
        if vector != vector_of(asked):
            rule = f"must be units of {asked.name} ({listed(asked)})"
            raise UnitError(rule, f"{shown}, which is {spoken(vector)}", "correct the units or the dimension")
    if text in _DEGREES:
        return 1.0, 0.0, "degree"
    return float(factor), offset, spelling_of(vector, text, dimension_name)


def dimension_of(units: str) -> str | None:
    """Name the dimension of some units; None where it has no name or the units are not known.

    >>> dimension_of("mm/s"), dimension_of("Hz"), dimension_of("m2 s-3")
    ('speed', 'frequency', None)
    """
    text = cleaned(units) or "1"
    try:
        _, vector, _ = evaluate(text, None, "", units, lend=True)
    except UnitError:
        return None
    return name_of(vector, text)


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
            parts = FACTOR.fullmatch(factor)
            name, power = (parts[1], int(parts[2] or 1)) if parts else (factor, 1)
            powers[name] = powers.get(name, 0) + power * times
    words = [
        f"{name}{'' if power == 1 else power}" for name, power in powers.items() if power and name != "1"
    ]
    return " ".join(words) or "1"
