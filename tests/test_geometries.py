# SPDX-License-Identifier: BSD-3-Clause
"""Which geometry data have, which of their axes close on themselves, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.components import find_components
from fieldgrad.infer import require_lengths

LON, LAT = np.arange(0.0, 360.0, 30.0), np.linspace(-75.0, 75.0, 6)


def globe(lon: Any = LON, lat: Any = LAT, **others: tuple[Any, dict[str, str]]) -> xr.Dataset:
    """Wind on longitudes and latitudes in degrees, and further dimensions with attributes."""
    coords: dict[str, Any] = {
        "lat": ("lat", np.asarray(lat), {"units": "degrees_north"}),
        "lon": ("lon", np.asarray(lon), {"units": "degrees_east"}),
        **{dim: (dim, np.asarray(values), attrs) for dim, (values, attrs) in others.items()},
    }
    dims = [*others, "lat", "lon"]
    shape = [len(coords[dim][1]) for dim in dims]
    rng = np.random.default_rng(3)
    return xr.Dataset({name: (dims, rng.normal(size=shape), {"units": "m s-1"}) for name in "uv"}, coords)


def around(dims: str, **sizes: int) -> xr.DataArray:
    nodes = {"r": np.linspace(0.0, 1.0, 5), "theta": np.arange(8) * np.pi / 4, "z": np.linspace(0.0, 1.0, 4)}
    named = {dim: nodes[dim] for dim in dims.split()}
    return xr.DataArray(np.zeros([len(values) for values in named.values()]), named, list(named))


# ---------------------------------------------------------------------------------------------------------
# auto


def test_degrees_that_are_longitude_and_latitude_make_a_sphere() -> None:
    grid = fg.infer_grid(globe())
    assert grid.geometry == "spherical"
    assert (grid.names, grid.dims) == (("x", "y"), ("lon", "lat"))
    assert repr(grid).startswith(
        "<fieldgrad.Grid: spherical (inferred: latitude and longitude in degrees), radius 6.3712e+06, 2 axes>"
    )
    assert all(axis.obstacle is None for axis in grid.axes)
    found = fg.curl(globe())
    assert "spherical (inferred: latitude and longitude in degrees)" in found.attrs["fieldgrad_geometry"]
    assert found.attrs["units"] == "s-1"


@pytest.mark.parametrize(
    "attrs",
    [
        {
            "lon": {"standard_name": "longitude", "units": "degrees"},
            "lat": {"standard_name": "latitude", "units": "degrees"},
        },
        {"lon": {"units": "degreeE"}, "lat": {"units": "degree_N"}},
    ],
)
def test_other_ways_to_say_so(attrs: dict[str, dict[str, str]]) -> None:
    ds = globe()
    for dim, values in attrs.items():
        ds[dim].attrs = values
    assert fg.infer_grid(ds).geometry == "spherical"


def test_what_does_not_say_so_stays_cartesian() -> None:
    ds = globe()
    for dim in ("lon", "lat"):
        silent = ds.copy()
        silent[dim] = (dim, ds[dim].values)
        grid = fg.infer_grid(silent)
        assert grid.geometry == "cartesian"
        with pytest.raises(ValueError, match=r"infer_grid\(obj, geometry='spherical'\)"):
            require_lengths(grid)
    metres = ds.assign_coords(lon=("lon", LON, {"units": "m"}), lat=("lat", LAT, {"units": "m"}))
    assert fg.infer_grid(metres).geometry == "cartesian"
    assert fg.infer_grid(ds, geometry="cartesian").geometry == "cartesian"
    assert fg.infer_grid(ds.isel(lon=0)).geometry == "cartesian"


def test_names_alone_are_enough_where_the_geometry_is_named() -> None:
    ds = globe().drop_attrs()
    grid = fg.infer_grid(ds, geometry="spherical")
    assert [axis.units for axis in grid.axes] == ["degrees", "degrees"]
    np.testing.assert_array_equal(fg.curl(ds, grid=grid).values, fg.curl(globe()).values)
    small = ds.assign_coords(lon=np.linspace(0.0, 1.0, len(LON)), lat=np.linspace(0.0, 1.0, len(LAT)))
    with pytest.raises(ValueError, match=r"geometry: dimension 'lon' may be in degrees or in radians; say so"):
        fg.infer_grid(small, geometry="spherical")


def test_a_sphere_needs_angles() -> None:
    ds = globe().assign_coords(lon=("lon", LON, {"units": "km"}))
    with pytest.raises(ValueError, match=r"geometry: is 'spherical', but the coordinate of 'lon' is in km"):
        fg.infer_grid(ds, geometry="spherical")
    assert fg.infer_grid(globe().isel(lon=0), geometry="spherical").names == ("y",)
    line = xr.DataArray(np.zeros(4), {"z": np.arange(4.0)}, ["z"])
    with pytest.raises(ValueError, match=r"geometry: is 'spherical', but no dimension is a longitude or a latitude"):
        fg.infer_grid(line, geometry="spherical")


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"geometry": "oblate"}, ValueError, "geometry: got 'oblate'; it must be one of 'auto'"),
        ({"radius": -1.0}, ValueError, "radius: is -1.0; it must be positive"),
        ({"radius": float("nan")}, ValueError, "radius: is nan"),
        ({"radius": "big"}, TypeError, "radius: is 'big'; it must be a number"),
    ],
)
def test_arguments_are_checked(kwargs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fg.infer_grid(globe(), **kwargs)


# ---------------------------------------------------------------------------------------------------------
# circles


def test_a_longitude_all_around_is_periodic_and_said_to_be() -> None:
    grid = fg.infer_grid(globe())
    assert grid.axis("lon").period == 360.0
    assert "'lon' is periodic: 360 (inferred: 330 is followed by 0)" in repr(grid)
    shifted = globe(lon=LON - 180.0)
    assert "(inferred: 150 is followed by -180)" in repr(fg.infer_grid(shifted))
    np.testing.assert_allclose(fg.curl(shifted).values, fg.curl(globe()).values, rtol=1e-12)
    assert fg.infer_grid(globe(lon=LON[::-1])).axis("lon").period == 360.0
    uneven = np.sort(np.random.default_rng(0).uniform(0.0, 360.0, 40))
    assert fg.infer_grid(globe(lon=uneven)).axis("lon").period == 360.0


def test_rounded_longitudes_are_periodic_by_the_circle_itself() -> None:
    lon = (np.arange(96) * 3.75).astype(np.float32) + np.float32(0.1)
    for periodic in ((), ["lon"]):
        assert fg.infer_grid(globe(lon=lon), periodic=periodic).axis("lon").period == 360.0


def test_parts_of_a_circle_are_not_periodic() -> None:
    for lon in (LON[:-1], np.linspace(-20.0, 40.0, 7)):
        grid = fg.infer_grid(globe(lon=lon))
        assert grid.axis("lon").period is None
        assert "inferred:" not in repr(grid).split("\n", 1)[1]
    sector = around("r theta").isel(theta=slice(0, 4))
    assert fg.infer_grid(sector, geometry="polar").axis("theta").period is None
    given = fg.infer_grid(sector, geometry="polar", periodic=["theta"])
    assert given.axis("theta").period == pytest.approx(np.pi)


@pytest.mark.parametrize("periodic", [(), ["lon"]])
def test_a_duplicated_end_point_is_to_be_dropped(periodic: Any) -> None:
    with pytest.raises(
        ValueError, match=r"'lon' runs from 0 to 360, so the end point stands twice; drop it \(obj.isel"
    ):
        fg.infer_grid(globe(lon=np.arange(0.0, 361.0, 30.0)), periodic=periodic)
    theta = np.linspace(0.0, 2 * np.pi, 9)
    ring = xr.DataArray(np.zeros((5, 9)), {"r": np.linspace(0.0, 1.0, 5), "theta": theta}, ("r", "theta"))
    with pytest.raises(ValueError, match=r"'theta' runs from 0 to 6.28319, so the end point stands twice"):
        fg.infer_grid(ring, geometry="polar")


def test_more_than_a_turn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'lon' runs from 0 to 390, more than once around \(360\)"):
        fg.infer_grid(globe(lon=np.arange(0.0, 400.0, 30.0)))
    degrees = around("r theta").assign_coords(theta=np.arange(8) * 45.0)
    with pytest.raises(ValueError, match=r"more than once around .*; without units it is taken for radians"):
        fg.infer_grid(degrees, geometry="polar")
    degrees.theta.attrs["units"] = "degrees"
    assert fg.infer_grid(degrees, geometry="polar").axis("theta").period == 360.0


def test_latitudes_beyond_the_poles_are_refused() -> None:
    ds = globe(lat=np.linspace(10.0, 170.0, 6))
    with pytest.raises(ValueError, match=r"latitude 106 degrees of dimension 'lat' at index 3 lies beyond a pole"):
        fg.curl(ds)


def test_distances_from_the_axis_are_not_negative() -> None:
    across = around("r theta z").assign_coords(r=np.linspace(-1.0, 1.0, 5))
    with pytest.raises(ValueError, match=r"r is -1 in dimension 'r' at index 0; distances from the axis are not"):
        fg.gradient(across, grid=fg.infer_grid(across, geometry="cylindrical"))


# ---------------------------------------------------------------------------------------------------------
# heights


HEIGHTS = {"height": (np.array([0.0, 1.0, 3.0, 6.0]), {"units": "km"})}


@pytest.mark.slow
def test_heights_count_from_the_surface_in_their_own_unit() -> None:
    ds = globe(**HEIGHTS).assign(w=lambda ds: ds.u)
    grid = fg.infer_grid(ds)
    assert (grid.names, grid.geometry) == (("x", "y", "z"), "spherical")
    assert grid.system.radius == pytest.approx(6371.2)  # type: ignore[attr-defined]
    metres = ds.assign_coords(height=("height", 1e3 * HEIGHTS["height"][0], {"units": "m"}))
    L, other = fg.velocity_gradient(ds), fg.velocity_gradient(metres)
    np.testing.assert_allclose(other.values, L.values / 1e3, rtol=1e-10, atol=1e-18)
    assert "units" not in L.attrs or L.attrs["units"] == "m s-1 km-1"


@pytest.mark.slow
def test_heights_from_the_centre() -> None:
    ds = globe(**HEIGHTS)
    centre = ds.assign_coords(height=("height", HEIGHTS["height"][0] + 6371.2, {"units": "km"}))
    found = fg.gradient(centre.u, grid=fg.infer_grid(centre, radius=0.0))
    np.testing.assert_allclose(found.values, fg.gradient(ds.u).values, rtol=1e-9, atol=1e-15)


def test_heights_at_the_centre_are_refused() -> None:
    ds = globe(**HEIGHTS)
    with pytest.raises(ValueError, match=r"height 0 of dimension 'height' at index 0 lies at or below the centre"):
        fg.gradient(ds.u, grid=fg.infer_grid(ds, radius=0.0))
    flat = ds.u.isel(height=0)
    with pytest.raises(ValueError, match=r"has no direction of height, but the radius there is 0"):
        fg.gradient(flat, grid=fg.infer_grid(flat, radius=0.0))


@pytest.mark.parametrize(
    ("attrs", "reason"),
    [
        ({"units": "hPa"}, r"is a pressure coordinate \(hPa\)"),
        ({"standard_name": "atmosphere_sigma_coordinate"}, "is a vertical coordinate of model levels"),
        ({"units": "m", "positive": "down"}, "is positive down, while z points up"),
    ],
)
def test_levels_are_no_heights_and_the_horizontal_part_is_offered(attrs: dict[str, str], reason: str) -> None:
    ds = globe(lev=(np.array([1.0, 2.0, 4.0]), attrs))
    grid = fg.infer_grid(ds)
    assert grid.geometry == "spherical"
    with pytest.raises(ValueError, match=rf"^grid: dimension 'lev' {reason}.*or take the horizontal part") as caught:
        fg.velocity_gradient(ds)
    assert "infer_grid(obj, axes={'z': None})" in str(caught.value)
    flat = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, axes={"z": None}))
    assert flat.sizes["component"] == flat.sizes["direction"] == 2


def test_a_rate_of_pressure_is_no_vertical_velocity() -> None:
    ds = globe(**HEIGHTS)
    ds["w"] = ds.u.copy().assign_attrs(units="Pa s-1")
    with pytest.raises(ValueError, match=r"found \('u', 'v'\).*'w' is a rate of pressure and no velocity.*'z': None"):
        fg.velocity_gradient(ds)
    with pytest.raises(
        ValueError, match=r"'w' is a rate of pressure \(Pa s-1\) and no velocity along z; take the horiz"
    ):
        fg.velocity_gradient(ds, components=("u", "v", "w"))
    flat = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, axes={"z": None}))
    assert flat.component.values.tolist() == ["x", "y"]


# ---------------------------------------------------------------------------------------------------------
# around an axis


@pytest.mark.parametrize(
    ("names", "dims"),
    [
        (("r", "theta", "z"), None),
        (("radius", "azimuth", "axial"), None),
        (("rho", "phi", "height"), None),
        (("a", "b", "c"), {"r": "a", "theta": "b", "z": "c"}),
    ],
)
def test_directions_around_an_axis(names: tuple[str, str, str], dims: dict[str, str] | None) -> None:
    field = around("r theta z").rename(dict(zip(("r", "theta", "z"), names, strict=True))).transpose(*names[::-1])
    grid = fg.infer_grid(field, geometry="cylindrical", axes=dims)
    assert (grid.names, grid.dims) == (("r", "theta", "z"), names)
    assert grid.axis("theta").period == pytest.approx(2 * np.pi)


def test_times_are_no_directions_around_an_axis() -> None:
    moving = around("r theta").expand_dims(phi=np.array(["2001-01-01", "2001-01-02"], "M8[ns]"))
    assert fg.infer_grid(moving.rename(phi="z"), geometry="cylindrical").names == ("r", "theta")


def test_polar_has_no_third_direction() -> None:
    grid = fg.infer_grid(around("r theta z"), geometry="polar")
    assert (grid.names, grid.geometry) == (("r", "theta"), "polar")
    assert [axis.name for axis in grid.others] == ["z"]


def test_directions_are_those_of_the_geometry() -> None:
    with pytest.raises(ValueError, match=r"axes: 'x' is no direction; they are 'r', 'theta' and 'z'"):
        fg.infer_grid(around("r theta"), geometry="polar", axes={"x": "r"})
    with pytest.raises(ValueError, match=r"name them, axes=\{'r': dimension, 'theta': dimension\}"):
        fg.infer_grid(around("r theta").rename(r="i", theta="j"), geometry="polar")


@pytest.mark.parametrize(
    "names",
    [
        ("u_r", "u_theta", "u_z"),
        ("ur", "ut", "uz"),
        ("vr", "vtheta", "vz"),
        ("radial_velocity", "tangential_velocity", "axial_velocity"),
    ],
)
def test_components_around_an_axis(names: tuple[str, str, str]) -> None:
    field = around("r theta z")
    ds = xr.Dataset(dict.fromkeys(names, field))
    found = find_components(ds, fg.infer_grid(ds, geometry="cylindrical"))
    assert found.labels == ("r", "theta", "z")
    assert [one.name for one in found.fields] == list(names)


def test_u_v_w_tell_no_directions_around_an_axis() -> None:
    ds = xr.Dataset({name: around("r theta z") for name in "uvw"})
    grid = fg.infer_grid(ds, geometry="cylindrical")
    with pytest.raises(ValueError, match=r"components: found none .* in r, theta, z order"):
        find_components(ds, grid)
    assert find_components(ds, grid, ("w", "v", "u")).labels == ("r", "theta", "z")


def test_coordinates_of_ones_own() -> None:
    with pytest.raises(TypeError, match=r"scale_factors: is \(1.0, 1.0\); it must be a tuple of three"):
        fg.Orthogonal(("a", "b", "c"), "mine", (1.0, 1.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"directions: are \('a', 'a', 'c'\); they must be three different names"):
        fg.Orthogonal(("a", "a", "c"), "mine")
    system = fg.Orthogonal(("a", "b", "c"), "mine", (1.0, lambda a, b, c: -a, 1.0))
    field = xr.DataArray(np.zeros((4, 4)), {"a": np.arange(1.0, 5.0), "b": np.arange(4.0)}, ("a", "b"))
    grid = fg.infer_grid(field, geometry=system)
    assert fg.infer_grid(field.expand_dims(member=2), geometry=system).names == ("a", "b")
    assert repr(grid).startswith("<fieldgrad.Grid: mine coordinates a, b, c, 2 axes>")
    with pytest.raises(ValueError, match=r"geometry: the scale factor of 'b' is -1.0 somewhere; it must be positive"):
        fg.gradient(field, grid=grid)
