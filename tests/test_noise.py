# SPDX-License-Identifier: BSD-3-Clause
"""Tables of noise against dense matrices of weights and correlations. No kernel runs here."""

from __future__ import annotations

import numpy as np
import pytest

from fieldgrad.grid import Axis
from fieldgrad.noise import applied, noise_tables
from fieldgrad.stencils import Stencil
from fieldgrad.walls import Wall

RNG = np.random.default_rng(77)
NODES = np.cumsum(RNG.uniform(0.5, 1.5, 14))
AXES = {
    "open": Axis("x", "x", NODES, accuracy=4),
    "down": Axis("x", "x", NODES[::-1]),
    "periodic": Axis("x", "x", NODES, accuracy=4, period=15.5),
    "wall": Axis("x", "x", NODES, boundary=((None, (Wall(1.0), Wall("antisymmetric"))),)),
    "mirror at a node": Axis("x", "x", NODES, boundary=((None, (Wall("symmetric", at="node"), None)),)),
}
LENGTH = 1.3


def correlation(axis: Axis) -> np.ndarray:
    """Between all pairs of nodes; on a periodic axis noise and all its images."""
    distance = axis.nodes[:, np.newaxis] - axis.nodes
    if axis.period is None:
        return np.exp(-0.5 * (distance / LENGTH) ** 2)
    images = [np.exp(-0.5 * ((distance + k * axis.period) / LENGTH) ** 2) for k in range(-5, 6)]
    return sum(images) / sum(images)[0, 0]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_variance_and_covariance_with_the_middle(axis: Axis, order: int) -> None:
    table = axis.stencil(order).linear
    weights = table.matrix()
    deviation = RNG.uniform(0.5, 2.0, len(axis))
    for length, R in ((None, np.eye(len(axis))), (LENGTH, correlation(axis))):
        covariance = np.outer(deviation, deviation) * R
        tables = noise_tables(table, axis, length)
        if tables.squared:
            (part,) = tables.parts
            variance = applied(part, deviation**2, 0)
        else:
            variance = sum(applied(part, deviation, 0) ** 2 for part in tables.parts)
        np.testing.assert_allclose(variance, np.diag(weights @ covariance @ weights.T), rtol=1e-10)
        middle = applied(tables.middle, deviation, 0) * deviation
        scale = np.diag(weights @ covariance @ weights.T).max()
        np.testing.assert_allclose(middle, np.diag(weights @ covariance), rtol=0, atol=1e-12 * scale)


def test_blocks_have_the_bits_of_the_whole() -> None:
    axis = AXES["periodic"]
    deviation = RNG.uniform(0.5, 2.0, (len(axis), 3))
    for part in noise_tables(axis.stencil(), axis, LENGTH).tables:
        whole = applied(part, deviation, 0)
        for start, stop in ((0, 5), (5, 6), (6, 14)):
            block, low, high = part.slice(start, stop)
            rows = np.arange(low, high) % len(axis)
            np.testing.assert_array_equal(applied(block, deviation[rows], 0), whole[start:stop])


def test_long_correlation_is_one_error_everywhere() -> None:
    axis = AXES["open"]
    tables = noise_tables(axis.stencil(), axis, 1e6)
    variance = sum(applied(part, np.ones(len(axis)), 0) ** 2 for part in tables.parts)
    assert (np.sqrt(variance) < 1e-5).all()


def test_applied_is_the_matrix() -> None:
    table: Stencil = AXES["wall"].stencil(1)
    f = RNG.normal(size=(3, len(NODES)))
    np.testing.assert_allclose(applied(table, f, 1), f @ table.matrix().T, rtol=0, atol=1e-12)
