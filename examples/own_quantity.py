# SPDX-License-Identifier: BSD-3-Clause
"""
A quantity of one's own
=======================

A quantity of one's own, compiled into the same pass as those that are built in.

The share of shear in a motion, ``2 |D| |W| / (|D|^2 + |W|^2)``, is one in pure shear, and zero in pure strain and in
pure rotation. In a Lamb-Oseen vortex the core turns as a solid does, its rim is sheared, and far outside there is
strain alone. The picture is written to own_quantity.png.

Run it with ``python examples/own_quantity.py``; it needs matplotlib.
"""

from __future__ import annotations

import math

import numpy as np

import fieldgrad as fg


def shear_share(L):  # type: ignore[no-untyped-def]
    """Return 2 |D| |W| / (|D|^2 + |W|^2) of a 3 x 3 tuple."""
    strain, spin = 0.0, 0.0
    for i in range(3):
        for j in range(3):
            strain += (0.5 * (L[i][j] + L[j][i])) ** 2
            spin += (0.5 * (L[i][j] - L[j][i])) ** 2
    return 2 * math.sqrt(strain * spin) / (strain + spin)


def main() -> None:
    """Register, compute, print and draw."""
    record = fg.Quantity(
        "shear_share",
        shear_share,
        power=0,
        symbol="s",
        definition="2 |D||W|/(|D|^2 + |W|^2)",
        long_name="share of shear",
    )
    fg.register_quantity(record)
    x = np.linspace(-1, 1, 81)
    flow = fg.flows.lamb_oseen(x, x)
    out = fg.derive(flow.dataset, ["shear_share", "vorticity_magnitude"])
    line = out.shear_share.sel(y=0, method="nearest")
    for distance in (0.0, 0.1, 0.2, 0.3, 0.5, 1.0):
        print(f"r = {distance:3.1f}: share of shear {float(line.sel(x=distance, method='nearest')):.2f}")
    axes = fg.plot.slice(out.shear_share)
    axes.figure.savefig("own_quantity.png", dpi=120)
    print("written: own_quantity.png")


if __name__ == "__main__":
    main()
