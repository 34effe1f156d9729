# SPDX-License-Identifier: BSD-3-Clause
"""Benchmarks: an asv suite (the ``bench_*`` modules), and ``compare.py``, which prints ratios to peers."""
