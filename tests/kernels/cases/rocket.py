"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "minirocket": [
        Case({"window": 0.25, "features": 840}),
        Case({"window": 0.101, "overlap": 0.5, "features": 84}),
    ],
}
