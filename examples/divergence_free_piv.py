# SPDX-License-Identifier: BSD-3-Clause
"""
Taking the divergence out of PIV
================================

Project a noisy PIV field to zero divergence by descent: with NumPy alone, and with an optimiser of PyTorch.

Both descend along the gradient of half the sum of the squares of the divergence, from the measured field, so that the
correction stays in the range of the adjoint: of all that take the divergence away it is the smallest. With NumPy the
gradient is ``fg.vjp(fg.divergence, ...)``, with PyTorch it is ``backward()``.

Without arguments the flow is two vortices with noise. A file with a plane velocity ``u``, ``v`` on ``x``, ``y`` may be
named. The picture is written to divergence_free_piv.png.

Run it with ``python examples/divergence_free_piv.py [FILE]``; it needs matplotlib, and its second part PyTorch.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import fieldgrad as fg

STEPS = 300


def vortices() -> xr.Dataset:
    """Return two vortices, with noise of a few per cent."""
    x, y = np.linspace(-2.0, 2.0, 49), np.linspace(-1.0, 1.0, 25)
    left = fg.flows.lamb_oseen(x + 0.8, y, t=4.0).dataset[["u", "v"]]
    right = fg.flows.lamb_oseen(x - 0.8, y, t=4.0, circulation=-1.0).dataset[["u", "v"]]
    flow = left.assign_coords(x=x) + right.assign_coords(x=x)
    rng = np.random.default_rng(2)
    noise = 0.03 * float(abs(flow.u).max())
    return flow.map(lambda part: part + noise * rng.standard_normal(part.shape))


def largest_weight(ds: xr.Dataset, grid: fg.Grid) -> float:
    """Return a bound of the largest eigenvalue of A^T A, A the divergence: the longest step that is stable."""
    norms = [np.abs(axis.stencil().matrix()) for axis in grid.axes]
    return float(sum(part.sum(axis=0).max() * part.sum(axis=1).max() for part in norms))


def rms(f: xr.DataArray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt((f**2).mean()))


def with_numpy(ds: xr.Dataset, grid: fg.Grid, momentum: float, rate: float) -> xr.Dataset:
    """Descend with plain arithmetic."""
    divergence = partial(fg.divergence, grid=grid)
    flow, speed = ds, xr.zeros_like(ds)
    for _ in range(STEPS):
        speed = momentum * speed + fg.vjp(divergence, flow, divergence(flow))
        flow = flow - rate * speed
    return flow


def with_torch(ds: xr.Dataset, grid: fg.Grid, momentum: float, rate: float) -> xr.Dataset:
    """Descend with torch.optim.SGD."""
    import torch

    import fieldgrad.torch as ft

    flow = torch.from_numpy(np.stack([ds[name].transpose("x", "y").values for name in "uv"])).requires_grad_()
    optimiser = torch.optim.SGD([flow], lr=rate, momentum=momentum)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss = (ft.divergence(flow, grid) ** 2).sum() / 2
        loss.backward()
        optimiser.step()
    u, v = flow.detach().numpy()
    return xr.Dataset({"u": (("x", "y"), u), "v": (("x", "y"), v)}, ds.coords).transpose(*ds.u.dims)


def main(file: str | None = None) -> None:
    """Project and compare."""
    ds = vortices() if file is None else xr.open_dataset(file)[["u", "v"]].squeeze(drop=True).astype(float)
    grid = fg.infer_grid(ds)
    rate, momentum = 1.0 / largest_weight(ds, grid), 0.95
    before = rms(fg.divergence(ds, grid=grid))
    print(f"rms divergence as measured          {before:.3e}")
    found = {"NumPy": with_numpy(ds, grid, momentum, rate)}
    if importlib.util.find_spec("torch"):
        found["torch.optim.SGD"] = with_torch(ds, grid, momentum, rate)
    else:
        print("PyTorch is not installed: the second part is left out")
    for name, flow in found.items():
        after = rms(fg.divergence(flow, grid=grid))
        change = np.sqrt(rms(flow.u - ds.u) ** 2 + rms(flow.v - ds.v) ** 2)
        print(f"rms divergence by {name:17}{after:.3e}, rms change of the velocity {change:.3e}")
        if not after < 0.1 * before:
            raise SystemExit("the divergence was not taken away")
    if len(found) == 2:
        both = list(found.values())
        apart = max(float(abs(both[0][name] - both[1][name]).max()) for name in "uv")
        print(f"largest difference between both {apart:.1e}")
        if not apart < 1e-9 * float(abs(ds.u).max()):
            raise SystemExit("NumPy and PyTorch disagree")

    figure, panels = plt.subplots(1, 2, figsize=(10, 2.9), layout="constrained", sharey=True)
    for axes, (title, flow) in zip(panels, {"as measured": ds, "projected": found["NumPy"]}.items(), strict=True):
        mesh = fg.divergence(flow, grid=grid).plot.pcolormesh(
            ax=axes, x="x", y="y", vmin=-3 * before, vmax=3 * before, cmap="RdBu_r", add_colorbar=False
        )
        axes.quiver(ds.x[::2], ds.y[::2], flow.u.transpose("y", "x")[::2, ::2], flow.v.transpose("y", "x")[::2, ::2])
        axes.set(title=title, aspect="equal")
    figure.colorbar(mesh, ax=panels, label="divergence", extend="both")
    figure.savefig("divergence_free_piv.png", dpi=120)
    print("written: divergence_free_piv.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
