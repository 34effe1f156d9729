# SPDX-License-Identifier: BSD-3-Clause
"""The compiled loops: the only place that knows numba."""
