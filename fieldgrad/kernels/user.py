# SPDX-License-Identifier: BSD-3-Clause
"""Functions of a user's own, made ready to be compiled into a kernel.

A kernel is found on disk by the name of its type, so the name must tell two functions apart by all that they do: by
their instructions, constants, defaults, and everything global that they mention. What cannot be told is refused, rather
than served from a stale cache.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import errors
from numba.core.dispatcher import Dispatcher

from fieldgrad.kernels._jit import foreign
from fieldgrad.kernels._plain import INTERPRETED

# What numba raises for a function that it does not understand; the second is of numba 0.61 and later.
_NOT_COMPILED = (errors.NumbaError, getattr(errors, "UnsupportedBytecodeError", errors.NumbaError))
# Modules whose functions change with their version alone.
_RELEASED = ("math", "cmath", "numba", "numpy")


def key_of(name: str, function: Callable[..., Any]) -> str:
    """The name of a quantity with a digest of all that its function depends on, as it is now.

    Parameters
    ----------
    name : str
        Name of the quantity.
    function : callable
        Plain or compiled Python function.

    Returns
    -------
    str
        Equal for functions that do the same, and for no others.

    Raises
    ------
    TypeError
        If it is no Python function, or depends on something whose changes cannot be followed.
    """
    plain = _plain(function)
    if not isinstance(plain, FunctionType):
        raise TypeError(f"function: that of {name!r} is a {type(plain).__name__}; it must be a plain Python function")
    if plain.__code__.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
        raise TypeError(f"function: that of {name!r} is a generator or a coroutine; it must return its value")
    digest = _Digest(name)
    digest.function(plain)
    return f"{name}-{digest.hash.hexdigest()[:16]}"


@cache
def _kept(key: str) -> dict[tuple[int, int], Any]:
    """What was compiled for a key, by the rank of the value and the number of parameters."""
    return {}


def compiled(key: str, function: Callable[..., Any], rank: int, parameters: int) -> Any:
    """A function as the engine calls it.

    Parameters
    ----------
    key : str
        Its key, from :func:`key_of`.
    function : callable
        Function of L and parameters.
    rank : int
        0, 1 or 2 for a number, a tuple of three, or a tuple of three tuples.
    parameters : int
        How many parameters it gets.

    Returns
    -------
    dispatcher
        The compiled function.

    Raises
    ------
    TypeError
        If numba cannot compile it, or its value or its arguments are others.
    """
    kept = _kept(key)
    if (rank, parameters) not in kept:
        kept[rank, parameters] = _compile(key.rpartition("-")[0], function, rank, parameters)
    return kept[rank, parameters]


def _compile(name: str, function: Callable[..., Any], rank: int, parameters: int) -> Any:
    plain = _plain(function)
    given = list(inspect.signature(plain).parameters.values())
    required = [one for one in given if one.default is one.empty and one.kind is not one.VAR_POSITIONAL]
    variadic = any(one.kind is one.VAR_POSITIONAL for one in given)
    if len(required) > 1 + parameters or (len(given) < 1 + parameters and not variadic):
        raise TypeError(
            f"function: that of {name!r} takes {inspect.signature(plain)}, but is called with L and {parameters} "
            "parameters; name them in parameters="
        )
    if INTERPRETED:
        return plain
    dispatcher = foreign(_adopted(plain, {}))
    tensor = types.UniTuple(types.UniTuple(types.float64, 3), 3)
    omitted = () if variadic else tuple(types.Omitted(one.default) for one in given[1 + parameters :])
    arguments = (tensor, *[types.float64] * parameters, *omitted)
    try:
        dispatcher.compile(arguments)
    except _NOT_COMPILED as error:
        raise TypeError(
            f"function: that of {name!r} cannot be compiled for L as a 3 x 3 tuple and {parameters} parameters; numba "
            f"says: {error}"
        ) from error
    (overload,) = dispatcher.overloads.values()
    value = overload.signature.return_type
    if not _is_tensor(value, rank):
        shape = ("a number", "a tuple of three numbers", "a tuple of three tuples of three numbers")[rank]
        raise TypeError(f"function: that of {name!r} returns {value}; for its rank it must return {shape}")
    return dispatcher


def _is_tensor(value: Any, rank: int) -> bool:
    if rank == 0:
        return isinstance(value, types.Float | types.Integer | types.Boolean)
    return isinstance(value, types.BaseTuple) and len(value) == 3 and all(_is_tensor(one, rank - 1) for one in value)


def _adopted(function: FunctionType, helpers: dict[int, Any]) -> FunctionType:
    """A copy in the name of this module, of its compiled helpers as well.

    A kernel on disk refers to the modules of its functions, and must load where those of the user do not exist.
    """
    scope = {**function.__globals__, "__name__": __name__}

    def own(value: Any) -> Any:
        if not isinstance(value, Dispatcher):
            return value
        if id(value) not in helpers:
            options = {name: option for name, option in value.targetoptions.items() if name != "nopython"}
            copy = _adopted(value.py_func, helpers | {id(value): value})
            helpers[id(value)] = numba.njit(**options)(copy)
        return helpers[id(value)]

    for used in _loaded(function.__code__, "LOAD_GLOBAL", "LOAD_NAME") & scope.keys():
        scope[used] = own(scope[used])
    cells = tuple(CellType(own(cell.cell_contents)) for cell in function.__closure__ or ())
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _plain(function: Any) -> Any:
    return getattr(function, "py_func", function)


class _Digest:
    """Hash of a function and of all that it depends on; parts go in with their lengths, so that none run together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hash = hashlib.sha256()
        self.seen: set[int] = set()

    def add(self, *parts: object) -> None:
        for part in parts:
            text = part if isinstance(part, bytes) else repr(part).encode()
            self.hash.update(b"%d:" % len(text))
            self.hash.update(text)

    def function(self, function: FunctionType) -> None:
        if id(function) in self.seen:
            return
        self.seen.add(id(function))
        self.code(function.__code__)
        self.value("default values", function.__defaults__ or (), frozenset())
        self.value("default values", tuple(sorted((function.__kwdefaults__ or {}).items())), frozenset())
        attributes = frozenset(_loaded(function.__code__, "LOAD_ATTR", "LOAD_METHOD"))
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        values = {free: cell.cell_contents for free, cell in cells}
        for used in sorted(_loaded(function.__code__, "LOAD_GLOBAL", "LOAD_NAME")):
            if used in function.__globals__:
                values[used] = function.__globals__[used]
        for used, value in values.items():
            self.add(used)
            self.value(used, value, attributes)

    def code(self, code: CodeType) -> None:
        self.add(code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_argcount, len(code.co_consts))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.code(constant)
            else:
                self.add(type(constant).__name__, constant)

    def value(self, used: str, value: Any, attributes: frozenset[str]) -> None:
        plain = _plain(value)
        self.add(type(value).__name__)
        if isinstance(plain, FunctionType):
            self.add(sorted(map(repr, getattr(value, "targetoptions", {}).items())))
            self.function(plain)
        elif isinstance(value, ModuleType):
            self.add(value.__name__, getattr(value, "__version__", ""))
            if value.__name__.partition(".")[0] not in _RELEASED:
                for attribute in sorted(attributes & set(vars(value))):
                    self.add(attribute)
                    self.value(f"{used}.{attribute}", vars(value)[attribute], attributes)
        elif isinstance(value, bool | int | float | complex | str | np.generic | None):
            self.add(value)
        elif isinstance(value, tuple):
            self.add(getattr(value, "_fields", ()), len(value))
            for item in value:
                self.value(used, item, attributes)
        elif isinstance(value, np.ndarray):
            self.add(value.dtype.str, value.shape, value.tobytes())
        elif isinstance(value, type) and (issubclass(value, tuple) or value.__module__ in ("builtins", "numpy")):
            self.add(value.__module__, value.__qualname__, getattr(value, "_fields", ()))
        elif type(value).__name__ in ("builtin_function_or_method", "ufunc") or getattr(builtins, used, None) is value:
            self.add(getattr(value, "__module__", ""), value.__name__)
        else:
            raise TypeError(
                f"function: that of {self.name!r} uses {used!r}, a {type(value).__name__}, whose changes cannot be "
                "followed; use numbers, arrays, functions and modules, or pass it as a parameter"
            )


def _loaded(code: CodeType, *instructions: str) -> set[str]:
    """Names that some instructions of a function load, those of functions inside it included."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname in instructions}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _loaded(constant, *instructions)
    return found
