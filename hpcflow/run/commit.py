"""Group commit: what blocks made becomes durable together, and only then gets its receipt.

Order, each step flushed to disk before the next: pieces into the pack; shards under a temporary name;
renames; folders; the receipt. A kill between any two leaves work without a receipt, which is computed
again and published again with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpcflow.run import faults
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import append, encode
from hpcflow.run.packs import Piece, append_parts, pack_parts
from hpcflow.run.peak import peak_memory
from hpcflow.run.publish import PARTIAL, fsync

SECONDS = 2.0
BYTES = 16 << 20
BLOCKS = 256


@dataclass(frozen=True)
class NewFile:
    """A whole file to publish.

    Attributes
    ----------
    name
        As receipts and `verify` call it: ``results/...`` or ``dataset/<name>/...``.
    path, content
        Where it goes and its bytes; content None removes the file (a shard that is all fill).
    """

    name: str
    path: Path
    content: bytes | None


@dataclass(frozen=True)
class BlockOutput:
    """What one block made.

    Attributes
    ----------
    pieces, files
        Rows for packs; whole files.
    aside
        Records that could not be used: (id, reason).
    samples
        Input samples read.
    records
        Records computed and records taken over from an earlier run.
    ranks
        How many computed it together.
    device
        Libraries and devices of the array back end and of CUDA, where they computed.
    """

    pieces: Sequence[Piece] = ()
    files: Sequence[NewFile] = ()
    aside: Sequence[tuple[str, str]] = ()
    samples: int = 0
    computed: int = 0
    reused: int = 0
    ranks: int = 1
    device: str = ""


@dataclass
class _Pending:
    stage: str
    block: int
    pieces: list[bytes | memoryview]
    files: list[tuple[NewFile, Path | None]]
    aside: Sequence[tuple[str, str]]
    samples: int
    computed: int
    reused: int
    ranks: int
    device: str
    seconds: float


@dataclass
class Committer:
    """Holds finished blocks of one worker until they are committed.

    Attributes
    ----------
    folder : RunFolder
    worker : str
        Name unique within the run; names the pack and the receipt file.
    """

    folder: RunFolder
    worker: str
    _pending: list[_Pending] = field(default_factory=list)
    _bytes: int = 0
    _since: float = field(default_factory=time.monotonic)
    _processor: float = field(default_factory=time.process_time)

    @property
    def receipt_file(self) -> Path:
        """Where this worker's receipts go."""
        return self.folder.receipts / f"{self.worker}.jsonl"

    @property
    def pack_file(self) -> Path:
        """Where this worker's pieces go."""
        return self.folder.packs / f"{self.worker}.pack"

    def add(self, stage: str, block: int, output: BlockOutput, seconds: float) -> None:
        """Take over a finished block; commits when enough has gathered."""
        pieces = [part for piece in output.pieces for part in pack_parts(piece)]
        files = [(new, self._write(new)) for new in output.files]
        self._bytes += sum(map(len, pieces)) + sum(len(f.content or b"") for f in output.files)
        self._pending.append(
            _Pending(
                stage,
                block,
                pieces,
                files,
                output.aside,
                output.samples,
                output.computed,
                output.reused,
                output.ranks,
                output.device,
                seconds,
            )
        )
        late = time.monotonic() - self._since > SECONDS
        if late or self._bytes > BYTES or len(self._pending) >= BLOCKS:
            self.flush()

    def fail(self, stage: str, block: int, reason: str) -> None:
        """Record a block that cannot be computed."""
        self.flush()
        append(self.receipt_file, {"stage": stage, "blocks": [block, block + 1], "failed": reason})
        self._processor = time.process_time()

    def flush(self) -> None:
        """Commit everything that is pending."""
        pending, self._pending, self._bytes = self._pending, [], 0
        self._since = time.monotonic()
        if not pending:
            return
        runs = _runs(pending)
        extents = self._append_pieces(runs)
        faults.point("after-pack")
        self._publish([item for run in runs for item in run])
        faults.point("before-receipt")
        receipts = [self._receipt(run, extent) for run, extent in zip(runs, extents, strict=True)]
        for receipt, used in zip(receipts, self._processor_seconds(receipts), strict=True):
            receipt["processor_seconds"] = used
        for receipt in receipts:
            append_receipt(self.receipt_file, receipt)
        faults.point("after-receipt")

    def _processor_seconds(self, receipts: list[dict[str, Any]]) -> list[float]:
        """Processor time of this process since the last commit, shared out as the blocks' own times."""
        now = time.process_time()
        used, self._processor = now - self._processor, now
        whole = sum(receipt["seconds"] for receipt in receipts)
        shares = [receipt["seconds"] / whole if whole else 1 / len(receipts) for receipt in receipts]
        return [round(used * share, 6) for share in shares]

    def _write(self, new: NewFile) -> Path | None:
        if new.content is None:
            return None
        new.path.parent.mkdir(parents=True, exist_ok=True)
        partial = new.path.with_name(f"{new.path.name}{PARTIAL}{self.folder.run_id[:8]}-{self.worker}")
        with open(partial, "wb") as file:
            if faults.reached("mid-shard"):
                file.write(new.content[: len(new.content) // 2])
                file.flush()
                faults.die()
            file.write(new.content)
        return partial

    def _append_pieces(self, runs: list[list[_Pending]]) -> list[tuple[int, int]]:
        if not any(item.pieces for run in runs for item in run):
            return [(0, 0)] * len(runs)
        return append_parts(self.pack_file, ([part for item in run for part in item.pieces] for run in runs))

    def _publish(self, items: list[_Pending]) -> None:
        folders = set()
        for item in items:
            for new, partial in item.files:
                if partial is None:
                    new.path.unlink(missing_ok=True)
                    continue
                fsync(partial)
                faults.point("before-rename")
                os.replace(partial, new.path)
                faults.point("after-rename")
                folders.add(new.path.parent)
        for folder in sorted(folders):
            fsync(folder)

    def _receipt(self, run: list[_Pending], extent: tuple[int, int]) -> dict[str, Any]:
        receipt = {
            "stage": run[0].stage,
            "blocks": [run[0].block, run[-1].block + 1],
            "seconds": round(sum(item.seconds for item in run), 6),
            "samples": sum(item.samples for item in run),
            "computed": sum(item.computed for item in run),
            "reused": sum(item.reused for item in run),
            **signed(self.worker),
        }
        ranks = max(item.ranks for item in run)
        if ranks > 1:
            receipt["ranks"] = ranks
        devices = sorted({item.device for item in run if item.device})
        if devices:
            receipt["device"] = ", ".join(devices)
        if extent[1]:
            receipt["pack"] = [self.pack_file.name, *extent]
        files = [
            [new.name, len(new.content), hashlib.sha256(new.content).hexdigest()]
            for item in run
            for new, _ in item.files
            if new.content is not None
        ]
        if files:
            receipt["files"] = files
        aside = [{"record": record, "reason": reason} for item in run for record, reason in item.aside]
        if aside:
            receipt["aside"] = aside
        return receipt


def signed(worker: str) -> dict[str, Any]:
    """What every receipt says of who wrote it, where, when, and how large its process has been."""
    return {
        "worker": worker,
        "host": socket.gethostname(),
        "end": round(time.time(), 3),
        "memory_bytes": peak_memory(),
    }


def append_receipt(path: Path, receipt: dict[str, Any]) -> None:
    """Append one receipt durably, or die half way where a test says so."""
    if faults.reached("mid-line"):
        with open(path, "ab") as file:
            file.write(encode(receipt)[:-20])
            file.flush()
        faults.die()
    append(path, receipt)


def _runs(pending: list[_Pending]) -> list[list[_Pending]]:
    """Consecutive blocks of one stage together: one receipt each."""
    runs: list[list[_Pending]] = []
    for item in sorted(pending, key=lambda p: (p.stage, p.block)):
        if runs and runs[-1][-1].stage == item.stage and runs[-1][-1].block + 1 == item.block:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
