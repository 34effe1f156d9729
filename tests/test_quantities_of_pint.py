# SPDX-License-Identifier: BSD-3-Clause
"""Units of whole results: attributes of CF, quantities of pint in and out, and mixtures, which are refused or right."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.units import of_quantity

pint = pytest.importorskip("pint")
units = pint.UnitRegistry()

Y, X = np.array([0.0, 0.25, 1.0, 1.5, 2.0]), np.array([0.0, 1.0, 2.0, 4.0, 5.0, 7.0])


def flow(speed: str | None = "m s-1", length: str | None = "m") -> xr.Dataset:
    """Return u = 3 y, v = 2 x, whose vorticity is -1 and whose 2 D:D is 25."""
    attrs = {} if length is None else {"units": length}
    y, x = (xr.DataArray(nodes, dims=dim, coords={dim: (dim, nodes, attrs)}) for dim, nodes in (("y", Y), ("x", X)))
    ds = xr.Dataset({"u": 3 * y + 0 * x, "v": 0 * y + 2 * x})
    for name in ds:
        ds[name].attrs = {} if speed is None else {"units": speed}
    return ds


def quantified(ds: xr.Dataset) -> xr.Dataset:
    """Return its velocity as quantities; the coordinates keep their attributes."""
    fields = {name: field.copy(data=units.Quantity(field.values, "m/s")) for name, field in ds.items()}
    for field in fields.values():
        field.attrs = {}
    return ds.assign(fields)


@pytest.mark.parametrize(
    ("speed", "length", "wanted"),
    [
        ("m s-1", "m", "s-1"),
        ("m/s", "metres", "s-1"),
        ("cm s-1", "cm", "s-1"),
        ("mm s-1", "m", "mm s-1 m-1"),
        ("metre per second", "m", "s-1"),
        ("m s-1", None, None),
        (None, "m", None),
        (None, None, None),
        ("10 m s-1", "m", None),
    ],
)
def test_units_of_a_rate(speed: str | None, length: str | None, wanted: str | None) -> None:
    assert fg.derive(flow(speed, length), "vorticity").vorticity.attrs.get("units") == wanted


@pytest.mark.parametrize(
    ("unit", "coordinate", "wanted"),
    [
        ("K", {"units": "km"}, "K km-1"),
        ("Pa", {"units": "m"}, "Pa m-1"),
        ("K", {"units": "degrees_east"}, "K degrees_east-1"),
        ("degC", {"units": "m"}, "degC m-1"),
        ("K", {"units": "hours since 2000-01-01"}, "K s-1"),
        ("1", {"units": "m"}, "m-1"),
    ],
)
def test_units_of_a_derivative(unit: str, coordinate: dict[str, str], wanted: str) -> None:
    f = xr.DataArray([0.0, 1.0, 3.0], dims="a", coords={"a": ("a", [0.0, 1.0, 2.0], coordinate)}, attrs={"units": unit})
    assert fg.derivative(f, "a").attrs["units"] == wanted


def test_components_in_different_units_are_refused() -> None:
    ds = flow()
    for call in (lambda ds: fg.derive(ds, "vorticity"), fg.velocity_gradient, lambda ds: fg.advection(ds.u, ds)):
        with pytest.raises(ValueError, match="x component is in 'm s-1' and the y component is in 'mm s-1'; convert"):
            call(ds.assign(v=ds.v.assign_attrs(units="mm s-1")))
    alike = fg.derive(ds.assign(v=ds.v.assign_attrs(units="m/s")), "vorticity").vorticity
    assert alike.units == "s-1"
    assert "units" not in fg.derive(ds.assign(v=ds.v.drop_attrs()), "vorticity").vorticity.attrs


def test_quantities_in_quantities_out() -> None:
    ds = flow()
    plain = fg.derive(ds, ["vorticity", "dissipation"], viscosity=1e-5)
    found = fg.derive(quantified(ds), ["vorticity", "dissipation"], viscosity=1e-5)
    assert found.vorticity.data.units == units("1/s")
    assert found.dissipation.data.units == units("m^2/s^3")
    for name in plain:
        np.testing.assert_array_equal(found[name].data.magnitude, plain[name].values)
        assert "units" not in found[name].attrs
        assert found[name].attrs["fieldgrad_definition"] == plain[name].attrs["fieldgrad_definition"]
    D, W = fg.decompose(fg.velocity_gradient(quantified(ds)))
    assert D.data.units == W.data.units == units("1/s")


def test_a_quantity_that_is_not_understood_gives_plain_numbers() -> None:
    ds = flow(length=None)
    found = fg.derive(quantified(ds), "vorticity").vorticity
    assert isinstance(found.data, np.ndarray)
    assert "units" not in found.attrs


def test_quantities_stay_lazy_on_dask() -> None:
    dask = pytest.importorskip("dask.array")
    ds = flow()
    lazy = ds.assign({n: (f.dims, units.Quantity(dask.from_array(f.values, chunks=3), "m/s")) for n, f in ds.items()})
    found = fg.derive(lazy, "vorticity").vorticity
    assert isinstance(found.data.magnitude, dask.Array)
    np.testing.assert_array_equal(found.data.magnitude.compute(), fg.derive(ds, "vorticity").vorticity.values)


def test_viscosity_as_a_quantity() -> None:
    exact = 25 * 1e-5
    found = fg.derive(flow(), "dissipation", viscosity=units.Quantity(10.0, "mm^2/s")).dissipation
    np.testing.assert_allclose(found.values, exact, rtol=1e-12)
    assert found.units == "m2 s-3"
    # the units are as right where lengths are in mm
    assert fg.derive(flow("mm/s", "mm"), "dissipation", viscosity=units("10 mm^2/s")).dissipation.units == "m2 s-3"
    both = {"dynamic_viscosity": units("0.01 g/(m s)"), "density": units("1 kg/m^3")}
    found = fg.derive(flow(), "dissipation", **both).dissipation
    np.testing.assert_allclose(found.values, exact, rtol=1e-12)
    assert found.units == "m2 s-3"
    with pytest.raises(ValueError, match=r"viscosity: is a quantity in pascal \* second, which is not m2 s-1"):
        fg.derive(flow(), "dissipation", viscosity=units("1 Pa s"))
    field = xr.DataArray(np.full(len(Y), 10.0), dims="y", attrs={"units": "mm2 s-1"})
    assert fg.derive(flow(), "dissipation", viscosity=field).dissipation.units == "mm2 s-3"


def test_coordinates_that_are_quantities() -> None:
    ds = flow()
    coords = xr.Coordinates({"x": ("x", units.Quantity(100 * X, "cm")), "y": ds.y.variable}, indexes={})
    f = xr.DataArray(ds.v.values, coords, ("y", "x"), "v", {"units": "m s-1"})
    axis = fg.infer_grid(f).axis("x")
    assert axis.units == "cm"
    np.testing.assert_array_equal(axis.nodes, 100 * X)
    slope = fg.derivative(f, "x")
    assert slope.units == "m s-1 cm-1"
    np.testing.assert_allclose(slope.values, 0.02, rtol=1e-12)


def test_powers_that_are_fractions_are_no_units() -> None:
    assert of_quantity(units("1 m**0.5 / s")) is None
    assert of_quantity(units("1 m**2 / s")) == "m2 s-1"
    mine = fg.Quantity("mine", lambda L, c: c * L[0][1], parameters=("c",), dimensions=(2,))
    with pytest.raises(
        ValueError, match=r"c: is in meter \*\* 0.5, of which a power is a fraction; pass a plain number"
    ):
        fg.derive(flow(), mine, c=units("2 m**0.5"))


def test_what_is_added_to_squares_of_rates_is_in_their_units() -> None:
    found = fg.derive(flow(), "omega_method", epsilon=units("1e-6 / s^2")).omega_method
    np.testing.assert_array_equal(found.values, fg.derive(flow(), "omega_method", epsilon=1e-6).omega_method.values)
    with pytest.raises(ValueError, match="epsilon: is in 's-2', and what it is added to in 'mm2 s-2 m-2'"):
        fg.derive(flow("mm/s", "m"), "omega_method", epsilon=units("1e-6 / s^2"))


def test_a_diffusivity_as_a_quantity() -> None:
    f = flow().u
    found = fg.scalar_dissipation(f, units("2 cm^2/s"))
    np.testing.assert_allclose(found.values, 2 * 2e-4 * 9, rtol=1e-12)
    assert found.units == "m2 s-3"


def test_datasets_of_pint_xarray() -> None:
    pytest.importorskip("pint_xarray")
    cf = pytest.importorskip("cf_xarray.units").units  # pint alone reads no "m s-1"
    ds = flow()
    found = fg.derive(ds.pint.quantify(unit_registry=cf), "vorticity").vorticity
    assert found.data.units == found.pint.registry.Unit("1/s")
    assert found.x.pint.units == found.pint.registry.Unit("m")
    np.testing.assert_array_equal(found.pint.dequantify().values, fg.derive(ds, "vorticity").vorticity.values)


STANDARD = [
    (("eastward_wind", "northward_wind"), "atmosphere_upward_relative_vorticity", "divergence_of_wind"),
    (("x_wind", "y_wind"), "atmosphere_upward_relative_vorticity", "divergence_of_wind"),
    (
        ("sea_water_x_velocity", "sea_water_y_velocity"),
        "ocean_relative_vorticity",
        "divergence_of_sea_water_velocity",
    ),
    (("x_wind", "sea_water_y_velocity"), None, None),
    (("surface_wind", None), None, None),
]


@pytest.mark.parametrize(("names", "vorticity", "divergence"), STANDARD)
def test_standard_names(names: tuple[str, str], vorticity: str | None, divergence: str | None) -> None:
    ds = flow()
    for component, name in zip("uv", names, strict=True):
        ds[component].attrs |= {} if name is None else {"standard_name": name}
    found = fg.derive(ds, ["vorticity", "divergence", "q_criterion"], components=("u", "v"))
    assert found.vorticity.attrs.get("standard_name") == vorticity
    assert found.divergence.attrs.get("standard_name") == divergence
    assert "standard_name" not in found.q_criterion.attrs


def test_results_keep_a_description_of_the_grid() -> None:
    ds = flow().rename(x="lon_km")
    grid = fg.infer_grid(ds, axes={"x": "lon_km"}, periodic={"lon_km": 8.0}, accuracy=4, boundary={"y": (0.0, None)})
    wanted = (
        "cartesian; x (lon_km): 6 points from 0 to 7 m, period 8 m, accuracy 4; "
        "y: 5 points from 0 to 2 m, accuracy 4, 0 below, nothing known above"
    )
    assert grid.description == wanted
    assert fg.derive(ds, "vorticity", grid=fg.infer_grid(ds, axes={"x": "lon_km"})).vorticity.fieldgrad_grid == (
        "cartesian; x (lon_km): 6 points from 0 to 7 m, accuracy 2; y: 5 points from 0 to 2 m, accuracy 2"
    )
