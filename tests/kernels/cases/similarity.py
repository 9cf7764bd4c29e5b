"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "template_distance": [
        Case({"template": [0.0, 1.0, 0.0, -1.0, 0.0], "window": 0.1}),
        Case({"template": [1.0, 2.0, 7.0], "window": 0.0333, "overlap": 0.9, "band": 0.5}),
        Case({"template": [0.0, 1.0, 0.0], "window": 1.0, "overlap": 0.0, "band": 0.0}),
    ],
}
