# SPDX-License-Identifier: BSD-3-Clause
"""How noise of the values at nodes goes through tables of weights. NumPy only.

Of a sum of values with weights w, standard deviations s and correlations r the variance is the sum of w_k w_l s_k s_l
r_kl over all pairs of nodes. Without correlation that is a table of squared weights on squared deviations. With it, the
correlations of a window are factored, R = B B^T, and the variance is the sum of the squares of as many tables, w_k B_km
on s_k, which rounding cannot make negative.

Along two directions tables share the node in the middle alone. The correlation is a Gaussian of the distance, which is
the product of those along each direction: hence the covariance of two derivatives along different directions is the
product of one table each, w_k r_k0 on s_k, where 0 is the middle. Without correlation r_k0 is one there and else zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fieldgrad.grid import Axis
from fieldgrad.stencils import Stencil

Array = NDArray[np.float64]

# Correlations of this many lengths apart are nothing beside one.
_FAR = 8.0


@dataclass(frozen=True, eq=False)
class NoiseTables:
    """Tables that tell the noise of a derivative.

    Parameters
    ----------
    middle : Stencil
        Covariance of the derivative with the value in the middle, over the deviation there: acts on deviations.
    parts : tuple of Stencil
        Acts on squared deviations, and is the variance, where there is one and `squared`; else acts on deviations, and
        the variance is the sum of squares.
    squared : bool
        Which of the two.
    """

    middle: Stencil
    parts: tuple[Stencil, ...]
    squared: bool

    @property
    def tables(self) -> tuple[Stencil, ...]:
        """All of them, which have one shape."""
        return (self.middle, *self.parts)


def noise_tables(table: Stencil, axis: Axis, correlation_length: float | None = None) -> NoiseTables:
    """What tells the noise of a derivative.

    Parameters
    ----------
    table : Stencil
        Table of the derivative, of one field.
    axis : Axis
        The axis it acts along, for the distances of its nodes.
    correlation_length : float, optional
        Distance l in the correlation exp(-d^2 / (2 l^2)) of the noise at nodes a distance d apart; none by default.

    Returns
    -------
    NoiseTables
        Tables of the shape of the derivative's.

    Examples
    --------
    >>> axis = Axis("x", "x", np.arange(5.0))
    >>> noise_tables(axis.stencil(), axis).parts[0].matrix()[2]
    array([0.  , 0.25, 0.  , 0.25, 0.  ])
    """
    if correlation_length is None:
        middle = _mapped(table, lambda weights, places, rows: np.where(places == rows[:, np.newaxis], weights, 0.0))
        return NoiseTables(middle, (_mapped(table, lambda weights, places, rows: weights**2),), True)
    length = float(correlation_length)
    nodes, period = axis.nodes, axis.period

    def correlation(a: NDArray[np.intp], b: NDArray[np.intp]) -> Array:
        return _correlation(nodes[a] - nodes[b], length, period)

    def factor(weights: Array, places: NDArray[np.intp], rows: NDArray[np.intp]) -> Array:
        matrix = correlation(places[:, :, np.newaxis], places[:, np.newaxis, :])
        values, vectors = np.linalg.eigh(matrix)
        factors: Array = vectors * np.sqrt(np.maximum(values, 0.0))[:, np.newaxis, :]
        return factors

    def of(number: int) -> Callable[[Array, NDArray[np.intp], NDArray[np.intp]], Array]:
        # the largest factors come last
        def weigh(weights: Array, places: NDArray[np.intp], rows: NDArray[np.intp]) -> Array:
            if number >= places.shape[1]:
                return np.zeros_like(weights)
            return weights * factor(weights, places, rows)[:, :, -1 - number]

        return weigh

    count = max(len(table.band), table.lower.shape[1], table.upper.shape[1])
    middle = _mapped(table, lambda weights, places, rows: weights * correlation(places, rows[:, np.newaxis]))
    return NoiseTables(middle, tuple(_mapped(table, of(number)) for number in range(count)), False)


def _correlation(distance: Array, length: float, period: float | None) -> Array:
    if period is None:
        result: Array = np.exp(-0.5 * (distance / length) ** 2)
        return result
    # the sum over all images is the correlation of noise that repeats
    images = np.arange(-1 - int(_FAR * length / period), 2 + int(_FAR * length / period)) * period
    distance = np.mod(distance, period)
    total = np.exp(-0.5 * ((distance[..., np.newaxis] - images) / length) ** 2).sum(axis=-1)
    itself = np.exp(-0.5 * (images / length) ** 2).sum()
    result = total / itself
    return result


def _mapped(table: Stencil, weigh: Callable[[Array, NDArray[np.intp], NDArray[np.intp]], Array]) -> Stencil:
    """A table with other weights, from those of rows, shape (rows, nodes), their nodes, and the nodes of the rows."""
    n, a, b, h = table.rows, len(table.lower), len(table.upper), table.half_width
    rows = np.arange(n)
    band = np.zeros_like(table.band)
    inside = rows[a : n - b]
    places = (inside[:, np.newaxis] + np.arange(-h, h + 1)) % table.nodes
    band[:, a : n - b] = weigh(table.band[:, a : n - b].T, places, inside).T
    lower = weigh(table.lower, np.broadcast_to(np.arange(table.lower.shape[1]), table.lower.shape), rows[:a])
    last = np.arange(table.nodes - table.upper.shape[1], table.nodes)
    upper = weigh(table.upper, np.broadcast_to(last, table.upper.shape), rows[n - b :])
    sums = band.sum(axis=0)
    sums[:a], sums[n - b :] = lower.sum(axis=1), upper.sum(axis=1)
    return Stencil(band, lower, upper, sums, nodes=table.nodes, periodic=table.periodic)


def applied(table: Stencil, f: NDArray[np.float64], axis: int) -> Array:
    """A table as a plain sum of weights and values along an axis, whatever its rows add up to."""
    offsets, weights = table.taps(0, table.rows, centre=True)
    nodes = table.first + np.arange(table.rows)
    shape = [1] * f.ndim
    shape[axis] = table.rows
    total: Array = np.zeros((*f.shape[:axis], table.rows, *f.shape[axis + 1 :]))
    for shift, weight in zip(offsets, weights, strict=True):
        total += weight.reshape(shape) * np.take(f, nodes + shift, axis=axis)
    return total
