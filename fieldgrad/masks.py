# SPDX-License-Identifier: BSD-3-Clause
"""Holes in the data: which points are valid, and what a stencil does beside those that are not. NumPy only.

A hole is a point that the mask of the grid marks, or one without a finite value. The run of a point along an axis is
the valid points on either side of it, up to the next hole or the end of the axis. A stencil whose plain window lies in
the run stays as it is. Any other takes a window of the same number of nodes or fewer inside the run, by the rule of the
grid (:class:`Rule`), or there is no derivative. So a hole acts as an end of the axis does, and no value is taken from
across one.

The windows of an axis are few. They are numbered, and their weights are made once for each node that needs them, from
the same nodes in every chunking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from fieldgrad.grid import Axis, Grid
from fieldgrad.stencils import Stencil, weights_at_nodes

Array = NDArray[Any]

#: Codes of a derivative that does not exist, of the plain stencil, and of the first window.
NONE, PLAIN, FIRST = 0, 1, 2
# Codes are stored in a byte.
_CODES = 256


@dataclass(frozen=True, eq=False)
class Rule:
    """What the stencils along one axis do beside holes.

    Parameters
    ----------
    positions : ndarray of float64
        Positions of the nodes, and on a periodic axis of as many beyond either end as windows reach.
    before : int
        Positions ahead of the first node.
    order, accuracy : int
        Order of the derivative, and its order of accuracy.
    missing : str
        "propagate" (no other windows), "adapt" (any window inside the run) or "shrink" (centred ones).
    least : int
        Least order of accuracy of a window.
    """

    positions: NDArray[np.float64]
    before: int
    order: int
    accuracy: int
    missing: str
    least: int

    @property
    def half(self) -> int:
        """Nodes that the centred window of full accuracy has on either side."""
        return (self.order + self.accuracy - self.order % 2) // 2

    @property
    def reach(self) -> int:
        """Nodes to either side that any window may take."""
        if self.missing == "propagate":
            return 0
        return self.half if self.missing == "shrink" else max(self.half, self.order + self.accuracy - 1)

    def accuracy_of(self, nodes: int) -> int:
        """Order of accuracy of a window of some nodes, on any spacing."""
        return min(nodes - self.order, self.accuracy)

    def window(self, left: int, right: int) -> tuple[int, int] | None:
        """The window for a run, where the plain stencil does not fit.

        Parameters
        ----------
        left, right : int
            Valid nodes on either side of the point.

        Returns
        -------
        tuple of int or None
            Nodes of the window on either side; None where there is no derivative.
        """
        if self.missing == "propagate":
            return None
        if left >= self.half and right >= self.half:
            return self.half, self.half
        if self.missing == "shrink":
            left = right = min(left, right)
        nodes = min(left + right + 1, self.order + self.accuracy)
        if self.accuracy_of(nodes) < self.least:
            return None
        if self.missing == "shrink":
            return left, left
        # the side on which the hole is gives all that it has, the other the rest
        before = min(left, nodes - 1) if left < self.half else nodes - 1 - min(right, nodes - 1)
        return before, nodes - 1 - before

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """All windows, in the order of their codes."""
        span = range(self.reach + 1)
        found = {self.window(left, right) for left in span for right in span} - {None}
        if len(found) + FIRST > _CODES:
            raise ValueError(
                f"order: a derivative of order {self.order} and accuracy {self.accuracy} has {len(found)} windows "
                f"beside holes, more than the {_CODES - FIRST} that are told apart; use missing='shrink' or 'propagate'"
            )
        return tuple(sorted(one for one in found if one is not None))

    def codes(self, reach: int) -> NDArray[np.uint8]:
        """Code of the window for runs of up to `reach` nodes on either side, shape (reach + 1, reach + 1)."""
        table = np.zeros((reach + 1, reach + 1), np.uint8)
        if not self.windows:
            return table
        places = {window: FIRST + number for number, window in enumerate(self.windows)}
        for left in range(reach + 1):
            for right in range(reach + 1):
                window = self.window(min(left, self.reach), min(right, self.reach))
                table[left, right] = NONE if window is None else places[window]
        return table

    def accuracies(self) -> NDArray[np.uint8]:
        """Order of accuracy of each code; 0 of what does not exist."""
        own = [self.accuracy_of(left + right + 1) for left, right in self.windows]
        return np.array([0, self.accuracy, *own], np.uint8)

    def slice(self, low: int, high: int) -> Rule:
        """The rule for the nodes ``low ... high - 1``, which on a periodic axis reach beyond its ends."""
        # a table may reach farther than windows do; what is beyond is not looked at
        places = np.clip(np.arange(self.before + low, self.before + high), 0, len(self.positions) - 1)
        return replace(self, positions=self.positions[places], before=0)


@lru_cache(maxsize=64)
def rule(axis: Axis, order: int, missing: str, least: int) -> Rule:
    """The rule of an axis.

    Parameters
    ----------
    axis : Axis
        The axis.
    order : int
        Order of the derivative.
    missing : str
        "propagate", "adapt" or "shrink".
    least : int
        Least order of accuracy.

    Returns
    -------
    Rule
        What stencils along it do.
    """
    made = Rule(axis.nodes, 0, order, axis.accuracy, missing, least)
    if axis.period is None or not made.reach:
        return made
    step = np.copysign(axis.period, axis.nodes[-1] - axis.nodes[0])
    n, reach = len(axis), made.reach
    wrapped = np.concatenate([axis.nodes[n - reach :] - step, axis.nodes, axis.nodes[:reach] + step])
    return replace(made, positions=wrapped, before=reach)


@dataclass(frozen=True, eq=False)
class Holes:
    """The holes in the fields of a frame, and what is done beside them.

    Parameters
    ----------
    rules : tuple of Rule
        One for each direction.
    mask : array of bool, optional
        Valid points, of the shape of the fields.
    by_value : bool
        Whether values that are not finite are holes.
    valid : ndarray of uint8, optional
        Valid points by the mask and the values of all fields, once these are known.
    plans : list
        Plans of earlier calls, see :mod:`fieldgrad.kernels.redo`; shared by all frames of a grid.
    """

    rules: tuple[Rule, ...]
    mask: Any | None = None
    by_value: bool = True
    valid: NDArray[np.uint8] | None = None
    plans: list[Any] = field(default_factory=list)


# Of each grid as long as it lives: the record itself stays a record.
_plans: WeakKeyDictionary[Grid, list[Any]] = WeakKeyDictionary()


def holes_of(
    grid: Grid, axes: Sequence[Axis], order: int, mask: Any | None, *, by_value: bool | None = None
) -> Holes | None:
    """What is done beside the holes of a field.

    Parameters
    ----------
    grid : Grid
        Its grid.
    axes : sequence of Axis
        The axes along which it is differentiated.
    order : int
        Order of the derivatives.
    mask : array of bool, optional
        The mask of the grid, of the shape of the field.
    by_value : bool, optional
        Whether values that are not finite are holes; by default unless they propagate by themselves.

    Returns
    -------
    Holes or None
        None where the plain stencils do all.
    """
    if by_value is None:
        by_value = grid.missing != "propagate"
    if mask is None and not by_value:
        return None
    rules = tuple(rule(axis, order, grid.missing, grid.least_accuracy) for axis in axes)
    return Holes(rules, mask, by_value, plans=_plans.setdefault(grid, []))


def footprint(stencil: Stencil) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes on either side that the rows of a table reach."""
    rows, a, b = stencil.rows, len(stencil.lower), len(stencil.upper)
    left, right = np.full(rows, stencil.half_width), np.full(rows, stencil.half_width)
    node = stencil.first + np.arange(rows)
    left[:a], right[:a] = node[:a], stencil.lower.shape[1] - 1 - node[:a]
    last = node[rows - b :]
    left[rows - b :] = last - (stencil.nodes - stencil.upper.shape[1])
    right[rows - b :] = stencil.nodes - 1 - last
    return np.maximum(left, 0), np.maximum(right, 0)


def neighbours(stencil: Stencil, reach: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes around each row of a table, as offsets from its own, and how many of them there are.

    Parameters
    ----------
    stencil : Stencil
        The table.
    reach : int
        Nodes to look at on either side.

    Returns
    -------
    offsets : ndarray, shape (rows, 2 * reach)
        Those to the left, from the nearest outward, then those to the right; zero where there is none.
    count : ndarray, shape (rows, 2)
        How many there are on the left and on the right.
    """
    node = stencil.first + np.arange(stencil.rows)[:, np.newaxis]
    steps = np.arange(1, reach + 1)
    shifts = np.concatenate([-steps, steps])[np.newaxis, :]
    if stencil.periodic:
        return (node + shifts) % stencil.nodes - node, np.full((stencil.rows, 2), reach)
    count = np.minimum(np.hstack([node, stencil.nodes - 1 - node]), reach)
    there = (node + shifts >= 0) & (node + shifts < stencil.nodes)
    return np.where(there, shifts, 0), count


def width(stencils: Sequence[Stencil], rules: Sequence[Rule]) -> int:
    """Largest number of nodes, the centre not counted, that any stencil or window has."""
    windows = [left + right for one in rules for left, right in one.windows]
    return max([stencil.neighbours for stencil in stencils] + windows)


def tabulate(stencil: Stencil, adapting: Rule, used: NDArray[Any], taps: int) -> tuple[NDArray[np.intp], Array]:
    """Neighbours and weights of the windows of an axis.

    Parameters
    ----------
    stencil : Stencil
        The plain table.
    adapting : Rule
        What it becomes.
    used : ndarray of bool, shape (rows, codes)
        Which windows are needed; the others are left empty.
    taps : int
        Number of neighbours that each is filled up to, with the centre itself at weight zero.

    Returns
    -------
    offsets : ndarray of intp, shape (rows, codes, taps)
        Nodes relative to the centre, in ascending order of positions.
    weights : ndarray of float64, of the same shape
        Their weights; NaN for a derivative that does not exist.
    """
    offsets, weights = np.zeros((*used.shape, taps), np.intp), np.zeros((*used.shape, taps))
    weights[:, NONE, 0] = np.nan
    plain, plain_weights = stencil.taps(0, stencil.rows, taps)
    offsets[:, PLAIN], weights[:, PLAIN] = plain.T, plain_weights.T
    for code, (left, right) in enumerate(adapting.windows, FIRST):
        rows = np.flatnonzero(used[:, code])
        if not len(rows):
            continue
        node, shifts = stencil.first + rows, np.arange(-left, right + 1)[:, np.newaxis]
        at = adapting.before + node
        own = weights_at_nodes(adapting.positions[at + shifts], adapting.positions[at], adapting.order)
        moved = np.broadcast_to(shifts, own.shape)
        if stencil.periodic:
            moved = (node + shifts) % stencil.nodes - node
        weights[rows, code, : left + right] = np.delete(own, left, axis=0).T
        offsets[rows, code, : left + right] = np.delete(moved, left, axis=0).T
    return offsets, weights
