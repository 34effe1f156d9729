# SPDX-License-Identifier: BSD-3-Clause
"""The page of promises names tests that exist, and leaves none of these tests out."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_promises_name_tests() -> None:
    page = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)?test_\w+\.py)`", page))
    assert all((TESTS / name).is_file() for name in named), named
    assert {f"reliability/{path.name}" for path in TESTS.glob("reliability/test_*.py")} - named == {
        "reliability/test_promises.py"
    }
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert rows
    assert all("test_" in row.rsplit("|", 2)[1] for row in rows)
