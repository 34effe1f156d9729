# SPDX-License-Identifier: BSD-3-Clause
"""Every pointwise quantity against 120 digits, over easy and hard tensors; identities, invariances, extremes, NaN.

A value is held to the rounding that its definition allows: relative where nothing cancels, else relative to the terms
that do. Eigenvalues of L itself move by more than rounding where pairs meet, so quantities of the spiralling motion are
held to what a change of every entry by a few rounding units of the tensor's norm does to the exact value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import oracles, tensors
from kernels.evaluating import evaluate
from kernels.oracles import ORACLES, mp
from numpy.typing import DTypeLike, NDArray

import fieldgrad as fg

Array = NDArray[Any]

DTYPES = [np.float64, np.float32]
CASES = [(name, n) for name, oracle in ORACLES.items() for n in oracle.dimensions]
SWIRLING = {
    "swirling_strength", "inverse_spiralling_compactness", "swirling_axis", "rortex", "rortex_magnitude",
}  # fmt: skip
DIRECTIONS = {"principal_directions", "vorticity_alignment"}
ITERATED = SWIRLING | DIRECTIONS | {"principal_strain_rates", "lambda2"}

# Rounding units, relative to the value itself. One unit is from 1 to the next number: a half is exact rounding.
RELATIVE = {
    "velocity_gradient": 0.0,
    "deformation_rate": 0.5,
    "spin": 0.5,
    "vorticity": 0.5,
    "stretching_deformation": 0.5,
    "shearing_deformation": 0.5,
    "vorticity_magnitude": 4.0,
    "strain_rate_magnitude": 6.0,
    "shear_rate": 6.0,
    "total_deformation": 4.0,
    "enstrophy": 6.0,
    "spin_second_invariant": 6.0,
    "dissipation": 8.0,
    "pseudo_dissipation": 8.0,
    "kinematic_vorticity_number": 8.0,
    "omega_method": 12.0,
    "kolmogorov_length": 8.0,
    "kolmogorov_time": 8.0,
}


def of_L(L: Any) -> Any:
    return oracles.magnitude(L.tolist())


def of_D(L: Any) -> Any:
    return oracles.magnitude(oracles.symmetric(L))


def of_w(L: Any) -> Any:
    return oracles.vorticity_magnitude(L)


# Rounding units in 3-D and in 2-D, and what they are relative to: the size of the terms, which may cancel.
NORMWISE: dict[str, tuple[float, float, Callable[[Any], Any]]] = {
    "divergence": (2, 1, of_L),
    "first_invariant": (2, 1, of_L),
    "second_invariant": (4, 2, lambda L: of_L(L) ** 2),
    "third_invariant": (4, 4, lambda L: of_L(L) ** 3),
    "deformation_second_invariant": (4, 4, lambda L: of_D(L) ** 2),
    "deformation_third_invariant": (4, 4, lambda L: of_D(L) ** 3),
    "q_criterion": (4, 2, lambda L: of_L(L) ** 2),
    "q_criterion_deviatoric": (6, 4, lambda L: of_L(L) ** 2),
    "delta_criterion": (4, 4, lambda L: of_L(L) ** 6),
    "okubo_weiss": (4, 4, lambda L: of_L(L) ** 2),
    "residual_vorticity": (4, 4, of_L),
    "viscous_stress": (4, 4, of_D),
    "dissipation_compressible": (8, 8, lambda L: of_D(L) ** 2),
    "vortex_stretching": (4, 4, lambda L: of_L(L) * of_w(L)),
    "enstrophy_production": (8, 8, lambda L: of_L(L) * of_w(L) ** 2),
    "strain_self_amplification": (8, 8, lambda L: of_D(L) ** 3),
    "principal_strain_rates": (16, 4, of_D),
    "lambda2": (16, 16, lambda L: of_L(L) ** 2),
    "lund_rogers": (16, 16, lambda L: mp.one),
}
# Entries are changed by at most so many rounding units of the norm, for what roots of L may be off by.
CHANGE = {2: 4.0, 3: 8.0}
NEIGHBOURS = 8
VECTOR_UNITS = 16.0


def as_matrix(L: Array) -> Any:
    return mp.matrix(L.tolist())


def flat(value: Any) -> list[Any]:
    return [one for part in value for one in flat(part)] if isinstance(value, list) else [value]


def parameters(name: str, L: Array, seed: int = 5) -> dict[str, Array]:
    """A value at each tensor; epsilon is of the size of |L|^2, and sometimes zero."""
    rng = np.random.default_rng(seed)
    found = {}
    for parameter in ORACLES[name].parameters:
        values = 10.0 ** rng.uniform(-1, 1, len(L))
        if parameter == "epsilon":
            values *= rng.integers(0, 4, len(L)) * np.linalg.norm(L.astype(np.float64), axis=(1, 2)) ** 2
        found[parameter] = values.astype(L.dtype)
    return found


def compute(name: str, L: Array, given: dict[str, Array]) -> Array:
    """The compiled function's values as float64, one row for each tensor."""
    values = evaluate(name, L, **given)
    assert values.dtype == L.dtype
    return values.astype(np.float64).reshape(len(L), -1)


@cache
def neighbours(entries: bytes, n: int, unit: float) -> list[Any]:
    """Some tensors that differ from L by a few rounding units of its norm."""
    L = np.frombuffer(entries).reshape(n, n)
    rng = np.random.default_rng(17)
    top = np.abs(L).max()
    size = top * np.linalg.norm(L / top) if top else 0.0
    return [as_matrix(L + CHANGE[n] * unit * size * rng.uniform(-1, 1, L.shape)) for _ in range(NEIGHBOURS)]


def swirling_bounds(name: str, L: Array, exact: Any, expected: list[Any], unit: float) -> list[Any]:
    """Admitted errors; None where any value is right, because it is open whether L has a complex pair at all."""
    near = neighbours(L.astype(np.float64).tobytes(), len(L), unit)
    strength, others = oracles.swirling_strength(exact), [oracles.swirling_strength(one) for one in near]
    if (L == L.T).all() or not (strength or any(others)):
        return [mp.zero] * len(expected)
    # as much change again may bring the pair together
    certain = 2 * max(abs(strength - other) for other in others) < strength
    if not certain and ORACLES[name].power == 0:
        return [None] * len(expected)
    size = of_L(exact) if ORACLES[name].power == 1 else mp.one
    changed = [flat(ORACLES[name].function(one)) for one in near]
    spread = max(abs(x - y) for values in changed for x, y in zip(values, expected, strict=True))
    return [2 * spread + 4 * unit * size] * len(expected)


def direction_bounds(exact: Any, unit: float) -> list[Any]:
    """Admitted errors of the principal directions, None where they are not determined."""
    rates, size = oracles.principal_strain_rates(exact), of_D(exact)
    gaps = [min(abs(rate - other) for j, other in enumerate(rates) if j != i) for i, rate in enumerate(rates)]
    return [VECTOR_UNITS * unit * size / gap if gap > 10 * VECTOR_UNITS * unit * size else None for gap in gaps]


def bounds(name: str, L: Array, exact: Any, given: list[Any], expected: list[Any]) -> list[Any]:
    info = np.finfo(L.dtype)
    unit, least = float(info.eps), float(info.smallest_subnormal)
    if name in RELATIVE:
        return [RELATIVE[name] * unit * abs(value) + (4 * least if RELATIVE[name] else 0) for value in expected]
    if name in SWIRLING:
        return swirling_bounds(name, L, exact, expected, unit)
    if name == "vorticity_alignment":
        return direction_bounds(exact, unit)
    *units, size = NORMWISE[name]
    bound = units[3 - len(L)] * unit * size(exact) * mp.fprod(given) + 4 * least
    return [bound] * len(expected)


def check(name: str, L: Array, given: dict[str, Array], labels: Any = None) -> None:
    """Every value against the oracle; the message shows the worst."""
    largest = float(np.finfo(L.dtype).max)
    worst: tuple[float, str] = (0.0, "")
    for k, (tensor, row) in enumerate(zip(L, compute(name, L, given), strict=True)):
        exact, own = as_matrix(tensor), [mp.mpf(float(value[k])) for value in given.values()]
        expected = flat(ORACLES[name].function(exact, *own))
        for value, wanted, bound in zip(row, expected, bounds(name, tensor, exact, own, expected), strict=True):
            if wanted is None or bound is None:
                continue
            if mp.isnan(wanted) or np.isnan(value):
                excess = 0.0 if mp.isnan(wanted) and np.isnan(value) else np.inf
            elif abs(wanted) > largest:
                excess = 0.0 if value == float(mp.sign(wanted)) * np.inf else np.inf
            else:
                error = abs(mp.mpf(float(value)) - wanted)
                excess = float(error / bound) if bound else np.inf if error else 0.0
            if excess > worst[0]:
                what = labels[k] if labels is not None else f"number {k}"
                message = (
                    f"{name} of {what}: {value!r} instead of {mp.nstr(wanted, 20)}, {excess:.3g} times the admitted "
                    f"error; L = {tensor.tolist()}, parameters {[float(one) for one in own]}"
                )
                worst = excess, message
    assert worst[0] <= 1.0, worst[1]


# ------------------------------------------------------------------------------------------------------ the whole table


@pytest.mark.parametrize("name", list(fg.quantities()))
def test_every_quantity_has_an_oracle(name: str) -> None:
    record, oracle = fg.quantities()[name], ORACLES[name]
    assert set(oracle.dimensions) == set(record.dimensions) - {1}
    assert record.parameters == oracle.parameters
    assert float(record.power) == oracle.power
    assert name in DIRECTIONS | SWIRLING | set(RELATIVE) | set(NORMWISE)


def test_every_oracle_is_of_a_quantity() -> None:
    assert set(ORACLES) == set(fg.quantities())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "n"), [case for case in CASES if case[0] != "principal_directions"])
def test_values(name: str, n: int, dtype: DTypeLike) -> None:
    labels, L = tensors.all_of_them(n, dtype)
    check(name, L, parameters(name, L), labels)


# ------------------------------------------------------------------------------------------------- values known by hand

G, S, A = 3.0, 2.0, 0.5  # shear, spin and strain
SHEAR = [[0, G, 0], [0, 0, 0], [0, 0, 0]]
SPIN = [[0, -S, 0], [S, 0, 0], [0, 0, 0]]
BURGERS = [[-A / 2, -S, 0], [S, -A / 2, 0], [0, 0, A]]
BIAXIAL = [[A, 0, 0], [0, A, 0], [0, 0, -2 * A]]
ELLIPSE = [[0, -3], [1, 0]]
ROOT = np.sqrt(0.5)
KNOWN: list[tuple[str, Any, Any, dict[str, float]]] = [
    ("vorticity", SHEAR, [0, 0, -G], {}),
    ("deformation_rate", SHEAR, [[0, G / 2, 0], [G / 2, 0, 0], [0, 0, 0]], {}),
    ("spin", SHEAR, [[0, G / 2, 0], [-G / 2, 0, 0], [0, 0, 0]], {}),
    ("strain_rate_magnitude", SHEAR, G * ROOT, {}),
    ("shear_rate", SHEAR, G, {}),
    ("principal_strain_rates", SHEAR, [G / 2, 0, -G / 2], {}),
    ("principal_directions", SHEAR, [[ROOT, ROOT, 0], [0, 0, 1], [ROOT, -ROOT, 0]], {}),
    ("kinematic_vorticity_number", SHEAR, 1, {}),
    ("omega_method", SHEAR, 0.4, {"epsilon": G**2 / 4}),
    ("dissipation", SHEAR, 0.1 * G**2, {"viscosity": 0.1}),
    ("pseudo_dissipation", SHEAR, 0.1 * G**2, {"viscosity": 0.1}),
    ("kolmogorov_length", SHEAR, np.sqrt(0.1 / G), {"viscosity": 0.1}),
    ("kolmogorov_time", SHEAR, 1 / G, {"viscosity": 0.1}),
    ("q_criterion", SHEAR, 0, {}),
    ("swirling_strength", SHEAR, 0, {}),
    ("swirling_axis", SHEAR, [0, 0, 0], {}),
    ("rortex", SHEAR, [0, 0, 0], {}),
    ("inverse_spiralling_compactness", SHEAR, np.nan, {}),
    ("vorticity", SPIN, [0, 0, 2 * S], {}),
    ("vorticity_magnitude", SPIN, 2 * S, {}),
    ("enstrophy", SPIN, 2 * S**2, {}),
    ("spin_second_invariant", SPIN, S**2, {}),
    ("second_invariant", SPIN, S**2, {}),
    ("q_criterion", SPIN, S**2, {}),
    ("lambda2", SPIN, -(S**2), {}),
    ("delta_criterion", SPIN, (S**2 / 3) ** 3, {}),
    ("swirling_strength", SPIN, S, {}),
    ("swirling_axis", SPIN, [0, 0, 1], {}),
    ("rortex", SPIN, [0, 0, 2 * S], {}),
    ("kinematic_vorticity_number", SPIN, np.nan, {}),
    ("lund_rogers", SPIN, np.nan, {}),
    ("lund_rogers", BURGERS, -1, {}),
    ("lund_rogers", BIAXIAL, 1, {}),
    ("vorticity_alignment", BIAXIAL, [np.nan] * 3, {}),
    ("third_invariant", BIAXIAL, 2 * A**3, {}),
    ("deformation_third_invariant", BURGERS, -(A**3) / 4, {}),
    ("deformation_second_invariant", BURGERS, -3 * A**2 / 4, {}),
    ("strain_self_amplification", BURGERS, -3 * A**3 / 4, {}),
    ("inverse_spiralling_compactness", BURGERS, -A / (2 * S), {}),
    ("rortex_magnitude", BURGERS, 2 * S, {}),
    ("vortex_stretching", BURGERS, [0, 0, 2 * S * A], {}),
    ("enstrophy_production", BURGERS, 4 * S**2 * A, {}),
    ("divergence", [[1, 7, 7], [7, 2, 7], [7, 7, 4]], 7, {}),
    ("first_invariant", [[1, 7, 7], [7, 2, 7], [7, 7, 4]], -7, {}),
    ("q_criterion", [[2, 0, 0], [0, 2, 0], [0, 0, 2]], -6, {}),
    ("q_criterion_deviatoric", [[2, 0, 0], [0, 2, 0], [0, 0, 2]], 0, {}),
    ("q_criterion_deviatoric", [[2, 0], [0, 2]], 0, {}),
    ("dissipation_compressible", [[2, 0, 0], [0, 2, 0], [0, 0, 2]], 0, {"viscosity": 0.5}),
    ("dissipation_compressible", [[2, 0], [0, 2]], 8 / 3, {"viscosity": 0.5}),
    ("viscous_stress", [[3, 1], [1, 0]], [[2, 1], [1, -1]], {"dynamic_viscosity": 0.5}),
    ("viscous_stress", np.diag([3, 0, 0]), np.diag([2, -1, -1]).tolist(), {"dynamic_viscosity": 0.5}),
    ("vorticity", ELLIPSE, 4, {}),
    ("stretching_deformation", [[3, 5], [5, 1]], 2, {}),
    ("shearing_deformation", ELLIPSE, -2, {}),
    ("total_deformation", [[3, 1], [1, 0]], np.sqrt(13), {}),
    ("residual_vorticity", ELLIPSE, 2, {}),
    ("residual_vorticity", [[0, 3], [-1, 0]], -2, {}),
    ("residual_vorticity", [[1, 1], [0, -1]], 0, {}),
    ("okubo_weiss", ELLIPSE, -12, {}),
    ("swirling_strength", ELLIPSE, np.sqrt(3), {}),
    ("inverse_spiralling_compactness", [[1, -3], [1, 1]], 1 / np.sqrt(3), {}),
    ("rortex_magnitude", [[0, -3, 0], [1, 0, 0], [0, 0, 0]], 2, {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "L", "expected", "given"), KNOWN)
def test_known_values(name: str, L: Any, expected: Any, given: dict[str, float]) -> None:
    tensor = np.array([L], dtype=float)
    oracle = ORACLES[name].function(as_matrix(tensor[0]), *map(mp.mpf, given.values()))
    for ours in (evaluate(name, tensor, **given)[0].tolist(), oracle):
        np.testing.assert_allclose([float(value) for value in flat(ours)], flat(expected), rtol=1e-14, atol=1e-14)


# ------------------------------------------------------------------------------------- zeros, and where nothing cancels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["deformation_rate", "viscous_stress", "spin"])
def test_symmetry_to_the_bit(name: str, dtype: DTypeLike) -> None:
    for n in (2, 3):
        L = tensors.all_of_them(n, dtype)[1]
        values = evaluate(name, L, **parameters(name, L))
        turned = values.transpose(0, 2, 1)
        np.testing.assert_array_equal(values, -turned if name == "spin" else turned)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3])
def test_no_swirl_without_complex_pair(n: int, dtype: DTypeLike) -> None:
    """Zero to the bit, and no direction made of rounding errors, where real eigenvalues are plain to see."""
    names = ["zero", "isotropic", "pure strain", "repeated", "nearly repeated", "simple shear"]
    L = tensors.pick(n, dtype, *names)
    for name in SWIRLING:
        if n in ORACLES[name].dimensions:
            expected = np.nan if name == "inverse_spiralling_compactness" else 0.0
            np.testing.assert_array_equal(evaluate(name, L), expected, err_msg=name)


@pytest.mark.parametrize("dtype", DTYPES)
def test_axis_is_of_length_one_or_zero(dtype: DTypeLike) -> None:
    L = tensors.all_of_them(3, dtype)[1]
    axis, w = (evaluate(name, L).astype(np.float64) for name in ("swirling_axis", "vorticity"))
    strength = evaluate("swirling_strength", L)
    unit = np.finfo(dtype).eps
    np.testing.assert_allclose(np.linalg.norm(axis, axis=1), strength > 0, rtol=0, atol=4 * unit)
    size = np.abs(w).max(axis=1, keepdims=True)
    assert (np.sum(axis * w / np.where(size > 0, size, 1), axis=1) >= -8 * unit).all()


# ------------------------------------------------------------------------------------------------- principal directions


def check_directions(L: Array, labels: Any = None) -> None:
    n, unit = L.shape[1], float(np.finfo(L.dtype).eps)
    vectors, rates = (
        evaluate(name, L).astype(np.float64) for name in ("principal_directions", "principal_strain_rates")
    )
    assert np.isfinite(vectors).all()
    products = vectors @ vectors.transpose(0, 2, 1)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(n), L.shape), rtol=0, atol=VECTOR_UNITS * unit)
    for k, tensor in enumerate(L):
        exact = as_matrix(tensor)
        D = oracles.symmetric(exact)
        expected, admitted = oracles.symmetric_eigenvectors(D), direction_bounds(exact, unit)
        for i, vector in enumerate(vectors[k]):
            where = f"direction {i} of {labels[k] if labels else k}: {vector.tolist()}, L = {tensor.tolist()}"
            own = [mp.mpf(x) for x in vector]
            residual = [oracles.dot(row, own) - mp.mpf(rates[k, i]) * x for row, x in zip(D, own, strict=True)]
            assert (
                oracles.norm(residual) <= VECTOR_UNITS * unit * of_D(exact) + 8 * np.finfo(L.dtype).smallest_subnormal
            ), where
            # whatever the direction: its largest component is positive, the first where some units do not part them
            largest = np.abs(vector).max()
            firsts = {int(np.argmax(np.abs(vector) >= largest - some * unit)) for some in (0, 4, 16, 64)}
            assert any(vector[first] > 0 for first in firsts), where
            bound, wanted = admitted[i], expected[i]
            if bound is None or wanted is None:
                continue
            sizes = sorted(abs(x) for x in wanted)
            plain = sizes[-1] - sizes[-2] > 2 * bound or (
                sizes[-1] - sizes[-2] < oracles.TIED and bound < 4 * VECTOR_UNITS * unit
            )
            signs = (1,) if plain else (1, -1)
            error = min(oracles.norm([x - sign * y for x, y in zip(own, wanted, strict=True)]) for sign in signs)
            assert error <= bound, f"{where}, off by {float(error)} instead of {float(bound)}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3])
def test_principal_directions(n: int, dtype: DTypeLike) -> None:
    labels, L = tensors.all_of_them(n, dtype)
    check_directions(L, labels)


@pytest.mark.parametrize("dtype", DTYPES)
def test_alignments_are_cosines(dtype: DTypeLike) -> None:
    L = tensors.all_of_them(3, dtype)[1]
    values = evaluate("vorticity_alignment", L).astype(np.float64)
    spinning = (np.abs(L - L.transpose(0, 2, 1)) > 0).any(axis=(1, 2))
    assert np.isnan(values[~spinning]).all()
    unit = np.finfo(dtype).eps
    np.testing.assert_allclose(np.sum(values[spinning] ** 2, axis=1), 1.0, rtol=VECTOR_UNITS * unit)
    assert ((values[spinning] >= 0) & (values[spinning] <= 1)).all()


# ------------------------------------------------------------------------------------------------------------- extremes


def range_of(dtype: DTypeLike) -> int:
    """Decades that tensors are scaled by, up and down."""
    return 300 if dtype == np.float64 else 36


def plain_tensors(n: int) -> Array:
    """Tensors of moderate norm, some with repeated principal rates, before they are scaled."""
    names = ["random", "integer", "solenoidal", "pure rotation", "pure strain", "rank one"]
    return tensors.pick(
        n, np.float64, *names, *(["repeated and spin", "weak normal rotation, turned"] if n == 3 else [])
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("name", "n"), CASES)
def test_extreme_scales(name: str, n: int, sign: int, dtype: DTypeLike) -> None:
    """As accurate as ever where entries are so large or small that the value nearly overflows or underflows."""
    power = max(abs(ORACLES[name].power), 1)
    decades = sign * (range_of(dtype) if power == 1 else int(0.96 * range_of(dtype) / power))
    L = plain_tensors(n)
    with np.errstate(under="ignore"):
        L = (L[:: 2 if sign > 0 else 3] * 10.0**decades).astype(dtype)
    if name == "principal_directions":
        check_directions(L)
        return
    given = parameters(name, L / L.dtype.type(10.0**decades))
    if "epsilon" in given:
        # a sum with epsilon is what |L|^2 is, where that overflows or underflows
        given["epsilon"] *= np.array(10.0 ** np.clip(2 * decades, -range_of(dtype), range_of(dtype) - 2), dtype)
    check(name, L, given)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "n"), [case for case in CASES if RELATIVE.get(case[0], 0) and ORACLES[case[0]].power > 0]
)
def test_up_to_the_largest_number(name: str, n: int, dtype: DTypeLike) -> None:
    """Values of nine tenths of the largest number overflow in no step."""
    oracle, largest = ORACLES[name], mp.mpf(float(np.finfo(dtype).max))
    shear, random = np.eye(n, k=1), tensors.groups(n)["random"][:4]
    for tensor in (np.diag([1.0, -1.0, 0.5][:n]), np.ones((n, n)), shear, shear - shear.T, *random):
        given = [mp.one] * len(oracle.parameters)
        value = max(abs(x) for x in flat(oracle.function(as_matrix(tensor), *given)))
        if value == 0:
            continue
        scale = (mp.mpf("0.9") * largest / value) ** (mp.one / oracle.power)
        if max(abs(scale * x) for x in tensor.flat) > largest:
            continue
        L = np.array([[[float(scale * x) for x in row] for row in tensor]]).astype(dtype)
        check(name, L, {parameter: np.ones(1, dtype) for parameter in oracle.parameters})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", [name for name, oracle in ORACLES.items() if oracle.parameters])
def test_extreme_parameters(name: str, n: int, dtype: DTypeLike) -> None:
    """Products that overflow or underflow on the way to a value that does not."""
    far = 200 if dtype == np.float64 else 24
    L = np.tile(tensors.groups(n)["random"][:3], (4, 1, 1))
    (parameter,) = ORACLES[name].parameters
    scales: tuple[float, ...]
    values: tuple[float, ...]
    if parameter == "epsilon":
        # epsilon alone, or |L|^2 alone, decides
        scales, values = (far, -far, -far, -far / 2), (far / 2, 0.0, -1.1 * far, -1.2 * far)
    elif ORACLES[name].power < 0:
        scales, values = (far, far, -far, -far), (far, -far, far, -far)
    else:
        power = ORACLES[name].power
        size = far if power == 1 else 0.9 * far
        scales, values = (size, 0.8 * size, -size, -0.8 * size), (-min(power, 1.5) * far, -far, far, far)
    L = (L * np.repeat(10.0 ** np.array(scales), 3)[:, None, None]).astype(dtype)
    check(name, L, {parameter: np.repeat(10.0 ** np.array(values), 3).astype(dtype)})


@pytest.mark.parametrize("name", ["dissipation", "pseudo_dissipation", "dissipation_compressible", "viscous_stress"])
def test_without_viscosity(name: str) -> None:
    L = tensors.groups(3)["random"]
    (parameter,) = ORACLES[name].parameters
    np.testing.assert_array_equal(evaluate(name, L, **{parameter: 0.0}), 0.0)


def test_quotients_of_zeros_are_nan() -> None:
    zero, still = np.zeros((1, 3, 3)), np.zeros((1, 2, 2))
    for L in (zero, still):
        for name in ("kolmogorov_length", "kolmogorov_time"):
            assert np.isnan(evaluate(name, L, viscosity=1.0)).all()
        assert np.isnan(evaluate("omega_method", L, epsilon=0.0)).all()
        assert (evaluate("omega_method", L, epsilon=1.0) == 0).all()
        assert np.isnan(evaluate("kinematic_vorticity_number", L)).all()
        assert np.isnan(evaluate("inverse_spiralling_compactness", L)).all()
    # without viscosity the dissipation is zero, whatever the strain
    for name in ("kolmogorov_length", "kolmogorov_time"):
        assert np.isnan(evaluate(name, tensors.groups(3)["random"], viscosity=0.0)).all()


# ------------------------------------------------------------------------------------------------------------------ NaN

OF_SPIN_ONLY = {"vorticity_magnitude", "enstrophy", "spin_second_invariant"}
ENTRYWISE = {
    "velocity_gradient", "deformation_rate", "spin", "vorticity", "divergence", "first_invariant", "viscous_stress",
    "stretching_deformation", "shearing_deformation", "vortex_stretching",
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "n"), CASES)
def test_nan_comes_through(name: str, n: int, dtype: DTypeLike) -> None:
    L = np.full((1, n, n), np.nan, dtype)
    # zeros on the diagonal of W are no differences
    values = evaluate(name, L, **parameters(name, np.ones_like(L)))
    if name == "spin":
        values = values[:, ~np.eye(n, dtype=bool)]
    assert np.isnan(values).all()
    if name in ENTRYWISE:
        return
    places = [(i, j) for i in range(n) for j in range(n) if i != j or name not in OF_SPIN_ONLY]
    L = np.repeat(tensors.groups(n, dtype)["random"][:1], len(places), axis=0)
    for k, place in enumerate(places):
        L[(k, *place)] = np.nan
    assert np.isnan(evaluate(name, L, **parameters(name, np.ones_like(L)))).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(ITERATED))
def test_iterations_end_with_infinities(name: str, dtype: DTypeLike) -> None:
    """And do not make up a number."""
    L = np.repeat(tensors.groups(3, dtype)["random"][:1], 9, axis=0)
    for k in range(9):
        L[k, k // 3, k % 3] = np.inf
    assert not np.isfinite(evaluate(name, L)).any()


# ------------------------------------------------------------------------------------------- homogeneity and invariance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "n"), CASES)
def test_homogeneous_to_the_bit(name: str, n: int, dtype: DTypeLike) -> None:
    """A change of the unit of time by a power of two changes no digit: there is no hidden absolute threshold."""
    L, power = plain_tensors(n).astype(dtype), ORACLES[name].power
    given = parameters(name, L)
    values = evaluate(name, L, **given)
    # a multiple of four, of which the Kolmogorov length takes the root
    exponent = (24 if dtype == np.float32 else 120) // max(int(abs(power)), 1) // 4 * 4
    for factor in (2.0**exponent, 2.0**-exponent):
        changed = {key: value * L.dtype.type(factor**2 if key == "epsilon" else 1) for key, value in given.items()}
        scaled = evaluate(name, L * L.dtype.type(factor), **changed)
        np.testing.assert_array_equal(scaled, values * L.dtype.type(factor**power))


TENSORS = {"velocity_gradient", "deformation_rate", "spin", "viscous_stress"}
# Vectors, or normal components in a plane, that keep their sense with the rotation, not with the axes.
AXIAL = {"vorticity", "vortex_stretching", "swirling_axis", "rortex", "residual_vorticity"}
# These belong to the axes.
OF_AXES = {"stretching_deformation", "shearing_deformation"}


@cache
def well_conditioned(n: int, seed: int) -> Array:
    """Random tensors whose principal rates and eigenvalues keep a distance."""
    L = np.random.default_rng(seed).normal(size=(64, n, n))
    rates = np.linalg.eigvalsh((L + L.transpose(0, 2, 1)) / 2)
    values = np.linalg.eigvals(L)
    apart = np.abs(values[:, :, None] - values[:, None, :])[:, *np.triu_indices(n, 1)].min(axis=1)
    chosen: Array = L[(np.diff(rates).min(axis=1) > 0.1) & (apart > 0.3)]
    return chosen


@given(seed=st.integers(0, 10**6), reflected=st.booleans())
@pytest.mark.parametrize(("name", "n"), [case for case in CASES if case[0] not in OF_AXES])
def test_turned_axes(name: str, n: int, seed: int, reflected: bool) -> None:
    L = well_conditioned(n, seed % 16)[:12]
    Q = tensors.orthogonal(n, np.random.default_rng(seed))
    if reflected:
        Q[0] *= -1
    given = parameters(name, L)
    before, after = evaluate(name, L, **given), evaluate(name, Q @ L @ Q.T, **given)
    if name in TENSORS:
        before = Q @ before @ Q.T
    elif name == "principal_directions":
        before = before @ Q.T
        before *= np.sign(np.sum(before * after, axis=2, keepdims=True))
    elif name in AXIAL:
        before = (before @ Q.T if before.ndim == 2 else before) * (-1 if reflected else 1)
    size = np.linalg.norm(L, axis=(1, 2)) ** max(ORACLES[name].power, 0)
    tolerance = 1e-12 * size.reshape(-1, *[1] * (before.ndim - 1))
    bad = ~(np.abs(after - before) <= tolerance + 1e-12 * np.abs(before)) & ~(np.isnan(after) & np.isnan(before))
    assert not bad.any(), (L[np.nonzero(bad)[0][0]].tolist(), Q.tolist())


# ----------------------------------------------------------------------------------------------------------- identities


@cache
def many(n: int) -> Array:
    return np.random.default_rng(3).normal(size=(5000, n, n))


def of(name: str, n: int = 3, **given: float) -> Array:
    return evaluate(name, many(n), **given)


def close(a: Array, b: Array, power: float = 1, units: float = 16) -> None:
    """Equal to some rounding units of the tensors' norm."""
    size = np.linalg.norm(many(2) if np.shape(a)[0] != 5000 else many(3), axis=(1, 2)) ** power
    error = np.abs(np.asarray(a) - b)
    bound = units * np.finfo(float).eps * size.reshape(-1, *[1] * (error.ndim - 1))
    assert (error <= bound).all(), float((error / bound).max())


def transposed(a: Array) -> Array:
    return a.transpose(0, 2, 1)


@pytest.mark.parametrize("n", [2, 3])
def test_identities(n: int) -> None:
    L, D, W = (of(name, n) for name in ("velocity_gradient", "deformation_rate", "spin"))
    np.testing.assert_array_equal(L, many(n))
    pairs = np.maximum(np.abs(L), np.abs(transposed(L)))
    assert (np.abs(D + W - L) <= 2 * np.finfo(float).eps * pairs).all()
    w, divergence = of("vorticity", n), of("divergence", n)
    squares = np.sum(w**2, axis=1) if n == 3 else w**2
    np.testing.assert_allclose(of("vorticity_magnitude", n) ** 2, squares, rtol=1e-14)
    np.testing.assert_allclose(of("enstrophy", n), of("vorticity_magnitude", n) ** 2 / 2, rtol=1e-14)
    np.testing.assert_allclose(of("shear_rate", n), np.sqrt(2) * of("strain_rate_magnitude", n), rtol=1e-14)
    np.testing.assert_array_equal(of("first_invariant", n), -divergence)
    close(of("q_criterion", n), of("second_invariant", n) - of("first_invariant", n) ** 2 / 2, 2)
    close(of("q_criterion_deviatoric", n), of("q_criterion", n) + divergence**2 / (2 * n), 2)
    close(of("principal_strain_rates", n).sum(axis=1), divergence, 1)
    rates, directions = of("principal_strain_rates", n), of("principal_directions", n)
    assert (np.diff(rates) <= 0).all()
    close(transposed(directions) @ (rates[:, :, None] * directions), D, 1, 64)
    dissipation = of("dissipation", n, viscosity=0.5)
    np.testing.assert_allclose(dissipation, of("strain_rate_magnitude", n) ** 2, rtol=1e-14)
    close(of("dissipation_compressible", n, viscosity=0.5), dissipation - divergence**2 / 3, 2)
    close(of("pseudo_dissipation", n, viscosity=0.5), dissipation / 2 + np.sum(W**2, axis=(1, 2)) / 2, 2)
    stress = of("viscous_stress", n, dynamic_viscosity=0.5)
    close(np.trace(stress, axis1=1, axis2=2), (0 if n == 3 else 1 / 3) * divergence, 1)
    # mechanical power of the stress
    close(np.sum(stress * L, axis=(1, 2)), of("dissipation_compressible", n, viscosity=0.5), 2)
    np.testing.assert_allclose(of("kolmogorov_time", n, viscosity=0.5), np.sqrt(0.5 / dissipation), rtol=1e-14)
    np.testing.assert_allclose(of("kolmogorov_length", n, viscosity=0.5), (0.125 / dissipation) ** 0.25, rtol=1e-14)
    ratio = of("kinematic_vorticity_number", n) ** 2
    np.testing.assert_allclose(of("omega_method", n, epsilon=0.0), ratio / (1 + ratio), rtol=1e-14)


def test_identities_in_space() -> None:
    L, D, W, w = (of(name) for name in ("velocity_gradient", "deformation_rate", "spin", "vorticity"))
    close(np.einsum("nij,nj->ni", L, w), of("vortex_stretching"), 2)
    production = of("enstrophy_production")
    close(np.sum(of("vortex_stretching") * w, axis=1), production, 3)
    close(-np.linalg.det(L), of("third_invariant"), 3)
    close(-np.trace(D @ D @ D, axis1=1, axis2=2), of("strain_self_amplification"), 3)
    # the third invariant of L is that of D, and what the spin adds to it
    close(of("third_invariant"), of("deformation_third_invariant") - production / 4, 3)
    close(of("second_invariant"), of("deformation_second_invariant") + of("spin_second_invariant"), 2)
    close(of("lambda2"), np.linalg.eigvalsh(D @ D + W @ W)[:, 1], 2, 64)
    close(of("principal_strain_rates"), np.linalg.eigvalsh(D)[:, ::-1], 1, 64)
    rates = of("principal_strain_rates")
    close(-np.prod(rates, axis=1), of("deformation_third_invariant"), 3, 64)
    size = of("strain_rate_magnitude")
    close(of("lund_rogers"), 3 * np.sqrt(6) * of("deformation_third_invariant") / size**3, 0, 128)
    # stretching is the sum of rates times squared cosines
    cosines = of("vorticity_alignment")
    close(np.sum(rates * cosines**2, axis=1) * 2 * of("enstrophy"), production, 3, 128)


def test_swirl_in_space() -> None:
    values = np.linalg.eigvals(many(3))
    imaginary = values.imag.max(axis=1)
    strength, swirling = of("swirling_strength"), imaginary > 1e-6
    assert 1000 < swirling.sum() < 4000
    # LAPACK's own error grows where pairs meet
    assert (np.abs(strength - imaginary) <= 1e-14 * (1 + 1 / np.maximum(imaginary, 1e-6))).all()
    np.testing.assert_array_equal(strength > 0, of("swirling_axis").any(axis=1))
    np.testing.assert_array_equal(strength > 0, of("rortex_magnitude") > 0)
    np.testing.assert_array_equal(strength == 0, np.isnan(of("inverse_spiralling_compactness")))
    L, w, axis, rortex = (of(name)[swirling] for name in ("velocity_gradient", "vorticity", "swirling_axis", "rortex"))
    strength, magnitude = strength[swirling], of("rortex_magnitude")[swirling]
    ratio = of("inverse_spiralling_compactness")[swirling]
    eigenvalue = of("divergence")[swirling] - 2 * ratio * strength
    # the eigenvector is as good as the distance of its eigenvalue to the pair
    apart = np.hypot(eigenvalue - ratio * strength, strength)
    np.testing.assert_array_less(
        np.linalg.norm(np.einsum("nij,nj->ni", L, axis) - eigenvalue[:, None] * axis, axis=1), 1e-13 * (1 + 1 / apart)
    )
    along = np.sum(w * axis, axis=1)
    assert (along > 0).all()
    np.testing.assert_allclose(rortex, magnitude[:, None] * axis, rtol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(rortex, axis=1), magnitude, rtol=1e-14)
    # the rotation is no more than the pair's angular velocity, twice, nor than the vorticity along the axis
    assert (magnitude <= 2 * strength * (1 + 1e-12)).all()
    assert (2 * strength <= along * (1 + 1e-8 + 1e-14 / strength**2)).all()
    # it is the smaller root of R^2 - 2 (w.r) R + 4 lambda_ci^2
    zero = magnitude**2 - 2 * along * magnitude + 4 * strength**2
    assert (np.abs(zero) <= 1e-12 * np.linalg.norm(L, axis=(1, 2)) ** 2 * (1 + 1 / apart)).all()


@pytest.mark.parametrize("small", [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8])
def test_swirl_beside_shear(small: float) -> None:
    """As near a wall: the pair is one of a tensor that rounding cannot tell from L, and is there where L has one."""
    rng = np.random.default_rng(9)
    shear = np.eye(3, k=1) * [0, 1, 0]
    L = tensors.rotated(shear + small * rng.normal(size=(2000, 3, 3)), rng)
    size = np.linalg.norm(L, axis=(1, 2))
    strength, ratio = evaluate("swirling_strength", L), evaluate("inverse_spiralling_compactness", L)
    swirling = strength > 0
    values = np.linalg.eigvals(L)
    apart = np.abs(values[:, :, None] - values[:, None, :])[:, *np.triu_indices(3, 1)].min(axis=1)
    clear = apart > 1e-4 * size
    assert clear.any()
    np.testing.assert_array_equal(swirling[clear], (values.imag.max(axis=1) > 0)[clear])
    pair = (ratio[swirling] + 1j) * strength[swirling]
    distance = np.linalg.svd(L[swirling] - pair[:, None, None] * np.eye(3), compute_uv=False)[:, 2]
    np.testing.assert_array_less(distance / size[swirling], 8 * np.finfo(float).eps)


def test_planes_in_space() -> None:
    """A plane flow means the same in 2-D, and as the flow in space that it is."""
    L = many(2)
    space = tensors.in_space(L)
    size = np.linalg.norm(L, axis=(1, 2))
    np.testing.assert_array_equal(evaluate("vorticity", L), evaluate("vorticity", space)[:, 2])
    residual = evaluate("residual_vorticity", L)
    assert 1000 < np.count_nonzero(residual) < 4000
    vortex = np.abs(residual) > 1e-6
    error = np.abs(residual - evaluate("rortex", space)[:, 2])[vortex]
    assert (error <= 1e-13 * size[vortex]).all()
    strength = evaluate("swirling_strength", L)
    np.testing.assert_array_equal(strength > 0, residual != 0)
    error = np.abs(strength - evaluate("swirling_strength", space))
    assert (error <= 1e-13 * size * np.maximum(1, size / np.maximum(strength, 1e-7))).all()
    # Okubo and Weiss' parameter is minus four times the squared rotation rate of the pair
    okubo_weiss = evaluate("okubo_weiss", L)
    assert (
        np.abs(okubo_weiss[vortex] + 4 * strength[vortex] ** 2) <= 16 * np.finfo(float).eps * size[vortex] ** 2
    ).all()
    deformation = [evaluate(f"{kind}_deformation", L) for kind in ("stretching", "shearing", "total")]
    np.testing.assert_allclose(deformation[2], np.hypot(deformation[0], deformation[1]), rtol=1e-15)
    rates = evaluate("principal_strain_rates", L)
    assert (np.abs(rates[:, 0] - rates[:, 1] - deformation[2]) <= 4 * np.finfo(float).eps * size).all()
