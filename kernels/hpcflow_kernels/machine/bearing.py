"""The diagnosis of a rolling bearing from one record.

How it decides, at which error rates and what it does not do: docs/bearing.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.bearing_bands import (
    BandSpectrum,
    band_spectra,
    bands,
    spectrum_of_rows,
    vibration_spectrum,
)
from hpcflow_kernels.machine.bearing_contracts import (
    DIAGNOSES,
    FAULTS,
    HARMONICS,
    LAST_ORDER,
    ORDERS_PER_STEP,
    REASONS,
)
from hpcflow_kernels.machine.bearing_geometry import Multiples, UnknownBearingError, multiples_of
from hpcflow_kernels.machine.bearing_lines import (
    NEAR,
    Evidence,
    Line,
    Shaft,
    examine,
    family,
    locate_shaft,
    masked,
    near_any,
    sought,
)
from hpcflow_kernels.stretches import stretches

REVOLUTIONS = 48.0
"""Length of a frame; lines then stand a twenty-fourth of an order apart or more."""
FEWEST_REVOLUTIONS = 24.0
"""Shorter records do not separate a fault's lines from the shaft's."""
MOST_REVOLUTIONS, MOST_SAMPLES = 4000.0, 1 << 24
"""Longer records are judged by their middle."""
LINES_EXPLAINED = 0.7
"""A label must explain this share of the power of all strong lines that shaft and mains leave over."""
MOST_STRAY = 0.35
"""Nor may any line that nothing explains be deeper than this share of the fault's deepest."""
CLEAN_EXPLAINED, CLEAN_STRAY = 0.97, 0.1
"""The same where the spectrum does not confirm the stated speed."""
LEAST_TIE = 0.05
"""Least share of a band's impulsiveness that the fault's lines must carry."""
HINT = 0.1
"""Corrected chance of a fault's comb below which `none` is not said."""
GAUSSIAN = 0.4
"""Largest spectral kurtosis over the bands with which `none` is said."""
INNER_EXPLAINED = 0.9
"""Least share explained for an inner race: a damaged ball can write an inner race's lines, less cleanly."""
DISTORTED = ("weak_lines", "unexplained_lines", "several_faults", "impulses_not_periodic", "no_fault_lines")
"""Reasons that may come from cutting tones down, and deserve a second look."""
REACH_FOR_NONE = 2000.0
"""Hz that the bands must reach before `none` is said: impacts ring above one or two kilohertz."""
SATURATED = 0.002
"""Fraction of samples at the extremes above which a signal counts as clipped."""
MOST_SCORE = 99.0


@dataclass(frozen=True)
class Verdict:
    """A diagnosis with what it rests on."""

    diagnosis: str
    reason: str
    shaft: Shaft | None = None
    evidence: Evidence | None = None
    view: BandSpectrum | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    impulsiveness: float = math.nan
    detectable: float = math.nan


def bearing_faults(
    *,
    signal: Rows | None = None,
    spectrum: Rows | Mapping[str, Rows] | None = None,
    speed: float | None = None,
    bearing: str | None = None,
    false_alarm: float = 1e-4,
    tolerance: float = 0.03,
    least_depth: float = 1.0,
) -> dict[str, np.ndarray]:
    """Name the faulty part of a rolling bearing, or say why not.

    Parameters
    ----------
    signal : Rows, optional
        Raw acceleration, shape (samples,); the longest stretch without NaN is used.
    spectrum : Rows or dict, optional
        Frames of `envelope_spectrum`, shape (frames, frequencies), from a band of the user's choice; used
        where there is no `signal`. It can show a fault, but never that there is none.
    speed : float, optional
        Shaft speed, Hz; the inner race turns, the outer stands still.
    bearing : str, optional
        See `hpcflow_kernels.machine.bearing_geometry.multiples_of`.
    false_alarm : float
        Chance per record that noise alone passes as a fault's lines.
    tolerance : float
        Fraction by which lines may lie off kinematics.
    least_depth : float
        Decibel of band power that a fault's strongest line must modulate.

    Returns
    -------
    dict
        The fields of the contract; NaN or 0 where nothing could be measured.

    Raises
    ------
    ValueError
        When neither `signal` nor `spectrum` is given, or `spectrum` is that of another kernel.
    """
    if signal is None and spectrum is None:
        raise ValueError(
            "bearing_faults needs the raw `signal`, the `spectrum` of envelope_spectrum, or both: connect one"
        )
    if isinstance(spectrum, Mapping) and "amplitude" not in spectrum:
        raise ValueError(
            f"bearing_faults reads the `amplitude` of envelope_spectrum (found {', '.join(spectrum)}): "
            "connect such a step, or the raw `signal`"
        )
    rows = spectrum["amplitude"] if isinstance(spectrum, Mapping) else spectrum
    multiples: Multiples | None = None
    if bearing and bearing.strip():
        try:
            multiples = multiples_of(bearing.strip())
        except UnknownBearingError:
            return _outputs(Verdict("uncertain", "unknown_bearing"), None)
    if multiples is None:
        return _outputs(Verdict("uncertain", "no_bearing"), None)
    if speed is None or not math.isfinite(speed) or speed <= 0:
        return _outputs(Verdict("uncertain", "no_speed"), multiples)
    verdict = diagnose(signal, rows, speed, multiples, false_alarm, tolerance, least_depth)
    return _outputs(verdict, multiples)


def diagnose(
    signal: Rows | None,
    rows: Rows | None,
    speed: float,
    multiples: Multiples,
    false_alarm: float,
    tolerance: float,
    least_depth: float,
) -> Verdict:
    """Decide, with speed and bearing known."""
    highest = max(multiples.inner, multiples.rolling)
    last = min(max(HARMONICS * highest * 1.06 + 2, LAST_ORDER), 4 * LAST_ORDER) * speed
    narrowest = 4 * highest * speed
    views: list[BandSpectrum] = []
    vibration: BandSpectrum | None = None
    if signal is not None:
        x = longest_stretch(np.asarray(signal.values))
        problem = unfit(x, signal.rate, speed, highest)
        if problem:
            return Verdict("uncertain", problem)
        x = middle(x, signal.rate, speed)
        if len(bands(signal.rate, narrowest)) == 0:
            return Verdict("uncertain", "sampling_rate_too_low")
        views = list(band_spectra(x, signal.rate, REVOLUTIONS / speed, last, narrowest, speed))
        if not views:
            return Verdict("uncertain", "constant_signal")
        vibration = vibration_spectrum(x, signal.rate, REVOLUTIONS / speed, 5 * speed, speed)
    elif rows is not None:
        view = spectrum_of_rows(rows, last, speed)
        if view is None:
            return Verdict("uncertain", "no_signal")
        if view.resolution * FEWEST_REVOLUTIONS > speed * 1.001:
            return Verdict("uncertain", "too_short")
        views = [view]
    verdict = judge(views, vibration, speed, multiples, false_alarm, tolerance, least_depth)
    if signal is not None and verdict.reason in DISTORTED:
        views = list(band_spectra(x, signal.rate, REVOLUTIONS / speed, last, narrowest, speed, clip=math.inf))
        whole = judge(views, vibration, speed, multiples, false_alarm, tolerance, least_depth)
        if confirms(whole, verdict):
            return whole
        if verdict.diagnosis == "none" and whole.diagnosis in FAULTS:
            return replace(whole, diagnosis="uncertain", reason="unexplained_lines")
    return verdict


def confirms(whole: Verdict, first: Verdict) -> bool:
    """Whether a second look, tones left in, settles what the first look only suspected.

    Impacts that do not slip at all are a comb of tones; cutting those down leaves their line in the
    envelope, but tattered. The second look counts where it finds the fault that the first one ranked
    highest, and hardly a line besides.
    """
    evidence = whole.evidence
    if evidence is None or whole.diagnosis not in FAULTS:
        return False
    ranked = max(first.scores, key=lambda fault: first.scores[fault])
    return (
        clean(evidence)
        and whole.diagnosis == ranked
        and first.scores[ranked] > 0
        and whole.impulsiveness > GAUSSIAN
    )


def judge(
    views: list[BandSpectrum],
    vibration: BandSpectrum | None,
    speed: float,
    multiples: Multiples,
    false_alarm: float,
    tolerance: float,
    least_depth: float,
) -> Verdict:
    """Weigh all bands against each other."""
    shaft = locate_shaft(views + ([vibration] if vibration is not None else []), speed, false_alarm)
    cells = sum(view.end / view.resolution for view in views)
    line_chance = false_alarm / cells
    trials = float(len(views) * len(FAULTS))
    measured = [view.kurtosis for view in views if math.isfinite(view.kurtosis)]
    impulsiveness = max(measured, default=math.nan)
    detectable = float(np.median([_detectable(view, shaft.frequency, line_chance) for view in views]))
    examined = [
        examine(view, multiples, shaft, tolerance, false_alarm, trials, line_chance, least_depth)
        for view in views
    ]
    found = [evidence for evidence, _, _ in examined if evidence is not None]
    scores = {
        fault: max((e.candidate.surprise for e in found if e.candidate.fault == fault), default=0.0)
        / math.log(10)
        for fault in FAULTS
    }

    def verdict(diagnosis: str, reason: str, evidence: Evidence | None = None) -> Verdict:
        view = evidence.view if evidence is not None else views[0]
        return Verdict(diagnosis, reason, shaft, evidence, view, scores, impulsiveness, detectable)

    if found:
        doubts = [(doubt(evidence, shaft, least_depth), evidence) for evidence in found]
        sure = [evidence for reason, evidence in doubts if reason is None]
        if sure:
            best = max(sure, key=_clarity)
            if max(scores, key=lambda fault: scores[fault]) != best.candidate.fault:
                return verdict("uncertain", "several_faults", best)
            if any(contradicts(evidence, best, multiples, shaft) for evidence in found):
                return verdict("uncertain", "several_faults", best)
            deep = [evidence for evidence in found if evidence.depth >= least_depth]
            if not shaft.seen and not all(clean(evidence) for evidence in deep):
                return verdict("uncertain", "speed_not_confirmed", best)
            return verdict(best.candidate.fault, "fault_lines", best)
        reason, evidence = max(doubts, key=lambda pair: pair[1].candidate.surprise)
        return verdict("uncertain", reason or "weak_lines", evidence)
    if any(stray for _, stray, _ in examined):
        return verdict("uncertain", "unexplained_lines")
    if max(hint for _, _, hint in examined) > -math.log(HINT):
        return verdict("uncertain", "weak_lines")
    if any(masked(view, multiples, shaft, tolerance, line_chance, least_depth / 2) for view in views):
        return verdict("uncertain", "shaft_or_mains_lines")
    if vibration is None:
        return verdict("uncertain", "band_only")
    if impulsiveness > GAUSSIAN:
        return verdict("uncertain", "impulsive_without_lines")
    if not detectable <= 1.5 * least_depth or max(view.high for view in views) < REACH_FOR_NONE:
        return verdict("uncertain", "too_little_power")
    return verdict("none", "no_fault_lines")


def _clarity(evidence: Evidence) -> tuple[int, float]:
    return sum(line is not None for line in evidence.harmonics), evidence.depth


def same_line(one: Evidence, other: Evidence) -> bool:
    """Whether two faults claim the same fundamental, as close kinematics allow."""
    apart = abs(one.candidate.frequency - other.candidate.frequency)
    return apart <= 2 * max(one.view.resolution, other.view.resolution)


def clean(evidence: Evidence) -> bool:
    """Whether a fault explains all but everything in its band."""
    return evidence.explained >= CLEAN_EXPLAINED and evidence.stray <= CLEAN_STRAY * evidence.depth


def contradicts(evidence: Evidence, best: Evidence, multiples: Multiples, shaft: Shaft) -> bool:
    """Whether another band shows another fault, by lines that the best fault does not explain."""
    if evidence.candidate.fault == best.candidate.fault or same_line(evidence, best):
        return False
    cage = multiples.cage * shaft.frequency
    places = family(best.candidate.fault, best.candidate.frequency, shaft.frequency, cage, evidence.view.end)
    if near_any(
        evidence.candidate.frequency, (place for place, _ in places), NEAR * evidence.view.resolution
    ):
        return False
    return evidence.fundamental and evidence.explained > 0.5 and evidence.depth > best.depth / 3


def doubt(evidence: Evidence, shaft: Shaft, least_depth: float) -> str | None:
    """Why a band's evidence is not enough for a label; None where it is."""
    fault = evidence.candidate.fault
    standing = sum(line is not None for line in evidence.harmonics)
    sidebands = sum(evidence.sidebands[:2])
    if standing == 0:
        return "shaft_or_mains_lines"
    if evidence.rival is not None:
        return "several_faults"
    least = INNER_EXPLAINED if fault == "inner" else LINES_EXPLAINED
    if evidence.explained < least or evidence.stray > MOST_STRAY * evidence.depth:
        return "unexplained_lines"
    if not evidence.fundamental:
        return "fundamental_missing"
    if evidence.depth < least_depth:
        return "weak_lines"
    if standing < 2:
        return "single_line"
    if fault in ("inner", "rolling") and sidebands < 2:
        return "sidebands_missing"
    alone = fault == "outer" and standing >= 3 and not shaft.halves and clean(evidence)
    if not shaft.seen and not alone:
        return "speed_not_confirmed"
    if evidence.tied < LEAST_TIE:
        return "impulses_not_periodic"
    return None


def longest_stretch(x: np.ndarray) -> np.ndarray:
    """The longest run of finite samples."""
    good = np.isfinite(x)
    if good.all():
        return x
    start, stop = max(stretches(good), key=lambda stretch: stretch[1] - stretch[0], default=(0, 0))
    return x[start:stop]


def middle(x: np.ndarray, rate: float, speed: float) -> np.ndarray:
    """At most `MOST_REVOLUTIONS` and `MOST_SAMPLES` from the middle of a record."""
    most = int(min(MOST_REVOLUTIONS / speed * rate, MOST_SAMPLES))
    first = max(0, (len(x) - most) // 2)
    return x[first : first + most]


def unfit(x: np.ndarray, rate: float, speed: float, highest: float) -> str | None:
    """Why a signal cannot be judged at all; None where it can.

    `highest` is the highest fault line in shaft orders: three of its harmonics must fit below half of the
    demodulated range.
    """
    if len(x) == 0 or not math.isfinite(rate) or rate <= 0:
        return "no_signal"
    low, high = float(x.min()), float(x.max())
    if not high > low:
        return "constant_signal"
    if len(x) / rate * speed < FEWEST_REVOLUTIONS:
        return "too_short"
    if 0.25 * rate < 3 * highest * speed or rate < 2000:
        return "sampling_rate_too_low"
    if np.count_nonzero(x == high) + np.count_nonzero(x == low) > SATURATED * len(x):
        return "saturated_signal"
    return None


def _detectable(view: BandSpectrum, shaft: float, chance: float) -> float:
    """Depth that a line needs to pass, from the spectrum's own background, dB."""
    first, stop = view.bin(np.array([shaft, 0.9 * view.end]))
    background = np.median(view.depth[first:stop] ** 2 / np.maximum(view.ratio[first:stop], 1e-12))
    return float(np.sqrt(background * view.ratio_at(chance)))


def _outputs(verdict: Verdict, multiples: Multiples | None) -> dict[str, np.ndarray]:
    shape = (len(FAULTS), HARMONICS)
    found = {
        name: np.full(shape, np.nan, np.float32)
        for name in ("expected", "found", "ratio", "depth", "sidebands")
    }
    spectrum = np.full(LAST_ORDER * ORDERS_PER_STEP + 1, np.nan, np.float32)
    background = spectrum.copy()
    shaft, view, evidence = verdict.shaft, verdict.view, verdict.evidence
    if shaft is not None and multiples is not None and view is not None:
        for i, (fault, order) in enumerate(sought(multiples).items()):
            found["expected"][i] = order * shaft.frequency * np.arange(1, HARMONICS + 1)
            if evidence is not None and evidence.candidate.fault == fault:
                _write_lines(found, i, evidence.harmonics, evidence.sidebands)
        spectrum, background = _by_order(view, shaft.frequency)
    scores = np.array([min(verdict.scores.get(fault, math.nan), MOST_SCORE) for fault in FAULTS], np.float32)
    values: dict[str, float] = {
        "score": float(np.max(scores)) if np.isfinite(scores).all() else math.nan,
        "shaft_frequency": shaft.frequency if shaft is not None else math.nan,
        "band_low": view.low if view is not None else math.nan,
        "band_high": view.high if view is not None else math.nan,
        "explained": evidence.explained if evidence is not None else math.nan,
        "impulsiveness": verdict.impulsiveness,
        "detectable_depth": verdict.detectable,
    }
    out: dict[str, np.ndarray] = {name: np.asarray(value, np.float32) for name, value in values.items()}
    out["diagnosis"] = np.asarray(DIAGNOSES.index(verdict.diagnosis), np.int8)
    out["reason"] = np.asarray(REASONS.index(verdict.reason), np.int8)
    out["fault_score"] = scores
    out |= {f"line_{name}": value for name, value in found.items()}
    out["spectrum"], out["background"] = spectrum, background
    return out


def _write_lines(
    found: dict[str, np.ndarray], row: int, harmonics: tuple[Line | None, ...], sidebands: tuple[int, ...]
) -> None:
    for j, line in enumerate(harmonics):
        if line is not None:
            found["found"][row, j] = line.frequency
            found["ratio"][row, j] = math.sqrt(line.ratio)
            found["depth"][row, j] = line.depth
        found["sidebands"][row, j] = sidebands[j]


def _by_order(view: BandSpectrum, shaft: float) -> tuple[np.ndarray, np.ndarray]:
    """The spectrum on the grid of shaft orders: the largest bin of each cell, so that no line is lost."""
    cells = LAST_ORDER * ORDERS_PER_STEP + 1
    cell = np.rint(np.arange(len(view.depth)) * view.step / shaft * ORDERS_PER_STEP).astype(np.int64)
    inside = cell < cells
    spectrum = np.zeros(cells)
    np.maximum.at(spectrum, cell[inside], view.depth[inside])
    centre = np.arange(cells) / ORDERS_PER_STEP * shaft
    level = np.sqrt(view.depth**2 / np.maximum(view.ratio, 1e-12))
    background = np.interp(centre, np.arange(len(level)) * view.step, level)
    empty = spectrum == 0
    spectrum[empty] = np.interp(centre[empty], np.arange(len(level)) * view.step, view.depth)
    beyond = centre > view.end
    spectrum[beyond] = background[beyond] = np.nan
    return spectrum.astype(np.float32), background.astype(np.float32)
