# SPDX-License-Identifier: BSD-3-Clause
"""Laws that hold for any grid and any field.

The number of examples is that of the profile that HYPOTHESIS_PROFILE names: 40 by default, 200 with ci, 20,000 with
exhaustive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from strategies import ACCURACIES, chunks, fields, flows, masks, nodes, planes

import fieldgrad as fg
from fieldgrad.stencils import Stencil, derivative_stencil

EPS = np.finfo(float).eps


def matrix(stencil: Stencil, columns: int, start: int = 0) -> np.ndarray:
    """The matrix of which a stencil has the rows from `start` on, by its own lists."""
    offsets, weights = stencil.taps(0, stencil.rows, None, centre=True)
    rows = np.broadcast_to(np.arange(stencil.rows), offsets.shape)
    found = np.zeros((stencil.rows, columns))
    np.add.at(found, (rows, start + rows + offsets), weights)
    return found


def dense(x: np.ndarray, order: int = 1, accuracy: int = 2) -> np.ndarray:
    """The table of a derivative as a matrix."""
    return matrix(derivative_stencil(x, order, accuracy), len(x))


def tables(order: int = 1) -> Any:
    """Grids and an accuracy that they have points enough for."""
    return ACCURACIES.flatmap(lambda accuracy: st.tuples(nodes(order + accuracy, 14), st.just(accuracy)))


# of tables


@given(tables(), st.data())
def test_exact_on_polynomials(table: tuple[np.ndarray, int], data: Any) -> None:
    x, accuracy = table
    degree = data.draw(st.integers(0, accuracy))
    t = (x - x.mean()) / np.ptp(x)
    weights = dense(x, 1, accuracy)
    exact = degree * t ** max(degree - 1, 0) / np.ptp(x) if degree else 0 * t
    bound = np.abs(weights) @ np.abs(t) ** degree
    # positions are rounded as well: t by a few eps of itself
    scale = np.abs(weights).sum(axis=1)
    assert (np.abs(weights @ t**degree - exact) <= 64 * EPS * (bound + scale + np.abs(exact))).all()


@given(tables())
def test_rows_sum_to_zero(table: tuple[np.ndarray, int]) -> None:
    found = dense(table[0], 1, table[1])
    assert (np.abs(found.sum(axis=1)) <= 16 * EPS * np.abs(found).sum(axis=1)).all()


@given(tables(), st.integers(-60, 60))
def test_scaling_of_coordinates_by_powers_of_two_is_exact(table: tuple[np.ndarray, int], power: int) -> None:
    x, accuracy = table
    np.testing.assert_array_equal(dense(x * 2.0**power, 1, accuracy), dense(x, 1, accuracy) * 2.0**-power)


@given(tables(), st.integers(-1000, 1000))
def test_translation_of_coordinates(table: tuple[np.ndarray, int], shift: int) -> None:
    x, accuracy = table
    x = np.round(x * 1024) / 1024  # so that what is shifted is not rounded
    np.testing.assert_array_equal(dense(x + shift, 1, accuracy), dense(x, 1, accuracy))


@given(tables())
def test_reversal_of_an_axis(table: tuple[np.ndarray, int]) -> None:
    x, accuracy = table
    found, turned = dense(x, 1, accuracy), dense(x[::-1], 1, accuracy)[::-1, ::-1]
    assert (np.abs(found - turned) <= 64 * EPS * np.abs(found).sum(axis=1, keepdims=True)).all()


@given(tables())
def test_the_transpose_is_the_adjoint(table: tuple[np.ndarray, int]) -> None:
    x, accuracy = table
    forward = derivative_stencil(x, 1, accuracy)
    np.testing.assert_array_equal(matrix(forward.transpose(), len(x)), matrix(forward, len(x)).T)


@given(tables(), st.data())
def test_a_block_of_a_table_is_a_part_of_it(table: tuple[np.ndarray, int], data: Any) -> None:
    x, accuracy = table
    start = data.draw(st.integers(0, len(x) - 1))
    stop = data.draw(st.integers(start + 1, len(x)))
    whole = derivative_stencil(x, 1, accuracy)
    part, low, high = whole.slice(start, stop)
    np.testing.assert_array_equal(matrix(part, len(x), start), matrix(whole, len(x))[start:stop])
    assert low <= start
    assert high >= stop


# of operators


@given(planes(), st.floats(-10, 10), st.floats(-10, 10), st.data())
def test_linearity(plane: Any, a: float, b: float, data: Any) -> None:
    y, x, f = plane
    g = data.draw(fields(*f.shape))
    both = np.stack(fg.array.gradient(a * f + b * g, y, x, accuracy=2))
    apart = a * np.stack(fg.array.gradient(f, y, x, accuracy=2)) + b * np.stack(fg.array.gradient(g, y, x, accuracy=2))
    scale = np.abs(a * f).max() + np.abs(b * g).max()
    # spacings are at least one, so weights are at most three or so; denormal products have no relative rounding
    assert np.abs(both - apart).max() <= 64 * (EPS * scale + np.finfo(float).smallest_subnormal)


@given(planes())
def test_the_matrix_of_the_table(plane: Any) -> None:
    y, x, f = plane
    along_y, along_x = fg.array.gradient(f, y, x, accuracy=2)
    for found, table, values in ((along_y, dense(y), f), (along_x.T, dense(x), f.T)):
        bound = np.abs(table) @ np.abs(values) + np.abs(table).sum(axis=1, keepdims=True) * np.abs(values)
        assert (np.abs(found - table @ values) <= 16 * EPS * bound).all()


@given(planes(), st.data())
def test_missing_values_spread_within_the_stencil(plane: Any, data: Any) -> None:
    y, x, f = plane
    missing = data.draw(masks(*f.shape))
    along_y, along_x = fg.array.gradient(np.where(missing, np.nan, f), y, x, accuracy=2)
    for found, table, mask in ((along_y, dense(y), missing), (along_x.T, dense(x), missing.T)):
        footprint = (table != 0) | np.eye(len(table), dtype=bool)  # the centre is subtracted
        np.testing.assert_array_equal(np.isnan(found), (footprint.astype(int) @ mask.astype(int)) > 0)


@pytest.mark.slow  # of the kernels of every order of memory
@given(flows(), st.permutations(list("zyx")))
def test_order_of_dimensions(flow: xr.Dataset, order: list[str]) -> None:
    found = fg.velocity_gradient(flow)
    turned = fg.velocity_gradient(flow.transpose(*order))
    assert found.transpose(*turned.dims).identical(turned)


@pytest.mark.slow
@given(flows(), st.data())
def test_chunks_and_threads(flow: xr.Dataset, data: Any) -> None:
    lazy = fg.velocity_gradient(flow.chunk(data.draw(chunks(dict(flow.sizes)))))
    workers = data.draw(st.integers(1, 4))
    assert lazy.compute(scheduler="threads", num_workers=workers).identical(fg.velocity_gradient(flow))


@pytest.mark.slow
@given(flows())
def test_identities(flow: xr.Dataset) -> None:
    """L = D + W, the divergence is its trace and the curl its dual; derivatives along two axes commute."""
    L = fg.velocity_gradient(flow)
    D, W = fg.decompose(L)
    scale = float(np.abs(L).max()) + 1e-300
    assert float(np.abs(D + W - L).max()) <= 4 * EPS * scale
    assert D.identical(D.rename(component="direction", direction="component").transpose(*D.dims).assign_attrs(D.attrs))
    assert (-W.rename(component="direction", direction="component").transpose(*W.dims) == W).all()
    trace = sum(D.sel(component=name, direction=name, drop=True) for name in "xyz")
    assert float(np.abs(trace - fg.divergence(flow)).max()) <= 4 * EPS * 3 * scale
    u = flow.u
    one = fg.derivative(fg.derivative(u, "x"), "y")
    other = fg.derivative(fg.derivative(u, "y"), "x")
    assert float(np.abs(one - other).max()) <= 256 * EPS * float(np.abs(u).max())
