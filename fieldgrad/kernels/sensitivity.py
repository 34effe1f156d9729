# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of a quantity with respect to L: times covariances how far it strays, times a cotangent its adjoint.

Derivatives are central differences of the point functions themselves, hence those of every quantity, a user's too, and
no formula can disagree with its quantity. With steps of the cube root of the rounding unit they are right to ten
digits, far beyond first order in the noise. Complex steps would be exact, but point functions compare, take roots and
look at bits. A linear quantity needs no step: its coefficients are its values for unit tensors, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from fieldgrad.kernels._jit import inlined, kernel
from fieldgrad.kernels.call import Request, entry_point, point_of
from fieldgrad.kernels.engine import _emit
from fieldgrad.kernels.spec import Spec, parameters_of, points_of
from fieldgrad.kernels.threads import share

# Numbers that the largest value has: a tensor.
_NUMBERS = 9
_STEP = float(np.finfo(np.float64).eps ** (1 / 3))


@inlined
def _value(spec: Any, T: Any, parameters: Any, value: Any) -> None:
    """The quantity of a tensor, its numbers one after the other."""
    L = ((T[0, 0], T[0, 1], T[0, 2]), (T[1, 0], T[1, 1], T[1, 2]), (T[2, 0], T[2, 1], T[2, 2]))
    points = points_of(spec)
    _emit(points, L, parameters, (value,), (0, 3, 1), 0, value, 0)


@inlined
def _slopes(spec: Any, T: Any, i: Any, j: Any, step: Any, parameters: Any, plus: Any, minus: Any) -> None:
    """Central differences of the quantity along one entry of a tensor, in `plus`; the entry is left moved."""
    here = T[i, j]
    T[i, j] = here + step
    above = T[i, j]
    _value(spec, T, parameters, plus)
    T[i, j] = here - step
    below = T[i, j]
    _value(spec, T, parameters, minus)
    for number in range(_NUMBERS):
        plus[number] = (plus[number] - minus[number]) / (above - below)


@kernel
def propagate(
    spec: Any, L: Any, covariance: Any, parameters: Any, out: Any, rows: Any, columns: Any, begin: Any, end: Any
) -> None:
    """Variances at the points ``begin ... end - 1``.

    Parameters
    ----------
    spec : Spec
        What is compiled in: one point, and whether it is linear (`extra`).
    L : array of float64, shape (3, 3, n)
        The tensor; zero in directions that are absent.
    covariance : array of float64, shape (3, 3, 3, n)
        Covariance of L_ij and L_ik as entry i, j, k; those of different components vanish.
    parameters : tuple of array of float64
        Parameters of the point: arrays of n values, or of one.
    out : array of float64, shape (rows * columns, n)
        Variances.
    rows, columns : int
        Shape of a value.
    begin, end : int
        Range of points.
    """
    T = np.zeros((3, 3))
    plus, minus = np.zeros(_NUMBERS), np.zeros(_NUMBERS)
    slopes = np.zeros((3, _NUMBERS))
    for n in range(begin, end):
        values = parameters_of(spec, parameters, (), n, 0)
        size, valid = 0.0, True
        for i in range(3):
            for j in range(3):
                T[i, j] = 0.0 if spec.extra else L[i, j, n]
                size = max(size, abs(T[i, j]))
                valid = valid and not np.isnan(T[i, j])
        for number in range(rows * columns):
            out[number, n] = 0.0 if valid else np.nan
        if not valid:
            continue
        for i in range(3):
            for j in range(3):
                variance = covariance[i, j, j, n]
                if variance <= 0:
                    slopes[j, :] = 0.0
                    continue
                here = T[i, j]
                if spec.extra:
                    T[i, j] = 1.0
                    _value(spec, T, values, plus)
                    for number in range(_NUMBERS):
                        slopes[j, number] = plus[number]
                else:
                    # where nothing moves, noise alone tells what is small
                    step = _STEP * (size if size > 0 else np.sqrt(variance))
                    _slopes(spec, T, i, j, step, values, plus, minus)
                    for number in range(_NUMBERS):
                        slopes[j, number] = plus[number]
                T[i, j] = here
            for row in range(rows):
                for column in range(columns):
                    number = 3 * row + column
                    total = 0.0
                    for j in range(3):
                        for k in range(3):
                            if slopes[j, number] != 0 and slopes[k, number] != 0:
                                total += slopes[j, number] * slopes[k, number] * covariance[i, j, k, n]
                    out[row * columns + column, n] += total


@kernel
def pull_back(
    spec: Any, L: Any, cotangent: Any, parameters: Any, out: Any, places: Any, columns: Any, begin: Any, end: Any
) -> None:
    """The cotangent of L at the points ``begin ... end - 1``.

    Parameters
    ----------
    spec, L, parameters, begin, end
        As in :func:`propagate`.
    cotangent : array of float64, shape (numbers, n)
        That of each number of the value, row by row.
    out : array of float64, shape (entries, n)
        The cotangent of some entries of L.
    places : array of int64
        Which these are, 3 i + j of L_ij.
    columns : int
        Length of the rows of a value.
    """
    T = np.zeros((3, 3))
    plus, minus = np.zeros(_NUMBERS), np.zeros(_NUMBERS)
    for n in range(begin, end):
        values = parameters_of(spec, parameters, (), n, 0)
        size, valid = 0.0, True
        for i in range(3):
            for j in range(3):
                T[i, j] = 0.0 if spec.extra else L[i, j, n]
                size = max(size, abs(T[i, j]))
                valid = valid and not np.isnan(T[i, j])
        step = _STEP * (size if size > 0 else 1.0)
        for place in range(len(places)):
            i, j = places[place] // 3, places[place] % 3
            here = T[i, j]
            if spec.extra:
                T[i, j] = 1.0
                _value(spec, T, values, plus)
            else:
                _slopes(spec, T, i, j, step, values, plus, minus)
            T[i, j] = here
            total = 0.0
            for number in range(len(cotangent)):
                total += cotangent[number, n] * plus[3 * (number // columns) + number % columns]
            out[place, n] = total if valid else np.nan


def variances(
    L: NDArray[np.float64],
    covariance: NDArray[np.float64],
    request: Request,
    parameters: Sequence[NDArray[np.float64]],
    linear: bool,
) -> NDArray[np.float64]:
    """Variances of a quantity to first order, exact where it is linear.

    Parameters
    ----------
    L : ndarray of float64, shape (3, 3, n)
        Velocity gradient.
    covariance : ndarray of float64, shape (3, 3, 3, n)
        Covariance of L_ij and L_ik.
    request : Request
        The quantity, with the parts of it that are wanted.
    parameters : sequence of ndarray of float64
        Its parameters: numbers, or n values.
    linear : bool
        Whether it is linear in L.

    Returns
    -------
    ndarray of float64, shape (parts, n)
        Variances of the parts.
    """
    rows, columns = max(len(request.rows), 1), max(len(request.columns), 1)
    out = np.empty((rows * columns, L.shape[-1]))
    spec, values = _prepared(request, parameters, linear)
    arguments = (None, L, covariance, values, out, rows, columns)
    share(_propagation(spec, len(values)), arguments, L.shape[-1], 20 * out.size)
    return out


def cotangents(
    L: NDArray[np.float64],
    cotangent: NDArray[np.float64],
    request: Request,
    parameters: Sequence[NDArray[np.float64]],
    linear: bool,
    places: Sequence[int],
) -> NDArray[np.float64]:
    """The cotangent of L where that of a quantity is known, by central differences; exact where it is linear.

    Parameters
    ----------
    L : ndarray of float64, shape (3, 3, n)
        Velocity gradient, which does not count where the quantity is linear.
    cotangent : ndarray of float64, shape (numbers, n)
        That of each number of the value, row by row.
    request, parameters, linear
        As :func:`variances` takes them.
    places : sequence of int
        The entries of L that are wanted: 3 i + j for L_ij.

    Returns
    -------
    ndarray of float64, shape (entries, n)
        ``sum_k c_k dvalue_k/dL_ij``.
    """
    out = np.empty((len(places), L.shape[-1]))
    spec, values = _prepared(request, parameters, linear)
    columns = max(len(request.columns), 1)
    arguments = (None, L, cotangent, values, out, np.array(places, np.int64), columns)
    share(_pulling(spec, len(values)), arguments, L.shape[-1], 20 * out.size)
    return out


def _prepared(request: Request, parameters: Sequence[NDArray[np.float64]], linear: bool) -> tuple[Spec, Any]:
    values = tuple([np.ascontiguousarray(parameter).reshape(-1) for parameter in parameters])
    return _spec(point_of(request), tuple([parameter.ndim > 0 for parameter in parameters]), linear), values


@cache
def _spec(point: Any, fields: tuple[bool, ...], linear: bool) -> Spec:
    return Spec((0, 1, 2), (0, 1, 2), 0, False, 0, 0, True, int(linear), fields, (point,), False)


@cache
def _propagation(spec: Spec, parameters: int) -> Any:
    covariance = types.Array(types.float64, 4, "C", readonly=True)
    return entry_point(propagate, _signature(spec, parameters, covariance, (types.int64, types.int64)))


@cache
def _pulling(spec: Spec, parameters: int) -> Any:
    cotangent = types.Array(types.float64, 2, "C", readonly=True)
    places = types.Array(types.int64, 1, "C", readonly=True)
    return entry_point(pull_back, _signature(spec, parameters, cotangent, (places, types.int64)))


def _signature(spec: Spec, parameters: int, given: Any, rest: tuple[Any, ...]) -> Any:
    floats = types.Array(types.float64, 1, "C", readonly=True)
    return types.void(
        spec,
        types.Array(types.float64, 3, "C", readonly=True),
        given,
        types.UniTuple(floats, parameters) if parameters else types.Tuple(()),
        types.Array(types.float64, 2, "C"),
        *rest,
        types.int64,
        types.int64,
    )
