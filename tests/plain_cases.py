# SPDX-License-Identifier: BSD-3-Clause
"""Calls that reach every loop of the kernels, on small fields: compiled and as plain Python they have the same bits.

As a program, ``plain_cases.py FILE NAME...`` runs some of them and writes their values.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from contract_operators import ON_ARRAYS, ON_LABELS, X, dataset, results

import fieldgrad as fg

COMPONENTS = list("uvw")
PARAMETERS = {"viscosity": 0.25, "dynamic_viscosity": 0.3, "epsilon": 0.1}


def values(seed: int, *shape: int, dtype: Any = np.float64) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def nodes(n: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def flow(sizes: dict[str, int], dtype: Any = np.float64, **coordinates: Any) -> xr.Dataset:
    """Three components and a scalar on dimensions in the order given."""
    shape = tuple(sizes.values())
    coords = {dim: nodes(n, seed) for seed, (dim, n) in enumerate(sizes.items())} | coordinates
    names = [*COMPONENTS[: len(sizes)], "T"]
    data = {name: (tuple(sizes), values(seed, *shape, dtype=dtype)) for seed, name in enumerate(names)}
    return xr.Dataset(data, coords)


def everything(ds: xr.Dataset, grid: fg.Grid) -> list[Any]:
    """First and second derivatives of a scalar, tensors and quantities of the flow, on a grid."""
    names = [name for name in COMPONENTS if name in ds]
    u, options = ds[names], {"grid": grid, "components": names}
    found = [fg.gradient(ds.T, grid=grid), fg.laplacian(ds.T, grid=grid), fg.hessian(ds.T, grid=grid)]
    found += [fg.velocity_gradient(u, **options), fg.advection(ds.T, u, **options)]
    return [*found, *results(fg.derive(u, ["vorticity", "q_criterion"], **options))]


def registry(dimensions: int) -> list[Any]:
    names = [name for name, record in fg.quantities().items() if dimensions in record.dimensions]
    u = values(0, dimensions, 6, 7, 8) if dimensions == 3 else values(0, 2, 7, 8)
    axes = [nodes(n, n) for n in (8, 7, 6)[:dimensions]]
    needed = {parameter for name in names for parameter in fg.quantities()[name].parameters}
    given = {name: value for name, value in PARAMETERS.items() if name in needed}
    return results(fg.array.derive(u, names, *axes, axes=tuple(range(dimensions))[::-1], **given))


def with_holes(missing: str, accuracy: int, count: int, **options: Any) -> list[Any]:
    ds = flow({"z": count, "y": count, "x": count + 1})
    holes = np.random.default_rng(3).random(ds.u.shape) < 0.05
    ds = ds.where(xr.DataArray(~holes, dims=ds.u.dims))
    return everything(ds, fg.infer_grid(ds, missing=missing, accuracy=accuracy, **options))


def on_grid(sizes: dict[str, int], dtype: Any = np.float64, **options: Any) -> list[Any]:
    ds = flow(sizes, dtype)
    return everything(ds, fg.infer_grid(ds, **options))


def geometry(name: str, accuracy: int = 2, **options: Any) -> list[Any]:
    n = accuracy + 4
    angle = np.linspace(0.1, 1.2, n)
    if name == "spherical":
        ds = flow({"z": n, "lat": n, "lon": n}, lat=np.linspace(-50, 40, n), lon=np.linspace(5, 60, n))
    elif name == "cylindrical":
        ds = flow({"z": n, "theta": n, "r": n}, theta=angle, r=1 + nodes(n))
    elif name == "polar":
        ds = flow({"r": n, "theta": n}, theta=angle, r=1 + nodes(n))
    else:
        j, i = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
        ds = flow({"eta": n, "xi": n}).drop_vars(["eta", "xi"])
        ds = ds.assign_coords(x=(("eta", "xi"), i + 0.1 * np.sin(3 * j)), y=(("eta", "xi"), j + 0.1 * np.cos(2 * i)))
        return everything(ds, fg.infer_grid(ds, accuracy=accuracy, **options))
    return everything(ds, fg.infer_grid(ds, geometry=name, accuracy=accuracy, **options))


def points(accuracy: int, count: int, field: str = "flow", **options: Any) -> list[Any]:
    ds = flow({"z": count, "y": count, "x": count + 2})
    grid = fg.infer_grid(ds, accuracy=accuracy, **options)
    rng = np.random.default_rng(1)
    at = {dim: xr.DataArray(rng.uniform(*ds[dim].values[[0, -1]], 20), dims="p") for dim in "xyz"}
    at["x"][:3] = ds.x.values[[0, 1, -1]]
    if field == "scalar":
        return results(fg.sample(ds.T, at, ["value", "gradient"], grid=grid))
    return results(fg.sample(ds[COMPONENTS], at, ["value", "velocity_gradient", "q_criterion"], grid=grid))


def adjoints() -> list[Any]:
    ds = flow({"y": 6, "x": 7})[["u", "v"]]
    scalar = flow({"y": 6, "x": 7}).T
    found = [fg.vjp(fg.gradient, scalar, fg.gradient(scalar)), fg.vjp(fg.laplacian, scalar, scalar)]
    for name in ("q_criterion", "swirling_strength"):
        found += results(fg.vjp(partial(fg.derive, quantities=name), ds, fg.derive(ds, name)))
    return found


def deviations() -> list[Any]:
    ds = flow({"z": 5, "y": 5, "x": 5})[COMPONENTS]
    return results(fg.uncertainty(ds, ["vorticity", "q_criterion", "lambda2"], std=0.1))


def layouts(accuracy: int) -> list[Any]:
    """Memory in other orders, a time before and behind, parts of wider arrays, single precision, rows of two values."""
    axes = [nodes(n, n) for n in (9, 10, 11)]
    found = []
    for order in itertools.permutations(range(3)):
        f = values(0, 9, 10, 11)
        turned = np.ascontiguousarray(f.transpose(order)).transpose(np.argsort(order))
        found.append(fg.array.gradient(turned, *axes, accuracy=accuracy))
    wide = values(1, 12, 12, 26)[1:10, 2:12, 1:23:2]
    found += [
        fg.array.gradient(wide, *axes, accuracy=accuracy),
        fg.array.gradient(wide[::-1], *axes, accuracy=accuracy),
    ]
    found.append(fg.array.gradient(values(2, 9, 10, 11, dtype=np.float32), *axes, accuracy=accuracy))
    found.append(fg.array.gradient(values(3, 9, 10, 2), *axes[:2], axis=(0, 1), accuracy=accuracy))
    found.append(fg.array.gradient(values(4, 3, 9, 10), *axes[:2], axis=(1, 2), accuracy=accuracy))
    return [np.asarray(part) for group in found for part in group]


def streamed() -> list[Any]:
    """Values that go to memory through scratch, past the caches: from 64 MiB of output on, or here from any size."""
    from fieldgrad.kernels import call

    call._kept.cache_clear()
    limits = call._STREAM_FROM, call._FETCH_FROM
    call._STREAM_FROM = call._FETCH_FROM = 0
    try:
        u = values(0, 3, 4, 5, 300)
        axes = [nodes(n, n) for n in (300, 5, 4)]
        return [
            fg.array.velocity_gradient(u, *axes, axes=(2, 1, 0)),
            fg.array.velocity_gradient(u.astype(np.float32), *axes, axes=(2, 1, 0)),
            *fg.array.derive(u, ["deformation_rate", "spin"], *axes, axes=(2, 1, 0)).values(),
        ]
    finally:
        call._STREAM_FROM, call._FETCH_FROM = limits
        call._kept.cache_clear()


def row_by_row() -> list[Any]:
    """Derivatives of a row one after the other: in layouts that caches do not like, or here in any."""
    from fieldgrad.kernels import call

    call._kept.cache_clear()
    chosen, call._is_fused = call._is_fused, lambda *_: False
    try:
        return [
            fg.array.velocity_gradient(values(0, 3, 7, 8, 9), *map(nodes, (9, 8, 7)), axes=(2, 1, 0), accuracy=4),
            *layouts(8),
            *walls(4),
        ]
    finally:
        call._is_fused = chosen
        call._kept.cache_clear()


def of_ones_own() -> list[Any]:
    def own(L: Any, viscosity: Any) -> Any:
        return viscosity * L[0][1] * L[1][0], abs(L[2][2]), max(L[0][0], L[1][1])

    quantity = fg.Quantity("own", own, rank="vector", parameters=("viscosity",))
    ds = flow({"z": 4, "y": 5, "x": 6})
    nu = xr.DataArray(values(5, 5), dims="y")
    return results(fg.derive(ds[COMPONENTS], ["dissipation"], viscosity=nu)) + results(
        fg.derive(ds[COMPONENTS], [quantity], viscosity=nu)
    )


def walls(accuracy: int) -> list[Any]:
    ds = flow({"z": accuracy + 2, "y": accuracy + 3, "x": accuracy + 2})
    sides = {"y": {"u": (0.5, -0.5), "v": ("antisymmetric", 0.0), "w": ("symmetric", "symmetric")}}
    u = ds[COMPONENTS]
    grid = fg.infer_grid(u, boundary=sides, accuracy=accuracy)
    scalar = fg.infer_grid(ds.T, boundary=WALLS, accuracy=accuracy)
    found = [fg.gradient(ds.T, grid=scalar), fg.laplacian(ds.T, grid=scalar), fg.velocity_gradient(u, grid=grid)]
    return found + results(fg.derive(u, ["vorticity", "q_criterion"], grid=grid))


WALLS = {"y": (0.0, 1.0)}
AROUND = {"x": 25.0, "y": 23.0}
FLOW = dataset(values(9, 3, 4, 4, 6), X)
PLANE = values(8, 2, 4, 6)

CASES: dict[str, Callable[[], Any]] = {
    **{f"array {name}": lambda call=call: call(*PLANE, X) for name, call in ON_ARRAYS.items()},
    **{f"labelled {name}": lambda call=call: call(FLOW) for name, call in ON_LABELS.items()},
    **{f"registry {n}": lambda n=n: registry(n) for n in (2, 3)},
    **{f"space {a}": lambda a=a: on_grid({"z": a + 3, "y": a + 4, "x": a + 5}, accuracy=a) for a in (2, 4, 6, 8)},
    **{
        f"periodic {a}": lambda a=a: on_grid({"z": a + 3, "y": a + 4, "x": a + 5}, accuracy=a, periodic=AROUND)
        for a in (2, 4, 6, 8)
    },
    **{f"plane {a}": lambda a=a: on_grid({"y": a + 2, "x": a + 3}, np.float32, accuracy=a) for a in (2, 4, 6, 8)},
    # the fewest nodes that second derivatives have tables on
    **{f"fewest {a}": lambda a=a: on_grid({"y": a + 2, "x": a + 2}, accuracy=a) for a in (2, 4, 6, 8)},
    **{f"walls {a}": lambda a=a: walls(a) for a in (2, 4, 6, 8)},
    **{
        f"{missing} {a}": lambda a=a, missing=missing: with_holes(missing, a, a + 3)
        for missing in ("propagate", "adapt", "shrink")
        for a in (2, 4, 6, 8)
    },
    "periodic with holes": lambda: with_holes("adapt", 4, 8, periodic={"x": 25.0}),
    **{
        f"{name} {a}": lambda a=a, name=name: geometry(name, a)
        for name in ("spherical", "cylindrical", "polar", "curvilinear")
        for a in (2, 4, 6, 8)
    },
    **{f"points {a}": lambda a=a: points(a, a + 1) for a in (2, 4, 6, 8)},
    "periodic points": lambda: points(4, 7, periodic={"x": 25.0}),
    "points beside walls": lambda: points(4, 7, "scalar", boundary=WALLS),
    "least squares": lambda: on_grid({"y": 9, "x": 10}, scheme="least_squares"),
    **{f"layouts {a}": lambda a=a: layouts(a) for a in (2, 4, 8)},
    "streamed": streamed,
    "row by row": row_by_row,
    "adjoints": adjoints,
    "deviations": deviations,
    "own": of_ones_own,
}


def computed(name: str) -> list[np.ndarray]:
    """The values of a case."""
    return [np.asarray(one) for one in results(CASES[name]())]


def save(file: str, names: list[str]) -> None:
    """Run some cases, and write what they give: arrays `NAME/NUMBER`."""
    found = {f"{name}/{k}": one for name in names for k, one in enumerate(computed(name))}
    np.savez(file, **found)


if __name__ == "__main__":
    save(sys.argv[1], sys.argv[2:] or list(CASES))
