"""Placement: the partition, words for the others, budgets and quotas; against prices worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow.errors import PlanError, RequestError
from hpcflow.site import Site, load_site
from hpcflow.slurm.choice import short
from hpcflow.slurm.directives import job_directives
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import Schedule

GiB, MiB = 2**30, 2**20
LUMI, ROIHU, MINI, LOCAL = (load_site(name) for name in ("lumi", "roihu", "mini-lumi", "local"))
PAYS = Options(account="project_462000001")


def need(blocks: int = 1000, memory: int = 200 * MiB, seconds: float = 60.0, **more: int) -> StageNeed:
    return StageNeed("work", blocks, (), memory, seconds / 4, seconds, **more)  # type: ignore[arg-type]


def plan(*needs: StageNeed, site: Site = LUMI, options: Options = PAYS) -> Schedule:
    return plan_jobs(needs or [need()], site, options, run="01234567")


def looked(schedule: Schedule) -> dict[str, str]:
    return {one.partition: one.why for one in schedule.alternatives}


def test_part_of_a_node_goes_where_nodes_are_shared() -> None:
    schedule = plan(need(blocks=8))
    assert schedule.jobs[0].partition == "small"
    assert schedule.alternatives[0].chosen
    assert "times the price" in looked(schedule)["standard"]
    assert looked(schedule)["debug"] == "for tests: only where --partition names it"
    assert looked(schedule)["standard-g"] == "no step uses their GPUs"
    assert looked(schedule)["largemem"] == "its price is not documented"
    assert set(looked(schedule)) == set(LUMI.partitions)


def test_a_price_is_that_of_the_published_rule() -> None:
    """One block of an hour with 30 GiB x 1.25 + 0.5 GiB = 38 GiB: 19 cores of `small` by its rule."""
    schedule = plan(need(blocks=1, memory=30 * GiB, seconds=3600))
    cost, job = schedule.cost, schedule.jobs[0]
    assert cost is not None
    assert (job.cpus, job.memory) == (1, 38 * GiB)
    assert cost.high == pytest.approx(19 * (3600 + 32) / 3600)
    assert cost.low == pytest.approx(19 * (900 + 32) / 3600)
    gate = 1 * 300 / 3600
    assert cost.bound == pytest.approx(19 * job.seconds / 3600 + gate)
    assert any("memory decides the price: 19 times" in reason for reason in job.reasons)


@pytest.mark.parametrize(
    ("memory", "partition", "cores", "most"),
    [(100, "small", 1, 224), (300, "small", 1, 480), (700, "small", 1, 992), (1500, "largemem", 1, 4000)],
)
def test_memory_finds_its_node(memory: int, partition: str, cores: int, most: int) -> None:
    job = plan(need(blocks=1, memory=memory * GiB)).jobs[0]
    assert (job.partition, job.cpus) == (partition, cores)
    assert job.memory <= most * GiB
    assert any(f" {most}G" in reason for reason in job.reasons)


def test_what_fits_nowhere_is_refused_with_the_numbers() -> None:
    with pytest.raises(PlanError, match=r"stage work needs 20480G.*no partition fits; use smaller blocks"):
        plan(need(memory=16 * 1024 * GiB))
    with pytest.raises(PlanError, match=r"may take 4-00:00:00 for one block"):
        plan(need(seconds=4 * 86400))


def test_a_named_partition_is_taken_and_the_cheaper_one_told() -> None:
    schedule = plan(need(blocks=8), options=replace(PAYS, partition="standard"))
    assert schedule.jobs[0].partition == "standard"
    assert "asked for; small would cost" in schedule.choice[0]
    debug = plan(need(blocks=8), options=replace(PAYS, partition="debug"))
    assert debug.jobs[0].partition == "debug"


def test_time_is_bought_and_the_trade_is_named() -> None:
    needs = need(blocks=100_000)
    cheap, quick = (plan(needs, options=replace(PAYS, prefer=p)) for p in ("cost", "time"))  # type: ignore[arg-type]
    first, second = cheap.alternatives[0], quick.alternatives[0]
    assert first.cost is not None
    assert second.cost is not None
    assert second.seconds_high < first.seconds_high / 3
    assert second.cost.high > first.cost.high
    trade = next(line for line in cheap.choice if line.startswith("--prefer time"))
    assert "earlier" in trade
    assert f"{second.cost.high:,.0f} core-hours" in trade


def test_no_step_with_a_gpu_so_no_gpu_hours() -> None:
    for site in (LUMI, ROIHU, MINI):
        cost = plan(site=site).cost
        assert cost is not None
        assert cost.pool == "core_hours"
    with pytest.raises(PlanError, match="asks for GPUs, and no step"):
        plan(site=ROIHU, options=replace(PAYS, partition="gpumedium"))
    named = plan(options=replace(PAYS, partition="small-g"))
    assert named.cost is not None
    assert (named.cost.unit, named.cost.pool) == ("GPU-hours", "gpu_hours")


def test_budgets() -> None:
    schedule = plan()
    assert schedule.cost is not None
    bound = schedule.cost.bound_hours
    kept = plan(options=replace(PAYS, budget={"core_hours": bound * 1.01}))
    assert any(line.startswith("budget ") for line in kept.choice)
    with pytest.raises(PlanError) as raised:
        plan(options=replace(PAYS, budget={"core_hours": bound * 0.99}))
    assert f"{bound:.3g} in partition small" in str(raised.value)
    assert "--limit" in str(raised.value)
    other = plan(options=replace(PAYS, budget={"gpu_hours": 1e-9}))
    assert "budget 1e-09 GPU-hours: this plan takes core-hours only" in other.choice
    with pytest.raises(PlanError, match="largemem is not documented"):
        plan(options=replace(PAYS, partition="largemem", budget={"core_hours": 1e9}))


@pytest.mark.parametrize(
    ("times", "attempts", "words"),
    [
        (1.01, 1, "with no retry by gates"),
        (1.99, 1, "with no retry by gates"),
        (2.01, 2, "with 2 attempts of every job in place of 3"),
        (3.01, 3, "with all 3 attempts of every job"),
        (9.0, 3, "with all 3 attempts of every job"),
    ],
)
def test_a_budget_pays_for_every_attempt_that_a_gate_may_send(
    times: float, attempts: int, words: str
) -> None:
    bound = bound_hours()
    kept = plan(options=replace(PAYS, budget={"core_hours": bound * times}))
    assert kept.gate is not None
    assert kept.gate.attempts == attempts
    (line,) = [line for line in kept.choice if line.startswith("budget ")]
    assert words in line
    assert f"at most {short(attempts * bound)} are used" in line
    free = plan()
    assert free.gate is not None
    assert free.gate.attempts == 3
    assert (
        f"retries: with all 3 attempts of every job at its limits, at most {short(3 * bound)} core-hours"
        in (free.choice)
    )


def bound_hours() -> float:
    """Of one attempt of the plan, by hand: every element and every gate at its limit, a core each worker."""
    schedule = plan()
    assert schedule.gate is not None
    jobs = sum(
        job.elements * job.seconds * max(job.cpus, -(-job.memory // (2 * GiB))) for job in schedule.jobs
    )
    gates = sum(len(job.waves) * schedule.gate.seconds for job in schedule.jobs)
    assert schedule.cost is not None
    assert schedule.cost.bound_hours == pytest.approx((jobs + gates) / 3600)
    return (jobs + gates) / 3600


def test_gates_of_small_waves_are_paid_for() -> None:
    ungated = plan(options=replace(PAYS, elements=60, gates=False))
    gated = plan(options=replace(PAYS, elements=60, wave=10))
    assert gated.gate is not None
    assert [len(job.waves) for job in gated.jobs] == [6]
    assert gated.cost is not None
    assert ungated.cost is not None
    assert gated.cost.bound_hours - ungated.cost.bound_hours == pytest.approx(6 * gated.gate.seconds / 3600)


def test_without_gates_a_budget_pays_for_one_attempt() -> None:
    kept = plan(options=replace(PAYS, gates=False, budget={"core_hours": 1e6}))
    assert any(line.endswith("nothing is sent again without `hpcflow resume`") for line in kept.choice)
    assert not any(line.startswith("retries") for line in kept.choice)


def test_a_budget_in_core_hours_holds_where_bills_are_in_units() -> None:
    schedule = plan(site=ROIHU)
    assert schedule.cost is not None
    assert schedule.cost.unit == "CPU BU"
    assert schedule.cost.bound_hours == pytest.approx(schedule.cost.bound / 0.75)
    with pytest.raises(PlanError, match="core-hours"):
        plan(site=ROIHU, options=replace(PAYS, budget={"core_hours": schedule.cost.bound_hours * 0.9}))


def test_quotas_in_bytes_and_files() -> None:
    with pytest.raises(
        PlanError, match=r"/scratch/<project> holds 2,000,000 files; the plan makes 3,000,\d\d\d,"
    ):
        plan(need(files=3_000_000))
    with pytest.raises(PlanError, match=r"holds 50 TB; the plan writes 60 TB"):
        plan(need(write_bytes=60 * 10**12))
    schedule = plan(need(write_bytes=10**12, files=1000))
    assert schedule.footprint.storage_day == pytest.approx(24)
    where = f"/scratch/{PAYS.account}"
    assert any(f" files on {where}, 24 TB-hours a day" in line for line in schedule.choice)
    assert 1000 < schedule.footprint.files < 1300, "and those of the jobs"


def test_energy_and_emissions() -> None:
    """A thousand blocks of 60 s on 128 cores: 8 rounds on a whole node of 550 W."""
    schedule = plan(need(blocks=1024), options=replace(PAYS, workers=128, grid=50.0))
    used = schedule.footprint
    assert used.kilowatt_hours_high == pytest.approx(0.55 * (8 * 60 + 32) / 3600)
    assert used.co2_grams_high == pytest.approx(50 * 0.55 * (8 * 60 + 32) / 3600)
    assert plan().footprint.co2_grams_high is None
    assert plan(site=ROIHU).footprint.kilowatt_hours_high is None


def test_memory_is_not_asked_for_where_the_site_fixes_it() -> None:
    whole = plan(site=ROIHU, options=replace(PAYS, partition="medium"))
    lines = list(job_directives(whole, whole.jobs[0], "/scratch/x"))
    assert not any("--mem" in line for line in lines)
    assert "#SBATCH --cpus-per-task=384" in lines
    huge = plan(need(blocks=1, memory=2000 * GiB), site=ROIHU).jobs[0]
    assert huge.partition == "hugemem"
    assert huge.cpus == -(-(2500 * GiB + 512 * MiB) // (6037 * GiB // 128))
    assert not huge.ask_memory


def test_partitions_of_many_nodes_or_with_an_approval_are_not_chosen() -> None:
    assert "scalability test" in looked(plan(site=ROIHU))["large"]
    with pytest.raises(RequestError, match="takes jobs of 6 nodes or more"):
        plan(site=ROIHU, options=replace(PAYS, partition="large"))


def test_core_limits_of_a_partition_hold() -> None:
    job = plan(need(blocks=100_000), site=ROIHU, options=replace(PAYS, partition="longrun")).jobs[0]
    assert job.workers == job.cpus == 192


def test_without_a_scheduler_nothing_is_chosen() -> None:
    schedule = plan(site=LOCAL, options=Options())
    assert schedule.choice == ()
    assert schedule.cost is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (replace(PAYS, prefer="luck"), "cost or time"),  # type: ignore[arg-type]
        (replace(PAYS, grid=-1.0), "0 or more"),
        (replace(PAYS, grid=float("nan")), "0 or more"),
        (replace(PAYS, seconds=4 * 86400), "lumi allows 3-00:00:00 at most"),
    ],
)
def test_options_that_cannot_be_are_refused(options: Options, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        plan(options=options)


@settings(max_examples=60, deadline=None)
@given(
    site=st.sampled_from([LUMI, ROIHU, MINI]),
    blocks=st.integers(1, 10**6),
    seconds=st.floats(0.01, 20_000),
    memory=st.integers(MiB, 4000 * GiB),
    prefer=st.sampled_from(["cost", "time"]),
)
def test_the_choice_is_the_best_of_those_that_fit(
    site: Site, blocks: int, seconds: float, memory: int, prefer: str
) -> None:
    options = replace(PAYS, prefer=prefer)  # type: ignore[arg-type]
    try:
        schedule = plan(need(blocks, memory, seconds), site=site, options=options)
    except PlanError:
        return
    chosen, *others = schedule.alternatives
    usable = [
        one
        for one in others
        if site.partitions[one.partition].use == "work"
        and not site.partitions[one.partition].approval
        and not site.node_of(one.partition).gpus
        and one.seconds_high
    ]
    for one in usable:
        if prefer == "time":
            assert chosen.seconds_high <= one.seconds_high * 1.02
        elif one.cost is not None:
            assert chosen.cost is not None
            assert chosen.cost.high <= one.cost.high * 1.02
    for job in schedule.jobs:
        sizes = [node.memory for _, node in site.nodes_of(job.partition)]
        assert job.workers * job.memory_per_worker <= job.memory <= max(sizes)
        assert job.seconds <= site.partitions[job.partition].max_time
