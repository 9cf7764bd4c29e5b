"""The agent: who computes what, and what it does when workers die, fail or run short of memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from hpcflow.run.agent import BROKEN, Agent, AgentOptions, intersect, main
from hpcflow.run.child import Gpus, cores_of, physical_cores
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, read_receipts
from hpcflow.site import load_site
from hpcflow.slurm.binding import gpu_order
from tests.conftest import REPO
from tests.slurm.stub_run import make_run, set_fault

STUB = Path(__file__).with_name("stub_run.py")


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{REPO}:{REPO / 'kernels'}")


def options(folder: RunFolder, *stages: str, **values: object) -> AgentOptions:
    command = (sys.executable, str(STUB), str(folder.path), "--serve", "--name")
    return AgentOptions(stages=stages, command=command, **values)  # type: ignore[arg-type]


def times_done(folder: RunFolder, stage: str) -> Counter[int]:
    """How often each block has a good receipt."""
    good = [r for r in read_receipts(folder.receipts) if r["stage"] == stage and "failed" not in r]
    return Counter(block for receipt in good for block in range(*receipt["blocks"]))


def test_every_block_is_done_once_and_stages_keep_their_order(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 40, "two": 3, "three": 1})
    assert Agent(folder, options(folder, "one", "two", "three", workers=3)).run() == 0
    for stage, blocks in (("one", 40), ("two", 3), ("three", 1)):
        assert times_done(folder, stage) == Counter(range(blocks))
    ledger = Ledger(folder)
    assert all(ledger.complete(stage) for stage in ("one", "two", "three"))


def test_workers_have_one_thread_and_are_not_more_than_asked(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 20})
    Agent(folder, options(folder, "one", workers=2)).run()
    workers = [line.split() for line in (folder.path / "workers.txt").read_text().splitlines()]
    assert 1 <= len(workers) <= 2
    assert {threads for _, _, threads in workers} == {"1"}


def test_each_worker_sees_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm names four devices of a node; other variables would count within the one that is shown."""
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "4,5,6,7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    folder = make_run(tmp_path / "run", {"one": 12})
    for block in range(12):
        set_fault(folder, "one", block, "slow", times=1)
    set_fault(folder, "one", 5, "kill", times=1)
    gpus = Gpus("ROCR_VISIBLE_DEVICES", (2, 3, 0, 1))
    assert Agent(folder, options(folder, "one", workers=4, gpus=gpus)).run() == 0
    seen = [json.loads(line) for line in (folder.path / "gpus.txt").read_text().splitlines()]
    assert len(seen) == 5, "the worker that died, too"
    assert all(set(one) == {"ROCR_VISIBLE_DEVICES"} for one in seen)
    shown = [one["ROCR_VISIBLE_DEVICES"] for one in seen]
    assert sorted(shown[:4]) == ["4", "5", "6", "7"]
    assert shown[4] in shown[:4]


def test_fewer_workers_sit_beside_their_gpus() -> None:
    """After a shortage of memory half the workers have twice the cores, and the GPU beside the first."""
    order = gpu_order(load_site("lumi"), "standard-g", 8)
    gpus, cores = Gpus("V", order), [{core} for core in range(64) if core % 8]
    beside = load_site("lumi").nodes["gpu"].topology
    assert beside is not None
    for workers in (1, 2, 4, 8):
        for slot in range(workers):
            gpu = int(gpus.environment(slot, workers, {})["V"])
            assert beside.gpu_l3[gpu] == min(cores_of(slot, workers, cores)) // 8
    assert gpu_order(load_site("lumi"), "small-g", 3) == (0, 1, 2), "nobody knows which they are"


def test_fewer_gpus_than_told_are_no_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "0")
    with pytest.raises(ValueError, match="names fewer GPUs than the 2 of this job"):
        Gpus("ROCR_VISIBLE_DEVICES", (0, 1)).environment(0, 2, os.environ)
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--stages", "a", "--workers", "2", "--gpu-variable", "V", "--gpu-order", "0"])


def test_a_share_is_its_own_blocks_less_those_done(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 10})
    for index in (1, 1, 0):
        assert Agent(folder, options(folder, "one", share=(index, 3), workers=2)).run() == 0
    assert times_done(folder, "one") == Counter(range(6))


def test_a_killed_worker_is_replaced_and_its_blocks_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path / "run", {"one": 12})
    set_fault(folder, "one", 5, "kill", times=2)
    assert Agent(folder, options(folder, "one", workers=2)).run() == 0
    assert set(times_done(folder, "one")) == set(range(12))
    log = capsys.readouterr().out
    assert log.count("worker died") == 2
    assert "SIGKILL" in log


def test_a_block_that_kills_three_workers_is_given_up_and_no_other(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 12, "two": 1})
    set_fault(folder, "one", 7, "kill")
    assert Agent(folder, options(folder, "one", "two", workers=2)).run() == 65
    failures = Ledger(folder).failures("one")
    assert list(failures) == [7]
    assert "3 workers died" in failures[7]
    assert set(times_done(folder, "one")) == set(range(12)) - {7}
    assert not times_done(folder, "two"), "the next stage must not start without its inputs"


def test_failed_blocks_are_tried_again_by_the_first_attempt_only(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 4})
    set_fault(folder, "one", 2, "error", times=1)
    assert Agent(folder, options(folder, "one")).run() == 65
    assert Agent(folder, options(folder, "one", attempt=2)).run() == 65
    assert Agent(folder, options(folder, "one", attempt=1)).run() == 0


def test_workers_that_cannot_start_blame_no_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path / "run", {"one": 4})
    (folder.path / "broken").touch()
    assert Agent(folder, options(folder, "one", workers=2)).run() == BROKEN
    assert not Ledger(folder).failures("one")
    assert "workers do not start" in capsys.readouterr().out


def test_a_block_short_of_memory_gets_the_share_of_a_worker_fewer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path / "run", {"one": 6})
    set_fault(folder, "one", 3, "memory")  # asks for 600 MiB
    given = options(folder, "one", workers=2, memory_per_worker=400 * 2**20)
    assert Agent(folder, given).run() == 0
    assert "short of memory: 1 workers" in capsys.readouterr().out
    assert Ledger(folder).complete("one")


def test_a_block_too_large_for_the_node_fails_with_its_reason(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", {"one": 3})
    set_fault(folder, "one", 1, "memory")
    assert Agent(folder, options(folder, "one", memory_per_worker=300 * 2**20)).run() == 65
    assert Ledger(folder).failures("one") == {1: "MemoryError"}


@pytest.mark.parametrize("how", ["stop", "epoch", "deadline"])
def test_a_stop_lets_blocks_in_flight_finish(tmp_path: Path, how: str) -> None:
    folder = make_run(tmp_path / "run", {"one": 50})
    for block in range(50):
        set_fault(folder, "one", block, "slow")
    limit = 1.0 if how == "deadline" else 0.0
    agent = Agent(folder, options(folder, "one", workers=2, epoch=1, deadline_seconds=limit))

    def end() -> None:
        workers = folder.path / "workers.txt"
        while not workers.exists() or workers.read_text().count("\n") < 2:
            time.sleep(0.05)
        time.sleep(0.5)  # each has its first block, of a second and a half
        if how == "stop":
            folder.stop_file.touch()
        elif how == "epoch":
            folder.epochs.mkdir()
            (folder.epochs / "0002.json").touch()

    told = threading.Thread(target=end, daemon=True)
    told.start()
    assert agent.run() == 75
    done = times_done(folder, "one")
    assert max(done.values(), default=1) == 1
    started = 0 if how == "deadline" else 2  # a slow machine may start nothing before a deadline
    assert started <= len(done) < 20, "of 75 s of work"


@pytest.mark.parametrize("sig", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_to_the_program_ends_it_in_order(tmp_path: Path, sig: signal.Signals) -> None:
    folder = make_run(tmp_path / "run", {"one": 50})
    for block in range(50):
        set_fault(folder, "one", block, "slow")
    code = (
        "import sys, signal; from hpcflow.run import agent; from hpcflow.run.folder import RunFolder\n"
        f"a = agent.Agent(RunFolder.at({str(folder.path)!r}), agent.AgentOptions(('one',), workers=2, "
        f"command=({sys.executable!r}, {str(STUB)!r}, {str(folder.path)!r}, '--serve', '--name')))\n"
        f"signal.signal({int(sig)}, lambda *_: a.stop('told'))\nsys.exit(a.run())"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 15
    while not (folder.path / "workers.txt").exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(sig)
    assert process.wait(timeout=20) == 75
    pids = [int(line.split()[1]) for line in (folder.path / "workers.txt").read_text().splitlines()]
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")], "a worker was left behind"


def test_ranges_and_cores() -> None:
    assert intersect([(0, 4), (6, 9)], (3, 7)) == [(3, 4), (6, 7)]
    cores = [{core, core + 8} for core in range(8)]
    parts = [cores_of(slot, 3, cores) for slot in range(3)]
    assert set.union(*parts) == set(range(16))
    assert sum(map(len, parts)) == 16
    assert all(cpu + 8 in part for part in parts for cpu in part if cpu < 8), (
        "threads of a core stay together"
    )
    assert cores_of(0, 4, cores[:2]) == set()
    here = os.sched_getaffinity(0)
    assert set.union(*physical_cores(here)) == here
