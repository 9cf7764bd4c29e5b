"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "periodogram": [
        Case({"window": 0.256, "max_frequency": 200.0}),
        Case({"window": 0.3, "overlap": 0.5, "max_frequency": 500.0, "taper": "boxcar"}),
        Case({"window": 0.2505, "max_frequency": 100.0, "scaling": "spectrum"}),
    ],
    "spectral_shape": [
        Case({"window": 0.256, "overlap": 0.5}),
        Case({"window": 0.3, "low": 20.0, "high": 300.0, "rolloff": 0.5}),
    ],
    "spectral_kurtosis": [
        Case({"window": 1.0, "nperseg": 64}),
        Case({"window": 0.7, "nperseg": 50, "overlap": 0.25, "taper": "hamming"}),
    ],
}
