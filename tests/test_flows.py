# SPDX-License-Identifier: BSD-3-Clause
"""The analytic flows against sympy: values, gradients, equations of motion, labels and refusals."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import xarray as xr

from fieldgrad import flows

sympy = pytest.importorskip("sympy")

X, Y, Z, T = sympy.symbols("x y z t", real=True)
R = sympy.sqrt(X**2 + Y**2)
EPS = np.finfo(float).eps

# Points of no special kind; x and y straddle the cores of the vortices.
XS = np.array([-1.3, -0.2, 0.4, 0.9])
YS = np.array([-0.7, 0.1, 0.55])
ZS = np.array([-0.5, 0.35])
TS = np.array([0.5, 1.25])


@dataclass(frozen=True)
class Case:
    """A flow, and the same flow written independently in sympy, in the coordinates of the literature."""

    make: Callable[[], flows.Flow]
    velocity: tuple[Any, ...]
    pressure: Any = None
    viscosity: float = 0.0  # of the Navier-Stokes equations that it solves
    solves_navier_stokes: bool = True


def swirl(u_theta: Any) -> tuple[Any, Any]:
    return (-u_theta * Y / R, u_theta * X / R)


def number(value: float) -> Any:
    return sympy.Rational(value)


GAMMA, NU, RATE = number(1.5), number(0.03125), number(0.75)
K = number(1.25)
TG = sympy.exp(-2 * NU * K**2 * T)
ABC = sympy.exp(-NU * K**2 * T)
ABC_VELOCITY = (
    ABC * (2 * sympy.sin(K * Z) + 3 * sympy.cos(K * Y)),
    ABC * (GAMMA * sympy.sin(K * X) + 2 * sympy.cos(K * Z)),
    ABC * (3 * sympy.sin(K * Y) + GAMMA * sympy.cos(K * X)),
)
CORE = number(0.75)
INSIDE, OUTSIDE = GAMMA / (2 * sympy.pi * CORE**2), GAMMA / (2 * sympy.pi * R)

CASES = {
    "taylor_green_2d": Case(
        lambda: flows.taylor_green_2d(XS, YS, TS, viscosity=0.03125, amplitude=2, wavenumber=1.25),
        (2 * sympy.sin(K * X) * sympy.cos(K * Y) * TG, -2 * sympy.cos(K * X) * sympy.sin(K * Y) * TG),
        (sympy.cos(2 * K * X) + sympy.cos(2 * K * Y)) * TG**2,
        0.03125,
    ),
    "taylor_green": Case(
        lambda: flows.taylor_green(XS, YS, ZS, amplitude=2.0, wavenumber=1.25),
        (
            2 * sympy.sin(K * X) * sympy.cos(K * Y) * sympy.cos(K * Z),
            -2 * sympy.cos(K * X) * sympy.sin(K * Y) * sympy.cos(K * Z),
            sympy.Integer(0),
        ),
        (sympy.cos(2 * K * X) + sympy.cos(2 * K * Y)) * (sympy.cos(2 * K * Z) + 2) / 4,
        solves_navier_stokes=False,  # an initial state
    ),
    "abc": Case(
        lambda: flows.abc(XS, YS, ZS, TS, a=2.0, b=1.5, c=3.0, wavenumber=1.25, viscosity=0.03125),
        ABC_VELOCITY,
        -sum(component**2 for component in ABC_VELOCITY) / 2,
        0.03125,
    ),
    "lamb_oseen": Case(
        lambda: flows.lamb_oseen(XS, YS, TS, circulation=1.5, viscosity=0.03125),
        swirl(GAMMA / (2 * sympy.pi * R) * (1 - sympy.exp(-(R**2) / (4 * NU * T)))),
        viscosity=0.03125,
    ),
    "rankine": Case(
        lambda: flows.rankine(XS, YS, circulation=1.5, core_radius=0.75),
        swirl(sympy.Piecewise((INSIDE * R, R <= CORE), (OUTSIDE, True))),
        sympy.Piecewise((INSIDE**2 * (R**2 / 2 - CORE**2), R <= CORE), (-(OUTSIDE**2) / 2, True)),
    ),
    "burgers_vortex": Case(
        lambda: flows.burgers_vortex(XS, YS, ZS, circulation=1.5, strain_rate=0.75, viscosity=0.03125),
        (
            *(
                s + part
                for s, part in zip(
                    swirl(GAMMA / (2 * sympy.pi * R) * (1 - sympy.exp(-RATE * R**2 / (4 * NU)))),
                    (-RATE * X / 2, -RATE * Y / 2),
                    strict=True,
                )
            ),
            RATE * Z,
        ),
        viscosity=0.03125,
    ),
    "couette": Case(
        lambda: flows.couette(XS, YS, wall_velocity=3.0, height=2.0),
        (3 * Y / 2, sympy.Integer(0)),
        viscosity=0.5,
    ),
    "poiseuille": Case(
        lambda: flows.poiseuille(XS, YS, centreline_velocity=3.0, half_height=2.0, viscosity=0.5),
        (3 * (1 - Y**2 / 4), sympy.Integer(0)),
        -3 * X / 4,
        0.5,
    ),
    "solid_body_rotation": Case(
        lambda: flows.solid_body_rotation(XS, YS, ZS, angular_velocity=(1.0, -2.0, 0.5)),
        (-2 * Z - Y / 2, X / 2 - Z, Y + 2 * X),
        ((2 * Z + Y / 2) ** 2 + (X / 2 - Z) ** 2 + (Y + 2 * X) ** 2) / 2,
    ),
    "pure_strain": Case(
        lambda: flows.pure_strain(XS, YS, ZS, rates=(1.0, 0.5, -1.5)),
        (X, Y / 2, -3 * Z / 2),
        -(X**2 + Y**2 / 4 + 9 * Z**2 / 4) / 2,
        0.1,
    ),
}
PLANAR = [
    lambda z: flows.taylor_green_2d(XS, YS, 0.5, z=z),
    lambda z: flows.lamb_oseen(XS, YS, 0.5, z=z),
    lambda z: flows.rankine(XS, YS, z=z),
    lambda z: flows.couette(XS, YS, z=z),
    lambda z: flows.poiseuille(XS, YS, z=z),
    lambda z: flows.solid_body_rotation(XS, YS, z),
    lambda z: flows.pure_strain(XS, YS, z),
]
with_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def on_grid(expression: Any, flow: flows.Flow, digits: int = 30) -> np.ndarray:
    """Evaluate an expression at every point of a flow, in arithmetic of many digits."""
    symbols = {"time": T, "z": Z, "y": Y, "x": X}
    dataset = flow.dataset
    values = np.empty(flow.shape)
    for index in np.ndindex(*flow.shape):
        point = {symbols[d]: number(float(dataset[d].values[i])) for d, i in zip(flow.dims, index, strict=True)}
        values[index] = float(sympy.sympify(expression).subs(point).evalf(digits))
    return values


def assert_close(actual: Any, expected: np.ndarray, scale: float, ulps: float = 16) -> None:
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=0, atol=ulps * EPS * scale)


@with_case
def test_velocity_and_pressure(case: Case) -> None:
    flow = case.make()
    ds = flow.dataset
    assert list(ds.data_vars) == ["u", "v", "w"][: len(case.velocity)] + ["p"] * (case.pressure is not None)
    for name, expression in zip("uvw", case.velocity, strict=False):
        expected = on_grid(expression, flow)
        assert_close(ds[name], expected, np.abs(expected).max())
    if case.pressure is not None:
        expected = on_grid(case.pressure, flow)
        assert_close(ds.p, expected, np.abs(expected).max())


@with_case
def test_velocity_gradient_is_the_derivative(case: Case) -> None:
    flow = case.make()
    L = flow.velocity_gradient
    axes = "xyz"[: len(case.velocity)]
    scale = float(np.abs(L).max())
    for component, expression in zip(axes, case.velocity, strict=True):
        for direction in axes:
            expected = on_grid(sympy.diff(expression, sympy.Symbol(direction, real=True)), flow)
            assert_close(L.sel(component=component, direction=direction), expected, scale)


@with_case
def test_from_sympy_gives_the_same_flow(case: Case) -> None:
    flow = case.make()
    again = flows.from_sympy(
        case.velocity,
        **{axis: c.values for axis, c in flow.coordinates.items()},
        t=None if flow.time is None else flow.time.values,
    )
    assert again.dims == flow.dims
    for name in "uvw"[: len(case.velocity)]:
        xr.testing.assert_allclose(again.dataset[name], flow.dataset[name], rtol=0, atol=1e-13)
    xr.testing.assert_allclose(again.velocity_gradient, flow.velocity_gradient, rtol=0, atol=1e-12)


@with_case
def test_no_divergence(case: Case) -> None:
    flow = case.make()
    L = flow.velocity_gradient
    assert float(np.abs(flow.exact("divergence")).max()) <= 4 * EPS * float(np.abs(L).max())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.solves_navier_stokes])
def test_navier_stokes(name: str) -> None:
    """u_t + (u . grad) u - nu lap u is -grad p; where p has no closed form, it has no curl."""
    case = CASES[name]
    u = (*case.velocity, sympy.Integer(0))[:3]
    space = (X, Y, Z)
    nu = number(case.viscosity)
    residual = [
        sympy.diff(c, T)
        + sum(w * sympy.diff(c, s) for w, s in zip(u, space, strict=True))
        - nu * sum(sympy.diff(c, s, 2) for s in space)
        for c in u
    ]
    if case.pressure is not None or name == "couette":
        zero = [r + sympy.diff(case.pressure or 0, s) for r, s in zip(residual, space, strict=True)]
    else:
        zero = [
            sympy.diff(residual[j], space[i]) - sympy.diff(residual[i], space[j]) for i, j in ((0, 1), (1, 2), (2, 0))
        ]
    for point in ((0.25, 0.5, 0.75, 1.5), (-1.5, 0.25, 2.0, 0.5)):
        at = dict(zip((X, Y, Z, T), map(number, point), strict=True))
        for expression in zero:
            # maxn bounds the search for digits of a number that is zero.
            assert abs(sympy.sympify(expression).subs(at).evalf(30, maxn=60)) < 1e-25


def test_taylor_green_pressure_solves_the_poisson_equation() -> None:
    case = CASES["taylor_green"]
    space = (X, Y, Z)
    source = sum(
        sympy.diff(case.velocity[i], space[j]) * sympy.diff(case.velocity[j], space[i])
        for i in range(3)
        for j in range(3)
    )
    assert sympy.simplify(sum(sympy.diff(case.pressure, s, 2) for s in space) + source) == 0


@pytest.mark.parametrize("name", ["lamb_oseen", "burgers_vortex"])
@pytest.mark.parametrize("radius", [1e-160, 1e-30, 1e-9, 1e-5, 1e-3, 0.1, 0.3535, 0.36, 1.0, 20.0])
def test_vortices_keep_their_digits_at_every_radius(name: str, radius: float) -> None:
    """Each element of L to a few roundings of itself, where its own formula does not cancel."""
    mpmath = pytest.importorskip("mpmath")
    x, y = 0.6 * radius, 0.8 * radius
    gamma, core = 1.5, 0.125
    if name == "lamb_oseen":
        flow = flows.lamb_oseen([x], [y], 1.0, circulation=gamma, viscosity=0.03125)
        rate = 0.0
    else:
        rate = 1e-40  # too small to be seen beside the swirl, except where that is lost
        flow = flows.burgers_vortex([x], [y], [0.0], circulation=gamma, strain_rate=rate, viscosity=rate * core / 4)
    with mpmath.workdps(700):
        mx, my = mpmath.mpf(x), mpmath.mpf(y)
        s, c = mx**2 + my**2, mpmath.mpf(core)
        f = mpmath.mpf(gamma) / (2 * mpmath.pi) * -mpmath.expm1(-s / c) / s
        f_s = mpmath.mpf(gamma) / (2 * mpmath.pi) * ((1 + s / c) * mpmath.exp(-s / c) - 1) / s**2
        expected = {
            ("x", "x"): float(-2 * mx * my * f_s),
            ("x", "y"): float(-f - 2 * my**2 * f_s),
            ("y", "x"): float(f + 2 * mx**2 * f_s),
            ("y", "y"): float(2 * mx * my * f_s),
        }
        speed = float(mx * f)
    for (i, j), value in expected.items():
        actual = flow.velocity_gradient.sel(component=i, direction=j).item()
        scale = abs(value) if i == j else float(f)
        assert abs(actual - value) <= 16 * EPS * scale + rate + 1e-320  # denormal at 1e-160
    assert flow.dataset.v.item() == pytest.approx(speed, rel=16 * EPS)


def test_limits_on_the_axis() -> None:
    origin = [0.0]
    turning = [  # flow, angular velocity
        (
            flows.lamb_oseen(origin, origin, 2.0, circulation=3.0, viscosity=0.03125),
            3 / (8 * math.pi * 0.03125 * 2),
        ),
        (flows.rankine(origin, origin, circulation=3.0, core_radius=0.75), 3 / (2 * math.pi * 0.75**2)),
        (
            flows.burgers_vortex(origin, origin, origin, circulation=3.0, strain_rate=0.25, viscosity=0.03125),
            3 * 0.25 / (8 * math.pi * 0.03125),
        ),
    ]
    for flow, rate in turning:
        assert np.all(flow.dataset[["u", "v"]].to_array() == 0)
        w = flow.exact("vorticity")
        w = w.sel(component="z") if "component" in w.dims else w
        assert w.item() == pytest.approx(2 * rate, rel=4 * EPS)


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: flows.lamb_oseen(x, y, 1.0, circulation=2.5, viscosity=0.01),
        lambda x, y: flows.rankine(x, y, circulation=2.5, core_radius=0.5),
        lambda x, y: flows.burgers_vortex(x, y, [0.0], circulation=2.5, viscosity=0.01),
    ],
)
def test_circulation(make: Callable[..., flows.Flow]) -> None:
    """Far from the core, around a square and through the vorticity inside it."""
    edge = np.linspace(-2, 2, 401)
    u, v = (make(edge, edge).dataset[name].squeeze() for name in "uv")
    around = (
        u.isel(y=0).integrate("x") - u.isel(y=-1).integrate("x")
        + v.isel(x=-1).integrate("y") - v.isel(x=0).integrate("y")
    )  # fmt: skip
    assert around.item() == pytest.approx(2.5, rel=1e-5)
    w = make(edge, edge).exact("vorticity").squeeze()
    w = w.sel(component="z") if "component" in w.dims else w
    assert w.integrate(["x", "y"]).item() == pytest.approx(2.5, rel=1e-2)  # Rankine's edge is a jump


def test_rankine_is_continuous_at_the_edge_of_its_core() -> None:
    ds = flows.rankine([0.5, np.nextafter(0.5, 1)], [0.0], circulation=3.0, core_radius=0.5).dataset
    for name in ("u", "v", "p"):
        left, right = ds[name].values[0]
        assert left == pytest.approx(right, rel=8 * EPS)


def test_simple_shears() -> None:
    flow = flows.poiseuille([0.0, 1.0], [-2.0, 0.0, 2.0], centreline_velocity=3.0, half_height=2.0)
    u_y = flow.velocity_gradient.sel(component="x", direction="y")
    assert u_y.isel(x=0).values.tolist() == [3.0, 0.0, -3.0]  # wall shear 2 U / h
    assert flow.dataset.u.isel(x=0).values.tolist() == [0.0, 3.0, 0.0]
    assert "p" not in flow.dataset
    rotation = flows.solid_body_rotation(XS, YS, angular_velocity=1.5)
    assert np.all(rotation.exact("vorticity") == 3.0)
    assert np.all(rotation.exact("deformation_rate") == 0.0)
    strain = flows.pure_strain(XS, YS, ZS, rates=(-1.0, 3.0, -2.0))
    assert np.all(strain.exact("spin") == 0.0)
    assert strain.exact("principal_strain_rates").isel(x=0, y=0, z=0).values.tolist() == [3.0, -1.0, -2.0]


def test_abc_is_beltrami() -> None:
    flow = flows.abc(XS, YS, ZS, wavenumber=3.0)
    w = flow.exact("vorticity")
    for axis, name in zip("xyz", "uvw", strict=True):
        assert_close(w.sel(component=axis), 3 * flow.dataset[name].values, 10)


# Identities between the quantities, and values written out by hand for one L.


def uniform(matrix: list[list[float]]) -> flows.Flow:
    symbols = (X, Y, Z)[: len(matrix)]
    velocity = [sum(a * s for a, s in zip(row, symbols, strict=True)) for row in matrix]
    return flows.from_sympy(velocity, **{s.name: [0.0, 1.0] for s in symbols}, parameters={"viscosity": 0.25})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("velocity_gradient", [[1, 2, 3], [4, 5, 6], [7, 8, 10]]),
        ("deformation_rate", [[1, 3, 5], [3, 5, 7], [5, 7, 10]]),
        ("spin", [[0, -1, -2], [1, 0, -1], [2, 1, 0]]),
        ("divergence", 16),
        ("vorticity", [2, -4, 2]),
        ("vorticity_magnitude", math.sqrt(24)),
        ("enstrophy", 12),
        ("strain_rate_magnitude", math.sqrt(292)),
        ("shear_rate", math.sqrt(584)),
        ("first_invariant", -16),
        ("second_invariant", -12),
        ("third_invariant", 3),
        ("q_criterion", -140),
        ("dissipation", 146),
        ("pseudo_dissipation", 76),
        ("vortex_stretching", [0, 0, 2]),
        ("enstrophy_production", 4),
        ("strain_self_amplification", -4948),
    ],
)
def test_exact_by_hand(name: str, expected: Any) -> None:
    value = uniform([[1, 2, 3], [4, 5, 6], [7, 8, 10]]).exact(name).isel(x=1, y=0, z=1)
    np.testing.assert_allclose(value.values, np.asarray(expected, float), rtol=1e-13, atol=1e-12)


def test_dissipation_of_a_flow_that_holds_for_any_fluid() -> None:
    """The viscosity is the caller's: of Couette's flow it is that times the shear squared."""
    flow = flows.couette(XS, YS, wall_velocity=3.0, height=2.0)
    np.testing.assert_allclose(flow.exact("dissipation", viscosity=0.25), 0.25 * 1.5**2, rtol=1e-13)
    with pytest.raises(ValueError, match=r"viscosity is -1.0: it must not be negative"):
        flow.exact("dissipation", viscosity=-1)


def test_exact_lambda2_and_q_agree_with_a_vortex() -> None:
    """A rotation W about z with a strain (1, 1, -2): D^2 + W^2 is diagonal."""
    flow = uniform([[1, -3, 0], [3, 1, 0], [0, 0, -2]])
    assert flow.exact("lambda2").isel(x=0, y=0, z=0).item() == pytest.approx(-8.0)
    assert flow.exact("q_criterion").isel(x=0, y=0, z=0).item() == pytest.approx(6.0)


def test_exact_in_two_dimensions() -> None:
    flow = uniform([[1, 2], [5, 3]])
    at = {"x": 0, "y": 0}
    assert flow.exact("vorticity").isel(at).item() == 3
    assert flow.exact("vorticity").dims == ("y", "x")
    assert flow.exact("okubo_weiss").isel(at).item() == 4 + 49 - 9
    assert flow.exact("second_invariant").isel(at).item() == 3 - 10
    assert flow.exact("q_criterion").isel(at).item() == -(1 + 10 + 10 + 9) / 2


@pytest.mark.parametrize("make", PLANAR)
def test_planar_flows_extrude(make: Callable[..., flows.Flow]) -> None:
    plane, solid = make(None), make(ZS)
    assert solid.dims == ("z", "y", "x")
    assert np.all(solid.dataset.w == 0)
    xr.testing.assert_equal(solid.dataset.u.isel(z=1, drop=True), plane.dataset.u)
    L = solid.velocity_gradient
    assert np.all(L.sel(component="z") == 0)
    assert np.all(L.sel(direction="z") == 0)
    xr.testing.assert_equal(L.isel(component=[0, 1], direction=[0, 1], z=0, drop=True), plane.velocity_gradient)
    xr.testing.assert_equal(
        solid.exact("vorticity").sel(component="z", drop=True).isel(z=0, drop=True).rename(None),
        plane.exact("vorticity").rename(None),
    )


# Labels.


def test_labels() -> None:
    flow = flows.taylor_green(XS, YS, ZS)
    ds = flow.dataset
    assert ds.u.dims == ("z", "y", "x")
    assert ds.u.shape == (2, 3, 4)
    assert ds.u.values.flags.c_contiguous
    assert ds.u.attrs["units"] == "m s-1"
    assert "standard_name" not in ds.u.attrs
    assert {c: ds[c].attrs["axis"] for c in "xyz"} == {"x": "X", "y": "Y", "z": "Z"}
    assert ds.x.attrs["units"] == "m"
    L = flow.velocity_gradient
    assert L.name == "velocity_gradient"
    assert L.dims == ("component", "direction", "z", "y", "x")
    assert L.component.values.tolist() == L.direction.values.tolist() == ["x", "y", "z"]
    assert L.attrs["units"] == "s-1"
    assert L.attrs["fieldgrad_definition"] == "L_ij = du_i/dx_j"
    assert flow.exact("vorticity").dims == ("component", "z", "y", "x")
    assert repr(flow) == "<Flow taylor_green: x 4, y 3, z 2; amplitude=1.0, wavenumber=1.0>"


def test_results_may_be_changed() -> None:
    flow = flows.couette(XS, YS)
    flow.dataset.u[:] = 7
    flow.dataset.x.attrs["units"] = "km"
    assert float(flow.dataset.u.max()) < 7
    assert flow.dataset.x.attrs["units"] == "m"
    with pytest.raises(AttributeError):
        flow.name = "other"  # type: ignore[misc]


def test_data_arrays_keep_dimension_and_attributes() -> None:
    x = xr.DataArray(np.float32([3, 2, 1]), dims="lon_m", attrs={"long_name": "eastward", "units": "metre"})
    t = xr.DataArray([0.0, 1.0], dims="snapshot")
    ds = flows.taylor_green_2d(x, YS, t).dataset
    assert ds.u.dims == ("snapshot", "y", "lon_m")
    assert ds.u.dtype == np.float64
    assert ds.lon_m.values.tolist() == [3, 2, 1]
    assert ds.lon_m.attrs["long_name"] == "eastward"
    assert ds.lon_m.attrs["axis"] == "X"
    assert x.attrs == {"long_name": "eastward", "units": "metre"}
    assert ds.snapshot.attrs["units"] == "s"


def test_time() -> None:
    one = flows.taylor_green_2d(XS, YS, 0.5).dataset
    assert one.u.dims == ("y", "x")
    assert one.time.item() == 0.5
    several = flows.taylor_green_2d(XS, YS, TS).dataset
    assert several.u.dims == ("time", "y", "x")
    assert several.time.attrs == {"axis": "T", "units": "s", "long_name": "time"}
    xr.testing.assert_equal(several.isel(time=0), one)
    assert "time" not in flows.couette(XS, YS).dataset.coords


def test_period_is_noted_where_it_makes_sense() -> None:
    part = np.linspace(0, np.pi, 8, endpoint=False)
    closed = np.linspace(0, np.pi, 9)
    ds = flows.taylor_green(part, closed, [0.0], wavenumber=2.0).dataset
    assert ds.x.attrs["period"] == pytest.approx(np.pi)
    assert "period" not in ds.y.attrs  # its end point is its first


def test_netcdf_attributes_are_plain() -> None:
    for case in CASES.values():
        for value in case.make().dataset.attrs.values():
            assert isinstance(value, (str, float, list))


# from_sympy.


def test_from_sympy_constants_fill_the_shape() -> None:
    flow = flows.from_sympy([3, sympy.pi, 0], x=XS, y=YS, z=ZS, t=TS)
    assert flow.dataset.v.shape == (2, 2, 3, 4)
    assert np.all(flow.dataset.v == np.pi)
    assert np.all(flow.velocity_gradient == 0)


def test_from_sympy_matches_symbols_by_name_and_keeps_parameters_exact() -> None:
    x, k, n = sympy.symbols("x k n", positive=True)
    flow = flows.from_sympy([sympy.Abs(x) ** n * k], x=[-2.0, 0.0, 2.0], parameters={"k": 0.1 + 0.2, "n": 2})
    assert flow.dataset.u.values.tolist() == [4 * (0.1 + 0.2), 0.0, 4 * (0.1 + 0.2)]  # not 1.2
    assert flow.velocity_gradient.values.ravel() == pytest.approx([-1.2, 0.0, 1.2])


def test_from_sympy_piecewise_limit() -> None:
    sinc = sympy.Piecewise((1, sympy.Eq(X, 0)), (sympy.sin(X) / X, True))
    flow = flows.from_sympy([sinc], x=[-1.0, 0.0, 1.0])
    assert flow.dataset.u.values.tolist() == pytest.approx([math.sin(1), 1.0, math.sin(1)])
    assert flow.exact("divergence").values[1] == 0


def test_from_sympy_on_planes() -> None:
    flow = flows.from_sympy([2 * Z, 5 * X], x=XS, z=ZS)
    assert list(flow.dataset.data_vars) == ["u", "w"]
    assert flow.velocity_gradient.direction.values.tolist() == ["x", "z"]
    assert np.all(flow.exact("vorticity") == 2 - 5)  # w_y = u_z - w_x
    three = flows.from_sympy([2 * Y, 5 * X, X * Y], x=XS, y=YS)
    assert three.velocity_gradient.shape == (3, 2, 3, 4)
    assert np.all(three.exact("vorticity") == 3)
    with pytest.raises(ValueError, match="spin needs the derivatives of 3 components"):
        three.exact("spin")


def test_sympy_is_imported_only_when_called() -> None:
    code = "import sys, fieldgrad.flows; assert 'sympy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_from_sympy_without_sympy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ImportError, match="pip install sympy"):
        flows.from_sympy([X], x=XS)


# Refusals.

BAD_COORDINATES = [
    (np.zeros((2, 2)), ValueError, r"x has 2 dimensions \(shape \(2, 2\)\).*pass the points along this axis"),
    (xr.DataArray(np.zeros((2, 2))), ValueError, r"x has 2 dimensions \(shape \(2, 2\)\)"),
    (1.0, ValueError, "x has 0 dimensions"),
    (None, TypeError, "x is None: couette needs x, y"),
    ([0.0, np.nan], ValueError, r"x \(dimension 'x'\) has the value nan at index 1.*finite"),
    ([np.inf], ValueError, "value inf at index 0"),
    ([], ValueError, "x is empty"),
    (["a"], TypeError, "x has dtype <U1"),
    ([1j], TypeError, "x has dtype complex128"),
    ([True], TypeError, "x has dtype bool"),
    (np.array(["2000-01-01"], "M8[s]"), TypeError, "x has dtype datetime64"),
    (xr.DataArray([0.0], dims="y"), ValueError, "two coordinates have the dimension 'y'"),
    (xr.DataArray([0.0], dims="u"), ValueError, "x has the dimension 'u'"),
    (xr.DataArray([0.0], dims="x", attrs={"units": "mm"}), ValueError, "x has units 'mm'.*convert it to 'm'"),
    (xr.DataArray([0.0], dims="x", attrs={"axis": "Z"}), ValueError, "x has the attribute axis='Z'"),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD_COORDINATES)
def test_bad_coordinates(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        flows.couette(given, YS)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: flows.taylor_green(XS, YS, None), TypeError, "z is None: taylor_green needs x, y, z"),
        (lambda: flows.taylor_green_2d(XS, YS, [[0.0]]), ValueError, "t has 2 dimensions"),
        (lambda: flows.taylor_green_2d(XS, YS, "noon"), TypeError, "t has dtype"),
        (
            lambda: flows.taylor_green_2d(xr.DataArray(XS, dims="time"), YS),
            ValueError,
            "two coordinates have the dimension 'time'",
        ),
        (
            lambda: flows.taylor_green_2d(XS, YS, viscosity=-1.0),
            ValueError,
            "viscosity is -1.0: it must not be",
        ),
        (lambda: flows.abc(XS, YS, ZS, wavenumber=0), ValueError, "wavenumber is 0.0: it must be larger"),
        (lambda: flows.abc(XS, YS, ZS, a=np.nan), ValueError, "a is nan: pass a finite number"),
        (lambda: flows.couette(XS, YS, height="1"), TypeError, "height is '1': pass a real number"),
        (
            lambda: flows.lamb_oseen(XS, YS, [1.0, 0.0]),
            ValueError,
            "t has the value 0.0: the vortex is singular",
        ),
        (
            lambda: flows.pure_strain(XS, YS, rates=(1, 2, 3)),
            ValueError,
            r"rates is \(1, 2, 3\): pass 2 numbers",
        ),
        (lambda: flows.solid_body_rotation(XS, YS, angular_velocity=(1, 2, 3)), ValueError, "but z is None"),
        (
            lambda: flows.couette(XS, YS).exact("vortcity"),
            ValueError,
            "no exact quantity 'vortcity'; there are velo",
        ),
        (
            lambda: flows.couette(XS, YS).exact("lambda2"),
            ValueError,
            "lambda2 is defined in 3-D flows; this flow is",
        ),
        (
            lambda: flows.couette(XS, YS).exact("dissipation"),
            ValueError,
            "dissipation needs the kinematic viscosity",
        ),
        (lambda: flows.from_sympy([X]), ValueError, "no coordinates"),
        (lambda: flows.from_sympy(["x"], x=XS), TypeError, r"components\[0\] is the string 'x'"),
        (lambda: flows.from_sympy(X, x=XS), TypeError, "pass a list of expressions"),
        (lambda: flows.from_sympy([X > 0], x=XS), TypeError, "pass a scalar sympy expression"),
        (
            lambda: flows.from_sympy([X, Y], x=XS),
            ValueError,
            "components has 2 expressions for the coordinates x:",
        ),
        (
            lambda: flows.from_sympy([X * Z], x=XS),
            ValueError,
            "component 'x', x.z, has symbols without a value: z",
        ),
        (lambda: flows.from_sympy([T], x=XS), ValueError, "without a value: t"),
        (lambda: flows.from_sympy([X], x=XS, parameters={"x": 1.0}), ValueError, "pass x= itself"),
        (
            lambda: flows.from_sympy([sympy.Heaviside(X)], x=XS),
            ValueError,
            "d/dx of component 'x' is DiracDelta",
        ),
        (
            lambda: flows.from_sympy([sympy.Function("f")(X)], x=XS),
            ValueError,
            "d/dx of component 'x' is Derivative",
        ),
        (
            lambda: flows.from_sympy([sympy.Shi(X)], x=XS).dataset,
            ValueError,
            r"component 'x', Shi\(x\), cannot be evaluated on arrays",
        ),
        (lambda: flows.from_sympy([1 / X], x=[1.0, 0.0]).dataset, ValueError, "not finite at x = 0: leave"),
        (lambda: flows.from_sympy([sympy.I * X], x=XS).dataset, TypeError, "is complex"),
    ],
)
def test_refusals(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
