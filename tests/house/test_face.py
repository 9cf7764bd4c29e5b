"""The face is a list and the list is whole; beside another `hpcflow` nothing starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hpcflow
import hpcflow_lumi


def test_the_face_is_a_sorted_list_of_what_is_there() -> None:
    assert list(hpcflow.__all__) == sorted(hpcflow.__all__)
    assert dir(hpcflow) == hpcflow.__all__
    for name in hpcflow.__all__:
        assert getattr(hpcflow, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        hpcflow.lod  # type: ignore[attr-defined]  # noqa: B018


def test_every_error_of_the_tree_is_on_the_face() -> None:
    from hpcflow import errors

    tree = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, errors.HpcflowError)}
    assert tree <= set(hpcflow.__all__)


def test_importing_the_face_imports_nothing_heavy(repo: Path) -> None:
    code = "import sys, hpcflow; print([n for n in ('numpy', 'typer', 'hpcflow.face') if n in sys.modules])"
    assert python(code, repo) == "[]"


def python(code: str, repo: Path, *more: Path) -> str:
    """Standard output of a program in a fresh interpreter; its standard error where it fails."""
    paths = [str(repo), str(repo / "kernels"), *map(str, more)]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    return (done.stdout if done.returncode == 0 else done.stderr).strip()


@pytest.mark.parametrize(
    "name",
    [
        "hpcflow-0.3.0.dist-info",
        "hpcflow_new-0.2.0.dist-info",
        "hpcflow_new2-0.2.0a268.dist-info",
        "hpcflow-0.1.16-py3.9.egg-info",
    ],
)
def test_another_hpcflow_stops_the_import_with_one_sentence(tmp_path: Path, repo: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    said = python("import hpcflow", repo, tmp_path).splitlines()[-1]
    assert said.startswith("ImportError: another project that imports as `hpcflow` is installed beside")
    assert str(tmp_path) in said
    assert "an environment of its own" in said
    assert said.count(". ") == 0


def test_another_hpcflow_stops_the_commands_without_a_traceback(tmp_path: Path, repo: Path) -> None:
    (tmp_path / "hpcflow-0.3.0.dist-info").mkdir()
    said = python("import hpcflow_lumi; hpcflow_lumi.main()", repo, tmp_path)
    assert said.startswith("another project that imports as `hpcflow`")
    assert len(said.splitlines()) == 1


def test_a_foreign_package_found_first_does_not_hide_the_sentence(tmp_path: Path, repo: Path) -> None:
    other = tmp_path / "site"
    (other / "hpcflow").mkdir(parents=True)
    (other / "hpcflow" / "__init__.py").write_text("raise SystemError('theirs')\n")
    (other / "hpcflow-0.3.0.dist-info").mkdir()
    code = f"import sys; sys.path.insert(0, {str(other)!r}); import hpcflow_lumi; hpcflow_lumi.main()"
    assert python(code, repo).startswith("another project that imports as `hpcflow`")


def test_our_own_distribution_is_no_stranger(tmp_path: Path) -> None:
    for name in ("hpcflow_lumi-0.1.0.dist-info", "hpcflowish-1.dist-info", "hpcflow.egg-link", "hpcflow"):
        (tmp_path / name).mkdir()
    assert hpcflow_lumi.foreign([str(tmp_path), str(tmp_path / "gone"), ""]) is None


def test_a_run_in_four_lines(tmp_path: Path, repo: Path) -> None:
    program = f"""
import hpcflow
workflow = hpcflow.load(
    {str(repo / "workflows" / "power_session.yaml")!r}, ["datasets.rides.store={tmp_path / "rides.zarr"}"]
)
run = workflow.run({str(tmp_path / "runs")!r}, limit=1)
print(run.status()["state"], sorted(run.results()) == sorted(ref.source for ref in workflow.spec.save))
print(hpcflow.open_run(runs={str(tmp_path / "runs")!r}).path == run.path)
"""
    assert python(program, repo).splitlines() == ["done True", "True"]


def test_a_plan_for_a_site_writes_no_run(tmp_path: Path, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = f"datasets.rides.store={tmp_path / 'rides.zarr'}"
    workflow = hpcflow.load(repo / "workflows" / "power_session.yaml", [store])
    plan = workflow.plan("mini-lumi", "project_1")
    assert plan.schedule is not None
    assert plan.summary()["run_id"] == plan.cut.id == workflow.plan().cut.id
    assert [path.name for path in tmp_path.iterdir()] == ["rides.scan.json"]
