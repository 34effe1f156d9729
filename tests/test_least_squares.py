# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of fitted polynomials: weights beside NumPy and SciPy, and what becomes of noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy.signal import savgol_coeffs

import fieldgrad as fg
from fieldgrad.grid import Axis
from fieldgrad.least_squares import LeastSquares
from fieldgrad.walls import Wall

RNG = np.random.default_rng(4242)
UNEVEN = np.cumsum(RNG.uniform(0.5, 1.5, 16))


def fitted(x: np.ndarray, f: np.ndarray, at: float, order: int, degree: int) -> float:
    """By NumPy: the derivative at a point of the polynomial fitted to all of a window."""
    polynomial = np.polynomial.Polynomial.fit(x, f, degree)
    return float(polynomial.deriv(order)(at))


@pytest.mark.parametrize(("order", "accuracy"), [(1, 2), (1, 4), (2, 2), (3, 2)])
@pytest.mark.parametrize("more", [0, 2, 4])
def test_uniform_interior_is_that_of_savitzky_and_golay(order: int, accuracy: int, more: int) -> None:
    points = LeastSquares().window(order, accuracy) + more
    h = 0.3
    table = LeastSquares(points).stencil(h * np.arange(points + 2.0), order, accuracy)
    wanted = savgol_coeffs(points, order + accuracy - 1, deriv=order, delta=h, use="dot")
    np.testing.assert_allclose(table.band[:, points // 2 + 1], wanted, rtol=0, atol=1e-12 * abs(wanted).max())


@pytest.mark.parametrize(("order", "accuracy"), [(1, 2), (1, 4), (2, 2)])
@pytest.mark.parametrize("backward", [False, True])
def test_nonuniform_rows_are_fits_of_numpy(order: int, accuracy: int, backward: bool) -> None:
    x = UNEVEN[::-1] if backward else UNEVEN
    f = RNG.normal(size=len(x))
    points = LeastSquares().window(order, accuracy)
    found = LeastSquares().stencil(x, order, accuracy).matrix() @ f
    for i, value in enumerate(found):
        start = min(max(i - points // 2, 0), len(x) - points)
        window = slice(start, start + points)
        assert value == pytest.approx(fitted(x[window], f[window], x[i], order, order + accuracy - 1), rel=1e-9)


def test_periodic_windows_wrap() -> None:
    x, f = UNEVEN - UNEVEN[0], RNG.normal(size=16)
    period = x[-1] + 0.8
    table = LeastSquares(7).stencil(x, 1, 2, period)
    assert table.periodic
    x, f3 = np.concatenate([x - period, x, x + period]), np.tile(f, 3)
    wanted = [fitted(x[i - 3 : i + 4], f3[i - 3 : i + 4], x[i], 1, 2) for i in range(16, 32)]
    np.testing.assert_allclose(table.matrix() @ f, wanted, rtol=1e-9)


def test_five_points_are_the_operator_of_the_piv_book() -> None:
    table = LeastSquares().stencil(0.5 * np.arange(8.0), 1, 2)
    np.testing.assert_allclose(table.band[:, 4], np.array([-2, -1, 0, 1, 2]) / 5.0, rtol=0, atol=1e-15)


@pytest.mark.parametrize("accuracy", [2, 4])
@pytest.mark.parametrize("order", [1, 2])
def test_order_of_accuracy(order: int, accuracy: int) -> None:
    """On grids of random spacing: the median over seeds, edges included."""
    slopes = []
    for seed in range(9):
        steps = np.random.default_rng(seed).uniform(0.7, 1.3, 320)
        errors, sizes = [], (40, 80, 160)
        for n in sizes:
            x = np.cumsum(steps[:n]) / n
            table = LeastSquares().stencil(x, order, accuracy)
            exact = [3 * np.cos(3 * x), -9 * np.sin(3 * x)][order - 1]
            errors.append(np.sqrt(np.mean((table.matrix() @ np.sin(3 * x) - exact) ** 2)))
        slopes.append(-np.polyfit(np.log(sizes), np.log(errors), 1)[0])
    assert np.median(slopes) > accuracy - 0.4


# -- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "gain"), [(3, np.sqrt(1 / 2)), (5, np.sqrt(1 / 10)), (7, np.sqrt(1 / 28))])
def test_noise_gain_of_uniform_windows(points: int, gain: float) -> None:
    """sqrt(12 / (n (n^2 - 1))) for n points; three points are central differences."""
    h = 0.25
    axis = Axis("x", "x", h * np.arange(12.0), scheme=LeastSquares(points))
    assert gain == pytest.approx(np.sqrt(12 / (points * (points**2 - 1))))
    np.testing.assert_allclose(axis.noise_gain()[4:8] * h, gain, rtol=1e-13)
    central = Axis("x", "x", h * np.arange(12.0))
    np.testing.assert_allclose(central.noise_gain()[4:8] * h, np.sqrt(1 / 2), rtol=1e-15)


def test_noise_gain_counts_the_centre() -> None:
    """The second difference of accuracy 2 has five points on a uniform axis: (-1, 16, -30, 16, -1) / 12."""
    gain = Axis("x", "x", np.arange(8.0), period=8.0).noise_gain(2)
    np.testing.assert_allclose(gain, np.sqrt(30**2 + 2 * 16**2 + 2) / 12, rtol=1e-14)


def test_noise_of_derivatives_is_what_the_gain_says() -> None:
    """Monte Carlo, nonuniform nodes, a wall, and a gain below that of finite differences all over."""
    ensemble = xr.DataArray(RNG.normal(size=(16, 4000)), coords={"y": UNEVEN}, dims=("y", "sample"))
    grids = {
        scheme: fg.infer_grid(ensemble, scheme=scheme, boundary={"y": (0.0, None)})
        for scheme in ("finite_difference", LeastSquares(7))
    }
    gains = {}
    for scheme, grid in grids.items():
        found = fg.derivative(ensemble, "y", grid=grid).std("sample").values
        gains[scheme] = grid.axis("y").noise_gain()
        # the standard deviation of 4000 samples is uncertain by a part in 90
        np.testing.assert_allclose(found, gains[scheme], rtol=0.05)
    assert (gains[LeastSquares(7)] < gains["finite_difference"]).all()


# -- grids -----------------------------------------------------------------------------------------------------------


def noisy() -> xr.DataArray:
    return xr.DataArray(RNG.normal(size=(16, 9)), coords={"y": UNEVEN, "x": np.arange(9.0)}, dims=("y", "x"), name="f")


def test_gradient_and_laplacian_by_least_squares() -> None:
    f = noisy()
    grid = fg.infer_grid(f, scheme="least_squares")
    along = {name: grid.axis(name).scheme.stencil(grid.axis(name).nodes, 1, 2).matrix() for name in "xy"}  # type: ignore[union-attr]
    found = fg.gradient(f, grid=grid)
    np.testing.assert_allclose(found.sel(component="y"), along["y"] @ f.values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.sel(component="x"), f.values @ along["x"].T, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(found, fg.gradient(f.chunk(y=3, x=4), grid=grid))
    second = {name: LeastSquares().stencil(grid.axis(name).nodes, 2, 2).matrix() for name in "xy"}
    np.testing.assert_allclose(
        fg.laplacian(f, grid=grid), second["y"] @ f.values + f.values @ second["x"].T, rtol=0, atol=1e-12
    )


def test_a_constant_has_no_derivative() -> None:
    f = xr.full_like(noisy(), 1e4 / 3)
    assert not fg.gradient(f, grid=fg.infer_grid(f, scheme="least_squares")).any()


def test_walls_are_nodes_of_the_fit() -> None:
    """A known value is one more point of the window, and mirrored points are points like others."""
    f = RNG.normal(size=16)
    wall = UNEVEN[0] - 0.4
    axis = Axis("y", "y", UNEVEN, scheme=LeastSquares(), boundary=((None, (Wall(0.7, at=wall), None)),))
    table = axis.stencil()
    assert table.known is not None
    found = table.matrix() @ f - table.row_sum * table.known
    nodes, values = np.r_[wall, UNEVEN], np.r_[0.7, f]
    for i in range(3):
        start = max(i + 1 - 2, 0)
        window = slice(start, start + 5)
        assert found[i] == pytest.approx(fitted(nodes[window], values[window], UNEVEN[i], 1, 2), rel=1e-9)
    mirrored = Axis("y", "y", UNEVEN, scheme=LeastSquares(), boundary=((None, (Wall("symmetric", at=wall), None)),))
    nodes, values = np.r_[2 * wall - UNEVEN[1::-1], UNEVEN], np.r_[f[1::-1], f]
    assert (mirrored.stencil().matrix() @ f)[0] == pytest.approx(
        fitted(nodes[:5], values[:5], UNEVEN[0], 1, 2), rel=1e-9
    )


def test_repr_tells_the_window() -> None:
    assert "'x': least squares over 5 points" in repr(fg.infer_grid(noisy(), scheme="least_squares"))
    assert "least squares over 9 points" in repr(fg.infer_grid(noisy(), scheme=LeastSquares(9)).axis("x"))


@pytest.mark.parametrize("points", [4, 1, 2.0, True, "5"])
def test_windows_are_odd(points: Any) -> None:
    with pytest.raises(ValueError, match=r"scheme: points is .*; a window has an odd number of points, at least 3"):
        LeastSquares(points)


def test_messages() -> None:
    f = noisy()
    with pytest.raises(ValueError, match=r"scheme: got 'upwind'; it must be 'finite_difference', 'least_squares' or"):
        fg.infer_grid(f, scheme="upwind")
    with pytest.raises(ValueError, match=r"scheme: points is 3; a derivative of order 2 .* needs at least 5 points"):
        fg.laplacian(f, grid=fg.infer_grid(f, scheme=LeastSquares(3)))
    with pytest.raises(ValueError, match=r"dimension 'x': has 9 points; .* at least 11, .* a narrower window"):
        fg.gradient(f, grid=fg.infer_grid(f, scheme=LeastSquares(11)))
    with pytest.raises(ArithmeticError, match=r"x: the spacings are too uneven for double precision"):
        LeastSquares(9).stencil(np.cumsum(10.0 ** -np.arange(0.0, 27.0, 3.0)), 2, 8 - 2)
