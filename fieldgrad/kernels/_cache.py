# SPDX-License-Identifier: BSD-3-Clause
"""Kernels on disk: what numba's cache lacks to be relied on.

numba puts a number on each file of machine code and keeps an index of numbers by signature. Two processes that compile
at once may write two kernels under one number, and a damaged file or index ends in whatever exception unpickling it
raises, or in a crash. Here a kernel is stored with its digest, and is taken for a signature only if it says that it is
of that; whatever is wrong with the files, the kernel is compiled, and one warning says why.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from typing import Any

from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps
from numba.core.sigutils import normalize_signature


class _Damaged(Exception):
    """A file does not hold what was written."""


class _Checked(CompileResultCacheImpl):
    """Kernels as bytes with their digest."""

    def reduce(self, cres: Any) -> tuple[bytes, bytes]:
        payload = dumps(super().reduce(cres))
        return hashlib.sha256(payload).digest(), payload

    def rebuild(self, target_context: Any, payload: tuple[bytes, bytes]) -> Any:
        digest, content = payload
        if hashlib.sha256(content).digest() != digest:
            raise _Damaged("a kernel is not what was written")
        return super().rebuild(target_context, pickle.loads(content))


class _KernelCache(FunctionCache):
    """Numba's cache, of which no failure is fatal."""

    _impl_class = _Checked

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
        except Exception as error:  # what damaged pickles raise is anything
            self._give_up(f"cannot be read: {_reason(error)}")
            return None
        wanted, _ = normalize_signature(sig)
        return found if found is not None and found.signature.args == wanted else None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            try:
                super().save_overload(sig, data)
            except OSError:
                raise
            except Exception:  # a damaged index is replaced
                self.flush()
                super().save_overload(sig, data)
        except Exception as error:
            self._give_up(f"cannot be written: {_reason(error)}")

    def _give_up(self, why: str) -> None:
        _warn(f"the kernels on disk in {self.cache_path} {why}; they are compiled anew. Delete the folder, or set")


def enable(dispatcher: Any) -> None:
    """Keep the kernels of a dispatcher on disk, where there is a folder for them."""
    try:
        dispatcher._cache = _KernelCache(dispatcher.py_func)
    except RuntimeError:  # numba has tried the folders that it knows
        _warn("there is no folder that compiled kernels can be kept in, so each process compiles its own; set")


_warned = False


def _warn(text: str) -> None:
    """One warning a process."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(f"{text} NUMBA_CACHE_DIR to a folder that can be written", RuntimeWarning, stacklevel=2)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
