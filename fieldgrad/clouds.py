# SPDX-License-Identifier: BSD-3-Clause
"""Points as a caller gives them: positions along the directions of a grid, with dimensions and coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from fieldgrad.fields import units_of
from fieldgrad.grid import Axis, Grid
from fieldgrad.operators import Array

Points: TypeAlias = xr.Dataset | Mapping[str, xr.DataArray | float]

NAN, RAISE = "nan", "raise"


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points: positions along the axes of a grid, and an empty field on their dimensions and coordinates.

    Parameters
    ----------
    grid : Grid
        The grid.
    positions : mapping of str to ndarray of float64
        For the dimension of each axis the positions of all points.
    template : DataArray
        The empty field.
    outside : {"nan", "raise"}
        What becomes of points where a field is not known.
    """

    grid: Grid
    positions: Mapping[str, Array]
    template: xr.DataArray
    outside: str


def cloud_of(points: Any, grid: Grid, outside: str) -> Cloud:
    """Points, checked, of what a caller gave."""
    arrays = {dim: _positions(value, grid.axis(dim)) for dim, value in _by_axis(points, grid).items()}
    try:
        wide = xr.broadcast(*xr.align(*arrays.values(), join="exact", copy=False))
    except ValueError as error:
        raise ValueError(f"points: the positions do not fit together: {error}") from None
    dims = wide[0].dims
    coords: dict[Any, Any] = {}
    differing = set()
    for array in arrays.values():
        for name, coord in array.coords.items():
            # the variable alone: a DataArray differs as well where only another coordinate does
            if name in coords and not coords[name].equals(coord.variable):
                differing.add(name)
            coords[name] = coord.variable
    # positions take the place of coordinates of their name; of scalars that differ none is kept
    coords = {name: coord for name, coord in coords.items() if name not in differing and name not in arrays}
    for dim, array in arrays.items():
        if dim in dims and array.dims != (dim,):
            raise ValueError(
                f"points: the positions along {dim!r} have dimensions {array.dims}, while a dimension of the points is "
                f"called {dim!r}; rename that (points.rename({dim}=...))"
            )
        unit = grid.axis(dim).units
        coords[dim] = (array.dims, array.values, {"units": unit, **array.attrs} if unit else array.attrs)
    template = xr.DataArray(np.broadcast_to(np.nan, wide[0].shape), coords, dims)
    flat = {dim: np.ascontiguousarray(one.values, np.float64).ravel() for dim, one in zip(arrays, wide, strict=True)}
    return Cloud(grid, flat, template, outside)


def _by_axis(points: Any, grid: Grid) -> dict[str, Any]:
    """Positions by the dimension of their axis."""
    if isinstance(points, xr.Dataset):
        points = {
            name: points[name] for name in (*points.data_vars, *points.coords) if name in (*grid.dims, *grid.names)
        }
    if not isinstance(points, Mapping):
        raise TypeError(
            f"points: is a {type(points).__name__}; pass a mapping of directions to positions, such as "
            "{'x': DataArray, 'y': 0.5}, or a Dataset"
        )
    found: dict[str, Any] = {}
    for key, value in points.items():
        axes = [axis for axis in grid.axes if key == axis.dim] or [axis for axis in grid.axes if key == axis.name]
        if not axes:
            raise ValueError(
                f"points: {key!r} is no direction of the grid, which has {', '.join(map(repr, grid.dims))}; select "
                "along other dimensions first (obj.sel)"
            )
        if axes[0].dim in found:
            raise ValueError(f"points: the positions along {axes[0].dim!r} are given twice; give them once")
        found[axes[0].dim] = value
    missing = [dim for dim in grid.dims if dim not in found]
    if missing:
        raise ValueError(
            f"points: has no positions along {', '.join(map(repr, missing))}; give them for all directions of the "
            f"grid, {', '.join(map(repr, grid.dims))}"
        )
    return {dim: found[dim] for dim in grid.dims}


def _positions(value: Any, axis: Axis) -> xr.DataArray:
    """Positions along an axis, checked."""
    if isinstance(value, xr.DataArray):
        if value.chunks is not None:
            raise TypeError(
                f"points: the positions along {axis.dim!r} are lazy, and tell which blocks are read; load them first "
                "(points.load())"
            )
        array = value
    elif np.ndim(value) == 0 and not isinstance(value, str):
        array = xr.DataArray(value)
    else:
        raise TypeError(
            f"points: the positions along {axis.dim!r} are a {type(value).__name__}; pass a number, or a DataArray, "
            "whose dimensions say which positions belong together"
        )
    if array.dtype.kind not in "iuf":
        raise TypeError(f"points: the positions along {axis.dim!r} have dtype {array.dtype}; they must be real numbers")
    unit = units_of(array)
    if unit is not None and axis.units is not None and unit.strip() != axis.units.strip():
        raise ValueError(
            f"points: the positions along {axis.dim!r} are in {unit}, and its coordinate is in {axis.units}; convert "
            "them to that"
        )
    return array
