# SPDX-License-Identifier: BSD-3-Clause
"""
Map of R and Q
==============

The joint density of the invariants R and Q of the velocity gradient, beside that of a random field.

In turbulence it has the shape of a tear, with a tail along the right branch of Vieillefosse's line; in a Gaussian
random field it is symmetric. Without arguments the random field alone is drawn. A file with a velocity in space may be
named; its dimensions are periodic where an attribute ``period``, of the coordinate or of the file, gives a period. The
picture is written to rq_map.png.

Run it with ``python examples/rq_map.py [FILE]``; it needs matplotlib, and netCDF4 to read a file.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import LogNorm

import fieldgrad as fg

REACH = ((-3.0, 3.0), (-6.0, 6.0))
DENSITIES = (1e-4, 10.0)


def random_flow(size: int = 64, seed: int = 1) -> xr.Dataset:
    """Return a periodic Gaussian velocity field without divergence."""
    x = np.linspace(0, 2 * np.pi, size, endpoint=False)
    k = np.stack(np.meshgrid(*[np.fft.fftfreq(size, 1 / size)] * 3, indexing="ij"))
    noise = np.fft.fftn(np.random.default_rng(seed).standard_normal(k.shape), axes=(1, 2, 3))
    u, v, w = np.fft.ifftn(np.cross(1j * k, noise * np.exp(-(k**2).sum(axis=0) / 50), axis=0), axes=(1, 2, 3)).real
    fields = {name: (("x", "y", "z"), field) for name, field in zip("uvw", (u, v, w), strict=True)}
    return xr.Dataset(fields, {dim: (dim, x) for dim in "xyz"}, {"title": "Gaussian random field", "period": 2 * np.pi})


def print_shares(density: xr.DataArray) -> None:
    """Print how much of the volume each kind of motion takes."""
    area = float(density.R[1] - density.R[0]) * float(density.Q[1] - density.Q[0])
    swirling = fg.vieillefosse(density.R) < density.Q
    for words, where in {
        "swirling, being stretched": swirling & (density.R < 0),
        "swirling, being compressed": swirling & (density.R > 0),
        "not swirling, tubes": ~swirling & (density.R < 0),
        "not swirling, sheets": ~swirling & (density.R > 0),
    }.items():
        print(f"  {words:28}{float(density.where(where).sum()) * area:6.1%}")
    print(f"  {'outside of the map':28}{1 - float(density.sum()) * area:6.1%}")


def main(file: str | None = None) -> None:
    """Compute, print and draw."""
    flows = [random_flow()] if file is None else [random_flow(), xr.open_dataset(file).squeeze()]
    figure, panels = plt.subplots(
        1, len(flows), figsize=(1 + 4 * len(flows), 4.5), squeeze=False, sharey=True, layout="constrained"
    )
    for ds, axes in zip(flows, panels[0], strict=True):
        periodic = [dim for dim in ds.dims if "period" in ds.attrs | ds[dim].attrs]
        grid = fg.infer_grid(ds, periodic=periodic, accuracy=4)
        density = fg.invariant_histogram(ds, 50, REACH, grid=grid)
        title = ds.attrs.get("title", file)
        print(f"{title}: share of volume")
        print_shares(density)

        image = density.where(density > 0).plot.pcolormesh(
            ax=axes, x="R", y="Q", norm=LogNorm(*DENSITIES), cmap="viridis", add_colorbar=False
        )
        R = np.linspace(*REACH[0], 401)
        axes.plot(R, fg.vieillefosse(R), "k", linewidth=1, label="Vieillefosse's line")
        axes.axvline(0, color="k", linewidth=0.5)
        axes.set(
            xlim=REACH[0],
            ylim=REACH[1],
            xlabel=r"$R\, /\, \langle\omega^2/4\rangle^{3/2}$",
            ylabel=r"$Q\, /\, \langle\omega^2/4\rangle$",
        )
        axes.set_title(title, fontsize="medium", wrap=True)
        axes.legend(loc="lower left")
        axes.label_outer()
    figure.colorbar(image, ax=panels, label="probability density", extend="both")
    figure.savefig("rq_map.png", dpi=150)
    print("\nwritten: rq_map.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
