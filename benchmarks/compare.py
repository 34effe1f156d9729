# SPDX-License-Identifier: BSD-3-Clause
"""Ratios to NumPy and xarray, measured side by side in one run.

    python -m benchmarks.compare                 # 256^3, about two minutes
    python -m benchmarks.compare --size 128 --repeat 5

Each round runs every candidate once, in turn, so that a busy machine slows all of them alike, with a pause before each
in which threads of the one before it come to rest. The table shows medians over the rounds and the median of the ratios
of a round. Results are compared before they are timed. "given" writes into memory that exists, "fresh" allocates it.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import textwrap
from pathlib import Path

import numba
import numpy as np
import xarray as xr

import fieldgrad as fg

from . import cases
from .measure import close, many, number_from_new_process, report, rounds


def large_fields(n: int, repeat: int) -> None:
    shape = (n, n, n)
    components = cases.velocity(shape)
    nodes = [cases.coordinate(n, seed) for seed in range(3)]
    grad = np.empty((3, *shape))
    L, D = np.empty((3, 3, *shape)), np.empty((3, 3, *shape))
    Q = np.empty(shape)

    def derive(*names: str, out: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
        return fg.array.derive(components, names, *nodes, out=out)

    close(np.stack(fg.array.gradient(components[0], *nodes)), np.stack(np.gradient(components[0], *nodes)))
    report(
        f"gradient of a scalar, {n}^3 (ms)",
        rounds(
            {
                "numpy": lambda: np.gradient(components[0], *nodes),
                "fieldgrad, given": lambda: fg.array.gradient(components[0], *nodes, out=grad),
                "fieldgrad, fresh": lambda: fg.array.gradient(components[0], *nodes),
            },
            repeat,
        ),
        "numpy",
        {"fieldgrad, given": 8, "fieldgrad, fresh": 5},
    )
    close(derive("velocity_gradient")["velocity_gradient"], cases.numpy_velocity_gradient(components, nodes))
    report(
        f"L, nine components, {n}^3 (ms)",
        rounds(
            {
                "numpy, nine np.gradient": lambda: [np.gradient(field, *nodes) for field in components],
                "fieldgrad, given": lambda: derive("velocity_gradient", out={"velocity_gradient": L}),
                "fieldgrad, fresh": lambda: derive("velocity_gradient"),
            },
            repeat,
        ),
        "numpy, nine np.gradient",
        {"fieldgrad, given": 8, "fieldgrad, fresh": 5},
    )
    pair = derive("deformation_rate", "spin")
    for one, other in zip(pair.values(), cases.numpy_decompose(components, nodes), strict=True):
        close(one, other)
    del pair, one, other
    both = {"deformation_rate": L, "spin": D}
    report(
        f"D and W, {n}^3 (ms)",
        rounds(
            {
                "numpy": lambda: cases.numpy_decompose(components, nodes),
                "fieldgrad, given": lambda: derive("deformation_rate", "spin", out=both),
                "fieldgrad, fresh": lambda: derive("deformation_rate", "spin"),
            },
            max(repeat // 2, 3),
        ),
        "numpy",
        {"fieldgrad, given": 10, "fieldgrad, fresh": 6},
    )
    close(derive("q_criterion")["q_criterion"], cases.numpy_q_criterion(components, nodes))
    report(
        f"q_criterion, {n}^3 (ms)",
        rounds(
            {
                "numpy, (|W|^2 - |D|^2)/2": lambda: cases.numpy_q_by_definition(components, nodes),
                "numpy, products written out": lambda: cases.numpy_q_criterion(components, nodes),
                "fieldgrad, given": lambda: derive("q_criterion", out={"q_criterion": Q}),
                "fieldgrad, fresh": lambda: derive("q_criterion"),
            },
            max(repeat // 2, 3),
        ),
        "numpy, (|W|^2 - |D|^2)/2",
        {"fieldgrad, given": 25, "fieldgrad, fresh": 25},
    )


def tables(repeat: int) -> None:
    x = cases.coordinate(4096)
    times = rounds(
        {f"accuracy {p}": lambda p=p: fg.stencils.derivative_stencil(x, 1, p) for p in (2, 4, 6, 8)}, 5 * repeat
    )
    print("\ntable of weights, 4096 nonuniform nodes (ms)  (goal 50 at accuracy 8)")
    for name, seconds in times.items():
        print(f"  {name:34} {statistics.median(seconds) * 1e3:10.2f}")


def small_field(repeat: int) -> None:
    ds = cases.dataset((32, 32))

    close(fg.derivative(ds.u, "x").values, ds.u.differentiate("x", edge_order=2).values)
    report(
        "one derivative of a labelled 32 x 32 field (microseconds a call)",
        rounds(
            {
                "xarray.differentiate": many(lambda: ds.u.differentiate("x")),
                "fg.derivative": many(lambda: fg.derivative(ds.u, "x")),
            },
            5 * repeat,
        ),
        "xarray.differentiate",
        {"fg.derivative": 1},
        unit=1e4,
    )


IMPORT = """
    import time
    start = time.perf_counter()
    import {module}
    print(time.perf_counter() - start)
"""
# numba's own import belongs to the first call, in both
TRIVIAL = """
    import numpy as np, time
    field = np.ones(100)
    start = time.perf_counter()
    import trivial
    trivial.double(field)
    print(time.perf_counter() - start)
"""
FIRST = """
    import numpy as np, time
    import fieldgrad as fg
    field, x = np.ones((64, 64, 64)), np.arange(64.0)
    start = time.perf_counter()
    fg.array.gradient(field, x, x, x)
    print(time.perf_counter() - start)
"""


def start_up(repeat: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        (cache / "trivial.py").write_text(
            textwrap.dedent(
                """
                import numba, numpy as np

                @numba.njit(parallel=True, cache=True)
                def double(field):
                    for i in numba.prange(len(field)):
                        field[i] *= 2
                """
            )
        )
        programs = {
            "import xarray": IMPORT.format(module="xarray"),
            "import fieldgrad": IMPORT.format(module="fieldgrad"),
            "trivial cached parallel function": TRIVIAL,
            "first gradient, warm cache": FIRST,
        }
        times: dict[str, list[float]] = {name: [] for name in programs}
        for number in range(repeat + 1):
            for name, code in programs.items():
                seconds = number_from_new_process(code, cache)
                if number:
                    times[name].append(seconds)
    print("\nstart of a process (s)")
    for name, seconds_list in times.items():
        print(f"  {name:34} {statistics.median(seconds_list):10.3f}")
    beyond = statistics.median(b - a for a, b in zip(times["import xarray"], times["import fieldgrad"], strict=True))
    first = statistics.median(
        b / a
        for a, b in zip(times["trivial cached parallel function"], times["first gradient, warm cache"], strict=True)
    )
    print(f"  import fieldgrad beyond import xarray: {beyond:.3f} s  (goal 0.15)")
    print(f"  first gradient over first trivial function: {first:.2f}  (goal 1.3)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="points along each axis of the large fields")
    parser.add_argument("--repeat", type=int, default=7, help="rounds")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {numba.get_num_threads()} threads, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, numba {numba.__version__}, xarray {xr.__version__}"
    )
    tables(options.repeat)
    small_field(options.repeat)
    start_up(options.repeat)
    large_fields(options.size, options.repeat)


if __name__ == "__main__":
    main()
