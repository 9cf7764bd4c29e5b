"""What a bearing diagnosis says of each record, and in which words."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from hpcflow.report.parts import Tone
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, count, listed, number

LABELS = {
    "inner": "inner race",
    "outer": "outer race",
    "rolling": "rolling element",
    "none": "no fault",
    "uncertain": "uncertain",
}
_RANK = {"uncertain": 1, "none": 2}
LINES = {"inner": "BPFI", "outer": "BPFO", "rolling": "2 × BSF"}
"""What the field calls a fault's fundamental: passing frequency of inner and outer race, element spin."""
TONES: dict[str, Tone] = {
    "inner": "inner",
    "outer": "outer",
    "rolling": "rolling",
    "none": "good",
    "uncertain": "quiet",
}
REASONS = {
    "fault_lines": "lines of this fault stand far above the background",
    "no_fault_lines": "no line of any fault, and one this machine could hide would have been seen",
    "no_speed": "the shaft speed is not known: add it to the index, or as a default",
    "no_bearing": "the bearing is not known: add it to the index, or as a default",
    "unknown_bearing": "this bearing's geometry is not known: give balls and diameters instead",
    "no_signal": "the record holds no usable samples",
    "constant_signal": "the signal does not change",
    "saturated_signal": "the signal is clipped",
    "too_short": "too few shaft turns to tell the lines apart",
    "sampling_rate_too_low": "sampled too slowly for these fault lines",
    "band_only": "one band alone cannot show that there is no fault",
    "weak_lines": "lines where a fault would put them, but too weak for a label",
    "single_line": "one line alone, without harmonics or sidebands",
    "shaft_or_mains_lines": "the lines coincide with the shaft's or the mains' own",
    "unexplained_lines": "strong lines that no bearing fault explains",
    "several_faults": "lines of more than one fault",
    "sidebands_missing": "a fault that turns must show sidebands, and these are missing",
    "impulses_not_periodic": "the signal is impulsive, but not at the fault's period",
    "impulsive_without_lines": "impulsive, but without lines of a fault",
    "fundamental_missing": "harmonics of a fault, but not the line at its fundamental",
    "speed_not_confirmed": "the shaft's own line does not show, so the stated speed is not confirmed",
    "too_little_power": "a fault this machine could hide might not have been seen",
}


@dataclass(frozen=True)
class Finding:
    """One record's diagnosis.

    Attributes
    ----------
    suspect
        The labelled fault; for an uncertain record the one whose lines stand; "" where none does.
    expected, found, depth, sidebands : ndarray, shape (5,)
        Of the suspect's harmonics: Hz, Hz (NaN where no line stands), decibel, number of 4.
    """

    record: int
    id: str
    name: str
    """As it is called on the page."""
    label: str
    reason: str
    score: float
    suspect: str
    others: tuple[tuple[str, float], ...]
    """(fault, Hz) of every fault's fundamental by kinematics."""
    shaft: float
    speed: float | None
    bearing: str | None
    expected: np.ndarray
    found: np.ndarray
    depth: np.ndarray
    sidebands: np.ndarray

    @property
    def standing(self) -> np.ndarray:
        """Numbers, from 1, of the harmonics that stand."""
        return np.flatnonzero(np.isfinite(self.found)) + 1

    @property
    def fundamental(self) -> float:
        """The fault's frequency as measured, Hz; NaN where no line stands."""
        standing = self.standing
        return float(self.found[standing[0] - 1] / standing[0]) if len(standing) else math.nan

    @property
    def deviation(self) -> float:
        """How far the fault's frequency lies off kinematics, as a fraction."""
        return self.fundamental / float(self.expected[0]) - 1 if len(self.expected) else math.nan


def findings(source: Source, step: Step, most: int) -> tuple[list[Finding], Counter[str]]:
    """The records that matter most, and how many records have each label.

    Faults come first, the surest first; then the uncertain ones, then the sound ones.

    Parameters
    ----------
    most
        Findings to return; the count is over all records.
    """
    labels, reasons = step.words("diagnosis"), step.words("reason")
    used = [i for i, name in enumerate(step.ids) if labels[i] and name not in source.set_aside]
    rank = np.array([_RANK.get(labels[i], 0) for i in used], np.int64)
    score = np.nan_to_num(step.values("score").astype(float)[used], nan=-1.0)
    depth = np.nan_to_num(step.values("line_depth").astype(float), nan=0.0)
    deepest = depth.reshape(len(step.ids), -1).max(axis=1)[used] if len(used) else np.zeros(0)
    order = np.lexsort((-deepest, -score, rank))[:most]
    made = [_finding(step, used[i], labels[used[i]], reasons[used[i]]) for i in order.tolist()]
    return made, Counter(labels[i] for i in used)


def _finding(step: Step, record: int, label: str, reason: str) -> Finding:
    faults = [str(v) for v in step.data["fault"].values] if "fault" in step.data else []
    columns = {
        name: np.atleast_2d(step.value(f"line_{name}", record)).astype(float)
        for name in ("expected", "found", "depth", "sidebands")
    }
    suspect = label if label in faults else ""
    if label == "uncertain" and len(columns["found"]) == len(faults):
        standing = np.isfinite(columns["found"]).sum(axis=1)
        suspect = faults[int(standing.argmax())] if standing.any() else ""
    row = faults.index(suspect) if suspect else 0
    lines = {name: values[row] if suspect else np.full(1, np.nan) for name, values in columns.items()}
    speed, bearing = (step.fact(port_fact(step, port), record) for port in ("speed", "bearing"))
    shaft = float(step.value("shaft_frequency", record))
    return Finding(
        record=record,
        id=step.ids[record],
        name=step.labels[record],
        label=label,
        reason=reason,
        score=float(step.value("score", record)),
        suspect=suspect,
        others=tuple((fault, float(v[0])) for fault, v in zip(faults, columns["expected"], strict=False)),
        shaft=shaft if math.isfinite(shaft) else float(speed or math.nan),
        speed=speed,
        bearing=bearing,
        **lines,
    )


def port_fact(step: Step, port: str) -> str:
    """The fact that feeds a port."""
    found = next((i.field for i in step.plan.inputs if i.port == port and i.kind == "fact"), None)
    return found or port


def evidence(f: Finding) -> str:
    standing = f.standing
    if not f.suspect or not len(standing):
        return "no fault line" if f.label == "none" else MISSING
    harmonics = listed([f"{k}×" for k in standing])
    sidebands = int(np.nansum(f.sidebands))
    return (
        f"{LINES[f.suspect]} {number(f.fundamental, 4)} Hz ({_signed(f.deviation)} off kinematics), "
        f"{harmonics}" + (f", {count(sidebands, 'sideband')}" if sidebands else "")
    )


def _signed(fraction: float) -> str:
    return f"{fraction * 100:+.1f} %".replace("-", "−") if math.isfinite(fraction) else MISSING
