"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "envelope_spectrum": [
        Case({"window": 0.5, "max_frequency": 100.0}),
        Case({"band": [50.0, 200.0], "window": 0.5, "max_frequency": 100.0}),
    ],
    "squared_envelope_spectrum": [
        Case({"band": [50.0, 200.0], "window": 0.5, "max_frequency": 100.0}),
        Case({"band": [300.0, 500.0], "window": 0.2505, "overlap": 0.0, "max_frequency": 200.0}),
    ],
}
