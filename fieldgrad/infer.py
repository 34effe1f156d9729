# SPDX-License-Identifier: BSD-3-Clause
"""Which dimensions of a dataset are directions in space, and where their nodes lie."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
import xarray as xr

from fieldgrad.coordinates import direction, metres, points_down, positions
from fieldgrad.geometries import Asked
from fieldgrad.grid import SPATIAL, Axis, Grid, checked_nodes, is_uniform
from fieldgrad.least_squares import LeastSquares
from fieldgrad.masking import checked_missing, mask_of
from fieldgrad.mesh import find_mesh
from fieldgrad.systems import EARTH_RADIUS, System
from fieldgrad.units import is_quantity, of_quantity
from fieldgrad.walls import Ends, Wall

Obj: TypeAlias = xr.DataArray | xr.Dataset
Sizes: TypeAlias = Mapping[Hashable, int]
Variables: TypeAlias = Mapping[Any, xr.Variable]

Boundary: TypeAlias = tuple[tuple[str | None, Ends], ...]

_NO_ATTRS: Mapping[Any, Any] = {}
_AUTO = Asked()
FINITE_DIFFERENCE, LEAST_SQUARES = "finite_difference", "least_squares"


def infer_grid(
    obj: xr.DataArray | xr.Dataset,
    *,
    axes: Mapping[str, str | None] | None = None,
    spacing: Mapping[str, float] | None = None,
    periodic: str | Iterable[str] | Mapping[str, float | Sequence[float] | None] = (),
    accuracy: int = 2,
    geometry: str | System = "auto",
    radius: float = EARTH_RADIUS,
    shallow: bool = False,
    boundary: Mapping[str, Any] | None = None,
    scheme: str | LeastSquares = FINITE_DIFFERENCE,
    positive: Mapping[str, str] | None = None,
    mask: xr.DataArray | np.ndarray[Any, Any] | str | None = None,
    missing: str = "propagate",
    least_accuracy: int | None = None,
) -> Grid:
    """Find which dimensions are x, y and z, and where their nodes lie.

    A dimension is a direction by the CF attributes of its coordinate (``axis``, ``standard_name``, ``units``,
    ``positive``), else by its name (x, lon, longitude, ..., or one that ends in ``_x``); the caller's `axes`
    override both. Where dimensions have no positions of their own, coordinates of two or three dimensions, such as
    lon(j, i), are looked for. A dimension of length 1 is no direction. Time and other dimensions with a coordinate of
    numbers or times become ``grid.others``.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data on a structured grid, with any number of dimensions in any order.
    axes : mapping of str to str or None, optional
        "x", "y" or "z" -> the dimension that runs along it, a coordinate of two or three dimensions that tells it, or
        None where that direction is absent. What is not mentioned is inferred.
    spacing : mapping of str to float, optional
        Dimension (or direction) without a coordinate -> step between its nodes, of which the first lies at 0.
    periodic : str, iterable of str, or mapping of str to float or None
        Dimensions (or directions) along which the data repeat. A mapping gives the period, in units of the
        coordinate (seconds for times). Where it is not given it is the attribute ``period`` of the
        coordinate, else of `obj`, else the number of points times the spacing if that is uniform. Of dimensions that
        count points of a curvilinear grid it is what is added to x, y, z after a turn; without it the grid closes.
    accuracy : int
        Order of accuracy of derivatives: 2, 4, 6 or 8.
    geometry : str or Orthogonal
        "cartesian", "spherical" (longitude, latitude and height or none), "cylindrical" (r, theta, z), "polar"
        (r, theta), orthogonal coordinates of your own, or "auto": spherical where the coordinates say that they are
        longitude and latitude in degrees, else Cartesian. An angle whose nodes are all around is periodic. In other
        coordinates than Cartesian ones, `axes` has their names.
    radius : float
        Radius of the sphere in metres, from which heights count; 0 where they count from its centre.
    shallow : bool
        Whether lengths on the sphere are those at its surface at every height: the shallow-atmosphere approximation.
    boundary : mapping of str to what is known, optional
        Dimension (or direction) -> what is known at its ends of smallest and of largest coordinate, a pair. Each is a
        number (the value of the field at a wall), "symmetric" or "antisymmetric" (its sign in a mirror there), a
        :class:`fieldgrad.Wall`, which also tells the position, or None; one alone is for both ends. Where it differs
        between fields it is a mapping of their names, or of the directions of components, to such pairs.
    scheme : str or LeastSquares
        "finite_difference", or "least_squares" for derivatives of polynomials fitted to noisy data;
        :class:`fieldgrad.LeastSquares` tells the width of the window.
    positive : mapping of str to str, optional
        Dimension (or direction) -> "down" where it and the component along it point down, as y does in images, or "up".
        By default the attribute ``positive`` of the coordinate of y.
    mask : DataArray, ndarray or str, optional
        True where a point is valid: booleans (or 0 and 1) on some or all dimensions, or the name of a variable of
        `obj`.
    missing : str
        What stencils do beside points that are NaN or masked. "propagate": the derivative is NaN. "adapt": they shift,
        then narrow, to stay on the side of the hole where they are. "shrink": they narrow, and stay centred.
    least_accuracy : int, optional
        Least order of accuracy of such stencils, else the derivative is NaN; by default 1 with "adapt" and 2 with
        "shrink".

    Returns
    -------
    Grid
        The directions in x, y, z order, and the other dimensions by name.

    Raises
    ------
    TypeError
        If an argument has another type, or a coordinate in use holds neither numbers nor times.
    ValueError
        If no dimension is a direction or two claim the same, if one has no coordinate and no spacing, if a
        coordinate in use is not finite and strictly monotonic, or if a dimension or a number in the arguments
        makes no sense.

    Examples
    --------
    >>> x, y = np.linspace(0, 1, 5), np.array([0, 1, 4, 9.0]) / 9
    >>> field = xr.DataArray(np.zeros((4, 5)), coords={"y": y, "x": x}, dims=("y", "x"))
    >>> infer_grid(field, periodic={"x": 1.25}, accuracy=4)
    <fieldgrad.Grid: cartesian, 2 axes>
    axis  dim  points  spacing           stretching  periodic  units  accuracy
    x     x         5  0.25                   1      1.25      -             4
    y     y         4  0.1111 to 0.5556       3      no        -             4
    """
    asked = Asked(geometry, radius, shallow)
    names = asked.system.directions
    least = checked_missing(missing, least_accuracy, accuracy)
    sizes, variables = _parts(obj)
    mesh = find_mesh(obj, variables, axes, spacing, asked, lambda given: _owners(sizes, variables, given, asked))
    if mesh is not None:
        axes = {**(axes or {}), **mesh.counted}
        variables = {key: variable for key, variable in variables.items() if key not in mesh.dims}
    owners = _owners(sizes, variables, axes, asked)
    steps = _steps(spacing, sizes, variables, owners)
    counted: Set[str] = set() if mesh is None else mesh.dims
    periods = _periods(periodic, sizes, owners, counted)
    walls = _walls(boundary, obj, sizes, owners, names)
    fit = _scheme(scheme)
    downs = _downs(positive, sizes, owners)
    if mesh is not None:
        mesh.refuse(boundary=bool(walls), scheme=fit is not None, positive=bool(downs))
    chosen = {owners[name]: name for name in names if name in owners and sizes[owners[name]] != 1}
    if not chosen:
        raise ValueError(
            f"axes: none of the dimensions {_listed(sizes)} is known as a direction of more than one "
            f"point; name them, axes={{{names[0]!r}: dimension, {names[1]!r}: dimension}}{_auxiliary(obj, sizes)}"
        )
    bare = [dim for dim in chosen if dim not in variables and dim not in steps and dim not in counted]
    if bare:
        raise _no_coordinate(obj, {dim: chosen[dim] for dim in bare})

    def axis(name: str, dim: str) -> Axis:
        period = periods.get(dim, False)
        how = (walls.get(dim, ()), fit, downs.get(dim))
        if dim in counted:
            turn = None if period is False else float(sizes[dim])
            return Axis(name, dim, np.arange(float(sizes[dim])), period=turn, accuracy=accuracy)
        step = steps.get(dim)
        return _axis(name, dim, variables.get(dim), sizes[dim], accuracy, step, period, obj.attrs, asked, *how)

    others = []
    for dim in sorted(dim for dim in sizes if isinstance(dim, str) and dim not in chosen and sizes[dim] != 1):
        if dim in periods or dim in steps or dim in walls:
            if dim not in variables and dim not in steps:
                raise _no_coordinate(obj, {dim: None})
            others.append(axis(dim, dim))
        elif dim in variables and dim not in owners and variables[dim].dtype.kind in "iufmMO":
            try:
                others.append(axis(dim, dim))
            except (TypeError, ValueError):
                # Nothing is asked of it yet; axis_of gives the reason to whoever differentiates along it.
                continue
    along = tuple([axis(name, dim) for dim, name in chosen.items()])
    if mesh is None:
        grid = asked.grid(along, tuple(others))
    else:
        grid = mesh.with_periods(periods).grid(along, tuple(others), asked)
    return replace(grid, mask=mask_of(obj, mask), missing=missing, least_accuracy=least)


def infer_axis(obj: xr.DataArray | xr.Dataset, dim: str, accuracy: int = 2) -> Axis:
    """The axis of one dimension, without a look at the others.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    dim : str
        Name of a dimension, or else "x", "y" or "z" for the dimension that runs along it.
    accuracy : int
        Order of accuracy of derivatives: 2, 4, 6 or 8.

    Returns
    -------
    Axis
        The axis, not periodic.

    Raises
    ------
    KeyError
        If there is no such dimension or direction; the message lists the dimensions.
    TypeError
        If its coordinate holds neither numbers nor times.
    ValueError
        If it has no coordinate, or one that is not finite and strictly monotonic, or times in a unit without
        a fixed length.

    Examples
    --------
    >>> infer_axis(xr.DataArray([1.0, 2.0, 4.0], coords={"time": [0, 2, 3]}, dims="time"), "time")
    Axis('time', dim='time', points=3, spacing=1 to 2)
    """
    sizes, variables = _parts(obj)
    if dim not in sizes:
        owner = _owners(sizes, variables, None, _AUTO).get(dim) if dim in SPATIAL else None
        if owner is None:
            raise KeyError(f"dim: {dim!r} is no dimension or direction of the data, which has {_listed(sizes)}")
        dim = owner
    variable = variables.get(dim)
    claim = direction(dim, _attrs(variable), _kind(variable))
    name = claim[0] if claim is not None and claim[0] in SPATIAL else None
    if variable is None:
        raise _no_coordinate(obj, {dim: name})
    return _axis(name or dim, dim, variable, sizes[dim], accuracy, None, False, _NO_ATTRS, _AUTO)


def axis_of(obj: xr.DataArray | xr.Dataset, dim: str, grid: Grid | None = None) -> Axis:
    """The axis to differentiate along: that of the grid, else that of the data.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    dim : str
        Name of a dimension, or else "x", "y" or "z".
    grid : Grid, optional
        Where to look first.

    Returns
    -------
    Axis
        The axis; where the grid does not have it, that of :func:`infer_axis` with the accuracy of the grid.

    Raises
    ------
    KeyError, TypeError, ValueError
        As :func:`infer_axis` does; and if the axis of the grid has another number of points than the data.

    Examples
    --------
    >>> field = xr.DataArray(np.zeros(3), coords={"x": [0.0, 1.0, 3.0]}, dims="x")
    >>> axis_of(field, "x", infer_grid(field, accuracy=4)).accuracy
    4
    """
    if grid is None:
        return infer_axis(obj, dim)
    for label in ("dim", "name"):
        for axis in grid.axes + grid.others:
            if getattr(axis, label) == dim:
                size = obj.sizes.get(axis.dim)
                if size != len(axis):
                    raise ValueError(
                        f"grid: dimension {axis.dim!r} has {len(axis)} points in the grid, and in the data "
                        f"{'does not exist' if size is None else size}; infer the grid from these data"
                    )
                return axis
    if dim in obj.sizes:
        return infer_axis(obj, dim, grid.axes[0].accuracy if grid.axes else 2)
    return grid.axis(dim)


def require_lengths(grid: Grid) -> None:
    """Verify that the coordinates of all directions are lengths in one unit.

    Parameters
    ----------
    grid : Grid
        The grid that a geometric operator was given.

    Raises
    ------
    ValueError
        If a coordinate is a latitude, a pressure or anything else that is no length, or if two are in
        different units of length; the message names each such dimension and the ways out.

    Examples
    --------
    >>> require_lengths(Grid((Axis("y", "lat", np.arange(3.0), obstacle="is a latitude, which is no length"),)))
    Traceback (most recent call last):
    ValueError: grid: dimension 'lat' is a latitude, which is no length. Geometric operators need lengths: ...
    """
    bad = [axis for axis in grid.axes if axis.obstacle is not None]
    if bad:
        them = "; ".join(f"dimension {axis.dim!r} {axis.obstacle}" for axis in bad)
        assign = ", ".join(f"{axis.dim!r}: lengths" for axis in bad)
        leave = ", ".join(f"{axis.name!r}: None" for axis in bad)
        what = "leave directions out" if grid.system.cartesian else "take the horizontal part"
        rest = f", or {what} (infer_grid(obj, axes={{{leave}}}))" if len(bad) < len(grid.axes) else ""
        angles = any(word in them for word in ("latitude", "longitude", "angle"))
        way = "name a geometry that knows angles (infer_grid(obj, geometry='spherical')), " if angles else ""
        raise ValueError(
            f"grid: {them}. Geometric operators need lengths: {way}assign coordinates in metres "
            f"(obj.assign_coords({{{assign}}})), take derivatives with respect to the coordinate itself "
            f"(fg.derivative){rest}"
        )
    angles_at = {grid.directions[place] for place in grid.system.angles}
    sizes = {axis: metres(axis.units) for axis in grid.axes if axis.name not in angles_at}
    measured = [axis for axis in sizes if sizes[axis] is not None]
    if len({sizes[axis] for axis in measured}) > 1:
        units = ", ".join(f"{axis.dim!r} in {axis.units}" for axis in measured)
        raise ValueError(
            f"grid: the directions have different units of length, {units}; "
            "convert the coordinates to one unit (obj.assign_coords) and set their attribute 'units'"
        )


def _parts(obj: Obj) -> tuple[Sizes, Variables]:
    if isinstance(obj, xr.DataArray):
        return obj.sizes, obj.coords.variables
    if isinstance(obj, xr.Dataset):
        return obj.sizes, obj.variables
    raise TypeError(f"obj: got a {type(obj).__name__}; it must be an xarray DataArray or Dataset")


def _listed(names: Iterable[Hashable]) -> str:
    return ", ".join(repr(name) for name in names) or "(there are none)"


def _attrs(variable: xr.Variable | None) -> Mapping[Any, Any]:
    return _NO_ATTRS if variable is None else variable.attrs


def _kind(variable: xr.Variable | None) -> str:
    """Kind of the dtype of a coordinate, with "M" for arrays of date objects too and "" for none."""
    if variable is None:
        return ""
    kind = str(variable.dtype.kind)
    if kind == "O" and variable.size:
        first = variable[:1].values[0]
        if hasattr(first, "utcoffset") or hasattr(first, "calendar"):  # datetime and cftime
            return "M"
    return kind


def _owners(sizes: Sizes, variables: Variables, axes: Mapping[str, str | None] | None, asked: Asked) -> dict[str, str]:
    """The dimension of each direction, those of length 1 included."""
    names, claim_of = asked.system.directions, asked.claim()
    given = {} if axes is None else _checked_axes(axes, sizes, names)
    claims: dict[str, list[tuple[tuple[bool, int], str]]] = {}
    for dim, size in sizes.items():
        if not isinstance(dim, str) or dim in given.values():
            continue
        variable = variables.get(dim)
        claim = claim_of(dim, _attrs(variable), _kind(variable))
        if claim is not None and claim[0] in names and claim[0] not in given:
            # one of length 1 is a direction only where nothing longer is
            claims.setdefault(claim[0], []).append(((size == 1, claim[1]), dim))
    owners = {name: dim for name, dim in given.items() if dim is not None}
    for name, claimants in claims.items():
        best = min(standing for standing, _ in claimants)
        dims = [dim for standing, dim in claimants if standing == best]
        if len(dims) == 1:
            owners[name] = dims[0]
        elif not best[0]:
            raise ValueError(
                f"axes: dimensions {' and '.join(map(repr, dims))} claim to be {name} alike; say which is, "
                f"axes={{{name!r}: {dims[0]!r}}}, pass variables that share one grid (ds[['u', 'v']]), or "
                "bring staggered ones to the centres of their cells (fg.collocate(obj))"
            )
    return owners


def _checked_axes(axes: Mapping[str, str | None], sizes: Sizes, names: tuple[str, str, str]) -> dict[str, str | None]:
    a, b, c = map(repr, names)
    if not isinstance(axes, Mapping):
        raise TypeError(f"axes: got {axes!r}; it must map {a}, {b} or {c} to dimensions, such as {{{a}: 'lon'}}")
    for name, dim in axes.items():
        if name not in names:
            raise ValueError(f"axes: {name!r} is no direction; they are {a}, {b} and {c}, as in axes={{{a}: 'lon'}}")
        if dim is not None and dim not in sizes:
            raise ValueError(f"axes: {dim!r} (for {name}) is no dimension of the data, which has {_listed(sizes)}")
        if dim is not None and list(axes.values()).count(dim) > 1:
            raise ValueError(f"axes: dimension {dim!r} is given for two directions; each must have its own")
    return dict(axes)


def _dim_of(key: Any, argument: str, sizes: Sizes, owners: Mapping[str, str]) -> str:
    dim = key if key in sizes else owners.get(key)
    if not isinstance(dim, str):
        raise ValueError(f"{argument}: {key!r} is no dimension or direction of the data, which has {_listed(sizes)}")
    return dim


def _number(value: Any, what: str) -> float:
    if isinstance(value, (str, bytes, bool, np.bool_, np.datetime64, np.timedelta64)):
        raise TypeError(f"{what} is {value!r}; it must be a number")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is {value!r}; it must be a number") from None


def _steps(spacing: Any, sizes: Sizes, variables: Variables, owners: Mapping[str, str]) -> dict[str, float]:
    if spacing is None:
        return {}
    if not isinstance(spacing, Mapping):
        raise TypeError(f"spacing: got {spacing!r}; it must map dimensions to steps, such as {{'x': 0.1}}")
    steps: dict[str, float] = {}
    for key, value in spacing.items():
        dim = _dim_of(key, "spacing", sizes, owners)
        step = _number(value, f"spacing: the step of dimension {dim!r}")
        if dim in variables:
            raise ValueError(
                f"spacing: dimension {dim!r} has a coordinate, which tells its spacing already; leave it "
                f"out, or drop the coordinate first (obj.drop_vars({dim!r}))"
            )
        if dim in steps:
            raise ValueError(f"spacing: dimension {dim!r} is given twice, as {key!r} the second time")
        if not (math.isfinite(step) and step > 0):
            raise ValueError(f"spacing: the step of dimension {dim!r} is {step}; it must be positive and finite")
        steps[dim] = step
    return steps


def _periods(periodic: Any, sizes: Sizes, owners: Mapping[str, str], counted: Set[str]) -> dict[str, Any]:
    """Dimensions that repeat, with their period where the caller gave one; along those that count points a vector."""
    if isinstance(periodic, str):
        periodic = (periodic,)
    if not isinstance(periodic, Iterable):
        raise TypeError(f"periodic: got {periodic!r}; it must be a list of dimensions, or map them to periods")
    pairs = periodic.items() if isinstance(periodic, Mapping) else [(key, None) for key in periodic]
    periods: dict[str, Any] = {}
    for key, value in pairs:
        dim = _dim_of(key, "periodic", sizes, owners)
        if dim in periods:
            raise ValueError(f"periodic: dimension {dim!r} is given twice, as {key!r} the second time")
        if dim in counted and isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
            periods[dim] = tuple([_number(one, f"periodic: the period of dimension {dim!r}") for one in value])
            continue
        period = None if value is None else _number(value, f"periodic: the period of dimension {dim!r}")
        if period is not None and not (math.isfinite(period) and period > 0):
            raise ValueError(f"periodic: the period of dimension {dim!r} is {period}; it must be positive and finite")
        periods[dim] = period
    return periods


def _walls(
    boundary: Any, obj: Obj, sizes: Sizes, owners: Mapping[str, str], names: tuple[str, str, str]
) -> dict[str, Boundary]:
    """For each dimension what is known at its ends, of each field."""
    if boundary is None:
        return {}
    if not isinstance(boundary, Mapping):
        raise TypeError(
            f"boundary: got {boundary!r}; it must map dimensions to what is known, such as {{'y': (0.0, 'symmetric')}}"
        )
    walls: dict[str, Boundary] = {}
    for key, given in boundary.items():
        dim = _dim_of(key, "boundary", sizes, owners)
        if dim in walls:
            raise ValueError(f"boundary: dimension {dim!r} is given twice, as {key!r} the second time")
        if not isinstance(given, Mapping):
            walls[dim] = ((None, _ends(given, dim)),)
            continue
        for name in given:
            known = [obj.name] if isinstance(obj, xr.DataArray) else list(obj.data_vars)
            if name not in known and name not in names:
                raise ValueError(
                    f"boundary: {name!r} (for dimension {dim!r}) is no field of the data, which has {_listed(known)}, "
                    "and no direction of a component"
                )
        walls[dim] = tuple((str(name), _ends(pair, dim)) for name, pair in given.items())
    return walls


def _ends(given: Any, dim: str) -> Ends:
    pair = tuple(given) if isinstance(given, list | tuple) else (given, given)
    if len(pair) != 2:
        raise ValueError(
            f"boundary: dimension {dim!r} has {len(pair)} entries {given!r}; give two, for the ends of smallest and of "
            "largest coordinate, or one for both"
        )
    low, high = (wall if wall is None or isinstance(wall, Wall) else Wall(wall) for wall in pair)
    return low, high


def _scheme(scheme: Any) -> LeastSquares | None:
    if isinstance(scheme, LeastSquares):
        return scheme
    if scheme not in (FINITE_DIFFERENCE, LEAST_SQUARES):
        raise ValueError(
            f"scheme: got {scheme!r}; it must be {FINITE_DIFFERENCE!r}, {LEAST_SQUARES!r} or a fieldgrad.LeastSquares"
        )
    return LeastSquares() if scheme == LEAST_SQUARES else None


def _downs(positive: Any, sizes: Sizes, owners: Mapping[str, str]) -> dict[str, bool]:
    if positive is None:
        return {}
    if not isinstance(positive, Mapping):
        raise TypeError(
            f"positive: got {positive!r}; it must map dimensions to 'up' or 'down', such as {{'y': 'down'}}"
        )
    downs: dict[str, bool] = {}
    for key, value in positive.items():
        dim = _dim_of(key, "positive", sizes, owners)
        if value not in ("up", "down"):
            raise ValueError(f"positive: dimension {dim!r} has {value!r}; it must be 'up' or 'down'")
        downs[dim] = value == "down"
    return downs


def _axis(
    name: str,
    dim: str,
    variable: xr.Variable | None,
    size: int,
    accuracy: int,
    step: float | None,
    period: float | Literal[False] | None,
    obj_attrs: Mapping[Any, Any],
    asked: Asked,
    boundary: Boundary = (),
    scheme: LeastSquares | None = None,
    down: bool | None = None,
) -> Axis:
    """One axis; a period of None is looked for, and with False there is none."""
    attrs = _attrs(variable)
    if variable is not None:
        values: Any = variable._data
        if is_quantity(values):
            values, attrs = values.magnitude, {**attrs, "units": of_quantity(values)}
        else:
            values = variable.values
        nodes, units, scale = positions(dim, values, attrs)
    else:
        nodes, units, scale = np.arange(size) * (1.0 if step is None else step), None, 1.0
    if period is None:
        period = found_period(dim, nodes, scale, attrs, obj_attrs)
    why = asked.obstacle(dim, name, attrs, _kind(variable), told=down is not None)
    down = points_down(name, attrs) if down is None else down
    period = None if period is False else period
    return Axis(name, dim, nodes, units, period, accuracy, why, boundary, scheme, down)


def found_period(
    dim: str, positions: Any, scale: float, attrs: Mapping[Any, Any], obj_attrs: Mapping[Any, Any]
) -> float:
    """Period of a dimension: the attribute of its coordinate, else of the data, else that of its uniform spacing.

    Parameters
    ----------
    dim : str
        Name of the dimension.
    positions : ndarray, shape (n,)
        Its nodes.
    scale : float
        Units of the nodes in a unit of the attribute.
    attrs, obj_attrs : mapping
        Attributes of the coordinate and of the data.

    Returns
    -------
    float
        The period.

    Raises
    ------
    TypeError
        If the attribute is no number.
    ValueError
        If there is no attribute and the spacing is not uniform.

    Examples
    --------
    >>> found_period("x", np.array([0.0, 0.5, 1.0]), 1.0, {}, {})
    1.5
    """
    for where in (attrs, obj_attrs):
        if "period" in where:
            return _number(where["period"], f"periodic: the attribute 'period' for dimension {dim!r}") * scale
    nodes = checked_nodes(positions, dim)
    if len(nodes) < 2 or not is_uniform(nodes):
        steps = np.abs(np.diff(nodes))
        found = f"steps from {steps.min():.6g} to {steps.max():.6g}" if len(steps) else f"{len(nodes)} points"
        raise ValueError(
            f"periodic: dimension {dim!r} is not uniformly spaced ({found}), so nothing tells its period; "
            f"pass it, periodic={{{dim!r}: period}}"
        )
    return abs(float(nodes[-1] - nodes[0])) / (len(nodes) - 1) * len(nodes)


def _no_coordinate(obj: Obj, missing: Mapping[str, str | None]) -> ValueError:
    """The error for dimensions, with the direction of each, that have no coordinate."""
    dims = list(missing)
    known = {name: dim for dim, name in missing.items() if name is not None}
    steps = ", ".join(f"{dim!r}: step" for dim in dims)
    which = f" (understood as axes={known})" if known else ""
    absent = (
        f"; a dimension that is no direction is left out with axes={{{next(iter(known))!r}: None}}" if known else ""
    )
    return ValueError(
        f"{'dimension' if len(dims) == 1 else 'dimensions'} {_listed(dims)}{which}: no coordinate, so the "
        f"spacing is not known; assign one, obj.assign_coords({{{dims[0]!r}: positions}}), or pass the step, "
        f"infer_grid(obj, spacing={{{steps}}}){absent}{_auxiliary(obj, dims)}"
    )


def _auxiliary(obj: Obj, dims: Iterable[Hashable]) -> str:
    """What to say of coordinates that run along dimensions without being theirs."""
    lines, flat = [], []
    for name, variable in obj.coords.variables.items():
        if name in obj.sizes or not set(dims) & set(variable.dims):
            continue
        if variable.ndim == 1:
            dim = variable.dims[0]
            lines.append(f"; {name!r} lies along {dim!r}, obj.swap_dims({{{dim!r}: {name!r}}}) uses it")
        else:
            flat.append(f"{name!r} {variable.dims}")
    if flat:
        lines.append(
            f"; of coordinates of several dimensions, as {', '.join(flat)} {'is' if len(flat) == 1 else 'are'}, there "
            "must be as many as dimensions, and each must be known or named, axes={'x': name, 'y': name}"
        )
    return "".join(lines)
