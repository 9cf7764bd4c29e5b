"""The two types: a vector of numbers, and the mask that comparing two of them gives."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import models, register_model

intrinsic: Any = numba_intrinsic
"""Numba's, without its type: what it makes is called with one argument less than it is written with."""

ELEMENTS = (types.float32, types.float64, types.int16, types.int32, types.int64)

WIDEST = 16 if "+avx512f" in str(cpu_target.target_context.codegen().magic_tuple()) else 8
"""Lanes of float32 that loops of many live vectors take at once: sixteen with AVX-512's registers, which are
twice as wide and twice as many, else eight. For loops where every lane counts for itself, so that bits are
the same."""


class VectorType(types.Type):
    """`lanes` numbers of one type, held in registers.

    Parameters
    ----------
    dtype : numba type
        float32, float64, int16, int32 or int64.
    lanes : int
        A power of two.
    """

    def __init__(self, dtype: types.Type, lanes: int) -> None:
        if dtype not in ELEMENTS:
            raise TypingError(f"a vector holds float32, float64, int16, int32 or int64, not {dtype}")
        if lanes < 2 or lanes & (lanes - 1):
            raise TypingError(f"a vector has a power of two of lanes, at least 2, not {lanes}")
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"vector({dtype} x {lanes})")


class MaskType(types.Type):
    """`lanes` truth values, made by comparing vectors and used by `select`."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"mask({lanes})")


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: VectorType) -> None:
        element = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(element, kind.lanes))


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: MaskType) -> None:
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.lanes))


def lanes_of(given: types.Type) -> int | None:
    """The number behind a literal lane count; None where it is not known when compiling."""
    return given.literal_value if isinstance(given, types.IntegerLiteral) else None


def elements_of(array: types.Type) -> Any:
    """Element type of an array that vectors can be loaded from: one-dimensional and contiguous; else None."""
    if isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C" and array.dtype in ELEMENTS:
        return array.dtype
    return None
