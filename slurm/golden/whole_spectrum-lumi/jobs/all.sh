#!/bin/bash -l
# Job all: stages ingest.machine, table.machine, collective.machine, assemble.whole, by hpcflow 0.1.0 for LUMI
# (EuroHPC, CSC Kajaani).
#
# Why it is so:
#   partition small: the cheapest that fits; shared nodes, 128 cores, 224G, at most 3-00:00:00
#   stage ingest.machine (ingest): 4 blocks of 0.00507 to 0.0582 s
#   stage table.machine (table): 1 block of 0.002 to 0.02 s
#   stage collective.machine (collective): 8 blocks of 0.00488 to 0.0529 s
#   stage assemble.whole (assemble): 1 block of 0.0174 to 0.225 s
#   packing: all stages fit one job: no queueing between stages
#   workers 1 for ingest.machine, table.machine: the fewest with which it is expected to end in 3 minutes
#   ranks 1 for collective.machine: the fewest with which it is expected to end in 3 minutes
#   time on ranks: that of one divided by their number at best, by 0.5 × their number at worst; assumed
#   workers 1 for assemble.whole: the fewest with which it is expected to end in 3 minutes
#   memory: 1 × 354M × 1.25 headroom, and 512M for the agent
#   time 00:10:00: expected 00:01:38 to 00:01:39, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 0.0275 core-hours at the longest expected time
#   gate jobs: that a job may submit jobs here is assumed; one that is refused says so in its log
#
#SBATCH --job-name=hl-801b8353-all
#SBATCH --partition=small
#SBATCH --account=project_462000001
#SBATCH --chdir=/scratch/project_462000001/runs/whole
#SBATCH --output=/scratch/project_462000001/runs/whole/logs/%x-%j.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --mem=960M
#SBATCH --time=00:10:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/scratch/project_462000001/runs/whole
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=ingest.machine,table.machine,collective.machine,assemble.whole

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

set +u  # module files read unset variables
module --force purge
module load LUMI/25.03 partition/C cray-python/3.11.7
set -u
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1  # a core for each rank

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
srun --ntasks=1 --cpus-per-task=1 --mpi=none --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages ingest.machine,table.machine --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 339667346 / workers))" \
    --deadline-seconds 540 --epoch "$epoch" --attempt "$attempt" &
follow $!

# What follows reads what this step made: where some is missing the job ends here, with 75 or 65.
"$python" -m hpcflow.run.account "$run" --stages ingest.machine,table.machine
# Ranks compute one record after another together; one that ends badly ends all.
srun --nodes=1 --ntasks="$workers" --cpus-per-task=1 --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=1 \
    "$python" -m hpcflow.run.ranks "$run" --stage collective.machine --share "$share" \
    --deadline-seconds "$((540 > SECONDS ? 540 - SECONDS : 1))" --epoch "$epoch" --attempt "$attempt" &
follow $!

# What follows reads what this step made: where some is missing the job ends here, with 75 or 65.
"$python" -m hpcflow.run.account "$run" --stages collective.machine
# One agent on the node hands out blocks to its workers; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=1 --mpi=none --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages assemble.whole --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 370753824 / workers))" \
    --deadline-seconds "$((540 > SECONDS ? 540 - SECONDS : 1))" --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
