#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Follows the how-to pages to the letter, so that they cannot rot.

A code block of a page may say where it belongs, behind its language:

    ```cpp path=lib/X.cpp                  a new file
    ```cpp path=lib/X.cpp after="text"     lines after the first that holds text
    ```cpp path=lib/X.cpp before="text"    lines before the last that holds text
    ```sh run                              commands, run at the root
    ```sh run needs=NAME,NAME              the same, where these programs, Python modules or
                                           folders (../shared) are

    utils/try-howto.py                  every page, in a clone of HEAD in build/howto
    utils/try-howto.py add-a-pass       one page
    utils/try-howto.py --check          only whether each block has its place (no build)
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "HowTo"
BLOCK = re.compile(r"^ *(?P<fence>`{3,})\w+(?P<options>[^\n]*)\n(?P<text>.*?)^ *(?P=fence)$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """(options, text without its indentation) of the blocks that say what to do with
    them; the option `section` is the heading above."""
    page = page.read_text()
    for match in BLOCK.finditer(page):
        options = dict(re.findall(r'(path|after|before|needs)="?((?<=")[^"]*|[^\s"]+)', match["options"]))
        if "run" in match["options"].split():
            options["run"] = True
        if options:
            options["section"] = re.findall(r"^#+ (.*)", page[: match.start()], re.MULTILINE)[-1]
            indent = len(match[0]) - len(match[0].lstrip())
            yield options, "\n".join(line[indent:] for line in match["text"].split("\n"))


def lacking(options):
    """The first thing that a block needs and this machine has not, or None."""
    for name in filter(None, options.get("needs", "").split(",")):
        if name.startswith("../"):
            if not (ROOT / name).exists():
                return name
            continue
        module = [ROOT / ".venv/bin/python", "-c", f"import importlib.util as u; exit(not u.find_spec({name!r}))"]
        if not shutil.which(name) and subprocess.run(module, check=False).returncode:
            return name
    return None


def place(lines, options):
    """The line at which a block is put in, or what is wrong."""
    text = options.get("after") or options.get("before")
    found = [number for number, line in enumerate(lines) if text in line]
    if not found:
        return None
    return found[0] + 1 if "after" in options else found[-1]


def check(page):
    for options, _ in blocks(page):
        if "path" not in options:
            continue
        path = ROOT / options["path"]
        if "after" not in options and "before" not in options:
            if path.exists():
                yield f"{page.name}: {options['path']} exists already"
            if not path.parent.is_dir():
                yield f"{page.name}: there is no folder for {options['path']}"
        elif not path.is_file():
            yield f"{page.name}: there is no {options['path']}"
        elif place(path.read_text().splitlines(), options) is None:
            yield f"{page.name}: no place in {options['path']} for the block {options}"


def clone(folder):
    if not folder.exists():
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    git = ["git", "-C", folder]
    subprocess.run([*git, "fetch", "--quiet", "origin"], check=True)
    subprocess.run([*git, "checkout", "--quiet", "--force", head], check=True)
    subprocess.run([*git, "clean", "--quiet", "-fd"], check=True)
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(ROOT / ".venv")
    # Test data lies beside a tree.
    beside = folder.parent / "shared"
    if not beside.exists() and (ROOT.parent / "shared").is_dir():
        beside.symlink_to(ROOT.parent / "shared")


def follow(page, tree):
    for options, text in blocks(page):
        if "run" in options:
            if missing := lacking(options):
                print(f"skipped: no {missing}: {options['section']}", flush=True)
                continue
            print(f"$ {text.strip()}", flush=True)
            if subprocess.run(["sh", "-e", "-c", text], cwd=tree, check=False).returncode:
                return f"{page.name}: failed: {text.strip()}"
            continue
        path = tree / options["path"]
        if "after" in options or "before" in options:
            lines = path.read_text().splitlines()
            at = place(lines, options)
            if at is None:
                return f"{page.name}: no place in {options['path']} for the block {options}"
            path.write_text("\n".join(lines[:at] + text.rstrip("\n").split("\n") + lines[at:]) + "\n")
        else:
            path.write_text(text)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", help="names without .md; all by default")
    parser.add_argument("--check", action="store_true", help="build and run nothing")
    parser.add_argument("--tree", type=Path, default=ROOT / "build" / "howto", help="the clone to work in")
    arguments = parser.parse_args()
    pages = [PAGES / f"{name}.md" for name in arguments.pages] or sorted(PAGES.glob("*.md"))
    problems = [problem for page in pages for problem in check(page)]
    if not problems and not arguments.check:
        os.environ.pop("MAKEFLAGS", None)
        clone(arguments.tree)
        problems = [problem for page in pages if (problem := follow(page, arguments.tree))]
    for problem in problems:
        print(problem, file=sys.stderr)
    followed = sum(1 for page in pages for _ in blocks(page))
    print(f"{len(pages)} pages with {followed} blocks, {len(problems)} problems")
    return 1 if problems or not followed else 0


if __name__ == "__main__":
    sys.exit(main())
