# SPDX-License-Identifier: BSD-3-Clause
"""Tests of dask, xarray and pint of their own gradients, run against fieldgrad from the installed packages.

Those of NumPy are in test_numpy_gradient.py. A test is called as its authors wrote it; what it calls is replaced by an
adapter, which says here what it changes, and each case that cannot apply is skipped with the reason.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from test_numpy_gradient import LenientMarks

import fieldgrad as fg
from fieldgrad.infer import infer_axis

EDGES = (
    "edge_order=1 of a lazy field: labelled operators have edges of the order of accuracy inside, and only "
    "fieldgrad.array.gradient, which takes ndarrays, has edges of first order"
)
#: Every test of theirs that has to do with gradients: the test here that runs it, or the reason why none does.
THEIRS = {
    "numpy/lib/tests/test_function_base.py::TestGradient": "test_numpy_gradient.py",
    "dask/array/tests/test_routines.py::test_gradient": "test_dask",
    "xarray/tests/test_dataset.py::test_differentiate": "test_xarray",
    "xarray/tests/test_dataset.py::test_differentiate_datetime": "test_xarrays_times",
    "xarray/tests/test_dataset.py::test_differentiate_cftime": "test_xarrays_times",
    "pint/testsuite/test_numpy.py::test_gradient": "test_pint",
    "xarray/tests/test_units.py::test_differentiate_integrate": (
        "it differentiates along a coordinate that is not that of a dimension, and shares its cases with integrals; "
        "fieldgrad differentiates along dimensions"
    ),
    "xarray/tests/test_duck_array_wrapping.py::test_differentiate": (
        "it asks for the class of the result alone, of arrays of CuPy, JAX and sparse too, which operators on labelled "
        "data do not take; importing it changes the precision of JAX for all tests that follow"
    ),
    "xarray/tests/test_duck_array_ops.py::test_dask_gradient": "it calls a function of xarray that users do not see",
}


@pytest.mark.parametrize("package", ["numpy", "dask", "xarray", "pint"])
def test_no_test_of_theirs_is_forgotten(package: str) -> None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed")
    root = Path(spec.origin).parent
    pattern = re.compile(r"(?:def|class) ((?:test_|Test)\w*(?:[gG]radient|differentiate)\w*)")
    found = {
        f"{path.relative_to(root.parent).as_posix()}::{name}"
        for path in root.rglob("test_*.py")
        for name in pattern.findall(path.read_text(encoding="utf-8"))
    }
    if not found:
        pytest.skip(f"{package} is installed without its tests")
    assert found == {name for name in THEIRS if name.startswith(f"{package}/")}


def module_of(name: str) -> ModuleType:
    """A module of tests of an installed package."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # their marks, and what their versions warn of, are not ours
        warnings.simplefilter("ignore")
        patch.setattr(pytest, "mark", LenientMarks(pytest.mark))
        try:
            return importlib.import_module(name)
        except ImportError as error:
            pytest.skip(f"{name.partition('.')[0]} is installed without its tests: {error}")


def parametrized(function: Any) -> list[dict[str, Any]]:
    """The cases of a test, as its decorators say."""
    tables = []
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args
            names = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
            tables.append([dict(zip(names, one if len(names) > 1 else [one], strict=True)) for one in values])
    return [{key: value for part in parts for key, value in part.items()} for parts in itertools.product(*tables)]


def lazy_gradient(array: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``dask.array.gradient`` by labelled derivatives, one for each axis; the edges are of second order."""
    assert edge_order == 2
    axes = list(range(array.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    given = list(varargs) or [1.0]
    given = given * len(axes) if len(given) == 1 else given
    dims = [f"axis_{number}" for number in range(array.ndim)]
    results = []
    for one, step in zip(axes, given, strict=True):
        number = one % array.ndim
        nodes = step * np.arange(array.shape[number]) if np.ndim(step) == 0 else step
        field = xr.DataArray(array, dims=dims, coords={dims[number]: nodes})
        results.append(fg.derivative(field, dims[number]).data)
    return results[0] if isinstance(axis, int) else results


@pytest.mark.slow
def test_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = module_of("dask.array.tests.test_routines")
    calls = []

    def gradient(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        return lazy_gradient(*args, **kwargs)

    monkeypatch.setattr(theirs.da, "gradient", gradient)
    cases = parametrized(theirs.test_gradient)
    left_out = [case for case in cases if case["edge_order"] == 1]
    for case in cases:
        if case["edge_order"] == 2:
            theirs.test_gradient(**case)
    assert len(calls) == len(cases) - len(left_out) >= 11
    assert len(left_out) == len(calls), EDGES


def differentiated(f: xr.DataArray, coord: str, edge_order: int = 1, datetime_unit: str | None = None) -> xr.DataArray:
    """``DataArray.differentiate`` in fieldgrad.

    A dimension without coordinate counts its points. Times are in seconds here, and in nanoseconds or in the unit given
    there. Edges of first order are those of the operator on ndarrays.
    """
    if coord not in f.dims:
        raise ValueError(f"{coord} is no dimension")
    if coord not in f.coords:
        f = f.assign_coords({coord: np.arange(f.sizes[coord])})
        return differentiated(f, coord, edge_order, datetime_unit).drop_vars(coord)
    result = fg.derivative(f, coord)
    if edge_order == 1:
        nodes = infer_axis(f, coord).nodes
        result = result.copy(data=fg.array.gradient(f.values, nodes, axis=f.get_axis_num(coord)))
    return result * {None: 1.0, "h": 3600.0, "D": 86400.0}[datetime_unit]


@pytest.fixture(name="adapted")
def _adapted(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, list[str]]]:
    theirs = module_of("xarray.tests.test_dataset")
    original = xr.Dataset.differentiate
    calls: list[str] = []

    def of_array(f: xr.DataArray, coord: str, *args: Any, **kwargs: Any) -> Any:
        if f.dtype.kind in "mMO":
            # fields of times: fieldgrad differentiates numbers, and says so
            with pytest.raises(TypeError, match="cannot be differentiated"):
                fg.derivative(f, coord)
            return original(f.to_dataset(name="times"), coord, *args, **kwargs)["times"]
        calls.append(coord)
        return differentiated(f, coord, *args, **kwargs)

    def of_dataset(ds: xr.Dataset, coord: str, *args: Any, **kwargs: Any) -> Any:
        return ds.map(lambda f: of_array(f, coord, *args, **kwargs))

    def assert_equal(a: Any, b: Any) -> None:
        # they compare bits with numpy.gradient, whose sums have another order
        xr.testing.assert_allclose(a, b, rtol=1e-12)

    monkeypatch.setattr(xr.DataArray, "differentiate", of_array)
    monkeypatch.setattr(xr.Dataset, "differentiate", of_dataset)
    monkeypatch.setattr(theirs, "assert_equal", assert_equal)
    yield theirs, calls
    assert calls, "the test did not call the function that it was given"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lazy", [False, True])
def test_xarray(lazy: bool, adapted: tuple[ModuleType, list[str]]) -> None:
    theirs, _ = adapted
    for edge_order in (1, 2):
        if lazy and edge_order == 1:
            continue  # EDGES
        theirs.test_differentiate(lazy, edge_order)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("which", ["test_differentiate_datetime", "test_differentiate_cftime"])
@pytest.mark.parametrize("lazy", [False, True])
def test_xarrays_times(lazy: bool, which: str, request: pytest.FixtureRequest) -> None:
    if lazy:
        pytest.skip(EDGES)
    theirs, _ = request.getfixturevalue("adapted")
    getattr(theirs, which)(False)


def test_pint(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pint")
    theirs = module_of("pint.testsuite.test_numpy")
    calls = []

    def gradient(f: Any, *distances: Any) -> Any:
        """Values and units apart: operators on arrays know of no units."""
        calls.append(f)
        unit = (f[:1] - f[:1]).units  # of differences, which of degrees Celsius is another
        found = fg.array.gradient(f.magnitude, *(one.magnitude for one in distances))
        return [one * unit / distances[0].units for one in found]

    monkeypatch.setattr(np, "gradient", gradient)
    case = theirs.TestNumpyMathematicalFunctions()
    case.setup_class()
    case.test_gradient()
    assert len(calls) == 2
    monkeypatch.undo()
    # on labelled data quantities stay quantities
    coords = {"x": ("x", [0.0, 1.0, 2.0], {"units": "s"})}
    found = fg.derivative(xr.DataArray([1.0, 2.0, 4.0] * case.ureg.m, dims="x", coords=coords), "x")
    assert found.data.units == case.ureg.m / case.ureg.s
