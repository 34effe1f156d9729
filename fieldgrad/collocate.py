# SPDX-License-Identifier: BSD-3-Clause
"""From the faces of cells to their centres."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad.components import velocity_families
from fieldgrad.fields import array_of, require_labelled, working
from fieldgrad.grid import SPATIAL, checked_nodes
from fieldgrad.infer import found_period
from fieldgrad.staggered import LOWER, UPPER, Faces, faces_of


def collocate(
    obj: xr.Dataset,
    *,
    components: Sequence[str] | None = None,
    centers: Mapping[str, str] | None = None,
    periodic: str | Iterable[str] | Mapping[str, float | None] = (),
) -> xr.Dataset:
    """Velocities from the faces of cells to their centres.

    What is on faces, and between which of them a centre lies, is told by the attributes of SGRID and COMODO, else by
    the components themselves: the one along a direction lies on the faces across it. Each centre takes the two faces
    beside it, by linear interpolation on the true positions where both coordinates are there, else by their mean.

    Parameters
    ----------
    obj : Dataset
        Velocity components on faces (Arakawa C, MAC), or on corners too; nothing is computed of lazy ones.
    components : sequence of str, optional
        Names of the components, in x, y, z order; by default found by CF attributes, then by the usual names.
    centers : mapping of str to str, optional
        Dimension of faces -> dimension of centres between them, where nothing else tells.
    periodic : str, iterable of str, or mapping of str to float or None
        Dimensions of faces that repeat, with the period where it is not the attribute ``period`` or the number of
        points times a uniform spacing. There the last centre lies between the last and the first face.

    Returns
    -------
    Dataset
        The components, on centres, and all variables that do not lie on faces. Centres beside which one face lacks
        (as many faces as centres without a period, or one less) are left out.

    Raises
    ------
    TypeError
        If `obj` is no Dataset, or a component holds no numbers.
    ValueError
        If no component lies on faces, nothing tells which dimensions are faces of which centres, their numbers do not
        match, or a centre does not lie between its faces.

    Notes
    -----
    Linear interpolation is of second order on any spacing and halves what oscillates from face to face; derivatives of
    the result of accuracy 2 are consistent with it. The discrete divergence of a staggered grid, which is zero to
    rounding in many codes, is not kept.

    Examples
    --------
    >>> x_f, y_f = np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 2.0])
    >>> flow = xr.Dataset(
    ...     {"u": (("y", "x_f"), [[0.0, 1.0, 3.0]] * 2), "v": (("y_f", "x"), [[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])},
    ...     coords={"x": [0.5, 2.0], "y": [0.5, 1.5], "x_f": x_f, "y_f": y_f},
    ... )
    >>> collocate(flow).u.values
    array([[0.5, 2. ],
           [0.5, 2. ]])
    """
    require_labelled(obj, "obj")
    if not isinstance(obj, xr.Dataset):
        raise TypeError("obj: is a DataArray; pass the Dataset of the components, which lie on different dimensions")
    names = _names(obj, components)
    told = _checked_centers(centers, obj)
    faces, same = faces_of(obj, names, told)
    if not faces:
        where = ", ".join(f"{name!r} on {obj[name].dims}" for name in names.values())
        raise ValueError(
            f"components: {where}: none lies on faces as far as is known; if they do, say between which faces the "
            "centres lie, centers={dimension of faces: dimension of centres}"
        )
    periods = _periods(periodic, faces)
    pieces = {face.dim: _Between(obj, face, periods.get(face.dim, False)) for face in faces}
    kept: dict[str, slice] = {}
    for piece in pieces.values():
        before = kept.get(piece.centre, slice(0, piece.count))
        kept[piece.centre] = slice(max(before.start, piece.low), min(before.stop, piece.high))
    result = obj.drop_vars([name for name, variable in obj.variables.items() if set(variable.dims) & {*pieces, *same}])
    located = {}
    for name in names.values():
        variable = obj.variables[name]
        data = working(array_of(obj[name], repr(name)), name)
        for axis, dim in enumerate(map(str, variable.dims)):
            if dim in pieces:
                data = pieces[dim].mean(data, axis, kept[pieces[dim].centre])
            elif same.get(dim, dim) in kept:
                data = data[(slice(None),) * axis + (kept[same.get(dim, dim)],)]
        dims = [pieces[dim].centre if dim in pieces else same.get(dim, dim) for dim in map(str, variable.dims)]
        attrs = {key: value for key, value in variable.attrs.items() if key not in ("location", "grid", "coordinates")}
        located[name] = xr.Variable(dims, data, attrs)
    return result.isel(kept, missing_dims="ignore").assign(located)


def _names(obj: xr.Dataset, components: Sequence[str] | None) -> dict[str, str]:
    """Direction -> variable of each component."""
    if components is not None:
        if isinstance(components, str) or not all(isinstance(name, str) for name in components):
            raise TypeError(f"components: got {components!r}; it must be a sequence of names such as ('u', 'v')")
        unknown = [name for name in components if name not in obj.data_vars]
        if unknown or not 2 <= len(components) <= 3:
            raise ValueError(
                f"components: got {tuple(components)}; name two or three variables of the dataset, which has "
                f"{', '.join(map(repr, obj.data_vars)) or 'none'}"
            )
        return dict(zip(SPATIAL, components, strict=False))
    families = velocity_families(obj)
    if len(families) != 1:
        found = " and ".join(str(tuple(family.values())) for family in families) or "none"
        raise ValueError(
            f"components: found {found} among the variables {', '.join(map(repr, obj.data_vars)) or 'none'}; name the "
            "components of one velocity, components=('u', 'v', 'w')"
        )
    return families[0]


def _checked_centers(centers: Mapping[str, str] | None, obj: xr.Dataset) -> dict[str, str]:
    if centers is not None and not isinstance(centers, Mapping):
        raise TypeError(f"centers: got {centers!r}; it must map dimensions of faces to those of centres")
    for pair in (centers or {}).items():
        for dim in pair:
            if dim not in obj.dims:
                raise ValueError(
                    f"centers: {dim!r} is no dimension of the data, which has {', '.join(map(repr, obj.dims))}"
                )
    return dict(centers or {})


def _periods(periodic: Any, faces: Sequence[Faces]) -> dict[str, float | None]:
    given = dict.fromkeys([periodic] if isinstance(periodic, str) else periodic)
    if isinstance(periodic, Mapping):
        given = dict(periodic)
    of_centre = {face.centre: face.dim for face in faces}
    dims = {face.dim for face in faces}
    periods = {}
    for key, period in given.items():
        dim = key if key in dims else of_centre.get(key)
        if dim is None:
            raise ValueError(
                f"periodic: {key!r} is no dimension of faces or centres; they are {', '.join(map(repr, sorted(dims)))}"
            )
        periods[dim] = period
    return periods


class _Between:
    """The centres along one dimension of faces: which have two faces, and their weights."""

    def __init__(self, obj: xr.Dataset, faces: Faces, period: float | bool | None) -> None:
        self.dim, self.centre = faces.dim, faces.centre
        if self.centre not in obj.sizes:
            raise ValueError(
                f"centers: dimension {self.centre!r}, of the centres between the faces along {self.dim!r}, is not in "
                "the dataset; keep a variable on it, or its coordinate"
            )
        self.count, count = obj.sizes[self.centre], obj.sizes[self.dim]
        self.wraps = period is not False
        positions = _positions(obj, self.dim), _positions(obj, self.centre)
        side = faces.side if count == self.count else None
        if count == self.count and side is None:
            side = _side(self.dim, self.centre, *positions)
        if abs(count - self.count) > 1 or (self.wraps and side is None):
            wanted = "as many" if self.wraps else "as many, one more or one less"
            raise ValueError(
                f"centers: dimension {self.dim!r} has {count} faces and {self.centre!r} {self.count} centres; there "
                f"must be {wanted}{' on a periodic axis' if self.wraps else ''}"
            )
        # the face before centre i is face i + shift, the one behind it i + shift + 1
        self.shift = -1 if (side == UPPER or count < self.count) else 0
        self.low, self.high = max(0, -self.shift), min(self.count, count - 1 - self.shift)
        if self.wraps:
            self.low, self.high = 0, self.count
        self.weights = self._weights(obj, period, *positions)

    def _weights(self, obj: xr.Dataset, period: Any, faces: Any, centres: Any) -> Any:
        """Of the face behind, for all centres that have two; one half where positions are not known."""
        if faces is None or centres is None:
            return 0.5
        before = np.arange(self.low, self.high) + self.shift
        behind = before + 1
        left, right = faces[before % len(faces)], faces[behind % len(faces)]
        if self.wraps:
            attrs = obj.variables[self.dim].attrs
            length = found_period(self.dim, faces, 1.0, attrs, obj.attrs) if period is None else float(period)
            length = np.copysign(length, faces[-1] - faces[0])
            left = left - length * (before < 0)
            right = right + length * (behind >= len(faces))
        weights = (centres[self.low : self.high] - left) / (right - left)
        bad = np.flatnonzero(~((weights > 0) & (weights < 1)))
        if len(bad):
            i = int(bad[0])
            raise ValueError(
                f"centers: the centre {centres[self.low + i]:g} at index {self.low + i} of dimension {self.centre!r} "
                f"does not lie between its faces along {self.dim!r}, {left[i]:g} and {right[i]:g}; mend the "
                "coordinates, or drop them for plain means (obj.drop_vars)"
            )
        return weights

    def mean(self, data: Any, axis: int, kept: slice) -> Any:
        """Values at a range of centres; the same bits for any chunks."""
        before, behind = (range(kept.start + shift, kept.stop + shift) for shift in (self.shift, self.shift + 1))
        left, right = (_taken(data, axis, part, self.wraps) for part in (before, behind))
        weights = self.weights
        if np.ndim(weights):
            weights = weights[kept.start - self.low : kept.stop - self.low]
            weights = weights.reshape((-1,) + (1,) * (data.ndim - axis - 1)).astype(data.real.dtype)
        else:
            weights = data.real.dtype.type(weights)
        result = left + weights * (right - left)
        if getattr(data, "chunks", None) is None:
            return result
        # pieces of one point lie where chunks of the two faces overlap
        ends = np.clip(np.cumsum(data.chunks[axis]), kept.start, kept.stop) - kept.start
        sizes = np.diff(np.unique(np.r_[0, ends, kept.stop - kept.start]))
        return result.rechunk({axis: tuple(map(int, sizes))})


def _taken(data: Any, axis: int, part: range, wraps: bool) -> Any:
    """A range of faces, which may wrap."""
    whole = (slice(None),) * axis
    count = data.shape[axis]
    inside = data[(*whole, slice(max(part.start, 0), min(part.stop, count)))]
    if not wraps or (part.start >= 0 and part.stop <= count):
        return inside
    first = data[(*whole, slice(0, max(part.stop - count, 0)))]
    last = data[(*whole, slice(count + min(part.start, 0), None))]
    dims = [f"dim_{number}" for number in range(data.ndim)]
    pieces = [last, inside] if part.start < 0 else [inside, first]
    joined = xr.Variable.concat([xr.Variable(dims, piece) for piece in pieces], dims[axis])  # type: ignore[no-untyped-call]
    return joined.data


def _positions(obj: xr.Dataset, dim: str) -> Any:
    variable = obj.variables.get(dim)
    if variable is None or variable.dtype.kind not in "iuf":
        return None
    return checked_nodes(variable.values, dim)


def _side(dim: str, centre: str, faces: Any, centres: Any) -> int:
    """Whether faces lie before or behind the centres of their index, by the positions."""
    if faces is None or centres is None or len(faces) < 2:
        raise ValueError(
            f"centers: as many faces along {dim!r} as centres along {centre!r}, and nothing tells which lie beside "
            f"which; give both a coordinate, or set the attribute c_grid_axis_shift of {dim!r} to -0.5 (faces before "
            "the centres of their index) or 0.5"
        )
    return LOWER if (centres[0] - faces[0]) * (faces[1] - faces[0]) > 0 else UPPER
