# SPDX-License-Identifier: BSD-3-Clause
"""Operators beside holes: against a slow oracle, never across a hole, and with the plain bits away from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hole_oracle
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import fieldgrad as fg
from fieldgrad import operators
from fieldgrad.stencils import derivative_stencil

da = pytest.importorskip("dask.array")

Operator = Callable[[xr.Dataset, fg.Grid], xr.DataArray]

RNG = np.random.default_rng(5)
SIZES = {"z": 7, "y": 8, "x": 9}
NODES = {dim: np.cumsum(RNG.uniform(0.5, 1.5, n)) for dim, n in SIZES.items()}
PERIOD = float(NODES["x"][-1] - NODES["x"][0]) + 1.1
POISON = (np.nan, 1e300, -np.inf)


def fields(*dims: str) -> xr.Dataset:
    shape = [SIZES[dim] for dim in dims]
    values = {name: (dims, RNG.standard_normal(shape)) for name in "uvwp"}
    return xr.Dataset(values, {dim: NODES[dim] for dim in dims})


SPACE, PLANE = fields("z", "y", "x"), fields("y", "x")
HOLES = xr.DataArray(RNG.random(tuple(SIZES.values())) > 0.12, dims=tuple(SIZES))
BODY = xr.DataArray(np.ones(tuple(SIZES.values()), bool), dims=tuple(SIZES))
BODY[{"z": 3, "y": slice(3, 5), "x": slice(3, 6)}] = False

OPERATORS: dict[str, Operator] = {
    "derivative": lambda ds, grid: fg.derivative(ds.p, "y", grid=grid),
    "mixed derivative": lambda ds, grid: fg.derivative(ds.p, {"x": 1, "y": 2}, grid=grid),
    "gradient": lambda ds, grid: fg.gradient(ds.p, grid=grid),
    "laplacian": lambda ds, grid: fg.laplacian(ds.p, grid=grid),
    "hessian": lambda ds, grid: fg.hessian(ds.p, grid=grid),
    "velocity gradient": lambda ds, grid: fg.velocity_gradient(ds, grid=grid),
    "curl": lambda ds, grid: fg.curl(ds, grid=grid),
    "divergence": lambda ds, grid: fg.divergence(ds, grid=grid),
    "D": lambda ds, grid: fg.decompose(ds, grid=grid)[0],
    "q_criterion": lambda ds, grid: fg.derive(ds, "q_criterion", grid=grid).q_criterion,
    "advection": lambda ds, grid: fg.advection(ds.p, ds, grid=grid),
    "advection of the velocity": lambda ds, grid: fg.advection(ds, ds, grid=grid),
    "directional derivative": lambda ds, grid: fg.directional_derivative(ds.p, ds, grid=grid),
    "scalar dissipation": lambda ds, grid: fg.scalar_dissipation(ds.p, 2.0, grid=grid),
    "helicity": lambda ds, grid: fg.helicity(ds, grid=grid),
    "order map": lambda ds, grid: fg.order_map(ds, grid=grid),
}

#: One of each way through the code; the others are compiled and compared in the slow tests.
QUICK = ("mixed derivative", "gradient", "hessian", "q_criterion", "advection of the velocity", "order map")
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in OPERATORS]


def same(a: xr.DataArray, b: xr.DataArray) -> None:
    np.testing.assert_array_equal(a.transpose(*b.dims).values, b.values)


def along_lines(
    f: np.ndarray, valid: np.ndarray, axis: fg.Axis, place: int, order: int, grid: fg.Grid
) -> tuple[np.ndarray, ...]:
    """What the oracle says of every line along one axis of an array."""
    results = [np.empty(f.shape) for _ in range(3)]
    lines = [np.moveaxis(array, place, -1).reshape(-1, f.shape[place]) for array in (f, valid)]
    for number, (values, free) in enumerate(zip(*lines, strict=True)):
        found = hole_oracle.derivative(
            list(values), list(axis.nodes), list(free), order, axis.accuracy, axis.period, grid.missing,
            grid.least_accuracy,
        )  # fmt: skip
        for result, line in zip(results, found, strict=True):
            np.moveaxis(result, place, -1)[np.unravel_index(number, np.moveaxis(f, place, -1).shape[:-1])] = line
    return tuple(results)


def agree(found: np.ndarray, wanted: np.ndarray, scale: np.ndarray) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    there = ~np.isnan(wanted)
    assert (np.abs(found - wanted)[there] <= 1e-12 * scale[there]).all()


@given(data=st.data(), missing=st.sampled_from(["adapt", "shrink", "propagate"]), periodic=st.booleans(),
       density=st.sampled_from([0.1, 0.3, 0.6]), seed=st.integers(0, 2**31))  # fmt: skip
@settings(max_examples=25)
def test_gradient_and_laplacian_beside_random_holes(
    data: st.DataObject, missing: str, periodic: bool, density: float, seed: int
) -> None:
    """Some holes are masked and hold poison, others are NaN."""
    rng = np.random.default_rng(seed)
    valid = rng.random(PLANE.p.shape) > density
    masked = valid | (rng.random(valid.shape) > 0.5)
    p = PLANE.p.copy(data=np.where(valid, PLANE.p, np.where(masked, np.nan, data.draw(st.sampled_from(POISON)))))
    options: dict[str, Any] = {"periodic": {"x": PERIOD} if periodic else ()}
    grid = fg.infer_grid(p, mask=masked, missing=missing, **options)
    gradient, laplacian = fg.gradient(p, grid=grid), fg.laplacian(p, grid=grid)
    orders = fg.order_map(p, grid=grid)
    clean = np.where(valid, PLANE.p, 0.0)
    sums, scales = np.zeros(valid.shape), np.zeros(valid.shape)
    for number, (axis, place) in enumerate(zip(grid.axes, (1, 0), strict=True)):
        wanted, scale, accuracy = along_lines(clean, valid, axis, place, 1, grid)
        agree(gradient.values[number], wanted, scale)
        np.testing.assert_array_equal(orders.values[number], accuracy)
        second, scale, accuracy = along_lines(clean, valid, axis, place, 2, grid)
        np.testing.assert_array_equal(fg.order_map(p, order=2, grid=grid).values[number], accuracy)
        sums, scales = sums + second, scales + scale
    agree(laplacian.values, sums, scales)


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [4, 6, 8])
@given(missing=st.sampled_from(["adapt", "shrink"]), periodic=st.booleans(), order=st.integers(1, 2),
       least=st.integers(1, 4), seed=st.integers(0, 2**31))  # fmt: skip
def test_derivatives_of_high_order_beside_random_holes(
    accuracy: int, missing: str, periodic: bool, order: int, least: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n = 24
    steps = rng.uniform(0.5, 1.5, n)
    valid = rng.random((3, n)) > rng.choice([0.05, 0.15])
    f = xr.DataArray(rng.standard_normal((3, n)), dims=("k", "x"), coords={"x": np.cumsum(steps)})
    grid = fg.infer_grid(
        f, mask=valid, missing=missing, least_accuracy=least, accuracy=accuracy,
        periodic={"x": float(steps.sum())} if periodic else (),
    )  # fmt: skip
    wanted, scale, _ = along_lines(f.values, valid, grid.axes[0], 1, order, grid)
    found = fg.derivative(f, "x", order, grid=grid).values
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    there = ~np.isnan(wanted)
    assert (np.abs(found - wanted)[there] <= 1e-9 * scale[there]).all()


@pytest.mark.parametrize("missing", ["adapt", "shrink", "propagate"])
@pytest.mark.parametrize("name", NAMES)
def test_what_a_hole_holds_does_not_matter(name: str, missing: str) -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES, missing=missing)
    found = [OPERATORS[name](SPACE.where(HOLES, poison), grid) for poison in POISON]
    for other in found[1:]:
        same(other, found[0])
    assert not np.isinf(found[0].where(HOLES)).any()
    assert not (abs(found[0]) > 1e100).any()
    if name != "order map":
        assert found[0].where(~HOLES).isnull().all()
        assert found[0].where(HOLES).notnull().any()


@pytest.mark.parametrize("missing", ["adapt", "shrink", "propagate"])
@pytest.mark.parametrize(
    "name", ["gradient", "hessian", "q_criterion", pytest.param("helicity", marks=pytest.mark.slow)]
)
def test_bits_away_from_holes_are_the_plain_ones(name: str, missing: str) -> None:
    plain = OPERATORS[name](SPACE, fg.infer_grid(SPACE, periodic={"x": PERIOD}))
    grid = fg.infer_grid(SPACE, mask=BODY, missing=missing, periodic={"x": PERIOD})
    found = OPERATORS[name](SPACE, grid)
    touched = OPERATORS[name](SPACE.where(BODY), fg.infer_grid(SPACE, periodic={"x": PERIOD})).isnull()
    same(found.where(~touched), plain.where(~touched))
    assert 0.02 < touched.mean() < 0.5
    if missing == "propagate":
        same(found, plain.where(~touched))
    elif missing == "adapt":
        assert found.where(BODY, 0.0).notnull().all()


def test_adapting_without_holes_changes_nothing() -> None:
    plain = OPERATORS["q_criterion"](SPACE, fg.infer_grid(SPACE))
    for options in ({"missing": "adapt"}, {"mask": xr.ones_like(HOLES)}, {"missing": "shrink"}):
        same(OPERATORS["q_criterion"](SPACE, fg.infer_grid(SPACE, **options)), plain)


def test_nan_and_mask_are_the_same_holes() -> None:
    masked, plain = fg.infer_grid(SPACE, mask=HOLES, missing="adapt"), fg.infer_grid(SPACE, missing="adapt")
    for name in ("gradient", "q_criterion", "advection of the velocity"):
        same(OPERATORS[name](SPACE.where(HOLES), plain), OPERATORS[name](SPACE, masked))


def test_a_velocity_is_valid_where_all_of_its_components_are() -> None:
    alone = SPACE.assign(v=SPACE.v.where(HOLES))
    grid = fg.infer_grid(SPACE, missing="adapt")
    for name in ("velocity gradient", "advection of the velocity"):
        same(OPERATORS[name](alone, grid), OPERATORS[name](SPACE.where(HOLES), grid))


@pytest.mark.parametrize("kind", ["float32", "complex128", "transposed", "strided", "one dimension"])
def test_other_arrays_have_the_same_holes(kind: str) -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES, missing="adapt")
    wanted = fg.gradient(SPACE.p, grid=grid)
    if kind == "float32":
        found = fg.gradient(SPACE.p.astype("float32"), grid=grid)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    elif kind == "complex128":
        found = fg.gradient(SPACE.p * (1 + 2j), grid=grid)
        same(found.real, wanted)
        same(found.imag, fg.gradient(2 * SPACE.p, grid=grid))
    elif kind == "transposed":
        same(fg.gradient(SPACE.p.transpose("y", "x", "z"), grid=grid), wanted)
        wide = SPACE.p.copy(data=np.asfortranarray(SPACE.p.values))
        same(fg.gradient(wide, grid=grid), wanted)
    elif kind == "strided":
        wide = np.zeros((7, 8, 18))
        wide[..., ::2] = SPACE.p
        same(fg.gradient(SPACE.p.copy(data=wide[..., ::2]), grid=grid), wanted)
    else:
        line = {"y": 2, "z": 3}
        one = fg.infer_grid(SPACE.p[line], mask=HOLES[line], missing="adapt")
        same(fg.gradient(SPACE.p[line], grid=one)[0], wanted.sel(component="x")[line])


def test_a_mask_of_fewer_dimensions_holds_for_all_others() -> None:
    coast = HOLES.isel(z=0, drop=True)
    grid = fg.infer_grid(SPACE, mask=coast.transpose("x", "y"), missing="adapt")
    whole = fg.infer_grid(SPACE, mask=coast.broadcast_like(HOLES), missing="adapt")
    same(OPERATORS["q_criterion"](SPACE, grid), OPERATORS["q_criterion"](SPACE, whole))


def test_a_field_without_the_dimensions_of_the_mask_is_refused() -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES, missing="adapt")
    with pytest.raises(ValueError, match="mask has 7 points along dimension 'z', of which p has none"):
        fg.derivative(PLANE.p, "x", grid=grid)


@pytest.mark.parametrize("missing", ["adapt", "propagate"])
@pytest.mark.parametrize("name", NAMES)
def test_dask_gives_the_same_bits(name: str, missing: str) -> None:
    options: dict[str, Any] = {"missing": missing, "periodic": {"x": PERIOD}}
    ds = SPACE.assign(v=SPACE.v.where(abs(SPACE.p) < 2))
    wanted = OPERATORS[name](ds, fg.infer_grid(ds, mask=HOLES, **options))
    lazy_mask = HOLES.chunk(x=3, y=-1, z=2)
    chunkings = ({"x": 4, "y": 3, "z": 5}, {"x": (2, 1, 6), "y": 4, "z": (1, 6)}, {"x": -1, "y": 1, "z": -1})
    for chunks, mask in zip(chunkings, (HOLES, lazy_mask, HOLES), strict=True):
        grid = fg.infer_grid(ds, mask=mask, **options)
        found = OPERATORS[name](ds.chunk(chunks), grid)
        assert isinstance(found.data, da.Array)
        same(found.compute(scheduler="sync"), wanted)


@pytest.mark.parametrize("scheduler", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_threads_and_processes_give_the_same_bits(scheduler: str) -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES, missing="adapt")
    wanted = OPERATORS["q_criterion"](SPACE, grid)
    lazy = OPERATORS["q_criterion"](SPACE.chunk(x=4, y=4, z=4), grid)
    same(lazy.compute(scheduler=scheduler), wanted)


def test_missing_values_of_lazy_fields_without_a_mask() -> None:
    p, grid = SPACE.p.where(HOLES), fg.infer_grid(SPACE, missing="adapt")
    same(fg.gradient(p.chunk(x=4, y=3, z=2), grid=grid).compute(scheduler="sync"), fg.gradient(p, grid=grid))


def test_a_lazy_mask_makes_the_result_lazy() -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES.chunk(x=4), missing="adapt")
    found = fg.gradient(SPACE.p, grid=grid)
    assert isinstance(found.data, da.Array)
    same(found.compute(scheduler="sync"), fg.gradient(SPACE.p, grid=fg.infer_grid(SPACE, mask=HOLES, missing="adapt")))


@pytest.mark.parametrize("lazy", [False, True])
def test_material_derivative_adapts_in_time_and_space(lazy: bool) -> None:
    """Of a field u = t x the terms are exact beside any hole that leaves two points on a side."""
    t, x = np.array([0.0, 1.0, 3.0, 4.0, 6.0, 7.0]), NODES["x"]
    field = xr.DataArray(t[:, np.newaxis] * x, {"time": ("time", t, {"units": "s"}), "x": x}, ("time", "x"), "c")
    valid = xr.ones_like(field, bool)
    valid[2, 4] = valid[3, 1] = False
    ds = xr.Dataset({"c": field.where(valid, 1e300), "u": xr.full_like(field, 2.0)})
    ds = ds.chunk(time=2, x=4) if lazy else ds
    grid = fg.infer_grid(ds, mask=valid, missing="adapt")
    found = fg.material_derivative(ds.c, ds, grid=grid).compute()
    wanted = x + 2.0 * t[:, np.newaxis] + 0 * valid
    # x = 0 has no neighbour in the third row of times, but its own run in time
    there = valid.copy()
    there[3, 0] = False
    np.testing.assert_allclose(found.where(there), wanted.where(there), rtol=1e-12)
    assert found.where(~there).isnull().all()


def test_plans_are_kept_while_the_holes_stay() -> None:
    from fieldgrad.masks import _plans

    grid = fg.infer_grid(SPACE, missing="adapt")
    first = OPERATORS["q_criterion"](SPACE.where(HOLES), grid)
    assert len(_plans[grid]) == 1
    same(OPERATORS["q_criterion"](SPACE.where(HOLES), grid), first)
    assert len(_plans[grid]) == 1
    same(OPERATORS["q_criterion"](SPACE.where(BODY), grid),
         OPERATORS["q_criterion"](SPACE.where(BODY), fg.infer_grid(SPACE, missing="adapt")))  # fmt: skip
    assert len(_plans[grid]) == 2


def test_plans_are_kept_on_long_axes_whose_tables_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldgrad.masks import _plans

    wanted = OPERATORS["q_criterion"](SPACE.where(HOLES), fg.infer_grid(SPACE, missing="adapt"))
    monkeypatch.setattr("fieldgrad.grid._CACHED_NODES", 4)
    grid = fg.infer_grid(SPACE, missing="adapt")
    for _ in range(2):
        same(OPERATORS["q_criterion"](SPACE.where(HOLES), grid), wanted)
        assert len(_plans[grid]) == 1


def test_order_maps_need_holes() -> None:
    frame = operators.Frame(("x",), (0,), (derivative_stencil(np.arange(5.0)),))
    with pytest.raises(ValueError, match="frame: knows of no holes; pass one with the valid points"):
        operators.accuracies([np.zeros(5)], frame)


def test_means_are_over_valid_points() -> None:
    grid = fg.infer_grid(SPACE, mask=HOLES)
    wanted = fg.mean(SPACE.where(HOLES), grid=fg.infer_grid(SPACE))
    xr.testing.assert_identical(fg.mean(SPACE.where(HOLES, 1e300), grid=grid), wanted)
    skewness = fg.derivative_skewness(SPACE.p.where(HOLES, 1e300), "x", grid=grid).item()
    assert skewness == fg.derivative_skewness(SPACE.p.where(HOLES), "x", grid=fg.infer_grid(SPACE)).item()


@pytest.mark.slow
def test_every_quantity_is_nan_where_nothing_is_known() -> None:
    names = [name for name, record in fg.quantities().items() if 3 in record.dimensions and record.function is None]
    record = fg.quantities()
    parameters = {parameter: 0.5 for name in names for parameter in record[name].parameters}
    grid = fg.infer_grid(SPACE, mask=HOLES, missing="adapt")
    for name in names:
        own = {key: value for key, value in parameters.items() if key in record[name].parameters}
        found = fg.derive(SPACE, name, grid=grid, **own)[name]
        plain = fg.derive(SPACE, name, grid=fg.infer_grid(SPACE), **own)[name]
        assert found.where(~HOLES).isnull().all(), name
        full = (fg.order_map(SPACE, grid=grid) > 0).all("direction")
        # some are not defined everywhere in any flow
        assert found.where(full).notnull().mean() >= 0.8 * plain.where(full).notnull().mean(), name


BETWEEN_WALLS: dict[str, Any] = {
    "boundary": {
        "y": {"u": (0.3, "symmetric"), "v": (0.0, "antisymmetric"), "w": ("symmetric", -0.7)},
        "z": (None, 0.0),
    }
}
STEP = xr.DataArray(np.ones(tuple(SIZES.values()), bool), dims=tuple(SIZES))
# a body on the wall: beside it x derivatives are done again, at points whose y derivatives know of the wall
STEP[{"z": 3, "y": slice(0, 2), "x": slice(3, 6)}] = False


@pytest.mark.parametrize("missing", ["propagate", "adapt"])
def test_what_is_known_at_walls_counts_where_no_hole_is_between(missing: str) -> None:
    """Plain rows keep what walls add, those of points that are redone for another direction too, for each component."""
    flow = SPACE[["u", "v", "w"]]
    plain = fg.velocity_gradient(flow, grid=fg.infer_grid(flow, **BETWEEN_WALLS))
    grid = fg.infer_grid(flow, mask=STEP, missing=missing, **BETWEEN_WALLS)
    L = fg.velocity_gradient(flow, grid=grid)
    without = fg.velocity_gradient(flow, grid=fg.infer_grid(flow, mask=STEP, missing=missing))
    assert (np.isnan(L) == np.isnan(without)).all()
    for dim in "xyz":
        there = STEP.copy()
        for step in (-2, -1, 1, 2):  # no hole within the widest row of accuracy 2
            there &= STEP.shift({dim: step}, fill_value=True)
        ours, theirs = (one.sel(direction=dim).where(there) for one in (L, plain))
        assert int(ours.notnull().sum()) > 3 * 0.7 * STEP.size
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-12, atol=1e-12)
    same(fg.velocity_gradient(flow.chunk({"y": 3, "x": 4, "z": 2}), grid=grid), L)
