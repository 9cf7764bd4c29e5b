"""Jobs that compute inside a container image: their scripts, and what a stand-in program is told."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hpcflow.errors import RequestError, WorkflowError
from hpcflow.executors.resume import changed
from hpcflow.executors.slurm import options_of
from hpcflow.run.ledger import Ledger
from hpcflow.site import load_site
from hpcflow.slurm.compile import compile_run
from hpcflow.slurm.container import binds, image_of
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.script import Place, scripts
from hpcflow.workflow.load import load_text
from tests.slurm.conftest import Make
from tests.slurm.stub_run import make_run

LUMI = load_site("lumi")
IMAGE = "/project/project_462000001/hpcflow.sif"
PAYS = Options(account="project_462000001", container=IMAGE)
NEEDS = (
    StageNeed("one", 100, (), 2**30, 1.0, 2.0),
    StageNeed("two", 3, ("one",), 2**30, 1.0, 2.0),
)
PLACE = Place(
    "/scratch/project_462000001/run", "/usr/bin/python3", (), "0", ("/scratch/project_462000001/in",)
)


def test_the_script_on_lumi() -> None:
    schedule = plan_jobs(NEEDS, LUMI, replace(PAYS, elements=2), run="01234567")
    text = scripts(schedule, LUMI, PLACE)["jobs/two.sh"]
    assert (
        "readonly inside=(singularity exec --bind /pfs --bind /scratch --bind /projappl --bind /project "
        f"--bind /flash \\\n    {IMAGE})\n"
    ) in text
    assert "readonly python=python3\n" in text
    assert text.count('"${inside[@]}" "$python" -m hpcflow.run') == 3, "inputs, agent, account"
    assert '    "$python" -m' not in text
    assert "container: jobs compute in" in text


def test_without_one_nothing_changes() -> None:
    schedule = plan_jobs(NEEDS, LUMI, replace(PAYS, container=None), run="01234567")
    assert not any("inside" in text for text in scripts(schedule, LUMI, PLACE).values())


def test_gates_need_an_interpreter_outside_of_the_image() -> None:
    alone = plan_jobs(NEEDS, LUMI, PAYS, run="01234567")
    assert alone.gate is None
    assert any("no gate jobs: they call Slurm" in reason for reason in alone.reasons)
    with pytest.raises(RequestError, match="calls Slurm's programs"):
        plan_jobs(NEEDS, LUMI, replace(PAYS, gates=True), run="01234567")
    outside = replace(LUMI, python="/project/x/bin/python")
    schedule = plan_jobs(NEEDS, outside, PAYS, run="01234567")
    assert schedule.gate is not None
    gate = scripts(schedule, outside, replace(PLACE, python=outside.python))["jobs/gate.sh"]
    assert "inside" not in gate
    assert "readonly python=/project/x/bin/python" in gate


def test_the_workflows_image_goes_before_the_profiles() -> None:
    assert LUMI.container is not None
    ours = replace(LUMI, container=replace(LUMI.container, image="/project/ours.sif"))
    assert image_of(ours, None) == "/project/ours.sif"
    assert image_of(ours, IMAGE) == IMAGE
    assert image_of(LUMI, None) == ""
    assert changed(plan_jobs(NEEDS, LUMI, PAYS, run="01234567"), 600, None, None).container == IMAGE


@pytest.mark.parametrize("image", ["hpcflow.sif", "../a.sif", "docker://python", "/a\nb.sif", "/a\x1b.sif"])
def test_unsafe_images_are_refused(image: str) -> None:
    with pytest.raises(RequestError):
        image_of(LUMI, image)
    text = WORKFLOW + f"run: {{container: {image!r}}}\n".replace("'", '"')
    with pytest.raises(WorkflowError, match=r"run\.container"):
        load_text(text.encode(), "w.yaml", ())


def test_a_site_that_starts_no_containers_says_so() -> None:
    with pytest.raises(RequestError, match="does not say how a container is started"):
        image_of(load_site("local"), IMAGE)


@pytest.mark.parametrize("path", ["/data/a:b", "/data/a,b", "relative"])
def test_folders_that_a_bind_would_split_are_refused(path: str) -> None:
    with pytest.raises(RequestError, match="without , and :"):
        binds(LUMI, [path])


def test_only_folders_that_are_not_seen_are_bound() -> None:
    assert LUMI.container is not None
    assert binds(LUMI, ["/scratch/p/run", "/scratch2/x", "/home/me"]) == (
        *LUMI.container.bind,
        "/home/me",
        "/scratch2/x",
    )


WORKFLOW = """\
hpcflow: 1
name: w
datasets: {m: {zarr: m.zarr}}
steps: {d: {kernel: welch, input: m.x, with: {window: 1 s}}}
save: [d]
"""


def test_a_workflow_names_it() -> None:
    spec = load_text((WORKFLOW + f"run: {{container: {IMAGE}}}\n").encode(), "w.yaml", ())
    assert options_of(spec.run).container == IMAGE


def test_everything_that_computes_goes_through_the_program(
    tmp_path: Path, make: Make, python: Path, import_path: tuple[str, ...]
) -> None:
    """`apptainer` is a stand-in that writes down what it is told and runs the rest."""
    programs = tmp_path / "bin"
    programs.mkdir()
    image = tmp_path / "an image's $(odd) name.sif"
    (programs / "apptainer").write_text(
        '#!/bin/bash\nprintf "%s\\n" "$*" >>"$CALLS"\n'
        'while [[ $1 != *.sif ]]; do shift; done\nshift\nexec "$@"\n'
    )
    (programs / "apptainer").chmod(0o755)
    profile = tmp_path / "boxed.yaml"
    profile.write_text(
        "hpcflow_site: 1\nextends: local\nname: boxed\n"
        f"container: {{program: apptainer, python: '{python}'}}\n"
        "evidence: {container: {how: assumed, source: a test}}\n"
    )
    site = load_site(str(profile))
    folder = make_run(tmp_path / "run", {"one": 4, "two": 2})
    stages = (("one", 4, ()), ("two", 2, ("one",)))
    needs = [StageNeed(name, blocks, after, 2**26, 0.01, 0.1) for name, blocks, after in stages]
    place = Place(str(folder.path), "/nowhere/python", import_path, "0", (str(tmp_path / "in"),))
    compile_run(folder, needs, site, Options(workers=2, elements=1, container=str(image)), place)
    calls = tmp_path / "calls"
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": "/", "CALLS": str(calls)}
    command = ["bash", str(folder.submit_script)]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Ledger(folder).complete("two")
    told = calls.read_text().splitlines()
    assert len(told) == 2 * 2 + 1, "an agent and a count for each job, and what the second reads"
    for line in told:
        assert line.startswith("exec --bind /")
        assert f"--bind {folder.path}" in line
        assert f"{image} {python} -m hpcflow.run." in line
    assert os.fspath(image) in (folder.path / "jobs/one.sh").read_text().replace("'\"'\"'", "'")
