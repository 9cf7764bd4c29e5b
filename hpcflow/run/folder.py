"""The run folder: every path in it has its name here and nowhere else."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hpcflow.errors import RequestError, StoreError


@dataclass(frozen=True)
class RunFolder:
    """One run on disk: what was asked, what was decided, what has happened.

    Paths are absolute but never resolved through links: on clusters the project's path is a link
    that compute nodes may mount elsewhere.
    """

    path: Path

    @classmethod
    def at(cls, path: str | Path) -> RunFolder:
        """The run folder at a path, which must hold a plan."""
        folder = cls(Path(os.path.abspath(path)))
        if not folder.cut_file.is_file():
            raise RequestError(f"{folder.path} is no run folder: it holds no {folder.cut_file.name}")
        return folder

    @property
    def workflow_file(self) -> Path:
        """The workflow as it was asked."""
        return self.path / "workflow.yaml"

    @property
    def cut_file(self) -> Path:
        """The frozen cut: stages, tiles, blocks, layout."""
        return self.path / "cut.json"

    @property
    def request_file(self) -> Path:
        """Where the workflow's folder lies and which settings were overridden (this machine's paths)."""
        return self.path / "request.json"

    @property
    def records(self) -> Path:
        """Record tables as planned, one Zarr group per dataset."""
        return self.path / "records"

    @property
    def schedules(self) -> Path:
        """One schedule per site."""
        return self.path / "schedules"

    @property
    def jobs(self) -> Path:
        """Generated batch scripts."""
        return self.path / "jobs"

    @property
    def submit_script(self) -> Path:
        """Submits the scripts without hpcflow."""
        return self.path / "submit.sh"

    @property
    def receipts(self) -> Path:
        """What is done, one file per worker."""
        return self.path / "receipts"

    @property
    def packs(self) -> Path:
        """Small outputs of blocks on their way into shards, one file per worker."""
        return self.path / "packs"

    @property
    def intermediate(self) -> Path:
        """Outputs that later stages read and nobody asked to keep."""
        return self.path / "intermediate"

    @property
    def results(self) -> Path:
        """One Zarr store per saved step."""
        return self.path / "results"

    @property
    def logs(self) -> Path:
        """What jobs and workers printed."""
        return self.path / "logs"

    @property
    def epochs(self) -> Path:
        """One file per submission, created atomically."""
        return self.path / "epochs"

    @property
    def claims(self) -> Path:
        """Claims that make a duplicate job harmless."""
        return self.path / "claims"

    @property
    def stop_file(self) -> Path:
        """While it exists, nothing new is started."""
        return self.path / "STOP"

    @property
    def status_file(self) -> Path:
        """Written when the run ends: `done`, `failed` or `set aside`, for whoever polls a file."""
        return self.path / "status.json"

    @property
    def report_file(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def step_store(self, step: str, saved: bool) -> Path:
        """The Zarr store of a step."""
        return (self.results if saved else self.intermediate) / f"{step}.zarr"

    @cached_property
    def cut(self) -> dict[str, Any]:
        """The cut as plain JSON (read once).

        Raises
        ------
        StoreError
            If it is not JSON, or of a format this version does not know.
        """
        try:
            cut: dict[str, Any] = json.loads(self.cut_file.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.cut_file} cannot be read: {error}") from error
        if cut.get("schema") != "hpcflow.cut/1":
            raise StoreError(
                f"{self.cut_file} has format {cut.get('schema')!r}, this version reads 'hpcflow.cut/1'"
            )
        return cut

    @cached_property
    def request(self) -> dict[str, Any]:
        """This machine's side of the run: the workflow's folder, stores, overrides."""
        request: dict[str, Any] = json.loads(self.request_file.read_text())
        return request

    @property
    def run_id(self) -> str:
        """The cut's id: sha256, hexadecimal."""
        return str(self.cut["id"])


def find_run(name: str | None, runs: Path) -> RunFolder:
    """Resolve what a user types for a run: a folder, an id prefix, or nothing for the newest.

    Raises
    ------
    RequestError
        If there is none, or the prefix fits several.
    """
    if name and (Path(name) / "cut.json").is_file():
        return RunFolder.at(name)
    found = sorted(runs.glob("*/cut.json"), key=lambda p: p.stat().st_mtime) if runs.is_dir() else []
    if name is None:
        if not found:
            raise RequestError(
                f"no run found under {runs}; start one with `hpcflow run FILE`, or name --runs"
            )
        return RunFolder.at(found[-1].parent)
    hits = [
        p.parent for p in found if p.parent.name == name or p.parent.name.rpartition("-")[2].startswith(name)
    ]
    if len(hits) == 1:
        return RunFolder.at(hits[0])
    if not hits:
        known = ", ".join(p.parent.name for p in found[-5:]) or "none"
        raise RequestError(f"no run is called {name!r} under {runs}; newest there: {known}")
    raise RequestError(f"{name!r} fits several runs: {', '.join(h.name for h in hits)}; give more of the id")
