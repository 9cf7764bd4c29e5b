"""Lags and clocks: signals known at any time, an array crossed by a published wave, stamps made by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from hpcflow import api
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.quality.channels import channel_alignment, channel_lag, line_through, window_lags

RATE = 200.0


def tones(time, seed=0, top=0.4 * RATE):
    """A sum of sinusoids up to 0.8 of half the rate: known at any time, not at samples alone."""
    rng = np.random.default_rng(seed)
    frequency, phase = rng.uniform(0.5, top, 60), rng.uniform(0, 2 * np.pi, 60)
    return sum(np.sin(2 * np.pi * f * time + p) for f, p in zip(frequency, phase, strict=True))


def rows(values, dtype=np.float64):
    return Rows(values.astype(dtype), RATE, "1", {})


@pytest.mark.parametrize("shift", [-41.0, -0.5, 0.0, 3.27, 79.77])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_part_of_a_sample_is_found(shift, dtype):
    t = np.arange(4000) / RATE
    x, y = rows(tones(t), dtype).values, rows(5 - 3 * -tones(t - shift / RATE), dtype).values
    lag, correlation = window_lags(x, y, np.array([500, 1500, 2400]), 1000, 100)
    assert np.abs(lag - shift).max() < 0.01
    assert correlation.min() > 0.99


def test_drift_is_what_was_put_in_within_its_error():
    t = np.arange(120_000) / RATE
    rng = np.random.default_rng(3)
    x = tones(t) + rng.standard_normal(len(t))
    signals = {}
    for name, offset, ppm in (("a", 0.0137, 37.0), ("b", -0.2, -120.0)):
        signals[name] = rows(tones(t - offset - 1e-6 * ppm * t) + rng.standard_normal(len(t)))
    signals["b"].values[30_000:40_000] = rng.standard_normal(10_000)  # matches nothing
    signals["a"].values[70_000:70_300] = np.nan
    out = channel_alignment(signals=signals, reference=rows(x), window=5.0, max_lag=0.5)
    assert out["drift"] == pytest.approx([37.0, -120.0], abs=0.5)
    assert out["offset"] == pytest.approx([0.0137, -0.2], abs=1e-4)
    assert (np.abs(out["drift"] - [37.0, -120.0]) < 4 * out["drift_error"] + 0.05).all()
    assert (out["drift_error"] < 0.3).all()
    assert 116 <= out["windows"][0] <= 120
    assert 100 <= out["windows"][1] <= 112
    assert (out["correlation"] > 0.9).all()


def test_standard_errors_are_those_of_repeated_trials():
    rng, time = np.random.default_rng(5), np.arange(40) * 10.0
    found = [line_through(time, 0.1 + 2e-5 * time + 1e-3 * rng.standard_normal(40)) for _ in range(400)]
    spread = np.std([line.drift for line in found])
    assert np.median([line.drift_error for line in found]) == pytest.approx(spread, rel=0.15)
    assert np.mean([line.drift for line in found]) == pytest.approx(2e-5, abs=4 * spread / 20)


def test_what_has_no_lag_is_missing():
    t = np.arange(2000) / RATE
    x, y = tones(t), tones(t - 1.0)  # beyond what is looked for
    lag, correlation = window_lags(x, np.zeros(2000), np.array([0, 600]), 400, 20)
    assert np.isnan(lag).all()
    x[:250] = np.nan
    lag, correlation = window_lags(x, y, np.array([0, 600]), 400, 20)
    assert np.isnan(lag[0])
    assert correlation[1] < 0.5
    few = channel_alignment(signals={"y": rows(y)}, reference=rows(x), window=4.0, max_lag=0.1)
    assert np.isnan(few["drift"]).all()
    with pytest.raises(UnusableRecordError, match="lengthen `window`"):
        channel_lag(signals={"y": rows(y)}, reference=rows(x), window=0.01)
    with pytest.raises(UnusableRecordError, match="resample"):
        channel_lag(signals={"y": rows(y)._replace(rate=np.nan)}, reference=rows(x)._replace(rate=np.nan))


def test_a_published_plane_wave_crosses_an_array(shared_data):
    """infrapy's example: 18:07:05 UTC, back azimuth -41.84 degrees, trace velocity 370.97 m/s."""
    from scipy.signal import butter, sosfiltfilt

    paths = sorted((shared_data / "environment" / "infrasound").glob("YJ.BRP?..EDF.1800.SAC"))
    place, x = [], []
    for path in paths:
        raw = path.read_bytes()
        place.append(struct.unpack("<2f", raw[124:132]))
        x.append(
            sosfiltfilt(
                butter(4, [0.5, 5], "bandpass", fs=100, output="sos"), np.frombuffer(raw[632:], "<f4")
            )
        )
    north, east = (np.deg2rad(np.array(place)) * 6_371_000).T
    east *= np.cos(np.deg2rad(39.473))
    start = np.array([int((7 * 60 + 5 - 0.008) * 100)])
    found = [window_lags(x[0], x[i], start, 1000, 100) for i in range(1, 4)]
    assert min(correlation[0] for _, correlation in found) > 0.9
    across = np.stack([east[1:] - east[0], north[1:] - north[0]], axis=1)
    slowness = np.linalg.lstsq(across, [lag[0] / 100 for lag, _ in found], rcond=None)[0]
    assert np.rad2deg(np.arctan2(*-slowness)) == pytest.approx(-41.84, abs=3), (
        "a wave takes 0.3 s, a sample 0.01 s"
    )
    assert 1 / np.hypot(*slowness) == pytest.approx(370.97, rel=0.04)


WORKFLOW = """
hpcflow: 1
name: clocks
datasets: {rig: {files: "[ab].csv", reader: csv}, watch: {files: "watch.csv", reader: csv}}
steps:
  lags:
    kernel: channel_lag
    input: {signals: [rig.y, rig.z], reference: rig.x}
    with: {window: 5 s, max_lag: 100 ms}
  clocks:
    kernel: channel_alignment
    input: {signals: [rig.y, rig.z], reference: rig.x}
    with: {window: 5 s, max_lag: 100 ms}
  stamps: {kernel: sampling_clock, input: watch.time}
save: [lags, clocks, stamps]
"""


def test_a_workflow_names_its_channels(tmp_path):
    t = np.arange(8000) / RATE
    columns = [t, tones(t), tones(t - 0.02 - 50e-6 * t), tones(t + 0.03)]
    lines = [",".join(f"{value:.12g}" for value in row) for row in np.stack(columns, axis=1)]
    for name, count in (("a", 8000), ("b", 500)):
        (tmp_path / f"{name}.csv").write_text("\n".join(["time [s],x,y,z", *lines[:count]]) + "\n")
    stamps = np.delete(np.arange(300.0), [100, 101])
    (tmp_path / "watch.csv").write_text("\n".join(["time [s],v", *(f"{s},1" for s in stamps)]) + "\n")
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "workflow.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    lags = api.open_step(run, "lags")
    assert list(lags["signal"].values) == ["y", "z"]
    assert lags.sizes["frame"] == 8
    assert lags["lag"].sel(signal="z").values == pytest.approx(-0.03, abs=1e-4)
    assert lags["lag"].sel(signal="y").values == pytest.approx(
        0.02 + 50e-6 * (np.arange(8) * 5 + 2.5), abs=1e-4
    )
    assert list(lags["time"].values) == [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    clocks = api.open_step(run, "clocks")
    assert clocks["drift"].values[0] == pytest.approx([50, 0], abs=1)
    assert np.isnan(clocks["drift"].values[1]).all()
    found = api.open_step(run, "stamps")
    assert (found["clock_rate"].values, found["gaps"].values, found["longest"].values) == (1.0, 1, 3.0)
