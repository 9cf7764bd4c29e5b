#!/bin/bash -l
# Job diagnosis: stage diagnosis, by hpcflow 0.1.0 for LUMI (EuroHPC, CSC Kajaani).
#
# Why it is so:
#   partition small: the cheapest that fits; shared nodes, 128 cores, 224G, at most 3-00:00:00
#   stage diagnosis (records): 52000 blocks of 1 to 6 s
#   packing: one allocation is enough
#   workers 128: with fewer it would take longer, more are of no use or do not fit
#   memory: 128 × 500M × 1.25 headroom, and 512M for the agent
#   time 01:10:00: expected 00:07:19 to 00:41:14, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 88 core-hours at the longest expected time
#   gate jobs: that a job may submit jobs here is assumed; one that is refused says so in its log
#
#SBATCH --job-name=hl-a5dfe443-diagnosis
#SBATCH --partition=small
#SBATCH --account=project_462000001
#SBATCH --chdir=/scratch/project_462000001/runs/year
#SBATCH --output=/scratch/project_462000001/runs/year/logs/%x-%j.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=128
#SBATCH --mem=80512M
#SBATCH --time=01:10:00
#SBATCH --signal=B:USR1@72
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/scratch/project_462000001/runs/year
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=diagnosis

# Epoch of the submission, attempt, workers, and the element that index 0 of the array stands for.
readonly epoch=${1:-0} attempt=${2:-1} workers=${3:-128} first=${4:-0}
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

set +u  # module files read unset variables
module --force purge
module load LUMI/25.03 partition/C cray-python/3.11.7
set -u
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

# A dependency that Slurm calls fulfilled is no proof: what this job reads must have its receipts.
if ! "$python" -m hpcflow.run.account "$run" --stages band+envelope+condition; then
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
srun --ntasks=1 --cpus-per-task=128 --mpi=none --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages "$stages" --share "$share" \
    --workers "$workers" --memory-per-worker "$((128 * 524288000 / workers))" \
    --deadline-seconds 4128 --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
