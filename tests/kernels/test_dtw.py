"""Dynamic time warping against the table filled cell by cell, and published accuracies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow_kernels import get
from hpcflow_kernels.similarity.dtw import dtw, dtw_nearest, dtw_pairs
from hpcflow_kernels.similarity.dtw_loops import HALF_SIDE, SIDE, banded
from hpcflow_kernels.similarity.templates import template_distance


def cell_by_cell(a, b, window=None):
    """Sakoe and Chiba's recurrence, written down."""
    n, m = len(a), len(b)
    radius = max(n, m) if window is None else window
    table = np.full((n + 1, m + 1), np.inf)
    table[0, 0] = 0
    for i in range(n):
        for j in range(m):
            if -radius - max(0, n - m) <= j - i <= radius + max(0, m - n):
                before = min(table[i, j], table[i, j + 1], table[i + 1, j])
                table[i + 1, j + 1] = before + (float(a[i]) - float(b[j])) ** 2
    return np.sqrt(table[n, m])


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    m=st.integers(1, 40),
    window=st.one_of(st.none(), st.integers(0, 45)),
    seed=st.integers(0, 1000),
)
def test_every_path_counts(n, m, window, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal(n), np.cumsum(rng.standard_normal(m))
    truth = cell_by_cell(a, b, window)
    assert dtw(a, b, window) == pytest.approx(truth, rel=1e-14)
    single = dtw(a.astype(np.float32), b.astype(np.float32), window)
    assert single == pytest.approx(cell_by_cell(a.astype(np.float32), b.astype(np.float32), window), rel=1e-5)


@pytest.mark.parametrize(("count", "others"), [(1, 1), (3, 70), (65, 2), (8, 128)])
def test_tables_of_pairs(count, others):
    rng = np.random.default_rng(count)
    x, y = rng.standard_normal((count, 13)), rng.standard_normal((others, 9))
    x[-1, 4] = np.nan
    y[0, 0] = -np.inf
    table = dtw_pairs(x, y, 3)
    for i in range(count):
        for j in range(others):
            if i == count - 1 or j == 0:
                assert np.isnan(table[i, j])
            else:
                assert table[i, j] == pytest.approx(cell_by_cell(x[i], y[j], 3), rel=1e-14)
    own = dtw_pairs(x, window=2)
    assert np.array_equal(own, own.T, equal_nan=True)
    assert np.allclose(own, dtw_pairs(x, x, 2), rtol=1e-14, atol=0, equal_nan=True)
    assert (np.diag(own)[:-1] == 0).all()


def test_a_pair_has_the_same_bits_wherever_it_lies():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((130, 37)).astype(np.float32)
    whole = dtw_pairs(x, x, 5)
    assert whole.dtype == np.float32
    for i, j in ((0, 129), (77, 3), (129, 64), (128, 127)):
        assert np.float32(dtw(x[i], x[j], 5)) == whole[i, j]


def test_no_window_and_no_room():
    a, b = np.array([0.0, 1, 2, 3]), np.array([0.0, 0, 1, 2, 3, 3])
    assert dtw(a, b) == 0
    assert dtw(a, b, 0) == 0  # what b is longer is added to the band
    assert dtw(a, a[::-1], 0) == pytest.approx(np.linalg.norm(a - a[::-1]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("window", [0, 4, None])
def test_the_nearest_is_that_of_all_distances(dtype, window):
    rng = np.random.default_rng(5)
    x = np.cumsum(rng.standard_normal((30, 60)), axis=1).astype(dtype)
    references = np.cumsum(rng.standard_normal((400, 60)), axis=1).astype(dtype)
    references[:30] = x + rng.standard_normal((30, 60)) / 4
    references[100, 7] = np.nan
    x[3, 3] = np.nan
    table = dtw_pairs(x, references, window)
    found = dtw_nearest(x, references, window)
    for i in range(30):
        if i == 3:
            assert np.isnan(found.distance[i])
            assert found.place[i] == -1
        else:
            assert found.place[i] == np.nanargmin(table[i])
            assert found.distance[i] == np.nanmin(table[i])
    if window is not None:
        assert found.computed.mean() < 200
    none = dtw_nearest(x, np.full((2, 60), np.nan, dtype), window)
    assert (none.place == -1).all()
    assert np.isnan(none.distance).all()


@pytest.mark.parametrize("samples", [1, 2, 3, 17, 18, 33])
def test_the_nearest_of_short_series(samples):
    rng = np.random.default_rng(samples)
    x, references = rng.standard_normal((20, samples)), rng.standard_normal((200, samples))
    found = dtw_nearest(x, references, 2)
    assert np.array_equal(found.place, dtw_pairs(x, references, 2).argmin(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_outside_the_buffers_is_touched(dtype):
    rng = np.random.default_rng(9)
    n, m, side = 21, 18, SIDE if dtype == np.float32 else HALF_SIDE

    def inside(values):
        around = np.full(len(values) + 128, 1e30, dtype)
        around[64:-64] = values
        return around, around[64:-64]

    sides = [rng.standard_normal(side * k).astype(dtype) for k in (n, m)]
    (a_all, a), (b_all, b) = inside(sides[0]), inside(sides[1])
    work_all, work = inside(np.zeros(side * (m + 1)))
    out_all, out = inside(np.zeros(side))
    assert banded(a, b, 5, 2, np.inf, work, out)  # radius 2, and 21 - 18 more on one side
    for around in (a_all, b_all, work_all, out_all):
        assert (around[:64] == dtype(1e30)).all()
        assert (around[-64:] == dtype(1e30)).all()
    for k in range(side):
        assert out[k] == pytest.approx(cell_by_cell(a[k::side], b[k::side], 2) ** 2, rel=1e-5)
    assert not banded(a, b, 5, 2, 1e-3, work, out)


def test_wrong_series_are_refused():
    x = np.zeros((2, 5))
    for wrong in (np.zeros(5), np.zeros((2, 0)), np.zeros((1, 2, 3))):
        with pytest.raises(ValueError, match="lie in rows"):
            dtw_pairs(wrong)
    with pytest.raises(ValueError, match="lie in rows"):
        dtw(np.zeros(0), np.zeros(3))
    with pytest.raises(ValueError, match="0 or more samples apart"):
        dtw_pairs(x, window=-1)
    with pytest.raises(ValueError, match="resample"):
        dtw_nearest(x, np.zeros((2, 6)))


def archive(path):
    """Series and classes of a file of the UEA and UCR archive."""
    lines = [
        line.strip().split(":") for line in path.read_text().splitlines() if line[:1] not in ("#", "@", "")
    ]
    series = np.array([[[float(v) for v in one.split(",")] for one in line[:-1]] for line in lines])
    return series, np.array([line[-1] for line in lines])


@pytest.mark.shared_data
def test_published_accuracies_of_the_ucr_archive(shared_data):
    """Errors of 1-NN on ItalyPowerDemand as the archive publishes them: 0.0447 Euclidean, 0.0496 warped."""
    folder = shared_data / "benchmarks/ucr"
    known, classes = archive(folder / "ItalyPowerDemand_TRAIN.ts")
    asked, truth = archive(folder / "ItalyPowerDemand_TEST.ts")
    for window, error in ((0, 0.0447), (None, 0.0496)):
        found = dtw_nearest(asked[:, 0], known[:, 0], window)
        assert round(float(np.mean(classes[found.place] != truth)), 4) == error


@pytest.mark.shared_data
def test_published_accuracy_of_basic_motions(shared_data):
    """1-NN by the sum of squared distances over the channels, each warped by itself: all 40 right."""
    folder = shared_data / "sport/basic_motions"
    known, classes = archive(folder / "BasicMotions_TRAIN.ts")
    asked, truth = archive(folder / "BasicMotions_TEST.ts")
    table = sum(dtw_pairs(asked[:, c], known[:, c]) ** 2 for c in range(6))
    assert (classes[table.argmin(axis=1)] == truth).all()


def test_frames_are_compared_with_a_template():
    """A template hidden in noise: stretched, of another size and level, at two rates."""
    rng = np.random.default_rng(6)
    shape = [0.0, 0.2, 1.0, -0.4, 0.1, 0.0, 0.3, 0.0]
    for rate in (100.0, 240.0):
        samples = round(rate)
        x = 100 + rng.standard_normal(20 * samples) / 5
        at = 7 * samples
        grid = np.linspace(0, 1, samples) ** 1.1  # later in time than the template, within the band
        x[at : at + samples] += 3 * np.interp(grid * 7, np.arange(8), shape)
        x[15 * samples] = np.nan
        got = template_distance(x, rate=rate, template=shape, window=1.0, overlap=0.75, band=0.1)["distance"]
        assert np.nanargmin(got) == 28
        assert got[28] < 0.3 < np.nanpercentile(got, 10)
        assert np.isnan(got[57:61]).all()
        assert np.isfinite(got[:57]).all()
        frame = x[at : at + samples]
        straight = np.interp(np.linspace(0, 7, samples), np.arange(8), shape)
        sides = [(side - side.mean()) / side.std() for side in (frame, straight)]
        truth = cell_by_cell(*sides, window=round(0.1 * samples)) / np.sqrt(samples)
        assert got[28] == pytest.approx(truth, rel=1e-6)
    still = template_distance(np.ones(300), rate=100.0, template=shape, window=1.0)["distance"]
    assert np.isnan(still).all()
    assert len(template_distance(np.ones(50), rate=100.0, template=shape, window=1.0)["distance"]) == 0


def test_templates_without_shape_are_refused():
    contract = get("template_distance")
    assert contract.check is not None
    given = {"template": [1.0, 2.0, 1.0], "window": 1.0, "overlap": 0.5, "band": 0.1}
    assert not contract.check(given, 100.0)
    for template in ([], [1.0, 2.0], [2.0, 2.0, 2.0], [1.0, np.nan, 0.0]):
        assert "list the values" in contract.check(given | {"template": template}, None)[0]
    assert "lengthen" in contract.check(given, 2.0)[0]


@pytest.mark.shared_data
def test_strides_of_one_foot_by_the_mean_stride_of_the_other(shared_data):
    """Borders of strides marked by hand: 29 of 30 right ones are found within 0.1 s, and nothing else is."""
    folder, rate = shared_data / "sport/imu_gait", 204.8
    table = np.loadtxt(folder / "gaitmap_imu_sample.csv.gz", delimiter=",", skiprows=2, usecols=(9, 10))
    lines = (folder / "gaitmap_stride_borders_sample.csv").read_text().split()[1:]
    marked = [(foot, int(a), int(b)) for _, foot, a, b, _ in (line.split(",") for line in lines)]
    grid = np.arange(len(table))
    cycles = [
        np.interp(np.linspace(a, b - 1, 24), grid, table[:, 0]) for foot, a, b in marked if foot == "left"
    ]
    template = np.mean(cycles, axis=0).tolist()
    x = table[:, 1].astype(np.float32)
    got = template_distance(x, rate=rate, template=template, window=1.075, overlap=0.99)["distance"]
    lowest = [i for i in range(len(got)) if got[i] < 0.3 and got[i] == got[max(0, i - 50) : i + 51].min()]
    starts = np.array([a for foot, a, _ in marked if foot == "right"])
    off = np.abs(2 * np.array(lowest)[:, None] - starts).min(axis=1) / rate
    assert len(starts) == 30
    assert len(lowest) == 29
    assert off.max() < 0.1
    assert np.median(off) < 0.01
