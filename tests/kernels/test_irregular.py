"""Spectra of irregular samples: the periodogram where they are regular, a fit by hand, heart beats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow import api
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.spectral.irregular import band_powers, lomb_scargle, lomb_scargle_of_record


def rows(values, rate=np.nan):
    return Rows(np.asarray(values), rate, "s", {})


def test_regular_samples_give_the_periodogram():
    fs, n = 4.0, 501
    x = np.random.default_rng(1).standard_normal(n) + 7
    f, expected = signal.periodogram(x, fs)
    got = lomb_scargle(np.arange(n) / fs + 1e6, x, f[1:])
    assert got == pytest.approx(expected[1:], rel=1e-7)
    assert got.sum() * fs / n == pytest.approx(x.var(), rel=1e-7)


def test_the_fit_by_least_squares():
    rng = np.random.default_rng(2)
    t = np.sort(rng.uniform(0, 60, 150))
    x = 5 + 3 * np.cos(2 * np.pi * 0.31 * t + 0.4) + rng.standard_normal(150)
    f = np.array([0.05, 0.31, 0.9, 3.3])  # beyond what regular samples at this spacing could tell
    spacing = np.ptp(t) / 149
    for at, got in zip(f, lomb_scargle(t[::-1], x[::-1], f), strict=True):
        basis = np.stack([np.cos(2 * np.pi * at * t), np.sin(2 * np.pi * at * t), np.ones(150)], axis=1)
        residual = x - basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
        explained = x.var() - residual.var()  # half the squared amplitude of a sinusoid
        assert got == pytest.approx(explained * 150 * spacing, rel=1e-6)
    found = lomb_scargle(t, x, np.linspace(0.01, 2, 1000))
    assert np.linspace(0.01, 2, 1000)[np.argmax(found)] == pytest.approx(0.31, abs=0.004)


def test_bands_end_between_points_of_the_grid():
    f = np.linspace(0.01, 0.5, 50)
    assert band_powers(f, 2 + 0 * f, [0.04, 0.155, 0.4]) == pytest.approx([0.23, 0.49])
    assert band_powers(f, f, [0.1, 0.2]) == pytest.approx([0.015])


def test_records_with_times_rates_gaps_or_none():
    rng = np.random.default_rng(3)
    t = (np.arange(300) + rng.uniform(-0.3, 0.3, 300)) / 3
    x = np.sin(2 * np.pi * 0.2 * t)
    x[50] = np.nan
    given = {"low": 0.01, "high": 0.5, "points": 99, "band": [0.15, 0.25]}
    got = lomb_scargle_of_record(signal=rows(x), time=rows(t), **given)
    assert got["samples"] == 299
    assert np.linspace(0.01, 0.5, 99)[np.argmax(got["power"])] == pytest.approx(0.2)
    assert got["band_power"][0] == pytest.approx(0.5, rel=0.1)
    regular = lomb_scargle_of_record(signal=rows(np.sin(0.2 * np.arange(400)), 2.0), **given)
    assert np.linspace(0.01, 0.5, 99)[np.argmax(regular["power"])] == pytest.approx(0.2 / np.pi, abs=0.005)
    for bad, how in ((rows(x), {}), (rows([1.0] * 5), {"intervals": True}), (rows(-x), {"intervals": True})):
        with pytest.raises(UnusableRecordError):
            lomb_scargle_of_record(signal=bad, **given, **how)
    with pytest.raises(ValueError, match="frequencies above zero"):
        lomb_scargle(t, x, np.array([0.0]))


WORKFLOW = """\
hpcflow: 1
name: late
datasets:
  made: {files: "in/*.csv", reader: csv}
steps:
  spectrum:
    kernel: lomb_scargle
    input: {signal: made.level, time: made.time}
    with: {low: 0.01 Hz, high: 0.5 Hz, points: 99, band: [0.15 Hz, 0.25 Hz]}
save: [spectrum]
"""


def test_a_table_with_uneven_times_from_end_to_end(tmp_path):
    rng = np.random.default_rng(4)
    (tmp_path / "in").mkdir()
    t = (np.arange(300) + rng.uniform(-0.3, 0.3, 300)) / 3
    t -= t[0]
    x = np.sin(2 * np.pi * 0.2 * t)
    lines = [f"{a:.6f},{b:.6f}" for a, b in zip(t, x, strict=True)]
    (tmp_path / "in" / "one.csv").write_text("\n".join(["time [s],level [V]", *lines]) + "\n")
    (tmp_path / "late.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "late.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "spectrum")
    power = found["power"].squeeze()
    assert power.attrs["units"] == "V2 Hz-1"
    assert found["frequency"].attrs["units"] == "Hz"
    assert float(power.idxmax("frequency")) == pytest.approx(0.2)
    assert float(found["band_power"].squeeze()) == pytest.approx(0.5, rel=0.1)


@pytest.mark.shared_data
def test_heart_beats_have_the_power_of_a_published_report(shared_data):
    """`pyhrv_SampleReport.txt`, by Welch's method after resampling; its Lomb part is in no stated unit."""
    beats = np.load(shared_data / "physio/hrv/pyhrv_SampleNNISeriesLong.npy") / 1000
    given = {"low": 0.001, "high": 0.41, "points": 1024, "intervals": True, "band": [0.001, 0.04, 0.15, 0.4]}
    very_low, low, high = lomb_scargle_of_record(signal=rows(beats), **given)["band_power"] * 1e6
    assert very_low + low + high == pytest.approx(6641.378, rel=0.05)
    assert low == pytest.approx(2942.537, rel=0.15)
    assert 1 < low / high < 3  # the report has 1.785: resampling and windows of 75 s move power between bands
