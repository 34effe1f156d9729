# SPDX-License-Identifier: BSD-3-Clause
"""What is said of the package outside it agrees with the package: recipe, changelog, map of the modules, links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fieldgrad import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Names of packages on PyPI that conda-forge has under others.
ON_CONDA = {"cf-xarray": "cf_xarray", "dask": "dask-core", "matplotlib": "matplotlib-base", "netCDF4": "netcdf4"}
# Extras for the sake of an adapter alone, whose versions are not bounded.
UNBOUNDED = {"torch", "jax"}
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def requirement(text: str) -> tuple[str, str]:
    """Name on conda-forge and lower bound of a requirement as pyproject.toml writes it."""
    found = re.fullmatch(r"([\w-]+)(?:\[[\w,]+\])?>=([\d.]+)", text)
    assert found, text
    return ON_CONDA.get(found[1], found[1]), found[2]


def recipe_requirements(lines: list[str], context: dict[str, str]) -> dict[str, str]:
    bounds = {}
    for line in lines:
        name, _, bound = re.sub(r"\$\{\{ (\w+) \}\}", lambda m: context[m[1]], line).partition(" ")
        bounds[name] = bound.removeprefix(">=")
    return bounds


@pytest.fixture
def recipe() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    content: dict[str, Any] = yaml.safe_load((ROOT / "recipe/recipe.yaml").read_text(encoding="utf-8"))
    return content


def test_recipe_asks_for_what_the_package_asks_for(recipe: dict[str, Any]) -> None:
    project, context = PROJECT["project"], recipe["context"]
    python = project["requires-python"].removeprefix(">=")
    needs = recipe["requirements"]
    assert recipe_requirements(needs["run"], context) == {
        "python": python,
        **dict(requirement(one) for one in project["dependencies"]),
    }
    (backend,) = PROJECT["build-system"]["requires"]
    assert recipe_requirements(needs["host"], context) == {
        "python": f"{python}.*",
        "pip": "",
        **dict([requirement(backend)]),
    }
    extras = project["optional-dependencies"]
    wanted = {
        requirement(one)
        for name in set(extras) - {"test", "docs", "dev"} - UNBOUNDED
        for one in extras[name]
        if not one.startswith("fieldgrad[")
    }
    assert recipe_requirements(needs["run_constraints"], context) == dict(wanted)


def test_recipe_describes_the_package(recipe: dict[str, Any]) -> None:
    project = PROJECT["project"]
    assert recipe["package"]["name"] == project["name"]
    assert recipe["context"]["version"] == __version__
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert dict([entry.split(" = ")]) == project["scripts"]
    assert recipe["about"]["summary"] == project["description"]
    assert recipe["about"]["license"] == project["license"]
    assert (ROOT / recipe["about"]["license_file"]).is_file()
    # the test of the command has what the command needs
    needed = {
        requirement(one)[0] for one in project["optional-dependencies"]["cli"] if not one.startswith("fieldgrad[")
    }
    needed |= {requirement(one)[0] for name in ("dask", "plot") for one in project["optional-dependencies"][name]}
    (commands,) = [test for test in recipe["tests"] if "script" in test]
    assert set(commands["requirements"]["run"]) | {"cftime"} == needed  # netcdf4 brings cftime


def numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def test_changelog_has_a_section_for_this_version() -> None:
    """A version on its way to the next release, ".dev0", has none yet: what changed stands below Unreleased."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert first == "[Unreleased]"
    released = []
    for heading in headings:
        found = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}", heading)
        assert found, heading
        released.append(numbers(found[1]))
    assert released == sorted(released, reverse=True)
    version, _, development = __version__.partition(".dev")
    assert numbers(version) > released[0] if development else numbers(version) == released[0]
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def modules() -> set[str]:
    names = set()
    for path in (ROOT / "fieldgrad").rglob("*.py"):
        parts = path.relative_to(ROOT / "fieldgrad").with_suffix("").parts
        if parts[-1] not in ("__init__", "_version"):
            names.add(".".join(parts))
    return names


def test_the_map_of_the_modules_is_whole() -> None:
    """Each module stands on the page of the architecture, and nothing that is none; those of flows are one layer."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| layer \|.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    (inside,) = re.findall(r"^\| module of `kernels` \|.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    columns = [[row.split("|")[1] for row in text.splitlines()[2:]] for text in (table, inside)]
    named, in_kernels = [re.findall(r"`(\w+)`", " ".join(cells)) for cells in columns]
    assert sorted(named) == sorted({name.partition(".")[0] for name in modules()})
    assert sorted(in_kernels) == sorted(name.partition(".")[2] for name in modules() if name.startswith("kernels."))


def test_the_map_has_the_order_of_the_contract() -> None:
    """Layers stand on the page in the order in which import-linter holds them."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| layer \|.*?(?=\n\n)", page, re.MULTILINE | re.DOTALL)
    (contract,) = [one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    height = {name: number for number, layer in enumerate(contract["layers"]) for name in re.findall(r"\w+", layer)}
    heights = [height[name] for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert heights == sorted(heights)


def targets(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def slug(heading: str) -> str:
    """The anchor that GitHub and MyST make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    for target in targets(page):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        if there.parent.name == "gallery":  # made of the examples when the pages are
            there = ROOT / "examples" / ("" if there.stem == "index" else f"{there.stem}.py")
        assert there.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name}: {target}"
