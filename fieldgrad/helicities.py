# SPDX-License-Identifier: BSD-3-Clause
"""How far the vorticity lies along the velocity: helicity and its cosine."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from fieldgrad import operators, units
from fieldgrad.bars import watched
from fieldgrad.chunked import evaluate, of_vector
from fieldgrad.components import Components, find_components, refuse_staggered
from fieldgrad.fields import (
    Velocity,
    frame_of,
    length_of,
    relabel,
    require_labelled,
    require_whole,
    units_of,
    vector_of,
)
from fieldgrad.grid import Grid
from fieldgrad.infer import require_lengths
from fieldgrad.labelled import Names
from fieldgrad.operators import Array, Frame
from fieldgrad.recall import recalled_grid


@watched
def helicity(obj: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Helicity per unit volume, the product of velocity and vorticity.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity of a flow in space: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray
        u . w with w = curl u, in m s-2 where velocities are in m s-1 and lengths in m.

    Raises
    ------
    TypeError
        If a component is complex or holds no numbers.
    ValueError
        If the flow has not three directions; or as :func:`fieldgrad.velocity_gradient`.

    Notes
    -----
    H. K. Moffatt, Journal of Fluid Mechanics 35 (1969) 117-129. It depends on the frame of reference, and its sign on
    the handedness of the coordinates; its integral over a volume that no vortex line leaves is an invariant of inviscid
    barotropic flow.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> flow = fg.flows.abc(x, x, x).dataset
    >>> grid = fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=4)
    >>> fg.helicity(flow, grid=grid).mean().round(2).item()  # the vorticity is the velocity, of mean square 3
    2.99
    """
    first, grid, result, unit = _evaluated(obj, grid, components, "helicity", operators.helicity)
    return relabel(
        first, result, name="helicity", long_name="helicity density", definition="u . w", unit=unit, grid=grid
    )


@watched
def relative_helicity(obj: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Cosine of the angle between velocity and vorticity.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity of a flow in space: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray
        ``(u . w) / (|u| |w|)`` with w = curl u, from -1 to 1; NaN where either vanishes.

    Raises
    ------
    TypeError, ValueError
        As :func:`helicity`.

    Notes
    -----
    H. K. Moffatt and A. Tsinober, Annual Review of Fluid Mechanics 24 (1992) 281-312. In Y. Levy, D. Degani and
    A. Seginer, AIAA Journal 28 (1990) 1347-1352, it is the normalised helicity: near 1 or -1 in the cores of vortices
    with a flow along them, its sign telling which way they turn.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> flow = fg.flows.abc(x, x, x, a=1.0, b=0.7, c=0.4).dataset
    >>> grid = fg.infer_grid(flow, periodic=["x", "y", "z"])
    >>> fg.relative_helicity(flow, grid=grid).min().round(12).item()
    1.0
    """
    first, grid, result, _ = _evaluated(obj, grid, components, "relative_helicity", operators.relative_helicity)
    return relabel(
        first,
        result,
        name="relative_helicity",
        long_name="relative helicity density",
        definition="(u . w)/(|u||w|)",
        unit="1",
        grid=grid,
    )


def _evaluated(
    obj: Velocity, grid: Grid | None, components: Names, name: str, function: Callable[..., Array]
) -> tuple[xr.DataArray, Grid, Array, str | None]:
    """First component, grid, values, and units of the helicity."""
    grid, found, frame, fields = _flow_of(obj, grid, components, name)
    (result,) = evaluate(of_vector(function), fields, frame)
    speed = units.common([units_of(field) for field in found.fields])
    unit = units.combine([(speed, 2), (length_of(grid), -1)])
    return found.fields[0], grid, result, unit


def _flow_of(
    obj: Velocity, grid: Grid | None, components: Names, name: str
) -> tuple[Grid, Components, Frame, list[Array]]:
    """Grid, components, frame and values of a flow in space."""
    require_labelled(obj, "obj")
    if grid is None:
        refuse_staggered(obj, components)
        grid = recalled_grid(obj)
    require_lengths(grid)
    require_whole(grid, "the curl of a vector")
    if len(grid.axes) != 3:
        raise ValueError(
            f"obj: {name!r} is defined in 3-D flows; this one has {len(grid.axes)} "
            f"direction{'s' if len(grid.axes) != 1 else ''} ({', '.join(grid.names)}), and the derivatives across "
            "them are unknown; pass a flow in space"
        )
    found = find_components(obj, grid, components)
    frame = frame_of(grid, found.fields[0], vector=found)
    fields = vector_of(found.fields, found.labels)
    operators.require_real_velocity(name, fields[0].dtype)
    return grid, found, frame, fields
