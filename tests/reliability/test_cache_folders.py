# SPDX-License-Identifier: BSD-3-Clause
"""Where kernels are kept: installs, homes and folders that cannot be written or are shared by versions and processes.

Damaged files are in kernels/test_cache_damage.py, an edited formula in kernels/test_cache.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import PACKAGE, Ended, run

pytestmark = pytest.mark.slow

# The sum of the derivatives of 1 x, 2 y, 3 z; prints it, what was compiled and loaded, and where from.
PROGRAM = """
import sys, warnings
import numpy as np

warnings.simplefilter("always")
import fieldgrad as fg

z, y, x = np.meshgrid(*[np.arange(6.0)] * 3, indexing="ij")
for name in sys.argv[1:] or ["divergence"]:
    found = fg.array.derive([x, 2 * y, 3 * z], name, *[np.arange(6.0)] * 3, axes=(2, 1, 0))[name]
    print(name, found.min(), found.max())
from fieldgrad.kernels import engine
stats = engine.sweep.stats
print("misses", sum(stats.cache_misses.values()), "hits", sum(stats.cache_hits.values()))
print("cache", stats.cache_path)
"""


def copied(folder: Path) -> Path:
    """The package in a folder of its own, without anything compiled."""
    target = folder / "fieldgrad"
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc"))
    return target


def blocked(path: Path) -> Path:
    """A place where nobody, not even root, can make a folder."""
    path.write_text("a file")
    return path


def checked(ended: Ended, expected: str = "divergence 6.0 6.0") -> str:
    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[0] == expected
    return ended.out


def homes(folder: Path) -> dict[str, str]:
    return {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "NUMBA_CACHE_DIR": ""}


def test_a_read_only_install_keeps_kernels_in_the_home_folder(tmp_path: Path) -> None:
    package = copied(tmp_path / "site")
    blocked(package / "kernels" / "__pycache__")
    (tmp_path / "home").mkdir()
    for misses, hits in ((1, 0), (0, 1)):
        ended = run(tmp_path, PROGRAM, package=package, **homes(tmp_path / "home"))
        out = checked(ended)
        assert f"misses {misses} hits {hits}" in out
        assert str(tmp_path / "home") in out
        assert ended.err == ""


def test_neither_install_nor_home_can_be_written(tmp_path: Path) -> None:
    package = copied(tmp_path / "site")
    blocked(package / "kernels" / "__pycache__")
    ended = run(tmp_path, PROGRAM, package=package, **homes(blocked(tmp_path / "home")))
    assert "cache None" in checked(ended)
    assert ended.err.count("RuntimeWarning") == 1
    assert "NUMBA_CACHE_DIR" in ended.err
    # a folder that is named heals it
    ended = run(
        tmp_path, PROGRAM, package=package, **homes(tmp_path / "home") | {"NUMBA_CACHE_DIR": str(tmp_path / "named")}
    )
    assert str(tmp_path / "named") in checked(ended)
    assert ended.err == ""


def test_a_named_folder_that_cannot_be_written_is_passed_over(tmp_path: Path) -> None:
    package = copied(tmp_path / "site")
    ended = run(tmp_path, PROGRAM, package=package, NUMBA_CACHE_DIR=str(blocked(tmp_path / "named")))
    assert str(package) in checked(ended)
    assert ended.err == ""


def test_two_versions_share_a_folder(tmp_path: Path) -> None:
    """Each finds its own kernels, in turn."""
    old, new = copied(tmp_path / "old"), copied(tmp_path / "new")
    formula = new / "kernels" / "points.py"
    text = formula.read_text(encoding="utf-8")
    assert text.count("return L[0][0] + L[1][1] + L[2][2]") == 1
    formula.write_text(text.replace("return L[0][0] + L[1][1] + L[2][2]", "return L[0][0] + L[1][1] - L[2][2]"))
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for hits in (0, 1):
        for package, value in ((old, 6.0), (new, 0.0)):
            out = checked(run(tmp_path, PROGRAM, package=package, **cache), f"divergence {value} {value}")
            assert f"hits {hits}" in out


def test_processes_that_fill_one_folder_at_once(tmp_path: Path) -> None:
    """Every one gets its own kernels, and later ones never another's."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    # Q = -D:D / 2 = -(1 + 4 + 9) / 2, the second invariant (tr(L)^2 - tr(L L)) / 2 = (36 - 14) / 2
    values = {"divergence": "6.0 6.0", "q_criterion": "-7.0 -7.0", "second_invariant": "11.0 11.0"}
    names = list(values) * 2
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(PACKAGE.parent)}
    for _ in range(3):
        processes = [
            subprocess.Popen(
                [sys.executable, str(script), name],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        for name, process in zip(names, processes, strict=True):
            out, err = process.communicate(timeout=240)
            assert (process.returncode, err) == (0, "")
            assert out.splitlines()[0] == f"{name} {values[name]}"
