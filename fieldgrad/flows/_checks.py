# SPDX-License-Identifier: BSD-3-Clause
"""Checks of what a flow is given: coordinates, times and physical parameters."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

Array = npt.NDArray[np.float64]
Coordinate = npt.ArrayLike | xr.DataArray
"""What a flow takes as a coordinate: a one-dimensional array or DataArray."""

# Names that the flow's own variables and dimensions take.
_RESERVED = ("u", "v", "w", "p", "component", "direction", "principal")
_UNITS = {
    "m": ("m", "meter", "metre", "meters", "metres"),
    "s": ("s", "sec", "second", "seconds"),
}
# A grid that spans a period up to rounding holds its end point twice, and is not given the period.
_PERIOD_MARGIN = 1e-9


def coordinate(axis: str, given: Coordinate, period: float | None = None) -> xr.DataArray:
    """Turn what was given for the axis "x", "y" or "z" into a labelled coordinate in metres."""
    array = _labelled(axis, axis, given, "m")
    if array.ndim != 1:
        raise ValueError(
            f"{axis} has {array.ndim} dimensions (shape {array.shape}): a coordinate is one-dimensional; "
            f"pass the points along this axis alone, as a 1-D array or DataArray"
        )
    if str(array.attrs.get("axis", axis)).lower() != axis:
        raise ValueError(
            f"{axis} has the attribute axis={array.attrs['axis']!r}: pass it as that axis, or drop the attribute"
        )
    array.attrs = {"axis": axis.upper(), "units": "m"} | array.attrs
    span = float(np.ptp(array.values))
    if period is not None and span < period * (1 - _PERIOD_MARGIN):
        array.attrs.setdefault("period", period)
    return array


def time(given: Coordinate) -> xr.DataArray:
    """Turn what was given as `t` into a labelled time in seconds, with no dimension or one."""
    array = _labelled("t", "time", given, "s")
    if array.ndim > 1:
        raise ValueError(
            f"t has {array.ndim} dimensions (shape {array.shape}): pass a number, or a 1-D array of times in seconds"
        )
    array.attrs = {"axis": "T", "units": "s", "long_name": "time"} | array.attrs
    return array


def distinct_dims(arrays: Sequence[xr.DataArray]) -> None:
    """Refuse coordinates that share a dimension."""
    # A single time has no dimension, but a scalar coordinate of that name.
    dims = [str(dim) for array in arrays for dim in (array.dims or ["time"])]
    for dim in dims:
        if dims.count(dim) > 1:
            raise ValueError(
                f"two coordinates have the dimension {dim!r}: each axis needs a dimension of its own; "
                f"rename one, as in x.rename({{{dim!r}: 'x'}}), or pass plain arrays"
            )


def real(name: str, value: object) -> float:
    """Return a finite physical parameter as a float."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is {value!r}: pass a real number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}: pass a finite number")
    return number


def positive(name: str, value: object) -> float:
    """Return a physical parameter that must be larger than zero."""
    number = real(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {number}: it must be larger than zero")
    return number


def not_negative(name: str, value: object) -> float:
    """Return a physical parameter that must be zero or larger."""
    number = real(name, value)
    if number < 0:
        raise ValueError(f"{name} is {number}: it must not be negative")
    return number


def _labelled(argument: str, dim: str, given: Coordinate, units: str) -> xr.DataArray:
    """Check type, units and values, whatever the number of dimensions."""
    attrs: dict[str, object] = {}
    if isinstance(given, xr.DataArray):
        if given.ndim == 1:
            dim = str(given.dims[0])
        attrs = dict(given.attrs)
        if attrs.get("units", units) not in _UNITS[units]:
            raise ValueError(
                f"{argument} has units {attrs['units']!r}: flows are in SI units; convert it to {units!r}, "
                f"or pass plain values with .values where they are {units!r} already"
            )
        raw = np.asarray(given.values)
    else:
        raw = np.asarray(given)
    if raw.dtype.kind not in "iuf":
        raise TypeError(f"{argument} has dtype {raw.dtype} ({given!r:.60}): pass real numbers in {units!r}")
    if dim in _RESERVED:
        raise ValueError(f"{argument} has the dimension {dim!r}, a name that the flow itself uses: rename it")
    if raw.size == 0:
        raise ValueError(f"{argument} is empty: pass at least one value")
    values = raw.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(
            f"{argument} (dimension {dim!r}) has the value {values.flat[wrong[0]]} at index {wrong[0]}: "
            f"all values must be finite; leave such points out"
        )
    dims = (dim,) if values.ndim == 1 else tuple(f"{dim}_{i}" for i in range(values.ndim))
    return xr.DataArray(values, dims=dims, attrs=attrs)
