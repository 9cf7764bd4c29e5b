"""The exception tree. A class exists only where a caller would act differently.

HpcflowError
├── RequestError            what was asked cannot be done as asked; nothing has been spent (exit code 2)
│   ├── WorkflowError       the workflow file is wrong: every problem with file, line, column, remedy
│   └── PlanError           the plan would break a limit: memory, quota, budget
├── DataError               a recording cannot be read; it is set aside and the rest goes on
├── StoreError              a store or run folder is damaged or not ours
├── SlurmError              sbatch, sacct or scancel refused or did not answer
└── RunError                blocks failed (exit code 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HpcflowError(Exception):
    """Base of everything hpcflow raises on purpose."""

    exit_code = 1


class RequestError(HpcflowError):
    """The request itself is at fault."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a workflow file.

    Attributes
    ----------
    line, column
        From 1; 0 where the problem has no place in the file.
    path
        Where in the document, like ``steps.band.with.low``.
    rule, value, remedy
        What must hold, what was found, what to write instead.
    """

    file: str
    line: int
    column: int
    path: str
    rule: str
    value: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f" {self.path}:" if self.path else ""
        found = f" (found {self.value})" if self.value else ""
        remedy = f"\n    fix: {self.remedy}" if self.remedy else ""
        return f"{place}:{where} {self.rule}{found}{remedy}"


class WorkflowError(RequestError):
    """A workflow file with problems, all of them at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PlanError(RequestError):
    """A plan that a limit forbids; the message names the worst offender first and the remedy."""


class DataError(HpcflowError):
    """A recording that cannot be read as asked."""


class StoreError(HpcflowError):
    """A store or a run folder that is not as we left it."""


class SlurmError(HpcflowError):
    """Slurm refused, or did not answer."""


class RunError(HpcflowError):
    """Blocks of a run failed."""
