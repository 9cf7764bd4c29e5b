"""Cross spectra, coherence, transfer functions: SciPy, its own tests, known systems, gaps, buffers' ends."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow import api
from hpcflow_kernels import Rows
from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.spectral import coherence as module
from hpcflow_kernels.spectral import coherence_loops
from hpcflow_kernels.spectral.coherence import (
    coherence,
    csd,
    independent_segments,
    noise_coherence,
    transfer_function,
)
from hpcflow_kernels.spectral.coherence_matrix import coherence_matrix, csd_matrix
from hpcflow_kernels.spectral.coherence_records import coherence_of_record, transfer_function_of_record
from hpcflow_kernels.spectral.stft import Transform

BOUNDS = [(np.float32, 2e-6), (np.float64, 1e-14)]


def signals(count, samples, dtype=np.float64, offset=3.0):
    """Noise of which a part is common to all, each the later the higher its number."""
    rng = np.random.default_rng(samples + count)
    common = rng.standard_normal(samples + count)
    later = np.stack([common[count - i : count - i + samples] for i in range(count)])
    return (rng.standard_normal((count, samples)) + later + offset).astype(dtype)


def one_by_one(x, y, n, step, weights):
    """What is meant: the mean over segments of ``conj(X) Y`` by the definition, one-sided, per hertz."""
    k = np.arange(n)
    kernel = np.exp(-2j * np.pi * np.outer(k[: n // 2 + 1], k) / n)
    total = 0
    for s in range(0, len(x) - n + 1, step):
        a, b = (kernel @ (weights * (z[s : s + n] - z[s : s + n].mean())) for z in (x, y))
        total = total + np.conj(a) * b
    total = total / ((len(x) - n) // step + 1) / np.sum(weights**2)
    total[1:-1] *= 2
    return total


@pytest.mark.parametrize("n", [8, 16, 32, 64, 128])
def test_the_twin_agrees(n):
    x, weights = signals(3, 20 * n + 3), signal.get_window("hann", n)
    expected = one_by_one(x[0], x[2], n, n // 2, weights)
    bound = 1e-14 * np.abs(expected).max()
    assert np.abs(csd(x[0], x[2], nperseg=n)[1] - expected).max() <= bound
    assert np.abs(csd_matrix(x, nperseg=n)[1][0, 2] - expected).max() <= bound


@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("n", [8, 16, 32, 64, 512, 1024, 4096])
def test_all_sizes_are_scipys(n, dtype, bound):
    x, y = signals(2, 9 * n + 5, dtype)
    wide = x.astype(np.float64), y.astype(np.float64)
    f, expected = signal.csd(*wide, 25.6, nperseg=n)
    g, got = csd(x, y, 25.6, nperseg=n)
    np.testing.assert_allclose(g, f, rtol=1e-15)
    assert got.dtype == np.result_type(dtype, np.complex64)
    assert np.abs(got - expected).max() <= bound * np.abs(expected).max()
    got, expected = coherence(x, y, nperseg=n)[1], signal.coherence(*wide, nperseg=n)[1]
    assert got.dtype == dtype
    assert np.abs(got - expected)[1:-1].max() <= 100 * bound


@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("count", [1, 3, 8, 9, 17])
def test_all_pairs_are_each_pair(count, dtype, bound):
    n, x = 64, signals(count, 1500, dtype)
    wide = x.astype(np.float64)
    for scaling in ("density", "spectrum"):
        p = csd_matrix(x, 3.0, nperseg=n, noverlap=40, scaling=scaling)[1]
        expected = signal.csd(wide[:, None], wide[None], 3.0, nperseg=n, noverlap=40, scaling=scaling)[1]
        assert p.dtype == np.result_type(dtype, np.complex64)
        assert np.abs(p - expected).max() <= bound * np.abs(expected).max()
        assert np.array_equal(p, np.conj(np.swapaxes(p, 0, 1)))
    f, c = coherence_matrix(x, 3.0, nperseg=n, noverlap=40)
    expected = signal.coherence(wide[:, None], wide[None], 3.0, nperseg=n, noverlap=40)[1]
    assert c.shape == (count, count, len(f))
    assert c.dtype == dtype
    assert np.abs(c - expected)[..., 1:-1].max() <= 100 * bound


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([8, 16, 64, 128]),
    segments=st.integers(1, 40),
    more=st.integers(0, 7),
    shared=st.floats(0, 0.97),
    window=st.sampled_from(["hann", "boxcar", ("kaiser", 5.0)]),
    detrend=st.sampled_from(["constant", False]),
    scaling=st.sampled_from(["density", "spectrum"]),
    axis=st.sampled_from([0, -1]),
)
def test_any_arguments(n, segments, more, shared, window, detrend, scaling, axis):
    noverlap = int(n * shared)
    samples = n + (segments - 1) * (n - noverlap) + more % (n - noverlap)
    x = np.moveaxis(np.stack([signals(3, samples), signals(3, samples)[::-1]]), -1, axis)
    given_to_both = {"fs": 3.0, "window": window, "nperseg": n, "noverlap": noverlap, "detrend": detrend}
    given_to_both |= {"axis": axis, "scaling": scaling}
    one, two = (x[0], x[1]) if axis == -1 else (x[:, 0], x[:, 1])
    expected, got = signal.csd(one, two, **given_to_both)[1], csd(one, two, **given_to_both)[1]
    assert got.shape == expected.shape
    assert np.abs(got - expected).max() <= 1e-13 * np.abs(expected).max()


def test_many_segments_lose_nothing():
    x, y = signals(2, 1 << 19, np.float32, offset=100.0)
    expected = signal.csd(x.astype(np.float64), y.astype(np.float64), nperseg=64)[1]
    for got in (csd(x, y, nperseg=64)[1], csd_matrix(np.stack([x, y]), nperseg=64)[1][0, 1]):
        assert np.abs(got - expected)[1:].max() <= 2e-6 * np.abs(expected).max()


DEVIATIONS = {
    "test_short_data": "a segment that SciPy shortens, and so computes, against one of ours: 5e-34 is not 0"
}
"""SciPy's tests that ours does not pass, and why."""


def of_two(function):
    """Called with a copy where both signals are one, as in most of SciPy's tests: the loops are then used."""
    return lambda x, y, *args, **given: function(x, np.copy(y) if y is x else y, *args, **given)


def failures(monkeypatch, **functions):
    """SciPy's tests that these functions do not pass."""
    from scipy.signal.tests import test_spectral

    failed, ran = set(), 0
    for name, function in functions.items():
        monkeypatch.setattr(test_spectral, name, function)
    for group in (test_spectral.TestCSD, test_spectral.TestCoherence):
        for name, _ in inspect.getmembers(group, inspect.isfunction):
            if name.startswith("test_"):
                ran += 1
                try:
                    getattr(group(), name)()
                except AssertionError:
                    failed.add(name)
    assert ran >= 30
    return failed


def test_scipys_own_tests(monkeypatch):
    assert failures(monkeypatch, csd=csd, coherence=coherence) == set(DEVIATIONS)
    fast, real = [], module.add_pairs
    monkeypatch.setattr(module, "add_pairs", lambda *args: (fast.append(1), real(*args))[1])
    theirs = failures(monkeypatch, csd=of_two(signal.csd), coherence=of_two(signal.coherence))
    assert len(theirs) == 4, "of two signals SciPy's results are complex, and its tests ask for real ones"
    ours = failures(monkeypatch, csd=of_two(csd), coherence=of_two(coherence))
    assert ours == theirs | set(DEVIATIONS)
    assert len(fast) >= 8


def resonance(x):
    """A system of one degree of freedom, a resonance at a tenth of the rate."""
    b, a = signal.iirpeak(0.2, 5.0)
    return signal.lfilter(b, a, x), lambda f: signal.freqz(b, a, 2 * np.pi * f)[1]


@pytest.mark.parametrize("nperseg", [512, 500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_estimator_finds_the_system_behind_the_noise_it_bears(nperseg, dtype):
    rng = np.random.default_rng(7)
    force = rng.standard_normal(300_000)
    answer, truth = resonance(force)
    f = np.arange(nperseg // 2 + 1) / nperseg
    near = np.abs(f - 0.1) < 0.02
    noise = 0.5 * answer.std() * rng.standard_normal(len(force))
    clean = {"h1": (force, answer + noise), "h2": (force + rng.standard_normal(len(force)), answer)}
    clean["hv"] = (force, answer)
    for estimator, (x, y) in clean.items():
        ports = {
            "excitation": Rows(x.astype(dtype), 1.0, "N", {}),
            "response": Rows(y.astype(dtype), 1.0, "m", {}),
        }
        out = transfer_function_of_record(**ports, nperseg=nperseg, estimator=estimator)
        found = out["gain"] * np.exp(1j * out["phase"])
        assert np.abs(found - truth(f))[near].max() <= 0.1, estimator
        g, h = transfer_function(x.astype(dtype), y.astype(dtype), nperseg=nperseg, estimator=estimator)
        assert np.allclose(g, f)
        assert np.abs(h - found)[near].max() <= 1e-5
    wrong = transfer_function(*clean["h2"], nperseg=nperseg, estimator="h1")[1]
    ratio = np.abs(wrong[near] / truth(f[near]))
    assert ratio.max() < 0.6, "H1 halves where the excitation is half noise"


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="h1, h2, hv"):
        transfer_function(np.ones(2000), np.ones(2000), estimator="h3")


@pytest.mark.parametrize("nperseg", [128, 100])
def test_segments_with_missing_samples_are_left_out(nperseg):
    x, y = signals(2, 4000)
    step = nperseg // 2
    clean = coherence_of_record(signal=rows(y), reference=rows(x), nperseg=nperseg)
    assert clean["segments"] == (4000 - nperseg) // step + 1
    expected = signal.coherence(x, y, nperseg=nperseg)[1]
    assert np.abs(clean["coherence"] - expected)[1:-1].max() <= 1e-12
    x[1000], y[2050:2060], y[3999] = np.nan, np.inf, np.nan
    got = coherence_of_record(signal=rows(y), reference=rows(x), nperseg=nperseg)
    starts = [
        s
        for s in range(0, 4000 - nperseg + 1, step)
        if np.isfinite(x[s : s + nperseg]).all() and np.isfinite(y[s : s + nperseg]).all()
    ]
    assert got["segments"] == len(starts) < clean["segments"]
    weights = signal.get_window("hann", nperseg)
    a, b = (
        np.fft.rfft([weights * (z[s : s + nperseg] - z[s : s + nperseg].mean()) for s in starts])
        for z in (x, y)
    )
    xy, xx, yy = (np.sum(p, axis=0) for p in (np.conj(a) * b, np.abs(a) ** 2, np.abs(b) ** 2))
    assert np.abs(got["coherence"] - np.abs(xy) ** 2 / xx / yy)[1:-1].max() <= 1e-12
    assert np.abs(np.exp(1j * got["phase"]) - xy / np.abs(xy))[1:-1].max() <= 1e-10


@pytest.mark.parametrize("samples", [50, 300])
def test_where_no_segment_is_whole_nothing_is_known(samples):
    x = np.full(samples, np.nan)
    for nperseg in (128, 100):
        got = coherence_of_record(signal=rows(x), reference=rows(x), nperseg=nperseg)
        assert got["segments"] == 0
        assert np.isnan(got["coherence"]).all()
        assert math.isnan(got["coherence_noise"])


def rows(x, rate=1.0):
    return Rows(x, rate, "m s-2", {})


@pytest.mark.parametrize("other", [rows(np.zeros(999)), rows(np.zeros(1000), 2.0)])
def test_signals_that_do_not_fit_are_refused(other):
    with pytest.raises(UnusableRecordError, match="sample by sample"):
        coherence_of_record(signal=rows(np.zeros(1000)), reference=other)


@pytest.mark.parametrize(("window", "shared"), [("boxcar", 0.0), ("hann", 0.5), ("hann", 0.75)])
def test_noise_stays_below_its_level_as_often_as_said(window, shared):
    n, rng = 64, np.random.default_rng(8)
    x, y = rng.standard_normal((2, 400, n * 12))
    noverlap = int(shared * n)
    found = coherence(x, y, window=window, nperseg=n, noverlap=noverlap)[1][:, 3:-3]
    segments = (x.shape[1] - n) // (n - noverlap) + 1
    worth = independent_segments(segments, signal.get_window(window, n), n - noverlap)
    share = float(np.mean(found < noise_coherence(worth, 0.95)))
    assert share == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(
    ("x", "given_wrong"),
    [
        (np.zeros(100), {}),
        (np.zeros((2, 100)), {"nperseg": 128}),
        (np.zeros((2, 300)), {"nperseg": 100}),
        (np.zeros((2, 300)), {"nperseg": 64, "noverlap": 64}),
        (np.zeros((2, 300)), {"nperseg": 64, "detrend": "linear"}),
        (np.zeros((2, 300), complex), {"nperseg": 64}),
        (np.zeros((0, 300)), {"nperseg": 64}),
    ],
)
def test_all_pairs_say_what_they_cannot_take(x, given_wrong):
    with pytest.raises(ValueError, match="found"):
        coherence_matrix(x, **given_wrong)
    with pytest.raises(ValueError, match="found"):
        csd_matrix(x, **given_wrong)


def test_loops_read_and_write_nothing_beyond_their_buffers():
    n, canary = 32, -7.25
    transform = Transform.of(np.ones(n), np.dtype(np.float64))
    for segments in (1, 7, 8, 9, 17):
        starts = np.arange(segments) * 20
        around = np.full((2, n + (segments - 1) * 20 + 64), np.nan)
        x, y = around[:, 32:-32]
        x[:], y[:] = signals(2, len(x))
        sums = np.full((6, n // 2 + 1), canary)
        coherence_loops.pair_sums(x, y, starts, *transform, True, sums[1:-1])
        assert (sums[[0, -1]] == canary).all()
        assert np.isfinite(sums).all()
        many = np.full(3 * len(x) + 64, np.nan)
        many[32:-32] = signals(3, len(x)).ravel()
        found = np.full((n // 2 + 1) * 8 * 16 + 32, canary)
        coherence_loops.matrix_sums(many[32:-32], 3, starts, *transform, True, 8, found[16:-16])
        assert (found[:16] == canary).all()
        assert (found[-16:] == canary).all()
        assert np.isfinite(found).all()


WORKFLOW = """\
hpcflow: 1
name: shaker
datasets:
  made: {files: "in/*.csv", reader: csv}
steps:
  response:
    kernel: transfer_function
    input: {response: made.level, excitation: made.force}
    with: {nperseg: 128}
  shared: {kernel: coherence, input: {signal: made.level, reference: made.force}, with: {nperseg: 128}}
  map: {kernel: spectrogram, input: made.level, with: {nperseg: 100, overlap: 75 %}}
save: [response, shared, map]
"""


def test_a_workflow_of_two_signals(tmp_path):
    rate, x = 200.0, np.random.default_rng(9).standard_normal(4000)
    y, _ = resonance(x)
    (tmp_path / "in").mkdir()
    lines = [f"{i / rate:.9g},{a:.9g},{b:.9g}" for i, (a, b) in enumerate(zip(x, y, strict=True))]
    text = "\n".join(["time [s],force [N],level [m/s^2]", *lines]) + "\n"
    (tmp_path / "in" / "one.csv").write_text(text)
    (tmp_path / "shaker.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "shaker.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "response").isel(record=0)
    assert found["gain"].attrs["units"] == "m s-2 N-1"
    f = found["frequency"].values
    assert f[-1] == rate / 2
    expected = transfer_function(x, y, rate, nperseg=128)[1]
    assert np.allclose(found["gain"].values, np.abs(expected), rtol=1e-4, atol=1e-6)
    shared = api.open_step(run, "shared").isel(record=0)
    assert np.array_equal(shared["coherence"].values, found["coherence"].values)
    assert float(shared["segments"]) == 61
    at = int(np.argmin(np.abs(f - 20)))
    assert float(shared["coherence"][at]) > 0.8 > 0.2 > float(shared["coherence_noise"])
    rows = api.open_step(run, "map")["spectrogram"]
    theirs = signal.spectrogram(y, rate, "hann", 100, 75, detrend="constant")[2].T
    assert rows.shape == theirs.shape
    assert np.abs(rows.values - theirs).max() <= 1e-5 * theirs.max()
