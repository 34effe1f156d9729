# SPDX-License-Identifier: BSD-3-Clause
"""From labelled fields to ndarrays, and from ndarrays back to labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import units
from fieldgrad.chunked import broadcast, is_lazy
from fieldgrad.components import COMPONENT, Components
from fieldgrad.curvilinear import Curvilinear
from fieldgrad.curvilinear import metric_of as curvilinear_metric_of
from fieldgrad.geometry import metric_of
from fieldgrad.grid import Axis, Grid, Named
from fieldgrad.infer import require_lengths
from fieldgrad.masks import holes_of
from fieldgrad.operators import Array, Frame, as_field, require_one_shape, working_dtype
from fieldgrad.parameters import PARAMETERS
from fieldgrad.recall import recalled_grid

Velocity = xr.Dataset | xr.DataArray


def scalar_of(f: xr.DataArray, grid: Grid | None, order: int = 1) -> tuple[Grid, Frame, Array]:
    """Grid, frame of a derivative, and values of a scalar field, checked."""
    array = array_of(f, "f")
    grid = recalled_grid(f) if grid is None else grid
    require_lengths(grid)
    if grid.system.turning and COMPONENT in f.dims:
        raise ValueError(
            f"f: {name_of(f, 'the field')} has a dimension {COMPONENT!r}, and in {grid.geometry} coordinates the unit "
            "vectors of its components turn, so that they are no scalars; select one of them if it is a scalar, or "
            "take fg.velocity_gradient or fg.advection of the vector"
        )
    return grid, frame_of(grid, f, order), working(array, name_of(f, "f"))


def working(array: Any, name: str, dtype: np.dtype[Any] | None = None) -> Array:
    """An array of a working dtype; a lazy one stays lazy."""
    if not is_lazy(array):
        return as_field(array, name, dtype)
    wanted = working_dtype(array.dtype, name) if dtype is None else dtype
    converted: Array = array if array.dtype == wanted else array.astype(wanted)
    return converted


def vector_of(fields: Sequence[xr.DataArray], labels: Sequence[str]) -> list[Array]:
    """Values of components, of one working dtype and one shape; a lazy one stays lazy."""
    names = [name_of(field, label) for field, label in zip(fields, labels, strict=True)]
    arrays = [array_of(field, name) for field, name in zip(fields, names, strict=True)]
    dtypes = {working_dtype(array.dtype, name) for array, name in zip(arrays, names, strict=True)}
    dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
    values = [working(array, name, dtype) for array, name in zip(arrays, names, strict=True)]
    require_one_shape(values, names)
    return values


def array_of(f: xr.DataArray, argument: str) -> Any:
    """Values of a field: in memory, or dask's, which stay lazy; nothing is loaded behind the caller's back."""
    if not isinstance(f, xr.DataArray):
        hint = "select a variable of it" if isinstance(f, xr.Dataset) else "ndarrays have their operators in fg.array"
        raise TypeError(f"{argument}: is a {type(f).__name__}; pass an xarray DataArray ({hint})")
    data = f.data
    if units.is_quantity(data):
        data = data.magnitude
    if isinstance(data, np.ndarray) or is_lazy(data):
        return data
    if f.chunks is not None:
        raise TypeError(
            f"{argument}: {name_of(f, 'the field')} is backed by {type(data).__module__.split('.')[0]}; of chunked "
            "arrays only dask's are understood: open it with chunked_array_type='dask', or load it (obj.load())"
        )
    raise TypeError(
        f"{argument}: {name_of(f, 'the field')} holds a {type(data).__name__}; convert it to a NumPy array first "
        "(obj.as_numpy())"
    )


def require_labelled(obj: Any, argument: str) -> None:
    """Refuse what is no xarray object."""
    if not isinstance(obj, xr.Dataset | xr.DataArray):
        raise TypeError(
            f"{argument}: is a {type(obj).__name__}; pass an xarray Dataset or DataArray (for ndarrays see fg.array)"
        )


def require_plain(grid: Grid, what: str) -> None:
    """Refuse holes, and a geometry whose metric would have to be taken account of."""
    if grid.mask is not None or grid.missing != "propagate":
        raise ValueError(
            f"grid: has a mask or missing={grid.missing!r}, beside the holes of which {what} is not told; fill holes "
            "first (obj.interpolate_na), and pass a grid without"
        )
    if grid.geometry != "cartesian":
        raise ValueError(
            f"grid: has the geometry {grid.geometry!r}, in which {what} is not told; pass a Cartesian grid"
        )


def require_free(f: xr.DataArray, *dims: str) -> None:
    """Verify that a field lacks the dimensions which its result gets."""
    for dim in dims:
        if dim in f.dims:
            raise ValueError(
                f"{name_of(f, 'f')}: has a dimension {dim!r} already, which the result would have twice; take "
                f"fg.velocity_gradient of a vector, or rename that dimension (obj.rename({dim}=...))"
            )


def frame_of(
    grid: Grid,
    f: xr.DataArray,
    order: int = 1,
    vector: Components | None = None,
    bent: Iterable[tuple[int, int]] = (),
) -> Frame:
    """The directions of a grid as axes of a field, with the tables of a derivative.

    The tables are those of the field, or of the components of a vector together, of which it is the first. Of the
    entries of a Hessian that are named as bent, a metric has the terms with first derivatives, too.
    """
    named: list[Named] = [(str_name(f), None)]
    if vector is not None:
        named = [(str_name(field), label) for label, field in zip(vector.labels, vector.fields, strict=True)]
    dims, shape = f.dims, f.shape
    for axis in grid.axes:
        if axis.dim not in dims:
            raise ValueError(
                f"grid: runs along dimension {axis.dim!r}, which {name_of(f, 'the field')} lacks; it has "
                f"{', '.join(map(repr, dims))}, pass the grid of that field (fg.infer_grid)"
            )
        if shape[dims.index(axis.dim)] != len(axis):
            raise ValueError(
                f"grid: dimension {axis.dim!r} has {len(axis)} points in the grid and {f.sizes[axis.dim]} in "
                f"{name_of(f, 'the field')}; infer the grid from these data (fg.infer_grid)"
            )
    axes = tuple(dims.index(axis.dim) for axis in grid.axes)
    stencils = tuple(axis.stencil(order, named) for axis in grid.axes)
    holes = holes_of(grid, grid.axes, order, mask_on(grid, f))
    metric = curvilinear_metric_of(grid, bent) if isinstance(grid.system, Curvilinear) else metric_of(grid)
    if metric is not None:
        by_name = dict(zip(grid.names, axes, strict=True))
        metric = metric.placed([by_name.get(name) for name in grid.directions], f.ndim)
    return Frame(grid.names, axes, stencils, grid.left_handed, holes, metric, grid.directions)


def frame_along(axis: Axis, f: xr.DataArray, order: int, grid: Grid | None) -> Frame:
    """One axis of a field with the table of a derivative, and the holes of a grid."""
    holes = None if grid is None else holes_of(grid, [axis], order, mask_on(grid, f))
    stencil = axis.stencil(order, [(str_name(f), None)])
    return Frame(("x",), (int(f.get_axis_num(axis.dim)),), (stencil,), holes=holes)


def mask_on(grid: Grid, f: xr.DataArray) -> Any | None:
    """The mask of a grid on the dimensions of a field; lazy if it is."""
    if grid.mask is None:
        return None
    sizes = dict(zip(grid.mask.dims, grid.mask.values.shape, strict=True))
    for dim, size in sizes.items():
        if f.sizes.get(dim) != size:
            raise ValueError(
                f"grid: its mask has {size} points along dimension {dim!r}, of which {name_of(f, 'the field')} has "
                f"{f.sizes.get(dim, 'none')}; infer a grid with a mask on its dimensions (fg.infer_grid)"
            )
    values = grid.mask.values.transpose([grid.mask.dims.index(dim) for dim in f.dims if dim in sizes])
    return broadcast(values[tuple(slice(None) if dim in sizes else np.newaxis for dim in f.dims)], f.shape)


def broadcast_on(f: xr.DataArray, found: Components, grid: Grid, argument: str) -> list[Array]:
    """Components along the directions of the grid, on the dimensions of a field."""
    fields = dict(zip(found.labels, found.fields, strict=True))
    return [aligned_on(fields[name], f, argument) for name in grid.names]


def aligned_on(value: xr.DataArray, f: xr.DataArray, name: str) -> Array:
    """A field on the dimensions of another, as far as it has them: the others get length one."""
    unknown = [dim for dim in value.dims if dim not in f.dims]
    if unknown:
        raise ValueError(
            f"{name}: has dimension {unknown[0]!r}, which {name_of(f, 'the field')} lacks; "
            f"it has {', '.join(map(repr, f.dims))}"
        )
    try:
        xr.align(value, f, join="exact", copy=False)
    except ValueError:
        differing = [
            dim
            for dim in value.dims
            if value.sizes[dim] != f.sizes[dim]
            or (dim in value.indexes and dim in f.indexes and not value.indexes[dim].equals(f.indexes[dim]))
        ]
        raise ValueError(
            f"{name}: its coordinate along {', '.join(map(repr, differing))} differs from that of "
            f"{name_of(f, 'the field')}; interpolate or reindex it first"
        ) from None
    array = array_of(value.transpose(*[dim for dim in f.dims if dim in value.dims]), name)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: {name_of(value, 'the field')} has dtype {array.dtype}; it must hold real numbers")
    result: Array = array[tuple(slice(None) if dim in value.dims else np.newaxis for dim in f.dims)]
    return result


def converted(quantity: Any, name: str, wanted: str | None) -> tuple[Any, str]:
    """Magnitude of a quantity of pint in the wanted units, and these."""
    if wanted is None:
        raise ValueError(f"{name}: is in {quantity.units}, of which a power is a fraction; pass a plain number")
    try:
        return units.magnitude(quantity, wanted), wanted
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def parameter_of(obj: Velocity, name: str, value: Any) -> tuple[Any, str | None]:
    """Value of a parameter, and its units where it has any.

    A string names a variable of the dataset; a quantity of pint is converted to the units that are documented.
    """
    if units.is_quantity(value):
        return converted(value, name, PARAMETERS[name].units if name in PARAMETERS else units.of_quantity(value))
    if not isinstance(value, str):
        return value, units_of(value) if isinstance(value, xr.DataArray) else None
    if not isinstance(obj, xr.Dataset) or value not in obj:
        there = (
            ", ".join(map(repr, obj.data_vars)) if isinstance(obj, xr.Dataset) else "no variables, being a DataArray"
        )
        raise ValueError(
            f"{name}: {value!r} is no variable of the dataset, which has {there}; pass a number or a DataArray"
        )
    return obj[value], units_of(obj[value])


def relabel(
    f: xr.DataArray,
    data: Array,
    extra: Mapping[str, Sequence[str | int]] | None = None,
    *,
    name: str,
    long_name: str,
    definition: str,
    unit: str | None,
    grid: Grid | str | None = None,
    standard_name: str | None = None,
) -> xr.DataArray:
    """Values on the coordinates of a field, behind new dimensions, with attributes that say what they are.

    Where the field holds quantities of pint and the units are known, the values become quantities too.
    """
    attrs = {"long_name": long_name, "fieldgrad_definition": definition}
    if standard_name is not None:
        attrs["standard_name"] = standard_name
    if grid is not None:
        attrs["fieldgrad_grid"] = grid if isinstance(grid, str) else grid.description
    if isinstance(grid, Grid) and not grid.system.cartesian:
        attrs["fieldgrad_geometry"] = "; ".join([grid.described, *grid.notes])
    if unit is not None and units.is_quantity(f.variable._data):
        data = units.quantified(data, unit, f.variable._data)
    elif unit is not None:
        attrs["units"] = unit
    # _replace takes 7 microseconds. The public ways rebuild every index: f.copy(data=...) takes 50, which is half of a
    # call on a small field, and DataArray(data, coords) 200 to 400
    variable = xr.Variable((*(extra or ()), *f.dims), data, attrs, fastpath=type(data) is np.ndarray)
    if not extra:
        return f._replace(variable, dict(f._coords), name, indexes=dict(f._indexes))
    kept = {key: value for key, value in f._coords.items() if key not in extra}
    labels = [_labels(dim, tuple(values)) for dim, values in extra.items()]
    # copies, so that attributes that a caller sets stay his own
    coords = {key: value.copy(deep=False) for part in labels for key, value in part._coords.items()}
    indexes = {key: value for part in labels for key, value in part._indexes.items()}
    return f._replace(
        variable,
        {**kept, **coords},
        name,
        indexes={**{key: index for key, index in f._indexes.items() if key in kept}, **indexes},
    )


@lru_cache(maxsize=64)
def _labels(dim: str, values: tuple[str | int, ...]) -> xr.DataArray:
    """A dimension with labels, from which the coordinate is taken."""
    return xr.DataArray(np.zeros(len(values)), {dim: list(values)}, [dim])


def str_name(f: xr.DataArray) -> str | None:
    """Name of a field, if it has one."""
    return None if f.name is None else str(f.name)


def name_of(f: xr.DataArray, default: str) -> str:
    """Name of a field, or what to call it where it has none."""
    return str(f.name) if f.name is not None else default


def short_of(f: xr.DataArray) -> str:
    """What a field is called in formulas."""
    return name_of(f, "f")


def long_of(f: xr.DataArray) -> str:
    """What a field is called in words."""
    return str(f.attrs.get("long_name", name_of(f, "f")))


def units_of(f: xr.DataArray) -> str | None:
    """Units of a field."""
    return units.stated(f.variable)


def length_of(grid: Grid) -> str | None:
    """The unit of length of all directions, if they share one; the metre on a sphere whose radius is in metres."""
    if isinstance(grid.system, Curvilinear):
        return grid.system.length
    given = [axis.units for axis in grid.axes if grid.directions.index(axis.name) not in grid.system.angles]
    return units.common(given or [grid.system.length])


def require_coordinate(grid: Grid, axis: Axis) -> None:
    """Verify that an axis has a coordinate of its own, and does not count points of a curvilinear grid."""
    if isinstance(grid.system, Curvilinear) and grid.directions.index(axis.name) in grid.system.counted:
        raise ValueError(
            f"dim: {axis.dim!r} counts points of a curvilinear grid and has no coordinate to differentiate along; take "
            f"fg.gradient or fg.velocity_gradient, whose components are along {', '.join(grid.names)}"
        )


def require_whole(grid: Grid, what: str) -> None:
    """Verify that a grid has the directions without which derivatives of vectors make no sense in its geometry."""
    missing = [grid.directions[place] for place in grid.system.coupled if grid.directions[place] not in grid.names]
    if missing:
        raise ValueError(
            f"grid: is {grid.geometry} and lacks the direction{'s' if len(missing) > 1 else ''} {', '.join(missing)}, "
            f"without which {what} cannot be told: the unit vectors turn along it. Keep that dimension (a field that "
            "does not depend on it can be repeated along it, obj.expand_dims)"
        )
