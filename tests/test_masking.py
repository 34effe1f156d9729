# SPDX-License-Identifier: BSD-3-Clause
"""What infer_grid takes for a mask, and what it says of what it does not take."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

da = pytest.importorskip("dask.array")

X, Y = np.arange(5.0), np.arange(4.0)
SEA = np.ones((4, 5), bool)
SEA[1, 2] = False
DS = xr.Dataset(
    {
        "u": (("y", "x"), np.ones((4, 5))),
        "v": (("y", "x"), np.ones((4, 5))),
        "sea": (("y", "x"), SEA),
        "flag": (("y", "x"), SEA.astype("int8")),
        "chc": (("y", "x"), np.where(SEA, 1, -1)),
        "name": (("y", "x"), SEA.astype(str)),
    },
    {"x": X, "y": Y},
)


@pytest.mark.parametrize(
    "mask",
    ["sea", "flag", DS.sea, DS.sea.T, DS.flag.astype(float), SEA, DS.sea.drop_vars(["x", "y"]), DS.chc > 0],
    ids=["name", "0 and 1", "array", "transposed", "float", "ndarray", "no coordinates", "compared"],
)
def test_masks_are_alike_however_they_are_given(mask: Any) -> None:
    found = fg.infer_grid(DS, mask=mask).mask
    assert found is not None
    values = xr.DataArray(found.values, dims=found.dims).transpose("y", "x")
    assert values.dtype == bool
    np.testing.assert_array_equal(values, SEA)
    assert not found.values.flags.writeable


def test_a_mask_is_a_copy() -> None:
    mine = SEA.copy()
    grid = fg.infer_grid(DS, mask=mine)
    mine[...] = False
    assert grid.mask is not None
    np.testing.assert_array_equal(grid.mask.values, SEA)


def test_a_lazy_mask_stays_lazy() -> None:
    for name in ("sea", "flag"):
        mask = fg.infer_grid(DS, mask=DS[name].chunk(x=2)).mask
        assert mask is not None
        assert isinstance(mask.values, da.Array)
        assert mask.values.dtype == bool
        np.testing.assert_array_equal(mask.values.compute(), SEA)
    with pytest.raises(ValueError, match="mask: holds -1"):
        fg.infer_grid(DS, mask=DS.chc.chunk(x=2)).mask.values.compute()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("mask", "kind", "message"),
    [
        ("land", ValueError, "mask: 'land' is no variable of the data, which has 'u', 'v', 'sea'"),
        ("chc", ValueError, "mask: holds -1; it must hold booleans, or 0 and 1: compare it"),
        (DS.sea.where(SEA), ValueError, "mask: holds nan"),
        ("name", TypeError, "mask: has dtype <U5; it must hold booleans"),
        (DS.sea[:, :3], ValueError, "mask: has 3 points along dimension 'x', of which the data have 5"),
        (DS.sea.rename(x="k"), ValueError, "mask: has 5 points along dimension 'k', of which the data have none"),
        (DS.sea.assign_coords(x=X + 1), ValueError, "mask: its coordinate along 'x' differs"),
        (xr.DataArray(True), ValueError, "mask: has no dimensions; it must lie on some of those of the data"),
        (SEA[:3], ValueError, "mask: is an array of shape (3, 5) without names"),
        ([True, False], TypeError, "mask: is a list; pass a boolean array"),
    ],
)
def test_what_is_no_mask(mask: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        fg.infer_grid(DS, mask=mask)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"missing": "skip"}, ValueError, "missing: got 'skip'; it must be 'propagate', 'adapt', 'shrink'"),
        ({"least_accuracy": 1}, ValueError, "least_accuracy: is given, but missing='propagate' changes no stencil"),
        ({"missing": "adapt", "least_accuracy": 3}, ValueError, "least_accuracy: got 3; it must be at least 1 and"),
        ({"missing": "adapt", "least_accuracy": 0}, ValueError, "least_accuracy: got 0"),
        ({"missing": "adapt", "least_accuracy": 1.5}, TypeError, "least_accuracy: got 1.5; it must be an integer"),
    ],
)
def test_what_is_no_rule(options: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        fg.infer_grid(DS, **options)


@pytest.mark.parametrize(("missing", "least"), [("propagate", 1), ("adapt", 1), ("shrink", 2)])
def test_least_accuracies_by_default(missing: str, least: int) -> None:
    grid = fg.infer_grid(DS, mask="sea", missing=missing)
    assert (grid.missing, grid.least_accuracy) == (missing, least)
    assert repr(grid).endswith(f"missing: {missing}, mask: Mask(y 4, x 5)")


def test_a_grid_without_a_mask_does_not_speak_of_it() -> None:
    assert "missing" not in repr(fg.infer_grid(DS))
    assert repr(fg.infer_grid(DS, missing="adapt")).endswith("missing: adapt, mask: none")
