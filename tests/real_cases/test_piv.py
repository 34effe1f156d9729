# SPDX-License-Identifier: BSD-3-Clause
"""PIV of a tip vortex (PIV challenge, case A), a flow that is not solenoidal in the plane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg


@pytest.fixture(scope="module")
def flow(data_dir: Path) -> xr.Dataset:
    """Displacements in pixels on a grid of 16 pixels; y as in the file, which runs down the image."""
    x, y, u, v, flags, mask = np.loadtxt(data_dir / "piv" / "vortex_case_a.txt", unpack=True)
    assert not flags.any()
    assert not mask.any()
    rows, columns = np.unique(y), np.unique(x)
    shape = (len(rows), len(columns))
    np.testing.assert_array_equal(x.reshape(shape), np.broadcast_to(columns, shape))
    return xr.Dataset(
        {"u": (("y", "x"), u.reshape(shape)), "v": (("y", "x"), v.reshape(shape))},
        coords={"x": columns, "y": rows},
    )


@pytest.fixture(scope="module")
def derived(flow: xr.Dataset) -> xr.Dataset:
    return fg.derive(flow, ["vorticity", "q_criterion", "second_invariant"])


def largest(field: xr.DataArray) -> tuple[float, float, float]:
    """Largest value, and x and y where it is."""
    place = field.isel(field.argmax(...))
    return place.item(), place.x.item(), place.y.item()


def test_grid_is_understood(flow: xr.Dataset) -> None:
    grid = fg.infer_grid(flow)
    assert [(axis.name, len(axis), axis.spacing) for axis in grid.axes] == [
        ("x", 79, (16.0, 16.0)),
        ("y", 63, (16.0, 16.0)),
    ]


def test_largest_vorticity(derived: xr.Dataset) -> None:
    assert largest(abs(derived.vorticity)) == (pytest.approx(0.64722, abs=5e-6), 528, 448)


def test_largest_q_criterion(derived: xr.Dataset) -> None:
    assert largest(derived.q_criterion) == (pytest.approx(0.068477, abs=5e-7), 624, 464)


def test_second_invariant_is_another_number(flow: xr.Dataset, derived: xr.Dataset) -> None:
    ux, vx = (np.gradient(flow[name].values, 16.0, axis=1, edge_order=2) for name in "uv")
    uy, vy = (np.gradient(flow[name].values, 16.0, axis=0, edge_order=2) for name in "uv")
    determinant = ux * vy - uy * vx
    np.testing.assert_allclose(derived.second_invariant.values, determinant, rtol=0, atol=1e-14)
    np.testing.assert_allclose(derived.q_criterion.values, determinant - (ux + vy) ** 2 / 2, rtol=0, atol=1e-14)
    value, x, y = largest(derived.second_invariant)
    assert (value, x, y) == (pytest.approx(0.075423, abs=5e-7), 512, 480)
