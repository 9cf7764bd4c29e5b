"""A workflow of filters, spectra and windows, asked of the processor and of the array back end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal
from scipy.io import savemat

from hpcflow.api import ask, compute, open_results, start
from hpcflow_kernels.arrays.namespace import VARIABLE

WORKFLOW = """
hpcflow: 1
name: filtered
datasets:
  machine:
    files: "*.mat"
    reader: matlab
    variables:
      acceleration: {select: x, units: m/s^2, dimension: acceleration}
    facts:
      sampling_rate: {select: "fs [Hz]"}
steps:
  band: {kernel: bandpass, input: machine.acceleration, with: {low: 100 Hz, high: 900 Hz}}
  spectra: {kernel: welch, input: band, with: {window: 1 s, nperseg: 512}}
  velocity: {kernel: integrate, input: machine.acceleration, with: {low: 10 Hz}}
  middle: {kernel: rolling, input: velocity, with: {window: 20 ms, statistic: median}}
  slow: {kernel: decimate, input: band, with: {factor: 3}}
save: [band, spectra, middle, slow]
"""
RATE = 4000.0
FIELDS = {"band": "filtered", "spectra": "power", "middle": "value", "slow": "decimated"}


def recordings() -> list[np.ndarray]:
    """Two of unequal length, one with gaps."""
    made = []
    for samples in (30_001, 21_000):
        rng = np.random.default_rng(samples)
        x = rng.standard_normal(samples) + np.sin(2 * np.pi * 300 * np.arange(samples) / RATE) + 9.81
        made.append(x.astype(np.float32))
    made[1][5000:5003] = made[1][9000] = np.nan
    return made


def run(folder: Path, device: str) -> dict[str, np.ndarray]:
    folder.mkdir()
    for i, x in enumerate(recordings()):
        savemat(folder / f"{i}.mat", {"x": x, "fs": RATE})
    (folder / "filtered.yaml").write_text(f"{WORKFLOW}run: {{device: {device}}}\n")
    made = start(ask(folder / "filtered.yaml", ()), folder / "runs")
    backends = {step["name"]: step.get("backend", "cpu") for step in made.cut["steps"]}
    assert set(backends.values()) == {"array" if device == "gpu" else "cpu"}
    compute(made)
    results = open_results(made)
    return {step: results[step].load()[field].values for step, field in FIELDS.items()}


@pytest.fixture(scope="module")
def on_processor(tmp_path_factory) -> dict[str, np.ndarray]:
    return run(tmp_path_factory.mktemp("there") / "cpu", "cpu")


@pytest.mark.parametrize("library", ["torch:cpu", "array_api_strict"])
def test_results_are_the_processors_within_the_stated_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_processor: dict[str, np.ndarray], library: str
) -> None:
    monkeypatch.setenv(VARIABLE, library)
    for step, got in run(tmp_path / "gpu", "gpu").items():
        wanted = on_processor[step]
        assert got.dtype == wanted.dtype == np.float32
        assert np.array_equal(np.isnan(got), np.isnan(wanted)), step
        assert np.nanmax(np.abs(got - wanted)) <= 3e-6 * np.nanmax(np.abs(wanted)), step


def test_they_are_scipys(on_processor: dict[str, np.ndarray]) -> None:
    sos = signal.butter(4, [100, 900], "bandpass", fs=RATE, output="sos")
    x = recordings()[0].astype(np.float64)
    y = signal.sosfiltfilt(sos, x)
    assert np.abs(on_processor["band"][: len(x)] - y).max() <= 1e-6 * np.abs(y).max()
    wanted = signal.welch(y[:28_000].reshape(7, 4000), RATE, nperseg=512)[1]
    assert np.abs(on_processor["spectra"][:7] - wanted).max() <= 1e-5 * wanted.max()
