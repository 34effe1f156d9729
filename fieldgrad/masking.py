# SPDX-License-Identifier: BSD-3-Clause
"""What a user says of missing data, verified: the mask of a grid, and what is done beside its holes."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from fieldgrad.chunked import is_lazy
from fieldgrad.grid import Mask

#: What may be done beside holes, with the least order of accuracy that it is content with unless told otherwise.
MISSING = {"propagate": 1, "adapt": 1, "shrink": 2}


def mask_of(obj: xr.DataArray | xr.Dataset, mask: Any) -> Mask | None:
    """The mask of a dataset.

    Parameters
    ----------
    obj : DataArray or Dataset
        Data.
    mask : DataArray, ndarray, str or None
        True where a point is valid: an array on some of the dimensions of `obj`, or the name of one of its variables.

    Returns
    -------
    Mask or None
        Its dimensions and values; a lazy one stays lazy.

    Raises
    ------
    TypeError
        If it is no such thing, or does not hold booleans (or the numbers 0 and 1, as files store them).
    ValueError
        If it does not fit the data.

    Examples
    --------
    >>> ds = xr.Dataset({"u": ("x", [0.0, 1.0, 2.0]), "sea": ("x", [True, False, True])})
    >>> mask_of(ds, "sea")
    Mask(x 3)
    """
    if mask is None:
        return None
    if isinstance(mask, str):
        there = obj.variables if isinstance(obj, xr.Dataset) else obj.coords
        if mask not in there:
            listed = ", ".join(repr(name) for name in there if name not in obj.dims) or "none"
            raise ValueError(
                f"mask: {mask!r} is no variable of the data, which has {listed}; pass a DataArray of booleans"
            )
        mask = obj[mask]
    elif isinstance(mask, np.ndarray) or is_lazy(mask):
        mask = xr.DataArray(mask, dims=_dims_like(obj, mask.shape))
    elif not isinstance(mask, xr.DataArray):
        raise TypeError(
            f"mask: is a {type(mask).__name__}; pass a boolean array (True where a point is valid), a DataArray of it, "
            "or the name of a variable"
        )
    if not mask.dims:
        raise ValueError("mask: has no dimensions; it must lie on some of those of the data")
    for dim, size in mask.sizes.items():
        if obj.sizes.get(dim) != size:
            raise ValueError(
                f"mask: has {size} points along dimension {dim!r}, of which the data have "
                f"{obj.sizes.get(dim, 'none')}; it must lie on dimensions of the data"
            )
        if dim in mask.indexes and dim in obj.indexes and not mask.indexes[dim].equals(obj.indexes[dim]):
            raise ValueError(
                f"mask: its coordinate along {dim!r} differs from that of the data; interpolate or reindex it first"
            )
    return Mask(tuple(str(dim) for dim in mask.dims), booleans(mask.data))


def _dims_like(obj: xr.DataArray | xr.Dataset, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Dimensions of the fields of a shape."""
    fields = [obj] if isinstance(obj, xr.DataArray) else obj.data_vars.values()
    found = {field.dims for field in fields if field.shape == shape}
    if len(found) != 1:
        shapes = ", ".join(sorted({str(field.shape) for field in fields})) or "none"
        raise ValueError(
            f"mask: is an array of shape {shape} without names of dimensions, and the fields have shapes {shapes}; "
            "pass a DataArray"
        )
    return found.pop()


def booleans(values: Any) -> Any:
    """Values as booleans, a copy of those in memory.

    Numbers must be 0 or 1, since other codes mean different things in different files.
    """
    if values.dtype.kind not in "biuf":
        raise TypeError(f"mask: has dtype {values.dtype}; it must hold booleans, True where a point is valid")
    if is_lazy(values):
        return values if values.dtype == bool else values.map_blocks(_of_zeros_and_ones, dtype=bool)
    result = _of_zeros_and_ones(np.asarray(values)).copy()
    result.flags.writeable = False
    return result


def _of_zeros_and_ones(values: Any) -> Any:
    if values.dtype == bool:
        return values
    result = values == 1
    other = ~result & (values != 0)
    if other.any():
        raise ValueError(
            f"mask: holds {values[other].flat[0]}; it must hold booleans, or 0 and 1: compare it with what marks valid "
            "points (mask > 0, field.notnull())"
        )
    return result


def checked_missing(missing: str, least_accuracy: int | None, accuracy: int) -> int:
    """The least order of accuracy beside holes, after a check of what is to be done there.

    Examples
    --------
    >>> checked_missing("shrink", None, 6)
    2
    """
    if missing not in MISSING:
        raise ValueError(f"missing: got {missing!r}; it must be {', '.join(map(repr, MISSING))}")
    if least_accuracy is None:
        return MISSING[missing]
    if missing == "propagate":
        raise ValueError(
            "least_accuracy: is given, but missing='propagate' changes no stencil; pass missing='adapt' or 'shrink'"
        )
    if isinstance(least_accuracy, bool) or not isinstance(least_accuracy, int | np.integer):
        raise TypeError(f"least_accuracy: got {least_accuracy!r}; it must be an integer")
    if not 1 <= least_accuracy <= accuracy:
        raise ValueError(f"least_accuracy: got {least_accuracy}; it must be at least 1 and at most accuracy={accuracy}")
    return int(least_accuracy)
