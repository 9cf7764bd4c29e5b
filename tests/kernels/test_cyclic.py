"""Cyclic coherence: its definition, what noise gives, modulated noise, and bearings."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.machine.cyclic import coherence_of_record, cyclic_coherence
from hpcflow_kernels.registry import get

RATE = 1000.0


def by_definition(x, alpha, n, hop):
    """Segments one by one, in float64, by the discrete transform as written."""
    x = x.astype(np.float64) - x.mean(dtype=np.float64)
    w = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    cross, low, high = np.zeros(n // 2 + 1, complex), np.zeros(n // 2 + 1), np.zeros(n // 2 + 1)
    for start in range(0, len(x) - n + 1, hop):
        t = np.arange(start, start + n)
        for k in range(n // 2 + 1):
            a = np.sum(w * x[t] * np.exp(-2j * np.pi * k / n * (t - start)))
            b = np.sum(w * x[t] * np.exp(-2j * np.pi * (k / n * (t - start) + alpha / RATE * t)))
            cross[k] += b * np.conj(a)
            low[k] += abs(a) ** 2
            high[k] += abs(b) ** 2
    return abs(cross) ** 2 / (low * high)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_it_is_what_is_written(dtype, bound):
    x = np.random.default_rng(1).standard_normal(900).astype(dtype)
    found = cyclic_coherence(x, RATE, [37.3], nperseg=32)
    expected = by_definition(x, 37.3, 32, 8)
    there = found.frequency + 37.3 <= RATE / 2
    assert np.abs(found.coherence[0] - expected)[there].max() <= bound
    assert np.isnan(found.coherence[0][~there]).all()


def test_noise_has_the_coherence_that_is_expected_of_it():
    rng = np.random.default_rng(2)
    found = cyclic_coherence(rng.standard_normal(200_000), RATE, np.linspace(20, 200, 19), nperseg=64)
    assert np.nanmean(found.coherence) == pytest.approx(found.expected, rel=0.1)


def test_modulated_noise_is_coherent_at_its_frequency_alone():
    rng = np.random.default_rng(3)
    time = np.arange(60_000) / RATE
    x = (1 + 0.8 * np.cos(2 * np.pi * 40 * time)) * rng.standard_normal(len(time))
    found = cyclic_coherence(x, RATE, [40.0, 40.3, 57.0], nperseg=128)
    mean = np.nanmean(found.coherence, axis=1)
    # white noise under 1 + m cos: the spectrum at alpha over the one at 0 is m / (1 + m**2 / 2)
    assert mean[0] == pytest.approx((0.8 / (1 + 0.8**2 / 2)) ** 2, rel=0.05)
    assert mean[1:].max() < 3 * found.expected


def test_gaps_are_left_out():
    rng = np.random.default_rng(4)
    time = np.arange(30_000) / RATE
    x = (1 + np.cos(2 * np.pi * 25 * time)) * rng.standard_normal(len(time))
    x[10_000:14_000] = np.nan
    found = cyclic_coherence(x, RATE, [25.0])
    assert np.nanmean(found.coherence) == pytest.approx(4 / 9, rel=0.1)
    assert np.isnan(cyclic_coherence(np.full(1000, np.nan), RATE, [25.0]).coherence).all()
    with pytest.raises(ValueError, match="cannot share"):
        cyclic_coherence(x, RATE, [25.0], 64, 64)


ASKED = {"frequencies": None, "orders": None, "tolerance": 0.0, "nperseg": 256}


@pytest.mark.shared_data
def test_an_outer_race_ties_frequencies_together_and_a_healthy_bearing_does_not(shared_data):
    from scipy.io import loadmat

    found = {}
    for number, name in ((130, "130_OR007at6_0hp_12kHz"), (97, "097_normal_0hp_48kHz")):
        x = loadmat(shared_data / f"industrial/bearing_cwru/{name}.mat")[f"X{number:03d}_DE_time"].ravel()
        rows = Rows(x[:120_000].astype(np.float32), 12_000.0 if number == 130 else 48_000.0, "m s-2", {})
        asked = ASKED | {"orders": [3.5848], "tolerance": 0.01}
        out = coherence_of_record(signal=rows, speed=29.95, **asked)
        found[number] = out["mean_coherence"][0] / out["expected"]
        if number == 130:
            assert out["cyclic_frequency"][0] == pytest.approx(107.67, abs=0.5)  # README of the recordings
    assert found[130] > 30
    assert found[97] < found[130] / 5


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "place", "line"), [("InnerRaceFault_vload_1", 1, 117.9), ("OuterRaceFault_vload_4", 0, 80.3)]
)
def test_the_faulty_race_is_the_coherent_one(shared_data, name, place, line):
    from scipy.io import loadmat

    path = shared_data / f"industrial/bearing_mfpt_noncommercial/{name}.mat"
    found = loadmat(path, squeeze_me=True, struct_as_record=False)["bearing"]
    rows = Rows(np.asarray(found.gs, np.float32), float(found.sr), "m s-2", {})
    races = [8 / 2 * (1 + sign * 0.235 / 1.245) * found.rate for sign in (-1, 1)]  # outer, inner
    out = coherence_of_record(signal=rows, **(ASKED | {"frequencies": races, "tolerance": 0.015}))
    # README of the recordings: envelope lines at 117.9 Hz (inner race) and 80.3 Hz (outer)
    assert out["cyclic_frequency"][place] == pytest.approx(line, abs=0.2)
    assert out["mean_coherence"][place] > 20 * max(out["expected"], out["mean_coherence"][1 - place])


def test_how_cyclic_frequencies_are_told():
    check = get("cyclic_coherence").check
    assert check(ASKED | {"frequencies": [5.0]}, RATE) == []
    assert "one way" in check(ASKED, RATE)[0]
    assert "half the sampling rate" in check(ASKED | {"frequencies": [600.0]}, RATE)[0]
    assert "above 0" in check(ASKED | {"orders": [0.0]}, RATE)[0]
    with pytest.raises(UnusableRecordError, match="give the speed"):
        coherence_of_record(signal=Rows(np.ones(99), RATE, "", {}), **(ASKED | {"orders": [2.0]}))
    fields = get("cyclic_coherence").fields(ASKED | {"frequencies": [5.0, 9.0]})
    x = np.random.default_rng(5).standard_normal(3000)
    out = coherence_of_record(signal=Rows(x, RATE, "", {}), **(ASKED | {"frequencies": [5.0, 9.0]}))
    for field in fields:
        assert np.shape(out[field.name]) == tuple(len(dim.values) for dim in field.dims)


FAST_SC = {10.0: (0.0462, 0.224, 0.161), 20.0: (0.00492, 0.028, 0.006), 15.0: (0.00096, 0.0, 0.001)}
"""Squared spectral coherence by cyclic frequency: mean over bins, and at 171.875 and 218.75 Hz.

Made by RBFastSC (github.com/rodrigoel/RBFastSC at df32d2e), a port to Python of J. Antoni's program Fast_SC
(MATLAB File Exchange 60561; Antoni, Xin and Hamzaoui, MSSP 92, 2017), with windows of 64 and a largest cyclic
frequency of 50 Hz; `hanning` read as `hann` and comparisons with None as `is None`, for today's libraries.
"""


def test_coherence_is_near_that_of_antonis_fast_estimator():
    """Another estimator, the signal of its demonstration: a resonance that is modulated, under noise."""
    from scipy.signal import lfilter

    random, n = np.random.RandomState(0), 30_000  # a stream that NumPy keeps
    x = lfilter([1], [1, -2 * np.cos(0.4 * np.pi) * 0.9, 0.81], random.standard_normal(n))
    x = x * (1 + np.sin(2 * np.pi * 10 * np.arange(n) / RATE))
    x = x + x.std() * random.standard_normal(n)
    grid = 100 / 2994  # of its cyclic frequencies: 2994 segments, a hundred a second
    for alpha, (mean, *bins) in FAST_SC.items():
        found = cyclic_coherence(x, RATE, [round(alpha / grid) * grid], 64)
        assert found.coherence.shape == (1, 33)
        assert np.nanmean(found.coherence) == pytest.approx(mean, rel=0.12)
        assert found.coherence[0, [11, 14]] == pytest.approx(bins, abs=0.06)
