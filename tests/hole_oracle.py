# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives beside holes, in plain Python: every window is tried, and polynomials are differentiated exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np

Window = tuple[int, int]


def on_line(i: int, n: int, periodic: bool) -> int | None:
    """A node, which may lie beyond the ends of an axis; None where there is none."""
    if periodic:
        return i % n
    return i if 0 <= i < n else None


def is_free(valid: Sequence[bool], i: int, window: Window, periodic: bool) -> bool:
    """Whether all nodes of a window exist and are valid, and none stands in it twice."""
    places = [on_line(j, len(valid), periodic) for j in range(i - window[0], i + window[1] + 1)]
    return len(set(places)) == len(places) and all(place is not None and valid[place] for place in places)


def chosen(
    valid: Sequence[bool], i: int, order: int, accuracy: int, periodic: bool, missing: str, least: int
) -> Window | None:
    """The window of a point by the documented rule; None where there is no derivative."""
    n, whole = len(valid), [True] * len(valid)
    half = (order + accuracy - 1) // 2 if order % 2 else (order + accuracy) // 2
    plain = (half, half)
    if not is_free(whole, i, plain, periodic):
        # at an end of the axis: as many nodes as the accuracy takes, from the end inward
        most = order + accuracy
        left = i if i < half else i - (n - most)
        plain = (left, most - 1 - left)
    if is_free(valid, i, plain, periodic):
        return plain
    if not valid[i] or missing == "propagate":
        return None
    if missing == "shrink":
        sizes = [(k, k) for k in range(half, 0, -1)]
        good = [one for one in sizes if is_free(valid, i, one, periodic)]
        return good[0] if good and min(2 * good[0][0] + 1 - order, accuracy) >= least else None
    for nodes in range(order + accuracy, order, -1):
        good = [(left, nodes - 1 - left) for left in range(nodes)]
        good = [one for one in good if is_free(valid, i, one, periodic)]
        if good:
            shifts = [abs(left - right) for left, right in good]
            assert shifts.count(min(shifts)) == 1
            return good[shifts.index(min(shifts))] if nodes - order >= least else None
    return None


@cache
def weights(offsets: tuple[Fraction, ...], order: int) -> list[Fraction]:
    """Weights of a derivative at zero: those of the Lagrange polynomials of the nodes."""
    result = []
    for j, own in enumerate(offsets):
        polynomial = [Fraction(1)]
        for k, other in enumerate(offsets):
            if k != j:
                shifted = [Fraction(0), *polynomial]
                polynomial = [
                    (up - other * down) / (own - other)
                    for up, down in zip(shifted, [*polynomial, Fraction(0)], strict=True)
                ]
        result.append(math.factorial(order) * polynomial[order])
    return result


def derivative(
    f: Sequence[float],
    x: Sequence[float],
    valid: Sequence[bool],
    order: int,
    accuracy: int,
    period: float | None,
    missing: str,
    least: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivative along a line, the sum of |weight| |value| that rounding goes by, and the order of accuracy."""
    n = len(f)
    values, scales, accuracies = np.full(n, np.nan), np.zeros(n), np.zeros(n, int)
    for i in range(n):
        window = chosen(valid, i, order, accuracy, period is not None, missing, least)
        if window is None:
            continue
        nodes = range(i - window[0], i + window[1] + 1)
        positions = [Fraction(x[j % n]) + Fraction(period or 0) * (j // n) for j in nodes]
        own = weights(tuple(position - Fraction(x[i]) for position in positions), order)
        terms = [weight * Fraction(float(f[j % n])) for weight, j in zip(own, nodes, strict=True)]
        values[i], scales[i] = float(sum(terms)), float(sum(map(abs, terms)))
        accuracies[i] = min(len(nodes) - order, accuracy)
    return values, scales, accuracies
