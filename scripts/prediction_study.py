#!/usr/bin/env python3
"""Hold predictions against runs: ``scripts/prediction_study.py FOLDER [--learn 4] [--runs 16]``.

Each run is a fresh process computing a workflow over made-up recordings of random number, length and kind.
The first few correct the calibration (`hpcflow calibrate` must have been run), which is then left alone. Per
run one JSON line: memory bound and measured peak, predicted range and wall time, processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "kernels")]

from hpcflow.api import ask  # noqa: E402
from hpcflow.plan.time import total_seconds  # noqa: E402
from hpcflow.run.calibrate import load_calibration, refine  # noqa: E402
from hpcflow.run.folder import find_run  # noqa: E402
from hpcflow.run.ledger import Ledger  # noqa: E402

RATE = 25_600

STEPS = {
    "diagnosis": (
        "{diagnosis: {kernel: bearing_faults, "
        "input: {signal: m.acceleration, speed: m.speed, bearing: m.bearing}}}"
    ),
    "envelope": (
        "{band: {kernel: bandpass, input: m.acceleration, with: {low: 2 kHz, high: 5 kHz}}, "
        "envelope: {kernel: envelope_spectrum, input: band, with: {window: 1 s}}, "
        "condition: {kernel: condition_indicators, input: m.acceleration, with: {window: 1 s}}}"
    ),
    "band": "{band: {kernel: bandpass, input: m.acceleration, with: {low: 2 kHz, high: 5 kHz}}}",
}
SAVE = {"diagnosis": "[diagnosis]", "envelope": "[envelope, condition]", "band": "[band]"}


@dataclass(frozen=True)
class Case:
    """One run."""

    kind: str
    records: int
    samples: int
    dtype: str
    block: str | None


def cases(count: int, seed: int) -> list[Case]:
    """Random cases, the same for the same seed; each some seconds of work for one core."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        kind = ("diagnosis", "envelope", "diagnosis", "band")[number % 4]
        dtype = str(rng.choice(["float32", "float64"]))
        if kind == "diagnosis":
            samples = int(10 ** rng.uniform(5.5, 7.3))
            records = max(1, int(rng.uniform(5e6, 1e7) / min(samples, 4_096_000)))
        else:
            samples = int(10 ** rng.uniform(6.5, 7.5))
            records = max(1, int((4e7 if kind == "envelope" else 6e7) / samples))
        block = f"{int(rng.uniform(100, 500))} MiB" if kind == "band" else None
        found.append(Case(kind, records, samples, dtype, block))
    return found


def make(folder: Path, case: Case) -> Path:
    """Recordings as a Zarr store, and the workflow that reads them."""
    import zarr

    folder.mkdir(parents=True)
    chunk = min(case.samples, 1 << 18)
    group = zarr.open_group(folder / "m.zarr", mode="w")
    array = group.create_array(
        "acceleration", shape=(case.records, case.samples), chunks=(1, chunk), dtype=case.dtype,
        shards=(1, -(-case.samples // chunk) * chunk),
    )  # fmt: skip
    array.attrs.update(units="m s-2", sampling_rate=RATE)
    rng = np.random.default_rng(case.samples)
    for record in range(case.records):
        array[record] = rng.standard_normal(case.samples, dtype=np.float32)
    facts = f"{{bearing: SKF 6205-2RS JEM, speed: 1500 rpm, sampling_rate: {RATE} Hz}}"
    run = f"run: {{block_size: {case.block}}}\n" if case.block else ""
    workflow = folder / "study.yaml"
    workflow.write_text(
        f"hpcflow: 1\nname: study\ndatasets: {{m: {{zarr: m.zarr, defaults: {facts}}}}}\n"
        f"steps: {STEPS[case.kind]}\nsave: {SAVE[case.kind]}\n{run}"
    )
    return workflow


def observe(workflow: Path, case: Case) -> dict[str, object]:
    """Predict, run, and say both."""
    cut = ask(workflow).cut
    calibration = load_calibration()
    expected = total_seconds(cut, calibration)
    command = [
        sys.executable, "-m", "hpcflow.cli.main", "run", str(workflow),
        "--runs", str(workflow.parent / "runs"),
        "--executor", "serial", "--no-report",
    ]  # fmt: skip
    roots = os.pathsep.join([str(REPO), str(REPO / "kernels")])
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": roots}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    ledger = Ledger(find_run(None, workflow.parent / "runs"))
    peaks = [r.get("memory_bytes", 0) for stage in ledger.stages for r in ledger.receipts(stage)]
    bound, peak = max(s.memory_bytes for s in cut.stages), max(peaks)
    return {
        "kind": case.kind,
        "records": case.records,
        "samples": case.samples,
        "dtype": case.dtype,
        "status": status,
        "bound_mib": round(bound / 2**20),
        "peak_mib": round(peak / 2**20),
        "bound_by_peak": round(bound / peak, 2),
        "low_s": round(expected.low, 1),
        "high_s": round(expected.high, 1),
        "wall_s": round(wall, 1),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 1),
        "inside": expected.low <= wall <= expected.high,
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learn", type=int, default=4)
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--keep-learning", action="store_true", help="learn from each run once it is judged")
    asked = parser.parse_args()
    if load_calibration() is None:
        sys.exit("this machine is not calibrated: run `hpcflow calibrate` first")
    every = [*cases(asked.learn, seed=1), *cases(asked.runs, asked.seed)]
    for number, case in enumerate(every):
        place = asked.folder / str(number)
        workflow = make(place, case)
        row = {"phase": "learn" if number < asked.learn else "held out", **observe(workflow, case)}
        print(json.dumps(row), flush=True)
        if number < asked.learn or asked.keep_learning:
            refine(find_run(None, place / "runs"))
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
