"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "frequency_weighting": [
        Case({"weighting": "Wk"}, 3e-9),
        Case({"weighting": "Wm"}, 3e-9),
    ],
}
