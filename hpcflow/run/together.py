"""One receipt for a block whose ranks each wrote a part of it.

Each rank makes its pieces durable in a pack of its own and tells the others where they are; only then does
the first rank append the receipt, which names them all. So a block is done when every rank's part is on disk,
and whatever a killed rank left is named by nobody and computed again.
"""

from __future__ import annotations

from typing import Any

from hpcflow.run import faults
from hpcflow.run.commit import BlockOutput, append_receipt, signed
from hpcflow.run.folder import RunFolder
from hpcflow.run.packs import append_parts, pack_parts
from hpcflow_kernels import Ranks


def commit(
    folder: RunFolder,
    worker: str,
    ranks: Ranks,
    work: tuple[str, int],
    output: BlockOutput,
    seconds: tuple[float, float],
) -> None:
    """Commit this rank's part of a block; all ranks come here.

    Parameters
    ----------
    worker
        Name of all ranks together, unique within the run.
    work
        Stage and block.
    output
        This rank's pieces; what is counted or set aside by record is told by the first rank.
    seconds
        Wall and processor time that this rank took.
    """
    extent = None
    if output.pieces:
        pack = folder.packs / f"{worker}-{ranks.number}.pack"
        ((offset, length),) = append_parts(pack, [[part for p in output.pieces for part in pack_parts(p)]])
        extent = pack.name, offset, length
    faults.point("after-pack")
    mine = signed(worker)
    told = ranks.allgather((extent, seconds[1], mine["memory_bytes"]))
    if ranks.number:
        return
    faults.point("before-receipt")
    receipt: dict[str, Any] = {
        "stage": work[0],
        "blocks": [work[1], work[1] + 1],
        "seconds": round(seconds[0], 6),
        "samples": output.samples,
        "computed": output.computed,
        "reused": output.reused,
        **mine,
        "memory_bytes": max(memory for _, _, memory in told),
        "ranks": ranks.count,
        "packs": [extent for extent, _, _ in told if extent],
        "aside": [{"record": record, "reason": reason} for record, reason in output.aside],
        "processor_seconds": round(sum(used for _, used, _ in told), 6),
    }
    append_receipt(folder.receipts / f"{worker}.jsonl", receipt)
    faults.point("after-receipt")
