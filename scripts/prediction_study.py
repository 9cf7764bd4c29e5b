#!/usr/bin/env python3
"""Hold predictions against runs: ``scripts/prediction_study.py FOLDER [--learn 6] [--runs 22] [--seed 5]``.

Each run is a fresh process computing a workflow over made-up recordings of random number, length and kind:
Zarr stores, CSV, Parquet, HDF5 and MATLAB files; one worker or two. The first few are small and correct the
calibration (`hpcflow calibrate` must have been run); like every run, each one teaches it once it is judged.
Per run one JSON line: memory bound and measured peak, predicted range and wall time, processor time, bytes
and files foretold and found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPO), str(REPO / "kernels")]

from hpcflow.api import ask  # noqa: E402
from hpcflow.plan.calibration import Calibration  # noqa: E402
from hpcflow.plan.model import Cut  # noqa: E402
from hpcflow.plan.time import Seconds, stage_seconds  # noqa: E402
from hpcflow.run.calibrate import load_calibration  # noqa: E402
from hpcflow.run.folder import find_run  # noqa: E402
from hpcflow.run.ledger import Ledger  # noqa: E402

RATE = 25_600

STEPS = {
    "diagnosis": "{d: {kernel: bearing_faults, input: {signal: m.x, speed: m.speed, bearing: m.bearing}}}",
    "envelope": (
        "{band: {kernel: bandpass, input: m.x, with: {low: 2 kHz, high: 5 kHz}}, "
        "d: {kernel: envelope_spectrum, input: band, with: {window: 1 s}}}"
    ),
    "band": "{d: {kernel: bandpass, input: m.x, with: {low: 2 kHz, high: 5 kHz}}}",
    "welch": (
        "{level: {kernel: rolling, input: m.x, with: {window: 20 ms}}, "
        "d: {kernel: welch, input: level, with: {window: 2 s}}}"
    ),
    "rolling": "{d: {kernel: rolling, input: m.x, with: {window: 20 ms, statistic: std}}}",
}

KINDS = {
    # kind: steps, format, samples of half a minute's work and more for one worker, samples of a record
    "diagnosis": ("diagnosis", "zarr", 3.2e7, (3e5, 2e7)),
    "envelope": ("envelope", "zarr", 9e8, (3e6, 3e7)),
    "csv": ("envelope", "csv", 2.4e8, (1e7, 4e7)),
    "band": ("band", "zarr", 1.1e9, (3e6, 3e7)),
    "parquet": ("envelope", "parquet", 4.5e8, (2e7, 6e7)),
    "welch": ("welch", "zarr", 4.5e9, (3e6, 3e7)),
    "hdf5": ("envelope", "hdf5", 5e8, (2e7, 6e7)),
    "rolling": ("rolling", "zarr", 1.1e9, (3e6, 3e7)),
    "matlab": ("envelope", "matlab", 5e8, (2e7, 6e7)),
}

JUDGED = 4_096_000
"""Samples of a record that a diagnosis at 25 revolutions a second works on at most."""


@dataclass(frozen=True)
class Case:
    """One run."""

    kind: str
    records: int
    samples: int
    dtype: str
    block: str | None
    workers: int

    @property
    def steps(self) -> str:
        """What is computed."""
        return KINDS[self.kind][0]

    @property
    def format(self) -> str:
        """What the recordings are stored as."""
        return KINDS[self.kind][1]


def cases(count: int, seed: int, scale: float = 1.0) -> list[Case]:
    """Random cases, the same for the same seed."""
    rng = np.random.default_rng(seed)
    kinds = list(KINDS)
    found = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        _, form, work, (least, most) = KINDS[kind]
        samples = int(10 ** rng.uniform(np.log10(least), np.log10(most)))
        work *= scale * rng.uniform(0.9, 1.2)
        records = max(1, round(work / (min(samples, JUDGED) if kind == "diagnosis" else samples)))
        wide = bool(rng.integers(2))
        dtype = {"csv": "float64", "matlab": "float64"}.get(form, "float64" if wide else "float32")
        block = f"{int(rng.uniform(100, 500))} MiB" if kind in ("band", "rolling") else None
        if wide and kind in ("band", "rolling", "welch"):
            records = max(1, records // 2)  # as many bytes
        workers = 2 if number % 7 == 5 else 1
        found.append(Case(kind, records * workers, samples, dtype, block, workers))
    return found


def _zarr(folder: Path, case: Case, noise: np.ndarray) -> None:
    """One store; beyond the fourth record, shards are further names of those of the first four."""
    import zarr

    chunk = min(case.samples, 1 << 18)
    array = zarr.open_group(folder / "m.zarr", mode="w").create_array(
        "x", shape=(case.records, case.samples), chunks=(1, chunk), dtype=case.dtype,
        shards=(1, -(-case.samples // chunk) * chunk),
    )  # fmt: skip
    array.attrs.update(units="m s-2", sampling_rate=RATE)
    for record in range(min(case.records, 4)):
        array[record] = np.roll(noise, record)[: case.samples]
    for record in range(4, case.records):
        place = folder / "m.zarr" / "x" / "c" / str(record)
        place.mkdir()
        os.link(place.parent / str(record % 4) / "0", place / "0")


def _csv(path: Path, number: int, case: Case, noise: np.ndarray) -> None:
    """One file has a time axis; the others hold the same rows again and again."""
    import pyarrow as pa
    import pyarrow.csv

    x = np.round(noise.astype(np.float64), 5)
    if number == 1:
        rows = pa.table({"time": np.round(np.arange(case.samples) / RATE, 6), "x": x})
        pyarrow.csv.write_csv(rows, path)
        return
    few = 1_000_000
    some = Path(f"{path}.part")
    pyarrow.csv.write_csv(
        pa.table({"x": x[:few], "load": x[few - 1 :: -1]}),
        some,
        pyarrow.csv.WriteOptions(include_header=False),
    )
    with path.open("wb") as file:
        file.write(b"x,load\n" + f"{number},1\n".encode())
        for _ in range(case.samples // few):
            file.write(some.read_bytes())
    some.unlink()


def _parquet(path: Path, number: int, case: Case, noise: np.ndarray) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    columns = {"time": np.arange(case.samples) / RATE} if number % 2 else {}
    table = pa.table({**columns, "x": np.roll(noise, number).astype(case.dtype)})
    pyarrow.parquet.write_table(table, path, row_group_size=1 << 20, use_dictionary=False)


def _hdf5(path: Path, number: int, case: Case, noise: np.ndarray) -> None:
    """Chunks compressed once and written again and again."""
    import zlib

    import h5py

    chunk = 1 << 18
    packed = [
        zlib.compress(np.roll(noise, number + k)[:chunk].astype(case.dtype).tobytes(), 4) for k in range(4)
    ]
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (case.samples,), case.dtype, chunks=(chunk,), compression="gzip")
        for place in range(0, case.samples, chunk):
            x.id.write_direct_chunk((place,), packed[place // chunk % 4])


def _matlab(path: Path, number: int, case: Case, noise: np.ndarray) -> None:
    import scipy.io

    scipy.io.savemat(path, {"x": np.roll(noise, number).astype(np.float64)})


FILES: dict[str, tuple[str, Callable[[Path, int, Case, np.ndarray], None]]] = {
    "csv": (".csv", _csv),
    "parquet": (".parquet", _parquet),
    "hdf5": (".h5", _hdf5),
    "matlab": (".mat", _matlab),
}


def make(folder: Path, case: Case) -> Path:
    """Recordings, and the workflow that reads them."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(case.samples).standard_normal(case.samples, dtype=np.float32)
    facts = f"{{bearing: SKF 6205-2RS JEM, speed: 1500 rpm, sampling_rate: {RATE} Hz}}"
    if case.format == "zarr":
        _zarr(folder, case, noise)
        source = "zarr: m.zarr"
    else:
        suffix, write = FILES[case.format]
        for number in range(case.records):
            write(folder / f"r{number}{suffix}", number, case, noise)
        variables = "{x: {select: x, units: m s-2, dimension: acceleration}}"
        source = f"files: '*{suffix}', reader: {case.format}, variables: {variables}"
    run = f"run: {{block_size: {case.block}}}\n" if case.block else ""
    workflow = folder / "study.yaml"
    workflow.write_text(
        f"hpcflow: 1\nname: study\ndatasets: {{m: {{{source}, defaults: {facts}}}}}\n"
        f"steps: {STEPS[case.steps]}\nsave: [d]\n{run}"
    )
    return workflow


def wall_seconds(cut: Cut, calibration: Calibration, workers: int) -> Seconds:
    """Wall time of so many workers: they share each stage's blocks, and stages follow one another."""
    start = calibration.seconds_per_start
    low = high = 0.0
    for stage in cut.stages:
        found, shared = stage_seconds(cut, stage, calibration), max(1, min(workers, stage.blocks))
        low, high = low + found.low / shared, high + found.high / shared
    return Seconds(low + start / 1.7, high + start * 1.7)


def tree(folder: Path) -> dict[Path, int]:
    """Sizes of all files below a folder."""
    return {p: p.stat().st_size for p in folder.rglob("*") if p.is_file()}


def observe(workflow: Path, case: Case) -> dict[str, object]:
    """Predict, run, and say both."""
    cut = ask(workflow).cut
    calibration = load_calibration()
    assert calibration is not None
    expected = wall_seconds(cut, calibration, case.workers)
    runs, given = workflow.parent / "runs", set(tree(workflow.parent))
    command = [
        sys.executable, "-m", "hpcflow.cli.main", "run", str(workflow), "--runs", str(runs), "--no-report",
        *(("--executor", "serial") if case.workers == 1 else ("--workers", str(case.workers))),
    ]  # fmt: skip
    roots = os.pathsep.join([str(REPO), str(REPO / "kernels")])
    started = time.perf_counter()
    with open(workflow.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": roots}, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    row: dict[str, object] = {
        "kind": case.kind,
        "records": case.records,
        "samples": case.samples,
        "dtype": case.dtype,
        "workers": case.workers,
        "status": status,
        "low_s": round(expected.low, 1),
        "high_s": round(expected.high, 1),
        "wall_s": round(wall, 1),
    }
    if status:
        return {**row, "said": workflow.with_suffix(".log").read_text()[-500:]}
    ledger = Ledger(find_run(None, runs))
    receipts = [r for stage in ledger.stages for r in ledger.receipts(stage)]
    bound, peak = max(s.memory_bytes for s in cut.stages), max(r.get("memory_bytes", 0) for r in receipts)
    left = {p: size for p, size in tree(workflow.parent).items() if p not in given}
    stores = {p: size for p, size in left.items() if "records" not in p.parts and ".zarr/" in str(p)}
    return {
        **row,
        "processor_s": round(usage.ru_utime + usage.ru_stime, 1),
        "receipts_s": round(sum(r.get("processor_seconds", 0) for r in receipts), 1),
        "inside": expected.low <= wall <= expected.high,
        "bound_mib": round(bound / 2**20),
        "peak_mib": round(peak / 2**20),
        "bound_by_peak": round(bound / peak, 2),
        "files_foretold": sum(s.files for s in cut.stages),
        "files_in_stores": len(stores),
        "files_in_all": len(left),
        "mb_foretold": round(sum(s.write_bytes for s in cut.stages if s.files) / 1e6, 1),
        "mb_in_stores": round(sum(stores.values()) / 1e6, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learn", type=int, default=9)
    parser.add_argument("--runs", type=int, default=22)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of the work of a held-out run")
    asked = parser.parse_args()
    if load_calibration() is None:
        sys.exit("this machine is not calibrated: run `hpcflow calibrate` first")
    every = [*cases(asked.learn, 1, 0.1), *cases(asked.runs, asked.seed, asked.scale)]
    for number, case in enumerate(every):
        place = asked.folder / str(number)
        workflow = make(place, case)
        os.sync()  # what making the data left to write is not the run's
        row = {"phase": "learn" if number < asked.learn else "held out", **observe(workflow, case)}
        print(json.dumps(row), flush=True)
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
