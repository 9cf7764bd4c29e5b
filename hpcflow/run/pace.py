"""How long a stage will still take at the pace of its last receipts."""

from __future__ import annotations

from hpcflow.run.ledger import Ledger

FRESH_SECONDS = 600.0
"""A stage whose last receipt is older has no pace: its jobs wait, or have ended."""

LAST = 64
"""Receipts that make the pace: workers come and go, and old ones say little about now."""


def seconds_left(ledger: Ledger, stage: str, now: float) -> float | None:
    """Expected seconds until a stage is complete; None where nothing says so.

    Parameters
    ----------
    now
        Unix time.
    """
    receipts = [r for r in ledger.receipts(stage) if "end" in r and "failed" not in r]
    if len(receipts) < 2 or ledger.complete(stage):
        return None
    receipts = sorted(receipts, key=lambda r: float(r["end"]))[-LAST:]
    first, last = float(receipts[0]["end"]), float(receipts[-1]["end"])
    if now - last > FRESH_SECONDS or last <= first:
        return None
    blocks = sum(r["blocks"][1] - r["blocks"][0] for r in receipts[1:])
    return float(ledger.counts(stage).remaining * (last - first) / blocks)
