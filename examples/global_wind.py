# SPDX-License-Identifier: BSD-3-Clause
"""
Vorticity of a wind on the globe
================================

Vorticity and divergence of a wind on the globe: a Rossby-Haurwitz wave, whose values are known.

The stream function a^2 (-w sin(lat) + K cos^4(lat) sin(lat) cos(4 lon)), a the radius of the earth, is a usual first
test of models of the atmosphere. Its wind has no divergence, and its vorticity is known in closed form. Longitude and
latitude are in degrees: the grid finds by itself that it is a sphere, and that the longitude closes. The poles are
nodes like all others. The example prints the largest errors with nodes every 5 and every 2.5 degrees, about a
fourth of those before, and draws the vorticity into global_wind.png.

The formulas are test 6 of D. L. Williamson and others, A standard test set for numerical approximations to the shallow
water equations in spherical geometry, J. Comput. Phys. 102 (1992). Run it with ``python examples/global_wind.py``; it
needs matplotlib.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

import fieldgrad as fg

RADIUS = 6.3712e6  # m, what fieldgrad takes by default
RATE = 7.848e-6  # s-1, both w and K
WAVES = 4


def rossby_haurwitz(step: float) -> tuple[xr.Dataset, xr.DataArray]:
    """Return the wind on a grid with nodes every `step` degrees, and its exact vorticity."""
    lat = xr.DataArray(np.linspace(-90, 90, round(180 / step) + 1), dims="lat", attrs={"units": "degrees_north"})
    lon = xr.DataArray(np.arange(0, 360, step), dims="lon", attrs={"units": "degrees_east"})
    ds = xr.Dataset(coords={"lat": lat, "lon": lon})
    sine, cosine, phase = np.sin(np.deg2rad(ds.lat)), np.cos(np.deg2rad(ds.lat)), WAVES * np.deg2rad(ds.lon)
    power = cosine ** (WAVES - 1)
    ds["u"] = RADIUS * RATE * (cosine + power * (WAVES * sine**2 - cosine**2) * np.cos(phase))
    ds["v"] = -RADIUS * RATE * WAVES * power * sine * np.sin(phase)
    for name in "uv":
        ds[name].attrs["units"] = "m s-1"
    waves = (WAVES**2 + 3 * WAVES + 2) * sine * cosine**WAVES * np.cos(phase)
    return ds, RATE * (2 * sine - waves)


def main() -> None:
    """Compute, compare, print and draw."""
    for step in (5.0, 2.5):
        ds, exact = rossby_haurwitz(step)
        out = fg.derive(ds, ["vorticity", "divergence"])
        largest = abs(exact).max()
        # a point without a value, at a pole say, makes these NaN
        error = float(abs(out.vorticity - exact).max(skipna=False) / largest)
        rest = float(abs(out.divergence).max(skipna=False) / largest)
        print(f"every {step} degrees: vorticity off by {error:.1e} of the largest, divergence {rest:.1e} of that")
    print(f"\n{fg.infer_grid(ds)}")
    if not max(error, rest) < 0.005:
        raise SystemExit("that is more than differences on this grid should be off by")
    axes = fg.plot.slice(out.vorticity)
    axes.figure.savefig("global_wind.png", dpi=120)
    print("\nwritten: global_wind.png")


if __name__ == "__main__":
    main()
