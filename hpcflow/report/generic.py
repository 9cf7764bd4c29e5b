"""Pictures and tables that fit any kernel's outputs, by the shape of each field alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.plan.model import FieldPlan
from hpcflow.report import figure as fig
from hpcflow.report.parts import Cell, Note, Part, Picture, Pictures, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, clean, count, number, quantity, short, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RECORDS, MOST_LINES, MOST_MAPS, MOST_FIELDS = 100, 40, 6, 12
"""Records in tables; lines in one picture; records with a heat map each; fields with a picture."""
MOST_TICKS = 12
"""Values of a dimension that are each named on an axis."""
WIDE_RANGE = 30.0
"""Ratio of large to small values of a map from which on its colours stand for decades."""
NAMED = 4
"""Lines that get a colour and a name of their own."""


def anything(source: Source, step: Step) -> Section:
    """A section for a step of any kernel."""
    if step.plan.pattern == "reduce":
        parts = _overall(step)
    elif step.in_time:
        parts = _in_time(source, step)
    else:
        parts = _per_record(source, step)
    if not parts:
        parts = [Note("No record has a value here: the reasons are under what was left out.")]
    return Section(f"step-{step.name}", f"{step.name}: {step.plan.kernel.replace('_', ' ')}", tuple(parts))


def label(field: FieldPlan, limit: int = 60) -> str:
    """A field's name and unit for an axis or a column."""
    unit = units(field.units)
    return short(field.name.replace("_", " "), limit) + (f", {unit}" if unit else "")


def _scalars(step: Step) -> list[FieldPlan]:
    return [f for f in step.plan.fields if not f.dims]


def _overall(step: Step) -> list[Part]:
    """One result over all records."""
    parts: list[Part] = []
    rows: list[tuple[Cell | str, ...]] = []
    for field in _scalars(step):
        value = step.words(field.name)[0] if field.flags else _shown(step.values(field.name), field.units)
        rows.append((Cell(field.name.replace("_", " "), note=field.long_name), value or MISSING))
    if rows:
        parts.append(Table(("Quantity", "Value"), tuple(rows), numbers=(1,)))
    drawn = []
    for field in [f for f in step.plan.fields if len(f.dims) == 1][:MOST_FIELDS]:
        picture = _curve(step, field, [("", step.values(field.name).astype(float))])
        drawn += [picture] if picture else []
    return [*parts, *([Pictures(tuple(drawn))] if drawn else []), *_statistics(step, 2)]


def _shown(value: np.ndarray, unit: str) -> str:
    return quantity(float(value), unit, 4) if np.ndim(value) == 0 else MISSING


def _per_record(source: Source, step: Step) -> list[Part]:
    """One row per record."""
    parts: list[Part] = []
    scalars = _scalars(step)
    if scalars:
        shown = scalars[:MOST_FIELDS]
        columns = [_column(step, f) for f in shown]
        rows: list[tuple[Cell | str, ...]] = []
        for record, name in enumerate(step.ids[:MOST_RECORDS]):
            aside = source.set_aside.get(name, "")
            rows.append(
                (
                    Cell(short(step.labels[record], 96), note=f"set aside: {aside}" if aside else ""),
                    *(c[record] for c in columns),
                )
            )
        numbers = tuple(i + 1 for i, f in enumerate(shown) if not f.flags)
        parts.append(Table(("Record", *(label(f) for f in shown)), tuple(rows), numbers=numbers))
        parts += _left_out(len(step.ids), MOST_RECORDS, "record")
        parts += _left_out(len(scalars), MOST_FIELDS, "field")
    drawn: list[Picture] = []
    for field in [f for f in step.plan.fields if len(f.dims) == 1 and not f.flags][:MOST_FIELDS]:
        values = step.values(field.name).astype(float)
        few = len(step.ids) <= MOST_LINES
        lines = [(name, values[i]) for i, name in enumerate(step.labels) if np.isfinite(values[i]).any()]
        if few:
            drawn += [p for p in [_curve(step, field, lines)] if p]
        else:
            drawn.append(_heat(values, field, "record", f"{field.long_name or field.name} of every record"))
    return [*parts, *([Pictures(tuple(drawn))] if drawn else []), *_statistics(step, 2)]


def _column(step: Step, field: FieldPlan) -> list[str]:
    if field.flags:
        return [w.replace("_", " ") or MISSING for w in step.words(field.name)]
    return [number(float(v), 4) for v in step.values(field.name).astype(float)]


def _left_out(there: int, shown: int, noun: str) -> list[Part]:
    return [Note(f"{shown} of {count(there, noun)} are shown.")] if there > shown else []


def _in_time(source: Source, step: Step) -> list[Part]:
    """Rows along an axis of their own."""
    drawn: list[Picture] = []
    for field in [f for f in _scalars(step) if not f.flags and f != step.ruler][:MOST_FIELDS]:
        picture = over_time(source, step, field)
        drawn += [picture] if picture else []
    for field in [f for f in step.plan.fields if len(f.dims) == 1 and not f.flags][:MOST_FIELDS]:
        drawn += maps(source, step, field)
    parts: list[Part] = [Pictures(tuple(drawn))] if drawn else []
    parts += _flag_counts(source, step)
    return [*parts, *_left_out(len(step.ids), MOST_LINES, "record"), *_statistics(step, 2)]


def over_time(source: Source, step: Step, field: FieldPlan, limits: tuple[float, ...] = ()) -> Picture | None:
    """A scalar of every record over time: the records that stand out in colour and named, the rest thin."""
    lines = []
    for record, name in enumerate(step.ids[:MOST_LINES]):
        y = step.rows(field.name, record).astype(float)
        if name not in source.set_aside and np.isfinite(y).any():
            lines.append((step.labels[record], step.places(record), y))
    if not lines:
        return None
    named = sorted(lines, key=lambda line: -float(np.nanmedian(line[2])))[:NAMED]
    colours = {name: fig.SERIES[i] for i, (name, _, _) in enumerate(named)}

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for name, x, y in lines:
            colour = colours.get(name, fig.MUTED)
            mark = "o" if len(y) == 1 else None
            axes.plot(
                *fig.envelope(x, y, 600),
                color=colour,
                linewidth=1.3 if name in colours else 0.7,
                alpha=1 if name in colours else 0.6,
                marker=mark,
                markersize=3,
            )
        for limit in limits:
            axes.axhline(limit, color=fig.MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.set_xlabel(_across(step))
        axes.set_ylabel(label(field))
        if len(lines) > 1:
            _legend(axes, [(short(name, 30), colours[name]) for name, _, _ in named], len(lines) - len(named))

    across = "time" if step.ruler is None else step.ruler.name
    alt = f"{field.long_name or field.name} along {across} for {count(len(lines), 'record')}"
    caption = (field.long_name or field.name.replace("_", " ")).rstrip(".")
    return fig.picture(draw, clean(alt), caption[0].upper() + caption[1:] + ".", size=(fig.NARROW, 250))


def _across(step: Step) -> str:
    """What the rows of a record stand along."""
    if step.ruler is not None:
        return label(step.ruler)
    return "s" if step.timed else step.plan.axis


def _legend(axes: Axes, names: list[tuple[str, str]], others: int) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linewidth=2) for _, colour in names]
    texts = [name for name, _ in names]
    if others > 0:
        handles.append(Line2D([], [], color=fig.MUTED, linewidth=0.8))
        texts.append(count(others, "other record"))
    axes.legend(
        handles, texts, loc="lower left", bbox_to_anchor=(0, 1), ncols=1, handlelength=1.2, borderaxespad=0.2
    )


def _tick(value: object) -> str:
    return number(float(value), 4) if isinstance(value, int | float) else short(str(value), 14)


def _numeric(values: tuple[object, ...]) -> bool:
    return all(isinstance(v, int | float) for v in values)


def _curve(step: Step, field: FieldPlan, lines: list[tuple[str, np.ndarray]]) -> Picture | None:
    """Lines along the one inner dimension of a field."""
    lines = [(name, y) for name, y in lines if np.ndim(y) == 1 and np.isfinite(y).any()]
    if not lines:
        return None
    dim, coordinate, unit = field.dims[0]
    numeric = _numeric(coordinate)
    x = np.asarray(coordinate, float) if numeric else np.arange(len(coordinate), dtype=float)
    named = sorted(lines, key=lambda line: -float(np.nanmax(line[1])))[:NAMED]
    colours = {name: fig.SERIES[i] for i, (name, _) in enumerate(named)}
    log = numeric and len(x) > 4 and x[0] > 0 and x[-1] / x[0] > 200

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for name, y in lines:
            colour = colours.get(name, fig.MUTED)
            axes.plot(
                x,
                y,
                color=colour,
                linewidth=1.2 if name in colours else 0.7,
                marker="" if len(x) > 12 else "o",
                markersize=3,
            )
        if log:
            axes.set_xscale("log")
            _plain_log(axes, x)
        if not numeric:
            axes.set_xticks(x[:12], [_tick(c) for c in coordinate[:12]], rotation=30, ha="right")
        axes.set_xlabel(f"{dim.replace('_', ' ')}, {units(unit)}".rstrip(", "))
        axes.set_ylabel(label(field))
        if len(lines) > 1:
            _legend(axes, [(short(n, 30), colours[n]) for n, _ in named], len(lines) - len(named))

    what = field.long_name or field.name
    return fig.picture(
        draw, clean(f"{what} by {dim}"), what[0].upper() + what[1:] + ".", size=(fig.NARROW, 250)
    )


def _plain_log(axes: Axes, x: np.ndarray) -> None:
    axes.set_xticks(*_decades(x[0], x[-1]))
    axes.minorticks_off()


def _decades(low: float, high: float) -> tuple[np.ndarray, list[str]]:
    """Powers of ten around a range and what to write at them."""
    decades = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return decades, [number(float(d)) for d in decades]


def maps(source: Source, step: Step, field: FieldPlan) -> list[Picture]:
    """Rows by the inner dimension, one map per record."""
    drawn: list[Picture] = []
    for record, name in enumerate(step.ids):
        if len(drawn) == MOST_MAPS:
            break
        if name in source.set_aside or step.size(record) == 0:
            continue
        values = step.rows(field.name, record).astype(float)
        if np.isfinite(values).any():
            places = step.places(record)
            first = 0.0 if step.ruler is None else float(places[0])
            last = float(places[-1]) if step.ruler is not None or step.timed else float(len(values))
            drawn.append(_heat(values, field, _across(step), short(step.labels[record]), (first, last)))
    return drawn


def _heat(
    values: np.ndarray, field: FieldPlan, across: str, caption: str, ends: tuple[float, float] | None = None
) -> Picture:
    """A map of (rows, inner) values, rows along x."""
    dim, coordinate, unit = field.dims[0]
    numeric = _numeric(coordinate) and len(coordinate) > MOST_TICKS and _even(coordinate)
    small = _shrink(_shrink(values, 300, 0), 200, 1)
    # quantities with names and without a unit have nothing in common that a colour could stand for
    apart = not _numeric(coordinate) and field.units in ("", "1")
    if apart:
        small = _each_by_its_range(small)
    known = small[np.isfinite(small)]
    low, high = (float(np.quantile(known, q)) for q in (0.01, 0.99))
    density = field.units.endswith("Hz-1")
    wide = known.min() >= 0 and low > 0 and (density or high / low > WIDE_RANGE) and high > low
    bottom, top = (float(coordinate[0]), float(coordinate[-1])) if numeric else (-0.5, len(coordinate) - 0.5)
    start, stop = ends if ends is not None and ends[1] > ends[0] else (0.0, float(len(values)))
    height = 250 if numeric else max(250, 70 + 15 * min(len(coordinate), MOST_LINES))

    def draw(figure: Figure) -> None:
        from matplotlib.colors import LogNorm, Normalize

        axes = figure.add_subplot()
        image = axes.imshow(
            np.clip(small, low, None).T if wide else small.T,
            aspect="auto",
            origin="lower",
            cmap="viridis",
            norm=LogNorm(low, high) if wide else Normalize(low, high if high > low else low + 1),
            extent=(start, stop, bottom, top if top > bottom else bottom + 1),
            interpolation="nearest",
        )
        axes.grid(False)
        axes.set_xlabel(across)
        axes.set_ylabel(f"{dim.replace('_', ' ')}, {units(unit)}".rstrip(", "))
        if not numeric:
            every = math.ceil(len(coordinate) / MOST_LINES)
            axes.set_yticks(range(0, len(coordinate), every), [_tick(c) for c in coordinate[::every]])
        bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.06)
        bar.outline.set_visible(False)
        bar.set_label("each by its own range" if apart else label(field))
        if wide:
            ticks = [d for d in _decades(low, high)[0] if low <= d <= high]
            ticks = ticks if len(ticks) > 1 else [low, high]
            bar.set_ticks(ticks, labels=[number(tick, 2) for tick in ticks])
            bar.minorticks_off()

    what = clean(f"{field.long_name or field.name}: {caption}")
    return fig.picture(draw, f"Map of {what}", what, size=(fig.NARROW, height))


def _even(coordinate: tuple[object, ...]) -> bool:
    """Whether values stand evenly apart; those of octave bands do not, and get a row each.

    >>> _even((0.0, 0.5, 1.0)), _even((63.0, 125.0, 250.0))
    (True, False)
    """
    apart = np.diff(np.asarray(coordinate, float))
    return bool(np.ptp(apart) <= 0.01 * np.abs(apart).max())


def _each_by_its_range(values: np.ndarray) -> np.ndarray:
    """Columns from 0 at their smallest to 1 at their largest value; those that do not change are 0.

    >>> _each_by_its_range(np.array([[1.0, 5.0, 2.0], [3.0, 5.0, np.nan]]))
    array([[ 0.,  0.,  0.],
           [ 1.,  0., nan]])
    """
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(axis=0)
    span = np.where(known, values, -np.inf).max(axis=0) - low
    scaled: np.ndarray = np.divide(
        values - low, span, out=np.where(known, 0.0, np.nan), where=known & (span > 0)
    )
    return scaled


def _shrink(values: np.ndarray, most: int, axis: int) -> np.ndarray:
    """Means of neighbours along an axis, so that a map has no more points than it can show."""
    size = values.shape[axis]
    if size <= most:
        return values
    edges = np.linspace(0, size, most + 1).astype(np.int64)
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0), edges[:-1], axis=axis)
    amount = np.add.reduceat(known.astype(np.int64), edges[:-1], axis=axis)
    means: np.ndarray = np.divide(total, amount, out=np.full(total.shape, np.nan), where=amount > 0)
    return means


def _flag_counts(source: Source, step: Step) -> list[Part]:
    """How often each word of a category occurs, record by record."""
    parts: list[Part] = []
    for field in [f for f in _scalars(step) if f.flags]:
        rows: list[tuple[Cell | str, ...]] = []
        for record, name in enumerate(step.ids[:MOST_RECORDS]):
            if name in source.set_aside:
                continue
            codes = np.nan_to_num(step.rows(field.name, record).astype(float), nan=-1).astype(int)
            counts = [int((codes == k).sum()) for k in range(len(field.flags))]
            rows.append((short(step.labels[record], 96), *(f"{c:,}" for c in counts)))
        head = ("Record", *(f.replace("_", " ") for f in field.flags))
        parts.append(
            Table(
                head,
                tuple(rows),
                tuple(range(1, len(head))),
                caption=f"{field.long_name or field.name}: rows",
            )
        )
    return parts


def _statistics(step: Step, least_dims: int) -> list[Part]:
    """Fields of more dimensions than a picture has: what they hold, in numbers."""
    rows: list[tuple[Cell | str, ...]] = []
    for field in [f for f in step.plan.fields if len(f.dims) >= least_dims]:
        array = step.data[field.name]
        shape = " × ".join(f"{name} {size:,}" for name, size in zip(array.dims, array.shape, strict=True))
        values = np.asarray(array.values, float) if array.size <= 20_000_000 else np.zeros(0)
        known = values[np.isfinite(values)]
        low, high = (
            (number(float(known.min())), number(float(known.max()))) if len(known) else (MISSING, MISSING)
        )
        rows.append((Cell(field.name, note=field.long_name), shape, low, high, units(field.units)))
    if not rows:
        return []
    return [Table(("Field", "Shape", "Smallest", "Largest", "Units"), tuple(rows), numbers=(2, 3))]
