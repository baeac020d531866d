# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tables of operator cases by family; `all_cases` is all of them."""

from . import attention, contraction, elementwise, indexing, movement, norm, quantization, recurrence, reduction, window
from .case import Case, Tensor

FAMILIES = (
    elementwise, movement, indexing, reduction, norm, window, contraction, attention, recurrence, quantization,
)


def all_cases():
    for family in FAMILIES:
        yield from family.cases()


__all__ = ["Case", "Tensor", "all_cases"]
