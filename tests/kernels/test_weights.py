# SPDX-License-Identifier: BSD-3-Clause
"""Weights of long axes as kernels compute them: the bits of the tables, and exact on polynomials."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from fieldgrad.kernels import weights
from fieldgrad.stencils import derivative_stencil


@pytest.mark.parametrize("half", [1, 2, 3, 4])
@pytest.mark.parametrize("rows", [1, weights._ROWS - 1, weights._ROWS, 3 * weights._ROWS + 5])
def test_bits_of_the_table(half: int, rows: int) -> None:
    x = np.cumsum(10 ** np.random.default_rng(rows).uniform(-3, 1, rows + 2 * half))
    band = np.full((2 * half + 1, rows), np.nan)
    weights.fill(x, half, band)
    expected = derivative_stencil(x, 1, 2 * half).band[:, half : half + rows]
    assert np.array_equal(band.view(np.int64), np.ascontiguousarray(expected).view(np.int64))


@pytest.mark.parametrize("half", [1, 3])
def test_polynomials_in_exact_arithmetic(half: int) -> None:
    x = np.cumsum(np.random.default_rng(half).uniform(0.5, 1.5, 6 + 2 * half))[::-1].copy()
    x.flags.writeable = False
    band = np.empty((2 * half + 1, 6))
    weights.fill(x, half, band)
    for row in range(6):
        offsets = [Fraction(x[row + place]) - Fraction(x[row + half]) for place in range(2 * half + 1)]
        for degree in range(2 * half + 1):
            terms = [Fraction(weight) * offset**degree for weight, offset in zip(band[:, row], offsets, strict=True)]
            error = abs(sum(terms) - (degree == 1))
            assert error <= 20 * Fraction(np.finfo(float).eps) * sum(map(abs, terms))


def test_spacings_too_small_for_double_precision_show() -> None:
    x = np.array([0.0, 1e-310, 1.0, 2.0])
    band = np.empty((3, 2))
    weights.fill(x, 1, band)
    assert not np.isfinite(band[1]).all()
