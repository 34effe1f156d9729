# SPDX-License-Identifier: BSD-3-Clause
"""Datasets on disk: known by content, read piece by piece, written so that nothing half done is left."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import labelled
from fieldgrad._version import __version__
from fieldgrad.components import COMPONENT, Components, find_components
from fieldgrad.grid import Grid
from fieldgrad.infer import infer_grid, require_lengths
from fieldgrad.parameters import resolve_parameters
from fieldgrad.quantities import quantity

NETCDF3, NETCDF4, ZARR = "NetCDF 3", "NetCDF 4", "Zarr"
_SUFFIXES = {".nc": NETCDF4, ".nc4": NETCDF4, ".nc3": NETCDF3, ".cdf": NETCDF3, ".zarr": ZARR}
_NETCDF_FORMATS: Mapping[str, Any] = {NETCDF3: "NETCDF3_64BIT", NETCDF4: "NETCDF4"}
_ZARR_MARKS = (".zgroup", ".zmetadata", "zarr.json")

# Velocity that is read at once, in bytes, where there are steps of time to read one after the other.
PIECE = 64 * 2**20
# Largest chunk of a Zarr array, in bytes.
_CHUNK = 32 * 2**20

Progress = Callable[[int, int, str], None]


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
    axes, spacing, periodic, accuracy
        As :func:`fieldgrad.infer_grid` takes them.
    components : tuple of str, optional
        Names of the velocity components, in x, y, z order.
    """

    axes: Mapping[str, str | None] | None = None
    spacing: Mapping[str, float] | None = None
    periodic: Mapping[str, float | None] | None = None
    accuracy: int = 2
    components: tuple[str, ...] | None = None

    def grid(self, ds: xr.Dataset) -> Grid:
        """Grid of a dataset; of its velocity alone where that is named."""
        names = [name for name in self.components or () if name in ds.data_vars]
        with _understood():
            return infer_grid(
                ds[names] if names else ds,
                axes=self.axes,
                spacing=self.spacing,
                periodic=self.periodic or (),
                accuracy=self.accuracy,
            )

    def velocity(self, ds: xr.Dataset, grid: Grid) -> Components:
        """Velocity components of a dataset, not yet read."""
        with _understood():
            return find_components(ds, grid, self.components)


@dataclass(frozen=True)
class Order:
    """What :func:`derive_file` is asked for.

    Parameters
    ----------
    quantities : sequence of str
        Names of quantities.
    how : Reading
        How to understand the input.
    parameters : mapping of str to float or str
        Parameters of the quantities: numbers, or names of variables of the input.
    overwrite : bool
        Whether an existing output is replaced.
    command : str
        Line for the attribute ``history``, where it stands behind what the input has there.
    """

    quantities: Sequence[str]
    how: Reading = Reading()
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    overwrite: bool = False
    command: str = "fieldgrad.files.derive_file"


@dataclass(frozen=True)
class Derived:
    """What :func:`derive_file` did.

    Parameters
    ----------
    shapes : mapping of str to str
        For each quantity its dimensions and sizes, as text.
    pieces : int
        Number of pieces in which the input was read.
    seconds : float
        Time that it took.
    """

    shapes: Mapping[str, str]
    pieces: int
    seconds: float


def input_format(path: Path) -> str:
    """Format of a file or directory, by its content.

    Parameters
    ----------
    path : Path
        What to look at.

    Returns
    -------
    str
        "NetCDF 3", "NetCDF 4" (or plain HDF5) or "Zarr".

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
    raise InputProblem(f"{path}: is neither NetCDF nor Zarr, by its first bytes; convert it to one of these")


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


@contextmanager
def reading(path: Path) -> Iterator[xr.Dataset]:
    """Open a dataset, of which nothing but coordinates is read yet, and close it in the end.

    Parameters
    ----------
    path : Path
        NetCDF file or Zarr group; which of them is told by the content.

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
    options: dict[str, Any] = {"chunks": None, "cache": False, "decode_timedelta": False}
    # The listing of a local directory is as good as consolidated metadata, which may be missing or old.
    options |= {"engine": "zarr", "consolidated": False} if kind == ZARR else {"engine": "netcdf4"}
    with ExitStack() as stack:
        with _loading(path, "it"):
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
    target = Path(os.path.realpath(target))
    for path in map(Path, map(os.path.realpath, inputs)):
        if path == target or target in path.parents or path in target.parents:
            raise OutputProblem(f"{target}: is the input, or within it or around it; write to another place")
    _check_free(target, overwrite)
    if not target.parent.is_dir():
        raise OutputProblem(f"{target}: {target.parent} is no directory; make it first")
    with _writing(target):
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        part = folder / target.name
        yield part
        with _writing(target):
            _check_free(target, overwrite)
            if target.exists() and (target.is_dir() or part.is_dir()):
                # a directory is not replaced in one step: the old one waits until the new one is in place
                old = folder / "replaced"
                target.rename(old)
                try:
                    part.rename(target)
                except BaseException:
                    old.rename(target)
                    raise
            else:
                part.replace(target)
    finally:
        for _ in range(10):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.1)  # after an interrupt, threads of zarr may still be writing


def derive_file(source: Path, target: Path, order: Order, progress: Progress | None = None) -> Derived:
    """Derive quantities from a file into another; see :func:`fieldgrad.derive`.

    Where the velocity has a dimension beside those of space, such as time, it is read, derived and written
    in pieces along the first of them, so that memory does not grow with the length of a series.

    Parameters
    ----------
    source, target : Path
        Input (NetCDF or Zarr, by content) and output (by name, see :func:`output_format`).
    order : Order
        What is asked for.
    progress : callable, optional
        Called with steps done, steps in all, and what is done now.

    Returns
    -------
    Derived
        What was done.

    Raises
    ------
    InputProblem, DataProblem, OutputProblem
        If the input cannot be read or is not understood, or the output cannot be written; that an output
        exists is found out before any work.
    """
    began = time.perf_counter()
    kind = output_format(target)
    with _understood():
        records = [quantity(name) for name in order.quantities]
        resolve_parameters({record.name: record.parameters for record in records}, dict.fromkeys(order.parameters, 1.0))
    report = progress or (lambda done, total, what: None)
    with ExitStack() as stack:
        input_format(source)
        part = stack.enter_context(replacing(target, overwrite=order.overwrite, inputs=[source]))
        ds = stack.enter_context(reading(source))
        grid = order.how.grid(ds)
        with _understood():
            require_lengths(grid)
        velocity = order.how.velocity(ds, grid)
        given = {name: _parameter(ds, name, value) for name, value in order.parameters.items()}
        cut, pieces = _pieces(velocity.fields, grid)
        arrays: dict[str, Any] = {}
        shapes: dict[str, str] = {}
        for number, piece in enumerate(pieces):
            report(3 * number, 3 * len(pieces), "reading")
            with _loading(source, "the velocity"):
                fields = [_piece(field, cut, piece) for field in velocity.fields]
                values = {name: _piece(value, cut, piece) for name, value in given.items()}
            report(3 * number + 1, 3 * len(pieces), "deriving")
            with _understood():
                result = labelled.derive(ds, order.quantities, grid=grid, components=fields, **values)
            report(3 * number + 2, 3 * len(pieces), "writing")
            with _writing(target):
                if not arrays:
                    frame = _frame(ds, result, cut, velocity.fields[0], order.command)
                    sizes = dict(result.sizes) | ({cut: velocity.fields[0].sizes[cut]} if cut else {})
                    arrays |= stack.enter_context(_created(part, kind, frame, result, sizes, target))
                for name, array in result.data_vars.items():
                    index = tuple(piece if dim == cut else slice(None) for dim in array.dims)
                    arrays[str(name)][index] = array.values
                    shapes[str(name)] = " x ".join(f"{dim} {sizes[dim]}" for dim in array.dims)
        report(3 * len(pieces), 3 * len(pieces), "done")
    return Derived(shapes, len(pieces), time.perf_counter() - began)


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
    with replacing(target, overwrite=overwrite) as part, _writing(target):
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
def _understood() -> Iterator[None]:
    """What the library refuses here is for the user to set right, and no defect."""
    try:
        yield
    except (KeyError, TypeError, ValueError) as error:
        raise DataProblem(reason(error)) from error


@contextmanager
def _loading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (FileProblem, MemoryError):
        raise
    except Exception as error:  # libraries for files raise all kinds
        raise InputProblem(f"{path}: {what} cannot be read: {reason(error)}") from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileProblem, MemoryError):
        raise
    except Exception as error:  # libraries for files raise all kinds
        raise OutputProblem(f"{path}: cannot be written: {reason(error)}") from error


def _check_free(target: Path, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if not overwrite:
        raise OutputProblem(f"{target}: exists; name another file, or replace it with overwrite=True")
    zarr = target.is_dir() and any((target / mark).exists() for mark in _ZARR_MARKS)
    if not (target.is_file() or zarr):
        raise OutputProblem(f"{target}: is no file and no Zarr group, so it is not replaced; name another place")


def _parameter(ds: xr.Dataset, name: str, value: float | str) -> float | xr.DataArray:
    if not isinstance(value, str):
        return value
    if value not in ds.variables:
        listed = ", ".join(map(repr, ds.data_vars)) or "none"
        raise DataProblem(f"{name}: {value!r} is neither a number nor a variable of the file, which has {listed}")
    return ds[value]


def _pieces(fields: Sequence[xr.DataArray], grid: Grid) -> tuple[Hashable | None, list[slice]]:
    """The dimension along which the work is cut, and the pieces."""
    first = fields[0]
    free = [dim for dim in first.dims if dim not in grid.dims and first.sizes[dim] > 1]
    if not free:
        return None, [slice(None)]
    cut, count = free[0], first.sizes[free[0]]
    step = max(sum(field.nbytes for field in fields) // count, 1)
    steps = max(PIECE // step, 1)
    chunk = first.encoding.get("preferred_chunks", {}).get(cut, 1)
    if 1 < chunk <= 8 * steps:  # whole chunks, each of which is then decompressed once
        steps = max(steps // chunk * chunk, chunk)
    return cut, [slice(start, min(start + steps, count)) for start in range(0, count, steps)]


def _piece(value: Any, cut: Hashable | None, piece: slice) -> Any:
    """A piece of a field in memory; numbers, and fields without that dimension, as they are."""
    if not isinstance(value, xr.DataArray):
        return value
    return (value.isel({cut: piece}) if cut in value.dims else value).load()


def _frame(ds: xr.Dataset, result: xr.Dataset, cut: Hashable | None, field: xr.DataArray, command: str) -> xr.Dataset:
    """The output without its fields: coordinates, their bounds, and attributes."""
    frame = xr.Dataset(coords=result.coords)
    if cut is not None:
        frame = frame.drop_dims([cut])
        frame = frame.assign_coords({name: c for name, c in field.coords.items() if cut in c.dims})
    bounds = {c.attrs.get("bounds") or c.encoding.get("bounds") for c in frame.coords.values()}
    frame = frame.assign({name: ds.variables[name] for name in bounds if name in ds.variables})
    # auxiliary coordinates are named by the fields that they belong to
    frame = frame.reset_coords([name for name in frame.coords if name not in frame.dims]).load()
    for variable in frame.variables.values():
        kept = {key: variable.encoding[key] for key in ("units", "calendar") if key in variable.encoding}
        variable.encoding = kept | {"_FillValue": None}
        variable.attrs = {key: _portable(value) for key, value in variable.attrs.items()}
    frame.attrs = {key: _portable(value) for key, value in ds.attrs.items() if key.lower() != "history"}
    frame.attrs["history"] = extended_history(ds.attrs, command)
    return frame


def _portable(value: Any) -> Any:
    """An attribute that every format can hold: those of Zarr may be any JSON."""
    if value is None or isinstance(value, bool | dict) or (isinstance(value, list) and not _plain(value)):
        return json.dumps(value)
    return value


def _plain(values: list[Any]) -> bool:
    return bool(values) and (
        all(isinstance(value, str) for value in values)
        or all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    )


@contextmanager
def _created(
    part: Path, kind: str, frame: xr.Dataset, result: xr.Dataset, sizes: Mapping[Hashable, int], target: Path
) -> Iterator[dict[str, Any]]:
    """Arrays of the output, into which pieces are written by index."""
    attrs = {str(name): _field_attrs(frame, array) for name, array in result.data_vars.items()}
    arrays: dict[str, Any] = {}
    if kind == ZARR:
        import zarr

        # Format 2 holds strings without a warning, and every reader knows it.
        frame.to_zarr(part, mode="w", zarr_format=2, consolidated=False)
        group = zarr.open_group(part, mode="r+", zarr_format=2)
        for key, array in result.data_vars.items():
            arrays[str(key)] = group.create_array(
                str(key),
                shape=tuple(sizes[dim] for dim in array.dims),
                chunks=_chunks(array),
                dtype=array.dtype,
                fill_value=np.nan,
                attributes={**attrs[str(key)], "_ARRAY_DIMENSIONS": list(map(str, array.dims))},
            )
        yield arrays
        with _writing(target):
            zarr.consolidate_metadata(str(part), zarr_format=2)
        return
    import netCDF4

    frame.to_netcdf(part, engine="netcdf4", format=_NETCDF_FORMATS[kind])
    file = netCDF4.Dataset(part, "a")
    try:
        file.set_fill_off()
        for dim in result.dims:
            if dim not in file.dimensions:
                file.createDimension(str(dim), sizes[dim])
        for key, array in result.data_vars.items():
            dims = tuple(map(str, array.dims))
            arrays[str(key)] = file.createVariable(str(key), array.dtype.newbyteorder("="), dims, fill_value=np.nan)
            arrays[str(key)].setncatts(attrs[str(key)])
        yield arrays
    finally:
        with _writing(target):
            file.close()


def _field_attrs(frame: xr.Dataset, array: xr.DataArray) -> dict[str, Any]:
    """Attributes of a field, the names of its auxiliary coordinates included."""
    auxiliary = [str(name) for name in array.coords if name not in array.dims and name in frame.variables]
    return dict(array.attrs) | ({"coordinates": " ".join(auxiliary)} if auxiliary else {})


def _chunks(array: xr.DataArray) -> tuple[int, ...]:
    """Chunks of a Zarr array: one component, the steps of one piece, and no larger than is handy."""
    chunks = [1 if dim in (COMPONENT, "direction") else max(size, 1) for dim, size in array.sizes.items()]
    while math.prod(chunks) * array.dtype.itemsize > _CHUNK:
        longest = chunks.index(max(chunks))
        chunks[longest] = -(-chunks[longest] // 2)
    return tuple(chunks)
