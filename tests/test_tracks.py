# SPDX-License-Identifier: BSD-3-Clause
"""Windows of nodes around positions, those beyond the ends included. No kernel runs here."""

from __future__ import annotations

import numpy as np
import pytest

from fieldgrad.grid import Axis
from fieldgrad.least_squares import LeastSquares
from fieldgrad.tracks import Track, joined, track, tracks
from fieldgrad.walls import Wall

NODES = np.array([0.0, 1.0, 3.0, 4.0, 6.0, 7.5])
RNG = np.random.default_rng(5)


def values(rail: Track, f: np.ndarray) -> np.ndarray:
    return rail.signs * f[rail.sources] + rail.values


def test_a_periodic_axis_goes_on_at_both_ends() -> None:
    rail = track(Axis("x", "x", NODES, period=9.0, accuracy=4))
    np.testing.assert_array_equal(rail.nodes, [-3.0, -1.5, *NODES, 9.0, 10.0, 12.0])
    np.testing.assert_array_equal(rail.sources, [4, 5, *range(6), 0, 1, 2])
    far = np.array([-0.5, 9.0, 27.25, -1e-12])
    np.testing.assert_allclose(rail.wrapped(far), [8.5, 0.0, 0.25, 9.0], atol=2e-12)
    assert rail.holds(np.array([1e5, np.nan, np.inf])).tolist() == [True, False, False]


def test_an_axis_that_decreases_is_the_same_track() -> None:
    f = RNG.normal(size=6)
    for period in (None, 9.0):
        up = track(Axis("x", "x", NODES, period=period))
        down = track(Axis("x", "x", NODES[::-1], period=period))
        low = down.nodes[0] - up.nodes[0]
        assert low == 0
        np.testing.assert_array_equal(up.nodes, down.nodes)
        np.testing.assert_array_equal(values(up, f), values(down, f[::-1]))


def test_walls_and_mirrors_add_nodes() -> None:
    f = RNG.normal(size=6)
    for down in (False, True):
        # between a wall of value 2 below and a mirror above
        ends = (Wall(2.0, at=-0.5), Wall("antisymmetric", at=8.0))
        axis = Axis("y", "y", NODES[::-1] if down else NODES, boundary=((None, ends),))
        rail = track(axis)
        np.testing.assert_array_equal(rail.nodes, [-0.5, *NODES, 8.5, 10.0])
        found = values(rail, f[::-1] if down else f)
        np.testing.assert_array_equal(found, [2.0, *f, -f[5], -f[4]])
        assert rail.bounded
        assert (rail.low, rail.high) == (-0.5, 8.0)
        assert rail.holds(np.array([-0.51, -0.5, 7.9, 8.1])).tolist() == [False, True, True, False]


def test_each_component_has_its_own_ends() -> None:
    axis = Axis("y", "y", NODES, boundary=((None, (Wall("symmetric", at="node"), None)),))
    along, across = tracks(axis, [("v", "y"), ("u", "x")])
    assert along.signs[0] == -1
    assert across.signs[0] == 1
    assert len(tracks(Axis("y", "y", NODES), [("v", "y"), ("u", "x")])) == 1


@pytest.mark.parametrize("accuracy", [2, 4])
def test_windows_are_centred_on_the_nearest_node_as_far_as_they_can(accuracy: int) -> None:
    rail = track(Axis("x", "x", NODES, accuracy=accuracy))
    positions = RNG.uniform(0.0, 7.5, 200)
    nearest = np.abs(NODES[:, np.newaxis] - positions).argmin(axis=0)
    expected = np.clip(nearest - accuracy // 2, 0, 6 - accuracy - 1)
    np.testing.assert_array_equal(rail.starts(positions), expected)


def test_a_track_on_fewer_nodes_finds_what_its_windows_reach() -> None:
    rail = track(Axis("x", "x", np.arange(12.0), period=12.0, accuracy=4))
    f = RNG.normal(size=12)
    starts = rail.starts(np.array([0.4, 11.2]))
    kept = rail.used(starts)
    np.testing.assert_array_equal(kept, [0, 1, 2, 9, 10, 11])
    part = rail.among(kept)
    for start in starts:
        window = slice(start, start + rail.taps)
        np.testing.assert_array_equal(f[kept][part.sources[window]], f[rail.sources[window]])


def test_tracks_are_joined_with_offsets_in_memory() -> None:
    a, b = track(Axis("x", "x", NODES)), track(Axis("y", "y", NODES[:4], period=10.0))
    firsts, nodes, offsets, signs, known = joined([a, b], [1, 6])
    assert firsts.tolist() == [0, 6]
    np.testing.assert_array_equal(nodes, np.r_[a.nodes, b.nodes])
    np.testing.assert_array_equal(offsets, np.r_[a.sources, 6 * b.sources])
    assert signs.sum() == len(nodes)
    assert not known.any()


def test_fits_to_noisy_data_do_not_interpolate() -> None:
    with pytest.raises(ValueError, match="dimension 'x' are those of least-squares fits"):
        track(Axis("x", "x", np.arange(9.0), scheme=LeastSquares()))
