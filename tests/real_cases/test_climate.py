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


def test_directions_are_found_and_the_geometry_said(climate: xr.Dataset) -> None:
    grid = fg.infer_grid(climate)
    assert dict(zip(grid.names, grid.dims, strict=True)) == {"x": "lon", "y": "lat", "z": "lev"}
    assert grid.geometry == "spherical"
    assert grid.axis("lon").period == 360.0
    report = repr(grid)
    assert "spherical (inferred: latitude and longitude in degrees), radius 6.3712e+06" in report
    assert "'lon' is periodic: 360 (inferred: 177.188 is followed by -180)" in report
    assert "'lev' is a pressure coordinate (hPa), which is no length" in report


@pytest.mark.parametrize(
    "operator",
    [fg.velocity_gradient, lambda obj: fg.gradient(obj["T"]), lambda obj: fg.derive(obj, "vorticity")],
    ids=["velocity_gradient", "gradient", "derive"],
)
def test_pressure_is_refused_with_the_horizontal_part_offered(
    climate: xr.Dataset, operator: Callable[[xr.Dataset], Any]
) -> None:
    message = (
        r"^grid: dimension 'lev' is a pressure coordinate \(hPa\), which is no length\. .*"
        r"take the horizontal part \(infer_grid\(obj, axes=\{'z': None\}\)\)"
    )
    with pytest.raises(ValueError, match=message):
        operator(climate)


def test_horizontal_vorticity_and_divergence(climate: xr.Dataset) -> None:
    """Beside the same differences written out, in double precision; Gaussian latitudes, none of them a pole."""
    grid = fg.infer_grid(climate, axes={"z": None})
    found = fg.derive(climate.astype(np.float64), ["vorticity", "divergence"], grid=grid)
    U, V = (climate[name].transpose(..., "lat", "lon").values.astype(np.float64) for name in "UV")
    lat = np.deg2rad(climate["lat"].values.astype(np.float64))
    radius, step = 6.3712e6, np.deg2rad(360 / 128)

    def east(f: np.ndarray) -> np.ndarray:
        return (np.roll(f, -1, -1) - np.roll(f, 1, -1)) / (2 * step) / (radius * np.cos(lat)[:, np.newaxis])

    def north(f: np.ndarray) -> np.ndarray:
        return np.gradient(f, lat, axis=-2, edge_order=2) / radius

    tangent = np.tan(lat)[:, np.newaxis] / radius
    for name, exact in (
        ("vorticity", east(V) - north(U) + U * tangent),
        ("divergence", east(U) + north(V) - V * tangent),
    ):
        values = found[name].transpose(..., "lat", "lon").values
        np.testing.assert_allclose(values, exact, rtol=0, atol=1e-9 * abs(exact).max(), err_msg=name)
        assert "spherical (inferred" in found[name].attrs["fieldgrad_geometry"]


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
