# SPDX-License-Identifier: BSD-3-Clause
"""Derived quantities beside NumPy, xarray, VTK and JAX, measured side by side in one run.

    python -m benchmarks.quantities                    # 250^3 and 256^3, about five minutes
    python -m benchmarks.quantities --sizes 128 --repeat 3

Peers that are not installed (``pip install vtk jax``) are left out, and the report says so. How times are taken: see
:mod:`benchmarks.measure`.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import xarray as xr

import fieldgrad as fg

from . import cases
from .measure import close, number_from_new_process, report, rounds

FOUR = ("vorticity", "q_criterion", "lambda2", "dissipation")


def xarray_q_criterion(ds: xr.Dataset) -> xr.DataArray:
    """Q by xarray.differentiate, edges of second order, each product written out."""
    ux, uy, uz, vx, vy, vz, wx, wy, wz = (
        ds[name].differentiate(dim, edge_order=2) for name in "uvw" for dim in ("z", "y", "x")
    )
    return -0.5 * (ux**2 + vy**2 + wz**2) - uy * vx - uz * wx - vz * wy


def vtk_q_criterion(components: list[np.ndarray], nodes: list[np.ndarray]) -> Callable[[], object]:
    """VTK's gradient filter; it differences across stretched cells in its own way, so its values are not compared."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkRectilinearGrid
    from vtkmodules.vtkFiltersGeneral import vtkGradientFilter

    grid = vtkRectilinearGrid()
    # VTK's x is the fastest axis
    grid.SetDimensions(*components[0].shape[::-1])
    arrays = [numpy_to_vtk(coordinate, deep=True) for coordinate in nodes]
    for name, array in zip("ZYX", arrays, strict=True):
        getattr(grid, f"Set{name}Coordinates")(array)
    velocity = np.stack([component.ravel() for component in components], axis=-1)
    field = numpy_to_vtk(velocity, deep=True)
    field.SetName("velocity")
    grid.GetPointData().AddArray(field)
    source = vtkGradientFilter()
    source.SetInputData(grid)
    source.SetInputArrayToProcess(0, 0, 0, vtkDataObject.FIELD_ASSOCIATION_POINTS, "velocity")
    source.ComputeGradientOff()
    source.ComputeQCriterionOn()

    def run() -> object:
        source.Modified()
        source.Update()
        return source.GetOutput()

    return run


def jax_q_criterion(components: list[np.ndarray], nodes: list[np.ndarray]) -> Callable[[], Any]:
    """The same differences and products, compiled by JAX in double precision."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    tables = [fg.stencils.derivative_stencil(x) for x in nodes]
    bands = [jnp.asarray(table.matrix()) for table in tables]

    def difference(f: Any, axis: int) -> Any:
        n = f.shape[axis]
        matrix = bands[axis]
        inside = jnp.arange(1, n - 1)
        shape = [1] * 3
        shape[axis] = n - 2
        weights = [matrix[inside, inside + shift].reshape(shape) for shift in (-1, 0, 1)]

        def part(start: int, stop: int) -> Any:
            return jax.lax.slice_in_dim(f, start, stop, axis=axis)

        middle = sum(w * part(1 + shift, n - 1 + shift) for w, shift in zip(weights, (-1, 0, 1), strict=True))
        low = sum(matrix[0, i] * part(i, i + 1) for i in range(3))
        high = sum(matrix[n - 1, n - 1 - i] * part(n - 1 - i, n - i) for i in range(3))
        return jnp.concatenate([low, middle, high], axis=axis)

    @jax.jit
    def q(u: Any, v: Any, w: Any) -> Any:
        (ux, uy, uz), (vx, vy, vz), (wx, wy, wz) = ([difference(f, axis) for axis in range(3)] for f in (u, v, w))
        return -0.5 * (ux**2 + vy**2 + wz**2) - uy * vx - uz * wx - vz * wy

    fields = [jnp.asarray(component) for component in components]
    return lambda: q(*fields).block_until_ready()


def q_criterion(n: int, repeat: int) -> None:
    shape = (n, n, n)
    components = cases.velocity(shape)
    nodes = [cases.coordinate(n, seed) for seed in range(3)]
    Q = np.empty(shape)
    ds = cases.dataset(shape)

    def given() -> object:
        return fg.array.derive(components, "q_criterion", *nodes, out={"q_criterion": Q})

    given()
    work: dict[str, Callable[[], object]] = {
        "fieldgrad, given": given,
        "fieldgrad, fresh": lambda: fg.array.derive(components, "q_criterion", *nodes),
        "numpy, products written out": lambda: cases.numpy_q_criterion(components, nodes),
        "numpy, (|W|^2 - |D|^2)/2": lambda: cases.numpy_q_by_definition(components, nodes),
        "xarray.differentiate": lambda: xarray_q_criterion(ds),
    }
    close(Q, cases.numpy_q_criterion(components, nodes))
    close(Q, xarray_q_criterion(ds).values)
    for name, make in (("vtk", vtk_q_criterion), ("jax", jax_q_criterion)):
        if importlib.util.find_spec(name) is None:
            print(f"  {name} is not installed, and left out")
            continue
        work[{"vtk": "VTK's gradient filter", "jax": "JAX, jit"}[name]] = run = make(components, nodes)
        if name == "jax":
            close(Q, np.asarray(run()))
    report(
        f"q_criterion, {n}^3 (ms; x: as many times faster than NumPy's definition)",
        times := rounds(work, repeat),
        "numpy, (|W|^2 - |D|^2)/2",
        {},
    )
    print("  fieldgrad, given, is faster by (medians of the ratios of a round):")
    goals = {"numpy": 30, "xarray": 30, "VTK": 20, "JAX": 5}
    for name, seconds in times.items():
        if not name.startswith("fieldgrad"):
            ratio = float(np.median(np.divide(seconds, times["fieldgrad, given"])))
            print(f"    {name:32} {ratio:6.1f}  (goal {goals[name.split(',')[0].split('.')[0].split(chr(39))[0]]})")


def together(n: int, repeat: int) -> None:
    shape = (n, n, n)
    components = cases.velocity(shape)
    nodes = [cases.coordinate(n, seed) for seed in range(3)]
    outs = {name: np.empty((3, *shape) if name == "vorticity" else shape) for name in FOUR}

    def derive(*names: str) -> object:
        parameters = {"viscosity": 1e-3} if "dissipation" in names else {}
        return fg.array.derive(components, names, *nodes, out={name: outs[name] for name in names}, **parameters)

    threads = numba.get_num_threads()
    extra = np.empty((5, *shape))
    pieces = np.array_split(extra.reshape(-1), threads)
    pool = ThreadPoolExecutor(threads)

    def stream() -> None:
        list(pool.map(lambda piece: piece.fill(1.0), pieces))

    work = {name: lambda name=name: derive(name) for name in FOUR}
    work |= {"all four": lambda: derive(*FOUR), "writing five arrays": stream}
    times = rounds(work, repeat)
    report(f"four quantities, {n}^3 (ms; x: of all four)", times, "all four", {})
    allowed = np.median(
        [
            all_four / (max(alone) + 1.3 * write)
            for all_four, write, *alone in zip(
                times["all four"], times["writing five arrays"], *(times[name] for name in FOUR), strict=True
            )
        ]
    )
    print(f"  all four over (the dearest + 1.3 x writing the other five arrays): {allowed:.2f}  (goal 1)")
    pool.shutdown()


MEMORY = """
    import resource
    import numpy as np
    import fieldgrad as fg
    n, names = {n}, {names!r}
    rng = np.random.default_rng(0)
    nodes = [np.cumsum(rng.uniform(0.5, 1.5, n)) for _ in range(3)]
    fields = [rng.standard_normal((n, n, n)) for _ in range(3)]
    given = {{name: 1e-3 for one in names for name in fg.quantities()[one].parameters}}
    small = [field[:8, :8, :8].copy() for field in fields]
    fg.array.derive(small, names, *[x[:8] for x in nodes], **given)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = fg.array.derive(fields, names, *nodes, **given)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / 1024 - sum(result.nbytes for result in results.values()) / 2**20)
"""
COLD = """
    import time
    import numpy as np
    import fieldgrad as fg
    import numba, fieldgrad.kernels.launch
    names = {names!r}
    x = np.arange(8.0)
    fields = [np.random.default_rng(i).standard_normal((8, 8, 8)) for i in range(3)]
    given = {{name: 1e-3 for one in names for name in fg.quantities()[one].parameters}}
    start = time.perf_counter()
    fg.array.derive(fields, names, x, x, x, **given)
    print(time.perf_counter() - start)
"""


def memory(n: int) -> None:
    print(f"\npeak memory beyond inputs and outputs, {n}^3 (MB)  (goal 64 or 5 %, whichever is larger)")
    for names in (("q_criterion",), FOUR):
        with tempfile.TemporaryDirectory() as folder:
            # the second of two processes, which compiles nothing
            _, megabytes = (number_from_new_process(MEMORY.format(n=n, names=list(names)), Path(folder)) for _ in "12")
        print(f"  {', '.join(names):58} {megabytes:8.1f}")


def compilation() -> None:
    print("\nfirst call of a combination: cold, and in the next process (s)  (goal 6 cold)")
    combinations = (
        ("q_criterion",),
        FOUR,
        ("velocity_gradient", "deformation_rate", "spin", "viscous_stress"),
        ("principal_strain_rates", "swirling_strength", "lambda2", "rortex"),
        ("principal_directions", "rortex", "vorticity_alignment", "swirling_axis"),
    )
    for names in combinations:
        with tempfile.TemporaryDirectory() as folder:
            cold, warm = (number_from_new_process(COLD.format(names=list(names)), Path(folder)) for _ in range(2))
        print(f"  {', '.join(names):78} {cold:6.2f} {warm:6.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[250, 256], help="points along each axis")
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {numba.get_num_threads()} threads, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, numba {numba.__version__}, xarray {xr.__version__}"
    )
    compilation()
    for n in options.sizes:
        memory(n)
        q_criterion(n, options.repeat)
        together(n, options.repeat)


if __name__ == "__main__":
    main()
