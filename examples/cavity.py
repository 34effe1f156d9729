# SPDX-License-Identifier: BSD-3-Clause
"""
Lid-driven cavity
=================

A square cavity, driven by its lid at a Reynolds number of 100, against the numbers of others.

A small solver finds the steady flow: the stream function psi on nodes that gather at the walls, by Newton's method,
with differences of second order, sparse matrices of scipy, and the vorticity at walls from the two nodes beside them.
The velocity goes to fieldgrad, which knows nothing of psi. The curl must come back as the vorticity of the solver, at
the rate of second order, and the divergence is zero to rounding, as differences along x and along y commute.

The extreme velocities on the centre lines are compared with the tables of U. Ghia, K. N. Ghia and C. T. Shin, J.
Comput. Phys. 48 (1982), and with those of O. Botella and R. Peyret, Computers & Fluids 27 (1998), whose method is
spectral. The picture is written to cavity.png.

Run it with ``python examples/cavity.py``; it needs matplotlib and scipy.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy import sparse
from scipy.sparse.linalg import splu

import fieldgrad as fg

REYNOLDS = 100
# Ghia and others: where and what; Botella and Peyret
EXTREMES = {
    "least u": (0.4531, -0.21090, -0.2140424),
    "largest v": (0.2344, 0.17527, 0.1795728),
    "least v": (0.8047, -0.24533, -0.2538030),
}


def tables(x: Any) -> tuple[Any, Any]:
    """Return matrices of first and second derivatives at the inner nodes: three nodes, second order."""
    before, after = np.diff(x)[:-1], np.diff(x)[1:]
    first = [-after / before, after / before - before / after, before / after] / (before + after)
    second = [1 / before, -1 / before - 1 / after, 1 / after] / ((before + after) / 2)
    shape = (len(x) - 2, len(x))
    return tuple(sparse.diags_array(list(rows), offsets=[0, 1, 2], shape=shape) for rows in (first, second))


def solve(count: int) -> xr.Dataset:
    """Return velocity and vorticity of the steady flow on count x count nodes."""
    x = (1 + np.tanh(np.linspace(-1, 1, count)) / np.tanh(1)) / 2
    first, second = tables(x)
    # inner nodes among all; the vorticity at walls is w in psi = -U n + w n^2/2 + c n^3, n the distance from the wall
    put = sparse.eye_array(count, count - 2, k=-1).tocsr()
    near, far = x[1:3]
    scale = near**2 * far**3 - far**2 * near**3
    twice = sparse.lil_array((count, count - 2))
    twice[1:-1] = second @ put
    twice[[0, -1], [0, -1]], twice[[0, -1], [1, -2]] = 2 * far**3 / scale, -2 * near**3 / scale
    lid = np.zeros((count, count))
    lid[1:-1, -1] = -2 * (near * far**3 - far * near**3) / scale

    def along(one: Any, other: Any) -> Any:
        return sparse.kron(one, other, format="csr")

    inner = put.T
    vorticity = -along(twice, put) - along(put, twice)
    d_dx, d_dy = along(first, inner), along(inner, first)
    laplacian = along(second, inner) + along(inner, second)
    u_of, v_of = d_dy @ along(put, put), -d_dx @ along(put, put)
    psi, step = np.zeros((count - 2) ** 2), np.inf
    while np.abs(step).max() > 1e-10:
        w = vorticity @ psi + lid.ravel()
        u, v, w_x, w_y = u_of @ psi, v_of @ psi, d_dx @ w, d_dy @ w
        transport = sparse.diags_array(u) @ d_dx + sparse.diags_array(v) @ d_dy - laplacian / REYNOLDS
        slope = transport @ vorticity + sparse.diags_array(w_x) @ u_of + sparse.diags_array(w_y) @ v_of
        step = splu(slope.tocsc()).solve(transport @ w)
        psi = psi - step
    fields = {"u": put @ u.reshape(count - 2, -1) @ inner, "v": put @ v.reshape(count - 2, -1) @ inner}
    fields["u"][:, -1] = 1
    fields["w"] = w.reshape(count, count)
    fields["psi"] = put @ psi.reshape(count - 2, -1) @ inner
    return xr.Dataset({name: (("x", "y"), field) for name, field in fields.items()}, {"x": x, "y": x})


def peak(line: xr.DataArray) -> float:
    """Return the largest value of a parabola through the largest value of a line and its neighbours."""
    (dim,) = line.dims
    top = int(line.argmax(dim))
    a, b, c = np.polyfit(line[dim][top - 1 : top + 2], line[top - 1 : top + 2], 2)
    return float(c - b**2 / (4 * a))


def main() -> None:
    """Solve, differentiate, compare, print and draw."""
    print("nodes  vorticity off by  largest divergence")
    errors = []
    for count in (33, 65, 129):
        ds = solve(count)
        out = fg.derive(ds[["u", "v"]], ["vorticity", "divergence"])
        # towards the corners beside the lid the vorticity grows without bound, and no difference converges
        core = {"x": slice(0.1, 0.9), "y": slice(0.1, 0.9)}
        errors.append(float(abs(out.vorticity - ds.w).sel(core).max() / abs(ds.w).sel(core).max()))
        rest = float(abs(out.divergence)[1:-1, 1:-1].max())
        print(f"{count:5d}  {errors[-1]:16.4f}  {rest:18.0e}")

    u, v = ds.u.interp(x=0.5), ds.v.interp(y=0.5)
    found = {"least u": -peak(-u), "largest v": peak(v), "least v": -peak(-v)}
    print("\ncentre lines      here  Ghia et al.  difference  Botella, Peyret  difference")
    for name, (_, ghia, botella) in EXTREMES.items():
        here, apart = found[name], [found[name] / other - 1 for other in (ghia, botella)]
        print(f"{name:10}{here:12.5f}  {ghia:11.5f}  {apart[0]:10.1%}  {botella:15.5f}  {apart[1]:10.1%}")
    if not (errors[2] < errors[1] / 3 < errors[0] / 9 and rest < 1e-11):
        raise SystemExit("the derivatives are not those of the flow")
    if not all(abs(found[name] / botella - 1) < 0.005 for name, (_, _, botella) in EXTREMES.items()):
        raise SystemExit("the flow is another one")

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    fg.plot.slice(out.vorticity, left, x="x")
    left.collections[0].set_clim(-6, 6)  # the corners would leave the rest without colour
    left.contour(ds.x, ds.y, ds.psi.T, np.linspace(-0.1, -0.01, 10), colors="k", linestyles="-", linewidths=0.7)
    left.set(title="vorticity and stream lines", aspect="equal")
    right.plot(ds.y, u, label="u along y")
    right.plot(ds.x, v, label="v along x")
    at, what, _ = zip(*EXTREMES.values(), strict=True)
    right.plot(at, what, "ko", markerfacecolor="none", label="extremes of Ghia et al.")
    right.set(xlabel="y or x", ylabel="velocity / that of the lid", title="centre lines")
    right.legend(frameon=False)
    figure.savefig("cavity.png", dpi=120)
    print("\nwritten: cavity.png")


if __name__ == "__main__":
    main()
