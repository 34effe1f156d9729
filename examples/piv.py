# SPDX-License-Identifier: BSD-3-Clause
"""
PIV with rejected vectors
=========================

The vorticity of a vortex pair as PIV sees it: with noise, with vectors that are wrong, and with flags that say which.

The measurement is made here: two Lamb-Oseen vortices on a grid of 1.5 mm, noise of 10 mm/s, and 8 percent of vectors
that are anything, alone and in a spot of reflected light. The flags stand in ``chc``, positive where a vector is good,
as programs for PIV write them. A wrong vector spoils the vorticity of its four neighbours. Left out, it leaves them
without one, unless stencils adapt: then they turn one-sided beside the hole.

How much of the noise arrives in the vorticity is told by ``fg.uncertainty`` where stencils are whole. Beside holes it
is found by trial: noise alone, sent many times through the same stencils. The truth is known here, so that errors can
be counted in these standard deviations: their rms must be one. A fit by least squares has less noise. The picture is
written to piv.png.

Run it with ``python examples/piv.py``; it needs matplotlib.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg

NOISE = 10.0  # mm s-1
TRIALS = 200


def measurement() -> tuple[xr.Dataset, xr.DataArray]:
    """Return velocity and flags, and the vorticity of the flow."""
    x, y = np.linspace(-60.0, 60.0, 81), np.linspace(-45.0, 45.0, 61)
    parts = []
    for side in (1, -1):  # cores of 12 mm
        vortex = fg.flows.lamb_oseen(x - side * 25, y, t=36.0, viscosity=1.0, circulation=side * 5e4)
        flow = vortex.dataset[["u", "v"]].assign(vorticity=vortex.exact("vorticity"))
        parts.append(flow.assign_coords({"x": ("x", x, {"units": "mm"}), "y": ("y", y, {"units": "mm"})}))
    flow = parts[0] + parts[1]
    rng = np.random.default_rng(3)
    bad = rng.random(flow.u.shape) < 0.06
    bad |= (np.hypot(flow.x - 20, (flow.y + 12) / 2) < 3).transpose(*flow.u.dims).values
    piv = xr.Dataset(coords=flow.coords)
    for name in "uv":
        noisy = flow[name] + NOISE * rng.standard_normal(bad.shape)
        wrong = rng.uniform(-1000.0, 1000.0, bad.shape)
        piv[name] = noisy.where(~bad, wrong).assign_attrs(units="mm s-1")
    piv["chc"] = (flow.u.dims, np.where(bad, -1, 1))
    return piv, flow.vorticity


def expected_noise(piv: xr.Dataset, grid: fg.Grid) -> xr.DataArray:
    """Return the standard deviation of the vorticity."""
    if grid.missing == "propagate":
        return fg.uncertainty(piv, "vorticity", std=NOISE, grid=fg.infer_grid(piv)).vorticity
    rng = np.random.default_rng(5)
    trials = {name: NOISE * rng.standard_normal((TRIALS, *piv[name].shape)) for name in "uv"}
    noise = xr.Dataset({name: (("trial", *piv[name].dims), field) for name, field in trials.items()}, piv.coords)
    found = fg.derive(noise, "vorticity", grid=grid).vorticity.std("trial")
    return found.assign_attrs(long_name="standard deviation", units="s-1")


def main() -> None:
    """Measure, differentiate, compare, print and draw."""
    piv, exact = measurement()
    good = piv.chc > 0
    grids = {
        "flags ignored": fg.infer_grid(piv),
        "rejected vectors left out": fg.infer_grid(piv, mask=good),
        "stencils adapt": fg.infer_grid(piv, mask=good, missing="adapt"),
        "least squares, adapt": fg.infer_grid(piv, mask=good, missing="adapt", scheme="least_squares"),
    }
    print(f"{float(1 - good.mean()):.1%} of {good.size} vectors are rejected\n")
    print(f"{'':26}points without  rms error of  noise expected  rms of")
    print(f"{'':26}a vorticity     the vorticity  (median)       error / noise")
    found, noise = {}, {}
    for name, grid in grids.items():
        found[name] = fg.derive(piv, "vorticity", grid=grid).vorticity
        noise[name] = expected_noise(piv, grid)
        error = found[name] - exact
        lost, rms = float(error.isnull().mean()), float(np.sqrt((error**2).mean()))
        typical, ratio = float(noise[name].median()), float(np.sqrt((error**2 / noise[name] ** 2).mean()))
        print(f"{name:26}{lost:14.1%}{rms:11.1f} s-1{typical:12.1f} s-1{ratio:15.2f}")
        if name != "flags ignored" and not 0.9 < ratio < 1.1:
            raise SystemExit("the noise is not what was expected")

    figure, panels = plt.subplots(1, 3, figsize=(13, 3.2), layout="constrained")
    fields = {
        "vorticity, flags ignored": found["flags ignored"],
        "vorticity, stencils adapt": found["stencils adapt"],
        "standard deviation of its noise": noise["stencils adapt"],
    }
    for axes, (title, field) in zip(panels, fields.items(), strict=True):
        fg.plot.slice(field, axes)
        axes.set(title=title, aspect="equal")
    some = piv.where(good).isel(x=slice(0, None, 4), y=slice(0, None, 4))
    panels[1].quiver(some.x, some.y, some.u.transpose("y", "x"), some.v.transpose("y", "x"), width=0.003)
    figure.savefig("piv.png", dpi=120)
    print("\nwritten: piv.png")


if __name__ == "__main__":
    main()
