"""What an hour costs: a formula that a profile holds as data.

Every published rule that we know has one form: a largest of some terms, and a sum of others.

>>> small = Billing("core-hours", largest={"cores": Term(), "memory": Term(per=2 * 2**30, rounded="up")})
>>> small.price({"cores": 4, "memory": 32 * 2**30})  # 4 cores and 32 GiB count as 16 cores
16.0
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

FORBID = {"extra": "forbid"}

Amount = Literal["nodes", "cores", "memory", "gpus", "slices", "disk", "bytes"]
Pool = Literal["core_hours", "gpu_hours", "storage"]


@dataclass(frozen=True)
class Term:
    """``rate × (amount - free) / per``, the quotient rounded up or not.

    Attributes
    ----------
    rate
        Price of `per` of the amount for an hour.
    per, free
        In the amount's own unit: bytes for memory, disk and stored bytes; a count for the others.
    """

    __pydantic_config__ = FORBID
    rate: float = 1.0
    per: int = 1
    free: int = 0
    rounded: Literal["up", "no"] = "no"

    def price(self, amount: float) -> float:
        """Price of an hour of that amount."""
        share = max(0.0, amount - self.free) / self.per
        return self.rate * (math.ceil(share) if self.rounded == "up" else share)


@dataclass(frozen=True)
class Billing:
    """Price of an hour: the largest of some terms, plus the sum of others.

    Attributes
    ----------
    unit
        As the site writes it on its bill.
    largest, sum
        Terms by what they count, each over the whole job; memory, disk and bytes in bytes. ``disk`` is
        reserved node-local space, ``bytes`` what lies in a storage area, ``slices`` are parts of a GPU.
    pool
        Which part of a grant it is taken from.
    hour
        Units that one core-hour or GPU-hour of a budget is worth.
    """

    __pydantic_config__ = FORBID
    unit: str
    largest: Mapping[Amount, Term] = field(default_factory=dict)
    sum: Mapping[Amount, Term] = field(default_factory=dict)
    pool: Pool = "core_hours"
    hour: float = 1.0

    def price(self, amounts: Mapping[str, float]) -> float:
        """Price of an hour in `unit`; an amount that is not given is 0."""
        largest = max((term.price(amounts.get(of, 0)) for of, term in self.largest.items()), default=0.0)
        return largest + math.fsum(term.price(amounts.get(of, 0)) for of, term in self.sum.items())

    def decisive(self, amounts: Mapping[str, float]) -> str:
        """The amount among `largest` that decides the price; "" where there is none."""
        return max(self.largest, key=lambda of: self.largest[of].price(amounts.get(of, 0)), default="")


@dataclass(frozen=True)
class Bill:
    """What something costs.

    Attributes
    ----------
    amount, unit
        On the site's bill.
    pool
        Which part of a grant it is taken from.
    hours
        The same in core-hours or GPU-hours, as budgets count them; for storage the amount itself.
    """

    amount: float
    unit: str
    pool: Pool
    hours: float


def bill(billing: Billing, amounts: Mapping[str, float], seconds: float) -> Bill:
    """What amounts held for some time cost.

    >>> lumi_g = Billing("GPU-hours", largest={"nodes": Term(rate=4)}, pool="gpu_hours")
    >>> bill(lumi_g, {"nodes": 4}, 24 * 3600).amount
    384.0
    """
    amount = billing.price(amounts) * seconds / 3600
    return Bill(amount, billing.unit, billing.pool, amount / billing.hour)


@dataclass(frozen=True)
class Energy:
    """Electricity of a job, from a node's average power; the share is that of its nodes' cores or GPUs."""

    kilowatt_hours: float
    source: str

    def grams_of_co2(self, grams_per_kilowatt_hour: float) -> float:
        """Emissions at a factor of the grid that the user names; no site publishes one."""
        return self.kilowatt_hours * grams_per_kilowatt_hour
