# SPDX-License-Identifier: BSD-3-Clause
"""Units of products: right where they are understood, absent everywhere else."""

from __future__ import annotations

import sys
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldgrad.units import combine, common, differing, parse

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
        ("m/s", {"m": 1, "s": -1}),
        ("m / s2", {"m": 1, "s": -2}),
        ("1/s", {"s": -1}),
        ("1", {}),
        ("K/km", {"K": 1, "km": -1}),
        ("J/kg/K", {"J": 1, "kg": -1, "K": -1}),
        ("metres sec-1", {"m": 1, "s": -1}),
        ("Kilometers/Hour", {"km": 1, "h": -1}),
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
        "m s -1",
        "10 m",
        "1e-3 m",
        "m1.5",
        "days since 2000-01-01",
        "H2O",
        "2",
        "/s",
        "m/",
        "metre per",
        "(m",
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
        ([("m2 s-2", Fraction(1, 2))], "m s-1"),
        ([("m2 s-1", Fraction(1, 2))], None),
    ],
)
def test_products(factors: list[tuple[str | None, int | Fraction]], units: str | None) -> None:
    assert combine(factors) == units


@pytest.mark.parametrize(
    ("units", "powers"),
    [
        ("metre per second", {"m": 1, "s": -1}),
        ("(m)", {"m": 1}),
        ("m * s", {"m": 1, "s": 1}),
        ("m/(s kg)", {"m": 1, "s": -1, "kg": -1}),
        ("m s⁻¹", {"m": 1, "s": -1}),
        ("hPa/(100 m)", None),
        ("J kg^-1 K^-1 / m", {"J": 1, "kg": -1, "K": -1, "m": -1}),
    ],
)
def test_other_spellings_are_pints(units: str, powers: dict[str, int] | None) -> None:
    pytest.importorskip("pint")
    pytest.importorskip("cf_xarray")
    parsed = parse(units)
    assert (None if parsed is None else dict(parsed)) == powers


def test_without_pint_other_spellings_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cf_xarray.units", None)
    parse.cache_clear()
    try:
        assert parse("metre per second") is None
        assert parse("m/s") == (("m", 1), ("s", -1))
    finally:
        parse.cache_clear()


@given(st.text(alphabet="msKPa/*()^-+.1230 #per", max_size=8))
def test_pint_is_asked_nothing_that_it_would_take_for_a_sum(text: str) -> None:
    found = parse(text)
    assert found is None or all(symbol.isalpha() and isinstance(power, int) for symbol, power in found)


def test_units_that_differ() -> None:
    assert differing(["m s-1", "m/s", None, "10 m s-1"]) is None
    assert differing([None, "m s-1", "cm s-1"]) == (1, 2)
    assert differing(["Pa s-1", "m s-1"]) == (0, 1)
    assert differing([]) is None


def test_common_units() -> None:
    assert common(["m/s", "m s-1", "metre second-1"]) == "m s-1"
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
