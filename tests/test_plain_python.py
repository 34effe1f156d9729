# SPDX-License-Identifier: BSD-3-Clause
"""Slow tests of small fields, as plain Python: the time that they take is that of compilers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from programs import check, run

TESTS = Path(__file__).resolve().parent
#: Kinds of calls that no other test of the default suite makes.
SLOW = (
    "test_chunked_probes.py::test_lazy_parameters_stay_lazy",
    "test_cotangents.py::test_a_linear_quantity_of_ones_own_is_exact_in_planes_and_complex_fields",
    "test_cotangents.py::test_helicity",
    "test_cotangents.py::test_operators_on_vectors",
    "test_cotangents.py::test_scalar_operators",
    "test_cotangents.py::test_the_velocity_itself_and_time",
    "test_curvilinear.py::test_second_derivatives_in_space_around_a_sphere",
    "test_geometry.py::test_advection_of_vectors_turns_their_unit_vectors",
    "test_geometry.py::test_laplacian_of_a_disk_with_its_centre",
    "test_geometry.py::test_laplacian_where_no_scale_factor_changes",
    "test_geometry.py::test_second_derivatives_of_the_squared_distance_from_the_centre",
    "test_geometry_beside.py::test_absolute_vorticity_below_the_surface",
    "test_geometry_beside.py::test_walls_at_both_ends_of_an_axis",
    "test_jax.py::test_linear_flows_are_exact",
    "test_sampling.py::test_variables_and_parameters_that_are_fields",
    "test_sampling.py::test_planes_lines_and_left_handed_axes",
    "test_sphere.py::test_vertical_component_of_flows_in_space",
    "test_torch.py::test_linear_flows_and_squares_are_exact",
)
#: Modules without which a file of tests is skipped.
NEEDS = {"test_jax.py": "jax", "test_torch.py": "torch"}


def test_slow_tests_of_small_fields(tmp_path: Path) -> None:
    absent = {file for file, module in NEEDS.items() if find_spec(module) is None}
    names = [str(TESTS / name) for name in SLOW if name.partition("::")[0] not in absent]
    arguments = ["-q", "-n0", "-p", "no:cacheprovider", "-m", "slow", *names]
    code = f"""
    import pytest

    class Counted:
        passed = 0

        def pytest_runtest_logreport(self, report):
            self.passed += report.when == "call" and report.passed

    counted = Counted()
    assert pytest.main({arguments!r}, [counted]) == 0
    assert counted.passed >= {len(names)}, counted.passed
    print("done")
    """
    check(run(tmp_path, code, seconds=900, NUMBA_DISABLE_JIT="1"))
