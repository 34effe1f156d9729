# SPDX-License-Identifier: BSD-3-Clause
"""The rule of windows beside holes, and their tables, against a slow search for windows with exact weights."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hole_oracle import chosen, weights
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.grid import Axis, Grid
from fieldgrad.kernels import redo
from fieldgrad.masks import FIRST, NONE, PLAIN, Holes, Rule, footprint, holes_of, neighbours, rule, tabulate, width

KINDS = [
    ("adapt", 1, 2, 1),
    ("adapt", 1, 4, 1),
    ("adapt", 1, 4, 3),
    ("adapt", 2, 2, 1),
    ("adapt", 3, 2, 1),
    ("adapt", 1, 8, 1),
    ("shrink", 1, 6, 2),
    ("shrink", 2, 4, 1),
    ("propagate", 2, 2, 1),
]


def an_axis(n: int, accuracy: int, *, periodic: bool = False, falling: bool = False, seed: int = 0) -> Axis:
    steps = np.random.default_rng(seed).uniform(0.5, 1.5, n)
    nodes = np.cumsum(steps) * (-1.0 if falling else 1.0)
    return Axis("x", "x", nodes, period=float(steps.sum()) if periodic else None, accuracy=accuracy)


@pytest.mark.parametrize(("missing", "order", "accuracy", "least"), KINDS)
def test_the_window_of_every_run(missing: str, order: int, accuracy: int, least: int) -> None:
    """Runs of all lengths on a line with one hole on either side."""
    own = Rule(np.arange(60.0), 0, order, accuracy, missing, least)
    for left, right in product(range(own.reach + 2), repeat=2):
        valid = [True] * 61
        valid[30 - left - 1] = valid[30 + right + 1] = False
        wanted = chosen(valid, 30, order, accuracy, False, missing, least)
        plain = left >= own.half and right >= own.half
        found = own.window(min(left, max(own.reach, own.half)), min(right, max(own.reach, own.half)))
        assert plain or found == wanted, (left, right)


@pytest.mark.parametrize(("order", "accuracy", "count"), [(1, 2, 5), (1, 4, 5 + 4 + 3 + 2), (2, 2, 1 + 4 + 3)])
def test_windows_are_few(order: int, accuracy: int, count: int) -> None:
    own = rule(an_axis(20, accuracy), order, "adapt", 1)
    assert len(own.windows) == count
    assert set(own.codes(own.reach).ravel()) <= {NONE, *range(FIRST, FIRST + count)}


def test_more_windows_than_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="windows beside holes, more than the 254"):
        _ = Rule(np.arange(99.0), 0, 40, 8, "adapt", 1).windows


def test_rules_are_made_once_and_travel() -> None:
    axis = an_axis(20, 4, periodic=True)
    own = rule(axis, 1, "adapt", 1)
    assert rule(axis, 1, "adapt", 1) is own
    copy = pickle.loads(pickle.dumps(own))
    np.testing.assert_array_equal(copy.positions, own.positions)
    assert copy.windows == own.windows


def test_a_grid_without_holes_has_none() -> None:
    axis = an_axis(9, 2)
    assert holes_of(Grid((axis,)), (axis,), 1, None) is None
    assert holes_of(Grid((axis,)), (axis,), 1, np.ones(9, bool)) is not None
    assert holes_of(Grid((axis,), missing="adapt"), (axis,), 1, None) is not None


def test_plans_live_as_long_as_their_grid() -> None:
    axis = an_axis(9, 2)
    grid = Grid((axis,), missing="adapt")
    first, second = (holes_of(grid, (axis,), 1, None) for _ in range(2))
    assert isinstance(first, Holes)
    assert isinstance(second, Holes)
    assert first.plans is second.plans
    pickle.loads(pickle.dumps(grid))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("order", "accuracy"), [(1, 2), (2, 4), (1, 6)])
def test_footprints_are_those_of_the_matrix(order: int, accuracy: int, periodic: bool) -> None:
    stencil = an_axis(20, accuracy, periodic=periodic).stencil(order)
    for table in (stencil, stencil.slice(0, 7)[0], stencil.slice(6, 12)[0], stencil.slice(13, 20, 9)[0]):
        left, right = footprint(table)
        offsets, _ = table.taps(0, table.rows)
        if table.periodic:
            offsets = (offsets + 10) % 20 - 10
        np.testing.assert_array_equal(left, -np.minimum(offsets.min(axis=0), 0))
        np.testing.assert_array_equal(right, np.maximum(offsets.max(axis=0), 0))


def test_neighbours_end_where_the_axis_does() -> None:
    around, count = neighbours(an_axis(6, 2).stencil(), 3)
    np.testing.assert_array_equal(count[:, 0], [0, 1, 2, 3, 3, 3])
    np.testing.assert_array_equal(count[:, 1], [3, 3, 3, 2, 1, 0])
    np.testing.assert_array_equal(around[1], [-1, 0, 0, 1, 2, 3])
    around, count = neighbours(an_axis(6, 2, periodic=True).stencil(), 3)
    np.testing.assert_array_equal(count, 3)
    np.testing.assert_array_equal(around[1], [-1, 4, 3, 1, 2, 3])


def test_a_wider_slice_has_the_same_rows() -> None:
    for stencil in (an_axis(20, 4).stencil(), an_axis(20, 4, periodic=True).stencil()):
        narrow, low, _ = stencil.slice(3, 9)
        wide, from_low, to_high = stencil.slice(3, 9, 6)
        assert (from_low, to_high) == ((-3, 15) if stencil.periodic else (0, 15))
        shift = low - from_low
        np.testing.assert_array_equal(wide.matrix()[:, shift : shift + narrow.nodes], narrow.matrix())
        assert not np.delete(wide.matrix(), np.r_[shift : shift + narrow.nodes], axis=1).any()


MASKS = st.lists(st.integers(0, 3).map(bool), min_size=13, max_size=13)


@given(lines=st.lists(MASKS, min_size=2, max_size=3), kind=st.sampled_from(KINDS), periodic=st.booleans(),
       falling=st.booleans(), last=st.booleans())  # fmt: skip
def test_tables_are_those_of_the_oracle(
    lines: list[list[bool]], kind: tuple[str, int, int, int], periodic: bool, falling: bool, last: bool
) -> None:
    """Codes and weights of every point of random lines, along the fastest dimension and along a slower one."""
    missing, order, accuracy, least = kind
    axis = an_axis(13, accuracy, periodic=periodic, falling=falling)
    stencil, own = axis.stencil(order), rule(axis, order, missing, least)
    valid = np.array(lines, np.uint8)
    valid = valid if last else valid.T
    plan = redo.survey(valid, [int(last), None, None], [stencil, None, None], [own, None, None])
    code = redo.by_code(plan, 0, np.arange(256, dtype=np.uint8))
    taps = width([stencil], [own])
    offsets, found = tabulate(stencil, own, plan.used[0] != 0, taps)
    for line, row in enumerate(lines):
        for i in range(13):
            at = (line, i) if last else (i, line)
            window = chosen(row, i, order, accuracy, periodic, missing, least)
            if window is None:
                assert code[at] == NONE
                continue
            nodes = [j for j in range(i - window[0], i + window[1] + 1) if j != i]
            if code[at] == PLAIN:
                reference, _ = stencil.taps(i, i + 1, taps)
                places = reference[:, 0]
                values = stencil.taps(i, i + 1, taps)[1][:, 0]
            else:
                places, values = offsets[i, code[at]], found[i, code[at]]
            assert [i + place for place in places[: len(nodes)]] == [j % 13 for j in nodes]
            assert not places[len(nodes) :].any()
            assert not values[len(nodes) :].any()
            period = Fraction(axis.period or 0) * (-1 if falling else 1)
            exact = [Fraction(axis.nodes[j % 13]) + period * (j // 13) - Fraction(axis.nodes[i])
                     for j in range(i - window[0], i + window[1] + 1)]  # fmt: skip
            wanted = [float(weight) for weight in weights(tuple(exact), order)]
            del wanted[window[0]]
            np.testing.assert_allclose(values[: len(nodes)], wanted, rtol=1e-9, atol=1e-11 * np.abs(wanted).max())
