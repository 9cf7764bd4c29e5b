"""What trips users up on a cluster, looked for in a batch script or a profile's own lines.

Scripts that hpcflow writes pass every check; this is for what a user adds: a prologue, a whole script, a
container line. What is special to a cluster stands in its profile; no cluster is named here.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

from hpcflow.errors import PlanError
from hpcflow.site import Site
from hpcflow.slurm.batch import BatchScript, read_batch
from hpcflow.slurm.check_resources import RESOURCE_CHECKS
from hpcflow.slurm.check_steps import STEP_CHECKS
from hpcflow.slurm.directives import module_lines
from hpcflow.slurm.finding import Asked, Finding, Found

__all__ = [
    "Finding",
    "allocation_problems",
    "architecture_problem",
    "check_architecture",
    "check_keys",
    "check_prologue",
    "lint",
]


def lint(text: str, site: Site, *, machine: str = "") -> tuple[Finding, ...]:
    """Look for mistakes in a batch script for a site.

    Parameters
    ----------
    text
        The script.
    machine
        Architecture that its programs and containers are for, as ``x86_64``; "" where unknown.
    """
    script = read_batch(text)
    found = list(_names(script, site))
    name = script.directives.get("partition", "")
    if name in site.partitions:
        asked = Asked(script, site, name, site.partitions[name], site.node_of(name))
        for check in (*RESOURCE_CHECKS, *STEP_CHECKS):
            found += check(asked)
        if machine and machine != asked.node.architecture:
            found.append(Finding("architecture", "error", 0, architecture_problem(site, name, machine)))
    found += _mistakes(script, site, name)
    return tuple(sorted(found, key=lambda one: (one.level, one.line)))


def _names(script: BatchScript, site: Site) -> Found:
    if site.account == "required" and not script.directives.get("account"):
        yield Finding("names", "error", 0, f"{site.name} has no default account; add --account")
    name = script.directives.get("partition", "")
    if name not in site.partitions:
        given = f"{name!r} is none" if name else "none is given"
        yield Finding("names", "error", 0, f"--partition is one of {', '.join(site.partitions)}; {given}")
    for line in script.late:
        yield Finding(
            "names", "error", line, "an #SBATCH line after the first command is ignored; move it up"
        )


def _mistakes(script: BatchScript, site: Site, partition: str) -> Found:
    """What a profile names."""
    texts: dict[str, list[tuple[int, str]]] = {
        "module": script.modules,
        "variable": script.variables,
        "command": [(c.line, c.program) for c in script.commands],
        "path": [(c.line, word) for c in script.commands for word in c.words if "/" in word],
        "gres": [(0, script.directives["gres"])] if "gres" in script.directives else [],
        "option": [(0, f"--{n}={v}" if v else f"--{n}") for n, v in script.directives.items()]
        + [(c.line, word) for c in script.named("srun") for word in c.words if word.startswith("-")],
    }
    for mistake in site.mistakes:
        if mistake.partitions and partition not in mistake.partitions:
            continue
        every = [text for group in texts.values() for _, text in group]
        if mistake.unless and any(fnmatch.fnmatchcase(text, mistake.unless) for text in every):
            continue
        for line, text in texts[mistake.where]:
            if fnmatch.fnmatchcase(text, mistake.pattern):
                yield Finding(
                    mistake.where, mistake.level, line, f"{text}: {mistake.why}; use {mistake.instead}"
                )


def check_prologue(site: Site, partition: str) -> tuple[str, ...]:
    """Hold what a profile has every job load and set against the site's known mistakes.

    Returns
    -------
    tuple of str
        What is allowed and yet costs or fails later.

    Raises
    ------
    PlanError
        For what cannot work.
    """
    lines = ["#SBATCH --open-mode=append", f"#SBATCH --partition={partition}", *module_lines(site, partition)]
    found = [one for one in _mistakes(read_batch("\n".join(lines)), site, partition) if one.line]
    errors = [one.text for one in found if one.level == "error"]
    if errors:
        raise PlanError(
            f"the profile {site.name} has every job in {partition} do what cannot work there: "
            f"{'; '.join(errors)}"
        )
    return tuple(f"note: the profile has jobs do this: {one.text}" for one in found)


def architecture_problem(site: Site, partition: str, machine: str) -> str:
    """Why programs of an architecture do not run on a partition; "" where they do."""
    wanted = site.node_of(partition).architecture
    if wanted == machine:
        return ""
    where = f", on {site.login[wanted]}" if wanted in site.login else ""
    return (
        f"nodes of {partition} are {wanted}, and these programs are for {machine}, so they would not start; "
        "compile "
        f"the run there{where}, or name an interpreter of that side as `python:` of the profile"
    )


def check_architecture(site: Site, partition: str, machine: str) -> None:
    """Refuse programs of another architecture.

    Raises
    ------
    PlanError
        With the login node to use.
    """
    problem = architecture_problem(site, partition, machine)
    if problem:
        raise PlanError(problem)


def check_keys(expires_in: float, wait: float, limit: float) -> None:
    """Refuse keys of an object store that end before the job does; all in seconds.

    Raises
    ------
    PlanError
        With the lifetime that is needed.
    """
    if expires_in < wait + limit:
        raise PlanError(
            f"keys must outlive the job; they end in {expires_in / 3600:g} h, and waiting and running may "
            "take "
            f"{(wait + limit) / 3600:g} h, so the transfer would fail at the end; make keys that live longer"
        )


def allocation_problems(info: dict[str, Any]) -> Iterator[str]:
    """What is used up of a project, from the JSON that a site keeps on it (billing hours and quotas)."""
    for kind, hours in info.get("billing", {}).items():
        used, most = hours.get("used"), hours.get("alloc")
        if isinstance(used, int | float) and isinstance(most, int | float) and most > 0 and used >= most:
            what = "no job of the project starts" if kind == "storage_hours" else "its jobs do not start"
            yield f"{kind}: {used:,.0f} of {most:,.0f} are used, so {what}; ask for more"
    for area, quota in info.get("storage_quotas", {}).get("directories", {}).items():
        for of in ("block", "inode"):
            used, most = quota.get(f"{of}_quota_used"), quota.get(f"{of}_quota_soft")
            if isinstance(used, int | float) and isinstance(most, int | float) and most > 0 and used >= most:
                what = "bytes" if of == "block" else "files"
                yield f"{area}: {used:,.0f} of {most:,.0f} {what} are used, so writing stops; clean up"
