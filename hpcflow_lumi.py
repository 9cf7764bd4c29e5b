"""The commands' entry, and the guard against another project that imports as hpcflow.

PyPI's ``hpcflow`` (University of Manchester) is a living project with the same import name. Installed into
one environment, the two write into one folder; this module bears the distribution's own name and stays
whole. So what must run before `hpcflow` can be trusted stands here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

_FOREIGN = re.compile(r"hpcflow(_new\d*)?-(?P<version>[^-]+)(-py[^-]+)?\.(dist|egg)-info")


def foreign(paths: Iterable[str]) -> str | None:
    """Name and folder of a distribution that is not ours and imports as hpcflow; None where there is none.

    One directory listing per path, no metadata read: `importlib.metadata.packages_distributions` takes
    a hundred times as long.

    >>> foreign([])
    """
    for path in paths:
        try:
            names = os.listdir(path or os.curdir)
        except OSError:
            continue
        for name in names:
            if name.startswith("hpcflow") and (found := _FOREIGN.fullmatch(name)):
                return (
                    f"hpcflow{(found[1] or '').replace('_', '-')} {found['version']} in {path or os.curdir}"
                )
    return None


def guard() -> None:
    """Stop where the other project is on the path.

    Raises
    ------
    ImportError
        With one sentence that names it and the remedy.
    """
    other = foreign(sys.path)
    if other:
        raise ImportError(
            f"another project that imports as `hpcflow` is installed beside hpcflow-lumi ({other}); the two "
            "overwrite each other's files, so nothing here can be trusted: install hpcflow-lumi into an "
            "environment of its own."
        )


def main() -> None:
    """Entry of the commands `hpcflow` and `hpcflow-lumi`."""
    try:
        guard()
    except ImportError as error:
        sys.exit(f"{error}")
    from hpcflow.cli.main import main as run

    run()
