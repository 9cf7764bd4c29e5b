"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "entropy": [
        Case({"window": 0.25, "measure": "permutation"}),
        Case({"window": 0.101, "overlap": 0.5, "measure": "permutation", "order": 5, "delay": 3}),
        Case({"window": 0.25, "measure": "spectral"}),
        Case({"window": 0.101, "measure": "shannon", "bins": 9}),
        Case({"window": 0.101, "overlap": 0.5, "measure": "sample"}),
        Case({"window": 0.1, "measure": "approximate", "order": 1, "delay": 2, "tolerance": 0.3}),
        Case({"window": 0.25, "measure": "lempel_ziv"}),
    ],
}
