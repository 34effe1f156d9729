# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: time to build a graph, its tasks, and the threads scheduler."""

from __future__ import annotations

import dask
import dask.array as da
import xarray as xr

import fieldgrad as fg

from . import cases

NAMES = ["velocity_gradient", "q_criterion", "vorticity,q_criterion,lambda2,dissipation"]


def build(ds: xr.Dataset, names: str) -> xr.Dataset:
    given = {"viscosity": 1e-3} if "dissipation" in names else {}
    return fg.derive(ds, names.split(","), **given)


class Graphs:
    """Graphs of a thousand chunks."""

    params = (NAMES,)
    param_names = ("names",)

    def setup(self, names: str) -> None:
        fields = {name: (("z", "y", "x"), da.zeros((100, 100, 100), chunks=10)) for name in "uvw"}
        self.ds = xr.Dataset(fields, {dim: cases.coordinate(100, seed) for seed, dim in enumerate("zyx")})
        build(self.ds, names)

    def time_build(self, names: str) -> None:
        build(self.ds, names)

    def track_tasks_a_chunk(self, names: str) -> float:
        sources = set().union(*(self.ds[name].__dask_graph__() for name in "uvw"))
        return len(set(build(self.ds, names).__dask_graph__()) - sources) / 1000

    track_tasks_a_chunk.unit = "tasks"


class Threads:
    """128^3 in chunks on the threads scheduler, and the eager call on the same field."""

    params = (NAMES, [64, 128])
    param_names = ("names", "chunk")

    def setup(self, names: str, chunk: int) -> None:
        self.ds = cases.dataset((128, 128, 128), "float32")
        self.lazy = self.ds.chunk(chunk)
        # compile before the clock runs
        self.time_lazy(names, chunk)
        self.time_eager(names, chunk)

    def time_lazy(self, names: str, chunk: int) -> None:
        with dask.config.set(scheduler="threads"):
            build(self.lazy, names).compute()

    def time_eager(self, names: str, chunk: int) -> None:
        build(self.ds, names)
