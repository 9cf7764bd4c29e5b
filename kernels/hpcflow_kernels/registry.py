"""Kernel names and their contracts; ours are declared beside their families, users' come by entry point."""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from importlib.metadata import entry_points

from hpcflow_kernels.contract import Contract

FAMILIES = (
    "hpcflow_kernels.filter.recursive_contracts",
    "hpcflow_kernels.filter.weighting_contracts",
    "hpcflow_kernels.filter.fir_contracts",
    "hpcflow_kernels.filter.integrate_contracts",
    "hpcflow_kernels.filter.smooth_contracts",
    "hpcflow_kernels.filter.resample_contracts",
    "hpcflow_kernels.machine.bearing_contracts",
    "hpcflow_kernels.machine.envelope_contracts",
    "hpcflow_kernels.machine.kurtogram_contracts",
    "hpcflow_kernels.machine.severity_contracts",
    "hpcflow_kernels.machine.exposure_contracts",
    "hpcflow_kernels.sport.power_contracts",
    "hpcflow_kernels.spectral.welch_contracts",
    "hpcflow_kernels.spectral.shape_contracts",
    "hpcflow_kernels.spectral.multitaper_contracts",
    "hpcflow_kernels.spectral.octave_contracts",
    "hpcflow_kernels.spectral.irregular_contracts",
    "hpcflow_kernels.spectral.orders_contracts",
    "hpcflow_kernels.spectral.stft_contracts",
    "hpcflow_kernels.spectral.subtraction_contracts",
    "hpcflow_kernels.spectral.coherence_contracts",
    "hpcflow_kernels.rolling.contracts",
    "hpcflow_kernels.quality.defects_contracts",
    "hpcflow_kernels.quality.channels_contracts",
    "hpcflow_kernels.detection.changes_contracts",
    "hpcflow_kernels.detection.events_contracts",
    "hpcflow_kernels.machine.gears_contracts",
    "hpcflow_kernels.machine.cyclic_contracts",
    "hpcflow_kernels.features.catch22_contracts",
    "hpcflow_kernels.similarity.profile_contracts",
    "hpcflow_kernels.features.entropy_contracts",
    "hpcflow_kernels.features.feature_set_contracts",
    "hpcflow_kernels.features.rocket_contracts",
    "hpcflow_kernels.similarity.dtw_contracts",
    "hpcflow_kernels.similarity.neighbours_contracts",
    "hpcflow_kernels.mpi.contracts",
)
"""Modules that hold a tuple `CONTRACTS`; each imports nothing heavier than `contract`."""

ENTRY_POINT = "hpcflow_lumi.kernels"
"""Entry-point group through which other packages add kernels; each names a tuple of contracts."""


@cache
def contracts() -> dict[str, Contract]:
    """All registered contracts by name."""
    found: dict[str, Contract] = {}
    for module in FAMILIES:
        for contract in importlib.import_module(module).CONTRACTS:
            _add(found, contract)
    for entry in entry_points(group=ENTRY_POINT):
        for contract in entry.load():
            _add(found, contract)
    return found


def _add(found: dict[str, Contract], contract: Contract) -> None:
    if contract.name in found:
        raise ValueError(f"two kernels are registered as {contract.name!r}: give one of them another name")
    found[contract.name] = contract


def get(name: str) -> Contract:
    """Look a kernel up.

    Raises
    ------
    KeyError
        With the nearest known names in the message.
    """
    known = contracts()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; nearest: {', '.join(near)}" if near else ""
        raise KeyError(f"no kernel is called {name!r}{hint}")
    return known[name]
