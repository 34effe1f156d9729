# SPDX-License-Identifier: BSD-3-Clause
"""Tables of axes that are longer than the caches: weights are computed piece by piece, where they are used.

The table of 1e8 nodes is three times as large as a field on them. To write it and to read it again takes longer than to
compute it. Where all spacings are one, weights are, too: nothing is computed then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from fieldgrad.stencils import ROWS, Array, Stencil, derivative_stencil, slopes, verify_slopes, windows

#: Nodes from which weights are computed piece by piece.
LONG = 1 << 18
#: Values of a piece, and its least rows. Two threads, seconds, 1e7 nodes: 0.16, with pieces of half as many 0.19, of a
#: quarter 0.25, since there are more calls; with a table that is made at once 0.29.
PIECE, LEAST_ROWS = 1 << 17, 1 << 10
#: Nodes of the rows that a line of one spacing is cut into, whose common weights stay in an L1 or L2 cache.
ROW = 1 << 12


#: What computes weights: it takes positions, the nodes on each side of the middle one, and memory for the weights.
Fill = Callable[[Array, int, Array], None]


def _fill(x: Array, half: int, band: Array) -> None:
    for start in range(0, band.shape[1], ROWS):
        stop = min(start + ROWS, band.shape[1])
        slopes(windows(x, half, start, stop), half, band[:, start:stop])


class LongStencil(Stencil):
    """A first derivative whose weights are computed where they are asked for: those of some rows by :meth:`slice`.

    Whatever else asks for weights has all of them computed.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Strictly monotonic positions of many nodes.
    accuracy, period, edge_accuracy
        As :func:`fieldgrad.stencils.derivative_stencil` takes them.

    Notes
    -----
    First derivatives only: their weights are right unless a spacing is so small that a quotient overflows, which is
    found where the piece is computed. Those of higher ones are refused far more often.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 50) ** 2
    >>> block, low, high = LongStencil(x, accuracy=4).slice(5, 9)
    >>> low, high
    (3, 11)
    >>> bool((block.matrix() == derivative_stencil(x, accuracy=4).slice(5, 9)[0].matrix()).all())
    True
    """

    x: Array
    accuracy: int
    period: float | None
    edge_accuracy: int | None

    def __init__(
        self, x: Array, accuracy: int = 2, period: float | None = None, edge_accuracy: int | None = None
    ) -> None:
        self.__dict__.update(x=x, accuracy=accuracy, period=period, edge_accuracy=edge_accuracy)
        # the rows at both ends are those of a table without what lies between
        count = 2 * self._margin
        few = derivative_stencil(np.concatenate([x[:count], x[-count:]]), 1, accuracy, edge_accuracy=edge_accuracy)
        none = np.zeros((0, 0))
        lower, upper = (few.lower, few.upper) if period is None else (none, none)
        row_sum = np.broadcast_to(np.zeros(1), len(x))
        ends = {"lower": lower, "upper": upper, "periodic": period is not None}
        self.__dict__.update(ends, row_sum=row_sum, nodes=len(x), bounded=False)

    def __reduce__(self) -> Any:
        return LongStencil, self.contents

    @cached_property
    def band(self) -> Array:
        """Weights of all rows."""
        return derivative_stencil(self.x, 1, self.accuracy, period=self.period, edge_accuracy=self.edge_accuracy).band

    @property
    def half_width(self) -> int:
        """As that of any table."""
        return self.accuracy // 2

    @property
    def contents(self) -> tuple[Any, ...]:
        """As that of any table."""
        return self.x, self.accuracy, self.period, self.edge_accuracy

    @property
    def _margin(self) -> int:
        """Nodes beside some rows within which all their windows lie, be they of the interior or of an edge."""
        edge = self.accuracy if self.edge_accuracy is None else self.edge_accuracy
        return max(self.accuracy, edge + 1)

    def slice(self, start: int, stop: int, reach: int = 0, fill: Fill | None = None) -> tuple[Stencil, int, int]:
        """As that of any table; nothing is computed but the rows that are asked for, by a function if one is given."""
        self._check_rows(start, stop)
        half, count = self.half_width, stop - start
        if self.periodic or (start >= half and stop <= self.nodes - half):
            beside = max(half, reach)
            low, high = start - beside, stop + beside
            if not self.periodic:
                low, high = max(low, 0), min(high, self.nodes)
            x = self._between(start - half, stop + half)
            band = np.empty((2 * half + 1, count))
            (_fill if fill is None else fill)(x, half, band)
            verify_slopes(band[half])
            return Stencil.unverified(band, high - low, start - low), low, high
        margin = self._margin + reach
        low, high = max(start - margin, 0), min(stop + margin, self.nodes)
        part = derivative_stencil(self.x[low:high], 1, self.accuracy, edge_accuracy=self.edge_accuracy)
        block, first, last = part.slice(start - low, stop - low, reach)
        return block, first + low, last + low

    def _between(self, low: int, high: int) -> Array:
        """Positions of some nodes, also before and behind the first period."""
        if low >= 0 and high <= self.nodes:
            return self.x[low:high]
        turns, index = np.divmod(np.arange(low, high), self.nodes)
        around: Array = self.x[index] + turns * math.copysign(self.period or 0.0, self.x[-1] - self.x[0])
        return around


class EvenStencil(LongStencil):
    """The same on nodes of one spacing: the weights of all rows but those at the ends are alike.

    Parameters
    ----------
    points : int
        Number of nodes, many.
    step : float
        Their spacing, not zero.
    accuracy, edge_accuracy
        As :func:`fieldgrad.stencils.derivative_stencil` takes them.

    Examples
    --------
    >>> EvenStencil(10**9, 0.5).slice(10**8, 10**8 + 2)[0].matrix()
    array([[-1.,  0.,  1.,  0.],
           [ 0., -1.,  0.,  1.]])
    """

    step: float

    def __init__(self, points: int, step: float, accuracy: int = 2, edge_accuracy: int | None = None) -> None:
        self.__dict__.update(step=step)
        # any few nodes tell the weights of all
        super().__init__(np.arange(20.0 * accuracy) * step, accuracy, None, edge_accuracy)
        self.__dict__.update(row_sum=np.broadcast_to(np.zeros(1), points), nodes=points)

    def __reduce__(self) -> Any:
        return EvenStencil, self.contents

    @property
    def contents(self) -> tuple[Any, ...]:
        """As that of any table."""
        return self.nodes, self.step, self.accuracy, self.edge_accuracy

    @cached_property
    def band(self) -> Array:
        """Weights of all rows: one column, repeated."""
        middle = slopes(windows(self.x, self.half_width, 0, 1), self.half_width)
        return np.broadcast_to(middle, (len(middle), self.rows))

    def slice(self, start: int, stop: int, reach: int = 0, fill: Fill | None = None) -> tuple[Stencil, int, int]:
        """As that of any table; there is nothing to fill."""
        return Stencil.slice(self, start, stop, reach)
