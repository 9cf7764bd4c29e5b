"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "savitzky_golay": [
        Case({"window": 0.011}, 1e-14),
        Case({"window": 0.021, "degree": 4, "derivative": 2}, 1e-14),
        Case({"window": 0.151, "degree": 2}, 1e-13),
    ],
    "despike": [
        Case({"window": 0.007}),
        Case({"window": 0.031, "threshold": 1.5, "least": 0.5}),
        Case({"window": 0.011, "result": "replaced", "threshold": 1.0}),
    ],
}
