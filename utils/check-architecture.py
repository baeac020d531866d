#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the rules that hold Tenon's house up; part of `make test`.

Each rule is one function that yields problems as `path:line: text`. A rule
without problems is one passed test, any problem makes it a failed one.
Exceptions to a rule are written here, with the reason, or not made.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Who may include whom (a folder of lib/ and include/tenon/ is a layer; every
# layer may include itself, and all may include Support).
LAYERS = {
    "Support": set(),
    "Numerics": set(),
    "Interfaces": {"Dialect", "Numerics"},
    "Dialect": {"Interfaces", "Numerics"},
    "Analysis": {"Dialect", "Interfaces", "Numerics"},
    "Codegen": {"Dialect", "Interfaces", "Numerics", "Analysis"},
    "Frontend": {"Dialect"},
    "Reference": {"Dialect", "Interfaces", "Numerics", "Analysis"},
    "Transforms": {"Dialect", "Interfaces", "Numerics", "Analysis", "Codegen", "Reference"},  # constants are evaluated by it
    "Conversion": {"Dialect", "Interfaces", "Numerics", "Analysis", "Codegen", "Transforms"},
    "Target": {"Dialect", "Interfaces", "Numerics", "Analysis", "Codegen", "Transforms", "Conversion"},
    "Pipelines": {
        "Dialect", "Interfaces", "Numerics", "Analysis", "Codegen", "Transforms", "Conversion", "Target", "Frontend",
        "Reference",
    },
    "Reduce": {"Dialect"},
    "Verify": {
        "Dialect", "Interfaces", "Numerics", "Analysis", "Transforms", "Conversion", "Frontend", "Reference", "Pipelines",
    },
}

# Rooms of Target that are no target themselves, and which others of them each may
# include. All code may include them.
SHARED_ROOMS = {"Common": set(), "Host": {"Common"}}

# Names of devices and of their instruction sets, which only a target may know.
CHIP_NAMES = re.compile(
    r"\b(avx2|avx512\w*|amx_\w+|znver\d|skylake\w*|sapphirerapids|cortex-?\w+|neoverse\w*|"
    r"ethos-?u\w*|neuroncore|trainium|hexagon|nvidia|cuda)\b",
    re.IGNORECASE,
)

# Where a rule meets its reason to be broken.
ABORT_EXCEPTIONS = {
    "runtime/src/status.cpp",  # no memory left to say that no memory is left
}

HARD_LINES = 800
HARD_BYTES = 100_000
FUNCTION_LINES = 60


def tracked_files():
    """All files git tracks or would add: what a commit of this tree would hold."""
    out = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )
    if out.returncode == 0:
        names = out.stdout.decode().split("\0")
    else:  # an exported tree without .git
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")]
        names = [n for n in names if not n.startswith(("build", ".venv/", ".cache/", ".git/"))]
    return sorted({n for n in names if n and (ROOT / n).is_file()})


FILES = tracked_files()
CODE = (".cpp", ".h", ".c", ".td", ".cpp.in", ".h.in")


def select(*prefixes, suffixes=CODE):
    return [n for n in FILES if n.startswith(prefixes) and n.endswith(suffixes)]


def lines(name):
    text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
    return enumerate(text.splitlines(), 1)


def without_comment(line):
    return re.sub(r"//.*$", "", line)


def layer_of(path):
    """`lib/Target/CPU/X.cpp` and `tenon/Target/CPU/X.h` are both of layer Target."""
    parts = path.split("/")
    if parts[0] == "lib":
        return parts[1] if len(parts) > 2 else None
    if parts[:2] == ["include", "tenon"]:
        return parts[2] if len(parts) > 3 else None
    if parts[0] == "tenon":
        return parts[1] if len(parts) > 2 else None
    return None


def includes(name):
    for number, line in lines(name):
        match = re.match(r'\s*#?\s*include\s+["<]([^">]+)[">]', line)
        if match:
            yield number, match.group(1)


def include_direction():
    """Dependencies point one way (see docs/Rationale/README.md)."""
    for name in select("lib/", "include/"):
        mine = layer_of(name)
        if mine is None:
            continue
        if mine not in LAYERS:
            yield f"{name}:1: '{mine}' is no layer that utils/check-architecture.py knows"
            continue
        for number, included in includes(name):
            other = layer_of(included)
            if other is None or other == mine or other == "Support":
                continue
            if other not in LAYERS[mine]:
                yield f"{name}:{number}: {mine} must not include {other} ({included})"
        if mine == "Frontend":
            for number, included in includes(name):
                if included.startswith("tenon/Dialect/") and not included.startswith("tenon/Dialect/ONNX"):
                    yield f"{name}:{number}: the frontend sees the ONNX dialect only ({included})"


def target_of(path):
    """The target whose file this is; None for what targets share and all else."""
    match = re.match(r"(?:lib|include/tenon)/Target/(\w+)/", path)
    return match.group(1) if match and match.group(1) not in SHARED_ROOMS else None


def targets_apart():
    """Only a target itself, the file that registers it and unit tests include its headers; what
    targets share includes none of them."""
    for name in select("lib/", "include/", "tools/", "python/", "runtime/"):
        if name == "lib/Pipelines/RegisterTargets.cpp":
            continue
        match = re.match(r"(?:lib|include/tenon)/Target/(\w+)/", name)
        own = match.group(1) if match else None
        allowed = {own} | SHARED_ROOMS.get(own, SHARED_ROOMS.keys())
        for number, included in includes(name):
            match = re.match(r"tenon/Target/(\w+)/", included)
            if match and match.group(1) not in allowed:
                yield f"{name}:{number}: must not include Target/{match.group(1)} ({included})"


def runtime_alone():
    """The runtime includes nothing of the compiler, of LLVM or of protobuf."""
    own = {n.split("include/", 1)[1] for n in select("runtime/include/")}
    for name in select("runtime/"):
        for number, included in includes(name):
            if included.startswith(("mlir/", "llvm/", "lld/", "google/", "onnx/")):
                yield f"{name}:{number}: the runtime must not include {included}"
            elif included.startswith("tenon/") and included not in own:
                yield f"{name}:{number}: the runtime must not include the compiler's {included}"


def protobuf_in_frontend():
    """lib/Frontend is the only code that sees protobuf and ONNX's headers."""
    for name in select("lib/", "include/", "tools/", "runtime/", "python/"):
        if name.startswith("lib/Frontend/"):
            continue
        for number, included in includes(name):
            if included.startswith(("google/protobuf", "onnx/")):
                yield f"{name}:{number}: only lib/Frontend may include {included}"


def no_global_state():
    """Options are structs that flow from the pipeline: no global option under lib/."""
    pattern = re.compile(r"\bcl::(opt|list|bits)\b|\bsetenv\s*\(|^\s*extern\s+(?!\"C)[\w:<>]+\s+\w+\s*;")
    for name in select("lib/", "include/"):
        for number, line in lines(name):
            if pattern.search(without_comment(line)):
                yield f"{name}:{number}: global option or state: {line.strip()}"


def no_crash_on_input():
    """Wrong input ends in a coded error, never in a crash."""
    pattern = re.compile(r"\b(llvm_unreachable|report_fatal_error|reportFatal\w*|abort|exit|_exit)\s*\(")
    for name in select("lib/Frontend/", "lib/Conversion/ONNXToGraph/", "runtime/src/"):
        if name in ABORT_EXCEPTIONS:
            continue
        for number, line in lines(name):
            if pattern.search(without_comment(line)):
                yield f"{name}:{number}: {line.strip()}"


def exceptions_in_frontend():
    """Only lib/Frontend and the Python module may use exceptions."""
    pattern = re.compile(r"\b(throw\b|catch\s*\()|\btry\s*\{")
    for name in select("lib/", "runtime/src/", "runtime/drivers/", "tools/"):
        if name.startswith("lib/Frontend/"):
            continue
        for number, line in lines(name):
            if pattern.search(re.sub(r'"[^"]*"', "", without_comment(line))):
                yield f"{name}:{number}: {line.strip()}"


def chips_in_targets():
    """Nothing outside a target and its data names a chip."""
    for name in select("lib/", "include/", "runtime/"):
        if target_of(name) or name.startswith("runtime/drivers/"):
            continue
        for number, line in lines(name):
            match = CHIP_NAMES.search(without_comment(line))
            if match:
                yield f"{name}:{number}: names a chip: {match.group(0)}"


def devices_in_targets():
    """No string names a device but in the folder of its target: others ask Target::device()."""
    devices = set()
    for name in select("lib/Target/", "include/tenon/Target/"):
        devices |= set(re.findall(r'kDevice = "(\w+)"', (ROOT / name).read_text()))
    if not devices:
        yield "lib/Target:1: no target states its kDevice"
    pattern = re.compile(rf'"(?:{"|".join(sorted(devices))})[":]')
    for name in select("lib/", "include/", suffixes=(".cpp", ".h")):
        if target_of(name):
            continue
        for number, line in lines(name):
            if pattern.search(without_comment(line)):
                yield f"{name}:{number}: names a device: {line.strip()}"


def passes_described_and_tested():
    """Each pass has a summary and a description, and occurs in a RUN line."""
    runs = []
    for name in FILES:
        if name.startswith("test/") and name.endswith((".mlir", ".test", ".onnxtxt")):
            runs += [line for _, line in lines(name) if "RUN:" in line]
    runs = "\n".join(runs)
    for name in select("include/", suffixes=("Passes.td",)):
        text = (ROOT / name).read_text()
        for match in re.finditer(r'^def\s+(\w+)\s*:\s*(?:Interface)?Pass<\s*"([^"]+)"', text, re.MULTILINE):
            number = text.count("\n", 0, match.start()) + 1
            end = text.find("\ndef ", match.end())
            body = text[match.end() : end if end > 0 else len(text)]
            if not re.search(r"let\s+summary\s*=", body):
                yield f"{name}:{number}: {match.group(1)} has no summary"
            if not re.search(r"let\s+description\s*=", body):
                yield f"{name}:{number}: {match.group(1)} has no description"
            if not re.search(rf"(?<!\w)(?<!\w-){re.escape(match.group(2))}(?![\w-])", runs):
                yield f"{name}:{number}: pass {match.group(2)} occurs in no RUN line under test/"


def ops_described():
    """Each op has a summary (a dialect's base classes excepted), each op of the graph dialect an example."""
    for name in select("include/", suffixes=("Ops.td",)):
        text = (ROOT / name).read_text()
        for match in re.finditer(r'^def\s+(\w+)\s*:\s*\w*Op<\s*"(\w[\w.]*)"', text, re.MULTILINE):
            end = text.find("\ndef ", match.end())
            body = text[match.end() : end if end > 0 else len(text)]
            op, number = match.group(2), text.count("\n", 0, match.start()) + 1
            if not re.search(r"let\s+summary\s*=", body):
                yield f"{name}:{number}: {match.group(1)} has no summary"
            if name.startswith("include/tenon/Dialect/Graph/"):
                description = re.search(r"let\s+description\s*=\s*\[\{(.*?)\}\]", body, re.DOTALL)
                blocks = re.findall(r"```mlir\n(.*?)```", description.group(1), re.DOTALL) if description else []
                if not any(re.search(rf"\bgraph\.{op}\b", block) for block in blocks):
                    yield f"{name}:{number}: {match.group(1)}'s description has no ```mlir example of graph.{op}"


def ops_tested():
    """Each op is in its dialect's round-trip test, each numbered constraint of an op in an errors test."""
    for name in select("include/tenon/Dialect/", suffixes=("Ops.td",)):
        text, dialect = (ROOT / name).read_text(), name.split("/")[3]
        tests = {n: (ROOT / n).read_text() for n in FILES if n.startswith(f"test/Dialect/{dialect}/")}
        errors = set()
        for test, content in tests.items():
            if "/errors" in test:
                errors |= set(re.findall(r"expected-error[^\n]*\{\{\W*(C\d+)\W[^\n]*\n[^\n]*?\b\w+\.(\w+)", content))
        round_trip = "".join(content for test, content in tests.items() if "/round-trip" in test)
        for match in re.finditer(r'^def\s+\w+\s*:\s*\w+<\s*(?:\w+_Dialect,\s*)?"(\w+)"', text, re.MULTILINE):
            op, end = match.group(1), text.find("\ndef ", match.end())
            number = text.count("\n", 0, match.start()) + 1
            if not re.search(rf"{dialect.lower()}\.{op}\b", round_trip):
                yield f"{name}:{number}: {op} is in no round-trip test under test/Dialect/{dialect}"
            for constraint in re.findall(r"^\s+(C\d+):", text[match.end() : end if end > 0 else len(text)], re.MULTILINE):
                if (constraint, op) not in errors:
                    yield f"{name}:{number}: {op}'s constraint {constraint} has no test in test/Dialect/{dialect}/errors*.mlir"


def size_budget():
    """No source file over 800 lines, no file over 100 kB."""
    sources = CODE + (".py", ".mlir", ".test", ".sh", ".cmake", ".md", ".fbs", ".onnxtxt")
    for name in FILES:
        size = (ROOT / name).stat().st_size
        if size > HARD_BYTES:
            yield f"{name}:1: {size} bytes, over {HARD_BYTES}"
        if name.endswith(sources):
            count = sum(1 for _ in lines(name))
            if count > HARD_LINES:
                yield f"{name}:{HARD_LINES}: {count} lines, over {HARD_LINES}"


def code_alone(text):
    """C++ with its comments, literals and preprocessor lines blanked, so that each brace counts; lines stay."""
    ignored = re.compile(
        r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\[^\n]+?|[^'\\\n])'"""
        r"""|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*""",
        re.DOTALL | re.MULTILINE,
    )
    return ignored.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def functions(text):
    """(name, first line, number of lines) of each function, from its signature to its closing brace.

    Namespaces, classes, enumerations and initialisers are looked into; what is inside a function, lambdas and
    local classes, is part of it."""
    code = code_alone(text)
    ends, opened = {}, []  # the closing brace of each opening one
    for match in re.finditer(r"[{}]", code):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.start()
    mark = re.compile(r"[{};]|\b(?:public|private|protected):")
    begin = position = 0  # of what may be a signature, and of what is not looked at yet
    while match := mark.search(code, position):
        position = match.end()
        signature = code[begin : match.start()].strip()
        is_argument = signature.count("(") > signature.count(")")
        if match[0] != "{" or (is_scope(signature) and not is_argument):
            begin = position
            continue
        end = position = ends.get(match.start(), len(code) - 1) + 1
        # Braces of a default argument, or of a constructor's initialiser, stand before the function's own.
        if is_argument or code[end:].lstrip()[:1] in ("{", ","):
            continue
        name = re.search(r"(operator\W+|[\w:~]+)\s*\(", signature)
        first = code.index(signature, begin)
        yield name[1] if name else "lambda", code.count("\n", 0, first) + 1, code.count("\n", first, end) + 1
        begin = end


def is_scope(signature):
    """Whether braces after this text enclose declarations or values, not statements."""
    if re.match(r"(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union|enum)\b", signature, re.DOTALL):
        return True
    return signature.endswith("=") or not ("(" in signature or signature.endswith("]"))


def function_size():
    """No function over 60 lines: one that does several things in turn is several functions."""
    for name in select("lib/", "include/", "tools/", "runtime/src/", "runtime/include/"):
        if name.endswith(".td"):
            continue
        for function, first, count in functions((ROOT / name).read_text(encoding="utf-8", errors="replace")):
            if count > FUNCTION_LINES:
                yield f"{name}:{first}: {function} has {count} lines, over {FUNCTION_LINES}"


def license_header():
    """Each source file names its licence in its first lines."""
    sources = CODE + (".py", ".sh", ".fbs", ".py.in")
    for name in FILES:
        if name.endswith(sources) or name in ("Makefile", ".ci/run"):
            head = (ROOT / name).read_text(errors="replace").splitlines()[:6]
            if not any("SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception" in line for line in head):
                yield f"{name}:1: no SPDX-License-Identifier line"


def purpose_stated():
    """Each .cpp begins with what it is for, after its licence."""
    for name in select("lib/", "tools/", "runtime/", "python/", "unittests/", suffixes=(".cpp",)):
        if not re.match(r"// SPDX[^\n]*\n//\n// *\S", (ROOT / name).read_text(errors="replace")):
            yield f"{name}:1: does not say what the file is for, in a comment after the licence"


def checks_are_run():
    """A test with CHECK lines pipes into FileCheck: otherwise it passes forever."""
    for name in FILES:
        if not (name.startswith("test/") and name.endswith((".mlir", ".test", ".onnxtxt"))):
            continue
        text = (ROOT / name).read_text()
        if re.search(r"^\s*(//|#|;)?\s*CHECK[\w-]*:", text, re.MULTILINE) and "FileCheck" not in text:
            yield f"{name}:1: CHECK lines, but no FileCheck"
        if "RUN:" not in text:
            yield f"{name}:1: no RUN line"


def mlir_linked_once():
    """cmake/TenonMLIR.cmake is the only file that names MLIR's libraries."""
    for name in FILES:
        if not (name.endswith((".cmake", "CMakeLists.txt"))) or name == "cmake/TenonMLIR.cmake":
            continue
        for number, line in lines(name):
            text = re.sub(r"#.*$", "", line)
            if re.search(r"target_link_libraries\([^)]*\b(MLIR\w*|LLVM\w*)\b", text):
                yield f"{name}:{number}: links MLIR or LLVM by itself: {line.strip()}"


CODE_TABLE = "include/tenon/Support/ErrorCodes.def"
# Enumerations whose values become codes when a message is made.
CODE_ENUMS = ("lib/Frontend/ONNX/Problems.h", "lib/Conversion/ONNXToGraph/NodeContext.h", "runtime/include/tenon/tenon.h")


def codes_documented():
    """Each code that a message carries has a row with text, cause and fix in docs/Errors, and
    one in ErrorCodes.def."""
    used = {}
    for name in select("lib/", "include/", "tools/", "runtime/", "python/", suffixes=CODE + (".py",)):
        pattern = r"\bTN(\d{4})\b" + (r"|\b\w+ = ([1-9]\d{3})\b" if name in CODE_ENUMS else "")
        for number, line in lines(name):
            for match in re.finditer(pattern, line):
                used.setdefault("TN" + (match.group(1) or match.group(2)), f"{name}:{number}")
    rows = {}
    for name in select("docs/Errors/", suffixes=(".md",)):
        for number, line in lines(name):
            match = re.match(r"\| (TN\d{4}) \|", line)
            if not match:
                continue
            code, cells = match.group(1), [cell.strip() for cell in line.strip("|").split(" | ")]
            if len(cells) != 4 or not all(cells):
                yield f"{name}:{number}: {code} needs a text, a cause and a fix"
            if code in rows:
                yield f"{name}:{number}: {code} has a row at {rows[code]} already"
            if code not in used:
                yield f"{name}:{number}: nothing reports {code}"
            rows[code] = f"{name}:{number}"
    table = {}
    for number, line in lines(CODE_TABLE):
        if match := re.match(r"TENON_ERROR_CODE\((\d{4}), \w+, (\w+)\)", line):
            table["TN" + match.group(1)] = f"docs/Errors/{match.group(2)}.md"
    for code in sorted(rows.keys() | table.keys()):
        if table.get(code) != rows.get(code, "").split(":")[0]:
            yield f"{CODE_TABLE}:1: has {code} on page {table.get(code)}, documented in {rows.get(code)}"
    for code in sorted(used.keys() - rows.keys()):
        yield f"{used[code]}: {code} has no row in docs/Errors"


def names_of_files():
    """No junk drawers, no committed copies of generated files."""
    for name in FILES:
        base = name.rsplit("/", 1)[-1]
        if re.fullmatch(r"(Utils?|Helpers?|Misc|Common)\.(cpp|h|py)", base):
            yield f"{name}:1: a file is named for what it holds, not '{base}'"
        if base.endswith((".onnx", ".inc", ".o", ".so", ".npz")):
            yield f"{name}:1: binary or generated file"


def formatted():
    """The code is as clang-format-22 and .clang-format have it."""
    if not shutil.which("clang-format-22"):
        yield "clang-format-22 is not installed; utils/setup.sh does it"
        return
    names = select("", suffixes=(".c", ".cpp", ".h"))
    done = subprocess.run(["clang-format-22", "--dry-run", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    found = dict.fromkeys(match[1] for match in re.finditer(r"^(\S+?):\d+:\d+: warning: code should be", done.stderr, re.MULTILINE))
    for name in found:
        yield f"{name}:1: is formatted otherwise; run clang-format-22 -i {name}"
    if done.returncode:
        yield f"clang-format-22 failed: {done.stderr.strip()}"


RULES = (
    include_direction, targets_apart, runtime_alone, protobuf_in_frontend, no_global_state,
    no_crash_on_input, exceptions_in_frontend, chips_in_targets, devices_in_targets, passes_described_and_tested,
    ops_described, ops_tested, size_budget, function_size, license_header, purpose_stated, checks_are_run,
    mlir_linked_once, codes_documented, names_of_files, formatted,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the names of passed and failed rules here")
    arguments = parser.parse_args()
    result = {"passed": [], "failed": [], "skipped": []}
    for rule in RULES:
        problems = list(rule())
        name = f"architecture.{rule.__name__}"
        result["failed" if problems else "passed"].append(name)
        if problems:
            print(f"{rule.__name__}: {rule.__doc__.strip()}")
            for problem in problems:
                print(f"  {problem}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(result))
    print(f"{len(result['passed'])} rules hold, {len(result['failed'])} are broken")
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
