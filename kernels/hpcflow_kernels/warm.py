"""Compile fast kernels before many processes need them: ``python -m hpcflow_kernels.warm [NAME ...]``.

What is compiled is kept (`hpcflow_kernels.cache`), so that one process pays and a thousand do not. Machine
code belongs to a type of processor: run it where the work will run.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from hpcflow_kernels.cache import TALLY, Tally
from hpcflow_kernels.features.entropy_contracts import MEASURES
from hpcflow_kernels.probes import measurable, prepared, probe_of
from hpcflow_kernels.rolling.contracts import STATISTICS

VARIANTS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "bandpass": ({}, {"low": 20.0, "high": 40.0}),
    "entropy": tuple({"measure": measure} for measure in MEASURES),
    "fir": ({}, {"taps": 31}),
    "rolling": tuple({"statistic": name} for name in STATISTICS),
    "welch": ({}, {"nperseg": 100}),
}
"""Parameters that lead to loops of their own; other kernels have one set of loops."""


def warm(names: Collection[str] = ()) -> Tally:
    """Call kernels (all if none is named) for float32 and float64; says what was compiled and loaded.

    Raises
    ------
    KeyError
        If a kernel is not registered.
    """
    for name in names or measurable():
        for changes in VARIANTS.get(name, ({},)):
            for dtype in (np.float32, np.float64):
                prepared(name, probe_of(name).sizes[0], dtype, **changes)()
    return TALLY


if __name__ == "__main__":
    done = warm(sys.argv[1:])
    print(f"{done.compiled} compiled, {done.loaded} loaded, {done.saved} kept")
