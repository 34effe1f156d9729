# SPDX-License-Identifier: BSD-3-Clause
"""The same work as plain loops in C with OpenMP, compiled by gcc: what one gets who writes it out by hand.

Each node of an axis has three weights, those of one-sided differences at its ends. All is computed at a point while its
derivatives are in registers, without arrays in between.
"""

from __future__ import annotations

import ctypes
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numba
import numpy as np

import fieldgrad as fg

FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC")

# Along x and y the middle one of three nodes is moved into the field at the ends; along z, the row, the loop is for the
# inside, and the ends are done beside it.
_LOOP = """
void {name}(
    REAL *const *in, REAL *const *out, const long *n, const REAL *wx, const REAL *wy, const REAL *wz, int threads
) {{
    const long nx = n[0], ny = n[1], nz = n[2], sx = ny * nz, sy = nz;
    const REAL *restrict az = wz, *restrict bz = wz + nz, *restrict cz = wz + 2 * nz;
    #pragma omp parallel for collapse(2) num_threads(threads)
    for (long i = 0; i < nx; i++) for (long j = 0; j < ny; j++) {{
        const long here = i * sx + j * sy;
        const long mx = ((i == 0) - (i == nx - 1)) * sx, my = ((j == 0) - (j == ny - 1)) * sy;
        const REAL ax = wx[i], bx = wx[nx + i], cx = wx[2 * nx + i];
        const REAL ay = wy[j], by = wy[ny + j], cy = wy[2 * ny + j];
        {pointers}
        #pragma omp simd
        for (long k = 1; k < nz - 1; k++) {{ const long m = k; {point} }}
        {{ const long k = 0, m = 1; {point} }}
        {{ const long k = nz - 1, m = nz - 2; {point} }}
    }}
}}
"""
_LETTERS = "uvw"
_X = "const REAL {f}x = ax * {f}[mx + k - sx] + bx * {f}[mx + k] + cx * {f}[mx + k + sx];"
_Y = "const REAL {f}y = ay * {f}[my + k - sy] + by * {f}[my + k] + cy * {f}[my + k + sy];"
_Z = "const REAL {f}z = az[k] * {f}[m - 1] + bz[k] * {f}[m] + cz[k] * {f}[m + 1];"
_L = [row + column for row in _LETTERS for column in "xyz"]
_PAIRS = [(row + column, _LETTERS["xyz".index(column)] + "xyz"[_LETTERS.index(row)]) for row, column in _L]

#: For each kind of work the number of fields and the values at a point.
POINTS: dict[str, tuple[int, list[str]]] = {
    "gradient": (1, _L[:3]),
    "velocity_gradient": (3, _L),
    "decompose": (3, [f"(REAL)0.5 * ({a} {sign} {b})" for sign in "+-" for a, b in _PAIRS]),
    "q_criterion": (3, ["(REAL)-0.5 * (ux * ux + vy * vy + wz * wz) - uy * vx - uz * wx - vz * wy"]),
    "vorticity_magnitude": (3, ["SQRT((wy - vz) * (wy - vz) + (uz - wx) * (uz - wx) + (vx - uy) * (vx - uy))"]),
    "dissipation": (
        3,
        [
            "viscosity * ((REAL)2 * (ux * ux + vy * vy + wz * wz)"
            " + (uy + vx) * (uy + vx) + (uz + wx) * (uz + wx) + (vz + wy) * (vz + wy))"
        ],
    ),
}
#: The kinematic viscosity of the dissipation.
VISCOSITY = 1e-3


def available() -> bool:
    """Whether there is a compiler."""
    return shutil.which("gcc") is not None


def source(real: str) -> str:
    """The text of all functions, in one precision."""
    root = "sqrt" if real == "double" else "sqrtf"
    parts = [f"#include <math.h>\n#define REAL {real}\n#define SQRT {root}\nstatic const REAL viscosity = {VISCOSITY};"]
    for name, (count, values) in POINTS.items():
        inputs = [f"const REAL *restrict {f} = in[{i}] + here;" for i, f in enumerate(_LETTERS[:count])]
        outputs = [f"REAL *restrict out{i} = out[{i}] + here;" for i in range(len(values))]
        used = " ".join(values)
        derivatives = [
            line.format(f=f)
            for f in _LETTERS[:count]
            for line, c in zip((_X, _Y, _Z), "xyz", strict=True)
            if f + c in used
        ]
        stores = [f"out{i}[k] = {value};" for i, value in enumerate(values)]
        point = "\n            ".join(derivatives + stores)
        parts.append(_LOOP.format(name=name, pointers="\n        ".join(inputs + outputs), point=point))
    return "\n".join(parts)


@functools.cache
def _library(dtype: np.dtype) -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        code, library = Path(folder, "plain.c"), Path(folder, "plain.so")
        code.write_text(source("double" if dtype == np.float64 else "float"), encoding="utf-8")
        subprocess.run(["gcc", *FLAGS, str(code), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))


def _weights(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Three rows: the weights of the nodes before, at and behind the middle one."""
    matrix = fg.stencils.derivative_stencil(x).matrix()
    middle = np.clip(np.arange(len(x)), 1, len(x) - 2)
    return np.stack([matrix[np.arange(len(x)), middle + shift] for shift in (-1, 0, 1)]).astype(dtype)


def prepared(
    name: str, fields: Sequence[np.ndarray], nodes: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> Callable[[], None]:
    """A call that fills the outputs; all arrays are contiguous, with three axes, and of one dtype."""
    count, values = POINTS[name]
    arrays = (*fields, *outputs)
    if len(fields) != count or len(outputs) != len(values) or not all(a.flags.c_contiguous for a in arrays):
        raise ValueError(f"{name}: takes {count} contiguous fields and {len(values)} contiguous outputs")
    dtype = fields[0].dtype
    function = getattr(_library(dtype), name)
    weights = [_weights(x, dtype) for x in nodes]
    sizes = np.array(fields[0].shape, np.int64)
    addresses = [np.array([array.ctypes.data for array in part], np.uintp) for part in (fields, outputs)]
    arguments = [ctypes.c_void_p(array.ctypes.data) for array in (*addresses, sizes, *weights)]
    threads = ctypes.c_int(numba.get_num_threads())
    kept = (arrays, weights, sizes, addresses)  # their memory is in use as long as the call exists

    def run(kept: object = kept) -> None:
        function(*arguments, threads)

    return run
