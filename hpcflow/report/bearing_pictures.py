"""Evidence of a bearing diagnosis, drawn: spectrum by shaft order, waveform, envelope spectrum in hertz."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.bearing_findings import LINES, Finding, evidence
from hpcflow.report.parts import Picture
from hpcflow.report.source import Recording, Source, Step
from hpcflow.report.text import clean, count, number, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEARCHED = 1 << 19
"""Samples from a record's middle among which the excerpt is chosen."""
COLOURS = {"inner": fig.RED, "outer": fig.AMBER, "rolling": fig.PURPLE}


def order_spectrum(step: Step, f: Finding) -> Picture | None:
    if "spectrum" not in step or not math.isfinite(f.shaft):
        return None
    spectrum = step.value("spectrum", f.record).astype(float)
    background = step.value("background", f.record).astype(float)
    order = np.asarray(step.data["order"].values, float)
    if not np.isfinite(spectrum).any():
        return None
    end = float(order[np.isfinite(spectrum)].max())
    found, expected = f.found / f.shaft, f.expected / f.shaft
    detectable = float(step.value("detectable_depth", f.record))
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
    alt = f"Spectrum of the envelope of {clean(f.name)} by shaft order; {evidence(f)}"
    return fig.picture(draw, alt, caption, size=size, narrow=phone, margins=fig.PLAIN)


def _sideband_spacing(f: Finding) -> float:
    """Distance of sidebands, in shaft orders: what turns through the load zone; 0 where unknown."""
    if f.suspect in ("inner", "outer"):
        return 1.0
    if f.suspect == "rolling" and f.bearing:
        from hpcflow_kernels.machine.bearing_geometry import UnknownBearingError, multiples_of

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


def waveform(source: Source, step: Step, f: Finding) -> Picture | None:
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


def envelope_spectrum(source: Source, step: Step, f: Finding) -> Picture | None:
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
    alt = f"Envelope spectrum of {clean(f.name)} in hertz; {evidence(f)}"
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
