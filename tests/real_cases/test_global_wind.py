# SPDX-License-Identifier: BSD-3-Clause
"""Wind of the whole globe on 73 latitudes and 144 longitudes, beside spectral vorticity, divergence and gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

LAT, LON = np.linspace(90.0, -90.0, 73), np.arange(144) * 2.5
INSIDE = np.abs(LAT) < 80


@pytest.fixture(scope="module")
def reference(data_dir: Path) -> Callable[[str], xr.DataArray]:
    coords = {"lat": ("lat", LAT, {"units": "degrees_north"}), "lon": ("lon", LON, {"units": "degrees_east"})}

    def read(name: str) -> xr.DataArray:
        values = np.load(data_dir / "global-wind" / f"{name}.ref.npy").reshape(73, 144).astype(np.float64)
        return xr.DataArray(values, coords, ("lat", "lon"), name)

    return read


def relative_error(found: xr.DataArray, expected: xr.DataArray) -> float:
    error, exact = ((field.values[INSIDE]).astype(np.float64) for field in (found - expected, expected))
    return float(np.sqrt((error**2).sum() / (exact**2).sum()))


def test_vorticity_and_divergence(reference: Callable[[str], xr.DataArray]) -> None:
    wind = xr.Dataset({"u": reference("uwnd"), "v": reference("vwnd")})
    found = fg.derive(wind, ["vorticity", "divergence"])
    assert relative_error(found.vorticity, reference("vrt")) < 0.0325
    assert relative_error(found.divergence, reference("div")) < 0.1205
    for name, spectral in (("vorticity", "vrt"), ("divergence", "div")):
        values = found[name].values
        assert np.isfinite(values).all()
        # a pole is one point: all meridians reach the same limit there, near that of the spectral field
        for row in (0, -1):
            assert np.ptp(values[row]) < 5e-6
            assert abs(values[row].mean() - reference(spectral).values[row].mean()) < 5e-6


def test_gradient_of_the_velocity_potential(reference: Callable[[str], xr.DataArray]) -> None:
    chi = reference("chi")
    gradient = fg.gradient(chi)
    assert relative_error(gradient.sel(component="x", drop=True), reference("uchi")) < 0.0139
    assert relative_error(gradient.sel(component="y", drop=True), reference("vchi")) < 0.0204


@pytest.mark.slow
def test_laplacian_of_the_velocity_potential(reference: Callable[[str], xr.DataArray]) -> None:
    laplacian = fg.laplacian(reference("chi"))
    assert relative_error(laplacian, reference("div")) < 0.01
    assert np.isfinite(laplacian.values).all()


def test_longitude_is_found_to_close_on_itself(reference: Callable[[str], xr.DataArray]) -> None:
    grid = fg.infer_grid(reference("chi"))
    assert "'lon' is periodic: 360 (inferred: 357.5 is followed by 0)" in repr(grid)
