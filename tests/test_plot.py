# SPDX-License-Identifier: BSD-3-Clause
"""What pictures show: limits, maps, labels, and refusals. How they look is for the eye."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

NODES = np.linspace(-1.0, 1.0, 9)


def field(values: object = None) -> xr.DataArray:
    coords = {dim: (dim, NODES * scale, {"units": "m"}) for dim, scale in (("z", 3), ("y", 2), ("x", 1))}
    f = xr.DataArray(np.zeros((9, 9, 9)), coords, ("z", "y", "x"), "lambda2", {"long_name": "lambda2", "units": "s-2"})
    return f + (f.x + f.y + f.z if values is None else values)


def labelled(f: xr.DataArray) -> xr.DataArray:
    return f.rename("lambda2").assign_attrs(long_name="lambda2", units="s-2")


def test_a_field_of_both_signs_is_neutral_at_zero() -> None:
    ax = fg.plot.slice(labelled(field()), z=0.1, robust=False)
    mesh = ax.collections[0]
    assert mesh.get_clim() == (-3.0, 3.0)
    assert mesh.get_cmap().name == "RdBu_r"
    assert ax.get_title() == "z = 0 m"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x [m]", "y [m]")
    assert ax.figure.axes[1].get_ylabel() == r"$\lambda_2$ [s-2]"
    np.testing.assert_allclose(mesh.get_array(), field().sel(z=0).values)


def test_a_positive_field_goes_from_dark_to_light() -> None:
    f = labelled(field(np.arange(9.0)))
    f[0, 0, 0] = 1000.0
    ax = fg.plot.slice(f.isel(z=0), x="y")
    assert ax.collections[0].get_cmap().name == "viridis"
    assert ax.collections[0].get_clim()[1] < 1000
    assert ax.get_xlabel() == "y [m]"


def test_quantities_with_units() -> None:
    pint = pytest.importorskip("pint")
    f = labelled(field())
    plane = f.isel(z=0).copy(data=pint.UnitRegistry().Quantity(f.isel(z=0).values, "1/s^2"))
    plane.attrs = {"long_name": "lambda2"}
    ax = fg.plot.slice(plane)
    assert ax.figure.axes[1].get_ylabel() == r"$\lambda_2$ [s-2]"
    np.testing.assert_array_equal(ax.collections[0].get_array(), f.isel(z=0).values)


@pytest.mark.parametrize(("unit", "aspect"), [("m", 1.0), ("km", "auto"), (None, "auto")])
def test_lengths_are_alike_where_their_units_are(unit: str | None, aspect: float | str) -> None:
    f = labelled(field())
    f["y"].attrs = {} if unit is None else {"units": unit}
    assert f.x.units == "m"
    assert fg.plot.slice(f, z=0).get_aspect() == aspect


def test_axes_of_ones_own() -> None:
    ax = plt.figure().add_subplot()
    assert fg.plot.slice(labelled(field()), z=0, ax=ax) is ax
    assert len(ax.collections) == 1


def test_component_labels() -> None:
    f = labelled(field()).rename("vorticity").expand_dims(component=["x", "y"]).assign_attrs(long_name="vorticity")
    assert fg.plot.label(f.sel(component="y")) == r"$(\omega)_{y}$ vorticity [s-2]"
    ax = fg.plot.slice(f, z=0, component="y")
    assert ax.get_title() == "z = 0 m"


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("q_criterion", "Q criterion", "$Q$ criterion [s-2]"),
        ("omega_method", "Omega", r"$\Omega$ [s-2]"),
        ("shear_rate", "shear rate", r"$\dot\gamma$ shear rate [s-2]"),
        ("mine", "Q criterion", "Q criterion [s-2]"),
    ],
)
def test_a_label_does_not_say_the_symbol_twice(name: str, words: str, expected: str) -> None:
    assert fg.plot.label(field().rename(name).assign_attrs(long_name=words, units="s-2")) == expected


def test_refusals_of_slices() -> None:
    with pytest.raises(ValueError, match="f: has the dimensions 'z', 'y', 'x' where it is cut; say where to cut"):
        fg.plot.slice(field())
    with pytest.raises(ValueError, match="q: is no dimension"):
        fg.plot.slice(field(), q=0)
    with pytest.raises(ValueError, match="f: has no finite value"):
        fg.plot.slice(field(np.nan), z=0)
    with pytest.raises(TypeError, match="f: is a Dataset"):
        fg.plot.slice(field().to_dataset(name="f"))
    with pytest.raises(ValueError, match="x: 'z' is none of the dimensions 'y', 'x'"):
        fg.plot.slice(field(), z=0, x="z")


def test_an_isosurface_lies_where_the_field_has_its_value() -> None:
    f = labelled(field())
    ax = fg.plot.isosurface(f.transpose("y", "x", "z"), 0.5, colour=f.x + 0 * f)
    assert len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_zlabel()) == ("x [m]", "z [m]")
    assert ax.get_zlim() == (-3, 3)
    assert fg.plot.isosurface(f).get_title() == rf"$\lambda_2$ [s-2] = {-float(f.std()):.3g}"
    with pytest.raises(ValueError, match="level: the field is 99 nowhere; it goes from -6 to 6"):
        fg.plot.isosurface(f, 99.0)
    with pytest.raises(ValueError, match="f: has the dimensions 'y', 'x'; a surface needs three"):
        fg.plot.isosurface(f.isel(z=0))


def test_a_map_of_a_given_density() -> None:
    axis = np.linspace(-2, 2, 11)
    density = xr.DataArray(np.ones((11, 11)), {"R": axis, "Q": axis}, ("R", "Q"))
    ax = fg.plot.rq_map(density)
    assert ax.get_xlim() == (-2, 2)
    line = ax.lines[0]
    np.testing.assert_allclose(27 / 4 * line.get_xdata() ** 2 + line.get_ydata() ** 3, 0, atol=1e-9)


def test_a_map_of_a_flow_is_that_of_its_density() -> None:
    flow = fg.flows.abc(NODES, NODES, NODES).dataset
    shown = ((-3.0, 3.0), (-6.0, 6.0))
    of_flow, of_density = fg.plot.rq_map(flow, bins=10), fg.plot.rq_map(fg.invariant_histogram(flow, 10, shown))
    np.testing.assert_array_equal(*(ax.collections[0].get_array() for ax in (of_flow, of_density)))


def test_quality_of_a_grid() -> None:
    grid = fg.Grid((fg.Axis("x", "x", np.array([0.0, 1.0, 3.0, 6.0]), units="m"), fg.Axis("y", "y", np.arange(5.0))))
    (spacing, _), (ratio, _) = fg.plot.grid_quality(grid)
    np.testing.assert_array_equal(spacing.lines[0].get_xydata(), [[0.5, 1], [2, 2], [4.5, 3]])
    np.testing.assert_array_equal(ratio.lines[0].get_xydata(), [[1, 2], [3, 1.5]])
    assert spacing.get_ylabel() == "spacing"
    np.testing.assert_allclose(ratio.get_yticks(), [1 / 2, 1 / 1.5, 1 / 1.2, 1, 1.2, 1.5, 2])
    assert ratio.get_xlabel() == "x [m]"


def test_orders_are_drawn_as_verified() -> None:
    worth = fg.verify(fg.Grid((fg.Axis("x", "x", np.linspace(0, 1, 50)),)), accuracies=[2])
    (panel,) = fg.plot.order_of_accuracy(worth)
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), worth.rms_error.values[0, 0])
    assert panel.get_legend().get_texts()[0].get_text() == f"2: order {float(worth.order[0, 0]):.2f}"


def test_figures_are_those_of_pyplot_or_of_the_caller() -> None:
    """`pyplot.show()` and notebooks show what pyplot knows of."""
    grid = fg.Grid((fg.Axis("x", "x", np.linspace(0, 1, 50)),))
    shown = fg.plot.grid_quality(grid)[0, 0].figure
    assert plt.figure(shown.number) is shown
    given = matplotlib.figure.Figure()
    assert fg.plot.grid_quality(grid, given).shape == (2, 1)
    worth = fg.verify(grid, accuracies=[2])
    assert fg.plot.order_of_accuracy(worth, figure=given)[0].figure is given
    assert plt.get_fignums() == [shown.number]
