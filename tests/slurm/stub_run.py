"""A run folder whose blocks are trivial, and a worker that computes them, or misbehaves as told.

Run as a program it is the worker: ``stub_run.py RUN --serve --name NAME``. What it does to a block is told by
files in the run folder: ``fault-<stage>-<block>`` holds what befalls that block, and how often.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
import time
from pathlib import Path

from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import append


def make_run(path: Path, stages: dict[str, int], after: dict[str, list[str]] | None = None) -> RunFolder:
    path.mkdir(parents=True, exist_ok=True)
    names = list(stages)
    follows = after or {name: names[i - 1 : i] for i, name in enumerate(names)}
    cut = {
        "schema": "hpcflow.cut/1",
        "id": "0" * 64,
        "stages": [{"name": n, "blocks": stages[n], "after": list(follows.get(n, []))} for n in names],
    }
    (path / "cut.json").write_text(json.dumps(cut))
    (path / "request.json").write_text(json.dumps({"datasets": {}}))
    return RunFolder.at(path)


def set_fault(folder: RunFolder, stage: str, block: int, what: str, times: int = 1_000) -> None:
    (folder.path / f"fault-{stage}-{block}").write_text(f"{what} {times}")


def _fault(folder: RunFolder, stage: str, block: int) -> str:
    file = folder.path / f"fault-{stage}-{block}"
    try:
        what, times = file.read_text().split()
    except OSError:
        return ""
    if int(times) <= 0:
        return ""
    file.write_text(f"{what} {int(times) - 1}")
    return what


def compute(folder: RunFolder, name: str, stage: str, block: int) -> str:
    """Do a block; the reason where it failed."""
    what = _fault(folder, stage, block)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "agent":
        os.kill(os.getppid(), signal.SIGKILL)
        os._exit(3)
    if what == "exit":
        os._exit(3)
    if what == "hog":  # shared memory, which no RLIMIT_DATA bounds: the kernel must step in
        memory = mmap.mmap(-1, 1200 * 2**20)
        for start in range(0, len(memory), 4096):
            memory[start] = 1
    if what == "slow":
        time.sleep(1.5)
    if what == "memory":
        try:
            bytearray(600 * 2**20)
        except MemoryError:
            what = "error-MemoryError"
    receipt: dict[str, object] = {"stage": stage, "blocks": [block, block + 1], "worker": name}
    if what.startswith("error"):
        receipt["failed"] = what.partition("-")[2] or "ValueError: told to fail"
    append(folder.receipts / f"{name}.jsonl", receipt)
    return str(receipt.get("failed", ""))


def main() -> None:
    folder, name = RunFolder.at(sys.argv[1]), sys.argv[4]
    with open(folder.path / "workers.txt", "a") as file:
        file.write(f"{name} {os.getpid()} {os.environ.get('OMP_NUM_THREADS')}\n")
    with open(folder.path / "gpus.txt", "a") as file:
        file.write(json.dumps({k: v for k, v in os.environ.items() if k.endswith("_VISIBLE_DEVICES")}) + "\n")
    if (folder.path / "broken").exists():
        sys.exit(2)
    for line in sys.stdin:
        request = json.loads(line)
        reasons = [compute(folder, name, request["stage"], b) for b in range(*request["blocks"])]
        print("a user's print", flush=True)
        answer = {**request, "ok": not any(reasons)}
        if any(reasons):
            answer["error"] = "; ".join(filter(None, reasons))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
