"""Where profiles lie: the folders of a variable, then the user's, then those shipped."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hpcflow.errors import RequestError
from hpcflow.site.model import Site
from hpcflow.site.read import read_site

SITES_VARIABLE = "HPCFLOW_LUMI_SITES"


def site_folders() -> Iterator[Path]:
    """Folders that may hold profiles, first to last."""
    for named in os.environ.get(SITES_VARIABLE, "").split(os.pathsep):
        if named:
            yield Path(named)
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    yield Path(config) / "hpcflow-lumi" / "sites"
    yield from _shipped_folders()


def _shipped_folders() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parents[2] / "slurm" / "sites"
    if checkout.is_dir():  # also of an editable install
        yield checkout
        return
    import importlib.metadata

    try:
        installed = importlib.metadata.files("hpcflow-lumi") or []
    except importlib.metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        if file.parts[-2:-1] == ("sites",) and file.suffix == ".yaml":
            yield Path(os.path.abspath(file.locate())).parent
            return
    yield Path(sys.prefix) / "share" / "hpcflow-lumi" / "sites"


def available_sites() -> dict[str, Path]:
    """Names of all profiles, and the file of each that is used."""
    found: dict[str, Path] = {}
    for folder in site_folders():
        if folder.is_dir():
            for file in sorted(folder.glob("*.yaml")):
                found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def _shipped() -> dict[str, Path]:
    return {file.stem: file for folder in _shipped_folders() for file in sorted(folder.glob("*.yaml"))}


def load_site(name: str) -> Site:
    """The profile of that name, or of that file where `name` ends in ``.yaml``.

    Raises
    ------
    RequestError
        Where there is no such profile.
    WorkflowError
        Where the profile is wrong: all of its problems with file and line.
    """
    if name.endswith((".yaml", ".yml")):
        file = Path(name)
        if not file.is_file():
            raise RequestError(f"a site profile is a file; {name!r} is not there")
        return read_site(file, _shipped())
    sites = available_sites()
    if name not in sites:
        near = difflib.get_close_matches(name, sites, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write one, or name its file"
        raise RequestError(
            f"a site is one of {', '.join(sites) or 'none found'}; {name!r} has no profile, so nothing "
            f"can be compiled for it; {hint}"
        )
    return read_site(sites[name], _shipped())
