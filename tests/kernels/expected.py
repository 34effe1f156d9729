# SPDX-License-Identifier: BSD-3-Clause
"""Exact values of all quantities at a few tensors, computed once. Knows nothing of fieldgrad."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from kernels import tensors
from kernels.oracles import ORACLES, mp
from numpy.typing import NDArray

#: One value for all tensors.
GIVEN = {"viscosity": 0.25, "dynamic_viscosity": 0.75, "epsilon": 0.375}
#: Quantities that are not determined where eigenvalues meet.
DELICATE = {
    "swirling_strength", "inverse_spiralling_compactness", "swirling_axis", "rortex", "rortex_magnitude",
    "principal_directions", "vorticity_alignment",
}  # fmt: skip


@cache
def clear(n: int) -> NDArray[Any]:
    """Random tensors whose principal rates and eigenvalues keep a distance."""
    L = np.random.default_rng(11).normal(size=(400, n, n))
    rates, values = np.linalg.eigvalsh((L + L.transpose(0, 2, 1)) / 2), np.linalg.eigvals(L)
    apart = np.abs(values[:, :, None] - values[:, None, :])[:, *np.triu_indices(n, 1)].min(axis=1)
    return L[(np.diff(rates).min(axis=1) > 0.2) & (apart > 0.5)]


@cache
def real(n: int) -> NDArray[Any]:
    """Those of them without a complex pair."""
    return clear(n)[np.linalg.eigvals(clear(n)).imag.max(axis=1) == 0]


@cache
def distinct(n: int) -> NDArray[Any]:
    """Some of either kind."""
    swirling = np.linalg.eigvals(clear(n)).imag.max(axis=1) > 0
    return np.concatenate([clear(n)[swirling][:6], real(n)[:4]])


@cache
def chosen(name: str, n: int) -> NDArray[Any]:
    """Tensors that a quantity is evaluated at."""
    if name in DELICATE:
        return distinct(n)
    kinds = ("repeated", "nearly repeated", "pure rotation", "pure strain", "zero", "isotropic")
    return np.concatenate([distinct(n), *(tensors.pick(n, np.float64, kind)[:3] for kind in kinds)])


@cache
def expected(name: str, n: int) -> NDArray[Any]:
    """The values there."""
    oracle = ORACLES[name]
    given = [mp.mpf(GIVEN[parameter]) for parameter in oracle.parameters]
    return np.array([oracle.function(mp.matrix(L.tolist()), *given) for L in chosen(name, n)], dtype=float)


CASES = [(name, n) for name, oracle in ORACLES.items() for n in oracle.dimensions]
for _case in CASES:
    expected(*_case)
