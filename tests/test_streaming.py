# SPDX-License-Identifier: BSD-3-Clause
"""Files in, derived files out, piece by piece: with the values of :func:`fieldgrad.derive`, and resumable."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from programs import run

import fieldgrad as fg
from fieldgrad import cli, files, streaming
from fieldgrad.files import DataProblem, InputProblem, OutputProblem, Reading
from fieldgrad.streaming import Order, SchedulerProblem

# One set of quantities and one dtype, so that few kernels are compiled.
NAMES = ("vorticity", "dissipation")
# Half a plane of the flow below; hence, where one block is worked on at once, pieces of two planes.
BLOCK = 72 * 16


def flow(times: int = 5) -> xr.Dataset:
    """Decaying vortices on a plane, with what real files have: history, bounds, other coordinates."""
    x = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    y = np.linspace(0, 1, 11) ** 1.3
    ds = fg.flows.taylor_green_2d(x, y, t=np.arange(float(times)) / 4, viscosity=0.1).dataset.drop_vars("p")
    ds = ds.assign_coords(
        time=("time", np.datetime64("2001-01-01", "ns") + np.arange(times) * np.timedelta64(6, "h")),
        season=("time", [f"s{number}" for number in range(times)]),
        height=2.0,
    )
    ds.time.attrs = {"long_name": "time of day", "bounds": "time_bnds"}
    ds.time.encoding = {"units": "hours since 2000-12-31", "calendar": "standard", "dtype": "float64"}
    bounds = np.stack([ds.time.values, ds.time.values + np.timedelta64(6, "h")], axis=1)
    ds["time_bnds"] = (("time", "bnds"), bounds)
    ds["nu"] = ("time", np.linspace(0.1, 0.2, times))
    return ds.assign_attrs(title="a flow", history="made by hand", Conventions="CF-1.10")


def saved(ds: xr.Dataset, path: Path) -> Path:
    if path.suffix == ".zarr":
        steps = {name: {"chunks": (1, *ds[name].shape[1:])} for name in ("u", "v")}
        ds.drop_vars("season").to_zarr(path, zarr_format=2, consolidated=False, encoding=steps)
    else:
        form: Any = "NETCDF3_64BIT" if path.suffix == ".nc3" else "NETCDF4"
        ds.to_netcdf(path, engine="netcdf4", format=form)
    return path


def loaded(path: Path) -> xr.Dataset:
    with files.reading(path) as ds:
        return ds.load()


@pytest.mark.parametrize("into", [".nc", ".nc3", ".zarr"])
@pytest.mark.parametrize("source", [".nc", ".nc3", ".zarr"])
def test_derived_file_equals_derive(source: str, into: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(streaming, "BLOCK", BLOCK)
    given = saved(flow(), tmp_path / f"in{source}")
    out = tmp_path / f"out{into}"
    seen: list[tuple[int, int, str]] = []
    order = Order(
        NAMES,
        Reading(periodic={"x": None}, accuracy=4),
        {"viscosity": "nu"},
        scheduler="synchronous",
        command="fieldgrad x",
    )
    done = streaming.derive_file(given, out, order, lambda *now: seen.append(now))
    assert done.pieces == 3
    assert seen == [(0, 3, "deriving"), (1, 3, "deriving"), (2, 3, "deriving"), (3, 3, "done")]
    ds = loaded(given)
    grid = fg.infer_grid(ds, periodic={"x": None}, accuracy=4)
    expected = fg.derive(ds, NAMES, grid=grid, viscosity="nu")
    result = loaded(out)
    for name in NAMES:
        assert result[name].dims == expected[name].dims
        np.testing.assert_array_equal(result[name], expected[name])
        assert result[name].attrs == expected[name].attrs
    assert set(result.coords) == set(expected.coords)
    for name, coordinate in expected.coords.items():
        np.testing.assert_array_equal(result[name], coordinate)
    assert result.x.attrs == ds.x.attrs
    assert result.time.attrs["long_name"] == "time of day"
    assert "hours since" in result.time.encoding["units"]
    np.testing.assert_array_equal(result.time_bnds, ds.time_bnds)
    first, second = result.attrs["history"].splitlines()
    assert first == "made by hand"
    assert "fieldgrad x" in second
    assert fg.__version__ in second
    assert {**result.attrs, "history": ""} == {**ds.attrs, "history": ""}
    assert sorted(os.listdir(tmp_path)) == sorted([given.name, out.name])


@pytest.mark.parametrize("into", [".nc", ".nc3", ".zarr"])
def test_tensors_keep_their_labels(into: str, tmp_path: Path) -> None:
    given = saved(flow(1).isel(time=0, drop=True), tmp_path / "in.nc")
    out = tmp_path / f"out{into}"
    assert streaming.derive_file(given, out, Order(["spin"])).pieces == 1
    result = loaded(out)
    np.testing.assert_array_equal(result.spin, fg.derive(loaded(given), "spin").spin)
    assert list(result.component.values) == ["x", "y"]
    assert list(result.direction.values) == ["x", "y"]
    assert result.spin.dims == ("component", "direction", "y", "x")
    if into == ".zarr":
        assert (out / ".zmetadata").exists()


# Every rank; in a plane vorticity is a scalar.
RANKS = ("vorticity", "principal_strain_rates", "principal_directions", "viscous_stress", "dissipation")


def flow_of_any_rank(dims: int) -> xr.Dataset:
    """Steps of a flow, with a viscosity for each row and a density for each step."""
    x, y = np.linspace(0, 2 * np.pi, 8, endpoint=False), np.linspace(0, 1, 7) ** 1.3
    if dims == 2:
        ds = fg.flows.taylor_green_2d(x, y, t=np.arange(3.0), viscosity=0.1).dataset
    else:
        still = fg.flows.abc(x, y, np.linspace(0, 2, 6)).dataset
        ds = xr.concat([still, 2 * still, still**2], xr.Variable("time", np.arange(3.0)), combine_attrs="override")
    ds["mu"] = ("y", np.linspace(0.5, 1.0, 7), {"units": "Pa s"})
    ds["rho"] = ("time", np.linspace(1.0, 2.0, 3), {"units": "kg m-3"})
    return ds


@pytest.mark.parametrize("dims", [pytest.param(3, marks=pytest.mark.slow), 2])
@pytest.mark.parametrize("into", [".nc", ".nc3", ".zarr"])
def test_quantities_of_every_rank(into: str, dims: int, tmp_path: Path, monkeypatch: Any) -> None:
    # blocks of a part of a step, pieces of one step in space and of two in the plane
    monkeypatch.setattr(streaming, "BLOCK", {3: 100 * 24, 2: 30 * 16}[dims])
    given, out = tmp_path / "in.nc", tmp_path / f"out{into}"
    flow_of_any_rank(dims).to_netcdf(given, engine="netcdf4")
    parameters = {"dynamic_viscosity": "mu", "density": "rho"}
    order = Order(RANKS, parameters=parameters, scheduler="synchronous")
    assert streaming.derive_file(given, out, order).pieces == dims
    result, expected = loaded(out), fg.derive(loaded(given), RANKS, **parameters)
    for name in RANKS:
        assert result[name].dims == expected[name].dims
        np.testing.assert_array_equal(result[name], expected[name])
        assert result[name].attrs == expected[name].attrs
    axes = ["x", "y", "z"][:dims]
    for dim, labels in (("component", axes), ("direction", axes), ("principal", [1, 2, 3][:dims])):
        assert result[dim].dims == (dim,)
        assert result[dim].values.tolist() == labels
    assert result.principal_directions.sel(principal=1, component="x").dims == expected.principal_strain_rates.dims[1:]
    assert (result.viscous_stress.attrs["units"], result.dissipation.attrs["units"]) == ("Pa", "m2 s-3")


def test_packed_and_missing_values_are_decoded(tmp_path: Path) -> None:
    ds = flow(2)
    ds["u"] = ds.u.where(ds.u.x > 0.6)
    for name in "uv":
        ds[name].encoding = {"dtype": "int16", "scale_factor": 1e-4, "_FillValue": -32768}
    given = saved(ds, tmp_path / "in.nc")
    streaming.derive_file(given, tmp_path / "out.nc", Order(["vorticity"]))
    result = loaded(tmp_path / "out.nc").vorticity
    expected = fg.derive(loaded(given), "vorticity").vorticity
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(result, expected)


def test_blocks_are_whole_chunks_and_near_to_cubes(monkeypatch: Any) -> None:
    nodes = np.arange(64.0)
    fields = [
        xr.DataArray(np.zeros((9, 64, 64, 64), np.float32), dims=("time", *"zyx"), coords=dict.fromkeys("xyz", nodes))
    ]
    grid = fg.infer_grid(fields[0])

    def plan(points: int, *, keep: bool = True, workers: int = 1, **chunks: int) -> list[tuple[int, ...]]:
        fields[0].encoding["preferred_chunks"] = chunks
        monkeypatch.setattr(streaming, "BLOCK", 4 * points)
        found = streaming._plan(fields, grid, keep, workers)
        return [tuple(box.values()) for box in (found.chunk, found.block, found.piece)]

    small = {"time": 1, "z": 8, "y": 8, "x": 8}
    assert plan(8**3, **small) == [(1, 8, 8, 8), (1, 8, 8, 8), (1, 16, 16, 8)]
    assert plan(16**3, **small) == [(1, 8, 8, 8), (1, 16, 16, 16), (1, 32, 32, 16)]
    assert plan(16**3, keep=False, **small) == [(1, 16, 16, 16), (1, 16, 16, 16), (1, 32, 32, 16)]
    assert plan(16**3, workers=4, **small)[2] == (1, 64, 32, 32)
    # steps join where they are small, and a chunk that is too large stays whole
    assert plan(2 * 64**3, **small) == [(1, 8, 8, 8), (2, 64, 64, 64), (8, 64, 64, 64)]
    assert plan(8, **small) == [(1, 8, 8, 8)] * 3
    # rows are the units of a file without chunks
    assert plan(64 * 16, keep=False) == [(1, 4, 4, 64), (1, 4, 4, 64), (1, 8, 8, 64)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"x y u v\n0 0 1 2\n", "neither NetCDF nor Zarr nor VTK"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "cannot be read"),
        (b"CDF\x01" + bytes(2), "cannot be read"),
        ("folder", "no Zarr group"),
    ],
)
def test_unreadable_input(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "in.nc"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    before = os.listdir(tmp_path)
    with pytest.raises(InputProblem, match=message) as problem:
        streaming.derive_file(path, tmp_path / "out.nc", Order(["vorticity"]))
    assert str(path) in str(problem.value)
    assert os.listdir(tmp_path) == before


def test_truncated_file(tmp_path: Path) -> None:
    path = saved(flow(), tmp_path / "in.nc")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputProblem, match="cannot be read"):
        streaming.derive_file(path, tmp_path / "out.nc", Order(["vorticity"]))
    assert os.listdir(tmp_path) == ["in.nc"]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (Order(["vorticty"]), "'vorticty' is not known"),
        (Order(["dissipation"]), "viscosity: missing"),
        (Order(["vorticity"], parameters={"viscosity": 1.0}), "no quantity of 'vorticity' takes"),
        (Order(["dissipation"], parameters={"viscosity": "mu"}), "neither a number nor a variable"),
        (Order(["vorticity"], Reading(components=("u", "q"))), "'q' is no variable"),
        (Order(["vorticity"], Reading(axes={"x": "lon"})), "'lon' .* is no dimension"),
        (Order(["vorticity"], Reading(axes={"x": None, "y": None})), "none of the dimensions"),
        (Order(["vorticity"], Reading(periodic={"x": 1.0})), "not larger than the span"),
    ],
)
def test_what_is_not_understood(order: Order, message: str, tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    with pytest.raises(DataProblem, match=message):
        streaming.derive_file(given, tmp_path / "out.nc", order)
    assert os.listdir(tmp_path) == ["in.nc"]


def test_existing_output_is_refused_before_any_work(tmp_path: Path) -> None:
    given, out = saved(flow(), tmp_path / "in.nc"), tmp_path / "out.nc"
    out.write_text("precious")
    with pytest.raises(OutputProblem, match=r"out\.nc: exists"):
        streaming.derive_file(given, out, Order(["vorticity"]), lambda *now: pytest.fail("work was done"))
    assert out.read_text() == "precious"
    streaming.derive_file(given, out, Order(["vorticity"], overwrite=True))
    assert "vorticity" in loaded(out)


def test_a_zarr_group_is_replaced_as_a_whole(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    for names in (["vorticity"], ["dissipation"]):
        parameters = {"viscosity": 1.0} if "dissipation" in names else {}
        order = Order(names, parameters=parameters, overwrite=True)
        streaming.derive_file(given, tmp_path / "out.zarr", order)
        assert [*loaded(tmp_path / "out.zarr").drop_vars("time_bnds")] == names
    assert sorted(os.listdir(tmp_path)) == ["in.nc", "out.zarr"]


def test_what_must_not_be_replaced(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    (tmp_path / "folder.zarr").mkdir()
    inside = saved(flow(), tmp_path / "folder.zarr" / "in.nc")
    link = tmp_path / "link.nc"
    link.symlink_to(given)
    for source, out, message in (
        (given, given, "is the input"),
        (given, link, "is the input"),
        (inside, tmp_path / "folder.zarr", "around it"),
        (given, tmp_path / "folder.zarr", "no Zarr group, so it is not replaced"),
        (given, tmp_path / "out.txt", r"ends in '\.txt'"),
        (given, tmp_path / "out", "has no suffix"),
        (given, tmp_path / "none" / "out.nc", "is no directory"),
        (given, given / "out.nc", "is the input"),
    ):
        with pytest.raises(OutputProblem, match=message):
            streaming.derive_file(source, out, Order(["vorticity"], overwrite=True))
    assert sorted(os.listdir(tmp_path)) == ["folder.zarr", "in.nc", "link.nc"]
    assert loaded(given).u.size


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unwritable for root")
def test_unwritable_directory(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    with pytest.raises(OutputProblem, match="Permission denied"):
        streaming.derive_file(given, shut / "out.nc", Order(["vorticity"]))


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("into", [".nc", ".zarr"])
def test_nothing_that_looks_complete_is_left_behind(
    into: str, failure: BaseException, tmp_path: Path, monkeypatch: Any
) -> None:
    """Of NetCDF nothing at all; of Zarr what is done, out of sight, if there is any."""
    monkeypatch.setattr(streaming, "BLOCK", BLOCK)
    given, out = saved(flow(), tmp_path / "in.nc"), tmp_path / f"out{into}"
    order = Order(["vorticity"], scheduler="synchronous")
    for wanted in (0, 1):

        def stop(done: int, total: int, what: str, wanted: int = wanted) -> None:
            if done == wanted:
                assert len(os.listdir(tmp_path)) == 2  # the part beside the input
                raise failure

        kept = into == ".zarr" and wanted == 1
        note = pytest.warns(files.FileNote, match="1 of 3 pieces are kept") if kept else contextlib.nullcontext()
        with note, pytest.raises(type(failure)):
            streaming.derive_file(given, out, order, stop)
        assert sorted(os.listdir(tmp_path)) == [".out.zarr.unfinished"] * kept + ["in.nc"]


def test_failure_to_write_is_told_as_such(tmp_path: Path, monkeypatch: Any) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    out = tmp_path / "out.nc"
    out.write_text("precious")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OutputProblem, match=r"out\.nc: cannot be written: No space left"):
        streaming.derive_file(given, out, Order(["vorticity"], overwrite=True))
    assert out.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["in.nc", "out.nc"]


def test_attributes_that_only_json_holds(tmp_path: Path) -> None:
    ds = flow(1)[["u", "v"]].drop_vars("season")
    ds.attrs |= {"flag": True, "nothing": None, "nested": {"a": 1}, "mixed": [1, "a"], "numbers": [1, 2]}
    ds.to_zarr(tmp_path / "in.zarr", zarr_format=2, consolidated=False)
    streaming.derive_file(tmp_path / "in.zarr", tmp_path / "out.nc", Order(["vorticity"]))
    attrs = loaded(tmp_path / "out.nc").attrs
    assert (attrs["flag"], attrs["nested"], attrs["mixed"]) == ("true", '{"a": 1}', '[1, "a"]')
    assert list(attrs["numbers"]) == [1, 2]


NODES = {"x": np.linspace(0, 2 * np.pi, 20, endpoint=False), "y": np.arange(13.0) ** 1.2, "z": np.arange(17.0)}


def box() -> xr.Dataset:
    """Two steps in space, with a viscosity at each point."""
    rng = np.random.default_rng(1)
    fields = {name: (("time", "z", "y", "x"), rng.standard_normal((2, 17, 13, 20))) for name in "uvw"}
    coords = {dim: (dim, nodes, {"units": "m"}) for dim, nodes in NODES.items()}
    ds = xr.Dataset(fields, {**coords, "time": [0.0, 1.0]})
    return ds.assign(nu=(("z", "y", "x"), rng.random((17, 13, 20))), rho=("y", np.linspace(1, 2, 13)))


BOX = {"time": 1, "z": 4, "y": 5, "x": 6}
BOX_ORDER: dict[str, Any] = {
    "how": Reading(periodic={"x": 2 * np.pi}),
    "parameters": {"viscosity": "nu", "density": "rho"},
    "scheduler": "synchronous",
}
BOX_NAMES = ("vorticity", "viscous_stress")


@pytest.fixture(name="boxed")
def _boxed(tmp_path: Path, monkeypatch: Any) -> Path:
    """A group of many chunks, where a block holds one to four of them."""
    monkeypatch.setattr(streaming, "BLOCK", 4 * 4 * 5 * 6 * 24)
    encoding = {name: {"chunks": tuple(BOX.values())} for name in "uvw"}
    box().to_zarr(tmp_path / "in.zarr", zarr_format=2, consolidated=False, encoding=encoding)
    return tmp_path / "in.zarr"


def expected_of(boxed: Path) -> xr.Dataset:
    ds = loaded(boxed)
    grid = fg.infer_grid(ds, periodic={"x": 2 * np.pi})
    return fg.derive(ds, BOX_NAMES, grid=grid, viscosity="nu", density="rho")


def require_same(result: xr.Dataset, expected: xr.Dataset) -> None:
    assert set(result.data_vars) == set(expected.data_vars)
    for name in expected.data_vars:
        np.testing.assert_array_equal(result[name], expected[name])
        assert result[name].attrs == expected[name].attrs


@pytest.mark.slow
def test_a_snapshot_is_cut_in_space(boxed: Path, monkeypatch: Any) -> None:
    read: list[int] = []
    get = streaming._Source.__getitem__

    def counted(self: Any, index: Any) -> Any:
        values = get(self, index)
        if self.name == "u":
            read.append(values.size)
        return values

    monkeypatch.setattr(streaming._Source, "__getitem__", counted)
    out = boxed.with_name("out.zarr")
    assert streaming.derive_file(boxed, out, Order(BOX_NAMES, **BOX_ORDER)).pieces > 4
    require_same(loaded(out), expected_of(boxed))
    assert max(read) <= 4 * 4 * 5 * 6
    assert sum(read) < 2 * box().u.size  # each value, and what the stencils of its neighbours reach
    with files.reading(out) as ds:
        assert ds.vorticity.encoding["chunks"] == (1, *BOX.values())
        assert ds.viscous_stress.encoding["chunks"] == (1, 1, *BOX.values())
    assert (out / ".zmetadata").exists()


KILLED = """
import sys, time
from pathlib import Path
from fieldgrad import cli, streaming
streaming.BLOCK = 4 * 4 * 5 * 6 * 24
add = streaming._Journal.add
def wait(source, index):
    print("waiting", flush=True)
    time.sleep(60)
def slower(journal, number):
    add(journal, number)
    if len(journal.done) == 2:
        streaming._Source.__getitem__ = wait
streaming._Journal.add = slower
sys.exit(cli.main(sys.argv[1:]))
"""
BOX_COMMAND = ["-q", ",".join(BOX_NAMES), "--periodic", f"x={2 * np.pi!r}", "--scheduler", "synchronous"]
BOX_COMMAND += ["-p", "viscosity=nu", "-p", "density=rho"]


def written(folder: Path) -> dict[str, int]:
    """When the chunks of the fields were written."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for name in BOX_NAMES
        for path in (folder / name).iterdir()
        if path.name[0].isdigit()
    }


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_a_killed_run_is_resumed(boxed: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(boxed.parent)
    args = ["derive", "in.zarr", "-o", "out.zarr", *BOX_COMMAND]
    with subprocess.Popen([sys.executable, "-c", KILLED, *args], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.kill()
    part = Path(".out.zarr.unfinished")
    assert sorted(os.listdir()) == [str(part), "in.zarr"]
    done = json.loads((part / "record").read_text())["done"]
    assert done == [0, 1]
    before = written(part / "out.zarr")
    assert before

    again = [*args, "--resume"]
    for other, message in (
        (args, "finish it with --resume, or begin anew with --overwrite"),
        ([*again, "-q", "viscous_stress"], "another list of quantities; repeat the command"),
        ([arg.replace("rho", "2") for arg in again], "another set of parameters"),
        ([*again, "--accuracy", "4"], "another grid"),
        ([*again, "--components", "v,u,w"], "another velocity"),
    ):
        assert cli.main(other) == 5
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
    assert json.loads((part / "record").read_text())["done"] == done
    assert cli.main(again) == 0
    assert capsys.readouterr().err == ""
    assert sorted(os.listdir()) == ["in.zarr", "out.zarr"]
    after = written(Path("out.zarr"))
    assert {name: after[name] for name in before} == before
    assert len(after) > 2 * len(before)
    require_same(loaded(Path("out.zarr")), expected_of(boxed))


def test_only_an_unchanged_input_is_resumed(boxed: Path) -> None:
    out = boxed.with_name("out.zarr")

    def stop(done: int, total: int, what: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.warns(files.FileNote, match="1 of 16 pieces are kept"), pytest.raises(KeyboardInterrupt):
        streaming.derive_file(boxed, out, Order(BOX_NAMES, **BOX_ORDER), stop)
    chunk = boxed / "u" / "0.0.0.0"
    chunk.write_bytes((boxed / "v" / "0.0.0.0").read_bytes())
    with pytest.raises(OutputProblem, match=r"has another input; repeat the command .* overwrite=True"):
        streaming.derive_file(boxed, out, Order(BOX_NAMES, **BOX_ORDER, resume=True))
    # what was begun with the old input goes
    streaming.derive_file(boxed, out, Order(BOX_NAMES, **BOX_ORDER, overwrite=True))
    require_same(loaded(out), expected_of(boxed))
    assert sorted(os.listdir(boxed.parent)) == ["in.zarr", "out.zarr"]


def test_a_chunk_that_cannot_be_read(boxed: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(boxed.parent)
    chunk = boxed / "v" / "1.0.0.0"
    good = chunk.read_bytes()
    chunk.write_bytes(good[:40])
    state = chunk.stat()
    args = ["derive", "in.zarr", "-o", "out.zarr", *BOX_COMMAND]
    assert cli.main(args) == 3
    note, error = capsys.readouterr().err.splitlines()
    assert note.endswith("out.zarr: 8 of 16 pieces are kept; --resume goes on from there")
    assert error.startswith("fieldgrad: error: in.zarr: 'v' cannot be read: ")
    assert sorted(os.listdir()) == [".out.zarr.unfinished", "in.zarr"]
    # a repaired file is another one; begun anew, it is read to its end
    chunk.write_bytes(good)
    os.utime(chunk, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert cli.main([*args, "--resume"]) == 5
    assert cli.main([*args, "--overwrite"]) == 0
    require_same(loaded(Path("out.zarr")), expected_of(boxed))


def test_a_full_disk(boxed: Path, capsys: Any, monkeypatch: Any) -> None:
    from zarr.storage import LocalStore

    put = LocalStore.set
    full = True

    async def limited(self: Any, key: str, *args: Any, **options: Any) -> None:
        if full and key.endswith("1.0.0.0"):
            raise OSError(28, "No space left on device")
        await put(self, key, *args, **options)

    monkeypatch.setattr(LocalStore, "set", limited)
    monkeypatch.chdir(boxed.parent)
    args = ["derive", "in.zarr", "-o", "out.zarr", *BOX_COMMAND]
    assert cli.main(args) == 5
    note, error = capsys.readouterr().err.splitlines()
    assert "8 of 16 pieces are kept" in note
    assert error == "fieldgrad: error: out.zarr: cannot be written: No space left on device"
    assert sorted(os.listdir()) == [".out.zarr.unfinished", "in.zarr"]
    full = False
    assert cli.main([*args, "--resume"]) == 0
    require_same(loaded(Path("out.zarr")), expected_of(boxed))


NO_ROOM = """
import resource, sys
from fieldgrad import cli

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "setsid"), reason="limits of processes are POSIX")
@pytest.mark.parametrize("name", ["out.zarr", "out.nc"])
def test_files_that_the_system_lets_grow_no_further(name: str, tmp_path: Path) -> None:
    saved(flow(), tmp_path / "in.nc")
    before = (tmp_path / "in.nc").read_bytes()
    done = run(tmp_path, NO_ROOM, "300", "derive", "in.nc", "-q", "vorticity", "-o", name)
    assert done.code == 5, done.err
    assert "Traceback" not in done.err
    assert f"{name}: cannot be written" in done.err.splitlines()[-1]
    assert not (tmp_path / name).exists()
    assert (tmp_path / "in.nc").read_bytes() == before


def test_netcdf_is_not_resumed(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    with pytest.raises(
        OutputProblem, match=r"NetCDF 4 is written in one run; for resume=True write to a name in \.zarr"
    ):
        streaming.derive_file(given, tmp_path / "out.nc", Order(["vorticity"], resume=True))


def test_schedulers_that_are_not_there(tmp_path: Path, monkeypatch: Any) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    import dask

    for name, message in (
        ("many", "'many' is not known; it must be threads, synchronous or an address"),
        ("carrier-pigeon://loft", "carrier-pigeon://loft does not answer"),
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1 does not answer"),
    ):
        if "://" in name:
            pytest.importorskip("distributed")
        with (
            dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}),
            pytest.raises(SchedulerProblem, match=message),
        ):
            streaming.derive_file(given, tmp_path / "out.nc", Order(["vorticity"], scheduler=name))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SchedulerProblem, match=r"needs dask\.distributed: pip install distributed"):
        streaming.derive_file(given, tmp_path / "out.zarr", Order(["vorticity"], scheduler="tcp://host:8786"))
    assert os.listdir(tmp_path) == ["in.nc"]


def test_a_cluster_computes_what_this_process_does(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    given = saved(flow(), tmp_path / "in.nc")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=":0"
    ) as cluster:
        for name, scheduler in (("here.nc", "synchronous"), ("there.nc", cluster.scheduler_address)):
            streaming.derive_file(given, tmp_path / name, Order(["vorticity"], scheduler=scheduler))
        with pytest.raises(ValueError, match="No clients"):  # it is no one else's scheduler, and none is left behind
            distributed.default_client()
        assert not cluster.scheduler.clients.keys() - {"fire-and-forget"}
    here, there = (loaded(tmp_path / name) for name in ("here.nc", "there.nc"))
    xr.testing.assert_equal(there, here)
    assert there.vorticity.notnull().all()


@pytest.mark.slow
def test_a_cluster(boxed: Path, monkeypatch: Any) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(streaming, "_BLOCKS", 8)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=":0"
    ) as cluster:
        options = BOX_ORDER | {"scheduler": cluster.scheduler_address, "overwrite": True}
        for out in (boxed.with_name("out.nc"), boxed.with_name("out.zarr")):
            assert streaming.derive_file(boxed, out, Order(BOX_NAMES, **options)).pieces == 2
            require_same(loaded(out), expected_of(boxed))
        (boxed / "v" / "1.0.0.0").write_bytes(b"")
        with (
            pytest.warns(files.FileNote, match="1 of 2 pieces are kept"),
            pytest.raises(InputProblem, match="'v' cannot be read"),
        ):
            streaming.derive_file(boxed, out, Order(BOX_NAMES, **options))


PEAK = """
import resource, sys
import dask
from fieldgrad import cli, streaming
streaming.BLOCK = 2**20
with dask.config.set(num_workers=2):
    assert cli.main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["zarr", "nc"])
def test_memory_is_bounded(kind: str, tmp_path: Path) -> None:
    """One snapshot of 200 MB of velocity, and 200 MB of vorticity, beside one of 1 MB."""
    pytest.importorskip("resource")
    peaks = []
    for points in (32, 208):
        nodes = np.linspace(0.0, 1.0, points)
        values = np.random.default_rng(0).standard_normal((points,) * 3)
        ds = xr.Dataset(dict.fromkeys("uvw", (("z", "y", "x"), values)), dict.fromkeys("zyx", nodes))
        source, out = tmp_path / f"{points}.{kind}", tmp_path / f"out{points}.{kind}"
        if kind == "zarr":
            ds.to_zarr(source, zarr_format=2, encoding={name: {"chunks": (32, 32, 32)} for name in "uvw"})
        else:
            ds.to_netcdf(source, engine="netcdf4")
        args = ["derive", str(source), "-o", str(out), "-q", "vorticity"]
        ran = subprocess.run([sys.executable, "-c", PEAK, *args], capture_output=True, text=True, check=True)
        peaks.append(int(ran.stdout.split()[-1]))
    assert peaks[1] - peaks[0] < 60


@pytest.mark.parametrize("missing", ["adapt", "propagate"])
@pytest.mark.parametrize("along", ["space", "space and time"])
def test_masks_hold_in_every_piece(along: str, missing: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Pieces of a part of each axis, so that windows beside holes reach into others and around the period."""
    monkeypatch.setattr(streaming, "BLOCK", 40 * 16)
    monkeypatch.setattr(streaming, "_BLOCKS", 1)
    rng = np.random.default_rng(4)
    ds = flow(2)[["u", "v"]]
    dims = ("y", "x") if along == "space" else ("time", "y", "x")
    ds["sea"] = (dims, (rng.random([ds.sizes[dim] for dim in dims]) > 0.2).astype("int8"))
    given, out = tmp_path / "in.nc", tmp_path / "out.nc"
    ds.to_netcdf(given, engine="netcdf4")
    how = Reading(periodic={"x": None}, accuracy=4, mask="sea", missing=missing)
    done = streaming.derive_file(given, out, Order(["vorticity"], how, scheduler="synchronous"))
    assert done.pieces > 4
    grid = fg.infer_grid(ds, periodic={"x": None}, accuracy=4, mask="sea", missing=missing)
    expected = fg.derive(ds, "vorticity", grid=grid).vorticity
    np.testing.assert_array_equal(loaded(out).vorticity, expected)
    assert 0.1 < expected.isnull().mean() < 0.99


def test_a_run_with_another_mask_is_not_resumed(tmp_path: Path) -> None:
    grids = []
    for how in (Reading(), Reading(mask="sea"), Reading(mask="sea", missing="adapt")):
        given = tmp_path / "in.nc"
        ds = flow(1)[["u", "v"]]
        ds.assign(sea=(("y", "x"), np.ones((11, 12), bool))).to_netcdf(given, engine="netcdf4")
        order = Order(["vorticity"], how)
        with files.reading(given) as read:
            grids.append(streaming._asked(streaming._flow(given, read, order), order)["grid"])
    assert len(set(grids)) == 3
