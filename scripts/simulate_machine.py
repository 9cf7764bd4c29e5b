#!/usr/bin/env python3
"""Write recordings of a *simulated* machine whose bearing faults are known by construction.

    python scripts/simulate_machine.py DIR

DIR gets eight MATLAB 5 files (variables `acceleration` in g, `rate` in Hz, `speed` in rpm, `note`) and
`index.csv` with each recording's bearing and true condition. The same bytes come out every time.
"""

from __future__ import annotations

import argparse
import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpcflow_kernels.machine.bearing_simulation import Machine, simulate

STANDARD_GRAVITY = 9.80665
HEADER = b"MATLAB 5.0 MAT-file, SIMULATED vibration, made by scripts/simulate_machine.py"
NOTE = "SIMULATED: no machine was recorded; the bearing's condition is known by construction"


@dataclass(frozen=True)
class Recording:
    """One file: its name, the machine behind it, and whether the file tells the speed."""

    name: str
    machine: Machine
    tells_speed: bool = True


def _recording(name: str, seed: int, tells_speed: bool = True, **changes: object) -> Recording:
    modes = ((2900.0, 0.04), (4300.0, 0.03))
    settings: dict[str, object] = {
        "speed": 24.7,
        "noise": 0.8,
        "resonances": modes,
        "seed": seed,
        "jitter": 0.008,
    }
    return Recording(name, Machine(**(settings | changes)), tells_speed)  # type: ignore[arg-type]


RECORDINGS = (
    _recording("fan_01", 1, shaft_modulation=0.1),
    _recording("fan_02", 2, fault="outer", level=0.5, slip=-0.008),
    _recording("fan_03", 3, fault="outer", level=1.5, slip=-0.011, speed=29.1),
    _recording("fan_04", 4, fault="inner", level=0.7, slip=0.006),
    _recording("fan_05", 5, fault="inner", level=2.0, slip=0.009, speed=29.1),
    _recording("fan_06", 6, fault="rolling", level=0.8, slip=-0.005),
    _recording("fan_07", 7, fault="none", shocks=(4.0, 15.0)),
    _recording("fan_08", 8, fault="outer", level=1.0, tells_speed=False),
)


def write(folder: Path) -> list[Path]:
    """Write all recordings and the index.

    Parameters
    ----------
    folder : Path
        Made where it does not exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        The recordings, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for recording in RECORDINGS:
        path = folder / f"{recording.name}.mat"
        path.write_bytes(mat_bytes(recording))
        paths.append(path)
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["file", "bearing", "truth"])
        for recording, path in zip(RECORDINGS, paths, strict=True):
            table.writerow([path.name, recording.machine.bearing, f"simulated {recording.machine.fault}"])
    return paths


def mat_bytes(recording: Recording) -> bytes:
    """One recording as a MATLAB 5 file, without the time of writing that SciPy puts into its header."""
    from scipy.io import savemat

    machine = recording.machine
    content: dict[str, object] = {
        "acceleration": (simulate(machine) / STANDARD_GRAVITY).astype(np.float32)[:, np.newaxis],
        "rate": machine.rate,
        "note": NOTE,
    }
    if recording.tells_speed:
        content["speed"] = machine.speed * 60
    stream = io.BytesIO()
    savemat(stream, content, do_compression=True)
    data = stream.getvalue()
    return HEADER.ljust(116) + data[116:]


def main() -> None:
    """Write the recordings and say where they are."""
    parser = argparse.ArgumentParser(
        description="Write recordings of a simulated machine with known bearing faults."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the files go")
    folder = parser.parse_args().folder
    paths = write(folder)
    print(f"{len(paths)} simulated recordings and index.csv in {folder}")


if __name__ == "__main__":
    main()
