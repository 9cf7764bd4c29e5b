"""Compile every fast kernel before many processes need it: ``python -m hpcflow_kernels.warm``.

What is compiled is kept (`hpcflow_kernels.cache`), so that one process pays and a thousand do not.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import TALLY, Tally


def warm() -> Tally:
    """Call each fast kernel once for float32 and float64; returns what this process compiled and loaded."""
    from hpcflow_kernels.features import condition_indicators
    from hpcflow_kernels.filter import bandpass
    from hpcflow_kernels.kurtogram import kurtogram
    from hpcflow_kernels.rolling import rolling
    from hpcflow_kernels.rolling_contracts import STATISTICS
    from hpcflow_kernels.spectral import welch_windows

    for dtype in (np.float32, np.float64):
        x = np.sin(np.arange(4096)).astype(dtype)
        for low, high in ((100.0, 200.0), (1.0, 2.0)):
            bandpass(x, rate=1000.0, low=low, high=high)
        for statistic in STATISTICS:
            rolling(x, rate=1000.0, window=0.1, statistic=statistic)
        for nperseg in (256, 100):
            welch_windows(x, rate=1000.0, window=1.0, nperseg=nperseg)
        condition_indicators(x, rate=1000.0)
        kurtogram(x, levels=2)
    return TALLY


if __name__ == "__main__":
    done = warm()
    print(f"{done.compiled} compiled, {done.loaded} loaded, {done.saved} kept")
