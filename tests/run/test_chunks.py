"""Chunks that blocks encode make the shards that rows make, wherever the blocks were cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcflow.data.encode import encode, encode_chunks
from hpcflow.data.template import field_spec
from hpcflow.plan.model import Cut, FieldPlan, StepPlan
from hpcflow.run.chunks import with_chunks
from hpcflow.run.packs import Piece, pack_parts, scan_pack
from hpcflow.run.stages.assemble import Gathered
from hpcflow_kernels import Pattern

SHARD, CHUNK = 64, 16
FIELD = FieldPlan("y", "a signal", "V", "float32", (), ())


def cut_of(rows: int, pattern: Pattern = Pattern.MAP) -> Cut:
    step = StepPlan(
        name="s", kernel="k", version=1, pattern=pattern.value, params={}, inputs=(), dataset="d",
        axis="sample", fields=(FIELD,), rows=rows, saved=True, stored=True, shard=SHARD, key="",
    )  # fmt: skip
    return Cut("w", (), (step,), ())


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.integers(1, 200),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    hole=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    lost=st.integers(0, 7),
)
def test_shards_are_the_same_wherever_blocks_were_cut(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    cuts: list[int],
    hole: tuple[int, int],
    lost: int,
) -> None:
    monkeypatch.setattr("hpcflow.data.encode.CHUNK_BYTES", 4 * CHUNK)
    cut = cut_of(rows)
    spec = field_spec(cut.step("s"), FIELD)
    assert spec.chunk == CHUNK
    values = np.random.default_rng(rows).standard_normal(rows).astype(np.float32)
    values[slice(*sorted(hole))] = np.nan
    edges = sorted({0, rows, *(c for c in cuts if c < rows)})
    blocks = list(pairwise(edges))
    if lost < len(blocks):  # rows that no block made: of a record that was set aside
        values[slice(*blocks.pop(lost))] = np.nan
    pieces = with_chunks(cut, [Piece("s", "y", a, values[a:b]) for a, b in blocks])
    for a, b in blocks:
        first = -(-a // CHUNK) * CHUNK
        whole = -(-b // CHUNK) if b == rows else b // CHUNK
        assert sum(a <= p.start < b for p in pieces if p.chunk) == max(0, whole - first // CHUNK)
    pack = tmp_path / "w.pack"
    pack.write_bytes(b"".join(part for piece in pieces for part in pack_parts(piece)))
    placed = list(scan_pack(pack, [(0, pack.stat().st_size)]))
    for shard in range(-(-rows // SHARD)):
        start, stop = shard * SHARD, min((shard + 1) * SHARD, rows)
        gathered = Gathered(spec, placed, start, stop)
        made = encode_chunks(spec, stop - start, gathered.rows, gathered.encoded)
        assert made == encode(spec, values[start:stop])


@pytest.mark.parametrize("pattern", [Pattern.REDUCE, Pattern.EVENTS])
def test_what_has_no_place_yet_stays_rows(pattern: Pattern) -> None:
    pieces = [Piece("s", "y", 0, np.zeros(SHARD, np.float32))]
    assert with_chunks(cut_of(SHARD, pattern), pieces) == pieces
