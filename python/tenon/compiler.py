# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler side of the package: the only module that loads MLIR."""

import operator
import os
import tempfile
from pathlib import Path

from . import _compiler
from .errors import Diagnostic, text_of_path, to_diagnostics
from .ledger import Ledger
from .models import bytes_of
from .library import StaticLibrary
from .runtime import Artifact, _remove


def _told(problems, ledger):
    """What the command line tells of a compilation that went well: its warnings, and
    the notes of its summary. What remarks say is among the notes."""
    warnings = [diagnostic for diagnostic in to_diagnostics(problems) if diagnostic.severity == "warning"]
    for note in ledger.notes:
        kernels, nodes = ", ".join(note.kernels), ", ".join(note.nodes)
        warnings.append(Diagnostic("note", note.code, f"[{note.code}] {note.text}", "", [f"kernels {kernels}", f"nodes {nodes}"]))
    return warnings


def _ranges(sizes):
    """[(name, smallest, largest)]."""
    ranges = []
    for name, size in sizes.items():
        bounds = size if isinstance(size, (tuple, list)) else (size, size)
        try:
            least, most = (operator.index(bound) for bound in bounds)
        except (TypeError, ValueError):
            raise TypeError(f"sizes[{name!r}] is {size!r}; expected a size or a pair of smallest and largest") from None
        if not 0 <= least <= most < 1 << 62:
            raise ValueError(f"sizes[{name!r}] is {size!r}; expected sizes from 0, the smallest first")
        ranges.append((name, least, most))
    return ranges


def _expected(nominal):
    """[(name, size)]."""
    sizes = []
    for name, size in nominal.items():
        try:
            sizes.append((name, operator.index(size)))
        except TypeError:
            raise TypeError(f"nominal[{name!r}] is {size!r}; expected a size") from None
        if not 1 <= sizes[-1][1] < 1 << 62:
            raise ValueError(f"nominal[{name!r}] is {size!r}; expected a size from 1")
    return sizes


def compile_model(model, target, output, dump_to=None, format_files=(), progress=None, flush_denormals=False,
                  overridable="", red_zones=False, sizes=None, target_files=(), pins=(), forbids=(),
                  target_plugins=(), plan_in=None, plan_out=None, nominal=None, emit="artifact"):
    """See tenon.compile."""
    path, data = b"", None
    if isinstance(model, (str, os.PathLike)):
        path = text_of_path(model, "the model")
    else:
        data = bytes_of(model)

    targets = [target] if isinstance(target, str) else list(target)
    if not targets:
        raise ValueError("target is an empty list; expected the host's chip first")
    if emit not in ("artifact", "static-lib"):
        raise ValueError(f"emit is {emit!r}; expected 'artifact' or 'static-lib'")
    is_library = emit == "static-lib"
    if is_library and output is None:
        raise ValueError("emit='static-lib' writes files: output must name the archive, libNAME.a")
    temporary = None
    if output is None:
        # Mapped by the runtime: the name may go once the artifact is loaded and saved.
        handle, temporary = tempfile.mkstemp(suffix=".tenon")
        os.close(handle)
        output = temporary
    try:
        summary = _compiler.compile(path, data, text_of_path(output, "the artifact"), targets,
                                    [text_of_path(file, "the target file") for file in target_files],
                                    text_of_path(dump_to or "", "the folder"),
                                    [text_of_path(file, "the format file") for file in format_files], progress,
                                    bool(flush_denormals), overridable, bool(red_zones), _ranges(sizes or {}),
                                    list(pins), list(forbids),
                                    [text_of_path(file, "the target plugin") for file in target_plugins],
                                    text_of_path(plan_in or "", "the plan to follow"),
                                    text_of_path(plan_out or "", "the plan to write"), _expected(nominal or {}), is_library)
        if is_library:
            ledger = summary.pop("ledger")
            summary["warnings"] = _told(summary["warnings"], Ledger.of_json(ledger))
            return StaticLibrary(Path(output), Path(os.fsdecode(summary.pop("header"))), ledger, summary)
        artifact = Artifact(output, summary=summary, temporary=temporary is not None)
        summary["warnings"] = _told(summary["warnings"], Ledger.of_json(artifact.ledger))
        return artifact
    except BaseException:
        if temporary:
            _remove(temporary)
        raise
