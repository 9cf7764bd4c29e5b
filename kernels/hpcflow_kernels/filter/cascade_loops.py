"""Compiled loops of second-order sections one after another, eight lanes of time side by side.

`states` holds two numbers of each section for eight lanes, those of transposed direct form II: what the next
two samples get besides their own, were nothing to follow. Every form here begins and ends with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import WIDEST, broadcast, fma, load, store

LANES = 8


@inlined
def _section(
    sos: np.ndarray,
    s: int,
    states: np.ndarray,
    source: np.ndarray,
    block: np.ndarray,
    first: int,
    count: int,
) -> None:
    """One second-order section from a block to another or itself; backwards in time where `first` is not 0.

    Transposed direct form II, ``y = b0 x + u; u' = b1 x - a1 y + v; v' = b2 x - a2 y``, waits for two
    operations a step. With y put in, u follows from its two last values, and waits for one.
    """
    b0, b1, b2 = broadcast(sos, 6 * s, 8), broadcast(sos, 6 * s + 1, 8), broadcast(sos, 6 * s + 2, 8)
    a1, a2 = -broadcast(sos, 6 * s + 4, 8), -broadcast(sos, 6 * s + 5, 8)
    b1, b2 = fma(a1, b0, b1), fma(a2, b0, b2)
    u, h = load(states, 16 * s, 8), load(states, 16 * s + 8, 8)
    before = u - u
    step = -8 if first else 8
    at = 8 * first
    for _ in range(count):
        x = load(source, at, 8)
        y = fma(b0, x, u)
        after = fma(a1, u, fma(a2, before, fma(b1, x, h)))
        h = b2 * x
        before = u
        u = after
        store(block, at, y)
        at += step
    store(states, 16 * s, u)
    store(states, 16 * s + 8, fma(a2, before, h))


@inlined
def _two_sections(
    sos: np.ndarray,
    s: int,
    states: np.ndarray,
    source: np.ndarray,
    block: np.ndarray,
    first: int,
    count: int,
) -> None:
    """Two sections in one sweep, as `_section` does one."""
    b0, b1, b2 = broadcast(sos, 6 * s, 8), broadcast(sos, 6 * s + 1, 8), broadcast(sos, 6 * s + 2, 8)
    a1, a2 = -broadcast(sos, 6 * s + 4, 8), -broadcast(sos, 6 * s + 5, 8)
    d0, d1, d2 = broadcast(sos, 6 * s + 6, 8), broadcast(sos, 6 * s + 7, 8), broadcast(sos, 6 * s + 8, 8)
    c1, c2 = -broadcast(sos, 6 * s + 10, 8), -broadcast(sos, 6 * s + 11, 8)
    b1, b2, d1, d2 = fma(a1, b0, b1), fma(a2, b0, b2), fma(c1, d0, d1), fma(c2, d0, d2)
    u, h = load(states, 16 * s, 8), load(states, 16 * s + 8, 8)
    p, k = load(states, 16 * s + 16, 8), load(states, 16 * s + 24, 8)
    before = u - u
    previous = before
    step = -8 if first else 8
    at = 8 * first
    for _ in range(count):
        x = load(source, at, 8)
        y = fma(b0, x, u)
        after = fma(a1, u, fma(a2, before, fma(b1, x, h)))
        h = b2 * x
        before = u
        u = after
        z = fma(d0, y, p)
        after = fma(c1, p, fma(c2, previous, fma(d1, y, k)))
        k = d2 * y
        previous = p
        p = after
        store(block, at, z)
        at += step
    store(states, 16 * s, u)
    store(states, 16 * s + 8, fma(a2, before, h))
    store(states, 16 * s + 16, p)
    store(states, 16 * s + 24, fma(c2, previous, k))


@inlined
def _follow(x: Any, own: Any, poles: Any) -> Any:
    """One sample of a section with zeros at 1 and -1: ``y = x - x'' - a1 y' - a2 y''``.

    `x` begins with the input's last two samples; `own` holds y', y'' and x'', and is given back for the next
    sample. Additions and multiplications share the units of fused ones, so what is left out is gained.
    """
    return fma(poles[0], own[0], fma(poles[1], own[1], x[0] - own[2])), own[0], x[1]


def _four_sections(lanes: int) -> Callable[..., None]:
    """Four sections with zeros at 1 and -1 in one sweep, so many lanes in a register."""

    @inlined
    def load_poles(sos: np.ndarray, s: int) -> Any:
        return -broadcast(sos, 6 * s + 4, lanes), -broadcast(sos, 6 * s + 5, lanes)

    @inlined
    def at_rest(states: np.ndarray, at: int) -> Any:
        """Own past of a section before its first sample: none but what its state says."""
        u = load(states, at, lanes)
        return u - u, u - u, -u

    @inlined
    def begun(own: Any, states: np.ndarray, at: int) -> Any:
        """The same before its second sample."""
        return own[0], own[1], -load(states, at + 8, lanes)

    @inlined
    def keep(states: np.ndarray, at: int, x: Any, own: Any, poles: Any) -> None:
        """States after a section's last sample."""
        store(states, at, fma(poles[0], own[0], fma(poles[1], own[1], -own[2])))
        store(states, at + 8, fma(poles[1], own[0], -x))

    @inlined
    def four(
        sos: np.ndarray,
        s: int,
        states: np.ndarray,
        source: np.ndarray,
        block: np.ndarray,
        first: int,
        count: int,
    ) -> None:
        """As `_section`, for at least four samples; the first of the sections has the gain of all.

        Each section is one sample behind the one before it, so that none waits for another within a step.
        """
        step = -8 if first else 8
        gain = broadcast(sos, 6 * s, lanes)
        a, b, c, d = (
            load_poles(sos, s),
            load_poles(sos, s + 1),
            load_poles(sos, s + 2),
            load_poles(sos, s + 3),
        )
        for lane in range(0, 8, lanes):
            at, own = 8 * first + lane, 16 * s + lane
            p, q = at_rest(states, own), at_rest(states, own + 16)
            r, t = at_rest(states, own + 32), at_rest(states, own + 48)
            x = gain * load(source, at, lanes), p[0]
            p = begun(_follow(x, p, a), states, own)
            x = gain * load(source, at + step, lanes), x[0]
            q = begun(_follow(p, q, b), states, own + 16)
            p = _follow(x, p, a)
            x = gain * load(source, at + 2 * step, lanes), x[0]
            r = begun(_follow(q, r, c), states, own + 32)
            q, p = _follow(p, q, b), _follow(x, p, a)
            x = gain * load(source, at + 3 * step, lanes), x[0]
            t = begun(_follow(r, t, d), states, own + 48)
            r, q, p = _follow(q, r, c), _follow(p, q, b), _follow(x, p, a)
            store(block, at, t[0])
            for _ in range(4, count):
                at += step
                x = gain * load(source, at + 3 * step, lanes), x[0]
                t, r, q, p = _follow(r, t, d), _follow(q, r, c), _follow(p, q, b), _follow(x, p, a)
                store(block, at, t[0])
            keep(states, own, x[0], p, a)
            t, r, q = _follow(r, t, d), _follow(q, r, c), _follow(p, q, b)
            store(block, at + step, t[0])
            keep(states, own + 16, p[0], q, b)
            t, r = _follow(r, t, d), _follow(q, r, c)
            store(block, at + 2 * step, t[0])
            keep(states, own + 32, q[0], r, c)
            t = _follow(r, t, d)
            store(block, at + 3 * step, t[0])
            keep(states, own + 48, r[0], t, d)

    return four


_four_by_fours = _four_sections(4)
_four_by_eights = _four_sections(8)


@inlined
def _zeros_at_both_ends(sos: np.ndarray, s: int) -> bool:
    """Whether four sections are there, each with zeros at 1 and -1, and a gain in the first of them alone."""
    if 6 * (s + 4) > len(sos):
        return False
    for k in range(s, s + 4):
        if sos[6 * k + 1] != 0 or sos[6 * k + 2] != -sos[6 * k] or (k > s and sos[6 * k] != 1):
            return False
    return True


@compiled
def cascade(
    sos: np.ndarray, states: np.ndarray, source: np.ndarray, block: np.ndarray, first: int, count: int
) -> None:
    """All sections, over `count` samples: the first ones read `source`, which may be `block`.

    Two in a sweep save the way through the cache, where a vector fits a register; where it takes two, the
    states and coefficients of two sections have no room in sixteen. Those of four band-pass sections have,
    half of the lanes after the other. A function of its own, since it is long and five loops need it.
    """
    wide = LANES * sos.itemsize > 4 * WIDEST
    sections = len(sos) // 6
    s = 0
    while s < sections:
        begin = source if s == 0 else block
        if _zeros_at_both_ends(sos, s):
            if wide:
                _four_by_fours(sos, s, states, begin, block, first, count)
            else:
                _four_by_eights(sos, s, states, begin, block, first, count)
            s += 4
        elif wide or s + 1 == sections:
            _section(sos, s, states, begin, block, first, count)
            s += 1
        else:
            _two_sections(sos, s, states, begin, block, first, count)
            s += 2
