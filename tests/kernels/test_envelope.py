"""Envelope spectra against SciPy's Hilbert transform and against modulations known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.machine.bearing_contracts import CONTRACTS
from hpcflow_kernels.machine.envelope import envelope_spectrum

KERNELS = {contract.name: contract for contract in CONTRACTS}


def modulated(rate: float, seconds: float, carrier: float, line: float, depth: float) -> np.ndarray:
    time = np.arange(int(rate * seconds)) / rate
    return (2.0 + depth * np.cos(2 * np.pi * line * time)) * np.cos(2 * np.pi * carrier * time)


@pytest.mark.parametrize("rate", [12000.0, 48000.0, 48828.0, 97656.0, 51200.5, 12345.678])
def test_a_modulation_stands_at_its_frequency_with_its_amplitude_at_any_rate(rate):
    x = modulated(rate, 3.2, 3000.0, 107.0, 0.5)
    rows = envelope_spectrum(x, rate=rate)["amplitude"]
    fields = KERNELS["envelope_spectrum"].fields({"window": 1.0, "overlap": 0.5, "max_frequency": 1000.0})
    grid = np.array(fields[0].dims[0].values)
    assert rows.shape == (5, len(grid))
    assert grid[107] == 107.0
    assert rows[:, 107] == pytest.approx(0.5, rel=2e-3)
    assert rows[:, 0] == pytest.approx(2.0, rel=2e-3)
    assert np.argmax(rows[2, 3:]) + 3 == 107


def test_each_frame_is_scipys():
    rate, n = 8000.0, 4000
    x = np.random.default_rng(3).standard_normal(20_000)
    rows = envelope_spectrum(x, rate=rate, window=0.5, overlap=0.75, max_frequency=500.0)["amplitude"]
    for row in (0, 5, len(rows) - 1):
        frame = x[row * 1000 : row * 1000 + n]
        envelope = np.abs(signal.hilbert(frame))
        _, _, expected = signal.stft(
            envelope - envelope.mean(), rate, "hann", n, 0, boundary=None, padded=False, scaling="spectrum"
        )
        expected = 2 * np.abs(expected[:251, 0])
        assert rows[row, 1:] == pytest.approx(expected[1:], abs=1e-12)
        assert rows[row, 0] == pytest.approx(envelope.mean())


@pytest.mark.parametrize("n", [32, 40, 96, 120, 1000, 1024, 2592, 4096, 9600, 12_500, 25_600, 25_608])
def test_any_length_is_scipys_up_to_the_last_line_before_half_the_rate(n):
    rng = np.random.default_rng(n)
    x = np.cumsum(rng.standard_normal(3 * n)) + 5.0
    weight = signal.get_window("hann", n)
    expected = []
    for frame in x.reshape(3, n):
        envelope = np.abs(signal.hilbert(frame))
        lines = np.abs(np.fft.rfft((envelope - envelope.mean()) * weight)) * 4 / n
        expected.append(np.append(envelope.mean(), lines[1 : n // 2]))
    given = {"rate": float(n), "overlap": 0.0, "max_frequency": float(n // 2 - 1)}
    rows = envelope_spectrum(x, **given)["amplitude"]
    assert np.abs(rows - expected).max() <= 1e-13 * np.max(expected)
    single = envelope_spectrum(x.astype(np.float32), **given)["amplitude"]
    assert single.dtype == np.float32
    assert np.abs(single - expected).max() <= 1e-6 * np.max(expected)
    whole = envelope_spectrum(x, **given | {"max_frequency": float(n // 2)})["amplitude"]
    assert whole[:, :-1] == pytest.approx(rows, rel=1e-12, abs=1e-13 * np.max(expected))


def test_a_fractional_frame_keeps_the_grid_exact():
    # 0.1 s at 12 345.678 Hz is 1234.57 samples: FFT bins would stand 0.03 % off, half a hertz at the top.
    rate, window = 12345.678, 0.1
    x = modulated(rate, 1.0, 2500.0, 900.0, 1.0)
    rows = envelope_spectrum(x, rate=rate, window=window, max_frequency=1000.0)["amplitude"]
    n = int(window * rate + 0.5)
    envelope = np.abs(signal.hilbert(x[:n]))
    weight = signal.get_window("hann", n)
    time = np.arange(n) / rate
    swing = (envelope - envelope.mean()) * weight
    direct = [
        2 * abs(np.sum(swing * np.exp(-2j * np.pi * k / window * time))) / weight.sum() for k in range(101)
    ]
    assert rows[0, 1:] == pytest.approx(direct[1:], abs=1e-10)


def test_gaps_empty_exactly_the_frames_they_touch():
    x = np.random.default_rng(4).standard_normal(10_000).astype(np.float32)
    whole = envelope_spectrum(x, rate=1000.0, max_frequency=100.0)["amplitude"]
    x[4300] = np.nan
    rows = envelope_spectrum(x, rate=1000.0, max_frequency=100.0)["amplitude"]
    touched = [row for row in range(len(rows)) if row * 500 <= 4300 < row * 500 + 1000]
    assert touched == [7, 8]
    assert np.isnan(rows[touched]).all()
    rest = [row for row in range(len(rows)) if row not in touched]
    assert np.array_equal(rows[rest], whole[rest])
    assert rows.dtype == np.float32


@pytest.mark.parametrize("n", [4096, 8640, 25_600])
def test_a_long_frame_is_a_function_of_itself(n):
    x = np.random.default_rng(n).standard_normal(5 * n).astype(np.float32)
    x[3 * n + 17] = np.nan
    given = {"rate": float(n), "overlap": 0.0, "max_frequency": 200.0}
    together = envelope_spectrum(x, **given)["amplitude"]
    for row in (0, 2, 4):
        alone = envelope_spectrum(x[row * n : (row + 1) * n], **given)["amplitude"]
        assert np.array_equal(alone[0], together[row])
    assert np.isnan(together).all(axis=1).tolist() == [False, False, False, True, False]


def test_rows_follow_the_contract_and_single_precision_its_bound():
    contract = KERNELS["envelope_spectrum"]
    params = {"window": 0.25, "overlap": 0.5, "max_frequency": 400.0}
    x = np.random.default_rng(5).standard_normal(9_999)
    double = contract.load()(x, rate=4000.0, **params)["amplitude"]
    single = contract.load()(x.astype(np.float32), rate=4000.0, **params)["amplitude"]
    assert len(double) == contract.geometry(params, 4000.0).rows(len(x))
    assert np.abs(single - double).max() <= 1e-5 * double[:, 0].mean()
    assert contract.load()(x[:10], rate=4000.0, **params)["amplitude"].shape == (0, 101)


def test_what_cannot_be_asked_is_refused():
    contract = KERNELS["envelope_spectrum"]
    assert (
        "max_frequency" in contract.check({"window": 1.0, "overlap": 0.5, "max_frequency": 900.0}, 1000.0)[0]
    )
    assert "window" in contract.check({"window": 1e-3, "overlap": 0.5, "max_frequency": 900.0}, 4000.0)[0]
    right = {"window": 1.0, "overlap": 0.5, "max_frequency": 1000.0}
    assert contract.check(right, 48828.0) == []
    assert contract.check({**right, "band": [2000.0, 5000.0]}, 48828.0) == []
    assert "two rising" in contract.check({**right, "band": [5000.0, 2000.0]}, 48828.0)[0]
    assert "band's width" in contract.check({**right, "band": [2000.0, 2500.0]}, 48828.0)[0]


@pytest.mark.shared_data
def test_the_outer_race_line_of_a_recording(shared_data):
    from scipy.io import loadmat

    from hpcflow_kernels.filter.zero_phase import bandpass

    x = loadmat(shared_data / "industrial/bearing_cwru/130_OR007at6_0hp_12kHz.mat")["X130_DE_time"].ravel()
    band = bandpass(x, rate=12000.0, low=2000.0, high=5000.0)
    mean = envelope_spectrum(band, rate=12000.0)["amplitude"].mean(axis=0)
    # README: lines at 107.67, 215.3, 323.0 Hz, the first more than 800 times the median
    top = 20 + np.argmax(mean[20:])
    assert top == 108
    assert mean[top] > 20 * np.median(mean[20:])
    assert {215, 216} & set(np.argsort(mean[20:])[-8:] + 20)


def of_band(x, rate, band, last):
    """What `band` means, at the full rate, in float64: a frame of one second."""
    n = len(x)
    frequency = np.fft.rfftfreq(n, 1 / rate)
    spectrum = np.fft.rfft(x.astype(np.float64))
    spectrum[(frequency < band[0]) | (frequency > band[1])] = 0
    envelope = np.abs(signal.hilbert(np.fft.irfft(spectrum, n)))
    lines = (
        np.abs(np.fft.rfft((envelope - envelope.mean()) * signal.get_window("hann", n)))[: last + 1] * 4 / n
    )
    lines[0] = envelope.mean()
    return lines


@pytest.mark.parametrize(("rate", "band"), [(25_600.0, (2000.0, 5000.0)), (48_000.0, (9000.0, 10_100.0))])
@pytest.mark.parametrize(("oversampling", "bound"), [(2.0, 6e-3), (4.0, 1e-3), (8.0, 2e-4), (50.0, 1e-12)])
def test_a_lower_rate_of_the_envelope_folds_as_little_as_stated(rate, band, oversampling, bound):
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal(int(rate))
        expected = of_band(x, rate, band, 1000)
        (row,) = envelope_spectrum(x, rate=rate, band=band, oversampling=oversampling)["amplitude"]
        assert np.abs(row - expected).max() <= bound * expected[0]
        single = envelope_spectrum(x.astype(np.float32), rate=rate, band=band, oversampling=oversampling)
        assert single["amplitude"].dtype == np.float32
        assert np.abs(single["amplitude"][0] - row).max() <= 1e-6 * expected[0]


def test_a_band_of_a_raw_signal_has_the_modulation_in_it():
    x = modulated(12_000.0, 2.0, 3000.0, 107.0, 0.5)
    x += 4 * np.cos(2 * np.pi * 5000 * np.arange(len(x)) / 12_000.0)  # outside
    rows = envelope_spectrum(x, rate=12_000.0, band=(2000.0, 4000.0))["amplitude"]
    assert rows[:, 107] == pytest.approx(0.5, rel=1e-9)
    assert rows[:, 0] == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("more", [{}, {"band": (1000.0, 2000.0)}])
@pytest.mark.parametrize("power", [-90, -70, 70, 120])
def test_very_small_and_very_large_signals_in_single_precision(more, power):
    x = np.random.default_rng(1).standard_normal(16_000).astype(np.float32)
    power = np.float32(2.0**power)
    plain = envelope_spectrum(x, rate=8000.0, max_frequency=900.0, **more)["amplitude"]
    moved = envelope_spectrum(x * power, rate=8000.0, max_frequency=900.0, **more)["amplitude"]
    significant = plain > 1e-3 * plain.max()
    assert np.array_equal(moved[significant] / power, plain[significant])


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["097_normal_0hp_48kHz", "105_IR007_0hp_12kHz", "130_OR007at6_0hp_12kHz", "222_B021_0hp_12kHz"]
)
@pytest.mark.parametrize("band", [(2000.0, 5000.0), (2500.0, 3600.0)])
def test_recordings_fold_less(shared_data, name, band):
    from scipy.io import loadmat

    found = loadmat(shared_data / f"industrial/bearing_cwru/{name}.mat")
    rate = 48_000.0 if "48kHz" in name else 12_000.0
    x = next(value for key, value in found.items() if key.endswith("DE_time")).ravel()[: 5 * int(rate)]
    rows = envelope_spectrum(x, rate=rate, band=band, overlap=0.0)["amplitude"]
    for frame, row in zip(x.reshape(5, -1), rows, strict=True):
        expected = of_band(frame, rate, band, 1000)
        assert np.abs(row - expected).max() <= 1e-3 * expected[0]
