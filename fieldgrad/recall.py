# SPDX-License-Identifier: BSD-3-Clause
"""Grids of coordinates that were seen before, which are not inferred again.

On a small field inference takes as long as the rest of a call, and most calls of a program are on one grid: all of them
then have one :class:`fieldgrad.Grid`, with what hangs on it.

The rule: a grid is kept under all that inference was shown, by value, and inference was shown nothing else, since it
works on a stand-in that is made of the key: dimensions, sizes, nodes, and attributes that are text or numbers. So
whatever changes between two calls, in place or not, changes the key or was not looked at. The key is a copy: no data of
the caller are kept, nor any array that he can change. What is long (more than 4096 nodes along a dimension) or told by
other than plain coordinates (those of several dimensions, dates as objects, quantities of pint, indexes of other
libraries) is inferred every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import xarray as xr
from xarray.indexes import PandasIndex

from fieldgrad.grid import Axis, Grid
from fieldgrad.infer import infer_axis, infer_grid
from fieldgrad.mesh import claims

# Nodes along a dimension up to which they are compared rather than looked at anew.
_LONGEST = 4096
# Grids that are kept, the latest ones: 15 MB where every one has four dimensions of that length.
_KEPT = 32
# Attributes of these types may tell something; arrays and lists, of which files have some, do not.
_READ = (str, int, float, np.number)


class Coordinate(NamedTuple):
    """A coordinate by value."""

    dtype: str
    nodes: bytes
    # with the types of values: 1, 1.0 and True are equal and mean different things
    attrs: tuple[tuple[Any, type, Any], ...]


Told: TypeAlias = tuple[tuple[str, int, Coordinate | None], ...]


def recalled_grid(obj: xr.DataArray | xr.Dataset) -> Grid:
    """The grid that :func:`fieldgrad.infer_grid` finds by default, inferred once for equal coordinates.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.

    Returns
    -------
    Grid
        The grid; the same object for equal coordinates, as long as it is among the latest.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.infer_grid`.

    Examples
    --------
    >>> f = xr.DataArray([0.0, 1.0, 9.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    >>> recalled_grid(f) is recalled_grid(f**2)
    True
    >>> recalled_grid(f) is recalled_grid(f.assign_coords(x=[0.0, 1.0, 2.0]))
    False
    """
    told = _told(obj)
    if told is not None:
        # what is wrong is to be said of the data, not of their stand-in
        with suppress(KeyError, TypeError, ValueError):
            return _grid(told)
    return infer_grid(obj)


def recalled_axis(obj: xr.DataArray, dim: str) -> Axis:
    """The axis that :func:`fieldgrad.infer.infer_axis` finds, inferred once for equal coordinates.

    Parameters
    ----------
    obj : DataArray
        Data.
    dim : str
        Name of a dimension, or "x", "y" or "z".

    Returns
    -------
    Axis
        The axis; the same object for equal coordinates, as long as it is among the latest.

    Raises
    ------
    KeyError, TypeError, ValueError
        As :func:`fieldgrad.infer.infer_axis`.

    Examples
    --------
    >>> f = xr.DataArray([0.0, 1.0, 9.0], dims="time", coords={"time": [0.0, 1.0, 3.0]})
    >>> recalled_axis(f, "time") is recalled_axis(f**2, "time")
    True
    """
    told = _told(obj)
    if told is not None:
        with suppress(KeyError, TypeError, ValueError):
            return _axis(told, dim)
    return infer_axis(obj, dim)


def _told(obj: Any) -> Told | None:
    """All that inference looks at; None where that may be more than short coordinates of numbers or times."""
    # the plain dictionaries behind .coords.variables and .variables
    if isinstance(obj, xr.DataArray):
        variables: Mapping[Any, xr.Variable] = obj._coords
    elif isinstance(obj, xr.Dataset):
        variables = obj._variables
    else:
        return None
    if claims(obj, variables):
        return None
    told = []
    for dim, size in obj.sizes.items():
        if not isinstance(dim, str):
            return None
        variable = variables.get(dim)
        coordinate = None if variable is None else _coordinate(variable, obj._indexes.get(dim))
        if variable is not None and coordinate is None:
            return None
        told.append((dim, size, coordinate))
    return tuple(told)


def _coordinate(variable: xr.Variable, index: Any) -> Coordinate | None:
    """A coordinate by value; None where it is long, or has none that can be compared."""
    if type(index) is not PandasIndex:
        return None
    # values of the index take a tenth of the time of those of the variable
    values, dtype = index.index.values, index.coord_dtype
    if len(values) > _LONGEST or dtype.kind not in "iufmMU" or variable.dims != (index.dim,):
        return None
    if values.dtype != dtype:
        values = np.asarray(variable.values, dtype)
    attrs = variable.attrs
    read = [(key, type(value), value) for key, value in attrs.items() if isinstance(value, _READ)] if attrs else ()
    return Coordinate(dtype.str, values.tobytes(), tuple(read))


def _stand_in(told: Told) -> xr.DataArray:
    """Data with these coordinates, and nothing else."""
    coords = {
        dim: xr.Variable(dim, np.frombuffer(one.nodes, one.dtype), {key: value for key, _, value in one.attrs})
        for dim, _, one in told
        if one is not None
    }
    return xr.DataArray(np.broadcast_to(0.0, [size for _, size, _ in told]), coords, [dim for dim, _, _ in told])


@lru_cache(maxsize=_KEPT)
def _grid(told: Told) -> Grid:
    return infer_grid(_stand_in(told))


@lru_cache(maxsize=_KEPT)
def _axis(told: Told, dim: str) -> Axis:
    return infer_axis(_stand_in(told), dim)
