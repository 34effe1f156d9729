# SPDX-License-Identifier: BSD-3-Clause
"""Notebooks in a kernel of Jupyter: those that the gallery offers, and bars of calls that last."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")
gallery = pytest.importorskip("sphinx_gallery.gen_gallery")
notebook = pytest.importorskip("sphinx_gallery.notebook")
parser = pytest.importorskip("sphinx_gallery.py_source_parser")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
WORK = """
import time
from fieldgrad import bars, progress

@bars.watched
def work(seconds):
    call = progress.open_call()
    call.begin("computing", 4)
    for call.done in (1, 2, 3):
        time.sleep(seconds / 3)
"""


class Client(nbclient.NotebookClient):  # type: ignore[misc]
    """A front end that keeps what each cell was sent, for what is shown may be replaced later."""

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Take down what is shown."""
        if msg["msg_type"] in ("display_data", "update_display_data", "execute_result"):
            cell.setdefault("sent", []).append((msg["msg_type"], msg["content"]["data"]))
        return super().process_message(msg, cell, cell_index)


def run(cells: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("CI", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    Client(cells, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return [cell for cell in cells.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", ["first_notebook", "rq_map"])
def test_notebooks_of_the_gallery(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())
    conf = gallery.DEFAULT_GALLERY_CONF | runpy.run_path(str(ROOT / "docs/conf.py"))["sphinx_gallery_conf"]
    _, blocks = parser.split_code_and_text_blocks(ROOT / f"examples/{name}.py")
    written = json.dumps(notebook.jupyter_notebook(blocks, conf, tmp_path))
    cells = run(nbformat.reads(written, as_version=4), tmp_path, monkeypatch)
    shown = [output.data for cell in cells for output in cell.outputs if "data" in output]
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert sum("image/png" in data for data in shown) == {"first_notebook": 3, "rq_map": 1}[name]
    tables = [data["text/html"] for data in shown if "<table>" in data.get("text/html", "")]
    if name == "first_notebook":
        grid, quantities = tables
        assert "<td>1.088</td>" in grid
        assert "<code>q_criterion</code>" in quantities


def test_calls_that_last_have_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [WORK, "work(1)", "work(3)", "import fieldgrad as fg\nfg.show_progress(False)\nwork(3)"]
    cells = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(part) for part in parts])
    _, short, long, unwanted = run(cells, tmp_path, monkeypatch)
    assert "sent" not in short
    assert "sent" not in unwanted
    (first, bar), *later = long.sent
    assert first == "display_data"
    assert {kind for kind, _ in later} == {"update_display_data"}
    assert "work: computing" in bar["text/plain"]
    assert "75%" in later[-2][1]["text/plain"]
    assert later[-1][1] == {"text/html": "", "text/plain": ""}
    assert all(output.data["text/html"] == "" for output in long.outputs)
