# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.components import find_components
from fieldgrad.infer import infer_grid

SIZES = {"x": 3, "y": 4, "z": 5, "time": 2}


def field(dims: tuple[str, ...], name: str | None = None, **attrs: str) -> xr.DataArray:
    coords = {dim: np.arange(float(SIZES[dim])) for dim in dims if dim in SIZES}
    shape = [SIZES.get(dim, 3) for dim in dims]
    values = np.random.default_rng(len(name or "")).normal(size=shape)
    return xr.DataArray(values, coords=coords, dims=dims, name=name, attrs=attrs)


def dataset(names: str, dims: tuple[str, ...] = ("z", "y", "x"), **standard: str) -> xr.Dataset:
    variables = {name: field(dims, name) for name in names.split()}
    for name, value in standard.items():
        variables[name].attrs["standard_name"] = value
    return xr.Dataset(variables)


def found(ds: xr.Dataset, **options: Any) -> dict[str, Any]:
    result = find_components(ds, infer_grid(ds), **options)
    return {label: part.name for label, part in zip(result.labels, result.fields, strict=True)}


@pytest.mark.parametrize(
    "names",
    [
        "u v w",
        "U V W",
        "ux uy uz",
        "Ux Uy Uz",
        "vx vy vz",
        "u_x u_y u_z",
        "velocity_x velocity_y velocity_z",
        "uwnd vwnd wwnd",
    ],
)
def test_usual_names_are_found(names: str) -> None:
    ds = dataset(names + " p")
    assert found(ds) == dict(zip("xyz", names.split(), strict=True))
    assert found(ds.isel(z=0, drop=True).drop_vars(names.split()[2])) == dict(zip("xy", names.split(), strict=False))


@pytest.mark.parametrize(
    "standard",
    [
        "x_wind y_wind upward_air_velocity",
        "eastward_wind northward_wind upward_air_velocity",
        "sea_water_x_velocity sea_water_y_velocity upward_sea_water_velocity",
        "eastward_sea_water_velocity northward_sea_water_velocity upward_sea_water_velocity",
    ],
)
def test_standard_names_go_before_usual_names(standard: str) -> None:
    ds = dataset("a b c u v w", **dict(zip("abc", standard.split(), strict=True)))
    assert found(ds) == {"x": "a", "y": "b", "z": "c"}


def test_usual_name_supplies_what_standard_names_lack() -> None:
    assert found(dataset("u v w", u="x_wind", v="y_wind")) == {"x": "u", "y": "v", "z": "w"}
    plane = dataset("u v w", ("y", "x"), u="x_wind", v="y_wind")
    assert found(plane) == {"x": "u", "y": "v", "z": "w"}


def test_standard_name_of_a_field_on_fewer_dimensions_does_not_compete() -> None:
    ds = dataset("u v w", u="eastward_wind", v="northward_wind", w="upward_air_velocity")
    ds["u10"] = field(("y", "x"), "u10", standard_name="eastward_wind")
    assert found(ds) == {"x": "u", "y": "v", "z": "w"}


def test_plane_takes_the_components_of_its_directions() -> None:
    assert found(dataset("u w", ("z", "x"))) == {"x": "u", "z": "w"}
    assert found(dataset("v w", ("z", "y"))) == {"y": "v", "z": "w"}


def test_plane_takes_three_components_where_there_are_three() -> None:
    ds = dataset("u v w", ("z", "x"))
    assert found(ds) == {"x": "u", "y": "v", "z": "w"}
    assert found(ds, components=("u", "w")) == {"x": "u", "z": "w"}
    assert found(ds, components=["u", "v", "w"]) == {"x": "u", "y": "v", "z": "w"}


def test_line_takes_one_component() -> None:
    assert found(dataset("u v w", ("time", "z"))) == {"z": "w"}


def test_vertical_dimension_can_be_an_ordinary_one() -> None:
    ds = dataset("u v")
    result = find_components(ds, infer_grid(ds, axes={"z": None}))
    assert result.labels == ("x", "y")
    assert result.fields[0].dims == ("z", "y", "x")


def test_components_themselves_can_be_given() -> None:
    u, v = field(("y", "x"), "a"), field(("x", "y"), "b")
    result = find_components(u, infer_grid(u), components=(u, v))
    assert result.labels == ("x", "y")
    assert result.fields[1].dims == ("y", "x")
    np.testing.assert_array_equal(result.fields[1].values, v.values.T)


@given(labels=st.permutations("xyz"), dims=st.permutations(["z", "y", "x", "component", "time"]))
def test_labelled_array_is_taken_in_x_y_z_order(labels: list[str], dims: list[str]) -> None:
    stacked = field(tuple(dims)).assign_coords(component=labels)
    result = find_components(stacked, infer_grid(stacked))
    assert result.labels == ("x", "y", "z")
    for label, part in zip(result.labels, result.fields, strict=True):
        assert part.identical(stacked.sel(component=label, drop=True))
        assert np.shares_memory(part.values, stacked.values)


def test_array_without_labels_is_in_order() -> None:
    stacked = field(("component", "z", "y", "x"))
    result = find_components(stacked, infer_grid(stacked))
    assert result.labels == ("x", "y", "z")
    assert result.fields[2].identical(stacked[2])


def test_only_variable_with_components_is_found() -> None:
    ds = xr.Dataset({"velocity": field(("component", "y", "x")), "p": field(("y", "x"))})
    assert find_components(ds, infer_grid(ds)).labels == ("x", "y", "z")


def test_fields_are_views() -> None:
    ds = dataset("u v w")
    ds["v"] = ds.v.transpose("x", "z", "y")
    result = find_components(ds, infer_grid(ds))
    assert {part.dims for part in result.fields} == {("z", "y", "x")}
    for part in result.fields:
        assert np.shares_memory(part.values, ds[part.name].values)


def test_nothing_is_loaded() -> None:
    pytest.importorskip("dask.array")
    ds = dataset("u v w").chunk({"z": 1})
    assert all(part.chunks is not None for part in find_components(ds, infer_grid(ds)).fields)


@pytest.mark.parametrize(
    ("names", "dims", "message"),
    [
        (
            "u v p",
            "zyx",
            r"found \('u', 'v'\) among the variables 'u', 'v', 'p'; .*3 directions.*components=.*"
            r"make 'z' an ordinary dimension.*axes=\{'z': None\}",
        ),
        ("p q", "yx", r"found none among the variables 'p', 'q'.*components=\('u', 'v', 'w'\)"),
        ("u v U V", "yx", r"more than one velocity, \('u', 'v'\) and \('U', 'V'\).*components=\('u', 'v'\)"),
        ("u p", "yx", r"found \('u',\) .*2 directions \(x, y\) and needs 2 or 3"),
    ],
)
def test_missing_and_ambiguous_components_are_refused(names: str, dims: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        found(dataset(names, tuple(dims)))


def test_two_variables_with_one_standard_name_are_ambiguous() -> None:
    ds = dataset("a b c", ("y", "x"), a="x_wind", b="x_wind", c="y_wind")
    with pytest.raises(ValueError, match=r"'a' and 'b' share the standard_name 'x_wind'; say which ones, components="):
        found(ds)


@pytest.mark.parametrize(
    "attrs",
    [{"standard_name": "lagrangian_tendency_of_air_pressure"}, {"units": "Pa s**-1"}, {"units": "Pa/s"}],
)
def test_rate_of_pressure_is_no_velocity(attrs: dict[str, str]) -> None:
    ds = dataset("u v w")
    ds["w"].attrs.update(attrs)
    with pytest.raises(ValueError, match=r"found \('u', 'v'\).*; 'w' is a rate of pressure and no velocity.*'z': None"):
        found(ds)
    assert found(ds, components=("u", "v", "w"))["z"] == "w"


def test_wrong_number_of_components_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"components: got 2; the grid has 3 directions .* needs 3 components.*'z': None"
    ):
        found(dataset("u v w"), components=("u", "v"))
    with pytest.raises(ValueError, match=r"components: got 3; the grid has 1 direction \(x\) and needs 1"):
        found(dataset("u v w", ("x",)), components=("u", "v", "w"))


@pytest.mark.parametrize(
    ("components", "error", "message"),
    [
        ("u,v,w", TypeError, r"components: got 'u,v,w'; it must be a sequence .*\('u', 'v', 'w'\)"),
        ({"x": "u"}, TypeError, r"components: got 'dict'; it must be a sequence"),
        (3, TypeError, r"components: got 'int'"),
        (("u", "v", 3), TypeError, r"components: got 3; each must be the name of a variable or a DataArray"),
        (
            ("u", "v", "q"),
            ValueError,
            r"components: 'q' is no variable of the dataset, which has 'u', 'v', 'w'",
        ),
        (("u", "v", "u"), ValueError, r"components: 'u' is given twice"),
    ],
)
def test_wrong_names_are_refused(components: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        found(dataset("u v w"), components=components)


def test_names_need_a_dataset() -> None:
    u = field(("y", "x"), "u")
    with pytest.raises(TypeError, match=r"components: 'u' is a name, and a DataArray has no variables; pass a Dataset"):
        find_components(u, infer_grid(u), components=("u", "v"))


def test_input_that_is_no_flow_is_refused() -> None:
    u = field(("y", "x"), "u")
    with pytest.raises(
        ValueError, match=r"obj: the DataArray 'u' has no dimension 'component' but \('y', 'x'\); pass a"
    ):
        find_components(u, infer_grid(u))
    with pytest.raises(TypeError, match=r"obj: got a ndarray; it must be an xarray Dataset or DataArray"):
        find_components(u.values, infer_grid(u))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [0, 1, 2],
            r"labels of dimension 'component' are \[0, 1, 2\]; they must be 'x', 'y', 'z'.*assign_coords",
        ),
        (["x", "x", "z"], r"are \['x', 'x', 'z'\]; .* each once"),
        (["x", "y"], r"are \['x', 'y'\]; the grid has 3 directions \(x, y, z\).*infer another grid"),
    ],
)
def test_wrong_labels_are_refused(labels: list[Any], message: str) -> None:
    stacked = field(("component", "z", "y", "x")).isel(component=slice(len(labels)))
    stacked = stacked.assign_coords(component=labels)
    with pytest.raises(ValueError, match=message):
        find_components(stacked, infer_grid(stacked))


def test_wrong_number_of_entries_is_refused() -> None:
    stacked = field(("component", "z", "y", "x"))[:2]
    with pytest.raises(ValueError, match=r"'component' has 2 entries without labels; the grid has 3 .*assign_coords"):
        find_components(stacked, infer_grid(stacked))


def test_several_variables_with_components_are_ambiguous() -> None:
    ds = xr.Dataset({name: field(("component", "y", "x")) for name in ("first", "second")})
    with pytest.raises(
        ValueError, match=r"'first', 'second' have a dimension 'component' \(pass one, obj\['first'\]\)"
    ):
        find_components(ds, infer_grid(ds))


def test_component_without_a_direction_of_the_grid_is_refused() -> None:
    ds = dataset("u v")
    ds["w"] = field(("y", "x"), "w")
    with pytest.raises(
        ValueError, match=r"the z component 'w' lacks dimension 'z' \(z\) of the grid and has \('y', 'x'\)"
    ):
        found(ds)


def test_components_on_other_dimensions_are_refused() -> None:
    ds = dataset("u v")
    ds["w"] = field(("time", "z", "y", "x"), "w")
    with pytest.raises(
        ValueError, match=r"'u' has dimensions \('z', 'y', 'x'\), and 'w' has \('time', 'z', 'y', 'x'\)"
    ):
        found(ds)


def test_components_of_other_sizes_or_coordinates_are_refused() -> None:
    u = field(("time", "x"), "u")
    grid = infer_grid(field(("y", "x")))
    u, v = field(("time", "y", "x"), "u"), field(("time", "y", "x"), "v")
    with pytest.raises(ValueError, match=r"dimension 'time' has 2 points in 'u' and 1 in 'v'; .*xr.align"):
        find_components(u, grid, components=(u, v[:1]))
    with pytest.raises(ValueError, match=r"the coordinates of dimension 'x' differ between 'u' and 'v'.*interp"):
        find_components(u, grid, components=(u, v.assign_coords(x=v.x + 0.5)))
    with pytest.raises(ValueError, match=r"the y component 'v' has 2 points along 'x', and the grid 3; infer the grid"):
        find_components(u, grid, components=(u, v[..., :2]))


def test_real_cases(data_dir: Path) -> None:
    with xr.open_dataset(data_dir / "taylor-green/tgv_re400_96.nc") as ds:
        assert found(ds) == {"x": "u", "y": "v", "z": "w"}
    with xr.open_dataset(data_dir / "hit-slice/hit_slice_256.nc") as ds:
        grid = infer_grid(ds, spacing={"x": 1.0, "y": 1.0})
        result = find_components(ds, grid)
        assert [part.name for part in result.fields] == ["velocity_x", "velocity_y", "velocity_z"]
    with xr.open_dataset(data_dir / "climate/uvt.nc", decode_times=False) as ds:
        result = find_components(ds, infer_grid(ds, axes={"z": None}))
        assert [part.name for part in result.fields] == ["U", "V"]
