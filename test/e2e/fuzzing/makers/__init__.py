# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makers of nodes by family, with how often each is chosen."""

from . import elementwise, functions, movement, reduction, sizes, templates, window

FAMILIES = (elementwise, movement, reduction, sizes, window, functions, templates)


def all_makers():
    return [pair for family in FAMILIES for pair in family.makers()]
