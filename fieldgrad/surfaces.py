# SPDX-License-Identifier: BSD-3-Clause
"""Surfaces on which a field has one value, found by marching tetrahedra."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Edges of a tetrahedron, its corners in ascending order of the field, that are cut where 1, 2 or 3 corners lie below
# the level; as triangles.
_CUTS = {
    1: [((0, 1), (0, 2), (0, 3))],
    2: [((0, 2), (0, 3), (1, 3)), ((0, 2), (1, 3), (1, 2))],
    3: [((0, 3), (1, 3), (2, 3))],
}


def isosurface(field: NDArray[Any], level: float, nodes: Sequence[NDArray[Any]], *others: NDArray[Any]) -> Array:
    """Triangles of the surface on which a field has a value.

    Parameters
    ----------
    field : ndarray, shape (n0, n1, n2)
        Field; cells with a NaN at a corner are left out.
    level : float
        Its value on the surface.
    nodes : sequence of three ndarrays, shapes (n0,), (n1,), (n2,)
        Coordinates of the three axes, where they are: the spacing need not be uniform.
    *others : ndarray, shape (n0, n1, n2)
        Further fields, to be interpolated on the surface.

    Returns
    -------
    ndarray, shape (triangles, 3, 3 + len(others))
        For each corner its three coordinates in the order of the axes, then the further fields.

    Raises
    ------
    ValueError
        If the field does not have three dimensions, or something has another shape.

    Notes
    -----
    A. Doi and A. Koide, IEICE Transactions E74 (1991) 214-224. Each cell is cut into six tetrahedra along one of its
    diagonals; on each the field is taken as linear. Corners go round so that normals point to larger values.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 21)
    >>> r = np.sqrt(x[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    >>> sphere = isosurface(r, 0.7, (x, x, x))
    >>> bool(abs(np.linalg.norm(sphere, axis=-1) - 0.7).max() < 0.01)
    True
    """
    if field.ndim != 3:
        raise ValueError(f"field: has {field.ndim} dimensions; a surface needs three")
    for name, array, wanted in (
        *((f"nodes[{axis}]", np.asarray(line), field.shape[axis : axis + 1]) for axis, line in enumerate(nodes)),
        *((f"others[{number}]", other, field.shape) for number, other in enumerate(others)),
    ):
        if array.shape != wanted:
            raise ValueError(f"{name}: has shape {array.shape}; it must be {wanted}")
    places = np.meshgrid(*nodes, indexing="ij")
    corners = np.stack([*places, *others, field - level], axis=-1, dtype=np.float64)
    triangles = [np.empty((0, 3, corners.shape[-1] - 1))]
    # six tetrahedra fill a cell: each goes from one end of its diagonal to the other, along the axes in some order
    for order in itertools.permutations(np.eye(3, dtype=int)):
        path = np.cumsum([np.zeros(3, int), *order], axis=0)
        parts = [corners[tuple(map(slice, start, start + field.shape - 1))] for start in path]
        values = np.stack([part[..., -1].ravel() for part in parts], axis=1)
        below = np.where(np.isnan(values).any(axis=1), 0, (values < 0).sum(axis=1))
        cut = np.flatnonzero((below > 0) & (below < 4))
        tetrahedra = np.stack([part.reshape(-1, corners.shape[-1])[cut] for part in parts], axis=1)
        triangles += _faces(tetrahedra, below[cut])
    return np.concatenate(triangles)


def _faces(tetrahedra: Array, below: NDArray[Any]) -> list[Array]:
    """Triangles in tetrahedra, of which so many corners lie below the level."""
    found = []
    for number, faces in _CUTS.items():
        here = tetrahedra[below == number]
        here = np.take_along_axis(here, here[..., -1:].argsort(axis=1), axis=1)
        for face in faces:
            a, b = (here[:, list(ends)] for ends in zip(*face, strict=True))
            triangle = (a + (b - a) * a[..., -1:] / (a[..., -1:] - b[..., -1:]))[..., :-1]
            sides = np.diff(triangle[..., :3], axis=1)
            outward = (np.cross(sides[:, 0], sides[:, 1]) * (here[:, 3, :3] - here[:, 0, :3])).sum(axis=1)
            triangle[outward < 0] = triangle[outward < 0, ::-1]
            found.append(triangle)
    return found
