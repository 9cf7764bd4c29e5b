"""Subsequences of a record in all records of a dataset: by the definition, and in a run over two datasets."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from hpcflow import api
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.contract import Records
from hpcflow_kernels.similarity.profile_join import profile_join

RATE = 100.0


def rows(x, rate=RATE):
    return Rows(np.asarray(x, np.float64), rate, "1", {})


def by_definition(x, others, m):
    """Distances of all pairs of z-normalised subsequences, the least of each row."""

    def normal(z):
        windows = np.lib.stride_tricks.sliding_window_view(z, m)
        return (windows - windows.mean(axis=1, keepdims=True)) / windows.std(axis=1, keepdims=True)

    a = normal(x)
    tables = [np.linalg.norm(a[:, None] - normal(y)[None], axis=2) for y in others]
    least = np.array([table.min(axis=1) for table in tables])
    place = least.argmin(axis=0)
    start = np.array([tables[p][i].argmin() for i, p in enumerate(place)])
    return least.min(axis=0), start, place


@pytest.fixture(scope="module")
def walks():
    rng = np.random.default_rng(6)
    return [np.cumsum(rng.standard_normal(n)) for n in (150, 90, 120)]


def test_the_most_alike_is_that_of_all_pairs(walks):
    x, references = (
        walks[0],
        Records((rows(walks[1]), None, rows(walks[2]), rows(walks[0], 50.0), rows([1, 2]))),
    )
    out = profile_join(signal=rows(x), references=references, window=0.12)
    distance, start, place = by_definition(x, walks[1:], 12)
    assert out["distance"] == pytest.approx(distance, rel=1e-5)
    assert np.array_equal(out["reference"], 2 * place)
    assert np.array_equal(np.round(out["neighbour"] * RATE), start)


def test_a_record_does_not_find_itself(walks):
    references = Records(tuple(map(rows, walks)))
    itself = profile_join(signal=rows(walks[0]), references=references, window=0.12)
    assert itself["distance"].max() < 1e-5
    others = profile_join(signal=rows(walks[0]), references=Records(references.rows, 0), window=0.12)
    assert others["distance"].min() > 0.1
    assert set(others["reference"]) <= {1, 2}


def test_what_is_missing_has_no_neighbour(walks):
    x = walks[0].copy()
    x[40] = np.nan
    out = profile_join(signal=rows(x), references=Records((rows(walks[1]),)), window=0.12)
    assert np.isnan(out["distance"][29:41]).all()
    assert (out["reference"][29:41] == -1).all()
    assert np.isfinite(np.delete(out["distance"], slice(29, 41))).all()
    assert len(profile_join(signal=rows(x[:5]), references=Records(()), window=0.12)["distance"]) == 0
    with pytest.raises(UnusableRecordError, match="longer window"):
        profile_join(signal=rows(x), references=Records(()), window=0.01)


WORKFLOW = """
hpcflow: 1
name: unlike
datasets:
  new: {files: "new.h5", reader: hdf5, variables: {x: {select: x}}, defaults: {sampling_rate: 100 Hz}}
  healthy: {files: "h*.h5", reader: hdf5, variables: {x: {select: x}}, defaults: {sampling_rate: 100 Hz}}
steps:
  unlike: {kernel: profile_join, input: {signal: new.x, references: healthy.x}, with: {window: 120 ms}}
save: [unlike]
"""


def test_a_run_gives_a_row_for_each_subsequence(walks, tmp_path):
    for name, x in zip(("new", "h1", "h2"), walks, strict=True):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["x"] = x
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "workflow.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "unlike")
    distance, _, place = by_definition(walks[0], walks[1:], 12)
    assert found["distance"].values == pytest.approx(distance, rel=1e-5)
    assert np.array_equal(found["reference"].values, place)
