"""Verification finds damage, and a resume heals it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.verify import invalidate, verify
from tests import toy
from tests.run.test_execute import hashes

pytestmark = pytest.mark.usefixtures("toy_kernels")


@pytest.mark.parametrize(
    "victim", ["results/soft.zarr/values/c/0", "results/all.zarr/total/c", "dataset/made/x/c/1"]
)
@pytest.mark.parametrize("how", ["flip", "cut", "remove"])
def test_damage_is_found_and_healed(tmp_path: Path, victim: str, how: str) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    execute(folder, SerialExecutor())
    before = hashes(folder)
    sound = verify(folder)
    assert not sound.damages
    assert sound.files > 10
    path = tmp_path / "store.zarr" / "x/c/1" if victim.startswith("dataset") else folder.path / victim
    raw = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
    else:
        raw[len(raw) // 2] ^= 255
        path.write_bytes(raw if how == "flip" else raw[:-1])
    found = verify(folder)
    assert [d.name for d in found.damages] == [victim]
    assert invalidate(folder, found.damages) > 0
    execute(folder, SerialExecutor())
    assert not verify(folder).damages
    assert hashes(folder) == before
