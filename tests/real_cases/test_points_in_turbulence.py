# SPDX-License-Identifier: BSD-3-Clause
"""Points in a Taylor-Green vortex by direct numerical simulation, against trigonometric interpolation.

The series through all nodes of a periodic field is what the simulation itself computes with, hence exact anywhere.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

POINTS = 60
NAMES = ["value", "velocity_gradient"]
# Relative root-mean-square errors of values and gradients; bounds a little above what was found.
BOUNDS = {2: (0.01, 0.12), 4: (0.004, 0.045), 6: (0.0022, 0.023), 8: (0.0013, 0.0135)}


def series(field: np.ndarray, positions: np.ndarray, direction: int | None) -> np.ndarray:
    """The trigonometric interpolant of a field on (z, y, x) of period 2 pi, or its derivative along x, y or z."""
    n = len(field)
    k = np.fft.fftfreq(n, 1 / n)
    modes = np.fft.fftn(field) / field.size
    result = modes
    for axis, x in enumerate(positions[::-1]):  # z, y, x
        waves = np.exp(1j * np.outer(x, k))
        waves[:, n // 2] = np.cos(n / 2 * x)
        if direction == 2 - axis:
            slopes = 1j * k * waves
            slopes[:, n // 2] = -n / 2 * np.sin(n / 2 * x)
            waves = slopes
        result = np.einsum("pk,k...->p...", waves, result) if axis == 0 else np.einsum("pk,pk...->p...", waves, result)
    return result.real


@pytest.fixture(scope="module")
def flow(data_dir: Path) -> xr.Dataset:
    return xr.load_dataset(data_dir / "taylor-green" / "tgv_re400_96.nc").astype(np.float64)


def test_against_trigonometric_interpolation(flow: xr.Dataset) -> None:
    positions = np.random.default_rng(96).uniform(-np.pi, 3 * np.pi, (3, POINTS))
    cloud = {dim: xr.DataArray(x, dims="p") for dim, x in zip("xyz", positions, strict=True)}
    values = np.array([series(flow[name].values, positions, None) for name in "uvw"])
    slopes = np.array([[series(flow[name].values, positions, j) for j in range(3)] for name in "uvw"])
    for accuracy, bounds in BOUNDS.items():
        grid = fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=accuracy)
        out = fg.sample(flow, cloud, NAMES, grid=grid)
        for found, exact, bound in zip((out.value, out.velocity_gradient), (values, slopes), bounds, strict=True):
            error = np.linalg.norm(found.values - exact) / np.linalg.norm(exact)
            assert bound / 2 < error < bound
