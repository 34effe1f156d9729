# SPDX-License-Identifier: BSD-3-Clause
"""Periodic flows made of sines: Taylor-Green and Arnold-Beltrami-Childress."""

from __future__ import annotations

import math

import numpy as np

from fieldgrad.flows import _checks
from fieldgrad.flows._checks import Array, Coordinate
from fieldgrad.flows._record import Flow, Value, build


def taylor_green_2d(
    x: Coordinate,
    y: Coordinate,
    t: Coordinate = 0.0,
    *,
    z: Coordinate | None = None,
    viscosity: float = 0.01,
    amplitude: float = 1.0,
    wavenumber: float = 1.0,
) -> Flow:
    r"""Two-dimensional Taylor-Green vortices that decay: an exact solution of the Navier-Stokes equations.

    Closed form [1]_:

    .. math::
        u &= A \sin kx \cos ky \, F, \quad v = -A \cos kx \sin ky \, F, \quad F = \exp(-2 \nu k^2 t) \\
        p &= \tfrac{1}{4} A^2 (\cos 2kx + \cos 2ky) F^2

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m).
    t : float, array_like or DataArray, default 0
        Time or times (s); several times make a leading dimension ``time``.
    z : array_like or DataArray, optional
        A third coordinate (m), along which nothing changes and the velocity w is zero.
    viscosity : float, default 0.01
        Kinematic viscosity nu (m2 s-1).
    amplitude : float, default 1
        Largest velocity A at time 0 (m s-1).
    wavenumber : float, default 1
        Wavenumber k (m-1); the flow has the period 2 pi / k.

    Returns
    -------
    Flow
        With u, v (and w) and p on (time, z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate, a time or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] G. I. Taylor, "On the decay of vortices in a viscous fluid", Phil. Mag. 46 (1923) 671-674.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    >>> flow = flows.taylor_green_2d(x, x, t=[0.0, 1.0], viscosity=0.1)
    >>> dict(flow.dataset.sizes)
    {'time': 2, 'y': 16, 'x': 16}
    >>> print(f"{float(flow.dataset.u.sel(time=1).max()):.6f}")  # exp(-0.2)
    0.818731
    """
    nu = _checks.not_negative("viscosity", viscosity)
    a = _checks.real("amplitude", amplitude)
    k = _checks.positive("wavenumber", wavenumber)

    def decay(t: Array) -> Array:
        return np.asarray(np.exp(-2 * nu * k**2 * t))

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Value]:
        f = a * decay(t)
        return [f * np.sin(k * x) * np.cos(k * y), -f * np.cos(k * x) * np.sin(k * y)]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Value]]:
        f = a * k * decay(t)
        coscos = f * np.cos(k * x) * np.cos(k * y)
        sinsin = f * np.sin(k * x) * np.sin(k * y)
        return [[coscos, -sinsin], [sinsin, -coscos]]

    def pressure(x: Array, y: Array, z: Array, t: Array) -> Array:
        return np.asarray((a * decay(t)) ** 2 / 4 * (np.cos(2 * k * x) + np.cos(2 * k * y)))

    return build(
        "taylor_green_2d",
        "Decaying two-dimensional Taylor-Green vortices",
        x=x,
        y=y,
        z=z,
        t=_checks.time(t),
        velocity=velocity,
        gradient=gradient,
        pressure=pressure,
        parameters={"viscosity": nu, "amplitude": a, "wavenumber": k},
        period=dict.fromkeys("xy", 2 * math.pi / k),
    )


def taylor_green(
    x: Coordinate, y: Coordinate, z: Coordinate, *, amplitude: float = 1.0, wavenumber: float = 1.0
) -> Flow:
    r"""Initial state of the three-dimensional Taylor-Green flow, which then breaks down to turbulence.

    Closed form [1]_:

    .. math::
        u &= A \sin kx \cos ky \cos kz, \quad v = -A \cos kx \sin ky \cos kz, \quad w = 0 \\
        p &= \tfrac{1}{16} A^2 (\cos 2kx + \cos 2ky)(\cos 2kz + 2)

    Parameters
    ----------
    x, y, z : array_like or DataArray
        One-dimensional coordinates (m).
    amplitude : float, default 1
        Largest velocity A (m s-1).
    wavenumber : float, default 1
        Wavenumber k (m-1); the flow has the period 2 pi / k.

    Returns
    -------
    Flow
        With u, v, w and p on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] G. I. Taylor and A. E. Green, "Mechanism of the production of small eddies from large ones",
       Proc. R. Soc. Lond. A 158 (1937) 499-521.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    >>> flow = flows.taylor_green(x, x, x)
    >>> print(f"{float(flow.exact('enstrophy').mean()):.6f}")  # 3 A^2 k^2 / 8
    0.375000
    """
    a = _checks.real("amplitude", amplitude)
    k = _checks.positive("wavenumber", wavenumber)

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Value]:
        f = a * np.cos(k * z)
        return [f * np.sin(k * x) * np.cos(k * y), -f * np.cos(k * x) * np.sin(k * y)]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Value]]:
        sx, sy, sz = (np.sin(k * s) for s in (x, y, z))
        cx, cy, cz = (np.cos(k * s) for s in (x, y, z))
        f = a * k
        coscos = f * cx * cy * cz
        sinsin = f * sx * sy * cz
        return [[coscos, -sinsin, -f * sx * cy * sz], [sinsin, -coscos, f * cx * sy * sz]]

    def pressure(x: Array, y: Array, z: Array, t: Array) -> Value:
        return np.asarray(a**2 / 16 * (np.cos(2 * k * x) + np.cos(2 * k * y)) * (np.cos(2 * k * z) + 2))

    return build(
        "taylor_green",
        "Initial state of the three-dimensional Taylor-Green flow",
        x=x,
        y=y,
        z=z,
        velocity=velocity,
        gradient=gradient,
        pressure=pressure,
        parameters={"amplitude": a, "wavenumber": k},
        period=dict.fromkeys("xyz", 2 * math.pi / k),
        required="xyz",
    )


def abc(
    x: Coordinate,
    y: Coordinate,
    z: Coordinate,
    t: Coordinate | None = None,
    *,
    a: float = 1.0,
    b: float = 1.0,
    c: float = 1.0,
    wavenumber: float = 1.0,
    viscosity: float = 0.0,
) -> Flow:
    r"""Arnold-Beltrami-Childress flow, whose vorticity is k times its velocity.

    Closed form [1]_:

    .. math::
        u &= F (A \sin kz + C \cos ky), \quad v = F (B \sin kx + A \cos kz), \\
        w &= F (C \sin ky + B \cos kx), \quad F = \exp(-\nu k^2 t), \\
        p &= -\tfrac{1}{2} (u^2 + v^2 + w^2)

    Steady without viscosity (a solution of Euler's equations); with viscosity it decays (one of
    Navier-Stokes).

    Parameters
    ----------
    x, y, z : array_like or DataArray
        One-dimensional coordinates (m).
    t : float, array_like or DataArray, optional
        Time or times (s); several times make a leading dimension ``time``. By default the state at time 0.
    a, b, c : float, default 1
        Amplitudes A, B, C (m s-1).
    wavenumber : float, default 1
        Wavenumber k (m-1); the flow has the period 2 pi / k.
    viscosity : float, default 0
        Kinematic viscosity nu (m2 s-1).

    Returns
    -------
    Flow
        With u, v, w and p on (time, z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate, a time or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] T. Dombre, U. Frisch, J. M. Greene, M. Henon, A. Mehr and A. M. Soward, "Chaotic streamlines in the
       ABC flows", J. Fluid Mech. 167 (1986) 353-391.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(0, np.pi, 8, endpoint=False)
    >>> flow = flows.abc(x, x, x, wavenumber=2.0)
    >>> w_x = flow.exact("vorticity").sel(component="x")
    >>> bool(abs(w_x - 2 * flow.dataset.u).max() < 1e-14)
    True
    """
    amplitudes = {name: _checks.real(name, value) for name, value in (("a", a), ("b", b), ("c", c))}
    a, b, c = amplitudes.values()
    k = _checks.positive("wavenumber", wavenumber)
    nu = _checks.not_negative("viscosity", viscosity)

    def decay(t: Array) -> Array:
        return np.asarray(np.exp(-nu * k**2 * t))

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Array]:
        f = decay(t)
        return [
            f * (a * np.sin(k * z) + c * np.cos(k * y)),
            f * (b * np.sin(k * x) + a * np.cos(k * z)),
            f * (c * np.sin(k * y) + b * np.cos(k * x)),
        ]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Value]]:
        f = k * decay(t)
        return [
            [0.0, -f * c * np.sin(k * y), f * a * np.cos(k * z)],
            [f * b * np.cos(k * x), 0.0, -f * a * np.sin(k * z)],
            [-f * b * np.sin(k * x), f * c * np.cos(k * y), 0.0],
        ]

    def pressure(x: Array, y: Array, z: Array, t: Array) -> Value:
        u, v, w = velocity(x, y, z, t)
        return -(u**2 + v**2 + w**2) / 2

    return build(
        "abc",
        "Arnold-Beltrami-Childress flow",
        x=x,
        y=y,
        z=z,
        t=None if t is None else _checks.time(t),
        velocity=velocity,
        gradient=gradient,
        pressure=pressure,
        parameters=amplitudes | {"wavenumber": k, "viscosity": nu},
        period=dict.fromkeys("xyz", 2 * math.pi / k),
        required="xyz",
    )
