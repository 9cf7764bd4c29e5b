"""Between lanes: transpose, rotate, sum over, take out and put in one."""

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

    Half of the lanes change sides at each of log2(n) levels, so that every level is one two-register
    shuffle per vector on the machines we know.
    """
    kind = rows.dtype if isinstance(rows, types.UniTuple) else None
    if not isinstance(kind, VectorType) or rows.count != kind.lanes:
        raise TypingError(f"transpose takes as many vectors as they have lanes, not {rows}")
    n = kind.lanes

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        v = cgutils.unpack_tuple(builder, args[0], n)
        step = 1
        while step < n:
            low = [(i if not i & step else n + i - step) for i in range(n)]
            high = [(i + step if not i & step else n + i) for i in range(n)]
            for i in range(n):
                if not i & step:
                    a, b = v[i], v[i + step]
                    v[i], v[i + step] = _shuffle(builder, a, b, low), _shuffle(builder, a, b, high)
            step *= 2
        return context.make_tuple(builder, rows, v)

    return rows(rows), emit


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
