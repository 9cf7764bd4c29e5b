#!/bin/bash -l
# Job tiles-machine: stage tiles.machine, by hpcflow 0.1.0 for mini-LUMI (a Slurm on this machine).
#
# Why it is so:
#   partition small: the cheapest that fits; shared nodes, 8 cores, 6G, at most 3-00:00:00
#   stage tiles.machine (tiles): 8 blocks of 0.00326 to 0.0345 s
#   packing: 4 elements were asked for
#   array: 4 elements, each a fixed share of the blocks, 3 to a wave
#   workers 1: the fewest with which it is expected to end in 3 minutes
#   memory: 1 × 363M × 1.25 headroom, and 512M for the agent
#   time 00:10:00: expected 00:00:32, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 0.0356 core-hours at the longest expected time
#   gate jobs: 3 attempts per element before a person is asked
#
#SBATCH --job-name=hl-ac805b89-tiles-machine
#SBATCH --partition=small
#SBATCH --chdir=/tmp/runs/bearing
#SBATCH --output=/tmp/runs/bearing/logs/%x-%A_%4a.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=00:10:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/tmp/runs/bearing
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=tiles.machine

# Epoch of the submission, attempt, workers, and the element that index 0 of the array stands for.
readonly epoch=${1:-0} attempt=${2:-1} workers=${3:-1} first=${4:-0}
readonly share="$((first + ${SLURM_ARRAY_TASK_ID:-0}))/4"

say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }
finish() { local rc=$?; say "end ${SLURM_JOB_NAME:-job} rc=$rc"; }
trap finish EXIT
say "start ${SLURM_JOB_NAME:-job} id=${SLURM_JOB_ID:-$$} on ${SLURMD_NODENAME:-$HOSTNAME}:" \
    "share $share, attempt $attempt, $workers workers"

if [[ -e $run/STOP ]]; then
    say "the run was stopped (file STOP); nothing is computed"
    exit 75
fi

# Where sbatch gave no answer a job may have been sent twice; one of the two computes.
readonly me=${SLURM_JOB_ID:-none}
readonly claim=$run/claims/${SLURM_JOB_NAME:-none}-${SLURM_ARRAY_TASK_ID:-0}
if [[ $epoch != 0 ]]; then
    mkdir -p -- "$run/claims"
    (set -o noclobber; printf '%s\n' "$me" >"$claim") 2>/dev/null || true
    if [[ -e $claim && $(<"$claim") != "$me" ]]; then
        say "this share was taken by job $(<"$claim"); nothing to do"
        exit 0
    fi
fi

unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

# A dependency that Slurm calls fulfilled is no proof: what this job reads must have its receipts.
if ! "$python" -m hpcflow.run.account "$run" --stages table.machine; then
    say "the stages before are not complete; nothing is computed"
    exit 75
fi

# Pass the warning and the end on to what computes, and wait for it.
follow() {
    agent=$1
    trap 'kill -USR1 "$agent" 2>/dev/null || true' USR1
    trap 'kill -TERM "$agent" 2>/dev/null || true' TERM
    rc=0
    wait "$agent" || rc=$?
    while kill -0 "$agent" 2>/dev/null; do  # a signal ends `wait`, not the agent
        rc=0
        wait "$agent" || rc=$?
    done
    say "the agent returned $rc"
}

# One agent on the node hands out blocks to its workers; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=1 --mpi=none \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages "$stages" --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 380247444 / workers))" \
    --deadline-seconds 540 --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
