# SPDX-License-Identifier: BSD-3-Clause
"""Staggered velocities: refused with the way out, and brought to the centres of cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

RNG = np.random.default_rng(61)


def faces(n: int) -> np.ndarray:
    return np.cumsum(RNG.uniform(0.5, 1.5, n + 1))


def middle(x: np.ndarray, at: float = 0.4) -> np.ndarray:
    """Centres that are not halfway between their faces."""
    return x[:-1] + at * np.diff(x)


def random(*sizes: int) -> np.ndarray:
    return RNG.normal(size=sizes)


def mac() -> xr.Dataset:
    """A MAC grid in space, with one face more than centres, told by nothing but dimensions and coordinates."""
    edges = {"x": faces(5), "y": faces(4), "z": faces(3)}
    coords = {name: middle(x) for name, x in edges.items()} | {f"{name}_f": x for name, x in edges.items()}
    return xr.Dataset(
        {
            "u": (("z", "y", "x_f"), random(3, 4, 6)),
            "v": (("z", "y_f", "x"), random(3, 5, 5)),
            "w": (("z_f", "y", "x"), random(4, 4, 5)),
            "p": (("z", "y", "x"), random(3, 4, 5)),
            "corner": (("y_f", "x_f"), random(5, 6)),
        },
        coords,
    )


def mitgcm() -> xr.Dataset:
    """As many faces as centres, to the left of them; COMODO attributes; repeats in x."""
    xg, yg = 10.0 * np.arange(6), 5.0 * np.arange(4)
    left = {"c_grid_axis_shift": -0.5}
    return xr.Dataset(
        {"UVEL": (("Z", "YC", "XG"), random(2, 4, 6)), "VVEL": (("Z", "YG", "XC"), random(2, 4, 6))},
        {
            "XC": ("XC", xg + 5, {"axis": "X"}),
            "XG": ("XG", xg, {"axis": "X", **left}),
            "YC": ("YC", yg + 2.5, {"axis": "Y"}),
            "YG": ("YG", yg, {"axis": "Y", **left}),
            "Z": ("Z", [-5.0, -1.0], {"axis": "Z", "positive": "up"}),
        },
    )


def topology(**dimensions: str) -> xr.Variable:
    """What SGRID says of a grid."""
    return xr.Variable((), 0, {"cf_role": "grid_topology", **dimensions})


def with_a_second_name(dim: str, other: str, shift: float = 0.0) -> xr.Dataset:
    """The MAC grid, one component of which has another name of a dimension of centres."""
    ds = mac()
    v = ds.v.rename({dim: other}).assign_coords({other: ds[dim].values + shift})
    return ds.assign(v=v)


def nemo() -> xr.Dataset:
    """As many faces as centres, to the right of them, by COMODO attributes; coordinates are indices."""
    x, y, right = np.arange(5.0), np.arange(4.0), {"c_grid_axis_shift": 0.5}
    return xr.Dataset(
        {"uo": (("y_c", "x_f"), random(4, 5)), "vo": (("y_f", "x_c"), random(4, 5))},
        {
            "x_c": ("x_c", x, {"axis": "X"}),
            "x_f": ("x_f", x + 0.5, {"axis": "X", **right}),
            "y_c": ("y_c", y, {"axis": "Y"}),
            "y_f": ("y_f", y + 0.5, {"axis": "Y", **right}),
        },
    )


def roms() -> xr.Dataset:
    """Faces inside only, other names of dimensions for each variable, and SGRID attributes; no coordinates."""
    topology = {
        "cf_role": "grid_topology",
        "topology_dimension": 2,
        "node_dimensions": "xi_psi eta_psi",
        "face_dimensions": "xi_rho: xi_psi (padding: both) eta_rho: eta_psi (padding: both)",
        "edge1_dimensions": "xi_u: xi_psi eta_u: eta_psi (padding: both)",
        "edge2_dimensions": "xi_v: xi_psi (padding: both) eta_v: eta_psi",
        "vertical_dimensions": "s_rho: s_w (padding: none)",
    }
    return xr.Dataset(
        {
            "grid": ((), 0, topology),
            "u": (("s_rho", "eta_u", "xi_u"), random(3, 5, 6), {"grid": "grid", "location": "edge1"}),
            "v": (("s_rho", "eta_v", "xi_v"), random(3, 4, 7), {"grid": "grid", "location": "edge2"}),
            "w": (("s_w", "eta_rho", "xi_rho"), random(4, 5, 7)),
            "zeta": (("eta_rho", "xi_rho"), random(5, 7)),
        }
    )


def pairs(data: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    return np.delete(data, -1, axis), np.delete(data, 0, axis)


def halves(data: np.ndarray, axis: int) -> np.ndarray:
    first, second = pairs(data, axis)
    return (first + second) / 2


def test_mac_grid_by_true_positions() -> None:
    ds = mac()
    found = fg.collocate(ds)
    assert set(found.data_vars) == {"u", "v", "w", "p"}
    assert set(found.coords) == {"x", "y", "z"}
    for name, dim, axis in (("u", "x", 2), ("v", "y", 1), ("w", "z", 0)):
        assert found[name].dims == ("z", "y", "x")
        wanted = np.apply_along_axis(lambda f, dim=dim: np.interp(ds[dim], ds[f"{dim}_f"], f), axis, ds[name].values)
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-15)
    xr.testing.assert_identical(found.p, ds.p)


def test_linear_fields_are_exact_and_derivatives_follow() -> None:
    ds = mac()
    for name, dims in (("u", ("z", "y", "x_f")), ("v", ("z", "y_f", "x")), ("w", ("z_f", "y", "x"))):
        z, y, x = (ds[dim] for dim in dims)
        ds[name] = (2 * x - 3 * y + z + {"u": 0, "v": x * 0.5, "w": 1}[name]).transpose(*dims)
    L = fg.velocity_gradient(fg.collocate(ds))
    np.testing.assert_allclose(L.sel(direction="y"), -3.0, rtol=1e-12)
    np.testing.assert_allclose(L.sel(component="y", direction="x"), 2.5, rtol=1e-12)


def test_comodo_attributes_of_mitgcm() -> None:
    ds = mitgcm()
    open_ended = fg.collocate(ds, components=("UVEL", "VVEL"))
    assert dict(open_ended.sizes) == {"Z": 2, "YC": 3, "XC": 5}
    np.testing.assert_allclose(open_ended.UVEL, halves(ds.UVEL.values, 2)[:, :3], rtol=0, atol=1e-15)
    np.testing.assert_allclose(open_ended.VVEL, halves(ds.VVEL.values, 1)[..., :5], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(open_ended.XC, ds.XC[:5])
    for periodic in ("XG", "XC", {"XG": None}, {"XG": 60.0}):
        wrapped = fg.collocate(ds, components=("UVEL", "VVEL"), periodic=periodic)  # type: ignore[arg-type]
        assert wrapped.sizes["XC"] == 6
        u = ds.UVEL.values[:, :3]
        np.testing.assert_allclose(wrapped.UVEL, (u + np.roll(u, -1, 2)) / 2, rtol=0, atol=1e-15)


def test_a_given_period_weighs_the_pair_that_closes_it() -> None:
    ds = mitgcm()
    found = fg.collocate(ds, components=("UVEL", "VVEL"), periodic={"XG": 70.0})
    u = ds.UVEL.values[:, :3]
    np.testing.assert_allclose(found.UVEL[..., -1], 0.75 * u[..., -1] + 0.25 * u[..., 0], rtol=0, atol=1e-15)


def test_comodo_attributes_of_nemo() -> None:
    ds = nemo()
    found = fg.collocate(ds, components=("uo", "vo"))
    np.testing.assert_array_equal(found.x_c, ds.x_c[1:])
    np.testing.assert_allclose(found.uo, halves(ds.uo.values, 1)[1:], rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.vo, halves(ds.vo.values, 0)[:, 1:], rtol=0, atol=1e-15)
    u = ds.uo.values[1:]
    wrapped = fg.collocate(ds, components=("uo", "vo"), periodic="x_f")
    np.testing.assert_allclose(wrapped.uo, (u + np.roll(u, 1, 1)) / 2, rtol=0, atol=1e-15)


def test_sgrid_attributes_of_roms() -> None:
    ds = roms()
    found = fg.collocate(ds)
    for name in "uvw":
        assert found[name].dims == ("s_rho", "eta_rho", "xi_rho")
        assert found[name].shape == (3, 3, 5)
        assert "location" not in found[name].attrs
    np.testing.assert_allclose(found.u, halves(ds.u.values, 2)[:, 1:-1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.v, halves(ds.v.values, 1)[..., 1:-1], rtol=0, atol=1e-15)
    np.testing.assert_allclose(found.w, halves(ds.w.values, 0)[:, 1:-1, 1:-1], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(found.zeta, ds.zeta[1:-1, 1:-1])


@pytest.mark.parametrize("padding", ["none", "low", "high"])
def test_sgrid_paddings(padding: str) -> None:
    """No padding: a node at either side of each face; low: the first face lacks one before; high: the last behind."""
    count = {"none": 4, "low": 3, "high": 3}[padding]
    ds = xr.Dataset(
        {
            "topology": ((), 0, {"cf_role": "grid_topology", "face_dimensions":
                f"icell: inode (padding: {padding}) jcell: jnode (padding: {padding})"}),
            "u": (("jcell", "inode"), random(3, count), {"location": "edge1"}),
            "v": (("jnode", "icell"), random(count, 3), {"location": "edge2"}),
            "p": (("jcell", "icell"), random(3, 3)),
        }
    )  # fmt: skip
    found = fg.collocate(ds)
    kept = {"none": slice(None), "low": slice(1, None), "high": slice(None, -1)}[padding]
    np.testing.assert_allclose(found.u, halves(ds.u.values, 1)[kept], rtol=0, atol=1e-15)
    np.testing.assert_array_equal(found.p, ds.p[kept, kept])


def test_wrf_like_names_and_dimensions_that_the_caller_tells() -> None:
    ds = xr.Dataset(
        {
            "U": (("time", "bottom_top", "south_north", "west_east_stag"), random(2, 3, 4, 6)),
            "V": (("time", "bottom_top", "south_north_stag", "west_east"), random(2, 3, 5, 5)),
            "W": (("time", "bottom_top_stag", "south_north", "west_east"), random(2, 4, 4, 5)),
        }
    )
    found = fg.collocate(ds)
    assert dict(found.sizes) == {"time": 2, "bottom_top": 3, "south_north": 4, "west_east": 5}
    np.testing.assert_allclose(found.W, halves(ds.W.values, 1), rtol=0, atol=1e-15)
    names = {"west_east_stag": "q1", "west_east": "q2", "south_north_stag": "q3", "south_north": "q4"}
    odd = ds[["U", "V"]].rename(names)
    told = fg.collocate(odd, centers={"q1": "q2", "q3": "q4"})
    np.testing.assert_array_equal(told.U, found.U)


def test_lazy_fields_stay_lazy_with_the_same_bits() -> None:
    for ds, names, periodic in ((mac(), None, ()), (mitgcm(), ("UVEL", "VVEL"), ("XG",)), (roms(), None, ())):
        whole = fg.collocate(ds, components=names, periodic=periodic)
        for size in (1, 2, 3):
            lazy = fg.collocate(ds.chunk(size), components=names, periodic=periodic)
            assert all(lazy[name].chunks for name in names or "uvw")
            xr.testing.assert_equal(lazy.compute(), whole)


def test_single_precision_stays_and_integers_become_double() -> None:
    ds = mac()
    ds["u"] = ds.u.astype("float32")
    ds["v"] = (10 * ds.v).astype("int16")
    found = fg.collocate(ds)
    assert (found.u.dtype, found.v.dtype) == (np.float32, np.float64)


def test_a_constant_is_kept_to_the_bit() -> None:
    found = fg.collocate(mac() * 0 + 1 / 3)
    assert (found.u == 1 / 3).all()
    assert (found.w == 1 / 3).all()


def test_divergence_of_a_collocated_flow_converges() -> None:
    """u = sin x cos y, v = -cos x sin y on faces: the divergence and the curl at the centres, second order."""
    errors = []
    for n in (16, 32):
        f = np.linspace(0, np.pi, n + 1)
        c = (f[1:] + f[:-1]) / 2
        ds = xr.Dataset(coords={"x": c, "y": c, "x_f": f, "y_f": f})
        ds["u"] = np.cos(ds.y) * np.sin(ds.x_f)
        ds["v"] = -np.sin(ds.y_f) * np.cos(ds.x)
        flow = fg.collocate(ds)
        exact = 2 * np.sin(flow.x) * np.sin(flow.y)
        errors.append(float(abs(fg.curl(flow) - exact).max()))
    assert np.log2(errors[0] / errors[1]) > 1.8


# -- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [mac, roms, lambda: mitgcm().rename(UVEL="u", VVEL="v")])
@pytest.mark.parametrize(
    "function",
    [
        fg.velocity_gradient,
        fg.divergence,
        fg.curl,
        fg.helicity,
        lambda ds: fg.advection(ds, ds),
        lambda ds: fg.derive(ds, "q_criterion"),
    ],
)
def test_operators_refuse_staggered_velocities(function: Callable[[Any], Any], make: Callable[[], xr.Dataset]) -> None:
    with pytest.raises(ValueError, match=r"components: 'u' lies on .*staggered grid; .*fg\.collocate\(obj\)"):
        function(make())


def test_components_that_are_named_lie_together_or_not_whatever_else_there_is() -> None:
    ds = mac()
    centred = {name: (("z", "y", "x"), random(3, 4, 5)) for name in ("a", "b", "c")}
    alone = ds[["p"]].assign(centred)
    found = fg.derive(ds.assign(centred), "q_criterion", components=("a", "b", "c"))
    expected = fg.derive(alone, "q_criterion", components=("a", "b", "c"))
    np.testing.assert_array_equal(found.q_criterion, expected.q_criterion)
    with pytest.raises(ValueError, match=r"'u' lies on .* and 'p' on .*, points of a staggered grid"):
        fg.derive(ds.assign(centred), "q_criterion", components=("u", "p", "a"))


def test_a_grid_given_does_not_hide_it() -> None:
    ds = mac()
    grid = fg.infer_grid(ds.p)
    with pytest.raises(ValueError, match=r"components: 'u' lies on .*fg\.collocate\(obj\)"):
        fg.curl(ds, grid=grid)
    with pytest.raises(ValueError, match=r"components: 'u' lies on .*fg\.collocate\(obj\)"):
        fg.curl(ds, grid=grid, components=(ds.u, ds.v, ds.w))


def test_infer_grid_tells_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"dimensions 'YC' and 'YG' claim .*fg\.collocate\(obj\)"):
        fg.infer_grid(mitgcm().isel(Z=0)[["UVEL", "VVEL"]])


def test_volumes_of_sgrid_and_what_its_faces_repeat() -> None:
    ds = mac()
    volumes = " ".join(f"{name}: {name}_f (padding: none)" for name in "xyz")
    said = ds.assign(grid=topology(volume_dimensions=volumes, face1_dimensions="y: y_f (padding: none) z: z_f"))
    for name in "uvw":
        np.testing.assert_array_equal(fg.collocate(said)[name], fg.collocate(ds)[name])


def test_two_names_of_one_dimension_of_centres() -> None:
    ds = with_a_second_name("z", "z_c")
    found = fg.collocate(ds)
    assert found.v.dims == ("z", "y", "x")
    np.testing.assert_array_equal(found.v, fg.collocate(ds.assign(v=ds.v.rename(z_c="z").drop_vars("z"))).v)


def test_dimensions_without_coordinates_run_over_the_same_points_where_they_are_as_long() -> None:
    ds = with_a_second_name("z", "z_c")
    np.testing.assert_array_equal(fg.collocate(ds.drop_vars("z_c")).v, fg.collocate(ds).v)
    shorter = ds.drop_vars("z_c").isel(z_c=slice(2))
    with pytest.raises(ValueError, match="centers: dimensions 'z' and 'z_c' run along one direction over different"):
        fg.collocate(shorter)


def test_a_shift_that_is_no_number_says_nothing() -> None:
    ds = nemo()
    wanted = fg.collocate(ds, components=("uo", "vo")).uo
    for dim in ("x_f", "y_f"):
        ds[dim].attrs["c_grid_axis_shift"] = "right"
    np.testing.assert_array_equal(fg.collocate(ds, components=("uo", "vo")).uo, wanted)


def test_velocities_on_corners_share_their_points() -> None:
    """Arakawa B: all components on corners is one grid, which nothing has to be done to."""
    ds = mitgcm()
    corner = xr.Dataset({name: (("Z", "YG", "XG"), random(2, 4, 6)) for name in "uv"}, ds[["XG", "YG", "Z"]].coords)
    grid = fg.infer_grid(corner, axes={"z": None})
    assert fg.curl(corner, grid=grid).dims == ("Z", "YG", "XG")
    assert fg.collocate(corner.assign(p=(("YC", "XC"), random(4, 6))).assign_coords(XC=ds.XC, YC=ds.YC)).u.dims == (
        "Z",
        "YC",
        "XC",
    )


@pytest.mark.parametrize(
    ("work", "kind", "message"),
    [
        (lambda: fg.collocate(mac().u), TypeError, "obj: is a DataArray; pass the Dataset"),
        (lambda: fg.collocate(mac()[["p"]]), ValueError, "components: found none among the variables 'p'"),
        (lambda: fg.collocate(mac(), components="uv"), TypeError, "components: got 'uv'; it must be a sequence"),
        (lambda: fg.collocate(mac(), components=("u", "q")), ValueError, r"components: got \('u', 'q'\); name two"),
        (
            lambda: fg.collocate(xr.Dataset({"u": ("x", [1.0]), "v": ("x", [1.0])})),
            ValueError,
            r"components: 'u' on \('x',\), 'v' on \('x',\): none lies on faces",
        ),
        (lambda: fg.collocate(mac(), centers=("x_f",)), TypeError, "centers: got"),  # type: ignore[arg-type]
        (lambda: fg.collocate(mac(), centers={"x_f": "q"}), ValueError, "centers: 'q' is no dimension"),
        (
            lambda: fg.collocate(mac().isel(x_f=slice(3))),
            ValueError,
            "centers: dimension 'x_f' has 3 faces and 'x' 5 centres; there must be as many, one more or one less",
        ),
        (
            lambda: fg.collocate(mac(), periodic="x"),
            ValueError,
            "centers: dimension 'x_f' has 6 faces and 'x' 5 centres; there must be as many on a periodic axis",
        ),
        (
            lambda: fg.collocate(mac().assign(grid=topology(face_dimensions="cell: x_f (padding: none)"))),
            ValueError,
            "centers: dimension 'cell', of the centres between the faces along 'x_f', is not in the dataset",
        ),
        (
            lambda: fg.collocate(with_a_second_name("z", "z_c", 0.01)),
            ValueError,
            "centers: dimensions 'z' and 'z_c' run along one direction over different points",
        ),
        (lambda: fg.collocate(mac(), periodic="q"), ValueError, "periodic: 'q' is no dimension of faces or centres"),
        (
            lambda: fg.collocate(mac().drop_vars(["x", "x_f"]).isel(x_f=slice(5))),
            ValueError,
            "as many faces along 'x_f' as centres along 'x', and nothing tells.*c_grid_axis_shift",
        ),
        (
            lambda: fg.collocate(mac().assign_coords(x=np.arange(5.0) + 20)),
            ValueError,
            "the centre 20 at index 0 of dimension 'x' does not lie between its faces",
        ),
    ],
)
def test_messages(work: Callable[[], Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        work()


def test_two_velocities_need_a_name() -> None:
    ds = mac().assign(U=mac().u, V=mac().v)
    with pytest.raises(ValueError, match=r"components: found .*'u'.* and .*'U'.*; name the components of one velocity"):
        fg.collocate(ds)
    assert fg.collocate(ds, components=("u", "v", "w")).w.dims == ("z", "y", "x")
