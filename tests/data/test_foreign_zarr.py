"""Zarr stores that others made, as datasets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import signal

from hpcflow.api import ask, compute, open_results, start
from hpcflow.errors import WorkflowError

WORKFLOW = """\
hpcflow: 1
name: foreign
datasets:
  mill: {zarr: store.zarr}
steps:
  band: {kernel: bandpass, input: mill.acceleration, with: {low: 50 Hz, high: 200 Hz}}
  condition: {kernel: condition_indicators, input: mill.acceleration, with: {window: 1 s}}
save: [band, condition]
"""


def write_store(folder: Path, **attrs: object) -> np.ndarray:
    rng = np.random.default_rng(5)
    values = rng.standard_normal((3, 300_000)).astype(np.float32)
    array = xr.DataArray(
        values,
        dims=("channel", "time"),
        coords={
            "channel": ["north", "south", "gear <b>"],
            "time": ("time", np.arange(300_000) / 1000.0, {"units": "s"}),
        },
        attrs=attrs,
    )
    array.to_dataset(name="acceleration").to_zarr(
        folder / "store.zarr",
        zarr_format=3,
        consolidated=False,
        encoding={"acceleration": {"chunks": (1, 65536)}},
    )
    (folder / "foreign.yaml").write_text(WORKFLOW)
    return values


def test_values_are_those_of_the_whole_record(tmp_path: Path) -> None:
    values = write_store(tmp_path, units="gn")
    folder = start(ask(tmp_path / "foreign.yaml"), tmp_path / "runs")
    compute(folder)
    band = open_results(folder)["band"]
    assert list(band.record.values) == ["north", "south", "gear <b>"]
    assert band.filtered.attrs["units"] == "m s-2"
    sos = signal.butter(4, [50, 200], "bandpass", fs=1000, output="sos")
    for index in range(3):
        start_, size = int(band.row_start[index]), int(band.row_size[index])
        want = signal.sosfiltfilt(sos, values[index].astype(np.float64) * 9.80665)
        np.testing.assert_allclose(
            band.filtered.values[start_ : start_ + size], want, atol=2e-6 * np.abs(want).max()
        )


def test_scale_and_offset_are_applied(tmp_path: Path) -> None:
    values = write_store(tmp_path, units="m s-2", scale_factor=0.5, add_offset=2.0)
    folder = start(ask(tmp_path / "foreign.yaml"), tmp_path / "runs")
    compute(folder)
    condition = open_results(folder)["condition"]
    want = (values[1, :1000].astype(np.float64) * 0.5 + 2.0).std()
    first = int(condition.row_start[1])
    assert condition.rms.values[first] == pytest.approx(want, rel=1e-5)


def test_a_changed_store_is_another_run(tmp_path: Path) -> None:
    write_store(tmp_path, units="m s-2")
    before = ask(tmp_path / "foreign.yaml").cut.id
    assert ask(tmp_path / "foreign.yaml").cut.id == before
    chunk = next(p for p in (tmp_path / "store.zarr" / "acceleration" / "c").rglob("*") if p.is_file())
    raw = bytearray(chunk.read_bytes())
    raw[100] ^= 1
    chunk.write_bytes(raw)
    assert ask(tmp_path / "foreign.yaml").cut.id != before


@pytest.mark.parametrize(
    ("attrs", "words"),
    [({"units": "furlongs per moon"}, "units must be known"), ({"units": "K"}, "takes acceleration")],
)
def test_wrong_units_are_refused_in_words(tmp_path: Path, attrs: dict[str, str], words: str) -> None:
    write_store(tmp_path, **attrs)
    if "takes" in words:
        text = (tmp_path / "foreign.yaml").read_text()
        (tmp_path / "foreign.yaml").write_text(
            text.replace(
                "condition_indicators, input: mill.acceleration, with: {window: 1 s}",
                "bearing_faults, input: {speed: mill.acceleration}",
            )
        )
        words = "frequency"
    with pytest.raises(WorkflowError, match=words) as caught:
        ask(tmp_path / "foreign.yaml")
    assert "foreign.yaml:" in str(caught.value)


def test_no_store_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "foreign.yaml").write_text(WORKFLOW)
    with pytest.raises(WorkflowError, match=r"foreign\.yaml:4.*Zarr"):
        ask(tmp_path / "foreign.yaml")
