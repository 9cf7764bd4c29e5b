"""Spectral kernels on array libraries: beside those of the processor, and beside SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels import Rows, get
from hpcflow_kernels.arrays import (
    coherence,
    irregular,
    orders,
    spectrum,
    spectrum_numbers,
    subtraction,
    transforms,
    welch,
)
from hpcflow_kernels.arrays.namespace import available
from tests.conftest import named

RATE = 1000.0
SINGLE, DOUBLE = 4e-6, 1e-12


@pytest.fixture(params=available(), ids=str)
def asarray(request):
    """Of one library; the strict one knows what the standard of 2023 has, and no more."""
    return request.param.put


def noise(samples: int, dtype: type, kind: str = "whole") -> np.ndarray:
    """Noise with a tone and an offset; with gaps, in the middle and at the end; or silent for a third."""
    rng = np.random.default_rng(samples)
    x = (rng.standard_normal(samples) + 3 * np.sin(0.56 * np.arange(samples)) + 5).astype(dtype)
    if kind == "gaps":
        x[samples // 3 : samples // 3 + 7] = x[-1] = np.nan
    if kind == "silent":
        x[: samples // 3] = 3
    return x


LINES, BOXCAR = {"scaling": "spectrum"}, {"taper": "boxcar"}

WINDOWS = [
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 256}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 100, "overlap": 0.9, "taper": "boxcar"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 77, "overlap": 0.3, "scaling": "spectrum"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 32, "overlap": 0.0, "scaling": "magnitude"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 75, "scaling": "magnitude"}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.256, "max_frequency": 200.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.3, "overlap": 0.5, "max_frequency": 500.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.2505, "max_frequency": 100.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.0617, "max_frequency": 480.0, **LINES}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 256}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 101, "weighting": "uniform", **LINES}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 96, "bandwidth": 2.5, "weighting": "adaptive"}),
    (spectrum.cepstrum_frames, "cepstrum", {"nperseg": 256}),
    (spectrum.cepstrum_frames, "cepstrum", {"nperseg": 75, "overlap": 0.75, **BOXCAR, "kind": "power"}),
    (spectrum_numbers.spectral_shape, "spectral_shape", {"window": 0.256, "overlap": 0.5}),
    (spectrum_numbers.spectral_shape, "spectral_shape", {"window": 0.301, "low": 20.0, "high": 300.0}),
    (spectrum_numbers.spectral_kurtosis_frames, "spectral_kurtosis", {"window": 1.0, "nperseg": 64}),
    (spectrum_numbers.spectral_kurtosis_frames, "spectral_kurtosis", {"window": 0.7, "nperseg": 51}),
    (spectrum_numbers.octave_bands, "octave_bands", {"window": 0.512, "low": 125.0, "high": 250.0}),
    (
        spectrum_numbers.octave_bands,
        "octave_bands",
        {"window": 0.55, "overlap": 0.5, "low": 50.0, "high": 400.0},
    ),
]


WELCH = [
    (welch.welch_windows, "welch", {"window": 1.003, "nperseg": 128, "overlap": 0.75}),
    (welch.welch_windows, "welch", {"window": 0.4, "nperseg": 77, "taper": "hamming", **LINES}),
    (welch.welch_windows, "welch", {"window": 2.5, "nperseg": 100, "overlap": 0.0, "missing": 0.01}),
]


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")  # of NumPy
@pytest.mark.parametrize("kind", ["whole", "gaps", "silent"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ours", "name", "params"), WINDOWS + WELCH, ids=named)
def test_windows_are_those_of_the_processor(ours, name, params, dtype, kind, asarray):
    x = noise(5001, dtype, kind)
    contract = get(name)
    every = {p.name: params.get(p.name, p.default) for p in contract.params}
    given = asarray(x)
    made, expected = ours(given, rate=RATE, **every), contract.load()(x, rate=RATE, **every)
    assert set(made) == set(expected)
    for field, wanted in expected.items():
        assert type(made[field]) is type(given)
        got, there = np.asarray(made[field]), np.isfinite(wanted)
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        assert np.array_equal(got[~there], wanted[~there], equal_nan=True)
        bound = SINGLE if dtype == np.float32 else DOUBLE
        assert np.abs(got[there] - wanted[there]).max() <= bound * np.abs(wanted[there]).max()
    assert np.array_equal(np.asarray(given), x, equal_nan=True)


def test_a_spectrogram_is_scipys(asarray):
    x = noise(4001, np.float64)
    for n, shared, taper, scaling in ((128, 96, "hann", "density"), (75, 25, "hamming", "spectrum")):
        how = {"nperseg": n, "overlap": shared / n, "taper": taper, "scaling": scaling}
        got = spectrum.spectrogram_frames(asarray(x), rate=RATE, **how)["spectrogram"]
        expected = signal.spectrogram(x, RATE, taper, n, shared, scaling=scaling)[2].T
        assert np.abs(np.asarray(got) - expected).max() <= 1e-13 * expected.max()


def test_a_long_windows_segments_go_through_in_parts(asarray, monkeypatch):
    x = noise(9001, np.float32)
    x[4000] = np.nan
    how = {"window": 9.0, "nperseg": 128, "missing": 0.1}
    monkeypatch.setattr(transforms, "NEAR", 2000)
    got = np.asarray(welch.welch_windows(asarray(x), rate=RATE, **how)["power"])[0]
    segments = np.lib.stride_tricks.sliding_window_view(x[:9000].astype(np.float64), 128)[::64]
    whole = segments[np.isfinite(segments).all(axis=1)]
    expected = signal.periodogram(whole, RATE, "hann", detrend="constant")[1].mean(axis=0)
    assert np.abs(got - expected).max() <= 1e-6 * expected.max()


def test_a_periodogram_is_that_of_the_definition_on_any_grid(asarray):
    x, rate, window = noise(700, np.float64), 1024.0, 0.3003
    how = {"window": window, "max_frequency": 500.0, "taper": "hann"}
    got = np.asarray(spectrum.periodogram_frames(asarray(x), rate=rate, **how)["power"])
    n = round(window * rate)
    weights = signal.get_window("hann", n)
    frequency = np.arange(151) / window
    turning = np.exp(-2j * np.pi * np.outer(frequency, np.arange(n)) / rate)
    for row in range(2):
        frame = x[row * n : (row + 1) * n]
        expected = 2 * np.abs(turning @ ((frame - frame.mean()) * weights)) ** 2
        expected[0] /= 2
        expected /= rate * np.sum(weights**2)
        assert np.abs(got[row] - expected).max() <= 1e-12 * expected.max()


def test_a_multitaper_spectrum_is_the_mean_over_tapers(asarray):
    x = noise(256, np.float64)
    how = {"nperseg": 256, "weighting": "uniform"}
    got = np.asarray(spectrum.multitaper_frames(asarray(x), rate=RATE, **how)["power"])[0]
    tapers = signal.windows.dpss(256, 4.0, 7)
    expected = np.mean([signal.periodogram(x, RATE, taper)[1] for taper in tapers], axis=0)
    assert np.abs(got - expected).max() <= 1e-13 * expected.max()


@pytest.mark.parametrize(("ours", "name", "params"), WINDOWS, ids=named)
def test_how_many_frames_go_together_changes_no_bit(ours, name, params, asarray, monkeypatch):
    every = {p.name: params.get(p.name, p.default) for p in get(name).params}
    x = asarray(noise(3001, np.float32, "gaps"))
    whole = {field: np.asarray(values) for field, values in ours(x, rate=RATE, **every).items()}
    for near in (1, 2000):
        monkeypatch.setattr(transforms, "NEAR", near)
        for field, values in ours(x, rate=RATE, **every).items():
            assert np.array_equal(np.asarray(values), whole[field], equal_nan=True)


def related(samples: int, dtype: type, gaps: bool) -> list[np.ndarray]:
    """Three signals that have some of their noise in common, the third late."""
    shared = noise(samples + 3, np.float64)
    found = [
        shared[3 - i : 3 - i + samples] + (i + 1) * noise(samples + i + 10, np.float64)[:samples]
        for i in range(3)
    ]
    if gaps:
        found[1][samples // 2 : samples // 2 + 40] = np.nan
        found[2][5] = np.inf
    return [x.astype(dtype) for x in found]


RECORDS = [
    (coherence.coherence_of_record, "coherence", {"nperseg": 128}),
    (coherence.coherence_of_record, "coherence", {"nperseg": 75, "overlap": 0.8, "taper": "hamming"}),
    (coherence.transfer_function_of_record, "transfer_function", {"nperseg": 256, "estimator": "h1"}),
    (coherence.transfer_function_of_record, "transfer_function", {"nperseg": 101, "estimator": "h2"}),
    (coherence.transfer_function_of_record, "transfer_function", {"nperseg": 64, "estimator": "hv"}),
    (coherence.coherence_of_pairs, "coherence_matrix", {"nperseg": 128, "band": [0.0, 50.0, 200.0]}),
    (coherence.coherence_of_pairs, "coherence_matrix", {"nperseg": 75, "overlap": 0.0}),
]


def compared(name: str, signals: list[Any]) -> dict[str, Any]:
    """Ports of a kernel that compares signals."""
    rows = [Rows(x, RATE, "m", {}) for x in signals]
    ports = [port.name for port in get(name).ports]
    if name == "coherence_matrix":
        return {ports[0]: dict(zip("abc", rows, strict=True))}
    return dict(zip(ports, rows, strict=False))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # infinity less infinity, in NumPy
@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ours", "name", "params"), RECORDS, ids=named)
def test_records_are_those_of_the_processor(ours, name, params, dtype, gaps, asarray):
    signals = related(20_001, dtype, gaps)
    every = {p.name: params.get(p.name, p.default) for p in get(name).params}
    made = ours(**compared(name, [asarray(x) for x in signals]), **every)
    expected = get(name).load()(**compared(name, signals), **every)
    assert set(made) == set(expected)
    bound = 1e-5 if dtype == np.float32 else 1e-11
    for field, wanted in expected.items():
        got = np.asarray(made[field])
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        if field == "phase":  # of weakly coherent bins it is as uncertain as their product is small
            got, wanted = (np.sqrt(expected["coherence"]) * np.exp(1j * z) for z in (got, wanted))
        assert np.abs(got - wanted).max() <= bound * np.abs(wanted).max()


@pytest.mark.parametrize(("ours", "name", "params"), RECORDS, ids=named)
def test_records_without_a_whole_segment_have_no_spectrum(ours, name, params, asarray):
    every = {p.name: params.get(p.name, p.default) for p in get(name).params}
    signals = [np.full(500, np.nan, np.float32)] * 3
    expected = get(name).load()(**compared(name, signals), **every)
    for field, values in ours(**compared(name, [asarray(x) for x in signals]), **every).items():
        assert np.array_equal(np.asarray(values), expected[field], equal_nan=True)


def test_coherence_is_scipys(asarray):
    x, y, _ = related(9001, np.float64, False)
    ports = {"reference": Rows(asarray(x), RATE, "m", {}), "signal": Rows(asarray(y), RATE, "m", {})}
    made = coherence.coherence_of_record(**ports, nperseg=200, overlap=0.5, taper="hann")
    assert np.abs(np.asarray(made["coherence"]) - signal.coherence(x, y, nperseg=200)[1]).max() < 1e-12
    cross = signal.csd(x, y, nperseg=200)[1]
    turned = np.asarray(made["phase"]) - np.angle(cross)
    assert np.abs(np.exp(1j * turned) - 1).max() < 1e-9


@pytest.mark.parametrize(("n", "hop"), [(128, 32), (100, 30), (75, 25), (64, 64)])
def test_short_time_transforms_and_back_are_scipys(n, hop, asarray):
    x = noise(1003, np.float64)
    z = subtraction.stft(asarray(x), n, hop)
    expected = signal.stft(x, nperseg=n, noverlap=n - hop)[2].T
    assert np.abs(np.asarray(z) - expected).max() <= 1e-13
    if hop < n:  # hop = n leaves samples without weight
        back = np.asarray(subtraction.istft(z, n, hop))
        assert np.abs(back[: len(x)] - x).max() <= 1e-12
        changed = z * asarray(np.linspace(0.5, 1.5, n // 2 + 1))
        expected = signal.istft(np.asarray(changed).T, nperseg=n, noverlap=n - hop)[1]
        assert np.abs(np.asarray(subtraction.istft(changed, n, hop)) - expected).max() <= 1e-12


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")  # of NumPy
@pytest.mark.parametrize("kind", ["whole", "gaps", "silent"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "params", [{"nperseg": 256}, {"nperseg": 100, "overlap": 0.5, "quantile": 0.3, "excess": 3.0}], ids=str
)
def test_a_noise_taken_out_is_that_of_the_processor(params, dtype, kind, asarray):
    x = noise(5001, dtype, kind)
    every = {p.name: params.get(p.name, p.default) for p in get("spectral_subtraction").params}
    expected = get("spectral_subtraction").load()(signal=Rows(x, RATE, "m", {}), **every)["cleaned"]
    got = subtraction.subtraction_of_record(signal=Rows(asarray(x), RATE, "m", {}), **every)["cleaned"]
    got = np.asarray(got)
    assert got.dtype == dtype
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    bound = 1e-5 if dtype == np.float32 else 1e-12
    assert np.nanmax(np.abs(got - expected)) <= bound * np.nanmax(np.abs(expected))


def machine(samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orders 1 and 3.5 of a shaft that runs up and turns back at the end, its speed and its tachometer."""
    speed = 20 + 15 * np.sin(np.linspace(0, 3, samples)) - 34 * (np.arange(samples) > 0.9 * samples)
    turns = np.cumsum(speed) / RATE
    x = np.sin(2 * np.pi * turns) + 0.5 * np.cos(7 * np.pi * turns) + 0.1 * noise(samples, np.float64)
    return x, speed, (np.mod(2 * turns, 1) < 0.2).astype(np.float64)


@pytest.mark.parametrize("kind", ["whole", "gaps"])
@pytest.mark.parametrize("by", ["speed", "tacho", "shaft"])
@pytest.mark.parametrize(
    ("ours", "name", "params"),
    [
        (orders.order_spectrum_of_record, "order_spectrum", {"speeds": [10.0, 25.0, 30.0, 100.0]}),
        (orders.order_spectrum_of_record, "order_spectrum", {"max_order": 10.5, "revolutions": 7}),
        (orders.order_map_of_record, "order_map", {"step": 0.25, "revolutions": 5, "min_speed": 15.0}),
    ],
    ids=named,
)
def test_orders_are_those_of_the_processor(ours, name, params, by, kind, asarray):
    x, speed, tacho = machine(9001)
    if kind == "gaps":
        x[3000:3100] = np.nan
    every = {p.name: params.get(p.name, p.default) for p in get(name).params}
    every |= {"pulses": 2} if by == "tacho" else {}
    side = {"speed": (speed, "Hz"), "tacho": (tacho, "V")}

    def ports(place: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        other = 25.0 if by == "shaft" else Rows(place(side[by][0]), RATE, side[by][1], {})
        return {"signal": Rows(place(x.astype(np.float32)), RATE, "m", {}), by: other}

    made, expected = ours(**ports(asarray), **every), get(name).load()(**ports(lambda x: x), **every)
    assert set(made) == set(expected)
    for field, wanted in expected.items():
        got = np.asarray(made[field])
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        assert np.array_equal(np.isnan(got), np.isnan(wanted))
        assert np.nanmax(np.abs(got - wanted), initial=0) <= 1e-12 * np.nanmax(np.abs(wanted), initial=0)


@pytest.mark.parametrize("intervals", [False, True])
def test_a_spectrum_of_irregular_samples_is_scipys(intervals, asarray):
    rng = np.random.default_rng(5)
    beats = 0.8 + 0.05 * np.sin(0.5 * np.arange(300)) + 0.02 * rng.standard_normal(300)
    t = np.cumsum(beats)
    x = beats if intervals else rng.standard_normal(300) + np.sin(1.3 * t)
    if not intervals:
        x[7] = t[40] = np.nan
    how = {"low": 0.003, "high": 0.4, "points": 200, "band": [0.003, 0.04, 0.15], "intervals": intervals}
    ports = {"signal": Rows(asarray(x), np.nan, "s", {}), "time": Rows(asarray(t), np.nan, "s", {})}
    made = {k: np.asarray(v) for k, v in irregular.lomb_scargle_of_record(**ports, **how).items()}
    known = np.isfinite(x) & np.isfinite(t)
    x, t = x[known] - x[known].mean(), t[known] - t[known].min()

    def density(frequency: np.ndarray) -> np.ndarray:
        power = signal.lombscargle(t, x, 2 * np.pi * frequency, floating_mean=True)
        return 2 * np.ptp(t) / (len(t) - 1) * power

    expected = density(np.linspace(0.003, 0.4, 200))
    assert np.abs(made["power"] - expected).max() <= 1e-11 * expected.max()
    assert made["samples"] == len(x)
    fine = np.linspace(0.003, 0.15, 20_001)
    parts = [fine <= 0.04, fine >= 0.04]
    bands = [np.trapezoid(density(fine[part]), fine[part]) for part in parts]
    assert made["band_power"] == pytest.approx(bands, rel=0.05)  # from a coarser grid
