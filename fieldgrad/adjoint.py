# SPDX-License-Identifier: BSD-3-Clause
"""Adjoints of the operators on ndarrays: the same engine, with transposed tables.

An operator is linear in the field, ``y = A x`` with real weights A, and its adjoint is the transposed matrix: for all
x and y the sums ``(A x) . y`` and ``x . (A^T y)`` over all points are one number. The derivative along an axis is a
table, so its adjoint is the transposed table, whose rows are longer and do not sum to zero. That of a gradient is
therefore a sum over the directions, ``sum_j A_j^T c_j``, like a divergence. A quantity of a velocity is a function of
L at a point: first the cotangent of L there (:mod:`fieldgrad.kernels.pullbacks`; of linear ones it does not depend on
L), then the adjoint of L. What is known at walls is a constant, and does not count.

Frames with transposed tables come from :func:`transposed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fieldgrad import operators
from fieldgrad.catalogue import Quantity
from fieldgrad.grid import SPATIAL, Grid, Named
from fieldgrad.operators import Array, Frame
from fieldgrad.quantities import quantity

#: The cotangent of L: by component and direction, without those that vanish.
Tensor = Mapping[tuple[str, str], Any]
#: For each component its directions, and the number of the field that is its cotangent there.
Plan = tuple[tuple[tuple[str, int], ...], ...]


def plain(frame: Frame) -> Frame:
    """A frame whose derivatives are tables and nothing else, as those here are.

    Raises
    ------
    ValueError
        If it has holes, beside which each point has a window of its own, or a metric.
    """
    if frame.holes is not None:
        raise ValueError(
            "grid: has a mask or missing='adapt' or 'shrink'; adjoints are known without holes alone: fill them first, "
            "and pass a grid without"
        )
    if frame.metric is not None:
        raise ValueError(
            "grid: is not Cartesian; adjoints are known on Cartesian grids alone: pass "
            "grid=fg.infer_grid(obj, geometry='cartesian') if the coordinates are lengths"
        )
    return frame


def transposed(frame: Frame) -> Frame:
    """A frame with the transposed tables."""
    return replace(plain(frame), stencils=tuple(stencil.transpose() for stencil in frame.stencils))


def gradient(cotangents: Mapping[str, Array], frame: Frame, *, component: int = 0, out: Array | None = None) -> Array:
    """Adjoint of a gradient.

    Parameters
    ----------
    cotangents : mapping of str to ndarray
        Those of the derivatives along some directions, of one working dtype and shape; others vanish.
    frame : Frame
        Transposed tables.
    component : int
        Number of the field among those that are differentiated together.
    out : ndarray, optional
        Memory for the result.

    Returns
    -------
    ndarray
        ``sum_j A_j^T c_j``.
    """
    parts = list(zip(frame.directions, frame.axes, frame.stencils, strict=True))
    kept = [part for part in parts if part[0] in cotangents]
    rest = [part for part in parts if part[0] not in cotangents]
    fields = [cotangents[name] for name, _, _ in kept]
    if rest:  # a block has nodes around it along all axes
        others, lost, tables = zip(*rest, strict=True)
        around = Frame(others, lost, tables)
        fields = [operators.inside(field, around) for field in fields]
    names, axes, stencils = zip(*kept, strict=True)
    own = Frame(names, axes, tuple(stencil.of(component) for stencil in stencils))
    return _applied(fields, names, own, "divergence", out)


def laplacian(c: Array, frame: Frame, out: Array | None = None) -> Array:
    """Adjoint of a sum of second derivatives, of which the frame holds the transposed tables."""
    return _applied([c], SPATIAL[:1], frame, "row_sum", out)


def _applied(fields: Sequence[Array], labels: Sequence[str], frame: Frame, name: str, out: Array | None) -> Array:
    """A scalar point function of what tables make of plain values."""
    from fieldgrad.kernels.launch import Request

    shape = frame.output_shape(fields[0].shape)
    result = operators.allocate(fields[0], shape, ()) if out is None else out
    operators._run(fields, labels, frame, [Request(name)], [], [result], difference=False)
    return result


def velocity_gradient(plan: Plan, fields: Sequence[Array], frame: Frame) -> list[Array]:
    """Adjoint of the gradient of a vector: one field for each component.

    Parameters
    ----------
    plan : tuple
        Which field is the cotangent of which derivative; see :func:`planned`.
    fields : sequence of ndarray
        The cotangents.
    frame : Frame
        Transposed tables.
    """
    results = []
    for number, parts in enumerate(plan):
        if parts:
            results.append(gradient({name: fields[place] for name, place in parts}, frame, component=number))
        else:
            zeros = operators.allocate(fields[0], frame.output_shape(fields[0].shape), ())
            zeros[...] = 0
            results.append(zeros)
    return results


def planned(tensor: Tensor, labels: Sequence[str], directions: Sequence[str]) -> tuple[Plan, list[Any]]:
    """The cotangent of L as a list of fields, each once, and which derivative each belongs to."""
    fields: list[Any] = []
    places: dict[int, int] = {}
    plan = []
    for label in labels:
        parts = []
        for direction in directions:
            if (label, direction) in tensor:
                field = tensor[label, direction]
                if id(field) not in places:
                    places[id(field)] = len(fields)
                    fields.append(field)
                parts.append((direction, places[id(field)]))
        plan.append(tuple(parts))
    return tuple(plan), fields


# Linear quantities: of any arrays that know arithmetic.


def _velocity_gradient(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    return {(a, b): c[i, j] for i, a in enumerate(labels) for j, b in enumerate(directions)}


def _deformation_rate(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    tensor = {}
    for i, a in enumerate(labels):
        tensor[a, a] = c[i, i]
        for j in range(i):
            tensor[a, labels[j]] = tensor[labels[j], a] = (c[i, j] + c[j, i]) * 0.5
    return tensor


def _spin(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    tensor = {}
    for i, a in enumerate(labels):
        for j in range(i):
            half = (c[i, j] - c[j, i]) * 0.5
            tensor[a, labels[j]], tensor[labels[j], a] = half, -half
    return tensor


def _divergence(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    return {(a, a): c for a in directions}


def _first_invariant(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    return _divergence(-c, labels, directions)


def _vorticity(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    tensor = {}
    for k in range(3):
        a, b = SPATIAL[(k + 1) % 3], SPATIAL[(k + 2) % 3]
        if a in directions and b in directions:
            part = c if len(directions) == 2 else c[k]
            tensor[b, a], tensor[a, b] = part, -part
    return tensor


def _stretching_deformation(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    a, b = directions
    return {(a, a): c, (b, b): -c}


def _shearing_deformation(c: Any, labels: Sequence[str], directions: Sequence[str]) -> dict[tuple[str, str], Any]:
    a, b = directions
    return {(a, b): c, (b, a): c}


_LINEAR: Mapping[str, Callable[..., dict[tuple[str, str], Any]]] = {
    "velocity_gradient": _velocity_gradient,
    "deformation_rate": _deformation_rate,
    "spin": _spin,
    "divergence": _divergence,
    "first_invariant": _first_invariant,
    "vorticity": _vorticity,
    "stretching_deformation": _stretching_deformation,
    "shearing_deformation": _shearing_deformation,
}


def of_linear(record: Quantity, cotangent: Any, labels: Sequence[str], frame: Frame) -> dict[tuple[str, str], Any]:
    """The cotangent of L where that of a linear quantity is known.

    Parameters
    ----------
    record : Quantity
        A quantity that is built in and linear.
    cotangent : array
        Dimensions of the value, then those of the field; of NumPy or dask.
    labels : sequence of str
        Components of the velocity.
    frame : Frame
        Directions of the flow.
    """
    tensor = _LINEAR[record.name](cotangent, labels, frame.directions)
    return {place: -part for place, part in tensor.items()} if record.axial and frame.left_handed else tensor


def of_quantity(
    components: Sequence[Array],
    labels: Sequence[str],
    frame: Frame,
    record: Quantity,
    cotangent: Sequence[Array],
    parameters: Sequence[Any],
) -> Array:
    """The cotangent of L where that of a quantity that is not linear is known.

    Parameters
    ----------
    components : sequence of ndarray
        Velocity, of one real dtype and shape.
    labels : sequence of str
        Their directions.
    frame : Frame
        Directions of the flow, with the tables of its derivatives.
    record : Quantity
        The quantity, built in.
    cotangent : sequence of ndarray
        That of each number of its value, row by row.
    parameters : sequence of number or ndarray
        Its parameters.

    Returns
    -------
    ndarray, shape (directions, directions, ...)
        ``sum_k c_k dvalue_k/dL_ij``.
    """
    from fieldgrad.kernels.launch import Request

    along = operators.value_labels(record, labels, frame)
    shape, dtype = frame.output_shape(components[0].shape), components[0].dtype
    values = operators.request_of(record, along, frame, ())
    size = 3 if values.plane is None else 2
    order = (0, 1, 2) if values.plane is None else values.plane
    places = tuple(order.index(column) for column in frame.columns)
    given = [operators.as_parameter(value, "cotangent", dtype, shape) for value in cotangent]
    given = [-value for value in given] if record.axial and frame.left_handed else given
    # numbers of the value that a plane flow does not have are zero
    numbers = np.full((size,) * len(along), len(given))
    held = [values.rows, values.columns][: len(along)]
    numbers[np.ix_(*held)] = np.arange(len(given)).reshape([len(part) for part in held])
    own = [
        operators.as_parameter(value, name, dtype, shape)
        for name, value in zip(record.parameters, parameters, strict=True)
    ]
    taken = [*given, np.zeros((), dtype), *own]
    count = len(given) + 1
    request = Request(
        f"{values.name}_pullback",
        places,
        places,
        (*map(int, numbers.ravel()), *range(count, count + len(own))),
        values.plane,
    )
    result = operators.allocate(components[0], shape, (len(places), len(places)))
    operators._run(components, labels, frame, [request], taken, [result])
    return result


def of_own(
    components: Sequence[Array],
    labels: Sequence[str],
    frame: Frame,
    record: Quantity,
    cotangent: Sequence[Array],
    parameters: Sequence[Any],
) -> Array:
    """The cotangent of L where that of a quantity with a function of its own is known, by differences of that.

    Parameters
    ----------
    components, labels, frame, record, parameters
        As :func:`of_quantity` takes them; components may be complex if the quantity is linear.
    cotangent : sequence of ndarray
        That of each number of its value, row by row, of the shape of the output.

    Returns
    -------
    ndarray, shape (components, directions, ...)
        ``sum_k c_k dvalue_k/dL_ij``.
    """
    from fieldgrad.kernels.sensitivity import cotangents

    double = np.dtype(np.float64)
    shape, dtype = frame.output_shape(components[0].shape), components[0].dtype
    along = operators.value_labels(record, labels, frame)
    rows = [SPATIAL.index(label) for label in labels]
    result = operators.allocate(components[0], shape, (len(rows), len(frame.columns)))
    if not result.size:  # selections leave chunks of no nodes behind
        return result
    L = np.zeros((3, 3, *shape))
    if not record.linear:
        (found,) = operators.derive(components, labels, frame, [quantity("velocity_gradient")], {})
        L[np.ix_(rows, frame.columns)] = found
    request = operators.request_of(record, along, frame, tuple(range(len(record.parameters))))
    own = [
        operators.as_parameter(value, name, double, shape)
        for name, value in zip(record.parameters, parameters, strict=True)
    ]
    places = [3 * row + column for row in rows for column in frame.columns]
    given = np.stack(cotangent).reshape(len(cotangent), -1)
    given = -given if record.axial and frame.left_handed else given
    halves = [
        cotangents(
            L.reshape(3, 3, -1), np.ascontiguousarray(half, double), request, own, record.linear, places
        ).reshape(result.shape)
        for half in ((given.real, given.imag) if dtype.kind == "c" else (given,))
    ]
    result.real = halves[0]
    if dtype.kind == "c":
        result.imag = halves[1]
    return result


def of_helicity(velocity: Sequence[Array], frame: Frame, cotangent: Array, *, relative: bool) -> tuple[Array, Array]:
    """The cotangents of velocity and vorticity where that of the helicity, or of the cosine between them, is known.

    Parameters
    ----------
    velocity : sequence of ndarray
        Components of a flow in space, of one real dtype and shape, in x, y, z order.
    frame : Frame
        Its directions, with the tables of its derivatives.
    cotangent : ndarray
        That of the value.
    relative : bool
        Whether the value is the cosine.

    Returns
    -------
    tuple of ndarray, each of shape (3, ...)
        Without those derivatives of the velocity that are in the vorticity.
    """
    (w,) = operators.derive(velocity, frame.names, frame, [quantity("vorticity")], {})
    u = np.stack([operators.inside(field, frame) for field in velocity])
    if not relative:
        return cotangent * w, cotangent * u
    (a, u_size), (b, w_size) = _unit(u), _unit(w)
    cosine = (a * b).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return cotangent * (b - cosine * a) / u_size, cotangent * (a - cosine * b) / w_size


def _unit(vector: Array) -> tuple[Array, Array]:
    """A vector at unit length, NaN where it vanishes, and its length."""
    largest = np.abs(vector).max(axis=0)
    with np.errstate(invalid="ignore"):
        scaled = vector / largest
        size = np.sqrt((scaled * scaled).sum(axis=0))
        return scaled / size, largest * size


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear operator on whole fields and its adjoint, for frameworks that differentiate.

    Parameters
    ----------
    name : str
        "gradient" or "laplacian" of a scalar, or a linear quantity of a velocity. The components of a gradient are
        fields of their own.
    frame : Frame
        Directions and tables; its axes are negative, since any number of dimensions may stand before those of the grid.
    labels : tuple of str
        Components of the velocity; none for a scalar.
    back : Linear, optional
        The operator that this one is the adjoint of.
    """

    name: str
    frame: Frame
    labels: tuple[str, ...] = ()
    back: Linear | None = None

    @cached_property
    def adjoint(self) -> Linear:
        """The adjoint, whose own adjoint is this operator."""
        return replace(self, back=self) if self.back is None else self.back

    @cached_property
    def leading(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Lengths of the dimensions before those of the field, of every input and of every output."""
        fields: list[tuple[int, ...]] = [()] * max(len(self.labels), 1)
        values: list[tuple[int, ...]] = [()] * (len(self.frame.directions) if self.name == "gradient" else 1)
        if self.labels:
            values = [tuple(map(len, operators.value_labels(quantity(self.name), self.labels, self.frame)))]
        return (fields, values) if self.back is None else (values, fields)

    @property
    def ranks(self) -> tuple[int, int]:
        """Number of these dimensions, of inputs and of outputs."""
        before, after = self.leading
        return len(before[0]), len(after[0])

    def apply(self, arrays: Sequence[Array]) -> list[Array]:
        """The fields that come of fields, of one working dtype and shape."""
        ndim = arrays[0].ndim - self.ranks[0]
        frame = replace(self.frame, axes=tuple(ndim + axis for axis in self.frame.axes))
        if self.back is None:
            return self._forth(arrays, frame)
        return self._back(arrays, transposed(frame))

    def _forth(self, fields: Sequence[Array], frame: Frame) -> list[Array]:
        if self.name == "gradient":
            return list(operators.gradient(fields[0], frame))
        if self.name == "laplacian":
            return [operators.laplacian(fields[0], frame)]
        return operators.derive(fields, self.labels, frame, [quantity(self.name)], {})

    def _back(self, cotangents: Sequence[Array], frame: Frame) -> list[Array]:
        if self.name == "gradient":
            return [gradient(dict(zip(frame.directions, cotangents, strict=True)), frame)]
        if self.name == "laplacian":
            return [laplacian(cotangents[0], frame)]
        tensor = of_linear(quantity(self.name), cotangents[0], self.labels, frame)
        plan, fields = planned(tensor, self.labels, frame.directions)
        return velocity_gradient(plan, fields, frame)


def on_grid(
    name: str, grid: Grid, fields: Sequence[tuple[tuple[int, ...], str]], dim: int | Sequence[int] | None = None
) -> Linear:
    """The operator of a framework on a grid.

    Parameters
    ----------
    name : str
        As :class:`Linear` takes it.
    grid : Grid
        Directions and discretisation.
    fields : sequence of (tuple of int, str)
        Shape and dtype of the scalar, or of each component.
    dim : int or sequence of int, optional
        Dimensions of a field that run along x, y, z, by default the last.

    Raises
    ------
    TypeError, ValueError
        If the fields differ or do not fit the grid, or the operator is not defined or not linear there.
    """
    if not isinstance(grid, Grid):
        raise TypeError(f"grid: is a {type(grid).__name__}; pass a fieldgrad.Grid, such as fg.infer_grid gives")
    scalar = name in ("gradient", "laplacian")
    called = ["f"] if scalar else [f"velocity[{number}]" for number in range(len(fields))]
    count = len(grid.axes)
    labels: tuple[str, ...] = () if scalar else SPATIAL if len(fields) == 3 and count > 1 else grid.names
    if not scalar and len(fields) != len(labels):
        raise ValueError(
            f"velocity: has {len(fields)} components on the directions {', '.join(grid.names)}; pass one for each"
        )
    for field, one in zip(fields, called, strict=True):
        if field != fields[0]:
            raise ValueError(
                f"{one}: has shape {field[0]} and dtype {field[1]}, but {called[0]} has {fields[0][0]} and "
                f"{fields[0][1]}; components must have one shape and dtype"
            )
    shape = fields[0][0]
    ndim = len(shape)
    given = list(range(-count, 0)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if len(given) != count or any(not -ndim <= one < ndim for one in given):
        raise ValueError(
            f"dim: {given} does not name a dimension of {called[0]}, of shape {shape}, for each of "
            f"{', '.join(grid.names)}"
        )
    axes = tuple(one % ndim - ndim for one in given)
    if len(set(axes)) < count:
        raise ValueError(f"dim: {given} names a dimension twice; each direction has its own")
    for axis, place in zip(grid.axes, axes, strict=True):
        if axis.obstacle is not None:
            raise ValueError(f"grid: dimension {axis.dim!r} {axis.obstacle}, so lengths along it are not known")
        if shape[place] != len(axis):
            raise ValueError(
                f"{called[0]}: has {shape[place]} points along {axis.name} (dimension {place}), and the grid has "
                f"{len(axis)}; fields have their dimensions in the order {', '.join(grid.names)} unless dim= says "
                "otherwise"
            )
    named: list[Named] = [(None, label) for label in labels] or [(None, None)]
    stencils = tuple(axis.stencil(2 if name == "laplacian" else 1, named) for axis in grid.axes)
    if any(stencil.linear is not stencil for stencil in stencils):
        raise ValueError("grid: a value other than zero is known at a wall, so the operator is not linear; subtract it")
    operator = Linear(name, Frame(grid.names, axes, stencils, grid.left_handed), labels)
    operator.leading  # noqa: B018  (raises where a quantity is not defined)
    return operator
