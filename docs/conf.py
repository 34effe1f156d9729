# SPDX-License-Identifier: BSD-3-Clause
"""Configuration of the documentation; `nox -s docs` builds it."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

import fieldgrad
from fieldgrad.parameters import PARAMETERS
from fieldgrad.units import combine

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

project = "fieldgrad"
author = "The fieldgrad developers"
project_copyright = "2026, The fieldgrad developers"
release = version = installed_version("fieldgrad")

# No intersphinx: it would make the build depend on the network.
# Names that are not found are warnings; these are names of others.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(functools|jax|numpy|torch)\..*")]
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections state the types
numpydoc_show_class_members = False  # the template of classes lists them
myst_enable_extensions = ["dollarmath"]
# formulas of MyST, and those in tables that examples show
myst_mathjax_classes = "tex2jax_process|mathjax_process|math|output_html"

# gallery_pictures is named, for what is not a plain value cannot be kept between builds
sys.path.insert(0, str(Path(__file__).parent))
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": ("gallery_pictures.written", "matplotlib"),
    "run_stale_examples": True,  # the library may have changed
    "capture_repr": ("_repr_html_",),
    # the arguments that a kernel of Jupyter was started with are none of the example's
    "first_notebook_cell": "import sys\n\ndel sys.argv[1:]",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "furo"
html_title = f"fieldgrad {release}"

# before the gallery runs, whose examples register others
BUILT_IN = list(fieldgrad.quantities().values())


class QuantityTable(SphinxDirective):
    """The table of the quantities that are built in, then the numbered list of the sources it cites."""

    def run(self) -> list[nodes.Node]:
        """Write both from the registry."""
        sources: dict[str, int] = {}
        rows = [("name", "formula", "rank", "flows", "units", "parameters", "source")]
        for record in BUILT_IN:
            # "A. Author, Book (1967), section 2" is place 2 in the source "A. Author, Book (1967)"
            source, _, place = re.fullmatch(r"(.*?)(, ((?:section|equation|chapter) \S+))?", record.reference).groups()
            number = sources.setdefault(source, len(sources) + 1)
            named = re.search(rf"(?<![a-z\\]){re.escape(record.symbol)}", record.formula.replace(" ", ""))
            units = combine([("s-1", record.power), *((PARAMETERS[p].units, n) for p, n in record.powers.items())])
            rows.append(
                (
                    f"``{record.name}``: {record.long_name}",
                    f":math:`{record.formula if named else f'{record.symbol} = {record.formula}'}`",
                    record.rank,
                    ", ".join(f"{dimension}-D" for dimension in record.dimensions),
                    units or "",
                    ", ".join(f"``{name}``" for name in record.parameters),
                    f"[{number}]" + (f", {place}" if place else ""),
                )
            )
        lines = [".. list-table::", "   :header-rows: 1", "   :class: quantities", ""]
        for row in rows:
            lines += [f"   {' ' if column else '*'} - {cell}" for column, cell in enumerate(row)]
        # without the backslash an initial such as "S." would begin a list
        lines += ["", *(f"{number}. \\{source}" for source, number in sources.items())]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> None:
    """Make ``.. quantity-table::`` known."""
    app.add_directive("quantity-table", QuantityTable)
