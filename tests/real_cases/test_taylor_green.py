# SPDX-License-Identifier: BSD-3-Clause
"""Taylor-Green vortex by direct numerical simulation: Re 400 on 96^3 points near the peak of dissipation.

The velocities are stored as float32; the attributes of the file hold means of the spectrally exact gradient.
Means are taken in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import fieldgrad as fg

POINTS = 96
STEP = 2 * np.pi / POINTS
WAVENUMBERS = np.fft.rfftfreq(POINTS, 1 / POINTS)
NAMES = {"x": "u", "y": "v", "z": "w"}
PAIRS = list(product("xyz", "xyz"))
QUANTITIES = ["dissipation", "divergence", "q_criterion", "second_invariant"]
# f'(x) = sum_j c_j (f(x + j h) - f(x - j h)) / h
CENTRAL = {
    2: [1 / 2],
    4: [2 / 3, -1 / 12],
    6: [3 / 4, -3 / 20, 1 / 60],
    8: [4 / 5, -1 / 5, 4 / 105, -1 / 280],
}

Derived = Callable[[int], xr.Dataset]


@pytest.fixture(scope="module")
def flow(data_dir: Path) -> xr.Dataset:
    return xr.load_dataset(data_dir / "taylor-green" / "tgv_re400_96.nc")


@pytest.fixture(scope="module")
def derived(flow: xr.Dataset) -> Derived:
    @cache
    def at(accuracy: int) -> xr.Dataset:
        grid = fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=accuracy)
        return fg.derive(flow, QUANTITIES, grid=grid, viscosity=flow.attrs["viscosity"])

    return at


@pytest.fixture(scope="module")
def spectral(flow: xr.Dataset) -> dict[tuple[str, str], np.ndarray]:
    """Every component of L by FFT, without the Nyquist mode, of which the derivative is not determined."""
    return {
        (i, j): multiplied(flow[NAMES[i]].values, j, np.where(WAVENUMBERS == POINTS / 2, 0, WAVENUMBERS))
        for i, j in PAIRS
    }


def multiplied(field: np.ndarray, direction: str, wavenumbers: np.ndarray) -> np.ndarray:
    """The field on (z, y, x), its modes along a direction multiplied by i k."""
    axis = "zyx".index(direction)
    shape = [-1 if number == axis else 1 for number in range(3)]
    modes = np.fft.rfft(field.astype(np.float64), axis=axis)
    return np.fft.irfft(1j * wavenumbers.reshape(shape) * modes, n=POINTS, axis=axis)


def modified(accuracy: int) -> np.ndarray:
    return sum(2 * c * np.sin(j * WAVENUMBERS * STEP) / STEP for j, c in enumerate(CENTRAL[accuracy], 1))


def mean(field: xr.DataArray) -> float:
    return float(field.values.mean(dtype=np.float64))


def rms(field: np.ndarray) -> float:
    return float(np.sqrt(np.square(field, dtype=np.float64).mean()))


def test_grid_is_understood(flow: xr.Dataset) -> None:
    grid = fg.infer_grid(flow, periodic=["x", "y", "z"])
    assert grid.names == ("x", "y", "z")
    assert all(axis.uniform and axis.period == 2 * np.pi for axis in grid.axes)


def test_fft_reproduces_the_means_of_the_file(flow: xr.Dataset, spectral: dict[tuple[str, str], np.ndarray]) -> None:
    """The oracle of this module: what is left are the roundings of float32 velocities."""
    dissipation = sum(
        2 * flow.attrs["viscosity"] * np.mean(((spectral[i, j] + spectral[j, i]) / 2) ** 2) for i, j in PAIRS
    )
    q = -sum(spectral[i, j] * spectral[j, i] for i, j in PAIRS) / 2
    assert dissipation == pytest.approx(flow.attrs["dissipation"], rel=1e-7)
    assert q.max() == pytest.approx(flow.attrs["q_max"], rel=1e-7)
    assert rms(spectral["x", "x"]) == pytest.approx(flow.attrs["dudx_rms"], rel=1e-7)
    assert rms(spectral["x", "y"]) == pytest.approx(flow.attrs["dudy_rms"], rel=1e-7)


@pytest.mark.parametrize(("accuracy", "ratio"), [(2, 0.89844), (4, 0.97788), (6, 0.99169), (8, 0.99602)], ids=str)
def test_share_of_the_dissipation(flow: xr.Dataset, derived: Derived, accuracy: int, ratio: float) -> None:
    dissipation = mean(derived(accuracy).dissipation)
    assert dissipation / flow.attrs["dissipation"] == pytest.approx(ratio, abs=5e-6)


@pytest.mark.parametrize(("accuracy", "ratio"), [(2, 0.84015), (4, 0.95799), (6, 0.97933), (8, 0.98785)], ids=str)
def test_share_of_the_largest_q(flow: xr.Dataset, derived: Derived, accuracy: int, ratio: float) -> None:
    largest = float(derived(accuracy).q_criterion.max())
    assert largest / flow.attrs["q_max"] == pytest.approx(ratio, abs=5e-6)


@pytest.mark.parametrize(
    ("accuracy", "remainder"), [(2, 0.041917), (4, 0.019902), (6, 0.011228), (8, 0.006815)], ids=str
)
def test_divergence_that_remains(derived: Derived, accuracy: int, remainder: float) -> None:
    assert rms(derived(accuracy).divergence.values) == pytest.approx(remainder, abs=5e-7)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
def test_means_of_the_two_definitions_of_q(derived: Derived, accuracy: int) -> None:
    """On uniform periodic grids the mean of Q vanishes, which leaves that of -tr(L^2)/2 = Q - (tr L)^2/2."""
    result = derived(accuracy)
    rounding = np.finfo(np.float32).eps * mean(abs(result.second_invariant))
    assert abs(mean(result.second_invariant)) < rounding
    assert abs(mean(result.q_criterion) + rms(result.divergence.values) ** 2 / 2) < rounding


def test_mean_second_invariant_in_float64(flow: xr.Dataset) -> None:
    grid = fg.infer_grid(flow, periodic=["x", "y", "z"])
    result = fg.derive(flow.astype(np.float64), QUANTITIES, grid=grid, viscosity=flow.attrs["viscosity"])
    rounding = 4 * np.finfo(np.float64).eps * mean(abs(result.second_invariant))
    assert abs(mean(result.second_invariant)) < rounding
    assert abs(mean(result.q_criterion) + rms(result.divergence.values) ** 2 / 2) < rounding


def test_components_have_the_modified_wavenumber(flow: xr.Dataset, spectral: dict[tuple[str, str], np.ndarray]) -> None:
    """A central difference on a uniform periodic axis is an exact derivative of modified wavenumber.

    Lele, S. K. (1992), J. Comput. Phys. 103, 16-42, section 3.1: k' = 2 sum_j c_j sin(j k h) / h.
    """
    L = fg.velocity_gradient(flow, grid=fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=8))
    assert L.dims == ("component", "direction", "z", "y", "x")
    assert L.dtype == np.float32
    for i, j in PAIRS:
        component = L.sel(component=i, direction=j).values
        difference = abs(component - multiplied(flow[NAMES[i]].values, j, modified(8))).max()
        assert difference < 4 * np.finfo(np.float32).eps * abs(spectral[i, j]).max(), (i, j)
        assert rms(component - spectral[i, j]) < 0.016 * rms(spectral[i, j]), (i, j)


@pytest.mark.parametrize("accuracy", [2, 4, 6, 8])
def test_mean_enstrophy(flow: xr.Dataset, derived: Derived, accuracy: int) -> None:
    """Half the mean square of vorticity by modified wavenumbers; the dissipation has that of the divergence besides.

    D:D = W:W + (tr L)^2 - 2 Q, and the mean of Q vanishes.
    """
    grid = fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=accuracy)
    enstrophy = mean(fg.derive(flow, "enstrophy", grid=grid).enstrophy)
    by_fft = 0.0
    for first, second in ("zy", "xz", "yx"):  # w_y - v_z, u_z - w_x, v_x - u_y
        part = multiplied(flow[NAMES[first]].values, second, modified(accuracy))
        by_fft += np.mean((part - multiplied(flow[NAMES[second]].values, first, modified(accuracy))) ** 2) / 2
    assert enstrophy == pytest.approx(by_fft, rel=1e-6)
    result, nu = derived(accuracy), flow.attrs["viscosity"]
    divergence = rms(result.divergence.values)
    assert mean(result.dissipation) == pytest.approx(2 * nu * (enstrophy + divergence**2), rel=1e-6)


STATISTICS = [
    "lund_rogers", "vorticity_alignment", "principal_strain_rates", "lambda2", "q_criterion", "swirling_strength",
    "enstrophy_production", "strain_self_amplification",
]  # fmt: skip


@pytest.fixture(scope="module")
def statistics(flow: xr.Dataset) -> xr.Dataset:
    grid = fg.infer_grid(flow, periodic=["x", "y", "z"], accuracy=8)
    return fg.derive(flow, STATISTICS, grid=grid).astype(np.float64)


@pytest.fixture(scope="module")
def exact(spectral: dict[tuple[str, str], np.ndarray]) -> dict[str, np.ndarray]:
    """Strain, its directions, vorticity, and eigenvalues of D^2 + W^2 of the spectral gradient, by LAPACK."""
    L = np.stack([spectral[pair] for pair in PAIRS], axis=-1).reshape(-1, 3, 3)
    D, W = (L + L.swapaxes(1, 2)) / 2, (L - L.swapaxes(1, 2)) / 2
    rates, directions = np.linalg.eigh(D)
    w = 2 * np.stack([W[:, 2, 1], W[:, 0, 2], W[:, 1, 0]], axis=-1)
    cosines = abs(np.einsum("ni,nij->nj", w, directions)) / np.linalg.norm(w, axis=1)[:, np.newaxis]
    return {
        "rates": rates[:, ::-1].T,
        "cosines": cosines[:, ::-1].T,
        "lambda2": np.linalg.eigvalsh(D @ D + W @ W)[:, 1],
        "q": -np.einsum("nij,nji->n", L, L) / 2,
        "production": np.einsum("ni,nij,nj->n", w, D, w),
    }


def test_state_of_strain(statistics: xr.Dataset, exact: dict[str, np.ndarray]) -> None:
    """Two directions of extension in 70 % of the volume, as in turbulence; rates 0.75 : 0.13 : -0.88.

    Without divergence it is 1 at most; with the one that differences leave it is a little more.
    """
    a, b, c = exact["rates"]
    lund_rogers = -3 * np.sqrt(6) * a * b * c / (a**2 + b**2 + c**2) ** 1.5
    found = statistics.lund_rogers
    assert abs(lund_rogers).max() < 1 + 1e-5  # velocities in float32
    assert 1 < abs(found).max() < 1.05
    assert mean(found) == pytest.approx(lund_rogers.mean(), abs=0.002)
    assert mean(found) == pytest.approx(0.285, abs=0.001)
    assert mean(found > 0) == pytest.approx((b > 0).mean(), abs=0.002)
    assert mean(found > 0) == pytest.approx(0.698, abs=0.001)
    means = statistics.principal_strain_rates.mean(["x", "y", "z"]).values
    np.testing.assert_allclose(means, exact["rates"].mean(axis=1), rtol=0, atol=0.003)


def test_vorticity_lies_along_the_intermediate_direction(statistics: xr.Dataset, exact: dict[str, np.ndarray]) -> None:
    """Mean cosines 0.41, 0.60 and 0.42; directions without any order would have a half each."""
    found = statistics.vorticity_alignment
    assert found.principal.values.tolist() == [1, 2, 3]
    means = found.mean(["x", "y", "z"]).values
    np.testing.assert_allclose(means, exact["cosines"].mean(axis=1), rtol=0, atol=0.002)
    np.testing.assert_allclose(means, [0.413, 0.601, 0.421], rtol=0, atol=0.001)
    np.testing.assert_allclose((found**2).sum("principal"), 1, rtol=0, atol=1e-5)


def test_volumes_of_vortices(statistics: xr.Dataset, exact: dict[str, np.ndarray]) -> None:
    """Lambda2 below zero in 36.4 %, Q above zero in 37.4 %, both in 34.3 %; wherever Q is, the motion swirls."""
    inside, above = statistics.lambda2 < 0, statistics.q_criterion > 0
    for found, other, share in (
        (inside, exact["lambda2"] < 0, 0.364),
        (above, exact["q"] > 0, 0.374),
        (inside & above, (exact["lambda2"] < 0) & (exact["q"] > 0), 0.343),
    ):
        assert mean(found) == pytest.approx(other.mean(), abs=0.001)
        assert mean(found) == pytest.approx(share, abs=0.001)
    assert (statistics.swirling_strength.values[above.values] > 0).all()
    np.testing.assert_allclose(statistics.lambda2.min(), exact["lambda2"].min(), rtol=0.02)


def test_production_of_enstrophy(statistics: xr.Dataset, exact: dict[str, np.ndarray]) -> None:
    """Betchov (1956): w . D w and -4/3 tr D^3 have one mean in a solenoidal homogeneous flow."""
    production = mean(statistics.enstrophy_production)
    assert production == pytest.approx(exact["production"].mean(), rel=0.02)
    assert production == pytest.approx(4 / 3 * mean(statistics.strain_self_amplification), rel=2e-3)
    exactly = exact["production"].mean(), -4 * np.mean(np.prod(exact["rates"], axis=0))
    assert exactly[0] == pytest.approx(exactly[1], rel=1e-4)
