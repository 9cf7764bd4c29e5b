"""What is asked of Slurm's programs, and what is made of their answers, good, garbled or lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hpcflow.errors import SlurmError
from hpcflow.slurm import client
from hpcflow.slurm.answers import Unanswered, parse_sacct, parse_squeue
from tests.slurm.fake import FakeSlurm

SQUEUE = """\
17|16|0|RUNNING|2026-11-24T07:12:26|2026-11-24T07:12:26|2026-11-27T07:12:26|nid000001|None|hl-x-a1
16|16|3|PENDING|2026-11-24T07:12:26|2026-11-24T08:00:00|N/A||Resources|hl-x-a1
20|20|N/A|CANCELLED|2026-11-24T07:12:26|N/A|2026-11-24T07:13:26||DependencyNeverSatisfied|odd|name|x
21|21|N/A|POWERING_BACK_UP|2026-11-24T07:12:26|N/A|N/A||None|future
"""

SACCT = """\
30|30_3|NODE_FAIL|0:0|0:0|2026-01-01T10:00:00|2026-01-01T10:00:10|2026-01-01T10:01:00|50|1|cpu=1||None|nid000001|hl-x
30|30_3|COMPLETED|0:0|0:125|2026-01-01T10:00:00|2026-01-01T10:03:10|2026-01-01T10:04:00|50|1|cpu=1||None|nid000002|hl-x
30.batch|30_3.batch|COMPLETED|0:0||2026-01-01T10:03:10|2026-01-01T10:03:10|2026-01-01T10:04:00|50|1|cpu=1|4096K||nid000002|batch
30.0|30_3.0|OUT_OF_MEMORY|0:125||2026-01-01T10:03:10|2026-01-01T10:03:10|2026-01-01T10:04:00|50|1|cpu=1|2097152K||nid000002|python
31|31|CANCELLED by 1000|0:15|0:0|2026-01-01T10:00:00|Unknown|2026-01-01T10:01:00|0|1|||None||with|pipe
32|32_[4-9%2]|PENDING|0:0|0:0|2026-01-01T10:00:00|Unknown|Unknown|0|1|||Priority|None assigned|hl-y
33|33|RESIZING|0:0|0:0|2026-01-01T10:00:00|2026-01-01T10:00:00|2026-01-01T10:01:00|60|2|||None|nid000001|hl-z
33|33|TIMEOUT|0:0|0:0|2026-01-01T10:00:00|2026-01-01T10:01:00|2026-01-01T11:00:00|3540|1|||None|nid000001|hl-z
"""


def test_squeue_rows() -> None:
    rows = parse_squeue(SQUEUE)
    assert [(r.job_id, r.element, r.state, r.alive) for r in rows] == [
        (16, 0, "RUNNING", True),
        (16, 3, "PENDING", True),
        (20, None, "CANCELLED", False),
        (21, None, "POWERING_BACK_UP", True),
    ]
    assert rows[1].started == "2026-11-24T08:00:00", "for a job that waits: when Slurm expects to start it"
    assert rows[2].name == "odd|name|x"
    assert rows[2].reason == "DependencyNeverSatisfied"


def test_sacct_rows_the_last_of_an_id_wins_and_steps_add() -> None:
    rows = {row.job_id: row for row in parse_sacct(SACCT)}
    assert rows[30].state == "COMPLETED"
    assert rows[30].element == 3
    assert rows[30].out_of_memory, "only the step and the derived code tell"
    assert rows[30].max_rss == 2097152 * 1024
    assert (rows[31].state, rows[31].cancelled_by, rows[31].name) == ("CANCELLED", "1000", "with|pipe")
    assert (rows[32].element, rows[32].alive, rows[32].node) == (None, True, "")
    assert rows[33].state == "TIMEOUT"


@pytest.mark.parametrize(
    "text", ["\x00\x1b", "1|2|3\n", "slurm_load_jobs error\n", "<html>\n", "|" * 14 + "\n"]
)
def test_answers_of_another_form_are_no_answers(text: str) -> None:
    with pytest.raises(Unanswered):
        parse_squeue(text)
    with pytest.raises(Unanswered):
        parse_sacct(text)


def test_nothing_is_no_rows() -> None:
    assert parse_squeue("") == []
    assert parse_sacct("\n") == []


def test_sbatch_gets_whole_words_and_a_clean_environment(fake: FakeSlurm) -> None:
    job = client.sbatch("/it's $(x)/a b.sh", ["1", "two words"], name="n", options=["--array=0-3"])
    assert job == 100
    assert fake.calls("sbatch") == [
        ["--parsable", "--job-name=n", "--array=0-3", "/it's $(x)/a b.sh", "1", "two words"]
    ]
    seen = fake.environments()[0]
    assert not [name for name in seen if name.startswith(("SBATCH_", "SLURM_", "PYTHON"))]
    assert set(seen) - {"LC_CTYPE"} <= {"HOME", "USER", "PATH", "LANG"}


@pytest.mark.parametrize("answer", ["7;cluster", "7"])
def test_an_id_with_its_cluster(fake: FakeSlurm, answer: str) -> None:
    fake.behave("sbatch", "say", answer)
    assert client.sbatch("x", [], name="n") == 7


def test_a_refusal_is_passed_on_with_a_hint_and_not_tried_again(fake: FakeSlurm) -> None:
    fake.behave("sbatch", "refuse", "sbatch: error: Batch job submission failed: Invalid account", times=9)
    with pytest.raises(SlurmError, match="--account") as raised:
        client.submit_job("x", [], name="n", sleep=lambda _: None)
    assert not isinstance(raised.value, Unanswered)
    assert len(fake.calls("sbatch")) == 1


@pytest.mark.parametrize("how", ["lose", "garble", "hang"])
def test_a_lost_answer_is_looked_up_and_not_sent_twice(
    fake: FakeSlurm, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "hang":
        monkeypatch.setattr(client, "CALL_SECONDS", 1.0)
    fake.behave("sbatch", how, "sbatch: error: Socket timed out on send/recv operation")
    waited: list[float] = []
    assert client.submit_job("x", [], name="n", settle=20.0, sleep=waited.append) == 100
    assert len(fake.jobs()) == 1
    assert waited == [20.0]


def test_a_job_that_only_accounting_knows_is_found(fake: FakeSlurm) -> None:
    fake.behave("sbatch", "lose", "timed out")
    fake.behave("squeue", "say", "", times=1)
    assert client.submit_job("x", [], name="n", sleep=lambda _: None) == 100
    assert len(fake.calls("sacct")) == 1


def test_a_call_that_never_arrived_is_sent_again_after_two_look_ups(fake: FakeSlurm) -> None:
    fake.behave("sbatch", "refuse", "Unable to contact slurm controller (connect failure)", times=2)
    waited: list[float] = []
    assert client.submit_job("x", [], name="n", settle=1.0, sleep=waited.append) == 100
    assert len(fake.calls("sbatch")) == 3
    assert waited == [1.0] * 4


def test_it_ends_where_slurm_never_answers(fake: FakeSlurm) -> None:
    fake.behave("sbatch", "refuse", "Connection refused", times=99)
    with pytest.raises(Unanswered, match="sent 3 times"):
        client.submit_job("x", [], name="n", sleep=lambda _: None)


def test_without_accounting_there_is_no_answer_but_no_error(fake: FakeSlurm) -> None:
    fake.behave("sacct", "refuse", "Slurm accounting storage is disabled")
    assert client.sacct(["n"]) is None
    assert client.sacct([]) == []
    fake.behave("sacct", "refuse", "sacct: error: slurmdbd down")
    with pytest.raises(Unanswered):
        client.sacct(["n"])


def test_missing_programs_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SlurmError, match="login node"):
        client.squeue()


def test_cancel_of_ended_jobs_is_fine_and_of_many_is_few_calls(fake: FakeSlurm) -> None:
    client.scancel([])
    assert fake.calls("scancel") == []
    client.scancel(range(450))
    assert len(fake.calls("scancel")) == 3
    fake.behave("scancel", "refuse", "scancel: error: Kill job error on job id 3: Invalid job id specified")
    client.scancel([3])
    fake.behave("scancel", "refuse", "scancel: error: Unable to contact slurm controller")
    with pytest.raises(Unanswered):
        client.scancel([3])


def test_status_and_cancel_import_nothing_heavy() -> None:
    code = (
        "import sys, hpcflow.slurm.status, hpcflow.slurm.sending, hpcflow.slurm.gate, hpcflow.run.agent\n"
        "heavy = ('numpy', 'dask', 'zarr', 'numba', 'pydantic', 'jinja2', 'pandas', 'ruamel')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    path = [entry for entry in sys.path if entry]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
