"""Lane by lane: operators, fused multiply-add, smaller and larger, choice, square root, conversion."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin

from hpcflow_kernels.simd.vector import MaskType, VectorType, intrinsic

_BINARY = {operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "div"}
_COMPARE = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="}
_LOGIC = {operator.and_: "and_", operator.or_: "or_"}


def _is_float(kind: VectorType) -> bool:
    return isinstance(kind.dtype, types.Float)


def _same(kinds: tuple[Any, ...], what: type = VectorType) -> bool:
    return isinstance(kinds[0], what) and all(kind == kinds[0] for kind in kinds)


def _add_binary(function: Callable[..., Any], name: str) -> None:
    @infer_global(function)
    class _Binary(AbstractTemplate):
        def generic(self, args: tuple[Any, ...], kws: Any) -> Any:
            if len(args) == 2 and _same(args) and (name != "div" or _is_float(args[0])):
                return args[0](*args)
            return None

    @lower_builtin(function, VectorType, VectorType)
    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        prefix = "f" if _is_float(signature.args[0]) else ""
        return getattr(builder, prefix + name)(*args)


def _add_comparison(function: Callable[..., Any], sign: str) -> None:
    @infer_global(function)
    class _Comparison(AbstractTemplate):
        def generic(self, args: tuple[Any, ...], kws: Any) -> Any:
            return MaskType(args[0].lanes)(*args) if len(args) == 2 and _same(args) else None

    @lower_builtin(function, VectorType, VectorType)
    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        compare = builder.fcmp_ordered if _is_float(signature.args[0]) else builder.icmp_signed
        return compare(sign, *args)


def _add_logic(function: Callable[..., Any], name: str) -> None:
    @infer_global(function)
    class _Logic(AbstractTemplate):
        def generic(self, args: tuple[Any, ...], kws: Any) -> Any:
            return args[0](*args) if len(args) == 2 and _same(args, MaskType) else None

    @lower_builtin(function, MaskType, MaskType)
    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return getattr(builder, name)(*args)


for _function, _name in _BINARY.items():
    _add_binary(_function, _name)
for _function, _name in _COMPARE.items():
    _add_comparison(_function, _name)
for _function, _name in _LOGIC.items():
    _add_logic(_function, _name)


@infer_global(operator.neg)
class _Negative(AbstractTemplate):
    def generic(self, args: tuple[Any, ...], kws: Any) -> Any:
        return args[0](args[0]) if len(args) == 1 and isinstance(args[0], VectorType) else None


@lower_builtin(operator.neg, VectorType)
def _emit_negative(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
    return builder.fneg(args[0]) if _is_float(signature.args[0]) else builder.neg(args[0])


def _need(holds: bool, rule: str, *kinds: Any) -> None:
    if not holds:
        raise TypingError(f"{rule}, not {', '.join(map(str, kinds))}")


def _call_llvm(builder: ir.IRBuilder, name: str, args: Any) -> Any:
    """Call an intrinsic of LLVM; llvmlite's builder knows scalar ones only."""
    kind = args[0].type
    full = f"{name}.v{kind.count}{'f64' if kind.element == ir.DoubleType() else 'f32'}"
    declared = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind] * len(args)), full)
    return builder.call(declared, args)


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c`` rounded once."""
    _need(_same((a, b, c)) and _is_float(a), "fma takes three vectors of one floating type", a, b, c)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _call_llvm(builder, "llvm.fma", args)

    return a(a, b, c), emit


@intrinsic
def select(typing: Any, mask: Any, yes: Any, no: Any) -> Any:
    """Lanes of `yes` where the mask holds, of `no` elsewhere."""
    _need(
        isinstance(mask, MaskType) and _same((yes, no)) and mask.lanes == yes.lanes,
        "select takes a mask and two vectors of one type",
        mask,
        yes,
        no,
    )

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return yes(mask, yes, no), emit


@intrinsic
def any_lane(typing: Any, mask: Any) -> Any:
    """Whether the mask holds in one lane or more, as a truth value to branch on."""
    _need(isinstance(mask, MaskType), "any_lane takes a mask", mask)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], ir.IntType(mask.lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    return types.boolean(mask), emit


def _chosen(name: str, sign: str) -> Any:
    def choose(typing: Any, a: Any, b: Any) -> Any:
        _need(_same((a, b)), f"{name} takes two vectors of one type", a, b)

        def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
            compare = builder.fcmp_ordered if _is_float(a) else builder.icmp_signed
            return builder.select(compare(sign, *args), *args)

        return a(a, b), emit

    choose.__name__ = name
    choose.__doc__ = (
        f"``a if a {sign} b else b`` in each lane: b where either is NaN, one instruction on x86."
    )
    return intrinsic(choose)


minimum = _chosen("minimum", "<")
maximum = _chosen("maximum", ">")


@intrinsic
def sqrt(typing: Any, a: Any) -> Any:
    """Square root, correctly rounded."""
    _need(isinstance(a, VectorType) and _is_float(a), "sqrt takes a vector of a floating type", a)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        return _call_llvm(builder, "llvm.sqrt", args)

    return a(a), emit


@intrinsic
def convert(typing: Any, vector: Any, like: Any) -> Any:
    """The same numbers as the floating element type of the array or vector `like`; rounded to nearest."""
    _need(isinstance(vector, VectorType), "convert takes a vector", vector)
    dtype: Any = getattr(like, "dtype", None)
    _need(isinstance(dtype, types.Float), "convert gives float32 or float64", like)
    kind = VectorType(dtype, vector.lanes)

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        value, target = args[0], context.get_value_type(kind)
        if vector.dtype == dtype:
            return value
        if not _is_float(vector):
            return builder.sitofp(value, target)
        return (builder.fpext if dtype.bitwidth > vector.dtype.bitwidth else builder.fptrunc)(value, target)

    return kind(vector, like), emit
