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


def numpy_velocity_gradient(components: list[np.ndarray], nodes: list[np.ndarray]) -> np.ndarray:
    """L by np.gradient; nodes and axes in the order of the arrays' axes."""
    return np.array([np.gradient(component, *nodes, edge_order=2) for component in components])


def numpy_decompose(components: list[np.ndarray], nodes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """D and W by np.gradient, as people write it."""
    L = numpy_velocity_gradient(components, nodes)
    transposed = L.swapaxes(0, 1)
    return 0.5 * (L + transposed), 0.5 * (L - transposed)


def numpy_q_criterion(components: list[np.ndarray], nodes: list[np.ndarray]) -> np.ndarray:
    """Q from the nine derivatives, each product written out: the least that NumPy can do."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = (np.gradient(field, *nodes, edge_order=2) for field in components)
    return -0.5 * (ux**2 + vy**2 + wz**2) - uy * vx - uz * wx - vz * wy


def numpy_q_by_definition(components: list[np.ndarray], nodes: list[np.ndarray]) -> np.ndarray:
    """Q = (|W|^2 - |D|^2)/2, as it is defined."""
    D, W = numpy_decompose(components, nodes)
    return 0.5 * ((W * W).sum((0, 1)) - (D * D).sum((0, 1)))
