#!/bin/bash -l
# Job all: stages ingest.machine, table.machine, tiles.machine, assemble.envelope, assemble.condition,
# records.machine, assemble.diagnosis, by hpcflow 0.1.0 for LUMI (EuroHPC, CSC Kajaani).
#
# Why it is so:
#   partition small-g: the cheapest that fits; shared nodes, 56 cores, 480G, at most 3-00:00:00
#   stage ingest.machine (ingest): 4 blocks of 0.00507 to 0.0582 s
#   stage table.machine (table): 1 block of 0.002 to 0.02 s
#   stage tiles.machine (tiles): 8 blocks of 0.00326 to 0.0345 s
#   stage assemble.envelope (assemble): 1 block of 0.00352 to 0.0403 s
#   stage assemble.condition (assemble): 1 block of 0.002 to 0.0201 s
#   stage records.machine (records): 8 blocks of 0.173 to 1.56 s
#   stage assemble.diagnosis (assemble): 1 block of 0.00216 to 0.0221 s
#   packing: all stages fit one job: no queueing between stages
#   workers 1 for ingest.machine, table.machine: the fewest with which it is expected to end in 3 minutes
#   workers with a GPU each 1 for tiles.machine: the fewest with which it is expected to end in 3 minutes
#   time on a GPU: that of one core, which nobody has measured to be less
#   workers 1 for assemble.envelope, assemble.condition, records.machine, assemble.diagnosis: the fewest with
#     which it is expected to end in 3 minutes
#   memory: 1 × 2464M × 1.25 headroom, and 512M for the agent
#   time 00:10:00: expected 00:01:45 to 00:01:57, × 1.5 margin, and time to finish blocks when warned
#   cost: up to 0.0163 GPU-hours at the longest expected time
#   gate jobs: that a job may submit jobs here is assumed; one that is refused says so in its log
#
#SBATCH --job-name=hl-c639e82f-all
#SBATCH --partition=small-g
#SBATCH --account=project_462000001
#SBATCH --chdir=/scratch/project_462000001/runs/bearing
#SBATCH --output=/scratch/project_462000001/runs/bearing/logs/%x-%j.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=7
#SBATCH --gpus-per-node=1
#SBATCH --mem=3648M
#SBATCH --time=00:10:00
#SBATCH --signal=B:USR1@63
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes

set -euo pipefail

readonly run=/scratch/project_462000001/runs/bearing
readonly python=/project/project_462000001/hpcflow/bin/python
readonly stages=ingest.machine,table.machine,tiles.machine,assemble.envelope,assemble.condition,records.machine,assemble.diagnosis

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
module load LUMI/25.03 partition/G cray-python/3.11.7
set -u
unset PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE=1

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

# One agent on the node hands out blocks to its workers; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=7 --mpi=none --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages ingest.machine,table.machine --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 339667346 / workers))" \
    --deadline-seconds 537 --epoch "$epoch" --attempt "$attempt" &
follow $!

# What follows reads what this step made: where some is missing the job ends here, with 75 or 65.
"$python" -m hpcflow.run.account "$run" --stages ingest.machine,table.machine
# One agent on the node hands out blocks to its workers, a GPU each; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=7 --mpi=none --distribution=block:block --cpu-bind=cores --gpus-per-node=1 \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages tiles.machine --share "$share" \
    --workers "$workers" --gpu-variable ROCR_VISIBLE_DEVICES --gpu-order 0 \
    --deadline-seconds "$((537 > SECONDS ? 537 - SECONDS : 1))" --epoch "$epoch" --attempt "$attempt" &
follow $!

# What follows reads what this step made: where some is missing the job ends here, with 75 or 65.
"$python" -m hpcflow.run.account "$run" --stages tiles.machine
# One agent on the node hands out blocks to its workers; warned of the end, it lets them finish.
srun --ntasks=1 --cpus-per-task=7 --mpi=none --distribution=block:block --cpu-bind=cores \
    --kill-on-bad-exit=0 --wait=0 \
    "$python" -m hpcflow.run.agent "$run" --stages assemble.envelope,assemble.condition,records.machine,assemble.diagnosis --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 368737656 / workers))" \
    --deadline-seconds "$((537 > SECONDS ? 537 - SECONDS : 1))" --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
