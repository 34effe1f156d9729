# SPDX-License-Identifier: BSD-3-Clause
"""What ``test_points`` checks, at a few tensors, within a second as plain Python: for mutation testing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernels import tensors
from kernels.evaluating import evaluate
from kernels.expected import CASES, DELICATE, GIVEN, chosen, expected, real
from kernels.oracles import ORACLES

from fieldgrad.kernels import points


def given(name: str) -> dict[str, float]:
    return {parameter: GIVEN[parameter] for parameter in ORACLES[name].parameters}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "n"), CASES)
def test_quick_values(name: str, n: int, dtype: Any) -> None:
    L = chosen(name, n) if dtype == np.float64 else chosen(name, n)[:8].astype(dtype)
    wanted = expected(name, n)[: len(L)]
    found = evaluate(name, L, **given(name))
    assert found.dtype == dtype
    assert found.shape == wanted.shape
    size = np.linalg.norm(L, axis=(1, 2)).astype(float) ** max(ORACLES[name].power, 0)
    # rounding the tensor to float32 moves the values by more than rounding
    units = 64 if dtype == np.float64 else 512
    bound = units * np.finfo(dtype).eps * (np.abs(wanted) + size.reshape(-1, *[1] * (wanted.ndim - 1)))
    same = np.isnan(found) & np.isnan(wanted)
    assert (same | (np.abs(found - wanted) <= bound)).all()


@pytest.mark.parametrize(("name", "n"), CASES)
def test_quick_scales(name: str, n: int) -> None:
    """Powers of two change no digit: nothing overflows on the way, and no threshold is absolute."""
    power = ORACLES[name].power
    values = evaluate(name, chosen(name, n)[:8], **given(name))
    exponent = 960 // max(int(abs(power)), 1) // 4 * 4 if power in (-1, 0, 1) else 400 // int(abs(power) + 1) // 4 * 4
    for factor in (2.0**exponent, 2.0**-exponent):
        changed = given(name)
        if "epsilon" in changed:
            factor = 2.0 ** (240 if factor > 1 else -240)
            changed["epsilon"] *= factor**2
        scaled = evaluate(name, chosen(name, n)[:8] * factor, **changed)
        np.testing.assert_array_equal(scaled, values * factor ** float(power))


@pytest.mark.parametrize(("name", "n"), [case for case in CASES if case[0] in DELICATE - {"principal_directions"}])
def test_quick_nothing_to_find(name: str, n: int) -> None:
    """Zero, or undefined, where there is no pair or no vorticity."""
    L = tensors.pick(n, np.float64, "zero", "isotropic", "pure strain", "simple shear", "simple shear, turned")
    L = np.concatenate([L, real(n)])
    if name == "vorticity_alignment":
        L = L[(L.transpose(0, 2, 1) == L).all(axis=(1, 2))]
    undefined = name in ("inverse_spiralling_compactness", "vorticity_alignment")
    np.testing.assert_array_equal(evaluate(name, L), np.nan if undefined else 0.0)


@pytest.mark.parametrize("kind", ["repeated", "nearly repeated", "zero", "isotropic", "pure rotation"])
@pytest.mark.parametrize("n", [2, 3])
def test_quick_directions_where_rates_meet(n: int, kind: str) -> None:
    L = tensors.pick(n, np.float64, kind)[:6]
    vectors, rates = evaluate("principal_directions", L), evaluate("principal_strain_rates", L)
    size = np.linalg.norm(L, axis=(1, 2))[:, None, None] + np.finfo(float).tiny
    np.testing.assert_allclose(vectors @ vectors.transpose(0, 2, 1), np.tile(np.eye(n), (len(L), 1, 1)), atol=1e-14)
    D = (L + L.transpose(0, 2, 1)) / 2
    assert (np.abs(vectors @ D - rates[:, :, None] * vectors) <= 1e-14 * size).all()
    assert (np.take_along_axis(vectors, np.abs(vectors).argmax(axis=2)[..., None], axis=2) > -1e-12).all()


@pytest.mark.parametrize(("name", "n"), CASES)
def test_quick_nan(name: str, n: int) -> None:
    values = evaluate(name, np.full((1, n, n), np.nan), **given(name))
    assert np.isnan(values if name != "spin" else values[:, ~np.eye(n, dtype=bool)]).all()


@pytest.mark.parametrize("small", [1e-1, 1e-3, 1e-6])
def test_quick_swirl_beside_shear(small: float) -> None:
    """The pair is one of a tensor that rounding cannot tell from L."""
    rng = np.random.default_rng(9)
    L = tensors.rotated(np.eye(3, k=1) * [0, 1, 0] + small * rng.normal(size=(12, 3, 3)), rng)
    strength, ratio = evaluate("swirling_strength", L), evaluate("inverse_spiralling_compactness", L)
    values, swirling = np.linalg.eigvals(L), strength > 0
    np.testing.assert_array_equal(swirling, values.imag.max(axis=1) > 0)
    pair = (ratio[swirling] + 1j) * strength[swirling]
    distance = np.linalg.svd(L[swirling] - pair[:, None, None] * np.eye(3), compute_uv=False)[:, 2]
    np.testing.assert_array_less(distance, 16 * np.finfo(float).eps)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_quick_swirl_about_a_coordinate(axis: int, sense: float) -> None:
    """Rows of L less its eigenvalue vanish, or are parallel, and the eigenvector comes out with either sign."""
    L = np.zeros((4, 3, 3))
    after, last = (axis + 1) % 3, (axis + 2) % 3
    L[:, after, last], L[:, last, after] = -sense, sense
    L[:, axis, axis] = [0.0, 0.3, 1.0, 1.0]
    L[2:, axis, after] = [20.0, -20.0]
    wanted = np.zeros((4, 3))
    wanted[:, axis] = sense
    np.testing.assert_allclose(evaluate("swirling_strength", L), 1.0, rtol=1e-14)
    np.testing.assert_allclose(evaluate("swirling_axis", L), wanted, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(evaluate("rortex", L), 2.0 * wanted, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("shift", range(3))
def test_quick_swirl_in_a_fixed_plane(shift: int) -> None:
    """All but one of the minors that make the eigenvector vanish."""
    L = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, -1.0], [0.25, 1.0, 0.0]])
    axis = np.array([8.0, 1.0, 3.0]) / np.sqrt(74)
    turned = np.roll(L, (shift, shift), axis=(0, 1))[None]
    np.testing.assert_allclose(evaluate("swirling_strength", turned), 1.0, rtol=1e-14)
    np.testing.assert_allclose(evaluate("swirling_axis", turned), np.roll(axis, shift)[None], rtol=1e-14)


A, U = np.array([[1.0, -2.0, 3.0], [5.0, 7.0, -11.0], [-13.0, 17.0, 19.0]]), np.array([0.5, -3.0, 2.0])
CURL = np.array([A[2, 1] - A[1, 2], A[0, 2] - A[2, 0], A[1, 0] - A[0, 1]])


@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("gradient", (), A[0]),
        ("row_sum", (), 2.0),
        ("advection", U, U @ A[0]),
        ("vector_advection", U, A @ U),
        ("along", U, U @ A[0] / np.sqrt(U @ U)),
        ("along", 2.0**600 * U, U @ A[0] / np.sqrt(U @ U)),
        ("along", [-5.0, 0.0, 0.0], -1.0),
        ("along", [0.0, 0.0, 0.0], np.nan),
        ("scalar_dissipation", [0.3], 0.6 * (A[0] @ A[0])),
        ("value", U, U),
        ("helicity", U, U @ CURL),
        ("relative_helicity", U, U @ CURL / np.sqrt((U @ U) * (CURL @ CURL))),
        ("relative_helicity", 2.0**600 * U, U @ CURL / np.sqrt((U @ U) * (CURL @ CURL))),
        ("relative_helicity", [0.0, 0.0, 0.0], np.nan),
    ],
)
def test_quick_values_beside_the_table(name: str, given: Any, wanted: Any) -> None:
    """Of what operators take, and the table of quantities does not hold."""
    with np.errstate(all="ignore"):
        found = getattr(points, name)(tuple(map(tuple, A)), *np.asarray(given))
    np.testing.assert_allclose(found, wanted, rtol=1e-15)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_quick_relative_helicity_is_a_cosine(sign: float) -> None:
    """Of a velocity along the vorticity it is no more than one in any digit."""
    tensors = np.random.default_rng(0).normal(size=(40, 3, 3))
    for L in tensors:
        w = np.array(points.vorticity(tuple(map(tuple, L))))
        found = points.relative_helicity(tuple(map(tuple, L)), *(sign * 3.0 * w))
        assert abs(found) <= 1.0
        np.testing.assert_allclose(found, sign, rtol=4e-16)
