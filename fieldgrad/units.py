# SPDX-License-Identifier: BSD-3-Clause
"""Units of results from the ``units`` attributes of what went in, where these can be understood without doubt.

Only products of powers such as "m s-1", "kg m**-3" or "K" are: everything else gives no units rather than wrong ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

_FACTOR = re.compile(r"(?P<symbol>[A-Za-zµ°%_]+)(?:(?:\^|\*\*)?(?P<power>[+-]?\d+))?")

Powers = tuple[tuple[str, int], ...]


@lru_cache(maxsize=512)
def parse(units: str) -> Powers | None:
    """Powers of the symbols of a unit, in the order in which they stand, or None where it is something else.

    Examples
    --------
    >>> parse("m s-1")
    (('m', 1), ('s', -1))
    >>> parse("days since 2000-01-01") is None
    True
    """
    words = units.replace("·", " ").replace(".", " ").split()
    powers: dict[str, int] = {}
    for word in words:
        match = _FACTOR.fullmatch(word)
        if match is None or match["symbol"] in ("since", "per"):
            return None
        if match["symbol"] != "1":
            powers[match["symbol"]] = powers.get(match["symbol"], 0) + int(match["power"] or 1)
    return tuple(powers.items()) if words else None


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
    >>> combine([("furlong/fortnight", 1)]) is None
    True
    """
    total: dict[str, int | Fraction] = {}
    for units, power in factors:
        if not power:
            continue
        powers = None if units is None else () if units.strip() == "1" else parse(units)
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
    >>> common(["m", "km"]) is None
    True
    """
    distinct = set(units)
    return distinct.pop() if len(distinct) == 1 else None
