# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration: what it computes is right, and what it writes can be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from fieldgrad import cli, demo
from fieldgrad.files import OutputProblem

SIZE = 32


@pytest.fixture(scope="module", name="result")
def _result() -> demo.Demo:
    return demo.compute(SIZE, 4)


def test_quantities_agree_with_the_exact_ones(result: demo.Demo) -> None:
    names = ["velocity_gradient", "deformation_rate", "spin", "vorticity", "divergence", "q_criterion"]
    assert [check.name for check in result.checks] == names
    for check in result.checks:
        assert 0 < check.error < 1e-3
        assert check.first > 0
        assert check.later > 0
    # u_x = cos x cos y cos z and Q reach 1, w_z = -2 sin x sin y cos z reaches 2
    largest = {check.name: check.largest for check in result.checks}
    assert largest["velocity_gradient"] == pytest.approx(1.0)
    assert largest["vorticity"] == pytest.approx(2.0, rel=0.01)
    assert largest["divergence"] == 0.0
    assert result.residual <= 2 * np.finfo(float).eps


def test_error_falls_at_the_order_asked_for(result: demo.Demo) -> None:
    *ours, numpy = result.orders
    for accuracy, order in zip((2, 4, 6, 8), ours, strict=True):
        assert order.order > 0.85 * accuracy  # from 16 to 32 points
    assert [o.error for o in ours] == sorted((o.error for o in ours), reverse=True)
    assert numpy.label == "numpy.gradient"
    # one-sided edges, where the axis is periodic
    assert numpy.error >= 0.99 * ours[0].error


def test_files(result: demo.Demo, tmp_path: Path) -> None:
    for _ in range(2):  # the second time they are replaced
        table, picture = demo.write(result, tmp_path / "new" / "folder")
    assert sorted(os.listdir(table.parent)) == ["fieldgrad-demo.nc", "fieldgrad-demo.png"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    with xr.open_dataset(table, engine="netcdf4") as ds:
        assert {"u", "v", "w", "velocity_gradient", "deformation_rate", "spin", "q_criterion"} <= set(ds)
        L, D, W = ds.velocity_gradient, ds.deformation_rate, ds.spin
        np.testing.assert_allclose(D + W, L, atol=1e-6)
        assert ds.velocity_gradient.attrs["fieldgrad_definition"] == "L_ij = du_i/dx_j"


def test_output_that_cannot_be_made(result: demo.Demo, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputProblem, match="cannot be made"):
        demo.write(result, tmp_path / "file" / "folder")


def test_command(capsys: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.main(["demo", "--size", str(SIZE)]) == 0
    out, err = capsys.readouterr()
    for word in (
        "velocity_gradient",
        "spin",
        "accuracy 8",
        "numpy.gradient",
        "L = D + W",
        "fieldgrad-demo.nc",
    ):
        assert word in out
    assert err == ""
    assert cli.main(["info", "fieldgrad-demo.nc"]) == 0
    assert "Velocity: u along x, v along y, w along z" in capsys.readouterr().out
    for wrong in (["--size", "8"], ["--accuracy", "5"]):
        assert cli.main(["demo", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
