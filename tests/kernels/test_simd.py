"""The vector layer against NumPy lane by lane, what it refuses, and the machine code it becomes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from llvmlite import binding
from numba import njit
from numba.core.errors import TypingError

from hpcflow_kernels.simd import (
    announce,
    broadcast,
    convert,
    deal,
    extract,
    fma,
    halves,
    insert,
    join,
    load,
    maximum,
    minimum,
    rotate,
    rotate_fours,
    select,
    slide,
    splat,
    sqrt,
    store,
    total,
    transpose,
)

CANARY = -123.5


def lanewise(width):
    """A compiled function that writes one result per operation, `width` lanes each."""

    @njit
    def run(x, y, z):
        a, b, c = load(x, 0, width), load(x, width, width), load(x, 2 * width, width)
        store(y, 0, a + b)
        store(y, width, a - b)
        store(y, 2 * width, a * b)
        store(y, 3 * width, a / b)
        store(y, 4 * width, -a)
        store(y, 5 * width, fma(a, b, c))
        store(y, 6 * width, minimum(a, b))
        store(y, 7 * width, maximum(a, b))
        store(y, 8 * width, select((a < b) & (b <= c) | (a > c), a, c))
        store(y, 9 * width, sqrt(b * b))
        store(y, 10 * width, rotate(a, 1))
        store(y, 11 * width, rotate(a, -1))
        store(y, 12 * width, broadcast(x, 3, width))
        store(y, 13 * width, splat(a, 2, width))
        store(y, 14 * width, insert(a, 1, 7.5))
        store(y, 15 * width, slide(a, b, 1))
        store(z, 0, convert(a, z))
        return total(a), extract(b, width - 1)

    return run


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_every_operation_is_numpys(width, dtype):
    rng = np.random.default_rng(width)
    x = rng.standard_normal(3 * width).astype(dtype)
    y = np.full(17 * width, CANARY, dtype)
    other = np.float32 if dtype == np.float64 else np.float64
    z = np.full(width + 1, CANARY, other)
    added, last = lanewise(width)(x, y, z)
    a, b, c = x.reshape(3, width)
    exact = (a.astype(np.longdouble) * b + c).astype(dtype)
    expected = [
        a + b,
        a - b,
        a * b,
        a / b,
        -a,
        exact,
        np.minimum(a, b),
        np.maximum(a, b),
        np.where((a < b) & (b <= c) | (a > c), a, c),
        np.sqrt(b * b),
        np.roll(a, -1),
        np.roll(a, 1),
        np.full(width, x[3]),
        np.full(width, 2),
        np.where(np.arange(width) == 1, dtype(7.5), a),
        np.concatenate([a[1:], b[:1]]),
    ]
    assert np.array_equal(y[: 16 * width].reshape(16, width), np.array(expected, dtype))
    assert (y[16 * width :] == CANARY).all()
    assert np.array_equal(z[:width], a.astype(other))
    assert z[width] == CANARY
    tree = list(a)
    while len(tree) > 1:
        half = len(tree) // 2
        tree = [tree[i] + tree[i + half] for i in range(half)]
    assert added == tree[0]
    assert last == b[-1]


@njit
def transpose4(x, y):
    rows = transpose((load(x, 0, 4), load(x, 4, 4), load(x, 8, 4), load(x, 12, 4)))
    for i in range(4):
        store(y, 4 * i, rows[i])


@njit
def transpose2(x, y):
    rows = transpose((load(x, 0, 2), load(x, 2, 2)))
    for i in range(2):
        store(y, 2 * i, rows[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.int64])
def test_transposition(dtype):
    for n, call in ((2, transpose2), (4, transpose4)):
        x = np.arange(n * n).astype(dtype)
        y = np.empty_like(x)
        call(x, y)
        assert np.array_equal(y.reshape(n, n), x.reshape(n, n).T)


@njit
def parts(x, y):
    rows = transpose((load(x, 0, 8), load(x, 8, 8)))
    store(y, 0, rows[0])
    store(y, 8, rows[1])
    low, high = halves(load(x, 0, 8))
    store(y, 16, join(high, low))
    even, odd = deal(load(x, 0, 8), load(x, 8, 8))
    store(y, 24, even)
    store(y, 32, odd)
    store(y, 40, rotate_fours(load(x, 0, 8), 1))
    store(y, 48, rotate_fours(load(x, 0, 8), -1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32, np.int64])
def test_parts_of_vectors(dtype):
    x, y = np.arange(16).astype(dtype), np.empty(56, dtype)
    parts(x, y)
    pairs = x.reshape(2, 4, 2)
    assert np.array_equal(y[:16].reshape(2, 4, 2), pairs.transpose(2, 1, 0))
    assert y[16:24].tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert y[24:40].tolist() == [*range(0, 16, 2), *range(1, 16, 2)]
    assert y[40:].tolist() == [1, 2, 3, 0, 5, 6, 7, 4, 3, 0, 1, 2, 7, 4, 5, 6]


@njit
def chosen(x, y):
    a, b = load(x, 0, 4), load(x, 4, 4)
    store(y, 0, minimum(a, b))
    store(y, 4, maximum(a, b))


def test_smaller_and_larger_give_the_second_where_one_is_nan():
    x = np.array([np.nan, 1, np.nan, 5, 2, np.nan, np.nan, 3])
    y = np.empty(8)
    chosen(x, y)
    assert np.array_equal(y, [2, np.nan, np.nan, 3, 2, np.nan, np.nan, 5], equal_nan=True)


def refused(message, call, *args):
    with pytest.raises(TypingError, match=message):
        njit(call)(*args)


def test_what_is_no_vector_is_refused_when_compiling():
    x = np.arange(16.0)
    refused("contiguous", lambda x: total(load(x, 0, 4)), x[::2])
    refused("contiguous", lambda x: total(load(x, 0, 4)), x.reshape(4, 4))
    refused("contiguous", lambda x: total(load(x, 0, 4)), x > 3)
    refused("constant", lambda x, n: total(load(x, 0, n)), x, 4)
    refused("power of two", lambda x: total(load(x, 0, 3)), x)
    refused("convert it first", lambda x, y: store(y, 0, load(x, 0, 4)), x, x.astype(np.float32))
    refused("one floating type", lambda x: total(fma(load(x, 0, 4), load(x, 0, 8), load(x, 0, 4))), x)
    refused("as many vectors", lambda x: transpose((load(x, 0, 4), load(x, 4, 4), load(x, 8, 4))), x)
    refused("two vectors of one type", lambda x: total(join(load(x, 0, 4), load(x, 0, 8))), x)
    refused("four lanes or more", lambda x: total(halves(load(x, 0, 2))[0]), x)
    refused("No implementation|Invalid use", lambda x: total(load(x, 0, 4) + load(x, 0, 8)), x)


@njit
def butterfly(re, im, n):
    """Two points of a transform, eight of them side by side: in place, so no compiler dares by itself."""
    for i in range(0, 8 * n, 8):
        a, b = load(re, i, 8), load(re, i + 8 * n, 8)
        c, d = load(im, i, 8), load(im, i + 8 * n, 8)
        store(re, i, fma(a, b, c))
        store(re, i + 8 * n, a - b)
        store(im, i, c + d)
        store(im, i + 8 * n, c - d)


def assembly_for(triple, cpu, dtype):
    """Machine code of `butterfly` for another processor, from the same typed code."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    array = np.zeros(64, dtype)
    butterfly(array, array.copy(), 2)
    signature = next(s for s in butterfly.signatures if s[0].dtype.name == np.dtype(dtype).name)
    code = butterfly.inspect_llvm(signature)
    loop = next(part for part in re.findall(r"^define .*?^}", code, re.M | re.S) if "store <8 x" in part)
    loop = re.sub(r"^define [^@]*", "define i32 ", loop)
    attributes = re.compile(r" #\d+|![\w.]+ !\d+|, (?=![\w.]+)")
    lines = [attributes.sub("", line).rstrip(", ") for line in loop.split("\n")]
    element = {np.float32: "float", np.float64: "double"}[dtype]
    fma_name = f"@llvm.fma.v8f{np.dtype(dtype).itemsize * 8}"
    vector = f"<8 x {element}>"
    lines.append(f"declare {vector} {fma_name}({vector}, {vector}, {vector})")
    machine = binding.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    module = binding.parse_assembly("\n".join(lines))
    module.triple, module.data_layout = triple, str(machine.target_data)
    return machine.emit_assembly(module)


@pytest.mark.parametrize(
    ("triple", "cpu", "dtype", "packed", "scalar"),
    [
        ("aarch64-unknown-linux-gnu", "neoverse-v2", np.float32, r"fmla\s+v\d+\.4s", r"\bf(madd|mul)\s+s\d"),
        ("aarch64-unknown-linux-gnu", "neoverse-v2", np.float64, r"fmla\s+v\d+\.2d", r"\bf(madd|mul)\s+d\d"),
        ("x86_64-unknown-linux-gnu", "znver3", np.float32, r"vfmadd\w+ps.*%ymm", r"vfmadd\w+ss"),
        ("x86_64-unknown-linux-gnu", "znver3", np.float64, r"vfmadd\w+pd.*%ymm", r"vfmadd\w+sd"),
        ("x86_64-unknown-linux-gnu", "znver4", np.float64, r"vfmadd\w+pd.*%[yz]mm", r"vfmadd\w+sd"),
    ],
)
def test_other_processors_get_packed_code(triple, cpu, dtype, packed, scalar):
    text = assembly_for(triple, cpu, dtype)
    assert re.search(packed, text)
    assert not re.search(scalar, text)


@njit
def announced(x):
    for i in range(-64, len(x) + 64, 16):
        announce(x, i)


def test_announced_lines_are_brought_and_not_changed():
    x = np.arange(100.0)
    announced(x[10:90])
    assert np.array_equal(x, np.arange(100.0))
    (code,) = announced.inspect_asm().values()
    assert "prefetch" in code or "prfm" in code
