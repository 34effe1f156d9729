# SPDX-License-Identifier: BSD-3-Clause
"""The operators on tensors of PyTorch, with autograd.

:func:`gradient` is a drop-in for :func:`torch.gradient`. The others take a :class:`~fieldgrad.Grid`, whose directions
x, y, z run along the last dimensions of a field, in that order, unless ``dim=`` says along which; dimensions before
them are batches. Components come first: a velocity has shape ``(components, ..., nx, ny, nz)``, or is a sequence of
tensors, and L has shape ``(components, directions, ..., nx, ny, nz)``.

All of these are linear, and what flows back through them is the same engine with transposed tables, on the memory of
the tensors themselves: nothing is copied between PyTorch and NumPy. Derivatives of any order can be taken, and
:func:`torch.func.vjp`, :func:`torch.func.jvp` and :func:`torch.vmap` work. The quantities of :func:`derive` are
functions of L made of PyTorch's own operations. Tensors must be on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch

from fieldgrad import adjoint
from fieldgrad.grid import SPATIAL, Grid, table
from fieldgrad.operators import Frame
from fieldgrad.torch_quantities import FORMULAS, Gradient

__all__ = ["curl", "decompose", "derive", "divergence", "gradient", "laplacian", "velocity_gradient"]

Tensor: TypeAlias = torch.Tensor
Velocity: TypeAlias = Tensor | Sequence[Tensor]
Dims = int | Sequence[int] | None

_WORKING = (torch.float32, torch.float64, torch.complex64, torch.complex128)


class _Apply(torch.autograd.Function):
    """A linear operator on fields, whose derivative is its adjoint, and the other way round."""

    @staticmethod
    def forward(operator: adjoint.Linear, *fields: Tensor) -> Any:
        results = operator.apply([_array(field) for field in fields])
        return tuple(torch.from_numpy(result) for result in results)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.operator = inputs[0]

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> Any:
        return None, *_Apply.apply(ctx.operator.adjoint, *cotangents)

    @staticmethod
    def jvp(ctx: Any, operator: None, *tangents: Tensor) -> Any:
        return _Apply.apply(ctx.operator, *tangents)

    @staticmethod
    def vmap(info: Any, in_dims: Any, operator: adjoint.Linear, *fields: Tensor) -> Any:
        # axes count from the end: a batch is one more dimension of the fields, behind those of the components
        before, after = operator.ranks
        size = info.batch_size
        batched = [
            field.unsqueeze(before).expand(*field.shape[:before], size, *field.shape[before:])
            if dim is None
            else field.movedim(dim, before)
            for field, dim in zip(fields, in_dims[1:], strict=True)
        ]
        results = _Apply.apply(operator, *batched)
        return results, (after,) * len(results)


def _array(field: Tensor) -> Any:
    """The memory of a tensor."""
    return field.detach().resolve_conj().resolve_neg().numpy()


def gradient(
    input: Tensor,
    *,
    spacing: Any = 1,
    dim: Dims = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """Gradient of a tensor: a drop-in for :func:`torch.gradient`, many times faster, forth and back.

    Parameters
    ----------
    input : Tensor
        Values.
    spacing : number, list of numbers, or list of Tensor
        Spacing of all dimensions or of each, or for each the positions of its points.
    dim : int or list of int, optional
        Dimensions along which to differentiate, by default all.
    edge_order : {1, 2}
        Order of accuracy at the edges.

    Returns
    -------
    tuple of Tensor
        For each dimension the derivative, in the dtype in which torch.gradient gives it. float16 and bfloat16 are
        computed in float32.

    Raises
    ------
    TypeError, RuntimeError, IndexError
        As torch.gradient: the errors are its own.
    ValueError
        Where torch.gradient gives infinities, since two points lie at one position or a spacing is zero; or where the
        result would be wrong: for tensors that are not on the CPU, positions that require a gradient, or a complex
        spacing.

    Notes
    -----
    Second order inside on any spacing, by the weights of :func:`torch.gradient`. A tensor in `spacing` is a constant:
    no derivative with respect to it is taken.

    Examples
    --------
    >>> import torch
    >>> import fieldgrad.torch as ft
    >>> x = torch.tensor([0.0, 1.0, 1.5, 3.5, 4.0])
    >>> f = (x**2).requires_grad_()
    >>> (slope,) = ft.gradient(f, spacing=(x,), edge_order=2)
    >>> slope.detach().round(decimals=4) + 0.0
    tensor([0., 2., 3., 7., 8.])
    >>> torch.autograd.grad(slope.sum(), f)
    (tensor([-2.0000,  0.4000,  1.5000, -3.9000,  4.0000]),)
    """
    try:
        dims, positions, dtypes = _understood(input, spacing, dim, edge_order)
    except _Refused as refused:
        defaults = {"spacing": 1, "dim": None, "edge_order": 1}
        given = {"spacing": spacing, "dim": dim, "edge_order": edge_order}
        torch.gradient(input, **{name: value for name, value in given.items() if value is not defaults[name]})
        raise ValueError(str(refused)) from None
    if not dims:
        return ()
    wide = dtypes[0]
    for dtype in dtypes:
        wide = torch.promote_types(wide, dtype)
    working = wide if wide in _WORKING else torch.float32
    field = input.to(working)
    results: list[Tensor] = []
    for start in range(0, len(dims), 3):
        part = slice(start, start + 3)
        stencils = tuple(table(nodes, 1, 2, edge_accuracy=edge_order) for nodes in positions[part])
        axes = tuple(one - input.ndim for one in dims[part])
        frame = Frame(SPATIAL[: len(axes)], axes, stencils)
        results += _Apply.apply(adjoint.Linear("gradient", frame), field)
    return tuple(result.to(dtype) for result, dtype in zip(results, dtypes, strict=True))


class _Refused(Exception):
    """What torch.gradient refuses, or what it should."""


def _understood(input: Any, spacing: Any, dim: Dims, edge_order: int) -> tuple[list[int], list[Any], list[torch.dtype]]:
    """Dimensions that are not negative, positions along each, and dtype of each result."""
    if not isinstance(input, torch.Tensor) or edge_order not in (1, 2):
        raise _Refused("input: must be a tensor, and edge_order 1 or 2")
    if input.dtype in (torch.uint8, torch.bool):
        raise _Refused(f"input: has dtype {input.dtype}, which is not differentiated")
    _require_cpu(input, "input")
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if any(not isinstance(one, int) or not -input.ndim <= one < input.ndim for one in dims):
        raise _Refused(f"dim: {dim} is out of range")
    dims = [one % input.ndim for one in dims]
    if len(set(dims)) < len(dims) or any(input.shape[one] < edge_order + 1 for one in dims):
        raise _Refused(f"dim: {dim} names a dimension twice, or one with less than {edge_order + 1} points")
    floating = input.dtype.is_floating_point or input.dtype.is_complex
    own = input.dtype if floating else torch.get_default_dtype()
    given = [spacing] * len(dims) if _is_number(spacing) else spacing
    if not isinstance(given, list | tuple) or len(given) != len(dims):
        raise _Refused(f"spacing: must be a number, or a list of {len(dims)} numbers or tensors")
    if any(_is_number(one) for one in given) and not all(_is_number(one) for one in given):
        raise _Refused("spacing: holds numbers and tensors")
    positions, dtypes = [], []
    for one, distance in zip(dims, given, strict=True):
        nodes, dtype = _positions(distance, input.shape[one], own)
        positions.append(nodes)
        dtypes.append(dtype)
    return dims, positions, dtypes


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex) or (isinstance(value, torch.Tensor) and value.ndim == 0)


def _positions(distance: Any, points: int, own: torch.dtype) -> tuple[Any, torch.dtype]:
    if _is_number(distance):
        step = complex(distance)
        if step.imag or step.real == 0 or not np.isfinite(step.real):
            raise _Refused(f"spacing: is {distance}; it must be real, finite and not zero")
        return np.arange(points, dtype=np.float64) * step.real, own
    if not isinstance(distance, torch.Tensor) or distance.ndim != 1 or len(distance) != points or distance.is_complex():
        raise _Refused(f"spacing: must be a tensor of the {points} positions along each dimension")
    _require_cpu(distance, "spacing")
    if distance.requires_grad:
        raise ValueError("spacing: requires a gradient, but positions are constants here; detach them")
    nodes = np.array(distance.tolist(), np.float64)  # the only way that works inside of torch.func too
    if len(np.unique(nodes)) < points or not np.isfinite(nodes).all():
        raise _Refused("spacing: two points lie at one position, or one is not finite")
    return nodes, torch.promote_types(own, distance.dtype if distance.dtype.is_floating_point else torch.float32)


def _require_cpu(tensor: Tensor, name: str) -> None:
    if tensor.device.type != "cpu" or tensor.layout != torch.strided:
        raise ValueError(
            f"{name}: lies on device {tensor.device} as {tensor.layout}; pass a dense tensor on the CPU "
            f"({name}.cpu().to_dense())"
        )


# With a grid.


def laplacian(f: Tensor, grid: Grid, *, dim: Dims = None) -> Tensor:
    """Laplacian of a scalar, by second derivatives on compact stencils.

    Parameters
    ----------
    f : Tensor, shape (..., nx, ny, nz)
        Field, on one to three directions.
    grid : Grid
        Directions and discretisation.
    dim : int or sequence of int, optional
        Dimensions that run along x, y, z.

    Returns
    -------
    Tensor
        f_xx + f_yy + f_zz, of the shape of `f`.

    Raises
    ------
    TypeError, ValueError
        If the field is not a tensor of floating numbers on the CPU, or does not fit the grid.

    Examples
    --------
    >>> import torch
    >>> import fieldgrad as fg
    >>> import fieldgrad.torch as ft
    >>> x = torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)
    >>> grid = fg.Grid((fg.Axis("x", "x", x.numpy()),))
    >>> ft.laplacian(x**2, grid).round(decimals=9)
    tensor([2., 2., 2., 2.], dtype=torch.float64)
    """
    return _linear("laplacian", [f], grid, dim)


def divergence(velocity: Velocity, grid: Grid, *, dim: Dims = None) -> Tensor:
    """Divergence of a vector field, the trace of its gradient.

    Parameters
    ----------
    velocity : Tensor, shape (components, ..., nx, ny, nz), or sequence of Tensor
        Its components, one for each direction.
    grid : Grid
        Directions and discretisation.
    dim : int or sequence of int, optional
        Dimensions of a component that run along x, y, z.

    Returns
    -------
    Tensor, shape (..., nx, ny, nz)
        u_x + v_y + w_z.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.

    Examples
    --------
    >>> import torch
    >>> import fieldgrad as fg
    >>> import fieldgrad.torch as ft
    >>> x = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    >>> axes = (fg.Axis("x", "x", x.numpy()), fg.Axis("y", "y", x.numpy()))
    >>> X, Y = torch.meshgrid(x, x, indexing="ij")
    >>> ft.divergence([2 * X, Y], fg.Grid(axes))[0].round(decimals=9)
    tensor([3., 3., 3.], dtype=torch.float64)
    """
    return _linear("divergence", velocity, grid, dim)


def curl(velocity: Velocity, grid: Grid, *, dim: Dims = None) -> Tensor:
    """Curl of a vector field.

    Parameters
    ----------
    velocity : Tensor, shape (components, ..., nx, ny, nz), or sequence of Tensor
        Its components, one for each direction.
    grid : Grid
        Directions and discretisation, two or three.
    dim : int or sequence of int, optional
        Dimensions of a component that run along x, y, z.

    Returns
    -------
    Tensor, shape (3, ..., nx, ny, nz), and (..., nx, ny) in a plane
        (w_y - v_z, u_z - w_x, v_x - u_y); in a plane the component along its normal.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.
    """
    return _linear("vorticity", velocity, grid, dim)


def velocity_gradient(velocity: Velocity, grid: Grid, *, dim: Dims = None) -> Tensor:
    """Velocity-gradient tensor L_ij = du_i/dx_j.

    Parameters
    ----------
    velocity : Tensor, shape (components, ..., nx, ny, nz), or sequence of Tensor
        Its components, one for each direction; three on a plane give a 3 x 2 tensor.
    grid : Grid
        Directions and discretisation.
    dim : int or sequence of int, optional
        Dimensions of a component that run along x, y, z.

    Returns
    -------
    Tensor, shape (components, directions, ..., nx, ny, nz)
        L.

    Raises
    ------
    TypeError
        If a component is not a tensor of floating numbers.
    ValueError
        If components differ in shape, dtype or number, are not on the CPU, or do not fit the grid.
    """
    return _linear("velocity_gradient", velocity, grid, dim)


def decompose(velocity: Velocity, grid: Grid, *, dim: Dims = None) -> tuple[Tensor, Tensor]:
    """Rate of deformation D and spin W: the symmetric and the antisymmetric part of L.

    Parameters
    ----------
    velocity : Tensor, shape (components, ..., nx, ny, nz), or sequence of Tensor
        Its components, one for each direction.
    grid : Grid
        Directions and discretisation.
    dim : int or sequence of int, optional
        Dimensions of a component that run along x, y, z.

    Returns
    -------
    D, W : Tensor, shape (components, directions, ..., nx, ny, nz)
        D = (L + L^T)/2 and W = (L - L^T)/2.

    Raises
    ------
    TypeError, ValueError
        As :func:`velocity_gradient`.
    """
    return _linear("deformation_rate", velocity, grid, dim), _linear("spin", velocity, grid, dim)


def derive(
    velocity: Velocity, quantities: str | Sequence[str], grid: Grid, *, dim: Dims = None, **parameters: Any
) -> dict[str, Tensor]:
    """Quantities of a flow that are algebraic in L, through PyTorch's own operations on it.

    Parameters
    ----------
    velocity : Tensor, shape (components, ..., nx, ny, nz), or sequence of Tensor
        Its components, one for each direction.
    quantities : str or sequence of str
        Names, as :func:`fieldgrad.derive` takes them; those of eigenvalues are not among them.
    grid : Grid
        Directions and discretisation, two or three.
    dim : int or sequence of int, optional
        Dimensions of a component that run along x, y, z.
    **parameters : float or Tensor
        Parameters of the quantities, such as ``viscosity``.

    Returns
    -------
    dict of str to Tensor
        Dimensions of components first, then those of a component of the velocity.

    Raises
    ------
    TypeError
        If a parameter is missing or unknown.
    ValueError
        If a quantity is not known or not defined in such a flow, or as :func:`velocity_gradient`.

    Examples
    --------
    >>> import torch
    >>> import fieldgrad as fg
    >>> import fieldgrad.torch as ft
    >>> x = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    >>> grid = fg.Grid((fg.Axis("x", "x", x.numpy()), fg.Axis("y", "y", x.numpy())))
    >>> X, Y = torch.meshgrid(x, x, indexing="ij")
    >>> ft.derive([-Y, X], "q_criterion", grid)["q_criterion"][0].round(decimals=9)
    tensor([1., 1., 1.], dtype=torch.float64)
    """
    names = [quantities] if isinstance(quantities, str) else list(quantities)
    used: set[str] = set()
    for name in names:
        if name not in FORMULAS:
            raise ValueError(f"quantities: {name!r} has no formula in PyTorch; there are {', '.join(FORMULAS)}")
        formula = FORMULAS[name]
        used |= set(formula.parameters)
        if len(grid.axes) not in formula.dimensions:
            raise ValueError(f"quantities: {name!r} is not defined in a flow of {len(grid.axes)} directions")
    if used != parameters.keys():
        listed = ", ".join(sorted(used)) or "none"
        raise TypeError(f"parameters: got {', '.join(parameters) or 'none'}; these quantities take {listed}")
    L = velocity_gradient(velocity, grid, dim=dim)
    if len(L) != len(grid.axes):
        raise ValueError(
            "velocity: has three components on a plane, so that derivatives across it are unknown; pass two"
        )
    # a plane x-z is seen from the tip of y, where x follows z
    turned = grid.left_handed != (grid.names == ("x", "z"))
    g, results = Gradient(L), {}
    for name in names:
        formula = FORMULAS[name]
        value = formula.function(g, *(parameters[one] for one in formula.parameters))
        results[name] = -value if turned and formula.axial else value
    return results


def _linear(name: str, fields: Velocity, grid: Grid, dim: Dims) -> Tensor:
    for number, field in enumerate(fields):
        called = "f" if name == "laplacian" else f"velocity[{number}]"
        if not isinstance(field, torch.Tensor):
            raise TypeError(f"{called}: is a {type(field).__name__}; pass a torch.Tensor")
        if field.dtype not in _WORKING:
            raise TypeError(f"{called}: has dtype {field.dtype}; convert it to float32 or float64")
        _require_cpu(field, called)
    operator = adjoint.on_grid(name, grid, [(tuple(field.shape), str(field.dtype)) for field in fields], dim)
    result: Tensor = _Apply.apply(operator, *fields)[0]
    return result
