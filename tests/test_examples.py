# SPDX-License-Identifier: BSD-3-Clause
"""Every example runs as a script, without warnings, and says something."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# These solve equations, start processes, or compile kernels that nothing else here needs. The gallery runs all, and
# fails with any, whenever the documentation is built.
SLOW = {
    *("bivariate_normal", "cavity", "dask_cluster", "divergence_free_piv", "first_notebook", "lambda2_isosurface"),
    *("own_quantity", "piv", "pressure_from_gradient", "rq_map", "smoothing", "taylor_green"),
}
EXAMPLES = sorted(Path(__file__).parents[1].glob("examples/*.py"))


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize(
    "script",
    [pytest.param(script, marks=pytest.mark.slow if script.stem in SLOW else ()) for script in EXAMPLES],
    ids=[script.stem for script in EXAMPLES],
)
def test_example(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not done.stderr, done.stderr
