# SPDX-License-Identifier: BSD-3-Clause
"""Structured grids whose coordinates have two or three dimensions: x(j, i), lon(j, i), z(k, j, i).

Fields are differentiated along the axes of the array, q_m, most of which count points. Where the nodes lie is
differentiated by the same tables: T[m, d] is the length along direction d (x, y, z, or east, north, up) of a unit of
q_m, and its inverse turns derivatives into physical ones,

    df/dq_m = sum_d T[m, d] (grad f)_d,        A[m, d] = inverse(T)[d, m].

So the gradients of the coordinates are exact to rounding. Components along x, y, z have no terms of connection; those
along east, north and up have the ones of a sphere. There T comes from positions in space, r (cos(lat) cos(lon),
cos(lat) sin(lon), sin(lat)), in which neither the date line nor a pole is a place of its own. Second derivatives are

    H_ij = sum_mn A[m, i] A[n, j] (d2f/dq_m dq_n - sum_d X[m, n, d] (grad f)_d),

X being the second derivatives of the position in space, by the tables of second derivatives, along direction d.
J. F. Thompson, Z. U. A. Warsi and C. W. Mastin, Numerical Grid Generation (1985), chapter 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement, product
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fieldgrad.geometry import Metric, Pool, differentiated
from fieldgrad.grid import Axis, Grid
from fieldgrad.systems import Spherical, System

Array = NDArray[np.float64]
Entries = Mapping[tuple[int, int], Array]

# Share of the largest possible volume, or of the longest step, below which a cell or a step is none.
_FLAT = 1e-12
# Gap that closes an axis, beside the steps next to it: larger ones do not close it, smaller ones close it twice.
_OPEN, _TWICE = 4.0, 1e-3
# Nodes in a layer of cells that are checked at once.
_SLAB = 1 << 15


@dataclass(frozen=True, eq=False, repr=False)
class Curvilinear(System):
    """Coordinates that are given at the nodes of a structured grid.

    Parameters
    ----------
    directions, name
        As :class:`System` has them.
    positions : tuple of ndarray or None
        For x, y, z (on a sphere longitude and latitude in radians, and height) the coordinate at the nodes, an array
        of three axes that run along these directions, of length one where the coordinate is constant; None where the
        axis of that direction holds its own positions, or the grid lacks it.
    sphere : Spherical, optional
        The sphere on which longitude and latitude lie.
    counted : tuple of int
        Places of the axes that count points.
    jumps : mapping of int to tuple of float
        For periodic axes, by place, what is added to x, y, z after a whole turn.
    unit : str, optional
        Unit of all lengths.
    words : str
        Where the positions come from, for people.

    Examples
    --------
    >>> from fieldgrad.systems import SPATIAL
    >>> i, j = np.meshgrid(np.arange(4.0), np.arange(3.0), indexing="ij")
    >>> skewed = Curvilinear(positions=((2 * i + j)[..., None], j[..., None], None), counted=(0, 1))
    >>> axes = Axis("x", "i", np.arange(4.0)), Axis("y", "j", np.arange(3.0))
    >>> metric = metric_of(Grid(axes, system=skewed))
    >>> [metric.value(metric.transform[m, d]).mean().item() for m, d in ((0, 0), (0, 1))]  # df/dy has -1/2 of df/di
    [0.5, -0.5]
    """

    name: str = "curvilinear"
    positions: tuple[Array | None, Array | None, Array | None] = (None, None, None)
    sphere: Spherical | None = None
    counted: tuple[int, ...] = ()
    jumps: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)
    unit: str | None = None
    words: str = ""

    def __repr__(self) -> str:
        # tells two of them apart, which arrays with dots in their middle would not
        digest = hashlib.sha256(repr((self.sphere, self.counted, sorted(self.jumps.items()), self.unit)).encode())
        for position in self.positions:
            digest.update(b"" if position is None else repr(position.shape).encode() + position.tobytes())
        return f"Curvilinear({self.words!r}, {digest.hexdigest()[:16]})"

    @property
    def turning(self) -> bool:
        """Whether unit vectors turn from point to point."""
        return self.sphere is not None

    @property
    def angles(self) -> tuple[int, ...]:
        """Places of the axes along which a unit is no length: angles, and those that count points."""
        return tuple(sorted({*self.counted, *(() if self.sphere is None else (0, 1))}))

    @property
    def coupled(self) -> tuple[int, ...]:
        """Places of the directions without which derivatives of vectors make no sense."""
        return () if self.sphere is None else (0, 1)

    @property
    def length(self) -> str | None:
        """Unit of all lengths."""
        return self.unit

    @property
    def details(self) -> str:
        """What to say of the system behind its name."""
        return f": {self.words}{'' if self.sphere is None else f', on a sphere{self.sphere.details}'}"

    def measures(self) -> None:
        """No product of functions of one coordinate each."""
        return


_METRICS: WeakKeyDictionary[Grid, Metric] = WeakKeyDictionary()


def metric_of(grid: Grid, bent: Iterable[tuple[int, int]] = ()) -> Metric:
    """The metric of a curvilinear grid, on arrays of its three directions.

    It is kept as long as the grid: in space up to nine arrays of double precision of the size of the grid, three where
    only z depends on all three axes, and none of that size where nothing does.

    Parameters
    ----------
    grid : Grid
        A grid whose system is :class:`Curvilinear`.
    bent : iterable of tuple of int
        Entries (i, j) of the Hessian of which the terms with first derivatives are wanted, too; they are not kept.

    Returns
    -------
    Metric
        See there.

    Raises
    ------
    ValueError
        If the Jacobian vanishes or changes its sign; the message names the first point.
    """
    shape = _Shape(grid)
    metric = _METRICS.get(grid)
    pairs = tuple(bent)
    if metric is not None and not pairs:
        return metric
    slopes = shape.slopes()
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse, parts = _inverse(slopes, shape.places, shape.places)
        shape.check_nodes(slopes, parts)
        if metric is None:
            pool = Pool()
            # which kernel runs then depends on the shape of the grid alone, and on no values
            transform = {(m, d): pool.own(shape.laid(value)) for (d, m), value in inverse.items()}
            connection = {key: pool.add(shape.laid(value)) for key, value in shape.connection().items()}
            metric = _METRICS.setdefault(grid, Metric(tuple(pool.arrays), transform, connection, {}))
        if not pairs:
            return metric
        curves = shape.curves(slopes)
        pool = Pool(list(metric.arrays))
        bend = {}
        for i, j in pairs:
            for m, value in _bend(inverse, curves, i, j).items():
                bend[i, j, m] = bend[j, i, m] = pool.own(shape.laid(value))
    return Metric(tuple(pool.arrays), metric.transform, metric.connection, bend)


def volume_of(grid: Grid) -> Array:
    """Volume (or area) at the nodes per unit of each axis; directions that the grid lacks have length one."""
    shape = _Shape(grid)
    slopes = shape.slopes()
    with np.errstate(divide="ignore", invalid="ignore"):
        _, parts = _inverse(slopes, shape.places, shape.places)
    volume = np.ones((1, 1, 1))
    for part in parts:
        volume = volume * np.abs(part)
    return np.broadcast_to(volume, shape.sizes)


def check_cells(grid: Grid) -> None:
    """Verify that the corners of all cells have angles of one orientation, and that periodic axes close.

    Parameters
    ----------
    grid : Grid
        A grid whose system is :class:`Curvilinear`.

    Raises
    ------
    ValueError
        If a position is not finite, a cell is folded or flat, or a periodic axis does not close; the message names the
        first place.
    """
    shape = _Shape(grid)
    shape.check_positions()
    shape.check_closed()
    corners = shape.wrapped()
    with np.errstate(invalid="ignore", over="ignore"):
        for rows, columns in _blocks(shape.pattern(), shape.places, shape.places):
            found = []
            for corner in product((0, 1), repeat=len(rows)):
                signs = []
                for part in _slabs(corners, rows):
                    edges = shape.edges(part, rows, columns, dict(zip(rows, corner, strict=True)))
                    signs.append(_signs(_determinant(edges, rows, columns), edges, rows))
                found.append(np.concatenate(signs, axis=2))
            shape.require_one_sign(found, cells=True)


class _Shape:
    """Where the nodes of a grid lie."""

    def __init__(self, grid: Grid) -> None:
        system = grid.system
        assert isinstance(system, Curvilinear)
        self.system, self.directions = system, grid.directions
        self.axes: dict[int, Axis] = {grid.directions.index(axis.name): axis for axis in grid.axes}
        self.places = sorted(self.axes)
        self.sizes = tuple(len(self.axes[m]) if m in self.axes else 1 for m in range(3))
        sphere = system.sphere
        self.point: list[Array] = []
        if sphere is not None:
            lon, lat, _ = system.positions
            assert lon is not None  # without them there is no sphere
            assert lat is not None
            pole = np.abs(lat) == np.pi / 2
            c, s = np.where(pole, 0.0, np.cos(lat)), np.sin(lat)
            a, b = np.cos(lon), np.sin(lon)
            self.point = [c * a, c * b, s + 0 * lon]
            self.tangents = [[-b, a, 0 * lon], [-s * a, -s * b, c + 0 * lon]]
            self.tangent_of_latitude = np.where(pole, np.nan, s / np.where(pole, 1.0, c))

    # where the nodes lie, and derivatives of that

    def straight(self, d: int) -> bool:
        """Whether the axis of a direction holds its own positions."""
        return d in self.axes and self.system.positions[d] is None

    def height(self) -> Array | None:
        """Heights above a sphere."""
        if self.straight(2):
            return self.axes[2].nodes.reshape(1, 1, -1)
        return self.system.positions[2]

    def radius(self) -> Array | float:
        """Distance from the centre of the sphere, which horizontal steps are measured at."""
        sphere, height = self.system.sphere, self.height()
        assert sphere is not None
        return sphere.radius if sphere.shallow or height is None else sphere.radius + height

    def along(self, position: Array, m: int, d: int | None = None, order: int = 1) -> Array:
        """Derivative of a position along an axis; d is its direction where it may jump after a turn."""
        jump = 0.0 if d is None else self.system.jumps.get(m, (0.0, 0.0, 0.0))[d]
        axis = self.axes[m]
        if jump:
            line = jump / len(axis) * axis.nodes.reshape([-1 if other == m else 1 for other in range(3)])
            return differentiated(position - line, m, axis.stencil(order)) + (jump / len(axis) if order == 1 else 0.0)
        return differentiated(position, m, axis.stencil(order))

    def pattern(self) -> set[tuple[int, int]]:
        """Pairs of axis and direction of which the position changes along the axis."""
        found = set()
        for m, d in product(self.places, repeat=2):
            position = self.system.positions[d]
            if self.straight(d):
                changes = m == d
            elif self.system.sphere is not None and d < 2:
                changes = self.point[0].shape[m] > 1 or self.point[2].shape[m] > 1
            else:
                changes = position is not None and (position.shape[m] > 1)
            if changes:
                found.add((m, d))
        return found

    def slopes(self) -> dict[tuple[int, int], Array]:
        """T, without what is zero."""
        found: dict[tuple[int, int], Array] = {}
        for m, d in sorted(self.pattern()):
            position = self.system.positions[d]
            if self.straight(d):
                found[m, d] = np.ones((1, 1, 1))
            elif self.system.sphere is not None and d < 2:
                found[m, d] = self.radius() * _dot(self.tangents[d], [self.along(p, m) for p in self.point])
            else:
                assert position is not None
                found[m, d] = self.along(position, m, d)
        return found

    def curves(self, slopes: Entries) -> dict[tuple[int, int, int], Array]:
        """Second derivatives of the position in space along each direction, for m <= n, without what is zero."""
        found: dict[tuple[int, int, int], Array] = {}
        pattern, sphere = self.pattern(), self.system.sphere
        for m, n in combinations_with_replacement(self.places, 2):
            for d in self.places:
                position = self.system.positions[d]
                if sphere is not None and d < 2:
                    curve = self._curve_on_sphere(m, n, d)
                elif position is not None and {(m, d), (n, d)} <= pattern:
                    curve = self._twice(position, m, n, d)
                else:
                    curve = np.zeros((1, 1, 1))
                if sphere is not None and d == 2 and not sphere.shallow:
                    r = self.radius()
                    for e in (0, 1):  # the surface bends down: r_hat . d2 r_hat = -d r_hat . d r_hat
                        if {(m, e), (n, e)} <= pattern:
                            curve = curve - slopes[m, e] * slopes[n, e] / r
                if curve.any():
                    found[m, n, d] = curve
        return found

    def _twice(self, position: Array, m: int, n: int, d: int | None = None) -> Array:
        if m == n:
            return self.along(position, m, d, 2)
        # a jump is gone after the first of them
        return self.along(self.along(position, m, d), n)

    def _curve_on_sphere(self, m: int, n: int, d: int) -> Array:
        sphere, height = self.system.sphere, self.height()
        assert sphere is not None
        curve = np.zeros((1, 1, 1))
        if self.point[0].shape[m] > 1 and self.point[0].shape[n] > 1:
            curve = self.radius() * _dot(self.tangents[d], [self._twice(p, m, n) for p in self.point])
        if not sphere.shallow and height is not None and 2 in self.axes:
            for one, other in ((m, n), (n, m)):
                if self.point[0].shape[other] > 1 and height.shape[one] > 1:
                    rise = np.ones((1, 1, 1)) if self.straight(2) else self.along(height, one, 2)
                    curve = curve + rise * _dot(self.tangents[d], [self.along(p, other) for p in self.point])
        return curve

    def connection(self) -> dict[tuple[int, int, int], Array]:
        """Terms of unit vectors that turn: none but on a sphere, where they are those of its own coordinates."""
        sphere = self.system.sphere
        if sphere is None:
            return {}
        slope = self.tangent_of_latitude / self.radius()
        entries = {(0, 0, 1): -slope, (1, 0, 0): slope}
        if not sphere.shallow:
            rate = 1 / np.asarray(self.radius())
            entries |= {(0, 0, 2): rate, (1, 1, 2): rate, (2, 0, 0): -rate, (2, 1, 1): -rate}
        return entries

    def laid(self, value: Array) -> Array:
        """An entry in the memory order of the positions, so that no operator has to turn it over."""
        largest = max((p for p in self.system.positions if p is not None), key=lambda p: p.size)
        order = sorted(range(3), key=lambda axis: -largest.strides[axis])
        return np.ascontiguousarray((value + np.zeros((1, 1, 1))).transpose(order)).transpose(np.argsort(order))

    # checks

    def check_positions(self) -> None:
        """Positions are numbers, and heights lie above the centre of a sphere."""
        for d, position in enumerate(self.system.positions):
            if position is not None and not np.isfinite(position).all():
                where = self._place(~np.isfinite(position))
                raise ValueError(
                    f"grid: the coordinate of direction {self.directions[d]!r} is not finite at {where}; every node "
                    "needs a position, also under a mask: fill it, or select a part of the grid (obj.isel)"
                )
        lat = self.system.positions[1]
        sphere = self.system.sphere
        if sphere is None:
            return
        if lat is not None and (np.abs(lat) > np.pi / 2).any():
            where = self._place(np.abs(lat) > np.pi / 2)
            raise ValueError(
                f"geometry: the latitude at {where} lies beyond a pole; pass latitudes from -90 to 90 degrees"
            )
        distance = np.asarray(self.radius())
        if (distance <= 0).any():
            where = self._place((distance <= 0).reshape((1,) * (3 - distance.ndim) + distance.shape))
            raise ValueError(
                f"geometry: the node at {where} lies at or below the centre of a sphere of radius {sphere.radius:g}; "
                "pass radius= in metres"
            )

    def check_closed(self) -> None:
        """The gap that closes a periodic axis is a step like those beside it."""
        for m, axis in self.axes.items():
            if axis.period is None or len(axis) < 3 or m not in self.system.counted:
                continue
            parts = self._parts()
            jump = self.system.jumps.get(m, (0.0, 0.0, 0.0))
            ends = [[np.take(part, [n], m) for n in (0, 1, -2, -1)] for _, part in parts if part.shape[m] > 1]
            leaps = [jump[d] if d is not None else 0.0 for d, part in parts if part.shape[m] > 1]
            gap = np.sqrt(sum(np.square(a + leap - z) for (a, _, _, z), leap in zip(ends, leaps, strict=True)))
            steps = [np.sqrt(sum(np.square(one[to] - one[at]) for one in ends)) for at, to in ((0, 1), (2, 3))]
            name = axis.dim
            if (gap <= _TWICE * np.minimum(*steps)).any():
                raise ValueError(
                    f"periodic: the first and the last point along {name!r} are one, so the end point stands twice; "
                    f"drop it (obj.isel({name}=slice(None, -1)))"
                )
            if (gap > _OPEN * np.maximum(*steps)).any():
                where = self._place(gap > _OPEN * np.maximum(*steps), skip=m)
                raise ValueError(
                    f"periodic: the grid does not close along {name!r}{where and f' at {where}'}: from its last point "
                    "to the first it is much farther than from one point to the next; pass what is added to "
                    f"{', '.join(self.directions[d] for d in self.places)} after a turn, "
                    f"periodic={{{name!r}: ({', '.join('0.0' for _ in self.places)})}} with the right numbers"
                )

    def _parts(self) -> list[tuple[int | None, Array]]:
        """All that tells where a node lies, with its direction."""
        flat = [(d, p) for d, p in enumerate(self.system.positions) if p is not None and d in self.axes]
        if self.system.sphere is None:
            return [*flat]
        return [*((None, p) for p in self.point), *(part for part in flat if part[0] == 2)]

    def wrapped(self) -> list[Array | None]:
        """Positions with the first node behind the last along periodic axes: x, y, z, or four numbers on a sphere."""
        whole: list[Array | None] = [None] * 3
        for d, position in enumerate(self.system.positions):
            whole[d] = None if position is None else self._closed(position, d)
        if self.system.sphere is not None:
            whole += [self._closed(p, None) for p in self.point]
            whole += [self._closed(p, None) for row in self.tangents for p in row]
        return whole

    def _closed(self, position: Array, d: int | None) -> Array:
        for m, axis in self.axes.items():
            if axis.period is not None and position.shape[m] > 1:
                jump = 0.0 if d is None else self.system.jumps.get(m, (0.0, 0.0, 0.0))[d]
                position = np.concatenate([position, np.take(position, [0], m) + jump], axis=m)
        return position

    def edges(
        self, whole: Sequence[Array | None], rows: Sequence[int], columns: Sequence[int], corner: Mapping[int, int]
    ) -> dict[tuple[int, int], Array]:
        """Edges of all cells that meet in one of their corners, along some axes and directions."""
        pattern, found = self.pattern(), {}

        def at(position: Array, corner: Mapping[int, int]) -> Array:
            for axis, offset in corner.items():
                if position.shape[axis] > 1:
                    span = slice(offset, position.shape[axis] - 1 + offset)
                    position = position[(*(slice(None),) * axis, span)]
            return position

        def edge(position: Array, m: int) -> Array:
            return at(position, {**corner, m: 1}) - at(position, {**corner, m: 0})

        for m, d in product(rows, columns):
            if (m, d) not in pattern:
                continue
            position = whole[d]
            if self.straight(d):
                found[m, d] = np.ones((1, 1, 1))
            elif self.system.sphere is not None and d < 2:
                # in the plane that touches the sphere in one corner of the cell, the same one for all of them
                tangents = [at(p, dict.fromkeys(rows, 0)) for p in whole[6 + 3 * d : 9 + 3 * d] if p is not None]
                found[m, d] = _dot(tangents, [edge(p, m) for p in whole[3:6] if p is not None])
            else:
                assert position is not None
                found[m, d] = edge(position, m)
        return found

    def check_nodes(self, slopes: Entries, parts: Sequence[Array]) -> None:
        """The Jacobian at the nodes has one sign."""
        blocks = list(_blocks(set(slopes), self.places, self.places))
        for (rows, columns), part in zip(blocks, parts, strict=True):
            own = {key: slope for key, slope in slopes.items() if key[0] in rows and key[1] in columns}
            self.require_one_sign([_signs(part, own, rows)], cells=False)

    def require_one_sign(self, found: Sequence[NDArray[np.int8]], *, cells: bool) -> None:
        """Verify that volumes are all of one orientation, by their signs at the nodes or in the corners of cells."""
        trend = 1 if sum(int(signs.sum()) for signs in found) >= 0 else -1
        bad = np.any([signs != trend for signs in found], axis=0)
        if not bad.any():
            return
        first = _first(bad)
        where = self._named(first, bad.shape)
        flat = any(signs[first] == 0 for signs in found)
        if cells:
            kind = "degenerate: it has no volume" if flat else "folded: it has another orientation than the others"
            raise ValueError(
                f"grid: the cell that begins at {where} is {kind}; the coordinates must vary along every dimension of "
                "the grid, and never turn back. Drop rows of points that coincide (obj.isel), or correct the positions"
            )
        raise ValueError(
            f"grid: the Jacobian of the coordinates at {where} {'vanishes' if flat else 'has the wrong sign'}; there "
            "the grid is degenerate, or too distorted for stencils of this accuracy: drop that part (obj.isel), or use "
            "a smaller accuracy"
        )

    def _place(self, bad: NDArray[np.bool_], skip: int | None = None) -> str:
        """The first point of some, by its dimensions."""
        return self._named(_first(bad), bad.shape, skip)

    def _named(self, index: Sequence[Any], shape: Sequence[int], skip: int | None = None) -> str:
        named = [f"{self.axes[m].dim}={int(index[m])}" for m in reversed(self.places) if shape[m] > 1 and m != skip]
        return ", ".join(named) or ("" if skip is not None else "every point")


def _slabs(corners: Sequence[Array | None], rows: Sequence[int]) -> Iterator[list[Array | None]]:
    """Layers of cells across z, so thin that what is computed of them stays in the cache."""
    shape = np.broadcast_shapes(*(part.shape for part in corners if part is not None))
    cells = shape[2] - 1
    if 2 not in rows or cells < 1:
        yield list(corners)
        return
    step = max(_SLAB // (shape[0] * shape[1]), 1)
    for start in range(0, cells, step):
        span = slice(start, min(start + step, cells) + 1)
        yield [part if part is None or part.shape[2] == 1 else part[:, :, span] for part in corners]


def _first(bad: NDArray[np.bool_]) -> tuple[int, ...]:
    """The first place of some in the order of z, y, x."""
    place = np.unravel_index(int(np.argmax(bad.transpose(2, 1, 0))), bad.shape[::-1])
    return tuple(int(index) for index in reversed(place))


def _signs(volume: Array, edges: Entries, rows: Sequence[int]) -> NDArray[np.int8]:
    """Signs of volumes: 0 where the edges do not span space, to rounding, or one of them has no length."""
    largest = np.ones((1, 1, 1))
    flat: Any = False
    for m in rows:
        squares = [np.square(edge) for (row, _), edge in edges.items() if row == m]
        size = np.sqrt(sum(squares, start=np.zeros((1, 1, 1))))
        flat = flat | (size <= _FLAT * size.max(initial=0.0))
        largest = largest * size
    flat = flat | ~(np.abs(volume) > _FLAT * largest)
    return np.where(flat, 0, np.sign(volume)).astype(np.int8)


def _dot(a: Sequence[Array], b: Sequence[Array]) -> Array:
    return sum((p * q for p, q in zip(a[1:], b[1:], strict=True)), start=a[0] * b[0])


def _lone(
    pattern: Iterable[tuple[int, int]], rows: Sequence[int], columns: Sequence[int]
) -> tuple[int, int, bool] | None:
    """An axis along which one direction changes alone, or a direction that changes along one axis alone (True)."""
    there = [key for key in pattern if key[0] in rows and key[1] in columns]
    for m in rows:
        of_row = [d for row, d in there if row == m]
        if len(of_row) == 1:
            return m, of_row[0], False
    for d in columns:
        of_column = [m for m, column in there if column == d]
        if len(of_column) == 1:
            return of_column[0], d, True
    return None


def _without(items: Sequence[int], item: int) -> list[int]:
    return [one for one in items if one != item]


def _blocks(
    pattern: set[tuple[int, int]], rows: Sequence[int], columns: Sequence[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Axes and directions whose Jacobians are factors of the whole."""
    while rows:
        lone = _lone(pattern, rows, columns)
        if lone is None:
            yield list(rows), list(columns)
            return
        m, d, _ = lone
        yield [m], [d]
        rows, columns = _without(rows, m), _without(columns, d)


def _determinant(T: Entries, rows: Sequence[int], columns: Sequence[int]) -> Array:
    """Determinant of a block, by its first row."""
    if not rows:
        return np.ones((1, 1, 1))
    total = np.zeros((1, 1, 1))
    for number, d in enumerate(columns):
        if (rows[0], d) in T:
            term = T[rows[0], d] * _determinant(T, rows[1:], _without(columns, d))
            total = total + term if number % 2 == 0 else total - term
    return total


def _inverse(
    T: Entries, rows: Sequence[int], columns: Sequence[int]
) -> tuple[dict[tuple[int, int], Array], list[Array]]:
    """The inverse, by (d, m), without what is zero, and the factors of the determinant as :func:`_blocks` has them.

    Where T falls into blocks they are inverted one by one, so that entries stay as thin as they are.
    """
    if not rows:
        return {}, []
    lone = _lone(T, rows, columns)
    if lone is None:
        volume = _determinant(T, rows, columns)
        result = {}
        for (r, m), (c, d) in product(enumerate(rows), enumerate(columns)):
            minor = _determinant(T, _without(rows, m), _without(columns, d))
            result[d, m] = (minor if (r + c) % 2 == 0 else -minor) / volume
        return result, [volume]
    m, d, of_direction = lone
    result, parts = _inverse(T, _without(rows, m), _without(columns, d))
    step = 1 / T[m, d]
    more: dict[tuple[int, int], Array] = {}
    for (other, axis), value in result.items():
        if of_direction and (m, other) in T:  # what others change along m is taken off
            _add(more, (d, axis), -step * (T[m, other] * value))
        elif not of_direction and (axis, d) in T:
            _add(more, (other, m), -step * (value * T[axis, d]))
    return {**result, (d, m): step, **more}, [T[m, d], *parts]


def _add(sums: dict[Any, Array], key: Any, value: Array) -> None:
    sums[key] = sums[key] + value if key in sums else value


def _bend(inverse: Entries, curves: Mapping[tuple[int, int, int], Array], i: int, j: int) -> dict[int, Array]:
    """What an entry of the Hessian has of the first derivative along each axis."""
    total: dict[int, Array] = {}
    for (m, n, d), curve in curves.items():
        weight = None
        for a, b in {(m, n), (n, m)}:
            if (i, a) in inverse and (j, b) in inverse:
                term = inverse[i, a] * inverse[j, b]
                weight = term if weight is None else weight + term
        if weight is None:
            continue
        for axis in range(3):
            if (d, axis) in inverse:
                _add(total, axis, -(weight * curve) * inverse[d, axis])
    return total
