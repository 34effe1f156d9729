# SPDX-License-Identifier: BSD-3-Clause
"""PIV in a cavity, of which 263 of 1763 vectors are flagged: derivatives from the others alone."""

from __future__ import annotations

from pathlib import Path

import hole_oracle
import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg


@pytest.fixture(scope="module")
def flow(data_dir: Path) -> xr.Dataset:
    """Displacements on a grid of 32 pixels; the column CHC is negative for rejected vectors."""
    path = data_dir / "piv" / "cavity_day2.vec"
    x, y, u, v, choice = np.loadtxt(path, skiprows=1, delimiter=",", unpack=True)
    rows, columns = np.unique(y), np.unique(x)
    # the file runs down the image
    fields = {name: (("y", "x"), a.reshape(43, 41)[::-1]) for name, a in (("u", u), ("v", v), ("chc", choice))}
    np.testing.assert_array_equal(y.reshape(43, 41)[::-1, 0], rows)
    return xr.Dataset(fields, {"x": columns, "y": rows})


def test_flags(flow: xr.Dataset) -> None:
    assert int((flow.chc <= 0).sum()) == 263
    with pytest.raises(ValueError, match=r"mask: holds -[12]\.0; .*compare it"):
        fg.infer_grid(flow, mask="chc")


@pytest.mark.parametrize("missing", ["adapt", "shrink", "propagate"])
def test_vorticity_is_that_of_the_valid_vectors(flow: xr.Dataset, missing: str) -> None:
    valid = flow.chc > 0
    grid = fg.infer_grid(flow, mask=valid, missing=missing)
    found = fg.derive(flow, "vorticity", grid=grid).vorticity
    wanted = np.empty(flow.u.shape)
    scale = np.empty(flow.u.shape)
    free = valid.values
    for j in range(43):
        wanted[j], scale[j], _ = hole_oracle.derivative(
            flow.v.values[j], list(flow.x.values), list(free[j]), 1, 2, None, missing, grid.least_accuracy
        )
    for i in range(41):
        value, size, _ = hole_oracle.derivative(
            flow.u.values[:, i], list(flow.y.values), list(free[:, i]), 1, 2, None, missing, grid.least_accuracy
        )
        wanted[:, i] -= value
        scale[:, i] += size
    np.testing.assert_array_equal(found.isnull(), np.isnan(wanted))
    there = ~np.isnan(wanted)
    assert (abs(found.values - wanted)[there] <= 1e-13 * scale[there] + 1e-18).all()
    lost = int((found.isnull() & valid).sum())
    if missing == "adapt":
        assert lost < 25
    else:
        assert lost > 200


def test_rejected_vectors_do_not_matter(flow: xr.Dataset) -> None:
    valid = flow.chc > 0
    grid = fg.infer_grid(flow, mask=valid, missing="adapt")
    names = ["vorticity", "q_criterion", "divergence"]
    found = fg.derive(flow, names, grid=grid)
    xr.testing.assert_identical(fg.derive(flow.where(valid, 1e300), names, grid=grid), found)
    plain = fg.infer_grid(flow, missing="adapt")
    # the description of the grid tells the two apart
    xr.testing.assert_equal(fg.derive(flow[["u", "v"]].where(valid), names, grid=plain), found)
