"""Which lines of an envelope spectrum stand for which fault, and which have another explanation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hpcflow_kernels.machine.bearing_bands import NEPER_TO_DB, BandSpectrum
from hpcflow_kernels.machine.bearing_contracts import FAULTS, HARMONICS
from hpcflow_kernels.machine.bearing_geometry import Multiples
from hpcflow_kernels.stretches import stretches

MAINS = (50.0, 60.0)
"""Hz."""
SPEED_TOLERANCE = 0.02
"""The shaft is sought within this fraction of the stated speed."""
KNOWN_SHAFT, STATED_SHAFT = 0.002, 0.005
"""Uncertainty of the shaft frequency where the spectrum shows it, and where it does not."""
SLIP_SHARE = 2 / 3
"""Part of the tolerance that is left for slip once the spectrum has shown the speed."""
NEAR = 1.5
"""Lines closer than this many resolutions are one line."""
LOCAL_CHANCE = 1e-3
"""A line at a place fixed by other lines is there when noise would put one there this rarely."""
STRONG = 25.0
"""Surprise beyond which a shaft harmonic is no better a witness of the speed."""
MOST_QUIET = 0.5
"""Cage lines deeper than this share of the fault's deepest line want an explanation."""
SKIRT = 3.0
"""Surprise of the bins that belong to the feet of a line beside them."""
SIDEBANDS = (-2, -1, 1, 2)


@dataclass(frozen=True)
class Shaft:
    """The shaft as the spectrum shows it.

    Attributes
    ----------
    frequency : float
        Hz.
    seen : bool
        Whether its harmonics stand out; otherwise `frequency` is the stated speed.
    halves : bool
        Whether half orders stand out too (looseness, rub).
    """

    frequency: float
    seen: bool
    halves: bool


@dataclass(frozen=True)
class Candidate:
    """A fault's best comb of lines in one band.

    Attributes
    ----------
    fault : str
    frequency : float
        Fundamental, Hz.
    surprise : float
        Minus the natural logarithm of the chance, corrected for everything that was searched.
    """

    fault: str
    frequency: float
    surprise: float


@dataclass(frozen=True)
class Line:
    """A place in a spectrum, Hz, with the modulation there."""

    frequency: float
    depth: float
    ratio: float
    surprise: float


def peak_near(view: BandSpectrum, frequency: float, reach: float) -> Line:
    """The most surprising bin within `reach` of a frequency, interpolated."""
    low, high = view.bin(np.array([frequency - reach, frequency + reach]))
    at = int(low + np.argmax(view.ratio[low : high + 1]))
    shift = 0.0
    if 0 < at < len(view.depth) - 1:
        left, top, right = view.depth[at - 1 : at + 2]
        curve = left - 2 * top + right
        if curve < 0:
            shift = float(np.clip(0.5 * (left - right) / curve, -0.5, 0.5))
    return Line(
        (at + shift) * view.step, float(view.depth[at]), float(view.ratio[at]), float(view.surprise[at])
    )


def strong_lines(view: BandSpectrum, lowest: float, chance: float) -> list[Line]:
    """Local maxima that noise would show with at most this chance per bin, strongest first."""
    first = int(lowest / view.step) + 1
    reach = max(1, round(NEAR * view.resolution / view.step))
    found: list[Line] = []
    for at in np.flatnonzero(view.surprise > -np.log(chance)):
        if at < first:
            continue
        low, high = max(0, at - reach), at + reach + 1
        if view.ratio[at] == view.ratio[low:high].max():
            found.append(peak_near(view, at * view.step, 0.0))
    return sorted(found, key=lambda line: -line.depth)


def _stands(view: BandSpectrum, frequency: float, reach: float, rare: float) -> bool:
    """Whether a line peaks within reach: the foot of a neighbour does not count."""
    low, high = view.bin(np.array([frequency - reach, frequency + reach]))
    at = int(low + np.argmax(view.ratio[low : high + 1]))
    around = max(1, round(view.resolution / view.step))
    peak = view.ratio[max(0, at - around) : at + around + 1].max()
    return bool(view.surprise[at] > rare and view.ratio[at] >= peak)


def locate_shaft(views: list[BandSpectrum], stated: float, chance: float) -> Shaft:
    """Refine the stated speed by the first three shaft harmonics, over all spectra together.

    The shaft counts as seen where its first harmonic stands out: at one and a half times or half the right
    speed, higher ones do too.
    """
    from scipy.special import gammaincc

    step = min(view.step for view in views) / 6
    count = max(1, int(SPEED_TOLERANCE * stated / step))
    grid = stated + step * np.arange(-count, count + 1)
    total, seen = np.zeros(len(grid)), False
    searched = len(views) * max(1.0, 3 * 2 * SPEED_TOLERANCE * stated / views[0].resolution)
    clear, clearest = views[0], 0.0
    for view in views:
        each = np.array([view.surprise[view.bin(k * grid)] for k in (1, 2, 3)])
        comb = np.minimum(each, STRONG).sum(axis=0)
        total += comb
        proven = gammaincc(3, each.sum(axis=0)) * searched < chance
        seen = seen or bool(np.any((each[0] > STRONG) & proven))
        if comb.max() > clearest:
            clear, clearest = view, float(comb.max())
    top = np.flatnonzero(total >= total.max() - 1e-9)
    frequency = float(grid[top].mean()) if seen else stated
    if seen:
        peaks = [(k, peak_near(clear, k * frequency, clear.resolution)) for k in (1, 2, 3)]
        weights = [(peak.surprise * k, peak.frequency / k) for k, peak in peaks if peak.surprise > STRONG / 2]
        if weights:
            frequency = sum(w * f for w, f in weights) / sum(w for w, _ in weights)
    rare = -np.log(chance / (8 * len(views)))
    halves = any(
        sum(_stands(view, order * frequency, NEAR * view.resolution, rare) for order in (0.5, 1.5, 2.5)) >= 2
        for view in views
    )
    return Shaft(frequency, seen, halves)


def elsewhere(frequency: np.ndarray, shaft: Shaft, resolution: float) -> np.ndarray:
    """Whether frequencies coincide with a shaft harmonic or a multiple of the mains, so prove nothing.

    Half orders count where the spectrum shows any.
    """
    reach = NEAR * resolution
    unsure = KNOWN_SHAFT if shaft.seen else STATED_SHAFT
    comb = shaft.frequency / 2 if shaft.halves else shaft.frequency
    order = np.maximum(np.rint(frequency / comb), 1)
    near = np.abs(frequency - order * comb) < reach + unsure * frequency
    for mains in MAINS:
        order = np.maximum(np.rint(frequency / mains), 1)
        near |= np.abs(frequency - order * mains) < reach + 0.001 * frequency
    return np.asarray(near)


def spacing(fault: str, shaft: float, cage: float) -> float:
    """Distance of a fault's sidebands: the rate at which the load passes over it.

    An inner race turns with the shaft; a rolling element goes round with the cage; an outer race stands
    still, but an unbalanced shaft may load it once a turn.
    """
    return cage if fault == "rolling" else shaft


def family(fault: str, frequency: float, shaft: float, cage: float, last: float) -> list[tuple[float, bool]]:
    """All lines that a fault explains, as (frequency, is a harmonic of the fault's own)."""
    side = spacing(fault, shaft, cage)
    found: list[tuple[float, bool]] = []
    count = int(last / frequency) + 2
    if fault == "rolling":
        # the defect goes through the load zone once a turn of the cage
        found += [(m * cage, False) for m in (1, 2, 3)]
    for h in range(1, count + 1):
        found.append((h * frequency, True))
        found += [(h * frequency + m * side, False) for m in (-3, -2, -1, 1, 2, 3)]
        if fault == "rolling":
            found += [((h - 0.5) * frequency + m * side, False) for m in (-2, -1, 0, 1, 2)]
            found += [(h * frequency + m * shaft, False) for m in (-1, 1)]
    return [(line, own) for line, own in found if 0 < line <= last]


def bystanders(shaft: float, cage: float) -> list[float]:
    """Cage lines, which every damaged bearing may show and none of the three faults owns."""
    return [cage, 2 * cage, 3 * cage, shaft - cage, 2 * (shaft - cage), shaft + cage, 2 * shaft - cage]


def near_any(frequency: float, places: Iterable[float], reach: float) -> bool:
    """Whether a frequency lies within reach, or 0.3 %, of one of the places."""
    return any(abs(frequency - place) <= reach + 0.003 * place for place in places)


def best_comb(
    view: BandSpectrum,
    fault: str,
    kinematic: float,
    tolerance: float,
    shaft: Shaft,
    trials: float,
    taken: np.ndarray | None = None,
) -> Candidate | None:
    """The fundamental within tolerance of kinematics whose harmonics surprise most.

    Harmonics 1..H are combined by Fisher's method for H = 1..5; those that have another explanation
    (`elsewhere`, or in a `taken` bin) take no part. The chance of the best is multiplied by the
    number of trials: resolution cells in the tolerance at the highest harmonic, times five, times
    `trials` for bands and faults. None where no harmonic is free.
    """
    from scipy.special import gammaincc

    step = view.step / HARMONICS
    count = max(1, int(tolerance * kinematic / step))
    grid = kinematic + step * np.arange(-count, count + 1)
    total, used = np.zeros(len(grid)), np.zeros(len(grid))
    best, where = 1.0, None
    for h in range(1, HARMONICS + 1):
        lines = h * grid
        if lines[-1] > view.end:
            break
        free = ~elsewhere(lines, shaft, view.resolution)
        if taken is not None:
            free &= ~taken[view.bin(lines)]
        total += np.where(free, view.surprise[view.bin(lines)], 0.0)
        used += free
        chance = np.where(used > 0, gammaincc(np.maximum(used, 1), total), 1.0)
        at = int(np.argmin(chance))
        if chance[at] < best:
            level = np.flatnonzero(chance <= chance[at] * (1 + 1e-9))
            best, where = max(float(chance[at]), 1e-290), float(grid[level[len(level) // 2]])
    if where is None:
        return None
    cells = max(1.0, 2 * tolerance * kinematic * HARMONICS / view.resolution)
    surprise = -np.log(best) - np.log(cells * HARMONICS * trials)
    return Candidate(fault, where, float(surprise))


def occupied(view: BandSpectrum, places: Iterable[float], reach: float) -> np.ndarray:
    """Bins that lines at these places fill, skirts included: jitter gives lines wide feet."""
    taken = np.zeros(len(view.depth), bool)
    for place in places:
        low, high = view.bin(np.array([place - reach, place + reach]))
        taken[low : high + 1] = True
    raised = view.surprise > SKIRT
    wide = round(NEAR * view.resolution / view.step)
    for start, stop in stretches(raised):
        if taken[start:stop].any():
            taken[max(0, start - wide) : stop + wide] = True
    return taken


@dataclass(frozen=True)
class Evidence:
    """What one band shows of its best fault.

    Attributes
    ----------
    view : BandSpectrum
    candidate : Candidate
    harmonics : tuple of (Line or None)
        Lines found at the harmonics 1..5, None where nothing stands or it has another explanation.
    sidebands : tuple of int
        Significant sidebands beside each harmonic, of 4.
    explained : float
        Share of the power of all strong lines, those with another explanation aside, that the fault explains.
    depth : float
        Depth of the fault's strongest line, dB.
    fundamental : bool
        Whether the first harmonic stands, or has another explanation and cannot be judged.
    stray : float
        Depth of the strongest line that nothing explains, dB.
    rival : Candidate or None
        Another fault with lines of its own of comparable depth.
    tied : float
        Modulation power of the fault's lines over the band's impulsiveness: small when impacts there are,
        but not at the fault's frequency.
    """

    view: BandSpectrum
    candidate: Candidate
    harmonics: tuple[Line | None, ...]
    sidebands: tuple[int, ...]
    explained: float
    depth: float
    fundamental: bool
    stray: float
    rival: Candidate | None
    tied: float


def sought(multiples: Multiples) -> dict[str, float]:
    """Line of each fault, in shaft orders."""
    return {fault: getattr(multiples, fault) for fault in FAULTS}


def line_at(view: BandSpectrum, frequency: float, shaft: Shaft) -> Line | None:
    """The line at a place fixed by others; None where none stands or it has another explanation."""
    if frequency <= 0 or frequency > view.end or elsewhere(np.array([frequency]), shaft, view.resolution)[0]:
        return None
    reach = view.resolution + 0.002 * frequency
    cells = 1 + 2 * reach / view.resolution
    if not _stands(view, frequency, reach, -np.log(LOCAL_CHANCE / cells)):
        return None
    return peak_near(view, frequency, reach)


def examine(
    view: BandSpectrum,
    multiples: Multiples,
    shaft: Shaft,
    tolerance: float,
    chance: float,
    trials: float,
    line_chance: float,
    least_depth: float,
) -> tuple[Evidence | None, list[Line], float]:
    """Judge one band.

    Returns
    -------
    evidence : Evidence or None
        Of the fault whose comb surprises most; None where no comb passes the false-alarm rate.
    stray : list of Line
        Strong lines that neither shaft, mains nor cage explain, whichever fault there may be.
    hint : float
        The largest corrected surprise of a comb, passing or not, that has at least half the depth of a label.
    """
    orders = sought(multiples)
    reach_of_slip = tolerance * (SLIP_SHARE if shaft.seen else 1.0)
    shaft_now = shaft.frequency
    lowest = 0.3 * shaft_now
    strong = [
        line
        for line in strong_lines(view, lowest, line_chance)
        if not elsewhere(np.array([line.frequency]), shaft, view.resolution)[0]
    ]
    reach = NEAR * view.resolution
    quiet = bystanders(shaft_now, multiples.cage * shaft_now)
    stray = [line for line in strong if not near_any(line.frequency, quiet, reach)]
    combs = [
        candidate
        for fault, order in orders.items()
        if (candidate := best_comb(view, fault, order * shaft_now, reach_of_slip, shaft, trials)) is not None
    ]
    hint = max((c.surprise for c in combs if _deepest(view, c, shaft) >= least_depth / 2), default=0.0)
    found = [candidate for candidate in combs if candidate.surprise > -np.log(chance)]
    if not found:
        return None, stray, hint
    judged = [
        _judge(view, candidate, multiples, shaft, reach_of_slip, chance, trials, strong)
        for candidate in found
    ]
    return max(judged, key=_persuasion), stray, hint


def masked(
    view: BandSpectrum,
    multiples: Multiples,
    shaft: Shaft,
    tolerance: float,
    line_chance: float,
    least_depth: float,
) -> bool:
    """Whether a strong line that shaft or mains explain stands where a fault's first line may be."""
    reach = tolerance * (SLIP_SHARE if shaft.seen else 1.0)
    windows = [order * shaft.frequency for order in sought(multiples).values()]
    return any(
        line.depth >= least_depth
        and any(abs(line.frequency - middle) <= reach * middle for middle in windows)
        for line in strong_lines(view, 0.3 * shaft.frequency, line_chance)
    )


def _deepest(view: BandSpectrum, candidate: Candidate, shaft: Shaft) -> float:
    lines = [line_at(view, h * candidate.frequency, shaft) for h in range(1, HARMONICS + 1)]
    return max((line.depth for line in lines if line is not None), default=0.0)


def _persuasion(evidence: Evidence) -> tuple[float, int, float]:
    """Rank the faults of one band: two that lie on the same lines differ by their sidebands."""
    return (round(evidence.explained, 1), sum(evidence.sidebands[:2]), evidence.candidate.surprise)


def _judge(
    view: BandSpectrum,
    candidate: Candidate,
    multiples: Multiples,
    shaft: Shaft,
    tolerance: float,
    chance: float,
    trials: float,
    strong: list[Line],
) -> Evidence:
    fault, frequency = candidate.fault, candidate.frequency
    cage = (
        multiples.cage
        * shaft.frequency
        * (frequency / (multiples.rolling * shaft.frequency) if fault == "rolling" else 1.0)
    )
    side = spacing(fault, shaft.frequency, cage)
    harmonics = tuple(line_at(view, h * frequency, shaft) for h in range(1, HARMONICS + 1))
    sidebands = tuple(
        sum(line_at(view, h * frequency + m * side, shaft) is not None for m in SIDEBANDS)
        for h in range(1, HARMONICS + 1)
    )
    members = family(fault, frequency, shaft.frequency, cage, view.end)
    reach = NEAR * view.resolution
    own = [place for place, is_own in members if is_own]
    beside = [place for place, is_own in members if not is_own]
    present = [line.depth for line in harmonics if line is not None]
    depth = max(present, default=0.0)
    quiet = bystanders(shaft.frequency, multiples.cage * shaft.frequency)
    carrier, aside, rest, stray = 0.0, 0.0, 0.0, 0.0
    for line in strong:
        power = line.depth**2
        if near_any(line.frequency, own, reach):
            carrier += power
        elif near_any(line.frequency, beside, reach):
            aside += power
        elif line.depth > MOST_QUIET * depth or not near_any(line.frequency, quiet, reach):
            rest += power
            stray = max(stray, line.depth)
    credited = carrier + min(aside, carrier)
    whole = carrier + aside + rest
    explained = credited / whole if whole > 0 else 0.0
    taken = occupied(view, (place for place, _ in members), reach)
    rival = None
    for other, order in sought(multiples).items():
        if other == fault:
            continue
        comb = best_comb(view, other, order * shaft.frequency, tolerance, shaft, trials, taken)
        if comb is not None and comb.surprise > -np.log(chance):
            lines = [line_at(view, h * comb.frequency, shaft) for h in (1, 2, 3)]
            deepest = max((line.depth for line in lines if line is not None), default=0.0)
            if deepest > depth / 3 and (rival is None or comb.surprise > rival.surprise):
                rival = comb
    swing = sum((line / NEPER_TO_DB) ** 2 for line in present)
    tied = swing / view.kurtosis if view.kurtosis > 0.2 else np.inf
    hidden = bool(elsewhere(np.array([frequency]), shaft, view.resolution)[0])
    return Evidence(
        view=view,
        candidate=candidate,
        harmonics=harmonics,
        sidebands=sidebands,
        explained=explained,
        depth=depth,
        fundamental=hidden or harmonics[0] is not None,
        stray=stray,
        rival=rival,
        tied=float(tied),
    )
