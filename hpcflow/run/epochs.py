"""Submissions of a run are numbered: work of an older one stops when a newer one begins."""

from __future__ import annotations

from hpcflow.run.folder import RunFolder


def newest_epoch(folder: RunFolder) -> int:
    """Number of the newest submission; 0 where there is none."""
    if not folder.epochs.is_dir():
        return 0
    return max((int(file.stem) for file in folder.epochs.glob("*.json") if file.stem.isdigit()), default=0)
