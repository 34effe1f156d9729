# SPDX-License-Identifier: BSD-3-Clause
"""Which order of accuracy each point gets beside holes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from fieldgrad import operators
from fieldgrad.bars import watched
from fieldgrad.chunked import evaluate, of_vector
from fieldgrad.components import COMPONENT, find_components
from fieldgrad.fields import (
    Velocity,
    array_of,
    frame_of,
    mask_on,
    name_of,
    relabel,
    require_free,
    require_labelled,
    vector_of,
    working,
)
from fieldgrad.grid import Grid
from fieldgrad.infer import infer_grid
from fieldgrad.labelled import DIRECTION, Names
from fieldgrad.masks import holes_of


@watched
def order_map(obj: Velocity, *, order: int = 1, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
    """Order of accuracy of the derivatives that each point gets, along each direction.

    Parameters
    ----------
    obj : Dataset or DataArray
        Scalar field, or velocity: a variable for each component, or a dimension ``component``. Of a velocity a point
        is valid where all components are.
    order : int
        Order of the derivative: 1, or 2 for those of which :func:`fieldgrad.laplacian` is the sum.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components of a velocity, in x, y, z order.

    Returns
    -------
    DataArray of int8, dims ("direction", ...)
        The accuracy of the grid away from holes; less where fewer neighbours are valid; 0 where there is no
        derivative, which is then NaN, and at holes.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.velocity_gradient`, or as :func:`fieldgrad.gradient` for a scalar.

    Notes
    -----
    A window of n nodes gives a derivative of order m with order of accuracy n - m, and on uniform spacing one more
    where it is centred and m is even, which is not counted.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.arange(8.0)
    >>> f = xr.DataArray([0.0, 1.0, 2.0, 3.0, np.nan, 5.0, 6.0, np.nan], dims="x", coords={"x": x})
    >>> fg.order_map(f, grid=fg.infer_grid(f, missing="adapt")).values
    array([[2, 2, 2, 2, 0, 1, 1, 0]], dtype=int8)
    >>> fg.order_map(f, grid=fg.infer_grid(f)).values
    array([[2, 2, 2, 0, 0, 0, 0, 0]], dtype=int8)
    """
    require_labelled(obj, "obj")
    grid = infer_grid(obj) if grid is None else grid
    if isinstance(obj, xr.DataArray) and COMPONENT not in obj.dims:
        first, fields = obj, [working(array_of(obj, "obj"), name_of(obj, "obj"))]
    else:
        found = find_components(obj, grid, components)
        first, fields = found.fields[0], vector_of(found.fields, found.labels)
    require_free(first, DIRECTION)
    # values that are NaN make derivatives NaN under every rule
    holes = holes_of(grid, grid.axes, order, mask_on(grid, first), by_value=True)
    frame = replace(frame_of(grid, first, order), holes=holes)
    (result,) = evaluate(of_vector(operators.accuracies), fields, frame, (), [(len(grid.names),)])
    return relabel(
        first,
        result.real.astype(np.int8),
        {DIRECTION: grid.names},
        name="order_map",
        long_name="order of accuracy" if order == 1 else f"order of accuracy of derivatives of order {order}",
        definition="order of accuracy of the derivative along each direction, 0 where there is none",
        unit="1",
        grid=grid.description,
    )
