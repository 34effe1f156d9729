# SPDX-License-Identifier: BSD-3-Clause
"""Every code block of the README and of the documentation runs, and gives the output that it states.

The blocks of one page run in order, in one namespace and one temporary directory. `pycon` blocks are
doctests; in `console` blocks each line after "$ " is a command and the lines below it are its output;
`bash` blocks are the two commands of the README's quick start, which `.ci/run` executes word for word. Any
other language is an error, so that no block goes unexecuted unseen.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from markdown_blocks import Block, blocks

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES_OF_TIMES = ("README.md", "docs/performance.md")
# Directives that hold text, formulas or lists of pages, never code.
DIRECTIVES = {"{eval-rst}", "{include}", "{math}", "{note}", "{toctree}", "{warning}"}


def run_python(block: Block, page: Path, namespace: dict[str, Any]) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, {}, page.name, str(page), block.line - 1)
    assert test.examples, f"{page.name}:{block.line}: a pycon block without a >>> line"
    test.globs = namespace
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=report.append, clear_globs=False)
    assert not runner.failures, "".join(report)


def run_console(block: Block, page: Path, directory: Path) -> None:
    first, *sessions = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not first.strip(), f"{page.name}:{block.line}: a console block must begin with '$ '"
    assert sessions, f"{page.name}:{block.line}: a console block without a '$ ' line"
    for session in sessions:
        command, _, stated = session.partition("\n")
        program, *args = shlex.split(command)
        done = subprocess.run(
            [Path(sysconfig.get_path("scripts"), program), *args],
            cwd=directory,
            # Tables are as wide in any terminal, and without colours.
            env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "MPLBACKEND": "Agg"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        where = f"{page.name}:{block.line}: $ {command}"
        # A command that fails is documented by its message.
        assert done.returncode == 0 or "rror" in stated, f"{where}\nstatus {done.returncode}\n{done.stdout}"
        agrees = doctest.OutputChecker().check_output(stated, done.stdout, FLAGS)
        assert agrees, f"{where}\nstated:\n{stated}\nprinted:\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "pycon":
            run_python(block, page, namespace)
        elif block.language == "console":
            run_console(block, page, tmp_path)
        elif block.language == "bash":
            assert page == ROOT / "README.md", f"{page.name}:{block.line}: nothing executes this bash block"
        else:
            assert block.language in DIRECTIVES, (
                f"{page.name}:{block.line}: nothing executes a block marked {block.language!r}; use pycon or console"
            )


def test_quick_start_is_two_lines_that_ci_executes() -> None:
    commands = [block.text for block in blocks(ROOT / "README.md") if block.language == "bash"]
    assert len(commands) == 2
    demo, tests = commands
    for command in commands:
        assert command.count("\n") == 1
        assert command.startswith("python3 -m venv .venv")
    assert demo.rstrip().endswith("fieldgrad demo")
    assert tests.rstrip().endswith("python -m pytest")
    script = ROOT / ".ci/run"
    if not script.is_file():
        pytest.skip("an sdist has no folder of the checks")
    for position in (1, 2):
        assert f"markdown_blocks.py README.md bash {position}" in script.read_text(encoding="utf-8")


def test_times_are_those_of_one_run_on_both_pages() -> None:
    times = re.compile(
        r"<!-- times: python -m benchmarks\.compare --write -->\n(.*?)\n<!-- end of times -->", re.DOTALL
    )
    readme, page = (times.findall((ROOT / name).read_text(encoding="utf-8")) for name in PAGES_OF_TIMES)
    assert len(readme) == 1
    assert readme == page
    table, _, about = readme[0].partition("\n\n")
    header, _, *rows = table.splitlines()
    assert all(row.count("|") == header.count("|") for row in rows)
    programs = [row.split("|")[1] for row in rows]
    for program in (
        "limit",
        "fieldgrad",
        "C with OpenMP",
        "NumPy",
        "xarray",
        "PyTorch",
        "findiff",
        "MetPy",
        "VTK",
        "JAX",
    ):
        assert any(program in row for row in programs), program
    for name in ("threads", "Python", "numba", "double precision"):
        assert name in about


def test_api_page_lists_every_public_name() -> None:
    import fieldgrad
    import fieldgrad.array
    import fieldgrad.flows
    import fieldgrad.plot

    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ +([a-zA-Z_][\w.]*)$", page, re.MULTILINE))
    public = {name for name in fieldgrad.__all__ if name not in ("__version__", "array", "flows", "plot")}
    public |= {f"array.{name}" for name in fieldgrad.array.__all__}
    public |= {f"plot.{name}" for name in fieldgrad.plot.__all__}
    public |= {f"flows.{name}" for name in fieldgrad.flows.__all__}
    assert listed == public
    for accessor in ("DatasetAccessor", "DataArrayAccessor"):
        assert f".. autoclass:: fieldgrad.accessor.{accessor}\n" in page


def test_command_line_page_names_every_command_option_and_exit_code() -> None:
    from fieldgrad import cli

    typer = pytest.importorskip("typer")
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    command = typer.main.get_command(cli._app([]))
    for name, verb in command.commands.items():
        assert f"`fieldgrad {name}" in page
        for parameter in verb.params:
            for option in parameter.opts:
                assert not option.startswith("-") or f"`{option}`" in page, f"{name} {option}"
    for code in (cli.UNEXPECTED, cli.USAGE, cli.UNREADABLE, cli.NOT_UNDERSTOOD, cli.NOT_WRITTEN, cli.INTERRUPTED):
        assert f"\n| {code} | " in page
