# SPDX-License-Identifier: BSD-3-Clause
"""The engine: one loop nest for every dimension, axis, accuracy, edge, operator and quantity.

Memory is walked as rows: four slots 0, 1, 2, 3 from the slowest loop to the contiguous row. Along an outer slot a row
has a list of neighbour rows (offsets in elements) with one weight each, which tells interior, edge and periodic wrap
alike. Along the row, the interior has constant offsets and a weight for each point; the few points near its ends have a
list each.

A task is a pencil: a tile of slot 2 and a block of the row, swept along slots 0 and 1, so that the planes of a stencil
stay in cache. Tasks are independent, and any range of them may be run by any thread.

`_fused_row` computes all derivatives of a point at once and keeps them in registers. `_scratch_row` fills one short row
of scratch for each derivative, then evaluates the points from it: with wide stencils it is the faster one where rows or
planes lie apart by a multiple of what a way of a cache holds (see `call`). Both give the same bits.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import overload

from fieldgrad.kernels._jit import INLINED, called, inlined, kernel
from fieldgrad.kernels.arithmetic import fma, like
from fieldgrad.kernels.memory import (
    fence,
    load,
    load_scratch,
    prefetch,
    prefetch_near,
    prefetch_written,
    store,
    store_scratch,
    stream,
    stream_lanes,
    until_aligned,
)
from fieldgrad.kernels.spec import (
    DERIVATIVE_ROWS,
    parameters_of,
    physical,
    places_of,
    points_of,
    seen_by,
    select,
    shape_of,
    store_value,
    tail,
    tensor,
)

# Entries of `layout`.
SIZES = 0  # of slots 0, 1, 2 and of the row
IN_STRIDES = 4  # of slots 0, 1, 2
OUT_STRIDES = 7  # of slots 0, 1, 2
ORIGIN = 10  # element of an input that belongs to the first point of the output
LOW, HIGH, EDGE_WIDTH = (
    11,
    12,
    13,
)  # points near the ends of the row, and the length of their lists of neighbours
STEP = 14  # elements between neighbours along the row: above 1 where faster dimensions have been merged into it
CHUNK, CHUNKS, TILE, TILES, BLOCK, BLOCKS = 15, 16, 17, 18, 19, 20  # pieces of slot 1, slot 2 and the row
STREAMED = 21  # whether staged outputs bypass the caches
PART = 22  # points of a row that are worked on at a time
JOINED = 23  # whether a row of the outputs begins where the one before it ends
GROUP = 24  # rows that are staged before they are written
# Elements to the row that the next plane, or in a plane the next row, is the first to read, which is fetched meanwhile
# (0: none is), and the last planes of a sweep from which nothing is.
AHEAD, UNFETCHED = 25, 26
# Points of a row before which a strip of what lies ahead is fetched, and elements from there to the next strip of the
# row that this row is the first to read, which is fetched into the nearest cache (0: none is), with the output below
# where that is not staged. The loop over a strip of so many cache lines is compiled by itself.
STRIP, NEAR = 27, 28
STRIP_LINES = 4
# Behind these, for parameters with strides of their own: the strides of slots 0, 1, 2 of each, then its offset in each
# batch.
ENTRIES = 29

# Tables of one input; inputs with boundaries of their own have as many each.
TABLES = 9

# Longest part of a row of which scratch holds derivatives: nine rows of float64 take 18 kB, and stay in the L1 cache.
SCRATCH_BLOCK = 256
# Distance of rows of scratch: an odd number of cache lines, which keeps them from falling into one cache set.
SCRATCH_PITCH = SCRATCH_BLOCK + 24
# Where staged values begin: behind derivatives.
STAGED_FROM = DERIVATIVE_ROWS * SCRATCH_PITCH
# Before the staged values of each output there is room for what those before have left of a cache line.
MARGIN = 16
# Values of an output that are staged at most, and the distance of outputs there: known to the compiler, which needs one
# register for all of them then (18 outputs: a fifth slower where it is not), and of cache lines that spread over the
# sets of an L1 cache, in both precisions.
STAGED = 4096
PITCH = STAGED + 304


@inlined
def _row_difference(spec: Any, f: Any, at: Any, centre: Any, offsets: Any, weights: Any, first: Any) -> Any:
    """Derivative along an outer slot: neighbours are points of other rows, with one weight all along the row."""
    total = load(weights, first) * (load(f, at + load(offsets, first)) - centre)
    for s in range(1, spec.width):
        total = fma(load(weights, first + s), load(f, at + load(offsets, first + s)) - centre, total)
    return _with_boundary(spec, centre, weights, first + spec.width, total)


@inlined
def _with_boundary(spec: Any, centre: Any, weights: Any, at: Any, total: Any) -> Any:
    """What a boundary adds: the centre beside what is known there, times the sum of the row."""
    return fma(load(weights, at), centre - load(weights, at + 1), total) if spec.extra else total


@inlined
def _band_difference(spec: Any, f: Any, at: Any, centre: Any, weights: Any, i: Any, n: Any, step: Any) -> Any:
    """Derivative along the row, inside: the offsets are constant, each point has its own weights."""
    half = spec.half
    total = load(weights, i) * (load(f, at - half * step) - centre)
    if spec.difference:
        for s in range(1, 2 * half):
            shift = s - half if s < half else s - half + 1
            total = fma(load(weights, s * n + i), load(f, at + shift * step) - centre, total)
    else:
        for s in range(1, 2 * half + 1):
            shift = s - half if s < half else (s - half + 1 if s < 2 * half else 0)
            total = fma(load(weights, s * n + i), load(f, at + shift * step) - centre, total)
    return total


@inlined
def _edge_difference(
    spec: Any, f: Any, at: Any, centre: Any, offsets: Any, weights: Any, first: Any, width: Any
) -> Any:
    """Derivative along the row near its ends: each point has its own list of neighbours."""
    count = width - spec.extra
    total = load(weights, first) * (load(f, at + load(offsets, first)) - centre)
    for s in range(1, count):
        total = fma(load(weights, first + s), load(f, at + load(offsets, first + s)) - centre, total)
    return _with_boundary(spec, centre, weights, first + count, total)


@inlined
def _centre(spec: Any, f: Any, at: Any) -> Any:
    value = load(f, at)
    return value if spec.difference else like(0.0, value)


@inlined
def _outer_differences(spec: Any, f: Any, at: Any, centre: Any, tables: Any, first: Any) -> Any:
    zero = like(0.0, centre)
    a = _row_difference(spec, f, at, centre, tables[0], tables[1], first[0]) if spec.along_0 else zero
    b = _row_difference(spec, f, at, centre, tables[2], tables[3], first[1]) if spec.along_1 else zero
    c = _row_difference(spec, f, at, centre, tables[4], tables[5], first[2]) if spec.along_2 else zero
    return a, b, c


@inlined
def _inside(spec: Any, f: Any, at: Any, i: Any, n: Any, step: Any, tables: Any, first: Any) -> Any:
    """Derivatives along the four slots at a point inside the row."""
    centre = _centre(spec, f, at)
    a, b, c = _outer_differences(spec, f, at, centre, tables, first)
    d = _band_difference(spec, f, at, centre, tables[6], i, n, step) if spec.inner else like(0.0, centre)
    return a, b, c, d


@inlined
def _near_end(spec: Any, f: Any, at: Any, edge: Any, width: Any, tables: Any, first: Any) -> Any:
    """Derivatives along the four slots at a point near an end of the row."""
    centre = _centre(spec, f, at)
    a, b, c = _outer_differences(spec, f, at, centre, tables, first)
    zero = like(0.0, centre)
    d = _edge_difference(spec, f, at, centre, tables[7], tables[8], edge * width, width) if spec.inner else zero
    return a, b, c, d


def _of_field(tables: Any, number: Any) -> Any:
    """The tables of one input: its own, or those of all."""
    return _of_field_compiled(tables, types.literal(number))(tables, number)


@overload(_of_field, jit_options=INLINED, prefer_literal=True)
def _of_field_compiled(tables: Any, number: Any) -> Any:
    first = number.literal_value * TABLES % len(tables)  # those of all, or for an absent input, which is not read
    last = first + TABLES

    def whole(tables: Any, number: Any) -> Any:
        return tables

    def part(tables: Any, number: Any) -> Any:
        return tables[first:last]

    return whole if len(tables) == TABLES else part


def _emit(points: Any, L: Any, parameters: Any, outs: Any, strides: Any, at: Any, g: Any, i: Any) -> None:
    """Evaluate every point function and store its value."""
    _emit_compiled(points, L, parameters, outs, strides, at, g, i)(points, L, parameters, outs, strides, at, g, i)


@overload(_emit, jit_options=INLINED)
def _emit_compiled(points: Any, L: Any, parameters: Any, outs: Any, strides: Any, at: Any, g: Any, i: Any) -> Any:
    if not points.points:

        def nothing(points: Any, L: Any, parameters: Any, outs: Any, strides: Any, at: Any, g: Any, i: Any) -> None:
            pass

        return nothing
    function = points.points[0].function

    def direct(points: Any, L: Any, parameters: Any, outs: Any, strides: Any, at: Any, g: Any, i: Any) -> None:
        value = function(seen_by(points, L), *select(points, parameters))
        store_value(points, outs[0], at, strides[:3], value)
        _emit(tail(points), L, parameters, outs[1:], strides[3:], at, g, i)

    def staged(points: Any, L: Any, parameters: Any, outs: Any, strides: Any, at: Any, g: Any, i: Any) -> None:
        _, columns, row = shape_of(points)
        value = function(seen_by(points, L), *select(points, parameters))
        store_value(points, g, i, (STAGED_FROM + row * PITCH + MARGIN, columns * PITCH, PITCH), value)
        _emit(tail(points), L, parameters, outs[1:], strides[3:], at, g, i)

    return staged if points.staged else direct


@called
def _copy_staged(
    out: Any, place: Any, component: Any, direction: Any, g: Any, first: Any,
    rows: Any, columns: Any, n: Any,
) -> None:  # fmt: skip
    """Copy staged values to memory. Knows nothing of the spec, so that it is compiled once for all kernels."""
    for r in range(rows):
        for c in range(columns):
            target = place + r * component + c * direction
            source = first + (r * columns + c) * PITCH
            for i in range(n):
                store(out, target + i, load_scratch(g, source + i))


@called
def _stream_staged(
    out: Any, place: Any, component: Any, direction: Any, g: Any, first: Any,
    rows: Any, columns: Any, n: Any, opens: Any, closes: Any,
) -> None:  # fmt: skip
    """The same past the caches, in whole lines: what is left of one is kept for the row that goes on there.

    A line of which a part is streamed and the rest stored costs as much as many: six arrays in rows of 256 (two
    threads) are written in 14.5 ms, in 24 ms where the ends of each row are stored.
    """
    half = stream_lanes(out)
    line = 2 * half
    for r in range(rows):
        for c in range(columns):
            target = place + r * component + c * direction
            source = first + (r * columns + c) * PITCH
            head = until_aligned(out, target)
            if opens:
                for i in range(head):
                    store(out, target + i, load_scratch(g, source + i))
            elif head > 0:
                head -= line  # with what the row before has left
            vectors = (n - head) // line * 2
            for i in range(vectors):
                stream(out, target + head + i * half, g, source + head + i * half)
            for i in range(head + vectors * half, n):
                if closes:
                    store(out, target + i, load_scratch(g, source + i))
                else:
                    store_scratch(g, source + i - n, load_scratch(g, source + i))


def _flush(
    points: Any, outs: Any, strides: Any, target: Any, g: Any, i: Any, n: Any,
    streamed: Any, opens: Any, closes: Any,
) -> None:  # fmt: skip
    """Copy staged values to memory, one output after the other."""
    chosen = _flush_compiled(points, outs, strides, target, g, i, n, streamed, opens, closes)
    chosen(points, outs, strides, target, g, i, n, streamed, opens, closes)


@overload(_flush, jit_options=INLINED)
def _flush_compiled(
    points: Any, outs: Any, strides: Any, target: Any, g: Any, i: Any, n: Any,
    streamed: Any, opens: Any, closes: Any,
) -> Any:  # fmt: skip
    if not (points.points and points.staged):

        def nothing(
            points: Any, outs: Any, strides: Any, target: Any, g: Any, i: Any, n: Any,
            streamed: Any, opens: Any, closes: Any,
        ) -> None:  # fmt: skip
            pass

        return nothing

    def flush(
        points: Any, outs: Any, strides: Any, target: Any, g: Any, i: Any, n: Any,
        streamed: Any, opens: Any, closes: Any,
    ) -> None:  # fmt: skip
        rows, columns, row = shape_of(points)
        place, first = target + strides[0], STAGED_FROM + row * PITCH + MARGIN + i
        if streamed:
            _stream_staged(outs[0], place, strides[1], strides[2], g, first, rows, columns, n, opens, closes)
        else:
            _copy_staged(outs[0], place, strides[1], strides[2], g, first, rows, columns, n)
        _flush(tail(points), outs[1:], strides[3:], target, g, i, n, streamed, opens, closes)

    return flush


def _make_fetch(fetched: Any) -> Any:
    @inlined
    def fetch(spec: Any, u: Any, v: Any, w: Any, first: Any, last: Any) -> None:
        """Begin to read a part of a row of each input."""
        for at in range(first, last, 2 * stream_lanes(u)):
            fetched(u, at)
            if spec.count > 1:
                fetched(v, at)
            if spec.count > 2:
                fetched(w, at)

    return fetch


_fetch, _fetch_near = _make_fetch(prefetch), _make_fetch(prefetch_near)


@inlined
def _point(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, g: Any,
    source: Any, target: Any, places: Any, staged: Any, n: Any, step: Any, tables: Any, first: Any, i: Any,
) -> None:  # fmt: skip
    """All of a point inside the row."""
    at = source + i
    a = _inside(spec, u, at, i, n, step, _of_field(tables, 0), first)
    b = _inside(spec, v, at, i, n, step, _of_field(tables, 1), first) if spec.count > 1 else a
    c = _inside(spec, w, at, i, n, step, _of_field(tables, 2), first) if spec.count > 2 else a
    values = parameters_of(spec, parameters, places, target, i)
    L = physical(spec, tensor(spec, a, b, c), values)
    _emit(points_of(spec), L, values, outs, strides, target + i, g, staged + i)


def _fused_row(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, g: Any,
    source: Any, target: Any, places: Any, start: Any, stop: Any,
    staged: Any, layout: Any, tables: Any, first: Any, ahead: Any,
) -> None:  # fmt: skip
    n, low, high, step = load(layout, SIZES + 3), load(layout, LOW), load(layout, HIGH), load(layout, STEP)
    width = load(layout, EDGE_WIDTH)
    tables_u, tables_v, tables_w = _of_field(tables, 0), _of_field(tables, 1), _of_field(tables, 2)
    points = points_of(spec)
    begin, outside, line = max(start, low), min(stop, n - high), 2 * stream_lanes(g)
    strip, near, step_in = load(layout, STRIP), load(layout, NEAR), load(layout, IN_STRIDES + 2)
    below = target + strides[0] + load(layout, OUT_STRIDES + 2)
    # Where rows lie alike, from a cache line on: a vector across two costs as much as two. Two threads, ms, the Q
    # criterion at 256^3 and 320^3: 39 and 65, 36 and 55 so.
    alike = step_in % line == 0 and outside - begin > 2 * line and (stop - start == n or not spec.staged)
    head = until_aligned(u, source + begin) if alike else 0
    here = begin
    while here < outside:
        # whole vectors: rather some points twice than some by themselves
        if head > 0:
            end, following, head = here + line, here + head, 0
        elif outside - here >= line:
            end = here + min(strip, (outside - here) // line * line)
            following = end
        else:
            here, end, following = max(begin, outside - line), outside, outside
        if ahead > 0:
            _fetch(spec, u, v, w, source + ahead + here, source + ahead + end)
        if near > 0:
            _fetch_near(spec, u, v, w, source + near + here, source + near + end)
            if not spec.staged:
                for i in range(here, end, line):
                    prefetch_written(outs[0], below + i)
        # the same twice: a loop of known length begins at less cost (the Q criterion at 250^3 24 ms instead of 26)
        if end - here == STRIP_LINES * line:
            for i in range(STRIP_LINES * line):
                _point(
                    spec, u, v, w, parameters, outs, strides, g, source, target, places,
                    staged, n, step, tables, first, here + i,
                )  # fmt: skip
        else:
            for i in range(here, end):
                _point(
                    spec, u, v, w, parameters, outs, strides, g, source, target, places,
                    staged, n, step, tables, first, i,
                )  # fmt: skip
        here = following
    for edge in range(low + high):
        i = edge if edge < low else n - high - low + edge
        if start <= i < stop:
            at = source + i
            a = _near_end(spec, u, at, edge, width, tables_u, first)
            b = _near_end(spec, v, at, edge, width, tables_v, first) if spec.count > 1 else a
            c = _near_end(spec, w, at, edge, width, tables_w, first) if spec.count > 2 else a
            values = parameters_of(spec, parameters, places, target, i)
            _emit(
                points,
                physical(spec, tensor(spec, a, b, c), values),
                values,
                outs,
                strides,
                target + i,
                g,
                staged + i,
            )


@called
def _fill(
    spec: Any,
    f: Any,
    g: Any,
    row: Any,
    source: Any,
    start: Any,
    stop: Any,
    layout: Any,
    tables: Any,
    first: Any,
) -> None:
    """Derivatives of one input along the four slots, into four rows of scratch."""
    if spec.along_0:
        for i in range(start, stop):
            at = source + i
            value = _row_difference(spec, f, at, _centre(spec, f, at), tables[0], tables[1], first[0])
            store_scratch(g, row * SCRATCH_PITCH + i - start, value)
    if spec.along_1:
        for i in range(start, stop):
            at = source + i
            value = _row_difference(spec, f, at, _centre(spec, f, at), tables[2], tables[3], first[1])
            store_scratch(g, (row + 1) * SCRATCH_PITCH + i - start, value)
    if spec.along_2:
        for i in range(start, stop):
            at = source + i
            value = _row_difference(spec, f, at, _centre(spec, f, at), tables[4], tables[5], first[2])
            store_scratch(g, (row + 2) * SCRATCH_PITCH + i - start, value)
    if spec.inner:
        n, low, high, step, width = (
            load(layout, SIZES + 3),
            load(layout, LOW),
            load(layout, HIGH),
            load(layout, STEP),
            load(layout, EDGE_WIDTH),
        )
        for i in range(max(start, low), min(stop, n - high)):
            at = source + i
            value = _band_difference(spec, f, at, _centre(spec, f, at), tables[6], i, n, step)
            store_scratch(g, (row + 3) * SCRATCH_PITCH + i - start, value)
        for edge in range(low + high):
            i = edge if edge < low else n - high - low + edge
            if start <= i < stop:
                at = source + i
                value = _edge_difference(spec, f, at, _centre(spec, f, at), tables[7], tables[8], edge * width, width)
                store_scratch(g, (row + 3) * SCRATCH_PITCH + i - start, value)


@inlined
def _filled(g: Any, row: Any, i: Any) -> Any:
    return (
        load_scratch(g, row * SCRATCH_PITCH + i),
        load_scratch(g, (row + 1) * SCRATCH_PITCH + i),
        load_scratch(g, (row + 2) * SCRATCH_PITCH + i),
        load_scratch(g, (row + 3) * SCRATCH_PITCH + i),
    )


def _scratch_row(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, g: Any,
    source: Any, target: Any, places: Any, start: Any, stop: Any,
    staged: Any, layout: Any, tables: Any, first: Any, ahead: Any,
) -> None:  # fmt: skip
    if ahead > 0:
        _fetch(spec, u, v, w, source + ahead + start, source + ahead + stop)
    row = start - start  # not the literal 0: numba would compile the helpers once for each literal
    _fill(spec, u, g, row, source, start, stop, layout, _of_field(tables, 0), first)
    if spec.count > 1:
        _fill(spec, v, g, row + 4, source, start, stop, layout, _of_field(tables, 1), first)
    if spec.count > 2:
        _fill(spec, w, g, row + 8, source, start, stop, layout, _of_field(tables, 2), first)
    points = points_of(spec)
    for i in range(stop - start):
        values = parameters_of(spec, parameters, places, target, start + i)
        L = tensor(spec, _filled(g, row, i), _filled(g, row + 4, i), _filled(g, row + 8, i))
        _emit(points, physical(spec, L, values), values, outs, strides, target + start + i, g, staged + start + i)


def _row(*arguments: Any) -> None:
    _row_compiled(*arguments)(*arguments)


@overload(_row, jit_options=INLINED)
def _row_compiled(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, g: Any,
    source: Any, target: Any, places: Any, start: Any, stop: Any,
    staged: Any, layout: Any, tables: Any, first: Any, ahead: Any,
) -> Any:  # fmt: skip
    return _fused_row if spec.fused else _scratch_row


@inlined
def _write_rows(
    points: Any, outs: Any, strides: Any, target: Any, step: Any, g: Any, rows: Any, n: Any,
    joined: Any, streamed: Any, opens: Any, closes: Any,
) -> None:  # fmt: skip
    """Write staged rows: in one go where each begins where the one before it ends."""
    pieces = 1 if joined else rows
    length = rows * n // pieces
    for r in range(pieces):
        _flush(points, outs, strides, target + r * step, g, r * length, length, streamed, opens, closes)


@kernel
def sweep(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, layout: Any,
    batch_in: Any, batch_out: Any, tables: Any, begin: Any, end: Any, g: Any,
) -> None:  # fmt: skip
    """Run the tasks ``begin ... end - 1``.

    All arrays are one-dimensional and contiguous spans of memory; fields are told apart by strides in elements.

    Parameters
    ----------
    spec : Spec
        What is compiled in.
    u, v, w : array
        Inputs; those that the spec does not count repeat the first.
    parameters : tuple of array
        Parameters of the points: spans like the outputs, spans with strides of their own, or arrays of one number.
    outs : tuple of array
        Outputs, one for each point.
    strides : tuple of int
        For each output its origin and the strides of its component and direction.
    layout : array of int64
        See the constants of this module.
    batch_in, batch_out : array of int64
        Offsets of all combinations of further dimensions.
    tables : tuple of array
        Offsets and weights of slots 0, 1 and 2; weights of the row; offsets and weights of its ends. As many for each
        input where these have tables of their own.
    begin, end : int
        Range of tasks.
    g : array
        Scratch of this thread: rows of derivatives, then the staged values of each output, `PITCH` numbers apart.
    """
    width = spec.width + spec.extra
    chunk, chunks, tile, tiles = load(layout, CHUNK), load(layout, CHUNKS), load(layout, TILE), load(layout, TILES)
    block, blocks, part = load(layout, BLOCK), load(layout, BLOCKS), load(layout, PART)
    group, ahead, unfetched = load(layout, GROUP), load(layout, AHEAD), load(layout, UNFETCHED)
    step_in, step_out = load(layout, IN_STRIDES + 2), load(layout, OUT_STRIDES + 2)
    joined, streamed = load(layout, JOINED), load(layout, STREAMED)
    for task in range(begin, end):
        start = task % blocks * block
        last_i = min(start + block, load(layout, SIZES + 3))
        rest = task // blocks
        first_j = rest % tiles * tile
        last_j = min(first_j + tile, load(layout, SIZES + 2))
        rest //= tiles
        first_k = rest % chunks * chunk
        last_k = min(first_k + chunk, load(layout, SIZES + 1))
        batch = rest // chunks
        for h in range(load(layout, SIZES)):
            for k in range(first_k, last_k):
                source = load(layout, ORIGIN) + load(batch_in, batch)
                source += h * load(layout, IN_STRIDES) + k * load(layout, IN_STRIDES + 1)
                target = load(batch_out, batch) + h * load(layout, OUT_STRIDES) + k * load(layout, OUT_STRIDES + 1)
                fetched = ahead if k + unfetched < last_k else 0
                for begin_j in range(first_j, last_j, group):
                    end_j = min(begin_j + group, last_j)
                    for first_i in range(start, last_i, part):
                        stop_i = min(first_i + part, last_i)
                        n = stop_i - first_i
                        for j in range(begin_j, end_j):
                            _row(
                                spec, u, v, w, parameters, outs, strides, g,
                                source + j * step_in, target + j * step_out,
                                places_of(spec, layout, ENTRIES, batch, h, k, j),
                                first_i, stop_i, (j - begin_j) * n - first_i,
                                layout, tables, (h * width, k * width, j * width), fetched,
                            )  # fmt: skip
                        if spec.staged:
                            _write_rows(
                                points_of(spec), outs, strides, target + begin_j * step_out + first_i, step_out,
                                g, end_j - begin_j, n, joined, streamed,
                                first_i == start and (not joined or begin_j == first_j),
                                stop_i == last_i and (not joined or end_j == last_j),
                            )  # fmt: skip
    if streamed:
        fence()
