# SPDX-License-Identifier: BSD-3-Clause
"""Point functions on given tensors, in a plain loop: no differences, no engine."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from fieldgrad import quantities
from fieldgrad.kernels import points

_CALLS = {0: "", 1: ", p[k, 0]", 2: ", p[k, 0], p[k, 1]", 3: ", p[k, 0], p[k, 1], p[k, 2]"}


@cache
def _loop(name: str, size: int, rank: int, parameters: int) -> Any:
    """Compiled loop over tensors; the source is made here because tuples must be written out."""
    rows = [f"({', '.join(f'L[k, {i}, {j}]' for j in range(size))})" for i in range(size)]
    body = [f"value = function(({', '.join(rows)}){_CALLS[parameters]})"]
    if rank == 0:
        body.append("out[k] = value")
    for i in range(size if rank else 0):
        body += (
            [f"out[k, {i}] = value[{i}]"] if rank == 1 else [f"out[k, {i}, {j}] = value[{i}][{j}]" for j in range(size)]
        )
    source = "def loop(L, p, out):\n    for k in range(len(L)):\n        " + "\n        ".join(body)
    scope: dict[str, Any] = {"function": getattr(points, name)}
    exec(source, scope)
    return numba.njit(error_model="numpy")(scope["loop"])


def evaluate(name: str, L: NDArray[Any], **parameters: Any) -> NDArray[Any]:
    """Values of a point function at N tensors of shape (N, n, n), n = 2 or 3; parameters by name, numbers or (N,)."""
    count, n = L.shape[0], L.shape[1]
    rank = len(quantities()[name].dims)
    given = np.zeros((count, max(len(parameters), 1)), L.dtype)
    for place, value in enumerate(parameters.values()):
        given[:, place] = value
    own = hasattr(points, f"{name}_in_plane")
    if n == 2 and not own:
        full = np.zeros((count, 3, 3), L.dtype)
        full[:, :2, :2] = L
        values = evaluate(name, full, **parameters)
        return (
            values[:, 2]
            if name == "vorticity"
            else values[:, :2]
            if rank == 1
            else values[:, :2, :2]
            if rank
            else values
        )
    out = np.empty((count, *[n] * rank), L.dtype)
    with np.errstate(all="ignore"):  # of NumPy's numbers, which plain Python works with
        _loop(f"{name}_in_plane" if n == 2 else name, n, rank, len(parameters))(np.ascontiguousarray(L), given, out)
    return out
