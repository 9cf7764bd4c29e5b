"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "feature_set": [Case({"window": 0.25}), Case({"window": 0.201, "overlap": 0.5})],
}
