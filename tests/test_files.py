# SPDX-License-Identifier: BSD-3-Clause
"""Files in, files out: nothing is lost on the way, and nothing half done is ever left."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import files
from fieldgrad.files import DataProblem, InputProblem, Order, OutputProblem, Reading

# One set of quantities and one dtype, so that few kernels are compiled.
NAMES = ("vorticity", "dissipation")


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
    monkeypatch.setattr(files, "PIECE", 1)  # one step of time at a time
    given = saved(flow(), tmp_path / f"in{source}")
    out = tmp_path / f"out{into}"
    seen: list[tuple[int, int, str]] = []
    order = Order(NAMES, Reading(periodic={"x": None}, accuracy=4), {"viscosity": "nu"}, command="fieldgrad x")
    done = files.derive_file(given, out, order, lambda *now: seen.append(now))
    assert done.pieces == 5
    assert seen[0] == (0, 15, "reading")
    assert seen[-1] == (15, 15, "done")
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
    assert files.derive_file(given, out, Order(["spin"])).pieces == 1
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


@pytest.mark.parametrize("dims", [3, 2])
@pytest.mark.parametrize("into", [".nc", ".nc3", ".zarr"])
def test_quantities_of_every_rank(into: str, dims: int, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "PIECE", 1)
    given, out = tmp_path / "in.nc", tmp_path / f"out{into}"
    flow_of_any_rank(dims).to_netcdf(given, engine="netcdf4")
    parameters = {"dynamic_viscosity": "mu", "density": "rho"}
    assert files.derive_file(given, out, Order(RANKS, parameters=parameters)).pieces == 3
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
    files.derive_file(given, tmp_path / "out.nc", Order(["vorticity"]))
    result = loaded(tmp_path / "out.nc").vorticity
    expected = fg.derive(loaded(given), "vorticity").vorticity
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(result, expected)


def test_pieces_are_whole_chunks_of_the_file() -> None:
    ds = flow(100)
    grid = fg.infer_grid(ds)
    fields = [ds.u, ds.v]
    step = ds.u.nbytes * 2 // 100
    for field in fields:
        field.encoding["preferred_chunks"] = {"time": 8}
    cut, pieces = files._pieces(fields, grid)
    assert (cut, len(pieces)) == ("time", 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE", 20 * step)
        assert [piece.stop - piece.start for piece in files._pieces(fields, grid)[1]] == [16] * 6 + [4]
        patch.setattr(files, "PIECE", 2 * step)
        assert files._pieces(fields, grid)[1][0] == slice(0, 8)


def test_content_tells_the_format(tmp_path: Path) -> None:
    ds = flow(1)
    for suffix, form in ((".nc", "NetCDF 4"), (".nc3", "NetCDF 3"), (".zarr", "Zarr")):
        path = saved(ds, tmp_path / f"a{suffix}")
        moved = path.rename(tmp_path / f"plain{suffix[1:]}")
        assert files.input_format(moved) == form
        assert loaded(moved).u.shape == (1, 11, 12)


def test_zarr_3_is_read_with_or_without_consolidated_metadata(tmp_path: Path) -> None:
    ds = flow(2)[["u", "v"]].drop_vars(["season", "height"])
    for consolidated in (False, True):
        for form in (2, 3):
            path = tmp_path / f"{form}{consolidated}.zarr"
            with pytest.warns() if consolidated and form == 3 else _nothing():
                ds.to_zarr(path, zarr_format=form, consolidated=consolidated)  # type: ignore[call-overload]
            xr.testing.assert_equal(loaded(path), ds)


def _nothing() -> Any:
    import contextlib

    return contextlib.nullcontext()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"x y u v\n0 0 1 2\n", "neither NetCDF nor Zarr"),
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
        files.derive_file(path, tmp_path / "out.nc", Order(["vorticity"]))
    assert str(path) in str(problem.value)
    assert os.listdir(tmp_path) == before


def test_truncated_file(tmp_path: Path) -> None:
    path = saved(flow(), tmp_path / "in.nc")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputProblem, match="cannot be read"):
        files.derive_file(path, tmp_path / "out.nc", Order(["vorticity"]))
    assert os.listdir(tmp_path) == ["in.nc"]


def test_times_that_cannot_be_decoded_are_left_as_numbers(tmp_path: Path) -> None:
    ds = flow(3)[["u", "v"]].assign_coords(time=("time", [0.5, 1.5, 2.5], {"units": "fortnights since 2001-01-01"}))
    path = saved(ds.drop_vars(["season", "height"]), tmp_path / "in.nc")
    with pytest.warns(files.FileNote, match="times are left as numbers"):
        assert loaded(path).time.dtype == np.float64


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
        files.derive_file(given, tmp_path / "out.nc", order)
    assert os.listdir(tmp_path) == ["in.nc"]


def test_existing_output_is_refused_before_any_work(tmp_path: Path) -> None:
    given, out = saved(flow(), tmp_path / "in.nc"), tmp_path / "out.nc"
    out.write_text("precious")
    with pytest.raises(OutputProblem, match=r"out\.nc: exists"):
        files.derive_file(given, out, Order(["vorticity"]), lambda *now: pytest.fail("work was done"))
    assert out.read_text() == "precious"
    files.derive_file(given, out, Order(["vorticity"], overwrite=True))
    assert "vorticity" in loaded(out)


def test_a_zarr_group_is_replaced_as_a_whole(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    for names in (["vorticity"], ["dissipation"]):
        parameters = {"viscosity": 1.0} if "dissipation" in names else {}
        order = Order(names, parameters=parameters, overwrite=True)
        files.derive_file(given, tmp_path / "out.zarr", order)
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
            files.derive_file(source, out, Order(["vorticity"], overwrite=True))
    assert sorted(os.listdir(tmp_path)) == ["folder.zarr", "in.nc", "link.nc"]
    assert loaded(given).u.size


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unwritable for root")
def test_unwritable_directory(tmp_path: Path) -> None:
    given = saved(flow(), tmp_path / "in.nc")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o555)
    with pytest.raises(OutputProblem, match="Permission denied"):
        files.derive_file(given, shut / "out.nc", Order(["vorticity"]))


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("into", [".nc", ".zarr"])
def test_nothing_is_left_behind(into: str, failure: BaseException, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(files, "PIECE", 1)
    given, out = saved(flow(), tmp_path / "in.nc"), tmp_path / f"out{into}"

    def stop(done: int, total: int, what: str) -> None:
        if done > total // 2:
            assert len(os.listdir(tmp_path)) == 2  # the part beside the input
            raise failure

    with pytest.raises(type(failure)):
        files.derive_file(given, out, Order(["vorticity"]), stop)
    assert os.listdir(tmp_path) == ["in.nc"]


def test_failure_to_write_is_told_as_such(tmp_path: Path, monkeypatch: Any) -> None:
    import netCDF4

    given = saved(flow(), tmp_path / "in.nc")
    out = tmp_path / "out.nc"
    out.write_text("precious")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(netCDF4.Dataset, "createVariable", full)
    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OutputProblem, match=r"out\.nc: cannot be written: No space left"):
        files.derive_file(given, out, Order(["vorticity"], overwrite=True))
    assert out.read_text() == "precious"
    assert sorted(os.listdir(tmp_path)) == ["in.nc", "out.nc"]


def test_a_failed_replacement_of_a_group_keeps_the_old_one(tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "out.zarr"
    flow(1)[["u"]].drop_vars("season").to_zarr(out, zarr_format=2, consolidated=False)
    rename = Path.rename

    def fail(self: Path, to: Path) -> Path:
        if to == out and "replaced" not in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with (
        pytest.raises(OutputProblem, match="Permission denied"),
        files.replacing(out, overwrite=True) as part,
    ):
        part.mkdir()
    assert loaded(out).u.size
    assert os.listdir(tmp_path) == ["out.zarr"]


def test_attributes_that_only_json_holds(tmp_path: Path) -> None:
    ds = flow(1)[["u", "v"]].drop_vars("season")
    ds.attrs |= {"flag": True, "nothing": None, "nested": {"a": 1}, "mixed": [1, "a"], "numbers": [1, 2]}
    ds.to_zarr(tmp_path / "in.zarr", zarr_format=2, consolidated=False)
    files.derive_file(tmp_path / "in.zarr", tmp_path / "out.nc", Order(["vorticity"]))
    attrs = loaded(tmp_path / "out.nc").attrs
    assert (attrs["flag"], attrs["nested"], attrs["mixed"]) == ("true", '{"a": 1}', '[1, "a"]')
    assert list(attrs["numbers"]) == [1, 2]
