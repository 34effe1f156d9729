# SPDX-License-Identifier: BSD-3-Clause
"""The operators on plain ndarrays, without labels.

:func:`gradient` has the signature and semantics of :func:`numpy.gradient`. The others take fields, then one coordinate
for each direction x, y, z as :func:`numpy.gradient` does: an array of positions, or a number that is the spacing.
Unless ``axes=`` says otherwise, x runs along axis 0, y along axis 1, z along axis 2. Everywhere:

accuracy : int
    Order of accuracy inside and at edges: 2, 4, 6 or 8.
period : float or sequence of float or None, optional
    Period of each direction, or one for all; None for directions that do not wrap.
out : ndarray, optional
    Memory for the result. It must have its shape and dtype and must not overlap an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy import gradient as _numpy_gradient  # bound here: a user may put ours in the place of numpy's
from numpy.typing import ArrayLike, NDArray

from fieldgrad import operators
from fieldgrad.bars import watched
from fieldgrad.catalogue import Quantity
from fieldgrad.grid import SPATIAL, Axis, checked_nodes, table
from fieldgrad.long_axes import LONG, EvenStencil
from fieldgrad.operators import Array, Frame, as_field, as_fields, refuse_lazy
from fieldgrad.parameters import resolve_parameters
from fieldgrad.quantities import Named, chosen, quantity
from fieldgrad.stencils import Stencil

__all__ = [
    "advection",
    "curl",
    "decompose",
    "derivative",
    "derive",
    "directional_derivative",
    "divergence",
    "gradient",
    "hessian",
    "laplacian",
    "velocity_gradient",
]


def __dir__() -> list[str]:
    return sorted(__all__)


Period = float | Sequence[float | None] | None


@watched
def gradient(
    f: ArrayLike,
    *varargs: ArrayLike,
    axis: int | Sequence[int] | None = None,
    edge_order: int = 1,
    accuracy: int | None = None,
    period: Period = None,
    out: Array | None = None,
) -> Any:
    """Gradient of an array: a drop-in for :func:`numpy.gradient`.

    Second order inside and first or second order at the edges by default, as NumPy; to any order and on periodic axes
    with `accuracy` and `period`. On nonuniform spacing too, where the interior weights are those of NumPy.

    Parameters
    ----------
    f : array_like
        Values. Masked arrays and datetime64 or timedelta64 values (and distances) are handed on to NumPy.
    *varargs : float or array_like, optional
        Spacing: nothing for 1, one number for all axes, or for each axis a number or the positions of its points.
    axis : int or sequence of int, optional
        Axes along which to differentiate, by default all.
    edge_order : {1, 2}
        Order of accuracy at the edges, where `accuracy` is not given.
    accuracy : {2, 4, 6, 8}, optional
        Order of accuracy, the edges included. By default 2, with edges of `edge_order`.
    period : float or sequence of float or None, optional
        Period of each axis, or one for all.
    out : ndarray, optional
        Memory for the result: for one axis of the shape of `f`, for several with a first dimension for the axes.

    Returns
    -------
    ndarray or tuple of ndarray
        The derivative along the axis, or a tuple of one for each. float32, complex64 and float16 stay as they are.

    Raises
    ------
    TypeError
        If the number of distances does not fit, or `f` holds no numbers.
    ValueError
        If an axis is too short, a coordinate is not strictly monotonic, or an argument is out of its range.

    See Also
    --------
    fieldgrad.gradient : the same on labelled arrays.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x = np.array([0.0, 1.0, 1.5, 3.5, 4.0, 6.0])
    >>> fg.array.gradient(x**2, x, edge_order=2).round(12) + 0.0
    array([ 0.,  2.,  3.,  7.,  8., 12.])
    """
    refuse_lazy(f, "f")
    values = np.asanyarray(f)
    handed_on = isinstance(values, np.ma.MaskedArray) or values.dtype.kind in "mM"
    if handed_on or any(np.asanyarray(distance).dtype.kind in "mM" for distance in varargs):
        if accuracy is not None or period is not None or out is not None:
            raise TypeError(
                "f: masked and datetime values are handed on to numpy.gradient, which takes no accuracy=, period= or "
                "out=; fill or convert them first"
            )
        numpy_gradient: Any = _numpy_gradient
        return numpy_gradient(values, *varargs, axis=axis, edge_order=edge_order)
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order: got {edge_order!r}; it must be 1 or 2, or pass accuracy= for higher orders")
    if accuracy is not None and edge_order != 1:
        raise ValueError("edge_order: given beside accuracy=, which holds at the edges too; pass one of them")
    axes = _axes(axis, values.ndim)
    given = _given(varargs, len(axes))
    field = as_field(values)
    periods = _periods(period, len(axes))
    stencils = []
    for one, distance, length in zip(axes, given, periods, strict=True):
        if field.shape[one] < edge_order + 1:
            raise ValueError(
                f"f: has {field.shape[one]} points along axis {one}; a numerical gradient needs at least "
                f"{edge_order + 1} with edge_order={edge_order}"
            )
        order = 2 if accuracy is None else accuracy
        edges = edge_order if accuracy is None and length is None else None
        stencils.append(_table(distance, one, field.shape[one], order, length, edges))
    half = values.dtype.newbyteorder("=") == np.float16
    if out is not None:
        whole = field.shape if len(axes) == 1 else (len(axes), *field.shape)
        operators._checked_out(out, whole, np.dtype(np.float16) if half else field.dtype, [values])
    if len(axes) == 1:
        single = operators.derivative(field, axes[0], stencils[0], None if half else out)
        return _narrow(single, out) if half else single
    results: list[Array] = []
    for start in range(0, len(axes), 3):
        part = slice(start, start + 3)
        frame = Frame(SPATIAL[: len(axes[part])], tuple(axes[part]), tuple(stencils[part]))
        target = None if out is None or half else out[part]
        results += list(operators.gradient(field, frame, target))
    if half:
        results = [_narrow(one, None if out is None else out[i]) for i, one in enumerate(results)]
    return tuple(results)


def _narrow(result: Array, out: Array | None) -> Array:
    """Back to float16, in which nothing is computed."""
    if out is None:
        return result.astype(np.float16)
    out[...] = result
    return out


def _axes(axis: int | Sequence[int] | None, ndim: int) -> list[int]:
    if axis is None:
        return list(range(ndim))
    chosen = [axis] if isinstance(axis, int | np.integer) else list(axis)
    result = []
    for one in chosen:
        if not isinstance(one, int | np.integer):
            raise TypeError(f"axis: {one!r} is a {type(one).__name__}; it must be an integer")
        if not -ndim <= one < ndim:
            raise np.exceptions.AxisError(int(one), ndim)
        result.append(int(one) % ndim)
    if len(set(result)) < len(result):
        raise ValueError(f"axis: {axis!r} names an axis twice; name each once")
    return result


def _given(varargs: Sequence[ArrayLike], count: int) -> list[ArrayLike]:
    """A spacing or the positions for each of some axes, as NumPy takes them."""
    if len(varargs) == 0:
        return [1.0] * count
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        return [varargs[0]] * count
    if len(varargs) == count:
        return list(varargs)
    raise TypeError(
        f"coordinates: got {len(varargs)} for {count} axes; pass one number for all, or a number or an array of "
        "positions for each"
    )


def _distances(varargs: Sequence[ArrayLike], axes: list[int], shape: tuple[int, ...]) -> list[NDArray[np.float64]]:
    """Positions along each axis, from spacings and coordinates, checked."""
    given = _given(varargs, len(axes))
    return [
        checked_nodes(_positions(one, axis, shape[axis]), f"axis {axis}") for one, axis in zip(given, axes, strict=True)
    ]


def _table(
    distance: ArrayLike, axis: int, points: int, accuracy: int, period: float | None, edge_accuracy: int | None = None
) -> Stencil:
    """The table of a first derivative. Where a long axis has one spacing, no positions are made."""
    if np.ndim(distance) == 0 and period is None and points >= LONG:
        return EvenStencil(points, _spacing(distance, axis), accuracy, edge_accuracy)
    positions = _positions(distance, axis, points)
    if edge_accuracy is not None:
        return table(checked_nodes(positions, f"axis {axis}"), 1, accuracy, period, edge_accuracy)
    return Axis("x", f"axis {axis}", positions, period=period, accuracy=accuracy).stencil()


def _spacing(given: ArrayLike, axis: int) -> float:
    step = float(given)  # type: ignore[arg-type]
    if not np.isfinite(step) or step == 0:
        raise ValueError(f"coordinates: the spacing of axis {axis} is {step}; it must be finite and not zero")
    return step


def _positions(given: ArrayLike, axis: int, points: int) -> NDArray[Any]:
    """As many positions as there are points, of any values."""
    values: NDArray[Any] = np.asarray(given)
    if values.ndim == 0:
        return np.arange(points, dtype=np.float64) * _spacing(values, axis)
    if values.ndim > 1:
        raise ValueError(
            f"coordinates: that of axis {axis} has {values.ndim} dimensions; distances must be either scalars or 1d"
        )
    if len(values) != points:
        raise ValueError(f"coordinates: that of axis {axis} has {len(values)} points, but the field has {points} there")
    return values


def _periods(period: Period, count: int) -> list[float | None]:
    if period is None or isinstance(period, int | float | np.number):
        return [None if period is None else float(period)] * count
    if isinstance(period, str) or not isinstance(period, Sequence | np.ndarray):
        raise TypeError(
            f"period: got {period!r}; it must be a number, or a sequence of one for each direction, None where none"
        )
    periods = [None if one is None else float(one) for one in period]
    if len(periods) != count:
        raise ValueError(
            f"period: has {len(periods)} entries for {count} directions; give one for each, None where none"
        )
    return periods


def _frame(
    shape: tuple[int, ...],
    coordinates: Sequence[ArrayLike],
    axes: Sequence[int] | None,
    accuracy: int,
    period: Period,
    order: int = 1,
) -> Frame:
    if not coordinates:
        raise TypeError("coordinates: missing; pass the positions or the spacing of each direction, none is assumed")
    if axes is None:
        scalar = len(coordinates) == 1 and np.ndim(coordinates[0]) == 0
        if not scalar and len(shape) != len(coordinates):
            raise ValueError(
                f"axes: the field has {len(shape)} axes and there are {len(coordinates)} coordinates; say with axes= "
                "which axis is x, y, z"
            )
        chosen = list(range(len(shape)))
    else:
        chosen = _axes(axes, len(shape))
    if not 1 <= len(chosen) <= 3:
        raise ValueError(f"axes: there are {len(chosen)} directions; pass one to three")
    given = _given(coordinates, len(chosen))
    positions = [_positions(one, axis, shape[axis]) for one, axis in zip(given, chosen, strict=True)]
    stencils = [
        Axis(name, f"axis {axis}", nodes, period=length, accuracy=accuracy).stencil(order)
        for name, axis, nodes, length in zip(SPATIAL, chosen, positions, _periods(period, len(chosen)), strict=False)
    ]
    return Frame(SPATIAL[: len(chosen)], tuple(chosen), tuple(stencils))


def _velocity(components: Sequence[ArrayLike]) -> tuple[list[Array], tuple[str, ...]]:
    if isinstance(components, np.ndarray) and components.ndim < 2:
        raise TypeError("components: is one field; pass a sequence of one for each direction")
    count = len(components)
    if not 1 <= count <= 3:
        raise ValueError(f"components: there are {count}; pass one for each direction, in x, y, z order")
    names = [f"components[{number}]" for number in range(count)]
    return as_fields(components, names), SPATIAL[:count]


@watched
def derivative(
    f: ArrayLike,
    coordinate: ArrayLike,
    *,
    axis: int = -1,
    order: int = 1,
    accuracy: int = 2,
    period: float | None = None,
    out: Array | None = None,
) -> Array:
    """Derivative of any order along one axis.

    Parameters
    ----------
    f : array_like
        Values.
    coordinate : float or array_like
        Spacing, or positions of the points.
    axis : int
        Axis along which to differentiate.
    order : int
        Order of the derivative, at least 1.
    accuracy : {2, 4, 6, 8}
        Order of accuracy, the edges included.
    period : float, optional
        Period of the axis.
    out : ndarray, optional
        Memory for the result.

    Returns
    -------
    ndarray
        The derivative, of the shape of `f`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x = np.array([0.0, 1.0, 3.0, 4.0, 6.0])
    >>> fg.array.derivative(x**3, x, order=3)
    array([6., 6., 6., 6., 6.])
    """
    field = as_field(f)
    (one,) = _axes(axis, field.ndim)
    (length,) = _periods(period, 1)
    if order == 1:
        stencil = _table(coordinate, one, field.shape[one], accuracy, length)
    else:
        nodes = _positions(coordinate, one, field.shape[one])
        stencil = Axis("x", f"axis {one}", nodes, period=length, accuracy=accuracy).stencil(order)
    return operators.derivative(field, one, stencil, out)


@watched
def laplacian(
    f: ArrayLike,
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Laplacian of a scalar, by second derivatives on compact stencils.

    Parameters
    ----------
    f : array_like
        Values.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray
        f_xx + f_yy + f_zz, of the shape of `f`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.arange(4.0), np.array([0.0, 1.0, 3.0, 4.0])
    >>> fg.array.laplacian(x[:, np.newaxis] ** 2 + y**2, x, y)[0]
    array([4., 4., 4., 4.])
    """
    field = as_field(f)
    return operators.laplacian(field, _frame(field.shape, coordinates, axes, accuracy, period, 2), out)


@watched
def hessian(
    f: ArrayLike,
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Second derivatives of a scalar, symmetric to the bit.

    Parameters
    ----------
    f : array_like
        Values.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray, shape (directions, directions, ...)
        ``H[i, j] = d2f/dx_i dx_j``.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.arange(4.0), np.array([0.0, 1.0, 3.0, 4.0])
    >>> fg.array.hessian(x[:, np.newaxis] * y, x, y)[:, :, 1, 2].round(12)
    array([[0., 1.],
           [1., 0.]])
    """
    field = as_field(f)
    first = _frame(field.shape, coordinates, axes, accuracy, period, 1)
    second = _frame(field.shape, coordinates, axes, accuracy, period, 2)
    return operators.hessian(field, first, second, out)


@watched
def advection(
    f: ArrayLike,
    components: Sequence[ArrayLike],
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Advection of a scalar, (u . grad) f.

    Parameters
    ----------
    f : array_like
        Values.
    components : sequence of array_like
        Velocity, one for each direction, of the shape of `f`.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray
        u f_x + v f_y + w f_z, of the shape of `f`.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x = np.arange(4.0)
    >>> fg.array.advection(x**2, [x], x)
    array([ 0.,  2.,  8., 18.])
    """
    field = as_field(f)
    frame = _frame(field.shape, coordinates, axes, accuracy, period)
    return operators.advection(field, frame, _along(components, "components", field, frame), out)


@watched
def directional_derivative(
    f: ArrayLike,
    along: Sequence[ArrayLike],
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Derivative of a scalar along the unit vector of a vector field.

    Parameters
    ----------
    f : array_like
        Values.
    along : sequence of array_like
        Vector, one component for each direction: numbers or fields. It need not have unit length.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray
        ``(a . grad f) / |a|``, of the shape of `f`; NaN where the vector vanishes.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x = np.arange(3.0)
    >>> fg.array.directional_derivative(x + 2 * x[:, np.newaxis], [3.0, 4.0], x, x)[0]
    array([2., 2., 2.])
    """
    field = as_field(f)
    frame = _frame(field.shape, coordinates, axes, accuracy, period)
    return operators.directional_derivative(field, frame, _along(along, "along", field, frame), out)


def _along(vector: Sequence[ArrayLike], name: str, field: Array, frame: Frame) -> list[Array]:
    if len(vector) != len(frame.directions):
        raise ValueError(
            f"{name}: has {len(vector)} components for {len(frame.directions)} directions; pass one for each"
        )
    return [
        operators.as_parameter(one, f"{name}[{number}]", field.dtype, field.shape) for number, one in enumerate(vector)
    ]


@watched
def velocity_gradient(
    components: Sequence[ArrayLike],
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Velocity-gradient tensor L_ij = du_i/dx_j.

    Parameters
    ----------
    components : sequence of array_like
        Velocity, in x, y, z order.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray, shape (components, directions, ...)
        The tensor.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fg.array.velocity_gradient([-2 * y, 2 * x], 1.0)[:, :, 1, 2]
    array([[ 0., -2.],
           [ 2.,  0.]])
    """
    (result,) = _derive(components, [quantity("velocity_gradient")], coordinates, axes, accuracy, period, [out], {})
    return result


@watched
def decompose(L: ArrayLike, *, out: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
    """Rate of deformation D and spin W of a velocity-gradient tensor.

    Parameters
    ----------
    L : array_like, shape (n, n, ...)
        The tensor.
    out : tuple of two ndarray, optional
        Memory for D and W.

    Returns
    -------
    D, W : ndarray, shape (n, n, ...)
        (L + L^T)/2, symmetric to the bit, and (L - L^T)/2, antisymmetric to the bit.

    Raises
    ------
    ValueError
        If the tensor is not square.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> D, W = fg.array.decompose([[1.0, 2.0], [4.0, 0.0]])
    >>> D
    array([[1., 3.],
           [3., 0.]])
    >>> W
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    tensor = as_field(L, "L")
    if tensor.ndim < 2 or tensor.shape[0] != tensor.shape[1]:
        raise ValueError(
            f"L: has shape {tensor.shape}; D and W are defined for as many components as directions, shape (n, n, ...)"
        )
    if out is not None and (not isinstance(out, Sequence) or len(out) != 2):
        raise TypeError("out: must be a tuple of two arrays, the memory of D and of W")
    D, W = (None, None) if out is None else out
    return operators.decompose(tensor, D, W)


@watched
def divergence(
    components: Sequence[ArrayLike],
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Divergence of a vector field, the trace of its gradient.

    Parameters
    ----------
    components : sequence of array_like
        The field, in x, y, z order.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray
        u_x + v_y + w_z.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fg.array.divergence([x, 2 * y], 1.0)[0]
    array([3., 3., 3., 3.])
    """
    (result,) = _derive(components, [quantity("divergence")], coordinates, axes, accuracy, period, [out], {})
    return result


@watched
def curl(
    components: Sequence[ArrayLike],
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: Array | None = None,
) -> Array:
    """Curl of a vector field, twice the dual of its spin.

    Parameters
    ----------
    components : sequence of array_like
        The field, in x, y, z order.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period, out
        See :mod:`fieldgrad.array`.

    Returns
    -------
    ndarray, shape (3, ...) in space and (...) in a plane
        (w_y - v_z, u_z - w_x, v_x - u_y), or v_x - u_y.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fg.array.curl([-y, x], 1.0)[0]
    array([2., 2., 2., 2.])
    """
    (result,) = _derive(components, [quantity("vorticity")], coordinates, axes, accuracy, period, [out], {})
    return result


@watched
def derive(
    components: Sequence[ArrayLike],
    quantities: Named,
    *coordinates: ArrayLike,
    axes: Sequence[int] | None = None,
    accuracy: int = 2,
    period: Period = None,
    out: dict[str, Array] | None = None,
    **parameters: ArrayLike,
) -> dict[str, Array]:
    """Quantities of a flow, in one pass over its velocity.

    Parameters
    ----------
    components : sequence of array_like
        Velocity, in x, y, z order.
    quantities : str, Quantity, or iterable of these
        Names, see :func:`fieldgrad.quantities`, or records of quantities of your own.
    *coordinates : float or array_like
        Positions or spacing of each direction.
    axes, accuracy, period
        See :mod:`fieldgrad.array`.
    out : dict of str to ndarray, optional
        Memory for some or all of the results.
    **parameters : float or array_like
        Parameters of the quantities, such as ``viscosity``; arrays broadcast against the fields.

    Returns
    -------
    dict of str to ndarray
        For each name its values: dimensions of components first, then those of the field.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of its range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> x, y = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    >>> fields = fg.array.derive([-y, x], ["vorticity", "q_criterion"], 1.0)
    >>> float(fields["q_criterion"][1, 1])
    1.0
    """
    records = chosen(quantities)
    names = [record.name for record in records]
    given = {} if out is None else out
    if not isinstance(given, Mapping):
        raise TypeError(f"out: is a {type(given).__name__}; it must map names of quantities to arrays")
    for name in given:
        if name not in names:
            raise ValueError(f"out: has {name!r}, which is not asked for; there are {', '.join(map(repr, names))}")
    outs = [given.get(name) for name in names]
    results = _derive(components, records, coordinates, axes, accuracy, period, outs, parameters)
    return dict(zip(names, results, strict=True))


def _derive(
    components: Sequence[ArrayLike],
    records: Sequence[Quantity],
    coordinates: Sequence[ArrayLike],
    axes: Sequence[int] | None,
    accuracy: int,
    period: Period,
    outs: Sequence[Array | None],
    parameters: dict[str, Any],
) -> list[Array]:
    for name, value in parameters.items():
        refuse_lazy(value, name)
    values = resolve_parameters(
        {record.name: record.parameters for record in records},
        {name: np.asanyarray(value) if np.ndim(value) else value for name, value in parameters.items()},
    )
    fields, labels = _velocity(components)
    frame = _frame(fields[0].shape, coordinates, axes, accuracy, period)
    if len(labels) < len(frame.directions):
        raise ValueError(
            f"components: there are {len(labels)} for {len(frame.directions)} directions; pass one for each direction"
        )
    return operators.derive(fields, labels, frame, records, values, outs)
