"""Cores and GPUs of ranks, against the table that LUMI's course publishes and the options written there."""

from __future__ import annotations

import subprocess

import pytest

from hpcflow.errors import PlanError
from hpcflow.site import NodeType, load_site
from hpcflow.slurm.binding import (
    check_binding,
    cpu_masks,
    gpu_masks,
    gpu_of_rank,
    groups,
    map_cpu,
    numa_of,
    rank_options,
    select_gpu,
    sibling_threads,
)

LUMI = load_site("lumi")
GPU = LUMI.nodes["gpu"]

# LUST course April 2026, binding: GCD, CCD, first and last usable core, second thread, NUMA, mask, PCI bus
PUBLISHED = [
    (0, 6, 49, 55, 112, 3, "0xfe000000000000", "c1"),
    (1, 7, 57, 63, 120, 3, "0xfe00000000000000", "c6"),
    (2, 2, 17, 23, 80, 1, "0xfe0000", "c9"),
    (3, 3, 25, 31, 88, 1, "0xfe000000", "ce"),
    (4, 0, 1, 7, 64, 0, "0xfe", "d1"),
    (5, 1, 9, 15, 72, 0, "0xfe00", "d6"),
    (6, 4, 33, 39, 96, 2, "0xfe00000000", "d9"),
    (7, 5, 41, 47, 104, 2, "0xfe0000000000", "de"),
]


@pytest.mark.parametrize(("gcd", "ccd", "first", "last", "thread", "numa", "mask", "bus"), PUBLISHED)
def test_a_gpu_and_its_cores(
    gcd: int, ccd: int, first: int, last: int, thread: int, numa: int, mask: str, bus: str
) -> None:
    assert GPU.topology is not None
    assert GPU.topology.gpu_l3[gcd] == ccd
    assert GPU.topology.gpu_bus[gcd] == bus
    assert groups(GPU)[ccd] == tuple(range(first, last + 1))
    assert sibling_threads(GPU, first - 1) == (thread,)
    assert numa_of(GPU, ccd) == numa
    assert cpu_masks(GPU, "gpus")[gcd] == mask


def test_order_a_linear_in_gpus() -> None:
    assert map_cpu(GPU, "gpus") == (49, 57, 17, 25, 1, 9, 33, 41)
    assert gpu_of_rank(GPU, "gpus") == (0, 1, 2, 3, 4, 5, 6, 7)
    assert cpu_masks(GPU, "gpus", 6) == tuple(mask.replace("fe", "7e") for *_, mask, _ in PUBLISHED)


def test_order_b_linear_in_cores() -> None:
    assert map_cpu(GPU, "cores") == (1, 9, 17, 25, 33, 41, 49, 57)
    assert gpu_of_rank(GPU, "cores") == (4, 5, 2, 3, 6, 7, 0, 1)


@pytest.mark.parametrize("order", ["gpus", "cores"])
def test_each_rank_has_the_gpu_beside_its_cores(order: str) -> None:
    pairs = zip(map_cpu(GPU, order), gpu_of_rank(GPU, order), strict=True)  # type: ignore[arg-type]
    table = {first: gcd for gcd, _, first, *_ in PUBLISHED}
    assert all(table[core] == gpu for core, gpu in pairs)
    used = [int(mask, 16) for mask in cpu_masks(GPU, order)]  # type: ignore[arg-type]
    assert sum(used) == sum(1 << core for core in range(64) if core % 8), "56 cores, each once, none reserved"


def test_the_options_of_whole_nodes() -> None:
    masks = ",".join(mask for *_, mask, _ in PUBLISHED)
    assert rank_options(LUMI, "standard-g") == [
        f"--cpu-bind=mask_cpu:{masks}",
        "--gpu-bind=map:0,1,2,3,4,5,6,7",
        "--gres-flags=allow-task-sharing",
    ]
    assert "--gpu-bind=map:4,5,2,3,6,7,0,1" in rank_options(LUMI, "standard-g", "cores")


def test_multi_gpu_ranks() -> None:
    assert gpu_masks(4, 8) == ("0x3", "0xc", "0x30", "0xc0")  # published as 0x03,0x0c,0x30,0xc0
    with pytest.raises(PlanError, match="divides"):
        gpu_masks(3, 8)


def test_the_wrapper_keeps_arguments_whole() -> None:
    script = select_gpu(GPU, "cores")
    done = subprocess.run(
        ["bash", "-c", script, "select_gpu", "printf", "%s|", "a b", "$(x)"],
        env={"SLURM_LOCALID": "2", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "a b|$(x)|"
    for local, gpu in enumerate(gpu_of_rank(GPU, "cores")):
        seen = subprocess.run(
            ["bash", "-c", script, "select_gpu", "bash", "-c", "echo $ROCR_VISIBLE_DEVICES"],
            env={"SLURM_LOCALID": str(local), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert seen.stdout == f"{gpu}\n"


@pytest.mark.parametrize("partition", ["small-g", "dev-g", "small"])
def test_shared_nodes_are_not_bound_by_number(partition: str) -> None:
    with pytest.raises(PlanError, match="whole nodes only"):
        check_binding(LUMI, partition)
    check_binding(LUMI, partition, exclusive=True)


def test_more_cores_than_a_group_has_are_refused() -> None:
    with pytest.raises(PlanError, match="1 to 7 cores"):
        cpu_masks(GPU, "gpus", 8)
    with pytest.raises(PlanError, match="profile does not tell"):
        groups(NodeType(8, 2**30))
    with pytest.raises(PlanError, match="beside which GPU"):
        map_cpu(LUMI.nodes["cpu"], "gpus")


def test_lumi_c_has_a_rank_to_each_group() -> None:
    firsts = [cores[0] for cores in groups(LUMI.nodes["cpu"])]
    assert firsts == list(range(0, 128, 8))
    assert numa_of(LUMI.nodes["cpu"], 15) == 7
