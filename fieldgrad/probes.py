# SPDX-License-Identifier: BSD-3-Clause
"""Fields at points between the nodes, on ndarrays: check, allocate, call the kernel.

As :mod:`fieldgrad.operators` does for whole grids; the labelled function above says where points come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad.catalogue import Quantity
from fieldgrad.grid import SPATIAL
from fieldgrad.operators import Array, Frame, request_of
from fieldgrad.tracks import ABSENT, Integers, Track, joined

if TYPE_CHECKING:
    from fieldgrad.kernels.call import Request

#: What is sampled beside the quantities: fields themselves, and the gradient of a scalar.
VALUE = Quantity("value", rank="vector", dimensions=(1, 2, 3), power=0, linear=True)
GRADIENT = Quantity("gradient", rank="vector", dimensions=(1, 2, 3), linear=True)

# Quantities that one kernel evaluates together, as on grids.
_GROUP = 4
# Points from which they are visited in the order of blocks of so many nodes a side, in whatever order they come:
# windows of neighbours share cache lines and pages.
_SORTED_FROM = 10_000
_BLOCK = 8


@dataclass(frozen=True, eq=False)
class Probes:
    """Points in the frame of a field.

    Parameters
    ----------
    frame : Frame
        Directions of the field.
    tracks : tuple of tuple of Track
        For each direction the track of each field, or one that is that of all.
    positions : ndarray of float64, shape (directions, points)
        Where the points lie, within the first period; all are inside.
    shared : tuple of (int, ndarray of int64)
        Axes of the field along which each point has a place of its own, and these places.
    targets : ndarray of int64, shape (points,)
        Where the points go in the result.
    count : int
        Points of the result; those that are no targets are NaN.
    """

    frame: Frame
    tracks: tuple[tuple[Track, ...], ...]
    positions: Array
    shared: tuple[tuple[int, Integers], ...]
    targets: Integers
    count: int

    def some(self, which: Integers) -> Probes:
        """Some of the points, as a result of their own."""
        return replace(
            self,
            positions=np.ascontiguousarray(self.positions[:, which]),
            shared=tuple((axis, places[which]) for axis, places in self.shared),
            targets=np.arange(len(which)),
            count=len(which),
        )

    def batch(self, ndim: int) -> tuple[int, ...]:
        """Axes of a field that are neither directions nor shared with the points."""
        taken = {*self.frame.axes, *(axis for axis, _ in self.shared)}
        return tuple(axis for axis in range(ndim) if axis not in taken)


def sample(
    fields: Sequence[Array],
    labels: Sequence[str],
    probes: Probes,
    records: Sequence[Quantity],
    along: Sequence[tuple[tuple[str | int, ...], ...]],
    parameters: Mapping[str, Array],
) -> list[Array]:
    """Values, gradients and quantities at points, in one pass for every four.

    Parameters
    ----------
    fields : sequence of ndarray
        A scalar, or the components of a velocity, of one working dtype and shape.
    labels : sequence of str
        Directions of the components; that of a scalar is "x".
    probes : Probes
        The points.
    records : sequence of Quantity
        What is wanted: quantities, `VALUE` or `GRADIENT`.
    along : sequence of tuple
        For each its labels, as :func:`fieldgrad.operators.value_labels` gives them; none for the value of a scalar.
    parameters : mapping of str to ndarray
        Real values of all parameters that the quantities need: numbers, or arrays of the shape of the result.

    Returns
    -------
    list of ndarray
        For each record its values, shape (components, further dimensions of the field, points).
    """
    from fieldgrad.kernels import probe

    dtype, pairs = fields[0].dtype, fields[0].dtype.kind == "c"
    if pairs:  # real weights: real and imaginary parts are one more dimension
        fields = [np.stack([field.real, field.imag], axis=-1) for field in fields]
    fields = _alike(fields)
    ndim, shape = fields[0].ndim, fields[0].shape
    batch = probes.batch(ndim)
    lengths = [shape[axis] for axis in batch]
    strides = [stride // fields[0].itemsize for stride in fields[0].strides]
    combinations = np.zeros(1, np.int64)
    for axis, length in zip(batch, lengths, strict=True):
        combinations = np.add.outer(combinations, np.arange(length) * strides[axis]).ravel()
    names = list(parameters)
    values = [
        np.ascontiguousarray(np.broadcast_to(value, (*lengths, probes.count)), np.float64).reshape(-1)
        if value.ndim
        else np.asarray(value, np.float64)
        for value in parameters.values()
    ]
    requests = [
        _request(
            record, part, probes.frame, len(fields), tuple(names.index(name) for name in record.parameters), len(names)
        )
        for record, part in zip(records, along, strict=True)
    ]
    outs = [
        np.full(
            (*[len(places) for places in (request.rows, request.columns) if places], len(combinations), probes.count),
            np.nan,
            fields[0].dtype,
        )
        for request in requests
    ]
    if len(probes.targets) and len(combinations):
        taps, bounded, starts, positions, tables = _tables(probes, strides, len(fields))
        bases = np.zeros(len(probes.targets), np.int64)
        for axis, places in probes.shared:
            bases += places * strides[axis]
        targets = probes.targets
        if len(targets) > _SORTED_FROM:
            order = np.argsort(_places(bases, starts), kind="stable")
            starts, positions = np.ascontiguousarray(starts[:, order]), np.ascontiguousarray(positions[:, order])
            bases, targets = bases[order], targets[order]
        rows = [SPATIAL.index(label) for label in labels]
        for start in range(0, len(records), _GROUP):
            group = slice(start, start + _GROUP)
            probe.evaluate(
                fields, rows, requests[group], values, outs[group], taps, tables, bounded, starts, positions, bases,
                targets, combinations,
            )  # fmt: skip
    results = []
    for record, part, out in zip(records, along, outs, strict=True):
        result = out.reshape((*map(len, part), *lengths, probes.count))
        if record.axial and probes.frame.left_handed:
            np.negative(result, out=result)
        results.append(_complex(result, dtype) if pairs else result)
    return results


def _places(bases: Integers, starts: Integers) -> Integers:
    """Numbers that are near for points whose windows are."""
    place = bases
    for row in starts[2::-1]:  # z, y, x
        place = place * (int(row.max()) // _BLOCK + 1) + row // _BLOCK
    return place


def _complex(result: Array, dtype: np.dtype[Any]) -> Array:
    """Real and imaginary parts, beside the points, as numbers."""
    joint = np.empty((*result.shape[:-2], result.shape[-1]), dtype)
    joint.real, joint.imag = result[..., 0, :], result[..., 1, :]
    return joint


def _alike(fields: Sequence[Array]) -> list[Array]:
    """Fields of one set of strides."""
    size = fields[0].itemsize
    whole = all(stride % size == 0 for stride in fields[0].strides)
    if whole and all(field.strides == fields[0].strides and field.flags.aligned for field in fields):
        return list(fields)
    return [np.ascontiguousarray(field) for field in fields]


def _request(
    record: Quantity,
    along: tuple[tuple[str | int, ...], ...],
    frame: Frame,
    fields: int,
    parameters: tuple[int, ...],
    behind: int,
) -> Request:
    """What the kernel must evaluate, and which parts of it are stored."""
    from fieldgrad.kernels.call import Request

    if record == VALUE:
        return Request("value", tuple(range(fields)), (), (behind, behind + 1, behind + 2))
    if record == GRADIENT:
        return Request("gradient", frame.columns)
    return request_of(record, along, frame, parameters)


def _tables(
    probes: Probes, strides: Sequence[int], fields: int
) -> tuple[tuple[int, int, int], bool, Integers, Array, list[NDArray[Any]]]:
    """What the kernel reads: windows along x, y, z for all fields together, or for each."""
    frame = probes.frame
    each = fields if any(len(tracks) > 1 for tracks in probes.tracks) else 1
    positions = np.zeros((3, len(probes.targets)))
    positions[list(frame.columns)] = probes.positions
    parts: list[Track] = []
    steps: list[int] = []
    for number in range(each):
        for column in range(3):
            place = frame.columns.index(column) if column in frame.columns else None
            tracks = (ABSENT,) if place is None else probes.tracks[place]
            parts.append(tracks[number] if len(tracks) > 1 else tracks[0])
            steps.append(0 if place is None else strides[frame.axes[place]])
    firsts, *tables = joined(parts, steps)
    starts = np.stack(
        [first + part.starts(positions[row % 3]) for row, (first, part) in enumerate(zip(firsts, parts, strict=True))]
    )
    taps = (parts[0].taps, parts[1].taps, parts[2].taps)
    return taps, any(part.bounded for part in parts), starts, positions, tables
