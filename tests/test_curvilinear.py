# SPDX-License-Identifier: BSD-3-Clause
"""Curvilinear grids: the metric, operators on them, what is folded, dask, and how they are found."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.curvilinear import Curvilinear, metric_of, volume_of
from fieldgrad.fields import frame_of

RADIUS = 6.3712e6
Plane = Callable[[int], tuple[np.ndarray, np.ndarray]]


def unit_square(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two numbers from 0 to 1 on (j, i)."""
    j, i = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n + 2), indexing="ij")
    return i, j


def skewed(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = unit_square(n)
    return i + 0.7 * j, 1.2 * j


def rotated(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = unit_square(n)
    return np.cos(0.6) * i - np.sin(0.6) * j, np.sin(0.6) * i + np.cos(0.6) * j


def polar(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = unit_square(n)
    return (0.5 + j) * np.cos(2 * i), (0.5 + j) * np.sin(2 * i)


def distorted(n: int) -> tuple[np.ndarray, np.ndarray]:
    i, j = unit_square(n)
    return i + 0.15 * np.sin(3 * j) + 0.05 * i**2, j + 0.1 * np.cos(2 * i) + 0.1 * i * j


PLANES: dict[str, Plane] = {one.__name__: one for one in (skewed, rotated, polar, distorted)}


def flow(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A velocity, a scalar's Hessian beside it, and L, at points of the plane."""
    u = np.stack([np.sin(x + 2 * y), x * np.cos(y) + y**2 / 2])
    L = np.stack([[np.cos(x + 2 * y), 2 * np.cos(x + 2 * y)], [np.cos(y), y - x * np.sin(y)]])
    f = np.exp(x / 2) * np.sin(y)
    second = np.stack([[f / 4, np.exp(x / 2) * np.cos(y) / 2], [np.exp(x / 2) * np.cos(y) / 2, -f]])
    return u, L, second


def plane(x: np.ndarray, y: np.ndarray) -> xr.Dataset:
    dims, (u, v) = ("j", "i"), flow(x, y)[0]
    f = np.exp(x / 2) * np.sin(y)
    fields = {"u": (dims, u), "v": (dims, v), "f": (dims, f)}
    return xr.Dataset(fields, {"x": (dims, x, {"units": "m"}), "y": (dims, y, {"units": "m"})})


def fitted(errors: list[float], sizes: tuple[int, int]) -> float:
    return float(np.log(errors[0] / errors[1]) / np.log((sizes[1] - 1) / (sizes[0] - 1)))


def rms(array: Any) -> float:
    return float(np.sqrt(np.mean(np.square(array))))


# ---------------------------------------------------------------------------------------------------------
# the metric


def solid(kind: str) -> xr.Dataset:
    """Coordinates in space, of which some depend on fewer dimensions than three."""
    k, j, i = np.meshgrid(np.linspace(0, 1, 7), np.linspace(0, 1, 8), np.linspace(0, 1, 9), indexing="ij")
    x, y = i + 0.2 * np.sin(3 * j), j + 0.1 * np.cos(2 * i)
    z = k * (1 + 0.3 * np.sin(3 * i + j)) + 0.1 * i * j
    dims, flat = ("k", "j", "i"), ("j", "i")
    coords: dict[str, Any] = {
        "full": {"x": (dims, x + 0.2 * k), "y": (dims, y - 0.1 * k * i), "z": (dims, z)},
        "terrain on curved levels": {"x": (flat, x[0]), "y": (flat, y[0]), "z": (dims, z)},
        "terrain on a rectangle": {"i": i[0, 0] ** 1.2, "j": j[0, :, 0] ** 1.3, "z": (dims, z)},
        "levels": {"x": (flat, x[0]), "y": (flat, y[0]), "k": ("k", k[:, 0, 0] ** 1.5)},
        "twisted levels": {"x": (dims, x + 0.2 * k * j), "y": (dims, y - 0.1 * k * i), "k": ("k", k[:, 0, 0] ** 1.5)},
        "each along two": {
            "x": (("k", "i"), (i + 0.2 * np.sin(2 * k))[:, 0]),
            "y": (flat, y[0]),
            "z": (("k", "j"), (k + 0.1 * np.sin(3 * j))[:, :, 0]),
        },
    }[kind]
    ds = xr.Dataset(coords=coords)
    ds["f"] = (dims, np.sin(x + y) * z)
    return ds


SOLIDS = {
    "full": 9,
    "terrain on curved levels": 3,
    "terrain on a rectangle": 3,
    "levels": 0,
    "twisted levels": 6,
    "each along two": 9,
}
AXES = {"terrain on a rectangle": {"x": "i", "y": "j"}, "levels": {"z": "k"}, "twisted levels": {"z": "k"}}


def solid_grid(kind: str, accuracy: int = 2) -> fg.Grid:
    return fg.infer_grid(solid(kind), axes=AXES.get(kind), accuracy=accuracy)


@pytest.mark.parametrize("kind", SOLIDS)
def test_metric_inverts_what_numpy_gives_for_the_coordinates(kind: str) -> None:
    """Sum over m of A[m, d] dx_e/dq_m is 1 where d is e and else 0, so gradients of coordinates are exact."""
    ds, grid = solid(kind), solid_grid(kind)
    metric = frame_of(grid, ds.f).metric
    assert metric is not None
    names = {"x": "x", "y": "y", "z": "z"} | AXES.get(kind, {})
    axes = [ds[axis.dim].values if axis.dim in ds.coords else np.arange(len(axis)) for axis in grid.axes]
    numbers = [ds.f.get_axis_num(axis.dim) for axis in grid.axes]
    for e, name in enumerate("xyz"):
        position = ds[names[name]].broadcast_like(ds.f).transpose(*ds.f.dims).values
        slopes = [np.gradient(position, q, axis=n, edge_order=2) for q, n in zip(axes, numbers, strict=True)]
        for d in range(3):
            terms = [metric.value(metric.transform[m, d]) * slopes[m] for m in range(3) if (m, d) in metric.transform]
            np.testing.assert_allclose(sum(terms), 1.0 if d == e else 0.0, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", SOLIDS)
def test_metric_is_as_thin_as_the_coordinates_allow(kind: str) -> None:
    metric = metric_of(solid_grid(kind))
    assert sum(array.size == 7 * 8 * 9 for array in metric.arrays) == SOLIDS[kind]


def test_metric_is_kept_with_its_grid_in_the_memory_order_of_the_data() -> None:
    grid = solid_grid("full")
    metric = metric_of(grid)
    assert metric_of(grid) is metric
    placed = metric.placed([2, 1, 0], 3)
    assert all(np.shares_memory(one, two) for one, two in zip(metric.arrays, placed.arrays, strict=True))
    assert all(array.flags.c_contiguous for array in placed.arrays)


def test_volumes_of_cells() -> None:
    x, y = polar(41)
    grid = fg.infer_grid(plane(x, y))
    assert volume_of(grid).shape == (43, 41, 1)
    r = xr.DataArray(np.hypot(x, y), {"x": (("j", "i"), x), "y": (("j", "i"), y)}, ("j", "i"))
    area, moment = (1.5**2 - 0.5**2) / 2, (1.5**3 - 0.5**3) / 3
    assert fg.mean(r, grid=grid).item() == pytest.approx(moment / area, rel=2e-3)


# ---------------------------------------------------------------------------------------------------------
# values in the plane


def errors_of(name: str, n: int, accuracy: int) -> dict[str, float]:
    x, y = PLANES[name](n)
    ds = plane(x, y)
    grid = fg.infer_grid(ds, accuracy=accuracy)
    _, L, second = flow(x, y)
    return {
        "L": rms(fg.velocity_gradient(ds, grid=grid).values - L),
        "gradient": rms(fg.gradient(ds.u, grid=grid).values - L[0]),
        "hessian": rms(fg.hessian(ds.f, grid=grid).values - second),
        "laplacian": rms(fg.laplacian(ds.f, grid=grid).values - second[0, 0] - second[1, 1]),
    }


@pytest.mark.parametrize("accuracy", [2, *(pytest.param(accuracy, marks=pytest.mark.slow) for accuracy in (4, 6, 8))])
@pytest.mark.parametrize("name", PLANES)
def test_orders_of_accuracy(name: str, accuracy: int) -> None:
    """The edges included."""
    sizes = {2: (16, 40), 4: (16, 32), 6: (36, 60), 8: (30, 44)}[accuracy]
    coarse, fine = (errors_of(name, n, accuracy) for n in sizes)
    for operator, error in coarse.items():
        # what is below is rounding, to which second derivatives add the square of the number of points
        allowed = 1e-10
        order = fitted([error, fine[operator]], sizes)
        assert fine[operator] < allowed or order > accuracy - (0.4 if accuracy < 8 else 0.8), (operator, order, error)


def test_turned_grid_gives_what_the_straight_one_gives_turned() -> None:
    n, angle = 12, 0.6
    i, j = unit_square(n)
    x, y = rotated(n)
    u, v = flow(x, y)[0]
    R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    along = np.einsum("ba,b...->a...", R, np.stack([u, v]))  # components along the straight axes
    straight = xr.Dataset({"u": (("j", "i"), along[0]), "v": (("j", "i"), along[1])}, {"i": i[0], "j": j[:, 0]})
    axes = fg.infer_grid(straight, axes={"x": "i", "y": "j"})
    expected = np.einsum("ai,ij...,bj->ab...", R, fg.velocity_gradient(straight, grid=axes).values, R)
    found = fg.velocity_gradient(plane(x, y))
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-13 * n)
    f = np.exp(x / 2) * np.sin(y)
    laplacian = fg.laplacian(straight.u.copy(data=f), grid=axes).values
    np.testing.assert_allclose(fg.laplacian(plane(x, y).f).values, laplacian, rtol=0, atol=1e-12 * n**2)


@pytest.mark.parametrize("name", PLANES)
def test_uniform_stream_and_coordinates_are_exact(name: str) -> None:
    x, y = PLANES[name](9)
    ds = plane(x, y)
    stream = ds.assign(u=xr.full_like(ds.u, 3.0), v=xr.full_like(ds.v, -1e5))
    assert not fg.velocity_gradient(stream).values.any()
    unit = fg.gradient(ds.x)
    assert unit.component.values.tolist() == ["x", "y"]
    assert "units" in unit.attrs
    assert unit.attrs["units"] == "1"
    np.testing.assert_allclose(unit.values - np.array([1.0, 0.0])[:, None, None], 0, atol=1e-13)
    np.testing.assert_allclose(fg.gradient(ds.y).values - np.array([0.0, 1.0])[:, None, None], 0, atol=1e-13)
    np.testing.assert_allclose(fg.hessian(ds.x).values, 0, atol=1e-10)
    # a linear velocity has a constant gradient
    linear = ds.assign(u=2 * ds.x - ds.y, v=0.5 * ds.x + 4 * ds.y)
    L = fg.velocity_gradient(linear).values
    np.testing.assert_allclose(L - np.array([[2.0, -1.0], [0.5, 4.0]])[:, :, None, None], 0, atol=1e-12)


def test_o_grid_closes_on_itself() -> None:
    """Flow around a cylinder, with the index around it periodic."""

    def found(n: int) -> float:
        r, theta = np.meshgrid(
            1 + 2 * np.linspace(0, 1, n) ** 1.5 + 0.01, np.arange(4 * n) * (np.pi / (2 * n)), indexing="ij"
        )
        x, y = r * np.cos(theta), 0.8 * r * np.sin(theta)
        ds = plane(x, y)
        grid = fg.infer_grid(ds, periodic=["i"])
        assert grid.axis("i").period == 4 * n
        return rms(fg.velocity_gradient(ds, grid=grid).values - flow(x, y)[1])

    assert fitted([found(16), found(40)], (16, 40)) > 1.7


def test_period_of_positions_is_a_vector_or_a_length() -> None:
    j, i = np.meshgrid(np.linspace(0, 1, 9), np.arange(12) / 12, indexing="ij")
    x, y = i + 0.05 * np.sin(2 * np.pi * i) + 0.3 * j, j + 0.1 * np.sin(2 * np.pi * i)
    ds = plane(x, y).assign(u=(("j", "i"), np.sin(2 * np.pi * (x - 0.3 * y))))
    ds["v"] = ds.y
    grids = [fg.infer_grid(ds, periodic={"i": period}) for period in ((1.0, 0.0), 1.0)]
    one, two = (fg.velocity_gradient(ds, grid=grid).values for grid in grids)
    np.testing.assert_array_equal(one, two)
    wide = np.concatenate([x[:, -3:] - 1, x, x[:, :3] + 1], axis=1), np.concatenate([y[:, -3:], y, y[:, :3]], axis=1)
    whole = plane(*wide).assign(u=(("j", "i"), np.sin(2 * np.pi * (wide[0] - 0.3 * wide[1]))), v=(("j", "i"), wide[1]))
    np.testing.assert_allclose(one, fg.velocity_gradient(whole).values[..., 3:-3], rtol=0, atol=1e-12)
    with pytest.raises(
        ValueError, match=r"periodic: the grid does not close along 'i' at j=0: .*periodic=\{'i': \(0.0"
    ):
        fg.infer_grid(ds, periodic=["i"])
    with pytest.raises(ValueError, match=r"periodic: got \(1.0,\) for dimension 'i'; .*2 numbers"):
        fg.infer_grid(ds, periodic={"i": (1.0,)})
    i, j = unit_square(12)
    twice = plane((1 + j) * np.cos(2 * np.pi * i), (1 + j) * np.sin(2 * np.pi * i))
    with pytest.raises(ValueError, match=r"the end point stands twice; drop it \(obj.isel\(i=slice\(None, -1\)\)\)"):
        fg.infer_grid(twice, periodic="i")


# ---------------------------------------------------------------------------------------------------------
# space


def terrain(n: int) -> xr.Dataset:
    k, j, i = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    ground = 0.2 * np.sin(3 * i) * np.cos(2 * j)
    z = ground + (1 - ground) * k * (1 + 0.4 * k) / 1.4
    dims = ("k", "y", "x")
    fields = {
        "u": (dims, np.sin(i + z)),
        "v": (dims, j * z),
        "w": (dims, np.exp(z / 2) * i),
        "f": (dims, np.cos(i) * z**2 + j * z),
    }
    return xr.Dataset(fields, {"x": i[0, 0], "y": j[0, :, 0], "z": (dims, z, {"units": "m"})})


def terrain_errors(n: int) -> tuple[float, float]:
    ds = terrain(n)
    grid = fg.infer_grid(ds)
    x, y, z, zero = ds.x.values, ds.y.values[:, None], ds.z.values, 0 * ds.z.values
    c = np.cos(x + z)
    L = [
        [c, zero, c],
        [zero, z, y + zero],
        [np.exp(z / 2) + zero, zero, np.exp(z / 2) / 2 * x],
    ]
    laplacian = -np.cos(x) * z**2 + 2 * np.cos(x)
    return (
        rms(fg.velocity_gradient(ds, grid=grid).values - np.stack(L)),
        rms(fg.laplacian(ds.f, grid=grid).values - laplacian),
    )


def test_terrain_following_levels() -> None:
    sizes = (10, 20)
    for errors in zip(*map(terrain_errors, sizes), strict=True):
        assert fitted(list(errors), sizes) > 1.6, errors


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOLIDS)
def test_coordinates_in_space_are_exact(kind: str) -> None:
    for accuracy in (2, 4):
        ds = solid(kind)
        grid = solid_grid(kind, accuracy)
        names = {"x": "x", "y": "y", "z": "z"} | AXES.get(kind, {})
        for place, name in enumerate("xyz"):
            f = ds[names[name]].broadcast_like(ds.f).transpose(*ds.f.dims)
            found = fg.gradient(f, grid=grid).values
            np.testing.assert_allclose(found - np.eye(3)[place][:, None, None, None], 0, atol=1e-13)
            np.testing.assert_allclose(fg.hessian(f, grid=grid).values, 0, atol=1e-10)


# ---------------------------------------------------------------------------------------------------------
# the sphere


def wind(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(lat) * (1 + 0.3 * np.sin(lat)), 0.4 * np.cos(lat) ** 2 * np.sin(2 * lon)


def globe(lon: np.ndarray, lat: np.ndarray) -> xr.Dataset:
    """Wind at longitudes and latitudes in radians, on (j, i)."""
    dims = ("j", "i")
    u, v = wind(lon, lat)
    degrees = np.rad2deg(lon) % 360, np.rad2deg(lat)
    return xr.Dataset(
        {"u": (dims, u, {"units": "m s-1"}), "v": (dims, v, {"units": "m s-1"})},
        {
            "lon": (dims, degrees[0], {"units": "degrees_east"}),
            "lat": (dims, degrees[1], {"units": "degrees_north"}),
        },
    )


def tilted(n: int, middle: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of a grid that is regular about a tilted pole; across the date line by default."""
    i, j = unit_square(n)
    a, b, tilt = 1.2 * (i - 0.5), 1.0 * (j - 0.5), 0.7
    x, y, z = np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)
    y, z = np.cos(tilt) * y - np.sin(tilt) * z, np.sin(tilt) * y + np.cos(tilt) * z
    return np.arctan2(y, x) + np.pi + middle, np.arcsin(z)


def exact_wind_gradient(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """L on the surface of a sphere, from derivatives with respect to longitude and latitude."""
    u, v = wind(lon, lat)
    c, t = np.cos(lat), np.tan(lat)
    u_lat = -np.sin(lat) * (1 + 0.3 * np.sin(lat)) + 0.3 * c**2
    v_lon, v_lat = 0.8 * c**2 * np.cos(2 * lon), -0.8 * c * np.sin(lat) * np.sin(2 * lon)
    return np.stack([[-v * t, u_lat], [v_lon / c + u * t, v_lat]]) / RADIUS


def test_curved_longitude_and_latitude() -> None:
    def error(n: int) -> float:
        lon, lat = tilted(n)
        return RADIUS * rms(fg.velocity_gradient(globe(lon, lat)).values - exact_wind_gradient(lon, lat))

    sizes = (12, 30)
    assert fitted([error(n) for n in sizes], sizes) > 1.8


def test_second_derivatives_on_a_sphere() -> None:
    """Harmonics of first degree, f = a . n: the Hessian is -f times the unit tensor, the Laplacian -2 f."""

    def errors(n: int) -> tuple[float, float]:
        lon, lat = tilted(n)
        ds = globe(lon, lat)
        values = np.cos(lat) * (0.3 * np.cos(lon) + 0.5 * np.sin(lon)) + np.sin(lat)
        f = ds.u.copy(data=values)
        hessian = RADIUS**2 * fg.hessian(f).values + values * np.eye(2)[:, :, None, None]
        return rms(hessian), rms(RADIUS**2 * fg.laplacian(f).values + 2 * values)

    sizes = (12, 30)
    for pair in zip(*map(errors, sizes), strict=True):
        assert fitted(list(pair), sizes) > 1.7


def in_space(n: int, heights: str) -> xr.Dataset:
    """A tilted grid with levels that follow the ground, or that are heights themselves."""
    lon, lat = tilted(n)
    k = np.linspace(0, 1, 6)[:, None, None]
    if heights == "levels":
        z = 4e5 * k * (1 + k)
        ds = globe(lon, lat).assign_coords(k=("k", z.ravel(), {"units": "m", "axis": "Z"}))
    else:
        z = 3e5 * (k * (1 - 0.2 * np.sin(3 * lon)) + 0.2 * np.sin(3 * lon))
        ds = globe(lon, lat).assign_coords(z=(("k", "j", "i"), z, {"units": "m"}))
    r = (RADIUS + z + 0 * lon) / RADIUS
    f = (r * np.cos(lat) * np.cos(lon)) ** 2
    return ds.assign(f=(("k", "j", "i"), f))


@pytest.mark.slow
@pytest.mark.parametrize("heights", ["levels", "terrain"])
def test_second_derivatives_in_space_around_a_sphere(heights: str) -> None:
    """Of the square of a coordinate in space, X^2, the Hessian is 2 (e_i . e_X) (e_j . e_X)."""

    def errors(n: int) -> tuple[float, float]:
        lon, lat = tilted(n)
        e = np.stack([-np.sin(lon), -np.sin(lat) * np.cos(lon), np.cos(lat) * np.cos(lon)])[:, None]
        f = in_space(n, heights).f
        hessian = RADIUS**2 * fg.hessian(f).values - 2 * e * e[:, None]
        return rms(hessian), rms(RADIUS**2 * fg.laplacian(f).values - 2)

    sizes = (6, 13)
    for pair in zip(*map(errors, sizes), strict=True):
        assert fitted(list(pair), sizes) > 1.5


def test_shallow_atmosphere_is_as_wide_at_every_height() -> None:
    ds = in_space(6, "levels")
    shallow, deep = (metric_of(fg.infer_grid(ds, shallow=one)) for one in (True, False))
    surface = metric_of(fg.infer_grid(ds, axes={"z": None}))
    assert set(shallow.connection) == {(0, 0, 1), (1, 0, 0)}
    assert len(deep.connection) == 6
    for key, term in surface.transform.items():
        np.testing.assert_array_equal(shallow.value(shallow.transform[key]), surface.value(term))
    # lengths in proportion to the distance from the centre
    r = (RADIUS + ds.k.values) / RADIUS
    for key in ((0, 0), (0, 1), (1, 0), (1, 1)):
        found, wanted = (one.value(one.transform[key]) for one in (deep, shallow))
        np.testing.assert_allclose(found * r, wanted + 0 * r, rtol=1e-13)


def test_a_band_around_a_sphere_closes_on_itself() -> None:
    def band(n: int, turn: float = 2 * np.pi) -> tuple[xr.Dataset, np.ndarray]:
        b, a = np.meshgrid(np.linspace(-0.6, 0.6, n), np.arange(4 * n) * turn / (4 * n), indexing="ij")
        x, y, z = np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)
        y, z = np.cos(0.7) * y - np.sin(0.7) * z, np.sin(0.7) * y + np.cos(0.7) * z
        lon, lat = np.arctan2(y, x) + np.pi, np.arcsin(z)
        return globe(lon, lat), exact_wind_gradient(lon, lat)

    def error(n: int) -> float:
        ds, exact = band(n)
        return RADIUS * rms(fg.velocity_gradient(ds, grid=fg.infer_grid(ds, periodic=["i"])).values - exact)

    sizes = (10, 24)
    assert fitted([error(n) for n in sizes], sizes) > 1.7
    with pytest.raises(ValueError, match=r"periodic: the grid does not close along 'i' at j=0"):
        fg.infer_grid(band(6, turn=3.0)[0], periodic=["i"])


def test_date_line_is_no_place_of_its_own() -> None:
    lon, lat = tilted(9)
    ds, there = globe(lon, lat), globe(lon, lat)
    there["lon"] = ds.lon.copy(data=np.where(ds.lon > 180, ds.lon - 360, ds.lon))
    assert (np.abs(np.diff(there.lon.values, axis=1)) > 300).any()
    assert not (np.abs(np.diff(ds.lon.values, axis=1)) > 300).any()
    one, two = (fg.velocity_gradient(one).values for one in (ds, there))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-13 / RADIUS)


def test_longitude_and_latitude_in_rows_agree_with_axes_of_their_own() -> None:
    def differences(n: int) -> float:
        lon, lat = np.linspace(20.0, 80.0, n), np.linspace(-30.0, 60.0, n)
        b, a = np.meshgrid(np.deg2rad(lat), np.deg2rad(lon), indexing="ij")
        ds = globe(a, b)
        flat = ds.drop_vars(["lon", "lat"]).rename(i="lon", j="lat")
        flat = flat.assign_coords(
            lon=("lon", lon, {"units": "degrees_east"}), lat=("lat", lat, {"units": "degrees_north"})
        )
        one, two = (fg.velocity_gradient(data).values for data in (ds, flat))
        return RADIUS * rms(one - two)

    sizes = (12, 36)
    assert fitted([differences(n) for n in sizes], sizes) > 1.8


def test_grid_of_a_sphere_says_so_and_knows_units() -> None:
    ds = globe(*tilted(6))
    grid = fg.infer_grid(ds)
    assert isinstance(grid.system, Curvilinear)
    text = repr(grid)
    for part in (
        "curvilinear (inferred: 'j', 'i' have no positions of their own): x is 'lon' (j, i), y is 'lat' (j, i), on a "
        "sphere, radius 6.3712e+06",
        "components of vectors are eastward and northward, not along grid lines",
    ):
        assert part in text
    w = fg.velocity_gradient(ds)
    assert w.attrs["units"] == "s-1"
    assert w.attrs["fieldgrad_geometry"].startswith("curvilinear (inferred")
    assert {"lon", "lat"} <= set(w.coords)
    vector = xr.concat([ds.u, ds.v], dim="component")
    with pytest.raises(ValueError, match=r"in curvilinear coordinates the unit vectors of its components turn"):
        fg.gradient(vector, grid=grid)


def test_heights_on_a_sphere() -> None:
    """Rotation as a solid about an axis through the equator has spin alone; full, on levels that follow the ground."""

    def deformation(n: int) -> float:
        lon, lat = tilted(n)
        k = np.linspace(0, 1, 5)[:, None, None]
        z = 3e5 * (k * (1 - 0.2 * np.sin(3 * lon)) + 0.2 * np.sin(3 * lon))
        r, omega = RADIUS + z, 1e-5
        # about the x axis: u = omega e_x x r
        u, v = -omega * r * np.sin(lat) * np.cos(lon), omega * r * np.sin(lon)
        dims = ("k", "j", "i")
        ds = globe(lon, lat).assign_coords(z=(dims, z, {"units": "m"}))
        ds = ds.assign(u=(dims, u), v=(dims, v), w=(dims, 0 * z))
        grid = fg.infer_grid(ds)
        assert grid.names == ("x", "y", "z")
        L = fg.velocity_gradient(ds, grid=grid).values / omega
        return rms(L + L.swapaxes(0, 1))

    sizes = (10, 22)
    assert fitted([deformation(n) for n in sizes], sizes) > 1.7


def test_node_at_a_pole_is_not_a_number_where_unit_vectors_have_no_direction() -> None:
    side = np.linspace(-0.1, 0.1, 7)
    y, x = np.meshgrid(side, side, indexing="ij")
    lat, lon = np.pi / 2 - np.hypot(x, y), np.arctan2(y, x)
    ds = globe(lon, lat)
    ds["lat"][3, 3] = 90.0
    L = fg.velocity_gradient(ds).values
    assert not np.isinf(L).any()
    assert np.isnan(L[:, :, 3, 3]).any()
    assert np.isfinite(fg.gradient(ds.u.copy(data=x)).values).all()


# ---------------------------------------------------------------------------------------------------------
# what is no grid


def test_folded_and_flat_cells_are_named() -> None:
    x, y = distorted(8)
    swapped = x.copy()
    swapped[:, [4, 5]] = swapped[:, [5, 4]]
    with pytest.raises(
        ValueError, match=r"grid: the cell that begins at j=0, i=4 is folded: it has another orientation"
    ):
        fg.infer_grid(plane(swapped, y))
    moved = x.copy()
    moved[3, 2] += 0.2  # beyond its neighbour
    with pytest.raises(ValueError, match=r"grid: the cell that begins at j=2, i=2 is folded"):
        fg.infer_grid(plane(moved, y))
    double = x.copy(), y.copy()
    for part in double:
        part[:, 6] = part[:, 5]
    with pytest.raises(ValueError, match=r"grid: the cell that begins at j=0, i=5 is degenerate: it has no volume"):
        fg.infer_grid(plane(*double))
    i, j = unit_square(8)
    with pytest.raises(ValueError, match=r"grid: the cell that begins at j=0, i=0 is degenerate"):
        fg.infer_grid(plane(i + j, 2 * i + 2 * j))
    # cells of an axis are triangles, and have an area; its nodes have no Jacobian
    with pytest.raises(ValueError, match=r"grid: the (cell that begins at|Jacobian of the coordinates at) j=0, i=0"):
        fg.gradient(plane(j * np.cos(i), j * np.sin(i)).f)
    ds = terrain(6)
    upside = ds.z.values.copy()
    upside[3, 2, 1] = upside[1, 2, 1]
    with pytest.raises(ValueError, match=r"grid: the cell that begins at k=2, y=2, x=1 is folded"):
        fg.infer_grid(ds.assign_coords(z=(ds.z.dims, upside, ds.z.attrs)))
    holes = x.copy()
    holes[2, 7] = np.nan
    with pytest.raises(ValueError, match=r"grid: the coordinate of direction 'x' is not finite at j=2, i=7"):
        fg.infer_grid(plane(holes, y))
    deep = in_space(5, "terrain")
    with pytest.raises(
        ValueError, match=r"geometry: the node at k=0, j=.*, i=.* lies at or below the centre of a sphere"
    ):
        fg.infer_grid(deep.assign_coords(z=deep.z - 1e5), radius=2e4)
    lost = globe(*tilted(5))
    lost["lat"][1, 2] = 91.0
    with pytest.raises(ValueError, match=r"geometry: the latitude at j=1, i=2 lies beyond a pole"):
        fg.infer_grid(lost)


def test_stencils_that_fold_what_is_no_fold() -> None:
    """Three points in a row lie near one another: the cells are right, and a wide stencil has a slope below zero."""
    j, i = np.meshgrid(np.arange(7.0), np.r_[np.arange(5.0), 4.01, 4.02, np.arange(5.0, 9.0)], indexing="ij")
    ds = plane(i + 0.001 * j, j)
    metric_of(fg.infer_grid(ds))
    grid = fg.infer_grid(ds, accuracy=4)
    with pytest.raises(
        ValueError, match=r"grid: the Jacobian of the coordinates at j=0, i=5 has the wrong sign; there"
    ):
        fg.gradient(ds.f, grid=grid)


def test_either_orientation_is_a_grid() -> None:
    x, y = distorted(9)
    ds = plane(x, y)
    expected = fg.velocity_gradient(ds)
    for dim in ("i", "j"):
        back = {dim: slice(None, None, -1)}
        found = fg.velocity_gradient(ds.isel(back)).isel(back)
        np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-12)
    found = fg.velocity_gradient(ds.transpose("i", "j")).transpose(*expected.dims)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# dask, pickles, derive


@pytest.mark.parametrize("sizes", [(3, 4), (9, 1)])
def test_bits_do_not_depend_on_chunks(sizes: tuple[int, int]) -> None:
    pytest.importorskip("dask.array")
    ds = plane(*distorted(9))
    grid = fg.infer_grid(ds)
    lazy = ds.chunk(j=sizes[0], i=sizes[1])
    calls: tuple[Callable[[xr.Dataset], xr.DataArray], ...] = (
        lambda data: fg.velocity_gradient(data, grid=grid),
        lambda data: fg.gradient(data.f, grid=grid),
        lambda data: fg.laplacian(data.f, grid=grid),
        lambda data: fg.hessian(data.f, grid=grid),
    )
    for call in calls:
        found = call(lazy)
        assert found.chunks is not None
        assert found.chunks[-2:] == lazy.f.chunks
        np.testing.assert_array_equal(found.compute(scheduler="synchronous").values, call(ds).values)
    # coordinates that are lazy themselves are read
    np.testing.assert_array_equal(
        fg.velocity_gradient(lazy).compute(scheduler="synchronous").values, calls[0](ds).values
    )


def test_pickled_grids_give_the_same() -> None:
    ds = plane(*distorted(9))
    grid = fg.infer_grid(ds)
    copy = pickle.loads(pickle.dumps(grid))
    assert repr(copy) == repr(grid)
    assert repr(copy.system) == repr(grid.system)
    other = plane(*(part + 1e-9 * part**2 for part in distorted(9)))
    assert repr(fg.infer_grid(other).system) != repr(grid.system)
    np.testing.assert_array_equal(fg.gradient(ds.f, grid=copy).values, fg.gradient(ds.f, grid=grid).values)


@pytest.mark.slow
def test_float32_fields_and_further_dimensions() -> None:
    ds = plane(*distorted(9))
    whole = fg.velocity_gradient(ds).values
    single = fg.velocity_gradient(ds.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single.values, whole, rtol=0, atol=2e-4)
    several = xr.concat([ds, 2 * ds], dim="time", coords="minimal").transpose("j", "time", "i")
    found = fg.velocity_gradient(several)
    assert found.dims == ("component", "direction", "j", "time", "i")
    np.testing.assert_array_equal(found.isel(time=1).values, 2 * whole)
    # components along x and y do not turn, so that a stack of them is one of scalars
    two = fg.gradient(xr.concat([ds.u, ds.v], dim="component").rename(component="member"), grid=fg.infer_grid(ds))
    np.testing.assert_array_equal(two.values.swapaxes(0, 1), whole)


def test_derive_and_its_parts() -> None:
    ds = plane(*distorted(9))
    out = fg.derive(ds, ["velocity_gradient", "divergence", "vorticity"])
    L = out.velocity_gradient.values
    np.testing.assert_array_equal(out.divergence.values, L[0, 0] + L[1, 1])
    np.testing.assert_array_equal(out.vorticity.values, L[1, 0] - L[0, 1])
    assert out.vorticity.attrs["fieldgrad_geometry"].startswith("curvilinear")
    with pytest.raises(ValueError, match=r"dim: 'i' counts points of a curvilinear grid and has no coordinate"):
        fg.derivative(ds.f, "i", grid=fg.infer_grid(ds))
    with pytest.raises(ValueError, match=r"steps along 'i' have different lengths in curvilinear coordinates"):
        fg.taylor_microscale(ds.f, "i", grid=fg.infer_grid(ds))


@pytest.mark.slow
def test_beside_holes_of_a_mask_values_are_of_second_order_and_elsewhere_the_same() -> None:
    def around_an_island(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x, y = distorted(n)
        ds = plane(x, y)
        sea = (x - 0.6) ** 2 + (y - 0.7) ** 2 > 0.04
        grid = fg.infer_grid(ds, mask=xr.DataArray(sea, dims=("j", "i")), missing="adapt", least_accuracy=2)
        plain, found = fg.velocity_gradient(ds).values, fg.velocity_gradient(ds, grid=grid).values
        assert np.isnan(found[:, :, ~sea]).all()
        same = np.isfinite(found) & (found == plain)
        beside = np.isfinite(found).all(axis=(0, 1)) & ~same.all(axis=(0, 1))
        assert 0 < beside.sum() < sea.sum() / 2
        return (found - flow(x, y)[1])[:, :, beside], beside, plain

    sizes = (24, 60)
    assert fitted([rms(around_an_island(n)[0]) for n in sizes], sizes) > 1.6
