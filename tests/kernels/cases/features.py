"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "condition_indicators": [
        Case({"window": 0.25}),
        Case({"window": 0.25, "overlap": 0.5, "missing": 0.2}),
        Case({"window": 0.256, "overlap": 0.5, "band": [10.0, 100.0, 400.0]}),
        Case({"window": 0.3, "overlap": 0.5, "band": [10.0, 100.0, 400.0]}),
    ],
}
