# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which suites of a target are green: they passed wholly with the files that they are
made of now (test/targets.toml), on this machine.

.cache/green holds {suite of a build: hash and number of its checks}. What is absent,
damaged, of other files or of another machine is not green: a suite runs then.
"""

import hashlib
import json
import os
import platform
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "test/targets.toml"
REASON = "unchanged since a green run, .cache/green"


def read_table(path=TABLE):
    return tomllib.loads(Path(path).read_text())


def paths_of(table, suite):
    """The files and folders, from the root, that a suite is made of."""
    own = table["suites"][suite]
    rooms = [f"{where}/{room}" for room in table["rooms"] for where in ("lib", "include/tenon")]
    return [*rooms, *table["common"], *table["targets"][own["target"]]["folders"], *own["tests"]]


def files_of(root, path):
    """The files of a path, of a folder all that is no product of a run. A room may have one
    side only; a path that names nothing would be a change that nobody sees."""
    place = root / path
    if place.is_file():
        return [place]
    if not place.is_dir():
        if (root / "lib" / path.removeprefix("include/tenon/")).is_dir() or (root / "include/tenon" / path.removeprefix("lib/")).is_dir():
            return []
        raise FileNotFoundError(f"{TABLE.name} names {path}, which is not there")
    return sorted(file for file in place.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def machine():
    """What a result may depend on beside files: the processor and the interpreter."""
    try:
        flags = {line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "model name", "Features"))}
    except OSError:
        flags = ()
    return [platform.machine(), sys.version, *sorted(flags)]


def hash_of(table, suite, root=ROOT, shared=None):
    """The hash of all that a suite is made of."""
    digest = hashlib.sha256("\0".join(machine()).encode())
    for path in sorted(set(paths_of(table, suite))):
        for file in files_of(root, path):
            digest.update(f"{file.relative_to(root)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    shared = Path(shared or os.environ.get("TENON_SHARED", root.parent / "shared"))
    for name in table["shared"]:
        for file in sorted(file for file in (shared / name).rglob("*") if file.is_file()):
            state = file.stat()
            digest.update(f"{file.relative_to(shared)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


class Green:
    """The suites of one build folder."""

    def __init__(self, build, root=ROOT, table=None):
        self.root, self.table, self.build = root, table or read_table(), build
        self.file = root / ".cache/green"
        self.before = {}  # hashes of suites as they were when the run began

    def key(self, suite):
        return f"{os.path.relpath(self.build, self.root)} {suite}"

    def read(self):
        """All that the file says; of one that nobody can read, nothing."""
        try:
            known = json.loads(self.file.read_text())
            return {key: {"hash": str(entry["hash"]), "checks": int(entry["checks"])} for key, entry in known.items()}
        except (OSError, ValueError, AttributeError, TypeError, KeyError):
            return {}

    def checks_of_unchanged(self, suite):
        """How many checks a suite has that need not run; None for one that has to."""
        self.before[suite] = hash_of(self.table, suite, self.root)
        entry = self.read().get(self.key(suite))
        return entry["checks"] if entry and entry["hash"] == self.before[suite] else None

    def passed(self, suite, counts):
        """Notes a suite that ran; one that did not pass wholly, or whose files have changed on the way, is forgotten."""
        known = self.read()
        known.pop(self.key(suite), None)
        if counts.passed and not counts.failed and self.before.get(suite) == hash_of(self.table, suite, self.root):
            known[self.key(suite)] = {"hash": self.before[suite], "checks": counts.passed + counts.skipped}
        self.file.parent.mkdir(exist_ok=True)
        half = self.file.with_name(f"green.{os.getpid()}")
        half.write_text(json.dumps(known, indent=1) + "\n")
        half.replace(self.file)
