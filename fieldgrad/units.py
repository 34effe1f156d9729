# SPDX-License-Identifier: BSD-3-Clause
"""Units of results from those of what went in, where these can be understood without doubt.

Units come from the attribute ``units``, or from pint where arrays are its quantities. Products of powers such as
"m s-1", "kg m**-3", "m2/s" or "K" are read here; any other spelling is left to pint with the registry of cf_xarray,
where both are installed. What is not understood gives no units rather than wrong ones.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import xarray as xr

from fieldgrad.coordinates import unit_symbol

_FACTOR = re.compile(r"(?P<symbol>[A-Za-zµ°%_]+)(?:(?:\^|\*\*)?(?P<power>[+-]?\d+))?")
# what pint may be asked: it takes dates for differences and whatever follows a "#" for a remark
_FOR_PINT = re.compile(r"[A-Za-z(µ°%_][\w\s./*^()+·µ°%⁺⁻⁰¹²³⁴-⁹-]*")

Powers = tuple[tuple[str, int], ...]


@lru_cache(maxsize=512)
def parse(units: str) -> Powers | None:
    """Powers of the symbols of a unit, in the order in which they stand, or None where it is something else.

    Examples
    --------
    >>> parse("m s-1")
    (('m', 1), ('s', -1))
    >>> parse("metres/second")
    (('m', 1), ('s', -1))
    >>> parse("days since 2000-01-01") is None
    True
    """
    above, *below = units.replace("·", " ").replace(".", " ").split("/")
    powers = _powers(above.split(), 1)
    for part in below:
        # what follows more than one word, as in "m/s kg", is for pint to tell
        divisor = _powers(part.split(), -1) if powers is not None and len(part.split()) == 1 else None
        powers = None if powers is None or divisor is None else powers + divisor
    if powers is None:
        spelled = _spelled(units)
        powers = None if spelled is None else _powers(spelled.split(), 1)
    if powers is None:
        return None
    total: dict[str, int] = {}
    for symbol, power in powers:
        total[symbol] = total.get(symbol, 0) + power
    return tuple(total.items())


def _powers(words: Sequence[str], sign: int) -> list[tuple[str, int]] | None:
    powers = []
    for word in words:
        match = _FACTOR.fullmatch(word)
        if word == "1":
            continue
        if match is None or match["symbol"] in ("since", "per"):
            return None
        powers.append((unit_symbol(match["symbol"]), sign * int(match["power"] or 1)))
    return powers if words else None


def _spelled(units: str) -> str | None:
    """Other spellings as CF has them, by pint."""
    if not _FOR_PINT.fullmatch(units):
        return None
    try:
        from cf_xarray.units import units as registry
    except ImportError:
        return None
    try:
        return format(registry.parse_units(units), "cf")
    except Exception:  # whatever its parser stumbles over is not understood
        return None


def combine(factors: Iterable[tuple[str | None, int | Fraction]]) -> str | None:
    """Units of a product of powers of quantities.

    Parameters
    ----------
    factors : iterable of (str or None, int or Fraction)
        Units of each factor, None where they are not known, and its power; those of power zero do not matter.

    Returns
    -------
    str or None
        The units, "1" for a pure number, or None if those of a factor are unknown or not understood, or if a fraction
        of a unit is left.

    Examples
    --------
    >>> combine([("m s-1", 1), ("m", -1)])
    's-1'
    >>> combine([("m", 1), ("m", -1)])
    '1'
    >>> combine([("10 m", 1)]) is None
    True
    """
    return _combined(tuple(factors))


@lru_cache(maxsize=512)
def _combined(factors: tuple[tuple[str | None, int | Fraction], ...]) -> str | None:
    total: dict[str, int | Fraction] = {}
    for units, power in factors:
        if not power:
            continue
        powers = None if units is None else parse(units)
        if powers is None:
            return None
        for symbol, exponent in powers:
            total[symbol] = total.get(symbol, 0) + exponent * power
    if any(Fraction(exponent).denominator > 1 for exponent in total.values()):
        return None
    ordered = sorted(total.items(), key=lambda item: item[1] < 0)
    words = [symbol if exponent == 1 else f"{symbol}{exponent}" for symbol, exponent in ordered if exponent]
    return " ".join(words) or "1"


def common(units: Iterable[str | None]) -> str | None:
    """The units that all share, or None where they differ or one has none.

    Examples
    --------
    >>> common(["m", "m"])
    'm'
    >>> common(["m/s", "m s-1"])
    'm s-1'
    >>> common(["m", "km"]) is None
    True
    """
    distinct = set(units)
    if len(distinct) > 1:
        distinct = {combine([(one, 1)]) for one in distinct}
    return distinct.pop() if len(distinct) == 1 else None


def differing(units: Sequence[str | None]) -> tuple[int, int] | None:
    """Positions of two units that are both understood and are not the same, or None where no two differ.

    Numbers in such units must not be added.

    Examples
    --------
    >>> differing(["m s-1", None, "mm s-1"])
    (0, 2)
    >>> differing(["m s-1", "m/s", None]) is None
    True
    """
    if len(set(units)) == 1:
        return None
    known = [(number, combine([(one, 1)])) for number, one in enumerate(units) if one is not None]
    known = [(number, one) for number, one in known if one is not None]
    return next(((known[0][0], number) for number, one in known if one != known[0][1]), None)


def stated(variable: xr.Variable) -> str | None:
    """Units of a variable, as its attribute says or as the quantities that it holds have them.

    Examples
    --------
    >>> stated(xr.Variable("x", [1.0, 2.0], {"units": "m"}))
    'm'
    """
    data = variable._data  # .data would read what is still on disk
    given = of_quantity(data) if is_quantity(data) else variable.attrs.get("units")
    return given if isinstance(given, str) else None


def is_quantity(value: Any) -> bool:
    """Whether something is a quantity of pint; if nobody has imported that, nothing is.

    Examples
    --------
    >>> is_quantity(3.0)
    False
    """
    pint = sys.modules.get("pint")
    return pint is not None and isinstance(value, pint.Quantity)


def of_quantity(quantity: Any) -> str | None:
    """Units of a quantity of pint, as attributes have them; None where a power is a fraction.

    Parameters
    ----------
    quantity : pint.Quantity
        The quantity.

    Returns
    -------
    str or None
        Its units.

    Examples
    --------
    >>> import pint
    >>> of_quantity(pint.UnitRegistry().Quantity(3.0, "mm**2/s"))
    'mm2 s-1'
    """
    symbol, powers = quantity._REGISTRY.get_symbol, dict(quantity.unit_items())
    if any(Fraction(power).denominator > 1 for power in powers.values()):
        return None
    words = (f"{symbol(name)}{'' if power == 1 else int(power)}" for name, power in powers.items())
    return combine([(" ".join(words) or "1", 1)])


def quantified(values: Any, units: str, like: Any) -> Any:
    """Values as a quantity in the registry of another.

    Parameters
    ----------
    values : array
        Magnitudes.
    units : str
        Units that are understood; see :func:`parse`.
    like : pint.Quantity
        A quantity.

    Returns
    -------
    pint.Quantity
        The values with their units.
    """
    registry = like._REGISTRY
    return registry.Quantity(values, _in_registry(units, registry))


def magnitude(quantity: Any, units: str) -> Any:
    """Magnitude of a quantity of pint in other units.

    Parameters
    ----------
    quantity : pint.Quantity
        The quantity.
    units : str
        Units that are understood; see :func:`parse`.

    Returns
    -------
    number or array
        The magnitude.

    Raises
    ------
    ValueError
        If it is a quantity of another kind.

    Examples
    --------
    >>> import pint
    >>> magnitude(pint.UnitRegistry().Quantity(3.0, "cm"), "m")
    0.03
    """
    other = _in_registry(units, quantity._REGISTRY)
    if not quantity.is_compatible_with(other):
        raise ValueError(f"is a quantity in {quantity.units}, which is not {units}; pass one that is")
    return quantity.m_as(other)


def _in_registry(units: str, registry: Any) -> Any:
    return registry.Unit(" * ".join(f"{symbol}**{power}" for symbol, power in parse(units) or ()))
