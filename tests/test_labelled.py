# SPDX-License-Identifier: BSD-3-Clause
"""The operators on labelled data: values, labels, attributes, identities, orders of accuracy and refusals."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import fieldgrad as fg
from fieldgrad.stencils import derivative_stencil

EPS = np.finfo(np.float64).eps
RNG = np.random.default_rng(11)
NODES = {
    "x": 0.5 + np.tanh(np.linspace(-1.2, 1.1, 12)),
    "y": np.tanh(np.linspace(-1.6, 0.4, 11)),
    "z": np.cumsum(np.r_[0.0, np.linspace(0.1, 0.3, 9)]),
}
COORDS = {name: (name, nodes, {"units": "m"}) for name, nodes in NODES.items()}
COMPONENTS = {"x": "u", "y": "v", "z": "w"}


def flow(dims: str = "zyx", components: str | None = None, dtype: Any = np.float64) -> xr.Dataset:
    """Random velocities on stretched coordinates; `dims` are one letter each."""
    labels = sorted(dims) if components is None else components
    shape = [len(NODES[dim]) for dim in dims]
    return xr.Dataset(
        {COMPONENTS[label]: (list(dims), RNG.normal(size=shape).astype(dtype), {"units": "m s-1"}) for label in labels},
        coords={dim: COORDS[dim] for dim in dims},
    )


def scalar(dims: str = "zyx", name: str = "p") -> xr.DataArray:
    return flow(dims, "x").u.rename(name).assign_attrs(units="K", long_name="temperature")


def weights(axis: fg.Axis, order: int = 1) -> np.ndarray:
    table = derivative_stencil(axis.nodes, order, axis.accuracy, period=axis.period)
    return table.matrix()


def apply(table: np.ndarray, f: xr.DataArray, dim: str) -> xr.DataArray:
    """A dense matrix along a dimension."""
    axis = f.get_axis_num(dim)
    return f.copy(data=np.moveaxis(np.tensordot(table, f.values, axes=(1, axis)), 0, axis))


def bound(f: xr.DataArray, grid: fg.Grid, dim: str, order: int = 1) -> xr.DataArray:
    """Sum of |weight| |value|, to the rounding of which a derivative is right."""
    return apply(np.abs(weights(grid.axis(dim), order)), abs(f), dim)


def close(found: xr.DataArray, expected: xr.DataArray, scale: xr.DataArray, units: float = 16) -> None:
    found, expected, scale = (one.drop_vars(list(one.coords)) for one in (found, expected, scale))
    assert set(found.dims) == set(expected.dims)
    assert bool((abs(found - expected) <= units * EPS * scale).all())


# ---------------------------------------------------------------------------------------------------------
# values and labels


def test_velocity_gradient_is_labelled_by_component_and_direction() -> None:
    ds = flow()
    grid = fg.infer_grid(ds)
    L = fg.velocity_gradient(ds)
    assert L.dims == ("component", "direction", "z", "y", "x")
    assert L.component.values.tolist() == L.direction.values.tolist() == ["x", "y", "z"]
    for component, direction in itertools.product("xyz", repeat=2):
        field = ds[COMPONENTS[component]]
        found = L.sel(component=component, direction=direction)
        close(found, apply(weights(grid.axis(direction)), field, direction), bound(field, grid, direction))


def test_parts_trace_and_dual_to_the_bit() -> None:
    ds = flow()
    L = fg.velocity_gradient(ds)
    D, W = fg.decompose(ds)
    for part, other in zip((D, W), fg.decompose(L), strict=True):
        xr.testing.assert_equal(part, other)
        assert part.dims == L.dims
    for part, sign, symmetric in ((D, 1, "D"), (W, -1, "W")):
        values = part.values
        np.testing.assert_array_equal(values, sign * values.swapaxes(0, 1), err_msg=symmetric)
    transposed = L.values.swapaxes(0, 1)
    largest = np.maximum(np.abs(L.values), np.abs(transposed))
    assert (np.abs(D.values + W.values - L.values) <= 2 * EPS * largest).all()
    np.testing.assert_array_equal(fg.divergence(ds).values, np.einsum("ii...", L.values))
    w = fg.curl(ds)
    for label, i, j in (("x", 2, 1), ("y", 0, 2), ("z", 1, 0)):
        np.testing.assert_array_equal(w.sel(component=label).values, 2 * W.values[i, j])
        np.testing.assert_array_equal(w.sel(component=label).values, L.values[i, j] - L.values[j, i])


@pytest.mark.parametrize(("plane", "normal"), [("yx", "z"), ("zx", "y"), ("zy", "x")])
def test_curl_in_a_plane_is_its_normal_component(plane: str, normal: str) -> None:
    ds = flow(plane)
    grid = fg.infer_grid(ds)

    def d(component: str, direction: str) -> xr.DataArray:
        return apply(weights(grid.axis(direction)), ds[COMPONENTS[component]], direction)

    i, j = {"z": "yx", "y": "xz", "x": "zy"}[normal]  # w_z = v_x - u_y, w_y = u_z - w_x, w_x = w_y - v_z
    found = fg.curl(ds)
    assert found.dims == tuple(plane)
    scale = bound(ds[COMPONENTS[i]], grid, j) + bound(ds[COMPONENTS[j]], grid, i)
    close(found, d(i, j) - d(j, i), scale)
    # a length of one makes no direction: a plane of a flow in space is a plane
    thick = ds.expand_dims({normal: [0.7]}, axis=1)
    np.testing.assert_array_equal(fg.curl(thick).isel({normal: 0}).values, found.values)


@pytest.mark.slow
@pytest.mark.parametrize("plane", ["zx", "zy"])
def test_tensors_in_other_planes(plane: str) -> None:
    ds = flow(plane)
    names = sorted(plane)
    D, W = fg.decompose(ds)
    L = fg.velocity_gradient(ds)
    assert L.component.values.tolist() == D.direction.values.tolist() == names
    np.testing.assert_array_equal(fg.divergence(ds).values, np.einsum("ii...", L.values))
    for part, other in zip((D, W), fg.decompose(L), strict=True):
        xr.testing.assert_equal(part, other)


@pytest.mark.parametrize("plane", ["yx", pytest.param("zx", marks=pytest.mark.slow)])
def test_three_components_on_a_plane(plane: str) -> None:
    ds = flow(plane, "xyz")
    L = fg.velocity_gradient(ds)
    a, b = sorted(plane)
    assert L.component.values.tolist() == ["x", "y", "z"]
    assert L.direction.values.tolist() == [a, b]
    grid = fg.infer_grid(ds)
    for label, direction in itertools.product("xyz", (a, b)):
        field = ds[COMPONENTS[label]]
        found = L.sel(component=label, direction=direction)
        close(found, apply(weights(grid.axis(direction)), field, direction), bound(field, grid, direction))
    first, second = (b, a) if plane == "yx" else (a, b)
    normal = L.sel(component=first, direction=second) - L.sel(component=second, direction=first)
    w = fg.curl(ds)
    assert w.dims == tuple(plane)
    np.testing.assert_array_equal(w.values, normal.values)
    for refused in (fg.divergence, fg.decompose, lambda obj: fg.derive(obj, "q_criterion")):
        reason = rf"needs as many components .* x, y, z on directions {a}, {b}, so the derivatives across the "
        with pytest.raises(ValueError, match=reason + "plane are unknown; pass components="):
            refused(ds)
    reason = rf"obj: has components x, y, z and directions {a}, {b}; D and W exist only where .* select the "
    with pytest.raises(ValueError, match=reason + r"components in the plane \(L.sel\(component="):
        fg.decompose(L)
    inside = L.sel(component=L.direction.values)
    two = [COMPONENTS[label] for label in (a, b)]
    for part, other in zip(fg.decompose(inside), fg.decompose(ds, components=two), strict=True):
        xr.testing.assert_equal(part, other)


def test_one_direction() -> None:
    ds = flow("x")
    du = apply(weights(fg.infer_grid(ds).axis("x")), ds.u, "x")
    scale = bound(ds.u, fg.infer_grid(ds), "x")
    L = fg.velocity_gradient(ds)
    assert L.dims == ("component", "direction", "x")
    assert L.component.item() == L.direction.item() == "x"
    close(L.isel(component=0, direction=0), du, scale)
    close(fg.divergence(ds), du, scale)
    close(fg.gradient(ds.u).sel(component="x"), du, scale)
    for refused in (fg.curl, fg.decompose):
        with pytest.raises(ValueError, match=r"is defined in 2-D and 3-D flows; this one has 1 direction \(x\)"):
            refused(ds)


def test_operators_of_a_scalar() -> None:
    p, ds = scalar("yx"), flow("yx")
    grid = fg.infer_grid(p)
    g = fg.gradient(p)
    assert g.dims == ("component", "y", "x")
    d = {dim: apply(weights(grid.axis(dim)), p, dim) for dim in "xy"}
    s = {dim: bound(p, grid, dim) for dim in "xy"}
    for dim in "xy":
        close(g.sel(component=dim), d[dim], s[dim])
        np.testing.assert_array_equal(g.sel(component=dim).values, fg.derivative(p, dim).values)
    second = {dim: apply(weights(grid.axis(dim), 2), p, dim) for dim in "xy"}
    coarse = {dim: bound(p, grid, dim, 2) for dim in "xy"}
    close(fg.laplacian(p), second["x"] + second["y"], coarse["x"] + coarse["y"])
    H = fg.hessian(p)
    assert H.dims == ("component", "direction", "y", "x")
    np.testing.assert_array_equal(H.values, H.values.swapaxes(0, 1))
    for dim in "xy":
        np.testing.assert_array_equal(H.sel(component=dim, direction=dim).values, fg.derivative(p, dim, 2).values)
    np.testing.assert_array_equal(H.sel(component="x", direction="y").values, fg.derivative(p, {"x": 1, "y": 1}).values)
    advected = fg.advection(p, ds)
    close(advected, ds.u * d["x"] + ds.v * d["y"], abs(ds.u) * s["x"] + abs(ds.v) * s["y"])
    speed = np.hypot(ds.u, ds.v)
    close(fg.directional_derivative(p, ds), (ds.u * d["x"] + ds.v * d["y"]) / speed, s["x"] + s["y"], 32)
    both = fg.advection(ds, ds)
    assert both.dims == ("component", "y", "x")
    for label, name in (("x", "u"), ("y", "v")):
        np.testing.assert_array_equal(both.sel(component=label).values, fg.advection(ds[name], ds).values)


def test_a_vector_is_advected_component_by_component() -> None:
    ds = flow("yx")
    stacked = xr.concat([ds.u, ds.v], dim=xr.Variable("component", ["x", "y"]))
    found = fg.advection(stacked, ds)
    assert found.dims == ("component", "y", "x")
    np.testing.assert_array_equal(found.values, fg.advection(ds, ds).values)


def test_mixed_and_higher_derivatives() -> None:
    p = scalar("yx")
    grid = fg.infer_grid(p)
    here, there = fg.derivative(p, {"x": 1, "y": 2}), fg.derivative(p, {"y": 2, "x": 1})
    tables = {"x": weights(grid.axis("x")), "y": weights(grid.axis("y"), 2)}
    expected = apply(tables["y"], apply(tables["x"], p, "x"), "y")
    scale = apply(np.abs(tables["y"]), apply(np.abs(tables["x"]), abs(p), "x"), "y")
    close(here, expected, scale)
    close(here, there, scale, 32)
    assert here.attrs["units"] == "K m-3"
    polynomial = (p.x**4 * p.y**3).transpose("y", "x")
    exact = (24 * p.x * p.y**3).transpose("y", "x")
    fourth = fg.infer_grid(p, accuracy=4)
    found = fg.derivative(polynomial, "x", 3, grid=fourth)
    close(found, exact, bound(polynomial, fourth, "x", 3), 1000)


# ---------------------------------------------------------------------------------------------------------
# forms of input


@pytest.mark.parametrize("order", list(itertools.permutations(["time", "member", "y", "x"])))
def test_other_dimensions_in_any_position(order: tuple[str, ...]) -> None:
    ds = xr.concat([xr.concat([BASE * (i + 2 * j + 1) for i in range(3)], "member") for j in range(2)], "time")
    expected = fg.divergence(BASE)
    # dimensions of another order, in views of one memory and in memory of their own
    turned = ds.transpose(*order)
    own = turned.copy(data={name: np.ascontiguousarray(field) for name, field in turned.data_vars.items()})
    for obj in (turned, own):
        found = fg.divergence(obj)
        assert found.dims == order
        for i, j in itertools.product(range(3), range(2)):
            part = found.isel(member=i, time=j).transpose("y", "x")
            close(part, (i + 2 * j + 1) * expected, 40 * bound(BASE.u, fg.infer_grid(BASE), "x") + 200)
        again = fg.divergence(ds).transpose(*order)
        xr.testing.assert_identical(found, again)


BASE = flow("yx")
FAST = ("zyx", "zxy", "xyz")  # the others compile a kernel each


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("".join(order), marks=[] if "".join(order) in FAST else pytest.mark.slow)
        for order in itertools.permutations("zyx")
    ],
)  # fmt: skip
def test_order_of_dimensions_does_not_change_a_bit(order: str) -> None:
    expected = fg.divergence(SPACE)
    view = SPACE.transpose(*order)
    packed = xr.Dataset({name: (list(order), np.ascontiguousarray(view[name].values)) for name in view}, view.coords)
    reversed_ = xr.Dataset(
        {name: (list(order), np.ascontiguousarray(view[name].values[::-1])[::-1]) for name in view},
        view.coords,
    )
    for obj in (view, packed, reversed_):
        found = fg.divergence(obj)
        assert found.dims == tuple(order)
        np.testing.assert_array_equal(found.transpose("z", "y", "x").values, expected.values)


SPACE = flow()


@given(st.permutations(["time", "y", "x"]), st.booleans(), st.sampled_from([None, 4.0]))
def test_labels_decide_and_not_positions(order: list[str], flip: bool, period: float | None) -> None:
    field = SPACE.u.rename(z="time")
    grid = fg.infer_grid(field, periodic={} if period is None else {"x": period})
    expected = fg.derivative(field, "x", grid=grid)
    other = field.transpose(*order)
    other = other.copy(data=np.ascontiguousarray(other.values))
    found = fg.derivative(other.isel(y=slice(None, None, -1)) if flip else other, "x", grid=grid)
    xr.testing.assert_identical(found.isel(y=slice(None, None, -1) if flip else slice(None)),
                                expected.transpose(*order))  # fmt: skip


def test_components_in_one_array_in_any_order_of_labels() -> None:
    ds = flow("yx")
    expected = fg.velocity_gradient(ds)
    stacked = xr.concat([ds.u, ds.v], dim=xr.Variable("component", ["x", "y"]))
    for obj in (
        stacked,
        stacked.isel(component=[1, 0]),
        stacked.transpose("y", "x", "component"),
        stacked.drop_vars("component"),
        stacked.to_dataset(name="velocity"),
    ):
        found = fg.velocity_gradient(obj)
        np.testing.assert_array_equal(found.values, expected.values)
        assert found.dims == expected.dims
        assert found.component.values.tolist() == ["x", "y"]
    with pytest.raises(ValueError, match=r"the labels of dimension 'component' are \['x', 'up'\]; they must be"):
        fg.curl(stacked.assign_coords(component=["x", "up"]))


def test_nothing_is_written_to_the_input_and_nothing_is_shared() -> None:
    ds = flow("yx").assign_coords(station=("x", np.arange(12.0)), depth=3.5)
    before = ds.copy(deep=True)
    p = ds.u
    for result in (
        fg.derivative(p, "x"),
        fg.laplacian(p),
        fg.gradient(p),
        fg.curl(ds),
        fg.velocity_gradient(ds),
    ):
        result[...] = -1.0
        del result.coords["station"]
        result.attrs["history"] = "changed"
        result.coords["new"] = 1.0
        if "component" in result.coords:
            result.component.attrs["note"] = "mine"
    xr.testing.assert_identical(ds, before)
    assert fg.gradient(p).component.attrs == {}
    again = fg.velocity_gradient(ds)
    assert {"component", "direction", "y", "x"} == set(again.indexes)
    assert again.indexes["component"].tolist() == again.indexes["direction"].tolist() == ["x", "y"]


def test_results_are_ordinary_xarray_objects() -> None:
    ds = flow("yx")
    for result in (fg.gradient(ds.u), fg.velocity_gradient(ds), *fg.decompose(ds), fg.laplacian(ds.u)):
        rebuilt = xr.DataArray(result.values, {key: result[key] for key in result.coords}, result.dims)
        xr.testing.assert_equal(result, rebuilt)
        assert set(result.xindexes) == set(rebuilt.xindexes)
        assert result.sel(x=NODES["x"][3]).shape == result.shape[:-1]
        xr.testing.assert_identical(pickle.loads(pickle.dumps(result)), result)
    L = fg.velocity_gradient(ds)
    assert L.sel(component=["y", "x"]).component.values.tolist() == ["y", "x"]
    xr.testing.assert_equal(L + fg.velocity_gradient(ds), 2 * L)


# ---------------------------------------------------------------------------------------------------------
# dtypes


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("u1", "f8"), ("i4", "f8"), ("?", "f8"), ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4"),
        (">f8", "f8"), ("c8", "c8"), ("c16", "c16"), (">i2", "f8"),
    ],
)  # fmt: skip
def test_dtypes(given: str, wanted: str) -> None:
    field = (100 * abs(scalar())).astype(given)
    table = weights(fg.infer_grid(field).axis("x"))
    found = fg.derivative(field, "x")
    assert found.dtype == np.dtype(wanted)
    plain = field.astype(np.dtype(wanted)).astype("c16")
    expected, scale = apply(table, plain, "x"), apply(np.abs(table), abs(plain), "x")
    assert bool((abs(found - expected) <= 16 * np.finfo(wanted).eps * scale).all())
    constant = xr.full_like(field, 1)
    assert not fg.derivative(constant, "x").any()


@pytest.mark.parametrize(("given", "wanted"), [("f4", "f4"), ("f2", "f4"), (">f4", "f4"), ("c8", "c8")])
def test_dtypes_of_a_tensor(given: str, wanted: str) -> None:
    ds = flow("yx", dtype=given)
    L = fg.velocity_gradient(ds)
    D, W = fg.decompose(L)
    assert L.dtype == D.dtype == W.dtype == np.dtype(wanted)
    exact = fg.velocity_gradient(ds.astype("c16" if wanted[0] == "c" else "f8"))
    assert np.abs(L - exact).max() <= 100 * np.finfo(wanted).eps * np.abs(exact).max()
    assert not fg.velocity_gradient(xr.full_like(ds, 3)).any()


def test_mixed_dtypes_meet_in_the_wider() -> None:
    ds = flow("yx")
    mixed = ds.assign(u=ds.u.astype("f4"))
    assert fg.velocity_gradient(mixed).dtype == np.float64


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        ("U8", r"speed: has dtype <U.*, which cannot be differentiated; pass real or complex numbers"),
        ("S8", r"speed: has dtype .S.*, which cannot be differentiated; pass real"),
        ("object", r"speed: has dtype object, which cannot be differentiated; pass real"),
        ("datetime64[s]", r"speed: has dtype datetime64\[s\], which cannot be differentiated"),
        (
            "longdouble",
            r"speed: has dtype .*, which cannot be differentiated; convert it \(astype\('float64'\)\)",
        ),
    ],
)
def test_what_holds_no_numbers_is_refused_by_name(dtype: str, message: str) -> None:
    if dtype == "longdouble" and np.finfo(dtype).eps == EPS:
        pytest.skip("long double is double here")
    bad = (scalar("yx", "speed") * 1000).astype(int).astype(dtype).assign_attrs(units="m s-1")
    for call in (fg.gradient, fg.laplacian, fg.hessian, lambda f: fg.derivative(f, "x")):
        with pytest.raises(TypeError, match=message):
            call(bad)
    with pytest.raises(TypeError, match=message):
        fg.velocity_gradient(flow("yx").assign(u=bad), components=[bad, flow("yx").v])


# ---------------------------------------------------------------------------------------------------------
# names, attributes, coordinates


def test_names_and_attributes() -> None:
    p = scalar("yx").assign_attrs(
        standard_name="air_temperature", valid_range=[0, 1], cell_methods="time: mean", source="a run"
    )
    ds = flow("yx")
    ds.u.attrs["standard_name"] = "x_wind"
    grid = fg.infer_grid(p)
    along = [grid.axis(name).description for name in "xy"]
    described = {"dp_dx": along[0], "d2p_dx2": along[0], "d3p_dx2_dy": "; ".join(along)}
    expected = {
        "dp_dx": (fg.derivative(p, "x"), "d(p)/dx", "K m-1"),
        "d2p_dx2": (fg.derivative(p, "x", 2), "d2(p)/dx2", "K m-2"),
        "d3p_dx2_dy": (fg.derivative(p, {"x": 2, "y": 1}), "d3(p)/dx2 dy", "K m-3"),
        "grad_p": (fg.gradient(p), "d(p)/dx_i", "K m-1"),
        "laplacian_p": (fg.laplacian(p), "d2(p)/dx2 + d2(p)/dy2", "K m-2"),
        "hessian_p": (fg.hessian(p), "d2(p)/dx_i dx_j", "K m-2"),
        "dp_ds": (fg.directional_derivative(p, ds), "(a . grad p)/|a|", "K m-1"),
        "advection_p": (fg.advection(p, ds), "(u . grad) p", "K s-1"),
        "advection": (fg.advection(ds, ds), "u_j du_i/dx_j", "m s-2"),
        "velocity_gradient": (fg.velocity_gradient(ds), "L_ij = du_i/dx_j", "s-1"),
        "divergence": (fg.divergence(ds), "tr L", "s-1"),
        "curl": (fg.curl(ds), "w = (w_y - v_z, u_z - w_x, v_x - u_y)", "s-1"),
        "deformation_rate": (fg.decompose(ds)[0], "D = (L + L^T)/2", "s-1"),
        "spin": (fg.decompose(fg.velocity_gradient(ds))[1], "W = (L - L^T)/2", "s-1"),
    }
    for name, (result, definition, unit) in expected.items():
        assert result.name == name
        assert result.attrs.pop("long_name").strip()
        assert result.attrs.pop("fieldgrad_grid") == described.get(name, grid.description)
        assert result.attrs == {"fieldgrad_definition": definition, "units": unit}, name
    assert fg.gradient(p).attrs["long_name"] == "gradient of temperature"
    assert fg.derivative(p.rename(None), "x").name == "df_dx"


def test_units_are_right_or_absent() -> None:
    p, ds = scalar("yx"), flow("yx")

    def without(obj: Any, dim: str, **attrs: str) -> Any:
        return obj.assign_coords({dim: (dim, obj[dim].values, attrs)})

    assert "units" not in fg.gradient(without(p, "x")).attrs
    bare = p.copy()
    bare.attrs = {}
    assert "units" not in fg.laplacian(bare).attrs
    with pytest.raises(ValueError, match=r"components: .* in 'km h-1' and .* in 'm s-1'; convert them to the same"):
        fg.velocity_gradient(ds.assign(u=ds.u.assign_attrs(units="km h-1")))
    assert "units" not in fg.gradient(p.assign_attrs(units="degC/100")).attrs
    assert fg.derivative(without(p, "x", units="km"), "x").attrs["units"] == "K km-1"
    assert fg.derivative(without(p, "x", units="degrees_east"), "x").attrs["units"] == "K degrees_east-1"
    kilometres = without(without(ds, "x", units="km"), "y", units="km")
    assert fg.divergence(kilometres).attrs["units"] == "m s-1 km-1"
    # a plain number has the documented units only where everything else is in those
    assert fg.derive(ds, "dissipation", viscosity=1.0).dissipation.attrs["units"] == "m2 s-3"
    assert "units" not in fg.derive(kilometres, "dissipation", viscosity=1.0).dissipation.attrs
    nu = xr.DataArray(0.5, attrs={"units": "m2 s-1"})
    assert fg.derive(ds, "dissipation", viscosity=nu).dissipation.attrs["units"] == "m2 s-3"
    assert "units" not in fg.derive(ds, "dissipation", viscosity=nu.drop_attrs()).dissipation.attrs
    mu, rho = nu.assign_attrs(units="Pa s"), nu.assign_attrs(units="kg m-3")
    for viscous in ({"dynamic_viscosity": mu, "density": rho}, {"dynamic_viscosity": mu, "density": 2.0},
                    {"dynamic_viscosity": 2.0, "density": rho}):  # fmt: skip
        assert fg.derive(ds, "dissipation", **viscous).dissipation.attrs["units"] == "m2 s-3"
    viscous = {"dynamic_viscosity": mu, "density": rho.assign_attrs(units="g cm-3")}
    assert "units" not in fg.derive(ds, "dissipation", **viscous).dissipation.attrs


def test_coordinates_are_kept() -> None:
    ds = flow("yx").assign_coords(
        station=("x", [f"s{i}" for i in range(12)]),
        terrain=(("y", "x"), RNG.normal(size=(11, 12))),
        run=7,
        component=("x", np.arange(12)),
    )
    ds = ds.drop_vars("component").assign_coords(when=np.datetime64("2001-02-03", "ns"))
    for result in (fg.derivative(ds.u, "x"), fg.gradient(ds.u), fg.velocity_gradient(ds), *fg.decompose(ds),
                   *fg.decompose(fg.velocity_gradient(ds)), fg.derive(ds, "vorticity")):  # fmt: skip
        for name in ("station", "terrain", "run", "when", "x", "y"):
            xr.testing.assert_identical(result.coords[name].variable, ds.coords[name].variable)
    single = xr.concat([ds.u, ds.v], xr.Variable("component", ["x", "y"])).sel(component="x")
    assert fg.gradient(single).component.values.tolist() == ["x", "y"]


def test_names_other_than_the_usual() -> None:
    ds = flow("yx").rename(x="streamwise", y="wall_distance", u="a", v="b")
    grid = fg.infer_grid(ds, axes={"x": "streamwise", "y": "wall_distance"})
    L = fg.velocity_gradient(ds, grid=grid, components=("a", "b"))
    assert L.dims == ("component", "direction", "wall_distance", "streamwise")
    same = fg.velocity_gradient(ds.rename(streamwise="x", wall_distance="y", a="u", b="v"))
    np.testing.assert_array_equal(L.values, same.values)
    assert fg.derivative(ds.a, "x", grid=grid).name == "da_dstreamwise"


# ---------------------------------------------------------------------------------------------------------
# identities and orders of accuracy


@pytest.mark.parametrize("accuracy", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("periodic", [(), ("x", "z")])
def test_div_curl_and_curl_grad_vanish(accuracy: int, periodic: tuple[str, ...]) -> None:
    ds, p = flow(), scalar()
    grid = fg.infer_grid(ds, periodic=dict.fromkeys(periodic, 5.0), accuracy=accuracy)

    def twice(f: xr.DataArray, a: str, b: str) -> xr.DataArray:
        return bound(bound(f, grid, a), grid, b)

    w = fg.curl(ds, grid=grid)
    scale = sum(twice(ds[name], a, b) for name in "uvw" for a, b in ("xy", "xz", "yz"))
    close(fg.divergence(w, grid=grid), xr.zeros_like(p), scale, 4)
    rotation = fg.curl(fg.gradient(p, grid=grid), grid=grid)
    for label, (a, b) in {"x": "yz", "y": "xz", "z": "xy"}.items():
        close(rotation.sel(component=label), xr.zeros_like(p), twice(p, a, b), 8)


def fitted_order(make: Callable[[int], fg.flows.Flow], sizes: list[int], accuracy: int, periodic: bool) -> float:
    """Slope of the error of L, D and W over the number of points; the worst of the three."""
    errors = []
    for n in sizes:
        exact = make(n)
        ds = exact.dataset
        grid = fg.infer_grid(ds, periodic=[*"xyz"[: len(exact.coordinates)]] if periodic else (), accuracy=accuracy)
        L = fg.velocity_gradient(ds, grid=grid)
        found = {"velocity_gradient": L}
        found["deformation_rate"], found["spin"] = fg.decompose(L)
        scale = float(abs(exact.velocity_gradient).max())
        errors.append([float(abs(value - exact.exact(name)).max()) / scale for name, value in found.items()])
        assert min(errors[-1]) > 100 * EPS * n, "the errors are those of rounding: use fewer points"
    return float(-max(np.polyfit(np.log(sizes), np.log(np.array(errors)), 1)[0]))


def stretched(n: int, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return (low + high) / 2 + (high - low) / 2 * np.tanh(1.2 * np.linspace(-1, 1, n)) / np.tanh(1.2)


def circle(n: int) -> np.ndarray:
    return np.linspace(0, 2 * np.pi, n, endpoint=False)


ORDERS = {
    "taylor_green_2d": (lambda n: fg.flows.taylor_green_2d(circle(n), circle(n), 0.3), True, 0.1),
    "taylor_green_2d_walls": (
        lambda n: fg.flows.taylor_green_2d(stretched(n, 0, 3), stretched(n, 0, 2)),
        False,
        0.4,
    ),
    "lamb_oseen": (
        lambda n: fg.flows.lamb_oseen(stretched(n), stretched(n, -0.8, 1), 4.0, viscosity=0.02),
        False,
        0.4,
    ),
}
ORDERS_3D = {
    "taylor_green": (lambda n: fg.flows.taylor_green(circle(n), circle(n + 1), circle(n + 2)), True, 0.1),
    "abc": (
        lambda n: fg.flows.abc(stretched(n), stretched(n + 1), stretched(n + 2), wavenumber=2.0),
        False,
        0.4,
    ),
    "burgers_vortex": (
        lambda n: fg.flows.burgers_vortex(stretched(n), stretched(n), stretched(n), viscosity=0.1, strain_rate=1.0),
        False,
        0.4,
    ),
}
HIGHER = [pytest.param(p, marks=pytest.mark.slow) for p in (6, 8)]


@pytest.mark.parametrize("accuracy", [2, 4, *HIGHER])
@pytest.mark.parametrize("name", ORDERS)
def test_order_of_accuracy_in_a_plane(name: str, accuracy: int) -> None:
    make, periodic, slack = ORDERS[name]
    sizes = [48, 64, 96, 128] if accuracy < 6 else [32, 40, 48, 64]
    if (name, accuracy) == ("taylor_green_2d_walls", 8):
        sizes = [24, 28, 32, 40]
    assert fitted_order(make, sizes, accuracy, periodic) >= accuracy - slack


@pytest.mark.parametrize("accuracy", [2, 4, *HIGHER])
@pytest.mark.parametrize("name", ORDERS_3D)
def test_order_of_accuracy_in_space(name: str, accuracy: int) -> None:
    make, periodic, slack = ORDERS_3D[name]
    sizes = [24, 32, 40, 48]
    if accuracy == 8 and name != "abc":
        sizes = [32, 40, 48, 64]
    assert fitted_order(make, sizes, accuracy, periodic) >= accuracy - slack


def test_flows_of_uniform_gradient_are_exact() -> None:
    x, y = stretched(9), stretched(8, 0, 3)
    for exact in (
        fg.flows.couette(x, y, wall_velocity=3.0),
        fg.flows.poiseuille(x, y - 1.5, half_height=1.5),
        fg.flows.solid_body_rotation(x, y, angular_velocity=2.0),
        fg.flows.pure_strain(x, y, rates=(2.0, 1.0)),
    ):
        ds = exact.dataset
        for name in ("velocity_gradient", "deformation_rate", "spin", "divergence", "vorticity"):
            found = fg.derive(ds, [name])[name] if name in ("divergence", "vorticity") else None
            if found is None:
                L = fg.velocity_gradient(ds)
                found = {"velocity_gradient": L, "deformation_rate": fg.decompose(L)[0]}.get(name, fg.decompose(L)[1])
            np.testing.assert_allclose(found.values, exact.exact(name).values, rtol=0, atol=1e-13)


def test_dissipation_of_a_known_flow() -> None:
    exact = fg.flows.poiseuille(stretched(9), stretched(11), viscosity=0.25)
    found = fg.derive(exact.dataset, "dissipation", viscosity=0.25).dissipation
    np.testing.assert_allclose(found.values, exact.exact("dissipation").values, rtol=0, atol=1e-13)


def test_float32_with_a_large_mean_keeps_its_derivative() -> None:
    x = np.linspace(0, 1, 12)
    small = np.sin(3 * x).astype(np.float32)
    f = np.float32(300) + small
    exact = derivative_stencil(x).matrix() @ f.astype(np.float64)
    found = fg.derivative(xr.DataArray(f, {"x": x}), "x")
    assert found.dtype == np.float32
    assert np.abs(found.values - exact).max() <= 1e-6 * np.abs(exact).max()


# ---------------------------------------------------------------------------------------------------------
# parameters


def test_derive_gives_a_dataset_of_what_was_asked() -> None:
    ds = flow("yx")
    found = fg.derive(ds, ["vorticity", "dissipation", "vorticity"], viscosity=0.5)
    assert isinstance(found, xr.Dataset)
    assert list(found) == ["vorticity", "dissipation"]
    assert list(fg.derive(ds, "divergence")) == ["divergence"]
    np.testing.assert_array_equal(found.vorticity.values, fg.curl(ds).values)
    assert found.dissipation.attrs["fieldgrad_definition"] == "2 nu D:D"


def test_forms_of_a_parameter() -> None:
    ds = flow("yx")
    time = xr.concat([ds, 2 * ds], "time").transpose("y", "time", "x")
    unit = fg.derive(time, "dissipation", viscosity=1.0).dissipation
    nu = xr.DataArray(np.arange(12.0), dims="x", coords={"x": ds.x})
    column = xr.DataArray([0.5, 4.0], dims="time")
    plane = (nu + ds.y).transpose("x", "y")
    for given_, factor in (
        (2, 2.0),
        (np.float32(0.5), 0.5),
        (xr.DataArray(3.0), 3.0),
        (nu, nu),
        (nu.astype("f4"), nu),
        (nu.astype(int), nu),
        (column, column),
        (plane, plane),
        (nu.drop_vars("x"), nu),
        (nu.values, nu),
    ):
        found = fg.derive(time, "dissipation", viscosity=given_).dissipation
        assert found.dims == ("y", "time", "x")
        close(found, (unit * factor).transpose(*found.dims), (unit * abs(factor)).transpose(*found.dims), 4)
    named = time.assign(nu=nu).assign_coords(level=("time", [0.5, 4.0]))
    xr.testing.assert_equal(fg.derive(named, "dissipation", viscosity="nu"),
                            fg.derive(time, "dissipation", viscosity=nu).assign_coords(level=named.level)
                            )  # fmt: skip
    found = fg.derive(named, "dissipation", viscosity="level").dissipation
    close(found, (unit * column).transpose(*found.dims), unit.transpose(*found.dims) * 4, 4)
    ratio = fg.derive(time, "dissipation", dynamic_viscosity=4 * nu, density=xr.full_like(column, 2.0))
    close(ratio.dissipation, (2 * unit * nu).transpose(*found.dims), (2 * unit * nu).transpose(*found.dims), 4)


@pytest.mark.parametrize(
    ("quantities", "given", "error", "message"),
    [
        (
            "dissipation",
            {},
            TypeError,
            r"viscosity: missing, but 'dissipation' needs it; pass viscosity=, or",
        ),
        ("dissipation", {"density": 1.0}, TypeError, r"viscosity: missing.*\(density alone does not do\)"),
        (
            "dissipation",
            {"nu": 1.0},
            TypeError,
            r"nu: no quantity of 'dissipation' takes .* they take 'viscosity'",
        ),
        (
            "vorticity",
            {"viscosity": 1.0},
            TypeError,
            r"viscosity: no quantity of 'vorticity' .* they take none",
        ),
        (
            "dissipation",
            {"viscosity": 1.0, "dynamic_viscosity": 1.0, "density": 3.0},
            ValueError,
            r"viscosity: given as 1.0, which disagrees with dynamic_viscosity / density = 0.33.*one or the other",
        ),
        (
            "dissipation",
            {"viscosity": "nu"},
            ValueError,
            r"viscosity: 'nu' is no variable of the dataset, which has 'u', 'v'; pass a number or a DataArray",
        ),
        ("dissipation", {"viscosity": 1j}, TypeError, r"viscosity: has dtype complex128; it must hold real"),
        ("dissipation", {"viscosity": None}, TypeError, r"viscosity: has dtype object; it must hold real"),
        (
            "dissipation",
            {"viscosity": [1.0, 2.0]},
            ValueError,
            r"viscosity: has shape \(2,\), which does not",
        ),
        (
            "dissipation",
            {"viscosity": xr.DataArray([1.0, 2.0], dims="run")},
            ValueError,
            r"viscosity: has dimension 'run', which u lacks; it has 'y', 'x'",
        ),
        (
            "dissipation",
            {"viscosity": BASE.x.assign_coords(x=BASE.x + 0.5)},
            ValueError,
            r"viscosity: its coordinate along 'x' differs from that of u; interpolate or reindex it first",
        ),
        (
            "dissipation",
            {"viscosity": BASE.x[:5]},
            ValueError,
            r"viscosity: its coordinate along 'x' differs",
        ),
        (
            "dissipation",
            {"dynamic_viscosity": BASE.x, "density": BASE.x[:5]},
            ValueError,
            r"density: its coordinate along 'x' differs from that of u",
        ),
        (
            "dissipation",
            {"viscosity": xr.DataArray(["a"] * 12, dims="x", name="nu")},
            TypeError,
            r"viscosity: nu has dtype <U1; it must hold real numbers",
        ),
        ("speed", {}, ValueError, r"quantities: 'speed' is not known; there are velocity_gradient, "),
        (["vorticity", "speed"], {}, ValueError, r"quantities: 'speed' is not known"),
        ([], {}, ValueError, r"quantities: is empty; name at least one, fg.quantities\(\) shows"),
        (3, {}, TypeError, r"quantities: got 3; pass a name such as 'vorticity', or a list"),
        ([None], {}, TypeError, r"quantities: None is no name of a quantity"),
    ],
)
def test_wrong_parameters_are_refused(
    quantities: Any, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        fg.derive(BASE, quantities, **given)


def test_name_of_a_parameter_needs_a_dataset() -> None:
    stacked = xr.concat([BASE.u, BASE.v], dim=xr.Variable("component", ["x", "y"]))
    with pytest.raises(ValueError, match=r"viscosity: 'nu' .* has no variables, being a DataArray; pass a number"):
        fg.derive(stacked, "dissipation", viscosity="nu")


# ---------------------------------------------------------------------------------------------------------
# refusals


SCALARS: list[Callable[[Any], Any]] = [
    fg.gradient, fg.laplacian, fg.hessian, lambda f: fg.derivative(f, "x"),
    lambda f: fg.directional_derivative(f, BASE), lambda f: fg.advection(f, BASE),
]  # fmt: skip
VECTORS: list[Callable[[Any], Any]] = [
    fg.velocity_gradient, fg.divergence, fg.curl, fg.decompose, lambda obj: fg.derive(obj, "spin"),
]  # fmt: skip


@pytest.mark.parametrize("call", SCALARS)
def test_a_scalar_must_be_a_dataarray(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"f: is a ndarray; pass an xarray DataArray \(ndarrays have .* fg.array"):
        call(BASE.u.values)
    if call is not SCALARS[-1]:  # a Dataset is advected as a velocity
        with pytest.raises(TypeError, match=r"f: is a Dataset; pass an xarray DataArray \(select a variable of it"):
            call(BASE)


@pytest.mark.parametrize("call", VECTORS)
def test_a_velocity_must_be_labelled_and_have_components(call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"obj: is a ndarray; pass an xarray Dataset or DataArray .* fg.array"):
        call(BASE.u.values)
    with pytest.raises(ValueError, match=r"obj: the DataArray 'u' has no dimension 'component' but .* pass a Data"):
        call(BASE.u)
    with pytest.raises(ValueError, match=r"components: found \('u',\) among the variables 'u'; the grid has 2"):
        call(BASE[["u"]])


def test_the_other_vector_is_named_in_messages() -> None:
    for argument, call in (("along", fg.directional_derivative), ("velocity", fg.advection)):
        with pytest.raises(TypeError, match=rf"{argument}: is a ndarray; pass an xarray Dataset or DataArray"):
            call(BASE.u, BASE.u.values)
        with pytest.raises(TypeError, match=rf"{argument}: u has dtype complex128; it must hold real numbers"):
            call(BASE.u, BASE * 1j)
        shifted = BASE.assign_coords(x=BASE.x + 1.0)
        with pytest.raises(ValueError, match=rf"{argument}: its coordinate along 'x' differs from that of u; int"):
            call(BASE.u, shifted)
        with pytest.raises(ValueError, match=rf"{argument}: has dimension 'time', which u lacks; it has 'y', 'x'"):
            call(BASE.u, xr.concat([BASE, BASE], "time"))
        with pytest.raises(ValueError, match=r"components: found \('u',\) among the variables 'u'; the grid has"):
            call(BASE.u, BASE[["u"]])


def test_a_vector_is_no_scalar() -> None:
    stacked = xr.concat([BASE.u, BASE.v], dim=xr.Variable("component", ["x", "y"]))
    for call in (fg.gradient, fg.hessian):
        with pytest.raises(ValueError, match=r"u: has a dimension 'component' already, .* fg.velocity_gradient of"):
            call(stacked)
    waves = xr.concat([BASE, BASE], "direction")
    with pytest.raises(ValueError, match=r"u: has a dimension 'direction' already, .*obj.rename\(direction=..."):
        fg.velocity_gradient(waves)
    assert fg.divergence(waves).dims == ("direction", "y", "x")


def test_a_grid_that_does_not_fit_is_refused() -> None:
    grid = fg.infer_grid(BASE)
    short = BASE.isel(x=slice(0, 6))
    line = BASE.isel(y=0, drop=True)
    for call in SCALARS[:3]:
        named = {fg.gradient: fg.gradient, fg.laplacian: fg.laplacian, fg.hessian: fg.hessian}[call]
        with pytest.raises(ValueError, match=r"grid: dimension 'x' has 12 points in the grid and 6 in u; infer"):
            named(short.u, grid=grid)
        with pytest.raises(ValueError, match=r"grid: runs along dimension 'y', which u lacks; it has 'x', pass"):
            named(line.u, grid=grid)
    for vector in VECTORS[:4]:
        with pytest.raises(ValueError, match=r"components: the x component 'u' has 6 points along 'x', and the gr"):
            vector(short, grid=grid)
    with pytest.raises(ValueError, match=r"grid: dimension 'x' has 12 points in the grid, and in the data 6; inf"):
        fg.derivative(short.u, "x", grid=grid)
    with pytest.raises(ValueError, match=r"grid: dimension 'y' has 11 points in the grid, and in the data does n"):
        fg.derivative(line.u, "y", grid=grid)


@pytest.mark.parametrize("argument", ["grid", "components"])
def test_a_stored_tensor_needs_nothing_beside_it(argument: str) -> None:
    L = fg.velocity_gradient(BASE)
    given = {"grid": fg.infer_grid(BASE), "components": ("u", "v")}[argument]
    with pytest.raises(TypeError, match=rf"{argument}: is given beside a tensor, which needs none; leave it out"):
        fg.decompose(L, **{argument: given})


def test_a_stored_tensor_in_any_order() -> None:
    L = fg.velocity_gradient(BASE)
    D, W = fg.decompose(L)
    for other in (L.transpose("y", "direction", "x", "component"), L.drop_vars(["component", "direction"])):
        for part, same in zip(fg.decompose(other), (D, W), strict=True):
            xr.testing.assert_identical(part.transpose(*same.dims), same)
    swapped = fg.decompose(L.isel(component=[1, 0], direction=[1, 0]))
    xr.testing.assert_identical(swapped[1].sel(W.indexes), W)
    with pytest.raises(ValueError, match=r"obj: has components y, x and directions x, y; D and W exist only wh"):
        fg.decompose(L.isel(component=[1, 0]))
    with pytest.raises(TypeError, match=r"obj: has dtype <U"):
        fg.decompose(L.astype(str))


def test_arguments_of_derivative() -> None:
    p = scalar("yx")
    for call, error, message in (
        (
            lambda: fg.derivative(p, "q"),
            KeyError,
            r"dim: 'q' is no dimension or direction of the data, which has",
        ),
        (lambda: fg.derivative(p, {}), ValueError, r"dim: is empty; name at least one dimension"),
        (
            lambda: fg.derivative(p, "x", 0),
            ValueError,
            r"order: got 0 for dimension 'x'; it must be an integer of",
        ),
        (
            lambda: fg.derivative(p, "x", 1.0),
            ValueError,
            r"order: got 1.0 for dimension 'x'; it must be an integ",
        ),
        (lambda: fg.derivative(p, "x", True), ValueError, r"order: got True for dimension 'x'"),
        (lambda: fg.derivative(p, {"x": 1, "y": -1}), ValueError, r"order: got -1 for dimension 'y'"),
        (
            lambda: fg.derivative(p, "x", 15),
            ValueError,
            r"dimension 'x': has 12 points; a derivative of order 15",
        ),
        (
            lambda: fg.derivative(p.rename(x="lon"), {"x": 1, "lon": 1}),
            ValueError,
            r"dim: .* name one dimension "
            r"twice; give its order once",
        ),
        (
            lambda: fg.derivative(p.drop_vars("x"), "x"),
            ValueError,
            r"dimension 'x'.*: no coordinate, so the spac",
        ),
        (
            lambda: fg.derivative(p.assign_coords(x=[0.0] * 12), "x"),
            ValueError,
            r"'x': coordinate value 0.0 at in",
        ),
        (
            lambda: fg.derivative(p.assign_coords(x=list("abcdefghijkl")), "x"),
            TypeError,
            r"dimension 'x': the coo",
        ),
    ):
        with pytest.raises(error, match=message):
            call()


def test_too_few_points_are_refused() -> None:
    for call in (fg.gradient, fg.laplacian):
        with pytest.raises(ValueError, match=r"dimension 'x': has 2 points; .* needs at least [34], use a smaller"):
            call(BASE.u.isel(x=slice(0, 2)))


def test_degrees_are_no_lengths_in_cartesian_coordinates() -> None:
    ds = BASE.rename(x="lon", y="lat")
    ds = ds.assign_coords(lon=("lon", 30 * NODES["x"], {"units": "degrees_east"}),
                          lat=("lat", 30 * NODES["y"], {"units": "degrees_north"}))  # fmt: skip
    message = r"grid: dimension 'lon' is a longitude in degrees_east, .*'lat' is a latitude .*obj.assign_coords"
    grid = fg.infer_grid(ds, geometry="cartesian")
    for call in (*SCALARS[:3], SCALARS[4], SCALARS[5]):
        with pytest.raises(ValueError, match=message):
            call(ds.u, grid=grid) if call in SCALARS[:3] else fg.advection(ds.u, ds, grid=grid)
    for operator in (fg.velocity_gradient, fg.divergence, fg.curl, fg.decompose):
        with pytest.raises(ValueError, match=message):
            operator(ds, grid=grid)
    found = fg.derivative(ds.u, "lon")
    expected = apply(derivative_stencil(30 * NODES["x"]).matrix(), ds.u, "lon")
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-13)
    assert found.attrs["units"] == "m s-1 degrees_east-1"


def test_directions_in_different_units_are_refused() -> None:
    ds = BASE.assign_coords(y=("y", NODES["y"], {"units": "km"}))
    for call in (fg.gradient, fg.laplacian):
        with pytest.raises(ValueError, match=r"grid: the directions have different units .*'x' in m, 'y' in km; con"):
            call(ds.u)
    with pytest.raises(ValueError, match=r"grid: the directions have different units of length"):
        fg.curl(ds)


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_times_count_in_seconds(unit: str) -> None:
    seconds = np.array([0, 1, 3, 4, 8, 9, 15, 20, 21, 30])
    times = np.datetime64("2000-02-28T23:59:55", unit) + seconds.astype("m8[s]")
    f = SPACE.u.rename(z="time").assign_coords(time=times)
    exact = apply(derivative_stencil(seconds.astype(float)).matrix(), f, "time")
    for field in (f, f.assign_coords(time=times - times[0])):
        found = fg.derivative(field, "time")
        np.testing.assert_allclose(found.values, exact.values, rtol=0, atol=1e-13)
        assert found.attrs["units"] == "m s-2"
    grid = fg.infer_grid(f)
    np.testing.assert_array_equal(fg.derivative(f, "time", grid=grid).values, found.values)
    assert fg.gradient(f).component.values.tolist() == ["x", "y"]


def test_dates_of_other_calendars_count_in_seconds() -> None:
    cftime = pytest.importorskip("cftime")
    dates = [cftime.DatetimeNoLeap(2000, 2, 28, 23, 59, 50 + s) for s in (0, 1, 3, 4, 8)]
    dates += [cftime.DatetimeNoLeap(2000, 3, 1, 0, 0, s) for s in (0, 5, 6, 7, 9)]
    seconds = np.array([0, 1, 3, 4, 8, 10, 15, 16, 17, 19.0])
    f = SPACE.u.rename(z="time").assign_coords(time=dates)
    exact = apply(derivative_stencil(seconds).matrix(), f, "time")
    found = fg.derivative(f, "time")
    np.testing.assert_allclose(found.values, exact.values, rtol=0, atol=1e-13)
    assert found.attrs["units"] == "m s-2"


def test_lazy_arrays_stay_lazy_and_are_not_loaded() -> None:
    dask = pytest.importorskip("dask")
    lazy = BASE.chunk({"x": 4})

    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the lazy array was loaded")

    with dask.config.set(scheduler=never):
        found = [scalar_(lazy.u) for scalar_ in SCALARS] + [vector(lazy) for vector in VECTORS]
        found += [fg.derive(BASE, "dissipation", viscosity=lazy.u), fg.advection(BASE.u, lazy)]
        found += fg.decompose(fg.velocity_gradient(lazy))
    expected = [scalar_(BASE.u) for scalar_ in SCALARS] + [vector(BASE) for vector in VECTORS]
    expected += [fg.derive(BASE, "dissipation", viscosity=BASE.u), fg.advection(BASE.u, BASE)]
    expected += fg.decompose(fg.velocity_gradient(BASE))
    for one, other in zip(found, expected, strict=True):
        for result, reference in zip(*([x] if not isinstance(x, tuple) else x for x in (one, other)), strict=True):
            assert dask.is_dask_collection(result)
            xr.testing.assert_identical(result.compute(scheduler="sync"), reference)


class Foreign:
    """As little as xarray takes for an array of another library."""

    dtype, ndim, shape = BASE.u.dtype, BASE.u.ndim, BASE.u.shape

    def __array_ufunc__(self, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("nothing is computed of it")

    __array_function__ = __array_ufunc__

    def __getitem__(self, key: Any) -> Foreign:
        return self


def test_arrays_of_other_libraries_are_refused() -> None:
    with pytest.raises(TypeError, match=r"f: speed holds a Foreign; convert it to a NumPy array first"):
        fg.gradient(xr.DataArray(Foreign(), BASE.u.coords, BASE.u.dims, "speed"))


def test_masked_values_become_nan_on_the_way_in() -> None:
    holes = np.ma.masked_greater(BASE.u.values, 1.0)
    found = fg.derivative(xr.DataArray(holes, BASE.u.coords, BASE.u.dims), "x")
    plain = fg.derivative(BASE.u.where(~holes.mask), "x")
    np.testing.assert_array_equal(found.values, plain.values)
    assert found.isnull().any()


# ---------------------------------------------------------------------------------------------------------
# records travel


def test_grids_axes_and_stencils_travel() -> None:
    grid = fg.infer_grid(SPACE, periodic={"x": 5.0}, accuracy=2)
    again = pickle.loads(pickle.dumps(grid))
    assert repr(again) == repr(grid)
    xr.testing.assert_identical(fg.divergence(SPACE, grid=again), fg.divergence(SPACE, grid=grid))
    axis = pickle.loads(pickle.dumps(grid.axis("x")))
    assert repr(axis) == repr(grid.axis("x"))
    for table in (grid.axis("x").stencil(), grid.axis("y").stencil(2)):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(table)).matrix(), table.matrix())


def test_an_order_beside_a_mapping_of_orders_is_refused() -> None:
    p = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"), coords={"x": np.arange(4.0), "y": np.arange(4.0)})
    with pytest.raises(TypeError, match=r"order: is 2 beside a mapping"):
        fg.derivative(p, {"x": 1, "y": 1}, 2)
