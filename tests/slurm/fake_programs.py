"""One program under five names: a Slurm that only keeps a list of jobs, and misbehaves as told."""

import fcntl
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))
PROGRAM = os.path.basename(sys.argv[0])


def main() -> int:
    arguments = sys.argv[1:]
    with open(os.path.join(HERE, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(os.path.join(HERE, "calls.jsonl"), "a") as log:
            entry = {"program": PROGRAM, "arguments": arguments, "environment": dict(os.environ)}
            log.write(json.dumps(entry) + "\n")
        how, text = behaviour()
        if how == "refuse":
            print(text, file=sys.stderr)
            return 1
        if how == "say":
            print(text)
            return 0
        jobs = load()
        out = {"sbatch": sbatch, "squeue": squeue, "sacct": sacct, "scancel": scancel, "scontrol": scontrol}[
            PROGRAM
        ](jobs, arguments)
        with open(os.path.join(HERE, "jobs.json"), "w") as file:
            json.dump(jobs, file)
    if how == "hang":
        time.sleep(30)
    if how == "lose":
        print(text, file=sys.stderr)
        return 1
    if how == "garble":
        out = "\x00\x1bslurm\n" + out[::-1]
    sys.stdout.write(out)
    return 0


def behaviour() -> tuple[str, str]:
    path = os.path.join(HERE, PROGRAM + ".behaviour")
    try:
        with open(path) as file:
            told = json.load(file)
    except OSError:
        return "", ""
    if told["times"] <= 0:
        return "", ""
    told["times"] -= 1
    with open(path, "w") as file:
        json.dump(told, file)
    return told["how"], told["text"]


def load() -> list[dict]:
    try:
        with open(os.path.join(HERE, "jobs.json")) as file:
            return json.load(file)
    except OSError:
        return []


def sbatch(jobs: list[dict], arguments: list[str]) -> str:
    options = [a for a in arguments if a.startswith("--")]
    rest = [a for a in arguments if not a.startswith("--")]
    job = {
        "id": 100 + 10 * len(jobs),
        "name": "",
        "array": [],
        "after": "",
        "state": "PENDING",
        "reason": "Priority",
        "script": rest[0],
        "arguments": rest[1:],
    }
    for option in options:
        key, _, value = option.partition("=")
        if key == "--job-name":
            job["name"] = value
        elif key == "--array":
            for part in value.split(","):
                first, _, last = part.partition("-")
                job["array"] += range(int(first), int(last or first) + 1)
        elif key == "--dependency":
            job["after"] = value
    jobs.append(job)
    return f"{job['id']}\n"


def squeue(jobs: list[dict], arguments: list[str]) -> str:
    rows = []
    for job in jobs:
        for element in job["array"] or [None]:
            index = "N/A" if element is None else str(element)
            rows.append(
                f"{job['id']}|{job['id']}|{index}|{job['state']}|2026-01-01T00:00:00|N/A|N/A||{job['reason']}|{job['name']}"
            )
    return "".join(row + "\n" for row in rows)


def sacct(jobs: list[dict], arguments: list[str]) -> str:
    names = next(a for a in arguments if a.startswith("--name=")).removeprefix("--name=").split(",")
    rows = []
    for job in jobs:
        if job["name"] in names:
            ident = str(job["id"])
            seconds = job.get("seconds", 50)
            times = f"2026-01-01T00:00:00|2026-01-01T00:00:10|2026-01-01T00:01:00|{seconds}|1|cpu=1"
            code, derived = job.get("code", "0:0"), job.get("derived", "0:0")
            rows.append(
                f"{ident}|{ident}|{job['state']}|{code}|{derived}|{times}||None|nid000001|{job['name']}"
            )
            rows.append(f"{ident}.0|{ident}.0|COMPLETED|0:0||{times}|1048576K||nid000001|python")
    return "".join(row + "\n" for row in rows)


def scancel(jobs: list[dict], arguments: list[str]) -> str:
    for job in jobs:
        if str(job["id"]) in arguments:
            job["state"] = "CANCELLED"
    return ""


def scontrol(jobs: list[dict], arguments: list[str]) -> str:
    given = dict(a.split("=", 1) for a in arguments if "=" in a)
    for job in jobs:
        if str(job["id"]) == given.get("JobId"):
            job["after"] = given["Dependency"]
    return ""


sys.exit(main())
