"""Squared envelope spectra against SciPy's analytic signal, and against modulations known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import fft, signal

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.bearing_simulation import Machine, simulate
from hpcflow_kernels.machine.envelope import envelope_spectrum
from hpcflow_kernels.machine.envelope_band import squared_envelope_spectrum
from hpcflow_kernels.registry import get


def by_hilbert(x: np.ndarray, rate: float, band: tuple[float, float], window: float, last: float):
    """One frame at the full rate, in float64, line by line."""
    n = int(window * rate + 0.5)
    frequency = fft.rfftfreq(n, 1 / rate)
    spectrum = fft.rfft(x[:n].astype(np.float64))
    spectrum[(frequency < band[0] - 1e-9) | (frequency > band[1] + 1e-9)] = 0
    squared = np.abs(signal.hilbert(fft.irfft(spectrum, n))) ** 2
    weight = signal.get_window("hann", n)
    swing, time = (squared - squared.mean()) * weight, np.arange(n) / rate
    lines = [
        2 * abs(np.sum(swing * np.exp(-2j * np.pi * k / window * time))) / weight.sum()
        for k in range(1, int(last * window + 1e-9) + 1)
    ]
    return np.array([squared.mean(), *lines])


@pytest.mark.parametrize(
    ("rate", "window", "band", "last"),
    [
        (4096.0, 0.5, (600.0, 1100.0), 200.0),
        (4000.0, 0.25, (1500.0, 2000.0), 200.0),  # up to half the sampling rate
        (4096.0, 0.25, (0.0, 2048.0), 200.0),  # all of it: the envelope at the full rate and beyond
        (4001.0, 0.3, (0.0, 700.0), 100.0),  # from zero; 0.3 s is no whole number of samples
        (5000.0, 0.1, (500.0, 750.0), 250.0),  # the grid ends where the squared envelope does
    ],
)
def test_it_is_the_squared_hilbert_envelope_of_the_band(rate, window, band, last):
    x = np.random.default_rng(7).standard_normal(5000) + 0.3
    expected = by_hilbert(x, rate, band, window, last)
    row = squared_envelope_spectrum(x, rate=rate, band=band, window=window, max_frequency=last)
    apart = np.abs(row["squared_amplitude"][0] - expected).max()
    assert apart <= (1e-12 if window * rate % 1 == 0 else 1e-9) * expected[0]
    single = squared_envelope_spectrum(
        x.astype(np.float32), rate=rate, band=band, window=window, max_frequency=last
    )["squared_amplitude"]
    assert single.dtype == np.float32
    assert np.abs(single[0] - row["squared_amplitude"][0]).max() <= 1e-6 * expected[0]


def test_a_sinusoidal_modulation_has_its_two_lines():
    # (1 + m cos)^2 = 1 + m^2/2 + 2 m cos + m^2/2 cos 2
    rate, depth, time = 8192.0, 0.4, np.arange(8192) / 8192.0
    x = 3 * (1 + depth * np.cos(2 * np.pi * 37 * time)) * np.cos(2 * np.pi * 2000 * time)
    x += np.cos(2 * np.pi * 3500 * time)  # outside the band
    (row,) = squared_envelope_spectrum(x, rate=rate, band=(1500.0, 2500.0), max_frequency=100.0)[
        "squared_amplitude"
    ]
    assert row[0] == pytest.approx(9 * (1 + depth**2 / 2), rel=1e-12)
    assert row[37] == pytest.approx(9 * 2 * depth, rel=1e-12)
    assert row[74] == pytest.approx(9 * depth**2 / 2, rel=1e-12)
    assert row[50] < 1e-12


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1000, 1002])  # eight lanes of our own, and SciPy's
def test_a_frame_is_itself_whatever_stands_beside_it(dtype, n):
    x = np.random.default_rng(3).standard_normal(13 * n).astype(dtype)
    plain: dict[str, Any] = {"rate": float(n), "overlap": 0.0, "max_frequency": 100.0}
    band: dict[str, Any] = {"band": (200.0, 400.0)}
    for kernel, field, given in (
        (envelope_spectrum, "amplitude", plain),
        (envelope_spectrum, "amplitude", plain | band),
        (squared_envelope_spectrum, "squared_amplitude", plain | band),
    ):
        rows = kernel(x, **given)[field]
        for first, stop in ((0, 1), (3, 12), (12, 13)):
            assert np.array_equal(kernel(x[first * n : stop * n], **given)[field], rows[first:stop])
        torn = x.copy()
        torn[10 * n + 7], torn[12 * n] = np.nan, np.inf
        found = kernel(torn, **given)[field]
        assert np.isnan(found[[10, 12]]).all()
        assert np.array_equal(np.delete(found, [10, 12], axis=0), np.delete(rows, [10, 12], axis=0))
        assert kernel(x[: n - 1], **given)[field].shape == (0, 101)


def test_the_fault_line_of_a_simulated_bearing():
    machine = Machine(fault="outer", level=0.6, seconds=6.0, slip=0.01, jitter=0.003)
    rows = squared_envelope_spectrum(simulate(machine), rate=machine.rate, band=(2000.0, 4500.0))
    mean = rows["squared_amplitude"].mean(axis=0)
    line = 3.5848 * machine.speed * 1.01
    top = 10 + np.argmax(mean[10:130])  # its second harmonic is as high
    assert top == pytest.approx(line, abs=1)
    assert mean[top] > 5 * np.median(mean[10:])


def test_what_cannot_be_asked_is_refused():
    contract = get("squared_envelope_spectrum")
    given = {"band": [2000.0, 5000.0], "window": 1.0, "overlap": 0.5, "max_frequency": 1000.0}
    assert contract.check(given, 12_000.0) == []
    for changes, word in (
        ({"band": [2000.0]}, "rising"),
        ({"band": [5000.0, 2000.0]}, "rising"),
        ({"band": [2000.0, 7000.0]}, "half the sampling rate"),
        ({"band": [2000.0, 2500.0]}, "width"),
        ({"band": [2000.0, 2001.0], "max_frequency": 1.0}, "coarse"),
        ({"max_frequency": 0.5}, "resolves"),
    ):
        (problem,) = contract.check(given | changes, 12_000.0)
        assert word in problem
    with pytest.raises(ValueError, match="`oversampling` at least 2"):
        envelope_spectrum(np.zeros(1000), rate=1000.0, band=(100.0, 400.0), oversampling=1.0)
    with pytest.raises(ValueError, match="no frequency of a frame"):
        squared_envelope_spectrum(np.zeros(100), rate=100.0, band=(60.0, 70.0))


def test_bearing_faults_says_that_it_reads_another_spectrum():
    rows = Rows(np.ones((3, 10)), 2.0, "m2 s-4", {"frequency": np.arange(10.0)})
    with pytest.raises(ValueError, match="reads the `amplitude` of envelope_spectrum"):
        get("bearing_faults").load()(spectrum={"squared_amplitude": rows}, speed=30.0, bearing="UER204")
