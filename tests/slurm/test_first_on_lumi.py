"""The page for LUMI's newcomers: its profile is read, its commands are run, in its order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hpcflow.cli.main import app
from hpcflow.executors.slurm import wait
from hpcflow.results import open_step
from hpcflow.run.folder import find_run
from hpcflow.site import load_site
from hpcflow.site.find import SITES_VARIABLE
from hpcflow.slurm.pitfalls import lint
from hpcflow.slurm.testbed import Testbed
from tests.conftest import REPO

PAGE = (REPO / "docs" / "lumi.md").read_text()
PROFILE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]
BLOCKS = [
    [shlex.split(line.removeprefix("$ hpcflow ")) for line in block.splitlines()]
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
]
ASK, PLAN, SEND, RESULTS = BLOCKS
RMS = (1.0, 2.0, 3.0)


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three recordings, the profile of the page in place, and no calibration."""
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "lumi.yaml").write_text(PROFILE)
    monkeypatch.setenv(SITES_VARIABLE, str(tmp_path / "sites"))
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "none.json"))
    (tmp_path / "recordings").mkdir()
    t = np.arange(20_000) / 10_000
    for rms in RMS:
        x = rms * np.sqrt(2) * np.sin(2 * np.pi * 50 * t)
        rows = [f"{a:.4f},{b:.9f}" for a, b in zip(t, x, strict=True)]
        text = "\n".join(["time [s],acceleration [m/s2]", *rows]) + "\n"
        (tmp_path / "recordings" / f"r{rms:g}.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(arguments: list[str], site: str = "lumi") -> str:
    done = CliRunner().invoke(app, [site if a == "lumi" else a for a in arguments])
    assert done.exit_code == 0, (arguments, done.output, done.exception)
    return done.output


def test_the_profile_of_the_page(newcomer: Path) -> None:
    site = load_site("lumi")
    scratch = site.storage["scratch"]
    assert (site.project, scratch.quota, scratch.files) == ("project_462000001", 100 * 10**12, 4_000_000)
    assert site.partitions == load_site(str(REPO / "slurm" / "sites" / "lumi.yaml")).partitions
    found = site.evidence_of("storage.scratch")
    assert found is not None
    assert found.how == "observed"


def test_plans_and_scripts_for_lumi_itself(newcomer: Path) -> None:
    for command in PLAN[:3]:
        run(command)
    pilot, whole = " ".join(run(PLAN[3]).split()), run(PLAN[4])
    assert "on lumi all cost" in pilot
    assert "account project_462000001" in whole
    probe = run(ASK[1])
    assert "#SBATCH --account=project_462000001" in probe
    run(["compile", "first.yaml", "-o", "written", *SEND[0][2:]])
    scripts = list(newcomer.glob("written/*/jobs/*.sh"))
    assert scripts
    for script in scripts:
        text = script.read_text()
        assert "#SBATCH --account=project_462000001" in text
        assert "module load LUMI/25.03 partition/C cray-python/3.11.7" in text
        assert "readonly python=/project/project_462000001/hpcflow/bin/python" in text
        assert not [found for found in lint(text, load_site("lumi")) if found.level == "error"]


@pytest.mark.slurm
def test_the_same_lines_on_mini_lumi(newcomer: Path, bed: Testbed) -> None:
    asked = CliRunner().invoke(app, ["mini-lumi" if a == "lumi" else a for a in ASK[0]])
    assert "partitions.largemem" in asked.output, "the only one that this testbed lacks"
    assert asked.output.count("the profile says") == 1
    for command in (*PLAN, *SEND[:1]):
        run(command, "mini-lumi")
    wait(find_run(None, Path("runs")), 120.0, 0.5)
    for command in (*SEND[1:], *RESULTS):
        run(command, "mini-lumi")
    rms = open_step(find_run(None, Path("runs")), "condition").rms
    np.testing.assert_allclose(np.unique(np.round(rms.values, 3)), RMS, rtol=1e-3)
    assert (newcomer / "condition.csv").is_file()


def test_every_line_of_the_page_is_a_command() -> None:
    assert sum(map(len, BLOCKS)) == 13
    assert PAGE.count("$ hpcflow ") == 13
