# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the gallery: those that the examples themselves write; others are matplotlib's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib import pyplot
from sphinx_gallery.scrapers import figure_rst


def written(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Move NAME.png, which NAME.py wrote beside itself, to the pictures of the gallery."""
    script = Path(block_vars["src_file"])
    picture = script.with_suffix(".png")
    if not picture.exists():
        return ""
    pyplot.close("all")  # the picture shows what is in them
    target = next(block_vars["image_path_iterator"])
    # never over the boundary of file systems
    Path(target).write_bytes(picture.read_bytes())
    picture.unlink()
    return str(figure_rst([target], gallery_conf["src_dir"], fig_titles=script.stem.replace("_", " ")))
