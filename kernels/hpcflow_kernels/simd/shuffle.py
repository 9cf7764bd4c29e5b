"""Between lanes: transpose, rotate, slide, sum over, take out and put in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError

from hpcflow_kernels.simd.vector import VectorType, intrinsic, lanes_of


def _shuffle(builder: ir.IRBuilder, a: Any, b: Any, order: Sequence[int]) -> Any:
    """Lanes picked from a (0 .. n-1) and b (n .. 2n-1)."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), list(order))
    return builder.shuffle_vector(a, b, mask)


@intrinsic
def transpose(typing: Any, rows: Any) -> Any:
    """Rows to columns: n vectors of n lanes as a tuple, to n vectors.

    Vectors of more lanes are transposed n lanes at a time, each part by itself. Half of the lanes change
    sides at each of log2(n) levels, so that every level is one two-register shuffle per vector on the
    machines we know.
    """
    kind = rows.dtype if isinstance(rows, types.UniTuple) else None
    if not isinstance(kind, VectorType) or rows.count & (rows.count - 1) or kind.lanes % rows.count:
        raise TypingError(
            f"transpose takes as many vectors as they, or parts of them, have lanes, not {rows}"
        )
    n, lanes = rows.count, kind.lanes

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        v = cgutils.unpack_tuple(builder, args[0], n)
        step = 1
        while step < n:
            low = [(i if not i & step else lanes + i - step) for i in range(lanes)]
            high = [(i + step if not i & step else lanes + i) for i in range(lanes)]
            for i in range(n):
                if not i & step:
                    a, b = v[i], v[i + step]
                    v[i], v[i + step] = _shuffle(builder, a, b, low), _shuffle(builder, a, b, high)
            step *= 2
        return context.make_tuple(builder, rows, v)

    return rows(rows), emit


@intrinsic
def join(typing: Any, a: Any, b: Any) -> Any:
    """One vector of twice the lanes: those of a, then those of b."""
    if not isinstance(a, VectorType) or a != b:
        raise TypingError(f"join takes two vectors of one type, not {a}, {b}")
    kind = VectorType(a.dtype, 2 * a.lanes)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _shuffle(builder, args[0], args[1], range(kind.lanes))

    return kind(a, b), emit


@intrinsic
def deal(typing: Any, low: Any, high: Any) -> Any:
    """Every second lane of two neighbours: from the first one on, and from the second one on."""
    if not isinstance(low, VectorType) or low != high:
        raise TypingError(f"deal takes two vectors of one type, not {low}, {high}")
    pair = types.UniTuple(low, 2)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        parts = [_shuffle(builder, args[0], args[1], range(first, 2 * low.lanes, 2)) for first in (0, 1)]
        return context.make_tuple(builder, pair, parts)

    return pair(low, high), emit


@intrinsic
def halves(typing: Any, vector: Any) -> Any:
    """The lower and the upper half of the lanes, as a tuple of two vectors."""
    if not isinstance(vector, VectorType) or vector.lanes < 4:
        raise TypingError(f"halves takes a vector of four lanes or more, not {vector}")
    n = vector.lanes // 2
    pair = types.UniTuple(VectorType(vector.dtype, n), 2)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        parts = [_shuffle(builder, args[0], args[0], range(first, first + n)) for first in (0, n)]
        return context.make_tuple(builder, pair, parts)

    return pair(vector), emit


@intrinsic(prefer_literal=True)
def rotate(typing: Any, vector: Any, by: Any) -> Any:
    """Lane i gets what lane i + by held, around the end; `by` is a constant and may be negative."""
    count = lanes_of(by)
    if not isinstance(vector, VectorType) or count is None:
        raise TypingError(f"rotate takes a vector and a constant, not {vector}, {by}")
    order = [(i + count) % vector.lanes for i in range(vector.lanes)]

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _shuffle(builder, args[0], args[0], order)

    return vector(vector, by), emit


@intrinsic(prefer_literal=True)
def rotate_fours(typing: Any, vector: Any, by: Any) -> Any:
    """`rotate` of each four lanes by themselves: no lane leaves its half of a register, which is cheaper."""
    count = lanes_of(by)
    if not isinstance(vector, VectorType) or vector.lanes < 4 or count is None:
        raise TypingError(
            f"rotate_fours takes a vector of four lanes or more and a constant, not {vector}, {by}"
        )
    order = [i // 4 * 4 + (i + count) % 4 for i in range(vector.lanes)]

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _shuffle(builder, args[0], args[0], order)

    return vector(vector, by), emit


@intrinsic(prefer_literal=True)
def slide(typing: Any, low: Any, high: Any, by: Any) -> Any:
    """Lanes of two neighbours from lane `by` of the first on, a constant from 0 to the number of lanes.

    What loading `by` places further would give, without the memory.
    """
    count = lanes_of(by)
    if not isinstance(low, VectorType) or low != high or count is None or not 0 <= count <= low.lanes:
        raise TypingError(f"slide takes two vectors of a kind and a constant, not {low}, {high}, {by}")
    order = range(count, count + low.lanes)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _shuffle(builder, args[0], args[1], order)

    return low(low, high, by), emit


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """Sum over the lanes as a scalar, by halves: ((0 + n/2) + ...), the same tree on every CPU."""
    if not isinstance(vector, VectorType):
        raise TypingError(f"total takes a vector, not {vector}")

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        value, n = args[0], vector.lanes
        add = builder.fadd if isinstance(vector.dtype, types.Float) else builder.add
        while n > 1:
            n //= 2
            low, high = range(n), range(n, 2 * n)
            value = add(_shuffle(builder, value, value, low), _shuffle(builder, value, value, high))
        return builder.extract_element(value, ir.IntType(32)(0))

    return vector.dtype(vector), emit


@intrinsic
def extract(typing: Any, vector: Any, lane: Any) -> Any:
    """One lane as a scalar."""
    if not isinstance(vector, VectorType) or not isinstance(lane, types.Integer):
        raise TypingError(f"extract takes a vector and a lane, not {vector}, {lane}")

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return builder.extract_element(args[0], args[1])

    return vector.dtype(vector, types.intp), emit


@intrinsic
def insert(typing: Any, vector: Any, lane: Any, value: Any) -> Any:
    """The vector with one lane replaced."""
    if not isinstance(vector, VectorType) or not isinstance(lane, types.Integer):
        raise TypingError(f"insert takes a vector, a lane and a number, not {vector}, {lane}, {value}")

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return builder.insert_element(args[0], args[2], args[1])

    return vector(vector, types.intp, vector.dtype), emit
