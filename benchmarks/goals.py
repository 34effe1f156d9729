# SPDX-License-Identifier: BSD-3-Clause
"""What fieldgrad aims at, and what it reaches: ratios to the limit, to C and to NumPy, side by side in one run.

    python -m benchmarks.goals --list
    python -m benchmarks.goals                                            # all of it: about half an hour
    python -m benchmarks.goals --only gradient quantities --sizes 250 --repeat 5

The limit is the faster of two loops that read and write the same arrays and compute nothing (:mod:`benchmarks.limit`);
C stands for plain loops with OpenMP (:mod:`benchmarks.plain_c`), which are left out where there is no gcc. How times
are taken: see :mod:`benchmarks.measure`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np

import fieldgrad as fg

from . import cases, limit, plain_c, programs
from .measure import Times, Work, close, difference, machine, many, number_from_new_process, ratio, rounds


class Options(NamedTuple):
    sizes: list[int]
    repeat: int


def state(what: str, value: float, goal: float, *, least: bool = False, detail: str = "") -> None:
    """One line: what, measured, goal, whether it is met; a goal is an upper bound but where it is the least."""
    met = value >= goal if least else value <= goal
    sign = ">=" if least else "<="
    print(f"  {what:58} {value:8.3g}  {sign} {goal:<6g} {'met' if met else 'MISSED':8}{detail}", flush=True)


def said(times: Times) -> str:
    """Medians in milliseconds."""
    return ", ".join(f"{name} {statistics.median(seconds) * 1e3:.4g}" for name, seconds in times.items())


def ours(
    names: str | Sequence[str],
    components: list[np.ndarray],
    nodes: list[np.ndarray],
    out: dict[str, np.ndarray] | None = None,
    **more: Any,
) -> Callable[[], Any]:
    """A call of `derive`."""
    chosen = [names] if isinstance(names, str) else list(names)
    given = {parameter: plain_c.VISCOSITY for name in chosen for parameter in fg.quantities()[name].parameters}
    return lambda: fg.array.derive(components, chosen, *nodes, out=out, **given, **more)


class Case:
    """Random fields on nonuniform axes, and memory for results that is there already."""

    def __init__(self, shape: tuple[int, ...], dtype: str = "float64") -> None:
        self.shape, self.dtype = shape, dtype
        self.components = cases.velocity(shape, dtype)
        self.nodes = [cases.coordinate(n, seed) for seed, n in enumerate(shape)]

    def memory(self, *leading: int) -> np.ndarray:
        return np.ones((*leading, *self.shape), self.dtype)

    def outs(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        return {name: self.memory(*[len(self.shape)] * len(fg.quantities()[name].dims)) for name in names}


def beside_limit(
    title: str,
    case: Case,
    inputs: list[np.ndarray],
    outputs: list[np.ndarray],
    run: Callable[[], Any],
    kind: str,
    n: int,
) -> Work:
    """The call, the limit on the same arrays, and the loops in C, whose values must be ours."""
    work: Work = {"fieldgrad": run, **limit.streams(inputs, outputs)}
    if len(case.shape) == 3 and plain_c.available():
        work["C"] = in_c = plain_c.prepared(kind, inputs, case.nodes, outputs)
        run()
        every_ninth = [array[::9].copy() for array in outputs]
        in_c()
        error = max(
            difference(array[::9], before, every_ninth[0]) for array, before in zip(outputs, every_ninth, strict=True)
        )
        if not error < (1e-12 if case.dtype == "float64" else 1e-3):
            raise SystemExit(f"{title}, {n}: C and fieldgrad differ by {error:.3g} of the largest value")
    return work


def _state_limit(what: str, times: Times, goal: float, over_c: float | None = None) -> None:
    fastest = min((name for name in times if name.startswith("limit")), key=lambda name: statistics.median(times[name]))
    detail = said(times)
    if fastest != "limit":
        detail += f"; to that with usual stores {ratio(times['limit'], times['fieldgrad']):.3g}"
    state(f"{what}: limit / time", ratio(times[fastest], times["fieldgrad"]), goal, least=True, detail=detail)
    if over_c is not None and "C" in times:
        state(f"{what}: C / time", ratio(times["C"], times["fieldgrad"]), over_c, least=True)
    elif "C" in times:
        print(f"  {what + ': C / time':58} {ratio(times['C'], times['fieldgrad']):8.3g}")


def gradient(options: Options) -> None:
    """Gradient of a scalar, given output: 1 array in, 3 out."""
    for n in options.sizes:
        case = Case((n, n, n))
        f, out = case.components[0], case.memory(3)
        run = lambda f=f, out=out, case=case: fg.array.gradient(f, *case.nodes, accuracy=2, out=out)  # noqa: E731
        times = rounds(beside_limit("gradient", case, [f], list(out), run, "gradient", n), options.repeat)
        _state_limit(f"gradient, {n}^3", times, 0.85)


def velocity_gradient(options: Options) -> None:
    """L, given output: 3 arrays in, 9 out."""
    for n in options.sizes:
        case = Case((n, n, n))
        outs = case.outs(["velocity_gradient"])
        run = ours("velocity_gradient", case.components, case.nodes, outs)
        nine = list(outs["velocity_gradient"].reshape(9, *case.shape))
        times = rounds(beside_limit("L", case, case.components, nine, run, "velocity_gradient", n), options.repeat)
        _state_limit(f"L, {n}^3", times, 0.75 if n == 256 else 0.85)


def decompose(options: Options) -> None:
    """D and W without L: 3 arrays in, 18 out."""
    for n in options.sizes:
        case = Case((n, n, n))
        outs = case.outs(["deformation_rate", "spin"])
        run = ours(list(outs), case.components, case.nodes, outs)
        all_18 = [array for out in outs.values() for array in out.reshape(9, *case.shape)]
        times = rounds(beside_limit("D and W", case, case.components, all_18, run, "decompose", n), options.repeat)
        _state_limit(f"D and W, {n}^3", times, 0.8)


def quantities(options: Options) -> None:
    """Quantities of one value a point: 3 arrays in, 1 out; beside plain loops in C too."""
    for n in options.sizes:
        case = Case((n, n, n))
        for name in ("q_criterion", "vorticity_magnitude", "dissipation"):
            outs = case.outs([name])
            run = ours(name, case.components, case.nodes, outs)
            times = rounds(beside_limit(name, case, case.components, [outs[name]], run, name, n), options.repeat)
            _state_limit(f"{name}, {n}^3", times, 0.5 if n == 250 else 0.4, 1.0 if n == 256 else 1.3)


def eigenvalues(options: Options) -> None:
    """lambda2 and swirling_strength beside numpy.linalg on tensors that are stored already."""
    case = Case((96, 96, 96))
    outs = case.outs(["lambda2", "swirling_strength"])
    L = np.moveaxis(ours("velocity_gradient", case.components, case.nodes)()["velocity_gradient"], (0, 1), (-2, -1))
    L = np.ascontiguousarray(L)
    transposed = L.swapaxes(-1, -2)
    D, W = 0.5 * (L + transposed), 0.5 * (L - transposed)
    symmetric = D @ D + W @ W
    work: Work = {
        "eigvalsh": lambda: np.linalg.eigvalsh(symmetric)[..., 1],
        "lambda2": ours("lambda2", case.components, case.nodes, {"lambda2": outs["lambda2"]}),
        "eigvals": lambda: np.abs(np.linalg.eigvals(L).imag).max(axis=-1),
        "swirling_strength": ours(
            "swirling_strength", case.components, case.nodes, {"swirling_strength": outs["swirling_strength"]}
        ),
    }
    results = {name: function() for name, function in work.items()}
    close(outs["lambda2"], np.asarray(results["eigvalsh"]))
    # a pair that is nearly real: its imaginary part is the root of a rounded number
    close(outs["swirling_strength"], np.asarray(results["eigvals"]), 1e-6)
    times = rounds(work, min(options.repeat, 3))
    for name, peer in (("lambda2", "eigvalsh"), ("swirling_strength", "eigvals")):
        state(f"{name}, 96^3: {peer} / time", ratio(times[peer], times[name]), 15, least=True)
    print(f"  {said(times)}")


def together(options: Options) -> None:
    """Four quantities in one pass: the dearest of them, and 1.3 times the streaming of the other outputs."""
    for n in options.sizes:
        case = Case((n, n, n))
        outs = case.outs(cases.FOUR)
        work: Work = {name: ours(name, case.components, case.nodes, {name: outs[name]}) for name in cases.FOUR}
        work |= {
            "all": ours(cases.FOUR, case.components, case.nodes, outs),
            "writing five": limit.write(list(case.memory(5))),
        }
        times = rounds(work, options.repeat)
        allowed = [
            max(alone) + 1.3 * write
            for write, *alone in zip(times["writing five"], *(times[name] for name in cases.FOUR), strict=True)
        ]
        state(f"four together, {n}^3: time / allowed", ratio(times["all"], allowed), 1, detail=said(times))


def accuracies(options: Options) -> None:
    """Higher orders over accuracy 2, for q_criterion."""
    goals = {4: 1.8, 6: 2.5, 8: 3.3}
    for n in options.sizes:
        case = Case((n, n, n))
        outs = case.outs(["q_criterion"])
        work: Work = {str(p): ours("q_criterion", case.components, case.nodes, outs, accuracy=p) for p in (2, *goals)}
        times = rounds(work, options.repeat)
        for p, goal in goals.items():
            state(f"q_criterion, {n}^3: accuracy {p} / accuracy 2", ratio(times[str(p)], times["2"]), goal)
        print(f"  {said(times)}")


def layouts(options: Options) -> None:
    """Periodic axes, edges, and orders of axes in memory, over the plain case: x first, ends that are not periodic."""
    for n in options.sizes:
        case = Case((n, n, n))
        for name in ("q_criterion", "velocity_gradient"):
            outs = case.outs([name])
            periods = [float(x[-1] - x[0]) + 1 for x in case.nodes]
            turned = [np.asfortranarray(f) for f in case.components] if name == "q_criterion" else None
            work: Work = {
                "plain": ours(name, case.components, case.nodes, outs),
                "periodic": ours(name, case.components, case.nodes, outs, period=periods),
                "x last": ours(name, case.components, case.nodes[::-1], outs, axes=(2, 1, 0)),
                "y last": ours(name, case.components, [case.nodes[axis] for axis in (0, 2, 1)], outs, axes=(0, 2, 1)),
            }
            if turned is not None:
                work["Fortran order"] = ours(name, turned, case.nodes, {name: outs[name].T})
            times = rounds(work, options.repeat)
            for other in list(work)[1:]:
                state(f"{name}, {n}^3: {other} / plain", ratio(times[other], times["plain"]), 1.1)
            state(f"{name}, {n}^3: edges (plain) / periodic", ratio(times["plain"], times["periodic"]), 1.1)
            print(f"  {said(times)}")


def precision(options: Options) -> None:
    """float64 over float32."""
    for n in options.sizes:
        both = {dtype: Case((n, n, n), dtype) for dtype in ("float64", "float32")}
        for name in ("gradient", "velocity_gradient", "q_criterion"):
            times = rounds({dtype: _given(name, case) for dtype, case in both.items()}, options.repeat)
            value = ratio(times["float64"], times["float32"])
            state(f"{name}, {n}^3: float64 / float32", value, 1.8, least=True, detail=said(times))


def _given(name: str, case: Case, out: np.ndarray | None = None) -> Callable[[], Any]:
    """A call into given memory, of an operator or a quantity."""
    if name == "gradient":
        target = case.memory(len(case.shape)) if out is None else out
        return lambda: fg.array.gradient(case.components[0], *case.nodes, accuracy=2, out=target)
    return ours(name, case.components, case.nodes, case.outs([name]) if out is None else {name: out})


def powers_of_two(options: Options) -> None:
    """256^3 over 250^3, per point."""
    sizes = {str(n): Case((n, n, n)) for n in (250, 256)}
    for name in ("gradient", "velocity_gradient", "q_criterion"):
        times = rounds({n: _given(name, case) for n, case in sizes.items()}, options.repeat)
        value = ratio(times["256"], times["250"]) * (250 / 256) ** 3
        state(f"{name}, a point: 256^3 / 250^3", value, 1.25, detail=said(times))


def threads(options: Options) -> None:
    """All threads beside one, where memory is not the bound."""
    most = numba.get_num_threads()
    if most == 1:
        print("  this process has one thread")
        return
    for n in options.sizes:
        case = Case((n, n, n))
        for name in ("q_criterion", "lambda2", "swirling_strength"):
            run = _given(name, case)

            def on(count: int, run: Callable[[], Any] = run) -> Callable[[], None]:
                def call() -> None:
                    numba.set_num_threads(count)
                    run()
                    numba.set_num_threads(most)

                return call

            times = rounds({"1": on(1), "2": on(2)}, options.repeat)
            value = ratio(times["1"], times["2"])
            state(f"{name}, {n}^3: 1 thread / 2 threads", value, 1.7, least=True, detail=said(times))


def fresh(options: Options) -> None:
    """Fresh output over given output, in a loop, where a result takes the memory of one that is gone."""
    for n in options.sizes:
        case = Case((n, n, n))
        f = case.components[0]
        new: Work = {
            "gradient": lambda f=f, case=case: fg.array.gradient(f, *case.nodes, accuracy=2),
            **{name: ours(name, case.components, case.nodes) for name in ("velocity_gradient", "q_criterion")},
        }
        for name, function in new.items():
            times = rounds({"fresh": function, "given": _given(name, case)}, options.repeat)
            state(f"{name}, {n}^3: fresh / given", ratio(times["fresh"], times["given"]), 1.5, detail=said(times))


def flat(options: Options) -> None:
    """2-D fields of 4096^2: the same fractions of the limit."""
    for name, goal in (("gradient", 0.85), ("velocity_gradient", 0.85), ("q_criterion", 0.5), ("vorticity", 0.5)):
        case = Case((4096, 4096))
        inputs = case.components[:1] if name == "gradient" else case.components
        out = case.memory(*{"gradient": (2,), "velocity_gradient": (2, 2)}.get(name, ()))
        every = list(out.reshape(-1, *case.shape))
        times = rounds({"fieldgrad": _given(name, case, out), **limit.streams(inputs, every)}, options.repeat)
        _state_limit(f"{name}, 4096^2", times, goal)


def line(options: Options) -> None:
    """A 1-D field of 1e8 points, weights included: the same fraction of the limit."""
    case = Case((10**8,))
    f, (x,), out = case.components[0], case.nodes, case.memory()
    for what, coordinate in (("one spacing", 0.5), ("nodes", x)):
        work: Work = {
            "fieldgrad": lambda coordinate=coordinate: fg.array.gradient(f, coordinate, accuracy=2, out=out),
            **limit.streams([f], [out]),
        }
        _state_limit(f"gradient, 1e8 points, {what}", rounds(work, min(options.repeat, 2)), 0.85)


def small(options: Options) -> None:
    """Small fields: arrays beside NumPy, and labelled calls in microseconds."""
    for shape in ((16, 16, 16), (64, 64)):
        case, title = Case(shape), f"{shape[0]}^{len(shape)}"
        f = case.components[0]
        work: Work = {
            "numpy": many(lambda f=f, case=case: np.gradient(f, *case.nodes, edge_order=2)),
            "fieldgrad": many(lambda f=f, case=case: fg.array.gradient(f, *case.nodes, edge_order=2)),
        }
        close(
            np.stack(fg.array.gradient(f, *case.nodes, edge_order=2)),
            np.stack(np.gradient(f, *case.nodes, edge_order=2)),
        )
        times = rounds(work, 3 * options.repeat)
        value = ratio(times["fieldgrad"], times["numpy"])
        state(f"gradient, {title}: time / numpy.gradient (100 calls)", value, 1, detail=said(times))
        ds = cases.dataset(shape)
        grid = fg.infer_grid(ds)
        labelled: Work = {
            "derivative": many(lambda ds=ds: fg.derivative(ds.u, "x")),
            "derivative, grid=": many(lambda ds=ds, grid=grid: fg.derivative(ds.u, "x", grid=grid)),
            "gradient": many(lambda ds=ds: fg.gradient(ds.u)),
            "gradient, grid=": many(lambda ds=ds, grid=grid: fg.gradient(ds.u, grid=grid)),
            "q_criterion": many(lambda ds=ds: fg.derive(ds, "q_criterion")),
            "q_criterion, grid=": many(lambda ds=ds, grid=grid: fg.derive(ds, "q_criterion", grid=grid)),
        }
        for name, seconds in rounds(labelled, options.repeat).items():
            state(f"labelled {name}, {title} (microseconds)", statistics.median(seconds) * 1e4, 250)


def memory(options: Options) -> None:
    """Peak memory beyond inputs and outputs (MB)."""
    for n in options.sizes:
        for names in (["velocity_gradient"], ["q_criterion"], list(cases.FOUR)):
            with tempfile.TemporaryDirectory() as folder:
                code = programs.MEMORY.format(n=n, names=names)
                # the second of two processes, which compiles nothing
                _, megabytes = (number_from_new_process(code, Path(folder)) for _ in "12")
            count = 3 + sum(3 ** len(fg.quantities()[name].dims) for name in names)
            state(f"{' '.join(names)}, {n}^3 (MB)", megabytes, max(64, 0.05 * count * n**3 * 8 / 2**20))


def compilation(options: Options) -> None:
    """First call of a combination in a new process: cold, and in the next one (s)."""
    combinations = (
        (["velocity_gradient"], 2),
        (["q_criterion"], 2),
        (["q_criterion"], 6),
        (["deformation_rate", "spin"], 2),
        (list(cases.FOUR), 2),
        (["principal_strain_rates", "swirling_strength", "lambda2", "rortex"], 2),
    )
    for names, accuracy in combinations:
        with tempfile.TemporaryDirectory() as folder:
            code = programs.COLD.format(names=names, accuracy=accuracy)
            cold, warm = (number_from_new_process(code, Path(folder)) for _ in "12")
        what = f"{', '.join(names)}, accuracy {accuracy}"
        state(what if len(what) <= 58 else what[:55] + "...", cold, 4, detail=f"next process {warm:.3f}")


def start(options: Options) -> None:
    """Import of fieldgrad beyond xarray's (s), and the first call with kernels on disk."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        programs.write_trivial(cache)
        codes = {
            "import xarray": programs.IMPORT.format(module="xarray"),
            "import fieldgrad": programs.IMPORT.format(module="fieldgrad"),
            "trivial cached parallel function": programs.TRIVIAL,
            "first gradient": programs.FIRST,
        }
        times: Times = {name: [] for name in codes}
        for number in range(options.repeat + 1):
            for name, code in codes.items():
                seconds = number_from_new_process(code, cache)
                if number:
                    times[name].append(seconds)
    beyond = [b - a for a, b in zip(times["import xarray"], times["import fieldgrad"], strict=True)]
    state("import fieldgrad beyond import xarray (s)", statistics.median(beyond), 0.15)
    first = ratio(times["first gradient"], times["trivial cached parallel function"])
    state("first gradient / trivial cached parallel function", first, 1.3)
    print(f"  {said(times)}")


def weights(options: Options) -> None:
    """Tables of weights for 4096 nonuniform nodes (ms)."""
    x = cases.coordinate(4096)
    work: Work = {f"{p}": lambda p=p: fg.stencils.derivative_stencil(x, 1, p) for p in (2, 4, 6, 8)}
    times = rounds(work, 3 * options.repeat)
    state("table of 4096 nodes, accuracy 8 (ms)", statistics.median(times["8"]) * 1e3, 50, detail=said(times))


ROWS: dict[str, Callable[[Options], None]] = {
    function.__name__: function
    for function in (
        gradient,
        velocity_gradient,
        decompose,
        quantities,
        eigenvalues,
        together,
        accuracies,
        layouts,
        precision,
        powers_of_two,
        threads,
        fresh,
        flat,
        line,
        small,
        memory,
        compilation,
        start,
        weights,
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help="what to measure")
    parser.add_argument("--sizes", type=int, nargs="+", default=[250, 256, 320], help="points along each axis")
    parser.add_argument("--repeat", type=int, default=5, help="rounds")
    parser.add_argument("--list", action="store_true", help="what can be measured, and nothing else")
    arguments = parser.parse_args()
    if arguments.list:
        for name, row in ROWS.items():
            print(f"{name:20} {row.__doc__}")
        return
    print(machine())
    for name in arguments.only:
        print(f"{name}: {ROWS[name].__doc__}", flush=True)
        ROWS[name](Options(arguments.sizes, arguments.repeat))


if __name__ == "__main__":
    main()
