# SPDX-License-Identifier: BSD-3-Clause
"""Blocks that begin before their neighbours are there: the same bits, and less memory while they wait."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chunked import CHUNKINGS, OF_ONE_NODE, OPERATORS, SIZES, SPACE, check, eager, read, sizes_of

import fieldgrad as fg
from fieldgrad import blocks, chunked

dask = pytest.importorskip("dask")


@pytest.fixture
def early() -> Iterator[None]:
    """Blocks begin early although that gains nothing in fields as small as these."""
    with patch.object(chunked._Graph, "_gains", lambda self, fields: True):
        yield


def begun(built: Any) -> list[Any]:
    """Keys of the tasks that begin a block."""
    return [key for key in dict(built.__dask_graph__()) if isinstance(key, tuple) and key[0].endswith("-begun")]


@pytest.mark.usefixtures("early")
@pytest.mark.parametrize("chunks", [*CHUNKINGS, {"z": (3, 5), "y": (3, 4), "x": (4, 5)}, OF_ONE_NODE], ids=str)
@pytest.mark.parametrize("name", ["velocity gradient", "lambda2", "laplacian"])
def test_the_bits_of_the_whole(name: str, chunks: dict[str, Any]) -> None:
    built = check(OPERATORS[name], SPACE.chunk(chunks), eager(name))
    assert begun(built)


@pytest.mark.usefixtures("early")
def test_other_dimensions_and_components_together() -> None:
    names = ["lambda2", "vorticity"]
    whole = fg.derive(SPACE, names)
    series = xr.concat([SPACE, 2 * SPACE, SPACE], "time").chunk({"time": 2, "z": 5, "y": 4, "x": 5})
    found = fg.derive(series, names).isel(time=2).compute(scheduler="sync")
    for name in names:
        np.testing.assert_array_equal(found[name], whole[name])


@pytest.mark.parametrize("periodic", [{}, {"x": 12.0, "z": 12.0}], ids=["edges", "periodic"])
@settings(max_examples=20)
@given(sizes=st.tuples(*(sizes_of(SIZES[dim]) for dim in SPACE.p.dims)))
def test_wide_stencils(periodic: dict[str, float], sizes: tuple[tuple[int, ...], ...]) -> None:
    grid = fg.infer_grid(SPACE, accuracy=4, periodic=periodic)
    lazy = SPACE.chunk(dict(zip(SPACE.p.dims, sizes, strict=True)))
    with patch.object(chunked._Graph, "_gains", lambda self, fields: True):
        check(lambda ds: fg.velocity_gradient(ds, grid=grid), lazy, fg.velocity_gradient(SPACE, grid=grid))


def test_parts_of_a_chunk_are_its_rows_and_reach_no_farther() -> None:
    grid = fg.infer_grid(SPACE, accuracy=4, periodic={"x": 12.0})
    for dim in ("x", "y"):
        stencil = grid.axis(dim).stencil()
        matrix = stencil.matrix()
        for sizes in ((SIZES[dim],), (5, SIZES[dim] - 5), (2, SIZES[dim] - 2), (1,) * SIZES[dim]):
            tables = blocks.cut(stencil, None, sizes)
            for table, start in zip(tables, np.cumsum(sizes) - sizes, strict=True):
                if table.parts is None:
                    continue
                parts = [part for part in table.parts if part is not None]
                assert [row for part in parts for row in range(part.rows.start, part.rows.stop)] == [
                    *range(table.stencil.rows)
                ]
                middle = table.parts[1]
                own = slice(start + middle.rows.start, start + middle.rows.stop)
                within = slice(start + middle.nodes.start, start + middle.nodes.stop)
                np.testing.assert_array_equal(middle.stencil.matrix(), matrix[own, within])
                assert np.count_nonzero(matrix[own]) == np.count_nonzero(matrix[own, within])


def test_a_block_that_waits_keeps_less_than_its_fields() -> None:
    nodes = np.linspace(0.0, 1.0, 60)
    rng = np.random.default_rng(2)
    fields = {name: (("z", "y", "x"), rng.standard_normal((60, 20, 20))) for name in "uvw"}
    flow = xr.Dataset(fields, {"z": nodes, "y": nodes[:20], "x": nodes[:20]})
    lazy = read(flow, {"z": 20})
    built = fg.derive(lazy, "lambda2").lambda2
    held = dask.get(dict(built.__dask_graph__()), begun(built))
    assert len(held) == 3
    for one in held:
        arrays = [*one.results, *(face for both in one.faces.values() for face in both)]
        assert all(array.base is None or array.base.nbytes == array.nbytes for array in arrays)
        assert sum(array.nbytes for array in arrays) <= sys.getsizeof(one) < 0.65 * 3 * 8 * 20**3
    xr.testing.assert_identical(built.compute(scheduler="sync"), fg.derive(flow, "lambda2").lambda2)
    # nine results of three fields are more than the fields, and fields that are in memory stay there
    assert not begun(fg.velocity_gradient(lazy))
    for there in (flow.chunk({"z": 20}), lazy.persist(scheduler="sync")):
        assert not begun(fg.derive(there, "lambda2").lambda2)


def test_what_varies_holds_and_bends_waits_with_its_fields() -> None:
    nodes = np.linspace(0.0, 1.0, 60)
    flow = xr.Dataset({name: (("y", "x"), np.ones((60, 60))) for name in "uv"}, {"y": nodes, "x": nodes})
    lazy = read(flow, 30)
    assert begun(fg.derive(lazy, "dissipation", viscosity=2.0))
    assert not begun(fg.derive(lazy, "dissipation", viscosity=xr.DataArray(1 + nodes, {"x": nodes}, ["x"])))
    assert not begun(fg.derive(lazy, "divergence", grid=fg.infer_grid(flow, missing="adapt")))
