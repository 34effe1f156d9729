# SPDX-License-Identifier: BSD-3-Clause
"""Values and gradients at any points: the second loop nest, over points where the engine's is over the grid.

A point has a window of nodes along each direction. Fornberg's recurrence gives the weights of value and slope there,
and their tensor products act on differences to the nearest node, so that a constant has no slope and a node its own
value, to the bit. Weights of zero take no part: at a node NaN reaches as far as it does on the grid.

Directions are summed in x, y, z order whatever the order of memory. All arithmetic is in double precision, results are
rounded once. What is evaluated, and which parts of it are stored, are the point functions of the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fieldgrad.kernels._jit import inlined, kernel
from fieldgrad.kernels.arithmetic import fma
from fieldgrad.kernels.call import Request, entry_point, point_of
from fieldgrad.kernels.engine import _emit
from fieldgrad.kernels.layout import span
from fieldgrad.kernels.memory import Span, load
from fieldgrad.kernels.spec import Spec, parameters_of, points_of, tensor
from fieldgrad.kernels.threads import share

# Widest window: that of accuracy 8.
_TAPS = 9


@inlined
def _weigh(nodes: Any, first: Any, taps: Any, x: Any, offsets: Any, v: Any, s: Any, row: Any) -> Any:
    """Weights of value and slope at a position, into a row of v and s; returns the nearest node of the window.

    As :func:`fieldgrad.stencils.fornberg`, of orders 0 and 1 together.
    """
    nearest = 0
    for k in range(taps):
        offsets[k] = nodes[first + k] - x
        if abs(offsets[k]) < abs(offsets[nearest]):
            nearest = k
    v[row, 0], s[row, 0] = 1.0, 0.0
    if taps == 1:
        return nearest
    scale = max(abs(offsets[0]), abs(offsets[taps - 1]))
    for k in range(taps):
        offsets[k] /= scale
    product = 1.0
    for i in range(1, taps):
        previous, product = product, 1.0
        for j in range(i):
            gap = offsets[i] - offsets[j]
            product *= gap
            if j == i - 1:
                ratio = previous / product
                s[row, i] = ratio * (v[row, j] - offsets[j] * s[row, j])
                v[row, i] = -ratio * offsets[j] * v[row, j]
            s[row, j] = (offsets[i] * s[row, j] - v[row, j]) / gap
            v[row, j] = offsets[i] * v[row, j] / gap
    for k in range(taps):
        s[row, k] /= scale
    return nearest


@inlined
def _part(weight: Any, value: Any, total: Any) -> Any:
    """A term of a sum, nothing where the weight is zero."""
    return fma(weight, value, total) if weight != 0 else total


@inlined
def _differences(
    spec: Any, f: Any, base: Any, offsets: Any, signs: Any, values: Any,
    x: Any, y: Any, z: Any, near: Any, taps: Any, v: Any, s: Any,
) -> Any:  # fmt: skip
    """Value and slopes along x, y, z of one field at a point whose windows begin at x, y and z."""
    reference = _at(spec, f, base, offsets, signs, values, x + near[0], y + near[1], z + near[2])
    value, along_x, along_y, along_z = 0.0, 0.0, 0.0, 0.0
    for k in range(taps[2]):
        plane, plane_x, plane_y = 0.0, 0.0, 0.0
        for j in range(taps[1]):
            if v[2, k] * v[1, j] == 0 and v[2, k] * s[1, j] == 0 and s[2, k] * v[1, j] == 0:
                continue
            row, row_x = 0.0, 0.0
            for i in range(taps[0]):
                difference = _at(spec, f, base, offsets, signs, values, x + i, y + j, z + k) - reference
                row = _part(v[0, i], difference, row)
                row_x = _part(s[0, i], difference, row_x)
            plane = _part(v[1, j], row, plane)
            plane_x = _part(v[1, j], row_x, plane_x)
            plane_y = _part(s[1, j], row, plane_y)
        value = _part(v[2, k], plane, value)
        along_x = _part(v[2, k], plane_x, along_x)
        along_y = _part(v[2, k], plane_y, along_y)
        along_z = _part(s[2, k], plane, along_z)
    return reference + value, (along_x, along_y, along_z)


@inlined
def _at(spec: Any, f: Any, base: Any, offsets: Any, signs: Any, values: Any, x: Any, y: Any, z: Any) -> Any:
    """The field at a node, which may lie beyond an end."""
    node = np.float64(load(f, base + load(offsets, x) + load(offsets, y) + load(offsets, z)))
    if spec.extra:
        for place in (x, y, z):
            # a known value takes the place of what is there, be it NaN
            node = load(signs, place) * node + load(values, place) if load(signs, place) != 0 else load(values, place)
    return node


@kernel
def probe(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, taps: Any,
    nodes: Any, offsets: Any, signs: Any, values: Any, starts: Any, positions: Any, bases: Any, targets: Any,
    batch: Any, count: Any, begin: Any, end: Any,
) -> None:  # fmt: skip
    """Evaluate the points ``begin ... end - 1``.

    Parameters
    ----------
    spec : Spec
        What is compiled in: `extra` tells whether nodes may lie beyond the ends of what is known.
    u, v, w : array
        Inputs as spans of memory; those that the spec does not count repeat the first.
    parameters : tuple of array
        Parameters of the points: arrays of the shape (batch, count), or of one number. Behind them, point functions
        find the values of the fields.
    outs, strides : tuple
        As in the engine.
    taps : tuple of int
        Nodes of the windows along x, y, z.
    nodes, offsets, signs, values : array
        All tracks, one behind the other.
    starts : array of int64, shape (3 or 9, points)
        Entries of the tracks where the windows of each point begin, along x, y, z; for each field where the tracks
        differ.
    positions : array of float64, shape (3, points)
        Where the points lie.
    bases : array of int64, shape (points,)
        Element of the inputs to which offsets are added, for each point.
    targets : array of int64, shape (points,)
        Place of each point in the output.
    batch : array of int64
        Offsets of all combinations of further dimensions.
    count : int
        Points of the output for each of these.
    begin, end : int
        Range of points.
    """
    distances = np.empty(_TAPS)
    first = (np.empty((3, _TAPS)), np.empty((3, _TAPS)))
    second = (np.empty((3, _TAPS)), np.empty((3, _TAPS)))
    third = (np.empty((3, _TAPS)), np.empty((3, _TAPS)))
    points = points_of(spec)
    for i in range(begin, end):
        a, near_a = _windows(nodes, starts, 0, taps, positions, i, distances, first)
        b, near_b, c, near_c = a, near_a, a, near_a
        second_weights, third_weights = first, first
        if len(starts) > 3:
            b, near_b = _windows(nodes, starts, 3 * min(1, spec.count - 1), taps, positions, i, distances, second)
            c, near_c = _windows(nodes, starts, 3 * (spec.count - 1), taps, positions, i, distances, third)
            second_weights, third_weights = second, third
        for number in range(len(batch)):
            base = bases[i] + batch[number]
            at = number * count + targets[i]
            p, dp = _differences(
                spec, u, base, offsets, signs, values, a[0], a[1], a[2], near_a, taps, first[0], first[1]
            )
            q, dq, r, dr = p, dp, p, dp
            if spec.count > 1:
                q, dq = _differences(
                    spec, v, base, offsets, signs, values,
                    b[0], b[1], b[2], near_b, taps, second_weights[0], second_weights[1],
                )  # fmt: skip
            if spec.count > 2:
                r, dr = _differences(
                    spec, w, base, offsets, signs, values,
                    c[0], c[1], c[2], near_c, taps, third_weights[0], third_weights[1],
                )  # fmt: skip
            _emit(
                points, tensor(spec, dp, dq, dr), (*parameters_of(spec, parameters, (), at, 0), p, q, r),
                outs, strides, at, u, 0,
            )  # fmt: skip


@inlined
def _windows(nodes: Any, starts: Any, row: Any, taps: Any, positions: Any, i: Any, distances: Any, weights: Any) -> Any:
    """Where the windows of a point begin, and the nearest node of each; their weights are set."""
    v, s = weights
    x, y, z = starts[row, i], starts[row + 1, i], starts[row + 2, i]
    near = (
        _weigh(nodes, x, taps[0], positions[0, i], distances, v, s, 0),
        _weigh(nodes, y, taps[1], positions[1, i], distances, v, s, 1),
        _weigh(nodes, z, taps[2], positions[2, i], distances, v, s, 2),
    )
    return (x, y, z), near


def evaluate(
    fields: Sequence[NDArray[Any]],
    rows: Sequence[int],
    requests: Sequence[Request],
    parameters: Sequence[NDArray[np.float64]],
    outs: Sequence[NDArray[Any]],
    taps: tuple[int, int, int],
    tables: Sequence[NDArray[Any]],
    bounded: bool,
    starts: NDArray[np.int64],
    positions: NDArray[np.float64],
    bases: NDArray[np.int64],
    targets: NDArray[np.int64],
    batch: NDArray[np.int64],
) -> None:
    """Values and gradients of fields at points, and point functions of them.

    Parameters
    ----------
    fields : sequence of ndarray
        One to three fields of one set of strides and one floating dtype.
    rows : sequence of int
        Row of L (0, 1, 2 for x, y, z) that each field fills.
    requests : sequence of Request
        What to evaluate.
    parameters : sequence of ndarray of float64
        Numbers, or contiguous arrays of the shape of the output field.
    outs : sequence of ndarray
        For each request its output, contiguous: dimensions of components, then (batch, points). Points that are no
        targets are left as they are.
    taps, tables, starts, positions, bases, targets, batch
        As :func:`probe` takes them; `tables` are nodes, offsets, signs and values.
    bounded : bool
        Whether signs and values matter.
    """
    spans = [span(field) for field in fields]
    inputs = [array for array, _ in spans]
    strides: list[int] = []
    for out in outs:
        steps = [stride // out.itemsize for stride in out.strides[: out.ndim - 2]]
        strides += [0, *steps, *[0] * (2 - len(steps))]
    values = [parameter.reshape(-1) for parameter in parameters]
    per_point = tuple([parameter.ndim > 0 for parameter in parameters])
    spec = _spec(tuple(rows), bounded, per_point, tuple(requests))
    function = _compiled(spec, fields[0].dtype, len(values), len(outs))
    arguments = (
        None,
        inputs[0],
        inputs[min(1, len(inputs) - 1)],
        inputs[-1],
        tuple(values),
        tuple([out.reshape(-1) for out in outs]),
        tuple(strides),
        taps,
        *tables,
        starts,
        positions,
        bases + spans[0][1],
        targets,
        batch,
        outs[0].shape[-1],
    )
    # each point reads a window of nodes for each field, and is worth as many values of the engine
    work = len(targets) * len(batch) * len(fields) * int(np.prod(taps))
    share(function, arguments, len(targets), work)


@lru_cache(maxsize=128)
def _spec(rows: tuple[int, ...], bounded: bool, fields: tuple[bool, ...], requests: tuple[Request, ...]) -> Spec:
    """As the engine's, for all three columns of L: directions that are absent have windows of one node."""
    points = tuple(point_of(request) for request in requests)
    return Spec(rows, (0, 1, 2), 0, False, 0, 0, True, int(bounded), fields, points, False)


@cache
def _compiled(spec: Spec, dtype: np.dtype[Any], parameters: int, outs: int) -> Any:
    numbers = Span(numba.from_dtype(dtype))
    floats, integers = (
        types.Array(types.float64, 1, "C", readonly=True),
        types.Array(types.int64, 1, "C", readonly=True),
    )
    signature = types.void(
        spec,
        numbers,
        numbers,
        numbers,
        types.UniTuple(Span(types.float64), parameters) if parameters else types.Tuple(()),
        types.UniTuple(numbers, outs),
        types.UniTuple(types.int64, 3 * outs),
        types.UniTuple(types.int64, 3),
        floats,
        integers,
        floats,
        floats,
        types.Array(types.int64, 2, "C", readonly=True),
        types.Array(types.float64, 2, "C", readonly=True),
        integers,
        integers,
        integers,
        types.int64,
        types.int64,
        types.int64,
    )
    return entry_point(probe, signature)
