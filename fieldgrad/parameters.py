# SPDX-License-Identifier: BSD-3-Clause
"""What quantities need beside the velocity, and how it may be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul, truediv
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """A number or field that a quantity needs beside the velocity.

    Parameters
    ----------
    name : str
        Name of the argument.
    symbol : str
        Symbol in formulas, as LaTeX.
    units : str
        Its units where velocities are in m s-1 and lengths in m.
    long_name : str
        What it is.
    """

    name: str
    symbol: str
    units: str
    long_name: str


PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("viscosity", r"\nu", "m2 s-1", "kinematic viscosity"),
        Parameter("dynamic_viscosity", r"\mu", "Pa s", "dynamic viscosity"),
        Parameter("density", r"\rho", "kg m-3", "density"),
        Parameter("epsilon", r"\epsilon", "s-2", "what is added to a denominator to keep noise from counting"),
    )
}

# What may be given in place of a parameter: the dynamic viscosity is the density times the kinematic one.
ALTERNATIVES: Mapping[str, tuple[str, str]] = {
    "viscosity": ("dynamic_viscosity", "density"),
    "dynamic_viscosity": ("viscosity", "density"),
}
_JOINED: Mapping[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "viscosity": ("/", truediv),
    "dynamic_viscosity": ("*", mul),
}


def resolve_parameters(users: Mapping[str, Sequence[str]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the parameters that some quantities need, from what a caller gave.

    Parameters
    ----------
    users : mapping of str to sequence of str
        For each quantity the names of its parameters.
    given : mapping of str to number or array
        Values by name. Of ``viscosity``, ``dynamic_viscosity`` and ``density`` any two give the third viscosity.

    Returns
    -------
    dict
        One value for each parameter that a quantity needs.

    Raises
    ------
    TypeError
        If a parameter is unknown to all of the quantities, or one that is needed is missing; the message lists them.
    ValueError
        If two ways of giving one parameter disagree.

    Examples
    --------
    >>> resolve_parameters({"dissipation": ["viscosity"]}, {"dynamic_viscosity": 2.0, "density": 4.0})
    {'viscosity': 0.5}
    """
    needed: dict[str, list[str]] = {}
    for user, names in users.items():
        for name in names:
            needed.setdefault(name, []).append(user)
    known = list(dict.fromkeys([*needed, *(other for name in needed for other in ALTERNATIVES.get(name, ()))]))
    for name in given:
        if name not in known:
            listed = ", ".join(repr(one) for one in known) or "none"
            raise TypeError(
                f"{name}: no quantity of {', '.join(map(repr, users))} takes this parameter; they take {listed}"
            )
    values: dict[str, Any] = {}
    used = set(needed)
    for name, takers in needed.items():
        parts = ALTERNATIVES.get(name, ())
        there = [part for part in parts if part in given]
        if parts and len(there) == 2:
            sign, join = _JOINED[name]
            if name in given and not all(
                isinstance(given[one], np.ndarray | np.number | float | int) for one in (name, *parts)
            ):
                raise TypeError(
                    f"{name}: is given beside {parts[0]} and {parts[1]}, not all of them in memory, so that whether "
                    "they agree is not known; give one or the other"
                )
            value = join(given[parts[0]], given[parts[1]])
            if name in given and not np.allclose(value, given[name], rtol=1e-6, atol=0.0, equal_nan=True):
                shown, ours = (repr(one) if np.ndim(one) == 0 else "a field" for one in (given[name], value))
                raise ValueError(
                    f"{name}: given as {shown}, which disagrees with {parts[0]} {sign} {parts[1]} = {ours}; "
                    "give one or the other"
                )
            values[name] = given.get(name, value)
            used.update(parts)
        elif name in given:
            values[name] = given[name]
        else:
            instead = f", or {parts[0]}= and {parts[1]}=" if parts else ""
            missing = f" ({there[0]} alone does not do)" if there else ""
            raise TypeError(
                f"{name}: missing, but {', '.join(map(repr, takers))} needs it; pass {name}={instead}{missing}"
            )
    for name in given:
        if name not in used:
            beside = next(taker for taker in needed if name in ALTERNATIVES.get(taker, ()))
            other = next(part for part in ALTERNATIVES[beside] if part != name)
            raise TypeError(f"{name}: given beside {beside} and without {other}; leave it out")
    return values
