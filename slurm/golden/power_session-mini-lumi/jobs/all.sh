#!/bin/bash -l
# Job all: stages ingest.rides, table.rides, records.rides, assemble.clean, assemble.curve, assemble.session,
# reduce.rides, merge.best, reduce.rides.2, merge.totals, by hpcflow 0.1.0 for mini-LUMI (a Slurm on this
# machine).
#
# Why it is so:
#   partition small: the cheapest that fits; shared nodes, 8 cores, 6G, at most 3-00:00:00
#   stage ingest.rides (ingest): 1 block of 0.00525 to 0.0611 s
#   stage table.rides (table): 1 block of 0.002 to 0.02 s
#   stage records.rides (records): 8 blocks of 0.00311 to 0.032 s
#   stage assemble.clean (assemble): 1 block of 0.00654 to 0.0805 s
#   stage assemble.curve (assemble): 1 block of 0.00202 to 0.0202 s
#   stage assemble.session (assemble): 1 block of 0.002 to 0.0201 s
#   stage reduce.rides (reduce): 1 block of 0.002 to 0.02 s
#   stage merge.best (merge): 1 block of 0.002 to 0.02 s
#   stage reduce.rides.2 (reduce): 1 block of 0.002 to 0.02 s
#   stage merge.totals (merge): 1 block of 0.002 to 0.02 s
#   packing: all stages fit one job: no queueing between stages
#   workers 1: the fewest with which it is expected to end in 3 minutes
#   memory: 1 × 345M × 1.25 headroom, and 512M for the agent
#   time 00:10:00: expected 00:00:50 to 00:00:51, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 0.014 core-hours at the longest expected time
#   gate jobs: 3 attempts per element before a person is asked
#
#SBATCH --job-name=hl-623a7fc4-all
#SBATCH --partition=small
#SBATCH --chdir="/scratch/project_462000001/it's \"mine\" $(reboot) `x` %j"
#SBATCH --output="/scratch/project_462000001/it's \"mine\" $(reboot) `x` %%j/logs/%x-%j.out"
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=960M
#SBATCH --time=00:10:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

# shellcheck disable=SC2016
readonly run='/scratch/project_462000001/it'"'"'s "mine" $(reboot) `x` %j'
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=ingest.rides,table.rides,records.rides,assemble.clean,assemble.curve,assemble.session,reduce.rides,merge.best,reduce.rides.2,merge.totals

# Epoch of the submission, attempt, workers, and the element that index 0 of the array stands for.
readonly epoch=${1:-0} attempt=${2:-1} workers=${3:-1} first=${4:-0}
readonly share="$((first + ${SLURM_ARRAY_TASK_ID:-0}))/1"

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
    --workers "$workers" --memory-per-worker "$((1 * 360778316 / workers))" \
    --deadline-seconds 540 --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
