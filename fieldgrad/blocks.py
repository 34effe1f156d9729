# SPDX-License-Identifier: BSD-3-Clause
"""What is done with a block of a field: which nodes it needs of its neighbours, what it hands to them, and its results.

A block may begin before its neighbours are there: its middle, the rows that need no nodes beyond the block, is computed
from the block alone. Then the faces of the block, the nodes that its other rows need, are all that is kept of it. The
other rows are done later, as six slabs: each is a block by itself, with tables cut from those of the whole axis, hence
they have the bits that they would have in any other block. They are written into the results that are there: memory
for results a second time, and a copy, would take longer than the kernel does.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad import operators
from fieldgrad.masks import Holes, Rule
from fieldgrad.operators import Array, Frame, as_field
from fieldgrad.stencils import Stencil

#: An operator: fields, their frame, and parameters (numbers, or arrays that broadcast) to one or more results.
Work = Callable[[list[Array], Frame, list[Any]], list[Array]]
#: A piece of a neighbour: its number along the axis, and a range of its nodes.
Piece = tuple[int, int, int]
#: Pieces below and above a block along an axis, each of them of all fields.
Sides = Sequence[list[list[Array]]]
#: What a block hands over along an axis: for ranges of its nodes these nodes of all fields.
Handed = dict[tuple[int, int], list[Array]]


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows of a block along one axis: the rows, their table, and the nodes of the block that it acts on."""

    rows: slice
    stencil: Stencil
    nodes: slice


@dataclass(frozen=True, eq=False)
class Table:
    """How a chunk is differentiated along one axis.

    Parameters
    ----------
    stencil : Stencil
        The table of all its rows.
    rule : Rule or None
        What the table becomes beside holes.
    parts : sequence of Part or None, optional
        The rows that need nodes below the chunk (None where none do), the middle, and those that need nodes above it.
    alone : Stencil, optional
        The table of all rows on the nodes of the chunk alone, right in the middle and zero elsewhere.
    ranges : sequence of tuple of int
        The nodes that its neighbours need.
    around : pair of lists of tuple of int
        The pieces of its neighbours that it takes itself, below and above.
    """

    stencil: Stencil
    rule: Rule | None = None
    parts: tuple[Part | None, Part, Part | None] | None = None
    alone: Stencil | None = None
    ranges: Sequence[tuple[int, int]] = ()
    around: tuple[list[Piece], list[Piece]] = field(default_factory=lambda: ([], []))

    @property
    def kept(self) -> int:
        """Number of nodes along the axis that a block keeps when it has begun: both faces, and what is handed over."""
        if self.parts is None:
            return int(self.stencil.rows)
        own = [(part.nodes.start, part.nodes.stop) for part in (self.parts[0], self.parts[2]) if part is not None]
        return sum(int(stop - start) for start, stop in (*own, *self.ranges))


def cut(stencil: Stencil, rule: Rule | None, sizes: Sequence[int]) -> list[Table]:
    """The table of each chunk of an axis."""
    tables = list(_cut(stencil, rule, sizes))
    handed: dict[int, set[tuple[int, int]]] = {}
    for table in tables:
        for part, start, stop in itertools.chain(*table.around):
            handed.setdefault(part, set()).add((start, stop))
    return [replace(table, ranges=sorted(handed.get(place, ()))) for place, table in enumerate(tables)]


def _cut(stencil: Stencil, rule: Rule | None, sizes: Sequence[int]) -> Iterator[Table]:
    stops = np.cumsum(sizes)
    for start, stop in zip((stops - sizes).tolist(), stops.tolist(), strict=True):
        if start == stop:  # selections leave chunks of no nodes behind
            none = np.zeros((0, 0))
            yield Table(Stencil(stencil.band[:, :0], none, none, stencil.row_sum[:0], nodes=0), rule)
            continue
        table, low, high = stencil.slice(start, stop, 0 if rule is None else rule.reach)
        around = _pieces(range(low, start), stops, stencil.nodes), _pieces(range(stop, high), stops, stencil.nodes)
        parts = _parts(stencil, start, stop, low, high) if rule is None else None
        alone = None if parts is None else _alone(parts[1].stencil, parts[1].rows, stop - start)
        yield Table(table, None if rule is None else rule.slice(low, high), parts, alone, around=around)


def _pieces(nodes: range, stops: Any, count: int) -> list[Piece]:
    """The chunks that hold some nodes, which wrap around the axis, in order."""
    pieces = []
    node = nodes.start
    while node < nodes.stop:
        place = int(np.searchsorted(stops, node % count, side="right"))
        start = node % count - (int(stops[place - 1]) if place else 0)
        length = min(int(stops[place]) - node % count, nodes.stop - node)
        pieces.append((place, start, start + length))
        node += length
    return pieces


def _parts(
    stencil: Stencil, start: int, stop: int, low: int, high: int
) -> tuple[Part | None, Part, Part | None] | None:
    """The rows of a chunk, of which those in the middle need no nodes beyond it; None where it is too thin for that."""
    first, last = start + max(start - low, 0), stop - max(high - stop, 0)
    if first >= last:
        return None
    parts: list[Part | None] = []
    for begin, end, reach in ((start, first, (low, stop)), (first, last, (start, stop)), (last, stop, (start, high))):
        if begin == end:
            parts.append(None)
            continue
        table, *ends = stencil.slice(begin, end)
        # beyond the chunk a slab has all the nodes that the chunk has there
        if ends[0] < reach[0] or ends[1] > reach[1] or ends[0] > low < start == begin or ends[1] < high > stop == end:
            return None
        nodes = slice(max(ends[0], start) - start, min(ends[1], stop) - start)
        parts.append(Part(slice(begin - start, end - start), table, nodes))
    below, middle, above = parts
    assert middle is not None
    return below, middle, above


def _alone(middle: Stencil, rows: slice, count: int) -> Stencil:
    """The table of the middle of a chunk as one of the whole chunk."""
    below, above = rows.start, count - rows.stop
    return Stencil(
        band=np.pad(middle.band, ((0, 0), (below, above))),
        # edges of the axis are in the middle; rows of zeros stand where it does not reach the end of the chunk
        lower=np.zeros((below, 1)) if below else middle.lower,
        upper=np.zeros((above, 1)) if above else middle.upper,
        row_sum=np.pad(middle.row_sum, (below, above)),
        nodes=count,
        known=None if middle.known is None else np.pad(middle.known, (below, above)),
        each=tuple(_alone(table, rows, count) for table in middle.each),
    )


@dataclass(frozen=True, eq=False)
class Begun:
    """A block whose neighbours are not there yet.

    Parameters
    ----------
    pieces : list of dict
        For each direction the pieces for neighbours.
    fields : list of ndarray
        The fields themselves, if nothing is done yet.
    results : list of ndarray
        The results otherwise, of which the middle is right.
    faces : dict of (int, int) to list of ndarray
        For a direction and a side (0 below, 1 above) the nodes of all fields that the rows there need.
    """

    pieces: list[Handed]
    fields: list[Array] = field(default_factory=list)
    results: list[Array] = field(default_factory=list)
    faces: dict[tuple[int, int], list[Array]] = field(default_factory=dict)

    def __sizeof__(self) -> int:
        """Bytes of the arrays, which the scheduler of a cluster counts with."""
        pieces = [one for handed in self.pieces for piece in handed.values() for one in piece]
        faces = [one for both in self.faces.values() for one in both]
        return sum(one.nbytes for one in (*pieces, *self.fields, *self.results, *faces))


def together(*fields: Array) -> list[Array]:
    """The fields of a block."""
    return list(fields)


def begin(work: Work, frame: Frame, dtype: np.dtype[Any], parameters: list[Array], *arguments: Any) -> Begun:
    """What can be done with a block alone; the arguments are its fields, and a table for each direction."""
    count = len(frame.axes)
    tables: Sequence[Table] = arguments[-count:]
    fields = [as_field(one, "f", dtype) for one in arguments[:-count]]
    pieces = [hand_over(axis, table.ranges, fields) for axis, table in zip(frame.axes, tables, strict=True)]
    parts = [table.parts for table in tables]
    if None in parts:
        return Begun(pieces, fields)
    faces = {}
    nodes = [slice(None)] * fields[0].ndim
    for number, axis in _in_order(frame):
        below, middle, above = parts[number]  # type: ignore[misc]
        for side, part in enumerate((below, above)):
            if part is not None:
                nodes[axis] = part.nodes
                faces[number, side] = [one[tuple(nodes)].copy(order="K") for one in fields]
        nodes[axis] = middle.nodes
    stencils = tuple(table.alone for table in tables if table.alone is not None)
    results = work(fields, replace(frame, stencils=stencils), list(parameters))
    return Begun(pieces, results=results, faces=faces)


def _in_order(frame: Frame) -> list[tuple[int, int]]:
    """Directions and their axes, the last axis last, so that slabs along it, which are slow, are the smallest."""
    return sorted(enumerate(frame.axes), key=lambda pair: pair[1])


def pieces_of(number: int, begun: Begun) -> Handed:
    """What a block that has begun hands over along a direction."""
    return begun.pieces[number]


def turn(before: list[None]) -> None:
    """Nothing: a task that is there for the order of those after it."""


def hand_over(axis: int, ranges: Sequence[tuple[int, int]], fields: list[Array]) -> Handed:
    """Pieces for neighbours, copied: a view would keep the block in memory, and send all of it to another machine."""
    return {ends: [one.copy() for one in _piece(fields, axis, *ends)] for ends in ranges}


def _piece(given: Handed | list[Array], axis: int, start: int, stop: int) -> list[Array]:
    """Some nodes of a neighbour, from what it has handed over or from its fields."""
    if isinstance(given, dict):
        return given[start, stop]
    return [one[(slice(None),) * axis + (slice(start, stop),)] for one in given]


def run(
    work: Work,
    frame: Frame,
    count: int,
    dtype: np.dtype[Any],
    single: bool,
    adapting: tuple[bool, bool] | None,
    fields: list[Array] | Begun,
    given: list[list[list[Handed | list[Array]]]],
    tables: list[Table],
    parameters: list[Any],
    own: list[Any],
) -> Any:
    """One block. What adapts to holes says whether values count, and whether the last field is a mask.

    For each direction, and on both sides, its neighbours have given pieces or their fields. The block's own pieces, and
    its turn, are there for the order of the tasks alone.
    """
    sides = [
        [
            [_piece(one, axis, start, stop) for one, (_, start, stop) in zip(*side, strict=True)]
            for side in zip(both, table.around, strict=True)
        ]
        for axis, both, table in zip(frame.axes, given, tables, strict=True)
    ]
    if isinstance(fields, Begun) and fields.results:
        results = _ended(work, frame, fields, sides, tables, parameters)
        return results[0] if single else results
    if isinstance(fields, Begun):
        fields = fields.fields
    masked = adapting is not None and adapting[1]
    kinds = [dtype] * (len(fields) - masked) + [np.dtype(bool)] * masked
    pairs = enumerate(zip(fields, kinds, strict=True))
    whole = [_surrounded(as_field(one, "f", kind), frame.axes, sides, number) for number, (one, kind) in pairs]
    holes = None
    if adapting is not None:
        rules = tuple(table.rule for table in tables if table.rule is not None)
        holes = Holes(rules, whole.pop() if masked else None, adapting[0])
    first = len(parameters) - count
    metric = None if frame.metric is None else frame.metric.with_arrays(parameters[first:])
    frame = replace(frame, stencils=tuple(table.stencil for table in tables), holes=holes, metric=metric)
    results = work(whole, operators.seen(frame, whole), parameters[:first])
    return results[0] if single else results


def _ended(
    work: Work, frame: Frame, begun: Begun, sides: Sequence[Sides], tables: list[Table], parameters: list[Any]
) -> list[Array]:
    """The results of a block whose middle there is already."""
    if not begun.faces:
        return begun.results
    ndim = next(iter(begun.faces.values()))[0].ndim
    parts = [table.parts for table in tables]
    # nothing else reads them, and to write the same values again does no harm; from other machines they are read-only
    results = [one if one.flags.writeable else one.copy(order="K") for one in begun.results]
    order = _in_order(frame)
    for place, (number, axis) in enumerate(order):
        for side in (0, 1):
            if (number, side) not in begun.faces:
                continue
            part = parts[number][2 * side]  # type: ignore[index]
            assert part is not None
            stencils = [table.stencil for table in tables]
            stencils[number] = part.stencil
            rows, nodes = [slice(None)] * ndim, [slice(None)] * ndim
            rows[axis], nodes[axis] = part.rows, part.nodes
            for other, along in order[:place]:
                middle = parts[other][1]  # type: ignore[index]
                stencils[other], rows[along], nodes[along] = middle.stencil, middle.rows, middle.nodes
            near: list[Sides] = [([], [])] * len(sides)
            for other, along in order[place:]:
                taken = (*nodes[:along], slice(None), *nodes[along + 1 :])
                both = [[[one[taken] for one in piece] for piece in pieces] for pieces in sides[other]]
                near[other] = both if other != number else [both[0], []] if side == 0 else [[], both[1]]
            fields = [_surrounded(one, frame.axes, near, i) for i, one in enumerate(begun.faces[number, side])]
            values = work(fields, replace(frame, stencils=tuple(stencils)), list(parameters))
            index: tuple[Any, ...] = (..., *rows)
            for result, value in zip(results, values, strict=True):
                result[index] = value
    return results


# Bytes for blocks with their surroundings that a thread keeps: three fields of 128^3 take 26 MB in single precision.
# In new memory such a copy takes 7.5 ms, most of it page faults, and 2.4 in memory that is there; the kernel takes 4.5.
_ROOM = 64 << 20


class _Kept(threading.local):
    """Memory of this thread, for each field of a block."""

    def __init__(self) -> None:
        self.fields: dict[int, NDArray[np.uint8]] = {}


_kept = _Kept()


def _room(number: int, shape: Sequence[int], dtype: np.dtype[Any]) -> Array:
    """Memory for one of the fields of a block, which the next block takes again."""
    size = math.prod(shape) * dtype.itemsize
    kept = _kept.fields
    if number not in kept or kept[number].nbytes < size:
        kept.pop(number, None)
        memory = np.empty(size, np.uint8)
        if size + sum(other.nbytes for other in kept.values()) <= _ROOM:
            kept[number] = memory
    else:
        memory = kept[number]
    return memory[:size].view(dtype).reshape(shape)


def _surrounded(one: Array, axes: Sequence[int], sides: Sequence[Sides], number: int) -> Array:
    """A block and the pieces around it. The corners, which no stencil reaches, are left as they are."""
    pieces = [[[as_field(piece[number], "f", one.dtype) for piece in side] for side in both] for both in sides]
    shape, inside = list(one.shape), [slice(None)] * one.ndim
    for axis, (below, above) in zip(axes, pieces, strict=True):
        before = sum(piece.shape[axis] for piece in below)
        inside[axis] = slice(before, before + one.shape[axis])
        shape[axis] += before + sum(piece.shape[axis] for piece in above)
    if shape == list(one.shape):
        return one
    whole = _room(number, shape, one.dtype)
    whole[tuple(inside)] = one
    for axis, (below, above) in zip(axes, pieces, strict=True):
        place = list(inside)
        for start, side in ((0, below), (inside[axis].stop, above)):
            for piece in side:
                place[axis] = slice(start, start + piece.shape[axis])
                whole[tuple(place)] = piece
                start += piece.shape[axis]
    return whole
