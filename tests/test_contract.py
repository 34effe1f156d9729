# SPDX-License-Identifier: BSD-3-Clause
"""What every public operator takes: dtypes, memory layouts, coordinates and values, crossed with the operators.

Kernels are counted instead of compiled, so that the whole of the tables costs seconds; what the operators hand to them
and what they return is looked at. The slow tests run the same tables through real kernels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from contract_operators import ON_ARRAYS, ON_LABELS, OTHERS, X, counted_kernels, dataset, results

import fieldgrad as fg

RNG = np.random.default_rng(3)
PLANE = RNG.integers(0, 100, (2, 4, 6))
SPACE = RNG.integers(0, 100, (3, 4, 4, 6))

#: The dtype of results for each dtype that is understood; float16 becomes single, whole numbers double precision.
UNDERSTOOD = {
    **dict.fromkeys(["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">i2", ">i4", ">u8", "f8", ">f8"], "f8"),
    **dict.fromkeys(["f2", ">f2", "f4", ">f4"], "f4"),
    **dict.fromkeys(["c8", ">c8"], "c8"),
    **dict.fromkeys(["c16", ">c16"], "c16"),
}
REFUSED = ["O", "U3", "S3", "M8[s]", "M8[ns]", "m8[s]", "V4"]
if np.dtype("g") != np.float64:
    REFUSED += ["g", "G"]

#: Not linear in the field or in a velocity, which must be real.
REAL = {
    *("advection", "derivative_flatness", "derivative_skewness", "directional_derivative", "helicity"),
    *("generalised_newtonian_stress", "invariant_histogram", "material_derivative", "relative_helicity"),
    *("scalar_dissipation", "taylor_microscale"),
}
#: Their kernels see the field without its mean.
OF_FLUCTUATIONS = {"derivative_flatness", "derivative_skewness", "taylor_microscale"}
#: Their velocity is a factor: numbers, not truth values.
NO_BOOL = {"advection", "directional_derivative", "material_derivative"}


def test_every_public_operator_is_crossed() -> None:
    """A new operator must be entered in the tables."""
    assert set(ON_ARRAYS) == set(fg.array.__all__)
    public = {name for name in fg.__all__ if callable(getattr(fg, name)) and not isinstance(getattr(fg, name), type)}
    assert set(ON_LABELS) | OTHERS == public
    assert not set(ON_LABELS) & OTHERS


def converted(values: Any, dtype: str) -> np.ndarray:
    return np.zeros(values.shape, dtype) if dtype[0] == "V" else values.astype(dtype)


@pytest.mark.parametrize("dtype", UNDERSTOOD)
def test_dtypes_that_are_understood(dtype: str) -> None:
    wanted = np.dtype(UNDERSTOOD[dtype])
    plane = converted(PLANE, dtype)
    for name, operator in ON_ARRAYS.items():
        with counted_kernels() as counted:
            found = results(operator(*plane, X))
        # the one operator that gives float16 back: numpy.gradient does
        expected = np.float16 if name == "gradient" and dtype[-2:] == "f2" else wanted
        assert {one.dtype for one in found} == {np.dtype(expected)}, name
        counted.check_fields([plane[0], plane[1]], wanted, name)
    ds = dataset(converted(SPACE, dtype), X)
    for name, operator in ON_LABELS.items():
        with counted_kernels() as counted:
            if (wanted.kind == "c" and name in REAL) or (dtype == "?" and name in NO_BOOL):
                with pytest.raises(TypeError, match=r"real|complex"):
                    operator(ds)
                assert not counted.fields, name
                continue
            found = results(operator(ds))
        assert {one.dtype for one in found} <= {wanted, np.dtype(f"f{wanted.itemsize}"), np.dtype("f8")}, name
        if name not in OF_FLUCTUATIONS:
            counted.check_fields([ds.u.values], wanted, name)


@pytest.mark.parametrize("dtype", REFUSED)
def test_dtypes_that_are_refused(dtype: str) -> None:
    plane = converted(PLANE, dtype)
    with counted_kernels() as counted:
        for name, operator in ON_ARRAYS.items():
            if name == "gradient" and plane.dtype.kind in "mM":
                continue  # numpy.gradient's, as the next test but one shows
            with pytest.raises(TypeError, match=r"^\w[\w\[\]]*: has dtype .*cannot be differentiated"):
                operator(*plane, X)
        ds = dataset(converted(SPACE, dtype), X)
        for operator in ON_LABELS.values():
            with pytest.raises(
                TypeError, match=r"which (cannot be differentiated|has no mean)|must hold real numbers|is complex"
            ):
                operator(ds)
    assert not counted.fields


def test_masked_values_become_nan() -> None:
    masked = np.ma.masked_array(PLANE, PLANE % 7 == 0)
    for name, operator in ON_ARRAYS.items():
        if name == "gradient":
            continue
        with counted_kernels() as counted:
            found = results(operator(*masked, X))
        assert not any(isinstance(one, np.ma.MaskedArray) for one in found)
        counted.check_fields(list(masked.astype(float).filled(np.nan)), np.dtype(float), name)
        if name == "decompose":  # which needs no kernel
            D = found[0]
            np.testing.assert_array_equal(np.isnan(D[0, 1]), masked.mask[0] | masked.mask[1])


def test_numpys_gradient_gets_masked_values_and_times() -> None:
    masked = np.ma.masked_array(PLANE[0].astype(float), PLANE[0] % 7 == 0)
    times = np.array([3, 5, 4], "M8[s]")
    for mine, theirs in (
        (fg.array.gradient(masked, 1.0, 2.0), np.gradient(masked, 1.0, 2.0)),
        ([fg.array.gradient(times)], [np.gradient(times)]),
    ):
        for one, other in zip(mine, theirs, strict=True):
            assert type(one) is type(other)
            np.testing.assert_array_equal(one, other)


# ---------------------------------------------------------------------------------------------------------
# memory


def _fortran(array: np.ndarray) -> np.ndarray:
    return np.asfortranarray(array)


def _strided(array: np.ndarray) -> np.ndarray:
    wide = np.zeros(tuple(2 * n for n in array.shape), array.dtype)
    part = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    part[...] = array
    return part


def _reversed(array: np.ndarray) -> np.ndarray:
    every = tuple(slice(None, None, -1) for _ in array.shape)
    return array[every].copy()[every]


def _read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _unaligned(array: np.ndarray) -> np.ndarray:
    record = np.zeros(array.shape, [("gap", "u1"), ("value", array.dtype)])
    record["value"] = array
    return record["value"]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": np.ascontiguousarray,
    "Fortran": _fortran,
    "strided": _strided,
    "negative strides": _reversed,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "broadcast": lambda array: np.broadcast_to(array[:1], array.shape),
    "broadcast along x": lambda array: np.broadcast_to(array[..., :1], array.shape),
    "one number": lambda array: np.broadcast_to(array.ravel()[0], array.shape),
    "turned": lambda array: np.ascontiguousarray(np.moveaxis(array, -1, 0)).transpose([*range(1, array.ndim), 0]),
}


@pytest.fixture(name="layouts")
def _layouts(tmp_path: Path) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    numbers = itertools.count()

    def mapped(array: np.ndarray) -> np.ndarray:
        memory = np.memmap(tmp_path / str(next(numbers)), array.dtype, "w+", shape=array.shape)
        memory[...] = array
        return memory

    return LAYOUTS | {"memmap": mapped}


def test_layouts(layouts: dict[str, Callable[[np.ndarray], np.ndarray]]) -> None:
    plane, space = PLANE.astype(float), SPACE.astype(float)
    for lay in layouts.values():
        for name, operator in ON_ARRAYS.items():
            fields = [lay(one) for one in plane]
            before = [one.copy() for one in fields]
            with counted_kernels() as counted:
                found = results(operator(*fields, X))
            assert all(type(one) is np.ndarray for one in found)
            counted.check_fields(before, np.dtype(float), name)
            for one, old in zip(fields, before, strict=True):
                np.testing.assert_array_equal(one, old)
                assert not any(np.shares_memory(one, result) for result in found)
        ds = dataset(lay(space), X)
        for name, operator in ON_LABELS.items():
            with counted_kernels() as counted:
                operator(ds)
            if name not in OF_FLUCTUATIONS:
                counted.check_fields([ds.u.values], np.dtype(float), name)


@pytest.mark.parametrize("shape", [(0, 6), (4, 0), (0, 0)])
def test_fields_of_no_points(shape: tuple[int, int]) -> None:
    """An axis without points is refused by name, as one with too few is; an empty dimension beside gives nothing."""
    fields = np.zeros((2, *shape))
    x = X[: shape[1]]
    with counted_kernels() as counted:
        for name, operator in ON_ARRAYS.items():
            if name == "decompose":
                assert [one.shape for one in operator(*fields, x)] == [(2, 2, *shape)] * 2
            elif name == "derivative" and shape[1]:
                assert operator(*fields, x).shape == shape
            else:
                with pytest.raises(ValueError, match=r"has 0 points|coordinates: that of axis 0 has 4 points"):
                    operator(*fields, x)
        ds = dataset(np.zeros((3, 4, 4, 6)), X)
        empty = ds.isel(time=slice(0))
        for name, operator in ON_LABELS.items():
            if name == "material_derivative":
                with pytest.raises(ValueError, match="'time': has 0 points"):
                    operator(empty)
            elif name == "invariant_histogram":
                with pytest.raises(ValueError, match=r"nothing can be normalised|has 0 points"):
                    operator(empty)
            else:
                assert all(one.size == 0 for one in results(operator(empty)) if "time" in one.dims), name
        for name, operator in ON_LABELS.items():
            if name != "mean":
                with pytest.raises(ValueError, match=r"'x'.* 0 points|'x': has 0"):
                    operator(ds.isel(x=slice(0)))
    assert not any(one.size for fields_of_call in counted.fields for one in fields_of_call)


def test_one_point() -> None:
    """A direction of one point has no derivative: it is refused by name, or is no direction."""
    ds = dataset(SPACE.astype(float), X)
    with counted_kernels():
        for name, operator in ON_ARRAYS.items():
            if name != "decompose":
                with pytest.raises(ValueError, match=r"'axis 1': has 1 point|has 1 points along axis 1"):
                    operator(*PLANE[..., :1], X[:1])
        with pytest.raises(ValueError, match="'x': has 1 point"):
            fg.derivative(ds.T.isel(x=slice(1)), "x")
        assert list(fg.gradient(ds.T.isel(x=slice(1))).component.values) == ["y", "z"]


# ---------------------------------------------------------------------------------------------------------
# coordinates

#: Coordinates that are understood, and the positions that they are taken for.
POSITIONS: dict[str, tuple[Any, Any]] = {
    "increasing": (X, X),
    "decreasing": (X[::-1], X[::-1]),
    "float32 quantised": ((0.1 * X).astype("f4"), (0.1 * X).astype("f4").astype("f8")),
    "big-endian": (X.astype(">f8"), X),
    "extended": (X.astype("g"), X),
    "integer": (X.astype("i2"), X),
    "unsigned, decreasing": (X.astype("u1")[::-1], X[::-1]),
    "large unsigned": (np.uint64(2**63) + X.astype("u8") * np.uint64(4096), 2.0**63 + 4096 * X),
    "negative": (-1e3 - X, -1e3 - X),
}
#: Coordinates that are refused, and what the message says.
UNUSABLE: dict[str, tuple[Any, type[Exception], str]] = {
    "duplicate": ([0.0, 1, 1, 2, 3, 4], ValueError, "1.0 at index 2 repeats the one before it"),
    "duplicate in float64": (2**62 + np.arange(6), ValueError, "repeats the one before it"),
    "NaN": ([0.0, 1, np.nan, 3, 4, 5], ValueError, "nan at index 2 is not finite"),
    "infinite": ([0.0, 1, 2, 3, 4, np.inf], ValueError, "inf at index 5 is not finite"),
    "not monotonic": ([0.0, 2, 1, 3, 4, 5], ValueError, "turn at index 2"),
    "bool": ([False, True, False, True, False, True], TypeError, "dtype bool; it must hold real numbers"),
    "complex": (X + 0j, TypeError, "dtype complex128; it must hold real numbers"),
    "strings": (list("abcdef"), TypeError, "must hold real numbers or times"),
    "objects": (np.array([0, 1, 2, 3, 4, 5], object), TypeError, "numbers or times"),
}


@pytest.mark.parametrize("kind", POSITIONS)
def test_coordinates_that_are_understood(kind: str) -> None:
    given, wanted = POSITIONS[kind]
    with counted_kernels() as counted:
        for name, operator in ON_ARRAYS.items():
            counted.forget_nodes()
            operator(*PLANE.astype(float), given)
            assert name == "decompose" or counted.saw(wanted), name
        ds = dataset(SPACE.astype(float), given)
        for name, operator in ON_LABELS.items():
            counted.forget_nodes()
            operator(ds)
            assert name == "mean" or counted.saw(wanted), name


@pytest.mark.parametrize("kind", UNUSABLE)
def test_coordinates_that_are_refused(kind: str) -> None:
    values, error, message = UNUSABLE[kind]
    with counted_kernels() as counted:
        for name, operator in ON_ARRAYS.items():
            if name != "decompose":
                with pytest.raises(error, match=rf"'axis 1': .*{message}"):
                    operator(*PLANE.astype(float), np.asarray(values))
        ds = dataset(SPACE.astype(float), values)
        for operator in ON_LABELS.values():
            with pytest.raises(error, match=rf"'x': .*{message}"):
                operator(ds)
    assert not counted.fields


def test_a_multiindex_is_refused() -> None:
    pairs = pd.MultiIndex.from_product([[0, 1], [0, 1, 2]], names=("a", "b"))
    ds = dataset(SPACE.astype(float), xr.Coordinates.from_pandas_multiindex(pairs, "x"))
    for operator in ON_LABELS.values():
        with pytest.raises(ValueError, match=r"'x': its coordinate is a MultiIndex.*obj\.unstack\('x'\)"):
            operator(ds)


def test_a_coordinate_without_index_serves_as_well() -> None:
    plain = dataset(SPACE.astype(float), X)
    bare = plain.drop_indexes("x")
    bounded = plain.assign(x_bounds=(("x", "side"), np.stack([X - 0.1, X + 0.1], 1)))
    bounded.x.attrs["bounds"] = "x_bounds"
    with counted_kernels() as counted:
        for ds in (bare, bounded):
            for name, operator in ON_LABELS.items():
                counted.forget_nodes()
                found = results(operator(ds))
                assert name == "mean" or counted.saw(X), name
                for one in found:
                    if "x" in one.dims:
                        np.testing.assert_array_equal(one.x, X)


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
@pytest.mark.parametrize("kind", ["M", "m"])
def test_times_count_in_seconds(kind: str, unit: str) -> None:
    steps = np.array([0, 1, 3, 4, 7, 9])
    if kind == "m" and unit in "YM":
        pytest.skip("a duration of years or months has no fixed length, and NumPy does not convert it")
    times = steps.astype(f"{kind}8[{unit}]")
    wanted = (times - times[0]) / np.timedelta64(1, "s") if unit not in "YM" else None
    if wanted is None:
        days = times.astype("M8[D]").astype(int)
        wanted = 86400.0 * (days - days[0])
    with counted_kernels() as counted:
        for name, operator in ON_ARRAYS.items():
            if name not in ("decompose", "gradient"):  # numpy.gradient's
                counted.forget_nodes()
                operator(*PLANE.astype(float), times)
                assert counted.saw(wanted), name
        found = dataset(SPACE.astype(float), X).isel(x=0, drop=True).rename(time="run")
        series = xr.concat([found.T] * 6, "time").assign_coords(time=times)
        counted.forget_nodes()
        assert fg.derivative(series, "time").attrs["fieldgrad_definition"] == "d(T)/dtime"
        assert counted.saw(wanted)


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "julian", "standard"])
def test_dates_of_every_calendar_are_times(calendar: str) -> None:
    days = cftime.num2date([0, 1, 3, 4, 7, 9], "days since 2000-02-27", calendar)
    ds = dataset(SPACE.astype(float), days)
    with counted_kernels() as counted:
        fg.derivative(ds.T, "x")
        assert counted.saw(86400.0 * np.array([0, 1, 3, 4, 7, 9]))
        # a direction in space it is not: what needs one says so, the others have one direction less
        with pytest.raises(ValueError, match="directions y, z"):
            fg.divergence(ds[["u", "v", "w"]])
        assert list(fg.gradient(ds.T).component.values) == ["y", "z"]


# ---------------------------------------------------------------------------------------------------------
# the number of kernels


def test_kernels_are_few() -> None:
    """Which derivative is taken along the rows of the memory is part of a kernel, and nothing else of a field is.

    So there are two kernels of an operator for real fields: one for each precision; and as many again for each other
    order of memory: with x slow instead of fast, and with neither along the rows, as of complex fields that are not
    contiguous. Coordinates, sizes, strides and byte orders make none, but for strides and sizes of large fields.
    """
    usual: dict[str, set[Any]] = {}
    all_of: dict[str, set[Any]] = {}
    for dtype, (lay, laid) in itertools.product(UNDERSTOOD, LAYOUTS.items()):
        fields = [laid(one) for one in converted(PLANE, dtype)]
        plain = lay in ("C", "read-only", "strided", "unaligned", "negative strides") and fields[0].dtype.kind != "c"
        for name, operator in ON_ARRAYS.items():
            with counted_kernels() as counted:
                operator(*fields, X)
                if dtype == "f8":
                    operator(*fields, X[::-1])
                    operator(*fields, X.astype("u1"))
            all_of.setdefault(name, set()).update(counted.signatures)
            if plain:
                usual.setdefault(name, set()).update(counted.signatures)
    for name in ON_ARRAYS:
        # second derivatives have tables of two widths, and mixed ones are first derivatives
        kinds = {"decompose": 0, "hessian": 2}.get(name, 1)
        assert len(usual[name]) == 2 * kinds, name
        assert len(all_of[name]) <= 8 * kinds, name


# ---------------------------------------------------------------------------------------------------------
# values, through real kernels


def near(values: list[float]) -> np.ndarray:
    """A field on (y, x) with given values in its middle row and zeros elsewhere."""
    field = np.zeros((7, len(values)))
    field[3] = values
    return field


def test_extreme_values_are_differentiated_as_numbers() -> None:
    x = np.arange(7.0)
    tiny = np.finfo(float).smallest_subnormal
    rows = {
        "large": ([1e300 * n for n in range(7)], [1e300] * 7),
        "denormal": ([4 * tiny * n for n in range(7)], [4 * tiny] * 7),
        "largest": ([1.7e308] * 7, [0.0] * 7),
    }
    for values, wanted in rows.values():
        found = fg.array.gradient(near(values), np.arange(7.0), x)[1][3]
        # sums of two or three products, each rounded; a denormal has no smaller neighbour to be rounded to
        np.testing.assert_allclose(found, wanted, rtol=4e-16, atol=tiny)


def test_what_is_not_finite_spreads_to_its_neighbours_and_no_further() -> None:
    x = np.arange(7.0)
    for bad in (np.nan, np.inf, -np.inf):
        values = [0.0] * 7
        values[3] = bad
        along_y, along_x = fg.array.gradient(near(values), np.arange(7.0), x)
        assert np.flatnonzero(~np.isfinite(along_x[3])).tolist() == [2, 3, 4]
        assert np.isfinite(np.delete(along_x, 3, axis=0)).all()
        assert np.argwhere(~np.isfinite(along_y)).tolist() == [[2, 3], [3, 3], [4, 3]]


# ---------------------------------------------------------------------------------------------------------
# all of it once more, through real kernels


def _bits(found: Any, expected: Any, context: Any) -> None:
    for one, other in zip(results(found), results(expected), strict=True):
        assert one.dtype == other.dtype, context
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other), err_msg=str(context))


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_ARRAYS)
def test_real_kernels_on_arrays(name: str) -> None:
    """The result of any dtype and layout has the bits of that of the same values in working precision, in C order."""
    operator = ON_ARRAYS[name]
    for dtype, lay in itertools.product(UNDERSTOOD, LAYOUTS):
        fields = [LAYOUTS[lay](one) for one in converted(PLANE, dtype)]
        plain = [np.ascontiguousarray(one, UNDERSTOOD[dtype]) for one in fields]
        expected = operator(*plain, X)
        if name == "gradient" and dtype[-2:] == "f2":
            expected = [one.astype("f2") for one in expected]
        _bits(operator(*fields, X), expected, (dtype, lay))


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_LABELS)
def test_real_kernels_on_labels(name: str) -> None:
    operator = ON_LABELS[name]
    for dtype, wanted in UNDERSTOOD.items():
        if (np.dtype(wanted).kind == "c" and name in REAL) or (dtype == "?" and name in NO_BOOL):
            continue
        expected = operator(dataset(converted(SPACE, dtype).astype(wanted), X))
        _bits(operator(dataset(converted(SPACE, dtype), X)), expected, dtype)
    expected = operator(dataset(SPACE.astype(float), X))
    for lay in ("Fortran", "strided", "negative strides", "read-only", "unaligned", "turned"):
        found = operator(dataset(LAYOUTS[lay](SPACE.astype(float)), X))
        if name in OF_FLUCTUATIONS or name in ("invariant_histogram", "mean"):
            # NumPy sums in the order of memory; the tolerance is that of some hundred numbers
            xr.testing.assert_allclose(found, expected, rtol=1e-13)
        else:
            _bits(found, expected, lay)
