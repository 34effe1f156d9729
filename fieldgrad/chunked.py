# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: each block with the nodes around it.

A block needs the nodes that its stencils reach: thin pieces of the blocks beside it along each differentiated axis, and
none of the corners. So there is one task for each block that brings its fields together, one for each of its axes that
hands over the pieces along it, one that puts the pieces of its neighbours around it and runs the serial kernel, and one
for each output. The tables of weights are made from the whole coordinate and sliced, hence a value has the same bits in
every chunking.

Pieces of either side are handed over by one task since dask then releases blocks sooner: of 8^3 blocks, in the order
that it gives the tasks, at most .44 are in memory at once; with a task for each piece it was .74, and two tasks more.
Fields are brought together by a task that dask merges with what reads them, so that no worker of a cluster fetches them
from several others: two workers held 108 MB of 250, from file to file, and 145 without.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad import operators, poles
from fieldgrad.masks import Holes, Rule
from fieldgrad.operators import Array, Frame, as_field
from fieldgrad.stencils import Stencil

#: An operator: fields, their frame, and parameters (numbers, or arrays that broadcast) to one or more results.
Work = Callable[[list[Array], Frame, list[Any]], list[Array]]
#: A piece of a neighbour: its number along the axis, and a range of its nodes.
Piece = tuple[int, int, int]


def is_lazy(array: Any) -> bool:
    """Whether an array is one of dask's. dask is not imported to find out."""
    dask_array = sys.modules.get("dask.array")
    return dask_array is not None and isinstance(array, dask_array.Array)


def evaluate(
    work: Work,
    fields: Sequence[Any],
    frame: Frame,
    parameters: Sequence[Any] = (),
    leading: Sequence[tuple[int, ...]] = ((),),
) -> list[Any]:
    """Run an operator: at once on arrays, block by block and later on dask arrays.

    Parameters
    ----------
    work : callable
        The operator, a function of a module, or a partial of one, so that it can travel.
    fields : sequence of ndarray or dask array
        Fields of one shape and one working dtype.
    frame : Frame
        Directions of the fields.
    parameters : sequence
        Numbers, or arrays of the dimensions of the fields, some of them perhaps of length one.
    leading : sequence of tuple of int
        For each result the lengths of its dimensions before those of the field.

    Returns
    -------
    list
        The results: dask arrays, chunked as the first lazy field is, if any field or parameter is lazy.
    """
    mask = None if frame.holes is None else frame.holes.mask
    if not any(map(is_lazy, (*fields, *parameters, mask))):
        return work(list(fields), operators.seen(frame, fields), list(parameters))
    wide = _with_poles_inside(fields, frame, parameters)
    if wide is None:
        return _Graph(work, fields, frame, parameters, leading).results()
    chunks = _chunks(fields, parameters)
    results = _Graph(work, [_chunked(field, wide) for field in fields], frame, parameters, leading).results()
    return [result.rechunk((*result.chunks[: result.ndim - len(chunks)], *chunks)) for result in results]


def _with_poles_inside(
    fields: Sequence[Any], frame: Frame, parameters: Sequence[Any]
) -> tuple[tuple[int, ...], ...] | None:
    """Chunks in which a block with a pole holds the rows that its limits need; None where those there are do.

    The limits are derivatives along two axes, and of the nodes around a block those at the corners are not there.
    """
    by_name = dict(zip(frame.directions, frame.axes, strict=True))
    axes = [by_name.get(name) for name in frame.names]
    axis, places = poles.rows_of(frame.metric, axes)
    if not places:
        return None
    chunks = _chunks(fields, parameters)
    stencil = frame.stencils[frame.axes.index(axis)]
    stops = list(np.cumsum(chunks[axis]))
    cuts = set(stops)
    for place in places:
        _, low, high = stencil.slice(place, place + 1)
        cuts -= {cut for cut in cuts if low < cut < high}
    if len(cuts) == len(stops):
        return None
    merged = tuple(int(size) for size in np.diff([0, *sorted(cuts)]))
    return (*chunks[:axis], merged, *chunks[axis + 1 :])


def of_scalar(operator: Callable[..., Array]) -> Work:
    """An operator on one field, its frame, and perhaps parameters, as :func:`evaluate` takes it."""
    return partial(_of_scalar, operator)


def _of_scalar(operator: Callable[..., Array], fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return [operator(fields[0], frame, *parameters)]


def of_vector(operator: Callable[..., Array]) -> Work:
    """An operator on all fields together and their frame."""
    return partial(_of_vector, operator)


def _of_vector(operator: Callable[..., Array], fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return [operator(fields, frame, *parameters)]


def broadcast(array: Any, shape: tuple[int, ...]) -> Any:
    """An array on the shape of a field; a lazy one stays lazy."""
    if not is_lazy(array):
        return np.broadcast_to(array, shape)
    import dask.array as da

    return da.broadcast_to(array, shape)  # type: ignore[no-untyped-call]


def derivative(f: Any, frame: Frame) -> Any:
    """See :func:`fieldgrad.operators.derivative`; the frame has one direction."""
    return evaluate(_derivative, [f], frame)[0]


def _derivative(fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return [operators.derivative(fields[0], frame.axes[0], frame.stencils[0], holes=frame.holes)]


def hessian(f: Any, first: Frame, second: Frame) -> Any:
    """See :func:`fieldgrad.operators.hessian`."""
    if not any(map(is_lazy, (f, None if first.holes is None else first.holes.mask))):
        return operators.hessian(f, first, second)
    count = len(first.axes)
    values: dict[tuple[int, int], Any] = {}
    for i in range(count):
        values[i, i] = derivative(f, second.part(i))
        along = derivative(f, first.part(i))
        for j in range(i + 1, count):
            values[i, j] = values[j, i] = derivative(along, first.part(j).linear)
    return tensor(values, count)


def tensor(values: Mapping[tuple[int, int], Any], count: int) -> Any:
    """The entries of a tensor behind two dimensions of components."""
    if not any(map(is_lazy, values.values())):
        return np.stack([np.stack([values[i, j] for j in range(count)]) for i in range(count)])
    import dask.array as da

    rows = [da.stack([values[i, j] for j in range(count)]) for i in range(count)]  # type: ignore[no-untyped-call]
    return da.stack(rows).rechunk({0: -1, 1: -1})  # type: ignore[no-untyped-call]


def choose(condition: Any, value: Any, other: float) -> Any:
    """Values where a condition holds, and a number elsewhere."""
    if not (is_lazy(condition) or is_lazy(value)):
        return np.where(condition, value, value.dtype.type(other))
    import dask.array as da

    return da.where(condition, value, value.dtype.type(other))


def with_row(array: Any, axis: int, place: int, row: Any) -> Any:
    """An array in which a row across an axis is another; one in memory is changed."""
    before = (slice(None),) * axis
    if not is_lazy(array):
        array[(*before, slice(place, place + 1))] = row
        return array
    import dask.array as da

    parts = [array[(*before, slice(0, place))], row.astype(array.dtype), array[(*before, slice(place + 1, None))]]
    whole = da.concatenate([part for part in parts if part.shape[axis]], axis=axis)  # type: ignore[no-untyped-call]
    return whole.rechunk(array.chunks)


def decompose(L: Any) -> Any:
    """See :func:`fieldgrad.operators.decompose`."""
    if not is_lazy(L):
        return operators.decompose(L)
    return evaluate(_decompose, [L.rechunk({0: -1, 1: -1})], Frame((), (), ()), (), [(), ()])


def _decompose(fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return list(operators.decompose(fields[0]))


def _contents(table: Stencil) -> tuple[Any, ...]:
    """What tells a table from others."""
    return (table.band, table.lower, table.upper, table.row_sum, table.known, table.nodes, table.first, table.periodic)


class _Graph:
    """The tasks of one operator."""

    def __init__(
        self,
        work: Work,
        fields: Sequence[Any],
        frame: Frame,
        parameters: Sequence[Any],
        leading: Sequence[tuple[int, ...]],
    ) -> None:
        import dask.array as da
        from dask.base import tokenize

        parameters = [_parameter(value, fields[0].shape) for value in parameters]
        # the arrays of a metric are cut as parameters are, behind which they stand
        metric = [] if frame.metric is None else list(frame.metric.arrays)
        parameters += [_parameter(value, fields[0].shape) for value in metric]
        self.chunks = _chunks(fields, parameters)
        whole = [_chunked(field, self.chunks) for field in fields]
        self.parameters: list[Any] = [
            _chunked(value, tuple((1,) if n == 1 else part for n, part in zip(value.shape, self.chunks, strict=True)))
            if value.ndim
            else value
            for value in parameters
        ]
        self.work, self.frame, self.leading, self.dtype = work, frame, leading, fields[0].dtype
        rules: list[Any] = []
        if frame.holes is not None:
            # a mask is one more field, with the nodes around each block
            if frame.holes.mask is not None:
                whole.append(_chunked(frame.holes.mask, self.chunks))
            rules = [frame.holes.by_value, *map(astuple, frame.holes.rules)]
        # dask merges this with what reads the fields, so that one task on one machine has all of a block
        indices = tuple(range(len(self.chunks)))
        pairs = [part for one in whole for part in (one, indices)]
        meta = np.empty((0,) * len(indices), object)
        self.together = da.blockwise(_together, indices, *pairs, meta=meta, align_arrays=False)  # type: ignore[no-untyped-call]
        ours = self.parameters[: len(self.parameters) - len(metric)]
        names = [*(value.name if is_lazy(value) else value for value in (self.together, *ours)), metric]
        tables = [_contents(table) for stencil in frame.stencils for table in (stencil, *stencil.each)]
        structure = None if frame.metric is None else frame.metric.structure
        what = (frame.directions, frame.axes, frame.left_handed, frame.names, structure, tables, rules, leading)
        self.name = f"fieldgrad-{tokenize(work, names, *what, str(self.dtype))}"

    def results(self) -> list[Any]:
        import dask.array as da
        from dask.highlevelgraph import HighLevelGraph

        sources = [value for value in (self.together, *self.parameters) if is_lazy(value)]
        results = []
        single = len(self.leading) == 1
        graph = HighLevelGraph.from_collections(self.name, dict(self._tasks(single)), dependencies=sources)
        ndim = len(self.chunks)
        for number, lengths in enumerate(self.leading):
            name = self.name
            if not single:
                name = f"{self.name}-{number}"
                zeros = (0,) * len(lengths)
                picked: dict[Any, Any] = {
                    (name, *zeros, *block): (itemgetter(number), (self.name, *block)) for block in self._blocks()
                }
                layer = HighLevelGraph({**graph.layers, name: picked}, {**graph.dependencies, name: {self.name}})
            else:
                layer = graph
            chunks = (*((n,) for n in lengths), *self.chunks)
            meta = np.empty((0,) * (len(lengths) + ndim), self.dtype)
            results.append(da.Array(layer, name, chunks, meta=meta))  # type: ignore[no-untyped-call]
        return results

    def _blocks(self) -> Iterator[tuple[int, ...]]:
        return product(*(range(len(part)) for part in self.chunks))

    def _tasks(self, single: bool) -> Iterator[tuple[Any, Any]]:
        """Pairs of key and task."""
        zeros = (0,) * len(self.leading[0]) if single else ()
        # in a partial: dask takes a string among the arguments for a task too
        holes, metric = self.frame.holes, self.frame.metric
        adapting = None if holes is None else (holes.by_value, holes.mask is not None)
        bare = metric if metric is None else metric.with_arrays(())
        frame = replace(self.frame, stencils=(), holes=None, metric=bare)
        run = partial(_run, self.work, frame, 0 if metric is None else len(metric.arrays), self.dtype, single, adapting)
        around: list[list[tuple[list[Piece], list[Piece]]]] = []
        handed: list[dict[int, list[tuple[int, int]]]] = []
        for number, stencil in enumerate(self.frame.stencils):
            own = None if holes is None else holes.rules[number]
            cut = list(_cut(stencil, own, self.chunks[self.frame.axes[number]]))
            around.append([beside for _, beside in cut])
            handed.append(_handed(around[number]))
            for place, (table, beside) in enumerate(cut):
                picks = [[handed[number][part].index((start, stop)) for part, start, stop in side] for side in beside]
                # one copy of each table in the graph, which all blocks of a plane refer to
                yield (f"{self.name}-table", number, place), replace(table, picks=picks)
        for block in self._blocks():
            sides = []
            for number, axis in enumerate(self.frame.axes):
                key = (f"{self.name}-pieces", *block, axis)
                if ranges := handed[number].get(block[axis]):
                    yield key, (partial(_hand_over, axis, ranges), (self.together.name, *block))
                sides.append(
                    [
                        [(key[0], *block[:axis], part, *block[axis + 1 :], axis) for part, _, _ in side]
                        for side in around[number][block[axis]]
                    ]
                )
            parameters = [
                (value.name, *(0 if len(part) == 1 else i for i, part in zip(block, value.chunks, strict=True)))
                if is_lazy(value)
                else value
                for value in self.parameters
            ]
            tables = [(f"{self.name}-table", number, block[axis]) for number, axis in enumerate(self.frame.axes)]
            fields = (self.together.name, *block)
            yield (self.name, *zeros, *block), (run, fields, sides, tables, parameters)


def _parameter(value: Any, shape: tuple[int, ...]) -> Any:
    """A number, or an array of as many dimensions as the fields; each an array, as dask takes numbers for tasks."""
    array = value if is_lazy(value) else np.asanyarray(value)
    if not array.ndim and not is_lazy(array):
        return array
    missing = len(shape) - array.ndim
    if missing < 0 or any(n not in (1, whole) for n, whole in zip(array.shape, shape[missing:], strict=True)):
        raise ValueError(f"parameters: an array of shape {array.shape} does not broadcast to the field's {shape}")
    return array[(np.newaxis,) * missing]


def _chunks(fields: Sequence[Any], parameters: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    """The chunks of the first lazy field, or of the parameters."""
    lazy = next((field for field in fields if is_lazy(field)), None)
    if lazy is not None:
        chunks: tuple[tuple[int, ...], ...] = lazy.chunks
        return chunks
    merged = [(n,) for n in fields[0].shape]
    for value in parameters:
        if is_lazy(value):
            merged = [
                part if sum(part) == n[0] and len(n) == 1 else n for n, part in zip(merged, value.chunks, strict=True)
            ]
    return tuple(merged)


def _chunked(array: Any, chunks: tuple[tuple[int, ...], ...]) -> Any:
    import dask.array as da

    if is_lazy(array):
        return array if array.chunks == chunks else array.rechunk(chunks)
    # no name is made from the values: that would read the whole array
    return da.from_array(array, chunks, name=False)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class _Table:
    """The table of a chunk along one axis, what it becomes beside holes, and which pieces of neighbours it takes."""

    stencil: Stencil
    rule: Rule | None
    picks: Sequence[Sequence[int]] = ((), ())


def _cut(
    stencil: Stencil, rule: Rule | None, sizes: Sequence[int]
) -> Iterator[tuple[_Table, tuple[list[Piece], list[Piece]]]]:
    """For each chunk of an axis its table, and the pieces of others that it needs below and above itself."""
    stops = np.cumsum(sizes)
    for start, stop in zip(stops - sizes, stops, strict=True):
        if start == stop:  # selections leave chunks of no nodes behind
            none = np.zeros((0, 0))
            yield _Table(Stencil(stencil.band[:, :0], none, none, stencil.row_sum[:0], nodes=0), rule), ([], [])
            continue
        table, low, high = stencil.slice(int(start), int(stop), 0 if rule is None else rule.reach)
        below, above = (_pieces(range(*ends), stops, stencil.nodes) for ends in ((low, start), (stop, high)))
        yield _Table(table, None if rule is None else rule.slice(low, high)), (below, above)


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


def _together(*fields: Array) -> list[Array]:
    return list(fields)


def _handed(around: Sequence[tuple[list[Piece], list[Piece]]]) -> dict[int, list[tuple[int, int]]]:
    """For each chunk of an axis the ranges of its nodes that others need."""
    ranges: dict[int, set[tuple[int, int]]] = {}
    for beside in around:
        for part, start, stop in beside[0] + beside[1]:
            ranges.setdefault(part, set()).add((start, stop))
    return {part: sorted(found) for part, found in ranges.items()}


def _hand_over(axis: int, ranges: Sequence[tuple[int, int]], fields: list[Array]) -> list[list[Array]]:
    """Pieces for neighbours, copied: a view would keep the block in memory, and send all of it to another machine."""
    whole = (slice(None),) * axis
    return [[field[(*whole, slice(start, stop))].copy() for field in fields] for start, stop in ranges]


def _run(
    work: Work,
    frame: Frame,
    count: int,
    dtype: np.dtype[Any],
    single: bool,
    adapting: tuple[bool, bool] | None,
    fields: list[Array],
    handed: list[list[list[list[list[Array]]]]],
    tables: list[_Table],
    parameters: list[Any],
) -> Any:
    """One block. What adapts to holes says whether values count, and whether the last field is a mask."""
    masked = adapting is not None and adapting[1]
    kinds = [dtype] * (len(fields) - masked) + [np.dtype(bool)] * masked
    pairs = enumerate(zip(fields, kinds, strict=True))
    sides = [
        [[pieces[pick] for pieces, pick in zip(*side, strict=True)] for side in zip(both, table.picks, strict=True)]
        for both, table in zip(handed, tables, strict=True)
    ]
    whole = [_surrounded(as_field(field, "f", kind), frame.axes, sides, number) for number, (field, kind) in pairs]
    holes = None
    if adapting is not None:
        rules = tuple(table.rule for table in tables if table.rule is not None)
        holes = Holes(rules, whole.pop() if masked else None, adapting[0])
    first = len(parameters) - count
    metric = None if frame.metric is None else frame.metric.with_arrays(parameters[first:])
    own = replace(frame, stencils=tuple(table.stencil for table in tables), holes=holes, metric=metric)
    results = work(whole, operators.seen(own, whole), parameters[:first])
    return results[0] if single else results


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


def _surrounded(field: Array, axes: Sequence[int], sides: list[list[list[list[Array]]]], number: int) -> Array:
    """A block and the pieces around it. The corners, which no stencil reaches, are left as they are."""
    pieces = [[[as_field(piece[number], "f", field.dtype) for piece in side] for side in both] for both in sides]
    shape, inside = list(field.shape), [slice(None)] * field.ndim
    for axis, (below, above) in zip(axes, pieces, strict=True):
        before = sum(piece.shape[axis] for piece in below)
        inside[axis] = slice(before, before + field.shape[axis])
        shape[axis] += before + sum(piece.shape[axis] for piece in above)
    if shape == list(field.shape):
        return field
    whole = _room(number, shape, field.dtype)
    whole[tuple(inside)] = field
    for axis, (below, above) in zip(axes, pieces, strict=True):
        place = list(inside)
        for start, side in ((0, below), (inside[axis].stop, above)):
            for piece in side:
                place[axis] = slice(start, start + piece.shape[axis])
                whole[tuple(place)] = piece
                start += piece.shape[axis]
    return whole
