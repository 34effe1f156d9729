# SPDX-License-Identifier: BSD-3-Clause
"""The registry: its records, its table, and what becomes of the parameters that a caller gives."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import sys
from collections.abc import Iterator
from fractions import Fraction
from html import unescape
from typing import Any

import pytest

import fieldgrad as fg
from fieldgrad import Quantity
from fieldgrad.parameters import PARAMETERS
from fieldgrad.quantities import Table, chosen, quantity, register_quantity

# The names, ranks, dimensions, parameters and powers of L (from which units follow) that the catalogue promises.
KNOWN = {
    "velocity_gradient": ("tensor", {2, 3}, (), 1),
    "deformation_rate": ("tensor", {2, 3}, (), 1),
    "spin": ("tensor", {2, 3}, (), 1),
    "divergence": ("scalar", {2, 3}, (), 1),
    "vorticity": ("vector", {2, 3}, (), 1),
    "vorticity_magnitude": ("scalar", {2, 3}, (), 1),
    "enstrophy": ("scalar", {2, 3}, (), 2),
    "strain_rate_magnitude": ("scalar", {2, 3}, (), 1),
    "shear_rate": ("scalar", {2, 3}, (), 1),
    "first_invariant": ("scalar", {2, 3}, (), 1),
    "second_invariant": ("scalar", {2, 3}, (), 2),
    "third_invariant": ("scalar", {3}, (), 3),
    "deformation_second_invariant": ("scalar", {3}, (), 2),
    "deformation_third_invariant": ("scalar", {3}, (), 3),
    "spin_second_invariant": ("scalar", {3}, (), 2),
    "principal_strain_rates": ("principal values", {2, 3}, (), 1),
    "principal_directions": ("principal vectors", {2, 3}, (), 0),
    "lund_rogers": ("scalar", {3}, (), 0),
    "vorticity_alignment": ("principal values", {3}, (), 0),
    "q_criterion": ("scalar", {2, 3}, (), 2),
    "q_criterion_deviatoric": ("scalar", {2, 3}, (), 2),
    "delta_criterion": ("scalar", {3}, (), 6),
    "lambda2": ("scalar", {3}, (), 2),
    "swirling_strength": ("scalar", {2, 3}, (), 1),
    "inverse_spiralling_compactness": ("scalar", {2, 3}, (), 0),
    "swirling_axis": ("vector", {3}, (), 0),
    "rortex": ("vector", {3}, (), 1),
    "rortex_magnitude": ("scalar", {3}, (), 1),
    "omega_method": ("scalar", {2, 3}, ("epsilon",), 0),
    "kinematic_vorticity_number": ("scalar", {2, 3}, (), 0),
    "okubo_weiss": ("scalar", {2}, (), 2),
    "stretching_deformation": ("scalar", {2}, (), 1),
    "shearing_deformation": ("scalar", {2}, (), 1),
    "total_deformation": ("scalar", {2}, (), 1),
    "residual_vorticity": ("scalar", {2}, (), 1),
    "viscous_stress": ("tensor", {2, 3}, ("dynamic_viscosity",), 1),
    "dissipation": ("scalar", {2, 3}, ("viscosity",), 2),
    "pseudo_dissipation": ("scalar", {2, 3}, ("viscosity",), 2),
    "dissipation_compressible": ("scalar", {2, 3}, ("viscosity",), 2),
    "kolmogorov_length": ("scalar", {2, 3}, ("viscosity",), Fraction(-1, 2)),
    "kolmogorov_time": ("scalar", {2, 3}, ("viscosity",), -1),
    "vortex_stretching": ("vector", {3}, (), 2),
    "enstrophy_production": ("scalar", {3}, (), 3),
    "strain_self_amplification": ("scalar", {3}, (), 3),
}
LINEAR = {
    "velocity_gradient", "deformation_rate", "spin", "divergence", "vorticity", "first_invariant",
    "stretching_deformation", "shearing_deformation",
}  # fmt: skip
BUILT_IN = [name for name, record in fg.quantities().items() if record.function is None]


def test_the_catalogue_is_whole() -> None:
    assert list(KNOWN) == BUILT_IN


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known(name: str) -> None:
    rank, dimensions, parameters, power = KNOWN[name]
    record = fg.quantities()[name]
    assert record.name == name
    assert record.rank == rank
    assert set(record.dimensions) - {1} == dimensions
    assert (record.parameters, record.power, record.linear) == (parameters, power, name in LINEAR)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_record_is_complete(name: str) -> None:
    record = fg.quantities()[name]
    assert re.fullmatch("[a-z][a-z0-9_]*", record.name)
    for text in (record.symbol, record.long_name, record.definition, record.formula, record.reference):
        assert text == text.strip() != ""
    assert re.search(r"\(\d{4}\)", record.reference), "the reference names no year"
    assert set(record.dimensions) <= {1, 2, 3}
    assert set(record.parameters) <= set(PARAMETERS)
    assert not record.linear or record.power == 1


def test_records_are_frozen_and_travel() -> None:
    record = quantity("dissipation")
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.power = 3  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(record)) == record
    assert copy.deepcopy(record) == record
    assert hash(record) == hash(quantity("dissipation"))


def test_table_is_a_mapping_that_cannot_change_the_registry() -> None:
    table = fg.quantities()
    assert isinstance(table, Table)
    assert len(table) == len(list(table)) >= len(KNOWN)
    assert set(KNOWN) <= set(table)
    assert isinstance(table["spin"], Quantity)
    with pytest.raises(TypeError):
        table["spin"] = table["vorticity"]  # type: ignore[index]
    with pytest.raises(KeyError):
        table["speed"]


def test_table_shows_itself() -> None:
    table = fg.quantities()
    lines = repr(table).splitlines()
    assert lines[0].split() == ["name", "rank", "dim", "parameters", "definition"]
    assert len(lines) == len(table) + 1
    for line, record in zip(lines[1:], table.values(), strict=True):
        assert line.startswith(record.name)
        assert line.endswith(record.definition)
    # columns line up
    assert len({line.index(record.rank) for line, record in zip(lines[1:], table.values(), strict=True)}) == 1
    html = table._repr_html_()
    assert html.count("<tr>") == len(table) + 1
    for record in table.values():
        assert f"<code>{record.name}</code>" in html
        assert record.formula in unescape(html)


def test_unknown_quantity_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"quantities: 'vortcity' is not known; there are .*vorticity"):
        quantity("vortcity")
    with pytest.raises(TypeError, match=r"quantities: 3 is no name of a quantity; pass strings"):
        quantity(3)  # type: ignore[arg-type]


def test_chosen_takes_one_name_or_several_each_once() -> None:
    assert [record.name for record in chosen("spin")] == ["spin"]
    names = (name for name in ("spin", "divergence", "spin"))
    assert [record.name for record in chosen(names)] == ["spin", "divergence"]
    with pytest.raises(ValueError, match=r"quantities: is empty; .* fg.quantities\(\) shows"):
        chosen([])
    with pytest.raises(TypeError, match=r"quantities: got 5; pass a name such as 'vorticity'"):
        chosen(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"quantities: None is no name of a quantity"):
        chosen([None])  # type: ignore[list-item]


def squared_shear(L: Any, gain: Any) -> Any:
    return gain * (L[0][1] + L[1][0]) ** 2


@pytest.fixture
def record() -> Iterator[Quantity]:
    """A quantity of one's own, known as long as the test runs."""
    record = Quantity("squared_shear", squared_shear, power=2, parameters=("gain",))
    register_quantity(record)
    yield record
    sys.modules["fieldgrad.quantities"]._registry.pop("squared_shear", None)  # type: ignore[attr-defined]


def test_an_own_quantity_is_known_by_its_name(record: Quantity) -> None:
    assert fg.quantities()["squared_shear"] is record
    assert chosen("squared_shear") == [record]
    assert (record.long_name, record.definition, record.dims) == ("squared shear", "squared_shear", ())
    assert "squared_shear" in repr(fg.quantities())
    assert pickle.loads(pickle.dumps(record)) == record


def test_an_own_quantity_may_be_replaced(record: Quantity) -> None:
    other = dataclasses.replace(record, function=max)
    register_quantity(other)
    assert fg.quantities()["squared_shear"] is other


def test_an_own_quantity_need_not_be_registered() -> None:
    record = Quantity("mine", squared_shear, parameters=("gain",))
    assert chosen(["vorticity", record, record]) == [quantity("vorticity"), record]
    assert chosen(record) == [record]
    with pytest.raises(ValueError, match=r"quantities: two different ones are called 'mine'; rename one of them"):
        chosen([record, dataclasses.replace(record, power=3)])
    with pytest.raises(ValueError, match=r"the record 'mine' has no function and is not built in; give it function="):
        chosen(Quantity("mine"))


def test_what_cannot_be_registered() -> None:
    with pytest.raises(TypeError, match=r"record: is a function; pass a fieldgrad.Quantity"):
        register_quantity(squared_shear)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"record: 'vorticity' is the name of a quantity that is built in; choose"):
        register_quantity(Quantity("vorticity", squared_shear))
    with pytest.raises(ValueError, match=r"'mine' has no function"):
        register_quantity(Quantity("mine"))
    assert "mine" not in fg.quantities()


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"name": 3}, TypeError, r"name: is a int; it must be a string"),
        ({"name": "my shear"}, ValueError, r"name: 'my shear' is no identifier; use letters"),
        ({"function": 3}, TypeError, r"function: is a int; it must be a function of L and parameters"),
        ({"rank": "matrix"}, ValueError, r"rank: 'matrix' is not known; it must be one of 'scalar', 'vector'"),
        ({"parameters": "nu"}, TypeError, r"parameters: is the string 'nu'; it must be a tuple, \('nu',\)"),
        ({"dimensions": (4,)}, ValueError, r"dimensions: \(4,\) must be some of 1, 2 and 3"),
        ({"parameters": ("nu",), "parameter_powers": (1, 2)}, ValueError, r"parameter_powers: has 2 for 1 parameters"),
        ({"own_plane_form": True}, ValueError, r"own_plane_form: 'mine' has a function, which takes a 3 x 3 tensor"),
    ],
)
def test_wrong_records_are_refused(fields: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Quantity(**{"name": "mine", "function": squared_shear, **fields})
