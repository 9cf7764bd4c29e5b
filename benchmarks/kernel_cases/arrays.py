"""Array kernels on PyTorch's CPU build, against the recipes that people write with PyTorch.

Both sides get tensors and give tensors, one thread each; what a GPU does can be measured on one only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.kernel_cases.spectral import torch_coherence
from hpcflow_kernels.arrays.coherence import coherence_of_pairs, coherence_of_record
from hpcflow_kernels.arrays.spectrum import spectrogram_frames
from hpcflow_kernels.arrays.welch import welch_windows
from hpcflow_kernels.contract import Rows

SEGMENT = {"nperseg": 1024, "overlap": 0.5, "taper": "hann"}


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; PyTorch is needed for each."""
    import torch

    torch.set_num_threads(1)
    x = noise(SMALL if small else LONG)
    yield from _welch(x)
    yield _spectrogram(x)
    yield from _coherence(SMALL // 4 if small else 65_551)


def _welch(x: np.ndarray) -> Iterator[Case]:
    """A spectrum for every 8192 samples, and one for all of them."""
    import torch
    from scipy import signal

    n = SEGMENT["nperseg"]
    for name, frame in (("windows", 8192), ("whole", len(x))):
        rows = x[: len(x) // frame * frame].reshape(-1, frame)
        given = torch.from_numpy(rows)
        yield Case(
            f"arrays.welch.{name}",
            rows.size,
            lambda given=given, frame=frame: welch_windows(
                given.reshape(-1), rate=1.0, window=frame, **SEGMENT
            )["power"].numpy(),
            lambda rows=rows: signal.welch(rows.astype(np.float64), 1.0, nperseg=n)[1],
            {
                "torch_stft": lambda given=given: by_stft(given, n).mean(-2).numpy(),
                "torch_unfold": lambda given=given: by_unfold(given.unfold(-1, n, n // 2)).mean(-2).numpy(),
            },
        )


def _spectrogram(x: np.ndarray) -> Case:
    import torch
    from scipy import signal

    given = torch.from_numpy(x)
    n = SEGMENT["nperseg"]
    return Case(
        "arrays.spectrogram.1024",
        len(x),
        lambda: spectrogram_frames(given, rate=1.0, **SEGMENT)["spectrogram"].numpy(),
        lambda: signal.spectrogram(x.astype(np.float64), 1.0, "hann", n, n // 2)[2].T,
        {
            "torch_stft": lambda: by_stft(given, n).numpy(),
            "torch_unfold": lambda: by_unfold(given.unfold(0, n, n // 2)).numpy(),
        },
    )


def by_stft(x: Any, n: int) -> Any:
    """Powers by torch.stft, which leaves means in: its error beside ours says nothing."""
    import torch

    window = torch.hann_window(n)
    z = torch.stft(x, n, n // 2, n, window, center=False, return_complex=True)
    return _one_sided(z.mT, window)


def by_unfold(segments: Any) -> Any:
    """Powers of segments less their means, by strides, a product and a transform of all of them."""
    import torch

    window = torch.hann_window(segments.shape[-1])
    z = torch.fft.rfft((segments - segments.mean(-1, keepdim=True)) * window)
    return _one_sided(z, window)


def _one_sided(z: Any, window: Any) -> Any:
    import torch

    scale = torch.full((len(window) // 2 + 1,), 2 / float((window**2).sum()))
    scale[[0, -1]] /= 2
    return (z.real**2 + z.imag**2) * scale


def _coherence(samples: int) -> Iterator[Case]:
    import torch
    from scipy import signal

    count, n = 16, SEGMENT["nperseg"]
    x = np.stack([noise(samples + i)[:samples] for i in range(count)]) + noise(samples)
    upper = np.triu_indices(count, 1)
    rows = {str(i): Rows(torch.from_numpy(row), 1.0, "1", {}) for i, row in enumerate(x)}
    wide = x.astype(np.float64)
    yield Case(
        "arrays.coherence.all_pairs",
        x.size,
        lambda: coherence_of_pairs(signals=rows, **SEGMENT)["coherence"].numpy(),
        lambda: np.array(
            [signal.coherence(wide[i], wide[j], nperseg=n)[1] for i, j in zip(*upper, strict=True)]
        ),
        {"torch": lambda: torch_coherence(x, n)[upper]},
    )
    long = noise(8 * samples), noise(8 * samples + 1)[:-1]
    pair = long[0], long[0] + long[1]
    one, other = (torch.from_numpy(z) for z in pair)
    ports = {"reference": Rows(one, 1.0, "1", {}), "signal": Rows(other, 1.0, "1", {})}
    yield Case(
        "arrays.coherence.pair",
        2 * len(one),
        lambda: coherence_of_record(**ports, **SEGMENT)["coherence"].numpy(),
        lambda: signal.coherence(*(z.astype(np.float64) for z in pair), nperseg=n)[1],
        {"torch": lambda: torch_pair(one, other, n).numpy()},
    )


def torch_pair(x: Any, y: Any, n: int) -> Any:
    """Coherence of two signals by torch.stft."""
    import torch

    window = torch.hann_window(n)
    a, b = (torch.stft(z - z.mean(), n, n // 2, n, window, center=False, return_complex=True) for z in (x, y))
    cross = (a.conj() * b).sum(dim=1)
    return cross.abs() ** 2 / (a.abs() ** 2).sum(dim=1) / (b.abs() ** 2).sum(dim=1)
