# SPDX-License-Identifier: BSD-3-Clause
"""Fields, gradients and quantities at any points, on labelled data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import chunked_probes, operators, units
from fieldgrad.bars import watched
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import is_lazy
from fieldgrad.clouds import NAN, RAISE, Cloud, Points, cloud_of
from fieldgrad.components import COMPONENT, find_components
from fieldgrad.fields import (
    Velocity,
    aligned_on,
    array_of,
    frame_of,
    length_of,
    long_of,
    name_of,
    parameter_of,
    relabel,
    require_free,
    require_labelled,
    require_plain,
    short_of,
    str_name,
    units_of,
    vector_of,
    working,
)
from fieldgrad.grid import Grid
from fieldgrad.grid import Named as GridNamed
from fieldgrad.infer import require_lengths
from fieldgrad.labelled import Names, quantity_units
from fieldgrad.operators import Frame
from fieldgrad.parameters import resolve_parameters
from fieldgrad.probes import GRADIENT, VALUE, Probes
from fieldgrad.quantities import Named, chosen
from fieldgrad.quantities import quantities as known_quantities
from fieldgrad.recall import recalled_grid
from fieldgrad.tracks import tracks

_PLAIN = {record.name: record for record in (VALUE, GRADIENT)}


@watched
def sample(
    obj: Velocity,
    points: Points,
    quantities: Named,
    *,
    grid: Grid | None = None,
    components: Names = None,
    outside: str = NAN,
    **parameters: float | str | xr.DataArray,
) -> xr.Dataset:
    """Fields, gradients and quantities at any points, between the nodes too.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity (a variable for each component, or a dimension ``component``) or a scalar field.
    points : mapping of str to DataArray or float, or Dataset
        For each direction of the grid (or its dimension) the positions, in units of the coordinate. DataArrays are
        broadcast together. Where they share a dimension with `obj` that is no direction, such as time, each point is
        taken at its own place along that; all other dimensions of `obj` are kept.
    quantities : str, Quantity, or iterable of these
        "value" (a scalar, or the velocity as a vector), "gradient" (of a scalar), names of quantities that
        :func:`fieldgrad.quantities` shows, your own records, or names of other variables of a Dataset.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.
    outside : {"nan", "raise"}
        What becomes of points where the field is not known. It is known between the first and the last node, up to a
        wall or mirror that the grid tells of, and everywhere along periodic axes.
    **parameters : float, DataArray or str
        Parameters of the quantities, such as ``viscosity``: numbers, fields (which are sampled as well), or names of
        variables of `obj`.

    Returns
    -------
    Dataset
        A variable for each name, on the dimensions of components, those that `obj` has beside its directions, and
        those of the points, whose positions are coordinates. Lazy if `obj` is.

    Raises
    ------
    TypeError
        If something is neither a number nor a DataArray of numbers, or positions are lazy.
    ValueError
        If a direction has no positions or something else has, if the units of positions are not those of the
        coordinate, if a point is outside and `outside` says so, if the grid takes derivatives by least squares, or as
        :func:`fieldgrad.derive`.

    Notes
    -----
    Along each direction the field is the polynomial through the ``accuracy + 1`` nodes whose middle one is nearest, and
    at the ends through the last ones; in space it is their tensor product. Weights of value and slope are Fornberg's
    (Mathematics of Computation 51 (1988) 699-706) on the true nodes. At nodes, values are those of the field and
    gradients those of the grid operators; between them gradients have the order of accuracy of the grid and values one
    more. Values jump between windows by no more than that error.

    Of a dask array, only the blocks that hold points are read, and what windows reach of their neighbours.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> line = {"x": 0.3, "y": xr.DataArray([0.1, 0.2, 1.5], dims="probe")}
    >>> out = fg.sample(flow.dataset, line, ["value", "vorticity"])
    >>> out.value.sel(component="x").values.round(12)
    array([0.3, 0.6, nan])
    >>> out.vorticity.dims, out.vorticity.values.round(12)
    (('probe',), array([-3., -3., nan]))
    """
    require_labelled(obj, "obj")
    if outside not in (NAN, RAISE):
        raise ValueError(f"outside: is {outside!r}; it must be 'nan' or 'raise'")
    wanted = _wanted(obj, quantities)
    grid = recalled_grid(obj) if grid is None else grid
    require_lengths(grid)
    require_plain(grid, "what is between nodes")
    cloud = cloud_of(points, grid, outside)
    records = [record for record in wanted.values() if isinstance(record, Quantity)]
    # all is checked before anything is computed
    plans: list[Callable[[], dict[str, xr.DataArray]]] = []
    if _is_scalar(obj):
        plans.append(_scalar(obj, records, cloud))  # type: ignore[arg-type]
    elif records:
        plans.append(_velocity(obj, records, components, parameters, cloud))
    if parameters and (_is_scalar(obj) or not records):
        raise TypeError(f"{next(iter(parameters))}: nothing that is asked for takes parameters; leave it out")
    for name, item in wanted.items():
        if not isinstance(item, Quantity):
            plans.append(_variable(item, name, cloud))
    results: dict[str, xr.DataArray] = {}
    for plan in plans:
        results |= plan()
    return xr.Dataset({name: results[name] for name in wanted})


def _is_scalar(obj: Velocity) -> bool:
    return isinstance(obj, xr.DataArray) and COMPONENT not in obj.dims


def _wanted(obj: Velocity, names: Named) -> dict[str, Quantity | xr.DataArray]:
    """What each name stands for."""
    if not isinstance(names, Iterable | Quantity):
        raise TypeError(f"quantities: got {names!r}; pass a name such as 'value', or a list of names")
    found: dict[str, Quantity | xr.DataArray] = {}
    there = known_quantities()
    for one in [names] if isinstance(names, str | Quantity) else list(names):
        if isinstance(one, str) and one in _PLAIN:
            found[one] = _PLAIN[one]
        elif isinstance(one, str) and one not in there and isinstance(obj, xr.Dataset) and one in obj.data_vars:
            found[one] = obj[one]
        else:
            (record,) = chosen(one)
            known = found.setdefault(record.name, record)
            if not isinstance(known, Quantity) or known != record:
                raise ValueError(f"quantities: two different ones are called {record.name!r}; rename one of them")
    if not found:
        raise ValueError("quantities: is empty; name at least one, such as 'value'")
    scalar = _is_scalar(obj)
    for name in found:
        if scalar and name not in _PLAIN:
            raise ValueError(
                f"quantities: {name!r} is one of a velocity, and a DataArray without a dimension {COMPONENT!r} is a "
                "scalar, which has 'value' and 'gradient'; pass the Dataset of the velocity"
            )
        if not scalar and name == GRADIENT.name:
            raise ValueError(
                "quantities: 'gradient' is that of a scalar; pass the variable (ds['p']), or take 'velocity_gradient'"
            )
    return found


# ---------------------------------------------------------------------------------------------------------
# points in the frame of a field


def _probes(cloud: Cloud, grid: Grid, f: xr.DataArray, fields: Sequence[GridNamed], frame: Frame) -> Probes:
    """The points in the frame of a field, without those outside."""
    rails = tuple(tracks(axis, fields) for axis in grid.axes)
    inside = np.ones(cloud.template.size, bool)
    for axis, parts in zip(grid.axes, rails, strict=True):
        positions = cloud.positions[axis.dim]
        holds = np.logical_and.reduce([part.holds(positions) for part in parts])
        if cloud.outside == RAISE and not holds.all():
            number = int(np.flatnonzero(~holds)[0])
            place = np.unravel_index(number, cloud.template.shape)
            named = zip(cloud.template.dims, place, strict=True)
            where = f" at {', '.join(f'{dim}={int(i)}' for dim, i in named)}" if place else ""
            low, high = max(part.low for part in parts), min(part.high for part in parts)
            raise ValueError(
                f"points: the position {positions[number]} along {axis.dim!r}{where} is outside: the field is "
                f"known from {low:g} to {high:g} (outside='nan' gives NaN elsewhere)"
            )
        inside &= holds
    targets = np.flatnonzero(inside).astype(np.int64)
    positions = np.empty((len(grid.axes), len(targets)))
    for row, axis, parts in zip(positions, grid.axes, rails, strict=True):
        row[:] = parts[0].wrapped(cloud.positions[axis.dim][targets])
    shared = []
    for dim in _shared(f, grid, cloud):
        axis_of_points = cloud.template.get_axis_num(dim)
        places = np.unravel_index(targets, cloud.template.shape)[axis_of_points]
        shared.append((int(f.get_axis_num(dim)), places.astype(np.int64)))
    return Probes(frame, rails, positions, tuple(shared), targets, cloud.template.size)


def _shared(f: xr.DataArray, grid: Grid, cloud: Cloud) -> list[str]:
    """Dimensions of a field that points have as well, checked to agree."""
    shared = [str(dim) for dim in f.dims if dim in cloud.template.dims and dim not in grid.dims]
    for dim in shared:
        labels = (f.indexes.get(dim), cloud.template.indexes.get(dim))
        same = labels[0] is None or labels[1] is None or labels[0].equals(labels[1])
        if f.sizes[dim] != cloud.template.sizes[dim] or not same:
            raise ValueError(
                f"points: share dimension {dim!r} with {name_of(f, 'the field')}, which differs there; take the same "
                "coordinate, or rename that of the points"
            )
    return shared


# ---------------------------------------------------------------------------------------------------------
# fields


def _scalar(f: xr.DataArray, records: Sequence[Quantity], cloud: Cloud) -> Callable[[], dict[str, xr.DataArray]]:
    """Value and gradient of a scalar, which may lack directions where its gradient is not asked for."""
    grid = cloud.grid
    if GRADIENT not in records:
        grid = replace(grid, axes=tuple([axis for axis in grid.axes if axis.dim in f.dims]), others=())
        if not grid.axes:
            raise ValueError(
                f"quantities: {name_of(f, 'the field')} has none of the directions "
                f"{', '.join(map(repr, cloud.grid.dims))} of the grid and cannot be sampled along them"
            )
    frame = _light(frame_of(grid, f))
    fields = [working(array_of(f, name_of(f, "obj")), name_of(f, "obj"))]
    where = _probes(cloud, grid, f, [(str_name(f), None)], frame)
    template = _template(f, grid, cloud)
    along: list[tuple[tuple[str | int, ...], ...]] = [(grid.names,) if one == GRADIENT else () for one in records]
    if GRADIENT in records:
        require_free(template, COMPONENT)

    def plan() -> dict[str, xr.DataArray]:
        results = chunked_probes.sample(fields, "x", where, records, along, {}, cloud.template.shape)
        labelled = {}
        for record, result in zip(records, results, strict=True):
            if record == VALUE:
                labelled["value"] = relabel(template, result, name="value", long_name="", definition="", unit=None)
                labelled["value"].attrs = dict(f.attrs)
            else:
                labelled["gradient"] = relabel(
                    template,
                    result,
                    {COMPONENT: grid.names},
                    name="gradient",
                    long_name=f"gradient of {long_of(f)}",
                    definition=f"d({short_of(f)})/dx_i",
                    unit=units.combine([(units_of(f), 1), (length_of(grid), -1)]),
                    grid=grid,
                )
        return labelled

    return plan


def _variable(f: xr.DataArray, name: str, cloud: Cloud) -> Callable[[], dict[str, xr.DataArray]]:
    """Value of a variable, under its own name."""
    plan = _scalar(f, [VALUE], cloud)
    return lambda: {name: plan()[VALUE.name].rename(name)}


def _velocity(
    obj: Velocity, records: Sequence[Quantity], components: Names, given: Mapping[str, Any], cloud: Cloud
) -> Callable[[], dict[str, xr.DataArray]]:
    """Quantities of a velocity, and the velocity itself."""
    grid = cloud.grid
    named = {name: parameter_of(obj, name, value) for name, value in given.items()}
    found = find_components(obj, grid, components)
    first = found.fields[0]
    frame = _light(frame_of(grid, first, vector=found))
    along = [
        (found.labels,) if record == VALUE else operators.value_labels(record, found.labels, frame)
        for record in records
    ]
    template = _template(first, grid, cloud)
    require_free(template, *{dim for record, part in zip(records, along, strict=True) if part for dim in record.dims})
    fields = vector_of(found.fields, found.labels)
    operators.require_real(records, fields[0].dtype)
    names = [(str_name(field), label) for field, label in zip(found.fields, found.labels, strict=True)]
    where = _probes(cloud, grid, first, names, frame)
    users = {record.name: record.parameters for record in records if record != VALUE}
    # on the points before anything is joined: arithmetic of xarray would align behind the caller's back
    at_points = {name: _parameter(value, name, template, cloud) for name, (value, _) in named.items()}
    values = {name: _plain(value, name) for name, value in resolve_parameters(users, at_points).items()}
    unit_of = quantity_units(found, grid, named)

    def plan() -> dict[str, xr.DataArray]:
        results = chunked_probes.sample(fields, found.labels, where, records, along, values, cloud.template.shape)
        labelled = {}
        for record, result, part in zip(records, results, along, strict=True):
            speed = units.common([units_of(field) for field in found.fields])
            labelled[record.name] = relabel(
                template,
                result,
                dict(zip(record.dims, part, strict=True)) if part else {},
                name=record.name,
                long_name="velocity" if record == VALUE else record.long_name,
                definition="u_i" if record == VALUE else record.definition,
                unit=speed if record == VALUE else unit_of(record),
                grid=grid,
            )
        return labelled

    return plan


def _parameter(value: Any, name: str, template: xr.DataArray, cloud: Cloud) -> Any:
    """A parameter as a number, or as an array that broadcasts to the result; a field is sampled as well."""
    if not isinstance(value, xr.DataArray):
        if np.ndim(value):
            raise TypeError(f"{name}: is a {type(value).__name__}; pass a number or a DataArray")
        return value
    if any(dim in cloud.grid.dims for dim in value.dims):
        value = _scalar(value, [VALUE], cloud)()[VALUE.name]
    return aligned_on(value, template, name)


def _plain(value: Any, name: str) -> Any:
    return value if np.ndim(value) or is_lazy(value) else operators.as_parameter(value, name, np.dtype(np.float64), ())


def _light(frame: Frame) -> Frame:
    """A frame without tables, whose work has been to check the axes."""
    return Frame(frame.directions, frame.axes, (), frame.left_handed)


def _template(f: xr.DataArray, grid: Grid, cloud: Cloud) -> xr.DataArray:
    """An empty field on the dimensions that a scalar result has: those of the field, then those of the points."""
    points = cloud.template
    kept = [dim for dim in f.dims if dim not in grid.dims and dim not in points.dims]
    coords = {
        name: coord
        for name, coord in f.coords.items()
        if name not in points.coords and name not in points.dims and set(coord.dims) <= {*kept, *points.dims}
    }
    shape = (*(f.sizes[dim] for dim in kept), *points.shape)
    return xr.DataArray(np.broadcast_to(np.nan, shape), {**coords, **points.coords}, [*kept, *points.dims])
