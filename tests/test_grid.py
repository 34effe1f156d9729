# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pickle
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.grid import Axis, Grid, checked_nodes, is_uniform
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
        ([0.0, 2.0, 1.0], r"'x': .* increase up to index 1 \(2.0\) and turn at index 2 \(1.0\).*sortby"),
        ([3.0, 2.0, 2.5], r"'x': .* decrease up to index 1 \(2.0\) and turn at index 2"),
        ([0.0, np.nan, 2.0], r"'x': coordinate value nan at index 1 is not finite; .* drop that point"),
        ([0.0, 1.0, np.inf], r"'x': coordinate value inf at index 2 is not finite"),
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
        (-1.0, r"periodic: the period of dimension 'lon' is -1.0; it must be positive"),
        (np.inf, r"periodic: the period of dimension 'lon' is inf; it must be positive and finite"),
    ],
)
def test_impossible_period_is_refused(period: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Axis("x", "lon", np.linspace(0, 1, 5), period=period)


@pytest.mark.parametrize("accuracy", [0, 1, 3, 10])
def test_unknown_accuracy_is_refused(accuracy: int) -> None:
    with pytest.raises(ValueError, match=rf"accuracy: got {accuracy} for dimension 'x'; it must be 2, 4, 6 or 8"):
        Axis("x", "x", np.arange(5.0), accuracy=accuracy)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match=r"dimension 'x': has 2 points; .* needs at least 3"):
        Axis("x", "x", np.arange(2.0)).stencil()


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


def test_axes_and_tables_stay_frozen_through_a_pickle() -> None:
    axis = Axis("x", "x", np.array([0.0, 1.0, 3.0, 4.0]), period=6.0)
    again = pickle.loads(pickle.dumps(axis))
    table = pickle.loads(pickle.dumps(axis.stencil()))
    assert not again.nodes.flags.writeable
    assert not table.band.flags.writeable
    np.testing.assert_array_equal(table.matrix(), again.stencil().matrix())
