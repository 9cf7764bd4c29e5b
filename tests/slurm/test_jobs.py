"""Packing: the fewest jobs that do the work, within what the site allows; a table of rules and properties."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow.errors import PlanError, RequestError, StoreError
from hpcflow.run.account import share_of
from hpcflow.site import Site, load_site
from hpcflow.slurm.jobs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import (
    Schedule,
    dump_schedule,
    fitting,
    load_schedule,
    run_token,
    submissions,
    token,
)

MiB = 2**20
LUMI = load_site("lumi")
MINI = load_site("mini-lumi")
PAYS = Options(account="project_462000001")


def chain(*blocks: int, memory: int = 200 * MiB, seconds: float = 2.0) -> list[StageNeed]:
    """Stages one after another."""
    return [
        StageNeed(f"s{i}", count, (f"s{i - 1}",) if i else (), memory, seconds / 4, seconds)
        for i, count in enumerate(blocks)
    ]


def plan(needs: list[StageNeed], site: Site = LUMI, options: Options = PAYS) -> Schedule:
    return plan_jobs(needs, site, options, run="01234567")


def test_a_small_plan_is_one_job_and_its_gate() -> None:
    schedule = plan(chain(6, 60, 1))
    assert [(job.name, job.stages, job.elements) for job in schedule.jobs] == [("all", ("s0", "s1", "s2"), 1)]
    assert [call.kind for call in submissions(schedule)] == ["blocks", "gate"]


def test_a_long_stage_becomes_an_array_and_its_short_neighbours_stay_single() -> None:
    schedule = plan(chain(10, 500_000, 10, 10, seconds=60))
    assert [(job.stages, job.elements > 1) for job in schedule.jobs] == [
        (("s0",), False),
        (("s1",), True),
        (("s2", "s3"), False),
    ]
    assert [job.upstream for job in schedule.jobs] == [(), ("s0",), ("s1",)]


def test_an_array_takes_the_fewest_elements_that_end_in_time() -> None:
    job = plan(chain(500_000, seconds=60)).jobs[0]
    assert job.workers == 128
    assert -(-500_000 // job.elements // 128) * 60 <= 4 * 3600
    assert 500_000 / (job.elements - 1) / 128 * 60 > 4 * 3600 - 75


def test_workers_are_bounded_by_memory() -> None:
    job = plan(chain(10_000, memory=20 * 2**30, seconds=100)).jobs[0]
    assert job.workers == (224 * 2**30 - AGENT_MEMORY) // int(20 * 2**30 * MEMORY_HEADROOM)
    assert job.memory <= 224 * 2**30


def test_whole_nodes_are_asked_for_and_used_whole() -> None:
    job = plan(chain(100_000), options=replace(PAYS, partition="standard")).jobs[0]
    assert (job.cpus, job.memory) == (128, 224 * 2**30)
    assert any("whole node" in reason for reason in job.reasons)


def test_time_leaves_room_for_the_warning() -> None:
    job = plan(chain(4, seconds=1000)).jobs[0]
    assert job.warn_seconds == 2060
    assert job.seconds >= 1000 + job.warn_seconds
    assert job.seconds % 300 == 0


def test_waves_fit_the_submit_limit_with_their_gate() -> None:
    schedule = plan(chain(10_000_000, seconds=100))
    job = schedule.jobs[0]
    assert job.elements > 220
    assert all(stop - start + 1 <= schedule.queue < 220 for start, stop in job.waves)
    assert sorted(e for w in job.waves for e in range(*w)) == list(range(job.elements))


def test_no_index_is_above_the_array_limit() -> None:
    wide = replace(LUMI, partitions={"small": replace(LUMI.partitions["small"], submitted=None)})
    wide = replace(wide, gate_partition="small", max_array_index=99)
    for call in submissions(plan(chain(1000), wide, replace(PAYS, elements=1000))):
        assert all(0 <= element - call.first <= 99 for element in call.elements)


def test_without_gates_everything_must_fit_the_queue() -> None:
    closed = replace(LUMI, sbatch_from_compute="no")
    schedule = plan(chain(1_000_000, 1_000_000, seconds=10), closed)
    assert schedule.gate is None
    assert sum(call.size for call in submissions(schedule)) <= 220
    assert submissions(schedule)[1].after == (("afterok", "s0-w1", "blocks"),)
    with pytest.raises(PlanError, match="without gate jobs all 500 elements"):
        plan(chain(1000), closed, replace(PAYS, elements=500))
    with pytest.raises(RequestError, match="no job do that"):
        plan(chain(4), closed, replace(PAYS, gates=True))


def test_independent_stages_do_not_wait_for_one_another() -> None:
    needs = [*chain(4), StageNeed("b", 4, (), MiB, 1, 1), StageNeed("c", 4, ("s0", "b"), MiB, 1, 1)]
    calls = submissions(plan(needs, MINI, Options(elements=2)))
    after = {call.key: call.after for call in calls if call.kind == "blocks"}
    assert after["b-w1"] == ()
    assert after["c-w1"] == (("afterok", "s0-w1", "gate"), ("afterok", "b-w1", "gate"))


def test_the_worst_offender_comes_first_with_a_partition_that_fits() -> None:
    needs = [
        StageNeed("big", 1, (), 300 * 2**30, 1, 1),
        StageNeed("huge", 1, (), 900 * 2**30, 1, 1),
        StageNeed("fine", 1, (), MiB, 1, 1),
    ]
    with pytest.raises(PlanError) as raised:
        plan(needs, options=replace(PAYS, partition="standard"))
    text = str(raised.value)
    assert text.index("huge") < text.index("big")
    assert "fine" not in text
    assert "a partition that fits: largemem" in text
    with pytest.raises(PlanError, match="no partition fits"):
        plan([StageNeed("x", 1, (), 2**50, 1, 1)])


def test_a_block_longer_than_the_partition_is_refused() -> None:
    with pytest.raises(PlanError, match=r"stage s0 may take 1-00:00:00 for one block"):
        plan(chain(2, seconds=86400), options=replace(PAYS, partition="debug"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(), "no default account"),
        (replace(PAYS, partition="smal"), "is one of standard, small"),
        (Options(account="x; rm -rf ~"), "letters, digits"),
        (Options(account=""), "no default account"),
        (replace(PAYS, elements=0), "elements must be at least 1"),
        (replace(PAYS, attempts=0), "attempts must be at least 1"),
        (replace(PAYS, partition="debug", seconds=3600), "allows 00:30:00 at most"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Options, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(chain(4), options=options)


def test_stages_out_of_order_are_refused() -> None:
    with pytest.raises(RequestError, match="s1 comes before s0"):
        plan(list(reversed(chain(1, 1))))


def test_a_schedule_survives_json() -> None:
    schedule = plan(chain(10, 500_000, 10, seconds=60))
    assert load_schedule(json.loads(json.dumps(dump_schedule(schedule)))) == schedule
    with pytest.raises(StoreError, match="this version reads"):
        load_schedule({"schema": "hpcflow.schedule/9"})
    with pytest.raises(StoreError, match="damaged"):
        load_schedule({"schema": "hpcflow.schedule/1", "jobs": [{}], "gate": None})


def test_names_are_safe_and_differ() -> None:
    needs = [
        StageNeed(name, 4, (), MiB, 1, 1)
        for name in ("Ünï code!", "Ünï code?", "a" * 50, "a" * 51, "--", "$(x)")
    ]
    schedule = plan(needs, MINI, Options(elements=2))
    names = [job.name for job in schedule.jobs]
    assert len(set(names)) == len(names)
    tokens = [token(schedule, 1, call, 1) for call in submissions(schedule)]
    assert len(set(tokens)) == len(tokens)
    assert all(set(t) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for t in tokens)


def test_two_folders_of_one_cut_have_other_job_names() -> None:
    assert run_token("/scratch/a/run") != run_token("/scratch/b/run")
    assert len(run_token("\udcff")) == 8


# A million elements sent one by one are a million waves, and a minute of nothing new.
SHAPES = st.tuples(st.integers(1, 700), st.none() | st.integers(1, 300)) | st.tuples(
    st.none(), st.none() | st.integers(100, 300)
)


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    seconds=st.floats(1e-3, 40_000),
    memory=st.integers(2**20, 100 * 2**30),
    shape=SHAPES,
    partition=st.sampled_from(["small", "standard"]),
)
def test_every_plan_keeps_every_limit(
    blocks: list[int], seconds: float, memory: int, shape: tuple[int | None, int | None], partition: str
) -> None:
    elements, wave = shape
    options = replace(PAYS, elements=elements, wave=wave, partition=partition)
    roomy = replace(LUMI, storage={})  # a million elements leave more files than LUMI grants
    schedule = plan(chain(*blocks, memory=memory, seconds=seconds), roomy, options)
    place, node = LUMI.partitions[partition], LUMI.node_of(partition)
    assert [stage for job in schedule.jobs for stage in job.stages] == [f"s{i}" for i in range(len(blocks))]
    for job in schedule.jobs:
        assert job.workers <= job.cpus <= node.cores
        assert job.workers * job.memory_per_worker <= job.memory <= node.memory
        assert 0 < job.warn_seconds < job.seconds <= place.max_time
        assert job.warn_seconds <= 65_535
        assert [start for start, _ in job.waves] == [0, *(stop for _, stop in job.waves[:-1])]
        assert job.waves[-1][1] == job.elements
        some = range(min(job.elements, 50))
        covered = [b for e in some for b in share_of(job.blocks, e, job.elements)]
        assert covered[::2] == [0, *covered[1:-1:2]]
        assert share_of(job.blocks, job.elements - 1, job.elements)[1] == job.blocks
    calls = submissions(schedule)
    seen: set[tuple[str, str]] = set()
    for call in calls:
        assert {(key, kind) for _, key, kind in call.after} <= seen
        seen.add((call.key, call.kind))
        assert place.submitted is not None
        assert call.size < place.submitted
    first = fitting(schedule, calls)
    assert first >= 2
    assert sum(call.size for call in calls[:first]) <= schedule.queue
