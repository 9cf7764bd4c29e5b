"""Records against all records of a dataset: a slow twin, published accuracies, runs over two datasets."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from hpcflow import api
from hpcflow.errors import WorkflowError
from hpcflow.plan import inputs
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.contract import Records
from hpcflow_kernels.similarity.neighbours import dtw_distances, nearest_neighbour


def rows(values):
    return Rows(np.asarray(values, np.float32), 100.0, "1", {})


def slow(a, b, radius):
    """Least sum of squared differences over all paths within the band, cell by cell."""
    n, m = len(a), len(b)
    left, right = radius + max(0, n - m), radius + max(0, m - n)
    table = np.full((n + 1, m + 1), np.inf)
    table[0, 0] = 0
    for i in range(n):
        for j in range(m):
            if i - left <= j <= i + right:
                before = min(table[i, j], table[i, j + 1], table[i + 1, j])
                table[i + 1, j + 1] = (a[i] - b[j]) ** 2 + before
    return np.sqrt(table[n, m])


def normal(x):
    x = np.asarray(x, np.float64)
    return (x - x.mean()) / x.std()


@pytest.fixture(scope="module")
def shapes():
    rng = np.random.default_rng(1)
    walks = [np.cumsum(rng.standard_normal(n)).astype(np.float32) for n in (40, 40, 37, 40, 52, 40)]
    walks[3][7] = np.nan
    return walks


@pytest.mark.parametrize("band", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("normalise", [True, False])
def test_distances_are_the_slow_twins(shapes, band, normalise):
    out = dtw_distances(
        signal=rows(shapes[0]),
        references=Records((*map(rows, shapes), None)),
        band=band,
        normalise=normalise,
    )["distance"]
    for k, other in enumerate(shapes):
        a, b = ((normal(x) if normalise else x.astype(np.float64)) for x in (shapes[0], other))
        expected = slow(a, b, round(band * max(len(a), len(b)))) if k != 3 else np.nan
        assert out[k] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert np.isnan(out[6])
    assert np.isnan(
        dtw_distances(signal=rows(shapes[3]), references=Records((rows(shapes[0]),)))["distance"]
    ).all()


def test_the_nearest_is_the_one_of_all_distances():
    rng = np.random.default_rng(2)
    walks = Records(tuple(rows(np.cumsum(rng.standard_normal(60))) for _ in range(200)))
    for own in (0, 77, 199):
        signal = walks.rows[own]
        away = dtw_distances(signal=signal, references=walks, band=0.05)["distance"]
        away[own] = np.inf
        itself = Records(walks.rows, own, walks.kept)
        found = nearest_neighbour(signal=signal, references=itself, labels=np.arange(200.0), band=0.05)
        assert found["nearest"] == np.argmin(away)
        assert found["distance"] == pytest.approx(away.min(), rel=1e-12)
        assert found["label"] == np.argmin(away)
        assert found["compared"] == 199
        assert found["computed"] < 150
        anywhere = nearest_neighbour(signal=signal, references=walks, band=0.05)
        assert (anywhere["nearest"], anywhere["distance"]) == (own, 0)


def test_lengths_differ_or_are_brought_together(shapes):
    references = Records(tuple(map(rows, shapes)))
    with pytest.raises(UnusableRecordError, match="set `points`"):
        nearest_neighbour(signal=rows(shapes[0][:30]), references=references)
    stretched = np.interp(np.linspace(0, 39, 100), np.arange(40), shapes[1])
    found = nearest_neighbour(signal=rows(stretched), references=references, points=64)
    assert found["nearest"] == 1
    missing = nearest_neighbour(signal=rows(shapes[3]), references=references)
    assert (missing["nearest"], missing["compared"]) == (-1, 0)
    assert np.isnan(missing["label"])


@pytest.mark.parametrize(("band", "errors"), [(0.0, 46), (1.0, 51)])
def test_italy_power_demand_has_the_published_errors(shared_data, band, errors):
    """UCR archive: 0.0447 of 1029 days by Euclidean distance, 0.0496 by time warping without a limit."""

    def days(part):
        text = (shared_data / "benchmarks" / "ucr" / f"ItalyPowerDemand_{part}.ts").read_text()
        lines = [line.split(":") for line in text.splitlines() if line[:1] not in ("#", "@", "")]
        series = [Rows(np.array(x.split(","), float), 1.0, "1", {}) for x, _ in lines]
        return series, np.array([float(label) for _, label in lines])

    train, labels = days("TRAIN")
    test, truth = days("TEST")
    references = Records(tuple(train))
    found = [nearest_neighbour(signal=x, references=references, labels=labels, band=band) for x in test]
    assert sum(one["label"] != t for one, t in zip(found, truth, strict=True)) == errors


WORKFLOW = """
hpcflow: 1
name: likes
datasets:
  asked:
    files: "asked/*.h5"
    reader: hdf5
    variables: {x: {select: x}}
    facts: {sampling_rate: {select: "@rate", units: Hz}}
  known:
    files: "known/*.h5"
    reader: hdf5
    variables: {x: {select: x}}
    facts: {sampling_rate: {select: "@rate", units: Hz}, kind: {select: "@kind"}}
steps:
  near: {kernel: nearest_neighbour, input: {signal: asked.x, references: known.x, labels: known.kind}}
  away: {kernel: dtw_distances, input: {signal: asked.x, references: known.x}}
  each: {kernel: dtw_distances, input: {signal: known.x, references: known.x}}
  other: {kernel: nearest_neighbour, input: {signal: known.x, references: known.x, labels: known.kind}}
save: [near, away, each, other]
"""


def write(folder, name, values, kind):
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / f"{name}.h5", "w") as file:
        file["x"] = values
        file.attrs["rate"], file.attrs["kind"] = 100.0, kind


@pytest.fixture
def laid_out(tmp_path):
    rng = np.random.default_rng(4)
    forms = [np.cumsum(rng.standard_normal(80)) for _ in range(3)]
    known = [forms[k] + 0.3 * rng.standard_normal(80) for k in (0, 1, 2, 0, 1, 2)]
    for i, values in enumerate(known):
        write(tmp_path / "known", f"k{i}", values, float(i % 3))
    for k in (2, 0):
        write(tmp_path / "asked", f"a{k}", 5 * forms[k] + 0.3 * rng.standard_normal(80) + 9, 0.0)
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    return tmp_path, known


def test_records_meet_the_records_of_another_dataset(laid_out):
    folder, known = laid_out
    asked = api.ask(folder / "workflow.yaml")
    stage = next(s for s in asked.cut.stages if "near" in s.steps)
    assert set(stage.after) == {"table.asked", "table.known"}
    run = api.start(asked, runs=folder / "runs")
    api.compute(run, executor="serial")
    near, away, each, other = (api.open_step(run, name) for name in ("near", "away", "each", "other"))
    assert near["label"].values.tolist() == [0, 2], "a0, then a2"
    assert list(away["reference"].values) == [f"known/k{i}.h5" for i in range(6)]
    assert away["distance"].values.argmin(axis=1).tolist() == near["nearest"].values.tolist()
    matrix = each["distance"].values
    assert np.array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 0).all()
    a, b = (normal(np.asarray(known[k])) for k in (1, 5))
    assert matrix[1, 5] == pytest.approx(slow(a, b, 8), rel=1e-6)
    assert other["nearest"].values.tolist() == [3, 4, 5, 0, 1, 2], "itself left out"
    assert other["compared"].values.tolist() == [5] * 6


def test_other_references_are_another_computation(laid_out):
    folder, _ = laid_out
    keys = {s.name: s.key for s in api.ask(folder / "workflow.yaml").cut.steps}
    write(folder / "known", "k6", np.arange(80.0), 1.0)
    assert all(s.key != keys[s.name] for s in api.ask(folder / "workflow.yaml").cut.steps)


def test_a_pilot_leaves_the_references_as_they_are(laid_out):
    folder, _ = laid_out
    text = WORKFLOW.replace("save: [near, away, each, other]", "save: [near]")
    (folder / "workflow.yaml").write_text(text)
    cut = api.ask(folder / "workflow.yaml", only=["a0"]).cut
    assert [(d.name, d.live) for d in cut.datasets] == [("asked", 1), ("known", 6)]


def test_too_many_references_are_refused_with_their_line(laid_out, monkeypatch):
    folder, _ = laid_out
    monkeypatch.setattr(inputs, "MOST_HELD", 1000)
    with pytest.raises(WorkflowError, match=r"workflow.yaml:16:.*known.x has") as caught:
        api.ask(folder / "workflow.yaml")
    assert len(caught.value.problems) == 4
