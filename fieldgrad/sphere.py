# SPDX-License-Identifier: BSD-3-Clause
"""What meteorology and oceanography ask of a flow on the rotating earth."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import operators, units
from fieldgrad.bars import watched
from fieldgrad.chunked import evaluate
from fieldgrad.components import find_components
from fieldgrad.curvilinear import Curvilinear
from fieldgrad.fields import (
    Velocity,
    broadcast_on,
    length_of,
    long_of,
    relabel,
    require_labelled,
    require_whole,
    scalar_of,
    short_of,
    units_of,
)
from fieldgrad.geometry import upright
from fieldgrad.grid import Grid
from fieldgrad.labelled import STANDARD_NAMES, Names, derive
from fieldgrad.operators import Array, Frame
from fieldgrad.quantities import quantity
from fieldgrad.recall import recalled_grid
from fieldgrad.systems import Spherical

#: Angular velocity of the earth in s-1 (Moritz, Geodetic Reference System 1980).
EARTH_ROTATION = 7.292115e-5
# Standard names of the CF conventions: of the vorticity of a wind, and of that with the earth's.
_ABSOLUTE = {STANDARD_NAMES["vorticity"]["wind"]: "atmosphere_upward_absolute_vorticity"}


def coriolis_parameter(obj: Velocity, *, grid: Grid | None = None, rotation: float = EARTH_ROTATION) -> xr.DataArray:
    r"""Coriolis parameter, twice the vertical part of the rotation of the earth.

    Parameters
    ----------
    obj : Dataset or DataArray
        Anything with a latitude.
    grid : Grid, optional
        A spherical grid, by default ``infer_grid(obj)``.
    rotation : float
        Angular velocity of the planet (s-1).

    Returns
    -------
    DataArray
        :math:`f = 2 \Omega \sin\varphi` (s-1), on the dimensions of latitude.

    Raises
    ------
    TypeError
        If `obj` is no xarray object.
    ValueError
        If the grid is not spherical, or has no latitude.

    Notes
    -----
    J. R. Holton and G. J. Hakim, An Introduction to Dynamic Meteorology, fifth edition (2013), section 1.3.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> lat = xr.DataArray([0.0, 30.0, 90.0], dims="lat", attrs={"units": "degrees_north"})
    >>> field = xr.DataArray([0.0, 0.0, 0.0], dims="lat", coords={"lat": lat})
    >>> f = fg.coriolis_parameter(field, grid=fg.infer_grid(field, geometry="spherical"))
    >>> (f / 7.292115e-5).round(6).values
    array([0., 1., 2.])
    """
    require_labelled(obj, "obj")
    grid = recalled_grid(obj) if grid is None else grid
    dims, latitudes = _latitudes(grid)
    for dim, size in zip(dims, latitudes.shape, strict=True):
        if obj.sizes.get(dim) != size:
            raise ValueError(f"grid: dimension {dim!r} of {size} points is not that of the data; infer it from them")
    return _coriolis(obj, grid, rotation)


@watched
def absolute_vorticity(
    obj: Velocity, *, grid: Grid | None = None, components: Names = None, rotation: float = EARTH_ROTATION
) -> xr.DataArray:
    """Vertical vorticity in an inertial frame: that of the wind and that of the earth.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity relative to the earth: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        A spherical grid, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, eastward first.
    rotation : float
        Angular velocity of the planet (s-1).

    Returns
    -------
    DataArray
        The vertical vorticity and f, on the dimensions of the velocity.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.velocity_gradient` and :func:`coriolis_parameter`; and if the velocity is not in m s-1 on
        lengths in m, as far as the units are known.

    Notes
    -----
    J. R. Holton and G. J. Hakim, An Introduction to Dynamic Meteorology, fifth edition (2013), section 4.2.

    Examples
    --------
    A rigid rotation by half of the earth's has half of its vorticity:

    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> import xarray as xr
    >>> lat = xr.DataArray(np.linspace(-60.0, 60.0, 25), dims="lat", attrs={"units": "degrees_north"})
    >>> lon = xr.DataArray(np.arange(0.0, 360.0, 30.0), dims="lon", attrs={"units": "degrees_east"})
    >>> ds = xr.Dataset(coords={"lat": lat, "lon": lon})
    >>> ds["u"] = 0.5 * 7.292115e-5 * 6.3712e6 * np.cos(np.deg2rad(ds.lat)) + 0 * ds.lon
    >>> ds["v"] = 0 * ds.u
    >>> (fg.absolute_vorticity(ds) / fg.coriolis_parameter(ds)).isel(lon=0).sel(lat=45.0).round(2).item()
    1.5
    """
    grid, w = _vertical_vorticity(obj, grid, components)
    f = _coriolis(w, grid, rotation)
    total = w + f.astype(w.dtype)
    return relabel(
        w,
        total.transpose(*w.dims).data,
        name="absolute_vorticity",
        long_name="absolute vorticity",
        definition="(curl u)_z + 2 Omega sin(latitude)",
        unit=w.attrs.get("units"),
        grid=grid,
        standard_name=_ABSOLUTE.get(w.attrs.get("standard_name", "")),
    )


@watched
def rossby_number(
    obj: Velocity, *, grid: Grid | None = None, components: Names = None, rotation: float = EARTH_ROTATION
) -> xr.DataArray:
    """Local Rossby number: the vertical vorticity of a flow beside that of the earth.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity relative to the earth: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        A spherical grid, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, eastward first.
    rotation : float
        Angular velocity of the planet (s-1).

    Returns
    -------
    DataArray
        The vertical vorticity over f, with its sign: positive in cyclones. NaN at the equator.

    Raises
    ------
    TypeError, ValueError
        As :func:`absolute_vorticity`.

    Notes
    -----
    J. C. McWilliams, Proceedings of the Royal Society A 472 (2016) 20160117.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> import xarray as xr
    >>> lat = xr.DataArray(np.linspace(-60.0, 60.0, 25), dims="lat", attrs={"units": "degrees_north"})
    >>> lon = xr.DataArray(np.arange(0.0, 360.0, 30.0), dims="lon", attrs={"units": "degrees_east"})
    >>> ds = xr.Dataset(coords={"lat": lat, "lon": lon})
    >>> ds["u"] = 0.5 * 7.292115e-5 * 6.3712e6 * np.cos(np.deg2rad(ds.lat)) + 0 * ds.lon
    >>> ds["v"] = 0 * ds.u
    >>> fg.rossby_number(ds).isel(lon=0).sel(lat=[0.0, 45.0]).round(2).values
    array([nan, 0.5])
    """
    grid, w = _vertical_vorticity(obj, grid, components)
    f = _coriolis(w, grid, rotation).astype(w.dtype)
    ratio = w / f.where(f != 0)
    return relabel(
        w,
        ratio.transpose(*w.dims).data,
        name="rossby_number",
        long_name="local Rossby number",
        definition="(curl u)_z / (2 Omega sin(latitude))",
        unit="1" if units.combine([(w.attrs.get("units"), 1)]) == "s-1" else None,
        grid=grid,
    )


@watched
def frontogenesis(
    f: xr.DataArray, velocity: Velocity, *, grid: Grid | None = None, components: Names = None
) -> xr.DataArray:
    r"""Petterssen frontogenesis: how fast a flow sharpens the horizontal gradient of a scalar that it carries.

    Parameters
    ----------
    f : DataArray
        Scalar, such as the potential temperature.
    velocity : Dataset or DataArray
        Horizontal velocity on the points of `f`: a variable for each component, or a dimension ``component``.
    grid : Grid, optional
        A grid of two directions, x and y in any geometry, by default ``infer_grid(f)``.
    components : sequence of str, optional
        Names of the components, in x, y order.

    Returns
    -------
    DataArray
        :math:`\frac{d}{dt}|\nabla f| = -\frac{\nabla f \cdot L\,\nabla f}{|\nabla f|}`, in the unit of `f` per unit of
        length and second; 0 where `f` has no gradient.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.gradient` and :func:`fieldgrad.velocity_gradient`; and if the grid has not two directions.

    Notes
    -----
    S. Petterssen, Weather Analysis and Forecasting, volume 1, McGraw-Hill (1956), chapter 11; J. T. Keyser,
    M. J. Reeder and R. J. Reed, Monthly Weather Review 116 (1988) 762-780, equation 2.1. With the total deformation E
    and the angle :math:`\beta` between the isolines of `f` and the axis of dilatation it is
    :math:`\tfrac12 |\nabla f| (E \cos 2\beta - \nabla\cdot u)`. It is positive where fronts form.

    Examples
    --------
    A strain that brings isolines together, at a rate of 2:

    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> flow = fg.flows.pure_strain([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], rates=(2.0, -2.0)).dataset
    >>> f = (3 * flow.y + 0 * flow.x).transpose(*flow.u.dims).rename("f")
    >>> fg.frontogenesis(f, flow).values[0]
    array([6., 6., 6.])
    """
    require_labelled(velocity, "velocity")
    grid, frame, field = scalar_of(f, grid)
    if len(grid.axes) != 2:
        raise ValueError(
            f"grid: has {len(grid.axes)} directions ({', '.join(grid.names)}), and frontogenesis is that of a "
            f"horizontal gradient; leave the others out, infer_grid(obj, axes={{{grid.directions[2]!r}: None}})"
        )
    require_whole(grid, "the gradient of a vector")
    if field.dtype.kind == "c":
        raise TypeError("f: is complex; frontogenesis is not linear, pass a real field")
    found = find_components(velocity, grid, components)
    vector = [value.astype(field.dtype) for value in broadcast_on(f, found, grid, "velocity")]
    for name, value in zip(grid.names, vector, strict=True):
        if value.shape != field.shape:
            raise ValueError(
                f"velocity: its component {name} lacks a dimension of {short_of(f)}; repeat it along that "
                "(obj.broadcast_like)"
            )
    (result,) = evaluate(_frontogenesis, [field, *vector], frame)
    speed = units.common([units_of(part) for part in found.fields])
    length = length_of(grid)
    return relabel(
        f,
        result,
        name=f"frontogenesis_{short_of(f)}",
        long_name=f"frontogenesis of {long_of(f)}",
        definition=f"-grad {short_of(f)} . L grad {short_of(f)} / |grad {short_of(f)}|",
        unit=units.combine([(units_of(f), 1), (speed, 1), (length, -2)]),
        grid=grid,
    )


def _frontogenesis(fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """``-g . L g / |g|``, since d/dt of df/dx_i along the flow is -(df/dx_j) du_j/dx_i."""
    gradient = operators.gradient(fields[0], frame)
    (L,) = operators.derive(fields[1:], frame.directions, frame, [quantity("velocity_gradient")], {})
    a, b = gradient
    # scaled to length one first: squares of gradients underflow in float32
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.hypot(a, b)
        a, b = a / size, b / size
        rate = (L[0, 0] * a * a + (L[0, 1] + L[1, 0]) * (a * b)) + L[1, 1] * b * b
        return [np.where(size == 0, size, -(rate * size))]


def _latitudes(grid: Grid) -> tuple[tuple[str, ...], Array]:
    """Dimensions of the latitude of a spherical grid, and its values in radians."""
    if isinstance(grid.system, Curvilinear) and grid.system.sphere is not None:
        latitude = grid.system.positions[1]
        assert latitude is not None
        along = [axis for axis in grid.axes if latitude.shape[grid.directions.index(axis.name)] > 1]
        return tuple(axis.dim for axis in along), latitude.reshape([len(axis) for axis in along])
    if not isinstance(grid.system, Spherical):
        raise ValueError(
            f"grid: is {grid.geometry}, and the rotation of the earth needs latitudes; pass "
            "fg.infer_grid(obj, geometry='spherical')"
        )
    found = [axis for axis in grid.axes if axis.name == "y"]
    if not found:
        raise ValueError("grid: has no direction y, along which the latitude runs; keep that dimension")
    return (found[0].dim,), upright(grid, found[0])


def _coriolis(obj: Velocity, grid: Grid, rotation: float) -> xr.DataArray:
    dims, latitudes = _latitudes(grid)
    values = 2 * float(rotation) * np.sin(latitudes)
    coords = {name: coord for name, coord in obj.coords.items() if coord.dims and set(coord.dims) <= set(dims)}
    attrs = {
        "long_name": "Coriolis parameter",
        "standard_name": "coriolis_parameter",
        "fieldgrad_definition": f"2 Omega sin(latitude), Omega = {float(rotation):g} s-1",
        "units": "s-1",
    }
    f = xr.DataArray(values, coords, dims, "coriolis_parameter", attrs)
    return f.transpose(*[dim for dim in obj.dims if dim in dims])


def _vertical_vorticity(obj: Velocity, grid: Grid | None, components: Names) -> tuple[Grid, xr.DataArray]:
    """The vertical component of the curl, which is per second as far as units tell."""
    require_labelled(obj, "obj")
    grid = recalled_grid(obj) if grid is None else grid
    _latitudes(grid)
    w = derive(obj, "vorticity", grid=grid, components=components)["vorticity"]
    if "component" in w.dims:
        w = w.sel(component="z", drop=True)
        if grid.axis("z").down:
            w = (-w).assign_attrs(w.attrs)
    unit = w.attrs.get("units")
    if unit is not None and unit != "s-1":
        raise ValueError(
            f"obj: its vorticity is in {unit}, to which the Coriolis parameter in s-1 cannot be added; convert the "
            "velocity to m s-1 (and heights to m)"
        )
    return grid, w
