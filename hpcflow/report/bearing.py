"""Diagnoses of rolling bearings: who has which fault, and the lines that say so."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.parts import Card, Cell, Note, Part, Picture, Pictures, Section, Table, Tone
from hpcflow.report.source import Recording, Source, Step
from hpcflow.report.text import MISSING, clean, count, listed, number, percent, quantity, short, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CARDS, MOST_ROWS = 24, 500
"""Records with pictures, and records in the table; the rest stay in the results."""
SEARCHED = 1 << 19
"""Samples from a record's middle among which the excerpt is chosen."""

LABELS = {
    "inner": "inner race",
    "outer": "outer race",
    "rolling": "rolling element",
    "none": "no fault",
    "uncertain": "uncertain",
}
LINES = {"inner": "BPFI", "outer": "BPFO", "rolling": "2 × BSF"}
"""What the field calls a fault's fundamental: passing frequency of inner and outer race, element spin."""
COLOURS = {"inner": fig.RED, "outer": fig.AMBER, "rolling": fig.PURPLE}
TONES: dict[str, Tone] = {
    "inner": "inner",
    "outer": "outer",
    "rolling": "rolling",
    "none": "good",
    "uncertain": "quiet",
}
REASONS = {
    "fault_lines": "lines of this fault stand far above the background",
    "no_fault_lines": "no line of any fault, and one this machine could hide would have been seen",
    "no_speed": "the shaft speed is not known: add it to the index, or as a default",
    "no_bearing": "the bearing is not known: add it to the index, or as a default",
    "unknown_bearing": "this bearing's geometry is not known: give balls and diameters instead",
    "no_signal": "the record holds no usable samples",
    "constant_signal": "the signal does not change",
    "saturated_signal": "the signal is clipped",
    "too_short": "too few shaft turns to tell the lines apart",
    "sampling_rate_too_low": "sampled too slowly for these fault lines",
    "band_only": "one band alone cannot show that there is no fault",
    "weak_lines": "lines where a fault would put them, but too weak for a label",
    "single_line": "one line alone, without harmonics or sidebands",
    "shaft_or_mains_lines": "the lines coincide with the shaft's or the mains' own",
    "unexplained_lines": "strong lines that no bearing fault explains",
    "several_faults": "lines of more than one fault",
    "sidebands_missing": "a fault that turns must show sidebands, and these are missing",
    "impulses_not_periodic": "the signal is impulsive, but not at the fault's period",
    "impulsive_without_lines": "impulsive, but without lines of a fault",
    "fundamental_missing": "harmonics of a fault, but not the line at its fundamental",
    "speed_not_confirmed": "the shaft's own line does not show, so the stated speed is not confirmed",
    "too_little_power": "a fault this machine could hide might not have been seen",
}


@dataclass(frozen=True)
class Finding:
    """One record's diagnosis.

    Attributes
    ----------
    suspect
        The labelled fault; for an uncertain record the one whose lines stand; "" where none does.
    expected, found, depth, sidebands : ndarray, shape (5,)
        Of the suspect's harmonics: Hz, Hz (NaN where no line stands), decibel, number of 4.
    """

    record: int
    id: str
    name: str
    """As it is called on the page."""
    label: str
    reason: str
    score: float
    suspect: str
    others: tuple[tuple[str, float], ...]
    """(fault, Hz) of every fault's fundamental by kinematics."""
    shaft: float
    speed: float | None
    bearing: str | None
    expected: np.ndarray
    found: np.ndarray
    depth: np.ndarray
    sidebands: np.ndarray

    @property
    def standing(self) -> np.ndarray:
        """Numbers, from 1, of the harmonics that stand."""
        return np.flatnonzero(np.isfinite(self.found)) + 1

    @property
    def fundamental(self) -> float:
        """The fault's frequency as measured, Hz; NaN where no line stands."""
        standing = self.standing
        return float(self.found[standing[0] - 1] / standing[0]) if len(standing) else math.nan

    @property
    def deviation(self) -> float:
        """How far the fault's frequency lies off kinematics, as a fraction."""
        return self.fundamental / float(self.expected[0]) - 1 if len(self.expected) else math.nan


def findings(source: Source, step: Step) -> list[Finding]:
    """Every record that was diagnosed; faults first, the surest first, then the doubtful, then the sound."""
    labels, reasons = step.words("diagnosis"), step.words("reason")
    scores = step.values("score").astype(float)
    faults = [str(v) for v in step.data["fault"].values] if "fault" in step.data else []
    columns = {name: step.values(f"line_{name}") for name in ("expected", "found", "depth", "sidebands")}
    shafts = step.values("shaft_frequency").astype(float)
    made = []
    for record, name in enumerate(step.ids):
        if not labels[record] or name in source.set_aside:
            continue
        suspect = labels[record] if labels[record] in faults else ""
        if labels[record] == "uncertain" and faults and columns["found"].ndim == 3:
            standing = np.isfinite(columns["found"][record]).sum(axis=1)
            suspect = faults[int(standing.argmax())] if standing.any() else ""
        row = faults.index(suspect) if suspect else 0
        lines = {
            key: values[record, row].astype(float) if values.ndim == 3 else np.full(1, np.nan)
            for key, values in columns.items()
        }
        speed, bearing = step.fact(_port(step, "speed"), record), step.fact(_port(step, "bearing"), record)
        made.append(
            Finding(
                record=record,
                id=name,
                name=step.labels[record],
                label=labels[record],
                reason=reasons[record],
                score=float(scores[record]),
                suspect=suspect,
                others=tuple(
                    (fault, float(columns["expected"][record, k, 0]))
                    for k, fault in enumerate(faults)
                    if columns["expected"].ndim == 3
                ),
                shaft=float(shafts[record]) if math.isfinite(shafts[record]) else float(speed or math.nan),
                speed=speed,
                bearing=bearing,
                **lines,
            )
        )
    return sorted(made, key=_interest)


def _interest(finding: Finding) -> tuple[int, float, float, str]:
    rank = {"uncertain": 1, "none": 2}.get(finding.label, 0)
    score = finding.score if math.isfinite(finding.score) else -1.0
    depth = float(np.nanmax(finding.depth)) if np.isfinite(finding.depth).any() else 0.0
    return rank, -score, -depth, finding.name


def _port(step: Step, port: str) -> str:
    """The fact that feeds a port."""
    found = next((i.field for i in step.plan.inputs if i.port == port and i.kind == "fact"), None)
    return found or port


def diagnoses(source: Source, step: Step) -> Section:
    """Table of diagnoses, and the evidence record by record."""
    found = findings(source, step)
    tally = Counter(f.label for f in found)
    words = [f"{tally[label]} {LABELS[label]}" for label in LABELS if tally[label]]
    parts: list[Part] = [_table(step, found[:MOST_ROWS])]
    if len(found) > MOST_ROWS:
        parts.append(
            Note(f"{MOST_ROWS} of {len(found):,} records are listed; all are in results/{step.name}.zarr.")
        )
    if len(found) > MOST_CARDS:
        parts.append(
            Note(
                f"Pictures are shown for {MOST_CARDS} of {len(found):,} records: faults first, the surest "
                "first, then the uncertain ones."
            )
        )
    parts += [_card(source, step, f) for f in found[:MOST_CARDS]]
    chance = step.plan.params.get("false_alarm")
    lead = "A fault is named where its lines stand in the spectrum of the vibration's envelope. "
    if isinstance(chance, float):
        lead += f"Noise alone would pass as a fault's lines in one of {1 / chance:,.0f} records. "
    lead += "Where the evidence is not clear, the record is uncertain, and the reason is given."
    return Section(
        anchor=f"step-{step.name}",
        title="Diagnoses",
        headline=f"{count(len(found), 'recording')}: {', '.join(words)}" if found else "",
        lead=lead,
        parts=tuple(parts),
    )


def _table(step: Step, found: list[Finding]) -> Table:
    head = ("Record", "Diagnosis", "Score", "Evidence", "Shaft speed", "Bearing")
    rows = []
    for place, f in enumerate(found):
        anchor = f"{step.name}-{f.record}" if place < MOST_CARDS else ""
        speed = Cell(
            f"{number(f.speed * 60, 4)} rpm" if f.speed else MISSING,
            note=step.origin(_port(step, "speed"), f.record) if f.speed else "",
        )
        bearing = Cell(
            f.bearing or MISSING, note=step.origin(_port(step, "bearing"), f.record) if f.bearing else ""
        )
        rows.append(
            (
                Cell(short(f.name, 96), link=anchor),
                Cell(LABELS.get(f.label, f.label), tone=TONES.get(f.label, "quiet")),
                _score(f.score),
                Cell(_evidence(f), note=REASONS.get(f.reason, f.reason.replace("_", " "))),
                speed,
                bearing,
            )
        )
    return Table(
        head,
        tuple(rows),
        numbers=(2, 4),
        caption="Score: minus log10 of the chance that noise alone shows lines like these; 99 is the most.",
    )


def _score(score: float) -> str:
    if not math.isfinite(score):
        return MISSING
    return "99+" if score >= 99 else f"{score:.1f}"


def _evidence(f: Finding) -> str:
    standing = f.standing
    if not f.suspect or not len(standing):
        return "no fault line" if f.label == "none" else MISSING
    harmonics = listed([f"{k}×" for k in standing])
    sidebands = int(np.nansum(f.sidebands))
    return (
        f"{LINES[f.suspect]} {number(f.fundamental, 4)} Hz ({_signed(f.deviation)} off kinematics), "
        f"{harmonics}" + (f", {count(sidebands, 'sideband')}" if sidebands else "")
    )


def _signed(fraction: float) -> str:
    return f"{fraction * 100:+.1f} %".replace("-", "−") if math.isfinite(fraction) else MISSING


def _card(source: Source, step: Step, f: Finding) -> Card:
    values = {
        name: float(step.values(name)[f.record])
        for name in ("band_low", "band_high", "explained", "impulsiveness", "detectable_depth")
    }
    band = MISSING
    if math.isfinite(values["band_high"]):
        band = f"{number(values['band_low'] / 1e3)} to {number(values['band_high'] / 1e3)} kHz"
    depth = float(np.nanmax(f.depth)) if np.isfinite(f.depth).any() else math.nan
    facts = [
        ("Shaft, measured", f"{number(f.shaft * 60, 4)} rpm ({number(f.shaft, 4)} Hz)"),
        ("Band with the evidence", band),
        ("Strongest fault line", quantity(depth, "dB")),
        ("Least detectable", quantity(values["detectable_depth"], "dB")),
        ("Line power explained", percent(values["explained"])),
        ("Impulsiveness", number(values["impulsiveness"])),
    ]
    drawn = [
        _order_spectrum(step, f),
        _waveform(source, step, f),
        _envelope_spectrum(source, step, f),
    ]
    reason = REASONS.get(f.reason, f.reason.replace("_", " "))
    evidence = _evidence(f)
    lead = reason[0].upper() + reason[1:] + (f": {evidence}." if len(f.standing) else ".")
    return Card(
        anchor=f"{step.name}-{f.record}",
        title=short(f.name, 96),
        badge=LABELS.get(f.label, f.label),
        tone=TONES.get(f.label, "quiet"),
        lead=lead,
        facts=tuple((name, value) for name, value in facts if value != MISSING and "nan" not in value),
        pictures=tuple(p for p in drawn if p is not None),
    )


def _order_spectrum(step: Step, f: Finding) -> Picture | None:
    if "spectrum" not in step or not math.isfinite(f.shaft):
        return None
    spectrum = step.values("spectrum")[f.record].astype(float)
    background = step.values("background")[f.record].astype(float)
    order = np.asarray(step.data["order"].values, float)
    if not np.isfinite(spectrum).any():
        return None
    end = float(order[np.isfinite(spectrum)].max())
    found, expected = f.found / f.shaft, f.expected / f.shaft
    detectable = float(step.values("detectable_depth")[f.record])
    spacing = _sideband_spacing(f) if np.nansum(f.sidebands) > 0 else 0.0
    first = float(expected[0]) if f.suspect and math.isfinite(expected[0]) else 0.0

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        last = min(end, max(12.0, 3.45 * first)) if fig.is_narrow(figure) else end
        inside = order <= last
        least = 0.0 if f.suspect or not math.isfinite(detectable) else detectable
        top = max(float(np.nanmax(spectrum[inside])), least) * (1.22 if f.suspect else 1.36) or 1.0
        if least:
            axes.axhline(least, color=fig.MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
            text = "what would have been detected"
            axes.text(last, least, text, ha="right", va="bottom", fontsize=10, color=fig.MUTED)
        if f.suspect:
            _mark_lines(axes, found, expected, last, top, f, spacing)
        else:
            _mark_places(axes, f, last, top)
        axes.plot(order[inside], spectrum[inside], color=fig.INK, linewidth=0.9)
        axes.plot(order[inside], background[inside], color=fig.BLUE, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.set_xlim(0, last)
        axes.set_ylim(0, top)
        axes.set_xlabel("shaft orders")
        axes.set_ylabel("modulation, dB")

    size, phone = (fig.WIDE, 220), (fig.NARROW, 210)
    line = LINES.get(f.suspect, "")
    caption = f"Envelope spectrum by shaft order (1 order = {number(f.shaft, 4)} Hz); dashed: background."
    if f.suspect:
        caption += f" Filled marks: {line} lines found; hollow: expected and not found"
        caption += "; dotted: places of their sidebands." if spacing else "."
    elif any(math.isfinite(place) for _, place in f.others):
        caption += " Hollow marks: where each fault's line would stand."
    alt = f"Spectrum of the envelope of {clean(f.name)} by shaft order; {_evidence(f)}"
    return fig.picture(draw, alt, caption, size=size, narrow=phone, margins=fig.PLAIN)


def _sideband_spacing(f: Finding) -> float:
    """Distance of sidebands, in shaft orders: what turns through the load zone; 0 where unknown."""
    if f.suspect in ("inner", "outer"):
        return 1.0
    if f.suspect == "rolling" and f.bearing:
        from hpcflow_kernels.bearing_geometry import UnknownBearingError, multiples_of

        try:
            return float(multiples_of(f.bearing).cage) * (1 + f.deviation)
        except UnknownBearingError:
            return 0.0
    return 0.0


def _mark_lines(
    axes: Axes, found: np.ndarray, expected: np.ndarray, last: float, top: float, f: Finding, spacing: float
) -> None:
    colour = COLOURS[f.suspect]
    for k, (there, place) in enumerate(zip(found, expected, strict=True), start=1):
        stands = math.isfinite(there)
        at = float(there if stands else place)
        if not math.isfinite(at) or at > last:
            continue
        if stands:
            axes.axvline(at, ymax=0.88, color=colour, linewidth=4, alpha=0.22)
            for side in (-2, -1, 1, 2) if spacing and f.sidebands[k - 1] > 0 else ():
                axes.axvline(at + side * spacing, ymax=0.5, color=colour, linewidth=0.9, linestyle=":")
        axes.plot(
            [at],
            [top * 0.905],
            marker="v",
            markersize=6,
            color=colour,
            markerfacecolor=colour if stands else "none",
        )
        text = f"{k}× {LINES[f.suspect]}" if k == 1 else f"{k}×"
        axes.text(
            at,
            top * 0.945,
            text,
            ha="center",
            va="bottom",
            fontsize=10,
            color=colour if stands else fig.MUTED,
        )


def _mark_places(axes: Axes, f: Finding, last: float, top: float) -> None:
    """Where each fault's fundamental would stand."""
    places = sorted((hertz / f.shaft, fault) for fault, hertz in f.others if math.isfinite(hertz))
    sides = ("right", "center", "left")
    for k, (at, fault) in enumerate(places[:3]):
        if at <= last and fault in COLOURS:
            colour, side = COLOURS[fault], sides[k]
            axes.plot([at], [top * 0.83], marker="v", markersize=6, color=colour, markerfacecolor="none")
            up = top * (0.94 if side == "center" else 0.865)
            axes.text(at, up, LINES[fault], ha=side, va="bottom", fontsize=10, color=colour)


def _waveform(source: Source, step: Step, f: Finding) -> Picture | None:
    found = next((i for i in step.plan.inputs if i.port == "signal" and i.kind == "variable"), None)
    recording = source.recording(step, f.record) if found is not None and found.field else None
    if recording is None or found is None or found.field is None or not recording.rate > 0:
        return None
    first, x = _excerpt(recording, found.field, f)
    if not np.isfinite(x).any():
        return None
    time = (first + np.arange(len(x))) / recording.rate
    unit = next(
        (
            v.units
            for d in source.cut.datasets
            if d.name == found.source
            for v in d.variables
            if v.name == found.field
        ),
        "1",
    )
    peak = float(time[int(np.nanargmax(np.abs(x - np.nanmean(x))))])

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(*fig.envelope((time - time[0]) * 1e3, x, 1400), color=fig.BLUE, linewidth=0.8)
        axes.set_xlim(0, (time[-1] - time[0]) * 1e3)
        reach = float(np.nanmax(np.abs(x))) or 1.0
        axes.set_ylim(-1.08 * reach, 1.3 * reach)
        if math.isfinite(f.fundamental):
            period = 1e3 / f.fundamental
            start = ((peak - time[0]) * 1e3) % period
            ticks = np.arange(start, (time[-1] - time[0]) * 1e3, period)
            axes.plot(
                ticks,
                np.full(len(ticks), 1.2 * reach),
                linestyle="none",
                marker="|",
                markersize=9,
                color=COLOURS[f.suspect],
                markeredgewidth=1.6,
            )
        axes.set_xlabel("ms")
        axes.set_ylabel(f"{found.field.replace('_', ' ') if found.field else ''}, {units(unit)}".rstrip(", "))

    length = recording.size / recording.rate
    caption = (
        f"{number((time[-1] - time[0]) * 1e3)} ms from {number(first / recording.rate, 4)} s of "
        f"{number(length, 4)} s, round the largest sample"
    )
    if math.isfinite(f.fundamental):
        caption += f"; ticks: the fault's period, {number(1e3 / f.fundamental)} ms"
    return fig.picture(
        draw,
        f"Waveform of {clean(f.name)}: {caption}",
        caption + ".",
        size=(fig.NARROW, 200),
        margins=fig.PLAIN,
    )


def _excerpt(recording: Recording, variable: str, f: Finding) -> tuple[int, np.ndarray]:
    """Some shaft turns or impacts round the largest sample: (first sample, samples)."""
    turns = [4 / f.shaft] if math.isfinite(f.shaft) and f.shaft > 0 else []
    impacts = [7 / f.fundamental] if math.isfinite(f.fundamental) else []
    seconds = min([*turns, 0.2]) if turns else 0.1
    seconds = max([seconds, *impacts])
    length = max(16, min(recording.size, round(seconds * recording.rate)))
    begin = max(0, (recording.size - SEARCHED) // 2)
    x = recording.samples(variable, begin, begin + SEARCHED)
    known = np.isfinite(x)
    if not known.any():
        return begin, x[:length]
    loudest = int(np.nanargmax(np.abs(np.where(known, x - x[known].mean(), 0))))
    first = min(max(0, loudest - length // 3), max(0, len(x) - length))
    return begin + first, x[first : first + length]


def _envelope_spectrum(source: Source, step: Step, f: Finding) -> Picture | None:
    other = next(source.with_kernel("envelope_spectrum", step.plan.dataset), None)
    if other is None or f.id not in other.ids:
        return None
    band = _band_of(source, other)
    spectrum = mean_spectrum(other, other.ids.index(f.id))
    if spectrum is None:
        return None
    frequency = np.asarray(other.data["frequency"].values, float)
    unit = next(p.units for p in other.plan.fields if p.name == "amplitude")
    reach = [4.4 * f.expected[0]] if f.suspect and math.isfinite(f.expected[0]) else []
    last = min([float(frequency[-1]), *reach])

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        inside = (frequency <= last) & (frequency > 0)
        top = float(np.nanmax(spectrum[inside])) * 1.28 or 1.0
        for k, line in enumerate(f.found, start=1):
            if math.isfinite(line) and line <= last:
                axes.axvline(line, ymax=0.86, color=COLOURS[f.suspect], linewidth=4, alpha=0.22)
                axes.text(line, top * 0.9, f"{k}×", ha="center", fontsize=10, color=COLOURS[f.suspect])
        axes.plot(frequency[inside], spectrum[inside], color=fig.INK, linewidth=0.9)
        axes.set_xlim(0, last)
        axes.set_ylim(0, top)
        axes.set_xlabel("Hz")
        axes.set_ylabel(f"amplitude, {units(unit)}".rstrip(", "))

    caption = f"Envelope spectrum in Hz{band}, mean of {count(other.size(other.ids.index(f.id)), 'frame')}."
    alt = f"Envelope spectrum of {clean(f.name)} in hertz; {_evidence(f)}"
    return fig.picture(draw, alt, caption, size=(fig.NARROW, 200), margins=fig.PLAIN)


def _band_of(source: Source, step: Step) -> str:
    """The band that an envelope spectrum was taken in, in words; "" where it is not a plain band-pass."""
    feeding = next((i.source for i in step.plan.inputs if i.kind == "step"), None)
    plan = next((s for s in source.cut.steps if s.name == feeding), None)
    if plan is None or not {"low", "high"} <= set(plan.params):
        return ""
    return f", band {number(plan.params['low'] / 1e3)} to {number(plan.params['high'] / 1e3)} kHz"


def mean_spectrum(step: Step, record: int) -> np.ndarray | None:
    """Mean over a record's frames; None where it has none."""
    frames = step.rows("amplitude", record).astype(np.float64)
    known = np.isfinite(frames).all(axis=1) if len(frames) else np.zeros(0, bool)
    return np.asarray(frames[known].mean(axis=0)) if known.any() else None


def envelopes(source: Source, step: Step) -> Section | None:
    """Mean envelope spectra; None where diagnoses show them beside their evidence."""
    if any(source.with_kernel("bearing_faults", step.plan.dataset)):
        return None
    frequency = np.asarray(step.data["frequency"].values, float)
    items: list[Picture] = []
    for record, name in enumerate(step.labels):
        spectrum = mean_spectrum(step, record) if len(items) < MOST_CARDS else None
        if spectrum is None:
            continue

        def draw(figure: Figure, spectrum: np.ndarray = spectrum) -> None:
            axes = figure.add_subplot()
            axes.plot(frequency[1:], spectrum[1:], color=fig.INK, linewidth=0.9)
            axes.set_xlim(0, frequency[-1])
            axes.set_ylim(bottom=0)
            axes.set_xlabel("Hz")

        items.append(
            fig.picture(
                draw,
                f"Envelope spectrum of {clean(name)}",
                short(name),
                size=(fig.NARROW, 200),
                margins=fig.PLAIN,
            )
        )
    parts: tuple[Part, ...] = (Pictures(tuple(items)),)
    if len(step.ids) > len(items):
        parts += (Note(f"{len(items)} of {count(len(step.ids), 'record')} are drawn."),)
    return Section(f"step-{step.name}", f"Envelope spectra: {step.name}", parts)
