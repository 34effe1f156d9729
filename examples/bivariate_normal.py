# SPDX-License-Identifier: BSD-3-Clause
"""
Gradient of a bivariate normal density
======================================

The gradient of the density of a bivariate normal distribution, against its formula.

With mean m and covariance C the density f has the gradient -f C^-1 (x - m). The example computes it at every accuracy
and prints the largest error relative to the largest gradient.

Run it with ``python examples/bivariate_normal.py``.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

import fieldgrad as fg

MEAN = np.array([0.3, -0.2])
COVARIANCE = np.array([[1.0, 0.6], [0.6, 0.8]])


def main() -> None:
    """Compute and compare."""
    # finer in the middle
    nodes = np.sinh(np.linspace(-2.0, 2.0, 81))
    x, y = xr.DataArray(nodes, {"x": nodes}, "x"), xr.DataArray(nodes, {"y": nodes}, "y")
    inverse = np.linalg.inv(COVARIANCE)
    a, b = x - MEAN[0], y - MEAN[1]
    along_x, along_y = inverse[0, 0] * a + inverse[0, 1] * b, inverse[1, 0] * a + inverse[1, 1] * b
    density = np.exp(-(a * along_x + b * along_y) / 2) / (2 * np.pi * np.sqrt(np.linalg.det(COVARIANCE)))
    exact = xr.concat([-density * along_x, -density * along_y], xr.Variable("component", ["x", "y"]))

    print("accuracy  largest relative error")
    for accuracy, goal in ((2, 2e-2), (4, 2e-3), (6, 5e-4), (8, 2e-4)):
        gradient = fg.gradient(density, grid=fg.infer_grid(density, accuracy=accuracy))
        error = float(abs(gradient - exact).max() / abs(exact).max())
        print(f"{accuracy:8d}  {error:.1e}")
        if not error < goal:
            raise SystemExit("the gradient is wrong")


if __name__ == "__main__":
    main()
