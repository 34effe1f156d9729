# SPDX-License-Identifier: BSD-3-Clause
"""Systems of orthogonal coordinates: what their directions are called, and how long a step along each is.

A system with coordinates q_m has scale factors h_m: a step dq_m is h_m dq_m long. Everything else, such as the terms
that a velocity gradient has because the unit vectors turn, follows from them; see :mod:`fieldgrad.geometry`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Triple = tuple[str, str, str]
#: A scale factor: a number, an array that broadcasts against the three coordinates, or a function of them.
Factor = float | Array | Callable[..., Any]

SPATIAL: Triple = ("x", "y", "z")
#: Mean radius of the earth in metres, as the issue of most atmospheric models has it.
EARTH_RADIUS = 6.3712e6

_ROUNDING = 1e-6  # of a float32 latitude in degrees, relative to 90


@dataclass(frozen=True)
class Pole:
    """Where a step along one coordinate has no length: the axis of a cylinder, the poles of a sphere.

    Parameters
    ----------
    meridian, azimuth : int
        Places, among the directions, of the coordinate that ends there and of that whose steps vanish.
    """

    meridian: int
    azimuth: int


@dataclass(frozen=True)
class System:
    """A system of coordinates; this one is Cartesian.

    Parameters
    ----------
    directions : tuple of str
        Names of the three directions.
    name : str
        What the system is called.
    """

    directions: Triple = SPATIAL
    name: str = "cartesian"

    @property
    def cartesian(self) -> bool:
        """Whether all steps are lengths and no unit vector turns."""
        return type(self) is System

    @property
    def turning(self) -> bool:
        """Whether unit vectors turn from point to point."""
        return not self.cartesian

    @property
    def angles(self) -> tuple[int, ...]:
        """Places of the coordinates that are angles."""
        return ()

    @property
    def coupled(self) -> tuple[int, ...]:
        """Places of the directions without which derivatives of vectors make no sense."""
        return ()

    @property
    def pole(self) -> Pole | None:
        """Where the system is singular."""
        return None

    @property
    def length(self) -> str | None:
        """Unit of lengths where no coordinate tells it."""
        return None

    @property
    def details(self) -> str:
        """What to say of the system behind its name."""
        return ""

    def checked(self, place: int, nodes: Array, dim: str) -> Array:
        """Nodes of a coordinate, in radians or units of length, verified to lie where the system is defined."""
        return nodes

    def factors(self, q: Sequence[Array | None]) -> tuple[Array | float, ...]:
        """Scale factors at coordinates that broadcast against each other, None where a direction is absent."""
        return (1.0, 1.0, 1.0)

    def slopes(self, q: Sequence[Array | None]) -> Mapping[tuple[int, int], Array | float] | None:
        """The quotients (dh_i/dq_k)/h_i that do not vanish, by (i, k); None where they must be taken numerically.

        They are infinite at a pole, with the sign of dh_i/dq_k.
        """
        return {}

    def measures(self) -> tuple[Callable[[Array], Array] | None, ...] | None:
        """For each direction the integral of its share of the volume element, or None where that is one.

        None in all where the volume element is no product of functions of one coordinate each.
        """
        return (None, None, None)


CARTESIAN = System()


@dataclass(frozen=True)
class Spherical(System):
    """Longitude, latitude and height above a sphere: x is east, y north and z up.

    Parameters
    ----------
    directions, name
        As :class:`System` has them.
    radius : float
        Radius of the sphere, in the unit of the heights, or in metres where there are none.
    shallow : bool
        Whether the atmosphere is taken as shallow: steps are as long as on the sphere at every height.
    """

    directions: Triple = SPATIAL
    name: str = "spherical"
    radius: float = EARTH_RADIUS
    shallow: bool = False

    def __post_init__(self) -> None:
        if not np.isfinite(self.radius) or self.radius < 0 or (self.radius == 0 and self.shallow):
            raise ValueError(
                f"radius: is {self.radius}; it must be positive, or 0 where heights count from the centre of the sphere"
            )

    @property
    def angles(self) -> tuple[int, ...]:
        """Places of the coordinates that are angles."""
        return (0, 1)

    @property
    def coupled(self) -> tuple[int, ...]:
        """Places of the directions without which derivatives of vectors make no sense."""
        return (0, 1)

    @property
    def length(self) -> str | None:
        """The metre, since the radius is in metres where there are no heights."""
        return "m"

    @property
    def pole(self) -> Pole:
        """The poles."""
        return Pole(meridian=1, azimuth=0)

    @property
    def details(self) -> str:
        """What to say of the system behind its name."""
        return f", radius {self.radius:g}{', shallow atmosphere' if self.shallow else ''}"

    def checked(self, place: int, nodes: Array, dim: str) -> Array:
        """Latitudes between the poles, which are met exactly; heights above the centre."""
        if place == 1:
            beyond = np.flatnonzero(np.abs(nodes) > np.pi / 2 * (1 + _ROUNDING))
            if len(beyond):
                raise ValueError(
                    f"geometry: latitude {np.rad2deg(nodes[beyond[0]]):g} degrees of dimension {dim!r} at index "
                    f"{beyond[0]} lies beyond a pole; pass latitudes from -90 to 90 degrees, not colatitudes"
                )
            at_pole = np.abs(nodes) > np.pi / 2 * (1 - _ROUNDING)
            return np.where(at_pole, np.copysign(np.pi / 2, nodes), nodes)
        if place == 2 and not self.shallow and (nodes + self.radius <= 0).any():
            index = int(np.argmax(nodes + self.radius <= 0))
            raise ValueError(
                f"geometry: height {nodes[index]:g} of dimension {dim!r} at index {index} lies at or below the centre "
                f"of a sphere of radius {self.radius:g}; pass radius= in the unit of the heights"
            )
        return nodes

    def factors(self, q: Sequence[Array | None]) -> tuple[Array | float, ...]:
        """``(r cos(latitude), r, 1)``, r being the radius alone in a shallow atmosphere."""
        r = self._distance(q)
        if q[1] is None:
            if r is None:
                raise ValueError(self._without("height", "the radius there is 0"))
            if q[0] is not None:
                raise ValueError(self._without("latitude", "the length of a degree of longitude depends on it"))
            return (np.nan, r, 1.0)
        if r is None:
            raise ValueError(self._without("height", "the radius there is 0"))
        return (r * _cosine(q[1]), r, 1.0)

    def slopes(self, q: Sequence[Array | None]) -> Mapping[tuple[int, int], Array | float]:
        """``-tan(latitude)``, and ``1/r`` twice."""
        slopes: dict[tuple[int, int], Array | float] = {}
        if q[1] is not None:
            at_pole = np.abs(q[1]) == np.pi / 2
            slopes[0, 1] = np.where(at_pole, np.copysign(np.inf, -q[1]), -np.tan(q[1]))
        if not self.shallow:  # on a surface too: there a vertical velocity widens the sphere
            r = self._distance(q)
            assert r is not None
            slopes |= {(0, 2): 1 / r, (1, 2): 1 / r}
        return slopes

    def measures(self) -> tuple[Callable[[Array], Array] | None, ...]:
        """Sines of the latitude, and thirds of the cubes of the radius."""
        return (None, np.sin, None if self.shallow else self._shell)

    def _shell(self, z: Array) -> Array:
        # less the cube at the surface, beside which thin shells would lose their digits
        return z * (self.radius**2 + self.radius * z + z**2 / 3)

    def _distance(self, q: Sequence[Array | None]) -> Array | float | None:
        if self.shallow or q[2] is None:
            return self.radius or None
        distance: Array = self.radius + q[2]
        return distance

    def _without(self, what: str, why: str) -> str:
        return f"grid: is spherical and has no direction of {what}, but {why}; keep that dimension"


@dataclass(frozen=True)
class Cylindrical(System):
    """Distance from an axis, angle around it and distance along it; polar without the last."""

    directions: Triple = ("r", "theta", "z")
    name: str = "cylindrical"

    @property
    def angles(self) -> tuple[int, ...]:
        """Places of the coordinates that are angles."""
        return (1,)

    @property
    def coupled(self) -> tuple[int, ...]:
        """Places of the directions without which derivatives of vectors make no sense."""
        return (0, 1)

    @property
    def pole(self) -> Pole:
        """The axis."""
        return Pole(meridian=0, azimuth=1)

    def checked(self, place: int, nodes: Array, dim: str) -> Array:
        """Distances from the axis are not negative."""
        if place == 0 and (nodes < 0).any():
            index = int(np.argmax(nodes < 0))
            raise ValueError(
                f"geometry: r is {nodes[index]:g} in dimension {dim!r} at index {index}; distances from the axis are "
                "not negative: turn the points beyond it by half a circle (theta + pi, r > 0)"
            )
        return nodes

    def factors(self, q: Sequence[Array | None]) -> tuple[Array | float, ...]:
        """``(1, r, 1)``."""
        if q[0] is None and q[1] is not None:
            raise ValueError(
                f"grid: is {self.name} and has no direction r, but the length of a step of theta depends on it; keep "
                "that dimension"
            )
        return (1.0, np.nan if q[0] is None else q[0], 1.0)

    def slopes(self, q: Sequence[Array | None]) -> Mapping[tuple[int, int], Array | float]:
        """``1/r``."""
        if q[0] is None:
            return {}
        with np.errstate(divide="ignore"):
            return {(1, 0): 1 / q[0]}

    def measures(self) -> tuple[Callable[[Array], Array] | None, ...]:
        """Halves of the square of the distance from the axis."""
        return (lambda r: r**2 / 2, None, None)


@dataclass(frozen=True, eq=False)
class Orthogonal(System):
    """Orthogonal coordinates of one's own, given by their scale factors.

    Parameters
    ----------
    directions : tuple of str
        Names of the three directions, in an order in which they are right-handed.
    name : str
        What the system is called.
    scale_factors : tuple
        For each direction the length of a step along it, in units of length per unit of its coordinate: a number, an
        array that broadcasts to the shape of the grid (in the order of the directions), or a function of the three
        coordinates; a coordinate that the grid lacks is 0 there.

    Raises
    ------
    TypeError, ValueError
        If there are not three directions of different names with a factor each.

    Notes
    -----
    Derivatives of the factors are taken by the stencils of the grid, so that results are as accurate as those. Where a
    factor is zero the value is NaN. L. M. Milne-Thomson, Theoretical Hydrodynamics (1968), section 2.72.

    Examples
    --------
    Parabolic cylinder coordinates, x = (s^2 - t^2)/2 and y = s t, in which f = x has a gradient of length 1:

    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> import xarray as xr
    >>> def h(s, t, z):
    ...     return np.hypot(s, t)
    >>> system = fg.Orthogonal(("s", "t", "z"), "parabolic", (h, h, 1.0))
    >>> nodes = np.linspace(1.0, 2.0, 5)
    >>> s = xr.DataArray(nodes, dims="s", coords={"s": nodes})
    >>> t = xr.DataArray(nodes, dims="t", coords={"t": nodes})
    >>> f = (s**2 - t**2) / 2
    >>> g = fg.gradient(f, grid=fg.infer_grid(f, geometry=system))
    >>> ((g**2).sum("component") ** 0.5).min().round(12).item()
    1.0
    """

    directions: Triple = SPATIAL
    name: str = "orthogonal"
    scale_factors: tuple[Factor, Factor, Factor] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for field in ("directions", "scale_factors"):
            value = getattr(self, field)
            if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 3:
                raise TypeError(f"{field}: is {value!r}; it must be a tuple of three, one for each direction")
            object.__setattr__(self, field, tuple(value))
        if len(set(self.directions)) != 3 or not all(isinstance(name, str) for name in self.directions):
            raise ValueError(f"directions: are {self.directions}; they must be three different names")

    @property
    def coupled(self) -> tuple[int, ...]:
        """Places of the directions without which derivatives of vectors make no sense."""
        return tuple(place for place, factor in enumerate(self.scale_factors) if callable(factor) or np.ndim(factor))

    @property
    def details(self) -> str:
        """What to say of the system behind its name."""
        return f" coordinates {', '.join(self.directions)}"

    def factors(self, q: Sequence[Array | None]) -> tuple[Array | float, ...]:
        """What was given, at the nodes."""
        at = [np.zeros((1, 1, 1)) if one is None else one for one in q]
        shape = np.broadcast_shapes(*(one.shape for one in at))
        found: list[Array | float] = []
        for name, factor in zip(self.directions, self.scale_factors, strict=True):
            value = np.asarray(factor(*at) if callable(factor) else factor, np.float64)
            try:
                np.broadcast_to(value, shape)
            except ValueError:
                raise ValueError(
                    f"geometry: the scale factor of {name!r} has shape {value.shape}, which does not broadcast to the "
                    f"{shape} points of the grid along {', '.join(self.directions)}"
                ) from None
            if not (value >= 0).all():
                raise ValueError(f"geometry: the scale factor of {name!r} is {value[~(value >= 0)].flat[0]} somewhere; "
                                 "it must be positive")  # fmt: skip
            found.append(value.reshape((1,) * (3 - value.ndim) + value.shape))
        return tuple(found)

    def slopes(self, q: Sequence[Array | None]) -> None:
        """Not known: taken by the stencils of the grid."""
        return

    def measures(self) -> None:
        """Not known: the factors themselves are the weights."""
        return


def _cosine(latitude: Array) -> Array:
    """Cosine, zero at the poles exactly."""
    return np.where(np.abs(latitude) == np.pi / 2, 0.0, np.cos(latitude))
