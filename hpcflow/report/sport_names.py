"""A session summary by name, and what people call its activities."""

from __future__ import annotations

import math
from datetime import datetime

from hpcflow.report.source import Step
from hpcflow.report.text import MISSING, clock, short


class Sessions:
    """The columns of a session summary by name."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._columns = {
            f.name: step.values(f.name).astype(float) for f in step.plan.fields if not f.dims and not f.flags
        }

    def get(self, name: str, record: int) -> float:
        """A value; NaN where it is missing."""
        column = self._columns.get(name)
        return float(column[record]) if column is not None else math.nan

    def time(self, record: int) -> float:
        """Timer time, or what stands for it."""
        found = [self.get(n, record) for n in ("timer_time", "recorded_time", "elapsed_time")]
        return next((v for v in found if math.isfinite(v)), math.nan)

    def sport(self, record: int) -> str:
        """The sport; "" where nothing says it."""
        return str(self.step.fact("sport", record) or "").replace("_", " ")

    def title(self, record: int) -> str:
        """What people call an activity: sport and day; else the file's name."""
        day = self.day(record)
        sport = self.sport(record)
        name = short(self.step.ids[record].rpartition("/")[2], 60)
        if not sport:
            return name
        return f"{sport[0].upper()}{sport[1:]}, {day}" if day else f"{sport[0].upper()}{sport[1:]}, {name}"

    def day(self, record: int) -> str:
        """The day it began; "" where unknown."""
        text = self.step.fact("start_time", record)
        try:
            start = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        except ValueError:
            return ""
        return f"{start.day} {start:%B %Y}"

    def pace(self, record: int) -> str:
        """Average speed as this sport says it."""
        speed = self.get("average_speed", record)
        if not math.isfinite(speed) or speed <= 0:
            return MISSING
        sport = self.sport(record)
        if "run" in sport:
            return f"{clock(1000 / speed)} /km"
        if "swim" in sport:
            return f"{clock(100 / speed)} /100 m"
        return f"{speed * 3.6:.1f} km/h"
