#!/bin/bash -l
# Gate, by hpcflow 0.1.0 for LUMI (EuroHPC, CSC Kajaani).
#
# It runs after a wave of a job, however that ended. All blocks done: exit 0, and what depends on it starts.
# Some left: it sends them again, 3 attempts in all, with another gate, and has what follows wait for that
# one. STOP, a newer submission, failed blocks or no attempt left: exit 1, and Slurm removes what follows.
#
#SBATCH --job-name=hl-c639e82f-gate
#SBATCH --partition=small
#SBATCH --account=project_462000001
#SBATCH --chdir=/scratch/project_462000001/runs/bearing
#SBATCH --output=/scratch/project_462000001/runs/bearing/logs/%x-%j.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=1G
#SBATCH --time=00:05:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/scratch/project_462000001/runs/bearing
readonly python=/project/project_462000001/hpcflow/bin/python

# Epoch of the submission; job, wave and attempt that ended.
readonly epoch=$1 job=$2 wave=$3 attempt=$4

say() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }
finish() { local rc=$?; say "end ${SLURM_JOB_NAME:-job} rc=$rc"; }
trap finish EXIT
say "start ${SLURM_JOB_NAME:-job} id=${SLURM_JOB_ID:-$$} on ${SLURMD_NODENAME:-$HOSTNAME}:" \
    "gate of $job, wave $wave, attempt $attempt"

set +u  # module files read unset variables
module --force purge
module load LUMI/25.03 partition/C cray-python/3.11.7
set -u
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1
"$python" -m hpcflow.slurm.gate "$run" \
    --epoch "$epoch" --job "$job" --wave "$wave" --attempt "$attempt"
