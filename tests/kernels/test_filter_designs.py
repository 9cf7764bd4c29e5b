"""Designs against SciPy's: poles known to planning, what steps compute, how far a tile must look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter import bands
from hpcflow_kernels.filter import recursive_contracts as filter_contracts
from hpcflow_kernels.filter.design import notches, sections
from hpcflow_kernels.filter.poles import DESIGNS, Design, Zpk, digital, halo
from hpcflow_kernels.filter.zero_phase import bandpass
from hpcflow_kernels.registry import get

RATE = 1000.0


def response(found: Zpk | np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Of one pass, at frequencies as shares of the rate."""
    z = np.exp(2j * np.pi * frequency)
    if isinstance(found, Zpk):
        upper = np.prod(z[:, None] - np.array(found.zeros), axis=1)
        return found.gain * upper / np.prod(z[:, None] - np.array(found.poles), axis=1)
    return signal.sosfreqz(found, 2 * np.pi * frequency)[1]


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7, 8, 12])
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(
    ("kind", "edges"), [("lowpass", (80,)), ("highpass", (130,)), ("bandpass", (90, 160))]
)
def test_planning_knows_the_filter_that_scipy_designs(kind, edges, design, order):
    asked = Design(kind, edges, RATE, order, design, 1.5, 50.0)
    frequency = np.linspace(0.001, 0.499, 400)
    ours, scipys = response(digital(asked), frequency), response(sections(asked), frequency)
    assert np.abs(ours - scipys).max() <= 1e-8
    assert max(abs(pole) for pole in digital(asked).poles) < 1


@pytest.mark.parametrize("design", DESIGNS)
def test_edges_hold_what_the_family_promises(design):
    asked = Design("lowpass", (100.0,), RATE, 6, design, 1.0, 60.0)
    held = {
        "butterworth": 0.5,
        "bessel": 0.5,
        "chebyshev1": 10**-0.1,
        "chebyshev2": 10**-6.0,
        "elliptic": 10**-0.1,
    }
    assert np.abs(response(sections(asked), np.array([0.1]))) ** 2 == pytest.approx(held[design], rel=1e-6)


@pytest.mark.parametrize("harmonics", [1, 3, 100])
def test_planning_knows_the_notches_that_scipy_designs(harmonics):
    frequency = np.linspace(0.0011, 0.4991, 700)
    ours = response(filter_contracts.notch_poles(50.0, harmonics, 20.0, RATE), frequency)
    scipys = response(notches(50.0, harmonics, 20.0, RATE), frequency)
    assert np.abs(ours - scipys).max() <= 1e-10
    assert len(notches(50.0, harmonics, 20.0, RATE)) == min(harmonics, 9), "500 Hz is half the rate"


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["lowpass", "highpass"]),
    edge=st.floats(0.01, 0.45),
    order=st.integers(1, 10),
    design=st.sampled_from(DESIGNS),
    passes=st.sampled_from([1, 2]),
)
def test_what_lies_beyond_the_halo_is_not_felt(kind, edge, order, design, passes):
    asked = Design(kind, (edge,), 1.0, order, design)
    found = digital(asked)
    n = halo(found) if passes == 1 else halo(found, found)
    h = signal.sosfilt(sections(asked).copy(), np.eye(1, 4 * n + 4000)[0])
    assert 4 * np.abs(h[n + 1 :]).sum() <= 1.01e-9
    assert n <= 64 + 8 * max(np.flatnonzero(np.abs(h) > 1e-12 * np.abs(h).max())), "and not much more"


def test_two_poles_at_one_place_do_not_break_the_halo():
    double = Zpk((1 + 0j, 1 + 0j), (0.99 + 0j, 0.99 + 0j), 1.0)
    n = halo(double)
    h = signal.lfilter([1, -2, 1], [1, -1.98, 0.9801], np.eye(1, 10_000)[0])
    assert 4 * np.abs(h[n:]).sum() <= 1e-9
    assert n < 4000


STEPS = {
    "lowpass": (bands.lowpass, lambda: signal.cheby1(5, 0.5, 60, fs=RATE, output="sos")),
    "highpass": (bands.highpass, lambda: signal.cheby1(5, 0.5, 60, "highpass", fs=RATE, output="sos")),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_are_scipys_two_passes(name, dtype):
    call, sos = STEPS[name]
    x = (np.random.default_rng(1).standard_normal(5000) + 2).astype(dtype)
    expected = signal.sosfiltfilt(sos(), x.astype(np.float64))
    got = call(x, rate=RATE, cutoff=60.0, order=5, design="chebyshev1")
    assert got.dtype == dtype
    assert np.abs(got - expected).max() <= (1e-6 if dtype == np.float32 else 1e-11)


def test_a_band_of_another_family():
    x = np.random.default_rng(2).standard_normal(5000)
    sos = signal.cheby2(3, 40, [50, 200], "bandpass", fs=RATE, output="sos")
    got = bandpass(x, rate=RATE, low=50.0, high=200.0, order=3, design="chebyshev2")
    assert np.abs(got - signal.sosfiltfilt(sos, x)).max() <= 1e-11


def test_hum_is_gone_and_the_rest_stays():
    time = np.arange(20_000) / RATE
    rest = np.sin(2 * np.pi * 3 * time) + 0.3 * np.sin(2 * np.pi * 75 * time)
    hum = np.sin(2 * np.pi * 50 * time + 1) + 0.5 * np.sin(2 * np.pi * 150 * time)
    inner = slice(2000, -2000)
    once = bands.notch(rest + hum, rate=RATE, frequency=50.0)[inner]
    assert np.std(once - rest[inner]) == pytest.approx(0.5 / np.sqrt(2), rel=0.02), "150 Hz is left"
    all_of_it = bands.notch(rest + hum, rate=RATE, frequency=50.0, harmonics=5)[inner]
    assert np.std(all_of_it - rest[inner]) < 0.01


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("lowpass", {"cutoff": 50.0, "order": 3, "design": "chebyshev2"}),
        ("highpass", {"cutoff": 50.0, "order": 4}),
        ("bandpass", {"low": 50.0, "high": 90.0, "order": 3}),
        ("notch", {"frequency": 50.0, "harmonics": 20}),
        ("notch", {"frequency": 170.0, "harmonics": 2}),
    ],
)
def test_the_shortest_stretch_is_what_scipy_demands(name, params):
    contract = get(name)
    params = {p.name: params.get(p.name, p.default) for p in contract.params}
    least = contract.min_samples(params, RATE)
    contract.load()(np.ones(least), rate=RATE, **params)
    with pytest.raises(ValueError, match="padlen"):
        contract.load()(np.ones(least - 1), rate=RATE, **params)


def test_what_was_not_recorded_cannot_be_asked_for():
    for name, key in (("lowpass", "cutoff"), ("highpass", "cutoff"), ("notch", "frequency")):
        check = get(name).check
        given_ = {"design": "butterworth"}
        (problem,) = check(given_ | {key: 500.0}, RATE)
        assert "half the sampling rate" in problem
        assert check(given_ | {key: 499.0}, RATE) == []
        assert check(given_ | {key: 500.0}, None) == []


def test_an_elliptic_filter_must_have_something_to_stop():
    given_ = {
        "cutoff": 50.0,
        "low": 50.0,
        "high": 60.0,
        "design": "elliptic",
        "ripple": 6.0,
        "attenuation": 5.0,
    }
    for name in ("lowpass", "highpass", "bandpass"):
        assert "raise `attenuation`" in get(name).check(given_, RATE)[0]
        assert get(name).check(given_ | {"attenuation": 40.0}, RATE) == []
