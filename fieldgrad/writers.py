# SPDX-License-Identifier: BSD-3-Clause
"""What an output file consists of, and how it is filled piece by piece in each format."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad.files import NETCDF3, NETCDF4, ZARR, OutputProblem, extended_history, reason, writing

_NETCDF_FORMATS: Mapping[str, Any] = {NETCDF3: "NETCDF3_64BIT", NETCDF4: "NETCDF4"}

Compute = Callable[..., tuple[Any, ...]]
#: Takes a piece of the result, and the region of the whole that it is.
Write = Callable[[xr.Dataset, Mapping[str, slice]], None]


@dataclass(frozen=True)
class Output:
    """A file to be filled.

    Parameters
    ----------
    target : Path
        Its name for the user.
    part : Path
        Where it is written.
    kind : str
        Its format.
    frame : Dataset
        All but the derived fields; see :func:`framed`.
    whole : Dataset
        The derived fields, lazy.
    chunk : mapping of str to int
        For each dimension of the velocity the points of a chunk; of Zarr only.
    """

    target: Path
    part: Path
    kind: str
    frame: xr.Dataset
    whole: xr.Dataset
    chunk: Mapping[str, int]

    @contextmanager
    def opened(self, compute: Compute, *, begun: bool) -> Iterator[Write]:
        """Create the file if it is not begun, and finish it in the end.

        Parameters
        ----------
        compute : callable
            Computes lazy objects.
        begun : bool
            Whether an earlier run created it.

        Yields
        ------
        callable
            Computes a piece and writes it into its region.

        Raises
        ------
        OutputProblem
            If it cannot be written.
        """
        opened = self._zarr(compute, begun) if self.kind == ZARR else self._netcdf(compute)
        with opened as write:
            yield write

    @contextmanager
    def _zarr(self, compute: Compute, begun: bool) -> Iterator[Write]:
        import zarr

        if not begun:
            attrs = {name: _field_attrs(self.frame, array) for name, array in self.whole.items()}
            fields = {name: (array.dims, array.data, attrs[name]) for name, array in self.whole.items()}
            encoding = {
                name: {"chunks": tuple(self.chunk.get(str(dim), 1) for dim in array.dims), "_FillValue": np.nan}
                for name, array in self.whole.items()
            }
            with writing(self.target):
                # Format 2 holds strings without a warning, and every reader knows it.
                self.frame.assign(fields).to_zarr(
                    self.part, mode="w", zarr_format=2, consolidated=False, compute=False, encoding=encoding
                )

        def write(piece: xr.Dataset, region: Mapping[str, slice]) -> None:
            bare = piece.drop_vars(list(piece.coords))
            try:
                compute(bare.to_zarr(self.part, region=region, consolidated=False, compute=False))
            except OSError as error:  # a failure to read has another type
                raise OutputProblem(f"{self.target}: cannot be written: {reason(error)}") from error

        yield write
        with writing(self.target):
            zarr.consolidate_metadata(str(self.part), zarr_format=2)

    @contextmanager
    def _netcdf(self, compute: Compute) -> Iterator[Write]:
        import netCDF4

        with writing(self.target):
            self.frame.to_netcdf(self.part, engine="netcdf4", format=_NETCDF_FORMATS[self.kind])
            file = netCDF4.Dataset(self.part, "a")
        try:
            with writing(self.target):
                file.set_fill_off()
                for dim, size in self.whole.sizes.items():
                    if dim not in file.dimensions:
                        file.createDimension(str(dim), size)
                for name, array in self.whole.items():
                    dtype = array.dtype.newbyteorder("=")
                    variable = file.createVariable(str(name), dtype, tuple(map(str, array.dims)), fill_value=np.nan)
                    variable.setncatts(_field_attrs(self.frame, array))

            def write(piece: xr.Dataset, region: Mapping[str, slice]) -> None:
                (computed,) = compute(piece)
                with writing(self.target):
                    for name, array in computed.items():
                        index = tuple(region.get(str(dim), slice(None)) for dim in array.dims)
                        file[str(name)][index] = array.values

            yield write
        finally:
            with writing(self.target):
                file.close()


def framed(ds: xr.Dataset, result: xr.Dataset, command: str) -> xr.Dataset:
    """The output without its fields: coordinates, their bounds, and attributes.

    Parameters
    ----------
    ds : Dataset
        The input.
    result : Dataset
        What is derived from it.
    command : str
        Line for the attribute ``history``.

    Returns
    -------
    Dataset
        In memory.
    """
    frame = xr.Dataset(coords=result.coords)
    bounds = {c.attrs.get("bounds") or c.encoding.get("bounds") for c in frame.coords.values()}
    frame = frame.assign({name: ds.variables[name] for name in bounds if name in ds.variables})
    # auxiliary coordinates are named by the fields that they belong to
    frame = frame.reset_coords([name for name in frame.coords if name not in frame.dims]).load()
    # texts as objects, as older versions of xarray read them, are not written by them in every format
    frame = frame.assign({name: one.astype(str) for name, one in frame.variables.items() if _is_text(one)})
    for variable in frame.variables.values():
        kept = {key: variable.encoding[key] for key in ("units", "calendar") if key in variable.encoding}
        variable.encoding = kept | {"_FillValue": None}
        variable.attrs = {key: _portable(value) for key, value in variable.attrs.items()}
    frame.attrs = {key: _portable(value) for key, value in ds.attrs.items() if key.lower() != "history"}
    frame.attrs["history"] = extended_history(ds.attrs, command)
    return frame


def _is_text(variable: xr.Variable) -> bool:
    return variable.dtype == object and all(isinstance(value, str) for value in variable.values.flat)


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


def _field_attrs(frame: xr.Dataset, array: xr.DataArray) -> dict[str, Any]:
    """Attributes of a field, the names of its auxiliary coordinates included."""
    auxiliary = [str(name) for name in array.coords if name not in array.dims and name in frame.variables]
    return dict(array.attrs) | ({"coordinates": " ".join(auxiliary)} if auxiliary else {})
