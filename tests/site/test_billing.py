"""Bills: every published vector of LUMI's and CSC's pages, and what a formula must hold whatever is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.site import Billing, Energy, Site, Term, load_site
from hpcflow.site.billing import bill

GiB, TiB, TB, HOUR = 2**30, 2**40, 10**12, 3600.0
LUMI = load_site("lumi")
ROIHU = load_site("roihu")

Asked = dict[str, float]


def cost(site: Site, partition: str, asked: Asked) -> tuple[float, str]:
    found = site.billed(partition, **asked)  # type: ignore[arg-type]
    assert found is not None
    return found.amount, found.unit


@pytest.mark.parametrize(
    ("partition", "asked", "amount"),
    [  # LUMI's billing page and training course: vectors as published, then one for each branch of each rule
        ("small", {"cores": 4, "memory": 32 * GiB, "seconds": 24 * HOUR}, 384),
        ("standard", {"nodes": 16, "cores": 2048, "memory": 16 * 224 * GiB, "seconds": 12 * HOUR}, 24576),
        ("small-g", {"gpus": 1, "cores": 1, "memory": 128 * GiB, "seconds": 24 * HOUR}, 24),
        ("standard-g", {"nodes": 4, "cores": 224, "memory": GiB, "gpus": 32, "seconds": 24 * HOUR}, 384),
        ("small-g", {"gpus": 1, "cores": 16, "memory": 256 * GiB, "seconds": HOUR}, 2),
        ("small", {"cores": 128, "memory": 224 * GiB, "seconds": HOUR}, 128),
        ("small", {"cores": 1, "memory": 2 * GiB, "seconds": HOUR}, 1),
        ("small", {"cores": 1, "memory": 2 * GiB + 1, "seconds": HOUR}, 2),
        ("debug", {"cores": 4, "memory": 4 * GiB, "seconds": HOUR / 2}, 2),
        ("dev-g", {"gpus": 8, "cores": 56, "memory": 480 * GiB, "seconds": 3 * HOUR}, 12),
        ("dev-g", {"gpus": 1, "cores": 7, "memory": 60 * GiB, "seconds": HOUR}, 0.5),
        ("small-g", {"gpus": 1, "cores": 9, "memory": 60 * GiB, "seconds": HOUR}, 1),
        ("small-g", {"gpus": 1, "cores": 8, "memory": 64 * GiB, "seconds": HOUR}, 0.5),
        ("bench", {"nodes": 100, "cores": 12800, "seconds": HOUR}, 12800),
    ],
)
def test_lumi_bills_as_published(partition: str, asked: Asked, amount: float) -> None:
    assert cost(LUMI, partition, asked)[0] == pytest.approx(amount)


@pytest.mark.parametrize("gpus", range(1, 9))
def test_lumi_with_7_cores_and_60_gib_to_a_gpu_the_gpu_decides(gpus: int) -> None:
    for name in ("small-g", "dev-g"):
        billing = LUMI.partitions[name].billing
        assert billing is not None
        assert billing.price({"gpus": gpus, "cores": 7 * gpus, "memory": 60 * GiB * gpus}) == gpus / 2


def test_lumi_core_hours_and_gpu_hours_are_apart_and_undocumented_prices_are_none() -> None:
    pools = {name: p.billing.pool for name, p in LUMI.partitions.items() if p.billing}
    assert {name for name, pool in pools.items() if pool == "gpu_hours"} == {"standard-g", "small-g", "dev-g"}
    assert LUMI.billed("largemem", seconds=HOUR, cores=1) is None
    assert LUMI.billed("lumid", seconds=HOUR, cores=1) is None


@pytest.mark.parametrize(("area", "rate"), [("project", 1), ("scratch", 1), ("flash", 3), ("objects", 0.25)])
def test_lumi_storage(area: str, rate: float) -> None:
    stored = LUMI.stored(area, 2 * TB, 24 * HOUR)
    assert stored is not None
    assert (stored.amount, stored.unit, stored.pool) == (pytest.approx(48 * rate), "TB-hours", "storage")
    assert LUMI.stored("home", 2 * TB, HOUR) is None


@pytest.mark.parametrize(
    ("partition", "asked", "amount", "unit"),
    [  # CSC's billing page: 4 cores, 16 GiB, 2 h; 2 GPUs, 5 h; a node for 9 min 39 s as seff showed it
        ("small", {"cores": 4, "memory": 16 * GiB, "seconds": 2 * HOUR}, 12, "CPU BU"),
        ("gpumedium", {"gpus": 2, "cores": 144, "seconds": 5 * HOUR}, 2000, "GPU BU"),
        ("medium", {"nodes": 1, "cores": 384, "seconds": 9 * 60 + 39}, 46.32, "CPU BU"),
        ("small", {"cores": 4, "memory": 8 * GiB, "seconds": HOUR}, 3, "CPU BU"),  # 2 GiB a core: both equal
        ("longrun", {"cores": 10, "memory": GiB, "seconds": HOUR}, 7.5, "CPU BU"),
        ("interactive", {"cores": 1, "memory": 64 * GiB, "seconds": HOUR}, 24, "CPU BU"),
        ("test", {"cores": 384, "memory": 744 * GiB, "seconds": HOUR / 4}, 72, "CPU BU"),
        ("small", {"cores": 4, "memory": GiB, "disk": 100 * GiB, "seconds": HOUR}, 5, "CPU BU"),
        ("hugemem", {"cores": 10, "memory": 100 * GiB, "disk": 1000 * GiB, "seconds": HOUR}, 140, "CPU BU"),
        ("hugemem", {"cores": 1, "memory": 100 * GiB, "seconds": HOUR}, 25, "CPU BU"),
        ("hugemem_longrun", {"cores": 128, "memory": 6037 * GiB, "seconds": HOUR}, 1536, "CPU BU"),
        ("large", {"nodes": 6, "cores": 2304, "seconds": HOUR}, 1728, "CPU BU"),
        ("medium", {"nodes": 2, "disk": 100 * GiB, "seconds": HOUR}, 578, "CPU BU"),
        ("gputest", {"gpus": 4, "cores": 288, "seconds": HOUR / 4}, 200, "GPU BU"),
        ("gpularge", {"gpus": 40, "disk": 50 * GiB, "seconds": HOUR}, 8001, "GPU BU"),
        ("gpuinteractive", {"gpus": 1, "seconds": HOUR}, 200, "GPU BU"),
        ("vizinteractive", {"gpus": 2, "seconds": HOUR}, 400, "GPU BU"),
    ],
)
def test_roihu_bills_as_published(partition: str, asked: Asked, amount: float, unit: str) -> None:
    found, of = cost(ROIHU, partition, asked)
    assert of == unit
    assert found == pytest.approx(amount, abs=0.005)


@pytest.mark.parametrize(("area", "rate"), [("scratch", 6), ("home", 10), ("projappl", 10), ("dataset", 10)])
def test_roihu_storage(area: str, rate: float) -> None:
    stored = ROIHU.stored(area, 3 * TiB, 2 * HOUR)
    assert stored is not None
    assert stored.amount == pytest.approx(6 * rate)
    assert stored.unit == "Storage BU"


def test_roihu_counts_in_hours_for_budgets() -> None:
    gpus = ROIHU.billed("gpumedium", gpus=2, seconds=5 * HOUR)
    cores = ROIHU.billed("small", cores=4, memory=8 * GiB, seconds=HOUR)
    node = ROIHU.billed("medium", nodes=1, seconds=HOUR)
    assert gpus is not None and cores is not None and node is not None  # noqa: PT018
    assert (gpus.hours, gpus.pool) == (pytest.approx(10), "gpu_hours")
    assert (cores.hours, cores.pool) == (pytest.approx(4), "core_hours")
    assert node.hours == pytest.approx(384)


# The machines before, whose rules are published too: the formula says them without new code.
MAHTI = {
    "medium": Billing("BU", largest={"nodes": Term(rate=100)}),
    "small": Billing("BU", largest={"cores": Term()}, sum={"disk": Term(rate=0.01, per=GiB)}),
    "gpusmall": Billing("BU", sum={"gpus": Term(rate=100), "slices": Term(rate=15)}),
}
PUHTI_CPU = Billing(
    "BU", sum={"cores": Term(), "memory": Term(rate=0.1, per=GiB), "disk": Term(rate=0.006, per=GiB)}
)
PUHTI_GPU = replace(PUHTI_CPU, sum={**PUHTI_CPU.sum, "gpus": Term(rate=60)})
FREE = Billing("BU", pool="storage", sum={"bytes": Term(rate=5, per=TiB, free=TiB)})


@pytest.mark.parametrize(
    ("billing", "amounts", "price"),
    [
        (MAHTI["medium"], {"nodes": 3}, 300),
        (MAHTI["small"], {"cores": 8, "disk": 500 * GiB}, 13),
        (MAHTI["gpusmall"], {"gpus": 1}, 100),
        (MAHTI["gpusmall"], {"slices": 1}, 15),
        (PUHTI_CPU, {"cores": 4, "memory": 10 * GiB, "disk": 100 * GiB}, 5.6),
        (PUHTI_GPU, {"cores": 10, "memory": 80 * GiB, "gpus": 1}, 78),
        (FREE, {"bytes": TiB}, 0),
        (FREE, {"bytes": 3 * TiB}, 10),
    ],
)
def test_rules_of_other_machines_are_data_too(billing: Billing, amounts: Asked, price: float) -> None:
    assert billing.price(amounts) == pytest.approx(price)


def test_what_decides_a_price() -> None:
    small = LUMI.partitions["small"].billing
    assert small is not None
    assert small.decisive({"cores": 4, "memory": 32 * GiB}) == "memory"
    assert small.decisive({"cores": 16, "memory": 16 * GiB}) == "cores"
    assert Billing("x", sum={"gpus": Term()}).decisive({"gpus": 1}) == ""


amounts = st.fixed_dictionaries(
    {"nodes": st.integers(1, 64), "cores": st.integers(0, 9000), "memory": st.integers(0, 2**46)}
)


@given(site=st.sampled_from([LUMI, ROIHU]), asked=amounts, more=amounts, seconds=st.floats(0, 1e6))
def test_more_never_costs_less_and_time_is_linear(
    site: Site, asked: Asked, more: Asked, seconds: float
) -> None:
    both = {key: max(asked[key], more[key]) for key in asked}
    for partition in site.partitions.values():
        if partition.billing is not None:
            assert partition.billing.price(asked) <= partition.billing.price(both)
            once, twice = (bill(partition.billing, asked, seconds * n).amount for n in (1, 2))
            assert twice == pytest.approx(2 * once)


def test_energy_has_a_source_and_co2_a_factor_of_the_user() -> None:
    node = LUMI.energy("gpu", 1.0, HOUR)
    assert node is not None
    assert node.kilowatt_hours == pytest.approx(4.46e6 / 3.6e6, rel=0.01)  # 4.46 MJ an hour, as published
    assert "job energy page" in node.source
    core = LUMI.energy("cpu", 1 / 128, HOUR)
    assert core is not None
    assert core.kilowatt_hours == pytest.approx(0.0043, rel=0.01)
    assert LUMI.energy("large", 1.0, HOUR) is None
    assert Energy(2.0, "").grams_of_co2(45.0) == 90.0
