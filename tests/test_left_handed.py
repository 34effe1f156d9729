# SPDX-License-Identifier: BSD-3-Clause
"""Axes that point down: pseudo-vectors and pseudo-scalars have the sign of the physical space."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

RNG = np.random.default_rng(99)


def upright() -> xr.Dataset:
    coords = {"z": np.arange(5.0), "y": np.cumsum(RNG.uniform(0.5, 1.5, 6)), "x": np.arange(7.0)}
    return xr.Dataset({name: (("z", "y", "x"), RNG.normal(size=(5, 6, 7))) for name in "uvw"}, coords)


def seen_down(ds: xr.Dataset, dim: str, name: str, attrs: dict[str, str]) -> xr.Dataset:
    """The same flow, with an axis and the component along it turned around; rows stay in their order."""
    return ds.assign({name: -ds[name]}).assign_coords({dim: (dim, -ds[dim].values, attrs)})


def test_curl_has_the_sign_of_the_physical_plane() -> None:
    plane = upright()[["u", "v"]].isel(z=0, drop=True)
    image = seen_down(plane, "y", "v", {"positive": "down"})
    grid = fg.infer_grid(image)
    assert grid.left_handed
    np.testing.assert_array_equal(fg.curl(image), fg.curl(plane))
    np.testing.assert_array_equal(fg.curl(image.chunk(y=2)), fg.curl(plane))
    np.testing.assert_array_equal(fg.curl(image.drop_attrs()), -fg.curl(plane))
    names = ["residual_vorticity", "okubo_weiss"]
    xr.testing.assert_allclose(
        fg.derive(image, names).drop_vars("y"), fg.derive(plane, names).drop_vars("y"), rtol=1e-12
    )
    np.testing.assert_array_equal(
        fg.velocity_gradient(image).sel(component="x", direction="y"),
        -fg.velocity_gradient(plane).sel(component="x", direction="y"),
    )


def test_pseudo_vectors_and_pseudo_scalars_in_space() -> None:
    ds = upright()
    image = seen_down(ds, "y", "v", {"positive": "down"})
    mirrored = fg.curl(image) * xr.DataArray([1.0, -1.0, 1.0], dims="component")
    np.testing.assert_array_equal(mirrored, fg.curl(ds))
    for function in (fg.helicity, fg.relative_helicity):
        np.testing.assert_allclose(function(image), function(ds), rtol=0, atol=1e-14)
    there, here = (fg.derive(one, "q_criterion").q_criterion for one in (image, ds))
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-14)


def test_two_axes_that_point_down_are_right_handed() -> None:
    image = seen_down(seen_down(upright(), "y", "v", {"positive": "down"}), "z", "w", {})
    grid = fg.infer_grid(image, positive={"z": "down"})
    assert not grid.left_handed
    assert [axis.down for axis in grid.axes] == [False, True, True]


def test_argument_overrides_the_attribute() -> None:
    image = seen_down(upright(), "y", "v", {"positive": "down"})
    assert not fg.infer_grid(image, positive={"y": "up"}).left_handed
    assert fg.infer_grid(upright(), positive={"y": "down"}).left_handed


def test_depths_are_refused_unless_told() -> None:
    """The velocity along a depth mostly points up: nothing tells the sign of its derivative."""
    depth = seen_down(upright(), "z", "w", {"positive": "down"})
    with pytest.raises(ValueError, match=r"is positive down.*infer_grid\(obj, positive=\{'z': 'down'\}\)"):
        fg.curl(depth)
    told = fg.curl(depth, grid=fg.infer_grid(depth, positive={"z": "down"}))
    mirrored = told * xr.DataArray([1.0, 1.0, -1.0], dims="component")
    np.testing.assert_array_equal(mirrored, fg.curl(upright_like(depth)))


def upright_like(depth: xr.Dataset) -> xr.Dataset:
    return depth.assign(w=-depth.w).assign_coords(z=-depth.z.drop_attrs())


def test_repr_says_so() -> None:
    lines = repr(fg.infer_grid(upright(), positive={"y": "down"})).splitlines()
    assert lines[-2:] == ["'y': points down", "the axes are left-handed"]


@pytest.mark.parametrize(
    ("positive", "kind", "message"),
    [
        ("down", TypeError, "must map dimensions to 'up' or 'down'"),
        ({"y": "left"}, ValueError, "dimension 'y' has 'left'; it must be 'up' or 'down'"),
        ({"q": "down"}, ValueError, "'q' is no dimension or direction"),
    ],
)
def test_messages(positive: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=f"positive: .*{message}"):
        fg.infer_grid(upright(), positive=positive)
