# SPDX-License-Identifier: BSD-3-Clause
"""Adjoints on labelled data: what a cotangent of the result says of the input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import adjoint, chunked, operators, propagation
from fieldgrad.bars import watched
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import evaluate
from fieldgrad.components import Components, find_components
from fieldgrad.cotangent_parts import aligned, gradient_of, like, like_velocity, of_tensor, pull
from fieldgrad.fields import (
    Velocity,
    array_of,
    broadcast_on,
    frame_along,
    frame_of,
    name_of,
    parameter_of,
    require_labelled,
    scalar_of,
    str_name,
    vector_of,
    working,
)
from fieldgrad.grid import Grid
from fieldgrad.helicities import _flow_of, helicity, relative_helicity
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
    parameters_on,
    velocity_gradient,
)
from fieldgrad.operators import Array, Frame, working_dtype
from fieldgrad.quantities import chosen, quantity
from fieldgrad.statistics import _Cells, _cells, _require_numbers, _unmasked, mean
from fieldgrad.transport import (
    _carried,
    _diffused,
    _time_axis,
    advection,
    directional_derivative,
    material_derivative,
    scalar_dissipation,
)

Arguments = Mapping[str, Any]


@watched
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
        :func:`advection`, :func:`material_derivative`, :func:`scalar_dissipation`, :func:`helicity`,
        :func:`relative_helicity` or :func:`mean`.
    primal : DataArray or Dataset
        Its first argument, the input at which it is differentiated; linear operators do not depend on its values.
    cotangent : DataArray, Dataset or tuple
        As the result of the operator: a DataArray of its dimensions, in any order; for :func:`derive` a Dataset of the
        quantities, for :func:`decompose` a pair, for :func:`mean` of a Dataset one of all its variables that hold
        numbers.

    Returns
    -------
    DataArray or Dataset
        As the input: of a Dataset the components of the velocity alone, since no other variable counts, and for
        :func:`mean` the variables that hold numbers. Lazy if something is lazy.

    Raises
    ------
    TypeError
        If the operator is none of these, or something is not of the type that it must be.
    ValueError
        If the cotangent has other dimensions, labels or coordinates than the result; if a derivative is more than a
        table, because the grid has a mask or is not Cartesian; or as the operator.

    Notes
    -----
    Operators are tables of weights, and the adjoint is the same engine with the transposed tables. Only the first
    argument is differentiated: diffusivities, velocities that carry, and what is known at walls are constant.
    :func:`mean` gives each point its weight over their sum, on any grid; points that are masked or NaN have none, so
    that they get zero, and a mean of no points gives NaN.

    Quantities are differentiated with respect to L in
    closed form, where it has no derivative as follows: zero for the norm of a vanishing vector or tensor, and for
    quantities of spiralling motion where all eigenvalues are real; where principal rates or the eigenvalues of lambda2
    are repeated, the derivative along the directions that the library picks (`principal_directions`), and no turning of
    these towards each other. Where a quantity is NaN, so is its derivative; so it is for :func:`relative_helicity`
    where velocity or vorticity vanishes.

    Quantities of your own are differentiated by central differences of the compiled function in double precision, with
    steps h of 6e-6 times the largest entry of L at the point (6e-6 where L vanishes). They are right to about ten
    digits where the function is smooth over a change of L by its own size; within h of a jump of the slope they are a
    slope between those of the two sides. They are exact if the record says that it is linear.

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
    known = ", ".join(one.__name__ for one in _RULES)
    if not callable(function) or inspect.ismethod(function):
        what = f"the method {function.__name__!r}, which holds its input" if callable(function) else "no function"
        raise TypeError(f"operator: is {what}; pass one of {known} of fieldgrad, or a functools.partial of one")
    if function not in _RULES:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise TypeError(
            f"operator: '{function.__module__}.{name}' has no adjoint here; pass one of {known} of fieldgrad, or a "
            "functools.partial of one"
        )
    return function, given


# Scalars.


def _of_scalar(f: xr.DataArray, cotangent: Any, grid: Grid | None, extra: bool) -> tuple[Grid, Frame, Array, Any]:
    """Grid, frame, values, and cotangent of a scalar operator; with components in front."""
    grid, frame, field = scalar_of(f, grid)
    adjoint.plain(frame)
    labels = {COMPONENT: grid.names} if extra else {}
    return grid, frame, field, aligned(cotangent, f, labels, field.dtype, "cotangent")


def _gradient(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    grid, frame, _, c = _of_scalar(f, cotangent, arguments["grid"], True)
    return gradient_of(f, {name: c[number] for number, name in enumerate(grid.names)}, frame)


def _derivative(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    field = working(array_of(f, "primal"), name_of(f, "primal"))
    c = aligned(cotangent, f, {}, field.dtype, "cotangent")
    steps = derivative_steps(f, arguments["dim"], arguments["order"], arguments["grid"])
    for axis, times in steps:
        adjoint.plain(frame_along(axis, f, times, arguments["grid"]))
    for axis, times in reversed(steps):
        stencil = axis.stencil(times, [(str_name(f), None)]).transpose()
        c = _along(c, f.get_axis_num(axis.dim), stencil)
    return like(f, c)


def _along(c: Any, axis: int, stencil: Any) -> Any:
    frame = Frame(("x",), (axis,), (stencil,))
    return evaluate(partial(pull, ((("x", 0),),)), [c], frame, (), [()])[0]


def _laplacian(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    _, frame, field = scalar_of(f, arguments["grid"], 2)
    c = aligned(cotangent, f, {}, field.dtype, "cotangent")
    return like(f, evaluate(chunked.of_scalar(adjoint.laplacian), [c], adjoint.transposed(frame), (), [()])[0])


def _hessian(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    grid, first, field = scalar_of(f, arguments["grid"])
    second = frame_of(grid, f, 2)
    adjoint.plain(first)
    c = aligned(cotangent, f, {COMPONENT: grid.names, DIRECTION: grid.names}, field.dtype, "cotangent")
    total = None
    for i, axis in enumerate(first.axes):
        parts = [_along(c[i, i], axis, second.stencils[i].transpose())]
        for j in range(i + 1, len(first.axes)):
            inner = _along(c[i, j] + c[j, i], first.axes[j], first.stencils[j].transpose())
            parts.append(_along(inner, axis, first.stencils[i].transpose()))
        for part in parts:
            total = part if total is None else total + part
    return like(f, total)


def _directional_derivative(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    along = arguments["along"]
    require_labelled(along, "along")
    grid, frame, _, c = _of_scalar(f, cotangent, arguments["grid"], False)
    vector = broadcast_on(f, find_components(along, grid, arguments["components"]), grid, "along")
    parts = evaluate(_along_unit_vector, [c], Frame((), (), ()), vector, [()] * len(vector))
    return gradient_of(f, dict(zip(grid.names, parts, strict=True)), frame)


def _along_unit_vector(fields: list[Array], frame: Frame, vector: list[Any]) -> list[Array]:
    """The parts of a field along a unit vector; NaN where the vector vanishes."""
    size = np.max(np.abs(np.broadcast_arrays(*vector)), axis=0)
    with np.errstate(invalid="ignore"):
        scaled = [part / size for part in vector]
    length = np.sqrt(sum(part * part for part in scaled))
    return [(fields[0] * (part / length)).astype(fields[0].dtype) for part in scaled]


def _scalar_dissipation(f: xr.DataArray, cotangent: Any, arguments: Arguments) -> xr.DataArray:
    grid, frame, field, diffusivity, _ = _diffused(f, arguments["diffusivity"], arguments["grid"])
    adjoint.plain(frame)
    c = aligned(cotangent, f, {}, field.dtype, "cotangent")
    (flux,) = evaluate(_of_dissipation, [field], frame, [c, diffusivity], [(len(grid.names),)])
    return gradient_of(f, dict(zip(grid.names, flux, strict=True)), frame)


def _of_dissipation(fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """The cotangent of the gradient where that of 2 kappa |grad f|^2 is known."""
    c, diffusivity = parameters
    return [(operators.gradient(fields[0], frame) * (4 * diffusivity * c)).astype(fields[0].dtype)]


def _mean(obj: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    cells = _cells(obj, arguments["dims"], arguments["grid"])
    if isinstance(obj, xr.DataArray):
        _require_numbers(obj)
        return _of_mean(obj, cotangent, cells, arguments["grid"], "cotangent")
    fields = {name: field for name, field in obj.data_vars.items() if field.dtype.kind in "biufc"}
    if not isinstance(cotangent, xr.Dataset) or set(cotangent.data_vars) != set(fields):
        held = list(cotangent.data_vars) if isinstance(cotangent, xr.Dataset) else type(cotangent).__name__
        raise TypeError(f"cotangent: is {held}; pass a Dataset with the variables {', '.join(map(str, fields))}")
    return xr.Dataset(
        {
            name: _of_mean(field, cotangent[name], cells, arguments["grid"], f"cotangent of {name!r}")
            for name, field in fields.items()
        }
    )


def _of_mean(f: xr.DataArray, cotangent: Any, cells: _Cells, grid: Grid | None, what: str) -> xr.DataArray:
    """The cotangent of a mean, shared out by the weights of the points that count."""
    lost = [dim for dim in cells.along if dim in f.dims]
    left = f.isel(dict.fromkeys(lost, 0), drop=True)
    c = xr.Variable(left.dims, aligned(cotangent, left, {}, working_dtype(f.dtype), what))
    weights = cells.weights(f)
    if weights is None:
        return like(f, c.data)
    counted = _unmasked(f, grid).variable.notnull() * weights.variable
    total = counted.sum(lost)
    # a mean of no points is NaN
    share = counted * (c / total.where(total > 0))
    return like(f, share.transpose(*f.dims).astype(working_dtype(f.dtype)).data)


# Vectors.


def _helicity(name: str, obj: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    _, found, frame, fields = _flow_of(obj, arguments["grid"], arguments["components"], name)
    adjoint.plain(frame)
    c = aligned(cotangent, found.fields[0], {}, fields[0].dtype, "cotangent")
    work = partial(_of_helicity, name == "relative_helicity")
    of_velocity, of_vorticity = evaluate(work, fields, frame, [c], [(3,), (3,)])
    tensor = adjoint.of_linear(quantity("vorticity"), of_vorticity, found.labels, frame)
    rest = of_tensor(tensor, found.labels, frame)
    return like_velocity(obj, found, [own + part for own, part in zip(of_velocity, rest, strict=True)])


def _of_helicity(relative: bool, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return list(adjoint.of_helicity(fields, frame, parameters[0], relative=relative))


def _advection(f: Velocity, cotangent: Any, arguments: Arguments) -> Velocity:
    carried = _carried(f, arguments["velocity"], arguments["grid"], arguments["components"])
    first, dtype = carried.first, carried.fields[0].dtype
    labels = carried.extra.get(COMPONENT, ("x",))
    c = aligned(cotangent, first, carried.extra, dtype, "cotangent")
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
    results = of_tensor(tensor, labels, frame)
    if "time" in arguments:
        axis = _time_axis(first, arguments["time"], carried.grid)
        stencil = axis.stencil().transpose()
        number = int(first.get_axis_num(axis.dim))
        results = [result + _along(part, number, stencil) for result, part in zip(results, parts, strict=True)]
    if not carried.extra:
        return like(first, results[0])
    return like_velocity(f, Components(tuple(labels), carried.parts), results)


def _quantities(
    obj: Velocity,
    records: Sequence[Quantity],
    cotangents: Sequence[Any],
    arguments: Arguments,
    parameters: Mapping[str, Any],
) -> Velocity:
    """The cotangents of several quantities together, as one of L."""
    given = {name: parameter_of(obj, name, value) for name, value in parameters.items()}
    grid = infer_grid(obj) if arguments["grid"] is None else arguments["grid"]
    require_lengths(grid)
    found = find_components(obj, grid, arguments["components"])
    first = found.fields[0]
    frame = adjoint.plain(frame_of(grid, first, vector=found))
    values = parameters_on(first, records, given)
    fields = vector_of(found.fields, found.labels)
    operators.require_real(records, fields[0].dtype)
    tensor: dict[tuple[str, str], Any] = {}
    for record, cotangent in zip(records, cotangents, strict=True):
        along = operators.value_labels(record, found.labels, frame)
        extra = dict(zip(record.dims, along, strict=True)) if along else {}
        c = aligned(cotangent, first, extra, fields[0].dtype, f"cotangent of {record.name!r}")
        if record.linear and record.function is None:
            more = adjoint.of_linear(record, c, found.labels, frame)
        else:
            numbers = [c[place] for place in np.ndindex(*map(len, along))]
            own = [values[name] for name in record.parameters]
            work = partial(_of_quantity, found.labels, record, len(numbers))
            rows = grid.names if record.function is None else found.labels
            (G,) = evaluate(work, fields, frame, [*numbers, *own], [(len(rows), len(grid.names))])
            more = {(a, b): G[i, j] for i, a in enumerate(rows) for j, b in enumerate(grid.names)}
        for place, part in more.items():
            tensor[place] = tensor[place] + part if place in tensor else part
    return like_velocity(obj, found, of_tensor(tensor, found.labels, frame))


def _of_quantity(
    labels: Sequence[str],
    record: Quantity,
    numbers: int,
    fields: list[Array],
    frame: Frame,
    parameters: list[Any],
) -> list[Array]:
    if record.function is None:
        return [adjoint.of_quantity(fields, labels, frame, record, parameters[:numbers], parameters[numbers:])]
    return propagation.in_slabs(partial(_of_own, labels, record, numbers), fields, frame, parameters)


def _of_own(
    labels: Sequence[str],
    record: Quantity,
    numbers: int,
    fields: list[Array],
    frame: Frame,
    parameters: list[Any],
) -> list[Array]:
    return [adjoint.of_own(fields, labels, frame, record, parameters[:numbers], parameters[numbers:])]


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
    scalar_dissipation: _scalar_dissipation,
    helicity: partial(_helicity, "helicity"),
    relative_helicity: partial(_helicity, "relative_helicity"),
    mean: _mean,
}
