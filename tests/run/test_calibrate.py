"""A machine is measured into one text file, and finished runs correct it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpcflow.api import ask, start
from hpcflow.data.readers.made import MADE
from hpcflow.data.readers.registry import get_reader
from hpcflow.errors import RunError, StoreError
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.plan.calibration import Calibration, KernelTimes, stage_key
from hpcflow.plan.model import Cut
from hpcflow.plan.time import stage_seconds
from hpcflow.run import calibrate
from hpcflow.run.ledger import Ledger, append
from hpcflow.run.peak import peak_memory
from hpcflow.run.probe import reader as reader_rate
from hpcflow_kernels import contracts
from hpcflow_kernels.contract import Geometry, Param, Pattern, Port
from hpcflow_kernels.probes import PROBES, from_contract, measurable, prepared, probe_of
from tests import toy

SLOW = KernelTimes(1, ((1000, 1e-3), (100_000, 1e-1)))


@pytest.fixture
def known(toy_kernels: None) -> Calibration:
    return Calibration(
        "a processor", 2, "2026-01-01", dict.fromkeys(toy.CONTRACTS, SLOW), 1e8, 1e8, 1e-3, 1.0, {"toy": 1e8}
    )


def test_each_machine_has_its_own_entry(tmp_path: Path, known: Calibration) -> None:
    file = tmp_path / "deep" / "calibration.json"
    assert calibrate.load_calibration(file=file) is None
    calibrate.save_calibration(known, file=file)
    calibrate.save_calibration(replace(known, cores=128), "a-cluster", file)
    assert calibrate.load_calibration(file=file) == known
    ordered = known.seen("tiles", "z-old", 2.0).seen("tiles", "a-new", 3.0)
    calibrate.save_calibration(ordered, file=file)
    again = calibrate.load_calibration(file=file)
    assert again is not None
    assert list(again.observed["tiles"]) == ["z-old", "a-new"], "the newest stays last"
    other = calibrate.load_calibration("a-cluster", file)
    assert other is not None
    assert other.cores == 128


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "other/1"}', '{"schema": "hpcflow.calibration/1"}'])
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(StoreError, match="hpcflow calibrate"):
        calibrate.load_calibration(file=file)


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "mine.json"))
    assert calibrate.calibration_file() == tmp_path / "mine.json"
    monkeypatch.delenv("HPCFLOW_LUMI_CALIBRATION")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert calibrate.calibration_file() == tmp_path / "hpcflow-lumi" / "calibration.json"


def test_busy_time_counts_commits_between_blocks_and_no_worker_twice() -> None:
    receipts = [
        {"worker": "a", "end": 10.0, "seconds": 1.0},
        {"worker": "a", "end": 14.0, "seconds": 2.0},
        {"worker": "b", "end": 12.0, "seconds": 3.0},
        {"worker": "b", "end": 20.0, "seconds": 3.0, "failed": "no"},
        {"seconds": 0.0, "reused": 1},
    ]
    assert calibrate.busy_seconds(receipts) == pytest.approx(5.0 + 3.0)


def test_a_run_moves_the_prediction_onto_itself(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    cut = Cut.from_dict(folder.cut)
    for stage in cut.stages:
        for block in range(stage.blocks):
            append(
                folder.receipts / f"{stage.name}.jsonl",
                {
                    "stage": stage.name, "blocks": [block, block + 1], "seconds": 5.0, "samples": 1,
                    "computed": 1, "reused": 0, "worker": "w", "end": 100.0 + 5 * block,
                },
            )  # fmt: skip
    file = tmp_path / "calibration.json"
    assert calibrate.refine(folder, file=file) == 0, "who never calibrated gets no file"
    assert not file.exists()
    calibrate.save_calibration(known, file=file)
    assert calibrate.refine(folder, file=file) == len({stage_key(cut, s) for s in cut.stages})
    once = file.read_bytes()
    calibrate.refine(folder, file=file)
    assert file.read_bytes() == once, "a run is seen once"
    after = calibrate.load_calibration(file=file)
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    found = stage_seconds(cut, tiles, after)
    assert (found.low * found.high) ** 0.5 == pytest.approx(5.0 * tiles.blocks, rel=1e-3)


def test_stages_that_took_records_over_teach_nothing(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    cut = Cut.from_dict(folder.cut)
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    receipt = {"stage": tiles.name, "blocks": [0, tiles.blocks], "seconds": 9.0, "worker": "w", "end": 9.0}
    append(folder.receipts / "w.jsonl", {**receipt, "samples": 1, "computed": 0, "reused": 6})
    assert not dict(calibrate.ratios(folder, known))


def test_a_busy_machine_is_no_slow_kernel() -> None:
    def receipt(wall: float, processor: float) -> dict[str, object]:
        return {"worker": "w", "end": wall, "seconds": wall, "processor_seconds": processor}

    assert calibrate.own_seconds([receipt(10.0, 9.0)], 1.0) == 10.0, "a core to itself: wall time"
    assert calibrate.own_seconds([receipt(30.0, 8.0)], 1.0) == calibrate.WAITING * 8.0 + 1.0
    assert calibrate.own_seconds([receipt(30.0, 8.0)], 100.0) == 30.0, "waiting for the disk is its own"
    old = {"worker": "w", "end": 30.0, "seconds": 30.0}
    assert calibrate.own_seconds([old], 1.0) == 30.0, "receipts of before"


@pytest.mark.parametrize("name", measurable())
def test_every_kernel_can_be_measured(name: str) -> None:
    probe = probe_of(name)
    assert len(probe.sizes) == 3
    assert len(prepared(name, probe.sizes[0])()) > 0


def test_only_kernels_that_exist_have_probes_of_their_own() -> None:
    assert set(PROBES) <= set(contracts())


def test_a_new_kernel_is_measured_from_its_contract() -> None:
    limits = {
        "low": Param("low", "quantity", "-", "frequency"),
        "high": Param("high", "quantity", "-", "frequency"),
        "window": Param("window", "quantity", "-", "duration", maximum=0.05),
        "order": Param("order", "integer", "-", minimum=3),
        "which": Param("which", "text", "-", choices=("mean", "max")),
        "share": Param("share", "number", "-", default=0.5),
    }
    contract = replace(
        toy.CONTRACTS["framed"],
        params=tuple(limits.values()),
        geometry=lambda params, rate: Geometry(hop=1, frame=100_000),
        check=lambda params, rate: [] if params["low"] < params["high"] < rate / 2 else ["no band"],
    )
    probe = from_contract(contract)
    assert probe.params == {"low": 2000.0, "high": 4000.0, "window": 0.05, "order": 3, "which": "mean"}
    assert probe.sizes[0] >= 100_000, "a frame at least"
    facts = (Port("signal", "signal", "-", "acceleration"), Port("speed", "fact", "-", "frequency"))
    spare = Port("spare", "signal", "-", optional=True)
    record = replace(contract, pattern=Pattern.RECORD, ports=(*facts, spare))
    given = from_contract(record).ports(500)
    assert set(given) == {"signal", "speed"}
    assert (len(given["signal"].values), given["signal"].units, given["speed"]) == (500, "m s-2", 25.0)


def test_a_kernel_that_refuses_what_is_made_up_says_so() -> None:
    picky = replace(toy.CONTRACTS["framed"], check=lambda params, rate: ["the moon is not full"])
    with pytest.raises(ValueError, match=r"the moon is not full.*PROBES"):
        from_contract(picky)


def test_a_kernel_that_cannot_be_measured_keeps_assumed_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def probe(what: str, *rest: str) -> dict[str, object]:
        if rest[:1] == ("welch",):
            raise RunError("measuring kernel welch failed: ValueError: no")
        return {
            "version": 1, "points": [[10, 1.0]], "bytes_per_sample": 1.0, "wide": 1.5,
            "bytes_per_second": 5.0, "read_bytes_per_second": 1.0,
            "write_bytes_per_second": 1.0, "seconds_per_block": 1.0,
        }  # fmt: skip

    monkeypatch.setattr(calibrate, "run_probe", probe)
    told: list[str] = []
    found = calibrate.measure(tmp_path, told.append)
    assert set(found.kernels) == set(measurable()) - {"welch"}
    assert set(found.readers) == {"csv", "parquet", "hdf5", "matlab"}
    assert any("welch keeps assumed times" in line and "ValueError: no" in line for line in told)


@pytest.mark.parametrize("name", list(MADE))
def test_what_readers_are_timed_on_is_what_they_read(tmp_path: Path, name: str) -> None:
    reader = get_reader(name)
    path = tmp_path / f"made{reader.suffixes[0]}"
    MADE[name](path, 3000)
    (record,) = reader.scan(path, {})
    assert record.size == 3000
    x = reader.read(path, "", 0, 3000, {})["x"]
    expected = np.random.default_rng(22).standard_normal(3000, dtype=np.float32)
    assert np.allclose(x, expected, atol=1e-6, rtol=0)


def test_a_readers_rate_comes_from_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpcflow.run.probe.SAMPLES", 5000)
    assert reader_rate("hdf5", str(tmp_path))["bytes_per_second"] > 0
    assert not list(tmp_path.iterdir()), "nothing stays behind"


def test_receipts_say_what_the_processor_did(tmp_path: Path, toy_kernels: None) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    before = time.process_time()
    execute(folder, SerialExecutor())
    used = time.process_time() - before
    ledger = Ledger(folder)
    found = [r["processor_seconds"] for stage in ledger.stages for r in ledger.receipts(stage)]
    assert all(seconds >= 0 for seconds in found)
    assert 0.2 * used < sum(found) <= used


def test_the_files_of_a_run_are_foretold(tmp_path: Path, toy_kernels: None) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    execute(folder, SerialExecutor())
    cut = Cut.from_dict(folder.cut)
    stores = {s.name: folder.step_store(s.name, s.saved) for s in cut.steps if s.stored}
    stores |= {d.name: Path(folder.request["datasets"][d.name]["store"]) for d in cut.datasets}
    found = {name: sum(p.is_file() for p in store.rglob("*")) for name, store in stores.items()}
    for name, files in found.items():
        kinds = {f"ingest.{name}", f"table.{name}", f"assemble.{name}", f"merge.{name}"}
        foretold = sum(s.files for s in cut.stages if s.name in kinds)
        assert 0.7 * foretold <= files <= foretold, name


def test_measurements_come_from_processes_of_their_own(tmp_path: Path) -> None:
    found = calibrate.run_probe("kernel", "condition_indicators", "30000", "60000")
    assert [n for n, _ in found["points"]] == [30_000, 60_000]
    assert all(t > 0 for _, t in found["points"])
    rates = calibrate.run_probe("blocks", str(tmp_path))
    assert 0 < rates["seconds_per_block"] < 1
    assert not list(tmp_path.iterdir()), "nothing stays behind"


def test_a_failed_measurement_says_why() -> None:
    with pytest.raises(RunError, match="KeyError"):
        calibrate.run_probe("kernel", "no_such_kernel", "10")


WORKFLOW = """\
hpcflow: 1
name: bounds
datasets:
  m: {{zarr: m.zarr, defaults: {{bearing: SKF 6205-2RS JEM, speed: 1500 rpm, sampling_rate: 25600 Hz}}}}
steps: {steps}
save: {save}
run: {{block_size: {block}}}
"""

BAND = "band: {kernel: bandpass, input: m.acceleration, with: {low: 2 kHz, high: 5 kHz}}"
SPECTRUM = "envelope: {kernel: envelope_spectrum, input: band, with: {window: 1 s}}"
PORTS = "{signal: m.acceleration, speed: m.speed, bearing: m.bearing}"


@pytest.mark.parametrize(
    ("steps", "save", "samples", "block"),
    [
        (f"{{{BAND}, {SPECTRUM}}}", "[envelope]", 3_000_000, "4 MiB"),
        (f"{{{BAND}}}", "[band]", 30_000_000, "1 GiB"),
        (f"{{d: {{kernel: bearing_faults, input: {PORTS}}}}}", "[d]", 400_000, "64 MiB"),
    ],
    ids=["frames", "one block of 30 million filtered samples", "a diagnosis"],
)
def test_a_workers_peak_stays_below_its_bound(
    tmp_path: Path, steps: str, save: str, samples: int, block: str
) -> None:
    import zarr

    group = zarr.open_group(tmp_path / "m.zarr", mode="w")
    array = group.create_array("acceleration", shape=(1, samples), chunks=(1, 200_000), dtype="float32")
    array.attrs["units"] = "m s-2"
    array[:] = np.random.default_rng(5).standard_normal((1, samples), dtype=np.float32)
    (tmp_path / "w.yaml").write_text(WORKFLOW.format(steps=steps, save=save, block=block))
    folder = start(ask(tmp_path / "w.yaml"), tmp_path / "runs")
    stage = next(s for s in folder.cut["stages"] if s["kind"] in ("tiles", "records"))
    command = [sys.executable, "-m", "hpcflow.run.worker", str(folder.path), "--stage", stage["name"]]
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    subprocess.run(
        [*command, "--blocks", f"0:{stage['blocks']}"], env={**os.environ, "PYTHONPATH": paths}, check=True
    )
    peaks = [r["memory_bytes"] for r in Ledger(folder).receipts(stage["name"])]
    assert 0 < max(peaks) <= stage["memory_bytes"]


def test_a_small_process_is_not_blamed_for_the_large_one_that_started_it() -> None:
    ours = np.ones(40_000_000)
    code = "from hpcflow.run.peak import peak_memory; print(peak_memory())"
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 4e6 < int(done.stdout) < ours.nbytes < peak_memory()


def test_a_real_run_teaches(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    execute(folder, SerialExecutor())
    for key, ratio in calibrate.ratios(folder, known):
        assert key
        assert ratio > 0
    json.dumps(calibrate.refined(folder, known).to_dict())


def test_the_time_of_a_capped_kernel_counts_what_it_works_on(tmp_path: Path) -> None:
    import zarr

    def work(samples: int) -> tuple[int, int]:
        place = tmp_path / str(samples)
        array = zarr.open_group(place / "m.zarr", mode="w").create_array(
            "acceleration", shape=(2, samples), chunks=(1, 1 << 18), dtype="float32"
        )
        array.attrs["units"] = "m s-2"
        steps = f"{{d: {{kernel: bearing_faults, input: {PORTS}}}}}"
        (place / "w.yaml").write_text(WORKFLOW.format(steps=steps, save="[d]", block="64 MiB"))
        (stage,) = (s for s in ask(place / "w.yaml").cut.stages if s.kind == "records")
        return stage.work_samples, stage.read_bytes

    assert work(1_000_000) == (2_000_000, 8_000_000)
    most = int(4000 / 25 * 25_600)
    assert work(9_000_000) == (2 * most, 72_000_000), "all of it is read, its middle is judged"


def test_a_record_goes_before_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats that are decoded whole: one record of several shards in memory, never two."""
    import weakref

    from hpcflow.run.stages import ingest

    alive: list[weakref.ref[np.ndarray]] = []
    together = []
    read = ingest.read_stored

    def watched(*arguments: object) -> dict[str, np.ndarray]:
        together.append(sum(one() is not None for one in alive))
        found = read(*arguments)  # type: ignore[arg-type]
        alive.extend(weakref.ref(values) for values in found.values())
        return found

    monkeypatch.setattr(ingest, "read_stored", watched)
    for number in range(3):
        rows = "".join(f"{number},{k}\n" for k in range(300_000))
        (tmp_path / f"{number}.csv").write_text("x,y\n" + rows)
    (tmp_path / "w.yaml").write_text(
        "hpcflow: 1\nname: held\ndatasets: {m: {files: '*.csv', reader: csv, "
        "variables: {y: {select: y}}, defaults: {sampling_rate: 1 kHz}}}\n"
        "steps: {d: {kernel: condition_indicators, input: m.y}}\nsave: [d]\n"
    )
    folder = start(ask(tmp_path / "w.yaml"), tmp_path / "runs")
    execute(folder, SerialExecutor())
    assert together == [0, 0, 0]
