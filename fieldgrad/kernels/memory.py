# SPDX-License-Identifier: BSD-3-Clause
"""Loads, stores and the fused multiply-add, as the compiler must see them.

LLVM gives up on vectorising a loop when it must check more than a few pointers for overlap. Loads from inputs carry an
alias scope and stores are declared not to alias it, which removes the checks. That is a promise: an output must never
overlap an input (the launcher checks it). Scratch is stored and loaded again, so it has a scope of its own; stores to
outputs are declared not to alias either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``, rounded once."""
    if not (a == b == c and isinstance(a, types.Float)):
        raise TypingError(f"fma takes three floats of one type, got {a}, {b} and {c}")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, a, a), codegen


@intrinsic
def like(typingctx: Any, constant: Any, value: Any) -> Any:
    """A constant in the type of a value: a plain literal would turn float32 arithmetic into float64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.cast(builder, args[0], signature.args[0], signature.return_type)

    return value(constant, value), codegen


def scopes(module: Any, *names: str) -> Any:
    """Metadata that names alias scopes."""
    domain = module.add_metadata(["fieldgrad"])
    return module.add_metadata([module.add_metadata([f"fieldgrad {name}", domain]) for name in names])


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Address of an element."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _make_load(scope: str) -> Callable[..., Any]:
    @intrinsic
    def load(typingctx: Any, array: Any, index: Any) -> Any:
        """Element of a one-dimensional contiguous array; no bounds check, no wrap of negative indices."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(pointer(context, builder, signature.args[0], *args))
            value.set_metadata("alias.scope", scopes(builder.module, scope))
            return value

        return array.dtype(array, types.intp), codegen

    return load


def _make_store(*names: str) -> Callable[..., Any]:
    @intrinsic
    def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
        """Set an element of a one-dimensional contiguous array; no bounds check, no wrap of negative indices."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = pointer(context, builder, signature.args[0], args[0], args[1])
            builder.store(args[2], address).set_metadata("noalias", scopes(builder.module, *names))
            return context.get_dummy_value()

        return types.void(array, types.intp, array.dtype), codegen

    return store


load = _make_load("inputs")
load_scratch = _make_load("scratch")
store_scratch = _make_store("inputs")
store = _make_store("inputs", "scratch")
