# SPDX-License-Identifier: BSD-3-Clause
"""Gradients of fields on labelled, nonuniform grids."""
