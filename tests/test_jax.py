# SPDX-License-Identifier: BSD-3-Clause
"""fieldgrad.jax: against jax.numpy.gradient, compiled, differentiated and vectorised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fieldgrad as fg

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

import fieldgrad.jax as fj  # noqa: E402

slow = pytest.mark.slow
SHAPE = (5, 6, 7)
NODES = [np.cumsum(np.random.default_rng(k).uniform(0.5, 1.5, n)) for k, n in enumerate(SHAPE)]


@pytest.fixture(autouse=True)
def double() -> Any:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def noise(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def grid_of(names: str) -> fg.Grid:
    return fg.Grid(tuple(fg.Axis(name, name, nodes) for name, nodes in zip(names, NODES, strict=False)))


def assert_close(actual: Any, expected: Any) -> None:
    assert actual.shape == expected.shape
    assert actual.dtype == expected.dtype
    assert float(jnp.abs(actual - expected).max()) <= 1e-13 * float(jnp.abs(expected).max())


def test_gradient_is_that_of_numpy_compiled_or_not() -> None:
    f = noise(*SHAPE)
    for edge_order in (1, 2):
        expected = np.gradient(np.asarray(f), *NODES, edge_order=edge_order)

        def work(f: Any) -> Any:
            return fj.gradient(f, *NODES, edge_order=edge_order)  # noqa: B023

        for actual in (work(f), jax.jit(work)(f)):
            for one, other in zip(actual, expected, strict=True):
                assert_close(one, jnp.asarray(other))
    assert_close(fj.gradient(f, 0.5, axis=-2), jnp.gradient(f, 0.5, axis=1))


def test_what_flows_back_is_the_adjoint() -> None:
    f = noise(*SHAPE)

    def number(f: Any) -> Any:
        return sum(jnp.sin(part).sum() for part in fj.gradient(f, *NODES))

    def jnp_number(f: Any) -> Any:
        # second order inside, first order at the edges, from the same matrices
        matrices = [jnp.asarray(np.gradient(np.eye(len(x)), x, axis=0)) for x in NODES]
        parts = [jnp.moveaxis(jnp.tensordot(m, f, (1, k)), 0, k) for k, m in enumerate(matrices)]
        return sum(jnp.sin(part).sum() for part in parts)

    assert_close(jax.jit(jax.grad(number))(f), jax.grad(jnp_number)(f))
    direction = noise(*SHAPE, seed=1)
    second = jax.grad(lambda f: (jax.grad(number)(f) * direction).sum())(f)
    assert_close(second, jax.grad(lambda f: (jax.grad(jnp_number)(f) * direction).sum())(f))


def test_vmap() -> None:
    batch = noise(3, *SHAPE)

    def work(f: Any) -> Any:
        return fj.gradient(f, *NODES)[1]

    assert_close(jax.vmap(work)(batch), jnp.stack([work(f) for f in batch]))
    back = jax.vmap(jax.grad(lambda f: (work(f) ** 2).sum()))(batch)
    assert_close(back, jnp.stack([jax.grad(lambda f: (work(f) ** 2).sum())(f) for f in batch]))


OPERATORS = {"divergence": fj.divergence, "vorticity": fj.curl, "velocity_gradient": fj.velocity_gradient}


@slow
@pytest.mark.parametrize("names", ["xyz", "xy", "xz"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_on_a_grid(operator: str, names: str) -> None:
    n = len(names)
    grid, u = grid_of(names), noise(n, *SHAPE[:n])
    frame = fg.operators.Frame(tuple(names), tuple(range(n)), tuple(axis.stencil() for axis in grid.axes))
    (expected,) = fg.operators.derive(
        [np.asarray(part) for part in u], tuple(names), frame, [fg.quantities()[operator]], {}
    )

    def work(u: Any) -> Any:
        return OPERATORS[operator](u, grid)

    assert np.array_equal(jax.jit(work)(u), expected)
    assert np.array_equal(jax.vmap(work)(jnp.stack([u, u]))[1], expected)
    cotangent = noise(*expected.shape, seed=4)
    _, back = jax.vjp(work, u)
    forward, backward = (cotangent * work(u)).sum(), (back(cotangent)[0] * u).sum()
    assert abs(float(forward - backward)) <= 1e-13 * float(jnp.linalg.norm(expected) * jnp.linalg.norm(cotangent))
    check_grads(lambda u: (work(u) ** 2).sum(), (u,), order=2, modes=("rev",))


@slow
def test_linear_flows_are_exact() -> None:
    """u = A x has L = A."""
    grid, A = (
        fg.Grid(tuple(fg.Axis(name, name, nodes[:4]) for name, nodes in zip("xyz", NODES, strict=True))),
        noise(3, 3),
    )
    points = jnp.stack(jnp.meshgrid(*(axis.nodes for axis in grid.axes), indexing="ij"))
    u = jnp.einsum("ij,j...->i...", A, points)
    w = jnp.stack([A[2, 1] - A[1, 2], A[0, 2] - A[2, 0], A[1, 0] - A[0, 1]])
    for found, expected in (
        (fj.velocity_gradient(u, grid), A),
        (fj.curl(u, grid), w),
        (fj.divergence(u, grid), A.trace()),
    ):
        assert found.shape == (*expected.shape, 4, 4, 4)
        assert jnp.allclose(found, expected[..., None, None, None], rtol=0, atol=1e-12)


def test_errors() -> None:
    f, grid = noise(*SHAPE), grid_of("xyz")
    with pytest.raises(TypeError, match=r"coordinates: are traced by JAX, but are constants here"):
        jax.jit(lambda x: fj.gradient(f[:, 0, 0], x))(NODES[0])
    with pytest.raises(ValueError, match=r"edge_order: got 3"):
        fj.gradient(f, edge_order=3)
    with pytest.raises(ValueError, match=r"f: has 1 points along axis 0"):
        fj.gradient(f[:1])
    with pytest.raises(ValueError, match=r"velocity: has 2 components on the directions x, y, z"):
        fj.divergence(noise(2, *SHAPE), grid)
