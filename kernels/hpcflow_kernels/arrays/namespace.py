"""Which library of arrays computes, on which device, and the way there from NumPy and back.

The only module that imports such a library: kernels ask an array for its own functions
(``xp = array_namespace(x)``) and so run on whatever they are given.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

VARIABLE = "HPCFLOW_LUMI_ARRAYS"
"""Names library and device: ``torch``, ``torch:cpu``, ``cupy`` or ``array_api_strict``."""

STANDARD = "2023.12"
"""Version of the array API that kernels keep to; `array_api_strict` refuses what is newer."""

Array = Any
"""An array of any library."""

_NAMESPACES = {
    "torch": "array_api_compat.torch",
    "cupy": "array_api_compat.cupy",
    "array_api_strict": "array_api_strict",
}


class NoDeviceError(RuntimeError):
    """Nothing here can compute with the array back end; the message says what to do."""


@dataclass(frozen=True)
class Place:
    """A library of arrays and one of its devices.

    Attributes
    ----------
    library
        ``torch``, ``cupy`` or ``array_api_strict``.
    device
        As the library calls it: ``cpu``, ``cuda`` (PyTorch calls AMD's GPUs so too); "" for its own default.
    """

    library: str
    device: str = ""

    @property
    def is_gpu(self) -> bool:
        """Whether it is another device than the processor."""
        return self.library == "cupy" or self.device.startswith("cuda")

    def put(self, x: np.ndarray) -> Array:
        """A copy of a NumPy array here, in its own dtype."""
        x = np.ascontiguousarray(x)
        if self.device:
            return _namespace(self.library).asarray(x, device=self.device, copy=True)
        return _namespace(self.library).asarray(x, copy=True)

    def back(self, y: Array) -> np.ndarray:
        """An array of this place as a NumPy array."""
        return numbers(y)

    def __str__(self) -> str:
        """Library with version, and device with its maker's name: ``torch 2.6.0 on AMD Instinct MI250X``."""
        return f"{self.library} {_version(self.library)} on {_device_name(self)}"


def is_near(x: Array) -> bool:
    """Whether an array lies in the processor's memory."""
    from array_api_compat import device

    return "cpu" in str(device(x)).lower()


def numbers(x: Array) -> np.ndarray:
    """What an array of any library holds, as a NumPy array."""
    from array_api_compat import to_device

    return np.asarray(x if is_near(x) else to_device(x, "cpu"))


@cache
def _namespace(library: str) -> Any:
    """The functions of a library, which then keeps to this worker's cores and repeats its bits."""
    xp = importlib.import_module(_NAMESPACES[library])
    if library == "torch":
        torch = importlib.import_module("torch")
        # A worker's cores are the worker's, and sums that threads share depend on their number.
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.backends.cuda.matmul.allow_tf32 = False  # ten bits of a product's factors are too few
    if library == "array_api_strict":
        xp.set_array_api_strict_flags(api_version=STANDARD)
    return xp


@cache
def _version(library: str) -> str:
    return str(importlib.import_module(library).__version__)


@cache
def _device_name(place: Place) -> str:
    if place.library == "torch" and place.device.startswith("cuda"):
        return str(importlib.import_module("torch").cuda.get_device_name(place.device))
    if place.library == "cupy":
        return str(_namespace("cupy").cuda.runtime.getDeviceProperties(0)["name"].decode())
    return "cpu"


def is_installed(library: str) -> bool:
    """Whether a library could be imported, without doing so."""
    needs = {"cupy": ("cupy", "array_api_compat"), "torch": ("torch", "array_api_compat")}
    return all(importlib.util.find_spec(name) for name in needs.get(library, (library,)))


def _gpus(library: str) -> int:
    """GPUs that a library sees; 0 where it is not installed or its driver is missing."""
    if not is_installed(library):
        return 0
    if library == "torch":
        return int(importlib.import_module("torch").cuda.device_count())
    try:
        return int(importlib.import_module("cupy").cuda.runtime.getDeviceCount())
    except Exception:
        return 0


def place(asked: str | None = None) -> Place:
    """Where the array back end computes in this process.

    Parameters
    ----------
    asked
        ``library`` or ``library:device``; by default what `VARIABLE` says, else the first of PyTorch and
        CuPy that sees a GPU.

    Raises
    ------
    NoDeviceError
        If what was asked for is not there, or nothing was asked for and there is no GPU.

    Examples
    --------
    >>> place("array_api_strict")
    Place(library='array_api_strict', device='')
    """
    asked = os.environ.get(VARIABLE, "") if asked is None else asked
    if not asked:
        return _first_gpu()
    library, _, device = asked.partition(":")
    if library not in _NAMESPACES:
        raise NoDeviceError(
            f"{VARIABLE} names a library of arrays (found {asked!r}): use torch, torch:cpu, cupy or "
            "array_api_strict"
        )
    if device and library != "torch":
        raise NoDeviceError(
            f"{VARIABLE} names a device for {library} (found {asked!r}), and only PyTorch takes "
            f"one: use {library} alone"
        )
    if device and device.partition(":")[0] not in ("cpu", "cuda"):
        raise NoDeviceError(
            f"{VARIABLE} names an unknown device (found {asked!r}): use torch, torch:cpu or torch:cuda:1"
        )
    if not is_installed(library):
        raise NoDeviceError(f"{VARIABLE} asks for {library}, which is not installed here: see docs/gpu.md")
    wants_gpu = library == "cupy" or (library == "torch" and device != "cpu")
    if wants_gpu and not _gpus(library):
        raise NoDeviceError(
            f"{VARIABLE} is {asked!r}, and {library} sees no GPU here: run on a node with one, with the "
            f"build of {library} made for it (docs/gpu.md), or set {VARIABLE}=torch:cpu to compute on "
            "the processor"
        )
    if library == "torch":
        return Place(library, device or "cuda")
    return Place(library)


def _first_gpu() -> Place:
    for library, device in (("torch", "cuda"), ("cupy", "")):
        if _gpus(library):
            return Place(library, device)
    found = ", ".join(
        f"{name} sees none" if is_installed(name) else f"{name} is not installed"
        for name in ("torch", "cupy")
    )
    raise NoDeviceError(
        f"`device: gpu` needs a GPU, and there is none here ({found}): run on a node with one, with the "
        f"build of PyTorch or CuPy made for it (docs/gpu.md), set {VARIABLE}=torch:cpu to compute with the "
        "same functions on the processor, or leave `device` out"
    )


def available() -> tuple[Place, ...]:
    """Every place that this machine has, to hold kernels to their promises on each."""
    found = [Place("array_api_strict")] if is_installed("array_api_strict") else []
    found += [Place("torch", "cpu")] if is_installed("torch") else []
    found += [Place("torch", "cuda")] if _gpus("torch") else []
    return (*found, Place("cupy")) if _gpus("cupy") else tuple(found)
