# SPDX-License-Identifier: BSD-3-Clause
"""Which variables are the components of the velocity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import xarray as xr

from fieldgrad import units
from fieldgrad.grid import SPATIAL, Grid
from fieldgrad.staggered import lie_apart
from fieldgrad.systems import Cylindrical

Obj: TypeAlias = xr.DataArray | xr.Dataset
Family: TypeAlias = dict[str, str]

COMPONENT = "component"
CYLINDRICAL = Cylindrical().directions

# Names of the CF standard name table, version 85; several kinds of wind share one vertical velocity.
_STANDARD_FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("x_wind", "y_wind", "upward_air_velocity"),
    ("eastward_wind", "northward_wind", "upward_air_velocity"),
    ("grid_eastward_wind", "grid_northward_wind", "upward_air_velocity"),
    ("sea_water_x_velocity", "sea_water_y_velocity", "upward_sea_water_velocity"),
    ("eastward_sea_water_velocity", "northward_sea_water_velocity", "upward_sea_water_velocity"),
)
# Of these, components that follow the lines of the grid where these are not meridians and parallels.
_ALONG_LINES = {name for family in _STANDARD_FAMILIES for name in family[:2] if "ward" not in name or "grid" in name}
_NAME_FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("u", "v", "w"),
    ("U", "V", "W"),
    ("ux", "uy", "uz"),
    ("Ux", "Uy", "Uz"),
    ("vx", "vy", "vz"),
    ("Vx", "Vy", "Vz"),
    ("u_x", "u_y", "u_z"),
    ("v_x", "v_y", "v_z"),
    ("velocity_x", "velocity_y", "velocity_z"),
    ("x_velocity", "y_velocity", "z_velocity"),
    ("velx", "vely", "velz"),
    ("uwnd", "vwnd", "wwnd"),
)
# Further names around an axis; "u v w" tell nothing there.
_AROUND_AXIS: tuple[tuple[str, str, str], ...] = (
    ("ur", "ut", "uz"),
    ("u_r", "u_t", "u_z"),
    ("vr", "vt", "vz"),
    ("v_r", "v_t", "v_z"),
    ("radial_velocity", "azimuthal_velocity", "axial_velocity"),
    ("radial_velocity", "tangential_velocity", "axial_velocity"),
)
# Vertical motion as a rate of pressure is often called w.
_NO_VELOCITY = "lagrangian_tendency_of_air_pressure"
_NO_VELOCITY_UNITS = {
    "pa/s",
    "pa s-1",
    "pa s**-1",
    "pa s^-1",
    "pa.s-1",
    "hpa/s",
    "hpa s-1",
    "mb/s",
    "mbar/s",
    "pascal/s",
}


@dataclass(frozen=True, eq=False)
class Components:
    """Velocity components, in x, y, z order.

    Parameters
    ----------
    labels : tuple of str
        "x", "y", "z", or some of them.
    fields : tuple of DataArray
        The component of each label, all on the same dimensions in the same order; views of what was given.
    """

    labels: tuple[str, ...]
    fields: tuple[xr.DataArray, ...]


def find_components(
    obj: xr.DataArray | xr.Dataset,
    grid: Grid,
    components: Sequence[str | xr.DataArray] | None = None,
) -> Components:
    """Find the velocity components in a dataset.

    In a Dataset they are the variables with a CF ``standard_name`` of a velocity, else those with the usual
    names (u v w, U V W, ux uy uz, velocity_x velocity_y velocity_z, ...), else the only variable with a
    dimension ``component``. There is one for each direction of the grid; on a plane there may be all three.

    Parameters
    ----------
    obj : DataArray or Dataset
        Dataset with a variable for each component, or a DataArray with a dimension ``component`` whose labels
        are "x", "y", "z" or some of them, in any order.
    grid : Grid
        Its directions.
    components : sequence of str or DataArray, optional
        Names of the variables, or the components themselves, in x, y, z order.

    Returns
    -------
    Components
        Labels and fields. Nothing is copied or computed.

    Raises
    ------
    TypeError
        If `components` is a str or holds something else than names and DataArrays, or if `obj` is of another
        type.
    ValueError
        If components are missing, ambiguous, of the wrong number or on different dimensions, or lack a
        dimension of the grid.

    Examples
    --------
    >>> from fieldgrad.infer import infer_grid
    >>> x = xr.DataArray([0.0, 1.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    >>> y = xr.DataArray([0.0, 1.0, 2.0], dims="y", coords={"y": [0.0, 1.0, 2.0]})
    >>> flow = xr.Dataset({"U": x + 2 * y, "V": x * y})
    >>> find_components(flow, infer_grid(flow)).labels
    ('x', 'y')
    """
    if components is not None:
        return _checked(_given(obj, grid, components), grid)
    if isinstance(obj, xr.DataArray):
        return _checked(_unstacked(obj, grid, "obj"), grid)
    if not isinstance(obj, xr.Dataset):
        raise TypeError(f"obj: got a {type(obj).__name__}; it must be an xarray Dataset or DataArray")
    family = _found(obj, grid)
    if family is None:
        stacked = [
            name
            for name, field in obj.data_vars.items()
            # a vorticity that this library derived is no velocity
            if COMPONENT in field.dims and "direction" not in field.dims and "fieldgrad_definition" not in field.attrs
        ]
        if len(stacked) != 1:
            raise _missing(obj, grid, stacked)
        return _checked(_unstacked(obj[stacked[0]], grid, repr(stacked[0])), grid)
    labels = tuple([label for label in grid.directions if label in family])
    return _checked(Components(labels, _fields(obj, [family[label] for label in labels])), grid)


def _fields(obj: xr.Dataset, names: Sequence[str]) -> tuple[xr.DataArray, ...]:
    """Variables of a dataset with their coordinates, which on the same dimensions are the same and are found once."""
    first = obj[names[0]]
    fields = [first]
    for name in names[1:]:
        variable = obj.variables[name]
        alike = variable.dims == first.dims
        kept = {"coords": dict(first._coords), "indexes": dict(first._indexes)}
        fields.append(first._replace(variable, name=name, **kept) if alike else obj[name])
    return tuple(fields)


def refuse_staggered(obj: xr.DataArray | xr.Dataset, components: Sequence[str | xr.DataArray] | None = None) -> None:
    """Verify that a dataset does not have its velocity on the faces of cells, before a grid is looked for.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    components : sequence of str or DataArray, optional
        Names of the components, as :func:`find_components` takes them.

    Raises
    ------
    ValueError
        If the components lie on different dimensions; the message tells the way out.

    Examples
    --------
    >>> refuse_staggered(xr.Dataset({"u": (("y", "x_f"), [[0.0, 1.0]]), "v": (("y_f", "x"), [[1.0], [1.0]])}))
    Traceback (most recent call last):
    ValueError: components: 'u' lies on ('y', 'x_f') and 'v' on ('y_f', 'x'), points of a staggered grid; ...
    """
    if not isinstance(obj, xr.Dataset) or not lie_apart([obj.variables[name] for name in obj.data_vars]):
        return
    if components is not None:
        families = [[name for name in components if isinstance(name, str) and name in obj.data_vars]]
    else:
        families = [list(family.values()) for family in velocity_families(obj)]
    apart = [lie_apart([obj.variables[name] for name in family]) for family in families]
    if apart and all(apart):
        raise _staggered([obj[name] for name in families[0]])


def velocity_families(obj: xr.Dataset) -> list[Family]:
    """Variables that are components of one velocity, two or more of them, wherever they lie."""
    standard = _standard_names(obj)
    families = [
        {label: standard[key][0] for label, key in zip(SPATIAL, keys, strict=True) if len(standard.get(key, ())) == 1}
        for keys in (_STANDARD_FAMILIES if standard else ())
    ]
    families += _by_name(obj, SPATIAL)
    large = [family for family in families if len(family) > 1]
    return [family for i, family in enumerate(large) if family not in large[:i]]


def _staggered(fields: Sequence[xr.DataArray]) -> ValueError:
    where = " and ".join(
        f"{field.name!r} {'' if number else 'lies '}on {field.dims}" for number, field in enumerate(fields)
    )
    return ValueError(
        f"components: {where}, points of a staggered grid; bring them to the centres of its cells first, "
        "fg.collocate(obj)"
    )


def _labels(grid: Grid, count: int) -> tuple[str, ...] | None:
    """Labels of a number of components on a grid; None if the number does not fit."""
    if count == len(grid.axes):
        return grid.names
    return grid.directions if count == 3 and len(grid.axes) == 2 else None


def _wanted(grid: Grid) -> str:
    count = len(grid.axes)
    directions = f"{count} direction{'' if count == 1 else 's'} ({', '.join(grid.names)})"
    return f"the grid has {directions} and needs {'2 or 3' if count == 2 else count} components"


def _ways_out(grid: Grid, count: int) -> str:
    if 0 < count < len(grid.axes):
        left = ", ".join(f"{name!r}: None" for name in grid.names[count:])
        return (
            f"name them all with components=, or make {', '.join(map(repr, grid.dims[count:]))} an ordinary "
            f"dimension, grid=infer_grid(obj, axes={{{left}}})"
        )
    return f"name them with components=('u', 'v', 'w'), in {', '.join(grid.directions)} order"


def _given(obj: Obj, grid: Grid, components: Any) -> Components:
    if isinstance(components, (str, bytes, Mapping, xr.DataArray, xr.Dataset)) or not isinstance(components, Sequence):
        raise TypeError(
            "components: got "
            f"{components if isinstance(components, (str, bytes)) else type(components).__name__!r}; it "
            "must be a sequence of names or DataArrays in x, y, z order, such as ('u', 'v', 'w')"
        )
    fields = []
    for item in components:
        if isinstance(item, xr.DataArray):
            fields.append(item)
        elif not isinstance(item, str):
            raise TypeError(f"components: got {item!r}; each must be the name of a variable or a DataArray")
        elif not isinstance(obj, xr.Dataset):
            raise TypeError(
                f"components: {item!r} is a name, and a {type(obj).__name__} has no variables; pass a "
                "Dataset or the components themselves"
            )
        elif item not in obj.data_vars:
            raise ValueError(f"components: {item!r} is no variable of the dataset, which has {_listed(obj)}")
        else:
            fields.append(obj[item])
    names = [item for item in components if isinstance(item, str)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"components: {name!r} is given twice; each direction has its own component")
    labels = _labels(grid, len(fields))
    if labels is None:
        raise ValueError(f"components: got {len(fields)}; {_wanted(grid)}: {_ways_out(grid, len(fields))}")
    return Components(labels, tuple(fields))


def _unstacked(field: xr.DataArray, grid: Grid, what: str) -> Components:
    """The slices of an array with a dimension of components."""
    if COMPONENT not in field.dims:
        raise ValueError(
            f"obj: the DataArray {field.name!r} has no dimension {COMPONENT!r} but {field.dims}; pass a "
            "Dataset of the components, or join them with xr.concat([u, v, w], dim=xr.Variable('component', "
            f"{list(grid.directions)}))"
        )
    size = field.sizes[COMPONENT]
    labels: tuple[Any, ...] | None
    if COMPONENT in field.coords:
        labels = tuple(field.coords[COMPONENT].values.tolist())
        if len(set(labels)) < size or not set(labels) <= set(grid.directions):
            raise ValueError(
                f"{what}: the labels of dimension {COMPONENT!r} are {list(labels)}; they must be "
                f"{_quoted(grid)} or some of them, each once (obj.assign_coords(component={list(grid.directions)}))"
            )
        if set(labels) != set(grid.names) and not (size == 3 and len(grid.axes) == 2):
            raise ValueError(
                f"{what}: the labels of dimension {COMPONENT!r} are {list(labels)}; {_wanted(grid)}: select "
                "them (obj.sel(component=[...])) or infer another grid (infer_grid(obj, axes=...))"
            )
    else:
        labels = _labels(grid, size)
        if labels is None:
            raise ValueError(
                f"{what}: dimension {COMPONENT!r} has {size} entries without labels; {_wanted(grid)}: label "
                f"them (obj.assign_coords(component={list(grid.directions)})) or infer another grid (infer_grid(obj, "
                "axes=...))"
            )
    order = [label for label in grid.directions if label in labels]
    fields = [field.isel({COMPONENT: labels.index(label)}, drop=True) for label in order]
    return Components(tuple(order), tuple(fields))


def _found(obj: xr.Dataset, grid: Grid) -> Family | None:
    """The family of variables that has a component for each direction; None if none has."""
    by_name = _by_name(obj, grid.directions)
    merged = []
    for family in filter(None, _by_standard_name(obj, grid)):
        # the family of names that agrees with the standard names supplies what these lack
        fitting = [other for other in by_name if family.items() <= other.items()]
        merged.append(fitting[0] if fitting else family)
    for families in (merged, by_name):
        complete = []
        for family in families:
            if all(name in family for name in grid.names):
                labels = grid.directions if len(grid.axes) == 2 and len(family) == 3 else grid.names
                complete.append({label: family[label] for label in labels})
        distinct = [family for i, family in enumerate(complete) if family not in complete[:i]]
        if len(distinct) > 1:
            found = " and ".join(str(tuple(family.values())) for family in distinct)
            raise ValueError(
                f"components: the dataset has more than one velocity, {found}; say which one, "
                f"components={tuple(distinct[0].values())}"
            )
        if distinct:
            return distinct[0]
    return None


def _standard_names(obj: xr.Dataset, dims: Iterable[str] = ()) -> dict[str, list[str]]:
    """The variables of each standard name, those that have some dimensions."""
    variables = obj.variables
    named: dict[str, list[str]] = {}
    for name in obj.data_vars:
        standard = variables[name].attrs.get("standard_name")
        if isinstance(name, str) and isinstance(standard, str) and set(dims) <= set(variables[name].dims):
            named.setdefault(standard, []).append(name)
    return named


def _by_standard_name(obj: xr.Dataset, grid: Grid) -> list[Family]:
    # winds at a height, and means over a direction, have the same standard name as the field itself
    named = _standard_names(obj, grid.dims)
    families = []
    for standards in _STANDARD_FAMILIES if grid.directions == SPATIAL else ():
        if named.keys().isdisjoint(standards):
            continue
        present = {label: named[key] for label, key in zip(SPATIAL, standards, strict=True) if key in named}
        # a vertical velocity alone belongs to every family, and is the component of a vertical line
        for label, names in present.items():
            if len(names) > 1 and label in grid.names:
                raise ValueError(
                    f"components: variables {' and '.join(map(repr, names))} share the standard_name "
                    f"{standards[SPATIAL.index(label)]!r}; say which ones, components=('u', 'v', 'w')"
                )
        families.append({label: names[0] for label, names in present.items() if len(names) == 1})
    return families


def _by_name(obj: xr.Dataset, directions: tuple[str, str, str]) -> list[Family]:
    """Families of which there is a variable by its name, in the order of preference."""
    places = _places(directions)
    called = [name for name in obj.data_vars if name in places and _is_velocity(obj.variables[name].attrs)]
    there = [(*place, str(name)) for name in called for place in places[name]]
    families: dict[int, Family] = {}
    for number, place, name in sorted(there):
        families.setdefault(number, {})[directions[place]] = name
    return list(families.values())


@lru_cache(maxsize=16)
def _places(directions: tuple[str, str, str]) -> dict[Any, list[tuple[int, int]]]:
    """For each usual name of a component along three directions its families, by number, and its place in them."""
    families = _NAME_FAMILIES
    if directions != SPATIAL:
        spelled = ("u{}", "u_{}", "v{}", "v_{}", "velocity_{}")
        named = tuple((word.format(a), word.format(b), word.format(c)) for word in spelled for a, b, c in [directions])
        families = (*named, *(_AROUND_AXIS if directions == CYLINDRICAL else ()))
    places: dict[Any, list[tuple[int, int]]] = {}
    for number, family in enumerate(families):
        for place, name in enumerate(family):
            places.setdefault(name, []).append((number, place))
    return places


def _quoted(grid: Grid) -> str:
    return ", ".join(map(repr, grid.directions))


def _is_velocity(attrs: Mapping[Any, Any]) -> bool:
    units = attrs.get("units")
    return attrs.get("standard_name") != _NO_VELOCITY and not (
        isinstance(units, str) and units.strip().lower() in _NO_VELOCITY_UNITS
    )


def _listed(obj: xr.Dataset) -> str:
    return ", ".join(repr(name) for name in obj.data_vars) or "none"


def _missing(obj: xr.Dataset, grid: Grid, stacked: list[Any]) -> ValueError:
    families = [family for family in _by_standard_name(obj, grid) + _by_name(obj, grid.directions) if family]
    families = [family for i, family in enumerate(families) if family not in families[:i]]
    best = max(families, key=len, default={})
    found = " and ".join(str(tuple(family.values())) for family in families) or "none"
    if len(stacked) > 1:
        several = ", ".join(map(repr, stacked))
        found += f", and {several} have a dimension {COMPONENT!r} (pass one, obj[{stacked[0]!r}])"
    omega = [name for name in obj.data_vars if not _is_velocity(obj.variables[name].attrs)]
    note = f"; {', '.join(map(repr, omega))} is a rate of pressure and no velocity" if omega else ""
    return ValueError(
        f"components: found {found} among the variables {_listed(obj)}{note}; {_wanted(grid)}: "
        f"{_ways_out(grid, len(best))}"
    )


def _checked(found: Components, grid: Grid) -> Components:
    """The components, transposed to the dimensions of the first and verified to share them."""
    first = found.fields[0]
    dims, shape = first.dims, first.shape
    fields: list[xr.DataArray] = []
    if len(found.fields) > 1 and lie_apart([field.variable for field in found.fields]):
        raise _staggered(found.fields)
    lines = grid.geometry == "curvilinear" and grid.system.turning
    for label, field in zip(found.labels, found.fields, strict=True):
        if lines and field.attrs.get("standard_name") in _ALONG_LINES:
            raise ValueError(
                f"components: {field.name!r} has the standard_name {field.attrs['standard_name']!r}, along the lines "
                "of a curvilinear grid, and derivatives need components to the east and north; turn them by the "
                "angle of the grid lines first, and give them names (eastward_wind, northward_wind) or none"
            )
        name = f"{label} component {field.name!r}" if field.name is not None else f"{label} component"
        if not (grid.system.cartesian or _is_velocity(field.attrs)):
            raise ValueError(
                f"components: the {name} is a rate of pressure ({field.attrs.get('units', 'by its standard_name')}) "
                "and no velocity along z; take the horizontal part, components=('u', 'v') on a grid without z "
                "(infer_grid(obj, axes={'z': None})), or convert it to m s-1"
            )
        alike = field.dims == dims and field.shape == shape
        if not (fields and alike):
            _check_on(grid, field, name)
        if field is not first:
            _check_match(first, field, alike=alike)
        fields.append(field if alike else field.transpose(*dims))
    _check_units(found)
    return Components(found.labels, tuple(fields))


def _check_on(grid: Grid, field: xr.DataArray, name: str) -> None:
    """Refuse a component that does not lie on a grid."""
    sizes = field.sizes
    for axis in grid.axes:
        if axis.dim not in sizes:
            raise ValueError(
                f"components: the {name} lacks dimension {axis.dim!r} ({axis.name}) of the grid and has "
                f"{field.dims}; name other variables with components=, or infer a grid without it, "
                f"axes={{{axis.name!r}: None}}"
            )
        if sizes[axis.dim] != len(axis):
            raise ValueError(
                f"components: the {name} has {sizes[axis.dim]} points along {axis.dim!r}, and the "
                f"grid {len(axis)}; infer the grid from these data"
            )


def _check_match(first: xr.DataArray, field: xr.DataArray, *, alike: bool) -> None:
    """Refuse a component that lies on other points than the first; `alike` where dimensions and sizes are the same."""
    if not alike and set(first.dims) != set(field.dims):
        raise ValueError(
            f"components: {first.name!r} has dimensions {first.dims}, and {field.name!r} has {field.dims}; "
            "components must share theirs, select what is common (obj.isel)"
        )
    ours: Mapping[Any, Any] = first._coords
    theirs: Mapping[Any, Any] = field._coords
    for dim in first.dims:
        if not alike and first.sizes[dim] != field.sizes[dim]:
            raise ValueError(
                f"components: dimension {dim!r} has {first.sizes[dim]} points in {first.name!r} and "
                f"{field.sizes[dim]} in {field.name!r}; components must share their dimensions (xr.align)"
            )
        here, there = ours.get(dim), theirs.get(dim)
        if here is not None and there is not None and here is not there and not here.equals(there):
            raise ValueError(
                f"components: the coordinates of dimension {dim!r} differ between {first.name!r} and "
                f"{field.name!r}; components must share their grid, interpolate one to the other (obj.interp)"
            )


def _check_units(found: Components) -> None:
    """Refuse components of which the numbers cannot be added, such as m s-1 and mm s-1."""
    stated = [units.stated(field.variable) for field in found.fields]
    unlike = units.differing(stated)
    if unlike is not None:
        one, other = (f"the {found.labels[number]} component is in {stated[number]!r}" for number in unlike)
        raise ValueError(
            f"components: {one} and {other}; convert them to the same units, and set their attribute 'units' "
            "(obj.assign_attrs)"
        )
