# SPDX-License-Identifier: BSD-3-Clause
"""Second derivatives of a scalar in any geometry, composed of derivatives along axes; on arrays of NumPy and dask.

On an axis and at poles they are limits, as first derivatives are (:mod:`fieldgrad.poles`). With F the second derivative
along the meridian s, the azimuth p in radians, and z the third direction,

    H_ss = F,   H_sp = (sigma/2) dF/dp,   H_pp = F + (1/2) d2F/dp2 + regular terms,   H_pz = d/dz (sigma d2f/ds dp),

from the expansion of a regular field in powers of the distance; the Laplacian is the sum of the diagonal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from fieldgrad import chunked, operators
from fieldgrad.chunked import derivative, evaluate, is_lazy, of_scalar
from fieldgrad.geometry import Metric, Term
from fieldgrad.operators import Array, Frame
from fieldgrad.poles import is_regular, rows_of
from fieldgrad.stencils import Stencil


def laplacian(f: Any, first: Frame, second: Frame) -> Any:
    """Sum of the second derivatives; the frames hold the tables of first and second derivatives."""
    metric = first.metric
    if metric is None:
        return evaluate(of_scalar(operators.laplacian), [f], second)[0]
    if metric.skewed:
        pure = _composed(f, first, second, [(a, a) for a in range(len(first.columns))])
        return sum(list(pure.values())[1:], start=pure[0, 0])
    scales = [_entry(metric, m, f) for m in first.columns]
    squares = {(m, m): (number, 1) for number, m in enumerate(first.columns)}
    squared = Metric(tuple(np.square(scale) for scale in scales), squares, {}, {})
    (result,) = evaluate(of_scalar(operators.laplacian), [f], replace(second, metric=squared))
    weights = [_along(metric, m, first, f) for m in first.columns]
    if any((weight != 0).any() for weight in weights):
        (slope,) = evaluate(_slope, [f], replace(first, metric=None), weights)
        result = result + slope

    def at_pole(row: _Row) -> Any:
        total = 2 * row.bent + row.twice_around / 2
        if row.third is not None:
            total = total + row.entry(_entry(metric, row.third, f)) ** 2 * row.second(row.third)
        for (i, j, m), term in sorted(metric.bend.items()):
            if i == j and i in first.columns and m in first.columns and (i, m) != (row.azimuth, row.meridian):
                total = total + row.entry(metric.value(term)) * row.first(m)
        return row.masked(total)

    return _with_poles(f, result, first, second, {(): at_pole})


def hessian(f: Any, first: Frame, second: Frame) -> Any:
    """Second derivatives, shape (directions, directions, ...), symmetric to the bit."""
    metric = first.metric
    if metric is None:
        return chunked.hessian(f, first, second)
    if metric.skewed:
        count = len(first.columns)
        upper = _composed(f, first, second, [(a, b) for a in range(count) for b in range(a, count)])
        return chunked.tensor(upper | {(b, a): value for (a, b), value in upper.items()}, count)
    plain = chunked.hessian(f, replace(first, metric=None), replace(second, metric=None))
    slopes = [derivative(f, first.part(number)) for number in range(len(first.axes))]
    columns, dtype = first.columns, f.real.dtype
    parts: dict[tuple[int, int], Any] = {}
    for a, i in enumerate(columns):
        for b, j in enumerate(columns[a:], a):
            scale = (_entry(metric, i, f) * _entry(metric, j, f)).astype(dtype)
            value = scale * plain[a, b]
            for m, slope in zip(columns, slopes, strict=True):
                if (i, j, m) in metric.bend:
                    value = value + np.asarray(metric.value(metric.bend[i, j, m])).astype(dtype) * slope
            parts[a, b] = parts[b, a] = value
    count = len(columns)
    result = chunked.tensor(parts, count)

    def around(row: _Row) -> Any:
        value = row.bent + row.twice_around / 2
        p = row.azimuth
        for m in columns:
            if (p, p, m) in metric.bend and m != row.meridian:
                value = value + row.entry(metric.value(metric.bend[p, p, m])) * row.first(m)
        return row.masked(value)

    def across(row: _Row) -> Any:
        return row.masked(row.sigma / 2 * row.around(row.bent))

    def along_third(row: _Row) -> Any:
        third = row.third
        assert third is not None
        s = row.meridian
        outward = row.sigma * row.step * row.around(row.first(s))
        at = columns.index(third)
        scale = row.entry(_entry(metric, third, f))
        return row.masked(scale * _along_one(outward, first.axes[at], first.stencils[at].linear))

    at_pole: dict[tuple[int, ...], Callable[[_Row], Any]] = {}
    if metric.pole is not None and {metric.pole.azimuth, metric.pole.meridian} <= set(columns):
        s, p = columns.index(metric.pole.meridian), columns.index(metric.pole.azimuth)
        at_pole = {(p, p): around, (s, p): across, (p, s): across}
        for z in set(range(count)) - {s, p}:
            at_pole |= {(p, z): along_third, (z, p): along_third}
    return _with_poles(f, result, first, second, at_pole)


def _composed(f: Any, first: Frame, second: Frame, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """Some entries of the Hessian where the axes of the field are not those of space."""
    metric, columns, dtype = first.metric, first.columns, f.real.dtype
    assert metric is not None
    slopes = [derivative(f, first.part(number)) for number in range(len(columns))]
    plain = chunked.hessian(f, replace(first, metric=None), replace(second, metric=None))
    found: dict[tuple[int, int], Any] = {}
    for i, j in pairs:
        terms = []
        for (a, m), (b, n) in product(enumerate(columns), repeat=2):
            if {(m, columns[i]), (n, columns[j])} <= metric.transform.keys():
                factor = _term(metric, metric.transform[m, columns[i]], f)
                factor = factor * _term(metric, metric.transform[n, columns[j]], f)
                terms.append(factor.astype(dtype) * plain[a, b])
        for a, slope in enumerate(slopes):
            key = (columns[i], columns[j], columns[a])
            if key in metric.bend:
                terms.append(_term(metric, metric.bend[key], f).astype(dtype) * slope)
        found[i, j] = sum(terms[1:], start=terms[0])
    return found


def _entry(metric: Metric, m: int, f: Any) -> Array:
    """The entry (m, m) of A on the dimensions of a field."""
    return _term(metric, metric.transform[m, m], f)


def _term(metric: Metric, term: Term, f: Any) -> Array:
    """An entry on the dimensions of a field."""
    value = np.asarray(metric.value(term))
    return value.reshape((1,) * (f.ndim - value.ndim) + value.shape)


def _along(metric: Metric, m: int, frame: Frame, f: Any) -> Array:
    """What the Laplacian has of the first derivative along a direction, on the dimensions of a field."""
    total = np.zeros((1,) * f.ndim)
    for i in frame.columns:
        if (i, i, m) in metric.bend:
            total = total + metric.value(metric.bend[i, i, m])
    return total


def _along_one(f: Any, axis: int, stencil: Stencil) -> Any:
    """Derivative by a table that does not adapt to holes."""
    return derivative(f, Frame(("x",), (axis,), (stencil,)))


def _slope(fields: list[Array], frame: Frame, weights: list[Any]) -> list[Array]:
    return [operators.slope(fields[0], frame, weights)]


class _Row:
    """A field near a pole, and its derivatives on the row of the pole."""

    def __init__(self, f: Any, first: Frame, second: Frame, place: int) -> None:
        metric = first.metric
        assert metric is not None
        assert metric.pole is not None
        self._f, self._first, self._second, self._place, self._metric = f, first, second, place, metric
        self.meridian, self.azimuth = metric.pole.meridian, metric.pole.azimuth
        others = [m for m in first.columns if m not in (self.meridian, self.azimuth)]
        self.third = others[0] if others else None
        self.axis = first.axes[first.columns.index(self.meridian)]
        self.sigma = self.entry(metric.arrays[metric.side])
        self.step = self.entry(_entry(metric, self.meridian, f))
        self.bent = self.step**2 * self.second(self.meridian)
        self.twice_around = self.around(self.bent, 2)

    def entry(self, array: Any) -> Any:
        """An entry of the metric there, in the precision of the field."""
        array = np.asarray(array)
        if array.ndim and array.shape[self.axis] > 1:
            array = array[self._slice(self._place)]
        return array.astype(self._f.real.dtype)

    def first(self, m: int) -> Any:
        """First coordinate derivative."""
        return self._derivative(self._first, m)

    def second(self, m: int) -> Any:
        """Second coordinate derivative."""
        return self._derivative(self._second, m)

    def around(self, g: Any, order: int = 1) -> Any:
        """Derivative along the azimuth, in radians, of a row of derivatives."""
        frame = self._first if order == 1 else self._second
        return self._around(g, frame, self._of_azimuth(frame).linear, order)

    def masked(self, value: Any) -> Any:
        """A limit, NaN where it does not exist."""
        beside = self._place + (1 if self._place == 0 else -1)
        here, there = (self._f[self._slice(place)] for place in (self._place, beside))
        around = self._of_azimuth(self._first)
        ring, next_one = (self._around(row, self._first, around, 1) for row in (here, there))
        return chunked.choose(is_regular(ring, next_one, here, around, self._metric.turn), value, np.nan)

    def _of_azimuth(self, frame: Frame) -> Stencil:
        return frame.stencils[frame.columns.index(self.azimuth)]

    def _around(self, g: Any, frame: Frame, stencil: Stencil, order: int) -> Any:
        axis = frame.axes[frame.columns.index(self.azimuth)]
        return g.real.dtype.type(self._metric.turn) ** order * _along_one(g, axis, stencil)

    def _derivative(self, frame: Frame, m: int) -> Any:
        at = frame.columns.index(m)
        axis, stencil = frame.axes[at], frame.stencils[at]
        if m != self.meridian:
            return _along_one(self._f[self._slice(self._place)], axis, stencil)
        if is_lazy(self._f):
            return _along_one(self._f, axis, stencil)[self._slice(self._place)]
        table, low, high = stencil.slice(self._place, self._place + 1)
        return operators.derivative(self._f[self._slice(low, high)], axis, table)

    def _slice(self, start: int, stop: int | None = None) -> tuple[slice, ...]:
        return (*(slice(None),) * self.axis, slice(start, start + 1 if stop is None else stop))


def _with_poles(
    f: Any, result: Any, first: Frame, second: Frame, entries: Mapping[tuple[int, ...], Callable[[_Row], Any]]
) -> Any:
    """A result in which the rows of poles are replaced."""
    by_name = dict(zip(first.directions, first.axes, strict=True))
    axes = [by_name.get(name) for name in first.names]
    axis, places = rows_of(first.metric, axes)
    if places and first.holes is not None and first.holes.mask is not None:
        f = chunked.choose(first.holes.mask, f, np.nan)
    for place in places:
        row = _Row(f, first, second, place)
        with np.errstate(all="ignore"):
            values = {key: entry(row) for key, entry in entries.items()}
        if () in values:
            new = values[()]
        else:
            old = result[(slice(None),) * (2 + axis) + (slice(place, place + 1),)]
            pairs = product(range(result.shape[0]), repeat=2)
            new = chunked.tensor({(a, b): values.get((a, b), old[a, b]) for a, b in pairs}, result.shape[0])
        result = chunked.with_row(result, result.ndim - f.ndim + axis, place, new)
    return result
