# SPDX-License-Identifier: BSD-3-Clause
"""The project's tasks: one place for each command that people, `.ci/run` and the workflow share.

Run one with ``nox -s NAME`` inside an environment made with ``pip install -e '.[dev]'``; ``nox -l`` lists
them. The sessions make no environments of their own: they use the one that nox runs in.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
# What an sdist holds, beside its PKG-INFO.
SDIST = {
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"),
    *(".gitignore", ".pre-commit-config.yaml", "asv.conf.json", "noxfile.py", "pyproject.toml"),
    *("benchmarks", "docs", "examples", "fieldgrad", "recipe", "tests"),
}

nox.options.sessions = ["lint", "types", "imports", "tests", "doctests", "docs"]


def python(session: nox.Session, *args: str, **env: str) -> None:
    """Run the interpreter that nox runs in, so that an environment need not be activated."""
    session.run(sys.executable, *args, env=env)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments after -- go to pytest."""
    python(session, "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, and fail if too many lines or branches are missed."""
    python(session, "-m", "coverage", "erase")
    python(session, "-m", "coverage", "run", "-m", "pytest")
    python(session, "-m", "coverage", "combine", "--quiet")
    python(session, "-m", "coverage", "report")


@nox.session
def mutation(session: nox.Session) -> None:
    """Put faults into some modules, one at a time, and print those that no test finds."""
    python(session, "tests/mutation.py", *session.posargs)


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
def package(session: nox.Session) -> None:
    """Build sdist and wheel into dist/, check what they hold and say, and run the demo from the wheel alone."""
    shutil.rmtree("dist", ignore_errors=True)
    python(session, "-m", "build", "--outdir", "dist")
    (sdist,), (wheel,) = Path("dist").glob("*.tar.gz"), Path("dist").glob("*.whl")
    python(session, "-m", "twine", "check", "--strict", str(sdist), str(wheel))
    with tarfile.open(sdist) as archive:
        paths = [Path(name).parts[1:] for name in archive.getnames()]
    strange = {parts for parts in paths if parts[0] not in SDIST | {"PKG-INFO"} or "__pycache__" in parts}
    lacking = SDIST - {parts[0] for parts in paths}
    if strange or lacking:
        session.error(f"{sdist}: should not hold {sorted(strange)}, and lacks {sorted(lacking)}")
    folder = Path(session.create_tmp()).resolve()
    python(session, "-m", "venv", "--clear", str(folder / "venv"))
    scripts = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    session.run(str(scripts / "python"), "-m", "pip", "install", "--quiet", f"{wheel.resolve()}[cli]", external=True)
    with session.chdir(folder):
        # with no folder of the checkout on the way, and no kernel that was compiled before
        session.run(str(scripts / "fieldgrad"), "demo", "--size", "32", external=True, env={"PYTHONPATH": ""})


@nox.session
def bench_smoke(session: nox.Session) -> None:
    """Check that every benchmark imports and runs once; the numbers mean nothing."""
    # asv keeps what it knows of a machine in the home folder, and asks a person where it knows nothing
    session.env["HOME"] = session.create_tmp()
    python(session, "-m", "asv", "machine", "--yes")
    python(session, "-m", "asv", "check", "--python=same")
    once = ("--quick", "--dry-run", "--show-stderr")
    python(session, "-m", "asv", "run", "--python=same", *once, *session.posargs)
