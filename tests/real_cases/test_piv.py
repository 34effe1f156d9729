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


def test_what_is_of_the_plane_alone(flow: xr.Dataset) -> None:
    """The swirl is where the Okubo-Weiss parameter is negative; there the residual vorticity turns as the vorticity."""
    ux, vx = (np.gradient(flow[name].values, 16.0, axis=1, edge_order=2) for name in "uv")
    uy, vy = (np.gradient(flow[name].values, 16.0, axis=0, edge_order=2) for name in "uv")
    w, s = vx - uy, np.hypot(ux - vy, vx + uy)
    eigenvalues = np.linalg.eigvals(np.stack([ux, uy, vx, vy], axis=-1).reshape(-1, 2, 2)).reshape(*ux.shape, 2)
    names = ["okubo_weiss", "residual_vorticity", "total_deformation", "q_criterion_deviatoric", "swirling_strength"]
    found = fg.derive(flow, names)
    np.testing.assert_allclose(found.okubo_weiss, s**2 - w**2, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.q_criterion_deviatoric, (w**2 - s**2) / 4, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.total_deformation, s, rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.residual_vorticity, np.sign(w) * np.maximum(abs(w) - s, 0), rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.swirling_strength, eigenvalues.imag.max(axis=-1), rtol=0, atol=1e-8)
    inside = found.okubo_weiss.values < -1e-12
    np.testing.assert_array_equal(found.residual_vorticity.values[inside] != 0, True)
    np.testing.assert_array_equal(np.sign(found.residual_vorticity.values[inside]), np.sign(w[inside]))


def test_an_image_upside_down_turns_the_other_way(flow: xr.Dataset, derived: xr.Dataset) -> None:
    """With y up, v changes its sign as well: the vorticity does, what is no pseudo-vector does not."""
    up = flow.assign(v=-flow.v).assign_coords(y=-flow.y).isel(y=slice(None, None, -1))
    found = fg.derive(up, ["vorticity", "q_criterion", "second_invariant"]).isel(y=slice(None, None, -1))
    np.testing.assert_array_equal(found.vorticity.values, -derived.vorticity.values)
    np.testing.assert_array_equal(found.q_criterion.values, derived.q_criterion.values)
    np.testing.assert_array_equal(found.second_invariant.values, derived.second_invariant.values)


def test_vorticity_of_the_physical_plane(flow: xr.Dataset, derived: xr.Dataset) -> None:
    """y runs down the image: seen upright the vortex turns the other way, and is where it was."""
    told = flow.assign_coords(y=("y", flow.y.values, {"positive": "down"}))
    grid = fg.infer_grid(told)
    assert grid.left_handed
    vorticity = fg.derive(told, "vorticity", grid=grid).vorticity
    np.testing.assert_array_equal(vorticity, -derived.vorticity)
    # upright: y and v of the physical plane
    upright = flow.assign(v=-flow.v).assign_coords(y=-flow.y)
    np.testing.assert_allclose(fg.curl(upright), vorticity, rtol=0, atol=1e-15)


def test_least_squares_lower_the_noise_of_the_vorticity(flow: xr.Dataset) -> None:
    """Displacements with noise of 0.1 px: the vorticity has what the gains of its two derivatives say."""
    noise = np.random.default_rng(5).normal(scale=0.1, size=(2, *flow.u.shape))
    noisy = flow.assign(u=flow.u + noise[0], v=flow.v + noise[1])
    deviations = {}
    for scheme in ("finite_difference", "least_squares"):
        grid = fg.infer_grid(flow, scheme=scheme)
        change = (fg.curl(noisy, grid=grid) - fg.curl(flow, grid=grid))[2:-2, 2:-2]
        gains = [grid.axis(name).noise_gain()[5] for name in "xy"]
        deviations[scheme] = float(change.std())
        assert deviations[scheme] == pytest.approx(0.1 * np.hypot(*gains), rel=0.06)
    assert deviations["least_squares"] == pytest.approx(deviations["finite_difference"] / np.sqrt(5), rel=0.06)
