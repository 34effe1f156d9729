# SPDX-License-Identifier: BSD-3-Clause
"""
Jacobian at a point between nodes
=================================

The Jacobian of a symbolic flow at a point between the nodes, by sympy and by fg.sample.

The flow is known as formulas and as values on a stretched grid. Sympy differentiates the formulas; fg.sample sees the
values alone, and comes closer the higher its order of accuracy is.

Run it with ``python examples/jacobian_at_a_point.py``; it needs sympy.
"""

from __future__ import annotations

import numpy as np
import sympy

import fieldgrad as fg

POINT = {"x": 0.83, "y": -0.41, "z": 1.27}


def main() -> None:
    """Compute both, compare and print."""
    x, y, z = sympy.symbols("x y z")
    flow = sympy.Matrix([sympy.sin(x) * sympy.cos(2 * y) + z, sympy.exp(-(y**2)) * z, x * y * sympy.cos(z)])
    exact = np.array(flow.jacobian([x, y, z]).subs(POINT).evalf(), float)
    print("exact du_i/dx_j at", POINT)
    print(exact.round(6))

    nodes = 2 * np.tanh(np.linspace(-1.5, 1.5, 41)) / np.tanh(1.5)
    ds = fg.flows.from_sympy(list(flow), x=nodes, y=nodes, z=nodes).dataset
    print("\naccuracy  largest error of fg.sample")
    for accuracy in (2, 4, 6, 8):
        grid = fg.infer_grid(ds, accuracy=accuracy)
        found = fg.sample(ds, POINT, ["value", "velocity_gradient"], grid=grid).velocity_gradient
        print(f"{accuracy:8d}  {abs(found.values - exact).max():.1e}")


if __name__ == "__main__":
    main()
