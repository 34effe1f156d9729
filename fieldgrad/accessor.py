# SPDX-License-Identifier: BSD-3-Clause
"""``.fieldgrad`` on xarray objects: the labelled operators as methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import xarray as xr

from fieldgrad import (
    helicities,
    infer,
    labelled,
    orders,
    rheology,
    sampling,
    sphere,
    statistics,
    transport,
    uncertainties,
)
from fieldgrad.clouds import Points
from fieldgrad.collocate import collocate as staggered_to_centres
from fieldgrad.fields import Velocity
from fieldgrad.grid import Grid
from fieldgrad.labelled import Names
from fieldgrad.quantities import Named
from fieldgrad.rheology import Model
from fieldgrad.sphere import EARTH_ROTATION
from fieldgrad.statistics import Dims
from fieldgrad.uncertainties import Deviation

Obj = TypeVar("Obj", xr.Dataset, xr.DataArray)


class _Vector(Generic[Obj]):
    """What a velocity has: a Dataset, or a DataArray with a dimension ``component``."""

    def __init__(self, obj: Obj) -> None:
        self._obj: Obj = obj

    def infer_grid(self, **options: Any) -> Grid:
        """See :func:`fieldgrad.infer_grid`."""
        return infer.infer_grid(self._obj, **options)

    def velocity_gradient(self, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.velocity_gradient`."""
        return labelled.velocity_gradient(self._obj, grid=grid, components=components)

    def decompose(self, *, grid: Grid | None = None, components: Names = None) -> tuple[xr.DataArray, xr.DataArray]:
        """See :func:`fieldgrad.decompose`."""
        return labelled.decompose(self._obj, grid=grid, components=components)

    def divergence(self, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.divergence`."""
        return labelled.divergence(self._obj, grid=grid, components=components)

    def curl(self, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.curl`."""
        return labelled.curl(self._obj, grid=grid, components=components)

    def derive(
        self,
        quantities: Named,
        *,
        grid: Grid | None = None,
        components: Names = None,
        **parameters: Any,
    ) -> xr.Dataset:
        """See :func:`fieldgrad.derive`."""
        return labelled.derive(self._obj, quantities, grid=grid, components=components, **parameters)

    def advection(self, velocity: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.advection`."""
        return transport.advection(self._obj, velocity, grid=grid, components=components)

    def material_derivative(
        self, velocity: Velocity, *, time: str | None = None, grid: Grid | None = None, components: Names = None
    ) -> xr.DataArray:
        """See :func:`fieldgrad.material_derivative`."""
        return transport.material_derivative(self._obj, velocity, time=time, grid=grid, components=components)

    def helicity(self, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.helicity`."""
        return helicities.helicity(self._obj, grid=grid, components=components)

    def relative_helicity(self, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.relative_helicity`."""
        return helicities.relative_helicity(self._obj, grid=grid, components=components)

    def generalised_newtonian_stress(
        self, model: Model, *, grid: Grid | None = None, components: Names = None
    ) -> xr.DataArray:
        """See :func:`fieldgrad.generalised_newtonian_stress`."""
        return rheology.generalised_newtonian_stress(self._obj, model, grid=grid, components=components)

    def coriolis_parameter(self, *, grid: Grid | None = None, rotation: float = EARTH_ROTATION) -> xr.DataArray:
        """See :func:`fieldgrad.coriolis_parameter`."""
        return sphere.coriolis_parameter(self._obj, grid=grid, rotation=rotation)

    def absolute_vorticity(
        self, *, grid: Grid | None = None, components: Names = None, rotation: float = EARTH_ROTATION
    ) -> xr.DataArray:
        """See :func:`fieldgrad.absolute_vorticity`."""
        return sphere.absolute_vorticity(self._obj, grid=grid, components=components, rotation=rotation)

    def rossby_number(
        self, *, grid: Grid | None = None, components: Names = None, rotation: float = EARTH_ROTATION
    ) -> xr.DataArray:
        """See :func:`fieldgrad.rossby_number`."""
        return sphere.rossby_number(self._obj, grid=grid, components=components, rotation=rotation)

    def order_map(self, *, order: int = 1, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.order_map`."""
        return orders.order_map(self._obj, order=order, grid=grid, components=components)

    def sample(
        self,
        points: Points,
        quantities: Named,
        *,
        grid: Grid | None = None,
        components: Names = None,
        outside: str = "nan",
        **parameters: float | str | xr.DataArray,
    ) -> xr.Dataset:
        """See :func:`fieldgrad.sample`."""
        return sampling.sample(
            self._obj, points, quantities, grid=grid, components=components, outside=outside, **parameters
        )

    def uncertainty(
        self,
        quantities: Named,
        *,
        std: Deviation,
        correlation_length: float | None = None,
        grid: Grid | None = None,
        components: Names = None,
        **parameters: float | str | xr.DataArray,
    ) -> xr.Dataset:
        """See :func:`fieldgrad.uncertainty`."""
        return uncertainties.uncertainty(
            self._obj,
            quantities,
            std=std,
            correlation_length=correlation_length,
            grid=grid,
            components=components,
            **parameters,
        )

    def mean(self, dims: Dims = None, *, grid: Grid | None = None) -> Obj:
        """See :func:`fieldgrad.mean`."""
        return statistics.mean(self._obj, dims, grid=grid)


@xr.register_dataset_accessor("fieldgrad")  # type: ignore[no-untyped-call]
class DatasetAccessor(_Vector[xr.Dataset]):
    """Operators on the velocity of a Dataset.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> flow = fg.flows.solid_body_rotation([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], angular_velocity=0.5)
    >>> flow.dataset.fieldgrad.derive("vorticity").vorticity.mean().item()
    1.0
    """

    def collocate(
        self,
        *,
        components: Sequence[str] | None = None,
        centers: Mapping[str, str] | None = None,
        periodic: str | Iterable[str] | Mapping[str, float | None] = (),
    ) -> xr.Dataset:
        """See :func:`fieldgrad.collocate`."""
        return staggered_to_centres(self._obj, components=components, centers=centers, periodic=periodic)


@xr.register_dataarray_accessor("fieldgrad")  # type: ignore[no-untyped-call]
class DataArrayAccessor(_Vector[xr.DataArray]):
    """Operators on a field, or on a vector with a dimension ``component``.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> p = xr.DataArray([0.0, 1.0, 9.0], dims="x", coords={"x": [0.0, 1.0, 3.0]}, name="p")
    >>> p.fieldgrad.derivative("x").round(12).values + 0.0
    array([0., 2., 6.])
    """

    def derivative(self, dim: str | Mapping[str, int], order: int = 1, *, grid: Grid | None = None) -> xr.DataArray:
        """See :func:`fieldgrad.derivative`."""
        return labelled.derivative(self._obj, dim, order, grid=grid)

    def gradient(self, *, grid: Grid | None = None) -> xr.DataArray:
        """See :func:`fieldgrad.gradient`."""
        return labelled.gradient(self._obj, grid=grid)

    def laplacian(self, *, grid: Grid | None = None) -> xr.DataArray:
        """See :func:`fieldgrad.laplacian`."""
        return labelled.laplacian(self._obj, grid=grid)

    def hessian(self, *, grid: Grid | None = None) -> xr.DataArray:
        """See :func:`fieldgrad.hessian`."""
        return labelled.hessian(self._obj, grid=grid)

    def directional_derivative(
        self, along: Velocity, *, grid: Grid | None = None, components: Names = None
    ) -> xr.DataArray:
        """See :func:`fieldgrad.directional_derivative`."""
        return transport.directional_derivative(self._obj, along, grid=grid, components=components)

    def frontogenesis(self, velocity: Velocity, *, grid: Grid | None = None, components: Names = None) -> xr.DataArray:
        """See :func:`fieldgrad.frontogenesis`."""
        return sphere.frontogenesis(self._obj, velocity, grid=grid, components=components)

    def scalar_dissipation(self, diffusivity: Any, *, grid: Grid | None = None) -> xr.DataArray:
        """See :func:`fieldgrad.scalar_dissipation`."""
        return transport.scalar_dissipation(self._obj, diffusivity, grid=grid)
