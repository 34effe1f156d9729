# SPDX-License-Identifier: BSD-3-Clause
"""Coriolis parameter, absolute vorticity, Rossby number and frontogenesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

RADIUS, ROTATION = 6.3712e6, 7.292115e-5


def globe(count: int = 12, **kwargs: Any) -> xr.Dataset:
    """A solid-body rotation and a wave, with a temperature."""
    lat, lon = np.linspace(-80.0, 80.0, count + 1), np.arange(2 * count) * (180.0 / count)
    phi, lam = np.meshgrid(np.deg2rad(lat), np.deg2rad(lon), indexing="ij")
    fields = {
        "u": 30.0 * np.cos(phi) + 5 * np.sin(phi) * np.cos(2 * lam),
        "v": 8.0 * np.cos(phi) * np.sin(2 * lam),
        "theta": 300 - 40 * np.sin(phi) ** 2 + 3 * np.cos(phi) * np.cos(lam),
    }
    units = {"u": "m s-1", "v": "m s-1", "theta": "K"}
    return xr.Dataset(
        {name: (("lat", "lon"), values, {"units": units[name]}) for name, values in fields.items()},
        {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
    )


def test_coriolis_parameter() -> None:
    ds = globe()
    f = fg.coriolis_parameter(ds)
    assert f.dims == ("lat",)
    assert f.attrs["units"] == "s-1"
    assert f.attrs["standard_name"] == "coriolis_parameter"
    np.testing.assert_allclose(f.values, 2 * ROTATION * np.sin(np.deg2rad(ds.lat.values)), rtol=1e-14)
    assert (fg.coriolis_parameter(ds, rotation=1.0) == 2 * np.sin(np.deg2rad(ds.lat))).all()


def test_absolute_vorticity_and_rossby_number() -> None:
    ds = globe()
    w, f = fg.curl(ds), fg.coriolis_parameter(ds)
    total = fg.absolute_vorticity(ds)
    assert total.dims == ds.u.dims
    assert total.attrs["units"] == "s-1"
    np.testing.assert_array_equal(total.values, (w + f).values)
    ratio = fg.rossby_number(ds)
    assert ratio.attrs["units"] == "1"
    with np.errstate(divide="ignore"):
        expected = np.where(f.values[:, np.newaxis] == 0, np.nan, w.values / f.values[:, np.newaxis])
    np.testing.assert_array_equal(ratio.values, expected)
    assert np.isnan(ratio.sel(lat=0.0)).all()
    slow = fg.absolute_vorticity(ds, rotation=0.0)
    np.testing.assert_array_equal(slow.values, w.values)
    # CF has a name for that of winds, and of no other velocity
    assert "standard_name" not in total.attrs
    for name, words in (("u", "eastward"), ("v", "northward")):
        ds[name].attrs["standard_name"] = f"{words}_wind"
    assert fg.absolute_vorticity(ds).attrs["standard_name"] == "atmosphere_upward_absolute_vorticity"


@pytest.mark.slow
def test_vertical_component_of_flows_in_space() -> None:
    heights = xr.DataArray([0.0, 100.0, 400.0], dims="height", attrs={"units": "m"})
    ds = globe().expand_dims(height=heights)
    ds["w"] = xr.zeros_like(ds.u)
    total = fg.absolute_vorticity(ds)
    assert total.dims == ds.u.dims
    np.testing.assert_array_equal(
        total.values, (fg.curl(ds).sel(component="z") + fg.coriolis_parameter(ds)).transpose(*ds.u.dims).values
    )


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
def test_precision_and_laziness_are_kept(dtype: Any) -> None:
    pytest.importorskip("dask.array")
    ds = globe().astype(dtype)
    lazy = ds.chunk(lat=5, lon=7)
    for call in (fg.absolute_vorticity, fg.rossby_number, lambda obj: fg.frontogenesis(obj.theta, obj)):
        eager, found = call(ds), call(lazy)
        assert eager.dtype == dtype
        assert found.chunks == lazy.u.chunks
        np.testing.assert_array_equal(found.compute(scheduler="synchronous").values, eager.values)


def test_methods_are_the_functions() -> None:
    ds = globe()
    xr.testing.assert_identical(ds.fieldgrad.coriolis_parameter(rotation=1.0), fg.coriolis_parameter(ds, rotation=1.0))
    xr.testing.assert_identical(ds.fieldgrad.absolute_vorticity(rotation=1.0), fg.absolute_vorticity(ds, rotation=1.0))
    xr.testing.assert_identical(ds.fieldgrad.rossby_number(rotation=1.0), fg.rossby_number(ds, rotation=1.0))
    xr.testing.assert_identical(ds.theta.fieldgrad.frontogenesis(ds), fg.frontogenesis(ds.theta, ds))


def test_frontogenesis_is_the_rate_at_which_the_gradient_grows() -> None:
    """Of a scalar that a steady strain carries, exactly, and of L and the gradient on the sphere."""
    x, y = np.linspace(0.0, 1.0, 6), np.linspace(0.0, 2.0, 7) ** 1.1
    flow = fg.flows.pure_strain(x, y, rates=(0.3, -0.7)).dataset
    # f = a x + b y becomes a exp(-0.3 t) x + b exp(0.7 t) y
    f = (2 * flow.x - 3 * flow.y).transpose(*flow.u.dims)
    expected = (-0.3 * 2**2 + 0.7 * 3**2) / np.hypot(2, 3)
    np.testing.assert_allclose(fg.frontogenesis(f, flow).values, expected, rtol=1e-12)
    assert (fg.frontogenesis(xr.ones_like(f), flow) == 0).all()
    ds = globe()
    found = fg.frontogenesis(ds.theta, ds)
    assert found.attrs["units"] == "K m-1 s-1"
    g, L = fg.gradient(ds.theta).values, fg.velocity_gradient(ds).values
    exact = -np.einsum("i...,ij...,j...->...", g, L, g) / np.sqrt((g**2).sum(axis=0))
    np.testing.assert_allclose(found.values, exact, rtol=0, atol=1e-12 * abs(exact).max())


@pytest.mark.slow
def test_frontogenesis_by_the_angle_to_the_axis_of_dilatation() -> None:
    ds = globe()
    found, g = fg.frontogenesis(ds.theta, ds), fg.gradient(ds.theta).values
    shear = fg.derive(ds, ["divergence", "total_deformation", "stretching_deformation", "shearing_deformation"])
    angle = np.arctan2(shear.shearing_deformation, shear.stretching_deformation) / 2
    # beta lies between the axis of dilatation and the isolines, which are normal to the gradient
    beta = angle - (np.arctan2(g[1], g[0]) - np.pi / 2)
    miller = np.hypot(*g) / 2 * (shear.total_deformation * np.cos(2 * beta) - shear.divergence)
    np.testing.assert_allclose(found.values, miller.values, rtol=0, atol=1e-12 * abs(found).max().item())


@pytest.mark.parametrize("call", [fg.coriolis_parameter, fg.absolute_vorticity, fg.rossby_number])
def test_latitudes_are_needed(call: Callable[..., Any]) -> None:
    flow = fg.flows.pure_strain([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], rates=(1.0, -1.0)).dataset
    with pytest.raises(ValueError, match=r"grid: is cartesian, and the rotation of the earth needs latitudes"):
        call(flow)
    with pytest.raises(TypeError, match="obj: is a ndarray"):
        call(np.zeros(3))
    line = globe().isel(lat=0, drop=True)
    with pytest.raises(
        ValueError, match="grid: has no direction y, along which the latitude runs; keep that dimension"
    ):
        call(line, grid=fg.infer_grid(line, geometry="spherical"))


def test_latitudes_are_those_of_the_data() -> None:
    with pytest.raises(ValueError, match="grid: dimension 'lat' of 13 points is not that of the data; infer it from"):
        fg.coriolis_parameter(globe().isel(lat=slice(5)), grid=fg.infer_grid(globe()))


def test_units_must_fit() -> None:
    ds = globe()
    for name in "uv":
        ds[name].attrs["units"] = "km h-1"
    with pytest.raises(ValueError, match=r"obj: its vorticity is in km h-1 m-1, to which the Coriolis parameter"):
        fg.absolute_vorticity(ds)


def test_frontogenesis_is_horizontal() -> None:
    heights = xr.DataArray([0.0, 100.0, 400.0], dims="height", attrs={"units": "m"})
    ds = globe().expand_dims(height=heights)
    with pytest.raises(ValueError, match=r"grid: has 3 directions \(x, y, z\), and frontogenesis.*axes=\{'z': None\}"):
        fg.frontogenesis(ds.theta, ds)
    flat = fg.infer_grid(ds, axes={"z": None})
    found = fg.frontogenesis(ds.theta, ds, grid=flat)
    np.testing.assert_array_equal(found.isel(height=0).values, fg.frontogenesis(globe().theta, globe()).values)
    with pytest.raises(ValueError, match=r"velocity: its component x lacks a dimension of theta; repeat it"):
        fg.frontogenesis(ds.theta, globe(), grid=flat)
    with pytest.raises(TypeError, match=r"f: is complex"):
        fg.frontogenesis(ds.theta * 1j, ds, grid=flat)


def test_metpy_agrees() -> None:
    """Inside, since MetPy takes other edges, and to second order, since it differentiates its map factors too."""
    mpcalc = pytest.importorskip("metpy.calc")

    def difference(count: int) -> float:
        ds = globe(count)
        found = fg.derive(ds, ["vorticity", "divergence"])
        inside = {"lat": slice(count // 6, -count // 6), "lon": slice(2, -2)}
        parsed = ds.metpy.assign_crs(grid_mapping_name="latitude_longitude", earth_radius=RADIUS).metpy.quantify()
        errors = []
        for name, function in (("vorticity", mpcalc.vorticity), ("divergence", mpcalc.divergence)):
            theirs = function(parsed.u, parsed.v).metpy.dequantify()
            ours = found[name].isel(inside)
            errors.append(float(abs(theirs.isel(inside).values - ours.values).max() / abs(ours.values).max()))
        return max(errors)

    coarse, fine = difference(30), difference(60)
    assert fine < 5e-3
    assert coarse / fine > 3.4
    parsed = globe().metpy.quantify()
    theirs = np.asarray(mpcalc.coriolis_parameter(parsed.lat).metpy.dequantify())
    np.testing.assert_allclose(theirs, fg.coriolis_parameter(parsed.metpy.dequantify()).values, rtol=1e-6)
