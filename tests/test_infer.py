# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.grid import Grid
from fieldgrad.infer import axis_of, infer_axis, infer_grid, require_lengths


def data(**coords: Any) -> xr.DataArray:
    """Zeros on dimensions with coordinates (values or a pair of values and attributes) or just a length."""
    shape, made = [], {}
    for dim, given_ in coords.items():
        if isinstance(given_, int):
            shape.append(given_)
            continue
        values, attrs = given_ if isinstance(given_, tuple) else (given_, {})
        made[dim] = xr.Variable(dim, values, attrs)
        shape.append(len(values))
    return xr.DataArray(np.zeros(shape), coords=made, dims=tuple(coords), name="f")


def line(n: int = 4, **attrs: Any) -> tuple[Any, dict[str, Any]]:
    return np.arange(float(n)) + 1, attrs


def owners(grid: Grid) -> dict[str, str]:
    return dict(zip(grid.names, grid.dims, strict=True))


@pytest.mark.parametrize(
    ("attrs", "name"),
    [
        ({"axis": "X"}, "x"),
        ({"axis": "Y"}, "y"),
        ({"axis": "Z"}, "z"),
        ({"standard_name": "projection_x_coordinate"}, "x"),
        ({"standard_name": "projection_y_coordinate"}, "y"),
        ({"standard_name": "longitude"}, "x"),
        ({"standard_name": "grid_latitude"}, "y"),
        ({"standard_name": "height"}, "z"),
        ({"standard_name": "altitude"}, "z"),
        ({"standard_name": "depth"}, "z"),
        ({"standard_name": "air_pressure"}, "z"),
        ({"standard_name": "ocean_s_coordinate_g2"}, "z"),
        ({"units": "degrees_east"}, "x"),
        ({"units": "degreeE"}, "x"),
        ({"units": "degree_north"}, "y"),
        ({"units": "degrees_N"}, "y"),
        ({"units": "hPa"}, "z"),
        ({"units": "millibars"}, "z"),
        ({"positive": "up"}, "z"),
        ({"positive": "down"}, "z"),
        ({"cartesian_axis": "Z"}, "z"),
        ({"_CoordinateAxisType": "GeoX"}, "x"),
        ({"long_name": "latitude"}, "y"),
    ],
)
def test_attributes_name_the_direction(attrs: dict[str, str], name: str) -> None:
    assert owners(infer_grid(data(rows=line(**attrs), member=3))) == {name: "rows"}


def test_criteria_agree_with_those_of_cf_xarray() -> None:
    criteria = pytest.importorskip("cf_xarray.criteria").coordinate_criteria
    expected = {"X": "x", "longitude": "x", "Y": "y", "latitude": "y", "Z": "z", "vertical": "z"}
    for key, name in expected.items():
        for attribute, values in criteria[key].items():
            for value in values:
                if "cell index" not in value:
                    grid = infer_grid(data(rows=line(**{attribute: value})))
                    assert owners(grid) == {name: "rows"}, (attribute, value)


@pytest.mark.parametrize(
    ("dim", "name"),
    [
        *(
            (dim, "x")
            for dim in (
                "x",
                "X",
                "xc",
                "lon",
                "longitude",
                "rlon",
                "nx",
                "resolution_x",
                "grid_x",
                "west_east",
            )
        ),
        *((dim, "y") for dim in ("y", "Y", "yc", "lat", "latitude", "nav_lat", "ny", "resolution_y")),
        *((dim, "z") for dim in ("z", "Z", "zc", "lev", "level", "plev", "depth", "height", "altitude", "sigma", "nz")),
    ],
)
def test_usual_names_name_the_direction(dim: str, name: str) -> None:
    assert owners(infer_grid(data(**{dim: line(), "member": 3}))) == {name: dim}


@pytest.mark.parametrize("dim", ["i", "row", "component", "member", "wavelength", "zonal", "experiment", "time", "t"])
def test_other_names_are_no_directions(dim: str) -> None:
    assert owners(infer_grid(data(**{dim: line(), "x": line()}))) == {"x": "x"}


def test_attributes_go_before_names() -> None:
    assert owners(infer_grid(data(x=line(axis="Y"), y=line(axis="X")))) == {"x": "y", "y": "x"}
    assert owners(infer_grid(data(rows=line(axis="Y"), y=line()))) == {"y": "rows"}
    assert owners(infer_grid(data(x=line(), wave_x=line()))) == {"x": "x"}


def test_axes_go_before_everything() -> None:
    field = data(x=line(axis="X"), y=line(), a=line())
    assert owners(infer_grid(field, axes={"x": "a"})) == {"x": "a", "y": "y"}
    assert owners(infer_grid(field, axes={"y": "x", "x": None})) == {"y": "x"}
    plane = infer_grid(data(z=line(), y=line(), x=line()), axes={"z": None})
    assert owners(plane) == {"x": "x", "y": "y"}
    assert [axis.dim for axis in plane.others] == ["z"]


@pytest.mark.parametrize(
    ("axes", "error", "message"),
    [
        ({"r": "x"}, ValueError, r"axes: 'r' is no direction; they are 'x', 'y' and 'z'"),
        ({"x": "lon"}, ValueError, r"axes: 'lon' \(for x\) is no dimension of the data, which has 'x', 'y'"),
        ({"x": "y", "z": "y"}, ValueError, r"axes: dimension 'y' is given for two directions"),
        ("x", TypeError, r"axes: got 'x'; it must map .*\{'x': 'lon'\}"),
    ],
)
def test_impossible_axes_are_refused(axes: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer_grid(data(x=line(), y=line()), axes=axes)


def test_two_dimensions_for_one_direction_are_ambiguous() -> None:
    field = data(lev=line(axis="Z"), ilev=line(axis="Z"), x=line())
    with pytest.raises(
        ValueError, match=r"axes: dimensions 'lev' and 'ilev' claim to be z alike; .*axes=\{'z': 'lev'\}"
    ):
        infer_grid(field)
    assert owners(infer_grid(field, axes={"z": "ilev"})) == {"x": "x", "z": "ilev"}


def test_dimension_of_length_one_is_no_direction() -> None:
    assert owners(infer_grid(data(z=line(1), y=line(), x=line()))) == {"x": "x", "y": "y"}
    assert owners(infer_grid(data(z=1, y=line(), x=line()), axes={"z": "z"}, periodic=["z"])) == {
        "x": "x",
        "y": "y",
    }
    assert owners(infer_grid(data(z=line(1), lev=line(), x=line()))) == {"x": "x", "z": "lev"}
    assert owners(infer_grid(data(z=line(1), lev=line(1), x=line()))) == {"x": "x"}
    attributes = data(a=line(1, axis="Z"), b=line(1, axis="Z"), x=line())
    assert owners(infer_grid(attributes)) == {"x": "x"}


def test_no_direction_at_all_is_an_error() -> None:
    field = data(member=line(), z=line(1))
    with pytest.raises(
        ValueError, match=r"axes: none of the dimensions 'member', 'z' is known .*axes=\{'x': dimension"
    ):
        infer_grid(field)


@given(dims=st.permutations(["time", "z", "y", "x", "member"]), dataset=st.booleans())
def test_order_of_dimensions_does_not_matter(dims: list[str], dataset: bool) -> None:
    times = np.array(["2000-01-01", "2000-01-02"], dtype="M8[ns]")
    field = data(time=times, z=line(2, units="m"), y=line(3), x=line(4), member=["a", "b"]).transpose(*dims)
    grid = infer_grid(field.to_dataset() if dataset else field)
    assert grid.names == grid.dims == ("x", "y", "z")
    assert [len(axis) for axis in grid.axes] == [4, 3, 2]
    assert grid.axis("z").units == "m"
    assert [(axis.name, axis.units) for axis in grid.others] == [("time", "s")]


def test_other_dimensions_need_not_make_sense() -> None:
    grid = infer_grid(data(x=line(), member=["a", "b"], run=[3.0, 1.0, 2.0], station=5))
    assert grid.others == ()


# Coordinates that are missing


def test_missing_coordinate_is_an_error_that_says_what_to_pass() -> None:
    field = data(y=line(), wave_x=8)
    message = (
        r"dimension 'wave_x' .understood as axes=\{'x': 'wave_x'\}.: no coordinate.*"
        r"obj.assign_coords\(\{'wave_x': positions\}\).*spacing=\{'wave_x': step\}.*axes=\{'x': None\}"
    )
    with pytest.raises(ValueError, match=message):
        infer_grid(field)
    assert owners(infer_grid(field, axes={"x": None})) == {"y": "y"}


@pytest.mark.parametrize("key", ["x", "wave_x"])
def test_spacing_supplies_a_coordinate(key: str) -> None:
    axis = infer_grid(data(y=line(), wave_x=5), spacing={key: 0.5}).axis("x")
    np.testing.assert_array_equal(axis.nodes, [0.0, 0.5, 1.0, 1.5, 2.0])
    assert axis.units is None
    assert axis.obstacle is None


def test_spacing_of_another_dimension_makes_it_an_axis() -> None:
    grid = infer_grid(data(x=line(), phase=6), spacing={"phase": 60.0}, periodic=["phase"])
    assert [(axis.dim, axis.period) for axis in grid.others] == [("phase", 360.0)]


@pytest.mark.parametrize(
    ("spacing", "error", "message"),
    [
        ({"x": 0.1}, ValueError, r"spacing: dimension 'x' has a coordinate.*obj.drop_vars\('x'\)"),
        (
            {"q": 0.1},
            ValueError,
            r"spacing: 'q' is no dimension or direction of the data, which has 'x', 'ny'",
        ),
        (
            {"ny": 0.0},
            ValueError,
            r"spacing: the step of dimension 'ny' is 0.0; it must be positive and finite",
        ),
        ({"ny": -1}, ValueError, r"spacing: the step of dimension 'ny' is -1.0; it must be positive"),
        ({"ny": np.nan}, ValueError, r"spacing: the step of dimension 'ny' is nan; it must be positive"),
        (
            {"ny": 1.0, "y": 1.0},
            ValueError,
            r"spacing: dimension 'ny' is given twice, as 'y' the second time",
        ),
        ({"ny": "1"}, TypeError, r"spacing: the step of dimension 'ny' is '1'; it must be a number"),
        (0.1, TypeError, r"spacing: got 0.1; it must map dimensions to steps"),
    ],
)
def test_impossible_spacing_is_refused(spacing: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer_grid(data(x=line(), ny=5), spacing=spacing)


def test_coordinates_of_other_dimensions_are_pointed_out() -> None:
    field = data(y=3, x=4).assign_coords(lon=(("y", "x"), np.zeros((3, 4))))
    with pytest.raises(
        ValueError, match=r"; of coordinates of several dimensions, as 'lon' \('y', 'x'\) is, there must be as many"
    ):
        infer_grid(field)
    field = data(i=4).assign_coords(x=("i", np.arange(4.0)))
    with pytest.raises(
        ValueError, match=r"none of the dimensions 'i' .*'x' lies along 'i', obj.swap_dims\(\{'i': 'x'\}\)"
    ):
        infer_grid(field)


def test_multiindex_is_refused() -> None:
    index = pd.MultiIndex.from_product([[0, 1], [0, 1]], names=["a", "b"])
    coords = xr.Coordinates.from_pandas_multiindex(index, "x")
    field = xr.DataArray(np.zeros((4, 3)), coords=coords, dims=("x", "y")).assign_coords(y=[0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"dimension 'x': .*MultiIndex; only one-dimensional .*obj.unstack\('x'\)"):
        infer_grid(field)
    assert owners(infer_grid(field, axes={"x": None})) == {"y": "y"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 1.0, 1.0], "'x': coordinate value 1.0 at index 2 repeats"),
        ([0.0, 2.0, 1.0], "'x': coordinate values increase .* turn at index 2"),
        ([0.0, np.nan, 1.0], "'x': coordinate value nan at index 1"),
    ],
)
def test_unusable_coordinates_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        infer_grid(data(x=values))


def test_coordinate_of_strings_is_refused() -> None:
    with pytest.raises(TypeError, match=r"dimension 'x': .*str.*must hold|dimension 'x': .*dtype <U1; it must hold"):
        infer_grid(data(x=["a", "b"]))
    with pytest.raises(TypeError, match=r"dimension 'x': its coordinate holds str objects, 'a' first; .*assign_coords"):
        infer_grid(data(x=np.array(["a", 1], dtype=object)))


# Periods


def test_period_is_found_in_order() -> None:
    x = np.arange(4) * 0.25
    field = data(x=x)
    assert infer_grid(field).axis("x").period is None
    assert infer_grid(field, periodic="x").axis("x").period == 1.0
    field.attrs["period"] = 2.0
    assert infer_grid(field, periodic=["x"]).axis("x").period == 2.0
    field.x.attrs["period"] = np.float32(3.0)
    assert infer_grid(field, periodic=("x",)).axis("x").period == 3.0
    assert infer_grid(field, periodic={"x": 4}).axis("x").period == 4.0
    assert infer_grid(field, periodic={"x": None}).axis("x").period == 3.0


def test_directions_and_decreasing_axes_can_be_periodic() -> None:
    assert infer_grid(data(xc=[3.0, 2.0, 1.0, 0.0]), periodic=["x"]).axis("x").period == 4.0


def test_period_of_a_float32_coordinate_is_found() -> None:
    x = np.linspace(0, 2 * np.pi, 64, endpoint=False, dtype=np.float32)
    assert infer_grid(data(x=x), periodic=["x"]).axis("x").period == pytest.approx(2 * np.pi, rel=1e-6)


@pytest.mark.parametrize(
    ("periodic", "error", "message"),
    [
        (
            ["x"],
            ValueError,
            r"periodic: dimension 'x' is not uniformly spaced \(steps from 1 to 2\).*\{'x': period\}",
        ),
        (["q"], ValueError, r"periodic: 'q' is no dimension or direction of the data, which has 'x'"),
        ({"x": 3.0}, ValueError, r"the period 3 of dimension 'x' is not larger than the span 3"),
        (
            {"x": 0},
            ValueError,
            r"periodic: the period of dimension 'x' is 0.0; it must be positive and finite",
        ),
        ({"x": -1.0}, ValueError, r"periodic: the period of dimension 'x' is -1.0; it must be positive"),
        ({"x": True}, TypeError, r"periodic: the period of dimension 'x' is True; it must be a number"),
        ({"x": "4"}, TypeError, r"periodic: the period of dimension 'x' is '4'; it must be a number"),
        ({"x": [4.0]}, TypeError, r"periodic: the period of dimension 'x' is \[4.0\]; it must be a number"),
        (["x", "x"], ValueError, r"periodic: dimension 'x' is given twice"),
        (True, TypeError, r"periodic: got True; it must be a list of dimensions"),
    ],
)
def test_impossible_periods_are_refused(periodic: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        infer_grid(data(x=[0.0, 1.0, 3.0]), periodic=periodic)


def test_period_attribute_must_be_a_number() -> None:
    with pytest.raises(TypeError, match=r"periodic: the attribute 'period' for dimension 'x' is 'one'"):
        infer_grid(data(x=line(period="one")), periodic=["x"])
    with pytest.raises(ValueError, match=r"periodic: the period of dimension 'x' is -1.0; it must be positive"):
        infer_grid(data(x=line(period=-1.0)), periodic=["x"])


def test_periodic_dimension_without_coordinate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"dimension 'phase': no coordinate.*spacing=\{'phase': step\}"):
        infer_grid(data(x=line(), phase=6), periodic=["phase"])


@pytest.mark.parametrize("geometry", ["sphere", None, "Cartesian"])
def test_unknown_geometry_is_refused(geometry: Any) -> None:
    with pytest.raises(ValueError, match=r"geometry: got .*; it must be one of 'auto', 'cartesian', 'spherical'"):
        infer_grid(data(x=line()), geometry=geometry)


def test_unknown_accuracy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"accuracy: got 3 for dimension 'x'; it must be 2, 4, 6 or 8"):
        infer_grid(data(x=line()), accuracy=3)


def test_input_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"obj: got a ndarray; it must be an xarray DataArray or Dataset"):
        infer_grid(np.zeros(3))  # type: ignore[arg-type]


# Lengths


@pytest.mark.parametrize(
    ("dim", "attrs", "reason"),
    [
        ("lat", {"units": "degrees_north"}, "is a latitude in degrees_north, which is no length"),
        ("lat", {"units": "degrees"}, "is a latitude in degrees, which is no length"),
        ("lat", {}, "is a latitude, which is no length"),
        ("rows", {"standard_name": "latitude"}, "is a latitude, which is no length"),
        ("x", {"units": "degree_east"}, "is a longitude in degree_east, which is no length"),
        ("longitude", {"units": "deg"}, "is a longitude in deg, which is no length"),
        ("lev", {"units": "hPa"}, r"is a pressure coordinate \(hPa\), which is no length"),
        ("z", {"standard_name": "air_pressure"}, "is a pressure coordinate, which is no length"),
        ("z", {"units": "mbar", "axis": "Z"}, r"is a pressure coordinate \(mbar\), which is no length"),
        (
            "lev",
            {"standard_name": "atmosphere_sigma_coordinate"},
            "model levels .atmosphere_sigma_coordinate.",
        ),
        (
            "lev",
            {"units": "level"},
            "is a vertical coordinate of model levels .units 'level'., which is no length",
        ),
        ("hybrid", {"units": "1", "axis": "Z"}, "is a vertical coordinate of model levels .units '1'."),
        ("y", {"units": "rad"}, "is an angle in rad, which is no length"),
        ("x", {"units": "s"}, "is a time, which is no length"),
        (
            "depth",
            {"positive": "down", "units": "m"},
            r"is positive down, while z points up .*-obj\['depth'\]",
        ),
        ("z", {"standard_name": "depth", "units": "m"}, "is positive down, while z points up"),
    ],
)
def test_coordinates_that_are_no_lengths_are_refused(dim: str, attrs: dict[str, str], reason: str) -> None:
    grid = infer_grid(data(**{dim: line(**attrs), "member": 2}))
    message = rf"grid: dimension '{dim}' .*{reason}.*assign coordinates in metres \(obj.assign_coords\(\{{'{dim}'"
    with pytest.raises(ValueError, match=message + r".*fg\.derivative"):
        require_lengths(grid)


def test_direction_that_is_no_length_can_be_left_out() -> None:
    field = data(lev=line(units="hPa"), y=line(), x=line())
    with pytest.raises(ValueError, match=r"or leave directions out \(infer_grid\(obj, axes=\{'z': None\}\)\)"):
        require_lengths(infer_grid(field))
    require_lengths(infer_grid(field, axes={"z": None}))


@pytest.mark.parametrize(
    ("dim", "attrs"),
    [
        ("x", {}),
        ("x", {"units": "m"}),
        ("x", {"units": "1"}),
        ("lat", {"units": "km"}),
        ("depth", {"positive": "up", "standard_name": "depth", "units": "m"}),
        ("z", {"units": "1"}),
        ("lev", {"units": "m", "positive": "up"}),
    ],
)
def test_lengths_and_plain_numbers_are_accepted(dim: str, attrs: dict[str, str]) -> None:
    require_lengths(infer_grid(data(**{dim: line(**attrs)})))


def test_different_units_of_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"grid: .*different units of length, 'x' in km, 'z' in m; convert"):
        require_lengths(infer_grid(data(x=line(units="km"), y=line(), z=line(units="m"))))
    require_lengths(infer_grid(data(x=line(units="m"), z=line(units="meters"))))


def test_time_as_a_direction_is_no_length() -> None:
    times = np.array(["2000-01-01", "2000-01-02"], dtype="M8[ns]")
    grid = infer_grid(data(x=times), axes={"x": "x"})
    with pytest.raises(ValueError, match=r"dimension 'x' is a time, which is no length"):
        require_lengths(grid)
    with pytest.raises(ValueError, match=r"none of the dimensions 'x' is known as a direction"):
        infer_grid(data(x=times))


# Times


@pytest.mark.parametrize("calendar", ["standard", "proleptic_gregorian", "noleap", "all_leap", "360_day", "julian"])
def test_cftime_axes_are_in_seconds(calendar: str) -> None:
    cftime = pytest.importorskip("cftime")
    dates = [cftime.datetime(2000, 2, 28, 12, 0, 0, us, calendar=calendar) for us in (0, 250_000)]
    dates.append(cftime.datetime(2001, 2, 28, 12, calendar=calendar))
    axis = infer_axis(data(time=np.array(dates, dtype=object), x=line()), "time")
    days = {"noleap": 365, "360_day": 360}.get(calendar, 366)
    np.testing.assert_array_equal(axis.nodes, [0.0, 0.25, days * 86400.0])
    assert axis.units == "s"


def test_dates_of_the_standard_library_are_in_seconds() -> None:
    dates = np.array([datetime.date(2000, 1, 1), datetime.date(2000, 1, 3)], dtype=object)
    np.testing.assert_array_equal(infer_axis(data(day=dates), "day").nodes, [0.0, 172800.0])


@pytest.mark.parametrize(
    ("units", "scale"),
    [
        ("days since 1900-01-01", 86400.0),
        ("Hours since 2000-01-01 00:00", 3600.0),
        ("minutes since 2000-01-01", 60.0),
        ("s", 1.0),
        ("h", 3600.0),
        ("milliseconds", 1e-3),
    ],
)
def test_numeric_times_are_in_seconds(units: str, scale: float) -> None:
    axis = infer_axis(data(time=(np.array([0, 1, 3]), {"units": units})), "time")
    np.testing.assert_allclose(axis.nodes, np.array([0, 1, 3]) * scale, rtol=1e-15)
    assert axis.units == "s"


def test_integer_times_are_subtracted_exactly() -> None:
    start = 1_700_000_000_000_000_000
    times = (np.array([start, start + 1, start + 1000]), {"units": "nanoseconds since 1970-01-01"})
    np.testing.assert_allclose(infer_axis(data(time=times), "time").nodes, [0.0, 1e-9, 1e-6], rtol=1e-15)


def test_plain_time_without_units_is_as_it_is() -> None:
    axis = infer_axis(data(t=[5.0, 6.0]), "t")
    np.testing.assert_array_equal(axis.nodes, [5.0, 6.0])
    assert axis.units is None


def test_period_attribute_of_a_time_is_in_its_units() -> None:
    field = data(x=line(), time=line(24, units="hours since 2000-01-01", period=24.0))
    assert infer_grid(field, periodic=["time"]).axis("time").period == 86400.0


@pytest.mark.parametrize("units", ["months since 2000-01-01", "Month", "years"])
def test_times_in_months_are_refused_only_where_needed(units: str) -> None:
    field = data(time=line(units=units), x=line())
    grid = infer_grid(field)
    assert owners(grid) == {"x": "x"}
    assert grid.others == ()
    with pytest.raises(ValueError, match=rf"dimension 'time': .*a time in '{units}', which has no fixed number of sec"):
        axis_of(field, "time", grid)


# One axis


def test_axis_of_a_dimension_or_a_direction() -> None:
    field = data(wall=line(standard_name="projection_y_coordinate", units="m"), phase=line())
    axis = infer_axis(field, "wall", 4)
    assert (axis.name, axis.dim, axis.units, axis.accuracy) == ("y", "wall", "m", 4)
    assert infer_axis(field, "y").dim == "wall"
    assert infer_axis(field, "phase").name == "phase"
    assert infer_axis(field.to_dataset(), "y").dim == "wall"


def test_axis_of_the_grid_goes_before_that_of_the_data() -> None:
    field = data(x=line(), time=line(), member=[3, 1, 2])
    grid = infer_grid(field, periodic={"x": 10.0}, accuracy=6)
    assert axis_of(field, "x", grid).period == 10.0
    assert axis_of(field, "time", grid) is grid.others[0]
    assert axis_of(field, "x").period is None
    with pytest.raises(ValueError, match=r"dimension 'member': .*turn at index"):
        axis_of(field, "member", grid)
    assert axis_of(data(x=line(), phase=line()), "phase", grid).accuracy == 6


@pytest.mark.parametrize("dim", ["q", "y"])
def test_unknown_axis_lists_the_dimensions(dim: str) -> None:
    field = data(x=line(), time=line())
    with pytest.raises(
        KeyError, match=rf"dim: '{dim}' is no dimension or direction of the data, which has 'x', 'time'"
    ):
        axis_of(field, dim)
    with pytest.raises(KeyError, match=rf"dim: '{dim}' is no dimension or direction of the grid"):
        axis_of(field, dim, infer_grid(field))


def test_grid_of_other_data_is_refused() -> None:
    grid = infer_grid(data(x=line(5)))
    with pytest.raises(ValueError, match=r"grid: dimension 'x' has 5 points in the grid, and in the data 4; infer the"):
        axis_of(data(x=line()), "x", grid)
    with pytest.raises(
        ValueError, match=r"grid: dimension 'x' has 5 points in the grid, and in the data does not exist"
    ):
        axis_of(data(y=line()), "x", grid)


def test_axis_without_coordinate_says_what_to_pass() -> None:
    with pytest.raises(ValueError, match=r"dimension 'y' .*no coordinate.*assign_coords.*spacing=\{'y': step\}"):
        axis_of(data(x=line(), y=4), "y")


def test_axis_of_labels_is_refused() -> None:
    with pytest.raises(TypeError, match=r"dimension 'member': the coordinate has dtype <U1"):
        axis_of(data(x=line(), member=["a", "b"]), "member")


# Real files


def test_dns_of_taylor_and_green(data_dir: Path) -> None:
    with xr.open_dataset(data_dir / "taylor-green/tgv_re400_96.nc") as ds:
        grid = infer_grid(ds, periodic=["x", "y", "z"])
        assert infer_grid(ds).axis("x").period is None
    assert owners(grid) == {"x": "x", "y": "y", "z": "z"}
    assert [axis.period for axis in grid.axes] == [2 * np.pi] * 3
    assert all(axis.uniform for axis in grid.axes)
    require_lengths(grid)


def test_slice_without_coordinates(data_dir: Path) -> None:
    step = 2 * np.pi / 256
    with xr.open_dataset(data_dir / "hit-slice/hit_slice_256.nc") as ds:
        with pytest.raises(ValueError, match=r"'resolution_x', 'resolution_y' \(understood as axes=.*spacing="):
            infer_grid(ds)
        grid = infer_grid(
            ds,
            axes={"x": "resolution_x", "y": "resolution_y"},
            spacing={"resolution_x": step, "y": step},
            periodic=["x", "resolution_y"],
        )
    assert owners(grid) == {"x": "resolution_x", "y": "resolution_y"}
    assert [axis.period for axis in grid.axes] == pytest.approx([2 * np.pi] * 2, rel=1e-14)
    require_lengths(grid)


def test_climate_model(data_dir: Path) -> None:
    with xr.open_dataset(data_dir / "climate/uvt.nc", decode_times=False) as ds:
        grid = infer_grid(ds)
        assert owners(grid) == {"x": "lon", "y": "lat", "z": "lev"}
        assert grid.others == ()
        with pytest.raises(
            ValueError, match=r"grid: dimension 'lev' is a pressure coordinate.*take the horizontal part"
        ):
            require_lengths(grid)
        assert axis_of(ds, "lev").units == "hPa"
        with pytest.raises(ValueError, match=r"dimension 'time': its coordinate is a time in 'Month'"):
            axis_of(ds, "time", grid)
