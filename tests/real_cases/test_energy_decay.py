# SPDX-License-Identifier: BSD-3-Clause
"""Decay of the energy of the Taylor-Green vortex at Re 1600, by a spectral code on 512^3 points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

STEP = 0.01


@pytest.fixture(scope="module")
def history(data_dir: Path) -> xr.Dataset:
    path = data_dir / "taylor-green" / "spectral_Re1600_512.gdiag"
    time, energy, dissipation, enstrophy = np.loadtxt(path, unpack=True)
    return xr.Dataset(
        {
            "energy": ("time", energy),
            "dissipation": ("time", dissipation),
            "enstrophy": ("time", enstrophy),
        },
        coords={"time": ("time", time, {"units": "s"})},
    )


def test_dissipation_is_the_rate_of_loss(history: xr.Dataset) -> None:
    """The column was made by central differences; its two ends were not."""
    rate = -fg.derivative(history.energy, "time")
    assert rate.dims == ("time",)
    # the rounding of the energy itself is below a ten-thousandth of the tolerance
    rounding = np.finfo(np.float64).eps * 0.125 / STEP
    assert abs(rate - history.dissipation).values[1:-1].max() <= 5e-11 + rounding


def test_peak_of_dissipation(history: xr.Dataset) -> None:
    rate = -fg.derivative(history.energy, "time")
    peak = int(np.argmax(rate.values))
    assert float(rate.time[peak]) == pytest.approx(8.97, abs=1e-9)
    assert float(rate[peak]) == pytest.approx(0.0128575, abs=5e-8)
    assert float(history.enstrophy[peak]) == pytest.approx(10.2861, abs=5e-5)


def test_enstrophy_tells_the_dissipation_as_well(history: xr.Dataset) -> None:
    """eps = 2 Z / Re in incompressible flow: to 3e-5 at second order, closer at higher ones."""
    exact = 2 * history.enstrophy.values / 1600

    def error(accuracy: int) -> float:
        grid = fg.infer_grid(history, axes={"x": "time"}, accuracy=accuracy)
        rate = -fg.derivative(history.energy, "time", grid=grid).values
        return float((abs(rate - exact) / exact).max())

    assert (abs(history.dissipation.values - exact) / exact)[1:-1].max() <= 3e-5
    assert error(2) == pytest.approx(3e-5, abs=5e-6)
    assert error(4) < error(2) / 4
