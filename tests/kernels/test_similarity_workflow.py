"""Matrix profile, motifs and template distance as steps of a workflow, over recordings of two rates."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from hpcflow import api
from hpcflow_kernels.similarity.profile import matrix_profile
from hpcflow_kernels.similarity.templates import template_distance

WORKFLOW = """
hpcflow: 1
name: likeness
datasets:
  foot:
    files: "*.h5"
    reader: hdf5
    variables:
      rotation: {select: x, units: deg/s}
    facts:
      sampling_rate: {select: "@rate", units: Hz}
steps:
  likeness: {kernel: matrix_profile, input: foot.rotation, with: {window: 500 ms}}
  found: {kernel: motifs, input: likeness, with: {window: 500 ms, top: 2}}
  beats: {kernel: template_distance, input: foot.rotation, with: {template: [0, 1, 0, -1, 0], window: 500 ms}}
save: [likeness, found, beats]
"""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """One of each rate with a pair put in at 3 s and 9 s and a gap at 6 s; one shorter than the window."""
    folder, rng, made = tmp_path_factory.mktemp("likeness"), np.random.default_rng(1), {}
    for name, rate, seconds in (("a", 100.0, 12.0), ("b", 200.0, 15.0), ("c", 100.0, 0.3)):
        x = rng.standard_normal(round(rate * seconds))
        if seconds > 1:
            at = [round(rate * second) for second in (3, 9)]
            x[at[1] : at[1] + round(rate / 2)] = 2 * x[at[0] : at[0] + round(rate / 2)]
            x[round(6 * rate)] = np.nan
        made[name] = (x, rate)
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["x"] = x
            file.attrs["rate"] = rate
    (folder / "workflow.yaml").write_text(WORKFLOW)
    asked = api.ask(folder / "workflow.yaml")
    run = api.start(asked, runs=folder / "runs")
    api.compute(run, executor="serial")
    return run, made


def test_a_row_for_each_subsequence_of_each_recording(recordings):
    run, made = recordings
    rows = api.open_step(run, "likeness")
    start = 0
    for name in ("a", "b"):
        x, rate = made[name]
        degrees = np.deg2rad(x)
        found = matrix_profile(degrees, round(rate / 2))
        own = slice(start, start + len(found.distance))
        assert np.allclose(
            rows["distance"].values[own],
            np.where(found.neighbour >= 0, found.distance, np.nan),
            rtol=1e-6,
            atol=1e-6,
            equal_nan=True,
        )
        where = np.where(found.neighbour >= 0, found.neighbour / rate, np.nan)
        assert np.array_equal(rows["neighbour"].values[own], where, equal_nan=True)
        start += len(found.distance)
    assert rows.sizes["subsequence"] == start


def test_what_was_put_in_is_found(recordings):
    run, _ = recordings
    found = api.open_step(run, "found")
    assert found["motif_start"].values[:2, 0] == pytest.approx([3.0, 3.0])
    assert found["motif_other"].values[:2, 0] == pytest.approx([9.0, 9.0])
    assert (found["motif_distance"].values[:2, 0] < 1e-3).all()
    assert np.isfinite(found["discord_start"].values[:2]).all()
    assert np.isnan(found["motif_start"].values[2]).all()


def test_frames_are_those_of_the_function(recordings):
    run, made = recordings
    x, rate = made["a"]
    expected = template_distance(np.deg2rad(x), rate=rate, template=[0, 1, 0, -1, 0], window=0.5)["distance"]
    got = api.open_step(run, "beats")["distance"].values[: len(expected)]
    assert np.allclose(got, expected, rtol=1e-5, atol=0, equal_nan=True)
    assert np.isnan(expected).any()
