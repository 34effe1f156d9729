# SPDX-License-Identifier: BSD-3-Clause
"""Programs that tests run in a process of their own, since they may hang, crash, or change what others see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import fieldgrad

PACKAGE = Path(fieldgrad.__file__).resolve().parent


class Hangs(AssertionError):
    """A program that did not come to its end in time."""


@dataclass(frozen=True)
class Ended:
    """How a program ended, and what it printed."""

    code: int
    out: str
    err: str


def run(
    folder: Path,
    code: str,
    *arguments: str,
    package: Path = PACKAGE,
    seconds: float = 240,
    **environment: str,
) -> Ended:
    """Run a program as a script, which may start processes of its own.

    A program that takes longer is ended with all that it started, and is a failure of the test.
    """
    script = folder / "program.py"
    script.write_text(textwrap.dedent(code), encoding="utf-8")
    before = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(package.parent), *([before] if before else [])])
    with subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            end_group(process)
            out, err = process.communicate()
            raise Hangs(f"the program hangs; it printed {out!r} and {err[-2000:]!r}") from None
    return Ended(process.returncode, out, err)


def end_group(process: subprocess.Popen[str]) -> None:
    """End a program that leads a session, and the processes that it started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def check(ended: Ended, printed: str = "done") -> None:
    """Verify that a program came to its end, and complained of nothing."""
    assert ended.code == 0, ended.err
    assert ended.out.split()[-1:] == [printed], ended
    assert "Traceback" not in ended.err, ended.err
