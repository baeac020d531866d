# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model compiled to be linked into a program."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class StaticLibrary:
    """The files that `tenon.compile(..., emit="static-lib")` wrote.

    archive, header  what a program is linked with, and what it includes
    ledger           the compiler's decisions as JSON, as of an artifact
    summary          what `tenon.compile` reports
    """

    archive: Path
    header: Path
    ledger: str = field(repr=False)
    summary: dict = field(repr=False)
