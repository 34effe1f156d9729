# SPDX-License-Identifier: BSD-3-Clause
"""Runs the engine on arrays of any strides: makes them alike, and hands their memory to the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fieldgrad.kernels import redo, weights
from fieldgrad.kernels.call import Request, goes_by_rows, prepare
from fieldgrad.kernels.layout import empty_like, fill, has_contiguous_rows, memory_order, span
from fieldgrad.kernels.spec import Metric
from fieldgrad.kernels.threads import share, workers
from fieldgrad.kernels.user import key_of
from fieldgrad.long_axes import LEAST_ROWS, PIECE, ROW, EvenStencil, LongStencil
from fieldgrad.masks import Holes, Rule
from fieldgrad.stencils import Stencil

__all__ = ["Metric", "Request", "evaluate", "key_of"]


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
    metric: Metric | None = None,
    holes: Holes | None = None,
    rules: Sequence[Rule | None] = (),
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
        Of the dtype of the fields: zero-dimensional numbers, fields of the shape of the output, or fields that
        broadcast to it, which are not spread out.
    outs : sequence of ndarray
        For each request its output: dimensions of components, then those of the field. They overlap no input.
    difference : bool
        False for tables whose rows do not sum to zero: weights then act on plain values.
    metric : Metric, optional
        How coordinate derivatives become physical ones, by which parameters.
    holes : Holes, optional
        Which points are valid, where some may not be.
    rules : sequence of Rule or None
        What the tables become beside holes, if there may be any.
    """
    ndim = fields[0].ndim
    shape = outs[0].shape[outs[0].ndim - ndim :]
    if 0 in shape or 0 in fields[0].shape:
        return
    for number, stencil in enumerate(stencils):
        if isinstance(stencil, LongStencil) and holes is None:
            _in_pieces(fields, rows, axes, stencils, number, stencil, requests, parameters, outs, difference, metric)
            return
    sources, targets = list(fields), list(outs)
    values = [parameter if parameter.ndim else parameter.reshape(1) for parameter in parameters]
    thin = [parameter.ndim > 0 and _thin(parameter, shape) for parameter in parameters]
    with_fields = any(parameter.ndim for parameter in parameters)
    # the common case needs no look at strides
    plain = not with_fields and all(
        array.flags.c_contiguous and array.flags.aligned and array.dtype == fields[0].dtype
        for array in (*sources, *targets)
    )
    if not plain:
        sources = _alike(fields)
        if not _walkable(sources[0], targets, ndim, packed=with_fields):
            targets = [empty_like(sources[0], shape, out.shape[: out.ndim - ndim]) for out in outs]
        like = targets[0][(0,) * (targets[0].ndim - ndim)]
        values = [
            (_own(value, like) if own else _in_layout(value, like)) if parameter.ndim else value
            for value, parameter, own in zip(values, parameters, thin, strict=True)
        ]
    kinds = tuple(
        tuple([stride // value.itemsize for stride in _strides(value, ndim)]) if own else parameter.ndim > 0
        for value, parameter, own in zip(values, parameters, thin, strict=True)
    )
    _run(sources, rows, axes, stencils, requests, values, targets, difference, kinds, metric)
    if holes is not None:
        redo.run(sources, rows, axes, stencils, requests, values, targets, holes, rules, kinds, metric)
    for out, target in zip(outs, targets, strict=True):
        if out is not target:
            fill(out, target)


def _in_pieces(
    fields: Sequence[NDArray[Any]],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    number: int,
    stencil: LongStencil,
    requests: Sequence[Request],
    parameters: Sequence[NDArray[Any]],
    outs: Sequence[NDArray[Any]],
    difference: bool,
    metric: Metric | None,
) -> None:
    """One part of a long axis after the other, each with the part of the table that it takes."""
    if isinstance(stencil, EvenStencil) and _is_line(fields, parameters, outs):
        _in_rows(fields[0], rows, axes, stencils, stencil, requests, outs[0], difference)
        return
    axis, count = axes[number] or 0, stencil.rows
    length = max(PIECE * count // fields[0].size, LEAST_ROWS)
    behind = (slice(None),) * (fields[0].ndim - axis - 1)

    def part(array: NDArray[Any], low: int, high: int) -> NDArray[Any]:
        if array.ndim == 0 or array.shape[array.ndim - len(behind) - 1] == 1:
            return array
        if low < 0 or high > count:
            return array.take(np.arange(low, high) % count, axis=axis)
        some: NDArray[Any] = array[(..., slice(low, high), *behind)]  # type: ignore[arg-type]
        return some

    def work(begin: int, end: int) -> None:
        for start in range(begin * length, min(end * length, count), length):
            stop = min(start + length, count)
            block, low, high = stencil.slice(start, stop, fill=weights.fill)
            evaluate(
                [part(field, low, high) for field in fields],
                rows,
                axes,
                [block if one is stencil else one for one in stencils],
                requests,
                [part(parameter, start, stop) for parameter in parameters],
                [part(out, start, stop) for out in outs],
                difference=difference,
                metric=metric,
            )

    share(work, (), -(-count // length), sum([out.size for out in outs]))


def _is_line(fields: Sequence[NDArray[Any]], parameters: Sequence[NDArray[Any]], outs: Sequence[NDArray[Any]]) -> bool:
    """Whether there is but one field, of one dimension, and one result, without gaps."""
    return (
        (len(fields), len(outs), len(parameters)) == (1, 1, 0)
        and fields[0].ndim == 1
        and outs[0].size == outs[0].shape[-1]
        and all(has_contiguous_rows(array) for array in (*fields, *outs))
    )


def _in_rows(
    field: NDArray[Any],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    stencil: EvenStencil,
    requests: Sequence[Request],
    out: NDArray[Any],
    difference: bool,
) -> None:
    """A line whose weights are all alike: its interior as many rows of one short table, then what is left of it."""
    n = stencil.rows
    count = n // ROW - 2
    last = (count + 1) * ROW
    block, low, high = stencil.slice(ROW, 2 * ROW)
    step = field.strides[0]
    interior = as_strided(field[low:], (count, high - low), (ROW * step, step), writeable=False)
    leading = out.shape[:-1]
    works = [(interior, block, 1, out[..., ROW:last].reshape(*leading, count, ROW))]
    for start, stop in ((0, ROW), (last, n)):
        block, low, high = stencil.slice(start, stop)
        works.append((field[low:high], block, 0, out[..., start:stop]))
    for part, table, axis, target in works:
        evaluate(
            [part],
            rows,
            [None if one is None else axis for one in axes],
            [table if one is stencil else one for one in stencils],
            requests,
            (),
            [target],
            difference=difference,
        )


def _strides(array: NDArray[Any], ndim: int) -> tuple[int, ...]:
    """Strides of the last dimensions; those of length one do not matter."""
    leading = array.ndim - ndim
    return tuple(
        stride if count > 1 else 0 for stride, count in zip(array.strides[leading:], array.shape[leading:], strict=True)
    )


def _walkable(source: NDArray[Any], outs: list[NDArray[Any]], ndim: int, *, packed: bool) -> bool:
    """Whether outputs can be written in place: all of one set of strides, with the rows of the source."""
    strides = _strides(outs[0], ndim)
    shape = outs[0].shape[outs[0].ndim - ndim :]
    if packed and strides != _strides(empty_like(source, shape), ndim):
        return False
    rows = [axis for axis in range(ndim) if strides[axis] == outs[0].itemsize]
    return all(
        out.dtype == source.dtype and has_contiguous_rows(out) and _strides(out, ndim) == strides for out in outs
    ) and (max(shape) == 1 or (len(rows) == 1 and rows[0] == _fastest(source, shape)))


def _fastest(source: NDArray[Any], shape: Sequence[int]) -> int:
    return next(axis for axis in reversed(memory_order(source)) if shape[axis] > 1)


def _in_layout(array: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """The array itself if it has the strides of another, else a copy that has."""
    if array.strides == like.strides and has_contiguous_rows(array):
        return array
    copy = empty_like(like, array.shape)
    fill(copy, array)
    return copy


def _thin(parameter: NDArray[Any], shape: Sequence[int]) -> bool:
    """Whether a parameter is constant along some axes of the field, by its shape or by strides of zero."""
    return any(
        count > 1 and (length == 1 or stride == 0)
        for count, length, stride in zip(shape, parameter.shape, parameter.strides, strict=True)
    )


def _own(parameter: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """A parameter without the axes along which it is constant, its other ones in the memory order of a field."""
    core = parameter[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in parameter.strides)]
    copy = empty_like(like, core.shape)
    fill(copy, core)
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
            fill(copy, field)
            copies.append(copy)
    return copies


def _run(
    sources: Sequence[NDArray[Any]],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    requests: Sequence[Request],
    parameters: Sequence[NDArray[Any]],
    outs: Sequence[NDArray[Any]],
    difference: bool,
    kinds: tuple[bool | tuple[int, ...], ...],
    metric: Metric | None,
) -> None:
    if metric is None and goes_by_rows(rows, stencils, requests, outs):
        scalar = [Request("gradient", requests[0].columns)]
        for number, (source, out) in enumerate(zip(sources, outs[0], strict=True)):
            own = [None if stencil is None else stencil.of(number) for stencil in stencils]
            _run([source], [0], axes, own, scalar, (), [out], difference, (), None)
        return
    first, size, ndim = sources[0], sources[0].itemsize, sources[0].ndim
    spans = [span(source) for source in sources]
    target = outs[0]
    memory: list[NDArray[Any]] = []
    strides: list[int] = []
    for out in outs:
        array, origin = span(out)
        memory.append(array)
        steps = [stride // size for stride in out.strides[: out.ndim - ndim]]
        strides += [origin, *steps, *[0] * (2 - len(steps))]
    values = sum([out.size for out in outs])
    call = prepare(
        target.shape[target.ndim - ndim :],
        tuple([stride // size for stride in first.strides]),
        tuple([stride // size for stride in target.strides[target.ndim - ndim :]]),
        tuple(strides),
        spans[0][1],
        first.dtype,
        tuple(rows),
        tuple(axes),
        tuple(stencils),
        tuple(requests),
        kinds,
        difference,
        workers(values),
        metric,
    )
    inputs = [array for array, _ in spans]
    arguments = (
        None,
        inputs[0],
        inputs[min(1, len(inputs) - 1)],
        inputs[-1],
        tuple([span(parameter)[0] for parameter in parameters]),
        tuple(memory),
        tuple(strides),
        call.numbers,
        call.layout.batch_in,
        call.layout.batch_out,
        call.tables,
    )
    share(call.function, arguments, call.tasks, values)
