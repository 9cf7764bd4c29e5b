"""What array kernels hold at a time where memory is a GPU's: 64 times a tile at most, as plans say."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hpcflow_kernels import get
from hpcflow_kernels.arrays import transforms

TIMES = 64
OVERLAP = {"overlap": 0.95}


class Peak(TorchDispatchMode):
    """Most bytes that the results of PyTorch's operations held at a time."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self.held: dict[int, int] = {}

    def __torch_dispatch__(self, operation, types, arguments=(), named=None):
        made = operation(*arguments, **(named or {}))
        for one in made if isinstance(made, tuple | list) else [made]:
            if isinstance(one, torch.Tensor):
                self.count(one.untyped_storage())
        return made

    def count(self, storage: torch.UntypedStorage) -> None:
        place = storage._cdata
        if place not in self.held:
            self.held[place] = storage.nbytes()
            self.live += storage.nbytes()
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self.drop, place)

    def drop(self, place: int) -> None:
        self.live -= self.held.pop(place)


def test_what_is_held_and_let_go_is_counted():
    with Peak() as peak:
        x = torch.zeros(1000, dtype=torch.float64)
        y = x + 1
        del x
        z = y * 2
        del y, z
    assert peak.peak == 16_000
    assert peak.live == 0


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("welch", {"window": 1.0, **OVERLAP}),
        ("welch", {"window": 10.0, "missing": 0.5, **OVERLAP}),
        ("spectrogram", OVERLAP),
        ("periodogram", {"window": 0.1, "max_frequency": 10_000.0, **OVERLAP}),
        ("periodogram", {"window": 0.10003, "max_frequency": 10_000.0, **OVERLAP}),
        ("multitaper", OVERLAP),
        ("multitaper", {"weighting": "adaptive", **OVERLAP}),
        ("cepstrum", OVERLAP),
        ("octave_bands", {"low": 100.0, "high": 8000.0, **OVERLAP}),
        ("spectral_shape", OVERLAP),
        ("spectral_kurtosis", OVERLAP),
    ],
)
def test_a_tile_is_worked_on_in_64_times_its_memory(name, params, monkeypatch):
    monkeypatch.setattr(transforms, "is_near", lambda x: False)
    contract = get(name)
    every = {p.name: params.get(p.name, p.default) for p in contract.params}
    x = torch.randn(1 << 18, generator=torch.Generator().manual_seed(1))
    with Peak() as peak:
        contract.load("array")(x, rate=25_600.0, **every)
    assert peak.peak <= TIMES * x.nbytes
