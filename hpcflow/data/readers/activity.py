"""Reader of activities in any of FIT, TCX and GPX, told apart by content: one dataset may mix them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcflow.data.readers.base import Reader, ScannedRecord
from hpcflow.data.readers.fit import READER as FIT
from hpcflow.data.readers.gpx import READER as GPX
from hpcflow.data.readers.guard import reading
from hpcflow.data.readers.tcx import READER as TCX
from hpcflow.data.readers.track import duplicates, same_activity
from hpcflow.errors import DataError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["READER", "ActivityReader", "duplicates", "reader_for", "same_activity"]


class ActivityReader:
    """FIT, TCX and GPX files in one dataset. A copy of an activity in another format counts once."""

    name = "activity"
    version = max(FIT.version, TCX.version, GPX.version)
    suffixes: tuple[str, ...] = (*FIT.suffixes, *TCX.suffixes, *GPX.suffixes)

    def scan(self, path: Path, options: Mapping[str, Any]) -> tuple[ScannedRecord, ...]:
        """See `hpcflow.data.readers.base.Reader`."""
        return reader_for(path).scan(path, options)

    def read(
        self, path: Path, channel: str, start: int, stop: int, options: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """See `hpcflow.data.readers.base.Reader`."""
        return reader_for(path).read(path, channel, start, stop, options)

    duplicates = staticmethod(duplicates)


def reader_for(path: Path) -> Reader:
    """Which reader a file needs, by its first bytes; its name decides only where those say nothing.

    Raises
    ------
    DataError
        If the file is none of the three.
    """
    with reading(path, "an activity"), path.open("rb") as file:
        head = file.read(4096)
    if head[8:12] == b".FIT":
        return FIT
    text = head.replace(b"\0", b"")
    if b"<TrainingCenterDatabase" in text:
        return TCX
    if b"<gpx" in text:
        return GPX
    if head.startswith(b"\x1f\x8b"):
        raise DataError("is compressed: unpack it first (gunzip)")
    by_suffix = {suffix: reader for reader in (FIT, TCX, GPX) for suffix in reader.suffixes}
    reader = by_suffix.get(path.suffix.lower())
    if reader is None:
        raise DataError("is neither FIT, TCX nor GPX: narrow the dataset's `files` pattern, or convert it")
    return reader


READER = ActivityReader()
