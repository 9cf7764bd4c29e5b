"""The recordings that pictures are drawn from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from scipy.io import loadmat

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HPCFLOW_LUMI_SHARED_DATA", REPO.parent / "shared" / "data"))
"""Recordings that are too large, or not free enough, to be shipped."""


def bearing(number: int, end: str = "DE") -> tuple[np.ndarray, float]:
    """Acceleration in m/s^2 at the drive end (or the fan end, FE), and its rate in Hz.

    Case Western Reserve University: 97 is healthy (48 kHz); 105 has a fault of the inner, 130 of the outer
    race, 222 of a ball (12 kHz).
    """
    path = next((SHARED / "industrial" / "bearing_cwru").glob(f"{number:03d}_*.mat"))
    found = loadmat(path)
    values = found[f"X{number:03d}_{end}_time"].ravel() * 9.80665
    return values.astype(np.float32), 48_000.0 if number == 97 else 12_000.0


def running() -> tuple[np.ndarray, float]:
    """Acceleration along the body, in g, at the left hip of a runner, ten minutes at 100 Hz.

    Karas and others, adept; github.com/martakarass/adeptdata.
    """
    path = next((SHARED / "sport").rglob("running_left_hip_0-600s.csv.gz"))
    values = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32)
    return np.ascontiguousarray(values[:, 2]), 100.0


def infrasound() -> tuple[np.ndarray, float]:
    """Pressure in counts at the four elements of an array in Utah, ten minutes at 100 Hz from 18:00 UTC on.

    9 April 2012; infrapy, Los Alamos National Laboratory. SAC files: 632 bytes of header, then float32.
    """
    paths = sorted((SHARED / "environment").rglob("YJ.BRP?..EDF.1800.SAC"))
    return np.stack([np.frombuffer(path.read_bytes()[632:], np.float32) for path in paths]), 100.0


def heart_beats() -> np.ndarray:
    """Intervals between the heart beats of somebody at rest, s; 16 minutes. github.com/rhenanbartels/hrv."""
    return np.loadtxt(SHARED / "physio" / "hrv" / "rest_rri.txt") / 1000
