# SPDX-License-Identifier: BSD-3-Clause
"""Memory of results: used again when nothing refers to it, and never before."""

from __future__ import annotations

import gc
import mmap
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fieldgrad as fg
from fieldgrad.kernels import results

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_FREE"), reason="this system cannot mark memory as free")
PAGE = mmap.PAGESIZE


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[results._Kept]:
    """Small results count as large ones, and nothing is kept yet."""
    nothing = results._Kept()
    monkeypatch.setattr(results, "_kept", nothing)
    monkeypatch.setattr(results, "TOUCHED_FROM", PAGE)
    yield nothing
    gc.collect()


def address(array: Any) -> int:
    return int(array.ctypes.data)


def test_memory_that_nothing_refers_to_is_used_again(kept: results._Kept) -> None:
    first = results.empty((3, 4096), np.float64)
    assert (first.shape, first.dtype, first.flags.c_contiguous, first.flags.writeable) == (
        (3, 4096),
        np.float64,
        True,
        True,
    )
    first[...] = 7
    second = results.empty((3, 4096), np.float64)
    assert not np.shares_memory(first, second)
    second[...] = 8
    assert (first == 7).all()
    place = address(first)
    del first
    assert [len(block.mapping) for block in kept.blocks] == [3 * 4096 * 8]
    third = results.empty((2, 4096), np.float64)
    assert address(third) == place
    assert not kept.blocks
    third[...] = 9
    assert (second == 8).all()


def test_a_view_keeps_its_memory(kept: results._Kept) -> None:
    whole = results.empty((4, 2048), np.float32)
    row = whole[1].view(np.int32)[::2]
    row[...] = 5
    del whole
    assert not kept.blocks
    results.empty((4, 2048), np.float32)[...] = 1
    assert (row == 5).all()
    del row
    assert len(kept.blocks) == 2


def test_blocks_far_larger_than_the_result_are_left_for_larger_ones(kept: results._Kept) -> None:
    arrays = [results.empty((pages * PAGE,), np.uint8) for pages in (9, 4, 5)]
    places = [address(array) for array in arrays]
    del arrays
    assert len(kept.blocks) == 3
    assert address(results.empty((3 * PAGE,), np.uint8)) == places[1]  # the smallest that fits
    assert address(results.empty((5 * PAGE,), np.uint8)) == places[2]
    small = results.empty((2 * PAGE - 1,), np.uint8)
    assert address(small) not in places


def test_what_came_back_first_goes_when_too_much_is_kept(kept: results._Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_most", lambda: 5 * PAGE)
    arrays = [results.empty((pages * PAGE,), np.uint8) for pages in (2, 3, 1, 6)]
    for number, sizes in ((0, [2]), (0, [2, 3]), (0, [3, 1]), (0, [])):
        del arrays[number]
        assert [len(block.mapping) // PAGE for block in kept.blocks] == sizes


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux tells its memory in this file")
def test_no_more_is_kept_than_an_eighth_of_the_memory() -> None:
    total = re.search(r"MemTotal: +(\d+) kB", Path("/proc/meminfo").read_text())
    assert total is not None
    assert results._most() == pytest.approx(int(total[1]) * 1024 / 8, rel=1e-3)


def test_small_results_and_other_threads_have_memory_of_their_own(kept: results._Kept) -> None:
    assert results.empty((PAGE // 8 - 1,), np.float64).flags.owndata
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(results.empty, (PAGE,), np.float64).result().flags.owndata
    assert not kept.blocks


def test_a_system_that_cannot_mark_memory_as_free(kept: results._Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmap, "MADV_FREE", -1)
    array = results.empty((PAGE,), np.float64)
    array[...] = 1
    del array
    assert not kept.blocks
    monkeypatch.setattr(results, "_CAN_KEEP", False)
    assert results.empty((PAGE,), np.float64).flags.owndata


def test_a_system_without_huge_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", -1)
    results.empty((PAGE,), np.float64)[...] = 1
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE")
    results.empty((PAGE,), np.float64)[...] = 1


def test_more_memory_than_there_is() -> None:
    with pytest.raises(MemoryError):
        results.empty((1 << 52,), np.float64)


def test_results_of_a_loop_take_turns(kept: results._Kept) -> None:
    x = np.linspace(0.0, 1.0, 16) ** 2
    places, values = [], []
    gradient: Any = None
    for step in range(6):
        gradient = fg.array.gradient(step * x[:, np.newaxis, np.newaxis] * np.ones((16, 16, 16)), x, x, x, accuracy=2)
        places.append(address(gradient[0]))
        values.append(gradient[0].max())
    assert len(set(places)) == 2
    np.testing.assert_allclose(values, range(6), rtol=1e-12)
    assert len(kept.blocks) == 1
