# SPDX-License-Identifier: BSD-3-Clause
"""Where the nodes around a position lie along an axis, those beyond its ends included.

Between nodes a field is the polynomial through the ``accuracy + 1`` nodes whose middle one is nearest, so that at a
node its derivative is that of the grid. What lies beyond the ends, periodic images, mirrored nodes and values known at
walls, is one list of nodes that each say which node of the field they repeat, with which sign, or what value they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad.grid import Axis, Named
from fieldgrad.walls import beyond, plane

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# A position may lie outside the last node by the rounding of the coordinate.
_ROUNDING = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Track:
    """The nodes that interpolation along an axis uses.

    Parameters
    ----------
    nodes : ndarray of float64, shape (m,)
        Positions in ascending order, those beyond the ends included.
    sources : ndarray of int64, shape (m,)
        Node of the field that each repeats.
    signs, values : ndarray of float64, shape (m,)
        A node has ``sign * f[source] + value``; the sign is zero where the value is known.
    taps : int
        Nodes of a window.
    low, high : float
        Smallest and largest position at which the field is known.
    period : float, optional
        Length after which positions repeat.

    See Also
    --------
    track : makes it from an axis.
    """

    nodes: Array
    sources: Integers
    signs: Array
    values: Array
    taps: int
    low: float
    high: float
    period: float | None = None

    @property
    def bounded(self) -> bool:
        """Whether a node is anything else than one of the field."""
        return bool((self.signs != 1).any())

    def holds(self, positions: Array) -> NDArray[np.bool_]:
        """Whether the field is known at positions; it is at none that is not finite."""
        if self.period is not None:
            return np.isfinite(positions)
        slack = _ROUNDING * max(abs(self.low), abs(self.high))
        within: NDArray[np.bool_] = (positions >= self.low - slack) & (positions <= self.high + slack)
        return within

    def wrapped(self, positions: Array) -> Array:
        """Positions within the first period."""
        if self.period is None:
            return positions
        result: Array = positions - self.period * np.floor((positions - self.low) / self.period)
        return result

    def starts(self, positions: Array) -> Integers:
        """First node of the window of each position within the track."""
        middles = (self.nodes[1:] + self.nodes[:-1]) / 2
        nearest = np.searchsorted(middles, positions)
        return np.clip(nearest - self.taps // 2, 0, len(self.nodes) - self.taps).astype(np.int64)

    def used(self, starts: Integers) -> Integers:
        """Nodes of the field that some windows reach, in ascending order."""
        needed = np.zeros(len(self.nodes) + 1, np.int64)
        for start in np.unique(starts):
            needed[start : start + self.taps] = 1
        return np.unique(self.sources[np.flatnonzero(needed)])

    def among(self, kept: Integers) -> Track:
        """The track on a field of which some nodes are left; windows must not reach others."""
        places = np.searchsorted(kept, self.sources)
        return replace(self, sources=np.minimum(places, max(len(kept) - 1, 0)))


#: An axis that a field lacks.
ABSENT = Track(np.zeros(1), np.zeros(1, np.int64), np.ones(1), np.zeros(1), 1, 0.0, 0.0)


def track(axis: Axis, field: Named = (None, None)) -> Track:
    """The nodes that interpolation of a field along an axis uses.

    Parameters
    ----------
    axis : Axis
        The axis, with what is known at its ends.
    field : (str or None, str or None)
        Name of the field, and its direction where it is a component of a vector.

    Returns
    -------
    Track
        Its own nodes and those beyond the ends.

    Raises
    ------
    ValueError
        If derivatives along the axis are those of fits to noisy data, which do not pass through the nodes.

    Examples
    --------
    >>> axis = Axis("x", "x", np.arange(4.0), period=4.0)
    >>> track(axis).nodes
    array([-1.,  0.,  1.,  2.,  3.,  4.,  5.])
    """
    if axis.scheme is not None:
        raise ValueError(
            f"grid: derivatives along dimension {axis.dim!r} are those of least-squares fits, which do not pass "
            "through the nodes; differentiate on the grid and sample the result, or infer a grid without scheme="
        )
    half, taps = axis.accuracy // 2, axis.accuracy + 1
    down = len(axis) > 1 and bool(axis.nodes[-1] < axis.nodes[0])
    own = np.arange(len(axis), dtype=np.int64)
    nodes, own = (axis.nodes[::-1], own[::-1]) if down else (axis.nodes, own)
    low, high = float(nodes[0]), float(nodes[-1])
    if axis.period is not None:
        steps = np.arange(-half, len(axis) + half + 1)
        turns, places = np.divmod(steps, len(axis))
        flat = np.zeros(len(steps))
        return Track(nodes[places] + turns * axis.period, own[places], flat + 1, flat, taps, low, high, axis.period)
    first, last = axis.ends(*field)
    below = beyond(nodes, first, half + 1, axis.dim)
    above = beyond(nodes[::-1], last, half + 1, axis.dim)
    n = len(axis)
    sources = np.concatenate([below.sources[::-1], np.arange(n), n - 1 - above.sources])
    plain = np.concatenate([below.sources[::-1] >= 0, np.ones(n, bool), above.sources >= 0])
    sizes = (len(below.positions), n, len(above.positions))
    return Track(
        np.concatenate([below.positions[::-1], nodes, above.positions]),
        own[np.where(plain, sources, np.repeat([0, 0, n - 1], sizes))],
        np.where(plain, np.repeat([below.sign, 1.0, above.sign], sizes), 0.0),
        np.repeat([below.value, 0.0, above.value], sizes),
        taps,
        low if first is None else plane(nodes, first, axis.dim),
        high if last is None else plane(nodes[::-1], last, axis.dim),
    )


def tracks(axis: Axis, fields: Sequence[Named]) -> tuple[Track, ...]:
    """The track of each field; one for all where nothing tells them apart."""
    if not axis.boundary:
        return (track(axis),)
    return tuple(track(axis, field) for field in fields)


def joined(parts: Sequence[Track], strides: Sequence[int]) -> tuple[Any, ...]:
    """Tracks one behind the other, with sources as offsets in memory.

    Returns
    -------
    tuple
        First entry of each track; nodes, offsets, signs and values of all.
    """
    firsts = np.cumsum([0, *(len(part.nodes) for part in parts[:-1])])
    offsets = np.concatenate([part.sources * stride for part, stride in zip(parts, strides, strict=True)])
    nodes, signs, values = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("nodes", "signs", "values")
    )
    return firsts, nodes, offsets, signs, values
