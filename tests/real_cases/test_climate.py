# SPDX-License-Identifier: BSD-3-Clause
"""Wind and temperature of a climate model on Gaussian latitudes, pressure levels and cyclic longitudes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg


@pytest.fixture(scope="module")
def climate(data_dir: Path) -> xr.Dataset:
    return xr.load_dataset(data_dir / "climate" / "uvt.nc")


def test_directions_are_found_and_their_obstacles_shown(climate: xr.Dataset) -> None:
    grid = fg.infer_grid(climate, periodic=["lon"])
    assert dict(zip(grid.names, grid.dims, strict=True)) == {"x": "lon", "y": "lat", "z": "lev"}
    assert grid.axis("lon").period == 360.0
    report = repr(grid)
    assert "'lon' is a longitude in degrees_east, which is no length" in report
    assert "'lat' is a latitude in degrees_north, which is no length" in report
    assert "'lev' is a pressure coordinate (hPa), which is no length" in report


@pytest.mark.parametrize(
    "operator",
    [
        fg.velocity_gradient,
        fg.divergence,
        fg.curl,
        lambda obj: fg.gradient(obj["T"]),
        lambda obj: fg.derive(obj, "vorticity"),
    ],
    ids=["velocity_gradient", "divergence", "curl", "gradient", "derive"],
)
def test_refused_with_the_reason(climate: xr.Dataset, operator: Callable[[xr.Dataset], Any]) -> None:
    with pytest.raises(ValueError, match=r"^grid: dimension 'lon' is a longitude") as caught:
        operator(climate)
    message = str(caught.value)
    for part in (
        "dimension 'lat' is a latitude in degrees_north, which is no length",
        "dimension 'lev' is a pressure coordinate (hPa), which is no length",
        "No geometry that knows them exists yet",
        "obj.assign_coords(",
        "fg.derivative",
    ):
        assert part in message


def test_pressure_alone_is_no_way_out(climate: xr.Dataset) -> None:
    grid = fg.infer_grid(climate, axes={"z": None})
    assert grid.names == ("x", "y")
    with pytest.raises(ValueError, match="'lat' is a latitude in degrees_north"):
        fg.velocity_gradient(climate, grid=grid)


def assert_float32(result: xr.DataArray, exact: np.ndarray) -> None:
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.values, exact, rtol=0, atol=2 * np.finfo(np.float32).eps * abs(exact).max())


@pytest.mark.parametrize(("name", "dim"), [("U", "lat"), ("T", "lev")])
def test_derivative_per_unit_of_the_coordinate(climate: xr.Dataset, name: str, dim: str) -> None:
    """Per degree of Gaussian latitude (float32), and per hPa on descending levels (int32)."""
    field = climate[name]
    exact = np.gradient(
        field.values.astype(np.float64),
        climate[dim].values.astype(np.float64),
        axis=field.get_axis_num(dim),
        edge_order=2,
    )
    result = fg.derivative(field, dim)
    assert result.dims == field.dims
    assert_float32(result, exact)


def test_cyclic_longitude(climate: xr.Dataset) -> None:
    result = fg.derivative(climate["U"], "lon", grid=fg.infer_grid(climate, periodic=["lon"]))
    wind = climate["U"].values.astype(np.float64)
    assert_float32(result, (np.roll(wind, -1, axis=-1) - np.roll(wind, 1, axis=-1)) / (2 * 360 / 128))


def test_months_have_no_fixed_length(climate: xr.Dataset) -> None:
    with pytest.raises(ValueError, match=r"dimension 'time'.*'Month', which has no fixed number of seconds"):
        fg.derivative(climate["U"], "time")
