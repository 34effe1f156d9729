# SPDX-License-Identifier: BSD-3-Clause
"""Axes whose weights are computed piece by piece: the bits are those of a table that is made at once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import array, grid
from fieldgrad.kernels import launch, threads
from fieldgrad.long_axes import LONG, EvenStencil, LongStencil
from fieldgrad.stencils import Stencil, derivative_stencil


def nodes(n: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.1, 2.0, n))


def values(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[LongStencil]:
    """Axes of 50 nodes count as long, their pieces have 7 rows or 100 values; the tables that are made."""
    made: list[LongStencil] = []

    class Noted(LongStencil):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(grid, "LONG", 50)
    monkeypatch.setattr(array, "LONG", 50)
    monkeypatch.setattr(launch, "ROW", 16)
    monkeypatch.setattr(grid, "LongStencil", Noted)
    monkeypatch.setattr(launch, "PIECE", 100)
    monkeypatch.setattr(launch, "LEAST_ROWS", 7)
    return made


def same_table(found: Stencil, expected: Stencil) -> None:
    assert (found.rows, found.nodes, found.first) == (expected.rows, expected.nodes, expected.first)
    np.testing.assert_array_equal(found.matrix(), expected.matrix())


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("edge_accuracy", [None, 1, 2])
def test_parts_are_those_of_the_whole_table(accuracy: int, direction: int, edge_accuracy: int | None) -> None:
    x = nodes(90)[::direction].copy()
    rng = np.random.default_rng(accuracy)
    for period in (None, abs(x[-1] - x[0]) + 0.7) if edge_accuracy is None else (None,):
        whole = derivative_stencil(x, 1, accuracy, period=period, edge_accuracy=edge_accuracy)
        table = LongStencil(x, accuracy, period, edge_accuracy)
        assert (table.rows, table.half_width, table.neighbours) == (whole.rows, whole.half_width, whole.neighbours)
        assert (table.periodic, table.bounded, table.linear) == (whole.periodic, whole.bounded, table)
        np.testing.assert_array_equal(table.lower, whole.lower)
        np.testing.assert_array_equal(table.upper, whole.upper)
        for _ in range(50):
            start = int(rng.integers(0, 90))
            stop, reach = int(rng.integers(start + 1, 91)), int(rng.integers(0, 12))
            found, expected = table.slice(start, stop, reach), whole.slice(start, stop, reach)
            assert found[1:] == expected[1:]
            same_table(found[0], expected[0])
        assert "band" not in vars(table)
        same_table(pickle.loads(pickle.dumps(table)), whole)
        np.testing.assert_array_equal(table.transpose().matrix(), whole.matrix().T)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
@pytest.mark.parametrize("edge_accuracy", [None, 1, 2])
@pytest.mark.parametrize("step", [0.25, -2.0])
def test_one_spacing_has_the_same_weights_everywhere(accuracy: int, edge_accuracy: int | None, step: float) -> None:
    whole = derivative_stencil(np.arange(90.0) * step, 1, accuracy, edge_accuracy=edge_accuracy)
    table = EvenStencil(90, step, accuracy, edge_accuracy)
    for start, stop in ((0, 90), (0, 1), (0, 40), (30, 50), (40, 90), (89, 90)):
        found, expected = table.slice(start, stop, 3), whole.slice(start, stop, 3)
        assert found[1:] == expected[1:]
        same_table(found[0], expected[0])
    same_table(pickle.loads(pickle.dumps(table)), whole)
    assert table.contents == (90, step, accuracy, edge_accuracy)


@pytest.mark.parametrize("accuracy", [2, 8])
@pytest.mark.parametrize("n", [64, 90, 95])
def test_operators_on_long_axes_of_one_spacing(
    n: int, accuracy: int, pieces: list[LongStencil], monkeypatch: pytest.MonkeyPatch
) -> None:
    f, u = values(n), values(n, 12)
    wide = values(2 * n)[::2]

    def all_of_them() -> list[np.ndarray]:
        own = [np.full(n, np.nan), np.full(2 * n, np.nan)[::2]]
        for out in own:
            fg.array.derivative(f, 0.5, accuracy=accuracy, out=out)
        return [
            *own,
            fg.array.gradient(f, 0.5),
            fg.array.gradient(f, 0.5, edge_order=2),
            fg.array.gradient(f, -0.5, accuracy=accuracy),
            fg.array.gradient(f.astype(np.float32), 0.5, accuracy=accuracy),
            fg.array.gradient(f + 2j * f[::-1], 0.5, accuracy=accuracy),
            fg.array.gradient(wide, 0.5, accuracy=accuracy),
            fg.array.gradient(f[::-1], 0.5, accuracy=accuracy),
            fg.array.gradient(f, 0.5, accuracy=accuracy, period=100.0),
            *fg.array.gradient(u, 0.5, 0.25, accuracy=accuracy),
            fg.array.derivative(u.T, 0.5, accuracy=accuracy),
            fg.array.derivative(f, 0.5, order=2, accuracy=accuracy),
        ]

    found = all_of_them()
    assert len(pieces) == 1  # the periodic one
    monkeypatch.setattr(grid, "LONG", 1000)
    monkeypatch.setattr(array, "LONG", 1000)
    for one, expected in zip(found, all_of_them(), strict=True):
        np.testing.assert_array_equal(one, expected)


def test_a_spacing_is_not_rounded_by_the_position() -> None:
    f = values(LONG)
    found = fg.array.gradient(f, 0.1, edge_order=2)
    np.testing.assert_allclose(found, np.gradient(f, 0.1, edge_order=2), rtol=1e-14, atol=1e-13)


def test_spacings_of_long_axes_that_cannot_be() -> None:
    for step in (0.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"coordinates: the spacing of axis 0 is {step}; it must be"):
            fg.array.gradient(values(LONG), step)
    with pytest.raises(ValueError, match="accuracy: got 3; it must be 2, 4, 6 or 8"):
        fg.array.gradient(values(LONG), 1.0, accuracy=3)


def test_rows_that_are_not_there_are_refused() -> None:
    for rows in ((-1, 3), (4, 4), (3, 91)):
        with pytest.raises(ValueError, match=f"start, stop: {rows[0]} and {rows[1]} are not a range of the 90 rows"):
            LongStencil(nodes(90)).slice(*rows)


def test_spacings_that_vanish_beside_the_others() -> None:
    x = np.arange(-40.0, 50.0)
    x[41] = np.nextafter(0.0, 1.0)
    with pytest.raises(ArithmeticError, match=r"x: the spacings are too uneven .* use a smaller accuracy"):
        LongStencil(x, 4).slice(30, 50)


def test_short_axes_and_higher_orders_have_a_table_at_once() -> None:
    assert type(grid.table(np.arange(float(LONG)), 1, 2)) is LongStencil
    assert type(grid.table(np.arange(float(LONG)), 2, 2)) is Stencil
    assert type(grid.table(np.arange(LONG - 1.0), 1, 2)) is Stencil


@pytest.mark.parametrize("period", [None, 200.0])
@pytest.mark.parametrize("accuracy", [2, 6])
def test_operators_on_long_axes(
    accuracy: int, period: float | None, pieces: list[LongStencil], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = nodes(90), nodes(20, 2)
    u, v, f = values(90, 20), values(90, 20, seed=2), values(90)

    def all_of_them() -> list[np.ndarray]:
        return [
            fg.array.derivative(f, x, accuracy=accuracy, period=period),
            fg.array.derivative(u.T, x, accuracy=accuracy, period=period),
            *fg.array.gradient(u, x, y, accuracy=accuracy, period=[period, None]),
            # a field, a number, and a field that is constant along the long axis, beside the velocity
            *(
                fg.array.derive([u, v], "dissipation", x, y, viscosity=nu, accuracy=accuracy, period=[period, None])[
                    "dissipation"
                ]
                for nu in (np.abs(v), 0.5, np.abs(v[:1]))
            ),
        ]

    found = all_of_them()
    assert len(pieces) > 4
    assert not any("band" in vars(table) for table in pieces)
    monkeypatch.setattr(grid, "LONG", 1000)
    for one, expected in zip(found, all_of_them(), strict=True):
        np.testing.assert_array_equal(one, expected)


@pytest.mark.usefixtures("pieces")
def test_labelled_calls_chunks_and_missing_values(monkeypatch: pytest.MonkeyPatch) -> None:
    ds = xr.Dataset({"f": (("t", "y"), values(90, 6))}, {"t": nodes(90), "y": np.arange(6.0)})
    holed = ds.f.where(np.arange(90)[:, np.newaxis] % 30 != 7)
    axes = {"x": "t", "y": "y"}

    def all_of_them() -> list[xr.DataArray]:
        chosen = fg.infer_grid(ds, axes=axes)
        filled = fg.infer_grid(ds, axes=axes, missing="shrink")
        return [
            fg.derivative(ds.f, "t", grid=chosen),
            fg.derivative(ds.f.chunk(t=25), "t", grid=chosen).compute(),
            fg.derivative(holed, "t", grid=filled),
        ]

    found = all_of_them()
    monkeypatch.setattr(grid, "LONG", 1000)
    for one, expected in zip(found, all_of_them(), strict=True):
        xr.testing.assert_identical(one, expected)


@pytest.mark.usefixtures("pieces")
def test_pieces_are_shared_by_threads_and_not_shared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    x, f = nodes(900), values(900, 10)
    alone = fg.array.derivative(f, x, axis=0)
    monkeypatch.setattr(threads, "SERIAL_BELOW", 1)
    counts = []
    in_turn = threads._in_turn
    monkeypatch.setattr(
        threads, "_in_turn", lambda run, pieces, count: counts.append(count) or in_turn(run, pieces, count)
    )
    np.testing.assert_array_equal(fg.array.derivative(f, x, axis=0), alone)
    assert counts.pop(0) == threads.workers(1)
    assert set(counts) == {1}
