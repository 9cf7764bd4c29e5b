"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "bandpass": [
        Case({"low": 50.0, "high": 200.0}, 1e-9),
        Case({"low": 5.0, "high": 20.0, "order": 2}, 1e-9),
    ],
}
