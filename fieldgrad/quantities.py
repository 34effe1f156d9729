# SPDX-License-Identifier: BSD-3-Clause
"""The registry of derived quantities: one frozen record each, from which labels, tables and tests come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Rank = Literal["scalar", "vector", "tensor"]


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


@dataclass(frozen=True)
class Quantity:
    """A pointwise function of the velocity-gradient tensor L.

    Parameters
    ----------
    name : str
        Name, as :func:`fieldgrad.derive` takes it.
    symbol : str
        Symbol, as LaTeX.
    rank : {"scalar", "vector", "tensor"}
        Shape of a value in space. A vector along the normal of a plane flow is a scalar there.
    dimensions : tuple of int
        Dimensions of the flows in which it is defined.
    long_name : str
        What it is, in words.
    definition : str
        Formula as plain text, for attributes.
    formula : str
        Formula as LaTeX.
    reference : str
        Where it is defined: paper or book, year, equation.
    power : int
        Power of L in it, from which its units follow.
    parameters : tuple of str
        Names of the parameters it needs.
    linear : bool
        Whether it is linear in L; only these are defined for complex fields.
    axial : bool
        Whether it is an axial vector, of which a plane flow has the normal component alone.
    function : callable, optional
        A compiled function of L for quantities that are not built in.

    Examples
    --------
    >>> quantity("dissipation").parameters
    ('viscosity',)
    """

    name: str
    symbol: str
    rank: Rank
    dimensions: tuple[int, ...]
    long_name: str
    definition: str
    formula: str
    reference: str
    power: int = 1
    parameters: tuple[str, ...] = ()
    linear: bool = False
    axial: bool = False
    function: Callable[..., Any] | None = None


PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("viscosity", r"\nu", "m2 s-1", "kinematic viscosity"),
        Parameter("dynamic_viscosity", r"\mu", "Pa s", "dynamic viscosity"),
        Parameter("density", r"\rho", "kg m-3", "density"),
    )
}

# What may be given in place of a parameter: the kinematic viscosity is the dynamic one over the density.
ALTERNATIVES: Mapping[str, tuple[str, str]] = {"viscosity": ("dynamic_viscosity", "density")}

_POPE = "S. B. Pope, Turbulent Flows, Cambridge University Press (2000)"
_CHONG = "M. S. Chong, A. E. Perry and B. J. Cantwell, Physics of Fluids A 2 (1990) 765-777"

_BUILT_IN = (
    Quantity(
        name="velocity_gradient",
        symbol="L",
        rank="tensor",
        dimensions=(1, 2, 3),
        long_name="velocity-gradient tensor",
        definition="L_ij = du_i/dx_j",
        formula=r"L_{ij} = \partial u_i / \partial x_j",
        reference=f"{_POPE}, section 2.7",
        linear=True,
    ),
    Quantity(
        name="deformation_rate",
        symbol="D",
        rank="tensor",
        dimensions=(2, 3),
        long_name="rate-of-deformation tensor",
        definition="D = (L + L^T)/2",
        formula=r"D = \tfrac12 (L + L^\mathsf{T})",
        reference=f"{_POPE}, equation 2.69",
        linear=True,
    ),
    Quantity(
        name="spin",
        symbol="W",
        rank="tensor",
        dimensions=(2, 3),
        long_name="spin tensor",
        definition="W = (L - L^T)/2",
        formula=r"W = \tfrac12 (L - L^\mathsf{T})",
        reference=f"{_POPE}, equation 2.70",
        linear=True,
    ),
    Quantity(
        name="divergence",
        symbol=r"\nabla\cdot u",
        rank="scalar",
        dimensions=(1, 2, 3),
        long_name="divergence of velocity",
        definition="tr L",
        formula=r"\operatorname{tr} L",
        reference=f"{_POPE}, equation 2.20",
        linear=True,
    ),
    Quantity(
        name="vorticity",
        symbol=r"\omega",
        rank="vector",
        dimensions=(2, 3),
        long_name="vorticity",
        definition="w = (w_y - v_z, u_z - w_x, v_x - u_y)",
        formula=r"\omega = \nabla\times u",
        reference=f"{_POPE}, equation 2.59",
        linear=True,
        axial=True,
    ),
    Quantity(
        name="vorticity_magnitude",
        symbol=r"|\omega|",
        rank="scalar",
        dimensions=(2, 3),
        long_name="magnitude of vorticity",
        definition="|w|",
        formula=r"|\omega|",
        reference=f"{_POPE}, section 2.8",
    ),
    Quantity(
        name="q_criterion",
        symbol="Q",
        rank="scalar",
        dimensions=(2, 3),
        long_name="Q criterion",
        definition="(|W|^2 - |D|^2)/2 = -tr(L^2)/2",
        formula=r"\tfrac12 (|W|^2 - |D|^2) = -\tfrac12 \operatorname{tr} L^2",
        reference="J. C. R. Hunt, A. A. Wray and P. Moin, Center for Turbulence Research report CTR-S88 (1988) 193-208",
        power=2,
    ),
    Quantity(
        name="second_invariant",
        symbol="Q",
        rank="scalar",
        dimensions=(2, 3),
        long_name="second invariant of the velocity-gradient tensor",
        definition="((tr L)^2 - tr(L^2))/2",
        formula=r"\tfrac12 ((\operatorname{tr} L)^2 - \operatorname{tr} L^2)",
        reference=f"{_CHONG}, equation 8",
        power=2,
    ),
    Quantity(
        name="dissipation",
        symbol=r"\varepsilon",
        rank="scalar",
        dimensions=(2, 3),
        long_name="dissipation rate of kinetic energy",
        definition="2 nu D:D",
        formula=r"2 \nu D_{ij} D_{ij}",
        reference=f"{_POPE}, equation 5.128",
        power=2,
        parameters=("viscosity",),
    ),
)

_registry: dict[str, Quantity] = {quantity.name: quantity for quantity in _BUILT_IN}


def quantity(name: str) -> Quantity:
    """The record of a quantity.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Quantity
        The record.

    Raises
    ------
    TypeError
        If the name is not a string.
    ValueError
        If there is no such quantity; the message lists those there are.

    Examples
    --------
    >>> quantity("q_criterion").definition
    '(|W|^2 - |D|^2)/2 = -tr(L^2)/2'
    """
    if not isinstance(name, str):
        raise TypeError(f"quantities: {name!r} is no name of a quantity; pass strings such as 'vorticity'")
    if name not in _registry:
        raise ValueError(f"quantities: {name!r} is not known; there are {', '.join(_registry)}")
    return _registry[name]


def chosen(names: str | Iterable[str]) -> list[Quantity]:
    """Records of one or more names, each once.

    Parameters
    ----------
    names : str or iterable of str
        The names.

    Returns
    -------
    list of Quantity
        Their records, in the order of the names.

    Raises
    ------
    TypeError
        If `names` is neither a string nor an iterable of strings.
    ValueError
        If there is no name, or one is not known.

    Examples
    --------
    >>> [record.rank for record in chosen(["vorticity", "spin", "vorticity"])]
    ['vector', 'tensor']
    """
    if not isinstance(names, Iterable):
        raise TypeError(f"quantities: got {names!r}; pass a name such as 'vorticity', or a list of names")
    records = {record.name: record for record in map(quantity, [names] if isinstance(names, str) else names)}
    if not records:
        raise ValueError("quantities: is empty; name at least one, fg.quantities() shows those there are")
    return list(records.values())


class Table(Mapping[str, Quantity]):
    """The quantities that :func:`fieldgrad.derive` knows; shows itself as a table."""

    def __init__(self, records: Mapping[str, Quantity]) -> None:
        self._records = dict(records)

    def __getitem__(self, name: str) -> Quantity:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Name, rank, dimensions, parameters and definition of each quantity."""
        return [
            (
                record.name,
                record.rank,
                " ".join(str(number) for number in record.dimensions),
                ", ".join(record.parameters),
                record.definition,
            )
            for record in self._records.values()
        ]

    def __repr__(self) -> str:
        rows = [("name", "rank", "dim", "parameters", "definition"), *self.rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(
            "  ".join([*(f"{text:{width}}" for text, width in zip(row[:4], widths, strict=True)), row[4]])
            for row in rows
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{title}</th>" for title in ("name", "rank", "dim", "parameters", "formula", "reference"))
        body = "".join(
            f"<tr><td><code>{record.name}</code></td><td>{record.rank}</td><td>{row[2]}</td><td>{row[3]}</td>"
            f"<td>${record.formula}$</td><td>{record.reference}</td></tr>"
            for record, row in zip(self._records.values(), self.rows(), strict=True)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def quantities() -> Table:
    """The table of what :func:`fieldgrad.derive` knows.

    Returns
    -------
    Table
        A mapping from name to :class:`Quantity`, which shows itself as a table in a notebook and on a terminal.

    Examples
    --------
    >>> table = quantities()
    >>> table["spin"].definition
    'W = (L - L^T)/2'
    >>> "vorticity" in table
    True
    """
    return Table(_registry)


def resolve_parameters(records: Sequence[Quantity], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the parameters that some quantities need, from what a caller gave.

    Parameters
    ----------
    records : sequence of Quantity
        The quantities.
    given : mapping of str to number or array
        Values by name; instead of ``viscosity`` also ``dynamic_viscosity`` and ``density``.

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
    >>> resolve_parameters([quantity("dissipation")], {"dynamic_viscosity": 2.0, "density": 4.0})
    {'viscosity': 0.5}
    """
    needed: dict[str, list[str]] = {}
    for record in records:
        for name in record.parameters:
            needed.setdefault(name, []).append(record.name)
    known = [*needed, *(other for name in needed for other in ALTERNATIVES.get(name, ()))]
    for name in given:
        if name not in known:
            listed = ", ".join(repr(one) for one in known) or "none"
            raise TypeError(
                f"{name}: no quantity of {', '.join(repr(record.name) for record in records)} takes this parameter; "
                f"they take {listed}"
            )
    values: dict[str, Any] = {}
    for name, users in needed.items():
        ratio = ALTERNATIVES.get(name)
        parts = [part for part in ratio or () if part in given]
        if ratio is not None and len(parts) == 2:
            value = given[ratio[0]] / given[ratio[1]]
            if name in given and not np.allclose(value, given[name], rtol=1e-6, atol=0.0, equal_nan=True):
                shown, ours = (repr(one) if np.ndim(one) == 0 else "a field" for one in (given[name], value))
                raise ValueError(
                    f"{name}: given as {shown}, which disagrees with {ratio[0]} / {ratio[1]} = {ours}; "
                    "give one or the other"
                )
            values[name] = given.get(name, value)
        elif name in given:
            if parts:
                raise TypeError(f"{parts[0]}: given beside {name} and without {_other(ratio, parts[0])}; leave it out")
            values[name] = given[name]
        else:
            instead = f", or {ratio[0]}= and {ratio[1]}=" if ratio else ""
            missing = f" ({parts[0]} alone does not do)" if parts else ""
            raise TypeError(
                f"{name}: missing, but {', '.join(repr(user) for user in users)} needs it; "
                f"pass {name}={instead}{missing}"
            )
    return values


def _other(pair: tuple[str, str] | None, one: str) -> str:
    return next(name for name in pair or () if name != one)
