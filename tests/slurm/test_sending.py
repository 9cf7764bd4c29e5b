"""Submission without a controller: records, lost answers, gates, retries, stops; on a Slurm that errs."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from hpcflow.errors import RequestError, SlurmError, StoreError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import append
from hpcflow.site import load_site
from hpcflow.slurm import client, gate, sending
from hpcflow.slurm.compile import compile_run, read_schedule, schedule_file
from hpcflow.slurm.gate import Decision, Facts, decide, run_gate
from hpcflow.slurm.jobs import Options, StageNeed
from hpcflow.slurm.schedule import Schedule, submissions, token
from hpcflow.slurm.script import Place
from hpcflow.slurm.sending import cancel, new_epoch, records, submit
from hpcflow.slurm.status import status
from tests.slurm.fake import FakeSlurm
from tests.slurm.stub_run import make_run


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MESSAGE_TIMEOUT", 0.0)
    monkeypatch.setattr(client.submit_job, "__kwdefaults__", {
        **(client.submit_job.__kwdefaults__ or {}), "settle": 0.0,
    })  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunFolder, Schedule]:
    """Two stages of eight blocks, each an array of four, two to a wave."""
    return build(tmp_path, {"one": 8, "two": 8}, Options(elements=4, wave=2, workers=4))


def build(tmp_path: Path, stages: dict[str, int], options: Options) -> tuple[RunFolder, Schedule]:
    folder = make_run(tmp_path / "a run", stages)
    names = list(stages)
    needs = [
        StageNeed(n, stages[n], tuple(names[max(0, i - 1) : i]), 2**26, 0.1, 1.0) for i, n in enumerate(names)
    ]
    return folder, compile_run(
        folder, needs, load_site("mini-lumi"), options, Place(str(folder.path), "/usr/bin/python3", (), "0")
    )


def do(folder: RunFolder, stage: str, *blocks: int) -> None:
    for block in blocks:
        append(folder.receipts / "w.jsonl", {"stage": stage, "blocks": [block, block + 1]})


def fail(folder: RunFolder, stage: str, block: int) -> None:
    append(
        folder.receipts / "w.jsonl", {"stage": stage, "blocks": [block, block + 1], "failed": "ValueError: x"}
    )


def short(fake: FakeSlurm) -> list[str]:
    return [job["name"].split("-", 2)[2] for job in fake.jobs()]


def test_compile_writes_what_submit_reads(run: tuple[RunFolder, Schedule]) -> None:
    folder, schedule = run
    assert read_schedule(schedule_file(folder, "mini-lumi")) == schedule
    assert {file.name for file in folder.jobs.iterdir()} == {"one.sh", "two.sh", "gate.sh"}
    assert os.access(folder.submit_script, os.X_OK)


def test_compiling_again_gives_the_same_bytes_and_leaves_no_old_script(tmp_path: Path) -> None:
    folder, _ = build(tmp_path, {"one": 8, "two": 8}, Options(elements=4))
    first = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    build(tmp_path, {"one": 8, "two": 8}, Options(elements=4))
    assert first == {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    build(tmp_path, {"one": 8, "two": 8}, Options())
    assert {file.name for file in folder.jobs.iterdir()} == {"all.sh", "gate.sh"}


def test_a_schedule_that_is_missing_or_damaged_says_so(run: tuple[RunFolder, Schedule]) -> None:
    folder, _ = run
    file = schedule_file(folder, "mini-lumi")
    for text in ("{", "[]", '{"schema": "hpcflow.schedule/0"}'):
        file.write_text(text)
        with pytest.raises(StoreError):
            read_schedule(file)
    file.unlink()
    with pytest.raises(RequestError, match="compile the run first"):
        read_schedule(file)


def test_what_fits_the_queue_is_sent_with_dependencies(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    folder, schedule = run
    sent = submit(folder, schedule)
    assert short(fake) == ["e1-one-w1-a1", "e1-one-w1-a1-gate"]
    assert fake.jobs()[0]["array"] == [0, 1]
    assert fake.jobs()[1]["after"] == f"afterany:{sent[0].job_id}"
    assert fake.jobs()[0]["arguments"] == ["1", "1", "4", "0"]
    assert {r.job_id for r in records(folder, 1).values()} == {job["id"] for job in fake.jobs()}


def test_submitting_twice_sends_nothing_twice(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    submit(*run)
    assert submit(*run) == []
    assert len(fake.jobs()) == 2


def test_a_submission_that_broke_off_is_completed(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    """Killed between sbatch and its answer: the record is empty, the job is there."""
    folder, schedule = run
    submit(folder, schedule)
    first, second = sorted(records(folder, 1))
    (sending.records_folder(folder, 1) / first).write_text("")
    (sending.records_folder(folder, 1) / second).unlink()
    fake.forget(second)
    sent = submit(folder, schedule)
    assert [job.name for job in sent] == [second]
    assert records(folder, 1)[first].job_id == fake.job(first)["id"]
    assert fake.job(second)["after"] == f"afterany:{fake.job(first)['id']}"


def test_a_new_submission_leaves_out_what_is_done(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    folder, schedule = run
    do(folder, "one", *range(8))
    do(folder, "two", 0, 1)
    submit(folder, schedule)
    assert short(fake) == ["e1-two-w1-a1", "e1-two-w1-a1-gate"]
    assert fake.jobs()[0]["array"] == [1], "element 0 has its receipts"
    assert fake.jobs()[0]["after"] == "", "a finished stage is never named as a dependency"
    for name in records(folder, 1):
        fake.set_state(name, "COMPLETED")
    do(folder, "two", *range(2, 8))
    assert submit(folder, schedule) == []


def test_a_stopped_run_is_not_sent(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    run[0].stop_file.touch()
    with pytest.raises(RequestError, match="STOP"):
        submit(*run)
    assert not fake.jobs()


def test_another_schedule_does_not_mix_with_jobs_in_the_queue(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule], tmp_path: Path
) -> None:
    submit(*run)
    with pytest.raises(RequestError, match="cancel"):
        submit(*build(tmp_path, {"one": 8, "two": 8}, Options(elements=2)))


def test_a_refused_first_job_leaves_no_record(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    fake.behave("sbatch", "refuse", "sbatch: error: AssocMaxSubmitJobLimit")
    with pytest.raises(SlurmError, match="too many jobs"):
        submit(*run)
    assert records(run[0], 1) == {}


def test_two_callers_get_two_epochs(run: tuple[RunFolder, Schedule]) -> None:
    assert [new_epoch(*run) for _ in range(3)] == [1, 2, 3]
    assert {file.name for file in run[0].epochs.glob("*.json")} == {"0001.json", "0002.json", "0003.json"}


def gate_of(run: tuple[RunFolder, Schedule], job: str = "one", wave: int = 1, attempt: int = 1) -> int:
    return run_gate(run[0], 1, job, wave, attempt)


def end_wave(fake: FakeSlurm, run: tuple[RunFolder, Schedule], state: str = "COMPLETED") -> None:
    """The first wave of stage one has ended."""
    fake.set_state(token(run[1], 1, submissions(run[1])[0], 1), state)


def test_a_gate_whose_wave_is_done_sends_the_next(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    submit(*run)
    end_wave(fake, run)
    do(run[0], "one", 0, 1, 2, 3)
    assert gate_of(run) == 0
    assert short(fake)[2:] == ["e1-one-w2-a1", "e1-one-w2-a1-gate"]
    assert fake.jobs()[2]["array"] == [0, 1]
    assert fake.jobs()[2]["arguments"][-1] == "2", "the element that index 0 stands for"
    assert gate_of(run) == 0, "a gate that runs twice sends nothing twice"
    assert len(fake.jobs()) == 4


def test_a_gate_sends_what_is_left_and_repoints_what_follows(fake: FakeSlurm, tmp_path: Path) -> None:
    run = build(tmp_path, {"one": 8, "two": 8}, Options(elements=4, workers=4))
    sent = submit(*run)
    assert len(sent) == 4
    end_wave(fake, run, state="FAILED")
    do(run[0], "one", 0, 1, 4, 5, 6)
    assert gate_of(run) == 0
    retry, again = fake.jobs()[4:]
    assert (retry["array"], retry["arguments"]) == ([1, 3], ["1", "2", "4", "0"])
    assert again["after"] == f"afterany:{retry['id']}"
    assert fake.job(sent[2].name)["after"] == f"afterok:{again['id']}"
    assert fake.job(sent[3].name)["after"] == f"afterany:{sent[2].job_id}"
    assert gate_of(run) == 0, "requeued, the gate finds its retry in the queue"
    assert len(fake.jobs()) == 6


def test_a_gate_waits_for_a_double_that_has_the_share(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    submit(*run)
    end_wave(fake, run)
    double = client.sbatch("x", [], name=fake.jobs()[0]["name"])
    assert gate_of(run) == 0
    assert short(fake)[3:] == ["e1-one-w1-a2-gate"]
    assert fake.jobs()[3]["after"] == f"afterany:{double}"


def test_a_gate_halves_the_workers_where_memory_ran_out(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    submit(*run)
    name = min(records(run[0], 1))
    fake.set_state(name, "FAILED", derived="0:125")
    assert gate_of(run) == 0
    retry = fake.jobs()[2]
    assert retry["arguments"] == ["1", "2", "2", "0"]
    fake.set_state(retry["name"], "OUT_OF_MEMORY")
    assert gate_of(run, attempt=2) == 0
    assert fake.jobs()[4]["arguments"] == ["1", "3", "1", "0"]


@pytest.mark.parametrize("why", ["stop", "epoch", "recompiled", "failed", "cancelled", "attempts"])
def test_a_gate_that_gives_up_sends_nothing(
    fake: FakeSlurm,
    run: tuple[RunFolder, Schedule],
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    submit(*run)
    end_wave(fake, run, state="CANCELLED" if why == "cancelled" else "TIMEOUT")
    attempt = 1
    if why == "stop":
        run[0].stop_file.touch()
    elif why == "epoch":
        new_epoch(*run)
    elif why == "recompiled":
        build(tmp_path, {"one": 8, "two": 8}, Options(elements=2))
    elif why == "failed":
        do(run[0], "one", 0, 1, 2)
        fail(run[0], "one", 3)
    elif why == "attempts":
        attempt = 3
    assert gate_of(run, attempt=attempt) == 1
    assert len(fake.jobs()) == 2
    assert "give up" in capsys.readouterr().out


def test_a_gate_that_cannot_submit_says_what_to_do(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule], capsys: pytest.CaptureFixture[str]
) -> None:
    submit(*run)
    end_wave(fake, run, state="TIMEOUT")
    fake.behave("sbatch", "refuse", "sbatch: error: Access/permission denied", times=9)
    call = ["--epoch", "1", "--job", "one", "--wave", "1", "--attempt", "1"]
    assert gate.main([str(run[0].path), *call]) == 1
    out = capsys.readouterr().out
    assert "Access/permission denied" in out
    assert "hpcflow resume" in out


def test_a_gate_that_finds_the_queue_full_asks_again(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other runs of the user fill the queue, and no other job of this one is there to go on."""
    _, after = submit(*run)
    end_wave(fake, run)
    do(run[0], "one", 0, 1, 2, 3)
    fake.set_state(after.name, "RUNNING")
    monkeypatch.setenv("SLURM_JOB_ID", str(after.job_id))
    monkeypatch.setattr(gate.time, "sleep", lambda _: None)
    fake.behave("sbatch", "refuse", "sbatch: error: AssocMaxSubmitJobLimit")
    call = [str(run[0].path), "--epoch", "1", "--job", "one", "--wave", "1", "--attempt", "1"]
    gate.main(call)
    assert fake.calls("scontrol") == [["requeue", str(after.job_id)]]
    assert gate.main(call) == 0, "the next time there is room"
    assert short(fake)[2:] == ["e1-one-w2-a1", "e1-one-w2-a1-gate"]


def test_a_gate_does_not_ask_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    full = SlurmError("AssocMaxSubmitJobLimit")
    assert not gate.again_later(full, {"SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "700"})
    assert not gate.again_later(full, {})
    assert not gate.again_later(SlurmError("Access denied"), {"SLURM_JOB_ID": "7"})


FACTS = Facts(False, False, False, False, (1, 2), 0, 1, 3, False, 8)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Decision("retry", "", (1, 2), 8)),
        ({"left": ()}, Decision("pass", "")),
        ({"left": (), "stopped": True}, Decision("pass", "")),
        ({"left": (), "recompiled": True}, Decision("pass", "")),
        ({"left": (), "newer": True}, Decision("give up", "")),
        ({"left": (), "failed": 1}, Decision("give up", "")),
        ({"failed": 1}, Decision("retry", "", (1, 2), 8)),
        ({"stopped": True}, Decision("give up", "")),
        ({"cancelled": True}, Decision("give up", "")),
        ({"attempt": 3}, Decision("give up", "")),
        ({"attempt": 2}, Decision("retry", "", (1, 2), 8)),
        ({"running": 9}, Decision("wait", "", (1, 2), 0)),
        ({"out_of_memory": True}, Decision("retry", "", (1, 2), 4)),
        ({"out_of_memory": True, "workers": 1}, Decision("retry", "", (1, 2), 1)),
    ],
)
def test_the_rules_of_a_gate(change: dict[str, object], expected: Decision) -> None:
    got = decide(Facts(**{**FACTS.__dict__, **change}))
    assert (got.do, got.elements, got.workers) == (expected.do, expected.elements, expected.workers)
    assert got.why


def test_cancel_stops_first_and_twice_is_harmless(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    submit(*run)
    assert cancel(run[0]) == [100, 110]
    assert run[0].stop_file.exists()
    assert {job["state"] for job in fake.jobs()} == {"CANCELLED"}
    assert cancel(run[0]) == []


def test_cancel_leaves_other_jobs_alone(fake: FakeSlurm, run: tuple[RunFolder, Schedule]) -> None:
    client.sbatch("x", [], name="mine")
    submit(*run)
    cancel(run[0])
    assert fake.job("mine")["state"] == "PENDING"


def test_status_prefers_the_queue_for_the_living_and_accounting_for_the_dead(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    submit(*run)
    blocks, after = status(run[0])[:2], status(run[0])[2]
    assert [(s.job, s.element, s.state, s.source) for s in blocks] == [
        ("one", 0, "PENDING", "squeue"),
        ("one", 1, "PENDING", "squeue"),
    ]
    assert (after.kind, after.wave, after.attempt, after.epoch) == ("gate", 1, 1, 1)
    assert not fake.calls("sacct"), "nothing has ended, so accounting is not asked"
    fake.set_state(after.name, "FAILED", code="1:0")
    ended = next(s for s in status(run[0]) if s.kind == "gate")
    assert (ended.state, ended.exit_code, ended.source, ended.alive) == ("FAILED", "1:0", "sacct", False)
    assert len(fake.calls("sacct")) == 1


def test_status_without_accounting_reads_the_end_in_the_log(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    folder = run[0]
    sent = submit(*run)
    for job in sent:
        fake.forget(job.name)
    fake.behave("sacct", "refuse", "Slurm accounting storage is disabled", times=9)
    assert {(s.state, s.source) for s in status(folder)} == {("UNKNOWN", "record")}
    (folder.logs / f"{sent[0].name}-100_   1.out").write_text("not ours")
    for element, code in (("0000", 0), ("0001", 75)):
        text = f"2026-01-01T00:00:00Z start\nbytes\n2026-01-01T00:00:09Z end {sent[0].name} rc={code}\n"
        (folder.logs / f"{sent[0].name}-100_{element}.out").write_text(text)
    ended = [s for s in status(folder) if s.kind == "blocks"]
    assert [(s.element, s.state, s.exit_code, s.source) for s in ended] == [
        (0, "COMPLETED", "0:0", "log"),
        (1, "FAILED", "75:0", "log"),
    ]


@pytest.mark.parametrize("how", ["garble", "hang", "refuse"])
def test_status_when_slurm_does_not_answer_is_unknown_not_an_error(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(*run)
    monkeypatch.setattr(client, "CALL_SECONDS", 0.5)
    fake.behave("squeue", how, "squeue: error: Unable to contact slurm controller", times=9)
    fake.behave("sacct", "refuse", "down", times=9)
    states = status(run[0])
    assert {s.state for s in states} == {"UNKNOWN"}
    assert all("squeue" in s.reason for s in states)


def test_an_id_that_slurm_gave_to_another_job_is_not_ours(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule]
) -> None:
    sent = submit(*run)
    fake.forget(sent[0].name)
    jobs = fake.jobs()
    jobs.append({**jobs[0], "id": sent[0].job_id, "name": "somebody-else", "state": "RUNNING"})
    (fake.place / "jobs.json").write_text(json.dumps(jobs))
    state = next(s for s in status(run[0]) if s.name == sent[0].name)
    assert state.state == "UNKNOWN"
    cancel(run[0])
    assert fake.job("somebody-else")["state"] == "RUNNING"


def test_a_fresh_empty_record_may_be_somebody_sending(
    fake: FakeSlurm, run: tuple[RunFolder, Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MESSAGE_TIMEOUT", 10.0)
    folder, schedule = run
    epoch = new_epoch(folder, schedule)
    call = submissions(schedule)[0]
    file = sending.records_folder(folder, epoch) / token(schedule, epoch, call, 1)
    file.touch()
    assert sending.send_next(folder, schedule, epoch) == []
    old = time.time() - 60
    os.utime(file, (old, old))
    assert [job.name for job in sending.send_next(folder, schedule, epoch)][:1] == [file.name]
