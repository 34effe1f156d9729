# SPDX-License-Identifier: BSD-3-Clause
"""Smooth fields in space, written in systems of orthogonal coordinates by sympy: what is exact in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import sympy as sp
import xarray as xr

import fieldgrad as fg

Array = np.ndarray
A, B, C = Q = sp.symbols("a b c", real=True)
X, Y, Z = CARTESIAN = sp.symbols("x y z", real=True)

RADIUS = 2.0
#: A vector field and a scalar without symmetries.
VELOCITY = (sp.sin(Y + Z / 2) + X * Y / 3, sp.cos(X) * Z + Y**2 / 5, sp.exp(X / 3) * Y + Z**2 / 4)
SCALAR = sp.sin(X + Z / 2) * Y + X**2 * sp.cos(Z / 2) / 2


@dataclass(frozen=True)
class Chart:
    """A system of coordinates: where points lie in space, and how long steps are."""

    geometry: str | fg.Orthogonal
    dims: tuple[str, str, str]
    components: tuple[str, str, str]
    position: tuple[Any, Any, Any]
    scale_factors: tuple[Any, Any, Any]
    units: tuple[str | None, str | None, str | None] = (None, None, None)
    axes: Mapping[str, str] | None = None

    @cached_property
    def frame(self) -> list[list[Any]]:
        """Cartesian components of the unit vectors."""
        pairs = zip(Q, self.scale_factors, strict=True)
        return [[sp.diff(x, q) / h for x in self.position] for q, h in pairs]

    def here(self, expression: Any) -> Any:
        return sp.sympify(expression).subs(dict(zip(CARTESIAN, self.position, strict=True)), simultaneous=True)

    def vector(self, parts: Sequence[Any]) -> list[Any]:
        here = [self.here(part) for part in parts]
        return [sum(e * part for e, part in zip(row, here, strict=True)) for row in self.frame]

    def tensor(self, parts: Sequence[Sequence[Any]]) -> list[Any]:
        here = [[self.here(part) for part in row] for row in parts]
        e = self.frame
        three = range(3)
        return [sum(e[i][k] * here[k][m] * e[j][m] for k in three for m in three) for i in three for j in three]

    @cache  # noqa: B019  (charts live as long as the tests)
    def exact(self, name: str) -> Callable[..., Any]:
        """A quantity as a function of the coordinates: "velocity", "L", "f", "gradient" or "hessian"."""
        made = {
            "velocity": lambda: self.vector(VELOCITY),
            "L": lambda: self.tensor([[sp.diff(part, x) for x in CARTESIAN] for part in VELOCITY]),
            "f": lambda: [self.here(SCALAR)],
            "gradient": lambda: self.vector([sp.diff(SCALAR, x) for x in CARTESIAN]),
            "hessian": lambda: self.tensor([[sp.diff(SCALAR, x, y) for x in CARTESIAN] for y in CARTESIAN]),
        }
        return sp.lambdify(Q, made[name](), "numpy", cse=True)

    def values(self, name: str, nodes: Sequence[Array]) -> Array:
        """That quantity at the nodes, shape (components, ...)."""
        mesh = np.meshgrid(*nodes, indexing="ij")
        return np.array([np.broadcast_to(part, mesh[0].shape) for part in self.exact(name)(*mesh)])

    def dataset(self, nodes: Sequence[Array]) -> xr.Dataset:
        """Velocity and scalar."""
        coords = {
            dim: (dim, values, {} if unit is None else {"units": unit})
            for dim, values, unit in zip(self.dims, nodes, self.units, strict=True)
        }
        fields = dict(zip(self.components, self.values("velocity", nodes), strict=True))
        fields["f"] = self.values("f", nodes)[0]
        return xr.Dataset({name: (self.dims, values) for name, values in fields.items()}, coords)

    def grid(self, ds: xr.Dataset | xr.DataArray, accuracy: int = 2) -> fg.Grid:
        return fg.infer_grid(ds, geometry=self.geometry, radius=RADIUS, axes=self.axes, accuracy=accuracy)


def stretched(low: float, high: float, count: int) -> Array:
    """Nodes whose spacing varies by a factor of two, smoothly."""
    s = np.linspace(0, 1, count)
    nodes = low + (high - low) * (s + np.sin(2 * np.pi * s) / (6 * np.pi))
    nodes[[0, -1]] = low, high
    return nodes


def circle(count: int) -> Array:
    return np.arange(count) * (2 * np.pi / count)


CYLINDER = Chart(
    "cylindrical", ("r", "theta", "z"), ("u_r", "u_theta", "u_z"), (A * sp.cos(B), A * sp.sin(B), C), (1, A, 1)
)
_R = RADIUS + C
SPHERE = Chart(
    "spherical",
    ("lon", "lat", "height"),
    ("u", "v", "w"),
    (_R * sp.cos(B) * sp.cos(A), _R * sp.cos(B) * sp.sin(A), _R * sp.sin(B)),
    (_R * sp.cos(B), _R, 1),
    units=("rad", "rad", None),
)


def parabolic(s: Array, t: Array, z: Array) -> Array:
    return np.hypot(s, t)


_H = sp.sqrt(A**2 + B**2)
PARABOLIC = Chart(
    fg.Orthogonal(("s", "t", "z"), "parabolic", (parabolic, parabolic, 1.0)),
    ("s", "t", "z"),
    ("us", "ut", "uz"),
    ((A**2 - B**2) / 2, A * B, C),
    (_H, _H, 1),
)
