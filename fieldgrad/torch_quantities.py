# SPDX-License-Identifier: BSD-3-Clause
"""Quantities that are algebraic in L, in PyTorch's operations, which know their own derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch

Tensor: TypeAlias = torch.Tensor


class Gradient:
    """A velocity gradient of shape (n, n, ...) and what formulas need of it.

    Parameters
    ----------
    L : Tensor
        The tensor; pseudo-vectors are those of directions that are right-handed in their order.
    """

    def __init__(self, L: Tensor) -> None:
        self.L = L
        self.n = len(L)
        self.D = (L + L.transpose(0, 1)) / 2
        self.tr = torch.einsum("ii...->...", L)

    @property
    def w(self) -> Tensor:
        """Vorticity; in a plane its normal component."""
        L = self.L
        if self.n == 2:
            return L[1, 0] - L[0, 1]
        return torch.stack([L[2, 1] - L[1, 2], L[0, 2] - L[2, 0], L[1, 0] - L[0, 1]])

    @property
    def w2(self) -> Tensor:
        """Square of the vorticity."""
        return self.w**2 if self.n == 2 else (self.w**2).sum(0)

    @property
    def unit(self) -> Tensor:
        """The unit tensor, at every point."""
        return torch.eye(self.n, dtype=self.L.dtype).reshape(self.n, self.n, *[1] * (self.L.ndim - 2))


def _square(A: Tensor) -> Tensor:
    return (A * A).sum((0, 1))


def _trace_of_square(A: Tensor) -> Tensor:
    return torch.einsum("ij...,ji...->...", A, A)


def _det(A: Tensor) -> Tensor:
    return (A[0] * torch.linalg.cross(A[1], A[2], dim=0)).sum(0)


def _second(A: Tensor) -> Tensor:
    return (torch.einsum("ii...->...", A) ** 2 - _trace_of_square(A)) / 2


def _deviator(g: Gradient, A: Tensor, n: int = 3) -> Tensor:
    return A - g.unit * g.tr / n


def _delta(g: Gradient) -> Tensor:
    A = _deviator(g, g.L)
    return (_second(A) / 3) ** 3 + (_det(A) / 2) ** 2


def _times(A: Tensor, b: Tensor) -> Tensor:
    return torch.einsum("ij...,j...->i...", A, b)


def _deformation(g: Gradient) -> tuple[Tensor, Tensor]:
    return g.L[0, 0] - g.L[1, 1], g.L[1, 0] + g.L[0, 1]


def _total(g: Gradient) -> Tensor:
    d, e = _deformation(g)
    return torch.sqrt(d**2 + e**2)


def _residual(g: Gradient) -> Tensor:
    return torch.sign(g.w) * torch.relu(g.w.abs() - _total(g))


@dataclass(frozen=True)
class Formula:
    """A formula, the dimensions of the flows in which it holds, its parameters, and whether it is a pseudo-vector."""

    function: Callable[..., Tensor]
    dimensions: tuple[int, ...] = (2, 3)
    parameters: tuple[str, ...] = ()
    axial: bool = False


FORMULAS: Mapping[str, Formula] = {
    "velocity_gradient": Formula(lambda g: g.L),
    "deformation_rate": Formula(lambda g: g.D),
    "spin": Formula(lambda g: (g.L - g.L.transpose(0, 1)) / 2),
    "divergence": Formula(lambda g: g.tr),
    "vorticity": Formula(lambda g: g.w, axial=True),
    "vorticity_magnitude": Formula(lambda g: torch.sqrt(g.w2)),
    "enstrophy": Formula(lambda g: g.w2 / 2),
    "strain_rate_magnitude": Formula(lambda g: torch.sqrt(_square(g.D))),
    "shear_rate": Formula(lambda g: torch.sqrt(2 * _square(g.D))),
    "first_invariant": Formula(lambda g: -g.tr),
    "second_invariant": Formula(lambda g: _second(g.L)),
    "third_invariant": Formula(lambda g: -_det(g.L), (3,)),
    "deformation_second_invariant": Formula(lambda g: _second(g.D), (3,)),
    "deformation_third_invariant": Formula(lambda g: -_det(g.D), (3,)),
    "spin_second_invariant": Formula(lambda g: g.w2 / 4, (3,)),
    "lund_rogers": Formula(lambda g: -3 * 6**0.5 * _det(g.D) / _square(g.D) ** 1.5, (3,)),
    "q_criterion": Formula(lambda g: -_trace_of_square(g.L) / 2),
    "q_criterion_deviatoric": Formula(lambda g: -_trace_of_square(_deviator(g, g.L, g.n)) / 2),
    "delta_criterion": Formula(_delta, (3,)),
    "omega_method": Formula(lambda g, epsilon: g.w2 / 2 / (_square(g.D) + g.w2 / 2 + epsilon), parameters=("epsilon",)),
    "kinematic_vorticity_number": Formula(lambda g: torch.sqrt(g.w2 / (2 * _square(g.D)))),
    "okubo_weiss": Formula(lambda g: _total(g) ** 2 - g.w2, (2,)),
    "stretching_deformation": Formula(lambda g: _deformation(g)[0], (2,)),
    "shearing_deformation": Formula(lambda g: _deformation(g)[1], (2,)),
    "total_deformation": Formula(_total, (2,)),
    "residual_vorticity": Formula(_residual, (2,), axial=True),
    "viscous_stress": Formula(lambda g, mu: 2 * mu * _deviator(g, g.D), parameters=("dynamic_viscosity",)),
    "dissipation": Formula(lambda g, nu: 2 * nu * _square(g.D), parameters=("viscosity",)),
    "pseudo_dissipation": Formula(lambda g, nu: nu * _square(g.L), parameters=("viscosity",)),
    "dissipation_compressible": Formula(lambda g, nu: 2 * nu * (_square(g.D) - g.tr**2 / 3), parameters=("viscosity",)),
    "vortex_stretching": Formula(lambda g: _times(g.L, g.w), (3,)),
    "enstrophy_production": Formula(lambda g: (g.w * _times(g.D, g.w)).sum(0), (3,)),
    "strain_self_amplification": Formula(lambda g: -torch.einsum("ij...,jk...,ki...->...", g.D, g.D, g.D), (3,)),
}
