# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m tenon` and the command `tenon` of an installed package."""

import os
import sys

from .command import find
from .errors import TenonError


def main():
    try:
        command = find()
    except TenonError as error:
        sys.exit(f"error: {error}")
    # In place of this process: signals, exit status and standard streams are the command's.
    os.execv(command, [command, *sys.argv[1:]])


if __name__ == "__main__":
    main()
