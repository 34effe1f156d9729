# SPDX-License-Identifier: BSD-3-Clause
"""Threads and processes of every kind: never an abort, a deadlock or a wrong number.

Beside this there are threads and forks on each of numba's threading layers in test_chunked.py, threads of one's own in
kernels/test_engine.py, and workers that are killed in test_distributed.py.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from programs import check, run

METHODS = multiprocessing.get_all_start_methods()
LAYERS = ["workqueue", "omp", "tbb"]

# A field that is large enough for several threads, and its gradient by NumPy.
COMMON = """
import sys, threading, warnings
import numpy as np

n = 40
x = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, n))
field = np.random.default_rng(1).standard_normal((n, n, n))
expected = np.stack(np.gradient(field, x, x, x, edge_order=2))

def work(number=0):
    import fieldgrad as fg
    found = np.stack(fg.array.gradient(field, x, x, x, accuracy=2))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    return found

def same(results):
    for one in results:
        assert np.array_equal(one, results[0])
"""

RACE = (
    COMMON
    + """
def other(number):
    import fieldgrad as fg
    L = fg.array.velocity_gradient([field] * 3, x, x, x)
    np.testing.assert_allclose(L[number % 3], expected, rtol=0, atol=1e-12)
    return L[0]

def start(number):
    barrier.wait()
    try:
        results[number] = (other if number % 2 and both else work)(number)
    except BaseException as error:
        errors.append(error)

both = "both" in sys.argv
count = 8
barrier, results, errors = threading.Barrier(count), [None] * count, []
threads = [threading.Thread(target=start, args=(number,)) for number in range(count)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not errors, errors
same(results)
print("done")
"""
)


def test_first_calls_of_many_threads_at_once(tmp_path: Path) -> None:
    """Nothing is imported, loaded or compiled before eight threads ask for it."""
    check(run(tmp_path, RACE))


@pytest.mark.slow
def test_first_calls_that_compile(tmp_path: Path) -> None:
    check(run(tmp_path, RACE, "both", NUMBA_CACHE_DIR=str(tmp_path / "cache")))


PROCESSES = """
import multiprocessing, subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

if __name__ == "__main__":
    method, layer, used = sys.argv[1:]
    # Python 3.12 warns of every fork beside threads; that it works is what is tested
    warnings.simplefilter("ignore", DeprecationWarning)
    if layer != "none":
        import numba

        @numba.njit(parallel=True)
        def layered(a):
            for i in numba.prange(len(a)):
                a[i] += 1.0

        try:
            layered(np.zeros(1000))
        except ValueError:
            print("absent")
            sys.exit()
        assert numba.threading_layer() == layer
    found = []
    if used == "used":
        found.append(work())
        with ThreadPoolExecutor(3) as pool:
            found += pool.map(work, range(6))
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        found += [one.get(120) for one in [pool.apply_async(work) for _ in range(4)]]
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found += pool.map(work, range(4), timeout=120)
    with ThreadPoolExecutor(4) as pool:
        found += pool.map(work, range(8))
    found.append(work())
    same(found)
    print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("used", ["used", "unused"])
@pytest.mark.parametrize("layer", ["none", *LAYERS])
@pytest.mark.parametrize("method", METHODS)
def test_pools_of_processes_and_threads(method: str, layer: str, used: str, tmp_path: Path) -> None:
    """Pools of multiprocessing and of concurrent.futures, before and after first use, beside a threading layer."""
    if layer == "omp" and method == "fork":
        pytest.skip("GNU OpenMP itself ends a forked child that uses it again; numba says so and ends it")
    ended = run(
        tmp_path, COMMON + PROCESSES, method, layer, used, NUMBA_THREADING_LAYER=layer.replace("none", "default")
    )
    if ended.out.split() == ["absent"]:
        pytest.skip(f"numba has no threading layer {layer} here")
    check(ended)


JOBLIB = """
import joblib

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    first = work()
    found = joblib.Parallel(n_jobs=3, backend=sys.argv[1])(joblib.delayed(work)(number) for number in range(9))
    same([first, *found, work()])
    print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "threading"])
def test_joblib(backend: str, tmp_path: Path) -> None:
    pytest.importorskip("joblib", reason="joblib is not installed")
    check(run(tmp_path, COMMON + JOBLIB, backend))


DISTRIBUTED = """
if __name__ == "__main__":
    import dask, distributed, xarray as xr, fieldgrad as fg
    warnings.simplefilter("ignore")
    flow = xr.Dataset({name: (("z", "y", "x"), field) for name in "uvw"}, {dim: x for dim in "zyx"})
    names = ["q_criterion", "vorticity"]
    with dask.config.set({"distributed.worker.daemon": True}), distributed.LocalCluster(
        n_workers=2, threads_per_worker=4, host="127.0.0.1", dashboard_address="127.0.0.1:0", memory_limit=0
    ) as cluster, distributed.Client(cluster) as client:
        # the first call of every worker comes from four of its threads at once
        lazy = fg.derive(flow.chunk(x=5, y=10, z=10), names)
        for _ in range(3):
            found = lazy.compute(scheduler=client)
            assert found.identical(fg.derive(flow, names))
        grads = client.map(work, range(12), pure=False)
        same([work(), *client.gather(grads)])
    print("done")
"""


@pytest.mark.slow
def test_workers_with_several_threads(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    check(run(tmp_path, COMMON + DISTRIBUTED))


FORK_AT_WORK = """
import os, time

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    work()
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            work()

    threads = [threading.Thread(target=busy) for _ in range(3)]
    for thread in threads: thread.start()
    for _ in range(20):
        child = os.fork()
        if not child:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        for _ in range(600):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            time.sleep(0.05)
        else:
            os.kill(child, 9)
            raise AssertionError("a forked child hangs")
        assert os.waitstatus_to_exitcode(status) == 0, status
        work()
    stop.set()
    for thread in threads: thread.join()
    print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif("fork" not in METHODS, reason="this system cannot fork")
def test_forks_while_other_threads_are_at_work(tmp_path: Path) -> None:
    check(run(tmp_path, COMMON + FORK_AT_WORK))
