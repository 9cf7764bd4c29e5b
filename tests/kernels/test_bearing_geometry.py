"""Kinematics against published multiples, and what a `bearing` fact may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow_kernels.machine.bearing_geometry import (
    REGISTRY,
    Bearing,
    UnknownBearingError,
    find,
    multiples_of,
)


@pytest.mark.parametrize(
    ("name", "inner", "outer", "rolling", "cage"),
    [
        # Case Western Reserve University Bearing Data Center: multiples of running speed
        ("SKF 6205-2RS JEM", 5.4152, 3.5848, 4.7135, 0.39828),
        ("SKF 6203-2RS JEM", 4.9469, 3.0530, 3.9874, 0.3817),
        # the frequencies that the MFPT files carry, at 25 Hz
        ("NICE", 118.875 / 25, 81.125 / 25, 2 * 63.91 / 25, 14.8375 / 25),
    ],
)
def test_published_multiples(name, inner, outer, rolling, cage):
    ours = find(name).multiples()
    assert ours.inner == pytest.approx(inner, rel=2e-4)
    assert ours.outer == pytest.approx(outer, rel=2e-4)
    if name != "NICE":  # the MFPT files' BSF and FTF do not follow from their own geometry
        assert ours.rolling == pytest.approx(rolling, rel=2e-4)
        assert ours.cage == pytest.approx(cage, rel=4e-4)


def test_ims_and_xjtu_frequencies():
    # Qiu et al. 2006: 236.4 Hz outer, 296.9 Hz inner, 279.8 Hz rolling (2 x 139.9) at 2000 rpm
    ims = find("ZA-2115").multiples()
    assert ims.outer * 2000 / 60 == pytest.approx(236.4, abs=0.3)
    assert ims.inner * 2000 / 60 == pytest.approx(296.9, abs=0.3)
    assert ims.rolling * 2000 / 60 == pytest.approx(279.8, abs=0.6)
    # Wang et al. 2020: 107.91 Hz outer, 172.09 Hz inner at 2100 rpm
    xjtu = find("UER204").multiples()
    assert xjtu.outer * 35 == pytest.approx(107.91, abs=0.02)
    assert xjtu.inner * 35 == pytest.approx(172.09, abs=0.02)


@pytest.mark.parametrize(
    "name",
    [
        "skf 6205-2rs jem",
        "6205",
        "SKF6205",
        "6205-2RS",
        " 6205 2RS ",
        "SKF 6205-2RS",
        "SKF 6205-2RSH/C3",
        "6205ZZ",
        "62052Z",
    ],
)
def test_spelling_does_not_matter(name):
    assert find(name) is REGISTRY[0]


@pytest.mark.parametrize("name", ["6202Z", "SKF 6205 ETN9", "FAG 6205", "C3", "", "-", "16205-2RS"])
def test_another_size_design_or_maker_is_not_taken_for_a_known_one(name):
    with pytest.raises(UnknownBearingError):
        find(name)


def test_every_name_is_found_once_and_has_a_source():
    names = [name for bearing in REGISTRY for name in (bearing.name, *bearing.aliases)]
    for bearing in REGISTRY:
        assert bearing.source
        for name in (bearing.name, *bearing.aliases):
            assert find(name) is bearing
    assert len(set(names)) == len(names)


@given(st.integers(5, 40), st.floats(0.05, 0.4), st.floats(0, 0.7))
def test_kinematic_identities(balls, ratio, angle):
    ours = Bearing("any", balls, ratio, 1.0, angle, "test").multiples()
    assert ours.inner + ours.outer == pytest.approx(balls)
    assert ours.outer == pytest.approx(balls * ours.cage)
    assert 0 < ours.cage < 0.5 < ours.outer < ours.inner


def test_geometry_and_multiples_as_text():
    expected = find("NICE").multiples()
    for text in (
        "balls=8 ball_diameter=0.235in pitch_diameter=1.245in contact_angle=0deg",
        "balls=8, ball_diameter=5.969mm, pitch_diameter=31.623mm",
        "pitch_diameter=0.031623m;ball_diameter=0.5969cm;balls=8;contact_angle=0rad",
    ):
        ours = multiples_of(text)
        assert ours.inner == pytest.approx(expected.inner, rel=1e-9)
        assert ours.rolling == pytest.approx(expected.rolling, rel=1e-9)
    given_multiples = multiples_of("bpfi=5.4152 bpfo=3.5848 bsf=2.3567 ftf=0.39828")
    assert given_multiples.rolling == pytest.approx(4.7134)
    assert given_multiples.cage == 0.39828


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SKF 99999", "SKF 99999"),
        ("balls=8 ball_diameter=0.235 pitch_diameter=1.245in", "ball_diameter"),
        ("balls=8 ball_diameter=0.235in", "pitch_diameter"),
        ("balls=8 ball_diameter=2in pitch_diameter=1in", "0 < ball_diameter < pitch_diameter"),
        ("balls=eight ball_diameter=1mm pitch_diameter=5mm", "balls"),
        ("bpfi=3.5848 bpfo=5.4152 bsf=2.3567", "bpfo < bpfi"),
        ("bpfi=162.2 bpfo=107.4 bsf=70.6 ftf=11.9", "Hz"),
        ("bpfi=5.4 bpfo=3.6", "bsf"),
        ("bpfi=5.4 bpfo=3.6 bsf=2.3 speed=30", "speed"),
        ("bpfi=nan bpfo=3.6 bsf=2.3", "bpfi"),
        ("balls=8 $(rm -rf) ball_diameter=1mm", "rm"),
        ("=", "name=value"),
    ],
)
def test_wrong_texts_say_what_is_wrong(text, names):
    with pytest.raises(UnknownBearingError, match=None) as caught:
        multiples_of(text)
    assert names in str(caught.value)
