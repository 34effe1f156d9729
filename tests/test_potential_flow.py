# SPDX-License-Identifier: BSD-3-Clause
"""Potential flow around bodies whose boundary is a staircase of cells: exact derivatives, and the order beside it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg


def flow(x: np.ndarray, y: np.ndarray, body: str) -> tuple[xr.Dataset, xr.DataArray, xr.DataArray]:
    """Velocity, its exact gradient, and the points outside a body.

    A uniform stream along x; the cylinder is a doublet with a circulation, the island two vortices and two doublets
    inside a jagged shore. The complex velocity is u - i v = w(z), so that u_x = Re w', u_y = -Im w', v_x = u_y and
    v_y = -u_x.
    """
    xx, yy = np.meshgrid(x, y)
    z = xx + 1j * yy
    if body == "cylinder":
        outside = abs(z) > 1.0
        z = np.where(outside, z, 2.0)
        w, slope = 1 - 1 / z**2 + 0.5j / z, 2 / z**3 - 0.5j / z**2
    else:
        angle = np.angle(z)
        outside = abs(z) > 1.0 + 0.15 * np.sin(5 * angle) + 0.1 * np.cos(3 * angle + 1)
        z = np.where(outside, z, 2.0)
        w, slope = np.ones_like(z), np.zeros_like(z)
        for place, doublet, vortex in ((0.1 + 0.1j, 0.4, 0.6), (-0.1 - 0.05j, 0.5, -0.2)):
            r = z - place
            w, slope = w - doublet / r**2 + 1j * vortex / r, slope + 2 * doublet / r**3 - 1j * vortex / r**2
    coords, dims = {"x": x, "y": y}, ("y", "x")
    gradient = np.array([[slope.real, -slope.imag], [-slope.imag, -slope.real]])
    ds = xr.Dataset({"u": (dims, w.real), "v": (dims, -w.imag)}, coords)
    labels = {"component": ["x", "y"], "direction": ["x", "y"]}
    exact = xr.DataArray(gradient, coords | labels, ("component", "direction", *dims))
    return ds, exact, xr.DataArray(outside, coords, dims)


def nodes(n: int, stretched: bool) -> np.ndarray:
    s = np.linspace(-1, 1, n)
    return 1.8 * (np.sinh(1.2 * s) / np.sinh(1.2) if stretched else s)


@cache
def errors(body: str, n: int, accuracy: int, stretched: bool) -> dict[int, float]:
    """Root mean square of the error of L at the points of each order of accuracy beside the body."""
    ds, exact, outside = flow(nodes(n, stretched), nodes(n + 5, stretched), body)
    poisoned = ds.where(outside, 1e300)
    grid = fg.infer_grid(poisoned, mask=outside, missing="adapt", accuracy=accuracy)
    L = fg.velocity_gradient(poisoned, grid=grid)
    order = fg.order_map(poisoned, grid=grid)
    touched = fg.velocity_gradient(ds.where(outside), grid=fg.infer_grid(ds, accuracy=accuracy)).isnull() & outside
    error = (L - exact).where(touched)
    squares = {int(k): ((error.where(order == k)) ** 2).mean().item() for k in np.unique(order) if k}
    assert L.where(order > 0, 0.0).notnull().all()
    return {k: value**0.5 for k, value in squares.items()}


@pytest.mark.parametrize("body", ["cylinder", "island"])
@pytest.mark.parametrize(
    ("accuracy", "stretched", "least"),
    [(2, False, 1.9), (2, True, 1.6), pytest.param(4, False, 3.9, marks=pytest.mark.slow)],
)
def test_order_beside_a_staircase(body: str, accuracy: int, stretched: bool, least: float) -> None:
    sizes = (160, 320, 640) if accuracy == 2 else (1280, 2560)
    found = [errors(body, n, accuracy, stretched)[accuracy] for n in sizes]
    fitted = -np.polyfit(np.log(sizes), np.log(found), 1)[0]
    assert fitted >= least, (fitted, found)


@pytest.mark.parametrize("stretched", [False, True])
def test_order_in_runs_of_few_points(stretched: bool) -> None:
    """A point gets the order that the map tells: in runs of 2, 3, 4 and more points first, second, third and fourth."""
    sizes, found = (140, 280, 560), []
    for n in sizes:
        s = np.linspace(0, 1, n)
        x = xr.DataArray(s + 0.1 * np.sin(7 * s) if stretched else s, dims="x", name="x")
        hole = np.resize([False] * 2 + [True] + [False] * 3 + [True] + [False] * 4 + [True] + [False] * 6 + [True], n)
        f = np.exp(np.sin(5 * x.assign_coords(x=x.values))).where(xr.DataArray(~hole, dims="x"))
        grid = fg.infer_grid(f, missing="adapt", accuracy=4)
        error = abs(fg.derivative(f, "x", grid=grid) - f * 5 * np.cos(5 * x.values))
        order = fg.order_map(f, grid=grid).sel(direction="x")
        found.append([((error.where(order == k) ** 2).mean() ** 0.5).item() for k in (1, 2, 3, 4)])
    fitted = -np.polyfit(np.log(sizes), np.log(found), 1)[0]
    assert (fitted >= np.array([0.9, 1.9, 2.9, 3.9]) - (0.3 if stretched else 0.0)).all(), fitted


@pytest.mark.parametrize("body", ["cylinder", "island"])
def test_a_flow_without_divergence_and_vorticity_has_little_of_them_beside_the_body(body: str) -> None:
    """Where NaN propagates the points beside the shore are lost; where values are taken across it they are garbage."""
    norms = []
    for n in (80, 160):
        ds, exact, outside = flow(nodes(n, False), nodes(n, False), body)
        grid = fg.infer_grid(ds, mask=outside, missing="adapt")
        found = fg.derive(ds.where(outside, -1e300), ["divergence", "vorticity", "q_criterion"], grid=grid)
        assert found.notnull().where(outside, True).all().to_array().all()
        q = -(exact.sel(component="x", direction="x") ** 2 + exact.sel(component="x", direction="y") ** 2)
        scale = abs(exact).where(outside).max().item()
        norms.append(
            [
                (abs(found.divergence).max() / scale).item(),
                (abs(found.vorticity).max() / scale).item(),
                (abs(found.q_criterion - q).max() / scale**2).item(),
            ]
        )
    coarse, fine = norms
    assert max(coarse) < 0.15
    assert all(b < a / 2.5 for a, b in zip(coarse, fine, strict=True)), norms


def test_the_cylinder_of_a_flow_in_space() -> None:
    """Extruded along z with a masked slab on top: the same derivatives in every plane below."""
    x = nodes(30, False)
    ds, _, outside = flow(x, x, "cylinder")
    z = np.arange(5.0)
    space = ds.expand_dims(z=z).assign(w=lambda d: 0 * d.u)
    mask = outside.expand_dims(z=z) & (xr.DataArray(z, dims="z", coords={"z": z}) < 4)
    plane = fg.velocity_gradient(ds, grid=fg.infer_grid(ds, mask=outside, missing="adapt"))
    L = fg.velocity_gradient(space.where(mask, 1e300), grid=fg.infer_grid(space, mask=mask, missing="adapt"))
    for k in range(4):
        found = L.isel(z=k, component=[0, 1], direction=[0, 1], drop=True)
        np.testing.assert_allclose(found, plane, rtol=0, atol=1e-12)
    assert abs(L.sel(direction="z")).max() == 0
    assert L.isel(z=4).isnull().all()
