# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration: a flow with a known velocity gradient, computed, split, compared and drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from fieldgrad import files, flows, labelled
from fieldgrad.grid import Grid
from fieldgrad.infer import infer_grid

ACCURACIES = (2, 4, 6, 8)
# Components that are drawn, in x, y, z order.
_NAMES = ("u", "v", "w")
_STRETCHING = 1.5


@dataclass(frozen=True)
class Check:
    """A computed quantity beside its exact value.

    Parameters
    ----------
    name : str
        Name of the quantity.
    how : str
        The call that made it.
    largest : float
        Largest absolute exact value (s-1, s-2 for Q).
    error : float
        Largest absolute error, in units of that (where it is zero, in units of the largest |L|).
    first, later : float
        Seconds of the first call, which loads or compiles the kernel, and of the best one after it.
    """

    name: str
    how: str
    largest: float
    error: float
    first: float
    later: float


@dataclass(frozen=True)
class Order:
    """Error of the gradient of u, the first row of L, at one accuracy, and how fast it falls.

    Parameters
    ----------
    label : str
        What computed it.
    error : float
        Largest absolute error of a component, in units of the largest exact one.
    order : float
        Base-2 logarithm of the error on every second point over this one.
    later : float
        Seconds of a call.
    """

    label: str
    error: float
    order: float
    later: float


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demonstration computed.

    Parameters
    ----------
    grid : Grid
        Grid that was understood.
    fields : Dataset
        The velocity u, v, w and what was derived from it.
    exact : DataArray, dims ("component", "direction", "z", "y", "x")
        The exact L.
    checks : tuple of Check
        Each quantity beside its exact value.
    orders : tuple of Order
        Error of the gradient of u at each accuracy, and by numpy.gradient.
    residual : float
        Largest |D + W - L|, in units of the largest |L|.
    """

    grid: Grid
    fields: xr.Dataset
    exact: xr.DataArray
    checks: tuple[Check, ...]
    orders: tuple[Order, ...]
    residual: float


def flow(size: int) -> flows.Flow:
    """Initial Taylor-Green flow, uniform in x and z, with points gathered near both ends of y.

    Parameters
    ----------
    size : int
        Number of points along x and z (even); there is one more along y, which holds both ends.

    Returns
    -------
    Flow
        On x, z in [0, 2 pi) and y in [0, 2 pi] (m).

    Examples
    --------
    >>> flow(8).shape
    (8, 9, 8)
    """
    x = np.linspace(0, 2 * np.pi, size, endpoint=False)
    s = np.linspace(-1, 1, size + 1)
    return flows.taylor_green(x, np.pi * (1 + np.tanh(_STRETCHING * s) / np.tanh(_STRETCHING)), x)


def compute(size: int = 64, accuracy: int = 4, say: Callable[[str], None] = lambda text: None) -> Demo:
    """Compute the demonstration.

    Parameters
    ----------
    size : int
        Number of points along each direction.
    accuracy : int
        Order of accuracy of the fields: 2, 4, 6 or 8.
    say : callable, optional
        Told what is done next.

    Returns
    -------
    Demo
        Fields, errors and timings.
    """
    case = flow(size)
    ds = case.dataset
    grid = _grid(ds, accuracy)
    exact = case.velocity_gradient
    scale = float(abs(exact).max())
    say("computing L, the velocity-gradient tensor")
    L, *first = _timed(lambda: labelled.velocity_gradient(ds, grid=grid))
    say("splitting L into D and W")
    (D, W), *second = _timed(lambda: labelled.decompose(L))
    say("computing vorticity, divergence and Q in one pass, without L")
    names = ("vorticity", "divergence", "q_criterion")
    summary, *third = _timed(lambda: labelled.derive(ds, names, grid=grid))
    made = {
        "velocity_gradient": (L, "fg.velocity_gradient(ds)", first),
        "deformation_rate": (D, "fg.decompose(L)", second),
        "spin": (W, "the same call", second),
        "vorticity": (summary.vorticity, "fg.derive(ds, [...])", third),
        "divergence": (summary.divergence, "the same pass", third),
        "q_criterion": (summary.q_criterion, "the same pass", third),
    }
    checks = []
    for name, (array, how, seconds) in made.items():
        right = case.exact(name)
        largest = float(abs(right).max())
        error = float(abs(array - right).max()) / (largest or scale)
        checks.append(Check(name, how, largest, error, *seconds))
    orders = _orders(ds, exact.sel(component="x"), say)
    derived = {name: array for name, (array, _, _) in made.items()}
    fields = ds[list(_NAMES)].assign(derived)
    residual = float(abs(D + W - L).max()) / scale
    return Demo(grid, fields, exact, tuple(checks), orders, residual)


def write(demo: Demo, folder: Path) -> tuple[Path, Path]:
    """Write the fields (NetCDF) and the picture (PNG), in place of those that an earlier run left.

    Parameters
    ----------
    demo : Demo
        What was computed.
    folder : Path
        Where; made if it is not there.

    Returns
    -------
    tuple of Path
        ``fieldgrad-demo.nc`` and ``fieldgrad-demo.png``.

    Raises
    ------
    OutputProblem
        If they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.OutputProblem(f"{folder}: cannot be made: {files.reason(error)}") from error
    table, picture = folder / "fieldgrad-demo.nc", folder / "fieldgrad-demo.png"
    small = demo.fields.copy()
    for variable in small.data_vars.values():
        # single precision holds all digits that a picture or a second look needs
        variable.encoding = {"dtype": "float32", "zlib": True, "complevel": 1}
    small.attrs |= {"title": "Velocity gradient of a Taylor-Green flow, by fieldgrad demo"}
    small.attrs["history"] = files.extended_history({}, "fieldgrad demo")
    files.write_netcdf(small, table, overwrite=True)
    with files.replacing(picture, overwrite=True) as part:
        draw(demo, part)
    return table, picture


def _grid(ds: xr.Dataset, accuracy: int) -> Grid:
    return infer_grid(ds, periodic=["x", "z"], accuracy=accuracy)


def _timed(call: Callable[[], Any], repeats: int = 5) -> tuple[Any, float, float]:
    """Result of a call, seconds of the first one and of the best one after it."""
    seconds = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
    return result, seconds[0], min(seconds[1:])


def _orders(ds: xr.Dataset, exact: xr.DataArray, say: Callable[[str], None]) -> tuple[Order, ...]:
    """Errors of the gradient of u on all points, and on every second point."""
    every_second = {dim: slice(None, None, 2) for dim in ("x", "y", "z")}
    coarse, coarse_exact = ds.isel(every_second), exact.isel(every_second)
    largest = float(abs(exact).max())

    def compare(label: str, call: Callable[[xr.Dataset], Any]) -> Order:
        say(f"gradient of u by {label}")
        fine, _, later = _timed(lambda: call(ds))
        error, before = (
            float(np.abs(np.asarray(got) - right.values).max()) / largest
            for got, right in ((fine, exact), (call(coarse), coarse_exact))
        )
        return Order(label, error, float(np.log2(before / error)), later)

    def ours(accuracy: int) -> Order:
        return compare(f"accuracy {accuracy}", lambda ds: labelled.gradient(ds.u, grid=_grid(ds, accuracy)).values)

    return (*(ours(accuracy) for accuracy in ACCURACIES), compare("numpy.gradient", _by_numpy))


def _by_numpy(ds: xr.Dataset) -> Any:
    """Gradient of u by numpy.gradient: of second order, at the edges too; it knows no periodic axes."""
    nodes = [ds[dim].values for dim in ds.u.dims]
    return np.stack(np.gradient(ds.u.values, *nodes, edge_order=2)[::-1])


def draw(demo: Demo, path: Path) -> None:
    """Draw a plane of the fields: L = D + W component by component, vorticity, Q, and the error.

    Parameters
    ----------
    demo : Demo
        What was computed.
    path : Path
        Where to write the picture, as PNG.
    """
    from matplotlib.figure import Figure

    level = len(demo.fields.z) // 8  # z = pi/4, where no component of a plane vanishes by symmetry
    plane = demo.fields.isel(z=level)
    figure = Figure(figsize=(13, 8.7), dpi=140, facecolor="white")
    rooms: Any = figure.subfigures(2, 1, height_ratios=[1.3, 1])
    upper, lower = rooms
    points = " x ".join(str(len(axis)) for axis in demo.grid.axes)
    accuracy = demo.grid.axes[0].accuracy
    figure.text(0.03, 0.965, "Velocity gradient of a Taylor-Green flow", fontsize=17, weight="bold")
    figure.text(
        0.03,
        0.938,
        f"{points} points, stretched in y, periodic in x and z; accuracy {accuracy}; plane z = {float(plane.z):.3g} m",
        fontsize=10.5,
        color="0.35",
    )
    _draw_tensors(upper, plane)
    _draw_summary(lower, plane, demo, level)
    figure.savefig(path, format="png")


def _draw_tensors(room: Any, plane: xr.Dataset) -> None:
    """L = D + W, each as three by three planes on one colour scale."""
    tensors = (
        ("velocity_gradient", "L", r"$L_{ij} = \partial u_i / \partial x_j$", "velocity gradient"),
        ("deformation_rate", "D", r"$D = (L + L^\mathsf{T})/2$", "rate of deformation"),
        ("spin", "W", r"$W = (L - L^\mathsf{T})/2$", "spin"),
    )
    limit = float(abs(plane.velocity_gradient).max())
    left, width, gap, bottom, height = 0.055, 0.243, 0.052, 0.045, 0.64
    mesh = None
    for number, (name, symbol, formula, words) in enumerate(tensors):
        start = left + number * (width + gap)
        room.text(start + width / 2, bottom + height + 0.055, words, ha="center", fontsize=11, color="0.35")
        room.text(start + width / 2, bottom + height + 0.105, formula, ha="center", fontsize=15)
        if number:
            sign = "=" if number == 1 else "+"
            room.text(start - gap / 2 - 0.002, bottom + height / 2, sign, ha="center", va="center", fontsize=26)
        for i, component in enumerate("xyz"):
            for j, direction in enumerate("xyz"):
                place = (start + j * width / 3, bottom + (2 - i) * height / 3, width / 3.15, height / 3.15)
                ax = room.add_axes(place)
                field = plane[name].sel(component=component, direction=direction)
                mesh = ax.pcolormesh(plane.x, plane.y, field, cmap="RdBu_r", vmin=-limit, vmax=limit, shading="gouraud")
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set(color="0.7", linewidth=0.6)
                label = rf"${symbol}_{{{component}{direction}}}$"
                if symbol == "L":
                    label = rf"$\partial {_NAMES[i]}/\partial {direction}$"
                box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5}
                ax.text(0.06, 0.93, label, transform=ax.transAxes, va="top", fontsize=9.5, bbox=box)
    bar = room.colorbar(mesh, cax=room.add_axes((0.938, bottom, 0.012, height)))
    bar.set_label(r"s$^{-1}$", rotation=0, labelpad=8)
    bar.outline.set_visible(False)


def _draw_summary(room: Any, plane: xr.Dataset, demo: Demo, level: int) -> None:
    """Vorticity with the grid, Q, the error of L, and the error of one gradient over the accuracy."""
    from matplotlib.colors import LogNorm

    accuracy = demo.grid.axes[0].accuracy
    vorticity = plane.vorticity.sel(component="z")
    error = abs(plane.velocity_gradient - demo.exact.isel(z=level)).max(["component", "direction"])
    top = float(error.max())
    panels: tuple[tuple[str, xr.DataArray, dict[str, Any], str], ...] = (
        (r"vorticity $\omega_z$, with the grid", vorticity, _symmetric(vorticity, "PuOr_r"), r"s$^{-1}$"),
        (
            r"$Q = -\frac{1}{2}\,\mathrm{tr}\,L^2$",
            plane.q_criterion,
            _symmetric(plane.q_criterion, "BrBG_r"),
            r"s$^{-2}$",
        ),
        (
            f"largest error of $L$, accuracy {accuracy}",
            error.clip(min=top * 1e-3),
            {"cmap": "magma", "norm": LogNorm(top * 1e-3, top)},
            r"s$^{-1}$",
        ),
    )
    bottom, height, width, step = 0.15, 0.66, 0.192, 0.252
    for number, (title, field, style, unit) in enumerate(panels):
        ax = room.add_axes((0.055 + number * step, bottom, width, height))
        mesh = ax.pcolormesh(plane.x, plane.y, field, shading="nearest" if number == 2 else "gouraud", **style)
        ax.set_title(title, fontsize=11, pad=8)
        ax.set(xlim=(0, float(plane.x[-1])), ylim=(0, float(plane.y[-1])), xlabel="x (m)")
        ax.set_xticks([0, np.pi / 2, np.pi, 3 * np.pi / 2], ["0", r"$\pi/2$", r"$\pi$", r"$3\pi/2$"])
        ax.set_yticks([0, np.pi, 2 * np.pi], ["0", r"$\pi$", r"$2\pi$"])
        if number == 0:
            ax.set_ylabel("y (m)")
            ax.hlines(plane.y, 0, float(plane.x[-1]), color="black", linewidth=0.35, alpha=0.28)
            ax.vlines(plane.x, 0, float(plane.y[-1]), color="black", linewidth=0.35, alpha=0.28)
        bar = room.colorbar(mesh, cax=room.add_axes((0.055 + number * step + width + 0.007, bottom, 0.008, height)))
        bar.ax.set_title(unit, fontsize=9, pad=6)
        bar.ax.tick_params(labelsize=8.5)
        bar.outline.set_visible(False)
    _draw_orders(room.add_axes((0.845, bottom, 0.135, height)), demo)


def _draw_orders(ax: Any, demo: Demo) -> None:
    """Error of the gradient of u over the accuracy, with that of numpy.gradient beside it."""
    ours, numpy = demo.orders[:-1], demo.orders[-1]
    ax.semilogy(ACCURACIES, [order.error for order in ours], "o-", color="#0b5394", label="fieldgrad")
    ax.semilogy([2], [numpy.error], "s", color="#c0504d", label="numpy.gradient")
    for accuracy, order in zip(ACCURACIES, ours, strict=True):
        ax.annotate(
            f"{order.error:.0e}",
            (accuracy, order.error),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=9,
        )
    ax.set(xticks=ACCURACIES, xlabel="accuracy", xlim=(1.2, 9.6))
    ax.set_ylim(ours[-1].error / 10, numpy.error * 5000)
    ax.set_title(r"error of $\nabla u$", fontsize=11, pad=8)
    ax.grid(axis="y", color="0.9")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper right")


def _symmetric(field: xr.DataArray, cmap: str) -> dict[str, Any]:
    """Colours that are neutral at zero."""
    limit = float(abs(field).max())
    return {"cmap": cmap, "vmin": -limit, "vmax": limit}
