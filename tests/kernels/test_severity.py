"""Severity against tones of known velocity and velocity integrated in time; factors of known waves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, signal

from hpcflow_kernels.machine.severity import vibration_severity, waveform_factors
from hpcflow_kernels.machine.severity_contracts import ZONES
from hpcflow_kernels.registry import get

RATE = 6400.0


def tone(frequency: float, velocity_rms: float, seconds: float = 3.0) -> np.ndarray:
    """Acceleration of a sinusoidal vibration, m/s²."""
    time = np.arange(int(seconds * RATE)) / RATE
    return 2 * np.pi * frequency * velocity_rms * np.sqrt(2) * np.sin(2 * np.pi * frequency * time + 0.4)


@pytest.mark.parametrize("frequency", [12.0, 25.0, 24.37, 160.0, 998.0])
def test_a_tone_has_its_velocity(frequency):
    x = tone(frequency, 3e-3) + 9.81
    got = vibration_severity(x, rate=RATE)["velocity_rms"]
    assert got == pytest.approx(np.full(3, 3e-3), rel=1e-2)
    single = vibration_severity(x.astype(np.float32), rate=RATE)["velocity_rms"]
    assert single.dtype == np.float32
    assert single == pytest.approx(got, rel=1e-5)


def test_outside_the_band_nothing_counts():
    x = tone(4.0, 50e-3) + tone(1500.0, 50e-3)
    assert vibration_severity(x, rate=RATE)["velocity_rms"].max() < 1e-4


def test_it_is_the_velocity_integrated_in_time():
    # band-limited noise, one long frame: acceleration summed up, filtered again against drift
    x = np.random.default_rng(1).standard_normal(int(60 * RATE))
    x = signal.sosfiltfilt(signal.butter(6, [40.0, 400.0], "bandpass", fs=RATE, output="sos"), x)
    velocity = signal.detrend(integrate.cumulative_trapezoid(x, dx=1 / RATE))
    (got,) = vibration_severity(x, rate=RATE, window=60.0)["velocity_rms"]
    assert got == pytest.approx(velocity.std(), rel=0.02)


@pytest.mark.parametrize("machine", list(ZONES))
def test_zones_begin_at_the_standards_boundaries(machine):
    for place, boundary in enumerate(ZONES[machine]):
        for factor, zone in ((0.98, place + 1), (1.02, place + 2)):
            out = vibration_severity(tone(50.0, factor * boundary), rate=RATE, machine=machine)
            assert (out["zone"] == zone).all()


def test_what_cannot_be_asked_is_refused():
    contract = get("vibration_severity")
    given = {"window": 1.0, "overlap": 0.0, "low": 10.0, "high": 1000.0, "machine": "class I"}
    assert contract.check(given, RATE) == []
    assert "half the sampling rate" in contract.check(given, 1500.0)[0]
    assert "exchange" in contract.check(given | {"low": 2000.0}, RATE)[0]
    assert "lengthen" in contract.check(given | {"window": 0.2}, RATE)[0]


def test_factors_of_known_waves():
    time = np.arange(6400) / RATE
    sine = np.sin(2 * np.pi * 5 * time + 0.1)
    square = np.where((np.arange(6400) // 64) % 2, 2.0, -2.0)
    got = waveform_factors(np.concatenate([sine + 3, square]), rate=RATE)
    assert got["shape_factor"] == pytest.approx([np.pi / np.sqrt(8), 1.0], rel=5e-4)
    assert got["impulse_factor"] == pytest.approx([np.pi / 2, 1.0], rel=1e-3)
    # mean of sqrt|sin| is 0.76276: Gamma(3/4) / (Gamma(5/4) sqrt(pi))
    assert got["clearance_factor"] == pytest.approx([1 / 0.762760**2, 1.0], rel=1e-3)
    assert got["zero_crossing_rate"] == pytest.approx([10.0, 99.0])
    assert got["mean_absolute"] == pytest.approx([2 / np.pi, 2.0], rel=5e-4)


def test_a_constant_frame_has_no_shape():
    got = waveform_factors(np.full(6400, 0.1, np.float32), rate=RATE)
    assert np.isnan([got[name][0] for name in ("shape_factor", "impulse_factor", "clearance_factor")]).all()
    assert got["zero_crossing_rate"][0] == 0
