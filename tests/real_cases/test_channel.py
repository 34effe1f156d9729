# SPDX-License-Identifier: BSD-3-Clause
"""Channels and a boundary layer: a mean profile with its exact slope, and wall-normal grids as stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

ACCURACIES = [2, 4, 6, 8]
Function = Callable[[np.ndarray], np.ndarray]

#: File, points, largest ratio of neighbouring spacings.
GRIDS = [
    ("channel_ygrid.npy", 512, 2.332),
    ("channel5200_ygrid.npy", 1536, 2.043),
    ("transition_bl_ygrid.npy", 224, 1.021),
]


def along_y(values: np.ndarray, y: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims="y", coords={"y": y})


def slope(values: np.ndarray, y: np.ndarray, accuracy: int) -> np.ndarray:
    field = along_y(values, y)
    return fg.derivative(field, "y", grid=fg.infer_grid(field, accuracy=accuracy)).values


@pytest.fixture(scope="module")
def profile(data_dir: Path) -> dict[str, np.ndarray]:
    """Columns y, yplus, u, dudy of Moser, Kim & Mansour (1999), in five digits."""
    path = data_dir / "channel-profile" / "mkm1999_retau180.csv"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    columns = np.loadtxt(lines[1:], delimiter=",", unpack=True)
    return dict(zip(lines[0].split(","), columns, strict=True))


def error_of_slope(profile: dict[str, np.ndarray], accuracy: int) -> np.ndarray:
    """Error of the slope of the mean velocity, relative to its value at the wall."""
    error = slope(profile["u"], profile["y"], accuracy) - profile["dudy"]
    return abs(error) / profile["dudy"][0]


def test_slope_of_the_mean_profile(profile: dict[str, np.ndarray]) -> None:
    inside = error_of_slope(profile, 2)[1:-1]
    assert inside.max() == pytest.approx(0.00208, abs=5e-6)
    assert profile["yplus"][1:-1][inside.argmax()] == pytest.approx(17.1, abs=0.05)


def test_slope_at_the_wall(profile: dict[str, np.ndarray]) -> None:
    """1e-6 to its one digit: it is 1.05e-6, as with numpy.gradient. The slope is tabulated as 178.12."""
    assert error_of_slope(profile, 2)[0] == pytest.approx(1e-6, abs=5e-7)
    computed = slope(profile["u"], profile["y"], 2)
    assert computed[0] == pytest.approx(178.12, abs=0.005)
    np.testing.assert_allclose(computed, np.gradient(profile["u"], profile["y"], edge_order=2), rtol=0, atol=1e-11)


@pytest.mark.parametrize("accuracy", [4, 6, 8])
def test_higher_accuracy_comes_down_to_the_digits_of_the_table(profile: dict[str, np.ndarray], accuracy: int) -> None:
    """Seven times smaller inside, and then no smaller: a velocity of five digits is off by up to 5e-4."""
    second, higher = error_of_slope(profile, 2)[1:-1], error_of_slope(profile, accuracy)[1:-1]
    assert higher.max() < second.max() / 7
    buffer_layer = (profile["yplus"][1:-1] > 5) & (profile["yplus"][1:-1] < 40)
    assert higher[buffer_layer].max() < second[buffer_layer].max() / 9
    matrix = fg.infer_grid(along_y(profile["u"], profile["y"]), accuracy=accuracy).axis("y").stencil().matrix()
    half_unit = 0.5 * 10.0 ** (np.floor(np.log10(np.maximum(profile["u"], 1e-2))) - 4)
    tabulated = (abs(matrix) @ half_unit)[1:-1] / profile["dudy"][0]
    assert higher.max() < tabulated.max()


@pytest.mark.parametrize(("file", "points", "stretching"), GRIDS)
def test_grid_is_reported_in_float64(data_dir: Path, file: str, points: int, stretching: float) -> None:
    stored = np.load(data_dir / "channel-grid" / file)
    assert stored.dtype == np.float32
    axis = fg.infer_grid(along_y(np.zeros(points), stored)).axis("y")
    assert axis.nodes.dtype == np.float64
    np.testing.assert_array_equal(axis.nodes, stored.astype(np.float64))
    assert axis.stretching == pytest.approx(stretching, abs=5e-4)
    report = repr(fg.infer_grid(along_y(np.zeros(points), stored))).splitlines()[-1].split()
    steps = np.diff(stored.astype(np.float64))
    assert report == [
        *("y", "y", str(points), f"{steps.min():.4g}", "to", f"{steps.max():.4g}"),
        *(f"{stretching:.4g}", "no", "-", "2"),
    ]


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize(("file", "points"), [grid[:2] for grid in GRIDS])
def test_polynomials_are_exact(data_dir: Path, file: str, points: int, accuracy: int) -> None:
    """To rounding of the sum of |weight| |value|, where the smallest steps are 1e-5 of the span."""
    stored = np.load(data_dir / "channel-grid" / file)
    scale = abs(stored).max()
    s = stored.astype(np.float64) / scale
    matrix = fg.infer_grid(along_y(np.zeros(points), stored), accuracy=accuracy).axis("y").stencil().matrix()
    for degree in range(accuracy + 1):
        values = s**degree
        exact = degree * s ** max(degree - 1, 0) / scale
        rounding = np.finfo(np.float64).eps * (abs(matrix) @ abs(values))
        assert (abs(slope(values, stored, accuracy) - exact) <= 4 * rounding).all(), degree


@pytest.mark.parametrize(("file", "points"), [grid[:2] for grid in GRIDS])
def test_float32_coordinate_has_slope_one(data_dir: Path, file: str, points: int) -> None:
    """Near the wall y itself is 1e5 times a step: only differences to the centre value keep digits."""
    stored = np.load(data_dir / "channel-grid" / file)
    result = slope(stored, stored, 2)
    assert result.dtype == np.float32
    assert abs(result.astype(np.float64) - 1).max() <= 2 * np.finfo(np.float32).eps


def wave(y: np.ndarray) -> np.ndarray:
    return np.sin(6 * y)


def slope_of_wave(y: np.ndarray) -> np.ndarray:
    return 6 * np.cos(6 * y)


def layer(y: np.ndarray) -> np.ndarray:
    return np.tanh(y / 3)


def slope_of_layer(y: np.ndarray) -> np.ndarray:
    return 1 / (3 * np.cosh(y / 3) ** 2)


@pytest.mark.parametrize("accuracy", ACCURACIES)
@pytest.mark.parametrize(
    ("file", "function", "exact", "strides"),
    [
        ("channel_ygrid.npy", wave, slope_of_wave, (16, 12, 8, 6)),
        ("channel5200_ygrid.npy", wave, slope_of_wave, (32, 24, 16, 12)),
        ("transition_bl_ygrid.npy", layer, slope_of_layer, (8, 6, 4, 2)),
    ],
    ids=["channel", "channel5200", "transition_bl"],
)
def test_order_on_every_nth_point(
    data_dir: Path, file: str, function: Function, exact: Function, strides: tuple[int, ...], accuracy: int
) -> None:
    """Largest errors, edges included, fall with the accuracy as the order."""
    stored = np.load(data_dir / "channel-grid" / file)
    errors = []
    for stride in strides:
        some = stored[::stride]
        y = some.astype(np.float64)
        matrix = fg.infer_grid(along_y(y, some), accuracy=accuracy).axis("y").stencil().matrix()
        error = abs(slope(function(y), some, accuracy) - exact(y))
        worst = error.argmax()
        assert error[worst] > 100 * np.finfo(np.float64).eps * (abs(matrix) @ abs(function(y)))[worst]
        errors.append(error[worst])
    order = np.polyfit(np.log(strides), np.log(errors), 1)[0]
    assert order > accuracy - 0.4
