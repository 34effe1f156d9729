# SPDX-License-Identifier: BSD-3-Clause
"""``.fieldgrad`` on xarray objects gives what the functions give."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad.accessor import DataArrayAccessor, DatasetAccessor

FLOW = fg.flows.taylor_green_2d(np.linspace(0.0, 2.0, 12) ** 2, np.linspace(0.0, 1.0, 11)).dataset
STACKED = xr.concat([FLOW.u, FLOW.v], dim=xr.Variable("component", ["x", "y"]))
GRID = fg.infer_grid(FLOW, periodic={"x": 6.0})


def same(a: Any, b: Any) -> None:
    if isinstance(a, tuple):
        for one, other in zip(a, b, strict=True):
            xr.testing.assert_identical(one, other)
    else:
        xr.testing.assert_identical(a, b)


CALLS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "velocity_gradient": (
        lambda obj, grid: obj.fieldgrad.velocity_gradient(grid=grid),
        lambda obj, grid: fg.velocity_gradient(obj, grid=grid),
    ),
    "decompose": (
        lambda obj, grid: obj.fieldgrad.decompose(grid=grid),
        lambda obj, grid: fg.decompose(obj, grid=grid),
    ),
    "divergence": (
        lambda obj, grid: obj.fieldgrad.divergence(grid=grid),
        lambda obj, grid: fg.divergence(obj, grid=grid),
    ),
    "curl": (lambda obj, grid: obj.fieldgrad.curl(grid=grid), lambda obj, grid: fg.curl(obj, grid=grid)),
    "derive": (
        lambda obj, grid: obj.fieldgrad.derive("dissipation", grid=grid, viscosity=0.5),
        lambda obj, grid: fg.derive(obj, "dissipation", grid=grid, viscosity=0.5),
    ),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("obj", [FLOW, STACKED], ids=["Dataset", "DataArray"])
@pytest.mark.parametrize("grid", [None, GRID], ids=["inferred", "given"])
def test_operators_of_a_velocity(name: str, obj: Any, grid: fg.Grid | None) -> None:
    method, function = CALLS[name]
    same(method(obj, grid), function(obj, grid))


def test_components_are_handed_on() -> None:
    other = FLOW.rename(u="a", v="b")
    same(other.fieldgrad.curl(components=("a", "b")), fg.curl(other, components=("a", "b")))
    same(other.fieldgrad.divergence(components=("a", "b")), fg.divergence(FLOW))
    with pytest.raises(ValueError, match="components: found none among the variables 'a', 'b'"):
        other.fieldgrad.divergence()


@pytest.mark.parametrize("grid", [None, GRID], ids=["inferred", "given"])
def test_operators_of_a_scalar(grid: fg.Grid | None) -> None:
    p = FLOW.p
    same(p.fieldgrad.derivative("x", 2, grid=grid), fg.derivative(p, "x", 2, grid=grid))
    same(p.fieldgrad.derivative({"x": 1, "y": 1}, grid=grid), fg.derivative(p, {"x": 1, "y": 1}, grid=grid))
    same(p.fieldgrad.gradient(grid=grid), fg.gradient(p, grid=grid))
    same(p.fieldgrad.laplacian(grid=grid), fg.laplacian(p, grid=grid))
    same(p.fieldgrad.hessian(grid=grid), fg.hessian(p, grid=grid))
    same(p.fieldgrad.advection(FLOW, grid=grid), fg.advection(p, FLOW, grid=grid))
    same(FLOW.fieldgrad.advection(FLOW, grid=grid), fg.advection(FLOW, FLOW, grid=grid))
    along = p.fieldgrad.directional_derivative(FLOW, grid=grid)
    same(along, fg.directional_derivative(p, FLOW, grid=grid))
    same(p.fieldgrad.scalar_dissipation(2.0, grid=grid), fg.scalar_dissipation(p, 2.0, grid=grid))
    same(p.fieldgrad.order_map(order=2, grid=grid), fg.order_map(p, order=2, grid=grid))
    same(p.fieldgrad.mean("x", grid=grid), fg.mean(p, "x", grid=grid))
    same(FLOW.fieldgrad.mean(grid=grid), fg.mean(FLOW, grid=grid))


def test_operators_that_need_time_or_space() -> None:
    moving = xr.concat([FLOW, 2 * FLOW, FLOW], dim=xr.Variable("time", [0.0, 1.0, 3.0], {"units": "s"}))
    same(moving.p.fieldgrad.material_derivative(moving), fg.material_derivative(moving.p, moving))
    same(moving.fieldgrad.material_derivative(moving, time="time"), fg.material_derivative(moving, moving))
    x = np.linspace(0.0, 1.0, 4)
    space = fg.flows.abc(x, x, x).dataset
    same(space.fieldgrad.helicity(), fg.helicity(space))
    same(space.fieldgrad.relative_helicity(), fg.relative_helicity(space))
    model = fg.PowerLaw(2.0, 0.5)
    same(space.fieldgrad.generalised_newtonian_stress(model), fg.generalised_newtonian_stress(space, model))


def test_staggered_velocities_are_collocated() -> None:
    staggered = FLOW[["u", "v"]].rename(x="x_f").assign(v=FLOW.v.rename(y="y_f"))
    staggered = staggered.assign_coords(x_f=staggered.x_f - 0.005, y_f=FLOW.y.values - 0.005)
    same(staggered.fieldgrad.collocate(), fg.collocate(staggered))


def test_points_are_handed_on() -> None:
    where = {"x": 1.5, "y": xr.DataArray([0.2, 3.0], dims="p")}
    same(FLOW.fieldgrad.sample(where, "vorticity"), fg.sample(FLOW, where, "vorticity"))
    with pytest.raises(ValueError, match="outside: the field is known from 0 to 1"):
        FLOW.p.fieldgrad.sample(where, "value", outside="raise")


def test_tensor_is_decomposed() -> None:
    L = fg.velocity_gradient(FLOW)
    same(L.fieldgrad.decompose(), fg.decompose(L))


def test_grid_is_inferred_with_options() -> None:
    grid = FLOW.fieldgrad.infer_grid(periodic={"x": 6.0}, accuracy=4)
    assert [(axis.dim, axis.period, axis.accuracy) for axis in grid.axes] == [("x", 6.0, 4), ("y", None, 4)]
    assert STACKED.fieldgrad.infer_grid().names == ("x", "y")


@pytest.mark.parametrize("accessor", [DatasetAccessor, DataArrayAccessor])
def test_signatures_and_documentation_follow_the_functions(accessor: type) -> None:
    methods = {name: item for name, item in inspect.getmembers(accessor, inspect.isfunction) if name[0] != "_"}
    assert len(methods) >= 7
    for name, method in methods.items():
        function = getattr(fg, name)
        assert f":func:`fieldgrad.{name}`" in (inspect.getdoc(method) or "")
        if name == "infer_grid":
            continue
        ours = list(inspect.signature(method).parameters.values())[1:]
        theirs = list(inspect.signature(function).parameters.values())[1:]
        assert [(one.name, one.kind, one.default) for one in ours] == [
            (one.name, one.kind, one.default) for one in theirs
        ]
    assert inspect.getdoc(accessor)


def test_a_dataset_has_no_operators_of_scalars() -> None:
    for name in ("gradient", "laplacian", "hessian", "derivative", "directional_derivative"):
        with pytest.raises(AttributeError, match=name):
            getattr(FLOW.fieldgrad, name)
