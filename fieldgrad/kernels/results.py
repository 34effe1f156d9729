# SPDX-License-Identifier: BSD-3-Clause
"""Memory of large results: what is no longer used is kept for the next one, as long as the system does not want it.

The system clears new memory before it hands it out, which moves as many bytes as the result: the gradient of a scalar
takes twice as long in new memory as in memory that was written before (two threads, 250^3: 38 and 18 ms; on a virtual
machine that has to ask its host first up to a second). In a loop over time steps the results of one step are gone
when those of the next but one are computed. Their memory is marked as free (``MADV_FREE``): the system takes it when it
is short of memory, before anything is swapped out, and what it has not taken until then is used again as it is.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fieldgrad.kernels.threads import TOUCHED_FROM, touch

_CAN_KEEP = hasattr(mmap, "MADV_FREE")
# What is kept at most, as a fraction of the memory of this machine.
_KEPT_FRACTION = 1 / 8
# A result takes no kept block more than so many times its size, which would be lost for larger ones.
_LARGEST = 2


class _Block(NamedTuple):
    """A mapping of memory, and its bytes as an array."""

    mapping: mmap.mmap
    memory: NDArray[np.uint8]


class _Loan:
    """What an array on a block refers to: the block comes back when the last such array is gone."""

    def __init__(self, block: _Block) -> None:
        self.__array_interface__ = block.memory.__array_interface__
        # at exit there is nothing to give back to
        weakref.finalize(self, _kept.take_back, block).atexit = False


class _Kept:
    """Blocks that nothing refers to, the one that came back last at the end."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        # an array may go while this thread works on the list
        self.lock = threading.RLock()

    def lend(self, size: int) -> _Block | None:
        """The smallest block that fits."""
        with self.lock:
            fitting = [block for block in self.blocks if size <= len(block.mapping) <= _LARGEST * size]
            if not fitting:
                return None
            block = min(fitting, key=lambda block: len(block.mapping))
            self.blocks = [one for one in self.blocks if one is not block]
            return block

    def take_back(self, block: _Block) -> None:
        """Keep a block, and return those that came back first to the system if there are too many."""
        try:
            block.mapping.madvise(mmap.MADV_FREE)
        except OSError:
            return
        with self.lock:
            self.blocks = [*self.blocks, block]
            while sum([len(one.mapping) for one in self.blocks]) > _most():
                self.blocks = self.blocks[1:]


_kept = _Kept()


def _most() -> int:
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * _KEPT_FRACTION)


def empty(shape: Sequence[int], dtype: Any) -> NDArray[Any]:
    """Memory for a result in C order, found and ready to be written, as :func:`numpy.empty` returns it.

    Kept memory is used for large results, in the main thread (workers of dask watch how much memory their process
    holds), where the system can mark memory as free.

    Parameters
    ----------
    shape : sequence of int
        Shape of the result.
    dtype : dtype
        Its dtype.

    Returns
    -------
    ndarray
        Of any values.

    Raises
    ------
    MemoryError
        If there is no memory.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < TOUCHED_FROM or not _CAN_KEEP or threading.current_thread() is not threading.main_thread():
        found: NDArray[Any] = np.empty(shape, dtype)
        touch(found.reshape(-1))
        return found
    block = _kept.lend(size)
    if block is None:
        block = _new(size)
        touch(block.memory)
    lent: NDArray[Any] = np.asarray(_Loan(block))[:size].view(dtype)
    return lent.reshape(shape)


def _new(size: int) -> _Block:
    try:
        mapping = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(str(error)) from None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without huge pages
            mapping.madvise(mmap.MADV_HUGEPAGE)
    return _Block(mapping, np.frombuffer(mapping, np.uint8))
