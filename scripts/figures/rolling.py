"""Pictures of rolling statistics."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hpcflow_kernels.rolling.order import rolling_median, rolling_quantile
from scripts.figures.recordings import SHARED


def rolling_temperature() -> Figure:
    """Temperature of a machine with its rolling median and quantiles over a day; it failed four times."""
    path = SHARED / "industrial" / "process_nab" / "machine_temperature_system_failure.csv"
    table = pd.read_csv(path, parse_dates=["timestamp"])
    days = (table["timestamp"] - table["timestamp"].iloc[0]).dt.total_seconds() / 86_400
    x = table["value"].to_numpy(np.float32)
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    axes.plot(days, x, lw=0.4, color="0.7", label="every 5 min")
    low, high = (rolling_quantile(x, 288, q) for q in (0.05, 0.95))
    axes.fill_between(days, low, high, alpha=0.3, label="5 to 95 % of a day")
    axes.plot(days, rolling_median(x, 288), lw=1.2, label="median of a day")
    axes.set(xlabel="day", ylabel="temperature", xlim=(0, days.iloc[-1]))
    axes.legend(frameon=False, ncol=3, loc="lower right")
    return figure
