"""The testbed: any folder that can serve, two at once, and nothing left behind, also after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcflow.errors import RequestError
from hpcflow.site import load_site
from hpcflow.slurm import testbed
from hpcflow.slurm.testbed_conf import Layout, gres_conf, limits, slurm_conf
from tests.conftest import REPO, require


def layout(**nodes: int) -> Layout:
    names = {kind: [f"n{kind}{i}" for i in range(count)] for kind, count in nodes.items()}
    ports = {
        name: 1000 + i
        for i, name in enumerate(["ctld", "dbd", "sql", *(n for group in names.values() for n in group)])
    }
    return Layout("/f", "me", "host", names, ports, ["/dev/tty1", "/dev/tty2"] * 4, True, False, 20, 300)


def test_the_configuration_has_the_partitions_of_the_site() -> None:
    site = load_site("mini-lumi")
    text = slurm_conf(site, layout(cpu=2, gpu=1))
    assert "PartitionName=standard Nodes=ncpu0,ncpu1 Default=NO State=UP OverSubscribe=EXCLUSIVE" in text
    assert "PartitionName=debug" in text
    assert "MaxTime=00:30:00 MaxNodes=4" in text
    assert "largemem" not in text, "no node of its type"
    assert "Gres=gpu:mi250:8" in text
    assert gres_conf(site, layout(gpu=1)).startswith("NodeName=ngpu0 Name=gpu Type=mi250 File=/dev/tty1,")
    added = [" ".join(command) for command in limits(site, layout(cpu=1), {"small": 6})]
    assert any("Partition=small MaxSubmitJobs=6 MaxJobs=200" in command for command in added)
    assert any("Partition=standard MaxSubmitJobs=120 MaxJobs=100" in command for command in added)


@pytest.mark.parametrize("bad", ["/tmp/a b", "/tmp/%n", "/tmp/" + "x" * 60, "/tmp/a#b", "/tmp/a=b"])
def test_a_folder_that_cannot_serve_is_refused(bad: str) -> None:
    require(not testbed.missing_programs(), "Slurm")
    with pytest.raises(RequestError, match="a testbed's folder"):
        testbed.up(bad)


def test_a_folder_that_is_no_testbed_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(RequestError, match="holds no testbed"):
        testbed.down(tmp_path)
    assert (tmp_path / "precious").exists()
    testbed.down(tmp_path / "never was")


def test_missing_programs_name_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testbed, "_PATH", "/nowhere")
    with pytest.raises(RequestError, match=r"slurmctld.*install Debian's packages.*mariadb-server"):
        testbed.up("/tmp/never", accounting=True)


@pytest.fixture
def place() -> Iterator[Path]:
    require(not testbed.missing_programs(), "Slurm")
    parent = Path(tempfile.mkdtemp(prefix="hl", dir="/tmp"))
    yield parent
    for folder in parent.glob("*"):
        testbed.down(folder)
    shutil.rmtree(parent, ignore_errors=True)


def traces(folder: Path) -> list[str]:
    """Command lines of processes that were started for a testbed."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z" and int(entry.name) != os.getpid():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def slurm(bed: testbed.Testbed, *command: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", **bed.environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.slurm
def test_two_testbeds_live_beside_each_other_and_leave_nothing(place: Path) -> None:
    with (
        testbed.testbed(place / "a", nodes={"cpu": 1}) as a,
        testbed.testbed(place / "b", nodes={"gpu": 1}) as b,
    ):
        for bed, partition in ((a, "small"), (b, "small-g")):
            wrap = ["--wrap", "sleep 100", "-o", "/dev/null", "--mem=50M"]
            assert slurm(bed, "sbatch", "--parsable", "-p", partition, *wrap) == "1\n"
        names = slurm(a, "sinfo", "-h", "-o", "%R").split()
        assert names == ["standard", "small", "debug"]
        assert slurm(b, "sinfo", "-h", "-p", "small-g", "-o", "%G").strip() == "gpu:mi250:8"
        time.sleep(1.0)
    assert traces(place) == []
    assert list(place.iterdir()) == []


@pytest.mark.slurm
def test_down_cleans_up_after_a_crash_of_everything(place: Path) -> None:
    """The program that started it is killed, then a daemon: the recorded processes are still found."""
    code = (
        "import sys, time; from hpcflow.slurm.testbed import up\n"
        f"up({str(place / 'c')!r}, nodes={{'cpu': 1}}); print('up', flush=True); time.sleep(100)"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert starter.stdout is not None
    assert starter.stdout.readline() == b"up\n"
    starter.kill()
    starter.wait()
    starter.stdout.close()
    bed = testbed.Testbed(place / "c", ("nid000001",), "")
    slurm(bed, "sbatch", "-p", "small", "--mem=50M", "-o", "/dev/null", "--wrap", "exec sleep 100")
    time.sleep(1.0)
    bed.stop("slurmctld", signal.SIGKILL)
    testbed.down(place / "c")
    assert traces(place) == []
    assert not (place / "c").exists()


@pytest.mark.slurm
def test_down_finds_its_processes_where_the_folder_was_removed(place: Path) -> None:
    bed = testbed.up(place / "d", nodes={"cpu": 1})
    shutil.rmtree(bed.folder)
    assert traces(place)
    testbed.down(place / "d")
    assert traces(place) == []


@pytest.mark.slurm
def test_a_start_that_fails_leaves_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(bed: testbed.Testbed) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(testbed, "_idle", broken)
    with pytest.raises(KeyboardInterrupt):
        testbed.up(place / "e", nodes={"cpu": 1})
    assert traces(place) == []
    assert list(place.iterdir()) == []
