#!/usr/bin/env python3
"""Measure the bearing diagnosis on *simulated* machines: the tables of docs/bearing.md.

    python scripts/bearing_study.py [--trials N] [--part noise|faults|hostile]

Machines, bearings, speeds, resonances, slip and noise are drawn at random from fixed seeds, so the same
numbers come out again.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.bearing import bearing_faults
from hpcflow_kernels.machine.bearing_contracts import DIAGNOSES, FAULTS, REASONS
from hpcflow_kernels.machine.bearing_geometry import REGISTRY
from hpcflow_kernels.machine.bearing_simulation import Machine, simulate

LEVELS = (0.1, 0.2, 0.4, 0.8, 1.6)


def draw(seed: int, fault: str, level: float) -> Machine:
    """Any machine: 12 to 48.8 kHz, 12 to 45 Hz, eight bearings, 3 to 10 s."""
    rng = np.random.default_rng(seed)
    rate = float(rng.choice([12_000, 12_800, 20_000, 25_600, 48_000, 48_828]))
    bearing = REGISTRY[rng.integers(len(REGISTRY))]
    multiples = bearing.multiples()
    speed = float(rng.uniform(12, 45))
    while 3 * max(multiples.inner, multiples.rolling) * speed > 0.24 * rate:
        speed *= 0.8
    modes = tuple(
        (float(rng.uniform(1000, 0.42 * rate)), float(rng.uniform(0.02, 0.08)))
        for _ in range(rng.integers(1, 4))
    )
    return Machine(
        rate=rate,
        seconds=max(float(rng.choice([3, 5, 10])), 30 / speed),
        speed=speed,
        bearing=bearing.name,
        fault=fault,
        level=level,
        slip=float(rng.uniform(-0.02, 0.02)),
        jitter=float(10 ** rng.uniform(-3, -1.6)),
        modulation=float(rng.uniform(0.5, 1)),
        wander=float(rng.choice([0, 0.001, 0.003])),
        resonances=modes,
        shaft_lines=tuple(float(a) for a in rng.uniform(0, 2, rng.integers(1, 6))),
        shaft_modulation=float(rng.uniform(0, 0.3)),
        seed=seed,
    )


def ask(
    machine: Machine,
    x: np.ndarray | None = None,
    speed: float | None = None,
    bearing: str | None = None,
    false_alarm: float = 1e-4,
) -> dict[str, np.ndarray]:
    """Diagnose a machine, or another signal as if it came from it."""
    samples = simulate(machine) if x is None else x
    return bearing_faults(
        signal=Rows(samples, machine.rate, "m s-2", {}),
        speed=speed or machine.speed,
        bearing=bearing or machine.bearing,
        false_alarm=false_alarm,
    )


def noise(trials: int) -> None:
    """How often noise alone passes as a comb, against the rate that was asked for."""
    asked = 0.1
    scores = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        seconds, speed = float(rng.choice([1.5, 3, 10])), float(rng.uniform(25, 40))
        machine = Machine(rate=12_000, seconds=seconds, speed=speed)
        x = rng.standard_normal(round(12_000 * seconds))
        scores.append(float(np.max(ask(machine, x, false_alarm=asked)["fault_score"])))
    print(f"noise: {trials} records")
    for rate in (0.1, 0.03, 0.01, 0.001):
        print(f"  asked {rate:<6g} measured {np.mean(np.array(scores) >= -np.log10(rate)):.4f}")


def faults(trials: int) -> None:
    """Confusion by fault and level."""
    for level in LEVELS:
        for fault in FAULTS:
            counts, why = Counter[str](), Counter[str]()
            for seed in range(trials):
                machine = draw(10_000 + seed, fault, level)
                out = ask(machine)
                counts[DIAGNOSES[int(out["diagnosis"])]] += 1
                why[REASONS[int(out["reason"])]] += 1
            _row(f"level {level:<4g} {fault:8s}", counts, why)


def hostile(trials: int) -> None:
    """What must not be named: healthy machines that look busy, and wrong facts."""

    def healthy(**changes: object) -> Callable[[int], dict[str, np.ndarray]]:
        return lambda seed: ask(replace(draw(seed, "none", 1.0), **changes))  # type: ignore[arg-type]

    def tones(seed: int) -> dict[str, np.ndarray]:
        machine, rng, time = _clock(seed)
        x = 10 ** rng.uniform(-3, 0) * rng.standard_normal(len(time))
        for k in range(1, 80):
            x += rng.uniform() * np.cos(2 * np.pi * (k * machine.speed * time + rng.uniform()))
        return ask(machine, x)

    def beat(seed: int) -> dict[str, np.ndarray]:
        machine, rng, time = _clock(seed)
        swing = 1 + 0.5 * np.cos(2 * np.pi * machine.speed * rng.uniform(2, 8) * time)
        carrier = np.cos(2 * np.pi * rng.uniform(0.1, 0.4) * machine.rate * time)
        return ask(machine, rng.standard_normal(len(time)) + rng.uniform(0.5, 5) * swing * carrier)

    def second_shaft(seed: int) -> dict[str, np.ndarray]:
        machine, rng, time = _clock(seed)
        other = 2 * np.pi * machine.speed * rng.uniform(0.3, 6) * time
        return ask(machine, simulate(machine) * (1 + 0.5 * np.cos(other) + 0.2 * np.cos(2 * other)))

    def clipped(seed: int) -> dict[str, np.ndarray]:
        machine, rng, _ = _clock(seed)
        x = simulate(replace(machine, fault=str(rng.choice(FAULTS)), level=1.0))
        limit = x.std() * rng.uniform(0.5, 2)
        return ask(machine, np.clip(x, -limit, limit))

    def wrong_speed(fault: str) -> Callable[[int], dict[str, np.ndarray]]:
        def trial(seed: int) -> dict[str, np.ndarray]:
            machine, rng = draw(seed, fault, 1.0), np.random.default_rng(seed)
            return ask(
                machine,
                speed=machine.speed * float(rng.choice([rng.uniform(0.4, 0.93), rng.uniform(1.07, 2.5)])),
            )

        return trial

    cases = {
        "healthy": healthy(),
        "gear mesh, 23 teeth": healthy(gear=(23.0, 3.0)),
        "interference, 50 Hz mains": healthy(mains=(50.0, 1.0)),
        "interference, 60 Hz mains": healthy(mains=(60.0, 1.0)),
        "5 random shocks a second": healthy(shocks=(5.0, 20.0)),
        "80 random shocks a second": healthy(shocks=(80.0, 20.0)),
        "noise modulated by the shaft": healthy(shaft_modulation=0.8),
        "79 shaft harmonics": tones,
        "a modulated tone": beat,
        "noise modulated by another shaft": second_shaft,
        "clipped, with a fault": clipped,
        **{f"wrong speed, {fault}": wrong_speed(fault) for fault in FAULTS},
    }
    for name, trial in cases.items():
        counts, why = Counter[str](), Counter[str]()
        for seed in range(trials):
            out = trial(20_000 + seed)
            counts[DIAGNOSES[int(out["diagnosis"])]] += 1
            why[REASONS[int(out["reason"])]] += 1
        _row(f"{name:34s}", counts, why)


def _clock(seed: int) -> tuple[Machine, np.random.Generator, np.ndarray]:
    machine = draw(seed, "none", 1.0)
    return (
        machine,
        np.random.default_rng(seed),
        np.arange(round(machine.rate * machine.seconds)) / machine.rate,
    )


def _row(name: str, counts: Counter[str], why: Counter[str]) -> None:
    cells = "  ".join(f"{label} {counts[label]:3d}" for label in DIAGNOSES)
    print(name, cells, "|", ", ".join(f"{reason} {n}" for reason, n in why.most_common(4)), flush=True)


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description="Measure the bearing diagnosis on simulated machines.")
    parser.add_argument(
        "--trials", type=int, default=30, help="records per row (noise: thirty times as many)"
    )
    parser.add_argument("--part", choices=["noise", "faults", "hostile"], help="one part only")
    asked = parser.parse_args()
    if asked.part in (None, "noise"):
        noise(30 * asked.trials)
    if asked.part in (None, "faults"):
        faults(asked.trials)
    if asked.part in (None, "hostile"):
        hostile(asked.trials)


if __name__ == "__main__":
    main()
