# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exceptions, each with the stable code that the documentation explains."""

import os
import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Diagnostic:
    """One problem: severity, code ("TN1003", or "" where it has none), text, place
    (node or file, "" where the text names it), notes."""

    severity: str
    code: str
    message: str
    location: str = ""
    notes: list[str] = field(default_factory=list)

    def __str__(self):
        place = f"{self.location}: " if self.location else ""
        return "\n".join([f"{self.severity}: {place}{self.message}", *(f"  note: {note}" for note in self.notes)])


class TenonError(Exception):
    """Base of all. `code` is the first error's code (docs/Errors explains it),
    `diagnostics` holds every one."""

    code: str
    diagnostics: list[Diagnostic]

    def __init__(self, code, message, diagnostics=()):
        super().__init__(message)
        self.code = code
        self.diagnostics = list(diagnostics) or [Diagnostic("error", code, message)]

    def __reduce__(self):
        # Exception's own rule calls the class with the message alone. That fails in
        # the process that receives it, where a pool then takes its worker for dead.
        return type(self), (self.code, str(self), self.diagnostics), self.__dict__


class CompileError(TenonError):
    """The model cannot be compiled; `diagnostics` lists all its problems."""


class InputError(TenonError, ValueError):
    """A call that names a wrong input, or a run without all inputs."""


class ShapeError(InputError):
    """An input's shape does not fit what the model declares."""


class DTypeError(InputError, TypeError):
    """An input's element type does not fit what the model declares."""


class ArtifactError(TenonError):
    """The file cannot be read, is damaged, or is of another version."""


class RunError(TenonError):
    """A check inside the compiled code failed."""


class UnsupportedCpuError(TenonError):
    """This CPU lacks an instruction set that the artifact was compiled for."""


_RUNTIME_CLASSES = {
    7001: InputError,
    7002: ArtifactError,
    7003: ArtifactError,
    7004: ArtifactError,
    7005: UnsupportedCpuError,
    7006: ShapeError,
    7007: DTypeError,
    7009: InputError,
    7010: RunError,
    **dict.fromkeys(range(7013, 7021), RunError),
    7017: TenonError,
    7018: TenonError,
}


def text_of_path(path, what):
    """A path as bytes for the C interfaces, which take a name to end at its first NUL."""
    name = os.fspath(path)
    shown = os.fsdecode(name)
    if "\0" in shown:
        raise InputError("TN8081", f"[TN8081] {what} {shown!r} has a NUL character, at which it would be cut; give another name")
    return os.fsencode(name)


def from_runtime(code, text):
    """The exception for a tenon_status; called by the _runtime module."""
    return _RUNTIME_CLASSES.get(code, TenonError)(f"TN{code}", text)


def from_compiler(problems, text):
    """The exception for a failed compilation, with a text in which equal problems are
    summed up; called by the _compiler module."""
    diagnostics = to_diagnostics(problems)
    errors = [d for d in diagnostics if d.severity == "error"]
    code = next((d.code for d in errors if d.code), "")
    return CompileError(code, text or "the compilation failed without saying why", diagnostics)


def to_diagnostics(problems):
    found = []
    for severity, message, location, notes in problems:
        match = re.search(r"\[(TN\d+)\]", message)
        found.append(Diagnostic(severity, match.group(1) if match else "", message, location, list(notes)))
    return found


def from_command(text, status):
    """The exception for a call of the `tenon` command that failed with this standard error."""
    diagnostics = []
    for line in text.splitlines():
        severity, _, message = line.partition(": ")
        if severity in ("error", "warning"):
            match = re.search(r"\[(TN\d+)\]", message)
            diagnostics.append(Diagnostic(severity, match.group(1) if match else "", message))
        elif severity == "note" and diagnostics:
            diagnostics[-1].notes.append(message)
    errors = [d for d in diagnostics if d.severity == "error"]
    if not errors:  # ended by a signal, say
        end = f"signal {-status}" if status < 0 else f"exit status {status}"
        message = f"[TN8083] the tenon command ended with {end}: {text.strip()[-1000:] or 'it said nothing'}"
        return TenonError("TN8083", message)
    code = next((d.code for d in errors if d.code), "")
    number = int(code[2:]) if code else 0
    kind = CompileError if number < 7000 else _RUNTIME_CLASSES.get(number, InputError if number < 8070 else TenonError)
    return kind(code, "\n".join(str(d) for d in errors), diagnostics)
