# SPDX-License-Identifier: BSD-3-Clause
"""What a new process pays: imports, compilation, the first call from kernels on disk, and memory."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import cases, programs
from .measure import number_from_new_process

NAMES = ["q_criterion", ",".join(cases.FOUR)]


class Imports:
    """Seconds to import, in a new interpreter."""

    def timeraw_xarray(self) -> str:
        return "import xarray"

    def timeraw_fieldgrad(self) -> str:
        return "import fieldgrad"


class FirstCall:
    """Seconds of the first call of a process that finds its kernel on disk, numba's import included."""

    params = (["gradient", "trivial parallel function of numba"],)
    param_names = ("function",)

    def setup(self, function: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        programs.write_trivial(Path(self.folder.name))
        self.code = programs.FIRST if function == "gradient" else programs.TRIVIAL
        # compile before the clock runs
        self.track_seconds(function)

    def teardown(self, function: str) -> None:
        self.folder.cleanup()

    def track_seconds(self, function: str) -> float:
        return number_from_new_process(self.code, Path(self.folder.name))

    track_seconds.unit = "seconds"


class Compilation:
    """Seconds of the first call of all, which compiles."""

    params = (NAMES, [2])
    param_names = ("names", "accuracy")

    def track_seconds(self, names: str, accuracy: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            code = programs.COLD.format(names=names.split(","), accuracy=accuracy)
            return number_from_new_process(code, Path(folder))

    track_seconds.unit = "seconds"


class Memory:
    """Peak memory of a call on 160^3 points beyond inputs and outputs."""

    params = (NAMES,)
    param_names = ("names",)

    def setup(self, names: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.code = programs.MEMORY.format(n=160, names=names.split(","))
        # a process that compiles takes memory for that
        number_from_new_process(self.code, Path(self.folder.name))

    def teardown(self, names: str) -> None:
        self.folder.cleanup()

    def track_megabytes_beyond(self, names: str) -> float:
        return number_from_new_process(self.code, Path(self.folder.name))

    track_megabytes_beyond.unit = "MB"
