"""Reductions over activities: best efforts and totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hpcflow_kernels.contract import Rows

State = dict[str, np.ndarray]


class BestEfforts:
    """Elementwise largest of mean-maximal curves. The first of equal efforts counts."""

    @staticmethod
    def start(*, durations: Sequence[float]) -> State:
        """The state before any activity."""
        n = len(durations)
        return {
            "durations": np.asarray(durations, np.float64),
            "power": np.full(n, np.nan),
            "record": np.full(n, -1, np.int64),
            "start": np.full(n, np.nan),
            "activities": np.zeros(n, np.int64),
        }

    @staticmethod
    def add(state: State, index: int, *, curve: Rows | Mapping[str, Rows]) -> State:
        """Take one activity in; `index` is its position among the records.

        Raises
        ------
        ValueError
            If the curve has other durations.
        """
        rows = curve["mean_maximal_power"] if isinstance(curve, Mapping) else curve
        own = np.asarray(rows.coords["duration"], np.float64) if "duration" in rows.coords else None
        if own is not None and not np.array_equal(own, state["durations"]):
            raise ValueError(
                f"best_efforts has {len(state['durations'])} durations and its curve {len(own)}, or others: "
                "give both steps the same `durations`"
            )
        power = np.asarray(rows.values, np.float64).reshape(-1)
        begins = np.full(len(power), np.nan)
        if isinstance(curve, Mapping):
            begins = np.asarray(curve["start"].values, np.float64).reshape(-1)
        known = np.isfinite(power)
        here = {
            "durations": state["durations"],
            "power": power,
            "record": np.where(known, index, -1),
            "start": np.where(known, begins, np.nan),
            "activities": known.astype(np.int64),
        }
        return BestEfforts.merge(state, here)

    @staticmethod
    def merge(a: State, b: State) -> State:
        """Join two states; the activities of `b` come after those of `a`."""
        better = np.isfinite(b["power"]) & ~(a["power"] >= b["power"])
        return {
            "durations": a["durations"],
            "power": np.where(better, b["power"], a["power"]),
            "record": np.where(better, b["record"], a["record"]),
            "start": np.where(better, b["start"], a["start"]),
            "activities": a["activities"] + b["activities"],
        }

    @staticmethod
    def finish(state: State, *, durations: Sequence[float]) -> dict[str, np.ndarray]:
        """The fields of the contract."""
        return {
            "best_power": state["power"].astype(np.float32),
            "record": state["record"],
            "start": state["start"],
            "activities": state["activities"],
        }


SUMS = ("elapsed_time", "timer_time", "distance", "ascent", "work", "training_load")
MAXIMA = ("max_power", "max_heart_rate", "max_speed", "elapsed_time", "distance")
COUNTED = {
    "activities_with_power": "average_power",
    "activities_with_load": "training_load",
    "activities_with_heart_rate": "average_heart_rate",
    "activities_with_distance": "distance",
}


class Totals:
    """Sums, maxima and time-weighted means of session summaries."""

    @staticmethod
    def start() -> State:
        """The state before any activity."""
        return {
            "activities": np.zeros(1, np.int64),
            "counted": np.zeros(len(COUNTED), np.int64),
            "sums": np.zeros(len(SUMS)),
            "summed": np.zeros(len(SUMS), np.int64),
            "maxima": np.full(len(MAXIMA), -np.inf),
            "power_seconds": np.zeros(1),
            "beats": np.zeros(1),
            "heart_seconds": np.zeros(1),
        }

    @staticmethod
    def add(state: State, index: int, *, session: Mapping[str, Rows]) -> State:
        """Take one activity in; one whose summary is all missing (set aside) does not count."""
        own = {name: float(np.asarray(rows.values).reshape(-1)[0]) for name, rows in session.items()}
        if not np.isfinite(own["elapsed_time"]):
            return state
        if not np.isfinite(own["timer_time"]):
            own["timer_time"] = own["recorded_time"]
        sums = np.array([own[name] for name in SUMS])
        maxima = np.array([own[name] for name in MAXIMA])
        heart = own["average_heart_rate"] * own["heart_rate_time"]
        has_heart, has_power = np.isfinite(heart), np.isfinite(own["average_power"])
        return Totals.merge(
            state,
            {
                "activities": np.ones(1, np.int64),
                "counted": np.array([np.isfinite(own[name]) for name in COUNTED.values()], np.int64),
                "sums": np.nan_to_num(sums),
                "summed": np.isfinite(sums).astype(np.int64),
                "maxima": np.where(np.isfinite(maxima), maxima, -np.inf),
                "power_seconds": np.array([own["power_time"] if has_power else 0.0]),
                "beats": np.array([heart if has_heart else 0.0]),
                "heart_seconds": np.array([own["heart_rate_time"] if has_heart else 0.0]),
            },
        )

    @staticmethod
    def merge(a: State, b: State) -> State:
        """Join two states."""
        return {name: np.maximum(a[name], b[name]) if name == "maxima" else a[name] + b[name] for name in a}

    @staticmethod
    def finish(state: State) -> dict[str, np.ndarray]:
        """The fields of the contract."""
        sums = np.where(state["summed"] > 0, state["sums"], np.nan)
        maxima = np.where(np.isfinite(state["maxima"]), state["maxima"], np.nan)
        out = {"activities": state["activities"][0]}
        out |= dict(zip(COUNTED, state["counted"], strict=True))
        out |= dict(zip(SUMS, sums, strict=True))
        longest = ("max_power", "max_heart_rate", "max_speed", "longest_time", "longest_distance")
        out |= dict(zip(longest, maxima, strict=True))
        out["average_power"] = _ratio(sums[SUMS.index("work")], state["power_seconds"][0])
        out["average_heart_rate"] = _ratio(state["beats"][0], state["heart_seconds"][0])
        return {name: np.asarray(value) for name, value in out.items()}


def _ratio(total: float, weight: float) -> float:
    return float(total / weight) if weight > 0 else np.nan
