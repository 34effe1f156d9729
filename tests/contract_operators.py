# SPDX-License-Identifier: BSD-3-Clause
"""Every public operator as a function of a flow, and kernels that are counted instead of compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import grid, recall
from fieldgrad.kernels import call, launch

X = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 7.0])
Y = np.array([0.0, 1.0, 2.5, 3.0])
Z = np.array([0.0, 0.5, 1.0, 3.0])
FLUID = fg.PowerLaw(2.0, 0.5)

#: Operators on ndarrays: of two fields on the axes (y, x) and the coordinate of x. Complex fields are for linear ones.
ON_ARRAYS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "advection": lambda u, v, x: fg.array.advection(u, [1.0, 2.0], Y, x),
    "curl": lambda u, v, x: fg.array.curl([u, v], Y, x),
    "decompose": lambda u, v, x: fg.array.decompose(_tensor(u, v)),
    "derivative": lambda u, v, x: fg.array.derivative(u, x),
    "derive": lambda u, v, x: fg.array.derive([u, v], ["vorticity", "divergence"], Y, x),
    "directional_derivative": lambda u, v, x: fg.array.directional_derivative(u, [1.0, 2.0], Y, x),
    "divergence": lambda u, v, x: fg.array.divergence([u, v], Y, x),
    "gradient": lambda u, v, x: fg.array.gradient(u, Y, x),
    "hessian": lambda u, v, x: fg.array.hessian(u, Y, x),
    "laplacian": lambda u, v, x: fg.array.laplacian(u, Y, x),
    "velocity_gradient": lambda u, v, x: fg.array.velocity_gradient([u, v], Y, x),
}

#: Operators on labelled data: of a dataset of u, v, w and T on (time, z, y, x).
ON_LABELS: dict[str, Callable[[xr.Dataset], Any]] = {
    "advection": lambda ds: fg.advection(ds.T, ds[["u", "v", "w"]]),
    "curl": lambda ds: fg.curl(ds[["u", "v", "w"]]),
    "decompose": lambda ds: fg.decompose(ds[["u", "v", "w"]]),
    "derivative": lambda ds: fg.derivative(ds.T, "x"),
    "derivative_flatness": lambda ds: fg.derivative_flatness(ds.u, "x"),
    "derivative_skewness": lambda ds: fg.derivative_skewness(ds.u, "x"),
    "derive": lambda ds: fg.derive(ds[["u", "v", "w"]], ["vorticity", "divergence"]),
    "directional_derivative": lambda ds: fg.directional_derivative(ds.T, ds[["u", "v", "w"]]),
    "divergence": lambda ds: fg.divergence(ds[["u", "v", "w"]]),
    "generalised_newtonian_stress": lambda ds: fg.generalised_newtonian_stress(ds[["u", "v", "w"]], FLUID),
    "gradient": lambda ds: fg.gradient(ds.T),
    "helicity": lambda ds: fg.helicity(ds[["u", "v", "w"]]),
    "hessian": lambda ds: fg.hessian(ds.T),
    "invariant_histogram": lambda ds: fg.invariant_histogram(ds[["u", "v", "w"]], 4),
    "laplacian": lambda ds: fg.laplacian(ds.T),
    "material_derivative": lambda ds: fg.material_derivative(ds.T, ds[["u", "v", "w"]]),
    "mean": lambda ds: fg.mean(ds.T),
    "relative_helicity": lambda ds: fg.relative_helicity(ds[["u", "v", "w"]]),
    "scalar_dissipation": lambda ds: fg.scalar_dissipation(ds.T, 0.1),
    "taylor_microscale": lambda ds: fg.taylor_microscale(ds.u, "x"),
    "velocity_gradient": lambda ds: fg.velocity_gradient(ds[["u", "v", "w"]]),
}

#: Public functions that differentiate nothing (of values at points, of a coordinate alone, or of names), and those
#: whose own tests cross what they take: they need faces, a sphere, points, cotangents or standard deviations.
OTHERS = {
    *("apparent_viscosity", "infer_grid", "quantities", "register_quantity", "vieillefosse"),
    *("absolute_vorticity", "collocate", "coriolis_parameter", "frontogenesis", "order_map", "rossby_number", "vjp"),
    *("from_vtk", "sample", "show_progress", "to_vtk", "uncertainty", "verify"),
}


def _tensor(u: Any, v: Any) -> Any:
    stack = np.ma.stack if isinstance(u, np.ma.MaskedArray) else np.stack
    return stack([stack([u, v]), stack([v, u])])


def dataset(values: Any, x: Any, **attrs: str) -> xr.Dataset:
    """A flow and a scalar, all of the same values of shape (3, 4, 4, len(x)), beside the coordinate x."""
    dims = ("time", "z", "y", "x")
    coords = {"time": [0.0, 1.0, 2.0], "z": Z, "y": Y}
    given = x if isinstance(x, xr.Coordinates) else {"x": ("x", x, attrs)}
    return xr.Dataset(dict.fromkeys(("u", "v", "w", "T"), (dims, values)), coords).assign_coords(given)


def results(found: Any) -> list[Any]:
    """What an operator returned, one by one."""
    if isinstance(found, xr.Dataset):
        return list(found.data_vars.values())
    if isinstance(found, dict):
        return list(found.values())
    return list(found) if isinstance(found, tuple | list) else [found]


@dataclass
class Counted:
    """What the kernels were asked for: their signatures, their fields, and the nodes of the tables that were made."""

    signatures: set[tuple[Any, ...]] = field(default_factory=set)
    fields: list[list[np.ndarray]] = field(default_factory=list)
    nodes: list[np.ndarray] = field(default_factory=list)

    def saw(self, nodes: Any) -> bool:
        """Whether a coordinate was taken for these positions."""
        return any(len(one) == len(nodes) and np.allclose(one, nodes, rtol=1e-15, atol=0) for one in self.nodes)

    def forget_nodes(self) -> None:
        """Start anew: grids that are remembered would show their coordinates to nobody."""
        self.nodes.clear()
        recall._grid.cache_clear()
        recall._axis.cache_clear()

    def check_fields(self, given: Sequence[np.ndarray], dtype: np.dtype[Any], name: str = "") -> None:
        """Kernels got the values that were given, in working precision; of complex ones the two parts."""
        real = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
        wanted = [one.astype(dtype) for one in given]
        if dtype.kind == "c":
            wanted = [np.stack([one.real, one.imag], axis=-1) for one in wanted]
        for fields in self.fields[:1]:
            assert {one.dtype for one in fields} == {real}
            for one in fields:
                assert any(np.array_equal(one, other, equal_nan=True) for other in wanted), name


@contextmanager
def counted_kernels() -> Iterator[Counted]:
    """No kernel is compiled or run: outputs are one, and signatures and fields are told."""
    counted = Counted()
    evaluate, checked = launch.evaluate, grid.checked_nodes

    def kernel(*arguments: Any) -> None:
        for out in arguments[5]:
            out[...] = 1

    def compiled(spec: Any, dtype: Any, *counts: int) -> Any:
        counted.signatures.add((spec.name, dtype, *counts))
        return kernel

    def told(fields: Any, *arguments: Any, **options: Any) -> None:
        counted.fields.append([one.copy() for one in fields])
        evaluate(fields, *arguments, **options)

    def known(values: Any, dim: str) -> Any:
        counted.nodes.append(checked(values, dim))
        return counted.nodes[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(call, "_compiled", compiled)
        patch.setattr(launch, "evaluate", told)
        for module in (grid, fg.array):
            patch.setattr(module, "checked_nodes", known)
        call._kept.cache_clear()
        try:
            yield counted
        finally:
            call._kept.cache_clear()
