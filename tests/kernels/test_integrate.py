"""Integrals and derivatives against sines, sums over a whole record, and the velocity of a machine."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate as scipys
from scipy import signal
from scipy.io import loadmat

from hpcflow.units import derive
from hpcflow_kernels.filter.integrate import differentiate, integrate
from hpcflow_kernels.filter.integrate_design import gain_taps, integrating_passes
from hpcflow_kernels.machine.severity import vibration_severity
from hpcflow_kernels.registry import get

RATE = 1000.0
TIME = np.arange(20_000) / RATE
INNER = slice(4000, -4000)


def tone(frequency: float) -> np.ndarray:
    """Of amplitude 1, as a complex exponential would be seen by its real part."""
    return np.cos(2 * np.pi * frequency * TIME + 0.3)


def amplitude(y: np.ndarray, frequency: float) -> complex:
    """Complex amplitude of a tone, in the phase of `tone`."""
    return 2 * np.mean(y[INNER] * np.exp(-1j * (2 * np.pi * frequency * TIME[INNER] + 0.3)))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    ("frequency", "bound"), [(50.0, 1e-5), (100.0, 1e-5), (125.0, 5e-5), (200.0, 2.5e-3), (250.0, 0.016)]
)
def test_a_tone_has_its_integral_in_amplitude_and_phase(frequency, bound, times):
    got = amplitude(integrate(tone(frequency) + 9.81, rate=RATE, low=2.0, times=times), frequency)
    assert abs(got * (2j * np.pi * frequency) ** times - 1) <= bound
    assert abs(np.angle(got * (2j * np.pi * frequency) ** times)) <= 1e-9


def test_at_the_edge_half_is_left_and_gravity_and_drift_are_not():
    got = amplitude(integrate(tone(10.0), rate=RATE, low=10.0), 10.0)
    assert got * 2j * np.pi * 10 == pytest.approx(0.5, abs=1e-3)
    drift = integrate(9.81 + 0.02 * TIME, rate=RATE, low=2.0)
    assert np.abs(drift[INNER]).max() <= 1e-6


def test_it_is_the_sum_over_the_record_filtered():
    x = signal.sosfiltfilt(
        signal.butter(4, [20, 80], "bandpass", fs=RATE, output="sos"),
        np.random.default_rng(1).standard_normal(len(TIME)),
    )
    summed = scipys.cumulative_simpson(x, dx=1 / RATE, initial=0)
    wanted = signal.sosfiltfilt(signal.butter(2, 2, "highpass", fs=RATE, output="sos"), summed)
    got = integrate(x, rate=RATE, low=2.0)
    assert np.abs(got - wanted)[INNER].max() <= 1e-3 * np.abs(wanted).max()


@pytest.mark.parametrize("times", [1, 2])
def test_both_passes_are_stable_and_know_no_pole_at_one(times):
    for found in integrating_passes(0.5, 25_600.0, 3, times):
        assert max(abs(pole) for pole in found.poles) < 1
        assert len(found.zeros) == len(found.poles) == 3


@pytest.mark.parametrize("times", [1, 2])
def test_gain_taps_undo_the_trapezoidal_rule(times):
    w = np.linspace(0.01, 0.25 * np.pi, 50)
    taps = gain_taps(times)
    gain = taps[0] + 2 * sum(tap * np.cos(k * w) for k, tap in enumerate(taps) if k)
    rule = (w / 2 / np.tan(w / 2)) ** times
    assert np.abs(gain * rule - 1).max() <= 4e-5


def test_the_velocity_of_a_machine_is_the_one_severity_finds(shared_data):
    path = next((shared_data / "industrial" / "bearing_cwru").glob("097_*.mat"))
    x = loadmat(path)["X097_DE_time"].ravel()[: 4 * 48_000] * 9.80665
    wanted = vibration_severity(x, rate=48_000.0, window=1.0)["velocity_rms"]
    velocity = integrate(x, rate=48_000.0, low=1.0)
    frequency, power = signal.periodogram(
        velocity.reshape(4, 48_000), 48_000.0, "hann", detrend="constant", scaling="density"
    )
    inside = (frequency >= 10) & (frequency <= 1000)
    got = np.sqrt(power[:, inside].sum(axis=1))
    assert got == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("frequency", "bound"), [(20.0, 1e-9), (100.0, 4e-5), (200.0, 7e-3)])
def test_a_tone_has_its_derivative(frequency, bound, times):
    got = amplitude(differentiate(tone(frequency), rate=RATE, times=times), frequency)
    assert abs(got / (2j * np.pi * frequency) ** times - 1) <= bound


def test_a_polynomial_has_its_derivative_up_to_the_ends():
    t = np.arange(30) / 10
    assert differentiate(t**5, rate=10.0) == pytest.approx(5 * t**4, abs=1e-8)
    assert differentiate(t**5, rate=10.0, times=2) == pytest.approx(20 * t**3, abs=1e-6)


def test_there_and_back():
    x = (tone(30.0) + 0.5 * tone(70.0)).astype(np.float32)
    back = differentiate(integrate(x, rate=RATE, low=1.0), rate=RATE)
    assert back.dtype == np.float32
    assert np.abs(back - x)[INNER].max() <= 1e-4


def test_columns_are_integrated_one_by_one():
    x = np.stack([tone(30.0), tone(70.0)], axis=1)
    both = integrate(x, rate=RATE, low=2.0)
    for column in range(2):
        assert np.array_equal(both[:, column], integrate(x[:, column].copy(), rate=RATE, low=2.0))


def test_units_follow():
    for name, times, units in (
        ("integrate", 1, "m s-1"),
        ("integrate", 2, "m"),
        ("differentiate", 1, "m s-3"),
        ("differentiate", 2, "m s-4"),
    ):
        (field,) = get(name).fields({"times": times})
        assert derive(field.units, "m s-2") == units


def test_what_cannot_be_asked_is_refused():
    check = get("integrate").check
    assert "quarter of the sampling rate" in check({"low": 300.0}, RATE)[0]
    assert check({"low": 200.0}, RATE) == []
    assert check({"low": 300.0}, None) == []
