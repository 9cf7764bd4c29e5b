"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "envelope_spectrum": [Case({"window": 0.5, "max_frequency": 100.0})],
}
