"""A kernel on trial: what it is tried with, and what holds a promise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcflow_kernels import Contract, Field, Geometry
from hpcflow_kernels.probes import Probe

RATE = 1000.0
SAMPLES = 20_011
"""Of most records; odd, so that no tile divides it."""

Params = Mapping[str, Any]
Made = dict[str, np.ndarray]


@dataclass(frozen=True)
class Check:
    """One promise of one kernel. Called, it raises AssertionError where the promise is broken."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        self.run()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Trial:
    """A kernel, what it is tried with, and how far a cut may move its output."""

    contract: Contract
    params: dict[str, Any]
    bound: float
    probe: Probe

    @property
    def geometry(self) -> Geometry:
        """Of a map or window kernel, at the rate of the made-up records."""
        assert self.contract.geometry is not None
        return self.contract.geometry(self.params, RATE)

    @property
    def fields(self) -> tuple[Field, ...]:
        """What the contract says comes out."""
        return self.contract.fields(self.params)


def hold(promise: bool, broken: str) -> None:
    """Raise AssertionError unless a promise is kept."""
    if not promise:
        raise AssertionError(broken)


def same_names(trial: Trial, made: Mapping[str, object]) -> None:
    """Hold what was computed to the names of the contract's fields."""
    names = [field.name for field in trial.fields]
    hold(set(made) == set(names), f"computed {sorted(made)}, the contract says {sorted(names)}")


def same(got: np.ndarray, expected: np.ndarray, bound: float) -> bool:
    """Whether values agree to `bound` of the largest, bit for bit at 0, and are missing alike."""
    if bound == 0:
        return bool(np.array_equal(got, expected, equal_nan=True))
    both = np.isnan(got) == np.isnan(expected)
    apart, largest = np.nanmax(np.abs(got - expected), initial=0), np.nanmax(np.abs(expected), initial=0)
    return bool(both.all() and apart <= bound * largest)


def signal(samples: int, dtype: type = np.float64) -> np.ndarray:
    """Noise with a tone and an offset."""
    rng = np.random.default_rng(samples)
    tone = 3 * np.sin(2 * np.pi * 90 * np.arange(samples) / RATE)
    made: np.ndarray = (rng.standard_normal(samples) + tone + 5).astype(dtype)
    return made
