# SPDX-License-Identifier: BSD-3-Clause
"""What a grid is worth: errors of derivatives of waves on its own nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from fieldgrad.bars import watched
from fieldgrad.grid import Axis, Grid
from fieldgrad.infer import infer_grid
from fieldgrad.labelled import derivative
from fieldgrad.operators import Array
from fieldgrad.stencils import required_points

# The shortest wave of which the error is taken for asymptotic, in points.
_RESOLVED = 16
# Errors below so many rounding units are rounding.
_ROUNDING_UNITS = 1000


@watched
def verify(
    obj: Grid | xr.Dataset | xr.DataArray,
    accuracies: Sequence[int] = (2, 4, 6, 8),
    points_per_wave: Sequence[float] = (4, 8, 16, 32, 64),
) -> xr.Dataset:
    r"""Error and fitted order of first derivatives on the nodes of a grid, by axis and accuracy.

    Waves :math:`\sin ks` and :math:`\cos ks` of several lengths are put on the nodes s of each axis and differentiated
    there, edges included, as any field is.

    Parameters
    ----------
    obj : Grid, Dataset or DataArray
        Grid, or data of which it is inferred. Walls that a grid knows of are left out: waves have no such values there.
    accuracies : sequence of int
        Orders of accuracy to try: 2, 4, 6 or 8. Those for which an axis has too few points give NaN.
    points_per_wave : sequence of float
        Lengths of the waves, in mean spacings.

    Returns
    -------
    Dataset, dims ("axis", "accuracy", "points_per_wave")
        ``rms_error`` and ``largest_error`` of the derivative, in units of its amplitude k; ``order`` (axis, accuracy),
        the slope of log(rms_error) over log(1/length) for waves of 16 points and more whose error is above rounding,
        NaN where fewer than two are; ``points`` (axis, points_per_wave), the true length of the wave, which on a
        periodic axis divides the period, NaN where none that long does.

    Raises
    ------
    ValueError
        If an accuracy or a length is not usable, or as :func:`fieldgrad.infer_grid`.

    Notes
    -----
    The error of a wave on a uniform grid depends on its number of points alone, so that longer waves show the order of
    convergence that finer grids do. On a stretched grid the waves are long in some places and short in others, and the
    largest error is that of the widest cells or of the edges. K. Salari and P. Knupp, Code Verification by the Method
    of Manufactured Solutions, Sandia report SAND2000-1444 (2000).

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 1, 64, endpoint=False)
    >>> field = xr.DataArray(np.zeros(64), {"x": x}, ["x"])
    >>> worth = fg.verify(fg.infer_grid(field, periodic="x"), accuracies=[2, 4])
    >>> worth.order.values.round(1)
    array([[2., 4.]])
    >>> float(worth.rms_error.sel(axis="x", accuracy=2, points_per_wave=16).round(3))
    0.026
    """
    grid = obj if isinstance(obj, Grid) else infer_grid(obj)
    lengths = np.asarray(points_per_wave, dtype=np.float64)
    if lengths.ndim != 1 or not len(lengths) or not (np.isfinite(lengths).all() and (lengths > 2).all()):
        raise ValueError(f"points_per_wave: got {points_per_wave!r}; each must be above 2, which no grid resolves")
    if not len(accuracies):
        raise ValueError("accuracies: is empty; give some of 2, 4, 6 and 8")
    shape = (len(grid.axes), len(accuracies), len(lengths))
    rms, largest, orders = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape[:2], np.nan)
    points = np.stack([_fitting(axis, lengths) for axis in grid.axes])
    for number, axis in enumerate(grid.axes):
        for column, accuracy in enumerate(accuracies):
            plain = replace(axis, accuracy=accuracy, boundary=())
            if len(axis) < _required(plain):
                continue
            rms[number, column], largest[number, column], floor = _errors(plain, points[number])
            orders[number, column] = _order(points[number], rms[number, column], floor)
    described = {
        "rms_error": "root mean square error of the derivative of a wave, in units of its amplitude",
        "largest_error": "largest error of the derivative of a wave, in units of its amplitude",
        "points": "length of the wave in mean spacings",
        "order": "fitted order of accuracy",
    }
    dims = ("axis", "accuracy", "points_per_wave")
    result = xr.Dataset(
        {
            "rms_error": (dims, rms),
            "largest_error": (dims, largest),
            "points": (("axis", "points_per_wave"), points),
            "order": (dims[:2], orders),
        },
        {"axis": list(grid.names), "accuracy": list(accuracies), "points_per_wave": lengths},
        {"fieldgrad_grid": grid.description},
    )
    for name, text in described.items():
        result[name].attrs |= {"long_name": text, "units": "1"}
    return result


def _required(axis: Axis) -> int:
    if axis.scheme is not None:
        return axis.scheme.window(1, axis.accuracy)
    return required_points(1, axis.accuracy, periodic=axis.period is not None)


def _extent(axis: Axis) -> float:
    return axis.period or abs(float(axis.nodes[-1] - axis.nodes[0]))


def _spacing(axis: Axis) -> float:
    """Mean spacing."""
    return _extent(axis) / (len(axis) if axis.period is not None else len(axis) - 1)


def _fitting(axis: Axis, lengths: Array) -> Array:
    """The lengths of waves, in mean spacings, that the axis can hold; NaN where it cannot."""
    if axis.period is None:
        return lengths
    counts = np.rint(len(axis) / lengths)
    return np.where(counts >= 1, len(axis) / np.maximum(counts, 1), np.nan)


def _errors(axis: Axis, points: Array) -> tuple[Array, Array, Array]:
    """Root mean square and largest error of each wave, and the error that is rounding."""
    wavenumbers = 2 * np.pi / (points * _spacing(axis))
    phase = np.multiply.outer(np.nan_to_num(wavenumbers), axis.nodes - axis.nodes[0])
    waves = xr.DataArray([np.sin(phase), np.cos(phase)], dims=("phase", "wave", axis.dim))
    along = (axis,) if axis.name in ("x", "y", "z") else ()
    slopes = derivative(waves, axis.dim, grid=Grid(along)).values
    with np.errstate(invalid="ignore", divide="ignore"):
        # of sine and cosine together the error has no phase
        error = np.hypot(*(slopes / wavenumbers[:, np.newaxis] - np.stack([np.cos(phase), -np.sin(phase)])))
    error[np.isnan(points)] = np.nan
    finest = float(np.abs(np.diff(axis.nodes)).min())
    floor: Array = _ROUNDING_UNITS * np.finfo(np.float64).eps / (wavenumbers * finest)
    return np.sqrt((error**2).mean(axis=-1)), error.max(axis=-1), floor


def _order(points: Array, error: Array, floor: Array) -> float:
    with np.errstate(invalid="ignore"):
        kept = (points >= _RESOLVED) & (error > floor)
    if len(set(points[kept])) < 2:
        return float("nan")
    return -float(np.polyfit(np.log(points[kept]), np.log(error[kept]), 1)[0])
