"""Receipts: the truth about which blocks are done.

Each worker appends to a file of its own. A line is one JSON object whose last member is the CRC-32 of
what stands before it, so a torn or damaged line is seen and ignored. Nothing here imports numpy: it
answers `status` and runs on login nodes.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcflow.run.folder import RunFolder

Range = tuple[int, int]

_CRC = re.compile(rb',"crc":"([0-9a-f]{8})"\}$')


def encode(receipt: dict[str, Any]) -> bytes:
    """One receipt as a line.

    >>> next(decode([encode({"stage": "a", "blocks": [0, 3]})]))
    {'stage': 'a', 'blocks': [0, 3]}
    """
    body = json.dumps(receipt, separators=(",", ":"), ensure_ascii=True).encode()
    return body[:-1] + b',"crc":"%08x"}\n' % zlib.crc32(body)


def decode(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Receipts of the lines that are whole; others are passed over."""
    for line in lines:
        if not line.endswith(b"\n"):
            continue
        found = _CRC.search(line[:-1])
        if found is None:
            continue
        body = line[: found.start()] + b"}"
        if zlib.crc32(body) == int(found[1], 16):
            yield json.loads(body)


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Union of half-open ranges, sorted.

    >>> merge([(5, 7), (0, 2), (2, 3), (6, 9)])
    [(0, 3), (5, 9)]
    """
    merged: list[Range] = []
    for start, stop in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        elif stop > start:
            merged.append((start, stop))
    return merged


def intersect(ranges: Sequence[Range], whole: Range) -> list[Range]:
    """The parts of sorted half-open ranges that lie in one range.

    >>> intersect([(0, 4), (6, 9)], (3, 7))
    [(3, 4), (6, 7)]
    """
    return subtract([whole], subtract([whole], ranges))


def subtract(whole: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    """What is left of `whole` after `taken`.

    >>> subtract([(0, 10)], [(2, 4), (9, 12)])
    [(0, 2), (4, 9)]
    """
    left: list[Range] = []
    holes = merge(taken)
    for start, stop in merge(whole):
        for low, high in holes:
            if high <= start:
                continue
            if low >= stop:
                break
            if low > start:
                left.append((start, low))
            start = high
        if start < stop:
            left.append((start, stop))
    return left


def length(ranges: Iterable[Range]) -> int:
    """Blocks in ranges that do not overlap."""
    return sum(stop - start for start, stop in ranges)


@dataclass(frozen=True)
class Counts:
    """Blocks of a stage. `done` includes blocks in which records were set aside."""

    total: int
    done: int
    aside: int
    """Records set aside while the stage ran."""
    failed: int

    @property
    def remaining(self) -> int:
        """Blocks that are neither done nor failed for good."""
        return self.total - self.done - self.failed

    @property
    def complete(self) -> bool:
        """Every block done."""
        return self.done == self.total


class Ledger:
    """All receipts of a run, read once; make a new one to look again."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.stages: dict[str, int] = {stage["name"]: stage["blocks"] for stage in folder.cut["stages"]}
        self._by_stage: dict[str, list[dict[str, Any]]] = {name: [] for name in self.stages}
        for receipt in read_receipts(folder.receipts):
            self._by_stage.get(receipt.get("stage", ""), []).append(receipt)

    def receipts(self, stage: str) -> list[dict[str, Any]]:
        """Receipts of a stage, good and bad."""
        return self._by_stage[stage]

    def done(self, stage: str) -> list[Range]:
        """Block ranges with a good receipt."""
        good = ((r["blocks"][0], r["blocks"][1]) for r in self._by_stage[stage] if "failed" not in r)
        return merge(good)

    def failures(self, stage: str) -> dict[int, str]:
        """Reason per block that failed and was not done later."""
        done = self.done(stage)
        found: dict[int, str] = {}
        for receipt in self._by_stage[stage]:
            if "failed" in receipt:
                for block in range(*receipt["blocks"]):
                    if not any(a <= block < b for a, b in done):
                        found[block] = receipt["failed"]
        return found

    def counts(self, stage: str) -> Counts:
        """Count a stage's blocks."""
        aside = {item["record"] for r in self._by_stage[stage] for item in r.get("aside", ())}
        return Counts(
            total=self.stages[stage],
            done=length(self.done(stage)),
            aside=len(aside),
            failed=len(self.failures(stage)),
        )

    def remaining(self, stage: str, *, retry_failed: bool = False) -> list[Range]:
        """Block ranges still to be computed."""
        taken = self.done(stage)
        if not retry_failed:
            taken = merge([*taken, *((b, b + 1) for b in self.failures(stage))])
        return subtract([(0, self.stages[stage])], taken)

    def complete(self, stage: str) -> bool:
        """Whether every block of the stage is done."""
        return not subtract([(0, self.stages[stage])], self.done(stage))

    def aside(self, stage: str | None = None) -> dict[str, str]:
        """Records set aside while running (by one stage, or by any), with the reason."""
        chosen = self._by_stage.values() if stage is None else [self._by_stage.get(stage, [])]
        return {
            item["record"]: item["reason"]
            for receipts in chosen
            for receipt in receipts
            for item in receipt.get("aside", ())
        }

    def fail(self, stage: str, block: int, reason: str, *, worker: str = "agent") -> None:
        """Record that a block failed."""
        append(
            self.folder.receipts / f"{worker}.jsonl",
            {"stage": stage, "blocks": [block, block + 1], "failed": reason},
        )


def forgive(folder: RunFolder) -> int:
    """Forget failed blocks, so that they are tried again; returns how many receipts went.

    Only while no worker of the run is alive.
    """
    forgotten = 0
    for path in folder.receipts.glob("*.jsonl"):
        with open(path, "rb") as file:
            receipts = list(decode(file))
        kept = [receipt for receipt in receipts if "failed" not in receipt]
        if len(kept) < len(receipts):
            forgotten += len(receipts) - len(kept)
            partial = path.with_suffix(".part")
            partial.write_bytes(b"".join(map(encode, kept)))
            os.replace(partial, path)
    return forgotten


def append(path: Path, receipt: dict[str, Any]) -> None:
    """Append one receipt durably. A torn line before it is closed off by a newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(encode(receipt))
        file.flush()
        os.fsync(file.fileno())


def read_receipts(folder: Path) -> Iterator[dict[str, Any]]:
    """All whole receipts of a folder, file by file in name order."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.jsonl")):
        with open(path, "rb") as file:
            yield from decode(file)
