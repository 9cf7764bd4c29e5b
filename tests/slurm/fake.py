"""The test's side of the fake Slurm: set how its programs behave, and read what they were asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class FakeSlurm:
    def __init__(self, place: Path) -> None:
        self.place = place

    def behave(self, program: str, how: str, text: str = "", times: int = 1) -> None:
        """Next calls of a program: `refuse`, `lose` (done, no answer), `garble`, `hang` or `say`."""
        (self.place / f"{program}.behaviour").write_text(
            json.dumps({"how": how, "text": text, "times": times})
        )

    def jobs(self) -> list[dict[str, Any]]:
        file = self.place / "jobs.json"
        jobs: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
        return jobs

    def job(self, name: str) -> dict[str, Any]:
        return next(job for job in self.jobs() if job["name"] == name)

    def set_state(self, name: str, state: str, **more: Any) -> None:
        jobs = self.jobs()
        for job in jobs:
            if job["name"] == name:
                job.update(state=state, **more)
        (self.place / "jobs.json").write_text(json.dumps(jobs))

    def forget(self, name: str) -> None:
        jobs = [job for job in self.jobs() if job["name"] != name]
        (self.place / "jobs.json").write_text(json.dumps(jobs))

    def calls(self, program: str) -> list[list[str]]:
        file = self.place / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [call["arguments"] for call in map(json.loads, lines) if call["program"] == program]

    def environments(self) -> list[dict[str, str]]:
        lines = (self.place / "calls.jsonl").read_text().splitlines()
        return [json.loads(line)["environment"] for line in lines]
