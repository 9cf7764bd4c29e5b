"""The files of a dataset: found in one order everywhere, named without clashes, hashed once."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from hpcflow.data.readers.guard import reading, regular_file

SCHEMA = "hpcflow.scan/1"

FRESH_NS = 2_000_000_000
"""A file changed less than this before it was hashed is hashed again next time: a second change within the
resolution of the file system's clock would leave its size and time as they were."""

_BLOCK = 1 << 20


def expand(patterns: Sequence[str], folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """Files that match any of the patterns.

    `*`, `?` and `[...]` stay within one part of a path, `**` spans any number of folders. Hidden files and
    folders are left out unless the pattern names a dot itself. `**` does not follow links to folders, so that
    a link to its own parent ends no scan; a link named in the pattern is followed. Folders that match are
    left out.

    Parameters
    ----------
    patterns : sequence of str
        Relative to `folder`, or absolute.
    folder : Path
        The workflow's.

    Returns
    -------
    files : list of str
        Relative to `folder`, with slashes, sorted by code point, each once.
    unmatched : list of (pattern, why)
        Patterns that gave no file.
    """
    found: set[str] = set()
    unmatched = []
    for pattern in patterns:
        try:
            hits = _matches(pattern, folder)
        except (ValueError, NotImplementedError, OSError) as error:
            unmatched.append((pattern, f"is not a pattern of paths ({error})"))
            continue
        if not hits:
            unmatched.append((pattern, _why_nothing(pattern, folder)))
        found.update(hits)
    return sorted(found), unmatched


def _matches(pattern: str, folder: Path) -> list[str]:
    if "\0" in pattern:
        raise ValueError("it holds a zero byte")
    parts = PurePosixPath(pattern).parts
    literal = 0
    while literal < len(parts) and not glob.has_magic(parts[literal]):
        literal += 1
    exact = folder.joinpath(*parts)
    if literal == len(parts) or (os.path.lexists(exact) and not exact.is_dir()):
        hits = [exact] if os.path.lexists(exact) and not exact.is_dir() else []
    else:
        base = folder.joinpath(*parts[:literal])
        rest = parts[literal:]
        hidden = any(part.startswith(".") for part in rest)
        hits = [
            path
            for path in base.glob(str(PurePosixPath(*rest)))
            if (hidden or not any(part.startswith(".") for part in path.relative_to(base).parts))
            and not path.is_dir()
        ]
    if PurePosixPath(pattern).is_absolute():
        return [Path(os.path.relpath(path, folder)).as_posix() for path in hits]
    return [path.relative_to(folder).as_posix() for path in hits]


def _why_nothing(pattern: str, folder: Path) -> str:
    """The first part of a pattern that is not there."""
    place = folder
    for part in PurePosixPath(pattern).parts:
        if glob.has_magic(part):
            break
        place = place / part
        if not os.path.lexists(place):
            return f"{os.path.relpath(place, folder)} does not exist"
    if place.is_dir() and not os.access(place, os.R_OK | os.X_OK):
        return f"the folder {os.path.relpath(place, folder)} may not be read by you"
    folders = [path for path in sorted(folder.glob(pattern)) if path.is_dir()] if _relative(pattern) else []
    if place.is_dir() and not glob.has_magic(pattern):
        folders = [place]
    if folders:
        inside = os.path.join(pattern, "*")
        return f"{os.path.relpath(folders[0], folder)} is a folder: write {inside} for the files in it"
    return "no file matches"


def _relative(pattern: str) -> bool:
    return bool(pattern) and not PurePosixPath(pattern).is_absolute()


def record_id(path: str, channel: str) -> str:
    """Name of a record: its file, and its channel after `#`.

    Percent signs, number signs, line breaks and other control characters are written as in a URL (``%23``),
    and in a text that is not in Unicode normal form C every letter that is not ASCII; so ids are printable
    lines in normal form C, two records never share one, and `split_id` gives path and channel back.

    >>> record_id("day 1/pump#2.mat", "DE")
    'day 1/pump%232.mat#DE'
    """
    return f"{_quote(path)}#{_quote(channel)}" if channel else _quote(path)


def split_id(name: str) -> tuple[str, str]:
    """Path and channel of a record.

    >>> split_id("day 1/pump%232.mat#DE")
    ('day 1/pump#2.mat', 'DE')
    """
    path, _, channel = name.partition("#")
    return unquote(path), unquote(channel)


def _quote(text: str) -> str:
    if text.isascii() and text.isprintable() and "#" not in text and "%" not in text:
        return text
    composed = unicodedata.is_normalized("NFC", text)
    return "".join(
        letter
        if letter not in "#%" and letter.isprintable() and (composed or letter.isascii())
        else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogateescape"))
        for letter in text
    )


class ScanCache:
    """What is known of files by path, size and time of change: their sha256, and what a scan found.

    A JSON file that only saves time: it may be deleted at any moment, and is ignored where it is damaged.
    """

    def __init__(self, path: Path | None, folder: Path) -> None:
        self._path, self._folder = path, folder
        self._known = _load(path)
        self._seen: dict[str, list[Any]] = {}

    def sha256(self, relative: str) -> str:
        """Checksum of a file's bytes.

        Raises
        ------
        DataError
            If it is no ordinary file, or cannot be read.
        """
        path = self._folder / relative
        status = regular_file(path)
        known = self._known.get(relative)
        if known is not None and known[:2] == [status.st_size, status.st_mtime_ns]:
            self._seen[relative] = known
            return str(known[2])
        with reading(path, "a file"), path.open("rb") as file:
            before = time.time_ns()
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
        if before - status.st_mtime_ns > FRESH_NS:
            self._seen[relative] = [status.st_size, status.st_mtime_ns, digest.hexdigest(), None, None]
        return digest.hexdigest()

    def scanned(self, relative: str, key: str) -> Any:
        """What `remember` was given for this file and key; None if nothing."""
        known = self._seen.get(relative)
        return known[4] if known is not None and known[3] == key else None

    def remember(self, relative: str, key: str, found: Any) -> None:
        """Keep what a scan found in an unchanged file, as JSON values."""
        known = self._seen.get(relative)
        if known is not None:
            self._seen[relative] = [*known[:3], key, found]

    def save(self) -> None:
        """Write the file, whole or not at all; a folder that cannot be written only costs time."""
        if self._path is None or (self._seen == self._known and self._path.is_file()):
            return
        text = json.dumps({"schema": SCHEMA, "files": self._seen}, separators=(",", ":"))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, self._path)
        except OSError:
            return


def _load(path: Path | None) -> dict[str, list[Any]]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = content["files"] if content["schema"] == SCHEMA else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    if not isinstance(files, dict):
        return {}
    return {name: entry for name, entry in files.items() if isinstance(entry, list) and len(entry) == 5}
