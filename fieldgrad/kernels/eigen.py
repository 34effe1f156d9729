# SPDX-License-Identifier: BSD-3-Clause
"""Eigenvalues and eigenvectors at a point, without branches.

The trigonometric formula for a symmetric 3 x 3 tensor is wrong by 1e-8 of its norm where two eigenvalues nearly agree,
since these are roots of the characteristic polynomial that lie close together. One root never has a neighbour: the one
farthest from the mean. So that one alone is taken from the polynomial; the other two come from what is left of the
tensor across its direction, a 2 x 2 problem that has no such loss. (The idea is in D. Eberly, A robust eigensolver for
3 x 3 symmetric matrices, 2014.) The velocity gradient is treated alike: a complex pair is what is left across the
direction of its real eigenvalue. Minors are differences of products without cancellation, or a strong shear would drown
the small eigenvalues beside it: backward errors of a complex pair (largest of 4000, in rounding units) where a random
tensor of size 1e-4 is added to a shear of 1, in any direction: 1, LAPACK 2, with plain products 1e11.

Symmetric tensors are the 6-tuple xx, yy, zz, xy, xz, yz.
"""

from __future__ import annotations

from typing import Any

from fieldgrad.kernels._jit import inlined
from fieldgrad.kernels.arithmetic import (
    cross,
    cube_root,
    difference,
    dot,
    fma,
    largest,
    like,
    power_of_two,
    resolution,
    scale,
    sqrt,
    times,
)


@inlined
def _tiny(x: Any) -> Any:
    """Square of a number that is nothing beside one, yet whose own square is far from underflow."""
    square = resolution(x) * resolution(x)
    return square * square


@inlined
def determinant(A: Any) -> Any:
    """Of a 3 x 3 tensor."""
    return dot(A[0], cross(A[1], A[2]))


@inlined
def principal_minors(A: Any) -> Any:
    """Their sum, the second invariant."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = A
    return difference(xx, yy, xy, yx) + difference(xx, zz, xz, zx) + difference(yy, zz, yz, zy)


@inlined
def trace_free(a: Any, b: Any, c: Any) -> Any:
    """A third of the sum of three numbers, and the numbers less that; their new sum is zero to their own rounding."""
    third = like(1 / 3, a)
    mean = third * (a + b + c)
    a, b, c = a - mean, b - mean, c - mean
    rest = third * (a + b + c)
    return mean + rest, (a - rest, b - rest, c - rest)


@inlined
def _farthest_root(h: Any) -> Any:
    """The largest root of x^3 - 3 x = 2 h for h from 0 to 1: 2 cos(acos(h)/3), between sqrt(3) and 2."""
    # interpolated at Chebyshev's nodes, to 1e-5; two steps of Newton's method take that to 1e-10 and to rounding
    root = fma(like(-0.0080708, h), h, like(0.0350244, h))
    root = fma(fma(fma(root, h, like(-0.0918439, h)), h, like(0.332823, h)), h, like(1.73206, h))
    three = like(3.0, h)
    for _ in range(2):
        square = root * root
        root = root - (root * (square - three) - (h + h)) / (three * (square - like(1.0, h)))
    return root


@inlined
def _standard_form(S: Any) -> Any:
    """``(up, mean, p, B, root)`` with ``S = up * (mean I + p B)``, tr B = 0, B:B = 6, and B's farthest eigenvalue.

    Where S is a multiple of the unit tensor, p and B are zero. The root is one of x^3 - 3 x = det B, whose sign it has.
    """
    xx, yy, zz, xy, xz, yz = S
    down, up = power_of_two(max(largest((xx, yy, zz)), largest((xy, xz, yz))))
    mean, (xx, yy, zz) = trace_free(down * xx, down * yy, down * zz)
    xy, xz, yz = scale(down, (xy, xz, yz))
    square = fma(like(1 / 6, xx), dot((xx, yy, zz), (xx, yy, zz)), like(1 / 3, xx) * dot((xy, xz, yz), (xy, xz, yz)))
    p = sqrt(square)
    inverse = like(0.0, xx) if square <= _tiny(xx) else like(1.0, xx) / p
    xx, yy, zz = scale(inverse, (xx, yy, zz))
    xy, xz, yz = scale(inverse, (xy, xz, yz))
    det = determinant(((xx, xy, xz), (xy, yy, yz), (xz, yz, zz)))
    root = _farthest_root(min(like(0.5, xx) * abs(det), like(1.0, xx)))
    return up, mean, p, (xx, yy, zz, xy, xz, yz), root if det >= 0 else -root


@inlined
def _projector(B: Any, root: Any) -> Any:
    """V v^T of the unit eigenvector of the farthest root: the adjugate of B - root I over its trace, 6 to 9."""
    xx, yy, zz, xy, xz, yz = B
    xx, yy, zz = xx - root, yy - root, zz - root
    inverse = like(1.0, root) / (like(3.0, root) * fma(root, root, like(-1.0, root)))
    return (
        inverse * fma(yy, zz, -(yz * yz)),
        inverse * fma(xx, zz, -(xz * xz)),
        inverse * fma(xx, yy, -(xy * xy)),
        inverse * fma(xz, yz, -(xy * zz)),
        inverse * fma(xy, yz, -(xz * yy)),
        inverse * fma(xy, xz, -(yz * xx)),
    )


@inlined
def symmetric_values(S: Any) -> Any:
    """Eigenvalues of a symmetric 3 x 3 tensor, descending."""
    up, mean, p, (xx, yy, zz, xy, xz, yz), root = _standard_form(S)
    pxx, pyy, pzz, pxy, pxz, pyz = _projector((xx, yy, zz, xy, xz, yz), root)
    half = like(0.5, root)
    # what is left across v, less its mean -root/2: its eigenvalues are plus and minus one number
    middle, factor = half * root, like(-1.5, root) * root
    diagonal = fma(factor, pxx, xx + middle), fma(factor, pyy, yy + middle), fma(factor, pzz, zz + middle)
    sides = fma(factor, pxy, xy), fma(factor, pxz, xz), fma(factor, pyz, yz)
    s = sqrt(fma(half, dot(diagonal, diagonal), dot(sides, sides)))
    a = root if root >= 0 else s - middle
    b = s - middle if root >= 0 else -(s + middle)
    c = -(s + middle) if root >= 0 else root
    return up * fma(p, a, mean), up * fma(p, b, mean), up * fma(p, c, mean)


@inlined
def across(n: Any) -> Any:
    """Two unit vectors b and c that make (n, b, c) a right-handed orthonormal basis.

    T. Duff et al., Building an orthonormal basis, revisited, J. Computer Graphics Techniques 6 (2017) 1-8.
    """
    x, y, z = n
    one = like(1.0, x)
    sign = one if z >= 0 else -one
    a = -one / (sign + z)
    b = x * y * a
    return (fma(sign * x, x * a, one), sign * b, -(sign * x)), (b, fma(y, y * a, sign), -y)


@inlined
def _longest(a: Any, b: Any, c: Any) -> Any:
    """The longest of three vectors, at unit length; the x direction where all are nothing beside one."""
    aa, bb, cc = dot(a, a), dot(b, b), dot(c, c)
    second = bb > aa
    x, y, z = b[0] if second else a[0], b[1] if second else a[1], b[2] if second else a[2]
    square = bb if second else aa
    third = cc > square
    x, y, z = c[0] if third else x, c[1] if third else y, c[2] if third else z
    square = cc if third else square
    one, zero = like(1.0, square), like(0.0, square)
    nothing = square <= _tiny(square)
    inverse = one / sqrt(one if nothing else square)
    return one if nothing else inverse * x, zero if nothing else inverse * y, zero if nothing else inverse * z


@inlined
def plane_directions(d: Any, e: Any) -> Any:
    """Unit eigenvector (cosine, sine) of the tensor ((d, e), (e, -d)) with the larger eigenvalue."""
    h = sqrt(fma(d, d, e * e))
    x = d + h if d >= 0 else e
    y = e if d >= 0 else h - d
    square = fma(x, x, y * y)
    one, zero = like(1.0, d), like(0.0, d)
    nothing = square <= _tiny(d)
    inverse = one / sqrt(one if nothing else square)
    return one if nothing else inverse * x, zero if nothing else inverse * y


@inlined
def _outshines(a: Any, b: Any) -> Any:
    """Whether a component is larger than one before it by more than rounding."""
    return abs(a) > abs(b) * fma(like(16.0, a), resolution(a), like(1.0, a))


@inlined
def pointed(v: Any) -> Any:
    """A vector or its opposite: that of which the largest component (the first of those that tie) is positive."""
    x, y, z = v
    leading = y if _outshines(y, x) else x
    leading = z if _outshines(z, leading) else leading
    one = like(1.0, x)
    return scale(-one if leading < 0 else one, v)


@inlined
def symmetric_directions(S: Any) -> Any:
    """Unit eigenvectors of a symmetric 3 x 3 tensor, as rows, in descending order of their eigenvalues."""
    _, _, _, B, root = _standard_form(S)
    xx, yy, zz, xy, xz, yz = B
    pxx, pyy, pzz, pxy, pxz, pyz = _projector(B, root)
    v = _longest((pxx, pxy, pxz), (pxy, pyy, pyz), (pxz, pyz, pzz))
    b, c = across(v)
    tensor = (xx, xy, xz), (xy, yy, yz), (xz, yz, zz)
    along_b, along_c = times(tensor, b), times(tensor, c)
    cosine, sine = plane_directions(like(0.5, root) * (dot(b, along_b) - dot(c, along_c)), dot(b, along_c))
    more = (
        fma(cosine, b[0], sine * c[0]),
        fma(cosine, b[1], sine * c[1]),
        fma(cosine, b[2], sine * c[2]),
    )
    less = (
        fma(cosine, c[0], -(sine * b[0])),
        fma(cosine, c[1], -(sine * b[1])),
        fma(cosine, c[2], -(sine * b[2])),
    )
    v, more, less = pointed(v), pointed(more), pointed(less)
    first = root >= 0
    return (
        (v[0] if first else more[0], v[1] if first else more[1], v[2] if first else more[2]),
        (more[0] if first else less[0], more[1] if first else less[1], more[2] if first else less[2]),
        (less[0] if first else v[0], less[1] if first else v[1], less[2] if first else v[2]),
    )


@inlined
def _real_root(q: Any, det: Any) -> Any:
    """The real root of x^3 + q x = det that is farthest from the others."""
    zero, half = like(0.0, q), like(0.5, q)
    a, b = like(1 / 3, q) * q, half * abs(det)
    discriminant = fma(a * a, a, b * b)
    # One real root: Cardano's formula, free of cancellation: det / (g^2 + a + (a/g)^2), g^3 = b + sqrt(discriminant).
    g = cube_root(b + sqrt(max(discriminant, zero)))
    ratio = a / g
    bottom = fma(g, g, fma(ratio, ratio, a))
    alone = zero if g == 0 or bottom == 0 else det / bottom
    # Three: as for a symmetric tensor.
    p = sqrt(max(-a, zero))
    cube = p * p * p
    farthest = zero if cube == 0 else p * _farthest_root(min(b / cube, like(1.0, q)))
    return (farthest if det >= 0 else -farthest) if discriminant < 0 else alone


@inlined
def in_real_direction(L: Any) -> Any:
    """``(up, third, T, (r, b, c))``: a velocity gradient in axes along and across a real eigenvector.

    ``L = up (third I + A)`` with tr A = 0, r is a unit eigenvector of L, of its only real eigenvalue where the others
    are complex, (r, b, c) a right-handed orthonormal basis, and ``T`` holds the components of A in it.
    """
    down, up = power_of_two(max(largest(L[0]), max(largest(L[1]), largest(L[2]))))
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = scale(down, L[0]), scale(down, L[1]), scale(down, L[2])
    third, (xx, yy, zz) = trace_free(xx, yy, zz)
    A = (xx, xy, xz), (yx, yy, yz), (zx, zy, zz)
    x = _real_root(principal_minors(A), determinant(A))
    M = (xx - x, xy, xz), (yx, yy - x, yz), (zx, zy, zz - x)
    r = _longest(cross(M[1], M[2]), cross(M[2], M[0]), cross(M[0], M[1]))
    b, c = across(r)
    along_r, along_b, along_c = times(A, r), times(A, b), times(A, c)
    T = (
        (dot(r, along_r), dot(r, along_b), dot(r, along_c)),
        (dot(b, along_r), dot(b, along_b), dot(b, along_c)),
        (dot(c, along_r), dot(c, along_b), dot(c, along_c)),
    )
    return up, third, T, (r, b, c)


@inlined
def rotation_and_strain(T: Any) -> Any:
    """``(rotation, d, e, strain, noise)`` of a tensor across its first axis; ``strain`` is the length of (d, e)."""
    _, (br, bb, bc), (cr, cb, cc) = T
    half, four = like(0.5, bb), like(4.0, bb)
    d, e = half * (bb - cc), half * (bc + cb)
    noise = fma(four, resolution(d), four * (abs(br) + abs(cr)))
    return half * (cb - bc), d, e, sqrt(fma(d, d, e * e)), noise


@inlined
def rotation_about_real_direction(L: Any) -> Any:
    """``(up, r, rotation, strain, real, noise)``: what a velocity gradient does across a real eigenvector.

    r is a unit eigenvector of L, of its only real eigenvalue where the others are complex. Across it, L is a 2 x 2
    tensor with mean `real`, rate of rotation `rotation` (half the vorticity along r) and rate of strain `strain`; all
    are to be multiplied by `up`. Its eigenvalues are real + i sqrt(rotation^2 - strain^2) and the conjugate: complex
    where the magnitude of the rotation exceeds the strain. `noise` bounds the rounding in that comparison: it is large
    where L has no well-defined eigenvector, as in a simple shear.
    """
    up, third, T, (r, _, _) = in_real_direction(L)
    rotation, _, _, strain, noise = rotation_and_strain(T)
    return up, r, rotation, strain, third + like(0.5, third) * (T[1][1] + T[2][2]), noise
