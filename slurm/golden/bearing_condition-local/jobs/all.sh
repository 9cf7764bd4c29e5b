#!/bin/bash
# Job all: stages ingest.machine, table.machine, tiles.machine, assemble.envelope, assemble.condition,
# records.machine, assemble.diagnosis, by hpcflow 0.1.0 for this machine.
#
# Why it is so:
#   partition local: the default of local; shared nodes, 8 cores, 16G, at most 30-00:00:00
#   stage ingest.machine (ingest): 4 blocks of 0.00507 to 0.0582 s
#   stage table.machine (table): 1 block of 0.002 to 0.02 s
#   stage tiles.machine (tiles): 8 blocks of 0.00326 to 0.0345 s
#   stage assemble.envelope (assemble): 1 block of 0.00352 to 0.0403 s
#   stage assemble.condition (assemble): 1 block of 0.002 to 0.0201 s
#   stage records.machine (records): 8 blocks of 0.173 to 1.56 s
#   stage assemble.diagnosis (assemble): 1 block of 0.00216 to 0.0221 s
#   packing: all stages fit one job: no queueing between stages
#   workers 1: the fewest with which it is expected to end in 3 minutes
#   memory: 1 × 363M × 1.25 headroom, and 512M for the agent
#   time 00:10:00: expected 00:00:45 to 00:00:57, × 1.5 margin, and time to finish blocks when warned
#   no scheduler: the scripts run one after another
#

set -euo pipefail

readonly run=/home/user/runs/bearing
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
"$python" -m hpcflow.run.agent "$run" --stages "$stages" --share "$share" \
    --workers "$workers" --memory-per-worker "$((1 * 380247444 / workers))" \
    --deadline-seconds 537 --epoch "$epoch" --attempt "$attempt" &
follow $!

# The status of this job is what the receipts of its share say, not what the agent returned:
# 0 all blocks done, 75 some left and worth another try, 65 some failed for good.
"$python" -m hpcflow.run.account "$run" --stages "$stages" --share "$share"
