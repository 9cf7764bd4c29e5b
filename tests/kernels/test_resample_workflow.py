"""Recordings of different rates in one workflow: each comes to the common rate, and what follows sees it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from scipy.io import savemat

from hpcflow.api import ask, compute, open_results, start

WORKFLOW = """
hpcflow: 1
name: rates
datasets:
  machine:
    files: "*.mat"
    reader: matlab
    variables:
      acceleration: {select: x, units: m/s^2, dimension: acceleration}
    facts:
      sampling_rate: {select: "fs [Hz]"}
steps:
  common: {kernel: resample, input: machine.acceleration, with: {to: 12 kHz}}
  slow: {kernel: decimate, input: common, with: {factor: 5}}
  quiet: {kernel: fir, input: slow, with: {low: 100 Hz, high: 1 kHz}}
  spectra: {kernel: welch, input: slow, with: {window: 1 s, nperseg: 1024}}
save: [common, quiet, spectra]
"""
RATES = {"fast.mat": 51_200.0, "plain.mat": 12_000.0, "slow.mat": 8000.0}


def tone(rate: float, samples: int) -> np.ndarray:
    t = np.arange(samples) / rate
    return np.sin(2 * np.pi * 700 * t) + 5


def test_every_recording_comes_to_the_common_rate(tmp_path: Path) -> None:
    for name, rate in RATES.items():
        savemat(tmp_path / name, {"x": tone(rate, int(7 * rate) + 3).astype(np.float32), "fs": rate})
    (tmp_path / "rates.yaml").write_text(WORKFLOW)
    made = start(ask(tmp_path / "rates.yaml", ()), tmp_path / "runs")
    compute(made)
    results = open_results(made)
    common, quiet, spectra = (results[name].load() for name in ("common", "quiet", "spectra"))
    assert common.rate.values == pytest.approx(12_000)
    assert quiet.rate.values == pytest.approx(2400)
    assert common.resampled.attrs["units"] == "m s-2"
    for index, rate in enumerate(RATES.values()):
        start_, size = int(common.row_start[index]), int(common.row_size[index])
        got = common.resampled.values[start_ : start_ + size]
        assert size == np.ceil((int(7 * rate) + 3) * 12_000 / rate)
        assert np.abs(got - tone(12_000.0, size))[50:-50].max() < 6e-3
        start_, size = int(quiet.row_start[index]), int(quiet.row_size[index])
        wanted = signal.decimate(tone(12_000.0, 5 * size), 5, ftype="fir") - 5
        assert np.abs(quiet.filtered.values[start_ : start_ + size] - wanted)[200:-200].max() < 8e-3
    peak = spectra.frequency.values[spectra.power.values[:, 10:].argmax(axis=1) + 10]
    assert peak == pytest.approx(700, abs=2)
    assert spectra.time.values.max() == 6
