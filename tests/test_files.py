# SPDX-License-Identifier: BSD-3-Clause
"""Files in, files out: known by content, and nothing half done ever looks complete."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import files
from fieldgrad.files import OutputProblem


def flow(times: int = 2) -> xr.Dataset:
    x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ds = fg.flows.taylor_green_2d(x, np.linspace(0, 1, 11), t=np.arange(float(times)), viscosity=0.1).dataset
    return ds[["u", "v"]]


def loaded(path: Path) -> xr.Dataset:
    with files.reading(path) as ds:
        return ds.load()


def test_content_tells_the_format(tmp_path: Path) -> None:
    ds = flow(1)
    netcdf: Any = {"NetCDF 4": "NETCDF4", "NetCDF 3": "NETCDF3_64BIT"}
    for kind in ("NetCDF 4", "NetCDF 3", "Zarr"):
        path = tmp_path / kind.replace(" ", "")
        if kind == "Zarr":
            ds.to_zarr(path, zarr_format=2, consolidated=False)
        else:
            ds.to_netcdf(path, engine="netcdf4", format=netcdf[kind])
        assert files.input_format(path) == kind
        assert loaded(path).u.shape == (1, 11, 12)


def test_names_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(files.InputProblem, match="cannot be read: File name too long"):
        files.input_format(tmp_path / ("a" * 300))


def test_what_fails_while_a_file_is_written() -> None:
    for error, wanted in (
        (MemoryError("none"), MemoryError),
        (files.DataProblem("no"), files.DataProblem),
        (KeyError("disk"), OutputProblem),
    ):
        with pytest.raises(wanted), files.writing(Path("out.nc")):
            raise error


def test_zarr_3_is_read_with_or_without_consolidated_metadata(tmp_path: Path) -> None:
    ds = flow()
    for consolidated in (False, True):
        for form in (2, 3):
            path = tmp_path / f"{form}{consolidated}.zarr"
            with pytest.warns() if consolidated and form == 3 else contextlib.nullcontext():
                ds.to_zarr(path, zarr_format=form, consolidated=consolidated)  # type: ignore[call-overload]
            xr.testing.assert_equal(loaded(path), ds)


def test_times_that_cannot_be_decoded_are_left_as_numbers(tmp_path: Path) -> None:
    ds = flow(3).assign_coords(time=("time", [0.5, 1.5, 2.5], {"units": "fortnights since 2001-01-01"}))
    ds.to_netcdf(tmp_path / "in.nc", engine="netcdf4")
    with pytest.warns(files.FileNote, match="times are left as numbers"):
        assert loaded(tmp_path / "in.nc").time.dtype == np.float64


def test_a_failed_replacement_of_a_group_keeps_the_old_one(tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out.zarr"
    flow(1).to_zarr(out, zarr_format=2, consolidated=False)
    rename = Path.rename

    def fail(self: Path, to: Path) -> Path:
        if to == out and "replaced" not in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with (
        pytest.raises(OutputProblem, match="Permission denied"),
        files.replacing(out, overwrite=True) as part,
    ):
        part.mkdir()
    assert loaded(out).u.size
    assert os.listdir(tmp_path) == ["out.zarr"]


class Stopped(BaseException):
    pass


def begin(target: Path, *, kept: bool, **options: bool) -> list[str]:
    """Begin a work that stops half-way; return what was there before."""
    with contextlib.suppress(Stopped), files.continuing(target, **options) as (part, record):
        there = sorted(path.name for path in part.iterdir()) if part.exists() else []
        part.mkdir(exist_ok=True)
        (part / f"{len(there)}").touch()
        if kept:
            record.touch()
        raise Stopped
    return there


def test_work_goes_on_where_a_record_of_it_is_left(tmp_path: Path) -> None:
    out = tmp_path / "out.zarr"
    assert begin(out, kept=False) == []
    assert os.listdir(tmp_path) == []
    assert begin(out, kept=True, resume=True) == []
    assert os.listdir(tmp_path) == [".out.zarr.unfinished"]
    with pytest.raises(OutputProblem, match=r"an earlier run left a part of it; finish it with resume=True"):
        begin(out, kept=True)
    assert begin(out, kept=True, resume=True) == ["0"]
    assert begin(out, kept=True, overwrite=True) == []
    with files.continuing(out, resume=True) as (part, _):
        assert os.listdir(part) == ["0"]
    assert os.listdir(tmp_path) == ["out.zarr"]
    assert os.listdir(out) == ["0"]
    with pytest.raises(OutputProblem, match="exists"):
        begin(out, kept=True, resume=True)


@pytest.mark.parametrize("when", ["folder", "lock"])
def test_an_interrupt_before_the_work_begins_leaves_nothing(when: str, tmp_path: Path, monkeypatch: Any) -> None:
    holder, name = (Path, "mkdir") if when == "folder" else (pytest.importorskip("fcntl"), "flock")
    real = getattr(holder, name)

    def interrupted(*args: Any, **options: Any) -> None:
        monkeypatch.undo()
        real(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(holder, name, interrupted)
    with pytest.raises(KeyboardInterrupt), files.continuing(tmp_path / "out.zarr"):
        raise AssertionError("the work has begun")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("failures", [2, 100])
def test_threads_that_still_write_are_waited_for(failures: int, tmp_path: Path, monkeypatch: Any) -> None:
    """What they leave for good is left: the error that is on its way says more."""
    left = [failures]
    rmtree = shutil.rmtree

    def stubborn(folder: Path, **options: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            rmtree(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", stubborn)
    monkeypatch.setattr(files.time, "sleep", lambda seconds: None)
    assert begin(tmp_path / "out.zarr", kept=False) == []
    assert os.listdir(tmp_path) == ([] if failures == 2 else [".out.zarr.unfinished"])


@pytest.mark.parametrize("lacking", ["module", "locks"])
def test_systems_without_locks(lacking: str, tmp_path: Path, monkeypatch: Any) -> None:
    fcntl = pytest.importorskip("fcntl")
    if lacking == "module":
        monkeypatch.setitem(sys.modules, "fcntl", None)
    else:

        def refused(*_: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", refused)
    with files.continuing(tmp_path / "out.zarr") as (part, _):
        part.mkdir()
    assert os.listdir(tmp_path) == ["out.zarr"]


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    out = tmp_path / "out.zarr"
    with files.continuing(out) as (part, _):
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with pytest.raises(OutputProblem, match="another run is writing it now"):
                begin(out, kept=False, **options)
        part.mkdir()
    assert os.listdir(tmp_path) == ["out.zarr"]
