"""Diagnoses of rolling bearings: who has which fault, and the lines that say so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.bearing_findings import LABELS, REASONS, TONES, Finding, evidence, findings, port_fact
from hpcflow.report.bearing_pictures import envelope_spectrum, mean_spectrum, order_spectrum, waveform
from hpcflow.report.parts import Card, Cell, Note, Part, Picture, Pictures, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, clean, count, number, percent, quantity, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CARDS, MOST_ROWS = 24, 500
"""Records with pictures, and records in the table; the rest stay in the results."""


def diagnoses(source: Source, step: Step) -> Section:
    """Table of diagnoses, and the evidence record by record."""
    found, tally = findings(source, step, MOST_ROWS)
    whole = sum(tally.values())
    words = [f"{tally[label]} {LABELS[label]}" for label in LABELS if tally[label]]
    parts: list[Part] = [_table(step, found)]
    if whole > MOST_ROWS:
        parts.append(
            Note(f"{MOST_ROWS} of {whole:,} records are listed; all are in results/{step.name}.zarr.")
        )
    if whole > MOST_CARDS:
        parts.append(
            Note(
                f"Pictures are shown for {MOST_CARDS} of {whole:,} records: faults first, the surest "
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
        headline=f"{count(whole, 'recording')}: {', '.join(words)}" if whole else "",
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
            note=step.origin(port_fact(step, "speed"), f.record) if f.speed else "",
        )
        bearing = Cell(
            f.bearing or MISSING, note=step.origin(port_fact(step, "bearing"), f.record) if f.bearing else ""
        )
        rows.append(
            (
                Cell(short(f.name, 96), link=anchor),
                Cell(LABELS.get(f.label, f.label), tone=TONES.get(f.label, "quiet")),
                _score(f.score),
                Cell(evidence(f), note=REASONS.get(f.reason, f.reason.replace("_", " "))),
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


def _card(source: Source, step: Step, f: Finding) -> Card:
    values = {
        name: float(step.value(name, f.record))
        for name in ("band_low", "band_high", "explained", "impulsiveness", "detectable_depth")
    }
    band = MISSING
    if math.isfinite(values["band_high"]):
        band = f"{number(values['band_low'] / 1e3)} to {number(values['band_high'] / 1e3)} kHz"
    depth = float(np.nanmax(f.depth)) if np.isfinite(f.depth).any() else math.nan
    facts = [
        ("Shaft, measured", f"{number(f.shaft * 60, 4)} rpm ({number(f.shaft, 4)} Hz)"),
        ("Band with the evidence" if f.suspect else "Band shown", band),
        ("Strongest fault line", quantity(depth, "dB")),
        ("Least detectable", quantity(values["detectable_depth"], "dB")),
        ("Line power explained", percent(values["explained"])),
        ("Impulsiveness", number(values["impulsiveness"])),
    ]
    drawn = [
        order_spectrum(step, f),
        waveform(source, step, f),
        envelope_spectrum(source, step, f),
    ]
    reason = REASONS.get(f.reason, f.reason.replace("_", " "))
    shown = evidence(f)
    lead = reason[0].upper() + reason[1:] + (f": {shown}." if len(f.standing) else ".")
    return Card(
        anchor=f"{step.name}-{f.record}",
        title=short(f.name, 96),
        badge=LABELS.get(f.label, f.label),
        tone=TONES.get(f.label, "quiet"),
        lead=lead,
        facts=tuple((name, value) for name, value in facts if value != MISSING and "nan" not in value),
        pictures=tuple(p for p in drawn if p is not None),
    )


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
