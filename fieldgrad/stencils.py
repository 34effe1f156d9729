# SPDX-License-Identifier: BSD-3-Clause
"""Coordinates in, tables of weights out.

Every discretisation of this library is a :class:`Stencil`: a sparse matrix that acts along one axis, stored as an
interior band, one dense block at either end, and the sum of each row. Order, spacing, edges, periodicity and the
adjoint are all told by the table; the kernels know nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: From windows of nodes, one column a point, and the points to weights.
Rule = Callable[[Array, Array], Array]

# Rows whose weights are computed at a time, so that the temporaries stay in the cache.
ROWS = 1 << 14


def fornberg(offsets: Array, order: int) -> Array:
    """Weights of a derivative at zero from values at any distinct nodes.

    Parameters
    ----------
    offsets : ndarray, shape (nodes, points)
        Positions of the nodes relative to the point at which the derivative is wanted, one column a point.
    order : int
        Order of the derivative, at least 0 and below the number of nodes.

    Returns
    -------
    ndarray, shape (nodes, points)
        ``weights`` such that ``(weights * f(nodes)).sum(0)`` is the derivative of the interpolating polynomial. Exact
        for polynomials of a degree below the number of nodes.

    Notes
    -----
    B. Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids", Mathematics of Computation 51
    (1988) 699-706. The recurrence runs over the nodes; all points advance together.

    Examples
    --------
    >>> import numpy as np
    >>> fornberg(np.array([[-1.0], [0.0], [2.0]]), 1).ravel()
    array([-0.66666667,  0.5       ,  0.16666667])
    """
    nodes = len(offsets)
    # the largest offset scales each column to order one, so that products of many spacings stay in range
    scale = np.abs(offsets).max(axis=0)
    x = offsets / scale
    weights = np.zeros((order + 1, *x.shape))
    weights[0, 0] = 1.0
    product = np.ones(x.shape[1])
    for i in range(1, nodes):
        top = min(i, order)
        previous, product = product, np.ones(x.shape[1])
        for j in range(i):
            gap = x[i] - x[j]
            product = product * gap
            if j == i - 1:
                ratio = previous / product
                for k in range(top, 0, -1):
                    weights[k, i] = ratio * (k * weights[k - 1, j] - x[j] * weights[k, j])
                weights[0, i] = -ratio * x[j] * weights[0, j]
            for k in range(top, 0, -1):
                weights[k, j] = (x[i] * weights[k, j] - k * weights[k - 1, j]) / gap
            weights[0, j] = x[i] * weights[0, j] / gap
    result: Array = weights[order] / scale**order
    return result


@dataclass(frozen=True, eq=False)
class Stencil:
    """A linear operator along one axis, as a table.

    Row ``i`` gives ``y_i = sum_j w_ij (f_j - f_c) + row_sum_i (f_c - known_i)``, where ``c = first + i`` is the node
    that the row belongs to. The weight of the centre itself is stored too, so that each row sums to ``row_sum``.

    Parameters
    ----------
    band : ndarray, shape (taps, rows)
        Weights of the nodes ``c - h ... c + h``, ``taps = 2 h + 1``. Columns of edge rows are not used.
    lower : ndarray, shape (rows of the lower edge, width)
        The first rows, acting on the first ``width`` nodes.
    upper : ndarray, shape (rows of the upper edge, width)
        The last rows, acting on the last ``width`` nodes.
    row_sum : ndarray, shape (rows,)
        Sum of the weights of each row; exactly zero for derivatives.
    nodes : int
        Number of nodes of the input.
    first : int
        Node of the first row; 0 but for a block of a larger table.
    periodic : bool
        Whether the band wraps around; edges are empty then.
    known : ndarray, shape (rows,), optional
        What the centre is compared with in the term of the row sum, zero by default: the value at a wall, whose weight
        is ``-row_sum``.
    each : tuple of Stencil
        Tables of the fields that are differentiated together, in their order, where a boundary tells them apart; all
        of one shape. Empty where this table is that of all.

    Raises
    ------
    ValueError
        If the blocks do not fit together, a weight is not finite, or a row does not sum to ``row_sum``.

    See Also
    --------
    fieldgrad.Axis.stencil : makes the table of a derivative.

    Examples
    --------
    >>> import numpy as np
    >>> table = derivative_stencil(np.arange(4.0), order=1, accuracy=2)
    >>> table.matrix()
    array([[-1.5,  2. , -0.5,  0. ],
           [-0.5,  0. ,  0.5,  0. ],
           [ 0. , -0.5,  0. ,  0.5],
           [ 0. ,  0.5, -2. ,  1.5]])
    """

    band: Array
    lower: Array
    upper: Array
    row_sum: Array
    nodes: int
    first: int = 0
    periodic: bool = False
    known: Array | None = None
    each: tuple[Stencil, ...] = ()

    def __post_init__(self) -> None:
        taps, rows = self.band.shape
        a, b = len(self.lower), len(self.upper)
        if taps % 2 == 0:
            raise ValueError(f"band: has {taps} taps; the number must be odd, since the window is centred")
        if self.row_sum.shape != (rows,):
            raise ValueError(f"row_sum: has shape {self.row_sum.shape}; it must be ({rows},), one for each row")
        if a + b > rows or max(self.lower.shape[1], self.upper.shape[1]) > self.nodes:
            raise ValueError(
                f"lower, upper: blocks of shape {self.lower.shape} and {self.upper.shape} do not fit a table of "
                f"{rows} rows on {self.nodes} nodes"
            )
        if self.periodic and (a or b or self.nodes != rows or self.first):
            raise ValueError("periodic: a periodic table has no edges and as many rows as nodes")
        h = taps // 2
        if not self.periodic and rows - a - b and (self.first + a < h or self.first + rows - b + h > self.nodes):
            raise ValueError(f"band: windows of {taps} taps reach beyond the {self.nodes} nodes; widen the edges")
        for weights, sums in (
            (self.band[:, a : rows - b], self.row_sum[a : rows - b]),
            (self.lower.T, self.row_sum[:a]),
            (self.upper.T, self.row_sum[rows - b :]),
        ):
            for start in range(0, len(sums), ROWS):
                some = weights[:, start : start + ROWS]
                error = np.abs(some.sum(axis=0) - sums[start : start + ROWS])
                bound = 1e-10 * np.abs(some).sum(axis=0)
                if not (np.isfinite(error) & (error <= bound)).all():
                    raise ValueError("row_sum: the weights of a row are not finite or do not add up to it")
        if self.known is not None:
            if self.known.shape != (rows,) or not np.isfinite(self.known).all():
                raise ValueError(f"known: must hold {rows} finite values, one for each row")
            self.known.flags.writeable = False
        if any(other._form != self._form for other in self.each):
            raise ValueError("each: the tables of several fields must have one shape")
        for table in (self.band, self.lower, self.upper, self.row_sum):
            table.flags.writeable = False

    @staticmethod
    def unverified(band: Array, nodes: int, first: int) -> Stencil:
        """An interior of weights that sum to zero as they were made."""
        table, none, zero = object.__new__(Stencil), np.zeros((0, 0)), np.zeros(band.shape[1])
        table.__dict__.update(band=band, lower=none, upper=none, row_sum=zero, nodes=nodes, first=first)
        return table

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # arrays come writeable out of a pickle

    @property
    def rows(self) -> int:
        """Number of rows, which is the number of points of the output."""
        return len(self.row_sum)

    @property
    def half_width(self) -> int:
        """Nodes that the band reaches to either side of its centre."""
        return len(self.band) // 2

    @property
    def contents(self) -> tuple[Any, ...]:
        """What tells this table from others, those of single fields apart."""
        return self.band, self.lower, self.upper, self.row_sum, self.known, self.nodes, self.first, self.periodic

    @property
    def _form(self) -> tuple[Any, ...]:
        blocks = (self.band.shape, self.lower.shape, self.upper.shape)
        return (*blocks, self.nodes, self.first, self.periodic)

    def of(self, number: int) -> Stencil:
        """The table of one of the fields that are differentiated together."""
        return self.each[number] if self.each else self

    @cached_property
    def bounded(self) -> bool:
        """Whether a row of this table, or of one in `each`, has a term of the row sum."""
        return bool(self.row_sum.any()) or any(table.bounded for table in self.each)

    @cached_property
    def linear(self) -> Stencil:
        """The table with zero for all known values: for a field whose changes alone matter, such as a derivative."""
        if self.known is None and all(table.linear is table for table in self.each):
            return self
        return replace(self, known=None, each=tuple(table.linear for table in self.each))

    @property
    def neighbours(self) -> int:
        """Largest number of nodes, the centre not counted, that any row uses."""
        return int(max(2 * self.half_width + 1, self.lower.shape[1], self.upper.shape[1])) - 1

    def taps(
        self, start: int, stop: int, width: int | None = None, *, centre: bool = False
    ) -> tuple[NDArray[np.intp], Array]:
        """Neighbours of the rows ``start ... stop - 1``.

        Parameters
        ----------
        start, stop : int
            Range of rows.
        width : int, optional
            Number of neighbours that each row is filled up to, with the centre itself at weight zero. By default
            :attr:`neighbours`.
        centre : bool
            Whether to append the centre itself, with its own weight, as the last entry.

        Returns
        -------
        offsets : ndarray of intp, shape (width, stop - start), one longer with the centre
            Positions relative to the centre, in ascending order of the nodes before they wrap.
        weights : ndarray of float64, of the same shape
            Their weights.
        """
        width = self.neighbours if width is None else width
        rows, a, b = self.rows, len(self.lower), len(self.upper)
        offsets = np.zeros((width, stop - start), np.intp)
        weights = np.zeros((width, stop - start))
        lo, hi = max(start, a), min(stop, rows - b)
        if hi > lo:
            h = self.half_width
            shifts = np.r_[-h:0, 1 : h + 1].astype(np.intp)
            target = slice(lo - start, hi - start)
            offsets[: 2 * h, target] = shifts[:, np.newaxis]
            weights[:h, target] = self.band[:h, lo:hi]
            weights[h : 2 * h, target] = self.band[h + 1 :, lo:hi]
            if self.periodic:
                near = np.r_[lo : min(h, hi), max(rows - h, lo, h) : hi]
                wrapped = (near + shifts[:, np.newaxis]) % rows - near
                offsets[: 2 * h, near - start] = wrapped
        for block, block_start, column in (
            (self.lower, 0, 0),
            (self.upper, rows - b, self.nodes - self.upper.shape[1]),
        ):
            for r in range(max(start, block_start), min(stop, block_start + len(block))):
                node = self.first + r
                # a block is as wide as its widest row: what others do not use must not spread NaN to them
                used = block[r - block_start] != 0
                others = used & (np.arange(column, column + block.shape[1]) != node)
                count = int(others.sum())
                offsets[:count, r - start] = np.flatnonzero(others) + column - node
                weights[:count, r - start] = block[r - block_start, others]
        if centre:
            own = self._centre_weights()[start:stop]
            return np.pad(offsets, ((0, 1), (0, 0))), np.concatenate([weights, own[np.newaxis]])
        return offsets, weights

    def _centre_weights(self) -> Array:
        own: Array = self.band[self.half_width].copy()
        a, b = len(self.lower), len(self.upper)
        own[:a] = self.lower[np.arange(a), self.first + np.arange(a)]
        last = np.arange(self.rows - b, self.rows)
        own[self.rows - b :] = self.upper[np.arange(b), self.first + last - self.nodes + self.upper.shape[1]]
        return own

    def matrix(self) -> Array:
        """The table as a dense matrix.

        Returns
        -------
        ndarray, shape (rows, nodes)
            The weights, those of the centres included.
        """
        full = np.zeros((self.rows, self.nodes))
        a, b, h = len(self.lower), len(self.upper), self.half_width
        full[:a, : self.lower.shape[1]] = self.lower
        full[self.rows - b :, self.nodes - self.upper.shape[1] :] = self.upper
        interior = np.arange(a, self.rows - b)
        for s, weights in enumerate(self.band):
            full[interior, (self.first + interior + s - h) % self.nodes] += weights[interior]
        return full

    def slice(self, start: int, stop: int, reach: int = 0) -> tuple[Stencil, int, int]:
        """The part of the table that gives the rows ``start ... stop - 1``.

        Parameters
        ----------
        start, stop : int
            Range of rows, ``0 <= start < stop <= rows``.
        reach : int
            Nodes to keep on either side of the rows, as far as there are any, although the table does not use them.

        Returns
        -------
        block : Stencil
            Table that acts on the nodes ``low ... high - 1`` alone, never periodic.
        low, high : int
            Range of nodes. On a periodic table it reaches below 0 and beyond `nodes`; take those nodes modulo
            their number.

        Raises
        ------
        ValueError
            If the range is empty or reaches beyond the table.

        Examples
        --------
        >>> import numpy as np
        >>> x = np.linspace(0.0, 1.0, 20) ** 2
        >>> block, low, high = derivative_stencil(x, accuracy=4).slice(5, 9)
        >>> low, high
        (3, 11)
        >>> bool(np.allclose(block.matrix() @ x[low:high], 1.0))
        True
        """
        self._check_rows(start, stop)
        rows, a, b, h = self.rows, len(self.lower), len(self.upper), self.half_width
        lower = self.lower[start:stop]
        upper = self.upper[max(start - (rows - b), 0) : max(stop - (rows - b), 0)]
        low, high = self.first + start, self.first + stop
        if max(start, a) < min(stop, rows - b):
            low, high = (
                min(low, self.first + max(start, a) - h),
                max(high, self.first + min(stop, rows - b) + h),
            )
        if len(lower):
            low, high = 0, max(high, lower.shape[1])
        if len(upper):
            low, high = min(low, self.nodes - upper.shape[1]), self.nodes
        around = self.first + start - reach, self.first + stop + reach
        if not self.periodic:
            around = max(around[0], 0), min(around[1], self.nodes)
        low, high = min(low, around[0]), max(high, around[1])
        block = Stencil(
            band=self.band[:, start:stop],
            lower=lower if len(lower) else np.zeros((0, 0)),
            upper=upper if len(upper) else np.zeros((0, 0)),
            row_sum=self.row_sum[start:stop],
            nodes=high - low,
            first=self.first + start - low,
            known=None if self.known is None else self.known[start:stop],
            each=tuple(table.slice(start, stop, reach)[0] for table in self.each),
        )
        return block, low, high

    def _check_rows(self, start: int, stop: int) -> None:
        if not 0 <= start < stop <= self.rows:
            raise ValueError(f"start, stop: {start} and {stop} are not a range of the {self.rows} rows")

    def transpose(self) -> Stencil:
        """The exact adjoint: the table of the transposed matrix, which knows nothing of known values.

        Its rows do not sum to zero and its edges are wider than those of the table.

        Returns
        -------
        Stencil
            ``table.transpose().matrix()`` equals ``table.matrix().T`` to the bit.

        Raises
        ------
        ValueError
            If the table is a block of another; transpose first, then slice.
        """
        return self._transpose

    @cached_property
    def _transpose(self) -> Stencil:
        if self.nodes != self.rows or self.first:
            raise ValueError("transpose: the table is a block of a larger one; transpose that, then slice")
        n, h = self.rows, self.half_width
        a, b, wa, wb = len(self.lower), len(self.upper), self.lower.shape[1], self.upper.shape[1]
        rows = np.arange(n)
        band = np.zeros_like(self.band)
        for s in range(len(band)):
            # entry (j, j + s - h) of the transpose is entry (j + s - h, j) of the table, if that row is interior
            source = rows + s - h
            inside = np.full(n, True) if self.periodic else (source >= a) & (source < n - b)
            band[s, inside] = self.band[len(band) - 1 - s, source[inside] % n]
        if self.periodic:
            lower = upper = np.zeros((0, 0))
        elif max(wa, a) + h + max(wb, b) + h > n:  # edges meet: all rows go into one dense block
            lower, upper = self.matrix().T.copy(), np.zeros((0, 0))
        else:
            edge_low, edge_high = max(wa, a), max(wb, b)
            lower, upper = np.zeros((edge_low, edge_low + h)), np.zeros((edge_high, edge_high + h))
            for j in range(edge_low):
                for s in range(len(band)):
                    if band[s, j]:
                        lower[j, j + s - h] += band[s, j]
            for j in range(edge_high):
                for s in range(len(band)):
                    if band[s, n - edge_high + j]:
                        upper[j, h + j + s - h] += band[s, n - edge_high + j]
            lower[:wa, :a] += self.lower.T
            upper[edge_high - wb :, edge_high + h - b :] += self.upper.T
        row_sum = band.sum(axis=0)
        row_sum[: len(lower)] = lower.sum(axis=1)
        row_sum[n - len(upper) :] = upper.sum(axis=1)
        each = tuple(table.transpose() for table in self.each)
        return Stencil(band, lower, upper, row_sum, nodes=n, periodic=self.periodic, each=each)


def derivative_stencil(
    x: Array,
    order: int = 1,
    accuracy: int = 2,
    *,
    period: float | None = None,
    edge_accuracy: int | None = None,
) -> Stencil:
    """Finite differences on the true, nonuniform nodes.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Strictly monotonic positions of the nodes.
    order : int
        Order of the derivative, at least 1.
    accuracy : int
        Order of accuracy p: 2, 4, 6 or 8. Interior windows are symmetric in index and hold ``order + p`` nodes, one
        more if ``order`` is even.
    period : float, optional
        Makes the axis periodic: the node after the last one is ``x[0] + period`` (minus, if x decreases).
    edge_accuracy : int, optional
        Order of accuracy of the one-sided edges, by default that of the interior; they hold ``order + edge_accuracy``
        nodes.

    Returns
    -------
    Stencil
        A table of n rows whose weights sum to zero.

    Raises
    ------
    ValueError
        If an argument is out of its range or x has too few nodes.
    ArithmeticError
        If computed weights are not finite or their moments are wrong, which means spacings too uneven for double
        precision.

    Notes
    -----
    Weights of the first derivative are the slopes of the Lagrange polynomials at their nodes,
    ``w[j] = prod(x[k] - x[c] for k) / prod(x[k] - x[j] for k) / (x[j] - x[c])`` with k over all nodes but j and the
    centre c, as in J.-P. Berrut and L. N. Trefethen, "Barycentric Lagrange interpolation", SIAM Review 46 (2004),
    501-517, section 9.3. Those of higher derivatives follow Fornberg's recurrence (:func:`fornberg`). n nodes give
    order n - m of the m-th derivative. At order 1 and accuracy 2 the interior weights equal those of
    :func:`numpy.gradient`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.0, 1.0, 3.0, 4.0, 6.0])
    >>> derivative_stencil(x, order=2).matrix() @ x**2
    array([2., 2., 2., 2., 2.])
    """
    x = np.asarray(x, np.float64)
    edge_accuracy = accuracy if edge_accuracy is None else edge_accuracy
    if order < 1:
        raise ValueError(f"order: got {order}; the order of a derivative must be at least 1")
    if accuracy not in (2, 4, 6, 8):
        raise ValueError(f"accuracy: got {accuracy}; it must be 2, 4, 6 or 8")
    if edge_accuracy < 1:
        raise ValueError(f"edge_accuracy: got {edge_accuracy}; it must be at least 1")
    n = len(x)
    half = (order + accuracy - 1) // 2 if order % 2 else (order + accuracy) // 2
    needed = required_points(order, edge_accuracy if period is None else accuracy, periodic=period is not None)
    if n < needed:
        raise ValueError(
            f"x: has {n} points; a derivative of order {order} and accuracy {accuracy} needs at least {needed}"
        )
    rule = partial(weights_at_nodes, order=order)
    return assembled(x, half, order + edge_accuracy, rule, period)


def assembled(x: Array, half: int, edge: int, rule: Rule, period: float | None = None) -> Stencil:
    """The table of a rule that turns windows of nodes into weights.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        Strictly monotonic positions of the nodes.
    half : int
        Nodes to either side in windows of the interior.
    edge : int
        Nodes of the windows at either end; there must be as many.
    rule : callable
        From nodes, shape (nodes, points), and points, shape (points,), to weights, shape (nodes, points), whose
        columns sum to zero.
    period : float, optional
        Makes the axis periodic.

    Returns
    -------
    Stencil
        A table of n rows.
    """
    n = len(x)
    empty = np.zeros((0, 0))
    if period is not None:
        step = math.copysign(abs(period), x[-1] - x[0]) if n > 1 else abs(period)
        extended = np.concatenate([x[n - half :] - step, x, x[:half] + step])
        band = np.empty((2 * half + 1, n))
        _fill(extended, half, rule, band)
        return Stencil(band, empty, empty, np.zeros(n), nodes=n, periodic=True)
    # too short for an interior: the halves take the windows at either end
    a = half if n >= 2 * half + 1 else (n + 1) // 2
    b = half if n >= 2 * half + 1 else n // 2
    band = np.zeros((2 * half + 1, n))
    _fill(x, half, rule, band[:, a : n - b])
    lower = rule(np.repeat(x[:edge, np.newaxis], a, axis=1), x[:a]).T.copy()
    upper = rule(np.repeat(x[n - edge :, np.newaxis], b, axis=1), x[n - b :]).T.copy()
    return Stencil(band, lower, upper, np.zeros(n), nodes=n)


def required_points(order: int, accuracy: int, *, periodic: bool = False) -> int:
    """Least number of nodes that a derivative takes: all of a window where it wraps, those of an edge where not."""
    return order + accuracy + (order + 1) % 2 if periodic else order + accuracy


def windows(x: Array, half: int, start: int, stop: int) -> Array:
    """Nodes ``row ... row + 2 half`` of some rows, one column each: a view."""
    return sliding_window_view(x[start : stop + 2 * half], stop - start)


def _fill(x: Array, half: int, rule: Rule, out: Array) -> None:
    """The weights of all windows that lie within the nodes, one column each."""
    for start in range(0, out.shape[1], ROWS):
        stop = min(start + ROWS, out.shape[1])
        out[:, start:stop] = rule(windows(x, half, start, stop), x[start + half : stop + half])


def weights_at_nodes(nodes: Array, points: Array, order: int) -> Array:
    """Weights of a derivative from values at some nodes, one of which is usually the point itself, or an error.

    Parameters
    ----------
    nodes : ndarray, shape (nodes, points)
        Positions of distinct nodes, one column a point.
    points : ndarray, shape (points,)
        Where the derivative is wanted.
    order : int
        Order of the derivative, at least 1 and below the number of nodes.

    Returns
    -------
    ndarray, shape (nodes, points)
        Weights of which each column sums to zero.

    Raises
    ------
    ArithmeticError
        If weights are not finite or their moments are wrong.

    Examples
    --------
    >>> import numpy as np
    >>> weights_at_nodes(np.array([[0.0], [1.0], [3.0]]), np.array([1.0]), 1).ravel()
    array([-0.66666667,  0.5       ,  0.16666667])
    """
    # spacings that vanish beside the others divide by zero; what follows from that is found below
    with np.errstate(all="ignore"):
        centres = nodes == points
        # in edges that are narrower than the band the point may lie beyond its window
        if order > 1 or not centres.any(axis=0).all():
            return _verified(nodes - points, order)
        weights = np.empty_like(nodes)
        for centre in range(len(nodes)):
            columns = centres[centre]
            if columns.all():
                return slopes(nodes, centre)
            if columns.any():
                weights[:, columns] = slopes(nodes[:, columns], centre)
        return weights


def slopes(x: Array, centre: int, out: Array | None = None) -> Array:
    """Weights of the first derivative at one of the nodes: the slopes there of the Lagrange polynomials.

    Products of quotients of differences: each is right to a few roundings however uneven the spacings are, so that
    there is nothing to verify. They take a fifth of the time of the recurrence and its moments: 20 ns a row, not 110.

    Parameters
    ----------
    x : ndarray, shape (nodes, points)
        Positions of distinct nodes, one column a point.
    centre : int
        Which of the nodes the points are.
    out : ndarray, shape (nodes, points), optional
        Memory for the weights.

    Returns
    -------
    ndarray, shape (nodes, points)
        The weights; that of the centre is minus the sum of the others.

    Raises
    ------
    ArithmeticError
        If a weight is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> slopes(np.array([[0.0], [1.0], [3.0]]), 1).ravel()
    array([-0.66666667,  0.5       ,  0.16666667])
    """
    others = [place for place in range(len(x)) if place != centre]
    weights = np.empty(x.shape) if out is None else out
    # spacings that vanish beside the others divide by zero
    with np.errstate(all="ignore"):
        from_centre, total = x - x[centre], 0.0
        for place in others:
            slope = 1.0 / from_centre[place]
            for other in others:
                if other != place:
                    slope *= from_centre[other] / (x[other] - x[place])
            weights[place] = slope
            total = total + slope  # in one order: NumPy would add up a single column in another
        np.negative(total, out=weights[centre])
    verify_slopes(weights[centre])
    return weights


def verify_slopes(centre: Array) -> None:
    """Refuse weights of a first derivative that are not finite.

    Parameters
    ----------
    centre : ndarray
        Those of the middle nodes, which are minus the sum of the others.

    Raises
    ------
    ArithmeticError
        If one is not finite.
    """
    if not np.isfinite(centre).all():
        raise ArithmeticError(
            "x: the spacings are too uneven for double precision: weights of the first derivative are not finite; use "
            "a smaller accuracy"
        )


def _verified(offsets: Array, order: int) -> Array:
    """Weights whose moments have been verified: sum w d^k = k! where k is the order, else 0, for all k below n."""
    weights = fornberg(offsets, order)
    verify_moments(weights, offsets, order, len(offsets))
    return weights


def verify_moments(weights: Array, offsets: Array, order: int, count: int) -> None:
    """Refuse weights of a derivative at zero whose moments are wrong.

    Parameters
    ----------
    weights, offsets : ndarray, shape (nodes, points)
        Weights, and positions of their nodes relative to the points.
    order : int
        Order of the derivative.
    count : int
        The powers below this one are those for which the weights must be exact.

    Raises
    ------
    ArithmeticError
        If a moment is wrong or not finite.
    """
    scale = np.abs(offsets).max(axis=0)
    terms = weights * scale**order
    for k in range(count):
        error = np.abs(terms.sum(axis=0) - (math.factorial(order) if k == order else 0.0))
        if not (np.isfinite(error) & (error <= 1e-10 * np.abs(terms).sum(axis=0))).all():
            raise ArithmeticError(
                f"x: the spacings are too uneven for double precision: moment {k} of the weights of derivative "
                f"{order} is wrong; use a smaller accuracy"
            )
        terms = terms * (offsets / scale)
