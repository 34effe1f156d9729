# SPDX-License-Identifier: BSD-3-Clause
"""The operators on ndarrays, against dense matrices of weights, polynomials and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

import fieldgrad as fg
from fieldgrad import operators
from fieldgrad.stencils import derivative_stencil

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng(7)
X = np.tanh(np.linspace(-1.2, 1.1, 12))
Y = np.tanh(np.linspace(-1.6, 0.4, 11))
Z = np.cumsum(np.r_[0.0, np.linspace(0.1, 0.3, 9)])
# fields are stored z, y, x: the order of labelled data
SPACE = {"axes": (2, 1, 0)}
PLANE = {"axes": (1, 0)}


def fields(count: int, ndim: int = 3, dtype: Any = np.float64) -> np.ndarray:
    return RNG.normal(size=(count, 10, 11, 12)[: 1 + ndim] if ndim == 3 else (count, 11, 12)).astype(dtype)


def apply(table: np.ndarray, f: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(table, f, axes=(1, axis)), 0, axis)


def matrix(nodes: np.ndarray, order: int = 1, accuracy: int = 2, period: float | None = None) -> np.ndarray:
    return derivative_stencil(nodes, order, accuracy, period=period).matrix()


def check(found: np.ndarray, expected: np.ndarray, bound: np.ndarray, units: float = 16) -> None:
    """Equal to rounding of the sum of |weight| |value|."""
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= units * EPS * bound).all()


def tensor(u: np.ndarray, tables: list[np.ndarray], axes: tuple[int, ...]) -> np.ndarray:
    return np.stack([[apply(table, f, axis) for table, axis in zip(tables, axes, strict=True)] for f in u])


# every width of table once along the rows of memory or across them; the rest is slow
WIDTHS = [(0, 2), (0, 4), (0, 6), (-1, 2), (-1, 4), (-1, 8)]
REST = [pytest.param(axis, accuracy, marks=pytest.mark.slow) for axis, accuracy in ((0, 8), (-1, 6))]


@pytest.mark.parametrize("period", [None, 3.0])
@pytest.mark.parametrize(("axis", "accuracy"), [*WIDTHS, *REST])
def test_derivative_is_a_matrix(accuracy: int, period: float | None, axis: int) -> None:
    f, nodes = fields(1)[0], {0: Z, -1: X}[axis]
    table = matrix(nodes, 1, accuracy, period)
    found = fg.array.derivative(f, nodes, axis=axis, accuracy=accuracy, period=period)
    check(found, apply(table, f, axis), apply(np.abs(table), np.abs(f), axis))


@pytest.mark.parametrize(("order", "accuracy"), [(2, 2), (3, 2), (4, 4), (2, 6), (3, 6), (1, 8)])
def test_higher_derivatives_are_matrices(order: int, accuracy: int) -> None:
    f = fields(1)[0]
    for period in (None, 3.0):
        table = matrix(X, order, accuracy, period)
        found = fg.array.derivative(f, X, order=order, accuracy=accuracy, period=period)
        check(found, apply(table, f, -1), apply(np.abs(table), np.abs(f), -1))


@given(
    st.sampled_from([2, 4, 8]),
    st.lists(st.floats(0.05, 1.0), min_size=9, max_size=14),
    st.lists(st.floats(-1.0, 1.0), min_size=9, max_size=9),
    st.booleans(),
)
def test_polynomials_up_to_the_accuracy_are_exact(
    accuracy: int, steps: list[float], coefficients: list[float], decreasing: bool
) -> None:
    x = np.cumsum([-2.0, *steps])
    x = (x[::-1] if decreasing else x) / np.abs(x).max()
    polynomial = np.polynomial.Polynomial(coefficients[: accuracy + 1])
    table = matrix(x, 1, accuracy)
    bound = np.abs(table) @ np.polynomial.Polynomial(np.abs(polynomial.coef))(np.abs(x))
    found = fg.array.derivative(polynomial(x), x, accuracy=accuracy)
    # weights are themselves right to some 1e-13 of the largest where spacings differ twentyfold
    assert (np.abs(found - polynomial.deriv()(x)) <= 1e-11 * bound).all()


@given(st.floats(-3, 3), st.floats(-3, 3), st.sampled_from([0, 1, 2]), st.sampled_from([2, 4]))
def test_derivatives_are_linear(a: float, b: float, axis: int, accuracy: int) -> None:
    f, g = fields(2)
    nodes = (Z, Y, X)[axis]

    def d(field: np.ndarray) -> np.ndarray:
        return fg.array.derivative(field, nodes, axis=axis, accuracy=accuracy)

    weights = np.abs(matrix(nodes, 1, accuracy))
    bound = apply(weights, abs(a) * np.abs(f) + abs(b) * np.abs(g), axis)
    assert (np.abs(d(a * f + b * g) - (a * d(f) + b * d(g))) <= 32 * EPS * bound + 1e-300).all()


@given(st.permutations(range(3)), st.lists(st.booleans(), min_size=3, max_size=3), st.integers(0, 2))
def test_memory_order_does_not_change_a_bit(order: list[int], flipped: list[bool], axis: int) -> None:
    f = fields(1)[0]
    expected = fg.array.derivative(f, (Z, Y, X)[axis], axis=axis)
    flips = tuple(slice(None, None, -1) if flip else slice(None) for flip in flipped)
    # the same values at other addresses: memory of another order, walked backwards along some axes
    memory = np.empty([f.shape[one] for one in order])
    view = memory.transpose(np.argsort(order))[flips]
    view[...] = f
    found = fg.array.derivative(view, (Z, Y, X)[axis], axis=axis)
    np.testing.assert_array_equal(found, expected)
    # and in the place of another axis
    permuted = f.transpose(order)
    found = fg.array.derivative(permuted, (Z, Y, X)[axis], axis=order.index(axis))
    np.testing.assert_array_equal(found, expected.transpose(order))


@given(st.sampled_from([2, 4]), st.sampled_from([0, 2]))
def test_reversal_of_an_axis_changes_nothing_but_the_order(accuracy: int, axis: int) -> None:
    f, nodes = fields(1)[0], (Z, Y, X)[axis]
    table = matrix(nodes, 1, accuracy)
    expected = fg.array.derivative(f, nodes, axis=axis, accuracy=accuracy)
    found = fg.array.derivative(np.flip(f, axis), nodes[::-1], axis=axis, accuracy=accuracy)
    check(np.flip(found, axis), expected, apply(np.abs(table), np.abs(f), axis), 64)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_is_numpys(edge_order: int) -> None:
    f = fields(1, 2)[0]
    theirs = np.gradient(f, Y, X, edge_order=edge_order)
    ours = fg.array.gradient(f, Y, X, edge_order=edge_order)
    assert isinstance(ours, tuple)
    for axis, (one, other, nodes) in enumerate(zip(ours, theirs, (Y, X), strict=True)):
        check(one, other, apply(np.abs(matrix(nodes)), np.abs(f), axis), 32)
    for axis in (0, 1, -1, (0,), (1, 0)):
        nodes = [Y, X] if axis == (1, 0) else [X if axis in (1, -1) else Y]
        given = nodes[::-1] if axis == (1, 0) else nodes
        theirs = np.gradient(f, *given, axis=axis, edge_order=edge_order)
        ours = fg.array.gradient(f, *given, axis=axis, edge_order=edge_order)
        assert isinstance(ours, tuple) == isinstance(theirs, tuple | list)  # of lists before NumPy 2
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-12, atol=1e-13)


def test_gradient_of_given_accuracy_and_period() -> None:
    f = fields(1, 2)[0]
    dy, dx = fg.array.gradient(f, Y, X, accuracy=2, period=[None, 3.0])
    for found, table, axis in ((dy, matrix(Y), 0), (dx, matrix(X, period=3.0), 1)):
        check(found, apply(table, f, axis), apply(np.abs(table), np.abs(f), axis))
    fine = fg.array.gradient(f, X, axis=1, accuracy=4)
    check(fine, apply(matrix(X, 1, 4), f, 1), apply(np.abs(matrix(X, 1, 4)), np.abs(f), 1))
    wrapped = fg.array.gradient(f, 2.0, axis=1, period=24.0)
    check(wrapped, (np.roll(f, -1, 1) - np.roll(f, 1, 1)) / 4, np.ones_like(f), 8)


def test_gradient_of_more_than_three_axes() -> None:
    f = RNG.normal(size=(3, 4, 5, 3, 4))
    for found, expected in zip(fg.array.gradient(f), np.gradient(f), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    out = np.empty((5, *f.shape))
    fg.array.gradient(f, out=out)
    np.testing.assert_array_equal(out, fg.array.gradient(f))


def test_gradient_hands_masked_and_datetime_values_on() -> None:
    masked = np.ma.masked_array([1.0, 2.0, 4.0], [False, False, True])
    assert isinstance(fg.array.gradient(masked), np.ma.MaskedArray)
    times = np.array(["2000-01-01", "2000-01-02", "2000-01-04"], "M8[D]")
    np.testing.assert_array_equal(fg.array.gradient(times), np.gradient(times))
    for wrong in ({"accuracy": 4}, {"period": 5.0}, {"out": np.zeros(3)}):
        with pytest.raises(TypeError, match=r"f: masked and datetime values are handed on .* fill or convert"):
            fg.array.gradient(masked, **wrong)


def test_float16_is_computed_wider_and_given_back() -> None:
    f = fields(1, 2, np.float16)[0]
    out = np.empty((2, *f.shape), np.float16)
    found = fg.array.gradient(f, out=out)
    for one, wide, memory in zip(found, fg.array.gradient(f.astype(np.float32)), out, strict=True):
        assert one.dtype == np.float16
        assert np.shares_memory(one, memory)
        np.testing.assert_array_equal(one, wide.astype(np.float16))
    assert fg.array.gradient(f, axis=0, out=out[0]) is out[0] or np.shares_memory(out, out[0])
    for wrong in (np.zeros(f.shape), np.zeros((2, *f.shape), np.float16), f):
        with pytest.raises(ValueError, match=r"out: "):
            fg.array.gradient(f, axis=0, out=wrong)


def test_velocity_gradient_and_what_follows_in_space() -> None:
    u = fields(3)
    tables = [matrix(X), matrix(Y), matrix(Z)]
    L = tensor(u, tables, (2, 1, 0))
    bound = tensor(np.abs(u), [np.abs(table) for table in tables], (2, 1, 0))
    found = fg.array.velocity_gradient(u, X, Y, Z, **SPACE)
    check(found, L, bound)
    parts = fg.array.derive(u, ["deformation_rate", "spin"], X, Y, Z, **SPACE)
    D, W = fg.array.decompose(found)
    np.testing.assert_array_equal(parts["deformation_rate"], D)
    np.testing.assert_array_equal(parts["spin"], W)
    trace = np.einsum("ii...", found)
    np.testing.assert_array_equal(fg.array.divergence(u, X, Y, Z, **SPACE), trace)
    dual = 2 * np.stack([W[2, 1], W[0, 2], W[1, 0]])
    np.testing.assert_array_equal(fg.array.curl(u, X, Y, Z, **SPACE), dual)


def test_scalars_of_a_flow_against_einsum() -> None:
    u = fields(3)
    L = fg.array.velocity_gradient(u, X, Y, Z, **SPACE)
    D, W = fg.array.decompose(L)
    w = fg.array.curl(u, X, Y, Z, **SPACE)
    nu = RNG.uniform(0.5, 1.5, size=u.shape[1:])
    names = ["dissipation", "q_criterion", "second_invariant", "vorticity_magnitude"]
    found = fg.array.derive(u, names, X, Y, Z, **SPACE, viscosity=nu)
    assert list(found) == names
    square = np.einsum("ij...,ij...", L, L)
    for name, expected, scale in (
        ("vorticity_magnitude", np.sqrt(np.einsum("i...,i...", w, w)), np.sqrt(square)),
        ("q_criterion", (np.einsum("ij...,ij...", W, W) - np.einsum("ij...,ij...", D, D)) / 2, square),
        ("second_invariant", (np.einsum("ii...", L) ** 2 - np.einsum("ij...,ji...", L, L)) / 2, square),
        ("dissipation", 2 * nu * np.einsum("ij...,ij...", D, D), nu * square),
    ):
        check(found[name], expected, scale)


@pytest.mark.slow
def test_a_quantity_alone_has_the_bits_of_one_among_others() -> None:
    taken = {name: record.parameters for name, record in fg.quantities().items() if 3 in record.dimensions}
    u, value = fields(3), {parameter: 0.25 for parameters in taken.values() for parameter in parameters}
    together = fg.array.derive(u, list(taken), X, Y, Z, **SPACE, **value)
    for name, parameters in taken.items():
        alone = fg.array.derive(u, name, X, Y, Z, **SPACE, **{parameter: value[parameter] for parameter in parameters})
        np.testing.assert_array_equal(alone[name], together[name], err_msg=name)


@pytest.mark.parametrize("accuracy", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_laplacian_hessian_and_transport(accuracy: int) -> None:
    f, u, v = fields(3, 2)
    first = [matrix(X, 1, accuracy), matrix(Y, 1, accuracy)]
    second = [matrix(X, 2, accuracy), matrix(Y, 2, accuracy)]
    dx, dy = (apply(table, f, axis) for table, axis in zip(first, (1, 0), strict=True))
    scale = sum(apply(np.abs(table), np.abs(f), axis) for table, axis in zip(first, (1, 0), strict=True))
    xx, yy = (apply(table, f, axis) for table, axis in zip(second, (1, 0), strict=True))
    coarse = sum(apply(np.abs(table), np.abs(f), axis) for table, axis in zip(second, (1, 0), strict=True))
    options = {**PLANE, "accuracy": accuracy}
    check(fg.array.laplacian(f, X, Y, **options), xx + yy, coarse)
    hessian = fg.array.hessian(f, X, Y, **options)
    mixed = apply(np.abs(first[1]), apply(np.abs(first[0]), np.abs(f), 1), 0)
    check(hessian, np.array([[xx, apply(first[1], dx, 0)], [apply(first[1], dx, 0), yy]]), coarse + mixed, 32)
    np.testing.assert_array_equal(hessian[0, 1], hessian[1, 0])
    check(fg.array.advection(f, [u, v], X, Y, **options), u * dx + v * dy, (abs(u) + abs(v)) * scale)
    along = fg.array.directional_derivative(f, [u, v], X, Y, **options)
    check(along, (u * dx + v * dy) / np.hypot(u, v), scale, 32)


def test_directional_derivative_along_numbers_and_along_nothing() -> None:
    f = fields(1, 2)[0]
    dx = fg.array.derivative(f, X, axis=1)
    for length in (1e-200, 3.0, 1e200):
        found = fg.array.directional_derivative(f, [length, 0.0], X, Y, **PLANE)
        np.testing.assert_array_equal(found, dx)
    np.testing.assert_array_equal(fg.array.directional_derivative(f, [-2.0, 0.0], X, Y, **PLANE), -dx)
    assert np.isnan(fg.array.directional_derivative(f, [0.0, 0.0], X, Y, **PLANE)).all()


def test_masked_velocities_and_parameters_become_nan() -> None:
    f, u, v = fields(3, 2)
    holes = u > 0.5
    assert holes.any()
    masked = np.ma.masked_array(u, holes)
    found = fg.array.advection(f, [masked, v], X, Y, **PLANE)
    np.testing.assert_array_equal(np.isnan(found), holes)
    np.testing.assert_array_equal(found[~holes], fg.array.advection(f, [u, v], X, Y, **PLANE)[~holes])
    nu = np.ma.masked_array(np.ones_like(u), holes)
    found = fg.array.derive([u, v], "dissipation", X, Y, **PLANE, viscosity=nu)["dissipation"]
    np.testing.assert_array_equal(np.isnan(found), holes)


def test_parameters_as_lists_and_as_a_ratio() -> None:
    u, v = fields(2, 2)
    ones = fg.array.derive([u, v], "dissipation", X, Y, **PLANE, viscosity=[1.0] * 12)["dissipation"]
    halves = fg.array.derive([u, v], "dissipation", X, Y, **PLANE, dynamic_viscosity=[1.0] * 12, density=2.0)[
        "dissipation"
    ]
    np.testing.assert_array_equal(halves, 0.5 * ones)
    with pytest.raises(TypeError, match=r"speed: no quantity of 'dissipation' takes this parameter; they take"):
        fg.array.derive([u, v], "dissipation", X, Y, **PLANE, speed=1.0)


def test_three_components_on_a_plane() -> None:
    u = fields(3, 2)
    L = fg.array.velocity_gradient(u, X, Y, **PLANE)
    assert L.shape == (3, 2, 11, 12)
    tables = [matrix(X), matrix(Y)]
    check(L, tensor(u, tables, (1, 0)), tensor(np.abs(u), [np.abs(table) for table in tables], (1, 0)))
    np.testing.assert_array_equal(fg.array.curl(u, X, Y, **PLANE), L[1, 0] - L[0, 1])
    for refused in (
        lambda: fg.array.divergence(u, X, Y, **PLANE),
        lambda: fg.array.derive(u, "spin", X, Y, **PLANE),
    ):
        with pytest.raises(ValueError, match=r"needs as many components .* x, y, z on directions x, y, .* pass"):
            refused()
    with pytest.raises(ValueError, match=r"L: has shape \(3, 2, 11, 12\); D and W are defined for as many"):
        fg.array.decompose(L)


def test_directions_follow_the_axes_of_an_array() -> None:
    u = fields(2, 2)
    here = fg.array.velocity_gradient(u.swapaxes(1, 2).copy(), X, Y)
    there = fg.array.velocity_gradient(u, X, Y, **PLANE)
    np.testing.assert_array_equal(here, there.swapaxes(2, 3))
    stacked = np.stack([u, 2 * u], axis=-1)
    batch = fg.array.velocity_gradient(stacked, X, Y, **PLANE)
    np.testing.assert_array_equal(batch[..., 0], there)
    np.testing.assert_array_equal(batch[..., 1], 2 * there)


DTYPES = ["u1", "i4", "i8", "?", "f2", "f4", "f8", "c8", "c16", ">f4", ">f8", ">i2", ">c16"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_has_no_derivative_in_any_dtype(dtype: str) -> None:
    value = {"b": 1, "u": 201, "i": 97}.get(np.dtype(dtype).kind, 97.3)
    f = np.full((10, 11, 12), value).astype(dtype)
    for accuracy in (2, 4):
        for axis, nodes in ((0, Z), (2, X)):
            found = fg.array.derivative(f, nodes, axis=axis, accuracy=accuracy)
            assert not found.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_of_any_dtype(dtype: str) -> None:
    f = (RNG.uniform(0, 200, size=(10, 11, 12)) > (100 if dtype == "?" else -1)).astype(float)
    f = f if dtype == "?" else np.floor(RNG.uniform(0, 120, size=f.shape))
    for axis, nodes in ((0, Z), (2, X)):
        found = fg.array.derivative(f.astype(dtype), nodes, axis=axis)
        wanted = {"f2": "f4", "f4": "f4", "c8": "c8", "c16": "c16"}.get(dtype.lstrip(">"), "f8")
        assert found.dtype == np.dtype(wanted)
        bound = apply(np.abs(matrix(nodes)), np.abs(f), axis)
        error = np.abs(found - apply(matrix(nodes), f, axis))
        assert (error <= 16 * np.finfo(wanted).eps * bound).all()


def test_nan_spreads_within_the_stencil_only() -> None:
    f = fields(1)[0]
    f[5, 5, 5] = np.nan
    for axis, nodes in ((0, Z), (2, X)):
        found = fg.array.derivative(f, nodes, axis=axis)
        expected = np.zeros(f.shape, bool)
        where: list[Any] = [5, 5, 5]
        where[axis] = slice(4, 7)
        expected[tuple(where)] = True
        np.testing.assert_array_equal(np.isnan(found), expected)


def _outs() -> dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]]:
    f, u, v = RNG.normal(size=(3, 11, 12))
    return {
        "derivative": (lambda out: fg.array.derivative(f, X, axis=1, out=out), ()),
        "gradient": (lambda out: fg.array.gradient(f, Y, X, accuracy=2, out=out), (2,)),
        "laplacian": (lambda out: fg.array.laplacian(f, X, Y, **PLANE, out=out), ()),
        "hessian": (lambda out: fg.array.hessian(f, X, Y, **PLANE, out=out), (2, 2)),
        "advection": (lambda out: fg.array.advection(f, [u, v], X, Y, **PLANE, out=out), ()),
        "directional_derivative": (
            lambda out: fg.array.directional_derivative(f, [u, v], X, Y, **PLANE, out=out),
            (),
        ),
        "velocity_gradient": (lambda out: fg.array.velocity_gradient([u, v], X, Y, **PLANE, out=out), (2, 2)),
        "divergence": (lambda out: fg.array.divergence([u, v], X, Y, **PLANE, out=out), ()),
        "curl": (lambda out: fg.array.curl([u, v], X, Y, **PLANE, out=out), ()),
    }


@pytest.mark.parametrize("name", list(_outs()))
def test_given_memory_of_any_layout_gets_the_result(name: str) -> None:
    call, leading = _outs()[name]
    expected = np.asarray(call(None))
    shape = (*leading, 11, 12)
    assert expected.shape == shape
    layouts = {
        "C": np.full(shape, np.nan),
        "Fortran": np.full(shape[::-1], np.nan).T,
        "padded": np.full((*shape[:-1], 20), np.nan)[..., 3:15],
        "strided": np.full((*shape[:-1], 24), np.nan)[..., ::2],
        "reversed": np.full(shape, np.nan)[..., ::-1, ::-1],
        "swapped": np.full((*leading, 12, 11), np.nan).swapaxes(-1, -2),
    }
    for layout, out in layouts.items():
        result = call(out)
        np.testing.assert_array_equal(out, expected, err_msg=layout)
        for part in result if isinstance(result, tuple) else [result]:
            assert np.shares_memory(part, out), layout
    padded = np.full((*shape[:-1], 20), -7.0)
    call(padded[..., 3:15])
    assert (padded[..., :3] == -7.0).all()
    assert (padded[..., 15:] == -7.0).all()


@pytest.mark.parametrize("name", list(_outs()))
def test_wrong_memory_is_refused(name: str) -> None:
    call, leading = _outs()[name]
    shape = (*leading, 11, 12)
    with pytest.raises(ValueError, match=r"out: has shape .*; it must have shape .*11, 12\) and dtype float64"):
        call(np.zeros((*shape, 1)))
    with pytest.raises(ValueError, match=r"out: has shape .* and dtype float32; .* dtype float64"):
        call(np.zeros(shape, np.float32))
    with pytest.raises(TypeError, match=r"out: is a list; it must be an ndarray of shape"):
        call(np.zeros(shape).tolist())
    locked = np.zeros(shape)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match=r"out: is read-only"):
        call(locked)


def test_memory_for_named_quantities_and_for_parts() -> None:
    u = fields(2, 2)
    memory = {"divergence": np.empty((11, 12)), "vorticity": np.empty((11, 12))}
    found = fg.array.derive(u, ["divergence", "vorticity"], X, Y, **PLANE, out=memory)
    assert found["divergence"] is memory["divergence"]
    np.testing.assert_array_equal(memory["vorticity"], fg.array.curl(u, X, Y, **PLANE))
    np.testing.assert_array_equal(memory["divergence"], fg.array.divergence(u, X, Y, **PLANE))
    D, W = np.empty((2, 2, 2, 11, 12))
    L = fg.array.velocity_gradient(u, X, Y, **PLANE)
    result = fg.array.decompose(L, out=(D, W))
    assert result[0] is D
    assert result[1] is W
    for refused, message in (
        ({"spin": memory["divergence"]}, r"out: has 'spin', which is not asked for; there are 'divergence'"),
        (memory["divergence"], r"out: is a ndarray; it must map names of quantities to arrays"),
        ({"divergence": u[0]}, r"out: overlaps an input"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            fg.array.derive(u, ["divergence", "vorticity"], X, Y, **PLANE, out=refused)
    for wrong, message in (
        ((D, D), r"out: two outputs overlap"),
        ((L, W), r"out: overlaps an input"),
        ((D,), r"out: must be a tuple of two arrays"),
        (D, r"out: must be a tuple of two arrays"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            fg.array.decompose(L, out=wrong)


F = np.ones((11, 12))


def test_views_that_are_too_intricate_to_compare_count_as_overlapping() -> None:
    """NumPy's example of views that share no memory, which it takes a minute to find out."""
    x = np.zeros(192163377, np.int8)
    one = as_strided(x, strides=(36674, 61119, 85569), shape=(1049, 1049, 1049))
    two = as_strided(x[64023025:], strides=(12223, 12224, 1), shape=(1049, 1049, 1))
    assert operators._overlap(one, two)
    assert not operators._overlap(one[0, 0], one[1, 0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fg.array.gradient(F, edge_order=3), ValueError, r"edge_order: got 3; it must be 1 or 2"),
        (
            lambda: fg.array.gradient(F, accuracy=4, edge_order=2),
            ValueError,
            r"edge_order: given beside accur",
        ),
        (
            lambda: fg.array.gradient(F, accuracy=3),
            ValueError,
            r"accuracy: got 3 for dimension 'axis 0'; .*2, 4",
        ),
        (
            lambda: fg.array.gradient(F, Y),
            TypeError,
            r"coordinates: got 1 for 2 axes; pass one number for all",
        ),
        (
            lambda: fg.array.gradient(F, X, Y),
            ValueError,
            r"coordinates: that of axis 0 has 12 points, but .* 11",
        ),
        (
            lambda: fg.array.gradient(F, 0.0),
            ValueError,
            r"coordinates: the spacing of axis 0 is 0.0; it must be",
        ),
        (
            lambda: fg.array.gradient(F, axis=2),
            np.exceptions.AxisError,
            r"axis 2 is out of bounds .* dimension 2",
        ),
        (lambda: fg.array.gradient(F, axis=(0, -2)), ValueError, r"axis: \(0, -2\) names an axis twice"),
        (
            lambda: fg.array.gradient(F, axis=(0.5,)),
            TypeError,
            r"axis: 0.5 is a float; it must be an integer",
        ),
        (lambda: fg.array.gradient(F[:1]), ValueError, r"f: has 1 points along axis 0; .* at least 2"),
        (
            lambda: fg.array.gradient(F, X[::-1][:11] * 0, X),
            ValueError,
            r"'axis 0': coordinate value .* repeats",
        ),
        (
            lambda: fg.array.gradient(F, period=[1.0]),
            ValueError,
            r"period: has 1 entries for 2 directions; give",
        ),
        (
            lambda: fg.array.gradient(F, period="2"),
            TypeError,
            r"period: got '2'; it must be a number, or a seq",
        ),
        (
            lambda: fg.array.gradient(F, period=11.0, axis=1),
            ValueError,
            r"period 11 of dimension 'axis 1' is not",
        ),
        (
            lambda: fg.array.gradient(["a", "b"]),
            TypeError,
            r"f: has dtype <U1, which cannot be differentiated",
        ),
        (lambda: fg.array.gradient(np.array([None, 1])), TypeError, r"f: has dtype object, which cannot be"),
        (lambda: fg.array.derivative(F, X, order=0), ValueError, r"order: got 0; .* must be at least 1"),
        (
            lambda: fg.array.derivative(F[:, :4], X[:4], accuracy=6),
            ValueError,
            r"dimension 'axis 1': has 4 points; .* needs at least 7, use a smaller accuracy or more points",
        ),
        (
            lambda: fg.array.laplacian(F),
            TypeError,
            r"coordinates: missing; pass the positions or the spacing",
        ),
        (
            lambda: fg.array.laplacian(F, X),
            ValueError,
            r"axes: the field has 2 axes and there are 1 coordinates; "
            r"say with axes= which",
        ),
        (
            lambda: fg.array.laplacian(np.ones((4, 4, 4, 4)), 1.0),
            ValueError,
            r"axes: there are 4 directions; pass",
        ),
        (lambda: fg.array.laplacian(F, X, Y), ValueError, r"coordinates: that of axis 0 has 12 points"),
        (
            lambda: fg.array.advection(F, [F], 1.0),
            ValueError,
            r"components: has 1 components for 2 directions",
        ),
        (
            lambda: fg.array.advection(F, [F, F[1:]], 1.0),
            ValueError,
            r"components\[1\]: has shape \(10, 12\)",
        ),
        (
            lambda: fg.array.directional_derivative(F, [1j, 1.0], 1.0),
            TypeError,
            r"along\[0\]: has dtype complex",
        ),
        (
            lambda: fg.array.velocity_gradient(F[0], 1.0),
            TypeError,
            r"components: is one field; pass a sequence",
        ),
        (
            lambda: fg.array.velocity_gradient([], 1.0),
            ValueError,
            r"components: there are 0; pass one for each",
        ),
        (
            lambda: fg.array.velocity_gradient([F] * 4, 1.0),
            ValueError,
            r"components: there are 4; pass one for",
        ),
        (
            lambda: fg.array.velocity_gradient([F, F[1:]], 1.0),
            ValueError,
            r"components\[1\]: has shape \(10, 12\)",
        ),
        (
            lambda: fg.array.velocity_gradient([F], 1.0),
            ValueError,
            r"components: there are 1 for 2 directions",
        ),
        (lambda: fg.array.curl([F[0]], 1.0), ValueError, r"'vorticity' is defined in 2-D and 3-D flows"),
        (
            lambda: fg.array.derive([F, F], "speed", 1.0),
            ValueError,
            r"quantities: 'speed' is not known; there are",
        ),
        (lambda: fg.array.derive([F, F], [], 1.0), ValueError, r"quantities: is empty; name at least one"),
        (
            lambda: fg.array.derive([F, F], "dissipation", 1.0),
            TypeError,
            r"viscosity: missing, but 'dissipation'",
        ),
        (
            lambda: fg.array.derive([F, F], "dissipation", 1.0, viscosity=F[1:]),
            ValueError,
            r"viscosity: has shape \(10, 12\), which does not broadcast to the field's \(11, 12\)",
        ),
        (
            lambda: fg.array.decompose(F),
            ValueError,
            r"L: has shape \(11, 12\); D and W are defined for as many",
        ),
        (lambda: fg.array.decompose(np.ones((2, 2), str)), TypeError, r"L: has dtype <U1"),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[], Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
