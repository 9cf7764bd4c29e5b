"""Compiled loops give the same bits on every CPU: compiled for this one and for a plain one, and compared."""

from __future__ import annotations

import os
import subprocess
import sys

from numba.core.registry import cpu_target

from hpcflow_kernels import cache

PROGRAM = """
import hashlib
import numpy as np
from hpcflow_kernels.spectral.coherence import csd
from hpcflow_kernels.spectral.coherence_matrix import csd_matrix
from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.filter.fir import oaconvolve
from hpcflow_kernels.filter.zero_phase import bandpass
from hpcflow_kernels.rolling.statistics import rolling_std
from hpcflow_kernels.spectral.welch import welch
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.spectrogram import spectrogram_frames
x = (np.random.default_rng(0).standard_normal(5003) + 1).astype(np.float32)
for values in (
    bandpass(x, rate=12000.0, low=2000.0, high=5000.0),
    bandpass(x, rate=25600.0, low=10.0, high=1000.0),
    oaconvolve(x, x[:65]),
    oaconvolve(x, x[:257]),
    welch(x, nperseg=512)[1],
    stft(x, nperseg=512, window="boxcar")[2],
    csd(x[:2500], x[2500:5000], nperseg=256, window="boxcar")[1],
    csd_matrix(x[:5000].reshape(10, 500), nperseg=64, window="boxcar")[1],
    spectrogram_frames(x, rate=1.0, nperseg=256, taper="boxcar")["spectrogram"],
    rolling_std(x, 100),
    *condition_indicators(x, rate=1000.0).values(),
):
    print(hashlib.sha256(values.tobytes()).hexdigest())
"""


def digests(repo, **variables):
    environment = {**os.environ, "PYTHONPATH": str(repo / "kernels"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_plain_cpu_gives_the_same_bits(repo, tmp_path):
    """For this CPU with the code that the user keeps, for the plain one compiled into a folder of its own."""
    kept = {cache.VARIABLE: str(tmp_path)}
    here = digests(repo)
    plain = digests(repo, **kept, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert len(here) == 16
    assert here == plain
    (folder,) = tmp_path.iterdir()
    assert folder.name != cache.folder_name(cpu_target.target_context.codegen().magic_tuple())
    assert len(list(folder.iterdir())) >= 12, "it was compiled, for a CPU of another name"
