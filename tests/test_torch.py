# SPDX-License-Identifier: BSD-3-Clause
"""fieldgrad.torch: against torch.gradient and its errors, PyTorch's checks of derivatives, labels, formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from kernels.oracles import ORACLES, mp

import fieldgrad as fg

torch = pytest.importorskip("torch")
import fieldgrad.torch as ft  # noqa: E402
from fieldgrad.torch_quantities import FORMULAS, Gradient  # noqa: E402
from fieldgrad.walls import Wall  # noqa: E402

slow = pytest.mark.slow
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
SHAPE = (5, 6, 7)
ROUNDING = {
    torch.float16: 2e-2, torch.bfloat16: 1e-1, torch.float32: 1e-5, torch.float64: 1e-13,
    torch.complex64: 1e-5, torch.complex128: 1e-13,
}  # fmt: skip


def nodes(n: int, seed: int, dtype: Any = torch.float64) -> Any:
    return torch.from_numpy(np.cumsum(np.random.default_rng(seed).uniform(0.5, 1.5, n))).to(dtype)


def noise(*shape: int, seed: int = 0, dtype: Any = torch.float64) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype)


POSITIONS = tuple(nodes(n, seed) for seed, n in enumerate(SHAPE))


def assert_same(ours: tuple[Any, ...], theirs: tuple[Any, ...], bound: float = 0.0) -> None:
    assert type(ours) is type(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert float((one - other).abs().max()) <= max(ROUNDING[one.dtype], bound) * float(other.abs().max())


CALLS: list[dict[str, Any]] = [
    {},
    {"spacing": POSITIONS},
    {"spacing": POSITIONS, "edge_order": 2},
    {"spacing": 2.0},
    {"spacing": torch.tensor(0.5)},
    {"spacing": [2.0, -1, 3.0], "edge_order": 2},
    {"spacing": (POSITIONS[1].flip(0),), "dim": 1},
    {"spacing": [0.5, 0.25], "dim": (2, -3)},
    {"dim": -1},
    {"dim": []},
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: ", ".join(call) or "plain")
def test_same_result_as_torch_gradient(call: dict[str, Any]) -> None:
    f = noise(*SHAPE)
    assert_same(ft.gradient(f, **call), torch.gradient(f, **call))


@slow
@pytest.mark.parametrize("own", ["int32", "int64", "float16", "bfloat16", "float32", "complex64", "complex128"])
@pytest.mark.parametrize("positions", ["int64", "float32", "float64"])
def test_same_dtype_and_result_for_every_dtype(own: str, positions: str) -> None:
    dtype = getattr(torch, own)
    f = noise(*SHAPE, dtype=torch.complex128 if dtype.is_complex else torch.float64) * 8
    f = f.to(dtype)
    spacing = tuple(torch.arange(n).to(getattr(torch, positions)) ** 2 for n in SHAPE)
    # torch works in the precision of the field and of the positions, which are float32 where integers are
    bound = max(ROUNDING.get(dtype, 0.0), ROUNDING[torch.float32])
    assert_same(ft.gradient(f), torch.gradient(f))
    assert_same(ft.gradient(f, spacing=spacing), torch.gradient(f, spacing=spacing), bound)
    mixed = (spacing[0].float(), spacing[1].double())
    assert_same(ft.gradient(f, spacing=mixed, dim=(0, 1)), torch.gradient(f, spacing=mixed, dim=(0, 1)), bound)


REFUSED: list[tuple[Any, dict[str, Any]]] = [
    (noise(1, 5), {}),
    (noise(2, 5), {"edge_order": 2}),
    (noise(4, 5), {"edge_order": 3}),
    (noise(4, 5), {"dim": (0, 0)}),
    (noise(4, 5), {"dim": 2}),
    (noise(4, 5), {"spacing": [1.0]}),
    (noise(4, 5), {"spacing": (nodes(4, 0),)}),
    (noise(4, 5), {"spacing": (nodes(4, 0), 1.0)}),
    (noise(5, 5), {"spacing": (nodes(4, 0), nodes(4, 0))}),
    (noise(4, 5), {"spacing": (noise(4, 4), nodes(5, 0))}),
    (noise(4, 5), {"spacing": nodes(4, 0)}),
    (torch.ones(4, dtype=torch.uint8), {}),
    (torch.ones(4, dtype=torch.bool), {}),
    (np.ones(4), {}),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_same_error_as_torch_gradient(number: int) -> None:
    f, call = REFUSED[number]
    with pytest.raises((TypeError, RuntimeError, IndexError)) as expected:
        torch.gradient(f, **call)
    with pytest.raises(type(expected.value)) as actual:
        ft.gradient(f, **call)
    assert str(actual.value) == str(expected.value)


def test_what_torch_would_get_wrong_is_refused() -> None:
    f = noise(4)
    with pytest.raises(ValueError, match=r"spacing: two points lie at one position"):
        ft.gradient(f, spacing=(torch.tensor([0.0, 1.0, 1.0, 2.0]),))
    with pytest.raises(ValueError, match=r"spacing: is 0.0; it must be real, finite and not zero"):
        ft.gradient(f, spacing=0.0)
    with pytest.raises(ValueError, match=r"spacing: must be a tensor of the 4 positions"):
        ft.gradient(f, spacing=(torch.arange(3.0),))
    with pytest.raises(ValueError, match=r"spacing: requires a gradient, but positions are constants here"):
        ft.gradient(f, spacing=(torch.arange(4.0, requires_grad=True),))
    with pytest.raises(ValueError, match=r"input: lies on device meta"):
        ft.gradient(torch.empty(4, device="meta"))


def test_memory_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    made: list[Any] = []
    original = fg.adjoint.operators.gradient

    def spy(f: Any, frame: Any) -> Any:
        seen.append(f)
        made.append(original(f, frame))
        return made[-1]

    monkeypatch.setattr(fg.adjoint.operators, "gradient", spy)
    f = noise(*SHAPE)
    results = ft.gradient(f, spacing=POSITIONS)
    assert seen[0].__array_interface__["data"][0] == f.data_ptr()
    for number, result in enumerate(results):
        assert np.shares_memory(made[0][number], result.numpy())


# Derivatives


def test_backward_is_that_of_torch_and_checks_pass() -> None:
    f = noise(*SHAPE).requires_grad_()
    cotangents = [noise(*SHAPE, seed=k) for k in (1, 2, 3)]
    for edge_order in (1, 2):
        call = {"spacing": POSITIONS, "edge_order": edge_order}
        ours, theirs = (
            torch.autograd.grad(function(f, **call), f, cotangents) for function in (ft.gradient, torch.gradient)
        )
        assert_same(ours, theirs)
    # one of the results alone, with a cotangent without memory of its own
    (ours,) = torch.autograd.grad(ft.gradient(f, spacing=POSITIONS)[1].sum(), f)
    (theirs,) = torch.autograd.grad(torch.gradient(f, spacing=POSITIONS)[1].sum(), f)
    assert_same((ours,), (theirs,))
    small = noise(3, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(ft.gradient, small, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(ft.gradient, small)


@slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
def test_several_inputs_and_outputs_and_complex_fields(dtype: Any) -> None:
    f, g = (noise(4, 5, seed=k, dtype=dtype).requires_grad_() for k in (1, 2))

    def both(f: Any, g: Any) -> Any:
        return (*ft.gradient(f * g, spacing=0.5), ft.gradient(g, dim=0, edge_order=2)[0])

    assert torch.autograd.gradcheck(both, (f, g))
    assert torch.autograd.gradgradcheck(both, (f, g))
    outputs = both(f, g)
    assert all(part is not None for part in torch.autograd.grad(outputs, (f, g), [torch.ones_like(outputs[0])] * 3))


def test_functional_transforms() -> None:
    batch = noise(3, *SHAPE)

    def work(f: Any) -> Any:
        return ft.gradient(f, spacing=POSITIONS)

    for number, part in enumerate(torch.vmap(work)(batch)):
        assert torch.equal(part, torch.stack([work(f)[number] for f in batch]))
    forth, back = torch.func.vjp(work, batch[0])
    cotangents = tuple(noise(*SHAPE, seed=k) for k in (7, 8, 9))
    (pulled,) = back(cotangents)
    forward = sum(float((a * b).sum()) for a, b in zip(forth, cotangents, strict=True))
    assert abs(forward - float((pulled * batch[0]).sum())) <= 1e-12 * abs(forward) + 1e-11
    _, moved = torch.func.jvp(work, (batch[0],), (batch[1],))
    assert torch.equal(moved[2], work(batch[1])[2])


# With a grid


def grid_of(names: str, accuracy: int = 2) -> fg.Grid:
    return fg.Grid(
        tuple(fg.Axis(name, name, nodes(n, k).numpy(), accuracy=accuracy) for k, (name, n) in enumerate(
            zip(names, SHAPE, strict=False)))
    )  # fmt: skip


OPERATORS = {
    "divergence": ft.divergence, "vorticity": ft.curl, "velocity_gradient": ft.velocity_gradient,
    "deformation_rate": lambda *given: ft.decompose(*given)[0], "spin": lambda *given: ft.decompose(*given)[1],
}  # fmt: skip


@slow
@pytest.mark.parametrize("names", ["xyz", "xy", "xz"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_on_a_grid(operator: str, names: str) -> None:
    grid = grid_of(names)
    u = noise(len(names), *SHAPE[: len(names)])
    expected = fg.operators.derive(
        list(u.numpy()), tuple(names), fg.operators.Frame(
            tuple(names), tuple(range(len(names))), tuple(axis.stencil() for axis in grid.axes)
        ), [fg.quantities()[operator]], {},
    )[0]  # fmt: skip
    assert np.array_equal(OPERATORS[operator](u, grid).numpy(), expected)
    assert torch.equal(OPERATORS[operator](list(u), grid), OPERATORS[operator](u, grid))
    batch = torch.stack([u, 2 * u])
    together = torch.vmap(lambda one: OPERATORS[operator](one, grid))(batch)
    assert torch.equal(together[1], OPERATORS[operator](2 * u, grid))
    u.requires_grad_()
    assert torch.autograd.gradcheck(lambda one: OPERATORS[operator](one, grid), u)
    assert torch.autograd.gradgradcheck(lambda one: OPERATORS[operator](one, grid), u)


@slow
def test_laplacian_and_dimensions_in_another_order() -> None:
    grid = grid_of("xyz")
    f = noise(2, *SHAPE).requires_grad_()
    turned = f.movedim((1, 2, 3), (3, 2, 1))
    assert torch.allclose(ft.laplacian(turned, grid, dim=(3, 2, 1)).movedim((3, 2, 1), (1, 2, 3)),
                          ft.laplacian(f, grid), rtol=1e-14, atol=1e-14)  # fmt: skip
    assert torch.autograd.gradcheck(lambda one: ft.laplacian(one, grid), f[0].detach().requires_grad_())


@slow
def test_linear_flows_and_squares_are_exact() -> None:
    """u = A x has L = A; the Laplacian of a square is a constant, and what flows back from it its adjoint."""
    grid = fg.Grid(tuple(fg.Axis(name, name, nodes(4, k).numpy()) for k, name in enumerate("xyz")))
    A = noise(3, 3)
    points = torch.stack(torch.meshgrid(*(torch.tensor(axis.nodes) for axis in grid.axes), indexing="ij"))
    u = torch.einsum("ij,j...->i...", A, points)
    everywhere = torch.ones(4, 4, 4, dtype=torch.float64)
    w = torch.stack([A[2, 1] - A[1, 2], A[0, 2] - A[2, 0], A[1, 0] - A[0, 1]])
    D, W = ft.decompose(u, grid)
    for found, expected in ((ft.curl(u, grid), w), (D, (A + A.T) / 2), (W, (A - A.T) / 2)):
        assert torch.allclose(found, torch.einsum("...,ijk->...ijk", expected, everywhere), rtol=0, atol=1e-12)
    f = (points**2 * torch.tensor([1.0, 2.0, -0.5])[:, None, None, None]).sum(0).requires_grad_()
    laplacian = ft.laplacian(f, grid)
    assert torch.allclose(laplacian, 5 * everywhere, rtol=0, atol=1e-11)
    c, g = noise(4, 4, 4, seed=1), noise(4, 4, 4, seed=2)
    (back,) = torch.autograd.grad(laplacian, f, c)
    assert torch.allclose((back * g).sum(), (c * ft.laplacian(g, grid)).sum(), rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_those_of_the_definitions(name: str) -> None:
    formula, rng = FORMULAS[name], np.random.default_rng(8)
    given = [0.7] * len(formula.parameters)
    for n in formula.dimensions:
        L = rng.normal(size=(4, n, n))
        values = formula.function(Gradient(torch.tensor(np.moveaxis(L, 0, -1))), *given)
        for value, own in zip(np.moveaxis(values.numpy(), -1, 0), L, strict=True):
            exact = np.array(ORACLES[name].function(mp.matrix(own.tolist()), *map(mp.mpf, given)), float)
            np.testing.assert_allclose(value, exact, rtol=1e-11, atol=1e-13)


@slow
@pytest.mark.parametrize("names", ["xyz", "xz"])
def test_quantities_are_those_of_derive(names: str) -> None:
    n = len(names)
    grid = grid_of(names)
    u = noise(n, *SHAPE[:n])
    ds = xr.Dataset(
        {"uvw"["xyz".index(name)]: (tuple(names), part.numpy()) for name, part in zip(names, u, strict=True)},
        {axis.dim: axis.nodes for axis in grid.axes},
    )
    for name, formula in FORMULAS.items():
        assert set(formula.dimensions) <= set(fg.quantities()[name].dimensions)
        assert formula.parameters == fg.quantities()[name].parameters
        if n in formula.dimensions:
            given = dict.fromkeys(formula.parameters, 0.7)
            expected = fg.derive(ds, name, **given)[name].transpose(..., *names).values
            actual = ft.derive(u, name, grid, **given)[name].numpy()
            assert actual.shape == expected.shape, name
            assert np.abs(actual - expected).max() <= 1e-12 * np.abs(expected).max(), name


def test_errors_with_a_grid() -> None:
    grid, u = grid_of("xyz"), noise(3, *SHAPE)
    with pytest.raises(TypeError, match=r"velocity\[0\]: is a ndarray; pass a torch.Tensor"):
        ft.divergence(u.numpy(), grid)
    with pytest.raises(TypeError, match=r"velocity\[0\]: has dtype torch.int64"):
        ft.divergence(u.long(), grid)
    with pytest.raises(TypeError, match=r"grid: is a tuple"):
        ft.divergence(u, POSITIONS)
    with pytest.raises(ValueError, match=r"velocity: has 2 components on the directions x, y, z"):
        ft.divergence(u[:2], grid)
    with pytest.raises(ValueError, match=r"velocity\[0\]: has 7 points along x \(dimension -3\), and the grid has 5"):
        ft.divergence(u.movedim(1, 3).movedim(1, 2), grid)
    with pytest.raises(ValueError, match=r"velocity\[1\]: has shape \(5, 6, 1\)"):
        ft.divergence([u[0], u[1, ..., :1], u[2]], grid)
    with pytest.raises(ValueError, match=r"dim: \[0, 1\] does not name a dimension of velocity\[0\], of shape"):
        ft.divergence(u, grid, dim=(0, 1))
    with pytest.raises(ValueError, match=r"dim: \[0, 1, 3\] does not name a dimension"):
        ft.divergence(u, grid, dim=(0, 1, 3))
    angles = fg.Grid((replace(grid.axes[0], obstacle="is a longitude"), *grid.axes[1:]))
    with pytest.raises(ValueError, match=r"grid: dimension 'x' is a longitude, so lengths along it are not known"):
        ft.divergence(u, angles)
    walls = fg.Grid((replace(grid.axes[0], boundary=((None, (Wall(1.0), None)),)), *grid.axes[1:]))
    with pytest.raises(ValueError, match=r"grid: a value other than zero is known at a wall, so the operator is not"):
        ft.laplacian(u[0], walls)
    plane = fg.Grid(grid.axes[:2])
    with pytest.raises(ValueError, match=r"velocity: has three components on a plane"):
        ft.derive(u[..., 0], "vorticity", plane)
    with pytest.raises(ValueError, match=r"dim: \[0, 0, 1\] names a dimension twice"):
        ft.divergence(u, grid, dim=(0, 0, 1))
    with pytest.raises(ValueError, match=r"quantities: 'lambda2' has no formula in PyTorch; there are "):
        ft.derive(u, "lambda2", grid)
    with pytest.raises(TypeError, match=r"parameters: got none; these quantities take viscosity"):
        ft.derive(u, "dissipation", grid)
    with pytest.raises(ValueError, match=r"quantities: 'okubo_weiss' is not defined in a flow of 3 directions"):
        ft.derive(u, "okubo_weiss", grid)
