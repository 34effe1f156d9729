# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks share: fields on nonuniform axes, and quantities that are asked for together."""

from __future__ import annotations

import numpy as np
import xarray as xr

import fieldgrad as fg

# What the first call of a process loads is loaded here, once for the many processes that asv forks from one.
fg.array.gradient(np.zeros((4, 4, 4)), 1.0, accuracy=2)

#: Quantities of one pass: cheap ones, a vector and an eigenvalue.
FOUR = ("vorticity", "q_criterion", "lambda2", "dissipation")


def coordinate(n: int, seed: int = 0) -> np.ndarray:
    """Nonuniform nodes: random spacings between 0.5 and 1.5."""
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def velocity(shape: tuple[int, ...], dtype: str = "float64") -> list[np.ndarray]:
    """Random components, one for each axis."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(dtype, copy=False) for _ in shape]


def dataset(shape: tuple[int, ...], dtype: str = "float64") -> xr.Dataset:
    """The same, labelled: the last dimension is x."""
    dims = ("z", "y", "x")[-len(shape) :]
    coords = {dim: coordinate(n, seed) for seed, (dim, n) in enumerate(zip(dims, shape, strict=True))}
    fields = zip("uvw", velocity(shape, dtype), strict=False)
    return xr.Dataset({name: (dims, field) for name, field in fields}, coords)
