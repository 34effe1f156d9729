# SPDX-License-Identifier: BSD-3-Clause
"""Whole labelled calls with fresh output: their overhead, and their memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

import fieldgrad as fg

from . import cases, peers


def by_fieldgrad(ds: xr.Dataset, **grid: Any) -> dict[str, Callable[[], Any]]:
    return {
        "derivative": lambda: fg.derivative(ds.u, "x", **grid),
        "velocity_gradient": lambda: fg.velocity_gradient(ds, **grid),
        "q_criterion": lambda: fg.derive(ds, "q_criterion", **grid),
    }


def by_xarray(ds: xr.Dataset) -> dict[str, Callable[[], Any]]:
    """Derivatives, and arithmetic on them; Q in space only."""
    fields = list(ds.data_vars.values())

    def gradient(f: xr.DataArray) -> list[xr.DataArray]:
        return [f.differentiate(dim, edge_order=2) for dim in f.dims[::-1]]

    calls: dict[str, Callable[[], Any]] = {
        "derivative": lambda: ds.u.differentiate("x", edge_order=2),
        "velocity_gradient": lambda: [gradient(field) for field in fields],
    }
    if len(fields) == 3:
        calls["q_criterion"] = lambda: peers.products(fields, gradient)
    return calls


class _Labelled:
    param_names = ("work", "shape", "program")

    def setup(self, work: str, shape: str, program: str) -> None:
        size, count = (int(part) for part in shape.split("^"))
        ds = cases.dataset((size,) * count)
        calls = by_xarray(ds) if program == "xarray" else by_fieldgrad(ds)
        if program == "fieldgrad, grid=":
            calls = by_fieldgrad(ds, grid=fg.infer_grid(ds))
        if work not in calls:
            raise NotImplementedError(f"{work} of {shape} by {program}")
        self.call = calls[work]
        # compile before the clock runs
        self.call()


class Labelled(_Labelled):
    """Overhead: calls on small datasets whose grid is found in the call, or once before it; xarray beside them."""

    params = (
        ["derivative", "q_criterion"],
        ["16^3", "64^2"],
        ["fieldgrad", "fieldgrad, grid=", "xarray"],
    )

    def time_call(self, work: str, shape: str, program: str) -> None:
        self.call()


class LabelledMemory(_Labelled):
    """Peak memory of the process: Python, the libraries and the field are in it."""

    params = (["velocity_gradient", "q_criterion"], ["128^3"], ["fieldgrad", "xarray"])

    def peakmem_call(self, work: str, shape: str, program: str) -> None:
        self.call()
