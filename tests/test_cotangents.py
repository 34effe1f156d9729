# SPDX-License-Identifier: BSD-3-Clause
"""Adjoints of the labelled operators: sums that must agree, derivatives of sums, dask, walls, errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import DTypeLike

import fieldgrad as fg

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
    (partial(fg.derivative, dim="y"), ("z", "y", "x")),
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


@slow
def test_the_velocity_itself_and_time() -> None:
    ds, carrier = flow("time", "y", "x", names="uv"), flow("time", "y", "x", names="uv", seed=5)
    assert_adjoint(partial(fg.advection, velocity=carrier), ds)
    assert_adjoint(partial(fg.material_derivative, velocity=carrier), ds)
    assert_adjoint(partial(fg.material_derivative, velocity=carrier), ds.u)


def test_a_vector_in_one_array_comes_back_so() -> None:
    ds = flow("z", "y", "x")
    stacked = xr.concat([ds.w, ds.u, ds.v], xr.Variable("component", ["z", "x", "y"])).transpose("y", ..., "component")
    y = randomly(fg.divergence(ds))
    expected = fg.vjp(fg.divergence, ds, y)
    for given in (stacked, stacked.to_dataset(name="velocity")):
        actual = fg.vjp(fg.divergence, given, y)
        assert type(actual) is type(given)
        array = actual if isinstance(actual, xr.DataArray) else actual.velocity
        assert array.dims == stacked.dims
        assert list(array.component) == ["z", "x", "y"]
        for label, name in zip("xyz", "uvw", strict=True):
            assert np.array_equal(array.sel(component=label).transpose("z", "y", "x"), expected[name])


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


def test_errors_name_the_argument() -> None:
    f, ds = noise("z", "y", "x"), flow("z", "y", "x")
    y = fg.gradient(f).copy()
    with pytest.raises(TypeError, match=r"operator: 'mean' has no adjoint here; pass one of derivative, "):
        fg.vjp(fg.mean, f, f)
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
    with pytest.raises(TypeError, match=r"cotangent: is \['f'\]; pass a Dataset with the variables vorticity, spin"):
        fg.vjp(partial(fg.derive, quantities=["vorticity", "spin"]), ds, f.to_dataset())
    own = fg.Quantity("shear_squared", lambda L: L[0][1] ** 2)
    with pytest.raises(ValueError, match=r"quantities: 'shear_squared' is a function of your own"):
        fg.vjp(partial(fg.derive, quantities=own), ds, f.rename("shear_squared"))
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
