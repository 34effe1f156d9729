# SPDX-License-Identifier: BSD-3-Clause
"""Gradients of fields on labelled, nonuniform grids.

Derivatives, divergence, curl and the velocity-gradient tensor L = grad u, its symmetric part D and antisymmetric part
W, and what follows from them, on xarray objects; the same on plain arrays in :mod:`fieldgrad.array`.
:mod:`fieldgrad.flows` has flows with known answers.
"""

from __future__ import annotations

from fieldgrad import array, flows
from fieldgrad._version import __version__
from fieldgrad.catalogue import Quantity
from fieldgrad.grid import Axis, Grid
from fieldgrad.infer import infer_grid
from fieldgrad.labelled import (
    advection,
    curl,
    decompose,
    derivative,
    derive,
    directional_derivative,
    divergence,
    gradient,
    hessian,
    laplacian,
    velocity_gradient,
)
from fieldgrad.quantities import quantities, register_quantity
from fieldgrad.stencils import Stencil

from fieldgrad import accessor as _accessor  # noqa: F401  # isort: skip  (registers .fieldgrad on xarray objects)

__all__ = [
    "Axis",
    "Grid",
    "Quantity",
    "Stencil",
    "__version__",
    "advection",
    "array",
    "curl",
    "decompose",
    "derivative",
    "derive",
    "directional_derivative",
    "divergence",
    "flows",
    "gradient",
    "hessian",
    "infer_grid",
    "laplacian",
    "quantities",
    "register_quantity",
    "velocity_gradient",
]
