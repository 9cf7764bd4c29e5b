"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "spectrogram": [
        Case({"nperseg": 256}),
        Case({"nperseg": 100, "overlap": 0.75, "taper": "boxcar", "scaling": "spectrum"}),
        Case({"nperseg": 32, "overlap": 0.0, "scaling": "magnitude"}),
    ],
}
