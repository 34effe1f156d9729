# SPDX-License-Identifier: BSD-3-Clause
"""Single vortices around the z axis: Lamb-Oseen, Rankine and Burgers.

All three turn around the axis with an angular velocity f(s), s = r^2 = x^2 + y^2: u = -y f, v = x f, so that

    u_x = -2 x y f',  u_y = -f - 2 y^2 f',  v_x = f + 2 x^2 f',  v_y = 2 x y f'

with f' = df/ds. Written in s, nothing is divided by r, and the axis needs no case of its own.
"""

from __future__ import annotations

import math

import numpy as np

from fieldgrad.flows import _checks
from fieldgrad.flows._checks import Array, Coordinate
from fieldgrad.flows._record import Flow, Value, build


def lamb_oseen(
    x: Coordinate,
    y: Coordinate,
    t: Coordinate = 1.0,
    *,
    z: Coordinate | None = None,
    circulation: float = 1.0,
    viscosity: float = 0.01,
) -> Flow:
    r"""Lamb-Oseen vortex: a line vortex that diffuses, an exact solution of the Navier-Stokes equations.

    Closed form [1]_:

    .. math:: u_\theta = \frac{\Gamma}{2 \pi r} \left(1 - \exp\left(-\frac{r^2}{4 \nu t}\right)\right)

    On the axis the velocity is zero and the fluid turns at the rate Gamma / (8 pi nu t), the limit of the
    formula.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m); the axis of the vortex is at x = y = 0.
    t : float, array_like or DataArray, default 1
        Time or times since the line vortex was let go (s), larger than zero; several make a leading dimension
        ``time``.
    z : array_like or DataArray, optional
        A third coordinate (m), along which nothing changes and the velocity w is zero.
    circulation : float, default 1
        Circulation Gamma around the vortex (m2 s-1).
    viscosity : float, default 0.01
        Kinematic viscosity nu (m2 s-1), larger than zero.

    Returns
    -------
    Flow
        With u, v (and w) on (time, z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate, a time or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] P. G. Saffman, Vortex Dynamics, Cambridge University Press, 1992, section 13.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(-1, 1, 21)
    >>> flow = flows.lamb_oseen(x, x, t=1.0, circulation=4 * np.pi, viscosity=0.01)
    >>> w = flow.exact("vorticity")
    >>> print(f"{float(w.sel(x=0, y=0, method='nearest')):.6f}")  # Gamma / (4 pi nu t)
    100.000000
    """
    gamma = _checks.real("circulation", circulation)
    nu = _checks.positive("viscosity", viscosity)
    times = _checks.time(t)
    if float(times.min()) <= 0:
        raise ValueError(f"t has the value {float(times.min())}: the vortex is singular until t > 0; pass later times")

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Array]:
        f, _ = _gaussian_core(x**2 + y**2, gamma, 4 * nu * t)
        return [-y * f, x * f]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Array]]:
        return _swirl_gradient(x, y, *_gaussian_core(x**2 + y**2, gamma, 4 * nu * t))

    return build(
        "lamb_oseen",
        "Lamb-Oseen vortex",
        x=x,
        y=y,
        z=z,
        t=times,
        velocity=velocity,
        gradient=gradient,
        parameters={"circulation": gamma, "viscosity": nu},
    )


def rankine(
    x: Coordinate,
    y: Coordinate,
    *,
    z: Coordinate | None = None,
    circulation: float = 1.0,
    core_radius: float = 1.0,
) -> Flow:
    r"""Rankine vortex: a core that turns as a solid body in an irrotational flow.

    Closed form [1]_:

    .. math::
        u_\theta = \frac{\Gamma r}{2 \pi R^2} \; (r \le R), \quad u_\theta = \frac{\Gamma}{2 \pi r} \; (r > R)

    The gradient jumps at r = R, where that of the core is given.

    Parameters
    ----------
    x, y : array_like or DataArray
        One-dimensional coordinates (m); the axis of the vortex is at x = y = 0.
    z : array_like or DataArray, optional
        A third coordinate (m), along which nothing changes and the velocity w is zero.
    circulation : float, default 1
        Circulation Gamma around the core (m2 s-1).
    core_radius : float, default 1
        Radius R of the core (m).

    Returns
    -------
    Flow
        With u, v (and w) and p, which is zero far away, on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] P. G. Saffman, Vortex Dynamics, Cambridge University Press, 1992, section 2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> flow = flows.rankine(np.array([0.0, 0.5, 2.0]), np.array([0.0]), circulation=2 * np.pi)
    >>> flow.dataset.v.values.tolist()
    [[0.0, 0.5, 0.5]]
    >>> flow.exact("vorticity").values.tolist()
    [[2.0, 2.0, 0.0]]
    """
    gamma = _checks.real("circulation", circulation)
    radius = _checks.positive("core_radius", core_radius)
    core = radius**2

    def turning(s: Array) -> tuple[Array, Array]:
        outside = np.maximum(s, core)
        f = gamma / (2 * math.pi * outside)
        return f, np.where(s > core, -f / outside, 0.0)

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Array]:
        f, _ = turning(x**2 + y**2)
        return [-y * f, x * f]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Array]]:
        return _swirl_gradient(x, y, *turning(x**2 + y**2))

    def pressure(x: Array, y: Array, z: Array, t: Array) -> Array:
        s = x**2 + y**2
        f, _ = turning(s)
        # Outside -u^2/2; inside it rises by u^2/2 from its lowest value, twice that at the core's edge.
        return np.where(s > core, -(f**2) * s / 2, f**2 * (s / 2 - core))

    return build(
        "rankine",
        "Rankine vortex",
        x=x,
        y=y,
        z=z,
        velocity=velocity,
        gradient=gradient,
        pressure=pressure,
        parameters={"circulation": gamma, "core_radius": radius},
    )


def burgers_vortex(
    x: Coordinate,
    y: Coordinate,
    z: Coordinate,
    *,
    circulation: float = 1.0,
    strain_rate: float = 1.0,
    viscosity: float = 0.01,
) -> Flow:
    r"""Burgers vortex: axial strain holds it against diffusion, a steady solution of Navier-Stokes.

    Closed form [1]_:

    .. math::
        u_r = -\tfrac{1}{2} a r, \quad u_z = a z, \quad
        u_\theta = \frac{\Gamma}{2 \pi r} \left(1 - \exp\left(-\frac{a r^2}{4 \nu}\right)\right)

    Parameters
    ----------
    x, y, z : array_like or DataArray
        One-dimensional coordinates (m); the axis of the vortex is at x = y = 0, the stagnation plane at z =
        0.
    circulation : float, default 1
        Circulation Gamma around the vortex (m2 s-1).
    strain_rate : float, default 1
        Axial rate of strain a (s-1), larger than zero.
    viscosity : float, default 0.01
        Kinematic viscosity nu (m2 s-1), larger than zero.

    Returns
    -------
    Flow
        With u, v and w on (z, y, x).

    Raises
    ------
    TypeError, ValueError
        If a coordinate or a parameter is not real, finite, or of the right shape or sign.

    References
    ----------
    .. [1] J. M. Burgers, "A mathematical model illustrating the theory of turbulence", Adv. Appl. Mech. 1
       (1948) 171-199.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> x = np.linspace(-1, 1, 5)
    >>> flow = flows.burgers_vortex(x, x, x, strain_rate=2.0)
    >>> on_axis = flow.velocity_gradient.sel(x=0, y=0, z=1)
    >>> on_axis.sel(component="z", direction="z").item()
    2.0
    """
    gamma = _checks.real("circulation", circulation)
    a = _checks.positive("strain_rate", strain_rate)
    nu = _checks.positive("viscosity", viscosity)
    core = np.asarray(4 * nu / a)

    def velocity(x: Array, y: Array, z: Array, t: Array) -> list[Array]:
        f, _ = _gaussian_core(x**2 + y**2, gamma, core)
        return [-y * f - a / 2 * x, x * f - a / 2 * y, a * z]

    def gradient(x: Array, y: Array, z: Array, t: Array) -> list[list[Value]]:
        (u_x, u_y), (v_x, v_y) = _swirl_gradient(x, y, *_gaussian_core(x**2 + y**2, gamma, core))
        return [[u_x - a / 2, u_y, 0.0], [v_x, v_y - a / 2, 0.0], [0.0, 0.0, a]]

    return build(
        "burgers_vortex",
        "Burgers vortex",
        x=x,
        y=y,
        z=z,
        velocity=velocity,
        gradient=gradient,
        parameters={"circulation": gamma, "strain_rate": a, "viscosity": nu},
        required="xyz",
    )


def _swirl_gradient(x: Array, y: Array, f: Array, f_s: Array) -> list[list[Array]]:
    """Gradient of u = -y f(s), v = x f(s), from f and df/ds."""
    xy = 2 * x * y * f_s
    return [[-xy, -f - 2 * y**2 * f_s], [f + 2 * x**2 * f_s, xy]]


def _gaussian_core(s: Array, gamma: float, core: Array) -> tuple[Array, Array]:
    """Angular velocity f = Gamma (1 - exp(-s/core)) / (2 pi s), and df/ds, to full precision for s >= 0."""
    scale = gamma / (2 * math.pi * core)
    phi, phi_q = _phi(s / core)
    return scale * phi, scale / core * phi_q


def _phi(q: Array) -> tuple[Array, Array]:
    """phi(q) = (1 - exp(-q))/q and its derivative, for q >= 0.

    The derivative ((1 + q) exp(-q) - 1)/q^2 loses all digits at small q; there the series
    -1/2 + q/3 - q^2/8 + ... = sum_n n (-1)^n q^(n-1) / (n+1)! is summed, by Horner's rule.
    """
    small = np.minimum(q, 1.0)
    series = np.zeros_like(q)
    for n in range(20, 0, -1):  # the first term left out is below 5e-19 for q <= 1
        series = series * small + n * (-1) ** n / math.factorial(n + 1)
    large = np.maximum(q, 1.0)
    # Divided twice: the square of q may overflow.
    phi_q = np.where(q < 1, series, ((1 + large) * np.exp(-large) - 1) / large / large)
    nonzero = np.where(q > 0, q, 1.0)
    phi = np.where(q > 0, -np.expm1(-nonzero) / nonzero, 1.0)
    return phi, phi_q
