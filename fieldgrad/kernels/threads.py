# SPDX-License-Identifier: BSD-3-Clause
"""Shares the tasks of a kernel out to threads.

The kernel is one serial function that releases the GIL. Eager calls from the main thread run it on several ranges of
tasks at once, from threads of this process; every other call (a worker of dask, a thread of the user's) runs it alone.
So there is one compiled kernel where numba's own parallel loops need two, no threading layer that aborts on concurrent
use or dies in a forked child, and Ctrl-C is seen between ranges. The threads cost about 50 microseconds a call, which
small fields do not pay.

Memory that was never written costs more than the kernel: the system finds it page by page, and clears it. A range of
tasks writes a few rows of every plane of its output, hence the first ones would wait for all pages, seconds for a few
gigabytes. So large results are touched when they are allocated, some pages at a time.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numba
from numpy.typing import NDArray

from fieldgrad import progress

# Values written below which threads cost more than they save (32^3 takes 0.15 ms on one core).
SERIAL_BELOW = 60_000
# Values written by one range of tasks: about 20 ms, so that an interrupt is seen soon.
RANGE = 4_000_000
# Ranges for each thread, at least: while the last one is worked on the other threads rest. Two threads, ms, the Q
# criterion at 320^3, of 20 tasks: 65 with 8, of which some had two tasks, 59 so.
_RANGES = 16
# Bytes of a new result from which its memory is touched first.
TOUCHED_FROM = 1 << 26
# Bytes that are touched in one go, and the smallest page.
_TOUCH, _PAGE = 1 << 25, 4096


class _Threads:
    """Threads of this process that run kernels; made at the first large call, and anew in a forked child."""

    def __init__(self) -> None:
        self.pool: ThreadPoolExecutor | None = None
        self.workers = 0

    def submit(self, workers: int, function: Callable[[], None]) -> list[Future[None]]:
        if self.pool is None or self.workers < workers:
            if self.pool is not None:
                self.pool.shutdown(wait=False)
            self.pool, self.workers = ThreadPoolExecutor(workers, "fieldgrad"), workers
        return [self.pool.submit(function) for _ in range(workers)]

    def forget(self) -> None:
        self.pool, self.workers = None, 0


_threads = _Threads()
# Whether this thread works on a piece of a larger work, whose other pieces others work on.
_here = threading.local()
if hasattr(os, "register_at_fork"):  # pragma: no branch (Windows has none)
    os.register_at_fork(after_in_child=_threads.forget)


def workers(values: int) -> int:
    """Threads that run a call which writes so many values."""
    if values < SERIAL_BELOW or _is_helper() or threading.current_thread() is not threading.main_thread():
        return 1
    return int(numba.get_num_threads())


def _is_helper() -> bool:
    return getattr(_here, "working", False)


def share(function: Callable[..., None], arguments: tuple[Any, ...], tasks: int, values: int) -> None:
    """Run all tasks: alone, or on several threads that take one range of tasks after the other."""
    threads = workers(values)
    pieces = min(tasks, max(-(-values // RANGE), 1 if threads == 1 else _RANGES * threads))
    call = progress.open_call() if values > RANGE and not _is_helper() else None
    if call is not None:
        call.begin("computing", pieces)

    def run(number: int) -> None:
        if call is not None:
            call.done = number
        function(*arguments, tasks * number // pieces, tasks * (number + 1) // pieces)

    _in_turn(run, pieces, threads)


def touch(memory: NDArray[Any]) -> None:
    """Have the system find the memory of one row of numbers, which will be written all over, where that takes long."""
    if memory.nbytes < TOUCHED_FROM:
        return
    step, page = _TOUCH // memory.itemsize, _PAGE // memory.itemsize

    def run(number: int) -> None:
        memory[number * step : (number + 1) * step : page] = 0

    _in_turn(run, -(-memory.size // step), workers(memory.size))


def _in_turn(run: Callable[[int], None], pieces: int, threads: int) -> None:
    """Run all pieces of a work, each thread one after the other. An interrupt is seen between them."""
    ranges = itertools.count()
    stopped = False

    def work() -> None:
        within, _here.working = _is_helper(), True
        try:
            while not stopped and (number := next(ranges)) < pieces:
                run(number)
        finally:
            _here.working = within

    if threads == 1 or pieces == 1:
        work()
        return
    helpers = _threads.submit(min(threads, pieces) - 1, work)
    errors: list[BaseException] = []
    try:
        work()
    except BaseException as error:
        errors.append(error)
    # After an interrupt the other threads finish the range at hand: the output must not be written once we have
    # returned. A second interrupt, which comes while we wait for them, waits too.
    stopped = True
    for helper in helpers:
        while True:
            try:
                error_of_helper = helper.exception()
            except BaseException as error:
                errors.append(error)
                continue
            break
        if error_of_helper is not None:
            errors.append(error_of_helper)
    if errors:
        raise errors[0]
