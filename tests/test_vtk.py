# SPDX-License-Identifier: BSD-3-Clause
"""To VTK grids and back: no axis is mistaken for another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg
from fieldgrad import cli

pyvista = pytest.importorskip("pyvista")

X, Y, Z = np.array([0.0, 2.0]), np.array([0.0, 1.0, 5.0]), np.array([0.0, 1.0, 2.0, 7.0])


def dataset(dims: str = "xyz") -> xr.Dataset:
    """Return fields of shape (2, 3, 4) that tell where they are: f = x + 10 y + 100 z."""
    lines = {"x": X, "y": Y, "z": Z}
    x, y, z = (xr.DataArray(line, {dim: line}, [dim]) for dim, line in lines.items())
    f = (x + 10 * y + 100 * z).transpose(*dims)
    ds = xr.Dataset({"f": f.assign_attrs(units="K"), "u": 2 * f, "v": 3 * f, "w": 4 * f})
    component = xr.DataArray([1.0, 2.0, 3.0], {"component": list("xyz")}, ["component"])
    return ds.assign(vector=component * f, L=component * component.rename(component="direction") ** 2 * f)


@pytest.mark.parametrize("dims", ["xyz", "zyx", "yzx"])
@pytest.mark.parametrize("structured", [False, True])
def test_each_value_is_where_it_belongs(dims: str, structured: bool) -> None:
    mesh = fg.to_vtk(dataset(dims), structured=structured)
    assert mesh.dimensions == (2, 3, 4)
    x, y, z = np.asarray(mesh.points).T
    np.testing.assert_array_equal(mesh.point_data["f"], x + 10 * y + 100 * z)
    np.testing.assert_array_equal(mesh.point_data["vector"], np.outer(x + 10 * y + 100 * z, [1, 2, 3]))
    # xx, xy, xz, yx, ...
    weights = np.outer([1, 2, 3], [1, 4, 9]).ravel()
    np.testing.assert_array_equal(mesh.point_data["L"], np.outer(x + 10 * y + 100 * z, weights))
    assert mesh.find_closest_point((2, 5, 1)) == 1 + 2 * (2 + 3 * 1)


@pytest.mark.parametrize("suffix", [".vtr", ".vts"])
def test_there_and_back_through_a_file(tmp_path: Path, suffix: str) -> None:
    ds = dataset("zyx")
    fg.to_vtk(ds, structured=suffix == ".vts").save(tmp_path / f"a{suffix}")
    back = fg.from_vtk(tmp_path / f"a{suffix}")
    assert set(back) == set(ds)
    for name in ds:
        xr.testing.assert_equal(back[name], ds[name].transpose(*back[name].dims))
    assert back.f.attrs == {"units": "K"}
    assert back.L.dims == ("component", "direction", "z", "y", "x")


def test_decreasing_axes_and_planes() -> None:
    ds = dataset()[["f"]].isel(y=np.s_[::-1], z=0, drop=True)
    mesh = fg.to_vtk(ds)
    np.testing.assert_array_equal(mesh.y, Y)
    x, y, _ = np.asarray(mesh.points).T
    np.testing.assert_array_equal(mesh.point_data["f"], x + 10 * y)
    back = fg.from_vtk(mesh)
    assert dict(back.sizes) == {"z": 1, "y": 3, "x": 2}
    vector = fg.to_vtk(dataset().isel(z=0, drop=True)[["vector"]].sel(component=["x", "y"]))
    np.testing.assert_array_equal(vector.point_data["vector"][:, 2], 0)


def test_what_has_no_place_on_the_grid_is_left_out() -> None:
    ds = dataset()
    mesh = fg.to_vtk(ds.assign(count=("n", [1.0, 2.0])), grid=fg.infer_grid(ds))
    assert "count" not in mesh.point_data
    mesh.point_data["colours"] = np.zeros((mesh.n_points, 4))
    assert set(fg.from_vtk(mesh)) == set(ds)


def test_images_and_cells() -> None:
    mesh = pyvista.ImageData(dimensions=(3, 4, 5), spacing=(1.0, 2.0, 3.0), origin=(0.0, 0.0, 1.0))
    centres = np.asarray(mesh.cell_centers().points)
    mesh.cell_data["x"] = centres[:, 0] + 10 * centres[:, 1] + 100 * centres[:, 2]
    ds = fg.from_vtk(mesh, cells=True)
    assert dict(ds.sizes) == {"z": 4, "y": 3, "x": 2}
    wanted = (ds.x + 10 * ds.y + 100 * ds.z).transpose("z", "y", "x")
    np.testing.assert_allclose(ds.x_.values, wanted.values)
    flow = pyvista.ImageData(dimensions=(3, 4, 5), spacing=(1.0, 2.0, 3.0))
    places = np.asarray(flow.points)
    flow.point_data["velocity"] = np.stack([places[:, 1], 0 * places[:, 0], 5 * places[:, 0]], axis=1)
    rotation = fg.curl(fg.from_vtk(flow))
    np.testing.assert_allclose(rotation.mean(["x", "y", "z"]), [0, -5, -1], atol=1e-12)


def test_refusals() -> None:
    f = dataset().f
    with pytest.raises(ValueError, match=r"ds: 'f' has the dimension 'time', which VTK has no place for; select"):
        fg.to_vtk(f.expand_dims(time=[0, 1]).to_dataset(name="f"))
    globe = f.isel(z=0, drop=True).rename(x="lon", y="lat").to_dataset(name="f")
    globe.lon.attrs["units"], globe.lat.attrs["units"] = "degrees_east", "degrees_north"
    with pytest.raises(ValueError, match="grid: is spherical, and positions of VTK are Cartesian"):
        fg.to_vtk(globe)
    bent = fg.to_vtk(dataset(), structured=True)
    points = np.array(bent.points)
    points[:, 0] += 0.1 * points[:, 1]
    bent.points = points
    with pytest.raises(ValueError, match="mesh: its lines are not straight and parallel"):
        fg.from_vtk(bent)
    with pytest.raises(TypeError, match="mesh: is a UnstructuredGrid; only rectilinear"):
        fg.from_vtk(fg.to_vtk(dataset()).cast_to_unstructured_grid())


def test_the_command_line_reads_and_writes_vtk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ds = dataset("zyx")[["u", "v", "w"]].interp(x=np.linspace(0, 2, 5), y=np.linspace(0, 5, 5), z=Z)
    ds.to_netcdf(tmp_path / "a.nc")
    fg.to_vtk(ds).save(tmp_path / "a.vtr")
    expected = fg.derive(ds, "vorticity").vorticity
    for source, target in (("a.nc", "b.vtr"), ("a.vtr", "c.vts"), ("a.vtr", "d.nc")):
        args = ["derive", str(tmp_path / source), "-o", str(tmp_path / target), "-q", "vorticity"]
        assert cli.main(args) == 0, capsys.readouterr().err
        found = xr.open_dataset(tmp_path / target) if target.endswith("nc") else fg.from_vtk(tmp_path / target)
        np.testing.assert_allclose(found.vorticity.transpose(*expected.dims), expected, rtol=1e-12, atol=1e-12)
    args = ["derive", str(tmp_path / "a.nc"), "-o", str(tmp_path / "b.vtr"), "-q", "vorticity", "--resume"]
    assert cli.main(args) == cli.USAGE
    assert "VTK files are made in one piece and cannot go on" in capsys.readouterr().err
    assert set(fg.from_vtk(tmp_path / "b.vtr")) == {"u", "v", "w", "vorticity"}
    assert cli.main(["info", str(tmp_path / "a.vtr")]) == 0
    assert "a.vtr: VTK" in capsys.readouterr().out
