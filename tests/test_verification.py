# SPDX-License-Identifier: BSD-3-Clause
"""What `verify` says of a grid is what theory says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

LENGTHS = np.array([4.0, 8.0, 16.0, 32.0, 64.0])


def line(nodes: np.ndarray, **how: object) -> fg.Grid:
    return fg.infer_grid(xr.DataArray(np.zeros(len(nodes)), {"x": nodes}, ["x"]), **how)


def test_errors_of_waves_are_those_of_modified_wavenumbers() -> None:
    worth = fg.verify(line(np.linspace(0, 3, 64, endpoint=False), periodic="x"), accuracies=[2, 4])
    h = 2 * np.pi / LENGTHS  # k times the spacing
    np.testing.assert_allclose(worth.rms_error.values[0, 0], 1 - np.sin(h) / h, rtol=1e-9)
    np.testing.assert_allclose(worth.rms_error.values[0, 1], 1 - np.sin(h) * (4 - np.cos(h)) / (3 * h), rtol=1e-7)
    np.testing.assert_allclose(worth.largest_error, worth.rms_error, rtol=1e-7)
    np.testing.assert_array_equal(worth.points.values[0], LENGTHS)


def test_orders_on_a_stretched_axis() -> None:
    worth = fg.verify(line(np.tanh(np.linspace(-2, 2, 96))), accuracies=[2, 4])
    np.testing.assert_allclose(worth.order.values, [[2, 4]], atol=0.1)
    assert (worth.largest_error >= worth.rms_error).all()
    assert worth.attrs["fieldgrad_grid"].startswith("cartesian; x: 96 points")


def test_periodic_waves_divide_the_period() -> None:
    worth = fg.verify(line(np.arange(20.0), periodic="x"), accuracies=[2])
    np.testing.assert_array_equal(worth.points.values, [[4, 20 / 2, 20, 20, np.nan]])
    assert np.isnan(worth.rms_error.values[0, 0, -1])
    assert np.isnan(worth.order.values).all()  # the two longest waves are one


def test_too_few_points_and_walls() -> None:
    worth = fg.verify(line(np.arange(4.0), boundary={"x": (0.0, 0.0)}), accuracies=[2, 4])
    assert np.isfinite(worth.rms_error.values[0, 0]).all()
    assert np.isnan(worth.rms_error.values[0, 1]).all()


def test_a_window_of_least_squares_needs_its_points() -> None:
    worth = fg.verify(line(np.arange(6.0), scheme=fg.LeastSquares(7)), accuracies=[2])
    assert np.isnan(worth.rms_error.values).all()
    # of the linear fit to seven points: 2 (sin h + 2 sin 2h + 3 sin 3h) / 28
    worth = fg.verify(
        line(np.linspace(0, 3, 64, endpoint=False), periodic="x", scheme=fg.LeastSquares(7)), accuracies=[2]
    )
    h = 2 * np.pi / LENGTHS
    slope = (np.sin(h) + 2 * np.sin(2 * h) + 3 * np.sin(3 * h)) / 14
    np.testing.assert_allclose(worth.rms_error.values[0, 0], 1 - slope / h, rtol=1e-7)


def test_data_in_place_of_a_grid() -> None:
    f = xr.DataArray(np.zeros((5, 6)), {"lat": np.arange(5.0), "lon": np.arange(6.0)}, ["lat", "lon"])
    assert fg.verify(f, accuracies=[2]).axis.values.tolist() == ["x", "y"]


def test_refusals() -> None:
    grid = line(np.arange(9.0))
    with pytest.raises(ValueError, match=r"points_per_wave: got \[2\]; each must be above 2"):
        fg.verify(grid, points_per_wave=[2])
    with pytest.raises(ValueError, match="accuracies: is empty"):
        fg.verify(grid, accuracies=[])
    with pytest.raises(ValueError, match="accuracy: got 3"):
        fg.verify(grid, accuracies=[3])
