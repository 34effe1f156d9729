# SPDX-License-Identifier: BSD-3-Clause
"""The page of promises names tests that exist, and leaves none of these tests out; versions and warnings are tested."""

from __future__ import annotations

import re
import tomllib
import warnings
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def test_promises_name_tests() -> None:
    page = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", page))
    assert all((TESTS / name).is_file() for name in named), named
    assert {f"reliability/{path.name}" for path in TESTS.glob("reliability/test_*.py")} <= named
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert rows
    assert all("test_" in row.rsplit("|", 2)[1] for row in rows)


def test_a_warning_is_an_error() -> None:
    """Without this a test could pass although users see a warning."""
    with pytest.raises(FutureWarning, match="in a year"):
        warnings.warn("this will be gone in a year", FutureWarning, stacklevel=1)


def test_every_declared_version_is_tested() -> None:
    """Each Python that is declared has a job; a job has the oldest dependencies, the others the newest."""
    yaml = pytest.importorskip("yaml")
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert declared
    workflow = yaml.safe_load((TESTS.parent / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    newest = set(jobs["tests"]["strategy"]["matrix"]["python"])
    for job, text in ((name, str(job)) for name, job in jobs.items()):
        found = re.findall(r"'python-version': '(3\.\d+)'", text)
        if job == "oldest":
            assert "--resolution lowest-direct" in text
            assert found == declared[:1]
        else:
            newest |= set(found)
    assert newest == set(declared)
    assert all(">=" in needed and "<" not in needed for needed in project["dependencies"])
