# SPDX-License-Identifier: BSD-3-Clause
"""Generalised Newtonian fluids: limits of the models, the stress in known flows, labels and refusals."""

from __future__ import annotations

import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

RATES = np.array([0.0, 1e-6, 0.02, 0.5, 1.0, 3.0, 1e4, 1e9])
MODELS = {
    "power law": fg.PowerLaw(consistency=2.0, index=0.4),
    "thickening": fg.PowerLaw(consistency=2.0, index=1.6),
    "carreau": fg.Carreau(zero_shear=5.0, infinite_shear=0.1, time_constant=3.0, index=0.3),
    "yasuda": fg.Carreau(zero_shear=5.0, infinite_shear=0.1, time_constant=3.0, index=0.3, transition=0.7),
    "cross": fg.Cross(zero_shear=5.0, infinite_shear=0.1, time_constant=3.0, exponent=2 / 3),
}


def formula(model: Any, rate: float) -> mpmath.mpf:
    """The models in 40 digits, from the records' parameters."""
    g = mpmath.mpf(rate)
    if isinstance(model, fg.PowerLaw):
        return mpmath.mpf(model.consistency) * g ** (mpmath.mpf(model.index) - 1)
    low, span = mpmath.mpf(model.infinite_shear), mpmath.mpf(model.zero_shear) - mpmath.mpf(model.infinite_shear)
    if isinstance(model, fg.Cross):
        return low + span / (1 + (model.time_constant * g) ** mpmath.mpf(model.exponent))
    a = mpmath.mpf(model.transition)
    return low + span * (1 + (model.time_constant * g) ** a) ** ((mpmath.mpf(model.index) - 1) / a)


# ---------------------------------------------------------------------------------------------------------
# the models


@pytest.mark.parametrize("name", MODELS)
def test_viscosities_are_those_of_the_formulas(name: str) -> None:
    model = MODELS[name]
    rates = RATES[1:]
    with mpmath.workdps(40):
        exact = np.array([float(formula(model, rate)) for rate in rates])
    np.testing.assert_allclose(model(rates), exact, rtol=1e-14)
    single = model(rates.astype("f4"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=3e-6)
    np.testing.assert_array_equal(model(np.arange(1, 4)), model(np.arange(1.0, 4.0)))
    assert model(np.ones((2, 3))).shape == (2, 3)
    assert model(1.0).shape == ()


@pytest.mark.parametrize(
    ("name", "at_rest", "at_infinity"),
    [
        ("power law", np.inf, 0.0),
        ("thickening", 0.0, np.inf),
        ("carreau", 5.0, 0.1),
        ("yasuda", 5.0, 0.1),
        ("cross", 5.0, 0.1),
    ],
)
def test_limits_without_warnings(name: str, at_rest: float, at_infinity: float) -> None:
    rates = np.array([0.0, np.inf, np.nan, 1e300, 5e-324])
    found = MODELS[name](rates)
    np.testing.assert_array_equal(found[:3], [at_rest, at_infinity, np.nan])
    assert bool((found[3:] >= 0).all())
    if np.isfinite([at_rest, at_infinity]).all():
        np.testing.assert_allclose(found[3:], [at_infinity, at_rest], rtol=1e-12)


def test_models_become_one_another() -> None:
    newtonian = np.full(RATES.shape, 5.0)
    np.testing.assert_array_equal(fg.PowerLaw(5.0, 1.0)(RATES), newtonian)
    np.testing.assert_array_equal(fg.Carreau(5.0, 0.1, 3.0, 1.0)(RATES), newtonian)
    # a Carreau fluid far above 1/lambda is a power-law fluid
    fast = np.array([1e6, 1e9])
    carreau = fg.Carreau(5.0, 0.0, 3.0, 0.4)
    np.testing.assert_allclose(carreau(fast), fg.PowerLaw(5.0 * 3.0 ** (0.4 - 1), 0.4)(fast), rtol=1e-12)
    # Yasuda's exponent 1 - n makes it the model of Cross with m = 1 - n
    yasuda, cross = fg.Carreau(5.0, 0.1, 3.0, 0.4, transition=0.6), fg.Cross(5.0, 0.1, 3.0, 0.6)
    np.testing.assert_allclose(yasuda(RATES), cross(RATES), rtol=1e-13)
    # large transitions: a corner at 1/lambda, where (1 + s^a)^(1/a) becomes max(1, s) and s^a alone overflows
    corner = fg.Carreau(5.0, 0.0, 3.0, 0.5, transition=2000.0)
    rates = np.array([0.1, 10.0])
    np.testing.assert_allclose(corner(rates), 5.0 * np.maximum(1.0, 3.0 * rates) ** -0.5, rtol=1e-12)


def test_records_are_frozen_plain_and_travel() -> None:
    model = fg.Carreau(np.float64(5), 0, 3, np.float32(0.5))
    assert repr(model) == ("Carreau(zero_shear=5.0, infinite_shear=0.0, time_constant=3.0, index=0.5, transition=2.0)")
    assert model == fg.Carreau(5.0, 0.0, 3.0, 0.5, 2.0)
    assert hash(model) == hash(pickle.loads(pickle.dumps(model)))
    with pytest.raises(AttributeError):
        model.index = 0.1
    # a parameter of double precision does not widen a field of single precision
    assert model(np.ones(2, "f4")).dtype == np.float32


@pytest.mark.parametrize(
    ("model", "given", "error", "message"),
    [
        (fg.PowerLaw, (0.0, 0.5), ValueError, r"consistency: is 0 in PowerLaw; it must be positive and finite"),
        (fg.PowerLaw, (1.0, -0.5), ValueError, r"index: is -0.5 in PowerLaw; it must be positive"),
        (fg.PowerLaw, (1.0, np.nan), ValueError, r"index: is nan in PowerLaw; it must be positive and finite"),
        (fg.PowerLaw, ("1", 0.5), TypeError, r"consistency: is '1' in PowerLaw; pass a real number"),
        (fg.PowerLaw, (1.0, True), TypeError, r"index: is True in PowerLaw; pass a real number"),
        (fg.PowerLaw, (1.0, 1j), TypeError, r"index: is 1j in PowerLaw; pass a real number"),
        (fg.Carreau, (1.0, -0.1, 1.0, 0.5), ValueError, r"infinite_shear: is -0.1 in Carreau; it must be not negative"),
        (fg.Carreau, (0.0, 0.1, 1.0, 0.5), ValueError, r"zero_shear: is 0 in Carreau; it must be positive"),
        (fg.Carreau, (1.0, 0.1, 0.0, 0.5), ValueError, r"time_constant: is 0 in Carreau"),
        (fg.Carreau, (1.0, 0.1, 1.0, -1.0), ValueError, r"index: is -1 in Carreau; it must be not negative"),
        (fg.Carreau, (1.0, 0.1, 1.0, 0.5, 0.0), ValueError, r"transition: is 0 in Carreau"),
        (fg.Cross, (1.0, 0.1, np.inf, 0.5), ValueError, r"time_constant: is inf in Cross; it must be positive and fin"),
        (fg.Cross, (1.0, 0.1, 1.0, 0.0), ValueError, r"exponent: is 0 in Cross; it must be positive"),
        (fg.Cross, (1.0, None, 1.0, 0.5), TypeError, r"infinite_shear: is None in Cross; pass a real number"),
    ],
)
def test_parameters_out_of_range_are_refused(
    model: Any, given: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        model(*given)


# ---------------------------------------------------------------------------------------------------------
# labelled viscosities


def test_apparent_viscosity_is_labelled() -> None:
    rate = xr.DataArray(
        RATES.reshape(2, 4).astype("f4"),
        {"x": [0.0, 1.0, 2.0, 4.0], "run": 7, "station": ("x", list("abcd"))},
        ("y", "x"),
        "shear_rate",
        {"units": "s-1", "standard_name": "something"},
    )
    model = MODELS["cross"]
    found = fg.apparent_viscosity(rate, model)
    assert found.name == "apparent_viscosity"
    assert found.dims == ("y", "x")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.values, model(rate.values))
    assert found.attrs == {
        "long_name": "apparent viscosity",
        "fieldgrad_definition": "infinite_shear + (zero_shear - infinite_shear)/(1 + (time_constant gamma)^exponent), "
        "Cross(zero_shear=5.0, infinite_shear=0.1, time_constant=3.0, exponent=0.6666666666666666)",
        "units": "Pa s",
    }
    xr.testing.assert_identical(found.coords.to_dataset(), rate.coords.to_dataset())
    for attrs in ({}, {"units": "h-1"}, {"units": "1 per tick"}):
        assert "units" not in fg.apparent_viscosity(rate.drop_attrs().assign_attrs(attrs), model).attrs
    # cells without data stay without
    assert np.isnan(fg.apparent_viscosity(rate.where(rate < 1), model).values[1]).all()


@pytest.mark.parametrize(
    ("rate", "model", "error", "message"),
    [
        (
            xr.DataArray([1.0, -2.0, np.nan]),
            MODELS["cross"],
            ValueError,
            r"shear_rate: is -2 somewhere; it is a magnitude, sqrt\(2 D:D\), and is not negative \(abs\(shear_rate\)",
        ),
        (xr.DataArray([1j]), MODELS["cross"], TypeError, r"shear_rate: has dtype complex128; it must hold real num"),
        (xr.DataArray(["a"]), MODELS["cross"], TypeError, r"shear_rate: has dtype <U1, which cannot be differ"),
        (np.ones(3), MODELS["cross"], TypeError, r"shear_rate: is a ndarray; pass an xarray DataArray"),
        (1.0, MODELS["cross"], TypeError, r"shear_rate: is a float; pass an xarray DataArray"),
        (xr.DataArray([1.0]), np.sqrt, TypeError, r"model: is <ufunc 'sqrt'>; pass a PowerLaw, a Carreau or a Cross"),
        (xr.DataArray([1.0]), fg.PowerLaw, TypeError, r"model: is <class .*; pass a PowerLaw, a Carreau or a Cross"),
    ],
)
def test_what_has_no_apparent_viscosity_is_refused(rate: Any, model: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fg.apparent_viscosity(rate, model)


# ---------------------------------------------------------------------------------------------------------
# the stress


def stretched(low: float, high: float, n: int) -> np.ndarray:
    return (low + high) / 2 + (high - low) / 2 * np.tanh(1.2 * np.linspace(-1, 1, n)) / np.tanh(1.2)


X = stretched(0.0, 2.0, 6)


def test_poiseuille_flow_of_a_power_law_fluid() -> None:
    """Between plates at y = -h and h: u = n/(n+1) (G/K)^(1/n) (h^(1+1/n) - |y|^(1+1/n)), and the shear stress -G y."""
    sympy = pytest.importorskip("sympy")
    y = sympy.Symbol("y", real=True)
    G, K, h = 1.7, 0.6, 1.0
    n = sympy.Rational(1, 2)
    power = 1 + 1 / n  # 3: differences of fourth order are exact on one side of the axis
    profile = n / (n + 1) * (G / K) ** 2 * (h**power - sympy.Abs(y) ** power)
    nodes = stretched(0.2, h, 8)
    flow = fg.flows.from_sympy([profile, 0], x=X, y=nodes).dataset
    grid = fg.infer_grid(flow, accuracy=4)
    stress = fg.generalised_newtonian_stress(flow, fg.PowerLaw(K, float(n)), grid=grid)
    shear = stress.sel(component="x", direction="y")
    np.testing.assert_allclose(shear.values, (-G * flow.y).broadcast_like(flow.u).values, rtol=1e-12)
    np.testing.assert_array_equal(stress.values, stress.values.swapaxes(0, 1))
    normal = stress.sel(component=["x", "y"], direction=["x", "y"]).isel(component=[0, 1], direction=[0, 1])
    for label in "xy":
        assert float(abs(normal.sel(component=label, direction=label)).max()) < 1e-12
    # the momentum that the pressure gradient -G puts in leaves through the stress
    np.testing.assert_allclose(fg.derivative(shear, "y", grid=grid).values, -G, rtol=1e-10)


def test_a_newtonian_fluid_is_a_limit() -> None:
    flow = fg.flows.taylor_green_2d(X, stretched(0.0, 1.0, 7)).dataset
    expected = fg.derive(flow, "viscous_stress", dynamic_viscosity=5.0).viscous_stress
    for model in (fg.PowerLaw(5.0, 1.0), fg.Carreau(5.0, 0.1, 3.0, 1.0), fg.Cross(5.0, 5.0, 3.0, 0.6)):
        found = fg.generalised_newtonian_stress(flow, model)
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_stress_in_uniform_shear(name: str) -> None:
    model = MODELS[name]
    flow = fg.flows.couette(X, stretched(0.0, 0.5, 7), wall_velocity=2.0, height=0.5).dataset
    stress = fg.generalised_newtonian_stress(flow, model)
    np.testing.assert_allclose(stress.sel(component="x", direction="y").values, 4.0 * model(4.0), rtol=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("dtype", [pytest.param("f4", marks=pytest.mark.slow), "f8"])
def test_without_deformation_there_is_no_stress(name: str, dtype: str) -> None:
    flow = fg.flows.couette(X, stretched(0.0, 1.0, 7), wall_velocity=2.0).dataset.astype(dtype)
    rest = xr.full_like(flow, 3.0)
    assert bool((fg.derive(rest, "shear_rate").shear_rate == 0).all())
    assert not fg.generalised_newtonian_stress(rest, MODELS[name]).any()
    # a plug beside a sheared layer: exactly none in the one, the full stress in the other
    plug = flow.assign(u=flow.u.where(flow.y > 0.4, 0.0))
    stress = fg.generalised_newtonian_stress(plug, MODELS[name]).sel(component="x", direction="y")
    assert stress.dtype == np.dtype(dtype)
    assert bool(np.isfinite(stress).all())
    assert not stress.isel(y=slice(None, 2)).any()
    np.testing.assert_allclose(stress.isel(y=slice(-2, None)).values, 2 * MODELS[name](2.0), rtol=1e-4)


def test_missing_velocities_are_missing_stresses() -> None:
    flow = fg.flows.couette(X, stretched(0.0, 1.0, 7), wall_velocity=2.0).dataset
    holes = flow.where((flow.x != X[0]) | (flow.y != flow.y[0]))
    found = fg.generalised_newtonian_stress(holes, MODELS["power law"])
    full = fg.generalised_newtonian_stress(flow, MODELS["power law"])
    missing = np.isnan(found)
    assert bool(missing.isel(x=0, y=0).all())
    assert 0 < int(missing.sum()) < missing.size
    np.testing.assert_array_equal(found.values[~missing.values], full.values[~missing.values])


def test_stress_of_a_flow_in_space() -> None:
    flow = fg.flows.abc(X, stretched(0.0, 1.0, 7), stretched(0.0, 1.5, 8), a=1.0, b=0.7, c=0.4).dataset
    model = MODELS["carreau"]
    stress = fg.generalised_newtonian_stress(flow, model)
    L = fg.velocity_gradient(flow).values
    D, trace = (L + L.swapaxes(0, 1)) / 2, np.einsum("ii...", L)
    eta = model(np.sqrt(2 * np.einsum("ij...,ij...", D, D)))
    exact = 2 * eta * D - 2 / 3 * eta * trace * np.eye(3)[..., np.newaxis, np.newaxis, np.newaxis]
    np.testing.assert_allclose(stress.values, exact, rtol=0, atol=1e-12)


def test_labels_of_the_stress() -> None:
    flow = fg.flows.taylor_green_2d(X, stretched(0.0, 1.0, 7), [0.0, 1.0]).dataset
    flow = flow.assign_coords(station=("x", list("abcdef")), run=7).transpose("y", "time", "x")
    stress = fg.generalised_newtonian_stress(flow, MODELS["power law"])
    assert stress.name == "generalised_newtonian_stress"
    assert stress.dims == ("component", "direction", "y", "time", "x")
    assert stress.component.values.tolist() == stress.direction.values.tolist() == ["x", "y"]
    assert stress.attrs["units"] == "Pa"
    assert stress.attrs["fieldgrad_definition"].endswith(
        ", mu = consistency gamma^(index - 1), PowerLaw(consistency=2.0, index=0.4)"
    )
    for name in ("station", "run", "x", "y", "time"):
        xr.testing.assert_identical(stress.coords[name].variable, flow.coords[name].variable)
    kilometres = flow.assign_coords({dim: (dim, flow[dim].values, {"units": "km"}) for dim in "xy"})
    assert "units" not in fg.generalised_newtonian_stress(kilometres, MODELS["power law"]).attrs
    renamed = flow.rename(u="a", v="b")
    np.testing.assert_array_equal(
        fg.generalised_newtonian_stress(renamed, MODELS["power law"], components=("a", "b")).values, stress.values
    )


def test_what_has_no_stress_is_refused() -> None:
    flow = fg.flows.couette(X, stretched(0.0, 1.0, 7)).dataset
    with pytest.raises(TypeError, match=r"model: is 0.5; pass a PowerLaw, .* fg.derive\(obj, 'viscous_stress', dyn"):
        fg.generalised_newtonian_stress(flow, 0.5)
    with pytest.raises(ValueError, match=r"'shear_rate' is defined in 2-D and 3-D flows; this one has 1 direction"):
        fg.generalised_newtonian_stress(flow[["v"]].isel(x=0), MODELS["cross"])
    with pytest.raises(TypeError, match=r"obj: is a ndarray; pass an xarray Dataset or DataArray"):
        fg.generalised_newtonian_stress(flow.u.values, MODELS["cross"])
