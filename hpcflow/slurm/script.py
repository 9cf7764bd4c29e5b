"""A schedule as shell scripts: plain text from pure functions, readable on their own."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace

from hpcflow.site import Site
from hpcflow.slurm.container import INSIDE, container_lines
from hpcflow.slurm.directives import (
    call_arguments,
    call_options,
    check_stage,
    check_text,
    gate_directives,
    job_directives,
    module_lines,
    word,
)
from hpcflow.slurm.launch import start_lines
from hpcflow.slurm.schedule import Gate, Job, Schedule, fitting, submissions

WIDTH = 110


@dataclass(frozen=True)
class Place:
    """Where a run lies and what runs it.

    Attributes
    ----------
    run
        Absolute path of the run folder, as seen from login and compute nodes.
    python
        Absolute path of the interpreter.
    import_path
        Folders to import from where the package is not installed; usually none.
    version
        Of the package that wrote the scripts.
    data
        Folders of recordings and stores, which a container must see.
    """

    run: str
    python: str
    import_path: tuple[str, ...] = ()
    version: str = ""
    data: tuple[str, ...] = ()


def scripts(schedule: Schedule, site: Site, place: Place) -> dict[str, str]:
    """Every script of a run by its path in the run folder.

    Raises
    ------
    RequestError
        Where a path cannot stand in a script.
    """
    for text in (place.run, place.python, *place.import_path, *place.data):
        check_text(text, "a path")
    for job in schedule.jobs:
        for stage in job.stages:
            check_stage(stage)
    files = {f"jobs/{job.name}.sh": job_script(schedule, job, site, place) for job in schedule.jobs}
    if schedule.gate is not None:
        files["jobs/gate.sh"] = gate_script(schedule, schedule.gate, site, place)
    make = submit_script if site.scheduler == "slurm" else run_script
    files["submit.sh"] = make(schedule, place)
    return files


def job_script(schedule: Schedule, job: Job, site: Site, place: Place) -> str:
    """The script that computes blocks of a job's stages."""
    inside = INSIDE if schedule.container else ""
    if schedule.container and site.container is not None:
        place = replace(place, python=site.container.python)
    lines = [
        _shebang(site),
        *_comment(f"Job {job.name}: {_stage_list(job)}, by hpcflow {place.version} for {site.title}."),
        "#",
        "# Why it is so:",
        *(line for reason in job.reasons for line in _comment(reason, "#   ", "#     ")),
        *(line for reason in schedule.reasons for line in _comment(reason, "#   ", "#     ")),
        "#",
    ]
    if site.scheduler == "slurm":
        lines += job_directives(schedule, job, place.run)
    lines += ["", "set -euo pipefail", "", *_constants(place)]
    lines += [
        f"readonly stages={word(','.join(job.stages))}",
        "",
        "# Epoch of the submission, attempt, workers, and the element that index 0 of the array stands for.",
        f"readonly epoch=${{1:-0}} attempt=${{2:-1}} workers=${{3:-{job.workers}}} first=${{4:-0}}",
        f'readonly share="$((first + ${{SLURM_ARRAY_TASK_ID:-0}}))/{job.elements}"',
        *_own_log(site, place),
        "",
        *_start_and_end("share $share, attempt $attempt, $workers workers"),
        "",
        *_stop_check(),
        "",
        *_claim(site),
        "",
        *_environment(site, job.partition, place),
        "",
        *container_lines(
            site, schedule.container, (place.run, *place.import_path, *place.data), bool(job.gpus)
        ),
        *_inputs(job, inside),
        *start_lines(job, site, inside),
        "",
        "# The status of this job is what the receipts of its share say, not what the agent returned:",
        "# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.",
        f'{inside}"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"',
    ]
    return "\n".join(lines) + "\n"


def gate_script(schedule: Schedule, gate: Gate, site: Site, place: Place) -> str:
    """The script of all gate jobs: after a wave it counts receipts and sends what is left again."""
    lines = [
        _shebang(site),
        *_comment(f"Gate, by hpcflow {place.version} for {site.title}."),
        "#",
        *_comment(
            "It runs after a wave of a job, however that ended. All blocks done: exit 0, and what depends on "
            f"it starts. Some left: it sends them again, {gate.attempts} attempts in all, with another gate, "
            "and has what follows wait for that one. STOP, a newer submission, failed blocks or no attempt "
            "left: exit 1, and Slurm removes what follows."
        ),
        "#",
        *gate_directives(schedule, gate, place.run),
        "",
        "set -euo pipefail",
        "",
        *_constants(place),
        "",
        "# Epoch of the submission; job, wave and attempt that ended.",
        "readonly epoch=$1 job=$2 wave=$3 attempt=$4",
        *_own_log(site, place),
        "",
        *_start_and_end("gate of $job, wave $wave, attempt $attempt"),
        "",
        *_environment(site, gate.partition, place),
        '"$python" -m hpcflow.slurm.gate "$run" \\',
        '    --epoch "$epoch" --job "$job" --wave "$wave" --attempt "$attempt"',
    ]
    return "\n".join(lines) + "\n"


def submit_script(schedule: Schedule, place: Place) -> str:
    """submit.sh: the chain of jobs with their dependencies, with bash and sbatch alone."""
    calls = submissions(schedule)
    now = fitting(schedule, calls)
    lines = [
        "#!/bin/bash",
        *_comment(
            f"Send this run to Slurm ({schedule.site}). It needs bash and sbatch, and not hpcflow. Sending "
            "again is safe: finished blocks are not computed again, and jobs of an older submission stop."
        ),
        "#",
        "#   bash submit.sh      send",
        "#   touch STOP          let running blocks finish and start nothing new; then",
        "#   squeue --me         shows what is left to scancel",
        "",
        "set -euo pipefail",
        "",
        *_constant("run", place.run),
        "",
        *_before_sending(schedule),
        *(line.replace("@RUN@", schedule.run).replace("@SITE@", schedule.site) for line in _SEND),
        "",
    ]
    needed = {(key, kind) for call in calls[:now] for _, key, kind in call.after}
    for call in calls[:now]:
        tail = "-gate" if call.kind == "gate" else ""
        script = "gate" if call.kind == "gate" else call.job
        dependency = ",".join(f"{how}:${_variable(key, kind)}" for how, key, kind in call.after)
        options = [f'"{option}"' for option in call_options(call, dependency)]
        arguments = " ".join(word(argument) for argument in call_arguments(schedule, call, 1))
        head = " ".join([f"send {call.key}-a1{tail}", *options])
        lines.append(f'{head} \\\n    "$run/jobs/{script}.sh" "$epoch" {arguments}')
        if (call.key, call.kind) in needed:
            lines.append(f"{_variable(call.key, call.kind)}=$sent")
    if now < len(calls):
        waves = sum(1 for call in calls[now:] if call.kind == "blocks")
        lines.append(f'echo "{waves} more waves do not fit the queue now; gate jobs send them."')
    lines.append('echo "Sent as epoch $epoch. Logs: $run/logs"')
    return "\n".join(lines) + "\n"


def run_script(schedule: Schedule, place: Place) -> str:
    """submit.sh where there is no scheduler: the same scripts, one after another."""
    lines = [
        "#!/bin/bash",
        "# Run every job of this run here, one after another. Finished blocks are not computed again.",
        "",
        "set -euo pipefail",
        "",
        *_constant("run", place.run),
        "",
        *_before_sending(schedule),
    ]
    for job in schedule.jobs:
        lines += [
            f"for ((element = 0; element < {job.elements}; element++)); do",
            f'    bash "$run/jobs/{job.name}.sh" "$epoch" 1 {job.workers} "$element"',
            "done",
        ]
    return "\n".join(lines) + "\n"


def _shebang(site: Site) -> str:
    return "#!/bin/bash -l" if site.login_shell else "#!/bin/bash"


def _comment(text: str, first: str = "# ", later: str = "# ") -> list[str]:
    check_text(text, "a comment")
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _stage_list(job: Job) -> str:
    return f"stage {job.stages[0]}" if len(job.stages) == 1 else f"stages {', '.join(job.stages)}"


def _constants(place: Place) -> list[str]:
    return [*_constant("run", place.run), *_constant("python", place.python)]


def _constant(name: str, value: str) -> list[str]:
    quoted = "$" in value or "`" in value  # meant literally, which shellcheck cannot know
    return ["# shellcheck disable=SC2016"] * quoted + [f"readonly {name}={word(value)}"]


def _own_log(site: Site, place: Place) -> list[str]:
    if "\\" not in place.run or site.scheduler != "slurm":
        return []
    return [
        "",
        "# The folder's name holds a backslash, in which Slurm expands no pattern: the log is opened here.",
        "log=${SLURM_JOB_NAME:-job}-${SLURM_ARRAY_JOB_ID:-${SLURM_JOB_ID:-$$}}",
        'exec >>"$run/logs/$log${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}.out" 2>&1',
    ]


def _start_and_end(what: str) -> list[str]:
    return [
        'say() { printf \'%s %s\\n\' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }',
        'finish() { local rc=$?; say "end ${SLURM_JOB_NAME:-job} rc=$rc"; }',
        "trap finish EXIT",
        'say "start ${SLURM_JOB_NAME:-job} id=${SLURM_JOB_ID:-$$} on ${SLURMD_NODENAME:-$HOSTNAME}:" \\',
        f'    "{what}"',
    ]


def _stop_check() -> list[str]:
    return [
        "if [[ -e $run/STOP ]]; then",
        '    say "the run was stopped (file STOP); nothing is computed"',
        "    exit 75",
        "fi",
    ]


def _claim(site: Site) -> list[str]:
    if site.scheduler != "slurm":
        return []
    return [
        "# Where sbatch gave no answer a job may have been sent twice; one of the two computes.",
        "readonly me=${SLURM_JOB_ID:-none}",
        "readonly claim=$run/claims/${SLURM_JOB_NAME:-none}-${SLURM_ARRAY_TASK_ID:-0}",
        "if [[ $epoch != 0 ]]; then",
        '    mkdir -p -- "$run/claims"',
        '    (set -o noclobber; printf \'%s\\n\' "$me" >"$claim") 2>/dev/null || true',
        '    if [[ -e $claim && $(<"$claim") != "$me" ]]; then',
        '        say "this share was taken by job $(<"$claim"); nothing to do"',
        "        exit 0",
        "    fi",
        "fi",
    ]


def _environment(site: Site, partition: str, place: Place) -> list[str]:
    lines = [*module_lines(site, partition), "unset PYTHONPATH PYTHONHOME"]
    if place.import_path:
        lines.append(f"export PYTHONPATH={word(':'.join(place.import_path))}")
    lines.append("export PYTHONNOUSERSITE=1")
    return lines


def _inputs(job: Job, inside: str) -> list[str]:
    if not job.upstream:
        return []
    return [
        "# A dependency that Slurm calls fulfilled is no proof: what this job reads must have its receipts.",
        f'if ! {inside}"$python" -m hpcflow.run.account "$run" --stages {word(",".join(job.upstream))}; then',
        '    say "the stages before are not complete; nothing is computed"',
        "    exit 75",
        "fi",
        "",
    ]


def _before_sending(schedule: Schedule) -> list[str]:
    return [
        "if [[ ! -f $run/cut.json ]]; then",
        '    echo "The run folder is not at $run; it was moved: compile it again." >&2',
        "    exit 2",
        "fi",
        "if [[ -e $run/STOP ]]; then",
        '    echo "The run was stopped; remove $run/STOP to send it again." >&2',
        "    exit 2",
        "fi",
        'mkdir -p -- "$run/logs" "$run/epochs" "$run/claims"',
        "",
        "# Each submission is an epoch: a file that only one caller can create.",
        "epoch=1",
        "while ! (",
        "    set -o noclobber",
        f'    printf \'{{"epoch": %d, "site": "{schedule.site}", "time": "%s"}}\\n\' "$epoch" \\',
        '        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$run/epochs/$(printf %04d "$epoch").json"',
        ") 2>/dev/null; do",
        '    if [[ ! -e $run/epochs/$(printf %04d "$epoch").json ]]; then',
        '        echo "$run/epochs cannot be written." >&2',
        "        exit 2",
        "    fi",
        "    epoch=$((epoch + 1))",
        "done",
        "readonly epoch",
        "",
    ]


_SEND = [
    'records=$run/epochs/$(printf %04d "$epoch")',
    "readonly records",
    'mkdir -p -- "$records"',
    'cp -- "$run/schedules/@SITE@.json" "$records/schedule.json"',
    "sbatch=$(command -v sbatch)",
    "readonly sbatch",
    "",
    "# sbatch from a clean environment: inherited SBATCH_* and SLURM_* variables would override the scripts.",
    "# The record is made before the call: an empty one says that the answer was lost, not the job.",
    "send() { # NAME [OPTION…] SCRIPT ARGUMENT…",
    "    local name=hl-@RUN@-e$epoch-$1 answer",
    "    shift",
    '    : >"$records/$name"',
    '    if ! answer=$(env -i HOME="$HOME" USER="${USER:-$(id -un)}" PATH="${sbatch%/*}:/usr/bin:/bin" \\',
    '        LANG=C.UTF-8 ${SLURM_CONF:+SLURM_CONF="$SLURM_CONF"} \\',
    '        "$sbatch" --parsable --job-name="$name" "$@"); then',
    '        echo "sbatch did not take $name. Whether it arrived: squeue --me --name=$name" >&2',
    "        exit 1",
    "    fi",
    "    sent=${answer%%;*}",
    "    if [[ ! $sent =~ ^[0-9]+$ ]]; then",
    '        echo "sbatch gave no job id for $name but: $answer. Look: squeue --me --name=$name" >&2',
    "        exit 1",
    "    fi",
    '    printf \'%s %s\\n\' "$sent" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$records/$name"',
    '    printf \'%s  %s\\n\' "$sent" "$name"',
    "}",
]


def _variable(key: str, kind: str) -> str:
    return f"{key}{'-gate' if kind == 'gate' else ''}".replace("-", "_")
