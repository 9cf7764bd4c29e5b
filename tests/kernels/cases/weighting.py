"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "frequency_weighting": [
        Case({"weighting": "Wk"}, 3e-9),
        Case({"weighting": "Wm"}, 3e-9),
    ],
    "vibration_exposure": [Case({"window": 1.0}), Case({"window": 1.5, "overlap": 0.5})],
}
