# SPDX-License-Identifier: BSD-3-Clause
"""Which coordinates of two and three dimensions tell where the nodes of a dataset lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from fieldgrad.coordinates import BY_CF, BY_NAME, direction, metres, obstacle, points_down
from fieldgrad.curvilinear import Curvilinear, check_cells
from fieldgrad.geometries import Asked
from fieldgrad.geometry import radians
from fieldgrad.grid import Axis, Grid
from fieldgrad.systems import SPATIAL, Spherical

Obj: TypeAlias = xr.DataArray | xr.Dataset
Variables: TypeAlias = Mapping[Any, xr.Variable]
Triple: TypeAlias = tuple[float, float, float]

# Names that models give to coordinates of more than one dimension: WRF, NEMO, ROMS, MITgcm.
_NAMES = (
    (
        "x",
        re.compile(r"(nav_|x|g)?lon[a-z]?(gitude)?(_(rho|psi|[uvwtmf]))?|xlong(_[uvm])?|[xX][cg]?(_(rho|psi|[uv]))?"),
    ),
    ("y", re.compile(r"(nav_|x|g)?lat[a-z]?(itude)?(_(rho|psi|[uvwtmf]))?|xlat(_[uvm])?|[yY][cg]?(_(rho|psi|[uv]))?")),
    ("z", re.compile(r"z[cg]?(_(rho|psi|[uvw]))?|height|altitude|z_(mc|ifc|full|half)")),
)
_COUNTS = {None, "", "1", "index", "count"}


@dataclass(frozen=True)
class Mesh:
    """Coordinates of several dimensions in a dataset.

    Parameters
    ----------
    coordinates : mapping of str to Variable
        For some of "x", "y", "z" where the nodes lie, without times.
    names : mapping of str to str
        What they are called.
    counted : mapping of str to str
        For the same directions the dimension whose axis is called after them; its axis counts points.
    why : str, optional
        Why they are used, where that was inferred.
    jumps : mapping of str to float or sequence of float or None
        For periodic ones of these dimensions what the caller said is added to positions after a turn.
    """

    coordinates: Mapping[str, xr.Variable]
    names: Mapping[str, str]
    counted: Mapping[str, str]
    why: str | None = None
    jumps: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dims(self) -> frozenset[str]:
        """Dimensions that count points."""
        return frozenset(self.counted.values())

    def refuse(self, **given: bool) -> None:
        """Refuse arguments of :func:`fieldgrad.infer_grid` that make no sense here, where they are given."""
        for argument, there in given.items():
            if there:
                names = ", ".join(map(repr, self.names.values()))
                raise ValueError(
                    f"{argument}: is not understood on a curvilinear grid ({names}), whose axes count points; leave it "
                    "out"
                )

    def with_periods(self, periods: Mapping[str, Any]) -> Mesh:
        """With what is added to positions after a turn along periodic axes."""
        return replace(self, jumps={dim: value for dim, value in periods.items() if dim in self.dims})

    def grid(self, axes: Sequence[Axis], others: tuple[Axis, ...], asked: Asked) -> Grid:
        """The grid of these coordinates.

        Parameters
        ----------
        axes : sequence of Axis
            All axes in space.
        others : tuple of Axis
            Other axes.
        asked : Asked
            What the caller says of the geometry.

        Returns
        -------
        Grid
            On a :class:`fieldgrad.curvilinear.Curvilinear` system; its cells are verified.

        Raises
        ------
        ValueError
            If the coordinates do not make a grid.
        """
        places = {axis.dim: SPATIAL.index(axis.name) for axis in axes}
        down = [self.names[name] for name, one in self.coordinates.items() if points_down(name, one.attrs)]
        self.refuse(positive=bool(down) or any(axis.down for axis in axes))
        sphere = self._sphere(axes, asked)
        positions: list[Any] = [None] * 3
        for name, variable in self.coordinates.items():
            positions[SPATIAL.index(name)] = _placed(variable, places)
        if sphere is not None:
            for axis in axes:
                if axis.name in ("x", "y") and positions[SPATIAL.index(axis.name)] is None:
                    shape = [-1 if place == SPATIAL.index(axis.name) else 1 for place in range(3)]
                    positions[SPATIAL.index(axis.name)] = axis.nodes.reshape(shape)
            for place, name in enumerate(("x", "y")):
                positions[place] = self._in_radians(positions[place], name, axes)
        sources = {name: (self.names[name], variable.dims) for name, variable in self.coordinates.items()}
        words = ", ".join(
            f"{name} is {source!r} ({', '.join(map(str, dims))})" for name, (source, dims) in sources.items()
        )
        marked, unit = self._units(axes, sphere)
        counted = tuple(sorted(places[dim] for dim in self.dims))
        jumps = {places[dim]: self._jump(dim, value, axes, positions, sphere) for dim, value in self.jumps.items()}
        system = Curvilinear(
            positions=(positions[0], positions[1], positions[2]),
            sphere=sphere,
            counted=counted,
            jumps={place: jump for place, jump in jumps.items() if any(jump)},
            unit=unit,
            words=words,
        )
        notes = () if sphere is None else ("components of vectors are eastward and northward, not along grid lines",)
        grid = Grid(marked, others, system, self.why, notes)
        check_cells(grid)
        return grid

    def _told(self, name: str, variable: Any) -> tuple[str, str | None]:
        """Units of a coordinate, and why it is no length."""
        units = variable.attrs.get("units")
        why = obstacle(self.names[name], name, variable.attrs, variable.dtype.kind)
        return str(units or ""), why

    def _sphere(self, axes: Sequence[Axis], asked: Asked) -> Spherical | None:
        """The sphere, if the coordinates are longitude and latitude or are said to be."""
        if asked.geometry not in ("auto", "spherical"):
            return None
        explicit = asked.geometry == "spherical"
        by_name = {axis.name: axis for axis in axes}
        for name, word in (("x", "longitude"), ("y", "latitude")):
            if name in self.coordinates:
                units, why = self._told(name, self.coordinates[name])
            elif name in by_name:
                units, why = by_name[name].units or "", by_name[name].obstacle
            else:
                units, why = "", None
                if explicit:
                    raise ValueError(
                        f"geometry: is 'spherical', but there is no {word}; name it, axes={{{name!r}: ...}}"
                    )
            if explicit and metres(units) is not None:
                raise ValueError(f"geometry: is 'spherical', but the {word} is in {units}; it is in degrees or radians")
            told = why is not None and why.startswith(f"is a {word}") and units.lower().startswith("deg")
            if not (told or explicit):
                return None
        height = self.coordinates.get("z")
        unit = by_name["z"].units if "z" in by_name else None
        size = metres(unit if height is None else height.attrs.get("units"))
        return Spherical(radius=float(asked.radius) / (size or 1.0), shallow=bool(asked.shallow))

    def _in_radians(self, position: Any, name: str, axes: Sequence[Axis]) -> Any:
        """Longitudes or latitudes in radians; without units they are degrees, unless they may be radians."""
        by_name = {axis.name: axis for axis in axes}
        one = self.coordinates.get(name)
        units = by_name[name].units if one is None else one.attrs.get("units")
        if units is None and np.abs(position).max(initial=0.0) <= 2 * np.pi:
            source = self.names.get(name, by_name[name].dim)
            raise ValueError(
                f"geometry: {source!r} may be in degrees or in radians; say so "
                f"(obj[{source!r}].attrs['units'] = 'degrees')"
            )
        return position * (np.pi / 180 if units is None else radians(units))

    def _units(self, axes: Sequence[Axis], sphere: Spherical | None) -> tuple[tuple[Axis, ...], str | None]:
        """Axes with what is wrong with their coordinates, and the unit of all lengths."""
        units: dict[str, str | None] = {}
        marked = []
        for axis in axes:
            angle = sphere is not None and axis.name != "z"
            why = None if angle else axis.obstacle
            if axis.name in self.coordinates:
                variable, source = self.coordinates[axis.name], self.names[axis.name]
                text, reason = self._told(axis.name, variable)
                units[axis.name] = text or None
                if not angle and reason is not None:
                    why = f"has the coordinate {source!r}, which {reason}"
            else:
                units[axis.name] = axis.units
            if angle:
                del units[axis.name]
            other = next((name for name, unit in units.items() if metres(unit) is not None), axis.name)
            ours = metres(units.get(axis.name))
            if why is None and ours is not None and ours != metres(units[other]):
                why = f"has positions in {units[axis.name]}, while those along {other!r} are in {units[other]}"
            marked.append(replace(axis, obstacle=why))
        if sphere is not None and not units:
            return tuple(marked), sphere.length
        found = set(units.values())
        return tuple(marked), found.pop() if len(found) == 1 else None

    def _jump(
        self, dim: str, value: Any, axes: Sequence[Axis], positions: Sequence[Any], sphere: Spherical | None
    ) -> Triple:
        """What is added to x, y, z after a turn along a dimension."""
        jump = [0.0] * 3
        if value is None:
            return (0.0, 0.0, 0.0)
        if sphere is not None:
            raise ValueError(
                f"periodic: got {value!r} for dimension {dim!r}, but an axis around a sphere closes on itself; name "
                f"that dimension alone, periodic=[{dim!r}]"
            )
        names = [axis.name for axis in axes]
        if np.ndim(value) == 0:
            name = next(axis.name for axis in axes if axis.dim == dim)
            position = positions[SPATIAL.index(name)]
            trend = np.diff(position, axis=SPATIAL.index(name)).sum()
            jump[SPATIAL.index(name)] = float(np.copysign(value, trend))
        else:
            if len(value) != len(names):
                raise ValueError(
                    f"periodic: got {value!r} for dimension {dim!r}; it must be what is added to "
                    f"{', '.join(names)} after a turn, {len(names)} numbers"
                )
            for name, number in zip(names, value, strict=True):
                jump[SPATIAL.index(name)] = float(number)
        for place, position in enumerate(positions):
            if jump[place] and position is None:
                raise ValueError(
                    f"periodic: after a turn along {dim!r} {SPATIAL[place]} changes by {jump[place]:g}, but it does "
                    f"not depend on {dim!r}; that number must be 0"
                )
        return (jump[0], jump[1], jump[2])


def find_mesh(
    obj: Obj,
    variables: Variables,
    axes: Mapping[str, str | None] | None,
    spacing: Mapping[str, float] | None,
    asked: Asked,
    owners_of: Callable[[Mapping[str, str | None]], Mapping[str, str]],
) -> Mesh | None:
    """Coordinates of two or three dimensions, where those of one dimension do not tell all.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    variables : mapping of str to Variable
        Its variables.
    axes : mapping of str to str or None, optional
        "x", "y" or "z" -> a dimension, a coordinate of several dimensions, or None.
    spacing : mapping of str to float, optional
        Dimensions whose step the caller knows.
    asked : Asked
        What the caller says of the geometry.
    owners_of : callable
        Gives the dimension of each direction for given ones.

    Returns
    -------
    Mesh or None
        None where every direction has a coordinate of one dimension.

    Raises
    ------
    ValueError
        If coordinates that are named do not make a grid, or several claim the same direction.
    """
    if not isinstance(asked.geometry, str) or asked.system.directions != SPATIAL:
        return None
    if not isinstance(axes, Mapping | None):
        return None  # which is refused elsewhere
    named = {
        name: key
        for name, key in (axes or {}).items()
        if name in SPATIAL and isinstance(key, str) and key not in obj.sizes and key in variables
    }
    for name, key in named.items():
        if variables[key].ndim < 2:
            raise ValueError(
                f"axes: {key!r} (for {name}) is no dimension of the data and lies along {variables[key].dims}; "
                f"obj.swap_dims makes a dimension of it"
            )
    found: dict[str, list[str]] = {name: [key] for name, key in named.items()}
    found |= {name: keys for name, keys in claims(obj, variables).items() if name not in (axes or {})}
    if not found:
        return None
    given = {name: dim for name, dim in (axes or {}).items() if name not in named}
    settled: dict[str, xr.Variable] = {}
    for directions in _subsets(found, named):
        dims = _spanned(obj, [variables[found[name][0]] for name in directions])
        straight = _straight(variables, dims, directions, given, spacing, owners_of)
        rest = [dim for dim in dims if dim not in straight]
        if len(rest) != len(directions):
            continue
        bare = [dim for dim in rest if not _measures(variables.get(dim), dim, spacing, asked)]
        if not (bare or named):
            continue
        for name in directions:
            if len(found[name]) > 1:
                raise ValueError(
                    f"axes: the coordinates {' and '.join(map(repr, found[name]))} claim to be {name} alike; say which "
                    f"is, axes={{{name!r}: {found[name][0]!r}}}, or pass variables that share one grid (ds[['u', 'v']])"
                )
            settled[name] = _still(obj, found[name][0], variables[found[name][0]], dims)
        counted = _assigned(directions, rest, given, owners_of, settled)
        why = (
            None
            if named
            else f"{', '.join(map(repr, bare))} {'have' if len(bare) > 1 else 'has'} no positions of "
            f"{'their' if len(bare) > 1 else 'its'} own"
        )
        return Mesh(settled, {name: found[name][0] for name in directions}, counted, why)
    if named:
        listed = ", ".join(f"{key!r} {variables[key].dims}" for key in named.values())
        raise ValueError(
            f"axes: {listed} do not make a grid: it needs as many coordinates as dimensions along which they vary; "
            "name one for each of x, y and z that the dimensions span"
        )
    return None


def claims(obj: Obj, variables: Variables) -> dict[str, list[str]]:
    """Coordinates of several dimensions that claim a direction, the best ones.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    variables : mapping of str to Variable
        Its variables.

    Returns
    -------
    dict of str to list of str
        Names for some of "x", "y", "z".

    Examples
    --------
    >>> ds = xr.Dataset({"t": (("j", "i"), np.zeros((2, 3)))}, {"lon": (("j", "i"), np.ones((2, 3)))})
    >>> claims(ds, ds.variables)
    {'x': ['lon']}
    """
    candidates = [
        (key, claim)
        for key, variable in variables.items()
        if isinstance(key, str) and variable.ndim > 1 and (claim := _claim(key, variable)) is not None
    ]
    if not candidates:
        return {}
    bounds = {variable.attrs.get("bounds", variable.encoding.get("bounds")) for variable in variables.values()}
    listed: set[str] = set()
    for variable in variables.values():
        text = variable.attrs.get("coordinates", "")
        listed.update(text.split() if isinstance(text, str) else ())
    found: dict[str, list[tuple[tuple[bool, int], str]]] = {}
    for key, (name, standing) in candidates:
        plain = key not in obj.coords and key not in listed
        # a plain variable is a coordinate where it says so itself, or another says so
        if key not in bounds and (standing == BY_CF or not plain):
            found.setdefault(name, []).append(((plain, standing), key))
    best = {name: min(at for at, _ in several) for name, several in found.items()}
    return {name: [key for at, key in several if at == best[name]] for name, several in found.items()}


def _claim(key: str, variable: xr.Variable) -> tuple[str, int] | None:
    if variable.dtype.kind not in "iuf":
        return None
    claim = direction("", variable.attrs, "f") if variable.attrs else None
    if claim is not None and claim[0] in SPATIAL and claim[1] == BY_CF:
        return claim
    return _claim_of_name(key)


@lru_cache(maxsize=512)
def _claim_of_name(key: str) -> tuple[str, int] | None:
    for name, pattern in _NAMES:
        if pattern.fullmatch(key) or pattern.fullmatch(key.lower()):
            return name, BY_NAME
    return None


def _subsets(found: Mapping[str, Any], named: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    """Directions whose coordinates may be used together, more of them first; those that are named always."""
    names = [name for name in SPATIAL if name in found]
    for count in range(len(names), 0, -1):
        for subset in combinations(names, count):
            if set(named) <= set(subset):
                yield subset


def _spanned(obj: Obj, coordinates: Sequence[xr.Variable]) -> list[str]:
    """Dimensions along which coordinates vary, the slowest first; times and those of length one are none."""
    dims: list[str] = []
    for variable in sorted(coordinates, key=lambda variable: -variable.ndim):
        for dim, size in zip(variable.dims, variable.shape, strict=True):
            if isinstance(dim, str) and dim not in dims and size != 1 and not _is_time(obj, dim):
                dims.append(dim)
    return dims


def _is_time(obj: Obj, dim: Hashable) -> bool:
    variable = obj.coords.variables.get(dim)
    kind = "" if variable is None or variable.ndim != 1 else variable.dtype.kind
    claim = direction(str(dim), {} if variable is None else variable.attrs, kind)
    return claim is not None and claim[0] == "t"


def _measures(variable: xr.Variable | None, dim: str, spacing: Any, asked: Asked) -> bool:
    """Whether a dimension has positions of its own: a coordinate that does more than count points or levels."""
    if isinstance(spacing, Mapping) and dim in spacing:
        return True
    if variable is None or variable.ndim != 1:
        return False
    if variable.dtype.kind in "iuf" and variable.attrs.get("units") in _COUNTS:
        values = np.asarray(variable.values, np.float64)
        counts = np.array_equal(np.abs(np.diff(values)), np.ones(max(len(values) - 1, 0)))
        if counts and "projection" not in str(variable.attrs.get("standard_name", "")):
            return False
    claim = direction(dim, variable.attrs, variable.dtype.kind)
    if claim is not None and claim[0] == "z":
        return asked.obstacle(dim, "z", variable.attrs, variable.dtype.kind) is None
    return True


def _straight(
    variables: Variables,
    dims: Sequence[str],
    directions: Sequence[str],
    given: Mapping[str, str | None],
    spacing: Any,
    owners_of: Callable[[Mapping[str, str | None]], Mapping[str, str]],
) -> set[str]:
    """Dimensions that keep their own positions, as directions that have no coordinate of several dimensions."""
    try:
        owners = owners_of({**given, **dict.fromkeys(directions)})
    except ValueError:  # two dimensions claim one direction: neither of them is known
        owners = {}
    stepped = spacing if isinstance(spacing, Mapping) else {}

    def known(name: str, dim: str) -> bool:
        variable = variables.get(dim)
        return name in given or dim in stepped or (variable is not None and variable.ndim == 1)

    return {dim for name, dim in owners.items() if name not in directions and dim in dims and known(name, dim)}


def _assigned(
    directions: Sequence[str],
    dims: Sequence[str],
    given: Mapping[str, str | None],
    owners_of: Callable[[Mapping[str, str | None]], Mapping[str, str]],
    coordinates: Mapping[str, xr.Variable],
) -> dict[str, str]:
    """For each direction the dimension that is called after it: by its name, else the fastest for the first."""
    try:
        owners = {name: dim for name, dim in owners_of(given).items() if name in directions and dim in dims}
    except ValueError:  # two dimensions claim one direction
        owners = {}
    free = [dim for dim in reversed(dims) if dim not in owners.values()]
    # what one coordinate alone depends on is its own: levels of a height
    for name in directions:
        alone = [dim for dim in free if [n for n in directions if dim in coordinates[n].dims] == [name]]
        if name not in owners and len(alone) == 1:
            owners[name] = alone[0]
            free.remove(alone[0])
    return {name: owners[name] if name in owners else free.pop(0) for name in directions}


def _still(obj: Obj, key: str, variable: xr.Variable, dims: Sequence[str]) -> xr.Variable:
    """A coordinate in memory, without times, along which it does not change."""
    loaded = variable.compute()
    extra = {dim: 0 for dim in variable.dims if dim not in dims}
    first = loaded.isel(extra)
    for dim in extra:
        if variable.sizes[dim] > 1 and not bool((loaded == loaded.isel({dim: 0})).all()):
            raise ValueError(
                f"grid: the coordinate {key!r} changes along {dim!r}, so that the grid moves; select one of them "
                f"(obj.isel({dim}=0)) and do them one by one"
            )
    return first


def _placed(variable: xr.Variable, places: Mapping[str, int]) -> Any:
    """Values on three axes that run along the directions."""
    order = sorted(range(variable.ndim), key=lambda number: places[str(variable.dims[number])])
    there = {places[str(dim)] for dim in variable.dims}
    values = np.asarray(variable.values, np.float64).transpose(order)
    return values[tuple(slice(None) if place in there else np.newaxis for place in range(3))]
