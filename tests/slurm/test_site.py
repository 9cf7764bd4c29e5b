"""Profiles: found, read, checked, and true to the published rules."""

from __future__ import annotations

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
from tests.conftest import REPO

GiB = 2**30
SHIPPED = REPO / "slurm" / "sites"


def test_shipped_profiles_read() -> None:
    assert {"local", "lumi", "mini-lumi"} <= set(available_sites())
    for name in ("local", "lumi", "mini-lumi"):
        assert load_site(name).name == name


@pytest.mark.parametrize(
    ("partition", "asked", "cost"),
    [  # the test vectors of LUMI's billing page and of its training course
        ("small", {"cores": 4, "memory": 32 * GiB, "seconds": 24 * 3600}, 384),
        ("standard", {"nodes": 16, "cores": 2048, "memory": 16 * 224 * GiB, "seconds": 12 * 3600}, 24576),
        ("small-g", {"cores": 1, "gpus": 1, "memory": 128 * GiB, "seconds": 24 * 3600}, 24),
        ("standard-g", {"nodes": 4, "cores": 224, "memory": GiB, "gpus": 32, "seconds": 24 * 3600}, 384),
        ("small-g", {"cores": 16, "gpus": 1, "memory": 256 * GiB, "seconds": 3600}, 2),
    ],
)
def test_lumi_bills_as_published(partition: str, asked: dict[str, int], cost: float) -> None:
    billed = load_site("lumi").billed(partition, **asked)  # type: ignore[arg-type]
    assert billed is not None
    assert billed[0] == pytest.approx(cost)


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
    assert set(mini.partitions) == set(lumi.partitions)
    for name, partition in lumi.partitions.items():
        copy = mini.partitions[name]
        for key in ("allocation", "max_time", "max_nodes", "submitted", "running", "billing"):
            assert getattr(copy, key) == getattr(partition, key), (name, key)


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
        ("    node: cpu", "    node: cpus", "must be one of cpu, gpu, large"),
        ("account: required", "acount: required", "unknown key"),
        ("allocation: whole", "allocation: all", "partitions.standard.allocation"),
        ("title: LUMI (EuroHPC, CSC Kajaani)", "", "a required key is missing"),
        ('slurm: "24.05"', "slurm: latest", "YY.MM"),
        ("name: lumi", "name: LUMI", "the name is the file's"),
        ("hpcflow_site: 1", "hpcflow_site: 2", "the format version is 1"),
        ("  launcher: {how: docs", "  launch: {how: docs", "every fact says how it is known"),
        ("sbatch_from_compute: unknown", "sbatch_from_compute: maybe", "sbatch_from_compute"),
        ("per: {nodes: 1}", "per: {node: 1}", "partitions.standard.billing.per"),
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
