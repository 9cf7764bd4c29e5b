"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "vibration_severity": [
        Case({"window": 0.5, "high": 400.0}),
        Case({"window": 0.3003, "overlap": 0.5, "low": 20.0, "high": 500.0, "machine": "class II"}),
    ],
    "vibration_exposure": [Case({"window": 1.0}), Case({"window": 1.5, "overlap": 0.5})],
    "waveform_factors": [Case({"window": 0.25}), Case({"window": 0.3, "overlap": 0.5})],
}
