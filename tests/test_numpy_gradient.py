# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's own tests of ``numpy.gradient``, run against ``fieldgrad.array.gradient``.

They come from the installed NumPy. Both names under which they call the function are replaced while a test
runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import fieldgrad as fg

WHERE = "numpy.lib.tests.test_function_base"


class LenientMarks:
    """``pytest.mark`` that lets pass what this project does not declare: NumPy has marks of its own."""

    def __init__(self, marks: Any) -> None:
        self.marks = marks

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self.marks, name)
        except (pytest.fail.Exception, pytest.PytestUnknownMarkWarning):
            return self.unmarked

    @staticmethod
    def unmarked(*args: Any, **kwargs: Any) -> Any:
        return args[0] if len(args) == 1 and callable(args[0]) and not kwargs else lambda item: item


def numpys_tests() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pytest, "mark", LenientMarks(pytest.mark))
        try:
            return importlib.import_module(WHERE)
        except ModuleNotFoundError as error:
            pytest.skip(f"NumPy {np.__version__} is installed without its tests: {error}", allow_module_level=True)


theirs = numpys_tests()


class TestDropIn(theirs.TestGradient):  # type: ignore[misc, name-defined]
    """Each test of the class, with our function in the place of theirs."""

    @pytest.fixture(autouse=True)
    def _ours(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        calls = []

        def gradient(*args: Any, **kwargs: Any) -> Any:
            calls.append(args)
            return fg.array.gradient(*args, **kwargs)

        monkeypatch.setattr(theirs, "gradient", gradient)
        monkeypatch.setattr(np, "gradient", gradient)
        yield
        assert calls, "the test did not call the function that it was given"

    @pytest.mark.skipif(np.__version__ < "2", reason="before NumPy 2 gradients were a list, ours are a tuple")
    def test_return_type(self) -> None:
        super().test_return_type()


def test_names_are_restored() -> None:
    assert theirs.gradient is np.gradient
    assert np.gradient.__module__ == "numpy"
    assert pytest.mark.__class__.__name__ == "MarkGenerator"
