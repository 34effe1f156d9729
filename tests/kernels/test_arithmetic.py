# SPDX-License-Identifier: BSD-3-Clause
"""The plain forms of arithmetic against exact fractions; that compiled ones have their bits says ``test_plain``."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from fieldgrad.kernels import arithmetic

DTYPES = (np.float64, np.float32)


def rounded(exact: Fraction, dtype: Any) -> Any:
    """The nearest number of a dtype, the even one of two; no subnormal ones are asked for."""
    if exact == 0:
        return dtype(0)
    info = np.finfo(dtype)
    # of all digits one behind the point
    exponent = math.floor(math.log2(abs(exact.numerator)) - math.log2(exact.denominator))
    while abs(exact) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(exact) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (exponent - info.nmant)
    number = round(exact / unit) * unit  # Python rounds fractions to even, too
    return dtype(math.copysign(math.inf, exact)) if abs(number) > Fraction(float(info.max)) else dtype(float(number))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_sums_of_products_are_rounded_once(dtype: Any) -> None:
    rng = np.random.default_rng(5)
    a, b, c = (rng.standard_normal(300) * 2.0 ** rng.integers(-20, 20, 300) for _ in range(3))
    a, b, c = a.astype(dtype), b.astype(dtype), c.astype(dtype)
    cancelling, tie = -(a * b), dtype(1 + 2.0 ** (-(np.finfo(dtype).nmant // 2) - 1))
    sums = [*zip(a, b, c, strict=True), *zip(a, b, cancelling, strict=True)]
    # beside a tie between two numbers, on either side, at it, and of both signs
    sums += [(sign * tie, tie, dtype(small)) for sign in (1, -1) for small in (0.0, 2.0**-100, -(2.0**-100))]
    for x, y, z in sums:
        found = arithmetic._fma(x, y, z)
        exact = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
        assert type(found) is dtype
        assert found == rounded(exact, dtype), (x, y, z)


@pytest.mark.parametrize("dtype", DTYPES)
@np.errstate(over="ignore", invalid="ignore")
def test_exact_sums_beyond_the_numbers(dtype: Any) -> None:
    large, inf = np.finfo(dtype).max, dtype(np.inf)
    for sign in (dtype(1), dtype(-1)):
        assert arithmetic._fma(large, sign * large, dtype(1)) == sign * inf
        # the product alone would be infinite, too, and of the other sign
        assert arithmetic._fma(large, large, sign * inf) == sign * inf
        assert arithmetic._fma(sign * inf, dtype(2), dtype(1)) == sign * inf
        assert arithmetic._fma(dtype(2), sign * inf, large) == sign * inf
        # infinite on the way alone
        assert arithmetic._fma(large, dtype(2), -large) == large
    assert np.isnan(arithmetic._fma(inf, dtype(1), -inf))
    assert np.isnan(arithmetic._fma(dtype(0), inf, dtype(1)))
    assert np.isnan(arithmetic._fma(dtype(1), dtype(1), dtype(np.nan)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_zeros_have_a_sign(dtype: Any) -> None:
    zero = dtype(0)
    for one, other, added, negative in ((-zero, dtype(3), -zero, True), (-zero, dtype(3), zero, False)):
        found = arithmetic._fma(one, other, added)
        assert found == 0
        assert bool(np.signbit(found)) is negative


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_powers_of_two(dtype: Any) -> None:
    info = np.finfo(dtype)
    largest = dtype(2.0 ** (info.maxexp - 2))
    for number in np.abs(np.random.default_rng(1).standard_normal(100)).astype(dtype) * dtype(8):
        down, up = arithmetic._power_of_two(number)
        assert up <= number < 2 * up
        assert math.frexp(up)[0] == 0.5
        assert down * up == 1
    # the power of which the inverse, too, is a normal number
    for number in (dtype(0), info.smallest_subnormal, info.tiny):
        assert arithmetic._power_of_two(number) == (largest, 1 / largest)
    for number in (info.max, dtype(largest * 1.5), dtype(np.inf)):
        assert arithmetic._power_of_two(number) == (1 / largest, largest)
    assert arithmetic._power_of_two(dtype(largest / 2)) == (2 / largest, largest / 2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_guesses_of_cube_roots(dtype: Any) -> None:
    """The iteration gains digits from errors of four percent on, at every size."""
    sizes = 2.0 ** np.linspace(np.finfo(dtype).minexp + 1, np.finfo(dtype).maxexp - 1, 400)
    guesses = np.array([float(arithmetic._guessed_cube_root(dtype(size))) for size in sizes])
    assert np.abs(guesses / np.cbrt(sizes) - 1).max() < 0.05
