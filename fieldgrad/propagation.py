# SPDX-License-Identifier: BSD-3-Clause
"""Standard deviations of derivatives and quantities, on ndarrays: of whole fields, or of blocks with nodes around.

The tables of :mod:`fieldgrad.noise` travel behind those of the derivatives in ``Stencil.each``, so that a block gets
its part of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fieldgrad import operators
from fieldgrad.catalogue import Quantity
from fieldgrad.grid import SPATIAL, Axis
from fieldgrad.noise import applied, noise_tables
from fieldgrad.operators import Array, Frame
from fieldgrad.quantities import quantity
from fieldgrad.stencils import Stencil

Work = Callable[[list[Array], Frame, list[Any]], list[Array]]


# Points that are worked on at a time: each takes 300 bytes of covariances.
_SLAB = 1 << 18


def in_slabs(work: Work, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """Run one of the operators below on one slab of nodes after the other, with the bits of the whole.

    Parameters
    ----------
    work : callable
        The operator, of fields, frame and parameters.
    fields, frame, parameters
        As it takes them.

    Returns
    -------
    list of ndarray
        Its results.
    """
    shape = frame.output_shape(fields[0].shape)
    points, ndim = math.prod(shape), len(shape)
    axis = int(np.argmax(shape)) if shape else 0
    if points <= _SLAB or shape[axis] == 1:
        return work(fields, frame, parameters)
    place = frame.axes.index(axis) if axis in frame.axes else None
    step = max(1, shape[axis] * _SLAB // points)
    parts = []
    for start in range(0, shape[axis], step):
        stop = min(start + step, shape[axis])
        own, nodes = frame, np.arange(start, stop)
        if place is not None:
            table, low, high = frame.stencils[place].slice(start, stop)
            stencils = (*frame.stencils[:place], table, *frame.stencils[place + 1 :])
            own, nodes = replace(frame, stencils=stencils), np.arange(low, high) % frame.stencils[place].nodes
        given = [
            value[(slice(None),) * axis + (slice(start, stop),)]
            if value.ndim == ndim and value.shape[axis] > 1
            else value
            for value in map(np.asarray, parameters)
        ]
        parts.append(in_slabs(work, [np.take(field, nodes, axis=axis) for field in fields], own, given))
    return [np.concatenate(results, axis=axis - ndim) for results in zip(*parts, strict=True)]


def frame_of_noise(frame: Frame, axes: Sequence[Axis], fields: int, correlation_length: float | None) -> Frame:
    """A frame that carries the tables of noise.

    Parameters
    ----------
    frame : Frame
        Directions, with the tables of derivatives.
    axes : sequence of Axis
        The axis of each direction.
    fields : int
        Fields that are differentiated together.
    correlation_length : float, optional
        See :func:`fieldgrad.noise.noise_tables`.

    Returns
    -------
    Frame
        The same, each table with others in `each`: that of each field, then for each field its tables of noise.
    """
    carried = []
    for table, axis in zip(frame.stencils, axes, strict=True):
        own = [table.of(number).linear for number in range(fields)]
        same = {id(one): noise_tables(one, axis, correlation_length).tables for one in own}
        noise = [part for one in own for part in same[id(one)]]
        carried.append(replace(table.of(0), each=(*(replace(table.of(i), each=()) for i in range(fields)), *noise)))
    return replace(frame, stencils=tuple(carried))


def _covariance(deviation: Array, frame: Frame, number: int, fields: int, squared: bool) -> Array:
    """Covariance of the derivatives of one field along all directions, shape (directions, directions, ...)."""
    count = len(frame.directions)
    deviation = deviation.astype(np.float64)
    middles = []
    result = np.empty((count, count, *frame.output_shape(deviation.shape)))
    for j, (axis, table) in enumerate(zip(frame.axes, frame.stencils, strict=True)):
        others = [k for k in range(count) if k != j]
        across = Frame(
            tuple(frame.directions[k] for k in others),
            tuple(frame.axes[k] for k in others),
            tuple(frame.stencils[k] for k in others),
        )
        own = operators.inside(deviation, across)
        middle, *parts = _own_tables(table, number, fields)
        middles.append(applied(middle, own, axis))
        result[j, j] = _variance(parts, own, axis, squared)
        for k in range(j):
            result[j, k] = result[k, j] = middles[j] * middles[k]
    return result


def _own_tables(table: Stencil, number: int, fields: int) -> tuple[Stencil, ...]:
    count = len(table.each) // fields - 1
    return table.each[fields + number * count : fields + (number + 1) * count]


def _variance(parts: Sequence[Stencil], deviation: Array, axis: int, squared: bool) -> Array:
    if squared:
        return applied(parts[0], deviation**2, axis)
    total: Array = np.zeros(())
    for part in parts:
        total = total + applied(part, deviation, axis) ** 2
    return total


def of_gradient(squared: bool, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """Standard deviation of the gradient of a scalar, from that of the scalar."""
    if 0 in frame.output_shape(fields[0].shape):
        return [np.empty((len(frame.directions), *frame.output_shape(fields[0].shape)), fields[0].dtype)]
    covariance = _covariance(fields[0], frame, 0, 1, squared)
    return [np.sqrt(np.stack([covariance[j, j] for j in range(len(covariance))])).astype(fields[0].dtype)]


def of_laplacian(squared: bool, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """Standard deviation of the Laplacian of a scalar; the frame holds the tables of second derivatives."""
    if 0 in frame.output_shape(fields[0].shape):
        return [np.empty(frame.output_shape(fields[0].shape), fields[0].dtype)]
    total = _covariance(fields[0], frame, 0, 1, squared).sum(axis=(0, 1))
    return [np.sqrt(np.maximum(total, 0.0)).astype(fields[0].dtype)]


def of_table(power: int, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """One table along one axis, of a power of the field."""
    field = fields[0].astype(np.float64)
    return [applied(frame.stencils[0], field**power, frame.axes[0]).astype(fields[0].dtype)]


def parts_of(frame: Frame, number: int) -> list[Frame]:
    """For each table that gives the variance along one direction a frame of that alone; for one field."""
    _, *parts = _own_tables(frame.stencils[number], 0, 1)
    return [Frame((frame.directions[number],), (frame.axes[number],), (part,)) for part in parts]


def of_velocity(
    labels: Sequence[str],
    records: Sequence[Quantity],
    names: Sequence[str],
    apart: Sequence[bool],
    squared: bool,
    fields: list[Array],
    frame: Frame,
    parameters: list[Any],
) -> list[Array]:
    """Standard deviations of quantities, from the components of a velocity and their standard deviations.

    Parameters
    ----------
    labels : sequence of str
        Directions of the components.
    records : sequence of Quantity
        The quantities.
    names : sequence of str
        Names of the parameters.
    apart : sequence of bool
        For each direction whether the components have tables of their own.
    squared : bool
        Whether the noise is not correlated.
    fields : list of ndarray
        Components, then their standard deviations.
    frame : Frame
        As :func:`frame_of_noise` makes it.
    parameters : list
        Values of the parameters.

    Returns
    -------
    list of ndarray
        For each record the standard deviation, of the shape of its value.
    """
    from fieldgrad.kernels.sensitivity import variances

    count, dtype = len(labels), fields[0].dtype
    values, deviations = fields[:count], fields[count:]
    shape = frame.output_shape(values[0].shape)
    along = [operators.value_labels(record, labels, frame) for record in records]
    if 0 in shape:  # selections leave chunks of no nodes behind
        return [np.empty((*map(len, part), *shape), dtype) for part in along]
    points = math.prod(shape)
    rows = [SPATIAL.index(label) for label in labels]
    covariance = np.zeros((3, 3, 3, points))
    for number, (row, deviation) in enumerate(zip(rows, deviations, strict=True)):
        own = _covariance(deviation, frame, number, count, squared)
        for j, column in enumerate(frame.columns):
            for k, other in enumerate(frame.columns):
                covariance[row, column, other] = own[j, k].ravel()
    L = np.zeros((3, 3, points))
    if not all(record.linear for record in records):
        plain = replace(
            frame,
            stencils=tuple(
                replace(table.each[0], each=table.each[:count] if own else ())
                for table, own in zip(frame.stencils, apart, strict=True)
            ),
        )
        (found,) = operators.derive(values, labels, plain, [quantity("velocity_gradient")], {})
        for i, row in enumerate(rows):
            for j, column in enumerate(frame.columns):
                L[row, column] = found[i, j].ravel()
    given: Mapping[str, Array] = {
        name: operators.as_parameter(value, name, np.dtype(np.float64), shape)
        for name, value in zip(names, parameters, strict=True)
    }
    results = []
    for record, part in zip(records, along, strict=True):
        request = operators.request_of(record, part, frame, tuple(range(len(record.parameters))))
        own_parameters = [given[name] for name in record.parameters]
        variance = variances(L, covariance, request, own_parameters, record.linear)
        deviation = np.sqrt(np.maximum(variance, 0.0)).astype(dtype)
        results.append(deviation.reshape((*map(len, part), *shape)))
    return results
