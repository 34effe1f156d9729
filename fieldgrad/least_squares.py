# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of polynomials fitted to noisy data, as tables."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fieldgrad.stencils import Stencil, assembled, verify_moments

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LeastSquares:
    """Derivatives of polynomials fitted by least squares to a window of nodes.

    The polynomial has the degree that the order of accuracy asks for: ``order + accuracy - 1``. More points than it has
    coefficients average noise away. In the interior windows are symmetric in index; at the ends they are the first and
    the last `points` nodes.

    Parameters
    ----------
    points : int, optional
        Nodes of a window, odd. By default two more than central differences take: 5 for first derivatives of accuracy
        2, 7 for second ones and for accuracy 4.

    Raises
    ------
    ValueError
        If the number is even or below 3.

    Notes
    -----
    A. Savitzky and M. J. E. Golay, Analytical Chemistry 36 (1964) 1627-1639, on nonuniform nodes. On uniform ones five
    points give (-2, -1, 0, 1, 2) / (10 h), the least-squares operator of M. Raffel et al., Particle Image Velocimetry,
    3rd edition, Springer (2018), section 7.5.

    Examples
    --------
    >>> table = LeastSquares(points=5).stencil(np.arange(7.0), order=1, accuracy=2)
    >>> (10 * table.band[:, 3]).round(12) + 0.0
    array([-2., -1.,  0.,  1.,  2.])
    """

    points: int | None = None

    def __post_init__(self) -> None:
        if self.points is None:
            return
        whole = isinstance(self.points, int | np.integer) and not isinstance(self.points, bool)
        if not whole or self.points < 3 or self.points % 2 == 0:
            raise ValueError(f"scheme: points is {self.points!r}; a window has an odd number of points, at least 3")

    def window(self, order: int, accuracy: int) -> int:
        """Nodes of a window.

        Parameters
        ----------
        order, accuracy : int
            Order of the derivative, and of its accuracy.

        Returns
        -------
        int
            Their number, odd.

        Raises
        ------
        ValueError
            If a polynomial of the degree that is needed has more coefficients than the window has points.
        """
        least = order + accuracy + (order + 1) % 2
        if self.points is None:
            return least + 2
        if self.points < order + accuracy:
            raise ValueError(
                f"scheme: points is {self.points}; a derivative of order {order} and accuracy {accuracy} is that of a "
                f"polynomial of {order + accuracy} coefficients, for which a window needs at least {least} points"
            )
        return self.points

    def stencil(self, nodes: Array, order: int, accuracy: int, period: float | None = None) -> Stencil:
        """The table of a derivative.

        Parameters
        ----------
        nodes : ndarray of float64, shape (n,)
            Strictly monotonic positions, at least as many as a window has.
        order, accuracy : int
            Order of the derivative, and of its accuracy.
        period : float, optional
            Makes the axis periodic.

        Returns
        -------
        Stencil
            A table of n rows whose weights sum to zero.

        Raises
        ------
        ArithmeticError
            If the moments of the computed weights are wrong, which means spacings too uneven for double precision.
        """
        points = self.window(order, accuracy)
        rule = partial(_fitted, order=order, degree=order + accuracy - 1)
        return assembled(np.asarray(nodes, np.float64), points // 2, points, rule, period)


def _fitted(nodes: Array, points: Array, order: int, degree: int) -> Array:
    """Weights of the derivative at points of the polynomials fitted to values at some nodes, one column a point."""
    offsets = nodes - points
    scale = np.abs(offsets).max(axis=0)
    x = (offsets / scale).T
    powers = x[..., np.newaxis] ** np.arange(degree + 1)
    # the coefficients of the fit are R^-1 Q^T f; wanted is one row of that
    q, r = np.linalg.qr(powers)
    unit = np.zeros((len(x), degree + 1, 1))
    unit[:, order] = math.factorial(order)
    row = np.linalg.solve(np.swapaxes(r, 1, 2), unit)
    weights: Array = ((q @ row)[..., 0].T) / scale**order
    verify_moments(weights, offsets, order, degree + 1)
    return weights
