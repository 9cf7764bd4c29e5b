"""A profile against its cluster: recorded answers, and a real Slurm with profiles wrong on purpose."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hpcflow.cli.main import app
from hpcflow.errors import SlurmError
from hpcflow.site import Site, load_site, read_site
from hpcflow.slurm import testbed
from hpcflow.slurm.observe import Seen, SeenNode, observe, read_seen
from hpcflow.slurm.pitfalls import lint
from hpcflow.slurm.probe_job import probe_job
from hpcflow.slurm.survey import differences, draft
from tests.conftest import require

GiB, MiB = 2**30, 2**20
MINI, LUMI = load_site("mini-lumi"), load_site("lumi")

# Lines as `scontrol --oneliner` of 22.05 prints them, with a GPU node that keeps eight cores for the system.
CONFIG = """\
Configuration data as of 2026-11-24T08:44:35
AccountingStorageType   = accounting_storage/slurmdbd
ClusterName             = west
MaxArraySize            = 2001
SLURM_VERSION           = 24.05.8
"""
NODES = """\
NodeName=n1 Arch=x86_64 CoresPerSocket=64  CPUAlloc=0 CPUTot=256 Gres=(null) NodeAddr=n1 RealMemory=229376 \
Sockets=2 Boards=1 State=IDLE ThreadsPerCore=2 Partitions=work,whole  BootTime=2026-11-24T06:40:20
NodeName=n2 Arch=x86_64 CoresPerSocket=64  CPUTot=256 Gres=(null) RealMemory=491520 Sockets=2 \
State=MIXED ThreadsPerCore=2 Partitions=work
NodeName=g1 CoresPerSocket=64 CPUTot=128 Gres=gpu:mi250:8(S:0-7) RealMemory=524288 MemSpecLimit=32768 \
CoreSpecCount=8 Sockets=1 State=DOWN ThreadsPerCore=2 Partitions=gpu OS=Linux 6.4 #1 SMP
"""
PARTITIONS = """\
PartitionName=work AllowGroups=ALL Default=YES MaxNodes=4 MaxTime=3-00:00:00 MinNodes=0 Nodes=n[1-2] \
OverSubscribe=NO State=UP DefMemPerCPU=896
PartitionName=whole Default=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED MinNodes=2 OverSubscribe=EXCLUSIVE
PartitionName=gpu Default=NO MaxNodes=2 MaxTime=12:00:00 MinNodes=1 OverSubscribe=NO State=UP
PartitionName=empty Default=NO MaxNodes=2 MaxTime=12:00:00 OverSubscribe=NO State=DOWN
"""
LIMITS = "a|work|200|220\nb|work|100|300\na|||\n"


def seen(limits: str = LIMITS) -> Seen:
    return read_seen(CONFIG, NODES, PARTITIONS, limits)


def test_answers_are_read() -> None:
    found = seen()
    assert (found.cluster, found.version, found.max_array_index) == ("west", "24.05", 2000)
    work, whole, gpu = (found.partitions[name] for name in ("work", "whole", "gpu"))
    assert work.kinds == (
        SeenNode(128, 224 * GiB, architecture="x86_64", threads=2),
        SeenNode(128, 480 * GiB, architecture="x86_64", threads=2),
    )
    assert (work.default, work.whole, work.max_time, work.max_nodes) == (True, False, 3 * 86400, 4)
    assert (work.submitted, work.running) == (300, 200), "the widest of the user's accounts"
    assert (whole.whole, whole.max_time, whole.max_nodes, whole.min_nodes) == (True, None, None, 2)
    assert gpu.kinds == (SeenNode(56, 480 * GiB, 8, "gpu:mi250", threads=2),)
    assert found.partitions["empty"].kinds == ()
    assert seen("").partitions["work"].submitted is None


def test_a_draft_is_a_profile(tmp_path: Path) -> None:
    text = draft("west", seen())
    (tmp_path / "west.yaml").write_text(text)
    site = read_site(tmp_path / "west.yaml")
    assert site.default_partition == "work"
    assert site.partitions["work"].also == ("cpu-480g",)
    assert site.nodes["mi250"].gpus == 8
    assert site.nodes["mi250"].gpu_variable == "ROCR_VISIBLE_DEVICES"
    assert site.partitions["whole"].min_nodes == 2
    assert "empty" not in site.partitions
    assert {d.path for d in differences(site, seen())} == {"partitions.empty"}


@pytest.mark.parametrize("name", ["norway: {x}", "a\nb", "*x", "yes", "# no"])
def test_a_cluster_cannot_write_into_a_draft(tmp_path: Path, name: str) -> None:
    config = replace(seen(), cluster=name)
    (tmp_path / "west.yaml").write_text(draft("west", config))
    assert read_site(tmp_path / "west.yaml").title == name


def wrong(site: Site) -> dict[str, tuple[Site, str]]:
    """Profiles with one fact changed each, and the path that must be named."""
    small, cpu = site.partitions["small"], site.nodes["cpu"]

    def partition(**changes: object) -> Site:
        return replace(site, partitions={**site.partitions, "small": replace(small, **changes)})  # type: ignore[arg-type]

    def node(**changes: object) -> Site:
        return replace(site, nodes={**site.nodes, "cpu": replace(cpu, **changes)})  # type: ignore[arg-type]

    return {
        "version": (replace(site, slurm="25.05"), "slurm"),
        "array": (replace(site, max_array_index=5000), "max_array_index"),
        "time": (partition(max_time=60), "partitions.small.max_time"),
        "nodes": (partition(max_nodes=99), "partitions.small.max_nodes"),
        "whole": (partition(allocation="whole"), "partitions.small.allocation"),
        "cores": (node(cores=128), "nodes.cpu.cores"),
        "memory": (node(memory=224 * GiB), "nodes.cpu.memory"),
        "gpus": (node(gpus=4, gres="gpu:x"), "nodes.cpu.gpus"),
        "architecture": (node(architecture="aarch64"), "nodes.cpu.architecture"),
        "unknown": (
            replace(site, partitions={**site.partitions, "nowhere": small}),
            "partitions.nowhere",
        ),
        "missing": (
            replace(site, partitions={n: p for n, p in site.partitions.items() if n != "debug"}),
            "partitions.debug",
        ),
    }


@pytest.fixture(scope="module")
def own_bed() -> Iterator[testbed.Testbed]:
    """A Slurm with a node of every type of its profile, and limits of accounts."""
    missing = testbed.missing_programs(accounting=True)
    require(not missing, f"Slurm ({', '.join(missing)})")
    parent = Path(tempfile.mkdtemp(prefix="tb", dir="/tmp"))
    try:
        with testbed.testbed(parent / "s", nodes={"cpu": 1, "gpu": 1, "large": 1}, accounting=True) as bed:
            yield bed
    finally:
        shutil.rmtree(parent, ignore_errors=True)


@pytest.mark.slurm
def test_a_true_profile_has_no_difference_and_a_wrong_one_every(
    own_bed: testbed.Testbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(own_bed.conf))
    found = observe()
    assert differences(MINI, found) == ()
    for name, (profile, path) in wrong(MINI).items():
        paths = [difference.path for difference in differences(profile, found)]
        assert any(p.startswith(path) for p in paths), (name, paths)
    partitions = {n: replace(p, submitted=7, running=6) for n, p in MINI.partitions.items()}
    limited = [d.path for d in differences(replace(MINI, partitions=partitions), found)]
    assert {f"partitions.{n}.{key}" for n in MINI.partitions for key in ("submitted", "running")} <= set(
        limited
    )


@pytest.mark.slurm
def test_commands_on_a_real_slurm(
    own_bed: testbed.Testbed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLURM_CONF", str(own_bed.conf))
    run = CliRunner().invoke
    fine = run(app, ["doctor", "--site", "mini-lumi"])
    assert (fine.exit_code, "what Slurm tells is as the profile says" in fine.output) == (0, True), (
        fine.output
    )
    made = run(app, ["sites", "import", "found", "-o", str(tmp_path)])
    assert made.exit_code == 0, made.output
    assert run(app, ["doctor", "--site", str(tmp_path / "found.yaml")]).exit_code == 0
    again = run(app, ["sites", "import", "found", "-o", str(tmp_path)])
    assert "would lose what was completed" in str(again.exception)
    other = run(app, ["doctor", "--site", "lumi"])
    assert other.exit_code == 1
    for path in (
        "slurm:",
        "nodes.cpu.cores (partitions.small):",
        "nodes.cpu-1024.memory",
        "partitions.bench:",
    ):
        assert path in other.output


@pytest.mark.slurm
def test_the_probing_job_answers(own_bed: testbed.Testbed, tmp_path: Path) -> None:
    script = tmp_path / "probe.sh"
    script.write_text(probe_job(MINI))
    environment = {"PATH": "/usr/bin:/bin", "USER": "root", **own_bed.environment}
    subprocess.run(["sbatch", str(script)], env=environment, cwd=tmp_path, check=True, capture_output=True)
    log, end = "", time.monotonic() + 60
    while not log.endswith("end\n") and time.monotonic() < end:
        time.sleep(0.3)
        log = "".join(file.read_text() for file in tmp_path.glob("hpcflow-doctor-*.txt"))
    facts = dict(re.findall(r"^FACT (\S+) (.*)$", log, re.MULTILINE))
    assert facts["sbatch_from_compute"] == "yes", log
    assert facts["max_array_index"] == str(MINI.max_array_index)
    assert facts["slurm"].startswith(MINI.slurm)
    assert facts["launcher"] == "ok"


@pytest.mark.parametrize("name", ["lumi", "roihu", "mini-lumi"])
def test_the_probing_job_is_sound(name: str, tmp_path: Path) -> None:
    site = load_site(name)
    text = probe_job(site, "project_1")
    assert [found for found in lint(text, site) if found.level == "error"] == []
    for fact in (f for f, known in site.evidence.items() if known.how == "assumed"):
        assert f"#   {fact}\n" in text
    (tmp_path / "probe.sh").write_text(text)
    program = shutil.which("shellcheck")
    require(program is not None, "shellcheck")
    done = subprocess.run(
        [str(program), str(tmp_path / "probe.sh")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_where_there_is_no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SlurmError, match="no Slurm to ask; run this on the login node"):
        observe()


def test_doctor_reads_a_script(tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text("#!/bin/bash\n#SBATCH --partition=small\nmpirun ./app\n")
    told = CliRunner().invoke(app, ["doctor", "--site", "lumi", "--script", str(script)])
    assert told.exit_code == 1
    assert "line 3: mpirun" in told.output
    assert "--account" in told.output


def test_a_site_is_shown() -> None:
    shown = CliRunner().invoke(app, ["sites", "show", "roihu"])
    assert shown.exit_code == 0
    assert "200 × GPUs" in shown.output
