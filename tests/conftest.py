# SPDX-License-Identifier: BSD-3-Clause
"""What all tests share: where the real cases lie, and profiles of hypothesis."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# the first example of a test may compile a kernel for seconds
settings.register_profile(
    "default", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("thorough", deadline=None, max_examples=2000, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
# run by hand: it takes hours in all; laws of tables alone take minutes
settings.register_profile(
    "exhaustive", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    """Into a figure that one test leaves open the next one would draw."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real cases: FIELDGRAD_TEST_DATA, or shared/data beside the checkout."""
    given = os.environ.get("FIELDGRAD_TEST_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real cases are not at {folder}; set FIELDGRAD_TEST_DATA to the folder that holds them")
    return folder
