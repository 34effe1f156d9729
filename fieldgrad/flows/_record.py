# SPDX-License-Identifier: BSD-3-Clause
"""The record of an analytic flow: coordinates and closed forms in, labelled exact fields out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr

from fieldgrad.flows import _checks, _exact
from fieldgrad.flows._checks import Array, Coordinate

Value = npt.NDArray[np.float64] | float
# Closed forms take x, y, z and t as arrays that broadcast to (t, z, y, x); an axis that is absent is zero.
VectorForm = Callable[[Array, Array, Array, Array], Sequence[Value]]
TensorForm = Callable[[Array, Array, Array, Array], Sequence[Sequence[Value]]]
ScalarForm = Callable[[Array, Array, Array, Array], Value]

_VARIABLES = {"x": "u", "y": "v", "z": "w"}


@dataclass(frozen=True, eq=False, repr=False)
class Flow:
    """A flow whose velocity and velocity gradient are known in closed form, on given coordinates.

    Made by the functions of `fieldgrad.flows`. The fields are evaluated when they are asked for, each time
    anew, so that a result may be changed freely.

    Attributes
    ----------
    name : str
        Name of the function that made it.
    title : str
        One line that says what flow it is.
    coordinates : mapping of str to DataArray
        The one-dimensional coordinate (m) of each axis "x", "y", "z" that the flow has.
    components : tuple of str
        Axes of the velocity components.
    time : DataArray or None
        The time or times (s); None for a steady flow.
    parameters : mapping of str to float or tuple of float
        Physical parameters, in SI units.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldgrad import flows
    >>> flow = flows.couette(np.linspace(0, 2, 5), np.linspace(0, 1, 3), wall_velocity=3.0)
    >>> flow
    <Flow couette: x 5, y 3; wall_velocity=3.0, height=1.0>
    >>> float(flow.velocity_gradient.sel(component="x", direction="y").mean())
    3.0
    >>> float(flow.exact("dissipation", viscosity=0.5).mean())
    4.5
    """

    name: str
    title: str
    coordinates: Mapping[str, xr.DataArray]
    components: tuple[str, ...]
    time: xr.DataArray | None
    parameters: Mapping[str, float | tuple[float, ...]]
    velocity_form: VectorForm = field(repr=False)
    gradient_form: TensorForm = field(repr=False)
    pressure_form: ScalarForm | None = field(default=None, repr=False)

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of the fields: time where there are several times, then z, y, x."""
        arrays = [] if self.time is None else [self.time]
        arrays += [*self.coordinates.values()][::-1]
        return tuple(str(dim) for array in arrays for dim in array.dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along each of `dims`."""
        sizes = self._sizes()
        return tuple(sizes[dim] for dim in self.dims)

    @property
    def dataset(self) -> xr.Dataset:
        """The velocity components u, v, w (m s-1), and p where the pressure has a closed form.

        p is the pressure divided by the density (m2 s-2), up to a constant.

        Returns
        -------
        Dataset
            Variables on `dims`, with the coordinates and CF attributes ``axis``, ``units`` and ``long_name``.
            A coordinate of a periodic flow that spans less than one period has the attribute ``period``.
        """
        shape = self.shape
        values = np.zeros((len(self.components), *shape))
        for out, value in zip(values, self.velocity_form(*self._points()), strict=False):
            out[...] = value
        variables = {
            _VARIABLES[axis]: (self.dims, out, {"units": "m s-1", "long_name": f"velocity along {axis}"})
            for axis, out in zip(self.components, values, strict=True)
        }
        if self.pressure_form is not None:
            pressure = np.empty(shape)
            pressure[...] = self.pressure_form(*self._points())
            variables["p"] = (
                self.dims,
                pressure,
                {"units": "m2 s-2", "long_name": "pressure divided by density"},
            )
        attrs = {"title": self.title, "flow": self.name} | {
            key: list(value) if isinstance(value, tuple) else value for key, value in self.parameters.items()
        }
        return xr.Dataset(variables, coords=self._coords(), attrs=attrs)

    @property
    def velocity_gradient(self) -> xr.DataArray:
        """The exact velocity-gradient tensor L_ij = du_i/dx_j (s-1).

        Returns
        -------
        DataArray
            Dims ``("component", "direction", *dims)``, both labelled "x", "y", "z".
        """
        return self.exact("velocity_gradient")

    def exact(self, name: str, *, viscosity: float | None = None) -> xr.DataArray:
        """Return the exact value of a derived quantity, rounded to float64.

        Parameters
        ----------
        name : str
            One of velocity_gradient, deformation_rate, spin, divergence, vorticity, vorticity_magnitude,
            enstrophy, strain_rate_magnitude, shear_rate, first_invariant, second_invariant, third_invariant,
            q_criterion, lambda2, principal_strain_rates, okubo_weiss, dissipation, pseudo_dissipation,
            vortex_stretching, enstrophy_production or strain_self_amplification.
        viscosity : float, optional
            Kinematic viscosity (m2 s-1) for the dissipations. By default that of the flow, where it has one.

        Returns
        -------
        DataArray
            Dims as those of the flow, after "component" and "direction" for tensors, "component" for vectors
            and "principal" for principal values. The vorticity of a 2-D flow is a scalar.

        Raises
        ------
        ValueError
            If there is no such quantity, if it is not defined for a flow of this many dimensions, or if it
            needs a viscosity and there is none.

        Notes
        -----
        The definition is in the attribute ``fieldgrad_definition``; D = (L + L^T)/2 and W = (L - L^T)/2, and
        the vorticity w is the curl of the velocity [1]_.

        References
        ----------
        .. [1] S. B. Pope, Turbulent Flows, Cambridge University Press, 2000, section 2.3.

        Examples
        --------
        >>> import numpy as np
        >>> from fieldgrad import flows
        >>> flow = flows.solid_body_rotation(np.arange(4.0), np.arange(3.0), angular_velocity=2.0)
        >>> float(flow.exact("vorticity").max())
        4.0
        """
        directions = tuple(self.coordinates)
        formula = _exact.formula(name, self.components, directions)
        nu = np.nan
        if formula.needs_viscosity:
            nu = self._viscosity(name, viscosity)
        L = np.zeros((*self.shape, len(self.components), len(directions)))
        for i, row in enumerate(self.gradient_form(*self._points())):
            for j, value in enumerate(row):
                L[..., i, j] = value
        values = formula.evaluate(_exact.Terms(L, _exact.curl(L, self.components, directions), nu))

        leading = formula.dims if values.ndim > len(self.shape) else ()
        values = np.moveaxis(values, range(len(self.shape), values.ndim), range(len(leading)))
        labels = {"component": self.components, "direction": directions}
        coords = self._coords() | {dim: list(labels[dim]) for dim in leading if dim in labels}
        return xr.DataArray(
            np.ascontiguousarray(values),
            dims=(*leading, *self.dims),
            coords=coords,
            name=name,
            attrs={
                "long_name": f"exact {name.replace('_', ' ')}",
                "fieldgrad_definition": formula.definition,
                "units": formula.units,
            },
        )

    def __repr__(self) -> str:
        sizes = self._sizes()
        points = ", ".join(f"{dim} {sizes[dim]}" for dim in reversed(self.dims))
        parameters = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"<Flow {self.name}: {points}{'; ' * bool(parameters)}{parameters}>"

    def _viscosity(self, name: str, given: float | None) -> float:
        if given is not None:
            return _checks.not_negative("viscosity", given)
        own = self.parameters.get("viscosity")
        if not isinstance(own, float):
            raise ValueError(f"{name} needs the kinematic viscosity (m2 s-1): pass viscosity=")
        return own

    def _sizes(self) -> dict[str, int]:
        arrays = [*self.coordinates.values(), *([] if self.time is None else [self.time])]
        return {str(dim): size for array in arrays for dim, size in array.sizes.items()}

    def _coords(self) -> dict[str, xr.DataArray | list[str]]:
        coords: dict[str, xr.DataArray | list[str]] = {str(c.dims[0]): c.copy() for c in self.coordinates.values()}
        if self.time is not None:
            coords[str(self.time.dims[0]) if self.time.ndim else "time"] = self.time.copy()
        return coords

    def _points(self) -> tuple[Array, Array, Array, Array]:
        """X, y, z and t, shaped to broadcast to `shape`."""
        dims = self.dims
        sizes = self._sizes()

        def open_array(array: xr.DataArray | None) -> Array:
            if array is None:
                return np.zeros([1] * len(dims))
            return array.values.reshape([sizes[dim] if dim in array.dims else 1 for dim in dims])

        x, y, z = (open_array(self.coordinates.get(axis)) for axis in _exact.AXES)
        return x, y, z, open_array(self.time)


def build(
    name: str,
    title: str,
    *,
    x: Coordinate | None = None,
    y: Coordinate | None = None,
    z: Coordinate | None = None,
    t: xr.DataArray | None = None,
    velocity: VectorForm,
    gradient: TensorForm,
    pressure: ScalarForm | None = None,
    parameters: Mapping[str, float | tuple[float, ...]],
    period: Mapping[str, float] | None = None,
    components: tuple[str, ...] | None = None,
    required: str = "xy",
) -> Flow:
    """Check the coordinates and make the record.

    An axis that is None is absent, which those in `required` must not be. `period` gives the period of the
    flow along axes. Components beyond those that the closed forms return, and derivatives along further axes,
    are zero.
    """
    period = {} if period is None else period
    given = {axis: value for axis, value in zip(_exact.AXES, (x, y, z), strict=True) if value is not None}
    for axis in required:
        if axis not in given:
            raise TypeError(f"{axis} is None: {name} needs {', '.join(required)}; pass the points along {axis} (m)")
    coordinates = {axis: _checks.coordinate(axis, value, period.get(axis)) for axis, value in given.items()}
    _checks.distinct_dims([*coordinates.values(), *([] if t is None else [t])])
    return Flow(
        name,
        title,
        coordinates,
        components or tuple(coordinates),
        t,
        dict(parameters),
        velocity,
        gradient,
        pressure,
    )
