# SPDX-License-Identifier: BSD-3-Clause
"""The command line. It parses and prints; the work is done by the library.

Exit codes: 0 all is well; 1 an unexpected error; 2 the command is wrong; 3 the input cannot be read; 4 the
data are not understood (grid, components, quantity, parameter); 5 the output cannot be written; 130
interrupted; 143 ended by SIGTERM.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
import shlex
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldgrad.bars import silent
from fieldgrad.parameters import PARAMETERS

if TYPE_CHECKING:
    from rich.console import Console

    from fieldgrad.files import Reading
    from fieldgrad.grid import Grid
    from fieldgrad.least_squares import LeastSquares
    from fieldgrad.streaming import Order

UNEXPECTED, USAGE, UNREADABLE, NOT_UNDERSTOOD, NOT_WRITTEN, INTERRUPTED = 1, 2, 3, 4, 5, 130

# What `fieldgrad warmup` compiles: these operators, for data of these dimensions and types.
KINDS = ((3, "float64"), (3, "float32"), (2, "float64"), (2, "float32"))
USUAL: dict[str, Callable[[Any, Any, Any], object]] = {
    "gradient": lambda fg, ds, grid: fg.gradient(ds.u, grid=grid),
    "laplacian": lambda fg, ds, grid: fg.laplacian(ds.u, grid=grid),
    "velocity_gradient": lambda fg, ds, grid: fg.velocity_gradient(ds, grid=grid),
    "divergence": lambda fg, ds, grid: fg.divergence(ds, grid=grid),
    "decompose": lambda fg, ds, grid: fg.decompose(ds, grid=grid),
    "curl": lambda fg, ds, grid: fg.curl(ds, grid=grid),
    "q_criterion": lambda fg, ds, grid: fg.derive(ds, "q_criterion", grid=grid),
}

# What the library says of its arguments, and how they are given here.
_IN_SHELL = (
    (re.compile(r"(?:grid=)?(?:fg\.)?infer_grid\(obj, ((?:axes|spacing)=\{[^}]*\})\)"), r"\1"),
    (re.compile(r"\b(axes|spacing|periodic)=\{([^}]*)\}"), lambda m: f"--{m[1]} {_pairs_in_shell(m[2])}"),
    (re.compile(r"\bcomponents=\(([^)]*)\)"), lambda m: f"--components {_pairs_in_shell(m[1])}"),
    (re.compile(r"\b(axes|spacing|periodic|components|accuracy)=(?= |$|,)"), r"--\1"),
    (re.compile(r"\bmissing='(\w+)'"), r"--missing \1"),
    (re.compile(rf"\b({'|'.join(PARAMETERS)})=(?= |$|,)"), r"--parameter \1=..."),
    (re.compile(r", obj\.assign_coords\(\{[^}]*\}\)"), " in the file"),
    (re.compile(r" \((?:obj|ds|fg)\.\w+(?:\([^()]*\))?\)"), ""),
    (re.compile(r"\bfg\.quantities\(\)"), "fieldgrad quantities"),
    (re.compile(r", fg\.collocate\(obj\)"), " (fg.collocate, in Python)"),
    (re.compile(r"\b(overwrite|resume)=True\b"), r"--\1"),
    (re.compile(r"^scheduler: "), "--scheduler: "),
    (re.compile(r"\ba number or a DataArray\b"), "a number or the name of a variable"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; by default those of the process.

    Returns
    -------
    int
        Exit code, see the head of this module.
    """
    try:
        import rich
        import typer

        del rich
    except ModuleNotFoundError as error:
        print(f"fieldgrad: {error.name} is not installed: pip install 'fieldgrad[cli]'", file=sys.stderr)
        return UNEXPECTED
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    with _quiet(), _ended_by_sigterm(), silent():
        try:
            command = typer.main.get_command(_app(args))
            code = command.main(args, prog_name="fieldgrad", standalone_mode=False)
            if code == INTERRUPTED:  # newer versions of typer make this of Ctrl-C, older ones an Abort
                return _failed("interrupted", INTERRUPTED)
            return code if isinstance(code, int) else 0
        except (KeyboardInterrupt, typer.Abort):
            return _failed("interrupted", INTERRUPTED)
        except Exception as error:
            return _report(error, debug="--debug" in args)


def _report(error: Exception, *, debug: bool) -> int:
    """One line for an error, or with --debug all of it, and its exit code."""
    from fieldgrad import files, streaming

    if debug:
        traceback.print_exception(error)
    if hasattr(error, "format_message"):  # a usage error, of typer's own click or of the package of that name
        return _failed(f"{error.format_message()} (see fieldgrad --help)", USAGE)
    for kind, code in (
        (streaming.SchedulerProblem, USAGE),
        (files.InputProblem, UNREADABLE),
        (files.DataProblem, NOT_UNDERSTOOD),
        (files.OutputProblem, NOT_WRITTEN),
    ):
        if isinstance(error, kind):
            return _failed(in_shell(files.reason(error)), code)
    if isinstance(error, MemoryError):
        return _failed("there is not enough memory for this", UNEXPECTED)
    hint = "" if debug else " (run it with --debug for the whole story)"
    return _failed(f"unexpected {type(error).__name__}: {files.reason(error)}{hint}", UNEXPECTED)


def _failed(text: str, code: int) -> int:
    print(f"fieldgrad: error: {' '.join(text.split())}", file=sys.stderr, flush=True)
    return code


def in_shell(text: str) -> str:
    """A message of the library in the words of the command line.

    Parameters
    ----------
    text : str
        The message, which names arguments of Python functions.

    Returns
    -------
    str
        The message, which names options.

    Examples
    --------
    >>> in_shell("pass the step, infer_grid(obj, spacing={'x': step})")
    'pass the step, --spacing x=step'
    """
    for pattern, words in _IN_SHELL:
        text = pattern.sub(words, text)
    return text


def _pairs_in_shell(text: str) -> str:
    plain = re.sub(r"['\"\s]", "", text).replace(":", "=")
    return plain.rstrip(",").replace("=None", "=none")


# How fieldgrad's warning of processors without fused multiply-add begins.
_OF_PROCESSOR = "this processor has no fused"


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of what libraries warn of reaches the terminal; fieldgrad's own notes take one line each."""

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        # libraries set filters of their own when they are imported
        if issubclass(category, FileNote) or str(message).startswith(_OF_PROCESSOR):
            print(f"fieldgrad: note: {in_shell(str(message))}", file=sys.stderr, flush=True)

    from fieldgrad.files import FileNote

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=FileNote)
        warnings.filterwarnings("always", message=_OF_PROCESSOR)
        warnings.showwarning = show
        yield


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """A batch system that ends the process leaves no half-written output behind."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _app(args: Sequence[str]) -> Any:
    """The commands and their options."""
    import typer

    app = typer.Typer(
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Gradients, velocity-gradient tensors and what follows from them.",
        epilog="Exit codes: 0 fine, 1 unexpected error, 2 wrong command, 3 input cannot be read, "
        "4 data not understood, 5 output cannot be written, 130 interrupted.",
    )
    file = typer.Argument(..., metavar="FILE", help="NetCDF file or Zarr group, told by its content.")
    axes = typer.Option(None, metavar="x=DIM,...", help="Dimension of a direction; x=none where there is none.")
    spacing = typer.Option(None, metavar="DIM=STEP,...", help="Spacing of a dimension without coordinate.")
    periodic = typer.Option(
        None, metavar="DIM[=PERIOD],...", help="Periodic dimensions, with the period where the file lacks it."
    )
    accuracy = typer.Option(2, metavar="2|4|6|8", help="Order of accuracy.")
    boundary = typer.Option(
        None,
        metavar="DIM[.FIELD]=END[:END],...",
        help="What is known at both ends, or below and above: VALUE[@POSITION], symmetric, antisymmetric, none.",
    )
    scheme = typer.Option(
        "finite_difference",
        metavar="finite_difference|least_squares[:POINTS]",
        help="How derivatives are taken; least_squares averages noise.",
    )
    components = typer.Option(None, metavar="U,V[,W]", help="Variables of the velocity, in x, y, z order.")
    geometry = typer.Option("auto", metavar="NAME", help="auto, cartesian, spherical, cylindrical or polar.")
    radius = typer.Option(None, metavar="METRES", help="Radius of the sphere.")
    shallow = typer.Option(False, "--shallow", help="Take the atmosphere as shallow.")
    debug = typer.Option(False, "--debug", help="Show the traceback of an error.")

    def show_version(wanted: bool) -> None:
        if wanted:
            from fieldgrad._version import __version__

            typer.echo(f"fieldgrad {__version__}")
            raise typer.Exit()

    version = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version and exit.")

    @app.callback()
    def _common(version: bool = version) -> None:
        pass

    size = typer.Option(64, min=32, max=256, help="Points along each direction; even.")
    order = typer.Option(4, "--accuracy", metavar="2|4|6|8", help="Order of accuracy of the fields.")
    folder = typer.Option(Path("."), "--output", metavar="DIR", help="Where the two files are written.")

    @app.command()
    def demo(size: int = size, accuracy: int = order, output: Path = folder, debug: bool = debug) -> None:
        """Compute, split, check and draw the velocity gradient of a flow that is known exactly."""
        _demo(size + size % 2, _checked_accuracy(accuracy), output)

    @app.command()
    def info(
        file: Path = file,
        axes: str | None = axes,
        spacing: str | None = spacing,
        periodic: str | None = periodic,
        accuracy: int = accuracy,
        boundary: str | None = boundary,
        scheme: str = scheme,
        components: str | None = components,
        geometry: str = geometry,
        radius: float | None = radius,
        shallow: bool = shallow,
        debug: bool = debug,
    ) -> None:
        """Show what is understood of a file: its grid, its velocity, its other variables."""
        _info(
            file, _reading(axes, spacing, periodic, accuracy, components, boundary, scheme, geometry, radius, shallow)
        )

    @app.command()
    def quantities() -> None:
        """List what can be derived."""
        from fieldgrad.quantities import quantities

        columns = ("name", "rank", "dim", "parameters", "definition")
        _table("Quantities", columns, quantities().rows())

    @app.command()
    def warmup(accuracy: int = accuracy, debug: bool = debug) -> None:
        """Compile the usual kernels once, so that first calls in later processes are quick."""
        _warmup(_checked_accuracy(accuracy))

    image = typer.Option(None, "--output", "-o", metavar="PNG", help="Draw the errors into this picture too.")

    @app.command()
    def verify(
        file: Path = file,
        output: Path | None = image,
        axes: str | None = axes,
        spacing: str | None = spacing,
        periodic: str | None = periodic,
        components: str | None = components,
        scheme: str = scheme,
        debug: bool = debug,
    ) -> None:
        """Show how well the grid of a file differentiates waves, by axis and accuracy."""
        _verify(file, _reading(axes, spacing, periodic, 2, components, None, scheme, "auto", None, False), output)

    target = typer.Option(..., "--output", "-o", metavar="OUT", help="Ends in .nc, .nc3, .cdf or .zarr.")
    names = typer.Option(..., "--quantities", "-q", metavar="NAME,...", help="See fieldgrad quantities.")
    given = typer.Option([], "--parameter", "-p", metavar="NAME=VALUE", help="A number or a variable; may be repeated.")
    mask = typer.Option(None, metavar="NAME", help="Variable that is true (or 1) where points are valid.")
    missing = typer.Option(
        "propagate", metavar="propagate|adapt|shrink", help="What stencils do beside missing points."
    )
    least = typer.Option(None, metavar="1|2|...", help="Least order of accuracy beside missing points.")
    replace = typer.Option(False, "--overwrite", help="Replace an existing output.")
    resume = typer.Option(False, "--resume", help="Go on where an earlier run of this command ended; Zarr only.")
    scheduler = typer.Option(
        "threads",
        metavar="threads|synchronous|ADDRESS",
        help="Who computes; tcp://HOST:PORT is a dask.distributed one.",
    )

    @app.command()
    def derive(
        file: Path = file,
        output: Path = target,
        quantities: str = names,
        components: str | None = components,
        axes: str | None = axes,
        spacing: str | None = spacing,
        periodic: str | None = periodic,
        accuracy: int = accuracy,
        boundary: str | None = boundary,
        scheme: str = scheme,
        geometry: str = geometry,
        radius: float | None = radius,
        shallow: bool = shallow,
        parameter: list[str] = given,
        mask: str | None = mask,
        missing: str = missing,
        least_accuracy: int | None = least,
        overwrite: bool = replace,
        resume: bool = resume,
        scheduler: str = scheduler,
        debug: bool = debug,
    ) -> None:
        """Derive quantities from the velocity in a file, into another file."""
        from fieldgrad.streaming import Order

        how = _reading(axes, spacing, periodic, accuracy, components, boundary, scheme, geometry, radius, shallow)
        if missing not in ("propagate", "adapt", "shrink"):
            raise _wrong("--missing", f"{missing!r} must be propagate, adapt or shrink")
        how = dataclasses.replace(how, mask=mask, missing=missing, least_accuracy=least_accuracy)
        order = Order(
            _names(quantities, "--quantities"),
            how,
            _parameters(parameter),
            overwrite=overwrite,
            resume=resume,
            scheduler=scheduler,
            command=shlex.join(["fieldgrad", *args]),
        )
        _derive(file, output, order)

    return app


def _wrong(option: str, text: str) -> Exception:
    import typer

    return typer.BadParameter(text, param_hint=option)


def _names(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise _wrong(option, f"{text!r} must be names with commas between")
    return names


def _pairs(text: str, option: str, *, bare: bool = False) -> dict[str, str | None]:
    """Names and values; `bare` names have none."""
    pairs: dict[str, str | None] = {}
    for item in _names(text, option):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not name or (equals and not value) or not (equals or bare):
            raise _wrong(option, f"{item!r} must be NAME=VALUE{' or NAME' if bare else ''}, with commas between")
        if name in pairs:
            raise _wrong(option, f"{name!r} is given twice")
        pairs[name] = value if equals else None
    return pairs


def _number(name: str, text: str | None, option: str) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise _wrong(option, f"{text!r} for {name} is no number") from None


def _checked_accuracy(accuracy: int) -> int:
    if accuracy not in (2, 4, 6, 8):
        raise _wrong("--accuracy", f"{accuracy} must be 2, 4, 6 or 8")
    return accuracy


def _reading(
    axes: str | None,
    spacing: str | None,
    periodic: str | None,
    accuracy: int,
    components: str | None,
    boundary: str | None,
    scheme: str,
    geometry: str,
    radius: float | None,
    shallow: bool,
) -> Reading:
    from fieldgrad.files import Reading
    from fieldgrad.geometries import GEOMETRIES
    from fieldgrad.systems import EARTH_RADIUS

    if geometry not in GEOMETRIES:
        raise _wrong("--geometry", f"{geometry!r} must be one of {', '.join(GEOMETRIES)}")

    dims = _pairs(axes, "--axes") if axes else {}
    steps = _pairs(spacing, "--spacing") if spacing else {}
    periods = _pairs(periodic, "--periodic", bare=True) if periodic else {}
    return Reading(
        axes={name: None if (dim or "").lower() == "none" else dim for name, dim in dims.items()},
        spacing={dim: _number(dim, step, "--spacing") for dim, step in steps.items()},
        periodic={
            dim: None if period is None else _number(dim, period, "--periodic") for dim, period in periods.items()
        },
        accuracy=_checked_accuracy(accuracy),
        components=tuple(_names(components, "--components")) if components else None,
        boundary=_boundary(boundary) if boundary else None,
        scheme=_scheme(scheme),
        geometry=geometry,
        radius=EARTH_RADIUS if radius is None else radius,
        shallow=shallow,
    )


def _boundary(text: str) -> dict[str, Any]:
    """What is known at the ends of dimensions, of all fields or of those that are named behind a point."""
    from fieldgrad.walls import Wall

    known: dict[str, Any] = {}
    for key, value in _pairs(text, "--boundary").items():
        ends: list[Wall | None] = []
        for end in (value or "").split(":"):
            what, _, where = (part.strip() for part in end.partition("@"))
            if what == "none":
                ends.append(None)
                continue
            number = what if what in ("symmetric", "antisymmetric") else _number(key, what, "--boundary")
            at = (where or None) if where in ("", "node") else _number(key, where, "--boundary")
            try:
                ends.append(Wall(number, at))
            except ValueError as error:
                raise _wrong("--boundary", str(error).removeprefix("boundary: ")) from None
        if len(ends) > 2:
            raise _wrong("--boundary", f"{value!r} for {key} has more than two ends")
        dim, point, field = key.partition(".")
        pair = tuple(ends) if len(ends) > 1 else ends[0]
        if bool(point) != isinstance(known.get(dim, {} if point else None), dict):
            raise _wrong("--boundary", f"{dim!r} is given for all fields and for one; say of which fields each is")
        if point:
            known.setdefault(dim, {})[field] = pair
        else:
            known[dim] = pair
    return known


def _scheme(text: str) -> str | LeastSquares:
    from fieldgrad.least_squares import LeastSquares

    name, colon, points = text.partition(":")
    if name not in ("finite_difference", "least_squares") or (colon and name != "least_squares"):
        raise _wrong("--scheme", f"{text!r} must be finite_difference, least_squares or least_squares:POINTS")
    if not colon:
        return name
    try:
        return LeastSquares(int(points))
    except ValueError:
        raise _wrong("--scheme", f"{points!r} must be an odd number of points, at least 3") from None


def _console(*, error: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=error, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(stderr=error, highlight=False, width=120)
    return console


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if column in right else "left", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console().print(Text(title, style="bold"), table, sep="\n")


def _say(text: str) -> None:
    _console().print(text, markup=False, soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal, and nothing elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = _console(error=True)
    if not console.is_terminal:
        yield lambda done, total, what: None
        return
    look = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*look, console=console, transient=True) as bar:
        task = bar.add_task("opening", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def _grid_table(grid: Grid) -> None:
    rows = []
    for axis in grid.axes + grid.others:
        low, high = axis.spacing
        spacing = f"{high:.4g}" if axis.uniform or low == high else f"{low:.4g} to {high:.4g}"
        stretching = "1" if axis.uniform else f"{axis.stretching:.4g}"
        period = "no" if axis.period is None else f"{axis.period:.6g}"
        units, accuracy = axis.units or "-", str(axis.accuracy)
        rows.append((axis.name, axis.dim, str(len(axis)), spacing, stretching, period, units, accuracy))
    columns = ("axis", "dim", "points", "spacing", "stretching", "periodic", "units", "accuracy")
    _table(f"Grid: {grid.described}, {len(grid.axes)}-D", columns, rows, ("points", "stretching", "accuracy"))
    for note in grid.notes:
        _say(note)
    for axis in grid.axes + grid.others:
        if axis.particulars:
            _say(f"{axis.dim}: {'; '.join(axis.particulars)}.")


def _info(path: Path, how: Reading) -> None:
    from fieldgrad import files
    from fieldgrad.infer import require_lengths

    with files.reading(path) as ds:
        title = " ".join(str(ds.attrs.get("title", "")).split())
        _say(f"{path}: {files.input_format(path)}{', ' * bool(title)}{title}")
        rows = []
        for name, array in ds.data_vars.items():
            dims = ", ".join(f"{dim} {size}" for dim, size in array.sizes.items())
            words = str(array.attrs.get("long_name", array.attrs.get("standard_name", "")))
            rows.append((str(name), dims, str(array.dtype), str(array.attrs.get("units", "-")), words))
        if not rows:
            raise files.DataProblem(f"{path}: has no variables")
        _table("Variables", ("variable", "dimensions", "type", "units", "what it is"), rows)
        grid = how.grid(ds)
        _grid_table(grid)
        try:
            velocity = how.velocity(ds, grid)
        except files.DataProblem as problem:
            if how.components:
                raise
            _say(f"Velocity: none. {in_shell(files.reason(problem))}")
        else:
            found = zip(velocity.labels, velocity.fields, strict=True)
            _say("Velocity: " + ", ".join(f"{field.name} along {label}" for label, field in found))
        try:
            require_lengths(grid)
        except ValueError as error:
            _say(f"derive refuses this grid. {in_shell(files.reason(error))}")


def _verify(path: Path, how: Reading, picture: Path | None) -> None:
    from fieldgrad import files
    from fieldgrad.verification import verify

    with files.reading(path) as ds:
        grid = how.grid(ds)
    with _console(error=True).status("differentiating waves ..."):
        worth = verify(grid)
    _grid_table(grid)
    lengths = [f"{length:g}" for length in worth.points_per_wave.values]
    rows = []
    for name in worth.axis.values:
        for accuracy in worth.accuracy.values:
            here = worth.sel(axis=name, accuracy=accuracy)
            errors = ["-" if error != error else f"{error:.1e}" for error in here.rms_error.values.tolist()]
            order = float(here.order)
            rows.append((str(name), str(accuracy), *errors, "-" if order != order else f"{order:.2f}"))
    columns = ("axis", "accuracy", *lengths, "order")
    _table("Error of the derivative of waves of so many points, in units of its amplitude", columns, rows, columns[1:])
    _say("order: fitted to waves of 16 points and more; -: too few points for this accuracy or this wave")
    if picture is not None:
        from matplotlib.figure import Figure

        from fieldgrad import plot

        # pyplot would look for a screen
        figure = Figure(figsize=(4 * len(worth.axis), 3.8), layout="constrained")
        plot.order_of_accuracy(worth, figure)
        with files.replacing(picture, overwrite=True) as part, files.writing(picture):
            figure.savefig(part, format="png", dpi=150)
        _say(f"written: {picture}")


def _parameters(given: Sequence[str]) -> dict[str, float | str]:
    """Numbers, and names of variables."""
    parameters: dict[str, float | str] = {}
    for item in given:
        for name, value in _pairs(item, "--parameter").items():
            if name in parameters:
                raise _wrong("--parameter", f"{name!r} is given twice")
            try:
                parameters[name] = float(value or "")
            except ValueError:
                parameters[name] = value or ""
    return parameters


def _derive(source: Path, target: Path, order: Order) -> None:
    from fieldgrad import files
    from fieldgrad.streaming import derive_file

    if target.suffix.lower() in files.VTK_SUFFIXES:
        return _derive_to_vtk(source, target, order)
    with _progress() as show:
        done = derive_file(source, target, order, show)
    for name, shape in done.shapes.items():
        _say(f"{name}: {shape}")
    pieces = f", in {done.pieces} pieces" if done.pieces > 1 else ""
    _say(f"written: {target} in {done.seconds:.1f} s{pieces}")


def _derive_to_vtk(source: Path, target: Path, order: Order) -> None:
    """Derive in memory, and write a VTK grid with the velocity beside the results."""
    from fieldgrad import files, labelled, vtk

    began = time.perf_counter()
    if order.resume:
        raise _wrong("--resume", "runs into VTK files are made in one piece and cannot go on")
    with files.reading(source) as ds:
        grid = order.how.grid(ds)
        velocity = order.how.velocity(ds, grid)
        with files.understood():
            derived = labelled.derive(
                ds, order.quantities, grid=grid, components=order.how.components, **order.parameters
            )
            fields = {
                str(field.name or name): field for name, field in zip(velocity.labels, velocity.fields, strict=True)
            }
            mesh = vtk.to_vtk(derived.assign(fields), grid=grid, structured=target.suffix.lower() == vtk.STRUCTURED)
    with files.replacing(target, overwrite=order.overwrite, inputs=[source]) as part, files.writing(target):
        mesh.save(part)
    _say(f"written: {target} in {time.perf_counter() - began:.1f} s")


def _demo(size: int, accuracy: int, folder: Path) -> None:
    from fieldgrad import demo

    began = time.perf_counter()
    with _console(error=True).status("starting") as status:
        result = demo.compute(size, accuracy, lambda text: status.update(f"{text} ..."))
        status.update("drawing ...")
        table, picture = demo.write(result, folder)
    _say("Initial Taylor-Green flow, whose velocity gradient L_ij = du_i/dx_j is known exactly.\n")
    _grid_table(result.grid)
    rows = []
    for one in result.checks:
        times = f"{1e3 * one.first:.0f} ms", f"{1e3 * one.later:.1f} ms"
        rows.append((one.name, f"{one.largest:.3g}", f"{one.error:.1e}", *times, one.how))
    columns = ("quantity", "largest", "error", "first call", "later calls", "by")
    right = ("largest", "error", "first call", "later calls", "order")
    _table(f"Computed at accuracy {accuracy}, beside the exact fields", columns, rows, right)
    more = [(o.label, f"{o.error:.1e}", f"{o.order:.2f}", f"{1e3 * o.later:.1f} ms") for o in result.orders]
    _table(
        "Gradient of u, the first row of L, at each accuracy",
        ("method", "error", "order", "later calls"),
        more,
        right,
    )
    _say("error: the largest, in units of the largest exact value (of |L| for the divergence, which is zero)")
    _say("order: log2 of the error on every second point over the error on all of them")
    _say("first call: it loads the compiled kernel, or compiles it where none is stored yet\n")
    best, worst = min(o.error for o in result.orders), max(o.error for o in result.orders)
    _say(f"Seen: L = D + W to {result.residual:.0e}. The error falls with the spacing, at the order asked for,")
    _say(f"and from {worst:.0e} at accuracy 2 to {best:.0e} at accuracy 8.")
    _say(f"Written in {time.perf_counter() - began:.0f} s: {table} (fields), {picture} (picture).")
    _say(f"Next: fieldgrad info {shlex.quote(str(table))}")


def _warmup(accuracy: int) -> None:
    import numpy as np
    import xarray as xr

    import fieldgrad as fg
    from fieldgrad.kernels import engine

    began = time.perf_counter()
    jobs = list(itertools.product(KINDS, USUAL))
    with _progress() as show:
        for number, ((n, dtype), name) in enumerate(jobs):
            show(number, len(jobs), f"{name}, {n}-D, {dtype}")
            dims = ("z", "y", "x")[-n:]
            fields = dict.fromkeys(("u", "v", "w")[:n], (dims, np.zeros((24,) * n, dtype)))
            ds = xr.Dataset(fields, {dim: np.arange(24.0) for dim in dims})
            USUAL[name](fg, ds, fg.infer_grid(ds, accuracy=accuracy))
    stats = engine.sweep.stats
    compiled, loaded = (sum(counts.values()) for counts in (stats.cache_misses, stats.cache_hits))
    _say(f"{compiled} kernels compiled and {loaded} found, in {time.perf_counter() - began:.0f} s")
    _say(f"cache: {stats.cache_path or 'none, so each process compiles anew; set NUMBA_CACHE_DIR'}")


if __name__ == "__main__":
    sys.exit(main())
