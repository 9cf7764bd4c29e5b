"""Records that ranks compute together: the same bytes for any number of ranks, and after any failure."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpcflow.data.store import Regions
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.plan.memory import BASE, rank_bytes
from hpcflow.plan.model import Cut
from hpcflow.run.account import DONE, FAILED, RETRY
from hpcflow.run.commit import Committer
from hpcflow.run.context import RunContext
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.packs import extents_of
from hpcflow.run.ranks import compute, main
from hpcflow.run.stages.collective import check_shares
from hpcflow.run.worker import run_blocks
from hpcflow_kernels import Ranks, Share, UnusableRecordError
from hpcflow_kernels.mpi.over_mpi import OverMpi
from hpcflow_kernels.threads import Threads
from tests import toy
from tests.run.test_execute import by_segments, hashes, opened, rows_of

pytestmark = pytest.mark.usefixtures("toy_kernels")


def prepared(folder: Path) -> RunFolder:
    return toy.prepare(folder, toy.signals(), 1 << 20, steps=toy.COLLECTIVE)


def through_threads(folder: RunFolder, stage: str, ranks: int) -> None:
    """As a worker whose threads are ranks computes a stage."""
    ctx = RunContext(folder)
    ctx.ranks = ranks
    assert not run_blocks(ctx, stage, range(ctx.cut.stage(stage).blocks), Committer(folder, f"w-{ranks}"))


def through_ranks(folder: RunFolder, stage: str, ranks: int) -> int:
    """As an MPI job computes a stage, its processes being threads here."""
    codes = Threads(ranks).run(lambda rank: compute(folder, stage, rank))
    assert len(set(codes)) == 1
    return codes[0]


def waiting(folder: RunFolder) -> list[str]:
    """Names of the collective stages, with all that they need computed."""
    stages = Cut.from_dict(folder.cut).stages
    found = [stage.name for stage in stages if stage.kind == "collective"]
    ready = ("ingest.", "table.", "tiles.made", "assemble.soft")
    before = [stage.name for stage in stages if stage.name.startswith(ready) and stage.name != "tiles.made.2"]
    execute(folder, SerialExecutor(), stages=before)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    patch = pytest.MonkeyPatch()
    patch.setattr("hpcflow_kernels.registry.contracts", lambda: toy.CONTRACTS)
    patch.setattr("hpcflow.run.stages.ingest.get_reader", lambda name: toy.READER)
    patch.setattr("hpcflow.run.stages.ingest.checksum", toy.checksum)
    patch.setattr("hpcflow.run.stages.ingest.read_stored", toy.read)
    folder = prepared(tmp_path_factory.mktemp("whole"))
    execute(folder, SerialExecutor())
    patch.undo()
    return hashes(folder)


def test_a_record_beside_itself(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    execute(folder, SerialExecutor())
    mirror, again, frames = (opened(folder, name) for name in ("mirror", "again", "frames"))
    for index, x in enumerate(toy.signals()):
        if len(x) < 40:
            assert np.isnan(rows_of(mirror, "mirror", index)).all()
            continue
        np.testing.assert_array_equal(rows_of(mirror, "mirror", index), x[::-1])
        np.testing.assert_array_equal(rows_of(mirror, "pair", index), np.stack([x, x[::-1]], axis=1))
        level = 2.0 * (x - np.nansum(x.astype(np.float64)) / len(x))
        np.testing.assert_allclose(rows_of(mirror, "level", index), level, atol=1e-9)
        np.testing.assert_array_equal(rows_of(again, "mirror", index), by_segments(x)[::-1])
        if len(x) >= 1000:
            want = toy.framed(x[::-1], rate=1.0, frame=1000, hop=300)
            np.testing.assert_array_equal(rows_of(frames, "peak", index), want["peak"])
    assert mirror["rate"].values[0] == 1000.0
    assert Ledger(folder).aside() == {"r2.bin": "again: fewer than 40 samples"}


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("through", [through_threads, through_ranks])
def test_any_number_of_ranks_gives_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, str], through, ranks: int
) -> None:
    folder = prepared(tmp_path)
    stages = waiting(folder)
    assert len(stages) == 2
    for stage in stages:
        through(folder, stage, ranks)
        assert Ledger(folder).complete(stage)
    before = {stage: len(Ledger(folder).receipts(stage)) for stage in stages}
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed
    assert before == {stage: len(Ledger(folder).receipts(stage)) for stage in stages}
    assert not list(folder.path.glob("packs"))


def test_receipts_name_the_packs_of_all_ranks(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    assert through_ranks(folder, stage, 3) == DONE
    receipts = Ledger(folder).receipts(stage)
    assert [r["blocks"] for r in receipts] == [[b, b + 1] for b in range(len(toy.signals()))]
    largest = receipts[0]
    assert largest["ranks"] == 3
    assert len({pack for pack, _, _ in extents_of(largest)}) == 3
    for pack, offset, length in extents_of(largest):
        assert 0 < length <= (folder.packs / pack).stat().st_size - offset
    assert sum(r["samples"] for r in receipts) == sum(map(len, toy.signals())) - 33
    unusable = receipts[2]
    assert not list(extents_of(unusable))
    assert [item["record"] for item in unusable["aside"]] == ["r2.bin"]


def test_records_of_an_earlier_run_are_taken_over_by_share(tmp_path: Path) -> None:
    steps = toy.COLLECTIVE[1:2]
    earlier = toy.prepare(tmp_path, toy.signals(), steps=steps)
    execute(earlier, SerialExecutor())
    records = [*toy.signals(), np.arange(5000, dtype=np.float32)]
    folder = toy.prepare(tmp_path, records, steps=steps, store="other")
    (stage,) = waiting(folder)
    assert through_ranks(folder, stage, 3) == DONE
    receipts = Ledger(folder).receipts(stage)
    assert [r["reused"] for r in receipts] == [1, 1, 0, 1, 1, 1, 0]
    execute(folder, SerialExecutor())
    fresh = toy.prepare(tmp_path / "fresh", records, steps=steps)
    execute(fresh, SerialExecutor())
    assert hashes(folder) == hashes(fresh)


def failing(monkeypatch: pytest.MonkeyPatch, samples: int) -> None:
    """Have the kernel fail on the last rank for records of a length."""
    sound = toy.mirrored

    def mirrored(*, ranks: Ranks, signal: toy.Spread, weight: float | None = None) -> Share:
        if signal.samples == samples and ranks.number == ranks.count - 1:
            raise ZeroDivisionError("a bug")
        return sound(ranks=ranks, signal=signal, weight=weight)

    monkeypatch.setattr(toy, "mirrored", mirrored)


def test_an_error_is_the_blocks_and_the_others_go_on(
    tmp_path: Path, undisturbed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    with monkeypatch.context() as patch:
        failing(patch, 300_000)
        assert through_ranks(folder, stage, 3) == FAILED
    assert Ledger(folder).failures(stage) == {3: "ZeroDivisionError: a bug (on rank 2 of 3)"}
    assert Ledger(folder).remaining(stage, retry_failed=True) == [(3, 4)]
    # A second attempt leaves the block alone.
    codes = Threads(2).run(lambda rank: compute(folder, stage, rank, retry_failed=False))
    assert codes == [FAILED, FAILED]
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed


def test_a_record_that_one_rank_cannot_read_fails_alone(
    tmp_path: Path, undisturbed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, tried = RunContext.regions, []

    def regions(ctx: RunContext, source: str) -> Regions:
        if threading.current_thread().name == "rank-1":
            tried.append(source)
            if len(tried) == 1:
                raise OSError(116, "Stale file handle")
        return sound(ctx, source)

    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    with monkeypatch.context() as patch:
        patch.setattr(RunContext, "regions", regions)
        assert through_ranks(folder, stage, 3) == FAILED
    reason = "OSError: [Errno 116] Stale file handle (on rank 1 of 3)"
    assert Ledger(folder).failures(stage) == {0: reason}
    assert Ledger(folder).done(stage) == [(1, len(toy.signals()))]
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed


@pytest.mark.parametrize("through", [through_threads, through_ranks])
def test_a_record_that_one_rank_finds_unusable_is_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through
) -> None:
    sound = toy.mirrored

    def mirrored(*, ranks: Ranks, signal: toy.Spread, weight: float | None = None) -> Share:
        if signal.samples == 300_000 and ranks.number == ranks.count - 1:
            raise UnusableRecordError("a gap")
        return sound(ranks=ranks, signal=signal, weight=weight)

    monkeypatch.setattr(toy, "mirrored", mirrored)
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    through(folder, stage, 3)
    assert Ledger(folder).complete(stage)
    assert Ledger(folder).aside(stage) == {
        "r2.bin": "mirror: fewer than 40 samples",
        "r3.bin": "mirror: a gap",
    }


def test_a_rank_ends_the_others_even_where_receipts_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would wait for it until the job's time limit."""
    codes: list[int] = []

    class Ends(OverMpi):
        def __init__(self) -> None:
            self.number, self.count = 1, 2

        def abort(self, code: int = 1) -> None:
            codes.append(code)

    def fails(*_: object, **__: object) -> int:
        raise OSError("stale file handle")

    folder = prepared(tmp_path)
    monkeypatch.setattr("hpcflow_kernels.mpi.over_mpi.OverMpi", Ends)
    monkeypatch.setattr("hpcflow.run.ranks.compute", fails)
    monkeypatch.setattr("hpcflow.run.ranks.exit_code", fails)
    monkeypatch.setattr("hpcflow.run.ranks.signal.signal", lambda *_: None)
    with pytest.raises(OSError, match="stale"):
        main([str(folder.path), "--stage", "collective.any"])
    assert codes == [RETRY]


def test_one_rank_may_stop_all_between_blocks(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    done: list[int] = []

    def run(rank: Ranks) -> int:
        def stop() -> str:
            if rank.number == 1:
                done.append(1)
            return "enough" if len(done) > 2 and rank.number == 1 else ""

        return compute(folder, stage, rank, stop=stop)

    assert Threads(3).run(run) == [RETRY] * 3
    assert Ledger(folder).done(stage) == [(0, 2)]
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed


def test_shares_of_blocks_are_computed_by_communicators_of_their_own(
    tmp_path: Path, undisturbed: dict[str, str]
) -> None:
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    blocks = len(toy.signals())
    for index, done in ((1, [(blocks // 2, blocks)]), (0, [(0, blocks)])):
        codes = Threads(2).run(lambda rank, at=index: compute(folder, stage, rank, share=(at, 2)))
        assert codes == [DONE, DONE]
        assert Ledger(folder).done(stage) == done
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed


def test_shares_hold_each_row_once(tmp_path: Path) -> None:
    step = Cut.from_dict(prepared(tmp_path).cut).step("mirror")
    check_shares(step, 10, [(4, 6), (0, 4), (7, 0)])
    check_shares(step, 0, [(0, 0)])
    for shares, what in (
        ([(0, 4), (5, 5)], "row 4 is nobody's"),
        ([(0, 5), (4, 6)], "row 4 is held twice"),
        ([(0, 5), (5, 4)], "gave 9 rows where its contract says 10"),
    ):
        with pytest.raises(ValueError, match=what):
            check_shares(step, 10, shares)


def test_a_rank_reads_within_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def beyond(*, ranks: Ranks, signal: toy.Spread, weight: float | None = None) -> Share:
        return Share(0, {"mirror": signal.read(0, signal.samples + 1)})

    monkeypatch.setattr(toy, "mirrored", beyond)
    folder = prepared(tmp_path)
    stage = waiting(folder)[0]
    assert through_ranks(folder, stage, 2) == FAILED
    reason = Ledger(folder).failures(stage)[0]
    assert reason == "IndexError: [0, 700002) of made.x lies beyond its record's 700001"


def test_collective_steps_have_stages_of_their_own(tmp_path: Path) -> None:
    cut = Cut.from_dict(prepared(tmp_path).cut)
    stages = {stage.name: stage for stage in cut.stages}
    assert {n for n in stages if not n.startswith(("ingest", "table", "assemble"))} == {
        "tiles.made",
        "collective.made",
        "collective.made.2",
        "tiles.made.2",
    }
    assert stages["collective.made"].after == ("table.made",)
    assert stages["collective.made.2"].after == ("assemble.soft", "table.made")
    assert stages["tiles.made.2"].after == ("assemble.mirror", "table.made")
    assert stages["collective.made"].blocks == len(toy.signals())


def test_ranks_share_out_what_the_contract_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bounds() -> list[int]:
        cut = Cut.from_dict(prepared(tmp_path).cut)
        return [rank_bytes(cut.stage("collective.made"), ranks) - BASE for ranks in (1, 4, 1000)]

    contract = toy.CONTRACTS["mirrored"]
    longest, rows = 700_001, 700_001 * (4 + 8 + 8)
    alone, four, many = bounds()
    work = (2 * 4 + contract.bytes_per_sample) * longest
    assert alone >= work + 2 * rows
    assert (alone - many) * 0.75 == pytest.approx(alone - four, rel=1e-2)
    monkeypatch.setitem(toy.CONTRACTS, "mirrored", replace(contract, held_by_rank="all"))
    assert bounds()[0] == alone
    assert bounds()[2] >= work


def test_the_plan_says_nothing_of_ranks(tmp_path: Path) -> None:
    assert "ranks" not in json.dumps(prepared(tmp_path).cut)
