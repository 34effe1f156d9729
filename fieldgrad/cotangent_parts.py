# SPDX-License-Identifier: BSD-3-Clause
"""What the adjoints on labelled data share: cotangents that are checked, and those of L handed back to the fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import adjoint
from fieldgrad.adjoint import Plan
from fieldgrad.chunked import evaluate
from fieldgrad.components import COMPONENT, Components
from fieldgrad.fields import Velocity, array_of, long_of, name_of, relabel, working
from fieldgrad.operators import Array, Frame

Labels = Mapping[str, Sequence[str | int]]


def aligned(cotangent: Any, first: xr.DataArray, extra: Labels, dtype: np.dtype[Any], what: str) -> Any:
    """Values of a cotangent, its dimensions those of the result: labels in order, then the field's."""
    if not isinstance(cotangent, xr.DataArray):
        raise TypeError(f"{what}: is a {type(cotangent).__name__}; pass a DataArray like the result of the operator")
    wanted = (*extra, *first.dims)
    if set(cotangent.dims) != set(wanted):
        raise ValueError(
            f"{what}: has dimensions {', '.join(map(str, cotangent.dims)) or 'none'}; the result of the operator has "
            f"{', '.join(map(str, wanted)) or 'none'}"
        )
    for dim, labels in extra.items():
        found = cotangent[dim].values.tolist() if dim in cotangent.coords else list(labels)
        if sorted(map(str, found)) != sorted(map(str, labels)) or cotangent.sizes[dim] != len(labels):
            raise ValueError(f"{what}: dimension {dim!r} has {found}; that of the result has {list(labels)}")
        if found != list(labels):
            cotangent = cotangent.isel({dim: [found.index(label) for label in labels]})
    plain = cotangent.isel(dict.fromkeys(extra, 0), drop=True).transpose(*first.dims)
    same = plain.shape == first.shape and all(
        plain.indexes[dim].equals(first.indexes[dim])
        for dim in first.dims
        if dim in plain.indexes and dim in first.indexes
    )
    if not same:
        raise ValueError(
            f"{what}: its shape or coordinates along {', '.join(map(repr, first.dims))} are not those of "
            f"{name_of(first, 'the input')}; make it from the result of the operator"
        )
    array = array_of(cotangent.transpose(*wanted), what)
    if array.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"{what}: is complex, but the result of the operator is real; pass its real part")
    return working(array, what, dtype)


def like(first: xr.DataArray, result: Any) -> xr.DataArray:
    """A result on the points of a field, with its name."""
    name = name_of(first, "the input")
    return relabel(
        first,
        result,
        name=first.name,  # type: ignore[arg-type]
        long_name=f"cotangent of {long_of(first)}",
        definition=f"sum of the cotangent times its derivative with respect to {name}",
        unit=None,
    )


def gradient_of(first: xr.DataArray, parts: Mapping[str, Any], frame: Frame) -> xr.DataArray:
    """The adjoint of a gradient of a scalar, given a cotangent for each direction."""
    plan, fields = adjoint.planned({("x", name): part for name, part in parts.items()}, ("x",), frame.directions)
    return like(first, evaluate(partial(pull, plan), fields, adjoint.transposed(frame), (), [()])[0])


def pull(plan: Plan, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    """The adjoint of a gradient, as blocks run it."""
    return adjoint.velocity_gradient(plan, fields, frame)


def of_tensor(tensor: adjoint.Tensor, labels: Sequence[str], frame: Frame) -> list[Any]:
    """The cotangents of the components of a vector whose gradient has one."""
    plan, fields = adjoint.planned(tensor, labels, frame.directions)
    return evaluate(partial(pull, plan), fields, adjoint.transposed(frame), (), [()] * len(labels))


def like_velocity(obj: Velocity, found: Components, results: Sequence[Any]) -> Velocity:
    """Results for components, as these are held by an object."""
    parts = [like(field, result) for field, result in zip(found.fields, results, strict=True)]
    names = [field.name for field in found.fields]
    if isinstance(obj, xr.Dataset) and len(set(names)) == len(names) and set(names) <= set(obj.data_vars):
        return xr.Dataset({name: part.transpose(*obj[name].dims) for name, part in zip(names, parts, strict=True)})
    stacked = xr.concat(parts, xr.Variable(COMPONENT, list(found.labels)), join="override", combine_attrs="override")
    source = obj[names[0]] if isinstance(obj, xr.Dataset) and names[0] in obj.data_vars else obj
    if isinstance(source, xr.DataArray) and COMPONENT in source.dims:
        if COMPONENT in source.coords:
            stacked = stacked.sel({COMPONENT: source[COMPONENT].values})
        else:
            stacked = stacked.drop_vars(COMPONENT)
        stacked = stacked.transpose(*source.dims)
    return xr.Dataset({names[0]: stacked}) if isinstance(obj, xr.Dataset) and source is not obj else stacked
