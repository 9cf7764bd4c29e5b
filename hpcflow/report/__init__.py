"""One self-contained HTML page per run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpcflow.run.folder import RunFolder


def write_report(folder: RunFolder) -> Path:
    """Write the report of a run, also of one that is not complete.

    Parameters
    ----------
    folder : RunFolder

    Returns
    -------
    Path
        The page, ``report.html`` in the run's folder; an earlier one is replaced as a whole.
    """
    from hpcflow.report.page import render
    from hpcflow.report.source import Source
    from hpcflow.run.publish import publish

    publish(folder.report_file, render(Source.of(folder)).encode("utf-8", "replace"))
    return folder.report_file
