# SPDX-License-Identifier: BSD-3-Clause
"""Time of operators with masks, over that without."""

from __future__ import annotations

import xarray as xr

import fieldgrad as fg

from . import cases, masks

SHAPE = (128, 128, 128)


class Masked:
    """q_criterion with a tenth of the points masked."""

    params = (["none", "bodies", "random"],)
    param_names = ("holes",)

    def setup(self, holes: str) -> None:
        self.ds = cases.dataset(SHAPE)
        valid = None if holes == "none" else xr.DataArray(masks.holes(SHAPE, holes), dims=("z", "y", "x"))
        self.grid = fg.infer_grid(self.ds, mask=valid, missing="adapt")
        self.missing = self.ds if valid is None else self.ds.where(valid)
        # compile before the clock runs
        self.time_derive(holes)

    def time_derive(self, holes: str) -> None:
        fg.derive(self.ds, "q_criterion", grid=self.grid)

    def time_new_holes(self, holes: str) -> None:
        fg.derive(self.missing, "q_criterion", grid=fg.infer_grid(self.ds, missing="adapt"))
