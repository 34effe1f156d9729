# SPDX-License-Identifier: BSD-3-Clause
"""The project's tasks: one place for each command that people, `.ci/run` and the workflow share.

Run one with ``nox -s NAME`` inside an environment made with ``pip install -e '.[dev]'``; ``nox -l`` lists
them. The sessions make no environments of their own: they use the one that nox runs in.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests", "doctests", "docs"]


def python(session: nox.Session, *args: str, **env: str) -> None:
    """Run the interpreter that nox runs in, so that an environment need not be activated."""
    session.run(sys.executable, *args, env=env)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after -- go to pytest."""
    python(session, "-m", "pytest", *session.posargs)


@nox.session
def doctests(session: nox.Session) -> None:
    """Run the examples in the package's docstrings."""
    python(session, "-m", "pytest", "--doctest-modules", "fieldgrad", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling; `ruff check --fix` and `ruff format` repair most findings."""
    python(session, "-m", "ruff", "check", ".")
    python(session, "-m", "ruff", "format", "--check", ".")
    python(session, "-m", "codespell_lib", ".", ".github")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package."""
    python(session, "-m", "mypy")


@nox.session
def imports(session: nox.Session) -> None:
    """Check that imports point downward only."""
    # import-linter has no `python -m` form.
    session.run(str(Path(sysconfig.get_path("scripts"), "lint-imports")), external=True)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; a warning is an error."""
    python(session, "-m", "sphinx", "-W", "--keep-going", "-E", "-b", "html", "docs", "docs/_build/html")


@nox.session
def bench_smoke(session: nox.Session) -> None:
    """Check that every benchmark imports and runs once; the numbers mean nothing."""
    # asv keeps what it knows of a machine in the home folder, and asks a person where it knows nothing
    session.env["HOME"] = session.create_tmp()
    python(session, "-m", "asv", "machine", "--yes")
    python(session, "-m", "asv", "check", "--python=same")
    once = ("--quick", "--dry-run", "--show-stderr")
    python(session, "-m", "asv", "run", "--python=same", *once, *session.posargs)
