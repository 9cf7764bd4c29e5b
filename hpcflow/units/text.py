"""SI numbers as text for people."""

from __future__ import annotations

import math

from hpcflow.units.expression import evaluate
from hpcflow.units.tables import dimension


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
    sizes = [(float(evaluate(unit, asked.name, "", "")[0]), unit) for unit in asked.steps or asked.listed[:1]]
    small = [(size, unit) for size, unit in sizes if size <= abs(value)] or sizes[:1]
    if (
        asked.name == "duration"
    ):  # 90 s stays 90 s, 5400 s is 90 min: no unit above 1 s that leaves a fraction
        small = [(size, unit) for size, unit in small if size <= 1 or value % size == 0]
    size, unit = small[-1] if value else next((pair for pair in sizes if pair[0] == 1), sizes[0])
    return f"{value / size:.6g} {unit}"
