#!/bin/bash -l
# Job spectra: stage spectra, by hpcflow 0.1.0 for Roihu (CSC Kajaani).
#
# Why it is so:
#   partition gpumedium: the cheapest that fits; shared nodes, 288 cores, 868G, at most 1-12:00:00
#   stage spectra (tiles): 120000 blocks of 10 to 40 s
#   packing: elements of at most 04:00:00
#   array: 84 elements, each a fixed share of the blocks, 84 to a wave
#   workers with a GPU each 4: with fewer it would take longer, more are of no use or do not fit
#   time on a GPU: that of one core, which nobody has measured to be less
#   memory: 4 × 6000M × 1.25 headroom, and 512M for the agent; it comes with the GPUs, 4 of them
#   time 06:10:00: expected 01:00:12 to 03:59:12, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 267,904 GPU BU at the longest expected time
#   gate jobs: 3 attempts per element before a person is asked
#
#SBATCH --job-name=hl-c75c4ef7-spectra
#SBATCH --partition=gpumedium
#SBATCH --account=project_2001234
#SBATCH --chdir=/scratch/project_2001234/runs/spectra
#SBATCH --output=/scratch/project_2001234/runs/spectra/logs/%x-%A_%4a.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=288
#SBATCH --gpus-per-node=4
#SBATCH --time=06:10:00
#SBATCH --signal=B:USR1@140
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/scratch/project_2001234/runs/spectra
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=spectra

# Epoch of the submission, attempt, workers, and the element that index 0 of the array stands for.
readonly epoch=${1:-0} attempt=${2:-1} workers=${3:-4} first=${4:-0}
readonly share="$((first + ${SLURM_ARRAY_TASK_ID:-0}))/84"

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
if ! "$python" -m hpcflow.run.account "$run" --stages ingest; then
    say "the stages before are not complete; nothing is computed"
    exit 75
fi

export HPCFLOW_LUMI_ARRAYS=${HPCFLOW_LUMI_ARRAYS:-torch}

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

# One agent on the node hands out blocks to its workers, a GPU each; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=288 --mpi=none --gpus-per-node=4 \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages "$stages" --share "$share" \
    --workers "$workers" --gpu-variable CUDA_VISIBLE_DEVICES --gpu-order 0,1,2,3 \
    --deadline-seconds 22060 --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
