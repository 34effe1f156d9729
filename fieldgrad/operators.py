# SPDX-License-Identifier: BSD-3-Clause
"""Operators on ndarrays with tables: check, allocate, call the kernels.

This is the layer beneath :mod:`fieldgrad.array` and the labelled operators; both say where fields come from and what
the results are called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad import poles
from fieldgrad.catalogue import Quantity
from fieldgrad.geometry import ONE, Metric
from fieldgrad.grid import SPATIAL
from fieldgrad.masks import Holes, Rule
from fieldgrad.stencils import Stencil

if TYPE_CHECKING:
    from fieldgrad.kernels.launch import Request

Array = NDArray[Any]

# Quantities that one kernel evaluates together. More of them would compile for a minute; longer lists take several
# passes.
_GROUP = 4

_KEPT = {np.dtype(kind) for kind in ("float32", "float64", "complex64", "complex128")}


@dataclass(frozen=True)
class Frame:
    """Directions of a field: which axis runs along each, and how it is differentiated.

    Parameters
    ----------
    directions : tuple of str
        Some of the names, in that order.
    axes : tuple of int
        For each its axis of the field, not negative.
    stencils : tuple of Stencil
        For each the table of its derivative.
    left_handed : bool
        Whether the directions are left-handed, so that pseudo-vectors and pseudo-scalars have the other sign.
    holes : Holes, optional
        Which points may be missing, and what is done beside them.
    metric : Metric, optional
        How coordinate derivatives become physical ones, on the points of the output; None where they are.
    names : tuple of str
        Names of all three directions.
    """

    directions: tuple[str, ...]
    axes: tuple[int, ...]
    stencils: tuple[Stencil, ...]
    left_handed: bool = False
    holes: Holes | None = None
    metric: Metric | None = None
    names: tuple[str, ...] = SPATIAL

    @property
    def columns(self) -> tuple[int, ...]:
        """Places of the directions among the names."""
        return tuple(self.names.index(direction) for direction in self.directions)

    def beside(self, direction: str, other: Frame) -> Frame:
        """With one more direction: that of another frame on the same fields."""
        holes = self.holes
        if holes is not None and other.holes is not None:
            holes = replace(holes, rules=holes.rules + other.holes.rules)
        return replace(
            self,
            directions=(*self.directions, direction),
            axes=self.axes + other.axes,
            stencils=self.stencils + other.stencils,
            holes=holes,
        )

    def part(self, *numbers: int) -> Frame:
        """Some of the directions, for fields without the nodes that a block has around it along the others."""
        holes = self.holes
        if holes is not None:
            others = replace(self._chosen([i for i in range(len(self.axes)) if i not in numbers]), holes=None)
            mask, valid = (None if one is None else inside(one, others) for one in (holes.mask, holes.valid))
            holes = replace(holes, rules=tuple(holes.rules[i] for i in numbers), mask=mask, valid=valid)
        return replace(self._chosen(numbers), holes=holes)

    def _chosen(self, numbers: Sequence[int]) -> Frame:
        return replace(
            self,
            directions=tuple(self.directions[i] for i in numbers),
            axes=tuple(self.axes[i] for i in numbers),
            stencils=tuple(self.stencils[i] for i in numbers),
        )

    def of(self, number: int) -> Frame:
        """With the tables of one of the fields that are differentiated together."""
        return replace(self, stencils=tuple(stencil.of(number) for stencil in self.stencils))

    @property
    def linear(self) -> Frame:
        """With zero for all values known at walls: for fields whose changes alone matter, such as derivatives."""
        return replace(self, stencils=tuple(stencil.linear for stencil in self.stencils))

    def output_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Shape of a derivative of a field of some shape: blocks lose the nodes around them."""
        result = list(shape)
        for axis, stencil in zip(self.axes, self.stencils, strict=True):
            result[axis] = stencil.rows
        return tuple(result)


def working_dtype(dtype: np.dtype[Any], name: str = "f") -> np.dtype[Any]:
    """The floating dtype in which a field is differentiated.

    Parameters
    ----------
    dtype : numpy.dtype
        Dtype of the field.
    name : str
        What the field is called, for the message.

    Returns
    -------
    numpy.dtype
        Single and double precision, real and complex, stay; float16 becomes float32; integers and bool float64.

    Raises
    ------
    TypeError
        If the field holds no numbers, or extended precision.

    Examples
    --------
    >>> working_dtype(np.dtype("uint8"))
    dtype('float64')
    """
    native = dtype.newbyteorder("=")
    if native in _KEPT:
        return native
    if native == np.float16:
        return np.dtype(np.float32)
    if native.kind in "iub":
        return np.dtype(np.float64)
    wide = {"f": "float64", "c": "complex128"}.get(native.kind)
    hint = "pass real or complex numbers" if wide is None else f"convert it (astype({wide!r}))"
    raise TypeError(f"{name}: has dtype {dtype}, which cannot be differentiated; {hint}")


def as_field(array: Any, name: str = "f", dtype: np.dtype[Any] | None = None) -> Array:
    """An array of a working dtype, without a copy where it is one already; masked values become NaN."""
    refuse_lazy(array, name)
    masked = isinstance(array, np.ma.MaskedArray)
    plain = np.ma.getdata(array, subok=False) if masked else np.asarray(array)
    wanted = working_dtype(plain.dtype, name) if dtype is None else dtype
    if plain.dtype == wanted and not masked:
        return plain
    from fieldgrad.kernels.layout import converted

    field = converted(plain, wanted)
    if masked:
        np.copyto(field, wanted.type(np.nan), where=np.ma.getmaskarray(array))
    return field


def refuse_lazy(array: Any, name: str) -> None:
    """Nothing is computed behind the caller's back: collections of dask, known by their protocol, are refused."""
    graph = getattr(array, "__dask_graph__", None)
    if graph is not None and graph() is not None:
        raise TypeError(
            f"{name}: is lazy, a {type(array).__name__} of dask; compute it first, or put it into a DataArray, on "
            "which the operators of fieldgrad stay lazy"
        )


def as_fields(arrays: Sequence[Any], names: Sequence[str]) -> list[Array]:
    """Arrays of one working dtype and one shape."""
    for array, name in zip(arrays, names, strict=True):
        refuse_lazy(array, name)
    dtype = np.result_type(
        *(working_dtype(np.asanyarray(array).dtype, name) for array, name in zip(arrays, names, strict=True))
    )
    fields = [as_field(array, name, dtype) for array, name in zip(arrays, names, strict=True)]
    require_one_shape(fields, names)
    return fields


def require_one_shape(fields: Sequence[Array], names: Sequence[str]) -> None:
    """Verify that components lie on the same points."""
    for field, name in zip(fields, names, strict=True):
        if field.shape != fields[0].shape:
            raise ValueError(
                f"{name}: has shape {field.shape}, but {names[0]} has {fields[0].shape}; components must have one shape"
            )


def seen(frame: Frame, fields: Sequence[Array]) -> Frame:
    """The frame, with the valid points of some fields if it knows of holes: where all of them are valid."""
    if frame.holes is None:
        return frame
    from fieldgrad.kernels.redo import find_valid

    return replace(frame, holes=replace(frame.holes, valid=find_valid(fields, frame.holes)))


def accuracies(fields: Sequence[Array], frame: Frame) -> Array:
    """Order of accuracy that a derivative has along each direction, in the dtype of the fields; 0 where there is none.

    Parameters
    ----------
    fields : sequence of ndarray
        Fields of one shape.
    frame : Frame
        Their directions and holes.

    Returns
    -------
    ndarray, shape (directions, ...)
        Small integers.
    """
    from fieldgrad.kernels import redo

    if frame.holes is None or frame.holes.valid is None:
        raise ValueError("frame: knows of no holes; pass one with the valid points (seen)")
    axes: list[int | None] = [None] * 3
    stencils: list[Stencil | None] = [None] * 3
    rules: list[Rule | None] = [None] * 3
    for number, axis in enumerate(frame.axes):
        axes[number], stencils[number], rules[number] = axis, frame.stencils[number], frame.holes.rules[number]
    result = allocate(fields[0], frame.output_shape(fields[0].shape), (len(frame.axes),))
    plan = redo.survey(frame.holes.valid, axes, stencils, rules)
    for number, one in enumerate(frame.holes.rules):
        result[number] = redo.by_code(plan, number, one.accuracies())
    return result


def derivative(f: Array, axis: int, stencil: Stencil, out: Array | None = None, *, holes: Holes | None = None) -> Array:
    """Derivative along one axis, by any table whose rows sum to zero; the shape is that of the table's rows."""
    frame = Frame(("x",), (axis,), (stencil,), holes=holes)
    return _one(f, frame, "gradient", ((0,),), (), out, squeeze=True)


def gradient(f: Array, frame: Frame, out: Array | None = None) -> Array:
    """Gradient of a scalar, shape (directions, ...)."""
    return _one(f, frame, "gradient", (frame.columns,), (), out)


def laplacian(f: Array, frame: Frame, out: Array | None = None) -> Array:
    """Sum of the second derivatives; the frame holds the tables of those, and the squares of a metric's entries."""
    return _one(f, frame, "row_sum", (), (), out)


def slope(f: Array, frame: Frame, weights: Sequence[Any], out: Array | None = None) -> Array:
    """Weighted sum of the coordinate derivatives of a scalar, the weights numbers or arrays that broadcast."""
    return _one(f, replace(frame, metric=None), "advection", (), _in_space(weights, frame, f), out)


def scalar_dissipation(f: Array, frame: Frame, diffusivity: Any, out: Array | None = None) -> Array:
    """2 kappa |grad f|^2; the diffusivity is a number, or broadcasts against the field."""
    value = as_parameter(diffusivity, "diffusivity", f.dtype, frame.output_shape(f.shape))
    return _one(f, frame, "scalar_dissipation", (), (value,), out)


def advection(f: Array, frame: Frame, velocity: Sequence[Array], out: Array | None = None) -> Array:
    """(u . grad) f of a scalar, u along the directions of the frame."""
    return _one(f, frame, "advection", (), _in_space(velocity, frame, f), out)


def vector_advection(
    fields: Sequence[Array], labels: Sequence[str], frame: Frame, velocity: Sequence[Array], out: Array
) -> None:
    """(u . grad) of a vector with labelled components, shape (components, ...), u along the directions of the frame."""
    from fieldgrad.kernels.launch import Request

    shape = frame.output_shape(fields[0].shape)
    dtype = fields[0].dtype
    values = [as_parameter(value, "velocity", dtype, shape) for value in _in_space(velocity, frame, fields[0])]
    rows = tuple(frame.names.index(label) for label in labels)
    _run(fields, labels, frame, [Request("vector_advection", rows, (), (0, 1, 2))], values, [out])


def directional_derivative(f: Array, frame: Frame, along: Sequence[Array], out: Array | None = None) -> Array:
    """Derivative of a scalar along the unit vector of `along`; NaN where that vanishes."""
    return _one(f, frame, "along", (), _in_space(along, frame, f), out)


def _in_space(vector: Sequence[Any], frame: Frame, f: Array) -> list[Any]:
    zero = np.zeros((), f.real.dtype)
    return [vector[frame.directions.index(name)] if name in frame.directions else zero for name in frame.names]


def helicity(velocity: Sequence[Array], frame: Frame, out: Array | None = None) -> Array:
    """Product of velocity and vorticity of a flow in space, its components in x, y, z order."""
    return _with_velocity("helicity", velocity, frame, out)


def relative_helicity(velocity: Sequence[Array], frame: Frame, out: Array | None = None) -> Array:
    """Cosine of the angle between velocity and vorticity; NaN where either vanishes."""
    return _with_velocity("relative_helicity", velocity, frame, out)


def require_real_velocity(name: str, dtype: np.dtype[Any]) -> None:
    """Refuse a complex velocity where an operator is not linear."""
    if dtype.kind == "c":
        raise TypeError(f"{name}: is not linear, so it is not defined for a complex velocity; pass its real part")


def _with_velocity(name: str, velocity: Sequence[Array], frame: Frame, out: Array | None) -> Array:
    """A scalar function of the gradient of a velocity in space and of the velocity itself."""
    from fieldgrad.kernels.launch import Request

    require_real_velocity(name, velocity[0].dtype)
    shape = frame.output_shape(velocity[0].shape)
    result = allocate(velocity[0], shape, ()) if out is None else _checked_out(out, shape, velocity[0].dtype, velocity)
    own = [inside(field, frame) for field in velocity]
    _run(velocity, frame.names, frame, [Request(name, (), (), (0, 1, 2))], own, [result])
    return np.negative(result, out=result) if frame.left_handed else result


def hessian(f: Array, first: Frame, second: Frame, out: Array | None = None) -> Array:
    """Second derivatives, shape (directions, directions, ...), symmetric to the bit.

    Pure ones by their own tables, mixed ones by two first derivatives in x, y, z order. A value that is known at a wall
    does not change along it.
    """
    count = len(first.directions)
    shape = (count, count, *f.shape)
    out = allocate(f, f.shape, (count, count)) if out is None else _checked_out(out, shape, f.dtype, [f])
    # what a first derivative lacks beside holes is a hole for the second
    for i in range(count):
        derivative(f, second.axes[i], second.stencils[i], out[i, i], holes=second.part(i).holes)
        if i + 1 < count:
            along = derivative(f, first.axes[i], first.stencils[i], holes=first.part(i).holes)
            for j in range(i + 1, count):
                derivative(along, first.axes[j], first.stencils[j].linear, out[i, j], holes=first.part(j).holes)
                out[j, i] = out[i, j]
    return out


def value_labels(record: Quantity, labels: Sequence[str], frame: Frame) -> tuple[tuple[str | int, ...], ...]:
    """Labels along the dimensions that a quantity has in a flow, before those of the field.

    Parameters
    ----------
    record : Quantity
        The quantity.
    labels : sequence of str
        Components of the velocity.
    frame : Frame
        Directions of the flow.

    Returns
    -------
    tuple of tuple
        Empty for scalars; else for each dimension of :attr:`Quantity.dims` its labels: "x", "y", "z", or 1, 2, 3 for
        principal values.

    Raises
    ------
    ValueError
        If the quantity is not defined in such a flow.
    """
    count = len(frame.directions)
    if record.name == "velocity_gradient":
        return tuple(labels), frame.directions
    if count not in record.dimensions:
        allowed = " and ".join(f"{number}-D" for number in record.dimensions)
        raise ValueError(
            f"quantities: {record.name!r} is defined in {allowed} flows; this one has {count} "
            f"direction{'s' if count != 1 else ''} ({', '.join(frame.directions)})"
        )
    if tuple(labels) != frame.directions and not (record.axial and count == 2):
        raise ValueError(
            f"quantities: {record.name!r} needs as many components as directions, but there are components "
            f"{', '.join(labels)} on directions {', '.join(frame.directions)}, so the derivatives across the plane are "
            f"unknown; pass components= with the two in the plane for the plane flow, or take 'velocity_gradient'"
        )
    if record.axial and count == 2:
        return ()
    principal = tuple(range(1, count + 1))
    return tuple(principal if dim == "principal" else frame.directions for dim in record.dims)


def require_real(records: Sequence[Quantity], dtype: np.dtype[Any]) -> None:
    """Refuse a complex velocity where a quantity is not linear."""
    for record in records:
        if dtype.kind == "c" and not record.linear:
            raise TypeError(f"quantities: {record.name!r} is not linear, so it is not defined for a complex velocity")


def request_of(
    record: Quantity, labels: tuple[tuple[str | int, ...], ...], frame: Frame, parameters: tuple[int, ...]
) -> Request:
    """What the kernel must evaluate, and which parts of it are stored."""
    from fieldgrad.kernels.launch import Request, key_of

    name, plane = record.name, None
    if record.function is not None:
        name = key_of(name, record.function)
    order = frame.names
    if len(frame.directions) == 2 and record.own_plane_form:
        name, order = f"{name}_in_plane", frame.directions
        first, second = frame.columns
        # pseudo-vectors see the plane from the tip of its normal, where y follows x, z follows y and x follows z
        plane = (second, first) if record.axial and second - first == 2 else (first, second)
    places = [tuple(label - 1 if isinstance(label, int) else order.index(label) for label in part) for part in labels]
    if record.dims and not labels:
        places = [tuple(number for number in range(3) if number not in frame.columns)]
    rows, columns = (*places, (), ())[:2]
    return Request(name, rows, columns, parameters, plane, record.function)


def derive(
    components: Sequence[Array],
    labels: Sequence[str],
    frame: Frame,
    records: Sequence[Quantity],
    parameters: Mapping[str, Any],
    outs: Sequence[Array | None] | None = None,
) -> list[Array]:
    """Quantities of a flow, in one pass for every four.

    Parameters
    ----------
    components : sequence of ndarray
        Velocity, of one working dtype and shape.
    labels : sequence of str
        Their directions: some of "x", "y", "z".
    frame : Frame
        Directions of the flow.
    records : sequence of Quantity
        What is wanted.
    parameters : mapping of str to number or ndarray
        Values of all parameters that the quantities need; arrays broadcast against the output.
    outs : sequence of ndarray or None, optional
        Memory for the results.

    Returns
    -------
    list of ndarray
        For each quantity its value: dimensions of components first, then those of the field.
    """
    dtype = components[0].dtype
    shape = frame.output_shape(components[0].shape)
    names = list(parameters)
    values = [as_parameter(parameters[name], name, dtype, shape) for name in names]
    given = [None] * len(records) if outs is None else list(outs)
    results: list[Array] = []
    targets: list[Array] = []
    requests: list[Request] = []
    require_real(records, dtype)
    for record, out in zip(records, given, strict=True):
        along = value_labels(record, labels, frame)
        whole = (*map(len, along), *shape)
        if out is None:
            result = allocate(components[0], shape, whole[: len(along)])
        else:
            result = _checked_out(out, whole, dtype, [*components, *values])
        request = request_of(record, along, frame, tuple(names.index(name) for name in record.parameters))
        results.append(result)
        # the one component that a plane flow has of a pseudo-vector is stored as a vector of length one
        targets.append(result[np.newaxis] if request.rows and not along else result)
        requests.append(request)
    _refuse_overlap(targets)
    for start in range(0, len(requests), _GROUP):
        part = slice(start, start + _GROUP)
        _run(components, labels, frame, requests[part], values, targets[part])
    for record, result in zip(records, results, strict=True):
        if frame.left_handed and record.axial:
            np.negative(result, out=result)
    return results


def decompose(L: Array, D: Array | None = None, W: Array | None = None) -> tuple[Array, Array]:
    """D and W of a stored tensor, shape (n, n, ...); the same bits as :func:`derive` gives from the velocity."""
    count = L.shape[0]
    D = allocate(L[0, 0], L.shape[2:], (count, count)) if D is None else _checked_out(D, L.shape, L.dtype, [L])
    W = allocate(L[0, 0], L.shape[2:], (count, count)) if W is None else _checked_out(W, L.shape, L.dtype, [L])
    _refuse_overlap([D, W])
    half = L.dtype.type(0.5)
    scratch = np.empty_like(D[0, 0, ...])
    for i in range(count):
        D[i, i] = L[i, i]
        W[i, i] = 0
        for j in range(i + 1, count):
            # the dots keep a tensor at a single point an array, which can be written to
            upper_D, upper_W, lower_W = D[i, j, ...], W[i, j, ...], W[j, i, ...]
            np.multiply(L[j, i], half, out=scratch)
            np.multiply(L[i, j], half, out=upper_D)
            np.subtract(upper_D, scratch, out=upper_W)
            np.subtract(0, upper_W, out=lower_W)
            np.add(upper_D, scratch, out=upper_D)
            D[j, i] = D[i, j]
    return D, W


def inside(field: Array, frame: Frame) -> Array:
    """A field without the nodes around it that a block has along the axes of a frame."""
    kept = [slice(None)] * field.ndim
    for axis, stencil in zip(frame.axes, frame.stencils, strict=True):
        kept[axis] = slice(stencil.first, stencil.first + stencil.rows)
    return field[tuple(kept)]


def as_parameter(value: Any, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """A parameter as a number or as a field of the shape of the output."""
    refuse_lazy(value, name)
    array = np.asanyarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name}: has dtype {array.dtype}; it must hold real numbers")
    array = as_field(array, name, np.dtype(dtype.type(0).real.dtype))
    if array.ndim == 0:
        return array
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name}: has shape {array.shape}, which does not broadcast to the field's {shape}") from None


def _one(
    f: Array,
    frame: Frame,
    name: str,
    places: tuple[tuple[int, ...], ...],
    parameters: Sequence[Array],
    out: Array | None,
    *,
    squeeze: bool = False,
) -> Array:
    """One built-in point function of one field."""
    from fieldgrad.kernels.launch import Request

    shape = frame.output_shape(f.shape)
    leading = () if squeeze else tuple(len(place) for place in places)
    values = [as_parameter(value, name, f.dtype, shape) for value in parameters]
    if out is None:
        result = allocate(f, shape, leading)
    else:
        result = _checked_out(out, (*leading, *shape), f.dtype, [f, *values])
    target = result[np.newaxis] if squeeze else result
    rows, columns = (*places, (), ())[:2]
    request = Request(name, rows, columns, tuple(range(len(values))))
    _run([f], (), frame, [request], values, [target])
    return result


@dataclass(frozen=True)
class _Beside:
    """The holes of a frame, and what the tables along x, y and z become beside them."""

    holes: Holes | None = None
    rules: Sequence[Rule | None] = (None, None, None)


def _run(
    fields: Sequence[Array],
    labels: Sequence[str],
    frame: Frame,
    requests: Sequence[Request],
    parameters: Sequence[Array],
    outs: Sequence[Array],
    *,
    difference: bool = True,
) -> None:
    """Point functions of the gradient of a vector with labelled components, or without labels of a scalar.

    Tables whose rows do not sum to zero (`difference` is False) know of no metric.
    """
    axes: list[int | None] = [None] * 3
    stencils: list[Stencil | None] = [None] * 3
    rules: list[Rule | None] = [None] * 3
    for column, axis, stencil in zip(frame.columns, frame.axes, frame.stencils, strict=True):
        axes[column], stencils[column] = axis, stencil
    rows = [frame.names.index(label) for label in labels] or [0]
    if frame.holes is not None and frame.holes.valid is None:
        frame = seen(frame, fields)
    if frame.holes is not None:
        for column, one in zip(frame.columns, frame.holes.rules, strict=True):
            rules[column] = one
    beside = _Beside(frame.holes, rules)
    if frame.metric is None:
        _launch(fields, rows, axes, stencils, requests, parameters, outs, beside, difference=difference)
        return
    more, metric = _entries(fields, rows if labels else (), frame)
    _launch(fields, rows, axes, stencils, requests, [*parameters, *more], outs, beside, metric)
    shape = frame.output_shape(fields[0].shape)
    valid = None if frame.holes is None else frame.holes.valid
    limits = poles.tensors(fields, rows, axes, stencils, frame.metric, shape, valid, vector=bool(labels))
    for axis, index, L in limits:
        row = (slice(None),) * axis + (slice(index, index + 1),)
        there = [out[(slice(None),) * (out.ndim - len(shape)) + row] for out in outs]
        _of_tensor(L, rows, requests, [value[row] if value.ndim else value for value in parameters], there)
        if valid is not None:
            for out in there:
                np.copyto(out, out.dtype.type(np.nan), where=inside(valid, frame)[row] == 0)


def _entries(fields: Sequence[Array], rows: Sequence[int], frame: Frame) -> tuple[list[Array], Any]:
    """Parameters that the metric of a frame adds, and which entries of it they are, as the kernels take them."""
    assert frame.metric is not None
    shape, dtype = frame.output_shape(fields[0].shape), fields[0].real.dtype
    transform, connection = frame.metric.terms(rows, frame.columns)
    arrays = sorted({number for _, (number, _) in (*transform, *connection) if number != ONE})
    turning = sorted({k for (_, _, k), _ in connection})
    return [
        *(_thin(frame.metric.arrays[number], dtype, shape) for number in arrays),
        *(inside(fields[rows.index(k)], frame) for k in turning),
    ], (transform, connection, arrays, turning)


def _thin(array: Array, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    array = array.astype(dtype, copy=False)
    return array.reshape(()) if array.size == 1 else np.broadcast_to(array, shape)


def _launch(
    fields: Sequence[Array],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    parameters: Sequence[Array],
    outs: Sequence[Array],
    beside: _Beside,
    entries: Any = None,
    *,
    difference: bool = True,
) -> None:
    """Hand arrays to the kernels; the last parameters are those of the entries of a metric."""
    from fieldgrad.kernels.launch import Metric as Entries
    from fieldgrad.kernels.launch import evaluate

    metric, holes = None, beside.holes
    if entries is not None:
        transform, connection, arrays, turning = entries
        first = len(parameters) - len(arrays) - len(turning)
        place = {number: first + at for at, number in enumerate(arrays)} | {ONE: ONE}
        velocity = {k: first + len(arrays) + at for at, k in enumerate(turning)}
        metric = Entries(
            tuple((m, j, place[number], sign) for (m, j), (number, sign) in transform),
            tuple((i, j, velocity[k], place[number], sign) for (i, j, k), (number, sign) in connection),
        )
    if fields[0].dtype.kind == "c":
        if any(stencil is not None and stencil.linear is not stencil for stencil in stencils):
            raise TypeError(
                "boundary: a value other than zero is known at a wall, of which part of a complex field is not told; "
                "pass its real and its imaginary part apart"
            )
        # operators are linear, with real weights: real and imaginary parts are one more dimension of two points
        fields, outs = [_as_real(field) for field in fields], [_as_real(out) for out in outs]
        parameters = [
            _as_real(value) if value.dtype.kind == "c" else _beside(value, 2) if value.ndim else value
            for value in parameters
        ]
        if holes is not None and holes.valid is not None:
            holes = replace(holes, valid=_beside(holes.valid, 2))
    how: dict[str, Any] = {"metric": metric, "holes": holes, "rules": beside.rules, "difference": difference}
    evaluate(fields, rows, axes, stencils, requests, parameters, outs, **how)


def _of_tensor(
    L: Array, rows: Sequence[int], requests: Sequence[Request], parameters: Sequence[Array], outs: Sequence[Array]
) -> None:
    """Point functions of given tensors, shape (3, 3, ...), each the gradient of a linear field on 2 x 2 x 2 points."""
    shape = L.shape[2:]
    count = int(np.prod(shape))
    step = Stencil(np.zeros((1, 1)), np.array([[-1.0, 1.0]]), np.zeros((0, 0)), np.zeros(1), nodes=2)
    fields = []
    for i in rows:
        # the value at the corner (a, b, c) of the cube is row a + 2 b + 3 c; the kernel reads the edges alone
        # and rows that are not joined in memory stay rows, hence one kernel serves any number of points
        values = np.zeros((7, count + 1), L.dtype)[:, :count]
        values[1:4] = L[i].reshape(3, count)
        jump = values.strides[0]
        strides = (jump, 2 * jump, 3 * jump, values.itemsize)
        fields.append(np.lib.stride_tricks.as_strided(values, (2, 2, 2, count), strides, writeable=False))
    flat = [np.broadcast_to(value, shape).reshape(1, 1, 1, count) if value.ndim else value for value in parameters]
    leading = [out.shape[: out.ndim - len(shape)] for out in outs]
    results = [np.empty((*lead, 1, 1, 1, count), L.dtype) for lead in leading]
    _launch(fields, rows, (0, 1, 2), (step,) * 3, requests, flat, results, _Beside())
    for out, result, lead in zip(outs, results, leading, strict=True):
        out[...] = result.reshape(*lead, *shape)


def _as_real(array: Array) -> Array:
    """A complex array as real numbers with a last dimension of two, in place for any strides."""
    half = array.itemsize // 2
    return np.lib.stride_tricks.as_strided(
        array.real, (*array.shape, 2), (*array.strides, half), writeable=array.flags.writeable
    )


def _beside(value: Array, count: int) -> Array:
    """A real parameter on the dimension of real and imaginary parts."""
    kept = value[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in value.strides)]
    # repeated where it varies along the last dimension, so that kernels take both parts as one row
    parts = kept[..., np.newaxis] if kept.shape[-1] == 1 else np.repeat(kept[..., np.newaxis], count, axis=-1)
    return np.broadcast_to(parts, (*value.shape, count))


def allocate(like: Array, shape: Sequence[int], leading: Sequence[int]) -> Array:
    """Memory for a result, in the memory order of a field, behind leading dimensions."""
    from fieldgrad.kernels import results
    from fieldgrad.kernels.layout import empty_like

    return empty_like(like, shape, leading, empty=results.empty)


def _checked_out(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], inputs: Sequence[Array]) -> Array:
    """An output that is what it must be, and overlaps no input."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: is a {type(out).__name__}; it must be an ndarray of shape {shape} and dtype {dtype}")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out: has shape {out.shape} and dtype {out.dtype}; it must have shape {shape} and dtype {dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out: is read-only; pass an array that can be written")
    for other in inputs:
        if _overlap(out, other):
            raise ValueError("out: overlaps an input in memory, which would change while it is read; pass other memory")
    return out


def _refuse_overlap(outs: Sequence[Array]) -> None:
    for number, out in enumerate(outs):
        for other in outs[:number]:
            if _overlap(out, other):
                raise ValueError("out: two outputs overlap in memory; pass memory of its own for each")


def _overlap(a: Array, b: Array) -> bool:
    try:
        # exact, but for a bounded effort; views too intricate for it count as overlapping
        return bool(np.shares_memory(a, b, max_work=10_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
