"""Close a run whose stages are complete: nothing temporary stays behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.notify import notify
from hpcflow.run.publish import PARTIAL, publish


def sweep(folder: RunFolder) -> int:
    """Remove temporary files that killed workers of this run left; returns how many.

    Only while no worker of this run is alive.
    """
    mark = f"{PARTIAL}{folder.run_id[:8]}-"
    places = [folder.results, folder.intermediate]
    places += [Path(d["store"]) for d in folder.request["datasets"].values()]
    removed = 0
    for place in places:
        for path in place.rglob(f"*{mark}*") if place.is_dir() else ():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def outcome(folder: RunFolder, ledger: Ledger | None = None) -> dict[str, Any]:
    """State of a run in a few words and numbers."""
    ledger = ledger or Ledger(folder)
    counts = {name: ledger.counts(name) for name in ledger.stages}
    complete = all(c.complete for c in counts.values())
    failed = sum(c.failed for c in counts.values())
    aside = len(ledger.aside()) + len(folder.request.get("aside", ()))
    state = "done" if complete else "failed" if failed else "incomplete"
    return {
        "schema": "hpcflow.status/1",
        "run": folder.path.name,
        "state": state,
        "blocks": sum(c.total for c in counts.values()),
        "done": sum(c.done for c in counts.values()),
        "failed": failed,
        "records_aside": aside,
    }


def finish(folder: RunFolder) -> None:
    """Remove packs, intermediates and temporaries of a complete run, and say so in the status file."""
    ledger = Ledger(folder)
    state = outcome(folder, ledger)
    if state["state"] == "done":
        sweep(folder)
        for place in (folder.packs, folder.intermediate):
            shutil.rmtree(place, ignore_errors=True)
    publish(folder.status_file, json.dumps(state, indent=1).encode() + b"\n")
    if state["state"] == "done":
        notify(folder, state)
