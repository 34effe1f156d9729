# SPDX-License-Identifier: BSD-3-Clause
"""Points in dask arrays: only the blocks that hold points, and what their windows reach of others, are read.

Points are grouped by the block that holds the middle of their windows. There is one task for each piece of a block that
a group needs, one for each group, and one for each result, which puts the points back in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from fieldgrad import probes
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import is_lazy
from fieldgrad.operators import Array, as_field
from fieldgrad.probes import Probes
from fieldgrad.tracks import Integers

Labels = tuple[tuple[str | int, ...], ...]


def sample(
    fields: Sequence[Any],
    labels: Sequence[str],
    where: Probes,
    records: Sequence[Quantity],
    along: Sequence[Labels],
    parameters: Mapping[str, Any],
    shape: tuple[int, ...],
) -> list[Any]:
    """See :func:`fieldgrad.probes.sample`; at once on arrays, later on dask arrays.

    Parameters
    ----------
    fields, labels, where, records, along
        As there.
    parameters : mapping of str to array
        Numbers, or arrays of the shape of a scalar result, or of length one along some of its dimensions.
    shape : tuple of int
        Shape of the points, which takes the place of the last dimension of the results.

    Returns
    -------
    list
        For each record its values, shape (components, further dimensions of the field, shape of the points).
    """
    work = _Work(tuple(labels), tuple(records), tuple(along), tuple(parameters), shape)
    if not any(map(is_lazy, (*fields, *parameters.values()))):
        results = work.run(fields, where, list(parameters.values()))
        return [result.reshape((*result.shape[:-1], *shape)) for result in results]
    return _Graph(fields, where, work, parameters).results()


@dataclass(frozen=True, eq=False)
class _Work:
    """What does not differ between groups of points."""

    labels: tuple[str, ...]
    records: tuple[Quantity, ...]
    along: tuple[Labels, ...]
    names: tuple[str, ...]
    shape: tuple[int, ...]

    def run(
        self, fields: Sequence[Array], where: Probes, values: Sequence[Array], which: Integers | None = None
    ) -> list[Array]:
        """All results at some of the points; values of parameters are given at all points."""
        lengths = [fields[0].shape[axis] for axis in where.batch(fields[0].ndim)]
        flat = [
            np.broadcast_to(value, (*lengths, *self.shape)).reshape(*lengths, -1) if value.ndim else value
            for value in values
        ]
        if which is not None:
            flat = [value[..., which] if value.ndim else value for value in flat]
        parameters = dict(zip(self.names, flat, strict=True))
        return probes.sample(fields, self.labels, where, self.records, self.along, parameters)


@dataclass(frozen=True, eq=False)
class _Group:
    """Points of one block, in the frame of the pieces of blocks that they need, and their places in the result."""

    where: Probes
    targets: Integers
    pieces: Mapping[int, list[tuple[int, int, int]]]


class _Graph:
    def __init__(self, fields: Sequence[Any], where: Probes, work: _Work, parameters: Mapping[str, Any]) -> None:
        import dask.array as da
        from dask.base import tokenize

        lazy = next((field for field in fields if is_lazy(field)), None)
        self.chunks = lazy.chunks if lazy is not None else tuple((n,) for n in fields[0].shape)
        self.where, self.work, self.dtype = where, work, fields[0].dtype
        self.fields = [
            field.rechunk(self.chunks) if is_lazy(field) else da.from_array(field, self.chunks, name=False)  # type: ignore[no-untyped-call]
            for field in fields
        ]
        self.batch = where.batch(len(self.chunks))
        self.out_chunks = (*(self.chunks[axis] for axis in self.batch), *((n,) for n in work.shape))
        self.parameters = [self._parameter(value) for value in parameters.values()]
        names = [value.name if is_lazy(value) else value for value in (*self.fields, *self.parameters)]
        tables = [
            (track.nodes, track.sources, track.signs, track.values, track.taps, track.low, track.period)
            for direction in where.tracks
            for track in direction
        ]
        what = (where.frame.directions, where.frame.axes, where.frame.left_handed, where.positions, where.shared)
        more = (where.targets, where.count, tables, work.labels, work.records, work.along, work.names, work.shape)
        self.name = f"fieldgrad-sample-{tokenize(names, what, more)}"
        self.groups = list(self._groups())

    def _parameter(self, value: Any) -> Any:
        """A number, or an array with the chunks of the results where it has their dimensions."""
        if not value.ndim and not is_lazy(value):
            return value
        import dask.array as da

        lazy = value if is_lazy(value) else da.from_array(value, name=False)  # type: ignore[no-untyped-call]
        lazy = lazy[(np.newaxis,) * (len(self.out_chunks) - lazy.ndim)]
        return lazy.rechunk(
            tuple((1,) if n == 1 else part for n, part in zip(lazy.shape, self.out_chunks, strict=True))
        )

    def results(self) -> list[Any]:
        import dask.array as da
        from dask.highlevelgraph import HighLevelGraph

        sources = [value for value in (*self.fields, *self.parameters) if is_lazy(value)]
        graph = HighLevelGraph.from_collections(self.name, dict(self._tasks()), dependencies=sources)
        results = []
        targets = [group.targets for group in self.groups]
        for number, part in enumerate(self.work.along):
            name = f"{self.name}-{number}"
            lead = tuple(map(len, part))
            layer: dict[Any, Any] = {}
            for block in product(*(range(len(self.chunks[axis])) for axis in self.batch)):
                lengths = tuple(self.chunks[axis][i] for axis, i in zip(self.batch, block, strict=True))
                put = partial(_in_order, number, targets, (*lead, *lengths), self.work.shape, self.dtype)
                keys = [(self.name, place, *block) for place in range(len(targets))]
                layer[name, *(0,) * len(lead), *block, *(0,) * len(self.work.shape)] = (put, keys)
            whole = HighLevelGraph({**graph.layers, name: layer}, {**graph.dependencies, name: {self.name}})
            chunks = (*((n,) for n in lead), *self.out_chunks)
            results.append(da.Array(whole, name, chunks, meta=np.empty((0,) * len(chunks), self.dtype)))  # type: ignore[no-untyped-call]
        return results

    def _groups(self) -> Iterator[_Group]:
        """Points by the block that holds the middle of their windows."""
        where = self.where
        if not len(where.targets):
            return
        stops = [np.cumsum(part) for part in self.chunks]
        starts: dict[int, list[Integers]] = {}
        middles: dict[int, Integers] = {}
        for axis, tracks, positions in zip(where.frame.axes, where.tracks, where.positions, strict=True):
            starts[axis] = [track.starts(positions) for track in tracks]
            middles[axis] = tracks[0].sources[starts[axis][0] + tracks[0].taps // 2]
        middles.update(where.shared)
        blocks = np.stack([np.searchsorted(stops[axis], nodes, side="right") for axis, nodes in middles.items()])
        _, number = np.unique(blocks, axis=1, return_inverse=True)
        order = np.argsort(number.ravel(), kind="stable")
        for which in np.split(order, np.flatnonzero(np.diff(number.ravel()[order])) + 1):
            pieces, kept = {}, {}
            for place, axis in enumerate(where.frame.axes):
                own = [track.used(start[which]) for track, start in zip(where.tracks[place], starts[axis], strict=True)]
                pieces[axis], kept[axis] = _pieces(np.unique(np.concatenate(own)), stops[axis])
            for axis, places in where.shared:
                pieces[axis], kept[axis] = _pieces(np.unique(places[which]), stops[axis])
            own_where = replace(
                where.some(which),
                tracks=tuple(
                    tuple(track.among(kept[axis]) for track in tracks)
                    for axis, tracks in zip(where.frame.axes, where.tracks, strict=True)
                ),
                shared=tuple((axis, np.searchsorted(kept[axis], places[which])) for axis, places in where.shared),
            )
            yield _Group(own_where, where.targets[which], pieces)

    def _tasks(self) -> Iterator[tuple[Any, Any]]:
        """Pairs of key and task."""
        ndim = len(self.chunks)
        for place, group in enumerate(self.groups):
            axes = tuple(group.pieces)
            counts = tuple(len(group.pieces[axis]) for axis in axes)
            run = partial(_run, self.work, group.where, group.targets, axes, counts, self.dtype)
            for block in product(*(range(len(self.chunks[axis])) for axis in self.batch)):
                keys: list[Any] = []
                for corner in product(*(group.pieces[axis] for axis in axes)):
                    index, cut = [0] * ndim, [slice(None)] * ndim
                    for axis, i in zip(self.batch, block, strict=True):
                        index[axis] = i
                    for axis, (number, start, stop) in zip(axes, corner, strict=True):
                        index[axis], cut[axis] = number, slice(start, stop)
                    key = (f"{self.name}-piece", place, len(keys), *block)
                    yield key, (partial(_cut_out, tuple(cut)), [(field.name, *index) for field in self.fields])
                    keys.append(key)
                values = [
                    (
                        value.name,
                        *(
                            0 if len(part) == 1 else i
                            for part, i in zip(value.chunks, (*block, *self._zeros), strict=True)
                        ),
                    )
                    if is_lazy(value)
                    else value
                    for value in self.parameters
                ]
                yield (self.name, place, *block), (run, keys, values)

    @property
    def _zeros(self) -> tuple[int, ...]:
        return (0,) * len(self.work.shape)


def _pieces(nodes: Integers, stops: Integers) -> tuple[list[tuple[int, int, int]], Integers]:
    """Ranges of the blocks that hold some nodes, which are in order, and all nodes of these ranges."""
    pieces, kept = [], []
    numbers = np.searchsorted(stops, nodes, side="right")
    for number in np.unique(numbers):
        own = nodes[numbers == number]
        begin = int(stops[number - 1]) if number else 0
        pieces.append((int(number), int(own[0]) - begin, int(own[-1]) + 1 - begin))
        kept.append(np.arange(own[0], own[-1] + 1))
    return pieces, np.concatenate(kept)


def _cut_out(cut: tuple[slice, ...], fields: list[Array]) -> list[Array]:
    """A part of a block, copied: a view would keep all of it in memory."""
    return [field[cut].copy() for field in fields]


def _run(
    work: _Work,
    where: Probes,
    targets: Integers,
    axes: tuple[int, ...],
    counts: tuple[int, ...],
    dtype: np.dtype[Any],
    corners: list[list[Array]],
    parameters: list[Array],
) -> list[Array]:
    """The points of one group."""
    fields = [
        as_field(_joined([corner[n] for corner in corners], axes, counts), "f", dtype) for n in range(len(corners[0]))
    ]
    return work.run(fields, where, parameters, targets)


def _joined(corners: list[Array], axes: tuple[int, ...], counts: tuple[int, ...]) -> Array:
    """Pieces in the order of a product over axes, put together."""
    for axis, count in zip(axes[::-1], counts[::-1], strict=True):
        corners = [np.concatenate(corners[i : i + count], axis=axis) for i in range(0, len(corners), count)]
    return corners[0]


def _in_order(
    number: int,
    targets: list[Integers],
    shape: tuple[int, ...],
    points: tuple[int, ...],
    dtype: np.dtype[Any],
    parts: list[list[Array]],
) -> Array:
    """One result at all points, NaN at those outside."""
    result = np.full((*shape, int(np.prod(points))), np.nan, dtype)
    for own, part in zip(targets, parts, strict=True):
        result[..., own] = part[number]
    return result.reshape((*shape, *points))
