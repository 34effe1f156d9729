# SPDX-License-Identifier: BSD-3-Clause
"""The fenced code blocks of a Markdown page.

Standard library only: `.ci/run` uses it before anything is installed, to print the n-th block of a language::

    python3 tests/markdown_blocks.py README.md bash 1
"""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,}|:{3,})\s*(?P<info>.*?)\s*$")


@dataclass(frozen=True)
class Block:
    """One block: its language (or "{directive}"), its text, and the line on which that begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in order; refuse what would otherwise be overlooked."""
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        if opening is None:
            if lines[number].startswith(("    ", "\t")) and (number == 0 or not lines[number - 1].strip()):
                raise ValueError(f"{page.name}:{number + 1}: indented code; use a fence with a language")
            number += 1
            continue
        fence, info = opening["fence"], opening["info"]
        first = number + 1
        number = first
        while number < len(lines) and lines[number].strip() != fence:
            number += 1
        if number == len(lines):
            raise ValueError(f"{page.name}:{first}: this block has no end")
        text = textwrap.dedent("\n".join(lines[first:number]) + "\n")
        found.append(Block(info.split()[0] if info else "", text, first + 1))
        number += 1
    return found


def main(page: str, language: str, position: str) -> None:
    """Print one block, counted from 1 among those of its language."""
    matching = [block for block in blocks(Path(page)) if block.language == language]
    print(matching[int(position) - 1].text, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
