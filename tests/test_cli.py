# SPDX-License-Identifier: BSD-3-Clause
"""The command line: what it prints, what it writes, and with which code it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import cli, files, streaming

# L = 2 pi over 256 points
STEP = "0.02454369260617026"
HIT = (
    "--axes=x=resolution_x,y=resolution_y",
    f"--spacing=resolution_x={STEP},resolution_y={STEP}",
    "--periodic=x,y",
)


class Ran:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture(name="run")
def _run(capsys: Any, tmp_path: Path, monkeypatch: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*args: str | Path) -> Ran:
        code = cli.main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


@pytest.fixture(name="plane")
def _plane(tmp_path: Path) -> Path:
    x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ds = fg.flows.taylor_green_2d(x, np.linspace(0, 1, 11) ** 1.3, t=[0.0, 0.5]).dataset
    ds["nu"] = ("time", [0.1, 0.2])
    del ds.y.attrs["period"]
    ds.to_netcdf(tmp_path / "flow.nc", engine="netcdf4")
    return tmp_path / "flow.nc"


def one_line(text: str) -> str:
    """Return the message, after checking that it is one line and no traceback."""
    assert text.startswith("fieldgrad: error: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


def loaded(path: Path) -> xr.Dataset:
    with files.reading(path) as ds:
        return ds.load()


def test_version_help_and_no_arguments(run: Any) -> None:
    assert run("--version").out == f"fieldgrad {fg.__version__}\n"
    for args in ((), ("--help",), ("-h",)):
        ran = run(*args)
        assert (ran.code, ran.err) == (0, "")
        for command in ("demo", "info", "quantities", "derive", "warmup"):
            assert command in ran.out
    assert "--overwrite" in run("derive", "--help").out


def test_quantities_lists_the_registry(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "240")  # so wide that no definition takes two lines
    ran = run("quantities")
    assert ran.code == 0
    for name, record in fg.quantities().items():
        assert re.search(rf"\b{name}\b.*{re.escape(record.definition)}", ran.out)


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('no typer', name='typer')")
    done = subprocess.run(
        [sys.executable, "-m", "fieldgrad.cli", "info"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "fieldgrad: typer is not installed: pip install 'fieldgrad[cli]'\n"


def test_info_on_a_dns(run: Any, data_dir: Path) -> None:
    ran = run("info", data_dir / "taylor-green" / "tgv_re400_96.nc", "--periodic", "x,y,z", "--accuracy", "4")
    assert (ran.code, ran.err) == (0, "")
    assert "NetCDF 4" in ran.out
    assert re.search(r"x +x +96 +0\.06545 +1 +6\.28319 +- +4", ran.out)
    assert "Velocity: u along x, v along y, w along z" in ran.out


def test_derive_on_a_sphere(run: Any, tmp_path: Path) -> None:
    lat, lon = np.linspace(-90.0, 90.0, 9), np.arange(12) * 30.0
    wind = np.random.default_rng(5).normal(size=(2, 9, 12))
    ds = xr.Dataset(
        {name: (("lat", "lon"), values) for name, values in zip("uv", wind, strict=True)},
        {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
    )
    ds.to_netcdf(tmp_path / "globe.nc")
    ds.drop_attrs().to_netcdf(tmp_path / "silent.nc")
    shown = run("info", "globe.nc").out
    assert "Grid: spherical (inferred: latitude and longitude in degrees), radius 6.3712e+06, 2-D" in shown
    assert "'lon' is periodic: 360 (inferred: 330 is followed by 0)" in shown
    ran = run("derive", "globe.nc", "-o", "out.nc", "-q", "vorticity,divergence")
    assert ran.code == 0, ran.err
    expected = fg.derive(ds, ["vorticity", "divergence"])
    for name, field in loaded(tmp_path / "out.nc").items():
        np.testing.assert_array_equal(field.values, expected[name].values)
        assert "spherical" in field.attrs["fieldgrad_geometry"]
    refused = run("derive", "silent.nc", "-o", "no.nc", "-q", "vorticity,divergence")
    assert refused.code == 4
    assert "'lon' is a longitude" in one_line(refused.err)
    how = ("--geometry", "spherical", "--radius", "3185600")
    ran = run("derive", "silent.nc", "-o", "half.zarr", "-q", "vorticity,divergence", *how)
    assert ran.code == 0, ran.err
    np.testing.assert_allclose(
        loaded(tmp_path / "half.zarr").vorticity.values, 2 * expected.vorticity.values, rtol=1e-12
    )
    wrong = run("info", "globe.nc", "--geometry", "oblate")
    assert wrong.code == 2
    assert "'oblate' must be one of auto, cartesian, spherical" in wrong.err


def test_derive_on_a_dns(run: Any, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "taylor-green" / "tgv_re400_96.nc"
    args = ["derive", source, "-o", "out.nc", "--quantities", "dissipation", "--periodic", "x,y,z"]
    ran = run(*args, "--parameter", "viscosity=0.0025")
    assert (ran.code, ran.err) == (0, "")
    assert "written: out.nc" in ran.out
    result = loaded(tmp_path / "out.nc")
    assert result.dissipation.dtype == np.float32
    assert float(result.dissipation.mean(dtype=np.float64)) / result.attrs["dissipation"] == pytest.approx(
        0.89844, abs=1e-5
    )
    assert "fieldgrad derive" in result.attrs["history"]
    assert "--parameter viscosity=0.0025" in result.attrs["history"]


def test_a_slice_without_coordinates(run: Any, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "hit-slice" / "hit_slice_256.nc"
    for command in (["info"], ["derive", "-o", "out.nc", "-q", "vorticity"]):
        ran = run(*command, source)
        assert ran.code == 4
        message = one_line(ran.err)
        assert "--spacing resolution_x=step,resolution_y=step" in message
        assert "infer_grid" not in message
        assert "obj." not in message
    assert os.listdir(tmp_path) == []
    ran = run("info", source, *HIT)
    assert ran.code == 0
    assert "velocity_x along x, velocity_y along y, velocity_z along z" in ran.out
    ran = run("derive", source, "-o", "out.nc", "-q", "vorticity", *HIT, "--accuracy", "6")
    assert (ran.code, ran.err) == (0, "")
    w = loaded(tmp_path / "out.nc").vorticity.astype("f8")
    assert float(np.sqrt((w**2).mean())) == pytest.approx(7.8916, rel=1e-3)


def test_walls_and_least_squares(run: Any, plane: Path, tmp_path: Path) -> None:
    how = ("--boundary", "y.u=1@-0.1:symmetric@node, y.v=none:0", "--scheme", "least_squares:5", "--periodic=x")
    ran = run("info", plane, *how)
    assert ran.code == 0
    assert "y: u 1 at -0.1 below, symmetric at node above; v nothing known below, 0 above; least squares" in ran.out
    ran = run("derive", plane, "-o", "out.nc", "-q", "vorticity", *how)
    assert (ran.code, ran.err) == (0, "")
    ds = loaded(plane)
    known = {"u": (fg.Wall(1.0, at=-0.1), fg.Wall("symmetric", at="node")), "v": (None, 0.0)}
    grid = fg.infer_grid(ds[["u", "v"]], boundary={"y": known}, scheme=fg.LeastSquares(5), periodic="x")
    np.testing.assert_array_equal(
        loaded(tmp_path / "out.nc").vorticity, fg.derive(ds, "vorticity", grid=grid).vorticity
    )


def test_staggered_files_are_refused_with_the_way_out(run: Any, tmp_path: Path) -> None:
    edges, centres = np.arange(4.0), np.arange(3.0) + 0.5
    coords = {"x": centres, "y": centres, "x_f": edges, "y_f": edges}
    flow = {"u": (("y", "x_f"), np.ones((3, 4))), "v": (("y_f", "x"), np.ones((4, 3)))}
    xr.Dataset(flow, coords).to_netcdf("mac.nc", engine="netcdf4")
    ran = run("derive", "mac.nc", "-o", "out.nc", "-q", "vorticity")
    assert ran.code == 4
    assert "staggered grid; bring them to the centres of its cells first (fg.collocate, in Python)" in one_line(ran.err)


def test_a_climate_file_is_refused_with_the_way_out(run: Any, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "climate" / "uvt.nc"
    ran = run("info", source)
    assert ran.code == 0
    assert "Grid: spherical (inferred: latitude and longitude in degrees)" in ran.out
    assert "derive refuses this grid" in ran.out
    ran = run("derive", source, "-o", "out.nc", "-q", "vorticity")
    assert ran.code == 4
    message = one_line(ran.err)
    assert "'lev' is a pressure coordinate (hPa), which is no length" in message
    assert "or take the horizontal part (--axes z=none)" in message
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_horizontal_part_of_a_climate_file(run: Any, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "climate" / "uvt.nc"
    ran = run("derive", source, "-o", "out.nc", "-q", "vorticity", "--axes", "z=none")
    assert (ran.code, ran.err) == (0, "")
    ds = loaded(source)
    expected = fg.curl(ds, grid=fg.infer_grid(ds, axes={"z": None}))
    np.testing.assert_array_equal(loaded(tmp_path / "out.nc").vorticity.values, expected.values)


def test_info_without_velocity(run: Any, tmp_path: Path) -> None:
    x = xr.DataArray(np.arange(5.0), dims="x", attrs={"units": "m"})
    xr.Dataset({"T": x**2}, {"x": x}).to_netcdf("scalar.nc", engine="netcdf4")
    ran = run("info", "scalar.nc")
    assert (ran.code, ran.err) == (0, "")
    assert "Velocity: none." in ran.out
    ran = run("info", "scalar.nc", "--components", "T,S")
    assert ran.code == 4
    assert "'S' is no variable" in one_line(ran.err)
    xr.Dataset().to_netcdf("nothing.nc", engine="netcdf4")
    ran = run("info", "nothing.nc")
    assert ran.code == 4
    assert "has no variables" in one_line(ran.err)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"", "is empty"), (b"x y\n1 2\n", "neither NetCDF nor")],
)
def test_unreadable_input(content: bytes | None, message: str, run: Any, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "in.nc").write_bytes(content)
    for command in (["info"], ["derive", "-o", "out.nc", "-q", "vorticity"]):
        ran = run(*command, "in.nc")
        assert ran.code == 3
        assert message in one_line(ran.err)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["-q", "vorticty"], 4, "'vorticty' is not known; there are velocity_gradient"),
        (["-q", "dissipation"], 4, "pass --parameter viscosity=..."),
        (["-q", "dissipation", "-p", "viscosity=mu"], 4, "'mu' is neither a number nor a variable"),
        (["-q", "vorticity", "--components", "u"], 4, "name them all with --components"),
        (["-q", "vorticity", "--components", "u,q"], 4, "'q' is no variable"),
        (["-q", "vorticity", "--axes", "x=lon"], 4, "'lon' (for x) is no dimension"),
        (["-q", "vorticity", "--periodic", "y"], 4, "pass it, --periodic y=period"),
        (["-q", "vorticity,"], 2, "names with commas between"),
        (["-q", "vorticity", "--axes", "lon"], 2, "NAME=VALUE"),
        (["-q", "vorticity", "--periodic", "x=long"], 2, "'long' for x is no number"),
        (["-q", "vorticity", "--spacing", "x=1,x=2"], 2, "'x' is given twice"),
        (["-q", "vorticity", "--accuracy", "3"], 2, "must be 2, 4, 6 or 8"),
        (["-q", "vorticity", "--boundary", "y"], 2, "NAME=VALUE"),
        (["-q", "vorticity", "--boundary", "y=even"], 2, "'even' for y is no number"),
        (["-q", "vorticity", "--boundary", "y=0:0:0"], 2, "'0:0:0' for y has more than two ends"),
        (["-q", "vorticity", "--boundary", "y=0@node"], 2, "the value 0 is said to be known at a node"),
        (["-q", "vorticity", "--boundary", "y=0,y.u=1"], 2, "'y' is given for all fields and for one"),
        (["-q", "vorticity", "--boundary", "y.q=1"], 4, "'q' (for dimension 'y') is no field"),
        (["-q", "vorticity", "--boundary", "q=1"], 4, "'q' is no dimension or direction"),
        (["-q", "vorticity", "--scheme", "upwind"], 2, "'upwind' must be finite_difference, least_squares or"),
        (["-q", "vorticity", "--scheme", "least_squares:4"], 2, "'4' must be an odd number of points"),
        (["-q", "vorticity", "-p", "viscosity"], 2, "NAME=VALUE"),
        (["-q", "vorticity", "-p", "viscosity=1", "-p", "viscosity=2"], 2, "'viscosity' is given twice"),
        (["-q", "vorticity", "--no-such-option"], 2, "--no-such-option"),
        (["-q", "vorticity", "--scheduler", "many"], 2, "--scheduler: 'many' is not known; it must be threads"),
        (["-q", "vorticity", "--resume"], 5, "for --resume write to a name in .zarr"),
        ([], 2, "--quantities"),
    ],
)
def test_wrong_requests(args: list[str], code: int, message: str, run: Any, plane: Path) -> None:
    ran = run("derive", plane, "-o", "out.nc", *args)
    assert ran.code == code
    assert message in one_line(ran.err)
    assert os.listdir(plane.parent) == ["flow.nc"]


def test_outputs_that_are_refused(run: Any, plane: Path) -> None:
    for out, message in (
        ("flow.nc", "is the input"),
        ("none/out.nc", "is no directory"),
        ("out.txt", "must end in .nc"),
    ):
        ran = run("derive", plane, "-o", out, "-q", "vorticity", "--overwrite")
        assert ran.code == 5
        assert message in one_line(ran.err)


def test_overwrite(run: Any, plane: Path) -> None:
    args = ["derive", plane, "-o", "out.zarr", "-q", "vorticity"]
    assert run(*args).code == 0
    ran = run(*args)
    assert ran.code == 5
    assert "replace it with --overwrite" in one_line(ran.err)
    assert run(*args, "--overwrite").code == 0
    assert sorted(os.listdir(plane.parent)) == ["flow.nc", "out.zarr"]


def test_history_grows_and_parameters_may_be_variables(run: Any, plane: Path) -> None:
    common = ["-q", "vorticity,dissipation", "--periodic", "x=6.283185307179586", "--components", "u,v"]
    assert run("derive", plane, "-o", "a b.nc", *common, "-p", "viscosity=nu").code == 0
    result = loaded(plane.parent / "a b.nc")
    assert "fieldgrad derive" in result.history
    assert "'a b.nc'" in result.history
    ds = loaded(plane)
    grid = fg.infer_grid(ds, periodic={"x": 2 * np.pi})
    expected = fg.derive(ds, ["vorticity", "dissipation"], grid=grid, viscosity="nu")
    np.testing.assert_array_equal(result.dissipation, expected.dissipation)


@pytest.mark.slow
@pytest.mark.parametrize("out", ["out.nc", "out.nc3", "out.zarr"])
def test_quantities_of_every_rank_and_their_parameters(out: str, run: Any, plane: Path) -> None:
    """Numbers and variables; a dynamic viscosity, or the two that it follows from."""
    ds = loaded(plane)
    ds["rho"] = ("y", np.linspace(1.0, 2.0, 11))
    ds.to_netcdf("more.nc", engine="netcdf4")
    names = "principal_strain_rates,principal_directions,viscous_stress,residual_vorticity,vorticity"
    for options, parameters in (
        (["-p", "dynamic_viscosity=0.5"], {"dynamic_viscosity": 0.5}),
        (["-p", "viscosity=nu", "-p", "density=rho"], {"viscosity": "nu", "density": "rho"}),
        (["-p", "viscosity=nu,density=1e3"], {"viscosity": "nu", "density": 1e3}),
    ):
        ran = run("derive", "more.nc", "-o", out, "--overwrite", "-q", names, *options)
        assert (ran.code, ran.err) == (0, "")
        assert "principal_directions: principal 2 x component 2 x time 2 x y 11 x x 12\n" in ran.out
        result, expected = (
            loaded(plane.parent / out),
            fg.derive(loaded(Path("more.nc")), names.split(","), **parameters),
        )
        assert result.principal.values.tolist() == [1, 2]
        for name, field in expected.items():
            assert result[name].dims == field.dims
            np.testing.assert_array_equal(result[name], field, err_msg=str(name))
            assert result[name].attrs == field.attrs


@pytest.mark.parametrize(
    ("quantity", "options", "message"),
    [
        ("dissipation", ["-p", "nu=0.1"], "nu: no quantity of 'dissipation' takes this parameter; they take "
         "'viscosity', 'dynamic_viscosity', 'density'"),
        ("viscous_stress", ["-p", "mu=0.1", "-p", "dynamic_viscosity=1"], "mu: no quantity of 'viscous_stress' takes "
         "this parameter; they take 'dynamic_viscosity', 'viscosity', 'density'"),
        ("vorticity", ["-p", "viscosity=0.1"], "viscosity: no quantity of 'vorticity' takes this parameter; they take "
         "none"),
        ("viscous_stress", [], "dynamic_viscosity: missing, but 'viscous_stress' needs it; pass "
         "--parameter dynamic_viscosity=..., or --parameter viscosity=... and --parameter density=..."),
        ("omega_method", [], "epsilon: missing, but 'omega_method' needs it; pass --parameter epsilon=..."),
        ("viscous_stress", ["-p", "viscosity=1"], "(viscosity alone does not do)"),
        ("dissipation", ["-p", "viscosity=1", "-p", "dynamic_viscosity=1", "-p", "density=2"],
         "viscosity: given as 1.0, which disagrees with dynamic_viscosity / density = 0.5"),
        ("rortex", [], "'rortex' is defined in 3-D flows; this one has 2 directions (x, y)"),
        ("dissipation", ["-p", "viscosity=season"], "viscosity: "),
    ],
)  # fmt: skip
def test_wrong_quantities_and_parameters(
    quantity: str, options: list[str], message: str, run: Any, plane: Path
) -> None:
    ds = loaded(plane).assign(season=("time", ["a", "b"]))
    ds.to_netcdf("words.nc", engine="netcdf4")
    ran = run("derive", "words.nc", "-o", "out.nc", "-q", quantity, *options)
    assert ran.code == 4
    assert message in one_line(ran.err)
    assert sorted(os.listdir(plane.parent)) == ["flow.nc", "words.nc"]


def test_unexpected_errors_take_one_line_and_debug_shows_all(run: Any, plane: Path, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("lost\nthe thread")

    monkeypatch.setattr(cli, "_info", broken)
    ran = run("info", plane)
    assert ran.code == 1
    assert "unexpected RuntimeError: lost the thread (run it with --debug" in one_line(ran.err)
    ran = run("info", plane, "--debug")
    assert ran.code == 1
    assert "Traceback" in ran.err


def test_interrupt(run: Any, plane: Path, monkeypatch: Any) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(streaming.labelled, "derive", stop)
    ran = run("derive", plane, "-o", "out.nc", "-q", "vorticity")
    assert ran.code == 130
    assert one_line(ran.err) == "fieldgrad: error: interrupted\n"
    assert os.listdir(plane.parent) == ["flow.nc"]
    monkeypatch.setattr(cli, "_app", stop)  # before typer is there to see it
    ran = run("info", plane)
    assert ran.code == 130
    assert one_line(ran.err) == "fieldgrad: error: interrupted\n"


def test_too_little_memory(run: Any, plane: Path, monkeypatch: Any) -> None:
    def large(*_: object, **__: object) -> None:
        raise MemoryError("memory: 10 bytes cannot be had")

    monkeypatch.setattr(streaming.labelled, "derive", large)
    ran = run("derive", plane, "-o", "out.nc", "-q", "vorticity")
    assert ran.code == 1
    assert one_line(ran.err) == "fieldgrad: error: there is not enough memory for this\n"
    assert os.listdir(plane.parent) == ["flow.nc"]


@pytest.mark.parametrize("command", ["--version", "quantities"])
def test_a_reader_that_has_seen_enough(command: str) -> None:
    program = [sys.executable, "-m", "fieldgrad.cli", command]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_called_from_a_thread(run: Any, plane: Path) -> None:
    """Only the main thread may have handlers of signals."""
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(run, "info", plane).result()
    assert (ran.code, ran.err) == (0, "")
    assert "Velocity: u along x, v along y" in ran.out


def test_width_where_there_is_no_terminal(run: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = run("quantities").out.splitlines()
    assert 100 < max(map(len, lines)) <= 120


def test_a_bar_shows_the_work_on_a_terminal(run: Any, plane: Path, monkeypatch: Any) -> None:
    from rich.console import Console

    monkeypatch.setattr(Console, "is_terminal", True)
    ran = run("derive", plane, "-o", "out.nc", "-q", "vorticity")
    assert ran.code == 0
    assert "opening" in ran.err
    assert "1/1" in ran.err


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_nothing_behind(number: int, code: int, plane: Path) -> None:
    script = (
        # a job in the background of a shell inherits that interrupts are ignored
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fieldgrad import cli, streaming\n"
        "def wait(*_, **__):\n    print('deriving', flush=True)\n    time.sleep(60)\n"
        "streaming.labelled.derive = wait\n"
        "sys.exit(cli.main(['derive', 'flow.nc', '-o', 'out.nc', '-q', 'spin']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=plane.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "deriving\n"
        assert len(os.listdir(plane.parent)) == 2
        began = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert process.returncode == code
        assert time.monotonic() - began < 20
    assert "Traceback" not in err
    assert os.listdir(plane.parent) == ["flow.nc"]


def test_warnings_do_not_spill_and_notes_take_one_line(run: Any, tmp_path: Path) -> None:
    x = np.arange(5.0)
    ds = xr.Dataset(
        {"u": (("time", "x"), np.zeros((2, 5)))},
        {
            "x": ("x", x, {"units": "m"}),
            "time": ("time", [0.5, 1.5], {"units": "fortnights since 2001-01-01"}),
        },
    )
    ds.to_netcdf("in.nc", engine="netcdf4")
    ran = run("info", "in.nc")
    assert ran.code == 0
    assert ran.err.startswith("fieldgrad: note: in.nc: times are left as numbers")
    assert ran.err.count("\n") == 1


def test_what_libraries_warn_of_is_not_shown_whatever_they_set(capsys: pytest.CaptureFixture[str]) -> None:
    with cli._quiet():
        warnings.filterwarnings("always")
        warnings.warn("something of theirs", DeprecationWarning, stacklevel=1)
        warnings.warn(f"{cli._OF_PROCESSOR} multiply-add", RuntimeWarning, stacklevel=1)
    assert capsys.readouterr().err == "fieldgrad: note: this processor has no fused multiply-add\n"


def test_warmup_says_where_the_kernels_are(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cli, "KINDS", ((2, "float64"),))
    monkeypatch.setattr(cli, "USUAL", {"curl": cli.USUAL["curl"]})
    ran = run("warmup")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(r"\d+ kernels compiled and \d+ found", ran.out)
    assert Path(re.search(r"cache: (.*)", ran.out)[1]).is_dir()  # type: ignore[index]


@pytest.mark.parametrize("name", list(cli.USUAL))
def test_what_warmup_compiles_exists(name: str) -> None:
    assert hasattr(fg, name) or name in fg.quantities()


def test_messages_in_the_words_of_the_shell() -> None:
    for given, expected in (
        ("pass it, periodic={'x': period}", "pass it, --periodic x=period"),
        ("which one, components=('U', 'V')", "which one, --components U,V"),
        ("grid=infer_grid(obj, axes={'z': None})", "--axes z=none"),
        ("drop duplicates (obj.drop_duplicates)", "drop duplicates"),
        ("lengths in m (obj.assign_coords({'lat': lengths})), or", "lengths in m, or"),
        ("pass density=, or", "pass --parameter density=..., or"),
    ):
        assert cli.in_shell(given) == expected


def test_as_a_process(plane: Path) -> None:
    command = [sys.executable, "-m", "fieldgrad.cli", "info", "flow.nc"]
    done = subprocess.run(command, cwd=plane.parent, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Velocity: u along x, v along y" in done.stdout


@pytest.mark.parametrize("output", ["out.nc", "out.zarr"])
def test_masks(run: Any, tmp_path: Path, output: str) -> None:
    """A mask by name, as files store it, with what is done beside its holes."""
    rng = np.random.default_rng(0)
    x, y, t = np.cumsum(rng.uniform(0.5, 1.5, 12)), np.cumsum(rng.uniform(0.5, 1.5, 11)), np.arange(2.0)
    sea = rng.random((11, 12)) > 0.15
    ds = xr.Dataset(
        {name: (("time", "y", "x"), rng.standard_normal((2, 11, 12))) for name in "uv"}, {"x": x, "y": y, "time": t}
    ).assign(sea=(("y", "x"), sea.astype("int8")))
    ds.to_netcdf("flow.nc", engine="netcdf4")
    common = ["-q", "vorticity", "--mask", "sea", "--missing", "adapt", "--least-accuracy", "2"]
    ran = run("derive", "flow.nc", "-o", output, *common)
    assert (ran.code, ran.err) == (0, "")
    grid = fg.infer_grid(ds, mask="sea", missing="adapt", least_accuracy=2)
    wanted = fg.derive(ds, "vorticity", grid=grid)
    np.testing.assert_array_equal(loaded(tmp_path / output).vorticity, wanted.vorticity)
    assert 0.1 < wanted.vorticity.isnull().mean() < 0.6


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--mask", "land"], 4, "mask: 'land' is no variable of the file"),
        (["--mask", "u"], 4, "mask: holds "),
        (["--missing", "skip"], 2, "'skip' must be propagate, adapt or shrink"),
        (["--least-accuracy", "2"], 4, "--missing propagate changes no stencil; pass --missing adapt or 'shrink'"),
    ],
)
def test_what_is_no_mask(run: Any, plane: Path, args: list[str], code: int, message: str) -> None:
    ran = run("derive", plane, "-o", "out.nc", "-q", "vorticity", "--periodic", "x=6.283185307179586", *args)
    assert ran.code == code
    assert message in one_line(ran.err)
    assert not Path("out.nc").exists()


def test_verify_prints_errors_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = np.tanh(np.linspace(-2, 2, 80))
    xr.DataArray(np.zeros(80), {"y": nodes}, ["y"], "p").to_netcdf(tmp_path / "a.nc")
    assert cli.main(["verify", str(tmp_path / "a.nc"), "-o", str(tmp_path / "orders.png")]) == 0
    printed = capsys.readouterr().out
    assert cli.main(["verify", str(tmp_path / "a.nc")]) == 0
    assert printed.startswith(capsys.readouterr().out)
    worth = fg.verify(xr.open_dataset(tmp_path / "a.nc"))
    for accuracy in (2, 4, 6, 8):
        (row,) = re.findall(rf"^ *y +{accuracy} +(.*)$", printed, re.MULTILINE)
        here = worth.sel(axis="y", accuracy=accuracy)
        assert row.split() == [*(f"{error:.1e}" for error in here.rms_error.values), f"{float(here.order):.2f}"]
    assert (tmp_path / "orders.png").read_bytes().startswith(b"\x89PNG")


def test_coordinates_of_two_dimensions(run: Any, tmp_path: Path) -> None:
    j, i = np.meshgrid(np.arange(7.0), np.arange(9.0), indexing="ij")
    lon, lat = 175.0 + i + 0.3 * j, 30.0 + j - 0.2 * i
    dims = ("y", "x")
    ds = xr.Dataset(
        {"u": (dims, np.cos(np.deg2rad(lat)), {"units": "m s-1"}), "v": (dims, 0.1 * lon, {"units": "m s-1"})},
        {
            "lon": (dims, (lon + 180) % 360 - 180, {"units": "degrees_east"}),
            "lat": (dims, lat, {"units": "degrees_north"}),
        },
    )
    ds.to_netcdf(tmp_path / "curved.nc", engine="netcdf4")
    ran = run("info", "curved.nc")
    assert ran.code == 0
    words = " ".join(ran.out.split())
    assert (
        "curvilinear (inferred: 'y', 'x' have no positions of their own): x is 'lon' (y, x), y is 'lat' (y, x)" in words
    )
    assert "components of vectors are eastward and northward, not along grid lines" in words
    assert "Velocity: u along x, v along y" in words
    ran = run("derive", "curved.nc", "-o", "out.nc", "-q", "velocity_gradient", "--axes", "x=lon,y=lat")
    assert (ran.code, ran.err) == (0, "")
    found = loaded(tmp_path / "out.nc")
    np.testing.assert_array_equal(found.velocity_gradient.values, fg.velocity_gradient(ds).values)
    np.testing.assert_array_equal(found.lon.values, ds.lon.values)
    bad = ds.copy(deep=True)
    bad["lon"][3, 4] = np.nan
    bad.to_netcdf(tmp_path / "bad.nc", engine="netcdf4")
    ran = run("derive", "bad.nc", "-o", "none.nc", "-q", "vorticity")
    assert ran.code == cli.NOT_UNDERSTOOD
    assert "the coordinate of direction 'x' is not finite at y=3, x=4" in one_line(ran.err)
