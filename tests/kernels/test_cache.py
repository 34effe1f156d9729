# SPDX-License-Identifier: BSD-3-Clause
"""Kernels on disk: found by the next process, and never after their sources have changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import fieldgrad

PACKAGE = Path(fieldgrad.__file__).parent

# Prints where the package is, the mean of each quantity, and what was compiled or loaded to get it.
PROGRAM = """
import json, sys
import numpy as np
import numba.core.event as event
compiled = event.RecordingListener()
event.register("numba:compile", compiled)
import fieldgrad
from fieldgrad.kernels import engine, launch
from fieldgrad.stencils import derivative_stencil

fields = [np.random.default_rng(seed).standard_normal((6, 7, 8)) for seed in range(3)]
tables = [derivative_stencil(np.arange(float(n))) for n in (8, 7, 6)]
values = {}
for name in sys.argv[1:]:
    out = np.empty((6, 7, 8))
    launch.evaluate(fields, [0, 1, 2], [2, 1, 0], tables, [launch.Request(name)], [], [out])
    values[name] = float(out.mean())
print(json.dumps({
    "package": fieldgrad.__file__,
    "values": values,
    "hits": sum(engine.sweep.stats.cache_hits.values()),
    "misses": sum(engine.sweep.stats.cache_misses.values()),
    "compiled": sorted({str(record.data["dispatcher"]) for _, record in compiled.buffer}),
}))
"""


def run(cache: Path, package: Path, *names: str) -> dict[str, Any]:
    """Evaluate quantities in a fresh process, with the kernels of one folder and the package of another."""
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": str(package.parent),
        # Python's own cache would miss an edit that leaves size and time as they were
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        cwd=package.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert Path(result["package"]).parent == package
    return result


def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, PACKAGE, "divergence")
    assert (first["hits"], first["misses"]) == (0, 1)
    assert any("sweep" in name for name in first["compiled"])
    second = run(tmp_path, PACKAGE, "divergence")
    assert (second["hits"], second["misses"]) == (1, 0)
    assert second["compiled"] == []
    assert second["values"] == first["values"]


def edit(path: Path, old: str, new: str) -> None:
    """Change a source behind the back of everything that looks at sizes and times."""
    before = path.stat()
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} no longer says {old!r} once: change this test with it"
    assert len(old) == len(new)
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package in a folder of its own, without anything compiled."""
    target = tmp_path / "site" / "fieldgrad"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc"))
    return target


def test_an_edited_source_is_never_served_from_a_stale_cache(tmp_path: Path, copied: Path) -> None:
    cache, kernels = tmp_path / "cache", copied / "kernels"
    before = run(cache, copied, "divergence")
    assert before["misses"] == 1
    # a formula
    formula, other = "return L[0][0] + L[1][1] + L[2][2]", "return L[0][0] + L[1][1] - L[2][2]"
    edit(kernels / "points.py", formula, other)
    edited = run(cache, copied, "divergence")
    assert edited["values"]["divergence"] != pytest.approx(before["values"]["divergence"], abs=1e-6)
    # undone: the first kernel is found again
    edit(kernels / "points.py", other, formula)
    again = run(cache, copied, "divergence")
    assert (again["values"], again["misses"]) == (before["values"], 0)
    # a helper, which every derivative goes through
    edit(kernels / "arithmetic.py", "return builder.fma(*args)", "return args[2]           ")
    edited = run(cache, copied, "divergence")
    assert edited["misses"] == 1
    assert edited["values"]["divergence"] != pytest.approx(before["values"]["divergence"], abs=1e-6)


def test_a_type_that_comes_from_a_pickle_learns_what_is_said_of_it_later() -> None:
    """As in a process that reads an index of kernels before it makes a call of the same kind."""
    from fieldgrad.kernels.spec import Point, Points, _recalled

    point = Point(print, "nobody has heard of this one")
    recalled = _recalled(Points, f"points[True/5/{point.label}]")
    with pytest.raises(AttributeError, match="staged"):
        recalled.staged  # noqa: B018
    made = Points((point,), True, 5)
    assert made is recalled
    assert (made.points, made.staged, made.first) == ((point,), True, 5)
