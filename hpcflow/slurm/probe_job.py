"""One job that probes what a profile only assumes: a user runs it once and sends the answers."""

from __future__ import annotations

from hpcflow.site import Site, format_memory
from hpcflow.slurm.directives import check_text, directive, module_lines, word

SECONDS = "00:10:00"


def probe_job(site: Site, account: str = "", python: str = "python3") -> str:
    """The script. Every answer is a line ``FACT path value`` in its log.

    It asks for two cores in the gates' partition for ten minutes, sends one job that it cancels at once,
    and writes its log and the machine code of fast kernels for the compute node's processor, which later
    jobs find.
    """
    partition = site.gate_partition
    head = [directive("job-name", "hpcflow-doctor"), directive("partition", partition)]
    if site.account == "required":
        head.append(directive("account", check_text(account or "PROJECT", "an account")))
    head += [
        directive("nodes", "1"),
        directive("ntasks", "1"),
        directive("cpus-per-task", "2"),
    ]
    if site.partitions[partition].memory == "asked":
        head.append(directive("mem", format_memory(2**30)))
    head += [
        directive("time", SECONDS),
        directive("output", f"hpcflow-doctor-{site.name}-%j.txt"),
        directive("open-mode", "append"),
        directive("no-requeue"),
    ]
    options = " ".join(["--ntasks=1", "--cpus-per-task=2", *map(word, site.launcher.blocks)])
    assumed = [fact for fact, known in site.evidence.items() if known.how == "assumed"]
    account_option = '--account="$SLURM_JOB_ACCOUNT" ' if site.account == "required" else ""
    lines = [
        "#!/bin/bash -l" if site.login_shell else "#!/bin/bash",
        f"# Probes what the profile of {check_text(site.title, 'a title')} assumes. Send it with: sbatch "
        "FILE",
        *(f"#   {check_text(fact, 'a fact')}" for fact in assumed),
        *head,
        "",
        "set -uo pipefail",
        *module_lines(site, partition),
        'fact() { printf \'FACT %s %s\\n\' "$1" "$2"; }',
        'have() { command -v "$1" >/dev/null 2>&1; }',
        "",
        "fact slurm \"$(srun --version | cut -d' ' -f2)\"",
        "config=$(scontrol show config)",
        'fact max_array_index "$(($(awk \'$1 == "MaxArraySize" {print $3}\' <<<"$config") - 1))"',
        'fact mpi_default "$(awk \'$1 == "MpiDefault" {print $3}\' <<<"$config")"',
        'fact kill_wait "$(awk \'$1 == "KillWait" {print $3}\' <<<"$config")"',
        'fact min_job_age "$(awk \'$1 == "MinJobAge" {print $3}\' <<<"$config")"',
        "",
        "# May a job submit jobs? A held job is sent and cancelled at once.",
        f"if sent=$(env -u SBATCH_EXPORT sbatch --parsable --hold {account_option}--partition={partition} \\",
        "    --ntasks=1 --time=00:01:00 --output=/dev/null --wrap=true 2>&1); then",
        "    fact sbatch_from_compute yes",
        '    scancel "${sent%%;*}"',
        "else",
        '    fact sbatch_from_compute "no: $sent"',
        "fi",
        "",
        "# What the batch step and a step see.",
        'fact architecture "$(uname -m)"',
        'fact batch_cpus "$(grep Cpus_allowed_list /proc/self/status | cut -f2)"',
        'fact step_cpus "$(srun --ntasks=1 --cpus-per-task=2 grep Cpus_allowed_list /proc/self/status | cut '
        '-f2)"',
        f'fact launcher "$(srun {options} echo ok 2>&1 | tail -n 1)"',
        'fact cores_per_l3 "$(cat /sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list 2>/dev/null)"',
        "have numactl && fact numa \"$(numactl --hardware | grep -c '^node [0-9]* cpus')\"",
        "",
        "# Where temporary files go, and whether they are memory.",
        'fact temporary "$(df --output=fstype,avail "$(dirname "$(mktemp -u)")" | tail -n 1)"',
        "",
        "# Limits of the user, and what accounting tells.",
        'have sacctmgr && sacctmgr -P -n show assoc where user="$USER" '
        "format=Account,Partition,MaxJobs,MaxSubmit |",
        '    while read -r line; do fact limits "$line"; done',
        "fields=JobID,State,ConsumedEnergyRaw",
        'have sacct && fact sacct "$(sacct -n -P -j "$SLURM_JOB_ID" -o "$fields" 2>&1 | head -n 1)"',
        f"python={word(check_text(python, 'a path'))}",
        'fact python "$("$python" --version 2>&1)"',
        "",
        "# Compile the fast kernels for this processor once, and keep them for every later job.",
        'fact kernels "$("$python" -m hpcflow_kernels.warm 2>&1 | tail -n 1)"',
        "echo end",
    ]
    return "\n".join(lines) + "\n"
