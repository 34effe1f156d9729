# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of every quantity with respect to L, against differences of the definitions in 120 digits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
import pytest
from kernels.oracles import ORACLES, mp
from numpy.typing import NDArray

import fieldgrad as fg
from fieldgrad.kernels import pullbacks

Array = NDArray[Any]

STEP = mp.mpf(10) ** -30
# Compiled in the default run: an eigenvalue, eigenvectors, a complex pair, a parameter.
QUICK = {("lambda2", 3), ("principal_directions", 2), ("dissipation", 3), ("rortex", 3)}


def function_name(name: str, n: int) -> str:
    return f"{name}_in_plane_pullback" if n == 2 and fg.quantities()[name].own_plane_form else f"{name}_pullback"


CASES = [
    pytest.param(name, n, marks=() if (name, n) in QUICK else pytest.mark.slow)
    for name, oracle in ORACLES.items()
    for n in oracle.dimensions
    if not fg.quantities()[name].linear
]


@cache
def loop(name: str, size: int, numbers: int) -> Any:
    """Compiled loop over tensors; the source is made here because tuples must be written out."""
    rows = [f"({', '.join(f'L[k, {i}, {j}]' for j in range(size))})" for i in range(size)]
    given = "".join(f", p[k, {m}]" for m in range(numbers))
    body = [f"value = function(({', '.join(rows)}){given})"]
    body += [f"out[k, {i}, {j}] = value[{i}][{j}]" for i in range(size) for j in range(size)]
    scope: dict[str, Any] = {"function": getattr(pullbacks, name)}
    exec("def loop(L, p, out):\n    for k in range(len(L)):\n        " + "\n        ".join(body), scope)
    return numba.njit(error_model="numpy")(scope["loop"])


def pulled_back(name: str, L: Array, cotangent: Array, *parameters: float) -> Array:
    """G at N tensors (N, n, n); cotangents (N, ...) of the shape of the value."""
    count, n = L.shape[:2]
    own = fg.quantities()[name].own_plane_form
    size = n if own else 3
    full, c = np.zeros((count, size, size), L.dtype), cotangent
    full[:, :n, :n] = L
    rank = cotangent.ndim - 1
    if rank and size > n:
        c = np.zeros((count, *[size] * rank), L.dtype)
        c[(slice(None), *[slice(n)] * rank)] = cotangent
    numbers = np.concatenate([c.reshape(count, -1), np.tile(np.array(parameters, L.dtype), (count, 1))], axis=1)
    out = np.empty_like(full)
    loop(function_name(name, n), size, numbers.shape[1])(full, np.ascontiguousarray(numbers), out)
    return out[:, :n, :n]


def flat(value: Any) -> list[Any]:
    return [one for part in value for one in flat(part)] if isinstance(value, list) else [value]


def exact(name: str, L: Array, direction: Array, cotangent: Array, parameters: tuple[float, ...]) -> float:
    """Derivative of cotangent . value along a direction."""
    values = []
    for sign in (1, -1):
        moved = mp.matrix(L.tolist()) + sign * STEP * mp.matrix(direction.tolist())
        values.append(flat(ORACLES[name].function(moved, *map(mp.mpf, parameters))))
    pairs = zip(cotangent.ravel().tolist(), *values, strict=True)
    return float(sum(c * (up - down) for c, up, down in pairs) / (2 * STEP))


def tensors(name: str, n: int) -> Array:
    """Random ones, in all of which those of the spiralling motion have a pair."""
    rng = np.random.default_rng(3)
    found = rng.normal(size=(40, n, n))
    pair = np.abs(np.linalg.eigvals(found).imag).max(axis=1) > 0.1
    return np.concatenate([found[pair][:3], found[~pair][:1], 1e3 * found[pair][3:4]])


@pytest.mark.parametrize(("name", "n"), CASES)
def test_derivative_with_respect_to_every_entry(name: str, n: int) -> None:
    L = tensors(name, n)
    rank = len(fg.quantities()[name].dims)
    rng = np.random.default_rng(4)
    cotangent = rng.normal(size=(len(L), *[n] * rank))
    parameters = (0.7,) * len(ORACLES[name].parameters)
    G = pulled_back(name, L, cotangent, *parameters)
    for one, c, g in zip(L, cotangent, G, strict=True):
        expected = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                direction = np.zeros((n, n))
                direction[i, j] = 1.0
                expected[i, j] = exact(name, one, direction, c, parameters)
        if np.isnan(expected).any():
            assert np.isnan(expected).all()
            assert np.isnan(g).all()
            continue
        assert np.abs(g - expected).max() <= 1e-12 * np.abs(expected).max()


def test_every_quantity_that_is_not_linear_has_a_derivative() -> None:
    for name, record in fg.quantities().items():
        for n in record.dimensions:
            if not record.linear and record.function is None:
                assert hasattr(pullbacks, function_name(name, n)), name
