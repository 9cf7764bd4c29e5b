"""Quantities: text with a unit in, SI floats out; and the factors that bring recorded data to SI.

A small registry of our own decides what a unit means, because a workflow must mean the same everywhere:
``rpm`` and ``bpm`` are 1/min, ``g`` is an acceleration only where an acceleration is asked for, ``GB`` is
not ``GiB``. For units of recorded data that it does not know, pint lends the vocabulary (imported late).

>>> parse_quantity("2 kHz", "frequency")
2000.0
>>> convert("g", "acceleration")
(9.80665, 0.0, 'm s-2')
"""

from hpcflow.units.expression import UnitError
from hpcflow.units.quantity import parse_budget, parse_literal, parse_quantity
from hpcflow.units.recorded import compatible, convert, derive, dimension_of
from hpcflow.units.tables import dimension
from hpcflow.units.text import format_bytes, format_duration, format_quantity

__all__ = [
    "UnitError",
    "compatible",
    "convert",
    "derive",
    "dimension",
    "dimension_of",
    "format_bytes",
    "format_duration",
    "format_quantity",
    "parse_budget",
    "parse_literal",
    "parse_quantity",
]
