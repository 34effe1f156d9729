# SPDX-License-Identifier: BSD-3-Clause
"""Datasets to VTK grids and back, by PyVista (the extra ``vtk``).

VTK lets x run fastest and keeps the components of a vector side by side; datasets here have them in front. What is what
is told by name, never by position.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad.fields import units_of
from fieldgrad.grid import SPATIAL, Grid
from fieldgrad.infer import infer_grid, require_lengths
from fieldgrad.labelled import COMPONENT, DIRECTION

__all__ = ["from_vtk", "to_vtk"]

RECTILINEAR, STRUCTURED = ".vtr", ".vts"
_PLACES = {(COMPONENT,): (3,), (COMPONENT, DIRECTION): (3, 3)}


def to_vtk(ds: xr.Dataset, *, grid: Grid | None = None, structured: bool = False) -> Any:
    """A dataset as a VTK grid, for PyVista or ParaView.

    Parameters
    ----------
    ds : Dataset
        Fields on the directions of the grid; vectors and tensors with the dimensions ``component`` and ``direction``.
        Loaded if it is lazy.
    grid : Grid, optional
        Which dimension is x, y and z, by default ``infer_grid(ds)``.
    structured : bool
        Whether to give a structured grid, which has a position for each point, instead of a rectilinear one.

    Returns
    -------
    pyvista.RectilinearGrid or pyvista.StructuredGrid
        With a point array for each variable: vectors have 3 columns and tensors 9, xx xy xz yx and so on, zero in the
        directions that are not there. Decreasing coordinates are turned round. Units are in ``field_data``, as
        ``units:NAME``.

    Raises
    ------
    ModuleNotFoundError
        If PyVista is not installed.
    ValueError
        If a variable has further dimensions, such as time, or the grid is not Cartesian.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> fg.to_vtk(flow.dataset).dimensions
    (2, 3, 1)
    """
    import pyvista

    grid = infer_grid(ds) if grid is None else grid
    require_lengths(grid)
    if not grid.system.cartesian:
        raise ValueError(
            f"grid: is {grid.system.name}, and positions of VTK are Cartesian; assign coordinates in metres "
            "(obj.assign_coords) and infer the grid with geometry='cartesian'"
        )
    lines = {axis.name: np.sort(axis.nodes) for axis in grid.axes}
    mesh = pyvista.RectilinearGrid(*(lines.get(name, np.zeros(1)) for name in SPATIAL))
    if structured:
        mesh = mesh.cast_to_structured_grid()
    for name, field in ds.data_vars.items():
        if set(grid.dims) & set(field.dims):
            mesh.point_data[str(name)] = _columns(field, grid)
            unit = units_of(field)
            if unit is not None:
                mesh.add_field_data([unit], f"units:{name}")
    return mesh


def _columns(field: xr.DataArray, grid: Grid) -> Any:
    """Values with x running fastest, and a column for each component."""
    extra = tuple(str(dim) for dim in field.dims if dim not in grid.dims)
    known = tuple(sorted(extra))
    if known not in _PLACES and known:
        odd = [dim for dim in extra if dim not in (COMPONENT, DIRECTION)]
        raise ValueError(
            f"ds: {field.name!r} has the dimension {(odd or extra)[0]!r}, which VTK has no place for; select one of it "
            f"(ds.isel({(odd or extra)[0]}=0))"
        )
    lacking = [axis.dim for axis in grid.axes if axis.dim not in field.dims]
    for axis in grid.axes:
        if axis.dim not in lacking and axis.nodes[0] > axis.nodes[-1]:
            field = field.isel({axis.dim: np.s_[::-1]})
    field = field.expand_dims({axis.dim: len(axis) for axis in grid.axes if axis.dim in lacking})
    dims = [axis.dim for axis in grid.axes][::-1]  # z, y, x
    # one column for all components that are there, then each to its place
    values = field.transpose(*dims, *known).values
    values = values.reshape(int(np.prod(values.shape[: len(dims)])), -1)
    if not known:
        return values[:, 0]
    labels = [[SPATIAL.index(str(one)) for one in field[dim].values] for dim in known]
    places = np.ravel_multi_index(np.ix_(*labels), _PLACES[known]).ravel()
    whole = np.zeros((len(values), int(np.prod(_PLACES[known]))), values.dtype)
    whole[:, places] = values
    return whole


def from_vtk(mesh: Any, *, cells: bool = False) -> xr.Dataset:
    """A rectilinear VTK grid as a dataset.

    Parameters
    ----------
    mesh : pyvista.RectilinearGrid, pyvista.StructuredGrid, pyvista.ImageData, str or Path
        Grid, or the name of a file that PyVista reads (.vtr, .vts, .vti, .vtk).
    cells : bool
        Whether to take the data of cells, at their centres, instead of those of points.

    Returns
    -------
    Dataset, dims (z, y, x)
        A variable for each array: those of 3 columns have the dimension ``component`` in front, those of 9 columns
        ``component`` and ``direction``, both labelled. Units come from ``field_data``, where :func:`to_vtk` put them.

    Raises
    ------
    ModuleNotFoundError
        If PyVista is not installed.
    TypeError
        If it is another kind of grid.
    ValueError
        If the lines of a structured grid are not straight and parallel to x, y and z.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0], [0.0, 0.25, 1.0], wall_velocity=3.0).dataset
    >>> back = fg.from_vtk(fg.to_vtk(flow))
    >>> back.u.dims, bool((back.u.isel(z=0) == flow.u).all())
    (('z', 'y', 'x'), True)
    """
    import pyvista

    if isinstance(mesh, str | Path):
        mesh = pyvista.read(mesh)
    if isinstance(mesh, pyvista.StructuredGrid):
        lines = _lines(mesh)
    elif isinstance(mesh, pyvista.RectilinearGrid):
        lines = [np.asarray(line) for line in (mesh.x, mesh.y, mesh.z)]
    elif isinstance(mesh, pyvista.ImageData):
        lines = [
            start + step * np.arange(count)
            for start, step, count in zip(mesh.origin, mesh.spacing, mesh.dimensions, strict=True)
        ]
    else:
        raise TypeError(
            f"mesh: is a {type(mesh).__name__}; only rectilinear, structured and image grids are understood, for "
            "unstructured ones take VTK's own filters"
        )
    if cells:
        lines = [(line[1:] + line[:-1]) / 2 if len(line) > 1 else line for line in lines]
    shape = tuple(len(line) for line in lines[::-1])
    coords: dict[str, Any] = dict(zip(SPATIAL, lines, strict=True))
    fields: dict[str, xr.DataArray] = {}
    for name, array in (mesh.cell_data if cells else mesh.point_data).items():
        values = np.asarray(array)
        extra = {(): (), (3,): (COMPONENT,), (9,): (COMPONENT, DIRECTION)}.get(values.shape[1:])
        if extra is None:
            continue  # colours, texture coordinates and the like
        values = values.reshape(*shape, *(3 for _ in extra))
        labels = {dim: list(SPATIAL) for dim in extra}
        field = xr.DataArray(values, coords | labels, ("z", "y", "x", *extra)).transpose(*extra, ...)
        unit = mesh.field_data.get(f"units:{name}")
        # an array called like an axis is no coordinate
        key = f"{name}_" if name in coords else str(name)
        fields[key] = field if unit is None else field.assign_attrs(units=str(unit[0]))
    return xr.Dataset(fields, coords)


def _lines(mesh: Any) -> list[Any]:
    """The coordinates of a structured grid that is rectilinear."""
    places = np.asarray(mesh.points).reshape(*mesh.dimensions[::-1], 3)
    lines = [places[0, 0, :, 0], places[0, :, 0, 1], places[:, 0, 0, 2]]
    z, y, x = np.meshgrid(*lines[::-1], indexing="ij")
    size = float(np.ptp(places, axis=(0, 1, 2)).max())
    if np.abs(places - np.stack([x, y, z], axis=-1)).max() > 1e-6 * size:
        raise ValueError(
            "mesh: its lines are not straight and parallel to x, y and z; sample it on a rectilinear grid first "
            "(pyvista.RectilinearGrid(x, y, z).sample(mesh))"
        )
    return lines
