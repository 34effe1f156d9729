# SPDX-License-Identifier: BSD-3-Clause
"""What becomes of the process in which a file is tried, whatever ends it; on real files see test_hostile_files.py."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from fieldgrad import opening

pytest.importorskip("netCDF4")

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="files are tried in a limited process on Linux only")


@pytest.fixture(name="damaged")
def _damaged(tmp_path: Path) -> Path:
    """A file that ends behind its mark."""
    path = tmp_path / "damaged.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    return path


@ON_LINUX
def test_the_library_says_what_is_wrong_and_a_whole_file_is_let_through(damaged: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="HDF error"):
        opening.try_opening(damaged)
    xr.Dataset({"u": 1.0}).to_netcdf(tmp_path / "whole.nc", engine="netcdf4")
    opening.try_opening(tmp_path / "whole.nc")


@ON_LINUX
@pytest.mark.parametrize("end", ["os.abort()", "time.sleep(600)", "os._exit(3)"], ids=["crashes", "hangs", "gives up"])
def test_a_library_that_does_not_come_back(end: str, damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        f"import os, resource, time\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.write(1, b'begun\\n')\n{end}"
    )
    monkeypatch.setattr(opening, "_PROGRAM", program)
    monkeypatch.setattr(opening, "_SECONDS", 0.5 if "sleep" in end else 60)
    with pytest.raises(
        OSError, match=r"library crashes on it, or needs more than 1 GiB or [\d.]+ s .*linked into itself"
    ):
        opening.try_opening(damaged)


def test_where_it_cannot_be_tried_nothing_is_said(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may be a good one: whoever opens it finds out."""
    with monkeypatch.context() as patch:  # say, a build of the library without the functions that the program calls
        patch.setattr(opening, "_PROGRAM", "raise SystemExit('no such library')")
        opening.try_opening(damaged)

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a process is started")

    monkeypatch.setattr(opening.subprocess, "run", refused)
    for platform in ("darwin", "win32"):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", platform)
            opening.try_opening(damaged)
    find = importlib.util.find_spec
    for missing in ("netCDF4", "netCDF4._netCDF4"):

        def found(name: str, missing: str = missing) -> Any:
            return None if name == missing else find(name)

        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", found)
            opening.try_opening(damaged)
