"""The canonical characteristics against vectors of the authors' C code and a slow twin of every feature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import LSQUnivariateSpline

from hpcflow_kernels.features.catch22 import FEATURES, catch22, catch22_windows

NAMES = {
    "DN_HistogramMode_5": "mode_5",
    "DN_HistogramMode_10": "mode_10",
    "CO_f1ecac": "acf_timescale",
    "CO_FirstMin_ac": "acf_first_min",
    "CO_HistogramAMI_even_2_5": "ami2",
    "CO_trev_1_num": "trev",
    "MD_hrv_classic_pnn40": "high_fluctuation",
    "SB_BinaryStats_mean_longstretch1": "stretch_high",
    "SB_TransitionMatrix_3ac_sumdiagcov": "transition_matrix",
    "PD_PeriodicityWang_th0_01": "periodicity",
    "CO_Embed2_Dist_tau_d_expfit_meandiff": "embedding_dist",
    "IN_AutoMutualInfoStats_40_gaussian_fmmi": "ami_timescale",
    "FC_LocalSimple_mean1_tauresrat": "whiten_timescale",
    "DN_OutlierInclude_p_001_mdrmd": "outlier_timing_pos",
    "DN_OutlierInclude_n_001_mdrmd": "outlier_timing_neg",
    "SP_Summaries_welch_rect_area_5_1": "low_freq_power",
    "SB_BinaryStats_diff_longstretch0": "stretch_decreasing",
    "SB_MotifThree_quantile_hh": "entropy_pairs",
    "SC_FluctAnal_2_rsrangefit_50_1_logi_prop_r1": "rs_range",
    "SC_FluctAnal_2_dfa_50_1_2_logi_prop_r1": "dfa",
    "SP_Summaries_welch_rect_centroid": "centroid_freq",
    "FC_LocalSimple_mean3_stderr": "forecast_error",
}

SHORT = [-0.89094, -0.86099, -0.82438, -0.78214, -0.73573, -0.68691]
SHORT += [-0.63754, -0.58937, -0.54342, -0.50044, -0.46082, -0.42469]
"""testShort of github.com/DynamicsAndNeuralSystems/pycatch22, and what the C code makes of it."""

OF_SHORT = {
    "mode_5": 0.022699494958050126,
    "mode_10": 0.022699494958050237,
    "acf_timescale": 2.675241846131576,
    "acf_first_min": 8,
    "ami2": 1.366158847569202,
    "trev": 0.019643781964449922,
    "high_fluctuation": 1.0,
    "stretch_high": 5.0,
    "transition_matrix": 0.16666666666666669,
    "periodicity": 0,
    "embedding_dist": 0.5115250313179017,
    "ami_timescale": 6.0,
    "whiten_timescale": 0.6,
    "outlier_timing_pos": 0.75,
    "outlier_timing_neg": -0.5833333333333333,
    "stretch_decreasing": 1.0,
    "entropy_pairs": 1.499030672979008,
    "rs_range": 0.0,
    "dfa": 0.0,
    "centroid_freq": 0.39269908169875,
    "forecast_error": 0.05070841167816654,
    "mean": -0.6614475000000001,
    "std": 0.16002558676803702,
}


def named(values: np.ndarray) -> dict[str, float]:
    return dict(zip((*FEATURES, "mean", "std"), values.tolist(), strict=True))


def test_the_short_vector_of_the_c_code():
    got = named(catch22(np.array(SHORT), catch24=True))
    for name, value in OF_SHORT.items():
        assert got[name] == pytest.approx(value, rel=1e-11), name
    assert got["low_freq_power"] < 1e-30  # the C code has 2e-33: the mean's own rounding


@pytest.mark.shared_data
@pytest.mark.parametrize("number", [14, 101, 142, 600, 700])
def test_real_series_give_what_the_c_code_gives(shared_data, number):
    folder = shared_data / "benchmarks" / "catch22"
    got = named(catch22(np.loadtxt(folder / f"e1000_ts{number}.txt"), catch24=True))
    lines = (folder / f"e1000_ts{number}_output.txt").read_text().splitlines()
    published = {line.split(", ")[1]: float(line.split(", ")[0]) for line in lines if line}
    for name, ours in (NAMES | {"DN_Mean": "mean", "DN_Spread_Std": "std"}).items():
        assert got[ours] == pytest.approx(published[name], rel=1e-11, abs=2e-14), name


def runs(flags: np.ndarray) -> int:
    """Longest run of False, counted as the C code does: up to and with the sample that ends it."""
    ends = [i for i in range(len(flags)) if flags[i] or i == len(flags) - 1]
    return int(np.diff([0, *ends]).max(initial=0))


def zero_of(ac: np.ndarray) -> int:
    return int(np.flatnonzero(ac <= 0)[0]) if (ac <= 0).any() else len(ac)


def autocorrelation(x: np.ndarray) -> np.ndarray:
    x = x - x.mean()
    return np.correlate(x, x, "full")[len(x) - 1 :] / np.sum(x * x)


def shares(x: np.ndarray, hop: int) -> np.ndarray:
    x = x[::hop]
    thirds = np.digitize(x, np.quantile(x, [1 / 3, 2 / 3], method="hazen"), right=True)
    table = np.zeros((3, 3))
    np.add.at(table, (thirds[:-1], thirds[1:]), 1)
    return table / (len(x) - 1)


def mode(z: np.ndarray, bins: int) -> float:
    counts, edges = np.histogram(z, bins)
    return float(np.mean(((edges[1:] + edges[:-1]) / 2)[counts == counts.max()]))


def outliers(z: np.ndarray) -> float:
    levels = np.arange(int(z.max() / 0.01) + 1) * 0.01
    over = [np.flatnonzero(z >= level) for level in levels]
    counts = np.array([len(places) for places in over])
    most = np.flatnonzero((counts - 1) * 100 / (z >= 0).sum() > 2).max(initial=0)
    alone = np.flatnonzero(counts == 1).min(initial=len(levels) - 1)
    medians = [np.median(places + 1) / (len(z) / 2) - 1 for places in over[: min(most, alone) + 1]]
    return float(np.median(medians))


def scaling(z: np.ndarray, by_range: bool) -> float:
    n = len(z)
    lengths = np.unique(np.round(np.exp(np.linspace(np.log(5), np.log(n // 2), 50))).astype(int))
    if len(lengths) < 12:
        return 0.0
    profile, spreads = np.cumsum(z if by_range else z[: n // 2 * 2 : 2]), []
    for t in lengths:
        parts = profile[: len(profile) // t * t].reshape(-1, t).T
        away = parts - np.vander(np.arange(t), 2) @ np.polyfit(np.arange(t), parts, 1)
        spreads.append(np.mean(np.ptp(away, axis=0) ** 2) if by_range else np.mean(away**2))
    x, y = np.log(lengths), np.log(spreads) / 2

    def misfit(part: slice) -> float:
        return float(np.linalg.norm(y[part] - np.polyval(np.polyfit(x[part], y[part], 1), x[part])))

    breaks = range(6, len(x) - 5)
    errors = [misfit(slice(0, i)) + misfit(slice(i - 1, None)) for i in breaks]
    return (6 + int(np.argmin(errors))) / len(x)


def embedding(z: np.ndarray, zero: int) -> float:
    lag = min(zero, len(z) // 10)
    step = np.diff(z)
    d = np.hypot(step[: len(z) - lag - 1], step[lag:])
    if d.std(ddof=1) < 0.001:
        return 0.0
    bins = int(np.ceil(np.ptp(d) / (3.5 * d.std(ddof=1) / len(d) ** (1 / 3))))
    counts, edges = np.histogram(d, bins)
    middle = (edges[1:] + edges[:-1]) / 2
    return float(np.mean(np.abs(counts / len(d) - np.exp(-middle / d.mean()) / d.mean())))


def periodicity(z: np.ndarray) -> int:
    n = len(z)
    spline = LSQUnivariateSpline(np.arange(n), z, [n // 2 - 1])
    rest = z - spline(np.arange(n))
    ac = [rest[: n - lag] @ rest[lag:] / (n - lag) for lag in range(1, int(np.ceil(n / 3)) + 1)]
    trough = None
    for i in range(1, len(ac) - 1):
        if ac[i - 1] > ac[i] < ac[i + 1]:
            trough = ac[i]
        if ac[i - 1] < ac[i] > ac[i + 1] and trough is not None and ac[i] - trough >= 0.01 and ac[i] >= 0:
            return i
    return 0


def twin(x: np.ndarray) -> dict[str, float]:
    """Every feature by itself, from its definition."""
    n = len(x)
    z = (x - x.mean()) / x.std(ddof=1)
    ac, step = autocorrelation(z), np.diff(z)
    zero = zero_of(ac)
    below = np.flatnonzero(ac[1 : n - 1] < 1 / np.e)
    least = [i for i in range(1, n - 1) if ac[i] < ac[i - 1] and ac[i] < ac[i + 1]]
    lags = min(40, (n + 1) // 2)
    r = [np.corrcoef(z[: n - lag], z[lag:])[0, 1] for lag in range(1, lags + 1)]
    gauss = -0.5 * np.log(1 - np.square(r))
    deep = [i for i in range(1, lags - 1) if gauss[i] < gauss[i - 1] and gauss[i] < gauss[i + 1]]
    place = np.digitize(z, z.min() - 0.1 + (np.ptp(z) + 0.2) / 5 * np.arange(1, 5))
    joint = np.zeros((5, 5))
    np.add.at(joint, (place[:-2], place[2:]), 1 / (n - 2))
    pairs, slow = shares(z, 1), shares(z, zero)
    miss = z[3:] - np.lib.stride_tricks.sliding_window_view(z, 3)[:-1].mean(axis=1)
    points = 1 << (n - 1).bit_length()
    power = np.abs(np.fft.rfft(z, points)) ** 2 / n
    power[1:-1] *= 2
    independent = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
    return {
        "mode_5": mode(z, 5),
        "mode_10": mode(z, 10),
        "acf_timescale": (i := below[0]) + (1 / np.e - ac[i]) / (ac[i + 1] - ac[i]) if len(below) else n,
        "acf_first_min": least[0] if least else n,
        "ami2": np.sum(joint[joint > 0] * np.log(joint[joint > 0] / independent[joint > 0])),
        "trev": np.mean(step**3),
        "high_fluctuation": np.mean(np.abs(step) > 0.04),
        "stretch_high": runs(z[:-1] <= z.mean()),
        "transition_matrix": slow.var(axis=0, ddof=1).sum(),
        "periodicity": periodicity(z),
        "embedding_dist": embedding(z, zero),
        "ami_timescale": deep[0] if deep else lags,
        "whiten_timescale": zero_of(autocorrelation(step)) / zero,
        "outlier_timing_pos": outliers(z),
        "outlier_timing_neg": outliers(-z),
        "low_freq_power": power[: len(power) // 5].sum() / points,
        "stretch_decreasing": runs(step >= 0),
        "entropy_pairs": -np.sum(pairs[pairs > 0] * np.log(pairs[pairs > 0])),
        "rs_range": scaling(z, True),
        "dfa": scaling(z, False),
        "centroid_freq": 2 * np.pi / points * np.flatnonzero(np.cumsum(power) > power.sum() / 2)[0],
        "forecast_error": miss.std(ddof=1),
    }


def series() -> list[np.ndarray]:
    rng = np.random.default_rng(22)
    found = []
    for n in (10, 13, 37, 100, 255, 256, 257, 1000):
        t = np.arange(n)
        found.append(rng.standard_normal(n))
        found.append(np.cumsum(rng.standard_normal(n)) + 1e3)
        found.append(np.sin(2 * np.pi * t / 7.3) + 0.3 * rng.standard_normal(n))
        found.append(rng.exponential(size=n))
        found.append(np.sin(2 * np.pi * t / (0.4 * n)) + 1e-3 * rng.standard_normal(n))
    return found


@pytest.mark.parametrize("x", series(), ids=lambda x: str(len(x)))
def test_each_feature_is_that_of_its_definition(x):
    got, expected = named(catch22(x, catch24=True)), twin(x)
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-7, abs=1e-9), name


def test_windows_are_series_of_their_own():
    rng = np.random.default_rng(4)
    x = np.cumsum(rng.standard_normal((50, 120)), axis=1).astype(np.float32)
    alone = np.array([catch22(row) for row in x])
    assert np.array_equal(catch22(x), alone)
    assert np.array_equal(catch22(x.T, axis=0), alone.T)
    assert np.array_equal(catch22(x.reshape(5, 10, 120)), alone.reshape(5, 10, 22))
    steps = catch22_windows(x.ravel(), rate=60.0, window=2.0)
    assert np.array_equal(steps["features"], alone.astype(np.float32))
    assert steps["mean"] == pytest.approx(x.mean(axis=1), rel=1e-6)
    assert steps["std"] == pytest.approx(x.std(axis=1, ddof=1), rel=1e-6)


def test_scale_and_offset_do_not_matter():
    x = np.random.default_rng(5).standard_normal(300)
    assert catch22(x) == pytest.approx(catch22(4 * x - 32), rel=1e-9)


def test_a_signal_that_repeats_exactly_has_a_finite_scale():
    """Three values over and over, as in e1000_ts288 of the authors' data: the correlation at lag 3 is 1."""
    x = np.tile([0.042032, 0.92694, 8.4375], 100)
    assert named(catch22(x, catch24=True))["ami_timescale"] == 3


def test_constant_and_missing():
    with np.errstate(all="raise"):
        constant = named(catch22(np.full(100, 0.1), catch24=True))
        missing = catch22(np.r_[np.zeros(50), np.nan, np.ones(50)], catch24=True)
    for name in ("acf_timescale", "acf_first_min", "periodicity", "std"):
        assert constant.pop(name) == 0
    assert constant.pop("mean") == 0.1
    assert np.isnan(list(constant.values())).all()
    assert np.isnan(missing).all()
    with pytest.raises(ValueError, match="10 samples or more, not 9"):
        catch22(np.arange(9.0))


@pytest.mark.parametrize("n", [10, 15, 16, 17, 100, 997, 1000, 1024, 4096])
def test_sums_of_products_and_powers_in_lanes_are_numpys(n):
    from hpcflow_kernels.features.catch22 import _correlations, _points

    points, rng = _points(n), np.random.default_rng(n)
    rows = np.zeros((8, points + 8))
    rows[:, :n] = rng.standard_normal((8, n)) * 10.0 ** np.arange(8)[:, None]
    sums, powers = _correlations(rows, n)
    for row, found, power in zip(rows, sums, powers, strict=True):
        expected = np.correlate(row[:n], row[:n], "full")[n - 1 :]
        assert np.abs(found - expected).max() <= 1e-14 * expected[0]
        spectrum = np.abs(np.fft.rfft(row[:points]))[::2] ** 2
        assert np.abs(power - spectrum).max() <= 1e-14 * spectrum.max()
