"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "welch": [
        Case({"window": 2.0, "nperseg": 256}),
        Case({"window": 1.0, "nperseg": 128, "missing": 0.3}),
        Case({"window": 1.0, "nperseg": 77, "missing": 0.9}),
        Case({"window": 0.5, "nperseg": 100, "overlap": 0.75, "taper": "boxcar", "scaling": "spectrum"}),
    ],
}
