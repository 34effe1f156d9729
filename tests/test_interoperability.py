# SPDX-License-Identifier: BSD-3-Clause
"""Datasets as other packages lay them out, and results in their hands: look-alikes, and the packages where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

LAT, LON = np.linspace(30.0, 50.0, 9), np.linspace(-100.0, -80.0, 11)
SPEED, RADIUS = 30.0, 6.3712e6
RNG = np.random.default_rng(6)


class Projection:
    """Something that is no number, as MetPy keeps it in a scalar coordinate."""


def wind() -> xr.Dataset:
    """Return a rotation about the axis of the earth, whose vorticity is 2 U/R sin(latitude)."""
    north, east = {"units": "degrees_north", "axis": "Y"}, {"units": "degrees_east", "axis": "X"}
    ds = xr.Dataset(coords={"lat": ("lat", LAT, north), "lon": ("lon", LON, east)})
    ds["u"] = SPEED * np.cos(np.deg2rad(ds.lat)) + 0 * ds.lon
    ds["v"] = 0 * ds.u
    ds.u.attrs = {"units": "m/s", "standard_name": "eastward_wind"}
    ds.v.attrs = {"units": "m/s", "standard_name": "northward_wind"}
    return ds


VORTICITY = 2 * SPEED / RADIUS * np.sin(np.deg2rad(LAT))


def staggered() -> xr.Dataset:
    """Return velocities on faces with the attributes that xgcm reads, and a scalar at the centres; all repeats."""
    x, y, left = np.arange(8) + 0.5, np.arange(6) + 0.5, {"c_grid_axis_shift": -0.5}
    return xr.Dataset(
        {
            "u": (("y_c", "x_g"), RNG.standard_normal((6, 8))),
            "v": (("y_g", "x_c"), RNG.standard_normal((6, 8))),
            "eta": (("y_c", "x_c"), np.add.outer(3 * y, x**2)),
        },
        {
            "x_c": ("x_c", x, {"axis": "X"}),
            "x_g": ("x_g", x - 0.5, {"axis": "X", **left}),
            "y_c": ("y_c", y, {"axis": "Y"}),
            "y_g": ("y_g", y - 0.5, {"axis": "Y", **left}),
        },
    )


def piv(length: str = "pix", speed: str = "pix") -> xr.Dataset:
    """Return three frames in the layout of pivpy; frame t turns with (t + 1)/20, and flagged vectors are 99."""
    x, y = np.arange(32.0, 32 * 11, 32), np.arange(16.0, 16 * 9, 16)
    rate, flags = 0.05 * np.arange(1.0, 4.0), np.ones((8, 10, 3))
    flags[2, 3, 0] = flags[5, 5, 1] = flags[5, 6, 1] = 0.0
    u = -rate * y[:, np.newaxis, np.newaxis] + np.zeros((10, 1))
    v = rate * x[:, np.newaxis] + np.zeros((8, 1, 1))
    fields = {
        name: (("y", "x", "t"), np.where(flags > 0, field, 99.0), {"units": speed, "standard_name": f"{name}_velocity"})
        for name, field in (("u", u), ("v", v))
    }
    coords = {"x": ("x", x, {"units": length}), "y": ("y", y, {"units": length})}
    return xr.Dataset(
        fields | {"chc": (("y", "x", "t"), flags, {"standard_name": "validity_flag"})},
        coords | {"t": ("t", np.arange(3.0), {"units": "frame"})},
        {"delta_t": 0.0, "files": [], "pivpy_schema_version": "1"},
    )


def test_what_metpy_parsed() -> None:
    """A scalar coordinate of any type is handed on."""
    crs = Projection()
    ds = wind().assign_coords(metpy_crs=xr.DataArray(np.array(crs, dtype=object)))
    out = fg.derive(ds, ["vorticity", "divergence"])
    assert out.vorticity.metpy_crs.item() is crs
    np.testing.assert_allclose(out.vorticity, VORTICITY[:, np.newaxis] + 0 * LON, rtol=2e-3)


def test_what_metpy_quantified_and_back() -> None:
    """Quantities on a sphere, and the spelling of units that comes of them."""
    ureg = pytest.importorskip("pint").UnitRegistry()
    ds = wind()
    quantified = ds.assign({n: (ds[n].dims, ureg.Quantity(ds[n].values, "m/s"), {}) for n in "uv"})
    found = fg.curl(quantified, components=("u", "v")).data
    assert found.units == ureg.Unit("1/s")
    np.testing.assert_array_equal(found.magnitude, fg.curl(ds).values)
    spelled = ds.assign({n: ds[n].assign_attrs(units="meter / second") for n in "uv"})
    assert fg.curl(spelled).attrs["units"] == "s-1"


def test_metpy() -> None:
    pytest.importorskip("metpy.calc", reason="MetPy is not installed")
    ds = wind()
    parsed = ds.metpy.parse_cf()
    plain = fg.curl(parsed)
    np.testing.assert_array_equal(plain.values, fg.curl(ds).values)
    assert plain.metpy.crs == parsed.metpy_crs.item()
    assert str(plain.metpy.quantify().metpy.units) == "1 / second"
    quantified = fg.curl(parsed.metpy.quantify())
    assert str(quantified.metpy.units) == "1 / second"
    np.testing.assert_array_equal(quantified.metpy.dequantify().values, plain.values)
    projected = ds.rename(lat="y", lon="x").assign_coords(
        x=("x", 1e4 * np.arange(11), {"units": "m", "standard_name": "projection_x_coordinate"}),
        y=("y", 1e4 * np.arange(9), {"units": "m", "standard_name": "projection_y_coordinate"}),
    )
    lambert = projected.metpy.assign_crs(grid_mapping_name="lambert_conformal_conic", standard_parallel=[30.0, 50.0])
    assert fg.infer_grid(lambert).geometry == "cartesian"


def test_what_xgcm_reads() -> None:
    """Scalars at the centres have gradients; velocities on faces are refused, and brought to the centres."""
    ds = staggered()
    gradient = fg.gradient(ds.eta)
    assert gradient.dims == ("component", "y_c", "x_c")
    np.testing.assert_allclose(gradient.sel(component="x"), 0 * ds.y_c + 2 * ds.x_c, rtol=1e-12)
    np.testing.assert_allclose(gradient.sel(component="y"), 3.0, rtol=1e-12)
    with pytest.raises(ValueError, match=r"'u' lies on \('y_c', 'x_g'\) and 'v' on \('y_g', 'x_c'\).*fg\.collocate"):
        fg.curl(ds)
    flow = fg.collocate(ds, periodic=["x_g", "y_g"])
    assert flow.u.dims == flow.v.dims == ("y_c", "x_c")
    np.testing.assert_allclose(flow.u, (ds.u.values + np.roll(ds.u.values, -1, 1)) / 2, rtol=1e-13)
    np.testing.assert_allclose(flow.v, (ds.v.values + np.roll(ds.v.values, -1, 0)) / 2, rtol=1e-13)
    assert fg.curl(flow).dims == ("y_c", "x_c")


def test_xgcm() -> None:
    xgcm = pytest.importorskip("xgcm", reason="xgcm is not installed")
    ds = staggered()
    grid = xgcm.Grid(ds, padding="periodic")
    flow = fg.collocate(ds, periodic=["x_g", "y_g"])
    np.testing.assert_allclose(flow.u, grid.interp(ds.u, "X").transpose("y_c", "x_c"), rtol=1e-13)
    np.testing.assert_allclose(flow.v, grid.interp(ds.v, "Y").transpose("y_c", "x_c"), rtol=1e-13)


def test_the_layout_of_pivpy() -> None:
    """Frames are no direction, flags differ from frame to frame, and no value is taken from a flagged vector."""
    ds = piv()
    good = ds.chc > 0
    vorticity = fg.curl(ds, grid=fg.infer_grid(ds, mask=good, missing="adapt"))
    assert vorticity.dims == ("y", "x", "t")
    np.testing.assert_array_equal(vorticity.notnull(), good)
    for t, rate in enumerate((0.05, 0.1, 0.15)):
        np.testing.assert_allclose(vorticity.where(good, 2 * rate).isel(t=t), 2 * rate, rtol=1e-12)
    # the flags as they stand are a mask
    xr.testing.assert_equal(vorticity, fg.curl(ds, grid=fg.infer_grid(ds, mask="chc", missing="adapt")))


@pytest.mark.parametrize(
    ("length", "speed", "wanted"), [("pix", "pix", "1"), ("m", "m/s", "s-1"), ("mm", "mm/s", "s-1"), ("mm", "mm", "1")]
)
def test_units_of_pivpy(length: str, speed: str, wanted: str) -> None:
    assert fg.curl(piv(length, speed)).attrs["units"] == wanted


def test_rows_of_an_image() -> None:
    ds = piv().where(lambda field: field.chc > 0)[["u", "v"]].isel(t=2)
    down = fg.infer_grid(ds, positive={"y": "down"})
    xr.testing.assert_allclose(fg.curl(ds, grid=down), -fg.curl(ds))


def test_cf_xarray() -> None:
    pytest.importorskip("cf_xarray")
    ds = wind()
    out = fg.derive(ds.rename(lat="rows", lon="columns").cf[["eastward_wind", "northward_wind"]], "vorticity")
    np.testing.assert_array_equal(out.vorticity.values, fg.curl(ds).values)
    assert out.cf["atmosphere_upward_relative_vorticity"].name == "vorticity"
    assert out.vorticity.cf.isel(X=3).dims == ("rows",)
    assert out.vorticity.cf.mean("longitude").dims == ("rows",)


def test_pictures_of_xarray() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    image = fg.curl(wind()).plot()
    assert image.colorbar.ax.get_ylabel() == "vorticity [s-1]"
    pyplot.close("all")


def test_hvplot() -> None:
    pytest.importorskip("hvplot.xarray", reason="hvplot is not installed")
    vorticity = fg.curl(wind())
    image: Any = vorticity.hvplot.quadmesh(x="lon", y="lat")
    assert (image.vdims[0].name, image.vdims[0].unit) == (vorticity.name, "s-1")
    np.testing.assert_array_equal(image.dimension_values(2, flat=False), vorticity.values)


@pytest.mark.parametrize("kind", ["nc", "zarr"])
def test_files_of_xarray(tmp_path: Path, kind: str) -> None:
    """What a result was computed by is still there when it is read again."""
    pytest.importorskip("netCDF4" if kind == "nc" else "zarr")
    out = fg.derive(wind(), ["vorticity", "divergence"])
    path = tmp_path / f"out.{kind}"
    if kind == "nc":
        out.to_netcdf(path, engine="netcdf4")
        read = xr.load_dataset(path, engine="netcdf4")
    else:
        out.to_zarr(path, consolidated=False)
        read = xr.open_zarr(path, consolidated=False, chunks=None).load()
    xr.testing.assert_identical(read, out)
    assert "spherical" in read.vorticity.attrs["fieldgrad_geometry"]
