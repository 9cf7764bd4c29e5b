"""Tables of units: unit symbols with their sizes, dimensions with their spellings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

Vector = tuple[tuple[str, int], ...]
"""Exponents of base units, sorted by base unit: ``(("m", 1), ("s", -2))``."""


class Symbol(NamedTuple):
    """One unit symbol: its size in base units, their exponents, whether SI prefixes go with it."""

    factor: Fraction
    vector: Vector
    prefixes: bool = False


@dataclass(frozen=True)
class Dimension:
    """A physical dimension.

    Attributes
    ----------
    name
        As contracts and workflow files write it.
    si
        SI-coherent spelling stored with data.
    listed
        Spellings to offer in messages and in the JSON Schema, the usual one first.
    steps
        Spellings that `hpcflow.units.format_quantity` chooses from, by size.
    """

    name: str
    si: str
    listed: tuple[str, ...]
    steps: tuple[str, ...] = ()


def exponents(**powers: int) -> Vector:
    """Make a vector; zero powers vanish.

    >>> exponents(s=-2, m=1, kg=0)
    (('m', 1), ('s', -2))
    """
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def _units(
    names: str, factor: Fraction | int | str, vector: Vector, prefixes: bool = False
) -> dict[str, Symbol]:
    return dict.fromkeys(names.split(), Symbol(Fraction(factor), vector, prefixes))


_ONE: Vector = ()
_METRE, _KILOGRAM, _SECOND, _RADIAN, _BYTE = (exponents(**{base: 1}) for base in ("m", "kg", "s", "rad", "B"))
_GPU_TIME, _CORE_TIME = exponents(GPU=1, s=1), exponents(core=1, s=1)
_SPEED, ACCELERATION, _FREQUENCY = exponents(m=1, s=-1), exponents(m=1, s=-2), exponents(s=-1)
_FORCE, _PRESSURE = exponents(kg=1, m=1, s=-2), exponents(kg=1, m=-1, s=-2)
_ENERGY, _POWER = exponents(kg=1, m=2, s=-2), exponents(kg=1, m=2, s=-3)

GRAVITY = Fraction("9.80665")
"""Standard gravity (CGPM 1901), m s-2."""

_INCH, _POUND, _DEGREE = Fraction("0.0254"), Fraction("0.45359237"), Fraction(math.pi) / 180

PREFIXES: Mapping[str, Fraction] = {
    prefix: Fraction(10) ** power
    for prefix, power in zip("numcdhkMGTP", (-9, -6, -3, -2, -1, 2, 3, 6, 9, 12, 15), strict=True)
}

# fmt: off
SYMBOLS: Mapping[str, Symbol] = {
    **_units("1 rev turn turns cycle cycles beats steps strides strokes breaths", 1, _ONE),
    **_units("% percent", "0.01", _ONE),
    **_units("ppm", "1e-6", _ONE),
    **_units("s", 1, _SECOND, True),
    **_units("sec second seconds", 1, _SECOND),
    **_units("min minute minutes", 60, _SECOND),
    **_units("h hr hour hours", 3600, _SECOND),
    **_units("d day days", 86400, _SECOND),
    **_units("Hz", 1, _FREQUENCY, True),
    **_units("rpm bpm spm", "1/60", _FREQUENCY),
    **_units("rps", 1, _FREQUENCY),
    **_units("m", 1, _METRE, True),
    **_units("in inch", _INCH, _METRE),
    **_units("ft", "0.3048", _METRE),
    **_units("yd", "0.9144", _METRE),
    **_units("mi", "1609.344", _METRE),
    **_units("mph", "0.44704", _SPEED),
    **_units("kn", "1852/3600", _SPEED),
    **_units("gn", GRAVITY, ACCELERATION, True),
    **_units("kg", 1, _KILOGRAM),
    **_units("gram", "0.001", _KILOGRAM, True),
    **_units("grams", "0.001", _KILOGRAM),
    **_units("ug", "1e-9", _KILOGRAM),
    **_units("t", 1000, _KILOGRAM),
    **_units("lb lbs", _POUND, _KILOGRAM),
    **_units("N", 1, _FORCE, True),
    **_units("lbf", _POUND * GRAVITY, _FORCE),
    **_units("Nm", 1, _ENERGY, True),
    **_units("Pa", 1, _PRESSURE, True),
    **_units("bar", 100000, _PRESSURE, True),
    **_units("psi", _POUND * GRAVITY / _INCH**2, _PRESSURE),
    **_units("mmHg", "133.322387415", _PRESSURE),
    **_units("J", 1, _ENERGY, True),
    **_units("Wh", 3600, _ENERGY, True),
    **_units("cal", "4.184", _ENERGY, True),
    **_units("W", 1, _POWER, True),
    **_units("A", 1, exponents(A=1), True),
    **_units("V", 1, exponents(kg=1, m=2, s=-3, A=-1), True),
    **_units("ohm", 1, exponents(kg=1, m=2, s=-3, A=-2), True),
    **_units("T", 1, exponents(kg=1, s=-2, A=-1), True),
    **_units("K", 1, exponents(K=1), True),
    **_units("degC", 1, exponents(K=1)),
    **_units("degF", "5/9", exponents(K=1)),
    **_units("l L", "0.001", exponents(m=3), True),
    **_units("rad", 1, _RADIAN, True),
    **_units("degree degrees deg degree_north degrees_north degree_east degrees_east", _DEGREE, _RADIAN),
    **_units("dps", _DEGREE, exponents(rad=1, s=-1)),
    **_units("count counts", 1, exponents(count=1)),
    **_units("dB", 1, exponents(dB=1)),
    **_units("B", 1, _BYTE),
    **{name: Symbol(Fraction(1000**n), _BYTE) for n, name in enumerate(("kB", "MB", "GB", "TB", "PB"), 1)},
    **{name: Symbol(Fraction(1024**n), _BYTE) for n, name in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
    **_units("GPU", 1, exponents(GPU=1)),
    **_units("core CPU", 1, exponents(core=1)),
    **_units("GPUh", 3600, _GPU_TIME, True),
    **_units("coreh CPUh", 3600, _CORE_TIME, True),
}
"""Every symbol by its exact spelling; prefixed ones are put together when read."""

TWO_FACED: Mapping[str, tuple[Symbol, Symbol]] = {
    "g": (Symbol(Fraction(1, 1000), _KILOGRAM), Symbol(GRAVITY, ACCELERATION)),
    "mg": (Symbol(Fraction(1, 10**6), _KILOGRAM), Symbol(GRAVITY / 1000, ACCELERATION)),
}
"""Symbols that mean the gram or the standard gravity, by context."""

OFFSETS: Mapping[str, float] = {"degC": 273.15, "degF": 273.15 - 32 * 5 / 9}
"""Zero points of temperature scales, in K."""

DIMENSIONS: Mapping[str, Dimension] = {dimension.name: dimension for dimension in (
    Dimension("dimensionless", "1", ("1", "%")),
    Dimension("fraction", "1", ("%", "1")),
    Dimension("frequency", "s-1", ("Hz", "kHz", "MHz", "mHz", "rpm", "bpm", "1/min"),
              ("mHz", "Hz", "kHz", "MHz", "GHz")),
    Dimension("duration", "s", ("s", "ms", "us", "min", "h", "d"), ("ns", "us", "ms", "s", "min", "h", "d")),
    Dimension("length", "m", ("m", "mm", "um", "cm", "km", "in", "ft", "mi"), ("nm", "um", "mm", "m", "km")),
    Dimension("speed", "m s-1", ("m/s", "mm/s", "km/h", "mph", "kn"), ("mm/s", "m/s")),
    Dimension("acceleration", "m s-2", ("m/s2", "mm/s2", "gn", "g", "mg"), ("mm/s2", "m/s2")),
    Dimension("mass", "kg", ("kg", "gram", "g", "t", "lb"), ("gram", "kg", "t")),
    Dimension("temperature", "K", ("degC", "K", "degF")),
    Dimension("force", "N", ("N", "kN", "mN", "lbf"), ("mN", "N", "kN", "MN")),
    Dimension("pressure", "Pa", ("Pa", "kPa", "hPa", "MPa", "bar", "mbar", "psi", "mmHg"),
              ("mPa", "Pa", "kPa", "MPa")),
    Dimension("energy", "J", ("J", "kJ", "MJ", "Wh", "kWh", "kcal"), ("mJ", "J", "kJ", "MJ")),
    Dimension("torque", "N m", ("Nm", "kNm")),
    Dimension("power", "W", ("W", "kW", "mW", "MW"), ("mW", "W", "kW", "MW")),
    Dimension("voltage", "V", ("V", "mV", "uV", "kV"), ("uV", "mV", "V", "kV")),
    Dimension("current", "A", ("A", "mA", "uA", "kA"), ("uA", "mA", "A", "kA")),
    Dimension("resistance", "ohm", ("ohm", "kohm", "mohm"), ("mohm", "ohm", "kohm")),
    Dimension("magnetic_flux_density", "T", ("T", "mT", "uT"), ("uT", "mT", "T")),
    Dimension("area", "m2", ("m2", "cm2", "mm2", "km2")),
    Dimension("volume", "m3", ("m3", "l", "ml")),
    Dimension("volume_flow", "m3 s-1", ("m3/s", "m3/h", "l/s", "l/min")),
    Dimension("density", "kg m-3", ("kg/m3", "ug/m3", "g/l")),
    Dimension("irradiance", "W m-2", ("W/m2",)),
    Dimension("angle", "rad", ("degree", "rad")),
    Dimension("angular_velocity", "rad s-1", ("degree/s", "rad/s")),
    Dimension("count", "count", ("count",)),
    Dimension("level", "dB", ("dB",)),
    Dimension("information", "B", ("GiB", "MiB", "KiB", "TiB", "GB", "MB", "kB", "TB", "B")),
    Dimension("gpu_time", "GPU s", ("GPUh", "kGPUh")),
    Dimension("core_time", "core s", ("coreh", "kcoreh", "CPUh")),
)}
"""The dimensions by name. Where two share exponents (energy and torque), the first names them."""
# fmt: on

ALIASES: Mapping[str, str] = {
    "velocity": "speed",
    "distance": "length",
    "altitude": "length",
    "time": "duration",
    "ratio": "fraction",
    "number": "dimensionless",
    "bytes": "information",
    "work": "energy",
}
"""Other names under which a contract may ask for a dimension."""

HINTS: Mapping[str, str] = {
    "KB": "KB may mean 1000 or 1024 bytes; write kB (1000) or KiB (1024)",
    "Kb": "b is the bit; write kB (1000 bytes) or KiB (1024 bytes)",
    "kb": "b is the bit; write kB (1000 bytes) or KiB (1024 bytes)",
    "Mb": "b is the bit; write MB (10^6 bytes) or MiB (2^20 bytes)",
    "Gb": "b is the bit; write GB (10^9 bytes) or GiB (2^30 bytes)",
    "C": "write degC for degrees Celsius",
    "F": "write degF for degrees Fahrenheit",
    "G": "write gn for the standard gravity",
}
"""What to write instead of symbols that people write for something else."""


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
