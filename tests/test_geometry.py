# SPDX-License-Identifier: BSD-3-Clause
"""Orthogonal coordinates: the metric, all operators in it, poles, orders of accuracy, dask, and refusals."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
import xarray as xr
from manufactured import CYLINDER, PARABOLIC, RADIUS, SPHERE, A, B, C, Chart, circle, stretched

import fieldgrad as fg
from fieldgrad import operators
from fieldgrad.chunked import evaluate
from fieldgrad.fields import frame_of
from fieldgrad.geometry import metric_of, radians
from fieldgrad.operators import Frame

EPS = np.finfo(np.float64).eps
NODES: dict[str, Callable[[int], list[np.ndarray]]] = {
    # away from the axis and the poles, where a step of the azimuth has a length that does not shrink with the grid
    "cylinder": lambda n: [stretched(0.5, 1.5, n), circle(2 * (n - 1)), stretched(0.0, 1.0, n)],
    "sphere": lambda n: [circle(2 * (n - 1)), stretched(-1.0, 1.1, n), stretched(0.0, 1.0, n)],
    "parabolic": lambda n: [stretched(1.2, 1.8, n), stretched(-0.4, 0.6, n), stretched(0.0, 1.0, n)],
}
CHARTS = {"cylinder": CYLINDER, "sphere": SPHERE, "parabolic": PARABOLIC}
POLAR_NODES: dict[str, Callable[[int], list[np.ndarray]]] = {
    "cylinder": lambda n: [stretched(0.0, 1.0, n), circle(2 * (n - 1)), stretched(0.0, 1.0, n)],
    "sphere": lambda n: [circle(2 * (n - 1)), stretched(-np.pi / 2, np.pi / 2, 2 * n - 1), stretched(0.0, 1.0, n)],
}
OPERATORS: dict[str, Callable[[xr.Dataset, fg.Grid], xr.DataArray]] = {
    "L": lambda ds, grid: fg.velocity_gradient(ds, grid=grid),
    "gradient": lambda ds, grid: fg.gradient(ds.f, grid=grid),
    "hessian": lambda ds, grid: fg.hessian(ds.f, grid=grid),
    "laplacian": lambda ds, grid: fg.laplacian(ds.f, grid=grid),
}


def exact(chart: Chart, name: str, nodes: list[np.ndarray]) -> np.ndarray:
    if name == "laplacian":
        tensor = chart.values("hessian", nodes)
        return tensor[0] + tensor[4] + tensor[8]
    values = chart.values(name, nodes)
    return values.reshape(3, 3, *values.shape[1:]) if len(values) == 9 else values


# ---------------------------------------------------------------------------------------------------------
# the metric


@pytest.mark.parametrize("name", CHARTS)
def test_metric_is_what_unit_vectors_give(name: str) -> None:
    """A, C and B by differentiating the unit vectors in space: e_i . de_k/ds_j, without scale factors' formulas."""
    chart = CHARTS[name]
    nodes = [np.array([0.6, 0.9, 1.1, 1.3, 1.4]), np.array([0.3, 0.5, 0.8, 0.9, 1.0]), np.array([0.2, 0.5, 0.9, 1.0])]
    metric = metric_of(chart.grid(chart.dataset(nodes), accuracy=4 if name == "parabolic" else 2))
    assert metric is not None
    mesh = np.meshgrid(*nodes, indexing="ij")
    # scale factors of one's own are differentiated by stencils
    tolerance = 2e-2 if name == "parabolic" else 1e-13

    def check(found: Any, expected: Any) -> None:
        value = sp.lambdify((A, B, C), expected)(*mesh)
        np.testing.assert_allclose(np.broadcast_to(found, mesh[0].shape), value + 0 * mesh[0], rtol=0, atol=tolerance)

    h, e = chart.scale_factors, chart.frame
    dot = lambda p, q: sum(a * b for a, b in zip(p, q, strict=True))  # noqa: E731
    for m, j in itertools.product(range(3), repeat=2):
        term = metric.transform.get((m, j))
        check(0.0 if term is None else metric.value(term), 1 / h[j] if m == j else sp.Integer(0))
    for i, j, k in itertools.product(range(3), repeat=3):
        turned = [sp.diff(part, (A, B, C)[j]) / h[j] for part in e[k]]
        term = metric.connection.get((i, j, k))
        check(0.0 if term is None else metric.value(term), dot(e[i], turned))
        # the gradient of a scalar is sum_m e_m f_m / h_m, and B the part of its gradient that has f_m alone
        turned = [sp.diff(part / h[k], (A, B, C)[j]) / h[j] for part in e[k]]
        term = metric.bend.get((i, j, k))
        check(0.0 if term is None else metric.value(term), dot(e[i], turned))


def test_scale_factors_that_do_not_change_have_no_slopes() -> None:
    nodes = [fg.Axis(name, name, np.linspace(0.0, 1.0, 5)) for name in "abc"]
    system = fg.Orthogonal(
        ("a", "b", "c"), "mine", (lambda a, b, c: 2 + 0 * (a + b), lambda a, b, c: 1 + a + 0 * b, 1.0)
    )
    metric = metric_of(fg.Grid(tuple(nodes), system=system))
    assert metric is not None
    assert set(metric.connection) == {(1, 1, 0), (0, 1, 1)}
    # u_a (dh_b/da)/(h_a h_b)
    np.testing.assert_allclose(metric.value(metric.connection[1, 1, 0])[:, 0, 0], 0.5 / (1 + nodes[0].nodes))


def test_constant_entries_are_numbers_and_others_as_thin_as_they_can_be() -> None:
    nodes = NODES["sphere"](5)
    metric = metric_of(SPHERE.grid(SPHERE.dataset(nodes)))
    assert metric is not None
    shapes = {array.shape for array in metric.arrays}
    assert (1, 5, 5) in shapes
    assert (1, 1, 5) in shapes
    assert all(shape[0] == 1 for shape in shapes)  # nothing depends on the longitude


@pytest.mark.parametrize(
    ("units", "size"),
    [(None, 1.0), ("rad", 1.0), ("radians", 1.0), ("degrees", np.pi / 180), ("degree_E", np.pi / 180)],
)
def test_units_of_angles(units: str | None, size: float) -> None:
    assert radians(units) == size


@pytest.mark.slow
def test_degrees_are_radians_in_other_units() -> None:
    nodes = NODES["sphere"](6)
    ds = SPHERE.dataset(nodes)
    degrees = ds.assign_coords(
        lon=("lon", np.rad2deg(nodes[0]), {"units": "degrees_east"}),
        lat=("lat", np.rad2deg(nodes[1]), {"units": "degrees_north"}),
    )
    first, second = (fg.velocity_gradient(one, grid=SPHERE.grid(one)).values for one in (ds, degrees))
    np.testing.assert_allclose(second, first, rtol=0, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# values


ALL = tuple(OPERATORS)


@pytest.mark.parametrize(
    ("name", "accuracy", "operators"),
    [
        ("cylinder", 2, ALL),
        ("sphere", 2, ("L",)),
        *(pytest.param(name, 2, ALL, marks=pytest.mark.slow) for name in ("sphere", "parabolic")),
        *(pytest.param(name, order, ALL, marks=pytest.mark.slow) for name in CHARTS for order in (4, 6)),
    ],
)
def test_orders_of_accuracy(name: str, accuracy: int, operators: tuple[str, ...]) -> None:
    """On nonuniform nodes, the edges included."""
    chart, errors = CHARTS[name], {operator: [] for operator in operators}  # type: ignore[var-annotated]
    sizes = {2: (8, 16), 4: (18, 36), 6: (26, 46)}[accuracy]
    for count in sizes:
        nodes = NODES[name](count)
        ds = chart.dataset(nodes)
        for operator in operators:
            found = OPERATORS[operator](ds, chart.grid(ds, accuracy)).values
            errors[operator].append(np.sqrt(np.mean((found - exact(chart, operator, nodes)) ** 2)))
    for operator, (coarse, fine) in errors.items():
        order = np.log(coarse / fine) / np.log((sizes[1] - 1) / (sizes[0] - 1))
        assert order > accuracy - 0.4, (operator, order, coarse, fine)


@pytest.mark.parametrize(
    ("name", "accuracy", "operators"),
    [
        ("cylinder", 2, ALL),
        ("sphere", 2, ("L",)),
        pytest.param("sphere", 2, ALL, marks=pytest.mark.slow),
        *(pytest.param(name, 4, ALL, marks=pytest.mark.slow) for name in POLAR_NODES),
    ],
)
def test_limits_at_the_axis_and_the_poles(name: str, accuracy: int, operators: tuple[str, ...]) -> None:
    """They are finite, right, and of the same order; at both ends of the sphere."""
    chart = CHARTS[name]
    axis = chart.dims.index("r" if name == "cylinder" else "lat")
    errors: dict[str, list[float]] = {operator: [] for operator in operators}
    sizes = (17, 33)
    for count in sizes:
        nodes = POLAR_NODES[name](count)
        nodes[2] = nodes[2][: 2 * accuracy + 1]
        ds = chart.dataset(nodes)
        for operator in operators:
            found = OPERATORS[operator](ds, chart.grid(ds, accuracy)).values
            assert np.isfinite(found).all()
            error = np.moveaxis(found - exact(chart, operator, nodes), found.ndim - 3 + axis, 0)
            ends = error[[0, -1]] if name == "sphere" else error[:1]
            errors[operator].append(np.sqrt(np.mean(ends**2)))
    for operator, (coarse, fine) in errors.items():
        order = np.log(coarse / fine) / np.log((sizes[1] - 1) / (sizes[0] - 1))
        assert order > accuracy - 0.5, (operator, order, coarse, fine)


def cylinder(nodes: list[np.ndarray], u_r: Any, u_theta: Any, u_z: Any) -> xr.Dataset:
    """Components as functions of r, theta and z."""
    mesh = np.meshgrid(*nodes, indexing="ij")
    parts = {"u_r": u_r, "u_theta": u_theta, "u_z": u_z}
    fields = {name: (CYLINDER.dims, np.broadcast_to(part(*mesh), mesh[0].shape) + 0.0) for name, part in parts.items()}
    return xr.Dataset(fields, dict(zip(CYLINDER.dims, nodes, strict=True)))


def test_solid_body_rotation_is_spin_alone() -> None:
    """Exactly, the axis included: nothing depends on theta, and u_theta is linear in r."""
    ds = cylinder(POLAR_NODES["cylinder"](6), lambda r, t, z: 0.0, lambda r, t, z: 1.5 * r, lambda r, t, z: 0.0)
    L = fg.velocity_gradient(ds, grid=CYLINDER.grid(ds))
    expected = np.zeros((3, 3))
    expected[1, 0], expected[0, 1] = 1.5, -1.5
    np.testing.assert_allclose(L.values, expected[:, :, np.newaxis, np.newaxis, np.newaxis] + 0 * L.values, atol=1e-13)


def rotation(nodes: list[np.ndarray]) -> xr.Dataset:
    """Rotation about an axis through the equator, with components in full spherical coordinates."""
    omega = np.array([0.3, -0.5, 0.7])
    lon, lat, height = np.meshgrid(*nodes, indexing="ij")
    r = RADIUS + height
    x = r * np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    u = np.cross(omega, x, axisb=0, axisc=0)
    return spherical(nodes, u)


def spherical(nodes: list[np.ndarray], u: np.ndarray) -> xr.Dataset:
    """A vector in space by its spherical components."""
    lon, lat, _ = np.meshgrid(*nodes, indexing="ij")
    zero = 0 * lon
    east = np.array([-np.sin(lon), np.cos(lon), zero])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    parts = {name: (SPHERE.dims, (u * e).sum(axis=0)) for name, e in zip("uvw", (east, north, up), strict=True)}
    coords = {dim: (dim, values) for dim, values in zip(SPHERE.dims, nodes, strict=True)}
    coords |= {dim: (dim, coords[dim][1], {"units": "rad"}) for dim in ("lon", "lat")}  # type: ignore[misc]
    return xr.Dataset(parts, coords)


def order_of(make: Callable[[int], tuple[np.ndarray, np.ndarray]], sizes: tuple[int, int]) -> float:
    errors = [np.sqrt(np.mean((found - expected) ** 2)) for found, expected in map(make, sizes)]
    return float(np.log(errors[0] / errors[1]) / np.log((sizes[1] - 1) / (sizes[0] - 1)))


@pytest.mark.parametrize("chart", ["cylinder", "sphere"])
def test_rigid_translation_has_no_gradient(chart: str) -> None:
    def translated(count: int) -> tuple[np.ndarray, np.ndarray]:
        nodes = NODES[chart](count)
        velocity = np.array([0.4, -0.8, 0.3])
        if chart == "sphere":
            ds = spherical(nodes, velocity[:, np.newaxis, np.newaxis, np.newaxis] + np.zeros([len(n) for n in nodes]))
        else:
            a, b, c = velocity
            ds = cylinder(
                nodes,
                lambda r, t, z: a * np.cos(t) + b * np.sin(t),
                lambda r, t, z: b * np.cos(t) - a * np.sin(t),
                lambda r, t, z: c,
            )
        return fg.velocity_gradient(ds, grid=CHARTS[chart].grid(ds)).values, np.zeros(())

    assert order_of(translated, (8, 16)) > 1.9


def test_rotation_in_full_spherical_components_is_spin_alone() -> None:
    def turned(count: int) -> tuple[np.ndarray, np.ndarray]:
        ds = rotation(NODES["sphere"](count))
        D, W = fg.decompose(fg.velocity_gradient(ds, grid=SPHERE.grid(ds)))
        size = (W**2).sum(["component", "direction"])
        omega = 0.3**2 + 0.5**2 + 0.7**2
        return np.stack([size.values, *D.values.reshape(9, *size.shape)]), np.array([2 * omega] + 9 * [0.0]).reshape(
            -1, 1, 1, 1
        )

    assert order_of(turned, (8, 16)) > 1.8


def test_hagen_poiseuille() -> None:
    """Second-order differences are exact for a parabola: du_z/dr = -2 r, also on the axis and at the wall."""
    nodes = POLAR_NODES["cylinder"](7)
    ds = cylinder(nodes, lambda r, t, z: 0.0, lambda r, t, z: 0.0, lambda r, t, z: 1 - r**2)
    grid = CYLINDER.grid(ds)
    L = fg.velocity_gradient(ds, grid=grid)
    expected = xr.zeros_like(L)
    expected.loc[{"component": "z", "direction": "r"}] = -2 * ds.r + 0 * ds.theta + 0 * ds.z
    np.testing.assert_allclose(L.values, expected.values, rtol=0, atol=1e-13)
    # and div(grad u_z) drives it
    np.testing.assert_allclose(fg.laplacian(ds.u_z, grid=grid).values, -4.0, rtol=0, atol=1e-11)


@pytest.mark.parametrize("axial", [0.0, 0.4], ids=["lamb_oseen", "burgers"])
def test_vortex_with_a_core(axial: float) -> None:
    """u_theta = (1 - exp(-r^2))/r, the vorticity 2 exp(-r^2); in Burgers' vortex also u_r = -a r/2, u_z = a z."""

    def swirl(r: np.ndarray) -> np.ndarray:
        return np.divide(-np.expm1(-(r**2)), r, out=np.zeros_like(r), where=r > 0)

    def vortex(count: int) -> tuple[np.ndarray, np.ndarray]:
        nodes = [stretched(0.0, 3.0, count), circle(8), np.linspace(0.0, 1.0, 4)]
        ds = cylinder(
            nodes, lambda r, t, z: -axial * r / 2, lambda r, t, z: swirl(r), lambda r, t, z: axial * z
        )  # fmt: skip
        grid = CYLINDER.grid(ds)
        L = fg.velocity_gradient(ds, grid=grid).values
        np.testing.assert_allclose(L[0, 0] + L[1, 1] + L[2, 2], 0, rtol=0, atol=1e-12)
        np.testing.assert_allclose([L[2, 1] - L[1, 2], L[0, 2] - L[2, 0]], 0, rtol=0, atol=1e-12)
        r = nodes[0][:, np.newaxis, np.newaxis]
        return L[1, 0] - L[0, 1], 2 * np.exp(-(r**2))

    assert order_of(vortex, (24, 48)) > 1.7


def test_rossby_haurwitz_wave() -> None:
    """The vorticity of wave number 4 of Williamson et al. (1992), on the sphere; there is no divergence."""
    radius, omega, k, wave = 6.3712e6, 7.848e-6, 7.848e-6, 4

    def wave_of(count: int) -> tuple[np.ndarray, np.ndarray]:
        lat, lon = np.linspace(-85.0, 85.0, count), np.arange(2 * count) * (180.0 / count)
        phi, lam = np.meshgrid(np.deg2rad(lat), np.deg2rad(lon), indexing="ij")
        c, s = np.cos(phi), np.sin(phi)
        u = radius * omega * c + radius * k * c ** (wave - 1) * (wave * s**2 - c**2) * np.cos(wave * lam)
        v = -radius * k * wave * c ** (wave - 1) * s * np.sin(wave * lam)
        ds = xr.Dataset(
            {"u": (("lat", "lon"), u), "v": (("lat", "lon"), v)},
            {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
        )
        found = fg.derive(ds, ["vorticity", "divergence"])
        expected = 2 * omega * s - k * s * c**wave * (wave**2 + 3 * wave + 2) * np.cos(wave * lam)
        return np.stack([found.vorticity.values, found.divergence.values]) / k, np.stack([expected / k, 0 * expected])

    assert order_of(wave_of, (24, 48)) > 1.8


@pytest.mark.slow
def test_scale_factors_of_a_cylinder_are_the_cylinder() -> None:
    """Of a linear scale factor the stencils know the slope exactly."""
    nodes = NODES["cylinder"](6)
    ds = CYLINDER.dataset(nodes)
    system = fg.Orthogonal(("r", "theta", "z"), "of my own", (1.0, nodes[0][:, np.newaxis, np.newaxis], 1.0))
    grid = fg.infer_grid(ds, geometry=system, periodic={"theta": 2 * np.pi})
    for call in OPERATORS.values():
        np.testing.assert_allclose(call(ds, grid).values, call(ds, CYLINDER.grid(ds)).values, rtol=0, atol=1e-11)
    bad = fg.infer_grid(ds, geometry=fg.Orthogonal(("r", "theta", "z"), "bad", (1.0, np.ones((7, 1, 1)), 1.0)))
    with pytest.raises(
        ValueError, match=r"geometry: the scale factor of 'theta' has shape \(7, 1, 1\), which does not"
    ):
        fg.gradient(ds.f, grid=bad)


@pytest.mark.slow
def test_laplacian_where_no_scale_factor_changes() -> None:
    ds = CYLINDER.dataset(NODES["cylinder"](6))
    nodes = [fg.Axis(name, dim, ds[dim].values) for name, dim in zip("abc", CYLINDER.dims, strict=True)]
    grid = fg.Grid(tuple(nodes), system=fg.Orthogonal(("a", "b", "c"), "mine", (2.0, 4.0, 1.0)))
    f = ds.r**2 + ds.theta**2 + 3 * ds.z**2
    np.testing.assert_allclose(fg.laplacian(f, grid=grid), 2 / 4 + 2 / 16 + 6, rtol=1e-9)


@pytest.mark.slow
def test_second_derivatives_of_the_squared_distance_from_the_centre() -> None:
    """They are 2 along all directions, to rounding, at the poles too; there only beside holes they are unknown."""
    ds = SPHERE.dataset([circle(6), np.linspace(-np.pi / 2, np.pi / 2, 7), stretched(0.0, 1.0, 4)])
    f = 0 * ds.f + (RADIUS + ds.height) ** 2
    grid = SPHERE.grid(ds)
    np.testing.assert_allclose(fg.laplacian(f, grid=grid), 6 + 0 * f, rtol=0, atol=1e-9)
    two = 2 * np.eye(3)[:, :, None, None, None]
    H = fg.hessian(f, grid=grid)
    np.testing.assert_allclose(H, two + np.zeros(f.shape), rtol=0, atol=1e-9)
    hole = xr.zeros_like(f, bool)
    hole[{"lon": 1, "lat": 1, "height": 0}] = True
    grid = fg.infer_grid(ds, geometry=SPHERE.geometry, radius=RADIUS, mask=~hole, missing="adapt")
    for operator, exact in ((fg.laplacian, 6.0), (fg.hessian, two)):
        found = operator(f.where(~hole, 1e30), grid=grid).transpose(..., *f.dims).values
        lost = np.isnan(found[..., 0, :]).any(axis=tuple(range(found.ndim - 3)))
        # the meridian of the hole, and what differences around the pole reach from there; not the other pole
        assert 0 < lost.sum() < lost.size
        assert lost[1, 0]
        assert np.isfinite(found[..., -1, :]).all()
        np.testing.assert_allclose(found - exact, np.where(np.isnan(found), np.nan, 0), rtol=0, atol=1e-8)


@pytest.mark.slow
def test_laplacian_of_a_disk_with_its_centre() -> None:
    """Of r^2 (2 - cos 2 theta) it is 8 - (4 - k) cos 2 theta everywhere, where tables have k for the exact 4."""
    r, theta = stretched(0.0, 1.0, 6), circle(8)
    turn = np.cos(2 * theta)
    f = xr.DataArray(np.outer(r**2, 2 - turn), {"r": r, "theta": theta}, ("r", "theta"))
    grid = fg.infer_grid(f, geometry="polar")
    k = -(grid.axis("theta").stencil(2).matrix() @ turn)[0]
    assert 3.5 < k < 4
    np.testing.assert_allclose(fg.laplacian(f, grid=grid), 0 * f + 8 - (4 - k) * turn, rtol=0, atol=1e-9)


def test_where_a_scale_factor_of_ones_own_vanishes_there_is_no_value() -> None:
    nodes = POLAR_NODES["cylinder"](6)
    ds = CYLINDER.dataset(nodes)
    system = fg.Orthogonal(("r", "theta", "z"), "axis", (1.0, nodes[0][:, np.newaxis, np.newaxis], 1.0))
    found = fg.gradient(ds.f, grid=fg.infer_grid(ds, geometry=system)).values
    assert np.isnan(found[1, 0]).all()
    assert np.isfinite(np.delete(found, 1, axis=0)).all()
    assert np.isfinite(found[:, 1:]).all()


# ---------------------------------------------------------------------------------------------------------
# identities, layouts, dtypes and dask


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("cylinder", NODES["cylinder"]),
        *(pytest.param(name, POLAR_NODES[name], marks=pytest.mark.slow) for name in POLAR_NODES),
    ],
)
def test_parts_trace_and_dual_to_the_bit(name: str, nodes: Callable[[int], list[np.ndarray]]) -> None:
    chart = CHARTS[name]
    ds = chart.dataset(nodes(5))
    grid = chart.grid(ds)
    found = fg.derive(ds, ["velocity_gradient", "divergence", "vorticity", "spin"], grid=grid)
    L, W = found.velocity_gradient.values, found.spin.values
    np.testing.assert_array_equal(L, fg.velocity_gradient(ds, grid=grid).values)
    np.testing.assert_array_equal(W, fg.decompose(fg.velocity_gradient(ds, grid=grid))[1].values)
    np.testing.assert_array_equal(found.divergence.values, L[0, 0] + L[1, 1] + L[2, 2])
    assert found.component.values.tolist() == list(grid.directions)
    for label, i, j in zip(grid.directions, (2, 0, 1), (1, 2, 0), strict=True):
        w = found.vorticity.sel(component=label).values
        np.testing.assert_array_equal(w, 2 * W[i, j])
        np.testing.assert_array_equal(w, L[i, j] - L[j, i])


@pytest.mark.slow
@pytest.mark.parametrize("name", POLAR_NODES)
def test_every_quantity_is_that_of_the_tensor(name: str) -> None:
    """The same as that of a linear flow in Cartesian coordinates that has this tensor, point by point."""
    chart = CHARTS[name]
    ds = chart.dataset(POLAR_NODES[name](5))
    grid = chart.grid(ds)
    L = fg.velocity_gradient(ds, grid=grid).values
    names = ["divergence", "q_criterion", "dissipation", "lambda2", "swirling_strength", "enstrophy_production"]
    names = [one for one in names if one in fg.quantities()]
    assert len(names) >= 5
    found = fg.derive(ds, names, grid=grid, viscosity=0.1)
    for place in ((0, 0, 0), (1, 2, 3), (4, 3, 2), (2, 0, 4)):
        at = np.arange(3.0)
        x, y, z = np.meshgrid(at, at, at, indexing="ij")
        tensor = L[(slice(None), slice(None), *place)]
        flow = xr.Dataset(coords={"x": at, "y": at, "z": at})
        for u, (a, b, c) in zip("uvw", tensor, strict=True):
            flow[u] = ("x", "y", "z"), a * x + b * y + c * z
        flat = fg.derive(flow, names, viscosity=0.1)
        for one in names:
            value, expected = found[one].values[place], flat[one].values[1, 1, 1]
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-11, err_msg=one)


def test_a_constant_has_no_gradient() -> None:
    ds = CYLINDER.dataset(POLAR_NODES["cylinder"](5))
    grid = CYLINDER.grid(ds)
    for call in (fg.gradient, fg.laplacian, fg.hessian):
        assert not call(xr.full_like(ds.f, 273.15), grid=grid).values.any()


def test_any_order_of_dimensions_and_memory() -> None:
    nodes = POLAR_NODES["cylinder"](5)
    ds = CYLINDER.dataset(nodes)
    expected = fg.velocity_gradient(ds, grid=CYLINDER.grid(ds))
    for dims in itertools.permutations(CYLINDER.dims):
        turned = ds.transpose(*dims)
        found = fg.velocity_gradient(turned, grid=CYLINDER.grid(turned))
        assert found.dims == ("component", "direction", *dims)
        np.testing.assert_array_equal(found.transpose(*expected.dims).values, expected.values)
    several = xr.concat([ds, 2 * ds], dim="time").transpose("r", "time", "theta", "z")
    found = fg.velocity_gradient(several, grid=CYLINDER.grid(several))
    np.testing.assert_array_equal(found.isel(time=1).values, 2 * expected.values)


@pytest.mark.slow
def test_single_precision_and_complex_velocities() -> None:
    ds = CYLINDER.dataset(POLAR_NODES["cylinder"](5))
    grid = CYLINDER.grid(ds)
    exact = fg.velocity_gradient(ds, grid=grid).values
    single = fg.velocity_gradient(ds.astype(np.float32), grid=grid)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.values, exact, rtol=0, atol=2e-5)
    other = ds.assign(u_z=np.cos(ds.u_z), u_r=-2 * ds.u_r, u_theta=-2 * ds.u_theta)
    mixed = fg.velocity_gradient(ds + 1j * other, grid=grid).values
    np.testing.assert_array_equal(mixed.real, exact)
    np.testing.assert_array_equal(mixed.imag, fg.velocity_gradient(other, grid=grid).values)


@pytest.mark.parametrize(
    ("name", "sizes", "operators"),
    [
        ("cylinder", 3, ALL),
        *(pytest.param(name, n, ALL, marks=pytest.mark.slow) for name in POLAR_NODES for n in (1, 2)),
        pytest.param("parabolic", 2, ALL, marks=pytest.mark.slow),
    ],
)
def test_bits_do_not_depend_on_chunks(name: str, sizes: int, operators: tuple[str, ...]) -> None:
    """Pole rows in chunks of one row too, whose limits reach into the next."""
    pytest.importorskip("dask.array")
    chart = CHARTS[name]
    ds = chart.dataset({**NODES, **POLAR_NODES}[name](5))
    grid = chart.grid(ds)
    azimuth, meridian, third = chart.dims if name == "sphere" else (chart.dims[1], chart.dims[0], chart.dims[2])
    lazy = ds.chunk({meridian: sizes, azimuth: 5, third: 3})
    for call in map(OPERATORS.__getitem__, operators):
        found = call(lazy, grid)
        assert found.chunks is not None
        assert found.chunks[-3:] == lazy.f.chunks
        np.testing.assert_array_equal(found.compute(scheduler="synchronous").values, call(ds, grid).values)


@pytest.mark.parametrize(
    ("sizes", "rows"), [((1, 1, 1, 2), (3, 2)), ((2, 2, 1), (4, 1)), ((3, 2), (3, 2)), ((5,), (5,))]
)
def test_the_block_of_a_pole_has_the_rows_of_its_limits(sizes: tuple[int, ...], rows: tuple[int, ...]) -> None:
    da = pytest.importorskip("dask.array")
    ds = CYLINDER.dataset(POLAR_NODES["cylinder"](5))
    frame, seen = frame_of(CYLINDER.grid(ds), ds.f), set()

    def work(fields: list[Any], frame: Frame, parameters: list[Any]) -> list[Any]:
        own = operators.inside(fields[0], frame).copy()  # the memory of a block is used again
        seen.add((own.shape[ds.f.dims.index("r")], own.flat[0]))
        return [own]

    places = xr.zeros_like(ds.f) + np.arange(5.0).reshape([-1 if dim == "r" else 1 for dim in ds.f.dims])
    lazy = places.chunk(r=sizes).data
    (found,) = evaluate(work, [lazy], frame)
    assert isinstance(found, da.Array)
    assert found.chunks == lazy.chunks
    np.testing.assert_array_equal(found.compute(scheduler="synchronous"), places)
    assert seen == set(zip(rows, np.cumsum([0, *rows]), strict=False))


def test_grids_pickle() -> None:
    ds = CYLINDER.dataset(NODES["cylinder"](5))
    grid = CYLINDER.grid(ds)
    copy = pickle.loads(pickle.dumps(grid))
    assert repr(copy) == repr(grid)
    assert copy.system == grid.system
    np.testing.assert_array_equal(fg.gradient(ds.f, grid=copy).values, fg.gradient(ds.f, grid=grid).values)


# ---------------------------------------------------------------------------------------------------------
# poles


def test_what_is_not_regular_has_no_limit() -> None:
    nodes = POLAR_NODES["cylinder"](6)
    # a source, a vortex, and a jump of u_z across the axis
    for place, (a, b) in enumerate(((1.0, 0.0), (0.0, 1.0))):
        ds = cylinder(nodes, lambda r, t, z, a=a: a, lambda r, t, z, b=b: b, lambda r, t, z: 0.0)
        L = fg.velocity_gradient(ds, grid=CYLINDER.grid(ds)).values
        assert not np.isinf(L).any()
        assert np.isnan(L[1 - place, 1, 0]).all()
        assert np.isfinite(L[:, [0, 2]]).all()
        assert np.isfinite(L[:, :, 1:]).all()
    ds = cylinder(nodes, lambda r, t, z: 0.0, lambda r, t, z: 0.0, lambda r, t, z: np.cos(t))
    L = fg.velocity_gradient(ds, grid=CYLINDER.grid(ds)).values
    assert np.isnan(L[2, 1, 0]).any()
    assert not np.isinf(L).any()
    assert (L[0, 0] + L[1, 1] + L[2, 2] == 0).all()
    scalar = fg.laplacian(ds.u_z, grid=CYLINDER.grid(ds)).values
    assert not np.isinf(scalar).any()
    assert np.isnan(scalar[0]).any()
    assert np.isfinite(scalar[1:]).all()


def test_what_rounding_leaves_on_the_axis_has_a_limit() -> None:
    nodes = POLAR_NODES["cylinder"](6)
    tensors = []
    # sin(pi - r) is 1.2e-16 at r = 0
    for turn in (np.sin, lambda r: np.sin(np.pi - r)):
        ds = cylinder(nodes, lambda r, t, z: 0.0, lambda r, t, z, turn=turn: turn(r), lambda r, t, z: 0.0)
        tensors.append(fg.velocity_gradient(ds, grid=CYLINDER.grid(ds)).values)
    assert np.isfinite(tensors[0]).all()
    np.testing.assert_allclose(tensors[1], tensors[0], rtol=0, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# planes, transport, statistics, refusals


@pytest.mark.slow
def test_polar_and_surface_of_a_sphere_are_planes_of_space() -> None:
    nodes = POLAR_NODES["cylinder"](6)
    ds = cylinder(nodes, lambda r, t, z: r * np.cos(2 * t), lambda r, t, z: -r * np.sin(2 * t), lambda r, t, z: 0.0)
    plane = ds[["u_r", "u_theta"]].isel(z=0, drop=True)
    grid = fg.infer_grid(plane, geometry="polar")
    assert (grid.geometry, grid.names) == ("polar", ("r", "theta"))
    space = fg.velocity_gradient(ds, grid=CYLINDER.grid(ds)).isel(z=0)
    flat = fg.velocity_gradient(plane, grid=grid)
    np.testing.assert_array_equal(flat.values, space.values[:2, :2])
    w = fg.curl(plane, grid=grid)
    assert w.dims == ("r", "theta")
    np.testing.assert_array_equal(w.values, flat.values[1, 0] - flat.values[0, 1])


@pytest.mark.slow
def test_shallow_atmosphere_has_no_terms_of_height() -> None:
    nodes = NODES["sphere"](5)
    ds = SPHERE.dataset(nodes)
    grid = fg.infer_grid(ds, geometry="spherical", radius=RADIUS, shallow=True)
    assert "shallow atmosphere" in repr(grid)
    L = fg.velocity_gradient(ds, grid=grid)
    full = fg.velocity_gradient(ds, grid=SPHERE.grid(ds))
    r = RADIUS + ds.height
    for i, j, extra in (("x", "x", ds.w / r), ("y", "y", ds.w / r), ("z", "x", -ds.u / r), ("z", "y", -ds.v / r)):
        one, other = (part.sel(component=i, direction=j, drop=True) for part in (L, full))
        np.testing.assert_allclose(other.values, (one * RADIUS / r + extra).values, rtol=0, atol=1e-12)
    for i in "xyz":
        one, other = (part.sel(component=i, direction="z", drop=True) for part in (L, full))
        np.testing.assert_array_equal(one.values, other.values)


@pytest.mark.slow
def test_advection_of_vectors_turns_their_unit_vectors() -> None:
    ds = CYLINDER.dataset(POLAR_NODES["cylinder"](5))
    grid = CYLINDER.grid(ds)
    L = fg.velocity_gradient(ds, grid=grid).values
    u = np.stack([ds[name].values for name in CYLINDER.components])
    found = fg.advection(ds, ds, grid=grid)
    assert found.component.values.tolist() == ["r", "theta", "z"]
    np.testing.assert_allclose(found.values, np.einsum("ij...,j...->i...", L, u), rtol=0, atol=1e-13)
    vector = xr.concat([ds[name] for name in CYLINDER.components], dim=xr.Variable("component", ["r", "theta", "z"]))
    vector = vector.rename("momentum").transpose("theta", "component", "r", "z")
    again = fg.advection(vector, ds, grid=grid)
    assert again.dims == vector.dims
    assert again.name == "advection_momentum"
    np.testing.assert_array_equal(again.transpose(*found.dims).values, found.values)
    scalar = fg.advection(ds.f, ds, grid=grid)
    g = fg.gradient(ds.f, grid=grid).values
    np.testing.assert_allclose(scalar.values, (u * g).sum(axis=0), rtol=0, atol=1e-13)


@pytest.mark.slow
def test_material_derivative_and_helicity() -> None:
    ds = CYLINDER.dataset(POLAR_NODES["cylinder"](5))
    grid = CYLINDER.grid(ds)
    moving = xr.concat([ds, 1.5 * ds, 3 * ds], dim=xr.Variable("time", [0.0, 0.5, 2.0], {"units": "s"}))
    still = fg.infer_grid(moving, geometry="cylindrical")
    found = fg.material_derivative(moving, moving, grid=still)
    local = fg.derivative(xr.concat([moving[name] for name in CYLINDER.components], dim="component"), "time")
    expected = local.values + fg.advection(moving, moving, grid=still).values
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-12)
    w, u = fg.curl(ds, grid=grid).values, np.stack([ds[name].values for name in CYLINDER.components])
    np.testing.assert_allclose(fg.helicity(ds, grid=grid).values, (u * w).sum(axis=0), rtol=0, atol=1e-12)


def test_means_weigh_volumes() -> None:
    r, theta, z = stretched(0.0, 1.0, 80), circle(6), np.linspace(0.0, 2.0, 5)
    ds = cylinder([r, theta, z], lambda r, t, z: r, lambda r, t, z: 1.0, lambda r, t, z: z)
    grid = CYLINDER.grid(ds)
    found = fg.mean(ds, grid=grid)
    assert found.u_theta.item() == pytest.approx(1.0, abs=1e-14)
    assert found.u_r.item() == pytest.approx(2 / 3, abs=2e-4)
    assert found.u_z.item() == pytest.approx(1.0, abs=1e-14)
    lat, lon = np.linspace(-90.0, 90.0, 91), np.arange(0.0, 360.0, 30.0)
    coords = {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})}
    globe = xr.DataArray(np.sin(np.deg2rad(lat))[:, np.newaxis] ** 2 + 0 * lon, coords, ("lat", "lon"))
    assert fg.mean(globe).item() == pytest.approx(1 / 3, abs=3e-4)
    np.testing.assert_allclose(fg.mean(globe, "lat").values, 1 / 3, atol=3e-4)
    np.testing.assert_allclose(fg.mean(globe, "lon").values, globe.values[:, 0], rtol=1e-14)
    # with scale factors of one's own the factors themselves weigh: the annulus in parabolic coordinates
    s, t = np.linspace(0.0, 1.0, 41), np.linspace(0.0, 2.0, 61)
    field = xr.DataArray(s[:, np.newaxis] ** 2 + 0 * t, {"s": s, "t": t}, ("s", "t"))
    own = fg.infer_grid(field, geometry=PARABOLIC.geometry)
    volume = 1 / 3 * 2 + 8 / 3
    assert fg.mean(field, grid=own).item() == pytest.approx((1 / 5 * 2 + 1 / 3 * 8 / 3) / volume, rel=2e-3)


@pytest.mark.parametrize("call", [fg.derivative_skewness, fg.derivative_flatness, fg.taylor_microscale])
def test_moments_of_derivatives_along_angles_are_refused(call: Callable[..., Any]) -> None:
    ds = CYLINDER.dataset(NODES["cylinder"](5))
    with pytest.raises(ValueError, match=r"dim: steps along 'theta' have different lengths in cylindrical coordinates"):
        call(ds.f, "theta", grid=CYLINDER.grid(ds))
    call(ds.f, "z", grid=CYLINDER.grid(ds))


def test_vectors_need_the_directions_along_which_unit_vectors_turn() -> None:
    pytest.importorskip("dask.array")
    ds = CYLINDER.dataset(NODES["cylinder"](5)).isel(theta=0, drop=True)
    grid = fg.infer_grid(ds, geometry="cylindrical")
    for call in (fg.velocity_gradient, fg.divergence, fg.curl):
        with pytest.raises(ValueError, match=r"grid: is cylindrical and lacks the direction theta, without which"):
            call(ds, grid=grid)
    with pytest.raises(ValueError, match=r"lacks the direction theta, without which a Laplacian"):
        fg.laplacian(ds.f, grid=grid)
    assert fg.gradient(ds.f.chunk(), grid=grid).component.values.tolist() == ["r", "z"]
    lonely = CYLINDER.dataset(NODES["cylinder"](5)).f.isel(r=2, drop=True)
    with pytest.raises(ValueError, match=r"has no direction r, but the length of a step of theta depends on it"):
        fg.gradient(lonely, grid=fg.infer_grid(lonely, geometry="cylindrical"))


def test_components_of_vectors_are_no_scalars_where_unit_vectors_turn() -> None:
    ds = CYLINDER.dataset(NODES["cylinder"](5))
    vector = xr.concat([ds[name] for name in CYLINDER.components], dim="component")
    for call in (fg.gradient, fg.laplacian, fg.hessian):
        with pytest.raises(ValueError, match=r"has a dimension 'component', and in cylindrical coordinates the unit"):
            call(vector, grid=CYLINDER.grid(ds))


def test_attributes_say_the_geometry_and_units() -> None:
    pytest.importorskip("dask.array")
    nodes = NODES["cylinder"](5)
    ds = CYLINDER.dataset(nodes)
    for dim in ("r", "z"):
        ds[dim].attrs["units"] = "m"
    for name in CYLINDER.components:
        ds[name].attrs["units"] = "m s-1"
    L = fg.velocity_gradient(ds.chunk(), grid=CYLINDER.grid(ds))
    assert L.attrs["units"] == "s-1"
    assert L.attrs["fieldgrad_geometry"].startswith("cylindrical; 'theta' is periodic: 6.28319 (inferred: ")
    line = ds.f.isel(theta=0, r=0).chunk()
    assert "fieldgrad_geometry" not in fg.gradient(line).attrs
