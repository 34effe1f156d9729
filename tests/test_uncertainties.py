# SPDX-License-Identifier: BSD-3-Clause
"""Standard deviations against dense covariances and against Monte Carlo, with labels, chunks and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import propagation

RNG = np.random.default_rng(411)
NODES = {"y": np.cumsum(RNG.uniform(0.5, 1.5, 7)), "x": np.cumsum(RNG.uniform(0.5, 1.5, 8))}
LENGTH = 0.9


def plane() -> xr.Dataset:
    shape = [len(x) for x in NODES.values()]
    return xr.Dataset({name: (list(NODES), RNG.normal(size=shape)) for name in "uv"}, NODES)


def scalar() -> xr.DataArray:
    return plane().u.rename("p")


def deviations(f: xr.DataArray) -> xr.DataArray:
    return xr.zeros_like(f) + RNG.uniform(0.1, 0.3, f.shape)


def matrices(grid: fg.Grid, order: int = 1) -> dict[str, np.ndarray]:
    """Derivatives as matrices on all values, y slow and x fast."""
    x, y = (grid.axis(dim).stencil(order).matrix() for dim in "xy")
    return {"x": np.kron(np.eye(len(y)), x), "y": np.kron(y, np.eye(len(x)))}


def covariance(std: xr.DataArray, length: float | None) -> np.ndarray:
    """Of all values, by the distances of their nodes in the plane."""
    y, x = (grid.ravel() for grid in np.meshgrid(NODES["y"], NODES["x"], indexing="ij"))
    square = (x[:, np.newaxis] - x) ** 2 + (y[:, np.newaxis] - y) ** 2
    R = np.eye(len(x)) if length is None else np.exp(-0.5 * square / length**2)
    return np.outer(std.values.ravel(), std.values.ravel()) * R


def spread(A: np.ndarray, C: np.ndarray, like: xr.DataArray) -> np.ndarray:
    return np.sqrt(np.diag(A @ C @ A.T)).reshape(like.shape)


def close(found: Any, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------------------------------------------------
# exact


@pytest.mark.parametrize("length", [None, LENGTH], ids=["independent", "correlated"])
@pytest.mark.parametrize("accuracy", [2, 4])
def test_operators_of_a_scalar(length: float | None, accuracy: int) -> None:
    f = scalar()
    std = deviations(f)
    grid = fg.infer_grid(f, accuracy=accuracy)
    out = fg.uncertainty(f, ["gradient", "laplacian", "hessian"], std=std, correlation_length=length, grid=grid)
    C, D, D2 = covariance(std, length), matrices(grid), matrices(grid, 2)
    assert out.hessian.dims == ("component", "direction", "y", "x")
    for dim in "xy":
        close(out.gradient.sel(component=dim), spread(D[dim], C, f))
        close(out.hessian.sel(component=dim, direction=dim), spread(D2[dim], C, f))
        other = "y" if dim == "x" else "x"
        close(out.hessian.sel(component=dim, direction=other), spread(D["x"] @ D["y"], C, f))
    close(out.laplacian, spread(D2["x"] + D2["y"], C, f))


@pytest.mark.parametrize("length", [None, LENGTH], ids=["independent", "correlated"])
def test_vorticity_adds_components_and_divergence_adds_the_node_that_directions_share(length: float | None) -> None:
    ds = plane()
    std = {"u": deviations(ds.u), "v": 0.2}
    grid = fg.infer_grid(ds)
    out = fg.uncertainty(ds, ["vorticity", "velocity_gradient"], std=std, correlation_length=length, grid=grid)
    D = matrices(grid)
    Cu, Cv = covariance(std["u"], length), covariance(xr.full_like(ds.v, 0.2), length)
    total = D["x"] @ Cv @ D["x"].T + D["y"] @ Cu @ D["y"].T
    close(out.vorticity, np.sqrt(np.diag(total)).reshape(ds.u.shape))
    close(out.velocity_gradient.sel(component="x", direction="y"), spread(D["y"], Cu, ds.u))
    close(out.velocity_gradient.sel(component="y", direction="x"), spread(D["x"], Cv, ds.u))

    # of one component both directions: their weights on the node in the middle are added before they are squared
    def slope(L: Any) -> Any:
        return L[0][0] + 2 * L[0][1]

    record = fg.Quantity("slope", slope, linear=True)
    found = fg.uncertainty(ds, record, std=std, correlation_length=length, grid=grid)["slope"]
    close(found, spread(D["x"] + 2 * D["y"], Cu, ds.u))
    apart = np.sqrt(spread(D["x"], Cu, ds.u) ** 2 + 4 * spread(D["y"], Cu, ds.u) ** 2)
    assert (abs(found.values - apart) > 1e-3).any()


def test_noise_that_repeats_and_known_walls() -> None:
    ds = plane()
    grid = fg.infer_grid(ds, periodic={"x": 9.0}, boundary={"y": {"u": (0.0, None), "v": ("antisymmetric", None)}})
    std = {"x": 0.1, "y": deviations(ds.v)}
    out = fg.uncertainty(ds, "velocity_gradient", std=std, grid=grid).velocity_gradient
    for label, number, C in (("x", 0, 0.01 * np.eye(56)), ("y", 1, covariance(std["y"], None))):
        names = [("u", "x"), ("v", "y")]
        x, y = (grid.axis(dim).stencil(1, names).of(number).matrix() for dim in "xy")
        close(out.sel(component=label, direction="x"), spread(np.kron(np.eye(7), x), C, ds.u))
        close(out.sel(component=label, direction="y"), spread(np.kron(y, np.eye(8)), C, ds.u))


# ---------------------------------------------------------------------------------------------------------
# Monte Carlo


def realisations(ds: xr.Dataset, std: float, length: float | None, count: int) -> xr.Dataset:
    noisy = {}
    for name in ds:
        C = covariance(xr.full_like(ds.u, std), length) + 1e-14 * np.eye(ds.u.size)
        noise = np.random.default_rng(ord(str(name))).normal(size=(count, ds.u.size)) @ np.linalg.cholesky(C).T
        noisy[name] = ds[name] + xr.DataArray(noise.reshape(count, *ds.u.shape), dims=("draw", *ds.u.dims))
    return xr.Dataset(noisy).transpose("draw", ...)


@pytest.mark.parametrize("length", [None, LENGTH], ids=["independent", "correlated"])
def test_quantities_to_first_order_by_monte_carlo(length: float | None) -> None:
    ds = plane()
    names = ["vorticity", "dissipation"]
    count, std = 4000, 1e-3
    D = matrices(fg.infer_grid(ds))
    L = {
        name + dim: noisy.values.reshape(count, -1) @ D[dim].T
        for name, noisy in realisations(ds, std, length, count).items()
        for dim in "xy"
    }
    draws = {
        "vorticity": L["vx"] - L["uy"],
        "dissipation": L["ux"] ** 2 + L["vy"] ** 2 + (L["uy"] + L["vx"]) ** 2 / 2,
    }
    found = fg.uncertainty(ds, names, std=std, correlation_length=length, viscosity=0.5)
    for name in names:
        ratio = draws[name].std(axis=0).reshape(ds.u.shape) / found[name]
        # the standard deviation of a standard deviation is (2 n)^(-1/2) of it; five of these for 56 points
        assert float(abs(ratio - 1).max()) < 5 / np.sqrt(2 * count)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["q_criterion", "lambda2", "viscous_stress", "principal_strain_rates", "rortex"])
def test_quantities_in_space_by_monte_carlo(name: str) -> None:
    x = np.linspace(0, 1, 4)
    flow = fg.flows.abc(x, x + 0.2, x - 0.3).dataset[["u", "v", "w"]]
    count, std = 4000, 1e-5
    given = {"dynamic_viscosity": 2.0} if name == "viscous_stress" else {}
    rng = np.random.default_rng(8)
    draws = flow + xr.Dataset({n: (("draw", *flow.u.dims), std * rng.normal(size=(count, 4, 4, 4))) for n in flow})
    spreads = fg.derive(draws, name, **given)[name].std("draw")
    found = fg.uncertainty(flow, name, std=std, **given)[name]
    np.testing.assert_allclose(spreads, found, rtol=5.5 / np.sqrt(2 * count), atol=std * 1e-3)


# ---------------------------------------------------------------------------------------------------------
# labels, chunks, refusals


def test_a_deviation_may_be_given_in_many_ways() -> None:
    ds = plane()
    for name in "uv":
        ds[name].attrs["units"] = "m s-1"
    ds = ds.assign_coords({dim: ds[dim].assign_attrs(units="m") for dim in "xy"})
    base = fg.uncertainty(ds, "vorticity", std={"u": 0.1, "v": 0.2})
    assert base.vorticity.attrs["units"] == "s-1"
    assert base.vorticity.attrs["long_name"] == "standard deviation of vorticity"
    assert base.vorticity.attrs["fieldgrad_grid"] == fg.infer_grid(ds).description
    field = xr.full_like(ds.u, 0.1)
    per = xr.DataArray([0.2, 0.1], {"component": ["y", "x"]}, "component")
    ways = [{"x": 0.1, "y": 0.2}, per, per.sortby("component").drop_vars("component"), {"u": field, "v": "s"}]
    ways += [xr.Dataset({"u": field, "v": 2 * field}), {"u": field.isel(y=0, drop=True), "v": 0.2}]
    for std in ways:
        found = fg.uncertainty(ds.assign(s=2 * field), "vorticity", std=std, components=("u", "v"))
        np.testing.assert_allclose(found.vorticity, base.vorticity, rtol=1e-15)
    xr.testing.assert_identical(ds.fieldgrad.uncertainty("vorticity", std={"u": 0.1, "v": 0.2}), base)


def test_a_deviation_with_units() -> None:
    pint = pytest.importorskip("pint")
    ds, std = plane(), pint.UnitRegistry().Quantity(100.0, "mm/s")
    with pytest.raises(ValueError, match="std: is in millimeter / second, and 'u' has no units; pass a plain number"):
        fg.uncertainty(ds, "vorticity", std=std)
    for name in "uv":
        ds[name].attrs["units"] = "m s-1"
    given = [fg.uncertainty(ds, "vorticity", std=one).vorticity.values for one in (std, 0.1)]
    np.testing.assert_allclose(*given, rtol=1e-14)


def test_no_correlation_length_is_independence() -> None:
    found = [fg.uncertainty(plane(), "vorticity", std=0.1, correlation_length=length) for length in (0.0, None)]
    xr.testing.assert_identical(*found)


@pytest.mark.parametrize("length", [None, LENGTH], ids=["independent", "correlated"])
def test_the_bits_of_the_whole(length: float | None) -> None:
    ds = plane()
    std = {"u": deviations(ds.u), "v": 0.2}
    grid = fg.infer_grid(ds, periodic={"x": 9.0})
    given = {"correlation_length": length, "grid": grid, "viscosity": 0.5}
    whole = fg.uncertainty(ds, ["vorticity", "dissipation"], std=std, **given)
    for chunks in ({"x": 3, "y": 2}, {"x": 1, "y": 7}):
        lazy = fg.uncertainty(ds.chunk(chunks), ["vorticity", "dissipation"], std=std, **given)
        assert lazy.vorticity.chunks is not None
        xr.testing.assert_identical(lazy.compute(), whole)
    f = ds.u
    names = ["gradient", "laplacian", "hessian"]
    lazy = fg.uncertainty(f.chunk(x=3, y=2), names, std=std["u"].chunk(x=3), correlation_length=length, grid=grid)
    assert lazy.hessian.chunks is not None
    same = fg.uncertainty(f, names, std=std["u"], correlation_length=length, grid=grid)
    xr.testing.assert_identical(lazy.compute(), same)
    # selections leave chunks of no nodes behind
    gappy = {"x": (3, 0, 5), "y": (0, 7)}
    lazy = fg.uncertainty(f.chunk(gappy), names, std=std["u"].chunk(gappy), correlation_length=length, grid=grid)
    assert all(lazy[name].chunks[-2:] == f.chunk(gappy).chunks for name in names)
    xr.testing.assert_identical(lazy.compute(), same)
    lazy = fg.uncertainty(ds.chunk(gappy), ["vorticity", "dissipation"], std=std, **given)
    xr.testing.assert_identical(lazy.compute(), whole)


@pytest.mark.parametrize("points", [1, 10])
def test_slabs_have_the_bits_of_the_whole(points: int, monkeypatch: pytest.MonkeyPatch) -> None:
    base = plane()
    ds = xr.concat([base, base * 2], "time").transpose("y", "time", "x")
    nu = (ds.x + ds.y).broadcast_like(base.u)
    given = {"std": {"u": deviations(ds.u), "v": 0.2}, "viscosity": nu, "grid": fg.infer_grid(ds, periodic={"x": 9.0})}
    whole = fg.uncertainty(ds, ["vorticity", "dissipation"], **given)
    laplacian = fg.uncertainty(ds.u, ["gradient", "laplacian"], std=given["std"]["u"])
    monkeypatch.setattr(propagation, "_SLAB", points)
    xr.testing.assert_identical(fg.uncertainty(ds, ["vorticity", "dissipation"], **given), whole)
    xr.testing.assert_identical(fg.uncertainty(ds.u, ["gradient", "laplacian"], std=given["std"]["u"]), laplacian)


def test_flagged_vectors_stay_in_their_stencils() -> None:
    ds = plane()
    std = deviations(ds.u)
    std[3, 4] = np.nan
    out = fg.uncertainty(ds, "velocity_gradient", std={"u": std, "v": 0.1}).velocity_gradient
    flagged = ds.assign(u=ds.u.where(std.notnull()))
    np.testing.assert_array_equal(out.isnull(), fg.velocity_gradient(flagged).isnull())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"std": -0.1}, ValueError, "std: is -0.1; it must be finite and not negative"),
        ({"std": np.nan}, ValueError, "std: is nan"),
        ({"std": [0.1, 0.1]}, TypeError, r"std: is \[0.1, 0.1\]; it must be a number"),
        ({"std": {"u": 0.1}}, ValueError, "std: there is none of 'y'; give one for each component, 'u', 'v'"),
        ({"std": {"u": 0.1, "v": 0.1, "w": 0.1}}, ValueError, r"std: \['w'\] is no component"),
        ({"std": "s"}, ValueError, "std: 's' is no variable of the dataset"),
        ({"std": 0.1, "correlation_length": -1.0}, ValueError, "correlation_length: is -1.0"),
        ({"std": xr.DataArray([-1.0] * 8, {"x": NODES["x"]}, "x")}, ValueError, "std: has negative values"),
        ({"std": xr.DataArray([1.0, 1, 1], dims="component")}, ValueError, "std: has 3 components, and the field 2"),
        ({"std": xr.DataArray([1.0], {"component": ["x"]}, "component")}, ValueError, "none of component 'y'"),
        ({"std": 0.1, "quantities": "lambda2"}, ValueError, "'lambda2' is defined in 3-D flows"),
        ({"std": 0.1, "quantities": "dissipation"}, TypeError, "viscosity: missing"),
    ],
)
def test_refusals(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fg.uncertainty(plane(), **{"quantities": "vorticity", **change})


def test_refusals_of_scalars_and_complex_fields() -> None:
    f = scalar()
    with pytest.raises(ValueError, match="of a scalar they are 'gradient', 'laplacian', 'hessian'"):
        fg.uncertainty(f, "vorticity", std=0.1)
    with pytest.raises(ValueError, match="quantities: is empty"):
        fg.uncertainty(f, [], std=0.1)
    with pytest.raises(TypeError, match="viscosity: nothing that is asked for"):
        fg.uncertainty(f, "gradient", std=0.1, viscosity=1.0)
    polar = fg.infer_grid(f.assign_coords(y=f.y / 10), axes={"r": "x", "theta": "y"}, geometry="polar")
    with pytest.raises(ValueError, match="grid: has the geometry 'polar'"):
        fg.uncertainty(f, "gradient", std=0.1, grid=polar)
    with pytest.raises(TypeError, match="obj: is complex"):
        fg.uncertainty(f * 1j, "gradient", std=0.1)
