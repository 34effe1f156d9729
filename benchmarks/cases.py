# SPDX-License-Identifier: BSD-3-Clause
"""What benchmarks share: fields on nonuniform axes, and the same work done with NumPy."""

from __future__ import annotations

import numpy as np
import xarray as xr


def coordinate(n: int, seed: int = 0) -> np.ndarray:
    """Nonuniform nodes: random spacings between 0.5 and 1.5."""
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def velocity(shape: tuple[int, ...], dtype: str = "float64") -> list[np.ndarray]:
    """Random components, one for each axis."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape).astype(dtype) for _ in shape]


def dataset(shape: tuple[int, ...], dtype: str = "float64") -> xr.Dataset:
    """The same, labelled: the last dimension is x."""
    dims = ("z", "y", "x")[-len(shape) :]
    coords = {dim: coordinate(n, seed) for seed, (dim, n) in enumerate(zip(dims, shape, strict=True))}
    fields = zip("uvw", velocity(shape, dtype), strict=False)
    return xr.Dataset({name: (dims, field) for name, field in fields}, coords)


def numpy_velocity_gradient(
    components: list[np.ndarray], nodes: list[np.ndarray], out: np.ndarray | None = None
) -> np.ndarray:
    """L by np.gradient; nodes and axes in the order of the arrays' axes."""
    count = len(components)
    out = np.empty((count, count, *components[0].shape), components[0].dtype) if out is None else out
    for i, component in enumerate(components):
        for j, part in enumerate(np.gradient(component, *nodes, edge_order=2)):
            out[i, j] = part
    return out


def numpy_decompose(components: list[np.ndarray], nodes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """D and W by np.gradient, as people write it."""
    L = numpy_velocity_gradient(components, nodes)
    transposed = L.swapaxes(0, 1)
    return 0.5 * (L + transposed), 0.5 * (L - transposed)


def numpy_q_criterion(components: list[np.ndarray], nodes: list[np.ndarray]) -> np.ndarray:
    """Q from the nine derivatives, as people write it."""
    L = numpy_velocity_gradient(components, nodes)
    return -0.5 * np.einsum("ij...,ji...->...", L, L)
