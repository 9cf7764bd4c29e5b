"""Pictures of what ranks compute together."""

from __future__ import annotations

import csv
import gzip

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.mpi.long_spectrum import long_spectrum
from hpcflow_kernels.ranks import Spread, joined
from hpcflow_kernels.threads import Threads
from scripts.figures.recordings import SHARED


def _beijing(column: str) -> np.ndarray:
    """Five years of hours in Beijing, 2010 to 2014; UCI 381, S. Chen, CC BY 4.0."""
    path = SHARED / "environment" / "air_quality" / "Beijing_PM25_2010_2014.csv.gz"
    with gzip.open(path, "rt") as file:
        return np.array([float(row[column]) for row in csv.DictReader(file)], np.float32)


def long_spectrum_temperature() -> Figure:
    """The day's line in five years of temperature, with the lines that the seasons put beside it."""
    x, day = _beijing("TEMP"), 86_400.0
    record = Spread.of(Rows(x, 24 / day, "degC", {}))
    given = {"signal": record, "fit": "cut", "taper": "hann", "scaling": "amplitude"}
    found = joined(Threads(2).run(lambda ranks: long_spectrum(ranks=ranks, **given)))
    frequency, amplitude = found["frequency"] * day, found["amplitude"]
    figure = Figure(figsize=(7, 3.2))
    whole, near = figure.subplots(1, 2, width_ratios=(2, 3))
    whole.loglog(frequency[1:], amplitude[1:], lw=0.3)
    whole.set(xlabel="frequency (1/day)", ylabel="amplitude (K)", xlim=(1e-3, 12), ylim=(1e-4, 30))
    year = (frequency - 1) * 365.25
    shown = np.abs(year) < 4.5
    near.semilogy(year[shown], amplitude[shown], ".-", lw=0.8, ms=3)
    near.set(xlabel="frequency less one turn a day (turns a year)", ylim=(0.02, 10))
    near.set_xticks(range(-4, 5))
    return figure
