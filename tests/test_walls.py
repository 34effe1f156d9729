# SPDX-License-Identifier: BSD-3-Clause
"""What is known at the ends of an axis: tables, and operators with them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.grid import Axis
from fieldgrad.stencils import derivative_stencil
from fieldgrad.walls import Wall, alike, bounded_stencil, plane

RNG = np.random.default_rng(8713)


def centres(faces: np.ndarray) -> np.ndarray:
    return (faces[1:] + faces[:-1]) / 2


def stretched(n: int) -> np.ndarray:
    """Faces of cells between 0 and 1, finest at the walls."""
    return 0.5 + np.tanh(1.5 * np.linspace(-1, 1, n + 1)) / np.tanh(1.5) / 2


def applied(table: Any, f: np.ndarray) -> np.ndarray:
    """What a table says, affine as it is, from its matrix."""
    known = 0.0 if table.known is None else table.known
    return table.matrix() @ f - table.row_sum * known


def axis(nodes: np.ndarray, low: Any, high: Any, accuracy: int = 2) -> Axis:
    ends = tuple(wall if wall is None or isinstance(wall, Wall) else Wall(wall) for wall in (low, high))
    return Axis("y", "y", nodes, accuracy=accuracy, boundary=((None, ends),))


def slope(sizes: list[int], errors: list[float]) -> float:
    return -float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])


# f, its first two derivatives, and what is known of it at 0 and 1
PROFILES: dict[str, tuple[Any, Any, Any, Any, Any]] = {
    "value": (
        lambda y: np.exp(4 * y),
        lambda y: 4 * np.exp(4 * y),
        lambda y: 16 * np.exp(4 * y),
        1.0,
        np.exp(4.0),
    ),
    "symmetric": (
        lambda y: np.cos(7 * np.pi * y),
        lambda y: -7 * np.pi * np.sin(7 * np.pi * y),
        lambda y: -((7 * np.pi) ** 2) * np.cos(7 * np.pi * y),
        "symmetric",
        "symmetric",
    ),
    "antisymmetric": (
        lambda y: np.sin(7 * np.pi * y),
        lambda y: 7 * np.pi * np.cos(7 * np.pi * y),
        lambda y: -((7 * np.pi) ** 2) * np.sin(7 * np.pi * y),
        "antisymmetric",
        "antisymmetric",
    ),
}


def power(degree: int) -> tuple[Any, Any, Any, Any, Any]:
    """A profile of which every difference that is exact below that degree has one term of error alone."""
    return (
        lambda y: (1 - y) ** degree,
        lambda y: -degree * (1 - y) ** (degree - 1),
        lambda y: degree * (degree - 1) * (1 - y) ** (degree - 2),
        1.0,
        "antisymmetric" if degree % 2 else "symmetric",
    )


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kind", [*PROFILES, "power"])
@pytest.mark.parametrize("grid", [lambda n: np.linspace(0, 1, n + 1), stretched], ids=["uniform", "stretched"])
def test_order_of_accuracy_is_that_of_the_interior(grid: Any, kind: str, order: int, accuracy: int) -> None:
    """Largest error over the cells, those at the walls among them."""
    f, *derivatives, low, high = power(order + accuracy) if kind == "power" else PROFILES[kind]
    sizes, errors = [], []
    for n in (16, 20, 24, 32, 48, 64, 96, 128, 192):
        y = centres(grid(n))
        table = axis(y, Wall(low, at=0.0), Wall(high, at=1.0), accuracy).stencil(order)
        # relative where the field is steepest at a wall, to which the first cell draws nearer as n grows
        scale = abs(f(y)) if kind == "value" else 1.0
        error = (abs(applied(table, f(y)) - derivatives[order - 1](y)) / scale).max()
        if error > 100 * np.finfo(float).eps * ((abs(table.matrix()) @ abs(f(y))) / scale).max():
            sizes.append(n)
            errors.append(float(error))
    assert len(sizes) >= 3
    sizes, errors = sizes[-3:], errors[-3:]
    assert slope(sizes, errors) > accuracy - (0.1 if grid is not stretched else 0.4)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("backward", [False, True])
def test_polynomials_are_exact(accuracy: int, order: int, backward: bool) -> None:
    """Known values are nodes: as many monomials are exact as without walls, with the wall at any distance."""
    y = np.cumsum(RNG.uniform(0.5, 1.5, 14))
    low, high = y[0] - 0.31, y[-1] + 0.77
    if backward:
        y = y[::-1]
    coefficients = RNG.normal(size=order + accuracy)
    p = np.polynomial.Polynomial(coefficients, domain=[0, y.max()], window=[0, 1])
    table = axis(y, Wall(p(low), at=low), Wall(p(high), at=high), accuracy).stencil(order)
    scale = abs(table.matrix()).sum(axis=1).max() * abs(p(y)).max()
    assert abs(applied(table, p(y)) - p.deriv(order)(y)).max() < 1e-13 * scale


@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("on_node", [False, True])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_half_of_a_mirrored_field_has_the_derivatives_of_the_whole(order: int, on_node: bool, accuracy: int) -> None:
    """Two mirrors are a period: the table of the half says what the periodic table says of the whole."""
    steps = RNG.uniform(0.5, 1.5, 13)
    y = np.cumsum(steps)
    low, high = (y[0], y[-1]) if on_node else (y[0] - steps[0] / 3, y[-1] + 0.4)
    inside = slice(1, -1) if on_node else slice(None)
    whole = np.concatenate([y, (2 * high - y[::-1])[inside]])
    f = RNG.normal(size=13)
    if on_node:
        f[[0, -1]] = 0.0  # an antisymmetric field vanishes there
    periodic = derivative_stencil(whole, order, accuracy, period=2 * (high - low)).matrix()
    for kind, sign in (("symmetric", 1), ("antisymmetric", -1)):
        at: Any = ("node", "node") if on_node else (low, high)
        table = axis(y, Wall(kind, at=at[0]), Wall(kind, at=at[1]), accuracy).stencil(order)
        mirrored = np.concatenate([f, sign * f[::-1][inside]])
        wanted = (periodic @ mirrored)[:13]
        assert abs(table.matrix() @ f - wanted).max() < 1e-4 * (abs(periodic) @ abs(mirrored)).max()
        assert bool(table.row_sum.any()) is (sign < 0)


def test_rows_that_reach_no_wall_are_those_without() -> None:
    y = np.cumsum(RNG.uniform(0.5, 1.5, 20))
    for kind in (0.0, "symmetric", "antisymmetric"):
        with_walls, without = axis(y, kind, kind, 4).stencil(), Axis("y", "y", y, accuracy=4).stencil()
        np.testing.assert_array_equal(with_walls.matrix()[2:-2], without.matrix()[2:-2])
        assert not np.array_equal(with_walls.matrix()[1], without.matrix()[1])


def test_a_constant_beside_walls_of_its_value_has_no_derivative() -> None:
    """To the bit, in the kernels, in single precision with a large mean too."""
    y = centres(stretched(12)).astype(np.float32)
    f = xr.DataArray(np.full((12, 5), 300.1, np.float32), coords={"y": y, "x": np.arange(5.0)}, dims=("y", "x"))
    grid = fg.infer_grid(f, boundary={"y": (float(np.float32(300.1)), "symmetric")}, accuracy=4)
    assert not fg.gradient(f, grid=grid).any()


@pytest.mark.parametrize("accuracy", [2, 8])
def test_walls_from_a_short_axis(accuracy: int) -> None:
    """Where every row sees both walls one dense block says all; a parabola stays exact."""
    n = accuracy
    y = centres(np.linspace(0, 1, n + 1))
    found = applied(axis(y, 0.0, 0.0, accuracy).stencil(), y * (1 - y))
    np.testing.assert_allclose(found, 1 - 2 * y, rtol=0, atol=1e-13)


def test_different_values_that_one_point_sees_are_refused() -> None:
    y = centres(np.linspace(0, 1, 8))
    with pytest.raises(ValueError, match=r"boundary: an axis of 7 points is too short for the values 0\.0 and 1\.0"):
        axis(y, 0.0, 1.0, 8).stencil()


def test_too_few_points_are_counted_with_those_beyond_the_walls() -> None:
    y = np.array([0.25, 0.75])
    assert axis(y, 0.0, None).stencil().rows == 2
    with pytest.raises(ValueError, match=r"dimension 'y': has 2 points; .* needs at least 4"):
        axis(y, 0.0, None, 4).stencil()


def test_where_a_plane_lies() -> None:
    y = np.array([0.5, 1.5, 2.0])
    assert plane(y, Wall(0.0), "y") == 0.0
    assert plane(y[::-1], Wall(0.0), "y") == 2.25
    assert plane(y, Wall("symmetric", at="node"), "y") == 0.5
    assert plane(y, Wall("symmetric", at=np.float32(0.500001)), "y") == 0.5
    assert plane(y, Wall(3.0, at=-7), "y") == -7.0


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: Wall("odd"), ValueError, "the value is 'odd'; it must be a number or 'symmetric' or 'antisymmetric'"),
        (lambda: Wall(True), TypeError, "the value is True; it must be a number"),
        (lambda: Wall(None), TypeError, "the value is None; it must be a number"),  # type: ignore[arg-type]
        (lambda: Wall(np.nan), ValueError, "the value is nan; it must be finite"),
        (lambda: Wall(0.0, at="face"), ValueError, "the at is 'face'; it must be a number or 'node'"),
        (lambda: Wall(2.0, at="node"), ValueError, "the value 2 is said to be known at a node"),
        (lambda: axis(np.arange(3.0), Wall(0.0, at=0.0), None), ValueError, "at 0 lies on the node 0 of dimension 'y'"),
        (lambda: axis(np.arange(3.0), None, Wall(0.0, at=1.5)), ValueError, "at 1.5 lies inside of the node 2 at"),
        (lambda: axis(np.arange(1.0), 0.0, None), ValueError, "'y' has 1 points; a wall beside it needs at least two"),
        (
            lambda: Axis("y", "y", np.arange(3.0), period=3.0, boundary=((None, (Wall(0.0), None)),)),
            ValueError,
            "dimension 'y' is periodic and has no ends",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"boundary: .*{message}"):
        make()


def test_tables_of_several_fields_have_one_shape() -> None:
    y = np.cumsum(RNG.uniform(0.5, 1.5, 9))
    ends = [(Wall(0.0), None), (None, None), (Wall("symmetric"), Wall("antisymmetric"))]
    tables = [
        bounded_stencil(y, pair, 2, lambda nodes: derivative_stencil(nodes, accuracy=4), "y")
        if any(pair)
        else derivative_stencil(y, accuracy=4)
        for pair in ends
    ]
    joined = alike(tables)
    for number, table in enumerate(tables):
        np.testing.assert_array_equal(joined.of(number).matrix(), table.matrix())
        for start, stop in ((0, 1), (1, 4), (3, 9)):
            block, low, high = joined.slice(start, stop)
            np.testing.assert_array_equal(block.of(number).matrix(), table.matrix()[start:stop, low:high])
    again = pickle.loads(pickle.dumps(joined))
    np.testing.assert_array_equal(again.of(2).matrix(), tables[2].matrix())


def test_tables_of_several_fields_on_a_short_axis_have_one_shape() -> None:
    y = np.array([0.0, 1.0, 2.5])
    tables = [
        bounded_stencil(y, ends, 1, derivative_stencil, "y")
        for ends in ((Wall("symmetric"), None), (None, Wall(1.0)), (Wall("antisymmetric"), Wall(0.0)))
    ]
    tables.append(replace(tables[0], lower=tables[0].matrix(), upper=np.zeros((0, 0))))
    joined = alike(tables)
    for number, table in enumerate(tables):
        np.testing.assert_array_equal(joined.of(number).matrix(), table.matrix())


def test_adjoint_of_a_bounded_table_is_its_transpose() -> None:
    table = axis(np.cumsum(RNG.uniform(0.5, 1.5, 12)), 2.0, "antisymmetric", 4).stencil()
    np.testing.assert_array_equal(table.transpose().matrix(), table.matrix().T)


def test_the_linear_part_forgets_known_values() -> None:
    table = axis(np.arange(6.0), 2.0, "symmetric").stencil()
    assert table.known is not None
    assert table.linear.known is None
    np.testing.assert_array_equal(table.linear.matrix(), table.matrix())
    homogeneous = axis(np.arange(6.0), 0.0, "symmetric").stencil()
    assert homogeneous.linear is homogeneous


# -- operators -------------------------------------------------------------------------------------------------------


def flow(n: int = 12) -> xr.Dataset:
    """Flow between walls at y = 0, at rest, and y = 1, where u is 2 and the others vanish."""
    y, x, z = centres(stretched(n)), np.linspace(0, 1, 7), np.array([0.0, 0.2, 0.3, 0.6, 1.0])
    ds = xr.Dataset(coords={"z": z, "y": y, "x": x})
    wave = np.sin(3 * ds.x) * np.cos(2 * ds.z)
    ds["u"] = (2 * ds.y + 0.3 * ds.y * (1 - ds.y) * wave).transpose("z", "y", "x")
    ds["v"] = (ds.y**2 * (1 - ds.y) ** 2 * wave).transpose("z", "y", "x")
    ds["w"] = (np.sin(np.pi * ds.y) * wave).transpose("z", "y", "x")
    return ds


NO_SLIP = {"y": {"u": (Wall(0.0, at=0.0), Wall(2.0, at=1.0)), "v": (0.0, None), "w": (0.0, "antisymmetric")}}
ORDERS = [("z", "y", "x"), ("x", "z", "y"), ("y", "x", "z")]


@pytest.mark.parametrize("dims", ORDERS)
def test_each_component_has_its_own_tables(dims: tuple[str, ...]) -> None:
    """Row by row what the table of that component says, whichever axis is contiguous in memory."""
    ds = flow().transpose(*dims)
    grid = fg.infer_grid(ds, boundary=NO_SLIP)
    L = fg.velocity_gradient(ds, grid=grid)
    along_y = grid.axis("y")
    for component, name in zip("xyz", "uvw", strict=True):
        table = along_y.stencil(1, [(name, component)])
        wanted = np.apply_along_axis(lambda f, table=table: applied(table, f), dims.index("y"), ds[name].values)
        np.testing.assert_allclose(L.sel(component=component, direction="y"), wanted, rtol=0, atol=1e-13)
        for other in "xz":
            plain = fg.velocity_gradient(ds).sel(component=component, direction=other)
            np.testing.assert_array_equal(L.sel(component=component, direction=other), plain)


def test_bits_of_points_that_see_no_wall_do_not_change() -> None:
    ds = flow()
    for boundary in (NO_SLIP, {"y": "symmetric"}):
        L = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary=boundary))
        np.testing.assert_array_equal(L[..., 1:-1, :], fg.velocity_gradient(ds)[..., 1:-1, :])


def test_fused_quantities_see_the_walls() -> None:
    ds = flow()
    grid = fg.infer_grid(ds, boundary=NO_SLIP)
    L = fg.velocity_gradient(ds, grid=grid).values
    q = fg.derive(ds, "q_criterion", grid=grid).q_criterion
    np.testing.assert_allclose(q, -np.einsum("ij...,ji...->...", L, L) / 2, rtol=0, atol=1e-12)


@pytest.mark.parametrize("chunks", [{"y": 1}, {"y": 5, "x": 3}, {"z": 2, "y": (1, 10, 1)}])
def test_chunks_change_no_bit(chunks: Any) -> None:
    ds = flow()
    grid = fg.infer_grid(ds, boundary=NO_SLIP)
    lazy = fg.velocity_gradient(ds.chunk(chunks), grid=grid)
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, fg.velocity_gradient(ds, grid=grid))


def test_lazy_results_of_different_walls_have_different_names() -> None:
    lazy = flow().chunk(y=4)
    names = {
        fg.divergence(lazy, grid=fg.infer_grid(lazy, boundary=boundary)).data.name
        for boundary in (None, {"y": {"v": 0.0}}, {"y": {"v": 1.0}}, {"y": {"u": 1.0}}, {"y": "symmetric"})
    }
    assert len(names) == 5


def test_wall_shear_of_couette_and_poiseuille() -> None:
    """The slope that the wall and the first cells give; one-sided edges without the wall are worse."""
    for n in (8, 16):
        y = centres(stretched(n))
        u = xr.DataArray(np.sin(2 * y), coords={"y": y}, dims="y", name="u")
        walls = (Wall(0.0, at=0.0), Wall(np.sin(2.0), at=1.0))
        grid = fg.infer_grid(u, boundary={"y": walls})
        error, plain = (abs(fg.gradient(u, grid=g)[0] - 2 * np.cos(2 * y)).values for g in (grid, fg.infer_grid(u)))
        assert error[0] < plain[0] / 1.5
        assert error[-1] < plain[-1] / 1.5
    couette = u.copy(data=3 * y - 1)
    grid = fg.infer_grid(couette, boundary={"y": (Wall(-1.0, at=0.0), Wall(2.0, at=1.0))}, accuracy=4)
    np.testing.assert_allclose(fg.gradient(couette, grid=grid)[0], 3.0, rtol=1e-14)


def test_a_symmetry_plane_of_a_velocity() -> None:
    """Said of the flow as a whole, "symmetric" is what a mirror shows: the normal component changes its sign."""
    ds = flow()
    whole = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary={"y": "symmetric"}))
    own = {"u": "symmetric", "v": "antisymmetric", "w": "symmetric"}
    np.testing.assert_array_equal(whole, fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary={"y": own})))
    by_label = {"x": "symmetric", "y": "antisymmetric", "z": "symmetric"}
    stacked = ds.to_dataarray("component").assign_coords(component=["x", "y", "z"])
    grid = fg.infer_grid(stacked, boundary={"y": by_label})
    np.testing.assert_array_equal(whole, fg.velocity_gradient(stacked, grid=grid))
    rotated = {"u": "antisymmetric", "v": "symmetric", "w": "antisymmetric"}
    np.testing.assert_array_equal(
        fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary={"y": "antisymmetric"})),
        fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary={"y": rotated})),
    )


@pytest.mark.slow
def test_half_of_a_taylor_green_is_the_whole() -> None:
    """Mirrors at x = 0 and pi, where u vanishes: half the flow has the gradient of all of it, to rounding."""
    n = 16
    points = (np.arange(n) + 0.5) * 2 * np.pi / n
    tgv = fg.flows.taylor_green(points, points, points).dataset
    whole = fg.velocity_gradient(tgv, grid=fg.infer_grid(tgv, periodic=["x", "y", "z"], accuracy=4))
    half = tgv.isel(x=slice(n // 2))
    grid = fg.infer_grid(half, periodic=["y", "z"], boundary={"x": "symmetric"}, accuracy=4)
    np.testing.assert_allclose(fg.velocity_gradient(half, grid=grid), whole.isel(x=slice(n // 2)), rtol=0, atol=2e-14)


def test_scalars_take_what_is_said_plainly_or_of_their_name() -> None:
    ds = flow()
    ds["T"] = ds.u
    grid = fg.infer_grid(ds, boundary={"y": {"T": (Wall(0.0, at=0.0), Wall(2.0, at=1.0))}})
    plain = fg.infer_grid(ds, boundary={"y": (Wall(0.0, at=0.0), Wall(2.0, at=1.0))})
    np.testing.assert_array_equal(fg.gradient(ds["T"], grid=grid), fg.gradient(ds.u, grid=plain))
    np.testing.assert_array_equal(fg.gradient(ds.u, grid=grid), fg.gradient(ds.u))
    np.testing.assert_array_equal(
        fg.derivative(ds["T"], "y", grid=grid), fg.gradient(ds["T"], grid=grid).sel(component="y")
    )


def test_a_value_of_a_vector_as_a_whole_is_refused_unless_zero() -> None:
    ds = flow()
    with pytest.raises(ValueError, match=r"boundary: dimension 'y' has the value 2 at an end for all components"):
        fg.divergence(ds, grid=fg.infer_grid(ds, boundary={"y": (0.0, 2.0)}))
    fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary={"y": 0.0}))


@pytest.mark.slow
def test_laplacian_and_hessian_see_walls() -> None:
    y, x = centres(np.linspace(0, 1, 13)), np.linspace(0, 1, 6)
    f = xr.DataArray(np.sin(2 * y)[:, np.newaxis] * x**2 + 1, coords={"y": y, "x": x}, dims=("y", "x"), name="f")
    # at the lower wall f is 1 for all x
    grid = fg.infer_grid(f, boundary={"y": (Wall(1.0, at=0.0), None)}, accuracy=4)
    exact_yy = -4 * np.sin(2 * y)[:, np.newaxis] * x**2
    found = fg.hessian(f, grid=grid)
    np.testing.assert_allclose(found[1, 1], exact_yy, rtol=0, atol=4e-3)
    np.testing.assert_allclose(found[0, 1], 2 * np.cos(2 * y)[:, np.newaxis] * 2 * x, rtol=0, atol=2e-3)
    np.testing.assert_array_equal(found[0, 1], fg.derivative(f, {"x": 1, "y": 1}, grid=grid))
    np.testing.assert_array_equal(found, fg.hessian(f.chunk(y=3), grid=grid))
    laplacian = fg.laplacian(f, grid=grid)
    np.testing.assert_allclose(laplacian, found[0, 0] + found[1, 1], rtol=0, atol=1e-11)


def test_material_derivative_of_a_velocity_sees_walls_of_components() -> None:
    ds = flow()
    grid = fg.infer_grid(ds, boundary=NO_SLIP)
    L = fg.velocity_gradient(ds, grid=grid).values
    velocity = np.stack([ds[name].values for name in "uvw"])
    found = fg.advection(ds, ds, grid=grid)
    np.testing.assert_allclose(found, np.einsum("ij...,j...->i...", L, velocity), rtol=0, atol=1e-13)


def test_complex_fields_have_walls_of_zero_only() -> None:
    f = flow().u * (1 + 2j)
    grid = fg.infer_grid(f, boundary={"y": (0.0, "antisymmetric")})
    real = fg.gradient(f.real, grid=grid)
    np.testing.assert_allclose(fg.gradient(f, grid=grid).values, real.values * (1 + 2j), rtol=0, atol=1e-13)
    with pytest.raises(TypeError, match=r"boundary: a value other than zero .* complex"):
        fg.gradient(f, grid=fg.infer_grid(f, boundary={"y": 1.0}))


def test_nan_reaches_only_points_that_use_it() -> None:
    """Blocks at the edges are as wide as their widest row; narrower rows do not see what lies beyond."""
    y = np.arange(12.0)
    f = xr.DataArray(np.where(y == 3, np.nan, y), coords={"y": y}, dims="y")
    grid = fg.infer_grid(f, boundary={"y": "symmetric"}, accuracy=4)
    assert np.isnan(fg.gradient(f, grid=grid)[0]).values.nonzero()[0].tolist() == [1, 2, 3, 4, 5]


def test_decreasing_coordinates_have_their_lower_end_last() -> None:
    ds = flow()
    low = {"y": {"u": (Wall(0.0, at=0.0), None)}}
    up = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, boundary=low))
    flipped = ds.isel(y=slice(None, None, -1))
    down = fg.velocity_gradient(flipped, grid=fg.infer_grid(flipped, boundary=low))
    np.testing.assert_allclose(down.isel(y=slice(None, None, -1)), up, rtol=0, atol=1e-13)


def test_cells_reach_up_to_the_walls() -> None:
    faces = stretched(9)
    y = centres(faces)
    found = axis(y, Wall(0.0, at=0.0), Wall(0.0, at=1.0)).cell_sizes
    assert found.sum() == pytest.approx(1.0, rel=1e-15)
    assert axis(y[::-1], None, Wall("symmetric", at=1.0)).cell_sizes.sum() == pytest.approx(1 - y[0], rel=1e-15)
    assert axis(y, Wall("symmetric", at="node"), None).cell_sizes.sum() == pytest.approx(y[-1] - y[0], rel=1e-15)


def test_repr_tells_the_walls() -> None:
    grid = fg.infer_grid(flow(), boundary={"y": {"u": (0.0, Wall(2.0, at=1.0)), "v": (None, "symmetric")}})
    last = repr(grid).splitlines()[-1]
    assert last == "'y': u 0 below, 2 at 1 above; v nothing known below, symmetric above"


@pytest.mark.parametrize(
    ("boundary", "kind", "message"),
    [
        ("symmetric", TypeError, "must map dimensions to what is known"),
        ({"q": 0.0}, ValueError, "'q' is no dimension or direction of the data"),
        ({"y": (0.0, 1.0, 2.0)}, ValueError, "dimension 'y' has 3 entries"),
        ({"y": {"p": 0.0}}, ValueError, r"'p' \(for dimension 'y'\) is no field of the data, which has 'u', 'v', 'w'"),
        ({"y": "even"}, ValueError, "the value is 'even'"),
    ],
)
def test_messages_of_infer_grid(boundary: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"boundary: .*{message}"):
        fg.infer_grid(flow(), boundary=boundary)


def test_a_boundary_is_given_once_and_for_ends_that_exist() -> None:
    with pytest.raises(ValueError, match=r"boundary: dimension 'y' is periodic"):
        fg.infer_grid(flow(), periodic={"y": 3.0}, boundary={"y": 0.0})
    ds = flow().rename(y="height")
    with pytest.raises(ValueError, match=r"boundary: dimension 'height' is given twice, as 'height' the second"):
        fg.infer_grid(ds, axes={"y": "height"}, boundary={"y": 0.0, "height": 0.0})
