"""Compare what is on disk with the receipts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, Range, decode, encode, length, merge, subtract
from hpcflow.run.publish import publish


@dataclass(frozen=True)
class Damage:
    """A file that is not as its receipt says."""

    stage: str
    block: int
    name: str
    what: str


@dataclass(frozen=True)
class Verified:
    """Outcome of a verification."""

    files: int
    bytes: int
    damages: tuple[Damage, ...]


def verify(folder: RunFolder) -> Verified:
    """Read every file that a receipt names and compare its sha256.

    The record table of a dataset belongs to the dataset, which later runs extend; it is not compared.
    """
    files = size = 0
    damages = []
    expected = {}
    ledger = Ledger(folder)
    for stage in ledger.stages:
        for receipt in ledger.receipts(stage):
            for name, nbytes, sha in receipt.get("files", ()):
                if _ours(folder, name):
                    expected[name] = (stage, receipt["blocks"][0], nbytes, sha)
    for name, (stage, block, nbytes, sha) in sorted(expected.items()):
        path = locate(folder, name)
        files += 1
        size += nbytes
        if not path.is_file():
            if name.startswith("intermediate/"):
                files, size = files - 1, size - nbytes
                continue
            damages.append(Damage(stage, block, name, "missing"))
        elif path.stat().st_size != nbytes:
            damages.append(Damage(stage, block, name, f"{path.stat().st_size} bytes instead of {nbytes}"))
        elif _sha256(path) != sha:
            damages.append(Damage(stage, block, name, "checksum differs"))
    return Verified(files, size, tuple(damages))


def locate(folder: RunFolder, name: str) -> Path:
    """Path of a file by the name that receipts use."""
    if name.startswith("dataset/"):
        _, dataset, rest = name.split("/", 2)
        return Path(folder.request["datasets"][dataset]["store"]) / rest
    return folder.path / name


def _ours(folder: RunFolder, name: str) -> bool:
    if not name.startswith("dataset/"):
        return True
    _, dataset, rest = name.split("/", 2)
    variables = {v["name"] for d in folder.cut["datasets"] if d["name"] == dataset for v in d["variables"]}
    return rest.split("/")[0] in variables and "/c/" in rest


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def invalidate(folder: RunFolder, damages: Iterable[Damage]) -> int:
    """Withdraw the receipts of damaged files, so that a resume computes their blocks again.

    A finished run keeps neither packs nor intermediate stores, so what a damaged shard was assembled from
    is withdrawn with it.

    Returns
    -------
    int
        Blocks withdrawn.
    """
    stages = {s["name"]: s for s in folder.cut["stages"]}
    bad: dict[str, list[Range]] = {}
    for damage in damages:
        stage = stages[damage.stage]
        if stage["kind"] in ("assemble", "merge"):
            _withdraw(folder, stage, stages, bad)
        else:
            bad.setdefault(damage.stage, []).append((damage.block, damage.block + 1))
    for path in folder.receipts.glob("*.jsonl"):
        kept = []
        with open(path, "rb") as file:
            for receipt in decode(file):
                block = (receipt["blocks"][0], receipt["blocks"][1])
                if subtract([block], bad.get(receipt["stage"], ())) == [block]:
                    kept.append(encode(receipt))
        publish(path, b"".join(kept))
    return sum(length(merge(ranges)) for ranges in bad.values())


def _withdraw(
    folder: RunFolder, stage: Mapping[str, Any], stages: Mapping[str, Any], bad: dict[str, list[Range]]
) -> None:
    """Withdraw a whole stage, and what it needs that is no longer on disk."""
    if stage["name"] in bad and (0, stage["blocks"]) in bad[stage["name"]]:
        return
    bad.setdefault(stage["name"], []).append((0, stage["blocks"]))
    steps = {s["name"]: s for s in folder.cut["steps"]}
    if stage["kind"] in ("assemble", "merge"):
        _withdraw(folder, stages[stage["after"][0]], stages, bad)
        return
    for name in stage["steps"]:
        for item in steps[name]["inputs"]:
            reads = item["source"] in steps and item["source"] not in stage["steps"]
            if reads and not steps[item["source"]]["saved"]:
                _withdraw(folder, stages[f"assemble.{item['source']}"], stages, bad)
