# SPDX-License-Identifier: BSD-3-Clause
"""The registry: its records, its table, and what becomes of the parameters that a caller gives."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re

import numpy as np
import pytest

import fieldgrad as fg
from fieldgrad.quantities import (
    ALTERNATIVES,
    PARAMETERS,
    Quantity,
    Table,
    chosen,
    quantity,
    resolve_parameters,
)

# name: rank, dimensions, parameters, power of L, whether linear
KNOWN = {
    "velocity_gradient": ("tensor", {2, 3}, (), 1, True),
    "deformation_rate": ("tensor", {2, 3}, (), 1, True),
    "spin": ("tensor", {2, 3}, (), 1, True),
    "divergence": ("scalar", {2, 3}, (), 1, True),
    "vorticity": ("vector", {2, 3}, (), 1, True),
    "vorticity_magnitude": ("scalar", {2, 3}, (), 1, False),
    "q_criterion": ("scalar", {2, 3}, (), 2, False),
    "second_invariant": ("scalar", {2, 3}, (), 2, False),
    "dissipation": ("scalar", {2, 3}, ("viscosity",), 2, False),
}
DISSIPATION = [quantity("dissipation")]


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known(name: str) -> None:
    rank, dimensions, parameters, power, linear = KNOWN[name]
    record = fg.quantities()[name]
    assert record.name == name
    assert record.rank == rank
    assert dimensions <= set(record.dimensions)
    assert (record.parameters, record.power, record.linear) == (parameters, power, linear)


@pytest.mark.parametrize("name", list(fg.quantities()))
def test_every_record_is_complete(name: str) -> None:
    record = fg.quantities()[name]
    assert re.fullmatch("[a-z][a-z0-9_]*", record.name)
    for text in (record.symbol, record.long_name, record.definition, record.formula, record.reference):
        assert text == text.strip() != ""
    assert re.search(r"\(\d{4}\)", record.reference), "the reference names no year"
    assert set(record.dimensions) <= {1, 2, 3}
    assert set(record.parameters) <= set(PARAMETERS)
    assert record.power >= 1
    assert not record.linear or record.power == 1


def test_parameters_are_described() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.name == name
        assert parameter.long_name
        assert parameter.units
    for name, parts in ALTERNATIVES.items():
        assert {name, *parts} <= set(PARAMETERS)


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
        assert record.formula in html


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


def test_a_parameter_is_what_was_given() -> None:
    field = np.arange(3.0)
    assert resolve_parameters(DISSIPATION, {"viscosity": 0.5}) == {"viscosity": 0.5}
    assert resolve_parameters(DISSIPATION, {"viscosity": field})["viscosity"] is field
    assert resolve_parameters([quantity("vorticity")], {}) == {}


def test_kinematic_viscosity_is_dynamic_viscosity_over_density() -> None:
    given = {"dynamic_viscosity": 2.0, "density": 4.0}
    assert resolve_parameters(DISSIPATION, given) == {"viscosity": 0.5}
    density = np.array([[1.0], [4.0]])
    found = resolve_parameters(DISSIPATION, {"dynamic_viscosity": np.array([2.0, 8.0]), "density": density})
    np.testing.assert_array_equal(found["viscosity"], [[2.0, 8.0], [0.5, 2.0]])


def test_agreeing_parameters_are_accepted() -> None:
    given = {"viscosity": 0.5, "dynamic_viscosity": 2.0, "density": 4.0 * (1 + 1e-9)}
    assert resolve_parameters(DISSIPATION, given) == {"viscosity": 0.5}
    masked = np.array([0.5, np.nan])
    given = {"viscosity": masked, "dynamic_viscosity": 4 * masked, "density": 4.0}
    assert resolve_parameters(DISSIPATION, given)["viscosity"] is masked


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {},
            TypeError,
            r"viscosity: missing, but 'dissipation' needs it; pass viscosity=, or "
            r"dynamic_viscosity= and density=",
        ),
        ({"density": 1.0}, TypeError, r"viscosity: missing.*\(density alone does not do\)"),
        (
            {"dynamic_viscosity": 1.0},
            TypeError,
            r"viscosity: missing.*\(dynamic_viscosity alone does not do\)",
        ),
        (
            {"viscosity": 1.0, "density": 2.0},
            TypeError,
            r"density: given beside viscosity and without dynamic_viscosity; leave it out",
        ),
        (
            {"viscosity": 1.0, "dynamic_viscosity": 2.0},
            TypeError,
            r"dynamic_viscosity: given beside viscosity and without density; leave it out",
        ),
        (
            {"viscosity": 1.0, "dynamic_viscosity": 2.0, "density": 4.0},
            ValueError,
            r"viscosity: given as 1.0, which disagrees with dynamic_viscosity / density = 0.5; give one or",
        ),
        (
            {"viscosity": np.ones(3), "dynamic_viscosity": 2.0, "density": 4.0},
            ValueError,
            r"viscosity: given as a field, which disagrees with dynamic_viscosity / density = 0.5; give",
        ),
        (
            {"nu": 1.0},
            TypeError,
            r"nu: no quantity of 'dissipation' takes this parameter; they take "
            r"'viscosity', 'dynamic_viscosity', 'density'",
        ),
    ],
)
def test_wrong_parameters_are_refused(given: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        resolve_parameters(DISSIPATION, given)


def test_a_parameter_that_nothing_takes_is_refused() -> None:
    with pytest.raises(TypeError, match=r"viscosity: no quantity of 'vorticity', 'spin' takes .* take none"):
        resolve_parameters([quantity("vorticity"), quantity("spin")], {"viscosity": 1.0})
