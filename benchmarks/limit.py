# SPDX-License-Identifier: BSD-3-Clause
"""The limit: loops that read and write the same arrays, on as many threads, and compute nothing.

There are two, of which the faster one counts: with the usual stores, which read what they overwrite into the cache, and
with stores past the caches.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np

from fieldgrad.kernels.memory import fence, stream, stream_lanes, until_aligned

# Elements of a range for one thread; of a piece, after which another output has its turn; of one that is joined.
_RANGE = 1 << 18
_PIECE = 1 << 14
_JOINED = 512

# Elements are reached through slices: an index that may be negative keeps a loop from vectorising.


@numba.njit(nogil=True)
def _copy(source: Any, target: Any) -> None:
    for i in range(len(target)):
        target[i] = source[i]


@numba.njit(nogil=True)
def _copy_past(source: Any, target: Any) -> None:
    """Store past the caches whatever is aligned."""
    lanes = stream_lanes(target)
    first = min(until_aligned(target, 0), len(target))
    last = first + (len(target) - first) // lanes * lanes
    _copy(source[:first], target[:first])
    for i in range(first, last, lanes):
        stream(target, i, source, i)
    _copy(source[last:], target[last:])


@numba.njit(nogil=True)
def _spread(sources: Any, targets: Any, start: int, stop: int, past: bool) -> None:
    for begin in range(start, stop, _PIECE):
        part = slice(begin, min(stop, begin + _PIECE))
        for number in range(len(targets)):
            source = sources[number * len(sources) // len(targets)][part]
            if past:
                _copy_past(source, targets[number][part])
            else:
                _copy(source, targets[number][part])
    fence()


@numba.njit(nogil=True)
def _add(sources: Any, part: slice, target: Any) -> None:
    a, b, c = sources[0][part], sources[1][part], sources[-1][part]
    if len(sources) == 2:
        for i in range(len(target)):
            target[i] = a[i] + b[i]
    else:
        for i in range(len(target)):
            target[i] = a[i] + b[i] + c[i]


@numba.njit(nogil=True)
def _join(sources: Any, targets: Any, start: int, stop: int, past: bool) -> None:
    target = targets[0]
    if past:
        scratch = np.empty(_JOINED, target.dtype)
        for begin in range(start, stop, _JOINED):
            part = slice(begin, min(stop, begin + _JOINED))
            row = scratch[: part.stop - begin]
            _add(sources, part, row)
            _copy_past(row, target[part])
        fence()
    else:
        _add(sources, slice(start, stop), target[start:stop])


def streams(inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> dict[str, Callable[[], None]]:
    """Calls that read all inputs once and write all outputs once.

    Two or three inputs of one output are added, which costs nothing beside the memory.
    """
    sources, targets = (tuple(array.reshape(-1) for array in arrays) for arrays in (inputs, outputs))
    if len(targets) < len(sources) and (len(targets) > 1 or len(sources) > 3):
        raise ValueError(f"{len(sources)} inputs and {len(targets)} outputs: there is no loop for these")
    size = targets[0].size
    function = _spread if len(targets) >= len(sources) else _join
    threads = numba.get_num_threads()
    pool = ThreadPoolExecutor(max(threads - 1, 1), "limit")

    def run(past: bool) -> None:
        starts = itertools.count(0, _RANGE)

        def work() -> None:
            while (start := next(starts)) < size:
                function(sources, targets, start, min(size, start + _RANGE), past)

        helpers = [pool.submit(work) for _ in range(threads - 1)]
        work()
        for helper in helpers:
            helper.result()

    return {"limit": lambda: run(False), "limit past caches": lambda: run(True)}


def write(outputs: Sequence[np.ndarray]) -> Callable[[], None]:
    """A call that writes all outputs once, and reads only what stays in the cache."""
    threads = numba.get_num_threads()
    pool = ThreadPoolExecutor(threads, "limit")
    pieces = [piece for array in outputs for piece in np.array_split(array.reshape(-1), threads)]
    return lambda: list(pool.map(lambda piece: piece.fill(1.0), pieces)) and None
