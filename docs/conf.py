# SPDX-License-Identifier: BSD-3-Clause
"""Configuration of the documentation; `nox -s docs` builds it."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "fieldgrad"
author = "The fieldgrad developers"
project_copyright = "2026, The fieldgrad developers"
release = version = installed_version("fieldgrad")

# No intersphinx: it would make the build depend on the network.
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections state the types
numpydoc_show_class_members = False  # the template of classes lists them
myst_enable_extensions = ["dollarmath"]

html_theme = "furo"
html_title = f"fieldgrad {release}"
