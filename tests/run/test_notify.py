"""A message when a run ends: once, to the address in the user's own file, and harmless when it fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from hpcflow.run import notify as module
from hpcflow.run.finish import finish
from hpcflow.run.folder import RunFolder
from hpcflow.run.notify import forget, notify
from tests.slurm.stub_run import make_run

STATE = {"schema": "hpcflow.status/1", "run": "r-1", "state": "done", "blocks": 2, "done": 2, "failed": 0}


class Server(HTTPServer):
    got: list[tuple[str, Any]]
    answer: int


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        self.send_response(self.server.answer)
        if self.server.answer in (301, 302, 307):
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, named in the user's file."""
    made = Server(("127.0.0.1", 0), Handler)
    made.got, made.answer = [], 200
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    file = tmp_path / "notify"
    file.write_text(f"http://127.0.0.1:{made.server_port}/hook/secret\n")
    monkeypatch.setenv("HPCFLOW_LUMI_NOTIFY", str(file))
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", {"one": 1})


def test_once_for_each_state(server: Server, run: RunFolder) -> None:
    assert notify(run, STATE)
    assert not notify(run, STATE), "it was told"
    assert notify(run, {**STATE, "state": "failed", "done": 1, "failed": 1})
    assert [path for path, _ in server.got] == ["/hook/secret"] * 2
    forget(run, "done")
    assert notify(run, STATE)
    first = server.got[0][1]
    assert first["schema"] == "hpcflow.message/1"
    assert first["text"] == "hpcflow: run r-1 is done, 2 of 2 blocks"
    assert set(first) == {*STATE, "text"}


def test_a_complete_run_tells_when_it_is_closed(server: Server, run: RunFolder) -> None:
    finish(run)
    assert not server.got, "it is not complete"
    (run.receipts / "w.jsonl").parent.mkdir(exist_ok=True)
    from hpcflow.run.ledger import append

    append(run.receipts / "w.jsonl", {"stage": "one", "blocks": [0, 1]})
    finish(run)
    finish(run)
    assert [values["state"] for _, values in server.got] == ["done"]


@pytest.mark.parametrize("answer", [302, 307, 404, 500])
def test_what_a_server_says_is_harmless_and_redirects_stay(
    server: Server, run: RunFolder, answer: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answer = answer
    assert not notify(run, STATE)
    assert len(server.got) == 1
    said = capsys.readouterr().err
    assert "no message was sent" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:1/", "nonsense", "http://[", "\x00"],
)
def test_other_addresses_are_harmless(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    (tmp_path / "notify").write_text(address)
    monkeypatch.setenv("HPCFLOW_LUMI_NOTIFY", str(tmp_path / "notify"))
    assert not notify(run, STATE)


def test_a_server_that_never_answers_is_not_waited_for(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listening:
        (tmp_path / "notify").write_text(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        monkeypatch.setenv("HPCFLOW_LUMI_NOTIFY", str(tmp_path / "notify"))
        monkeypatch.setattr(module, "SECONDS", 0.2)
        assert not notify(run, STATE)


def test_without_a_file_nothing_is_sent(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPCFLOW_LUMI_NOTIFY", str(tmp_path / "none"))
    assert not notify(run, STATE)
    assert not list(run.path.glob(".told-*"))
