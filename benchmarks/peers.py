# SPDX-License-Identifier: BSD-3-Clause
"""The same work in other programs, each on arrays of its own kind that hold the same numbers.

Work is "gradient" of a scalar (3 arrays), "velocity_gradient" (L, 9), "decompose" (D and W, 18) and "q_criterion" (1),
all of second order, with edges of second order where the program has them. Axes 0, 1, 2 are x, y, z.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

import fieldgrad as fg

WORK = ("gradient", "velocity_gradient", "decompose", "q_criterion")
Calls = dict[str, Callable[[], Sequence[Any]]]
Gradient = Callable[[Any], Sequence[Any]]


def products(fields: Sequence[Any], gradient: Gradient) -> Any:
    """Q from the nine derivatives, each product written out: the least work."""
    (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = (gradient(field) for field in fields)
    return -0.5 * (ux**2 + vy**2 + wz**2) - uy * vx - uz * wx - vz * wy


def calls(fields: Sequence[Any], gradient: Gradient) -> Calls:
    """All work, by the gradient of a scalar and arithmetic on what it returns."""

    def velocity_gradient() -> list[Any]:
        return [one for field in fields for one in gradient(field)]

    def decompose() -> list[Any]:
        L = velocity_gradient()
        transposed = [L[3 * column + row] for row in range(3) for column in range(3)]
        pairs = list(zip(L, transposed, strict=True))
        return [0.5 * (a + b) for a, b in pairs] + [0.5 * (a - b) for a, b in pairs]

    return {
        "gradient": lambda: gradient(fields[0]),
        "velocity_gradient": velocity_gradient,
        "decompose": decompose,
        "q_criterion": lambda: [products(fields, gradient)],
    }


def numpy(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    return calls(fields, lambda f: np.gradient(f, *nodes, edge_order=2))


def xarray(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    coords = dict(zip("xyz", nodes, strict=True))
    arrays = [xr.DataArray(field, coords, tuple(coords)) for field in fields]
    return calls(arrays, lambda f: [f.differentiate(dim, edge_order=2) for dim in "xyz"])


def torch(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    import torch

    spacing = [torch.from_numpy(x) for x in nodes]
    return calls([torch.from_numpy(f) for f in fields], lambda f: torch.gradient(f, spacing=spacing, edge_order=2))


def findiff(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    from findiff import Diff

    operators = [Diff(axis, x, acc=2) for axis, x in enumerate(nodes)]
    return calls(fields, lambda f: [operator(f) for operator in operators])


def metpy(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    import metpy.calc

    return calls(fields, lambda f: [one.magnitude for one in metpy.calc.gradient(f, coordinates=nodes)])


def jax(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    """Slices and products as one writes them, compiled by JAX in double precision."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    bands = [jnp.asarray(fg.stencils.derivative_stencil(x).matrix()) for x in nodes]

    def difference(f: Any, axis: int) -> Any:
        n, matrix = f.shape[axis], bands[axis]
        inside = jnp.arange(1, n - 1)
        shape = [1] * 3
        shape[axis] = n - 2

        def part(start: int, stop: int) -> Any:
            return jax.lax.slice_in_dim(f, start, stop, axis=axis)

        middle = sum(
            matrix[inside, inside + shift].reshape(shape) * part(1 + shift, n - 1 + shift) for shift in (-1, 0, 1)
        )
        low = sum(matrix[0, i] * part(i, i + 1) for i in range(3))
        high = sum(matrix[n - 1, n - 1 - i] * part(n - 1 - i, n - i) for i in range(3))
        return jnp.concatenate([low, middle, high], axis=axis)

    arrays = [jnp.asarray(field) for field in fields]
    compiled = {
        name: jax.jit(
            lambda *given, name=name: calls(given, lambda f: [difference(f, axis) for axis in range(3)])[name]()
        )
        for name in WORK
    }
    return {
        name: lambda function=function: jax.block_until_ready(function(*arrays)) for name, function in compiled.items()
    }


def vtk(fields: list[np.ndarray], nodes: list[np.ndarray]) -> Calls:
    """VTK's gradient filter, on which PyVista's `compute_derivative` is built; it has no D and W."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkRectilinearGrid
    from vtkmodules.vtkFiltersGeneral import vtkGradientFilter

    shape = fields[0].shape
    grid = vtkRectilinearGrid()
    # VTK's x is the fastest axis, which is z here
    grid.SetDimensions(*shape[::-1])
    for name, x in zip("ZYX", nodes, strict=True):
        getattr(grid, f"Set{name}Coordinates")(numpy_to_vtk(x, deep=True))
    for name, values in (
        ("scalar", fields[0].reshape(-1)),
        ("velocity", np.stack([field.reshape(-1) for field in fields[::-1]], axis=-1)),
    ):
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        grid.GetPointData().AddArray(array)

    def filtered(array: str, result: str) -> Callable[[], list[np.ndarray]]:
        source = vtkGradientFilter()
        source.SetInputData(grid)
        source.SetInputArrayToProcess(0, 0, 0, vtkDataObject.FIELD_ASSOCIATION_POINTS, array)
        if result != "Gradients":
            source.ComputeGradientOff()
            source.ComputeQCriterionOn()

        def run() -> list[np.ndarray]:
            source.Modified()
            source.Update()
            values = vtk_to_numpy(source.GetOutput().GetPointData().GetArray(result))
            return list(values.reshape(*shape, -1).transpose(3, 0, 1, 2)[::-1])

        return run

    return {
        "gradient": filtered("scalar", "Gradients"),
        "velocity_gradient": filtered("velocity", "Gradients"),
        "q_criterion": filtered("velocity", "Q-criterion"),
    }


#: What to call a program, the module that must be there, the distribution that has its version, and its calls.
PEERS: tuple[tuple[str, str, str, Callable[..., Calls]], ...] = (
    ("NumPy, `np.gradient`", "numpy", "numpy", numpy),
    ("xarray, `differentiate`", "xarray", "xarray", xarray),
    ("PyTorch, `torch.gradient`", "torch", "torch", torch),
    ("findiff, `Diff`", "findiff", "findiff", findiff),
    ("MetPy, `gradient`", "metpy", "MetPy", metpy),
    ("VTK, gradient filter (PyVista)", "vtkmodules", "vtk", vtk),
    ("JAX, slices under `jit`", "jax", "jax", jax),
)


def installed() -> tuple[dict[str, Callable[..., Calls]], list[str]]:
    """The programs that are here, by name and version, and the names of those that are not."""
    found, missing = {}, []
    for name, module, distribution, make in PEERS:
        if importlib.util.find_spec(module) is None:
            missing.append(name)
        else:
            program, comma, how = name.partition(",")
            found[f"{program} {importlib.metadata.version(distribution)}{comma}{how}"] = make
    return found, missing
