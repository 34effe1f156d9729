# SPDX-License-Identifier: BSD-3-Clause
"""`import fieldgrad` is light: what only some calls need comes with the first of them."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import xarray as xr

HEAVY = (
    "cf_xarray",
    "dask",
    "jax",
    "matplotlib",
    "netCDF4",
    "numba",
    "pint",
    "pyvista",
    "rich",
    "scipy",
    "sympy",
    "torch",
    "typer",
    "zarr",
)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy_beyond_xarray() -> None:
    beyond_xarray = loaded_by("import fieldgrad") - loaded_by("import xarray")
    assert beyond_xarray & set(HEAVY) == set()


def test_version_is_that_of_the_installed_package() -> None:
    import fieldgrad

    assert fieldgrad.__version__ == version("fieldgrad")


def test_completion_offers_public_names_only() -> None:
    import fieldgrad

    assert dir(fieldgrad) == sorted(fieldgrad.__all__)
    assert all(hasattr(fieldgrad, name) for name in dir(fieldgrad))
    assert "labelled" in vars(fieldgrad)
    for module in (fieldgrad.array, fieldgrad.flows, fieldgrad.plot):
        assert dir(module) == sorted(module.__all__)
        assert all(hasattr(module, name) for name in dir(module))
    for accessor in (xr.Dataset().fieldgrad, xr.DataArray(1.0).fieldgrad):
        offered = [name for name in dir(accessor) if name[0] != "_"]
        assert {"derive", "mean", "sample", "velocity_gradient"} <= set(offered)
        assert all(callable(getattr(accessor, name)) for name in offered)
