#!/bin/bash
# Send this run to Slurm (lumi). It needs bash and sbatch, and not hpcflow. Sending again is safe: finished
# blocks are not computed again, and jobs of an older submission stop.
#
#   bash submit.sh      send
#   touch STOP          let running blocks finish and start nothing new; then
#   squeue --me         shows what is left to scancel

set -euo pipefail

readonly run=/scratch/project_462000001/runs/whole

if [[ ! -f $run/cut.json ]]; then
    echo "The run folder is not at $run; it was moved: compile it again." >&2
    exit 2
fi
if [[ -e $run/STOP ]]; then
    echo "The run was stopped; remove $run/STOP to send it again." >&2
    exit 2
fi
mkdir -p -- "$run/logs" "$run/epochs" "$run/claims"

# Each submission is an epoch: a file that only one caller can create.
epoch=1
while ! (
    set -o noclobber
    printf '{"epoch": %d, "site": "lumi", "time": "%s"}\n' "$epoch" \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$run/epochs/$(printf %04d "$epoch").json"
) 2>/dev/null; do
    if [[ ! -e $run/epochs/$(printf %04d "$epoch").json ]]; then
        echo "$run/epochs cannot be written." >&2
        exit 2
    fi
    epoch=$((epoch + 1))
done
readonly epoch

records=$run/epochs/$(printf %04d "$epoch")
readonly records
mkdir -p -- "$records"
cp -- "$run/schedules/lumi.json" "$records/schedule.json"
sbatch=$(command -v sbatch)
readonly sbatch

# sbatch from a clean environment: inherited SBATCH_* and SLURM_* variables would override the scripts.
# The record is made before the call: an empty one says that the answer was lost, not the job.
send() { # NAME [OPTION…] SCRIPT ARGUMENT…
    local name=hl-801b8353-e$epoch-$1 answer
    shift
    : >"$records/$name"
    if ! answer=$(env -i HOME="$HOME" USER="${USER:-$(id -un)}" PATH="${sbatch%/*}:/usr/bin:/bin" \
        LANG=C.UTF-8 ${SLURM_CONF:+SLURM_CONF="$SLURM_CONF"} \
        "$sbatch" --parsable --job-name="$name" "$@"); then
        echo "sbatch did not take $name. Whether it arrived: squeue --me --name=$name" >&2
        exit 1
    fi
    sent=${answer%%;*}
    if [[ ! $sent =~ ^[0-9]+$ ]]; then
        echo "sbatch gave no job id for $name but: $answer. Look: squeue --me --name=$name" >&2
        exit 1
    fi
    printf '%s %s\n' "$sent" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$records/$name"
    printf '%s  %s\n' "$sent" "$name"
}

send all-w1-a1 \
    "$run/jobs/all.sh" "$epoch" 1 1 0
all_w1=$sent
send all-w1-a1-gate "--dependency=afterany:$all_w1" \
    "$run/jobs/gate.sh" "$epoch" all 1 1
echo "Sent as epoch $epoch. Logs: $run/logs"
