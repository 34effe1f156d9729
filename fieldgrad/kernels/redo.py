# SPDX-License-Identifier: BSD-3-Clause
"""Points beside holes, done again after the plain kernel.

A plan lists them. It follows from the valid points and the tables alone, so that a grid whose mask does not change
makes it once. Memory is walked as lines along the fastest dimension: each line has the places of its points to redo,
with the codes of their windows along x, y and z, and the places of its holes, which become NaN in every output.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from fieldgrad.kernels._jit import called, inlined, kernel
from fieldgrad.kernels.arithmetic import like
from fieldgrad.kernels.call import BOUNDARY, Request, entry_point, point_of
from fieldgrad.kernels.engine import TABLES, _centre, _emit, _of_field, _outer_differences
from fieldgrad.kernels.layout import empty_like, memory_order, span
from fieldgrad.kernels.memory import Span, load, load_scratch, store, store_scratch
from fieldgrad.kernels.spec import (
    ABSENT,
    CONSTANT,
    FIELD,
    NUMBER,
    Metric,
    Spec,
    parameters_of,
    physical,
    places_of,
    points_of,
    tensor,
)
from fieldgrad.kernels.threads import share
from fieldgrad.masks import FIRST, PLAIN, Holes, Rule, footprint, neighbours, tabulate, width
from fieldgrad.stencils import Stencil

# Points whose values are looked at by one task.
_BLOCK = 1 << 16
# Plans that a grid keeps: of first derivatives, of second ones, and of each for a field on fewer dimensions.
_PLANS = 4
# Entries of `limits` for each row of an axis.
NEED_LEFT, NEED_RIGHT, LEFT, RIGHT, LIMITS = 0, 1, 2, 3, 4
# Entries of `places` for each line: first elements of input and output, then the rows along x, y and z.
SOURCE, TARGET, ROW, PLACES = 0, 1, 2, 5


@kernel
def _find_valid(masked: Any, mask: Any, u: Any, v: Any, w: Any, valid: Any, begin: Any, end: Any) -> None:
    """Which values are finite: only then is a number less itself zero."""
    for block in range(begin, end):
        stop = min((block + 1) * _BLOCK, len(valid))
        for i in range(block * _BLOCK, stop):
            a, b, c = load(u, i), load(v, i), load(w, i)
            store(valid, i, np.uint8((a - a == 0) & (b - b == 0) & (c - c == 0)))
        if masked:
            for i in range(block * _BLOCK, stop):
                store_scratch(valid, i, np.uint8(load_scratch(valid, i) & load(mask, i)))


def find_valid(fields: Sequence[NDArray[Any]], holes: Holes) -> NDArray[np.uint8]:
    """Points that are valid by the mask and, where values count, by all fields; in the memory order of the fields."""
    first = fields[0]
    valid = empty_like(first, first.shape, dtype=np.uint8)
    order = memory_order(valid)
    flat = valid.transpose(order).reshape(-1)
    mask = None
    if holes.mask is not None:
        mask = np.ascontiguousarray(holes.mask.transpose(order)).reshape(-1).view(np.uint8)
    if not holes.by_value:
        flat[...] = 1 if mask is None else mask
        return valid
    rows = [field.transpose(order) for field in fields]
    if first.dtype.kind == "c" or not all(row.flags.c_contiguous and row.dtype.isnative for row in rows):
        flat[...] = 1 if mask is None else mask
        for field in fields:
            valid &= np.isfinite(field)
        return valid
    inputs = [_read_only(row.reshape(-1)) for row in rows]
    given = _read_only(flat if mask is None else mask)
    arguments = (mask is not None, given, inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1], flat)
    share(_find_valid, arguments, -(-len(flat) // _BLOCK), len(flat))
    return valid


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view that one kernel is compiled for, whatever memory it is of."""
    view = array.view()
    view.flags.writeable = False
    return view


@kernel
def _count(
    valid: Any, n: Any, along: Any, first: Any, places: Any, reach: Any, offsets: Any, limits: Any,
    inside: Any, dirty: Any, dirty_count: Any, hole_count: Any, begin: Any, end: Any,
) -> None:  # fmt: skip
    """Mark the valid points of each line whose plain stencils touch a hole, and count these points and the holes."""
    one = np.uint8(1)
    for line in range(begin, end):
        base, target = load(first, line), line * n
        holes = 0
        for i in range(n):
            holes += load(valid, base + i) ^ one
            store_scratch(dirty, target + i, np.uint8(0))
        for c in range(3):
            if c == along:
                continue
            row = load(places, PLACES * line + ROW + c)
            for side in range(2):
                for k in range(load(limits[c], LIMITS * row + NEED_LEFT + side)):
                    place = base + load(offsets[c], (2 * row + side) * reach + k)
                    for i in range(n):
                        missing = load(valid, place + i) ^ one
                        store_scratch(dirty, target + i, np.uint8(load_scratch(dirty, target + i) | missing))
        if along >= 0:
            table, limit = offsets[along], limits[along]
            low, high, band = inside
            for shift in range(-band, band + 1):
                if shift:
                    for i in range(low, high):
                        missing = load(valid, base + i + shift) ^ one
                        store_scratch(dirty, target + i, np.uint8(load_scratch(dirty, target + i) | missing))
            for edge in range(low + n - high):
                i = edge if edge < low else high + edge - low
                for side in range(2):
                    for k in range(load(limit, LIMITS * i + NEED_LEFT + side)):
                        if not load(valid, base + i + load(table, (2 * i + side) * reach + k)):
                            store_scratch(dirty, target + i, one)
        count: Any = 0
        for i in range(n):
            marked = np.uint8(load_scratch(dirty, target + i) & load(valid, base + i))
            store_scratch(dirty, target + i, marked)
            count += np.int64(marked)
        store(dirty_count, line, np.int64(count))
        store(hole_count, line, np.int64(holes))


@inlined
def _run(valid: Any, at: Any, offsets: Any, start: Any, reach: Any, most: Any) -> Any:
    """Length of the valid run on one side of a point, without branches."""
    alive, length = np.int64(1), np.int64(0)
    for k in range(reach):
        alive &= np.int64(load(valid, at + load(offsets, start + k)))
        length += alive
    return min(length, most)


@kernel
def _fill(
    valid: Any, n: Any, along: Any, first: Any, places: Any, reach: Any, offsets: Any, limits: Any, tables: Any,
    kinds: Any, dirty: Any, starts: Any, hole_starts: Any, columns: Any, codes: Any, holes: Any, counts: Any,
    used: Any, begin: Any, end: Any,
) -> None:  # fmt: skip
    """List the points of each line to redo with the codes of their windows, and the holes."""
    marked = np.empty(n + 1, np.int32)
    for line in range(begin, end):
        base = load(first, line)
        there = load(hole_starts, line)
        if load(hole_starts, line + 1) > there:
            # of each point a place is written, and kept where there is a hole: no branch to mispredict
            count = 0
            for i in range(n):
                marked[count] = i
                count += 1 - load(valid, base + i)
            for k in range(count):
                holes[there + k] = marked[k]
        start = load(starts, line)
        if load(starts, line + 1) == start:
            continue
        count = 0
        for i in range(n):
            marked[count] = i
            count += load(dirty, line * n + i)
        kept = 0
        for k in range(count):
            i = marked[k]
            at = base + i
            packed, plain = np.uint32(0), True
            for c in range(3):
                row = load(places, PLACES * line + ROW + c)
                if c == along:
                    row += i
                limit = LIMITS * row
                a = _run(valid, at, offsets[c], 2 * row * reach, reach, load(limits[c], limit + LEFT))
                b = _run(valid, at, offsets[c], (2 * row + 1) * reach, reach, load(limits[c], limit + RIGHT))
                fits = (a >= load(limits[c], limit + NEED_LEFT)) & (b >= load(limits[c], limit + NEED_RIGHT))
                code = np.uint8(PLAIN) if fits else load(tables[c], a * (reach + 1) + b)
                store(used[c], row * kinds[c] + code, np.uint8(1))
                packed |= np.uint32(code) << np.uint32(8 * c)
                plain &= fits
            columns[start + kept] = i
            codes[start + kept] = packed
            kept += 0 if plain else 1
        store(counts, line, np.int64(kept))


@dataclass(frozen=True, eq=False)
class Plan:
    """The points to redo.

    Parameters
    ----------
    order : tuple of int
        Dimensions of the fields from the slowest to the fastest in memory; lines run along the last.
    along : int
        Which of x, y, z runs along the lines, or -1.
    shape : tuple of int
        Lengths of the dimensions of the output, in that order.
    rows : ndarray of int64, shape (lines, 3)
        For each line the rows of the tables along x, y and z; 0 along the line.
    starts, counts : ndarray of int64
        Where the points of each line begin in the lists, and how many they are.
    columns : ndarray of int32
        Places of the points in their lines.
    codes : ndarray of uint32
        Codes of their windows along x, y and z, a byte each.
    hole_starts : ndarray of int64
        Where the holes of each line begin.
    holes : ndarray of int32
        Places of the holes in their lines.
    used : tuple of ndarray of uint8
        For x, y and z which windows are needed, shape (rows, codes).
    """

    order: tuple[int, ...]
    along: int
    shape: tuple[int, ...]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]
    columns: NDArray[np.int32]
    codes: NDArray[np.uint32]
    hole_starts: NDArray[np.int64]
    holes: NDArray[np.int32]
    used: tuple[NDArray[np.uint8], ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (len(self.holes) or self.counts.any())


def survey(
    valid: NDArray[np.uint8],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    rules: Sequence[Rule | None],
) -> Plan:
    """Find the points whose plain stencils touch a hole, and their windows.

    Parameters
    ----------
    valid : ndarray of uint8
        Valid points of the fields, those around a block included.
    axes, stencils : sequence
        As :func:`fieldgrad.kernels.launch.evaluate` takes them.
    rules : sequence of Rule or None
        Likewise for x, y and z.

    Returns
    -------
    Plan
        What to redo.
    """
    order = tuple(memory_order(valid))
    memory = np.ascontiguousarray(valid.transpose(order))
    strides = memory.strides
    firsts, lengths, along = [0] * len(order), list(memory.shape), -1
    for column, (axis, stencil) in enumerate(zip(axes, stencils, strict=True)):
        if axis is not None and stencil is not None:
            place = order.index(axis)
            firsts[place], lengths[place] = stencil.first, stencil.rows
            along = column if place == len(order) - 1 else along
    lines = _lines(lengths)
    first = (lines + firsts[:-1]) @ np.array(strides[:-1], np.int64) + firsts[-1]
    places = np.zeros((len(first), PLACES), np.int64)
    sides = [(footprint(stencil), one.reach) for stencil, one in zip(stencils, rules, strict=True) if stencil and one]
    reach = max([max(int(left.max()), int(right.max()), wide) for (left, right), wide in sides], default=0)
    offsets, limits, tables, used = [], [], [], []
    for column, (axis, stencil, one) in enumerate(zip(axes, stencils, rules, strict=True)):
        if axis is None or stencil is None or one is None:
            offsets.append(np.zeros(2 * reach, np.int64))
            limits.append(np.zeros(LIMITS, np.int64))
            tables.append(np.full((reach + 1) ** 2, PLAIN, np.uint8))
            used.append(np.zeros((1, FIRST), np.uint8))
            continue
        place = order.index(axis)
        if place < len(order) - 1:
            places[:, ROW + column] = lines[:, place]
        around, there = neighbours(stencil, reach)
        offsets.append(np.ascontiguousarray(around * strides[place], np.int64).reshape(-1))
        limits.append(
            np.hstack([*(side[:, np.newaxis] for side in footprint(stencil)), there]).astype(np.int64).ravel()
        )
        tables.append(one.codes(reach).reshape(-1))
        used.append(np.zeros((stencil.rows, FIRST + len(one.windows)), np.uint8))
    n, count = lengths[-1], len(first)
    flat = memory.reshape(-1)
    dirty, dirty_count, hole_count = np.empty(count * n, np.uint8), np.empty(count, np.int64), np.empty(count, np.int64)
    common = (_read_only(flat), n, along, first, places.reshape(-1), reach, tuple(offsets), tuple(limits))
    inside = _inside(stencils[along] if along >= 0 else None, n)
    share(_count, (*common, inside, dirty, dirty_count, hole_count), count, count * n)
    starts, hole_starts = (np.concatenate([[0], np.cumsum(one)]).astype(np.int64) for one in (dirty_count, hole_count))
    columns, codes = np.empty(starts[-1] + 1, np.int32), np.empty(starts[-1] + 1, np.uint32)
    holes, counts = np.empty(hole_starts[-1], np.int32), np.zeros(count, np.int64)
    kinds = tuple(one.shape[1] for one in used)
    lists = (dirty, starts, hole_starts, columns, codes, holes, counts, tuple(one.reshape(-1) for one in used))
    share(_fill, (*common, tuple(tables), kinds, *lists), count, count * n)
    rows = places[:, ROW:].copy()
    return Plan(order, along, tuple(lengths), rows, starts, counts, columns, codes, hole_starts, holes, tuple(used))


def _inside(stencil: Stencil | None, n: int) -> tuple[int, int, int]:
    """Range of the rows of a table which all have a band of neighbours, and how far that reaches to either side."""
    if stencil is None:
        return 0, n, 0
    low, high = (len(stencil.lower), n - len(stencil.upper))
    if stencil.periodic:
        low, high = stencil.half_width, n - stencil.half_width
    return (low, high, stencil.half_width) if low < high else (n, n, 0)


def by_code(plan: Plan, column: int, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """For every point what a table has for the code of its window along x, y or z, or zero at holes."""
    n = plan.shape[-1]
    values = np.full(math.prod(plan.shape), table[PLAIN], np.uint8)
    starts, counts = plan.starts[:-1], plan.counts
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    listed = np.repeat(starts, counts) + within
    line = np.repeat(np.arange(len(counts)), counts)
    values[line * n + plan.columns[listed]] = table[(plan.codes[listed] >> (8 * column)) & 255]
    values[np.repeat(np.arange(len(counts)), np.diff(plan.hole_starts)) * n + plan.holes] = 0
    return values.reshape(plan.shape).transpose(np.argsort(plan.order))


def _lines(lengths: Sequence[int]) -> NDArray[np.int64]:
    """Indices of all lines along the slower dimensions, shape (lines, dimensions)."""
    outer = list(lengths[:-1])
    return np.indices(outer).reshape(len(outer), math.prod(outer)).T.astype(np.int64)


@inlined
def _base(numbers: Any, places: Any, line: Any, slot: Any) -> Any:
    """First entry of the tables of a slot for a line, what a step along the line adds, and where its codes are."""
    column, kinds = load(numbers, 2 + 3 * slot), load(numbers, 4 + 3 * slot)
    row = load(places, PLACES * line + ROW + column)
    return row * kinds, load(numbers, 3 + 3 * slot) * kinds, 8 * column


@inlined
def _entry(base: Any, i: Any, code: Any) -> Any:
    first, step, shift = base
    return first + i * step + ((code >> shift) & 255)


@called
def _blank(out: Any, place: Any, step: Any, holes: Any, start: Any, stop: Any, value: Any) -> None:
    for k in range(start, stop):
        store(out, place + np.int64(load(holes, k)) * step, value)


@inlined
def _differences(spec: Any, f: Any, at: Any, tables: Any, number: Any, first: Any) -> Any:
    """Derivatives of an input along the slots at a point."""
    centre = _centre(spec, f, at)
    a, b, c = _outer_differences(spec, f, at, centre, _of_field(tables, number), first)
    return a, b, c, like(0.0, centre)


@kernel
def redo(
    spec: Any, u: Any, v: Any, w: Any, parameters: Any, outs: Any, strides: Any, extents: Any, numbers: Any,
    places: Any, starts: Any, counts: Any, columns: Any, codes: Any, hole_starts: Any, hole_counts: Any, holes: Any,
    own: Any, tables: Any, begin: Any, end: Any,
) -> None:  # fmt: skip
    """Run the lines ``begin ... end - 1``.

    Parameters
    ----------
    spec : Spec
        What is compiled in; its slots are directions, not loops.
    u, v, w, parameters, outs, strides
        As :func:`fieldgrad.kernels.engine.sweep` takes them.
    extents : tuple of int
        For each output the numbers of its components and directions.
    numbers : array of int64
        Steps of input and output along the lines; for each slot the column of L that it is, whether that runs along
        the lines, and the number of its codes.
    places : array of int64
        For each line its first elements and rows.
    starts, counts, columns, codes, hole_starts, hole_counts, holes : array
        As in the plan.
    own : array of int64
        For each parameter with strides of its own its step along the lines and two zeros; then for each line the
        first elements of all of them.
    tables : tuple of array
        Offsets and weights of slots 0, 1 and 2, for each row and code, and what the engine has for the row, empty. As
        many for each input where boundaries tell them apart.
    begin, end : int
        Range of lines.
    """
    width, points = spec.width + spec.extra, points_of(spec)
    step_in, step_out = load(numbers, 0), load(numbers, 1)
    for line in range(begin, end):
        source, target = load(places, PLACES * line + SOURCE), load(places, PLACES * line + TARGET)
        start, stop = load(hole_starts, line), load(hole_starts, line) + load(hole_counts, line)
        blank = like(np.nan, load(u, source))
        for o in range(len(outs)):
            for row in range(extents[2 * o]):
                for column in range(extents[2 * o + 1]):
                    place = target + strides[3 * o] + row * strides[3 * o + 1] + column * strides[3 * o + 2]
                    _blank(outs[o], place, step_out, holes, start, stop, blank)
        x, y = _base(numbers, places, line, 0), _base(numbers, places, line, 1)
        z = _base(numbers, places, line, 2)
        for k in range(load(starts, line), load(starts, line) + load(counts, line)):
            i, code = np.int64(load(columns, k)), np.int64(load(codes, k))
            first = (_entry(x, i, code) * width, _entry(y, i, code) * width, _entry(z, i, code) * width)
            at, there = source + i * step_in, target + i * step_out
            a = _differences(spec, u, at, tables, 0, first)
            b = _differences(spec, v, at, tables, 1, first) if spec.count > 1 else a
            c = _differences(spec, w, at, tables, 2, first) if spec.count > 2 else a
            values = parameters_of(spec, parameters, places_of(spec, own, 0, line, i, 0, 0), there, 0)
            # the scratch that staged values go through is not used
            _emit(points, physical(spec, tensor(spec, a, b, c), values), values, outs, strides, there, u, i)


def _present(
    axes: Sequence[int | None], stencils: Sequence[Stencil | None]
) -> tuple[list[int], list[tuple[int, Stencil]]]:
    """Which of x, y and z are differentiated along, and their axes and tables."""
    pairs = zip(axes, stencils, strict=True)
    found = {c: (axis, stencil) for c, (axis, stencil) in enumerate(pairs) if axis is not None and stencil is not None}
    return list(found), list(found.values())


def _kept(
    holes: Holes,
    valid: NDArray[np.uint8],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    rules: Sequence[Rule | None],
    source: NDArray[Any],
    count: int,
) -> tuple[Plan, tuple[NDArray[Any], ...], int]:
    """The plan, its tables and their width: those of an earlier call, if the same points were valid then."""
    key = (source.strides, source.dtype, tuple(axes), count)
    found: tuple[Plan, tuple[NDArray[Any], ...], int]
    for earlier, points, tables_then, rules_then, found in tuple(holes.plans):
        if (
            earlier == key
            and all(map(operator.is_, rules_then, rules))
            and all(map(_same, tables_then, stencils))
            and np.array_equal(points, valid)
        ):
            return found
    plan = survey(valid, axes, stencils, rules)
    tables, taps = _tables(plan, source, axes, stencils, rules, count)
    # one step each: another thread may read the list between them
    holes.plans.insert(0, (key, valid, tuple(stencils), tuple(rules), (plan, tables, taps)))
    del holes.plans[_PLANS:]
    return plan, tables, taps


def _same(a: Stencil | None, b: Stencil | None) -> bool:
    """Whether two tables are equal; those of long axes are made anew for every call."""
    if a is b or a is None or b is None:
        return a is b
    known = [np.zeros(0) if one.known is None else one.known for one in (a, b)]
    arrays = ((a.band, b.band), (a.lower, b.lower), (a.upper, b.upper), (a.row_sum, b.row_sum), known)
    return (
        (a.nodes, a.first, a.periodic, len(a.each)) == (b.nodes, b.first, b.periodic, len(b.each))
        and all(np.array_equal(x, y) for x, y in arrays)
        and all(map(_same, a.each, b.each))
    )


def _tables(
    plan: Plan,
    source: NDArray[Any],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    rules: Sequence[Rule | None],
    count: int,
) -> tuple[tuple[NDArray[Any], ...], int]:
    """Offsets in elements and weights of all windows in use for slots 0, 1, 2, of each input if they differ."""
    columns, present = _present(axes, stencils)
    adapting = [one for one in rules if one is not None]
    taps = width([stencil for _, stencil in present], adapting)
    nothing = [np.zeros(0, np.int64), np.zeros(0, source.dtype)]
    bounded = _is_bounded(stencils)
    tables: list[NDArray[Any]] = []
    for number in range(count if bounded and any(stencil.each for _, stencil in present) else 1):
        tables += nothing * (3 - len(columns))
        for column, (axis, stencil), one in zip(columns, present, adapting, strict=True):
            own = stencil.of(number)
            offsets, weights = tabulate(own, one, plan.used[column] != 0, taps)
            if bounded:
                offsets = np.pad(offsets, ((0, 0), (0, 0), (0, BOUNDARY)))
                weights = np.pad(weights, ((0, 0), (0, 0), (0, BOUNDARY)))
                # only plain stencils know of walls: the others are cut off from them by a hole, or reach none
                weights[:, PLAIN, taps] = own.row_sum
                weights[:, PLAIN, taps + 1] = 0.0 if own.known is None else own.known
            stride = source.strides[axis] // source.itemsize
            tables += [(offsets * stride).astype(np.int64).reshape(-1), weights.astype(source.dtype).reshape(-1)]
        tables += [np.zeros(0, source.dtype), *nothing]
    return tuple(tables), taps


def _is_bounded(stencils: Sequence[Stencil | None]) -> bool:
    return any(stencil.bounded for stencil in stencils if stencil is not None)


@functools.cache
def _compiled(
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    taps: int,
    extra: int,
    groups: int,
    fields: tuple[int, ...],
    requests: tuple[Request, ...],
    metric: Metric | None,
    dtype: np.dtype[Any],
) -> Callable[..., None]:
    """Entry point of the kernel for these types, as :func:`fieldgrad.kernels.call.prepare` finds that of the engine."""
    slots = [3 - len(columns) + columns.index(c) if c in columns else ABSENT for c in range(3)]
    chosen = tuple(point_of(request) for request in requests)
    spec = Spec(rows, tuple(slots), len(columns), False, 0, taps, True, extra, fields, chosen, False, metric)
    numbers, integers = Span(numba.from_dtype(dtype)), Span(types.int64)
    signature = types.void(
        spec,
        numbers,
        numbers,
        numbers,
        types.UniTuple(numbers, len(fields)) if fields else types.Tuple(()),
        types.UniTuple(numbers, len(requests)),
        types.UniTuple(types.int64, 3 * len(requests)),
        types.UniTuple(types.int64, 2 * len(requests)),
        integers,
        integers,
        integers,
        integers,
        Span(types.int32),
        Span(types.uint32),
        integers,
        integers,
        Span(types.int32),
        integers,
        types.Tuple(((integers, numbers) * 3 + (numbers, integers, numbers)) * groups),
        types.int64,
        types.int64,
    )
    return entry_point(redo, signature)


def run(
    sources: Sequence[NDArray[Any]],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    parameters: Sequence[NDArray[Any]],
    outs: Sequence[NDArray[Any]],
    holes: Holes,
    rules: Sequence[Rule | None],
    kinds: Sequence[bool | tuple[int, ...]],
    metric: Metric | None,
) -> None:
    """Redo the points beside holes, and make the holes NaN.

    Parameters
    ----------
    sources, rows, axes, stencils, requests, parameters, outs, metric
        As the plain kernel took them.
    holes : Holes
        Which points are valid.
    rules : sequence of Rule or None
        What the tables along x, y and z become.
    kinds : sequence of bool or tuple of int
        For each parameter whether it is a field, or its strides where they are its own.
    """
    assert holes.valid is not None
    plan, tables, taps = _kept(holes, holes.valid, axes, stencils, rules, sources[0], len(sources))
    if plan.empty:
        return
    source, size, ndim = sources[0], sources[0].itemsize, sources[0].ndim
    lines = _lines(plan.shape)
    chosen = np.flatnonzero((plan.counts > 0) | (np.diff(plan.hole_starts) > 0))
    places = np.empty((len(chosen), PLACES), np.int64)
    steps_in = np.array([source.strides[axis] // size for axis in plan.order], np.int64)
    steps_out = np.array([outs[0].strides[outs[0].ndim - ndim + axis] // size for axis in plan.order], np.int64)
    columns, present = _present(axes, stencils)
    firsts = [stencil.first * source.strides[axis] // size for axis, stencil in present]
    places[:, SOURCE] = lines[chosen] @ steps_in[:-1] + span(source)[1] + sum(firsts)
    places[:, TARGET] = lines[chosen] @ steps_out[:-1]
    places[:, ROW:] = plan.rows[chosen]
    numbers = np.zeros(11, np.int64)
    numbers[:2] = steps_in[-1], steps_out[-1]
    for slot, column in enumerate(columns, 3 - len(columns)):
        numbers[2 + 3 * slot : 5 + 3 * slot] = column, column == plan.along, plan.used[column].shape[1]
    memory, strides, extents = [], [], []
    for out in outs:
        array, origin = span(out)
        leading = out.ndim - ndim
        memory.append(array)
        steps = [stride // size for stride in out.strides[:leading]]
        strides += [origin, *steps, *[0] * (2 - len(steps))]
        extents += [*out.shape[:leading], *[1] * (2 - leading)]
    fields = tuple(CONSTANT if isinstance(kind, tuple) else FIELD if kind else NUMBER for kind in kinds)
    strided = [[kind[axis] for axis in plan.order] for kind in kinds if isinstance(kind, tuple)]
    steps = [number for one in strided for number in (one[-1], 0, 0)]
    at = [lines[chosen] @ np.array(one[:-1], np.int64) for one in strided]
    own = np.concatenate([steps, np.stack(at, axis=1).ravel() if at else []]).astype(np.int64)
    extra, groups = BOUNDARY if _is_bounded(stencils) else 0, len(tables) // TABLES
    which = (tuple(rows), tuple(columns), taps, extra, groups, fields, tuple(requests))
    function = _compiled(*which, metric, source.dtype)
    spans = [span(one)[0] for one in sources]
    arguments = (
        None,
        spans[0],
        spans[min(1, len(spans) - 1)],
        spans[-1],
        tuple(span(parameter)[0] for parameter in parameters),
        tuple(memory),
        tuple(strides),
        tuple(extents),
        numbers,
        places.reshape(-1),
        plan.starts[chosen],
        plan.counts[chosen],
        plan.columns,
        plan.codes,
        plan.hole_starts[chosen],
        plan.hole_starts[chosen + 1] - plan.hole_starts[chosen],
        plan.holes,
        own,
        tables,
    )
    share(function, arguments, len(chosen), (int(plan.counts.sum()) + len(plan.holes)) * len(outs))
