# SPDX-License-Identifier: BSD-3-Clause
"""What is known at the ends of an axis, as part of its tables.

A known value is one more node, at the wall. Symmetry is the nodes of the field mirrored. Tables are made on all these
nodes by the scheme of the interior, hence of its order; then what they say of mirrored nodes is added to those of the
field, and what they say of known values goes into the term of the row sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad.stencils import Stencil

Array = NDArray[np.float64]

SYMMETRIC, ANTISYMMETRIC = "symmetric", "antisymmetric"
# Signs of a mirrored field.
_SIGNS = {SYMMETRIC: 1.0, ANTISYMMETRIC: -1.0}
# A plane nearer to the last node than this part of the spacing lies on it; coordinates may be rounded to float32.
_ON_NODE = 1e-4
# What is left of weights that cancel, beside all weights of a row.
_CANCELLED = 1e-14


@dataclass(frozen=True)
class Wall:
    """What is known at one end of an axis.

    Parameters
    ----------
    value : float or str
        The value of the field there (in its units), or "symmetric" or "antisymmetric": its sign in a mirror there.
    at : float or str, optional
        Position of the plane in units of the coordinate, not between the nodes; "node" for the last node itself. By
        default half a spacing outside the last node, where the face of a cell-centred grid lies.

    Raises
    ------
    TypeError
        If an argument is no number where one is wanted.
    ValueError
        If a number is not finite, a word is unknown, or a value is said to be known at a node, where the field has one.

    Examples
    --------
    >>> Wall(0.0, at=-0.5)
    Wall(value=0.0, at=-0.5)
    """

    value: float | str
    at: float | str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number_or(self.value, tuple(_SIGNS), "value"))
        if self.at is not None:
            object.__setattr__(self, "at", _number_or(self.at, ("node",), "at"))
        if self.at == "node" and self.sign is None:
            raise ValueError(
                f"boundary: the value {self.value:g} is said to be known at a node, where the field has its own; leave "
                "it out (None), or give the position of the wall outside the nodes"
            )

    @property
    def sign(self) -> float | None:
        """Sign of the mirrored field; None for a known value."""
        return _SIGNS[self.value] if isinstance(self.value, str) else None

    def opposite(self) -> Wall:
        """The condition of a field that changes its sign in the mirror where this one does not."""
        return replace(self, value=ANTISYMMETRIC if self.value == SYMMETRIC else SYMMETRIC)

    def __str__(self) -> str:
        what = self.value if isinstance(self.value, str) else f"{self.value:g}"
        where = self.at if self.at is None or isinstance(self.at, str) else f"{self.at:g}"
        return what if where is None else f"{what} at {where}"


#: What is known at the first and at the last node of an axis.
Ends = tuple[Wall | None, Wall | None]


def _number_or(value: Any, words: tuple[str, ...], what: str) -> float | str:
    listed = " or ".join(map(repr, words))
    if isinstance(value, str):
        if value not in words:
            raise ValueError(f"boundary: the {what} is {value!r}; it must be a number or {listed}")
        return value
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"boundary: the {what} is {value!r}; it must be a number or {listed}")
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"boundary: the {what} is {value!r}; it must be a number or {listed}") from None
    if not math.isfinite(number):
        raise ValueError(f"boundary: the {what} is {number}; it must be finite")
    return number


def plane(nodes: Array, wall: Wall, dim: str) -> float:
    """Position of a plane.

    Parameters
    ----------
    nodes : ndarray, shape (n,)
        Positions, from the end at which the plane lies.
    wall : Wall
        What is known there.
    dim : str
        Name of the dimension, for messages.

    Returns
    -------
    float
        Its position; exactly that of the node if it lies there.

    Raises
    ------
    ValueError
        If it lies among the nodes, or nothing tells how far half a spacing is.

    Examples
    --------
    >>> plane(np.array([0.5, 1.5, 2.0]), Wall(0.0), "y")
    0.0
    """
    first = float(nodes[0])
    if wall.at == "node":
        return first
    if len(nodes) < 2:
        raise ValueError(f"boundary: dimension {dim!r} has {len(nodes)} points; a wall beside it needs at least two")
    step = float(nodes[1]) - first
    if wall.at is None:
        return first - step / 2
    position = float(wall.at)
    outward = (first - position) / step
    if abs(outward) < _ON_NODE:
        if wall.sign is None:
            raise ValueError(
                f"boundary: the wall at {position:g} lies on the node {first:g} of dimension {dim!r}, where the field "
                "has a value of its own; leave that end out (None)"
            )
        return first
    if outward < 0:
        raise ValueError(
            f"boundary: the plane at {position:g} lies inside of the node {first:g} at that end of dimension {dim!r}; "
            "it must lie outside the data, or on the node"
        )
    return position


@dataclass(frozen=True)
class Outside:
    """Nodes beyond an end, from the nearest on: where they lie, what node of the field they mirror (-1 for none)."""

    positions: Array
    sources: NDArray[np.intp]
    sign: float = 0.0
    value: float = 0.0


def beyond(nodes: Array, wall: Wall | None, half: int, dim: str) -> Outside:
    """Nodes that what is known at the first node adds beyond it, at most `half` mirrored ones."""
    if wall is None:
        return Outside(np.zeros(0), np.zeros(0, np.intp))
    at = plane(nodes, wall, dim)
    if wall.sign is None:
        return Outside(np.array([at]), np.array([-1]), value=float(wall.value))
    start = int(at == nodes[0])
    sources = np.arange(start, min(start + half, len(nodes)))
    return Outside(2 * at - nodes[sources], sources, wall.sign)


def outside(nodes: Array, ends: Ends, half: int, dim: str) -> int:
    """Number of nodes that the ends of an axis add to its own; the parameters are those of :func:`bounded_stencil`."""
    first, last = ends
    return len(beyond(nodes, first, half, dim).positions) + len(beyond(nodes[::-1], last, half, dim).positions)


def bounded_stencil(nodes: Array, ends: Ends, half: int, scheme: Callable[[Array], Stencil], dim: str) -> Stencil:
    """A table that takes account of what is known at the ends.

    Parameters
    ----------
    nodes : ndarray, shape (n,)
        Strictly monotonic positions of the nodes.
    ends : tuple of Wall or None
        What is known at the first and at the last node.
    half : int
        Nodes to either side in windows of the interior.
    scheme : callable
        From nodes to the table without walls.
    dim : str
        Name of the dimension, for messages.

    Returns
    -------
    Stencil
        A table of n rows on n nodes. Rows that reach neither wall have the weights that they have without.

    Raises
    ------
    ValueError
        If a plane lies among the nodes, or the axis is so short that a row sees different values at both ends.

    Examples
    --------
    A parabola that vanishes at its walls has the exact slope in every cell:

    >>> from fieldgrad.stencils import derivative_stencil
    >>> y = np.array([0.5, 1.5, 2.5, 3.5])
    >>> table = bounded_stencil(y, (Wall(0.0), Wall(0.0)), 1, derivative_stencil, "y")
    >>> table.matrix() @ (y * (4 - y))
    array([ 3.,  1., -1., -3.])
    """
    n = len(nodes)
    below, above = beyond(nodes, ends[0], half, dim), beyond(nodes[::-1], ends[1], half, dim)
    before = len(below.positions)
    table = scheme(np.concatenate([below.positions[::-1], nodes, above.positions]))
    first = max(len(table.lower) - before, table.half_width if before else 0)
    last = max(len(table.upper) - len(above.positions), table.half_width if len(above.positions) else 0)
    if first + last > n:
        first, last = n, 0
    row_sum, known = np.zeros(n), np.zeros(n)
    lower = _folded(table, slice(0, first), n, below, above, row_sum, known)
    upper = _folded(table, slice(n - last, n), n, below, above, row_sum, known)
    return Stencil(
        table.band[:, before : before + n],
        _narrowed(lower),
        _narrowed(upper[:, ::-1])[:, ::-1],
        row_sum,
        nodes=n,
        known=known if known.any() else None,
    )


def _folded(table: Stencil, rows: slice, n: int, below: Outside, above: Outside, row_sum: Array, known: Array) -> Array:
    """Weights of some rows on the nodes of the field; their row sums and known values are set."""
    before = len(below.positions)
    offsets, weights = table.taps(before + rows.start, before + rows.stop, centre=True)
    block = np.zeros((rows.stop - rows.start, n))
    for row in range(len(block)):
        values: dict[float, float] = {}
        for offset, weight in zip(offsets[:, row], weights[:, row], strict=True):
            node = rows.start + row + int(offset)
            if 0 <= node < n:
                block[row, node] += weight
                continue
            end, place = (below, -1 - node) if node < 0 else (above, node - n)
            source = int(end.sources[place])
            if source >= 0:
                block[row, source if end is below else n - 1 - source] += end.sign * weight
            if source < 0 or end.sign < 0:
                # a field that changes sign in the mirror: -f_k - f_c is -(f_k - f_c) + 2 (0 - f_c)
                values[end.value] = values.get(end.value, 0.0) + (weight if source < 0 else 2 * weight)
        if len(values) > 1:
            raise ValueError(
                f"boundary: an axis of {n} points is too short for the values {' and '.join(map(str, sorted(values)))} "
                "known at its ends, both of which a point sees; use a smaller accuracy or more points"
            )
        # the slope of a symmetric field vanishes at a node in the plane, exactly
        block[row, np.abs(block[row]) < _CANCELLED * np.abs(weights[:, row]).sum()] = 0.0
        for value, weight in values.items():
            row_sum[rows.start + row] = -weight
            known[rows.start + row] = value
    return block


def _narrowed(block: Array) -> Array:
    """A block without the last columns that no row uses, but with the centres of all rows."""
    used = np.flatnonzero(block.any(axis=0))
    width = max(int(used[-1]) + 1 if len(used) else 0, len(block))
    return block[:, :width].copy() if len(block) else np.zeros((0, 0))


def alike(tables: Sequence[Stencil]) -> Stencil:
    """One table for several fields, the tables of which differ near the ends.

    Parameters
    ----------
    tables : sequence of Stencil
        For each field its table, of as many rows and nodes, with interior windows of one width.

    Returns
    -------
    Stencil
        The first, with all of them in ``each`` and blocks of the widest at the ends.

    Examples
    --------
    >>> from fieldgrad.stencils import derivative_stencil
    >>> y = np.arange(4.0)
    >>> walls = [bounded_stencil(y, ends, 1, derivative_stencil, "y") for ends in ((Wall(0.0), None), (None, None))]
    >>> [table.lower.shape for table in alike(walls).each]
    [(1, 3), (1, 3)]
    """
    n, half = tables[0].rows, tables[0].half_width
    first, last = (max(len(getattr(table, side)) for table in tables) for side in ("lower", "upper"))
    if first + last > n:
        first, last = n, 0
    width, other = (
        min(n, max(*(getattr(table, side).shape[1] for table in tables), rows + half if rows else 0))
        for side, rows in (("lower", first), ("upper", last))
    )
    each = tuple(
        replace(
            table,
            lower=_block(table, 0, first, 0, n if last == 0 and first == n else width),
            upper=_block(table, n - last, n, n - other, other) if last else np.zeros((0, 0)),
        )
        for table in tables
    )
    return replace(each[0], each=each)


def _block(table: Stencil, start: int, stop: int, column: int, width: int) -> Array:
    """Rows of a table as a block on the nodes ``column ... column + width - 1``."""
    block = np.zeros((stop - start, width))
    offsets, weights = table.taps(start, stop, centre=True)
    rows = np.arange(stop - start)
    np.add.at(block, (rows, rows + start - column + offsets), weights)
    return block
