# SPDX-License-Identifier: BSD-3-Clause
"""Loads and stores, as the compiler must see them.

LLVM gives up on vectorising a loop when it must check more than a few pointers for overlap. Loads from inputs carry an
alias scope and stores are declared not to alias it, which removes the checks. That is a promise: an output must never
overlap an input (the launcher checks it). Scratch is stored and loaded again, so it has a scope of its own; stores to
outputs are declared not to alias either.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import NativeValue, models, register_model, unbox

from fieldgrad.kernels._plain import checked, twinned


class Span(types.Type):
    """Type of a contiguous array of which a kernel takes nothing but where it begins.

    Of numba's arrays compiled code keeps seven numbers and counts references: a third of the time that a kernel took to
    compile. Nothing checks what is passed.

    Parameters
    ----------
    dtype : numba type
        Of the elements.
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"span[{dtype}]")


@register_model(Span)
class _SpanModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Span) -> None:
        super().__init__(manager, kind, manager[kind.dtype].get_data_type().as_pointer())


@unbox(Span)
def _unbox_span(kind: Span, obj: Any, c: Any) -> Any:
    # the address of the elements is what an ndarray of NumPy holds first, behind what every object begins with
    address = c.builder.gep(
        c.builder.bitcast(obj, c.pyapi.voidptr), [ir.Constant(ir.IntType(64), object.__basicsize__)]
    )
    data = c.context.get_value_type(kind)
    return NativeValue(c.builder.load(c.builder.bitcast(address, data.as_pointer())))


def scopes(module: Any, *names: str) -> Any:
    """Metadata that names alias scopes."""
    domain = module.add_metadata(["fieldgrad"])
    return module.add_metadata([module.add_metadata([f"fieldgrad {name}", domain]) for name in names])


def pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Address of an element."""
    data = array if isinstance(array_type, Span) else context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _loaded(array: Any, index: Any) -> Any:
    return array[checked(index)]


def _stored(array: Any, index: Any, value: Any) -> None:
    array[checked(index)] = value


def _make_load(scope: str) -> Any:
    @twinned(_loaded)
    def load(typingctx: Any, array: Any, index: Any) -> Any:
        """Element of a one-dimensional contiguous array; no bounds check, no wrap of negative indices."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(pointer(context, builder, signature.args[0], *args))
            value.set_metadata("alias.scope", scopes(builder.module, scope))
            return value

        return array.dtype(array, types.intp), codegen

    return load


def _make_store(*names: str) -> Any:
    @twinned(_stored)
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


def lanes(array: Any) -> int:
    """Elements of an array in a vector of 32 bytes."""
    return 256 // int(array.dtype.bitwidth)


def _until_aligned(array: Any, index: Any) -> int:
    return int(-(array.ctypes.data + index * array.itemsize) % 64 // array.itemsize)


@twinned(_until_aligned)
def until_aligned(typingctx: Any, array: Any, index: Any) -> Any:
    """Elements from an index to the next one that begins a cache line."""
    size = array.dtype.bitwidth // 8

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = builder.ptrtoint(pointer(context, builder, signature.args[0], *args), args[1].type)
        missing = builder.and_(builder.neg(address), ir.Constant(address.type, 63))
        return builder.udiv(missing, ir.Constant(address.type, size))

    return types.intp(array, types.intp), codegen


def _lanes_of(array: Any) -> int:
    return int(32 // array.itemsize)


def _streamed(array: Any, index: Any, scratch: Any, position: Any) -> None:
    for lane in range(_lanes_of(array)):
        _stored(array, index + lane, _loaded(scratch, position + lane))


@twinned(_streamed)
def stream(typingctx: Any, array: Any, index: Any, scratch: Any, position: Any) -> Any:
    """Copy 32 bytes of scratch to an aligned place of an output, past the caches."""
    count = lanes(array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        out, index, scratch, position = args
        vector = ir.VectorType(context.get_value_type(signature.args[0].dtype), count).as_pointer()
        source = builder.bitcast(pointer(context, builder, signature.args[2], scratch, position), vector)
        value = builder.load(source, align=signature.args[0].dtype.bitwidth // 8)
        value.set_metadata("alias.scope", scopes(builder.module, "scratch"))
        target = builder.bitcast(pointer(context, builder, signature.args[0], out, index), vector)
        stored = builder.store(value, target, align=32)
        stored.set_metadata("noalias", scopes(builder.module, "inputs", "scratch"))
        one = ir.Constant(ir.IntType(32), 1)
        stored.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(array, types.intp, scratch, types.intp), codegen


def _make_prefetch(write: int, locality: int) -> Any:
    @twinned(lambda array, index: None)
    def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
        """Begin to read a cache line into a cache; an element that does not exist is not read."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            byte, integer = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [byte, integer, integer, integer])
            function = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
            address = builder.bitcast(pointer(context, builder, signature.args[0], *args), byte)
            # the last 1: of data, not of code
            builder.call(function, [address, *(ir.Constant(integer, number) for number in (write, locality, 1))])
            return context.get_dummy_value()

        return types.void(array, types.intp), codegen

    return prefetch


prefetch = _make_prefetch(0, 2)  # into the L2 cache
prefetch_near = _make_prefetch(0, 3)  # into the L1 cache
prefetch_written = _make_prefetch(1, 3)  # there, to be written


@twinned(_lanes_of)
def stream_lanes(typingctx: Any, array: Any) -> Any:
    """Elements that `stream` copies."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_constant(types.intp, lanes(signature.args[0]))

    return types.intp(array), codegen


@twinned(lambda: None)
def fence(typingctx: Any) -> Any:
    """Wait until all that was streamed is visible to others."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen
