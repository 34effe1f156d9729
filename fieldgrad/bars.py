# SPDX-License-Identifier: BSD-3-Clause
"""A progress bar for calls that last, where a person sees it.

A thread of its own draws the bar, so that kernels only count, and compilation, which counts nothing, can be seen too.
It is started at the first part of a call that may last (a kernel on millions of values, or one to compile), and draws
nothing for two seconds.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import parent_process
from types import FrameType
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from fieldgrad import progress

if TYPE_CHECKING:
    from rich.progress import Progress

# Seconds from the beginning of a call to its bar, and between two looks at how far it is.
DELAY = 2.0
PERIOD = 0.1

P = ParamSpec("P")
R = TypeVar("R")

_wanted = True


def show_progress(on: bool = True) -> None:
    """Show a progress bar for calls that last more than two seconds, or never show one.

    Bars are shown unless this turns them off. They appear in notebooks and in terminals only: never where standard
    error is a file or a pipe, where the environment variable ``CI`` is set, in threads and processes of workers, or
    below dask. They need rich, which the extra ``cli`` brings; without it nothing is shown.

    Parameters
    ----------
    on : bool
        Whether bars are shown from now on.

    Raises
    ------
    TypeError
        If `on` is no bool.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> fg.show_progress(False)
    >>> fg.show_progress(True)
    """
    global _wanted
    if not isinstance(on, bool):
        raise TypeError(f"on: is {on!r}; pass True or False")
    _wanted = on


def watched(function: Callable[P, R]) -> Callable[P, R]:
    """A public function whose calls have a bar if they last."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if progress.opened(function.__name__, _watch) is None:
            return function(*args, **kwargs)
        try:
            return function(*args, **kwargs)
        finally:
            progress.close()

    return call


@contextmanager
def silent() -> Iterator[None]:
    """Calls within have no bar: where the caller shows what is being done."""
    if progress.opened("silent", lambda call: _nothing) is None:
        yield
        return
    try:
        yield
    finally:
        progress.close()


def _nothing() -> None:
    """There is no bar to take away."""


def _watch(call: progress.Call) -> Callable[[], None]:
    """Start to draw a call; what is returned ends it."""
    if not (_wanted and _seen_by_someone()):
        return _nothing
    ended = threading.Event()
    thread = threading.Thread(target=_draw, args=(call, ended.wait), name="fieldgrad-progress", daemon=True)
    thread.start()

    def close() -> None:
        ended.set()
        thread.join()

    return close


def _seen_by_someone() -> bool:
    """Whether there is a notebook or a terminal, and this process is not one that works for another."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false") or parent_process() is not None or _below_dask():
        return False
    return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb")


def _below_dask() -> bool:
    """Whether dask computes this: its synchronous scheduler works in the main thread."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in ("dask", "distributed"):
            return True
        frame = frame.f_back
    return False


def _in_notebook() -> bool:
    """Whether IPython runs this for a front end, as Jupyter's kernel does."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _Screen(Protocol):
    """Where a bar is shown."""

    def show(self, bar: Progress) -> None:
        """Show the bar as it is now."""

    def clear(self) -> None:
        """Take it away."""


class _Terminal:
    """A line of the terminal, which is free again in the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        # standard output is left to the program, which may send it to a file
        console = Console(stderr=True)
        self.live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.live.start()

    def show(self, bar: Progress) -> None:
        self.live.update(bar.get_renderable(), refresh=True)

    def clear(self) -> None:
        self.live.stop()


class _Notebook:
    """An output of the cell, which is empty in the end. rich itself needs ipywidgets for that."""

    def __init__(self) -> None:
        from IPython.display import display

        # as text too, for what is exported without HTML
        self.empty = {"text/html": "", "text/plain": ""}
        self.handle = display(self.empty, raw=True, display_id=True)

    def show(self, bar: Progress) -> None:
        self.handle.update(bar)

    def clear(self) -> None:
        self.handle.update(self.empty, raw=True)


def _draw(call: progress.Call, wait: Callable[[float], bool], clock: Callable[[], float] = time.monotonic) -> None:
    """Show how far a call is, until `wait`, which takes seconds, says that it has ended."""
    if wait(max(call.began + DELAY - clock(), 0.0)):
        return
    # a bar that cannot be drawn (no rich, a terminal that has gone) is no reason to disturb the work
    with suppress(Exception):
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        bar = Progress(*columns, auto_refresh=False, get_time=clock)
        number = bar.add_task("", total=None)
        (task,) = bar.tasks
        task.start_time = call.began
        screen: _Screen = _Notebook() if _in_notebook() else _Terminal()
        try:
            while True:
                # how many passes over the fields a call takes is not known before its last one
                words = f"{call.name}: {call.part}" + (f", pass {call.passes}" if call.passes > 1 else "")
                task.total = call.total or None  # which an update cannot take away
                bar.update(number, description=words, completed=call.done)
                screen.show(bar)
                if wait(PERIOD):
                    break
        finally:
            screen.clear()
