"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "integrate": [
        Case({"low": 20.0}, 1e-7),
        Case({"low": 20.0, "times": 2, "order": 3}, 1e-6),
    ],
    "differentiate": [Case({}), Case({"times": 2})],
}
