"""Where everything came from: files with checksums, facts with origins, versions; and what was set aside."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from hpcflow._version import __version__
from hpcflow.plan.model import DatasetPlan
from hpcflow.report.parts import Cell, Note, Part, Section, Table
from hpcflow.report.source import Source
from hpcflow.report.text import MISSING, clean, count, number, quantity, short, units, without_folder

MOST_RECORDS, MOST_FACTS = 200, 24
"""Records and facts that are listed."""
MOST_TEXT = 40
"""Letters of a fact that is worth listing; longer ones are fingerprints and the like."""


def provenance(source: Source) -> Section:
    """Datasets, recordings, facts, kernels."""
    parts: list[Part] = []
    for dataset in source.cut.datasets:
        parts += _dataset(source, dataset)
    parts += [Note(text) for text in _devices(source)]
    lead = f"Run {source.cut.id[:16]}, hpcflow {__version__}. "
    lead += "The same workflow on the same recordings has the same id."
    return Section("provenance", "Where it came from", tuple(parts), lead=lead, detail=True)


def _devices(source: Source) -> list[str]:
    """What computed beside the processors, by the receipts of each stage."""
    found = []
    for stage in source.cut.stages:
        devices = sorted({str(r["device"]) for r in source.ledger.receipts(stage.name) if r.get("device")})
        if devices:
            steps = [s for s in stage.steps if source.cut.step(s).backend != "cpu"]
            found.append(f"Computed by {'; '.join(devices)}: {', '.join(steps)}.")
    return found


def _dataset(source: Source, dataset: DatasetPlan) -> list[Part]:
    request = source.folder.request.get("datasets", {}).get(dataset.name, {})
    data = source.store(dataset.name)
    about = f"Dataset {dataset.name}: {count(dataset.live, 'recording')}, {count(dataset.recorded, 'sample')}"
    about += f", record table {dataset.table[:12]}"
    about += f", stored in {request['store']}." if request.get("store") else "."
    parts: list[Part] = [Note(about)]
    if data is None or "row_size" not in data or "checksum" not in data:
        return [
            *parts,
            Note("Its store cannot be opened any more, so its recordings are not listed.", tone="warn"),
        ]
    ids = [str(v) for v in data["record"].values]
    labels = without_folder(ids)
    live = np.flatnonzero(np.asarray(data["status"].values) == 0)
    used = sorted(
        {
            i.field
            for s in source.cut.steps
            for i in s.inputs
            if i.kind == "fact" and i.source == dataset.name and i.field
        }
    )
    facts = [f for f in used if f"fact_{f}" in data]
    rows: list[tuple[Cell | str, ...]] = []
    for i in live[:MOST_RECORDS]:
        rate = float(data["rate"].values[i])
        cells = [_fact(data, name, int(i)) for name in facts]
        rows.append(
            (
                Cell(short(labels[i], 96), note=f"sha256 {str(data['checksum'].values[i])[:12]}"),
                f"{int(data['row_size'].values[i]):,}",
                quantity(rate, "s-1", 5),
                *cells,
            )
        )
    head = ("Recording", "Samples", "Rate", *(f.replace("_", " ") for f in facts))
    caption = "Recordings; below each fact, where it came from: the index, the file's header, or a default"
    parts.append(Table(head, tuple(rows), numbers=(1, 2), caption=caption, folded=len(rows) > 12))
    if len(live) > MOST_RECORDS:
        parts.append(Note(f"{MOST_RECORDS} of {count(len(live), 'recording')} are listed."))
    others = _other_facts(data, live, set(facts))
    return [*parts, *([others] if others else [])]


def _fact(data: Any, name: str, record: int) -> Cell:
    origin = _origins(data, name)[record] if f"origin_{name}" in data else "missing"
    if origin == "missing":
        return Cell(MISSING)
    column = data[f"fact_{name}"]
    value = column.values[record]
    if column.dtype.kind in "fiu":
        return Cell(quantity(float(value), str(column.attrs.get("units", "1")), 5), note=origin)
    return Cell(short(str(value), 60), note=origin)


def _origins(data: Any, name: str) -> list[str]:
    column = data[f"origin_{name}"]
    words = str(column.attrs.get("flag_meanings", "")).split()
    return [words[c] if 0 <= c < len(words) else "missing" for c in np.asarray(column.values).astype(int)]


def _other_facts(data: Any, live: np.ndarray, shown: set[str]) -> Table | None:
    """Facts that no step used, summed up."""
    names = sorted(str(n).removeprefix("fact_") for n in data.variables if str(n).startswith("fact_"))
    rows: list[tuple[Cell | str, ...]] = []
    for name in [n for n in names if n not in shown][:MOST_FACTS]:
        if f"origin_{name}" not in data:
            continue
        origins = [o for i, o in enumerate(_origins(data, name)) if i in set(live.tolist())]
        tally = Counter(o for o in origins if o != "missing")
        if not tally:
            continue
        values = [
            v for v, o in zip(data[f"fact_{name}"].values[live], origins, strict=True) if o != "missing"
        ]
        if data[f"fact_{name}"].dtype.kind in "fiu":
            unit = str(data[f"fact_{name}"].attrs.get("units", "1"))
            low, high = number(float(min(values)), 4), number(float(max(values)), 4)
            text = f"{low} to {high} {units(unit)}".strip() if low != high else f"{low} {units(unit)}".strip()
        else:
            distinct = sorted({str(v) for v in values})
            more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""
            text = ", ".join(clean(d) for d in distinct[:3]) + more
            if max(map(len, distinct)) > MOST_TEXT:
                text = count(len(distinct), "long text")
        known = ", ".join(
            f"{n} from {'the ' if o != 'default' else 'a '}{o}" for o, n in sorted(tally.items())
        )
        rows.append((name.replace("_", " "), text, known))
    if not rows:
        return None
    return Table(
        ("Fact", "Values", "Known for"), tuple(rows), caption="Other facts of the recordings", folded=True
    )


def aside(source: Source) -> Section | None:
    """Everything that was set aside, and copies that count once."""
    parts: list[Part] = []
    if source.aside:
        rows = tuple((short(name, 96), reason) for name, reason in source.aside[:MOST_RECORDS])
        parts.append(Table(("Recording or file", "Why"), rows, caption="Set aside"))
        if len(source.aside) > MOST_RECORDS:
            parts.append(Note(f"{MOST_RECORDS} of {len(source.aside):,} are listed."))
    if source.duplicates:
        rows = tuple((short(name, 96), reason) for name, reason in source.duplicates[:MOST_RECORDS])
        parts.append(Table(("File", "Why"), rows, caption="Not counted a second time"))
        if len(source.duplicates) > MOST_RECORDS:
            parts.append(Note(f"{MOST_RECORDS} of {len(source.duplicates):,} are listed."))
    if not parts:
        return None
    return Section("aside", "What was left out", tuple(parts))
