# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of quantities: what becomes of those that a caller gives."""

from __future__ import annotations

import numpy as np
import pytest

from fieldgrad.parameters import ALTERNATIVES, PARAMETERS, resolve_parameters

DISSIPATION = {"dissipation": ("viscosity",)}
STRESS = {"viscous_stress": ("dynamic_viscosity",)}
BOTH = DISSIPATION | STRESS


def test_parameters_are_described() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.name == name
        assert parameter.long_name
        assert parameter.units
    for name, parts in ALTERNATIVES.items():
        assert {name, *parts} <= set(PARAMETERS)


def test_a_parameter_is_what_was_given() -> None:
    field = np.arange(3.0)
    assert resolve_parameters(DISSIPATION, {"viscosity": 0.5}) == {"viscosity": 0.5}
    assert resolve_parameters(DISSIPATION, {"viscosity": field})["viscosity"] is field
    assert resolve_parameters({"vorticity": ()}, {}) == {}


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
        resolve_parameters({"vorticity": (), "spin": ()}, {"viscosity": 1.0})


def test_dynamic_viscosity_is_density_times_kinematic_viscosity() -> None:
    assert resolve_parameters(STRESS, {"viscosity": 0.5, "density": 4.0}) == {"dynamic_viscosity": 2.0}
    expected = {"viscosity": 0.5, "dynamic_viscosity": 2.0}
    assert resolve_parameters(BOTH, {"viscosity": 0.5, "density": 4.0}) == expected
    assert resolve_parameters(BOTH, {"dynamic_viscosity": 2.0, "density": 4.0}) == expected
    assert resolve_parameters(BOTH, expected) == expected
    assert resolve_parameters(BOTH, {**expected, "density": 4.0}) == expected


def test_viscosities_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"viscosity: given as 0.5, which disagrees with dynamic_viscosity / density"):
        resolve_parameters(BOTH, {"viscosity": 0.5, "dynamic_viscosity": 2.0, "density": 5.0})
    with pytest.raises(
        ValueError, match=r"dynamic_viscosity: given as 2.0, which disagrees with viscosity \* density = 2.5; give one"
    ):
        resolve_parameters(STRESS, {"viscosity": 0.5, "dynamic_viscosity": 2.0, "density": 5.0})


def test_a_stress_needs_a_dynamic_viscosity() -> None:
    with pytest.raises(
        TypeError,
        match=r"dynamic_viscosity: missing, but 'viscous_stress' needs it; pass dynamic_viscosity=, or viscosity= and "
        r"density= \(viscosity alone does not do\)",
    ):
        resolve_parameters(STRESS, {"viscosity": 0.5})
