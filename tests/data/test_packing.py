"""Recordings of small integers are stored as such, and computed with as if they were stored as floats."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import xarray
import zarr
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.api import ask, compute, open_results, start
from hpcflow.data import store as stores
from hpcflow.data import variables
from hpcflow.data.opened import open_store
from hpcflow.data.packing import unpacked
from hpcflow.data.store import Regions, stored_table
from hpcflow.results import set_aside
from hpcflow.run.folder import RunFolder

G = 9.80665
SAMPLES = 300_000

WORKFLOW = """\
hpcflow: 1
name: packed
datasets:
  mill:
    files: "*.h5"
    reader: hdf5
    variables: {acceleration: {select: acc, units: gn}}
    defaults: {sampling_rate: 1 kHz}
steps:
  band: {kernel: bandpass, input: mill.acceleration, with: {low: 5 Hz, high: 200 Hz}}
save: [band]
"""


def recorded(seed: int, samples: int = SAMPLES) -> np.ndarray:
    """16 bits, all of them used: the least, the greatest, and what integers have for fill."""
    found = np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
    found[:3] = -32768, 32767, -1
    return found


def write(folder: Path, **files: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "w.yaml").write_text(WORKFLOW)
    for name, values in files.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["acc"] = values
    return folder


def run(folder: Path) -> RunFolder:
    made = start(ask(folder / "w.yaml"), folder / "runs")
    compute(made, executor="serial")
    return made


def store_of(folder: RunFolder) -> Path:
    return Path(folder.request["datasets"]["mill"]["store"])


@given(
    values=st.lists(st.integers(-32768, 32767), max_size=50),
    factor=st.floats(-1e6, 1e6),
    offset=st.floats(-1e6, 1e6),
    block=st.integers(1, 60),
)
def test_values_are_rounded_once(values: list[int], factor: float, offset: float, block: int) -> None:
    raw = np.array(values, np.int16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hpcflow.data.packing.BLOCK", block)
        found = unpacked(raw, (factor, offset), np.float32)
    want = np.array([np.float32(v * factor + offset) for v in values], np.float32)
    assert found.tobytes() == want.tobytes()


def test_results_have_the_bits_of_a_store_of_floats(tmp_path: Path) -> None:
    raw = {"a": recorded(1), "b": recorded(2, 5_000)}
    packed = run(write(tmp_path / "packed", **raw))
    plain = run(write(tmp_path / "plain", **{n: v.astype(np.float32) for n, v in raw.items()}))
    assert zarr.open_array(store_of(packed) / "acceleration").dtype == np.int16
    assert zarr.open_array(store_of(plain) / "acceleration").dtype == np.float32
    ours, theirs = (open_results(r)["band"]["filtered"].values for r in (packed, plain))
    assert ours.tobytes() == theirs.tobytes()
    assert np.isfinite(ours).all()


def test_every_reader_finds_the_recorded_integers(tmp_path: Path) -> None:
    import tensorstore

    raw = recorded(1)
    store = store_of(run(write(tmp_path / "w", a=raw)))
    array = store / "acceleration"
    assert np.asarray(zarr.open_array(array)[...]).tobytes() == raw.tobytes()
    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        assert np.asarray(zarr.open_array(array)[...]).tobytes() == raw.tobytes()
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(array)}}
    assert np.asarray(tensorstore.open(spec).result().read().result()).tobytes() == raw.tobytes()

    want = (raw.astype(np.float64) * G).astype(np.float32)
    assert Regions(store).read("acceleration", 0, SAMPLES).tobytes() == want.tobytes()
    for opened in (xarray.open_zarr(store), open_store(store)):
        assert opened.acceleration.attrs["units"] == "m s-2"
        assert opened.acceleration.values.astype(np.float32).tobytes() == want.tobytes()


def test_integers_of_matlab_too(tmp_path: Path) -> None:
    raw = recorded(3, 4000)
    write(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW.replace("*.h5", "*.mat").replace("hdf5", "matlab"))
    scipy.io.savemat(tmp_path / "a.mat", {"acc": raw})
    scipy.io.savemat(tmp_path / "b.mat", {"acc": raw.astype(np.int8)})
    store = store_of(run(tmp_path))
    stored = np.asarray(zarr.open_array(store / "acceleration")[...])
    assert stored.dtype == np.int16
    assert stored[:8000].tobytes() == np.concatenate([raw, raw.astype(np.int8)]).astype(np.int16).tobytes()


@pytest.mark.parametrize("other", ["float32", "uint16", "int32"])
def test_one_record_of_another_type_makes_all_floats(tmp_path: Path, other: str) -> None:
    store = store_of(run(write(tmp_path / "w", a=recorded(1, 3000), b=np.arange(3000).astype(other))))
    assert zarr.open_array(store / "acceleration").dtype == ("float64" if other == "int32" else "float32")


def test_a_record_of_another_type_cannot_join_later(tmp_path: Path) -> None:
    run(write(tmp_path / "w", a=recorded(1, 3000)))
    later = run(write(tmp_path / "w", b=recorded(2, 3000), c=np.arange(3000.0)))
    (aside,) = set_aside(later)
    assert "c.h5" in str(aside)
    assert "as float64 times 9.80665 where the store holds 16-bit integers times 9.80665" in str(aside)
    assert np.isfinite(open_results(later)["band"]["filtered"].values).all()


def test_a_store_made_before_stays_as_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path / "w", a=recorded(1, 3000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variables, "common_packing", lambda seen: None)
        patch.setattr(stores, "FORMAT", 2)
        before = open_results(run(folder))["band"]["filtered"].values[:3000]
    after = run(write(folder, b=recorded(2, 3000)))
    table = stored_table(store_of(after))
    assert table is not None
    assert [(v.dtype, v.packing) for v in table.variables] == [("float32", None)]
    assert zarr.open_array(store_of(after) / "acceleration").dtype == np.float32
    fresh = run(write(tmp_path / "fresh", a=recorded(1, 3000), b=recorded(2, 3000)))
    both, new = (open_results(r)["band"]["filtered"].values for r in (after, fresh))
    assert both.tobytes() == new.tobytes()
    assert both[:3000].tobytes() == before.tobytes()
