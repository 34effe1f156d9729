# SPDX-License-Identifier: BSD-3-Clause
"""
Profile of a turbulent channel
==============================

A turbulent channel's mean profile on a stretched grid: friction velocity, wall units, and the share of turbulence.

The profile is Reichardt's formula at a friction Reynolds number of 395, on the nodes of a hyperbolic tangent. Its slope
gives the viscous stress, and what is missing to the linear total stress is that of turbulence. The derivative at
accuracy 4 is compared with a closed form, and with weights that ignore the stretching, as some tools do. The
picture is written to channel_profile.png.

Run it with ``python examples/channel_profile.py``; it needs matplotlib.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg

REYNOLDS, KAPPA = 395.0, 0.41


def reichardt(y: Any) -> tuple[Any, Any]:
    """Return u+ and du+/dy+ at wall distances y+ (H. Reichardt, 1951)."""
    u = np.log1p(KAPPA * y) / KAPPA + 7.8 * (1 - np.exp(-y / 11) - y / 11 * np.exp(-y / 3))
    slope = 1 / (1 + KAPPA * y) + 7.8 / 11 * (np.exp(-y / 11) - np.exp(-y / 3) * (1 - y / 3))
    return u, slope


def main() -> None:
    """Compute, compare, print and draw."""
    nodes = 1 + np.tanh(np.linspace(-2.5, 0, 65)) / np.tanh(2.5)  # from the wall to the middle, in half heights
    y = xr.DataArray(nodes, dims="y", attrs={"units": "m", "long_name": "distance from the wall"})
    mean, exact = reichardt(REYNOLDS * nodes)
    u = xr.DataArray(mean, {"y": y}, ["y"], "u", {"units": "m s-1", "long_name": "mean velocity"})

    grid = fg.infer_grid(u, accuracy=4)
    print(grid)
    slope = fg.derivative(u, "y", grid=grid) / REYNOLDS
    unweighted = np.gradient(mean) / np.gradient(nodes) / REYNOLDS
    print(f"\nlargest error of the slope: {abs(slope.values - exact).max():.1e} at accuracy 4,")
    print(f"{abs(unweighted - exact).max():.1e} by differences that ignore the stretching; the largest slope is 1")
    print(f"friction velocity from the slope at the wall: {float(slope[0]) ** 0.5:.4f}")
    turbulent = (1 - y) - slope
    crossing = REYNOLDS * nodes[np.argmax(turbulent.values > slope.values)]
    print(f"turbulence carries half of the stress from y+ = {crossing:.0f}")

    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    wall = REYNOLDS * nodes[1:]
    axes.semilogx(wall, slope[1:], label="viscous")
    axes.semilogx(wall, turbulent[1:], label="turbulent")
    axes.semilogx(wall, 1 - nodes[1:], "k--", linewidth=1, label="total")
    axes.set(xlabel="$y^+$", ylabel="stress / wall stress", ylim=(0, 1.05))
    axes.legend(frameon=False)
    figure.savefig("channel_profile.png", dpi=120)
    print("written: channel_profile.png")


if __name__ == "__main__":
    main()
