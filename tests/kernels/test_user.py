# SPDX-License-Identifier: BSD-3-Clause
"""Quantities of a user's own: fused with built-in ones, and never served from the kernel of another function."""

from __future__ import annotations

import functools
import json
import math
import os
import subprocess
import sys
import textwrap
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import Quantity
from fieldgrad.kernels import call, user

RNG = np.random.default_rng(3)
NODES = {"x": np.cumsum([0.0, 0.3, 0.2, 0.25, 0.4, 0.2]), "y": np.linspace(2.0, 0.0, 5), "z": np.arange(4.0)}
VELOCITIES = {"x": "u", "y": "v", "z": "w"}


def flow(dims: str = "zyx", dtype: Any = np.float64) -> xr.Dataset:
    shape = [len(NODES[dim]) for dim in dims]
    return xr.Dataset(
        {
            VELOCITIES[dim]: (list(dims), RNG.normal(size=shape).astype(dtype), {"units": "m s-1"})
            for dim in sorted(dims)
        },
        {dim: (dim, NODES[dim], {"units": "m"}) for dim in dims},
    )


SPACE = flow()
LINE = flow("x")


def shear(L: Any) -> Any:
    return (L[0][1] + L[1][0]) ** 2 - L[0][0] * L[1][1] * 0.1


def turned(L: Any) -> Any:
    return L[1][2], L[2][0], L[0][1]


def transposed(L: Any) -> Any:
    (a, b, c), (d, e, f), (g, h, i) = L
    return (a, d, g), (b, e, h), (c, f, i)


def numbers(L: Any) -> Any:
    return 1, L[0][0] > 0, 2.5


# ---------------------------------------------------------------------------------------------------------
# values, in company, of every rank


@pytest.mark.slow
def test_every_rank_beside_built_in_quantities() -> None:
    records = [
        Quantity("shear", shear, power=2),
        Quantity("turned", turned, rank="vector"),
        Quantity("transposed", transposed, rank="tensor"),
        Quantity("rows", transposed, rank="principal vectors"),
        Quantity("numbers", numbers, rank="principal values", power=0),
    ]
    found = fg.derive(SPACE, ["vorticity", *records[:2], "q_criterion", *records[2:]])
    assert list(found) == ["vorticity", "shear", "turned", "q_criterion", "transposed", "rows", "numbers"]
    fields = ("z", "y", "x")
    assert found.shear.dims == fields
    assert found.turned.dims == ("component", *fields)
    assert found.transposed.dims == ("component", "direction", *fields)
    assert found.rows.dims == ("principal", "component", *fields)
    assert found.numbers.dims == ("principal", *fields)
    assert found.principal.values.tolist() == [1, 2, 3]
    L = fg.velocity_gradient(SPACE).values
    np.testing.assert_array_equal(found.shear, (L[0, 1] + L[1, 0]) ** 2 - L[0, 0] * L[1, 1] * 0.1)
    np.testing.assert_array_equal(found.turned, np.stack([L[1, 2], L[2, 0], L[0, 1]]))
    np.testing.assert_array_equal(found.transposed, L.swapaxes(0, 1))
    np.testing.assert_array_equal(found.rows, L.swapaxes(0, 1))
    np.testing.assert_array_equal(found.numbers, [1 + 0 * L[0, 0], L[0, 0] > 0, 2.5 + 0 * L[0, 0]])
    assert found.numbers.dtype == np.float64
    # the others have the bits that they have without
    xr.testing.assert_identical(found[["vorticity", "q_criterion"]], fg.derive(SPACE, ["vorticity", "q_criterion"]))
    xr.testing.assert_identical(found[["shear"]], fg.derive(SPACE, records[0]))


@pytest.fixture
def registered() -> Iterator[Callable[[Quantity], None]]:
    """Make a quantity known as long as the test runs."""
    names = []

    def register(record: Quantity) -> None:
        fg.register_quantity(record)
        names.append(record.name)

    yield register
    for name in names:
        sys.modules["fieldgrad.quantities"]._registry.pop(name, None)  # type: ignore[attr-defined]


def test_a_registered_quantity_is_derived_by_name(registered: Callable[[Quantity], None]) -> None:
    record = Quantity("shear", shear, power=2, long_name="squared shear", definition="as below")
    registered(record)
    found = fg.derive(SPACE, "shear").shear
    assert found.attrs == {
        "long_name": "squared shear",
        "fieldgrad_definition": "as below",
        "fieldgrad_grid": fg.infer_grid(SPACE).description,
        "units": "s-2",
    }
    xr.testing.assert_identical(found, fg.derive(SPACE, record).shear)
    xr.testing.assert_identical(found, SPACE.fieldgrad.derive(["shear"]).shear)
    nodes = [NODES[name] for name in "xyz"]
    arrays = fg.array.derive([SPACE[name].values for name in "uvw"], ["shear"], *nodes, axes=(2, 1, 0))
    np.testing.assert_array_equal(arrays["shear"], found)
    # another of that name takes its place
    registered(Quantity("shear", lambda L: 2 * L[0][1]))
    L = fg.velocity_gradient(SPACE).values
    np.testing.assert_array_equal(fg.derive(SPACE, "shear").shear, 2 * L[0, 1])


def combined(L: Any, gain: Any, offset: Any) -> Any:
    return gain * L[0][1] + 10 * offset


@pytest.mark.slow
def test_parameters_in_the_order_of_the_record() -> None:
    record = Quantity("combined", combined, parameters=("gain", "offset"), parameter_powers=(1, 0))
    swapped = Quantity("swapped", combined, parameters=("offset", "gain"))
    uy = fg.velocity_gradient(SPACE).values[0, 1]
    field = xr.DataArray(RNG.normal(size=SPACE.u.shape), SPACE.u.coords, SPACE.u.dims, attrs={"units": "kg"})
    for offset in (0.5, field, field.isel(z=0, drop=True), field.transpose("x", "y", "z")):
        found = fg.derive(SPACE, [record, swapped], gain=2.0, offset=offset)
        values = offset if isinstance(offset, float) else offset.broadcast_like(SPACE.u).transpose("z", "y", "x").values
        np.testing.assert_array_equal(found.combined, 2.0 * uy + 10 * values)
        np.testing.assert_array_equal(found.swapped, values * uy + 10 * 2.0)
    stored = SPACE.assign(mass=field)
    found = fg.derive(stored, [record, "dissipation"], gain="mass", offset=1.0, viscosity=0.5)
    np.testing.assert_array_equal(found.combined, field.values * uy + 10)
    np.testing.assert_array_equal(found.dissipation, fg.derive(SPACE, "dissipation", viscosity=0.5).dissipation)
    # a number of the user's own parameter has no units, a field those that it says
    assert found.combined.attrs["units"] == "kg s-1"
    assert "units" not in fg.derive(SPACE, record, gain=1.0, offset=1.0).combined.attrs
    with pytest.raises(TypeError, match=r"^gain: missing, but 'combined' needs it; pass gain=$"):
        fg.derive(SPACE, record, offset=1.0)
    with pytest.raises(TypeError, match=r"viscosity: no quantity of 'combined' .*; they take 'gain', 'offset'"):
        fg.derive(SPACE, record, gain=1.0, offset=1.0, viscosity=1.0)


def absent_in_xz(L: Any) -> Any:
    return abs(L[0][1]) + abs(L[1][0]) + abs(L[1][1]) + abs(L[1][2]) + abs(L[2][1])


@pytest.mark.parametrize("plane", [pytest.param("zx", marks=pytest.mark.slow), "yx"])
def test_plane_flows_fill_their_part_of_a_tensor_of_three(plane: str) -> None:
    ds = flow(plane)
    names = sorted(plane)
    places = ["xyz".index(name) for name in names]
    (normal,) = {0, 1, 2} - set(places)
    records = [
        Quantity("transposed", transposed, rank="tensor"),
        Quantity("turned", turned, rank="vector"),
        Quantity("normal", turned, rank="vector", axial=True),
        Quantity("first", numbers, rank="principal values"),
    ]
    found = fg.derive(ds, records)
    assert found.component.values.tolist() == found.direction.values.tolist() == names
    assert found.principal.values.tolist() == [1, 2]
    L = np.zeros((3, 3, *ds.u.shape))
    L[np.ix_(places, places)] = fg.velocity_gradient(ds).values
    np.testing.assert_array_equal(found.transposed, L.swapaxes(0, 1)[np.ix_(places, places)])
    cyclic = np.stack([L[1, 2], L[2, 0], L[0, 1]])
    np.testing.assert_array_equal(found.turned, cyclic[places])
    assert found.normal.dims == tuple(plane)
    np.testing.assert_array_equal(found.normal, cyclic[normal])
    np.testing.assert_array_equal(found["first"], [1 + 0 * L[0, 0], L[0, 0] > 0])
    if plane == "zx":
        assert not fg.derive(ds, Quantity("absent", absent_in_xz)).absent.any()


def test_dimensions_are_those_of_the_record() -> None:
    found = fg.derive(LINE, Quantity("slope", lambda L: L[0][0] - L[1][1] - L[2][0], dimensions=(1,))).slope
    np.testing.assert_array_equal(found, fg.derivative(LINE.u, "x"))
    for record, obj in (
        (Quantity("mine", shear), LINE),
        (Quantity("mine", shear, dimensions=(2,)), SPACE),
        (Quantity("mine", shear, dimensions=(3,)), flow("yx")),
    ):
        with pytest.raises(ValueError, match="quantities: 'mine' is defined in"):
            fg.derive(obj, record)


def mixed(L: Any, gain: Any) -> Any:
    """A literal and a call that are of double precision whatever L is."""
    return 0.1 * L[0][1] + math.sin(0.5) * gain + np.float64(0.25)


def test_single_precision_stays_so() -> None:
    ds = SPACE.astype(np.float32)
    records = [Quantity("mixed", mixed, parameters=("gain",)), Quantity("turned", turned, rank="vector"),
               Quantity("numbers", numbers, rank="vector")]  # fmt: skip
    found = fg.derive(ds, [*records, "spin"], gain=3)
    L = fg.velocity_gradient(ds).values
    for name in found:
        assert found[name].dtype == np.float32
    exact = 0.1 * L[0, 1].astype(np.float64) + math.sin(0.5) * 3 + 0.25
    np.testing.assert_allclose(found.mixed, exact, rtol=0, atol=2 * np.finfo(np.float32).eps * abs(exact).max())
    np.testing.assert_array_equal(found.turned, np.stack([L[1, 2], L[2, 0], L[0, 1]]))
    np.testing.assert_array_equal(found.numbers[1], L[0, 0] > 0)


def sums_of_products(L: Any) -> Any:
    (a, b, c), (d, e, f), (g, h, i) = L
    return a * e - b * d + (c * g - a * i) * (f * h + a * e)


@pytest.mark.slow
def test_products_and_sums_are_not_joined_in_company() -> None:
    """A compiler that joins them does so here and not there; NumPy never does."""
    record = Quantity("sums", sums_of_products, power=4)
    (a, b, c), (d, e, f), (g, h, i) = fg.velocity_gradient(SPACE).values
    expected = a * e - b * d + (c * g - a * i) * (f * h + a * e)
    for names in ([record], [record, "q_criterion", "second_invariant"], ["velocity_gradient", "lambda2", record]):
        np.testing.assert_array_equal(fg.derive(SPACE, names).sums, expected)


def test_complex_velocities_for_what_is_said_to_be_linear() -> None:
    record = Quantity("turned", turned, rank="vector", linear=True)
    ds = SPACE + 1j * flow()
    L = fg.velocity_gradient(ds).values
    np.testing.assert_array_equal(fg.derive(ds, record).turned, np.stack([L[1, 2], L[2, 0], L[0, 1]]))
    with pytest.raises(TypeError, match="quantities: 'shear' is not linear"):
        fg.derive(ds, Quantity("shear", shear))


def test_a_division_by_zero_is_no_error() -> None:
    still = xr.zeros_like(LINE)
    record = Quantity("ratio", lambda L: (1.0 + L[0][1]) / L[0][0], dimensions=(1,))
    assert np.isposinf(fg.derive(still, record).ratio).all()


# ---------------------------------------------------------------------------------------------------------
# what a function uses, and what tells it from another


def made(source: str, **known: Any) -> Callable[..., Any]:
    """The function f of a piece of source, among globals of its own."""
    space = {"numba": numba, "math": math, "np": np, **known}
    exec(textwrap.dedent(source), space)
    result: Callable[..., Any] = space["f"]
    return result


ONE = xr.Dataset({"u": ("x", np.arange(4.0))}, {"x": np.arange(4.0)})


def value(function: Callable[..., Any]) -> float:
    """The value of a function where du/dx = 1 and all else vanishes."""
    found = fg.derive(ONE, Quantity("mine", function, dimensions=(1,))).mine.values
    assert (found == found[0]).all()
    return float(found[0])


def scaled(factor: float) -> Callable[..., Any]:
    return lambda L: factor * L[0][0]


def jitted(factor: float) -> Any:
    @numba.njit
    def helper(x: Any) -> Any:
        return factor * x

    return helper


FIRST = namedtuple("Pair", "a b")  # type: ignore[name-match]
SECOND = namedtuple("Pair", "b a")  # type: ignore[name-match]
USES_PAIR = "def f(L): return PAIR.a * L[0][0]"
MAKES_PAIR = "def f(L): return Pair(2.0, 3.0).a * L[0][0]"


def constants(first: float, second: float) -> Callable[..., Any]:
    return made(f"def f(L): return (L[0][0] + {first}) * {second}")


def from_tuple(*numbers: Any) -> Callable[..., Any]:
    return made("def f(L): return NUMBERS[0] * L[0][0] + NUMBERS[1]", NUMBERS=numbers)


def with_module(factor: float) -> Callable[..., Any]:
    module = type(math)("mine")
    module.FACTOR = factor  # type: ignore[attr-defined]
    return made("def f(L): return mine.FACTOR * L[0][0]", mine=module)


PAIRS: dict[str, tuple[tuple[Any, float], tuple[Any, float]]] = {
    "constant": (
        (made("def f(L): return 2 * L[0][0]"), 2),
        (made("def f(L): return 3 * L[0][0]"), 3),
    ),
    "operation": (
        (made("def f(L): return L[0][0] + 2"), 3),
        (made("def f(L): return L[0][0] - 2"), -1),
    ),
    "index": (
        (made("def f(L): return L[0][0]"), 1),
        (made("def f(L): return L[0][1]"), 0),
    ),
    "function of a module": (
        (made("def f(L): return math.exp(0 * L[0][0])"), 1),
        (made("def f(L): return math.sin(0 * L[0][0])"), 0),
    ),
    "global": (
        (made("def f(L): return K * L[0][0]", K=2.0), 2),
        (made("def f(L): return K * L[0][0]", K=3.0), 3),
    ),
    "type of a global": (
        (made("def f(L): return K * L[0][0]", K=7), 7),
        (made("def f(L): return K * L[0][0]", K=7.5), 7.5),
    ),
    "closure": (
        (scaled(2.0), 2),
        (scaled(3.0), 3),
    ),
    "helper": (
        (made("def f(L): return h(L[0][0])", h=jitted(2.0)), 2),
        (made("def f(L): return h(L[0][0])", h=jitted(3.0)), 3),
    ),
    "compiled": (
        (numba.njit(scaled(4.0)), 4),
        (numba.njit(scaled(5.0)), 5),
    ),
    "inner function": (
        (made("def f(L):\n  g = lambda x: 2 * x\n  return g(L[0][0])"), 2),
        (made("def f(L):\n  g = lambda x: 3 * x\n  return g(L[0][0])"), 3),
    ),
    "array": (
        (made("def f(L): return A[1] * L[0][0]", A=np.array([1.0, 2.0])), 2),
        (made("def f(L): return A[1] * L[0][0]", A=np.array([1.0, 3.0])), 3),
    ),
    "module": (
        (with_module(2.0), 2),
        (with_module(3.0), 3),
    ),
    # numbers whose digits, one behind the other, read the same
    "digits of constants": (
        (constants(1.0, 12.0), 24),
        (constants(1.01, 2.0), 4.02),
    ),
    "digits of a tuple": (
        (from_tuple(1.0, 12.0), 13),
        (from_tuple(1.01, 2.0), 3.01),
    ),
    "shape of a tuple": (
        (made("def f(L): return K[0][0] + 10 * K[1][0] + 0 * L[0][0]", K=((1.0, 2.0), (3.0,))), 31),
        (made("def f(L): return K[0][0] + 10 * K[1][0] + 0 * L[0][0]", K=((1.0,), (2.0, 3.0))), 21),
    ),
    # equal numbers under other names
    "names in a tuple": (
        (made(USES_PAIR, PAIR=FIRST(2.0, 3.0)), 2),
        (made(USES_PAIR, PAIR=SECOND(2.0, 3.0)), 3),
    ),
    "built-in function": (
        (made("def f(L): return g(L[0][0])", g=math.sqrt), 1),
        (made("def f(L): return g(L[0][0])", g=math.exp), math.e),
    ),
    "class of a tuple": (
        (made(MAKES_PAIR, Pair=FIRST), 2),
        (made(MAKES_PAIR, Pair=SECOND), 3),
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_two_functions_of_one_name_have_two_keys(pair: str) -> None:
    """By its key a kernel is found, in the memory of a process and on disk."""
    (one, _), (other, _) = PAIRS[pair]
    keys = [user.key_of("mine", function) for function in (one, other)]
    assert keys[0] != keys[1]


COMPILED = ("global", "helper", "closure")


@pytest.mark.parametrize(
    "pair", [pytest.param(name, marks=[] if name in COMPILED else pytest.mark.slow) for name in PAIRS]
)
def test_two_functions_of_one_name_have_two_values(pair: str) -> None:
    one, other = PAIRS[pair]
    for function, expected in (one, other, one):
        assert value(function) == pytest.approx(expected, rel=1e-15)


def test_options_of_a_helper_count() -> None:
    source, helper = "def f(L): return h(L[0][1])", lambda x: 1.0 / x
    functions = [made(source, h=numba.njit(**options)(helper)) for options in ({}, {"fastmath": True})]
    assert len({user.key_of("mine", function) for function in functions}) == 2
    # the arithmetic of the engine, unless a helper says otherwise: nothing raises in the midst of a loop
    assert value(functions[0]) == np.inf


def test_a_helper_of_two_names_and_one_that_calls_itself() -> None:
    helper = jitted(2.0)
    recursive = "@numba.njit\ndef h(x, n):\n  return h(x + x, n - 1) if n > 0 else x\n"
    assert value(made(f"{recursive}def f(L): return a(L[0][0]) + b(L[0][0]) + h(L[0][0], 3)", a=helper, b=helper)) == 12


def test_a_global_that_has_changed_since() -> None:
    """As when a cell of a notebook is run again, and the one with the function is not."""
    function = made("def f(L): return K * L[0][0]", K=2.0)
    assert value(function) == 2
    function.__globals__["K"] = 3.0  # type: ignore[attr-defined]
    assert value(function) == 3
    other = made("def f(L): return h(L[0][0])", h=jitted(2.0))
    assert value(other) == 2
    other.__globals__["h"] = jitted(3.0)  # type: ignore[attr-defined]
    assert value(other) == 3


def test_a_closure_that_has_changed_since() -> None:
    factor = 2.0

    def function(L: Any) -> Any:
        return factor * L[0][0]

    assert value(function) == 2
    factor = 3.0
    assert value(function) == 3


def test_defaults_are_followed() -> None:
    """Parameters that the record does not declare keep their default."""
    for gain in (2.0, 3.0):
        assert value(made(f"def f(L, gain={gain}): return gain * L[0][0]")) == gain


def test_names_of_attributes_are_not_globals() -> None:
    """What follows a point is looked up in a module, whatever else has that name."""
    assert value(made("def f(L): return math.pi * L[0][0]", pi={"pie": 1})) == math.pi


def test_equal_functions_share_one_kernel() -> None:
    before = call._compiled.cache_info().misses
    sources = ["def f(L): return 2.125 * L[0][0]"] * 3
    assert [value(made(source)) for source in sources] == [2.125] * 3
    assert call._compiled.cache_info().misses == before + 1


# ---------------------------------------------------------------------------------------------------------
# refusals


class Callables:
    def __call__(self, L: Any) -> Any:
        return L[0][0]

    def method(self, L: Any) -> Any:
        return L[0][0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (made("def f(L): return undefined"), "cannot be compiled for L as a 3 x 3 tuple and 0 parameters; numba says:"),
        (made("def f(L): return L.trace()"), "cannot be compiled for L as a 3 x 3 tuple and 0 parameters; numba says:"),
        (made("def f(L): return h(L)", h=lambda L: L[0][0]), "cannot be compiled .* 'h'"),
        (made("def f(L):\n  import math\n  return math.pi"), "cannot be compiled"),
        (made("def f(L):\n  with open('f') as g: return 1.0"), "cannot be compiled"),
        (made("def f(): return 1.0"), r"takes \(\), but is called with L and 0 parameters; name them in parameters="),
        (made("def f(L, gain): return gain"), r"takes \(L, gain\), but is called with L and 0 parameters"),
        (made("def f(L): return D['a'] * L[0][0]", D={"a": 1.0}), "uses 'D', a dict, whose changes cannot be followed"),
        (made("def f(L): return A[0] * L[0][0]", A=[1.0]), "uses 'A', a list, whose changes cannot be followed"),
        (made("def f(L): return O.a * L[0][0]", O=Callables()), "uses 'O', a Callables, whose changes cannot"),
        (made("def f(L): yield L[0][0]"), "is a generator or a coroutine; it must return its value"),
        (functools.partial(shear), "is a partial; it must be a plain Python function"),
        (Callables(), "is a Callables; it must be a plain Python function"),
        (Callables().method, "is a method; it must be a plain Python function"),
        (max, "is a builtin_function_or_method; it must be a plain Python function"),
        (np.sin, "is a ufunc; it must be a plain Python function"),
    ],
    ids=[
        "undefined name", "unknown method", "plain helper", "import", "with", "no argument", "too many arguments",
        "dict", "list", "object", "generator", "partial", "callable", "method", "builtin", "ufunc",
    ],
)  # fmt: skip
def test_functions_that_are_refused(function: Any, message: str) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=rf"(?s)^function: that of 'mine' {message}"):
            fg.derive(SPACE, ["vorticity", Quantity("mine", function)])


@pytest.mark.parametrize(
    ("rank", "source", "message"),
    [
        ("scalar", "L[0]", r"returns UniTuple\(float64 x 3\); for its rank it must return a number"),
        ("scalar", "1j", "returns complex128; for its rank it must return a number"),
        ("scalar", "None", "returns none; for its rank it must return a number"),
        ("scalar", "'a'", ".*; for its rank it must return a number"),
        ("vector", "L[0][0]", "returns float64; for its rank it must return a tuple of three numbers"),
        ("vector", "L[0][:2]", "returns .*; for its rank it must return a tuple of three numbers"),
        ("vector", "L", "returns .*; for its rank it must return a tuple of three numbers"),
        ("vector", "[L[0][0], L[0][1], L[0][2]]", "returns list.*; for its rank it must return a tuple of three numb"),
        ("vector", "np.zeros(3)", "returns array.*; for its rank it must return a tuple of three numbers"),
        ("tensor", "L[0]", "returns .*; for its rank it must return a tuple of three tuples of three numbers"),
        ("tensor", "(L[0], L[1])", "returns .*; for its rank it must return a tuple of three tuples of three"),
        ("tensor", "(L[0], L[1], (1.0, 2.0))", "returns .*; for its rank it must return a tuple of three tuples"),
        ("principal vectors", "L[0]", "returns .*; for its rank it must return a tuple of three tuples of three"),
        ("principal values", "L[0][0]", "returns .*; for its rank it must return a tuple of three numbers"),
    ],
)  # fmt: skip
def test_values_of_another_shape_are_refused(rank: Any, source: str, message: str) -> None:
    record = Quantity("mine", made(f"def f(L): return {source}"), rank=rank)
    with pytest.raises(TypeError, match=rf"(?s)^function: that of 'mine' {message}"):
        fg.derive(SPACE, record)


# ---------------------------------------------------------------------------------------------------------
# the cache on disk

LIBRARY = """
import numba

FACTOR = 2.0

@numba.njit
def helper(x):
    return FACTOR * x

def mine(L):
    return helper(L[0][1]) + L[1][0]
"""

PROGRAM = """
import json
import numpy as np
import fieldgrad as fg
from fieldgrad.kernels import engine

y, x = np.meshgrid(np.arange(5.0), np.arange(6.0), indexing="ij")
found = fg.array.derive([y, 10 * x], fg.Quantity("mine", mine), 1.0, axes=(1, 0))["mine"]
print(json.dumps({
    "value": float(found.mean()),
    "hits": sum(engine.sweep.stats.cache_hits.values()),
    "misses": sum(engine.sweep.stats.cache_misses.values()),
}))
"""
BUILT_IN = PROGRAM.replace('fg.Quantity("mine", mine)', '"divergence"').replace('["mine"]', '["divergence"]')


def run(cache: Path, folder: Path, program: str, path: Path | None = None) -> tuple[float, int, int]:
    """Value, hits and misses of a program that runs as a script in a folder, perhaps with another on its path."""
    folder.mkdir(exist_ok=True)
    script = folder / "script.py"
    script.write_text(program, encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = str(Path(fg.__file__).parents[1])
    if path is not None:
        environment["PYTHONPATH"] += os.pathsep + str(path)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return result["value"], result["hits"], result["misses"]


@pytest.mark.slow
def test_the_next_process_finds_the_kernel_without_the_module_of_the_first(tmp_path: Path) -> None:
    cache, library = tmp_path / "cache", tmp_path / "library"
    library.mkdir()
    (library / "flow_library.py").write_text(LIBRARY, encoding="utf-8")
    imported, script = "from flow_library import mine\n" + PROGRAM, LIBRARY + PROGRAM
    assert run(cache, tmp_path / "a", imported, library) == (12.0, 0, 1)
    assert run(cache, tmp_path / "b", imported, library) == (12.0, 1, 0)
    # neither the module nor the first script can be imported any more; this one is called like that
    assert run(cache, tmp_path / "c", script) == (12.0, 1, 0)
    # other functions under the same names
    assert run(cache, tmp_path / "c", script.replace("FACTOR = 2.0", "FACTOR = 3.0")) == (13.0, 0, 1)
    assert run(cache, tmp_path / "c", script.replace("FACTOR * x", "FACTOR + x")) == (13.0, 0, 1)
    assert run(cache, tmp_path / "c", script.replace("+ L[1][0]", "- L[1][0]")) == (-8.0, 0, 1)
    # the index that knows them all serves each, and those who know none of them
    assert run(cache, tmp_path / "d", script) == (12.0, 1, 0)
    assert run(cache, tmp_path / "d", script.replace("FACTOR = 2.0", "FACTOR = 3.0")) == (13.0, 1, 0)
    assert run(cache, tmp_path / "d", BUILT_IN) == (0.0, 0, 1)
    assert run(cache, tmp_path / "e", BUILT_IN) == (0.0, 1, 0)


def test_a_kernel_of_a_script_serves_a_module(tmp_path: Path) -> None:
    cache, library = tmp_path / "cache", tmp_path / "library"
    library.mkdir()
    (library / "flow_library.py").write_text(LIBRARY, encoding="utf-8")
    assert run(cache, tmp_path / "a", LIBRARY + PROGRAM) == (12.0, 0, 1)
    assert run(cache, tmp_path / "b", "from flow_library import mine\n" + PROGRAM, library) == (12.0, 1, 0)
