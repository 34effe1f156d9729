# SPDX-License-Identifier: BSD-3-Clause
"""fieldgrad.torch.gradient beside torch.gradient, forth and forth and back, on nonuniform axes.

    python -m benchmarks.torch_gradient                 # 256^3, about a minute
    python -m benchmarks.torch_gradient --size 128 --repeat 5

Each round runs both in turn; the table shows medians and the median of the ratios of a round. Results are compared
before they are timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import cases
from .measure import report, rounds

GOALS = {"forward": 8.0, "forward and backward": 5.0}


def main() -> None:
    # here: the suite of asv imports all modules, and may lack PyTorch
    import torch

    import fieldgrad.torch as ft

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=256, help="points along each axis")
    parser.add_argument("--repeat", type=int, default=3, help="rounds that are timed")
    arguments = parser.parse_args()
    n = arguments.size
    for dtype in (torch.float64, torch.float32):
        field = torch.from_numpy(cases.velocity((n, n, n))[0]).to(dtype)
        spacing = tuple(torch.from_numpy(cases.coordinate(n, seed)).to(dtype) for seed in range(3))
        cotangents = [torch.randn_like(field) for _ in range(3)]
        needing = field.clone().requires_grad_()

        def forward(function: Callable[..., tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
            return function(field, spacing=spacing)  # noqa: B023

        def back(function: Callable[..., tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
            return torch.autograd.grad(function(needing, spacing=spacing), needing, cotangents)  # noqa: B023

        for title, work in (("forward", forward), ("forward and backward", back)):
            for ours, theirs in zip(work(ft.gradient), work(torch.gradient), strict=True):
                # differences of coordinates are taken in double precision here
                bound = 1e-12 if dtype == torch.float64 else 1e-3
                error = float((ours - theirs).abs().max() / theirs.abs().max())
                if not error < bound:
                    raise SystemExit(f"results differ by {error:.3g} of the largest value")
            report(
                f"{title}, {n}^3, {dtype} (ms)",
                rounds(
                    {"torch": lambda: work(torch.gradient), "fieldgrad": lambda: work(ft.gradient)},  # noqa: B023
                    arguments.repeat,
                ),
                "torch",
                {"fieldgrad": GOALS[title]},
            )


if __name__ == "__main__":
    main()
