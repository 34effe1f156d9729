# SPDX-License-Identifier: BSD-3-Clause
"""Surfaces of spheres and planes, on axes of any spacing and order."""

from __future__ import annotations

import numpy as np
import pytest

from fieldgrad.surfaces import isosurface

X, Y, Z = np.linspace(-1.2, 1.2, 25), np.sinh(np.linspace(-1, 1, 31)), np.linspace(1.1, -1.1, 28)
PLACES = np.meshgrid(X, Y, Z, indexing="ij")
RADIUS = np.sqrt(sum(place**2 for place in PLACES))


def area_vectors(surface: np.ndarray) -> np.ndarray:
    return np.cross(surface[:, 1, :3] - surface[:, 0, :3], surface[:, 2, :3] - surface[:, 0, :3]) / 2


def test_a_sphere_has_its_area_volume_and_normals() -> None:
    surface = isosurface(RADIUS, 0.8, (X, Y, Z), PLACES[0])
    vectors, centres = area_vectors(surface), surface[..., :3].mean(axis=1)
    assert np.linalg.norm(vectors, axis=1).sum() == pytest.approx(4 * np.pi * 0.8**2, rel=0.02)
    # by Gauss' theorem; it is positive only if normals point outward, to larger values
    assert (vectors * centres).sum() / 3 == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.02)
    np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-12)  # it is closed
    np.testing.assert_allclose(surface[..., 3], surface[..., 0], atol=1e-12)


def test_a_plane_is_exact() -> None:
    surface = isosurface(PLACES[0] + 2 * PLACES[1], 0.3, (X, Y, Z))
    np.testing.assert_allclose(surface[..., 0] + 2 * surface[..., 1], 0.3, atol=1e-12)


def test_shape_2_3_4_keeps_its_axes() -> None:
    nodes = np.array([0.0, 1.0]), np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 2.0, 9.0])
    field = np.broadcast_to(nodes[1][:, None], (2, 3, 4))
    surface = isosurface(field, 3.0, nodes)
    np.testing.assert_allclose(surface[..., 1], 3.0)
    assert np.linalg.norm(area_vectors(surface), axis=1).sum() == pytest.approx(1 * 9)


def test_holes_and_absence() -> None:
    holed = np.where(RADIUS < 0.2, np.nan, RADIUS)
    np.testing.assert_array_equal(isosurface(holed, 0.8, (X, Y, Z)), isosurface(RADIUS, 0.8, (X, Y, Z)))
    assert isosurface(np.full_like(RADIUS, np.nan), 0.8, (X, Y, Z)).shape == (0, 3, 3)
    assert isosurface(RADIUS, 99.0, (X, Y, Z)).shape == (0, 3, 3)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="field: has 2 dimensions"):
        isosurface(RADIUS[0], 1.0, (Y, Z))
    with pytest.raises(ValueError, match=r"nodes\[1\]: has shape \(25,\); it must be \(31,\)"):
        isosurface(RADIUS, 1.0, (X, X, Z))
