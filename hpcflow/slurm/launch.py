"""How a job starts what computes: one `srun` for each of its steps, an agent with workers or ranks."""

from __future__ import annotations

from collections.abc import Iterator

from hpcflow.site import Site
from hpcflow.slurm.binding import gpu_order
from hpcflow.slurm.directives import word
from hpcflow.slurm.schedule import Job, JobStep

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
ARRAYS = "HPCFLOW_LUMI_ARRAYS"
"""Variable that names the library of the GPUs; a profile may set another one."""


def start_lines(job: Job, site: Site, inside: str) -> list[str]:
    """Lines that start every step of a job and wait for it, in order.

    Parameters
    ----------
    inside
        What stands before programs that run in a container; "" for none.
    """
    exported = list(_environment(job))
    lines = [*exported, *([""] if exported else []), *_FOLLOW, ""]
    for number, step in enumerate(job.calls):
        if number:
            lines += ["", *_whether_complete(job.calls[number - 1], inside)]
        lines += [*_comment(step), *_count(job, step)]
        lines.append(" \\\n    ".join(_command(job, step, site, inside)))
        lines.append("follow $!")
    return lines


def _environment(job: Job) -> Iterator[str]:
    forms = {step.form for step in job.calls}
    if "gpus" in forms:
        yield f"export {ARRAYS}=${{{ARRAYS}:-torch}}"
    if "ranks" in forms:
        yield f"export {' '.join(f'{name}=1' for name in THREADS)}  # a core for each rank"


_FOLLOW = [
    "# Pass the warning and the end on to what computes, and wait for it.",
    "follow() {",
    "    agent=$1",
    "    trap 'kill -USR1 \"$agent\" 2>/dev/null || true' USR1",
    "    trap 'kill -TERM \"$agent\" 2>/dev/null || true' TERM",
    "    rc=0",
    '    wait "$agent" || rc=$?',
    '    while kill -0 "$agent" 2>/dev/null; do  # a signal ends `wait`, not the agent',
    "        rc=0",
    '        wait "$agent" || rc=$?',
    "    done",
    '    say "the agent returned $rc"',
    "}",
]


def _comment(step: JobStep) -> Iterator[str]:
    if step.form == "ranks":
        yield "# Ranks compute one record after another together; one that ends badly ends all."
    else:
        who = "workers, a GPU each" if step.form == "gpus" else "workers"
        what = f"# One agent on the node hands out blocks to its {who}; warned of the end, it lets"
        yield f"{what} them finish."


def _whether_complete(before: JobStep, inside: str) -> Iterator[str]:
    yield "# What follows reads what this step made: where some is missing the job ends here, with 75 or 65."
    yield f'{inside}"$python" -m hpcflow.run.account "$run" --stages {word(",".join(before.stages))}'


def _count(job: Job, step: JobStep) -> Iterator[str]:
    if step.processes != job.workers:
        more = f" + {job.workers - 1}" if job.workers > 1 else ""
        yield f"processes=$(((workers * {step.processes}{more}) / {job.workers}))"


def _command(job: Job, step: JobStep, site: Site, inside: str) -> Iterator[str]:
    count = "workers" if step.processes == job.workers else "processes"
    left = str(job.seconds - job.warn_seconds)
    if step is not job.calls[0]:  # the warning may have come between two steps
        left = f'"$(({left} > SECONDS ? {left} - SECONDS : 1))"'
    end = f'--deadline-seconds {left} --epoch "$epoch" --attempt "$attempt" &'
    if site.scheduler == "slurm":
        yield from _srun(job, step, site, count)
    if step.form == "ranks":
        yield f'{inside}"$python" -m hpcflow.run.ranks "$run" --stage {word(step.stages[0])} --share "$share"'
        yield end
        return
    stages = '"$stages"' if step.stages == job.stages else word(",".join(step.stages))
    yield f'{inside}"$python" -m hpcflow.run.agent "$run" --stages {stages} --share "$share"'
    if step.form == "gpus":  # no bound of memory: a driver may map more than it ever uses
        order = ",".join(map(str, gpu_order(site, job.partition, job.gpus)))
        variable = word(site.node_of(job.partition).gpu_variable)
        yield f'--workers "${count}" --gpu-variable {variable} --gpu-order {order}'
    else:
        memory = f'"$(({step.processes} * {step.memory_per_process} / {count}))"'
        yield f'--workers "${count}" --memory-per-worker {memory}'
    yield end


def _srun(job: Job, step: JobStep, site: Site, count: str) -> Iterator[str]:
    if step.form == "ranks":
        mpi = " ".join(word(option) for option in site.launcher.mpi)
        yield f'srun --nodes={job.nodes} --ntasks="${count}" --cpus-per-task=1 {mpi}'.rstrip()
        yield "--kill-on-bad-exit=1"
        return
    options = ["--ntasks=1", f"--cpus-per-task={job.cpus}", *(word(o) for o in site.launcher.blocks)]
    if step.form == "gpus":
        options.append(f"--gpus-per-node={job.gpus}")
    yield f"srun {' '.join(options)}"
    yield "--kill-on-bad-exit=0 --wait=0"
