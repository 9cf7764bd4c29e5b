"""How text gets into a batch script: quoting for `#SBATCH` lines, log patterns, shell words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from hpcflow.errors import RequestError
from hpcflow.site import Site, format_memory, format_time
from hpcflow.slurm.schedule import Gate, Job, Schedule, Submission

_PLAIN = re.compile(r"[A-Za-z0-9_./,:@%=+-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


def check_text(text: str, what: str) -> str:
    """The text itself, where it can stand in a script.

    Raises
    ------
    RequestError
        Where it holds a line break or another control character, or is not UTF-8.
    """
    found = _CONTROL.search(text)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RequestError(f"{what} must be UTF-8; {text!r} is not, and Slurm would not find it") from None
    if found:
        raise RequestError(
            f"{what} must be free of line breaks and control characters; {text!r} holds {found[0]!r}, "
            "which would end a line of the batch script; rename it"
        )
    return text


def check_stage(name: str) -> str:
    """A stage's name that can stand in a comma-separated list.

    Raises
    ------
    RequestError
        Where it cannot.
    """
    if not name or "," in name or name.startswith("-"):
        raise RequestError(f"a stage's name holds no comma and begins with no dash; {name!r} does")
    return check_text(name, "a stage's name")


def word(text: str) -> str:
    """The text as one word of the shell."""
    return shlex.quote(text)


def directive(option: str, value: str = "") -> str:
    """One ``#SBATCH`` line.

    `sbatch` splits such lines itself: ``#`` begins a comment, quotes group, and a backslash escapes also
    within quotes. Variables are never expanded.

    >>> directive("output", 'a "b"')
    '#SBATCH --output="a \\\\"b\\\\""'
    """
    if not value:
        return f"#SBATCH --{option}"
    if not _PLAIN.fullmatch(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        value = f'"{escaped}"'
    return f"#SBATCH --{option}={value}"


def log_pattern(folder: str, array: bool) -> str:
    """The value of ``--output``: one file per job, in a folder whose own ``%`` must not expand.

    In a path with a backslash Slurm expands nothing, and takes ``\\\\`` for one backslash; then all jobs
    append to one file, to which Slurm itself writes, and the script opens a log of its own.
    """
    if "\\" in folder:
        doubled = folder.replace("\\", "\\\\")
        return f"{doubled}/slurm.out"
    name = "%x-%A_%4a.out" if array else "%x-%j.out"
    return f"{folder.replace('%', '%%')}/{name}"


def job_directives(schedule: Schedule, job: Job, run: str) -> Iterator[str]:
    """The ``#SBATCH`` lines of a script that computes blocks."""
    yield from _common(schedule, job.name, job.partition, run, array=job.elements > 1)
    yield directive("nodes", str(job.nodes))
    if any(step.form == "ranks" for step in job.calls):  # a task for each rank; an agent beside them uses all
        yield directive("ntasks", str(job.nodes * job.cpus))
    else:
        yield directive("ntasks", "1")
        yield directive("cpus-per-task", str(job.cpus))
    if job.gpus:
        yield directive("gpus-per-node", str(job.gpus))
    if job.ask_memory:
        yield directive("mem", format_memory(job.memory))
    yield directive("time", format_time(job.seconds))
    yield directive("signal", f"B:USR1@{job.warn_seconds}")
    yield from _always()


def gate_directives(schedule: Schedule, gate: Gate, run: str) -> Iterator[str]:
    """The ``#SBATCH`` lines of the script of gate jobs."""
    yield from _common(schedule, "gate", gate.partition, run, array=False)
    yield directive("nodes", "1")
    yield directive("ntasks", "1")
    yield directive("cpus-per-task", "1")
    if gate.gpus:  # memory comes with it
        yield directive("gpus-per-node", str(gate.gpus))
    else:
        yield directive("mem", format_memory(gate.memory))
    yield directive("time", format_time(gate.seconds))
    yield from _always()


def _common(schedule: Schedule, name: str, partition: str, run: str, *, array: bool) -> Iterator[str]:
    yield directive("job-name", f"hl-{schedule.run}-{name}")
    yield directive("partition", partition)
    if schedule.account:
        yield directive("account", schedule.account)
    yield directive("chdir", run)
    yield directive("output", log_pattern(f"{run}/logs", array))


def _always() -> Iterator[str]:
    # a node that fails gives the job back to the queue under its id; its log must not be cut off then
    yield directive("requeue")
    yield directive("open-mode", "append")
    yield directive("kill-on-invalid-dep", "yes")


def index_list(indices: Iterable[int]) -> str:
    """Array indices as Slurm writes them.

    >>> index_list([0, 1, 2, 5, 7, 8])
    '0-2,5,7-8'
    """
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def call_options(call: Submission, dependency: str = "") -> list[str]:
    """Options of one call of `sbatch` beside its job name."""
    options = []
    if call.elements:
        options.append(f"--array={index_list(element - call.first for element in call.elements)}")
    if dependency:
        options.append(f"--dependency={dependency}")
    return options


def call_arguments(
    schedule: Schedule, call: Submission, attempt: int, workers: int | None = None
) -> list[str]:
    """Arguments of the script after the epoch."""
    if call.kind == "gate":
        return [call.job, str(call.wave), str(attempt)]
    job = schedule.job(call.job)
    return [str(attempt), str(workers or job.workers), str(call.first)]


def module_lines(site: Site, partition: str) -> Iterator[str]:
    """Lines that prepare the environment of a job on that partition."""
    modules = site.node_of(partition).modules
    if modules.purge or modules.use or modules.load:
        yield "set +u  # module files read unset variables"
        if modules.purge:
            yield "module --force purge"
        for folder in modules.use:
            yield f"module use {word(folder)}"
        if modules.load:
            yield f"module load {' '.join(word(name) for name in modules.load)}"
        yield "set -u"
    for name, value in modules.environment.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise RequestError(f"{site.name}: a variable's name is letters, digits and _; found {name!r}")
        yield f"export {name}={word(check_text(value, f'variable {name} of {site.name}'))}"
