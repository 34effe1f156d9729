# SPDX-License-Identifier: BSD-3-Clause
"""Mutation testing: faults are put into a module one at a time, and its tests must fail.

    pip install --group mutation
    python tests/mutation.py [--sample N] [--seed S] [--again] [MODULE ...]

cosmic-ray makes the mutants and keeps what became of each in ``.mutation``, a session for each state of a module.
Mutants live in a temporary copy, kernels run as plain Python, so that none is compiled, and the tests of a mutant run
in a fork of this process (not on Windows), which has imported all that they need but the package itself.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import hashlib
import importlib
import os
import random
import resource
import shutil
import sys
import tempfile
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

ROOT = Path(__file__).resolve().parents[1]
POINTS = ("tests/kernels/quick_points.py", "tests/kernels/test_points.py", "-k", "quick or known or quotients")
#: What mirrors each module, but for what takes seconds; it must be quick as plain Python.
TESTS = {
    "stencils": ("tests/test_stencils.py", "-k", "not far_from_the_origin and not order_of_accuracy"),
    "grid": ("tests/test_grid.py",),
    "kernels/points": POINTS,
    "kernels/eigen": POINTS,
    "kernels/arithmetic": ("tests/kernels/test_arithmetic.py", *POINTS[:-1], f"{POINTS[-1]} or exact"),
}
#: Arithmetic is replaced by arithmetic alone: to shift a float is an error that any test finds. `|` stands in
#: annotations, which nothing evaluates.
ARITHMETIC = {"Add", "Sub", "Mul", "Div", "FloorDiv"}
COMPARISONS = {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"}
OTHERS = {
    "AddNot", "NumberReplacer", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop", "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub", "ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is",
}  # fmt: skip
# Of CPU, after which a mutant counts as killed, and of memory.
SECONDS, BYTES = 60, 4 << 30


def wanted(operator: str) -> bool:
    """Whether mutants of this kind are made."""
    kind, _, change = operator.partition("_")
    known = {"ReplaceBinaryOperator": ARITHMETIC, "ReplaceComparisonOperator": COMPARISONS}.get(kind, set())
    return operator in OTHERS or set(change.split("_")) <= known


def compiled_only(source: str) -> set[int]:
    """Lines that do not run in plain Python: what writes code for the compiler."""
    intrinsics = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and any("twinned" in ast.unparse(one) for one in node.decorator_list)
    ]
    return {line for node in intrinsics for line in range(node.lineno, (node.end_lineno or 0) + 1)}


def mutants(db: WorkDB, path: Path, source: str) -> list[WorkItem]:
    """All mutants of a module, in one order."""
    if not db.num_work_items:
        init([path], db, {})
    skipped = compiled_only(source)

    def place(item: WorkItem) -> tuple[str, int]:
        return item.mutations[0].operator_name.removeprefix("core/"), item.mutations[0].occurrence

    items = [item for item in db.work_items if item.mutations[0].start_pos[0] not in skipped and wanted(place(item)[0])]
    return sorted(items, key=place)


def survives(tests: tuple[str, ...]) -> bool:
    """Whether the tests pass, in a child that imports the package anew."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))  # loops without end
        resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
        with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            import pytest

            code = pytest.main(["-x", "-q", "-n0", "--assert=plain", "-p", "no:cacheprovider", *tests])
        os._exit(int(code != 0))
    return os.waitpid(child, 0)[1] == 0


def tried(path: Path, source: str, mutation: MutationSpec, tests: tuple[str, ...]) -> WorkResult:
    """What becomes of a mutant."""
    mutated = mutate_code(source, get_operator(mutation.operator_name)(), mutation.occurrence)
    path.write_text(mutated, encoding="utf-8")
    outcome = TestOutcome.SURVIVED if survives(tests) else TestOutcome.KILLED
    lines = list(difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0))[2:]
    return WorkResult(WorkerOutcome.NORMAL, test_outcome=outcome, diff="\n".join(lines))


def examine(module: str, copy: Path, sample: int, seed: int, *, again: bool) -> None:
    """Try mutants of a module drawn at random, and print how many were killed and what survived."""
    tests, path = TESTS[module], copy / "fieldgrad" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    if not survives(tests):
        raise SystemExit(f"{module}: the tests fail without any fault")
    state = hashlib.sha256(source.encode()).hexdigest()[:8]
    with use_db(ROOT / ".mutation" / f"{module.replace('/', '.')}-{state}.sqlite") as db:
        every = mutants(db, path, source)
        drawn = random.Random(seed).sample(every, len(every))[:sample]  # a larger sample holds a smaller one
        known, survivors = dict(db.results), []
        for item in drawn:
            if item.job_id not in known or (again and not known[item.job_id].is_killed):
                known[item.job_id] = tried(path, source, item.mutations[0], tests)
                db.set_result(item.job_id, known[item.job_id])
            if not known[item.job_id].is_killed:
                survivors.append(item)
                print(f"\n{module}: {item.mutations[0].operator_name}\n{known[item.job_id].diff}", flush=True)
    path.write_text(source, encoding="utf-8")
    rate = 1 - len(survivors) / len(drawn)
    # of a sample without replacement
    error = (rate * (1 - rate) / len(drawn) * (1 - len(drawn) / len(every))) ** 0.5
    print(
        f"\n{module}: {len(drawn) - len(survivors)} of {len(drawn)} killed, {100 * rate:.1f} +- {196 * error:.1f} % "
        f"(95 %), of {len(every)} mutants",
        flush=True,
    )


def main() -> None:
    """Mutate a copy of the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=list(TESTS), metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, default=10**6, help="so many mutants of each, by default all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--again", action="store_true", help="try those that survived before once more")
    options = parser.parse_args()
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    sys.dont_write_bytecode = True
    (ROOT / ".mutation").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("fieldgrad", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        os.chdir(copy)
        sys.path[:1] = [str(copy), str(copy / "tests")]
        for name in ("numba", "xarray", "pytest", "hypothesis.extra.numpy"):
            importlib.import_module(name)
        if any(TESTS[module] is POINTS for module in options.modules):
            importlib.import_module("kernels.expected")  # takes seconds, and is the same for all mutants
        for module in options.modules:
            examine(module, copy, options.sample, options.seed, again=options.again)


if __name__ == "__main__":
    main()
