# SPDX-License-Identifier: BSD-3-Clause
"""Kernels as plain Python: what they are where numba compiles nothing (``NUMBA_DISABLE_JIT=1``).

So a debugger can step through them, and mutated formulas can be run without a compiler. Every intrinsic has a twin
beside it that gives the same bits. Places in memory are checked, which compiled kernels never do: an index beyond an
end is an IndexError, and so is one below zero.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba.extending import intrinsic

#: Whether kernels run as plain Python. numba reads its switch when it is imported, and so do we.
INTERPRETED = bool(numba.config.DISABLE_JIT)


def twinned(twin: Callable[..., Any]) -> Callable[[Any], Any]:
    """An intrinsic, or where nothing is compiled its twin, which takes the same arguments but for the first."""
    return lambda define: twin if INTERPRETED else intrinsic(define)


def checked(index: Any) -> Any:
    """An index or a tuple of them, none of which counts from the end."""
    for one in index if isinstance(index, tuple) else (index,):
        if not isinstance(one, slice) and one < 0:
            raise IndexError(f"index {index} is below zero")
    return index


class Bounded(np.ndarray[Any, Any]):
    """An array as kernels see it: none is indexed from its end, and integers are of 64 bits at least once read."""

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(checked(index))
        return int(value) if isinstance(value, np.integer) else value

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(checked(index), value)


def _bounded(argument: Any) -> Any:
    if isinstance(argument, tuple):
        return tuple([_bounded(one) for one in argument])
    return argument.view(Bounded) if isinstance(argument, np.ndarray) else argument


class _NumPy:
    """NumPy as kernels see it: their own arrays are bounded, and integers do not wrap around."""

    int64 = uint32 = uint8 = int

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, *arguments: Any) -> Any:
        return np.empty(*arguments).view(Bounded)

    def zeros(self, *arguments: Any) -> Any:
        return np.zeros(*arguments).view(Bounded)


_NUMPY = _NumPy()


def interpreted(function: Callable[..., None]) -> Callable[..., None]:
    """A kernel in plain Python. As in compiled code nothing warns, and a division by zero is inf or NaN."""

    @functools.wraps(function)
    def run(*arguments: Any) -> None:
        scope = {**function.__globals__, "np": _NUMPY}
        with np.errstate(all="ignore"):
            FunctionType(function.__code__, scope, closure=function.__closure__)(*_bounded(arguments))

    return run
