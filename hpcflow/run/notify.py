"""A message when a run has ended: one POST to an address that the user's own configuration names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpcflow.run.folder import RunFolder

SECONDS = 10.0
"""How long an answer is waited for; a job has better things to do."""


def address_file() -> Path:
    """One line in ``~/.config/hpcflow-lumi/notify``, or in the file that ``$HPCFLOW_LUMI_NOTIFY`` names."""
    named = os.environ.get("HPCFLOW_LUMI_NOTIFY")
    if named:
        return Path(named)
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "hpcflow-lumi" / "notify"


def notify(folder: RunFolder, state: Mapping[str, Any]) -> bool:
    """Send a run's state to the user's address, once for each state; returns whether it was taken.

    Nothing that goes wrong here reaches the run: a line on standard error says so, without the address, which
    may hold a secret. Redirects are not followed, and nothing but `state` and a sentence is sent.

    Parameters
    ----------
    state
        As `hpcflow.run.finish.outcome` gives it.
    """
    try:
        address = address_file().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError):
        return False
    if not address or not _first(folder, str(state["state"])):
        return False
    try:
        _post(address, message(state))
    except Exception as error:  # whatever a network or a server may do
        print(f"no message was sent: {type(error).__name__}", file=sys.stderr)
        return False
    return True


def message(state: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent: the state, and a sentence under the name by which chat services take one.

    >>> message({"run": "a-1", "state": "done", "blocks": 3, "done": 3, "failed": 0})["text"]
    'hpcflow: run a-1 is done, 3 of 3 blocks'
    """
    text = f"hpcflow: run {state['run']} is {state['state']}, {state['done']} of {state['blocks']} blocks"
    return {**state, "schema": "hpcflow.message/1", "text": text}


def forget(folder: RunFolder, state: str) -> None:
    """Let a state be told again: a run that goes on may fail anew."""
    (folder.path / f".told-{state}").unlink(missing_ok=True)


def _first(folder: RunFolder, state: str) -> bool:
    """Whether nobody has told of this state yet: jobs that count last at once must not both."""
    try:
        (folder.path / f".told-{state}").touch(exist_ok=False)
    except OSError:
        return False
    return True


def _post(address: str, values: Mapping[str, Any]) -> None:
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        """An address that sends elsewhere is not the one that the user named."""

        def redirect_request(self, *_: Any) -> None:
            return None

    if not address.startswith(("https://", "http://")):
        raise ValueError("an address begins with https://")
    head = {"Content-Type": "application/json", "User-Agent": "hpcflow"}
    request = Request(address, json.dumps(values).encode(), head, method="POST")
    with build_opener(Stay).open(request, timeout=SECONDS):
        pass
