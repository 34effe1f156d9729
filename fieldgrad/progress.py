# SPDX-License-Identifier: BSD-3-Clause
"""How far a call has come: told by the kernels that work, read by what shows it.

A call is that of a public function, with all that it calls in turn. One at most is open, and only the main thread opens
one (:mod:`fieldgrad.bars`); work in any other thread, or below no call, finds none and tells nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Call:
    """A call of a public function that has not returned.

    Parameters
    ----------
    name : str
        Name of the function.
    watch : callable
        Called once, with the call, at its first part that may last; what it returns is called at the end.
    """

    __slots__ = ("_close", "_watch", "began", "done", "name", "part", "passes", "total")

    def __init__(self, name: str, watch: Callable[[Call], Callable[[], None]]) -> None:
        self.name, self.began = name, time.monotonic()
        self.part, self.passes = "", 0
        self.done, self.total = 0, 0
        self._watch, self._close = watch, _nothing

    def begin(self, part: str, total: int = 0) -> None:
        """Go over to the next part, of so many pieces; zero where nobody knows how many there are."""
        self.part, self.done, self.total = part, 0, total
        self.passes += total > 0
        if self._close is _nothing:
            self._close = self._watch(self)

    def end(self) -> None:
        """Take what shows the call away."""
        self._close()


_open: Call | None = None


def opened(name: str, watch: Callable[[Call], Callable[[], None]]) -> Call | None:
    """Open a call; None if one is open, which this one is a part of, or in another thread than the main one."""
    global _open
    if _open is not None or not _in_main_thread():
        return None
    _open = Call(name, watch)
    return _open


def close() -> None:
    """End the call that is open."""
    global _open
    call, _open = _open, None
    assert call is not None
    call.end()


def open_call() -> Call | None:
    """The call that the work at hand belongs to, if it is to be told."""
    return _open if _open is not None and _in_main_thread() else None


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _nothing() -> None:
    """There is nothing to take away."""
