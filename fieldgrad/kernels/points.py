# SPDX-License-Identifier: BSD-3-Clause
"""Functions of the velocity-gradient tensor at a point.

Each takes L as a 3 x 3 tuple, ``L[i][j] = du_i/dx_j``, and parameters; nothing else. In a plane flow the other entries
are zero. What a plane flow has of its own, rather than as a flow in space, is named ``..._in_plane`` and takes L as a
2 x 2 tuple. All are compiled into the loop of the engine, so they hold no branches, no calls of the mathematics library
(see :mod:`fieldgrad.kernels.arithmetic`), and join products and sums by :func:`fma` alone.

Sums of products may overflow where their value does. Roots and quotients do not: they are taken of numbers that a power
of two has brought near one.
"""

from __future__ import annotations

from typing import Any

from fieldgrad.kernels._jit import inlined
from fieldgrad.kernels.arithmetic import (
    dot,
    fma,
    largest,
    like,
    norm,
    power_of_two,
    quotient,
    resolution,
    scale,
    sqrt,
    times,
)
from fieldgrad.kernels.eigen import (
    determinant,
    plane_directions,
    pointed,
    principal_minors,
    rotation_about_real_direction,
    symmetric_directions,
    symmetric_values,
    trace_free,
)

# Of a scalar, whose gradient is the first row.


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
    return dot((u, v, w), L[0])


@inlined
def vector_advection(L: Any, u: Any, v: Any, w: Any) -> Any:
    """(u . grad) of a vector."""
    return times(L, (u, v, w))


@inlined
def along(L: Any, u: Any, v: Any, w: Any) -> Any:
    """Derivative of a scalar along the unit vector of (u, v, w); NaN where the vector vanishes."""
    size = largest((u, v, w))
    # divided rather than scaled by a power of two: along an axis this is the derivative along it, to the bit
    a = u / size, v / size, w / size
    return dot(a, L[0]) / sqrt(dot(a, a))


@inlined
def scalar_dissipation(L: Any, diffusivity: Any) -> Any:
    """2 kappa |grad f|^2."""
    return like(2.0, diffusivity) * diffusivity * dot(L[0], L[0])


# Of the velocity and its gradient.


@inlined
def value(L: Any, u: Any, v: Any, w: Any) -> Any:
    """The velocity itself."""
    return u, v, w


@inlined
def helicity(L: Any, u: Any, v: Any, w: Any) -> Any:
    """Product of velocity and vorticity."""
    return dot((u, v, w), vorticity(L))


@inlined
def relative_helicity(L: Any, u: Any, v: Any, w: Any) -> Any:
    """Cosine of the angle between velocity and vorticity."""
    a, b = (u, v, w), vorticity(L)
    a, b = scale(power_of_two(largest(a))[0], a), scale(power_of_two(largest(b))[0], b)
    cosine, one = quotient(dot(a, b), sqrt(dot(a, a)) * sqrt(dot(b, b))), like(1.0, u)
    cosine = one if cosine > one else cosine  # rounding may exceed them
    return -one if cosine < -one else cosine


# The tensor and its parts.


@inlined
def velocity_gradient(L: Any) -> Any:
    """L itself."""
    return L


@inlined
def _sides(L: Any) -> Any:
    """D_xy, D_xz, D_yz. Halves are taken first: they are exact and cannot overflow."""
    (_, uy, uz), (vx, _, vz), (wx, wy, _) = L
    half = like(0.5, uy)
    return half * uy + half * vx, half * uz + half * wx, half * vz + half * wy


@inlined
def _symmetric(L: Any) -> Any:
    """D as xx, yy, zz, xy, xz, yz."""
    xy, xz, yz = _sides(L)
    return L[0][0], L[1][1], L[2][2], xy, xz, yz


@inlined
def deformation_rate(L: Any) -> Any:
    """D = (L + L^T)/2."""
    xx, yy, zz, xy, xz, yz = _symmetric(L)
    return (xx, xy, xz), (xy, yy, yz), (xz, yz, zz)


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


# Rotation.


@inlined
def vorticity(L: Any) -> Any:
    """Curl of u, twice the dual of W."""
    (_, uy, uz), (vx, _, vz), (wx, wy, _) = L
    return wy - vz, uz - wx, vx - uy


@inlined
def vorticity_magnitude(L: Any) -> Any:
    """|w|."""
    return norm(vorticity(L))


@inlined
def enstrophy(L: Any) -> Any:
    """|w|^2/2."""
    w = vorticity(L)
    return dot(scale(like(0.5, w[0]), w), w)


@inlined
def spin_second_invariant(L: Any) -> Any:
    """|W|^2/2, a quarter of |w|^2."""
    half = scale(like(0.5, L[0][0]), vorticity(L))
    return dot(half, half)


# Strain.


@inlined
def _strain(L: Any) -> Any:
    """``(|D|/s, s)``, s a power of two."""
    diagonal, sides = (L[0][0], L[1][1], L[2][2]), _sides(L)
    down, up = power_of_two(max(largest(diagonal), largest(sides)))
    diagonal, sides = scale(down, diagonal), scale(down, sides)
    return sqrt(fma(like(2.0, down), dot(sides, sides), dot(diagonal, diagonal))), up


@inlined
def strain_rate_magnitude(L: Any) -> Any:
    """sqrt(D:D)."""
    size, up = _strain(L)
    return up * size


@inlined
def shear_rate(L: Any) -> Any:
    """sqrt(2 D:D)."""
    size, up = _strain(L)
    return up * (like(2.0**0.5, size) * size)


@inlined
def principal_strain_rates(L: Any) -> Any:
    """Eigenvalues of D, descending."""
    return symmetric_values(_symmetric(L))


@inlined
def principal_directions(L: Any) -> Any:
    """Unit eigenvectors of D, as rows."""
    return symmetric_directions(_symmetric(L))


@inlined
def lund_rogers(L: Any) -> Any:
    """-3 sqrt(6) abc / (a^2 + b^2 + c^2)^(3/2), which is -3 sqrt(6) det D / |D|^3: eigenvalues are not needed."""
    size, up = _strain(L)
    down = like(1.0, up) / up
    D = deformation_rate((scale(down, L[0]), scale(down, L[1]), scale(down, L[2])))
    return quotient(like(-3 * 6**0.5, size) * determinant(D), size * size * size)


@inlined
def vorticity_alignment(L: Any) -> Any:
    """|cos| between vorticity and each principal direction."""
    w = vorticity(L)
    w = scale(power_of_two(largest(w))[0], w)
    a, b, c = principal_directions(L)
    size = sqrt(dot(w, w))
    a, b, c = quotient(abs(dot(w, a)), size), quotient(abs(dot(w, b)), size), quotient(abs(dot(w, c)), size)
    one = like(1.0, size)  # which rounding may exceed
    return one if a > one else a, one if b > one else b, one if c > one else c


@inlined
def _plane_strain(L: Any) -> Any:
    """``(mean, d, e, s)``: D = s (mean I + ((d, e), (e, -d))) in a plane, s a power of two."""
    (ux, uy), (vx, vy) = L
    half = like(0.5, ux)
    shear = half * uy + half * vx
    down, up = power_of_two(max(abs(ux), max(abs(vy), abs(shear))))
    ux, vy = half * (down * ux), half * (down * vy)
    return ux + vy, ux - vy, down * shear, up


@inlined
def principal_strain_rates_in_plane(L: Any) -> Any:
    """Eigenvalues of D, descending."""
    mean, d, e, up = _plane_strain(L)
    s = sqrt(fma(d, d, e * e))
    return up * (mean + s), up * (mean - s)


@inlined
def principal_directions_in_plane(L: Any) -> Any:
    """Unit eigenvectors of D, as rows."""
    _, d, e, _ = _plane_strain(L)
    cosine, sine = plane_directions(d, e)
    zero = like(0.0, d)
    a, b = pointed((cosine, sine, zero)), pointed((-sine, cosine, zero))
    return (a[0], a[1]), (b[0], b[1])


@inlined
def stretching_deformation_in_plane(L: Any) -> Any:
    """u_x - v_y."""
    return L[0][0] - L[1][1]


@inlined
def shearing_deformation_in_plane(L: Any) -> Any:
    """v_x + u_y."""
    return L[1][0] + L[0][1]


@inlined
def total_deformation_in_plane(L: Any) -> Any:
    """sqrt((u_x - v_y)^2 + (v_x + u_y)^2)."""
    _, d, e, up = _plane_strain(L)
    return up * (like(2.0, d) * sqrt(fma(d, d, e * e)))


# Invariants.


@inlined
def first_invariant(L: Any) -> Any:
    """-tr L."""
    return -divergence(L)


@inlined
def second_invariant(L: Any) -> Any:
    """((tr L)^2 - tr(L^2))/2, the sum of the principal minors."""
    return principal_minors(L)


@inlined
def third_invariant(L: Any) -> Any:
    """-det L."""
    return -determinant(L)


@inlined
def deformation_second_invariant(L: Any) -> Any:
    """((tr D)^2 - tr(D^2))/2."""
    return second_invariant(deformation_rate(L))


@inlined
def deformation_third_invariant(L: Any) -> Any:
    """-det D."""
    return -determinant(deformation_rate(L))


@inlined
def strain_self_amplification(L: Any) -> Any:
    """-tr(D^3)."""
    x, y, z = D = deformation_rate(L)
    return -(dot(x, times(D, x)) + dot(y, times(D, y)) + dot(z, times(D, z)))


# Vortex criteria.


@inlined
def q_criterion(L: Any) -> Any:
    """-tr(L^2)/2, which is (|W|^2 - |D|^2)/2."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    diagonal = dot((ux, vy, wz), (ux, vy, wz))
    return -fma(like(0.5, ux), diagonal, fma(uy, vx, fma(uz, wx, vz * wy)))


@inlined
def _deviator(L: Any) -> Any:
    """L less a third of its trace."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    _, (ux, vy, wz) = trace_free(ux, vy, wz)
    return (ux, uy, uz), (vx, vy, vz), (wx, wy, wz)


@inlined
def q_criterion_deviatoric(L: Any) -> Any:
    """(|W|^2 - |D'|^2)/2: the Q criterion of L less a third of its trace."""
    return q_criterion(_deviator(L))


@inlined
def q_criterion_deviatoric_in_plane(L: Any) -> Any:
    """The same in a plane, where D' is D less half its trace."""
    (ux, uy), (vx, vy) = L
    d = like(0.5, ux) * (ux - vy)
    return -fma(d, d, uy * vx)


@inlined
def delta_criterion(L: Any) -> Any:
    """(q/3)^3 + (r/2)^2, q and r the second and third invariant of L less a third of its trace."""
    A = _deviator(L)
    third_q, half_det = like(1 / 3, A[0][0]) * second_invariant(A), like(0.5, A[0][0]) * determinant(A)
    return fma(third_q * third_q, third_q, half_det * half_det)


@inlined
def symmetric_square(L: Any) -> Any:
    """D^2 + W^2, the symmetric part of L^2, as xx, yy, zz, xy, xz, yz."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = L
    half = like(0.5, ux)
    xy, xz, yz = uy * vx, uz * wx, vz * wy
    return (
        fma(ux, ux, xy + xz),
        fma(vy, vy, xy + yz),
        fma(wz, wz, xz + yz),
        half * fma(ux + vy, uy + vx, fma(uz, wy, wx * vz)),
        half * fma(ux + wz, uz + wx, fma(uy, vz, vx * wy)),
        half * fma(vy + wz, vz + wy, fma(vx, uz, uy * wx)),
    )


@inlined
def lambda2(L: Any) -> Any:
    """Middle eigenvalue of D^2 + W^2."""
    return symmetric_values(symmetric_square(L))[1]


@inlined
def _swirl(L: Any) -> Any:
    """``(up, r, rotation, excess, strength, real)`` of a complex pair; without one excess and strength are 0."""
    up, r, rotation, strain, real, noise = rotation_about_real_direction(L)
    excess = abs(rotation) - strain
    excess = like(0.0, excess) if excess <= noise else excess  # NaN stays NaN
    return up, r, rotation, excess, sqrt(excess * (abs(rotation) + strain)), real


@inlined
def rotation_and_strain_in_plane(L: Any) -> Any:
    """``(up, rotation, d, e, mean)``: L = up ((mean + d, e - rotation), (e + rotation, mean - d))."""
    (ux, uy), (vx, vy) = L
    down, up = power_of_two(max(max(abs(ux), abs(uy)), max(abs(vx), abs(vy))))
    half = like(0.5, ux)
    ux, uy, vx, vy = half * (down * ux), half * (down * uy), half * (down * vx), half * (down * vy)
    return up, vx - uy, ux - vy, uy + vx, ux + vy


@inlined
def strength_in_plane(rotation: Any, d: Any, e: Any) -> Any:
    """Imaginary part of the complex pair of eigenvalues; 0 where they are real."""
    rotation, strain = abs(rotation), sqrt(fma(d, d, e * e))
    excess = rotation - strain
    excess = like(0.0, d) if excess <= like(8.0, d) * resolution(d) * rotation else excess
    return sqrt(excess * (rotation + strain))


@inlined
def swirling_strength(L: Any) -> Any:
    """Imaginary part of the complex pair of eigenvalues of L."""
    up, _, _, _, strength, _ = _swirl(L)
    return up * strength


@inlined
def swirling_strength_in_plane(L: Any) -> Any:
    """The same in a plane."""
    up, rotation, d, e, _ = rotation_and_strain_in_plane(L)
    return up * strength_in_plane(rotation, d, e)


@inlined
def inverse_spiralling_compactness(L: Any) -> Any:
    """Real over imaginary part of the complex pair."""
    _, _, _, _, strength, real = _swirl(L)
    return quotient(real, strength)


@inlined
def inverse_spiralling_compactness_in_plane(L: Any) -> Any:
    """The same in a plane."""
    _, rotation, d, e, mean = rotation_and_strain_in_plane(L)
    return quotient(mean, strength_in_plane(rotation, d, e))


@inlined
def _turned(size: Any, r: Any, rotation: Any) -> Any:
    """A multiple of r that turns with the rotation; zero, not minus zero or NaN, where the multiple is."""
    factor = size if rotation > 0 else -size
    zero = like(0.0, size)
    x, y, z = scale(factor, r)
    return zero if size == 0 else x, zero if size == 0 else y, zero if size == 0 else z


@inlined
def swirling_axis(L: Any) -> Any:
    """Unit real eigenvector r with w . r >= 0."""
    _, r, rotation, _, strength, _ = _swirl(L)
    return _turned(strength if strength == 0 else strength / strength, r, rotation)


@inlined
def rortex(L: Any) -> Any:
    """(w . r - sqrt((w . r)^2 - 4 lambda_ci^2)) r, which is twice the excess of rotation over strain."""
    up, r, rotation, excess, _, _ = _swirl(L)
    return _turned(up * (excess + excess), r, rotation)


@inlined
def rortex_magnitude(L: Any) -> Any:
    """|R|."""
    up, _, _, excess, _, _ = _swirl(L)
    return up * (excess + excess)


@inlined
def omega_method(L: Any, epsilon: Any) -> Any:
    """|W|^2 / (|D|^2 + |W|^2 + epsilon)."""
    w, diagonal, sides = vorticity(L), (L[0][0], L[1][1], L[2][2]), _sides(L)
    down, _ = power_of_two(max(largest(w), max(largest(diagonal), largest(sides))))
    w, diagonal, sides = scale(down, w), scale(down, diagonal), scale(down, sides)
    rotation = like(0.5, down) * dot(w, w)
    strain = fma(like(2.0, down), dot(sides, sides), dot(diagonal, diagonal))
    return quotient(rotation, strain + rotation + epsilon * down * down)


@inlined
def kinematic_vorticity_number(L: Any) -> Any:
    """|W|/|D|, the magnitude of vorticity over the shear rate."""
    return quotient(vorticity_magnitude(L), shear_rate(L))


@inlined
def okubo_weiss_in_plane(L: Any) -> Any:
    """(u_x - v_y)^2 + (v_x + u_y)^2 - w_z^2; the last two differ by 4 u_y v_x."""
    (ux, uy), (vx, vy) = L
    d = ux - vy
    return fma(d, d, like(4.0, d) * (uy * vx))


@inlined
def residual_vorticity_in_plane(L: Any) -> Any:
    """What the vorticity exceeds the total deformation by, with the sign of the vorticity."""
    w = L[1][0] - L[0][1]
    excess = abs(w) - total_deformation_in_plane(L)
    excess = like(0.0, w) if excess <= 0 else excess
    return excess if w >= 0 else -excess


# Stress, dissipation and the growth of vorticity.


@inlined
def viscous_stress(L: Any, dynamic_viscosity: Any) -> Any:
    """2 mu D - (2/3) mu tr(L) I: twice mu times D less a third of its trace."""
    factor = like(2.0, dynamic_viscosity) * dynamic_viscosity
    _, diagonal = trace_free(L[0][0], L[1][1], L[2][2])
    (xx, yy, zz), (xy, xz, yz) = scale(factor, diagonal), scale(factor, _sides(L))
    return (xx, xy, xz), (xy, yy, yz), (xz, yz, zz)


@inlined
def dissipation(L: Any, viscosity: Any) -> Any:
    """2 nu D:D."""
    # nu D first: the product with D overflows only where the value does. Scaled by a power of two it takes 2.9 ns a
    # point beside lambda2, so a third of that.
    diagonal, sides = (L[0][0], L[1][1], L[2][2]), _sides(L)
    stress = scale(viscosity, diagonal), scale(viscosity, sides)
    return fma(like(4.0, viscosity), dot(stress[1], sides), like(2.0, viscosity) * dot(stress[0], diagonal))


@inlined
def dissipation_compressible(L: Any, viscosity: Any) -> Any:
    """2 nu (D:D - (tr D)^2/3): the dissipation of L less a third of its trace."""
    return dissipation(_deviator(L), viscosity)


@inlined
def pseudo_dissipation(L: Any, viscosity: Any) -> Any:
    """Nu L:L."""
    return dot(scale(viscosity, L[0]), L[0]) + dot(scale(viscosity, L[1]), L[1]) + dot(scale(viscosity, L[2]), L[2])


@inlined
def kolmogorov_length(L: Any, viscosity: Any) -> Any:
    """(nu^3/eps)^(1/4), which is sqrt(nu/shear_rate)."""
    return sqrt(viscosity) * sqrt(kolmogorov_time(L, viscosity))


@inlined
def kolmogorov_time(L: Any, viscosity: Any) -> Any:
    """(nu/eps)^(1/2), which is 1/shear_rate wherever there is a viscosity."""
    return quotient(viscosity / viscosity, shear_rate(L))


@inlined
def vortex_stretching(L: Any) -> Any:
    """(w . grad) u = L w."""
    return times(L, vorticity(L))


@inlined
def enstrophy_production(L: Any) -> Any:
    """Product of vorticity and D w."""
    w = vorticity(L)
    return dot(w, times(deformation_rate(L), w))
