"""The scripts under a real Slurm: they run, retry, stop, go on, and leave true receipts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

from hpcflow.errors import SlurmError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, read_receipts
from hpcflow.slurm import client
from hpcflow.slurm.answers import Unanswered
from hpcflow.slurm.sending import cancel, records, submit
from hpcflow.slurm.status import JobState, status
from hpcflow.slurm.testbed import Testbed, missing_programs, testbed
from tests.conftest import require
from tests.slurm.conftest import Make
from tests.slurm.stub_run import set_fault

pytestmark = pytest.mark.slurm

HOSTILE = "a b'c\"d$(touch pwned)`x`%j&;#é"
HOSTILE_WITH_BACKSLASH = "back\\slash %x"


def wait_ended(folder: RunFolder, seconds: float = 60.0) -> list[JobState]:
    """Wait until none of the run's jobs waits or runs, and none is on its way to be sent."""
    end = time.monotonic() + seconds
    while True:
        states = status(folder)
        if not any(state.alive for state in states):
            return states
        if time.monotonic() > end:
            logs = "\n".join(f"--- {f.name}\n{f.read_text()}" for f in sorted(folder.logs.glob("*")))
            raise AssertionError(f"jobs did not end: {states}\n{logs}")
        time.sleep(0.3)


def logs_of(folder: RunFolder) -> str:
    return "\n".join(f"--- {file.name}\n{file.read_text()}" for file in sorted(folder.logs.glob("*")))


def done_once(folder: RunFolder, stage: str, blocks: int) -> bool:
    good = [r for r in read_receipts(folder.receipts) if r["stage"] == stage and "failed" not in r]
    return Counter(b for r in good for b in range(*r["blocks"])) == Counter(range(blocks))


@pytest.mark.parametrize("name", [HOSTILE, HOSTILE_WITH_BACKSLASH])
def test_one_job_does_all_stages_in_a_folder_of_any_name(bed: Testbed, make: Make, name: str) -> None:
    folder, schedule = make(name, {"one": 8, "two": 3, "three": 1})
    sent = submit(folder, schedule)
    assert [job.call.kind for job in sent] == ["blocks", "gate"]
    states = wait_ended(folder)
    assert {(s.kind, s.state) for s in states} == {("blocks", "COMPLETED"), ("gate", "COMPLETED")}, logs_of(
        folder
    )
    assert all(done_once(folder, stage, n) for stage, n in (("one", 8), ("two", 3), ("three", 1)))
    text = (folder.logs / f"{sent[0].name}-{sent[0].job_id}.out").read_text()
    assert "start hl-" in text
    assert text.rstrip().endswith("rc=0")
    assert not list(folder.path.parent.rglob("pwned"))


def test_workers_of_a_gpu_job_have_a_gpu_each(bed: Testbed, make: Make) -> None:
    """The testbed's GPUs are character devices; Slurm gives them to jobs as it does real ones."""
    folder, schedule = make("gpus", {"one": 4, "two": 6, "three": 1}, forms={"two": "gpus"})
    (job,) = schedule.jobs
    assert (job.partition, job.gpus, [step.form for step in job.steps]) == (
        *("small-g", 2),
        ["workers", "gpus", "workers"],
    )
    for block in range(6):
        set_fault(folder, "two", block, "slow", times=1)
    submit(folder, schedule)
    states = wait_ended(folder)
    assert {state.state for state in states} == {"COMPLETED"}, logs_of(folder)
    assert all(done_once(folder, stage, n) for stage, n in (("one", 4), ("two", 6), ("three", 1)))
    stages = {r["worker"]: r["stage"] for r in read_receipts(folder.receipts)}
    workers = [line.split()[0] for line in (folder.path / "workers.txt").read_text().splitlines()]
    seen = [json.loads(line) for line in (folder.path / "gpus.txt").read_text().splitlines()]
    of_two = [env for name, env in zip(workers, seen, strict=True) if stages[name] == "two"]
    shown = [env["ROCR_VISIBLE_DEVICES"] for env in of_two]
    assert len(set(shown)) == len(shown) == 2, seen
    assert all(
        set(env) == {"ROCR_VISIBLE_DEVICES"} and "," not in gpu
        for env, gpu in zip(of_two, shown, strict=True)
    )


def test_a_job_of_several_steps_ends_where_one_leaves_blocks_and_its_gate_goes_on(
    bed: Testbed, make: Make
) -> None:
    folder, schedule = make("steps", {"one": 4, "two": 6, "three": 1}, forms={"two": "gpus"})
    set_fault(folder, "two", 3, "agent", times=1)
    submit(folder, schedule)
    states = wait_ended(folder)
    tried = [(s.attempt, s.state) for s in states if s.kind == "blocks"]
    assert tried == [(1, "FAILED"), (2, "COMPLETED")], logs_of(folder)
    assert all(done_once(folder, stage, n) for stage, n in (("one", 4), ("two", 6), ("three", 1)))


def test_submit_script_needs_bash_and_sbatch_alone(bed: Testbed, make: Make, tmp_path: Path) -> None:
    folder, _ = make("by hand", {"one": 6, "two": 4}, elements=2)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "SLURM_CONF": str(bed.conf),
        "SBATCH_PARTITION": "none-such",
        "SBATCH_TIMELIMIT": "1",
    }
    done = subprocess.run(
        ["bash", str(folder.submit_script)],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = wait_ended(folder)
    assert all(state.state == "COMPLETED" for state in states), logs_of(folder)
    assert done_once(folder, "one", 6)
    assert done_once(folder, "two", 4)
    assert [s.element for s in states if s.kind == "blocks"] == [0, 1, 0, 1]


def test_a_gate_sends_what_is_left_again_and_what_follows_waits(bed: Testbed, make: Make) -> None:
    folder, schedule = make("retry", {"one": 8, "two": 2}, elements=4)
    set_fault(folder, "one", 5, "agent", times=2)
    submit(folder, schedule)
    states = wait_ended(folder)
    assert Ledger(folder).complete("one"), logs_of(folder)
    assert Ledger(folder).complete("two"), logs_of(folder)
    tried = [(s.attempt, s.element) for s in states if s.job == "one" and s.kind == "blocks"]
    assert tried == [(1, 0), (1, 1), (1, 2), (1, 3), (2, 2), (3, 2)]
    second = [s for s in states if s.job == "two"]
    assert {(s.attempt, s.state) for s in second} == {(1, "COMPLETED")}
    first = [s for s in states if s.job == "one" and s.kind == "gate"]
    assert max(s.ended for s in first) <= min(s.started for s in second if s.kind == "blocks")


def test_a_gate_gives_up_and_what_follows_never_runs(bed: Testbed, make: Make) -> None:
    folder, schedule = make("hopeless", {"one": 2, "two": 1}, elements=1, attempts=2)
    set_fault(folder, "one", 1, "agent")
    submit(folder, schedule)
    states = wait_ended(folder)
    gates = [(s.attempt, s.state) for s in states if s.job == "one" and s.kind == "gate"]
    assert gates == [(1, "COMPLETED"), (2, "FAILED")], logs_of(folder)
    assert {s.state for s in states if s.job == "two" and s.kind == "blocks"} == {"CANCELLED"}
    assert {s.state for s in states if s.job == "two" and s.kind == "gate"} == {"FAILED"}
    assert "incomplete after 2 attempts" in logs_of(folder)
    assert not [r for r in read_receipts(folder.receipts) if r["stage"] == "two"]


def test_a_warning_of_the_end_lets_blocks_finish_and_the_gate_goes_on(bed: Testbed, make: Make) -> None:
    folder, schedule = make("warned", {"one": 12})
    for block in range(12):
        set_fault(folder, "one", block, "slow", times=1)
    job = submit(folder, schedule)[0]
    end = time.monotonic() + 30
    while not list(folder.receipts.glob("*.jsonl")) and time.monotonic() < end:
        time.sleep(0.1)
    subprocess.run(["scancel", "--batch", "--signal=USR1", str(job.job_id)], check=True)
    wait_ended(folder)
    text = logs_of(folder)
    assert "stopped: SIGUSR1" in text
    assert "rc=75" in text
    assert done_once(folder, "one", 12), text


def test_cancel_stops_all_and_submit_goes_on_without_doing_twice(bed: Testbed, make: Make) -> None:
    folder, schedule = make("cancelled", {"one": 10, "two": 2})
    for block in range(10):
        set_fault(folder, "one", block, "slow", times=1)
    submit(folder, schedule)
    end = time.monotonic() + 30
    while not list(folder.receipts.glob("*.jsonl")) and time.monotonic() < end:
        time.sleep(0.1)
    assert cancel(folder)
    assert cancel(folder) == []
    states = wait_ended(folder)
    assert "CANCELLED" in {s.state for s in states}
    before = {(r["stage"], *r["blocks"]) for r in read_receipts(folder.receipts)}
    assert 0 < len(before) < 12
    folder.stop_file.unlink()
    submit(folder, schedule)
    assert submit(folder, schedule) == [], "twice sends nothing more"
    wait_ended(folder)
    assert done_once(folder, "one", 10), logs_of(folder)
    assert done_once(folder, "two", 2)
    assert {s.epoch for s in status(folder)} == {1, 2}


def test_a_submitter_killed_before_the_answer_is_no_loss_and_no_double(
    bed: Testbed, make: Make, tmp_path: Path, import_path: tuple[str, ...]
) -> None:
    folder, schedule = make("killed", {"one": 4, "two": 2}, elements=2)
    murderous = tmp_path / "bin" / "sbatch"
    murderous.parent.mkdir()
    murderous.write_text('#!/bin/bash\n/usr/bin/sbatch "$@" >/dev/null\nkill -9 "$PPID"\n')
    murderous.chmod(0o755)
    code = (
        "import sys; from hpcflow.run.folder import RunFolder\n"
        "from hpcflow.slurm.compile import read_schedule, schedule_file\n"
        "from hpcflow.slurm.sending import submit\n"
        "f = RunFolder.at(sys.argv[1]); submit(f, read_schedule(schedule_file(f, 'mini-lumi')))"
    )
    environment = {
        "PATH": f"{murderous.parent}:/usr/bin:/bin",
        "PYTHONPATH": ":".join(import_path),
        "SLURM_CONF": str(bed.conf),
    }
    killed = subprocess.run([sys.executable, "-c", code, str(folder.path)], env=environment, check=False)
    assert killed.returncode == -9
    assert [record.job_id for record in records(folder, 1).values()] == [0], "the answer was lost"
    submit(folder, schedule)
    states = wait_ended(folder)
    assert done_once(folder, "one", 4), logs_of(folder)
    assert done_once(folder, "two", 2)
    ids = [s.job_id for s in states if s.job == "one" and s.kind == "blocks" and s.element == 0]
    assert len(ids) == 1
    assert {s.epoch for s in states} == {1} or len({s.job_id for s in states}) <= 8


def test_a_job_that_was_sent_twice_computes_once(bed: Testbed, make: Make) -> None:
    folder, schedule = make("twice", {"one": 3})
    for block in range(3):
        set_fault(folder, "one", block, "slow", times=1)
    job = submit(folder, schedule)[0]
    again = client.sbatch(str(folder.jobs / "one.sh"), ["1", "1", "2", "0"], name=job.name)
    end = time.monotonic() + 30
    while any(row.alive for row in client.squeue()) and time.monotonic() < end:
        time.sleep(0.3)
    logs = {i: (folder.logs / f"{job.name}-{i}.out").read_text() for i in (job.job_id, again)}
    idle = [i for i, text in logs.items() if "taken by job" in text]
    assert len(idle) == 1
    other = again if idle[0] == job.job_id else job.job_id
    assert f"taken by job {other};" in logs[idle[0]]
    assert done_once(folder, "one", 3), logs_of(folder)


def test_waves_keep_below_the_limit_of_the_account(bed_with_accounting: Testbed, make: Make) -> None:
    account = bed_with_accounting.account
    folder, schedule = make("waves", {"one": 8, "two": 8}, elements=8, wave=3, account=account)
    sent = submit(folder, schedule)
    assert [len(job.call.elements) for job in sent] == [3, 0]
    states = wait_ended(folder, 120)
    assert done_once(folder, "one", 8), logs_of(folder)
    assert done_once(folder, "two", 8)
    assert len([s for s in states if s.kind == "gate"]) == 6
    end = time.monotonic() + 20  # accounting lags

    def settled() -> bool:
        # Memory is sampled too seldom for steps of a second; recorded answers try what sacct says of it.
        return {s.source for s in states} == {"sacct"}

    while not settled() and time.monotonic() < end:
        time.sleep(0.5)
        states = status(folder)
    assert settled(), states
    assert {s.exit_code for s in states} == {"0:0"}


def test_waves_need_nobody_who_sent_the_first(
    bed_with_accounting: Testbed, make: Make, import_path: tuple[str, ...]
) -> None:
    account = bed_with_accounting.account
    folder, schedule = make("nobody", {"one": 12}, elements=12, wave=3, account=account)
    code = (
        "import sys; from hpcflow.run.folder import RunFolder; from hpcflow.slurm.sending import submit; "
        "from hpcflow.slurm.compile import read_schedule, schedule_file; folder = RunFolder.at(sys.argv[1]); "
        "submit(folder, read_schedule(schedule_file(folder, sys.argv[2])))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(folder.path), schedule.site],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(import_path)},
        check=True,
    )
    queued, end = [-1], time.monotonic() + 120
    while queued[-1] != 0 and time.monotonic() < end:
        time.sleep(0.2)
        queue = subprocess.run(["squeue", "--array", "-h"], capture_output=True, text=True, check=True).stdout
        queued.append(len(queue.splitlines()))
    assert queued[-1] == 0
    assert max(queued) <= 6
    assert done_once(folder, "one", 12), logs_of(folder)
    assert sorted(name.split("-")[4] for name in records(folder, 1) if name.endswith("-gate")) == [
        f"w{wave}" for wave in (1, 2, 3, 4)
    ]


def test_refusals_say_why(bed_with_accounting: Testbed, make: Make) -> None:
    folder, schedule = make("many", {"one": 30}, elements=30, account=bed_with_accounting.account)
    with pytest.raises(SlurmError, match=r"(?s)AssocMaxSubmitJobLimit.*too many jobs"):
        submit(folder, schedule)
    folder, schedule = make("poor", {"one": 1}, account="project_of_nobody")
    with pytest.raises(SlurmError, match=r"(?s)Invalid account.*--account"):
        submit(folder, schedule)
    assert status(folder) == []


def test_a_controller_away_is_no_answer(bed: Testbed, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, schedule = make("away", {"one": 2})
    monkeypatch.setattr(client, "CALL_SECONDS", 2.0)
    bed.stop("slurmctld")
    try:
        with pytest.raises(Unanswered):
            submit(folder, schedule)
    finally:
        bed.start("slurmctld")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            client.squeue()
            break
        except Unanswered:
            time.sleep(0.2)
    monkeypatch.undo()
    os.environ["SLURM_CONF"] = str(bed.conf)
    try:
        submit(folder, schedule)
        wait_ended(folder)
    finally:
        del os.environ["SLURM_CONF"]
    assert done_once(folder, "one", 2)


@pytest.mark.machine
def test_the_kernel_kills_a_worker_and_the_agent_goes_on_with_fewer(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = os.geteuid() == 0 and Path("/sys/fs/cgroup/memory").is_dir()
    if not held:
        pytest.skip("root and cgroup v1 are needed, which no package can give")
    require(not missing_programs(), "Slurm")
    place = Path(tempfile.mkdtemp(prefix="tb", dir="/tmp"))
    try:
        with testbed(place / "s", nodes={"cpu": 1}, cgroup=True) as bed:
            monkeypatch.setenv("SLURM_CONF", str(bed.conf))
            folder, schedule = make("oom", {"one": 6})
            assert schedule.jobs[0].memory < 1200 * 2**20
            set_fault(folder, "one", 3, "hog", times=1)
            submit(folder, schedule)
            wait_ended(folder)
            text = logs_of(folder)
            assert "short of memory: 1 workers" in text
            assert done_once(folder, "one", 6), text
            groups = list(Path("/sys/fs/cgroup/memory").glob(f"slurm_{bed.nodes[0]}"))
            assert groups
        assert not any(group.exists() for group in groups), "a cgroup was left behind"
    finally:
        place.rmdir()
