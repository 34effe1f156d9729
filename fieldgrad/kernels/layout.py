# SPDX-License-Identifier: BSD-3-Clause
"""How arrays of any rank and memory order become the rows that the engine walks. NumPy only.

Dimensions are sorted by their stride. The fastest becomes the row; differentiated ones become outer slots, all others
loops around them. Nothing is copied but inputs whose rows are not contiguous in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fieldgrad.stencils import Stencil

# A fast dimension without derivatives (components, real and imaginary parts, a few times) is merged into the
# differentiated one beside it when shorter than this; the row then has that step between neighbours. Longer ones are
# rows themselves.
_MERGE_BELOW = 64
# Bytes that are copied in one go: 30 ms where the system still has to find the memory.
_SLAB = 1 << 25


@dataclass(frozen=True)
class Dimension:
    """One dimension of the fields: sizes and strides in elements, also of parameters with strides of their own."""

    size: int
    source: int
    target: int
    column: int | None = None
    own: tuple[int, ...] = ()

    def encloses(self, faster: Dimension) -> bool:
        """Whether this dimension continues where a faster one ends, in input, output and parameters."""
        ours, theirs = (self.source, self.target, *self.own), (faster.source, faster.target, *faster.own)
        return all(slow == fast * faster.size for slow, fast in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Layout:
    """Loops and tables of one call; see the constants of the engine for their meaning."""

    sizes: tuple[int, int, int, int]
    sources: tuple[int, int, int]
    targets: tuple[int, int, int]
    slots: tuple[int, int, int, int]  # column of L that is differentiated along each slot, or -1
    step: int
    origin: int
    batch_in: NDArray[np.int64]
    batch_out: NDArray[np.int64]
    # for each parameter with strides of its own: those of slots 0, 1, 2 and of the row, and its offsets in the batches
    own: tuple[tuple[int, int, int, int], ...] = ()
    batch_own: tuple[NDArray[np.int64], ...] = ()

    @property
    def points(self) -> int:
        """Points of the output field."""
        return math.prod(self.sizes) * len(self.batch_in)


def stride_order(strides: Sequence[int]) -> list[int]:
    """Axes from the slowest to the fastest; broadcast axes, which have no stride, first."""
    return sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]) or -math.inf)


def memory_order(array: NDArray[Any]) -> list[int]:
    """Axes of an array from the slowest to the fastest in memory."""
    return stride_order(array.strides)


def empty_like(
    field: NDArray[Any],
    shape: Sequence[int],
    leading: Sequence[int] = (),
    dtype: Any = None,
    empty: Callable[..., NDArray[Any]] = np.empty,
) -> NDArray[Any]:
    """Uninitialised memory for a field of some shape in the memory order of another, behind leading dimensions."""
    kind = field.dtype if dtype is None else np.dtype(dtype)
    if field.flags.c_contiguous:
        return _had(empty, (*leading, *shape), kind)
    order = memory_order(field)
    memory = _had(empty, (*leading, *(shape[axis] for axis in order)), kind)
    inverse = np.argsort(order)
    return memory.transpose(*range(len(leading)), *(len(leading) + inverse))


def _had(empty: Callable[..., NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return empty(shape, dtype)
    except MemoryError:
        raise no_memory(shape, dtype) from None


def fill(target: NDArray[Any], source: NDArray[Any]) -> None:
    """Copy and convert an array slab by slab in the order of the target, so that an interrupt is seen between them."""
    if target.nbytes <= _SLAB:
        target[...] = source
        return
    axis = next(axis for axis in memory_order(target) if target.shape[axis] > 1)
    step = max(1, target.shape[axis] * _SLAB // target.nbytes)
    for start in range(0, target.shape[axis], step):
        slab = (slice(None),) * axis + (slice(start, start + step),)
        fill(target[slab], source[slab])


def converted(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """A copy of an array in its own memory order."""
    copy = empty_like(array, array.shape, dtype=dtype)
    fill(copy, array)
    return copy


def no_memory(shape: Sequence[int], dtype: np.dtype[Any]) -> MemoryError:
    """What to say where memory for an array cannot be had."""
    wanted = math.prod(shape) * dtype.itemsize
    return MemoryError(
        f"memory: {wanted} bytes ({wanted / 2**30:.1f} GiB) for an array of shape {tuple(shape)} and dtype {dtype} "
        "cannot be had; pass data in chunks (obj.chunk(...)), which dask works on block by block, or ask for less"
    )


def has_contiguous_rows(array: NDArray[Any]) -> bool:
    """Whether the engine can walk an array in place: native, aligned, whole strides, and rows without gaps."""
    size = array.itemsize
    if not (array.dtype.isnative and array.flags.aligned) or any(stride % size for stride in array.strides):
        return False
    strides = [stride // size for stride, count in zip(array.strides, array.shape, strict=True) if count > 1]
    nonzero = [stride for stride in strides if stride]
    return not strides or (bool(nonzero) and min(nonzero, key=abs) == 1)


def span(array: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """All memory between the first and the last element of an array, as one row, and where its first element lies."""
    if array.flags.c_contiguous:  # as_strided takes 6 microseconds, a view 0.3
        return array.reshape(-1), 0
    size = array.itemsize
    extents = [(count - 1) * stride // size for count, stride in zip(array.shape, array.strides, strict=True)]
    before = -sum(extent for extent in extents if extent < 0)
    total = before + sum(extent for extent in extents if extent > 0) + 1
    first = array[tuple(slice(-1, None) if extent < 0 else slice(0, 1) for extent in extents)]
    return as_strided(first, (total,), (size,), writeable=array.flags.writeable), before


def plan(
    shape: Sequence[int],
    sources: Sequence[int],
    targets: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    own: Sequence[Sequence[int]] = (),
) -> Layout:
    """Choose loops for fields of one shape and one set of strides.

    Parameters
    ----------
    shape : sequence of int
        Shape of the output field.
    sources, targets : sequence of int
        Strides of input and output in elements.
    axes : sequence of int or None
        For the columns x, y, z of L the axis of the field along which to differentiate.
    stencils : sequence of Stencil or None
        The tables of those axes.
    own : sequence of sequence of int
        Strides of parameters that are laid out differently; zero along axes on which they do not depend.

    Returns
    -------
    Layout
        Loops from slow to fast.
    """
    column_of = {axis: column for column, axis in enumerate(axes) if axis is not None}
    origin = 0
    dimensions = []
    nothing = (0,) * len(own)
    for axis in stride_order(sources):
        column = column_of.get(axis)
        if column is None and shape[axis] == 1:
            continue
        stencil = None if column is None else stencils[column]
        if stencil is not None:
            origin += stencil.first * sources[axis]
        strides = tuple(one[axis] for one in own)
        dimensions.append(Dimension(shape[axis], sources[axis], targets[axis], column, strides))
    last = dimensions[-1] if dimensions else None
    if last is not None and last.source == 1 and (last.target == 1 or last.size == 1):
        row = replace(dimensions.pop(), target=1)
    else:
        row = Dimension(1, 1, 1, None, nothing)
    step = 1
    while row.column is None and dimensions and dimensions[-1].encloses(row):
        if dimensions[-1].column is None:
            row = replace(row, size=row.size * dimensions.pop().size)
        elif row.size < _MERGE_BELOW:
            step = row.size
            outer = dimensions.pop()
            row = replace(row, size=row.size * outer.size, column=outer.column)
        else:
            break
    loops = [dimension for dimension in dimensions if dimension.column is not None]
    batch: list[Dimension] = []
    for dimension in dimensions:
        if dimension.column is None:
            if batch and batch[-1].encloses(dimension):
                batch[-1] = replace(dimension, size=batch[-1].size * dimension.size)
            else:
                batch.append(dimension)
    while len(loops) < 3:
        loops.insert(0, batch.pop() if batch else Dimension(1, 0, 0, None, nothing))
    offsets = [np.zeros(1, np.int64)] * (2 + len(own))
    for dimension in batch:
        index = np.arange(dimension.size)
        strides = (dimension.source, dimension.target, *dimension.own)
        offsets = [np.add.outer(one, index * stride).ravel() for one, stride in zip(offsets, strides, strict=True)]
    a, b, c = loops
    slots = tuple(-1 if dimension.column is None else dimension.column for dimension in (a, b, c, row))
    return Layout(
        sizes=(a.size, b.size, c.size, row.size),
        sources=(a.source, b.source, c.source),
        targets=(a.target, b.target, c.target),
        slots=slots,  # type: ignore[arg-type]
        step=step,
        origin=origin,
        batch_in=offsets[0],
        batch_out=offsets[1],
        own=tuple(zip(a.own, b.own, c.own, row.own, strict=True)),
        batch_own=tuple(offsets[2:]),
    )
