# SPDX-License-Identifier: BSD-3-Clause
"""Weights of long axes, computed where they are used: compiled, so that threads do not wait for the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fieldgrad.kernels._jit import kernel

# Rows that are computed at a time: nodes and weights of accuracy 8 stay in an L1 cache.
_ROWS = 256


@kernel
def _slopes(x: Any, half: int, band: Any) -> None:
    """The formula of :func:`fieldgrad.stencils.slopes`, in the same order, for rows one after the other.

    Elements are reached through slices: an index that may be negative keeps a loop from vectorising.
    """
    count = band.shape[1]
    for begin in range(0, count, _ROWS):
        end = min(begin + _ROWS, count)
        centre, total = x[begin + half : end + half], band[half, begin:end]
        for i in range(len(total)):
            total[i] = 0.0
        for place in range(2 * half + 1):
            if place != half:
                here, slope = x[begin + place : end + place], band[place, begin:end]
                for i in range(len(slope)):
                    slope[i] = 1.0 / (here[i] - centre[i])
                for other in range(2 * half + 1):
                    if other not in (half, place):
                        there = x[begin + other : end + other]
                        for i in range(len(slope)):
                            slope[i] *= (there[i] - centre[i]) / (there[i] - here[i])
                for i in range(len(slope)):
                    total[i] += slope[i]
        for i in range(len(total)):
            total[i] = -total[i]


def fill(x: NDArray[np.float64], half: int, band: NDArray[np.float64]) -> None:
    """Weights of the first derivative at the middle one of 2 half + 1 nodes.

    Parameters
    ----------
    x : ndarray, shape (rows + 2 half,)
        Positions.
    half : int
        Nodes on each side.
    band : ndarray, shape (2 half + 1, rows)
        Memory for the weights.
    """
    _slopes(x, half, band)
