"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "periodogram": [
        Case({"window": 0.256, "max_frequency": 200.0}),
        Case({"window": 0.3, "overlap": 0.5, "max_frequency": 500.0, "taper": "boxcar"}),
        Case({"window": 0.2505, "max_frequency": 100.0, "scaling": "spectrum"}),
    ],
    "multitaper": [
        Case({"nperseg": 256}),
        Case({"nperseg": 128, "overlap": 0.0, "bandwidth": 2.5, "weighting": "adaptive"}),
        Case({"nperseg": 100, "weighting": "uniform", "scaling": "spectrum"}),
    ],
    "cepstrum": [
        Case({"nperseg": 256}),
        Case({"nperseg": 100, "overlap": 0.75, "taper": "boxcar", "kind": "power"}),
    ],
    "octave_bands": [
        Case({"window": 0.512, "low": 125.0, "high": 250.0, "fraction": 1}),
        Case({"window": 0.55, "overlap": 0.5, "low": 50.0, "high": 400.0}),
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
