# SPDX-License-Identifier: BSD-3-Clause
"""From coordinate derivatives to physical ones: what a geometry adds at a point, after differencing.

In any system of coordinates q with physical components u_i along unit vectors,

    L_ij = sum_m A[m, j] du_i/dq_m + sum_k C[i, j, k] u_k,

and of a scalar f the gradient is sum_m A[m, j] df/dq_m and the Hessian

    H_ij = sum_mn A[m, i] A[n, j] d2f/dq_m dq_n + sum_m B[i, j, m] df/dq_m.

For orthogonal coordinates with scale factors h (G. K. Batchelor, An Introduction to Fluid Dynamics (1967), appendix 2)

    A[i, i]    = 1/h_i
    C[i, i, k] = s_ik/h_k,       C[k, i, i] = -C[i, i, k],
    B[i, i, k] = s_ik/h_k^2,     B[i, k, i] = B[k, i, i] = -s_ik/(h_i h_k),      B[i, i, i] = -s_ii/h_i^2,

with s_ik = (dh_i/dq_k)/h_i and k different from i.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fieldgrad.grid import Axis, Grid
from fieldgrad.stencils import Stencil
from fieldgrad.systems import Pole

Array = NDArray[Any]

#: Entry of a metric: number of its array, negative for the constant one, and a sign.
Term = tuple[int, int]
ONE = -1

# Arrays up to this size are looked for among those that are there already: a cylinder has one, not four.
_COMPARED = 1 << 16


# Of each grid as long as it lives.
_metrics: WeakKeyDictionary[Grid, Metric] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Metric:
    """What turns the coordinate derivatives at a point into physical ones.

    Parameters
    ----------
    arrays : tuple of ndarray
        Distinct values, which broadcast against the field: axes along which they are constant have length one.
    transform : mapping of (m, j) to Term
        The entries of A that are not zero.
    connection : mapping of (i, j, k) to Term
        The entries of C that are not zero.
    bend : mapping of (i, j, m) to Term
        The entries of B that are not zero.
    pole : Pole, optional
        Where entries are infinite, and stand as NaN here; the value is a limit there.
    side : int
        Number of the array that is 1 where distances from the pole grow with the coordinate of the meridian, -1 where
        they shrink, and 0 away from a pole; negative where there is no pole.
    turn : float
        Units of the azimuth in a radian.
    """

    arrays: tuple[Array, ...]
    transform: Mapping[tuple[int, int], Term]
    connection: Mapping[tuple[int, int, int], Term]
    bend: Mapping[tuple[int, int, int], Term]
    pole: Pole | None = None
    side: int = -1
    turn: float = 1.0

    @property
    def structure(self) -> tuple[Any, ...]:
        """All but the arrays, in a form that can be compared."""
        entries = (self.transform, self.connection, self.bend)
        return (*(tuple(sorted(part.items())) for part in entries), self.pole, self.side, self.turn)

    @property
    def skewed(self) -> bool:
        """Whether axes of the field run across directions of space."""
        return any(m != j for m, j in self.transform)

    def value(self, term: Term) -> Array | float:
        """An entry as an array that broadcasts against the field, or the number one."""
        number, sign = term
        if number == ONE:
            return float(sign)
        return self.arrays[number] if sign > 0 else -self.arrays[number]

    def with_arrays(self, arrays: Iterable[Any]) -> Metric:
        """The same on other points."""
        return replace(self, arrays=tuple(arrays))

    def placed(self, axes: Sequence[int | None], ndim: int) -> Metric:
        """For a field of some dimensions, of which the directions are some axes; None for those that it lacks."""
        return self.with_arrays(_place(array, axes, ndim) for array in self.arrays)

    def terms(self, rows: Sequence[int], columns: Sequence[int]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Entries of A and C that a tensor of some rows and columns needs, in order."""
        return (
            tuple((key, term) for key, term in sorted(self.transform.items()) if set(key) <= set(columns)),
            tuple(
                ((i, j, k), term)
                for (i, j, k), term in sorted(self.connection.items())
                if i in rows and j in columns and k in rows
            ),
        )


def _place(array: Array, axes: Sequence[int | None], ndim: int) -> Array:
    """An array of the three directions on the axes of a field."""
    there = sorted((axis, place) for place, axis in enumerate(axes) if axis is not None)
    absent = [place for place, axis in enumerate(axes) if axis is None]
    moved = array.transpose([*absent, *(place for _, place in there)])
    shape = [1] * ndim
    for axis, place in there:
        shape[axis] = array.shape[place]
    return np.ascontiguousarray(moved).reshape(shape)


def metric_of(grid: Grid) -> Metric | None:
    """The metric of a grid, on arrays of its three directions; None where it is Cartesian.

    Parameters
    ----------
    grid : Grid
        The grid; directions that it lacks have length one.

    Returns
    -------
    Metric or None
        See there.

    Raises
    ------
    ValueError
        If the grid lacks a direction that the length of another depends on, or has nodes outside its system.

    Examples
    --------
    >>> from fieldgrad.systems import Cylindrical
    >>> axes = Axis("r", "r", np.array([0.5, 1.0])), Axis("theta", "theta", np.arange(6.0), period=2 * np.pi)
    >>> metric = metric_of(Grid(axes, system=Cylindrical()))
    >>> metric.value(metric.connection[0, 1, 1]).ravel()  # u_theta/r is taken from L_r,theta
    array([-2., -1.])
    """
    if grid.system.cartesian:
        return None
    if grid not in _metrics:
        _metrics[grid] = _made(grid)
    return _metrics[grid]


def _made(grid: Grid) -> Metric:
    q, scales = _coordinates(grid)
    h = [np.asarray(factor, np.float64) for factor in grid.system.factors(q)]
    pool = Pool()
    with np.errstate(divide="ignore", invalid="ignore"):
        given = grid.system.slopes(q)
        if given is None:
            slopes = dict(_differentiated(h, grid))
        else:
            turned = {grid.directions.index(axis.name) for axis in grid.axes if axis.down}
            slopes = {(i, k): np.multiply(-1.0 if k in turned else 1.0, slope) for (i, k), slope in given.items()}
        transform = {(m, m): pool.add(1 / (h[m] * scales[m])) for m in range(3) if not np.isnan(h[m]).all()}
        connection = {key: pool.add(value) for key, value in _connection(h, slopes).items()}
        bend = {(i, j, m): pool.add(value / scales[m]) for (i, j, m), value in _bend(h, slopes).items()}
    pole, side, turn = grid.system.pole, -1, 1.0
    if pole is not None:
        vanishing = h[pole.azimuth] == 0
        if vanishing.any():
            sign = np.sign(slopes[pole.azimuth, pole.meridian])
            along = tuple(slice(None) if axis == pole.meridian else slice(0, 1) for axis in range(3))
            side = len(pool.arrays)
            pool.arrays.append(np.where(vanishing[along], sign[along], 0.0))
            turn = 1 / scales[pole.azimuth]
    return Metric(tuple(pool.arrays), transform, connection, bend, pole if side >= 0 else None, side, turn)


def _coordinates(grid: Grid) -> tuple[list[Array | None], list[float]]:
    """Coordinates in radians and lengths, along three axes, and the size of a unit of each."""
    q: list[Array | None] = [None] * 3
    scales = [1.0] * 3
    for axis in grid.axes:
        place = grid.directions.index(axis.name)
        if place in grid.system.angles:
            scales[place] = radians(axis.units)
        q[place] = upright(grid, axis).reshape([-1 if other == place else 1 for other in range(3)])
    return q, scales


def upright(grid: Grid, axis: Axis, positions: Array | None = None) -> Array:
    """Coordinate of a system along an axis, in radians or units of length, also where the axis points against it.

    Examples
    --------
    >>> from fieldgrad.systems import Cylindrical
    >>> axis = Axis("theta", "theta", np.array([0.0, 90.0]), units="degrees", down=True)
    >>> (upright(Grid((axis,), system=Cylindrical()), axis) / np.pi).round(2)
    array([-0. , -0.5])
    """
    place = grid.directions.index(axis.name)
    scale = radians(axis.units) if place in grid.system.angles else 1.0
    nodes = axis.nodes if positions is None else positions
    return grid.system.checked(place, nodes * (-scale if axis.down else scale), axis.dim)


def radians(units: str | None) -> float:
    """Size of a unit of angles in radians; without a unit it is a radian.

    Examples
    --------
    >>> radians("rad"), round(radians("degrees_north") * 180, 6)
    (1.0, 3.141593)
    """
    return np.pi / 180 if units is not None and units.strip().lower().startswith(("deg", "°")) else 1.0


def volume_of(grid: Grid) -> Array:
    """Volume element at the nodes, per unit of the coordinates; directions that the grid lacks have length one."""
    q, scales = _coordinates(grid)
    total = np.ones((1, 1, 1))
    for axis in grid.axes:
        place = grid.directions.index(axis.name)
        total = total * (np.asarray(grid.system.factors(q)[place]) * scales[place])
    shape = [1] * 3
    for axis in grid.axes:
        shape[grid.directions.index(axis.name)] = len(axis)
    return np.broadcast_to(total, shape)


def measured_cells(grid: Grid, axis: Axis) -> Array:
    """Share of an axis in the volumes of its cells, where volumes are products of one share for each axis.

    Examples
    --------
    >>> from fieldgrad.systems import Cylindrical
    >>> axis = Axis("r", "r", np.array([0.0, 1.0, 2.0]))
    >>> measured_cells(Grid((axis,), system=Cylindrical()), axis)
    array([0.125, 1.   , 0.875])
    """
    place, measures = grid.directions.index(axis.name), grid.system.measures()
    measure = None if measures is None else measures[place]
    if measure is None:
        return axis.cell_sizes
    first, last = axis.reach
    bounds = np.concatenate([[first], (axis.nodes[1:] + axis.nodes[:-1]) / 2, [last]])
    cells: Array = np.abs(np.diff(measure(upright(grid, axis, bounds))))
    return cells


class Pool:
    """Arrays of a metric, each once.

    Parameters
    ----------
    arrays : list of ndarray, optional
        Those that are there already.
    """

    def __init__(self, arrays: list[Array] | None = None) -> None:
        self.arrays: list[Array] = [] if arrays is None else arrays

    def add(self, value: Array) -> Term:
        """The entry of some values; what is not finite becomes NaN."""
        value = np.where(np.isfinite(value), value, np.nan)
        if value.ndim < 3:
            value = value.reshape((1,) * (3 - value.ndim) + value.shape)
        if (value == 1).all():
            return ONE, 1
        for number, array in enumerate(self.arrays):
            if array.shape == value.shape and value.size <= _COMPARED:
                for sign in (1, -1):
                    if np.array_equal(value, sign * array, equal_nan=True):
                        return number, sign
        return self._appended(value)

    def own(self, value: Array) -> Term:
        """The entry of some values, which shares no array with others however alike they are."""
        value = np.where(np.isfinite(value), value, np.nan)
        return (ONE, 1) if value.size == 1 and value.item() == 1 else self._appended(value)

    def _appended(self, value: Array) -> Term:
        value.flags.writeable = False
        self.arrays.append(value)
        return len(self.arrays) - 1, 1


def _connection(h: Sequence[Array], slopes: Mapping[tuple[int, int], Array]) -> dict[tuple[int, int, int], Array]:
    """The entries of C."""
    entries: dict[tuple[int, int, int], Array] = {}
    for (i, k), slope in slopes.items():
        if i != k:
            entries[i, i, k] = slope / h[k]
            entries[k, i, i] = -entries[i, i, k]
    return entries


def _bend(h: Sequence[Array], slopes: Mapping[tuple[int, int], Array]) -> dict[tuple[int, int, int], Array]:
    """The entries of B."""
    entries: dict[tuple[int, int, int], Array] = {}
    for (i, k), slope in slopes.items():
        if i == k:
            entries[i, i, i] = -slope / h[i] ** 2
        else:
            entries[i, i, k] = slope / h[k] ** 2
            entries[i, k, i] = entries[k, i, i] = -slope / (h[i] * h[k])
    return entries


def _differentiated(h: Sequence[Array], grid: Grid) -> Iterator[tuple[tuple[int, int], Array]]:
    """Relative slopes of scale factors by the stencils of the grid."""
    for i, axis in product(range(3), grid.axes):
        k = grid.directions.index(axis.name)
        if h[i].ndim == 3 and h[i].shape[k] > 1:
            # without walls, which are those of fields
            slope = differentiated(h[i], k, replace(axis, boundary=()).stencil())
            if slope.any():
                yield (i, k), slope / h[i]


def differentiated(f: Array, axis: int, stencil: Stencil) -> Array:
    """Derivative of a small array by a table, as the kernels take it, but in NumPy."""
    offsets, weights = stencil.taps(0, stencil.rows)
    centre = np.moveaxis(f, axis, -1)[..., stencil.first : stencil.first + stencil.rows]
    total = np.zeros_like(centre, dtype=np.result_type(f.dtype, np.float32))
    place = stencil.first + np.arange(stencil.rows)
    for offset, weight in zip(offsets, weights, strict=True):
        total += weight.astype(f.real.dtype) * (np.moveaxis(f, axis, -1)[..., place + offset] - centre)
    if stencil.row_sum.any():
        known = np.zeros(stencil.rows) if stencil.known is None else stencil.known
        total += stencil.row_sum.astype(f.real.dtype) * (centre - known.astype(f.real.dtype))
    return np.moveaxis(total, -1, axis)
