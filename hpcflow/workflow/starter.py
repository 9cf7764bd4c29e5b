"""Workflow files to start from: short, checked, every line explained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Template

from hpcflow.errors import RequestError

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

VIBRATION = """\
# Bearings from vibration recordings. Check it with: hpcflow check $name.yaml
# Then: hpcflow plan $name.yaml, and hpcflow run $name.yaml
hpcflow: 1
name: $name

datasets:
  machine:
    files: "recordings/*.csv"    # columns `time [s]`, `acceleration [m/s2]`; also *.mat, *.h5, ...
    reader: csv
    defaults:                    # what is the same for all recordings; a table `records: index.csv` per file
      bearing: SKF 6205-2RS JEM
      speed: 1500 rpm            # of the shaft

steps:
  # RMS, peak, kurtosis and the like, once a second.
  condition: {kernel: condition_indicators, input: machine.acceleration, with: {window: 1 s}}
  # Which part of the bearing is faulty, or why nothing can be said.
  diagnosis:
    kernel: bearing_faults
    input: {signal: machine.acceleration, speed: machine.speed, bearing: machine.bearing}

save: [condition, diagnosis]
"""

ACTIVITY = """\
# Activities from bike computers and watches. Check it with: hpcflow check $name.yaml
# Then: hpcflow plan $name.yaml, and hpcflow run $name.yaml
hpcflow: 1
name: $name

datasets:
  rides:
    files: ["activities/*.fit", "activities/*.tcx", "activities/*.gpx"]
    reader: activity
    duplicates: once             # an activity stored in several formats counts once
    defaults:
      ftp: 250 W                 # the athlete's threshold power; a table `records: index.csv` per file

steps:
  # One value per second, gaps and pauses marked.
  clean:
    kernel: clean_activity
    input: {time: rides.time, power: rides.power, heart_rate: rides.heart_rate, elapsed: rides.elapsed}
  # Best mean power over each duration from 1 s to 5 h.
  curve: {kernel: mean_max, input: clean.power}
  # One line per activity.
  session:
    kernel: session_summary
    input: {power: clean.power, heart_rate: clean.heart_rate, gap: clean.gap, ftp: rides.ftp}

save: [clean, curve, session]
"""

KINDS: Mapping[str, str] = {"vibration": VIBRATION, "activity": ACTIVITY}


def starter(name: str, kind: str) -> str:
    """The text of a workflow file.

    Raises
    ------
    RequestError
        If the name cannot be a workflow's, or there is no such kind.
    """
    if not NAME.fullmatch(name):
        raise RequestError(
            f"a workflow's name is up to 40 of a-z, 0-9 and -, and begins with a letter; {name!r} is not"
        )
    if kind not in KINDS:
        raise RequestError(f"a starter is for {' or '.join(KINDS)}, not {kind!r}")
    return Template(KINDS[kind]).substitute(name=name)
