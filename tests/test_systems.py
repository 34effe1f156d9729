# SPDX-License-Identifier: BSD-3-Clause
"""Systems of coordinates against their own scale factors: what is said in closed form agrees with differences."""

from __future__ import annotations

import numpy as np
import pytest

from fieldgrad.systems import CARTESIAN, Cylindrical, Orthogonal, Spherical, System

SYSTEMS: dict[str, System] = {
    "cartesian": CARTESIAN,
    "cylinder": Cylindrical(),
    "sphere": Spherical(radius=2.0),
    "shallow": Spherical(radius=2.0, shallow=True),
}
POINTS = [(0.7, -0.4, 0.9), (1.3, 0.8, 0.2)]
STEP = 1e-5


def factors(system: System, point: tuple[float, ...]) -> np.ndarray:
    return np.array([float(one) for one in system.factors([np.array(q) for q in point])])


def moved(point: tuple[float, ...], k: int, by: float) -> tuple[float, ...]:
    return tuple(q + by * (m == k) for m, q in enumerate(point))


@pytest.mark.parametrize("name", SYSTEMS)
def test_slopes_are_those_of_the_scale_factors(name: str) -> None:
    system = SYSTEMS[name]
    for point in POINTS:
        found = system.slopes([np.array(q) for q in point])
        assert found is not None
        for k in range(3):
            change = factors(system, moved(point, k, STEP)) - factors(system, moved(point, k, -STEP))
            slopes = change / (2 * STEP) / factors(system, point)
            np.testing.assert_allclose([float(found.get((i, k), 0.0)) for i in range(3)], slopes, atol=1e-9)


@pytest.mark.parametrize("name", SYSTEMS)
def test_measures_integrate_the_volume_element(name: str) -> None:
    system, ratios = SYSTEMS[name], []
    measures = system.measures()
    assert measures is not None
    for point in POINTS:
        shares = [
            1.0 if measure is None else float(measure(np.array(q + STEP)) - measure(np.array(q - STEP))) / (2 * STEP)
            for measure, q in zip(measures, point, strict=True)
        ]
        ratios.append(np.prod(factors(system, point)) / np.prod(shares))
    # but for a constant, which is no weight
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


def test_directions_that_are_absent() -> None:
    z = np.array([0.5])
    deep = Spherical(radius=2.0)
    assert [np.asarray(one).item() for one in deep.factors([None, None, z])[1:]] == [2.5, 1.0]
    assert {key: float(value[0]) for key, value in deep.slopes([None, None, z]).items()} == {(0, 2): 0.4, (1, 2): 0.4}
    assert Cylindrical().slopes([None, None, z]) == {}
    assert Cylindrical().factors([None, None, z])[::2] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("system", "there", "message"),
    [
        (Spherical(radius=0.0), (True, True, False), "has no direction of height, but the radius there is 0"),
        (Spherical(radius=0.0), (True, False, False), "has no direction of height, but the radius there is 0"),
        (Spherical(), (True, False, False), "has no direction of latitude, but the length of a degree of longitude"),
        (Cylindrical(), (False, True, True), "has no direction r, but the length of a step of theta depends on it"),
    ],
)
def test_lengths_that_depend_on_what_is_absent(system: System, there: tuple[bool, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        system.factors([np.array(0.5) if one else None for one in there])


def test_units_of_length_that_no_coordinate_tells() -> None:
    assert {name: system.length for name, system in SYSTEMS.items()} == {
        "cartesian": None,
        "cylinder": None,
        "sphere": "m",
        "shallow": "m",
    }


def test_scale_factors_of_ones_own() -> None:
    nodes = [np.ones((2, 1, 1)), np.ones((1, 3, 1)), np.ones((1, 1, 4))]
    system = Orthogonal(("a", "b", "c"), "mine", (lambda a, b, c: a + b, np.full((3, 4), 2.0), 1.0))
    assert system.coupled == (0, 1)
    assert [one.shape for one in map(np.asarray, system.factors(nodes))] == [(2, 3, 1), (1, 3, 4), (1, 1, 1)]
    with pytest.raises(
        ValueError, match=r"of 'b' has shape \(5,\), which does not broadcast to the \(2, 3, 4\) points"
    ):
        Orthogonal(("a", "b", "c"), "mine", (1.0, np.ones(5), 1.0)).factors(nodes)
