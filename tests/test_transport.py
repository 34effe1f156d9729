# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives along a flow and with it: exact accelerations, kinds of time, units, labels and refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

NODES = {
    "x": 0.5 + np.tanh(np.linspace(-1.2, 1.1, 8)),
    "y": np.tanh(np.linspace(-1.6, 0.4, 7)),
    "time": np.array([0.0, 0.5, 2.0, 2.5, 4.0]),
}


def line(dim: str, **attrs: str) -> xr.DataArray:
    return xr.DataArray(NODES[dim], {dim: (dim, NODES[dim], attrs)}, [dim])


X, Y, T = line("x", units="m"), line("y", units="m"), line("time", units="s")


def named(field: xr.DataArray, name: str, units: str) -> xr.DataArray:
    return field.transpose("time", "y", "x").rename(name).assign_attrs(units=units)


# polynomials of second degree in each variable, whose differences are exact
U, V = named(1 + T * Y + 0 * X, "u", "m s-1"), named(X - T**2 + 0 * Y, "v", "m s-1")
FLOW = xr.Dataset({"u": U, "v": V})
F = named((1 + T**2) * (X**2 - 3 * X * Y), "f", "K").assign_attrs(long_name="temperature")
EXACT_F = 2 * T * (X**2 - 3 * X * Y) + (1 + T**2) * (U * (2 * X - 3 * Y) - V * 3 * X)
EXACT_U = Y + V * T
EXACT_V = -2 * T + U


def close(found: xr.DataArray, exact: xr.DataArray, tolerance: float = 1e-12) -> None:
    exact = exact.transpose(*found.dims).drop_vars(list(exact.coords))
    scale = float(abs(exact).max())
    assert scale > 0
    assert float(abs(found.drop_vars(list(found.coords)) - exact).max()) <= tolerance * scale


# ---------------------------------------------------------------------------------------------------------
# the material derivative


def test_material_derivative_of_polynomials_is_exact() -> None:
    close(fg.material_derivative(F, FLOW), EXACT_F)
    found = fg.material_derivative(FLOW, FLOW)
    assert found.dims == ("component", "time", "y", "x")
    assert found.component.values.tolist() == ["x", "y"]
    close(found.sel(component="x"), EXACT_U)
    close(found.sel(component="y"), EXACT_V)


@pytest.mark.slow
def test_acceleration_in_decaying_vortices_is_that_of_navier_stokes() -> None:
    nu, k, a = 0.3, 1.0, 1.3
    circle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    times = np.tanh(np.linspace(-1, 0.6, 12))
    flow = fg.flows.taylor_green_2d(circle, circle, times, viscosity=nu, amplitude=a, wavenumber=k).dataset
    grid = fg.infer_grid(flow, periodic=["x", "y"], accuracy=8)
    decay = a * np.exp(-2 * nu * k**2 * flow.time)
    # - grad p + nu laplacian u
    for label, dim, velocity in (("x", "x", flow.u), ("y", "y", flow.v)):
        exact = decay**2 * k / 2 * np.sin(2 * k * flow[dim]) - 2 * nu * k**2 * velocity
        found = fg.material_derivative(flow, flow, grid=grid).sel(component=label)
        close(found, exact.broadcast_like(velocity), 1e-6)
        # the unsteady part alone is wrong by far
        assert float(abs(fg.derivative(velocity, "time", grid=grid) - exact).max()) > 0.1


def test_a_vector_is_differentiated_component_by_component() -> None:
    stacked = xr.concat([FLOW.u, FLOW.v], xr.Variable("component", ["x", "y"]))
    expected = fg.material_derivative(FLOW, FLOW)
    for dims in (("component", "time", "y", "x"), ("y", "time", "component", "x")):
        found = fg.material_derivative(stacked.transpose(*dims), stacked)
        assert found.dims == dims
        np.testing.assert_array_equal(found.transpose(*expected.dims).values, expected.values)
        assert found.attrs["units"] == "m s-2"


def test_a_steady_velocity_holds_at_all_times() -> None:
    steady = FLOW.isel(time=2, drop=True)
    everywhere = steady.expand_dims(time=FLOW.time)
    found = fg.material_derivative(F, steady)
    np.testing.assert_array_equal(found.values, fg.material_derivative(F, everywhere).values)
    at_a_time = FLOW.isel(time=2)  # which keeps its time as a scalar coordinate
    np.testing.assert_array_equal(found.values, fg.material_derivative(F, at_a_time).values)
    assert found.attrs["units"] == "K s-1"


@pytest.mark.parametrize("dims", list(itertools.permutations(["time", "member", "y", "x"]))[::5])
def test_dimensions_in_any_order(dims: tuple[str, ...]) -> None:
    fields = xr.concat([F, -2 * F], "member").transpose(*dims)
    found = fg.material_derivative(fields, FLOW)
    assert found.dims == dims
    close(found.isel(member=0), EXACT_F)
    close(found.isel(member=1), -2 * EXACT_F)


# ---------------------------------------------------------------------------------------------------------
# kinds of time

SECONDS = NODES["time"]
START = np.datetime64("2000-02-28T23:59:58", "ns")
KINDS: dict[str, tuple[str, Any, dict[str, str]]] = {
    "dates": ("when", START + (1000 * SECONDS).astype("m8[ms]"), {}),
    "durations": ("step", (1000 * SECONDS).astype("m8[ms]"), {}),
    "hours": ("time", SECONDS / 3600, {"units": "hours"}),
    "dated": ("valid", SECONDS / 86400, {"units": "days since 2000-01-01"}),
    "axis": ("tau", SECONDS, {"axis": "T", "units": "s"}),
    "standard_name": ("tau", SECONDS, {"standard_name": "time", "units": "s"}),
    "seconds": ("tau", SECONDS, {"units": "seconds"}),
    "milliseconds": ("t", 1000 * SECONDS, {"units": "ms"}),
    "name": ("t", SECONDS, {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_time_is_found_and_counts_in_seconds(kind: str) -> None:
    dim, values, attrs = KINDS[kind]

    def retimed(obj: Any) -> Any:
        return obj.rename(time=dim).assign_coords({dim: (dim, values, attrs)})

    expected = fg.material_derivative(F, FLOW)
    for given in ({}, {"time": dim}):
        found = fg.material_derivative(retimed(F), retimed(FLOW), **given)
        assert found.dims == (dim, "y", "x")
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-10, atol=1e-10)
        # a number without units is not known to be in seconds
        assert found.attrs.get("units") == (None if kind == "name" else "K s-1")


def test_dates_of_other_calendars_are_times() -> None:
    cftime = pytest.importorskip("cftime")
    dates = [cftime.DatetimeNoLeap(2000, 2, 28, 23, 59, 58 + s) for s in (0, 1)]
    dates += [cftime.DatetimeNoLeap(2000, 3, 1, 0, 0, s) for s in (0, 3, 7)]
    seconds = xr.DataArray([0.0, 1.0, 2.0, 5.0, 9.0], dims="time")
    f, g = (F.assign_coords(time=coordinate).rename(time="when") for coordinate in (dates, seconds.values))
    steady = FLOW.isel(time=0, drop=True)
    found = fg.material_derivative(f, steady)
    np.testing.assert_array_equal(found.values, fg.material_derivative(g, steady, time="when").values)
    assert found.attrs["units"] == "K s-1"
    # dates are a better claim than units of seconds
    lag = xr.DataArray([1.0, 2.0, 3.0], {"lag": ("lag", [1.0, 2.0, 4.0], {"units": "s"})})
    np.testing.assert_allclose(fg.material_derivative(f * lag, steady).isel(lag=0).values, found.values, rtol=1e-12)


def test_a_better_claim_to_be_the_time_wins() -> None:
    # a wave period is in seconds, and no time along which things happen
    more = F * xr.DataArray([1.0, 2.0, 3.0], {"wave_period": ("wave_period", [1.0, 2.0, 4.0], {"units": "s"})})
    found = fg.material_derivative(more, FLOW)
    close(found.isel(wave_period=1), 2 * EXACT_F)
    steps = more.rename(wave_period="step").assign_coords(step=np.array([0, 1, 3], "m8[h]"))
    steps = steps.assign_coords(time=START + (1000 * SECONDS).astype("m8[ms]"))
    message = r"time: dimensions 'time' and 'step' of .* are times alike; say which, time='time'"
    with pytest.raises(ValueError, match=message):
        fg.material_derivative(steps, FLOW.isel(time=0, drop=True))
    steady = FLOW.isel(time=2, drop=True)
    close(
        fg.material_derivative(steps, steady, time="time").isel(step=0),
        fg.material_derivative(F, steady),
    )


def test_accuracy_of_the_grid_holds_for_time() -> None:
    quartic = named(T**4 * (1 + 0 * X) * (1 + 0 * Y), "f", "K")
    rest = xr.zeros_like(FLOW)
    exact = (4 * T**3).broadcast_like(quartic)
    close(fg.material_derivative(quartic, rest, grid=fg.infer_grid(FLOW, accuracy=4)), exact)
    assert float(abs(fg.material_derivative(quartic, rest) - exact).max()) > 1


# ---------------------------------------------------------------------------------------------------------
# labels, units, dtypes


def test_names_attributes_and_coordinates() -> None:
    f = F.assign_coords(station=("x", list("abcdefgh")), run=7).assign_attrs(standard_name="air_temperature")
    found = fg.material_derivative(f, FLOW)
    described = fg.infer_grid(FLOW).description
    assert found.name == "Df_Dt"
    assert found.attrs == {
        "long_name": "material derivative of temperature",
        "fieldgrad_definition": "d(f)/dt + (u . grad) f",
        "fieldgrad_grid": described,
        "units": "K s-1",
    }
    for name in ("station", "run", "time", "x", "y"):
        xr.testing.assert_identical(found.coords[name].variable, f.coords[name].variable)
    found = fg.material_derivative(FLOW.assign_coords(run=7), FLOW)
    assert found.name == "material_derivative"
    assert found.attrs == {
        "long_name": "material derivative of velocity",
        "fieldgrad_definition": "du_i/dt + u_j du_i/dx_j",
        "fieldgrad_grid": described,
        "units": "m s-2",
    }
    assert found.run.item() == 7
    before = FLOW.copy(deep=True)
    fg.material_derivative(FLOW, FLOW)
    xr.testing.assert_identical(FLOW, before)


def with_units(obj: Any, speed: str | None = None, **lengths: str) -> Any:
    obj = obj.copy()
    if speed is not None:
        for name in obj.data_vars:
            obj[name] = obj[name].assign_attrs(units=speed)
    return obj.assign_coords({dim: (dim, obj[dim].values, {"units": unit}) for dim, unit in lengths.items()})


@pytest.mark.parametrize(
    ("speed", "length", "time", "wanted"),
    [
        ("metre second-1", "m", "s", "K s-1"),
        ("m s-1", "meters", "hours", "K s-1"),
        ("km s-1", "km", "s", "K s-1"),
        ("1", "1", "1", "K"),
        ("m/s", "m", "s", "K s-1"),
        ("10 m/s", "m", "s", None),
        ("furlong fortnight-1", "m", "s", None),
    ],
)
def test_units_of_both_terms_are_the_same(speed: str, length: str, time: str, wanted: str | None) -> None:
    flow = with_units(FLOW, speed, x=length, y=length, time=time)
    f = with_units(F, x=length, y=length, time=time)
    assert fg.material_derivative(f, flow).attrs.get("units") == wanted


@pytest.mark.parametrize(
    ("speed", "length", "per"), [("m s-1", "km", "1000"), ("km h-1", "km", "3600"), ("cm s-1", "m", "100")]
)
def test_terms_in_different_units_are_not_added(speed: str, length: str, per: str) -> None:
    flow, f = with_units(FLOW, speed, x=length, y=length), with_units(F, x=length, y=length)
    message = rf"velocity: is in '{speed}' and the coordinates of the grid in '{length}', so .* per {per} s and cannot"
    with pytest.raises(ValueError, match=message):
        fg.material_derivative(f, flow)
    assert "units" in fg.advection(f, flow).attrs


def test_dtypes() -> None:
    single = fg.material_derivative(F.astype("f4"), FLOW)
    assert single.dtype == np.float32
    close(single, EXACT_F, 1e-5)
    assert fg.material_derivative(F.astype(int), FLOW).dtype == np.float64
    mixed = FLOW.assign(u=FLOW.u.astype("f4"))
    for operator in (fg.material_derivative, fg.advection):
        found = operator(mixed, FLOW)
        assert found.dtype == np.float64
        # v keeps its digits beside a u of single precision
        np.testing.assert_array_equal(found.sel(component="y").values, operator(FLOW.v, FLOW).values)


def test_complex_fields_are_carried_too() -> None:
    real = fg.material_derivative(F, FLOW)
    found = fg.material_derivative(F + 2j * F, FLOW)
    close(found.real, EXACT_F)
    np.testing.assert_allclose(found.values.imag, 2 * real.values, rtol=1e-13, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# refusals


@pytest.mark.parametrize(
    ("f", "velocity", "options", "message"),
    [
        (
            F.isel(time=0),
            FLOW,
            {},
            r"time: none of the dimensions 'y', 'x' of f is known as a time; name it, time=..., or take fg.advection",
        ),
        (
            F.isel(time=0),
            FLOW,
            {"time": "time"},
            r"time: 'time' is no dimension of f, which has 'y', 'x'",
        ),
        (FLOW.isel(time=0), FLOW, {}, r"time: none of the dimensions 'y', 'x' of u is known as a time"),
        (F.rename(time="n").drop_vars("n"), FLOW.isel(time=0), {}, r"time: none of the dimensions 'n', 'y', 'x'"),
        (F.rename(time="n").drop_vars("n"), FLOW.isel(time=0), {"time": "n"}, r"dimension 'n': no coordinate"),
        (F, FLOW, {"time": "x"}, r"time: dimension 'x' is the direction x of the grid; name the one of time"),
        (
            F.isel(time=[0, 2]),
            FLOW.isel(time=[0, 2]),
            {},
            r"dimension 'time': has 2 points; a derivative of order 1 and accuracy 2 needs at least 3",
        ),
        (F.isel(time=[0]), FLOW.isel(time=[0]), {}, r"dimension 'time': has 1 points"),
        (F, FLOW.assign_coords(time=NODES["time"] + 1), {}, r"velocity: its coordinate along 'time' differs from that"),
        (
            F,
            FLOW.rename(time="when"),
            {},
            r"velocity: has dimension 'when', which f lacks; it has 'time', 'y', 'x'",
        ),
        (F.isel(time=[0, 2, 1]), FLOW.isel(time=[0, 2, 1]), {}, r"dimension 'time': coordinate values increase up to"),
        (
            with_units(F, time="months"),
            FLOW.isel(time=0),
            {},
            r"dimension 'time': its coordinate is a time in 'months', which has no fixed number",
        ),
    ],
)
def test_what_cannot_be_differentiated_in_time_is_refused(
    f: Any, velocity: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fg.material_derivative(f, velocity, **options)


def test_what_is_not_labelled_is_refused() -> None:
    for operator in (fg.material_derivative, fg.advection):
        with pytest.raises(TypeError, match=r"f: is a ndarray; pass an xarray DataArray"):
            operator(F.values, FLOW)
        with pytest.raises(TypeError, match=r"velocity: is a list; pass an xarray Dataset or DataArray"):
            operator(F, [FLOW.u, FLOW.v])
    with pytest.raises(TypeError, match=r"f: is a Dataset; pass an xarray DataArray \(select a variable of it\)"):
        fg.scalar_dissipation(FLOW, 1.0)


# ---------------------------------------------------------------------------------------------------------
# scalar dissipation


def test_scalar_dissipation_is_twice_kappa_times_the_squared_gradient() -> None:
    gradient = [(1 + T**2) * (2 * X - 3 * Y), -(1 + T**2) * 3 * X]
    squared = gradient[0] ** 2 + gradient[1] ** 2
    close(fg.scalar_dissipation(F, 0.25), 0.5 * squared)
    kappa = (2 + X).rename("kappa").assign_attrs(units="m2 s-1")
    for given in (kappa, kappa.astype("f4"), kappa.broadcast_like(F).transpose("x", "time", "y"), xr.DataArray(3.0)):
        close(fg.scalar_dissipation(F, given), 2 * given * squared, 1e-6 if given.dtype == np.float32 else 1e-12)
    single = fg.scalar_dissipation(F.astype("f4"), 0.25)
    assert single.dtype == np.float32
    close(single, 0.5 * squared, 1e-5)
    assert not fg.scalar_dissipation(xr.full_like(F, 3.0), 0.25).any()


def test_labels_of_scalar_dissipation() -> None:
    f = F.transpose("x", "time", "y").assign_coords(station=("x", list("abcdefgh")))
    found = fg.scalar_dissipation(f, 0.25)
    assert found.name == "scalar_dissipation_f"
    assert found.dims == f.dims
    assert found.attrs == {
        "long_name": "scalar dissipation of temperature",
        "fieldgrad_definition": "2 kappa |grad f|^2",
        "fieldgrad_grid": fg.infer_grid(f).description,
        "units": "K2 s-1",
    }
    xr.testing.assert_identical(found.station, f.station)
    kappa = xr.DataArray(0.25, attrs={"units": "cm2 s-1"})
    assert fg.scalar_dissipation(f, kappa).attrs["units"] == "cm2 K2 s-1 m-2"
    assert "units" not in fg.scalar_dissipation(f, kappa.drop_attrs()).attrs
    # a number is in m2 s-1 only where lengths are in m
    assert "units" not in fg.scalar_dissipation(with_units(f, x="km", y="km"), 0.25).attrs


@pytest.mark.parametrize("kappa", ["kappa", None, True, 1j, np.ones(8), FLOW, [1.0]])
def test_a_diffusivity_is_a_number_or_a_field(kappa: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"diffusivity: is a {type(kappa).__name__}; pass a real number or a DataArray"
    ):
        fg.scalar_dissipation(F, kappa)


def test_what_has_no_scalar_dissipation_is_refused() -> None:
    with pytest.raises(TypeError, match=r"f: f is complex; its dissipation is not linear, pass a real field"):
        fg.scalar_dissipation(F + 1j, 1.0)
    with pytest.raises(ValueError, match=r"diffusivity: has dimension 'member', which f lacks"):
        fg.scalar_dissipation(F, xr.DataArray([1.0, 2.0], dims="member"))
    with pytest.raises(ValueError, match=r"diffusivity: its coordinate along 'x' differs from that of f"):
        fg.scalar_dissipation(F, X.assign_coords(x=2 * NODES["x"]))
