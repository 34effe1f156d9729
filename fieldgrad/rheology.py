# SPDX-License-Identifier: BSD-3-Clause
"""Generalised Newtonian fluids: viscosities that depend on the shear rate, and the stress that follows.

R. B. Bird, R. C. Armstrong and O. Hassager, Dynamics of Polymeric Liquids, volume 1, 2nd edition, Wiley (1987),
chapter 4.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from fieldgrad import units
from fieldgrad.bars import watched
from fieldgrad.chunked import evaluate
from fieldgrad.fields import Velocity, array_of, name_of, relabel, units_of, working
from fieldgrad.grid import Grid
from fieldgrad.labelled import Names, derive
from fieldgrad.operators import Array, Frame, as_field


@dataclass(frozen=True)
class PowerLaw:
    r"""The power law of Ostwald and de Waele.

    .. math:: \eta(\dot\gamma) = K \dot\gamma^{n - 1}

    Parameters
    ----------
    consistency : float
        Consistency K (Pa s^n), positive.
    index : float
        Power-law index n, positive: below 1 the fluid thins with shear, above 1 it thickens, at 1 it is Newtonian.

    Raises
    ------
    TypeError
        If a parameter is no real number.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    Bird, Armstrong and Hassager (1987), equation 4.1-10. Without shear the viscosity of a thinning fluid is infinite,
    and is given as inf; the stress vanishes there all the same.

    Examples
    --------
    >>> import numpy as np
    >>> PowerLaw(consistency=2.0, index=0.5)(np.array([0.0, 1.0, 4.0]))
    array([inf,  2.,  1.])
    """

    consistency: float
    index: float

    definition: ClassVar[str] = "consistency gamma^(index - 1)"

    def __post_init__(self) -> None:
        _check(self, positive=("consistency", "index"))

    def __call__(self, shear_rate: Any) -> Array:
        """Viscosity (Pa s) at a shear rate (s-1), which is not negative."""
        gamma = _magnitude(shear_rate)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(self.consistency * gamma ** (self.index - 1.0))


@dataclass(frozen=True)
class Carreau:
    r"""The model of Carreau, with the transition of Yasuda.

    .. math:: \eta(\dot\gamma) = \eta_\infty + (\eta_0 - \eta_\infty) (1 + (\lambda \dot\gamma)^a)^{(n - 1)/a}

    Parameters
    ----------
    zero_shear : float
        Viscosity eta_0 at zero shear rate (Pa s), positive.
    infinite_shear : float
        Viscosity eta_inf at infinite shear rate (Pa s), not negative.
    time_constant : float
        Time constant lambda (s), positive: the fluid begins to thin at the shear rate 1/lambda.
    index : float
        Power-law index n of what lies between, not negative.
    transition : float, default 2
        Yasuda's parameter a, positive: how sharp the transition is from eta_0 to the power law. Carreau's is 2.

    Raises
    ------
    TypeError
        If a parameter is no real number.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    P. J. Carreau, Transactions of the Society of Rheology 16 (1972) 99-127; K. Yasuda, PhD thesis, Massachusetts
    Institute of Technology (1979); Bird, Armstrong and Hassager (1987), equation 4.1-9.

    Examples
    --------
    >>> import numpy as np
    >>> Carreau(zero_shear=3.0, infinite_shear=1.0, time_constant=2.0, index=0.0)(np.array([0.0, np.inf]))
    array([3., 1.])
    """

    zero_shear: float
    infinite_shear: float
    time_constant: float
    index: float
    transition: float = 2.0

    definition: ClassVar[str] = (
        "infinite_shear + (zero_shear - infinite_shear) (1 + (time_constant gamma)^transition)^((index - 1)/transition)"
    )

    def __post_init__(self) -> None:
        _check(self, positive=("zero_shear", "time_constant", "transition"), not_negative=("infinite_shear", "index"))

    def __call__(self, shear_rate: Any) -> Array:
        """Viscosity (Pa s) at a shear rate (s-1), which is not negative."""
        rate = self.time_constant * _magnitude(shear_rate)
        # (1 + rate^a)^(1/a) with the larger of both before the bracket: rate^a alone overflows
        larger = np.maximum(rate, 1.0)
        norm = larger * (1.0 + (np.minimum(rate, 1.0) / larger) ** self.transition) ** (1.0 / self.transition)
        factor = norm ** (self.index - 1.0)
        return np.asarray(self.infinite_shear + (self.zero_shear - self.infinite_shear) * factor)


@dataclass(frozen=True)
class Cross:
    r"""The model of Cross.

    .. math:: \eta(\dot\gamma) = \eta_\infty + \frac{\eta_0 - \eta_\infty}{1 + (\lambda \dot\gamma)^m}

    Parameters
    ----------
    zero_shear : float
        Viscosity eta_0 at zero shear rate (Pa s), positive.
    infinite_shear : float
        Viscosity eta_inf at infinite shear rate (Pa s), not negative.
    time_constant : float
        Time constant lambda (s), positive: half way between both at the shear rate 1/lambda.
    exponent : float
        Exponent m, positive; between both viscosities the fluid is like a power law of index 1 - m. Cross found 2/3.

    Raises
    ------
    TypeError
        If a parameter is no real number.
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    M. M. Cross, Journal of Colloid Science 20 (1965) 417-437.

    Examples
    --------
    >>> import numpy as np
    >>> Cross(zero_shear=3.0, infinite_shear=1.0, time_constant=2.0, exponent=1.0)(np.array([0.0, 0.5, np.inf]))
    array([3., 2., 1.])
    """

    zero_shear: float
    infinite_shear: float
    time_constant: float
    exponent: float

    definition: ClassVar[str] = "infinite_shear + (zero_shear - infinite_shear)/(1 + (time_constant gamma)^exponent)"

    def __post_init__(self) -> None:
        _check(self, positive=("zero_shear", "time_constant", "exponent"), not_negative=("infinite_shear",))

    def __call__(self, shear_rate: Any) -> Array:
        """Viscosity (Pa s) at a shear rate (s-1), which is not negative."""
        rate = self.time_constant * _magnitude(shear_rate)
        with np.errstate(over="ignore"):  # where the power overflows, its share of the viscosity underflows
            power = rate**self.exponent
        return np.asarray(self.infinite_shear + (self.zero_shear - self.infinite_shear) / (1.0 + power))


Model = PowerLaw | Carreau | Cross


@watched
def apparent_viscosity(shear_rate: xr.DataArray, model: Model) -> xr.DataArray:
    """Viscosity of a generalised Newtonian fluid at a shear rate.

    Parameters
    ----------
    shear_rate : DataArray
        Shear rate sqrt(2 D:D) (s-1), as :func:`fieldgrad.derive` gives it.
    model : PowerLaw, Carreau or Cross
        The fluid.

    Returns
    -------
    DataArray
        Dynamic viscosity eta(shear_rate) (Pa s), on the dimensions of `shear_rate`; inf where a power law with an index
        below 1 is not sheared, NaN where the shear rate is.

    Raises
    ------
    TypeError
        If `shear_rate` is no DataArray of real numbers, or the model is none of those.
    ValueError
        If a shear rate is negative.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> import xarray as xr
    >>> rate = xr.DataArray([1.0, 4.0], dims="x", attrs={"units": "s-1"})
    >>> eta = fg.apparent_viscosity(rate, fg.PowerLaw(consistency=2.0, index=0.5))
    >>> eta.values, eta.units
    (array([2., 1.]), 'Pa s')
    """
    _require_model(model)
    values = working(array_of(shear_rate, "shear_rate"), name_of(shear_rate, "shear_rate"))
    (result,) = evaluate(partial(_viscosities, model), [values], Frame((), (), ()))
    # the parameters of a model are in SI units
    known = units.combine([(units_of(shear_rate), 1)]) == "s-1"
    return relabel(
        shear_rate,
        result,
        name="apparent_viscosity",
        long_name="apparent viscosity",
        definition=f"{model.definition}, {model!r}",
        unit="Pa s" if known else None,
    )


def _viscosities(model: Model, fields: list[Array], frame: Frame, parameters: list[Any]) -> list[Array]:
    return [model(fields[0])]


@watched
def generalised_newtonian_stress(
    obj: Velocity, model: Model, *, grid: Grid | None = None, components: Names = None
) -> xr.DataArray:
    """Viscous stress in a fluid whose viscosity depends on the shear rate.

    Parameters
    ----------
    obj : Dataset or DataArray
        Velocity: a variable for each component, or a dimension ``component``.
    model : PowerLaw, Carreau or Cross
        The fluid.
    grid : Grid, optional
        Directions and discretisation, by default ``infer_grid(obj)``.
    components : sequence of str, optional
        Names of the components, in x, y, z order.

    Returns
    -------
    DataArray, dims ("component", "direction", ...)
        2 eta D - (2/3) eta tr(L) I with eta = eta(sqrt(2 D:D)), in Pa where velocities are in m s-1 and lengths in m;
        zero where nothing is deformed, also where the viscosity of a power law is infinite.

    Raises
    ------
    TypeError
        If the model is none of those, or something holds no numbers.
    ValueError
        As :func:`fieldgrad.derive`.

    Notes
    -----
    Bird, Armstrong and Hassager (1987), equation 4.1-6, with the second term for flows that are not solenoidal. The
    velocity is differentiated twice: for the shear rate, and with the viscosity for the stress.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=4.0).dataset
    >>> stress = fg.generalised_newtonian_stress(flow, fg.PowerLaw(consistency=2.0, index=0.5))
    >>> stress.sel(component="x", direction="y").mean().round(12).item()  # 2 sqrt(4)
    4.0
    """
    _require_model(model)
    rate = derive(obj, "shear_rate", grid=grid, components=components)["shear_rate"]
    viscosity = apparent_viscosity(rate, model)
    # 0 times infinity; the limit is 0, since the stress goes as the shear rate to the power of a positive index
    viscosity = viscosity.where(rate != 0, 0)
    derived = derive(obj, "viscous_stress", grid=grid, components=components, dynamic_viscosity=viscosity)
    stress = derived["viscous_stress"].rename("generalised_newtonian_stress")
    definition = stress.attrs["fieldgrad_definition"]
    stress.attrs["fieldgrad_definition"] = f"{definition}, mu = {viscosity.attrs['fieldgrad_definition']}"
    return stress


def _check(model: Model, positive: tuple[str, ...], not_negative: tuple[str, ...] = ()) -> None:
    """Verify the parameters of a record, and keep them as plain numbers."""
    for name in positive + not_negative:
        value = getattr(model, name)
        if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
            raise TypeError(f"{name}: is {value!r} in {type(model).__name__}; pass a real number")
        number = float(value)
        if not math.isfinite(number) or number < 0 or (number == 0 and name in positive):
            rule = "positive" if name in positive else "not negative"
            raise ValueError(f"{name}: is {number:g} in {type(model).__name__}; it must be {rule} and finite")
        # a NumPy scalar would carry its dtype into the viscosity
        object.__setattr__(model, name, number)


def _require_model(model: Any) -> None:
    if not isinstance(model, Model):
        raise TypeError(
            f"model: is {model!r}; pass a PowerLaw, a Carreau or a Cross; with a viscosity of your own there is "
            "fg.derive(obj, 'viscous_stress', dynamic_viscosity=...)"
        )


def _magnitude(shear_rate: Any) -> Array:
    """Shear rates in a working dtype, verified to be magnitudes; NaN passes."""
    rate = as_field(shear_rate, "shear_rate")
    if rate.dtype.kind == "c":
        raise TypeError(f"shear_rate: has dtype {rate.dtype}; it must hold real numbers")
    if (rate < 0).any():
        raise ValueError(
            f"shear_rate: is {rate[rate < 0].flat[0]:g} somewhere; it is a magnitude, sqrt(2 D:D), and is not negative "
            "(abs(shear_rate) of a single velocity gradient)"
        )
    return rate
