"""Coherence of all pairs: SciPy pair by pair, gaps, delays, bands, and a workflow over three variables."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import signal

from hpcflow import api
from hpcflow.errors import WorkflowError
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.spectral.coherence_pairs import coherence_of_pairs
from hpcflow_kernels.spectral.coherence_records import coherence_of_record

RATE = 1000.0


def rows_of(count, samples, dtype=np.float64):
    """Noise of which a part is common to all, each 3 samples later than the one before."""
    rng = np.random.default_rng(count)
    common = rng.standard_normal(samples + 3 * count)
    return {
        f"c{i}": Rows(
            (common[3 * (count - i) :][:samples] + rng.standard_normal(samples)).astype(dtype), RATE, "1", {}
        )
        for i in range(count)
    }


@pytest.mark.parametrize(("count", "nperseg"), [(2, 256), (3, 200), (9, 64)])
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_each_pair_is_scipys(count, nperseg, dtype, bound):
    rows = rows_of(count, 5000, dtype)
    out = coherence_of_pairs(signals=rows, nperseg=nperseg)
    assert out["coherence"].dtype == dtype
    for at, (i, j) in enumerate(combinations(rows, 2)):
        x, y = (rows[name].values.astype(np.float64) for name in (i, j))
        assert out["coherence"][at] == pytest.approx(signal.coherence(x, y, nperseg=nperseg)[1], abs=bound)
        cross = signal.csd(x, y, nperseg=nperseg)[1]
        turned = np.exp(1j * out["phase"][at].astype(np.float64)) * np.conj(cross) / np.abs(cross)
        assert np.abs(turned[np.abs(cross) > 1e-3 * np.abs(cross).max()] - 1).max() < 100 * bound
    one = coherence_of_record(signal=rows["c1"], reference=rows["c0"], nperseg=nperseg)
    assert out["segments"] == one["segments"]
    assert out["coherence_noise"] == one["coherence_noise"]


def test_a_later_signal_lags_in_phase():
    out = coherence_of_pairs(signals=rows_of(2, 200_000), nperseg=256)
    turns = out["phase"][0] + 2 * np.pi * np.arange(129) / 256 * 3
    assert np.abs(np.angle(np.exp(1j * turns)))[1:-1].max() < 0.1


def test_a_gap_in_one_leaves_its_segments_out_of_all_pairs():
    rows = rows_of(3, 4000)
    rows["c2"].values[1000:1010] = np.nan
    out = coherence_of_pairs(signals=rows, nperseg=256)
    masked = {
        name: row._replace(values=np.where(np.isnan(rows["c2"].values), np.nan, row.values))
        for name, row in rows.items()
    }
    expected = coherence_of_record(signal=masked["c1"], reference=masked["c0"], nperseg=256)
    assert out["segments"] == expected["segments"] < (4000 - 256) // 128 + 1
    assert out["coherence"][0] == pytest.approx(expected["coherence"], abs=1e-12)
    rows["c0"].values[:] = np.nan
    nothing = coherence_of_pairs(signals=rows, nperseg=256)
    assert np.isnan(nothing["coherence"]).all()
    assert nothing["segments"] == 0


def test_bands_are_means_of_their_bins():
    rows = rows_of(3, 4000)
    out = coherence_of_pairs(signals=rows, nperseg=100, band=[0.0, 100.0, 300.0])
    assert out["band_coherence"][:, 0] == pytest.approx(out["coherence"][:, :10].mean(axis=1))
    assert out["band_coherence"][:, 1] == pytest.approx(out["coherence"][:, 10:30].mean(axis=1))


def test_what_cannot_be_compared_is_refused():
    rows = rows_of(2, 4000)
    with pytest.raises(UnusableRecordError, match="600 to 700 Hz"):
        coherence_of_pairs(signals=rows, band=[600.0, 700.0])
    rows["c1"] = rows["c1"]._replace(rate=500.0)
    with pytest.raises(UnusableRecordError, match="resample"):
        coherence_of_pairs(signals=rows)


WORKFLOW = """
hpcflow: 1
name: pairs
datasets: {rig: {files: "*.csv", reader: csv}}
steps:
  soft: {kernel: lowpass, input: rig.b, with: {cutoff: 100 Hz}}
  shared:
    kernel: coherence_matrix
    input: {signals: [rig.c, rig.a, soft]}
    with: {nperseg: 256, band: [5 Hz, 50 Hz, 400 Hz]}
save: [shared]
"""


def test_a_workflow_names_pairs_after_its_variables(tmp_path):
    rows = [row.values for row in rows_of(3, 3000).values()]
    lines = [f"{i / RATE}," + ",".join(f"{x[i]:.17g}" for x in rows) for i in range(3000)]
    (tmp_path / "one.csv").write_text("\n".join(["time [s],a [m/s2],b [m/s2],c [V]", *lines]) + "\n")
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "workflow.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "shared")
    assert list(found["pair"].values) == ["c-a", "c-filtered", "a-filtered"]
    assert list(found["band"].values) == ["5-50 Hz", "50-400 Hz"]
    expected = signal.coherence(rows[0], rows[2], RATE, nperseg=256)
    assert np.allclose(found["frequency"].values, expected[0])
    got = found["coherence"].sel(pair="c-a").values[0]
    assert np.abs(got - expected[1]).max() < 1e-5
    below = found["frequency"].values < 80
    direct = signal.coherence(rows[0], rows[1], RATE, nperseg=256)[1]
    assert np.abs(found["coherence"].sel(pair="a-filtered").values[0] - direct)[below].max() < 0.1


def test_a_plan_counts_memory_and_work_for_each_signal(tmp_path):
    lines = [f"{i / RATE}," + ",".join(["1"] * 8) for i in range(100)]
    names = [f"x{i}" for i in range(8)]
    (tmp_path / "one.csv").write_text("\n".join(["time [s]," + ",".join(names), *lines]) + "\n")

    def stage(count):
        inputs = ", ".join(f"rig.{name}" for name in names[:count])
        (tmp_path / "w.yaml").write_text(
            "hpcflow: 1\nname: w\ndatasets: {rig: {files: '*.csv', reader: csv}}\n"
            f"steps: {{a: {{kernel: coherence_matrix, input: [{inputs}], with: {{nperseg: 16}}}}}}\n"
            "save: [a]\n"
        )
        return api.ask(tmp_path / "w.yaml").cut.stage("records.rig")

    assert stage(8).flops == 4 * stage(2).flops
    assert stage(8).memory_bytes > stage(2).memory_bytes
    text = (tmp_path / "w.yaml").read_text()
    (tmp_path / "w.yaml").write_text(text.replace("nperseg: 16", "band: [9 Hz, 3 Hz]"))
    with pytest.raises(WorkflowError, match="rising edges"):
        api.ask(tmp_path / "w.yaml")
