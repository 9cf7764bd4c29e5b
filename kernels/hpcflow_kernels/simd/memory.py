"""Vectors from and to contiguous one-dimensional arrays, aligned or not."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.np.arrayobj import make_array

from hpcflow_kernels.simd.vector import VectorType, elements_of, intrinsic, lanes_of


def _vector_of(array: types.Type, lanes: types.Type) -> VectorType:
    element, count = elements_of(array), lanes_of(lanes)
    if element is None:
        raise TypingError(f"vectors come from contiguous one-dimensional arrays of numbers, not {array}")
    if count is None:
        raise TypingError("the number of lanes must be a constant")
    return VectorType(element, count)


def _pointer(
    context: Any, builder: ir.IRBuilder, array: types.Type, value: Any, index: Any, kind: types.Type
) -> Any:
    """Address of ``array[index]``, as one of a value of `kind`."""
    place = builder.gep(make_array(array)(context, builder, value).data, [index])
    return builder.bitcast(place, context.get_value_type(kind).as_pointer())


def _spread(builder: ir.IRBuilder, scalar: Any, lanes: int) -> Any:
    """The same scalar in every lane."""
    one = ir.VectorType(scalar.type, lanes)
    first = builder.insert_element(ir.Constant(one, ir.Undefined), scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(
        first, ir.Constant(one, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    )


@intrinsic(prefer_literal=True)
def load(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """The elements ``array[index : index + lanes]`` as a vector."""
    kind = _vector_of(array, lanes)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, array, args[0], args[1], kind)
        return builder.load(place, align=array.dtype.bitwidth // 8)

    return kind(array, types.intp, lanes), emit


@intrinsic
def store(typing: Any, array: Any, index: Any, vector: Any) -> Any:
    """Write a vector to ``array[index : index + lanes]``."""
    if not isinstance(vector, VectorType) or elements_of(array) != vector.dtype:
        raise TypingError(f"a {vector} does not go into {array}: convert it first")

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, array, args[0], args[1], vector)
        builder.store(args[2], place, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, types.intp, vector), emit


@intrinsic
def announce(typing: Any, array: Any, index: Any) -> Any:
    """Have the cache line of ``array[index]`` brought near, as it is written soon; changes nothing."""
    if not isinstance(array, types.Array) or array.layout != "C":
        raise TypingError(f"only places of contiguous arrays are announced, not of {array}")

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        place = builder.gep(make_array(array)(context, builder, args[0]).data, [args[1]])
        writing, nearest, data = number(1), number(3), number(1)
        builder.call(call, [builder.bitcast(place, byte), writing, nearest, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), emit


@intrinsic(prefer_literal=True)
def broadcast(typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """The element ``array[index]`` in every lane; one instruction where it comes from memory."""
    kind = _vector_of(array, lanes)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        place = _pointer(context, builder, array, args[0], args[1], array.dtype)
        return _spread(builder, builder.load(place, align=array.dtype.bitwidth // 8), kind.lanes)

    return kind(array, types.intp, lanes), emit


@intrinsic(prefer_literal=True)
def splat(typing: Any, like: Any, value: Any, lanes: Any) -> Any:
    """A scalar in every lane, converted to the element type of the array or vector `like`."""
    dtype = like.dtype if isinstance(like, VectorType) else elements_of(like)
    count = lanes_of(lanes)
    if dtype is None or count is None or not isinstance(value, types.Number | types.Literal):
        raise TypingError(f"splat(array or vector, number, constant lanes), not ({like}, {value}, {lanes})")
    kind, number = VectorType(dtype, count), types.unliteral(value)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _spread(builder, context.cast(builder, args[1], number, dtype), kind.lanes)

    return kind(like, number, lanes), emit
