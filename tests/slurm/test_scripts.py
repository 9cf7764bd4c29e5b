"""Scripts as text: golden, clean to bash and shellcheck, and safe with any folder name."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from hpcflow.errors import RequestError
from hpcflow.site import load_site
from hpcflow.slurm.directives import call_options, directive, index_list, log_pattern
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import Submission, run_token
from hpcflow.slurm.script import Place, scripts
from tests.conftest import require
from tests.slurm.golden import CASES, GOLDEN, build

HOSTILE = [
    "plain",
    "with space",
    "single ' quote",
    'double " quote',
    "back\\slash",
    "$(touch pwned)",
    "`touch pwned`",
    "percent %j %% %",
    "hash # and ; and & and | and >",
    "-dash first",
    "ünïcode ✓",
    "glob * ? [a-z] {a,b} !x ~",
]


@pytest.mark.parametrize("case", CASES)
def test_scripts_are_the_golden_ones(case: str) -> None:
    made = build(case)
    golden = {str(f.relative_to(GOLDEN / case)): f.read_text() for f in (GOLDEN / case).rglob("*.sh")}
    assert made == golden, "written on purpose? then: python -m tests.slurm.golden"


def test_no_golden_folder_is_left_over() -> None:
    assert {f.name for f in GOLDEN.iterdir() if f.is_dir()} == set(CASES)


def test_golden_scripts_are_clean_to_shellcheck() -> None:
    program = shutil.which("shellcheck")
    require(program is not None, "shellcheck")
    files = [str(file) for file in sorted(GOLDEN.rglob("*.sh"))]
    done = subprocess.run([str(program), *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def made(run: str, site: str = "mini-lumi", stage: str = "one", **options: object) -> dict[str, str]:
    needs = [StageNeed(stage, 6, (), 2**26, 0.1, 1.0), StageNeed("two", 6, (stage,), 2**26, 0.1, 1.0)]
    profile = load_site(site)
    schedule = plan_jobs(needs, profile, Options(elements=2, **options), run=run_token(run))  # type: ignore[arg-type]
    return scripts(schedule, profile, Place(run, "/usr/bin/python3", ("/a b", "/c'd"), "0"))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("site", ["mini-lumi", "local"])
def test_a_folder_of_any_name_stays_one_word(name: str, site: str, tmp_path: Path) -> None:
    run = f"/scratch/{name}"
    for path, text in made(run, site).items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        parsed = subprocess.run(["bash", "-n", str(file)], capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr
        line = next(line for line in text.splitlines() if line.startswith("readonly run="))
        echoed = subprocess.run(
            ["bash", "-c", f'{line}\nprintf %s "$run"'],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert echoed.stdout == run
        code = (
            [x for x in text.splitlines() if name in x and not x.startswith("#")] if name != "plain" else []
        )
        assert all(x.startswith("readonly run=") for x in code), "the name stands in one place only"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "bad", ["new\nline", "tab\there", "carriage\rreturn", "nul\0", "del\x7f", "bad\udcff"]
)
def test_a_name_that_no_script_can_hold_is_refused(bad: str) -> None:
    with pytest.raises(RequestError, match="must be"):
        made(f"/scratch/{bad}")
    with pytest.raises(RequestError, match="must be"):
        made("/scratch/x", stage=f"s{bad}")


def test_a_stage_name_cannot_end_the_list_of_stages() -> None:
    with pytest.raises(RequestError, match="comma"):
        made("/scratch/x", stage="a,b")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("small", "#SBATCH --x=small"),
        ("/a b", '#SBATCH --x="/a b"'),
        ('a"b', '#SBATCH --x="a\\"b"'),
        ("a\\b", '#SBATCH --x="a\\\\b"'),
        ("a#b", '#SBATCH --x="a#b"'),
        ("it's", '#SBATCH --x="it\'s"'),
    ],
)
def test_directives_are_quoted_as_sbatch_reads_them(value: str, line: str) -> None:
    assert directive("x", value) == line


def test_log_patterns() -> None:
    assert log_pattern("/a/50% done", array=False) == "/a/50%% done/%x-%j.out"
    assert log_pattern("/a", array=True) == "/a/%x-%A_%4a.out"
    assert log_pattern("/a\\b", array=True) == "/a\\\\b/slurm.out"


def test_arrays_count_from_the_first_of_their_wave() -> None:
    assert index_list([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    call = Submission("k", "blocks", "j", 3, elements=(2000, 2001, 2005), first=2000)
    assert call_options(call, "afterok:7") == ["--array=0-1,5", "--dependency=afterok:7"]


def test_every_script_says_what_a_research_engineer_looks_for() -> None:
    text = build("bearing_condition-lumi")["jobs/all.sh"]
    for line in (
        "#SBATCH --partition=small",
        "#SBATCH --account=project_462000001",
        "#SBATCH --open-mode=append",
        "#SBATCH --requeue",
        "set -euo pipefail",
        "module --force purge",
        "unset PYTHONPATH PYTHONHOME",
    ):
        assert line in text.splitlines()
    assert re.search(r"^#SBATCH --signal=B:USR1@\d+$", text, re.MULTILINE)
    assert "--kill-on-bad-exit=0 --wait=0" in text
    assert text.index("#   partition small") < text.index("#SBATCH")
    assert '"$python" -m hpcflow.run.account' in text.splitlines()[-1]
    directives = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    first_command = text.index("set -euo pipefail")
    assert all(text.index(line) < first_command for line in directives)


def test_the_submit_script_reads_its_own_words_only(tmp_path: Path) -> None:
    """Under a shell that traces, sbatch is called with whole words whatever the folder is called."""
    run = tmp_path / 'it\'s "odd" $(touch pwned) %j'
    for path, text in made(str(run)).items():
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        (run / path).write_text(text)
    (run / "cut.json").write_text("{}")
    (run / "schedules").mkdir()
    (run / "schedules" / "mini-lumi.json").write_text("{}")
    fake = tmp_path / "bin" / "sbatch"
    fake.parent.mkdir()
    fake.write_text(
        "#!/bin/bash\n"
        f"printf '%q ' \"$@\" >>{shlex.quote(str(tmp_path))}/calls\n"
        f"printf '\\n' >>{shlex.quote(str(tmp_path))}/calls\n"
        f"env >>{shlex.quote(str(tmp_path))}/environment\n"
        "echo 42\n"
    )
    fake.chmod(0o755)
    environment = {
        "PATH": f"{fake.parent}:/usr/bin:/bin",
        "HOME": "/",
        "SBATCH_ACCOUNT": "x",
        "SLURM_JOB_ID": "9",
    }
    for epoch in (1, 2):
        done = subprocess.run(
            ["bash", str(run / "submit.sh")], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert (run / "epochs" / f"{epoch:04d}.json").is_file()
    calls = [shlex.split(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert len(calls) == 8
    assert calls[0][:3] == ["--parsable", f"--job-name=hl-{run_token(str(run))}-e1-one-w1-a1", "--array=0-1"]
    assert calls[0][3] == f"{run}/jobs/one.sh"
    assert calls[1][2] == "--dependency=afterany:42"
    names = (tmp_path / "environment").read_text()
    assert "SBATCH_" not in names
    assert "SLURM_" not in names
    assert not list(tmp_path.rglob("pwned"))
    (run / "STOP").touch()
    stopped = subprocess.run(
        ["bash", str(run / "submit.sh")], env=environment, capture_output=True, text=True, check=False
    )
    assert stopped.returncode == 2
    assert "STOP" in stopped.stderr
    assert os.environ.get("SLURM_JOB_ID") is None
