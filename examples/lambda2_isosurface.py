# SPDX-License-Identifier: BSD-3-Clause
"""
Isosurface of lambda2
=====================

The Taylor-Green vortex on its way to turbulence: an isosurface of lambda2, coloured by the production of enstrophy.

A small pseudo-spectral solver takes the flow from its initial state to time 4 at a Reynolds number of 100, in a few
seconds. The velocity gradient is then taken by finite differences of accuracy 8, beside that by Fourier transforms. A
file with a velocity in space may be named instead; its dimensions are periodic where an attribute ``period``, of the
coordinate or of the file, gives a period. The picture is written to lambda2_isosurface.png.

Run it with ``python examples/lambda2_isosurface.py [FILE]``; it needs matplotlib, and netCDF4 to read a file.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import xarray as xr

import fieldgrad as fg

SIZE, VISCOSITY, STEP, STEPS = 32, 1 / 100, 0.1, 40


class Spectral:
    """Incompressible flow in a periodic cube: rotational form, 2/3 rule, Runge-Kutta of fourth order."""

    def __init__(self, size: int) -> None:
        whole = np.fft.fftfreq(size, 1 / size)
        self.k = np.stack(np.meshgrid(whole, whole, np.fft.rfftfreq(size, 1 / size), indexing="ij"))
        self.square = (self.k**2).sum(axis=0)
        self.kept = (abs(self.k) <= size / 3).all(axis=0)

    def forward(self, fields: Any) -> Any:
        """Return Fourier coefficients."""
        return np.fft.rfftn(fields, axes=(1, 2, 3))

    def back(self, coefficients: Any) -> Any:
        """Return values at the points."""
        return np.fft.irfftn(coefficients, axes=(1, 2, 3))

    def change(self, u: Any) -> Any:
        """Return du/dt of Fourier coefficients u: the part of u x w without divergence, less friction."""
        force = self.forward(np.cross(self.back(u), self.back(np.cross(1j * self.k, u, axis=0)), axis=0)) * self.kept
        along = (self.k * force).sum(axis=0) / np.maximum(self.square, 1)
        return force - self.k * along - VISCOSITY * self.square * u

    def step(self, u: Any) -> Any:
        """Return the coefficients a time step later."""
        a = self.change(u)
        b = self.change(u + STEP / 2 * a)
        c = self.change(u + STEP / 2 * b)
        return u + STEP / 6 * (a + 2 * b + 2 * c + self.change(u + STEP * c))


def taylor_green() -> tuple[xr.Dataset, Any]:
    """Return the velocity at the end, and du/dy there by Fourier transforms."""
    x = np.linspace(0, 2 * np.pi, SIZE, endpoint=False)
    start = fg.flows.taylor_green(x, x, x).dataset
    solver = Spectral(SIZE)
    u = solver.forward(np.stack([start[name].transpose("x", "y", "z").values for name in "uvw"]))
    for _ in range(STEPS):
        u = solver.step(u)
    fields = {name: (("x", "y", "z"), field) for name, field in zip("uvw", solver.back(u), strict=True)}
    return xr.Dataset(fields, start.coords, {"period": 2 * np.pi}), solver.back(1j * solver.k[1] * u)[0]


def main(file: str | None = None) -> None:
    """Compute, print and draw."""
    exact = None
    if file is None:
        ds, exact = taylor_green()
    else:
        ds = xr.open_dataset(file).squeeze()
    periodic = [dim for dim in ds.dims if "period" in ds.attrs | ds[dim].attrs]
    grid = fg.infer_grid(ds, periodic=periodic, accuracy=8)
    print(grid)
    out = fg.derive(ds, ["velocity_gradient", "lambda2", "enstrophy_production"], grid=grid)
    if exact is not None:
        error = abs(out.velocity_gradient.sel(component="x", direction="y").values - exact).max() / abs(exact).max()
        print(f"\nlargest difference of du/dy from the spectral one: {error:.1e} of the largest")
    print(f"mean production of enstrophy: {float(fg.mean(out.enstrophy_production, grid=grid)):.3g}")

    axes = fg.plot.isosurface(out.lambda2, colour=out.enstrophy_production)
    axes.figure.savefig("lambda2_isosurface.png", dpi=150)
    print("written: lambda2_isosurface.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
