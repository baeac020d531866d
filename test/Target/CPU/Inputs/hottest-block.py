#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""hottest-block.py [MNEMONIC]

Prints the inner loop of the assembly on standard input: the basic block that
ends in a jump to its own label and holds the most fused multiply-adds, or
instructions that begin with MNEMONIC, of several the shortest, with their number in
front, and that of instructions that read or write a fixed place of x86's stack.
Fails where no block has any."""

import re
import sys

LABEL = re.compile(r"^(\.?[\w$.]+):")
JUMP = re.compile(r"^\s+j\w+\s+(\S+)")
FMA = re.compile(r"^\s+vfn?m(add|sub)\d+[ps]s")
STACK = re.compile(r"\(%rsp\)")


def loops(lines):
    """Basic blocks that jump to themselves, as lists of lines."""
    label, block = None, []
    for line in lines:
        if found := LABEL.match(line):
            label, block = found.group(1), []
        elif not line.strip().startswith(("#", ".")):
            block.append(line.rstrip())
            if jump := JUMP.match(line):
                if jump.group(1) == label:
                    yield block
                label, block = None, []


def main():
    wanted = re.compile(r"^\s+" + re.escape(sys.argv[1])) if sys.argv[1:] else FMA
    count = lambda block: sum(bool(wanted.match(line)) for line in block)  # noqa: E731
    best = max(loops(sys.stdin), key=lambda block: (count(block), -len(block)), default=[])
    if not count(best):
        sys.exit(f"no loop with {wanted.pattern}")
    print(f"{sys.argv[1] if sys.argv[1:] else 'fma'} {count(best)} of {len(best)} instructions, {sum(bool(STACK.search(line)) for line in best)} on a place of the stack")
    print("\n".join(best))


if __name__ == "__main__":
    main()
