"""Promises of the CUDA back end: what the processor gives, on a GPU or Numba's simulator of one.

The simulator is slow: it is given a few frames, or a short record, and parameters to suit are the caller's to
choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from hpcflow.conformance.arrays import close
from hpcflow.conformance.cut import in_tiles, whole
from hpcflow.conformance.trial import RATE, SAMPLES, Check, Made, Params, Trial, hold, same, signal
from hpcflow.conformance.whole import asked, changed, ports_of
from hpcflow_kernels import Contract, Pattern, UnusableRecordError

FEW = 60
"""Samples of a record that is simulated; of a signal, four frames are."""


def of_cuda(trial: Trial) -> Iterator[Check]:
    """The checks of a kernel's CUDA implementation; none where it has no such, or no GPU is here."""
    if "cuda" not in trial.contract.backends:
        return
    from hpcflow_kernels.cuda.device import is_available

    if not is_available():
        return
    cut = trial.contract.pattern in (Pattern.MAP, Pattern.WINDOW)
    call = _of_signal if cut else _of_record
    for dtype in (np.float32, np.float64):
        yield Check(f"cuda: {dtype.__name__} as on the processor", partial(call, trial, dtype, False))
    yield Check("cuda: missing samples as on the processor", partial(call, trial, np.float32, True))
    if cut:
        yield Check("cuda: tiles give the whole record", partial(_tiles, trial))


def _samples(trial: Trial) -> int:
    from hpcflow_kernels.cuda.device import is_simulated

    if not is_simulated():
        return SAMPLES
    if trial.contract.geometry is None:
        return FEW
    return trial.geometry.frame + 3 * trial.geometry.hop + 1


def _on(contract: Contract, x: np.ndarray, params: Params) -> Made:
    """One call of a window kernel on a GPU, as a tile makes it."""
    made: Made = contract.load("cuda")(x, rate=RATE, **params)
    return made


def _of_signal(trial: Trial, dtype: type, gap: bool) -> None:
    x = signal(_samples(trial), dtype)
    if gap:
        x[-1 - trial.geometry.hop] = np.nan
    expected, before = whole(trial.contract, x, trial.params), x.copy()
    made = _on(trial.contract, x, trial.params)
    hold(np.array_equal(x, before, equal_nan=True), "the kernel wrote to its input")
    close(trial, made, expected, dtype)
    again = _on(trial.contract, x, trial.params)
    for field, values in made.items():
        hold(np.array_equal(values, again[field], equal_nan=True), f"{field} differs from call to call")
    few = x[: trial.geometry.frame - 1]  # not one row
    close(trial, _on(trial.contract, few, trial.params), whole(trial.contract, few, trial.params), dtype)


def _tiles(trial: Trial) -> None:
    x = signal(_samples(trial))
    cut = in_tiles(trial.contract, x, trial.params, 2 * trial.geometry.hop, _on)
    for field, values in _on(trial.contract, x, trial.params).items():
        hold(same(cut[field], values, trial.bound), f"{field} differs in tiles")


def _of_record(trial: Trial, dtype: type, gap: bool) -> None:
    def made(x: np.ndarray) -> np.ndarray:
        y = x.astype(dtype) if x.dtype.kind == "f" else x.copy()
        if gap and y.dtype.kind == "f":
            y[len(y) // 2] = np.nan
        return y

    ports = changed(ports_of(trial, _samples(trial)), made)
    expected = asked(trial, ports)
    if isinstance(expected, str):
        try:
            _called(trial, ports)
        except UnusableRecordError:
            return
        raise AssertionError(f"the processor sets the record aside ({expected}), the GPU does not")
    found = _called(trial, ports)
    close(trial, found, expected, dtype)
    for field, values in _called(trial, ports).items():
        hold(np.array_equal(values, found[field], equal_nan=True), f"{field} differs from call to call")


def _called(trial: Trial, ports: Mapping[str, Any]) -> Made:
    copied = changed(ports, lambda x: x.copy())
    made = trial.contract.load("cuda")(**copied, **trial.params)
    return {field: np.asarray(values) for field, values in made.items()}
