# SPDX-License-Identifier: BSD-3-Clause
"""An isosurface of lambda2, coloured by the production of enstrophy.

Without arguments the flow is the initial state of the Taylor-Green flow. A file with a velocity in space may be named
instead; its dimensions are periodic where an attribute `period`, of the coordinate or of the file, gives a period. The
level is minus the standard deviation of lambda2. The picture is written to lambda2_isosurface.png.

Run it with `python examples/lambda2_isosurface.py [FILE]`; it needs matplotlib, and netCDF4 to read a file. The surface
is found by marching tetrahedra, twenty lines of NumPy: they need no further package, and take the nodes of a stretched
grid where they are.
"""

from __future__ import annotations

import itertools
import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LightSource, Normalize
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import fieldgrad as fg

# Edges of a tetrahedron, its corners in ascending order of the field, that are cut where 1, 2 or 3 corners lie below
# the level; as triangles.
CUTS = {
    1: [((0, 1), (0, 2), (0, 3))],
    2: [((0, 2), (0, 3), (1, 3)), ((0, 2), (1, 3), (1, 2))],
    3: [((0, 3), (1, 3), (2, 3))],
}


def isosurface(f: xr.DataArray, level: float, colour: xr.DataArray, grid: fg.Grid) -> npt.NDArray[np.floating[Any]]:
    """Return triangles as (triangle, corner, value): the values are x, y, z and the other field."""
    place = [f[axis.dim] for axis in grid.axes]
    field, *others = (part.values for part in xr.broadcast(f - level, *place, colour))
    nodes = np.stack([*others, field], axis=-1, dtype=float)
    triangles = []
    # six tetrahedra fill a cell: each goes from one end of its diagonal to the other, along the axes in some order
    for order in itertools.permutations(np.eye(3, dtype=int)):
        path = np.cumsum([np.zeros(3, int), *order], axis=0)
        cells = [nodes[tuple(map(slice, start, start + field.shape - 1))].reshape(-1, 5) for start in path]
        tetrahedra = np.stack(cells, axis=1)
        below = (tetrahedra[..., -1] < 0).sum(axis=1)
        for number, faces in CUTS.items():
            here = tetrahedra[below == number]
            here = np.take_along_axis(here, here[..., -1:].argsort(axis=1), axis=1)
            for face in faces:
                a, b = (here[:, list(ends)] for ends in zip(*face, strict=True))
                triangle = (a + (b - a) * a[..., -1:] / (a[..., -1:] - b[..., -1:]))[..., :-1]
                sides = np.diff(triangle[..., :3], axis=1)
                outward = np.cross(sides[:, 0], sides[:, 1]) * (here[:, 3, :3] - here[:, 0, :3])
                triangle[outward.sum(axis=1) < 0] = triangle[outward.sum(axis=1) < 0, ::-1]
                triangles.append(triangle)
    return np.concatenate(triangles)


def labelled(name: str, field: xr.DataArray) -> str:
    """Return a name with the units of the field, where it has any."""
    return f"{name} ({field.attrs['units']})" if "units" in field.attrs else name


def main(file: str | None = None) -> None:
    """Compute, print and draw."""
    if file is None:
        x = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        ds = fg.flows.taylor_green(x, x, x - np.pi / 2).dataset
    else:
        ds = xr.open_dataset(file).squeeze()
    periodic = [dim for dim in ds.dims if "period" in ds.attrs | ds[dim].attrs]
    grid = fg.infer_grid(ds, periodic=periodic, accuracy=4)
    print(grid)

    out = fg.derive(ds, ["lambda2", "enstrophy_production"], grid=grid)
    fluctuation = out.lambda2 - fg.mean(out.lambda2, grid=grid)
    level = -np.sqrt(float(fg.mean(fluctuation**2, grid=grid)))
    surface = isosurface(out.lambda2, level, out.enstrophy_production, grid)
    print(f"\nlambda2 = {level:.3g} on {len(surface)} triangles")

    shades = surface[..., 3].mean(axis=1)
    limit = np.quantile(abs(shades), 0.99)
    paint = ScalarMappable(Normalize(-limit, limit), "RdBu_r")
    figure = plt.figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot(projection="3d")
    triangles = Poly3DCollection(
        surface[..., :3],
        facecolors=paint.to_rgba(shades),
        shade=True,
        lightsource=LightSource(azdeg=300, altdeg=50),
        antialiased=False,  # which would show every edge
    )
    axes.add_collection3d(triangles)
    spans = [(axis.nodes.min(), axis.nodes.max()) for axis in grid.axes]
    axes.set(xlim=spans[0], ylim=spans[1], zlim=spans[2], box_aspect=[high - low for low, high in spans])
    names = [labelled(axis.dim, ds[axis.dim]) for axis in grid.axes]
    axes.set(xlabel=names[0], ylabel=names[1], zlabel=names[2])
    axes.set_title(f"isosurface lambda2 = {level:.3g} {out.lambda2.attrs.get('units', '')}")
    bar = labelled("production of enstrophy", out.enstrophy_production)
    figure.colorbar(paint, ax=axes, label=bar, shrink=0.6, extend="both")
    figure.savefig("lambda2_isosurface.png", dpi=150)
    print("written: lambda2_isosurface.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
