# SPDX-License-Identifier: BSD-3-Clause
"""Time of derived quantities: one of each kind of work, and four of them in one pass."""

from __future__ import annotations

import numpy as np

import fieldgrad as fg

from . import cases

SHAPE = (128, 128, 128)


class Quantities:
    """Quantities of a flow in space, into given memory."""

    params = (
        [
            "q_criterion",
            "vorticity",
            "shear_rate",
            "lambda2",
            "principal_directions",
            "swirling_strength",
            "vorticity,q_criterion,lambda2,dissipation",
        ],
    )
    param_names = ("names",)

    def setup(self, names: str) -> None:
        self.components = cases.velocity(SHAPE)
        self.nodes = [cases.coordinate(n, seed) for seed, n in enumerate(SHAPE)]
        records = [fg.quantities()[name] for name in names.split(",")]
        self.parameters = {parameter: 1e-3 for record in records for parameter in record.parameters}
        self.out = {record.name: np.empty((*[3] * len(record.dims), *SHAPE)) for record in records}
        # compile before the clock runs
        self.time_derive(names)

    def time_derive(self, names: str) -> None:
        fg.array.derive(self.components, names.split(","), *self.nodes, out=self.out, **self.parameters)
