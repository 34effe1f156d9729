# SPDX-License-Identifier: BSD-3-Clause
"""Runs the engine: picks the kernel, packs its arguments, and shares the tasks out to threads.

The kernel is one serial function that releases the GIL. Eager calls from the main thread run it on several ranges of tasks
at once, from threads of this process; every other call (a worker of dask, a thread of the user's) runs it alone. So there
is one compiled kernel where numba's own parallel loops need two, no threading layer that aborts on concurrent use or dies in a
forked child, and Ctrl-C is seen between ranges. The threads cost about 50 microseconds a call, which small fields do not pay.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fieldgrad.kernels import engine, points
from fieldgrad.kernels.layout import Layout, empty_like, has_contiguous_rows, memory_order, plan, span
from fieldgrad.kernels.spec import ABSENT, Point, Spec
from fieldgrad.stencils import Stencil

# Values written below which threads cost more than they save (32^3 takes 0.15 ms on one core).
_SERIAL_BELOW = 60_000
# Values written by one range of tasks: about 20 ms, so that an interrupt is seen soon.
_RANGE = 4_000_000
# Rows of slot 2 in a tile where slot 1 is differentiated too: sixteen rows of three planes of three inputs stay in L2.
_TILE = 16
# Rows in a task where there is nothing to keep in cache: long enough to hide the start of a task.
_ROWS = 256
# Points of a row in a task; 512 are as fast as whole rows of 4096, and keep the planes of the stencil in cache.
_FUSED_BLOCK = 512
_LONG_BLOCK = 8192


@dataclass(frozen=True)
class Request:
    """A point function, and what of its value is stored.

    Parameters
    ----------
    name : str
        Name of a function of the module ``points``, or for a function of a user's the key that tells it from others.
    rows, columns : tuple of int
        Components of its value that are stored.
    parameters : tuple of int
        Which of the parameters it takes.
    function : callable, optional
        A user's function.
    """

    name: str
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    parameters: tuple[int, ...] = ()
    function: Callable[..., Any] | None = None


def evaluate(
    fields: Sequence[NDArray[Any]],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    parameters: Sequence[NDArray[Any]],
    outs: Sequence[NDArray[Any]],
    *,
    difference: bool = True,
) -> None:
    """Differentiate fields and evaluate point functions of the result, in one pass.

    Parameters
    ----------
    fields : sequence of ndarray
        One to three fields of one shape and one floating dtype.
    rows : sequence of int
        Row of L (0, 1, 2 for x, y, z) that each field fills.
    axes : sequence of int or None
        For the columns x, y, z of L the axis of the fields to differentiate along, or None.
    stencils : sequence of Stencil or None
        The tables of those axes.
    requests : sequence of Request
        What to evaluate.
    parameters : sequence of ndarray
        Of the dtype of the fields: zero-dimensional numbers, or fields of the shape of the output.
    outs : sequence of ndarray
        For each request its output: dimensions of components, then those of the field. They overlap no input.
    difference : bool
        False for tables whose rows do not sum to zero: weights then act on plain values.
    """
    ndim = fields[0].ndim
    shape = outs[0].shape[outs[0].ndim - ndim :]
    if 0 in shape or 0 in fields[0].shape:
        return
    sources = _alike(fields)
    targets: list[NDArray[Any]] = list(outs)
    if not _walkable(sources[0], targets, ndim, packed=any(parameter.ndim for parameter in parameters)):
        targets = [empty_like(sources[0], shape, out.shape[: out.ndim - ndim]) for out in outs]
    like = targets[0][(0,) * (targets[0].ndim - ndim)]
    values = [
        _in_layout(parameter, like) if parameter.ndim else parameter.reshape(1) for parameter in parameters
    ]
    layout = plan(sources[0], targets[0], targets[0].ndim - ndim, axes, stencils)
    _run(sources, rows, stencils, requests, values, targets, layout, difference)
    for out, target in zip(outs, targets, strict=True):
        if out is not target:
            out[...] = target


def _strides(array: NDArray[Any], ndim: int) -> tuple[int, ...]:
    """Strides of the last dimensions; those of length one do not matter."""
    leading = array.ndim - ndim
    return tuple(
        stride if count > 1 else 0
        for stride, count in zip(array.strides[leading:], array.shape[leading:], strict=True)
    )


def _walkable(source: NDArray[Any], outs: list[NDArray[Any]], ndim: int, *, packed: bool) -> bool:
    """Whether outputs can be written in place: all of one set of strides, with the rows of the source."""
    strides = _strides(outs[0], ndim)
    shape = outs[0].shape[outs[0].ndim - ndim :]
    if packed and strides != _strides(empty_like(source, shape), ndim):
        return False
    rows = [axis for axis in range(ndim) if strides[axis] == outs[0].itemsize]
    return all(
        out.dtype == source.dtype and has_contiguous_rows(out) and _strides(out, ndim) == strides
        for out in outs
    ) and (max(shape) == 1 or (len(rows) == 1 and rows[0] == _fastest(source, shape)))


def _fastest(source: NDArray[Any], shape: Sequence[int]) -> int:
    return next(axis for axis in reversed(memory_order(source)) if shape[axis] > 1)


def _in_layout(array: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """The array itself if it has the strides of another, else a copy that has."""
    if array.strides == like.strides and has_contiguous_rows(array):
        return array
    copy = empty_like(like, array.shape)
    copy[...] = array
    return copy


def _alike(fields: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Fields of one set of strides with contiguous rows; those that are not so are copied."""
    first = fields[0]
    strides = _strides(first, first.ndim)
    alike = [has_contiguous_rows(field) and _strides(field, field.ndim) == strides for field in fields]
    if all(alike):
        return list(fields)
    packed = empty_like(first, first.shape)
    strides = _strides(packed, first.ndim)
    copies = []
    for field in fields:
        if has_contiguous_rows(field) and _strides(field, field.ndim) == strides:
            copies.append(field)
        else:
            copy = empty_like(first, first.shape)
            copy[...] = field
            copies.append(copy)
    return copies


def _run(
    sources: Sequence[NDArray[Any]],
    rows: Sequence[int],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    parameters: Sequence[NDArray[Any]],
    outs: Sequence[NDArray[Any]],
    layout: Layout,
    difference: bool,
) -> None:
    dtype = sources[0].dtype
    tables, shape = _tables(layout, stencils, dtype, centre=not difference)
    columns = [layout.slots.index(column) if column in layout.slots else ABSENT for column in range(3)]
    spec = _spec(
        tuple(rows),
        tuple(columns),
        sum(slot != ABSENT for slot in layout.slots[:3]),
        layout.slots[3] != ABSENT,
        shape.half,
        shape.width,
        difference,
        tuple(len(parameter) > 1 or parameter.ndim > 1 for parameter in parameters),
        tuple(requests),
    )
    function = _compiled(spec, dtype, len(parameters), len(outs))
    spans = [span(source) for source in sources]
    out_spans = [span(out) for out in outs]
    leading = [out.ndim - sources[0].ndim for out in outs]
    strides: list[int] = []
    for out, (_, origin), count in zip(outs, out_spans, leading, strict=True):
        steps = [stride // out.itemsize for stride in out.strides[:count]]
        strides += [origin, *steps, *[0] * (2 - count)]
    numbers, tasks = _pieces(layout, shape, spans[0][1], spec)
    inputs = [array for array, _ in spans]
    arguments = (
        None,
        *[inputs[min(number, len(inputs) - 1)] for number in range(3)],
        tuple(span(parameter)[0] for parameter in parameters),
        tuple(array for array, _ in out_spans),
        tuple(strides),
        numbers,
        layout.batch_in,
        layout.batch_out,
        tables,
    )
    values = layout.points * sum(out.size // layout.points for out in outs)
    _share(function, arguments, tasks, values)


@dataclass(frozen=True)
class _Shape:
    """What the tables of a call look like."""

    half: int
    width: int
    low: int
    high: int
    edge_width: int


def _tables(
    layout: Layout, stencils: Sequence[Stencil | None], dtype: np.dtype[Any], *, centre: bool
) -> tuple[tuple[NDArray[Any], ...], _Shape]:
    """Offsets and weights as the engine reads them: one row for each point of an outer slot, one column along the row."""
    chosen = [None if slot == ABSENT else stencils[slot] for slot in layout.slots]
    width = max([stencil.neighbours for stencil in chosen[:3] if stencil is not None], default=0)
    tables: list[NDArray[Any]] = []
    for stencil, stride in zip(chosen[:3], layout.sources, strict=True):
        if stencil is None:
            tables += [np.zeros(0, np.int64), np.zeros(0, dtype)]
        else:
            offsets, weights = stencil.taps(0, stencil.rows, width, centre=centre)
            tables += [_flat(offsets.T * stride, np.int64), _flat(weights.T, dtype)]
    stencil, step = chosen[3], layout.step
    if stencil is None:
        nothing = [np.zeros(0, dtype), np.zeros(0, np.int64), np.zeros(0, dtype)]
        return (*tables, *nothing), _Shape(0, width + centre, 0, 0, 0)
    n, half = stencil.rows, stencil.half_width
    low, high = (half, half) if stencil.periodic else (len(stencil.lower), len(stencil.upper))
    band = np.delete(stencil.band, half, axis=0) if not centre else stencil.band
    ends = [stencil.taps(start, stop, centre=centre) for start, stop in ((0, low), (n - high, n))]
    offsets = np.concatenate([offsets for offsets, _ in ends], axis=1)
    weights = np.concatenate([weights for _, weights in ends], axis=1)
    tables += [
        _flat(np.repeat(band, step, axis=1), dtype),
        _flat(np.repeat(offsets.T * step, step, axis=0), np.int64),
        _flat(np.repeat(weights.T, step, axis=0), dtype),
    ]
    return tuple(tables), _Shape(half, width + centre, low * step, high * step, len(offsets))


def _flat(table: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(table, dtype).reshape(-1)


def _pieces(layout: Layout, shape: _Shape, origin: int, spec: Spec) -> tuple[NDArray[np.int64], int]:
    """Cut the loops into tasks, and say so in the numbers that the engine reads."""
    _, planes, rows, n = layout.sizes
    outer = sum(slot != ABSENT for slot in layout.slots[:3])
    fused = shape.width <= engine.FUSED_WIDTH and 2 * shape.half <= engine.FUSED_WIDTH
    if fused and not spec.staged:
        block = min(n, _FUSED_BLOCK if outer else _LONG_BLOCK)
    else:
        block = min(n, engine.SCRATCH_BLOCK)
    tile = min(rows, _TILE if outer > 1 else _ROWS)
    blocks, tiles = -(-n // block), -(-rows // tile)
    # a sweep is cut only as far as the threads need pieces: each cut reads the planes beside it twice
    wanted = -(-8 * numba.get_num_threads() // (blocks * tiles * len(layout.batch_in)))
    least = _TILE if outer > 1 else -(-_ROWS // tile)
    chunk = max(min(planes, least), -(-planes // wanted)) if outer > 1 else min(planes, least)
    chunks = -(-planes // chunk)
    numbers = np.zeros(engine.ENTRIES, np.int64)
    numbers[engine.SIZES : engine.SIZES + 4] = layout.sizes
    numbers[engine.IN_STRIDES : engine.IN_STRIDES + 3] = layout.sources
    numbers[engine.OUT_STRIDES : engine.OUT_STRIDES + 3] = layout.targets
    numbers[engine.ORIGIN] = origin + layout.origin
    numbers[engine.LOW : engine.STEP + 1] = shape.low, shape.high, shape.edge_width, layout.step
    numbers[engine.CHUNK : engine.ENTRIES] = chunk, chunks, tile, tiles, block, blocks
    return numbers, len(layout.batch_in) * chunks * tiles * blocks


@functools.lru_cache(maxsize=512)
def _spec(
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    outer: int,
    inner: bool,
    half: int,
    width: int,
    difference: bool,
    fields: tuple[bool, ...],
    requests: tuple[Request, ...],
) -> Spec:
    chosen = tuple(
        Point(
            request.function if request.function is not None else getattr(points, request.name),
            request.name,
            request.rows,
            request.columns,
            request.parameters,
        )
        for request in requests
    )
    return Spec(rows, columns, outer, inner, half, width, difference, fields, chosen)


@functools.cache
def _check_processor() -> None:
    features = llvmlite.binding.get_host_cpu_features()
    if features and "fma" in features and not features["fma"]:
        warnings.warn(
            "this processor has no fused multiply-add: fieldgrad computes it in software, with the same bits, many times "
            "slower",
            RuntimeWarning,
            stacklevel=2,
        )


@functools.cache
def _compiled(spec: Spec, dtype: np.dtype[Any], parameters: int, outs: int) -> Callable[..., None]:
    """Entry point of the kernel for these types: loaded from the disk cache, or compiled.

    It is called directly, since numba's dispatch costs several microseconds for each argument whose type it has to find.
    """
    _check_processor()
    number = numba.from_dtype(dtype)
    source = types.Array(number, 1, "C", readonly=True)
    integers = types.Array(types.int64, 1, "C", readonly=True)
    target = types.Array(number, 1, "C")
    signature = types.void(
        spec,
        source,
        source,
        source,
        types.UniTuple(source, parameters) if parameters else types.Tuple(()),
        types.UniTuple(target, outs),
        types.UniTuple(types.int64, 3 * outs),
        integers,
        integers,
        integers,
        types.Tuple((integers, source) * 3 + (source, integers, source)),
        types.int64,
        types.int64,
    )
    entry: Callable[..., None] = engine.sweep.compile(signature)
    return entry


class _Threads:
    """Threads of this process that run kernels; made at the first large call, and anew in a forked child."""

    def __init__(self) -> None:
        self.pool: ThreadPoolExecutor | None = None
        self.workers = 0

    def submit(self, workers: int, function: Callable[[], None]) -> list[Future[None]]:
        if self.pool is None or self.workers < workers:
            if self.pool is not None:
                self.pool.shutdown(wait=False)
            self.pool, self.workers = ThreadPoolExecutor(workers, "fieldgrad"), workers
        return [self.pool.submit(function) for _ in range(workers)]

    def forget(self) -> None:
        self.pool, self.workers = None, 0


_threads = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget)


def _share(function: Callable[..., None], arguments: tuple[Any, ...], tasks: int, values: int) -> None:
    """Run all tasks: alone, or on several threads that take one range of tasks after the other."""
    threads = numba.get_num_threads()
    alone = (
        threads == 1 or values < _SERIAL_BELOW or threading.current_thread() is not threading.main_thread()
    )
    pieces = min(tasks, max(-(-values // _RANGE), 1 if alone else 4 * threads))
    ranges = itertools.count()
    stopped = False

    def work() -> None:
        while not stopped and (number := next(ranges)) < pieces:
            function(*arguments, tasks * number // pieces, tasks * (number + 1) // pieces)

    if alone or pieces == 1:
        work()
        return
    helpers = _threads.submit(min(threads, pieces) - 1, work)
    try:
        work()
    finally:
        # after an interrupt the other threads finish the range at hand: the output must not be written after we return
        stopped = True
        errors = [helper.exception() for helper in helpers]
    for error in errors:
        if error is not None:
            raise error
