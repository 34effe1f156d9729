# SPDX-License-Identifier: BSD-3-Clause
"""Layouts against a plain walk over their loops, and the helpers against what NumPy says of an array."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fieldgrad.kernels import layout as layouts
from fieldgrad.kernels.layout import (
    Layout,
    converted,
    empty_like,
    fill,
    has_contiguous_rows,
    memory_order,
    plan,
    span,
    stride_order,
)
from fieldgrad.stencils import Stencil, derivative_stencil

PERMUTATIONS = list(itertools.permutations(range(3)))


def ordered(shape: Sequence[int], order: Sequence[int]) -> NDArray[np.float64]:
    """Consecutive numbers in memory, with axes from slow to fast as given."""
    memory = np.arange(float(np.prod(shape))).reshape([shape[axis] for axis in order])
    return memory.transpose(np.argsort(order))


def stencils(shape: Sequence[int], axes: Sequence[int | None]) -> list[Stencil | None]:
    return [None if axis is None else derivative_stencil(np.arange(float(shape[axis]))) for axis in axes]


def walk(layout: Layout) -> NDArray[np.int64]:
    """Elements of input and output, and the place along each differentiated axis, as they are visited."""
    a, b, c, n = layout.sizes
    visits = []
    for batch_in, batch_out in zip(layout.batch_in, layout.batch_out, strict=True):
        for h, k, j, i in itertools.product(range(a), range(b), range(c), range(n)):
            source = layout.origin + batch_in + np.dot((h, k, j), layout.sources) + i
            target = batch_out + np.dot((h, k, j), layout.targets) + i
            places = [-1, -1, -1]
            for slot, place in zip(layout.slots, (h, k, j, i // layout.step), strict=True):
                if slot >= 0:
                    places[slot] = place
            visits.append((source, target, *places))
    return np.array(visits)


def planned(
    field: NDArray[Any],
    out: NDArray[Any],
    leading: int,
    axes: Sequence[int | None],
    tables: Sequence[Stencil | None],
) -> Layout:
    """The plan for an array and an output with leading dimensions of components."""
    sources = [stride // field.itemsize for stride in field.strides]
    targets = [stride // out.itemsize for stride in out.strides[leading:]]
    return plan(out.shape[leading:], sources, targets, axes, tables)


def assert_visits_every_point_once(
    layout: Layout,
    field: NDArray[Any],
    out: NDArray[Any],
    axes: Sequence[int | None],
    tables: Sequence[Stencil | None],
) -> None:
    visits = walk(layout)
    size = field.itemsize
    index = np.indices(out.shape).reshape(out.ndim, -1)
    first = np.zeros(out.ndim, int)
    for axis, table in zip(axes, tables, strict=True):
        if axis is not None and table is not None:
            first[axis] = table.first
    source = (np.array(field.strides) // size) @ (index + first[:, np.newaxis])
    target = (np.array(out.strides) // size) @ index
    places = [index[axis] if axis is not None else np.full(index.shape[1], -1) for axis in axes]
    expected = np.array([source, target, *places]).T
    assert layout.points == out.size
    assert sorted(map(tuple, visits.tolist())) == sorted(map(tuple, expected.tolist()))


# memory_order


@pytest.mark.parametrize("order", PERMUTATIONS)
def test_memory_order_is_that_of_the_strides(order: tuple[int, ...]) -> None:
    array = ordered((3, 4, 5), order)
    assert memory_order(array) == list(order)
    assert memory_order(array[::-1, :, ::-1]) == list(order)
    assert memory_order(array[::2, 1:, ::2]) == list(order)


def test_memory_order_puts_broadcast_axes_first() -> None:
    assert stride_order([4, 0, -8, 1]) == [1, 2, 0, 3]
    assert memory_order(np.broadcast_to(np.zeros(4), (3, 4))) == [0, 1]
    assert memory_order(np.broadcast_to(np.zeros((4, 1)), (4, 3))) == [1, 0]
    assert memory_order(np.float64(1.0).reshape(())) == []


# empty_like


@pytest.mark.parametrize("order", PERMUTATIONS)
def test_empty_like_has_the_memory_order_of_the_field(order: tuple[int, ...]) -> None:
    field = ordered((3, 4, 5), order).astype(np.float32, order="K")
    made = empty_like(field, (6, 7, 8), (2, 3))
    assert made.shape == (2, 3, 6, 7, 8)
    assert made.dtype == np.float32
    assert memory_order(made) == [0, 1, *(2 + axis for axis in order)]
    assert empty_like(field, (6, 7, 8), dtype=np.float64).dtype == np.float64
    # without gaps, whatever the field has
    padded = ordered((3, 4, 9), order)[:, :, ::-2]
    made = empty_like(padded, (3, 4, 5))
    assert made.transpose(order).flags.c_contiguous


# has_contiguous_rows


def odd_address() -> NDArray[np.float64]:
    return np.zeros(8 * 12 + 1, np.uint8)[1:].view(np.float64)


PADDED = np.zeros((6, 8))


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((3, 4)), True),
        (np.zeros((3, 4), order="F"), True),
        (np.zeros((3, 4, 5)).transpose(1, 2, 0), True),
        (PADDED[:, 1:6], True),
        (PADDED[::-1], True),
        (PADDED[::2], True),
        (PADDED[:, ::-1], False),
        (PADDED[:, ::2], False),
        (PADDED[:, :1], False),
        (PADDED[:1, :1], True),
        (PADDED[:1], True),
        (np.broadcast_to(np.zeros(4), (3, 4)), True),
        (np.broadcast_to(np.zeros((3, 1)), (3, 4)), True),
        (np.broadcast_to(np.zeros(()), (3, 4)), False),
        (np.zeros((3, 4), ">f8" if np.little_endian else "<f8"), False),
        (np.zeros((3, 4), [("a", "f8"), ("b", "f4")])["a"], False),
        (np.zeros((3, 4), [("a", "f8"), ("b", "f8")])["a"], False),
        (odd_address(), False),
        (np.zeros(()), True),
    ],
)
def test_has_contiguous_rows(array: NDArray[Any], expected: bool) -> None:
    assert has_contiguous_rows(array) is expected


# span


@pytest.mark.parametrize("order", PERMUTATIONS)
@pytest.mark.parametrize(
    "view",
    [
        np.s_[:, :, :],
        np.s_[::-1],
        np.s_[:, ::-1, :],
        np.s_[::-1, ::-1, ::-1],
        np.s_[1:3, 1:, ::2],
        np.s_[2:0:-1, 1, 1:2],
        np.s_[::-2, 3:, None, ::-1],
    ],
)
def test_span_holds_every_element_at_its_place(order: tuple[int, ...], view: tuple[Any, ...]) -> None:
    array = ordered((3, 4, 5), order)[view]
    row, origin = span(array)
    index = np.indices(array.shape).reshape(array.ndim, -1)
    places = origin + (np.array(array.strides) // array.itemsize) @ index
    assert np.array_equal(row[places], array.ravel())
    # no more than it needs
    assert places.min() == 0
    assert places.max() == len(row) - 1
    assert np.shares_memory(row, array)


def test_span_of_a_broadcast_array_holds_each_element_once() -> None:
    row, origin = span(np.broadcast_to(np.arange(4.0), (3, 4)))
    assert origin == 0
    assert np.array_equal(row, np.arange(4.0))


def test_span_writes_where_the_array_may_be_written() -> None:
    array = np.zeros((3, 4))
    row, _ = span(array[::-1])
    row[0] = 1.0
    assert array[0, 0] == 1.0
    array.flags.writeable = False
    assert not span(array)[0].flags.writeable


# plan


@pytest.mark.parametrize("order", PERMUTATIONS)
@pytest.mark.parametrize(
    "axes",
    [
        (0, 1, 2),
        (2, 1, 0),
        (1, 2, None),
        (0, None, None),
        (None, 1, None),
        (None, None, 2),
        (None, 2, 0),
        (None, None, None),
    ],
)
def test_plan_visits_every_point_once(order: tuple[int, ...], axes: tuple[int | None, ...]) -> None:
    field = ordered((4, 5, 6), order)
    tables = stencils(field.shape, axes)
    out = empty_like(field, field.shape)
    layout = planned(field, out, 0, axes, tables)
    assert_visits_every_point_once(layout, field, out, axes, tables)
    assert layout.sources == layout.targets
    # the row is the fastest axis, or has been merged with it
    assert layout.sizes[3] >= field.shape[order[-1]]


@pytest.mark.parametrize("order", PERMUTATIONS)
def test_plan_of_views(order: tuple[int, ...]) -> None:
    axes = (2, 0, 1)
    whole = ordered((6, 6, 6), order)
    for view in (np.s_[1:5, :-1, :4], np.s_[::2, 1:, 1:], np.s_[:5, :4, :3]):
        field = whole[view]
        tables = stencils(field.shape, axes)
        for out in (empty_like(field, field.shape), empty_like(field, (9, 9, 9))[2:, :8, 1:8][view]):
            if out.shape == field.shape:
                assert_visits_every_point_once(planned(field, out, 0, axes, tables), field, out, axes, tables)


def test_plan_reads_past_leading_dimensions_of_the_output() -> None:
    field = ordered((4, 5, 6), (0, 1, 2))
    out = empty_like(field, field.shape, (3, 3))
    tables = stencils(field.shape, (2, 1, 0))
    layout = planned(field, out, 2, (2, 1, 0), tables)
    assert_visits_every_point_once(layout, field, out[0, 0], (2, 1, 0), tables)


@pytest.mark.parametrize("order", PERMUTATIONS)
def test_plan_of_a_block_starts_at_its_first_row(order: tuple[int, ...]) -> None:
    whole = ordered((9, 8, 7), order)
    axes = (0, 2, None)
    tables: list[Stencil | None] = []
    ranges = [np.s_[0:9], np.s_[0:8], np.s_[0:7]]
    shape = [9, 8, 7]
    for axis, start, stop in ((0, 3, 6), (2, 1, 7)):
        table, low, high = derivative_stencil(np.arange(float(whole.shape[axis]))).slice(start, stop)
        tables.append(table)
        ranges[axis], shape[axis] = np.s_[low:high], stop - start
    field = whole[tuple(ranges)]
    out = empty_like(field, shape)
    assert_visits_every_point_once(planned(field, out, 0, axes, [*tables, None]), field, out, axes, [*tables, None])


def test_plan_takes_c_order_as_one_row_and_outer_loops() -> None:
    field = np.zeros((4, 5, 6))
    layout = planned(field, field, 0, (2, 1, 0), stencils(field.shape, (2, 1, 0)))
    assert layout.sizes == (1, 4, 5, 6)
    assert layout.slots == (-1, 2, 1, 0)
    assert layout.sources == (0, 30, 6)
    assert layout.step == 1


def test_plan_merges_a_short_fast_dimension_into_the_differentiated_one() -> None:
    field = np.zeros((9, 8, 3))
    layout = planned(field, field, 0, (1, 0, None), stencils(field.shape, (1, 0, None)))
    assert layout.step == 3
    assert layout.sizes[3] == 24
    assert layout.slots == (-1, -1, 1, 0)
    assert_visits_every_point_once(layout, field, field, (1, 0, None), stencils(field.shape, (1, 0, None)))


def test_plan_leaves_a_long_fast_dimension_to_be_the_row() -> None:
    field = np.zeros((9, 8, 200))
    layout = planned(field, field, 0, (1, 0, None), stencils(field.shape, (1, 0, None)))
    assert layout.step == 1
    assert layout.sizes == (1, 9, 8, 200)
    assert layout.slots == (-1, 1, 0, -1)


def test_plan_joins_dimensions_without_derivatives() -> None:
    field = np.zeros((5, 4, 3, 6, 7))
    layout = planned(field, field, 0, (2, None, None), stencils(field.shape, (2, None, None)))
    assert_visits_every_point_once(layout, field, field, (2, None, None), stencils(field.shape, (2, None, None)))
    # the last two are one row or are merged into it; the first two are one loop
    assert sum(size > 1 for size in layout.sizes) + (len(layout.batch_in) > 1) <= 3


@pytest.mark.parametrize("axes", [(4, 3, 2), (0, 1, 2), (0, 2, 4), (1, None, 4)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)])
def test_plan_with_two_further_dimensions(axes: tuple[int | None, ...], order: tuple[int, ...]) -> None:
    field = ordered((3, 3, 4, 3, 4), order)
    tables = stencils(field.shape, axes)
    out = empty_like(field, field.shape)
    assert_visits_every_point_once(planned(field, out, 0, axes, tables), field, out, axes, tables)
    # gaps in the output keep dimensions apart
    padded = empty_like(field, (4, 4, 5, 4, 5))[:3, :3, :4, :3, :4]
    assert_visits_every_point_once(planned(field, padded, 0, axes, tables), field, padded, axes, tables)


def test_plan_passes_over_dimensions_of_length_one() -> None:
    field = np.zeros((1, 4, 1, 5, 1))
    axes = (3, 1, None)
    layout = planned(field, field, 0, axes, stencils(field.shape, axes))
    assert layout.sizes == (1, 1, 4, 5)
    assert_visits_every_point_once(layout, field, field, axes, stencils(field.shape, axes))


def test_plan_of_a_broadcast_field() -> None:
    field = np.broadcast_to(np.zeros((5, 6)), (4, 5, 6))
    out = np.zeros((4, 5, 6))
    tables = stencils(field.shape, (2, 1, None))
    layout = planned(field, out, 0, (2, 1, None), tables)
    assert_visits_every_point_once(layout, field, out, (2, 1, None), tables)


def test_plan_of_one_point_along_the_row() -> None:
    whole = np.zeros((5, 6))
    table, low, high = derivative_stencil(np.arange(6.0)).slice(2, 3)
    field, out = whole[:, low:high], np.zeros((5, 1))
    tables = [table, derivative_stencil(np.arange(5.0)), None]
    assert_visits_every_point_once(planned(field, out, 0, (1, 0, None), tables), field, out, (1, 0, None), tables)


@pytest.mark.parametrize("slab", [8, 100, 1000, 10**6])
@pytest.mark.parametrize("order", PERMUTATIONS)
def test_copies_are_made_slab_by_slab(slab: int, order: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_SLAB", slab)
    made: list[int] = []
    monkeypatch.setattr(layouts, "fill", lambda target, source: (made.append(target.nbytes), fill(target, source)))
    source = ordered((5, 7, 6), order)
    for given in (source, source[::-1, ::2], np.broadcast_to(source[:1], source.shape), source.astype("i2")):
        made.clear()
        copy = converted(given, np.dtype(np.float32))
        assert sum(size for size in made if size <= slab) == copy.nbytes
        assert copy.dtype == np.float32
        np.testing.assert_array_equal(copy, given)
        assert not np.shares_memory(copy, given)
    target = np.zeros((7, 6, 5))
    fill(target[1:].transpose(2, 0, 1), source[:, 1:])
    np.testing.assert_array_equal(target.transpose(2, 0, 1)[:, 1:], source[:, 1:])
    assert not target[0].any()
