"""A big run does not start on a login node; small ones, other machines and jobs are left alone."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hpcflow.errors import RequestError
from hpcflow.executors import login
from tests.cli.conftest import Command, command, write_files

__all__ = ["command"]


@pytest.fixture
def on_lumi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with `sbatch` that is called like a login node of LUMI."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(socket, "gethostname", lambda: "uan03")


@pytest.mark.parametrize("host", ["uan01", "lumi-uan04", "lumi-uan02.csc.fi"])
def test_login_nodes_are_known_by_name(on_lumi: None, host: str) -> None:
    assert login.login_site(host) == "lumi"


@pytest.mark.parametrize("host", ["nid001234", "laptop", "uan01-of-another", "my-lumi-uan01"])
def test_others_are_not(on_lumi: None, host: str) -> None:
    assert login.login_site(host) == ""


def test_inside_a_job_or_without_slurm_it_is_none(on_lumi: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert login.login_site() == ""
    monkeypatch.delenv("SLURM_JOB_ID")
    assert login.login_site() == "lumi"
    monkeypatch.setenv("PATH", "/nowhere")
    assert login.login_site() == ""


def test_a_big_run_is_refused_with_the_remedy_and_small_ones_run(
    on_lumi: None, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_files(tmp_path / "w")
    run = ("run", file, "--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    monkeypatch.setattr(login, "MEMORY", 2**20)
    refused = command(*run)
    assert isinstance(refused.exception, RequestError)
    assert f"hpcflow submit {file} --site lumi" in str(refused.exception)
    assert not (tmp_path / "runs").exists()
    monkeypatch.setattr(login, "MEMORY", 2**40)
    monkeypatch.setattr(login, "SECONDS", 1e-6)
    assert isinstance(command(*run).exception, RequestError)
    assert command(*run, "--here").exit_code == 0
    monkeypatch.setattr(login, "SECONDS", 1e9)
    assert command(*run).exit_code == 0


def test_resume_counts_only_what_is_left(
    on_lumi: None, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_files(tmp_path / "w")
    run = ("run", file, "--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    resume = ("resume", "--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    assert command(*run).exit_code == 0
    monkeypatch.setattr(login, "SECONDS", 1e-6)
    assert command(*resume).exit_code == 0, "nothing is left to compute"
    for receipts in (tmp_path / "runs").glob("*/receipts/*.jsonl"):
        receipts.unlink()
    refused = command(*resume)
    assert isinstance(refused.exception, RequestError)
    assert f"hpcflow submit {file} --site lumi" in str(refused.exception)
    assert command(*resume, "--here").exit_code == 0
