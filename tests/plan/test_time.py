"""Times follow from measured points; without a calibration they are wide and say so."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.errors import StoreError
from hpcflow.plan.calibration import Calibration, KernelTimes, computed, kernels_of, stage_key
from hpcflow.plan.compile import compile_cut
from hpcflow.plan.model import Cut
from hpcflow.plan.time import calibrated, measured_seconds, stage_seconds, total_seconds
from hpcflow_kernels import registry
from hpcflow_kernels.probes import measurable
from hpcflow_kernels.usual import RATES as RATES_OF_KERNELS
from tests import toy

RATES = {
    "read_bytes_per_second": 1e8,
    "write_bytes_per_second": 5e7,
    "seconds_per_block": 1e-3,
    "seconds_per_start": 2.0,
}


def calibration(**kernels: KernelTimes) -> Calibration:
    return Calibration("a processor", 2, "2026-01-01", kernels, readers={"toy": 2e7}, **RATES)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    monkeypatch.setattr(registry, "contracts", lambda: toy.CONTRACTS)
    return compile_cut(toy.workflow(Path()), {"made": toy.table_of([1000, 5000])})


TIMES = KernelTimes(1, ((100, 1e-3), (1000, 1e-2)))


def toy_calibration() -> Calibration:
    return calibration(**dict.fromkeys(toy.CONTRACTS, TIMES))


@pytest.mark.parametrize(
    ("samples", "seconds"),
    [(50, 1.0), (100, 1.0), (200, 2.0), (300, 3.0), (600, 9.0), (900, 15.0)],
)
def test_a_call_takes_what_lies_between_the_points(samples: int, seconds: float) -> None:
    kernel = KernelTimes(1, ((100, 1.0), (300, 3.0), (500, 7.0)))
    assert kernel.seconds(samples) == pytest.approx(seconds)


def test_every_range_is_narrow_once_calibrated(cut: Cut) -> None:
    for stage in cut.stages:
        found = stage_seconds(cut, stage, toy_calibration())
        assert 0 <= found.low <= found.high <= 3 * found.low
    whole = total_seconds(cut, toy_calibration())
    assert whole.high <= 3 * whole.low
    assert math.sqrt(whole.low * whole.high) > RATES["seconds_per_start"]


def test_without_a_kernels_measurement_the_assumed_range_stands(cut: Cut) -> None:
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    other = calibration(other=TIMES)
    assert stage_seconds(cut, tiles, other) == stage_seconds(cut, tiles)
    assert not calibrated(cut, other)
    assert calibrated(cut, toy_calibration())


def test_float64_takes_the_time_that_was_measured_for_it(cut: Cut) -> None:
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    (made,) = cut.datasets
    doubled = replace(made, variables=tuple(replace(v, dtype="float64") for v in made.variables))
    wide = replace(cut, datasets=(doubled,))
    slow = calibration(**dict.fromkeys(toy.CONTRACTS, replace(TIMES, wide=3.0)))
    assert measured_seconds(cut, tiles, slow) == measured_seconds(cut, tiles, toy_calibration())
    more = measured_seconds(wide, tiles, slow) - measured_seconds(wide, tiles, toy_calibration())
    reading = [step for step in computed(cut, tiles) if step.inputs[0].kind == "variable"]
    calls = tiles.blocks * tiles.tiles_per_block
    once = calls * TIMES.seconds(tiles.work_samples / calls)
    assert more == pytest.approx(2 * once * len(reading)), "steps after them read float32 in this plan"
    assert reading


def test_a_reader_has_its_own_rate_and_counts_as_unmeasured_until_a_run_shows_it(cut: Cut) -> None:
    ingest = next(s for s in cut.stages if s.kind == "ingest")
    assert cut.dataset(ingest.dataset).reader == "toy"
    assert stage_key(cut, ingest) == "ingest:toy"
    known = toy_calibration()
    faster = replace(known, readers={"toy": 2e9})
    assert stage_seconds(cut, ingest, faster).high < stage_seconds(cut, ingest, known).high
    unknown = replace(known, readers={"other": 2e7})
    assert not calibrated(cut, unknown)
    assert stage_seconds(cut, ingest, unknown) == stage_seconds(cut, ingest)
    assert calibrated(cut, unknown.seen("ingest:toy", "run", 1.3))


def test_a_kernel_of_another_version_counts_as_unmeasured(cut: Cut) -> None:
    old = calibration(**dict.fromkeys(toy.CONTRACTS, KernelTimes(99, TIMES.points)))
    assert not calibrated(cut, old)


def test_runs_correct_their_kind_of_stage_and_no_other(cut: Cut) -> None:
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    key = stage_key(cut, tiles)
    assert key == "tiles:" + "+".join(sorted(kernels_of(cut, tiles)))
    plain = toy_calibration()
    taught = plain.seen(key, "run-a", 2.0).seen(key, "run-b", 8.0).seen(key, "run-b", 8.0)
    before, after = stage_seconds(cut, tiles, plain), stage_seconds(cut, tiles, taught)
    mean = math.exp((0.8 * math.log(2) + math.log(8)) / 1.8)
    assert after.high == pytest.approx(mean * before.high), "each run counts once, the newer one more"
    for stage in cut.stages:
        if stage is not tiles:
            assert stage_seconds(cut, stage, plain) == stage_seconds(cut, stage, taught)


def test_only_the_last_runs_are_remembered() -> None:
    found = calibration()
    for number in range(50):
        found = found.seen("tiles", f"run-{number}", 1.5)
    assert len(found.observed["tiles"]) == 20
    assert "run-49" in found.observed["tiles"]


def test_json_and_back() -> None:
    found = toy_calibration().seen("ingest", "run", 1.25)
    assert Calibration.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    "change",
    [
        {"read_bytes_per_second": 0},
        {"seconds_per_block": math.nan},
        {"seconds_per_start": "soon"},
        {"kernels": {"a": {"version": 1, "points": []}}},
        {"kernels": {"a": {"version": 1, "points": [[2, 1.0], [1, 1.0]]}}},
        {"kernels": 3},
        {"readers": {"csv": 0}},
        {"readers": {"csv": "fast"}},
    ],
)
def test_a_damaged_calibration_is_refused_in_words(change: dict[str, object]) -> None:
    values = {**toy_calibration().to_dict(), **change}
    with pytest.raises(StoreError, match="hpcflow calibrate"):
        Calibration.from_dict(values)


@given(power=st.floats(1.8, 3.0), factor=st.floats(1.0, 100.0))
def test_time_that_grows_as_a_power_goes_on_as_one(power: float, factor: float) -> None:
    times = KernelTimes(1, tuple((n, 1e-9 * n**power) for n in (100, 1000, 10_000)))
    asked = 10_000 * factor
    assert times.seconds(asked) == pytest.approx(1e-9 * asked**power)


def test_arithmetic_on_pairs_of_samples_counts_record_by_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def flops(per_pair: float) -> float:
        summed = replace(toy.CONTRACTS["summed"], flops_per_pair=per_pair)
        monkeypatch.setattr(registry, "contracts", lambda: {**toy.CONTRACTS, "summed": summed})
        made = compile_cut(toy.workflow(Path()), {"made": toy.table_of([1000, 5000])})
        return sum(stage.flops for stage in made.stages)

    assert flops(3.0) - flops(0.0) == 3.0 * (1000**2 + 5000**2)


def test_usual_rates_are_those_of_kernels_that_exist_and_can_be_measured() -> None:
    missing = set(measurable()) - set(RATES_OF_KERNELS)
    assert not missing, "measure them with `python -m hpcflow.run.probe kernel NAME`"
    assert set(RATES_OF_KERNELS) <= set(registry.contracts())


def test_an_uncalibrated_stage_takes_its_kernels_at_their_usual_rates(
    cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    bare = replace(tiles, read_bytes=0, write_bytes=0, blocks=0)
    # Not listed: the same 0.25 to 2 billion operations a second, whatever the kernels.
    unknown = stage_seconds(cut, bare)
    assert (unknown.low, unknown.high) == pytest.approx((bare.flops / 2e9, bare.flops / 0.25e9))
    monkeypatch.setattr("hpcflow.plan.time.RATES", dict.fromkeys(toy.CONTRACTS, 5.0))
    usual = stage_seconds(cut, bare)
    assert (usual.low, usual.high) == pytest.approx((bare.flops / 15e9, bare.flops * 3 / 5e9))
