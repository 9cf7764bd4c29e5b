"""A plan counts what is written, not what passes through a tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from hpcflow.api import ask

WORKFLOW = """\
hpcflow: 1
name: fused
datasets:
  mill: {zarr: store.zarr}
steps:
  band: {kernel: bandpass, input: mill.v, with: {low: 5 Hz, high: 200 Hz}}
  rows: {kernel: welch, input: band, with: {window: 10 s, nperseg: 1024}}
save: [SAVED]
"""

BAND, ROWS = 100_000 * 4, 10 * 513 * 4


@pytest.mark.parametrize(("saved", "size"), [("rows", ROWS), ("band", BAND), ("band, rows", BAND + ROWS)])
def test_rows_that_nothing_reads_are_not_counted(tmp_path: Path, saved: str, size: int) -> None:
    attributes = {"units": "m s-2", "sampling_rate": 1000.0}
    zarr.create_group(tmp_path / "store.zarr").create_array(
        "v", data=np.zeros((1, 100_000), np.float32), attributes=attributes
    )
    (tmp_path / "w.yaml").write_text(WORKFLOW.replace("SAVED", saved))
    assert ask(tmp_path / "w.yaml").cut.stage("tiles.mill").write_bytes == size
