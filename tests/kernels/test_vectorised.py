# SPDX-License-Identifier: BSD-3-Clause
"""The machine code of the hot loops works on vectors, so that a compiler that loses this is noticed."""

from __future__ import annotations

import json
import platform
import re
from collections import Counter
from pathlib import Path

import llvmlite.binding
import programs
import pytest

FEATURES = llvmlite.binding.get_host_cpu_features() or {}
pytestmark = [
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"), reason="reads the names of instructions of x86-64 only"
    ),
    pytest.mark.skipif(
        not (FEATURES.get("avx2") and FEATURES.get("fma")), reason="this processor has no AVX2 or no FMA to be used"
    ),
]

# Prints the machine code of each kernel, compiled anew: that of kernels from the disk cache cannot be had.
PROGRAM = """
import json, sys
import numpy as np
import fieldgrad as fg
from fieldgrad.kernels import engine, launch

x = np.arange(12.0) ** 1.5
found = {}
for work in sys.argv[1:]:
    name, dtype, accuracy = work.split(",")
    fields = np.zeros((3, 12, 12, 12), dtype)
    before = set(engine.sweep.overloads)
    if name == "gradient":
        fg.array.gradient(fields[0], x, x, x, accuracy=int(accuracy))
    else:
        fg.array.derive(list(fields), name, x, x, x, accuracy=int(accuracy))
    (signature,) = set(engine.sweep.overloads) - before
    found[work] = engine.sweep.inspect_asm(signature)
print(json.dumps(found))
"""
#: For each work the derivatives of a point: as many differences to the centre as accuracy, each times a weight.
DERIVATIVES = {"gradient": 3, "q_criterion": 9}
SUFFIXES = {"float64": "pd", "float32": "ps"}
WORK = ["gradient,float32,2", "q_criterion,float64,2", "q_criterion,float64,8"]
# A mnemonic, and operands of which one is a whole register of 32 or 64 bytes.
WIDE = re.compile(r"^\s+(v\w+)\s+.*%[yz]mm", re.MULTILINE)


def compiled(folder: Path, *work: str, **environment: str) -> dict[str, str]:
    """The machine code of kernels, by a new process with an empty cache."""
    ended = programs.run(folder, PROGRAM, *work, NUMBA_CACHE_DIR=str(folder / "kernels"), **environment)
    assert ended.code == 0, ended.err
    found: dict[str, str] = json.loads(ended.out)
    return found


def on_vectors(code: str, suffix: str) -> Counter[str]:
    """How many instructions of wide vectors there are of each kind: sub and fma."""
    counts: Counter[str] = Counter()
    for name in WIDE.findall(code):
        if kind := re.fullmatch(rf"v(sub|fn?m(?:add|sub)\d+){suffix}", name):
            counts["fma" if kind[1].startswith("f") else kind[1]] += 1
    return counts


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return compiled(tmp_path_factory.mktemp("vectorised"), *WORK)


@pytest.mark.parametrize("work", WORK)
def test_all_derivatives_of_a_point_are_taken_on_vectors(code: dict[str, str], work: str) -> None:
    name, dtype, accuracy = work.split(",")
    counts = on_vectors(code[work], SUFFIXES[dtype])
    derivatives = DERIVATIVES[name]
    assert counts["sub"] >= int(accuracy) * derivatives, counts
    assert counts["fma"] >= (int(accuracy) - 1) * derivatives, counts


def test_rows_of_the_next_plane_are_fetched(code: dict[str, str]) -> None:
    assert all(re.search(r"^\s+prefetcht1\b", code[work], re.MULTILINE) for work in WORK)


@pytest.mark.slow
def test_a_loop_that_is_not_vectorised_is_noticed(tmp_path: Path) -> None:
    work = "q_criterion,float64,2"
    found = compiled(tmp_path, work, NUMBA_LOOP_VECTORIZE="0", NUMBA_SLP_VECTORIZE="0")
    assert re.search(r"\bvsubsd\b", found[work])
    assert not on_vectors(found[work], "pd")
