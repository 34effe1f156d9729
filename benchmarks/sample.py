# SPDX-License-Identifier: BSD-3-Clause
"""Fields at a million points, beside interpolation of derivatives that were taken on the whole grid.

    python -m benchmarks.sample                      # 256^3, about ten minutes
    python -m benchmarks.sample --size 128 --points 100000 --repeat 3

The peer interpolates linearly between nodes (scipy.interpolate.RegularGridInterpolator), so its values are not
compared. How times are taken: see :mod:`benchmarks.measure`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import statistics
from collections.abc import Callable

import numpy as np
import xarray as xr

import fieldgrad as fg

from . import cases, peers
from .measure import machine, rounds

DIMS = ("z", "y", "x")


def linear(fields: list[np.ndarray], nodes: list[np.ndarray], positions: np.ndarray) -> np.ndarray:
    """Trilinear interpolation of several fields together."""
    # here: the suite of asv imports all modules, and may lack SciPy
    from scipy.interpolate import RegularGridInterpolator

    return RegularGridInterpolator(nodes, np.stack(fields, axis=-1), bounds_error=False)(positions)


def smooth(ds: xr.Dataset) -> xr.Dataset:
    """A flow that a tensor product of parabolas is exact for, on the nodes of another."""
    x, y, z = ds.x, ds.y, ds.z
    return xr.Dataset({"u": x * y + 0 * z, "v": y**2 - z + 0 * x, "w": z * x + 0 * y}).transpose(*DIMS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="points of the grid along each axis")
    parser.add_argument("--points", type=int, default=1_000_000, help="points to sample at")
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    options = parser.parse_args()
    n, count = options.size, options.points
    print(f"{machine()}, SciPy {importlib.metadata.version('scipy')}")
    ds = cases.dataset((n, n, n))
    nodes = [ds[dim].values for dim in DIMS]
    components = [ds[name].values for name in "uvw"]
    rng = np.random.default_rng(2)
    positions = np.stack([rng.uniform(x[0], x[-1], count) for x in nodes], axis=-1)
    cloud = {dim: xr.DataArray(row, dims="p") for dim, row in zip(DIMS, positions.T, strict=True)}
    check = fg.sample(smooth(ds), cloud, ["value", "velocity_gradient"])
    np.testing.assert_allclose(check.value[0], cloud["x"] * cloud["y"], rtol=1e-9)
    np.testing.assert_allclose(check.velocity_gradient[0, 1], cloud["x"], rtol=1e-9, atol=1e-9 * n)

    def sampled(accuracy: int, *quantities: str) -> Callable[[], object]:
        grid = fg.infer_grid(ds, accuracy=accuracy)
        return lambda: fg.sample(ds, cloud, quantities, grid=grid)

    work = {
        f"accuracy {accuracy}: {', '.join(names)}": sampled(accuracy, *names)
        for accuracy in (2, 4, 6, 8)
        for names in (("value",), ("velocity_gradient",), ("value", "velocity_gradient", "q_criterion"))
    }
    work["SciPy, linear: value"] = lambda: linear(components, nodes, positions)
    work["np.gradient, then SciPy, linear: velocity_gradient"] = lambda: linear(
        peers.numpy(components, nodes)["velocity_gradient"](), nodes, positions
    )
    for run in list(work.values())[:12]:
        run()  # compile before the clock runs
    print(f"\n{count} points in a flow of {n}^3 points (s, median; in brackets the least)")
    for name, seconds in rounds(work, options.repeat).items():
        print(f"  {name:62} {statistics.median(seconds):8.2f}  ({min(seconds):.2f})")


if __name__ == "__main__":
    main()
