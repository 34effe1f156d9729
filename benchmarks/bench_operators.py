# SPDX-License-Identifier: BSD-3-Clause
"""Time of the operators, with NumPy beside them."""

from __future__ import annotations

import numpy as np

import fieldgrad as fg

from . import cases

SHAPES = {"128^3": (128, 128, 128), "1024^2": (1024, 1024)}


class Arrays:
    """Operators on ndarrays into given memory: what the kernels take."""

    params = (["128^3", "1024^2"], [2, 6], ["float64"])
    param_names = ("shape", "accuracy", "dtype")

    def setup(self, shape: str, accuracy: int, dtype: str) -> None:
        sizes = SHAPES[shape]
        count = len(sizes)
        self.components = cases.velocity(sizes, dtype)
        self.nodes = [cases.coordinate(n, seed) for seed, n in enumerate(sizes)]
        self.gradient = np.empty((count, *sizes), dtype)
        self.tensors = [np.empty((count, count, *sizes), dtype) for _ in range(2)]
        self.accuracy = accuracy
        # compile before the clock runs
        self.time_gradient(shape, accuracy, dtype)
        self.time_velocity_gradient(shape, accuracy, dtype)
        self.time_decompose(shape, accuracy, dtype)

    def time_gradient(self, shape: str, accuracy: int, dtype: str) -> None:
        fg.array.gradient(self.components[0], *self.nodes, accuracy=self.accuracy, out=self.gradient)

    def time_velocity_gradient(self, shape: str, accuracy: int, dtype: str) -> None:
        fg.array.velocity_gradient(self.components, *self.nodes, accuracy=self.accuracy, out=self.tensors[0])

    def time_decompose(self, shape: str, accuracy: int, dtype: str) -> None:
        out = dict(zip(("deformation_rate", "spin"), self.tensors, strict=True))
        fg.array.derive(self.components, list(out), *self.nodes, accuracy=self.accuracy, out=out)


class SinglePrecision(Arrays):
    """The same in single precision, which moves half the bytes."""

    params = (["128^3"], [2], ["float32"])


class NumPy:
    """The same with NumPy, which has second order only."""

    params = (list(SHAPES),)
    param_names = ("shape",)

    def setup(self, shape: str) -> None:
        sizes = SHAPES[shape]
        self.components = cases.velocity(sizes)
        self.nodes = [cases.coordinate(n, seed) for seed, n in enumerate(sizes)]

    def time_gradient(self, shape: str) -> None:
        np.gradient(self.components[0], *self.nodes, edge_order=2)

    def time_velocity_gradient(self, shape: str) -> None:
        cases.numpy_velocity_gradient(self.components, self.nodes)

    def time_decompose(self, shape: str) -> None:
        cases.numpy_decompose(self.components, self.nodes)


class Labelled:
    """Whole labelled calls, fresh output, from 16^2 (overhead) to 128^3; xarray beside them."""

    params = (["16^2", "64^2", "128^3"],)
    param_names = ("shape",)

    def setup(self, shape: str) -> None:
        size, count = (int(part) for part in shape.split("^"))
        self.ds = cases.dataset((size,) * count)
        self.time_derivative(shape)
        self.time_velocity_gradient(shape)
        self.time_q_criterion(shape)

    def time_derivative(self, shape: str) -> None:
        fg.derivative(self.ds.u, "x")

    def time_derivative_xarray(self, shape: str) -> None:
        self.ds.u.differentiate("x", edge_order=2)

    def time_velocity_gradient(self, shape: str) -> None:
        fg.velocity_gradient(self.ds)

    def time_q_criterion(self, shape: str) -> None:
        fg.derive(self.ds, "q_criterion")

    def peakmem_q_criterion(self, shape: str) -> None:
        fg.derive(self.ds, "q_criterion")
