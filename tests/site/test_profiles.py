"""Profiles: found, read, checked, and true to the published rules."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from hpcflow.errors import RequestError, WorkflowError
from hpcflow.site import (
    available_sites,
    format_memory,
    format_time,
    load_site,
    parse_memory,
    parse_time,
    read_site,
)
from hpcflow.site.page import site_page
from tests.conftest import REPO

GiB = 2**30
SHIPPED = REPO / "slurm" / "sites"


def test_shipped_profiles_read() -> None:
    assert {"local", "lumi", "mini-lumi", "roihu"} <= set(available_sites())
    for name in ("local", "lumi", "mini-lumi", "roihu"):
        assert load_site(name).name == name


def test_lumi_limits_are_the_published_ones() -> None:
    lumi = load_site("lumi")
    small = lumi.partitions["small"]
    assert (small.submitted, small.running, small.max_nodes) == (220, 200, 4)
    assert small.max_time == 3 * 86400
    assert lumi.node_of("standard-g").cores == 56
    assert lumi.node_of("small").memory == 229376 * 2**20
    evidence = lumi.evidence_of("sbatch_from_compute")
    assert evidence is not None
    assert evidence.how == "assumed"


def test_mini_lumi_has_the_names_and_limits_of_lumi() -> None:
    lumi, mini = load_site("lumi"), load_site("mini-lumi")
    assert set(lumi.partitions) - set(mini.partitions) == {"lumid", "bench", "interactive"}
    for name, copy in mini.partitions.items():
        partition = lumi.partitions[name]
        for key in (
            *("allocation", "use", "max_time", "max_nodes", "node_hours", "submitted", "running", "share"),
            "billing",
        ):
            assert getattr(copy, key) == getattr(partition, key), (name, key)


def test_no_cluster_is_named_in_code() -> None:
    """Profiles are data: a change of a cluster never needs a change of a program."""
    names = re.compile(r"\b(lumi|roihu|mahti|puhti)\b", re.IGNORECASE)
    allowed = re.compile(r"hpcflow[-_]lumi|HPCFLOW_LUMI|mini-lumi|mini-LUMI|profile, like lumi")
    found = [
        f"{file.relative_to(REPO)}:{number}: {line.strip()}"
        for root in ("hpcflow", "kernels")
        for file in sorted((REPO / root).rglob("*.py"))
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if names.search(allowed.sub("", line))
    ]
    assert not found


@pytest.mark.parametrize("name", ["lumi", "roihu", "mini-lumi"])
def test_the_page_of_a_site_shows_its_profile(name: str) -> None:
    page = (REPO / "docs" / "sites" / f"{name}.md").read_text()
    shown = page.partition("<!-- profile -->\n")[2].partition("<!-- end -->")[0]
    assert shown == "\n".join(site_page(load_site(name))) + "\n", f"write it anew: hpcflow sites show {name}"


def test_a_page_says_what_is_only_assumed() -> None:
    text = "\n".join(site_page(load_site("lumi")))
    assert "| `sbatch_from_compute` | assumed |" in text
    assert "| `small` | shared | cpu, cpu-512, cpu-1024 | 3-00:00:00 | 4 | 220 (200) |" in text


def test_roihu_has_two_architectures_and_the_published_limits() -> None:
    roihu = load_site("roihu")
    sides = {name: roihu.node_of(name).architecture for name in roihu.partitions}
    assert {name for name, side in sides.items() if side == "aarch64"} == {
        *("gputest", "gpumedium", "gpularge", "gpuinteractive"),
    }
    assert set(roihu.login) == {"x86_64", "aarch64"}
    assert roihu.partitions["longrun"].max_time == 10 * 86400
    assert [node.memory // GiB for _, node in roihu.nodes_of("small")] == [744, 1500]
    assert (roihu.partitions["large"].min_nodes, roihu.partitions["gpularge"].min_gpus) == (6, 4)
    assert roihu.storage["scratch"].files == 500_000


@pytest.mark.parametrize("text", ["00:30:00", "2-00:00:00", "3-12:05:09", "23:59:59"])
def test_times_there_and_back(text: str) -> None:
    assert format_time(parse_time(text)) == text


@pytest.mark.parametrize("text", ["224G", "229377M", "1G"])
def test_sizes_there_and_back(text: str) -> None:
    assert format_memory(parse_memory(text)) == text


def test_sizes_round_up() -> None:
    assert format_memory(2**20 + 1) == "2M"
    assert format_memory(1024 * 2**20) == "1G"


@pytest.mark.parametrize("text", ["", "224", "224GB", "224 G", "-1G", "1.5G", "G"])
def test_sizes_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="224G"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["", "30", "30:00", "1-2", "UNLIMITED", "00:00", "1:2:3"])
def test_times_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="2-00:00:00"):
        parse_time(text)


def test_the_variable_comes_before_the_users_folder_before_the_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, config = tmp_path / "named", tmp_path / "config" / "hpcflow-lumi" / "sites"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HPCFLOW_LUMI_SITES", f"{named}:{tmp_path / 'missing'}")
    assert available_sites()["lumi"] == SHIPPED / "lumi.yaml"
    for folder in (config, named):
        folder.mkdir(parents=True)
        shutil.copy(SHIPPED / "lumi.yaml", folder)
        assert available_sites()["lumi"] == folder / "lumi.yaml"


def test_an_unknown_site_names_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'lumi'"):
        load_site("lumii")


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    text = (SHIPPED / "lumi.yaml").read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = tmp_path / "lumi.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cores: 128", "cores: many", "nodes.cpu.cores"),
        ("cores: 128", "cores: 0", "at least 1"),
        ("memory: 224G", "memory: 224 GB", "as in 224G"),
        ("max_time: 2-00:00:00", "max_time: two days", "as in 2-00:00:00"),
        ("default_partition: small", "default_partition: smal", "must be one of standard, small"),
        ("    node: cpu", "    node: cpus", "must be one of cpu, cpu-512"),
        ("account: required", "acount: required", "unknown key"),
        ("allocation: whole", "allocation: all", "partitions.standard.allocation"),
        ("title: LUMI (EuroHPC, CSC Kajaani)", "", "a required key is missing"),
        ('slurm: "24.05"', "slurm: latest", "YY.MM"),
        ("name: lumi", "name: LUMI", "the name is the file's"),
        ("hpcflow_site: 1", "hpcflow_site: 2", "the format version is 1"),
        ("  launcher: {how: docs", "  launch: {how: docs", "every fact says how it is known"),
        ("sbatch_from_compute: unknown", "sbatch_from_compute: maybe", "sbatch_from_compute"),
        ("largest: {nodes: ", "largest: {node: ", "partitions.standard.billing.largest"),
        ("{per: 2G, rounded: up}", "{per: 2GB, rounded: up}", "partitions.small.billing.largest.memory.per"),
        ("quota: 20 GB", "quota: 20G", "as in 50 TB or 250 GiB"),
        ("also: [cpu-512, cpu-1024]", "also: [cpu-1024, cpu-512]", "the least first"),
        ("also: [cpu-512, cpu-1024]", "also: [cpu-2048]", "must be one of cpu, cpu-512"),
        ("gpu_l3: [6, 7, 2, 3, 0, 1, 4, 5]", "gpu_l3: [6, 7, 2, 3, 0, 1, 4, 8]", "numbers below 8"),
        ("gpu_l3: [6, 7, 2, 3, 0, 1, 4, 5]", "gpu_l3: [6, 7]", "for each of the 8 GPUs"),
        ("cores: 56 ", "cores: 55 ", "divides the 63 physical cores"),
        ("node_hours: 16", "node_hours: 0", "at least 1"),
        ("  storage: {how: docs", "  stores: {how: docs", "every fact says how it is known"),
        (
            "  nodes.gpu.watts:\n    how: docs",
            "  nodes.gpu.watts:\n    how: guessed",
            "evidence.nodes.gpu.watts",
        ),
        ("nodes:\n  cpu:", "nodes:\n\tcpu:", "a profile is YAML"),
    ],
)
def test_a_wrong_profile_says_where_and_why(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(WorkflowError) as raised:
        read_site(changed(tmp_path, (old, new)))
    assert message in str(raised.value)
    assert all(problem.line > 0 for problem in raised.value.problems)


def test_all_problems_at_once_with_their_lines(tmp_path: Path) -> None:
    file = changed(tmp_path, ("memory: 224G", "memory: big"), ("max_nodes: 512", "max_nodes: -1"))
    lines = file.read_text().splitlines()
    with pytest.raises(WorkflowError) as raised:
        read_site(file)
    shown = {problem.path: lines[problem.line - 1].strip() for problem in raised.value.problems}
    assert shown == {
        "nodes.cpu.memory": "memory: big",
        "partitions.standard.max_nodes": "max_nodes: -1",
    }


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b"a: [", b"just text", b"hpcflow_site: 1\n"])
def test_a_file_that_is_no_profile_is_an_error_of_ours(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    with pytest.raises(WorkflowError):
        read_site(file)


def test_a_users_overlay_says_only_what_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCFLOW_LUMI_SITES", str(tmp_path))
    own = tmp_path / "lumi.yaml"
    own.write_text(
        "hpcflow_site: 1\nextends: lumi\npython: /project/project_1/env/bin/python\n"
        "nodes: {cpu: {modules: {purge: false, load: [LUMI/25.09]}}}\n"
    )
    site, shipped = load_site("lumi"), read_site(SHIPPED / "lumi.yaml")
    assert site.python == "/project/project_1/env/bin/python"
    assert site.nodes["cpu"].modules.load == ("LUMI/25.09",)
    assert site.nodes["cpu"].memory == shipped.nodes["cpu"].memory
    assert site.partitions == shipped.partitions
    own.write_text("hpcflow_site: 1\nextends: lumi\nnodes: {cpu: {cores: 0}}\n")
    with pytest.raises(WorkflowError, match=r"lumi.yaml:3:\d+: nodes.cpu.cores: must be at least 1"):
        load_site("lumi")
    own.write_text("hpcflow_site: 1\nextends: {lumi: 1}\n")
    with pytest.raises(WorkflowError, match="names a shipped profile"):
        load_site("lumi")
    own.write_text("hpcflow_site: 1\nextends: lumii\n")
    with pytest.raises(WorkflowError, match="names a shipped profile: local, lumi, mini-lumi, roihu"):
        load_site("lumi")
