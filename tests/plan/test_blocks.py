"""Blocks against a list of them written out by hand, over records of any lengths."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.plan.axes import tile_length
from hpcflow.plan.blocks import Bundles, TileGrid, owned_rows
from hpcflow.plan.layout import Layout, place
from hpcflow_kernels import Geometry

SIZES = st.lists(st.integers(0, 60), max_size=12)


@given(sizes=SIZES, tile=st.integers(1, 20), per_block=st.integers(1, 7), data=st.data())
def test_blocks_hold_every_tile_once_and_in_order(
    sizes: list[int], tile: int, per_block: int, data: st.DataObject
) -> None:
    runs = [data.draw(st.booleans()) for _ in sizes]
    grid = TileGrid.make(np.array(sizes, np.int64), np.where(runs, tile, 0).astype(np.int64), per_block)
    tiles = [
        (record, number)
        for record, size in enumerate(sizes)
        if runs[record]
        for number in range(-(-size // tile))
    ]
    blocks = [tiles[i : i + per_block] for i in range(0, len(tiles), per_block)]
    assert grid.blocks == len(blocks)
    for number, wanted in enumerate(blocks):
        found = [(r, t) for r, a, b in grid.tiles_of(number, number + 1) for t in range(a, b)]
        assert found == wanted
    low, high = sorted(data.draw(st.integers(0, len(blocks))) for _ in range(2))
    found = [(r, t) for r, a, b in grid.tiles_of(low, high) for t in range(a, b)]
    assert found == [tile for block in blocks[low:high] for tile in block]


@given(
    size=st.integers(1, 500),
    tile=st.integers(1, 90),
    hop=st.integers(1, 40),
    up=st.integers(1, 9),
    frame=st.integers(1, 80),
)
def test_tiles_own_each_row_once(size: int, tile: int, hop: int, up: int, frame: int) -> None:
    rows = Geometry(hop, frame, up=up).rows(size)
    edges = [owned_rows(tile, hop, up, rows, t, t + 1) for t in range(-(-size // tile))]
    owned = [row for low, high in edges for row in range(low, high)]
    assert owned == list(range(rows))
    for number, (low, high) in enumerate(edges):
        assert all(number * tile <= row * hop / up < (number + 1) * tile for row in range(low, high))


@given(sizes=SIZES, per_block=st.integers(1, 80))
def test_bundles_hold_every_record_once_and_none_is_empty(sizes: list[int], per_block: int) -> None:
    bundles = Bundles.make(np.array(sizes, np.int64), per_block)
    parts = [list(bundles.records_of(block)) for block in range(bundles.blocks)]
    assert [record for part in parts for record in part] == list(range(len(sizes)))
    assert all(parts)
    for part in parts:
        assert sum(max(sizes[r], 1) for r in part[:-1]) < per_block + max(
            (max(s, 1) for s in sizes), default=0
        )


@given(st.integers(0, 10**7))
def test_a_tile_is_a_power_of_two_and_long_against_its_halo(reach: int) -> None:
    tile = tile_length(reach)
    assert tile & (tile - 1) == 0
    assert tile >= 1 << 18
    assert tile >= 4 * reach
    assert tile == 1 << 18 or tile < 8 * reach


@given(sizes=SIZES, begin=st.integers(0, 200))
def test_records_lie_apart_and_short_ones_within_a_chunk(sizes: list[int], begin: int) -> None:
    layout = Layout(chunk=16, shard=64)
    start = place(sizes, begin, layout).tolist()
    cursor = begin
    for first, size in zip(start, sizes, strict=True):
        assert first >= cursor
        if size >= layout.chunk:
            assert first % layout.chunk == 0
        elif size:
            assert first // layout.chunk == (first + size - 1) // layout.chunk
        cursor = first + size
