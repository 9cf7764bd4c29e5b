"""Matrix profiles against every pair of stretches, a published profile, and what is put in by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.similarity.motifs import discords, motifs, motifs_of_record, profile_of_record
from hpcflow_kernels.similarity.profile import MOST_SPREAD, matrix_profile, scattered, stretches
from hpcflow_kernels.similarity.profile_contracts import CONTRACTS
from hpcflow_kernels.similarity.profile_loops import Best, join


def every_pair(x, m, y=None, zone=None):
    """All distances by the definition; infinite for pairs that are none."""
    a = np.lib.stride_tricks.sliding_window_view(np.asarray(x, np.float64), m)
    b = a if y is None else np.lib.stride_tricks.sliding_window_view(np.asarray(y, np.float64), m)

    def normal(w):
        spread = w.std(axis=1, keepdims=True)
        still = np.ptp(w, axis=1) == 0
        return (w - w.mean(axis=1, keepdims=True)) / np.where(still[:, None], 1, spread), still

    with np.errstate(invalid="ignore"):
        (za, still_a), (zb, still_b) = normal(a), normal(b)
        table = np.array([np.sqrt(((row - zb) ** 2).sum(axis=1)) for row in za])
    table[still_a[:, None] ^ still_b[None, :]] = np.sqrt(m)
    table[still_a[:, None] & still_b[None, :]] = 0
    table[~np.isfinite(a).all(axis=1)] = np.inf
    table[:, ~np.isfinite(b).all(axis=1)] = np.inf
    if y is None:
        i = np.arange(len(a))
        table[abs(i[:, None] - i) <= (math.ceil(m / 4) if zone is None else zone)] = np.inf
    return table


def agree(found, table, bound):
    """Distances are the smallest of each row, and lie where the profile says."""
    least = table.min(axis=1, initial=np.inf)
    assert np.array_equal(np.isfinite(found.distance), np.isfinite(least))
    assert np.array_equal(found.neighbour >= 0, np.isfinite(least))
    there = np.flatnonzero(np.isfinite(least))
    assert np.abs(found.distance[there] - least[there]).max(initial=0) <= bound
    assert np.abs(table[there, found.neighbour[there]] - least[there]).max(initial=0) <= bound


def signals():
    rng = np.random.default_rng(7)
    for samples, m in ((40, 3), (67, 16), (300, 7), (700, 50), (129, 128), (65, 65), (200, 64)):
        noise = rng.standard_normal(samples)
        yield noise, m
        yield np.cumsum(noise) + 1000, m
    x = np.cumsum(rng.standard_normal(500))
    x[[3, 250, 251]] = np.nan
    x[499] = np.inf
    yield x, 20
    x = rng.standard_normal(400)
    x[100:160] = 2.0
    x[300:331] = -1.0
    x[50] = np.nan
    yield x, 25
    yield np.where(np.arange(300) == 150, np.nan, 1.0), 10
    yield np.full(100, np.nan), 10
    yield 1e200 * rng.standard_normal(150), 10
    yield 1e-200 * rng.standard_normal(150), 10


@pytest.mark.parametrize(("x", "m"), list(signals()))
def test_every_stretch_has_its_nearest_neighbour(x, m):
    size = np.abs(x[np.isfinite(x)]).max(initial=0) or 1.0
    if 1e-30 < size < 1e30:
        single = matrix_profile(x.astype(np.float32), m)
        assert single.distance.dtype == np.float32
        agree(single, every_pair(x.astype(np.float32), m), 1e-3)
    agree(matrix_profile(x, m), every_pair(x / size, m), 1e-7)


@pytest.mark.parametrize(("x", "m"), list(signals()))
def test_a_join_looks_in_the_other_signal_only(x, m):
    rng = np.random.default_rng(8)
    for samples in (m, m + 70, 333):
        if samples < m or not 1e-30 < (np.abs(x[np.isfinite(x)]).max(initial=0) or 1.0) < 1e30:
            continue
        y = np.cumsum(rng.standard_normal(samples))
        y[samples // 2 : samples // 2 + m + 3] = 4.0
        y[0] = np.nan if samples > m else 0.0
        agree(matrix_profile(x, m, y), every_pair(x, m, y), 1e-7)
        single = matrix_profile(x.astype(np.float32), m, y.astype(np.float32))
        agree(single, every_pair(x.astype(np.float32), m, y.astype(np.float32)), 1e-3)


def test_exclusion_and_rows():
    x = np.random.default_rng(9).standard_normal((2, 3, 150))
    found = matrix_profile(x, 12, exclusion=30)
    assert found.distance.shape == found.neighbour.shape == (2, 3, 139)
    assert np.abs(found.neighbour - np.arange(139)).min() > 30
    for at in np.ndindex(2, 3):
        agree(type(found)(found.distance[at], found.neighbour[at]), every_pair(x[at], 12, zone=30), 1e-9)


def test_copies_are_found_at_any_size_and_level():
    rng = np.random.default_rng(10)
    for dtype in (np.float32, np.float64):
        x = rng.standard_normal(5000)
        x[4000:4100] = 8 * x[700:800] - 50
        found = matrix_profile(x.astype(dtype), 100)
        assert found.neighbour[700] == 4000
        assert found.neighbour[4000] == 700
        assert found.distance[700] < 1e-4


def test_quiet_stretches_beside_loud_ones_keep_their_neighbours():
    """Single precision alone would drown what is 100 000 times smaller than what was just before it."""
    rng = np.random.default_rng(11)
    x = np.cumsum(rng.standard_normal(6000)) * np.where(np.arange(6000) // 700 % 2, 1e-5, 1)
    x = np.diff(x, prepend=0).astype(np.float32)
    single, double = matrix_profile(x, 40), matrix_profile(x.astype(np.float64), 40)
    near = 1 - double.distance**2 / 80
    assert np.abs((1 - single.distance.astype(np.float64) ** 2 / 80) - near).max() < 1e-4


def loops_of(x, m, dtype, most):
    whole, rows = stretches(x, m, np.dtype(dtype), 512, 0), len(x) - m + 1
    column = Best(np.full(rows + 80, -2, dtype), np.full(rows + 80, -1, np.int32))
    row = Best(column.value[:rows], column.place[:rows])
    diagonals = np.arange(m // 4 + 1, rows, 64)
    exact = join(whole.side, whole.side, m, diagonals, 0, row, column, 512, most)
    return row.value.astype(np.float64), exact


@pytest.mark.parametrize("kind", ["noise", "walk", "tones", "bursts"])
def test_single_precision_keeps_its_bound(kind):
    """The largest correlations by float32 where it is used, against those by float64."""
    rng = np.random.default_rng(12)
    x = rng.standard_normal(8000)
    x = {
        "noise": x,
        "walk": np.cumsum(x),
        "tones": np.sin(np.arange(8000) / 7) + np.sin(np.arange(8000) / 31.3) + 0.1 * x,
        "bursts": x * np.exp(3 * np.sin(np.arange(8000) / 90)),
    }[kind].astype(np.float32)
    best, _ = loops_of(x, 64, np.float64, np.inf)
    used, exact = loops_of(x, 64, np.float32, MOST_SPREAD)
    assert np.abs(used - best).max() < 1e-4
    if kind in ("noise", "bursts"):
        assert (exact > 0) == (kind == "bursts")


def offset_scaled_stepped_and_held(rng, samples):
    """A signal with steps, stretches at other sizes and constant ones, on an offset."""
    x = rng.standard_normal(samples)
    x = x if rng.integers(2) else np.cumsum(x)
    for _ in range(rng.integers(0, 4)):
        begin, what = int(rng.integers(samples)), rng.integers(3)
        part = slice(begin, begin + int(rng.integers(1, 200)))
        if what == 0:
            x[part] *= 10.0 ** rng.uniform(-3, 3)
        elif what == 1:
            x[part] = x[begin]
        else:
            x[begin:] += 10.0 ** rng.uniform(-2, 4)
    return (x + 10.0 ** rng.uniform(-1, 3)).astype(np.float32)


def test_the_chosen_neighbour_is_within_the_bound_whatever_the_levels():
    """Against all correlations by definition, where a subsequence varies by 1e-5 of its level or more."""
    rng = np.random.default_rng(14)
    for _ in range(60):
        x, m = offset_scaled_stepped_and_held(rng, int(rng.integers(200, 600))), int(rng.integers(4, 60))
        windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), m)
        apart = windows - windows.mean(axis=1, keepdims=True)
        size = np.linalg.norm(apart, axis=1)
        varies = size > 1e-5 * np.abs(windows).max(axis=1) * np.sqrt(m)
        correlation = np.full((len(windows), len(windows)), -2.0)
        unit = apart[varies] / size[varies, None]
        correlation[np.ix_(varies, varies)] = unit @ unit.T
        index = np.arange(len(windows))
        correlation[abs(index[:, None] - index) <= -(-m // 4)] = -2
        near = matrix_profile(x, m).neighbour.astype(int)
        for row in np.flatnonzero(varies):
            if near[row] >= 0 and varies[near[row]]:
                assert correlation[row].max() - correlation[row, near[row]] < 1e-4


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 10, 97, 1000, 4096])
def test_scattered_takes_each_once(count):
    assert sorted(scattered(count).tolist()) == list(range(count))


def test_nothing_outside_the_signal_is_touched():
    for samples in (100, 163, 1200):
        around = np.full(samples + 200, np.float32(1e30))
        x = around[100:-100]
        x[:] = np.random.default_rng(samples).standard_normal(samples)
        before = around.copy()
        first = matrix_profile(x, 20)
        assert np.array_equal(around, before)
        around[:100] = around[-100:] = np.nan
        again = matrix_profile(x, 20)
        assert np.array_equal(first.distance, again.distance)
        assert np.array_equal(first.neighbour, again.neighbour)


def test_wrong_lengths_are_refused():
    x = np.zeros(10)
    for m in (2, 11):
        with pytest.raises(ValueError, match="from 3 samples"):
            matrix_profile(x, m)
    with pytest.raises(ValueError, match="as the signal has, 5"):
        matrix_profile(x, 6, np.zeros(5))
    with pytest.raises(ValueError, match="exclusion is 0"):
        matrix_profile(x, 5, exclusion=-1)


@pytest.mark.shared_data
def test_a_published_profile(shared_data):
    """875 values and their profile by the authors' MATLAB program, window 32, printed with five digits."""
    folder = shared_data / "benchmarks/matrix_profile"
    x, distance = np.loadtxt(folder / "sampledata.txt"), np.loadtxt(folder / "mpx_mp.txt")
    neighbour = np.loadtxt(folder / "mpx_mpi.txt").astype(int) - 1
    for dtype in (np.float32, np.float64):
        found = matrix_profile(x.astype(dtype), 32)
        assert np.abs(found.distance - distance).max() < 6e-5
        assert np.array_equal(found.neighbour, neighbour)


@pytest.mark.shared_data
def test_the_motif_and_discord_of_the_steam_generator(shared_data):
    """Steam flow, window 640, from STUMPY's tutorial: the motif at 643 and 8724, the discord at 3864."""
    x = np.loadtxt(
        shared_data / "benchmarks/matrix_profile/steamgen.csv", delimiter=",", skiprows=1, usecols=3
    )
    for dtype in (np.float32, np.float64):
        found = matrix_profile(x.astype(dtype), 640)
        pairs, odd = motifs(found, 640), discords(found, 640)
        assert (pairs.start[0], pairs.other[0]) == (643, 8724)
        assert pairs.distance[0] == pytest.approx(5.4916, abs=1e-4)
        assert odd.start[0] == 3864


def test_motifs_and_discords_share_no_sample():
    rng = np.random.default_rng(13)
    x = rng.standard_normal(3000)
    for a, b in ((100, 1500), (400, 2500), (800, 2000)):
        x[b : b + 50] = x[a : a + 50] + 0.01 * rng.standard_normal(50)
    found = matrix_profile(x, 50)
    pairs = motifs(found, 50, top=3)
    assert {(int(a) // 100, int(b) // 100) for a, b in zip(pairs.start, pairs.other, strict=True)} == {
        (1, 15),
        (4, 25),
        (8, 20),
    }
    assert (np.diff(pairs.distance) >= 0).all()
    places = np.sort(np.concatenate([pairs.start, pairs.other]))
    assert np.diff(places).min() >= 50
    odd = discords(found, 50, top=5)
    assert (np.diff(odd.distance) <= 0).all()
    assert np.diff(np.sort(odd.start)).min() >= 50
    assert len(discords(found, 50, top=1000).start) < 61
    none = matrix_profile(np.full(100, np.nan), 20)
    assert len(motifs(none, 20).start) == len(discords(none, 20).start) == 0


def test_steps_of_a_workflow():
    contract = CONTRACTS[0]
    rng = np.random.default_rng(14)
    x = rng.standard_normal(2000).astype(np.float32)
    x[1200:1300] = x[300:400]
    x[700] = np.nan
    signal = Rows(x, 50.0, "m s-2", {})
    rows = profile_of_record(signal=signal, window=2.0)
    assert contract.length is not None
    assert contract.row_rate is not None
    assert len(rows["distance"]) == contract.length({"window": 2.0}, 2000, 50.0, {}) == 1901
    assert rows["neighbour"][300] == pytest.approx(24.0)
    assert np.isnan(rows["distance"][601:701]).all()
    rate = contract.row_rate({"window": 2.0}, 50.0)
    made = {name: Rows(values, rate, "1", {}) for name, values in rows.items()}
    top = motifs_of_record(profile=made, window=2.0, top=4)
    assert all(values.shape == (4,) for values in top.values())
    assert (top["motif_start"][0], top["motif_other"][0]) == (6.0, 24.0)
    assert top["motif_distance"][0] < 1e-3
    assert np.isfinite(top["discord_start"]).all()
    short = profile_of_record(signal=Rows(x[:50], 50.0, "1", {}), window=2.0)
    assert len(short["distance"]) == contract.length({"window": 2.0}, 50, 50.0, {}) == 0
    assert contract.length({"window": 2.0}, 50, np.nan, {}) == 0
    empty = {name: Rows(values, 50.0, "1", {}) for name, values in short.items()}
    assert np.isnan(motifs_of_record(profile=empty, window=2.0, top=2)["motif_start"]).all()
    for rate in (np.nan, 1.0):
        with pytest.raises(UnusableRecordError, match="fewer than 3 samples"):
            profile_of_record(signal=Rows(x, rate, "1", {}), window=2.0)
    with pytest.raises(UnusableRecordError, match="found amplitude"):
        motifs_of_record(profile={"amplitude": signal}, window=2.0, top=2)


@pytest.mark.shared_data
def test_the_ventricular_beat_of_an_electrocardiogram(shared_data):
    """MIT-BIH record 100, five minutes: cardiologists marked one ventricular beat, at sample 546 792."""
    raw = np.fromfile(shared_data / "physio/ecg_mitdb/100.dat", np.uint8).reshape(-1, 3).astype(np.int32)
    first = raw[:, 0] | (raw[:, 1] & 15) << 8
    start = 546_792 - 54_000
    x = np.where(first > 2047, first - 4096, first)[start : start + 108_000].astype(np.float32)
    odd = discords(matrix_profile(x, 360), 360, top=2)
    assert odd.start[0] < 54_000 < odd.start[0] + 360
    assert odd.distance[0] > 1.3 * odd.distance[1]
