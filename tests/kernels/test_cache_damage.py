# SPDX-License-Identifier: BSD-3-Clause
"""Kernels on disk that are damaged, mixed up or cannot be written: one warning, and the right value."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import pytest

from fieldgrad.kernels import _cache

SOURCE = """
from fieldgrad.kernels._jit import kernel

@kernel
def twice(a):
    return 2 * a
"""


@pytest.fixture(name="module")
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Import a module with a kernel anew, as another process would."""
    (tmp_path / "small.py").write_text(SOURCE, encoding="utf-8")
    # no folder of the user's, which numba would take before or after the one beside the module
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    kinds = numba.core.caching.CompileResultCacheImpl
    # older versions of numba begin the name with an underscore
    beside = [kind for kind in kinds._locator_classes if kind.__name__.lstrip("_") == "InTreeCacheLocator"]
    assert len(beside) == 1
    monkeypatch.setattr(kinds, "_locator_classes", beside)

    def load() -> Any:
        monkeypatch.setattr(_cache, "_warned", False)
        spec = importlib.util.spec_from_file_location("small", tmp_path / "small.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)


def files(tmp_path: Path, suffix: str) -> list[Path]:
    return sorted((tmp_path / "__pycache__").glob(f"*.{suffix}"))


def hits(module: Any) -> int:
    return sum(module.twice.stats.cache_hits.values())


def flipped(content: bytes, place: float) -> bytes:
    at = int(place * len(content))
    return content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "something else": lambda content: b"not a pickle at all",
    **{f"a bit at {place}": lambda content, place=place: flipped(content, place) for place in (0.02, 0.3, 0.6, 0.97)},
}


@pytest.mark.parametrize(
    "damage",
    [name if name in ("truncated", "a bit at 0.6") else pytest.param(name, marks=pytest.mark.slow) for name in DAMAGE],
)
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_files(suffix: str, damage: str, module: Callable[[], Any], tmp_path: Path) -> None:
    assert module().twice(21) == 42
    again = module()
    assert again.twice(21) == 42
    assert hits(again) == 1
    (path,) = files(tmp_path, suffix)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        damaged = module()
        assert damaged.twice(21) == 42
        assert damaged.twice(1.5) == 3.0
    assert hits(damaged) == 0
    # a flipped bit may be one of the version or of a key, which then are another's, as of an old cache
    assert len(caught) == 1 or (suffix == "nbi" and not caught and damage.startswith("a bit"))
    for one in caught:
        assert one.category is RuntimeWarning
        assert "cannot be read" in str(one.message)
        assert str(tmp_path) in str(one.message)
    # what was damaged has been replaced
    mended = module()
    assert (mended.twice(21), mended.twice(1.5)) == (42, 3.0)
    assert hits(mended) == 2


def test_a_kernel_under_the_number_of_another_is_not_taken(module: Callable[[], Any], tmp_path: Path) -> None:
    """Two processes that compile at once may write two kernels under one number."""
    first = module()
    assert (first.twice(21), first.twice(1.5)) == (42, 3.0)
    one, other = files(tmp_path, "nbc")
    one.write_bytes(other.read_bytes())
    mixed = module()
    assert (mixed.twice(21), mixed.twice(1.5)) == (42, 3.0)
    assert hits(mixed) == 1


def test_no_folder_at_all(module: Callable[[], Any], tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("a file, in which no folder can be made")
    with pytest.warns(RuntimeWarning, match="no folder that compiled kernels can be kept in.*NUMBA_CACHE_DIR"):
        lonely = module()
    # one warning is enough
    assert lonely.twice(21) == 42
    assert lonely.twice(1.5) == 3.0
    assert lonely.twice.stats.cache_path is None


def test_a_folder_that_can_no_longer_be_written(module: Callable[[], Any], tmp_path: Path) -> None:
    full = module()
    shutil.rmtree(tmp_path / "__pycache__")
    (tmp_path / "__pycache__").write_text("a file in its place")
    with pytest.warns(RuntimeWarning, match=r"cannot be (read|written).*NUMBA_CACHE_DIR"):
        assert full.twice(21) == 42
    assert full.twice(1.5) == 3.0
