# SPDX-License-Identifier: BSD-3-Clause
"""The operators on labelled data: xarray in, xarray out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import chunked, operators, second, units
from fieldgrad.bars import watched
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import evaluate, of_scalar
from fieldgrad.components import Components, find_components, refuse_staggered
from fieldgrad.fields import (
    Velocity,
    aligned_on,
    array_of,
    frame_along,
    frame_of,
    length_of,
    long_of,
    name_of,
    parameter_of,
    relabel,
    require_coordinate,
    require_free,
    require_labelled,
    require_whole,
    scalar_of,
    short_of,
    units_of,
    vector_of,
    working,
)
from fieldgrad.grid import SPATIAL, Axis, Grid
from fieldgrad.infer import axis_of, require_lengths
from fieldgrad.operators import Array
from fieldgrad.parameters import ALTERNATIVES, PARAMETERS, resolve_parameters
from fieldgrad.quantities import Named, chosen, quantity
from fieldgrad.recall import recalled_axis, recalled_grid

Names = Sequence[str | xr.DataArray] | None

COMPONENT = "component"
DIRECTION = "direction"
# Entries of a Hessian.
_PURE, _MIXED = ((0, 0), (1, 1), (2, 2)), ((0, 1), (0, 2), (1, 2))

# Of horizontal velocities, by what their standard names contain; CF standard name table, version 85.
STANDARD_NAMES: Mapping[str, Mapping[str, str]] = {
    "divergence": {"wind": "divergence_of_wind", "ocean": "divergence_of_sea_water_velocity"},
    "vorticity": {"wind": "atmosphere_upward_relative_vorticity", "ocean": "ocean_relative_vorticity"},
}


@watched
def derivative(
    f: xr.DataArray, dim: str | Mapping[str, int], order: int = 1, *, grid: Grid | None = None
) -> xr.DataArray:
    """Derivative with respect to a coordinate, in the units of that coordinate (seconds for times).

    Parameters
    ----------
    f : DataArray
        Field, of any dimensions.
    dim : str or mapping of str to int
        Dimension (or direction "x", "y", "z") along which to differentiate; a mapping to orders for mixed derivatives.
    order : int
        Order of the derivative, at least 1; not to be given with a mapping, which has its own.
    grid : Grid, optional
        Discretisation; by default the coordinate of `f`, at second order of accuracy and not periodic.

    Returns
    -------
    DataArray
        The derivative, on the dimensions of `f`.

    Raises
    ------
    KeyError
        If there is no such dimension.
    TypeError
        If `f` is no DataArray, or holds no numbers.
    ValueError
        If the dimension has no usable coordinate, or too few points.

    Notes
    -----
    Finite differences on the true nodes, exact for polynomials; see :meth:`fieldgrad.Axis.stencil`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> z = [0.0, 1.0, 3.0, 4.0]
    >>> p = xr.DataArray([0.0, 1.0, 9.0, 16.0], dims="z", coords={"z": z}, name="p")
    >>> fg.derivative(p, "z").round(12).values + 0.0
    array([0., 2., 6., 8.])
    """
    field = array_of(f, "f")
    steps = derivative_steps(f, dim, order, grid)
    result = working(field, name_of(f, "f"))
    for place, frame in enumerate([frame_along(axis, f, times, grid) for axis, times in steps]):
        # of a derivative along another axis only the changes of a known value are known, and it does not change
        result = chunked.derivative(result, frame.linear if place else frame)
    total = sum(times for _, times in steps)
    bottom = " ".join(f"d{axis.dim}{times if times > 1 else ''}" for axis, times in steps)
    top = "d" if total == 1 else f"d{total}"
    return relabel(
        f,
        result,
        name="_".join([f"{top}{short_of(f)}", *(f"d{axis.dim}{times if times > 1 else ''}" for axis, times in steps)]),
        long_name=f"derivative of {long_of(f)} with respect to {', '.join(axis.dim for axis, _ in steps)}",
        definition=f"{top}({short_of(f)})/{bottom}",
        unit=units.combine([(units_of(f), 1), *((axis.units, -times) for axis, times in steps)]),
        grid="; ".join(axis.description for axis, _ in steps),
    )


def derivative_steps(
    f: xr.DataArray, dim: str | Mapping[str, int], order: int, grid: Grid | None
) -> list[tuple[Axis, int]]:
    """The axes of a derivative, and how often it is taken along each."""
    if not isinstance(dim, str) and order != 1:
        raise TypeError(f"order: is {order!r} beside a mapping of dimensions to orders; say the orders there alone")
    orders = {dim: order} if isinstance(dim, str) else dict(dim)
    if not orders:
        raise ValueError("dim: is empty; name at least one dimension")
    steps: list[tuple[Axis, int]] = []
    for key, times in orders.items():
        if not isinstance(times, int | np.integer) or isinstance(times, bool) or times < 1:
            raise ValueError(f"order: got {times!r} for dimension {key!r}; it must be an integer of at least 1")
        axis = recalled_axis(f, key) if grid is None else axis_of(f, key, grid)
        if grid is not None and axis in grid.axes:
            require_coordinate(grid, axis)
        steps.append((axis, int(times)))
    if len({axis.dim for axis, _ in steps}) < len(steps):
        raise ValueError(f"dim: {sorted(orders)} name one dimension twice; give its order once")
    return steps


@watched
def gradient(f: xr.DataArray, *, grid: Grid | None = None) -> xr.DataArray:
    """Gradient of a scalar.

    Parameters
    ----------
    f : DataArray
        Scalar field, on one to three directions and any other dimensions.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray, dims ("component", ...)
        df/dx_i, the components labelled "x", "y", "z".

    Raises
    ------
    TypeError
        If `f` is no DataArray, or holds no numbers.
    ValueError
        If a direction has no usable coordinate, is not a length, or has too few points.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    >>> y = xr.DataArray([0.0, 1.0, 2.0], dims="y", coords={"y": [0.0, 1.0, 2.0]})
    >>> fg.gradient(3 * x + x * y).sel(component="y", y=1).values
    array([0., 1., 3.])
    """
    grid, frame, field = scalar_of(f, grid)
    require_free(f, COMPONENT)
    (result,) = evaluate(of_scalar(operators.gradient), [field], frame, (), [(len(grid.names),)])
    return relabel(
        f,
        result,
        {COMPONENT: grid.names},
        name=f"grad_{short_of(f)}",
        long_name=f"gradient of {long_of(f)}",
        definition=f"d({short_of(f)})/dx_i" if not grid.system.turning else f"d({short_of(f)})/(h_i dq_i)",
        unit=units.combine([(units_of(f), 1), (length_of(grid), -1)]),
        grid=grid,
    )


@watched
def laplacian(f: xr.DataArray, *, grid: Grid | None = None) -> xr.DataArray:
    """Laplacian of a scalar, by second derivatives on compact stencils.

    Parameters
    ----------
    f : DataArray
        Scalar field.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray
        f_xx + f_yy + f_zz, on the dimensions of `f`.

    Raises
    ------
    TypeError, ValueError
        As :func:`gradient`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 3.0, 4.0], dims="x", coords={"x": [0.0, 1.0, 3.0, 4.0]})
    >>> fg.laplacian(x**2).values
    array([2., 2., 2., 2.])
    """
    grid, frame, field = scalar_of(f, grid, 2)
    require_whole(grid, "a Laplacian")
    return relabel(
        f,
        second.laplacian(field, frame_of(grid, f, bent=_PURE), frame),
        name=f"laplacian_{short_of(f)}",
        long_name=f"Laplacian of {long_of(f)}",
        definition=" + ".join(f"d2({short_of(f)})/d{name}2" for name in grid.names)
        if not grid.system.turning
        else f"div grad {short_of(f)}",
        unit=units.combine([(units_of(f), 1), (length_of(grid), -2)]),
        grid=grid,
    )


@watched
def hessian(f: xr.DataArray, *, grid: Grid | None = None) -> xr.DataArray:
    """Second derivatives of a scalar, symmetric to the bit.

    Parameters
    ----------
    f : DataArray
        Scalar field.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray, dims ("component", "direction", ...)
        d2f/dx_i dx_j, both labelled "x", "y", "z".

    Raises
    ------
    TypeError, ValueError
        As :func:`gradient`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 3.0, 4.0], dims="x", coords={"x": [0.0, 1.0, 3.0, 4.0]})
    >>> y = x.rename(x="y")
    >>> fg.hessian(2 * x * y).sel(component="x", direction="y").mean().round(12).item()
    2.0
    """
    grid, frame, field = scalar_of(f, grid, 2)
    require_free(f, COMPONENT, DIRECTION)
    require_whole(grid, "a Hessian")
    result = second.hessian(field, frame_of(grid, f, bent=(*_PURE, *_MIXED)), frame)
    return relabel(
        f,
        result,
        {COMPONENT: grid.names, DIRECTION: grid.names},
        name=f"hessian_{short_of(f)}",
        long_name=f"Hessian of {long_of(f)}",
        definition=f"d2({short_of(f)})/dx_i dx_j" if not grid.system.turning else f"grad grad {short_of(f)}",
        unit=units.combine([(units_of(f), 1), (length_of(grid), -2)]),
        grid=grid,
    )


@watched
def velocity_gradient(obj: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Velocity-gradient tensor L_ij = du_i/dx_j.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order; by default found by CF attributes, then by the usual names.

    Returns
    -------
    DataArray, dims ("component", "direction", ...)
        Both labelled "x", "y", "z": ``L.sel(component="x", direction="y")`` is du/dy. Three components on a plane give
        a 3 x 2 tensor.

    Raises
    ------
    TypeError
        If a component holds no numbers.
    ValueError
        If the components are missing or ambiguous, or a direction has no usable coordinate or is not a length.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> L = fg.velocity_gradient(flow.dataset)
    >>> L.sel(component="x", direction="y").mean().item()
    3.0
    """
    return _derive(obj, [quantity("velocity_gradient")], grid, components, {})[0]


@watched
def divergence(obj: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Divergence of a vector field, the trace of its gradient.

    Parameters
    ----------
    obj : Dataset or DataArray
        Vector field: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray
        u_x + v_y + w_z.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`; and if there are three components on a plane, where w_z is not known.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.pure_strain([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], rates=(2.0, 1.0))
    >>> fg.divergence(flow.dataset).values[0]
    array([3., 3., 3.])
    """
    return _derive(obj, [quantity("divergence")], grid, components, {})[0]


@watched
def curl(obj: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Curl of a vector field, twice the dual of its spin.

    Parameters
    ----------
    obj : Dataset or DataArray
        Vector field: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray, dims ("component", ...) in space and (...) in a plane
        (w_y - v_z, u_z - w_x, v_x - u_y); in a plane the component along its normal.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.solid_body_rotation([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], angular_velocity=0.5)
    >>> fg.curl(flow.dataset).values[0]
    array([1., 1., 1.])
    """
    return _derive(obj, [quantity("vorticity")], grid, components, {})[0].rename("curl")


@watched
def decompose(
    obj: Velocity, *, grid: Grid | None = None, components: Names = None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Rate of deformation D and spin W: the symmetric and the antisymmetric part of L.

    Parameters
    ----------
    obj : DataArray or Dataset
        A velocity-gradient tensor as :func:`velocity_gradient` gives it, or the velocity itself, of which L is then
        never stored.
    grid : Grid, optional
        Directions and discretisation of a velocity, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components of a velocity, in x, y, z order.

    Returns
    -------
    D, W : DataArray, dims ("component", "direction", ...)
        D = (L + L^T)/2 and W = (L - L^T)/2.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`; and if there are not as many components as directions.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> D, W = fg.decompose(flow.dataset)
    >>> W.sel(component="x", direction="y").mean().item()
    1.5
    """
    if not (isinstance(obj, xr.DataArray) and {COMPONENT, DIRECTION} <= set(obj.dims)):
        D, W = _derive(obj, [quantity("deformation_rate"), quantity("spin")], grid, components, {})
        return D, W
    for argument, value in (("grid", grid), ("components", components)):
        if value is not None:
            raise TypeError(
                f"{argument}: is given beside a tensor, which needs none; leave it out, or pass the velocity"
            )
    L = obj.transpose(COMPONENT, DIRECTION, ...)
    rows, columns = (
        list(map(str, L[dim].values)) if dim in L.coords else list(SPATIAL[: L.sizes[dim]])
        for dim in (COMPONENT, DIRECTION)
    )
    if rows != columns:
        raise ValueError(
            f"obj: has components {', '.join(rows)} and directions {', '.join(columns)}; D and W exist only where "
            "these are the same, since the derivatives across a plane are unknown: select the components in the plane "
            "(L.sel(component=L.direction.values))"
        )
    pair = chunked.decompose(working(array_of(L, "obj"), "obj"))
    records = (quantity("deformation_rate"), quantity("spin"))
    D, W = (
        _labelled(
            L.isel({COMPONENT: 0, DIRECTION: 0}, drop=True),
            result,
            record,
            {COMPONENT: rows, DIRECTION: rows},
            units_of(L),
            L.attrs.get("fieldgrad_grid"),
        )
        for result, record in zip(pair, records, strict=True)
    )
    return D, W


@watched
def derive(
    obj: Velocity,
    quantities: Named,
    *,
    grid: Grid | None = None,
    components: Names = None,
    **parameters: Any,
) -> xr.Dataset:
    """Quantities of a flow, in one pass over its velocity.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity: a variable for each component, or a dimension ``component``.
    quantities : str, Quantity, or iterable of these
        Names, of which :func:`fieldgrad.quantities` shows those there are, or records of quantities of your own.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.
    **parameters : float, DataArray, pint.Quantity or str
        Parameters of the quantities, such as ``viscosity``: numbers, fields, quantities with units, or names of
        variables of `obj`.

    Returns
    -------
    Dataset
        A variable for each quantity, of its name.

    Raises
    ------
    TypeError
        If a parameter is unknown or missing (the message lists them), or something holds no numbers.
    ValueError
        If a quantity is unknown or not defined in such a flow, or as :func:`velocity_gradient`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> fg.derive(flow.dataset, ["vorticity", "dissipation"], viscosity=1e-5).dissipation.mean().round(12).item()
    9e-05
    """
    records = chosen(quantities)
    results = _derive(obj, records, grid, components, parameters)
    if len(results) == 1:  # the constructor aligns, which takes 150 microseconds: as long as a call on a small field
        return results[0].to_dataset()
    return xr.Dataset({record.name: result for record, result in zip(records, results, strict=True)})


def _derive(
    obj: Velocity,
    records: Sequence[Quantity],
    grid: Grid | None,
    components: Names,
    parameters: Mapping[str, Any],
) -> list[xr.DataArray]:
    require_labelled(obj, "obj")
    given = {name: parameter_of(obj, name, value) for name, value in parameters.items()}
    if grid is None:
        refuse_staggered(obj, components)
        grid = recalled_grid(obj)
    require_lengths(grid)
    require_whole(grid, "the gradient of a vector")
    found = find_components(obj, grid, components)
    first = found.fields[0]
    frame = frame_of(grid, first, vector=found)
    labels = [operators.value_labels(record, found.labels, frame) for record in records]
    require_free(first, *{dim for record, part in zip(records, labels, strict=True) if part for dim in record.dims})
    values = parameters_on(first, records, given)
    work = partial(_derive_arrays, found.labels, tuple(records), tuple(values))
    shapes = [tuple(map(len, part)) for part in labels]
    fields = vector_of(found.fields, found.labels)
    operators.require_real(records, fields[0].dtype)
    for name, value in values.items():
        if not (np.ndim(value) or chunked.is_lazy(value)):
            values[name] = operators.as_parameter(value, name, fields[0].dtype, ())
    unit_of = quantity_units(found, grid, given)
    results = evaluate(work, fields, frame, list(values.values()), shapes)
    labelled = []
    for record, result, part in zip(records, results, labels, strict=True):
        extra = dict(zip(record.dims, part, strict=True)) if part else {}
        cf_name = _standard_name(record, found, grid)
        labelled.append(_labelled(first, result, record, extra, unit_of(record), grid, cf_name))
    return labelled


def _derive_arrays(
    labels: Sequence[str],
    records: Sequence[Quantity],
    names: Sequence[str],
    fields: list[Array],
    frame: operators.Frame,
    parameters: list[Any],
) -> list[Array]:
    return operators.derive(fields, labels, frame, records, dict(zip(names, parameters, strict=True)))


def _labelled(
    field: xr.DataArray,
    result: Array,
    record: Quantity,
    extra: Mapping[str, Sequence[str | int]],
    unit: str | None,
    grid: Grid | str | None = None,
    standard_name: str | None = None,
) -> xr.DataArray:
    return relabel(
        field,
        result,
        extra,
        name=record.name,
        long_name=record.long_name,
        definition=record.definition,
        unit=unit,
        grid=grid,
        standard_name=standard_name,
    )


def parameters_on(
    first: xr.DataArray, records: Sequence[Quantity], given: Mapping[str, tuple[Any, str | None]]
) -> dict[str, Any]:
    """Parameters that quantities need, numbers or arrays on the dimensions of a field."""
    # on these dimensions before anything is joined: arithmetic of xarray would align behind the caller's back
    aligned = {
        name: aligned_on(value, first, name) if isinstance(value, xr.DataArray) else value
        for name, (value, _) in given.items()
    }
    return resolve_parameters({record.name: record.parameters for record in records}, aligned)


def quantity_units(
    found: Components, grid: Grid, given: Mapping[str, tuple[Any, str | None]]
) -> Callable[[Quantity], str | None]:
    """What tells the units of quantities of a flow, of which parameters were given so, each with its units."""
    speed, length = units.common([units_of(field) for field in found.fields]), length_of(grid)
    rate = units.combine([(speed, 1), (length, -1)])
    stated = {
        name: unit if isinstance(value, xr.DataArray) or unit is not None else _assumed(name, speed, length)
        for name, (value, unit) in given.items()
    }
    _require_rate(stated, rate)

    def unit_of(record: Quantity) -> str | None:
        factors: list[tuple[str | None, int | Fraction]] = [(rate, record.power)]
        factors += [(_parameter_units(name, stated, speed, length), power) for name, power in record.powers.items()]
        return units.combine(factors)

    return unit_of


def _standard_name(record: Quantity, found: Components, grid: Grid) -> str | None:
    """Standard name of the CF conventions, where they have one for the quantity of such a velocity."""
    if grid.names != ("x", "y") or len(found.fields) != 2:
        return None
    kinds = {str(field.attrs.get("standard_name")).replace("sea_water", "ocean") for field in found.fields}
    for medium, name in STANDARD_NAMES.get(record.name, {}).items():
        if all(medium in kind and kind.endswith(("wind", "velocity")) for kind in kinds):
            return name
    return None


def _require_rate(stated: Mapping[str, str | None], rate: str | None) -> None:
    """Refuse what is added to a square of rates and is known to be in other units."""
    unlike = units.differing([units.combine([(rate, 2)]), stated.get("epsilon")])
    if unlike is not None:
        raise ValueError(
            f"epsilon: is in {stated['epsilon']!r}, and what it is added to in {units.combine([(rate, 2)])!r}; convert "
            "it, or the velocity or the coordinates"
        )


def _parameter_units(name: str, stated: Mapping[str, str | None], speed: str | None, length: str | None) -> str | None:
    """Units of a parameter, or where it is the ratio of two others those documented if theirs are."""
    if name in stated:
        return stated[name]
    parts = ALTERNATIVES[name]
    return PARAMETERS[name].units if all(stated[part] == PARAMETERS[part].units for part in parts) else None


def _assumed(name: str, speed: str | None, length: str | None) -> str | None:
    """Units of a parameter that is a plain number: those documented, where velocities are in m s-1 and lengths in m."""
    if length == "m" and units.combine([(speed, 1)]) == "m s-1":
        return PARAMETERS[name].units if name in PARAMETERS else None
    return None
