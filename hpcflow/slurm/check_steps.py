"""Mistakes in how a batch script starts programs: `srun`, binding, containers, loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpcflow.site import format_time
from hpcflow.slurm.batch import BatchScript, Command
from hpcflow.slurm.binding import SHARED_GPUS, group_of_rank
from hpcflow.slurm.finding import Asked, Finding, Found, bound_cores

POLL_SECONDS = 60


def _gpu_order(asked: Asked) -> Found:
    """Ranks whose GPU sits beside other cores."""
    topology = asked.node.topology
    if topology is None or not topology.gpu_l3 or not asked.exclusive:
        return
    local = any(
        word.endswith(("VISIBLE_DEVICES=$SLURM_LOCALID", "VISIBLE_DEVICES=${SLURM_LOCALID}"))
        for command in asked.script.commands
        for word in command.words
    )
    for line, options in asked.steps():
        bind = options.get("gpu-bind", "")
        gpus = [int(n) for n in bind[4:].split(",") if n.isdigit()] if bind.startswith("map:") else []
        gpus = gpus or (list(range(asked.node.gpus)) if local else [])
        kind, _, listed = options.get("cpu-bind", "").removeprefix("v,").replace("=", ":").partition(":")
        groups = list(group_of_rank(asked.node, "cores"))
        if kind in ("map_cpu", "mask_cpu"):
            groups = [
                min(bound_cores(f"{kind}:{item}"), default=0) // topology.cores_per_l3
                for item in listed.split(",")
            ]
        wrong = [
            r
            for r, (gpu, group) in enumerate(zip(gpus, groups, strict=False))
            if topology.gpu_l3[gpu] != group
        ]
        if wrong:
            order = ",".join(str(topology.gpu_l3.index(g)) for g in sorted(topology.gpu_l3))
            yield Finding(
                "gpu-order",
                "error",
                line,
                f"ranks {wrong} get a GPU that sits beside other cores, which halves the bandwidth to it; "
                "use "
                f"--gpu-bind=map:{order}, or the masks of cores in the order of GPUs",
            )


def _gpu_sharing(asked: Asked) -> Found:
    if asked.node.topology is None or not asked.node.topology.gpu_l3:
        return
    for line, options in asked.steps():
        private: list[str] = [o for o in ("gpus-per-task", "ntasks-per-gpu") if o in options]
        private += ["gpu-bind"] if options.get("gpu-bind", "none") not in ("none", "") else []
        shared = "allow-task-sharing" in options.get("gres-flags", "")
        if shared and asked.site.slurm < SHARED_GPUS:
            yield Finding(
                "gpu-sharing",
                "error",
                line,
                f"Slurm {asked.site.slurm} refuses --gres-flags=allow-task-sharing; use a wrapper that sets "
                "the "
                "visible device",
            )
        elif private and not shared:
            yield Finding(
                "gpu-sharing",
                "error",
                line,
                f"--{private[0]} hides the GPUs of ranks from one another, so MPI between them fails; add "
                "--gres-flags=allow-task-sharing, or use a wrapper that sets the visible device",
            )


def _bind_shared(asked: Asked) -> Found:
    for line, options in asked.steps():
        if not asked.exclusive and bound_cores(options.get("cpu-bind", "")):
            yield Finding(
                "bind-shared",
                "error",
                line,
                f"{asked.name} gives parts of nodes, whose numbers are not known; leave map_cpu and mask_cpu "
                "out, or "
                "ask for the node alone (--exclusive)",
            )


def _hints(asked: Asked) -> Found:
    head = asked.script.directives.get("hint", "")
    for run in asked.script.named("srun"):
        if run.options.get("hint") == "multithread" and head != "multithread":
            yield Finding(
                "hint",
                "error",
                run.line,
                "--hint=multithread first at srun does not take effect as meant; write it as an #SBATCH line",
            )


def _inherit(asked: Asked) -> Found:
    wide = asked.script.number("cpus-per-task", 1) > 1
    for run in asked.script.named("srun"):
        if "version" in run.options:
            continue
        if "ntasks-per-node" in run.options:
            yield Finding(
                "inherit",
                "error",
                run.line,
                "srun --ntasks-per-node in a job is overridden by SLURM_NTASKS; write --ntasks",
            )
        if wide and "cpus-per-task" not in run.options and not bound_cores(run.options.get("cpu-bind", "")):
            yield Finding(
                "inherit",
                "error",
                run.line,
                "srun does not inherit --cpus-per-task, so each task gets one core; write it on srun too",
            )


def _threads(asked: Asked) -> Found:
    topology = asked.node.topology
    if asked.script.number("cpus-per-task", 1) < 2 or topology is None or topology.threads_per_core < 2:
        return
    if not asked.script.named("srun"):
        yield Finding(
            "threads",
            "warning",
            0,
            "the batch step sees both hardware threads of its cores, so programs start twice as many threads "
            "as there "
            "are cores; start them with srun, and set OMP_NUM_THREADS",
        )


def _mpirun(asked: Asked) -> Found:
    for run in asked.script.named("mpirun", "mpiexec", "mpiexec.hydra", "orterun"):
        yield Finding(
            "mpirun", "error", run.line, f"{run.program} does not know the allocation here; use srun"
        )


def _container(asked: Asked) -> Found:
    known = asked.site.container
    bound = {
        path.partition(":")[0]
        for _, word in asked.script.variables
        if word.partition("=")[0].endswith("_BIND") or word.partition("=")[0].endswith("_BINDPATH")
        for path in word.partition("=")[2].split(",")
    }
    by_module = any("binding" in name for _, name in asked.script.modules)
    for line, words in _container_calls(asked.script):
        if known is None or by_module:
            continue
        own = set(bound)
        for position, word in enumerate(words):
            if word in ("-B", "--bind"):
                own |= {
                    path.partition(":")[0] for path in "".join(words[position + 1 : position + 2]).split(",")
                }
            elif word.startswith("--bind="):
                own |= {path.partition(":")[0] for path in word[7:].split(",")}
        missing = [path for path in known.bind if path not in own]
        if missing:
            yield Finding(
                "container",
                "error",
                line,
                f"a container sees none of {', '.join(missing)} here, and project paths lead through them; "
                "bind "
                f"{','.join(known.bind)} together",
            )


def _container_calls(script: BatchScript) -> Iterator[tuple[int, tuple[str, ...]]]:
    for command in script.commands:
        for position, word in enumerate(command.words):
            if word.rpartition("/")[2] in ("singularity", "apptainer") and command.words[
                position + 1 : position + 2
            ] in (("exec",), ("run",), ("shell",)):
                yield command.line, command.words[position:]


def _burst_buffer(asked: Asked) -> Found:
    if "bb" not in asked.script.directives:
        return
    if not asked.exclusive:
        yield Finding(
            "burst-buffer", "error", 0, "--bb is for whole nodes; elsewhere the job ends without a log"
        )
    if not asked.script.named("srun"):
        yield Finding("burst-buffer", "error", 0, "only steps under srun see a --bb on every node; use srun")


def _requeue(asked: Asked) -> Found:
    head = asked.script.directives
    if "no-requeue" not in head and head.get("open-mode") != "append":
        yield Finding(
            "requeue",
            "warning",
            0,
            "a node that fails gives the job back to the queue, which cuts its log off and runs it again; "
            "add "
            "--open-mode=append where it may be repeated, --no-requeue where not",
        )


def _loops(asked: Asked) -> Found:
    waits = [c for c in asked.script.named("sleep") if c.looped]
    slow = any(c.words[1:2] and c.words[1].isdigit() and int(c.words[1]) >= POLL_SECONDS for c in waits)
    for command in asked.script.commands:
        if command.looped and command.program in ("sbatch", "srun"):
            yield Finding(
                "loops",
                "warning",
                command.line,
                f"{command.program} in a loop loads the scheduler with short jobs; pack the work into one "
                "allocation",
            )
        if command.program == "watch" or (
            command.looped and command.program in ("squeue", "sacct") and not slow
        ):
            yield Finding(
                "loops",
                "warning",
                command.line,
                f"asking Slurm again and again slows it for all; ask once for all jobs, every {POLL_SECONDS} "
                "s at most",
            )
        if command.program == "sacct":
            yield from _window(asked, command)


def _window(asked: Asked, command: Command) -> Found:
    days = asked.site.accounting_days
    text = command.options.get("starttime", "") or next(
        (w for a, w in zip(command.words, command.words[1:], strict=False) if a == "-S"), ""
    )
    back = text.removeprefix("now-").removesuffix("days")
    if days is not None and text.startswith("now-") and back.isdigit() and int(back) > days:
        yield Finding(
            "loops", "error", command.line, f"sacct answers for {days} days at most here; ask for fewer"
        )


def _objects(asked: Asked) -> Found:
    for command in asked.script.named("rclone", "s3cmd", "aws", "lumio-conf", "allas-conf"):
        yield Finding(
            "keys",
            "warning",
            command.line,
            f"keys of the object store must outlive the wait in the queue and {format_time(asked.seconds)} "
            "of the job",
        )


STEP_CHECKS: tuple[Callable[[Asked], Found], ...] = (
    *(_gpu_order, _gpu_sharing, _bind_shared, _hints, _inherit, _threads, _mpirun, _container),
    *(_burst_buffer, _requeue, _loops, _objects),
)
