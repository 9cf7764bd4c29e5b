"""Jobs of three forms: workers, workers with GPUs, ranks; against published prices and arithmetic by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow.errors import PlanError
from hpcflow.executors.resume import shares_left
from hpcflow.run.ledger import Ledger, append
from hpcflow.site import Site, load_site
from hpcflow.slurm.allocation import Allocation, refusal
from hpcflow.slurm.jobs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed, plan_jobs
from hpcflow.slurm.needs import Form
from hpcflow.slurm.schedule import Job, Schedule, dump_schedule, load_schedule
from hpcflow.slurm.spent import attempts_covered, rest
from tests.slurm.stub_run import make_run

GiB, MiB = 2**30, 2**20
LUMI, ROIHU, MINI = (load_site(name) for name in ("lumi", "roihu", "mini-lumi"))
PAYS = Options(account="project_462000001")


def chain(
    form: Form,
    *,
    blocks: int = 100,
    seconds: float = 60.0,
    memory: int = 4 * GiB,
    shared: int = 0,
    reading: float = 1.0,
) -> list[StageNeed]:
    """Read, compute in a form, write."""
    return [
        StageNeed("ingest", blocks, (), 400 * MiB, reading / 4, reading, "ingest"),
        StageNeed(
            *("work", blocks, ("ingest",), memory, seconds / 4, seconds), form=form, shared_bytes=shared
        ),
        StageNeed("assemble", 1, ("work",), 400 * MiB, reading / 4, reading, "assemble"),
    ]


def plan(needs: list[StageNeed], site: Site = LUMI, options: Options = PAYS) -> Schedule:
    return plan_jobs(needs, site, options, run="01234567")


def working(schedule: Schedule) -> Job:
    return next(job for job in schedule.jobs if "work" in job.stages)


# --- GPUs ------------------------------------------------------------------------------------------------


def test_a_short_plan_is_one_job_whose_gpus_wait_a_little() -> None:
    schedule = plan(chain("gpus", blocks=12))
    (job,) = schedule.jobs
    assert job.partition == "small-g"
    assert [(step.stages, step.form) for step in job.steps] == [
        (("ingest",), "workers"),
        (("work",), "gpus"),
        (("assemble",), "workers"),
    ]
    assert job.cpus == 7 * job.gpus
    assert job.memory <= 60 * GiB * job.gpus
    assert any("GPUs wait for them for 00:0" in line for line in schedule.explained)


def test_where_gpus_would_wait_long_the_rest_is_computed_elsewhere() -> None:
    schedule = plan(chain("gpus", blocks=5000, reading=30.0))
    assert [(job.stages, job.partition) for job in schedule.jobs] == [
        (("ingest",), "small"),
        (("work",), "standard-g"),
        (("assemble",), "small"),
    ]
    assert {one.pool for one in schedule.costs} == {"gpu_hours", "core_hours"}
    assert [one.chosen for one in schedule.alternatives[:3]] == [True, True, False]
    line = next(
        line for line in schedule.choice if line.startswith("stages without GPUs: in partition small")
    )
    assert "beside the GPUs the plan would take" in line
    assert len({one.partition for one in schedule.alternatives}) == len(schedule.alternatives)


def test_a_named_partition_holds_for_all_jobs() -> None:
    """A project with GPU-hours alone names it."""
    named = replace(PAYS, partition="small-g")
    assert {job.partition for job in plan(chain("gpus", blocks=5000, reading=30.0), options=named).jobs} == {
        "small-g"
    }
    with pytest.raises(PlanError, match=r"small has none for work; .*fits: standard-g, small-g"):
        plan(chain("gpus"), options=replace(PAYS, partition="small"))


def test_the_price_is_that_of_the_published_rule() -> None:
    """0.5 GPU-hours an hour for each GCD: 7 cores and 60 GB beside it cost nothing more."""
    only = [replace(chain("gpus", blocks=40)[1], after=())]
    schedule = plan(only)
    job, cost = schedule.jobs[0], schedule.cost
    assert cost is not None
    assert (cost.unit, cost.pool) == ("GPU-hours", "gpu_hours")
    assert cost.bound == pytest.approx(0.5 * job.gpus * job.seconds / 3600)
    roihu = plan(only, ROIHU)
    job, cost = roihu.jobs[0], roihu.cost
    assert cost is not None
    assert (job.partition, cost.unit) == ("gpumedium", "GPU BU")
    assert job.cpus == 72 * job.gpus
    assert roihu.gate is not None
    assert (roihu.gate.partition, roihu.gate.gpus) == ("gpumedium", 1)
    assert cost.bound == pytest.approx(200 * (job.gpus * job.seconds + roihu.gate.seconds) / 3600)


def test_memory_beyond_its_share_takes_another_gpu_at_the_same_price() -> None:
    """Two workers of 80 GiB x 1.25 and the agent: 200.5 GiB, which go with 4 GPUs of 60."""
    need = StageNeed("work", 2, (), 80 * GiB, 100.0, 400.0, form="gpus")
    job = plan([need], options=replace(PAYS, workers=2)).jobs[0]
    assert (job.workers, job.gpus, job.cpus) == (2, 4, 28)
    assert job.memory == pytest.approx(200.5 * GiB, rel=0.001)


def test_programs_of_one_side_stay_there() -> None:
    schedule = plan(chain("gpus", blocks=5000, reading=30.0), ROIHU)
    assert {job.partition for job in schedule.jobs} == {"gpumedium"}
    assert all(job.gpus and not job.ask_memory for job in schedule.jobs)
    assert "stages without GPUs: in the same partition: nodes without GPUs run other programs" in (
        schedule.choice
    )


def test_a_budget_holds_in_both_pools() -> None:
    needs = chain("gpus", blocks=5000, reading=30.0)
    bound = {cost.pool: cost.bound_hours for cost in plan(needs).costs}
    kept = plan(needs, options=replace(PAYS, budget={pool: 2.5 * hours for pool, hours in bound.items()}))
    assert kept.gate is not None
    assert kept.gate.attempts == 2
    tight = plan(
        needs, options=replace(PAYS, budget={"gpu_hours": 1e9, "core_hours": 1.01 * bound["core_hours"]})
    )
    assert tight.gate is not None
    assert tight.gate.attempts == 1
    for pool, words in (("gpu_hours", "GPU-hours"), ("core_hours", "core-hours")):
        with pytest.raises(PlanError, match=rf"the budget is .* {words}; this plan may take"):
            plan(needs, options=replace(PAYS, budget={**bound, pool: 0.99 * bound[pool]}))


def test_what_is_left_of_a_plan_is_priced_and_held_in_both_pools(tmp_path: Path) -> None:
    needs = chain("gpus", blocks=5000, reading=30.0)
    folder = make_run(tmp_path / "run", {need.name: need.blocks for need in needs})
    schedule = plan(needs)
    ledger = Ledger(folder)
    everything = rest(schedule, ledger, LUMI, shares_left(schedule, needs, ledger))
    whole = {cost.pool: cost.bound_hours for cost in everything.costs}
    assert whole == pytest.approx({cost.pool: cost.bound_hours for cost in schedule.costs})
    append(folder.receipts / "w.jsonl", {"stage": "work", "blocks": [0, 5000], "worker": "w"})
    ledger = Ledger(folder)
    left = rest(schedule, ledger, LUMI, shares_left(schedule, needs, ledger))
    assert [cost.high for cost in left.costs] == [0.0, schedule.costs[1].high], "in each pool its own jobs"
    assert {cost.pool: cost.bound_hours > 0 for cost in left.costs} == {
        "gpu_hours": False,
        "core_hours": True,
    }
    budget = {"gpu_hours": 10.0, "core_hours": 2 * whole["core_hours"]}
    held = replace(left, budget=budget)
    assert attempts_covered(held, {"gpu_hours": 10.0}, 3) == 2, "no GPU-hours are needed any more"
    with pytest.raises(PlanError, match=r"core-hours, of which .* are used"):
        attempts_covered(held, {"core_hours": 1.5 * whole["core_hours"]}, 3)
    poor = Allocation(
        "p", tmp_path, {"gpu_hours": 9.0, "core_hours": 1e9}, {"gpu_hours": 1.0, "core_hours": 1e9}
    )
    assert "p has 1 of 9 GPU-hours left" in refusal(poor, schedule)
    assert not refusal(poor, left)


# --- ranks -----------------------------------------------------------------------------------------------


def test_ranks_are_a_step_of_their_own() -> None:
    schedule = plan(chain("ranks", blocks=3, seconds=600.0), MINI, Options())
    (job,) = schedule.jobs
    assert [(step.stages, step.form) for step in job.steps] == [
        (("ingest",), "workers"),
        (("work",), "ranks"),
        (("assemble",), "workers"),
    ]
    assert job.nodes == 1


def test_one_node_is_preferred_and_time_asks_for_more() -> None:
    one = working(plan(chain("ranks", blocks=1, seconds=100_000.0, memory=GiB)))
    assert one.nodes == 1
    assert one.workers == 128
    long = working(plan(chain("ranks", blocks=1, seconds=3e6, memory=GiB)))
    assert 1 < long.nodes <= 512
    assert long.workers == long.nodes * 128
    ranks = long.workers / 2  # at the assumed efficiency
    assert 3e6 / ranks + 30 <= 4 * 3600
    assert 3e6 / ((long.nodes - 1) * 128 / 2) + 30 > 4 * 3600


def test_a_record_too_large_for_one_node_is_divided_among_several() -> None:
    """1000 GiB held in shares: on n nodes n ranks at least hold 1000/n GiB each beside what each has."""
    needs = chain("ranks", blocks=1, seconds=1000.0, memory=1001 * GiB, shared=1000 * GiB)
    named = replace(PAYS, partition="standard")
    job = working(plan(needs, options=named))
    assert job.nodes == 6, "224 GiB less 0.5, by 1.25, are 178.8: 5 nodes would hold 200 GiB each"
    of_node = job.workers // job.nodes
    assert of_node * (1 + 1000 / job.workers) * MEMORY_HEADROOM * GiB + AGENT_MEMORY <= 224 * GiB
    with pytest.raises(PlanError, match="one worker must fit a node of partition standard"):
        plan(chain("ranks", memory=200 * GiB), options=named)


@settings(max_examples=60, deadline=None)
@given(
    site=st.sampled_from([LUMI, ROIHU, MINI]),
    blocks=st.integers(1, 500),
    seconds=st.floats(0.1, 1e6),
    memory=st.integers(2**26, 2**39),
    part=st.floats(0, 1),
    form=st.sampled_from(["workers", "gpus", "ranks"]),
    prefer=st.sampled_from(["cost", "time"]),
)
def test_what_is_asked_for_holds_every_process_and_is_within_limits(
    site: Site, blocks: int, seconds: float, memory: int, part: float, form: Form, prefer: str
) -> None:
    shared = int(part * memory) if form == "ranks" else 0
    needs = chain(form, blocks=blocks, seconds=seconds, memory=memory, shared=shared)
    try:
        schedule = plan(needs, site, replace(PAYS, prefer=prefer))  # type: ignore[arg-type]
    except PlanError:
        return
    assert [stage for job in schedule.jobs for stage in job.stages] == ["ingest", "work", "assemble"]
    for job in schedule.jobs:
        place, node = site.partitions[job.partition], list(site.nodes_of(job.partition))[-1][1]
        assert job.cpus <= node.cores
        assert job.memory <= node.memory
        assert job.gpus <= (place.max_gpus or node.gpus)
        assert place.min_nodes <= job.nodes <= place.max_nodes
        assert tuple(stage for step in job.steps for stage in step.stages) == job.stages
        for step in job.steps:
            of_node = -(-step.processes // job.nodes)
            assert 1 <= of_node <= job.cpus
            assert step.form != "gpus" or step.processes <= job.gpus
            assert of_node * step.memory_per_process * MEMORY_HEADROOM <= job.memory
            need = next(need for need in needs if need.name == step.stages[-1])
            assert step.memory_per_process >= need.bound(step.processes)
    assert load_schedule(json.loads(json.dumps(dump_schedule(schedule)))) == schedule


def test_a_schedule_from_before_there_were_steps_is_read() -> None:
    values = json.loads(json.dumps(dump_schedule(plan([chain("workers")[0]]))))
    (job,) = values["jobs"]
    for key in ("steps", "nodes", "gpus"):
        del job[key]
    del values["gate"]["gpus"]
    (read,) = load_schedule(values).jobs
    assert read.calls == plan([chain("workers")[0]]).jobs[0].steps


def test_without_slurm_a_worker_does_alone_what_gpus_and_ranks_do() -> None:
    needs = [*chain("ranks"), replace(chain("gpus")[1], name="more", after=("assemble",))]
    schedule = plan(needs, load_site("local"), Options())
    assert {step.form for job in schedule.jobs for step in job.steps} == {"workers"}
