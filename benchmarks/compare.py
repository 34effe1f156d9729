# SPDX-License-Identifier: BSD-3-Clause
"""fieldgrad, the limit and every peer that is installed, on the same arrays in one run.

    python -m benchmarks.compare                          # 250^3, some five minutes with all peers, and 10 GB
    python -m benchmarks.compare --size 128 --repeat 5
    python -m benchmarks.compare --write                  # puts the table into README.md and docs/performance.md

Peers come with ``pip install --group peers``; those that are not installed are left out, and the report says so. The
limit is the faster of two loops that read and write the same arrays and compute nothing. "Given" writes into memory
that exists, "fresh" allocates it, or has that of a result that is gone. Results are compared before they are timed. How
times are taken: see :mod:`benchmarks.measure`; what fieldgrad aims at: :mod:`benchmarks.goals`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import fieldgrad as fg

from . import cases, limit, peers, plain_c
from .measure import Times, machine, ratio, rounds

ROOT = Path(__file__).parents[1]
#: The pages that hold the table, between two marks.
PAGES = (ROOT / "README.md", ROOT / "docs" / "performance.md")
BEGIN, END = "<!-- times: python -m benchmarks.compare --write -->", "<!-- end of times -->"

GIVEN, FRESH, LIMIT, C = "fieldgrad, given", "fieldgrad, fresh", "limit", "C with OpenMP, gcc"
TITLES = {"gradient": "gradient of a scalar", "velocity_gradient": "L", "decompose": "D and W", "q_criterion": "Q"}
_FIELDS = {name: 1 if name == "gradient" else 3 for name in peers.WORK}
_RESULTS = {"gradient": 3, "velocity_gradient": 9, "decompose": 18, "q_criterion": 1}
# Equal but for the rounding of sums that are taken in another order.
_ROUNDING = 1e-12


def own(name: str, fields: list[np.ndarray], nodes: list[np.ndarray], outs: list[np.ndarray] | None) -> Sequence[Any]:
    """The work done here, into memory that lies in one piece or into memory of its own."""
    shape = fields[0].shape
    whole = None if outs is None else outs[0].base
    if name == "gradient":
        return fg.array.gradient(fields[0], *nodes, accuracy=2, out=whole)
    names = ["deformation_rate", "spin"] if name == "decompose" else [name]
    given = None
    if whole is not None:
        parts = whole.reshape(len(names), *([3, 3] if name != "q_criterion" else []), *shape)
        given = dict(zip(names, parts, strict=True))
    results = fg.array.derive(fields, names, *nodes, out=given)
    return [array for result in results.values() for array in result.reshape(-1, *shape)]


def apart(results: Sequence[Any], reference: Sequence[np.ndarray]) -> float:
    """Largest difference of any array, over the largest value of all."""
    scale = max(float(np.abs(array).max()) for array in reference)
    return max(
        float(np.abs(np.asarray(one) - array).max()) / scale for one, array in zip(results, reference, strict=True)
    )


def compare(n: int, repeat: int, works: Sequence[str]) -> tuple[dict[str, Times], dict[str, float]]:
    """Times by work and program, and how far the values of a program are from those here."""
    shape = (n, n, n)
    fields, nodes = cases.velocity(shape), [cases.coordinate(n, seed) for seed in range(3)]
    found, missing = peers.installed()
    if missing:
        print(f"not installed, and left out: {'; '.join(missing)}")
    programs = {name: make(fields, nodes) for name, make in found.items()}
    times: dict[str, Times] = {}
    differences: dict[str, float] = {}
    for name in works:
        outs = list(np.ones((_RESULTS[name], *shape)))
        inputs = fields[: _FIELDS[name]]
        work: dict[str, Callable[[], Any]] = {
            GIVEN: lambda name=name, outs=outs: own(name, fields, nodes, outs),
            FRESH: lambda name=name: own(name, fields, nodes, None),
        }
        if plain_c.available():
            run = plain_c.prepared(name, inputs, nodes, outs)
            work[C] = lambda run=run, outs=outs: run() or outs
        work |= {peer: made[name] for peer, made in programs.items() if name in made}
        reference = work[FRESH]()
        for program, function in work.items():
            error = apart(function(), reference)
            differences[program] = max(differences.get(program, 0.0), error)
        del reference
        loops = limit.streams(inputs, outs)
        for loop in loops.values():
            loop()
        times[name] = rounds({**work, **loops}, repeat, warm=False)
        report(name, n, times[name], differences)
    return times, differences


def fastest_limit(times: Times) -> list[float]:
    """Seconds of the faster one of the two loops."""
    return min((seconds for name, seconds in times.items() if name.startswith(LIMIT)), key=statistics.median)


def report(name: str, n: int, times: Times, differences: dict[str, float]) -> None:
    """Medians, times that of fieldgrad into given memory, and the largest difference so far."""
    print(f"\n{TITLES[name]}, {n}^3 (ms, and times that of fieldgrad, given)")
    for program, seconds in times.items():
        error = differences.get(program)
        print(
            f"  {program:52} {statistics.median(seconds) * 1e3:9.2f}  x {ratio(seconds, times[GIVEN]):7.2f}"
            + (f"  differs by {error:.1e}" if error is not None and error > _ROUNDING else "")
        )


def _rounded(milliseconds: float) -> str:
    """Three digits."""
    return f"{float(f'{milliseconds:.3g}'):g}"


def table(n: int, times: dict[str, Times], differences: dict[str, float]) -> str:
    """The table in Markdown, with what it was measured on."""
    works = list(times)
    lines = [
        f"| milliseconds, ${n}^3$ points | {' | '.join(TITLES[name] for name in works)} | values |",
        "|---" * (len(works) + 2) + "|",
    ]
    measured = {name: {**times[name], LIMIT: fastest_limit(times[name])} for name in works}
    programs = [LIMIT, *differences]
    labels = {
        LIMIT: "the limit: reads and writes the same arrays",
        GIVEN: "**fieldgrad**, into arrays that are given (`out=`)",
        FRESH: "**fieldgrad**, into memory of its own",
        C: "C with OpenMP, plain loops, gcc `-O3 -march=native -ffast-math`",
    }
    for program in programs:
        cells = []
        for name in works:
            seconds = measured[name].get(program)
            if seconds is None:
                cells.append("")
                continue
            times_ours = ratio(seconds, measured[name][GIVEN])
            beside = (
                ""
                if program in (LIMIT, GIVEN)
                else f" ({times_ours:.2g}x)"
                if times_ours < 10
                else f" ({times_ours:.0f}x)"
            )
            cells.append(_rounded(statistics.median(seconds) * 1e3) + beside)
        error = differences.get(program)
        same = "" if error is None or program == GIVEN else "equal" if error < _ROUNDING else f"differ by {error:.1g}"
        lines.append(f"| {labels.get(program, program)} | {' | '.join(cells)} | {same} |")
    about = (
        f"Medians on {machine()}, in double precision, of random values on three axes of random spacing, all programs "
        "in turn in one run; in brackets, how many times longer than fieldgrad into given arrays. Equal is to "
        "rounding; other differences are over the largest value."
    )
    return "\n".join([*lines, "", textwrap.fill(about, 120)])


def block(page: Path) -> str:
    """What a page has between the marks."""
    (found,) = re.findall(rf"{re.escape(BEGIN)}\n(.*?)\n{re.escape(END)}", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(found).strip()


def write(text: str) -> None:
    """Put the table between the marks of every page."""
    for page in PAGES:
        whole = page.read_text(encoding="utf-8")
        page.write_text(whole.replace(block(page), text), encoding="utf-8")
        print(f"written into {page.relative_to(ROOT)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=250, help="points along each axis")
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--only", nargs="+", choices=peers.WORK, default=peers.WORK, help="what to measure")
    parser.add_argument("--write", action="store_true", help="put the table into README.md and docs/performance.md")
    options = parser.parse_args()
    if options.write and len(options.only) < len(peers.WORK):
        parser.error("--write: the table has all work; leave out --only")
    print(machine())
    times, differences = compare(options.size, options.repeat, options.only)
    text = table(options.size, times, differences)
    print(f"\n{text}\n")
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
