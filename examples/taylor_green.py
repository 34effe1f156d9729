# SPDX-License-Identifier: BSD-3-Clause
"""
Taylor-Green vortex on a stretched grid
=======================================

The velocity gradient of a Taylor-Green flow on a stretched grid, beside its exact value.

The grid is periodic in x and z and gathers points near both ends of y. The example computes L, D, W, the vorticity,
the Q criterion and the dissipation at accuracy 2, 4 and 8, prints the largest error of each relative to the largest
exact value, and draws a plane of Q into taylor_green.png.

Run it with ``python examples/taylor_green.py``; it needs matplotlib.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg

VISCOSITY = 1e-5  # m2 s-1


def relative_error(computed: xr.DataArray, exact: xr.DataArray) -> float:
    """Return the largest error, in units of the largest exact value."""
    return float(abs(computed - exact).max() / abs(exact).max())


def main() -> None:
    """Compute, compare, print and draw."""
    x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    y = np.pi + np.pi * np.tanh(np.linspace(-1.5, 1.5, 97)) / np.tanh(1.5)
    flow = fg.flows.taylor_green(x, y, x)
    ds = flow.dataset
    print(fg.infer_grid(ds, periodic=["x", "z"]))

    print("\nlargest relative error")
    print("accuracy          L          D          W    vorticity  q_criterion  dissipation")
    for accuracy in (2, 4, 8):
        grid = fg.infer_grid(ds, periodic=["x", "z"], accuracy=accuracy)
        L = fg.velocity_gradient(ds, grid=grid)
        D, W = fg.decompose(L)
        # One pass over u, v and w, which holds L at one point at a time.
        derived = fg.derive(ds, ["vorticity", "q_criterion", "dissipation"], grid=grid, viscosity=VISCOSITY)
        errors = [
            relative_error(L, flow.velocity_gradient),
            relative_error(D, flow.exact("deformation_rate")),
            relative_error(W, flow.exact("spin")),
            relative_error(derived.vorticity, flow.exact("vorticity")),
            relative_error(derived.q_criterion, flow.exact("q_criterion")),
            relative_error(derived.dissipation, flow.exact("dissipation", viscosity=VISCOSITY)),
        ]
        print("{:8d} {:10.2e} {:10.2e} {:10.2e} {:12.2e} {:12.2e} {:12.2e}".format(accuracy, *errors))

    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    derived.q_criterion.isel(z=0).plot.pcolormesh(ax=axes, x="x", y="y", cmap="RdBu_r")
    axes.set_aspect("equal")
    figure.savefig("taylor_green.png", dpi=120)
    print("\nwritten: taylor_green.png")


if __name__ == "__main__":
    main()
