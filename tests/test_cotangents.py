# SPDX-License-Identifier: BSD-3-Clause
"""Adjoints of the labelled operators: sums that must agree, derivatives of sums, dask, walls, errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr
from kernels.oracles import ORACLES, mp
from numpy.typing import DTypeLike

import fieldgrad as fg
from fieldgrad import adjoint

slow = pytest.mark.slow
TOLERANCE = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 1e-5}


def nodes(n: int, seed: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))


def noise(*dims: str, seed: int = 0, dtype: DTypeLike = np.float64, **sizes: int) -> xr.DataArray:
    """A random field on nonuniform coordinates."""
    rng = np.random.default_rng(seed)
    shape = [sizes.get(dim, 6 + number) for number, dim in enumerate(dims)]
    values = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.normal(size=shape)
    coords = {dim: nodes(n, ord(dim[0])) for dim, n in zip(dims, shape, strict=True)}
    return xr.DataArray(values.astype(dtype), coords, dims, "f")


def flow(*dims: str, names: str = "uvw", seed: int = 0, dtype: DTypeLike = np.float64) -> xr.Dataset:
    return xr.Dataset({name: noise(*dims, seed=seed + k, dtype=dtype) for k, name in enumerate(names)})


def randomly(like: Any, seed: int = 50) -> Any:
    """A cotangent as a result is."""
    if isinstance(like, tuple):
        return tuple(randomly(one, seed + k) for k, one in enumerate(like))
    if isinstance(like, xr.Dataset):
        return xr.Dataset({name: randomly(one, seed + k) for k, (name, one) in enumerate(like.data_vars.items())})
    rng = np.random.default_rng(seed)
    values = rng.normal(size=like.shape)
    if like.dtype.kind == "c":
        values = values + 1j * rng.normal(size=like.shape)
    return like.copy(data=values.astype(like.dtype))


def parts(value: Any) -> list[xr.DataArray]:
    if isinstance(value, tuple):
        return list(value)
    return list(value.data_vars.values()) if isinstance(value, xr.Dataset) else [value]


def product(a: Any, b: Any) -> complex:
    """Sum over everything, by the dimensions' names."""
    return sum(complex(np.vdot(x.values, y.transpose(*x.dims).values)) for x, y in zip(parts(a), parts(b), strict=True))


def size(a: Any) -> float:
    return float(np.sqrt(sum((np.abs(x.values) ** 2).sum(dtype=float) for x in parts(a))))


def assert_adjoint(operator: Callable[..., Any], primal: Any) -> None:
    """<A x, y> = <x, A^T y>, and what comes back is as what went in."""
    forth = operator(primal)
    y = randomly(forth)
    back = fg.vjp(operator, primal, y)
    assert type(back) is type(primal)
    for one, source in zip(parts(back), parts(primal), strict=True):
        assert one.dims == source.dims
        assert one.dtype == source.dtype
        assert one.name == source.name
        xr.testing.assert_identical(one.coords.to_dataset(), source.coords.to_dataset())
    error = abs(product(forth, y) - product(primal, back))
    assert error <= TOLERANCE[parts(forth)[0].real.dtype] * size(forth) * size(y)


SCALAR: list[Any] = [
    (fg.gradient, ("z", "y", "x")),
    pytest.param(partial(fg.derivative, dim="y"), ("z", "y", "x"), marks=slow),
    pytest.param(partial(fg.derivative, dim={"x": 2, "z": 1}), ("z", "y", "x"), marks=slow),
    pytest.param(partial(fg.derivative, dim="y", order=3), ("y",), marks=slow),
    pytest.param(fg.laplacian, ("z", "y", "x"), marks=slow),
    pytest.param(fg.hessian, ("y", "x"), marks=slow),
    pytest.param(partial(fg.directional_derivative, along=flow("z", "y", "x", seed=9)), ("z", "y", "x"), marks=slow),
    pytest.param(partial(fg.advection, velocity=flow("z", "y", "x", seed=9)), ("z", "y", "x"), marks=slow),
]


@pytest.mark.parametrize(("operator", "dims"), SCALAR)
def test_scalar_operators(operator: Callable[..., Any], dims: tuple[str, ...]) -> None:
    assert_adjoint(operator, noise(*dims))


@slow
@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_every_accuracy_dtype_and_periodic_axes(accuracy: int, dtype: DTypeLike) -> None:
    f = noise("t", "y", "x", t=2, y=12, x=13, dtype=dtype)
    grid = fg.infer_grid(f, periodic={"x": 20.0}, accuracy=accuracy)
    assert_adjoint(partial(fg.gradient, grid=grid), f)
    assert_adjoint(partial(fg.laplacian, grid=grid), f)


VECTOR: list[Any] = [
    *(
        pytest.param(operator, dims, names, marks=slow)
        for operator in (fg.divergence, fg.curl, fg.velocity_gradient, fg.decompose)
        for dims, names in ((("z", "y", "x"), "uvw"), (("y", "x"), "uv"), (("z", "x"), "uw"))
    ),
    *(pytest.param(operator, ("z", "x"), "uvw", marks=slow) for operator in (fg.curl, fg.velocity_gradient)),
    *(
        pytest.param(partial(fg.derive, quantities=names), ("y", "x"), "uv", marks=slow)
        for names in ("first_invariant", ["stretching_deformation", "shearing_deformation"])
    ),
    pytest.param(partial(fg.derive, quantities="viscous_stress", dynamic_viscosity=0.3), ("y", "x"), "uv", marks=slow),
]


@pytest.mark.parametrize(("operator", "dims", "names"), VECTOR)
def test_operators_on_vectors(operator: Callable[..., Any], dims: tuple[str, ...], names: str) -> None:
    assert_adjoint(operator, flow(*dims, names=names))


@slow
def test_walls_of_each_component_and_axes_that_point_down() -> None:
    ds = flow("z", "y", "x")
    first, last = float(ds.y[0]), float(ds.y[-1])
    ends = (fg.Wall(0.0, at=first - 0.3), fg.Wall(1.5, at=last + 0.2))
    for grid in (
        fg.infer_grid(ds, boundary={"y": {"u": ends, "v": (0.0, None), "w": (0.0, "antisymmetric")}}),
        fg.infer_grid(ds, positive={"z": "down"}),
    ):
        # a known value is a constant: what is left without it is linear
        zero = 0 * ds
        for operator in (fg.velocity_gradient, fg.curl):
            work = partial(operator, grid=grid)
            y = randomly(work(ds))
            back = fg.vjp(work, ds, y)
            forth = work(ds) - work(zero)
            assert abs(product(forth, y) - product(ds, back)) <= 1e-13 * size(forth) * size(y)


def test_cotangents_of_linear_quantities() -> None:
    """At a point: with the cotangent c of a quantity Q = A(L), the sums c . A(L) and A^T(c) . L are one."""
    rng = np.random.default_rng(12)
    for name, transpose in adjoint._LINEAR.items():
        for n in ORACLES[name].dimensions:
            L = rng.normal(size=(n, n))
            value = np.array(ORACLES[name].function(mp.matrix(L.tolist())), float)
            c = rng.normal(size=value.shape)
            tensor = transpose(c, "xyz"[:n], "xyz"[:n])
            pulled = sum(part * L["xyz".index(i), "xyz".index(j)] for (i, j), part in tensor.items())
            assert pulled == pytest.approx(float((c * value).sum()), rel=1e-13), name


@slow
def test_the_velocity_itself_and_time() -> None:
    ds, carrier = flow("time", "y", "x", names="uv"), flow("time", "y", "x", names="uv", seed=5)
    assert_adjoint(partial(fg.advection, velocity=carrier), ds)
    assert_adjoint(partial(fg.material_derivative, velocity=carrier), ds)
    assert_adjoint(partial(fg.material_derivative, velocity=carrier), ds.u)


def test_a_vector_in_one_array_comes_back_so() -> None:
    ds = flow("z", "y", "x")
    stacked = xr.concat([ds.w, ds.u, ds.v], xr.Variable("component", ["z", "x", "y"])).transpose("y", ..., "component")
    operator = partial(fg.derive, quantities="q_criterion")
    y = randomly(operator(ds))
    expected = fg.vjp(operator, ds, y)
    for given in (stacked, stacked.to_dataset(name="velocity")):
        actual = fg.vjp(operator, given, y)
        assert type(actual) is type(given)
        array = actual if isinstance(actual, xr.DataArray) else actual.velocity
        assert array.dims == stacked.dims
        assert list(array.component) == ["z", "x", "y"]
        for label, name in zip("xyz", "uvw", strict=True):
            assert np.array_equal(array.sel(component=label).transpose("z", "y", "x"), expected[name])
    arrays = [ds[name].rename(other) for name, other in zip("uvw", "abc", strict=True)]
    beside = fg.vjp(partial(operator, components=arrays), ds, y)
    assert beside.component.values.tolist() == ["x", "y", "z"]
    for label, name in zip("xyz", "uvw", strict=True):
        assert np.array_equal(beside.sel(component=label), expected[name])
    bare = stacked.sel(component=["x", "y", "z"]).drop_vars("component")
    without = fg.vjp(operator, bare, y)
    assert "component" not in without.coords
    assert np.array_equal(without, array.sel(component=["x", "y", "z"]))


# Quantities: their pointwise derivatives are tested against 120 digits beside the kernels.


def assert_derivative(ds: xr.Dataset, quantities: Any, **parameters: Any) -> None:
    """The derivative of a weighted sum along a random direction, by differences."""
    operator = partial(fg.derive, quantities=quantities, **parameters)
    y = randomly(operator(ds))
    back = fg.vjp(operator, ds, y)
    direction = flow(*parts(ds)[0].dims, names="".join(map(str, ds.data_vars)), seed=70)
    h = 1e-5
    expected = (product(y, operator(ds + h * direction)) - product(y, operator(ds - h * direction))).real / (2 * h)
    assert abs(product(back, direction).real - expected) <= 1e-7 * size(back) * size(direction)


def test_a_quantity() -> None:
    assert_derivative(flow("z", "y", "x"), "q_criterion")


@slow
def test_quantities_of_all_ranks_together_with_parameters() -> None:
    ds = flow("z", "y", "x")
    names = ["deformation_rate", "principal_strain_rates", "vorticity", "vortex_stretching", "dissipation"]
    viscosity = 1 + noise("z", "y", "x", seed=33) ** 2
    assert_derivative(ds, names, viscosity=viscosity)
    assert_derivative(ds, "lambda2")


@slow
@pytest.mark.parametrize("names", ["uv", "uw", "vw"])
def test_quantities_of_plane_flows(names: str) -> None:
    dims = {"uv": ("y", "x"), "uw": ("z", "x"), "vw": ("z", "y")}[names]
    quantities = ["okubo_weiss", "principal_strain_rates", "q_criterion_deviatoric", "residual_vorticity"]
    assert_derivative(flow(*dims, names=names), quantities)


@slow
def test_where_eigenvalues_repeat_the_derivative_is_finite() -> None:
    x = np.arange(5.0)
    ds = fg.flows.pure_strain(x, x, x, rates=(1.0, 1.0, -2.0)).dataset
    operator = partial(fg.derive, quantities="lambda2")
    back = fg.vjp(operator, ds, randomly(operator(ds)))
    assert all(np.isfinite(part).all() for part in back.data_vars.values())


# Quantities of one's own


def spread(L: Any, a: Any) -> Any:
    return a * L[0][1] * L[1][0] + L[0][0] ** 3, L[2][1] ** 2 * L[1][1], L[0][2] / a


def spread_exactly(L: xr.DataArray, c: xr.DataArray, a: Any) -> xr.DataArray:
    """The cotangent of L by hand."""
    G = xr.zeros_like(L)
    x, y, z = (c.sel(component=name, drop=True) for name in "xyz")
    entry = {(i, j): L.sel(component=i, direction=j, drop=True) for i in "xyz" for j in "xyz"}
    for (i, j), value in {
        ("x", "y"): x * a * entry["y", "x"],
        ("y", "x"): x * a * entry["x", "y"],
        ("x", "x"): 3 * x * entry["x", "x"] ** 2,
        ("z", "y"): 2 * y * entry["z", "y"] * entry["y", "y"],
        ("y", "y"): y * entry["z", "y"] ** 2,
        ("x", "z"): z / a,
    }.items():
        G.loc[{"component": i, "direction": j}] = value.transpose(*L.dims[2:])
    return G


def test_a_quantity_of_ones_own_has_the_derivative_by_hand_lazily_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask")
    ds, a = flow("z", "y", "x"), 1 + noise("z", "y", "x", seed=33) ** 2
    record = fg.Quantity("spread", spread, rank="vector", parameters=("a",))
    operator = partial(fg.derive, quantities=record, a=a)
    y = randomly(fg.velocity_gradient(ds).sel(direction="x", drop=True))
    expected = fg.vjp(fg.velocity_gradient, ds, spread_exactly(fg.velocity_gradient(ds), y, a))
    actual = fg.vjp(operator, ds, y)
    for name in "uvw":
        assert np.abs(actual[name] - expected[name]).max() <= 1e-9 * np.abs(expected[name]).max()
    for chunks in ({"z": 3, "y": 2, "x": 5}, {"z": (2, 0, 4)}):  # selections leave chunks of no nodes behind
        lazy = fg.vjp(operator, ds.chunk(chunks), y)
        assert lazy.chunks
        assert all(np.array_equal(lazy[name], actual[name]) for name in "uvw")
    monkeypatch.setattr("fieldgrad.propagation._SLAB", 50)  # many slabs, as of large fields
    in_parts = fg.vjp(operator, ds, y)
    assert all(np.array_equal(in_parts[name], actual[name]) for name in "uvw")


def lifted(L: Any) -> Any:
    return 2 * L[2][1] - L[1][2], L[0][2] + L[1][1], L[1][0] - 3 * L[0][1]


@slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_linear_quantity_of_ones_own_is_exact_in_planes_and_complex_fields(dtype: DTypeLike) -> None:
    axial = fg.Quantity("lifted_axially", lifted, rank="vector", linear=True, axial=True)
    assert_adjoint(partial(fg.derive, quantities=[axial]), flow("y", "x", names="uv", dtype=dtype))


@slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_linear_quantities_of_ones_own_are_exact_in_space(dtype: DTypeLike) -> None:
    record = fg.Quantity("lifted", lifted, rank="vector", linear=True)
    axial = fg.Quantity("lifted_axially", lifted, rank="vector", linear=True, axial=True)
    assert_adjoint(partial(fg.derive, quantities=[record, axial]), flow("z", "y", "x", dtype=dtype))


@slow
def test_a_linear_quantity_of_ones_own_that_is_axial_with_an_axis_that_points_down() -> None:
    axial = fg.Quantity("lifted_axially", lifted, rank="vector", linear=True, axial=True)
    ds = flow("z", "y", "x")
    down = fg.infer_grid(ds, positive={"z": "down"})
    assert_adjoint(partial(fg.derive, quantities=axial, grid=down), ds)


@slow
def test_a_quantity_of_ones_own_agrees_with_the_closed_form_of_the_same() -> None:
    def q(L: Any) -> Any:
        return -(L[0][0] ** 2 + L[1][1] ** 2) / 2 - L[0][1] * L[1][0]

    ds = flow("y", "x", names="uv")
    record = fg.Quantity("own_q", q, power=2)
    expected, y = (partial(fg.derive, quantities="q_criterion"), randomly(ds.u))
    wanted = fg.vjp(expected, ds, y)
    actual = fg.vjp(partial(fg.derive, quantities=record), ds, y)
    assert size(actual - wanted) <= 1e-9 * size(wanted)
    # a point where nothing moves, and one that is not known
    still = 0 * ds
    assert size(fg.vjp(partial(fg.derive, quantities=record), still, y)) == 0
    still.u[2, 3] = np.nan
    assert np.isnan(fg.vjp(partial(fg.derive, quantities=record), still, y).v).any()


# Helicity, dissipation of a scalar


def assert_directional(operator: Callable[..., Any], primal: Any, direction: Any, tolerance: float = 1e-7) -> None:
    """The derivative of a weighted sum along a random direction, by differences."""
    y = randomly(operator(primal))
    back = fg.vjp(operator, primal, y)
    h = 1e-5
    above, below = operator(primal + h * direction), operator(primal - h * direction)
    expected = (product(y, above) - product(y, below)).real / (2 * h)
    assert abs(product(back, direction).real - expected) <= tolerance * size(back) * size(direction)
    assert type(back) is type(primal)


HELICITIES = [fg.relative_helicity, pytest.param(fg.helicity, marks=slow)]


@pytest.mark.parametrize("operator", HELICITIES)
def test_helicity(operator: Callable[..., Any]) -> None:
    assert_directional(operator, flow("z", "y", "x"), flow("z", "y", "x", seed=70))


@slow
@pytest.mark.parametrize("operator", HELICITIES)
def test_helicity_with_walls_axes_that_point_down_in_single_precision_and_on_dask(operator: Callable[..., Any]) -> None:
    pytest.importorskip("dask")
    ds, direction = flow("z", "y", "x"), flow("z", "y", "x", seed=70)
    walls = {"y": {"u": (1.5, None), "v": (0.0, None), "w": (0.0, "antisymmetric")}}
    for grid in (fg.infer_grid(ds, boundary=walls), fg.infer_grid(ds, positive={"z": "down"}, accuracy=4)):
        assert_directional(partial(operator, grid=grid), ds, direction)
    y = randomly(operator(ds))
    expected = fg.vjp(operator, ds, y)
    single = fg.vjp(operator, ds.astype(np.float32), y.astype(np.float32))
    assert single.u.dtype == np.float32
    assert size(single - expected) <= 1e-4 * size(expected)
    lazy = fg.vjp(operator, ds.chunk({"z": 3, "y": 2, "x": 5}), y)
    assert lazy.chunks
    assert all(np.array_equal(lazy[name], expected[name]) for name in "uvw")


@slow
def test_relative_helicity_of_huge_and_vanishing_velocities() -> None:
    ds = flow("z", "y", "x")
    y = randomly(ds.u)
    expected = fg.vjp(fg.relative_helicity, ds, y)
    huge = fg.vjp(fg.relative_helicity, ds * 2.0**600, y)
    assert all(np.array_equal(huge[name] * 2.0**600, expected[name]) for name in "uvw")
    assert all(np.isnan(part).all() for part in fg.vjp(fg.relative_helicity, 0 * ds, y).data_vars.values())


@pytest.mark.parametrize("field", [False, pytest.param(True, marks=slow)])
def test_scalar_dissipation(*, field: bool) -> None:
    pytest.importorskip("dask")
    f = noise("z", "y", "x")
    kappa = 1 + noise("y", "x", y=7, x=8, seed=33) ** 2 if field else 0.3
    kappa = kappa.assign_coords(y=f.y, x=f.x) if field else kappa
    operator = partial(fg.scalar_dissipation, diffusivity=kappa)
    assert_directional(operator, f, noise("z", "y", "x", seed=70))
    y = randomly(f)
    lazy = fg.vjp(operator, f.chunk({"z": 2, "y": 3, "x": 5}), y)
    assert lazy.chunks is not None
    assert np.array_equal(lazy, fg.vjp(operator, f, y))


# Means


@pytest.mark.parametrize("dims", [None, "y", ["z", "x"]])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_mean(dims: Any, dtype: DTypeLike) -> None:
    f = noise("t", "z", "y", "x", dtype=dtype)
    grid = fg.infer_grid(f, periodic={"x": 20.0})
    assert_adjoint(partial(fg.mean, dims=dims, grid=grid), f)
    ds = xr.Dataset({"f": f, "g": f.isel(t=0, y=0, drop=True)})
    assert_adjoint(partial(fg.mean, dims=dims, grid=grid), ds)


def test_mean_without_points_that_are_masked_or_missing() -> None:
    pytest.importorskip("dask")
    f = noise("z", "y", "x")
    grid = fg.infer_grid(f, mask=f.x > float(f.x[2]))
    f = f.where((abs(f) > 0.3) & (f.y > f.y[0]))
    operator = partial(fg.mean, dims=["z", "x"], grid=grid)
    forth = operator(f)
    y = randomly(forth)
    back = fg.vjp(operator, f, y)
    assert back.dims == f.dims
    assert np.isnan(back[:, 0]).all()  # nothing is left
    counts = f.notnull() & (f.x > float(f.x[2]))
    assert (back[:, 1:].values[~counts[:, 1:].values] == 0).all()
    wanted = float((forth * y)[1:].sum())
    assert float((f * back).sum()) == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    assert np.allclose(back[:, 1:].sum(["z", "x"]), y[1:])  # the weights are one in all
    lazy = fg.vjp(operator, f.chunk({"z": 2, "y": 3, "x": 5}), y)
    assert lazy.chunks == f.chunk({"z": 2, "y": 3, "x": 5}).chunks
    xr.testing.assert_allclose(lazy.compute(), back, rtol=1e-14)


def test_mean_on_a_sphere() -> None:
    values = np.random.default_rng(3).normal(size=(5, 8))
    latitudes, longitudes = np.linspace(-60.0, 60.0, 5), np.arange(0.0, 360.0, 45.0)
    coords = {
        "lat": ("lat", latitudes, {"units": "degrees_north"}),
        "lon": ("lon", longitudes, {"units": "degrees_east"}),
    }
    assert_adjoint(fg.mean, xr.DataArray(values, coords, ("lat", "lon"), "f"))


# Laziness


@pytest.mark.parametrize(
    ("operator", "chunks"),
    [
        (fg.gradient, {"z": 2, "y": 3, "x": 5}),
        pytest.param(partial(fg.derivative, dim={"x": 1, "y": 2}), {"y": 3, "x": 4}, marks=slow),
        pytest.param(fg.laplacian, {"z": 4}, marks=slow),
        pytest.param(fg.hessian, {"z": 4, "x": 3}, marks=slow),
    ],
)
def test_scalars_on_dask_have_the_bits_of_the_whole(operator: Callable[..., Any], chunks: dict[str, int]) -> None:
    pytest.importorskip("dask")
    f = noise("z", "y", "x")
    y = randomly(operator(f))
    expected = fg.vjp(operator, f, y)
    lazy = fg.vjp(operator, f.chunk(chunks), y.chunk(chunks))
    assert lazy.chunks is not None
    assert np.array_equal(lazy.values, expected.values)
    assert np.array_equal(fg.vjp(operator, f, y.chunk(chunks)).values, expected.values)


@pytest.mark.parametrize(
    "quantities", ["q_criterion", pytest.param(["vorticity", "principal_strain_rates"], marks=slow)]
)
def test_quantities_on_dask_have_the_bits_of_the_whole(quantities: Any) -> None:
    pytest.importorskip("dask")
    ds = flow("z", "y", "x")
    operator = partial(fg.derive, quantities=quantities)
    y = randomly(operator(ds))
    expected = fg.vjp(operator, ds, y)
    chunks = {"z": 3, "y": 2, "x": 5}
    lazy = fg.vjp(operator, ds.chunk(chunks), y)
    assert lazy.chunks
    assert all(np.array_equal(lazy[name], expected[name]) for name in ds.data_vars)


# Errors


def test_labels_of_a_cotangent_in_any_order() -> None:
    f = noise("z", "y", "x")
    y = randomly(fg.gradient(f))
    turned = y.sel(component=["z", "x", "y"]).transpose("y", ..., "component")
    xr.testing.assert_identical(fg.vjp(fg.gradient, f, turned), fg.vjp(fg.gradient, f, y))


def test_errors_name_the_argument() -> None:
    f, ds = noise("z", "y", "x"), flow("z", "y", "x")
    y = fg.gradient(f).copy()
    for operator, name in (
        (fg.collocate, "fieldgrad.collocate.collocate"),
        (partial(fg.frontogenesis, velocity=ds), "fieldgrad.sphere.frontogenesis"),
        (fg.array.gradient, "fieldgrad.array.gradient"),
    ):
        with pytest.raises(TypeError, match=rf"operator: '{name}' has no adjoint here; pass one of derivative, "):
            fg.vjp(operator, f, f)
    with pytest.raises(TypeError, match=r"operator: is the method 'curl', which holds its input; pass one of"):
        fg.vjp(ds.fieldgrad.curl, ds, ds)
    with pytest.raises(TypeError, match=r"operator: is no function; pass one of"):
        fg.vjp(y, f, y)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"operator: .* give them by name"):
        fg.vjp(partial(fg.derivative, "x"), f, f)
    with pytest.raises(TypeError, match=r"operator: derivative cannot be called so: missing .*'dim'"):
        fg.vjp(fg.derivative, f, f)
    with pytest.raises(TypeError, match=r"primal: is a ndarray"):
        fg.vjp(fg.gradient, f.values, y)
    with pytest.raises(TypeError, match=r"cotangent: is a ndarray; pass a DataArray"):
        fg.vjp(fg.gradient, f, y.values)
    with pytest.raises(ValueError, match=r"cotangent: has dimensions z, y, x; the result .* component, z, y, x"):
        fg.vjp(fg.gradient, f, f)
    with pytest.raises(ValueError, match=r"cotangent: dimension 'component' has \['x', 'y'\]; that of the result"):
        fg.vjp(fg.gradient, f, y.sel(component=["x", "y"]))
    with pytest.raises(ValueError, match=r"cotangent: its shape or coordinates along 'z', 'y', 'x'"):
        fg.vjp(fg.gradient, f, y.assign_coords(x=y.x + 1))
    with pytest.raises(TypeError, match=r"cotangent: is complex"):
        fg.vjp(fg.gradient, f, y * 1j)
    with pytest.raises(TypeError, match=r"cotangent: must be a pair"):
        fg.vjp(fg.decompose, ds, f)
    L = f.expand_dims(component=list("xyz"), direction=list("xyz"))
    with pytest.raises(
        TypeError, match=r"primal: is a tensor; pass the velocity, the parts of a tensor need no adjoint"
    ):
        fg.vjp(fg.decompose, L, (L, L))
    with pytest.raises(TypeError, match=r"cotangent: is \['f'\]; pass a Dataset with the variables vorticity, spin"):
        fg.vjp(partial(fg.derive, quantities=["vorticity", "spin"]), ds, f.to_dataset())
    with pytest.raises(TypeError, match=r"cotangent: is DataArray; pass a Dataset with the variables u, v, w"):
        fg.vjp(fg.mean, ds, f.mean())
    with pytest.raises(ValueError, match=r"cotangent: has dimensions z, y, x; the result of the operator has z, y"):
        fg.vjp(partial(fg.mean, dims="x"), f, f)
    with pytest.raises(ValueError, match=r"obj: 'helicity' is defined in 3-D flows"):
        fg.vjp(fg.helicity, flow("y", "x", names="uv"), f)
    with pytest.raises(TypeError, match=r"diffusivity: is a str"):
        fg.vjp(partial(fg.scalar_dissipation, diffusivity="D"), f, f)
    with pytest.raises(ValueError, match=r"quantities: 'okubo_weiss' is defined in 2-D flows"):
        fg.vjp(partial(fg.derive, quantities="okubo_weiss"), ds, f)


# Higher order and mixed derivatives


@slow
def test_mixed_derivatives_do_not_depend_on_the_order_and_the_biharmonic_is_a_composition() -> None:
    x = np.linspace(0.0, 1.0, 13) ** 1.2
    f = xr.DataArray(np.sin(2 * x)[:, None] * np.exp(x), {"y": x, "x": x}, ("y", "x"), "f")
    grid = fg.infer_grid(f, accuracy=8)
    one, other = (fg.derivative(f, orders, grid=grid) for orders in ({"x": 1, "y": 1}, {"y": 1, "x": 1}))
    bound = 1e-12 * float(abs(one).max())
    assert float(abs(one - other).max()) <= bound
    mixed = fg.derivative(f, {"x": 2, "y": 3}, grid=grid)
    swapped = fg.derivative(f, {"y": 3, "x": 2}, grid=grid)
    weights = [np.abs(grid.axis(dim).stencil(order).matrix()) for dim, order in (("y", 3), ("x", 2))]
    rounding = np.finfo(float).eps * (weights[0] @ np.abs(f.values) @ weights[1].T)
    assert (np.abs(mixed - swapped).values <= 4 * rounding).all()
    H = fg.hessian(f, grid=grid)
    assert np.array_equal(H, H.transpose("direction", "component", ...))
    assert float(abs(H.sel(component="x", direction="y") - one).max()) <= bound
    biharmonic = fg.laplacian(fg.laplacian(f, grid=grid), grid=grid)
    # (1 - 4)^2 sin(2 y) exp(x)
    assert float(abs(biharmonic - 9 * f).max()) <= 1e-3 * float(9 * f.max())


def test_adjoints_are_refused_where_derivatives_are_more_than_tables() -> None:
    x = np.arange(6.0)
    flow = fg.flows.solid_body_rotation(x, x).dataset
    holes = fg.infer_grid(flow, mask=flow.x > 1, missing="adapt")
    wind = xr.Dataset(
        {name: (("lat", "lon"), np.ones((4, 5))) for name in "uv"},
        {"lat": ("lat", np.arange(4.0), {"units": "degrees_north"}), "lon": ("lon", x[:5], {"units": "degrees_east"})},
    )
    for operator, primal, cotangent in (
        (partial(fg.curl, grid=holes), flow, flow.u),
        (partial(fg.derivative, dim="x", grid=holes), flow.u, flow.u),
        (partial(fg.hessian, grid=holes), flow.u, fg.hessian(flow.u, grid=holes)),
        (partial(fg.laplacian, grid=holes), flow.u, flow.u),
    ):
        with pytest.raises(ValueError, match="grid: has a mask"):
            fg.vjp(operator, primal, cotangent)
    with pytest.raises(ValueError, match="grid: is not Cartesian"):
        fg.vjp(fg.curl, wind, wind.u)
