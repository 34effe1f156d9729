# SPDX-License-Identifier: BSD-3-Clause
"""What a grid is: frozen records of its axes, and the checks that make a coordinate usable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldgrad.least_squares import LeastSquares
from fieldgrad.long_axes import LONG, LongStencil
from fieldgrad.stencils import Stencil, derivative_stencil, required_points
from fieldgrad.systems import CARTESIAN, SPATIAL, System
from fieldgrad.walls import Ends, Wall, alike, bounded_stencil, outside, plane

Array = NDArray[np.float64]
#: A field by its name, and by its direction where it is a component of a vector.
Named = tuple[str | None, str | None]

__all__ = ["SPATIAL", "Array", "Axis", "Grid", "checked_nodes", "is_uniform", "table"]

# Tables of axes up to this many nodes are kept (a few MB in all): a call on a small field would otherwise spend three
# quarters of its time on weights. Above it the work on the field dwarfs the table.
_CACHED_NODES = 4096


def checked_nodes(values: Any, dim: str) -> Array:
    """Positions of an axis as float64, verified to be usable.

    Parameters
    ----------
    values : array_like, shape (n,)
        Coordinate: integers, floats of any width, or datetime64 and timedelta64 (which become seconds since the first
        node).
    dim : str
        Name of the dimension, for messages.

    Returns
    -------
    ndarray of float64, shape (n,)
        A read-only copy.

    Raises
    ------
    TypeError
        If the values are not numbers or times.
    ValueError
        If the values are not one-dimensional, not finite, or not strictly monotonic.

    Examples
    --------
    >>> checked_nodes([0, 2, 3], "x")
    array([0., 2., 3.])
    >>> checked_nodes([0, 2, 2], "x")
    Traceback (most recent call last):
    ValueError: dimension 'x': coordinate value 2.0 at index 2 repeats the one before it; ...
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            f"dimension {dim!r}: the coordinate has {array.ndim} dimensions {array.shape}; it must be one-dimensional"
        )
    if array.dtype.kind in "mM":
        if np.isnat(array).any():
            index = int(np.flatnonzero(np.isnat(array))[0])
            raise ValueError(
                f"dimension {dim!r}: coordinate value at index {index} is NaT; drop that point or set its time"
            )
        # Whole seconds and the rest apart, before anything is subtracted: a span of 300 years in nanoseconds
        # exceeds an int64, and one of 100 days the 53 bits of a float64.
        whole = array.astype(f"{array.dtype.kind}8[s]")
        rest = array - whole
        seconds = (whole - whole[:1]).astype(np.int64)
        nodes: Array = seconds.astype(np.float64) + (rest - rest[:1]) / np.timedelta64(1, "s")
    elif array.dtype.kind in "iuf":
        nodes = array.astype(np.float64)
    else:
        raise TypeError(
            f"dimension {dim!r}: the coordinate has dtype {array.dtype}; it must hold real numbers or times, "
            "assign one that does (obj.assign_coords)"
        )
    if not _strictly_monotonic(nodes):
        raise _unusable(nodes, dim)
    nodes.flags.writeable = False
    return nodes


# Nodes that are checked at a time, so that their differences stay in the cache: 1e8 take 0.1 s, all at once 0.25.
_CHECKED = 1 << 15


def _strictly_monotonic(nodes: Array) -> bool:
    """Whether all nodes are finite and in order; the ends tell of infinities, comparisons of NaN."""
    if len(nodes) == 0:
        return True
    if not (np.isfinite(nodes[0]) and np.isfinite(nodes[-1])):
        return False
    rising = nodes[-1] > nodes[0]
    for start in range(0, len(nodes) - 1, _CHECKED):
        part = nodes[start : start + _CHECKED + 1]
        steps = part[1:] - part[:-1]
        if not (steps.min() > 0 if rising else steps.max() < 0):
            return False
    return True


def _unusable(nodes: Array, dim: str) -> ValueError:
    """What is wrong with a coordinate."""
    bad = np.flatnonzero(~np.isfinite(nodes))
    if len(bad):
        return ValueError(
            f"dimension {dim!r}: coordinate value {nodes[bad[0]]} at index {bad[0]} is not finite; every node "
            "needs a position, drop that point or assign one"
        )
    steps = np.diff(nodes)
    repeated = np.flatnonzero(steps == 0)
    if len(repeated):
        i = int(repeated[0]) + 1
        return ValueError(
            f"dimension {dim!r}: coordinate value {nodes[i]} at index {i} repeats the one before it; nodes must "
            "be distinct, drop duplicates (obj.drop_duplicates)"
        )
    i = int(np.flatnonzero(np.sign(steps) != np.sign(steps[0]))[0]) + 1
    trend = "increase" if steps[0] > 0 else "decrease"
    return ValueError(
        f"dimension {dim!r}: coordinate values {trend} up to index {i - 1} ({nodes[i - 1]}) and turn at index "
        f"{i} ({nodes[i]}); they must be strictly monotonic, sort them (obj.sortby) or split the data there"
    )


def is_uniform(nodes: Array) -> bool:
    """Whether the spacing is constant to the rounding of the coordinate, taken as float32 where it may have been."""
    if len(nodes) < 3:
        return True
    steps = np.diff(nodes)
    mean = (nodes[-1] - nodes[0]) / (len(nodes) - 1)
    quantum = np.finfo(np.float32).eps if np.array_equal(nodes, nodes.astype(np.float32)) else np.finfo(np.float64).eps
    return bool(np.abs(steps - mean).max() <= 4.0 * quantum * np.abs(nodes).max())


def table(
    nodes: Array, order: int, accuracy: int, period: float | None = None, edge_accuracy: int | None = None
) -> Stencil:
    """The table of :func:`fieldgrad.stencils.derivative_stencil`: kept for short axes, made in pieces for long ones."""
    if order == 1 and len(nodes) >= LONG:
        return LongStencil(nodes, accuracy, period, edge_accuracy)
    if len(nodes) <= _CACHED_NODES:
        return _kept_table(nodes.tobytes(), order, accuracy, period, edge_accuracy)
    return derivative_stencil(nodes, order, accuracy, period=period, edge_accuracy=edge_accuracy)


@lru_cache(maxsize=128)
def _kept_table(nodes: bytes, order: int, accuracy: int, period: float | None, edge_accuracy: int | None) -> Stencil:
    return derivative_stencil(np.frombuffer(nodes), order, accuracy, period=period, edge_accuracy=edge_accuracy)


class _Scheme(NamedTuple):
    """How the weights of a derivative are found."""

    order: int
    accuracy: int
    period: float | None
    least_squares: LeastSquares | None

    @property
    def needed(self) -> int:
        """Least number of nodes."""
        if self.least_squares is not None:
            return self.least_squares.window(self.order, self.accuracy)
        return required_points(self.order, self.accuracy, periodic=self.period is not None)

    @property
    def half(self) -> int:
        """Nodes to either side of an interior window."""
        window = required_points(self.order, self.accuracy, periodic=True)
        return (self.needed if self.least_squares is not None else window) // 2

    def table(self, nodes: Array) -> Stencil:
        if self.least_squares is not None:
            return self.least_squares.stencil(nodes, self.order, self.accuracy, self.period)
        return derivative_stencil(nodes, self.order, self.accuracy, period=self.period)


def _bounded_table(nodes: Array, scheme: _Scheme, ends: tuple[Ends, ...], dim: str) -> Stencil:
    """The table of one or more fields with what is known of each at its ends."""
    tables = [
        bounded_stencil(nodes, pair, scheme.half, scheme.table, dim) if any(pair) else scheme.table(nodes)
        for pair in ends
    ]
    return alike(tables) if len(tables) > 1 else tables[0]


@lru_cache(maxsize=128)
def _kept_bounded(nodes: bytes, scheme: _Scheme, ends: tuple[Ends, ...], dim: str) -> Stencil:
    return _bounded_table(np.frombuffer(nodes), scheme, ends, dim)


@dataclass(frozen=True, eq=False)
class Axis:
    """One direction of a grid.

    Parameters
    ----------
    name : str
        "x", "y" or "z" for a direction in space, else the name of the dimension.
    dim : str
        Dimension of the data that runs along it.
    nodes : ndarray of float64, shape (n,)
        Positions, strictly monotonic; seconds for times.
    units : str, optional
        Units of the positions, as the coordinate states them; "s" for times.
    period : float, optional
        Length after which the axis repeats, in the units of the positions.
    accuracy : int
        Order of accuracy of derivatives: 2, 4, 6 or 8.
    obstacle : str, optional
        Why lengths along this axis are not those of space, such as "is a latitude in degrees_north". Geometric
        operators refuse such an axis.
    boundary : tuple of (str or None, (Wall or None, Wall or None))
        What is known at the ends of smallest and of largest coordinate: by the name of a field, by the direction of a
        component of the velocity ("x", "y", "z"), and with None for all others.
    scheme : LeastSquares, optional
        How weights are found, by default as finite differences.
    down : bool
        Whether the axis and the component along it point down, against the direction that its name says.

    Raises
    ------
    ValueError
        If the period is not larger than the span, the accuracy is not one of those, a wall lies among the nodes, or
        a periodic axis has walls.

    Examples
    --------
    >>> import numpy as np
    >>> Axis("y", "wall_distance", np.array([0.0, 0.1, 0.4]), units="m")
    Axis('y', dim='wall_distance', points=3, spacing=0.1 to 0.3, units='m')
    """

    name: str
    dim: str
    nodes: Array
    units: str | None = None
    period: float | None = None
    accuracy: int = 2
    obstacle: str | None = None
    boundary: tuple[tuple[str | None, Ends], ...] = ()
    scheme: LeastSquares | None = None
    down: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", checked_nodes(self.nodes, self.dim))
        if self.boundary and self.period is not None:
            raise ValueError(f"boundary: dimension {self.dim!r} is periodic and has no ends; leave one of the two out")
        for _, ends in self.boundary:
            self._planes(ends)
        if self.accuracy not in (2, 4, 6, 8):
            raise ValueError(f"accuracy: got {self.accuracy!r} for dimension {self.dim!r}; it must be 2, 4, 6 or 8")
        if self.period is not None:
            span = abs(float(self.nodes[-1] - self.nodes[0])) if len(self.nodes) else 0.0
            if not np.isfinite(self.period) or self.period <= 0:
                raise ValueError(
                    f"periodic: the period of dimension {self.dim!r} is {self.period}; it must be positive and finite"
                )
            if self.period <= span:
                raise ValueError(
                    f"periodic: the period {self.period:g} of dimension {self.dim!r} is not larger than the span "
                    f"{span:g} of its nodes, so the end point stands twice; drop it "
                    f"(obj.isel({self.dim}=slice(None, -1))) or pass the true period"
                )

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # arrays come writeable out of a pickle

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        low, high = self.spacing
        parts = [
            repr(self.name),
            f"dim={self.dim!r}",
            f"points={len(self)}",
            f"spacing={low:.4g} to {high:.4g}",
        ]
        if self.period is not None:
            parts.append(f"period={self.period:.6g}")
        if self.units is not None:
            parts.append(f"units={self.units!r}")
        parts += self.particulars
        return f"Axis({', '.join(parts)})"

    @cached_property
    def description(self) -> str:
        """The axis in one line, as results keep it."""
        dim = "" if self.dim == self.name else f" ({self.dim})"
        units = "" if self.units is None else f" {self.units}"
        span = f"{self.nodes[0]:.6g} to {self.nodes[-1]:.6g}{units}" if len(self) else "nothing"
        period = [] if self.period is None else [f"period {self.period:.6g}{units}"]
        parts = [f"{len(self)} points from {span}", *period, f"accuracy {self.accuracy}", *self.particulars]
        return f"{self.name}{dim}: {', '.join(parts)}"

    @property
    def particulars(self) -> list[str]:
        """What is out of the ordinary with its discretisation, in words."""
        found = []
        for name, ends in self.boundary:
            low, high = (str(wall) if wall else "nothing known" for wall in ends)
            found.append(f"{'' if name is None else f'{name} '}{low} below, {high} above")
        if self.scheme is not None:
            found.append(f"least squares over {self.scheme.window(1, self.accuracy)} points")
        if self.down:
            found.append("points down")
        return found

    def _planes(self, ends: Ends) -> tuple[float | None, float | None]:
        """Positions of the planes below and above."""
        upward = self.nodes if len(self) < 2 or self.nodes[-1] > self.nodes[0] else self.nodes[::-1]
        low, high = ends
        return (
            None if low is None else plane(upward, low, self.dim),
            None if high is None else plane(upward[::-1], high, self.dim),
        )

    @property
    def steps(self) -> Array:
        """Distances between neighbouring nodes, the one that closes a period included."""
        steps = np.abs(np.diff(self.nodes))
        if self.period is not None:
            steps = np.append(steps, self.period - abs(float(self.nodes[-1] - self.nodes[0])))
        return steps

    @property
    def spacing(self) -> tuple[float, float]:
        """Smallest and largest distance between neighbouring nodes; NaN where there is one node."""
        steps = self.steps
        return (float(steps.min()), float(steps.max())) if len(steps) else (float("nan"), float("nan"))

    @property
    def cell_sizes(self) -> Array:
        """Length of the cell of each node, between the midpoints to its neighbours; shape (n,), positive.

        At the ends of an axis that is not periodic it is half a spacing, so that these are the weights of the
        trapezoidal rule and their sum is the span; on a periodic axis their sum is the period. Where a boundary tells
        the position of a plane outside the nodes, which all that is known at that end agrees on, the last cell reaches
        up to it.

        Raises
        ------
        ValueError
            If there is no second node and no period, since nothing then bounds a cell.

        Examples
        --------
        >>> Axis("y", "y", np.array([0.0, 1.0, 4.0])).cell_sizes
        array([0.5, 2. , 1.5])
        >>> Axis("y", "y", np.array([0.0, 1.0, 4.0]), period=6.0).cell_sizes
        array([1.5, 2. , 2.5])
        """
        needed = 1 if self.period is not None else 2
        if len(self) < needed:
            raise ValueError(
                f"dimension {self.dim!r}: has {len(self)} points, so nothing bounds a cell; it needs at least {needed}"
            )
        # distances to the next node and, rolled, to the one before; beyond the ends there is none
        ahead = self.steps if self.period is not None else np.append(self.steps, 0.0)
        sizes: Array = (ahead + np.roll(ahead, 1)) / 2
        for end, outermost in zip((0, -1), self.reach, strict=True):
            sizes[end] += abs(float(self.nodes[end]) - outermost)
        return sizes

    @property
    def reach(self) -> tuple[float, float]:
        """Where the cells of the first and of the last node of an axis without a period end: there, or at a plane."""
        outermost = [float(self.nodes[0]), float(self.nodes[-1])]
        planes = [self._planes(ends) for _, ends in self.boundary]
        for side in (0, 1):
            found = {position for position in (pair[side] for pair in planes) if position is not None}
            if len(found) == 1:
                outermost[-1 if (side == 1) == bool(self.nodes[-1] > self.nodes[0]) else 0] = found.pop()
        return outermost[0], outermost[1]

    @property
    def stretching(self) -> float:
        """Largest ratio of two neighbouring spacings; 1 on a uniform axis."""
        steps = self.steps
        if self.period is not None:
            steps = np.append(steps, steps[:1])
        ratios = steps[1:] / steps[:-1]
        return float(np.maximum(ratios, 1.0 / ratios).max(initial=1.0))

    @property
    def uniform(self) -> bool:
        """Whether the spacing is constant to the rounding of the coordinate."""
        return is_uniform(self.nodes)

    def ends(self, name: str | None = None, label: str | None = None) -> Ends:
        """What is known of a field at the ends of smallest and of largest coordinate.

        What is said of a field by its name, or of a component by its direction, is said of its own values. What is said
        without a name is said of scalars, and of a vector as a mirror shows it: where that is "symmetric" the component
        along this axis is antisymmetric.

        Parameters
        ----------
        name : str, optional
            Name of the field.
        label : str, optional
            "x", "y" or "z" for the component of a vector.

        Returns
        -------
        tuple of Wall or None
            Nothing is known where it is None.

        Raises
        ------
        ValueError
            If a value other than zero is known of a vector as a whole.
        """
        known = dict(self.boundary)
        for key in (name, label):
            if key is not None and key in known:
                return known[key]
        plain = known.get(None, (None, None))
        if label is None:
            return plain
        low, high = (self._of_component(wall, label) for wall in plain)
        return low, high

    def _of_component(self, wall: Wall | None, label: str) -> Wall | None:
        if wall is None or wall.value == 0:
            return wall
        if wall.sign is None:
            raise ValueError(
                f"boundary: dimension {self.dim!r} has the value {wall} at an end for all components of a vector; say "
                f"of which, boundary={{{self.dim!r}: {{'u': ..., 'v': ...}}}}"
            )
        return wall.opposite() if label == self.name else wall

    def stencil(self, order: int = 1, fields: Sequence[Named] = ((None, None),)) -> Stencil:
        """Table of the derivative of an order along this axis.

        Parameters
        ----------
        order : int
            Order of the derivative, at least 1.
        fields : sequence of (str or None, str or None)
            Name of each field that is differentiated, and its direction if it is a component of a vector, for what is
            known of it at the ends.

        Returns
        -------
        Stencil
            Weights on the true nodes; where they differ between the fields, with one table for each.

        Raises
        ------
        ValueError
            If the axis has too few points, or as :meth:`ends`.
        """
        scheme = _Scheme(order, self.accuracy, self.period, self.scheme)
        known, more = [], 0
        if self.boundary:
            known = [self.ends(name, label) for name, label in fields]
            if len(self) > 1 and self.nodes[-1] < self.nodes[0]:
                known = [(high, low) for low, high in known]
            if all(ends == known[0] for ends in known):
                known = known[:1]
            more = min(outside(self.nodes, ends, scheme.half, self.dim) for ends in known)
        if len(self) + more < scheme.needed:
            raise ValueError(
                f"dimension {self.dim!r}: has {len(self)} points; a derivative of order {order} and accuracy "
                f"{self.accuracy}{' on a periodic axis' if self.period is not None else ''} needs at least "
                f"{scheme.needed - more}, use a smaller accuracy{' or a narrower window' if self.scheme else ''} or "
                "more points"
            )
        if self.scheme is None and not any(map(any, known)):
            return table(self.nodes, order, self.accuracy, self.period)
        ends = tuple(known) or ((None, None),)
        if len(self) <= _CACHED_NODES:
            return _kept_bounded(self.nodes.tobytes(), scheme, ends, self.dim)
        return _bounded_table(self.nodes, scheme, ends, self.dim)

    def noise_gain(self, order: int = 1) -> Array:
        """How much derivatives along this axis magnify noise.

        Parameters
        ----------
        order : int
            Order of the derivative.

        Returns
        -------
        ndarray, shape (n,)
            Standard deviation of the derivative, in units of the coordinate to the power of minus the order, where the
            values have independent noise of standard deviation one: the root of the sum of the squares of the weights.
            Times the spacing it is 0.71 for central differences and 0.32 for least squares over five points.

        Examples
        --------
        >>> axis = Axis("x", "x", np.arange(9.0), scheme=LeastSquares(points=5))
        >>> float(axis.noise_gain()[4].round(4))
        0.3162
        """
        stencil = self.stencil(order)
        _, weights = stencil.taps(0, stencil.rows, centre=True)
        gain: Array = np.sqrt((weights**2).sum(axis=0))
        return gain


@dataclass(frozen=True, eq=False)
class Mask:
    """Which points of a dataset are valid.

    Parameters
    ----------
    dims : tuple of str
        Some of the dimensions of the data, or all.
    values : array of bool
        True where a point is valid.
    """

    dims: tuple[str, ...]
    values: Any

    def __repr__(self) -> str:
        return f"Mask({', '.join(f'{dim} {n}' for dim, n in zip(self.dims, self.values.shape, strict=True))})"


@dataclass(frozen=True, eq=False)
class Grid:
    """The directions of a dataset, and how derivatives are taken along them.

    Made by :func:`fieldgrad.infer_grid`; every labelled operator takes it as ``grid=``.

    Parameters
    ----------
    axes : tuple of Axis
        The directions in space, in x, y, z order.
    others : tuple of Axis
        Further dimensions that have a coordinate, such as time; only :func:`fieldgrad.derivative` uses them.
    system : System
        The system of coordinates: Cartesian, spherical, cylindrical, or one of the user's own.
    why : str, optional
        Why it is that system, where it was inferred.
    notes : tuple of str
        What else was inferred, such as an axis that closes on itself.
    mask : Mask, optional
        Which points are valid, beside those that are NaN.
    missing : str
        What is done beside points that are not: "propagate", "adapt" or "shrink".
    least_accuracy : int
        Least order of accuracy of the stencils that "adapt" and "shrink" take there.

    Raises
    ------
    ValueError
        If two axes share a name or a dimension.

    Examples
    --------
    >>> import numpy as np
    >>> Grid((Axis("x", "x", np.linspace(0, 1, 5), units="m"), Axis("y", "y", np.array([0, 1, 4, 9.0]) / 9)))
    <fieldgrad.Grid: cartesian, 2 axes>
    axis  dim  points  spacing           stretching  periodic  units  accuracy
    x     x         5  0.25                   1      no        m             2
    y     y         4  0.1111 to 0.5556       3      no        -             2
    """

    axes: tuple[Axis, ...]
    others: tuple[Axis, ...] = ()
    system: System = CARTESIAN
    why: str | None = None
    notes: tuple[str, ...] = ()
    mask: Mask | None = None
    missing: str = "propagate"
    least_accuracy: int = 1

    def __post_init__(self) -> None:
        everything = self.axes + self.others
        for label in ("name", "dim"):
            seen: set[str] = set()
            for axis in everything:
                value = getattr(axis, label)
                if value in seen:
                    raise ValueError(f"axes: two axes have the {label} {value!r}; each must have its own")
                seen.add(value)

    @cached_property
    def description(self) -> str:
        """The directions and the discretisation in one line, as results keep them."""
        masked = [] if self.mask is None else [f"masked over {', '.join(self.mask.dims)}"]
        missing = [] if self.missing == "propagate" else [f"missing {self.missing} to accuracy {self.least_accuracy}"]
        return "; ".join([self.system.name, *(axis.description for axis in self.axes), *masked, *missing])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the directions in space: some of "x", "y", "z", or of "r", "theta", "z"."""
        return tuple(axis.name for axis in self.axes)

    @property
    def directions(self) -> tuple[str, str, str]:
        """Names of all three directions of the geometry, also of those that the grid lacks."""
        return self.system.directions

    @property
    def geometry(self) -> str:
        """Name of the system of coordinates."""
        return self.system.name

    @property
    def described(self) -> str:
        """The system of coordinates in words, and why it is that one."""
        why = "" if self.why is None else f" (inferred: {self.why})"
        return f"{self.system.name}{why}{self.system.details}"

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions that run along the directions in space."""
        return tuple(axis.dim for axis in self.axes)

    @property
    def left_handed(self) -> bool:
        """Whether the axes are left-handed: curls, of right-handed axes, then have the other sign."""
        return len(self.axes) > 1 and sum(axis.down for axis in self.axes) % 2 == 1

    def axis(self, key: str) -> Axis:
        """The axis of a dimension, or else of a direction.

        Parameters
        ----------
        key : str
            Name of a dimension, or "x", "y", "z".

        Returns
        -------
        Axis
            The axis.

        Raises
        ------
        KeyError
            If there is none; the message lists what there is.
        """
        everything = self.axes + self.others
        for label in ("dim", "name"):
            for axis in everything:
                if getattr(axis, label) == key:
                    return axis
        known = ", ".join(
            f"{axis.dim!r} ({axis.name})" if axis.dim != axis.name else repr(axis.dim) for axis in everything
        )
        raise KeyError(f"dim: {key!r} is no dimension or direction of the grid, which has {known or 'none'}")

    def _rows(self) -> list[tuple[str, ...]]:
        """What is shown of each axis: a row of texts, under the titles."""
        rows: list[tuple[str, ...]] = [
            ("axis", "dim", "points", "spacing", "stretching", "periodic", "units", "accuracy")
        ]
        for axis in self.axes + self.others:
            low, high = axis.spacing
            rows.append(
                (
                    axis.name,
                    axis.dim,
                    str(len(axis)),
                    f"{high:.4g}" if axis.uniform or low == high else f"{low:.4g} to {high:.4g}",
                    f"{1.0 if axis.uniform else axis.stretching:.4g}",
                    "no" if axis.period is None else f"{axis.period:.6g}",
                    axis.units or "-",
                    str(axis.accuracy),
                )
            )
        return rows

    def _head(self) -> str:
        count = len(self.axes)
        return f"fieldgrad.Grid: {self.described}, {count} {'axis' if count == 1 else 'axes'}"

    def _remarks(self) -> list[str]:
        """What is out of the ordinary, a line for each."""
        everything = self.axes + self.others
        lines = [f"{axis.dim!r} {axis.obstacle}" for axis in self.axes if axis.obstacle]
        lines += self.notes
        lines += [f"{axis.dim!r}: {'; '.join(axis.particulars)}" for axis in everything if axis.particulars]
        if self.left_handed:
            lines.append("the axes are left-handed")
        if self.mask is not None or self.missing != "propagate":
            lines.append(f"missing: {self.missing}, mask: {self.mask or 'none'}")
        return lines

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        numbers = {"points", "stretching", "accuracy"}
        lines = [
            "  ".join(
                text.rjust(width) if title in numbers else text.ljust(width)
                for title, text, width in zip(rows[0], row, widths, strict=True)
            )
            for row in rows
        ]
        return "\n".join([f"<{self._head()}>", *lines, *self._remarks()])

    def _repr_html_(self) -> str:
        titles, *rows = (tuple(map(escape, row)) for row in self._rows())
        head = "".join(f"<th>{title}</th>" for title in titles)
        body = "".join(f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>" for row in rows)
        remarks = "".join(f"<div>{escape(line)}</div>" for line in self._remarks())
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<div><b>{escape(self._head())}</b></div>{table}{remarks}"
