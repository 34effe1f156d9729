# SPDX-License-Identifier: BSD-3-Clause
"""Arithmetic that has the same bits in vectors and in scalars, and no branches.

Calls of the mathematics library are not: its vector and scalar forms may differ, and most processors' compilers have no
vector form at all. So there are roots, divisions, integer operations on the bits of a number, and iteration.
"""

from __future__ import annotations

import math
from math import nan
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError

from fieldgrad.kernels._jit import inlined
from fieldgrad.kernels._plain import INTERPRETED, twinned

# That of plain Python knows no float32, and has errors for NaN.
sqrt: Any = np.sqrt if INTERPRETED else math.sqrt


def _fma(a: Any, b: Any, c: Any) -> Any:
    """Through integers: a float is one over a power of two, and Python divides integers to the nearest float64."""
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return c if math.isinf(c) and math.isfinite(a) and math.isfinite(b) else a * b + c
    (p, q), (r, s), (t, u) = (one.as_integer_ratio() for one in (a, b, c))
    above, below = p * r * u + t * q * s, q * s * u
    if above == 0:
        return a * b + c  # exact, with the sign of zero
    try:
        nearest = above / below
    except OverflowError:
        return type(c)(math.inf if above > 0 else -math.inf)
    if isinstance(c, np.float32):
        # to the odd one of its two neighbours in float64, so that rounding once more is rounding once
        top, bottom = nearest.as_integer_ratio()
        excess = above * bottom - top * below
        if excess and not np.float64(nearest).view(np.int64) & 1:
            nearest = math.nextafter(nearest, math.inf if excess > 0 else -math.inf)
    return type(c)(nearest)


@twinned(_fma)
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, rounded once."""
    if not (a == b == c and isinstance(a, types.Float)):
        raise TypingError(f"fma takes three floats of one type, got {a}, {b} and {c}")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, a, a), codegen


def _like(constant: Any, value: Any) -> Any:
    return type(value)(constant)


@twinned(_like)
def like(typingctx: Any, constant: Any, value: Any) -> Any:
    """A constant in the type of a value: a plain literal would turn float32 arithmetic into float64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], signature.args[0], signature.return_type)

    return value(constant, value), codegen


def _resolution(value: Any) -> Any:
    return type(value)(np.finfo(type(value)).eps)


@twinned(_resolution)
def resolution(typingctx: Any, value: Any) -> Any:
    """Spacing of the numbers of a type at one."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = signature.return_type
        return context.get_constant(number, float(np.finfo(f"f{number.bitwidth // 8}").eps))

    return value(value), codegen


def _power_of_two(size: Any) -> tuple[Any, Any]:
    integer, fraction = np.dtype(f"i{size.itemsize}"), np.finfo(type(size)).nmant
    top = 2 ** (8 * size.itemsize - 1 - fraction) - 2
    exponent = min(max(int(size.view(integer)) >> fraction & top + 1, 1), top - 1)
    down, up = (integer.type(one << fraction).view(size.dtype) for one in (top - exponent, exponent))
    return down, up


@twinned(_power_of_two)
def power_of_two(typingctx: Any, size: Any) -> Any:
    """Powers of two ``(1/s, s)`` for a number that is not negative: s is at most the number, and more than half of it.

    Multiplying by them is exact. Zero, subnormal and huge numbers take the nearest s whose inverse is a normal number.
    """
    bits, fraction = size.bitwidth, np.finfo(f"f{size.bitwidth // 8}").nmant
    top = 2 ** (bits - 1 - fraction) - 2  # field of the largest exponent; the inverse of field e is top - e

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer, number = ir.IntType(bits), args[0].type

        def field(value: int) -> Any:
            return ir.Constant(integer, value << fraction)

        exponent = builder.and_(builder.bitcast(args[0], integer), field(top + 1))
        for bound, sign in ((field(1), "<"), (field(top - 1), ">")):
            exponent = builder.select(builder.icmp_signed(sign, exponent, bound), bound, exponent)
        pair = (builder.sub(field(top), exponent), exponent)
        return context.make_tuple(builder, signature.return_type, [builder.bitcast(one, number) for one in pair])

    return types.UniTuple(size, 2)(size), codegen


# By the bits of a number.
_CUBE_ROOT_OFFSETS = {32: 709958130.0, 64: 715094163.0}


def _guessed_cube_root(x: Any) -> Any:
    number, integer, low = type(x), np.dtype(f"i{x.itemsize}"), 8 * x.itemsize - 32
    high = number(int(x.view(integer)) >> low) * number(1 / 3) + number(_CUBE_ROOT_OFFSETS[32 + low])
    return integer.type(int(high) << low).view(x.dtype)


@twinned(_guessed_cube_root)
def _cube_root_guess(typingctx: Any, x: Any) -> Any:
    """A third of the exponent: within 4 % of the cube root of a positive number (Kahan, Computing a real cube root).

    Through the upper 32 bits alone, and dividing in floating point, for which all processors have vectors.
    """
    bits = x.bitwidth
    offset = _CUBE_ROOT_OFFSETS[bits]

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer, word, number = ir.IntType(bits), ir.IntType(32), args[0].type
        high = builder.bitcast(args[0], integer)
        if bits == 64:
            high = builder.trunc(builder.lshr(high, ir.Constant(integer, 32)), word)
        third = builder.fmul(builder.sitofp(high, number), ir.Constant(number, 1 / 3))
        high = builder.fptosi(builder.fadd(third, ir.Constant(number, offset)), word)
        if bits == 64:
            high = builder.shl(builder.zext(high, integer), ir.Constant(integer, 32))
        return builder.bitcast(high, number)

    return x(x), codegen


@inlined
def cube_root(x: Any) -> Any:
    """Cube root of a number that is not negative, to a few units in the last place."""
    y, two = _cube_root_guess(x), like(2.0, x)
    for _ in range(3):  # Halley: relative errors 4e-2, 4e-5, 4e-14, rounding
        cube = y * y * y
        y = y * (fma(two, x, cube) / fma(two, cube, x))
    return y if x != 0 else x


@inlined
def quotient(a: Any, b: Any) -> Any:
    """A / b, NaN where b is zero."""
    return a / b if b != 0 else like(nan, a)


@inlined
def dot(a: Any, b: Any) -> Any:
    """Product of two vectors."""
    return fma(a[0], b[0], fma(a[1], b[1], a[2] * b[2]))


@inlined
def times(A: Any, b: Any) -> Any:
    """Product of a tensor and a vector."""
    return dot(A[0], b), dot(A[1], b), dot(A[2], b)


@inlined
def difference(a: Any, b: Any, c: Any, d: Any) -> Any:
    """``a b - c d``, to its own rounding even where the products cancel.

    W. Kahan; C.-P. Jeannerod, N. Louvet and J.-M. Muller, Mathematics of Computation 82 (2013) 2245-2264.
    """
    product = c * d
    return fma(a, b, -product) + fma(-c, d, product)


@inlined
def cross(a: Any, b: Any) -> Any:
    """Vector product."""
    return (
        difference(a[1], b[2], a[2], b[1]),
        difference(a[2], b[0], a[0], b[2]),
        difference(a[0], b[1], a[1], b[0]),
    )


@inlined
def scale(factor: Any, a: Any) -> Any:
    """A vector times a number."""
    return factor * a[0], factor * a[1], factor * a[2]


@inlined
def largest(a: Any) -> Any:
    """Largest magnitude of a vector's components."""
    return max(abs(a[0]), max(abs(a[1]), abs(a[2])))


@inlined
def norm(a: Any) -> Any:
    """Length of a vector; its squares neither overflow nor underflow."""
    down, up = power_of_two(largest(a))
    scaled = scale(down, a)
    return up * sqrt(dot(scaled, scaled))
