# SPDX-License-Identifier: BSD-3-Clause
"""Datasets on disk: known by content, opened lazily, written so that nothing half done looks complete."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad._version import __version__
from fieldgrad.components import Components, find_components
from fieldgrad.grid import Grid
from fieldgrad.infer import FINITE_DIFFERENCE, infer_grid
from fieldgrad.least_squares import LeastSquares
from fieldgrad.opening import try_opening
from fieldgrad.systems import EARTH_RADIUS
from fieldgrad.vtk import from_vtk

NETCDF3, NETCDF4, ZARR = "NetCDF 3", "NetCDF 4", "Zarr"
_SUFFIXES = {".nc": NETCDF4, ".nc4": NETCDF4, ".nc3": NETCDF3, ".cdf": NETCDF3, ".zarr": ZARR}
# Codecs of Zarr that turn bytes into numbers or text, by their names in format 2; format 3 says numcodecs. before some.
_CODECS = frozenset(
    (
        *("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd", "shuffle", "packbits", "pcodec", "zfpy"),
        *(
            "astype",
            "base64",
            "bitround",
            "categorize",
            "delta",
            "fixedscaleoffset",
            "quantize",
            "vlen-utf8",
            "vlen-bytes",
        ),
        *("adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"),
        *("bytes", "endian", "transpose", "sharding_indexed"),
    )
)
VTK = "VTK"
VTK_SUFFIXES = (".vtr", ".vts")
_ZARR_MARKS = (".zgroup", ".zmetadata", "zarr.json")


class FileProblem(Exception):
    """What is wrong with a file, in one line for the user."""


class InputProblem(FileProblem):
    """A file cannot be read."""


class DataProblem(FileProblem):
    """A file was read, and its grid, its velocity or what is asked of it is not understood."""


class OutputProblem(FileProblem):
    """A file cannot be written."""


class FileNote(UserWarning):
    """What the user should know of a file that is used nonetheless."""


@dataclass(frozen=True)
class Reading:
    """What the user says of a dataset beside what it tells itself; see :func:`fieldgrad.infer_grid`.

    Parameters
    ----------
    axes, spacing, periodic, accuracy, boundary, scheme, missing, least_accuracy, geometry, radius, shallow
        As :func:`fieldgrad.infer_grid` takes them.
    components : tuple of str, optional
        Names of the velocity components, in x, y, z order.
    mask : str, optional
        Name of the variable that is the mask. It is not read with the grid.
    """

    axes: Mapping[str, str | None] | None = None
    spacing: Mapping[str, float] | None = None
    periodic: Mapping[str, float | None] | None = None
    accuracy: int = 2
    components: tuple[str, ...] | None = None
    boundary: Mapping[str, Any] | None = None
    scheme: str | LeastSquares = FINITE_DIFFERENCE
    missing: str = "propagate"
    least_accuracy: int | None = None
    mask: str | None = None
    geometry: str = "auto"
    radius: float = EARTH_RADIUS
    shallow: bool = False

    def grid(self, ds: xr.Dataset) -> Grid:
        """Grid of a dataset; of its velocity alone where that is named."""
        names = [name for name in self.components or () if name in ds.data_vars]
        with understood():
            return infer_grid(
                ds[names] if names else ds,
                axes=self.axes,
                spacing=self.spacing,
                periodic=self.periodic or (),
                accuracy=self.accuracy,
                boundary=self.boundary,
                scheme=self.scheme,
                missing=self.missing,
                least_accuracy=self.least_accuracy,
                geometry=self.geometry,
                radius=self.radius,
                shallow=self.shallow,
            )

    def velocity(self, ds: xr.Dataset, grid: Grid) -> Components:
        """Velocity components of a dataset, not yet read."""
        with understood():
            return find_components(ds, grid, self.components)


def input_format(path: Path) -> str:
    """Format of a file or directory, by its content.

    Parameters
    ----------
    path : Path
        What to look at.

    Returns
    -------
    str
        "NetCDF 3", "NetCDF 4" (or plain HDF5), "Zarr" or "VTK".

    Raises
    ------
    InputProblem
        If it does not exist, cannot be read, or is none of these.

    Examples
    --------
    >>> input_format(Path("no such file.nc"))
    Traceback (most recent call last):
    fieldgrad.files.InputProblem: no such file.nc: does not exist
    """
    try:
        if path.is_dir():
            if any((path / mark).exists() for mark in _ZARR_MARKS):
                return ZARR
            raise InputProblem(f"{path}: is a directory and no Zarr group; name a NetCDF file or a Zarr group")
        with path.open("rb") as file:
            head = file.read(8)
    except FileNotFoundError:
        raise InputProblem(f"{path}: does not exist") from None
    except OSError as error:
        raise InputProblem(f"{path}: cannot be read: {reason(error)}") from error
    if not head:
        raise InputProblem(f"{path}: is empty")
    if head[:3] == b"CDF" and head[3:4] in (b"\x01", b"\x02", b"\x05"):
        return NETCDF3
    if head == b"\x89HDF\r\n\x1a\n":
        return NETCDF4
    if head.startswith((b"<VTKFile", b"<?xml", b"# vtk Da")):
        return VTK
    raise InputProblem(f"{path}: is neither NetCDF nor Zarr nor VTK, by its first bytes; convert it to one of these")


def output_format(path: Path) -> str:
    """Format of a file to be written, by the end of its name.

    Parameters
    ----------
    path : Path
        Its name.

    Returns
    -------
    str
        "NetCDF 4" for .nc and .nc4, "NetCDF 3" for .nc3 and .cdf, "Zarr" for .zarr.

    Raises
    ------
    OutputProblem
        If the name ends otherwise.

    Examples
    --------
    >>> output_format(Path("derived.zarr"))
    'Zarr'
    """
    found = _SUFFIXES.get(path.suffix.lower())
    if found is None:
        ends = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise OutputProblem(
            f"{path}: the name {ends}; it must end in .nc (NetCDF 4), .nc3 or .cdf (NetCDF 3), or .zarr"
        )
    return found


def check_codecs(path: Path) -> None:
    """Verify that nothing in a Zarr group is decoded by more than a known codec for numbers and text.

    Codecs are looked up by name, and some run what they read: pickle any program. What the metadata of each array name
    is inspected before any array is opened.

    Parameters
    ----------
    path : Path
        The group.

    Raises
    ------
    InputProblem
        If an array names another codec, or its metadata cannot be read.
    """
    for node in sorted(child for child in path.iterdir() if child.is_dir()):
        for mark in (".zarray", "zarr.json"):
            if (node / mark).is_file():
                with loading(path, f"the metadata of {node.name!r}"):
                    declared = list(_codecs(json.loads((node / mark).read_bytes())))
                unknown = [name for name in declared if name.removeprefix("numcodecs.") not in _CODECS]
                if unknown:
                    raise InputProblem(
                        f"{path}: array {node.name!r} is stored with the codec {unknown[0]!r}, which is not among "
                        "those known to run nothing that a file says; rewrite it with one that is (zstd, blosc, zlib)"
                    )


def _codecs(metadata: Any) -> Iterator[str]:
    """Names of all codecs of an array of format 2 or 3; objects are one too, but for text."""
    steps = [metadata.get("compressor"), *(metadata.get("filters") or []), *(metadata.get("codecs") or [])]
    names = [str(step.get("id", step.get("name"))) for step in steps if step is not None]
    yield from names
    for step in metadata.get("codecs") or []:
        inside = step.get("configuration") or {}
        yield from _codecs({"codecs": [*inside.get("codecs", []), *inside.get("index_codecs", [])]})
    if np.dtype(_kind(metadata.get("dtype", "f8"))).hasobject and not {"vlen-utf8", "vlen-bytes"} & set(names):
        yield "object"


def _kind(described: Any) -> Any:
    """A dtype as NumPy takes it; JSON has lists where NumPy wants tuples."""
    if not isinstance(described, list):
        return described
    return [(name, _kind(kind), *(tuple(shape) for shape in shapes)) for name, kind, *shapes in described]


@contextmanager
def reading(path: Path) -> Iterator[xr.Dataset]:
    """Open a dataset, of which nothing but coordinates is read yet, and close it in the end.

    Parameters
    ----------
    path : Path
        NetCDF file, Zarr group or VTK grid; which of them is told by the content.

    Yields
    ------
    Dataset
        Decoded by the CF conventions: packed values unpacked, fill values NaN, times as times.

    Raises
    ------
    InputProblem
        If it cannot be read.
    """
    kind = input_format(path)
    if kind == VTK:
        with loading(path, "it"):
            found = from_vtk(path)
        yield found
        return
    options: dict[str, Any] = {"chunks": None, "cache": False, "decode_timedelta": False}
    # The listing of a local directory is as good as consolidated metadata, which may be missing or old.
    options |= {"engine": "zarr", "consolidated": False} if kind == ZARR else {"engine": "netcdf4"}
    with ExitStack() as stack:
        with loading(path, "it"):
            if kind == ZARR:
                check_codecs(path)
            elif kind == NETCDF4:
                try_opening(path)
            try:
                ds = xr.open_dataset(path, **options)
            except ValueError as error:
                if "decode_times" not in str(error):
                    raise
                text = reason(error).partition(". Try")[0]
                warnings.warn(f"{path}: times are left as numbers: {text}", FileNote, stacklevel=2)
                ds = xr.open_dataset(path, decode_times=False, **options)
            stack.enter_context(ds)
        yield ds


@contextmanager
def replacing(target: Path, *, overwrite: bool = False, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Make a file or directory beside its final place, and move it there when it is complete.

    Parameters
    ----------
    target : Path
        Where it is to be.
    overwrite : bool
        Whether a file or Zarr group there is replaced.
    inputs : sequence of Path
        What must not be replaced.

    Yields
    ------
    Path
        Where to write. Whatever happens, nothing of it remains there.

    Raises
    ------
    OutputProblem
        If the target exists and must not be replaced, or its directory cannot be written to. This is found
        out before the body runs.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(Path(folder, "note.txt")) as part:
    ...         _ = part.write_text("complete")
    ...     os.listdir(folder)
    ['note.txt']
    """
    target = _checked(target, overwrite, inputs)
    with writing(target):
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        part = folder / target.name
        yield part
        _put(part, target, overwrite)
    finally:
        _remove(folder)


@contextmanager
def continuing(
    target: Path, *, overwrite: bool = False, resume: bool = False, inputs: Sequence[Path] = ()
) -> Iterator[tuple[Path, Path]]:
    """As :func:`replacing`, for long work that keeps a record of what is done and can go on after a failure.

    Parameters
    ----------
    target, overwrite, inputs
        As :func:`replacing` takes them.
    resume : bool
        Whether to go on where an earlier run ended; where there was none, the work begins.

    Yields
    ------
    part, record : Path
        Where to write, and the file of the record. Where there is a record after a failure, both remain.

    Raises
    ------
    OutputProblem
        As :func:`replacing`; and if another run is at it now, or an earlier one left a part and it is not said whether
        to go on.
    """
    target = _checked(target, overwrite, inputs)
    folder = target.with_name(f".{target.name}.unfinished")
    part, record = folder / target.name, folder / "record"
    try:
        with writing(target):
            folder.mkdir(exist_ok=True)
        with _alone(folder, target):
            begun = part.exists() and record.exists()
            if begun and not (resume or overwrite):
                raise OutputProblem(
                    f"{target}: an earlier run left a part of it; finish it with resume=True, or begin anew with "
                    "overwrite=True"
                )
            if not (begun and resume):
                record.unlink(missing_ok=True)
                _remove(part)
            yield part, record
            _put(part, target, overwrite)
            record.unlink(missing_ok=True)
    finally:
        # an interrupt may come before the lock is held: the folder may be another run's
        if folder.exists() and not record.exists():
            with suppress(OutputProblem), _alone(folder, target):
                _remove(folder)


def write_netcdf(ds: xr.Dataset, target: Path, *, overwrite: bool = False) -> None:
    """Write a dataset to a NetCDF 4 file that is complete or not there.

    Parameters
    ----------
    ds : Dataset
        What to write.
    target : Path
        Where.
    overwrite : bool
        Whether an existing file is replaced.

    Raises
    ------
    OutputProblem
        If it cannot be written.
    """
    with replacing(target, overwrite=overwrite) as part, writing(target):
        ds.to_netcdf(part, engine="netcdf4", format="NETCDF4")


def extended_history(attrs: Mapping[Any, Any], command: str) -> str:
    """The attribute ``history`` with one more line: the time, in UTC, and the command.

    Parameters
    ----------
    attrs : mapping
        Attributes of the input.
    command : str
        Command line.

    Returns
    -------
    str
        One line for each step, the last one last.

    Examples
    --------
    >>> lines = extended_history({"history": "made by hand"}, "fieldgrad derive a.nc -o b.nc").splitlines()
    >>> lines[0], lines[1][22:52]
    ('made by hand', 'fieldgrad derive a.nc -o b.nc ')
    """
    line = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}: {command} (fieldgrad {__version__})"
    before = attrs.get("history", attrs.get("History"))
    return f"{before}\n{line}" if before else line


def reason(error: BaseException) -> str:
    r"""What an exception says, in one line.

    Parameters
    ----------
    error : BaseException
        The exception.

    Returns
    -------
    str
        Its message, or else its type.

    Examples
    --------
    >>> reason(KeyError("no such\nname"))
    'no such name'
    """
    text = error.strerror if isinstance(error, OSError) and error.strerror else None
    if text is None:
        text = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    return " ".join(text.split()) or type(error).__name__


@contextmanager
def understood() -> Iterator[None]:
    """What the library refuses here is for the user to set right, and no defect."""
    try:
        yield
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise DataProblem(reason(error)) from error


@contextmanager
def loading(path: Path, what: str) -> Iterator[None]:
    """What fails here is that a file cannot be read."""
    try:
        yield
    except (FileProblem, MemoryError):
        raise
    except Exception as error:  # libraries for files raise all kinds
        raise InputProblem(f"{path}: {what} cannot be read: {reason(error)}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What fails here is that a file cannot be written."""
    try:
        yield
    except (FileProblem, MemoryError):
        raise
    except Exception as error:  # libraries for files raise all kinds
        raise OutputProblem(f"{path}: cannot be written: {reason(error)}") from error


def _checked(target: Path, overwrite: bool, inputs: Sequence[Path]) -> Path:
    """The real path of an output, if it may be written."""
    target = Path(os.path.realpath(target))
    for path in map(Path, map(os.path.realpath, inputs)):
        if path == target or target in path.parents or path in target.parents:
            raise OutputProblem(f"{target}: is the input, or within it or around it; write to another place")
    _check_free(target, overwrite)
    if not target.parent.is_dir():
        raise OutputProblem(f"{target}: {target.parent} is no directory; make it first")
    return target


def _check_free(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise OutputProblem(f"{target}: exists; name another file, or replace it with overwrite=True")
    zarr = target.is_dir() and any((target / mark).exists() for mark in _ZARR_MARKS)
    if not (target.is_file() or zarr):
        raise OutputProblem(f"{target}: is no file and no Zarr group, so it is not replaced; name another place")


def _put(part: Path, target: Path, overwrite: bool) -> None:
    """Move what is complete to its place."""
    with writing(target):
        _check_free(target, overwrite)
        if target.exists() and (target.is_dir() or part.is_dir()):
            # a directory is not replaced in one step: the old one waits until the new one is in place
            old = part.with_name("replaced")
            _remove(old)
            target.rename(old)
            try:
                part.rename(target)
            except BaseException:
                old.rename(target)
                raise
        else:
            part.replace(target)


def _remove(folder: Path) -> None:
    for _ in range(10):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            break
        time.sleep(0.1)  # after an interrupt, threads of zarr may still be writing


@contextmanager
def _alone(folder: Path, target: Path) -> Iterator[None]:
    """Nobody else works in the folder. The lock ends with the process, however that ends."""
    try:
        import fcntl
    except ModuleNotFoundError:  # on Windows
        yield
        return
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputProblem(f"{target}: another run is writing it now; wait for that, or end it") from None
        except OSError:
            pass  # a file system without locks
        yield
