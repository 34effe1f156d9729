# SPDX-License-Identifier: BSD-3-Clause
"""What masks cost: q_criterion with a tenth of the points masked, over the unmasked kernel.

Run it as a module, ``python -m benchmarks.masks 250``. The goal is a ratio of at most 2.5. Bodies are compact, random
points are the worst case: half of all stencils then touch a hole. "new holes" is the time of a call for which the holes
are not those of the call before, so that the points to redo have to be found.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

import fieldgrad as fg

from . import cases


def holes(shape: tuple[int, ...], kind: str) -> np.ndarray:
    """Valid points: all but a tenth, which are eight spheres or lie anywhere."""
    if kind == "random":
        return np.random.default_rng(2).random(shape) > 0.1
    radius = 0.5 * (0.1 * 6 / np.pi) ** (1 / len(shape))
    places = np.meshgrid(*(np.linspace(0, 2, n) % 1 - 0.5 for n in shape), indexing="ij", sparse=True)
    return np.asarray(sum(place**2 for place in places) > radius**2)


def best(function: Callable[[], object], repeats: int = 7) -> float:
    """Least time of some calls in milliseconds, after one that compiles."""
    function()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        function()
        times.append(time.perf_counter() - begun)
    return 1e3 * min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", type=int, nargs="?", default=250)
    parser.add_argument("--dtype", default="float64")
    options = parser.parse_args()
    shape = (options.size,) * 3
    ds = cases.dataset(shape, options.dtype)
    plain_grid = fg.infer_grid(ds)
    plain = best(lambda: fg.derive(ds, "q_criterion", grid=plain_grid))
    print(f"{options.size}^3 {options.dtype}, milliseconds (and over the unmasked)")
    print(f"{'unmasked':24}{plain:8.1f}")
    for kind in ("bodies", "random"):
        valid = xr.DataArray(holes(shape, kind), dims=("z", "y", "x"))
        for missing in ("adapt", "propagate"):
            grid = fg.infer_grid(ds, mask=valid, missing=missing)
            masked = best(lambda grid=grid: fg.derive(ds, "q_criterion", grid=grid))  # type: ignore[misc]
            print(
                f"{f'{kind}, {missing}':24}{masked:8.1f}  {masked / plain:5.2f}  masked {1 - valid.mean().item():.3f}"
            )
        missing_values = ds.where(valid)
        new = best(lambda f=missing_values: fg.derive(f, "q_criterion", grid=fg.infer_grid(ds, missing="adapt")))  # type: ignore[misc]
        print(f"{f'{kind}, new holes':24}{new:8.1f}  {new / plain:5.2f}")


if __name__ == "__main__":
    main()
