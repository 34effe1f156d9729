# SPDX-License-Identifier: BSD-3-Clause
"""
A first notebook
================

From coordinates to derived fields and pictures, cell by cell, as one works in a notebook.

The notebook itself can be downloaded at the end of this page. As a script, ``python examples/first_notebook.py``, it
prints the numbers and writes the last picture to first_notebook.png; it needs matplotlib.

The flow is a Taylor-Green vortex, whose derivatives are known exactly. It repeats along x and z; along y the points
are closer near the two ends.
"""

from __future__ import annotations

import numpy as np

import fieldgrad as fg

x = np.linspace(0, 2 * np.pi, 48, endpoint=False)
y = np.pi + np.pi * np.tanh(np.linspace(-1.5, 1.5, 65)) / np.tanh(1.5)
flow = fg.flows.taylor_green(x, y, x)
ds = flow.dataset

# %%
# What the library understands of the coordinates is a table. A period is never guessed, hence ``periodic``.

grid = fg.infer_grid(ds, periodic=["x", "z"], accuracy=4)
grid

# %%
# The spacing along each axis, and how fast it changes:

fg.plot.grid_quality(grid)

# %%
# Any number of quantities comes from one pass over the velocity. They carry names, units, the formula, and the grid
# they were computed on. The first call compiles its kernel, which takes seconds, once on a machine.

out = fg.derive(ds, ["vorticity", "q_criterion", "dissipation"], grid=grid, viscosity=1e-5)
out

# %%
# The exact values tell the errors:

for name in ("vorticity", "q_criterion"):
    error = float(abs(out[name] - flow.exact(name)).max())
    print(f"{name:12} largest error {error:.0e} {out[name].units}, largest value {float(abs(out[name]).max()):.2f}")

# %%
# A slice has colours that are neutral at zero where a field has both signs.

fg.plot.slice(out.vorticity, component="z", z=0.8)

# %%
# Vortices are where :math:`Q` is positive.

axes = fg.plot.isosurface(out.q_criterion, 0.25, colour=out.dissipation)
axes.figure.savefig("first_notebook.png", dpi=120)

# %%
# All that ``derive`` knows, with functions of your own among it once they are registered:

fg.quantities()
