"""Free what a run no longer needs, or all of it; never a byte outside its folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hpcflow.errors import RequestError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.publish import PARTIAL


@dataclass(frozen=True)
class Part:
    """Some of a run's files.

    Attributes
    ----------
    name
        For people.
    needless
        Whether the run, as far as it is, does without them.
    """

    name: str
    paths: tuple[Path, ...]
    files: int
    bytes: int
    needless: bool


def parts_of(folder: RunFolder) -> list[Part]:
    """What a run's folder holds.

    Packs and intermediates are needed until the run is complete: they are what has been computed.
    """
    ledger = Ledger(folder)
    complete = all(ledger.complete(stage) for stage in ledger.stages)
    left = tuple(path for path in _walk(folder.path) if PARTIAL in path.name)
    named = [
        ("temporary files that killed workers left", left, True),
        ("packs and intermediate results", (folder.packs, folder.intermediate), complete),
        ("results", (folder.results,), False),
        ("logs", (folder.logs,), False),
    ]
    found = [_part(name, paths, needless) for name, paths, needless in named]
    whole = _part("", (folder.path,), False)
    known = found[0].files + sum(_part("", p.paths, False).files for p in found[1:])
    rest = Part(
        "plan, receipts, scripts, report",
        (),
        max(0, whole.files - known),
        max(0, whole.bytes - sum(p.bytes for p in found)),
        False,
    )
    return [*found, rest]


def _part(name: str, paths: tuple[Path, ...], needless: bool) -> Part:
    files = [path for top in paths for path in ([top] if top.is_file() else _walk(top))]
    return Part(name, paths, len(files), sum(path.lstat().st_size for path in files), needless)


def _walk(top: Path) -> Iterator[Path]:
    """Files below a folder, links not followed."""
    for here, _, names in os.walk(top, followlinks=False):
        yield from (Path(here) / name for name in names)


def remove_needless(folder: RunFolder) -> int:
    """Remove what the run does without; returns how many files went. Only while nothing computes it."""
    removed = 0
    for part in parts_of(folder):
        if not part.needless:
            continue
        for path in part.paths:
            if path.is_symlink() or not _inside(folder, path):
                continue
            if path.is_file():
                path.unlink()
            elif path.is_dir():
                shutil.rmtree(path)
        removed += part.files
    return removed


def _inside(folder: RunFolder, path: Path) -> bool:
    """Whether a path lies in the run's folder on disk, not only in name."""
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder.path))


def remove_run(folder: RunFolder) -> None:
    """Remove a run's whole folder; datasets stay, for they lie elsewhere and other runs read them.

    Raises
    ------
    RequestError
        If the folder is a link, holds a dataset's store, or an unfinished run takes records over from it.
    """
    if folder.path.is_symlink():
        raise RequestError(f"{folder.path} is a link: name the folder that it leads to")
    for name, request in folder.request["datasets"].items():
        if Path(os.path.realpath(request["store"])).is_relative_to(os.path.realpath(folder.path)):
            raise RequestError(
                f"the store of dataset {name} lies in {folder.path}, and other runs may read it: "
                "move it away first, or remove the folder yourself"
            )
    waiting = list(readers_of(folder))
    if waiting:
        raise RequestError(
            f"{', '.join(waiting)} is not finished and takes records over from {folder.path.name}: "
            "resume it first, or remove it first"
        )
    shutil.rmtree(folder.path)


def readers_of(folder: RunFolder) -> Iterator[str]:
    """Unfinished runs beside this one that take rows over from it."""
    for path in sorted(folder.path.parent.glob("*/reuse.json")):
        try:
            taken = {run for by_run in json.loads(path.read_text()).values() for run in by_run}
        except (OSError, ValueError, AttributeError):
            continue
        if folder.path.name in taken:
            other = RunFolder(path.parent)
            ledger = Ledger(other)
            if not all(ledger.complete(stage) for stage in ledger.stages):
                yield other.path.name
