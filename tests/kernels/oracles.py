# SPDX-License-Identifier: BSD-3-Clause
"""Pointwise quantities in 120 digits, written from their definitions: what the compiled functions are checked against.

Each function takes the velocity-gradient tensor as a matrix of `mp`, and the quantity's parameters; it returns a number
or nested lists of numbers. `nan` is the value of an undefined quotient; None stands for a direction that is not
determined, because its principal rate is repeated. Coefficients of characteristic polynomials are exact integers, so
that whether eigenvalues are real is decided without rounding. Other sums keep 120 digits of their largest term: entries
may differ by a hundred decades, and values are exact relative to the tensor's norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath

mp = mpmath.MPContext()
mp.dps = 120
# Eigenvalues nearer than this, relative to the tensor, are taken as one.
REPEATED = mp.mpf(10) ** -35
# Components of a unit vector nearer than this are taken as equal in magnitude.
TIED = mp.mpf(10) ** -30

Number = Any
Rows = list[list[Number]]


# -------------------------------------------------------------------------------------------------------------- algebra


def identity(n: int) -> Rows:
    return [[mp.mpf(i == j) for j in range(n)] for i in range(n)]


def plus(a: Rows, b: Rows, factor: Number = 1) -> Rows:
    """a + factor b."""
    return [[x + factor * y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)]


def transpose(a: Rows) -> Rows:
    return [list(column) for column in zip(*a, strict=True)]


def product(a: Rows, b: Rows) -> Rows:
    return [[dot(row, column) for column in zip(*b, strict=True)] for row in a]


def trace(a: Rows) -> Number:
    return sum((a[i][i] for i in range(len(a))), start=0 * a[0][0])


def determinant(a: Rows) -> Number:
    if len(a) == 2:
        return a[0][0] * a[1][1] - a[0][1] * a[1][0]
    return dot(a[0], cross(a[1], a[2]))


def dot(a: list[Number], b: list[Number]) -> Number:
    return sum((x * y for x, y in zip(a, b, strict=True)), start=0 * a[0])


def cross(a: list[Number], b: list[Number]) -> list[Number]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def norm(a: list[Number]) -> Number:
    return mp.sqrt(dot(a, a))


def square(a: Rows) -> Number:
    """A:A."""
    return sum(dot(row, row) for row in a)


def magnitude(a: Rows) -> Number:
    return mp.sqrt(square(a))


def quotient(a: Number, b: Number) -> Number:
    return a / b if b != 0 else mp.nan


def symmetric(L: mpmath.matrix) -> Rows:
    rows = L.tolist()
    return [[x / 2 for x in row] for row in plus(rows, transpose(rows))]


def antisymmetric(L: mpmath.matrix) -> Rows:
    rows = L.tolist()
    return [[x / 2 for x in row] for row in plus(rows, transpose(rows), -1)]


def rotation(L: mpmath.matrix) -> list[Number]:
    """The vorticity; in a plane its normal component alone."""
    normal = L[1, 0] - L[0, 1]
    return [normal] if L.rows == 2 else [L[2, 1] - L[1, 2], L[0, 2] - L[2, 0], normal]


# ---------------------------------------------------------------------------------------------------------- eigenvalues


def symmetric_eigenvalues(a: Rows) -> list[Number]:
    """Eigenvalues of a symmetric matrix, descending: the roots of its characteristic polynomial by cosines."""
    n = len(a)
    mean = trace(a) / n
    rest = plus(a, identity(n), -mean)
    if n == 2:
        half = mp.sqrt(square(rest) / 2)
        return [mean + half, mean - half]
    p = mp.sqrt(square(rest) / 6)
    if p == 0:
        return [mean] * 3
    cosine = max(min(determinant(rest) / (2 * p**3), mp.one), -mp.one)
    angle = mp.acos(cosine) / 3
    first, last = mean + 2 * p * mp.cos(angle), mean + 2 * p * mp.cos(angle + 2 * mp.pi / 3)
    return [first, trace(a) - first - last, last]


def null_vector(a: Rows) -> list[Number]:
    """Unit vector that a matrix of rank n - 1 takes to zero."""
    if len(a) == 2:
        candidates = [[row[1], -row[0]] for row in a]
    else:
        candidates = [cross(a[0], a[1]), cross(a[1], a[2]), cross(a[2], a[0])]
    longest = max(candidates, key=norm)
    return [x / norm(longest) for x in longest]


def symmetric_eigenvectors(a: Rows) -> list[list[Number] | None]:
    """Unit eigenvectors of a symmetric matrix, largest component positive; None where they are not determined."""
    rates = symmetric_eigenvalues(a)
    vectors: list[list[Number] | None] = []
    for i, rate in enumerate(rates):
        if any(abs(rate - other) <= REPEATED * magnitude(a) for j, other in enumerate(rates) if j != i):
            vectors.append(None)
            continue
        vector = null_vector(plus(a, identity(len(a)), -rate))
        largest = max(abs(x) for x in vector)
        sign = mp.sign(next(x for x in vector if abs(x) >= largest - TIED))
        vectors.append([sign * x for x in vector])
    return vectors


def integers(L: mpmath.matrix) -> tuple[list[list[int]], int]:
    """A matrix of integers, and the power of two by which it is to be multiplied."""
    exponent = min((x.man_exp[1] for x in L if x != 0), default=0)
    return [[int(mp.ldexp(x, -exponent)) for x in row] for row in L.tolist()], exponent


def spiral(L: mpmath.matrix) -> tuple[Number, Number, Number | None] | None:
    """Real and imaginary part of the complex pair of L, and its real eigenvalue; None where all are real."""
    whole, exponent = integers(L)
    if L.rows == 2:
        discriminant = (whole[0][0] - whole[1][1]) ** 2 + 4 * whole[0][1] * whole[1][0]
        if discriminant >= 0:
            return None
        return trace(L.tolist()) / 2, mp.ldexp(mp.sqrt(-discriminant), exponent - 1), None
    # t^3 + q t + r = 0 for the eigenvalue plus P/3, where q = q3 / 3 and r = r27 / 27
    P, R = -trace(whole), -determinant(whole)
    Q = (P * P - trace(product(whole, whole))) // 2
    q3, r27 = 3 * Q - P * P, 2 * P**3 - 9 * P * Q + 27 * R
    discriminant = 4 * q3**3 + r27**2
    if discriminant <= 0:
        return None
    root = mp.sqrt(mp.mpf(discriminant))
    cubed = -(r27 + (root if r27 >= 0 else -root)) / 54
    u = mp.sign(cubed) * mp.cbrt(abs(cubed))
    v = -mp.mpf(q3) / (9 * u)
    # sqrt(3)/2 |u - v|, where u^3 - v^3 is known: nothing cancels
    real, imaginary = -mp.mpf(P) / 3 - (u + v) / 2, mp.sqrt(mp.mpf(3)) / 54 * root / (u * u + u * v + v * v)
    return mp.ldexp(real, exponent), mp.ldexp(imaginary, exponent), mp.ldexp(u + v - mp.mpf(P) / 3, exponent)


# ---------------------------------------------------------------------------------------------------- linear quantities


def velocity_gradient(L: mpmath.matrix) -> Rows:
    return L.tolist()


def divergence(L: mpmath.matrix) -> Number:
    return trace(L.tolist())


def vorticity(L: mpmath.matrix) -> Any:
    w = rotation(L)
    return w if L.rows == 3 else w[0]


def stretching_deformation(L: mpmath.matrix) -> Number:
    return L[0, 0] - L[1, 1]


def shearing_deformation(L: mpmath.matrix) -> Number:
    return L[1, 0] + L[0, 1]


def viscous_stress(L: mpmath.matrix, dynamic_viscosity: Number) -> Rows:
    doubled = [[2 * dynamic_viscosity * x for x in row] for row in symmetric(L)]
    return plus(doubled, identity(L.rows), -mp.mpf(2) / 3 * dynamic_viscosity * divergence(L))


# ---------------------------------------------------------------------------------------------- magnitudes and products


def vorticity_magnitude(L: mpmath.matrix) -> Number:
    return norm(rotation(L))


def enstrophy(L: mpmath.matrix) -> Number:
    return dot(rotation(L), rotation(L)) / 2


def strain_rate_magnitude(L: mpmath.matrix) -> Number:
    return magnitude(symmetric(L))


def shear_rate(L: mpmath.matrix) -> Number:
    return mp.sqrt(2 * square(symmetric(L)))


def first_invariant(L: mpmath.matrix) -> Number:
    return -trace(L.tolist())


def second_invariant(L: mpmath.matrix) -> Number:
    rows = L.tolist()
    return (trace(rows) ** 2 - trace(product(rows, rows))) / 2


def third_invariant(L: mpmath.matrix) -> Number:
    return -determinant(L.tolist())


def deformation_second_invariant(L: mpmath.matrix) -> Number:
    D = symmetric(L)
    return (trace(D) ** 2 - trace(product(D, D))) / 2


def deformation_third_invariant(L: mpmath.matrix) -> Number:
    return -determinant(symmetric(L))


def spin_second_invariant(L: mpmath.matrix) -> Number:
    return square(antisymmetric(L)) / 2


def q_criterion(L: mpmath.matrix) -> Number:
    return (square(antisymmetric(L)) - square(symmetric(L))) / 2


def q_criterion_deviatoric(L: mpmath.matrix) -> Number:
    D = symmetric(L)
    deviator = plus(D, identity(L.rows), -trace(D) / L.rows)
    return (square(antisymmetric(L)) - square(deviator)) / 2


def delta_criterion(L: mpmath.matrix) -> Number:
    P, Q, R = first_invariant(L), second_invariant(L), third_invariant(L)
    q = Q - P**2 / 3
    r = R + 2 * P**3 / 27 - P * Q / 3
    return (q / 3) ** 3 + (r / 2) ** 2


def okubo_weiss(L: mpmath.matrix) -> Number:
    return stretching_deformation(L) ** 2 + shearing_deformation(L) ** 2 - vorticity(L) ** 2


def total_deformation(L: mpmath.matrix) -> Number:
    return mp.sqrt(stretching_deformation(L) ** 2 + shearing_deformation(L) ** 2)


def residual_vorticity(L: mpmath.matrix) -> Number:
    w, s = vorticity(L), total_deformation(L)
    return mp.sign(w) * (abs(w) - s) if s < abs(w) else mp.zero


def dissipation(L: mpmath.matrix, viscosity: Number) -> Number:
    return 2 * viscosity * square(symmetric(L))


def pseudo_dissipation(L: mpmath.matrix, viscosity: Number) -> Number:
    return viscosity * square(L.tolist())


def dissipation_compressible(L: mpmath.matrix, viscosity: Number) -> Number:
    return 2 * viscosity * (square(symmetric(L)) - divergence(L) ** 2 / 3)


def vortex_stretching(L: mpmath.matrix) -> list[Number]:
    return [dot(row, rotation(L)) for row in L.tolist()]


def enstrophy_production(L: mpmath.matrix) -> Number:
    w = rotation(L)
    return dot(w, [dot(row, w) for row in symmetric(L)])


def strain_self_amplification(L: mpmath.matrix) -> Number:
    D = symmetric(L)
    return -trace(product(D, product(D, D)))


# -------------------------------------------------------------------------------------------------- roots and quotients


def principal_strain_rates(L: mpmath.matrix) -> list[Number]:
    return symmetric_eigenvalues(symmetric(L))


def principal_directions(L: mpmath.matrix) -> list[list[Number] | None]:
    return symmetric_eigenvectors(symmetric(L))


def lund_rogers(L: mpmath.matrix) -> Number:
    a, b, c = principal_strain_rates(L)
    return quotient(-3 * mp.sqrt(mp.mpf(6)) * a * b * c, mp.sqrt(a**2 + b**2 + c**2) ** 3)


def vorticity_alignment(L: mpmath.matrix) -> list[Number | None]:
    w = rotation(L)
    if norm(w) == 0:
        return [mp.nan] * 3
    return [None if vector is None else abs(dot(w, vector)) / norm(w) for vector in principal_directions(L)]


def lambda2(L: mpmath.matrix) -> Number:
    D, W = symmetric(L), antisymmetric(L)
    return symmetric_eigenvalues(plus(product(D, D), product(W, W)))[1]


def swirling_strength(L: mpmath.matrix) -> Number:
    pair = spiral(L)
    return mp.zero if pair is None else pair[1]


def inverse_spiralling_compactness(L: mpmath.matrix) -> Number:
    pair = spiral(L)
    return mp.nan if pair is None else pair[0] / pair[1]


def swirling_axis(L: mpmath.matrix) -> list[Number]:
    pair = spiral(L)
    if pair is None:
        return [mp.zero] * 3
    axis = null_vector(plus(L.tolist(), identity(3), -pair[2]))
    return [-x for x in axis] if dot(rotation(L), axis) < 0 else axis


def rortex_magnitude(L: mpmath.matrix) -> Number:
    pair = spiral(L)
    if pair is None:
        return mp.zero
    along = dot(rotation(L), swirling_axis(L))
    # the difference is a square, which rounding may bring below zero
    return along - mp.sqrt(max(along**2 - 4 * pair[1] ** 2, mp.zero))


def rortex(L: mpmath.matrix) -> list[Number]:
    size = rortex_magnitude(L)
    return [size * x for x in swirling_axis(L)]


def omega_method(L: mpmath.matrix, epsilon: Number) -> Number:
    W2 = square(antisymmetric(L))
    return quotient(W2, square(symmetric(L)) + W2 + epsilon)


def kinematic_vorticity_number(L: mpmath.matrix) -> Number:
    return quotient(magnitude(antisymmetric(L)), magnitude(symmetric(L)))


def kolmogorov_length(L: mpmath.matrix, viscosity: Number) -> Number:
    return mp.sqrt(mp.sqrt(quotient(viscosity**3, dissipation(L, viscosity))))


def kolmogorov_time(L: mpmath.matrix, viscosity: Number) -> Number:
    return mp.sqrt(quotient(viscosity, dissipation(L, viscosity)))


# ------------------------------------------------------------------------------------------------------------ the table


@dataclass(frozen=True)
class Oracle:
    """A function of L, the dimensions it is defined in, its degree in L and its parameters."""

    function: Callable[..., Any]
    dimensions: tuple[int, ...]
    power: float
    parameters: tuple[str, ...] = ()


_BOTH, _SPACE, _PLANE = (2, 3), (3,), (2,)

ORACLES: dict[str, Oracle] = {
    oracle.function.__name__: oracle
    for oracle in (
        Oracle(velocity_gradient, _BOTH, 1),
        Oracle(divergence, _BOTH, 1),
        Oracle(vorticity, _BOTH, 1),
        Oracle(vorticity_magnitude, _BOTH, 1),
        Oracle(enstrophy, _BOTH, 2),
        Oracle(strain_rate_magnitude, _BOTH, 1),
        Oracle(shear_rate, _BOTH, 1),
        Oracle(first_invariant, _BOTH, 1),
        Oracle(second_invariant, _BOTH, 2),
        Oracle(third_invariant, _SPACE, 3),
        Oracle(deformation_second_invariant, _SPACE, 2),
        Oracle(deformation_third_invariant, _SPACE, 3),
        Oracle(spin_second_invariant, _SPACE, 2),
        Oracle(principal_strain_rates, _BOTH, 1),
        Oracle(principal_directions, _BOTH, 0),
        Oracle(lund_rogers, _SPACE, 0),
        Oracle(vorticity_alignment, _SPACE, 0),
        Oracle(q_criterion, _BOTH, 2),
        Oracle(q_criterion_deviatoric, _BOTH, 2),
        Oracle(delta_criterion, _SPACE, 6),
        Oracle(lambda2, _SPACE, 2),
        Oracle(swirling_strength, _BOTH, 1),
        Oracle(inverse_spiralling_compactness, _BOTH, 0),
        Oracle(swirling_axis, _SPACE, 0),
        Oracle(rortex, _SPACE, 1),
        Oracle(rortex_magnitude, _SPACE, 1),
        Oracle(omega_method, _BOTH, 0, ("epsilon",)),
        Oracle(kinematic_vorticity_number, _BOTH, 0),
        Oracle(okubo_weiss, _PLANE, 2),
        Oracle(stretching_deformation, _PLANE, 1),
        Oracle(shearing_deformation, _PLANE, 1),
        Oracle(total_deformation, _PLANE, 1),
        Oracle(residual_vorticity, _PLANE, 1),
        Oracle(viscous_stress, _BOTH, 1, ("dynamic_viscosity",)),
        Oracle(dissipation, _BOTH, 2, ("viscosity",)),
        Oracle(pseudo_dissipation, _BOTH, 2, ("viscosity",)),
        Oracle(dissipation_compressible, _BOTH, 2, ("viscosity",)),
        Oracle(vortex_stretching, _SPACE, 2),
        Oracle(enstrophy_production, _SPACE, 3),
        Oracle(strain_self_amplification, _SPACE, 3),
        Oracle(kolmogorov_length, _BOTH, -0.5, ("viscosity",)),
        Oracle(kolmogorov_time, _BOTH, -1, ("viscosity",)),
    )
} | {"deformation_rate": Oracle(symmetric, _BOTH, 1), "spin": Oracle(antisymmetric, _BOTH, 1)}
