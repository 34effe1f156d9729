# SPDX-License-Identifier: BSD-3-Clause
"""Derived quantities from an exact velocity-gradient tensor, written down as plain NumPy.

These formulas are the oracle of the library's tests: they are kept straightforward, slow, and apart from the
kernels and from the registry of `fieldgrad.derive`. Sources: Pope, Turbulent Flows (2000), chapters 2 and 5,
for the decomposition and the dissipation; Chong, Perry & Cantwell, Phys. Fluids A 2 (1990) 765, for the
invariants; Hunt, Wray & Moin, CTR-S88 (1988) 193, for Q; Jeong & Hussain, J. Fluid Mech. 285 (1995) 69, for
lambda2; Okubo, Deep-Sea Res. 17 (1970) 445, and Weiss, Physica D 48 (1991) 273, for the Okubo-Weiss
parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fieldgrad.flows._checks import Array

AXES = ("x", "y", "z")
TENSOR = ("component", "direction")

_LEVI_CIVITA = np.zeros((3, 3, 3))
for _i, _j, _k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    _LEVI_CIVITA[_i, _j, _k] = 1.0
    _LEVI_CIVITA[_i, _k, _j] = -1.0


@dataclass(frozen=True)
class Terms:
    """L at every point, indices last, and what the formulas need of it."""

    L: Array  # (..., n, n); (..., 3, 2) for three components on a plane
    w: Array  # curl of the velocity, (..., 3) in 3-D, (...) on a plane
    nu: float  # kinematic viscosity; NaN where the quantity does not need it

    @property
    def D(self) -> Array:
        return (self.L + _transposed(self.L)) / 2

    @property
    def W(self) -> Array:
        return (self.L - _transposed(self.L)) / 2

    @property
    def w_squared(self) -> Array:
        return self.w**2 if self.w.ndim == self.L.ndim - 2 else np.einsum("...i,...i->...", self.w, self.w)


@dataclass(frozen=True)
class Formula:
    """How one quantity follows from L."""

    definition: str
    units: str
    evaluate: Callable[[Terms], Array]
    dims: tuple[str, ...] = ()  # leading dimensions of the result in 3-D
    spaces: tuple[int, ...] = (2, 3)  # numbers of dimensions in which it is defined
    needs_viscosity: bool = False


def _transposed(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def _trace(a: Array) -> Array:
    value: Array = np.einsum("...ii->...", a)
    return value


def _squared(a: Array) -> Array:
    """A:A, the sum of the squares of the elements."""
    value: Array = np.einsum("...ij,...ij->...", a, a)
    return value


def _second_invariant(q: Terms) -> Array:
    return (_trace(q.L) ** 2 - _trace(q.L @ q.L)) / 2


def _lambda2(q: Terms) -> Array:
    return np.asarray(np.linalg.eigvalsh(q.D @ q.D + q.W @ q.W)[..., 1], dtype=np.float64)


def _principal_strain_rates(q: Terms) -> Array:
    return np.asarray(np.linalg.eigvalsh(q.D)[..., ::-1], dtype=np.float64)


def _third_invariant(q: Terms) -> Array:
    value: Array = -np.linalg.det(q.L)
    return value


def _okubo_weiss(q: Terms) -> Array:
    normal = q.L[..., 0, 0] - q.L[..., 1, 1]
    shear = q.L[..., 1, 0] + q.L[..., 0, 1]
    return normal**2 + shear**2 - q.w_squared


FORMULAS: dict[str, Formula] = {
    "velocity_gradient": Formula("L_ij = du_i/dx_j", "s-1", lambda q: q.L, TENSOR, (1, 2, 3)),
    "deformation_rate": Formula("D = (L + L^T)/2", "s-1", lambda q: q.D, TENSOR),
    "spin": Formula("W = (L - L^T)/2", "s-1", lambda q: q.W, TENSOR),
    "divergence": Formula("tr L", "s-1", lambda q: _trace(q.L), spaces=(1, 2, 3)),
    "vorticity": Formula("(w_y - v_z, u_z - w_x, v_x - u_y)", "s-1", lambda q: q.w, ("component",)),
    "vorticity_magnitude": Formula("|vorticity|", "s-1", lambda q: np.sqrt(q.w_squared)),
    "enstrophy": Formula("|vorticity|^2/2", "s-2", lambda q: q.w_squared / 2),
    "strain_rate_magnitude": Formula("sqrt(D:D)", "s-1", lambda q: np.sqrt(_squared(q.D))),
    "shear_rate": Formula("sqrt(2 D:D)", "s-1", lambda q: np.sqrt(2 * _squared(q.D))),
    "first_invariant": Formula("P = -tr L", "s-1", lambda q: -_trace(q.L)),
    "second_invariant": Formula("Q = (P^2 - tr L^2)/2", "s-2", _second_invariant),
    "third_invariant": Formula("R = -det L", "s-3", _third_invariant, spaces=(3,)),
    "q_criterion": Formula("(|W|^2 - |D|^2)/2", "s-2", lambda q: (_squared(q.W) - _squared(q.D)) / 2),
    "lambda2": Formula("middle eigenvalue of D^2 + W^2", "s-2", _lambda2, spaces=(3,)),
    "principal_strain_rates": Formula("eigenvalues of D, descending", "s-1", _principal_strain_rates, ("principal",)),
    "okubo_weiss": Formula("(u_x - v_y)^2 + (v_x + u_y)^2 - w_z^2", "s-2", _okubo_weiss, spaces=(2,)),
    "dissipation": Formula("2 nu D:D", "m2 s-3", lambda q: 2 * q.nu * _squared(q.D), needs_viscosity=True),
    "pseudo_dissipation": Formula("nu L:L", "m2 s-3", lambda q: q.nu * _squared(q.L), needs_viscosity=True),
    "vortex_stretching": Formula("L w", "s-2", lambda q: np.einsum("...ij,...j->...i", q.L, q.w), ("component",), (3,)),
    "enstrophy_production": Formula(
        "w . D w", "s-3", lambda q: np.einsum("...i,...ij,...j->...", q.w, q.D, q.w), spaces=(3,)
    ),
    "strain_self_amplification": Formula("-tr D^3", "s-3", lambda q: -_trace(q.D @ q.D @ q.D), spaces=(3,)),
}


def formula(name: str, components: Sequence[str], directions: Sequence[str]) -> Formula:
    """Return the formula of a quantity, or refuse a name or a flow that it is not defined for."""
    if name not in FORMULAS:
        raise ValueError(f"there is no exact quantity {name!r}; there are {', '.join(FORMULAS)}")
    found = FORMULAS[name]
    n = len(directions)
    if n not in found.spaces:
        allowed = " or ".join(f"{space}-D" for space in found.spaces)
        raise ValueError(f"{name} is defined in {allowed} flows; this flow is {n}-D, with {', '.join(directions)}")
    curl_only = name in ("velocity_gradient", "vorticity")
    if len(components) != n and not curl_only:
        raise ValueError(
            f"{name} needs the derivatives of {len(components)} components along as many axes; this flow "
            f"has only {' and '.join(directions)}; velocity_gradient and vorticity (its normal component) "
            f"are defined"
        )
    return found


def curl(L: Array, components: Sequence[str], directions: Sequence[str]) -> Array:
    """Return curl u of L (..., component, direction): (..., 3) in 3-D, the normal component on a plane."""
    full = np.zeros((*L.shape[:-2], 3, 3))
    for i, component in enumerate(components):
        for j, direction in enumerate(directions):
            full[..., AXES.index(component), AXES.index(direction)] = L[..., i, j]
    w: Array = np.einsum("kji,...ij->...k", _LEVI_CIVITA, full)
    if len(directions) == 2:
        (normal,) = set(AXES) - set(directions)
        return w[..., AXES.index(normal)]
    return w
