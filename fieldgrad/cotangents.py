# SPDX-License-Identifier: BSD-3-Clause
"""Adjoints on labelled data: what a cotangent of the result says of the input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import adjoint, chunked, operators
from fieldgrad.adjoint import Plan
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import evaluate
from fieldgrad.components import Components, find_components
from fieldgrad.fields import (
    Velocity,
    aligned_on,
    array_of,
    broadcast_on,
    frame_along,
    frame_of,
    long_of,
    name_of,
    parameter_of,
    relabel,
    require_labelled,
    scalar_of,
    str_name,
    vector_of,
    working,
)
from fieldgrad.grid import Grid
from fieldgrad.infer import infer_grid, require_lengths
from fieldgrad.labelled import (
    COMPONENT,
    DIRECTION,
    curl,
    decompose,
    derivative,
    derivative_steps,
    derive,
    divergence,
    gradient,
    hessian,
    laplacian,
    velocity_gradient,
)
from fieldgrad.operators import Array, Frame
from fieldgrad.parameters import resolve_parameters
from fieldgrad.quantities import chosen, quantity
from fieldgrad.transport import _carried, _time_axis, advection, directional_derivative, material_derivative

Labels = Mapping[str, Sequence[str | int]]
Arguments = Mapping[str, Any]


def vjp(operator: Callable[..., Any], primal: Velocity, cotangent: Any) -> Any:
    r"""Adjoint of an operator's derivative, applied to a cotangent: a product of vector and Jacobian.

    It is the gradient of :math:`\sum c \cdot A(x)`, summed over all points and components, with respect to the input x
    of the operator A. For a linear operator it is the adjoint, :math:`A^\mathsf{T} c`. With c the derivative of a
    number with respect to the result it is the derivative of that number with respect to the input, which is what
    descent, data assimilation and inverse problems need. Sums are plain sums: the sizes of cells do not enter, unless
    the cotangent has them.

    Parameters
    ----------
    operator : callable
        A function of this library, or a :func:`functools.partial` of one with all arguments but the first given by
        name: :func:`derivative`, :func:`gradient`, :func:`laplacian`, :func:`hessian`, :func:`divergence`,
        :func:`curl`, :func:`velocity_gradient`, :func:`decompose`, :func:`derive`, :func:`directional_derivative`,
        :func:`advection` or :func:`material_derivative`.
    primal : DataArray or Dataset
        Its first argument, the input at which it is differentiated; linear operators do not depend on its values.
    cotangent : DataArray, Dataset or tuple
        As the result of the operator: a DataArray of its dimensions, in any order; for :func:`derive` a Dataset of the
        quantities, for :func:`decompose` a pair.

    Returns
    -------
    DataArray or Dataset
        As the input: of a Dataset the components of the velocity alone, since no other variable counts. Lazy if
        something is lazy.

    Raises
    ------
    TypeError
        If the operator is none of these, or something is not of the type that it must be.
    ValueError
        If the cotangent has other dimensions, labels or coordinates than the result; if a quantity is a function of
        your own, whose derivative is not known; or as the operator.

    Notes
    -----
    Operators are tables of weights, and the adjoint is the same engine with the transposed tables. Only the first
    argument is differentiated. What is known at walls is constant. Quantities are differentiated with respect to L in
    closed form, where it has no derivative as follows: zero for the norm of a vanishing vector or tensor, and for
    quantities of spiralling motion where all eigenvalues are real; where principal rates or the eigenvalues of lambda2
    are repeated, the derivative along the directions that the library picks (`principal_directions`), and no turning of
    these towards each other. Where a quantity is NaN, so is its derivative.

    A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition, SIAM (2008), chapter 3.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.array([0.0, 1.0, 3.0, 4.0])
    >>> f = xr.DataArray(x**2, dims="x", coords={"x": x})
    >>> c = xr.ones_like(f)
    >>> back = fg.vjp(fg.gradient, f, c.expand_dims(component=["x"]))
    >>> forth = fg.gradient(f)
    >>> bool(np.isclose((back * f).sum(), forth.sum()))
    True

    The derivative of the sum of all Q with respect to every number of a velocity:

    >>> flow = fg.flows.lamb_oseen(x - 2, x - 2).dataset
    >>> q = fg.derive(flow, "q_criterion")
    >>> fg.vjp(partial(fg.derive, quantities="q_criterion"), flow, xr.ones_like(q)).u.dims
    ('y', 'x')
    """
    function, given = _taken_apart(operator)
    require_labelled(primal, "primal")
    try:
        bound = inspect.signature(function).bind(primal, **given)
    except TypeError as error:
        raise TypeError(f"operator: {function.__name__} cannot be called so: {error}") from None
    bound.apply_defaults()
    arguments = dict(bound.arguments)
    arguments.pop(next(iter(arguments)))
    return _RULES[function](primal, cotangent, arguments)


def _taken_apart(operator: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    given: dict[str, Any] = {}
    function = operator
    while isinstance(function, partial):
        if function.args:
            raise TypeError(
                "operator: the partial has arguments without names, which stand before the input; give them by name, "
                "functools.partial(fg.derivative, dim='x')"
            )
        given = {**function.keywords, **given}
        function = function.func
    if function not in _RULES:
        known = ", ".join(one.__name__ for one in _RULES)
        raise TypeError(
            f"operator: {getattr(function, '__name__', function)!r} has no adjoint here; pass one of {known} of "
            "fieldgrad, or a functools.partial of one"
        )
    return function, given


def _aligned(cotangent: Any, first: xr.DataArray, extra: Labels, dtype: np.dtype[Any], what: str) -> Any:
    """Values of a cotangent, its dimensions those of the result: labels in order, then the field's."""
    if not isinstance(cotangent, xr.DataArray):
        raise TypeError(f"{what}: is a {type(cotangent).__name__}; pass a DataArray like the result of the operator")
    wanted = (*extra, *first.dims)
    if set(cotangent.dims) != set(wanted):
        raise ValueError(
            f"{what}: has dimensions {', '.join(map(str, cotangent.dims)) or 'none'}; the result of the operator has "
            f"{', '.join(map(str, wanted)) or 'none'}"
        )
    for dim, labels in extra.items():
        found = cotangent[dim].values.tolist() if dim in cotangent.coords else list(labels)
        if sorted(map(str, found)) != sorted(map(str, labels)) or cotangent.sizes[dim] != len(labels):
            raise ValueError(f"{what}: dimension {dim!r} has {found}; that of the result has {list(labels)}")
        if found != list(labels):
            cotangent = cotangent.isel({dim: [found.index(label) for label in labels]})
    plain = cotangent.isel(dict.fromkeys(extra, 0), drop=True).transpose(*first.dims)
    same = plain.shape == first.shape and all(
        plain.indexes[dim].equals(first.indexes[dim])
        for dim in first.dims
        if dim in plain.indexes and dim in first.indexes
    )
    if not same:
        raise ValueError(
            f"{what}: its shape or coordinates along {', '.join(map(repr, first.dims))} are not those of "
            f"{name_of(first, 'the input')}; make it from the result of the operator"
        )
    array = array_of(cotangent.transpose(*wanted), what)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{what}: is complex, but the result of the operator is real; pass its real part")
    return working(array, what, dtype)


def _like(first: xr.DataArray, result: Any) -> xr.DataArray:
    name = name_of(first, "the input")
    return relabel(
        first,
        result,
        name=first.name,  # type: ignore[arg-type]
        long_name=f"cotangent of {long_of(first)}",
        definition=f"sum of the cotangent times its derivative with respect to {name}",
        unit=None,
    )


# Scalars.


def _of_scalar(f: xr.DataArray, cotangent: Any, grid: Grid | None, extra: bool) -> tuple[Grid, Frame, Array, Any]:
    """Grid, frame, values, and cotangent of a scalar operator; with components in front."""
    grid, frame, field = scalar_of(f, grid)
    adjoint.plain(frame)
    labels = {COMPONENT: grid.names} if extra else {}
    return grid, frame, field, _aligned(cotangent, f, labels, field.dtype, "cotangent")


def _gradient_of(first: xr.DataArray, parts: Mapping[str, Any], frame: Frame) -> xr.DataArray:
    """The adjoint of a gradient of a scalar, given a cotangent for each direction."""
    plan, fields = adjoint.planned({("x", name): part for name, part in parts.items()}, ("x",), frame.directions)
    return _like(first, evaluate(partial(_pull, plan), fields, adjoint.transposed(frame), (), [()])[0])


def _pull(plan: Plan, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return adjoint.velocity_gradient(plan, fields, frame)


def _gradient(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    grid, frame, _, c = _of_scalar(f, cotangent, arguments["grid"], True)
    return _gradient_of(f, {name: c[number] for number, name in enumerate(grid.names)}, frame)


def _derivative(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    field = working(array_of(f, "primal"), name_of(f, "primal"))
    c = _aligned(cotangent, f, {}, field.dtype, "cotangent")
    steps = derivative_steps(f, arguments["dim"], arguments["order"], arguments["grid"])
    for axis, times in steps:
        adjoint.plain(frame_along(axis, f, times, arguments["grid"]))
    for axis, times in reversed(steps):
        stencil = axis.stencil(times, [(str_name(f), None)]).transpose()
        c = _along(c, f.get_axis_num(axis.dim), stencil)
    return _like(f, c)


def _along(c: Any, axis: int, stencil: Any) -> Any:
    frame = Frame(("x",), (axis,), (stencil,))
    return evaluate(partial(_pull, ((("x", 0),),)), [c], frame, (), [()])[0]


def _laplacian(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    _, frame, field = scalar_of(f, arguments["grid"], 2)
    c = _aligned(cotangent, f, {}, field.dtype, "cotangent")
    return _like(f, evaluate(chunked.of_scalar(adjoint.laplacian), [c], adjoint.transposed(frame), (), [()])[0])


def _hessian(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    grid, first, field = scalar_of(f, arguments["grid"])
    second = frame_of(grid, f, 2)
    adjoint.plain(first)
    c = _aligned(cotangent, f, {COMPONENT: grid.names, DIRECTION: grid.names}, field.dtype, "cotangent")
    total = None
    for i, axis in enumerate(first.axes):
        parts = [_along(c[i, i], axis, second.stencils[i].transpose())]
        for j in range(i + 1, len(first.axes)):
            inner = _along(c[i, j] + c[j, i], first.axes[j], first.stencils[j].transpose())
            parts.append(_along(inner, axis, first.stencils[i].transpose()))
        for part in parts:
            total = part if total is None else total + part
    return _like(f, total)


def _directional_derivative(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    along = arguments["along"]
    require_labelled(along, "along")
    grid, frame, _, c = _of_scalar(f, cotangent, arguments["grid"], False)
    vector = broadcast_on(f, find_components(along, grid, arguments["components"]), grid, "along")
    parts = evaluate(_along_unit_vector, [c], Frame((), (), ()), vector, [()] * len(vector))
    return _gradient_of(f, dict(zip(grid.names, parts, strict=True)), frame)


def _along_unit_vector(fields: list[Array], frame: Frame, vector: list[Any]) -> list[Array]:
    """The parts of a field along a unit vector; NaN where the vector vanishes."""
    size = np.max(np.abs(np.broadcast_arrays(*vector)), axis=0)
    with np.errstate(invalid="ignore"):
        scaled = [part / size for part in vector]
    length = np.sqrt(sum(part * part for part in scaled))
    return [(fields[0] * (part / length)).astype(fields[0].dtype) for part in scaled]


# Vectors.


def _advection(f: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    carried = _carried(f, arguments["velocity"], arguments["grid"], arguments["components"])
    first, dtype = carried.first, carried.fields[0].dtype
    labels = carried.extra.get(COMPONENT, ("x",))
    c = _aligned(cotangent, first, carried.extra, dtype, "cotangent")
    parts = [c[number] for number in range(len(labels))] if carried.extra else [c]
    frame = adjoint.plain(
        frame_of(carried.grid, first, vector=Components(labels, carried.parts) if carried.extra else None)
    )
    vector = [
        working(part, "velocity", np.dtype(dtype.type(0).real.dtype))
        for part in broadcast_on(first, carried.velocity, carried.grid, "velocity")
    ]
    tensor = {
        (label, name): part * speed
        for label, part in zip(labels, parts, strict=True)
        for name, speed in zip(carried.grid.names, vector, strict=True)
    }
    results = _of_tensor(tensor, labels, frame)
    if "time" in arguments:
        axis = _time_axis(first, arguments["time"], carried.grid)
        stencil = axis.stencil().transpose()
        number = int(first.get_axis_num(axis.dim))
        results = [result + _along(part, number, stencil) for result, part in zip(results, parts, strict=True)]
    if not carried.extra:
        return _like(first, results[0])
    return _like_velocity(f, Components(tuple(labels), carried.parts), results)


def _of_tensor(tensor: adjoint.Tensor, labels: Sequence[str], frame: Frame) -> list[Any]:
    """The cotangents of the components of a vector whose gradient has one."""
    plan, fields = adjoint.planned(tensor, labels, frame.directions)
    return evaluate(partial(_pull, plan), fields, adjoint.transposed(frame), (), [()] * len(labels))


def _like_velocity(obj: Velocity, found: Components, results: Sequence[Any]) -> Velocity:
    """Results for components, as these are held by an object."""
    parts = [_like(field, result) for field, result in zip(found.fields, results, strict=True)]
    names = [field.name for field in found.fields]
    if isinstance(obj, xr.Dataset) and len(set(names)) == len(names) and set(names) <= set(obj.data_vars):
        return xr.Dataset({name: part.transpose(*obj[name].dims) for name, part in zip(names, parts, strict=True)})
    stacked = xr.concat(parts, xr.Variable(COMPONENT, list(found.labels)), join="override", combine_attrs="override")
    source = obj[names[0]] if isinstance(obj, xr.Dataset) and names[0] in obj.data_vars else obj
    if isinstance(source, xr.DataArray) and COMPONENT in source.dims:
        if COMPONENT in source.coords:
            stacked = stacked.sel({COMPONENT: source[COMPONENT].values})
        else:
            stacked = stacked.drop_vars(COMPONENT)
        stacked = stacked.transpose(*source.dims)
    return xr.Dataset({names[0]: stacked}) if isinstance(obj, xr.Dataset) and source is not obj else stacked


def _quantities(
    obj: Velocity,
    records: Sequence[Quantity],
    cotangents: Sequence[Any],
    arguments: Arguments,
    parameters: Mapping[str, Any],
) -> Velocity:
    """The cotangents of several quantities together, as one of L."""
    named = {name: parameter_of(obj, name, value)[0] for name, value in parameters.items()}
    grid = infer_grid(obj) if arguments["grid"] is None else arguments["grid"]
    require_lengths(grid)
    found = find_components(obj, grid, arguments["components"])
    first = found.fields[0]
    frame = adjoint.plain(frame_of(grid, first, vector=found))
    values = resolve_parameters(
        {record.name: record.parameters for record in records},
        {
            name: aligned_on(value, first, name) if isinstance(value, xr.DataArray) else value
            for name, value in named.items()
        },
    )
    fields = vector_of(found.fields, found.labels)
    operators.require_real(records, fields[0].dtype)
    tensor: dict[tuple[str, str], Any] = {}
    for record, cotangent in zip(records, cotangents, strict=True):
        adjoint.require_derivative(record)
        along = operators.value_labels(record, found.labels, frame)
        extra = dict(zip(record.dims, along, strict=True)) if along else {}
        c = _aligned(cotangent, first, extra, fields[0].dtype, f"cotangent of {record.name!r}")
        if record.linear:
            more = adjoint.of_linear(record, c, found.labels, frame)
        else:
            numbers = [c[place] for place in np.ndindex(*map(len, along))]
            own = [values[name] for name in record.parameters]
            work = partial(_of_quantity, found.labels, record, len(numbers))
            sides = len(frame.directions)
            (G,) = evaluate(work, fields, frame, [*numbers, *own], [(sides, sides)])
            more = {(a, b): G[i, j] for i, a in enumerate(grid.names) for j, b in enumerate(grid.names)}
        for place, part in more.items():
            tensor[place] = tensor[place] + part if place in tensor else part
    return _like_velocity(obj, found, _of_tensor(tensor, found.labels, frame))


def _of_quantity(
    labels: Sequence[str],
    record: Quantity,
    numbers: int,
    fields: list[Array],
    frame: Frame,
    parameters: list[Any],
) -> list[Array]:
    return [adjoint.of_quantity(fields, labels, frame, record, parameters[:numbers], parameters[numbers:])]


def _one_quantity(name: str, obj: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    return _quantities(obj, [quantity(name)], [cotangent], arguments, {})


def _decompose(obj: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    if isinstance(obj, xr.DataArray) and {COMPONENT, DIRECTION} <= set(obj.dims):
        raise TypeError("primal: is a tensor; pass the velocity, the parts of a tensor need no adjoint of a derivative")
    if not isinstance(cotangent, tuple | list) or len(cotangent) != 2:
        raise TypeError("cotangent: must be a pair, that of D and that of W")
    return _quantities(obj, [quantity("deformation_rate"), quantity("spin")], cotangent, arguments, {})


def _derive(obj: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    records = chosen(arguments["quantities"])
    if isinstance(cotangent, xr.DataArray) and len(records) == 1:
        return _quantities(obj, records, [cotangent], arguments, arguments.get("parameters", {}))
    names = [record.name for record in records]
    if not isinstance(cotangent, xr.Dataset) or set(cotangent.data_vars) != set(names):
        held = list(cotangent.data_vars) if isinstance(cotangent, xr.Dataset) else type(cotangent).__name__
        raise TypeError(f"cotangent: is {held}; pass a Dataset with the variables {', '.join(names)}")
    parts = [cotangent[name] for name in names]
    return _quantities(obj, records, parts, arguments, arguments.get("parameters", {}))


_RULES: dict[Callable[..., Any], Callable[[Any, Any, Arguments], Any]] = {
    derivative: _derivative,
    gradient: _gradient,
    laplacian: _laplacian,
    hessian: _hessian,
    divergence: partial(_one_quantity, "divergence"),
    curl: partial(_one_quantity, "vorticity"),
    velocity_gradient: partial(_one_quantity, "velocity_gradient"),
    decompose: _decompose,
    derive: _derive,
    directional_derivative: _directional_derivative,
    advection: _advection,
    material_derivative: _advection,
}
