# SPDX-License-Identifier: BSD-3-Clause
"""All of a call that does not depend on the values: loops, tables, tasks and the compiled kernel.

A call on a field that was seen before finds it ready: for small fields this takes longer than the kernel.
"""

from __future__ import annotations

import functools
import gc
import warnings
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import llvmlite.binding
import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fieldgrad import progress
from fieldgrad.kernels import engine, points, pullbacks, user
from fieldgrad.kernels._plain import INTERPRETED
from fieldgrad.kernels.layout import Layout, plan
from fieldgrad.kernels.memory import Span
from fieldgrad.kernels.spec import ABSENT, ALONG, CONSTANT, FIELD, NUMBER, Metric, Point, Spec
from fieldgrad.stencils import Stencil

# Rows of slot 2 in a tile where slot 1 is differentiated too: sixteen rows of three planes of three inputs stay in L2,
# and twice as many of one, where they are short. Two threads, ms, gradients of three scalars at 250^3, 256^3, 320^3:
# 51, 55, 109 in tiles of 16 rows, 51, 51, 103 of 32.
_TILE = 16
# Rows in a task where there is nothing to keep in cache: long enough to hide the start of a task.
_ROWS = 256
# Points of a row in a task where planes of the stencil must stay in cache.
_FUSED_BLOCK = 512
# The same where outputs or derivatives go to scratch. Two threads, ms, rows of 500: L 82 with tasks of 256 points, 67
# so; D and W 130 and 118.
_SCRATCH_TASK = 1024
# The same where only rows must stay there. Two threads, ms, 4096^2: L 40 with tasks of 1024 points, 30 so; the gradient
# of a scalar 22 and 17; q_criterion 30 with tasks of 512, 27 so. 4000^2: 47 and 33, 27 and 20, 24 and 21.
_LONG_BLOCK = 8192
# Outputs that are written at once, where they do not lie a multiple of _ALIAS bytes apart. More streams than a cache
# set has ways evict each other (one thread, ms, 256^3: D and W 2277 written at once, 400 staged, 268 staged and
# streamed). Where they do not, the stores of up to six hide behind the arithmetic (two threads, ms, 250^3: vorticity,
# Q, lambda2 and dissipation 111 staged and streamed, 100 direct; lambda2 alone 81).
_DIRECT_OUTPUTS = 6
_ALIAS = 4096
# Neighbours along an axis up to which all derivatives of a point are always computed at once, and the distance of
# planes (or rows), in bytes, whose multiples fall into one set of an L2 cache: with more neighbours these make it slow,
# and rows of one derivative after the other the faster way. Two threads, ms, q_criterion at accuracy 4, 6 and 8, at
# once and one after the other: 256^3 (planes 512 kB apart) 83, 109, 177 and 76, 97, 125; 320^3 (800 kB) 104, 162, 245
# and 110, 240, 312; 384^3 (1152 kB) at 4 and 8 201, 510 and 338, 500; 4096^2 (rows 32 kB apart) at 6 and 8 46, 61 and
# 60, 113.
_FUSED_WIDTH, _ALIAS_L2 = 2, 1 << 18
# Where there is next to no arithmetic, nothing hides stores (two threads, ms: the gradient of a scalar at 250^3, 256^3,
# 320^3 is 25, 26, 46 direct and 22, 23, 42 staged and streamed; loops that only read and write take 18 to 22, 19, 39;
# its derivative along the slowest axis at 250^3, 256^3 and 400^3 13, 13, 50 and 9, 11, 36, along the middle one 11, 13,
# 41 and 10, 11, 27). Along the row alone they cost less than what is staged (10, 12, 36 and 12, 13, 31; a line of 1e8
# values 63 and 69).
_LIGHT = frozenset({"gradient", "velocity_gradient", "deformation_rate", "spin", "vorticity"})
# Bytes of output from which staged values bypass the caches: no line is read only to be overwritten. One thread, ms: L
# at 250^3 180 stored, 132 streamed; D and W 304 and 220; where all fits into the cache storing is faster. L is then
# computed row by row, too.
_STREAM_FROM = 64 << 20
# Bytes of all outputs that are staged before they are written, one output after the other. To write 8 kB or more of one
# at a time costs a loop without arithmetic (L at 250^3) 30 to 36 ms, 2 kB 66; but what is staged must not drive the
# planes out of the L2 cache: inputs share these. Two threads, ms, D and W at 256^3, of three inputs: 131 with 32 kB for
# each, 113 with 64, 145 with 128.
_STAGED = 192 << 10
# Bytes of a field from which rows of the next plane are fetched while those before are worked on: where all lies in
# the caches there is nothing to wait for. Two threads, ms, at 250^3: the gradient of a scalar 18 instead of 22, the Q
# criterion at accuracy 4 and 6 43 and 63 instead of 47 and 68. At 4000^2, where the next row is fetched, the gradient
# 11 instead of 14, L 25 instead of 27; Q at accuracy 4 gains nothing.
_FETCH_FROM = 1 << 20
# Neighbours along an axis up to which rows are cut into strips, before which that much of what lies ahead is fetched. A
# core has some 24 lines under way, and waits for the rest of a row that is fetched at once. Two threads, ms, the Q
# criterion at 250^3 and 320^3: 28 and 58 without, 28 and 58 fetched row by row, 27.5 and 55 in strips of 8 lines, 24.6
# and 51 of 4 with the lines of output below; at 4000^2 19 and 15.6; at accuracy 4 56 and 124 row by row, 54 and 112 in
# strips; vorticity 33 and 77, 27 and 66 in strips. A strip costs its beginning: at accuracy 8 101 and 264 row by row,
# 108 and 280 in strips; vorticity, Q, lambda2 and dissipation in one go 103 and 115 at 250^3; the gradient of a scalar
# at 4000^2 12.6 and 14.2.
_STRIPPED_WIDTH = 4
# Bytes of a cache line.
_LINE = 64
# Entries behind the weights of a row where tables have boundaries.
BOUNDARY = 2
# Point functions, and their derivatives, by name.
_BUILT_IN = ChainMap(vars(points), vars(pullbacks))
# Rows of all tables of a call up to which it is kept ready: a few megabytes in all.
_KEPT_ROWS = 10_000


@dataclass(frozen=True)
class Request:
    """A point function, and what of its value is stored.

    Parameters
    ----------
    name : str
        Name of a function of the module ``points``, or the key of a user's function.
    rows, columns : tuple of int
        Components of its value that are stored.
    parameters : tuple of int
        Which of the parameters it takes.
    plane : tuple of int, optional
        For a function of the 2 x 2 tensor in a plane: the places of its directions among x, y, z.
    function : callable, optional
        A user's function. Requests are equal by its key, which changes when anything that it depends on does.
    """

    name: str
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    parameters: tuple[int, ...] = ()
    plane: tuple[int, int] | None = None
    function: Callable[..., Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Call:
    """A kernel and its arguments, but for the memory that it works on."""

    function: Callable[..., None]
    numbers: NDArray[np.int64]
    layout: Layout
    tables: tuple[NDArray[Any], ...]
    tasks: int


def goes_by_rows(
    rows: Sequence[int],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    outs: Sequence[NDArray[Any]],
) -> bool:
    """Whether L is best computed as the gradient of one component after the other.

    Three arrays are written in longer pieces than nine. Two threads, ms, at 250^3, 256^3 and 320^3: 55, 64 and 127, all
    nine at once 63, 79 and 140. In a plane, where there are four, nothing is gained.

    Parameters
    ----------
    rows, stencils, requests, outs
        As :func:`fieldgrad.kernels.launch.evaluate` takes them.

    Returns
    -------
    bool
        True for a large L of three directions that nothing else is asked for with.
    """
    return (
        len(rows) > 1
        and [(request.name, request.rows) for request in requests] == [("velocity_gradient", tuple(rows))]
        and outs[0].nbytes >= _STREAM_FROM
        and sum(stencil is not None for stencil in stencils) > 2
    )


def prepare(
    shape: tuple[int, ...],
    sources: tuple[int, ...],
    targets: tuple[int, ...],
    strides: tuple[int, ...],
    origin: int,
    dtype: np.dtype[Any],
    rows: tuple[int, ...],
    axes: tuple[int | None, ...],
    stencils: tuple[Stencil | None, ...],
    requests: tuple[Request, ...],
    fields: tuple[bool | tuple[int, ...], ...],
    difference: bool,
    threads: int,
    metric: Metric | None = None,
) -> Call:
    """Everything about a call that follows from shapes, strides and tables.

    Parameters
    ----------
    shape : tuple of int
        Shape of the output field.
    sources, targets : tuple of int
        Strides of input and output in elements.
    strides : tuple of int
        For each output three numbers, of which the last two are the strides of its components.
    origin : int
        Place of the first element of an input in its span of memory.
    dtype : numpy.dtype
        Dtype of all fields.
    rows, axes, stencils, requests, difference
        As :func:`fieldgrad.kernels.launch.evaluate` takes them.
    fields : tuple of bool or tuple of int
        For each parameter whether it is a field, or its strides where they are its own.
    threads : int
        Threads that share the tasks.
    metric : Metric, optional
        How coordinate derivatives become physical ones.

    Returns
    -------
    Call
        What is left is to hand it the memory.
    """
    total = sum(stencil.rows for stencil in stencils if stencil is not None)
    make = _kept if total <= _KEPT_ROWS else _kept.__wrapped__
    return make(
        shape,
        sources,
        targets,
        strides,
        origin,
        dtype,
        rows,
        axes,
        stencils,
        requests,
        fields,
        difference,
        threads,
        metric,
    )


@functools.lru_cache(maxsize=128)
def _kept(
    shape: tuple[int, ...],
    sources: tuple[int, ...],
    targets: tuple[int, ...],
    strides: tuple[int, ...],
    origin: int,
    dtype: np.dtype[Any],
    rows: tuple[int, ...],
    axes: tuple[int | None, ...],
    stencils: tuple[Stencil | None, ...],
    requests: tuple[Request, ...],
    fields: tuple[bool | tuple[int, ...], ...],
    difference: bool,
    threads: int,
    metric: Metric | None = None,
) -> Call:
    own = [strides for strides in fields if isinstance(strides, tuple)]
    layout = plan(shape, sources, targets, axes, stencils, own)
    rows_of_own = iter(layout.own)
    kinds = tuple(
        (CONSTANT, ALONG)[next(rows_of_own)[3]] if isinstance(field, tuple) else FIELD if field else NUMBER
        for field in fields
    )
    bounded = difference and any(stencil.bounded for stencil in stencils if stencil is not None)
    tables, form = _all_tables(layout, stencils, dtype, len(rows), centre=not difference, bounded=bounded)
    outputs = sum(max(len(one.rows), 1) * max(len(one.columns), 1) for one in requests)
    streamed = outputs * layout.points * dtype.itemsize >= _STREAM_FROM
    steps = [
        step * dtype.itemsize for first in range(1, len(strides), 3) for step in strides[first : first + 2] if step
    ]
    aliased = any(step % _ALIAS == 0 for step in steps)
    outer = sum(slot != ABSENT for slot in layout.slots[:3])
    light = all(request.name in _LIGHT for request in requests) and (outputs > 1 or outer > 0)
    staged = outputs > _DIRECT_OUTPUTS or (streamed and (light or (outputs > 1 and aliased)))
    columns = [layout.slots.index(column) if column in layout.slots else ABSENT for column in range(3)]
    fused = _is_fused(layout, form, dtype.itemsize)
    spec = _spec(
        rows,
        tuple(columns),
        outer,
        layout.slots[3] != ABSENT,
        form.half,
        form.width,
        difference,
        BOUNDARY if bounded else 0,
        kinds,
        requests,
        staged,
        metric,
        fused,
    )
    function = _compiled(spec, dtype, len(fields), len(requests), len(tables) // engine.TABLES)
    fetch = _fetched(layout, stencils, form, len(rows), outputs, staged, dtype.itemsize)
    kept = outputs * dtype.itemsize if staged else 0
    numbers, tasks = _pieces(layout, form, origin, kept, streamed, fused, threads, len(rows), fetch)
    return Call(function, numbers, layout, tables, tasks)


@dataclass(frozen=True)
class _Form:
    """What the tables of a call look like."""

    half: int
    width: int
    low: int
    high: int
    edge_width: int


def _all_tables(
    layout: Layout, stencils: Sequence[Stencil | None], dtype: np.dtype[Any], count: int, *, centre: bool, bounded: bool
) -> tuple[tuple[NDArray[Any], ...], _Form]:
    """The tables of all inputs, or of each where boundaries tell them apart: their shapes are the same."""
    if not (bounded and any(stencil.each for stencil in stencils if stencil is not None)):
        return _tables(layout, stencils, dtype, centre=centre, bounded=bounded)
    parts = []
    for number in range(count):
        own = [None if stencil is None else stencil.of(number) for stencil in stencils]
        tables, form = _tables(layout, own, dtype, centre=centre, bounded=bounded)
        parts.append(tables)
    return sum(parts, ()), form


def _tables(
    layout: Layout, stencils: Sequence[Stencil | None], dtype: np.dtype[Any], *, centre: bool, bounded: bool
) -> tuple[tuple[NDArray[Any], ...], _Form]:
    """Offsets and weights as the engine reads them: a row for each point of an outer slot, a column along the row."""
    chosen = [None if slot == ABSENT else stencils[slot] for slot in layout.slots]
    width = max([stencil.neighbours for stencil in chosen[:3] if stencil is not None], default=0)
    tables: list[NDArray[Any]] = []
    for stencil, stride in zip(chosen[:3], layout.sources, strict=True):
        if stencil is None:
            tables += [np.zeros(0, np.int64), np.zeros(0, dtype)]
        else:
            offsets, weights = _listed(stencil, 0, stencil.rows, width, centre=centre, bounded=bounded)
            tables += [_flat(offsets.T * stride, np.int64), _flat(weights.T, dtype)]
    stencil, step = chosen[3], layout.step
    if stencil is None:
        nothing = [np.zeros(0, dtype), np.zeros(0, np.int64), np.zeros(0, dtype)]
        return (*tables, *nothing), _Form(0, width + centre, 0, 0, 0)
    n, half = stencil.rows, stencil.half_width
    low, high = (half, half) if stencil.periodic else (len(stencil.lower), len(stencil.upper))
    # the centre last, as in the lists of neighbours, so that sums have one order along every axis
    taps = [stencil.band[:half], stencil.band[half + 1 :], stencil.band[half : half + 1]]
    band = np.concatenate(taps if centre else taps[:2])
    ends = [
        _listed(stencil, start, stop, None, centre=centre, bounded=bounded) for start, stop in ((0, low), (n - high, n))
    ]
    offsets = np.concatenate([offsets for offsets, _ in ends], axis=1)
    weights = np.concatenate([weights for _, weights in ends], axis=1)
    # rows of 1e8 points: a repeat of one takes longer than the kernel
    tables += [
        _flat(np.repeat(band, step, axis=1) if step > 1 else band, dtype),
        _flat(np.repeat(offsets.T * step, step, axis=0), np.int64),
        _flat(np.repeat(weights.T, step, axis=0), dtype),
    ]
    return tuple(tables), _Form(half, width + centre, low * step, high * step, len(offsets))


def _listed(
    stencil: Stencil, start: int, stop: int, width: int | None, *, centre: bool, bounded: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Neighbours of rows, and behind them what a boundary adds."""
    offsets, weights = stencil.taps(start, stop, width, centre=centre)
    if not bounded:
        return offsets, weights
    sums = stencil.row_sum[start:stop]
    known = np.zeros_like(sums) if stencil.known is None else stencil.known[start:stop]
    return np.pad(offsets, ((0, BOUNDARY), (0, 0))), np.concatenate([weights, sums[np.newaxis], known[np.newaxis]])


def _flat(table: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return np.ascontiguousarray(table, dtype).reshape(-1)


def _is_fused(layout: Layout, form: _Form, itemsize: int) -> bool:
    """Whether all derivatives of a point are computed at once."""
    width = max(form.width, 2 * form.half)
    if width <= _FUSED_WIDTH:
        return True
    loops = zip(layout.sources, layout.slots[:3], strict=True)
    # a field that is repeated along an axis has one row or plane there
    return not any(stride and stride * itemsize % _ALIAS_L2 == 0 for stride, slot in loops if slot != ABSENT)


def _pieces(
    layout: Layout,
    form: _Form,
    origin: int,
    staged: int,
    streamed: bool,
    fused: bool,
    threads: int,
    inputs: int,
    fetch: _Fetch,
) -> tuple[NDArray[np.int64], int]:
    """Cut the loops into tasks, and say so in the numbers that the engine reads.

    `staged` tells the bytes a point of outputs that are staged.
    """
    _, planes, rows, n = layout.sizes
    outer = sum(slot != ABSENT for slot in layout.slots[:3])
    block = min(n, _LONG_BLOCK if outer <= 1 else _SCRATCH_TASK if staged or not fused else _FUSED_BLOCK)
    part = min(block, engine.SCRATCH_BLOCK) if not fused or (staged and outer <= 1) else block
    tile = min(rows, _ROWS if outer <= 1 else 2 * _TILE if inputs == 1 and block < _FUSED_BLOCK else _TILE)
    blocks, tiles = -(-n // block), -(-rows // tile)
    # a sweep is cut only as far as the threads need pieces: each cut reads the planes beside it twice
    wanted = -(-8 * threads // (blocks * tiles * len(layout.batch_in)))
    least = _TILE if outer > 1 else -(-_ROWS // tile)
    chunk = max(min(planes, least), -(-planes // wanted)) if outer > 1 else min(planes, least)
    chunks = -(-planes // chunk)
    group = tile
    if staged:
        # rows of which the parts are written one after the other are not staged together
        group = min(tile, max(1, min(engine.STAGED, _STAGED // (inputs * staged)) // block)) if part == block else 1
    numbers = np.zeros(engine.ENTRIES, np.int64)
    numbers[engine.SIZES : engine.SIZES + 4] = layout.sizes
    numbers[engine.IN_STRIDES : engine.IN_STRIDES + 3] = layout.sources
    numbers[engine.OUT_STRIDES : engine.OUT_STRIDES + 3] = layout.targets
    numbers[engine.ORIGIN] = origin + layout.origin
    numbers[engine.LOW : engine.STEP + 1] = form.low, form.high, form.edge_width, layout.step
    numbers[engine.CHUNK : engine.BLOCKS + 1] = chunk, chunks, tile, tiles, block, blocks
    numbers[engine.STREAMED] = staged and streamed and n >= engine.MARGIN
    numbers[engine.PART] = part
    numbers[engine.JOINED] = blocks == 1 and layout.targets[2] == n
    numbers[engine.GROUP] = group
    numbers[engine.AHEAD : engine.NEAR + 1] = fetch.ahead, layout.slots[1] != ABSENT, fetch.strip or n, fetch.near
    if layout.own:
        strides = [stride for own in layout.own for stride in own[:3]]
        numbers = np.concatenate([numbers, strides, np.stack(layout.batch_own, axis=1).ravel()], dtype=np.int64)
    return numbers, len(layout.batch_in) * chunks * tiles * blocks


class _Fetch(NamedTuple):
    """What is fetched while a row is worked on: see the entries of the engine's layout. All 0: nothing is."""

    ahead: int = 0
    strip: int = 0
    near: int = 0


def _fetched(
    layout: Layout,
    stencils: Sequence[Stencil | None],
    form: _Form,
    inputs: int,
    outputs: int,
    staged: bool,
    itemsize: int,
) -> _Fetch:
    """The row that the next plane, or in a plane the next row, is the first to read; in strips with little else to do.

    A row is the first to read the neighbour that is farthest along the slowest axis.
    """
    if layout.points * itemsize < _FETCH_FROM:
        return _Fetch()
    h, k, j = layout.sources
    for stride, step, slot in ((h, k, layout.slots[0]), (k, k, layout.slots[1]), (j, j, layout.slots[2])):
        stencil = None if slot == ABSENT else stencils[slot]
        if stencil is None:
            continue
        farthest = stencil.half_width * stride
        if form.width <= _STRIPPED_WIDTH and (inputs > 2 if staged else outputs == 1):
            strip = engine.STRIP_LINES * _LINE // itemsize
            return _Fetch(farthest + step, strip, farthest + strip)
        if staged or (form.width > _STRIPPED_WIDTH and layout.slots[1] != ABSENT):
            return _Fetch(farthest + step)
        break
    return _Fetch()


@functools.lru_cache(maxsize=512)
def _spec(
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    outer: int,
    inner: bool,
    half: int,
    width: int,
    difference: bool,
    extra: int,
    fields: tuple[int, ...],
    requests: tuple[Request, ...],
    staged: bool,
    metric: Metric | None,
    fused: bool,
) -> Spec:
    chosen = tuple(point_of(request) for request in requests)
    return Spec(rows, columns, outer, inner, half, width, difference, extra, fields, chosen, staged, metric, fused)


def point_of(request: Request) -> Point:
    """The point function of a request, as a kernel is compiled for it."""
    parts = (request.rows, request.columns, request.parameters, request.plane)
    if request.function is None:
        return Point(_BUILT_IN[request.name], request.name, *parts)
    rank = bool(request.rows) + bool(request.columns)
    return Point(user.compiled(request.name, request.function, rank, len(request.parameters)), request.name, *parts)


@functools.cache
def _check_processor() -> None:
    features = llvmlite.binding.get_host_cpu_features()
    if features and "fma" in features and not features["fma"]:
        warnings.warn(
            "this processor has no fused multiply-add: fieldgrad computes it in software, with the same bits, many "
            "times slower",
            RuntimeWarning,
            stacklevel=2,
        )


@functools.cache
def _compiled(spec: Spec, dtype: np.dtype[Any], parameters: int, outs: int, groups: int) -> Callable[..., None]:
    """Entry point of the kernel for these types: loaded from the disk cache, or compiled.

    It is called directly, since numba's dispatch costs several microseconds for each argument whose type it has to
    find.
    """
    numbers, integers = Span(numba.from_dtype(dtype)), Span(types.int64)
    signature = types.void(
        spec,
        numbers,
        numbers,
        numbers,
        types.UniTuple(numbers, parameters) if parameters else types.Tuple(()),
        types.UniTuple(numbers, outs),
        types.UniTuple(types.int64, 3 * outs),
        integers,
        integers,
        integers,
        types.Tuple(((integers, numbers) * 3 + (numbers, integers, numbers)) * groups),
        types.int64,
        types.int64,
        numbers,
    )
    entry, scratch = entry_point(engine.sweep, signature), engine.STAGED_FROM + spec.staged_outputs * engine.PITCH

    def run(*arguments: Any) -> None:
        entry(*arguments, np.empty(scratch, dtype))

    return run


def entry_point(function: Any, signature: Any) -> Callable[..., None]:
    """Load a kernel for some types from the disk cache, or compile it."""
    if INTERPRETED:
        return lambda _, *arguments: function(signature.args[0], *arguments)
    _check_processor()
    call = progress.open_call()
    if call is not None:
        call.begin("compiling")
    with _collector_at_rest():
        entry: Callable[..., None] = function.compile(signature)
    if call is not None:
        call.begin("computing")
    return entry


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No search for cyclic garbage: among the many objects of a compiler it takes an eighth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
