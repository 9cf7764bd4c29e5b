#!/bin/bash
# Run every job of this run here, one after another. Finished blocks are not computed again.

set -euo pipefail

readonly run=/home/user/runs/bearing

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
    printf '{"epoch": %d, "site": "local", "time": "%s"}\n' "$epoch" \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$run/epochs/$(printf %04d "$epoch").json"
) 2>/dev/null; do
    if [[ ! -e $run/epochs/$(printf %04d "$epoch").json ]]; then
        echo "$run/epochs cannot be written." >&2
        exit 2
    fi
    epoch=$((epoch + 1))
done
readonly epoch

for ((element = 0; element < 1; element++)); do
    bash "$run/jobs/all.sh" "$epoch" 1 1 "$element"
done
