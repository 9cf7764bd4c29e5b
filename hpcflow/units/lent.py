"""Unit symbols that only pint knows, for recorded data."""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from hpcflow.units.tables import Symbol, exponents

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
def lent_symbol(name: str) -> Symbol | None:
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
