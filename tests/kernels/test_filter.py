"""The band-pass against SciPy on the whole record, computed tile by tile as the framework does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter.poles import TRUNCATION, Design, padding
from hpcflow_kernels.filter.recursive_contracts import CONTRACTS, two_way_halo
from hpcflow_kernels.filter.zero_phase import bandpass

KERNELS = {contract.name: contract for contract in CONTRACTS}


def tiled(x: np.ndarray, rate: float, params: dict, tile: int) -> np.ndarray:
    """Cut into tiles, give each its halo clipped at the record's ends, trim."""
    params = DEFAULTS | params
    geometry = KERNELS["bandpass"].geometry(params, rate)
    parts = []
    for start in range(0, len(x), tile):
        stop = min(start + tile, len(x))
        first, last = geometry.needs(start, stop)
        first, last = max(first, 0), min(last, len(x))
        region = KERNELS["bandpass"].load()(x[first:last], rate=rate, **params)
        parts.append(region[start - first : stop - first])
    return np.concatenate(parts)


DEFAULTS = {param.name: param.default for param in KERNELS["bandpass"].params if not param.required}


@pytest.mark.parametrize("tile", [1000, 4096, 17777])
@pytest.mark.parametrize(
    ("low", "high", "rate", "order"),
    [
        (2000.0, 5000.0, 12000.0, 4),
        (100.0, 400.0, 12000.0, 4),
        (1000.0, 1100.0, 48828.0, 2),
        (20.0, 5900.0, 12000.0, 6),
    ],
)
def test_tiles_agree_with_the_whole_record(low, high, rate, order, tile):
    x = np.random.default_rng(1).standard_normal(60_000)
    x += 5.0 + 10 * np.sin(2 * np.pi * 30 * np.arange(len(x)) / rate)
    sos = signal.butter(order, [low, high], "bandpass", fs=rate, output="sos")
    whole = signal.sosfiltfilt(sos, x)
    got = tiled(x, rate, {"low": low, "high": high, "order": order}, tile)
    assert np.abs(got - whole).max() <= TRUNCATION * np.abs(x).max()


def test_the_worst_neighbourhood_stays_within_the_bound():
    # A step of the largest size right outside the halo is what a tile can be most wrong about.
    low, high, rate, order = 200.0, 500.0, 12000.0, 4
    halo = two_way_halo(Design("bandpass", (low, high), rate, order))
    x = np.zeros(8 * halo)
    x[: 3 * halo - 1] = np.sign(np.sin(2 * np.pi * 316 * np.arange(3 * halo - 1) / rate))
    sos = signal.butter(order, [low, high], "bandpass", fs=rate, output="sos")
    whole = signal.sosfiltfilt(sos, x)
    region = bandpass(x[3 * halo :], rate=rate, low=low, high=high, order=order)
    assert np.abs(region[halo:] - whole[4 * halo :]).max() <= TRUNCATION
    assert np.abs(region[: halo // 3] - whole[3 * halo : 3 * halo + halo // 3]).max() > TRUNCATION


@settings(max_examples=25, deadline=None)
@given(
    low=st.floats(0.01, 0.3),
    width=st.floats(0.02, 0.15),
    order=st.integers(1, 6),
    tile=st.integers(500, 5000),
)
def test_any_band_and_any_tile(low, width, order, tile):
    rate = 1000.0
    params = {"low": low * rate, "high": (low + width) * rate, "order": order}
    x = np.random.default_rng(tile).uniform(-1, 1, 12_000)
    sos = signal.butter(order, [params["low"], params["high"]], "bandpass", fs=rate, output="sos")
    assert np.abs(tiled(x, rate, params, tile) - signal.sosfiltfilt(sos, x)).max() <= TRUNCATION


def test_types_are_kept_and_float32_is_rounded_once():
    x = np.random.default_rng(2).standard_normal(5000)
    single = bandpass(x.astype(np.float32), rate=12000.0, low=1000.0, high=3000.0)
    double = bandpass(x.astype(np.float32).astype(np.float64), rate=12000.0, low=1000.0, high=3000.0)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    assert np.array_equal(single, double.astype(np.float32))


def test_nothing_is_shifted_and_edges_are_at_quarter_power():
    rate, n = 12000.0, 24_000
    time = np.arange(n) / rate
    for frequency, gain in ((3000.0, 1.0), (2000.0, 0.5), (4500.0, 0.5)):
        x = np.cos(2 * np.pi * frequency * time)
        y = bandpass(x, rate=rate, low=2000.0, high=4500.0)[6000:-6000]
        measured = 2 * np.mean(y * np.exp(-2j * np.pi * frequency * time[6000:-6000]))
        assert measured == pytest.approx(gain, abs=2e-3)


def test_the_shortest_stretch_is_what_scipy_demands():
    contract = KERNELS["bandpass"]
    params = {"low": 100.0, "high": 300.0, "order": 4}
    least = contract.min_samples(params, 1000.0)
    assert least == padding(8) + 1
    bandpass(np.ones(least), rate=1000.0, **params)
    with pytest.raises(ValueError, match="padlen"):
        bandpass(np.ones(least - 1), rate=1000.0, **params)


def test_a_band_beyond_nyquist_is_refused_with_the_remedy():
    contract = KERNELS["bandpass"]
    (problem,) = contract.check(DEFAULTS | {"low": 2000.0, "high": 6000.0, "order": 4}, 12000.0)
    assert "6000" in problem
    assert "lower `high`" in problem
    assert contract.check(DEFAULTS | {"low": 2000.0, "high": 5000.0, "order": 4}, 12000.0) == []
    assert len(contract.check(DEFAULTS | {"low": 7000.0, "high": 6500.0, "order": 4}, 12000.0)) == 2
    assert contract.check(DEFAULTS | {"low": 2000.0, "high": 6000.0, "order": 4}, None) == []
