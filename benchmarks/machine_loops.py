"""Compiled loops that do nothing but load, store or compute, as fast as one thread can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.simd import fma, load, splat, store, total


def arithmetic(lanes: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Ten chains that wait for nothing but themselves: of multiply-adds, and of additions.

    Ten are enough for two units that take four or five cycles, and leave room in sixteen registers.
    """

    @compiled
    def fused(x: np.ndarray, times: int) -> None:
        y = load(x, 0, lanes)
        a = b = c = d = e = f = g = h = i = j = y
        for _ in range(times):
            a, b, c, d, e = fma(a, y, y), fma(b, y, y), fma(c, y, y), fma(d, y, y), fma(e, y, y)
            f, g, h, i, j = fma(f, y, y), fma(g, y, y), fma(h, y, y), fma(i, y, y), fma(j, y, y)
        store(x, lanes, a + b + c + d + e + f + g + h + i + j)

    @compiled
    def added(x: np.ndarray, times: int) -> None:
        y = load(x, 0, lanes)
        a = b = c = d = e = f = g = h = i = j = y
        for _ in range(times):
            a, b, c, d, e = a + y, b + y, c + y, d + y, e + y
            f, g, h, i, j = f + y, g + y, h + y, i + y, j + y
        store(x, lanes, a + b + c + d + e + f + g + h + i + j)

    return fused, added


@compiled
def read(x: np.ndarray, times: int) -> float:
    """Sum over a multiple of 128 numbers, so many times; every number is loaded once each time."""
    a = b = c = d = e = f = g = h = splat(x, 0.0, 16)
    for _ in range(times):
        for k in range(0, len(x), 128):
            a, b = a + load(x, k, 16), b + load(x, k + 16, 16)
            c, d = c + load(x, k + 32, 16), d + load(x, k + 48, 16)
            e, f = e + load(x, k + 64, 16), f + load(x, k + 80, 16)
            g, h = g + load(x, k + 96, 16), h + load(x, k + 112, 16)
    return total(a + b + c + d + e + f + g + h)


@compiled
def scale(x: np.ndarray, y: np.ndarray, times: int) -> None:
    """``y = x / 2`` for a multiple of 64 numbers, so many times; `y` may be `x`."""
    half = splat(x, 0.5, 16)
    for _ in range(times):
        for k in range(0, len(x), 64):
            a, b = half * load(x, k, 16), half * load(x, k + 16, 16)
            c, d = half * load(x, k + 32, 16), half * load(x, k + 48, 16)
            store(y, k, a)
            store(y, k + 16, b)
            store(y, k + 32, c)
            store(y, k + 48, d)
