# SPDX-License-Identifier: BSD-3-Clause
"""What one kernel is compiled for, told by a type.

Closures over compiled functions are never found in numba's disk cache. A type is: so everything that the engine must
know when it is compiled (how many axes, how wide the stencils are, which point functions run) is carried by the type of
its first argument, which has no value at run time. numba looks a cached kernel up by its argument types and by the
engine's own file alone, so the type also carries a digest of every source that is compiled into the kernel: an edited
formula is a new type, and is never served from an old cache.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)

from fieldgrad.kernels._plain import twinned
from fieldgrad.kernels.arithmetic import fma
from fieldgrad.kernels.memory import load, pointer, scopes, store

#: Slots of memory axes: three outer loops and the row, the last of which is contiguous in memory.
SLOTS = 4
ABSENT = -1
#: Rows of scratch that hold derivatives: four slots of three inputs.
DERIVATIVE_ROWS = 12
#: Kinds of parameters: a number, a field laid out as the outputs are, and one with strides of its own, along the row or
#: constant there.
NUMBER, FIELD, ALONG, CONSTANT = range(4)


@cache
def sources_digest() -> str:
    """Digest of this package's own sources and of numba's version."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Point:
    """One function of L that a kernel evaluates, and which parts of its result are stored.

    Parameters
    ----------
    function : callable
        Compiled function ``(L, *parameters)``: L is a 3 x 3 tuple of tuples, the result a number, a 3-tuple or a 3 x 3
        tuple.
    key : str
        Tells this function from every other: its name and a digest of its source.
    rows, columns : tuple of int
        Which components of the result are stored; empty for those that it does not have.
    parameters : tuple of int
        Which of the kernel's parameters it takes.
    plane : tuple of int, optional
        For a function of the 2 x 2 tensor in a plane: the places of its two directions among x, y, z.
    """

    function: Callable[..., Any]
    key: str
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    parameters: tuple[int, ...] = ()
    plane: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        """Text that is equal for equal points only."""
        return f"{self.key}/{self.rows}/{self.columns}/{self.parameters}/{self.plane}"

    @property
    def outputs(self) -> int:
        """Numbers that are stored for each point of the grid."""
        return max(len(self.rows), 1) * max(len(self.columns), 1)


@dataclass(frozen=True)
class Metric:
    """Which parameters turn the coordinate derivatives at a point into physical ones; see ``fieldgrad.geometry``.

    Parameters
    ----------
    transform : tuple of (m, j, parameter, sign)
        L_ij is a sum over m of these parameters, times the sign, times du_i/dq_m; a negative parameter is one.
    connection : tuple of (i, j, velocity, parameter, sign)
        And of products of two parameters, the first of them a component of the velocity.
    """

    transform: tuple[tuple[int, int, int, int], ...]
    connection: tuple[tuple[int, int, int, int, int], ...]


class _Named(types.Dummy):
    """A type that is pickled as its name.

    numba's index of a disk cache holds types to compare them by name. Whole ones would bring functions of a user's in,
    from modules that the next process may not have. One that comes from a pickle knows what others of its name know.
    """

    _known: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._known[name] = dict(self.__dict__)

    def __reduce__(self) -> Any:
        return _recalled, (type(self), self.name)

    def __getattr__(self, attribute: str) -> Any:
        known = self._known.get(self.__dict__.get("name", ""), {})
        if attribute not in known:
            raise AttributeError(attribute)
        return known[attribute]


def _recalled(kind: Any, name: str) -> Any:
    recalled = object.__new__(kind)
    types.Dummy.__init__(recalled, name)
    return kind._intern(recalled)


class Points(_Named):
    """Type of a list of points.

    Parameters
    ----------
    points : tuple of Point
        The points.
    staged : bool
        Whether values are stored in scratch first.
    first : int
        Which of the staged outputs the first value is.
    """

    def __init__(self, points: tuple[Point, ...], staged: bool, first: int) -> None:
        self.points, self.staged, self.first = points, staged, first
        super().__init__(f"points[{staged}/{first}/{';'.join(point.label for point in points)}]")

    @property
    def rest(self) -> Points:
        """All but the first."""
        return Points(self.points[1:], self.staged, self.first + self.points[0].outputs)


class Spec(_Named):
    """Type that a kernel is compiled for.

    Parameters
    ----------
    rows : tuple of int
        Row of L that each differentiated input fills.
    columns : tuple of int
        For each column of L the memory slot whose derivative fills it, or ABSENT.
    outer : int
        Number of outer loops along which derivatives are taken: the last ones of three.
    inner : bool
        Whether derivatives are taken along the row.
    half : int
        Nodes that the band reaches to either side along the row.
    width : int
        Neighbours of a point along every outer axis.
    difference : bool
        Whether weights act on differences to the centre (derivatives) or on plain values (adjoints).
    extra : int
        Entries behind the weights of a row, for tables with boundaries: its sum, and what the centre is compared with.
    fields : tuple of int
        For each parameter its kind.
    points : tuple of Point
        What is evaluated.
    staged : bool
        Whether values go to scratch first, and from there to memory, one output after the other.
    metric : Metric, optional
        How coordinate derivatives become physical ones; None where they are.
    fused : bool
        Whether all derivatives of a point are computed at once, or those of a row one after the other.
    """

    def __init__(
        self,
        rows: tuple[int, ...],
        columns: tuple[int, ...],
        outer: int,
        inner: bool,
        half: int,
        width: int,
        difference: bool,
        extra: int,
        fields: tuple[int, ...],
        points: tuple[Point, ...],
        staged: bool,
        metric: Metric | None = None,
        fused: bool = True,
    ) -> None:
        self.staged, self.metric, self.fused = staged, metric, fused
        self.rows, self.columns = rows, columns
        self.outer, self.inner, self.half, self.width = outer, inner, half, width
        self.difference, self.extra, self.fields, self.points = difference, extra, fields, points
        shape = f"{rows}/{columns}/{outer}/{inner}/{half}/{width}/{difference}/{extra}/{fields}/{metric}/{fused}"
        super().__init__(f"spec[{sources_digest()}/{shape}/{self.list.name}]")

    @property
    def list(self) -> Points:
        """The points, as a type."""
        return Points(self.points, self.staged, 0)

    @property
    def outputs(self) -> int:
        """Numbers that are stored for each point of the grid."""
        return sum(point.outputs for point in self.points)

    @property
    def slots(self) -> tuple[bool, ...]:
        """For each memory slot whether derivatives are taken along it."""
        return (*(slot >= 3 - self.outer for slot in range(3)), self.inner)

    @property
    def along_0(self) -> bool:
        """Whether derivatives are taken along the slowest slot."""
        return self.slots[0]

    @property
    def along_1(self) -> bool:
        """Along the next."""
        return self.slots[1]

    @property
    def along_2(self) -> bool:
        """And along the one before the row."""
        return self.slots[2]

    @property
    def count(self) -> int:
        """Differentiated inputs."""
        return len(self.rows)

    @property
    def staged_outputs(self) -> int:
        """Outputs whose values go to scratch first."""
        return self.outputs if self.staged else 0


register_model(Spec)(models.OpaqueModel)
register_model(Points)(models.OpaqueModel)


@unbox(Spec)
def _unbox_spec(typ: Any, obj: Any, c: Any) -> Any:
    return NativeValue(c.context.get_dummy_value())


#: What compiled code reads from a spec; the compiler sees constants.
_CONSTANTS = {
    *("count", "half", "width", "inner", "along_0", "along_1", "along_2"),
    *("difference", "extra", "staged"),
}


@infer_getattr
class _SpecAttributes(AttributeTemplate):
    key = Spec

    def generic_resolve(self, spec: Spec, name: str) -> Any:
        return types.boolean if isinstance(getattr(spec, name), bool) else types.intp


@lower_getattr_generic(Spec)
def _lower_attribute(context: Any, builder: Any, spec: Spec, value: Any, name: str) -> Any:
    constant = getattr(spec, name)
    return context.get_constant(types.boolean if isinstance(constant, bool) else types.intp, constant)


@twinned(lambda spec: spec.list)
def points_of(typingctx: Any, spec: Any) -> Any:
    """The points of a spec."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_dummy_value()

    return spec.list(spec), codegen


@twinned(lambda points: points.rest)
def tail(typingctx: Any, points: Any) -> Any:
    """The points without the first."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_dummy_value()

    return points.rest(points), codegen


def _tensor(spec: Spec, *sources: Any) -> Any:
    zero = type(sources[0][0])(0)

    def entry(row: int, slot: int) -> Any:
        return zero if row not in spec.rows or slot == ABSENT else sources[spec.rows.index(row)][slot]

    return tuple([tuple([_number(entry(row, slot)) for slot in spec.columns]) for row in range(3)])


def _number(value: Any) -> Any:
    """As NumPy has it: numbers of Python divide by zero with an error."""
    return np.float64(value) if isinstance(value, float) else value


@twinned(_tensor)
def tensor(typingctx: Any, spec: Any, first: Any, second: Any, third: Any) -> Any:
    """L as a 3 x 3 tuple from the derivatives of up to three inputs along the memory slots; what is absent is zero.

    A plane flow is thus a flow in space whose other derivatives vanish, and no point function has a twin for two
    dimensions. The zeros are constants, which the compiler folds.
    """
    number = first.dtype
    row_type = types.UniTuple(number, 3)
    result = types.UniTuple(row_type, 3)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(context.get_value_type(number), 0.0)
        rows = []
        for row in range(3):
            if row in spec.rows:
                source = args[1 + spec.rows.index(row)]
                values = [zero if slot == ABSENT else builder.extract_value(source, slot) for slot in spec.columns]
            else:
                values = [zero] * 3
            rows.append(context.make_tuple(builder, row_type, values))
        return context.make_tuple(builder, result, rows)

    return result(spec, first, second, third), codegen


def _physical(spec: Spec, L: Any, parameters: Any) -> Any:
    if spec.metric is None:
        return L
    totals: dict[tuple[int, int], Any] = {}

    def add(i: int, j: int, parameter: int, value: Any, sign: int) -> None:
        term, total = value if sign > 0 else -value, totals.get((i, j))
        if parameter < 0:
            totals[i, j] = term if total is None else total + term
        else:
            factor = parameters[parameter]
            totals[i, j] = factor * term if total is None else fma(factor, term, total)

    for m, j, parameter, sign in spec.metric.transform:
        for i in spec.rows if spec.columns[m] != ABSENT else ():
            add(i, j, parameter, L[i][m], sign)
    for i, j, velocity, parameter, sign in spec.metric.connection:
        add(i, j, parameter, parameters[velocity], sign)
    zero = type(L[0][0])(0)
    return tuple([tuple([totals.get((i, j), zero) for j in range(3)]) for i in range(3)])


@twinned(_physical)
def physical(typingctx: Any, spec: Any, L: Any, parameters: Any) -> Any:
    """L in physical components, from the coordinate derivatives; the same where there is no metric."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if spec.metric is None:
            return args[1]
        zero = ir.Constant(context.get_value_type(L.dtype.dtype), 0.0)
        factors: dict[tuple[int, int], list[tuple[Any, Any]]] = {}

        def add(i: int, j: int, factor: Any, value: Any, sign: int) -> None:
            factors.setdefault((i, j), []).append((factor, value if sign > 0 else builder.fneg(value)))

        for m, j, parameter, sign in spec.metric.transform:
            if spec.columns[m] != ABSENT:
                factor = None if parameter < 0 else builder.extract_value(args[2], parameter)
                for i in spec.rows:
                    add(i, j, factor, builder.extract_value(args[1], (i, m)), sign)
        for i, j, velocity, parameter, sign in spec.metric.connection:
            factor = None if parameter < 0 else builder.extract_value(args[2], parameter)
            add(i, j, factor, builder.extract_value(args[2], velocity), sign)
        rows = []
        for i in range(3):
            values = []
            for j in range(3):
                total = None
                for factor, value in factors.get((i, j), ()):
                    if factor is None:
                        total = value if total is None else builder.fadd(total, value)
                    else:
                        total = builder.fmul(factor, value) if total is None else builder.fma(factor, value, total)
                values.append(zero if total is None else total)
            rows.append(context.make_tuple(builder, L.dtype, values))
        return context.make_tuple(builder, L, rows)

    return L(spec, L, parameters), codegen


def _places_of(spec: Spec, layout: Any, first: int, batch: int, *slots: int) -> tuple[int, ...]:
    count = sum(kind in (ALONG, CONSTANT) for kind in spec.fields)

    def place(p: int) -> int:
        start = layout[first + 3 * count + batch * count + p]
        return int(start + sum([layout[first + 3 * p + slot] * at for slot, at in enumerate(slots)]))

    return tuple([place(p) for p in range(count)])


@twinned(_places_of)
def places_of(typingctx: Any, spec: Any, layout: Any, first: Any, batch: Any, h: Any, k: Any, j: Any) -> Any:
    """Where a row begins in each parameter that has strides of its own."""
    count = sum(kind in (ALONG, CONSTANT) for kind in spec.fields)
    result = types.UniTuple(types.intp, count) if count else types.Tuple(())

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, array, start, number, *slots = args

        def entry(index: Any) -> Any:
            return builder.load(pointer(context, builder, layout, array, builder.add(start, index)))

        places = []
        for p in range(count):
            offset = builder.add(builder.mul(number, ir.Constant(number.type, count)), ir.Constant(number.type, p))
            place = entry(builder.add(offset, ir.Constant(number.type, 3 * count)))
            for slot, at in enumerate(slots):
                stride = entry(ir.Constant(number.type, 3 * p + slot))
                place = builder.add(place, builder.mul(stride, at))
            places.append(place)
        return context.make_tuple(builder, result, places)

    integer = types.intp
    return result(spec, layout, integer, integer, integer, integer, integer), codegen


def _parameters_of(spec: Spec, arrays: Any, places: Any, row: int, i: int) -> tuple[Any, ...]:
    starts, values = iter(places), []
    for array, kind in zip(arrays, spec.fields, strict=True):
        index = row + i if kind == FIELD else 0
        if kind in (ALONG, CONSTANT):
            index = next(starts) + (i if kind == ALONG else 0)
        values.append(load(array, index))
    return tuple(values)


@twinned(_parameters_of)
def parameters_of(typingctx: Any, spec: Any, arrays: Any, places: Any, row: Any, i: Any) -> Any:
    """The parameters at a point of a row: of a field its value there, of a number the number."""
    count = len(spec.fields)
    result = types.UniTuple(arrays.dtype.dtype, count) if count else types.Tuple(())

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, tuples, starts, target, position = args
        values: list[Any] = []
        own = 0
        for number, kind in enumerate(spec.fields):
            index = ir.Constant(position.type, 0)
            if kind == FIELD:
                index = builder.add(target, position)
            elif kind != NUMBER:
                index = builder.extract_value(starts, own)
                own += 1
                if kind == ALONG:
                    index = builder.add(index, position)
            array = builder.extract_value(tuples, number)
            value = builder.load(pointer(context, builder, arrays.dtype, array, index))
            value.set_metadata("alias.scope", scopes(builder.module, "inputs"))
            values.append(value)
        return context.make_tuple(builder, result, values)

    return result(spec, arrays, places, types.intp, types.intp), codegen


@twinned(lambda points, parameters: tuple([parameters[index] for index in points.points[0].parameters]))
def select(typingctx: Any, points: Any, parameters: Any) -> Any:
    """The parameters that the first point takes."""
    chosen = points.points[0].parameters
    result = types.UniTuple(parameters.dtype, len(chosen)) if chosen else types.Tuple(())

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, result, [builder.extract_value(args[1], index) for index in chosen])

    return result(points, parameters), codegen


def _seen_by(points: Points, L: Any) -> Any:
    plane = points.points[0].plane
    return L if plane is None else tuple([tuple([L[i][j] for j in plane]) for i in plane])


@twinned(_seen_by)
def seen_by(typingctx: Any, points: Any, L: Any) -> Any:
    """The part of L that the first point is a function of: all of it, or a plane."""
    plane = points.points[0].plane
    number = L.dtype.dtype
    row_type = types.UniTuple(number, 2)
    result = L if plane is None else types.UniTuple(row_type, 2)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if plane is None:
            return args[1]
        rows = [[builder.extract_value(args[1], (i, j)) for j in plane] for i in plane]
        return context.make_tuple(builder, result, [context.make_tuple(builder, row_type, row) for row in rows])

    return result(points, L), codegen


def _store_value(points: Points, array: Any, at: int, strides: Any, value: Any) -> None:
    point, first = points.points[0], at + strides[0]
    if not point.rows:
        store(array, first, value)
    for i, row in enumerate(point.rows):
        if not point.columns:
            store(array, first + i * strides[1], value[row])
        for j, column in enumerate(point.columns):
            store(array, first + i * strides[1] + j * strides[2], value[row][column])


@twinned(_store_value)
def store_value(typingctx: Any, points: Any, array: Any, at: Any, strides: Any, value: Any) -> Any:
    """Store what the first point keeps of its value: a number, some components, or a block of a tensor."""
    point = points.points[0]
    names = ("inputs",) if points.staged else ("inputs", "scratch")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, array_value, index, steps, result = args

        def put(number: Any, kind: Any, *place: int) -> None:
            number = context.cast(builder, number, kind, array.dtype)  # a user's function may widen float32
            where = builder.add(index, builder.extract_value(steps, 0))
            for position, count in enumerate(place):
                step = builder.extract_value(steps, 1 + position)
                where = builder.add(where, builder.mul(step, ir.Constant(step.type, count)))
            stored = builder.store(number, pointer(context, builder, array, array_value, where))
            stored.set_metadata("noalias", scopes(builder.module, *names))

        if not point.rows:
            put(result, value)
        for i, row in enumerate(point.rows):
            part = builder.extract_value(result, row)
            kind = value[row]
            if not point.columns:
                put(part, kind, i)
            for j, column in enumerate(point.columns):
                put(builder.extract_value(part, column), kind[column], i, j)
        return context.get_dummy_value()

    return types.void(points, array, at, strides, value), codegen


def _shape_of(points: Points) -> tuple[int, int, int]:
    point = points.points[0]
    return max(len(point.rows), 1), max(len(point.columns), 1), points.first


@twinned(_shape_of)
def shape_of(typingctx: Any, points: Any) -> Any:
    """Components, directions, and staged outputs before those of the first point."""
    shape = _shape_of(points)
    result = types.UniTuple(types.intp, 3)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, result, [context.get_constant(types.intp, number) for number in shape])

    return result(points), codegen
