# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a user's own, made ready to be compiled into a kernel.

A kernel is found on disk by the name of its type, so the name must tell two functions apart by all that they do: by
their instructions, constants, defaults, and everything global that they mention. What cannot be told is refused, rather
than served from a stale cache.
"""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import NumbaError

from fieldgrad.kernels._jit import inlined


@lru_cache(maxsize=256)
def compiled(
    name: str,
    function: Callable[..., Any],
    rows: tuple[int, ...],
    columns: tuple[int, ...],
    parameters: tuple[int, ...],
) -> tuple[Any, str]:
    """A function as the engine calls it, and a key that no other function has.

    Parameters
    ----------
    name : str
        Name of the quantity.
    function : callable
        Plain or compiled Python function of L and parameters.
    rows, columns : tuple of int
        Which components of its value are wanted; none of a number.
    parameters : tuple of int
        Which parameters it takes.

    Returns
    -------
    dispatcher, str
        The compiled function, and the name with a digest of all that it depends on.

    Raises
    ------
    TypeError
        If numba cannot compile it, its value has another shape, or it depends on something that has no digest.
    """
    plain = getattr(function, "py_func", function)
    if not isinstance(plain, FunctionType):
        raise TypeError(f"function: that of {name!r} is a {type(plain).__name__}; it must be a plain Python function")
    digest = hashlib.sha256()
    for part in _parts(name, plain, set()):
        digest.update(part.encode())
    dispatcher = inlined(plain)
    number = types.float64
    tensor = types.UniTuple(types.UniTuple(number, 3), 3)
    arguments = (tensor, *[number] * len(parameters))
    try:
        dispatcher.compile(arguments)
    except NumbaError as error:
        raise TypeError(
            f"function: that of {name!r} cannot be compiled for L as a 3 x 3 tuple and {len(parameters)} "
            f"parameters; numba says: {error}"
        ) from error
    value = dispatcher.overloads[arguments].signature.return_type
    depth = (1 if rows else 0) + (1 if columns else 0)
    if not _is_tensor(value, depth):
        shape = ("a number", "a tuple of three numbers", "a tuple of three tuples of three numbers")[depth]
        raise TypeError(f"function: that of {name!r} returns {value}; for its rank it must return {shape}")
    return dispatcher, f"{name}-{digest.hexdigest()[:16]}"


def _is_tensor(value: Any, rank: int) -> bool:
    if rank == 0:
        return isinstance(value, types.Float | types.Integer | types.Boolean)
    return isinstance(value, types.BaseTuple) and len(value) == 3 and all(_is_tensor(one, rank - 1) for one in value)


def _parts(name: str, function: FunctionType, seen: set[int]) -> Iterator[str]:
    """Everything that tells a function from others, as text."""
    if id(function) in seen:
        return
    seen.add(id(function))
    yield from _code(function.__code__)
    yield repr(function.__defaults__)
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    values = {free: cell.cell_contents for free, cell in cells}
    for used in sorted(_names(function.__code__)):
        if used in function.__globals__:
            values[used] = function.__globals__[used]
    for used, value in values.items():
        yield used
        yield from _value(name, used, value, function.__code__.co_names, seen)


def _value(name: str, used: str, value: Any, attributes: Iterable[str], seen: set[int]) -> Iterator[str]:
    plain = getattr(value, "py_func", value)
    if isinstance(plain, FunctionType):
        yield from _parts(name, plain, seen)
    elif isinstance(value, ModuleType):
        yield f"{value.__name__} {getattr(value, '__version__', '')}"
        if value.__name__.partition(".")[0] not in ("math", "cmath", "numba", "numpy"):
            for attribute in sorted(set(attributes) & set(vars(value))):
                yield from _value(name, f"{used}.{attribute}", vars(value)[attribute], attributes, seen)
    elif isinstance(value, bool | int | float | complex | str | np.generic | type | None) or (
        getattr(builtins, used, None) is value
    ):
        yield repr(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _value(name, used, item, attributes, seen)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype}{value.shape}"
        yield value.tobytes().hex()
    elif type(value).__name__ in ("builtin_function_or_method", "ufunc"):
        yield f"{getattr(value, '__module__', '')}.{value.__name__}"
    else:
        raise TypeError(
            f"function: that of {name!r} uses {used!r}, a {type(value).__name__}, whose changes cannot be followed; "
            "use numbers, arrays, functions and modules, or pass it as a parameter"
        )


def _code(code: CodeType) -> Iterator[str]:
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield repr(constant)


def _names(code: CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found
