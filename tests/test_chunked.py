# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: the bits of the eager result in any chunking, nothing computed early, nothing twice."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import accumulate, pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import fieldgrad as fg
from fieldgrad import blocks, operators

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

Operator = Callable[[xr.Dataset], xr.DataArray]

RNG = np.random.default_rng(3)
SIZES = {"time": 5, "z": 8, "y": 7, "x": 9}
NODES = {dim: np.cumsum(RNG.uniform(0.5, 1.5, n)) for dim, n in SIZES.items()}
UNITS = {"time": "s", "z": "m", "y": "m", "x": "m"}
COORDS = {dim: (dim, nodes, {"units": UNITS[dim]}) for dim, nodes in NODES.items()}


def fields(*dims: str) -> xr.Dataset:
    """A velocity, a scalar and a positive parameter."""
    shape = [SIZES[dim] for dim in dims]
    ds = xr.Dataset({name: (dims, RNG.standard_normal(shape)) for name in "uvwp"}, {dim: COORDS[dim] for dim in dims})
    for name in "uvw":
        ds[name].attrs["units"] = "m s-1"
    return ds.assign(nu=(dims, RNG.uniform(0.5, 1.5, shape), {"units": "m2 s-1"}))


SPACE = fields("z", "y", "x")
SERIES = fields("time", "z", "y", "x")
FLUID = fg.Carreau(zero_shear=1.0, infinite_shear=0.1, time_constant=2.0, index=0.5)

#: All whole, one axis cut, all of them cut, ragged, and pieces of few nodes.
CHUNKINGS: tuple[dict[str, Any], ...] = (
    {},
    {"x": 4},
    {"z": 4, "y": 4, "x": 4},
    {"z": (1, 5, 2), "y": (6, 1), "x": (2, 3, 4)},
    {"z": 1, "y": 2, "x": 3},
)
OF_ONE_NODE = {"z": 1, "y": 1, "x": 1}
OPERATORS: dict[str, Operator] = {
    "derivative": lambda ds: fg.derivative(ds.p, "y"),
    "mixed derivative": lambda ds: fg.derivative(ds.p, {"x": 1, "y": 2}),
    "gradient": lambda ds: fg.gradient(ds.p),
    "laplacian": lambda ds: fg.laplacian(ds.p),
    "hessian": lambda ds: fg.hessian(ds.p),
    "velocity gradient": fg.velocity_gradient,
    "divergence": fg.divergence,
    "curl": fg.curl,
    "D": lambda ds: fg.decompose(ds)[0],
    "W of L": lambda ds: fg.decompose(fg.velocity_gradient(ds))[1],
    "lambda2": lambda ds: fg.derive(ds, "lambda2").lambda2,
    "dissipation": lambda ds: fg.derive(ds, "dissipation", viscosity="nu").dissipation,
    "directional derivative": lambda ds: fg.directional_derivative(ds.p, ds),
    "advection": lambda ds: fg.advection(ds.p, ds),
    "advection of the velocity": lambda ds: fg.advection(ds, ds),
    "scalar dissipation": lambda ds: fg.scalar_dissipation(ds.p, 2.0),
    "helicity": lambda ds: fg.helicity(ds),
    "relative helicity": lambda ds: fg.relative_helicity(ds),
    "apparent viscosity": lambda ds: fg.apparent_viscosity(abs(ds.p), FLUID),
    "stress": lambda ds: fg.generalised_newtonian_stress(ds, FLUID),
}


@cache
def eager(name: str) -> xr.DataArray:
    return OPERATORS[name](SPACE)


@contextmanager
def nothing_computed() -> Iterator[None]:
    def never(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a lazy array was computed")

    with dask.config.set(scheduler=never):
        yield


def poisoned(number: int, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray:
    """Memory for a block, in which all that is not written is NaN."""
    return np.full(shape, np.nan, dtype)


def check(operator: Operator, lazy: xr.Dataset, expected: xr.DataArray, scheduler: str = "sync") -> xr.DataArray:
    """Build, look at what was built, compute, and compare with the eager result: labels, attributes and bits."""
    with nothing_computed():
        built = operator(lazy)
        assert isinstance(built.data, da.Array)
        leading = built.ndim - lazy.p.ndim
        assert built.chunks[leading:] == lazy.p.chunks
        assert all(len(part) == 1 for part in built.chunks[:leading])
        meta = built.data._meta
        assert type(meta) is np.ndarray
        assert (meta.dtype, meta.ndim, meta.size) == (expected.dtype, expected.ndim, 0)
    with patch.object(blocks, "_room", poisoned):
        found = built.compute(scheduler=scheduler)
    assert found.dtype == expected.dtype
    xr.testing.assert_identical(found, expected)
    return built


def read(flow: xr.Dataset, chunks: Any) -> xr.Dataset:
    """A dataset whose blocks are not in memory before they are computed."""
    return flow.chunk(chunks).map(lambda field: field.copy(data=field.data.map_blocks(np.copy)))


def keys(obj: Any) -> set[Any]:
    return set(obj.__dask_graph__())


def own_tasks(result: xr.Dataset | xr.DataArray, *sources: Any) -> int:
    return len(keys(result) - set().union(*map(keys, sources)))


# ---------------------------------------------------------------------------------------------------------
# any chunking gives the eager result


@pytest.mark.parametrize("chunks", CHUNKINGS, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_the_bits_of_the_whole(name: str, chunks: dict[str, Any]) -> None:
    check(OPERATORS[name], read(SPACE, chunks), eager(name))


@pytest.mark.parametrize("chunks", CHUNKINGS, ids=str)
@pytest.mark.parametrize("name", ["velocity gradient", "laplacian", "dissipation"])
def test_blocks_in_memory_have_the_bits_of_the_whole(name: str, chunks: dict[str, Any]) -> None:
    """They take nodes from their neighbours themselves."""
    built = check(OPERATORS[name], SPACE.chunk(chunks), eager(name))
    # one task gathers the fields of a block and one works on it; beside them there are tables
    tables = sum(len(part) for part in built.chunks[-3:])
    assert own_tasks(built, SPACE.chunk(chunks)) <= 2 * built.data.npartitions + tables


@pytest.mark.parametrize("name", ["velocity gradient", "laplacian"])
def test_blocks_of_one_node(name: str) -> None:
    check(OPERATORS[name], SPACE.chunk(OF_ONE_NODE), eager(name))


def sizes_of(n: int) -> st.SearchStrategy[tuple[int, ...]]:
    """Chunks of an axis: where it is cut is drawn."""
    return st.sets(st.integers(1, n - 1), max_size=4).map(
        lambda cuts: tuple(b - a for a, b in pairwise([0, *sorted(cuts), n]))
    )


@pytest.mark.parametrize("periodic", [{}, {"x": 12.0, "z": 12.0}], ids=["edges", "periodic"])
@settings(max_examples=20)
@given(sizes=st.tuples(*(sizes_of(SIZES[dim]) for dim in SPACE.p.dims)))
def test_wide_stencils_reach_across_several_blocks_and_around_the_ends(
    periodic: dict[str, float], sizes: tuple[tuple[int, ...], ...]
) -> None:
    grid = fg.infer_grid(SPACE, accuracy=4, periodic=periodic)
    lazy = SPACE.chunk(dict(zip(SPACE.p.dims, sizes, strict=True)))

    def operator(ds: xr.Dataset) -> xr.DataArray:
        return fg.velocity_gradient(ds, grid=grid)

    check(operator, lazy, operator(SPACE))


def test_corners_are_poisoned_in_these_tests() -> None:
    """The blocks have corners that nothing writes: without this the NaN above would prove nothing."""
    seen: list[int] = []
    surrounded = blocks._surrounded

    def counting(*args: Any) -> np.ndarray:
        whole = surrounded(*args)
        seen.append(int(np.isnan(whole).sum()))
        return whole

    built = fg.laplacian(SPACE.chunk({"z": 4, "y": 4, "x": 4}).p)
    with patch.object(blocks, "_room", poisoned), patch.object(blocks, "_surrounded", counting):
        assert not built.compute(scheduler="sync").isnull().any()
    assert len(seen) == 2 * 2 * 3
    assert min(seen) > 0


def test_chunks_of_no_nodes() -> None:
    """Selections leave such chunks behind."""
    lazy = SPACE.map(lambda f: f.copy(data=da.from_array(f.values, ((0, 3, 5, 0), (7,), (4, 0, 5)))), keep_attrs=True)
    check(fg.velocity_gradient, lazy, eager("velocity gradient"))
    check(OPERATORS["laplacian"], lazy, eager("laplacian"))
    check(OPERATORS["D"], lazy, eager("D"))


@pytest.mark.parametrize(
    "chunks",
    [
        {"time": (1, 4), "z": 3, "y": 5},
        pytest.param({"time": 1}, marks=pytest.mark.slow),
        pytest.param({"time": 2, "x": 4}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_time_series(chunks: dict[str, Any]) -> None:
    lazy = SERIES.chunk(chunks)
    for operator in (
        fg.velocity_gradient,
        lambda ds: fg.derivative(ds.p, "time"),
        lambda ds: fg.material_derivative(ds.p, ds),
        lambda ds: fg.material_derivative(ds, ds),
        # a steady flow that carries what changes
        lambda ds: fg.material_derivative(ds.p, ds.isel(time=0, drop=True)),
    ):
        check(operator, lazy, operator(SERIES))


def test_a_step_of_a_series_needs_only_its_own_blocks() -> None:
    lazy, read = counted(SERIES, {"time": 1})
    fg.derive(lazy, "q_criterion").q_criterion.isel(time=2).compute(scheduler="sync")
    assert set(read) == {(name, (2, 0, 0, 0)) for name in "uvw"}


def test_planes_and_lines() -> None:
    plane = SPACE.isel(y=0)
    check(fg.velocity_gradient, plane.chunk({"z": 3, "x": 4}), fg.velocity_gradient(plane))
    line = SPACE.p.isel(y=0, z=0, drop=True).to_dataset()
    check(OPERATORS["gradient"], line.chunk({"x": 2}), OPERATORS["gradient"](line))


def test_components_along_a_dimension_in_pieces() -> None:
    stacked = xr.concat([SPACE.u, SPACE.v, SPACE.w], xr.Variable("component", ["x", "y", "z"])).rename("velocity")
    stacked = stacked.transpose("z", "component", "y", "x")
    with nothing_computed():
        built = fg.velocity_gradient(stacked.chunk({"component": 2, "x": 4}))
    xr.testing.assert_identical(built.compute(scheduler="sync"), fg.velocity_gradient(stacked))
    assert built.chunks[2:] == SPACE.chunk({"x": 4}).p.chunks


def test_a_tensor_in_pieces() -> None:
    L = eager("velocity gradient")
    with nothing_computed():
        D, W = fg.decompose(L.chunk({"component": 2, "direction": 1, "z": 3}))
    assert D.chunks == W.chunks == ((3,), (3,), (3, 3, 2), (7,), (9,))
    for found, expected in zip(dask.compute(D, W, scheduler="sync"), fg.decompose(L), strict=True):
        xr.testing.assert_identical(found, expected)


# ---------------------------------------------------------------------------------------------------------
# what the blocks hold


def as_masked(values: np.ndarray) -> np.ma.MaskedArray:
    return np.ma.masked_greater((10 * values).astype("int32"), 15)


CONVERSIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "float32": lambda values: values.astype("float32"),
    "float16": lambda values: values.astype("float16"),
    "complex128": lambda values: values + 1j * values[::-1],
    "uint8": lambda values: (40 * np.abs(values)).astype("uint8"),
    "bool": lambda values: values > 0,
    "big-endian": lambda values: values.astype(">f8"),
    "Fortran order": np.asfortranarray,
    "masked integers": as_masked,
}


@pytest.mark.parametrize("convert", CONVERSIONS.values(), ids=CONVERSIONS)
def test_values_of_any_kind(convert: Callable[[np.ndarray], np.ndarray]) -> None:
    ds = SPACE[["u", "v", "w", "p"]].map(lambda f: f.copy(data=convert(f.values)), keep_attrs=True)

    def in_blocks(f: xr.DataArray) -> xr.DataArray:
        data = da.from_array(convert(f.values), ((3, 5), (7,), (4, 1, 4)), asarray=False)
        # xarray itself fills what is masked, where it is told: a source may not say so
        return f.copy(data=data.map_blocks(lambda block: block, meta=np.empty((0, 0, 0), data.dtype)))

    lazy = SPACE[["u", "v", "w", "p"]].map(in_blocks, keep_attrs=True)
    expected = fg.velocity_gradient(ds)
    check(fg.velocity_gradient, lazy, expected)
    if convert is as_masked:
        assert isinstance(lazy.u.data.compute(scheduler="sync"), np.ma.MaskedArray)
        assert lazy.u.dtype == np.int32
        assert expected.isnull().any()


def test_blocks_that_are_not_of_the_dtype_they_were_said_to_have() -> None:
    ds = SPACE.astype("float32").astype("float64")
    lazy = ds.chunk({"x": 4})
    single = da.map_blocks(lambda block: block.astype("float32"), lazy.u.data, dtype=float, meta=np.empty((0, 0, 0)))
    check(fg.velocity_gradient, lazy.assign(u=lazy.u.copy(data=single)), fg.velocity_gradient(ds))


def test_what_cannot_be_differentiated_is_refused_before_any_work() -> None:
    lazy = SPACE.chunk({"x": 4})
    with nothing_computed():
        with pytest.raises(TypeError, match=r"u: has dtype <?U1"):
            fg.velocity_gradient(lazy.assign(u=lazy.u.astype("U1")))
        with pytest.raises(TypeError, match=r"needs all values at once; load it first \(obj\.load"):
            fg.invariant_histogram(lazy)


def test_numpy_beside_dask() -> None:
    expected = eager("velocity gradient")
    for names in ("u", "v", "uw"):
        mixed = SPACE.assign({name: SPACE[name].chunk({"z": 3, "x": 4}) for name in (*names, "p")})
        check(fg.velocity_gradient, mixed, expected)


def test_chunks_of_the_first_lazy_component_count() -> None:
    mixed = SPACE.assign(v=SPACE.v.chunk({"x": 4}), w=SPACE.w.chunk({"y": 3}))
    built = fg.velocity_gradient(mixed)
    assert built.chunks[2:] == mixed.v.chunks
    xr.testing.assert_identical(built.compute(scheduler="sync"), eager("velocity gradient"))


# ---------------------------------------------------------------------------------------------------------
# parameters


@pytest.mark.parametrize("dims", ["zyx", "yz", "x", ""], ids=["field", "plane", "profile", "number"])
@pytest.mark.parametrize("lazy", ["flow", "parameter", "both", "both, in other pieces"])
def test_parameters_lazy_or_not(lazy: str, dims: str) -> None:
    nu = SPACE.nu.isel({dim: 0 for dim in SPACE.p.dims if dim not in dims}, drop=True).transpose(*dims)
    expected = fg.derive(SPACE, "dissipation", viscosity=nu)
    pieces = nu.copy(data=da.from_array(nu.values, 3 if "other" in lazy else 4))
    flow = SPACE.chunk({"z": 4, "y": 4, "x": 4}) if lazy != "parameter" else SPACE
    with nothing_computed():
        found = fg.derive(flow, "dissipation", viscosity=pieces if lazy != "flow" else nu)
    assert isinstance(found.dissipation.data, da.Array)
    if lazy != "parameter":
        assert found.dissipation.chunks == flow.u.chunks
    xr.testing.assert_identical(found.compute(scheduler="sync"), expected)


@pytest.mark.parametrize("shape", [(8, 7, 9), (7, 1), (9,), ()], ids=str)
@pytest.mark.parametrize("lazy", ["flow", "parameter", "both"])
def test_parameters_without_labels(lazy: str, shape: tuple[int, ...]) -> None:
    """They broadcast as in NumPy."""
    nu = 1.0 + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    flow = SPACE.chunk({"y": 4, "x": 4}) if lazy != "parameter" else SPACE
    with nothing_computed():
        found = fg.derive(flow, "dissipation", viscosity=da.from_array(nu, 3) if lazy != "flow" else nu)
        assert isinstance(found.dissipation.data, da.Array)
        for wrong in ((8, 7, 8), (7,), (1, 8, 7, 9)):
            with pytest.raises(ValueError, match=r"parameters: an array of shape .* does not broadcast to .*8, 7, 9"):
                fg.derive(SPACE.chunk(), "dissipation", viscosity=np.ones(wrong))
    xr.testing.assert_identical(found.compute(scheduler="sync"), fg.derive(SPACE, "dissipation", viscosity=nu))


def test_one_lazy_parameter_among_others() -> None:
    expected = fg.advection(SPACE.p, SPACE)
    found = fg.advection(SPACE.p, SPACE.assign(v=SPACE.v.chunk(x=4, z=3)))
    assert found.chunksizes == {"z": (3, 3, 2), "y": (7,), "x": (4, 4, 1)}
    np.testing.assert_array_equal(found.values, expected.values)


def test_a_parameter_from_two_others() -> None:
    given = {"dynamic_viscosity": SPACE.nu * 3.0, "density": SPACE.nu + 1.0}
    expected = fg.derive(SPACE, "dissipation", **given)
    lazy = {"dynamic_viscosity": given["dynamic_viscosity"].chunk({"x": 5}), "density": given["density"]}
    with nothing_computed():
        found = fg.derive(SPACE.chunk({"y": 3}), "dissipation", **lazy)
    xr.testing.assert_identical(found.compute(scheduler="sync"), expected)


@pytest.mark.parametrize("which", ["viscosity", "dynamic_viscosity", "density"])
def test_a_parameter_given_twice_and_lazily_is_refused(which: str) -> None:
    given: dict[str, Any] = {"viscosity": SPACE.nu, "dynamic_viscosity": SPACE.nu * 2.0, "density": 2.0}
    given[which] = (SPACE.nu if which != "density" else 2.0 + 0 * SPACE.nu).chunk({"x": 4})
    message = r"viscosity: is given beside .* not all of them in memory, .*give one or the other"
    with nothing_computed(), pytest.raises(TypeError, match=message):
        fg.derive(SPACE, "dissipation", **given)


# ---------------------------------------------------------------------------------------------------------
# nothing is computed early, and nothing loaded


def test_building_imports_no_numba() -> None:
    code = """
        import sys
        import dask, dask.array as da, numpy as np, xarray as xr, fieldgrad as fg

        def never(*args, **kwargs):
            raise AssertionError("computed")

        def fast(L, gain):
            return gain * L[0][1]

        dims = ("time", "z", "y", "x")
        data = da.zeros((4, 8, 8, 8), chunks=(1, 4, 4, 4))
        coords = {dim: (dim, np.arange(n) * 1.0, {"units": unit})
                  for dim, n, unit in zip(dims, data.shape, ("s", "m", "m", "m"))}
        ds = xr.Dataset({name: (dims, data) for name in "uvwp"}, coords)
        own = fg.Quantity("own", fast, parameters=("gain",))
        with dask.config.set(scheduler=never):
            results = [
                fg.derivative(ds.p, "x"), fg.gradient(ds.p), fg.laplacian(ds.p), fg.hessian(ds.p), fg.curl(ds),
                fg.divergence(ds), *fg.decompose(ds), *fg.decompose(fg.velocity_gradient(ds)), fg.advection(ds, ds),
                fg.material_derivative(ds, ds), fg.directional_derivative(ds.p, ds), fg.helicity(ds),
                fg.scalar_dissipation(ds.p, 1.0), fg.derive(ds, [own, "lambda2", "dissipation"], gain=2.0, viscosity=1),
                fg.generalised_newtonian_stress(ds, fg.PowerLaw(1.0, 0.5)), fg.mean(ds), repr(fg.curl(ds)),
                fg.taylor_microscale(ds.u, "x"), ds.fieldgrad.derive("q_criterion"),
            ]
        assert "numba" not in sys.modules, "numba was imported"
    """
    run_in_new_process(code)


def run_in_new_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_coordinates_and_results_stay_lazy() -> None:
    lazy = SPACE.chunk({"x": 4})
    lazy = lazy.assign_coords(depth=(("z", "y"), da.ones((8, 7), chunks=3)))
    with nothing_computed():
        found = fg.derive(lazy, ["q_criterion", "vorticity"])
        assert all(isinstance(one.coords["depth"].data, da.Array) for one in found.values())
        means = fg.mean(found, ["x", "y"])
        assert all(isinstance(one.data, da.Array) for one in means.values())
        chained = fg.gradient(found.q_criterion)
    xr.testing.assert_identical(
        chained.compute(scheduler="sync").drop_vars("depth"), fg.gradient(fg.derive(SPACE, "q_criterion").q_criterion)
    )


def test_statistics_stay_lazy() -> None:
    lazy = SPACE.chunk({"z": 3, "x": 4})
    for statistic in (
        lambda ds: fg.mean(ds.p),
        lambda ds: fg.mean(ds.p, ["x", "z"]),
        lambda ds: fg.taylor_microscale(ds.u, "x"),
        lambda ds: fg.derivative_skewness(ds.u, "x", ["x", "y"]),
        lambda ds: fg.derivative_flatness(ds.u, "y"),
    ):
        with nothing_computed():
            built = statistic(lazy)
        assert isinstance(built.data, da.Array)
        # sums are in the order of the chunks
        xr.testing.assert_allclose(built.compute(scheduler="sync"), statistic(SPACE), rtol=1e-13)


class Chunked:
    """An array of another library: lazy, in chunks, and of no use to NumPy."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.ndim, self.dtype = shape, len(shape), np.dtype(float)
        self.chunks = tuple((n,) for n in shape)

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise AssertionError("the array was loaded")

    def __array_function__(self, *args: Any) -> Any:
        raise AssertionError("the array was computed with")

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the array was computed with")


def test_chunked_arrays_of_other_libraries_are_refused() -> None:
    strange = SPACE.assign({name: (SPACE.p.dims, Chunked(SPACE.p.shape)) for name in "uvwp"})
    message = r"is backed by \w+; of chunked arrays only dask's are understood: .*chunked_array_type='dask'.*obj.load"
    for name in ("derivative", "gradient", "velocity gradient", "helicity", "advection", "lambda2"):
        with pytest.raises(TypeError, match=message):
            OPERATORS[name](strange)
    with pytest.raises(TypeError, match="viscosity: p " + message):
        fg.derive(SPACE, "dissipation", viscosity=strange.p)


# ---------------------------------------------------------------------------------------------------------
# one read, one pass, few tasks


def counted(ds: xr.Dataset, chunks: dict[str, Any]) -> tuple[xr.Dataset, Counter[tuple[str, tuple[int, ...]]]]:
    """A dataset whose blocks are counted as they are read."""
    read: Counter[tuple[str, tuple[int, ...]]] = Counter()
    whole = ds.chunk(chunks)

    def source(name: str) -> xr.DataArray:
        values = ds[name].values
        starts = [list(accumulate(part, initial=0)) for part in whole[name].chunks]

        def block(block_info: Any = None) -> np.ndarray:
            place = block_info[None]["chunk-location"]
            read[name, place] += 1
            return values[tuple(slice(start[i], start[i + 1]) for start, i in zip(starts, place, strict=True))]

        data = da.map_blocks(block, chunks=whole[name].chunks, dtype=values.dtype, meta=np.empty((0,) * values.ndim))
        return ds[name].copy(data=data)

    lazy = ds.assign({name: source(name) for name in ds.data_vars})
    read.clear()
    return lazy, read


@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_quantities_together_share_one_read_and_one_pass(dtype: str) -> None:
    """Integers are converted on the way, and no chunk is read for every task that needs it."""
    lazy, read = counted(SPACE.astype(dtype), {"z": 4, "y": 4, "x": 3})
    blocks = lazy.u.data.npartitions
    passes = []
    derive = operators.derive

    def counting(*args: Any) -> list[np.ndarray]:
        passes.append(1)
        return derive(*args)

    names = ["velocity_gradient", "lambda2", "q_criterion"]
    with patch.object(operators, "derive", counting):
        found = fg.derive(lazy, names)
        # separate variables, one of them behind another operation
        computed = dask.compute(found.velocity_gradient, found.lambda2.mean(), found.q_criterion, scheduler="threads")
    xr.testing.assert_identical(computed[2], fg.derive(SPACE.astype(dtype), names).q_criterion)
    assert len(passes) == blocks
    assert len(read) == 3 * blocks
    assert set(read.values()) == {1}


def test_calls_one_by_one_share_the_read() -> None:
    lazy, read = counted(SPACE, {"z": 4, "x": 3})
    results = (fg.velocity_gradient(lazy), fg.derive(lazy, "q_criterion").q_criterion, fg.gradient(lazy.u))
    dask.compute(*results, scheduler="sync")
    assert set(read.values()) == {1}


class File:
    """Something to be sliced, as a file is; it counts how often."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.ndim, self.dtype = values, values.shape, values.ndim, values.dtype
        self.read: Counter[str] = Counter()

    def __getitem__(self, index: Any) -> np.ndarray:
        self.read[str(index)] += 1
        return self.values[index]


@pytest.mark.parametrize("inline", [False, True])
def test_chunks_of_files_are_read_once(inline: bool) -> None:
    files = {name: File(SPACE[name].values) for name in "uvw"}
    arrays = {name: da.from_array(file, 4, inline_array=inline) for name, file in files.items()}
    lazy = SPACE.assign({name: SPACE[name].copy(data=data) for name, data in arrays.items()})
    for file in files.values():
        file.read.clear()  # dask tries an empty slice
    with nothing_computed():
        found = fg.derive(lazy, ["velocity_gradient", "lambda2", "q_criterion"])
    assert not any(file.read for file in files.values())
    found.compute(scheduler="sync")
    for name, file in files.items():
        assert len(file.read) == arrays[name].npartitions
        assert set(file.read.values()) == {1}


@pytest.mark.parametrize("names", [["velocity_gradient"], ["q_criterion"], ["lambda2", "vorticity", "spin"]])
@pytest.mark.parametrize("accuracy", [2, 8])
def test_tasks_a_chunk(names: list[str], accuracy: int) -> None:
    lazy = xr.Dataset(
        {name: (("z", "y", "x"), da.zeros((90, 90, 90), chunks=10)) for name in "uvw"},
        {dim: np.linspace(0, 1, 90) ** 2 for dim in "zyx"},
    )
    found = fg.derive(lazy, names, grid=fg.infer_grid(lazy, accuracy=accuracy))
    blocks = lazy.u.data.npartitions
    for optimised in (found, *dask.optimize(found)):
        assert own_tasks(optimised, lazy) <= (12 + len(names)) * blocks


def test_tasks_of_ten_thousand_chunks() -> None:
    lazy = xr.Dataset(
        {name: (("z", "y", "x"), da.zeros((220, 220, 220), chunks=10)) for name in "uvw"},
        {dim: np.linspace(0, 1, 220) ** 2 for dim in "zyx"},
    )
    blocks = 22**3
    assert own_tasks(fg.velocity_gradient(lazy), lazy) <= 12 * blocks
    table = lazy.u.data.__dask_graph__()
    assert len(table) == blocks


def test_tasks_of_chunks_of_one_node() -> None:
    lazy = SPACE.chunk(OF_ONE_NODE)
    assert own_tasks(fg.velocity_gradient(lazy), lazy) <= 12 * lazy.u.data.npartitions


def waiting(result: xr.Dataset) -> float:
    """The part of the blocks that wait for their neighbours at most, while all results go into files.

    The tasks are taken one by one in the order that dask gives them.
    """
    graphs = []

    def scheduler(graph: Any, keys: Any, **options: Any) -> list[None]:
        # a dict before dask 2025.4
        graphs.append(dict(graph) if isinstance(graph, dict) else dict(graph.optimize().__dask_graph__()))
        return [None] * len(keys)

    arrays = [variable.data for variable in result.data_vars.values()]
    da.store(arrays, [np.empty(array.shape) for array in arrays], lock=False, scheduler=scheduler)
    (graph,) = graphs
    begun = {key for key in graph if isinstance(key, tuple) and ("-begun" in key[0] or key[0].startswith("together"))}
    place = dask.order.order(graph)
    left = Counter(needed for task in graph.values() for needed in task.dependencies)
    held, most = set(), 0
    for key in sorted(graph, key=place.__getitem__):
        held |= {key} & begun
        most = max(most, len(held))
        left.subtract(graph[key].dependencies)
        held -= {needed for needed in graph[key].dependencies if not left[needed]}
    assert begun
    assert not held
    return most / len(begun)


@pytest.mark.parametrize("names", [["q_criterion"], ["q_criterion", "vorticity_magnitude"]])
@pytest.mark.parametrize(
    ("shape", "dims", "plane"),
    [((6, 6, 6), "zyx", 36), ((2, 3, 12), "zyx", 6), ((12, 3, 3), "zyx", 9), ((4, 2, 6, 2), "tzyx", 4)],
)
@pytest.mark.parametrize("size", [4, 32])
def test_about_one_plane_of_blocks_waits(
    names: list[str], shape: tuple[int, ...], dims: str, plane: int, size: int
) -> None:
    """Of small blocks the fields wait, and of large ones what has begun. Times come one after the other."""
    chunks = [1 if dim == "t" else size for dim in dims]
    sizes = [n * size for n, size in zip(shape, chunks, strict=True)]
    lazy = xr.Dataset(
        {name: (tuple(dims), da.random.random(sizes, chunks=chunks)) for name in "uvw"},
        {dim: np.linspace(0, 1, n) ** 2 for dim, n in zip(dims, sizes, strict=True)},
    )
    assert waiting(fg.derive(lazy, names)) * np.prod(shape) <= plane + 4


def test_pieces_for_neighbours_are_copies() -> None:
    """Views would keep whole blocks in memory."""
    graph = dict(fg.velocity_gradient(read(SPACE, {"x": 3})).__dask_graph__())
    handed = dask.get(graph, [key for key in graph if key[0].endswith("-pieces")])
    # a node for the block on either side, of each of three fields; the blocks are wide enough for the ends of the axis
    assert [list(sides) for sides in handed] == [[(2, 3)], [(0, 1), (2, 3)], [(0, 1)]]
    pieces = [piece for sides in handed for fields in sides.values() for piece in fields]
    assert [piece.shape for piece in pieces] == [(8, 7, 1)] * 12
    assert all(piece.base is None for piece in pieces)


def test_a_thread_keeps_memory_for_blocks_up_to_a_limit() -> None:
    def work() -> None:
        first = blocks._room(0, (4, 5), np.dtype("float64"))
        again = blocks._room(0, (3, 5), np.dtype("float32"))
        assert np.shares_memory(first, again)
        assert (first.shape, again.shape, again.dtype) == ((4, 5), (3, 5), np.float32)
        assert not np.shares_memory(first, blocks._room(1, (4, 5), np.dtype("float64")))
        large = (blocks._ROOM // 8,)
        assert not np.shares_memory(
            blocks._room(2, large, np.dtype("float64")), blocks._room(2, large, np.dtype("float64"))
        )
        assert sum(memory.nbytes for memory in blocks._kept.fields.values()) <= blocks._ROOM

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


# ---------------------------------------------------------------------------------------------------------
# graphs


def test_names_follow_from_what_is_computed() -> None:
    """The same call has the same name, hence is computed once; another one never has."""
    lazy = SPACE.chunk({"x": 4})
    grid = fg.infer_grid(SPACE, accuracy=4)

    def factor(gain: float) -> fg.Quantity:
        return fg.Quantity("own", lambda L: gain * L[0][1])

    calls: list[Callable[[], xr.DataArray]] = [
        lambda: fg.derive(lazy, "dissipation", viscosity=1.0).dissipation,
        lambda: fg.derive(lazy, "dissipation", viscosity=2.0).dissipation,
        lambda: fg.derive(lazy, "dissipation", viscosity=2.0, grid=grid).dissipation,
        lambda: fg.derive(lazy, "dissipation", viscosity=lazy.p).dissipation,
        lambda: fg.derive(lazy, "q_criterion").q_criterion,
        lambda: fg.derive(SPACE.chunk({"x": 3}), "q_criterion").q_criterion,
        lambda: fg.derive(lazy, factor(1.0)).own,
        lambda: fg.derive(lazy, factor(2.0)).own,
        lambda: fg.derivative(lazy.u, "x"),
        lambda: fg.derivative(lazy.u, "y"),
        lambda: fg.derivative(lazy.u, "x", 2),
        lambda: fg.apparent_viscosity(lazy.nu, FLUID),
        lambda: fg.apparent_viscosity(lazy.nu, fg.PowerLaw(1.0, 0.5)),
        lambda: fg.apparent_viscosity(lazy.nu, fg.PowerLaw(1.0, 0.75)),
    ]
    names = [call().data.name for call in calls]
    assert len(set(names)) == len(names)
    assert [call().data.name for call in calls] == names


def test_names_that_a_user_gave_his_tasks_are_not_taken_for_arguments() -> None:
    """In a graph a string is a reference if some task has this name."""
    reads = {name: dask.delayed(lambda values: values)(SPACE[name].values, dask_key_name=key)
             for name, key in zip("uvwp", ("x", "y", "z", 1), strict=True)}  # fmt: skip
    lazy = SPACE.assign(
        {name: SPACE[name].copy(data=da.from_delayed(read, SPACE.p.shape, float)) for name, read in reads.items()}
    )
    for name in ("velocity gradient", "derivative", "advection"):
        xr.testing.assert_identical(OPERATORS[name](lazy).compute(scheduler="sync"), eager(name))
    found = fg.derive(lazy, "dissipation", viscosity=1)
    xr.testing.assert_identical(
        dask.compute(found, lazy.p, scheduler="sync")[0], fg.derive(SPACE, "dissipation", viscosity=1)
    )


def test_a_chunk_that_cannot_be_read_says_so() -> None:
    def broken(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info[0]["chunk-location"] == (0, 1, 1):
            raise OSError("chunk v/0.1.1 is truncated")
        return block

    lazy = SPACE.chunk({"y": 4, "x": 4})
    v = da.map_blocks(broken, lazy.v.data, dtype=float, meta=np.empty((0, 0, 0)))
    found = fg.derive(lazy.assign(v=lazy.v.copy(data=v)), "lambda2")
    for scheduler in ("sync", "threads"):
        with pytest.raises(OSError, match=r"chunk v/0\.1\.1 is truncated"):
            found.compute(scheduler=scheduler)


# ---------------------------------------------------------------------------------------------------------
# schedulers, threads, processes


@pytest.fixture(scope="module")
def flow() -> tuple[xr.Dataset, xr.Dataset]:
    """What is asked of every scheduler, and the eager result."""
    lazy = SPACE.chunk({"z": 4, "y": 4, "x": 4})
    names = ["velocity_gradient", "lambda2", "q_criterion"]
    return fg.derive(lazy, names), fg.derive(SPACE, names)


@pytest.mark.parametrize("workers", [1, 2, 16])
def test_any_number_of_threads(flow: tuple[xr.Dataset, xr.Dataset], workers: int) -> None:
    built, expected = flow
    xr.testing.assert_identical(built.compute(scheduler="threads", num_workers=workers), expected)


@pytest.mark.slow
def test_processes(flow: tuple[xr.Dataset, xr.Dataset]) -> None:
    built, expected = flow

    def doubled(L: Any, gain: Any) -> Any:
        return 2 * gain * L[0][1]

    own = fg.Quantity("doubled", doubled, parameters=("gain",))
    lazy = fg.derive(SPACE.chunk({"x": 5}), own, gain=SPACE.nu)
    found = dask.compute(built, lazy, scheduler="processes", num_workers=2)
    xr.testing.assert_identical(found[0], expected)
    xr.testing.assert_identical(found[1], fg.derive(SPACE, own, gain=SPACE.nu))


LAYERS = """
    import multiprocessing, os, sys, threading, time, warnings
    warnings.simplefilter("ignore")
    import numpy as np
    import numba

    @numba.njit(parallel=True)
    def launch(a):
        for i in numba.prange(len(a)):
            a[i] += 1.0

    try:
        launch(np.zeros(1000))
    except ValueError as error:
        print("absent", error)
        sys.exit()
    assert numba.threading_layer() == os.environ["NUMBA_THREADING_LAYER"], numba.threading_layer()
    import dask, xarray as xr, fieldgrad as fg
    from fieldgrad.kernels import threads

    rng = np.random.default_rng(0)
    n = 32  # the eager calls are large enough to run on several threads
    x = np.cumsum(rng.uniform(0.5, 1.5, n))
    ds = xr.Dataset({name: (("z", "y", "x"), rng.standard_normal((n, n, n))) for name in "uvw"}, {d: x for d in "zyx"})
    expected = fg.velocity_gradient(ds)
    lazy = fg.velocity_gradient(ds.chunk(x=16))

    def both(scheduler="threads"):
        assert fg.velocity_gradient(ds).identical(expected)
        assert lazy.compute(scheduler=scheduler, num_workers=4).identical(expected)

    both()
    wrong = []
    used = []
    submit = threads._threads.submit
    threads._threads.submit = lambda *args: used.append(threading.current_thread()) or submit(*args)

    def in_thread():
        try:
            both()
        except BaseException as error:
            wrong.append(error)

    others = [threading.Thread(target=in_thread) for _ in range(3)]
    for one in others: one.start()
    for one in others: one.join()
    assert not wrong, wrong
    # a thread that is not the main one runs the kernel alone
    assert not used, used
    del threads._threads.submit
    if hasattr(os, "fork"):
        child = os.fork()
        if not child:
            code = 1
            try:
                both("sync")  # the threads that dask keeps do not survive a fork
                code = 0
            finally:
                os._exit(code)
        for _ in range(300):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.1)
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise AssertionError("the forked child hangs")
        assert os.waitstatus_to_exitcode(status) == 0, status
    both()
    print("done")
"""


@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_forked_children_and_other_threads_on_every_threading_layer(layer: str) -> None:
    """The kernels use none of numba's layers, and mind neither a layer that runs nor a fork beneath it."""
    printed = run_in_new_process(LAYERS, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2")
    if printed.startswith("absent"):
        pytest.skip(f"numba has no threading layer {layer} here")
    assert printed.split() == ["done"]


# ---------------------------------------------------------------------------------------------------------
# what travels


def module_function(L: Any) -> Any:
    return L[0][1]


GRID = fg.infer_grid(SERIES, periodic={"x": 12.0}, accuracy=4)
TRAVELLERS: dict[str, Any] = {
    "grid": GRID,
    "axis": GRID.axis("x"),
    "stencil": GRID.axis("y").stencil(2),
    "block of a stencil": GRID.axis("x").stencil().slice(0, 3)[0],
    "adjoint": GRID.axis("y").stencil().transpose(),
    "built-in quantity": fg.quantities()["lambda2"],
    "own quantity": fg.Quantity("own", module_function),
    "power law": fg.PowerLaw(2.0, 0.5),
    "Carreau": FLUID,
    "Cross": fg.Cross(3.0, 1.0, 2.0, 1.0),
    "table of quantities": fg.quantities(),
}


def by_cloudpickle(obj: Any) -> Any:
    cloudpickle = pytest.importorskip("cloudpickle")
    return pickle.loads(cloudpickle.dumps(obj))


def by_pickle(obj: Any) -> Any:
    return pickle.loads(pickle.dumps(obj))


def described(obj: Any) -> Any:
    """What two equal objects share."""
    if isinstance(obj, fg.stencils.Stencil):
        return obj.matrix().tolist(), obj.nodes, obj.first, obj.periodic
    return repr(obj)


@pytest.mark.parametrize("copied", [by_pickle, by_cloudpickle])
@pytest.mark.parametrize("name", TRAVELLERS)
def test_records_travel(name: str, copied: Callable[[Any], Any]) -> None:
    obj = TRAVELLERS[name]
    again = copied(obj)
    assert type(again) is type(obj)
    assert described(again) == described(obj)
    if name in ("grid", "power law", "own quantity"):
        use: Operator = {
            "grid": lambda ds: fg.divergence(ds, grid=again),
            "power law": lambda ds: fg.apparent_viscosity(ds.nu, again),
            "own quantity": lambda ds: fg.derive(ds, again).own,
        }[name]
        series = SERIES if name == "grid" else SPACE
        xr.testing.assert_identical(use(series.chunk({"x": 4})).compute(scheduler="sync"), use(series))


@pytest.mark.parametrize("copied", [by_pickle, by_cloudpickle])
def test_lazy_results_travel(flow: tuple[xr.Dataset, xr.Dataset], copied: Callable[[Any], Any]) -> None:
    built, expected = flow
    xr.testing.assert_identical(copied(built).compute(scheduler="sync"), expected)


def test_a_function_without_a_module_travels() -> None:
    gain = 3.0
    own = fg.Quantity("own", lambda L: gain * L[0][1])
    again = by_cloudpickle(own)
    built = by_cloudpickle(fg.derive(SPACE.chunk({"x": 4}), again))
    xr.testing.assert_identical(built.compute(scheduler="sync"), fg.derive(SPACE, own))


def test_what_is_not_defined_is_refused_before_anything_is_computed() -> None:
    lazy = SPACE.chunk(x=4).map(lambda field: field * (1 + 1j))
    for refused in (
        lambda: fg.derive(lazy, "q_criterion"),
        lambda: fg.helicity(lazy),
    ):
        with nothing_computed(), pytest.raises(TypeError, match="is not linear, so it is not defined for a complex"):
            refused()
    with nothing_computed(), pytest.raises(TypeError, match="viscosity: has dtype complex128; it must hold real"):
        fg.derive(SPACE.chunk(x=4), "dissipation", viscosity=1j)


def test_operators_on_plain_arrays_load_nothing() -> None:
    u = SPACE.chunk(x=4).u.data
    for refused in (
        lambda: fg.array.gradient(u),
        lambda: fg.array.derive([u, u, u], "divergence", 1.0, 1.0, 1.0),
        lambda: fg.array.derive([SPACE.u.values] * 3, "dissipation", 1.0, 1.0, 1.0, viscosity=u),
    ):
        with nothing_computed(), pytest.raises(TypeError, match="is lazy, a Array of dask; compute it first"):
            refused()
