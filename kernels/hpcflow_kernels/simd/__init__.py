"""Short vectors inside Numba: a register's worth of neighbours, written once, exact on every CPU.

Import it in modules of compiled loops only: it imports numba. Inside a function compiled with numba

>>> from numba import njit
>>> import numpy as np
>>> from hpcflow_kernels.simd import fma, load, splat, store
>>> @njit
... def scale_and_shift(x, gain, offset, y):
...     for i in range(0, len(x), 8):
...         store(y, i, fma(load(x, i, 8), splat(x, gain, 8), splat(x, offset, 8)))
>>> x, y = np.arange(16, dtype=np.float32), np.empty(16, np.float32)
>>> scale_and_shift(x, 2.0, 1.0, y)
>>> float(y[15])
31.0

A vector has an element type and a number of *lanes*, a power of two that need not be the machine's: LLVM
splits eight float64 into two AVX2 registers or four NEON ones, and keeps them in one of AVX-512. Plain
loops stay plain where LLVM vectorises them by itself; vectors are for the loops where it does not, such
as butterflies in place and recurrences with one record per lane.

Three rules hold it together:

- Nothing is reordered and nothing is contracted: `a * b + c` rounds twice, `fma(a, b, c)` once. With
  `minimum`, `maximum` and `select` defined by comparison, the same code gives the same bits on every
  CPU that follows IEEE 754.
- Nothing is checked: `load` and `store` go where they are told. The functions around compiled loops
  own the checks, and the tests surround every buffer with canaries.
- Vectors live in registers: they are made and used inside compiled functions, and are never returned
  to Python.
"""

from hpcflow_kernels.simd.arithmetic import any_lane, convert, fma, maximum, minimum, select, sqrt
from hpcflow_kernels.simd.memory import announce, broadcast, load, splat, store
from hpcflow_kernels.simd.shuffle import (
    deal,
    extract,
    halves,
    insert,
    join,
    rotate,
    rotate_fours,
    slide,
    total,
    transpose,
)
from hpcflow_kernels.simd.vector import WIDEST, MaskType, VectorType

__all__ = [
    "WIDEST",
    "MaskType",
    "VectorType",
    "announce",
    "any_lane",
    "broadcast",
    "convert",
    "deal",
    "extract",
    "fma",
    "halves",
    "insert",
    "join",
    "load",
    "maximum",
    "minimum",
    "rotate",
    "rotate_fours",
    "select",
    "slide",
    "splat",
    "sqrt",
    "store",
    "total",
    "transpose",
]
