# SPDX-License-Identifier: BSD-3-Clause
"""Functions of the velocity-gradient tensor at a point.

Each takes L as a 3 x 3 tuple, ``L[i][j] = du_i/dx_j``, and parameters; nothing else. In a plane flow the other entries
are zero. They are compiled into the loop of the engine, so they hold no branches, no calls of the mathematics library
(whose vector and scalar forms may differ in the last bit), and join products and sums by :func:`fma` alone.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

from fieldgrad.kernels._jit import inlined
from fieldgrad.kernels.memory import fma, like


@inlined
def gradient(L: Any) -> Any:
    """The first row: the gradient of a scalar."""
    return L[0]


@inlined
def row_sum(L: Any) -> Any:
    """Sum of the first row in x, y, z order: a Laplacian, where the tables are second derivatives."""
    return L[0][0] + L[0][1] + L[0][2]


@inlined
def advection(L: Any, u: Any, v: Any, w: Any) -> Any:
    """(u . grad) f of a scalar."""
    return fma(u, L[0][0], fma(v, L[0][1], w * L[0][2]))


@inlined
def along(L: Any, u: Any, v: Any, w: Any) -> Any:
    """Derivative of a scalar along the unit vector of (u, v, w); NaN where the vector vanishes.

    The vector is scaled by its largest component first, so that its square neither overflows nor underflows.
    """
    largest = max(abs(u), max(abs(v), abs(w)))
    a, b, c = u / largest, v / largest, w / largest
    return fma(a, L[0][0], fma(b, L[0][1], c * L[0][2])) / sqrt(fma(a, a, fma(b, b, c * c)))


@inlined
def velocity_gradient(L: Any) -> Any:
    """L itself."""
    return L


@inlined
def deformation_rate(L: Any) -> Any:
    """D = (L + L^T)/2. Halves are taken first: they are exact and cannot overflow."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    half = like(0.5, ux)
    xy = half * uy + half * vx
    xz = half * uz + half * wx
    yz = half * vz + half * wy
    return (ux, xy, xz), (xy, vy, yz), (xz, yz, wz)


@inlined
def spin(L: Any) -> Any:
    """W = (L - L^T)/2."""
    (ux, uy, uz), (vx, _, vz), (wx, wy, _) = L
    half, zero = like(0.5, ux), like(0.0, ux)
    xy = half * uy - half * vx
    xz = half * uz - half * wx
    yz = half * vz - half * wy
    return (zero, xy, xz), (zero - xy, zero, yz), (zero - xz, zero - yz, zero)


@inlined
def divergence(L: Any) -> Any:
    """The trace of L, summed in x, y, z order."""
    return L[0][0] + L[1][1] + L[2][2]


@inlined
def vorticity(L: Any) -> Any:
    """Curl of u, twice the dual of W."""
    (_, uy, uz), (vx, _, vz), (wx, wy, _) = L
    return wy - vz, uz - wx, vx - uy


@inlined
def _square(a: Any) -> Any:
    x, y, z = a
    return fma(x, x, fma(y, y, z * z))


@inlined
def vorticity_magnitude(L: Any) -> Any:
    """|w|, scaled by its largest component, so that no square overflows or underflows."""
    x, y, z = vorticity(L)
    largest = max(abs(x), max(abs(y), abs(z)))
    unit = like(1.0, x) if largest == 0 else largest
    return unit * sqrt(_square((x / unit, y / unit, z / unit)))


@inlined
def q_criterion(L: Any) -> Any:
    """-tr(L^2)/2, which is (|W|^2 - |D|^2)/2."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    diagonal = fma(ux, ux, fma(vy, vy, wz * wz))
    return -fma(like(0.5, ux), diagonal, fma(uy, vx, fma(uz, wx, vz * wy)))


@inlined
def second_invariant(L: Any) -> Any:
    """((tr L)^2 - tr(L^2))/2, the sum of the principal minors."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    xy = fma(ux, vy, -(uy * vx))
    xz = fma(ux, wz, -(uz * wx))
    yz = fma(vy, wz, -(vz * wy))
    return xy + xz + yz


@inlined
def dissipation(L: Any, viscosity: Any) -> Any:
    """2 nu D:D."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    two = like(2.0, ux)
    diagonal = fma(ux, ux, fma(vy, vy, wz * wz))
    return viscosity * fma(two, diagonal, _square((uy + vx, uz + wx, vz + wy)))
