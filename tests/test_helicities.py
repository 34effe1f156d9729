# SPDX-License-Identifier: BSD-3-Clause
"""Helicity and relative helicity: Beltrami and other known flows, labels and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

EPS = np.finfo(np.float64).eps
BOTH = [fg.helicity, fg.relative_helicity]


def stretched(n: int) -> np.ndarray:
    return np.tanh(1.2 * np.linspace(-1, 1, n)) / np.tanh(1.2)


def line(dim: str, n: int) -> xr.DataArray:
    return xr.DataArray(stretched(n), {dim: (dim, stretched(n), {"units": "m"})}, [dim])


X, Y, Z = line("x", 8), line("y", 7), line("z", 6)


def flow(*components: xr.DataArray) -> xr.Dataset:
    whole = X * Y * Z
    return xr.Dataset(
        {
            name: field.broadcast_like(whole).transpose("z", "y", "x").assign_attrs(units="m s-1")
            for name, field in zip("uvw", components, strict=True)
        }
    )


# differences of second degree are exact; the curl is (2 y z - x, x^2 - 2 x z, z - 2 y)
POLYNOMIAL = flow(Y**2, X * Z, Y**2 * Z + X * Z**2 - X**2 * Z)
CURL = ((2 * Y * Z - X), -(Z**2 - 2 * X * Z), (Z - 2 * Y))


def exact() -> tuple[xr.DataArray, xr.DataArray]:
    u = (POLYNOMIAL.u, POLYNOMIAL.v, POLYNOMIAL.w)
    product = u[0] * CURL[0] + u[1] * CURL[1] + u[2] * CURL[2]
    squares = [a[0] ** 2 + a[1] ** 2 + a[2] ** 2 for a in (u, CURL)]
    return product.transpose("z", "y", "x"), np.sqrt(squares[0] * squares[1]).transpose("z", "y", "x")


def test_helicity_of_polynomials_is_exact() -> None:
    product, norms = exact()
    assert float(norms.min()) > 1e-3
    np.testing.assert_allclose(fg.helicity(POLYNOMIAL).values, product.values, rtol=0, atol=1e-12)
    np.testing.assert_allclose(fg.relative_helicity(POLYNOMIAL).values, (product / norms).values, rtol=0, atol=1e-10)


@pytest.mark.parametrize("handedness", [1, -1])
def test_the_vorticity_of_a_beltrami_flow_lies_along_its_velocity(handedness: int) -> None:
    circle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    # without stagnation points; all differences scale each sine by the same factor, so the angle is exact
    ds = fg.flows.abc(circle, circle, circle, a=1.0, b=0.7, c=0.4).dataset
    grid = fg.infer_grid(ds, periodic=["x", "y", "z"])
    if handedness < 0:  # a mirror image turns the other way
        ds = ds.assign(u=-ds.u).isel(x=slice(None, None, -1)).assign_coords(x=ds.x)
    relative = fg.relative_helicity(ds, grid=grid)
    np.testing.assert_allclose(relative.values, handedness, rtol=0, atol=20 * EPS)
    factor = np.sin(circle[1]) / circle[1]
    square = ds.u**2 + ds.v**2 + ds.w**2
    np.testing.assert_allclose(fg.helicity(ds, grid=grid).values, handedness * factor * square.values, atol=1e-14)


def test_relative_helicity_converges_on_a_stretched_grid() -> None:
    errors = []
    for n in (8, 16):
        ds = fg.flows.abc(stretched(n), stretched(n + 1), stretched(n + 2), a=1.0, b=0.7, c=0.4).dataset
        relative = fg.relative_helicity(ds)
        assert float(abs(relative).max()) <= 1 + 20 * EPS
        errors.append(float((1 - relative).max()))
    # the cosine of an angle that is of second order
    assert errors[0] < 0.05
    assert errors[0] / errors[1] > 2**3


def test_motion_along_the_axis_of_a_rotation() -> None:
    up = flow(-Y, X, 3.0 + 0 * Z)  # w = (0, 0, 2)
    np.testing.assert_allclose(fg.helicity(up).values, 6.0, rtol=1e-13)
    cosine = (3 / np.sqrt(X**2 + Y**2 + 9)).broadcast_like(up.u).transpose("z", "y", "x")
    np.testing.assert_allclose(fg.relative_helicity(up).values, cosine.values, rtol=1e-13)


def test_relative_helicity_is_not_defined_where_a_vector_vanishes() -> None:
    rest, potential = flow(0 * X, 0 * Y, 0 * Z), flow(1 + 0 * X, 2 + 0 * Y, 0 * Z)
    for ds in (rest, potential):
        assert not fg.helicity(ds).any()
        assert bool(np.isnan(fg.relative_helicity(ds)).all())
    # of a rotation the velocity vanishes on the axis
    on_axis = flow(X - X[3], Y * 0, 0 * Z) + flow(Z - Z[2], 0 * X, X[3] - X)
    found = fg.relative_helicity(on_axis.assign(v=0 * on_axis.v))
    assert bool(np.isnan(found.isel(x=3, z=2)).all())
    assert int(np.isnan(found).sum()) == len(Y)


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_relative_helicity_does_not_depend_on_the_size_of_the_velocity(scale: float) -> None:
    expected = fg.relative_helicity(POLYNOMIAL)
    np.testing.assert_allclose(fg.relative_helicity(POLYNOMIAL * scale).values, expected.values, rtol=1e-9)


def test_names_attributes_coordinates_and_dtypes() -> None:
    ds = POLYNOMIAL.assign_coords(station=("x", list("abcdefgh")), run=7)
    wanted = {"helicity": ("u . w", "m s-2"), "relative_helicity": ("(u . w)/(|u||w|)", "1")}
    for function, (name, (definition, unit)) in zip(BOTH, wanted.items(), strict=True):
        expected = function(POLYNOMIAL)
        found = function(ds)
        assert found.name == name
        assert found.dims == ("z", "y", "x")
        assert found.attrs.pop("long_name").strip()
        assert found.attrs.pop("fieldgrad_grid") == fg.infer_grid(ds).description
        assert found.attrs == {"fieldgrad_definition": definition, "units": unit}
        for key in ("station", "run", "x", "y", "z"):
            xr.testing.assert_identical(found.coords[key].variable, ds.coords[key].variable)
        single = function(POLYNOMIAL.astype("f4"))
        assert single.dtype == np.float32
        np.testing.assert_allclose(single.values, expected.values, rtol=0, atol=1e-3)
        stacked = xr.concat([ds.w, ds.u, ds.v], xr.Variable("component", ["z", "x", "y"]))
        np.testing.assert_array_equal(function(stacked).values, expected.values)
        renamed = POLYNOMIAL.rename(u="a", v="b", w="c")
        np.testing.assert_array_equal(function(renamed, components=("a", "b", "c")).values, expected.values)
        times = xr.concat([POLYNOMIAL, 2 * POLYNOMIAL], "time").transpose("y", "time", "x", "z")
        found = function(times)
        assert found.dims == ("y", "time", "x", "z")
        factor = 4 if name == "helicity" else 1
        np.testing.assert_allclose(
            found.isel(time=1).transpose("z", "y", "x").values, factor * expected.values, rtol=1e-9, atol=1e-12
        )
    kilometres = POLYNOMIAL.assign_coords({dim: (dim, POLYNOMIAL[dim].values, {"units": "km"}) for dim in "xyz"})
    assert fg.helicity(kilometres).attrs["units"] == "m2 s-2 km-1"
    assert "units" not in fg.helicity(POLYNOMIAL.drop_attrs()).attrs


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("obj", "error", "message"),
    [
        (
            POLYNOMIAL.isel(z=0),
            ValueError,
            r"obj: '\w+' is defined in 3-D flows; this one has 2 directions \(x, y\), and .*; pass a flow in space",
        ),
        (POLYNOMIAL.isel(z=0, y=0), ValueError, r"this one has 1 direction \(x\)"),
        (POLYNOMIAL.drop_vars("w"), ValueError, r"components: found \('u', 'v'\) .* needs 3 components"),
        (
            POLYNOMIAL + 0j,
            TypeError,
            r"\w+: is not linear, so it is not defined for a complex velocity; pass its real part",
        ),
        (POLYNOMIAL.u.values, TypeError, r"obj: is a ndarray; pass an xarray Dataset or DataArray"),
        (
            POLYNOMIAL.assign_coords(z=("z", np.arange(6.0), {"units": "hPa"})),
            ValueError,
            r"grid: dimension 'z' is a pressure coordinate",
        ),
    ],
)
def test_refusals(function: Callable[[Any], Any], obj: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        function(obj)
