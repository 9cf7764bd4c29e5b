"""What a user reads at the end of a run: spectra over hertz, or over samples where records' rates differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hpcflow import api

WORKFLOW = """\
hpcflow: 1
name: tone
datasets:
  made: {files: "in/*.csv", reader: csv}
steps:
  spectra: {kernel: welch, input: made.level, with: {window: 2 s, nperseg: 100}}
save: [spectra]
"""
TONE, AMPLITUDE = 90.0, 3.0


def spectra(folder: Path, rates: list[float]):
    """The saved spectra of one file for each rate, and what the plan says."""
    (folder / "in").mkdir()
    for rate in rates:
        t = np.arange(int(2.5 * rate)) / rate
        x = AMPLITUDE * np.sin(2 * np.pi * TONE * t)
        rows = [f"{a:.9g},{b:.9g}" for a, b in zip(t, x, strict=True)]
        (folder / "in" / f"{rate:g}.csv").write_text("\n".join(["time [s],level [m/s^2]", *rows]) + "\n")
    (folder / "tone.yaml").write_text(WORKFLOW)
    asked = api.ask(folder / "tone.yaml")
    run = api.start(asked, runs=folder / "runs")
    api.compute(run, executor="serial")
    return api.open_step(run, "spectra"), asked.warnings


def test_one_rate_gives_hertz(tmp_path):
    found, notes = spectra(tmp_path, [1000.0])
    assert found["frequency"].attrs["units"] == "Hz"
    assert found["power"].attrs["units"] == "m2 s-4 Hz-1"
    assert found["frequency"].values.tolist() == [10.0 * k for k in range(51)]
    row = found["power"].isel(frame=0)
    assert float(row.idxmax("frequency")) == TONE
    assert float(row.sum()) * 10 == pytest.approx(AMPLITUDE**2 / 2, rel=1e-3)
    assert not [note for note in notes if "sampling rates" in note]


def test_several_rates_keep_samples_and_say_so(tmp_path):
    found, notes = spectra(tmp_path, [1000.0, 500.0])
    assert "frequency" not in found.dims
    assert found["cycles_per_sample"].attrs["units"] == "1"
    peaks = found["power"].idxmax("cycles_per_sample").values
    assert sorted(peaks) == pytest.approx([TONE / 1000, TONE / 500])
    told = "its records have 2 sampling rates, 500 to 1000 Hz, so cycles_per_sample stays in samples"
    assert [note for note in notes if told in note]


def test_a_rate_that_the_step_cannot_use_does_not_count(tmp_path):
    found, _ = spectra(tmp_path, [1000.0, 40.0])  # 80 samples in 2 s hold no segment of 100
    assert found["frequency"].values[-1] == 500.0
