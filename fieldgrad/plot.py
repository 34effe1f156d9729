# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of fields, grids and their errors, by matplotlib (the extra ``plot``).

Each function draws into the axes that it is given, or into new ones, and returns these; nothing is shown or saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from fieldgrad.fields import units_of
from fieldgrad.grid import Axis, Grid
from fieldgrad.quantities import quantities
from fieldgrad.statistics import invariant_histogram, vieillefosse
from fieldgrad.surfaces import isosurface as triangles_of
from fieldgrad.units import is_quantity
from fieldgrad.verification import verify

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

__all__ = ["grid_quality", "isosurface", "order_of_accuracy", "rq_map", "slice"]


def __dir__() -> list[str]:
    return sorted(__all__)


# Neutral at zero, and from dark to light; both can be told apart by the colour-blind.
DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
# A few points at walls or in vortex cores would otherwise leave the rest without colour.
_SHOWN = 0.995
# Ratios of neighbouring spacings that a scale may name.
_RATIOS = (1.2, 1.5, 2, 3, 5, 10, 30, 100, 1000)
_BLUE, _RED, _GREY = "#0b5394", "#c0504d", "0.6"


def slice(
    f: xr.DataArray, ax: Axes | None = None, *, x: str | None = None, robust: bool = True, **at: Any
) -> Axes:  # the name is that of the thing; nothing here needs the built-in
    """Draw a plane of a field, with colours that are neutral at zero where it has both signs.

    Parameters
    ----------
    f : DataArray
        Field, such as :func:`fieldgrad.derive` gives.
    ax : matplotlib Axes, optional
        Where to draw.
    x : str, optional
        Dimension that runs to the right, by default the last one of the two that are left.
    robust : bool
        Whether colours span the 99.5 percent of values nearest to zero, or between both ends, instead of all.
    **at : number or str
        Where to cut: for each further dimension its coordinate, of which the nearest point is taken.

    Returns
    -------
    matplotlib Axes
        With the colour bar beside it, labelled by symbol, name and units.

    Raises
    ------
    TypeError
        If `f` is no DataArray.
    ValueError
        If not exactly two dimensions are left, or no value is finite.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> ax = fg.plot.slice(fg.derive(flow.dataset, "vorticity").vorticity)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('x [m]', 'y [m]')
    """
    if not isinstance(f, xr.DataArray):
        raise TypeError(f"f: is a {type(f).__name__}; pass a DataArray, such as a variable of what derive gives")
    plane = f
    for dim, where in at.items():
        if dim not in f.dims:
            raise ValueError(f"{dim}: is no dimension of the field, which has {', '.join(map(repr, f.dims))}")
        plane = plane.sel({dim: where}, method=None if isinstance(where, str) else "nearest")
    if plane.ndim != 2:
        left = ", ".join(map(repr, plane.dims))
        raise ValueError(f"f: has the dimensions {left} where it is cut; say where to cut all but two of them, dim=...")
    plane = plane.compute()
    if is_quantity(plane.data):
        plane = plane.copy(data=plane.data.magnitude).assign_attrs(units=units_of(plane))
    right = x or str(plane.dims[1])
    if right not in plane.dims:
        raise ValueError(f"x: {right!r} is none of the dimensions {', '.join(map(repr, plane.dims))} that are left")
    style, beyond = _colours(plane.values, robust)
    axes: Axes = _axes(ax)
    (up,) = (dim for dim in plane.dims if dim != right)
    mesh = plane.plot.pcolormesh(ax=axes, x=right, y=str(up), add_colorbar=False, **style)
    axes.figure.colorbar(mesh, ax=axes, label=label(plane), extend=beyond)
    axes.set(xlabel=_named(f[right]), ylabel=_named(f[up]), title=_cut(plane))
    if "m" in {units_of(f[right]), units_of(f[up])} and units_of(f[right]) == units_of(f[up]):
        axes.set_aspect("equal")
    return axes


def isosurface(
    f: xr.DataArray, level: float | None = None, colour: xr.DataArray | None = None, ax: Axes3D | None = None
) -> Axes3D:
    """Draw the surface on which a field has one value, coloured by another field.

    Parameters
    ----------
    f : DataArray
        Field on three dimensions.
    level : float, optional
        Its value on the surface; by default minus its standard deviation for lambda2, which is negative in vortices,
        and plus that for all others, over the points.
    colour : DataArray, optional
        Field of which the surface has the colours, on the same dimensions.
    ax : matplotlib Axes3D, optional
        Where to draw.

    Returns
    -------
    matplotlib Axes3D
        x, y and z are the last, the middle and the first dimension, unless they are called x, y and z.

    Raises
    ------
    ValueError
        If the field does not have three dimensions, or has that value nowhere.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 2 * np.pi, 12)
    >>> lambda2 = fg.derive(fg.flows.taylor_green(x, x, x).dataset, "lambda2").lambda2
    >>> fg.plot.isosurface(lambda2, -0.5).get_zlabel()
    'z [m]'
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LightSource, Normalize
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if f.ndim != 3:
        raise ValueError(f"f: has the dimensions {', '.join(map(repr, f.dims))}; a surface needs three of them")
    dims = ["x", "y", "z"] if {"x", "y", "z"} == set(f.dims) else [str(dim) for dim in f.dims[::-1]]
    field = f.transpose(*dims).compute()
    if level is None:
        level = float(field.std()) * (-1 if f.name == "lambda2" else 1)
    nodes = [field[dim].values for dim in dims]
    others = () if colour is None else (colour.transpose(*dims).values,)
    surface = triangles_of(field.values, level, nodes, *others)
    if not len(surface):
        low, high = float(field.min()), float(field.max())
        raise ValueError(f"level: the field is {level:g} nowhere; it goes from {low:.4g} to {high:.4g}")
    axes: Axes3D = _axes(ax, projection="3d")
    faces: Any = _BLUE
    if colour is not None:
        shades = surface[..., 3].mean(axis=1)
        style, beyond = _colours(shades, robust=True)
        paint = ScalarMappable(Normalize(style["vmin"], style["vmax"]), style["cmap"])
        axes.figure.colorbar(paint, ax=axes, label=label(colour), shrink=0.6, pad=0.12, extend=beyond)
        faces = paint.to_rgba(shades)
    light = LightSource(azdeg=300, altdeg=50)
    # antialiasing would show every edge
    axes.add_collection3d(
        Poly3DCollection(surface[..., :3], facecolors=faces, shade=True, lightsource=light, antialiased=False)
    )
    spans = [(float(line.min()), float(line.max())) for line in nodes]
    axes.set(xlim=spans[0], ylim=spans[1], zlim=spans[2], box_aspect=[high - low for low, high in spans])
    axes.set(xlabel=_named(f[dims[0]]), ylabel=_named(f[dims[1]]), zlabel=_named(f[dims[2]]))
    axes.set_title(f"{label(f)} = {level:.3g}")
    return axes


def rq_map(
    obj: xr.Dataset | xr.DataArray,
    ax: Axes | None = None,
    *,
    grid: Grid | None = None,
    bins: int = 60,
    range: tuple[tuple[float, float], tuple[float, float]] = ((-3.0, 3.0), (-6.0, 6.0)),
) -> Axes:
    """Draw the joint density of the invariants R and Q, with Vieillefosse's line.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity in space, or a density that :func:`fieldgrad.invariant_histogram` gave.
    ax : matplotlib Axes, optional
        Where to draw.
    grid : Grid, optional
        Directions and discretisation of a velocity, by default ``infer_grid(obj)``.
    bins, range
        As :func:`fieldgrad.invariant_histogram` takes them.

    Returns
    -------
    matplotlib Axes
        With decades of density as colours.

    Raises
    ------
    ValueError
        As :func:`fieldgrad.invariant_histogram`.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> x = np.linspace(0, 2 * np.pi, 12)
    >>> fg.plot.rq_map(fg.flows.abc(x, x, x).dataset, bins=10).get_legend() is not None
    True
    """
    from matplotlib.colors import LogNorm

    density = obj
    if not (isinstance(density, xr.DataArray) and set(density.dims) == {"R", "Q"}):
        density = invariant_histogram(obj, bins, range, grid=grid)
    axes: Axes = _axes(ax)
    top = float(density.max())
    image = density.where(density > 0).plot.pcolormesh(
        ax=axes, x="R", y="Q", norm=LogNorm(top * 1e-4, top), cmap=SEQUENTIAL, add_colorbar=False
    )
    axes.figure.colorbar(image, ax=axes, label="probability density", extend="min")
    line = np.linspace(float(density.R.min()), float(density.R.max()), 401)
    axes.plot(line, vieillefosse(line), "k", linewidth=1, label="Vieillefosse's line")
    axes.axvline(0, color="k", linewidth=0.5)
    axes.set(
        xlim=(line[0], line[-1]),
        ylim=(float(density.Q.min()), float(density.Q.max())),
        xlabel=r"$R\, /\, \langle\omega^2/4\rangle^{3/2}$",
        ylabel=r"$Q\, /\, \langle\omega^2/4\rangle$",
        title="",
    )
    axes.legend(loc="lower left", frameon=False)
    return axes


def grid_quality(grid: Grid, figure: Figure | None = None) -> Any:
    """Draw the spacing and the stretching ratio along each axis.

    Parameters
    ----------
    grid : Grid
        The grid.
    figure : matplotlib Figure, optional
        Where to draw. By default a new figure.

    Returns
    -------
    ndarray of matplotlib Axes, of shape (2, number of axes)
        For each axis the spacing above, and below it the ratio of each spacing to the one before; a ratio within 1.2
        is shaded, beyond which neighbouring cells differ so much that errors of high accuracy suffer.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> grid = fg.Grid((fg.Axis("y", "y", np.tanh(np.linspace(-2, 2, 30))),))
    >>> fg.plot.grid_quality(grid).shape
    (2, 1)
    """
    count = len(grid.axes)
    panels = _figure(figure, 1 + 3.2 * count, 4.6).subplots(2, count, sharex="col", squeeze=False)
    for (upper, lower), axis in zip(panels.T, grid.axes, strict=True):
        _spacing(upper, lower, axis)
    panels[0, 0].set_ylabel("spacing")
    panels[1, 0].set_ylabel("ratio to the one before")
    return panels


def _spacing(upper: Axes, lower: Axes, axis: Axis) -> None:
    steps = axis.steps
    # on a periodic axis the last step leads from the last node to the first one of the next period
    edges = np.append(axis.nodes, axis.nodes[-1] + np.sign(axis.nodes[-1] - axis.nodes[0]) * steps[-1])
    centres = ((edges[1:] + edges[:-1]) / 2)[: len(steps)]
    unit = "" if axis.units is None else f" [{axis.units}]"
    upper.plot(centres, steps, ".-", color=_BLUE, markersize=4, linewidth=1)
    upper.set(title=f"{axis.dim}: {len(axis)} points{', periodic' if axis.period is not None else ''}")
    upper.set_ylim(0, 1.15 * steps.max())
    ratios = steps[1:] / steps[:-1]
    lower.axhspan(1 / 1.2, 1.2, color="0.92")
    lower.plot(axis.nodes[1 : len(ratios) + 1], ratios, ".-", color=_RED, markersize=4, linewidth=1)
    reach = max(1.3, 1.1 * axis.stretching)
    lower.set(xlabel=f"{axis.dim}{unit}", yscale="log", ylim=(1 / reach, reach))
    marks = [1.0]
    for mark in _RATIOS:
        if marks[-1] * reach**0.2 < mark < reach:  # far enough apart to be read
            marks.append(mark)
    lower.set_yticks([*(1 / mark for mark in marks[:0:-1]), *marks])
    lower.yaxis.set_major_formatter("{x:.2g}")
    lower.minorticks_off()
    for panel in (upper, lower):
        panel.grid(color="0.9")
        panel.spines[["top", "right"]].set_visible(False)


def order_of_accuracy(obj: Grid | xr.Dataset | xr.DataArray, figure: Figure | None = None) -> Any:
    """Draw the error of derivatives of waves over their length, by axis and accuracy.

    Parameters
    ----------
    obj : Grid, Dataset or DataArray
        What :func:`fieldgrad.verify` gave, or what it takes.
    figure : matplotlib Figure, optional
        Where to draw. By default a new figure.

    Returns
    -------
    ndarray of matplotlib Axes, of shape (number of axes,)
        A panel for each axis, with the fitted orders.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import numpy as np
    >>> worth = fg.verify(fg.Grid((fg.Axis("y", "y", np.linspace(0, 1, 30)),)), accuracies=[2])
    >>> fg.plot.order_of_accuracy(worth)[0].get_title()
    'y'
    """
    checked = isinstance(obj, xr.Dataset) and "rms_error" in obj
    worth: xr.Dataset = obj if checked else verify(obj)  # type: ignore[assignment]
    count = worth.sizes["axis"]
    panels = _figure(figure, 1 + 3.4 * count, 3.8).subplots(1, count, sharey=True, squeeze=False)[0]
    shades = np.linspace(1 if worth.sizes["accuracy"] == 1 else 0.35, 1, worth.sizes["accuracy"])
    for panel, name in zip(panels, worth.axis.values, strict=True):
        here = worth.sel(axis=name)
        for shade, accuracy in zip(shades, worth.accuracy.values, strict=True):
            error, order = here.rms_error.sel(accuracy=accuracy), float(here.order.sel(accuracy=accuracy))
            words = f"{accuracy}" if np.isnan(order) else f"{accuracy}: order {order:.2f}"
            panel.loglog(here.points, error, "o-", color=_BLUE, alpha=shade, markersize=4, label=words)
        panel.axhline(0.01, color=_GREY, linewidth=0.8, linestyle="--")
        panel.set(title=str(name), xlabel="points per wave")
        panel.set_xticks(worth.points_per_wave.values, [f"{n:g}" for n in worth.points_per_wave.values])
        panel.minorticks_off()
        panel.grid(color="0.92")
        panel.legend(title="accuracy", fontsize=8, title_fontsize=8, frameon=False)
    panels[0].set_ylabel("rms error of the derivative / amplitude")
    panels[0].annotate(
        "1 %",
        (1, 0.01),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color="0.4",
    )
    return panels


def label(f: xr.DataArray) -> str:
    """What a colour bar says of a field: its symbol where it is a known quantity, its name in words, its units."""
    table = quantities()
    words = str(f.attrs.get("long_name", f.name if f.name is not None else ""))
    symbol = table[str(f.name)].symbol if f.name in table else ""
    words = "" if symbol and words == f.name and not words.isalpha() else words
    # "Q criterion" beside Q, "Omega" beside its letter
    first, _, rest = words.partition(" ")
    words = rest if symbol and first == symbol.strip("\\'") else words
    component = [str(f[dim].item()) for dim in ("component", "direction") if dim in f.coords and f[dim].ndim == 0]
    if symbol and component:
        symbol = rf"({symbol})_{{{' '.join(component)}}}"
    unit = units_of(f)
    return " ".join(part for part in (f"${symbol}$" if symbol else "", words, f"[{unit}]" if unit else "") if part)


def _colours(values: Any, robust: bool) -> tuple[dict[str, Any], str]:
    """Colour map with its limits, and to which side values lie beyond them."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise ValueError("f: has no finite value there, so there is nothing to draw")
    low, high = float(finite.min()), float(finite.max())
    if low < 0 < high:
        limit = float(np.quantile(np.abs(finite), _SHOWN)) if robust else max(-low, high)
        limit = limit or max(-low, high)
        colours, bottom, top = DIVERGING, -limit, limit
    else:
        ends = np.quantile(finite, [1 - _SHOWN, _SHOWN]) if robust else (low, high)
        colours, bottom, top = SEQUENTIAL, float(ends[0]), float(ends[1])
    sides = {(True, True): "both", (True, False): "min", (False, True): "max"}
    return {"cmap": colours, "vmin": bottom, "vmax": top}, sides.get((low < bottom, high > top), "neither")


def _axes(ax: Any, **how: Any) -> Any:
    return _figure(None, 6, 4.8).add_subplot(**how) if ax is None else ax


def _figure(figure: Figure | None, width: float, height: float) -> Any:
    """A figure that is given, or one of pyplot, which shows it in a window or below the cell of a notebook."""
    if figure is not None:
        return figure
    from matplotlib import pyplot

    return pyplot.figure(figsize=(width, height), layout="constrained")


def _named(coordinate: xr.DataArray) -> str:
    unit = units_of(coordinate)
    return f"{coordinate.name}{'' if unit is None else f' [{unit}]'}"


def _cut(plane: xr.DataArray) -> str:
    """Where a plane lies."""
    parts = []
    for name, value in plane.coords.items():
        if value.ndim == 0 and name not in ("component", "direction", "principal"):
            number = f"{value.item():.4g}" if value.dtype.kind in "if" else str(value.values)
            parts.append(f"{name} = {number} {units_of(value) or ''}".strip())
    return ", ".join(parts)
