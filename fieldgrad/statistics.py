# SPDX-License-Identifier: BSD-3-Clause
"""Statistics of labelled fields, in which every point counts by the size of its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from fieldgrad.bars import watched
from fieldgrad.chunked import is_lazy
from fieldgrad.coordinates import direction
from fieldgrad.curvilinear import Curvilinear
from fieldgrad.curvilinear import volume_of as curvilinear_volume_of
from fieldgrad.fields import Velocity, array_of, long_of, name_of, require_labelled, short_of
from fieldgrad.geometry import measured_cells, volume_of
from fieldgrad.grid import SPATIAL, Array, Grid
from fieldgrad.infer import axis_of
from fieldgrad.labelled import Names, derivative, derive
from fieldgrad.operators import working_dtype
from fieldgrad.recall import recalled_grid

Obj = TypeVar("Obj", xr.Dataset, xr.DataArray)
Dims = str | Iterable[str] | None


def mean(obj: Obj, dims: Dims = None, *, grid: Grid | None = None) -> Obj:
    """Mean over some dimensions, in which every point counts by the size of its cell.

    Parameters
    ----------
    obj : DataArray or Dataset
        Fields of any dimensions.
    dims : str or iterable of str, optional
        Dimensions (or directions "x", "y", "z") to average over, by default all directions of the grid.
    grid : Grid, optional
        Where the nodes lie and which axes are periodic, by default ``infer_grid(obj)``. A dimension that it lacks has
        the nodes of its coordinate; one without a coordinate, or with labels for one, counts its points alike.

    Returns
    -------
    DataArray or Dataset
        As `obj` without those dimensions, with its names, attributes and precision. A variable of a Dataset is
        averaged over those of them that it has, and stays as it is if it has none.

    Raises
    ------
    KeyError
        If there is no such dimension; the message lists those there are.
    TypeError
        If `obj` is no xarray object, or a variable to average holds no numbers.
    ValueError
        If no dimension is named, or one twice; if the coordinate of one is unusable, or a latitude without a longitude
        and a spherical grid; or if the grid does not fit `obj`.

    Notes
    -----
    The weights are :attr:`Axis.cell_sizes`: the mean is the integral by the trapezoidal rule over the span, or over
    the period. In other than Cartesian geometries they are the volumes (or areas) of the cells, with the integral of
    the volume element over each: differences of sin(latitude), r^2/2 or (radius + z)^3/3. Points that are NaN, or
    masked by the grid, are left out with their cells. Sums are taken in double precision.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> y = xr.DataArray([0.0, 1.0, 4.0], dims="y", coords={"y": [0.0, 1.0, 4.0]}, attrs={"units": "m"})
    >>> mean(y).item(), y.mean().round(3).item()
    (2.0, 1.667)
    """
    require_labelled(obj, "obj")
    cells = _cells(obj, dims, grid)
    if isinstance(obj, xr.DataArray):
        _require_numbers(obj)
        return _weighted(obj, cells, grid)
    for variable in obj.data_vars.values():
        if cells.along.keys() & set(variable.dims):
            _require_numbers(variable)
    kept = {name: coord for name, coord in obj.coords.items() if not cells.along.keys() & set(coord.dims)}
    return obj.map(_weighted, keep_attrs=True, args=(cells, grid)).assign_coords(kept)


@watched
def derivative_skewness(f: xr.DataArray, dim: str, dims: Dims = None, *, grid: Grid | None = None) -> xr.DataArray:
    r"""Skewness of a derivative, of the velocity most of all.

    Parameters
    ----------
    f : DataArray
        Real field, such as a component of velocity.
    dim : str
        Dimension (or direction "x", "y", "z") along which to differentiate.
    dims : str or iterable of str, optional
        Dimensions to average over, by default all directions of the grid.
    grid : Grid, optional
        Discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray of float64
        :math:`S = \langle f_x'^3\rangle / \langle f_x'^2\rangle^{3/2}`, on the dimensions of `f` that are left; NaN
        where the fluctuation has no gradient.

    Raises
    ------
    KeyError, TypeError, ValueError
        As :func:`derivative` and :func:`mean`; and if `f` is complex.

    Notes
    -----
    :math:`f' = f - \langle f\rangle` is the fluctuation about the mean over `dims`. Where these include `dim`, the
    mean has no gradient along it, and f' may be read as f. In isotropic turbulence the skewness of du/dx is about
    -0.5 and measures the stretching of vortices; see S. B. Pope, Turbulent Flows (2000), sections 6.3 and 6.7.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 2.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 2.0, 3.0]})
    >>> grid = fg.infer_grid(x, periodic="x")
    >>> u = x.copy(data=[0.0, 2.0, 2.0, 1.0])  # slopes 0.5, 1, -0.5, -1
    >>> derivative_skewness(u, "x", grid=grid).item()
    0.0
    """
    return _standardised_moment(f, dim, dims, grid, 3, "skewness")


@watched
def derivative_flatness(f: xr.DataArray, dim: str, dims: Dims = None, *, grid: Grid | None = None) -> xr.DataArray:
    r"""Flatness (kurtosis) of a derivative; 3 for a Gaussian one.

    Parameters
    ----------
    f : DataArray
        Real field, such as a component of velocity.
    dim : str
        Dimension (or direction "x", "y", "z") along which to differentiate.
    dims : str or iterable of str, optional
        Dimensions to average over, by default all directions of the grid.
    grid : Grid, optional
        Discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray of float64
        :math:`K = \langle f_x'^4\rangle / \langle f_x'^2\rangle^2`, on the dimensions of `f` that are left; NaN where
        the fluctuation has no gradient.

    Raises
    ------
    KeyError, TypeError, ValueError
        As :func:`derivative_skewness`.

    Notes
    -----
    :math:`f'` is the fluctuation, as in :func:`derivative_skewness`. S. B. Pope, Turbulent Flows (2000), section 6.7.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 2.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 2.0, 3.0]})
    >>> u = x.copy(data=[0.0, 2.0, 2.0, 1.0])  # slopes 0.5, 1, -0.5, -1
    >>> derivative_flatness(u, "x", grid=fg.infer_grid(x, periodic="x")).item()
    1.36
    """
    return _standardised_moment(f, dim, dims, grid, 4, "flatness")


@watched
def taylor_microscale(f: xr.DataArray, dim: str, dims: Dims = None, *, grid: Grid | None = None) -> xr.DataArray:
    r"""Taylor microscale, the length over which a fluctuation changes by itself.

    Parameters
    ----------
    f : DataArray
        Real field, such as a component of velocity.
    dim : str
        Dimension (or direction "x", "y", "z") along which to differentiate.
    dims : str or iterable of str, optional
        Dimensions to average over, by default all directions of the grid.
    grid : Grid, optional
        Discretisation, by default ``infer_grid(f)``.

    Returns
    -------
    DataArray of float64
        :math:`\lambda = \sqrt{\langle f'^2\rangle / \langle f_x'^2\rangle}`, in the units of the coordinate (seconds
        for times); NaN where the fluctuation has no gradient.

    Raises
    ------
    KeyError, TypeError, ValueError
        As :func:`derivative_skewness`.

    Notes
    -----
    :math:`f'` is the fluctuation, as in :func:`derivative_skewness`. The definition is that of H. Tennekes and
    J. L. Lumley, A First Course in Turbulence (1972), section 3.2. With u along x it is the length in
    :math:`\varepsilon = 15 \nu u'^2/\lambda^2` and :math:`R_\lambda = u'\lambda/\nu` of isotropic turbulence.

    S. B. Pope, Turbulent Flows (2000), section 6.3, takes the parabola that osculates the autocorrelation at the
    origin instead, :math:`f(r) \approx 1 - r^2/\lambda_f^2`, so that :math:`\lambda_f^2 = 2\langle u'^2\rangle/\langle
    u_x'^2\rangle`: his longitudinal :math:`\lambda_f` is :math:`\sqrt 2` times the value here for u along x, which is
    his transverse :math:`\lambda_g = \lambda_f/\sqrt 2` if the turbulence is isotropic.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> x = xr.DataArray([0.0, 1.0, 2.0, 3.0], dims="x", coords={"x": [0.0, 1.0, 2.0, 3.0]})
    >>> u = x.copy(data=[0.0, 2.0, 2.0, 0.0])  # slopes 1, 1, -1, -1
    >>> taylor_microscale(u, "x", grid=fg.infer_grid(x, periodic="x")).item()
    1.0
    """
    fluctuation, slope = _fluctuation_and_slope(f, dim, dims, grid)
    square = mean(slope**2, dims, grid=grid)
    ratio = mean(fluctuation.astype(np.float64) ** 2, dims, grid=grid) / square
    axis = axis_of(f, dim, grid)
    return _described(
        (ratio**0.5).where(square > 0),
        "taylor_microscale",
        long_name=f"Taylor microscale of {long_of(f)} along {axis.dim}",
        definition=f"(<f'^2>/<(df'/d{axis.dim})^2>)^(1/2), f' = {short_of(f)} - <{short_of(f)}>",
        grid=axis.description,
        unit=axis.units,
    )


@watched
def invariant_histogram(
    obj: Velocity,
    bins: int | tuple[int, int] = 100,
    range: Sequence[Sequence[float]] = ((-5.0, 5.0), (-5.0, 5.0)),
    *,
    grid: Grid | None = None,
    components: Names = None,
) -> xr.DataArray:
    r"""Joint probability density of the invariants R and Q of the velocity-gradient tensor, normalised.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity in space: a variable for each component, or a dimension ``component``.
    bins : int or pair of int
        Number of bins, of R and of Q.
    range : pair of pairs of float
        Ends of the bins, of R and of Q.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray, dims ("R", "Q")
        Density at the centres of the bins. Times the area of a bin and summed it gives the share of the volume with
        invariants inside `range`, and not one: the density at a point then does not depend on where the map ends,
        and what lies outside can be told.

    Raises
    ------
    TypeError, ValueError
        If `bins` or `range` make no sense, if there is no rotation to normalise by, or as :func:`derive`.

    Notes
    -----
    :math:`Q^* = Q/Q_w` and :math:`R^* = R/Q_w^{3/2}` with :math:`Q_w = \langle\omega^2\rangle/4`, the mean second
    invariant of the spin, as in A. Ooi, J. Martin, J. Soria and M. S. Chong, Journal of Fluid Mechanics 381 (1999)
    141-174. Means and the density are over all dimensions, times included, and weighted as :func:`mean` does;
    points that are NaN are left out. Q and R are those of :func:`derive`, so that :math:`R = -\det L`; turbulence
    then has the shape of a tear, with its tail along :func:`vieillefosse` at R > 0. That line parts complex from real
    eigenvalues of L where the flow is solenoidal.

    B. J. Cantwell, Physics of Fluids A 5 (1993) 2008-2013; J. Soria, R. Sondergaard, B. J. Cantwell, M. S. Chong and
    A. E. Perry, Physics of Fluids 6 (1994) 871-884.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> flow = fg.flows.abc(x, x, x).dataset
    >>> density = invariant_histogram(flow, 20, grid=fg.infer_grid(flow, periodic=["x", "y", "z"]))
    >>> density.dims, (density.sum() * 0.5**2).round(6).item()
    (('R', 'Q'), 1.0)
    """
    edges = _edges(bins, range)
    require_labelled(obj, "obj")
    grid = recalled_grid(obj) if grid is None else grid
    flow = derive(obj, ["second_invariant", "third_invariant", "vorticity_magnitude"], grid=grid, components=components)
    if any(is_lazy(field.data) for field in flow.values()):
        raise TypeError("obj: is backed by dask, and a histogram needs all values at once; load it first (obj.load())")
    flow = flow.astype(np.float64)
    Q, R = flow["second_invariant"], flow["third_invariant"]
    dims = [str(dim) for dim in Q.dims]
    scale = mean((flow["vorticity_magnitude"] / 2) ** 2, dims, grid=grid).item()
    if not scale > 0:
        raise ValueError(
            f"obj: the mean square of its vorticity is {4 * scale}, and nothing can be normalised by it; "
            "pass a flow that rotates somewhere"
        )
    sizes = _cells(Q, dims, grid).weights(Q)
    assert sizes is not None
    weights = sizes.broadcast_like(Q).transpose(*dims).values
    valid = (Q.notnull() & R.notnull()).values
    counted = weights[valid]
    counts, *_ = np.histogram2d(R.values[valid] / scale**1.5, Q.values[valid] / scale, edges, weights=counted)
    area = np.multiply.outer(*(np.diff(edge) for edge in edges))
    centres = {
        name: xr.Variable(name, (edge[1:] + edge[:-1]) / 2, {"long_name": f"{words}, {formula}", "units": "1"})
        for name, edge, words, formula in zip(
            ("R", "Q"), edges, ("third invariant", "second invariant"), ("R/<w^2/4>^(3/2)", "Q/<w^2/4>"), strict=True
        )
    }
    return _described(
        xr.DataArray(counts / (counted.sum() * area), centres, ("R", "Q")),
        "invariant_density",
        long_name="joint probability density of the invariants of the velocity-gradient tensor",
        definition="share of volume per d(R/<w^2/4>^(3/2)) d(Q/<w^2/4>)",
        grid=grid.description,
        unit="1",
    )


def vieillefosse(R: Any) -> Any:
    """The line 27/4 R^2 + Q^3 = 0, on which the discriminant of a trace-free velocity gradient vanishes.

    Parameters
    ----------
    R : array_like or DataArray
        Third invariant.

    Returns
    -------
    float, ndarray or DataArray
        Q on the line: above it L has a pair of complex eigenvalues, below it three real ones.

    Notes
    -----
    P. Vieillefosse, Journal de Physique 43 (1982) 837-842. For :func:`invariant_histogram`, and for invariants that
    are not normalised as well.

    Examples
    --------
    >>> vieillefosse([-2.0, 0.0, 2.0])
    array([-3.,  0., -3.])
    """
    half = R / 2 if isinstance(R, xr.DataArray) else np.asarray(R) / 2
    return 0.0 - 3 * np.cbrt(half) ** 2


@dataclass(frozen=True)
class _Cells:
    """Sizes of cells along each dimension to average over, and where they are no product of these a factor."""

    along: dict[str, Array]
    joint: xr.DataArray | None = None

    def weights(self, f: xr.DataArray) -> xr.DataArray | None:
        """Weights of the points of a field; None if it has none of the dimensions."""
        there = [dim for dim in self.along if dim in f.dims]
        if not there:
            return None
        if self.joint is None:
            return _product({dim: self.along[dim] for dim in there})
        # over what the field does not depend on the volume is added up
        return (self.joint * _product(self.along)).sum([dim for dim in self.along if dim not in f.dims])


def _cells(obj: Velocity, dims: Dims, grid: Grid | None) -> _Cells:
    """Weights of the points along each dimension to average over."""
    if dims is None:
        grid = recalled_grid(obj) if grid is None else grid
        keys = list(grid.dims)
    else:
        keys = [dims] if isinstance(dims, str) else list(dims)
        grid = _globe(obj) if grid is None else grid
    if not keys:
        raise ValueError("dims: is empty; name at least one dimension, or leave it out for all directions")
    cells = dict(_cells_along(obj, key, grid) for key in keys)
    if len(cells) < len(keys):
        raise ValueError(f"dims: {keys} name one dimension twice; name each once")
    joint = None
    if grid is not None and grid.system.measures() is None:
        volume = curvilinear_volume_of(grid) if isinstance(grid.system, Curvilinear) else volume_of(grid)
        place = {axis.dim: grid.directions.index(axis.name) for axis in grid.axes}
        # axes are in the order of the directions, of which those that are absent have length one
        joint = xr.DataArray(volume.squeeze(tuple({0, 1, 2} - set(place.values()))), dims=grid.dims)
    return _Cells(cells, joint)


def _globe(obj: Velocity) -> Grid | None:
    """The grid of data that say that they are on a sphere."""
    try:
        grid = recalled_grid(obj)
    except (TypeError, ValueError):
        return None
    return None if grid.system.cartesian else grid


def _cells_along(obj: Velocity, key: str, grid: Grid | None) -> tuple[str, Array]:
    """A dimension by its name in the data, and the weights of its points."""
    known = () if grid is None else grid.axes + grid.others
    if key in obj.sizes and not any(key in (axis.dim, axis.name) for axis in known):
        # without a grid, a direction of unknown spacing is refused as everywhere
        claim = direction(key, {}, "") if grid is None else None
        bare = key not in obj.coords and (claim is None or claim[0] not in SPATIAL)
        if bare or obj.sizes[key] == 1:
            return key, np.ones(obj.sizes[key])
    try:
        axis = axis_of(obj, key, grid)
    except TypeError:  # labels, such as those of components
        if key not in obj.sizes:
            raise
        return key, np.ones(obj.sizes[key])
    if axis.obstacle is not None and "latitude" in axis.obstacle:
        raise ValueError(
            f"dims: dimension {axis.dim!r} {axis.obstacle}, and the area of its cells depends on it. Pass a spherical "
            "grid, grid=fg.infer_grid(obj, geometry='spherical'), or name the other dimensions to average over"
        )
    if len(axis) == 1:
        return axis.dim, np.ones(1)
    if grid is not None and axis in grid.axes:
        return axis.dim, measured_cells(grid, axis)
    return axis.dim, axis.cell_sizes


def _product(cells: Mapping[str, Array]) -> xr.DataArray:
    return reduce(mul, (xr.DataArray(sizes, dims=dim) for dim, sizes in cells.items()))


def _weighted(f: xr.DataArray, cells: _Cells, grid: Grid | None) -> xr.DataArray:
    """Mean over those of some dimensions that a field has, and over its valid points."""
    weights = cells.weights(f)
    if weights is None:
        return f
    average = _unmasked(f, grid).weighted(weights).mean([dim for dim in cells.along if dim in f.dims], keep_attrs=True)
    return average.astype(working_dtype(f.dtype))


def _unmasked(f: xr.DataArray, grid: Grid | None) -> xr.DataArray:
    """A field, NaN where the grid masks it."""
    if grid is not None and grid.mask is not None and set(grid.mask.dims) <= set(f.dims):
        return f.where(xr.DataArray(grid.mask.values, dims=grid.mask.dims))
    return f


def _require_numbers(f: xr.DataArray) -> None:
    if f.dtype.kind not in "biufc":
        raise TypeError(
            f"obj: {name_of(f, 'the field')} has dtype {f.dtype}, which has no mean; leave it out "
            "(ds.drop_vars), or convert it to numbers"
        )


def _fluctuation_and_slope(
    f: xr.DataArray, dim: str, dims: Dims, grid: Grid | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """A field about its mean, and the derivative of that, in double precision since its powers span many decades."""
    if array_of(f, "f").dtype.kind == "c":
        raise TypeError(f"f: {name_of(f, 'the field')} is complex; pass its real and imaginary parts one by one")
    axis = axis_of(f, dim, grid)  # raises before any work is done
    system = (grid or _globe(f) or Grid(())).system
    if axis.name in system.directions and (
        system.measures() is None or system.directions.index(axis.name) in system.angles
    ):
        raise ValueError(
            f"dim: steps along {axis.dim!r} have different lengths in {system.name} coordinates, and so have the "
            "derivatives; take the moments of a component of fg.gradient or fg.velocity_gradient with fg.mean"
        )
    fluctuation = f - mean(f, dims, grid=grid)
    return fluctuation, derivative(fluctuation, dim, grid=grid).astype(np.float64)


def _standardised_moment(
    f: xr.DataArray, dim: str, dims: Dims, grid: Grid | None, order: int, name: str
) -> xr.DataArray:
    _, slope = _fluctuation_and_slope(f, dim, dims, grid)
    square = mean(slope**2, dims, grid=grid)
    axis = axis_of(f, dim, grid)
    return _described(
        (mean(slope**order, dims, grid=grid) / square ** (order / 2)).where(square > 0),
        f"derivative_{name}",
        long_name=f"{name} of the derivative of {long_of(f)} with respect to {axis.dim}",
        definition=f"<g^{order}>/<g^2>^({order}/2), g = d({short_of(f)} - <{short_of(f)}>)/d{axis.dim}",
        grid=axis.description,
        unit="1",
    )


def _described(
    result: xr.DataArray, name: str, *, long_name: str, definition: str, grid: str, unit: str | None
) -> xr.DataArray:
    result = result.rename(name)
    result.attrs = {"long_name": long_name, "fieldgrad_definition": definition, "fieldgrad_grid": grid}
    if unit is not None:
        result.attrs["units"] = unit
    return result


def _edges(bins: Any, range: Any) -> list[Array]:
    """Edges of the bins of R and Q."""
    counts = (bins, bins) if isinstance(bins, int | np.integer) else bins
    if np.shape(counts) != (2,) or not all(isinstance(n, int | np.integer) and n >= 1 for n in counts):
        raise ValueError(
            f"bins: got {bins!r}; it must be a number of bins of at least 1, or a pair of them for R and Q"
        )
    ends = np.asarray(range, dtype=np.float64)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or not (ends[:, 0] < ends[:, 1]).all():
        raise ValueError(
            f"range: got {range!r}; it must hold the lower and the upper end of R, then those of Q, such as "
            "((-5, 5), (-10, 10))"
        )
    return [np.linspace(low, high, count + 1) for (low, high), count in zip(ends, counts, strict=True)]
