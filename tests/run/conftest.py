"""Toy kernels and a toy reader in place of the real ones."""

from __future__ import annotations

import pytest

from hpcflow.run.stages import ingest
from hpcflow_kernels import registry
from tests import toy


@pytest.fixture
def toy_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the toy kernels and reader."""
    monkeypatch.setattr(registry, "contracts", lambda: toy.CONTRACTS)
    monkeypatch.setattr(ingest, "get_reader", lambda name: toy.READER)
    monkeypatch.setattr(ingest, "checksum", toy.checksum)
    monkeypatch.setattr(ingest, "read_stored", toy.read)
