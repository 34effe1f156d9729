# SPDX-License-Identifier: BSD-3-Clause
"""
Q criterion on a dask cluster
=============================

A field in chunks, differentiated by the workers of a cluster, with the same bits as in one piece.

The flow is a sum of random waves without divergence in a periodic box, written with lazy arrays, so that it is whole
nowhere. ``fg.derive`` builds a graph and computes nothing. Two worker processes on this machine then compute the chunks
and hand each other the faces between them; the address of any other cluster would do as well. The picture, with the
chunks as lines, is written to dask_cluster.png.

Run it with ``python examples/dask_cluster.py``; it needs dask, distributed and matplotlib.
"""

from __future__ import annotations

import logging

import dask
import numpy as np
import xarray as xr
from distributed import Client, LocalCluster

import fieldgrad as fg

POINTS, CHUNK = 96, 32
HERE = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}


def flow() -> xr.Dataset:
    """Return u, v and w in chunks: nothing but the coordinates is computed."""
    nodes = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    x, y, z = (xr.DataArray(nodes, {dim: nodes}, dim).chunk(CHUNK) for dim in "xyz")
    ds = xr.Dataset(dict.fromkeys("uvw", 0.0 * (z + y + x)))
    rng = np.random.default_rng(4)
    for _ in range(30):
        k = rng.integers(-5, 6, 3)
        # across k, and smaller where waves are shorter
        amplitude = np.cross(k, rng.standard_normal(3)) / (1 + k @ k) ** 1.3
        wave = np.cos(k[0] * x + k[1] * y + k[2] * z + rng.uniform(0, 2 * np.pi))
        for name, part in zip("uvw", amplitude, strict=True):
            ds[name] = ds[name] + part * wave
    return ds


def main() -> None:
    """Build, compute on workers, compare with the whole, print and draw."""
    ds = flow()
    grid = fg.infer_grid(ds, periodic=["x", "y", "z"], accuracy=4)
    lazy = fg.derive(ds, "q_criterion", grid=grid).q_criterion
    print(f"{lazy.shape} points in {lazy.data.npartitions} chunks of {lazy.data.chunksize}: nothing computed so far")

    # daemons end with this process, whatever happens to it; on a busy machine workers warn that they end late
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(2, threads_per_worker=1, silence_logs=logging.ERROR, **HERE) as cluster,
        Client(cluster) as client,
    ):
        print(f"computed by {len(client.nthreads())} workers")
        found = lazy.compute()

    whole = fg.derive(ds.compute(), "q_criterion", grid=grid).q_criterion
    print(f"the same bits as in one piece: {found.identical(whole)}")
    if not found.identical(whole):
        raise SystemExit("chunks change the result")
    print(f"where Q is positive: {float((found > 0).mean()):.0%} of the box")

    axes = fg.plot.slice(found, x="x", z=1.0)
    for edge in found.x[::CHUNK].values:
        axes.axvline(edge, color="k", linewidth=0.5)
        axes.axhline(edge, color="k", linewidth=0.5)
    axes.figure.savefig("dask_cluster.png", dpi=120)
    print("written: dask_cluster.png")


if __name__ == "__main__":
    main()
