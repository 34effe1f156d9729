# SPDX-License-Identifier: BSD-3-Clause
"""Memory: what is held after many calls, what is said where there is none, and indices beyond 32 bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from programs import check, run

import fieldgrad as fg

LEAK = """
import gc, os, sys
import numpy as np, xarray as xr, fieldgrad as fg

x = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 24))
values = np.random.default_rng(1).standard_normal((24, 24, 24))
flow = xr.Dataset({name: (("z", "y", "x"), values) for name in "uvw"}, {dim: x for dim in "zyx"})

def held():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def same(number):
    fg.array.gradient(values, x, x, x, accuracy=2)
    fg.gradient(flow.u)

def other(number):
    moved = x + 0.001 * number
    fg.array.gradient(values, moved, x, x, accuracy=2)
    fg.gradient(flow.u.assign_coords(x=moved))

def refused(number):
    try:
        fg.gradient(flow.u.assign_coords(x=np.zeros(24)))
    except ValueError:
        pass

call = {"same": same, "other": other, "refused": refused}[sys.argv[1]]
before = 400 if call is other else 100
for number in range(before):  # tables and kernels are kept, of the last grids
    call(number)
first = held()
for number in range(before, before + 1000):
    call(number)
grown = held() - first
assert grown <= 2**20, grown
print("done")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell what a process holds")
@pytest.mark.parametrize(
    "which", ["same", *(pytest.param(name, marks=pytest.mark.slow) for name in ("other", "refused"))]
)
def test_a_thousand_calls_hold_nothing(which: str, tmp_path: Path) -> None:
    """Calls on one grid, on a new one each time, and calls that are refused."""
    check(run(tmp_path, LEAK, which))


def huge(*shape: int, dtype: str = "f8") -> np.ndarray:
    """A field that takes no memory itself; its derivatives would take more than any machine has."""
    return np.broadcast_to(np.zeros(shape[-1], dtype), shape)


@pytest.mark.parametrize("dtype", ["f8", "i4", "f2"])
def test_memory_that_cannot_be_had_is_named_in_bytes(dtype: str) -> None:
    field = huge(2**30, 2**13, 8, dtype=dtype)
    wanted = field.size * (4 if dtype == "f2" else 8)
    with pytest.raises(MemoryError, match=rf"^memory: {wanted} bytes \(\d+\.0 GiB\) for an array .*dask"):
        fg.array.derivative(field, 1.0)
    with pytest.raises(MemoryError, match=rf"^memory: {wanted} bytes .*obj\.chunk\(\.\.\.\)"):
        fg.derivative(xr.DataArray(field, dims=("a", "b", "x"), coords={"x": np.arange(8.0)}), "x")


def test_memory_for_tensors_is_named_before_anything_is_computed() -> None:
    field = huge(2**30, 2**10, 8)
    for call, factor in (
        (lambda: fg.array.hessian(field, 1.0, axes=(2,)), 1),
        (lambda: fg.array.velocity_gradient([field], 1.0, axes=(2,)), 1),
        (lambda: fg.array.decompose(np.broadcast_to(field, (2, 2, *field.shape))), 4),
    ):
        with pytest.raises(MemoryError, match=rf"^memory: {factor * 8 * field.size} bytes"):
            call()


def test_offsets_beyond_32_bits(tmp_path: Path) -> None:
    """Rows that lie 2^20 numbers apart in a file of 2^31 numbers and more, of which next to nothing is on disk."""
    rows, apart = 2200, 2**20
    assert rows * apart > 2**31 + apart
    whole = np.memmap(tmp_path / "in", np.float64, "w+", shape=(rows, apart))
    target = np.memmap(tmp_path / "out", np.float64, "w+", shape=(rows, apart))
    field, out = whole[:, :16], target[:, :16]
    y = np.arange(float(rows))
    field[...] = np.add.outer((y % 7) ** 2, np.arange(16.0))
    expected = np.gradient(np.array(field), y, axis=0, edge_order=2)
    for given in (None, out):
        found = fg.array.derivative(field, y, axis=0, out=given)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.shares_memory(found, target)
    assert not target[-1, 16:40].any()


@pytest.mark.slow
def test_more_values_than_32_bits_count(tmp_path: Path) -> None:
    """The field is one plane seen many times, and so is its derivative, which takes 9 GB."""
    try:
        with open("/proc/meminfo") as file:
            free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable")) * 1024
    except OSError:
        pytest.skip("this system does not tell how much memory is free")
    if free < 12e9:
        pytest.skip(f"needs 12 GB of free memory, there are {free / 1e9:.0f}")
    plane = np.random.default_rng(0).standard_normal((4, 2**14 + 8), dtype=np.float32)
    count = 2**15
    field = np.broadcast_to(plane, (count, *plane.shape))
    assert field.size > 2**31
    x = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.5, plane.shape[1]))
    found = fg.array.derivative(field, x)
    expected = fg.array.derivative(plane, x)
    np.testing.assert_allclose(expected, np.gradient(plane.astype(float), x, axis=1, edge_order=2), rtol=0, atol=1e-4)
    for start in range(0, count, 2**10):
        assert (found[start : start + 2**10] == expected).all()
