# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.grid import Axis, Grid, Mask, checked_nodes, is_uniform, table
from fieldgrad.least_squares import LeastSquares
from fieldgrad.stencils import derivative_stencil
from fieldgrad.walls import Wall


@pytest.mark.parametrize("dtype", ["i1", "u2", ">i4", "f4", ">f8", "f8"])
def test_nodes_of_any_real_dtype_become_float64(dtype: str) -> None:
    nodes = checked_nodes(np.array([0, 2, 3, 7], dtype=dtype), "x")
    assert nodes.dtype == np.float64
    assert nodes.dtype.isnative
    np.testing.assert_array_equal(nodes, [0.0, 2.0, 3.0, 7.0])


def test_nodes_are_a_read_only_copy() -> None:
    values = np.array([0.0, 1.0, 3.0])
    nodes = checked_nodes(values, "x")
    values[0] = -5.0
    assert nodes[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        nodes[0] = 1.0


def test_decreasing_nodes_are_accepted() -> None:
    np.testing.assert_array_equal(checked_nodes([3, 1, 0], "x"), [3.0, 1.0, 0.0])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_datetimes_become_seconds_since_the_first(unit: str) -> None:
    times = np.array(["2000-01-01T00:00", "2000-01-01T00:01", "2000-01-02T00:00"], dtype=f"datetime64[{unit}]")
    np.testing.assert_array_equal(checked_nodes(times, "t"), [0.0, 60.0, 86400.0])
    np.testing.assert_array_equal(checked_nodes(times - times[0], "t"), [0.0, 60.0, 86400.0])


def test_nanoseconds_after_centuries_are_kept() -> None:
    times = np.array(["1700-01-01", "2200-01-01", "2200-01-01T00:00:00.25"], dtype="datetime64[ns]")
    nodes = checked_nodes(times, "t")
    assert nodes[2] - nodes[1] == 0.25


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 1.0, 1.0, 2.0], r"'x': coordinate value 1.0 at index 2 repeats .* drop duplicates"),
        ([3.0, 2.0, 2.0], r"'x': coordinate value 2.0 at index 2 repeats"),
        ([0.0, 2.0, 1.0], r"'x': .* increase up to index 1 \(2.0\) and turn at index 2 \(1.0\).*sortby"),
        ([3.0, 2.0, 2.5], r"'x': .* decrease up to index 1 \(2.0\) and turn at index 2"),
        ([0.0, 0.5, 0.25, 1.0, 0.75], r"'x': .* increase up to index 1 \(0.5\) and turn at index 2"),
        ([0.0, np.nan, 2.0], r"'x': coordinate value nan at index 1 is not finite; .* drop that point"),
        ([0.0, 1.0, np.inf], r"'x': coordinate value inf at index 2 is not finite"),
        ([0.0, -np.inf, np.nan], r"'x': coordinate value -inf at index 1 is not finite"),
        (1.0, r"'x': the coordinate has 0 dimensions \(\); it must be one-dimensional"),
        ([[0.0, 1.0]], r"'x': the coordinate has 2 dimensions \(1, 2\); it must be one-dimensional"),
        (np.array(["2000-01-01", "NaT"], dtype="M8[s]"), r"'x': .* index 1 is NaT"),
    ],
)
def test_unusable_nodes_are_refused(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_nodes(values, "x")


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2j], [True, False], np.array([None, 1], dtype=object)])
def test_nodes_that_are_no_numbers_are_refused(values: object) -> None:
    with pytest.raises(TypeError, match=r"dimension 'x': the coordinate has dtype .*assign one"):
        checked_nodes(values, "x")


@given(
    n=st.integers(2, 300),
    start=st.floats(-1e3, 1e3),
    step=st.floats(1e-2, 1e3),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_rounded_uniform_nodes_are_uniform(n: int, start: float, step: float, dtype: type) -> None:
    assert is_uniform((start + step * np.arange(n)).astype(dtype).astype(np.float64))


@given(n=st.integers(5, 300), excess=st.floats(1e-3, 1.0))
def test_one_longer_step_is_not_uniform(n: int, excess: float) -> None:
    nodes = np.arange(n, dtype=float)
    nodes[-1] += excess
    assert not is_uniform(nodes)


def test_axis_reports_spacing_and_stretching() -> None:
    axis = Axis("x", "x", np.array([0.0, 1.0, 3.0, 7.0]))
    assert axis.spacing == (1.0, 4.0)
    assert axis.stretching == 2.0
    assert not axis.uniform


def test_closing_step_of_a_periodic_axis_counts() -> None:
    axis = Axis("x", "x", np.array([0.0, 1.0, 2.0]), period=6.0)
    assert axis.spacing == (1.0, 4.0)
    assert axis.stretching == 4.0


def test_decreasing_axis_has_positive_steps() -> None:
    assert Axis("x", "x", np.array([4.0, 1.0, 0.0]), period=5.0).steps.tolist() == [3.0, 1.0, 1.0]


def test_axis_of_one_node_has_no_spacing() -> None:
    assert np.isnan(Axis("x", "x", np.array([1.0])).spacing).all()


@pytest.mark.parametrize("direction", [1, -1])
def test_cells_are_the_weights_of_the_trapezoidal_rule(direction: int) -> None:
    nodes = np.array([-1.0, -0.5, 0.5, 3.0, 3.25])[::direction]
    values = np.array([2.0, -3.0, 5.0, 7.0, 11.0])
    sizes = Axis("x", "x", nodes).cell_sizes
    assert sizes.dtype == np.float64
    assert (sizes > 0).all()
    assert sizes.sum() == 4.25
    integral = direction * np.sum(np.diff(nodes) * (values[1:] + values[:-1]) / 2)
    assert sizes @ values == pytest.approx(integral, rel=1e-15)


@pytest.mark.parametrize("direction", [1, -1])
def test_cells_of_a_periodic_axis_wrap(direction: int) -> None:
    # the closing step is 3, of which the first and the last node get half each
    sizes = Axis("x", "x", np.array([0.0, 1.0, 3.0])[::direction], period=6.0).cell_sizes
    assert sizes.tolist() == [2.0, 1.5, 2.5][::direction]
    assert Axis("x", "x", np.array([4.0]), period=6.0).cell_sizes.tolist() == [6.0]
    assert Axis("x", "x", np.array([0.0, 1.0]), period=6.0).cell_sizes.tolist() == [3.0, 3.0]


@pytest.mark.parametrize(("count", "period", "needed"), [(0, None, 2), (1, None, 2), (0, 1.0, 1)])
def test_cells_that_nothing_bounds_are_refused(count: int, period: float | None, needed: int) -> None:
    axis = Axis("x", "lon", np.arange(float(count)), period=period)
    with pytest.raises(ValueError, match=rf"'lon': has {count} points, so nothing bounds a cell; .* at least {needed}"):
        _ = axis.cell_sizes


@pytest.mark.parametrize(
    ("period", "message"),
    [
        (
            1.0,
            r"period 1 of dimension 'lon' is not larger than the span 1 .*end point stands twice.*isel\(lon=",
        ),
        (0.5, r"period 0.5 of dimension 'lon' is not larger than the span 1 "),
        (-1.0, r"periodic: the period of dimension 'lon' is -1.0; it must be positive"),
        (np.inf, r"periodic: the period of dimension 'lon' is inf; it must be positive and finite"),
    ],
)
def test_impossible_period_is_refused(period: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Axis("x", "lon", np.linspace(0, 1, 5), period=period)


@pytest.mark.parametrize("accuracy", [0, 1, 3, 5, 7, 9, 10])
def test_unknown_accuracy_is_refused(accuracy: int) -> None:
    with pytest.raises(ValueError, match=rf"accuracy: got {accuracy} for dimension 'x'; it must be 2, 4, 6 or 8"):
        Axis("x", "x", np.arange(5.0), accuracy=accuracy)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
def test_known_accuracies(accuracy: int) -> None:
    assert Axis("x", "x", np.arange(9.0), accuracy=accuracy).stencil().half_width == accuracy // 2


def test_too_few_points_are_refused() -> None:
    for count in (0, 2):
        with pytest.raises(ValueError, match=rf"dimension 'x': has {count} points; .* needs at least 3"):
            Axis("x", "x", np.arange(float(count))).stencil()


def grid() -> Grid:
    nodes = np.arange(4.0)
    return Grid((Axis("x", "lon", nodes), Axis("y", "y", nodes)), (Axis("time", "time", nodes, units="s"),))


def test_axes_are_found_by_dimension_and_by_direction() -> None:
    assert grid().axis("lon") is not None
    assert grid().axis("x").dim == "lon"
    assert grid().axis("time").units == "s"
    assert grid().names == ("x", "y")
    assert grid().dims == ("lon", "y")


def test_dimension_name_goes_before_direction() -> None:
    nodes = np.arange(4.0)
    swapped = Grid((Axis("x", "y", nodes), Axis("y", "x", nodes)))
    assert swapped.axis("x").name == "y"


def test_unknown_axis_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(
        KeyError, match=r"'z' is no dimension or direction of the grid, which has 'lon' \(x\), 'y', 'time'"
    ):
        grid().axis("z")


@pytest.mark.parametrize(("name", "dim", "label"), [("x", "b", "name 'x'"), ("y", "a", "dim 'a'")])
def test_axes_must_differ(name: str, dim: str, label: str) -> None:
    with pytest.raises(ValueError, match=f"axes: two axes have the {label}"):
        Grid((Axis("x", "a", np.arange(3.0)), Axis(name, dim, np.arange(3.0))))


def test_repr_tells_what_was_understood() -> None:
    stretched = Axis("y", "y", np.array([0.0, 1.0, 3.0]), units="m", accuracy=4)
    text = repr(Grid((Axis("x", "lon", np.arange(4.0), period=4.0, obstacle="is a longitude"), stretched)))
    head, titles, x, y, note = text.splitlines()
    assert head == "<fieldgrad.Grid: cartesian, 2 axes>"
    assert titles.split() == [
        "axis",
        "dim",
        "points",
        "spacing",
        "stretching",
        "periodic",
        "units",
        "accuracy",
    ]
    assert x.split() == ["x", "lon", "4", "1", "1", "4", "-", "2"]
    assert y.split() == ["y", "y", "3", "1", "to", "2", "2", "no", "m", "4"]
    assert note == "'lon' is a longitude"
    # columns line up
    assert titles.index("units") == y.index("m ") == x.index("- ")


def test_html_repr_says_the_same_and_escapes_names() -> None:
    axis = Axis("x", "<lon>", np.arange(4.0), period=4.0, units="m", obstacle="is <odd>")
    html = Grid((axis, Axis("y", "y", np.array([0.0, 1.0, 3.0]))))._repr_html_()
    root = ElementTree.fromstring(f"<html>{html}</html>")
    assert root.findtext("div/b") == "fieldgrad.Grid: cartesian, 2 axes"
    assert [cell.text for cell in root.iter("td")] == [
        *("x", "<lon>", "4", "1", "1", "4", "m", "2"),
        *("y", "y", "3", "1 to 2", "2", "no", "-", "2"),
    ]
    assert len(list(root.iter("th"))) == 8
    assert root.findall("div")[1].text == "'<lon>' is <odd>"


def test_tables_of_long_axes_are_those_of_short_ones() -> None:
    n = 5000
    long, short = Axis("x", "x", np.arange(float(n))), Axis("x", "x", np.arange(9.0))
    for boundary in ((), ((None, (Wall(0.0), None)),)):
        a, b = (replace(axis, boundary=boundary).stencil() for axis in (long, short))
        assert (a.rows, b.rows) == (n, 9)
        np.testing.assert_array_equal(a.lower, b.lower)
        np.testing.assert_array_equal(a.upper, b.upper)
        np.testing.assert_array_equal(a.band[:, 1:-1], np.repeat(b.band[:, 1:2], n - 2, axis=1))
        assert a.row_sum[0] == b.row_sum[0]


def test_axes_and_grids_are_frozen_and_equal_to_none_but_themselves() -> None:
    axis, whole = Axis("x", "x", np.arange(4.0)), grid()
    for one, field in ((axis, "accuracy"), (whole, "missing")):
        with pytest.raises(FrozenInstanceError):
            setattr(one, field, None)
    assert axis != Axis("x", "x", np.arange(4.0))
    assert whole != grid()
    assert len({axis, whole}) == 2


def test_axes_and_tables_stay_frozen_through_a_pickle() -> None:
    axis = Axis("x", "x", np.array([0.0, 1.0, 3.0, 4.0]), period=6.0)
    again = pickle.loads(pickle.dumps(axis))
    table = pickle.loads(pickle.dumps(axis.stencil()))
    assert not again.nodes.flags.writeable
    assert not table.band.flags.writeable
    np.testing.assert_array_equal(table.matrix(), again.stencil().matrix())


# ------------------------------------------------------------------------------------------ coordinates at their limits


def test_no_nodes_and_infinite_ends() -> None:
    assert checked_nodes([], "x").shape == (0,)
    for values in ([-np.inf, 0.0, 1.0], [2.0, 1.0, -np.inf]):
        with pytest.raises(ValueError, match="is not finite"):
            checked_nodes(values, "x")
    with pytest.raises(ValueError, match=r"index 2 is NaT; drop that point"):
        checked_nodes(np.array(["2000-01-01", "2000-01-02", "NaT", "NaT"], dtype="M8[s]"), "t")
    with pytest.raises(ValueError, match=r"value 4.0 at index 3 repeats"):
        checked_nodes([0.0, 1.0, 4.0, 4.0, 4.0], "x")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_that_is_still_uniform(dtype: type) -> None:
    """Four units in the last place of the largest position, and no more."""
    unit = float(np.finfo(dtype).eps)
    # 0.3 is no number of float32, hence these of float64 are told from those
    offset = 0.0 if dtype == np.float32 else 0.3 * 2**-10
    for units, expected in ((3, True), (6, False)):
        nodes = offset + np.array([4.0, 5.0, 6.0, 7.0, 8.0])
        nodes[2] += units * unit * 8
        assert is_uniform(nodes) is expected
        assert is_uniform(-nodes[::-1]) is expected
    assert is_uniform(np.array([0.0, 7.0]))
    assert not is_uniform(np.array([0.0, 7.0, 8.0]))


def test_tables_of_short_axes_are_kept() -> None:
    for count, kept in ((9, True), (4096, True), (4097, False)):
        nodes = np.arange(float(count))
        assert (table(nodes, 1, 2) is table(nodes, 1, 2)) is kept
        walls = Axis("x", "x", nodes, boundary=((None, (Wall(0.0), None)),))
        assert (walls.stencil() is walls.stencil()) is kept
        np.testing.assert_array_equal(table(nodes, 1, 2).band, derivative_stencil(nodes, 1, 2).band)
    np.testing.assert_array_equal(
        table(np.arange(9.0), 1, 4, edge_accuracy=2).matrix(),
        derivative_stencil(np.arange(9.0), 1, 4, edge_accuracy=2).matrix(),
    )


# ------------------------------------------------------------------------------------------- walls, schemes, directions


def test_what_is_known_of_which_field() -> None:
    low, high, own = Wall("symmetric"), Wall(0.0), (Wall(2.0), None)
    axis = Axis("y", "y", np.arange(5.0), boundary=((None, (low, high)), ("T", own), ("x", (None, high))))
    assert axis.ends() == (low, high)
    assert axis.ends("p") == (low, high)
    assert axis.ends("T") == own
    assert axis.ends("T", "z") == own
    assert axis.ends("u", "x") == (None, high)
    assert axis.ends("w", "z") == (low, high)
    # a mirror turns the component across it
    assert axis.ends("v", "y") == (Wall("antisymmetric"), high)
    assert Axis("y", "y", np.arange(5.0)).ends("v", "y") == (None, None)
    moving = Axis("y", "lat", np.arange(5.0), boundary=((None, (None, Wall(1.5))),))
    assert moving.ends("T") == (None, Wall(1.5))
    with pytest.raises(ValueError, match=r"boundary: dimension 'lat' has the value 1.5 at an end for all components"):
        moving.ends("u", "x")


@pytest.mark.parametrize("direction", [1, -1])
def test_cells_reach_to_the_planes(direction: int) -> None:
    nodes = np.array([1.0, 2.0, 4.0])[::direction]
    both = (Wall(0.0), Wall("symmetric", at=5.5))
    cells = Axis("y", "y", nodes, boundary=((None, both),))
    assert cells.reach == ((0.5, 5.5) if direction == 1 else (5.5, 0.5))
    assert cells.cell_sizes.tolist() == [1.0, 1.5, 2.5][::direction]
    # planes that are said to lie elsewhere for another field tell nothing
    other = Axis("y", "y", nodes, boundary=((None, both), ("T", (Wall(0.0, at=0.25), None))))
    assert other.reach == ((1.0, 5.5) if direction == 1 else (5.5, 1.0))
    assert Axis("y", "y", nodes).reach == (nodes[0], nodes[-1])
    two = Axis("y", "y", nodes[::2], boundary=((None, both),))
    assert two.reach == ((-0.5, 5.5) if direction == 1 else (5.5, -0.5))
    at_node = Axis("y", "y", nodes[:1], boundary=((None, (Wall("symmetric", at="node"), None)),))
    assert at_node.reach == (nodes[0], nodes[0])


@pytest.mark.parametrize("direction", [1, -1])
def test_walls_are_of_coordinates_not_of_indices(direction: int) -> None:
    nodes = np.array([0.5, 1.5, 2.5, 3.5])
    axis = Axis("y", "y", nodes[::direction], boundary=((None, (Wall(0.0), None)),))
    f = nodes[::direction] ** 2
    stencil = axis.stencil()
    known = np.zeros(4) if stencil.known is None else stencil.known
    found = stencil.matrix() @ f - stencil.row_sum * known
    np.testing.assert_allclose(found, 2 * nodes[::direction], rtol=1e-13)
    bare = Axis("y", "y", nodes[::direction]).stencil().matrix()
    changed = 0 if direction == 1 else -1
    assert not np.array_equal(stencil.matrix()[changed], bare[changed])
    np.testing.assert_allclose(stencil.matrix()[-1 - changed], bare[-1 - changed], rtol=1e-14, atol=1e-15)


def test_fits_have_their_own_weights_and_mirrors() -> None:
    nodes, fit = np.arange(9.0) + 0.5, LeastSquares(points=7)
    plain = Axis("x", "x", nodes, scheme=fit).stencil().matrix()
    np.testing.assert_allclose(plain[4], [0, -3, -2, -1, 0, 1, 2, 3, 0] / np.float64(28), rtol=1e-13, atol=1e-15)
    # beside a mirror as many nodes are reflected as a window needs
    mirrored = Axis("x", "x", nodes, scheme=fit, boundary=((None, (Wall("symmetric"), None)),)).stencil().matrix()
    np.testing.assert_allclose(mirrored[0, :4] * 28, [-1, 1 - 2, 2 - 3, 3], atol=1e-12)
    np.testing.assert_allclose(mirrored[4:], plain[4:], rtol=1e-13, atol=1e-15)


def test_fields_of_other_walls_have_tables_of_their_own() -> None:
    axis = Axis("y", "y", np.arange(6.0), boundary=(("T", (Wall(1.0), None)), ("p", (None, Wall(0.0)))))
    assert not axis.stencil(1, [("T", None), ("T", None)]).each
    assert len(axis.stencil(1, [("T", None), ("p", None)]).each) == 2
    assert not axis.stencil(1, [("q", None)]).bounded


def test_walls_stand_in_for_nodes() -> None:
    with pytest.raises(
        ValueError, match=r"has 2 points; a derivative of order 1 and accuracy 2 needs at least 3, use a"
    ):
        Axis("x", "x", np.arange(2.0)).stencil()
    walls = ((None, (Wall(0.0), None)),)
    assert Axis("x", "x", np.arange(2.0), boundary=walls).stencil().rows == 2
    with pytest.raises(ValueError, match=r"has 3 points; .* accuracy 4 needs at least 4, use a"):
        Axis("x", "x", np.arange(3.0), boundary=walls, accuracy=4).stencil()
    with pytest.raises(ValueError, match=r"accuracy 8 on a periodic axis needs at least 9, use a smaller accuracy or"):
        Axis("x", "x", np.arange(8.0), period=9.0, accuracy=8).stencil()
    with pytest.raises(
        ValueError, match=r"needs at least 7, use a smaller accuracy or a narrower window or more points"
    ):
        Axis("x", "x", np.arange(6.0), scheme=LeastSquares(points=7)).stencil()
    assert Axis("x", "x", np.arange(7.0), scheme=LeastSquares(points=7)).stencil().rows == 7


def test_boundary_of_a_periodic_axis_is_refused() -> None:
    walls = ((None, (Wall(0.0), None)),)
    with pytest.raises(ValueError, match=r"boundary: dimension 'x' is periodic and has no ends"):
        Axis("x", "x", np.arange(4.0), period=4.0, boundary=walls)
    with pytest.raises(ValueError, match="boundary: "):
        Axis("x", "x", np.arange(4.0), boundary=((None, (None, Wall(0.0, at=1.5))),))


def test_noise_of_a_difference_and_of_a_fit() -> None:
    plain = Axis("x", "x", np.arange(9.0))
    np.testing.assert_allclose(plain.noise_gain()[1:-1], np.sqrt(0.5), rtol=1e-15)
    np.testing.assert_allclose(plain.noise_gain()[0], np.sqrt(9 + 16 + 1) / 2, rtol=1e-14)
    # five nodes, which accuracy 2 takes where steps may be unequal: (-1, 16, -30, 16, -1)/12
    np.testing.assert_allclose(plain.noise_gain(2)[4], np.sqrt(1 + 256 + 900 + 256 + 1) / 12, rtol=1e-14)


def test_stretching_is_of_neighbours_in_either_sense() -> None:
    assert Axis("x", "x", np.array([0.0, 4.0, 5.0, 6.0])).stretching == 4.0
    assert Axis("x", "x", np.array([0.0, 3.0, 5.0])).stretching == 1.5
    assert Axis("x", "x", np.array([0.0, 1.0])).stretching == 1.0
    assert Axis("x", "x", np.array([0.0, 1.0, 2.0, 3.0]), period=3.5).stretching == 2.0


@pytest.mark.parametrize(("down", "left"), [((), False), ("y", True), ("xy", False), ("xyz", True)])
def test_axes_that_point_down(down: str, left: bool) -> None:
    nodes = np.arange(3.0)
    axes = tuple(Axis(name, name, nodes, down=name in down) for name in "xyz")
    assert Grid(axes).left_handed is left
    assert ("the axes are left-handed" in repr(Grid(axes))) is left
    assert not Grid(axes[:1]).left_handed
    assert Grid(axes[:2]).left_handed is (len(set(down) & set("xy")) == 1)


# ---------------------------------------------------------------------------------------------------------------- words


def test_an_axis_in_words() -> None:
    plain = Axis("x", "x", np.array([0.0, 0.125, 1.0]))
    assert repr(plain) == "Axis('x', dim='x', points=3, spacing=0.125 to 0.875)"
    assert plain.description == "x: 3 points from 0 to 1, accuracy 2"
    assert len(plain) == 3
    around = Axis("x", "lon", np.arange(4.0), units="m", period=4.0, accuracy=4)
    assert repr(around) == "Axis('x', dim='lon', points=4, spacing=1 to 1, period=4, units='m')"
    assert around.description == "x (lon): 4 points from 0 to 3 m, period 4 m, accuracy 4"
    assert Axis("x", "x", np.array([])).description == "x: 0 points from nothing, accuracy 2"
    odd = Axis(
        "y", "y", np.arange(9.0), accuracy=4, scheme=LeastSquares(points=7), down=True,
        boundary=((None, (Wall(0.0), None)), ("T", (None, Wall("symmetric", at=8.5)))),
    )  # fmt: skip
    assert odd.particulars == [
        "0 below, nothing known above",
        "T nothing known below, symmetric at 8.5 above",
        "least squares over 7 points",
        "points down",
    ]
    assert odd.description.endswith("accuracy 4, " + ", ".join(odd.particulars))
    assert repr(odd).endswith(", ".join(odd.particulars) + ")")


def test_a_grid_in_words() -> None:
    nodes = np.arange(4.0)
    mask = Mask(("y", "x"), np.ones((4, 3), bool))
    assert repr(mask) == "Mask(y 4, x 3)"
    axes = (Axis("x", "x", nodes), Axis("y", "y", nodes, down=True))
    assert Grid(axes[:1]).description == "cartesian; x: 4 points from 0 to 3, accuracy 2"
    assert repr(Grid(axes[:1])).splitlines()[0] == "<fieldgrad.Grid: cartesian, 1 axis>"
    found = Grid(axes, why="two axes", notes=("a note",), mask=mask, missing="adapt", least_accuracy=2)
    assert found.description.endswith("accuracy 2, points down; masked over y, x; missing adapt to accuracy 2")
    lines = repr(found).splitlines()
    assert lines[0] == "<fieldgrad.Grid: cartesian (inferred: two axes), 2 axes>"
    assert lines[4:] == [
        "a note",
        "'y': points down",
        "the axes are left-handed",
        "missing: adapt, mask: Mask(y 4, x 3)",
    ]
    assert repr(Grid(axes[:1], mask=mask)).splitlines()[-1] == "missing: propagate, mask: Mask(y 4, x 3)"
    assert repr(Grid(axes[:1], missing="shrink")).splitlines()[-1] == "missing: shrink, mask: none"
    assert len(repr(Grid(axes[:1])).splitlines()) == 3
    assert found.geometry == "cartesian"
    assert found.directions == ("x", "y", "z")
    with pytest.raises(KeyError, match="which has none"):
        Grid(()).axis("x")
    assert repr(Grid(())).splitlines()[0] == "<fieldgrad.Grid: cartesian, 0 axes>"


def test_spacings_in_the_table_of_a_grid() -> None:
    """One number where they are equal, also those that are so but for the rounding of the coordinate."""
    rounded = Axis("x", "x", np.array([0.0, 0.1, 0.2, 0.3], dtype=np.float32))
    stretched = Axis("y", "y", np.array([0.0, 1.0, 1.5]))
    rows = [line.split() for line in repr(Grid((rounded,), (stretched,))).splitlines()[2:]]
    assert rows[0][3:5] == ["0.1", "1"]
    assert rows[1][3:7] == ["0.5", "to", "1", "2"]
