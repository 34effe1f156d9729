# SPDX-License-Identifier: BSD-3-Clause
"""Whether a NetCDF 4 file can be opened at all, tried in a process that may be lost.

The C library lists every group when it opens a file. Where a group is linked into itself it goes round until memory
ends, and then ends the process.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

# What listing the contents of a file may take: about a hundred thousand variables.
_BYTES, _SECONDS = 2**30, 60
_BEGUN = b"begun\n"
# It knows neither NumPy nor netCDF4 but the C library alone, and so begins in some tens of milliseconds. The extension
# module of netCDF4 leads to that library, wherever it is installed.
_PROGRAM = f"""
import ctypes, os, resource, sys
library = ctypes.CDLL(sys.argv[1])
library.nc_strerror.restype = ctypes.c_char_p
opened, path = ctypes.byref(ctypes.c_int()), os.fsencode(sys.argv[2])
library.nc_open
for what, most in ((resource.RLIMIT_AS, {_BYTES}), (resource.RLIMIT_CORE, 0)):
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
os.write(1, {_BEGUN!r})
code = library.nc_open(path, 0, opened)
os.write(1, b"%d %s" % (code, library.nc_strerror(code)))
os._exit(0)
"""


def try_opening(path: Path) -> None:
    """Verify that the C library of NetCDF opens a file without ending the process, or taking all memory.

    It is tried in a process of its own, within 1 GiB of memory and a minute. On Linux only: other systems limit no
    process, and there nothing is tried.

    Parameters
    ----------
    path : Path
        A NetCDF 4 file.

    Raises
    ------
    OSError
        With what the library says; or that it crashes, or needs more than it may have.

    Examples
    --------
    >>> import tempfile
    >>> import xarray as xr
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xr.Dataset({"u": 1.0}).to_netcdf(Path(folder, "u.nc"), engine="netcdf4")
    ...     try_opening(Path(folder, "u.nc"))
    """
    if sys.platform != "linux" or not sys.executable or importlib.util.find_spec("netCDF4") is None:
        return
    library = importlib.util.find_spec("netCDF4._netCDF4")
    if library is None or library.origin is None:
        return
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, library.origin, os.fspath(path)]
    try:
        out = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired:  # where memory ends while it is being managed, the library may wait for ever
        out = _BEGUN
    if not out.startswith(_BEGUN):
        return  # an interpreter, or a build of the library, in which it cannot be tried
    code, _, text = out.removeprefix(_BEGUN).partition(b" ")
    if not code:
        raise OSError(
            f"the NetCDF library crashes on it, or needs more than {_BYTES >> 30} GiB or {_SECONDS} s to list what it "
            "holds; is a group or file linked into itself?"
        )
    if int(code):
        raise OSError(int(code), text.decode(errors="replace"))
