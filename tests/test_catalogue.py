# SPDX-License-Identifier: BSD-3-Clause
"""The catalogue through the public functions: labels and units, the same bits in whatever company, flows known by hand.

What the point functions themselves give at a tensor is tested elsewhere against many digits. Here they serve, in a
plain loop over the stored tensor, as the measure of what the fused kernels make of the velocity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numba
import numpy as np
import pytest
import xarray as xr
from kernels.evaluating import evaluate
from numpy.typing import DTypeLike, NDArray

import fieldgrad as fg
from fieldgrad.kernels import threads

Array = NDArray[Any]

CATALOGUE = {name: record for name, record in fg.quantities().items() if record.function is None}
IN_SPACE = [name for name, record in CATALOGUE.items() if 3 in record.dimensions]
IN_PLANE = [name for name, record in CATALOGUE.items() if 2 in record.dimensions]
PLANE_ONLY = [name for name in IN_PLANE if name not in IN_SPACE]
GIVEN = {"viscosity": 0.03, "dynamic_viscosity": 0.7, "epsilon": 0.25}
# a group of four that is no group of the whole list: eigenvalues of D, of L and of D^2 + W^2, and L stored
COMPANY = ["rortex", "velocity_gradient", "lambda2", "principal_directions"]

UNITS = {
    "1": {
        "principal_directions", "lund_rogers", "vorticity_alignment", "inverse_spiralling_compactness",
        "swirling_axis", "omega_method", "kinematic_vorticity_number",
    },
    "s-1": {
        "velocity_gradient", "deformation_rate", "spin", "divergence", "vorticity", "vorticity_magnitude",
        "strain_rate_magnitude", "shear_rate", "first_invariant", "principal_strain_rates", "swirling_strength",
        "rortex", "rortex_magnitude", "stretching_deformation", "shearing_deformation", "total_deformation",
        "residual_vorticity",
    },
    "s-2": {
        "enstrophy", "second_invariant", "deformation_second_invariant", "spin_second_invariant", "q_criterion",
        "q_criterion_deviatoric", "lambda2", "okubo_weiss", "vortex_stretching",
    },
    "s-3": {
        "third_invariant", "deformation_third_invariant", "enstrophy_production", "strain_self_amplification",
    },
    "s-6": {"delta_criterion"},
    "m2 s-3": {"dissipation", "pseudo_dissipation", "dissipation_compressible"},
    "Pa": {"viscous_stress"},
    "m": {"kolmogorov_length"},
    "s": {"kolmogorov_time"},
}  # fmt: skip

NODES = {
    "x": np.cumsum([0.0, 0.3, 0.2, 0.25, 0.4, 0.2, 0.1, 0.3, 0.2]),
    "y": np.tanh(np.linspace(-1.5, 0.5, 8)),
    "z": np.linspace(1.0, -0.5, 7),
}
VELOCITIES = {"x": "u", "y": "v", "z": "w"}


@cache
def flow(dims: str = "zyx", dtype: DTypeLike = np.float64) -> xr.Dataset:
    """Random velocities, multiples of 2^-10, on stretched and on decreasing coordinates."""
    rng = np.random.default_rng(len(dims))
    shape = [len(NODES[dim]) for dim in dims]
    return xr.Dataset(
        {
            VELOCITIES[dim]: (list(dims), (np.round(1024 * rng.normal(size=shape)) / 1024).astype(dtype),
                              {"units": "m s-1"})
            for dim in sorted(dims)
        },
        {dim: (dim, NODES[dim], {"units": "m"}) for dim in dims},
    )  # fmt: skip


def derive(ds: xr.Dataset, names: Iterable[str], **options: Any) -> xr.Dataset:
    """Quantities with the parameters that they need."""
    names = list(names)
    needed = {parameter for name in names for parameter in CATALOGUE[name].parameters}
    return fg.derive(ds, names, **{name: GIVEN[name] for name in needed}, **options)


def everything(ds: xr.Dataset) -> xr.Dataset:
    """All that is defined in such a flow, in one call: the same few kernels wherever a flow has the same shape."""
    return derive(ds, IN_SPACE if "w" in ds and "v" in ds and "u" in ds else IN_PLANE)


@cache
def of_flow(dims: str = "zyx", dtype: DTypeLike = np.float64) -> xr.Dataset:
    return everything(flow(dims, dtype))


def pointwise(name: str, L: xr.DataArray, **parameters: Any) -> Array:
    """A quantity from a stored tensor, dimensions of the value first."""
    record = CATALOGUE[name]
    values = L.values.reshape(*L.shape[:2], -1)
    given = {key: parameters.get(key, GIVEN[key]) for key in record.parameters}
    result = evaluate(name, np.ascontiguousarray(np.moveaxis(values, -1, 0)), **given)
    return np.moveaxis(result, 0, -1).reshape(*result.shape[1:], *L.shape[2:])


def same_bits(found: Array, expected: Array, what: str = "") -> None:
    """Equal to the bit, signs of zeros included; NaN is NaN."""
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), what
    words = np.dtype(f"u{found.itemsize}")
    a, b = (np.where(np.isnan(one), 0, one).view(words) for one in (found, expected))
    different = (a != b) | (np.isnan(found) != np.isnan(expected))
    assert not different.any(), f"{what}: {different.sum()} of {different.size} differ"


def all_same(found: xr.Dataset, expected: xr.Dataset, names: Iterable[str] | None = None) -> None:
    for name in found if names is None else names:
        assert found[name].dims == expected[name].dims
        same_bits(found[name].values, expected[name].values, str(name))


# ---------------------------------------------------------------------------------------------------------
# what a result is called, its dimensions and its units


def labels_of(name: str, directions: Sequence[str]) -> dict[str, list[Any]]:
    axes, numbers = list(directions), list(range(1, len(directions) + 1))
    if name == "vorticity" and len(directions) == 2:
        return {}
    return {
        "scalar": {},
        "vector": {"component": axes},
        "tensor": {"component": axes, "direction": axes},
        "principal values": {"principal": numbers},
        "principal vectors": {"principal": numbers, "component": axes},
    }[CATALOGUE[name].rank]


def test_every_quantity_has_units_here() -> None:
    assert sorted(name for names in UNITS.values() for name in names) == sorted(CATALOGUE)


@pytest.mark.parametrize(
    ("name", "dims"), [(name, "zyx") for name in IN_SPACE] + [(name, "yx") for name in IN_PLANE]
)  # fmt: skip
def test_labels_and_attributes(name: str, dims: str) -> None:
    ds, result, record = flow(dims), of_flow(dims)[name], CATALOGUE[name]
    labels = labels_of(name, sorted(dims))
    assert result.name == name
    assert result.dims == (*labels, *dims)
    for dim, expected in labels.items():
        assert result[dim].values.tolist() == expected
    assert set(result.coords) == {*labels, *dims}
    for dim in dims:
        xr.testing.assert_identical(result[dim].variable, ds[dim].variable)
    (units,) = (units for units, names in UNITS.items() if name in names)
    assert result.attrs == {
        "long_name": record.long_name,
        "fieldgrad_definition": record.definition,
        "fieldgrad_grid": fg.infer_grid(ds).description,
        "units": units,
    }


@pytest.mark.parametrize("dims", ["zyx", "yx"])
def test_without_units_pure_numbers_alone_have_them(dims: str) -> None:
    bare = flow(dims).drop_attrs()
    for name, result in everything(bare).items():
        assert result.attrs.get("units") == ("1" if name in UNITS["1"] else None), name


def test_units_of_parameters_that_are_fields() -> None:
    """What the numbers stand for is not known where velocities are not in metres a second; fields say it."""
    fast = flow().copy()
    for name in "uvw":
        fast[name] = fast[name].assign_attrs(units="km s-1")
    nu = xr.DataArray(0.03, attrs={"units": "km2 s-1"})
    fast = fast.assign_coords({dim: (dim, NODES[dim], {"units": "km"}) for dim in "xyz"})
    names = ["dissipation", "pseudo_dissipation", "dissipation_compressible", "kolmogorov_length"]
    units = {name: result.attrs.get("units") for name, result in fg.derive(fast, names, viscosity=nu).items()}
    assert units == dict(zip(names, ["km2 s-3"] * 3 + ["km"], strict=True))
    units = {name: result.attrs.get("units") for name, result in fg.derive(fast, names, viscosity=0.03).items()}
    assert units == dict.fromkeys(names)


# ---------------------------------------------------------------------------------------------------------
# the same bits alone, among others, from L stored, in any layout, on any number of threads


@pytest.mark.parametrize(
    ("name", "dims"), [(name, "zyx") for name in IN_SPACE] + [(name, "yx") for name in IN_PLANE]
)  # fmt: skip
def test_a_long_list_gives_the_bits_of_the_stored_tensor(name: str, dims: str) -> None:
    L = fg.velocity_gradient(flow(dims))
    found = of_flow(dims)[name].values
    if name in ("inverse_spiralling_compactness", "kinematic_vorticity_number"):
        assert np.isfinite(found).any()
    else:
        assert np.isfinite(found).all()
    same_bits(found, pointwise(name, L), name)


# The others compile for a minute.
ALONE = ("vorticity", "q_criterion", "lambda2", "swirling_strength", "dissipation")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ALONE else pytest.mark.slow) for name in IN_SPACE]
)
def test_alone_as_in_a_long_list(name: str) -> None:
    all_same(derive(flow(), [name]), of_flow())


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PLANE)
def test_alone_as_in_a_long_list_in_a_plane(name: str) -> None:
    all_same(derive(flow("yx"), [name]), of_flow("yx"))


@pytest.mark.slow
def test_in_other_company_and_order() -> None:
    for names in (COMPANY, COMPANY[::-1]):
        found = derive(flow(), names)
        assert list(found) == names
        all_same(found, of_flow())


@pytest.mark.slow
@pytest.mark.parametrize("dims", ["zyx", "yx"])
def test_the_whole_list_in_other_orders(dims: str) -> None:
    names = list(of_flow(dims))
    shuffled = np.random.default_rng(5).permutation(names).tolist()
    for order in (names[::-1], names[2:] + names[:2], shuffled):
        found = derive(flow(dims), order)
        assert list(found) == order
        all_same(found, of_flow(dims))


SINGLE = ["swirling_axis", "principal_strain_rates", "delta_criterion", "viscous_stress"]


@pytest.mark.parametrize(
    ("dims", "names"),
    [
        ("zyx", SINGLE),
        pytest.param("zyx", IN_SPACE, marks=pytest.mark.slow),
        pytest.param("yx", IN_PLANE, marks=pytest.mark.slow),
    ],
    ids=["some", "all", "all in a plane"],
)
def test_single_precision(dims: str, names: list[str]) -> None:
    ds = flow(dims, np.float32)
    found, L = derive(ds, names), fg.velocity_gradient(ds)
    for name in names:
        assert found[name].dtype == np.float32
        same_bits(found[name].values, pointwise(name, L), name)


def laid_out(ds: xr.Dataset, dims: Sequence[str]) -> xr.Dataset:
    """The same flow with memory in another order."""
    turned = ds.transpose(*dims)
    return turned.map(lambda field: field.copy(data=np.ascontiguousarray(field.values)))


@pytest.mark.slow
@pytest.mark.parametrize("names", [COMPANY, IN_SPACE], ids=["some", "all"])
def test_order_of_memory_and_of_dimensions(names: list[str]) -> None:
    expected = of_flow()
    fortran = flow().map(lambda field: field.copy(data=np.asfortranarray(field.values)))
    assert fortran.u.values.flags.f_contiguous
    all_same(derive(fortran, names), expected, names)
    for dims in ("xyz", "yzx"):
        for obj in (flow().transpose(*dims), laid_out(flow(), dims)):
            found = derive(obj, names)
            for name in names:
                leading = tuple(labels_of(name, "xyz"))
                assert found[name].dims == (*leading, *dims)
                same_bits(found[name].transpose(*leading, *"zyx").values, expected[name].values, name)


def test_a_dimension_of_time_in_front() -> None:
    ds = flow()
    found = everything(xr.concat([ds, 2 * ds, 0 * ds], "time"))
    assert found.enstrophy.dims == ("time", "z", "y", "x")
    assert found.principal_directions.dims == ("principal", "component", "time", "z", "y", "x")
    for number, factor in enumerate((1, 2, 0)):
        all_same(found.isel(time=number), everything(factor * ds))
    # a factor of two is exact in every power
    for name, record in CATALOGUE.items():
        if name in IN_SPACE and name not in ("omega_method", "kolmogorov_length"):
            same_bits(found[name].isel(time=1).values, found[name].isel(time=0).values * 2.0**record.power, name)


@pytest.fixture
def use_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Set the number of threads, also for the smallest fields."""
    before = numba.get_num_threads()
    monkeypatch.setattr(threads, "SERIAL_BELOW", 0)
    yield numba.set_num_threads
    numba.set_num_threads(before)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread alone")
def test_threads(use_threads: Any) -> None:
    for count in (1, 2):
        use_threads(count)
        all_same(everything(flow()), of_flow())


def test_pieces_of_a_field() -> None:
    """Away from the cuts, where the stencils are one-sided, a part of the field gives the bits of the whole."""
    part = {"x": slice(1, 8), "y": slice(1, 8), "z": slice(0, 6)}
    inside = {"x": slice(1, -1), "y": slice(1, -1), "z": slice(0, -1)}
    all_same(everything(flow().isel(part)).isel(inside), of_flow().isel(part).isel(inside))


def test_arrays_and_accessors_give_the_same() -> None:
    ds, expected = flow(), of_flow()
    fields, nodes = [ds[name].values for name in "uvw"], [NODES[name] for name in "xyz"]
    found = fg.array.derive(fields, IN_SPACE, *nodes, axes=(2, 1, 0), **GIVEN)
    assert list(found) == IN_SPACE
    for name, values in found.items():
        same_bits(values, expected[name].values, name)
    xr.testing.assert_identical(ds.fieldgrad.derive(IN_SPACE, **GIVEN), expected)
    stacked = xr.concat([ds.u, ds.v, ds.w], xr.Variable("component", ["x", "y", "z"]), combine_attrs="identical")
    all_same(stacked.fieldgrad.derive(IN_SPACE, **GIVEN), expected)


def test_memory_of_the_callers_own() -> None:
    """Every rank into given memory, of other strides than the results have by themselves."""
    ds, expected = flow(), of_flow()
    fields, nodes = [ds[name].values for name in "uvw"], [NODES[name] for name in "xyz"]
    out = {name: np.full(expected[name].shape, -7.0) for name in IN_SPACE}
    out["rortex"] = np.full(expected.rortex.shape[::-1], -7.0).T
    out["lambda2"] = np.full((7, 8, 18), -7.0)[:, :, ::2]
    found = fg.array.derive(fields, IN_SPACE, *nodes, axes=(2, 1, 0), out=out, **GIVEN)
    for name in IN_SPACE:
        assert found[name] is out[name]
        same_bits(np.ascontiguousarray(out[name]), expected[name].values, name)


@pytest.mark.parametrize("dims", ["zyx", "yx"])
def test_nan_stays_within_the_footprint(dims: str) -> None:
    """In one point of u: what depends on a derivative of it there is NaN, and no bit elsewhere has changed."""
    at = {"x": 4, "y": 4, "z": 3}
    ds = flow(dims).copy(deep=True)
    ds.u[{dim: at[dim] for dim in dims}] = np.nan
    found, clean = everything(ds), of_flow(dims)
    L = fg.velocity_gradient(ds)
    touched = np.isnan(L).any(["component", "direction"])
    cross = xr.zeros_like(touched)
    for dim in dims:
        cross[{other: at[other] if other != dim else slice(at[dim] - 1, at[dim] + 2) for other in dims}] = True
    xr.testing.assert_equal(touched, cross)
    parts = {"velocity_gradient", "deformation_rate", "spin", "vorticity", "viscous_stress"}
    for name, result in found.items():
        same_bits(result.values, pointwise(str(name), L), str(name))
        same_bits(result.values[..., ~touched.values], clean[name].values[..., ~touched.values], str(name))
        if name not in parts:
            assert np.isnan(result.isel({dim: at[dim] for dim in dims})).all(), name


@pytest.mark.slow
def test_parameters_that_are_fields() -> None:
    ds = flow()
    L = fg.velocity_gradient(ds)
    field = xr.DataArray(np.linspace(0.1, 2.0, ds.u.size).reshape(ds.u.shape), ds.u.coords, ds.u.dims)
    along_y = xr.DataArray(np.linspace(0.5, 1.5, 8), {"y": ds.y}, "y")
    for names, key in (
        (["dissipation", "pseudo_dissipation", "dissipation_compressible", "kolmogorov_length"], "viscosity"),
        (["kolmogorov_time"], "viscosity"),
        (["viscous_stress"], "dynamic_viscosity"),
        (["omega_method"], "epsilon"),
    ):
        for given in (field, field.transpose("x", "z", "y"), along_y):
            found = fg.derive(ds, names, **{key: given})
            flat = given.broadcast_like(ds.u).transpose(*ds.u.dims).values.reshape(-1)
            for name in names:
                same_bits(found[name].values, pointwise(name, L, **{key: flat}), name)
        stored = ds.assign(mine=field)
        all_same(fg.derive(stored, names, **{key: "mine"}), fg.derive(ds, names, **{key: field}))


def test_viscosities_follow_from_each_other() -> None:
    """The quotient and the product are taken before the kernel, in the precision of the numbers that were given."""
    names = ["viscous_stress", "dissipation"]
    expected = fg.derive(flow(), names, viscosity=0.375, dynamic_viscosity=0.75)
    for given in (
        {"viscosity": 0.375, "density": 2.0},
        {"dynamic_viscosity": 0.75, "density": 2.0},
        {"viscosity": 0.375, "dynamic_viscosity": 0.75, "density": 2.0},
    ):
        xr.testing.assert_identical(fg.derive(flow(), names, **given), expected)


# ---------------------------------------------------------------------------------------------------------
# flows whose gradient is uniform: differences on spacings of powers of two are exact


HALVES = np.arange(-2.0, 2.5, 0.5)
GAMMA = 4.0
NU, MU, EPSILON = GIVEN["viscosity"], GIVEN["dynamic_viscosity"], GIVEN["epsilon"]
ROOT = np.sqrt

ROTATION = {
    "deformation_rate": np.zeros((3, 3)),
    "spin": [[0, -2, 2], [2, 0, -1], [-2, 1, 0]],
    "divergence": 0,
    "vorticity": [2, 4, 4],
    "vorticity_magnitude": 6,
    "enstrophy": 18,
    "strain_rate_magnitude": 0,
    "first_invariant": 0,
    "second_invariant": 9,
    "third_invariant": 0,
    "deformation_second_invariant": 0,
    "deformation_third_invariant": 0,
    "spin_second_invariant": 9,
    "principal_strain_rates": [0, 0, 0],
    "lund_rogers": np.nan,
    "q_criterion": 9,
    "q_criterion_deviatoric": 9,
    "delta_criterion": 27,
    "lambda2": -9,
    "swirling_strength": 3,
    "inverse_spiralling_compactness": 0,
    "swirling_axis": [1 / 3, 2 / 3, 2 / 3],
    "rortex": [2, 4, 4],
    "rortex_magnitude": 6,
    "omega_method": 18 / (18 + EPSILON),
    "kinematic_vorticity_number": np.nan,
    "viscous_stress": np.zeros((3, 3)),
    "dissipation": 0,
    "pseudo_dissipation": 18 * NU,
    "dissipation_compressible": 0,
    "kolmogorov_length": np.nan,
    "kolmogorov_time": np.nan,
    "vortex_stretching": [0, 0, 0],
    "enstrophy_production": 0,
    "strain_self_amplification": 0,
}
STRAIN = {
    "velocity_gradient": np.diag([2, 1, -3]),
    "spin": np.zeros((3, 3)),
    "divergence": 0,
    "vorticity": [0, 0, 0],
    "strain_rate_magnitude": ROOT(14),
    "shear_rate": ROOT(28),
    "second_invariant": -7,
    "third_invariant": 6,
    "deformation_second_invariant": -7,
    "deformation_third_invariant": 6,
    "spin_second_invariant": 0,
    "principal_strain_rates": [2, 1, -3],
    "principal_directions": np.eye(3),
    "lund_rogers": 18 * ROOT(6) / 14**1.5,
    "vorticity_alignment": [np.nan] * 3,
    "q_criterion": -7,
    "q_criterion_deviatoric": -7,
    "delta_criterion": -100 / 27,
    "lambda2": 4,
    "swirling_strength": 0,
    "inverse_spiralling_compactness": np.nan,
    "swirling_axis": [0, 0, 0],
    "rortex": [0, 0, 0],
    "rortex_magnitude": 0,
    "omega_method": 0,
    "kinematic_vorticity_number": 0,
    "viscous_stress": 2 * MU * np.diag([2, 1, -3]),
    "dissipation": 28 * NU,
    "pseudo_dissipation": 14 * NU,
    "dissipation_compressible": 28 * NU,
    "kolmogorov_length": (NU**3 / (28 * NU)) ** 0.25,
    "kolmogorov_time": (NU / (28 * NU)) ** 0.5,
    "strain_self_amplification": 18,
    "enstrophy_production": 0,
}
EXPANSION = {
    "divergence": 3,
    "first_invariant": -3,
    "second_invariant": 2,
    "third_invariant": 0,
    "q_criterion": -2.5,
    "q_criterion_deviatoric": -1,
    "principal_strain_rates": [2, 1, 0],
    "lambda2": 1,
    "lund_rogers": 0,
    "viscous_stress": 2 * MU * np.diag([1, 0, -1]),
    "dissipation": 10 * NU,
    "dissipation_compressible": 4 * NU,
    "strain_self_amplification": -9,
}
SHEAR = {
    "velocity_gradient": [[0, 4, 0], [0, 0, 0], [0, 0, 0]],
    "deformation_rate": [[0, 2, 0], [2, 0, 0], [0, 0, 0]],
    "spin": [[0, 2, 0], [-2, 0, 0], [0, 0, 0]],
    "vorticity": [0, 0, -4],
    "vorticity_magnitude": 4,
    "enstrophy": 8,
    "strain_rate_magnitude": ROOT(8),
    "shear_rate": 4,
    "second_invariant": 0,
    "deformation_second_invariant": -4,
    "spin_second_invariant": 4,
    "principal_strain_rates": [2, 0, -2],
    "principal_directions": [[ROOT(0.5), ROOT(0.5), 0], [0, 0, 1], [ROOT(0.5), -ROOT(0.5), 0]],
    "lund_rogers": 0,
    "vorticity_alignment": [0, 1, 0],
    "q_criterion": 0,
    "delta_criterion": 0,
    "lambda2": 0,
    "swirling_strength": 0,
    "inverse_spiralling_compactness": np.nan,
    "swirling_axis": [0, 0, 0],
    "rortex": [0, 0, 0],
    "omega_method": 8 / (16 + EPSILON),
    "kinematic_vorticity_number": 1,
    "viscous_stress": [[0, 4 * MU, 0], [4 * MU, 0, 0], [0, 0, 0]],
    "dissipation": 16 * NU,
    "pseudo_dissipation": 16 * NU,
    "dissipation_compressible": 16 * NU,
    "kolmogorov_length": ROOT(NU / 4),
    "kolmogorov_time": 1 / 4,
    "vortex_stretching": [0, 0, 0],
    "enstrophy_production": 0,
    "strain_self_amplification": 0,
}
# a vortex about z that is stretched along z: eigenvalues 2 and -1 +- 3i
STRETCHED = {
    "velocity_gradient": [[-1, -3, 0], [3, -1, 0], [0, 0, 2]],
    "vorticity": [0, 0, 6],
    "vorticity_alignment": [1, 0, 0],
    "second_invariant": 6,
    "third_invariant": -20,
    "q_criterion": 6,
    "delta_criterion": 8 + 100,
    "lambda2": -8,
    "lund_rogers": -1,
    "swirling_strength": 3,
    "inverse_spiralling_compactness": -1 / 3,
    "swirling_axis": [0, 0, 1],
    "rortex": [0, 0, 6],
    "omega_method": 18 / (24 + EPSILON),
    "kinematic_vorticity_number": ROOT(3),
    "vortex_stretching": [0, 0, 12],
    "enstrophy_production": 72,
    "strain_self_amplification": -6,
}


def linear(L: Any, labels: str = "xyz") -> xr.Dataset:
    """Velocity L x on the coordinates of which the labels tell."""
    nodes = {label: xr.DataArray(HALVES, dims=label, coords={label: HALVES}) for label in labels}
    order = sorted(labels, reverse=True)
    zero = sum(0 * node for node in nodes.values())
    fields = {
        VELOCITIES[row]: zero + sum(L[i][j] * nodes[column] for j, column in enumerate(labels))
        for i, row in enumerate(labels)
    }
    return laid_out(xr.Dataset(fields), order)


@pytest.mark.parametrize(
    ("ds", "known"),
    [
        (fg.flows.solid_body_rotation(HALVES, HALVES, HALVES, angular_velocity=(1.0, 2.0, 2.0)).dataset, ROTATION),
        (fg.flows.pure_strain(HALVES, HALVES, HALVES, rates=(2.0, 1.0, -3.0)).dataset, STRAIN),
        (fg.flows.pure_strain(HALVES, HALVES, HALVES, rates=(2.0, 1.0, 0.0)).dataset, EXPANSION),
        (fg.flows.couette(HALVES, HALVES, z=HALVES, wall_velocity=GAMMA).dataset, SHEAR),
        (linear(STRETCHED["velocity_gradient"]), STRETCHED),
    ],
    ids=["rotation", "strain", "expansion", "shear", "stretched vortex"],
)
def test_flows_known_by_hand(ds: xr.Dataset, known: Mapping[str, Any]) -> None:
    found = everything(ds)
    for name, value in known.items():
        expected = np.asarray(value, float)
        result = found[name].values
        rounding = 8 * np.finfo(float).eps * max(1.0, np.nan_to_num(np.abs(expected)).max())
        whole = np.broadcast_to(expected[..., None, None, None], result.shape)
        np.testing.assert_allclose(result, whole, rtol=0, atol=rounding, err_msg=name)


# u_x = 1, u_y = -5, v_x = 3, v_y = 2, and the same with the labels of other planes
PLANE = [[1.0, -5.0], [3.0, 2.0]]
TURN = ROOT(1.25)
# unit eigenvectors of ((1, -1), (-1, 2)), their larger component positive
SLOPE = (1 - ROOT(5)) / 2
ALONG = ROOT(1 + SLOPE**2)
IN_PLANE_BY_HAND = {
    "velocity_gradient": PLANE,
    "deformation_rate": [[1, -1], [-1, 2]],
    "spin": [[0, -4], [4, 0]],
    "divergence": 3,
    "vorticity_magnitude": 8,
    "enstrophy": 32,
    "strain_rate_magnitude": ROOT(7),
    "second_invariant": 17,
    "q_criterion": 12.5,
    "q_criterion_deviatoric": 14.75,
    "principal_strain_rates": [1.5 + TURN, 1.5 - TURN],
    "principal_directions": [[SLOPE / ALONG, 1 / ALONG], [1 / ALONG, -SLOPE / ALONG]],
    "swirling_strength": ROOT(14.75),
    "inverse_spiralling_compactness": 1.5 / ROOT(14.75),
    "omega_method": 32 / (39 + EPSILON),
    "kinematic_vorticity_number": ROOT(32 / 7),
    "okubo_weiss": 5 - 64,
    "stretching_deformation": -1,
    "shearing_deformation": -2,
    "total_deformation": ROOT(5),
    "viscous_stress": [[0, -2 * MU], [-2 * MU, 2 * MU]],
    "dissipation": 14 * NU,
    "pseudo_dissipation": 39 * NU,
    "dissipation_compressible": 2 * NU * (7 - 3),
}
# those that have a form of their own in planes, and every rank
PARTS = [
    "vorticity", "residual_vorticity", "stretching_deformation", "shearing_deformation",
    "principal_directions", "principal_strain_rates", "viscous_stress", "okubo_weiss",
]  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("xy", IN_PLANE),
        ("xz", PARTS),
        pytest.param("yz", PARTS, marks=pytest.mark.slow),
        pytest.param("xz", IN_PLANE, marks=pytest.mark.slow),
        pytest.param("yz", IN_PLANE, marks=pytest.mark.slow),
    ],
)
def test_planes_known_by_hand(labels: str, names: list[str], sign: int) -> None:
    """About the normal y the vorticity is u_z - w_x: z follows y, and x follows z. Minus L turns the other way."""
    found = derive(linear(sign * np.array(PLANE), labels), names)
    about = {"xy": 8.0, "yz": 8.0, "xz": -8.0}[labels] * sign
    known: dict[str, Any] = {
        **IN_PLANE_BY_HAND,
        "vorticity": about,
        "residual_vorticity": np.sign(about) * (8 - ROOT(5)),
    }
    odd = ("velocity_gradient", "deformation_rate", "spin", "divergence", "stretching_deformation",
           "shearing_deformation", "viscous_stress", "inverse_spiralling_compactness")  # fmt: skip
    for name in names:
        if name not in known:
            continue
        expected = np.asarray(known[name], float) * (sign if name in odd else 1)
        if sign < 0 and name == "principal_strain_rates":
            expected = -expected[::-1]
        if sign < 0 and name == "principal_directions":
            expected = expected[::-1]
        result = found[name]
        for dim, values in labels_of(name, labels).items():
            assert result[dim].values.tolist() == values
        whole = np.broadcast_to(expected[..., None, None], result.shape)
        np.testing.assert_allclose(result.values, whole, rtol=0, atol=64 * np.finfo(float).eps * 8, err_msg=name)


def test_shear_in_a_plane() -> None:
    """Pure shear has no residual vorticity, and no swirl; its Okubo-Weiss parameter vanishes."""
    ds = fg.flows.couette(HALVES, HALVES, wall_velocity=GAMMA).dataset
    found = everything(ds)
    for name in ("residual_vorticity", "swirling_strength", "okubo_weiss", "q_criterion", "q_criterion_deviatoric"):
        assert not found[name].any(), name
    assert (found.vorticity == -4).all()
    assert (found.total_deformation == 4).all()
    assert np.isnan(found.inverse_spiralling_compactness).all()


@pytest.mark.slow
@pytest.mark.parametrize("names", [PARTS, IN_PLANE], ids=["some", "all"])
def test_planes_are_one_flow_with_other_labels(names: list[str]) -> None:
    """x, y become y, z and z, x. In x-z the labels stand in the order x, z, which turns differences about."""
    flat = flow("yx")
    expected = derive(flat, names)
    for turned in ({"x": "y", "y": "z"}, {"x": "z", "y": "x"}):
        renamed = flat.rename({**turned, **{VELOCITIES[old]: VELOCITIES[new] for old, new in turned.items()}})
        order = sorted(turned.values(), reverse=True)
        found = derive(laid_out(renamed, order), names)
        for name in names:
            there, here = found[name], expected[name]
            back = {new: old for old, new in turned.items()}
            labels = {dim: [back[label] for label in there[dim].values] for dim in there.dims if dim in LABELLED}
            assert {dim: there[dim].values.tolist() for dim in labels} == dict.fromkeys(labels, sorted(back))
            there = there.drop_vars([*back, *labels]).rename(back).assign_coords(labels)
            there = there.sel({dim: ["x", "y"] for dim in labels}).transpose(*here.dims)
            sign = -1 if name == "stretching_deformation" and turned["x"] == "z" else 1
            near(there.values, sign * here.values, name)


LABELLED = ("component", "direction")


def near(found: Array, expected: Array, name: str) -> None:
    """Equal but for rounding, which quotients of small numbers and directions enlarge."""
    largest = np.nanmax(np.abs(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11 * largest, err_msg=name)


def test_cyclic_permutation_of_the_axes() -> None:
    """x becomes y, y becomes z, z becomes x: a turned flow, so that scalars stay and vectors turn with it."""
    turned = {"x": "y", "y": "z", "z": "x"}
    back = {new: old for old, new in turned.items()}
    ds = flow().rename({**turned, **{VELOCITIES[old]: VELOCITIES[new] for old, new in turned.items()}})
    found = everything(laid_out(ds, "zyx"))
    for name, here in of_flow().items():
        there = found[name]
        labels = {dim: [back[label] for label in there[dim].values] for dim in there.dims if dim in LABELLED}
        there = there.drop_vars([*"xyz", *labels]).rename(back).assign_coords(labels)
        there = there.sel({dim: list("xyz") for dim in labels}).transpose(*here.dims)
        near(there.values, here.values, str(name))


@pytest.mark.parametrize("dims", ["zyx", "yx"])
def test_galilean_invariance(dims: str) -> None:
    """Differences of multiples of 2^-10 are exact, so that an observer who moves along sees the same bits."""
    moving = flow(dims).copy(deep=True)
    for name, speed in zip(sorted(moving.data_vars), (3.0, -40.5, 128.0), strict=False):
        moving[name] = moving[name] + speed
        moving[name].attrs["units"] = "m s-1"
    all_same(everything(moving), of_flow(dims))


# ---------------------------------------------------------------------------------------------------------
# what is refused


@pytest.mark.parametrize("name", [name for name, record in CATALOGUE.items() if record.parameters])
def test_parameters_that_are_missing_or_unknown(name: str) -> None:
    (needed,) = CATALOGUE[name].parameters
    others = {
        "viscosity": ["dynamic_viscosity", "density"],
        "dynamic_viscosity": ["viscosity", "density"],
        "epsilon": [],
    }
    instead = f", or {'= and '.join(others[needed])}=" if others[needed] else ""
    with pytest.raises(TypeError, match=rf"^{needed}: missing, but '{name}' needs it; pass {needed}={instead}$"):
        fg.derive(flow("yx"), name)
    known = ", ".join(f"'{one}'" for one in (needed, *others[needed]))
    for given in ({"nu": 1.0}, {"nu": 1.0, needed: 1.0}):
        with pytest.raises(TypeError, match=rf"^nu: no quantity of '{name}' takes this parameter; they take {known}$"):
            fg.derive(flow("yx"), name, **given)
        with pytest.raises(TypeError, match=r"^nu: no quantity of .* takes this parameter"):
            fg.array.derive([flow("yx").u.values, flow("yx").v.values], name, 1.0, **given)


def test_of_several_the_ones_that_need_a_parameter_are_named() -> None:
    names = ["vorticity", "dissipation", "omega_method", "pseudo_dissipation"]
    with pytest.raises(TypeError, match=r"viscosity: missing, but 'dissipation', 'pseudo_dissipation' needs? it"):
        fg.derive(flow("yx"), names, epsilon=1.0)
    with pytest.raises(TypeError, match=r"epsilon: missing, but 'omega_method' needs it; pass epsilon="):
        fg.derive(flow("yx"), names, viscosity=1.0)
    with pytest.raises(TypeError, match=r"density: no quantity of .* they take 'epsilon'"):
        fg.derive(flow("yx"), ["vorticity", "omega_method"], epsilon=1.0, density=1.0)


@pytest.mark.parametrize("name", CATALOGUE)
def test_flows_in_which_it_is_not_defined(name: str) -> None:
    dimensions = set(CATALOGUE[name].dimensions)
    given = {key: GIVEN[key] for key in CATALOGUE[name].parameters}
    allowed = " and ".join(f"{number}-D" for number in sorted(dimensions))
    for dims, these in (("x", r"1 direction \(x\)"), ("zy", r"2 directions \(y, z\)"), ("zyx", r"3 directions .*")):
        if len(dims) not in dimensions:
            with pytest.raises(ValueError, match=rf"^quantities: '{name}' is defined in {allowed} flows; .* {these}$"):
                fg.derive(flow(dims), name, **given)
            nodes, fields = [NODES[dim] for dim in dims], [field.values for field in flow(dims).values()]
            if dims != "zy":
                with pytest.raises(ValueError, match=rf"^quantities: '{name}' is defined in {allowed} flows"):
                    fg.array.derive(fields, name, *nodes, **given)


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in ("velocity_gradient", "vorticity")])
def test_three_components_on_a_plane_are_refused(name: str) -> None:
    if name in IN_PLANE:
        given = {key: GIVEN[key] for key in CATALOGUE[name].parameters}
        ds = flow().isel(z=0)
        if CATALOGUE[name].axial:
            xr.testing.assert_identical(fg.derive(ds, name), fg.derive(ds, name, components=["u", "v"]))
        else:
            with pytest.raises(ValueError, match=rf"'{name}' needs as many components as directions"):
                fg.derive(ds, name, **given)


@pytest.mark.parametrize("dims", ["zyx", pytest.param("yx", marks=pytest.mark.slow)])
def test_complex_velocities(dims: str) -> None:
    """Linear quantities are those of the real and of the imaginary part; the others are refused."""
    real, imaginary = flow(dims), flow(dims).map(lambda field: field * field)
    ds = real + 1j * imaginary
    names = [str(name) for name in of_flow(dims) if CATALOGUE[str(name)].linear]
    assert len(names) == {"zyx": 6, "yx": 8}[dims]
    found = fg.derive(ds, names)
    for name in names:
        assert found[name].dtype == np.complex128
        same_bits(np.ascontiguousarray(found[name].values.real), of_flow(dims)[name].values, name)
    parts = everything(imaginary)
    for name in names:
        same_bits(np.ascontiguousarray(found[name].values.imag), parts[name].values, name)
    for name in set(of_flow(dims)) - set(names):
        with pytest.raises(TypeError, match=f"^quantities: '{name}' is not linear, so it is not defined for a complex"):
            derive(ds, [str(name)])
