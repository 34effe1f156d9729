# SPDX-License-Identifier: BSD-3-Clause
"""Strategies of hypothesis: coordinates, fields, datasets, grids, chunks, masks and quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fieldgrad as fg

#: Numbers whose products and sums neither overflow nor vanish.
VALUES = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 6))
ACCURACIES = st.sampled_from([2, 4, 6, 8])


@st.composite
def nodes(draw: Any, least: int = 3, most: int = 14, stretch: float = 8.0) -> np.ndarray:
    """Positions: increasing or decreasing, spacings within a factor of each other."""
    n = draw(st.integers(least, most))
    steps = draw(arrays(float, n - 1, elements=st.floats(1.0, stretch)))
    start = draw(st.floats(-100.0, 100.0))
    found = start + np.concatenate([[0.0], np.cumsum(steps)])
    return -found if draw(st.booleans()) else found


@st.composite
def fields(draw: Any, *shape: int) -> np.ndarray:
    """Values of a shape: random numbers or zeros, among them a few that are drawn one by one, which would cost more."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = np.round(rng.uniform(-1, 1, shape) * draw(st.sampled_from([0.0, 1.0, 1e6])), 6)
    for place, value in draw(st.dictionaries(st.integers(0, found.size - 1), VALUES, max_size=4)).items():
        found.flat[place] = value
    return found


@st.composite
def planes(draw: Any, least: int = 3, most: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates y and x, and a field on them."""
    y, x = draw(nodes(least, most)), draw(nodes(least, most))
    return y, x, draw(fields(len(y), len(x)))


@st.composite
def flows(draw: Any, least: int = 3, most: int = 6) -> xr.Dataset:
    """A flow in space with its dimensions in any order."""
    axes = {dim: draw(nodes(least, most)) for dim in "zyx"}
    dims = draw(st.permutations(list("zyx")))
    shape = tuple(len(axes[dim]) for dim in dims)
    return xr.Dataset({name: (dims, draw(fields(*shape))) for name in "uvw"}, axes)


@st.composite
def chunks(draw: Any, sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """A cut of every dimension into pieces of any sizes."""
    cut = {}
    for dim, size in sizes.items():
        ends = sorted(draw(st.sets(st.integers(1, size - 1), max_size=size - 1))) if size > 1 else []
        cut[dim] = tuple(np.diff([0, *ends, size]).tolist())
    return cut


def masks(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Which values are missing."""
    return arrays(bool, shape)


#: Quantities of a flow in space that need nothing beside it.
QUANTITIES = st.sampled_from(
    sorted(name for name, record in fg.quantities().items() if not record.parameters and 3 in record.dimensions)
)
