# SPDX-License-Identifier: BSD-3-Clause
"""Velocity-gradient tensors, easy and hard, in groups of one kind."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

GAPS = [10.0**-k for k in range(4, 16)]
SMALL = [1e-1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15]
# Not normal, with three real eigenvalues that are well apart for double precision.
REAL = [
    [[0.0, 0.0, 0.0], [-0.2, -0.16, 0.0], [-2.0, -1.0, -0.004]],
    [[0.0066, -0.81, 0.0003], [-0.0017, -0.008, -0.0151], [-0.00075, 0.0, 0.0]],
    [[0.0246, 0.5401, 0.0942], [-0.0153, -0.1665, -0.0212], [0.0316, 0.806, 0.1426]],
]


def orthogonal(n: int, rng: np.random.Generator) -> Array:
    """A random proper rotation."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q if n == 3 else q[:, ::-1]


def rotated(tensors: Array, rng: np.random.Generator, times: int = 1) -> Array:
    """Each tensor in turned axes; symmetric and antisymmetric ones stay so to the bit."""
    out = []
    for L in tensors:
        D, W = (L + L.T) / 2, (L - L.T) / 2
        for _ in range(times):
            Q = orthogonal(len(L), rng)
            strain, spin = Q @ D @ Q.T, Q @ W @ Q.T
            out.append((strain + strain.T) / 2 + (spin - spin.T) / 2)
    return np.array(out)


def diagonals(*values: tuple[float, ...]) -> Array:
    return np.array([np.diag(row) for row in values])


def units(n: int) -> Array:
    """One at each place off the diagonal."""
    return np.array([np.outer(np.eye(n)[i], np.eye(n)[j]) for i in range(n) for j in range(n) if i != j])


def in_space(planes: Array, normal: float = 0.0) -> Array:
    """Plane tensors in the x-y plane of space."""
    out = np.zeros((len(planes), 3, 3))
    out[:, :2, :2] = planes
    out[:, 2, 2] = normal
    return out


@cache
def groups(n: int, dtype: DTypeLike = np.float64) -> dict[str, Array]:
    """Tensors (M, n, n) by kind, in the given dtype: conditions such as symmetry hold as far as rounding lets them."""
    rng = np.random.default_rng(100 + n)
    normal = rng.normal
    integer = rng.integers(-4, 5, size=(12, n, n)).astype(float)
    strain = normal(size=(6, n, n))
    spin = normal(size=(4, n, n))
    free = normal(size=(8, n, n))
    free[:, n - 1, n - 1] -= np.trace(free, axis1=1, axis2=2)
    upper = np.triu(normal(size=(6, n, n)))
    wide = 50 if dtype == np.float64 else 6
    vortex = np.array([[0.0, -1.0], [1.0, 0.0]])
    shear = np.array(
        [units(n)[0] + small * normal(size=(n, n)) for small in (*SMALL, *[0.3, 0.03, 0.01, 3e-3, 1e-4] * 4)]
    )
    # real eigenvalues, apart but near one another beside the norm
    steep = np.tril(normal(size=(12, n, n)), -1) + 0.05 * np.array([np.diag(row) for row in normal(size=(12, n))])
    found: dict[str, Array] = {
        "random": normal(size=(16, n, n)),
        "integer": integer,
        "zero": np.zeros((1, n, n)),
        "isotropic": np.array([1.0, -2.5, 0.1])[:, None, None] * np.eye(n),
        "pure strain": strain + strain.transpose(0, 2, 1),
        "pure rotation": spin - spin.transpose(0, 2, 1),
        "solenoidal": free,
        "rank one": np.array([np.outer(*normal(size=(2, n))) for _ in range(6)]),
        "simple shear": 2.5 * units(n),
        "simple shear, turned": rotated(units(n), rng),
        "triangular": upper,
        "triangular, turned": rotated(upper, rng),
        "graded": normal(size=(6, n, n)) * 10.0 ** rng.uniform(-8, 0, size=(6, n, 1)),
        "of all magnitudes": normal(size=(8, n, n)) * 10.0 ** rng.uniform(-wide, wide, size=(8, n, n)),
        "graded entry by entry": normal(size=(24, n, n)) * 10.0 ** rng.uniform(-5, 0, size=(24, n, n)),
        "sparse": normal(size=(24, n, n)) * (rng.random((24, n, n)) < 0.5),
        "shear and a little else": shear,
        "shear and a little else, turned": rotated(shear, rng),
        "steep triangular": np.concatenate([steep, steep.transpose(0, 2, 1)]),
        "isotropic and a little else": np.array([np.eye(n) + small * normal(size=(n, n)) for small in SMALL]),
        "strain and a little spin": np.array([np.diag([1.0, -1.0, 0.5][:n]) + s * np.tri(n, k=-1) for s in SMALL]),
    }
    if n == 2:
        found |= {
            "repeated": diagonals((1.0, 1.0), (-3.0, -3.0)),
            "nearly repeated": rotated(diagonals(*((1.0, 1.0 - gap) for gap in GAPS)), rng),
            "spiral": np.array([0.3 * np.eye(2) + w * vortex for w in (1.0, 1e-3, 1e-9, 1e3)]),
            "shear and vortex": np.array([[[0.2, -1.0], [small, 0.2]] for small in SMALL]),
            "between vortex and strain": np.array([[[0.5, -1.0], [1.0 + d, -1.5]] for d in (-1e-12, 0.0, 1e-12)]),
        }
    else:
        repeated = diagonals((1.0, 1.0, -2.0), (2.0, -1.0, -1.0), (1.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, -2.0, 1.0))
        near = diagonals(*((1.0, 1.0 - gap, -2.0) for gap in GAPS), *((2.0, gap - 1.0, -1.0 - gap) for gap in GAPS))
        clusters = diagonals(*((1.0, 1.0 + gap, 1.0 - 2 * gap) for gap in GAPS))
        weak = np.array([np.diag([1.0, 1.0, -2.0]) + small * in_space(vortex[None])[0] for small in SMALL])
        burgers = in_space(np.array([w * vortex - 0.5 * np.eye(2) for w in (1e3, 1.0, 1e-3, 1e-9)]), normal=1.0)
        oblate = in_space(np.array([[[0.1, -1.0], [1.0 + small, 0.1]] for small in SMALL]), normal=-0.2)
        sheared = in_space(np.array([[[0.1, -1.0], [small, 0.1]] for small in SMALL]), normal=-0.2)
        jordan = np.array([np.eye(3, k=1), np.eye(3) + np.eye(3, k=1), np.triu(np.ones((3, 3)), 1)])
        same = np.array([[[0.0, -1.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]])
        found |= {
            "repeated": repeated,
            "repeated, turned": rotated(repeated, rng, 2),
            "repeated and spin": rotated(repeated, rng) + in_space(vortex[None]) * normal(size=(5, 1, 1)),
            "nearly repeated": near,
            "nearly repeated, turned": rotated(near, rng),
            "nearly repeated and spin": rotated(near, rng) + rotated(in_space(vortex[None]), rng, len(near)),
            "three nearly repeated": rotated(clusters, rng),
            "weak normal rotation": weak,
            "weak normal rotation, turned": rotated(weak, rng),
            "stretched vortex": burgers,
            "stretched vortex, turned": rotated(burgers, rng),
            "nearly circular vortex": np.concatenate([oblate, rotated(oblate, rng)]),
            "sheared vortex": np.concatenate([sheared, rotated(sheared, rng)]),
            "nilpotent and Jordan": jordan,
            "nilpotent and Jordan, turned": rotated(jordan, rng, 2),
            "real eigenvalues that look like a pair": np.array(REAL),
            "pair above the real eigenvalue": np.concatenate([same, rotated(same, rng, 2)]),
        }
    return {name: tensors.astype(dtype) for name, tensors in found.items()}


@cache
def all_of_them(n: int, dtype: DTypeLike = np.float64) -> tuple[tuple[str, ...], Array]:
    """Labels and tensors (N, n, n) of all groups."""
    kinds = groups(n, dtype)
    labels = tuple(f"{name}, number {i}" for name, tensors in kinds.items() for i in range(len(tensors)))
    return labels, np.concatenate(list(kinds.values()))


def pick(n: int, dtype: DTypeLike, *names: str) -> Array:
    """The tensors of some groups."""
    return np.concatenate([groups(n, dtype)[name] for name in names])
