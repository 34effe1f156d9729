# SPDX-License-Identifier: BSD-3-Clause
"""The compiled engine against dense matrices, and against itself: the same bits however it is called.

Each different width, number of axes and memory order is compiled once, which takes seconds: they share a few.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from fieldgrad import operators
from fieldgrad.kernels import call, launch, points, results
from fieldgrad.kernels import threads as sharing
from fieldgrad.kernels.launch import Request
from fieldgrad.kernels.layout import plan
from fieldgrad.stencils import Stencil, derivative_stencil

Array = NDArray[Any]
Axes = Sequence[int | None]
ACCURACIES = (2, 4, 6, 8)
XYZ = (0, 1, 2)
# Arrays are (z, y, x), as most files are.
ZYX = (2, 1, 0)
SHAPE = (11, 12, 13)
GRADIENT = Request("gradient", XYZ)

REQUESTS = (
    Request("velocity_gradient", XYZ, XYZ),
    Request("deformation_rate", XYZ, XYZ),
    Request("spin", XYZ, XYZ),
    Request("vorticity", XYZ),
    Request("vorticity_magnitude"),
    Request("divergence"),
    Request("q_criterion"),
    Request("second_invariant"),
    Request("dissipation", parameters=(0,)),
)


def nodes(n: int, seed: int = 0) -> NDArray[np.float64]:
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def table(n: int, order: int = 1, accuracy: int = 2, *, periodic: bool = False, seed: int = 0) -> Stencil:
    return derivative_stencil(nodes(n, seed), order, accuracy, period=1.6 * n if periodic else None)


def tables(
    shape: Sequence[int], axes: Axes, order: int = 1, accuracy: int = 2, *, periodic: bool = False
) -> list[Stencil | None]:
    return [
        None if axis is None else table(shape[axis], order, accuracy, periodic=periodic, seed=axis) for axis in axes
    ]


def noise(*shape: int, seed: int = 0, dtype: DTypeLike = np.float64) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def reordered(array: Array, order: Sequence[int]) -> Array:
    """The same values, with axes from slow to fast in memory as given."""
    return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))


def evaluate(
    fields: Sequence[Array],
    axes: Axes,
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    *,
    parameters: Sequence[Array] = (),
    outs: Sequence[Array] | None = None,
    difference: bool = True,
) -> list[Array]:
    """Outputs of one call, in C order unless given."""
    shape = list(fields[0].shape)
    for axis, stencil in zip(axes, stencils, strict=True):
        if axis is not None and stencil is not None:
            shape[axis] = stencil.rows
    if outs is None:
        outs = [
            np.full(
                [*(len(part) for part in (request.rows, request.columns) if part), *shape],
                np.nan,
                fields[0].dtype,
            )
            for request in requests
        ]
    launch.evaluate(fields, range(len(fields)), axes, stencils, requests, parameters, outs, difference=difference)
    return list(outs)


def gradient(
    field: Array,
    axes: Axes,
    stencils: Sequence[Stencil | None],
    *,
    difference: bool = True,
    out: Array | None = None,
) -> Array:
    """Derivatives along the given axes, in their order; they fill the columns x, y, z of L."""
    columns = tuple(column for column in XYZ if axes[column] is not None)
    if out is None and columns != XYZ:
        whole = evaluate([field], axes, stencils, [GRADIENT], difference=difference)[0]
        for column in XYZ:
            if axes[column] is None:
                assert not whole[column].any()
        return whole[list(columns)]
    return evaluate([field], axes, stencils, [GRADIENT], difference=difference, outs=None if out is None else [out])[0]


def along(matrix: Array, field: Array, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix, field.astype(np.float64), (1, axis)), 0, axis)


def oracle(field: Array, axis: int, stencil: Stencil) -> tuple[Array, Array]:
    """Derivative by the dense matrix, and the sum of |weight| |value| that rounding is measured by."""
    matrix = stencil.matrix()
    scale = along(np.abs(matrix), np.abs(field), axis)
    own = np.abs(matrix).sum(axis=1).reshape([-1 if k == axis else 1 for k in range(field.ndim)])
    inside = [slice(None)] * field.ndim
    inside[axis] = slice(stencil.first, stencil.first + stencil.rows)
    return along(matrix, field, axis), scale + own * np.abs(field[tuple(inside)].astype(np.float64))


def assert_is_gradient(
    actual: Array, field: Array, axes: Axes, stencils: Sequence[Stencil | None], units: float = 4.0
) -> None:
    pairs = [
        (axis, stencil)
        for axis, stencil in zip(axes, stencils, strict=True)
        if axis is not None and stencil is not None
    ]
    assert len(actual) == len(pairs)
    assert actual.dtype == field.dtype
    for part, (axis, stencil) in zip(actual, pairs, strict=True):
        expected, scale = oracle(field, axis, stencil)
        assert part.shape == expected.shape
        error = np.abs(part - expected) / (np.finfo(field.dtype).eps * scale)
        assert error.max() <= units, error.max()


def assert_same_bits(actual: Array, expected: Array) -> None:
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    integer = np.dtype(f"i{actual.itemsize}")
    assert np.array_equal(np.ascontiguousarray(actual).view(integer), np.ascontiguousarray(expected).view(integer))


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Set the number of threads; set back at the end."""
    before = numba.get_num_threads()
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba may use one thread only here")
    yield numba.set_num_threads
    numba.set_num_threads(before)


# Values


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(
    ("order", "accuracy"),
    [
        *itertools.product((1,), ACCURACIES),
        (2, 2),
        (2, 4),
        (2, 6),
        (3, 2),
        (3, 4),
        (3, 6),
        pytest.param(2, 8, marks=pytest.mark.slow),
        pytest.param(3, 8, marks=pytest.mark.slow),
    ],
)
def test_three_axes_of_every_order_and_accuracy(order: int, accuracy: int, periodic: bool) -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, order, accuracy, periodic=periodic)
    assert_is_gradient(gradient(field, ZYX, stencils), field, ZYX, stencils)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_single_precision(accuracy: int, periodic: bool) -> None:
    field = noise(*SHAPE, dtype=np.float32)
    stencils = tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)
    assert_is_gradient(gradient(field, ZYX, stencils), field, ZYX, stencils)


def test_each_axis_has_its_own_order_accuracy_and_ends() -> None:
    field = noise(*SHAPE)
    stencils = [table(13, 1, 2, periodic=True), table(12, 2, 4), table(11, 1, 8)]
    assert_is_gradient(gradient(field, ZYX, stencils), field, ZYX, stencils)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", [2, 6])
@pytest.mark.parametrize(
    "shape", [(25,), (700,), (13, 14), (11, 90), (9, 10, 11), (3, 4, 11, 9), (9, 8, 3), (9, 100, 2)]
)
def test_one_axis_alone(shape: tuple[int, ...], accuracy: int, periodic: bool) -> None:
    field = noise(*shape)
    for axis, count in enumerate(shape):
        if count >= accuracy + 1:
            axes = (axis, None, None)
            stencils = tables(shape, axes, 1, accuracy, periodic=periodic)
            assert_is_gradient(gradient(field, axes, stencils), field, axes, stencils)


@pytest.mark.parametrize("least", [5, 6, 7, 9])
def test_axes_with_hardly_any_points(least: int) -> None:
    field = noise(least, least + 1, least)
    for order, accuracy in ((1, 2), (1, 4), (2, 2), (3, 2)):
        stencils = tables(field.shape, ZYX, order, accuracy, periodic=least % 2 == 1)
        assert_is_gradient(gradient(field, ZYX, stencils), field, ZYX, stencils)


def test_rows_longer_than_a_block() -> None:
    for shape in ((5, 6, 1300), (5, 600, 7)):
        for accuracy in (2, 4):
            for periodic in (False, True):
                field = noise(*shape)
                stencils = tables(shape, ZYX, 1, accuracy, periodic=periodic)
                assert_is_gradient(gradient(field, ZYX, stencils), field, ZYX, stencils)


def test_two_components_on_a_plane() -> None:
    fields = [noise(14, 15, seed=seed) for seed in (1, 2)]
    axes = (1, 0, None)
    stencils = tables((14, 15), axes, 1, 4)
    (L,) = evaluate(fields, axes, stencils, [Request("velocity_gradient", (0, 1), (0, 1))])
    for row, field in zip(L, fields, strict=True):
        assert_is_gradient(row, field, axes, stencils)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((30,), (0, None, None)),
        ((12, 13), (1, 0, None)),
        ((12, 13), (0, 1, None)),
        ((12, 13), (None, 0, 1)),
        ((11, 12, 13), (0, 1, 2)),
        ((11, 12, 13), (0, 2, None)),
        ((2, 11, 12, 13), (3, 2, 1)),
        ((11, 2, 12, 13), (3, 2, 0)),
        ((11, 12, 13, 2), (2, 1, 0)),
        ((11, 12, 13, 70), (2, 1, 0)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize("order", [1, 2])
def test_everything_with_everything(
    order: int, accuracy: int, dtype: DTypeLike, shape: tuple[int, ...], axes: Axes
) -> None:
    field = noise(*shape, dtype=dtype)
    for periodic in (False, True):
        stencils = tables(shape, axes, order, accuracy, periodic=periodic)
        expected = gradient(field, axes, stencils)
        assert_is_gradient(expected, field, axes, stencils)
        for layout in (field.copy(order="F"), np.flip(np.flip(field).copy())):
            assert_same_bits(gradient(layout, axes, stencils), expected)


# The same bits


def memory_layouts(field: Array) -> dict[str, Array]:
    """The same values in other places; each of the first three has a kernel of its own."""
    padded = np.full([count + 3 for count in field.shape], np.nan, field.dtype)
    padded[1:-2, 2:-1, 1:-2] = field
    spread = np.full([2 * count for count in field.shape], np.nan, field.dtype)
    spread[::2, 1::2, ::2] = field
    misaligned = np.frombuffer(b"\0" + field.tobytes(), np.uint8)[1:].view(field.dtype).reshape(field.shape)
    return {
        "Fortran": field.copy(order="F"),
        "transposed": reordered(field, (1, 2, 0)),
        "padded": padded[1:-2, 2:-1, 1:-2],
        "strided": spread[::2, 1::2, ::2],
        "reversed": np.flip(np.flip(field).copy()),
        "reversed outside": np.flip(np.flip(field, (0, 1)).copy(), (0, 1)),
        "misaligned": misaligned,
        "read-only": np.frombuffer(field.tobytes(), field.dtype).reshape(field.shape),
    }


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", [2, 4])
def test_memory_order_of_the_input(accuracy: int, periodic: bool) -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)
    expected = gradient(field, ZYX, stencils)
    for layout in memory_layouts(field).values():
        assert np.array_equal(layout, field)
        assert_same_bits(gradient(layout, ZYX, stencils), expected)


@pytest.mark.parametrize("accuracy", [2, 4])
def test_memory_order_of_the_output(accuracy: int) -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, 1, accuracy)
    expected = gradient(field, ZYX, stencils)
    wide = np.full((3, 14, 14, 26), np.nan)
    outs = [
        np.empty((3, *SHAPE), order="F"),
        np.empty((*SHAPE, 3)).transpose(3, 0, 1, 2),
        np.empty((3, *SHAPE))[::-1, ::-1],
        np.empty((3, *SHAPE))[..., ::-1],
        wide[:, 2:13, :12, 4:17],
        wide[:, 2:13, :12, ::2],
    ]
    for out in outs:
        assert gradient(field, ZYX, stencils, out=out) is out
        assert_same_bits(out, expected)


def test_nothing_is_written_beside_the_output() -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX)
    wide = np.full((3, 14, 14, 26), np.nan)
    gradient(field, ZYX, stencils, out=wide[:, 2:13, :12, 4:17])
    wide[:, 2:13, :12, 4:17] = np.nan
    assert np.isnan(wide).all()


def test_inputs_may_differ_in_memory_order() -> None:
    fields = [noise(*SHAPE, seed=seed) for seed in XYZ]
    stencils = tables(SHAPE, ZYX)
    q = [Request("q_criterion")]
    expected = evaluate(fields, ZYX, stencils, q)[0]
    mixed = [fields[0], fields[1].copy(order="F"), np.flip(np.flip(fields[2]).copy())]
    assert_same_bits(evaluate(mixed, ZYX, stencils, q)[0], expected)
    mixed = [np.flip(np.flip(fields[0], 2).copy(), 2), fields[1].copy(order="F"), fields[2]]
    assert_same_bits(evaluate(mixed, ZYX, stencils, q)[0], expected)


@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("count", [1, 3, 70])
def test_a_time_dimension_anywhere(accuracy: int, count: int) -> None:
    series = noise(count, *SHAPE)
    stencils = tables(SHAPE, ZYX, 1, accuracy)
    expected = np.stack([gradient(field, ZYX, stencils) for field in series], axis=1)
    for place in range(4):
        # the memory order that a file with this order of dimensions has
        moved = np.ascontiguousarray(np.moveaxis(series, 0, place))
        axes = [axis + (axis >= place) for axis in ZYX]
        assert_same_bits(np.moveaxis(gradient(moved, axes, stencils), 1 + place, 1), expected)


def block_of(field: Array, axes: Axes, stencils: Sequence[Stencil | None], ranges: dict[int, tuple[int, int]]) -> Array:
    """Gradient of a part, from that part and its halo alone."""
    parts = list(stencils)
    part = field
    for column, axis in enumerate(axes):
        stencil = stencils[column]
        if axis in ranges and stencil is not None:
            parts[column], low, high = stencil.slice(*ranges[axis])
            part = np.take(part, np.arange(low, high) % stencil.nodes, axis=axis)
    return gradient(part, axes, parts)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_block_of_an_axis(accuracy: int, periodic: bool, axis: int) -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)
    expected = gradient(field, ZYX, stencils)
    for start in range(SHAPE[axis]):
        for stop in range(start + 1, SHAPE[axis] + 1):
            index = [slice(None)] * 4
            index[1 + axis] = slice(start, stop)
            assert_same_bits(block_of(field, ZYX, stencils, {axis: (start, stop)}), expected[tuple(index)])


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("order", "accuracy"), [(1, 2), (1, 4), (2, 2), (1, 8)])
def test_blocks_of_all_axes(order: int, accuracy: int, periodic: bool) -> None:
    rng = np.random.default_rng(0)
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, order, accuracy, periodic=periodic)
    expected = gradient(field, ZYX, stencils)
    for _ in range(60):
        ranges = {axis: tuple(np.sort(rng.choice(n + 1, 2, replace=False))) for axis, n in enumerate(SHAPE)}
        index = tuple(slice(*ranges[axis]) for axis in range(3))
        assert_same_bits(block_of(field, ZYX, stencils, ranges), expected[:, *index])


@pytest.mark.parametrize("accuracy", [2, 4])
def test_a_block_of_a_row_with_a_short_fast_dimension(accuracy: int) -> None:
    field = noise(12, 20, 3)
    axes = (1, 0, None)
    stencils = tables(field.shape, axes, 1, accuracy)
    expected = gradient(field, axes, stencils)
    for start, stop in ((0, 20), (0, 5), (3, 9), (8, 20), (7, 8)):
        assert_same_bits(block_of(field, axes, stencils, {1: (start, stop)}), expected[:, :, start:stop])
        assert_same_bits(block_of(field, axes, stencils, {0: (2, 9), 1: (start, stop)}), expected[:, 2:9, start:stop])


@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("shape", [(40, 41, 42), (600, 9, 13), (9, 10, 900), (2, 40, 20, 50)])
def test_one_and_two_threads(shape: tuple[int, ...], accuracy: int, threads: Callable[[int], None]) -> None:
    field = noise(*shape)
    axes = [len(shape) - 1, len(shape) - 2, len(shape) - 3]
    stencils = tables(shape, axes, 1, accuracy)
    threads(1)
    expected = gradient(field, axes, stencils)
    assert_is_gradient(expected, field, axes, stencils)
    threads(2)
    assert_same_bits(gradient(field, axes, stencils), expected)


@pytest.mark.parametrize("count", [1, 2])
def test_many_large_outputs(count: int, threads: Callable[[int], None]) -> None:
    # nine outputs take another way to memory than three
    shape = (70, 71, 303)
    fields = [noise(*shape, seed=seed) for seed in XYZ]
    stencils = tables(shape, ZYX)
    threads(count)
    expected = np.stack([gradient(field, ZYX, stencils) for field in fields])
    request = [Request("velocity_gradient", XYZ, XYZ)]
    assert_same_bits(evaluate(fields, ZYX, stencils, request)[0], expected)
    # rows that start anywhere in a line of cache, and what lies beside them
    wide = np.full((3, 3, 70, 72, 310), np.nan)
    for start in (1, 2, 5):
        place = np.s_[:, :, :, :71, start : start + 303]
        evaluate(fields, ZYX, stencils, request, outs=[wide[place]])
        assert_same_bits(wide[place], expected)
        wide[place] = np.nan
        assert np.isnan(wide).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(4, 20, 16), (5, 37, 17), (3, 5, 257), (3, 20, 300), (3, 4, 1041)])
def test_rows_that_share_cache_lines(shape: tuple[int, ...], dtype: DTypeLike, monkeypatch: pytest.MonkeyPatch) -> None:
    # what a row leaves of a line waits for the row, or the part of a row, that goes on there
    fields = [noise(*shape, seed=seed, dtype=dtype) for seed in XYZ]
    stencils = tables(shape, ZYX)
    requests = [[Request("velocity_gradient", XYZ, XYZ)], [Request("deformation_rate", XYZ, XYZ)]]
    every = [evaluate(fields, ZYX, stencils, request)[0] for request in requests]
    monkeypatch.setattr(call, "_STREAM_FROM", 0)
    monkeypatch.setattr(call, "_FETCH_FROM", 0)
    for start in (0, 1, 3, 13):
        for request, expected in zip(requests, every, strict=True):
            call._kept.cache_clear()
            memory = np.full(expected.size + 40, np.nan, dtype)
            out = memory[start : start + expected.size].reshape(expected.shape)
            evaluate(fields, ZYX, stencils, request, outs=[out])
            assert_same_bits(out, expected)
            out[...] = np.nan
            assert np.isnan(memory).all()
    call._kept.cache_clear()


@pytest.mark.parametrize("accuracy", [4, 8])
def test_derivatives_at_once_or_row_by_row_have_the_same_bits(accuracy: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (9, 10, 270)  # more than a part of a row
    fields = [noise(*shape, seed=seed) for seed in XYZ]
    stencils = tables(shape, ZYX, accuracy=accuracy)
    found = []
    for fused in (True, False):
        monkeypatch.setattr(call, "_is_fused", lambda *_, fused=fused: fused)
        call._kept.cache_clear()
        found.append(evaluate(fields, ZYX, stencils, [Request("q_criterion")])[0])
    assert_same_bits(*found)
    call._kept.cache_clear()


@pytest.mark.parametrize(
    ("strides", "accuracy", "fused"),
    [
        ((250 * 250, 250, 1), 8, True),
        ((256 * 256, 256, 1), 2, True),
        ((256 * 256, 256, 1), 4, False),
        # planes 200 pages apart fall into one set of the first cache, and into several of the second
        ((320 * 320, 320, 1), 8, True),
        ((4096 * 250, 4096, 1), 8, True),
        ((1 << 20, 1 << 15, 1), 8, False),
        ((0, 250, 1), 8, True),
    ],
)
def test_wide_stencils_go_row_by_row_where_planes_share_cache_sets(
    strides: tuple[int, int, int], accuracy: int, fused: bool
) -> None:
    stencils = tables((20, 20, 20), ZYX, accuracy=accuracy)
    layout = plan((20, 20, 20), strides, (400, 20, 1), ZYX, stencils)
    _, form = call._tables(layout, stencils, np.dtype(float), centre=False, bounded=False)
    assert call._is_fused(layout, form, 8) == fused


@pytest.mark.parametrize(
    ("shape", "accuracy", "outputs", "fetched"),
    [
        ((9000,), 2, 1, ()),
        ((20, 30), 2, 1, ()),  # all of it lies in the caches
        ((900, 300), 2, 1, (2 * 300, 32, 300 + 32)),
        ((900, 300), 2, 9, (2 * 300,)),  # two inputs
        ((900, 300), 6, 9, (4 * 300,)),
        ((900, 300), 4, 1, (3 * 300, 32, 2 * 300 + 32)),
        ((900, 300), 6, 1, ()),
        ((50, 60, 70), 2, 1, (2 * 60 * 70, 32, 60 * 70 + 32)),
        ((50, 60, 70), 2, 4, ()),
        ((50, 60, 70), 2, 9, (2 * 60 * 70, 32, 60 * 70 + 32)),
        ((50, 60, 70), 4, 1, (3 * 60 * 70, 32, 2 * 60 * 70 + 32)),
        ((50, 60, 70), 6, 1, (4 * 60 * 70,)),
        # rows of 70 values that are not differentiated: the row is read first where the slowest sweep comes to it
        ((20, 30, 40, 70), 8, 1, ((4 * 30 + 1) * 40 * 70,)),
    ],
)
def test_what_is_fetched(shape: tuple[int, ...], accuracy: int, outputs: int, fetched: tuple[int, ...]) -> None:
    axes = (0, 1, 2) if len(shape) > 2 else (0, 1, None) if len(shape) == 2 else (0, None, None)
    stencils = tables(shape, axes, accuracy=accuracy)
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    layout = plan(shape, strides, strides, axes, stencils)
    _, form = call._tables(layout, stencils, np.dtype(float), centre=False, bounded=False)
    assert call._fetched(layout, stencils, form, len(shape), outputs, outputs > 6, 8) == call._Fetch(*fetched)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [24, 25, 48, 112, 1040])
def test_rows_may_begin_anywhere_in_a_cache_line(n: int, dtype: DTypeLike, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors begin at a line where all rows do so, after a strip that they overlap; values are the same."""
    monkeypatch.setattr(call, "_FETCH_FROM", 0)
    monkeypatch.setattr(launch, "prepare", call._kept.__wrapped__)
    shape = (5, 6, n)
    stencils = tables(shape, ZYX)
    fields = [noise(*shape, seed=seed, dtype=dtype) for seed in XYZ]
    matrices = [table(shape[axis], seed=axis).matrix() for axis in ZYX]
    L = np.stack(
        [
            [
                np.moveaxis(np.tensordot(matrix, field.astype(float), (1, axis)), 0, axis)
                for axis, matrix in zip(ZYX, matrices, strict=True)
            ]
            for field in fields
        ]
    )
    q = -np.einsum("ij...,ji...", L, L) / 2
    found = []
    for shift in range(0, 64 // np.dtype(dtype).itemsize, 3):
        moved = []
        for field in fields:
            memory = np.empty(field.size + shift + 16, dtype)
            begin = shift + -(memory.ctypes.data % 64) % 64 // memory.itemsize
            moved.append(memory[begin : begin + field.size].reshape(shape))
            moved[-1][...] = field
        found.append(evaluate(moved, ZYX, stencils, [Request("q_criterion")])[0])
    np.testing.assert_allclose(found[0], q, rtol=0, atol=np.abs(q).max() * 100 * np.finfo(dtype).eps)
    for other in found[1:]:
        assert_same_bits(other, found[0])


def test_small_fields_on_many_threads(monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]) -> None:
    field = noise(*SHAPE)
    expected = {accuracy: gradient(field, ZYX, tables(SHAPE, ZYX, 1, accuracy)) for accuracy in (2, 4)}
    monkeypatch.setattr(sharing, "SERIAL_BELOW", 0)
    threads(2)
    for accuracy, values in expected.items():
        assert_same_bits(gradient(field, ZYX, tables(SHAPE, ZYX, 1, accuracy)), values)


@pytest.mark.parametrize(
    ("accuracy", "among", "alone"),
    [
        (2, (1, 4, 6, 8), (4, 6, 8)),
        (4, (2, 6), (6,)),
        pytest.param(2, range(9), (0, 1, 2, 3, 5, 7), marks=pytest.mark.slow),
        pytest.param(4, range(9), range(9), marks=pytest.mark.slow),
        pytest.param(8, range(9), range(9), marks=pytest.mark.slow),
    ],
)
def test_a_quantity_alone_or_among_others(accuracy: int, among: Sequence[int], alone: Sequence[int]) -> None:
    fields = [noise(*SHAPE, seed=seed) for seed in XYZ]
    stencils = tables(SHAPE, ZYX, 1, accuracy)
    parameters = [np.array(0.3)]

    def compute(numbers: Sequence[int]) -> dict[int, Array]:
        requests = [REQUESTS[number] for number in numbers]
        own = parameters if any(request.parameters for request in requests) else []
        return dict(zip(numbers, evaluate(fields, ZYX, stencils, requests, parameters=own), strict=True))

    together = compute(among)
    for number in alone:
        assert_same_bits(compute([number])[number], together[number])
    # the engine gives what the functions give alone, of an L that is made of three gradients
    L = np.stack([gradient(field, ZYX, stencils) for field in fields])
    expected = values_of(np.moveaxis(L.reshape(3, 3, -1), -1, 0))
    assert_values_of_points(expected, 0.3)
    for number, value in together.items():
        assert_same_bits(value.reshape(*value.shape[:-3], -1), expected[number])


def test_a_parameter_that_is_a_field() -> None:
    fields = [noise(*SHAPE, seed=seed) for seed in XYZ]
    stencils = tables(SHAPE, ZYX)
    viscosity = np.abs(noise(*SHAPE, seed=9))
    request = [Request("velocity_gradient", XYZ, XYZ), REQUESTS[-1]]
    L, dissipation = evaluate(fields, ZYX, stencils, request, parameters=[viscosity])
    D = (L + L.swapaxes(0, 1)) / 2
    np.testing.assert_allclose(dissipation, 2 * viscosity * np.einsum("ij...,ij...", D, D), rtol=1e-13)
    for layout in memory_layouts(viscosity).values():
        assert_same_bits(evaluate(fields, ZYX, stencils, request, parameters=[layout])[1], dissipation)
    # a block of everything
    parts = [np.take(field, np.arange(2, 9), axis=0) for field in fields]
    part, low, high = stencils[2].slice(3, 8) if stencils[2] is not None else (None, 0, 0)
    assert (low, high) == (2, 9)
    result = evaluate(parts, ZYX, [*stencils[:2], part], request, parameters=[viscosity[3:8]])[1]
    assert_same_bits(result, dissipation[3:8])


@pytest.mark.parametrize("kept", [(), (0,), (2,), (0, 1), (0, 2)])
def test_a_parameter_that_is_constant_along_some_axes_is_not_spread_out(kept: tuple[int, ...]) -> None:
    fields = [noise(*SHAPE, seed=seed) for seed in XYZ]
    stencils = tables(SHAPE, ZYX)
    thin = np.abs(noise(*(count if axis in kept else 1 for axis, count in enumerate(SHAPE)), seed=9))
    full = np.ascontiguousarray(np.broadcast_to(thin, SHAPE))
    expected = evaluate(fields, ZYX, stencils, [REQUESTS[-1]], parameters=[full])[0]
    for given in (thin, np.broadcast_to(thin, SHAPE), np.asfortranarray(thin)):
        assert_same_bits(evaluate(fields, ZYX, stencils, [REQUESTS[-1]], parameters=[given])[0], expected)
    # in another memory order, and beside a parameter that is a field
    turned = [np.asfortranarray(field) for field in fields]
    assert_same_bits(evaluate(turned, ZYX, stencils, [REQUESTS[-1]], parameters=[thin])[0], expected)


@pytest.mark.parametrize("kept", [(0,), (1, 4), (2,), (3, 4), (4,), (0, 2, 3)])
def test_thin_parameters_of_fields_with_further_dimensions(kept: tuple[int, ...]) -> None:
    """Loops are merged and batches made only where the parameter allows it."""
    shape = (2, 5, 6, 3, 7)
    axes = (4, 2, 1)
    fields = [noise(*shape, seed=seed) for seed in XYZ]
    stencils = tables(shape, axes)
    thin = np.abs(noise(*(count if axis in kept else 1 for axis, count in enumerate(shape)), seed=9))
    full = np.ascontiguousarray(np.broadcast_to(thin, shape))
    expected = evaluate(fields, axes, stencils, [REQUESTS[-1]], parameters=[full])[0]
    assert_same_bits(evaluate(fields, axes, stencils, [REQUESTS[-1]], parameters=[thin])[0], expected)


# What derivatives of floating-point numbers owe


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_a_constant_has_derivative_zero(accuracy: int, dtype: DTypeLike) -> None:
    for value in (0.1, 300.7, -1e30):
        for periodic in (False, True):
            field = np.full(SHAPE, value, dtype)
            assert not gradient(field, ZYX, tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)).any()


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", ACCURACIES)
def test_a_large_mean_does_not_cost_digits_in_single_precision(accuracy: int, periodic: bool) -> None:
    eps = np.finfo(np.float32).eps
    z, y, x = np.meshgrid(*(nodes(n, axis) for axis, n in enumerate(SHAPE)), indexing="ij")
    field = (300 + np.sin(0.3 * x) * np.cos(0.2 * y + 0.1 * z)).astype(np.float32)
    stencils = tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)
    for part, axis, stencil in zip(gradient(field, ZYX, stencils), ZYX, stencils, strict=True):
        assert stencil is not None
        small = np.moveaxis(field.astype(np.float64) - 300, axis, 0)
        matrix = stencil.matrix()
        expected = np.tensordot(matrix, small, 1)
        error = np.abs(np.moveaxis(part, axis, 0) - expected)
        # rounding of the differences: the mean has no part in it
        differences = np.abs(small - small[:, np.newaxis])
        assert (error <= 2 * eps * np.einsum("ij,ij...->i...", np.abs(matrix), differences)).all()
        # one-sided windows of seven and nine nodes amplify those differences by more than that
        half = stencil.half_width if accuracy > 4 and not periodic else 0
        inside = slice(half, len(matrix) - half)
        assert error[inside].max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("accuracy", [2, 4, 8])
def test_nan_spreads_within_the_footprint_only(accuracy: int, periodic: bool, bad: float) -> None:
    field = noise(*SHAPE)
    stencils = tables(SHAPE, ZYX, 1, accuracy, periodic=periodic)
    expected = gradient(field, ZYX, stencils)
    for place in ((0, 0, 0), (10, 11, 12), (5, 6, 7), (1, 6, 11)):
        spoiled = field.copy()
        spoiled[place] = bad
        actual = gradient(spoiled, ZYX, stencils)
        for part, clean, axis, stencil in zip(actual, expected, ZYX, stencils, strict=True):
            assert stencil is not None
            footprint = np.zeros(SHAPE, bool)
            line = list[Any](place)
            line[axis] = slice(None)
            footprint[tuple(line)] = (stencil.matrix()[:, place[axis]] != 0) | (np.arange(SHAPE[axis]) == place[axis])
            assert np.array_equal(~np.isfinite(part), footprint)
            assert_same_bits(part[~footprint], clean[~footprint])


# Adjoint


ADJOINTS = [
    (1, 2, False),
    (1, 2, True),
    (1, 4, False),
    (2, 2, False),
    *(
        pytest.param(order, accuracy, periodic, marks=pytest.mark.slow)
        for order, accuracy, periodic in itertools.product((1, 2, 3), ACCURACIES, (False, True))
    ),
]


@pytest.mark.parametrize(("order", "accuracy", "periodic"), ADJOINTS)
def test_the_transpose_is_the_adjoint(order: int, accuracy: int, periodic: bool) -> None:
    shape = (17, 18, 19)
    f = noise(*shape)
    forward = tables(shape, ZYX, order, accuracy, periodic=periodic)
    backward = [stencil.transpose() for stencil in forward if stencil is not None]
    images = gradient(f, ZYX, forward)
    for seed in range(3):
        g = noise(*shape, seed=10 + seed)
        pulled = gradient(g, ZYX, backward, difference=False)
        assert_is_gradient(pulled, g, ZYX, backward)
        for image, back in zip(images, pulled, strict=True):
            error = abs(np.vdot(image, g) - np.vdot(f, back))
            assert error <= 1e-13 * np.linalg.norm(image) * np.linalg.norm(g)


@pytest.mark.parametrize(("order", "accuracy", "periodic"), ADJOINTS[1:2])
def test_the_adjoint_has_the_same_bits_in_any_memory_order(order: int, accuracy: int, periodic: bool) -> None:
    shape = (17, 18, 19)
    g = noise(*shape)
    backward = [
        stencil.transpose() for stencil in tables(shape, ZYX, order, accuracy, periodic=periodic) if stencil is not None
    ]
    expected = gradient(g, ZYX, backward, difference=False)
    moved = np.ascontiguousarray(g.transpose(1, 2, 0))
    # axes (z, y, x) have become (2, 0, 1)
    actual = gradient(moved, (1, 0, 2), backward, difference=False)
    assert_same_bits(actual.transpose(0, 3, 1, 2), expected)


@pytest.mark.parametrize(("order", "accuracy", "periodic"), ADJOINTS[:3])
def test_the_adjoint_has_the_same_bits_in_any_block(order: int, accuracy: int, periodic: bool) -> None:
    shape = (17, 18, 19)
    g = noise(*shape)
    backward = [
        stencil.transpose() for stencil in tables(shape, ZYX, order, accuracy, periodic=periodic) if stencil is not None
    ]
    expected = gradient(g, ZYX, backward, difference=False)
    for column, axis in enumerate(ZYX):
        for start, stop in ((0, 17), (0, 4), (4, 9), (6, 17), (9, 10)):
            parts = list(backward)
            parts[column], low, high = backward[column].slice(start, stop)
            part = np.take(g, np.arange(low, high) % shape[axis], axis=axis)
            actual = gradient(part, ZYX, parts, difference=False)
            assert_same_bits(actual, np.take(expected, np.arange(start, stop), axis=1 + axis))


# Threads, processes and interrupts


def test_a_call_from_another_thread() -> None:
    field = noise(40, 41, 42)
    stencils = tables(field.shape, ZYX)
    expected = gradient(field, ZYX, stencils)
    results: list[Array] = []
    thread = threading.Thread(target=lambda: results.append(gradient(field, ZYX, stencils)))
    thread.start()
    thread.join()
    assert_same_bits(results[0], expected)


def test_calls_from_four_threads_at_once() -> None:
    fields = [noise(40, 41, 42, seed=seed) for seed in range(4)]
    stencils = tables(fields[0].shape, ZYX)
    expected = [gradient(field, ZYX, stencils) for field in fields]
    results: list[list[Array]] = [[] for _ in fields]
    barrier = threading.Barrier(5)

    def work(number: int) -> None:
        barrier.wait()
        for _ in range(5):
            results[number].append(gradient(fields[number], ZYX, stencils))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    barrier.wait()
    own = [gradient(fields[0], ZYX, stencils) for _ in range(5)]
    for worker in workers:
        worker.join()
    for values, wanted in zip([*results, own], [*expected, expected[0]], strict=True):
        assert len(values) == 5
        for value in values:
            assert_same_bits(value, wanted)


FORK = """
import multiprocessing, warnings
import numpy as np
from fieldgrad.kernels import launch
from fieldgrad.stencils import derivative_stencil

field = np.random.default_rng(0).standard_normal((40, 41, 42))
tables = [derivative_stencil(np.arange(float(n))) for n in (42, 41, 40)]

def gradient():
    out = np.empty((3, *field.shape))
    launch.evaluate([field], [0], [2, 1, 0], tables, [launch.Request("gradient", (0, 1, 2))], [], [out])
    return out

if __name__ == "__main__":
    expected = gradient()
    # Python 3.12 warns of every fork beside threads; that it works is what is tested
    warnings.simplefilter("ignore", DeprecationWarning)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for child in [pool.apply_async(gradient) for _ in range(4)]:
            assert np.array_equal(child.get(60), expected)
    assert np.array_equal(gradient(), expected)
    print("the same")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="this system cannot fork")
def test_a_forked_child_of_a_process_that_has_used_the_kernels() -> None:
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "the same"


class Interrupt(BaseException):
    """What a signal handler raises, as Ctrl-C does."""


def raise_interrupt(*_: object) -> None:
    raise Interrupt


@pytest.fixture
def alarm() -> Iterator[Callable[[float], None]]:
    """Raise Interrupt in the main thread after some seconds."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timers")
    before = signal.signal(signal.SIGALRM, raise_interrupt)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, before)


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize("delay", [0.02, 0.3])
def test_no_thread_writes_after_an_interrupt(
    delay: float, threads: Callable[[int], None], alarm: Callable[[float], None]
) -> None:
    # the signal comes while the main thread works, or when it has no work left and waits for the other one
    started, finished = threading.Event(), threading.Event()

    def work(begin: int, end: int) -> None:
        if in_main_thread():
            started.wait(10)
            time.sleep(0.1)
        else:
            started.set()
            time.sleep(0.6)
            finished.set()

    threads(2)
    alarm(delay)
    with pytest.raises(Interrupt):
        sharing.share(work, (), 2, 10**6)
    assert finished.is_set() or not started.is_set()


def test_tasks_are_run_once_each(threads: Callable[[int], None]) -> None:
    threads(2)
    for tasks, values in itertools.product((1, 2, 7, 100), (1, 10**6, 10**8)):
        done: list[int] = []
        sharing.share(lambda begin, end, done=done: done.extend(range(begin, end)), (), tasks, values)  # type: ignore[misc]
        assert sorted(done) == list(range(tasks))


def test_memory_of_large_results_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_TOUCH", 2 * 4096)
    memory = np.full(5000, 7.0)
    monkeypatch.setattr(sharing, "TOUCHED_FROM", memory.nbytes + 1)
    sharing.touch(memory)
    assert (memory == 7).all()
    monkeypatch.setattr(sharing, "TOUCHED_FROM", memory.nbytes)
    sharing.touch(memory)
    assert list(np.flatnonzero(memory == 0)) == list(range(0, memory.size, 4096 // 8))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_all_memory_of_a_result_is_touched(order: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "touch", lambda memory: memory.fill(0))
    result = operators.allocate(reordered(noise(*SHAPE), order), SHAPE, (3,))
    assert result.shape == (3, *SHAPE)
    assert (result == 0).all()


def test_an_error_in_a_thread_is_raised(threads: Callable[[int], None]) -> None:
    helper_ran = threading.Event()

    def work(begin: int, end: int) -> None:
        if not in_main_thread():
            helper_ran.set()
            raise MemoryError("no scratch")
        helper_ran.wait(10)

    threads(2)
    with pytest.raises(MemoryError, match="no scratch"):
        sharing.share(work, (), 8, 10**6)


def test_more_threads_than_before_and_new_ones_in_a_child() -> None:
    pool, go_on = sharing._Threads(), threading.Event()
    (slow,) = pool.submit(1, lambda: assert_true(go_on.wait(10)))
    for count in (3, 2, 4):
        together = threading.Barrier(count)
        for one in pool.submit(count, lambda: assert_true(together.wait(10) >= 0)):  # noqa: B023
            one.result(10)
    go_on.set()
    slow.result(10)
    workers = pool.pool
    pool.forget()  # as after a fork, which no thread survives
    assert pool.submit(1, lambda: None)[0].result(10) is None
    assert pool.pool is not workers


def assert_true(value: bool) -> None:
    assert value


@pytest.mark.parametrize("features", [{}, {"fma": True}, {"fma": False}])
def test_a_processor_without_fused_multiply_add(features: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call.llvmlite.binding, "get_host_cpu_features", lambda: features)
    slow = features.get("fma") is False
    with pytest.warns(RuntimeWarning, match="no fused multiply-add") if slow else contextlib.nullcontext():
        call._check_processor.__wrapped__()


def test_empty_fields() -> None:
    out = np.empty((3, 0, 12, 13))
    launch.evaluate(
        [np.empty((0, 12, 13))], [0], [2, 1, None], tables((0, 12, 13), (2, 1, None)), [GRADIENT], [], [out]
    )


# Functions of L at a point


@numba.njit
def points_at(L: Any, viscosity: Any) -> Any:
    return (
        points.velocity_gradient(L),
        points.deformation_rate(L),
        points.spin(L),
        points.vorticity(L),
        points.vorticity_magnitude(L),
        points.divergence(L),
        points.q_criterion(L),
        points.second_invariant(L),
        points.dissipation(L, viscosity),
    )


def values_of(tensors: Array, viscosity: float = 0.3) -> list[Array]:
    """All point functions of tensors of shape (points, 3, 3): components come first."""
    number = tensors.dtype.type
    results = [points_at(tuple(tuple(row) for row in tensor), number(viscosity)) for tensor in tensors]
    return [
        np.moveaxis(np.array([result[k] for result in results], tensors.dtype), 0, -1) for k in range(len(REQUESTS))
    ]


def assert_values_of_points(values: Sequence[Array], viscosity: float) -> None:
    """All quantities against textbook formulas, to rounding of the sum of |products|."""
    L, D, W, vorticity, magnitude, divergence, q, second, dissipation = values
    eps = np.finfo(L.dtype).eps
    T = L.swapaxes(0, 1)
    assert_same_bits(D, D.swapaxes(0, 1))
    assert np.array_equal(W, -W.swapaxes(0, 1))
    assert (np.abs(D + W - L) <= 2 * eps * np.maximum(np.abs(L), np.abs(T))).all()
    assert (np.abs(D - (L / 2 + T / 2)) <= eps * np.maximum(np.abs(L), np.abs(T))).all()
    assert (np.abs(W - (L / 2 - T / 2)) <= eps * np.maximum(np.abs(L), np.abs(T))).all()
    assert_same_bits(vorticity, np.stack([L[2, 1] - L[1, 2], L[0, 2] - L[2, 0], L[1, 0] - L[0, 1]]))
    assert_same_bits(vorticity, vorticity + 0)
    np.testing.assert_allclose(2 * W[[2, 0, 1], [1, 2, 0]], vorticity, rtol=4 * eps, atol=0)
    assert_same_bits(divergence, L[0, 0] + L[1, 1] + L[2, 2])
    largest = np.abs(vorticity).max(axis=0)
    unit = np.where(largest == 0, 1, largest).astype(L.dtype)
    np.testing.assert_allclose(magnitude, unit * np.sqrt(np.sum((vorticity / unit) ** 2, axis=0)), rtol=8 * eps, atol=0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        wide = L.astype(np.float64)
        trace = np.einsum("ii...", wide)
        square = np.einsum("ij...,ji...", wide, wide)
        scale = np.einsum("ij...,ij...", wide, wide) + trace**2
        sound = np.isfinite(scale) & (scale > 1e-30 if L.dtype == np.float32 else scale > 1e-290)
        sound &= scale < np.finfo(L.dtype).max / 8
        strain = (wide + wide.swapaxes(0, 1)) / 2
        exact = 2 * float(L.dtype.type(viscosity)) * np.einsum("ij...,ij...", strain, strain)
        errors = [
            np.abs(q + square / 2),
            np.abs(second - (trace**2 - square) / 2),
            np.abs(dissipation - exact),
        ]
    for error in errors:
        assert (error <= 8 * eps * scale)[sound].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_points_of_random_tensors(dtype: DTypeLike) -> None:
    rng = np.random.default_rng(0)
    tensors = rng.standard_normal((300, 3, 3))
    tensors[100:200] *= 10.0 ** rng.integers(-6, 7, (100, 3, 3))
    tensors[200:250] -= np.trace(tensors[200:250], axis1=1, axis2=2)[:, None, None] / 3 * np.eye(3)
    tensors[250:275] += tensors[250:275].swapaxes(1, 2)
    tensors[275:] -= tensors[275:].swapaxes(1, 2).copy()
    tensors[0] = 0.0
    values = values_of(tensors.astype(dtype))
    assert np.array_equal(np.moveaxis(values[0], -1, 0), tensors.astype(dtype))
    assert_values_of_points(values, 0.3)


@pytest.mark.parametrize(
    ("dtype", "extremes"), [(np.float32, (1e-30, 1e30, 3e38)), (np.float64, (1e-160, 1e160, 1.7e308))]
)
def test_points_of_extreme_tensors(dtype: DTypeLike, extremes: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(1)
    for extreme in extremes[:2]:
        tensors = (rng.uniform(-1, 1, (60, 3, 3)) * extreme).astype(dtype)
        values = values_of(tensors)
        for value in values[:6]:
            assert np.isfinite(value).all()
        assert_values_of_points(values, 0.3)
        # neither overflow nor underflow: the magnitude is at least the largest component
        vorticity, magnitude = values[3], values[4]
        assert (magnitude >= np.abs(vorticity).max(axis=0) * (1 - 1e-6)).all()
        assert (magnitude <= 1.7321 * np.abs(vorticity).max(axis=0)).all()
    # halves are taken before they are added
    largest = np.full((1, 3, 3), extremes[2], dtype)
    for tensors in (largest, largest * np.array([1, -1, 1], dtype)):
        values = values_of(tensors)
        assert np.isfinite(values[1]).all()
        assert np.isfinite(values[2]).all()


def test_points_pass_nan_on() -> None:
    for i, j in itertools.product(range(3), range(3)):
        tensor = np.ones((1, 3, 3))
        tensor[0, i, j] = np.nan
        _, D, W, vorticity, magnitude, divergence, q, second, dissipation = values_of(tensor)
        assert np.isnan(D[i, j, 0])
        assert np.isnan(D[j, i, 0])
        assert np.isnan([q[0], second[0], dissipation[0]]).all()
        assert np.isnan(divergence[0]) == (i == j)
        assert np.isnan(magnitude[0]) == (i != j)
        if i != j:
            assert np.isnan(W[i, j, 0])
            assert np.isnan(vorticity[3 - i - j, 0])


def test_directional_functions() -> None:
    @numba.njit
    def both(L: Any, u: Any, v: Any, w: Any) -> Any:
        return points.advection(L, u, v, w), points.along(L, u, v, w), points.row_sum(L)

    rng = np.random.default_rng(2)
    for scale in (1.0, 1e-200, 1e200):
        for g, u in rng.standard_normal((20, 2, 3)):
            L = (tuple(g), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
            advection, slope, total = both(L, *(u * scale))
            unit = 4 * np.finfo(np.float64).eps * (np.abs(g) @ np.abs(u))
            assert abs(advection / scale - g @ u) <= unit
            assert abs(slope * np.linalg.norm(u) - g @ u) <= 2 * unit
            assert total == g[0] + g[1] + g[2]
    assert np.isnan(both(((1.0, 2.0, 3.0), (0.0,) * 3, (0.0,) * 3), 0.0, 0.0, 0.0)[1])
