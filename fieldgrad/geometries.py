# SPDX-License-Identifier: BSD-3-Clause
"""Which system of coordinates a dataset has, and which of its axes close on themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldgrad.coordinates import BY_NAME, direction, metres, obstacle
from fieldgrad.geometry import radians
from fieldgrad.grid import Axis, Grid
from fieldgrad.systems import CARTESIAN, SPATIAL, Cylindrical, Spherical, System

Attrs = Mapping[Any, Any]
Claim = tuple[str, int]

GEOMETRIES = ("auto", "cartesian", "spherical", "cylindrical", "polar")

_AROUND_AXIS = (
    ("r", re.compile(r"r|rc|rad|radius|radial|rho|radial_distance")),
    ("theta", re.compile(r"th|theta\d*|phi|azimuth(al)?|angle|polar_angle|circumferential")),
    ("z", re.compile(r"zc?|axial|height\d*|altitude")),
)
# Relative difference up to which the gap that closes a circle is one spacing.
_CLOSE = 1e-3


@dataclass(frozen=True)
class Asked:
    """What the caller says of the geometry.

    Parameters
    ----------
    geometry : str or System
        One of :data:`GEOMETRIES`, or a system of the caller's own.
    radius : float
        Radius of the sphere, in metres.
    shallow : bool
        Whether its atmosphere is taken as shallow.

    Raises
    ------
    TypeError, ValueError
        If there is no such geometry, or no such sphere.
    """

    geometry: str | System = "auto"
    radius: float = 6.3712e6
    shallow: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.geometry, System) and self.geometry not in GEOMETRIES:
            raise ValueError(
                f"geometry: got {self.geometry!r}; it must be one of {', '.join(map(repr, GEOMETRIES))}, or an "
                "fg.Orthogonal"
            )
        if not isinstance(self.radius, int | float | np.integer | np.floating) or isinstance(self.radius, bool):
            raise TypeError(f"radius: is {self.radius!r}; it must be a number of metres")
        Spherical(radius=float(self.radius), shallow=bool(self.shallow))

    @property
    def system(self) -> System:
        """The system, as far as it is known before the axes are: "auto" has the directions of Cartesian ones."""
        if isinstance(self.geometry, System):
            return self.geometry
        if self.geometry in ("cylindrical", "polar"):
            return Cylindrical(name=self.geometry)
        return CARTESIAN

    def claim(self) -> Callable[[str, Attrs, str], Claim | None]:
        """How a dimension tells its direction: as :func:`fieldgrad.coordinates.direction` does, or by these names."""
        names = self.system.directions
        return direction if names == SPATIAL else _ByName(names, self.geometry == "polar")

    def obstacle(self, dim: str, name: str, attrs: Attrs, kind: str, *, told: bool = False) -> str | None:
        """Why a coordinate does not measure lengths, where this geometry does not make lengths of it."""
        names = self.system.directions
        if name not in names or isinstance(self.geometry, System) or names.index(name) in self.system.angles:
            return None
        return obstacle(dim, name, attrs, kind, told=told)

    def grid(self, axes: tuple[Axis, ...], others: tuple[Axis, ...]) -> Grid:
        """The grid, in the system that was asked for or found.

        Parameters
        ----------
        axes, others : tuple of Axis
            Its axes, with obstacles where a coordinate is no length.

        Returns
        -------
        Grid
            With notes on what was inferred.

        Raises
        ------
        ValueError
            If the axes are not those of a sphere that was asked for, or one runs around it more than once.
        """
        if self.geometry not in ("auto", "spherical"):
            return _all_around(axes, others, self.system)
        explicit = self.geometry == "spherical"
        why = _not_spherical(axes, explicit=explicit)
        if why is not None and explicit:
            raise ValueError(f"geometry: is 'spherical', but {why}")
        if why is not None:
            return Grid(axes, others)
        reason = None if explicit else "latitude and longitude in degrees"
        system = Spherical(radius=self._radius(axes), shallow=bool(self.shallow))
        return _all_around(tuple(_with_unit(axis, axes) for axis in axes), others, system, reason)

    def _radius(self, axes: tuple[Axis, ...]) -> float:
        """The radius in the unit of the heights."""
        for axis in axes:
            if axis.name == "z" and (size := metres(axis.units)) is not None:
                return float(self.radius) / size
        return float(self.radius)


class _ByName:
    """Directions by names of dimensions, where CF knows none."""

    def __init__(self, names: tuple[str, str, str], plane: bool) -> None:
        self.names, self.plane = names, plane

    def __call__(self, dim: str, attrs: Attrs, kind: str) -> Claim | None:
        if kind and kind in "mM":
            return "t", BY_NAME
        if dim in self.names[: 2 if self.plane else 3]:
            return dim, BY_NAME
        if self.names == Cylindrical().directions:
            for name, pattern in _AROUND_AXIS[: 2 if self.plane else 3]:
                if pattern.fullmatch(dim.lower()):
                    return name, BY_NAME + 1
        return None


def _not_spherical(axes: tuple[Axis, ...], *, explicit: bool) -> str | None:
    """Why axes are not those of a sphere; None where they are."""
    by_name = {axis.name: axis for axis in axes}
    if not by_name.keys() & {"x", "y"} or not (explicit or {"x", "y"} <= by_name.keys()):
        return "no dimension is a longitude or a latitude; name them, axes={'x': dimension, 'y': dimension}"
    for name, word in (("x", "longitude"), ("y", "latitude")):
        axis = by_name.get(name)
        if axis is None:
            continue
        if metres(axis.units) is not None:
            return f"the coordinate of {axis.dim!r} is in {axis.units}; a {word} is in degrees or radians"
        told = axis.obstacle is not None and axis.obstacle.startswith(f"is a {word}")
        degrees = (axis.units or "").lower().startswith("deg")
        if not explicit and not (told and degrees):
            return f"the coordinate of {axis.dim!r} does not say that it is a {word} in degrees"
    return None


def _with_unit(axis: Axis, axes: tuple[Axis, ...]) -> Axis:
    """An axis of a sphere with the unit of its angles: without one they are degrees, unless they may be radians."""
    if axis.name == "z":
        return axis
    if axis.units is None:
        angles = [other for other in axes if other.name != "z" and other.units is None]
        if max(np.abs(other.nodes).max(initial=0.0) for other in angles) <= 2 * np.pi:
            raise ValueError(
                f"geometry: dimension {axis.dim!r} may be in degrees or in radians; say so "
                f"(obj[{axis.dim!r}].attrs['units'] = 'degrees')"
            )
        return replace(axis, units="degrees")
    return axis


def _all_around(axes: tuple[Axis, ...], others: tuple[Axis, ...], system: System, why: str | None = None) -> Grid:
    """A grid whose angles are no obstacles, and periodic if their nodes are all around."""
    notes: list[str] = []
    closed = []
    for axis in axes:
        place = system.directions.index(axis.name)
        if place in system.angles:
            axis = replace(axis, obstacle=None)
            if not isinstance(system, Spherical) or place == 0:
                axis, note = _closed(axis)
                notes += note
        closed.append(axis)
    return Grid(tuple(closed), others, system, why, tuple(notes))


def _closed(axis: Axis) -> tuple[Axis, list[str]]:
    """An axis around a circle, periodic if its nodes are all around; and what to say of it."""
    circle, nodes = 2 * np.pi / radians(axis.units), axis.nodes
    if len(axis) < 3 or axis.boundary:  # what has walls has ends
        return axis, []
    steps = np.abs(np.diff(nodes))
    gap = circle - abs(float(nodes[-1] - nodes[0]))
    if abs(gap) <= _CLOSE * steps.min():
        raise ValueError(
            f"geometry: dimension {axis.dim!r} runs from {nodes[0]:g} to {nodes[-1]:g}, so the end point stands twice; "
            f"drop it (obj.isel({axis.dim}=slice(None, -1)))"
        )
    if gap < 0:
        unit = "" if axis.units else "; without units it is taken for radians, which its attribute 'units' can change"
        raise ValueError(
            f"geometry: dimension {axis.dim!r} runs from {nodes[0]:g} to {nodes[-1]:g}, more than once around "
            f"({circle:g}){unit}"
        )
    if axis.period is not None:
        # what follows from the spacing has its rounding
        exact = abs(axis.period - circle) <= _CLOSE * steps.min()
        return (replace(axis, period=circle) if exact else axis), []
    if not steps.min() * (1 - _CLOSE) <= gap <= steps.max() * (1 + _CLOSE):
        return axis, []
    note = f"{axis.dim!r} is periodic: {circle:.6g} (inferred: {nodes[-1]:g} is followed by {nodes[0]:g})"
    return replace(axis, period=circle), [note]
