"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "fir": [
        Case({"low": 50.0, "high": 200.0}, 1e-14),
        Case({"high": 40.0, "taps": 31, "window": "hann"}),
        Case({"low": 80.0, "high": 100.0, "taps": 1001, "stop": True}, 1e-14),
    ],
    "decimate": [Case({"factor": factor}) for factor in (2, 4, 7, 30)],
    "resample": [Case({"to": to}) for to in (480.0, 1000.0, 1500.0, 441.0, 7.0)],
}
