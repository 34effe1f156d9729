# SPDX-License-Identifier: BSD-3-Clause
"""How times are taken: candidates in turn in one run, medians, and ratios within a round.

Each round runs every candidate, in turn, so that a busy machine slows all of them alike, with a pause before each in
which threads of the one before it come to rest, and, where it is short, one run before the one that counts, in which
its own threads wake up. Results are compared before they are timed.
"""

from __future__ import annotations

import math
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numba
import numpy as np
import xarray as xr

Work = dict[str, Callable[[], object]]
Times = dict[str, list[float]]

# Threads of JAX and OpenMP spin for some 10 ms after their work: q_criterion of 250^3 right after JAX's took 40 to 47
# ms on two cores, 30 to 33 after this pause.
_PAUSE = 0.1
# After a pause threads and processor wake up first: q_criterion of 250^3 took 31 to 34 ms right after it, 28 at once
# after another call. Seconds below which a run is short: what is slower does not feel it.
_SHORT = 0.5


def rounds(work: Work, repeat: int, *, warm: bool = True) -> Times:
    """Seconds of each candidate in each round; one more round before them, which compiles, is not counted."""
    times: Times = {name: [] for name in work}
    latest = dict.fromkeys(work, math.inf)
    for number in range(-1 if warm else 0, repeat):
        for name, function in work.items():
            time.sleep(_PAUSE)
            if latest[name] < _SHORT:
                function()
            start = time.perf_counter()
            function()
            latest[name] = time.perf_counter() - start
            if number >= 0:
                times[name].append(latest[name])
    return times


def ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Median of the ratios of a round."""
    return statistics.median(a / b for a, b in zip(numerator, denominator, strict=True))


def report(title: str, times: Times, base: str, goals: dict[str, float], unit: float = 1e3) -> None:
    """Medians, and how many times each candidate is faster than the base."""
    print(f"\n{title}")
    for name, seconds in times.items():
        goal = f"  (goal {goals[name]:g})" if name in goals else ""
        faster = ratio(times[base], seconds)
        print(f"  {name:34} {statistics.median(seconds) * unit:10.2f}   x {faster:6.2f}{goal}")


def many(function: Callable[[], object], calls: int = 100) -> Callable[[], None]:
    """Calls in a row, of work that is too short for the clock."""

    def run() -> None:
        for _ in range(calls):
            function()

    return run


def difference(a: np.ndarray, b: np.ndarray, scale: np.ndarray | None = None) -> float:
    """Largest difference, over the largest value of the second or of a third."""
    return float(np.abs(a - b).max() / np.abs(b if scale is None else scale).max())


def close(a: np.ndarray, b: np.ndarray, bound: float = 1e-12) -> None:
    """Both must agree to rounding, or the comparison means nothing."""
    error = difference(a, b)
    if not error < bound:
        raise SystemExit(f"results differ by {error:.3g} of the largest value")


def processor() -> str:
    """The name of the processor, as Linux knows it."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text().splitlines() if names.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def machine() -> str:
    """What times depend on."""
    return (
        f"{processor()}, {numba.get_num_threads()} threads, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, numba {numba.__version__}, xarray {xr.__version__}"
    )


def number_from_new_process(code: str, cache: Path) -> float:
    """What a program prints about itself."""
    program = textwrap.dedent(code)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=cache,
    )
    return float(done.stdout)
