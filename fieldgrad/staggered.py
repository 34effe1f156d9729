# SPDX-License-Identifier: BSD-3-Clause
"""Where staggered velocities lie: which dimension runs over faces of cells, and which over the centres between them.

It is told by the attributes of SGRID (https://sgrid.github.io/sgrid) and COMODO (``c_grid_axis_shift``, as xgcm reads
it), else by the components themselves: the one along a direction lies on the faces across it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad.coordinates import direction
from fieldgrad.grid import SPATIAL

_PLACES = {"edge1", "edge2", "edge3", "face1", "face2", "face3"}

# Faces beside a centre of the same index.
LOWER, UPPER = -1, 1

_BASES = {
    "x": {"x", "xi", "i", "ni", "lon", "longitude", "west_east"},
    "y": {"y", "eta", "j", "nj", "lat", "latitude", "south_north"},
    "z": {"z", "s", "k", "nz", "depth", "lev", "height", "bottom_top"},
}
_DIRECTIONS = {base: letter for letter, bases in _BASES.items() for base in bases}
_ENDING = re.compile(
    r"_?(?:u|v|w|f|c|g|l|r|t|q|h|b|p|i|fc?|cc|rho|psi|stag(?:gered)?|faces?|cent(?:er|re)s?|nodes?|edges?|left|right|"
    r"inner|outer|half|full)\d*"
)
_ENTRY = re.compile(r"(\w+)\s*:\s*(\w+)(?:\s*\(\s*padding\s*:\s*(\w+)\s*\))?")


@dataclass(frozen=True)
class Faces:
    """Faces along one dimension.

    Parameters
    ----------
    dim : str
        The dimension of the faces.
    centre : str
        That of the centres between them.
    side : int, optional
        Where as many faces as centres are: LOWER if a face lies before the centre of its index, UPPER if behind.
    """

    dim: str
    centre: str
    side: int | None = None


def along(dim: str, variables: Mapping[Any, xr.Variable]) -> str | None:
    """Direction of a dimension by its attributes, else by its name; None where neither tells."""
    variable = variables.get(dim)
    claim = direction(dim, {} if variable is None else variable.attrs, "" if variable is None else variable.dtype.kind)
    if claim is not None:
        return claim[0] if claim[0] in SPATIAL else None
    name = dim.lower()
    for end in range(len(name), 0, -1):
        if name[:end] in _DIRECTIONS and (end == len(name) or _ENDING.fullmatch(name, end)):
            return _DIRECTIONS[name[:end]]
    return None


def lie_apart(fields: Iterable[xr.Variable | xr.DataArray]) -> bool:
    """Whether two components each have a dimension that the other lacks, or SGRID puts them on different edges."""
    listed = list(fields)
    dims = list(map(set, {field.dims for field in listed}))
    places = {field.attrs.get("location") for field in listed} & _PLACES
    return len(places) > 1 or any(one - other and other - one for one in dims for other in dims)


def faces_of(obj: xr.Dataset, names: Mapping[str, str], told: Mapping[str, str]) -> tuple[list[Faces], dict[str, str]]:
    """The dimensions of faces of some components, and other names of dimensions of centres.

    Parameters
    ----------
    obj : Dataset
        Data.
    names : mapping of str to str
        Direction -> variable of the component.
    told : mapping of str to str
        Dimension of faces -> dimension of centres, as the caller says.

    Returns
    -------
    list of Faces, dict of str to str
        For each dimension of faces what it is; and dimension -> the one of centres that it equals.

    Raises
    ------
    ValueError
        If nothing tells what a dimension is.
    """
    pairs, same = _by_sgrid(obj)
    comodo = _by_comodo(obj)
    faces: dict[str, Faces] = {}
    for dim in dict.fromkeys(str(dim) for name in names.values() for dim in obj[name].dims):
        if dim in told:
            faces[dim] = Faces(dim, told[dim], _side_by_shift(obj, dim))
        elif dim in pairs:
            faces[dim] = pairs[dim]
        elif dim in comodo:
            faces[dim] = comodo[dim]
    _by_components(obj, names, faces, same)
    return list(faces.values()), {dim: centre for dim, centre in same.items() if dim not in faces}


def _by_sgrid(obj: xr.Dataset) -> tuple[dict[str, Faces], dict[str, str]]:
    """What a variable with the role of a grid topology says."""
    pairs: dict[str, Faces] = {}
    same: dict[str, str] = {}
    sides = {"low": UPPER, "high": LOWER}
    for variable in obj.variables.values():
        if variable.attrs.get("cf_role") != "grid_topology":
            continue
        for key in ("face_dimensions", "volume_dimensions", "vertical_dimensions"):
            for centre, node, padding in _ENTRY.findall(str(variable.attrs.get(key, ""))):
                pairs[node] = Faces(node, centre, sides.get(padding))
        for key in (f"{kind}{number}_dimensions" for kind in ("edge", "face") for number in (1, 2, 3)):
            for dim, node, padding in _ENTRY.findall(str(variable.attrs.get(key, ""))):
                # of a 3-D topology the faces repeat what the volumes say
                if node not in pairs or dim in pairs or dim == pairs[node].centre:
                    continue
                if padding:  # as the centres lie between nodes
                    same[dim] = pairs[node].centre
                else:  # another name of the nodes
                    pairs[dim] = Faces(dim, pairs[node].centre, pairs[node].side)
    return pairs, same


def _by_comodo(obj: xr.Dataset) -> dict[str, Faces]:
    """What the shifts of coordinates with the same attribute ``axis`` say."""
    groups: dict[str, list[str]] = {}
    for dim in obj.dims:
        letter = obj.variables[dim].attrs.get("axis") if dim in obj.variables else None
        if isinstance(letter, str) and isinstance(dim, str):
            groups.setdefault(letter.upper(), []).append(dim)
    found = {}
    for dims in groups.values():
        shifts = {dim: _shift(obj, dim) for dim in dims}
        centres = [dim for dim in dims if not shifts[dim]]
        if len(centres) == 1:
            for dim in dims:
                if shifts[dim]:
                    found[dim] = Faces(dim, centres[0], _side_by_shift(obj, dim))
    return found


def _shift(obj: xr.Dataset, dim: str) -> float:
    given = obj.variables[dim].attrs.get("c_grid_axis_shift", 0.0) if dim in obj.variables else 0.0
    try:
        return float(np.asarray(given).item())
    except (TypeError, ValueError):
        return 0.0


def _side_by_shift(obj: xr.Dataset, dim: str) -> int | None:
    shift = _shift(obj, dim)
    return None if not shift else (LOWER if shift < 0 else UPPER)


def _by_components(obj: xr.Dataset, names: Mapping[str, str], faces: dict[str, Faces], same: dict[str, str]) -> None:
    """Where no attribute tells: the component along a direction is the one with a dimension of its own there."""
    dims = {label: _directed(obj, name) for label, name in names.items()}
    for letter in SPATIAL:
        there = {label: own[letter] for label, own in dims.items() if letter in own}
        others = [dim for label, dim in there.items() if label != letter and dim not in faces and dim not in same]
        if not others:
            continue
        centre = others[0]
        for dim in others[1:]:
            if dim != centre:
                _require_equal(obj, centre, dim)
                same[dim] = centre
        own = there.get(letter)
        if own is not None and own != centre and own not in faces and own not in same:
            faces[own] = Faces(own, centre)


def _directed(obj: xr.Dataset, name: str) -> dict[str, str]:
    """The dimension of a variable along each direction; one that nothing tells takes the only direction left."""
    found: dict[str, str] = {}
    unknown = []
    for dim in map(str, obj[name].dims):
        letter = along(dim, obj.variables)
        if letter is not None and letter not in found:
            found[letter] = dim
        elif letter is None and not _is_time(obj, dim):
            unknown.append(dim)
    left = [letter for letter in SPATIAL if letter not in found]
    if len(unknown) == 1 and left:
        found[left[0]] = unknown[0]
    return found


def _is_time(obj: xr.Dataset, dim: str) -> bool:
    variable = obj.variables.get(dim)
    claim = direction(dim, {} if variable is None else variable.attrs, "" if variable is None else variable.dtype.kind)
    return claim is not None and claim[0] == "t"


def _require_equal(obj: xr.Dataset, centre: str, dim: str) -> None:
    """Verify that two dimensions run over the same points."""
    same = obj.sizes[centre] == obj.sizes[dim]
    if same and centre in obj.variables and dim in obj.variables:
        same = np.array_equal(obj.variables[centre].values, obj.variables[dim].values)
    if not same:
        raise ValueError(
            f"centers: dimensions {centre!r} and {dim!r} run along one direction over different points, and nothing "
            f"tells which are centres of cells; say so, centers={{{dim!r}: {centre!r}}}"
        )
