# SPDX-License-Identifier: BSD-3-Clause
"""
Smoothing by gradient descent
=============================

Minimise a function of a field by gradient descent: the smooth field that is nearest to noisy values.

The function is half the sum of (f - d)^2 + (s^2 laplacian f)^2, d the measured values and s the length below which the
field is smoothed. Its gradient is f - d + s^4 A^T A f, A the Laplacian, and ``fg.vjp`` gives A^T. The picture is
written to smoothing.png.

Run it with ``python examples/smoothing.py``; it needs matplotlib.
"""

from __future__ import annotations

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg

LENGTH = 0.15


def main() -> None:
    """Descend, and compare with the field without noise."""
    nodes = np.pi * np.sin(np.linspace(-1.2, 1.2, 40)) / np.sin(1.2)
    x, y = xr.DataArray(nodes, {"x": nodes}, "x"), xr.DataArray(nodes, {"y": nodes}, "y")
    exact = np.sin(x) * np.cos(y / 2)
    measured = exact + 0.1 * np.random.default_rng(3).standard_normal(exact.shape)
    grid = fg.infer_grid(exact)
    laplacian = partial(fg.laplacian, grid=grid)

    def value(f: xr.DataArray) -> float:
        return float((((f - measured) ** 2) + (LENGTH**2 * laplacian(f)) ** 2).sum()) / 2

    # no row or column of A sums to more, and so no step beyond the inverse of its square is needed
    tables = [np.abs(axis.stencil(2).matrix()) for axis in grid.axes]
    largest = sum(np.sqrt(table.sum(axis=0).max() * table.sum(axis=1).max()) for table in tables)
    rate, momentum = 1 / (1 + (LENGTH**2 * largest) ** 2), 0.98
    f, speed = measured, xr.zeros_like(measured)
    for _ in range(400):
        speed = momentum * speed + (f - measured) + LENGTH**4 * fg.vjp(laplacian, f, laplacian(f))
        f = f - rate * speed
    before, after = (float(np.sqrt(((one - exact) ** 2).mean())) for one in (measured, f))
    print(f"function at the start {value(measured):.4g}, at the end {value(f):.4g}")
    print(f"rms error as measured {before:.3f}, smoothed {after:.3f}")
    if not (value(f) < 0.2 * value(measured) and after < 0.5 * before):
        raise SystemExit("the field was not smoothed")

    figure, panels = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained", sharey=True)
    for axes, (title, field) in zip(panels, {"measured": measured, "smoothed": f, "exact": exact}.items(), strict=True):
        mesh = field.plot.pcolormesh(ax=axes, x="x", vmin=-1.2, vmax=1.2, cmap="RdBu_r", add_colorbar=False)
        axes.set(title=title, aspect="equal")
    figure.colorbar(mesh, ax=panels)
    figure.savefig("smoothing.png", dpi=120)
    print("written: smoothing.png")


if __name__ == "__main__":
    main()
