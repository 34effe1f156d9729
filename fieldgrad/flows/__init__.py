# SPDX-License-Identifier: BSD-3-Clause
"""Analytic flows: labelled velocity fields whose gradient is known exactly.

Each function takes coordinates (one-dimensional arrays, or DataArrays whose dimension is then kept), and
returns a `Flow`: its ``dataset`` holds the velocity, its ``velocity_gradient`` the exact L_ij = du_i/dx_j,
and ``exact(name)`` the exact value of a derived quantity. All lengths are in m, times in s, velocities in m
s-1.

- `taylor_green_2d`: decaying Taylor-Green vortices, a solution of Navier-Stokes (2-D, 3-D)
- `taylor_green`: initial state of the Taylor-Green transition (3-D)
- `abc`: Arnold-Beltrami-Childress flow (3-D)
- `lamb_oseen`, `rankine`: single vortices (2-D, 3-D)
- `burgers_vortex`: a vortex held by axial strain (3-D)
- `couette`, `poiseuille`: plane shear flows (2-D, 3-D)
- `solid_body_rotation`, `pure_strain`: uniform gradients (2-D, 3-D)
- `from_sympy`: any expressions of x, y, z and t (1-D, 2-D, 3-D; needs sympy)

Nothing here uses the stencils or kernels of the library, so that the two can be compared.

Examples
--------
>>> import numpy as np
>>> from fieldgrad import flows
>>> x = np.linspace(0, 2 * np.pi, 32, endpoint=False)
>>> flow = flows.taylor_green(x, x, x)
>>> list(flow.dataset.data_vars)
['u', 'v', 'w', 'p']
>>> float(abs(flow.exact("divergence")).max())
0.0
"""

from __future__ import annotations

from fieldgrad.flows._periodic import abc, taylor_green, taylor_green_2d
from fieldgrad.flows._record import Flow
from fieldgrad.flows._shear import couette, poiseuille, pure_strain, solid_body_rotation
from fieldgrad.flows._symbolic import from_sympy
from fieldgrad.flows._vortices import burgers_vortex, lamb_oseen, rankine

__all__ = [
    "Flow",
    "abc",
    "burgers_vortex",
    "couette",
    "from_sympy",
    "lamb_oseen",
    "poiseuille",
    "pure_strain",
    "rankine",
    "solid_body_rotation",
    "taylor_green",
    "taylor_green_2d",
]


def __dir__() -> list[str]:
    return sorted(__all__)
