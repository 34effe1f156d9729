# SPDX-License-Identifier: BSD-3-Clause
"""Geometry together with what else a grid knows: masks, walls, fits by least squares, and axes that point down."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from manufactured import CYLINDER, SPHERE, circle, stretched

import fieldgrad as fg

NODES = [stretched(0.5, 1.5, 7), circle(12), stretched(0.0, 1.0, 6)]
WITH_AXIS = [stretched(0.0, 1.0, 7), circle(12), stretched(0.0, 1.0, 6)]


def with_holes(nodes: list[np.ndarray]) -> tuple[xr.Dataset, xr.DataArray]:
    """Fields with nonsense at masked points, and the mask."""
    ds = CYLINDER.dataset(nodes)
    valid = xr.DataArray(np.random.default_rng(2).random(ds.f.shape) > 0.1, dims=ds.f.dims)
    return ds.where(valid, 1e30), valid


def assembled(ds: xr.Dataset, grid: fg.Grid) -> dict[tuple[str, str], xr.DataArray]:
    """The tensor around an axis from derivatives along the coordinates, which know of no geometry."""

    def d(name: str, dim: str) -> xr.DataArray:
        return fg.derivative(ds[name], dim, grid=grid)

    return {
        ("r", "r"): d("u_r", "r"),
        ("r", "theta"): (d("u_r", "theta") - ds.u_theta) / ds.r,
        ("r", "z"): d("u_r", "z"),
        ("theta", "r"): d("u_theta", "r"),
        ("theta", "theta"): (d("u_theta", "theta") + ds.u_r) / ds.r,
        ("theta", "z"): d("u_theta", "z"),
        ("z", "r"): d("u_z", "r"),
        ("z", "theta"): d("u_z", "theta") / ds.r,
        ("z", "z"): d("u_z", "z"),
    }


@pytest.mark.parametrize("missing", ["adapt", pytest.param("propagate", marks=pytest.mark.slow)])
def test_stencils_adapt_to_holes_in_any_geometry(missing: str) -> None:
    ds, valid = with_holes(NODES)
    grid = fg.infer_grid(ds, geometry="cylindrical", mask=valid, missing=missing)
    L = fg.velocity_gradient(ds, grid=grid)
    assert np.isnan(L.values[..., ~valid.values]).all()
    for (i, j), expected in assembled(ds, grid).items():
        found = L.sel(component=i, direction=j, drop=True)
        np.testing.assert_allclose(found.values, expected.transpose(*found.dims).values, rtol=0, atol=1e-12)


def test_limits_on_the_axis_do_not_look_into_holes() -> None:
    ds, valid = with_holes(WITH_AXIS)
    grid = fg.infer_grid(ds, geometry="cylindrical", mask=valid, missing="adapt")
    L = fg.velocity_gradient(ds, grid=grid)
    # NaN that are found by themselves are the same holes
    blank = fg.velocity_gradient(ds.where(valid), grid=fg.infer_grid(ds, geometry="cylindrical", missing="adapt"))
    np.testing.assert_array_equal(L.values, blank.values)
    assert np.isnan(L.values[..., ~valid.values]).all()
    whole = fg.velocity_gradient(CYLINDER.dataset(WITH_AXIS), grid=CYLINDER.grid(CYLINDER.dataset(WITH_AXIS))).values
    row, expected = L.values[:, :, 0], whole[:, :, 0]
    # beside a hole there is no limit; elsewhere it has the bits of the field without holes
    assert np.isnan(row).any()
    assert (np.isnan(row) | (row == expected)).all()
    along_r = valid.values[0] & valid.values[1] & valid.values[2]
    np.testing.assert_array_equal(row[:, 0][:, along_r], expected[:, 0][:, along_r])


@pytest.mark.slow
@pytest.mark.parametrize("lazy_mask", [False, True])
def test_holes_poles_and_chunks_together(lazy_mask: bool) -> None:
    ds, valid = with_holes(WITH_AXIS)
    given = valid.chunk(r=2, theta=5) if lazy_mask else valid
    grid = fg.infer_grid(ds, geometry="cylindrical", mask=given, missing="adapt")
    eager = fg.infer_grid(ds, geometry="cylindrical", mask=valid, missing="adapt")
    lazy = ds.chunk(r=1, theta=5, z=4)
    for call in (
        lambda obj, grid: fg.velocity_gradient(obj, grid=grid),
        lambda obj, grid: fg.gradient(obj.f, grid=grid),
        lambda obj, grid: fg.laplacian(obj.f, grid=grid),
        lambda obj, grid: fg.hessian(obj.f, grid=grid),
    ):
        expected = call(ds, eager)
        assert np.isnan(expected.values[..., ~valid.values]).all()
        assert np.isfinite(expected.values[..., 0, :, :]).any()
        found = call(lazy, grid)
        assert found.chunks is not None
        np.testing.assert_array_equal(found.compute(scheduler="synchronous").values, expected.values)


def pipe(count: int = 6) -> xr.Dataset:
    """Cell-centred flow through a pipe of radius one, between an axis and a wall that are not on nodes."""
    r = (np.arange(count) + 0.5) / count
    ds = xr.Dataset(coords={"r": r, "theta": circle(6), "z": np.arange(3.0)})
    ds["u_z"] = 1 - ds.r**2 + 0 * ds.theta + 0 * ds.z
    ds["u_r"], ds["u_theta"] = 0 * ds.u_z, 0 * ds.u_z
    return ds


@pytest.mark.slow
def test_walls_of_a_pipe() -> None:
    """A cubic profile, so that one-sided stencils are not exact, has exact shear beside a wall and a mirror."""
    ds = pipe()
    ds["u_z"] = ds.u_z - ds.r**4 * 0.3 + 0.3
    known = {"u_z": (fg.Wall("symmetric"), fg.Wall(0.0)), "u_r": (fg.Wall("antisymmetric"), fg.Wall(0.0)),
             "u_theta": (fg.Wall("antisymmetric"), fg.Wall(0.0))}  # fmt: skip
    grid = fg.infer_grid(ds, geometry="cylindrical", boundary={"r": known})
    assert "'r': u_z symmetric below, 0 above" in repr(grid)
    L = fg.velocity_gradient(ds, grid=grid)
    for (i, j), expected in assembled(ds, grid).items():
        found = L.sel(component=i, direction=j, drop=True)
        np.testing.assert_allclose(found.values, expected.transpose(*found.dims).values, rtol=0, atol=1e-12)
    shear = L.sel(component="z", direction="r").isel(theta=0, z=0)
    plain = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, geometry="cylindrical"))
    free = plain.sel(component="z", direction="r").isel(theta=0, z=0)
    exact = -2 * ds.r - 1.2 * ds.r**3
    errors = [abs(one - exact).isel(r=0).item() for one in (shear, free)]
    assert errors[0] < errors[1] / 4


@pytest.mark.slow
def test_walls_at_both_ends_of_an_axis() -> None:
    """On the axis too, what is known beyond the last nodes makes the derivative of a parabola exact there."""
    z = np.array([0.1, 0.3, 0.6, 0.8])
    ds = xr.Dataset(coords={"r": stretched(0.0, 1.0, 5), "theta": circle(6), "z": z})
    ds["u_z"] = 1 + 2 * ds.z**2 + 0 * ds.r + 0 * ds.theta
    ds["u_r"], ds["u_theta"] = 0 * ds.u_z, 0 * ds.u_z
    bottom, top = fg.Wall(1.0, at=0.0), fg.Wall(3.0, at=1.0)
    grid = fg.infer_grid(ds, geometry="cylindrical", boundary={"z": {"u_z": (bottom, top)}})
    L = fg.velocity_gradient(ds, grid=grid).transpose("component", "direction", "r", "theta", "z").values
    expected = np.zeros_like(L)
    expected[2, 2] = 4 * z
    np.testing.assert_allclose(L, expected, rtol=0, atol=1e-12)
    wrong = fg.infer_grid(ds, geometry="cylindrical", boundary={"z": {"u_z": (fg.Wall(2.0, at=0.0), top)}})
    moved = fg.velocity_gradient(ds, grid=wrong).sel(component="z", direction="z").isel(z=0)
    # the known value alone: it has the weight of Lagrange's polynomial, on the axis as elsewhere
    weight = (z[0] - z[1]) / ((0 - z[0]) * (0 - z[1]))
    np.testing.assert_allclose(moved, 4 * z[0] + weight + 0 * moved, rtol=0, atol=1e-12)


def test_means_reach_up_to_walls() -> None:
    ds = pipe(40)
    walls = (fg.Wall("symmetric", at=0.0), fg.Wall(0.0, at=1.0))
    grid = fg.infer_grid(ds, geometry="cylindrical", boundary={"r": {"u_z": walls}}, axes={"z": None})
    assert fg.mean(ds.u_z, "r", grid=grid).isel(theta=0, z=0).item() == pytest.approx(0.5, abs=4e-4)
    ones = xr.ones_like(ds.u_z)
    assert fg.mean(ones * ds.r, "r", grid=grid).isel(theta=0, z=0).item() == pytest.approx(2 / 3, abs=2e-4)


def test_what_has_walls_is_not_closed() -> None:
    ds = CYLINDER.dataset(NODES)
    grid = fg.infer_grid(ds, geometry="cylindrical", boundary={"theta": "symmetric"})
    assert grid.axis("theta").period is None
    assert "inferred" not in repr(grid)


def test_least_squares_of_metrics_that_are_exact() -> None:
    ds = CYLINDER.dataset(NODES)
    axis = fg.infer_grid(ds, geometry="cylindrical", scheme="least_squares").axis("r")
    assert axis.scheme is not None
    assert fg.infer_grid(ds, geometry="cylindrical", scheme="least_squares").axis("theta").period == 2 * np.pi


def down(ds: xr.Dataset, dim: str, component: str) -> xr.Dataset:
    """The same flow with one coordinate, and the component along it, turned around."""
    return ds.assign_coords({dim: (dim, -ds[dim].values, ds[dim].attrs)}).assign(
        {component: (ds[component].dims, -ds[component].values)}
    )


@pytest.mark.parametrize(
    ("chart", "dim", "component"),
    [(CYLINDER, "z", "u_z"), pytest.param(SPHERE, "height", "w", marks=pytest.mark.slow)],
)
def test_axes_that_point_down(chart: Any, dim: str, component: str) -> None:
    nodes = NODES if chart is CYLINDER else [circle(12), stretched(-1.0, 1.1, 7), stretched(0.0, 1.0, 6)]
    ds = chart.dataset(nodes)
    turned = down(ds, dim, component)
    grid = fg.infer_grid(turned, geometry=chart.geometry, radius=2.0, positive={dim: "down"})
    assert grid.left_handed
    L, expected = fg.velocity_gradient(turned, grid=grid).values, fg.velocity_gradient(ds, grid=chart.grid(ds)).values
    sign = np.array([1.0, 1.0, -1.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(L, expected * sign[:, np.newaxis] * sign, rtol=0, atol=1e-13)


@pytest.mark.slow
def test_curl_and_poles_of_axes_that_point_down() -> None:
    nodes = [circle(12), np.linspace(-np.pi / 2, np.pi / 2, 9), stretched(0.0, 1.0, 6)]
    ds = SPHERE.dataset(nodes)
    for dim, component, signs in (("height", "w", (1, 1, -1)), ("lat", "v", (1, -1, 1)), ("lon", "u", (-1, 1, 1))):
        turned = down(ds, dim, component)
        grid = fg.infer_grid(turned, geometry="spherical", radius=2.0, positive={dim: "down"})
        w, expected = fg.curl(turned, grid=grid).values, fg.curl(ds, grid=SPHERE.grid(ds)).values
        assert np.isfinite(w).all()
        np.testing.assert_allclose(w, expected * np.reshape(signs, (3, 1, 1, 1)), rtol=0, atol=1e-12)


@pytest.mark.slow
def test_absolute_vorticity_below_the_surface() -> None:
    """In a left-handed ocean the vertical vorticity is still that about the upward vertical."""
    depth = xr.DataArray([0.0, 10.0, 30.0, 60.0], dims="depth", attrs={"units": "m", "positive": "down"})
    lat = xr.DataArray(np.linspace(10.0, 50.0, 7), dims="lat", attrs={"units": "degrees_north"})
    lon = xr.DataArray(np.linspace(-40.0, 0.0, 8), dims="lon", attrs={"units": "degrees_east"})
    ds = xr.Dataset(coords={"depth": depth, "lat": lat, "lon": lon})
    ds["u"] = 0.5 * np.cos(np.deg2rad(ds.lat)) * (1 - ds.depth / 100) + 0 * ds.lon
    ds["v"], ds["w"] = 0 * ds.u, 0 * ds.u
    for name in "uvw":
        ds[name].attrs = {"units": "m s-1"}
    with pytest.raises(ValueError, match=r"dimension 'depth' is positive down, while z points up.*positive="):
        fg.absolute_vorticity(ds)
    grid = fg.infer_grid(ds, positive={"depth": "down"})
    flat = fg.infer_grid(ds, axes={"z": None})
    found = fg.absolute_vorticity(ds, grid=grid)
    expected = fg.absolute_vorticity(ds[["u", "v"]], grid=flat)
    # the deeper a point, the nearer to the centre
    np.testing.assert_allclose(found.values, expected.values, rtol=2e-5, atol=1e-12)
