# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: time to build a graph, its tasks, and the threads scheduler."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import xarray as xr

from . import cases
from .bench_labelled import by_fieldgrad, by_xarray

NAMES = ["velocity_gradient", "q_criterion"]


def build(ds: xr.Dataset, name: str, program: str = "fieldgrad") -> Any:
    """What the calls of a program return; lazy where the dataset is."""
    return (by_xarray(ds) if program == "xarray" else by_fieldgrad(ds))[name]()


class Graphs:
    """Graphs of a thousand chunks."""

    params = (NAMES, ["fieldgrad", "xarray"])
    param_names = ("name", "program")

    def setup(self, name: str, program: str) -> None:
        fields = {name: (("z", "y", "x"), da.zeros((100, 100, 100), chunks=10)) for name in "uvw"}
        self.ds = xr.Dataset(fields, {dim: cases.coordinate(100, seed) for seed, dim in enumerate("zyx")})
        build(self.ds, name, program)

    def time_build(self, name: str, program: str) -> None:
        build(self.ds, name, program)

    def track_tasks_a_chunk(self, name: str, program: str) -> float:
        built = build(self.ds, name, program)
        rows = built if isinstance(built, list) else [[built]]
        tasks = set().union(*(one.__dask_graph__() for row in rows for one in row))
        sources = set().union(*(self.ds[name].__dask_graph__() for name in "uvw"))
        return len(tasks - sources) / 1000

    track_tasks_a_chunk.unit = "tasks"


class Threads:
    """128^3 in chunks on the threads scheduler, and the eager call on the same field."""

    params = (["q_criterion"], ["eager", "chunks of 128^3", "chunks of 64^3", "chunks of 64^3, xarray"])
    param_names = ("name", "call")

    def setup(self, name: str, call: str) -> None:
        self.ds = cases.dataset((128, 128, 128), "float32")
        self.program = "xarray" if call.endswith("xarray") else "fieldgrad"
        if call != "eager":
            self.ds = self.ds.chunk(128 if "128" in call else 64)
        # compile before the clock runs
        self.time_call(name, call)

    def time_call(self, name: str, call: str) -> None:
        with dask.config.set(scheduler="threads"):
            dask.compute(build(self.ds, name, self.program))
