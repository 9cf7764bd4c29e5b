"""The page says what the results say, whole or not, and says it the same way twice."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcflow
from hpcflow.report import (
    bearing,
    bearing_findings,
    page,
    provenance,
    sport_pictures,
    timeline,
    views,
    write_report,
)
from hpcflow.report.parts import Cell, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.run.folder import RunFolder
from hpcflow.slurm.schedule import Job, Schedule, dump_schedule
from hpcflow_kernels.machine.bearing_contracts import DIAGNOSES, REASONS
from tests.report.conftest import HOSTILE, hostile

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Outline(HTMLParser):
    """Tags, attributes and text; every element must be closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def outline(run: RunFolder) -> Outline:
    return Outline(write_report(run).read_text(encoding="utf-8"))


@dataclass
class Made:
    """A run, its page as parts, and as HTML; made once."""

    source: Source
    page: page.Page
    html: str
    outline: Outline

    def section(self, title: str) -> Section:
        return next(s for s in self.page.results if s.title == title)


def made(run: RunFolder) -> Made:
    source = Source.of(run)
    html = write_report(run).read_text(encoding="utf-8")
    return Made(source, page.page_of(source), html, Outline(html))


def texts(table: Table) -> list[list[str]]:
    return [[c.text if isinstance(c, Cell) else c for c in row] for row in table.rows]


def tables(found: Section) -> list[Table]:
    return [p for p in found.parts if isinstance(p, Table)]


@pytest.fixture(scope="module")
def bearings(machines: RunFolder) -> Made:
    return made(machines)


@pytest.fixture(scope="module")
def rides(activities: RunFolder) -> Made:
    return made(activities)


def test_one_file_without_script_or_network(bearings: Made) -> None:
    found = bearings.outline
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    html = bearings.html
    assert "@import" not in html
    assert not re.findall(r"url\((?!#)", html)
    policy = next(a for t, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy["content"])
    assert "cannot be shown" not in html


def test_links_lead_somewhere_and_identifiers_stand_once(bearings: Made, rides: Made) -> None:
    for run in (bearings, rides):
        found = run.outline
        names = [a["id"] for _, a in found.tags if "id" in a]
        assert len(set(names)) == len(names)
        for tag, attributes in found.tags:
            target = attributes.get("href") or ""
            if tag == "a":
                assert target[1:] in names


def test_headings_go_down_one_step_at_a_time(bearings: Made) -> None:
    levels = [int(tag[1]) for tag, _ in bearings.outline.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_same_run_gives_the_same_page(rides: Made) -> None:
    assert write_report(rides.source.folder).read_text(encoding="utf-8") == rides.html


def test_diagnoses_are_those_of_the_results(bearings: Made) -> None:
    truth = next(s for s in bearings.source.steps if s.name == "diagnosis").data
    found = bearings.section("Diagnoses")
    rows = texts(tables(found)[0])
    label = {
        str(n).rpartition("/")[2]: DIAGNOSES[int(v)]
        for n, v in zip(truth["record"].values, truth["diagnosis"].values, strict=True)
    }
    assert len(rows) == len(label)
    by_name = {row[0]: row[1] for row in rows}
    assert by_name["pump-inner.mat"] == "inner race"
    assert by_name["pump-outer.mat"] == "outer race"
    assert by_name["pump-short.mat"] == "uncertain"
    for name in ("pump-inner.mat", "pump-outer.mat", "pump-sound.mat", "pump-short.mat"):
        assert by_name[name] == bearing_findings.LABELS[label[name]]
    ranks = [{"uncertain": 1, "no fault": 2}.get(row[1], 0) for row in rows]
    assert ranks == sorted(ranks)


def test_the_evidence_names_the_line_where_it_stands(bearings: Made) -> None:
    step = next(s for s in bearings.source.steps if s.name == "diagnosis")
    f = next(f for f in bearing_findings.findings(bearings.source, step, 99)[0] if f.name == "pump-outer.mat")
    record = step.labels.index("pump-outer.mat")
    fault = [str(v) for v in step.data["fault"].values].index("outer")
    line = step.data["line_found"].values[record, fault]
    standing = np.flatnonzero(np.isfinite(line))
    assert f.fundamental == pytest.approx(line[standing[0]] / (standing[0] + 1))
    assert abs(f.deviation) < 0.03
    row = next(r for r in tables(bearings.section("Diagnoses"))[0].rows if r[0].text == "pump-outer.mat")
    assert f"BPFO {f.fundamental:.1f}" in row[3].text
    assert row[3].note == bearing_findings.REASONS["fault_lines"]


def test_every_diagnosis_and_reason_has_words_for_people() -> None:
    assert set(bearing_findings.LABELS) == set(DIAGNOSES)
    assert set(bearing_findings.TONES) == set(DIAGNOSES)
    assert set(bearing_findings.REASONS) >= set(REASONS)


def test_the_headline_counts_records_labels_and_what_was_set_aside(bearings: Made) -> None:
    rows = texts(tables(bearings.section("Diagnoses"))[0])
    assert bearings.page.headline.startswith(f"{len(rows)} recordings: ")
    for label in ("inner race", "outer race", "no fault", "uncertain"):
        assert f"{sum(r[1] == label for r in rows)} {label}" in bearings.page.headline
    assert bearings.page.headline.endswith(f"; {len(bearings.source.aside)} set aside.")
    assert len(bearings.source.aside) >= 1
    assert bearings.page.alarm == ""


def test_what_was_set_aside_is_named_with_its_reason(bearings: Made) -> None:
    found = provenance.aside(bearings.source)
    assert found is not None
    rows = dict(texts(tables(found)[0]))
    assert rows == dict(bearings.source.aside)
    assert any("damaged.mat" in name for name in rows)


def test_evidence_has_waveform_order_spectrum_and_envelope_spectrum(bearings: Made) -> None:
    found = bearings.section("Diagnoses")
    cards = {p.title: p for p in found.parts if p.kind == "card"}
    assert len(cards["pump-inner.mat"].pictures) == 3
    order, waveform, envelope = cards["pump-inner.mat"].pictures
    assert "1× BPFI" in order.svg
    assert "Waveform" in waveform.alt
    assert "Hz" in envelope.caption
    assert cards["pump-sound.mat"].pictures[0].caption.endswith("where each fault's line would stand.")


def test_only_so_many_records_have_pictures_and_the_page_says_so(
    bearings: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearing, "MOST_CARDS", 2)
    monkeypatch.setattr(bearing, "MOST_ROWS", 3)
    step = next(s for s in bearings.source.steps if s.name == "diagnosis")
    found = bearing.diagnoses(bearings.source, step)
    assert sum(p.kind == "card" for p in found.parts) == 2
    assert len(tables(found)[0].rows) == 3
    notes = " ".join(p.text for p in found.parts if p.kind == "note")
    assert "Pictures are shown for 2 of" in notes
    assert "3 of" in notes
    links = [row[0].link for row in tables(found)[0].rows]
    assert links[2] == ""


def test_a_recording_that_changed_since_is_not_drawn(
    machines: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source.of(machines)
    step = next(s for s in source.steps if s.name == "diagnosis")
    assert source.recording(step, 0) is not None
    store = source.store("machine").copy()
    store["checksum"] = store["checksum"].copy(data=np.asarray(["other"] * store.sizes["record"], object))
    source._stores["machine"] = store
    assert source.recording(step, 0) is None


def test_sessions_show_dashes_where_nothing_was_measured(rides: Made) -> None:
    found = rides.section("Activities")
    table = tables(found)[0]
    rows = {row[0].note: [c.text if isinstance(c, Cell) else c for c in row] for row in table.rows}
    at = {title: k for k, title in enumerate(table.head)}
    ski = rows["cross-country-skiing_activity_1.tcx"]
    assert [ski[at[t]] for t in ("Power", "Normalised", "Intensity", "Load")] == ["—"] * 4
    assert ski[at["Distance"]] == "5.69 km"
    trainer = rows["sample-activity-indoor-trainer.fit"]
    assert trainer[at["Distance"]] == "—"
    assert trainer[at["Normalised"]] == "228 W"
    assert trainer[at["Time"]] == "37:42"
    assert float(trainer[at["Load"]]) == pytest.approx(50.8, abs=0.2)


def test_a_copy_of_a_ride_is_named_and_not_counted(rides: Made) -> None:
    assert rides.page.headline.startswith("3 activities, ")
    assert rides.page.headline.endswith("1 copy left out.")
    found = provenance.aside(rides.source)
    assert found is not None
    assert "activity_5039744860.gpx" in texts(tables(found)[0])[0][0]


def test_the_power_curve_tells_best_efforts_and_who_holds_them(rides: Made) -> None:
    step = next(s for s in rides.source.steps if s.name == "curve")
    curves = step.data["mean_maximal_power"].values
    at = int(np.flatnonzero(step.data["duration"].values == 300)[0])
    rows = {r[0]: r for r in texts(tables(rides.section("Power curve"))[0])}
    assert rows["5 min"][1] == f"{np.nanmax(curves[:, at]):.0f} W"
    holder = step.ids[int(np.nanargmax(curves[:, at]))]
    assert "Cycling, 2 November 2011" in rows["5 min"][2]
    assert "indoor-trainer" in holder


def test_pauses_are_found_in_the_overview(rides: Made) -> None:
    step = next(s for s in rides.source.steps if s.name == "clean")
    record = next(i for i, name in enumerate(step.ids) if "2020-06-01" in name)
    gap = step.rows("gap", record)
    off = sum(stop - start for start, stop in sport_pictures.away(step, record))
    assert 0 < off <= int((gap >= 2).sum())


def test_any_kernel_gets_pictures_and_tables(toys: RunFolder) -> None:
    source = Source.of(toys)
    found = {s.anchor: s for s in views.sections(source)}
    assert set(found) == {"step-soft", "step-frames", "step-coarse", "step-sums", "step-all"}
    kinds = {anchor: [p.kind for p in s.parts] for anchor, s in found.items()}
    assert "pictures" in kinds["step-frames"]
    assert kinds["step-sums"][0] == "table"
    truth = float(source.steps[-1].data["total"].values)
    assert float(texts(tables(found["step-all"])[0])[0][1].replace(",", "")) == pytest.approx(truth, rel=1e-3)
    sums = {row[0]: row[1] for row in texts(tables(found["step-sums"])[0])}
    assert list(sums.values()).count("—") == 1
    assert "cannot be shown" not in write_report(toys).read_text(encoding="utf-8")


def test_rows_stand_along_the_field_that_says_where(tmp_path: Path) -> None:
    """Bins of a spectrum by their frequency, lags by their length; both have no time."""
    t = np.arange(2000) / 1000
    x, y = np.sin(2 * np.pi * 125 * t), np.sin(2 * np.pi * 125 * (t - 0.002))
    table = np.column_stack([t, x, y])
    np.savetxt(tmp_path / "a.csv", table, delimiter=",", header="time [s],x [m],y [m]", comments="")
    (tmp_path / "w.yaml").write_text(
        """
hpcflow: 1
name: rows
datasets: {made: {files: "*.csv", reader: csv}}
steps:
  bins: {kernel: long_spectrum, input: made.x}
  lags: {kernel: pair_correlations, input: [made.x, made.y], with: {max_lag: 10 ms}}
save: [bins, lags]
"""
    )
    run = hpcflow.load(tmp_path / "w.yaml").run(runs=tmp_path / "runs")
    source = Source.of(RunFolder.at(run.path))
    steps = {step.name: step for step in source.steps}
    assert [steps[name].ruler.name for name in ("bins", "lags")] == ["frequency", "lag"]
    places = steps["bins"].places(0)
    assert places[np.argmax(steps["bins"].rows("amplitude", 0))] == pytest.approx(125)
    page = run.report().read_text()
    assert "frequency, Hz" in page
    assert "lag, s" in page
    assert "along frequency for 1 record" in page


def test_hostile_names_stay_text(toys: RunFolder) -> None:
    found = outline(toys)
    assert "script" not in {tag for tag, _ in found.tags}
    assert "img" not in {tag for tag, _ in found.tags}
    assert "<script>alert(1)</script>" in found.text
    assert '"><img src=x onerror=alert(2)>' in found.text
    assert "{{ 7 * 7 }}" in found.text
    assert "⟨U+202E⟩" in found.text
    html = toys.report_file.read_text(encoding="utf-8")
    for character in ("\u202e", "\x00", "\x1b", "\x07"):
        assert character not in html
    assert HOSTILE[3] not in html


def test_a_run_that_is_not_complete_has_a_page_that_says_so(tmp_path: Path, toy_kernels: None) -> None:
    run = hostile(tmp_path)
    found = outline(run)
    assert "not complete" in found.text
    assert "Not computed yet" in found.text
    assert "Nothing has been computed" in found.text


def test_failed_blocks_are_told(tmp_path: Path, toy_kernels: None) -> None:
    from hpcflow.run.ledger import Ledger

    run = hostile(tmp_path)
    stage = run.cut["stages"][0]["name"]
    Ledger(run).fail(stage, 0, "OSError: <b>disk</b> full")
    found = outline(run)
    assert "1 block of" in found.text
    assert "OSError: <b>disk</b> full" in found.text


def test_a_picture_that_fails_never_costs_the_report(
    toys: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(source: Source, step: Step) -> Section:
        raise ZeroDivisionError("in a user's view")

    monkeypatch.setitem(views.VIEWS, "summed", broken)
    text = outline(toys).text
    assert "cannot be shown (ZeroDivisionError: in a user's view)" in text
    assert "results/sums.zarr" in text


def test_settings_parameters_and_the_workflow_are_shown(bearings: Made) -> None:
    text = bearings.outline.text
    for part in ("low 2 kHz", "window 1 s", "overlap 50 %", "version", "What was decided", "share one read"):
        assert part in text
    for line in bearings.source.folder.workflow_file.read_text().splitlines():
        assert line in text


def test_facts_tell_where_they_came_from(bearings: Made) -> None:
    found = provenance.provenance(bearings.source)
    table = next(t for t in tables(found) if t.head[0] == "Recording")
    row = next(r for r in table.rows if r[0].text == "pump-outer.mat")
    speed = row[table.head.index("speed")]
    assert (speed.text, speed.note) == ("25 Hz", "index")
    store = bearings.source.store("machine")
    index = next(i for i, v in enumerate(store["record"].values) if str(v).endswith("/pump-outer.mat"))
    assert str(store["checksum"].values[index])[:12] in row[0].note


def test_positions_are_not_given_away_by_facts(rides: Made) -> None:
    step = next(s for s in rides.source.steps if s.name == "session")
    text = rides.outline.text
    for record in range(len(step.ids)):
        print_ = step.fact("fingerprint", record)
        if print_:
            assert str(print_)[:40] not in text


def test_time_and_efficiency_follow_from_the_receipts(machines: RunFolder) -> None:
    source = Source.of(machines)
    found = timeline.spans(source)
    receipts = [r for s in source.ledger.stages for r in source.ledger.receipts(s) if "worker" in r]
    assert len(found) == len(receipts)
    assert sum(s.stop - s.start for s in found) == pytest.approx(
        sum(r["seconds"] for r in receipts), abs=1e-5
    )
    assert timeline.most_at_once(found) == 1
    made = timeline.timeline(source)
    names = [name for _, name in made.parts[0].items]
    assert any("peak memory" in name for name in names)


def test_jobs_are_shown_with_their_reasons(tmp_path: Path, toy_kernels: None) -> None:
    from hpcflow.run.ledger import append

    run = hostile(tmp_path)
    stage = run.cut["stages"][0]["name"]
    job = Job(
        name="ingest",
        stages=(stage,),
        after=(),
        upstream=(),
        blocks=1,
        elements=3,
        waves=((0, 3),),
        partition="small",
        cpus=8,
        workers=4,
        memory_per_worker=2**30,
        memory=4 * 2**30,
        seconds=1800,
        warn_seconds=60,
        reasons=("cheapest <b>that fits</b>",),
    )
    schedule = Schedule("lumi", "23.11", "01234567", "project_1", (job,), None, 0, ("one reason",))
    run.schedules.mkdir(exist_ok=True)
    (run.schedules / "lumi.json").write_text(json.dumps(dump_schedule(schedule)))
    (run.schedules / "torn.json").write_text("{")
    receipt = {"stage": stage, "blocks": [0, 1], "seconds": 3600.0, "samples": 1, "computed": 1, "reused": 0}
    receipt |= {"worker": "node-1", "host": "n", "end": 1e9, "memory_bytes": 1}
    append(run.receipts / "node-1.jsonl", receipt)
    text = outline(run).text
    for part in ("Jobs on lumi", "cheapest <b>that fits</b>", "3 × 4", "30 min", "one reason"):
        assert part in text
    assert "2 cores a worker" in text
    assert "2 h" in text


def span(stage: str, worker: str, start: float, stop: float) -> timeline.Span:
    return timeline.Span(stage, worker, start, stop)


def test_workers_at_once_and_standstills() -> None:
    found = [
        span("a", "1", 0, 10),
        span("a", "2", 5, 12),
        span("b", "3", 4000, 4010),
        span("b", "3", 4012, 4020),
    ]
    assert timeline.most_at_once(found) == 2
    assert timeline.standstills(found) == [timeline.Standstill(12, 4000)]
    assert timeline.standstills(found[:2]) == []
    assert timeline.standstills([]) == []


def test_many_receipts_become_few_bars_over_the_same_time() -> None:
    found = [span("a", str(k % 4), k * 0.1, k * 0.1 + 0.09) for k in range(20_000)]
    bars = timeline.joined(found, 500)
    assert len(bars) <= 500
    assert min(b.start for b in bars) == found[0].start
    assert max(b.stop for b in bars) == found[-1].stop
    assert {b.worker for b in bars} == {"0", "1", "2", "3"}


def test_command_line_writes_it(machines: RunFolder) -> None:
    from typer.testing import CliRunner

    from hpcflow.cli.main import app

    machines.report_file.unlink(missing_ok=True)
    outcome: Any = CliRunner().invoke(app, ["report", str(machines.path)])
    assert outcome.exit_code == 0, outcome.output
    assert machines.report_file.is_file()
    assert str(machines.report_file) in outcome.output.replace("\n", "")
