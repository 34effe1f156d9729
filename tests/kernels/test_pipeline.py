# SPDX-License-Identifier: BSD-3-Clause
"""Helpers of kernels get no machine code; what is made of them is right all the same."""

from __future__ import annotations

import gc
from typing import Any

import numba
import numpy as np

from fieldgrad.kernels import call
from fieldgrad.kernels._jit import called, inlined


@inlined
def _square(x: Any) -> Any:
    return x * x


@inlined
def _fourth(x: Any) -> Any:
    return _square(_square(x))


@called
def _sum_of_fourths(x: Any) -> Any:
    total = 0.0
    for i in range(len(x)):
        total += _fourth(x[i])
    return total


def test_helpers_of_helpers_are_linked_in() -> None:
    @numba.njit
    def caller(x: Any) -> Any:
        return _sum_of_fourths(x)

    assert caller(np.array([1.0, 2.0, 3.0])) == 98.0
    for helper in (_square, _fourth):
        assert not _has_machine_code(helper)
    assert _has_machine_code(caller)
    # what is called once a row stays a function of the kernel, what is called inside a loop becomes a part of it
    (code,) = caller.inspect_llvm().values()
    defined = [line for line in code.splitlines() if line.startswith("define")]
    assert [name in "".join(defined) for name in ("15_sum_of_fourths", "7_fourth", "7_square")] == [True, False, False]


def _has_machine_code(function: Any) -> bool:
    (compiled,) = function.overloads.values()
    return bool(compiled.library._codegen._engine.is_symbol_defined(compiled.fndesc.llvm_func_name))


def test_the_collector_is_left_as_it_was_found() -> None:
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with call._collector_at_rest():
                assert not gc.isenabled()
            assert gc.isenabled() is enabled
        finally:
            gc.enable()
