# SPDX-License-Identifier: BSD-3-Clause
"""Numerics under stress: grids, positions and fields at the edge of what double precision holds.

A polynomial of the degree that a stencil reproduces is the oracle, in rational numbers where rounding would hide the
result. Tolerances are in units of the rounding of what is summed: eps times the sum of |weight| |value|.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import fieldgrad as fg
from fieldgrad.stencils import derivative_stencil

EPS = np.finfo(float).eps


def matrix(nodes: Any, order: int, accuracy: int) -> np.ndarray:
    """The table as a matrix."""
    stencil = derivative_stencil(np.asarray(nodes, float), order, accuracy)
    n = len(nodes)
    offsets, weights = stencil.taps(0, n, None, centre=True)
    dense = np.zeros((n, n))
    for row in range(n):
        for offset, weight in zip(offsets[:, row], weights[:, row], strict=True):
            dense[row, row + int(offset)] += weight
    return dense


def exact_error(nodes: np.ndarray, order: int, accuracy: int) -> float:
    """Largest error of a table for the powers that it should be exact for, over eps times the terms of the sum."""
    dense = matrix(nodes, order, accuracy)
    worst = 0.0
    rational = [Fraction(float(x)) for x in nodes]
    for row, weights in enumerate(dense):
        used = np.flatnonzero(weights)
        for power in range(order + accuracy):
            # around the point itself, so that nothing cancels but what the weights cancel
            terms = [Fraction(float(weights[k])) * (rational[k] - rational[row]) ** power for k in used]
            wanted = Fraction(0)
            if power == order:
                wanted = Fraction(int(np.prod(np.arange(1, order + 1))))
            scale = max(sum(map(abs, terms)), abs(wanted))
            if scale:
                worst = max(worst, float(abs(sum(terms) - wanted) / scale) / EPS)
    return worst


STRETCHED = np.cumsum([0.0, 1, 1e6, 1, 1e6, 1, 1e6, 1, 1e6, 1, 1e6, 1])
GRIDS = {
    "stretched by 1e6 from cell to cell": STRETCHED,
    "growing by 1e6 from cell to cell": np.cumsum(1e6 ** np.arange(12.0)),
    "spacing 1e-12": np.arange(12.0) * 1e-12,
    "spacing 1e12": np.arange(12.0) * 1e12,
    "from 1e9 on": 1e9 + np.cumsum([0.0, 1, 2, 1, 1, 3, 1, 1, 2, 1, 1, 1]),
    "from -1e9 on, decreasing": -1e9 - np.cumsum([0.0, 1, 2, 1, 1, 3, 1, 1, 2, 1, 1, 1]),
}


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("grid", GRIDS)
def test_tables_stay_exact(grid: str, accuracy: int) -> None:
    assert exact_error(GRIDS[grid], 1, accuracy) < 64
    if grid == "growing by 1e6 from cell to cell" and accuracy > 2:
        # twelve cells over 66 decades: what the recurrence gives is refused rather than wrong
        with pytest.raises(ArithmeticError, match=r"too uneven for double precision.*use a smaller accuracy"):
            derivative_stencil(GRIDS[grid], 2, accuracy)
        return
    assert exact_error(GRIDS[grid], 2, accuracy) < 64


def test_the_smallest_grid_of_every_accuracy() -> None:
    """As many points as the edges need: 9 for the first derivative at accuracy 8."""
    for accuracy in (2, 4, 6, 8):
        nodes = np.cumsum(np.random.default_rng(accuracy).uniform(0.5, 1.5, accuracy + 1))
        assert exact_error(nodes, 1, accuracy) < 64
        with pytest.raises(ValueError, match=f"has {accuracy} points"):
            fg.Axis("x", "x", nodes[:-1], accuracy=accuracy).stencil()


@pytest.mark.parametrize("grid", GRIDS)
def test_a_linear_field_has_a_constant_derivative(grid: str) -> None:
    x = GRIDS[grid]
    f = np.broadcast_to(3.0 * (x - x[0]), (4, len(x)))
    found = fg.array.gradient(f, 1.0, x, accuracy=2)[1]
    # weights act on differences to the point itself, whose rounding they multiply
    bound = (np.abs(matrix(x, 1, 2)) * np.abs(f[0] - f[0][:, np.newaxis])).sum(axis=1) * EPS
    assert (np.abs(found - 3.0) <= 8 * bound + 8 * EPS).all()


def test_a_coordinate_far_from_zero_costs_no_digits() -> None:
    """Differences of float64 at 1e9 are exact where the steps are, and so is the table."""
    steps = np.cumsum([0.0, 1, 0.5, 2, 0.25, 1, 1, 3])
    near, far = (derivative_stencil(start + steps, 1, 4) for start in (0.0, 1e9))
    np.testing.assert_array_equal(near.band, far.band)
    np.testing.assert_array_equal(near.lower, far.lower)


def test_single_precision_with_a_mean_of_1e5_times_the_variation() -> None:
    """What is lost is the rounding of the values themselves, of 1e5; differences to the centre lose nothing more."""
    x = np.arange(32.0)
    variation = np.sin(0.2 * x)
    field = (1e5 + np.broadcast_to(variation, (4, 32))).astype(np.float32)
    found = fg.array.gradient(field, 1.0, x, accuracy=2)[1]
    assert found.dtype == np.float32
    exact = np.gradient(field.astype(float), x, axis=1, edge_order=2)  # of the values as they are stored
    bound = np.abs(np.gradient(variation)).max() + 2 * np.spacing(np.float32(1e5))
    assert np.abs(found - exact).max() <= 8 * np.finfo(np.float32).eps * bound
    assert np.abs(found - np.gradient(variation, edge_order=2)).max() <= 2 * np.spacing(np.float32(1e5))


def test_one_point_and_two() -> None:
    with pytest.raises(ValueError, match="has 1 point"):
        fg.array.derivative([1.0], [0.0])
    with pytest.raises(ValueError, match="has 2 points"):
        fg.array.derivative([1.0, 2.0], [0.0, 1.0])
    assert fg.array.gradient([1.0, 4.0]).tolist() == [3.0, 3.0]
