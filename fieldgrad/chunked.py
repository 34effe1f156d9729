# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: each block with the nodes around it.

A block needs the nodes that its stencils reach: thin pieces of the blocks beside it along each differentiated axis, and
none of the corners. So there is one task for each block that begins it, one for each of its axes that hands over the
pieces along it, one that ends the block with the pieces of its neighbours, and one for each output; what they do is in
:mod:`fieldgrad.blocks`. Where the fields are arrays of this process nothing is handed over: a block takes the pieces
from the fields of its neighbours (512^3 float32 in 128^3: .29 s instead of .37). The tables of weights are made
from the whole coordinate and sliced, hence a value has the same bits in every chunking.

A block that waits for its neighbours is what takes memory. So it begins with the rows that need none of them, where
these and the nodes that the others need take less memory than the fields; else it keeps the fields. And the task that
ends it asks for two things that it does not need, for the order that dask gives the tasks: its own pieces, and the turn
of its plane. At most .27 of 4^3 blocks then wait at once, and .13 of 8^3, which is about one plane; without the pieces
.50 and .25, and without turns, where all blocks end in one task more, as in a file, .45 and .43: those in the middle of
the field come first. The task that begins a block is one that dask merges with what reads the fields, so that they
never wait themselves, nor travel.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from functools import partial
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np

from fieldgrad import blocks, operators, poles
from fieldgrad.blocks import Work
from fieldgrad.operators import Array, Frame


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


def stack(arrays: Sequence[Any]) -> Any:
    """Arrays along a new first dimension, which is not cut."""
    if not any(map(is_lazy, arrays)):
        return np.stack(arrays)
    import dask.array as da

    return da.stack(arrays).rechunk({0: -1})  # type: ignore[no-untyped-call]


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
        from dask.layers import ArrayValuesDep

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
        ours = self.parameters[: len(self.parameters) - len(metric)]
        names = [*(value.name if is_lazy(value) else value for value in (*whole, *ours)), metric]
        tables = [table.contents for stencil in frame.stencils for table in (stencil, *stencil.each)]
        structure = None if frame.metric is None else frame.metric.structure
        what = (frame.directions, frame.axes, frame.left_handed, frame.names, structure, tables, rules, leading)
        self.name = f"fieldgrad-{tokenize(work, names, *what, str(self.dtype))}"
        holes: Sequence[Any] = [None] * len(frame.axes) if frame.holes is None else frame.holes.rules
        self.tables = [
            blocks.cut(stencil, own, self.chunks[axis])
            for axis, stencil, own in zip(frame.axes, frame.stencils, holes, strict=True)
        ]
        # dask merges this with what reads the fields, so that one task on one machine has all of a block
        self.early = self._gains(whole)
        self.here = not self.early and all(map(_here, whole))
        indices = tuple(range(len(self.chunks)))
        pairs = [part for one in whole for part in (one, indices)]
        first: Any = blocks.together
        given = {}
        if self.early:
            first = partial(blocks.begin, work, replace(frame, stencils=()), self.dtype, self.parameters)
            given["name"] = f"{self.name}-begun"
            for axis, found in zip(frame.axes, self.tables, strict=True):
                values = {(place,): table for place, table in enumerate(found)}
                pairs += [ArrayValuesDep((self.chunks[axis],), values), (axis,)]
        meta = np.empty((0,) * len(indices), object)
        self.first = da.blockwise(first, indices, *pairs, meta=meta, align_arrays=False, **given)  # type: ignore[no-untyped-call]

    def _gains(self, fields: Sequence[Any]) -> bool:
        """Whether blocks begin before their neighbours are there: if what is then kept is less than their fields."""
        # what is in memory already stays there, and parts are dearer than a whole
        if all(map(_in_memory, fields)):
            return False
        # parameters that vary, masks and metrics would have to be cut for the parts of a block
        plain = self.frame.holes is None and self.frame.metric is None and bool(self.frame.axes)
        if not plain or any(is_lazy(value) or value.ndim for value in self.parameters):
            return False
        results = sum(math.prod(lengths) for lengths in self.leading) / len(fields)
        kept = [
            sum(table.kept for table in found) / sum(self.chunks[axis])
            for axis, found in zip(self.frame.axes, self.tables, strict=True)
        ]
        return results + sum(kept) < 1

    def results(self) -> list[Any]:
        import dask.array as da
        from dask.highlevelgraph import HighLevelGraph

        sources = [value for value in (self.first, *self.parameters) if is_lazy(value)]
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
        arrays = 0 if metric is None else len(metric.arrays)
        run = partial(blocks.run, self.work, frame, arrays, self.dtype, single, adapting)
        for number, found in enumerate(self.tables):
            for place, table in enumerate(found):
                # one copy of each table in the graph, which all blocks of a plane refer to
                yield (f"{self.name}-table", number, place), table
        name = f"{self.name}-pieces"
        planes = self._planes()
        if planes:
            yield from self._turns(planes)

        def giver(block: tuple[int, ...], axis: int, part: int) -> tuple[Any, ...]:
            """Key of what a neighbour gives: its fields, or the pieces that it hands over along the axis."""
            beside = (*block[:axis], part, *block[axis + 1 :])
            return (self.first.name, *beside) if self.here else (name, *beside, axis)

        for block in self._blocks():
            sides, own = [], []
            for number, axis in enumerate(self.frame.axes):
                table = self.tables[number][block[axis]]
                if table.ranges and not self.here:
                    own.append((name, *block, axis))
                    hand_over = (
                        partial(blocks.pieces_of, number)
                        if self.early
                        else partial(blocks.hand_over, axis, table.ranges)
                    )
                    yield own[-1], (hand_over, (self.first.name, *block))
                sides.append([[giver(block, axis, part) for part, _, _ in side] for side in table.around])
            if planes:
                own.append((f"{self.name}-turn", *(block[axis] for axis in planes)))
            parameters = [
                (value.name, *(0 if len(part) == 1 else i for i, part in zip(block, value.chunks, strict=True)))
                if is_lazy(value)
                else value
                for value in self.parameters
            ]
            tables = [(f"{self.name}-table", number, block[axis]) for number, axis in enumerate(self.frame.axes)]
            fields = (self.first.name, *block)
            yield (self.name, *zeros, *block), (run, fields, sides, tables, parameters, own)

    def _planes(self) -> list[int]:
        """Axes that number the planes of blocks: those that no block waits along, and then that with most chunks."""
        waiting = [axis for axis in self.frame.axes if len(self.chunks[axis]) > 1]
        if self.here or not waiting:
            return []
        longest = max(waiting, key=lambda axis: len(self.chunks[axis]))
        return [*(axis for axis in range(len(self.chunks)) if axis not in waiting), longest]

    def _turns(self, planes: Sequence[int]) -> Iterator[tuple[Any, Any]]:
        """Tasks that do nothing, one for each plane.

        Where all blocks end in one task more, dask begins with those for which most tasks must run. So the turn of a
        plane comes after the turn of the next plane, and after as many tasks as a block may wait for: its neighbours
        give two for each side, and those at the edges of the field have fewer.
        """
        name = f"{self.name}-turn"
        weights = [(f"{name}-weight", number) for number in range(4 * len(self.frame.axes))]
        for weight in weights:
            yield weight, (blocks.turn, [])
        after: list[Any] = weights
        for place in reversed(list(product(*(range(len(self.chunks[axis])) for axis in planes)))):
            yield (name, *place), (blocks.turn, after)
            after = [(name, *place), *weights]


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


def _in_memory(field: Any) -> bool:
    """Whether the blocks of a dask array are there: those of a NumPy array, or of what was persisted."""
    from dask.core import istask
    from dask.highlevelgraph import MaterializedLayer

    layer = field.dask.layers.get(field.name)
    return isinstance(layer, MaterializedLayer) and not any(map(istask, layer.mapping.values()))


def _here(field: Any) -> bool:
    """Whether the blocks of a dask array are arrays of this process, not of workers that hold them."""
    return _in_memory(field) and all(
        isinstance(block, np.ndarray) for block in field.dask.layers[field.name].mapping.values()
    )


def _chunked(array: Any, chunks: tuple[tuple[int, ...], ...]) -> Any:
    import dask.array as da

    if is_lazy(array):
        return array if array.chunks == chunks else array.rechunk(chunks)
    # no name is made from the values: that would read the whole array
    return da.from_array(array, chunks, name=False)  # type: ignore[no-untyped-call]
