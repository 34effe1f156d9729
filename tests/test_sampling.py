# SPDX-License-Identifier: BSD-3-Clause
"""Fields at points: against polynomials, grid operators and closed forms; outside, walls, labels and refusals.

Most tests share two kernels: value and gradient of a scalar, value and gradient of a velocity, both in space.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng(1907)
SCALAR = ["value", "gradient"]
FLOW = ["value", "velocity_gradient"]
PAIR = ["q_criterion", "dissipation"]


def nodes(n: int, seed: int = 0, length: float = 1.0) -> np.ndarray:
    """Random nodes from 0 to a length."""
    steps = np.random.default_rng(seed).uniform(0.5, 1.5, n - 1)
    return length * np.r_[0.0, np.cumsum(steps)] / steps.sum()


def on(sizes: dict[str, np.ndarray]) -> dict[str, xr.DataArray]:
    return {dim: xr.DataArray(x, {dim: x}, dim) for dim, x in sizes.items()}


def space(n: int = 10) -> dict[str, np.ndarray]:
    return {"z": nodes(n, 1), "y": nodes(n + 1, 2)[::-1], "x": nodes(n + 2, 3)}


def cloud(count: int, low: float = 0.0, high: float = 1.0) -> dict[str, xr.DataArray]:
    return {dim: xr.DataArray(RNG.uniform(low, high, count), dims="p") for dim in "xyz"}


def flow(sizes: dict[str, np.ndarray] | None = None) -> xr.Dataset:
    sizes = space() if sizes is None else sizes
    shape = [len(x) for x in sizes.values()]
    return xr.Dataset({name: (list(sizes), RNG.normal(size=shape)) for name in "uvw"}, sizes)


# ---------------------------------------------------------------------------------------------------------
# values


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
def test_polynomials_of_the_degree_of_the_accuracy_are_exact(accuracy: int) -> None:
    at = on(space())
    powers = {"x": accuracy, "y": accuracy, "z": accuracy}
    coefficients = {dim: RNG.normal(size=power + 1) for dim, power in powers.items()}

    def product(where: dict[str, xr.DataArray], slope: str = "") -> xr.DataArray:
        result: Any = 1.0
        for dim, c in coefficients.items():
            terms = [k * a * where[dim] ** (k - 1) for k, a in enumerate(c) if k] if dim == slope else None
            result = result * sum(terms or [a * where[dim] ** k for k, a in enumerate(c)])
        return result

    f = product(at)
    points = cloud(300)
    out = fg.sample(f, points, SCALAR, grid=fg.infer_grid(f, accuracy=accuracy))
    scale = float(abs(f).max())
    # weights of a window of nine random nodes add up to hundreds
    assert float(abs(out.value - product(points)).max()) < 1e3 * EPS * scale
    for dim in "xyz":
        error = abs(out.gradient.sel(component=dim) - product(points, dim))
        assert float(error.max()) < 1e5 * EPS * scale


@pytest.mark.parametrize("accuracy", [2, 4, 8])
def test_at_the_nodes_values_are_those_of_the_field_and_gradients_those_of_the_grid(accuracy: int) -> None:
    ds = flow()
    grid = fg.infer_grid(ds, accuracy=accuracy, periodic={"z": 1.2})
    out = fg.sample(ds, {"x": ds.x, "y": ds.y, "z": ds.z}, FLOW, grid=grid)
    assert out.value.dims == ("component", "x", "y", "z")
    for label, name in zip("xyz", "uvw", strict=True):
        np.testing.assert_array_equal(out.value.sel(component=label).transpose(*ds.u.dims), ds[name])
        for direction in "xyz":
            axis = grid.axis(direction)
            number = ds.u.get_axis_num(axis.dim)
            table = np.moveaxis(axis.stencil().matrix(), 0, 0)
            expected = np.moveaxis(np.tensordot(table, ds[name].values, (1, number)), 0, number)
            bound = np.moveaxis(np.tensordot(abs(table), abs(ds[name].values), (1, number)), 0, number)
            found = out.velocity_gradient.sel(component=label, direction=direction).transpose(*ds.u.dims)
            assert (abs(found.values - expected) <= 64 * EPS * bound).all()


def test_nan_at_a_node_reaches_no_further_than_on_the_grid() -> None:
    ds = flow()
    ds.u[4, 5, 6] = np.nan
    out = fg.sample(ds, {"x": ds.x, "y": ds.y, "z": ds.z}, FLOW).transpose(..., "z", "y", "x")
    L = fg.velocity_gradient(ds)
    np.testing.assert_array_equal(np.isnan(out.velocity_gradient), np.isnan(L.transpose(..., "z", "y", "x")))
    assert int(out.value.isnull().sum()) == 1


def test_a_constant_has_no_gradient() -> None:
    f = xr.zeros_like(flow().u) + 1e8 / 3
    out = fg.sample(f, cloud(100), SCALAR)
    assert (out.value == 1e8 / 3).all()
    assert (out.gradient == 0).all()


@pytest.mark.parametrize("stretched", [False, True], ids=["uniform", "random"])
@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
def test_order_of_accuracy(accuracy: int, stretched: bool) -> None:
    sizes = {2: (24, 32, 44), 4: (20, 26, 34), 6: (18, 22, 28), 8: (20, 24, 30)}[accuracy]
    points = cloud(400)
    k = 2 * np.pi
    errors: dict[str, list[float]] = {"value": [], "gradient": []}
    for n in sizes:
        uniform = np.linspace(0, 1, n, endpoint=False)
        moved = uniform + 0.3 / n * np.random.default_rng(n).uniform(-1, 1, n)
        x = moved - moved[0] if stretched else uniform
        at = on({"z": x, "y": x, "x": x})
        f = np.sin(k * at["x"]) * np.cos(k * at["y"]) + np.sin(k * (at["z"] + at["x"]))
        grid = fg.infer_grid(f, periodic={"x": 1.0, "y": 1.0, "z": 1.0}, accuracy=accuracy)
        out = fg.sample(f, points, SCALAR, grid=grid)
        x, y, z = points["x"], points["y"], points["z"]
        exact = np.sin(k * x) * np.cos(k * y) + np.sin(k * (z + x))
        slopes = (
            k * np.cos(k * x) * np.cos(k * y) + k * np.cos(k * (z + x)),
            -k * np.sin(k * x) * np.sin(k * y),
            k * np.cos(k * (z + x)),
        )
        errors["value"].append(float(((out.value - exact) ** 2).mean() ** 0.5))
        square = sum(((out.gradient[i] - slope) ** 2).mean() for i, slope in enumerate(slopes))
        errors["gradient"].append(float(square) ** 0.5)
    for name, order in (("value", accuracy + 1), ("gradient", accuracy)):
        slope = -np.polyfit(np.log(sizes), np.log(errors[name]), 1)[0]
        assert slope > order - (0.4 if stretched else 0.1), (name, slope)


def test_positions_wrap_around_periodic_axes() -> None:
    ds = flow()
    grid = fg.infer_grid(ds, periodic={"x": 1.25, "z": 1.5}, accuracy=4)
    points = cloud(50)
    moved = {"x": points["x"] + 1.25 * 8, "y": points["y"], "z": points["z"] - 1.5 * 4}
    here, there = (fg.sample(ds, where, FLOW, grid=grid) for where in (points, moved))
    np.testing.assert_allclose(here.value, there.value, rtol=0, atol=1e-12)
    # in the gap between the last node and the first of the next period
    assert fg.sample(ds, {"x": 1.1, "y": 0.5, "z": 1.4}, FLOW, grid=grid).value.notnull().all()


def laid_out(obj: Any, *dims: str) -> Any:
    """Dimensions in another order, in memory too: a copy of a view keeps the order of its memory."""
    turned = obj.transpose(*dims)
    return turned.copy(data={name: np.ascontiguousarray(turned[name]) for name in turned.data_vars})


def test_values_do_not_depend_on_the_order_of_memory() -> None:
    ds = flow()
    points = cloud(64)
    base = fg.sample(ds, points, FLOW)
    for order in ("xyz", "yzx", "zxy"):
        turned = laid_out(ds, *order)
        xr.testing.assert_identical(fg.sample(turned, points, FLOW), base)
    flipped = fg.sample(ds.isel(x=slice(None, None, -1)), points, FLOW)
    xr.testing.assert_equal(flipped, base)
    assert "x: 12 points from 1 to 0" in flipped.value.attrs["fieldgrad_grid"]
    some = fg.sample(ds, {dim: values[::3] for dim, values in points.items()}, FLOW)
    xr.testing.assert_identical(some, base.isel(p=slice(None, None, 3)))
    mixed = ds.assign(laid_out(ds[["v"]], "x", "y", "z"))
    xr.testing.assert_identical(fg.sample(mixed, points, FLOW), base)


def test_complex_fields_have_the_bits_of_their_parts() -> None:
    f, points = flow().u, cloud(12)
    whole = fg.sample(f * (1 - 2j), points, SCALAR)
    parts = [fg.sample(part, points, SCALAR) for part in (f, -2 * f)]
    for name in SCALAR:
        np.testing.assert_array_equal(whole[name].real, parts[0][name])
        np.testing.assert_array_equal(whole[name].imag, parts[1][name])


def test_many_points_are_visited_in_another_order() -> None:
    f = flow().u
    points = cloud(12_000)
    whole = fg.sample(f, points, SCALAR)
    parts = [fg.sample(f, {dim: x[i::3] for dim, x in points.items()}, SCALAR) for i in range(3)]
    for i, part in enumerate(parts):
        xr.testing.assert_identical(whole.isel(p=slice(i, None, 3)), part)


def test_quantities_are_functions_of_the_gradient_at_the_point() -> None:
    ds = flow()
    points = cloud(40)
    L = fg.sample(ds, points, FLOW).velocity_gradient.values
    out = fg.sample(ds, points, PAIR, viscosity=0.3)
    D = (L + L.swapaxes(0, 1)) / 2
    np.testing.assert_allclose(out.q_criterion, -np.einsum("ij...,ji...", L, L) / 2, rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(out.dissipation, 0.6 * np.einsum("ij...,ij...", D, D), rtol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# ends


def test_outside_is_nan_or_an_error() -> None:
    f = flow().u
    points = {"x": xr.DataArray([0.5, 1.0, 1.01, -0.2, np.nan, 0.3], dims="p"), "y": 0.0, "z": 1.0}
    out = fg.sample(f, points, SCALAR)
    assert out.value.notnull().values.tolist() == [True, True, False, False, False, True]
    np.testing.assert_array_equal(out.gradient.isnull().any("component"), out.value.isnull())
    with pytest.raises(ValueError, match=r"position 1.01 along 'x' at p=2 is outside: the field is known from 0 to 1"):
        fg.sample(f, points, SCALAR, outside="raise")
    fg.sample(f, {**points, "x": points["x"][:2]}, SCALAR, outside="raise")
    none = fg.sample(f, {**points, "x": points["x"][2:5]}, SCALAR)
    assert none.value.isnull().all()
    assert fg.sample(f, {**points, "x": points["x"][:0]}, SCALAR).gradient.shape == (3, 0)


def test_the_last_node_is_inside_to_the_rounding_of_its_coordinate() -> None:
    f = flow().u
    assert fg.sample(f, {"x": 1 + 2 * EPS, "y": -1e-17, "z": 0.5}, SCALAR).value.notnull()


@pytest.mark.parametrize("accuracy", [2, 4])
def test_up_to_walls_and_mirrors_what_is_known_there_counts(accuracy: int) -> None:
    faces = nodes(12, 7)
    y = (faces[1:] + faces[:-1]) / 2
    at = on({**space(), "y": y})
    wall = 2 * y[0] - faces[1]  # half a spacing outside, roughly: the position is told
    low = float(min(wall, 0.0))

    def exact(y: Any) -> Any:
        return (y - low) * (2 - low - y) + 3.0  # 3 at the wall, even about y = 1

    f = exact(at["y"]) * (1 + 0 * at["x"] + 0 * at["z"])
    boundary = {"y": (fg.Wall(3.0, at=low), fg.Wall("symmetric", at=1.0))}
    grid = fg.infer_grid(f, boundary=boundary, accuracy=accuracy)
    points = {"x": 0.4, "z": 0.6, "y": xr.DataArray([low, low / 2 + y[0] / 2, y[0], 0.5, 0.99, 1.0], dims="p")}
    out = fg.sample(f, points, SCALAR, grid=grid, outside="raise")
    # the mirror continues a parabola as itself, since it is even about it
    np.testing.assert_allclose(out.value, exact(points["y"]), rtol=0, atol=1e-13)
    np.testing.assert_allclose(out.gradient.sel(component="y"), 2 - 2 * points["y"], rtol=0, atol=1e-11)
    np.testing.assert_allclose(out.gradient.sel(component="x"), 0, rtol=0, atol=1e-14)
    beyond = fg.sample(f, {"x": 0.4, "y": 1.001, "z": 0.6}, SCALAR, grid=grid)
    assert beyond.value.isnull()
    nodal = fg.sample(f, {"x": 0.4, "y": f.y, "z": 0.6}, SCALAR, grid=grid).gradient.sel(component="y")
    table = grid.axis("y").stencil()
    known = 0.0 if table.known is None else table.known
    np.testing.assert_allclose(nodal, table.matrix() @ exact(y) - table.row_sum * known, rtol=0, atol=1e-11)


# ---------------------------------------------------------------------------------------------------------
# labels


def test_points_may_share_any_dimensions() -> None:
    ds = flow()
    a = xr.DataArray(RNG.uniform(0, 1, (3, 4)), {"line": [10, 20, 30]}, ("line", "s"))
    b = xr.DataArray(RNG.uniform(0, 1, 4), dims="s")
    out = fg.sample(ds, {"x": a, "y": b, "z": 0.5}, FLOW)
    assert out.velocity_gradient.dims == ("component", "direction", "line", "s")
    assert out.line.values.tolist() == [10, 20, 30]
    assert out.x.dims == ("line", "s")
    assert out.y.dims == ("s",)
    assert out.z.item() == 0.5
    one = fg.sample(ds, {"x": float(a[1, 2]), "y": float(b[2]), "z": 0.5}, FLOW)
    assert one.value.dims == ("component",)
    np.testing.assert_array_equal(one.velocity_gradient, out.velocity_gradient[..., 1, 2])
    # a Dataset of positions
    same = fg.sample(ds, xr.Dataset({"x": a, "y": b, "z": 0.5, "mass": b}), FLOW)
    xr.testing.assert_identical(same, out)


def test_other_dimensions_are_kept_and_shared_ones_go_along() -> None:
    base = flow()
    moving = xr.concat([base, 2 * base, base + 1], xr.Variable("time", [0.0, 0.5, 2.0])).expand_dims(run=2, axis=-1)
    moving = moving.assign_coords(label=("run", ["a", "b"]), height=2.0)
    points = cloud(5)
    each = fg.sample(moving, points, FLOW)
    assert each.velocity_gradient.dims == ("component", "direction", "time", "run", "p")
    assert each.label.values.tolist() == ["a", "b"]
    assert each.height.item() == 2.0
    for number in range(3):
        alone = fg.sample(moving.isel(time=number, run=0, drop=True), points, FLOW)
        np.testing.assert_array_equal(each.velocity_gradient[:, :, number, 1], alone.velocity_gradient)
    # particles that move: each time has its own positions
    along = {dim: xr.concat([x, x / 2, 1 - x], moving.time) for dim, x in points.items()}
    tracked = fg.sample(moving, along, FLOW)
    assert tracked.value.dims == ("component", "run", "time", "p")
    for number in range(3):
        here = {dim: x[number].drop_vars("time") for dim, x in along.items()}
        alone = fg.sample(moving.isel(time=number, drop=True), here, FLOW)
        np.testing.assert_array_equal(tracked.value[:, :, number], alone.value)
    with pytest.raises(ValueError, match="share dimension 'time' with u, which differs there"):
        fg.sample(moving, {dim: x.assign_coords(time=[0.0, 0.5, 3.0]) for dim, x in along.items()}, FLOW)


def test_coordinates_that_all_positions_share_are_kept() -> None:
    station = xr.DataArray([0.2, 0.7], dims="p", coords={"station": ("p", ["a", "b"]), "run": 1})
    out = fg.sample(flow().u, {"x": station, "y": station, "z": station.assign_coords(run=2)}, SCALAR)
    assert out.station.values.tolist() == ["a", "b"]
    assert "run" not in out.coords


def test_attributes_say_what_is_there() -> None:
    f = flow().u.assign_attrs(units="K", long_name="temperature").rename("T")
    for dim in "xyz":
        f[dim].attrs["units"] = "m"
    out = fg.sample(f, cloud(3), SCALAR)
    assert out.value.attrs == f.attrs
    assert out.gradient.attrs["units"] == "K m-1"
    assert out.gradient.attrs["fieldgrad_grid"] == fg.infer_grid(f).description
    assert out.x.attrs["units"] == "m"
    assert list(out) == SCALAR


# ---------------------------------------------------------------------------------------------------------
# refusals


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"points": {"x": 0.5, "y": 0.5}}, ValueError, "points: has no positions along 'z'"),
        ({"points": {"x": 0.5, "y": 0.5, "z": 0.5, "t": 0}}, ValueError, "points: 't' is no direction of the grid"),
        ({"points": [0.5, 0.5, 0.5]}, TypeError, "points: is a list; pass a mapping"),
        (
            {"points": {"x": [0.5], "y": 0.5, "z": 0.5}},
            TypeError,
            "along 'x' are a list; pass a number, or a DataArray",
        ),
        ({"points": {"x": "a", "y": 0.5, "z": 0.5}}, TypeError, "along 'x' are a str"),
        ({"points": {"x": xr.DataArray(["a"]), "y": 0.5, "z": 0.5}}, TypeError, "along 'x' have dtype <U1"),
        ({"outside": "zero"}, ValueError, "outside: is 'zero'; it must be 'nan' or 'raise'"),
        ({"quantities": "foo"}, ValueError, "quantities: 'foo' is not known"),
        ({"quantities": []}, ValueError, "quantities: is empty"),
        ({"quantities": 3}, TypeError, "quantities: got 3"),
        ({"quantities": "gradient"}, ValueError, "'gradient' is that of a scalar; pass the variable"),
        ({"quantities": "value", "viscosity": 1.0}, TypeError, "viscosity: no quantity of"),
        ({"quantities": "dissipation"}, TypeError, "viscosity: missing"),
        ({"quantities": "dissipation", "viscosity": np.ones(3)}, TypeError, "viscosity: is a ndarray"),
        ({"quantities": "flat"}, ValueError, "flat has none of the directions"),
    ],
)
def test_refusals(change: dict[str, Any], error: type[Exception], message: str) -> None:
    ds = flow().assign(flat=1.0)
    arguments = {"points": {"x": 0.5, "y": 0.5, "z": 0.5}, "quantities": "value", **change}
    with pytest.raises(error, match=message):
        fg.sample(ds, **arguments)


def in_pipe(ds: xr.Dataset) -> fg.Grid:
    directions = {"r": "x", "theta": "y", "z": "z"}
    return fg.infer_grid(ds.assign_coords(x=ds.x + 1.0), axes=directions, geometry="cylindrical")


def test_refusals_of_what_does_not_fit() -> None:
    ds = flow()
    p = xr.DataArray([0.1, 0.2], {"p": [0, 1]}, "p")
    with pytest.raises(ValueError, match="points: the positions do not fit together"):
        fg.sample(ds, {"x": p, "y": p.assign_coords(p=[1, 2]), "z": 0.5}, "value")
    with pytest.raises(ValueError, match="a dimension of the points is called 'x'; rename that"):
        fg.sample(ds, {"x": xr.DataArray([[0.1]], dims=("x", "s")), "y": 0.5, "z": 0.5}, "value")
    with pytest.raises(ValueError, match="has a dimension 'component' already"):
        fg.sample(ds, {"x": p.rename(p="component"), "y": 0.5, "z": 0.5}, "value")
    with pytest.raises(ValueError, match="'vorticity' is one of a velocity"):
        fg.sample(ds.u, {"x": 0.5, "y": 0.5, "z": 0.5}, "vorticity")
    with pytest.raises(TypeError, match="viscosity: nothing that is asked for takes parameters"):
        fg.sample(ds.u, {"x": 0.5, "y": 0.5, "z": 0.5}, "value", viscosity=1.0)
    metres = ds.assign_coords(x=ds.x.assign_attrs(units="m"))
    with pytest.raises(ValueError, match="along 'x' are in km, and its coordinate is in m"):
        fg.sample(metres, {"x": p.assign_attrs(units="km"), "y": 0.5, "z": 0.5}, "value")
    with pytest.raises(ValueError, match="grid: has the geometry 'cylindrical'"):
        fg.sample(ds, {"x": 0.5}, "value", grid=in_pipe(ds))
    twins = [fg.Quantity("one", lambda L: L[0][0]), fg.Quantity("one", lambda L: L[0][1])]
    with pytest.raises(ValueError, match="two different ones are called 'one'"):
        fg.sample(ds, {"x": 0.5}, twins)
    noisy = fg.infer_grid(ds, scheme="least_squares")
    with pytest.raises(ValueError, match="least-squares fits"):
        fg.sample(ds, {"x": 0.5, "y": 0.5, "z": 0.5}, "value", grid=noisy)
    renamed = ds.rename(x="i")
    twice = {"i": 0.5, "x": 0.5, "y": 0.5, "z": 0.5}
    with pytest.raises(ValueError, match="given twice"):
        fg.sample(renamed, twice, "value", grid=fg.infer_grid(renamed, axes={"x": "i"}))


# ---------------------------------------------------------------------------------------------------------
# further kernels


@pytest.mark.slow
def test_variables_and_parameters_that_are_fields() -> None:
    ds = flow()
    ds["nu"] = 0.1 + ds.x * ds.y  # lacks z
    points = cloud(40)
    out = fg.sample(ds, points, [*PAIR, "nu"], viscosity="nu")
    np.testing.assert_allclose(out.nu, 0.1 + points["x"] * points["y"], rtol=1e-13)
    one = fg.sample(ds, points, PAIR, viscosity=1.0).dissipation
    np.testing.assert_allclose(out.dissipation, out.nu * one, rtol=1e-12)
    along = points["x"].copy(data=np.arange(40.0))
    np.testing.assert_allclose(fg.sample(ds, points, PAIR, viscosity=along).dissipation, along * one)


@pytest.mark.slow
def test_dtypes() -> None:
    ds = flow()
    points = cloud(20)
    exact = fg.sample(ds, points, FLOW)
    single = fg.sample(ds.astype(np.float32), points, FLOW)
    assert single.value.dtype == np.float32
    np.testing.assert_allclose(single.velocity_gradient, exact.velocity_gradient, rtol=0, atol=1e-4)
    twofold = fg.sample(ds * (1 - 2j), points, FLOW)
    np.testing.assert_allclose(twofold.value, exact.value * (1 - 2j), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(twofold.velocity_gradient, exact.velocity_gradient * (1 - 2j), rtol=1e-12, atol=1e-12)
    whole = fg.sample((10 * ds).round().astype(int), points, FLOW)
    assert whole.value.dtype == np.float64
    swapped = fg.sample(ds.astype(">f8"), points, FLOW)
    xr.testing.assert_identical(swapped, exact)
    with pytest.raises(TypeError, match="'q_criterion' is not linear"):
        fg.sample(ds * 1j, points, "q_criterion")


@pytest.mark.slow
def test_planes_lines_and_left_handed_axes() -> None:
    sizes = {"y": nodes(8), "x": nodes(9)}
    plane = flow(sizes)
    points = {"x": xr.DataArray([0.2, 0.7], dims="p"), "y": 0.4}
    out = fg.sample(plane[["u", "v"]], points, ["velocity_gradient", "vorticity"])
    L = out.velocity_gradient
    np.testing.assert_array_equal(
        out.vorticity, L.sel(component="y", direction="x") - L.sel(component="x", direction="y")
    )
    image = fg.infer_grid(plane[["u", "v"]], positive={"y": "down"})
    np.testing.assert_array_equal(
        fg.sample(plane[["u", "v"]], points, "vorticity", grid=image).vorticity, -out.vorticity
    )
    three = fg.sample(plane, points, FLOW)
    assert three.velocity_gradient.sizes == {"component": 3, "direction": 2, "p": 2}
    assert three.value.component.values.tolist() == ["x", "y", "z"]
    line = plane.u.isel(y=0)
    slope = fg.sample(line, {"x": line.x}, "gradient").gradient.sel(component="x")
    np.testing.assert_allclose(slope, fg.derivative(line, "x"), rtol=1e-12, atol=1e-12)


@pytest.mark.slow
def test_components_with_walls_of_their_own_and_more_quantities_than_a_pass() -> None:
    ds = flow()
    boundary = {"y": {"u": (0.0, "symmetric"), "v": (0.0, "antisymmetric"), "w": (1.0, "symmetric")}}
    grid = fg.infer_grid(ds, boundary=boundary)
    out = fg.sample(ds, {"x": ds.x, "y": ds.y, "z": ds.z}, FLOW, grid=grid).transpose(..., "z", "y", "x")
    L = fg.velocity_gradient(ds, grid=grid)
    np.testing.assert_allclose(out.velocity_gradient, L.transpose(..., "z", "y", "x"), rtol=0, atol=1e-11)
    names = ["vorticity", "enstrophy", "divergence", "lambda2", "q_criterion", "spin"]

    def shear(L: Any) -> Any:
        return L[0][1]

    points = cloud(6)
    many = fg.sample(ds, points, [*names, fg.Quantity("shear", shear)], grid=grid)
    L = fg.sample(ds, points, FLOW, grid=grid).velocity_gradient
    np.testing.assert_array_equal(many["shear"], L[0, 1])
    np.testing.assert_allclose(many.enstrophy, (many.vorticity**2).sum("component") / 2, rtol=1e-12)
    np.testing.assert_allclose(many.divergence, np.einsum("ii...", L), rtol=1e-10, atol=1e-10)


def test_grids_with_holes_are_refused() -> None:
    ds = flow()
    mask = ds.u.isel(x=0, drop=True) < 1e3
    for grid in (fg.infer_grid(ds, mask=mask), fg.infer_grid(ds, missing="adapt")):
        with pytest.raises(ValueError, match="grid: has a mask or missing="):
            fg.sample(ds, cloud(3), "vorticity", grid=grid)
        with pytest.raises(ValueError, match="grid: has a mask or missing="):
            fg.uncertainty(ds, "vorticity", std=0.1, grid=grid)
