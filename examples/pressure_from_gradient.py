# SPDX-License-Identifier: BSD-3-Clause
"""
Pressure from its gradient
==========================

Recover a pressure field from its measured gradient.

Where the acceleration of a fluid is measured, as by PIV at several times, the gradient of its pressure is known, with
noise. The pressure is that whose gradient fits best, in the sense of least squares; the normal equations need the
gradient and its adjoint alone, and are solved by conjugate gradients. They determine it up to what has no discrete
gradient: a constant, and alternating values where the number of points along a direction is odd. The picture is
written to pressure_from_gradient.png.

Run it with ``python examples/pressure_from_gradient.py``; it needs matplotlib.
"""

from __future__ import annotations

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg


def main() -> None:
    """Measure, recover and compare."""
    x = np.pi * (1 + np.tanh(np.linspace(-1.2, 1.2, 40)) / np.tanh(1.2))
    pressure = xr.DataArray(
        np.cos(x)[:, np.newaxis] * np.cos(2 * x), {"y": x, "x": x}, ("y", "x"), "p", {"units": "m2 s-2"}
    )
    grid = fg.infer_grid(pressure)
    gradient = partial(fg.gradient, grid=grid)
    measured = gradient(pressure)
    noise = 0.05 * float(abs(measured).max())
    measured = measured + noise * np.random.default_rng(1).standard_normal(measured.shape)

    # conjugate gradients for A^T A p = A^T b
    p = xr.zeros_like(pressure)
    residual = fg.vjp(gradient, p, measured - gradient(p))
    direction, size = residual, float((residual**2).sum())
    target = 1e-12 * size
    steps = 0
    while size > target:
        steps += 1
        change = gradient(direction)
        length = size / float((change**2).sum())
        p = p + length * direction
        residual = residual - length * fg.vjp(gradient, p, change)
        previous, size = size, float((residual**2).sum())
        direction = residual + size / previous * direction
    p = p - fg.mean(p - pressure, grid=grid)

    error = float(np.sqrt(fg.mean((p - pressure) ** 2, grid=grid)))
    print(f"{steps} iterations")
    print(f"noise of the measured gradient: {noise:.3g} m s-2, of the recovered pressure: {error:.3g} m2 s-2")
    if not error < 0.05:
        raise SystemExit("the pressure was not recovered")

    figure, panels = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    fields = {
        "measured, along x": measured.sel(component="x"),
        "recovered": pressure.copy(data=p.transpose(*pressure.dims)),
        "error": pressure.copy(data=(p - pressure).transpose(*pressure.dims)),
    }
    for axes, (title, field) in zip(panels, fields.items(), strict=True):
        fg.plot.slice(field, axes)
        axes.set(title=title, aspect="equal")
    figure.savefig("pressure_from_gradient.png", dpi=120)
    print("written: pressure_from_gradient.png")


if __name__ == "__main__":
    main()
