# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of the quantities with respect to L, as a cotangent sees them.

For each function of :mod:`fieldgrad.kernels.points` that is not linear there is one here of the same name and with
``_pullback``: it takes L, the cotangent of the value (a number for each component, row by row) and the parameters, and
returns the cotangent of L, ``G_ij = sum_k c_k dvalue_k/dL_ij``. All are closed forms: an eigenvalue moves by
``v^T dS v``, an eigenvector by the perturbation theory of first order. Derivatives of the algorithms that find the
eigenvalues would be wrong where these iterate.

Where a value has no derivative, the answer is one of its generalised ones, so that descent can go on: zero for the norm
of a vanishing tensor, and for what is zero by definition because all eigenvalues are real; for repeated eigenvalues
that along the directions which :func:`fieldgrad.kernels.points.principal_directions` picks; and no turning of two
directions whose eigenvalues are equal. Where a value is NaN its derivative is NaN.
"""

from __future__ import annotations

from typing import Any

from fieldgrad.kernels._jit import inlined
from fieldgrad.kernels.arithmetic import (
    cross,
    dot,
    fma,
    largest,
    like,
    norm,
    power_of_two,
    quotient,
    scale,
    sqrt,
    times,
)
from fieldgrad.kernels.eigen import (
    determinant,
    in_real_direction,
    rotation_and_strain,
    symmetric_directions,
)
from fieldgrad.kernels.points import (
    _deviator,
    _strain,
    deformation_rate,
    divergence,
    kolmogorov_length,
    principal_directions,
    principal_directions_in_plane,
    principal_strain_rates,
    principal_strain_rates_in_plane,
    rotation_and_strain_in_plane,
    second_invariant,
    shear_rate,
    strength_in_plane,
    symmetric_square,
    vorticity,
)

# Tensors.


@inlined
def _times(factor: Any, A: Any) -> Any:
    """A tensor times a number."""
    return scale(factor, A[0]), scale(factor, A[1]), scale(factor, A[2])


@inlined
def _sum(a: Any, b: Any) -> Any:
    """Sum of two vectors."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@inlined
def _plus(A: Any, B: Any) -> Any:
    """Sum of two tensors."""
    return _sum(A[0], B[0]), _sum(A[1], B[1]), _sum(A[2], B[2])


@inlined
def _transpose(A: Any) -> Any:
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = A
    return (xx, yx, zx), (xy, yy, zy), (xz, yz, zz)


@inlined
def _outer(a: Any, b: Any) -> Any:
    """Dyadic product."""
    return scale(a[0], b), scale(a[1], b), scale(a[2], b)


@inlined
def _unit(factor: Any) -> Any:
    """A multiple of the unit tensor."""
    zero = like(0.0, factor)
    return (factor, zero, zero), (zero, factor, zero), (zero, zero, factor)


@inlined
def _trace_free(A: Any) -> Any:
    """A tensor less a third of its trace."""
    return _plus(A, _unit(like(-1 / 3, A[0][0]) * divergence(A)))


@inlined
def _of_vorticity(b: Any) -> Any:
    """The cotangent of L where that of the vorticity is b."""
    x, y, z = b
    zero = like(0.0, x)
    return (zero, -z, y), (z, zero, -x), (-y, x, zero)


@inlined
def _cofactors(A: Any) -> Any:
    """The derivative of the determinant."""
    return cross(A[1], A[2]), cross(A[2], A[0]), cross(A[0], A[1])


@inlined
def _direction(a: Any) -> Any:
    """A vector at unit length; zero where it vanishes."""
    a = scale(power_of_two(largest(a))[0], a)
    size = sqrt(dot(a, a))
    return scale(like(0.0, size) if size == 0 else like(1.0, size) / size, a)


@inlined
def _strain_direction(L: Any) -> Any:
    """``(D/|D|, |D|)``; zero where D vanishes."""
    size, up = _strain(L)
    down = like(1.0, up) / up
    inverse = like(0.0, size) if size == 0 else like(1.0, size) / size
    return _times(inverse, _times(down, deformation_rate(L))), up * size


# Rotation and strain.


@inlined
def vorticity_magnitude_pullback(L: Any, c: Any) -> Any:
    """Along the unit vector of the vorticity."""
    return _of_vorticity(scale(c, _direction(vorticity(L))))


@inlined
def enstrophy_pullback(L: Any, c: Any) -> Any:
    """Along the vorticity."""
    return _of_vorticity(scale(c, vorticity(L)))


@inlined
def spin_second_invariant_pullback(L: Any, c: Any) -> Any:
    """Along half the vorticity."""
    return _of_vorticity(scale(like(0.5, c) * c, vorticity(L)))


@inlined
def strain_rate_magnitude_pullback(L: Any, c: Any) -> Any:
    """D/|D|."""
    return _times(c, _strain_direction(L)[0])


@inlined
def shear_rate_pullback(L: Any, c: Any) -> Any:
    """sqrt(2) D/|D|."""
    return _times(like(2.0**0.5, c) * c, _strain_direction(L)[0])


@inlined
def principal_strain_rates_pullback(L: Any, a: Any, b: Any, c: Any) -> Any:
    """The dyadic products of the principal directions."""
    x, y, z = principal_directions(L)
    return _plus(_plus(_outer(scale(a, x), x), _outer(scale(b, y), y)), _outer(scale(c, z), z))


@inlined
def _turning(a: Any, b: Any, along_b: Any, along_a: Any, gap: Any) -> Any:
    """How two principal directions turn towards each other; not at all where their rates are equal."""
    half = like(0.0, gap) if gap == 0 else like(0.5, gap) * (along_b - along_a) / gap
    A = _outer(scale(half, a), b)
    return _plus(A, _transpose(A))


@inlined
def _of_directions(L: Any, a: Any, b: Any, c: Any) -> Any:
    """The cotangent of L where those of the principal directions are a, b and c."""
    x, y, z = principal_directions(L)
    first, second, third = principal_strain_rates(L)
    return _plus(
        _plus(
            _turning(x, y, dot(a, y), dot(b, x), first - second),
            _turning(x, z, dot(a, z), dot(c, x), first - third),
        ),
        _turning(y, z, dot(b, z), dot(c, y), second - third),
    )


@inlined
def principal_directions_pullback(
    L: Any, ax: Any, ay: Any, az: Any, bx: Any, by: Any, bz: Any, cx: Any, cy: Any, cz: Any
) -> Any:
    """Each direction turns towards another by the strain between them over the difference of their rates."""
    return _of_directions(L, (ax, ay, az), (bx, by, bz), (cx, cy, cz))


@inlined
def _symmetric_in_plane(a: Any, b: Any) -> Any:
    """Half of a b^T and its transpose, in a plane."""
    half = like(0.5, a[0])
    side = half * (a[0] * b[1] + a[1] * b[0])
    return (a[0] * b[0], side), (side, a[1] * b[1])


@inlined
def principal_strain_rates_in_plane_pullback(L: Any, a: Any, b: Any) -> Any:
    """The dyadic products of the principal directions."""
    x, y = principal_directions_in_plane(L)
    (xx, xy), (_, yy) = _symmetric_in_plane((a * x[0], a * x[1]), x)
    (uu, uv), (_, vv) = _symmetric_in_plane((b * y[0], b * y[1]), y)
    return (xx + uu, xy + uv), (xy + uv, yy + vv)


@inlined
def principal_directions_in_plane_pullback(L: Any, ax: Any, ay: Any, bx: Any, by: Any) -> Any:
    """Both turn together, by the strain between them over the difference of their rates."""
    x, y = principal_directions_in_plane(L)
    first, second = principal_strain_rates_in_plane(L)
    gap = first - second
    turned = ax * y[0] + ay * y[1] - bx * x[0] - by * x[1]
    factor = like(0.0, gap) if gap == 0 else turned / gap
    return _symmetric_in_plane((factor * x[0], factor * x[1]), y)


@inlined
def lund_rogers_pullback(L: Any, c: Any) -> Any:
    """Of det D/|D|^3."""
    N, size = _strain_direction(L)
    factor = quotient(like(-3 * 6**0.5, c) * c, size)
    return _times(factor, _plus(_cofactors(N), _times(like(-3.0, c) * determinant(N), N)))


@inlined
def _sign(a: Any) -> Any:
    one = like(1.0, a)
    return one if a > 0 else -one if a < 0 else a  # zero and NaN stay


@inlined
def vorticity_alignment_pullback(L: Any, a: Any, b: Any, c: Any) -> Any:
    """By the turning of the directions, and by that of the vorticity."""
    w = vorticity(L)
    size, n = norm(w), _direction(w)
    x, y, z = principal_directions(L)
    a, b, c = a * _sign(dot(x, n)), b * _sign(dot(y, n)), c * _sign(dot(z, n))
    g = _sum(_sum(scale(a, x), scale(b, y)), scale(c, z))
    g = scale(quotient(like(1.0, size), size), _sum(g, scale(-dot(g, n), n)))
    return _plus(_of_vorticity(g), _of_directions(L, scale(a, n), scale(b, n), scale(c, n)))


@inlined
def _of_deformation(c: Any, d: Any, e: Any) -> Any:
    """The cotangent of L in a plane where u_x - v_y has c d, and v_x + u_y has c e."""
    return (c * d, c * e), (c * e, -(c * d))


@inlined
def total_deformation_in_plane_pullback(L: Any, c: Any) -> Any:
    """Along the deformation; zero where it vanishes."""
    d, e = L[0][0] - L[1][1], L[1][0] + L[0][1]
    d, e, _ = _direction((d, e, like(0.0, d)))
    return _of_deformation(c, d, e)


@inlined
def residual_vorticity_in_plane_pullback(L: Any, c: Any) -> Any:
    """By the vorticity less the deformation where it exceeds that."""
    w, d, e = L[1][0] - L[0][1], L[0][0] - L[1][1], L[1][0] + L[0][1]
    rest = abs(w) - norm((d, e, like(0.0, d)))
    c = like(0.0, c) if rest <= 0 else c
    d, e, _ = _direction((d, e, like(0.0, d)))
    (xx, xy), (yx, yy) = _of_deformation(-c if w >= 0 else c, d, e)
    return (xx, xy - c), (yx + c, yy)


# Invariants.


@inlined
def second_invariant_pullback(L: Any, c: Any) -> Any:
    """Tr L I - L^T."""
    return _times(c, _plus(_unit(divergence(L)), _times(like(-1.0, c), _transpose(L))))


@inlined
def third_invariant_pullback(L: Any, c: Any) -> Any:
    """Minus the cofactors."""
    return _times(-c, _cofactors(L))


@inlined
def deformation_second_invariant_pullback(L: Any, c: Any) -> Any:
    """Tr D I - D."""
    return second_invariant_pullback(deformation_rate(L), c)


@inlined
def deformation_third_invariant_pullback(L: Any, c: Any) -> Any:
    """Minus the cofactors of D."""
    return third_invariant_pullback(deformation_rate(L), c)


@inlined
def strain_self_amplification_pullback(L: Any, c: Any) -> Any:
    """-3 D^2."""
    x, y, z = D = deformation_rate(L)
    return _times(like(-3.0, c) * c, (times(D, x), times(D, y), times(D, z)))


# Vortex criteria.


@inlined
def q_criterion_pullback(L: Any, c: Any) -> Any:
    """-L^T."""
    return _times(-c, _transpose(L))


@inlined
def q_criterion_deviatoric_pullback(L: Any, c: Any) -> Any:
    """The same of L less a third of its trace."""
    return q_criterion_pullback(_deviator(L), c)


@inlined
def q_criterion_deviatoric_in_plane_pullback(L: Any, c: Any) -> Any:
    """The same of L less half its trace."""
    (ux, uy), (vx, vy) = L
    d = like(0.5, ux) * (ux - vy)
    return (-(c * d), -(c * vx)), (-(c * uy), c * d)


@inlined
def delta_criterion_pullback(L: Any, c: Any) -> Any:
    """Of (q/3)^3 + (det/2)^2 of L less a third of its trace."""
    A = _deviator(L)
    third_q, half_det = like(1 / 3, c) * second_invariant(A), like(0.5, c) * determinant(A)
    return _times(c, _trace_free(_plus(_times(-(third_q * third_q), _transpose(A)), _times(half_det, _cofactors(A)))))


@inlined
def lambda2_pullback(L: Any, c: Any) -> Any:
    """Of v^T L^2 v, v the eigenvector of the middle eigenvalue."""
    v = symmetric_directions(symmetric_square(L))[1]
    return _times(c, _plus(_outer(v, times(L, v)), _outer(times(_transpose(L), v), v)))


@inlined
def _swirling(L: Any) -> Any:
    """``(up, mean, T, basis, (rotation, d, e, strain), excess, strength)``; the last two are 0 without a pair."""
    up, third, T, basis = in_real_direction(L)
    rotation, d, e, strain, noise = rotation_and_strain(T)
    excess = abs(rotation) - strain
    excess = like(0.0, excess) if excess <= noise else excess
    mean = third + like(0.5, third) * (T[1][1] + T[2][2])
    return up, mean, T, basis, (rotation, d, e, strain), excess, sqrt(excess * (abs(rotation) + strain))


@inlined
def _of_block(T: Any, basis: Any, of_mean: Any, of_rotation: Any, of_d: Any, of_e: Any, of_axis: Any) -> Any:
    """The cotangent of L where those of mean, rotation and strain across the real direction are known, and its own.

    The axis turns by what the equation of an eigenvector leaves across it, and turns the plane across it along.
    """
    (_, rb, rc), (_, bb, bc), (_, cb, cc) = T
    r, b, c = basis
    half = like(0.5, bb)
    on_bb, on_cc = half * (of_mean + of_d), half * (of_mean - of_d)
    on_bc, on_cb = half * (of_e - of_rotation), half * (of_e + of_rotation)
    turn_b = dot(of_axis, b) - fma(on_bb, rb, on_bc * rc)
    turn_c = dot(of_axis, c) - fma(on_cc, rc, on_cb * rb)
    # the transpose of K^-1, K what is left of L across the axis less the real eigenvalue, -(bb + cc)
    real = -(bb + cc)
    kb, kc = bb - real, cc - real
    inverse = like(-1.0, bb) / fma(kb, kc, -(bc * cb))
    on_br, on_cr = inverse * fma(kc, turn_b, -(cb * turn_c)), inverse * fma(kb, turn_c, -(bc * turn_b))
    of_b = _sum(_sum(scale(on_br, r), scale(on_bb, b)), scale(on_bc, c))
    of_c = _sum(_sum(scale(on_cr, r), scale(on_cb, b)), scale(on_cc, c))
    return _plus(_outer(b, of_b), _outer(c, of_c))


@inlined
def _where(condition: Any, A: Any) -> Any:
    """A tensor, or zero."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = A
    zero = like(0.0, xx)
    return (
        (xx if condition else zero, xy if condition else zero, xz if condition else zero),
        (yx if condition else zero, yy if condition else zero, yz if condition else zero),
        (zx if condition else zero, zy if condition else zero, zz if condition else zero),
    )


@inlined
def swirling_strength_pullback(L: Any, cotangent: Any) -> Any:
    """Of the root of rotation^2 - strain^2; zero where all eigenvalues are real."""
    _, _, T, basis, (rotation, d, e, _), _, strength = _swirling(L)
    zero = like(0.0, strength)
    c = cotangent / strength
    G = _of_block(T, basis, zero, c * rotation, -(c * d), -(c * e), (zero, zero, zero))
    return _where(strength != 0, G)


@inlined
def inverse_spiralling_compactness_pullback(L: Any, cotangent: Any) -> Any:
    """Of mean over strength."""
    up, mean, T, basis, (rotation, d, e, _), _, strength = _swirling(L)
    zero = like(0.0, strength)
    on_mean = quotient(cotangent, strength * up)
    c = -quotient(on_mean * mean, strength * strength)
    # a third of the trace was taken from L: it changes the mean too
    G = _trace_free(_of_block(T, basis, on_mean, c * rotation, -(c * d), -(c * e), (zero, zero, zero)))
    return _plus(G, _unit(like(1 / 3, c) * on_mean))


@inlined
def swirling_axis_pullback(L: Any, x: Any, y: Any, z: Any) -> Any:
    """By the turning of the real eigenvector; zero where all eigenvalues are real."""
    up, _, T, basis, (rotation, _, _, _), excess, _ = _swirling(L)
    zero = like(0.0, up)
    G = _of_block(T, basis, zero, zero, zero, zero, scale(_sign(rotation) / up, (x, y, z)))
    return _where(excess != 0, G)


@inlined
def rortex_magnitude_pullback(L: Any, c: Any) -> Any:
    """Of twice the excess of rotation over strain."""
    zero = like(0.0, c)
    _, _, T, basis, (rotation, d, e, strain), excess, _ = _swirling(L)
    twice = c + c
    inverse = zero if strain == 0 else twice / strain
    G = _of_block(T, basis, zero, twice * _sign(rotation), -(inverse * d), -(inverse * e), (zero, zero, zero))
    return _where(excess != 0, G)


@inlined
def rortex_pullback(L: Any, x: Any, y: Any, z: Any) -> Any:
    """By its magnitude and by its direction."""
    _, _, T, basis, (rotation, d, e, strain), excess, _ = _swirling(L)
    zero, sign = like(0.0, x), _sign(rotation)
    twice = (sign + sign) * dot((x, y, z), basis[0])
    inverse = zero if strain == 0 else twice / strain
    axis = scale(sign * (excess + excess), (x, y, z))
    G = _of_block(T, basis, zero, twice * sign, -(inverse * d), -(inverse * e), axis)
    return _where(excess != 0, G)


@inlined
def _of_strength_in_plane(factor: Any, rotation: Any, d: Any, e: Any) -> Any:
    """Half of (rotation drotation - d dd - e de) times a factor."""
    half = like(0.5, factor) * factor
    return (-(half * d), -(half * (e + rotation))), (half * (rotation - e), half * d)


@inlined
def swirling_strength_in_plane_pullback(L: Any, c: Any) -> Any:
    """The same in a plane."""
    _, rotation, d, e, _ = rotation_and_strain_in_plane(L)
    strength = strength_in_plane(rotation, d, e)
    zero = like(0.0, strength)
    return _of_strength_in_plane(zero if strength == 0 else c / strength, rotation, d, e)


@inlined
def inverse_spiralling_compactness_in_plane_pullback(L: Any, c: Any) -> Any:
    """The same in a plane."""
    up, rotation, d, e, mean = rotation_and_strain_in_plane(L)
    strength = strength_in_plane(rotation, d, e)
    on_mean = quotient(c, strength * up)
    (xx, xy), (yx, yy) = _of_strength_in_plane(-quotient(on_mean * mean, strength * strength), rotation, d, e)
    half = like(0.5, on_mean) * on_mean
    return (xx + half, xy), (yx, yy + half)


@inlined
def omega_method_pullback(L: Any, c: Any, epsilon: Any) -> Any:
    """Of the quotient |W|^2 / (|D|^2 + |W|^2 + epsilon)."""
    w, D = vorticity(L), deformation_rate(L)
    down, _ = power_of_two(max(largest(w), max(largest(D[0]), max(largest(D[1]), largest(D[2])))))
    w, D = scale(down, w), _times(down, D)
    rotation = like(0.5, down) * dot(w, w)
    strain = dot(D[0], D[0]) + dot(D[1], D[1]) + dot(D[2], D[2]) + epsilon * down * down
    bottom = strain + rotation
    factor = quotient(c * down, bottom * bottom)
    return _plus(_of_vorticity(scale(factor * strain, w)), _times(like(-2.0, c) * factor * rotation, D))


@inlined
def kinematic_vorticity_number_pullback(L: Any, c: Any) -> Any:
    """Of the quotient |w|/(sqrt(2) |D|)."""
    w, (N, size) = vorticity(L), _strain_direction(L)
    factor = quotient(like(0.5**0.5, c) * c, size)
    return _plus(_of_vorticity(scale(factor, _direction(w))), _times(-quotient(factor * norm(w), size), N))


@inlined
def okubo_weiss_in_plane_pullback(L: Any, c: Any) -> Any:
    """Of (u_x - v_y)^2 + 4 u_y v_x."""
    (ux, uy), (vx, vy) = L
    d, four = like(2.0, c) * c * (ux - vy), like(4.0, c) * c
    return (d, four * vx), (four * uy, -d)


# Stress, dissipation and the growth of vorticity.


@inlined
def viscous_stress_pullback(
    L: Any,
    xx: Any, xy: Any, xz: Any, yx: Any, yy: Any, yz: Any, zx: Any, zy: Any, zz: Any,
    dynamic_viscosity: Any,
) -> Any:  # fmt: skip
    """The stress of the cotangent: it is linear and symmetric."""
    D = deformation_rate(((xx, xy, xz), (yx, yy, yz), (zx, zy, zz)))
    return _times(like(2.0, xx) * dynamic_viscosity, _trace_free(D))


@inlined
def dissipation_pullback(L: Any, c: Any, viscosity: Any) -> Any:
    """4 nu D."""
    return _times(like(4.0, c) * viscosity * c, deformation_rate(L))


@inlined
def dissipation_compressible_pullback(L: Any, c: Any, viscosity: Any) -> Any:
    """4 nu (D - tr D I/3)."""
    return dissipation_pullback(_deviator(L), c, viscosity)


@inlined
def pseudo_dissipation_pullback(L: Any, c: Any, viscosity: Any) -> Any:
    """2 nu L."""
    return _times(like(2.0, c) * viscosity * c, L)


@inlined
def kolmogorov_length_pullback(L: Any, c: Any, viscosity: Any) -> Any:
    """Of sqrt(nu/shear_rate)."""
    half = like(-0.5, c) * c * kolmogorov_length(L, viscosity)
    return shear_rate_pullback(L, quotient(half, shear_rate(L)))


@inlined
def kolmogorov_time_pullback(L: Any, c: Any, viscosity: Any) -> Any:
    """Of 1/shear_rate."""
    rate = shear_rate(L)
    return shear_rate_pullback(L, -quotient(quotient(c * (viscosity / viscosity), rate), rate))


@inlined
def vortex_stretching_pullback(L: Any, x: Any, y: Any, z: Any) -> Any:
    """By L, and by the vorticity."""
    c = x, y, z
    return _plus(_outer(c, vorticity(L)), _of_vorticity(times(_transpose(L), c)))


@inlined
def enstrophy_production_pullback(L: Any, c: Any) -> Any:
    """By D, and by the vorticity on either side."""
    w = vorticity(L)
    return _times(c, _plus(_outer(w, w), _of_vorticity(scale(like(2.0, c), times(deformation_rate(L), w)))))
