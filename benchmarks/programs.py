# SPDX-License-Identifier: BSD-3-Clause
"""Programs that new processes run: what an import, a first call and a large call cost there."""

from __future__ import annotations

import textwrap
from pathlib import Path

IMPORT = """
    import time
    start = time.perf_counter()
    import {module}
    print(time.perf_counter() - start)
"""
# numba's own import belongs to the first call, in both
TRIVIAL = """
    import numpy as np, time
    field = np.ones(100)
    start = time.perf_counter()
    import trivial
    trivial.double(field)
    print(time.perf_counter() - start)
"""
FIRST = """
    import numpy as np, time
    import fieldgrad as fg
    field, x = np.ones((64, 64, 64)), np.arange(64.0)
    start = time.perf_counter()
    fg.array.gradient(field, x, x, x)
    print(time.perf_counter() - start)
"""
# beside numba's import
COLD = """
    import time
    import numpy as np
    import fieldgrad as fg
    import numba, fieldgrad.kernels.launch
    names = {names!r}
    x = np.arange(8.0)
    fields = [np.random.default_rng(i).standard_normal((8, 8, 8)) for i in range(3)]
    given = {{name: 1e-3 for one in names for name in fg.quantities()[one].parameters}}
    start = time.perf_counter()
    fg.array.derive(fields, names, x, x, x, accuracy={accuracy}, **given)
    print(time.perf_counter() - start)
"""
# Peak beyond inputs and outputs (MB). On Linux the peak that getrusage tells is at first that of the parent process.
MEMORY = """
    import re, resource
    from pathlib import Path
    import numpy as np
    import fieldgrad as fg

    def peak():
        status = Path("/proc/self/status")
        if status.exists():
            return int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1])
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    n, names = {n}, {names!r}
    rng = np.random.default_rng(0)
    nodes = [np.cumsum(rng.uniform(0.5, 1.5, n)) for _ in range(3)]
    fields = [rng.standard_normal((n, n, n)) for _ in range(3)]
    given = {{name: 1e-3 for one in names for name in fg.quantities()[one].parameters}}
    small = [field[:8, :8, :8].copy() for field in fields]
    fg.array.derive(small, names, *[x[:8] for x in nodes], **given)
    before = peak()
    results = fg.array.derive(fields, names, *nodes, **given)
    after = peak()
    print((after - before) / 1024 - sum(result.nbytes for result in results.values()) / 2**20)
"""


def write_trivial(folder: Path) -> None:
    """The module that `TRIVIAL` imports: a cached parallel function that does next to nothing."""
    text = """
        import numba, numpy as np

        @numba.njit(parallel=True, cache=True)
        def double(field):
            for i in numba.prange(len(field)):
                field[i] *= 2
    """
    (folder / "trivial.py").write_text(textwrap.dedent(text), encoding="utf-8")
