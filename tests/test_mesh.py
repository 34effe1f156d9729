# SPDX-License-Identifier: BSD-3-Clause
"""Which coordinates of two and three dimensions make a grid, without any kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.components import find_components
from fieldgrad.curvilinear import Curvilinear
from fieldgrad.infer import infer_grid, require_lengths

EAST, NORTH = {"units": "degrees_east"}, {"units": "degrees_north"}


def angles(nj: int = 5, ni: int = 6) -> tuple[np.ndarray, np.ndarray]:
    j, i = np.meshgrid(np.arange(nj), np.arange(ni), indexing="ij")
    return 10.0 + i + 0.2 * j, 40.0 + j - 0.1 * i


def model(lon: str, lat: str, dims: tuple[str, str], attrs: Any = (EAST, NORTH), **coords: Any) -> xr.Dataset:
    a, b = angles()
    fields = {name: (dims, value) for name, value in (("u", a * b), ("v", a - b))}
    return xr.Dataset(fields, {lon: (dims, a, attrs[0]), lat: (dims, b, attrs[1])} | coords)


def system(grid: fg.Grid) -> Curvilinear:
    assert isinstance(grid.system, Curvilinear)
    return grid.system


@pytest.mark.parametrize(
    ("lon", "lat", "dims"),
    [
        ("XLONG", "XLAT", ("south_north", "west_east")),
        ("nav_lon", "nav_lat", ("y", "x")),
        ("lon_rho", "lat_rho", ("eta_rho", "xi_rho")),
        ("XC", "YC", ("j", "i")),
        ("TLONG", "TLAT", ("nlat", "nlon")),
    ],
)
def test_models_are_understood(lon: str, lat: str, dims: tuple[str, str]) -> None:
    grid = infer_grid(model(lon, lat, dims))
    assert grid.geometry == "curvilinear"
    assert grid.names == ("x", "y")
    assert grid.dims == dims[::-1]
    assert system(grid).sphere is not None
    assert f"x is {lon!r} ({', '.join(dims)})" in repr(grid)
    np.testing.assert_allclose(system(grid).positions[1][..., 0].T, np.deg2rad(angles()[1]))  # type: ignore[index]
    require_lengths(grid)


def test_names_alone_tell_but_not_the_units() -> None:
    ds = model("nav_lon", "nav_lat", ("y", "x"), ({}, {}))
    grid = infer_grid(ds)
    assert system(grid).sphere is None
    with pytest.raises(ValueError, match=r"dimension 'x' has the coordinate 'nav_lon', which is a longitude, which is"):
        require_lengths(grid)
    assert system(infer_grid(ds, geometry="spherical")).sphere is not None
    small = ds.assign_coords(nav_lon=ds.nav_lon / 60, nav_lat=ds.nav_lat / 60)
    with pytest.raises(ValueError, match=r"geometry: 'nav_lon' may be in degrees or in radians; say so"):
        infer_grid(small, geometry="spherical")
    with pytest.raises(ValueError, match=r"geometry: is 'spherical', but the longitude is in km"):
        infer_grid(model("x", "y", ("j", "i"), ({"units": "km"}, {"units": "km"})), geometry="spherical")


def test_counts_of_points_are_no_positions_and_lengths_are() -> None:
    ds = model("lon", "lat", ("y", "x"))
    counted = ds.assign_coords(x=np.arange(6), y=np.arange(1.0, 6.0))
    assert infer_grid(counted).geometry == "curvilinear"
    projected = ds.assign_coords(
        x=("x", 3e3 * np.arange(6), {"units": "m"}), y=("y", 3e3 * np.arange(5), {"units": "m"})
    )
    assert infer_grid(projected).geometry == "cartesian"
    named = infer_grid(projected, axes={"x": "lon", "y": "lat"})
    assert named.geometry == "curvilinear"
    assert "inferred" not in repr(named)
    # steps that the caller knows count before coordinates of two dimensions
    assert infer_grid(ds, spacing={"x": 1.0, "y": 1.0}).geometry == "cartesian"


def test_times_of_coordinates_do_not_matter_unless_the_grid_moves() -> None:
    ds = model("XLONG", "XLAT", ("south_north", "west_east"))
    moving = xr.concat([ds, ds], dim="Time", coords="all")
    assert moving.XLONG.dims == ("Time", "south_north", "west_east")
    assert infer_grid(moving).dims == ("west_east", "south_north")
    drifting = moving.XLONG + xr.DataArray([0.0, 0.1], dims="Time")
    moving = moving.assign_coords(XLONG=drifting.transpose(*moving.XLONG.dims).assign_attrs(EAST))
    with pytest.raises(ValueError, match=r"grid: the coordinate 'XLONG' changes along 'Time', so that the grid moves"):
        infer_grid(moving)


def test_variables_that_are_no_coordinates_yet() -> None:
    ds = model("lon", "lat", ("y", "x")).reset_coords()
    assert infer_grid(ds).geometry == "curvilinear"  # they say themselves what they are
    # what was computed from a coordinate may have its attributes still, and is none
    ds = model("lon", "lat", ("y", "x"))
    ds.u.attrs.update(NORTH)
    assert "y is 'lat'" in repr(infer_grid(ds))
    plain = model("a", "b", ("y", "x"), ({}, {})).reset_coords()
    with pytest.raises(ValueError, match=r"no coordinate, so the spacing is not known"):
        infer_grid(plain)
    assert infer_grid(plain, axes={"x": "a", "y": "b"}).geometry == "curvilinear"
    listed = model("x_rho", "y_rho", ("eta", "xi"), ({}, {})).reset_coords()
    listed.u.attrs["coordinates"] = "x_rho y_rho"
    grid = infer_grid(listed)
    assert (grid.geometry, system(grid).sphere) == ("curvilinear", None)


def test_ambiguous_coordinates_are_named() -> None:
    ds = model("lon", "lat", ("y", "x")).assign_coords(lon_2=(("y", "x"), angles()[0], EAST))
    with pytest.raises(ValueError, match=r"axes: the coordinates 'lon' and 'lon_2' claim to be x alike; say which is"):
        infer_grid(ds)
    assert infer_grid(ds, axes={"x": "lon_2"}).geometry == "curvilinear"
    bounded = model("lon", "lat", ("y", "x"), (EAST | {"bounds": "lon_b"}, NORTH))
    bounded = bounded.assign_coords(lon_b=(("y", "x", "four"), np.zeros((5, 6, 4)), EAST))
    assert infer_grid(bounded).geometry == "curvilinear"


def test_heights_join_what_else_there_is() -> None:
    a, _ = angles()
    z = np.arange(4.0)[:, None, None] * (10 + a)
    ds = model("x", "y", ("j", "i"), ({"units": "m"}, {"units": "m"}), z=(("k", "j", "i"), z, {"units": "m"}))
    ds["w"] = (("k", "j", "i"), z)
    grid = infer_grid(ds)
    assert (grid.names, grid.dims) == (("x", "y", "z"), ("i", "j", "k"))
    assert system(grid).counted == (0, 1, 2)
    assert system(grid).length == "m"
    plane = infer_grid(ds, axes={"z": None})
    assert plane.names == ("x", "y")
    straight = ds.drop_vars(["x", "y"]).assign_coords(i=3.0 * np.arange(6) ** 2, j=np.arange(5.0) / 3)
    grid = infer_grid(straight, axes={"x": "i", "y": "j"})
    assert system(grid).counted == (2,)
    assert grid.axis("i").nodes[-1] == 75.0
    levels = ds.drop_vars("z").assign_coords(k=("k", np.arange(4.0), {"units": "m", "axis": "Z"}))
    grid = infer_grid(levels)
    assert system(grid).counted == (0, 1)
    pressures = ds.drop_vars("z").assign_coords(k=("k", 1000 - 100 * np.arange(4.0), {"units": "hPa"}))
    with pytest.raises(ValueError, match=r"'k' is a pressure coordinate"):
        require_lengths(infer_grid(pressures))
    surface = model("x", "y", ("j", "i"), ({}, {}), height=(("j", "i"), a))
    assert infer_grid(surface).names == ("x", "y")


def test_a_longitude_of_its_own_beside_latitudes_of_two_dimensions() -> None:
    lon, (_, lat) = 10.0 + 2.0 * np.arange(6), angles()
    ds = xr.Dataset({"u": (("y", "lon"), lat)}, {"lon": ("lon", lon, EAST), "lat": (("y", "lon"), lat, NORTH)})
    grid = infer_grid(ds)
    assert system(grid).sphere is not None
    assert system(grid).counted == (1,)
    east, north, _ = system(grid).positions
    np.testing.assert_allclose(east, np.deg2rad(lon).reshape(-1, 1, 1))  # type: ignore[arg-type]
    np.testing.assert_allclose(north[..., 0], np.deg2rad(lat).T)  # type: ignore[index]
    require_lengths(grid)


def test_what_is_said_to_be_cartesian_is_on_no_sphere() -> None:
    metres = model("x", "y", ("j", "i"), ({"units": "m"}, {"units": "m"}))
    assert system(infer_grid(metres, geometry="cartesian")).sphere is None
    grid = infer_grid(model("lon", "lat", ("j", "i")), geometry="cartesian")
    assert system(grid).sphere is None
    with pytest.raises(ValueError, match=r"dimension 'i' has the coordinate 'lon', which is a longitude"):
        require_lengths(grid)


def terrain(level: Any = None, **lon: Any) -> xr.Dataset:
    """Heights over a line of points that have positions of their own."""
    z = np.arange(4.0)[:, None] * (10 + np.arange(6.0))
    ds = xr.Dataset({"w": (("k", "s"), z)}, {"s": ("s", 3.0 * np.arange(6), lon), "z": (("k", "s"), z, {"units": "m"})})
    return ds if level is None else ds.assign_coords(k=("k", *level))


def test_a_sphere_needs_both_angles() -> None:
    ds = terrain(**EAST)
    grid = infer_grid(ds)
    assert (grid.names, system(grid).sphere) == (("x", "z"), None)
    with pytest.raises(ValueError, match=r"dimension 's' is a longitude"):
        require_lengths(grid)
    with pytest.raises(ValueError, match=r"geometry: is 'spherical', but there is no latitude; name it"):
        infer_grid(ds, geometry="spherical")


def test_levels_that_are_heights_need_no_other_ones() -> None:
    x = {"axis": "X", "units": "m"}
    assert infer_grid(terrain(**x)).geometry == "curvilinear"
    assert infer_grid(terrain(([1000.0, 900.0, 700.0, 500.0], {"units": "hPa"}), **x)).geometry == "curvilinear"
    heights = infer_grid(terrain(([0.0, 10.0, 30.0, 60.0], {"units": "m", "axis": "Z"}), **x))
    assert (heights.geometry, heights.dims) == ("cartesian", ("s", "k"))


def test_steps_that_are_not_one_and_projections_are_positions() -> None:
    ds = model("lon", "lat", ("y", "x"))
    assert infer_grid(ds.assign_coords(x=0.5 * np.arange(6), y=0.5 * np.arange(5))).geometry == "cartesian"
    projected = ds.assign_coords(
        {
            dim: (dim, np.arange(float(n)), {"standard_name": f"projection_{dim}_coordinate"})
            for dim, n in (("x", 6), ("y", 5))
        }
    )
    assert infer_grid(projected).geometry == "cartesian"


def test_dimensions_of_another_variable_may_claim_a_direction_too() -> None:
    ds = model("lon", "lat", ("y", "x")).expand_dims(lev=3, ilev=4)
    for dim, n in (("lev", 3), ("ilev", 4)):
        ds = ds.assign_coords({dim: (dim, np.arange(float(n)), {"axis": "Z", "units": "m"})})
    with pytest.raises(ValueError, match=r"dimensions .*lev' and .*lev' claim to be z alike; .*axes=\{'z': "):
        infer_grid(ds)
    grid = infer_grid(ds, axes={"z": "lev"})
    assert (grid.geometry, grid.dims) == ("curvilinear", ("x", "y", "lev"))
    assert infer_grid(ds, axes={"z": None}).dims == ("x", "y")


def test_units_that_differ_and_what_is_no_length() -> None:
    ds = model("x", "y", ("j", "i"), ({"units": "m"}, {"units": "km"}))
    with pytest.raises(ValueError, match=r"'j' has positions in km, while those along 'x' are in m"):
        require_lengths(infer_grid(ds))
    a, _ = angles()
    depth = (("k", "j", "i"), np.arange(3.0)[:, None, None] + a, {"positive": "down", "units": "m", "axis": "Z"})
    deep = model("x", "y", ("j", "i"), ({"units": "m"}, {"units": "m"}), depth=depth)
    with pytest.raises(ValueError, match=r"dimension 'k' has the coordinate 'depth', which is positive down"):
        require_lengths(infer_grid(deep))


def test_what_does_not_make_a_grid() -> None:
    ds = model("lon", "lat", ("y", "x"))
    with pytest.raises(ValueError, match=r"axes: 'lon' \('y', 'x'\) do not make a grid: it needs as many coordinates"):
        infer_grid(ds, axes={"x": "lon", "y": None})
    slanted = ds.assign_coords(lat=(("k", "y", "x"), angles()[1] + np.arange(3.0)[:, None, None], NORTH))
    with pytest.raises(ValueError, match=r"axes: 'lon' \('y', 'x'\) do not make a grid"):
        infer_grid(slanted, axes={"x": "lon"})
    levels = model("x", "y", ("j", "i"), ({"units": "m"}, {"units": "m"}))
    levels = levels.expand_dims(k=4).assign_coords(k=("k", np.arange(4.0), {"units": "m", "axis": "Z"}))
    with pytest.raises(ValueError, match=r"after a turn along 'i' z changes by 1, but it does not depend on 'i'"):
        infer_grid(levels, periodic={"i": (6.0, 0.0, 1.0)})
    line = ds.assign_coords(s=("x", np.arange(6.0) ** 2))
    with pytest.raises(ValueError, match=r"axes: 's' \(for x\) is no dimension of the data and lies along \('x',\)"):
        infer_grid(line, axes={"x": "s"})
    for argument in ({"boundary": {"x": 0.0}}, {"scheme": "least_squares"}, {"positive": {"y": "down"}}):
        with pytest.raises(ValueError, match=rf"{next(iter(argument))}: is not understood on a curvilinear grid"):
            infer_grid(ds, **argument)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"an axis around a sphere closes on itself; name that dimension alone"):
        infer_grid(ds, periodic={"x": 360.0})


def test_components_along_grid_lines_are_refused_on_a_sphere() -> None:
    ds = model("lon", "lat", ("y", "x"))
    grid = infer_grid(ds)
    assert find_components(ds, grid).labels == ("x", "y")
    for name, standard in (("u", "sea_water_x_velocity"), ("v", "sea_water_y_velocity")):
        ds[name].attrs["standard_name"] = standard
    with pytest.raises(
        ValueError, match=r"components: 'u' has the standard_name 'sea_water_x_velocity', along the lines"
    ):
        find_components(ds, grid)
    for name, standard in (("u", "eastward_wind"), ("v", "northward_wind")):
        ds[name].attrs["standard_name"] = standard
    assert find_components(ds, grid).labels == ("x", "y")


def test_coriolis_parameter_of_two_dimensional_latitudes() -> None:
    ds = model("lon", "lat", ("y", "x"))
    f = fg.coriolis_parameter(ds)
    assert f.dims == ("y", "x")
    np.testing.assert_allclose(f.values, 2 * 7.292115e-5 * np.sin(np.deg2rad(angles()[1])), rtol=1e-14)
    assert {"lon", "lat"} <= set(f.coords)
