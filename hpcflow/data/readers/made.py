"""Files of made-up samples, one writer per format: what readers are timed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

RATE = 25_600.0


def _noise(samples: int) -> np.ndarray:
    return np.random.default_rng(22).standard_normal(samples, dtype=np.float32)


def _csv(path: Path, samples: int) -> None:
    import pandas as pd

    table = pd.DataFrame({"time": np.arange(samples) / RATE, "x": _noise(samples)})
    table.to_csv(path, index=False, float_format="%.6f")


def _parquet(path: Path, samples: int) -> None:
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"time": np.arange(samples) / RATE, "x": _noise(samples)})
    pyarrow.parquet.write_table(table, path, row_group_size=1 << 20)


def _hdf5(path: Path, samples: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        chunks = (min(samples, 1 << 16),)
        file.create_dataset("x", data=_noise(samples), chunks=chunks, compression="gzip")


def _matlab(path: Path, samples: int) -> None:
    import scipy.io

    scipy.io.savemat(path, {"x": _noise(samples).astype(np.float64)}, do_compression=True)


MADE: Mapping[str, Callable[[Path, int], None]] = {
    "csv": _csv,
    "parquet": _parquet,
    "hdf5": _hdf5,
    "matlab": _matlab,
}
"""``write(path, samples)`` by reader. A reader without one is known from the first run that used it."""
