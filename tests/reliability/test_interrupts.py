# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C in long work on large fields.

What the threads do is in kernels/test_engine.py, and the signals of the command line are in test_cli.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from programs import PACKAGE, check, end_group, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="there are no such signals"),
]

LONG = """
import signal, sys, threading, time
import numpy as np
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
import fieldgrad as fg

plane = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
field = np.broadcast_to(plane, (512, 1024, 1024))  # 2 GB of values
fg.array.laplacian(field[:8], 1.0, 1.0, 1.0)
try:
    print("begun", flush=True)
    while True:  # into memory that the system has yet to find, which takes seconds on some machines
        fg.array.laplacian(field, 1.0, 1.0, 1.0)
except KeyboardInterrupt:
    print("stopped", flush=True)
    print(sorted(thread.name for thread in threading.enumerate() if not thread.daemon), file=sys.stderr)
# the process goes on as if nothing had been
found = fg.array.laplacian(field[:8], 1.0, 1.0, 1.0)
assert np.array_equal(found, fg.array.laplacian(field[:8].copy(), 1.0, 1.0, 1.0))
print("done", flush=True)
"""


@pytest.mark.parametrize("delay", [0.1, 0.35, 0.8])
def test_an_operation_on_two_gigabytes_ends_within_a_second(delay: float, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(LONG)
    with subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "begun\n"
            time.sleep(delay)
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "stopped\n"
            taken = time.monotonic() - sent
            out, err = process.communicate(timeout=60)
        except BaseException:
            end_group(process)
            raise
    assert (process.returncode, out) == (0, "done\n"), err
    assert taken < 1


WATCHED = """
import signal, sys, time
import numpy as np, xarray as xr
import fieldgrad as fg

plane = np.random.default_rng(0).standard_normal((1024, 1024), dtype=np.float32)
field = np.broadcast_to(plane, (512, 1024, 1024))  # 2 GB of values
gaps = np.broadcast_to(np.repeat(plane, 2, axis=1)[:, ::2], field.shape)
axes = {dim: (dim, np.arange(float(size)), {"units": "m"}) for dim, size in zip("zyx", field.shape)}
call = {
    "single": lambda part: fg.array.laplacian(field[part], 1.0, 1.0, 1.0),
    "integers": lambda part: fg.array.laplacian(np.broadcast_to(plane.astype("i1"), field.shape)[part], 1.0, 1.0, 1.0),
    "gaps": lambda part: fg.array.laplacian(gaps[part], 1.0, 1.0, 1.0),
    "out with gaps": lambda part: fg.array.derivative(
        field[part], 1.0, out=np.empty((*field[part].shape[:2], 2048), "f4")[..., ::2]
    ),
    "masked": lambda part: fg.array.laplacian(
        np.ma.masked_array(field, np.broadcast_to(plane > 2, field.shape))[part], 1.0, 1.0, 1.0
    ),
    "labelled": lambda part: fg.gradient(xr.DataArray(field, dims=tuple("zyx"), coords=axes).isel(z=part)),
}[sys.argv[1]]
# integers become twice as many bytes, and the gradient of half the field is 3 GB
part = slice(256) if sys.argv[1] in ("integers", "labelled") else slice(None)
call(slice(8))
looks = []
signal.signal(signal.SIGALRM, lambda *_: looks.append(time.perf_counter()))
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
looks.append(time.perf_counter())
call(part)
looks.append(time.perf_counter())
signal.setitimer(signal.ITIMER_REAL, 0)
print(looks[-1] - looks[0], max(np.diff(looks)), "done")
"""


@pytest.mark.parametrize("which", ["single", "integers", "gaps", "out with gaps", "masked", "labelled"])
def test_signals_are_seen_all_along_an_operation_on_two_gigabytes(which: str, tmp_path: Path) -> None:
    """What takes long is a loop over pieces, also conversions and copies, and the search for memory."""
    ended = run(tmp_path, WATCHED, which)
    check(ended)
    total, longest, _ = ended.out.split()
    print(f"{which}: {total} s, the longest without a look at signals {longest} s")
    assert float(longest) < 0.8


@pytest.mark.parametrize("target", ["out.nc", "out.zarr"])
@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_an_interrupted_derivation_leaves_no_file(target: str, delay: float, tmp_path: Path) -> None:
    n = 160
    x = np.arange(float(n))
    values = np.random.default_rng(0).standard_normal((n, n, n))
    flow = xr.Dataset(dict.fromkeys("uvw", (("z", "y", "x"), values)), {d: (d, x, {"units": "m"}) for d in "zyx"})
    flow.to_netcdf(tmp_path / "flow.nc", engine="netcdf4", encoding={name: {"zlib": True} for name in "uvw"})
    code = (
        "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fieldgrad import cli\nsys.exit(cli.main(sys.argv[1:]))"
    )
    command = ["derive", "flow.nc", "-o", target, "-q", "velocity_gradient,q_criterion"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            until = time.monotonic() + 60
            while len(os.listdir(tmp_path)) == 1 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(delay)
            assert process.poll() is None, "it was ready before it could be interrupted"
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
            taken = time.monotonic() - sent
        except BaseException:
            end_group(process)
            raise
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert not (tmp_path / target).exists()
    left = [name for name in os.listdir(tmp_path) if name != "flow.nc"]
    # of Zarr finished pieces are kept under a hidden name, to be resumed
    assert left == [] or (left == [f".{target}.unfinished"] and "pieces are kept" in err)
    assert taken < 10
