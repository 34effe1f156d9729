# SPDX-License-Identifier: BSD-3-Clause
"""How noise of a field spreads into its derivatives and quantities, on labelled data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from fieldgrad import chunked, operators, propagation, units
from fieldgrad.bars import watched
from fieldgrad.catalogue import Quantity
from fieldgrad.chunked import evaluate
from fieldgrad.components import COMPONENT, find_components
from fieldgrad.fields import (
    Velocity,
    aligned_on,
    array_of,
    converted,
    frame_of,
    length_of,
    long_of,
    name_of,
    parameter_of,
    relabel,
    require_free,
    require_labelled,
    require_plain,
    short_of,
    str_name,
    units_of,
    vector_of,
    working,
)
from fieldgrad.grid import Grid
from fieldgrad.infer import require_lengths
from fieldgrad.labelled import DIRECTION, Names, parameters_on, quantity_units
from fieldgrad.operators import Frame
from fieldgrad.quantities import Named, chosen
from fieldgrad.recall import recalled_grid

Deviation: TypeAlias = float | str | xr.DataArray | xr.Dataset | Mapping[str, Any]

_OF_SCALARS = ("gradient", "laplacian", "hessian")


@watched
def uncertainty(
    obj: Velocity,
    quantities: Named,
    *,
    std: Deviation,
    correlation_length: float | None = None,
    grid: Grid | None = None,
    components: Names = None,
    **parameters: float | str | xr.DataArray,
) -> xr.Dataset:
    r"""Standard deviation of derivatives and quantities, from that of the field.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity (a variable for each component, or a dimension ``component``) or a scalar field. Real.
    quantities : str, Quantity, or iterable of these
        Of a velocity names of quantities, of which :func:`fieldgrad.quantities` shows those there are, or records of
        your own; of a scalar "gradient", "laplacian", "hessian".
    std : float, DataArray, Dataset, mapping or str
        Standard deviation of the noise, in units of the field: a number, a field on dimensions of `obj` (or the name of
        a variable of it), or for each component one of these, by the names or labels of the components or along a
        dimension ``component``.
    correlation_length : float, optional
        Length l in the correlation :math:`\exp(-d^2/(2 l^2))` of the noise of a component at two nodes a distance d
        apart, in units of the coordinates; by default the noise of different nodes is independent. PIV windows of width
        W that overlap share noise as their areas do, 1 - d/W; l = 0.42 W agrees with that where it is one half.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.
    **parameters : float, DataArray or str
        Parameters of the quantities, taken as exact.

    Returns
    -------
    Dataset
        For each quantity its standard deviation, of its name, shape and units. Lazy if `obj` is.

    Raises
    ------
    TypeError
        If the field is complex, or as :func:`fieldgrad.derive`.
    ValueError
        If `std` or `correlation_length` is negative or not finite, if a component has no `std`, or as
        :func:`fieldgrad.derive`.

    Notes
    -----
    The noise has mean zero, and that of different components is independent. A derivative is a sum of weights times
    values, so that its variance is known exactly: :math:`\operatorname{var} \sum_k w_k f_k = \sum_{kl} w_k w_l s_k s_l
    r_{kl}`, where weights on the same node of the same component are added before. That is exact for all that is
    linear: L, D, W, divergence, vorticity, gradient, Laplacian, Hessian. What a wall is known to have is exact.

    A quantity q that is not linear has, to first order,

    .. math:: \operatorname{var} q = \sum_i \sum_{jk} \frac{\partial q}{\partial L_{ij}}
              \frac{\partial q}{\partial L_{ik}} \operatorname{cov}(L_{ij}, L_{ik}),

    with derivatives of the compiled quantity by central differences. This holds where the noise of L is small beside
    L, and tells nothing where q has no derivative: magnitudes where they vanish, eigenvalues that coincide.

    Weights are those of the tables: H. W. Coleman and W. G. Steele, Experimentation, Validation, and Uncertainty
    Analysis for Engineers, 3rd edition, Wiley (2009), chapter 3; for PIV A. Sciacchitano and B. Wieneke, Measurement
    Science and Technology 27 (2016) 084006.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.solid_body_rotation([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 3.0], angular_velocity=0.5)
    >>> noise = fg.uncertainty(flow.dataset, "vorticity", std=0.1)
    >>> float(noise.vorticity[1, 1].round(12))  # 0.1 (4/2^2)^(1/2)
    0.1
    """
    require_labelled(obj, "obj")
    if correlation_length is not None:
        _checked(correlation_length, "correlation_length")
        if correlation_length == 0:
            correlation_length = None
    grid = recalled_grid(obj) if grid is None else grid
    require_lengths(grid)
    require_plain(grid, "how noise spreads")
    if isinstance(obj, xr.DataArray) and COMPONENT not in obj.dims:
        if parameters:
            raise TypeError(f"{next(iter(parameters))}: nothing that is asked for takes parameters; leave it out")
        names = [quantities] if isinstance(quantities, str | Quantity) else list(quantities)
        if not all(name in _OF_SCALARS for name in names):
            raise ValueError(
                f"quantities: got {names!r}; of a scalar they are {', '.join(map(repr, _OF_SCALARS))}, and others need "
                "the Dataset of a velocity"
            )
        if not names:
            raise ValueError("quantities: is empty; name at least one, such as 'gradient'")
        return xr.Dataset(
            {str(name): _of_scalar(obj, str(name), std, correlation_length, grid) for name in dict.fromkeys(names)}
        )
    return _of_velocity(obj, chosen(quantities), std, correlation_length, grid, components, parameters)


def _checked(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: is {value!r}; it must be a number")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name}: is {value}; it must be finite and not negative")


def _of_velocity(
    obj: Velocity,
    records: Sequence[Quantity],
    std: Deviation,
    correlation_length: float | None,
    grid: Grid,
    components: Names,
    parameters: Mapping[str, Any],
) -> xr.Dataset:
    named = {name: parameter_of(obj, name, value) for name, value in parameters.items()}
    found = find_components(obj, grid, components)
    first = found.fields[0]
    frame = frame_of(grid, first, vector=found)
    labels = [operators.value_labels(record, found.labels, frame) for record in records]
    require_free(first, *{dim for record, part in zip(records, labels, strict=True) if part for dim in record.dims})
    values = parameters_on(first, records, named)
    fields = vector_of(found.fields, found.labels)
    _require_real(fields[0].dtype)
    deviations = _deviations(std, obj, found.fields, found.labels, fields[0].dtype)
    apart = tuple(bool(table.each) for table in frame.stencils)
    carried = propagation.frame_of_noise(frame, grid.axes, len(fields), correlation_length)
    uncorrelated = correlation_length is None
    whole = partial(propagation.of_velocity, found.labels, tuple(records), tuple(values), apart, uncorrelated)
    work = partial(propagation.in_slabs, whole)
    shapes = [tuple(map(len, part)) for part in labels]
    unit_of = quantity_units(found, grid, named)
    results = evaluate(work, [*fields, *deviations], carried, list(values.values()), shapes)
    return xr.Dataset(
        {
            record.name: relabel(
                first,
                result,
                dict(zip(record.dims, part, strict=True)) if part else {},
                name=record.name,
                long_name=f"standard deviation of {record.long_name}",
                definition=f"(sum dq/dL_ij dq/dL_ik cov(L_ij, L_ik))^(1/2), q = {record.definition}",
                unit=unit_of(record),
                grid=grid,
            )
            for record, result, part in zip(records, results, labels, strict=True)
        }
    )


def _of_scalar(
    f: xr.DataArray, name: str, std: Deviation, correlation_length: float | None, grid: Grid
) -> xr.DataArray:
    order = 1 if name == "gradient" else 2
    dtype = working(array_of(f, name_of(f, "obj")), name_of(f, "obj")).dtype
    _require_real(dtype)
    deviations = _deviations(std, f, [f], [name_of(f, "obj")], dtype)
    frame = propagation.frame_of_noise(frame_of(grid, f, order), grid.axes, 1, correlation_length)
    squared, count = correlation_length is None, len(grid.axes)
    extra: dict[str, Sequence[str | int]] = {}
    if name != "laplacian":
        extra[COMPONENT] = grid.names
    if name == "hessian":
        extra[DIRECTION] = grid.names
    require_free(f, *extra)
    pure, sum_of_pure = (
        partial(propagation.in_slabs, partial(work, squared))
        for work in (propagation.of_gradient, propagation.of_laplacian)
    )
    if name == "gradient":
        (result,) = evaluate(pure, deviations, frame, (), [(count,)])
    elif name == "laplacian":
        (result,) = evaluate(sum_of_pure, deviations, frame)
    else:
        (diagonal,) = evaluate(pure, deviations, frame, (), [(count,)])
        first = propagation.frame_of_noise(frame_of(grid, f), grid.axes, 1, correlation_length)
        mixed = {(i, j): _mixed(deviations[0], first, i, j, squared) for j in range(count) for i in range(j)}
        rows = [[diagonal[i] if i == j else mixed[min(i, j), max(i, j)] for j in range(count)] for i in range(count)]
        result = chunked.stack([chunked.stack(row) for row in rows])
    letters = {"gradient": f"d({short_of(f)})/dx_i", "laplacian": "sum d2/dx_i2", "hessian": "d2/dx_i dx_j"}
    return relabel(
        f,
        result,
        extra,
        name=name,
        long_name=f"standard deviation of the {name} of {long_of(f)}",
        definition=f"(sum w_k w_l cov(f_k, f_l))^(1/2) of {letters[name]}",
        unit=units.combine([(units_of(f), 1), (length_of(grid), -order)]),
        grid=grid,
    )


def _stated(obj: Velocity, std: Any, field: xr.DataArray) -> Any:
    """A standard deviation as a number or a field, in the units of the field."""
    if not units.is_quantity(std):
        return parameter_of(obj, "std", std)[0]
    wanted = units_of(field)
    if wanted is None:
        raise ValueError(f"std: is in {std.units}, and {field.name!r} has no units; pass a plain number")
    return converted(std, "std", wanted)[0]


def _mixed(deviation: Any, frame: Frame, i: int, j: int, squared: bool) -> Any:
    """Standard deviation of a derivative along two directions, whose weights and correlations are products."""
    along = [propagation.parts_of(frame, number) for number in (i, j)]
    power = 2 if squared else 1
    total: Any = None
    for one in along[0]:
        (half,) = evaluate(partial(propagation.of_table, power), [deviation], one)
        for other in along[1]:
            (whole,) = evaluate(partial(propagation.of_table, 1), [half], other)
            term = whole if squared else whole**2
            total = term if total is None else total + term
    return total**0.5


def _require_real(dtype: np.dtype[Any]) -> None:
    if dtype.kind == "c":
        raise TypeError("obj: is complex; of which part the noise is is not told, pass real and imaginary part apart")


def _deviations(
    std: Any, obj: Velocity, fields: Sequence[xr.DataArray], labels: Sequence[str], dtype: np.dtype[Any]
) -> list[Any]:
    """Standard deviation of each field, as an array of its shape."""
    if isinstance(std, xr.Dataset):
        std = {str(name): std[name] for name in std.data_vars}
    if isinstance(std, Mapping):
        known = [{str_name(field), label} & set(std) for field, label in zip(fields, labels, strict=True)]
        extra = set(std) - set().union(*known)
        lacking = [label for label, keys in zip(labels, known, strict=True) if len(keys) != 1]
        if extra or lacking:
            what = f"{sorted(map(str, extra))} is no component" if extra else f"there is none of {lacking[0]!r}"
            listed = ", ".join(f"{str_name(field) or label!r}" for field, label in zip(fields, labels, strict=True))
            raise ValueError(f"std: {what}; give one for each component, {listed}")
        parts = [std[keys.pop()] for keys in known]
    elif isinstance(std, xr.DataArray) and COMPONENT in std.dims:
        if COMPONENT in std.coords:
            missing = [label for label in labels if label not in std[COMPONENT].values]
            if missing:
                raise ValueError(f"std: there is none of component {missing[0]!r} along its dimension {COMPONENT!r}")
            parts = [std.sel({COMPONENT: label}, drop=True) for label in labels]
        elif std.sizes[COMPONENT] == len(labels):
            parts = [std.isel({COMPONENT: number}) for number in range(len(labels))]
        else:
            raise ValueError(f"std: has {std.sizes[COMPONENT]} components, and the field {len(labels)}")
    else:
        parts = [std] * len(fields)
    return [_deviation(_stated(obj, part, field), field, dtype) for part, field in zip(parts, fields, strict=True)]


def _deviation(value: Any, field: xr.DataArray, dtype: np.dtype[Any]) -> Any:
    if not isinstance(value, xr.DataArray):
        _checked(value, "std")
        return np.broadcast_to(np.asarray(value, dtype), field.shape)
    array = working(aligned_on(value, field, "std"), "std", dtype)
    if chunked.is_lazy(array):
        return chunked.broadcast(array, field.shape)
    if (array < 0).any():
        raise ValueError("std: has negative values; a standard deviation is at least zero, NaN where it is not known")
    return np.broadcast_to(array, field.shape)
