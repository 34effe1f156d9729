# SPDX-License-Identifier: BSD-3-Clause
"""From a file to a file of derived quantities, of which neither is ever held whole.

Chunks are what the files consist of. A block is a box of whole chunks that one task derives. A piece is a box of blocks
that is computed and written at once, and whose end is recorded, so that a later run can go on behind it. Memory is
bounded by the size of a piece.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import labelled
from fieldgrad._version import __version__
from fieldgrad.files import (
    ZARR,
    DataProblem,
    FileNote,
    OutputProblem,
    Reading,
    continuing,
    input_format,
    loading,
    output_format,
    reading,
    reason,
    replacing,
    understood,
    writing,
)
from fieldgrad.grid import Grid
from fieldgrad.infer import require_lengths
from fieldgrad.masking import booleans, mask_of
from fieldgrad.masks import rule
from fieldgrad.parameters import resolve_parameters
from fieldgrad.quantities import quantity
from fieldgrad.writers import Compute, Output, framed

# Velocity of a block, in bytes, where the chunks of the input are not larger.
BLOCK = 64 * 2**20
# Blocks of a piece, for each block that is worked on at once: enough that few workers wait for the last one.
_BLOCKS = 4

Progress = Callable[[int, int, str], None]


class SchedulerProblem(Exception):
    """Where the work is to be done is not there."""


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
    resume : bool
        Whether to go on with what an earlier run left unfinished; Zarr only.
    scheduler : str
        "threads", "synchronous", or the address of a scheduler of dask.distributed.
    command : str
        Line for the attribute ``history``, where it stands behind what the input has there.
    """

    quantities: Sequence[str]
    how: Reading = field(default_factory=Reading)
    parameters: Mapping[str, float | str] = field(default_factory=dict)
    overwrite: bool = False
    resume: bool = False
    scheduler: str = "threads"
    command: str = "fieldgrad.streaming.derive_file"


@dataclass(frozen=True)
class Derived:
    """What :func:`derive_file` did.

    Parameters
    ----------
    shapes : mapping of str to str
        For each quantity its dimensions and sizes, as text.
    pieces : int
        Number of pieces that the output consists of.
    seconds : float
        Time that it took.
    """

    shapes: Mapping[str, str]
    pieces: int
    seconds: float


def derive_file(source: Path, target: Path, order: Order, progress: Progress | None = None) -> Derived:
    """Derive quantities from a file into another, piece by piece; see :func:`fieldgrad.derive`.

    Parameters
    ----------
    source, target : Path
        Input (NetCDF or Zarr, by content) and output (by name, see :func:`fieldgrad.files.output_format`).
    order : Order
        What is asked for.
    progress : callable, optional
        Called with pieces done, pieces in all, and what is done now.

    Returns
    -------
    Derived
        What was done.

    Raises
    ------
    InputProblem, DataProblem, OutputProblem
        If the input cannot be read or is not understood, or the output cannot be written; that an output
        exists is found out before any work.
    SchedulerProblem
        If the scheduler is not known or not there.
    """
    began = time.perf_counter()
    kind = output_format(target)
    if order.resume and kind != ZARR:
        raise OutputProblem(f"{target}: {kind} is written in one run; for resume=True write to a name in .zarr")
    with understood():
        records = [quantity(name) for name in order.quantities]
        resolve_parameters({record.name: record.parameters for record in records}, dict.fromkeys(order.parameters, 1.0))
    report = progress or (lambda done, total, what: None)
    with ExitStack() as stack:
        input_format(source)
        part, record = stack.enter_context(_place(source, target, kind, order))
        compute, workers = stack.enter_context(_scheduler(order.scheduler))
        ds = stack.enter_context(reading(source))
        flow = _flow(source, ds, order)
        with understood():
            whole = flow.whole()
        plan = _plan(flow.fields, flow.grid, kind == ZARR and input_format(source) == ZARR, workers)
        journal = _Journal(target, record, plan, _asked(flow, order) if record else {})
        output = Output(target, part, kind, framed(ds, whole, order.command), whole, journal.plan.chunk)
        write = stack.enter_context(output.opened(compute, begun=bool(journal.done)))
        regions = list(journal.plan.regions())
        try:
            for number, region in enumerate(regions):
                if number not in journal.done:
                    report(len(journal.done), len(regions), "deriving")
                    write(flow.piece(region, journal.plan.block), region)
                    journal.add(number)
        except BaseException:
            if record and journal.done:
                kept = f"{len(journal.done)} of {len(regions)} pieces are kept; resume=True goes on from there"
                warnings.warn(f"{target}: {kept}", FileNote, stacklevel=2)
            raise
        report(len(regions), len(regions), "done")
    shapes = {str(name): " x ".join(f"{d} {n}" for d, n in array.sizes.items()) for name, array in whole.items()}
    return Derived(shapes, len(regions), time.perf_counter() - began)


class _Source:
    """A variable of a file as dask reads it: of a failure it says in which file it is."""

    def __init__(self, path: Path, name: str, variable: xr.Variable) -> None:
        self.path, self.name, self.variable = path, name, variable
        self.shape, self.dtype, self.ndim = variable.shape, variable.dtype, variable.ndim

    def __getitem__(self, index: tuple[slice, ...]) -> Any:
        with loading(self.path, repr(self.name)):
            return self.variable[index].values


@dataclass(frozen=True)
class _Flow:
    """What is derived, and from what; nothing of it is read yet."""

    path: Path
    ds: xr.Dataset
    quantities: Sequence[str]
    grid: Grid
    fields: Sequence[xr.DataArray]
    parameters: Mapping[str, float | xr.DataArray]
    mask: xr.DataArray | None

    def whole(self) -> xr.Dataset:
        """The result as one block, which is never computed."""
        return self._derived(self.fields, self.parameters, self.mask, {})

    def piece(self, region: Mapping[str, slice], block: Mapping[str, int]) -> xr.Dataset:
        """A region of the result.

        Along the axes the input is cut into the blocks of the region, the nodes that stencils reach around it, and a
        rest that no task of the region reads.
        """
        along = {dim: part for dim, part in region.items() if dim in self.grid.dims}
        others = {dim: part for dim, part in region.items() if dim not in along}
        fields = [field.isel(others) for field in self.fields]
        parameters = {
            name: value.isel(others, missing_dims="ignore") if isinstance(value, xr.DataArray) else value
            for name, value in self.parameters.items()
        }
        mask = None if self.mask is None else self.mask.isel(others, missing_dims="ignore")
        chunks: dict[Hashable, tuple[int, ...]] = {}
        for dim, part in region.items():
            size, start, stop = fields[0].sizes[dim], 0, part.stop - part.start
            cuts = {0, size}
            if dim in along:
                start, stop = part.start, part.stop
                axis = self.grid.axis(dim)
                reach = rule(axis, 1, self.grid.missing, self.grid.least_accuracy).reach
                _, low, high = axis.stencil().slice(start, stop, reach)
                cuts |= {cut for cut in (low % size, high % size, stop) if not start < cut < stop}
            cuts.update(range(start, stop, block[dim]))
            chunks[dim] = tuple(int(step) for step in np.diff(sorted(cuts)))
        return self._derived(fields, parameters, mask, chunks).isel(along)

    def _derived(
        self,
        fields: Sequence[xr.DataArray],
        parameters: Mapping[str, float | xr.DataArray],
        mask: xr.DataArray | None,
        chunks: Mapping[Hashable, tuple[int, ...]],
    ) -> xr.Dataset:
        lazy = {name: self._lazy(value, chunks) for name, value in parameters.items()}
        components = [self._lazy(field, chunks) for field in fields]
        grid = self.grid
        if mask is not None:
            grid = replace(grid, mask=mask_of(components[0], self._lazy(mask, chunks)))
        return labelled.derive(self.ds, self.quantities, grid=grid, components=components, **lazy)

    def _lazy(self, value: Any, chunks: Mapping[Hashable, tuple[int, ...]]) -> Any:
        import dask.array as da

        if not isinstance(value, xr.DataArray):
            return value
        source = _Source(self.path, str(value.name), value.variable)
        cut = tuple(chunks.get(dim, (size,)) for dim, size in value.sizes.items())
        meta = np.empty((0,) * source.ndim, source.dtype)
        # no name is made from the values: that would read them
        array = da.from_array(source, cut, name=False, meta=meta)  # type: ignore[no-untyped-call]
        return value.copy(deep=False, data=array)


def _flow(path: Path, ds: xr.Dataset, order: Order) -> _Flow:
    grid = order.how.grid(ds)
    with understood():
        require_lengths(grid)
    velocity = order.how.velocity(ds, grid)
    given = {name: _parameter(ds, name, value) for name, value in order.parameters.items()}
    return _Flow(path, ds, order.quantities, grid, velocity.fields, given, _mask(path, ds, order.how.mask))


def _mask(path: Path, ds: xr.Dataset, name: str | None) -> xr.DataArray | None:
    """The mask, read once to see that it is one: threads that still read when a task fails would be in the way."""
    if name is None:
        return None
    if name not in ds.variables:
        listed = ", ".join(map(repr, ds.data_vars)) or "none"
        raise DataProblem(f"mask: {name!r} is no variable of the file, which has {listed}")
    mask = ds[name]
    rows = max(BLOCK * mask.shape[0] // max(mask.nbytes, 1), 1) if mask.ndim else 1
    for start in range(0, mask.shape[0] if mask.ndim else 0, rows):
        with loading(path, repr(name)):
            values = mask[start : start + rows].values
        with understood():
            booleans(values)
    return mask


def _parameter(ds: xr.Dataset, name: str, value: float | str) -> float | xr.DataArray:
    if not isinstance(value, str):
        return value
    if value not in ds.variables:
        listed = ", ".join(map(repr, ds.data_vars)) or "none"
        raise DataProblem(f"{name}: {value!r} is neither a number nor a variable of the file, which has {listed}")
    return ds[value]


@dataclass(frozen=True)
class _Plan:
    """How the work is cut: for each dimension the number of points, and those of a chunk, a block and a piece."""

    sizes: Mapping[str, int]
    chunk: Mapping[str, int]
    block: Mapping[str, int]
    piece: Mapping[str, int]

    def regions(self) -> Iterator[dict[str, slice]]:
        """The pieces, in order."""
        for corner in product(*(range(0, size, self.piece[dim]) for dim, size in self.sizes.items())):
            pairs = zip(self.sizes.items(), corner, strict=True)
            yield {dim: slice(start, min(start + self.piece[dim], size)) for (dim, size), start in pairs}


def _plan(fields: Sequence[xr.DataArray], grid: Grid, keep: bool, workers: int) -> _Plan:
    """A plan whose blocks are whole chunks of the input, which are those of the output too if they are kept."""
    first = fields[0]
    sizes = {str(dim): max(size, 1) for dim, size in first.sizes.items()}
    stored = first.encoding.get("preferred_chunks") or {first.dims[-1]: first.shape[-1]}  # rows where there are none
    # what a damaged file says of its chunks may be nonsense
    unit = {dim: min(max(int(stored.get(dim, 1)), 1), size) for dim, size in sizes.items()}
    points = BLOCK // sum(field.dtype.itemsize for field in fields)
    block = _grown(unit, sizes, grid.dims, points)
    piece = _grown(block, sizes, grid.dims, _BLOCKS * workers * points)
    return _Plan({str(dim): size for dim, size in first.sizes.items()}, unit if keep else block, block, piece)


def _grown(unit: Mapping[str, int], sizes: Mapping[str, int], first: Sequence[str], points: int) -> dict[str, int]:
    """A box of at most so many points, made by doubling a unit; along some dimensions first, and the shortest of them.

    So boxes are as near to cubes as units allow, and have few neighbours to read from.
    """
    box = dict(unit)
    while short := [dim for dim in box if box[dim] < sizes[dim]]:
        dim = min(short, key=lambda dim: (dim not in first, box[dim]))
        wider = box | {dim: min(2 * box[dim], sizes[dim])}
        if math.prod(wider.values()) > points:
            break
        box = wider
    return box


class _Journal:
    """Which pieces are written, and of what; in a file, so that a later run can go on."""

    def __init__(self, target: Path, path: Path | None, plan: _Plan, asked: Mapping[str, Any]) -> None:
        self.target, self.path, self.plan, self.asked = target, path, plan, asked
        self.done: list[int] = []
        if path is None or not path.exists():
            return
        with writing(target):
            begun = json.loads(path.read_text())
        for key, value in asked.items():
            if begun["asked"].get(key) != value:
                raise OutputProblem(
                    f"{target}: the part of it that an earlier run left has another {key}; repeat the command of "
                    "that run, or begin anew with overwrite=True and without resume=True"
                )
        self.plan, self.done = _Plan(**begun["plan"]), begun["done"]

    def add(self, number: int) -> None:
        self.done.append(number)
        if self.path is not None:
            text = json.dumps({"asked": self.asked, "plan": asdict(self.plan), "done": self.done})
            with writing(self.target):
                new = self.path.with_suffix(".new")
                new.write_text(text)
                new.replace(self.path)


def _asked(flow: _Flow, order: Order) -> dict[str, Any]:
    """What must be the same in a run that goes on where another ended."""
    grid = hashlib.sha256(repr(flow.grid.system).encode())
    for axis in flow.grid.axes:
        grid.update(repr((axis.name, axis.dim, axis.units, axis.period, axis.accuracy)).encode())
        grid.update(repr((axis.boundary, axis.scheme, axis.down)).encode())
        grid.update(axis.nodes.tobytes())
    grid.update(repr((flow.grid.missing, flow.grid.least_accuracy, order.how.mask)).encode())
    files = hashlib.sha256()
    for path in sorted(flow.path.rglob("*")) if flow.path.is_dir() else [flow.path]:
        state = path.stat()
        if not path.is_dir():
            files.update(repr((str(path.relative_to(flow.path)), state.st_size, state.st_mtime_ns)).encode())
    return {
        "version of fieldgrad": __version__,
        "list of quantities": list(order.quantities),
        "set of parameters": dict(order.parameters),
        "velocity": [str(field.name) for field in flow.fields],
        "grid": grid.hexdigest(),
        "input": files.hexdigest(),
    }


@contextmanager
def _place(source: Path, target: Path, kind: str, order: Order) -> Iterator[tuple[Path, Path | None]]:
    """Where to write, and to keep a record if the format can be written bit by bit."""
    if kind == ZARR:
        with continuing(target, overwrite=order.overwrite, resume=order.resume, inputs=[source]) as places:
            yield places
    else:
        with replacing(target, overwrite=order.overwrite, inputs=[source]) as part:
            yield part, None


@contextmanager
def _scheduler(name: str) -> Iterator[tuple[Compute, int]]:
    """What computes, and how many blocks it works on at once."""
    from dask import config
    from dask.base import compute
    from dask.system import CPU_COUNT

    if name in ("threads", "synchronous"):
        workers = 1 if name == "synchronous" else config.get("num_workers", None) or CPU_COUNT
        yield partial(compute, scheduler=name), workers
        return
    if "://" not in name:
        raise SchedulerProblem(
            f"scheduler: {name!r} is not known; it must be threads, synchronous or an address as in tcp://host:8786"
        )
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError:
        raise SchedulerProblem(f"scheduler: {name} needs dask.distributed: pip install distributed") from None
    try:
        client = distributed.Client(name, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SchedulerProblem(f"scheduler: {name} does not answer: {reason(error)}") from error
    with client:
        yield partial(compute, scheduler=client), max(sum(client.ncores().values()), 1)
