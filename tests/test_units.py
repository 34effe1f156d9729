# SPDX-License-Identifier: BSD-3-Clause
"""Units of products: right where they are understood, absent everywhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.units import combine, common, parse

SYMBOLS = ["m", "s", "kg", "K", "Pa", "mol"]


@pytest.mark.parametrize(
    ("units", "powers"),
    [
        ("m", {"m": 1}),
        ("m s-1", {"m": 1, "s": -1}),
        ("m s**-1", {"m": 1, "s": -1}),
        ("m s^-1", {"m": 1, "s": -1}),
        ("m.s-1", {"m": 1, "s": -1}),
        ("m·s-1", {"m": 1, "s": -1}),
        ("kg m2 s-2", {"kg": 1, "m": 2, "s": -2}),
        ("m+2", {"m": 2}),
        ("m m", {"m": 2}),
        ("degrees_north", {"degrees_north": 1}),
        ("µm", {"µm": 1}),
        ("%", {"%": 1}),
        (" m  s-1 ", {"m": 1, "s": -1}),
    ],
)
def test_powers_are_parsed(units: str, powers: dict[str, int]) -> None:
    parsed = parse(units)
    assert parsed is not None
    assert dict(parsed) == powers


@pytest.mark.parametrize(
    "units",
    [
        "",
        " ",
        "m/s",
        "m s -1",
        "10 m",
        "1e-3 m",
        "m1.5",
        "days since 2000-01-01",
        "metre per second",
        "(m)",
        "m * s",
        "H2O",
        "2",
        "-",
        "m s-1 # speed",
    ],
)
def test_what_is_not_understood_has_no_units(units: str) -> None:
    assert parse(units) is None
    assert combine([(units, 1)]) is None
    assert combine([("m", 1), (units, -1)]) is None


@pytest.mark.parametrize(
    ("factors", "units"),
    [
        ([("m s-1", 1), ("m", -1)], "s-1"),
        ([("m s-1", 1), ("km", -1)], "m s-1 km-1"),
        ([("s-1", 2), ("m2 s-1", 1)], "m2 s-3"),
        ([("K", 1), ("m", -2)], "K m-2"),
        ([("m", 1), ("m", -1)], "1"),
        ([("1", 1), ("m", -1)], "m-1"),
        ([(" 1 ", 3)], "1"),
        ([("1", 1)], "1"),
        ([], "1"),
        ([(None, 1), ("m", 1)], None),
        ([("m", 0)], "1"),
    ],
)
def test_products(factors: list[tuple[str | None, int]], units: str | None) -> None:
    assert combine(factors) == units


def test_common_units() -> None:
    assert common(["m", "m"]) == "m"
    assert common(["m"]) == "m"
    assert common(["m", "km"]) is None
    assert common(["m", None]) is None
    assert common([None, None]) is None
    assert common([]) is None


powers = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-4, 4).filter(bool), min_size=1)


def written(powers: dict[str, int], style: str) -> str:
    return " ".join(f"{symbol}{style}{power}" for symbol, power in powers.items())


@given(powers, powers, st.integers(-3, 3), st.sampled_from(["", "^", "**"]))
def test_products_add_powers(a: dict[str, int], b: dict[str, int], n: int, style: str) -> None:
    product = combine([(written(a, style), 1), (written(b, style), n)])
    expected = {key: a.get(key, 0) + n * b.get(key, 0) for key in {*a, *b}}
    assert product is not None
    found = {} if product == "1" else dict(parse(product) or ())
    assert found == {key: power for key, power in expected.items() if power}


@given(powers)
def test_what_is_written_is_read_back(a: dict[str, int]) -> None:
    once = combine([(written(a, ""), 1)])
    assert once is not None
    assert combine([(once, 1)]) == once
    assert combine([(once, 1), (once, -1)]) == "1"
