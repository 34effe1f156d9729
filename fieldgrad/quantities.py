# SPDX-License-Identifier: BSD-3-Clause
"""The registry of quantities: found by name, listed as a table, and added to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from fieldgrad.catalogue import BUILT_IN, Quantity

Named = str | Quantity | Iterable[str | Quantity]

_built_in: Mapping[str, Quantity] = {record.name: record for record in BUILT_IN}
_registry: dict[str, Quantity] = dict(_built_in)


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


def chosen(names: Named) -> list[Quantity]:
    """Records of one or more quantities, each once.

    Parameters
    ----------
    names : str, Quantity, or iterable of these
        The quantities; a record of a user's own need not be registered.

    Returns
    -------
    list of Quantity
        Their records, in the order of the names.

    Raises
    ------
    TypeError
        If `names` is neither of these.
    ValueError
        If there is no name, or one is not known, or two records share a name.

    Examples
    --------
    >>> [record.rank for record in chosen(["vorticity", "spin", "vorticity"])]
    ['vector', 'tensor']
    """
    if not isinstance(names, Iterable | Quantity):
        raise TypeError(f"quantities: got {names!r}; pass a name such as 'vorticity', or a list of names")
    records: dict[str, Quantity] = {}
    for one in [names] if isinstance(names, str | Quantity) else names:
        record = _usable(one) if isinstance(one, Quantity) else quantity(one)
        if records.setdefault(record.name, record) != record:
            raise ValueError(f"quantities: two different ones are called {record.name!r}; rename one of them")
    if not records:
        raise ValueError("quantities: is empty; name at least one, fg.quantities() shows those there are")
    return list(records.values())


def _usable(record: Quantity) -> Quantity:
    """A record that there is a function for."""
    if record.function is None and _built_in.get(record.name) != record:
        raise ValueError(
            f"quantities: the record {record.name!r} has no function and is not built in; give it function="
        )
    return record


def register_quantity(record: Quantity) -> None:
    """Let a quantity of one's own be known by its name.

    Parameters
    ----------
    record : Quantity
        The quantity, with a function; it is compiled at its first use, together with others in one pass. Registering
        another of that name replaces it.

    Raises
    ------
    TypeError
        If it is no record.
    ValueError
        If its name is that of a quantity that is built in, or it has no function.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> def shear(L, gain):
    ...     return gain * L[0][1]
    >>> fg.register_quantity(fg.Quantity("amplified_shear", shear, parameters=("gain",)))
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> fg.derive(flow.dataset, "amplified_shear", gain=2.0).amplified_shear.mean().item()
    6.0
    """
    if not isinstance(record, Quantity):
        raise TypeError(f"record: is a {type(record).__name__}; pass a fieldgrad.Quantity")
    if record.name in _built_in:
        raise ValueError(f"record: {record.name!r} is the name of a quantity that is built in; choose another")
    _registry[record.name] = _usable(record)


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
            f"<tr><td><code>{escape(record.name)}</code></td><td>{record.rank}</td><td>{row[2]}</td><td>{escape(row[3])}"
            f"</td><td>\\({escape(record.formula)}\\)</td><td>{escape(record.reference)}</td></tr>"
            for record, row in zip(self._records.values(), self.rows(), strict=True)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def quantities() -> Table:
    """The table of what :func:`fieldgrad.derive` knows.

    Returns
    -------
    Table
        A mapping from name to :class:`~fieldgrad.Quantity`, which shows itself as a table in a notebook and on a
        terminal.

    Examples
    --------
    >>> table = quantities()
    >>> table["spin"].definition
    'W = (L - L^T)/2'
    >>> "vorticity" in table
    True
    """
    return Table(_registry)
