"""Commands around clusters: compile, submit, cancel, sites, testbed."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
