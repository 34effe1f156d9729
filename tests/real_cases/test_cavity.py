# SPDX-License-Identifier: BSD-3-Clause
"""Lid-driven cavity at Re 100: 64^2 nodes with their vorticity, and the tables of Ghia et al. (1982)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

POINTS = 64


@pytest.fixture(scope="module")
def flow(data_dir: Path) -> xr.Dataset:
    """The velocity and the vorticity of the file; walls at 0 and 1, the lid at y = 1 moves with u = 1."""
    path = data_dir / "lid-cavity" / "cavity_N64_Re100.csv"
    names = path.read_text().partition("\n")[0].split(",")
    columns = np.loadtxt(path, delimiter=",", skiprows=1, unpack=True).reshape(-1, POINTS, POINTS)
    table = dict(zip(names, columns, strict=True))
    return xr.Dataset(
        {name: (("y", "x"), table[name]) for name in ("u", "v", "vorticity")},
        coords={"x": table["x"][0], "y": table["y"][:, 0]},
    )


@pytest.fixture(scope="module")
def vorticity(flow: xr.Dataset) -> xr.DataArray:
    return fg.curl(flow[["u", "v"]])


@pytest.fixture(scope="module")
def ghia(data_dir: Path) -> np.ndarray:
    """Columns at Re 100: y, u at x = 1/2, x, v at y = 1/2."""
    return np.loadtxt(data_dir / "lid-cavity" / "ghia_1982.dat", usecols=(0, 1, 6, 7), unpack=True)


def test_interior_vorticity_is_the_column(flow: xr.Dataset, vorticity: xr.DataArray) -> None:
    """To 6e-11, which the digits of the file leave; the wall rows of the column are zero."""
    inside = {"x": slice(1, -1), "y": slice(1, -1)}
    difference = abs(vorticity - flow.vorticity).isel(inside)
    assert float(difference.max()) == pytest.approx(6e-11, abs=5e-12)
    assert not flow.vorticity.isel(y=-1).any()


def test_vorticity_is_that_of_numpy(flow: xr.Dataset, vorticity: xr.DataArray) -> None:
    vx = np.gradient(flow.v.values, flow.x.values, axis=1, edge_order=2)
    uy = np.gradient(flow.u.values, flow.y.values, axis=0, edge_order=2)
    np.testing.assert_allclose(vorticity.values, vx - uy, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("x", "expected"), [(0.0625, -42.84), (0.5, -6.79), (0.9375, -30.05)])
def test_vorticity_on_the_lid(vorticity: xr.DataArray, x: float, expected: float) -> None:
    """Second-order edges; between nodes it is interpolated linearly."""
    lid = np.interp(x, vorticity.x.values, vorticity.isel(y=-1).values)
    assert lid == pytest.approx(expected, abs=0.005)


def centre_lines(flow: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    return flow.u.interp(x=0.5), flow.v.interp(y=0.5)


def test_centre_lines_are_those_of_ghia(flow: xr.Dataset, ghia: np.ndarray) -> None:
    y, u, x, v = ghia
    u_centre, v_centre = centre_lines(flow)
    assert abs(np.interp(y, flow.y.values, u_centre.values) - u).max() < 0.007
    assert abs(np.interp(x, flow.x.values, v_centre.values) - v).max() < 0.004


def test_slopes_on_the_points_of_ghia(flow: xr.Dataset, ghia: np.ndarray) -> None:
    """On seventeen unequally spaced points the two solutions differ by 2 % of the slope at the lid."""
    u_centre, v_centre = centre_lines(flow)
    for points, tabulated, dim, centre in (
        (ghia[0], ghia[1], "y", u_centre),
        (ghia[2], ghia[3], "x", v_centre),
    ):
        computed = np.interp(points, centre[dim].values, centre.values)
        slopes = [
            fg.derivative(xr.DataArray(values, dims=dim, coords={dim: points}), dim).values
            for values in (tabulated, computed)
        ]
        assert abs(slopes[0] - slopes[1]).max() < 0.15
        np.testing.assert_allclose(slopes[0], np.gradient(tabulated, points, edge_order=2), rtol=0, atol=1e-12)
