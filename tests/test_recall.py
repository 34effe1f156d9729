# SPDX-License-Identifier: BSD-3-Clause
"""A grid that is remembered is the one that would be inferred, whatever changed since."""

from __future__ import annotations

import ctypes
import datetime
import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from strategies import flows

import fieldgrad as fg
from fieldgrad import recall
from fieldgrad.grid import Axis, Grid
from fieldgrad.infer import infer_axis, infer_grid
from fieldgrad.recall import recalled_axis, recalled_grid


def contents(grid: Grid) -> tuple[Any, ...]:
    """All that a grid says."""
    axes = [of_axis(axis) for axis in grid.axes]
    others = [of_axis(axis) for axis in grid.others]
    return (axes, others, grid.described, grid.notes, grid.mask, grid.missing, grid.least_accuracy, repr(grid))


def of_axis(axis: Axis) -> tuple[Any, ...]:
    nodes = (axis.nodes.tolist(), axis.units, axis.period, axis.accuracy)
    return (axis.name, axis.dim, *nodes, axis.obstacle, axis.boundary, axis.scheme, axis.down)


def flow(**coords: Any) -> xr.Dataset:
    """A flow in a plane, with metres along x."""
    x = xr.Variable("x", [0.0, 1.0, 3.0, 4.0, 6.0], {"units": "m"})
    y = xr.Variable("y", [0.0, 2.0, 3.0, 5.0], {"units": "m"})
    rng = np.random.default_rng(3)
    u, v = rng.standard_normal((2, 4, 5))
    return xr.Dataset({"u": (("y", "x"), u), "v": (("y", "x"), v)}, {"x": x, "y": y, **coords})


def test_equal_coordinates_have_one_grid() -> None:
    ds = flow()
    grid = recalled_grid(ds)
    assert recalled_grid(ds) is grid
    assert recalled_grid(ds.copy(deep=True)) is grid
    assert recalled_grid(ds.assign(u=ds.u**2)) is grid
    assert recalled_grid(ds.u) is grid
    assert recalled_axis(ds.u, "x") is recalled_axis(ds.v, "x")


def set_attribute(key: str, value: Any) -> Callable[[xr.Dataset], xr.Dataset]:
    """Of the coordinate x, in place."""

    def change(ds: xr.Dataset) -> xr.Dataset:
        ds.x.attrs[key] = value
        return ds

    return change


def overwrite_nodes(ds: xr.Dataset) -> xr.Dataset:
    """In the memory of the index itself, as some versions of pandas let callers do."""
    other = np.array([0.0, 2.0, 3.0, 4.0, 5.0])
    ctypes.memmove(ds.indexes["x"].values.ctypes.data, other.ctypes.data, other.nbytes)
    return ds


def set_of_all(ds: xr.Dataset) -> xr.Dataset:
    ds.x.attrs = {"units": "km", "standard_name": "projection_x_coordinate"}
    return ds


CHANGES: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "units in place": set_attribute("units", "mm"),
    "units that are no length": set_attribute("units", "degrees_east"),
    "units that are times": set_attribute("units", "days since 2000-01-01"),
    "axis in place": set_attribute("axis", "Z"),
    "standard name in place": set_attribute("standard_name", "height"),
    "attributes anew": set_of_all,
    "attribute taken away": lambda ds: ds.assign_coords(x=ds.x.drop_attrs()),
    "nodes": lambda ds: ds.assign_coords(x=("x", ds.x.values**2, ds.x.attrs)),
    "nodes in place": overwrite_nodes,
    "nodes of the other dimension": lambda ds: ds.assign_coords(y=("y", [0.0, 1.0, 2.0, 3.0], ds.y.attrs)),
    "order of the nodes": lambda ds: ds.isel(x=slice(None, None, -1)),
    "number of nodes": lambda ds: ds.isel(x=slice(1, None)),
    "dtype": lambda ds: ds.assign_coords(x=("x", ds.x.values.astype("float32") / np.float32(3), ds.x.attrs)),
    # 0, 1, 2 ... as integers are 0, 5e-324, 1e-323 ... as floats: the same bytes
    "dtype on the same bytes": lambda ds: ds.assign_coords(x=("x", ds.x.values.view(np.int64), ds.x.attrs)),
    "times": lambda ds: ds.assign_coords(x=pd.date_range("2000-01-01", periods=5)),
    "unit of times": lambda ds: ds.assign_coords(x=np.arange(5).astype("datetime64[s]")),
    "text": lambda ds: ds.assign_coords(x=list("abcde")),
    "date objects": lambda ds: ds.assign_coords(x=[datetime.date(2000, 1, n) for n in (1, 2, 4, 5, 9)]),
    "no coordinate": lambda ds: ds.drop_vars("x"),
    "names of dimensions": lambda ds: ds.rename(x="y", y="x"),
    "name of a dimension": lambda ds: ds.rename(x="z"),
    "one row": lambda ds: ds.isel(y=[1]),
    "one more dimension": lambda ds: ds.expand_dims(z=[0.0, 1.0]),
    "another variable": lambda ds: ds.assign(p=(("z", "y", "x"), np.zeros((2, 4, 5)))),
    "coordinates of two dimensions": lambda ds: ds.drop_vars(["x", "y"]).assign_coords(
        xc=(("y", "x"), np.add.outer(np.zeros(4), np.arange(5.0))),
        yc=(("y", "x"), np.add.outer(np.arange(4.0), np.zeros(5))),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_seen(name: str) -> None:
    ds = flow()
    before = contents(recalled_grid(ds))
    changed = CHANGES[name](ds)
    assert outcome(recalled_grid, changed) == outcome(infer_grid, changed) != before
    assert outcome(recalled_grid, changed.u) == outcome(infer_grid, changed.u)
    assert outcome(recalled_grid, flow()) == before


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_seen_along_one_dimension(name: str) -> None:
    ds = flow()
    recalled_axis(ds.u, "x")
    changed = CHANGES[name](ds)
    recalled, inferred = (
        outcome(lambda obj, find=find: find(obj, "x"), changed.u) for find in (recalled_axis, infer_axis)
    )
    assert recalled == inferred


def outcome(find: Callable[[Any], Any], obj: Any) -> Any:
    """What is found, or what is said of why nothing is."""
    try:
        result = find(obj)
    except (KeyError, TypeError, ValueError) as error:
        return type(error), str(error)
    return contents(result) if isinstance(result, Grid) else of_axis(result)


def test_lengths_of_dimensions_without_a_coordinate_are_seen() -> None:
    short, long = (flow().expand_dims(z=count) for count in (1, 3))
    assert contents(recalled_grid(short)) == contents(infer_grid(short))
    with pytest.raises(ValueError, match=r"'z'.*no coordinate"):
        recalled_grid(long)


def test_equal_attributes_of_other_types_are_other_attributes() -> None:
    told = []
    for value in (1, 1.0, True, np.float64(1), "1"):
        ds = flow()
        ds.x.attrs["units"] = value
        told.append(recall._told(ds))
    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    ("coords", "dims"),
    [
        ({"longitude": [0.0, 120.0, 240.0], "latitude": [-30.0, 0.0, 30.0]}, {}),
        ({"x": [0, 1, 4], "time": pd.date_range("2000-01-01", periods=2), "member": ["a", "b"]}, {}),
        ({"x": np.array([0, 1, 4], ">f4"), "time": np.array([0, 1, 4], "m8[h]")}, {"point": 3}),
        ({"x": np.array([0, 1, 4], "u1"), "component": ["x"]}, {"time": 1}),
        ({"x": pd.Index([0.0, 1.0], dtype="float32"), "y": pd.RangeIndex(3)}, {}),
        ({"x": [], "y": [0.0, 1.0]}, {}),
        ({"x": [0.0, 1.0], "time": [datetime.date(2000, 1, 1), datetime.date(2000, 1, 3)]}, {}),
        ({"x": [0.0, 1.0, 1.0]}, {}),
        ({"x": [0.0, np.nan, 1.0]}, {}),
        ({"a": [0.0, 1.0]}, {}),
        ({"x": [0.0, 1.0], "xc": [0.0, 1.0]}, {}),
        ({}, {"x": 4, "y": 4}),
    ],
)
def test_the_same_as_by_inference(coords: dict[str, Any], dims: dict[str, int]) -> None:
    made = {dim: xr.Variable(dim, values) for dim, values in coords.items()}
    if "longitude" in made:
        made["longitude"].attrs["units"] = "degrees_east"
        made["latitude"].attrs |= {"units": "degrees_north", "valid_range": [-90.0, 90.0]}
    sizes = {**{dim: one.size for dim, one in made.items()}, **dims}
    f = xr.DataArray(np.zeros(tuple(sizes.values())), made, list(sizes), name="f")
    for obj in (f, f.to_dataset()):
        assert outcome(recalled_grid, obj) == outcome(infer_grid, obj)
        assert outcome(recalled_grid, obj) == outcome(infer_grid, obj)  # and the second time
    for dim in (*sizes, "z"):
        recalled, inferred = (
            outcome(lambda obj, find=find, dim=dim: find(obj, dim), f) for find in (recalled_axis, infer_axis)
        )
        assert recalled == inferred


@settings(max_examples=50)
@given(flows())
def test_the_same_as_by_inference_on_any_axes(ds: xr.Dataset) -> None:
    assert contents(recalled_grid(ds)) == contents(infer_grid(ds))


def test_long_coordinates_and_foreign_ones_are_not_kept() -> None:
    assert recall._told(xr.DataArray(np.zeros(4097), {"x": np.arange(4097.0)}, ["x"])) is None
    assert recall._told(xr.DataArray(np.zeros(4096), {"x": np.arange(4096.0)}, ["x"])) is not None
    rows = pd.MultiIndex.from_product([[0, 1], [0, 1]], names=["a", "b"])
    stacked = xr.Dataset({"f": ("x", np.zeros(4))}, xr.Coordinates.from_pandas_multiindex(rows, "x"))
    assert recall._told(stacked) is None
    assert recall._told(flow().drop_indexes("x")) is None
    assert recall._told("no data") is None


def test_dimensions_whose_names_are_not_text() -> None:
    f = xr.DataArray(np.outer(np.ones(4), [0.0, 1.0, 9.0]), {"x": [0.0, 1.0, 3.0]}, [0, "x"])
    assert recall._told(f) is None
    # of x squared, for which accuracy 2 is exact
    np.testing.assert_allclose(fg.gradient(f).sel(component="x"), np.tile([0.0, 2.0, 6.0], (4, 1)), atol=1e-14)
    assert fg.gradient(f).dims == ("component", 0, "x")


def test_operators_see_what_changed_between_calls() -> None:
    ds = flow()
    x, u = ds.x.values.copy(), ds.u.values
    gradient, derivative, L = fg.gradient(ds.u), fg.derivative(ds.u, "x"), fg.velocity_gradient(ds)
    assert derivative.attrs["fieldgrad_grid"].endswith("0 to 6 m, accuracy 2")
    overwrite_nodes(ds)
    other = np.gradient(u, ds.x.values, axis=1, edge_order=2)
    assert not np.allclose(other, np.gradient(u, x, axis=1, edge_order=2))
    np.testing.assert_allclose(fg.derivative(ds.u, "x"), other, rtol=1e-13)
    np.testing.assert_allclose(fg.gradient(ds.u).sel(component="x"), other, rtol=1e-13)
    np.testing.assert_allclose(fg.velocity_gradient(ds)[0, 0], other, rtol=1e-13)
    for found, before in ((fg.gradient(ds.u), gradient), (fg.velocity_gradient(ds), L)):
        assert not np.array_equal(found, before)
        assert "0 to 5 m" in found.attrs["fieldgrad_grid"]
    ds.x.attrs["units"] = "km"
    with pytest.raises(ValueError, match="'y' in m"):
        fg.gradient(ds.u)
    ds.y.attrs["units"] = "km"
    assert fg.derive(ds, "q_criterion").q_criterion.attrs["fieldgrad_grid"].count(" km") == 2


def test_what_a_caller_does_to_a_grid_or_a_result_is_his_own() -> None:
    ds = flow()
    grid = recalled_grid(ds)
    with pytest.raises(ValueError, match="read-only"):
        grid.axes[0].nodes[0] = 1.0
    fg.gradient(ds.u).attrs["fieldgrad_grid"] = "mine"
    assert fg.gradient(ds.u).attrs["fieldgrad_grid"] == grid.description
    assert fg.infer_grid(ds, accuracy=4).axes[0].accuracy == 4
    assert recalled_grid(ds) is grid
    assert grid.axes[0].accuracy == 2


def test_no_data_are_kept_and_not_many_grids() -> None:
    ds = flow()
    refs = [weakref.ref(one) for one in (ds, ds.u.data, ds.indexes["x"])]
    recalled_grid(ds)
    recalled_axis(ds.u, "x")
    del ds
    gc.collect()
    assert [ref() for ref in refs] == [None] * 3
    for number in range(200):
        recalled_grid(xr.DataArray(np.zeros(3), {"x": [0.0, 1.0, 2.0 + number]}, ["x"]))
    for kept in (recall._grid, recall._axis):
        info = kept.cache_info()
        assert info.maxsize is not None
        assert info.currsize <= info.maxsize <= 64


def test_threads_get_their_own_grids() -> None:
    fields = [xr.DataArray(np.arange(4.0) ** 2, {"x": np.arange(4.0) * step}, ["x"]) for step in range(1, 9)]
    expected = [(contents(infer_grid(f)), of_axis(infer_axis(f, "x"))) for f in fields]

    def work(number: int) -> bool:
        f = fields[number % len(fields)]
        return (contents(recalled_grid(f)), of_axis(recalled_axis(f, "x"))) == expected[number % len(fields)]

    recall._grid.cache_clear()
    recall._axis.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))
