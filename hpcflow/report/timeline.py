"""How the run went: who computed what when, how well the workers were used, and what it cost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hpcflow.plan.model import COMPUTED
from hpcflow.report import figure as fig
from hpcflow.report.parts import Cell, Note, Part, Picture, Section, Table, Tiles
from hpcflow.report.source import Source
from hpcflow.report.text import MISSING, count, number, percent
from hpcflow.results import stage_times
from hpcflow.units import format_bytes, format_duration

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 1500
"""Bars in the picture; neighbours of one worker are joined until there are no more."""

LOCAL = ("serial-", "dask-")
"""How names of workers begin that no job started."""

COLOURS = {
    "ingest": fig.TEAL,
    "table": fig.MUTED,
    "tiles": fig.BLUE,
    "records": fig.PURPLE,
    "collective": fig.PURPLE,
    "reduce": fig.GREEN,
    "merge": fig.GREEN,
    "assemble": fig.AMBER,
}


@dataclass(frozen=True)
class Span:
    """A worker busy with a stage, Unix times."""

    stage: str
    worker: str
    start: float
    stop: float


@dataclass(frozen=True)
class Standstill:
    """A time in which nobody worked, between two attempts."""

    start: float
    stop: float


def spans(source: Source) -> list[Span]:
    """What receipts say about time, in order."""
    found = []
    for stage in source.ledger.stages:
        for receipt in source.ledger.receipts(stage):
            if "worker" in receipt and "failed" not in receipt:
                end = float(receipt["end"])
                found.append(Span(stage, process(receipt), end - float(receipt["seconds"]), end))
    return sorted(found, key=lambda s: (s.start, s.stop, s.stage, s.worker))


def process(receipt: dict[str, Any]) -> str:
    """The process behind a worker's name, which ends in its number."""
    return f"{receipt.get('host', '')}:{str(receipt['worker']).rpartition('-')[2]}"


def standstills(found: list[Span]) -> list[Standstill]:
    """Gaps that are longer than a minute and than a quarter of all work: between a kill and a resume."""
    if not found:
        return []
    busy = sum(s.stop - s.start for s in found)
    gaps = []
    reached = found[0].stop
    for span in found[1:]:
        if span.start - reached > max(60.0, busy / 4):
            gaps.append(Standstill(reached, span.start))
        reached = max(reached, span.stop)
    return gaps


def joined(found: list[Span], most: int) -> list[Span]:
    """Fewer bars that look the same."""
    lanes: dict[tuple[str, str], list[Span]] = {}
    for span in found:
        lanes.setdefault((span.stage, span.worker), []).append(span)
    reach = 0.0
    whole = max(s.stop for s in found) - min(s.start for s in found) if found else 0.0
    while True:
        bars = []
        for lane in lanes.values():
            last = lane[0]
            for span in lane[1:]:
                if span.start - last.stop <= reach:
                    last = Span(last.stage, last.worker, last.start, max(last.stop, span.stop))
                else:
                    bars.append(last)
                    last = span
            bars.append(last)
        if len(bars) <= most or reach > whole:
            return bars
        reach = reach * 4 or whole / 2000


def timeline(source: Source) -> Section:
    """Numbers, picture and table of the run's time."""
    found = spans(source)
    if not found:
        nothing = Note("Nothing has been computed in this run yet.")
        return Section("timeline", "How it ran", (nothing, *_failures(source)), detail=True)
    gaps = standstills(found)
    times = list(stage_times(source.folder, source.ledger))
    wall = max(s.stop for s in found) - found[0].start - sum(g.stop - g.start for g in gaps)
    workers = most_at_once(found)
    seconds = sum(t.seconds for t in times)
    cpus = _cpus_per_worker(source)
    bound = max((s.memory_bytes for s in source.cut.stages), default=0)
    peak = max(t.memory_bytes for t in times)
    over = [t.reused for t in times if t.name.partition(".")[0] in COMPUTED]
    reused, taken = sum(over), max(over, default=0)
    items = [
        (format_duration(wall), "from the first block to the last commit"),
        _core_time(seconds, cpus),
        (
            percent(min(1.0, seconds / (wall * workers))) if wall > 0 else MISSING,
            f"of {count(workers, 'worker')} busy",
        ),
        (format_bytes(peak), f"peak memory, of {format_bytes(bound)} allowed" if bound else "peak memory"),
    ]
    if reused:
        items.append((f"{taken:,}", "records taken over from earlier runs"))
    start = datetime.fromtimestamp(found[0].start, UTC)
    lead = f"Began {start.day} {start:%B %Y, %H:%M} UTC."
    for gap in gaps:
        lead += f" Stood still for {format_duration(gap.stop - gap.start)}, which does not count."
    parts: list[Part] = [Tiles(tuple(items)), _gantt(source, found, gaps), _table(source, times, found)]
    parts += _failures(source)
    return Section("timeline", "How it ran", tuple(parts), lead=lead, detail=True)


def _core_time(seconds: float, cpus: int) -> tuple[str, str]:
    hours = seconds * cpus / 3600
    what = f"of core time, {count(cpus, 'core')} a worker"
    if hours >= 1:
        return f"{number(hours)} h", what
    return format_duration(seconds * cpus), f"{what} ({number(hours, 2)} core-hours)"


def most_at_once(found: list[Span]) -> int:
    """Processes that worked at the same time, at most."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for span in found:
        first[span.worker] = min(span.start, first.get(span.worker, span.start))
        last[span.worker] = max(span.stop, last.get(span.worker, span.stop))
    events = sorted(
        [(t, 1) for t in first.values()] + [(t, -1) for t in last.values()], key=lambda e: (e[0], e[1])
    )
    now = most = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return max(1, most)


def _cpus_per_worker(source: Source) -> int:
    """Cores of one worker by the schedule that the jobs followed; 1 where none ran as a job."""
    names = {
        str(r["worker"]) for s in source.ledger.stages for r in source.ledger.receipts(s) if "worker" in r
    }
    if all(name.startswith(LOCAL) for name in names):
        return 1
    folder = source.folder.schedules
    cpus = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            jobs = json.loads(path.read_text())["jobs"]
            cpus += [int(job["cpus"]) // max(1, int(job["workers"])) for job in jobs]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max([1, *cpus])


def _gantt(source: Source, found: list[Span], gaps: list[Standstill]) -> Picture:
    stages = [s for s in source.cut.stages if any(span.stage == s.name for span in found)]
    bars = joined(found, MOST_BARS)
    zero = found[0].start

    def place(moment: float) -> float:
        return moment - zero - sum(g.stop - g.start for g in gaps if g.stop <= moment)

    end = place(max(s.stop for s in found)) or 1.0
    scale, unit = (3600.0, "hours") if end > 7200 else (60.0, "minutes") if end > 120 else (1.0, "seconds")

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        narrow = fig.is_narrow(figure)
        for row, stage in enumerate(stages):
            mine = [b for b in bars if b.stage == stage.name]
            lanes = sorted(
                {b.worker for b in mine}, key=lambda w: min(b.start for b in mine if b.worker == w)
            )
            height = 0.72 / len(lanes)
            for bar in mine:
                width = max((bar.stop - bar.start) / scale, end / scale / 600)
                y = row - 0.36 + lanes.index(bar.worker) * height
                axes.broken_barh(
                    [(place(bar.start) / scale, width)],
                    (y, height * (0.86 if len(lanes) > 1 else 1)),
                    color=COLOURS.get(stage.kind, fig.BLUE),
                    linewidth=0,
                )
            if narrow:
                axes.text(0, row - 0.42, stage.name, fontsize=10, color=fig.MUTED, va="bottom")
        for gap in gaps:
            axes.axvline(place(gap.stop) / scale, color=fig.MUTED, linestyle=(0, (2, 2)), linewidth=1)
        axes.set_ylim(len(stages) - 0.4, -0.9 if narrow else -0.6)
        axes.set_yticks([] if narrow else range(len(stages)), [] if narrow else [s.name for s in stages])
        axes.tick_params(axis="y", length=0)
        axes.grid(False, axis="y")
        axes.set_xlim(0, end / scale * 1.01)
        axes.set_xlabel(f"{unit} since the start")

    tall = 52 + 24 * len(stages)
    caption = "Each bar: a worker busy with a stage, by its receipts; one line per worker."
    if gaps:
        caption += " Dashed: where the run stood still."
    names = ", ".join(s.name for s in stages)
    return fig.picture(
        draw,
        f"Timeline of the stages {names}",
        caption,
        size=(fig.WIDE, tall),
        narrow=(fig.NARROW, 52 + 36 * len(stages)),
    )


def _table(source: Source, times: list[Any], found: list[Span]) -> Table:
    bounds = {s.name: s.memory_bytes for s in source.cut.stages}
    rows: list[tuple[Cell | str, ...]] = []
    for t in times:
        mine = [s for s in found if s.stage == t.name]
        workers = len({s.worker for s in mine})
        wall = (t.end - t.start) if t.start is not None and t.end is not None else 0.0
        busy = percent(min(1.0, t.seconds / (wall * workers))) if wall > 0 and workers else MISSING
        bound = bounds.get(t.name, 0)
        rows.append(
            (
                t.name,
                f"{t.done:,} of {t.blocks:,}" if t.done != t.blocks else f"{t.blocks:,}",
                f"{t.computed:,}" if t.computed or not t.reused else "0",
                f"{t.reused:,}",
                format_duration(t.seconds) if mine else MISSING,
                f"{workers}" if mine else MISSING,
                busy,
                f"{number(t.samples / t.seconds / 1e6)} M/s" if t.samples and t.seconds else MISSING,
                Cell(
                    format_bytes(t.memory_bytes) if mine else MISSING,
                    note=f"{t.memory_bytes / bound:.0%} of the bound".replace("%", " %")
                    if mine and bound
                    else "",
                ),
            )
        )
    head = (
        "Stage",
        "Blocks",
        "Computed",
        "Reused",
        "Worker time",
        "Workers",
        "Busy",
        "Samples",
        "Peak memory",
    )
    return Table(
        head,
        tuple(rows),
        numbers=tuple(range(1, 9)),
        caption="By stage. Peak memory is the process's highest so far; computed and reused count records.",
    )


def _failures(source: Source) -> list[Part]:
    rows: list[tuple[Cell | str, ...]] = []
    for stage in source.ledger.stages:
        rows += [
            (f"{stage}, block {block}", reason) for block, reason in source.ledger.failures(stage).items()
        ]
    if not rows:
        return []
    parts: list[Part] = [Table(("Failed", "Why"), tuple(rows[:50]))]
    if len(rows) > 50:
        parts.append(Note(f"50 of {len(rows):,} failed blocks are listed."))
    return parts
