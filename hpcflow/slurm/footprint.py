"""What a plan uses beside computing time: electricity, bytes and files; held against the site's quotas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpcflow.errors import PlanError
from hpcflow.site import Site, format_decimal
from hpcflow.slurm.choice import short
from hpcflow.slurm.needs import Options, StageNeed
from hpcflow.slurm.parts import Placed
from hpcflow.slurm.placement import request, wave_size
from hpcflow.slurm.schedule import Footprint

DAY = 86400.0
SENT = 5
"""Schedule, its copy as sent, the submission, and the scripts that submit and that gates run."""


def footprint(needs: Sequence[StageNeed], chosen: Placed, site: Site, options: Options) -> Footprint:
    """Energy and storage of a plan.

    Raises
    ------
    PlanError
        Where the results exceed what the area for runs holds, in bytes or in files.
    """
    size = sum(need.write_bytes for need in needs)
    files = sum(need.files for need in needs) + job_files(chosen, site, options)
    area = next((name for name, one in site.storage.items() if one.use == "work"), "")
    stored = None
    if area:
        _check_quota(site, area, size, files)
        stored = site.stored(area, size, DAY)
    low, high, source = _energy(chosen, site, options)
    return Footprint(
        kilowatt_hours_low=low,
        kilowatt_hours_high=high,
        energy_source=source,
        co2_grams_high=None if high is None or options.grid is None else high * options.grid,
        area=area,
        write_bytes=size,
        files=files,
        storage_unit=stored.unit if stored else "",
        storage_day=stored.amount if stored else 0.0,
    )


def job_files(chosen: Placed, site: Site, options: Options) -> int:
    """Files that jobs add to a run folder: scripts and records of what was sent; for each element its log and
    claim, and receipts and a pack of each worker that has blocks; for each wave a gate's log.
    """
    files = SENT
    for shape in chosen.shapes:
        waves = -(-shape.elements // wave_size(shape.elements, site, shape.spot, options))
        busy = min(shape.workers, max(-(-need.blocks // shape.elements) for need in shape.stages))
        files += 1 + shape.elements * (2 + 2 * busy) + 3 * waves
    return files


def _check_quota(site: Site, area: str, size: int, files: int) -> None:
    place = site.storage[area]
    if place.files is not None and files > place.files:
        raise PlanError(
            f"{place.path} holds {place.files:,} files; the plan makes {files:,}, so it would stop in the "
            "middle; use larger blocks, save fewer steps, or have the quota raised"
        )
    if place.quota is not None and size > place.quota:
        raise PlanError(
            f"{place.path} holds {format_decimal(place.quota)}; the plan writes {format_decimal(size)}, so "
            "it would stop in the middle; save fewer steps, or have the quota raised"
        )


def _energy(chosen: Placed, site: Site, options: Options) -> tuple[float | None, float | None, str]:
    low, high, source = 0.0, 0.0, ""
    for shape in chosen.shapes:
        asked = request(shape, options)
        kind, node = shape.spot.node_for(shape.stages)
        parts = [asked.cpus / node.cores, asked.memory / node.memory, asked.gpus / max(1, node.gpus)]
        share = shape.elements * asked.nodes * max(parts)
        first = site.energy(kind, share, shape.low)
        last = site.energy(kind, share, shape.seconds)
        if first is None or last is None:
            return None, None, ""
        low, high, source = low + first.kilowatt_hours, high + last.kilowatt_hours, last.source
    return (low, high, source) if chosen.shapes else (None, None, "")


def _named(path: str, options: Options) -> str:
    """The path with the project that pays in it."""
    return path.replace("<project>", options.account) if options.account else path


def footprint_lines(used: Footprint, site: Site, options: Options) -> Iterator[str]:
    """The same for people."""
    if used.kilowatt_hours_low is not None and used.kilowatt_hours_high is not None:
        low, high = used.kilowatt_hours_low, used.kilowatt_hours_high
        factor, unit = (1, "kWh") if high >= 1 else (1000, "Wh")
        text = f"energy: {short(low * factor)} to {short(high * factor)} {unit}"
        if used.co2_grams_high is not None:
            text += f", up to {short(used.co2_grams_high)} g CO2 at your {options.grid:g} g/kWh"
        yield f"{text} (average power of nodes; source in --json)"
    if used.area and used.write_bytes:
        place = site.storage[used.area]
        where = _named(place.path, options)
        text = f"storage: {format_decimal(used.write_bytes)} in {used.files:,} files on {where}"
        if used.storage_unit:
            text += f", {short(used.storage_day)} {used.storage_unit} a day"
        if place.quota is not None and place.files is not None:
            text += f", of {format_decimal(place.quota)}"
        yield text
