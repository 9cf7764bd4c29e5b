"""Quantities and units, against pint and published values."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow.units import (
    UnitError,
    compatible,
    convert,
    derive,
    dimension,
    dimension_of,
    format_bytes,
    format_duration,
    format_quantity,
    parse_budget,
    parse_literal,
    parse_quantity,
)
from hpcflow.units.tables import ALIASES, DIMENSIONS, SYMBOLS

# Where we differ from pint on purpose (turns are 1, not 2 pi), and words that pint lacks.
OURS = {
    *(
        "1",
        "rev",
        "turn",
        "turns",
        "cycle",
        "cycles",
        "beats",
        "steps",
        "strides",
        "strokes",
        "breaths",
        "rpm",
    ),
    *("rps", "bpm", "spm", "lbf", "kn", "lbs", "dps", "gn", "gram", "grams", "degree_north", "degrees_north"),
    *(
        "degree_east",
        "degrees_east",
        "dB",
        "core",
        "CPU",
        "GPU",
        "GPUh",
        "coreh",
        "CPUh",
        "Nm",
        "degC",
        "degF",
    ),
    *("t", "min"),
}


@pytest.mark.parametrize(
    ("text", "asked", "value"),
    [
        ("2 kHz", "frequency", 2000.0),
        ("2kHz", "frequency", 2000.0),
        (" 2  kHz ", "frequency", 2000.0),
        ("1797 rpm", "frequency", 29.95),
        ("72 bpm", "frequency", 1.2),
        ("60 1/min", "frequency", 1.0),
        ("60 /min", "frequency", 1.0),
        ("60 min-1", "frequency", 1.0),
        ("1e3 Hz", "frequency", 1000.0),
        ("1 s", "duration", 1.0),
        ("1.5 h", "duration", 5400.0),
        ("0.7 ms", "duration", 0.0007),
        ("20 µs", "duration", 2e-5),
        ("20 μs", "duration", 2e-5),
        ("-5 s", "duration", -5.0),
        ("50 %", "fraction", 0.5),
        ("0.5", "fraction", 0.5),
        (0.5, "fraction", 0.5),
        (1, "fraction", 1.0),
        (3, "dimensionless", 3.0),
        ("0.5 g", "acceleration", 4.903325),
        ("0.5 gn", "acceleration", 4.903325),
        ("100 mg", "acceleration", 0.980665),
        ("2 m/s^2", "acceleration", 2.0),
        ("2 m/s²", "acceleration", 2.0),
        ("2 m s-2", "acceleration", 2.0),
        ("2 m·s⁻²", "acceleration", 2.0),
        ("70 g", "mass", 0.07),
        ("36 km/h", "speed", 10.0),
        ("20 °C", "temperature", 293.15),
        ("68 degF", "temperature", 293.15),
        ("180 degree", "angle", math.pi),
        ("4 GB", "information", 4e9),
        ("4 GiB", "information", 4 * 2**30),
        ("4 kB", "bytes", 4000.0),
        ("10 GPUh", "gpu_time", 36000.0),
        ("10 GPU-h", "gpu_time", 36000.0),
        ("250 W", "power", 250.0),
        ("5 Nm", "torque", 5.0),
    ],
)
def test_quantities_in_si(text, asked, value):
    found = parse_quantity(text, asked)
    assert found == pytest.approx(value, rel=1e-15)
    assert type(found) is float


def test_decimal_numbers_are_rounded_once():
    assert parse_quantity("0.1 ms", "duration") == float(Fraction("0.0001"))
    assert parse_quantity("1.1 kHz", "frequency") == 1100.0
    assert parse_quantity("2.3 MHz", "frequency") == 2300000.0


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        (2000, "frequency", ["must be a frequency", "a number alone", "2000 Hz"]),
        ("2000", "frequency", ["2000 Hz"]),
        (50, "fraction", ["50 %"]),
        (True, "frequency", ["must be a frequency"]),
        (None, "duration", ["must be a duration", "10 s"]),
        ("2 s", "frequency", ["which is a duration"]),
        ("2 khz", "frequency", ["did you mean kHz?"]),
        ("0.5 g", "duration", ["standard gravity or the gram", "gn", "gram"]),
        ("4 KB", "information", ["kB (1000) or KiB (1024)"]),
        ("4 Gb", "information", ["b is the bit"]),
        ("5 m", "duration", ["write min for minutes"]),
        ("2,5 kHz", "frequency", ["decimal number with a point"]),
        ("1_000 Hz", "frequency", ["decimal number"]),
        ("01:30:00", "duration", ["decimal number"]),
        ("kHz 2", "frequency", ["number first"]),
        ("", "duration", ["must be a duration"]),
        ("1e999 Hz", "frequency", ["finite"]),
        (math.inf, "fraction", ["finite"]),
        (math.nan, "dimensionless", ["finite"]),
        (10**400, "fraction", ["finite"]),
        ("9" * 200 + " s", "duration", ["must be a duration"]),
        ("2 furlong", "length", ["not a known unit"]),
        ("2 s s", "duration", ["which is in s2"]),
        ("2 m/", "speed", ["not a known unit"]),
        ("10 h", "gpu_time", ["GPU time"]),
        ("2 °", "duration", ["which is an angle"]),
    ],
)
def test_what_is_no_such_quantity(text, asked, words):
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, asked)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.rule
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("units", "asked", "expected"),
    [
        ("g", "acceleration", (9.80665, 0.0, "m s-2")),
        ("mg", "acceleration", (0.00980665, 0.0, "m s-2")),
        ("g", "mass", (0.001, 0.0, "kg")),
        ("mm/s", None, (0.001, 0.0, "m s-1")),
        ("degC", None, (1.0, 273.15, "K")),
        ("°C", None, (1.0, 273.15, "K")),
        ("bpm", None, (1 / 60, 0.0, "s-1")),
        ("Hz", None, (1.0, 0.0, "s-1")),
        ("W", None, (1.0, 0.0, "W")),
        ("degree", None, (1.0, 0.0, "degree")),
        ("degrees_north", None, (1.0, 0.0, "degree")),
        ("deg/s", None, (math.pi / 180, 0.0, "rad s-1")),
        ("", None, (1.0, 0.0, "1")),
        ("1", None, (1.0, 0.0, "1")),
        ("%", None, (0.01, 0.0, "1")),
        ("counts", None, (1.0, 0.0, "count")),
        ("Nm", None, (1.0, 0.0, "N m")),
        ("J", None, (1.0, 0.0, "J")),
        ("kg m2 s-3", None, (1.0, 0.0, "W")),
        ("l/min", None, (1 / 60000, 0.0, "m3 s-1")),
        ("ug/m3", None, (1e-9, 0.0, "kg m-3")),
        ("mg/l", None, (0.001, 0.0, "kg m-3")),
        ("turn/min", None, (1 / 60, 0.0, "s-1")),
        ("kΩ", None, (1000.0, 0.0, "ohm")),
        ("gn2/Hz", None, (9.80665**2, 0.0, "m2 s-3")),
        ("acre", None, (4046.873, 0.0, "m2")),
    ],
)
def test_units_of_data(units, asked, expected):
    factor, offset, si = convert(units, asked)
    assert factor == pytest.approx(expected[0], rel=1e-6 if units == "acre" else 1e-14)
    assert (offset, si) == expected[1:]


@pytest.mark.parametrize(
    ("units", "asked", "words"),
    [
        ("g", None, ["standard gravity or the gram", "gn", "gram"]),
        ("mg", None, ["mgn", "mgram"]),
        ("g2/Hz", None, ["gn2/Hz"]),
        ("rpm", "power", ["units of power", "which is a frequency"]),
        ("C", None, ["degC"]),
        ("dBm", None, ["not a known unit"]),
        ("bananas", None, ["not a known unit"]),
        ("W/(m2 K)", None, ["not a known unit"]),
        ("9**9**9**9", None, ["not a known unit"]),
        ("__import__('os')", None, ["not a known unit"]),
        ("grad", None, ["not a known unit"]),
        ("a" * 500, None, ["shorten"]),
    ],
)
def test_units_that_are_not_known_or_ambiguous(units, asked, words):
    with pytest.raises(UnitError) as caught:
        convert(units, asked)
    for word in words:
        assert word in str(caught.value)


def test_the_table_agrees_with_pint():
    registry = pint.UnitRegistry()
    compared = 0
    for name, symbol in SYMBOLS.items():
        if name in OURS:
            continue
        ours = {"%": "percent", "count": "count", "counts": "count", "mmHg": "mmHg", "ohm": "ohm"}.get(
            name, name
        )
        quantity = (1.0 * registry.parse_units(ours)).to_base_units()
        expected = quantity.magnitude
        if ("B", 1) in symbol.vector:
            expected = (1.0 * registry.parse_units(ours)).to("byte").magnitude
        assert float(symbol.factor) == pytest.approx(expected, rel=1e-9), name
        compared += 1
    assert compared > 50
    assert float(SYMBOLS["lbf"].factor) == pytest.approx(registry("1 lbf").to_base_units().magnitude)
    assert float(SYMBOLS["kn"].factor) == pytest.approx(registry("1 knot").to_base_units().magnitude)


def test_every_listed_spelling_is_understood_by_its_dimension():
    for one in DIMENSIONS.values():
        for unit in (*one.listed, *one.steps):
            assert compatible(unit, one.name), (one.name, unit)
        assert convert(one.si, one.name)[2] in (one.si, "degree")
    for alias in ALIASES:
        assert dimension(alias).name in DIMENSIONS


def test_dimensions_have_names():
    assert dimension_of("mm/s") == "speed"
    assert dimension_of("Hz") == "frequency"
    assert dimension_of("s-1") == "frequency"
    assert dimension_of("N m") == "torque"
    assert dimension_of("J") == "energy"
    assert dimension_of("") == "dimensionless"
    assert dimension_of("m2 s-3") is None
    assert dimension_of("nonsense") is None
    assert compatible("degree", "angle")
    assert compatible("text", "text")
    assert not compatible("text", "power")
    assert not compatible("W", "text")
    with pytest.raises(ValueError, match="no dimension is called"):
        dimension("wobble")


def test_facts_are_quantities_or_texts():
    assert parse_literal("1797 rpm") == (29.95, "s-1")
    assert parse_literal("1797 rpm", "frequency") == (29.95, "s-1")
    assert parse_literal("SKF 6205-2RS") == ("SKF 6205-2RS", "text")
    assert parse_literal("6205", "text") == ("6205", "text")
    assert parse_literal(7) == (7.0, "1")
    assert parse_literal(True) == ("True", "text")
    with pytest.raises(UnitError):
        parse_literal("fast", "frequency")


def test_budgets():
    assert parse_budget("10 GPUh") == ("gpu_hours", 10.0)
    assert parse_budget("10 GPU-h") == ("gpu_hours", 10.0)
    assert parse_budget("2.5 kcoreh") == ("core_hours", 2500.0)
    assert parse_budget("500 core-h") == ("core_hours", 500.0)
    for wrong in ("10 h", "-1 GPUh", "0 GPUh", 10, None, "ten GPUh", "10 EUR"):
        with pytest.raises(UnitError, match="GPUh"):
            parse_budget(wrong)


def test_rules_of_output_units():
    assert derive("same", "m s-2") == "m s-2"
    assert derive("same^2", "m s-2") == "m2 s-4"
    assert derive("same^2 Hz-1", "m s-2") == "m2 s-4 Hz-1"
    assert derive("same s", "m s-1") == "m"
    assert derive("same", "1") == "1"
    assert derive("W", "m s-2") == "W"
    assert derive("min-1", "s-1") == "min-1"
    ports = {"x": "m s-2", "y": "m s-2 V", "z": "1"}
    assert derive("{y} {x}-1", "V", ports) == "V"
    assert derive("{x} {x}-1", "m s-2", ports) == "1"
    assert derive("{z} {x}^-2 same", "K", ports) == "m-2 s4 K"


def test_numbers_for_people():
    assert [format_bytes(n) for n in (0, 999, 1024, 1536, 4 * 2**30, 2**50 * 3000)] == [
        "0 B", "999 B", "1 KiB", "1.5 KiB", "4 GiB", "3,000 PiB",
    ]  # fmt: skip
    assert [format_duration(s) for s in (0, 1e-5, 0.35, 1.5, 59.96, 3599.4, 7500, 200000, -2, math.inf)] == [
        "0 s", "10 us", "350 ms", "1.5 s", "1 min 00 s", "59 min 59 s", "2 h 05 min", "2 d 08 h", "-2 s",
        "unknown",
    ]  # fmt: skip
    assert [format_duration(s) for s in (3599.6, 86399)] == ["1 h 00 min", "1 d 00 h"]
    assert format_quantity(2000, "frequency") == "2 kHz"
    assert format_quantity(90, "duration") == "90 s"
    assert format_quantity(5400, "duration") == "90 min"
    assert format_quantity(0, "duration") == "0 s"
    assert format_quantity(0.5, "fraction") == "50 %"
    assert format_quantity(293.15, "temperature") == "20 degC"


@given(st.floats(1e-9, 1e12), st.sampled_from(sorted(DIMENSIONS)))
def test_what_is_written_can_be_read_again(value, name):
    text = format_quantity(value, name)
    tolerance = 5e-3 if name == "information" else 6e-6
    if name == "temperature":
        assert parse_quantity(text, name) == pytest.approx(value, rel=2e-6, abs=1e-3)
    elif name == "information" and "," in text:
        assert "PiB" in text
    elif name == "fraction" or not (name == "information" and value < 1):
        assert parse_quantity(text, name) == pytest.approx(value, rel=tolerance)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"[0-9.eE+-]{1,8} ?[A-Za-z%/*^0-9 .-]{0,12}", fullmatch=True))
def test_any_text_is_a_quantity_or_refused_in_words(text):
    for name in ("frequency", "acceleration", "fraction", "information"):
        with contextlib.suppress(UnitError):
            assert math.isfinite(parse_quantity(text, name))
    assert isinstance(parse_literal(text)[1], str)
    assert dimension_of(text) is None or dimension_of(text) in DIMENSIONS


def test_importing_and_reading_quantities_needs_neither_pint_nor_numpy():
    code = (
        "import sys\nfrom hpcflow.units import parse_quantity, convert, format_bytes\n"
        "parse_quantity('2 kHz', 'frequency'); convert('mm/s'); convert('degC'); format_bytes(7)\n"
        "print([m for m in ('pint', 'numpy', 'pydantic') if m in sys.modules])"
    )
    repo = Path(__file__).parents[1]
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repo)
    assert out.stdout.strip() == "[]"
