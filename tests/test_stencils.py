# SPDX-License-Identifier: BSD-3-Clause
"""Tables of weights against exact rational arithmetic, and what every table must satisfy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fieldgrad.stencils import Stencil, _verified, derivative_stencil, fornberg, required_points

Array = NDArray[np.float64]
EPS = np.finfo(np.float64).eps
ACCURACIES = (2, 4, 6, 8)
ORDERS = (1, 2, 3)


def random_nodes(n: int, seed: int = 0) -> Array:
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def tanh_nodes(n: int) -> Array:
    """Clustered at both walls of a channel from -1 to 1."""
    return np.tanh(1.5 * np.linspace(-1.0, 1.0, n)) / np.tanh(1.5)


def dyadic_nodes(n: int, seed: int = 0) -> Array:
    """Nodes whose sums and differences are exact in binary."""
    return np.cumsum(np.random.default_rng(seed).integers(8, 25, n)) / 16.0


def exact_weights(nodes: list[Fraction], point: Fraction, order: int) -> list[Fraction]:
    """Derivative at a point of each Lagrange polynomial, in rational arithmetic."""
    weights = []
    for j, node in enumerate(nodes):
        coefficients = [Fraction(1)]  # of powers of (x - point)
        for k, other in enumerate(nodes):
            if k != j:
                shifted = [Fraction(0), *coefficients]
                constant = (point - other) / (node - other)
                slope = 1 / (node - other)
                padded = [*coefficients, Fraction(0)]
                coefficients = [constant * c + slope * s for c, s in zip(padded, shifted, strict=True)]
        weights.append(coefficients[order] * math.factorial(order))
    return weights


def exact_matrix(x: Array, order: int, accuracy: int, period: float | None = None) -> Array:
    """The table that `derivative_stencil` promises, from rational arithmetic."""
    n, half = len(x), (order + accuracy) // 2 if order % 2 == 0 else (order + accuracy - 1) // 2
    nodes = [Fraction(float(value)) for value in x]
    matrix = np.zeros((n, n))
    for i in range(n):
        if period is not None or half <= i < n - half:
            window = list(range(i - half, i + half + 1))
        elif i < (n + 1) // 2:
            window = list(range(order + accuracy))
        else:
            window = list(range(n - order - accuracy, n))
        turns = 0 if period is None else math.copysign(period, x[-1] - x[0])
        places = [nodes[j % n] + j // n * Fraction(turns) for j in window]
        for j, weight in zip(window, exact_weights(places, nodes[i], order), strict=True):
            matrix[i, j % n] += float(weight)
    return matrix


def assert_rows_close(actual: Array, expected: Array, units: float) -> None:
    """Agreement to so many rounding units of the largest weight of each row."""
    error = np.abs(actual - expected).max(axis=1)
    assert (error <= units * EPS * np.abs(expected).max(axis=1)).all(), (
        error / np.abs(expected).max(axis=1)
    ).max() / EPS


# Weights


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("seed", range(3))
def test_weights_equal_rational_arithmetic(order: int, accuracy: int, seed: int) -> None:
    x = random_nodes(order + accuracy + 5, seed)
    assert_rows_close(derivative_stencil(x, order, accuracy).matrix(), exact_matrix(x, order, accuracy), 64)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_weights_of_decreasing_coordinates(order: int, accuracy: int) -> None:
    x = random_nodes(order + accuracy + 5)[::-1]
    assert_rows_close(derivative_stencil(x, order, accuracy).matrix(), exact_matrix(x, order, accuracy), 64)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("extra", [0, 6])
def test_periodic_weights_wrap(order: int, accuracy: int, step: int, extra: int) -> None:
    x = dyadic_nodes(required_points(order, accuracy, periodic=True) + extra)[::step]
    period = abs(x[-1] - x[0]) + 0.75
    actual = derivative_stencil(x, order, accuracy, period=period).matrix()
    assert_rows_close(actual, exact_matrix(x, order, accuracy, period), 64)
    # a negative period is the same length
    assert np.array_equal(actual, derivative_stencil(x, order, accuracy, period=-period).matrix())


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_weights_with_the_least_number_of_points(order: int, accuracy: int) -> None:
    x = random_nodes(required_points(order, accuracy))
    assert_rows_close(derivative_stencil(x, order, accuracy).matrix(), exact_matrix(x, order, accuracy), 64)


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize(
    ("offset", "spacing"),
    [(1e9, 1.0), (-1e9, 1e-3), (0.0, 1e-12), (0.0, 1e12), (1e9, 1e12), (0.0, 1e-30), (0.0, 1e30)],
)
def test_weights_far_from_the_origin_and_at_extreme_spacings(accuracy: int, offset: float, spacing: float) -> None:
    x = offset + spacing * random_nodes(14)
    for order in ORDERS:
        assert_rows_close(derivative_stencil(x, order, accuracy).matrix(), exact_matrix(x, order, accuracy), 64)


@pytest.mark.parametrize("ratio", [4.0, 0.25])
def test_weights_on_strongly_stretched_nodes(ratio: float) -> None:
    x = np.cumsum(ratio ** np.arange(16.0))
    for accuracy in ACCURACIES:
        assert_rows_close(derivative_stencil(x, 1, accuracy).matrix(), exact_matrix(x, 1, accuracy), 256)


def test_first_order_edges() -> None:
    x = random_nodes(7)
    table = derivative_stencil(x, 1, 2, edge_accuracy=1)
    assert table.lower.shape == table.upper.shape == (1, 2)
    assert_rows_close(table.matrix(), np.gradient(np.eye(7), x, axis=0), 16)


@pytest.mark.parametrize("n", range(3, 11))
def test_narrow_edges_where_there_is_no_interior(n: int) -> None:
    x = random_nodes(n)
    table = derivative_stencil(x, 1, 8, edge_accuracy=2)
    assert (len(table.lower), len(table.upper)) == ((4, 4) if n >= 9 else ((n + 1) // 2, n // 2))
    np.testing.assert_allclose(table.matrix() @ x**2, 2 * x, rtol=1e-12)


def test_equals_numpy_gradient_at_order_1_and_accuracy_2() -> None:
    x = random_nodes(30)
    assert_rows_close(derivative_stencil(x).matrix(), np.gradient(np.eye(30), x, axis=0, edge_order=2), 16)


def test_fornberg_of_order_zero_interpolates() -> None:
    weights = fornberg(np.array([[-1.0], [1.0], [3.0]]), 0).ravel()
    np.testing.assert_allclose(weights, [0.375, 0.75, -0.125], rtol=1e-15)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_documented_widths(order: int, accuracy: int) -> None:
    table = derivative_stencil(random_nodes(40), order, accuracy)
    assert len(table.band) == order + accuracy + (order + 1) % 2
    assert table.lower.shape == table.upper.shape == (table.half_width, order + accuracy)
    assert table.neighbours == max(len(table.band), order + accuracy) - 1
    assert (table.rows, table.nodes, table.first, table.periodic) == (40, 40, 0, False)
    assert not table.row_sum.any()


def test_long_axes_are_computed_in_pieces_that_agree() -> None:
    x = np.arange(70_000.0)
    table = derivative_stencil(x, 2, 2)
    assert np.array_equal(table.band[:, 2:-2], np.tile(table.band[:, 2:3], 69_996))


# Exactness


@pytest.mark.parametrize(
    "nodes",
    [np.linspace(-1, 1, 25), tanh_nodes(25), random_nodes(25) / 12 - 1],
    ids=["uniform", "tanh", "random"],
)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_polynomials_are_exact_up_to_the_right_degree(nodes: Array, order: int, accuracy: int) -> None:
    table = derivative_stencil(nodes, order, accuracy)
    matrix, half = table.matrix(), table.half_width
    inside = np.zeros(25, bool)
    inside[half:-half] = True
    for degree in range(len(table.band) + 1):
        exact = math.perm(degree, order) * nodes ** max(degree - order, 0)
        unit = EPS * (np.abs(matrix) @ np.abs(nodes**degree) + np.abs(exact))
        error = np.abs(matrix @ nodes**degree - exact)
        for rows, count in ((inside, len(table.band)), (~inside, order + accuracy)):
            if degree < count:
                assert (error <= 32 * unit)[rows].all(), (error / unit)[rows].max()
            elif degree == count and rows is not inside:
                # one degree more is not: the window is no wider than promised
                assert (error > 1e3 * unit)[rows].all()


# Order of accuracy


# Wave numbers that put errors above rounding on enough grids, all of which resolve the wave.
WAVE_NUMBERS = {2: 6.0, 4: 6.0, 6: 10.0, 8: 16.0}
SIZES = (48, 56, 64, 72, 80, 96, 112, 128)


def wave(x: Array, order: int, number: float) -> Array:
    """Derivative of sin(number x + 0.4)."""
    return number**order * np.sin(number * x + 0.4 + order * np.pi / 2)


def perturbed(n: int, seed: int, *, periodic: bool) -> Array:
    x = np.arange(n) + np.random.default_rng(seed).uniform(-0.25, 0.25, n)
    return x / n if periodic else x / (n - 1)


NODES: dict[str, Callable[[int, int], Array]] = {
    "uniform": lambda n, seed: np.linspace(0.0, 1.0, n),
    "tanh": lambda n, seed: 0.5 * tanh_nodes(n) + 0.5,
    "random": lambda n, seed: perturbed(n, seed, periodic=False),
}
PERIODIC_NODES: dict[str, Callable[[int, int], Array]] = {
    "uniform": lambda n, seed: np.arange(n) / n,
    # clustered smoothly, as tanh nodes are, but around a circle
    "stretched": lambda n, seed: np.arange(n) / n + 0.1 * np.sin(2 * np.pi * np.arange(n) / n),
    "random": lambda n, seed: perturbed(n, seed, periodic=True),
}


def fitted_order(
    nodes: Callable[[int, int], Array],
    seed: int,
    order: int,
    accuracy: int,
    *,
    period: float | None,
    edges: bool,
) -> float:
    """Slope of the error over the number of points; at least four grids must exceed 100 rounding units."""
    number = WAVE_NUMBERS[accuracy] if period is None else (8 * np.pi if accuracy == 8 else 4 * np.pi)
    sizes, errors = [], []
    for n in SIZES:
        x = nodes(n, seed)
        table = derivative_stencil(x, order, accuracy, period=period)
        matrix = table.matrix()
        near = np.zeros(n, bool)
        near[: len(table.lower)] = near[n - len(table.upper) :] = True
        rows = near if edges else ~near
        values = wave(x, 0, number)
        error = np.abs(matrix @ values - wave(x, order, number))[rows].max()
        rounding = EPS * (np.abs(matrix) @ np.abs(values))[rows].max()
        if error > 100 * rounding:
            sizes.append(n)
            errors.append(error)
    assert len(sizes) >= 4, "too few grids above rounding: choose others"
    return -float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


@pytest.mark.parametrize("kind", NODES)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("edges", [False, True], ids=["inside", "edges"])
def test_order_of_accuracy(kind: str, order: int, accuracy: int, edges: bool) -> None:
    seeds = range(7) if kind == "random" else range(1)
    fits = [fitted_order(NODES[kind], seed, order, accuracy, period=None, edges=edges) for seed in seeds]
    assert np.median(fits) >= accuracy - (0.1 if kind == "uniform" else 0.4)


@pytest.mark.parametrize("kind", PERIODIC_NODES)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_order_of_accuracy_where_the_axis_wraps(kind: str, order: int, accuracy: int) -> None:
    seeds = range(7) if kind == "random" else range(1)
    fits = [fitted_order(PERIODIC_NODES[kind], seed, order, accuracy, period=1.0, edges=False) for seed in seeds]
    assert np.median(fits) >= accuracy - (0.1 if kind == "uniform" else 0.4)


# Properties


@st.composite
def tables(draw: st.DrawFn, *, most: int = 40) -> Stencil:
    order, accuracy = draw(st.sampled_from(ORDERS)), draw(st.sampled_from(ACCURACIES))
    periodic = draw(st.booleans())
    n = draw(st.integers(required_points(order, accuracy, periodic=periodic), most))
    x = random_nodes(n, draw(st.integers(0, 99)))[:: draw(st.sampled_from([1, -1]))]
    table = derivative_stencil(x, order, accuracy, period=abs(x[-1] - x[0]) + 1.0 if periodic else None)
    return table.transpose() if draw(st.booleans()) else table


def unfolded(block: Stencil, low: int, nodes: int) -> Array:
    """Matrix of a block as rows of the whole table."""
    full = np.zeros((block.rows, nodes))
    matrix = block.matrix()
    for column in range(block.nodes):
        full[:, (low + column) % nodes] += matrix[:, column]
    return full


@given(table=tables(), data=st.data())
@settings(deadline=None)
def test_a_slice_holds_the_rows_of_the_table(table: Stencil, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, table.rows - 1))
    stop = data.draw(st.integers(start + 1, table.rows))
    block, low, high = table.slice(start, stop)
    assert (block.rows, block.nodes, block.periodic) == (stop - start, high - low, False)
    assert low <= low + block.first <= high - block.rows or block.rows > high - low
    assert low + block.first == start
    if not table.periodic:
        assert 0 <= low < high <= table.nodes
    assert np.array_equal(unfolded(block, low, table.nodes), table.matrix()[start:stop])
    assert np.array_equal(block.row_sum, table.row_sum[start:stop])
    # a slice of a slice
    inner = data.draw(st.integers(0, block.rows - 1))
    again, again_low, again_high = block.slice(inner, block.rows)
    assert np.array_equal(again.matrix(), block.matrix()[inner:, again_low:again_high])


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_every_slice(accuracy: int, periodic: bool, transposed: bool) -> None:
    n = 2 * accuracy + 5
    table = derivative_stencil(random_nodes(n), 1, accuracy, period=1.6 * n if periodic else None)
    table = table.transpose() if transposed else table
    matrix = table.matrix()
    for start in range(n):
        for stop in range(start + 1, n + 1):
            block, low, _ = table.slice(start, stop)
            assert np.array_equal(unfolded(block, low, n), matrix[start:stop])


def test_a_slice_reads_no_more_than_its_rows_need() -> None:
    table = derivative_stencil(random_nodes(30), 1, 4)
    assert table.slice(10, 12)[1:] == (8, 14)
    assert table.slice(0, 1)[1:] == (0, 5)
    assert table.slice(29, 30)[1:] == (25, 30)
    assert table.slice(0, 30)[1:] == (0, 30)
    assert derivative_stencil(np.arange(30.0), 1, 4, period=30.0).slice(0, 30)[1:] == (-2, 32)


def test_a_slice_keeps_nodes_within_reach() -> None:
    table = derivative_stencil(random_nodes(30), 1, 4)
    around = derivative_stencil(np.arange(30.0), 1, 4, period=30.0)
    for whole, start, stop, ends in (
        (table, 10, 12, (5, 17)),
        (table, 3, 5, (0, 10)),
        (table, 26, 28, (21, 30)),
        (around, 2, 28, (-3, 33)),
    ):
        block, low, high = whole.slice(start, stop, reach=5)
        assert (low, high) == ends
        assert np.array_equal(unfolded(block, low, 30), whole.matrix()[start:stop])
    # of a block, whose rows begin behind its nodes
    block, low, _ = table.slice(10, 20, reach=4)
    assert block.slice(5, 6, reach=3)[1:] == (15 - 3 - low, 16 + 3 - low)


@given(table=tables())
@settings(deadline=None)
def test_the_transpose_is_exact(table: Stencil) -> None:
    transposed = table.transpose()
    assert np.array_equal(transposed.matrix(), table.matrix().T)
    assert transposed.matrix().tobytes() == (table.matrix().T + 0.0).tobytes()
    assert np.array_equal(transposed.transpose().matrix(), table.matrix())


@given(table=tables(), seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_transpose_is_the_adjoint(table: Stencil, seed: int) -> None:
    x, y = np.random.default_rng(seed).standard_normal((2, table.nodes))
    ax, aty = table.matrix() @ x, table.transpose().matrix() @ y
    assert abs(ax @ y - x @ aty) <= 1e-13 * np.linalg.norm(ax) * np.linalg.norm(y)


def from_taps(offsets: NDArray[np.intp], weights: Array, start: int, table: Stencil) -> Array:
    matrix = np.zeros((weights.shape[1], table.nodes))
    for i in range(weights.shape[1]):
        np.add.at(matrix[i], table.first + start + i + offsets[:, i], weights[:, i])
    return matrix


@given(table=tables(), data=st.data())
@settings(deadline=None)
def test_taps_list_the_neighbours_of_each_row(table: Stencil, data: st.DataObject) -> None:
    if not table.periodic and data.draw(st.booleans()):
        table, _, _ = table.slice(table.rows // 3, table.rows)
    matrix = table.matrix()
    own = table.first + np.arange(table.rows)
    start = data.draw(st.integers(0, table.rows))
    stop = data.draw(st.integers(start, table.rows))
    offsets, weights = table.taps(start, stop)
    assert offsets.shape == weights.shape == (table.neighbours, stop - start)
    assert offsets.dtype == np.intp
    places = own[start:stop] + offsets
    assert ((places >= 0) & (places < table.nodes)).all()
    others = matrix.copy()
    others[np.arange(table.rows), own] = 0.0
    assert np.array_equal(from_taps(offsets, weights, start, table), others[start:stop])
    # any range gives the entries of the whole
    assert np.array_equal(weights, table.taps(0, table.rows)[1][:, start:stop])
    assert np.array_equal(offsets, table.taps(0, table.rows)[0][:, start:stop])
    # wider lists are filled up with the centre, at weight zero
    more_offsets, more_weights = table.taps(start, stop, table.neighbours + 3)
    assert np.array_equal(more_offsets[:-3], offsets)
    assert np.array_equal(more_weights[:-3], weights)
    assert not more_offsets[-3:].any()
    assert not more_weights[-3:].any()


@pytest.mark.parametrize("period", [None, 16.0])
def test_taps_of_every_range(period: float | None) -> None:
    table = derivative_stencil(np.arange(12.0), 1, 6, period=period)
    offsets, weights = table.taps(0, 12)
    for start in range(12):
        for stop in range(start, 13):
            found = table.taps(start, stop)
            assert np.array_equal(found[0], offsets[:, start:stop])
            assert np.array_equal(found[1], weights[:, start:stop])


@given(table=tables())
@settings(deadline=None)
def test_taps_with_the_centre_give_the_whole_row(table: Stencil) -> None:
    offsets, weights = table.taps(0, table.rows, centre=True)
    assert offsets.shape == weights.shape == (table.neighbours + 1, table.rows)
    assert not offsets[-1].any()
    assert_rows_close(from_taps(offsets, weights, 0, table), table.matrix(), 64)


@given(
    order=st.sampled_from(ORDERS),
    accuracy=st.sampled_from(ACCURACIES),
    steps=st.lists(st.integers(1, 64), min_size=12, max_size=24),
    shift=st.integers(-(2**30), 2**30),
    power=st.integers(-60, 60),
)
@settings(deadline=None)
def test_translation_scaling_and_reversal(order: int, accuracy: int, steps: list[int], shift: int, power: int) -> None:
    x = np.cumsum(steps) / 16.0
    matrix = derivative_stencil(x, order, accuracy).matrix()
    # these are exact in binary, so the weights are the same to the bit
    assert np.array_equal(derivative_stencil(x + shift, order, accuracy).matrix(), matrix)
    scaled = derivative_stencil(x * 2.0**power, order, accuracy).matrix()
    assert np.array_equal(scaled, matrix * 2.0 ** (-power * order))
    # the recurrence runs over the nodes in their order, so this is to rounding
    mirrored = derivative_stencil(-x[::-1], order, accuracy).matrix()
    bound = 1e-9 * np.abs(matrix).max(axis=1, keepdims=True)
    assert (np.abs((-1.0) ** order * mirrored[::-1, ::-1] - matrix) <= bound).all()
    assert np.array_equal(derivative_stencil(-x, order, accuracy).matrix(), (-1.0) ** order * matrix)
    assert (np.abs(derivative_stencil(x[::-1], order, accuracy).matrix()[::-1, ::-1] - matrix) <= bound).all()


@given(table=tables())
@settings(deadline=None)
def test_rows_add_up_to_their_row_sum(table: Stencil) -> None:
    matrix = table.matrix()
    assert (np.abs(matrix.sum(axis=1) - table.row_sum) <= 64 * EPS * np.abs(matrix).sum(axis=1)).all()


def test_a_table_with_row_sums_is_bounded() -> None:
    plain = derivative_stencil(random_nodes(7))
    band, sums = plain.band.copy(), np.zeros(7)
    band[1, 3] += 2.0
    sums[3] = 2.0
    summed = Stencil(band, plain.lower, plain.upper, sums, nodes=7, known=np.full(7, 5.0))
    assert not plain.bounded
    assert plain.linear is plain
    assert summed.bounded
    assert summed.linear.known is None
    assert summed.linear.bounded
    both = replace(plain, each=(plain, summed))
    assert both.bounded
    assert both.of(1) is summed
    assert plain.of(1) is plain
    assert [one.known for one in both.linear.each] == [None, None]
    assert not replace(plain, each=(plain, plain)).bounded


# Errors


def test_tables_are_read_only() -> None:
    table = derivative_stencil(random_nodes(9))
    with pytest.raises(AttributeError):
        table.nodes = 3  # type: ignore[misc]
    for part in (table.band, table.lower, table.upper, table.row_sum):
        with pytest.raises(ValueError, match="read-only"):
            part[...] = 0.0


def block(*shape: int) -> Array:
    return np.zeros(shape)


NONE = np.zeros((0, 0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((block(2, 5), NONE, NONE, block(5), 5), "band: has 2 taps; the number must be odd"),
        ((block(3, 5), NONE, NONE, block(4), 5), r"row_sum: has shape \(4,\); it must be \(5,\)"),
        (
            (block(3, 5), block(3, 4), block(3, 4), block(5), 5),
            r"lower, upper: blocks of shape \(3, 4\) and \(3, 4\)",
        ),
        ((block(3, 5), block(1, 6), block(1, 3), block(5), 5), "do not fit a table of 5 rows on 5 nodes"),
        (
            (block(3, 5), block(1, 3), NONE, block(5), 5),
            "band: windows of 3 taps reach beyond the 5 nodes; widen the edges",
        ),
        ((block(3, 5), NONE, block(1, 3), block(5), 5), "band: windows of 3 taps reach beyond the 5 nodes"),
        ((block(3, 5), NONE, NONE, block(5), 7, 0), "reach beyond the 7 nodes"),
        ((block(3, 5), NONE, NONE, block(5), 6, 1), "reach beyond the 6 nodes"),
        ((block(3, 5), block(1, 3), NONE, block(5), 5, 0, True), "periodic: a periodic table has no edges"),
        ((block(3, 5), NONE, NONE, block(5), 6, 0, True), "as many rows as nodes"),
        ((block(3, 5), NONE, NONE, np.ones(5), 7, 1), "row_sum: the weights of a row .* do not add up to it"),
        (
            (np.full((3, 5), np.nan), NONE, NONE, block(5), 7, 1),
            "row_sum: the weights of a row are not finite",
        ),
        ((np.ones((3, 5)), NONE, NONE, block(5), 7, 1), "do not add up to it"),
        ((block(3, 5), np.ones((1, 3)), block(1, 3), block(5), 5), "do not add up to it"),
        ((block(3, 5), block(1, 3), np.full((1, 3), np.inf), block(5), 5), "not finite"),
        ((block(3, 5), NONE, NONE, block(5), 7, 1, False, block(4)), "known: must hold 5 finite values"),
        ((block(3, 5), NONE, NONE, block(5), 7, 1, False, np.full(5, np.nan)), "known: must hold 5 finite values"),
        (
            (block(3, 5), NONE, NONE, block(5), 7, 1, False, None, (derivative_stencil(np.arange(5.0)),)),
            "each: the tables of several fields must have one shape",
        ),
    ],
)
def test_a_table_checks_itself(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Stencil(*arguments)  # type: ignore[arg-type]


def test_columns_of_edge_rows_are_not_looked_at() -> None:
    band = np.zeros((3, 5))
    band[:, 0] = np.nan
    table = Stencil(band, block(1, 3), block(1, 3), block(5), nodes=5)
    assert np.isfinite(table.matrix()).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 0}, "order: got 0; the order of a derivative must be at least 1"),
        ({"order": -1}, "order: got -1"),
        ({"accuracy": 3}, "accuracy: got 3; it must be 2, 4, 6 or 8"),
        ({"accuracy": 10}, "accuracy: got 10; it must be 2, 4, 6 or 8"),
        ({"edge_accuracy": 0}, "edge_accuracy: got 0; it must be at least 1"),
        ({"accuracy": 8}, "x: has 8 points; a derivative of order 1 and accuracy 8 needs at least 9"),
        (
            {"order": 3, "accuracy": 6},
            "x: has 8 points; a derivative of order 3 and accuracy 6 needs at least 9",
        ),
        (
            {"order": 2, "accuracy": 6, "period": 9.0},
            "a derivative of order 2 and accuracy 6 needs at least 9",
        ),
        ({"edge_accuracy": 8}, "x: has 8 points; .* needs at least 9"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        derivative_stencil(np.arange(8.0), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("periodic", [False, True])
def test_required_points_are_enough_and_no_fewer_are(order: int, accuracy: int, periodic: bool) -> None:
    n = required_points(order, accuracy, periodic=periodic)
    derivative_stencil(np.arange(n), order, accuracy, period=n if periodic else None)
    with pytest.raises(ValueError, match=f"x: has {n - 1} points; .* needs at least {n}$"):
        derivative_stencil(np.arange(n - 1), order, accuracy, period=n if periodic else None)


def test_spacings_too_uneven_for_double_precision() -> None:
    x = np.array([0.0, 1e-200, *range(1, 12)])
    with pytest.raises(ArithmeticError, match=r"x: the spacings are too uneven .* use a smaller accuracy"):
        derivative_stencil(x, 2, 4)


def test_weights_that_are_numbers_but_wrong() -> None:
    """Where the product of four spacings keeps three digits; other rows of such an axis are not finite."""
    offsets = np.array([[0.0], [1e-107], [2.7e-107], [4e-107], [1.0]])
    assert np.isfinite(fornberg(offsets, 1)).all()
    with pytest.raises(ArithmeticError, match=r"moment 0 of the weights of derivative 1 is wrong"):
        _verified(offsets, 1)


def test_weights_of_a_first_derivative_are_right_however_uneven_the_spacings() -> None:
    """Each of them to a few roundings, in exact arithmetic; from cell to cell the spacings grow a thousandfold."""
    x = np.cumsum(1000.0 ** np.arange(9))
    table = derivative_stencil(x, 1, 8).matrix()
    exact = [Fraction(node) for node in x]
    for c, centre in enumerate(exact):
        for j, node in enumerate(exact):
            if j != c:
                rest = [other for k, other in enumerate(exact) if k not in (j, c)]
                weight = math.prod((other - centre) / (other - node) for other in rest) / (node - centre)
                assert abs(Fraction(table[c, j]) / weight - 1) < 30 * 2.0**-53
        assert abs(table[c].sum()) < 10 * 2.0**-53 * np.abs(table[c]).max()


@pytest.mark.parametrize("accuracy", [2, 8])
def test_first_derivatives_whose_weights_are_not_finite(accuracy: int) -> None:
    x = np.array([0.0, 5e-324, *range(1, 12)])
    with pytest.raises(ArithmeticError, match=r"x: the spacings are too uneven .* use a smaller accuracy"):
        derivative_stencil(x, 1, accuracy)


@pytest.mark.parametrize("bounds", [(3, 3), (-1, 4), (5, 4), (0, 10)])
def test_slices_out_of_range(bounds: tuple[int, int]) -> None:
    table = derivative_stencil(random_nodes(9))
    with pytest.raises(ValueError, match=rf"start, stop: {bounds[0]} and {bounds[1]} are not a range of the 9 rows"):
        table.slice(*bounds)


def test_a_block_cannot_be_transposed() -> None:
    part, _, _ = derivative_stencil(random_nodes(9)).slice(2, 5)
    with pytest.raises(ValueError, match="transpose: the table is a block of a larger one; transpose that, then slice"):
        part.transpose()
