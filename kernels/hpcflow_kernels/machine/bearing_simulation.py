"""A machine whose bearing fault is known by construction: *simulated* vibration to show and to try.

The model is the usual one (McFadden and Smith 1984; Antoni and Randall 2003): each meeting of a defect with
a rolling element strikes the structure, which rings down at its resonances; the intervals jitter, because
rolling elements slip; the load zone modulates what turns through it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpcflow_kernels.machine.bearing_geometry import multiples_of


@dataclass(frozen=True)
class Machine:
    """What to simulate.

    Attributes
    ----------
    rate, seconds : float
        Samples per second, and duration, s.
    speed : float
        Shaft speed, Hz.
    bearing : str
        As a `bearing` fact says it.
    fault : str
        "none", "inner", "outer" or "rolling".
    level : float
        Root mean square of the fault's vibration over that of the noise.
    slip : float
        Fraction by which the fault's frequency lies off kinematics.
    jitter : float
        Standard deviation of the intervals between impacts, in intervals; they add up, as slip does.
    modulation : float
        Depth of the load-zone (inner, rolling) modulation, 0 to 1.
    wander : float
        Standard deviation of slow speed changes, as a fraction of the speed.
    resonances : tuple of (float, float)
        Frequency, Hz, and damping ratio of each mode.
    shaft_lines : tuple of float
        Amplitudes of the shaft's harmonics 1, 2, ... over the noise.
    gear : tuple of (float, float)
        Teeth, and amplitude over the noise, of a mesh modulated by the shaft; no teeth, no gear.
    mains : tuple of (float, float)
        Frequency, Hz, and amplitude over the noise, of electrical interference: a carrier at 3.2 kHz whose
        strength follows the mains twice a period.
    shocks : tuple of (float, float)
        Random, irregular shocks per second, and their peak over the noise.
    shaft_modulation : float
        Depth by which the shaft modulates the noise itself, 0 to 1.
    noise : float
        Root mean square of the noise, m s-2.
    seed : int
    """

    rate: float = 12_800.0
    seconds: float = 10.0
    speed: float = 25.0
    bearing: str = "SKF 6205-2RS JEM"
    fault: str = "none"
    level: float = 1.0
    slip: float = 0.0
    jitter: float = 0.01
    modulation: float = 0.8
    wander: float = 0.0
    resonances: tuple[tuple[float, float], ...] = ((3200.0, 0.05),)
    shaft_lines: tuple[float, ...] = (0.5, 0.2, 0.1)
    gear: tuple[float, float] = (0.0, 0.0)
    mains: tuple[float, float] = (50.0, 0.0)
    shocks: tuple[float, float] = (0.0, 0.0)
    shaft_modulation: float = 0.0
    noise: float = 1.0
    seed: int = 0


def simulate(machine: Machine) -> np.ndarray:
    """Vibration of a machine.

    Returns
    -------
    ndarray of float64, shape (samples,)
        Acceleration, m s-2; the same for the same machine.
    """
    rng = np.random.default_rng(machine.seed)
    n = round(machine.rate * machine.seconds)
    time = np.arange(n) / machine.rate
    turns = _turns(machine, rng, time)
    noise = rng.standard_normal(n)
    colour = rng.uniform(0.0, 0.6)
    noise[1:] += colour * noise[:-1]
    noise /= noise.std()
    noise *= 1 + machine.shaft_modulation * np.cos(2 * np.pi * turns)
    x = noise
    for k, amplitude in enumerate(machine.shaft_lines, 1):
        x = x + amplitude * math.sqrt(2) * np.cos(2 * np.pi * (k * turns + rng.uniform()))
    teeth, mesh = machine.gear
    if teeth:
        swing = 1 + 0.5 * np.cos(2 * np.pi * turns) + 0.2 * np.cos(2 * np.pi * 2 * turns)
        for k in (1, 2, 3):
            x = x + mesh / k * swing * np.cos(2 * np.pi * (k * teeth * turns + rng.uniform()))
    frequency, strength = machine.mains
    if strength:
        follow = np.abs(np.sin(2 * np.pi * frequency * time + rng.uniform(0, 2 * np.pi)))
        x = x + strength * follow * np.cos(2 * np.pi * 3200.0 * time)
        x = x + strength * follow * rng.standard_normal(n)
    per_second, peak = machine.shocks
    if per_second:
        when = rng.uniform(0, machine.seconds, rng.poisson(per_second * machine.seconds))
        shocks = _ring(machine, rng, when, rng.exponential(1.0, len(when)), n)
        x = x + shocks * (peak / max(np.abs(shocks).max(), 1e-12))
    if machine.fault != "none":
        fault = _fault(machine, rng, time, turns)
        x = x + fault * (machine.level / max(fault.std(), 1e-12))
    return machine.noise * x


def _turns(machine: Machine, rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Shaft angle in turns, with slow wander of the speed."""
    speed = np.full(len(time), machine.speed)
    if machine.wander:
        knots = max(4, int(machine.seconds * 2))
        steps = np.interp(
            time, np.linspace(0, machine.seconds, knots), rng.standard_normal(knots) * machine.wander
        )
        speed = speed * (1 + steps)
    turns: np.ndarray = rng.uniform() + np.cumsum(speed) / machine.rate
    return turns


def _fault(machine: Machine, rng: np.random.Generator, time: np.ndarray, turns: np.ndarray) -> np.ndarray:
    multiples = multiples_of(machine.bearing)
    order = {"inner": multiples.inner, "outer": multiples.outer, "rolling": multiples.rolling}[machine.fault]
    order *= 1 + machine.slip
    first, last = turns[0], turns[-1]
    count = int((last - first) * order) + 2
    intervals = np.maximum(1 + machine.jitter * rng.standard_normal(count), 0.2) / order
    angles = first + np.cumsum(intervals)
    angles = angles[angles < last]
    when = np.interp(angles, turns, time)
    strength = 1 + 0.1 * rng.standard_normal(len(angles))
    if machine.fault == "inner":
        strength *= _load(angles, machine.modulation)
    elif machine.fault == "rolling":
        strength *= _load(angles * multiples.cage, machine.modulation)
        strength[::2] *= 0.8
    return _ring(machine, rng, when, strength, len(time))


def _load(turns: np.ndarray, depth: float) -> np.ndarray:
    """Load zone over a turn of whatever carries the defect, half of it loaded (Stribeck)."""
    zone = np.clip(np.cos(2 * np.pi * turns), 0, None) ** 1.5
    load: np.ndarray = 1 - depth + depth * zone
    return load


def _ring(
    machine: Machine, rng: np.random.Generator, when: np.ndarray, strength: np.ndarray, n: int
) -> np.ndarray:
    """Impacts at any times, each ringing down at every resonance."""
    from scipy.signal import fftconvolve

    place = when * machine.rate
    base = np.floor(place).astype(np.int64)
    part = place - base
    blows = np.zeros(n + 1)
    inside = (base >= 0) & (base < n)
    np.add.at(blows, base[inside], (strength * (1 - part))[inside])
    np.add.at(blows, base[inside] + 1, (strength * part)[inside])
    slowest = min(frequency * damping for frequency, damping in machine.resonances)
    span = np.arange(min(n, int(12 / (2 * np.pi * slowest) * machine.rate) + 2)) / machine.rate
    response = np.zeros(len(span))
    for frequency, damping in machine.resonances:
        decay = np.exp(-2 * np.pi * frequency * damping * span)
        response += decay * np.sin(
            2 * np.pi * frequency * math.sqrt(1 - damping**2) * span + rng.uniform(0, 6.28)
        )
    return np.asarray(fftconvolve(blows, response)[:n])
