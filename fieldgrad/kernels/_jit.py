# SPDX-License-Identifier: BSD-3-Clause
"""How functions are compiled: the options, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

from fieldgrad.kernels import _cache
from fieldgrad.kernels._pipeline import CallCompiler, ForeignCompiler, InlineCompiler
from fieldgrad.kernels._plain import INTERPRETED, interpreted

# No fast-math at all, not even contraction: where products and sums are joined is said with `fma`, so that a value has
# the same bits alone, beside others, in a vector body, in a scalar remainder and in any block.
# error_model numpy: a division by zero is inf or NaN, never a branch, which would keep a loop from vectorising.
OPTIONS = {"error_model": "numpy"}

#: For functions that are called inside a loop. Helpers that take arrays cost 20 times once LLVM stops inlining them.
#: Wrappers for calls from Python and C would double their compile time.
_LINKED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **OPTIONS}
INLINED = {"forceinline": True, "pipeline_class": InlineCompiler, **_LINKED}
inlined = numba.njit(**INLINED)

#: For functions of a user's, which may be anything that numba compiles.
foreign = numba.njit(**INLINED | {"pipeline_class": ForeignCompiler})

#: For functions that are called once a row: inlined for each of nine outputs, those that copy rows took half the time
#: that the kernel took to compile. What is not said here numba takes from the caller.
called = numba.njit(forceinline=False, pipeline_class=CallCompiler, **_LINKED)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a kernel: it releases the GIL, and is kept on disk, so that a second process compiles nothing."""
    if INTERPRETED:
        return interpreted(function)
    dispatcher = numba.njit(nogil=True, boundscheck=False, no_cfunc_wrapper=True, **OPTIONS)(function)
    _cache.enable(dispatcher)
    return dispatcher
