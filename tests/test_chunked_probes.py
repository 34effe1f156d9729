# SPDX-License-Identifier: BSD-3-Clause
"""Points in dask arrays: the same bits, and no more blocks read than hold points.

Kernels are those of test_sampling.
"""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from test_sampling import FLOW, PAIR, SCALAR, cloud, flow

import fieldgrad as fg


def watched(f: xr.DataArray, chunks: tuple[int, ...]) -> tuple[xr.DataArray, set[tuple[int, ...]]]:
    """A lazy field, and the blocks of it that have been computed."""
    read: set[tuple[int, ...]] = set()

    def block(values: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        read.add(block_id)
        return values

    lazy = da.from_array(f.values, chunks, name=False).map_blocks(block, dtype=f.dtype, meta=np.empty((0,) * f.ndim))
    return f.copy(data=lazy), read


@pytest.mark.parametrize("chunks", [{"x": 5, "y": 4, "z": 3}, {"x": (1, 9, 2), "y": 11, "z": 1}, {"z": 4}])
@pytest.mark.parametrize("accuracy", [2, 4])
def test_the_bits_of_the_whole(chunks: dict[str, int], accuracy: int) -> None:
    ds = flow()
    grid = fg.infer_grid(ds, periodic={"x": 1.2, "z": 1.5}, accuracy=accuracy)
    points = cloud(60, -0.5, 1.5)
    lazy = fg.sample(ds.chunk(chunks), points, FLOW, grid=grid)
    assert all(field.chunks is not None for field in lazy.values())
    whole = fg.sample(ds, points, FLOW, grid=grid)
    assert 0 < int(whole.value.isnull().sum()) < whole.value.size
    xr.testing.assert_identical(lazy.compute(), whole)


def test_only_the_blocks_that_hold_points_are_read() -> None:
    f = flow({dim: np.linspace(0, 1, 16) for dim in "zyx"}).u
    lazy, read = watched(f, (4, 4, 4))
    # nodes 5 and 6 of each axis, whose windows of three reach nodes 4 to 7: the second block
    points = {dim: xr.DataArray([5.2 / 15, 5.9 / 15], dims="p") for dim in "xyz"}
    out = fg.sample(lazy, points, SCALAR)
    assert not read
    found = out.compute(scheduler="synchronous")
    assert read == {(1, 1, 1)}
    xr.testing.assert_identical(found, fg.sample(f, points, SCALAR))
    # windows at a face of a block reach into one neighbour; around a periodic axis into the last block
    read.clear()
    grid = fg.infer_grid(f, periodic={"x": 16 / 15})
    points = {"x": xr.DataArray([0.0, 0.95], dims="p"), "y": 7.1 / 15, "z": 5.5 / 15}
    fg.sample(lazy, points, SCALAR, grid=grid).compute(scheduler="synchronous")
    assert read == {(1, y, x) for y in (1, 2) for x in (0, 3)}
    read.clear()
    outside = fg.sample(lazy, {"x": 2.0, "y": 0.5, "z": 0.5}, SCALAR).compute(scheduler="synchronous")
    assert outside.value.isnull()
    assert not read


def test_times_that_points_do_not_have_are_not_read() -> None:
    f = flow({"time": np.arange(6.0), **{dim: np.linspace(0, 1, 8) for dim in "zyx"}}).u
    lazy, read = watched(f, (1, 4, 8, 8))
    x = xr.DataArray(np.where(np.arange(6) == 4, 0.3, 7.0), {"time": f.time}, "time")
    out = fg.sample(lazy, {"x": x, "y": 0.5, "z": xr.DataArray([0.1, 0.2], dims="p")}, SCALAR)
    found = out.compute(scheduler="synchronous")
    assert found.value.dims == ("time", "p")
    assert {block[0] for block in read} == {4}
    assert found.value.notnull().all("p").values.tolist() == [False, False, False, False, True, False]
    # without it among the points every time is a block of the result
    kept = fg.sample(lazy, cloud(3), SCALAR)
    assert kept.gradient.chunks == ((3,), (1,) * 6, (3,))
    xr.testing.assert_identical(kept.compute(), fg.sample(f, cloud_of(kept), SCALAR))


def cloud_of(out: xr.Dataset) -> dict[str, xr.DataArray]:
    return {dim: out[dim].drop_vars(["x", "y", "z"]) for dim in "xyz"}


def test_lazy_positions_are_refused() -> None:
    points = cloud(4)
    with pytest.raises(TypeError, match="points: the positions along 'x' are lazy"):
        fg.sample(flow(), {**points, "x": points["x"].chunk()}, "value")


@pytest.mark.slow
def test_lazy_parameters_stay_lazy() -> None:
    ds = flow()
    points = cloud(4)
    nu = (ds.x + ds.y + ds.z).chunk(x=4)
    whole = fg.sample(ds, points, PAIR, viscosity=nu.compute())
    for f in (ds, ds.chunk(y=3)):
        lazy = fg.sample(f, points, PAIR, viscosity=nu)
        assert lazy.dissipation.chunks is not None
        xr.testing.assert_identical(lazy.compute(), whole)
    number = fg.sample(ds.chunk(y=3), points, PAIR, viscosity=0.3)
    assert number.dissipation.chunks is not None
    xr.testing.assert_identical(number.compute(), fg.sample(ds, points, PAIR, viscosity=0.3))


def test_a_graph_has_one_name_for_one_thing() -> None:
    ds = flow().chunk(x=6)
    points = cloud(4)
    a, b = (fg.sample(ds, points, FLOW).value.data.name for _ in "ab")
    assert a == b
    moved = {**points, "x": points["x"] * 0.5}
    assert fg.sample(ds, moved, FLOW).value.data.name != a
    with dask.config.set(scheduler="synchronous"):
        assert fg.sample(ds, points, FLOW).value.compute().notnull().all()
