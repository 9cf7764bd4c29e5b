"""Changes of rate, spikes and trends on array libraries: beside those of the processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import signal

from hpcflow_kernels import Rows
from hpcflow_kernels.arrays.resample import decimated, resampled
from hpcflow_kernels.arrays.smooth import despike, detrend
from hpcflow_kernels.filter import despike as despikes
from hpcflow_kernels.filter import resample as processors
from hpcflow_kernels.filter import smooth as trends

ASARRAY: dict[str, Callable[[np.ndarray], Any]] = {
    "strict": array_api_strict.asarray,
    "torch": lambda x: torch.from_numpy(x.copy()),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(ASARRAY))
def asarray(request):
    """Of one library; the strict one knows what the standard of 2023 has, and no more."""
    with array_api_strict.ArrayAPIStrictFlags(api_version="2023.12"):
        yield ASARRAY[request.param]


def noise(samples: int, gaps: bool = False) -> np.ndarray:
    x = np.random.default_rng(samples).standard_normal(samples) + 5
    if gaps:
        for start, stop in ((0, 1), (301, 302), (1800, 1900), (1907, 1908), (samples - 2, samples)):
            x[start:stop] = np.nan
    return x


def same(got: Any, wanted: np.ndarray, bound: float = 1e-13) -> bool:
    got = np.asarray(got)
    assert np.array_equal(np.isnan(got), np.isnan(wanted))
    return bool(np.nanmax(np.abs(got - wanted), initial=0) <= bound * np.nanmax(np.abs(wanted), initial=0))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("samples", [21, 2000, 4001])
@pytest.mark.parametrize("to", [7.0, 480.0, 441.0, 999.0, 1000.0, 1001.0, 1500.0, 8000.0])
def test_rates_change_as_on_the_processor(asarray, to, samples, gaps):
    if samples < 100 and gaps:
        gaps, samples = False, 1  # a single sample, instead
    x = noise(samples, gaps)
    got = resampled(asarray(x), rate=1000.0, to=to)["resampled"]
    assert same(got, processors.resampled(x, rate=1000.0, to=to)["resampled"])


@pytest.mark.parametrize("factor", [2, 3, 30, 100])
def test_a_lower_rate_is_scipys_away_from_the_ends(asarray, factor):
    x = noise(9000)
    got = np.asarray(decimated(asarray(x), rate=1000.0, factor=factor)["decimated"])
    wanted = signal.decimate(x, factor, ftype="fir")
    inside = slice(11, len(wanted) - 11)
    assert np.abs(got - wanted)[inside].max() <= 1e-13 * np.abs(wanted).max()


def test_rates_without_a_ratio_are_refused(asarray):
    with pytest.raises(ValueError, match="whole numbers up to 2048"):
        resampled(asarray(noise(100)), rate=1000.0, to=np.pi)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("window", "threshold", "least"), [(3, 3.0, 0.0), (7, 1.5, 0.5), (31, 4.0, 0.1)])
def test_spikes_are_the_processors_to_the_last_bit(asarray, window, threshold, least, dtype):
    x = np.round(noise(2000), 1).astype(dtype)
    x[100:200] = 4
    x[::97] += 20
    params = {"rate": 1.0, "window": float(window), "threshold": threshold, "least": least}
    for result in ("signal", "replaced"):
        got = np.asarray(despike(asarray(x), **params, result=result))
        wanted = despikes.despike(x, **params, result=result)
        assert got.dtype == dtype
        assert np.array_equal(got, wanted)
    assert 20 < wanted.sum() < 1500


@pytest.mark.parametrize("kind", ["linear", "constant"])
@pytest.mark.parametrize("window", [0.0, 0.007, 0.25, 10.0])
@pytest.mark.parametrize("gaps", [False, True])
def test_trends_are_the_processors(asarray, kind, window, gaps):
    x = noise(2001, gaps) + np.arange(2001) / 50
    rows = Rows(asarray(x), 1000.0, "m", {})
    got = detrend(signal=rows, type=kind, window=window)["detrended"]
    assert same(
        got, trends.detrend(signal=rows._replace(values=x), type=kind, window=window)["detrended"], 1e-12
    )
    if not gaps and not window:
        assert same(got, signal.detrend(x, type=kind), 1e-12)
