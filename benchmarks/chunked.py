# SPDX-License-Identifier: BSD-3-Clause
"""Operators on dask arrays: size of the graphs, a cluster beside xarray.differentiate, and threads beside eager calls.

    python -m benchmarks.chunked                          # 512^3 in chunks of 128^3; needs about 20 GB
    python -m benchmarks.chunked --size 256 --chunk 64 --repeat 3
    python -m benchmarks.chunked --parts graphs threads

The cluster is made of worker processes of one thread each on this machine (``pip install distributed zarr``). Its
memory is that of all workers together, from the peak of each during a run (Linux only). How times are taken: see
:mod:`benchmarks.measure`.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numba
import numpy as np
import xarray as xr

import fieldgrad as fg

from . import cases, peers
from .measure import machine, report, rounds


def lazy_dataset(n: int, chunk: int, dtype: str = "float32") -> xr.Dataset:
    """Random velocities that the workers make, block by block."""
    parts = da.core.normalize_chunks(chunk, (n,) * 3)

    def noise(component: int, block_info: Any = None) -> np.ndarray:
        about = block_info[None]
        rng = np.random.default_rng((component, *about["chunk-location"]))
        return rng.standard_normal(about["chunk-shape"], dtype=dtype)

    fields = {
        name: (("z", "y", "x"), da.map_blocks(noise, number, chunks=parts, dtype=dtype))
        for number, name in enumerate("uvw")
    }
    return xr.Dataset(fields, {dim: cases.coordinate(n, seed) for seed, dim in enumerate("zyx")})


def fieldgrad_q_criterion(ds: xr.Dataset) -> xr.DataArray:
    return fg.derive(ds, "q_criterion").q_criterion


def differentiated_q_criterion(ds: xr.Dataset) -> xr.DataArray:
    return peers.products([ds.u, ds.v, ds.w], lambda f: [f.differentiate(dim, edge_order=2) for dim in "xyz"])


CANDIDATES: dict[str, Callable[[xr.Dataset], xr.DataArray]] = {
    "fieldgrad": fieldgrad_q_criterion,
    "xarray.differentiate": differentiated_q_criterion,
}


def graphs(side: int) -> None:
    """Tasks and seconds to build, without what makes the input."""
    ds = lazy_dataset(10 * side, 10)
    blocks = side**3
    own = sum(len(ds[name].__dask_graph__()) for name in "uvw")
    print(f"\ngraphs of {blocks} chunks  (goal 12 tasks a chunk and one an output; built within 5 s)")
    work: dict[str, Callable[[], Any]] = {
        "L": lambda: fg.velocity_gradient(ds),
        "q_criterion": lambda: fieldgrad_q_criterion(ds),
        ", ".join(cases.FOUR): lambda: fg.derive(ds, cases.FOUR, viscosity=1e-3),
        "q_criterion, xarray.differentiate": lambda: differentiated_q_criterion(ds),
    }
    for name, function in work.items():
        start = time.perf_counter()
        built = function()
        seconds = time.perf_counter() - start
        tasks = len(built.__dask_graph__()) - own
        print(f"  {name:48} {tasks / blocks:8.2f} tasks a chunk {seconds:8.2f} s")


def peak_reset() -> None:
    """Give back what earlier runs have left (40 to 70 MB a worker after the peer's), and forget the peak."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """Largest resident memory of this process since the reset (MB)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def cluster(n: int, chunk: int, repeat: int, workers: int, folder: Path) -> None:
    from distributed import Client, LocalCluster, wait

    bare = {"compressors": None}

    def zarr_to_zarr(source: Path, function: Callable[[xr.Dataset], xr.DataArray]) -> None:
        opened = xr.open_zarr(source, chunks={}, consolidated=False)
        found = function(opened).rename("q").drop_encoding().to_dataset()
        found.to_zarr(folder / "out.zarr", mode="w", consolidated=False, encoding={"q": bare})

    def small(function: Callable[[xr.Dataset], xr.DataArray]) -> np.ndarray:
        return function(lazy_dataset(16, 8)).compute().values

    machines = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )
    with machines, Client(machines) as client:
        # compiles, and compares: both differ by the rounding of single precision
        ours, theirs = (small(function) for function in CANDIDATES.values())
        if np.abs(ours - theirs).max() > 1e-4 * np.abs(theirs).max():
            raise AssertionError("the results differ; the comparison would mean nothing")
        stored = folder / "in.zarr"
        lazy_dataset(n, chunk).to_zarr(stored, mode="w", consolidated=False, encoding=dict.fromkeys("uvw", bare))
        for title, from_memory in (("from memory", True), ("from uncompressed Zarr to Zarr", False)):
            held = client.persist(lazy_dataset(n, chunk)) if from_memory else None
            wait(held)
            seconds: dict[str, list[float]] = {name: [] for name in CANDIDATES}
            peaks: dict[str, list[float]] = {name: [] for name in CANDIDATES}
            for number in range(repeat + 1):
                for name, function in CANDIDATES.items():
                    client.run(peak_reset)
                    start = time.perf_counter()
                    if held is not None:
                        wait(client.persist(function(held)))
                    else:
                        zarr_to_zarr(stored, function)
                    if number:
                        seconds[name].append(time.perf_counter() - start)
                        peaks[name].append(sum(client.run(peak_memory).values()))
            report(
                f"q_criterion, {n}^3 float32 in {chunk}^3, {workers} workers, {title} (s; x: times faster)",
                seconds,
                "xarray.differentiate",
                {},
                unit=1.0,
            )
            print("  peak memory of the workers together (MB)")
            for name, megabytes in peaks.items():
                print(f"    {name:32} {statistics.median(megabytes):10.0f}")
            del held


def threads(n: int, chunk: int, repeat: int) -> None:
    """The threads of dask with serial kernels, over eager calls whose kernel runs on several threads.

    Chunks are arrays by themselves, as what was persisted, or views of one array, whose rows lie apart.
    """
    ds = cases.dataset((n,) * 3, "float32")
    views = ds.chunk(chunk)
    chunks = views.map_blocks(lambda block: block.copy(deep=True)).persist()
    operators: dict[str, Callable[[xr.Dataset], xr.DataArray]] = {
        "q_criterion": fieldgrad_q_criterion,
        "L": fg.velocity_gradient,
    }
    for name, function in operators.items():
        work: dict[str, Callable[[], object]] = {
            "eager": lambda function=function: function(ds),
            "lazy": lambda function=function: function(chunks).persist(),
            "lazy, views of one array": lambda function=function: function(views).persist(),
            "lazy, result joined": lambda function=function: function(chunks).compute(),
        }
        with dask.config.set(scheduler="threads", num_workers=numba.get_num_threads()):
            times = rounds(work, repeat)
        report(f"{name}, {n}^3 float32 in {chunk}^3, threads scheduler (ms; x: of eager)", times, "eager", {})


def main() -> None:
    parts = ("graphs", "cluster", "threads")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=512, help="points along each axis")
    parser.add_argument("--chunk", type=int, default=128, help="points of a chunk along each axis")
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the cluster")
    parser.add_argument("--side", type=int, default=22, help="chunks along each axis of the graphs")
    parser.add_argument("--folder", type=Path, help="where the Zarr stores are made, by default among temporary files")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help="what to measure")
    options = parser.parse_args()
    print(f"{machine()}, dask {dask.__version__}")
    if "graphs" in options.parts:
        graphs(options.side)
    if "threads" in options.parts:
        threads(options.size, options.chunk, options.repeat)
    if "cluster" in options.parts:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            cluster(options.size, options.chunk, options.repeat, options.workers, Path(folder))


if __name__ == "__main__":
    main()
