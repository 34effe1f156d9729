# SPDX-License-Identifier: BSD-3-Clause
"""Progress bars of calls that last: drawn on terminals and notebooks that are not there, by clocks that do not wait."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from contract_operators import ON_ARRAYS, ON_LABELS

import fieldgrad as fg
from fieldgrad import bars, cli, progress
from fieldgrad.kernels import threads

pytest.importorskip("rich")


class Terminal(io.StringIO):
    """A terminal that keeps all that was ever written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.monkeypatch = monkeypatch

    def connect(self) -> None:
        """Make it that of the process; for a fixture this is too early, since pytest captures anew behind them."""
        self.monkeypatch.setattr(sys, "stderr", self)

    def isatty(self) -> bool:
        return True


class Clock:
    """Time that passes where somebody waits; a script says what happens meanwhile."""

    def __init__(self, *events: Callable[[], object]) -> None:
        self.now, self.waits, self.events = 100.0, [], list(events)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        if not self.events:
            return True
        self.events.pop(0)()
        return False


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    yield Terminal(monkeypatch)
    assert progress.open_call() is None
    assert not [thread for thread in threading.enumerate() if thread.name == "fieldgrad-progress"]


def call_from(clock: Clock) -> progress.Call:
    call = progress.Call("derive", lambda call: lambda: None)
    call.began = clock.now
    return call


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_call_of_less_than_two_seconds_draws_nothing(terminal: Terminal) -> None:
    terminal.connect()
    clock = Clock()
    call = call_from(clock)
    clock.now += 0.5
    bars._draw(call, clock.wait, clock)
    assert clock.waits == [1.5]
    assert terminal.getvalue() == ""


def test_a_longer_call_shows_how_far_it_is_and_leaves_nothing(terminal: Terminal) -> None:
    terminal.connect()
    clock = Clock(lambda: None, lambda: setattr(call, "done", 3), lambda: call.begin("computing", 10))
    call = call_from(clock)
    call.begin("computing", 4)
    call.done = 1
    bars._draw(call, clock.wait, clock)
    assert clock.waits == [2.0, 0.1, 0.1, 0.1]
    drawn = terminal.getvalue()
    states = ["derive: computing", "25%", "0:00:02", "75%", "derive: computing, pass 2", "0%"]
    places = [drawn.index(state) for state in states[:-1]]
    assert places == sorted(places)
    assert states[-1] in drawn[places[-1] :]
    # the line is erased, and the cursor is there again
    assert drawn[drawn.rindex("0:00") :].count("\x1b[2K") >= 1
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert drawn[drawn.rindex("\x1b[2K") :] == "\x1b[2K"


def test_what_cannot_be_counted_moves_without_a_percentage(terminal: Terminal) -> None:
    terminal.connect()
    clock = Clock(lambda: None)
    call = call_from(clock)
    call.begin("compiling")
    bars._draw(call, clock.wait, clock)
    assert "derive: compiling" in terminal.getvalue()
    assert "0%" not in terminal.getvalue()


@bars.watched
def work(terminal: Terminal, expected: str) -> str:
    """Work that lasts until the bar says something, or does not last where it never will."""
    call = progress.open_call()
    assert call is not None
    call.begin("computing", 4)
    call.done = 1
    if expected:
        until(lambda: expected in terminal.getvalue())
    return "result"


def test_a_watched_call_has_a_bar_of_its_own(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    monkeypatch.setattr(bars, "DELAY", 0.0)
    assert work(terminal, "25%") == "result"
    assert "work: computing" in terminal.getvalue()


def test_calls_within_a_call_are_part_of_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    monkeypatch.setattr(bars, "DELAY", 0.0)

    @bars.watched
    def outer() -> None:
        work(terminal, "25%")
        assert progress.open_call() is not None

    outer()
    assert "outer: computing" in terminal.getvalue()
    assert "work:" not in terminal.getvalue()


def test_an_error_ends_the_bar(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    monkeypatch.setattr(bars, "DELAY", 0.0)

    @bars.watched
    def fails() -> None:
        work(terminal, "25%")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    drawn = terminal.getvalue()
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("25%")


def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "isatty", lambda self: False)


def no_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)


def of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars, "parent_process", lambda: "the process of the user")


QUIET = {
    "no terminal": no_terminal,
    "no standard error": no_standard_error,
    "a service that runs tests": lambda monkeypatch: monkeypatch.setenv("CI", "true"),
    "a dumb terminal": lambda monkeypatch: monkeypatch.setenv("TERM", "dumb"),
    "a process of a worker": of_a_worker,
    "not wanted": lambda monkeypatch: monkeypatch.setattr(bars, "_wanted", False),
    "no rich": lambda monkeypatch: monkeypatch.setitem(sys.modules, "rich.progress", None),
}


@pytest.mark.parametrize("where", QUIET)
def test_nothing_is_shown_where_nobody_looks(where: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    monkeypatch.setattr(bars, "DELAY", 0.0)
    QUIET[where](monkeypatch)
    assert work(terminal, "") == "result"
    assert terminal.getvalue() == ""


def test_nothing_is_shown_below_dask(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    dask = pytest.importorskip("dask")
    monkeypatch.setattr(bars, "DELAY", 0.0)
    assert dask.delayed(work)(terminal, "").compute(scheduler="synchronous") == "result"
    assert terminal.getvalue() == ""


def test_other_threads_open_no_call(terminal: Terminal) -> None:
    terminal.connect()
    found: list[Any] = []
    look = bars.watched(lambda: found.append(progress.open_call()))
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    # nor do they tell of work in a call of the main thread
    inner = bars.watched(lambda: (lambda thread: (thread.start(), thread.join()))(threading.Thread(target=look)))
    inner()
    assert found == [None, None]


def test_a_terminal_that_has_gone_disturbs_no_work(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    tried = threading.Event()

    def write(self: Terminal, text: str) -> int:
        tried.set()
        raise OSError("Input/output error")

    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(Terminal, "write", write)

    @bars.watched
    def waits() -> str:
        work(terminal, "")
        assert tried.wait(20)
        return "result"

    assert waits() == "result"


def test_a_notebook_shows_one_output_that_is_empty_in_the_end(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.connect()
    shown: list[str] = []

    def display(empty: Any, *, raw: bool, display_id: bool) -> SimpleNamespace:
        assert display_id
        update(empty, raw=raw)
        return SimpleNamespace(update=update)

    def update(bar: Any, *, raw: bool = False) -> None:
        shown.append((bar if raw else bar._repr_mimebundle_([], []))["text/plain"])

    no_terminal(monkeypatch)
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel="one"))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    assert bars._seen_by_someone()
    clock = Clock(lambda: None, lambda: setattr(call, "done", 3))
    call = call_from(clock)
    call.begin("computing", 4)
    bars._draw(call, clock.wait, clock)
    assert len(shown) == 4
    assert "0%" in shown[1]
    assert "75%" in shown[2]
    assert shown[0] == shown[3] == ""
    assert terminal.getvalue() == ""


def test_a_setting_turns_bars_off(terminal: Terminal) -> None:
    terminal.connect()
    try:
        fg.show_progress(False)
        assert not bars._wanted
    finally:
        fg.show_progress()
    assert bars._wanted
    with pytest.raises(TypeError, match=r"^on: is 'no'; pass True or False$"):
        fg.show_progress("no")  # type: ignore[arg-type]


def test_the_command_line_shows_what_it_does_itself(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.connect()
    monkeypatch.setattr(bars, "DELAY", 0.0)
    monkeypatch.setattr(cli, "_app", lambda args: work(terminal, ""))
    cli.main(["info"])
    assert "computing" not in terminal.getvalue()


def test_every_public_operator_is_watched() -> None:
    """All that runs kernels; what does without them is never long."""
    without = {"mean"}
    for name in ON_LABELS:
        assert hasattr(getattr(fg, name), "__wrapped__") == (name not in without), name
    for name in ON_ARRAYS:
        assert hasattr(getattr(fg.array, name), "__wrapped__"), name


@pytest.mark.parametrize("count", [1, 2])
def test_kernels_tell_ranges_of_long_work(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "workers", lambda values: count)
    seen: list[int] = []
    call = progress.opened("test", lambda call: lambda: None)
    assert call is not None
    try:
        threads.share(lambda begin, end: seen.append(call.done), (), 100, threads.RANGE)
        assert (call.total, seen) == (0, [0] * len(seen))
        seen.clear()
        threads.share(lambda begin, end: seen.append(call.done), (), 100, 50 * threads.RANGE)
        assert call.total == 50
        # another thread may have taken a range between telling and looking
        assert np.abs(np.array(sorted(seen)) - np.arange(50)).max() < count
        assert call.part == "computing"
    finally:
        progress.close()
