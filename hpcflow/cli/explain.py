"""A plan in one screen: what is decided, what it takes, why, and what would make it cheaper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from hpcflow.cli.show import count, table
from hpcflow.plan.compile import summary
from hpcflow.plan.memory import BASE, FLUSH
from hpcflow.plan.pilot import pilot_of
from hpcflow.plan.time import calibrated, stage_seconds, total_seconds
from hpcflow.slurm.choice import short
from hpcflow.units import format_bytes, format_duration

if TYPE_CHECKING:
    from hpcflow.api import Asked
    from hpcflow.plan.calibration import Calibration
    from hpcflow.plan.model import Cut, StagePlan
    from hpcflow.slurm.schedule import Cost, Job, Schedule

COLUMNS = 100

LABEL = 10
"""Width of the labels before totals."""

LABELS = ("time", "pilot", "memory", "disk", "saved", "cheaper", "note")

FEW = 3
"""Lines of one sort before the rest is counted."""

WHAT = 26
"""Characters of the table's second column."""

DOMINANT = 0.5
"""Share of the time from which a stage is worth naming."""

SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
"""Units of ranges of time; one is used where the range begins in it, or ends well in it."""

WORK = {
    "ingest": "files into shards",
    "table": "the table of records",
    "merge": "partial results into one",
}


def explain(
    asked: Asked,
    schedule: Schedule | None = None,
    calibration: Calibration | None = None,
    whole: Schedule | str = "",
) -> Iterator[str]:
    """Lines for people, none wider than `COLUMNS` but where a name is; with a schedule also its jobs.

    Parameters
    ----------
    whole
        Of a pilot: the jobs of all records, or why they do not fit.
    """
    for line in _lines(asked, schedule, calibration, whole):
        yield line if "\n" in line or len(line) <= COLUMNS else _folded(line)


def _folded(line: str) -> str:
    indent = len(line) - len(line.lstrip()) or (LABEL if line[: LABEL - 1].strip() in LABELS else 2)
    return "\n".join(
        wrap(line, COLUMNS, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)
    )


def _lines(
    asked: Asked, schedule: Schedule | None, calibration: Calibration | None, whole: Schedule | str
) -> Iterator[str]:
    yield from _data(asked)
    yield ""
    yield stage_table(asked.cut, calibration)
    yield ""
    yield from _totals(asked, calibration, whole)
    yield from _few([f"note      {warning}" for warning in asked.warnings])
    if schedule is not None:
        yield ""
        yield from explain_schedule(schedule)


def _data(asked: Asked) -> Iterator[str]:
    cut = asked.cut
    yield f"{cut.name}, run {cut.id[:8]}"
    for dataset in cut.datasets:
        names = ", ".join(v.name for v in dataset.variables)
        left = dataset.records - dataset.live
        yield f"{dataset.name}: {count(dataset.live, 'record')}, {dataset.recorded:,} samples of {names}" + (
            f"; {count(left, 'record')} not computed (`hpcflow data describe` says why)" if left else ""
        )
    yield from _few([f"set aside: {path}: {reason}" for path, reason in asked.aside])


def _few(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:FEW]
    if len(lines) > FEW:
        yield f"  and {len(lines) - FEW:,} more like it: `hpcflow data describe` lists all"


def stage_table(cut: Cut, calibration: Calibration | None) -> str:
    """One line per stage; assembling, which only moves rows into shards, as one line for all steps."""
    rows: list[tuple[str, ...]] = []
    assembling = [s for s in cut.stages if s.kind == "assemble"]
    for stage in cut.stages:
        if stage.kind != "assemble":
            what = WORK.get(stage.kind) or ", ".join(stage.steps)
            rows.append(_row(cut, stage.name, what, [stage], calibration))
    if assembling:
        steps = ", ".join(s.steps[0] for s in assembling)
        rows.append(_row(cut, "assemble", f"into shards: {steps}", assembling, calibration))
    return table(
        ("stage", "what", "blocks", "reads", "writes", "files", "memory", "time"),
        rows,
        right=(2, 3, 4, 5, 6),
    )


def _row(
    cut: Cut, name: str, what: str, stages: Sequence[StagePlan], calibration: Calibration | None
) -> tuple[str, ...]:
    seconds = [stage_seconds(cut, stage, calibration) for stage in stages]
    return (
        name,
        what if len(what) <= WHAT else what[: WHAT - 3] + "...",
        f"{sum(s.blocks for s in stages):,}",
        format_bytes(sum(s.read_bytes for s in stages)),
        format_bytes(sum(s.write_bytes for s in stages)),
        f"{sum(s.files for s in stages):,}",
        format_bytes(max(s.memory_bytes for s in stages)),
        span(sum(s.low for s in seconds), sum(s.high for s in seconds)),
    )


def span(low: float, high: float) -> str:
    """A range of time for people.

    >>> span(0.01, 0.2), span(3.24, 9), span(100, 290), span(900, 9000), span(4e4, 3e5)
    ('under 1 s', '3.2-9 s', '1.7-4.8 min', '15-150 min', '11-83 h')
    """
    if high < 1:
        return "under 1 s"
    unit, name = next(((u, n) for u, n in SPANS if low >= u or high >= 5 * u), SPANS[-1])
    return f"{_short(low / unit)}-{_short(high / unit)} {name}"


def _short(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def whole_words(whole: Schedule | str) -> str:
    """What all records cost on a site, of which a pilot is planned; "" where that is not known."""
    if isinstance(whole, str):
        return f"all records may not fit: {whole}" if whole else ""
    chosen = [one for one in whole.alternatives if one.chosen]
    costs = " and ".join(_cost_words(one.cost, one.partition) for one in chosen if one.cost is not None)
    if not whole.costs:
        return ""
    return (
        f"on {whole.site} all cost {costs}: {count(sum(j.elements for j in whole.jobs), 'job')}, "
        f"{span(chosen[0].seconds_low, chosen[0].seconds_high)} once started"
    )


def _cost_words(cost: Cost, partition: str) -> str:
    low, high, bound = short(cost.low), short(cost.high), short(cost.bound)
    expected = low if low == high else f"{low} to {high}"
    return f"{expected} {cost.unit} in {partition}, {bound} at their limits"


def _totals(asked: Asked, calibration: Calibration | None, whole: Schedule | str) -> Iterator[str]:
    cut = asked.cut
    totals, total = summary(cut), total_seconds(cut, calibration)
    if calibrated(cut, calibration) and calibration is not None:
        source = f"measured on {calibration.cpu}, {calibration.measured}"
    elif calibration is not None:
        source = "partly measured; kernels and readers that no calibration knows are assumed"
    else:
        source = "assumed rates; `hpcflow calibrate` narrows them"
    yield f"time      {span(total.low, total.high)} of one worker ({source})"
    longest = max(cut.stages, key=lambda s: stage_seconds(cut, s, calibration).high)
    share = stage_seconds(cut, longest, calibration).high / max(total.high, 1e-9)
    if share >= DOMINANT and len(cut.stages) > 1:
        yield f"          {share:.0%} of it for {longest.name} ({', '.join(longest.steps) or longest.kind})"
    pilot = pilot_of(asked.tables.values())
    if pilot is not None:
        from hpcflow.api import whole_cut

        every = total_seconds(whole_cut(asked), calibration)
        yield (
            f"pilot     {pilot.records:,} of {count(pilot.of_records, 'record')}; all take about "
            f"{span(every.low, every.high)}, with {pilot.factor:,.3g} times the samples"
        )
        if whole:
            yield f"          {whole_words(whole)}"
    yield f"memory    {memory_reason(cut)}"
    yield (
        f"disk      {format_bytes(totals['write_bytes'])} written in {totals['files']:,} files "
        f"by {count(totals['blocks'], 'block')}"
    )
    shared = [s for s in cut.stages if s.kind in ("tiles", "records") and len(s.steps) > 1]
    yield from (f"saved     {', '.join(s.steps)} share one read of {s.dataset}" for s in shared[:FEW])
    yield from (f"cheaper   {hint}" for hint in cheaper(cut, pilot is not None))


def memory_reason(cut: Cut) -> str:
    """What the largest worker needs memory for."""
    worst = max(cut.stages, key=lambda s: s.memory_bytes)
    flush = FLUSH if worst.kind in ("tiles", "records", "collective", "reduce", "merge", "assemble") else 0
    what = {
        "tiles": "a tile of its signal and a block's rows",
        "records": "the record that needs most",
        "collective": "the record that needs most, which ranks share out",
        "ingest": "one shard and the file it comes from",
        "assemble": "one shard of rows",
    }.get(worst.kind, "its data")
    return (
        f"{format_bytes(worst.memory_bytes)} a worker at most, for {worst.name}: {format_bytes(BASE)} "
        f"libraries{f', {format_bytes(flush)} waiting for disk' if flush else ''}, "
        f"{format_bytes(max(0, worst.memory_bytes - BASE - flush))} {what}"
    )


def cheaper(cut: Cut, pilot: bool) -> Iterator[str]:
    """What a user could change, from what the plan shows."""
    if not pilot and sum(d.live for d in cut.datasets) > 1:
        yield "try `--limit 1` first: its records are kept, and it says what all would take"
    stored = sum(s.write_bytes for s in cut.stages if s.kind == "assemble")
    for stage in cut.stages:
        if stage.kind == "assemble" and stage.write_bytes > DOMINANT * stored and stored > 1 << 30:
            yield f"{stage.steps[0]} is {stage.write_bytes / stored:.0%} of the output: save it if needed"
    worst = max(cut.stages, key=lambda s: s.memory_bytes)
    if worst.kind == "records" and worst.memory_bytes - BASE > 2 << 30:
        yield f"one record of {worst.dataset} sets the memory of {worst.name}: split the longest files"


def explain_schedule(schedule: Schedule) -> Iterator[str]:
    """Jobs of a site as a table, and the reasons of the one that holds most."""
    jobs = schedule.jobs
    elements = sum(job.elements for job in jobs)
    yield f"on {schedule.site}: {count(len(jobs), 'script')}, {count(elements, 'job')}" + (
        f", account {schedule.account}" if schedule.account else ""
    )
    yield table(
        ("job", "after", "partition", "jobs", "cpus", "workers", "memory", "limit", "cost at most"),
        [_job_row(job) for job in jobs],
        right=(3, 4, 5, 6),
    )
    most = max(jobs, key=lambda job: job.elements * job.cpus * job.seconds, default=None)
    if most is not None:
        reasons = [r for r in most.reasons if not r.startswith(("partition ", "stage ", "cost:"))]
        yield from (f"  {reason}" if len(jobs) == 1 else f"  {most.name}: {reason}" for reason in reasons)
    yield from (f"  {reason}" for reason in schedule.explained)


def _job_row(job: Job) -> tuple[str, ...]:
    costs = [r.partition(":")[2].strip() for r in job.reasons if r.startswith("cost:")]
    return (
        job.name,
        ", ".join(job.after) or "-",
        job.partition,
        f"{job.elements:,}",
        (f"{job.nodes} × " if job.nodes > 1 else "")
        + str(job.cpus)
        + (f", {job.gpus} GPU" if job.gpus else ""),
        str(job.workers),
        format_bytes(job.memory),
        format_duration(job.seconds),
        costs[0].removeprefix("up to ").partition(" at the ")[0] if costs else "-",
    )


def explained_json(
    asked: Asked,
    schedule: Schedule | None = None,
    calibration: Calibration | None = None,
    whole: Schedule | str = "",
) -> dict[str, Any]:
    """The same for programs: schema ``hpcflow.plan/1``, whose keys stay."""
    cut = asked.cut
    total = total_seconds(cut, calibration)
    pilot = pilot_of(asked.tables.values())
    found: dict[str, Any] = {
        "schema": "hpcflow.plan/1",
        **summary(cut),
        "low_seconds": total.low,
        "high_seconds": total.high,
        "calibrated": calibrated(cut, calibration),
        "pilot": None if pilot is None else {**asdict(pilot), "factor": pilot.factor},
        "aside": [{"file": path, "reason": reason} for path, reason in asked.aside],
        "warnings": list(asked.warnings),
        "stage_list": [
            {
                "name": s.name,
                "kind": s.kind,
                "blocks": s.blocks,
                "after": list(s.after),
                "steps": list(s.steps),
                "memory_bytes": s.memory_bytes,
                "read_bytes": s.read_bytes,
                "write_bytes": s.write_bytes,
                "files": s.files,
                "low_seconds": stage_seconds(cut, s, calibration).low,
                "high_seconds": stage_seconds(cut, s, calibration).high,
            }
            for s in cut.stages
        ],
    }
    if schedule is not None:
        found["schedule"] = asdict(schedule)
    if whole:
        cost = None if isinstance(whole, str) else whole.cost
        found["whole"] = {
            "cost": None if cost is None else asdict(cost),
            "refusal": whole if isinstance(whole, str) else "",
        }
    return found
