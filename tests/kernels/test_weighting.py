"""Weightings against the tables that the standards print."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.filter.weighting import frequency_weighting
from hpcflow_kernels.filter.weighting_design import WEIGHTINGS, analogue, weighting_sections
from hpcflow_kernels.registry import get
from tests.kernels.weighting_tables import SOUND, TOLERANCES, TRANSITIONS, VIBRATION


def allowed(names: Iterable[str], rates: Iterable[float]) -> list[tuple[str, float]]:
    """What the contract does not refuse."""
    check = get("frequency_weighting").check
    return [(name, rate) for name in names for rate in rates if not check({"weighting": name}, rate)]


def gains(name: str, rate: float, frequency: np.ndarray) -> np.ndarray:
    """Of the digital filter."""
    sos = np.array(weighting_sections(name, rate))
    return np.abs(signal.sosfreqz(sos, 2 * np.pi * frequency / rate)[1])


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of thirds of an octave, and printed factors."""
    first, text = VIBRATION[name]
    factors = np.array(text.split(), float)
    return first + np.arange(len(factors)), factors


@pytest.mark.parametrize("name", VIBRATION)
def test_the_transfer_functions_are_those_of_the_printed_factors(name):
    number, factors = table(name)
    got = [math.prod(section.gain(10 ** (n / 10)) for section in analogue(name)) for n in number]
    assert np.array(got) == pytest.approx(factors, rel=1.5e-3)


@pytest.mark.parametrize(
    ("name", "frequency", "factor"),
    [("Wh", 500 / (2 * math.pi), 0.2020), ("Wk", 10**0.8, 1.054), ("Wm", 10**0.2, 0.9342)],
)
def test_factors_that_another_project_read_in_the_standard(name, frequency, factor):
    """ISO 8041-1:2017, tables 1, B.8 and B.9, as github.com/jmrplens/phonometry has them in its tests."""
    assert math.prod(section.gain(frequency) for section in analogue(name)) == pytest.approx(factor, rel=5e-4)


@pytest.mark.parametrize(
    ("name", "rate"), allowed(VIBRATION, (2.0, 250.0, 256.0, 500.0, 1000.0, 2048.0, 6400.0, 25_600.0))
)
def test_vibration_weightings_are_within_the_tolerances_at_every_rate(name, rate):
    number, factors = table(name)
    frequency = 10 ** (number / 10)
    keep = frequency < 0.49 * rate
    ratio = gains(name, rate, frequency[keep]) / factors[keep] - 1
    t1, t2, t3, t4 = TRANSITIONS.get(name, (-6, -2, 18, 22))
    for n, off in zip(number[keep], ratio, strict=True):
        region = 0 if n <= t1 else 1 if n < t2 else 2 if n <= t3 else 3 if n < t4 else 4
        more, less = TOLERANCES[region]
        assert -less <= off <= more, (n, off)
    middle = (number[keep] >= t2) & (frequency[keep] <= rate / 8)
    assert np.abs(ratio[middle]).max() <= 0.06, "and far better where it matters"


@pytest.mark.parametrize("rate", [8000.0, 16_000.0, 25_600.0, 44_100.0, 48_000.0, 51_200.0, 96_000.0])
@pytest.mark.parametrize("name", ["A", "C"])
def test_sound_weightings_are_within_class_1(name, rate):
    rows = np.array([row for row in SOUND if row[0] < 0.49 * rate])
    exact = 10 ** (np.round(10 * np.log10(rows[:, 0])) / 10)
    level = 20 * np.log10(gains(name, rate, exact)) - rows[:, 1 if name == "A" else 2]
    assert (level <= rows[:, 3]).all()
    assert (level >= rows[:, 4]).all()
    assert np.abs(level[exact <= rate / 5]).max() <= 0.25, "and far better where it matters"
    assert gains(name, rate, np.array([1000.0])) == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_a_tone_comes_out_with_its_gain_and_gravity_does_not(name):
    rate, frequency = {"A": (48_000.0, 500.0), "C": (48_000.0, 500.0), "Wf": (20.0, 0.2)}.get(
        name, (1000.0, 20.0)
    )
    x = 2 * np.sin(2 * np.pi * frequency * np.arange(40_000) / rate)
    y = frequency_weighting(x + 9.81, rate=rate, weighting=name)
    tone = frequency_weighting(x, rate=rate, weighting=name)
    assert np.abs(y - tone).max() <= 1e-8
    gain = math.prod(section.gain(frequency) for section in analogue(name))
    assert np.std(tone[20_000:]) * np.sqrt(2) / 2 == pytest.approx(gain, rel=0.01)


@pytest.mark.parametrize(("name", "rate"), allowed(WEIGHTINGS, (250.0, 1000.0, 8000.0, 48_000.0)))
def test_waveforms_are_the_standards_but_for_a_part_of_a_sample(name, rate):
    share = np.linspace(0.01, 0.2, 30)
    s = 2j * np.pi * share * rate
    wanted = math.prod(
        ((a.n2 * s + a.n1) * s + a.n0) / ((a.d2 * s + a.d1) * s + a.d0) for a in analogue(name)
    )
    sos = np.array(weighting_sections(name, rate))
    off = np.angle(signal.sosfreqz(sos, 2 * np.pi * share)[1] / wanted)
    early = (share @ off) / (share @ share)
    assert 0 <= early / (2 * np.pi) <= (1.5 if name == "Wf" else 1.1)
    assert np.degrees(np.abs(off - early * share)).max() <= 2


def test_a_rate_that_is_too_low_or_too_high_is_refused():
    check = get("frequency_weighting").check
    assert check({"weighting": "Wk"}, 250.0) == []
    assert "250 samples per second" in check({"weighting": "Wk"}, 200.0)[0]
    assert "8000 samples per second" in check({"weighting": "A"}, 4000.0)[0]
    assert "lower the rate" in check({"weighting": "Wf"}, 6400.0)[0]
    assert check({"weighting": "A"}, None) == []
