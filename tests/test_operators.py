# SPDX-License-Identifier: BSD-3-Clause
"""The layer beneath the public operators: dtypes, parameters, memory, and which values a quantity has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fieldgrad import operators
from fieldgrad.operators import Frame, as_field, as_fields, as_parameter, value_labels, working_dtype
from fieldgrad.quantities import quantity
from fieldgrad.stencils import derivative_stencil

NODES = {
    "x": np.tanh(np.linspace(-1.2, 1.1, 9)),
    "y": np.tanh(np.linspace(-1.6, 0.4, 8)),
    "z": np.cumsum([0.0, 0.1, 0.2, 0.15, 0.3, 0.1, 0.25]),
}
# fields are stored z, y, x
AXIS = {"x": 2, "y": 1, "z": 0}
RNG = np.random.default_rng(20240717)


def frame(directions: str, axes: dict[str, int] | None = None) -> Frame:
    where = AXIS if axes is None else axes
    tables = tuple(derivative_stencil(NODES[name]) for name in directions)
    return Frame(tuple(directions), tuple(where[name] for name in directions), tables)


def field(dtype: Any = np.float64) -> np.ndarray:
    return RNG.normal(size=(7, 8, 9)).astype(dtype)


def apply(table: np.ndarray, f: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(table, f, axes=(1, axis)), 0, axis)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("float32", "float32"),
        ("float64", "float64"),
        ("complex64", "complex64"),
        ("complex128", "complex128"),
        (">f4", "float32"),
        (">f8", "float64"),
        (">c8", "complex64"),
        ("float16", "float32"),
        (">f2", "float32"),
        ("bool", "float64"),
        ("int8", "float64"),
        ("uint8", "float64"),
        (">i4", "float64"),
        ("int64", "float64"),
        ("uint64", "float64"),
    ],
)
def test_working_dtypes(given: str, wanted: str) -> None:
    found = working_dtype(np.dtype(given))
    assert found == np.dtype(wanted)
    assert found.isnative


@pytest.mark.parametrize("given", ["U3", "S3", "object", "datetime64[s]", "timedelta64[ms]", "V4"])
def test_what_holds_no_numbers_is_refused(given: str) -> None:
    with pytest.raises(TypeError, match=r"speed: has dtype .*cannot be differentiated; pass real or complex"):
        working_dtype(np.dtype(given), "speed")


@pytest.mark.skipif(np.dtype(np.longdouble) == np.float64, reason="long double is double here")
@pytest.mark.parametrize(("given", "wide"), [(np.longdouble, "float64"), (np.clongdouble, "complex128")])
def test_extended_precision_is_refused(given: Any, wide: str) -> None:
    with pytest.raises(TypeError, match=rf"speed: has dtype .*differentiated; convert it \(astype\('{wide}'\)"):
        working_dtype(np.dtype(given), "speed")


def test_fields_of_a_working_dtype_are_not_copied() -> None:
    for dtype in ("f4", "f8", "c8", "c16"):
        array = np.zeros((3, 4), dtype)[:, ::-1]
        assert np.shares_memory(as_field(array), array)


def test_masked_values_become_nan() -> None:
    masked = np.ma.masked_array([1, 2, 3], [False, True, False])
    np.testing.assert_array_equal(as_field(masked), [1.0, np.nan, 3.0])
    assert type(as_field(masked)) is np.ndarray
    single = np.ma.masked_array(np.array([1, 2], np.float16), [True, False])
    found = as_field(single)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array([np.nan, 2], np.float32))
    np.testing.assert_array_equal(as_parameter(masked, "nu", np.dtype("f4"), (2, 3))[0], [1.0, np.nan, 3.0])


def test_components_get_one_dtype_and_need_one_shape() -> None:
    fields = as_fields([np.zeros(3, np.float32), np.zeros(3, np.int8)], ["u", "v"])
    assert [one.dtype for one in fields] == [np.float64, np.float64]
    fields = as_fields([np.zeros(3, np.float32), np.zeros(3, np.complex64)], ["u", "v"])
    assert [one.dtype for one in fields] == [np.complex64, np.complex64]
    with pytest.raises(ValueError, match=r"v: has shape \(2,\), but u has \(3,\); components must have one"):
        as_fields([np.zeros(3), np.zeros(2)], ["u", "v"])
    with pytest.raises(TypeError, match=r"v: has dtype object"):
        as_fields([np.zeros(3), np.array([None] * 3)], ["u", "v"])


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2, ">f4"), [[2.0]], np.full((3, 1), 2)])
def test_parameters_are_real_and_broadcast(value: Any) -> None:
    found = as_parameter(value, "nu", np.dtype("c8"), (3, 4))
    assert found.dtype == np.float32
    assert found.shape == (() if np.ndim(value) == 0 else (3, 4))
    assert (found == 2).all()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (1j, TypeError, "nu: has dtype complex128; it must hold real numbers"),
        (True, TypeError, "nu: has dtype bool; it must hold real numbers"),
        ("2", TypeError, "nu: has dtype <U1; it must hold real numbers"),
        (None, TypeError, "nu: has dtype object; it must hold real numbers"),
        (np.ones(5), ValueError, r"nu: has shape \(5,\), which does not broadcast to the field's \(3, 4\)"),
    ],
)
def test_other_parameters_are_refused(value: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        as_parameter(value, "nu", np.dtype("f8"), (3, 4))


@pytest.mark.parametrize(
    ("name", "labels", "directions", "expected"),
    [
        ("velocity_gradient", "xyz", "xyz", (tuple("xyz"), tuple("xyz"))),
        ("velocity_gradient", "xz", "xz", (tuple("xz"), tuple("xz"))),
        ("velocity_gradient", "xyz", "xz", (tuple("xyz"), tuple("xz"))),
        ("velocity_gradient", "z", "z", (("z",), ("z",))),
        ("spin", "yz", "yz", (tuple("yz"), tuple("yz"))),
        ("vorticity", "xyz", "xyz", (tuple("xyz"),)),
        ("vorticity", "xz", "xz", ()),
        ("vorticity", "xyz", "xz", ()),
        ("divergence", "x", "x", ()),
        ("q_criterion", "xy", "xy", ()),
        ("principal_strain_rates", "xz", "xz", ((1, 2),)),
        ("principal_directions", "xz", "xz", ((1, 2), tuple("xz"))),
        ("vorticity_alignment", "xyz", "xyz", ((1, 2, 3),)),
        ("residual_vorticity", "xz", "xz", ()),
    ],
)
def test_labels_of_a_value(name: str, labels: str, directions: str, expected: tuple[Any, ...]) -> None:
    assert value_labels(quantity(name), tuple(labels), frame(directions)) == expected


@pytest.mark.parametrize(
    ("name", "labels", "directions", "message"),
    [
        (
            "vorticity",
            "x",
            "x",
            r"'vorticity' is defined in 2-D and 3-D flows; this one has 1 direction \(x\)",
        ),
        ("spin", "y", "y", r"'spin' is defined in 2-D and 3-D flows; this one has 1 direction \(y\)"),
        (
            "divergence",
            "xyz",
            "xz",
            r"'divergence' needs as many components as directions, but there are "
            r"components x, y, z on directions x, z, so the derivatives across the plane are unknown; pass "
            r"components= with the two in the plane .* or take 'velocity_gradient'",
        ),
        ("deformation_rate", "xyz", "xy", r"'deformation_rate' needs as many components"),
        ("vorticity_magnitude", "xyz", "xy", r"'vorticity_magnitude' needs as many components"),
    ],
)
def test_undefined_values_are_refused(name: str, labels: str, directions: str, message: str) -> None:
    with pytest.raises(ValueError, match="quantities: " + message):
        value_labels(quantity(name), tuple(labels), frame(directions))


def test_nonlinear_quantities_of_complex_fields_are_refused() -> None:
    fields = [field(np.complex128)] * 2
    with pytest.raises(TypeError, match=r"quantities: 'q_criterion' is not linear, so it is not defined for a"):
        operators.derive(fields, ("x", "y"), frame("xy"), [quantity("q_criterion")], {})


@pytest.mark.parametrize("direction", "xyz")
def test_derivative_is_the_table(direction: str) -> None:
    table, axis, f = derivative_stencil(NODES[direction]), AXIS[direction], field()
    bound = apply(np.abs(table.matrix()), np.abs(f), axis)
    found = operators.derivative(f, axis, table)
    assert (np.abs(found - apply(table.matrix(), f, axis)) <= 4e-15 * bound).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 7), (0, 3), (2, 5), (4, 7), (6, 7)])
def test_a_block_has_the_bits_of_the_whole(start: int, stop: int) -> None:
    table, f = derivative_stencil(NODES["z"]), field()
    block, low, high = table.slice(start, stop)
    part = operators.derivative(f[low:high], 0, block)
    assert part.shape == (stop - start, 8, 9)
    np.testing.assert_array_equal(part, operators.derivative(f, 0, table)[start:stop])


def test_a_complex_derivative_is_that_of_its_parts() -> None:
    for dtype in (np.complex64, np.complex128):
        for axis, name in ((0, "z"), (2, "x")):
            f, table = field(dtype) + dtype(1j) * field(dtype), derivative_stencil(NODES[name])
            found = operators.derivative(f, axis, table)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found.real, operators.derivative(f.real.copy(), axis, table))
            np.testing.assert_array_equal(found.imag, operators.derivative(f.imag.copy(), axis, table))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_parts_of_a_stored_tensor(count: int, dtype: str) -> None:
    L = RNG.normal(size=(count, count, 5, 4)).astype(dtype)
    if L.dtype.kind == "c":
        L += (1j * RNG.normal(size=L.shape)).astype(dtype)
    D, W = operators.decompose(L)
    assert D.dtype == W.dtype == L.dtype
    transposed = L.swapaxes(0, 1)
    np.testing.assert_array_equal(D, D.swapaxes(0, 1))
    np.testing.assert_array_equal(W, -W.swapaxes(0, 1))
    np.testing.assert_array_equal(D, 0.5 * L + 0.5 * transposed)
    np.testing.assert_array_equal(W, 0.5 * L - 0.5 * transposed)
    error = np.abs(D + W - L)
    assert (error <= 2 * np.finfo(dtype).eps * np.maximum(np.abs(L), np.abs(transposed))).all()


def test_parts_of_a_huge_tensor_do_not_overflow() -> None:
    largest = np.finfo(np.float64).max
    D, W = operators.decompose(np.array([[0.0, largest], [largest, 0.0]]))
    assert D[0, 1] == D[1, 0] == largest
    assert not W.any()
    D, W = operators.decompose(np.array([[0.0, largest], [-largest, 0.0]]))
    assert W[0, 1] == -W[1, 0] == largest
    assert not D.any()


def outputs(f: np.ndarray) -> dict[str, Callable[[np.ndarray], Any]]:
    """Every operator that takes memory for its result of shape (3, 3, 7, 8, 9), or a part of it."""
    space, second = frame("xyz"), Frame(("x", "y", "z"), (2, 1, 0), frame("xyz").stencils)
    return {
        "derivative": lambda out: operators.derivative(f, 0, space.stencils[2], out[0, 0]),
        "gradient": lambda out: operators.gradient(f, space, out[0]),
        "laplacian": lambda out: operators.laplacian(f, second, out[0, 0]),
        "advection": lambda out: operators.advection(f, space, [f, f, f], out[0, 0]),
        "directional_derivative": lambda out: operators.directional_derivative(f, space, [f, f, f], out[0, 0]),
        "hessian": lambda out: operators.hessian(f, space, second, out),
        "derive": lambda out: operators.derive(
            [f, f, f], ("x", "y", "z"), space, [quantity("velocity_gradient")], {}, [out]
        ),
    }


OPERATORS = list(outputs(np.zeros((7, 8, 9))))


@pytest.mark.parametrize("name", OPERATORS)
def test_wrong_memory_is_refused(name: str) -> None:
    f = field()
    call = outputs(f)[name]
    with pytest.raises(ValueError, match=r"out: has shape .* and dtype float64; it must have shape .*7, 8, 9\)"):
        call(np.zeros((3, 3, 7, 8, 10)))
    for dtype in ("f4", ">f8", "i8", "c16"):
        with pytest.raises(ValueError, match=r"out: has .*; it must have shape .* and dtype float64"):
            call(np.zeros((3, 3, 7, 8, 9), dtype))
    locked = np.zeros((3, 3, 7, 8, 9))
    locked.flags.writeable = False
    with pytest.raises(ValueError, match=r"out: is read-only; pass an array that can be written"):
        call(locked)


@pytest.mark.parametrize("name", OPERATORS)
def test_memory_of_an_input_is_refused(name: str) -> None:
    whole = RNG.normal(size=(3, 3, 7, 8, 9))
    f = whole[0, 0]
    before = whole.copy()
    call = outputs(f)[name]
    for out in (whole, whole[:, :, ::-1], whole[:, :, :, ::-1, ::-1]):
        with pytest.raises(ValueError, match=r"out: overlaps an input in memory, .*; pass other memory"):
            call(out)
    np.testing.assert_array_equal(whole, before)


def test_memory_of_a_parameter_or_of_another_output_is_refused() -> None:
    f, memory = field(), np.zeros((2, 7, 8, 9))
    one = [quantity("dissipation")]
    with pytest.raises(ValueError, match=r"out: overlaps an input"):
        operators.derive([f, f], ("x", "y"), frame("xy"), one, {"viscosity": memory[0]}, [memory[0]])
    both = [quantity("divergence"), quantity("q_criterion")]
    with pytest.raises(ValueError, match=r"out: two outputs overlap in memory; pass memory of its own for each"):
        operators.derive([f, f], ("x", "y"), frame("xy"), both, {}, [memory[0], memory[0, ::-1]])
    with pytest.raises(TypeError, match=r"out: is a list; it must be an ndarray of shape \(7, 8, 9\) and dtype"):
        operators.derive([f, f], ("x", "y"), frame("xy"), both, {}, [[1.0], None])  # type: ignore[list-item]


def test_interleaved_memory_does_not_overlap() -> None:
    f, table = field(), derivative_stencil(NODES["z"])
    buffer = np.zeros((7, 8, 18))
    source, out = buffer[..., ::2], buffer[..., 1::2]
    source[...] = f
    assert operators.derivative(source, 0, table, out) is out
    np.testing.assert_array_equal(out, operators.derivative(f, 0, table))
    np.testing.assert_array_equal(source, f)
