#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What leaves the tree: the installed runtime, its archive, and the Python package.

Follows docs/HowTo/run-on-another-machine.md to the letter, with qemu as the other
machine, then uses what it installed from another place. With --sweep also what
compiles for minutes or asks a package index: musl by ziglang, and `pip install`.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cross
from harness import ROOT, Driver, Results, cached_compilers, excerpt, parser

PAGE = ROOT / "docs/HowTo/run-on-another-machine.md"
ANSWER = "1 0 6 2"  # of the page's program
# What only --sweep has the time for.
SLOW = ("ziglang",)
# Debian's packages, of which the set-up has only these.
SYSTEMS = {"AArch64": "aarch64", "RISC-V": "riscv64"}


def load_pages():
    """utils/try-howto.py, which knows how to read a page."""
    spec = importlib.util.spec_from_file_location("try_howto", ROOT / "utils/try-howto.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(command, timeout, **where):
    """(exit status, its output) of a command."""
    try:
        done = subprocess.run(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout, check=False, **where)
    except subprocess.TimeoutExpired:
        return 124, f"no answer after {timeout} s"
    return done.returncode, done.stdout.decode(errors="replace")


class Shipping:
    def __init__(self, build, scratch, timeout):
        self.build, self.scratch, self.timeout = build, scratch, timeout
        self.made = build / "shipping"  # where the page puts things

    def page(self, results, everything):
        """Runs the page's blocks in a tree that has this build as its build folder."""
        pages = load_pages()
        shutil.rmtree(self.made, ignore_errors=True)
        tree = self.scratch / "tree"
        tree.mkdir()
        (tree / "build").symlink_to(self.build)
        (tree / ".venv").symlink_to(ROOT / ".venv")
        for number, (options, text) in enumerate(pages.blocks(PAGE)):
            name, needs = f"howto {number}: {options['section']}", options.get("needs", "").split(",")
            if not everything and any(slow in needs for slow in SLOW):
                continue
            lacking = pages.lacking(options)
            system = SYSTEMS.get(options["section"])
            if lacking or (system and cross.missing(system)):
                results.skip(name, f"no {lacking}" if lacking else cross.missing(system))
                continue
            status, output = call(["sh", "-e", "-c", text], self.timeout, cwd=tree, env=cached_compilers(tree))
            results.record(name, status == 0, excerpt(output, 12))

    def archive(self):
        """The archive has every header that its sources include and a system has not."""
        runtime = self.made / "runtime"
        lacking = [name for name in ("LICENSE", "README.md", "build.sh", "example.c", "schema/manifest_generated.h")
                   if not (runtime / name).is_file()]
        folders = [f"-I{runtime / name}" for name in ("include", "schema", "src", "drivers")]
        command = ["c++", "-std=c++20", "-M", *folders, "-isystem", runtime / "third_party", runtime / "src/artifact.cpp"]
        status, output = call(command, self.timeout)
        if status or lacking:
            return False, f"    lacks {lacking}\n{excerpt(output)}"
        found = [Path(name) for name in output.replace("\\\n", " ").split()[1:]]
        named = [path for path in found if re.search(r"flatbuffers|xxh|tenon|manifest", str(path))]
        outside = [str(path) for path in named if runtime not in path.parents]
        return len(named) > 10 and not outside, f"    {len(named)} headers, from elsewhere: {outside}"

    def moved(self):
        """The prefix names no folder of this machine, and serves from another place."""
        prefix = self.scratch / "elsewhere" / "prefix"
        shutil.copytree(self.made / "prefix", prefix)
        for path in prefix.rglob("*"):
            if path.is_file() and path.suffix in (".h", ".cmake", ".pc", ".so", ".a"):
                for folder in (self.build, ROOT, self.made):
                    if str(folder).encode() in path.read_bytes():
                        return False, f"    {path.relative_to(prefix)} names {folder}"
        return True, ""

    def cmake_package(self):
        """Both libraries in a project of C and one of C++; another major version is refused."""
        prefix = self.scratch / "elsewhere" / "prefix"
        folder = self.scratch / "project"
        folder.mkdir()
        for language, kind in (("C", "c"), ("CXX", "cpp")):
            source = (self.made / "run.c").read_text()
            (folder / f"run.{kind}").write_text(source.replace("const float *y = output.data", "const float *y = (const float *)output.data"))
            for library in ("rt", "rt-static"):
                (folder / "CMakeLists.txt").write_text(
                    f"cmake_minimum_required(VERSION 3.16)\nproject(run LANGUAGES {language})\nfind_package(tenon 0.1 REQUIRED)\n"
                    f"add_executable(run run.{kind})\ntarget_link_libraries(run PRIVATE tenon::{library})\n")
                made = folder / f"{kind}-{library}"
                for command in (["cmake", "-S", folder, "-B", made, f"-DCMAKE_PREFIX_PATH={prefix}"], ["cmake", "--build", made],
                                [made / "run", self.made / "host.tenon"]):
                    status, output = call(command, self.timeout)
                    if status:
                        return False, f"    {language}, tenon::{library}:\n{excerpt(output)}"
                if output.strip() != ANSWER:
                    return False, f"    {language}, tenon::{library}: {output}"
        text = (folder / "CMakeLists.txt").read_text().replace("tenon 0.1", "tenon 99")
        (folder / "CMakeLists.txt").write_text(text)
        status, output = call(["cmake", "-S", folder, "-B", folder / "newer", f"-DCMAKE_PREFIX_PATH={prefix}"], self.timeout)
        return status != 0 and "99" in output, f"    version 99 is taken:\n{excerpt(output)}"

    def pkg_config(self):
        """Its version is the library's, and its flags name the place that it is in."""
        prefix = self.scratch / "elsewhere" / "prefix"
        environment = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "lib/pkgconfig"))
        status, version = call(["pkg-config", "--modversion", "tenon-rt"], self.timeout, env=environment)
        project = re.search(r"project\(tenon VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        if status or version.strip() != project:
            return False, f"    version {version.strip()}, expected {project}"
        _, flags = call(["pkg-config", "--cflags", "--libs", "tenon-rt"], self.timeout, env=environment)
        program = self.scratch / "run"
        status, output = call(["cc", self.made / "run.c", "-o", program, *flags.split()], self.timeout)
        if status:
            return False, excerpt(output)
        environment["LD_LIBRARY_PATH"] = str(prefix / "lib")
        status, output = call([program, self.made / "host.tenon"], self.timeout, env=environment)
        return output.strip() == ANSWER, excerpt(output)

    def pip(self):
        """None and the reason where no index can be reached; else as the other checks."""
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH", "MAKEFLAGS")}
        where = {"env": environment, "cwd": self.scratch}
        status, output = call(["/usr/bin/python3", "-m", "venv", "env"], self.timeout, **where)
        if status:
            return False, excerpt(output)
        python = self.scratch / "env/bin/python"
        status, output = call([python, "-m", "pip", "install", "--disable-pip-version-check", ROOT], self.timeout, **where)
        if status:
            unreachable = re.search(r"Temporary failure in name resolution|Network is unreachable|No matching distribution found", output)
            return None if unreachable else False, "no package index" if unreachable else excerpt(output, 12)
        uses = f"""
import tenon, numpy as np
artifact = tenon.compile({str(self.made / "model.onnx")!r})
assert artifact.session().run({{"x": np.float32([[1, 2, 3, 4]])}})["y"].tolist() == [[1, 0, 6, 2]]
assert tenon.verify({str(self.made / "model.onnx")!r}).ok and tenon.targets() and tenon.formats.names()
print(tenon.__version__, {str(self.build)!r} in open("/proc/self/maps").read())
"""
        expected = re.search(r"project\(tenon VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
        for command, answer in (([python, "-c", uses], rf"{re.escape(expected)} False\n"),
                                ([self.scratch / "env/bin/tenon", "--version"], rf"tenon {re.escape(expected)}, .*\n"),
                                ([python, "-m", "tenon", "inspect", self.made / "host.tenon"], r"(?s).*\bx\b.*")):
            status, output = call(command, self.timeout, **where)
            if status or not re.fullmatch(answer, output):
                return False, f"    {command[1:3]}:\n{excerpt(output)}"
        return True, ""


def main():
    flags = parser(__doc__, timeout=900)
    flags.add_argument("--sweep", action="store_true", help="also what takes minutes: musl, and pip install")
    arguments = flags.parse_args()
    build = Path(arguments.build).resolve()
    results = Results({})
    driver = Driver(build, arguments.timeout)
    if driver.sanitized:
        results.skip("shipping", "a sanitized library needs the sanitizer's runtime")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("shipping", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)
    with tempfile.TemporaryDirectory() as scratch:
        shipping = Shipping(build, Path(scratch), arguments.timeout)
        shipping.page(results, arguments.sweep)
        for check in (shipping.archive, shipping.moved, shipping.cmake_package, shipping.pkg_config):
            results.record(check.__name__, *check())
        if arguments.sweep:
            ok, detail = shipping.pip()
            if ok is None or build != ROOT / "build":
                results.skip("pip", detail if ok is None else "pip installs the folder build alone")
            else:
                results.record("pip", ok, detail)
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
