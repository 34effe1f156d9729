# SPDX-License-Identifier: BSD-3-Clause
"""The operators on arrays of JAX, which can be compiled, differentiated in reverse mode, and vectorised.

:func:`gradient` has the arguments of :func:`jax.numpy.gradient`. The others take a :class:`~fieldgrad.Grid`, whose
directions x, y, z run along the last dimensions of a field, in that order; dimensions before them are batches.
Components come first: a velocity has shape ``(components, ..., nx, ny, nz)``, or is a sequence of arrays.

The engine runs outside of JAX, on the CPU, as a callback; what flows back is the same engine with transposed tables, in
any order of differentiation. Coordinates and grids are constants: under :func:`jax.jit` they are closed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fieldgrad import adjoint, array
from fieldgrad.grid import SPATIAL, Grid, table
from fieldgrad.operators import Frame, working_dtype

__all__ = ["curl", "divergence", "gradient", "velocity_gradient"]

Array = Any  # of JAX, or a tracer of one
Velocity = Array | Sequence[Array]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _apply(operator: adjoint.Linear, *fields: Array) -> tuple[Array, ...]:
    """A linear operator, whose derivative is its adjoint, and the other way round."""
    shape = fields[0].shape[operator.ranks[0] :]
    results = [jax.ShapeDtypeStruct((*part, *shape), fields[0].dtype) for part in operator.leading[1]]
    called: tuple[Array, ...] = jax.pure_callback(
        partial(_run, operator, len(shape)), tuple(results), *fields, vmap_method="broadcast_all"
    )
    return called


def _run(operator: adjoint.Linear, ndim: int, *fields: Any) -> tuple[Any, ...]:
    """The callback: dimensions of a batch come in front of all others, and must leave so."""
    before, after = operator.ranks
    arrays = [np.asarray(field) for field in fields]
    batch = arrays[0].ndim - before - ndim
    moved = [np.moveaxis(one, range(batch), range(before, before + batch)) for one in arrays]
    results = operator.apply(moved)
    return tuple(np.moveaxis(one, range(after, after + batch), range(batch)) for one in results)


def _forth(operator: adjoint.Linear, *fields: Array) -> tuple[tuple[Array, ...], None]:
    return _apply(operator, *fields), None


def _back(operator: adjoint.Linear, residual: None, cotangents: tuple[Array, ...]) -> tuple[Array, ...]:
    pulled: tuple[Array, ...] = _apply(operator.adjoint, *cotangents)
    return pulled


_apply.defvjp(_forth, _back)


def _working(field: Any, name: str) -> Array:
    """An array of a dtype that JAX has and the engine knows."""
    values = jnp.asarray(field)
    dtype = working_dtype(np.dtype(values.dtype), name)
    return values.astype(jax.dtypes.canonicalize_dtype(dtype))


def gradient(
    f: Array, *varargs: Any, axis: int | Sequence[int] | None = None, edge_order: int = 1
) -> Array | list[Array]:
    """Gradient of an array, as :func:`jax.numpy.gradient` takes its arguments; on nonuniform spacing too.

    Parameters
    ----------
    f : Array
        Values.
    *varargs : float or array_like, optional
        Spacing: nothing for 1, one number for all axes, or for each axis a number or the positions of its points.
    axis : int or sequence of int, optional
        Axes along which to differentiate, by default all.
    edge_order : {1, 2}
        Order of accuracy at the edges.

    Returns
    -------
    Array or list of Array
        The derivative along the axis, or a list of one for each. float32 stays float32; integers become floats.

    Raises
    ------
    TypeError, ValueError
        As :func:`fieldgrad.array.gradient`; and if a coordinate is traced.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> import fieldgrad.jax as fj
    >>> x = jnp.array([0.0, 1.0, 1.5, 3.5])
    >>> fj.gradient(x**2, x, edge_order=2).round(4) + 0.0
    Array([0., 2., 3., 7.], dtype=float32)
    >>> jax.jit(jax.grad(lambda f: fj.gradient(f, 2.0)[1]))(x)
    Array([-0.25,  0.  ,  0.25,  0.  ], dtype=float32)
    """
    field = _working(f, "f")
    axes = array._axes(axis, field.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order: got {edge_order!r}; it must be 1 or 2")
    for one in varargs:
        if isinstance(one, jax.core.Tracer):
            raise TypeError("coordinates: are traced by JAX, but are constants here; close over them")
    positions = array._distances([np.asarray(one) for one in varargs], axes, field.shape)
    for one in axes:
        if field.shape[one] < edge_order + 1:
            raise ValueError(f"f: has {field.shape[one]} points along axis {one}; it needs at least {edge_order + 1}")
    results: list[Array] = []
    for start in range(0, len(axes), 3):
        part = slice(start, start + 3)
        stencils = tuple(table(nodes, 1, 2, edge_accuracy=edge_order) for nodes in positions[part])
        places = tuple(one - field.ndim for one in axes[part])
        frame = Frame(SPATIAL[: len(places)], places, stencils)
        results += _apply(adjoint.Linear("gradient", frame), field)
    return results[0] if len(axes) == 1 else results


def divergence(velocity: Velocity, grid: Grid) -> Array:
    """Divergence of a vector field, the trace of its gradient.

    Parameters
    ----------
    velocity : Array, shape (components, ..., nx, ny, nz), or sequence of Array
        Its components, one for each direction.
    grid : Grid
        Directions and discretisation.

    Returns
    -------
    Array, shape (..., nx, ny, nz)
        u_x + v_y + w_z.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.
    """
    return _linear("divergence", velocity, grid)


def curl(velocity: Velocity, grid: Grid) -> Array:
    """Curl of a vector field.

    Parameters
    ----------
    velocity : Array, shape (components, ..., nx, ny, nz), or sequence of Array
        Its components, one for each direction.
    grid : Grid
        Directions and discretisation, two or three.

    Returns
    -------
    Array, shape (3, ..., nx, ny, nz), and (..., nx, ny) in a plane
        (w_y - v_z, u_z - w_x, v_x - u_y); in a plane the component along its normal.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.
    """
    return _linear("vorticity", velocity, grid)


def velocity_gradient(velocity: Velocity, grid: Grid) -> Array:
    """Velocity-gradient tensor L_ij = du_i/dx_j.

    Parameters
    ----------
    velocity : Array, shape (components, ..., nx, ny, nz), or sequence of Array
        Its components, one for each direction; three on a plane give a 3 x 2 tensor.
    grid : Grid
        Directions and discretisation.

    Returns
    -------
    Array, shape (components, directions, ..., nx, ny, nz)
        L.

    Raises
    ------
    TypeError
        If a component holds no numbers.
    ValueError
        If components differ in shape or number, or do not fit the grid.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> import fieldgrad as fg
    >>> import fieldgrad.jax as fj
    >>> x = np.array([0.0, 1.0, 3.0])
    >>> grid = fg.Grid((fg.Axis("x", "x", x), fg.Axis("y", "y", x)))
    >>> X, Y = jnp.meshgrid(x, x, indexing="ij")
    >>> fj.velocity_gradient([2 * X, X * Y], grid)[1, 0, 0]
    Array([0., 1., 3.], dtype=float32)
    """
    return _linear("velocity_gradient", velocity, grid)


def _linear(name: str, velocity: Velocity, grid: Grid) -> Array:
    fields = [_working(field, f"velocity[{number}]") for number, field in enumerate(velocity)]
    operator = adjoint.on_grid(name, grid, [(field.shape, str(field.dtype)) for field in fields])
    return _apply(operator, *fields)[0]
