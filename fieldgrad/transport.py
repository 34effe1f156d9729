# SPDX-License-Identifier: BSD-3-Clause
"""What a flow does to a field: derivatives along it and with it, and how fast diffusion evens the field out."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import operators, units
from fieldgrad.bars import watched
from fieldgrad.chunked import evaluate, of_scalar
from fieldgrad.components import COMPONENT, Components, find_components, refuse_staggered
from fieldgrad.coordinates import BY_RESEMBLANCE, direction, metres, seconds
from fieldgrad.fields import (
    Velocity,
    aligned_on,
    array_of,
    broadcast_on,
    converted,
    frame_along,
    frame_of,
    length_of,
    long_of,
    name_of,
    relabel,
    require_free,
    require_labelled,
    require_whole,
    scalar_of,
    short_of,
    units_of,
    vector_of,
    working,
)
from fieldgrad.grid import Axis, Grid
from fieldgrad.infer import axis_of, infer_axis, require_lengths
from fieldgrad.labelled import Names
from fieldgrad.operators import Array, Frame
from fieldgrad.recall import recalled_grid


@watched
def directional_derivative(
    f: xr.DataArray, along: Velocity, *, grid: Grid | None = None, components: Names = None
) -> xr.DataArray:
    """Derivative of a scalar along the unit vector of a vector field.

    Parameters
    ----------
    f : DataArray
        Scalar field.
    along : Dataset or DataArray
        Vector field: a variable for each component, or a dimension ``component``. It need not have unit length.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(f)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray
        ``(a . grad f) / |a|``, on the dimensions of `f`; NaN where the vector vanishes.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.gradient`; and if the components are not found or do not fit `f`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.solid_body_rotation([-1.0, 0.5, 2.0], [1.0, 2.0, 3.0]).dataset
    >>> fg.directional_derivative(flow.x**2 + flow.y**2, along=flow).round(12).values[0] + 0.0
    array([0., 0., 0.])
    """
    require_labelled(along, "along")
    grid, frame, field = scalar_of(f, grid)
    vector = broadcast_on(f, find_components(along, grid, components), grid, "along")
    (result,) = evaluate(_directional_derivative, [field], frame, vector)
    return relabel(
        f,
        result,
        name=f"d{short_of(f)}_ds",
        long_name=f"derivative of {long_of(f)} along a unit vector",
        definition=f"(a . grad {short_of(f)})/|a|",
        unit=units.combine([(units_of(f), 1), (length_of(grid), -1)]),
        grid=grid,
    )


@watched
def advection(
    f: xr.DataArray | xr.Dataset, velocity: Velocity, *, grid: Grid | None = None, components: Names = None
) -> xr.DataArray:
    """Advection of a scalar, of a vector, or of the velocity itself, (u . grad) f.

    Parameters
    ----------
    f : DataArray or Dataset
        Scalar field, a vector with a dimension ``component``, or a Dataset whose velocity is advected.
    velocity : Dataset or DataArray
        Velocity: a variable for each component, or a dimension ``component``. It may lack dimensions of `f`, such as
        time.
    grid : Grid, optional
        Directions and discretisation, by default inferred from `velocity`.
    components : sequence of str, optional
        Names of the components of `velocity`, and of `f` where that is a Dataset, in x, y, z order.

    Returns
    -------
    DataArray
        u_j df/dx_j, on the dimensions of `f`; with a dimension ``component`` in front if `f` is a Dataset.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.gradient`; and if the components are not found or do not fit `f`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.solid_body_rotation([-1.0, 0.5, 2.0], [1.0, 2.0, 3.0]).dataset
    >>> fg.advection(flow, flow).sel(component="x", y=2.0).values
    array([ 1. , -0.5, -2. ])
    """
    carried = _carried(f, velocity, grid, components)
    return carried.labelled(
        carried.rate(),
        name="advection" if carried.joined else f"advection_{short_of(carried.first)}",
        long_name=f"advection of {carried.long_name}",
        definition="u_j du_i/dx_j" if carried.joined else f"(u . grad) {short_of(carried.first)}",
        unit=units.combine([(carried.speed, 1), (carried.unit, 1), (length_of(carried.grid), -1)]),
    )


@watched
def material_derivative(
    f: xr.DataArray | xr.Dataset,
    velocity: Velocity,
    *,
    time: str | None = None,
    grid: Grid | None = None,
    components: Names = None,
) -> xr.DataArray:
    """Rate of change of a scalar, of a vector, or of the velocity itself, as seen by a particle of the fluid.

    Parameters
    ----------
    f : DataArray or Dataset
        Scalar field, a vector with a dimension ``component``, or a Dataset whose velocity is differentiated; with a
        dimension of time.
    velocity : Dataset or DataArray
        Velocity: a variable for each component, or a dimension ``component``. Without a dimension of time it is taken
        as steady.
    time : str, optional
        Dimension of time, by default the only one that is a time by its coordinate (dates, durations, CF attributes,
        or units such as seconds or hours) or by its name (time or t).
    grid : Grid, optional
        Directions and discretisation, by default inferred from `velocity`. The time derivative has its accuracy.
    components : sequence of str, optional
        Names of the components of `velocity`, and of `f` where that is a Dataset, in x, y, z order.

    Returns
    -------
    DataArray
        Df/Dt = df/dt + u_j df/dx_j, per second, on the dimensions of `f`; with a dimension ``component`` in front if
        `f` is a Dataset. A time that counts in another unit, such as hours, is converted; one without units is taken
        to count in the unit of time of the velocity.

    Raises
    ------
    TypeError
        If something is no xarray object or holds no numbers.
    ValueError
        If there is no dimension of time, or several; if it has too few points, or coordinates that are unusable; if
        the velocity counts lengths or times in other units than the coordinates, so that the two terms cannot be
        added; or as :func:`fieldgrad.advection`.

    Notes
    -----
    G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press (1967), section 2.1. Of a velocity it
    is the acceleration of the fluid. Both terms are finite differences, so times far apart blur the first: where a
    particle crosses several cells or a good part of a period between two times the sum means little.

    Examples
    --------
    What moves with the flow does not change:

    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    >>> t = xr.DataArray([0.0, 2.0, 3.0], dims="time", coords={"time": [0.0, 2.0, 3.0]})
    >>> flow = xr.Dataset({"u": 0 * x + 0.5})
    >>> fg.material_derivative((x - 0.5 * t) ** 2, flow).round(12).values[0] + 0.0
    array([0., 0., 0.])
    """
    carried = _carried(f, velocity, grid, components)
    first = carried.first
    axis = _time_axis(first, time, carried.grid)
    unit = _rate_unit(carried, axis)
    result = carried.rate(axis)
    return carried.labelled(
        result,
        name="material_derivative" if carried.joined else f"D{short_of(first)}_Dt",
        long_name=f"material derivative of {carried.long_name}",
        definition="du_i/dt + u_j du_i/dx_j"
        if carried.joined
        else f"d({short_of(first)})/dt + (u . grad) {short_of(first)}",
        unit=unit,
    )


@watched
def scalar_dissipation(f: xr.DataArray, diffusivity: Any, *, grid: Grid | None = None) -> xr.DataArray:
    """Rate at which diffusion destroys the variance of a scalar.

    Parameters
    ----------
    f : DataArray
        Scalar field.
    diffusivity : float, DataArray or pint.Quantity
        Diffusivity kappa of the scalar: a number (m2 s-1 where lengths are in m), or a field on dimensions of `f`.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray
        chi = 2 kappa (f_x^2 + f_y^2 + f_z^2), on the dimensions of `f`.

    Raises
    ------
    TypeError
        If `f` is complex, or the diffusivity neither a real number nor a DataArray of them; or as
        :func:`fieldgrad.gradient`.
    ValueError
        If the diffusivity does not fit `f`; or as :func:`fieldgrad.gradient`.

    Notes
    -----
    N. Peters, Progress in Energy and Combustion Science 10 (1984) 319-339. It is the sink of f^2 in a fluid of uniform
    density, and of the mean of f'^2 where `f` is the fluctuation; half of it, ``kappa |grad f|^2``, is called scalar
    dissipation too.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    >>> fg.scalar_dissipation(3 * x, 0.5).values
    array([9., 9., 9.])
    """
    grid, frame, field, value, unit = _diffused(f, diffusivity, grid)
    (result,) = evaluate(of_scalar(operators.scalar_dissipation), [field], frame, [value])
    return relabel(
        f,
        result,
        name=f"scalar_dissipation_{short_of(f)}",
        long_name=f"scalar dissipation of {long_of(f)}",
        definition=f"2 kappa |grad {short_of(f)}|^2",
        unit=units.combine([(unit, 1), (units_of(f), 2), (length_of(grid), -2)]),
        grid=grid,
    )


def _diffused(f: xr.DataArray, diffusivity: Any, grid: Grid | None) -> tuple[Grid, Frame, Array, Array, str | None]:
    """Grid, frame and values of a scalar that diffuses, its diffusivity, and the units of that."""
    unit = None
    if units.is_quantity(diffusivity):
        diffusivity, unit = converted(diffusivity, "diffusivity", "m2 s-1")
    real = isinstance(diffusivity, int | float | np.integer | np.floating) and not isinstance(diffusivity, bool)
    if not (real or isinstance(diffusivity, xr.DataArray)):
        raise TypeError(f"diffusivity: is a {type(diffusivity).__name__}; pass a real number or a DataArray")
    grid, frame, field = scalar_of(f, grid)
    if field.dtype.kind == "c":
        raise TypeError(f"f: {name_of(f, 'the field')} is complex; its dissipation is not linear, pass a real field")
    if isinstance(diffusivity, xr.DataArray):
        return grid, frame, field, aligned_on(diffusivity, f, "diffusivity"), units_of(diffusivity)
    unit = "m2 s-1" if unit is None and length_of(grid) == "m" else unit
    return grid, frame, field, operators.as_parameter(diffusivity, "diffusivity", field.dtype, ()), unit


@dataclass(frozen=True, eq=False)
class _Carried:
    """A field and the flow that carries it: the parts of the field, with the dimension that they are to be joined on.

    In other than Cartesian coordinates the components of a vector are joined parts too, since their unit vectors turn.

    Parameters
    ----------
    parts : tuple of DataArray
        The field, or the components of a Dataset; all on the same dimensions in the same order.
    fields : list of ndarray
        Their values, of one dtype.
    extra : mapping of str to tuple of str
        The dimension of the components of a Dataset, with their labels; else empty.
    velocity : Components
        The flow.
    grid : Grid
        Its directions.
    order : tuple of str
        Dimensions of the result, where the field was one array of components.
    """

    parts: tuple[xr.DataArray, ...]
    fields: list[Array]
    extra: dict[str, tuple[str, ...]]
    velocity: Components
    grid: Grid
    order: tuple[Hashable, ...] = ()

    @property
    def joined(self) -> bool:
        """Whether the parts are the components of a Dataset."""
        return bool(self.extra) and not self.order

    @property
    def first(self) -> xr.DataArray:
        return self.parts[0]

    @property
    def long_name(self) -> str:
        return "velocity" if self.joined else long_of(self.first)

    @property
    def unit(self) -> str | None:
        return units.common([units_of(part) for part in self.parts])

    @property
    def speed(self) -> str | None:
        return units.common([units_of(part) for part in self.velocity.fields])

    def labelled(self, result: Array, *, name: str, long_name: str, definition: str, unit: str | None) -> xr.DataArray:
        """A result on the dimensions of the field."""
        labelled = relabel(
            self.first,
            result,
            self.extra,
            name=name,
            long_name=long_name,
            definition=definition,
            unit=unit,
            grid=self.grid,
        )
        return labelled.transpose(*self.order) if self.order else labelled

    def rate(self, time: Axis | None = None) -> Array:
        """(u . grad) f, and with an axis of time df/dt too."""
        vectorial = Components(self.extra[COMPONENT], self.parts) if self.extra else None
        frame = frame_of(self.grid, self.first, vector=vectorial)
        if time is not None:
            frame = frame.beside("time", frame_along(time, self.first, 1, self.grid))
        vector = broadcast_on(self.first, self.velocity, self.grid, "velocity")
        leading = (len(self.fields),) if self.extra else ()
        result: Array
        turning = self.labels if frame.metric is not None else ()
        (result,) = evaluate(partial(_rate, bool(self.extra), turning), self.fields, frame, vector, [leading])
        return result

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the parts of a vector; none of a scalar."""
        return next(iter(self.extra.values()), ())


def _directional_derivative(fields: list[Array], frame: Frame, vector: list[Array]) -> list[Array]:
    return [operators.directional_derivative(fields[0], frame, vector)]


def _rate(
    stacked: bool, turning: tuple[str, ...], fields: list[Array], frame: Frame, vector: list[Array]
) -> list[Array]:
    """Advection of each field, and its change in time where the frame has a last direction of time.

    The fields are scalars, or the labelled components of a vector whose unit vectors turn.
    """
    shape = frame.output_shape(fields[0].shape)
    result = operators.allocate(fields[0], shape, (len(fields),) if stacked else ())
    changing = frame.directions[-1] == "time"
    space, still, time = frame, fields, frame
    if changing:
        # a block has nodes around it along all axes: each term wants those of its own
        space, time = frame.part(*range(len(frame.axes) - 1)), frame.part(len(frame.axes) - 1)
        still = [operators.inside(field, time) for field in fields]
    outs = list(result) if stacked else [result]
    if turning:
        operators.vector_advection(still, turning, space, vector, result)
    else:
        for number, (field, out) in enumerate(zip(still, outs, strict=True)):
            operators.advection(field, space.of(number), vector, out)
    if changing:
        for field, out in zip(fields, outs, strict=True):
            own = operators.inside(field, space)
            out += operators.derivative(own, time.axes[0], time.stencils[0], holes=time.holes)
    return [result]


def _carried(f: xr.DataArray | xr.Dataset, velocity: Velocity, grid: Grid | None, components: Names) -> _Carried:
    require_labelled(velocity, "velocity")
    parts: tuple[xr.DataArray, ...]
    extra: dict[str, tuple[str, ...]] = {}
    order: tuple[Hashable, ...] = ()
    if grid is None:
        refuse_staggered(velocity, components)
        grid = recalled_grid(f if isinstance(f, xr.Dataset) else velocity)
    require_lengths(grid)
    turning = isinstance(f, xr.DataArray) and COMPONENT in f.dims and not grid.system.cartesian
    if isinstance(f, xr.Dataset) or turning:
        found = find_components(f, grid, components if isinstance(f, xr.Dataset) else None)
        parts, extra = found.fields, {COMPONENT: found.labels}
        require_free(parts[0], COMPONENT)
        require_whole(grid, "the advection of a vector")
        fields = vector_of(parts, found.labels)
        order = f.dims if isinstance(f, xr.DataArray) else ()
    else:
        parts, fields = (f,), [working(array_of(f, "f"), name_of(f, "f") if isinstance(f, xr.DataArray) else "f")]
    return _Carried(parts, fields, extra, find_components(velocity, grid, components), grid, order)


def _time_axis(f: xr.DataArray, time: str | None, grid: Grid) -> Axis:
    """The axis of time of a field."""
    there = ", ".join(map(repr, f.dims))
    if time is None:
        dims = _times(f, grid)
        if not dims:
            raise ValueError(
                f"time: none of the dimensions {there} of {name_of(f, 'f')} is known as a time; name it, time=..., or "
                "take fg.advection if the field is steady"
            )
        if len(dims) > 1:
            raise ValueError(
                f"time: dimensions {' and '.join(map(repr, dims))} of {name_of(f, 'f')} are times alike; say which, "
                f"time={dims[0]!r}"
            )
        time = dims[0]
    if time not in f.dims:
        raise ValueError(f"time: {time!r} is no dimension of {name_of(f, 'f')}, which has {there}")
    if time in grid.dims:
        name = next(axis.name for axis in grid.axes if axis.dim == time)
        raise ValueError(f"time: dimension {time!r} is the direction {name} of the grid; name the one of time")
    return axis_of(f, time, grid)


def _times(f: xr.DataArray, grid: Grid) -> list[str]:
    """Dimensions with the best claim to be a time."""
    claims: dict[int, list[str]] = {}
    for dim in f.dims:
        if not isinstance(dim, str) or dim in grid.dims:
            continue
        counted = _counts_seconds(f, dim)
        variable = f.coords.variables.get(dim)
        attrs, kind = ({}, "") if variable is None else (variable.attrs, str(variable.dtype.kind))
        claim = direction(dim, attrs, "M" if kind == "O" and counted else kind)
        if claim is not None and claim[0] == "t":
            claims.setdefault(claim[1], []).append(dim)
        elif counted:
            # durations such as a lag or a wave period are in seconds too: only where nothing else is a time
            claims.setdefault(BY_RESEMBLANCE, []).append(dim)
    return claims[min(claims)] if claims else []


def _counts_seconds(f: xr.DataArray, dim: str) -> bool:
    try:
        return infer_axis(f, dim).units == "s"
    except (TypeError, ValueError):
        return False


def _rate_unit(carried: _Carried, axis: Axis) -> str | None:
    """Units of the sum of both terms, verified to be the same as far as they are understood."""
    length = length_of(carried.grid)
    rate = units.combine([(carried.speed, 1), (length, -1)])
    size = _per_second(rate)
    if axis.units == "s" and size is not None:
        if not math.isclose(size, 1.0, rel_tol=1e-9):
            raise ValueError(
                f"velocity: is in {carried.speed!r} and the coordinates of the grid in {length!r}, so the advection is "
                f"per {1 / size:g} s and cannot be added to a derivative per second; convert the velocity or the "
                "coordinates (obj.assign_coords), and their attribute 'units'"
            )
        rate = "s-1"
    local = units.combine([(carried.unit, 1), (axis.units, -1)])
    return local if local == units.combine([(carried.unit, 1), (rate, 1)]) else None


def _per_second(rate: str | None) -> float | None:
    """Size of a unit of rates in 1/s; None where it is none, or not understood."""
    powers = None if rate is None else units.parse(rate)
    if powers is None:
        return None
    size, lengths, times = 1.0, 0, 0
    for symbol, power in powers:
        metre, second = metres(symbol), seconds(symbol)
        if metre is not None:
            size, lengths = size * metre**power, lengths + power
        elif second is not None:
            size, times = size * second**power, times + power
        else:
            return None
    return size if (lengths, times) == (0, -1) else None
