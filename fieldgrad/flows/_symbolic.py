# SPDX-License-Identifier: BSD-3-Clause
"""Flows from sympy expressions, whose Jacobian is derived symbolically. sympy is imported when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from fieldgrad.flows import _checks
from fieldgrad.flows._checks import Array, Coordinate
from fieldgrad.flows._record import Flow, build

_COORDINATES = ("x", "y", "z", "t")


def from_sympy(
    components: Sequence[Any],
    *,
    x: Coordinate | None = None,
    y: Coordinate | None = None,
    z: Coordinate | None = None,
    t: Coordinate | None = None,
    parameters: Mapping[str, float] | None = None,
) -> Flow:
    """Make a flow from sympy expressions of x, y, z and t.

    Parameters
    ----------
    components : sequence of sympy expressions or numbers
        The velocity components (m s-1). As many as there are coordinates: they are the components along
        these; or three on one or two coordinates: they are u, v, w. Symbols are told apart by name, whatever
        their assumptions.
    x, y, z : array_like or DataArray, optional
        One-dimensional coordinates (m). An axis that is left out is no axis of the flow.
    t : float, array_like or DataArray, optional
        Time or times (s); several times make a leading dimension ``time``.
    parameters : mapping of str to float, optional
        Values of all other symbols, by name, in SI units. One named "viscosity" is used for dissipation.

    Returns
    -------
    Flow
        With the velocity components on (time, z, y, x).

    Raises
    ------
    ImportError
        If sympy is not installed.
    TypeError
        If a component is not an expression (a string is refused), or if a value is complex.
    ValueError
        If a symbol has no value, if the number of components does not fit, if a component cannot be
        differentiated or evaluated, or if a value is not finite.

    Notes
    -----
    L_ij = du_i/dx_j is derived with `sympy.diff`, and both are evaluated in float64 through `sympy.lambdify`.
    A quotient such as sin(x)/x is not finite at 0: say its limit with `sympy.Piecewise`.

    Examples
    --------
    >>> import numpy as np
    >>> import sympy
    >>> from fieldgrad import flows
    >>> x, y, k = sympy.symbols("x y k")
    >>> points = np.linspace(0, 1, 5)
    >>> flow = flows.from_sympy([sympy.sin(k * x) * y, 2], x=points, y=points, parameters={"k": 3.0})
    >>> L = flow.velocity_gradient.sel(component="x", direction="x")
    >>> bool(abs(L - 3 * np.cos(3 * flow.dataset.x) * flow.dataset.y).max() < 1e-14)
    True
    """
    try:
        sympy = import_module("sympy")
    except ImportError as error:
        raise ImportError("flows.from_sympy needs sympy, which is not installed: pip install sympy") from error

    given = {axis: value for axis, value in (("x", x), ("y", y), ("z", z)) if value is not None}
    axes = tuple(given)
    if not axes:
        raise ValueError("from_sympy has no coordinates: pass at least one of x=, y=, z=")
    values = {name: _checks.real(f"parameters[{name!r}]", v) for name, v in (parameters or {}).items()}
    for name in values:
        if name in _COORDINATES:
            raise ValueError(f"parameters has the name {name!r}, which is a coordinate: pass {name}= itself")

    expressions = _expressions(sympy, components)
    if len(expressions) == len(axes):
        labels = axes
    elif len(expressions) == 3:
        labels = ("x", "y", "z")
    else:
        raise ValueError(
            f"components has {len(expressions)} expressions for the coordinates {', '.join(axes)}: pass one "
            f"for each coordinate, or three"
        )

    # Real symbols, so that derivatives of Abs, sqrt(x**2) and the like come out in real form.
    symbols = {name: sympy.Symbol(name, real=True) for name in _COORDINATES}
    # Whole numbers stay whole: x**n with n = 2 then has the derivative 2 x, also at x = 0.
    numbers = {
        name: sympy.Integer(v) if v.is_integer() and abs(v) < 2**53 else sympy.Float(v) for name, v in values.items()
    }
    usable = {*axes, *values, *(["t"] if t is not None else [])}
    velocity_parts, gradient_parts = [], []
    for label, expression in zip(labels, expressions, strict=True):
        what = f"component {label!r}"
        missing = sorted({symbol.name for symbol in expression.free_symbols} - usable)
        if missing:
            raise ValueError(
                f"{what}, {expression}, has symbols without a value: {', '.join(missing)}; pass coordinates "
                f"as x=, y=, z=, t= and others in parameters={{{missing[0]!r}: ...}}"
            )
        expression = expression.xreplace(
            {symbol: symbols.get(symbol.name) or numbers[symbol.name] for symbol in expression.free_symbols}
        ).doit()
        velocity_parts.append(_numeric(sympy, what, symbols, expression))
        gradient_parts.append(
            [_numeric(sympy, f"d/d{axis} of {what}", symbols, sympy.diff(expression, symbols[axis])) for axis in axes]
        )

    def velocity(*points: Array) -> list[Array]:
        return [part(*points) for part in velocity_parts]

    def gradient(*points: Array) -> list[list[Array]]:
        return [[part(*points) for part in row] for row in gradient_parts]

    return build(
        "from_sympy",
        "(" + ", ".join(str(expression) for expression in expressions) + ")",
        x=x,
        y=y,
        z=z,
        t=None if t is None else _checks.time(t),
        velocity=velocity,
        gradient=gradient,
        parameters=values,
        components=labels,
        required="",
    )


def _expressions(sympy: Any, components: Sequence[Any]) -> list[Any]:
    """Check that each component is a scalar expression."""
    if isinstance(components, (str, sympy.Expr)) or not hasattr(components, "__iter__"):
        raise TypeError(f"components is {components!r}: pass a list of expressions, such as [-y, x]")
    found = []
    for index, component in enumerate(components):
        # Strings would be run as Python code by sympify.
        if isinstance(component, str):
            raise TypeError(
                f"components[{index}] is the string {component!r}: pass a sympy expression (sympy.sympify "
                f"makes one from a string that you trust)"
            )
        expression = sympy.sympify(component)
        if not isinstance(expression, sympy.Expr):
            raise TypeError(f"components[{index}] is {component!r}: pass a scalar sympy expression or a number")
        found.append(expression)
    return found


def _numeric(sympy: Any, what: str, symbols: Mapping[str, Any], expression: Any) -> Callable[..., Array]:
    """Turn an expression into a function of x, y, z and t that checks what it returns."""
    if expression.has(sympy.Derivative, sympy.Integral, sympy.DiracDelta, sympy.zoo, sympy.nan):
        raise ValueError(f"{what} is {expression}, not a closed form: pass smooth, explicit expressions")
    # lambdify prints floats with 15 digits, which are not all: hand them over as arguments.
    floats = {value: sympy.Dummy(real=True) for value in expression.atoms(sympy.Float)}
    function = sympy.lambdify([*symbols.values(), *floats.values()], expression.xreplace(floats), cse=True)
    constants = [float(value) for value in floats]

    def evaluate(*points: Array) -> Array:
        # Piecewise expressions evaluate all of their branches; what they select is checked below.
        with np.errstate(all="ignore"):
            try:
                result = np.asarray(function(*points, *constants))
            except (NameError, TypeError, AttributeError, OverflowError) as error:
                raise ValueError(f"{what}, {expression}, cannot be evaluated on arrays: {error}") from error
        if result.dtype.kind == "c":
            raise TypeError(f"{what}, {expression}, is complex: pass real expressions")
        result = result.astype(np.float64)
        if not np.isfinite(result).all():
            first, *everywhere = np.broadcast_arrays(result, *points)
            index = tuple(np.argwhere(~np.isfinite(first))[0])
            at = ", ".join(
                f"{symbol.name} = {values[index]:.6g}"
                for symbol, values in zip(symbols.values(), everywhere, strict=True)
                if symbol in expression.free_symbols
            )
            raise ValueError(
                f"{what}, {expression}, is not finite at {at or 'all points'}: leave the point out, or give "
                f"the limit there with sympy.Piecewise"
            )
        return result

    return evaluate
