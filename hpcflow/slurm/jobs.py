"""The plan as jobs: what stages need, placed and packed into the fewest jobs that a site allows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from hpcflow.errors import PlanError, RequestError
from hpcflow.site import Site, format_time
from hpcflow.slurm.budget import within_budget
from hpcflow.slurm.choice import lines, trade
from hpcflow.slurm.container import image_of
from hpcflow.slurm.footprint import footprint, footprint_lines
from hpcflow.slurm.needs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed
from hpcflow.slurm.packing import Crew, Shape, after
from hpcflow.slurm.parts import place
from hpcflow.slurm.pitfalls import check_prologue
from hpcflow.slurm.placement import gate_at, request, wave_size
from hpcflow.slurm.reasons import job_reasons, plan_reasons
from hpcflow.slurm.schedule import Gate, Job, JobStep, Schedule
from hpcflow.slurm.spot import Spot

__all__ = ["AGENT_MEMORY", "MEMORY_HEADROOM", "Options", "StageNeed", "plan_jobs"]

LONGEST_WARNING = 65_535
"""Slurm's limit for ``--signal``."""


def plan_jobs(needs: Sequence[StageNeed], site: Site, options: Options, *, run: str) -> Schedule:
    """Place the stages of a cut on a site and pack them into jobs.

    One job runs every stage where that takes no more than four hours on one node; otherwise each
    long stage becomes an array of single-node elements, in waves below the site's submit limit.

    Parameters
    ----------
    needs
        The stages, each after those it names.
    run
        Eight hexadecimal digits, from `run_token`.

    Raises
    ------
    RequestError
        For options that the site does not know.
    PlanError
        Where a block fits no worker or no time limit, worst first; where the plan exceeds the budget or the
        quota of the area for runs.
    """
    _check_options(site, options)
    _check_order(needs)
    if site.scheduler != "slurm":  # nothing starts ranks there or gives GPUs away: a worker does both alone
        needs = [replace(need, form="workers", shared_bytes=0) for need in needs]
    image = image_of(site, options.container)
    gated = _gated(site, options, image)
    gate = Gate(site.gate_partition, options.attempts) if gated else None
    chosen, alternatives = place(needs, site, options, gated, gate)
    gate = gate_at(site, chosen.fits[0].spot.name, gate)
    allowed, budget = within_budget(chosen.fits, options, gate)
    used = footprint(needs, chosen, site, options)
    names = _names([shape.stages for shape in chosen.shapes])
    known = {id(shape): name for name, shape in zip(names, chosen.shapes, strict=True)}
    jobs = tuple(
        _job(name, shape, [known[id(other)] for other in after(shape, chosen.shapes)], site, options)
        for name, shape in zip(names, chosen.shapes, strict=True)
    )
    spots = [one.spot for one in chosen.fits]
    room = min((spot.room for spot in spots if spot.room), default=0)
    notes = dict.fromkeys(note for spot in spots for note in check_prologue(site, spot.name))
    other = trade(needs, site, options, chosen.fits[0], gate) if len(spots) == 1 else ""
    choice = [*lines(alternatives), chosen.why, other, budget, *footprint_lines(used, site, options)]
    return Schedule(
        site=site.name,
        slurm=site.slurm,
        run=run,
        account=options.account or "",
        jobs=jobs,
        gate=allowed,
        queue=min(room, options.wave + 2) if options.wave else room,
        reasons=(*plan_reasons(site, allowed, image), *notes),
        alternatives=alternatives,
        choice=tuple(filter(None, choice)) if site.scheduler == "slurm" else (),
        footprint=used,
        prefer=options.prefer,
        budget=dict(options.budget),
        workers=options.workers,
        attempts=options.attempts,
        container=image,
    )


def _check_options(site: Site, options: Options) -> None:
    name = options.partition or site.default_partition
    if name not in site.partitions:
        raise RequestError(
            f"a partition of {site.name} is one of {', '.join(site.partitions)}; {name!r} is none of them"
        )
    if site.account == "required" and not options.account:
        raise RequestError(
            f"{site.name} has no default account, so Slurm would refuse every job; name the project that "
            "pays: --account project_…"
        )
    if options.account is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", options.account):
        raise RequestError(f"an account is letters, digits, _ . -; {options.account!r} cannot be one")
    for key in ("elements", "wave", "workers", "seconds", "attempts"):
        value = getattr(options, key)
        if value is not None and value < 1:
            raise RequestError(f"{key} must be at least 1; found {value}")
    if options.prefer not in ("cost", "time"):
        raise RequestError(f"what is preferred is cost or time; found {options.prefer!r}")
    if options.grid is not None and not (math.isfinite(options.grid) and options.grid >= 0):
        raise RequestError(f"a grid's factor is grams of CO2 per kWh, 0 or more; found {options.grid}")
    if options.partition and site.partitions[name].min_nodes > 1:
        least = site.partitions[name].min_nodes
        raise RequestError(
            f"partition {name} takes jobs of {least} nodes or more, and blocks are computed by jobs of one "
            f"node; leave --partition out, or name {site.default_partition}"
        )
    longest = max(p.max_time for n, p in site.partitions.items() if n == name or not options.partition)
    if options.seconds and options.seconds > longest:
        at = f"partition {name}" if options.partition else site.name
        raise RequestError(
            f"{at} allows {format_time(longest)} at most; {format_time(options.seconds)} would be refused; "
            "ask for less or name another partition"
        )


def _check_order(needs: Sequence[StageNeed]) -> None:
    seen: set[str] = set()
    for need in needs:
        late = [name for name in need.after if name not in seen]
        if late:
            raise RequestError(f"stage {need.name} comes before {', '.join(late)}, on which it depends")
        seen.add(need.name)


def _gated(site: Site, options: Options, image: str) -> bool:
    if site.scheduler != "slurm" or options.gates is False:
        return False
    if image and not site.python:  # no Slurm in the image, and nothing known that runs hpcflow outside
        if options.gates:
            raise RequestError(
                f"a gate job calls Slurm's programs, which {image} does not hold; name an interpreter with "
                "hpcflow outside of it (python: in the profile), or leave gates out"
            )
        return False
    if site.sbatch_from_compute == "no":
        if options.gates:
            raise RequestError(
                f"a gate job submits jobs, and {site.name} lets no job do that; leave gates out"
            )
        return False
    return True


def _names(groups: Sequence[Sequence[StageNeed]]) -> list[str]:
    """A short name per job, unique, of letters that are safe everywhere."""
    names: list[str] = []
    for group in groups:
        text = "all" if len(groups) == 1 and len(group) > 1 else group[0].name
        base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:20].strip("-") or "stage"
        name, number = base, 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.append(name)
    return names


def _job(name: str, shape: Shape, before: Sequence[str], site: Site, options: Options) -> Job:
    inside = {need.name for need in shape.stages}
    asked, spot = request(shape, options), shape.spot
    wave = _wave(shape.elements, site, spot, options)
    steps = tuple(step for crew in shape.crews for step in _steps(crew))
    return Job(
        name=name,
        stages=tuple(need.name for need in shape.stages),
        after=tuple(before),
        upstream=tuple(dict.fromkeys(a for need in shape.stages for a in need.after if a not in inside)),
        blocks=max(need.blocks for need in shape.stages),
        elements=shape.elements,
        waves=tuple(_ranges(shape.elements, wave)),
        partition=spot.name,
        cpus=asked.cpus,
        workers=shape.workers,
        memory_per_worker=max(step.memory_per_process for step in steps),
        memory=asked.memory,
        seconds=asked.seconds,
        warn_seconds=min(
            asked.warn, LONGEST_WARNING, max(asked.seconds // 2, asked.seconds - int(shape.seconds))
        ),
        reasons=tuple(job_reasons(shape, site, asked, wave, options)),
        ask_memory=spot.place.memory == "asked",
        nodes=asked.nodes,
        gpus=asked.gpus,
        steps=steps,
    )


def _steps(crew: Crew) -> Iterator[JobStep]:
    """An agent for all stages of a crew; ranks anew for each."""
    every = tuple(need.name for need in crew.stages)
    for stages in [(name,) for name in every] if crew.form == "ranks" else [every]:
        yield JobStep(stages, crew.form, crew.processes, crew.bound)


def _wave(elements: int, site: Site, spot: Spot, options: Options) -> int:
    wave = wave_size(elements, site, spot, options)
    if not spot.gated and wave < elements:
        raise PlanError(
            f"without gate jobs all {elements} elements of a stage enter the queue at once, and {site.name} "
            f"leaves room for {wave}; ask for fewer elements, or allow gates"
        )
    return wave


def _ranges(elements: int, wave: int) -> Iterator[tuple[int, int]]:
    for start in range(0, elements, wave):
        yield start, min(elements, start + wave)
