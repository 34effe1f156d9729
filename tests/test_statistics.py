# SPDX-License-Identifier: BSD-3-Clause
"""Means weighted by cells, and what is made of them: closed forms on periodic grids, NumPy on stretched ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.statistics import (
    derivative_flatness,
    derivative_skewness,
    invariant_histogram,
    mean,
    taylor_microscale,
    vieillefosse,
)

RNG = np.random.default_rng(5)
NODES = {
    "x": 0.5 + np.tanh(np.linspace(-1.2, 1.1, 12)),
    "y": np.tanh(np.linspace(-1.6, 0.4, 11))[::-1],
    "z": np.cumsum(np.r_[0.0, np.linspace(0.1, 0.3, 9)]),
}
COORDS = {name: (name, nodes, {"units": "m"}) for name, nodes in NODES.items()}
POINTS = 16
STEP = 2 * np.pi / POINTS


def field(dims: str = "zyx", dtype: Any = np.float64) -> xr.DataArray:
    shape = [len(NODES[dim]) for dim in dims]
    coords = {dim: COORDS[dim] for dim in dims}
    attrs = {"units": "m s-1", "long_name": "velocity"}
    return xr.DataArray(RNG.normal(size=shape).astype(dtype), coords, list(dims), "u", attrs)


def weights(nodes: np.ndarray) -> np.ndarray:
    """Of the trapezoidal rule, from the integrals of the hat functions of the nodes."""
    return np.array([abs(np.sum(np.diff(nodes) * (hat[1:] + hat[:-1]) / 2)) for hat in np.eye(len(nodes))])


def average(values: np.ndarray, dims: str, over: str) -> np.ndarray:
    """NumPy's weighted mean, one dimension after another."""
    for dim in sorted(over, key=dims.index, reverse=True):
        values = np.average(values, axis=dims.index(dim), weights=weights(NODES[dim]))
    return values


def waves(*terms: tuple[float, int], shift: float = 0.0) -> xr.DataArray:
    """Sum of a sin(k x) on a periodic axis."""
    x = xr.DataArray(np.arange(POINTS) * STEP, dims="x", attrs={"units": "m"})
    total = sum(amplitude * np.sin(k * x) for amplitude, k in terms) + shift
    return total.assign_coords(x=x).rename("u")


def periodic(f: xr.DataArray, accuracy: int = 2) -> fg.Grid:
    return fg.infer_grid(f, periodic=["x"], accuracy=accuracy)


# ---------------------------------------------------------------------------------------------------------
# mean


def test_mean_of_polynomials() -> None:
    f = field()
    f = (1 + 2 * f.x) * (3 - f.y) * f.z**2
    middle = {dim: (nodes[0] + nodes[-1]) / 2 for dim, nodes in NODES.items()}
    # exact for linear functions; for z^2 the trapezoids are h^3/6 too large
    z = NODES["z"]
    square = (z[-1] ** 3 / 3 + np.sum(np.diff(z) ** 3) / 6) / z[-1]
    expected = (1 + 2 * middle["x"]) * (3 - middle["y"]) * square
    assert mean(f).item() == pytest.approx(expected, rel=1e-14)
    assert abs(f.mean().item() / expected - 1) > 0.1


@pytest.mark.parametrize("over", ["x", "y", "zx", "xyz"])
def test_mean_over_some_dimensions(over: str) -> None:
    f = field()
    found = mean(f, list(over))
    assert found.dims == tuple(dim for dim in "zyx" if dim not in over)
    assert set(found.coords) == set(found.dims)
    np.testing.assert_allclose(found.values, average(f.values, "zyx", over), rtol=1e-12, atol=1e-15)
    assert found.name == "u"
    assert found.attrs == f.attrs
    if len(over) == 1:
        xr.testing.assert_identical(mean(f, over), found)
    if len(over) == 3:
        xr.testing.assert_identical(mean(f), found)


def test_mean_on_a_periodic_axis_is_that_of_the_period() -> None:
    f = waves((1.0, 3), shift=2.0)
    grid = periodic(f)
    assert mean(f, grid=grid).item() == pytest.approx(2.0, rel=1e-15)
    assert mean(f**2, grid=grid).item() == pytest.approx(4.5, rel=1e-15)
    uneven = xr.DataArray([1.0, 10.0, 100.0], dims="x", coords={"x": [0.0, 1.0, 3.0]})
    # cells of 2, 1.5 and 2.5 of a period of 6
    assert mean(uneven, grid=fg.infer_grid(uneven, periodic={"x": 6.0})).item() == pytest.approx(267 / 6, rel=1e-15)


def test_mean_by_name_of_a_direction() -> None:
    f = field()
    renamed = f.rename(x="column", y="row")
    grid = fg.infer_grid(renamed, axes={"x": "column", "y": "row"})
    for dims in ("x", "column"):
        np.testing.assert_array_equal(mean(renamed, dims, grid=grid).values, mean(f, "x").values)
    assert mean(renamed, grid=grid).item() == mean(f).item()
    with pytest.raises(ValueError, match=r"dims: \['x', 'column'\] name one dimension twice"):
        mean(renamed, ["x", "column"], grid=grid)


def test_mean_over_time_members_and_labels() -> None:
    hours = np.array([0, 1, 4])
    times = np.datetime64("2000-01-01T00", "ns") + hours * np.timedelta64(1, "h")
    values = RNG.normal(size=(3, 4, 2, 11))
    f = xr.DataArray(
        values,
        {"time": times, "component": ["x", "y"], "y": COORDS["y"]},
        ["time", "member", "component", "y"],
    )
    by_time = np.average(values, axis=0, weights=[0.5, 2.0, 1.5])
    for grid in (None, fg.infer_grid(f)):
        np.testing.assert_allclose(mean(f, "time", grid=grid).values, by_time, rtol=1e-13)
        np.testing.assert_allclose(mean(f, "member", grid=grid).values, values.mean(axis=1), rtol=1e-13)
        np.testing.assert_allclose(mean(f, "component", grid=grid).values, values.mean(axis=2), rtol=1e-13)
        everything = np.average(by_time.mean(axis=(0, 1)), weights=weights(NODES["y"]))
        assert mean(f, f.dims, grid=grid).item() == pytest.approx(everything, rel=1e-12)
    objects = f.assign_coords(component=np.array(["x", "y"], dtype=object))
    np.testing.assert_array_equal(mean(objects, "component").values, mean(f, "component").values)


def test_one_point_is_its_own_mean() -> None:
    f = field("yx")
    thick = f.expand_dims(z=[0.7])
    # of length one it is no direction, and stays unless it is named
    assert mean(thick).dims == ("z",)
    assert mean(thick, ["x", "y", "z"]).item() == mean(f).item()
    np.testing.assert_array_equal(mean(thick, "z").values, f.values)


def test_mean_leaves_out_what_is_nan() -> None:
    f = field("yx")
    f[2, 3] = f[5, 3] = np.nan
    f[:, 7] = np.nan
    found = mean(f, "y")
    valid = np.isfinite(f.values[:, 3])
    assert found[3].item() == pytest.approx(np.average(f.values[valid, 3], weights=weights(NODES["y"])[valid]))
    assert np.isnan(found[7].item())
    area = np.multiply.outer(weights(NODES["y"]), weights(NODES["x"]))
    valid = np.isfinite(f.values)
    assert mean(f).item() == pytest.approx(np.average(f.values[valid], weights=area[valid]), rel=1e-13)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("f2", "f4"), ("f4", "f4"), (">f4", "f4"), ("f8", "f8"), ("c8", "c8"), ("c16", "c16"), ("i2", "f8"), ("?", "f8")],
)
def test_mean_keeps_the_precision_and_sums_in_double(dtype: str, expected: str) -> None:
    f = (100 * field("yx")).astype(dtype)
    found = mean(f)
    assert found.dtype == np.dtype(expected)
    exact = average(f.values.astype(np.result_type(f.dtype, "f8")), "yx", "yx")
    assert found.item() == pytest.approx(exact, rel=1e-13 if expected in ("f8", "c16") else 1e-7)


def test_mean_of_a_dataset() -> None:
    ds = xr.Dataset(
        {
            "u": field(),
            "profile": field("y"),
            "spectrum": ("wavenumber", [1.0, 2.0]),
            "station": ("wavenumber", ["a", "b"]),
            "start": np.datetime64("2000-01-01"),
        },
        coords={"wavenumber": [1.0, 3.0], "run": 7, "height": ("y", NODES["y"] + 1), "unused": [1, 2]},
        attrs={"title": "channel"},
    )
    found = mean(ds)
    assert found.attrs == ds.attrs
    assert set(found.coords) == {"wavenumber", "run", "unused"}
    xr.testing.assert_identical(found.u.variable, mean(ds.u).variable)
    xr.testing.assert_identical(found.profile.variable, mean(ds.profile).variable)
    for name in ("spectrum", "station", "start"):
        xr.testing.assert_identical(found[name], ds[name])
    plane = mean(ds, ["x", "z"])
    assert plane.u.dims == ("y",)
    xr.testing.assert_identical(plane.profile, ds.profile.assign_coords(run=7, height=ds.height))
    assert "height" in plane.coords


def test_mean_stays_lazy() -> None:
    f = field()
    lazy = mean(f.chunk(z=3), "x")
    assert lazy.chunks is not None
    np.testing.assert_allclose(lazy.values, mean(f, "x").values, rtol=1e-13)


@pytest.mark.parametrize(
    ("dims", "error", "message"),
    [
        ("q", KeyError, r"'q' is no dimension or direction of the data, which has 'y', 'x'"),
        ("z", KeyError, r"'z' is no dimension or direction of the data, which has 'y', 'x'"),
        ([], ValueError, r"dims: is empty; name at least one"),
        (["x", "x"], ValueError, r"dims: \['x', 'x'\] name one dimension twice"),
    ],
)
def test_mean_over_impossible_dimensions(dims: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mean(field("yx"), dims)


def test_mean_over_a_direction_of_one_point() -> None:
    f = field("yx").rename(x="lon")[:, :1]
    np.testing.assert_array_equal(mean(f, "lon"), f[:, 0])
    grid = fg.Grid((fg.infer_grid(field("yx")).axis("y"),), (fg.Axis("lon", "lon", f.lon.values),))
    np.testing.assert_array_equal(mean(f, "lon", grid=grid), f[:, 0])


def test_mean_refuses_what_has_none() -> None:
    with pytest.raises(TypeError, match="obj: is a ndarray; pass an xarray Dataset or DataArray"):
        mean(np.zeros(3))  # type: ignore[type-var]
    words = xr.Dataset({"u": field("yx"), "flag": ("x", ["a"] * 12)})
    with pytest.raises(TypeError, match=r"obj: flag has dtype <U1, which has no mean; leave it out \(ds.drop_vars\)"):
        mean(words)
    assert mean(words, "y").flag.dims == ("x",)
    with pytest.raises(TypeError, match=r"obj: u has dtype datetime64\[s\], which has no mean"):
        mean(field("x").astype("M8[s]"))


def test_mean_refuses_what_its_cells_are_unknown_of() -> None:
    names = field("yx").rename(x="lon").assign_coords(lon=[f"east {k}" for k in range(12)])
    with pytest.raises(TypeError, match="dimension 'lon'"):
        mean(names, "x")
    assert mean(names, "lon").dims == ("y",)
    f = field("yx")
    with pytest.raises(ValueError, match=r"dimension 'x' .*no coordinate, so the spacing is not known"):
        mean(f.drop_vars("x"), "x")
    with pytest.raises(ValueError, match="grid: dimension 'x' has 12 points in the grid, and in the data 5"):
        mean(f[:, :5], grid=fg.infer_grid(f))
    with pytest.raises(ValueError, match=r"dims: dimension 'lat' is a latitude.* Pass a spherical grid"):
        mean(f.drop_attrs().rename(y="lat"))
    # along a circle of latitude the degrees are all alike
    globe = f.drop_attrs().rename(x="lon", y="lat")
    np.testing.assert_array_equal(mean(globe, "lon").values, mean(f, "x").values)


# ---------------------------------------------------------------------------------------------------------
# moments of derivatives


def test_moments_of_one_wave() -> None:
    f = waves((0.3, 2), shift=40.0)
    grid = periodic(f)
    assert abs(derivative_skewness(f, "x", grid=grid).item()) < 1e-11
    assert derivative_flatness(f, "x", grid=grid).item() == pytest.approx(1.5, rel=1e-12)
    # the difference has the wavenumber sin(k h)/h instead of k
    assert taylor_microscale(f, "x", grid=grid).item() == pytest.approx(STEP / np.sin(2 * STEP), rel=1e-12)
    assert taylor_microscale(f, "x", grid=periodic(f, 8)).item() == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("b", [-0.6, 0.25])
def test_moments_of_two_waves(b: float) -> None:
    f = waves((1.0, 1), (b, 2))
    grid = periodic(f)
    p, q = np.sin(STEP) / STEP, b * np.sin(2 * STEP) / STEP  # slope p cos x + q cos 2x
    square = (p**2 + q**2) / 2
    cube = 3 * p**2 * q / 4
    fourth = 3 * (p**4 + q**4) / 8 + 3 * p**2 * q**2 / 2
    assert derivative_skewness(f, "x", grid=grid).item() == pytest.approx(cube / square**1.5, rel=1e-12)
    assert derivative_flatness(f, "x", grid=grid).item() == pytest.approx(fourth / square**2, rel=1e-12)
    expected = np.sqrt((1 + b**2) / 2 / square)
    assert taylor_microscale(f, "x", grid=grid).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("dim", "over"), [("y", "xyz"), ("x", "xz"), ("z", "xy")])
def test_moments_on_a_stretched_grid(dim: str, over: str) -> None:
    f = field() + 2 * field("z")
    values = f.values
    kept = tuple(slice(None) if name not in over else np.newaxis for name in "zyx")
    fluctuation = values - average(values, "zyx", over)[kept]
    slope = np.gradient(fluctuation, NODES[dim], axis="zyx".index(dim), edge_order=2)
    square = average(slope**2, "zyx", over)
    for found, expected in (
        (derivative_skewness(f, dim, list(over)), average(slope**3, "zyx", over) / square**1.5),
        (derivative_flatness(f, dim, list(over)), average(slope**4, "zyx", over) / square**2),
        (taylor_microscale(f, dim, list(over)), np.sqrt(average(fluctuation**2, "zyx", over) / square)),
    ):
        assert found.dims == tuple(name for name in "zyx" if name not in over)
        np.testing.assert_allclose(found.values, expected, rtol=1e-10, atol=1e-12)


def test_a_mean_shear_does_not_count_across_it() -> None:
    x, y = np.arange(POINTS) * STEP, NODES["y"]
    f = xr.DataArray(np.sin(x) * y[:, np.newaxis], {"y": COORDS["y"], "x": x}, ["y", "x"])
    sheared = f + 5 * f.y
    grid = periodic(f)
    for statistic in (derivative_skewness, derivative_flatness, taylor_microscale):
        found = statistic(sheared, "y", "x", grid=grid).values
        np.testing.assert_allclose(found, statistic(f, "y", "x", grid=grid).values, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(taylor_microscale(sheared, "y", "x", grid=grid).values, abs(y), rtol=1e-9)


def test_moments_are_labelled() -> None:
    f = field().assign_coords(run=3)
    skewness = derivative_skewness(f, "y", ["x", "z"])
    assert skewness.name == "derivative_skewness"
    assert set(skewness.coords) == {"y", "run"}
    assert skewness.attrs == {
        "long_name": "skewness of the derivative of velocity with respect to y",
        "fieldgrad_definition": "<g^3>/<g^2>^(3/2), g = d(u - <u>)/dy",
        "fieldgrad_grid": fg.infer_grid(f).axis("y").description,
        "units": "1",
    }
    assert derivative_flatness(f, "y").name == "derivative_flatness"
    assert derivative_flatness(f, "y").attrs["fieldgrad_definition"] == "<g^4>/<g^2>^(4/2), g = d(u - <u>)/dy"
    microscale = taylor_microscale(f, "y")
    assert microscale.name == "taylor_microscale"
    assert microscale.attrs["units"] == "m"
    assert microscale.attrs["long_name"] == "Taylor microscale of velocity along y"
    assert "units" not in taylor_microscale(f.assign_coords(y=NODES["y"]), "y").attrs


def test_a_signal_in_time() -> None:
    f = waves((1.0, 1), (-0.6, 2)).rename(x="time")
    seconds = f.assign_coords(time=("time", np.arange(POINTS) * STEP, {"units": "ms"}))
    assert taylor_microscale(seconds, "time", "time").attrs["units"] == "s"
    ratio = taylor_microscale(f.assign_coords(time=f.time.values), "time", "time") / taylor_microscale(
        seconds, "time", "time"
    )
    assert ratio.item() == pytest.approx(1000.0, rel=1e-12)


@pytest.mark.parametrize("statistic", [derivative_skewness, derivative_flatness, taylor_microscale])
def test_moments_without_gradient_are_nan(statistic: Callable[..., xr.DataArray]) -> None:
    f = field("yx")
    f[4] = 0.1
    found = statistic(f, "x", "x")
    assert np.isnan(found[4].item())
    assert np.isfinite(found.drop_isel(y=4).values).all()


@pytest.mark.parametrize("statistic", [derivative_skewness, derivative_flatness, taylor_microscale])
def test_moments_leave_out_what_is_nan(statistic: Callable[..., xr.DataArray]) -> None:
    f = field("yx")
    f[3, 5] = np.nan
    part = f[3]
    fluctuation = part.values - np.average(part.values[part.notnull()], weights=weights(NODES["x"])[part.notnull()])
    slope = np.gradient(fluctuation, NODES["x"], edge_order=2)
    assert np.isnan(slope).sum() == 3
    power, valid = {derivative_skewness: 3, derivative_flatness: 4}.get(statistic), np.isfinite(slope)
    square = np.average(slope[valid] ** 2, weights=weights(NODES["x"])[valid])
    if power is None:
        there = np.isfinite(fluctuation)
        expected = np.sqrt(np.average(fluctuation[there] ** 2, weights=weights(NODES["x"])[there]) / square)
    else:
        expected = np.average(slope[valid] ** power, weights=weights(NODES["x"])[valid]) / square ** (power / 2)
    assert statistic(f, "x", "x")[3].item() == pytest.approx(expected, rel=1e-10)


def test_small_slopes_of_single_precision_do_not_vanish() -> None:
    f = (1e-12 * waves((1.0, 1), (-0.6, 2))).assign_attrs(units="m s-1")
    grid = periodic(f)
    for statistic in (derivative_skewness, derivative_flatness, taylor_microscale):
        found = statistic(f.astype(np.float32), "x", grid=grid)
        assert found.dtype == np.float64
        assert found.item() == pytest.approx(statistic(f, "x", grid=grid).item(), rel=1e-5)


def test_moments_refuse() -> None:
    f = field("yx")
    with pytest.raises(TypeError, match="f: is a Dataset; pass an xarray DataArray"):
        derivative_skewness(f.to_dataset(), "x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="f: u is complex; pass its real and imaginary parts"):
        taylor_microscale(f.astype(complex), "x")
    with pytest.raises(KeyError, match="'z' is no dimension or direction of the data, which has 'y', 'x'"):
        derivative_flatness(f, "z")
    with pytest.raises(KeyError, match="'q' is no dimension or direction of the data"):
        derivative_flatness(f, "x", "q")


# ---------------------------------------------------------------------------------------------------------
# invariants


def turbulence(dims: str = "zyx") -> xr.Dataset:
    return xr.Dataset({name: field(dims) for name in "uvw"})


def invariants(ds: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """R and Q normalised, weights, and which points are valid, by NumPy."""
    L = np.moveaxis(fg.velocity_gradient(ds).values, (0, 1), (-2, -1))
    trace = np.trace(L, axis1=-2, axis2=-1)
    Q = (trace**2 - np.einsum("...ij,...ji", L, L)) / 2
    R = -np.linalg.det(np.where(np.isfinite(L), L, 0.0))
    spin = L - L.swapaxes(-1, -2)
    rotation = np.einsum("...ij,...ij", spin, spin) / 2  # w^2
    volume = np.einsum("i,j,k", *(weights(NODES[dim]) for dim in "zyx")) * np.ones(Q.shape)
    valid = np.isfinite(L).all(axis=(-2, -1))
    scale = np.average(rotation[np.isfinite(rotation)], weights=volume[np.isfinite(rotation)]) / 4
    return R / scale**1.5, Q / scale, volume, valid


def test_histogram_against_numpy() -> None:
    ds = turbulence()
    R, Q, volume, _ = invariants(ds)
    ends = ((-1.0, 1.5), (-2.0, 1.0))
    found = invariant_histogram(ds, (7, 5), ends)
    counts, r, q = np.histogram2d(R.ravel(), Q.ravel(), (7, 5), ends, weights=volume.ravel())
    assert found.dims == ("R", "Q")
    np.testing.assert_allclose(found.R.values, (r[1:] + r[:-1]) / 2, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found.Q.values, (q[1:] + q[:-1]) / 2, rtol=1e-13, atol=1e-15)
    area = 2.5 / 7 * 3 / 5
    np.testing.assert_allclose(found.values, counts / volume.sum() / area, rtol=1e-9, atol=1e-12)
    inside = (R >= -1) & (R <= 1.5) & (Q >= -2) & (Q <= 1)
    share = volume[inside].sum() / volume.sum()
    assert 0.1 < share < 0.9
    assert found.sum().item() * area == pytest.approx(share, rel=1e-12)
    assert found.name == "invariant_density"
    assert found.attrs["units"] == found.R.attrs["units"] == found.Q.attrs["units"] == "1"
    assert found.R.attrs["long_name"] == "third invariant, R/<w^2/4>^(3/2)"


def test_histogram_has_no_units() -> None:
    ds = turbulence()
    slow = (ds * 1e-3).astype(np.float32)
    found, expected = (invariant_histogram(one, 4, grid=fg.infer_grid(ds)) for one in (slow, ds))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-3, atol=1e-3)


def test_histogram_leaves_out_what_is_nan_and_takes_all_times() -> None:
    ds = turbulence()
    ds.u[4, 5, 6] = np.nan
    R, Q, volume, valid = invariants(ds)
    wide = ((-1e4, 1e4), (-1e4, 1e4))
    found = invariant_histogram(ds, 2, wide)
    counts, *_ = np.histogram2d(R[valid], Q[valid], 2, wide, weights=volume[valid])
    np.testing.assert_allclose(found.values, counts / volume[valid].sum() / 1e8, rtol=1e-9)
    assert 0 < (~valid).sum() < 20
    assert found.sum().item() * 1e8 == pytest.approx(1.0, rel=1e-12)
    twice = xr.concat([ds, ds], "time")
    np.testing.assert_allclose(invariant_histogram(twice, 2, wide).values, found.values, rtol=1e-9)


def test_histogram_needs_rotation() -> None:
    ds = turbulence()
    strain = xr.Dataset({"u": ds.u * 0 + ds.x, "v": ds.u * 0 + ds.y, "w": ds.u * 0 - 2 * ds.z})
    strain = strain.transpose("z", "y", "x")
    with pytest.raises(ValueError, match=r"obj: the mean square of its vorticity is 0\.0, and nothing can be"):
        invariant_histogram(strain * 0)


@pytest.mark.parametrize("bins", [0, -3, 2.5, (4, 0), (4, 5, 6), "auto", [0.0, 1.0]])
def test_histogram_of_impossible_bins(bins: Any) -> None:
    with pytest.raises(ValueError, match=r"bins: got .*; it must be a number of bins of at least 1, or a pair"):
        invariant_histogram(turbulence(), bins)


@pytest.mark.parametrize("ends", [(-5, 5), ((5, -5), (-5, 5)), ((-5, np.inf), (-5, 5)), ((1, 1), (-5, 5)), None])
def test_histogram_of_an_impossible_range(ends: Any) -> None:
    with pytest.raises(ValueError, match=r"range: got .*; it must hold the lower and the upper end of R, then those"):
        invariant_histogram(turbulence(), 4, ends)


def test_on_the_line_of_vieillefosse_two_eigenvalues_meet() -> None:
    for pair in (1.5, -0.3):
        L = np.diag([pair, pair, -2 * pair])
        Q, R = -np.trace(L @ L) / 2, -np.linalg.det(L)
        assert vieillefosse(R) == pytest.approx(Q, rel=1e-14)
    labelled = xr.DataArray([-2.0, 0.0, 2.0], dims="R", coords={"R": [-2.0, 0.0, 2.0]})
    assert vieillefosse(labelled.R).values.tolist() == [-3.0, 0.0, -3.0]
    assert vieillefosse(labelled.R).dims == ("R",)
