# SPDX-License-Identifier: BSD-3-Clause
"""Operators on the workers of a cluster: the same bits, errors that arrive, and workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

RNG = np.random.default_rng(5)
SIZES = {"time": 3, "z": 8, "y": 7, "x": 9}
COORDS = {
    dim: (dim, np.cumsum(RNG.uniform(0.5, 1.5, n)), {"units": "s" if dim == "time" else "m"})
    for dim, n in SIZES.items()
}
FLOW = xr.Dataset(
    {name: (tuple(SIZES), RNG.standard_normal(tuple(SIZES.values())), {"units": "m s-1"}) for name in "uvw"}, COORDS
)
NAMES = ["velocity_gradient", "lambda2", "q_criterion"]
CHUNKS = {"time": 1, "z": 4, "y": 4, "x": 4}

pytestmark = [
    # of sockets and processes that end while the interpreter does
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def cluster(workers: int, memory_limit: int = 0, **options: Any) -> Any:
    """Processes of one thread each on this machine, on ports that are free; it stops at the end of a with block."""
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=memory_limit,
        **options,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        cluster(2) as machines,
        distributed.Client(machines) as connected,
    ):
        yield connected


def test_the_bits_of_the_eager_result(client: Any) -> None:
    found = fg.derive(FLOW.chunk(CHUNKS), NAMES)
    xr.testing.assert_identical(found.compute(scheduler=client), fg.derive(FLOW, NAMES))


def test_wide_stencils_around_the_ends(client: Any) -> None:
    """Pieces that wrap, wider than the blocks, from workers that hold other blocks."""
    grid = fg.infer_grid(FLOW, periodic={"x": 12.0}, accuracy=4)
    found = fg.velocity_gradient(FLOW.chunk({"time": 1, "y": 3, "x": 1}), grid=grid)
    xr.testing.assert_identical(found.compute(scheduler=client), fg.velocity_gradient(FLOW, grid=grid))


def test_results_that_stay_on_the_workers(client: Any) -> None:
    held = client.persist(fg.derive(FLOW.chunk(CHUNKS), "q_criterion"))
    expected = fg.gradient(fg.derive(FLOW, "q_criterion").q_criterion)
    xr.testing.assert_identical(fg.gradient(held.q_criterion).compute(scheduler=client), expected)


def test_a_chunk_that_cannot_be_read_says_so(client: Any) -> None:
    def broken(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info[0]["chunk-location"][-1] == 1:
            raise OSError("chunk v/0.0.0.1 is truncated")
        return block

    lazy = FLOW.chunk({"x": 5})
    v = da.map_blocks(broken, lazy.v.data, dtype=float, meta=np.empty((0,) * 4))
    found = fg.derive(lazy.assign(v=lazy.v.copy(data=v)), "lambda2")
    with pytest.raises(OSError, match=r"chunk v/0\.0\.0\.1 is truncated"):
        found.compute(scheduler=client)


OWN = """
    import sys
    import dask, distributed, numba, numpy as np, xarray as xr, fieldgrad as fg

    GAIN = 3.0

    @numba.njit
    def helper(a):
        return GAIN * a

    def own(L, nu):
        return helper(L[0][1]) + nu

    if __name__ == "__main__":
        rng = np.random.default_rng(0)
        coords = {dim: (dim, np.cumsum(rng.uniform(0.5, 1.5, 8)), {"units": "m"}) for dim in "zyx"}
        ds = xr.Dataset({name: (("z", "y", "x"), rng.standard_normal((8, 8, 8))) for name in "uvw"}, coords)
        record = fg.Quantity("own", own, parameters=("nu",))
        fg.register_quantity(record)
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            def known():
                import fieldgrad
                main = sys.modules["__main__"]
                return "own" in fieldgrad.quantities(), hasattr(main, "helper")

            assert set(client.run(known).values()) == {(False, False)}, "the workers know it without being told"
            lazy = ds.chunk(x=4)
            for asked in (record, "own", [record, "q_criterion"]):
                found = fg.derive(lazy, asked, nu=2.0).compute()
                assert found.identical(fg.derive(ds, asked, nu=2.0)), asked
            assert set(client.run(known).values()) == {(False, False)}
        print("done")
"""


def test_a_quantity_of_ones_own_reaches_workers_that_never_saw_its_module(tmp_path: Path) -> None:
    """Its function is that of a program without a file, which no worker can import."""
    command = [sys.executable, "-c", textwrap.dedent(OWN)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "done"


def derived_through(read: Callable[..., np.ndarray]) -> xr.Dataset:
    """Quantities of the flow, lazy, of which a function reads the blocks of u."""
    lazy = FLOW.chunk(CHUNKS)
    u = da.map_blocks(read, lazy.u.data, dtype=float, meta=np.empty((0,) * 4))
    return fg.derive(lazy.assign(u=lazy.u.copy(data=u)), NAMES)


def once(note: Path, happens: Callable[[], None]) -> Callable[..., np.ndarray]:
    """How blocks are read where something happens to the worker that is the first to read one; it notes its number."""

    def read(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        if block_info[0]["chunk-location"] == (2, 1, 1, 1) and not note.exists():
            draft = note.with_suffix(".draft")
            draft.write_text(str(os.getpid()))
            draft.rename(note)
            happens()
        return block

    return read


def test_a_worker_that_is_killed_at_work_costs_time_only(tmp_path: Path) -> None:
    """A block that is slow once gives the time to kill the worker that computes it; another one then does its work."""
    note = tmp_path / "worker"
    built = derived_through(once(note, lambda: time.sleep(60)))
    with cluster(2) as machines, distributed.Client(machines) as client:
        future = client.compute(built)
        deadline = time.monotonic() + 60
        while not note.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        killed = int(note.read_text())
        assert killed != os.getpid()
        os.kill(killed, signal.SIGKILL)
        found = future.result(timeout=120)
    xr.testing.assert_identical(found, fg.derive(FLOW, NAMES))


@pytest.mark.slow
def test_a_worker_that_is_ended_for_its_memory_costs_time_only(tmp_path: Path) -> None:
    """A block that takes two gigabytes once is more than the nanny allows; it ends the worker and starts another."""

    def hoard() -> None:
        held = np.ones(1 << 28)
        time.sleep(60)
        del held

    built = derived_through(once(tmp_path / "worker", hoard))
    with cluster(2, memory_limit=1 << 30) as machines, distributed.Client(machines) as client:
        began = time.monotonic()
        found = client.compute(built).result(timeout=120)
        took = time.monotonic() - began
        ended = int((tmp_path / "worker").read_text())
        assert ended not in [nanny.pid for nanny in machines.workers.values()]
    assert took < 55  # the block did not sleep to its end
    xr.testing.assert_identical(found, fg.derive(FLOW, NAMES))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_workers_killed_at_any_time(seed: int) -> None:
    """While hundreds of blocks are computed, workers die at random moments; a nanny starts others."""
    rng = np.random.default_rng(seed)
    chunks = {"time": (1,) * 12, "z": (16,) * 3, "y": (16,) * 3, "x": (16,) * 3}

    def noise(component: int, block_info: Any = None) -> np.ndarray:
        place = block_info[None]["chunk-location"]
        return np.random.default_rng((seed, component, *place)).standard_normal((1, 16, 16, 16))

    lazy = xr.Dataset(
        {
            name: (tuple(chunks), da.map_blocks(noise, number, chunks=tuple(chunks.values()), dtype=float))
            for number, name in enumerate("uvw")
        },
        {dim: np.cumsum(rng.uniform(0.5, 1.5, sum(part))) for dim, part in chunks.items()},
    )
    names = ["lambda2", "q_criterion"]
    built = fg.derive(lazy, names)
    options = {"distributed.scheduler.allowed-failures": 20}
    with dask.config.set(options), cluster(3) as machines, distributed.Client(machines) as client:
        future = client.compute(built)
        kills = 0
        for _ in range(3):
            time.sleep(float(rng.uniform(0.2, 1.0)))
            running = [nanny.pid for nanny in machines.workers.values() if nanny.pid is not None]
            if future.done() or not running:
                break
            os.kill(int(rng.choice(running)), signal.SIGKILL)
            kills += 1
        assert kills
        found = future.result(timeout=240)
    xr.testing.assert_identical(found, fg.derive(lazy.compute(scheduler="sync"), names))
