# SPDX-License-Identifier: BSD-3-Clause
"""Kernels as plain Python have the bits of compiled ones, and stay inside their arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
import plain_cases
import pytest
from numpy.typing import DTypeLike
from programs import check, run

from fieldgrad.kernels import arithmetic, memory
from fieldgrad.kernels._plain import Bounded, checked, interpreted

TESTS = Path(__file__).resolve().parents[1]
#: One of each loop; their kernels are compiled by other tests too.
QUICK = ["array gradient", "array derive", "labelled gradient", "labelled velocity_gradient", "own"]
CASES = plain_cases.CASES
#: What is compiled as well: wider tables are the same code with longer loops.
COMPARED = [name for name in CASES if not name.endswith((" 6", " 8"))]


def in_plain_python(folder: Path, code: str) -> None:
    start = f"import sys, warnings\nsys.path.insert(0, {str(TESTS)!r})\nimport plain_cases\n"
    strict = "warnings.simplefilter('error')\n"
    check(run(folder, f"{start}{strict}{code}\nprint('done')", seconds=900, NUMBA_DISABLE_JIT="1"))


def compare(folder: Path, names: list[str]) -> None:
    """Every value of some cases, to the bit."""
    file = folder / "values.npz"
    in_plain_python(folder, f"plain_cases.save({str(file)!r}, {names!r})")
    with np.load(file) as plain:
        assert {key.rpartition("/")[0] for key in plain.files} == set(names)
        for name in names:
            values = plain_cases.computed(name)
            assert values
            for k, one in enumerate(values):
                assert plain[f"{name}/{k}"].dtype == one.dtype
                np.testing.assert_array_equal(plain[f"{name}/{k}"], one, err_msg=f"{name}, result {k}")


def test_some_operators_have_the_bits_of_compiled_kernels(tmp_path: Path) -> None:
    compare(tmp_path, QUICK)


def test_point_functions_in_plain_python(tmp_path: Path) -> None:
    """What faults put into their formulas are found by: see ``tests/mutation.py``."""
    arguments = ["-q", "-n0", "-p", "no:cacheprovider", str(TESTS / "kernels" / "quick_points.py")]
    code = f"import pytest\nassert pytest.main({arguments!r}) == 0\nprint('done')"
    check(run(tmp_path, code, NUMBA_DISABLE_JIT="1"))


@pytest.mark.slow
@pytest.mark.parametrize("group", range(8))
def test_every_operator_and_quantity_has_the_bits_of_compiled_kernels(group: int, tmp_path: Path) -> None:
    compare(tmp_path, COMPARED[group::8])


@pytest.mark.slow
@pytest.mark.parametrize("group", range(4))
def test_no_index_is_outside_its_array(group: int, tmp_path: Path) -> None:
    in_plain_python(tmp_path, f"for name in {list(CASES)[group::4]!r}:\n    assert plain_cases.computed(name)")


BROKEN = """
from fieldgrad.kernels import engine, probe, redo

def shifted(place, by):
    return lambda before: lambda *given: before(*given[:place], given[place] + by, *given[place + 1 :])

def breaks(name, module, function, change):
    before = getattr(module, function)
    setattr(module, function, change(before))
    try:
        plain_cases.computed(name)
    except IndexError:
        return
    finally:
        setattr(module, function, before)
    raise SystemExit(f"{name}: {function} reads or writes elsewhere, and nothing says so")

for by in (-1, 1):  # the element before the first, which NumPy would take from the end, and the one behind the last
    breaks("array gradient", engine, "_centre", shifted(2, by))
    breaks("array gradient", engine, "store_value", shifted(2, by))
    breaks("labelled advection", engine, "parameters_of", shifted(3, by))
    breaks("own", engine, "places_of", shifted(3, by * 1000))
    breaks("adapt 2", redo, "_centre", shifted(2, by * 1000))
    breaks("adapt 2", redo, "_entry", shifted(2, by * 1000))
    breaks("points 2", probe, "_at", shifted(2, by * 1000))
    breaks("points 2", probe, "_weigh", shifted(7, by * 3))
    breaks("row by row", engine, "_filled", shifted(2, by * 100_000))
"""


def test_a_broken_index_is_noticed(tmp_path: Path) -> None:
    in_plain_python(tmp_path, BROKEN)


def test_arrays_of_a_kernel_end_on_both_sides() -> None:
    array = np.arange(6).view(Bounded)
    array[5] = 2**40
    assert array[5] == 2**40
    assert type(array[5]) is int
    assert type(np.ones(2).view(Bounded)[1]) is np.float64
    assert array.reshape(2, 3)[1, :].tolist() == [3, 4, 2**40]
    for index in (6, -1, (-1,), np.int64(-1)):
        with pytest.raises(IndexError):
            array[index]
        with pytest.raises(IndexError):
            array[index] = 0
    with pytest.raises(IndexError, match=r"index \(0, -1\) is below zero"):
        checked((0, -1))


def test_arrays_that_a_kernel_makes_are_bounded_too() -> None:
    seen: list[Any] = []

    def kernel(out: Any, parts: Any) -> None:
        seen.extend([type(array) for array in (out, *parts, np.empty(2), np.zeros((2, 2)))])
        out[0] = np.uint8(250) + np.uint8(250) + parts[0][0] / parts[0][1]

    out = np.zeros(1)
    interpreted(kernel)(out, (np.array([1.0, 0.0]),))
    assert out[0] == np.inf
    assert set(seen) == {Bounded}


# ------------------------------------------------------------------------------------------------- twins of intrinsics


def hard(dtype: DTypeLike) -> np.ndarray:
    """Numbers of every size, and what is not one."""
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    size = rng.standard_normal(40) * 2.0 ** rng.integers(info.minexp // 2, info.maxexp // 2, 40)
    edges = [0.0, -0.0, 1.0, -1.0, 1 + info.eps, info.max, -info.max, info.tiny, info.smallest_subnormal]
    return np.array([*size, *edges, 3 * info.smallest_subnormal, np.inf, -np.inf, np.nan]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_twin_of_fma(dtype: Any) -> None:
    @numba.njit
    def compiled(a: Any, b: Any, c: Any, out: Any) -> None:
        for i in range(len(a)):
            out[i] = arithmetic.fma(a[i], b[i], c[i])

    numbers = hard(dtype)
    a, b = (one.ravel() for one in np.meshgrid(numbers, numbers))
    with np.errstate(all="ignore"):
        # what cancels, what does not, what lies just beside a tie of float32
        c = np.stack([-(a * b), np.roll(numbers, 7).repeat(len(numbers)), a * b * dtype(0.3), a * a])
    a, b = np.broadcast_to(a, c.shape).ravel(), np.broadcast_to(b, c.shape).ravel()
    expected = np.empty(c.size, dtype)
    compiled(a, b, c.ravel(), expected)
    with np.errstate(all="ignore"):
        found = np.array([arithmetic._fma(*given) for given in zip(a, b, c.ravel(), strict=True)])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(expected[found == 0]))


def test_twin_of_fma_rounds_once_to_single_precision() -> None:
    # a tie of float32, but for a term that float64 would drop from the sum
    a, b = np.float32(1 + 2**-12), np.float32(1 + 2**-12)
    exact_tie = np.float32(1 + 2**-11)
    assert arithmetic._fma(a, b, np.float32(0)) == exact_tie
    for sign in (-1, 1):
        tiny = np.float32(sign * 2.0**-60)
        assert arithmetic._fma(a, b, tiny) == (exact_tie if sign < 0 else np.nextafter(exact_tie, np.float32(2)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_twins_of_what_looks_at_bits(dtype: Any) -> None:
    @numba.njit
    def compiled(x: Any, out: Any) -> None:
        for i in range(len(x)):
            out[i, 0], out[i, 1] = arithmetic.power_of_two(x[i])
            out[i, 2] = arithmetic._cube_root_guess(x[i])
            out[i, 3] = arithmetic.resolution(x[i])
            out[i, 4] = arithmetic.like(1 / 3, x[i])

    numbers = np.abs(hard(dtype))
    expected = np.empty((len(numbers), 5), dtype)
    compiled(numbers, expected)
    alone = (arithmetic._guessed_cube_root, arithmetic._resolution, lambda x: arithmetic._like(1 / 3, x))
    twins = [[*arithmetic._power_of_two(x), *(twin(x) for twin in alone)] for x in numbers]
    assert {type(one) for row in twins for one in row} == {dtype}
    np.testing.assert_array_equal(np.array(twins), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_twins_of_streaming(dtype: Any) -> None:
    @numba.njit
    def compiled(out: Any, scratch: Any, at: Any) -> Any:
        memory.stream(out, at, scratch, 1)
        return memory.until_aligned(out, 1), memory.stream_lanes(out)

    scratch, out = np.arange(40, dtype=dtype), np.zeros(80, dtype)
    expected = out.copy()
    aligned = 1 + memory._until_aligned(out, 1)
    found = compiled(out, scratch, aligned)
    assert found == (memory._until_aligned(out, 1), memory._lanes_of(out))
    memory._streamed(expected, aligned, scratch, 1)
    np.testing.assert_array_equal(out, expected)
    assert out.any()
