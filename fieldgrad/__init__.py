# SPDX-License-Identifier: BSD-3-Clause
"""Gradients of fields on labelled, nonuniform grids.

Derivatives, divergence, curl and the velocity-gradient tensor L = grad u, its symmetric part D and antisymmetric part
W, and what follows from them, on xarray objects; the same on plain arrays in :mod:`fieldgrad.array`.
:mod:`fieldgrad.flows` has flows with known answers.
"""

from __future__ import annotations

from fieldgrad import array, flows, plot
from fieldgrad._version import __version__
from fieldgrad.bars import show_progress
from fieldgrad.catalogue import Quantity
from fieldgrad.collocate import collocate
from fieldgrad.cotangents import vjp
from fieldgrad.grid import Axis, Grid
from fieldgrad.helicities import helicity, relative_helicity
from fieldgrad.infer import infer_grid
from fieldgrad.labelled import (
    curl,
    decompose,
    derivative,
    derive,
    divergence,
    gradient,
    hessian,
    laplacian,
    velocity_gradient,
)
from fieldgrad.least_squares import LeastSquares
from fieldgrad.orders import order_map
from fieldgrad.quantities import quantities, register_quantity
from fieldgrad.rheology import Carreau, Cross, PowerLaw, apparent_viscosity, generalised_newtonian_stress
from fieldgrad.sampling import sample
from fieldgrad.sphere import absolute_vorticity, coriolis_parameter, frontogenesis, rossby_number
from fieldgrad.statistics import (
    derivative_flatness,
    derivative_skewness,
    invariant_histogram,
    mean,
    taylor_microscale,
    vieillefosse,
)
from fieldgrad.stencils import Stencil
from fieldgrad.systems import Orthogonal
from fieldgrad.transport import advection, directional_derivative, material_derivative, scalar_dissipation
from fieldgrad.uncertainties import uncertainty
from fieldgrad.verification import verify
from fieldgrad.vtk import from_vtk, to_vtk
from fieldgrad.walls import Wall

from fieldgrad import accessor as _accessor  # noqa: F401  # isort: skip  (registers .fieldgrad on xarray objects)

__all__ = [
    "Axis",
    "Carreau",
    "Cross",
    "Grid",
    "LeastSquares",
    "Orthogonal",
    "PowerLaw",
    "Quantity",
    "Stencil",
    "Wall",
    "__version__",
    "absolute_vorticity",
    "advection",
    "apparent_viscosity",
    "array",
    "collocate",
    "coriolis_parameter",
    "curl",
    "decompose",
    "derivative",
    "derivative_flatness",
    "derivative_skewness",
    "derive",
    "directional_derivative",
    "divergence",
    "flows",
    "from_vtk",
    "frontogenesis",
    "generalised_newtonian_stress",
    "gradient",
    "helicity",
    "hessian",
    "infer_grid",
    "invariant_histogram",
    "laplacian",
    "material_derivative",
    "mean",
    "order_map",
    "plot",
    "quantities",
    "register_quantity",
    "relative_helicity",
    "rossby_number",
    "sample",
    "scalar_dissipation",
    "show_progress",
    "taylor_microscale",
    "to_vtk",
    "uncertainty",
    "velocity_gradient",
    "verify",
    "vieillefosse",
    "vjp",
]


def __dir__() -> list[str]:
    # what tab completion offers: the public names, without the modules that make them
    return sorted(__all__)
