# SPDX-License-Identifier: BSD-3-Clause
"""Operators and quantities on ndarrays, into given memory: what the kernels take."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import fieldgrad as fg

from . import cases, peers

SHAPES = {"1e6": (10**6,), "1024^2": (1024, 1024), "100^3": (100, 100, 100)}
CUBE = (128, 128, 128)
PARAMETERS = {"viscosity": 1e-3}
# Kept, since asv runs a setup several times a process; nothing writes into them.
velocity = functools.lru_cache(maxsize=1)(cases.velocity)


def derivation(
    names: str, shape: tuple[int, ...], dtype: str = "float64", layout: str = "x first", **more: Any
) -> Callable[[], Any]:
    """A call of `derive` for names that commas part."""
    fields = velocity(shape, dtype)
    nodes = [cases.coordinate(n, seed) for seed, n in enumerate(shape)]
    records = [fg.quantities()[name] for name in names.split(",")]
    given = {name: PARAMETERS[name] for record in records for name in record.parameters}
    out = {record.name: np.empty((*[len(shape)] * len(record.dims), *shape), dtype) for record in records}
    if layout == "Fortran order":
        fields = [np.asfortranarray(field) for field in fields]
        out = {name: np.asfortranarray(array) for name, array in out.items()}
    elif layout == "x last":
        nodes, more = nodes[::-1], {**more, "axes": tuple(range(len(shape)))[::-1]}
    elif layout == "periodic":
        more = {**more, "period": [float(x[-1] - x[0]) + 1 for x in nodes]}
    elif layout == "every second point":
        fields = [np.repeat(field, 2, axis=-1)[..., ::2] for field in fields]
    return lambda: fg.array.derive(fields, list(out), *nodes, out=out, **given, **more)


def gradient(shape: tuple[int, ...], dtype: str = "float64", accuracy: int = 2) -> Callable[[], Any]:
    """A call for the gradient of a scalar."""
    (field, *_), out = velocity(shape, dtype), np.empty((len(shape), *shape), dtype)
    nodes = [cases.coordinate(n, seed) for seed, n in enumerate(shape)]
    target = out[0] if len(shape) == 1 else out
    return lambda: fg.array.gradient(field, *nodes, accuracy=accuracy, out=target)


def work(name: str, shape: tuple[int, ...], **more: Any) -> Callable[[], Any]:
    """The gradient of a scalar, or what `derive` gives."""
    return gradient(shape, **more) if name == "gradient" else derivation(name, shape, **more)


class _Called:
    """A call that is made in `setup`, where it compiles, before the clock runs."""

    call: Callable[[], Any]

    def prepare(self, call: Callable[[], Any]) -> None:
        self.call = call
        call()


class Programs(_Called):
    """The main work beside NumPy and xarray, which allocate their results, on 128^3 points."""

    params = (
        ["gradient", "velocity_gradient", "decompose", "q_criterion"],
        ["fieldgrad", "fieldgrad, fresh", "numpy", "xarray"],
    )
    param_names = ("work", "program")

    def setup(self, name: str, program: str) -> None:
        fields, nodes = velocity(CUBE), [cases.coordinate(128, seed) for seed in range(3)]
        names = "deformation_rate,spin" if name == "decompose" else name
        if program in ("numpy", "xarray"):
            call: Callable[[], Any] = getattr(peers, program)(fields, nodes)[name]
        elif program == "fieldgrad":
            call = work(names, CUBE)
        elif name == "gradient":
            call = lambda: fg.array.gradient(fields[0], *nodes, accuracy=2)  # noqa: E731
        else:
            call = lambda: fg.array.derive(fields, names.split(","), *nodes)  # noqa: E731
        self.prepare(call)

    def time_call(self, name: str, program: str) -> None:
        self.call()


class Operators(_Called):
    """The other operators, on 128^3 points."""

    params = (["divergence", "curl", "laplacian", "hessian", "third derivative along y"],)
    param_names = ("operator",)

    def setup(self, operator: str) -> None:
        shape = CUBE
        fields, nodes = velocity(shape), [cases.coordinate(n, seed) for seed, n in enumerate(shape)]
        out = np.empty({"curl": (3, *shape), "hessian": (3, 3, *shape)}.get(operator, shape))
        vector = operator in ("divergence", "curl")
        function = None if operator.startswith("third") else getattr(fg.array, operator)
        if function is None:
            self.prepare(lambda: fg.array.derivative(fields[0], nodes[1], axis=1, order=3, out=out))
        else:
            self.prepare(lambda: function(fields if vector else fields[0], *nodes, out=out))

    def time_call(self, operator: str) -> None:
        self.call()


class Quantities(_Called):
    """Quantities of a flow in space, and four of them in one pass, on 128^3 points."""

    params = (
        [
            "vorticity",
            "vorticity_magnitude",
            "dissipation",
            "lambda2",
            "principal_directions",
            "swirling_strength",
            "vorticity,q_criterion,lambda2,dissipation",
        ],
    )
    param_names = ("names",)

    def setup(self, names: str) -> None:
        self.prepare(derivation(names, CUBE))

    def time_call(self, names: str) -> None:
        self.call()


class Shapes(_Called):
    """Dimensions and sizes, beside the 128^3 points of the others."""

    params = (["gradient", "velocity_gradient", "q_criterion"], list(SHAPES))
    param_names = ("work", "shape")

    def setup(self, name: str, shape: str) -> None:
        if name == "q_criterion" and len(SHAPES[shape]) == 1:
            raise NotImplementedError("Q is defined in a plane or in space")
        self.prepare(work(name, SHAPES[shape]))

    def time_call(self, name: str, shape: str) -> None:
        self.call()


class Accuracies(_Called):
    """Orders of accuracy, on 128^3 points."""

    params = (["q_criterion"], [2, 4, 6, 8])
    param_names = ("work", "accuracy")

    def setup(self, name: str, accuracy: int) -> None:
        self.prepare(work(name, CUBE, accuracy=accuracy))

    def time_call(self, name: str, accuracy: int) -> None:
        self.call()


class Precision(_Called):
    """Double and single precision, on 128^3 points."""

    params = (["velocity_gradient", "q_criterion"], ["float64", "float32"])
    param_names = ("work", "dtype")

    def setup(self, name: str, dtype: str) -> None:
        self.prepare(work(name, CUBE, dtype=dtype))

    def time_call(self, name: str, dtype: str) -> None:
        self.call()


class Layouts(_Called):
    """Orders of axes in memory, periodic axes, and rows with gaps, for q_criterion on 128^3 points."""

    params = (["x first", "x last", "Fortran order", "periodic", "every second point"],)
    param_names = ("layout",)

    def setup(self, layout: str) -> None:
        self.prepare(derivation("q_criterion", CUBE, layout=layout))

    def time_call(self, layout: str) -> None:
        self.call()
