"""Filters on array libraries: beside those of the processor, beside SciPy and beside extended precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import signal

from hpcflow_kernels import get
from hpcflow_kernels.arrays import filter as steps
from hpcflow_kernels.arrays.convolve import correlate, filter_centred
from hpcflow_kernels.arrays.recursive import extension, sosfilt, sosfiltfilt
from hpcflow_kernels.filter.zero_phase import sosfiltfilt as processors
from tests.kernels.cases import CASES

RATE = 1000.0
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


def noise(samples: int, dtype: type = np.float64, offset: float = 5.0) -> np.ndarray:
    rng = np.random.default_rng(samples)
    made = rng.standard_normal(samples) + 3 * np.sin(0.56 * np.arange(samples)) + offset
    return made.astype(dtype)


def apart(got: Any, wanted: np.ndarray) -> float:
    """Largest difference, of the largest value; infinite where one misses what the other has."""
    got = np.asarray(got)
    if got.shape != wanted.shape or (np.isnan(got) != np.isnan(wanted)).any():
        return float("inf")
    return float(np.nanmax(np.abs(got - wanted)) / np.nanmax(np.abs(wanted)))


def parameters(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {p.name: given.get(p.name, p.default) for p in get(name).params}


NAMES = (
    "bandpass",
    "lowpass",
    "highpass",
    "notch",
    "frequency_weighting",
    "integrate",
    "differentiate",
    "fir",
    "savitzky_golay",
)


@pytest.mark.parametrize("more", [0, 1, 63])
@pytest.mark.parametrize(("name", "given"), [(name, case.params) for name in NAMES for case in CASES[name]])
def test_the_shortest_stretches_agree_with_the_processors(asarray, name, given, more):
    contract, params = get(name), parameters(name, given)
    least = contract.min_samples(params, RATE) if contract.min_samples else 20
    x = noise(least + more)
    wanted = contract.load()(x, rate=RATE, **params)
    made = np.asarray(getattr(steps, name)(asarray(x), rate=RATE, **params))
    # SciPy's polynomials at the ends are no more exact.
    bound = 1e-7 if name == "differentiate" else 1e-9
    assert np.abs(made - wanted).max() <= bound * max(np.abs(wanted).max(), np.abs(x).max())


def designed(order: int, edges: Any, rate: float) -> np.ndarray:
    kind = "bandpass" if isinstance(edges, list) else "lowpass"
    return np.asarray(signal.butter(order, edges, kind, fs=rate, output="sos"))


BANDS = [  # order, edges, rate
    (4, [2000, 5000], 12_000),
    (4, [10, 1000], 25_600),
    (2, [1, 10], 25_600),
    (12, [200, 1000], 12_000),
    (8, 12, 25_600),
    (3, 2000, 25_600),
]


@pytest.mark.parametrize("samples", [200, 255, 256, 257, 1023, 1024, 1025, 20_011])
@pytest.mark.parametrize(("order", "edges", "rate"), BANDS)
def test_zero_phase_is_scipys_at_any_length(asarray, order, edges, rate, samples):
    sos = designed(order, edges, rate)
    x = noise(samples, offset=0.5)
    wanted = signal.sosfiltfilt(sos, x)
    got = np.asarray(sosfiltfilt(sos, asarray(x)))
    assert np.abs(got - wanted).max() <= 1e-8 * np.abs(x).max()


def exact(sos: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Both passes in extended precision, steady states included."""
    gain, states = np.longdouble(1), []
    for b0, b1, b2, _, a1, a2 in sos.astype(np.longdouble):
        level = (b0 + b1 + b2) / (1 + a1 + a2)
        last = b2 - a2 * level
        states.append((gain * (b1 - a1 * level + last), gain * last))
        gain *= level
    padding, y = extension(sos), x.astype(np.longdouble)
    y = np.concatenate([2 * y[0] - y[padding:0:-1], y, 2 * y[-1] - y[-2 : -padding - 2 : -1]])
    for _ in range(2):
        y = signal.sosfilt(sos.astype(np.longdouble), y, zi=np.array(states) * y[0])[0][::-1]
    return y[padding : len(y) - padding]


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize(("order", "edges", "rate"), BANDS)
def test_error_is_far_below_scipys_where_that_is_large(asarray, order, edges, rate, offset):
    sos = designed(order, edges, rate)
    x = noise(30_011, offset=offset)
    truth = exact(sos, x)
    scipys = apart(signal.sosfiltfilt(sos, x), truth)
    assert apart(sosfiltfilt(sos, asarray(x)), truth) <= max(0.1 * scipys, 2e-14)


def test_a_filter_that_does_not_forget_within_the_signal(asarray):
    sos = signal.butter(2, 0.02, fs=RATE, output="sos")  # memory of some 50 000 samples
    x = noise(9001)
    assert apart(sosfiltfilt(sos, asarray(x)), exact(sos, x)) <= 1e-11


def test_many_sections_follow_one_another(asarray):
    sos = np.tile(signal.butter(2, [80, 300], "bandpass", fs=RATE, output="sos"), (10, 1))
    x = noise(5000)
    assert apart(sosfilt(sos, asarray(x)), signal.sosfilt(sos, x)) <= 1e-12


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("samples", [1, 2, 63, 64, 65, 3000])
def test_one_pass_is_scipys(asarray, samples, settled):
    sos, x = signal.butter(5, 100, fs=RATE, output="sos"), noise(samples)
    start = signal.sosfilt_zi(sos) * x[0] * settled
    wanted = signal.sosfilt(sos, x, zi=start)[0]
    assert np.abs(np.asarray(sosfilt(sos, asarray(x), settled=settled)) - wanted).max() <= 1e-12


def test_rows_are_filtered_alike(asarray):
    sos = signal.butter(4, [50, 200], "bandpass", fs=RATE, output="sos")
    x = np.stack([noise(3001 + k)[:3001] for k in range(6)]).reshape(2, 3, 3001)
    assert apart(sosfiltfilt(sos, asarray(x)), processors(sos, x)) <= 1e-12


def test_an_empty_signal_stays_empty(asarray):
    assert sosfilt(signal.butter(2, 100, fs=RATE, output="sos"), asarray(np.zeros(0))).shape == (0,)


def test_signals_shorter_than_what_is_put_beyond_their_ends_are_refused(asarray):
    sos = signal.butter(4, [50, 200], "bandpass", fs=RATE, output="sos")
    with pytest.raises(ValueError, match=r"padlen 27, 27 samples"):
        sosfiltfilt(sos, asarray(noise(27)))
    with pytest.raises(ValueError, match=r"5 samples, 11 taps.*at most 9 taps"):
        filter_centred(np.ones(11), asarray(noise(5)))
    with pytest.raises(ValueError, match="odd number of taps"):
        filter_centred(np.ones(4), asarray(noise(50)))


@pytest.mark.parametrize("taps", [1, 2, 9, 63, 64, 65, 66, 300, 1500])
@pytest.mark.parametrize("more", [0, 1, 700])
def test_sums_of_windows_are_numpys(asarray, taps, more):
    h, x = np.random.default_rng(taps).standard_normal(taps), noise(taps + more)
    wanted = np.correlate(x, h, "valid")
    got = np.asarray(correlate(h, asarray(x)))
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= 1e-13 * np.abs(x).max() * np.abs(h).sum()
