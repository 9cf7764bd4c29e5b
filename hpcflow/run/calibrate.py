"""Measure a machine, keep the numbers in one text file, and let finished runs correct them.

The file holds one entry per machine: `here` for runs on this machine, a site's name for its jobs. It is
``$HPCFLOW_LUMI_CALIBRATION``, else ``~/.config/hpcflow-lumi/calibration.json``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpcflow.errors import RunError, StoreError
from hpcflow.plan.calibration import SCHEMA, Calibration, KernelTimes, stage_key
from hpcflow.plan.model import Cut
from hpcflow.plan.time import measured_seconds, moving_seconds
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.publish import publish

HERE = "here"
"""Entry of the machine that commands run on."""

SHORTEST_STAGE = 0.2
"""Seconds of work below which a stage's time says more about chance than about the machine."""

LONGEST_PROBE = 600.0

WAITING = 1.25
"""Wall time by processor time of a worker that has a core to itself, reading and writing apart."""


def calibration_file() -> Path:
    """Where the calibration lies for this user."""
    named = os.environ.get("HPCFLOW_LUMI_CALIBRATION")
    if named:
        return Path(named)
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "hpcflow-lumi" / "calibration.json"


def load_calibration(machine: str = HERE, file: Path | None = None) -> Calibration | None:
    """The calibration of a machine; None where it was never measured.

    Raises
    ------
    StoreError
        If the file is damaged or of another format.
    """
    values = _read(file or calibration_file())
    entry = values["machines"].get(machine)
    return None if entry is None else Calibration.from_dict(entry)


def save_calibration(calibration: Calibration, machine: str = HERE, file: Path | None = None) -> Path:
    """Write a machine's entry, beside those of other machines."""
    path = file or calibration_file()
    values = _read(path)
    values["machines"][machine] = calibration.to_dict()
    # Not sorted: the order of the runs in `observed` says which are old.
    publish(path, json.dumps(values, indent=1).encode() + b"\n")
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"schema": SCHEMA, "machines": {}}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}; remove it and run `hpcflow calibrate`") from None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        found = values.get("schema") if isinstance(values, dict) else None
        raise StoreError(
            f"{path} has format {found!r}, this version reads {SCHEMA!r}: remove it, run `hpcflow calibrate`"
        )
    if not isinstance(values.get("machines"), dict):
        raise StoreError(f"{path} names no machines: remove it and run `hpcflow calibrate`")
    return values


def measure(folder: Path, tell: Callable[[str], None] = lambda text: None) -> Calibration:
    """Measure this machine; what finished runs have taught an older calibration is not carried over.

    Parameters
    ----------
    folder
        On the file system that runs use; a temporary folder is made in it and removed.
    tell
        Is told what is being measured.

    Raises
    ------
    RunError
        If reading, writing or bookkeeping cannot be measured. A kernel that cannot keeps assumed rates, and
        `tell` hears why.
    """
    from hpcflow.data.readers.made import MADE
    from hpcflow_kernels.probes import measurable

    kernels = {}
    for name in measurable():
        tell(f"kernel {name}")
        try:
            found = run_probe("kernel", name)
        except RunError as error:
            tell(f"kernel {name} keeps assumed times: {error}")
            continue
        points = tuple((int(n), float(t)) for n, t in found["points"])
        growth, wide = float(found["bytes_per_sample"]), float(found["wide"])
        kernels[name] = KernelTimes(int(found["version"]), points, growth, wide)
    readers = {}
    for name in MADE:
        tell(f"reader {name}")
        readers[name] = float(run_probe("reader", name, str(folder))["bytes_per_second"])
    tell("reading and writing")
    rates = run_probe("storage", str(folder))
    tell("bookkeeping")
    rates |= run_probe("blocks", str(folder))
    run_probe("start")
    started = time.perf_counter()
    run_probe("start")
    return Calibration(
        cpu=cpu_model(),
        cores=os.cpu_count() or 1,
        measured=time.strftime("%Y-%m-%d", time.gmtime()),
        kernels=kernels,
        readers=readers,
        seconds_per_start=time.perf_counter() - started,
        read_bytes_per_second=float(rates["read_bytes_per_second"]),
        write_bytes_per_second=float(rates["write_bytes_per_second"]),
        seconds_per_block=float(rates["seconds_per_block"]),
    )


def run_probe(*arguments: str) -> dict[str, Any]:
    """One measurement in a fresh process.

    Raises
    ------
    RunError
        With the last line that it printed.
    """
    command = [sys.executable, "-m", "hpcflow.run.probe", *arguments]
    paths = [str(Path(p).absolute()) for p in sys.path if p]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=LONGEST_PROBE, check=False
        )
    except subprocess.TimeoutExpired:
        raise RunError(
            f"measuring {' '.join(arguments)} took over {LONGEST_PROBE:.0f} s: is the machine busy?"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"measuring {' '.join(arguments)} failed: {last}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cpu_model() -> str:
    """The processor in the words of the system.

    >>> bool(cpu_model())
    True
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named and named[0] else platform.machine() or "unknown"


def busy_seconds(receipts: Sequence[Mapping[str, Any]]) -> float:
    """Time that workers spent on a stage: from each one's first block to its last commit."""
    spans: dict[str, tuple[float, float]] = {}
    for receipt in receipts:
        if "worker" in receipt and "failed" not in receipt:
            first, last = receipt["end"] - receipt["seconds"], receipt["end"]
            low, high = spans.get(receipt["worker"], (first, last))
            spans[receipt["worker"]] = min(low, first), max(high, last)
    return sum(high - low for low, high in spans.values())


def own_seconds(receipts: Sequence[Mapping[str, Any]], moving: float) -> float:
    """Time that a stage's work took, less what other work on the machine took from it.

    Wall time beyond `WAITING` times the processor time and `moving`, the calibrated time to read and write,
    is other processes' time: a busy machine is no slow kernel. Receipts of before processor times were
    kept count with their wall time.
    """
    wall = busy_seconds(receipts)
    good = [r for r in receipts if "worker" in r and "failed" not in r]
    if not all("processor_seconds" in r for r in good):
        return wall
    processor = sum(float(r["processor_seconds"]) for r in good)
    return min(wall, WAITING * processor + moving)


def ratios(folder: RunFolder, calibration: Calibration) -> Iterator[tuple[str, float]]:
    """(kind of stage, measured by predicted seconds) of a run's stages that can be compared.

    Stages that took records over from earlier runs, had some set aside, were too short, or were computed by
    several ranks together are left out.
    """
    cut, ledger = Cut.from_dict(folder.cut), Ledger(folder)
    for stage in cut.stages:
        receipts = ledger.receipts(stage.name)
        whole = ledger.complete(stage.name) and not any(
            r.get("reused") or r.get("aside") or r.get("ranks", 1) > 1 for r in receipts
        )
        if not whole or not (stage.kind == "ingest" or calibration.covers(cut, stage)):
            continue
        predicted = measured_seconds(cut, stage, calibration)
        measured = own_seconds(receipts, moving_seconds(cut, stage, calibration))
        if measured >= SHORTEST_STAGE and predicted > 0:
            yield stage_key(cut, stage), measured / predicted


def refined(folder: RunFolder, calibration: Calibration) -> Calibration:
    """The calibration with a finished run's times seen; seeing a run twice changes nothing."""
    for key, ratio in ratios(folder, calibration):
        calibration = calibration.seen(key, folder.path.name, ratio)
    return calibration


def refine(folder: RunFolder, machine: str = HERE, file: Path | None = None) -> int:
    """Correct a machine's calibration by a run; returns how many kinds of stage it taught.

    Without a calibration nothing is written: who never ran `hpcflow calibrate` gets no file.
    """
    calibration = load_calibration(machine, file)
    if calibration is None:
        return 0
    taught = len(dict(ratios(folder, calibration)))
    if taught:
        save_calibration(refined(folder, calibration), machine, file)
    return taught
