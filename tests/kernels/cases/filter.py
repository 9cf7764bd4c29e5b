"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "bandpass": [
        Case({"low": 50.0, "high": 200.0}, 1e-9),
        Case({"low": 5.0, "high": 20.0, "order": 2}, 1e-9),
        Case({"low": 50.0, "high": 200.0, "design": "chebyshev1"}, 1e-9),
    ],
    "lowpass": [
        Case({"cutoff": 100.0}, 1e-9),
        Case({"cutoff": 40.0, "order": 5, "design": "bessel"}, 1e-9),
        Case({"cutoff": 40.0, "order": 5, "design": "chebyshev2"}, 1e-9),
    ],
    "highpass": [
        Case({"cutoff": 60.0}, 1e-9),
        Case({"cutoff": 60.0, "order": 6, "design": "elliptic", "attenuation": 60.0}, 1e-9),
        Case({"cutoff": 20.0, "order": 3, "design": "chebyshev1"}, 1e-9),
    ],
    "notch": [
        Case({"frequency": 90.0}, 1e-9),
        Case({"frequency": 50.0, "harmonics": 30, "quality": 10.0}, 1e-9),
    ],
}
