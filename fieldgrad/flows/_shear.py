# SPDX-License-Identifier: BSD-3-Clause
"""Plane shear flows and flows of uniform gradient: Couette, Poiseuille, solid-body rotation, pure strain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldgrad.flows import _checks
from fieldgrad.flows._checks import Array, Coordinate
from fieldgrad.flows._record import Flow, Value, build


def couette(
    x: Coordinate,
    y: Coordinate,
    *,
    z: Coordinate | None = None,
    wall_velocity: float = 1.0,
    height: float = 1.0,
) -> Flow:
    r"""Plane Couette flow between a wall at rest at y = 0 and one that moves at y = h.

    Closed form [1]_: :math:`u = U y / h`.

    The formula is evaluated at all points that are given, also beyond the walls.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m).
    z : array_like or DataArray, optional
        A third coordinate (m), along which nothing changes and the velocity w is zero.
    wall_velocity : float, default 1
        Velocity U of the upper wall (m s-1).
    height : float, default 1
        Distance h between the walls (m).

    Returns
    -------
    Flow
        With u, v (and w) on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press, 1967, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> flow = flows.couette(np.arange(3.0), np.linspace(0, 2, 5), wall_velocity=4.0, height=2.0)
    >>> flow.dataset.u.isel(x=0).values.tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    wall = _checks.real("wall_velocity", wall_velocity)
    h = _checks.positive("height", height)
    return build(
        "couette",
        "Plane Couette flow",
        x=x,
        y=y,
        z=z,
        velocity=lambda x, y, z, t: [wall * (y / h), 0.0],
        gradient=lambda x, y, z, t: [[0.0, wall / h], [0.0, 0.0]],
        parameters={"wall_velocity": wall, "height": h},
    )


def poiseuille(
    x: Coordinate,
    y: Coordinate,
    *,
    z: Coordinate | None = None,
    centreline_velocity: float = 1.0,
    half_height: float = 1.0,
    viscosity: float | None = None,
) -> Flow:
    r"""Plane Poiseuille flow between walls at y = -h and y = h.

    Closed form [1]_:

    .. math:: u = U (1 - y^2 / h^2), \quad p = -2 \nu U x / h^2

    The formula is evaluated at all points that are given, also beyond the walls.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m).
    z : array_like or DataArray, optional
        A third coordinate (m), along which nothing changes and the velocity w is zero.
    centreline_velocity : float, default 1
        Velocity U at y = 0 (m s-1), 1.5 times the mean.
    half_height : float, default 1
        Half the distance h between the walls (m).
    viscosity : float, optional
        Kinematic viscosity nu (m2 s-1). Without it there is no pressure in the dataset.

    Returns
    -------
    Flow
        With u, v (and w), and p where the viscosity is given, on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press, 1967, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> flow = flows.poiseuille(np.arange(3.0), np.linspace(-1, 1, 5), centreline_velocity=1.5)
    >>> flow.exact("vorticity").isel(x=0).values.tolist()  # -u_y
    [-3.0, -1.5, 0.0, 1.5, 3.0]
    """
    centre = _checks.real("centreline_velocity", centreline_velocity)
    h = _checks.positive("half_height", half_height)
    parameters: dict[str, float | tuple[float, ...]] = {"centreline_velocity": centre, "half_height": h}
    pressure = None
    if viscosity is not None:
        nu = _checks.not_negative("viscosity", viscosity)
        parameters["viscosity"] = nu

        def pressure(x: Array, y: Array, z: Array, t: Array) -> Value:
            return -2 * nu * centre / h**2 * x

    return build(
        "poiseuille",
        "Plane Poiseuille flow",
        x=x,
        y=y,
        z=z,
        # The factors keep their digits at the walls, where 1 - (y/h)^2 cancels.
        velocity=lambda x, y, z, t: [centre * (1 - y / h) * (1 + y / h), 0.0],
        gradient=lambda x, y, z, t: [[0.0, -2 * centre / h * (y / h)], [0.0, 0.0]],
        pressure=pressure,
        parameters=parameters,
    )


def solid_body_rotation(
    x: Coordinate,
    y: Coordinate,
    z: Coordinate | None = None,
    *,
    angular_velocity: float | Sequence[float] = 1.0,
) -> Flow:
    r"""Rotation as a solid body about the origin: :math:`\mathbf u = \boldsymbol\Omega \times \mathbf x`.

    L is the spin alone, the vorticity is twice the angular velocity [1]_, and the pressure is
    :math:`p = |\boldsymbol\Omega \times \mathbf x|^2 / 2`.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m).
    z : array_like or DataArray, optional
        The third coordinate (m).
    angular_velocity : float or sequence of 3 floats, default 1
        Angular velocity Omega (s-1): about the z axis, or its components along x, y and z, which needs `z`.

    Returns
    -------
    Flow
        With u, v (and w) and p on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or the angular velocity is not real, finite, or of the right shape.

    References
    ----------
    .. [1] G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press, 1967, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(-1, 1, 3)
    >>> flow = flows.solid_body_rotation(x, x, x, angular_velocity=(1.0, 2.0, 3.0))
    >>> flow.exact("vorticity").mean(["x", "y", "z"]).values.tolist()
    [2.0, 4.0, 6.0]
    """
    if not isinstance(angular_velocity, Sequence | np.ndarray):
        omega: tuple[float, ...] = (0.0, 0.0, _checks.real("angular_velocity", angular_velocity))
        parameter: float | tuple[float, ...] = omega[2]
    else:
        omega = parameter = _reals("angular_velocity", angular_velocity, 3)
        if z is None:
            raise ValueError(
                f"angular_velocity has three components {omega} but z is None: pass z too, or one number for "
                f"a rotation about the z axis"
            )
    p, q, r = omega

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Array]:
        u, v, w = q * z - r * y, r * x - p * z, p * y - q * x
        return [u, v, w] if three_d else [u, v]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Value]]:
        full: list[list[Value]] = [[0.0, -r, q], [r, 0.0, -p], [-q, p, 0.0]]
        return full if three_d else [row[:2] for row in full[:2]]

    def pressure(x: Array, y: Array, z: Array, t: Array) -> Array:
        return np.asarray(sum(component**2 for component in velocity(x, y, z, t)) / 2)

    three_d = z is not None
    return build(
        "solid_body_rotation",
        "Solid-body rotation",
        x=x,
        y=y,
        z=z,
        velocity=velocity,
        gradient=gradient,
        pressure=pressure,
        parameters={"angular_velocity": parameter},
    )


def pure_strain(
    x: Coordinate,
    y: Coordinate,
    z: Coordinate | None = None,
    *,
    rates: Sequence[float] | None = None,
) -> Flow:
    r"""Uniform strain without rotation, along the axes: :math:`u_i = a_i x_i`, with no sum over i.

    The pressure is :math:`p = -\sum_i a_i^2 x_i^2 / 2`. The divergence is the sum of the rates [1]_.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m).
    z : array_like or DataArray, optional
        The third coordinate (m).
    rates : sequence of float, optional
        Principal rates of strain a_i (s-1), one for each coordinate. By default (1, -1), or (1, -1, 0) with
        `z`.

    Returns
    -------
    Flow
        With u, v (and w) and p on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a rate is not real, finite, or of the right shape.

    References
    ----------
    .. [1] G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press, 1967, section 2.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> flow = flows.pure_strain(np.arange(3.0), np.arange(2.0), rates=(2.0, -2.0))
    >>> flow.velocity_gradient.isel(x=0, y=0).values.tolist()
    [[2.0, 0.0], [0.0, -2.0]]
    """
    n = 2 if z is None else 3
    a = _reals("rates", (1.0, -1.0, 0.0)[:n] if rates is None else rates, n)

    return build(
        "pure_strain",
        "Pure strain",
        x=x,
        y=y,
        z=z,
        velocity=lambda *points: [rate * s for rate, s in zip(a, points[:n], strict=True)],
        gradient=lambda *points: [[a[i] if i == j else 0.0 for j in range(n)] for i in range(n)],
        pressure=lambda *points: np.asarray(-sum((rate * s) ** 2 for rate, s in zip(a, points[:n], strict=True)) / 2),
        parameters={"rates": a},
    )


def _reals(name: str, values: float | Sequence[float], n: int) -> tuple[float, ...]:
    """Check a sequence of `n` finite numbers."""
    if isinstance(values, (str, float, int)) or np.shape(values) != (n,):
        raise ValueError(f"{name} is {values!r}: pass {n} numbers, one for each of {', '.join('xyz'[:n])}")
    return tuple(_checks.real(name, value) for value in values)
