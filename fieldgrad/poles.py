# SPDX-License-Identifier: BSD-3-Clause
"""Gradients on the axis of a cylinder and at the poles of a sphere, where they are limits.

There the length h of a step of the azimuth p vanishes, as the distance from the pole, and with it what is divided by
it, if the field is regular. By l'Hopital's rule a quotient N/h is sigma dN/ds, with the derivative along the meridian s
and sigma = dh/ds = 1 or -1. So

    L_ip = sigma d2u_i/dp ds + regular terms,   and further   L_pp += du_s/ds,   L_sp -= du_p/ds,

all others are what they are elsewhere. Physical components depend on the azimuth at a pole, since the unit vectors do;
the limit is that along the meridian of each point. Where N does not vanish at the pole there is no limit, and the value
is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad.geometry import Metric, differentiated
from fieldgrad.stencils import Stencil

Array = NDArray[Any]

# Rounding units of what is differentiated up to which a numerator counts as zero.
_NOISE = 16


def rows_of(metric: Metric | None, axes: Sequence[int | None]) -> tuple[int, list[int]]:
    """The axis of the meridian, and the places of the poles along it; none where there is no azimuth."""
    if metric is None or metric.pole is None:
        return 0, []
    axis = axes[metric.pole.meridian]
    if axis is None or axes[metric.pole.azimuth] is None:
        return 0, []
    return axis, [int(index) for index in np.flatnonzero(metric.arrays[metric.side].ravel())]


def tensors(
    fields: Sequence[Array],
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    metric: Metric,
    shape: tuple[int, ...],
    valid: NDArray[np.uint8] | None = None,
    *,
    vector: bool,
) -> Iterator[tuple[int, int, Array]]:
    """Gradients at the poles of a field.

    Parameters
    ----------
    fields : sequence of ndarray
        Components of a vector, or one scalar, with the nodes around them that a block has.
    rows : sequence of int
        Rows of the tensor that they fill.
    axes, stencils : sequence of int and Stencil, or None
        For each column the axis of the fields, and the table of the first derivative along it.
    metric : Metric
        The metric on the points of the output.
    shape : tuple of int
        Shape of the output.
    valid : ndarray of uint8, optional
        Points that are no holes, of the shape of the fields. Beside holes limits do not exist: no window adapts.
    vector : bool
        Whether the fields are components along unit vectors that turn.

    Yields
    ------
    axis, index : int
        Where the pole lies in the output.
    L : ndarray, shape (3, 3, ...)
        The tensor there; the axis has length one.
    """
    axis, places = rows_of(metric, axes)
    meridian = stencils[metric.pole.meridian] if metric.pole is not None else None
    for index in places:
        assert meridian is not None
        _, low, high = meridian.slice(index, index + 1)
        window = _along(axis, low, high)
        near = [field[window] for field in fields]
        if valid is not None:
            near = [np.where(valid[window], field, field.dtype.type(np.nan)) for field in near]
        with np.errstate(all="ignore"):
            yield axis, index, _at(near, low, rows, axes, stencils, metric, index, shape, vector)


def _at(
    fields: Sequence[Array],
    low: int,
    rows: Sequence[int],
    axes: Sequence[int | None],
    stencils: Sequence[Stencil | None],
    metric: Metric,
    index: int,
    shape: tuple[int, ...],
    vector: bool,
) -> Array:
    pole = metric.pole
    assert pole is not None
    s, p = pole.meridian, pole.azimuth
    row, azimuth = axes[s], axes[p]
    meridian, azimuthal = stencils[s], stencils[p]
    assert row is not None
    assert azimuth is not None
    assert azimuthal is not None
    assert meridian is not None
    dtype = fields[0].real.dtype

    def entry(array: Any) -> Any:
        """An entry of the metric at the pole, in the precision of the fields."""
        if np.ndim(array) == 0:
            return dtype.type(array)
        return (array[_along(row, index)] if array.shape[row] > 1 else array).astype(dtype)

    sigma = entry(metric.arrays[metric.side])
    here = meridian.first + index - low
    beside = here + (1 if fields[0].shape[row] - here > here else -1)
    step, turn = entry(metric.value(metric.transform[s, s])), dtype.type(metric.turn)
    L = np.zeros((3, 3, *_row_shape(shape, row)), fields[0].dtype)
    values, outward, across, numerators, next_ones, nearby = {}, {}, {}, {}, {}, {}
    for number, (i, field) in enumerate(zip(rows, fields, strict=True)):
        table, around = meridian.of(number).slice(index, index + 1)[0], azimuthal.of(number)
        # one direction at a time keeps the others without the nodes around them, of which corners are not there
        third = _inside(field, axes, stencils, 3 - s - p)
        near = step * differentiated(third, row, table)
        outward[i] = _inside(near, axes, stencils, p)
        across[i] = sigma * turn * differentiated(near, azimuth, around.linear)
        rings = [turn * differentiated(third[_along(row, node)], azimuth, around) for node in (here, beside)]
        numerators[i], next_ones[i] = rings
        values[i], next_value = (_inside(third[_along(row, node)], axes, stencils, p) for node in (here, beside))
        nearby[i] = np.abs(values[i]) + np.abs(next_value)
        L[i, s], L[i, p] = outward[i], across[i]
        other = 3 - s - p
        table_of_other = stencils[other]
        if table_of_other is not None:
            bare = _inside(field[_along(row, here)], axes, stencils, p)
            scale = entry(metric.value(metric.transform[other, other]))
            L[i, other] = scale * differentiated(bare, int(axes[other] or 0), table_of_other.of(number))
    sizes = {i: np.abs(numerators[i]) for i in rows}
    if vector:
        L[p, p] += outward[s]
        L[s, p] -= outward[p]
        both = sizes[s] + sizes[p] + np.abs(values[s]) + np.abs(values[p])
        for i, k, sign in ((p, s, sigma), (s, p, -sigma)):
            numerators[i] = numerators[i] + sign * values[k]
        sizes |= {s: both, p: both}
        # a component that vanishes at the pole is there what rounding left of its neighbours: cos(90 degrees) is 6e-17
        nearby |= dict.fromkeys((s, p), nearby[s] + nearby[p])
        for (i, j, k), term in sorted(metric.connection.items()):
            if i in rows and k in rows and axes[j] is not None and (i, j, k) not in {(p, p, s), (s, p, p)}:
                L[i, j] += entry(metric.value(term)) * values[k]
    for i in rows:
        allowed = (sizes[i] if vector and i in (s, p) else 0) + np.abs(next_ones[i])
        L[i, p] = np.where(is_regular(numerators[i], allowed, nearby[i], azimuthal, metric.turn), L[i, p], np.nan)
    return L


def is_regular(numerator: Any, allowed: Any, value: Any, around: Stencil, turn: float) -> Any:
    """Whether what is divided by zero vanishes: it is small beside its parts, or beside itself on the next ring."""
    real = value.real.dtype
    noise = real.type(_NOISE * np.finfo(real).eps * turn * np.abs(around.band).sum(axis=0).max(initial=0.0))
    return abs(numerator) <= abs(allowed) / 2 + noise * abs(value)


def _along(axis: int, start: int, stop: int | None = None) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, start + 1 if stop is None else stop))


def _row_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], 1, *shape[axis + 1 :])


def _inside(field: Array, axes: Sequence[int | None], stencils: Sequence[Stencil | None], place: int) -> Array:
    """A field without the nodes around it along one direction."""
    axis, stencil = axes[place], stencils[place]
    if axis is None or stencil is None:
        return field
    return field[_along(axis, stencil.first, stencil.first + stencil.rows)]
