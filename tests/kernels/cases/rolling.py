"""Cases of the family."""

from __future__ import annotations

from tests.kernels.cases.case import Case

CASES: dict[str, list[Case]] = {
    "rolling": [
        Case({"window": window, "statistic": statistic, "align": align})
        for window, align in ((0.1, "centre"), (0.003, "trailing"))
        for statistic in ("mean", "std", "min", "max", "median", "quantile", "rank", "zscore")
    ],
}
