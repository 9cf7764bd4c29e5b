"""How messages speak of dimensions."""

from __future__ import annotations

from hpcflow.units.expression import dimensions_by_vector, in_base_units
from hpcflow.units.tables import Dimension, Vector

_SPOKEN = {"information": "an amount of data", "gpu_time": "GPU time", "core_time": "core time"}


def with_article(name: str) -> str:
    """Name a dimension within a sentence.

    >>> with_article("angular_speed"), with_article("information")
    ('an angular speed', 'an amount of data')
    """
    spoken = name.replace("_", " ")
    return _SPOKEN.get(name) or f"{'an' if spoken[0] in 'aeiou' else 'a'} {spoken}"


def listed(asked: Dimension) -> str:
    """Spellings to offer for a dimension, the usual one first."""
    return ", ".join(unit for unit in asked.listed if unit != "1")


def spoken(vector: Vector) -> str:
    """Say what has these exponents: a dimension, or else base units."""
    name = dimensions_by_vector().get(vector)
    return with_article(name) if name else f"in {in_base_units(vector)}"
